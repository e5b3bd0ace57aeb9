//! Stub until the room lands.
#![allow(missing_docs)]
use std::net::IpAddr;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    NotFound,
    Timeout,
    ServerFailure,
    Malformed,
}
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.split('.').all(|l| {
            !l.is_empty()
                && l.len() < 64
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        })
        || name.strip_suffix('.').is_some_and(is_name)
}
#[derive(Default)]
pub struct Resolver {}
impl Resolver {
    pub fn look_up(&self, name: &str, _d: crate::time::Deadline) -> Result<Vec<IpAddr>, Error> {
        use std::net::ToSocketAddrs;
        Ok((name, 0).to_socket_addrs().map_err(|_| Error::NotFound)?.map(|a| a.ip()).collect())
    }
}
