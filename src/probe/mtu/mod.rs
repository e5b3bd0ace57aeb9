//! The path MTU probe: the largest UDP datagram that passes unfragmented, and who told that larger ones do
//! not. A path is named by packets, so that every size here includes the headers of IP and UDP.

mod sizes;
mod tries;

use std::net::{IpAddr, SocketAddr};

use super::{Error, Failure, Phase};
use crate::sys::address::unmapped;
use crate::sys::path_mtu;
use crate::time::Deadline;
use tries::Tries;

/// The routers that are believed one after another, each with a smaller link behind it than the one before.
const WORDS_LIMIT: usize = 8;

/// What the largest datagrams come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The largest packet that passes.
    pub mtu: u32,
    /// The largest that this host's interface takes, as far as UDP has any so large: the loopback's 65,536
    /// are 65,535 here over IPv4.
    pub interface: u32,
    /// What the kernel takes for the path MTU, where that is less than the interface's: its TCP sends no
    /// more.
    pub learned: Option<u32>,
    /// The router that said, during this probe, that a datagram was too big.
    pub told_by: Option<IpAddr>,
    /// Large datagrams came back as well: what is lost may be lost on the way back.
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

impl Path {
    /// Whether there are packets that this host would send and that vanish without a word.
    pub fn is_black_hole(&self) -> bool {
        self.mtu < self.learned.unwrap_or(self.interface)
    }
}

/// Finds the largest datagram that passes to the echo server at `peer` before `deadline`. A failure: small
/// ones do not pass, or so many are lost that it says nothing which of them passed.
pub fn probe(peer: SocketAddr, large: Large, deadline: Deadline) -> Result<Path, Failure> {
    let socket = path_mtu::connected(unmapped(peer)).map_err(|error| Failure::io(&error, Phase::Connect))?;
    let mut tries = Tries::new(socket, large, deadline)?;
    tries.attempt(&[tries.interface])?;
    let mut too_large = follow_words(&mut tries)?;
    while let Some(sizes) = sizes::between(tries.passed, too_large) {
        if deadline.has_passed() {
            break;
        }
        tries.attempt(&sizes)?;
        too_large = sizes.into_iter().find(|size| *size > tries.passed).unwrap_or(too_large);
    }
    judge(&tries)
}

/// Tries the sizes that routers, and the kernel's memory of them, say will pass. Gives a size that does not.
///
/// The memory is asked because routers do not repeat themselves often: Linux says it once a second to each
/// host (`icmp_ratelimit`).
fn follow_words(tries: &mut Tries) -> Result<u32, Failure> {
    let mut too_large = tries.interface;
    for _ in 0..WORDS_LIMIT {
        let told = tries.told.map(|(mtu, _)| mtu).filter(|mtu| tries.is_worth_trying(*mtu, too_large));
        let remembered = tries.believed().filter(|mtu| tries.is_worth_trying(*mtu, too_large));
        let Some(word) = told.or(remembered) else { break };
        tries.attempt(&[word])?;
        if tries.passed < word {
            too_large = word;
        } else if told.is_some() {
            return Ok(word + 1);
        } else {
            break;
        }
    }
    Ok(too_large)
}

fn judge(tries: &Tries) -> Result<Path, Failure> {
    let path = Path {
        mtu: tries.passed,
        interface: tries.interface,
        learned: tries.believed().filter(|mtu| *mtu < tries.interface),
        told_by: tries.told.map(|(_, router)| router),
        both_ways: tries.both_ways,
    };
    if path.is_black_hole() && !sizes::are_too_large(&tries.sent, tries.passed) {
        return Err(Failure::new(Error::Timeout, Phase::Receive));
    }
    Ok(path)
}
