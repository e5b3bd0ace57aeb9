//! Log lines on stdout: one line per event, as text or JSON, written whole and without waiting for long.

mod colour;
mod escape;
mod json;
mod output;
mod record;
mod text;

use std::sync::Arc;
use std::time::SystemTime;

pub use colour::Colour;
pub use escape::{MAX_TEXT, escape};
pub use output::{MAX_LINE, Output};
use record::Record;
pub use record::{Event, Speaker, Value};

/// The importance of an event; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A failure, or a line that is printed at every level.
    Error,
    /// Something an operator should look at.
    Warn,
    /// The normal events: probes, replies, verdicts.
    Info,
    /// Details for finding a fault in Smoker itself.
    Debug,
}

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[stamp] [SPEAKER] [KIND] EVENT key=value …`
    Text,
    /// One JSON object a line.
    Json,
}

/// The log of one server or client. Clones write to the same output.
#[derive(Clone)]
pub struct Log {
    speaker: Speaker,
    level: Level,
    form: Form,
    colour: Colour,
    output: Arc<Output>,
}

impl Log {
    /// A log that writes lines up to `level` to `output`, in this form, without colours.
    pub fn new(speaker: Speaker, level: Level, form: Form, output: Arc<Output>) -> Self {
        Self { speaker, level, form, colour: Colour::Off, output }
    }

    /// The same log with or without colours. The JSON form never has them.
    #[must_use]
    pub fn with_colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// The same log, limited to lines up to `level`.
    #[must_use]
    pub fn up_to(&self, level: Level) -> Self {
        Self { level: self.level.min(level), ..self.clone() }
    }

    /// Whether lines of `level` are printed; checked before a line is built where speed matters.
    pub fn prints(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Prints a line if those of `level` are printed.
    ///
    /// Words are printed unescaped in the text form: anything received from outside is a [`Value::Text`], or
    /// goes through [`escape`] first.
    pub fn line<'a>(&self, level: Level, kind: &str, event: impl Into<Event<'a>>, fields: &[(&str, Value)]) {
        if self.prints(level) {
            self.output.print(self.record(level, kind, event.into(), fields), |lines| self.lost(lines));
        }
    }

    /// Whether stdout is a pipe whose reading end was closed.
    pub fn reader_is_gone(&self) -> bool {
        self.output.lost().reader_is_gone
    }

    /// Reports, at the end, lines that were lost and not reported yet; an error if that line is lost too.
    pub fn finish(&self) -> Result<(), String> {
        let mut lost = self.output.lost();
        if lost.reader_is_gone {
            return Err("cannot write to stdout: broken pipe".into());
        }
        if lost.lines > 0 && !self.output.write(self.lost(lost.lines), &mut lost) {
            return Err(format!("cannot write to stdout: {} lines were lost", lost.lines));
        }
        Ok(())
    }

    fn lost(&self, lines: u64) -> String {
        self.record(Level::Error, "LOG", Event::Word("LOST"), &[("lines", Value::Count(lines))])
    }

    fn record(&self, level: Level, kind: &str, event: Event, fields: &[(&str, Value)]) -> String {
        let record = Record { time: SystemTime::now(), speaker: &self.speaker, level, kind, event, fields };
        match self.form {
            Form::Text => text::line(&record, self.colour),
            Form::Json => json::line(&record),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{self, Read};
    use std::time::{Duration, Instant};

    use super::*;

    fn log(speaker: Speaker, patience: Duration) -> (Log, io::PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output::file(File::from(std::os::fd::OwnedFd::from(writer)), patience);
        (Log::new(speaker, Level::Info, Form::Text, output), reader)
    }

    fn printed(log: Log, mut reader: io::PipeReader) -> String {
        drop(log);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    /// The part of a line after its time stamp, whose form is checked on the way.
    fn behind_stamp(line: &str) -> &str {
        let (stamp, rest) = line.split_once("] ").unwrap();
        assert_eq!(stamp.len(), "[2025-11-13 10:30:00".len(), "{line}");
        rest
    }

    #[test]
    fn a_line_has_the_form_that_scripts_parse() {
        let (log, reader) = log(Speaker::Node("node-1".into()), Duration::ZERO);
        log.line(
            Level::Info,
            "TCP",
            "SUCCESS",
            &[("latency", Value::Milliseconds(Duration::from_nanos(412_499)))],
        );
        let address = "[2001:db8::1]:8080".parse().unwrap();
        let fields =
            [("a", Value::Address(address)), ("b", Value::Count(3)), ("c", Value::Text("x \"y\"\n\u{1b}"))];
        log.line(Level::Error, "UDP", "FAILED", &fields);
        log.line(Level::Debug, "UDP", "not printed", &[]);
        let text = printed(log, reader);
        let lines: Vec<&str> = text.lines().map(behind_stamp).collect();
        assert_eq!(
            lines,
            [
                "[NODE:node-1] [TCP] SUCCESS latency=0.412ms",
                "[NODE:node-1] [UDP] FAILED a=[2001:db8::1]:8080 b=3 c=\"x \\\"y\\\"\\n\\u{1b}\"",
            ]
        );
    }

    #[test]
    fn a_line_is_cut_at_its_limit_and_not_before() {
        for (extra, whole) in [(0, true), (1, false)] {
            let (log, reader) = log(Speaker::Server, Duration::ZERO);
            let event = "e".repeat(MAX_LINE - "[2025-11-13 10:30:00] [SERVER] [X] \n".len() + extra);
            log.line(Level::Info, "X", event.as_str(), &[]);
            let text = printed(log, reader);
            assert_eq!(text.len(), MAX_LINE);
            assert_eq!(behind_stamp(&text).trim_end() == format!("[SERVER] [X] {event}"), whole);
        }
    }

    #[test]
    fn a_reader_that_does_not_read_loses_lines_but_never_stops_the_writer() {
        let (log, mut reader) = log(Speaker::Server, Duration::ZERO);
        for _ in 0..10_000 {
            log.line(Level::Info, "TCP", "ECHO", &[("bytes", Value::Count(4))]);
        }
        let mut filled = vec![0; 256 * 1024];
        let len = reader.read(&mut filled).unwrap();
        let read = String::from_utf8(filled[..len].to_vec()).unwrap();
        assert!(read.ends_with('\n'), "a torn line");
        log.line(Level::Info, "TCP", "AFTER", &[]);
        let text = printed(log, reader);
        let lines: Vec<&str> = text.lines().map(behind_stamp).collect();
        let lost = 10_000 - read.lines().count();
        assert!(lost > 0);
        assert_eq!(lines, [&format!("[SERVER] [LOG] LOST lines={lost}"), "[SERVER] [TCP] AFTER"]);
    }

    #[test]
    fn a_line_waits_for_its_reader_as_long_as_the_patience_and_is_lost_then() {
        const PATIENCE: Duration = Duration::from_millis(100);
        let (log, _reader) = log(Speaker::Server, PATIENCE);
        let mut last = Instant::now();
        while log.output.lost().lines == 0 {
            last = Instant::now();
            log.line(Level::Info, "TCP", "ECHO", &[]);
        }
        assert!(last.elapsed() >= PATIENCE && last.elapsed() < Duration::from_secs(5), "{last:?}");
    }

    #[test]
    fn a_reader_that_is_gone_stops_no_writer() {
        let (log, reader) = log(Speaker::Server, Duration::from_mins(1));
        drop(reader);
        log.line(Level::Info, "TCP", "ECHO", &[]);
        assert!(log.reader_is_gone());
        assert_eq!(log.finish(), Err("cannot write to stdout: broken pipe".into()));
    }

    #[test]
    fn lost_lines_are_reported_at_the_end_or_are_an_error() {
        let (log, mut reader) = log(Speaker::Server, Duration::ZERO);
        assert_eq!(log.finish(), Ok(()));
        while log.output.lost().lines < 3 {
            log.line(Level::Info, "TCP", "ECHO", &[]);
        }
        assert!(!log.reader_is_gone());
        assert_eq!(log.finish(), Err("cannot write to stdout: 3 lines were lost".into()));
        assert!(reader.read(&mut vec![0; 256 * 1024]).unwrap() > 0);
        assert_eq!(log.finish(), Ok(()));
        assert_eq!(behind_stamp(printed(log, reader).trim_end()), "[SERVER] [LOG] LOST lines=3");
    }

    #[test]
    fn lines_of_many_threads_stay_whole() {
        let (log, reader) = log(Speaker::Server, Duration::from_mins(1));
        let text = std::thread::scope(|scope| {
            for thread in 0..8 {
                let log = log.clone();
                scope.spawn(move || {
                    for _ in 0..500 {
                        log.line(Level::Info, "TCP", "ECHO", &[("thread", Value::Count(thread))]);
                    }
                });
            }
            printed(log, reader)
        });
        assert_eq!(text.lines().count(), 4000);
        assert!(
            text.lines()
                .map(behind_stamp)
                .all(|line| line.starts_with("[SERVER] [TCP] ECHO thread=") && line.len() == 28)
        );
    }
}
