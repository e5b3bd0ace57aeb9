//! The server over real sockets, a module a subject.

mod attackers;
mod http;
mod identity;
mod load;
mod log;
mod overload;
mod start;
mod stop;
mod tcp;
mod udp;
