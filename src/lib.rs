//! Smoker tells what is broken in a cluster's network. This page is the map of its rooms.
//!
//! Arrows of dependency point downwards only.

pub mod cli;
pub mod config;

pub mod client;
pub mod local;
pub mod server;

pub mod probe;
pub mod serve;

pub mod log;

pub mod dns;
pub mod http;
pub mod time;

pub mod sys;
