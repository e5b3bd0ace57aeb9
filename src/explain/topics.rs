//! The tables of verdicts, errors, evidence, lines, fields and metrics as topics. Pure.

use super::fields::FIELDS;
use super::lines::{self, EVENTS, Event};
use super::topic::{Group, Topic};
use crate::metrics::{Metric, OWN};
use crate::probe::Error;
use crate::verdict::{Calls, Verdict, evidence_words};
use crate::{client, server};

/// Everything that is explained. A word may be in several groups.
pub(super) fn all() -> Vec<Topic> {
    let mut topics: Vec<Topic> = Verdict::ALL.map(verdict).into();
    topics.extend(Error::ALL.map(error));
    topics.extend(evidence());
    topics.extend(lines::kinds().into_iter().map(|kind| Topic {
        group: Group::ClientLine,
        word: kind.word.to_owned(),
        meaning: kind.meaning.to_owned(),
        notes: vec![("when", kind.when.to_owned()), ("fields", kind.fields.join(" "))],
    }));
    topics.extend(server_kinds());
    topics.extend(EVENTS.iter().map(event));
    topics.extend(FIELDS.iter().map(|field| Topic {
        group: Group::Field,
        word: field.key.to_owned(),
        meaning: field.meaning.to_owned(),
        notes: vec![],
    }));
    let exporters = [("client", client::METRICS), ("server", server::METRICS), ("client and server", OWN)];
    topics.extend(exporters.into_iter().flat_map(|(of, metrics)| metrics.iter().map(move |m| metric(of, m))));
    topics
}

fn verdict(verdict: Verdict) -> Topic {
    let advice = verdict.advice();
    let mut notes = vec![("needs", verdict.needs().to_owned()), ("next", advice.next.to_owned())];
    match advice.calls {
        None => notes.push(("call", "No team.".to_owned())),
        Some(Calls { some_nodes, all_nodes }) if some_nodes == all_nodes => {
            notes.push(("call", some_nodes.to_string()));
        }
        Some(Calls { some_nodes, all_nodes }) => {
            notes.push(("call", format!("If some nodes have it, {some_nodes}")));
            notes.push(("", format!("If all nodes have it, {all_nodes}")));
        }
    }
    Topic {
        group: Group::Verdict,
        word: verdict.name().to_owned(),
        meaning: verdict.meaning().to_owned(),
        notes,
    }
}

fn error(error: Error) -> Topic {
    let code = error.code();
    Topic {
        group: Group::Error,
        word: code.word.to_owned(),
        meaning: code.meaning.to_owned(),
        notes: vec![
            ("look at", code.look_at.to_owned()),
            ("call", "The verdict names the team: smoker explain VERDICT.".to_owned()),
            ("metric", format!("smoker_probe_total{{result=\"{}\"}}", error.label())),
        ],
    }
}

fn evidence() -> Vec<Topic> {
    let mut topics = Vec::new();
    for (evidence, verdicts) in evidence_words() {
        let verdicts: Vec<&str> = verdicts.into_iter().map(Verdict::name).collect();
        for word in evidence.words {
            topics.push(Topic {
                group: Group::Evidence,
                word: (*word).to_owned(),
                meaning: evidence.meaning.to_owned(),
                notes: vec![
                    ("as in", evidence.examples.join(" ")),
                    ("read", evidence.reading.to_owned()),
                    ("verdicts", verdicts.join(" ")),
                ],
            });
        }
    }
    topics
}

/// The kinds of a server's lines, each with its events.
fn server_kinds() -> Vec<Topic> {
    let mut kinds: Vec<&str> = EVENTS.iter().flat_map(|event| event.server).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let topic = |kind: &str| {
        let of_kind = EVENTS.iter().filter(|event| event.server.contains(&kind));
        let events: Vec<&str> = of_kind.map(|event| event.word).collect();
        Topic {
            group: Group::ServerLine,
            word: kind.to_owned(),
            meaning: format!("lines of a server: [SERVER] [{kind}] EVENT"),
            notes: vec![("events", events.join(" "))],
        }
    };
    kinds.into_iter().map(topic).collect()
}

fn event(event: &Event) -> Topic {
    let speakers = [("client", event.client), ("server", event.server)];
    let speakers = speakers.into_iter().filter(|(_, kinds)| !kinds.is_empty());
    let mut notes: Vec<(&str, String)> =
        speakers.map(|(speaker, kinds)| (speaker, kinds.join(" "))).collect();
    notes.push(("fields", event.fields.join(" ")));
    Topic { group: Group::Event, word: event.word.to_owned(), meaning: event.meaning.to_owned(), notes }
}

fn metric(of: &'static str, metric: &Metric) -> Topic {
    let mut notes = vec![("from", format!("/metrics of {of}")), ("type", metric.kind.word().to_owned())];
    if !metric.labels.is_empty() {
        notes.push(("labels", metric.labels.join(" ")));
    }
    Topic { group: Group::Metric, word: metric.name.to_owned(), meaning: metric.help.to_owned(), notes }
}
