//! What the server tells of itself at `/metrics`.

use std::sync::Arc;

use crate::metrics::{Counter, Family, Number, Page, write_own};
use crate::serve::traffic::Traffic;

/// The counts of the three listeners.
#[derive(Default)]
pub(super) struct Metrics {
    pub(super) tcp: Arc<Traffic>,
    pub(super) http: Arc<Traffic>,
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
        let mut requests = page.counter("smoker_server_requests_total", "HTTP requests answered, by status.");
        for (status, count) in self.http.replies() {
            requests.sample(&[("code", &status.to_string())], Number::Whole(count));
        }
        self.udp.write(&mut page);
        write_own(&mut page);
        page.into_text()
    }

    fn write_connections(&self, page: &mut Page) {
        let each = |mut family: Family, number: fn(&Traffic) -> u64| {
            for (protocol, traffic) in [("tcp", &self.tcp), ("http", &self.http)] {
                family.sample(&[("protocol", protocol)], Number::Whole(number(traffic)));
            }
        };
        let family = page.gauge("smoker_server_connections", "Connections that are open.");
        each(family, |traffic| traffic.connections().1);
        let family = page.counter("smoker_server_connections_total", "Connections served.");
        each(family, |traffic| traffic.connections().0);
        let family = page.counter("smoker_server_refused_total", "Connections closed for lack of a place.");
        each(family, |traffic| traffic.refused.get());
    }

    fn write_bytes(&self, page: &mut Page) {
        let mut family = page.counter("smoker_server_bytes_total", "Bytes received and sent.");
        for (protocol, received, sent) in [
            ("tcp", &self.tcp.received, &self.tcp.sent),
            ("udp", &self.udp.received_bytes, &self.udp.sent_bytes),
            ("http", &self.http.received, &self.http.sent),
        ] {
            for (direction, bytes) in [("received", received), ("sent", sent)] {
                let labels = [("protocol", protocol), ("direction", direction)];
                family.sample(&labels, Number::Whole(bytes.get()));
            }
        }
    }
}

impl Datagrams {
    fn write(&self, page: &mut Page) {
        let mut family = page.counter("smoker_server_datagrams_total", "Datagrams received, by outcome.");
        for (outcome, count) in [
            ("echo", &self.echo),
            ("reply", &self.reply),
            ("dropped", &self.dropped),
            ("unsent", &self.unsent),
        ] {
            family.sample(&[("outcome", outcome)], Number::Whole(count.get()));
        }
    }
}
