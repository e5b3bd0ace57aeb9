//! The path MTU probe as a whole: datagrams and a large body, and what both together show of the path.

use std::net::{IpAddr, SocketAddr};

use super::mtu::{self, DatagramMtu, Large};
use super::transfer::{self, Direction, Stall};
use super::{Error, Failure};
use crate::time::Deadline;

/// The path to an address, measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredPath {
    /// The address.
    pub address: IpAddr,
    /// What becomes of large packets on the way there and back.
    pub report: PathReport,
}

/// What becomes of large packets on the way to an address and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathReport {
    /// Whether they pass.
    pub finding: PathFinding,
    /// The largest packet that passes: forward, or in the direction of the black hole. `None` where that was
    /// not measured.
    pub mtu: Option<u32>,
    /// The largest that this host's interface takes.
    pub interface: Option<u32>,
    /// The router that reported that larger ones are too big.
    pub reported_by: Option<IpAddr>,
}

/// Whether large packets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathFinding {
    /// Packets as large as the interface takes pass, and so does a large body where that was sent.
    Whole,
    /// Smaller ones do, and a sender of larger ones receives an ICMP message.
    Smaller,
    /// Small packets pass, large ones vanish without an ICMP message. `None`: the direction is not certain.
    BlackHole(Option<Direction>),
    /// It could not be measured.
    Unmeasured(Failure),
}

impl MeasuredPath {
    /// Whether large packets vanish on it.
    pub fn is_black_hole(&self) -> bool {
        matches!(self.report.finding, PathFinding::BlackHole(_))
    }
}

/// Sends datagrams to `udp_peer` and a large body to `http_peer`, as far as they are given, before
/// `deadline`.
pub fn probe(udp_peer: Option<SocketAddr>, http_peer: Option<SocketAddr>, deadline: Deadline) -> PathReport {
    // Each may need all of its time: a black hole is silence. The large replies come last, if at all.
    let datagrams = udp_peer.map(|peer| mtu::probe(peer, Large::Requests, deadline.share(3)));
    let for_replies = udp_peer.and(deadline.left().ok()).unwrap_or_default() / 3;
    let body = http_peer.map(|peer| transfer::probe(peer, deadline.earlier(for_replies)).map(drop));
    let mut measured = Measurements { datagrams, body, replies: None };
    if measured.stuck() == Some(Direction::Return) {
        measured.replies = udp_peer.and_then(|peer| mtu::probe(peer, Large::Replies, deadline).ok());
    }
    measured.judge()
}

/// What was measured; `None` is what was not.
struct Measurements {
    datagrams: Option<Result<DatagramMtu, Failure>>,
    body: Option<Result<(), Stall>>,
    /// The datagrams whose replies were as large as they.
    replies: Option<DatagramMtu>,
}

impl Measurements {
    fn judge(&self) -> PathReport {
        let (finding, path) = (self.finding(), self.path());
        let measured = match finding {
            PathFinding::BlackHole(Some(Direction::Return)) => self.replies.as_ref(),
            _ => path,
        };
        // Datagrams may pass where the body is stuck, on another of several links: their size is not the
        // body's.
        let is_black_hole = matches!(finding, PathFinding::BlackHole(_));
        let mtu = measured.filter(|path| path.is_black_hole() || !is_black_hole).map(|path| path.mtu);
        let interface = path.map(|path| path.interface);
        PathReport { finding, mtu, interface, reported_by: path.and_then(|path| path.reported_by) }
    }

    fn finding(&self) -> PathFinding {
        let stuck = self.stuck();
        match (&self.datagrams, &self.body) {
            (Some(Ok(path)), _) if path.is_black_hole() && path.both_ways => PathFinding::BlackHole(stuck),
            (Some(Ok(path)), _) if path.is_black_hole() => PathFinding::BlackHole(Some(Direction::Forward)),
            _ if stuck.is_some() => PathFinding::BlackHole(stuck),
            (Some(Err(failure)), _) => PathFinding::Unmeasured(failure.clone()),
            (datagrams, Some(Err(stall))) if datagrams.is_none() || !is_unsupported(stall.failure.error) => {
                PathFinding::Unmeasured(stall.failure.clone())
            }
            (Some(Ok(path)), _) if path.mtu < path.interface => PathFinding::Smaller,
            _ => PathFinding::Whole,
        }
    }

    fn path(&self) -> Option<&DatagramMtu> {
        self.datagrams.as_ref()?.as_ref().ok()
    }

    /// The direction in which the body is stuck because of the size of its packets.
    fn stuck(&self) -> Option<Direction> {
        self.body.as_ref()?.as_ref().err()?.direction
    }
}

/// Whether there merely is no server that echoes over HTTP, which shows nothing of the path.
pub fn is_unsupported(error: Error) -> bool {
    matches!(error, Error::HttpStatus(_) | Error::HttpMalformed | Error::Mismatch | Error::Refused)
}

#[cfg(test)]
mod tests {
    use super::super::Phase;
    use super::*;

    const ROUTER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn path(mtu: u32, learned: Option<u32>) -> DatagramMtu {
        DatagramMtu { mtu, interface: 1500, learned, reported_by: learned.map(|_| ROUTER), both_ways: false }
    }

    fn failure(error: Error) -> Failure {
        Failure::new(error, Phase::Receive)
    }

    fn stall(error: Error, direction: Option<Direction>) -> Result<(), Stall> {
        Err(Stall { failure: failure(error), direction })
    }

    /// Of these datagrams and this body: the finding and the MTU.
    fn judged(
        datagrams: Option<Result<DatagramMtu, Failure>>,
        body: Option<Result<(), Stall>>,
    ) -> (PathFinding, Option<u32>) {
        let report = Measurements { datagrams, body, replies: None }.judge();
        (report.finding, report.mtu)
    }

    #[test]
    fn what_passes_is_whole_or_smaller() {
        assert_eq!(judged(Some(Ok(path(1500, None))), Some(Ok(()))), (PathFinding::Whole, Some(1500)));
        assert_eq!(
            judged(Some(Ok(path(1400, Some(1400)))), Some(Ok(()))),
            (PathFinding::Smaller, Some(1400))
        );
        assert_eq!(judged(None, Some(Ok(()))), (PathFinding::Whole, None));
        // The kernel still remembers a smaller MTU after the repair.
        assert_eq!(judged(Some(Ok(path(1500, Some(1400)))), None), (PathFinding::Whole, Some(1500)));
        let datagrams = Some(Ok(path(1400, Some(1400))));
        let report = Measurements { datagrams, body: None, replies: None }.judge();
        assert_eq!((report.interface, report.reported_by), (Some(1500), Some(ROUTER)));
    }

    #[test]
    fn large_datagrams_that_vanish_are_a_black_hole_forward() {
        let forward = PathFinding::BlackHole(Some(Direction::Forward));
        for body in [
            None,
            Some(Ok(())),
            Some(stall(Error::Timeout, None)),
            Some(stall(Error::Timeout, Some(Direction::Forward))),
        ] {
            assert_eq!(judged(Some(Ok(path(1400, None))), body.clone()), (forward.clone(), Some(1400)));
            // The router reported too much, and less than that passes.
            assert_eq!(judged(Some(Ok(path(1300, Some(1400)))), body), (forward.clone(), Some(1300)));
        }
    }

    #[test]
    fn where_large_replies_vanish_too_the_body_shows_the_direction() {
        let echoed = || Some(Ok(DatagramMtu { both_ways: true, ..path(1400, None) }));
        assert_eq!(judged(echoed(), Some(Ok(()))), (PathFinding::BlackHole(None), Some(1400)));
        let forward = Some(stall(Error::Timeout, Some(Direction::Forward)));
        assert_eq!(judged(echoed(), forward), (PathFinding::BlackHole(Some(Direction::Forward)), Some(1400)));
    }

    #[test]
    fn a_body_that_is_stuck_is_a_black_hole_whatever_datagrams_do() {
        for direction in [Direction::Forward, Direction::Return] {
            let stuck = || Some(stall(Error::Timeout, Some(direction)));
            let black_hole = PathFinding::BlackHole(Some(direction));
            let silent = || Some(Err(failure(Error::Timeout)));
            assert_eq!(judged(Some(Ok(path(1500, None))), stuck()), (black_hole.clone(), None));
            assert_eq!(judged(silent(), stuck()), (black_hole.clone(), None));
            assert_eq!(judged(None, stuck()), (black_hole.clone(), None));
        }
    }

    #[test]
    fn the_size_of_a_black_hole_on_the_way_back_is_that_of_the_replies() {
        let stuck = Some(stall(Error::Timeout, Some(Direction::Return)));
        let mut measured = Measurements { datagrams: Some(Ok(path(1500, None))), body: stuck, replies: None };
        for (replies, mtu) in [(None, None), (Some(1400), Some(1400)), (Some(1500), None)] {
            measured.replies = replies.map(|mtu| path(mtu, None));
            assert_eq!(measured.judge().mtu, mtu);
        }
    }

    #[test]
    fn what_shows_nothing_of_the_size_is_unmeasured() {
        let unmeasured = |error| PathFinding::Unmeasured(failure(error));
        let refused = || Some(Err(failure(Error::Refused)));
        assert_eq!(judged(refused(), Some(Ok(()))), (unmeasured(Error::Refused), None));
        assert_eq!(judged(refused(), None), (unmeasured(Error::Refused), None));
        let whole = || Some(Ok(path(1500, None)));
        let (finding, mtu) = judged(whole(), Some(stall(Error::Timeout, None)));
        assert_eq!((finding, mtu), (unmeasured(Error::Timeout), Some(1500)));
        // Another server than ours does not echo: the datagrams suffice without it.
        assert_eq!(
            judged(whole(), Some(stall(Error::HttpStatus(405), None))),
            (PathFinding::Whole, Some(1500))
        );
        assert_eq!(
            judged(None, Some(stall(Error::HttpStatus(405), None))).0,
            unmeasured(Error::HttpStatus(405))
        );
    }
}
