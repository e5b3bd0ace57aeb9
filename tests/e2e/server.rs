//! The server over real sockets, a module a subject.

mod child;
mod peer;

mod http;
mod tcp;
mod udp;
