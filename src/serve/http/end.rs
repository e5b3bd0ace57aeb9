//! Why a conversation ends early.

use std::io;

use super::Refusal;
use crate::http::StatusCode;

/// Why a conversation ends before a reply has ended it.
pub(super) enum End {
    /// The peer has no more to ask, or is silent, or a stop has begun.
    Over,
    Refused(Refusal),
    Failed(io::Error),
}

/// The end by a refusal for `reason`.
pub(super) fn refused(status: StatusCode, reason: &'static str) -> End {
    Refusal { status, reason, fields: &[] }.into()
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<crate::http::Error> for End {
    fn from(error: crate::http::Error) -> Self {
        refused(error.status(), error.reason())
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}
