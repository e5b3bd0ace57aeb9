//! The evidence of a round as forms: what the round found, and blank fields for what a pass may find. Pure.

use std::net::IpAddr;

use crate::client::round::Round;
use crate::verdict::{Evidence, Examination, Listing, ReplicaExamination, ReplicaExaminations};

/// What `round` found, before any pass.
pub(in crate::client) fn of_round(round: &Round, loss_threshold_basis_points: u32) -> Evidence {
    Evidence {
        host: round.host.clone(),
        target: round.aim.first().map(|address| target(address, round)),
        replicas: ReplicaExaminations { listing: Listing::NotAsked, all: vec![], excused: vec![] },
        replica_failed: round.failed_replica.is_some(),
        look_up: round.aim.look_up(),
        nameservers: vec![],
        series: round.series.as_ref().map(|series| series.counts),
        flows: None,
        path: round.path.clone(),
        slowness: None,
        starved: None,
        loss_threshold_basis_points,
    }
}

/// Adds the forms of a pass: one for each of `replicas`, and one for the target where only the nameservers,
/// each by itself, gave its address.
pub(super) fn add_blank(evidence: &mut Evidence, round: &Round, replicas: &[IpAddr]) {
    if evidence.target.is_none() {
        let given = evidence.nameservers.iter().flat_map(|server| &server.addresses).next();
        evidence.target = given.map(|address| target(*address, round));
    }
    let blank = |address: &IpAddr| ReplicaExamination {
        direct: Examination::blank(*address, &round.probes),
        is_on_this_node: false,
    };
    evidence.replicas.all = replicas.iter().map(blank).collect();
}

fn target(address: IpAddr, round: &Round) -> Examination {
    Examination { address, probes: round.probes.clone(), burst: None }
}
