//! What is counted and measured, as plain numbers, and how Prometheus reads it. What there is to count is the
//! business of those who count.

mod counter;
mod histogram;
mod jitter;
mod own;
mod page;
mod percentiles;

pub use counter::Counter;
pub use histogram::Histogram;
pub use jitter::Jitter;
pub use own::write_own;
pub use page::{CONTENT_TYPE, Family, Labels, Number, Page};
pub use percentiles::Percentiles;
