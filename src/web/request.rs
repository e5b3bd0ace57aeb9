//! A request as a handler sees it: whole.

use super::body_budget::Body;
use super::pattern::Parameters;
use super::query::{Query, QueryError};
use crate::http::{Headers, RequestHead};

/// A request that a route has accepted.
pub struct Request<'a> {
    /// The method, HEAD for a GET without content.
    pub method: &'a str,
    /// The target's path as it was received, not percent-decoded.
    pub path: &'a str,
    /// The target's query as it was received; see [`query`](Self::query).
    pub raw_query: &'a str,
    /// The fields.
    pub headers: Headers<'a>,
    /// The path parameters.
    pub parameters: Parameters,
    /// The body; empty where the route takes none.
    pub body: Body,
}

impl<'a> Request<'a> {
    /// The request with this head.
    pub(super) fn new(head: &RequestHead<'a>, parameters: Parameters, body: Body) -> Self {
        let RequestHead { method, path, query: raw_query, headers, .. } = *head;
        Self { method, path, raw_query, headers, parameters, body }
    }

    /// The value of the path parameter `{name}`, decoded. Panics where the route's path has no such
    /// parameter.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name)
    }

    /// The query, parsed.
    pub fn query(&self) -> Result<Query, QueryError> {
        Query::parse(self.raw_query)
    }
}

/// What a handler sees of a head, copied: while the rest of a body is read, the head leaves the buffer that
/// both are read into.
#[derive(Default)]
pub(super) struct HeadCopy {
    /// Method, path and query, one after the other.
    text: String,
    method_length: usize,
    path_length: usize,
    lines: Vec<u8>,
}

impl HeadCopy {
    /// Copies `head` into the memory of the copy before.
    pub(super) fn copy(&mut self, head: &RequestHead<'_>) {
        self.text.clear();
        for part in [head.method, head.path, head.query] {
            self.text.push_str(part);
        }
        (self.method_length, self.path_length) = (head.method.len(), head.path.len());
        self.lines.clear();
        self.lines.extend_from_slice(head.headers.lines());
    }

    /// The request whose head was copied.
    pub(super) fn request(&self, parameters: Parameters, body: Body) -> Request<'_> {
        let (method, target) = self.text.split_at(self.method_length);
        let (path, raw_query) = target.split_at(self.path_length);
        Request { method, path, raw_query, headers: Headers::new(&self.lines), parameters, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::parse;

    #[test]
    fn a_copied_head_is_the_same_head() {
        let mut copy = HeadCopy::default();
        for text in ["POST /a/b?c=d HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
            let (head, _) = parse(text.as_bytes()).unwrap().unwrap();
            copy.copy(&head);
            let request = copy.request(Parameters::default(), Body::default());
            let original = Request::new(&head, Parameters::default(), Body::default());
            assert_eq!((request.method, request.path), (original.method, original.path));
            assert_eq!((request.raw_query, request.headers), (original.raw_query, original.headers));
        }
    }
}
