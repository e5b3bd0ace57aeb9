//! The path MTU probe: the largest UDP datagram that passes unfragmented, and the router that reported that
//! larger ones do not. Path MTUs are lengths of packets, so that every size here includes the headers of IP
//! and UDP.

mod sizes;
mod tries;

use std::net::{IpAddr, SocketAddr};

use super::{Error, Failure, Phase};
use crate::sys::address::unmapped;
use crate::sys::path_mtu;
use crate::time::Deadline;
use tries::Tries;

/// The routers whose reports are followed one after another, each with a smaller link behind it than the one
/// before.
const REPORTS_LIMIT: usize = 8;

/// What the largest datagrams showed of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatagramMtu {
    /// The largest packet that passes.
    pub mtu: u32,
    /// The largest that this host's interface takes, as far as UDP has any so large: the loopback's 65,536
    /// are 65,535 here over IPv4.
    pub interface: u32,
    /// What the kernel takes for the path MTU, where that is less than the interface's: its TCP sends no
    /// more.
    pub learned: Option<u32>,
    /// The router that reported, during this probe, that a datagram was too big.
    pub reported_by: Option<IpAddr>,
    /// Large datagrams come back as well: what is lost may be lost on the way back.
    pub both_ways: bool,
}

/// Which datagrams are large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Large {
    /// Those to a Smoker, whose replies are short. Any other echo server returns them whole.
    Requests,
    /// A Smoker's replies as well.
    Replies,
}

impl DatagramMtu {
    /// Whether there are packets that this host would send and that vanish without an ICMP message.
    pub fn is_black_hole(&self) -> bool {
        self.mtu < self.learned.unwrap_or(self.interface)
    }
}

/// Finds the largest datagram that passes to the echo server at `peer` before `deadline`. A failure: small
/// ones do not pass, or so many are lost that it shows nothing which of them passed.
pub fn probe(peer: SocketAddr, large: Large, deadline: Deadline) -> Result<DatagramMtu, Failure> {
    let socket = path_mtu::connected(unmapped(peer)).map_err(|error| Failure::io(&error, Phase::Connect))?;
    let mut tries = Tries::new(socket, large, deadline)?;
    tries.attempt(&[tries.interface])?;
    let mut too_large = follow_reports(&mut tries)?;
    while let Some(sizes) = sizes::between(tries.passed, too_large) {
        if deadline.has_passed() {
            break;
        }
        tries.attempt(&sizes)?;
        too_large = sizes.into_iter().find(|size| *size > tries.passed).unwrap_or(too_large);
    }
    judge(&tries)
}

/// Tries the sizes that routers report, and those that the kernel remembers of earlier reports. Gives a size
/// that does not pass.
///
/// The kernel's memory is used because routers do not repeat a report often: Linux sends one a second to each
/// host (`icmp_ratelimit`).
fn follow_reports(tries: &mut Tries) -> Result<u32, Failure> {
    let mut too_large = tries.interface;
    for _ in 0..REPORTS_LIMIT {
        let reported =
            tries.reported.map(|(mtu, _)| mtu).filter(|mtu| tries.is_worth_trying(*mtu, too_large));
        let remembered = tries.kernel_mtu().filter(|mtu| tries.is_worth_trying(*mtu, too_large));
        let Some(size) = reported.or(remembered) else { break };
        tries.attempt(&[size])?;
        if tries.passed < size {
            too_large = size;
        } else if reported.is_some() {
            return Ok(size + 1);
        } else {
            break;
        }
    }
    Ok(too_large)
}

fn judge(tries: &Tries) -> Result<DatagramMtu, Failure> {
    let found = DatagramMtu {
        mtu: tries.passed,
        interface: tries.interface,
        learned: tries.kernel_mtu().filter(|mtu| *mtu < tries.interface),
        reported_by: tries.reported.map(|(_, router)| router),
        both_ways: tries.both_ways,
    };
    if found.is_black_hole() && !sizes::are_too_large(&tries.sent, tries.passed) {
        return Err(Failure::new(Error::Timeout, Phase::Receive));
    }
    Ok(found)
}
