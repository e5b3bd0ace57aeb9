//! The binary from outside: the command line, the server and the client over real sockets, and the house's
//! own rules. One binary, a module a subject.

mod checking;
mod client;
mod command_line;
mod diagnosis;
mod exporter;
mod isolated;
mod line;
mod manifests;
mod metrics;
mod monitoring;
mod names;
mod nameserver;
mod netns;
mod path_mtu;
mod probes;
mod readme;
mod repository;
mod running;
mod rust;
mod scripted;
mod server;
mod settings;
mod support;
mod yaml;
