//! One line an event on stdout: the form of a line, its escaping, and writing that never waits for long.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::sys;
use crate::time::Utc;

/// The longest line, its end included: what a pipe takes whole or not at all (`PIPE_BUF`, pipe(7)), and
/// what poll(2) promises to be free in a pipe that it calls writable.
pub const MAX_LINE: usize = 4096;

/// The longest text value, in bytes before escaping: a screen's width twice over.
pub const MAX_TEXT: usize = 256;

/// How much an event matters; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A failure, or what has to be printed whatever the level.
    Error,
    /// What an operator should look at.
    Warn,
    /// The events that Smoker is there for.
    Info,
    /// What helps to find a fault in Smoker itself.
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

/// A field's value, and by it its form in the line.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A whole number.
    Count(u64),
    /// A duration in milliseconds with three decimals: `0.412ms`.
    Milliseconds(Duration),
    /// A word of Smoker's own vocabulary, as it is.
    Word(&'a str),
    /// Text from anywhere, quoted and escaped.
    Text(&'a str),
    /// An address and port.
    Address(SocketAddr),
    /// A moment in UTC: `2025-11-13T10:30:30Z`.
    Moment(SystemTime),
}

/// Who speaks: the second word of each line.
#[derive(Clone, Debug)]
pub enum Speaker {
    /// `[SERVER]`
    Server,
    /// `[NODE:name]`
    Node(String),
}

/// The log of one speaker. Clones write to the same output.
#[derive(Clone)]
pub struct Log {
    speaker: Speaker,
    level: Level,
    output: Arc<Output>,
}

impl Log {
    /// A log that writes lines up to `level` to `output`.
    pub fn new(speaker: Speaker, level: Level, output: Arc<Output>) -> Self {
        Self { speaker, level, output }
    }

    /// Whether lines of `level` are printed; asked before a line is put together where speed matters.
    pub fn prints(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Prints `[stamp] [SPEAKER] [KIND] event key=value …` if lines of `level` are printed.
    ///
    /// `event` is printed as it is: text from outside goes through [`escape`] first.
    pub fn line(&self, level: Level, kind: &str, event: &str, fields: &[(&str, Value)]) {
        if !self.prints(level) {
            return;
        }
        let mut line = self.beginning(kind, event);
        for (key, value) in fields {
            let _ = write!(line, " {key}={value}");
        }
        self.output.print(line, |lines| self.lost(lines));
    }

    /// Whether whoever read the lines has gone for good.
    pub fn is_unread(&self) -> bool {
        self.output.lost().reader_has_gone
    }

    /// Tells, at the end, of lines lost and not told of yet; an error if nobody reads that either.
    pub fn finish(&self) -> Result<(), String> {
        let mut lost = self.output.lost();
        if lost.reader_has_gone {
            return Err("cannot write to stdout: broken pipe".into());
        }
        if lost.lines > 0 && !self.output.write(self.lost(lost.lines), &mut lost) {
            return Err(format!("cannot write to stdout: {} lines were lost", lost.lines));
        }
        Ok(())
    }

    fn lost(&self, lines: u64) -> String {
        self.beginning("LOG", &format!("LOST lines={lines}"))
    }

    fn beginning(&self, kind: &str, event: &str) -> String {
        format!("[{}] [{}] [{kind}] {event}", Utc::from(SystemTime::now()), self.speaker)
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("SERVER"),
            Self::Node(name) => write!(f, "NODE:{name}"),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Count(count) => write!(f, "{count}"),
            Value::Milliseconds(duration) => {
                // Rounded to the nearest microsecond, without floating point.
                let microseconds = (duration.as_nanos() + 500) / 1000;
                write!(f, "{}.{:03}ms", microseconds / 1000, microseconds % 1000)
            }
            Value::Word(word) => f.write_str(word),
            Value::Text(text) => write!(f, "\"{}\"", escape(text)),
            Value::Address(address) => write!(f, "{address}"),
            Value::Moment(moment) => f.write_str(&Utc::from(moment).rfc3339()),
        }
    }
}

/// `text` cut to [`MAX_TEXT`] bytes, with `"`, `\` and control characters escaped as Rust does, so that it
/// stays within its quotes and its line.
pub fn escape(text: &str) -> String {
    let whole = text.len() <= MAX_TEXT;
    let cut = &text[..text.floor_char_boundary(MAX_TEXT)];
    let mut escaped = String::with_capacity(cut.len());
    for character in cut.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            _ if character.is_control() => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    if !whole {
        escaped.push('…');
    }
    escaped
}

/// Where lines go. Each is written whole, and a reader that has gone or does not read never stops the
/// writer: what it would not take within the patience is counted, and told as soon as it reads again.
pub struct Output {
    file: File,
    patience: Duration,
    lost: Mutex<Lost>,
}

#[derive(Default)]
struct Lost {
    lines: u64,
    /// The last line was written in part: the next begins with the newline that it lacks.
    torn: bool,
    /// The last write said that nobody can read any more.
    reader_has_gone: bool,
}

impl Output {
    /// The process's stdout. `patience` is how long a line waits for a reader.
    pub fn stdout(patience: Duration) -> io::Result<Arc<Self>> {
        let shared = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let own = reopened_without_blocking(&shared);
        Ok(Self::file(own.unwrap_or(shared), patience))
    }

    /// Any open file, pipe or terminal.
    pub fn file(file: File, patience: Duration) -> Arc<Self> {
        Arc::new(Self { file, patience, lost: Mutex::default() })
    }

    /// Prints `line`, and before it the note about lines that were lost.
    fn print(&self, line: String, note: impl Fn(u64) -> String) {
        let mut lost = self.lost();
        if lost.lines > 0 && self.write(note(lost.lines), &mut lost) {
            lost.lines = 0;
        }
        if lost.lines > 0 || !self.write(line, &mut lost) {
            lost.lines += 1;
        }
    }

    fn lost(&self) -> MutexGuard<'_, Lost> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the whole line was written.
    fn write(&self, mut line: String, lost: &mut Lost) -> bool {
        line.truncate(line.floor_char_boundary(MAX_LINE - 1));
        line.push('\n');
        if lost.torn {
            line.insert(0, '\n');
        }
        let mut rest = line.as_bytes();
        while !rest.is_empty() && matches!(sys::socket::wait_writable(&self.file, self.patience), Ok(true)) {
            match (&self.file).write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) => {
                    lost.reader_has_gone = error.kind() == ErrorKind::BrokenPipe;
                    break;
                }
            }
        }
        // One byte or more of it went out, and not the last.
        lost.torn = if rest.len() == line.len() { lost.torn } else { !rest.is_empty() };
        rest.is_empty()
    }
}

/// A pipe or terminal, opened again so that writing to it never blocks: the flag belongs to what was opened,
/// which other processes may share. Poll alone is not enough, because a terminal that is nearly full counts
/// as writable. `None` where that is not needed, as for a file, or not allowed.
fn reopened_without_blocking(file: &File) -> Option<File> {
    const O_NOCTTY: i32 = 0o400;
    const O_NONBLOCK: i32 = 0o4000;
    let kind = file.metadata().ok()?.file_type();
    if !kind.is_fifo() && !kind.is_char_device() {
        return None;
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    File::options().write(true).custom_flags(O_NOCTTY | O_NONBLOCK).open(path).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Instant;

    use super::*;

    fn log(speaker: Speaker, patience: Duration) -> (Log, io::PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output::file(File::from(std::os::fd::OwnedFd::from(writer)), patience);
        (Log::new(speaker, Level::Info, output), reader)
    }

    fn printed(log: Log, mut reader: io::PipeReader) -> String {
        drop(log);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    /// The part of a line behind its stamp, whose form is checked on the way.
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
    fn latencies_are_milliseconds_with_three_decimals() {
        for (nanoseconds, text) in [
            (0, "0.000ms"),
            (499, "0.000ms"),
            (500, "0.001ms"),
            (999_999_999, "1000.000ms"),
            (5_000_000_000, "5000.000ms"),
        ] {
            assert_eq!(Value::Milliseconds(Duration::from_nanos(nanoseconds)).to_string(), text);
        }
    }

    #[test]
    fn text_is_cut_at_its_limit_and_not_before() {
        assert_eq!(escape(&"x".repeat(MAX_TEXT)), "x".repeat(MAX_TEXT));
        assert_eq!(escape(&"x".repeat(MAX_TEXT + 1)), "x".repeat(MAX_TEXT) + "…");
        assert_eq!(escape(&"é".repeat(MAX_TEXT)).chars().count(), MAX_TEXT / 2 + 1);
    }

    #[test]
    fn a_line_is_cut_at_its_limit_and_not_before() {
        for (extra, whole) in [(0, true), (1, false)] {
            let (log, reader) = log(Speaker::Server, Duration::ZERO);
            let event = "e".repeat(MAX_LINE - "[2025-11-13 10:30:00] [SERVER] [X] \n".len() + extra);
            log.line(Level::Info, "X", &event, &[]);
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
    fn a_reader_that_has_gone_is_no_error() {
        let (log, reader) = log(Speaker::Server, Duration::from_mins(1));
        drop(reader);
        log.line(Level::Info, "TCP", "ECHO", &[]);
        assert!(log.is_unread());
        assert_eq!(log.finish(), Err("cannot write to stdout: broken pipe".into()));
    }

    #[test]
    fn what_was_lost_is_told_at_the_end_or_is_an_error() {
        let (log, mut reader) = log(Speaker::Server, Duration::ZERO);
        assert_eq!(log.finish(), Ok(()));
        while log.output.lost().lines < 3 {
            log.line(Level::Info, "TCP", "ECHO", &[]);
        }
        assert!(!log.is_unread());
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
