//! The server's metrics, and its page at `/metrics`.

use std::sync::Arc;

use crate::metrics::{Counter, Metric, Number, Page, write_own};
use crate::serve::traffic::Traffic;
use crate::web::RequestCounts;

const CONNECTIONS: Metric =
    Metric::gauge("smoker_server_connections", "Connections that are open.", &["protocol"]);
const CONNECTIONS_TOTAL: Metric =
    Metric::counter("smoker_server_connections_total", "Connections served.", &["protocol"]);
const REFUSED: Metric =
    Metric::counter("smoker_server_refused_total", "Connections closed for lack of a place.", &["protocol"]);
const BYTES: Metric =
    Metric::counter("smoker_server_bytes_total", "Bytes received and sent.", &["protocol", "direction"]);
const REQUESTS: Metric =
    Metric::counter("smoker_server_requests_total", "HTTP requests answered, by status.", &["code"]);
const DATAGRAMS: Metric =
    Metric::counter("smoker_server_datagrams_total", "Datagrams received, by outcome.", &["outcome"]);

/// A server's own metrics, in the order of its page.
pub const METRICS: &[Metric] = &[CONNECTIONS, CONNECTIONS_TOTAL, REFUSED, BYTES, REQUESTS, DATAGRAMS];

/// The counts of the three listeners.
#[derive(Default)]
pub(super) struct Metrics {
    pub(super) tcp: Arc<Traffic>,
    pub(super) http: Arc<Traffic>,
    pub(super) requests: RequestCounts,
    pub(super) udp: Datagrams,
}

/// What has become of the datagrams that came.
#[derive(Default)]
pub(super) struct Datagrams {
    pub(super) received_bytes: Counter,
    pub(super) sent_bytes: Counter,
    /// Sent back as they came.
    pub(super) echo: Counter,
    /// Answered to a Smoker that asked more than an echo.
    pub(super) reply: Counter,
    /// Not answered: the answer might be answered.
    pub(super) dropped: Counter,
    /// The system would not send the answer.
    pub(super) unsent: Counter,
}

impl Metrics {
    /// The page that `/metrics` shows.
    pub(super) fn page(&self) -> String {
        let mut page = Page::default();
        self.write_connections(&mut page);
        self.write_bytes(&mut page);
        let mut requests = page.family(&REQUESTS);
        for (status, count) in self.requests.by_status() {
            requests.sample(&[&status.to_string()], Number::Whole(count));
        }
        self.udp.write(&mut page);
        write_own(&mut page);
        page.into_text()
    }

    fn write_connections(&self, page: &mut Page) {
        let mut write = |metric, number: fn(&Traffic) -> u64| {
            let mut family = page.family(metric);
            for (protocol, traffic) in [("tcp", &self.tcp), ("http", &self.http)] {
                family.sample(&[protocol], Number::Whole(number(traffic)));
            }
        };
        write(&CONNECTIONS, |traffic| traffic.connections().1);
        write(&CONNECTIONS_TOTAL, |traffic| traffic.connections().0);
        write(&REFUSED, |traffic| traffic.refused.get());
    }

    fn write_bytes(&self, page: &mut Page) {
        let mut family = page.family(&BYTES);
        for (protocol, received, sent) in [
            ("tcp", &self.tcp.received, &self.tcp.sent),
            ("udp", &self.udp.received_bytes, &self.udp.sent_bytes),
            ("http", &self.http.received, &self.http.sent),
        ] {
            for (direction, bytes) in [("received", received), ("sent", sent)] {
                family.sample(&[protocol, direction], Number::Whole(bytes.get()));
            }
        }
    }
}

impl Datagrams {
    fn write(&self, page: &mut Page) {
        let mut family = page.family(&DATAGRAMS);
        for (outcome, count) in [
            ("echo", &self.echo),
            ("reply", &self.reply),
            ("dropped", &self.dropped),
            ("unsent", &self.unsent),
        ] {
            family.sample(&[outcome], Number::Whole(count.get()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{OWN, assert_declares};

    #[test]
    fn the_page_has_the_metrics_of_the_table() {
        assert_declares(&Metrics::default().page(), &[METRICS, OWN]);
    }
}
