//! Colours for the status words of text lines on a terminal.

use super::Level;

/// Whether status words are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Lines are plain text.
    Off,
    /// `SUCCESS`, `FAILED` and `[VERDICT] name` are coloured, nothing else: the line stays readable for grep.
    On,
}

/// Of the eight colours of every terminal those that are readable on black and on white.
const GREEN: &str = "\x1b[32m";
const MAGENTA: &str = "\x1b[35m";
const BOLD_RED: &str = "\x1b[1;31m";
const RESET: &str = "\x1b[0m";

impl Colour {
    /// Decided by environment and stdout: `NO_COLOR` (no-color.org) with any value but an empty one forbids
    /// colours. Else `CLICOLOR_FORCE` (bixense.com/clicolors) with any but an empty one or `0` demands them.
    /// Else a terminal has them, unless `TERM` is `dumb` or missing.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>, is_terminal: bool) -> Self {
        let value = |name| variable(name).unwrap_or_default();
        let is_able = !["", "dumb"].contains(&&*value("TERM"));
        let is_forced = !["", "0"].contains(&&*value("CLICOLOR_FORCE"));
        let is_on = value("NO_COLOR").is_empty() && (is_forced || is_terminal && is_able);
        if is_on { Self::On } else { Self::Off }
    }

    /// What is written before and after the status of a line of this kind.
    pub(super) fn around(self, kind: &str, event: &str, level: Level) -> (&'static str, &'static str) {
        if self == Self::Off {
            return ("", "");
        }
        match (kind, event, level) {
            ("VERDICT", _, Level::Error) | (_, "FAILED", _) => (BOLD_RED, RESET),
            ("VERDICT", _, Level::Warn) => (MAGENTA, RESET),
            ("VERDICT", ..) | (_, "SUCCESS", _) => (GREEN, RESET),
            _ => ("", ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], is_terminal: bool) -> Colour {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Colour::of(&variable, is_terminal)
    }

    #[test]
    fn a_terminal_has_colours_and_nothing_else() {
        assert_eq!(of(&[("TERM", "xterm")], true), Colour::On);
        assert_eq!(of(&[("TERM", "xterm")], false), Colour::Off);
        for unable in [&[("TERM", "dumb")][..], &[("TERM", "")], &[]] {
            assert_eq!(of(unable, true), Colour::Off, "{unable:?}");
        }
    }

    #[test]
    fn the_environment_forbids_colours_or_demands_them() {
        for (name, value, on_a_terminal, elsewhere) in [
            ("NO_COLOR", "1", Colour::Off, Colour::Off),
            ("NO_COLOR", "0", Colour::Off, Colour::Off),
            ("NO_COLOR", "", Colour::On, Colour::Off),
            ("CLICOLOR_FORCE", "1", Colour::On, Colour::On),
            ("CLICOLOR_FORCE", "0", Colour::On, Colour::Off),
            ("CLICOLOR_FORCE", "", Colour::On, Colour::Off),
        ] {
            let variables = [("TERM", "xterm"), (name, value)];
            assert_eq!(of(&variables, true), on_a_terminal, "{name}={value:?}");
            assert_eq!(of(&variables, false), elsewhere, "{name}={value:?}");
        }
        assert_eq!(of(&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false), Colour::On);
        assert_eq!(of(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true), Colour::Off);
    }
}
