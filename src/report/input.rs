//! Lines from an endless input, each in bounded memory: one that is too long is skipped to its end.

use std::io::{self, BufRead, ErrorKind};

use super::line::MAX_PREFIX;
use crate::log::MAX_LINE;

/// The longest line that is read, without its newline.
pub(super) const MAX_INPUT: usize = MAX_PREFIX + MAX_LINE;

/// What the input has next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line is in the buffer.
    Line,
    /// A line was too long.
    TooLong,
    /// There are no more.
    End,
}

/// Reads the next line into `line`, without its newline.
pub(super) fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Next> {
    line.clear();
    let (mut len, mut any) = (0, false);
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let newline = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..newline.unwrap_or(available.len())];
        len += part.len();
        any |= !available.is_empty();
        if len <= MAX_INPUT {
            line.extend_from_slice(part);
        }
        let (used, at_end) = (part.len() + usize::from(newline.is_some()), available.is_empty());
        input.consume(used);
        if newline.is_some() || at_end {
            break;
        }
    }
    Ok(match (any, len <= MAX_INPUT) {
        (false, _) => Next::End,
        (true, true) => Next::Line,
        (true, false) => Next::TooLong,
    })
}
