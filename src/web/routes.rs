//! The table of routes of a listener, and what its router alone answers: unknown paths (404), other methods
//! (405, OPTIONS), HEAD, tokens (401), and bodies that a route does not take (411, 415).

use std::borrow::Cow;
use std::sync::Arc;

use super::body_budget::BODY_LIMIT;
use super::counts::{OTHER, RequestCounts, StatusCounts};
use super::pattern::{Parameters, Pattern};
use super::percent::Refused;
use super::request::Request;
use super::response::Response;
use super::token::{BearerToken, Denied};
use crate::http::{Framing, Headers, RequestHead, StatusCode};

/// The routes of a listener.
pub struct Routes {
    /// In the order of their precedence.
    resources: Vec<Resource>,
    fallback: Fallback,
    other: Arc<StatusCounts>,
}

/// One path, its methods, and the function that answers.
pub struct Route {
    method: Method,
    path: &'static str,
    takes: Takes,
    token: Option<Arc<BearerToken>>,
    handler: Box<Handler>,
}

/// Answers a request.
type Handler = dyn Fn(&Request<'_>) -> Response + Send + Sync;

/// A method that a route is for. HEAD comes with GET, and OPTIONS with any route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Method {
    Get,
    Post,
}

/// Which request bodies a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None: a body is read and discarded, up to [`BODY_LIMIT`], and the handler sees an empty one.
    Nothing,
    /// Any, or none, up to [`BODY_LIMIT`].
    Anything,
    /// One of this media type, with a declared end, and of `limit` bytes at the most.
    Media {
        /// Such as `application/json`; parameters of a request's `Content-Type` are not looked at.
        media_type: &'static str,
        /// In bytes.
        limit: u64,
    },
}

/// What is answered where no route has the path.
enum Fallback {
    NotFound,
    Refuse(fn() -> Response),
}

/// The routes of one path.
struct Resource {
    pattern: Pattern,
    routes: Vec<Route>,
    /// The value of `Allow`.
    allow: String,
    counts: Arc<StatusCounts>,
}

/// What the router found for a request.
pub(super) struct Found<'r> {
    pub(super) counts: &'r StatusCounts,
    pub(super) answer: Answer<'r>,
}

/// How a request is answered.
pub(super) enum Answer<'r> {
    /// By a route.
    Route(&'r Route, Parameters),
    /// By the router, once the request's body has been read and discarded.
    Respond(Response),
    /// By the router, before the request's body is read; the connection ends.
    Refuse(Response),
}

impl Route {
    /// A route for GET and HEAD. `path` begins with a slash; a segment `{name}` is a parameter: one segment
    /// of any text, see [`PARAMETER_LIMIT`](super::PARAMETER_LIMIT).
    pub fn get(
        path: &'static str,
        handler: impl Fn(&Request<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self { method: Method::Get, path, takes: Takes::Nothing, token: None, handler: Box::new(handler) }
    }

    /// A route for POST.
    pub fn post(
        path: &'static str,
        takes: Takes,
        handler: impl Fn(&Request<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self { method: Method::Post, path, takes, token: None, handler: Box::new(handler) }
    }

    /// The same route for requests that present `token` alone.
    #[must_use]
    pub fn with_token(self, token: &Arc<BearerToken>) -> Self {
        Self { token: Some(Arc::clone(token)), ..self }
    }

    /// Which bodies it takes.
    pub(super) fn takes(&self) -> Takes {
        self.takes
    }

    /// Has the handler answer.
    pub(super) fn handle(&self, request: &Request<'_>) -> Response {
        (self.handler)(request)
    }

    /// The refusal of a request that lacks what the route needs.
    fn refusal(&self, head: &RequestHead<'_>) -> Option<Response> {
        let denied = self.token.as_ref().and_then(|token| token.check(&head.headers).err());
        if let Some(denied) = denied {
            return Some(unauthorized(denied));
        }
        let Takes::Media { media_type, .. } = self.takes else { return None };
        if head.framing == Framing::None {
            return Some(Response::text(StatusCode::LENGTH_REQUIRED, "length required"));
        }
        let is_taken = is_of(media_type, &head.headers);
        (!is_taken).then(|| Response::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported media type"))
    }
}

impl Routes {
    /// A table of `routes`, whose requests `counts` counts. Of two routes that match a path, the one with a
    /// literal segment where the other first has a parameter is taken. Panics where two routes have the same
    /// paths and method, since the table is the program's own.
    pub fn new(routes: Vec<Route>, counts: &RequestCounts) -> Self {
        let mut resources: Vec<Resource> = Vec::new();
        for route in routes {
            let pattern = Pattern::new(route.path);
            match resources.iter_mut().find(|other| other.pattern.precedence(&pattern).is_eq()) {
                Some(resource) => resource.add(route),
                None => resources.push(Resource::new(pattern, route, counts)),
            }
        }
        resources.sort_by(|a, b| a.pattern.precedence(&b.pattern));
        Self { resources, fallback: Fallback::NotFound, other: counts.of(OTHER) }
    }

    /// The same table, with `refuse` instead of 404 where no route has the path: the connection ends then,
    /// and the request's body is not read.
    #[must_use]
    pub fn or_refuse(self, refuse: fn() -> Response) -> Self {
        Self { fallback: Fallback::Refuse(refuse), ..self }
    }

    /// The counts of what was not a request.
    pub(super) fn other(&self) -> &StatusCounts {
        &self.other
    }

    /// Finds what answers the request with this head.
    pub(super) fn find(&self, head: &RequestHead<'_>) -> Found<'_> {
        match self.resources.iter().find(|resource| resource.pattern.matches(head.path)) {
            Some(resource) => Found { counts: &resource.counts, answer: resource.answer(head) },
            None => Found { counts: &self.other, answer: self.fallback.answer() },
        }
    }
}

impl Fallback {
    fn answer<'r>(&self) -> Answer<'r> {
        match self {
            Self::NotFound => Answer::Respond(Response::text(StatusCode::NOT_FOUND, "not found")),
            Self::Refuse(refuse) => Answer::Refuse(refuse()),
        }
    }
}

impl Resource {
    fn new(pattern: Pattern, route: Route, counts: &RequestCounts) -> Self {
        let (allow, counts) = (route.method.allow().to_owned(), counts.of(pattern.text()));
        Self { pattern, routes: vec![route], allow, counts }
    }

    fn add(&mut self, route: Route) {
        let is_new = self.routes.iter().all(|other| other.method != route.method);
        assert!(is_new, "two routes for {:?} {}", route.method, route.path);
        assert_eq!(self.pattern.text(), route.path, "the same paths with other names of parameters");
        self.routes.push(route);
        self.routes.sort_by_key(|route| route.method);
        let methods: Vec<&str> = self.routes.iter().map(|route| route.method.allow()).collect();
        self.allow = methods.join(", ");
    }

    fn answer(&self, head: &RequestHead<'_>) -> Answer<'_> {
        let Some(route) = self.routes.iter().find(|route| route.method.is(head.method)) else {
            return Answer::Respond(self.other_method(head.method));
        };
        if let Some(refusal) = route.refusal(head) {
            return Answer::Respond(refusal);
        }
        match self.pattern.parameters(head.path) {
            Ok(parameters) => Answer::Route(route, parameters),
            Err(refused) => Answer::Respond(bad_parameter(refused)),
        }
    }

    /// The answer to a method that no route here has (RFC 9110, 9.3.7 and 15.5.6).
    fn other_method(&self, method: &str) -> Response {
        let response = match method {
            "OPTIONS" => Response::no_content(),
            _ => Response::text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
        };
        response.field("Allow", self.allow.clone())
    }
}

impl Method {
    /// The methods of requests that it answers.
    fn allow(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
        }
    }

    fn is(self, method: &str) -> bool {
        match self {
            Self::Get => matches!(method, "GET" | "HEAD"),
            Self::Post => method == "POST",
        }
    }
}

impl Takes {
    /// The bytes of the longest body that is read, be it to be discarded.
    pub(super) fn limit(self) -> u64 {
        match self {
            Self::Nothing | Self::Anything => BODY_LIMIT,
            Self::Media { limit, .. } => limit,
        }
    }
}

/// RFC 6750, 3: only a request that presented a token gets an error code.
fn unauthorized(denied: Denied) -> Response {
    let challenge = match denied {
        Denied::NoToken => "Bearer",
        Denied::WrongToken => "Bearer error=\"invalid_token\"",
    };
    Response::text(StatusCode::UNAUTHORIZED, "unauthorized")
        .field("WWW-Authenticate", Cow::Borrowed(challenge))
}

fn bad_parameter(refused: Refused) -> Response {
    match refused {
        Refused::Encoding | Refused::Text => {
            Response::text(StatusCode::BAD_REQUEST, "malformed path parameter")
        }
        Refused::TooLong => Response::text(StatusCode::URI_TOO_LONG, "path parameter too long"),
    }
}

/// Whether the single `Content-Type` is `media_type`, in any case of its letters, with any parameters
/// (RFC 9110, 8.3.1).
fn is_of(media_type: &str, headers: &Headers<'_>) -> bool {
    let essence = headers.only("Content-Type").and_then(|value| value.split(|&byte| byte == b';').next());
    essence.is_some_and(|essence| essence.trim_ascii_end().eq_ignore_ascii_case(media_type.as_bytes()))
}
