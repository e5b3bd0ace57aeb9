//! A thread for each connection; a thread that has just finished takes the next connection over.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::connections::Admitted;

/// The stack of a thread: the largest things on it are an echo's buffer of 4 KiB, and the 8 KiB that
/// `io::copy` moves at a time after a refusal.
pub const STACK_SIZE: usize = 64 * 1024;

/// The finished threads that may wait: about as many as a burst of new connections keeps busy on two cores.
pub const MAX_WAITING: usize = 32;

/// How long a finished thread waits for another connection before it ends and frees its memory.
pub const WAIT_FOR_NEXT: Duration = Duration::from_secs(1);

/// The threads of one listener. Creating a thread is most of the cost of a short connection, and a
/// waiting one exists already.
pub struct Workers {
    serve: Box<dyn Fn(Admitted) + Send + Sync>,
    queue: Mutex<Queue>,
    handed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Never longer than `waiting`: for each one a waiting thread has been woken.
    connections: VecDeque<Admitted>,
    waiting: usize,
}

impl Workers {
    /// Threads that call `serve` once for each connection. A panic in it ends that thread and connection
    /// alone.
    pub fn new(serve: impl Fn(Admitted) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { serve: Box::new(serve), queue: Mutex::default(), handed: Condvar::new() })
    }

    /// Passes `connection` to a waiting thread, else to a new one. If none can be created, the connection is
    /// closed.
    pub fn hand(self: &Arc<Self>, connection: Admitted) -> io::Result<()> {
        let mut queue = self.queue();
        if queue.waiting > queue.connections.len() {
            queue.connections.push_back(connection);
            drop(queue);
            self.handed.notify_one();
            return Ok(());
        }
        drop(queue);
        let workers = Arc::clone(self);
        let thread = thread::Builder::new().stack_size(STACK_SIZE);
        thread.spawn(move || workers.work(connection)).map(drop)
    }

    fn work(&self, connection: Admitted) {
        let mut next = Some(connection);
        while let Some(connection) = next {
            (self.serve)(connection);
            next = self.wait();
        }
    }

    /// The next connection; `None` if there was none in time, or enough threads wait already.
    fn wait(&self) -> Option<Admitted> {
        let mut queue = self.queue();
        if queue.waiting >= MAX_WAITING {
            return None;
        }
        queue.waiting += 1;
        let idle = |queue: &mut Queue| queue.connections.is_empty();
        let (mut queue, _) = self
            .handed
            .wait_timeout_while(queue, WAIT_FOR_NEXT, idle)
            .unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
        queue.connections.pop_front()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::mpsc;
    use std::thread::ThreadId;

    use super::*;
    use crate::serve::connections::Connections;
    use crate::serve::testing::admitted;

    /// Workers that answer `x` with `x` and panic at `p`, and the ids of the threads that answered.
    fn workers() -> (Arc<Workers>, mpsc::Receiver<ThreadId>) {
        let (sender, threads) = mpsc::channel();
        let workers = Workers::new(move |connection| {
            let mut byte = [0];
            (&connection.stream).read_exact(&mut byte).unwrap();
            assert_ne!(byte, *b"p", "the panic that this test provokes");
            (&connection.stream).write_all(&byte).unwrap();
            sender.send(thread::current().id()).unwrap();
        });
        (workers, threads)
    }

    fn exchange(client: &mut TcpStream, byte: u8) -> io::Result<usize> {
        client.write_all(&[byte])?;
        client.read(&mut [0])
    }

    #[test]
    fn a_thread_that_has_finished_takes_the_next_connection() {
        let connections = Connections::new(8);
        let (workers, threads) = workers();
        let (mut client, connection) = admitted(&connections);
        workers.hand(connection).unwrap();
        assert_eq!(exchange(&mut client, b'x').unwrap(), 1);
        let first = threads.recv().unwrap();
        while workers.queue().waiting == 0 {
            thread::yield_now();
        }
        let (mut client, connection) = admitted(&connections);
        workers.hand(connection).unwrap();
        assert_eq!(exchange(&mut client, b'x').unwrap(), 1);
        assert_eq!(threads.recv().unwrap(), first);
    }

    #[test]
    fn connections_at_the_same_time_have_a_thread_each() {
        let connections = Connections::new(64);
        let (workers, threads) = workers();
        let mut clients: Vec<TcpStream> = (0..=MAX_WAITING)
            .map(|_| {
                let (client, connection) = admitted(&connections);
                workers.hand(connection).unwrap();
                client
            })
            .collect();
        for client in &mut clients {
            assert_eq!(exchange(client, b'x').unwrap(), 1);
        }
        let distinct: std::collections::HashSet<ThreadId> =
            clients.iter().map(|_| threads.recv().unwrap()).collect();
        assert_eq!(distinct.len(), clients.len());
        assert!(workers.queue().waiting <= MAX_WAITING);
    }

    #[test]
    fn as_many_threads_wait_as_the_limit_and_no_more() {
        let connections = Connections::new(1);
        let (workers, _threads) = workers();
        let (_client, connection) = admitted(&connections);
        workers.queue().connections.push_back(connection);
        workers.queue().waiting = MAX_WAITING;
        assert!(workers.wait().is_none());
        workers.queue().waiting = MAX_WAITING - 1;
        assert!(workers.wait().is_some());
    }

    #[test]
    fn a_panic_ends_its_own_connection_alone_and_frees_its_place() {
        let connections = Connections::new(2);
        let (workers, threads) = workers();
        let (mut other, connection) = admitted(&connections);
        workers.hand(connection).unwrap();
        let (mut client, connection) = admitted(&connections);
        workers.hand(connection).unwrap();
        // The end of the connection, orderly or not.
        assert!(matches!(exchange(&mut client, b'p'), Ok(0) | Err(_)));
        assert_eq!(exchange(&mut other, b'x').unwrap(), 1);
        threads.recv().unwrap();
        while connections.open() > 0 {
            thread::yield_now();
        }
    }
}
