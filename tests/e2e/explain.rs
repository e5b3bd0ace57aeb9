//! `smoker explain`: everything that lines and pages show is explained, and what a user sees of it.

use assert_cmd::assert::OutputAssertExt;
use smoker::explain::explain;
use smoker::probe::Error;
use smoker::verdict::{Verdict, evidence_words};

use crate::monitoring::pages;
use crate::support::{line, smoker};

fn explained(word: &str) -> String {
    explain(Some(word)).unwrap_or_else(|unknown| panic!("{unknown}"))
}

#[test]
fn every_verdict_error_code_and_word_of_evidence_is_explained() {
    for verdict in Verdict::ALL {
        assert!(explained(verdict.name()).contains(&format!("{verdict} (verdict)\n")), "{verdict}");
    }
    for error in Error::ALL {
        let code = format!("{} (error code)\n", error.code().word);
        assert!(explained(&error.to_string()).contains(&code), "{error}");
    }
    for word in evidence_words().iter().flat_map(|(evidence, _)| evidence.words) {
        assert!(explained(word).contains(&format!("{word} (evidence)\n")), "{word}");
    }
}

#[test]
fn every_kind_event_and_field_that_a_client_prints_is_explained() {
    for (kind, event, keys) in line::known() {
        assert!(explained(kind).contains(&format!("{kind} (client line)\n")), "{kind}");
        let group = if kind == "VERDICT" { "verdict" } else { "event" };
        if kind != "SUMMARY" {
            assert!(explained(event).contains(&format!("{event} ({group})\n")), "{kind} {event}");
        }
        let fields = explained(kind) + &explained(event);
        for key in keys {
            assert!(explained(key).contains(&format!("{key} (field)\n")), "{key}");
            assert!(fields.split_whitespace().any(|word| word == key), "{kind} {event} {key}");
        }
    }
}

#[test]
fn every_metric_of_client_and_server_is_explained_in_the_words_of_its_page() {
    let pages = pages();
    let helps: Vec<(&str, &str)> =
        pages.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' ')).collect();
    assert!(helps.len() > 20, "{helps:?}");
    for (name, help) in helps {
        let text = explained(name).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.starts_with(&format!("{name} (metric) {help}")), "{text}");
    }
}

#[test]
fn the_command_prints_one_explanation_or_the_list() {
    for (arguments, text) in
        [(&["explain", "service"][..], explained("service")), (&["explain"][..], explain(None).unwrap())]
    {
        smoker().args(arguments).assert().code(0).stdout(text).stderr("");
    }
}
