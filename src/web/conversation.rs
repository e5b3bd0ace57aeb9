//! One connection's conversation: requests are read, answered by the routes, and logged, all in bounded time.

use std::mem;
use std::sync::Arc;

use super::body_budget::{BODY_LIMIT, Body, BodyBudget, OverBudget};
use super::counts::StatusCounts;
use super::end::{End, refused};
use super::pattern::Parameters;
use super::receiver::Receiver;
use super::request::{HeadCopy, Request};
use super::response::{Content, Response};
use super::response_writer::{Terms, Writer};
use super::routes::{Answer, Found, Route, Takes};
use super::service::{Requests, Service};
use crate::http::body::Decoder;
use crate::http::{Framing, RequestHead, StatusCode, request};
use crate::log::{Event, Value};
use crate::serve::connections::Connection;
use crate::serve::{log_connection, log_error};
use crate::time::Deadline;

/// Answers requests as the service's routes say, until the connection ends.
pub fn converse(connection: &Connection, service: &Service) {
    log_connection(&service.log, service.kind, "OPENED", connection.peer);
    let _open = service.traffic.open();
    let mut conversation = Conversation::new(connection, service);
    match conversation.run() {
        Ok(()) | Err(End::Over) => {}
        Err(End::Refused(response)) => conversation.refuse(response),
        Err(End::Failed(error)) => {
            log_error(&service.log, service.level, service.kind, &error, connection.peer);
        }
    }
    log_connection(&service.log, service.kind, "CLOSED", connection.peer);
}

struct Conversation<'a> {
    connection: &'a Connection,
    service: &'a Service,
    receiver: Receiver<'a>,
    writer: Writer<'a>,
    /// The head of the current request, if its handler answers after its body was read.
    head: HeadCopy,
    /// Whether the current request is a HEAD.
    is_head: bool,
    /// `GET /path` of the current request, for the log; empty while it is not known or not logged.
    line: String,
    /// Where the response to the current request is counted.
    counts: &'a StatusCounts,
}

/// What of a request's head matters once the router has seen it.
struct Exchange<'a> {
    answer: Answer<'a>,
    version_minor: u8,
    keep_alive: bool,
    framing: Framing,
    expects_continue: bool,
}

impl<'a> Conversation<'a> {
    fn new(connection: &'a Connection, service: &'a Service) -> Self {
        Self {
            connection,
            service,
            receiver: Receiver::new(connection, service),
            writer: Writer::new(connection, service),
            head: HeadCopy::default(),
            is_head: false,
            line: String::new(),
            counts: service.routes.other(),
        }
    }

    /// Answers requests until one of them, or the service, ends the connection.
    fn run(&mut self) -> Result<(), End> {
        self.connection.stream.set_nodelay(true)?;
        loop {
            let exchange = self.read_head()?;
            if !self.answer(exchange)? {
                self.receiver.linger_if_unread();
                return Ok(());
            }
        }
    }

    fn read_head(&mut self) -> Result<Exchange<'a>, End> {
        if self.receiver.bytes().is_empty() {
            self.receiver.wait_for_request()?;
        }
        self.is_head = false;
        self.line.clear();
        self.counts = self.service.routes.other();
        let mut deadline = None;
        loop {
            if let Some(exchange) = self.begin_exchange()? {
                return Ok(exchange);
            }
            let deadline = *deadline.get_or_insert_with(|| Deadline::after(self.service.idle_timeout));
            self.receiver.read_more(deadline, "head took too long")?;
        }
    }

    /// The router's answer to the head that has been received, which is consumed; `None` while it is
    /// incomplete.
    fn begin_exchange(&mut self) -> Result<Option<Exchange<'a>>, End> {
        let service = self.service;
        let Some((head, length)) = request::parse(self.receiver.bytes())? else { return Ok(None) };
        self.is_head = head.method == "HEAD";
        if service.log.prints(service.level) {
            self.line = format!("{} {}", head.method, head.path);
        }
        let Found { counts, answer } = service.routes.find(&head);
        self.counts = counts;
        let RequestHead { version_minor, keep_alive, mut framing, expects_continue, .. } = head;
        let mut consumed = length;
        let answer = match answer {
            // The handler sees no body, so it need not wait for one.
            Answer::Route(route, parameters) if route.takes() == Takes::Nothing => {
                Answer::Respond(route.handle(&Request::new(&head, parameters, Body::default())))
            }
            Answer::Route(route, parameters) => {
                let received = &self.receiver.bytes()[length..];
                // Most bodies are short and come with their heads, which need no copy then.
                if let Some(bytes) = received_body(framing, received, route.takes().limit()) {
                    let mut body = Body::default();
                    keep(&mut body, bytes, &service.bodies)?;
                    (consumed, framing) = (length + bytes.len(), Framing::None);
                    Answer::Respond(respond(route, Request::new(&head, parameters, body)))
                } else {
                    self.head.copy(&head);
                    Answer::Route(route, parameters)
                }
            }
            answer => answer,
        };
        self.receiver.consume(consumed);
        Ok(Some(Exchange { answer, version_minor, keep_alive, framing, expects_continue }))
    }

    /// Reads the request's body and responds. Whether the connection is kept after that.
    fn answer(&mut self, exchange: Exchange<'_>) -> Result<bool, End> {
        let Exchange { answer, version_minor, keep_alive, framing, expects_continue } = exchange;
        let response = match answer {
            Answer::Route(route, parameters) => self.call(route, parameters, framing, expects_continue)?,
            // Most requests have no body.
            Answer::Respond(response) if framing == Framing::None => response,
            Answer::Respond(response) => self.discard_body(response, framing, expects_continue)?,
            Answer::Refuse(response) => return Err(End::Refused(response)),
        };
        // Known only now: a stop may have begun while the body was read.
        let keeps_more = self.service.requests == Requests::Many && !self.service.is_stopping();
        let terms = Terms { version_minor, keep_alive: keep_alive && keeps_more, is_head: self.is_head };
        let status = response.status;
        self.counts.add(status);
        let sent = self.writer.write(response, terms)?;
        self.log(status, sent.length, None);
        Ok(sent.keep_alive)
    }

    /// Reads the request's body, and has the handler answer.
    fn call(
        &mut self,
        route: &Route,
        parameters: Parameters,
        framing: Framing,
        expects_continue: bool,
    ) -> Result<Response, End> {
        let decoder = Decoder::new(framing, route.takes().limit())?;
        self.invite_body(expects_continue)?;
        let mut body = Body::default();
        let budget = &self.service.bodies;
        self.receiver.read_body(decoder, |part| keep(&mut body, part, budget))?;
        Ok(respond(route, self.head.request(parameters, body)))
    }

    /// Reads the request's body for the sake of the next request. A client that waits to be asked for it is
    /// refused instead, unless the response is a good one.
    fn discard_body(
        &mut self,
        response: Response,
        framing: Framing,
        expects_continue: bool,
    ) -> Result<Response, End> {
        let decoder = Decoder::new(framing, BODY_LIMIT)?;
        if expects_continue && response.status.is_error() {
            return Err(End::Refused(response));
        }
        self.invite_body(expects_continue)?;
        self.receiver.read_body(decoder, |_| Ok(()))?;
        Ok(response)
    }

    /// Asks for the body of a client that waits for that (RFC 9110, 10.1.1), unless it has begun to arrive.
    fn invite_body(&self, expects_continue: bool) -> Result<(), End> {
        if expects_continue && self.receiver.bytes().is_empty() {
            self.writer.invite_body()?;
        }
        Ok(())
    }

    /// Sends a refusal, and reads on for a while so that it arrives.
    fn refuse(&mut self, response: Response) {
        let (status, length, detail) = match response.content {
            Content::Text(text) => (response.status, text.len() as u64, Some(text)),
            _ => (response.status, 0, None),
        };
        self.log(status, if self.is_head { 0 } else { length }, detail);
        self.counts.add(status);
        let terms = Terms { version_minor: 1, keep_alive: false, is_head: self.is_head };
        if self.writer.write(response, terms).is_ok() {
            self.receiver.linger();
        }
    }

    /// Logs a response, with the request where it was understood, and with what was wrong.
    fn log(&mut self, status: StatusCode, length: u64, detail: Option<&str>) {
        let Service { log, level, kind, .. } = self.service;
        if !log.prints(*level) {
            return;
        }
        let line = mem::take(&mut self.line);
        let status = status.as_u16();
        let event = match line.split_once(' ') {
            Some((method, path)) => Event::Request { method, path, status },
            None => Event::Rejected(status),
        };
        let mut fields =
            vec![("bytes", Value::Count(length)), ("client", Value::Address(self.connection.peer))];
        fields.extend(detail.map(|detail| ("detail", Value::Text(detail))));
        log.line(*level, kind, event, &fields);
    }
}

/// Has the handler answer.
fn respond(route: &Route, request: Request<'_>) -> Response {
    route.handle(&request).returning(request.body)
}

/// Appends a part to a request's body, within the listener's budget.
fn keep(body: &mut Body, part: &[u8], budget: &Arc<BodyBudget>) -> Result<(), End> {
    let kept = body.extend(part, budget);
    kept.map_err(|OverBudget| refused(StatusCode::SERVICE_UNAVAILABLE, "too many bodies at once"))
}

/// The body that `received`, what has come after a head, begins with; `None` where it is not whole, comes in
/// chunks or is longer than `limit`.
fn received_body(framing: Framing, received: &[u8], limit: u64) -> Option<&[u8]> {
    let length = match framing {
        Framing::None => 0,
        Framing::Length(length) if length <= limit => usize::try_from(length).ok()?,
        _ => return None,
    };
    received.get(..length)
}
