//! Binding a listener to one address, or to all addresses of the host.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sys;

/// Binds to `address`, or to all addresses: of IPv6 and IPv4, and of IPv4 alone where there is no IPv6.
/// An error names the port by its `kind`.
pub fn bind<T>(
    kind: &str,
    address: Option<IpAddr>,
    port: u16,
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> Result<T, String> {
    let bound = match address {
        Some(address) => bind((address, port).into()),
        None => match bind((Ipv6Addr::UNSPECIFIED, port).into()) {
            Err(error) if lacks_ipv6(&error) => bind((Ipv4Addr::UNSPECIFIED, port).into()),
            bound => bound,
        },
    };
    bound.map_err(|error| {
        let what = match address {
            Some(address) if error.kind() == ErrorKind::AddrNotAvailable => format!("listen on {address}"),
            _ => format!("listen on {kind} port {port}"),
        };
        sys::cannot(&what)(error)
    })
}

/// The kernel was built or started without IPv6.
fn lacks_ipv6(error: &io::Error) -> bool {
    error.raw_os_error() == Some(sys::errno::EAFNOSUPPORT)
}
