//! Every foreign function Smoker calls, each behind a safe one; what std already offers is left to std.
//!
//! The only room with `unsafe`. The layouts below are those of 64-bit little-endian Linux, where glibc and
//! musl agree byte for byte (musl writes some lengths as 32 bits and padding that must be zero).

#![allow(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")))]
compile_error!("smoker's foreign functions are declared for 64-bit little-endian Linux only");

pub mod address;
mod control;
pub mod datagram;
pub mod errno;
pub mod host;
pub mod limits;
mod options;
pub mod path_mtu;
pub mod random;
pub mod signal;
pub mod socket;
pub mod stamp;
pub mod stamped;
pub mod tcp_info;

use std::ffi::c_int;
use std::io::{self, ErrorKind};

use errno::{EMFILE, ENFILE, ENOBUFS};

/// The error that `errno` holds where a foreign function returned -1, else what it returned.
fn checked(returned: c_int) -> io::Result<c_int> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// As [`checked`], for functions that return a count of bytes.
fn checked_len(returned: isize) -> io::Result<usize> {
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}

/// Makes the line that ends a command from the system's error: `cannot start a thread: …`.
pub fn cannot(what: &str) -> impl Fn(io::Error) -> String {
    move |error| format!("cannot {what}: {}", describe(&error))
}

/// Whether this host is short of memory, descriptors or buffers.
pub fn is_shortage(error: &io::Error) -> bool {
    let is_known = matches!(error.raw_os_error(), Some(ENFILE | EMFILE | ENOBUFS));
    is_known || error.kind() == ErrorKind::OutOfMemory
}

/// The system's text for `error`, as the end of a line: lower case, without the number. Where glibc and
/// musl use different words, glibc's, which are better known and which the README explains.
pub fn describe(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        (_, Some(EMFILE)) => return "too many open files".into(),
        (ErrorKind::AddrInUse, _) => return "address already in use".into(),
        (ErrorKind::AddrNotAvailable, _) => return "cannot assign requested address".into(),
        _ => {}
    }
    let mut text = error.to_string();
    if let Some(number) = text.rfind(" (os error ") {
        text.truncate(number);
    }
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_the_end_of_a_line() {
        assert_eq!(describe(&io::Error::from_raw_os_error(98)), "address already in use");
        assert_eq!(describe(&io::ErrorKind::TimedOut.into()), "timed out");
        assert_eq!(describe(&io::Error::other("")), "");
        assert_eq!(describe(&io::Error::other("é")), "é");
    }
}
