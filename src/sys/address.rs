//! `sockaddr_in` and `sockaddr_in6` as bytes, to and from [`SocketAddr`]. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Address families of socket(2).
pub(super) const AF_INET: u16 = 2;
pub(super) const AF_INET6: u16 = 10;

/// Room for the larger of the two, aligned as the kernel's.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct RawAddress {
    pub(super) bytes: [u8; 28],
    pub(super) len: u32,
}

impl RawAddress {
    /// An empty one for the kernel to fill.
    pub(super) fn empty() -> Self {
        Self { bytes: [0; 28], len: 28 }
    }

    /// The port, which both families keep in the same place.
    pub fn port(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    /// The address, an IPv4 one also where a dual-stack socket wrote it as IPv6. `None` of another family.
    pub fn decode(&self) -> Option<SocketAddr> {
        let bytes = &self.bytes;
        match (u16::from_ne_bytes([bytes[0], bytes[1]]), self.len) {
            (AF_INET, 16..) => {
                let ip = Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]);
                Some(SocketAddr::new(ip.into(), self.port()))
            }
            (AF_INET6, 28..) => {
                let mut ip = [0; 16];
                ip.copy_from_slice(&bytes[8..24]);
                let scope = u32::from_ne_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
                Some(unmapped(SocketAddrV6::new(Ipv6Addr::from(ip), self.port(), 0, scope).into()))
            }
            _ => None,
        }
    }
}

impl From<SocketAddr> for RawAddress {
    fn from(address: SocketAddr) -> Self {
        let mut raw = Self::empty();
        raw.bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        let family = match address {
            SocketAddr::V4(v4) => {
                raw.len = 16;
                raw.bytes[4..8].copy_from_slice(&v4.ip().octets());
                AF_INET
            }
            SocketAddr::V6(v6) => {
                raw.bytes[8..24].copy_from_slice(&v6.ip().octets());
                raw.bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                AF_INET6
            }
        };
        raw.bytes[..2].copy_from_slice(&family.to_ne_bytes());
        raw
    }
}

/// The address as its owner would write it: an IPv4-mapped IPv6 address becomes the IPv4 one.
pub fn unmapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => SocketAddr::new(ip.to_canonical(), address.port()),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_there_and_back() {
        for text in ["127.0.0.1:8080", "255.1.2.3:0", "[::1]:65535", "[2001:db8::1]:53", "[fe80::1%7]:8081"] {
            let address: SocketAddr = text.parse().unwrap();
            let raw = RawAddress::from(address);
            assert_eq!(raw.decode(), Some(address), "{text}");
            assert_eq!(raw.port(), address.port(), "{text}");
        }
    }

    #[test]
    fn a_mapped_address_is_shown_as_ipv4() {
        let mapped: SocketAddr = "[::ffff:10.0.0.5]:43210".parse().unwrap();
        assert_eq!(RawAddress::from(mapped).decode(), Some("10.0.0.5:43210".parse().unwrap()));
    }

    #[test]
    fn what_is_neither_family_or_too_short_is_no_address() {
        assert_eq!(RawAddress::empty().decode(), None);
        let mut short = RawAddress::from(SocketAddr::from(([127, 0, 0, 1], 80)));
        short.len = 15;
        assert_eq!(short.decode(), None);
    }
}
