//! The form of explanations, what words are understood, and that nothing that is declared is left out.

use super::*;
use crate::verdict::{Verdict, evidence_words};

fn explained(word: &str) -> String {
    explain(Some(word)).unwrap_or_else(|unknown| panic!("{unknown}"))
}

#[test]
fn a_verdict_says_what_it_means_what_it_needs_what_to_do_and_whom_to_call() {
    let expected = "\
local (verdict)
  nothing replies, not even a nameserver
  needs    No protocol, no replica, no nameserver and no long-lived flow gets a
           reply.
  next     On the node: ip addr, ip route, and the CNI agent's log.
  call     If some nodes have it, the node team: these nodes have no network at
           all (interface, routes, the pods' CNI)
           If all nodes have it, the network team: no node has any network
           (policy on the clients, CNI)
";
    assert_eq!(explained("local"), expected);
}

#[test]
fn a_word_of_several_groups_is_explained_in_each() {
    let text = explained("mtu");
    for head in ["mtu (verdict)\n", "\nmtu (evidence)\n", "\nMTU (client line)\n", "\nmtu (field)\n"] {
        assert!(text.contains(head), "{text}");
    }
}

#[test]
fn words_are_understood_as_they_are_copied_from_a_line() {
    for (copied, word) in [
        ("TIMEOUT", "timeout"),
        ("[UDP_SERIES]", "udp_series"),
        ("lost_forward=3", "lost_forward"),
        ("lost_forward=", "lost_forward"),
        ("nameserver:10.96.0.10/4of8,", "nameserver"),
        ("http_503", "http_NNN"),
        ("http_status", "http_NNN"),
        ("smoker_probe_duration_seconds_bucket", "smoker_probe_duration_seconds"),
        (" healthy\n", "healthy"),
    ] {
        assert_eq!(explained(copied), explained(word), "{copied}");
    }
    let both = explained("error=dns_timeout");
    assert!(both.contains("error (field)") && both.contains("dns_timeout (error code)"), "{both}");
}

#[test]
fn an_unknown_word_is_answered_with_the_nearest() {
    let unknown = |word: &str| explain(Some(word)).unwrap_err();
    assert_eq!(unknown("contrack").nearest, ["conntrack"]);
    assert_eq!(unknown("contrack").to_string(), "\"contrack\": unknown word; did you mean conntrack?");
    assert_eq!(unknown("lost_forwad=1").nearest[0], "lost_forward");
    assert_eq!(unknown("htp").nearest[0].to_ascii_lowercase(), "http");
    let strange = unknown("\u{1b}[31m");
    assert_eq!(strange.nearest, [""; 0]);
    assert!(!strange.to_string().contains('\u{1b}'));
    assert!(strange.to_string().ends_with("(smoker explain lists them)"));
    for word in ["", "=", ":", "[]", &"x".repeat(10_000)] {
        assert_eq!(unknown(word).nearest, [""; 0], "{word}");
    }
}

#[test]
fn the_list_has_every_word_and_no_line_is_wider_than_a_terminal() {
    let list = explain(None).unwrap();
    let words: Vec<&str> = list.split_whitespace().collect();
    for topic in topics::all() {
        assert!(words.contains(&&*topic.word), "{}", topic.word);
        let text = explained(&topic.word);
        assert!(text.contains(topic.meaning.split(' ').next().unwrap()), "{text}");
        for line in list.lines().chain(text.lines()) {
            assert!(line.chars().count() <= WIDTH && line == line.trim_end(), "{line}");
        }
    }
}

#[test]
fn no_group_has_a_word_twice() {
    for group in Group::ALL {
        let mut words: Vec<String> =
            topics::all().into_iter().filter(|topic| topic.group == group).map(|topic| topic.word).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all, "{group:?}");
        assert!(all > 0, "{group:?}");
    }
}

#[test]
fn every_field_of_a_line_is_explained_and_every_explained_field_is_one_of_a_line() {
    let kinds = lines::kinds();
    let of_kinds = kinds.iter().flat_map(|kind| kind.fields);
    let of_events = lines::EVENTS.iter().flat_map(|event| event.fields);
    let used: Vec<&str> = of_kinds.chain(of_events).copied().collect();
    for key in &used {
        assert!(fields::FIELDS.iter().any(|field| field.key == *key), "{key}");
    }
    for field in fields::FIELDS {
        assert!(used.contains(&field.key), "{}", field.key);
    }
}

#[test]
fn every_verdict_is_judged_by_evidence_that_is_explained() {
    for (evidence, verdicts) in evidence_words() {
        assert!(!verdicts.is_empty());
        for example in evidence.examples {
            assert!(evidence.words.iter().any(|word| example.starts_with(&format!("{word}:"))), "{example}");
        }
    }
    assert!(Verdict::ALL.into_iter().all(|verdict| explained(verdict.name()).contains("\n  next     ")));
}
