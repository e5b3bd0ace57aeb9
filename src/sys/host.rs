//! The host's name.

use std::ffi::c_int;
use std::io;

use super::checked;

/// The longest host name of Linux is 64 bytes (`HOST_NAME_MAX`), and its end.
const ROOM: usize = 65;

unsafe extern "C" {
    fn gethostname(name: *mut u8, len: usize) -> c_int;
}

/// The host's name, which works without /proc too. Bytes that are not UTF-8 are replaced.
pub fn name() -> io::Result<String> {
    let mut name = [0; ROOM];
    // SAFETY: the pointer and length are of one array.
    checked(unsafe { gethostname(name.as_mut_ptr(), name.len()) })?;
    let len = name.iter().position(|byte| *byte == 0).unwrap_or(ROOM);
    Ok(String::from_utf8_lossy(&name[..len]).into_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_name_that_proc_shows() {
        let shown = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(super::name().unwrap(), shown.trim_end());
    }
}
