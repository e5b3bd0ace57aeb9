//! Why a conversation ends early.

use std::io;

use super::response::Response;
use crate::http::{Error, StatusCode};

/// Why a conversation ends before a response has ended it.
pub(super) enum End {
    /// The peer has closed or been silent for too long between two requests, or a stop has begun.
    Over,
    /// A request was refused without its body being read whole.
    Refused(Response),
    /// The connection failed.
    Failed(io::Error),
}

/// The end by a refusal for `reason`.
pub(super) fn refused(status: StatusCode, reason: &'static str) -> End {
    End::Refused(Response::text(status, reason))
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}
