//! A line in either form, text or JSON, and behind any prefix. Pure.

use super::line::{Line, MAX_PREFIX};
use super::{json, text};

/// The parts of `text`; `None` where it is no line of Smoker's.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let text = text.trim_ascii_end();
    let within = |at: &usize| *at <= MAX_PREFIX;
    let stamp = text.match_indices('[').map(|(at, _)| at).find(|at| text::is_stamped(&text[*at..]));
    match (stamp.filter(within), text.find('{').filter(within)) {
        (Some(stamp), brace) if brace.is_none_or(|brace| stamp < brace) => text::line(&text[stamp..]),
        (_, Some(brace)) => json::line(&text[brace..]),
        (_, None) => None,
    }
}
