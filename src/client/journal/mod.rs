//! The one place where what a client found becomes lines, streaks, summaries and metrics.

pub(super) mod accounts;
pub(super) mod lines;
pub(super) mod metrics;
pub(super) mod streak;
pub(super) mod summary;
pub(super) mod verdicts;
