//! Counters, histograms and percentiles, and Prometheus' text format. Each exporter declares its metrics.

mod counter;
mod histogram;
mod jitter;
mod metric;
mod page;
mod percentiles;
mod process;

pub use counter::Counter;
pub use histogram::Histogram;
pub use jitter::Jitter;
#[cfg(test)]
pub(crate) use metric::assert_declares;
pub use metric::{Kind, Metric};
pub use page::{CONTENT_TYPE, Family, Number, Page};
pub use percentiles::Percentiles;
pub use process::{OWN, write_own};
