//! Smoker tells what is broken in a cluster's network. This page is the map of its rooms.
//!
//! Arrows of dependency point downwards only.

pub mod time;
