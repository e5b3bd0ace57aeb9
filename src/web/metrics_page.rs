//! `GET /metrics`: a page for Prometheus.

use super::response::Response;
use super::routes::Route;
use crate::http::StatusCode;
use crate::metrics::CONTENT_TYPE;

/// The route `/metrics`, which answers with the page that `page` makes.
pub fn route(page: impl Fn() -> String + Send + Sync + 'static) -> Route {
    Route::get("/metrics", move |_| Response::document(StatusCode::OK, CONTENT_TYPE, page()))
}
