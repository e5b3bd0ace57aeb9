//! The output of the log: each line is written whole, no write waits for long, and lost lines are counted.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys;

/// The longest line, its end included: what a pipe takes whole or not at all (`PIPE_BUF`, pipe(7)), and
/// what poll(2) promises to be free in a pipe that it calls writable.
pub const MAX_LINE: usize = 4096;

/// A file, pipe or terminal that lines are written to. A reader that is gone or does not read never stops the
/// writer: lines that it did not take within the patience are counted, and reported once it reads again.
pub struct Output {
    file: File,
    patience: Duration,
    lost: Mutex<Lost>,
}

#[derive(Default)]
pub(super) struct Lost {
    pub(super) lines: u64,
    /// The last line was written in part: the next one begins with the missing newline.
    torn: bool,
    /// The last write failed because the reading end of the pipe is closed.
    pub(super) reader_is_gone: bool,
}

impl Output {
    /// The stdout of the process. `patience` is how long a line waits for a reader.
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
    pub(super) fn print(&self, line: String, note: impl Fn(u64) -> String) {
        let mut lost = self.lost();
        if lost.lines > 0 && self.write(note(lost.lines), &mut lost) {
            lost.lines = 0;
        }
        if lost.lines > 0 || !self.write(line, &mut lost) {
            lost.lines += 1;
        }
    }

    pub(super) fn lost(&self) -> MutexGuard<'_, Lost> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the whole line was written.
    pub(super) fn write(&self, mut line: String, lost: &mut Lost) -> bool {
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
                    lost.reader_is_gone = error.kind() == ErrorKind::BrokenPipe;
                    break;
                }
            }
        }
        // At least one byte was written, but not the last one.
        lost.torn = if rest.len() == line.len() { lost.torn } else { !rest.is_empty() };
        rest.is_empty()
    }
}

/// A pipe or terminal, opened a second time so that writing to it never blocks: `O_NONBLOCK` belongs to the
/// open file description, which other processes may share. Poll alone is not enough, because a terminal whose
/// buffer is nearly full counts as writable. `None` where not needed, as for a file, or not permitted.
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
