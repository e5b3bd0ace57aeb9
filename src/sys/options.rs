//! Socket options: setting numbers, and reading structures of them (setsockopt(2)).

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::AsRawFd;

use super::checked;

pub(super) const SOL_SOCKET: c_int = 1;
pub(super) const IPPROTO_IPV6: c_int = 41;

unsafe extern "C" {
    fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, len: u32) -> c_int;
    fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut u32) -> c_int;
}

pub(super) fn set_option(socket: &impl AsRawFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the pointer is to a whole int, and its size is given.
    let set = unsafe { setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), 4) };
    checked(set).map(drop)
}

/// The value of an option that is made of whole numbers; zero where the kernel writes less than there is room
/// for.
pub(super) fn get_option<T: WholeNumbers>(socket: &impl AsRawFd, level: c_int, name: c_int) -> io::Result<T> {
    // SAFETY: zero bytes are a value of any whole number.
    let mut value: T = unsafe { std::mem::zeroed() };
    let mut len = u32::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the kernel writes at most `len` bytes, and any bytes are a value of whole numbers.
    checked(unsafe { getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut len) })?;
    Ok(value)
}

/// A type of which any bytes are a value.
///
/// # Safety
///
/// An implementor is a whole number, or a `repr(C)` structure of them without padding.
pub(super) unsafe trait WholeNumbers {}

// SAFETY: a whole number.
unsafe impl WholeNumbers for c_int {}
