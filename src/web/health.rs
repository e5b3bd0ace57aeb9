//! `GET /health`: whether the process is well, for a kubelet's probes.

use super::response::Response;
use super::routes::Route;
use crate::http::StatusCode;

/// The route `/health`, which answers 200 `healthy`, or 503 and the reason that `check` gives.
pub fn route(check: impl Fn() -> Result<(), &'static str> + Send + Sync + 'static) -> Route {
    Route::get("/health", move |_| match check() {
        Ok(()) => Response::text(StatusCode::OK, "healthy"),
        Err(reason) => Response::text(StatusCode::SERVICE_UNAVAILABLE, reason),
    })
}
