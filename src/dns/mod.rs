//! A stub resolver whose look-ups always end by their deadline; literal addresses are left to the caller.
//!
//! Out of scope: caching, DNSSEC, other alphabets, multicast DNS, and the order of RFC 6724.

mod exchange;
mod hosts;
mod look_up;
mod message;
mod name;
mod nameservers;
mod questions;
mod reader;
mod resolv_conf;
#[cfg(test)]
mod test_nameserver;

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::time::Deadline;
use resolv_conf::ResolvConf;

pub use name::Name;
pub use nameservers::Surveyed;
use questions::Questions;
pub use questions::{Answer, Reached, UDP_PORTS};

/// The most addresses a look-up gives: about as many as a UDP reply without EDNS has room for, twice over. A
/// list that is full may have left some out.
pub const ADDRESS_LIMIT: usize = 64;

/// The most bytes read of the hosts file and of resolv.conf, whole lines only: some five thousand hosts.
const FILE_LIMIT: usize = 256 * 1024;

/// The bytes read at a time: nearly every such file, with one call.
const READ_LENGTH: usize = 4096;

/// Why a look-up gave no address.
///
/// Several nameservers may fail in several ways. `Local` outranks all others, because it makes them doubtful;
/// and a reply outranks a missing one: `ServerFailure` for a SERVFAIL, then `Timeout`, then
/// `Malformed`, then `ServerFailure` for servers that were all unreachable. Among the names of the search
/// list, the first that failed decides: had it been answered, it might have been the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Every name of the search list was answered, and has no address of either family (NXDOMAIN or no such
    /// record). Never used while the answer for one of them, or for one family, is not known.
    NotFound,
    /// The time ran out, or was out for all attempts, before a nameserver answered for both families.
    Timeout,
    /// A nameserver replied that it cannot answer (SERVFAIL, REFUSED and like codes), or not one could be
    /// reached (an ICMP error, no route, a refused TCP connection, a packet filter on the way out).
    ServerFailure,
    /// What the nameservers sent, those that could be reached, was no DNS reply, or aliases without an end.
    Malformed,
    /// This host had no socket to send from: descriptors, memory or ports ran out. It is no evidence about
    /// DNS.
    Local,
}

impl From<exchange::Failure> for Error {
    fn from(failure: exchange::Failure) -> Self {
        match failure {
            exchange::Failure::Unreachable | exchange::Failure::Refused | exchange::Failure::Declined => {
                Self::ServerFailure
            }
            exchange::Failure::Malformed => Self::Malformed,
            exchange::Failure::Silent => Self::Timeout,
            exchange::Failure::Local => Self::Local,
        }
    }
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// At least one, at most [`ADDRESS_LIMIT`], each once; IPv4 comes first.
    pub addresses: Vec<IpAddr>,
    /// The name of the search list that had them, without its final dot; aliases may have led on from it.
    pub name: String,
    /// The nameserver that answered. `None`: the hosts file.
    pub resolver: Option<SocketAddr>,
}

/// Where names are looked up. Both files are read anew each time, because a pod's change; a file that is
/// missing or cannot be read is an empty one, and an empty resolv.conf means the nameserver on 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The hosts file, hosts(5), which comes before every nameserver.
    pub hosts: PathBuf,
    /// The resolv.conf(5).
    pub resolv_conf: PathBuf,
}

impl Default for Resolver {
    fn default() -> Self {
        Self { hosts: "/etc/hosts".into(), resolv_conf: "/etc/resolv.conf".into() }
    }
}

impl Resolver {
    /// The addresses of the host `name`.
    ///
    /// IPv4 comes first, and then the order is the answers' own. Most clusters have IPv4 alone, and there the
    /// AAAA of an outside name costs half of a probe's time, while a cluster of IPv6 alone refuses IPv4 at
    /// once. The error comes by the deadline; a `name` that is no [`Name`] is not found.
    pub fn look_up(&self, name: &str, deadline: Deadline) -> Result<Found, Error> {
        let parsed = Name::parse(name).ok_or(Error::NotFound)?;
        let addresses = hosts::addresses(&read(&self.hosts), name);
        if !addresses.is_empty() {
            return Ok(Found { addresses, name: parsed.to_string(), resolver: None });
        }
        let conf = self.conf();
        look_up::look_up(&conf.candidates(&parsed, name.ends_with('.')), &conf, deadline)
    }

    /// Every nameserver asked separately and at the same time, in the order of resolv.conf, one to three:
    /// whether it replies, over UDP and over TCP, and its answers for `name`, if there is one, and for
    /// `kubernetes.default`, if a search domain begins with `svc.`. Without either it is asked for the root,
    /// to which any server has a reply.
    ///
    /// Ends by the deadline. The hosts file is not read: a name that is there may well be unknown elsewhere.
    pub fn survey(&self, name: Option<&str>, deadline: Deadline) -> Vec<Surveyed> {
        let conf = self.conf();
        let parsed = name.and_then(|name| Some((Name::parse(name)?, name.ends_with('.'))));
        let candidates = parsed.map(|(name, absolute)| conf.candidates(&name, absolute)).unwrap_or_default();
        nameservers::survey(&conf, &candidates, deadline)
    }

    /// Whether every nameserver replies to a few questions until `deadline`: a hint that costs little, and
    /// may be one lost datagram.
    pub fn nameservers_reply(&self, deadline: Deadline) -> bool {
        let conf = self.conf();
        Questions::new(&conf, &[]).are_answered_by(&conf.nameservers, deadline)
    }

    fn conf(&self) -> ResolvConf {
        ResolvConf::parse(&read(&self.resolv_conf), &interface_index)
    }
}

/// Adds `address` to a list of addresses unless it is there, or the list is full; IPv4 comes before IPv6.
fn add(addresses: &mut Vec<IpAddr>, address: IpAddr) {
    if addresses.len() == ADDRESS_LIMIT || addresses.contains(&address) {
        return;
    }
    let place = addresses.iter().position(|other| address.is_ipv4() && other.is_ipv6());
    addresses.insert(place.unwrap_or(addresses.len()), address);
}

fn read(path: &Path) -> Vec<u8> {
    File::open(path).and_then(read_lines).unwrap_or_default()
}

/// The first [`FILE_LIMIT`] bytes, cut at the end of a line: half an address would be another one.
fn read_lines(mut file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let start = content.len();
        content.resize(start + READ_LENGTH, 0);
        let length = file.read(&mut content[start..])?;
        content.truncate(start + length);
        if content.len() > FILE_LIMIT {
            let end = content[..FILE_LIMIT].iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            content.truncate(end);
            return Ok(content);
        }
        // Less than requested is the end of a regular file. To see a read return nothing costs a call more.
        if length < READ_LENGTH {
            return Ok(content);
        }
    }
}

/// The number of a network interface, 0 where there is none of that name.
fn interface_index(name: &str) -> u32 {
    // A name with a slash is a path to somewhere else.
    if name.contains('/') {
        return 0;
    }
    let content = read(&Path::new("/sys/class/net").join(name).join("ifindex"));
    str::from_utf8(&content).unwrap_or_default().trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Write};
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    use super::*;

    /// A file of this content, as long as the pipe behind it is kept.
    fn file(content: &[u8]) -> (PipeReader, PathBuf) {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(content).unwrap();
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd()).into();
        (reader, path)
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(1))
    }

    #[test]
    fn the_hosts_file_comes_before_every_nameserver() {
        let (_pipe, hosts) =
            file(b"fd00::7 smoker-server\n10.0.0.7 smoker-server.\n10.0.0.8 smoker-server\n");
        let resolver = Resolver { hosts, resolv_conf: "/nowhere".into() };
        let expected = ["10.0.0.8", "fd00::7"].map(|text| text.parse().unwrap());
        let found = Found { addresses: expected.into(), name: "Smoker-Server".to_owned(), resolver: None };
        assert_eq!(resolver.look_up("Smoker-Server.", soon()), Ok(found));
    }

    #[test]
    fn what_is_no_name_is_not_found() {
        let (_pipe, hosts) = file(b"10.0.0.7 a:b\n");
        let resolver = Resolver { hosts, resolv_conf: "/nowhere".into() };
        assert_eq!(resolver.look_up("a:b", soon()), Err(Error::NotFound));
    }

    #[test]
    fn an_unreachable_nameserver_is_a_server_failure() {
        let (_pipe, resolv_conf) = file(b"nameserver fe80::1%no-such-link\n");
        let resolver = Resolver { hosts: "/nowhere".into(), resolv_conf };
        assert_eq!(resolver.look_up("a", soon()), Err(Error::ServerFailure));
    }

    #[test]
    fn a_survey_asks_the_servers_of_resolv_conf() {
        let (_pipe, resolv_conf) = file(b"search svc.b\nnameserver fe80::1%no-such-link\n");
        let resolver = Resolver { hosts: "/nowhere".into(), resolv_conf };
        let surveyed = resolver.survey(Some("a"), soon()).remove(0);
        assert_eq!(surveyed.nameserver, "[fe80::1]:53".parse().unwrap());
        assert_eq!((surveyed.udp_asked, surveyed.tcp), (0, Reached::Unreachable));
        assert_eq!(
            (surveyed.record, surveyed.kubernetes),
            (Some(Answer::Unreachable), Some(Answer::Unreachable))
        );
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        assert!(read(Path::new("/nowhere")).is_empty());
        assert!(read(Path::new("/")).is_empty());
    }

    #[test]
    fn files_are_read_up_to_the_limit_in_whole_lines() {
        let mut content = b"10.0.0.1 a\n".repeat(FILE_LIMIT / 11 + 1);
        content.truncate(FILE_LIMIT);
        assert_eq!(read_lines(&content[..]).unwrap(), content);
        content.push(b'1');
        let cut = read_lines(&content[..]).unwrap();
        assert_eq!(cut.len(), FILE_LIMIT / 11 * 11 - 1);
        assert!(cut.ends_with(b"\n10.0.0.1 a"));
    }

    #[test]
    fn knows_the_loopback_interface() {
        assert_eq!(interface_index("lo"), 1);
        for name in ["", "..", "no-such-link", "../net/lo", "lo/../lo"] {
            assert_eq!(interface_index(name), 0, "{name}");
        }
    }

    #[test]
    fn lists_at_most_64_addresses_each_once_and_ipv4_first() {
        let mut addresses = Vec::new();
        let v6 = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
        add(&mut addresses, v6);
        for last in 1..=63 {
            add(&mut addresses, [10, 0, 0, last].into());
            add(&mut addresses, [10, 0, 0, 1].into());
        }
        assert_eq!(addresses.len(), ADDRESS_LIMIT);
        assert_eq!((addresses[0], addresses[63]), ([10, 0, 0, 1].into(), v6));
        add(&mut addresses, [10, 0, 0, 64].into());
        assert_eq!((addresses.len(), addresses[63]), (ADDRESS_LIMIT, v6));
    }
}
