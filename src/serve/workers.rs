//! A thread a connection, with a thread that has just finished taking the next one over.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::connections::Admitted;

/// The stack of a thread: the echo buffer of 16 KiB is the largest thing on it.
pub const STACK_SIZE: usize = 64 * 1024;

/// How many finished threads may wait: about what a burst of new connections keeps two cores busy with.
pub const MAX_WAITING: usize = 32;

/// How long a finished thread waits for another connection, before it gives its memory back.
pub const LINGER: Duration = Duration::from_secs(1);

/// The threads of one listener. Creating a thread is most of the cost of a short connection, and one that
/// waits is there already.
pub struct Workers {
    serve: Box<dyn Fn(Admitted) + Send + Sync>,
    queue: Mutex<Queue>,
    handed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Never longer than `waiting`: each one has a thread on its way to it.
    connections: VecDeque<Admitted>,
    waiting: usize,
}

impl Workers {
    /// Threads that call `serve` once for each connection. A panic in it ends that thread and connection
    /// alone.
    pub fn new(serve: impl Fn(Admitted) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { serve: Box::new(serve), queue: Mutex::default(), handed: Condvar::new() })
    }

    /// Hands `connection` to a thread that waits, else to a new one. Where none can be made the connection
    /// is closed.
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

    /// The next connection; `None` where none came in time, or enough threads wait already.
    fn wait(&self) -> Option<Admitted> {
        let mut queue = self.queue();
        if queue.waiting >= MAX_WAITING {
            return None;
        }
        queue.waiting += 1;
        let idle = |queue: &mut Queue| queue.connections.is_empty();
        let (mut queue, _) =
            self.handed.wait_timeout_while(queue, LINGER, idle).unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
        queue.connections.pop_front()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
