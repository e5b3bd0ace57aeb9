//! Smoker tells what is broken in a cluster's network. This page is the map of its rooms.
//!
//! A room uses rooms further down alone, none above and none beside it in its group.

pub mod cli;

pub mod local;

pub mod client;
pub mod server;

pub mod config;

pub mod probe;
pub mod serve;

pub mod log;

pub mod dns;
pub mod http;

pub mod sys;

pub mod time;
