//! Why a message is refused: one closed list for heads and bodies, requests and responses.

use super::status::StatusCode;

/// What made a message unacceptable. Its recipient closes the connection: where the next message would begin
/// is no longer known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A CR without its LF (RFC 9112, 2.2).
    BareCr,
    /// An LF without its CR, which RFC 9112, 2.2, lets a recipient take for a line end and this one does not.
    BareLf,
    /// NUL, another control byte or DEL in a head, a chunk-size line or a trailer (RFC 9110, 5.5).
    ControlByte,
    /// No method, one that is not a token, or no space after it.
    Method,
    /// A target in none of the forms of RFC 9112, 3.2, or not followed by a version.
    Target,
    /// A version that is not `HTTP/` digit `.` digit, or not followed by what belongs there.
    Version,
    /// A major version other than 1.
    UnsupportedVersion,
    /// A status line without a code of three digits, 100 and up, and a space on both sides.
    StatusLine,
    /// More interim responses than [`response::INTERIM_LIMIT`](super::response::INTERIM_LIMIT).
    TooManyInterim,
    /// No field name, one that is not a token, or no colon straight after it (RFC 9112, 5.1).
    FieldName,
    /// A line that begins with white space: a folded field, or padding before the first
    /// (RFC 9112, 2.2 and 5.2).
    Folded,
    /// No `Host` on HTTP/1.1, more than one, or one that is no host and port (RFC 9112, 3.2).
    Host,
    /// A `Content-Length` that is not one decimal number, or more than one (RFC 9110, 8.6).
    ContentLength,
    /// A `Transfer-Encoding` that is malformed, is used on HTTP/1.0, or has `chunked` elsewhere than last.
    TransferEncoding,
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112, 6.3).
    TwoFramings,
    /// A transfer coding other than `chunked`.
    UnsupportedCoding,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A chunk with a malformed size line, one past its limits, or without the CRLF that ends it.
    Chunk,
    /// A request line longer than [`request::LINE_LIMIT`](super::request::LINE_LIMIT).
    LineTooLong,
    /// A head longer than [`HEAD_LIMIT`](super::headers::HEAD_LIMIT).
    HeadTooLarge,
    /// More fields than [`FIELDS_LIMIT`](super::headers::FIELDS_LIMIT).
    TooManyFields,
    /// Trailers longer than [`body::TRAILERS_LIMIT`](super::body::TRAILERS_LIMIT).
    TrailersTooLarge,
    /// A body longer than its recipient's limit.
    BodyTooLarge,
}

impl Error {
    /// The status of the reply with which a server refuses such a request.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BodyTooLarge => StatusCode::CONTENT_TOO_LARGE,
            Self::LineTooLong => StatusCode::URI_TOO_LONG,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::HeadTooLarge | Self::TooManyFields | Self::TrailersTooLarge => {
                StatusCode::HEADER_FIELDS_TOO_LARGE
            }
            Self::UnsupportedCoding => StatusCode::NOT_IMPLEMENTED,
            Self::UnsupportedVersion => StatusCode::VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A few words for the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::BareCr => "bare CR",
            Self::BareLf => "bare LF",
            Self::ControlByte => "control byte",
            Self::Method => "malformed method",
            Self::Target => "malformed target",
            Self::Version => "malformed version",
            Self::UnsupportedVersion => "unsupported version",
            Self::StatusLine => "malformed status line",
            Self::TooManyInterim => "too many interim responses",
            Self::FieldName => "malformed field name",
            Self::Folded => "folded field",
            Self::Host => "missing, repeated or malformed host",
            Self::ContentLength => "malformed or repeated content length",
            Self::TransferEncoding => "malformed transfer encoding",
            Self::TwoFramings => "content length beside transfer encoding",
            Self::UnsupportedCoding => "unsupported transfer coding",
            Self::Expectation => "unsupported expectation",
            Self::Chunk => "malformed chunk",
            Self::LineTooLong => "request line too long",
            Self::HeadTooLarge => "head too large",
            Self::TooManyFields => "too many fields",
            Self::TrailersTooLarge => "trailers too large",
            Self::BodyTooLarge => "body too large",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_status_that_the_rfcs_give_them() {
        for (error, status) in [
            (Error::ControlByte, 400),
            (Error::Host, 400),
            (Error::Chunk, 400),
            (Error::TransferEncoding, 400),
            (Error::BodyTooLarge, 413),
            (Error::LineTooLong, 414),
            (Error::Expectation, 417),
            (Error::HeadTooLarge, 431),
            (Error::TooManyFields, 431),
            (Error::TrailersTooLarge, 431),
            (Error::UnsupportedCoding, 501),
            (Error::UnsupportedVersion, 505),
        ] {
            assert_eq!(error.status().as_u16(), status, "{}", error.reason());
        }
    }
}
