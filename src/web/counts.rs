//! Counts of a listener's requests, by route and status.

use std::sync::{Arc, Mutex, PoisonError};

use crate::http::StatusCode;
use crate::metrics::Counter;

/// The label of requests that no route is for, and of what was not a request.
pub(super) const OTHER: &str = "other";

/// The counts of a listener. Its labels are the paths of routes and [`OTHER`], whatever is requested.
#[derive(Debug, Default)]
pub struct RequestCounts {
    routes: Mutex<Vec<(&'static str, Arc<StatusCounts>)>>,
}

/// The counts of one route, by status.
#[derive(Debug, Default)]
pub(super) struct StatusCounts {
    by_status: [Counter; StatusCode::SENT.len()],
}

impl RequestCounts {
    /// How many requests to each route were answered with each status.
    pub fn by_route(&self) -> Vec<(&'static str, StatusCode, u64)> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = routes
            .iter()
            .flat_map(|(route, counts)| counts.each().map(|(status, count)| (*route, status, count)));
        counts.collect()
    }

    /// How many requests were answered with each status.
    pub fn by_status(&self) -> impl Iterator<Item = (StatusCode, u64)> {
        let by_route = self.by_route();
        StatusCode::SENT.into_iter().map(move |(status, _)| {
            let counts = by_route.iter().filter(|(_, other, _)| *other == status);
            (status, counts.map(|(_, _, count)| count).sum())
        })
    }

    /// The counts of the route with this label, the same ones for each caller.
    pub(super) fn of(&self, label: &'static str) -> Arc<StatusCounts> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counts)) = routes.iter().find(|(other, _)| *other == label) {
            return Arc::clone(counts);
        }
        let counts = Arc::default();
        routes.push((label, Arc::clone(&counts)));
        counts
    }
}

impl StatusCounts {
    /// Counts a response.
    pub(super) fn add(&self, status: StatusCode) {
        if let Some(index) = StatusCode::SENT.iter().position(|(known, _)| *known == status) {
            self.by_status[index].add(1);
        }
    }

    fn each(&self) -> impl Iterator<Item = (StatusCode, u64)> {
        StatusCode::SENT.iter().zip(&self.by_status).map(|((status, _), count)| (*status, count.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_counted_by_route_and_status_from_zero() {
        let counts = RequestCounts::default();
        let (root, other) = (counts.of("/"), counts.of(OTHER));
        assert!(counts.by_route().iter().all(|(_, _, count)| *count == 0));
        root.add(StatusCode::OK);
        root.add(StatusCode::OK);
        other.add(StatusCode::OK);
        counts.of("/").add(StatusCode::SERVICE_UNAVAILABLE);
        other.add(StatusCode::new(999).unwrap());
        let counted: Vec<_> = counts.by_route().into_iter().filter(|(_, _, count)| *count > 0).collect();
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(counted, [("/", StatusCode::OK, 2), ("/", busy, 1), (OTHER, StatusCode::OK, 1)]);
        let counted: Vec<_> = counts.by_status().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(StatusCode::OK, 3), (busy, 1)]);
    }
}
