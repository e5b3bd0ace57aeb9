//! Status codes (RFC 9110, 15), and the reason phrases of those that Smoker sends.

use std::fmt;

/// A three-digit status code, 100 to 999: codes past 599 have no defined class, but a peer may send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusCode(u16);

impl StatusCode {
    /// 100 Continue.
    pub const CONTINUE: Self = Self(100);
    /// 200 OK.
    pub const OK: Self = Self(200);
    /// 204 No Content.
    pub const NO_CONTENT: Self = Self(204);
    /// 400 Bad Request.
    pub const BAD_REQUEST: Self = Self(400);
    /// 401 Unauthorized.
    pub const UNAUTHORIZED: Self = Self(401);
    /// 404 Not Found.
    pub const NOT_FOUND: Self = Self(404);
    /// 405 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// 408 Request Timeout.
    pub const REQUEST_TIMEOUT: Self = Self(408);
    /// 409 Conflict.
    pub const CONFLICT: Self = Self(409);
    /// 411 Length Required.
    pub const LENGTH_REQUIRED: Self = Self(411);
    /// 413 Content Too Large.
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    /// 414 URI Too Long.
    pub const URI_TOO_LONG: Self = Self(414);
    /// 415 Unsupported Media Type.
    pub const UNSUPPORTED_MEDIA_TYPE: Self = Self(415);
    /// 417 Expectation Failed.
    pub const EXPECTATION_FAILED: Self = Self(417);
    /// 422 Unprocessable Content.
    pub const UNPROCESSABLE_CONTENT: Self = Self(422);
    /// 431 Request Header Fields Too Large (RFC 6585, 5).
    pub const HEADER_FIELDS_TOO_LARGE: Self = Self(431);
    /// 501 Not Implemented.
    pub const NOT_IMPLEMENTED: Self = Self(501);
    /// 503 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Self = Self(503);
    /// 505 HTTP Version Not Supported.
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);

    /// The final statuses that Smoker sends, and their reason phrases.
    pub const SENT: [(Self, &'static str); 18] = [
        (Self::OK, "OK"),
        (Self::NO_CONTENT, "No Content"),
        (Self::BAD_REQUEST, "Bad Request"),
        (Self::UNAUTHORIZED, "Unauthorized"),
        (Self::NOT_FOUND, "Not Found"),
        (Self::METHOD_NOT_ALLOWED, "Method Not Allowed"),
        (Self::REQUEST_TIMEOUT, "Request Timeout"),
        (Self::CONFLICT, "Conflict"),
        (Self::LENGTH_REQUIRED, "Length Required"),
        (Self::CONTENT_TOO_LARGE, "Content Too Large"),
        (Self::URI_TOO_LONG, "URI Too Long"),
        (Self::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"),
        (Self::EXPECTATION_FAILED, "Expectation Failed"),
        (Self::UNPROCESSABLE_CONTENT, "Unprocessable Content"),
        (Self::HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"),
        (Self::NOT_IMPLEMENTED, "Not Implemented"),
        (Self::SERVICE_UNAVAILABLE, "Service Unavailable"),
        (Self::VERSION_NOT_SUPPORTED, "HTTP Version Not Supported"),
    ];

    /// The code of this number; `None` below 100 and above 999.
    pub const fn new(code: u16) -> Option<Self> {
        if matches!(code, 100..=999) { Some(Self(code)) } else { None }
    }

    /// The number.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// The reason phrase of a code in [`SENT`](Self::SENT); empty for others, as RFC 9112, 4, allows.
    pub fn reason_phrase(self) -> &'static str {
        Self::SENT.iter().find(|(known, _)| *known == self).map_or("", |(_, phrase)| phrase)
    }

    /// Whether another response to the same request follows. After 101 no HTTP follows, so it is final, and
    /// wrong, since Smoker asks for no upgrade (RFC 9110, 15.2.2).
    pub fn is_interim(self) -> bool {
        self.0 < 200 && self.0 != 101
    }

    /// Whether the request failed, through the client (4xx) or the server (5xx).
    pub fn is_error(self) -> bool {
        self.0 >= 400
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_three_digits() {
        for (code, is_valid) in [(0, false), (99, false), (100, true), (999, true), (1000, false)] {
            assert_eq!(StatusCode::new(code).map(StatusCode::as_u16), is_valid.then_some(code));
        }
    }

    #[test]
    fn each_code_that_is_sent_has_one_phrase() {
        for window in StatusCode::SENT.windows(2) {
            assert!(window[0].0 < window[1].0, "{window:?}");
        }
        assert!(StatusCode::SENT.iter().all(|(code, phrase)| code.reason_phrase() == *phrase));
        assert_eq!(StatusCode::new(999).unwrap().reason_phrase(), "");
    }

    #[test]
    fn codes_below_200_but_101_are_interim() {
        for (code, is_interim) in [(100, true), (101, false), (103, true), (199, true), (200, false)] {
            assert_eq!(StatusCode::new(code).unwrap().is_interim(), is_interim, "{code}");
        }
    }
}
