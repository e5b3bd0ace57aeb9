//! The open connections of a listener, or of several that share a limit: admission, and closing them at a
//! stop.

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sys::socket;

/// The open connections: at most `limit`.
pub struct Connections {
    limit: usize,
    all: Mutex<Places>,
}

/// A place for each connection, reused when it is free: no search, and no growth past the limit.
#[derive(Default)]
struct Places {
    taken: Vec<Option<Arc<Connection>>>,
    free: Vec<usize>,
}

impl Places {
    fn in_use(&self) -> usize {
        self.taken.len() - self.free.len()
    }
}

/// One open connection.
pub struct Connection {
    /// Its socket.
    pub stream: TcpStream,
    /// The address of the other end.
    pub peer: SocketAddr,
    idle: AtomicBool,
}

impl Connection {
    /// Sets whether it is between two requests, or messages. If so, it is closed once a stop has begun.
    pub fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }
}

/// A connection that was admitted; its place is free again when this is dropped.
pub struct Admitted {
    connections: Arc<Connections>,
    connection: Arc<Connection>,
    place: usize,
}

impl Connections {
    /// No connections yet, and never more than `limit`.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, all: Mutex::default() })
    }

    /// Admits a connection, as an idle one; returns its stream if the limit is reached.
    pub fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) -> Result<Admitted, TcpStream> {
        let mut places = self.places();
        if places.in_use() >= self.limit {
            return Err(stream);
        }
        let connection = Arc::new(Connection { stream, peer, idle: AtomicBool::new(true) });
        let place = places.free.pop().unwrap_or_else(|| {
            places.taken.push(None);
            places.taken.len() - 1
        });
        places.taken[place] = Some(Arc::clone(&connection));
        Ok(Admitted { connections: Arc::clone(self), connection, place })
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.places().in_use()
    }

    /// Ends the reading of each one that is idle now. One that has bytes to read is about to be busy.
    pub fn close_idle(&self) {
        self.shut_down(Shutdown::Read, |connection| {
            connection.idle.load(Ordering::SeqCst) && !socket::has_unread(&connection.stream)
        });
    }

    /// Ends each one, idle or busy.
    pub fn close_all(&self) {
        self.shut_down(Shutdown::Both, |_| true);
    }

    fn shut_down(&self, how: Shutdown, chosen: impl Fn(&Connection) -> bool) {
        for connection in self.places().taken.iter().flatten().filter(|connection| chosen(connection)) {
            // An error means that the peer has closed it already.
            let _ = connection.stream.shutdown(how);
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::ops::Deref for Admitted {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut places = self.connections.places();
        places.taken[self.place] = None;
        places.free.push(self.place);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::serve::testing::{admitted, pair};

    #[test]
    fn the_limit_is_reached_and_not_passed_and_places_are_used_again() {
        let connections = Connections::new(2);
        assert_eq!(connections.open(), 0);
        for _ in 0..3 {
            let both = (admitted(&connections), admitted(&connections));
            let (client, stream) = pair();
            assert!(connections.admit(stream, client.local_addr().unwrap()).is_err());
            drop(both);
            assert_eq!(connections.open(), 0);
        }
        assert_eq!(connections.places().taken.len(), 2);
    }

    #[test]
    fn a_stop_closes_the_idle_and_lets_the_others_finish() {
        let connections = Connections::new(2);
        let (_idle_client, idle) = admitted(&connections);
        let (mut busy_client, busy) = admitted(&connections);
        busy.set_idle(false);
        connections.close_idle();
        assert_eq!((&idle.stream).read(&mut [0; 8]).unwrap(), 0);
        busy_client.write_all(b"x").unwrap();
        assert_eq!((&busy.stream).read(&mut [0; 8]).unwrap(), 1);
        connections.close_all();
        assert_eq!((&busy.stream).read(&mut [0; 8]).unwrap(), 0);
    }
}
