//! The binary from outside: the command line, the server and the client over real sockets, and the house's
//! own rules. One binary, a module a subject.

mod client;
mod command_line;
mod diagnosis;
mod explain;
mod exporter;
mod manifests;
mod metrics;
mod monitoring;
mod names;
mod netns;
mod path_mtu;
mod probes;
mod readme;
mod repository;
mod server;
mod settings;
mod support;
