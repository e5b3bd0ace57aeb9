//! Writing to a peer that may not read, with limits on the time that it takes.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::Duration;

use crate::sys::socket;
use crate::time::Deadline;

/// How long to wait for a peer to read.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From one byte that it accepts to the next.
    pub idle: Duration,
    /// From the first wait to the last byte; `None`: unlimited.
    pub whole: Option<Duration>,
}

/// Writes all of `bytes`. An error of kind `TimedOut` when the patience is exhausted.
///
/// Blocking writes with `SO_SNDTIMEO` would not do: one that times out after a part returns a short write,
/// and a peer that never reads would get its patience twice.
pub fn write_all(stream: &TcpStream, mut bytes: &[u8], patience: Patience) -> io::Result<()> {
    let (mut deadline, mut has_timed_out) = (None, false);
    while !bytes.is_empty() {
        match socket::send_at_once(stream, bytes) {
            Ok(sent) => {
                bytes = &bytes[sent..];
                has_timed_out = false;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && has_timed_out => {
                return Err(ErrorKind::TimedOut.into());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                deadline = deadline.or_else(|| patience.whole.map(Deadline::after));
                let left = deadline.map_or(Ok(patience.idle), Deadline::left)?;
                // Poll waits for a third of the send buffer; a peer that reads slowly has made some room.
                has_timed_out = !socket::wait_writable(stream, left.min(patience.idle))?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Instant;

    use super::*;
    use crate::serve::testing::pair;

    const IDLE: Duration = Duration::from_millis(100);

    #[test]
    fn a_peer_that_never_reads_is_given_up_after_the_idle_time() {
        let (_client, server) = pair();
        let start = Instant::now();
        let error = write_all(&server, &vec![0; 64 << 20], Patience { idle: IDLE, whole: None }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(start.elapsed() >= IDLE);
    }

    #[test]
    fn a_peer_that_reads_a_little_is_given_up_when_the_whole_takes_too_long() {
        let (client, server) = pair();
        let patience = Patience { idle: Duration::from_mins(1), whole: Some(IDLE) };
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut total, mut some) = (0, [0; 1024]);
                while total < 1 << 20 {
                    total += (&client).read(&mut some).unwrap();
                }
            });
            let error = write_all(&server, &vec![0; 64 << 20], patience).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            drop(server);
            reader.join().unwrap();
        });
    }
}
