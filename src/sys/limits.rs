//! The process's limit of open descriptors.

use std::ffi::c_int;
use std::io;

use super::checked;

const RLIMIT_NOFILE: c_int = 7;

#[repr(C)]
struct ResourceLimit {
    soft: u64,
    hard: u64,
}

unsafe extern "C" {
    fn getrlimit(resource: c_int, limit: *mut ResourceLimit) -> c_int;
    fn setrlimit(resource: c_int, limit: *const ResourceLimit) -> c_int;
}

/// Raises the soft limit of open descriptors to the hard one if the system lets it, and returns what it is.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = ResourceLimit { soft: 0, hard: 0 };
    // SAFETY: `limit` is a whole struct rlimit.
    checked(unsafe { getrlimit(RLIMIT_NOFILE, &raw mut limit) })?;
    let raised = ResourceLimit { soft: limit.hard, ..limit };
    // SAFETY: as above.
    match checked(unsafe { setrlimit(RLIMIT_NOFILE, &raw const raised) }) {
        Ok(_) => Ok(raised.soft),
        Err(_) => Ok(limit.soft),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = raise_descriptor_limit().unwrap();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!(numbers, [limit, limit]);
    }
}
