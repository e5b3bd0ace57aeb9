//! One explained word, and its form on a terminal of 80 columns. Pure.

use std::fmt;

/// The widest line.
pub(super) const WIDTH: usize = 80;

/// Where the text of a note begins.
const NOTES_AT: usize = 11;

/// What kind of word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Verdict,
    Error,
    Evidence,
    ClientLine,
    ServerLine,
    Event,
    Field,
    Metric,
}

/// A word and what there is to say about it.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) group: Group,
    pub(super) word: String,
    /// In one sentence.
    pub(super) meaning: String,
    /// A label of one short word, or none for a second paragraph, and its text.
    pub(super) notes: Vec<(&'static str, String)>,
}

impl Group {
    pub(super) const ALL: [Self; 8] = [
        Self::Verdict,
        Self::Error,
        Self::Evidence,
        Self::ClientLine,
        Self::ServerLine,
        Self::Event,
        Self::Field,
        Self::Metric,
    ];

    /// Above its words.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Verdict => "verdicts, in the order in which their rules are tried",
            Self::Error => "error codes (error=)",
            Self::Evidence => "evidence (evidence=)",
            Self::ClientLine => "lines of a client ([NODE:…] [KIND])",
            Self::ServerLine => "lines of a server ([SERVER] [KIND])",
            Self::Event => "events, behind the kind",
            Self::Field => "fields",
            Self::Metric => "metrics",
        }
    }

    /// Behind a word.
    fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Error => "error code",
            Self::Evidence => "evidence",
            Self::ClientLine => "client line",
            Self::ServerLine => "server line",
            Self::Event => "event",
            Self::Field => "field",
            Self::Metric => "metric",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = format!("{} ({})", self.word, self.group.name());
        writeln!(f, "{head}")?;
        for line in wrapped("  ", "  ", &self.meaning, WIDTH) {
            writeln!(f, "{line}")?;
        }
        for (label, text) in &self.notes {
            let first = format!("  {label:<width$}", width = NOTES_AT - 2);
            for line in wrapped(&first, &" ".repeat(NOTES_AT), text, WIDTH) {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

/// `text` in lines of at most `width` columns, as far as its words allow; `first` opens the first line,
/// `indent` the others.
pub(super) fn wrapped(first: &str, indent: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()).trim_end().to_owned());
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty &= word.is_empty();
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_allowed_and_no_wider() {
        assert_eq!(wrapped("- ", "  ", "aa bb cc", 7), ["- aa bb", "  cc"]);
        assert_eq!(wrapped("- ", "  ", "aa bb cc", 6), ["- aa", "  bb", "  cc"]);
        assert_eq!(wrapped("- ", "  ", "long-word a", 4), ["- long-word", "  a"]);
        assert_eq!(wrapped("", "  ", "", 4), [""]);
    }
}
