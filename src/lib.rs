//! Smoker tells what is broken in a cluster's network. This page is the map of its rooms.
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | a command line and an environment in, a command with its settings out; usage texts |
//! | [`explain`] | what a verdict, error code, evidence word, line, field or metric means |
//! | [`local`] | a server and a client in one process |
//! | [`client`] | rounds of probes on a schedule, a line a probe |
//! | [`server`] | the echo server: TCP, UDP, the HTTP paths, start and stop |
//! | [`report`] | the lines of many clients in, a screenful out |
//! | [`verdict`] | what is broken, by the evidence of a diagnosing pass |
//! | [`settings`] | how settings are declared, read and refused; knows no command |
//! | [`web`] | an HTTP server over a table of routes: conversations, bodies, tokens, `/health`, `/metrics` |
//! | [`probe`] | one file a protocol: (address, deadline) → what was found |
//! | [`responder`] | what is answered to a datagram of a series |
//! | [`serve`] | what every listener shares: accept loop, admission, threads, back-off |
//! | [`metrics`] | histograms, percentiles, and Prometheus' text format |
//! | [`log`] | the form of a line, and writing it without ever waiting for long |
//! | [`fetch`] | one HTTP request over one deadline, its answer bounded |
//! | [`dns`] | a stub resolver |
//! | [`http`] | HTTP/1.1 heads and bodies over bytes |
//! | [`json`] | JSON: a strict bounded reader, a streaming writer |
//! | [`series_protocol`] | the datagrams of a UDP series |
//! | [`proc`] | what the kernel says of this process and its control group |
//! | [`parallel`] | jobs done at the same time |
//! | [`nearest`] | the known words nearest to a misspelled one |
//! | [`periodic`] | everything that recurs: schedule, overrun, sleep, pulse |
//! | [`stop`] | the signal to end: its phases, and sleeps that it ends |
//! | [`sys`] | every foreign function |
//! | [`time`] | deadlines, UTC stamps |
//! | [`digits`] | numbers of decimal digits |
//! | [`node_names`] | which names of nodes and pods are accepted |
//!
//! The process itself, with its arguments, environment and exit status, is `main.rs`.
//!
//! What holds everywhere, and is tested (`tests/e2e/repository/`) as far as a test can see it:
//!
//! - A room uses rooms further down alone: none above it, and none beside it in its group below.
//! - No dependency but the standard library; `unsafe` in [`sys`] alone.
//! - Only `main.rs` reads arguments and environment, and decides the exit status.
//! - Rooms do not print: lines go through [`log`].
//! - Every loop, buffer, queue, wait and count has a limit with a name, a reason, and a test at the limit and
//!   one past it.
//! - Latencies and schedules come from the monotonic clock; the wall clock stamps lines.
//! - A failed probe is a value; an error ends a command.
//! - One deadline covers one operation whole.

pub mod cli;

pub mod explain;
pub mod local;

pub mod client;
pub mod server;

pub mod report;

pub mod verdict;

pub mod settings;

pub mod web;

pub mod probe;
pub mod responder;
pub mod serve;

pub mod metrics;

pub mod log;

pub mod dns;
pub mod fetch;

pub mod http;
pub mod json;
pub mod series_protocol;

pub mod proc;

pub mod nearest;
pub mod parallel;
pub mod periodic;
pub mod stop;

pub mod sys;

pub mod time;

pub mod digits;
pub mod node_names;
