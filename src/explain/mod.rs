//! `smoker explain [WORD]`: what a verdict, error code, evidence word, line, field or metric means, and what
//! to do about it. The text comes from the tables in which these are declared. Pure.

mod fields;
mod lines;
#[cfg(test)]
mod tests;
mod topic;
mod topics;

use std::fmt;

use crate::log::escape;
use crate::nearest::nearest;
use topic::{Group, Topic, WIDTH, wrapped};

/// How many words are suggested for one that is not known.
const SUGGESTIONS: usize = 3;

/// A word that is not explained, and those that it may be a misspelling of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// As it was given.
    pub word: String,
    /// The nearest known words, the best first; there may be none.
    pub nearest: Vec<String>,
}

/// The explanation of `word`, or without one the list of all words; at most 80 columns wide. A word may be
/// copied from a line as it is: `[UDP_SERIES]`, `lost_forward=3`, `endpoint:1/2`, `http_503`.
pub fn explain(word: Option<&str>) -> Result<String, UnknownWord> {
    let topics = topics::all();
    let Some(word) = word else { return Ok(list(&topics)) };
    let spellings = spellings(word);
    let found: Vec<String> = topics
        .iter()
        .filter(|topic| spellings.iter().any(|spelling| topic.word.eq_ignore_ascii_case(spelling)))
        .map(Topic::to_string)
        .collect();
    if found.is_empty() { Err(unknown(word, &spellings, &topics)) } else { Ok(found.join("\n")) }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\": unknown word", escape(&self.word))?;
        match self.nearest.split_last() {
            None => f.write_str(" (smoker explain lists them)"),
            Some((last, [])) => write!(f, "; did you mean {last}?"),
            Some((last, others)) => write!(f, "; did you mean {} or {last}?", others.join(", ")),
        }
    }
}

fn unknown(word: &str, spellings: &[&str], topics: &[Topic]) -> UnknownWord {
    let known = || topics.iter().map(|topic| &*topic.word);
    let suggestions = spellings.iter().map(|spelling| nearest(spelling, known(), 2 * SUGGESTIONS));
    let mut nearest = suggestions.into_iter().find(|words| !words.is_empty()).unwrap_or_default();
    // `HTTP` is a kind of line and `http` a word of evidence: either explains both.
    nearest.dedup_by(|word, before| word.eq_ignore_ascii_case(before));
    nearest.truncate(SUGGESTIONS);
    UnknownWord { word: word.to_owned(), nearest: nearest.into_iter().map(str::to_owned).collect() }
}

/// What `word` may have been copied from: a kind in brackets, `key=value`, evidence with its value, a series
/// of a histogram, an HTTP status.
fn spellings(word: &str) -> Vec<&str> {
    let word =
        word.trim_matches(|character: char| character.is_whitespace() || "[]\"',;`".contains(character));
    let mut spellings = vec![word];
    let (key, value) = word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)));
    spellings.push(key);
    spellings.extend(value);
    spellings.extend(key.split_once(':').map(|(word, _)| word));
    spellings.extend(["_bucket", "_sum", "_count"].iter().filter_map(|series| key.strip_suffix(series)));
    let is_status = |word: &&str| {
        word.strip_prefix("http_")
            .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    if spellings.iter().any(is_status) || word == "http_status" {
        spellings.push("http_NNN");
    }
    spellings
}

/// All words, group by group.
fn list(topics: &[Topic]) -> String {
    let mut lines =
        vec!["smoker explain WORD explains one of these words, as copied from a line:".to_owned()];
    for group in Group::ALL {
        let mut words: Vec<&str> =
            topics.iter().filter(|topic| topic.group == group).map(|topic| &*topic.word).collect();
        words.dedup();
        lines.push(format!("\n{}", group.title()));
        lines.extend(wrapped("  ", "  ", &words.join("  "), WIDTH));
    }
    lines.join("\n") + "\n"
}
