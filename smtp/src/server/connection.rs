use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use mail46_wire::{DotDecoder, DotEvent, LineReader, Step, base64};

use super::event::{Chunked, Pending, Then};
use super::{
    AuthRequest, Config, DataEnd, DataFault, Dialect, Error, Event, Fault, Offer, PeerMisbehaved, Phase,
};
use crate::{Body, Chunk, Command, EnhancedCode, InitialResponse, Parsed, Reply, Rules, Utf8, Verb};

/// One SMTP or LMTP session, seen from the server: octets in, events out, octets out.
///
/// A command is one event; the connection then pauses until the application has answered it. What a client sent
/// ahead (RFC 2920) waits in `input` meanwhile, so that the replies to a group leave in one write. The machine keeps
/// to RFC 5321 s 4.1.4 alone: what may not come now is [`Event::Refused`] with the reply that says so.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_smtp::server::{Config, Connection, Event};
/// use mail46_smtp::{Command, Reply};
/// use mail46_wire::Step;
///
/// let mut server = Connection::new(Config::new("mx.example".parse()?).into());
/// server.greet()?;
/// let mut input = BytesMut::from("EHLO [IPv6:2001:db8::1]\r\nMAIL FROM:<a@example.org>\r\nQUIT\r\n");
/// loop {
///     match server.next(&mut input)? {
///         Step::Event(Event::Command { command: Command::Ehlo(_), .. }) => server.accept_ehlo()?,
///         Step::Event(Event::Command { command: Command::Quit, .. }) => server.reply(&Reply::new(221, None, "bye"))?,
///         Step::Event(Event::Command { .. }) => server.reply(&Reply::new(250, None, "ok"))?,
///         Step::Event(Event::Refused { reply, .. }) => server.reply(&reply)?,
///         Step::Event(Event::Closed) => break,
///         Step::Event(_) | Step::Paused | Step::WantsInput => unreachable!("not in this dialogue"),
///     }
/// }
/// assert!(server.output().starts_with(b"220 mx.example"));
/// assert!(server.output().ends_with(b"250 ok\r\n221 bye\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(super) config: Arc<Config>,
    pub(super) lines: LineReader,
    pub(super) output: BytesMut,
    pub(super) phase: Phase,
    pub(super) pending: Option<Pending>,
    pub(super) incoming: Incoming,
    pub(super) session: Session,
    pub(super) transaction: Transaction,
    pub(super) errors: u32,
    pub(super) closing: bool,
    pub(super) must_flush: bool,
}

/// What outlives a transaction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Session {
    pub(super) tls: bool,
    pub(super) authenticated: bool,
    /// Greeted by HELO: no extension is in force.
    pub(super) plain: bool,
}

/// What MAIL begins and RSET, EHLO or the end of the data clears.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) recipients: usize,
    pub(super) utf8: bool,
    pub(super) binary: bool,
    pub(super) received: u64,
    /// Octets of it that nobody got.
    pub(super) swallowed: u64,
    pub(super) fault: Option<DataFault>,
    /// The chunks until now end in a CR.
    pub(super) after_cr: bool,
}

/// What the next octets of the input are.
#[derive(Debug)]
pub(super) enum Incoming {
    Command,
    AuthResponse,
    Text(DotDecoder),
    Chunk {
        left: u64,
        chunk: Chunk,
    },
    /// The octets of a refused chunk, and what is said behind them.
    Swallow {
        left: u64,
        refusal: Refusal,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) reply: Reply,
    /// Why, if the protocol refuses; the application's own refusal has been its say already.
    pub(super) fault: Option<Fault>,
    pub(super) chunk: Chunk,
}

impl Connection {
    /// A session before its greeting, which the application owes: [`greet`](Self::greet) or [`reply`](Self::reply).
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            lines: LineReader::new(config.command_line().max(config.limits.auth_line)),
            config,
            output: BytesMut::new(),
            phase: Phase::Start,
            pending: Some(Pending::Greeting),
            incoming: Incoming::Command,
            session: Session::default(),
            transaction: Transaction::default(),
            errors: 0,
            closing: false,
            must_flush: false,
        }
    }

    /// The next thing that `input` tells. Takes off it what was understood.
    ///
    /// # Errors
    /// [`Error::Peer`] when no reply can save the session: close it.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        if self.closing {
            // RFC 5321 s 4.1.1.10: what a client sends behind QUIT is nothing to us.
            input.clear();
            return Ok(Step::Event(Event::Closed));
        }
        if self.pending.is_some() {
            return Ok(Step::Paused);
        }
        match &mut self.incoming {
            Incoming::Command => self.command(input),
            Incoming::AuthResponse => Ok(self.auth_response(input)),
            Incoming::Text(_) => self.text(input),
            Incoming::Chunk { left, chunk } => {
                let (left, chunk) = (*left, *chunk);
                Ok(self.chunk(left, chunk, input))
            }
            Incoming::Swallow { .. } => self.swallow(input),
        }
    }

    /// What is to be written. The driver takes off what it wrote.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// How long to wait for the next event at most (RFC 5321 s 4.5.3.2).
    pub fn timeout(&self) -> Duration {
        match self.incoming {
            Incoming::Command | Incoming::AuthResponse => self.config.timeouts.command,
            Incoming::Text(_) | Incoming::Chunk { .. } | Incoming::Swallow { .. } => {
                self.config.timeouts.data_block
            }
        }
    }

    /// Whether the output must be written before anything else is read: RFC 2920 s 3.2 (5) forbids holding back the
    /// replies to EHLO, DATA, VRFY, EXPN, QUIT, NOOP and unknown commands.
    pub fn must_flush(&self) -> bool {
        self.must_flush && !self.output.is_empty()
    }

    /// Where the session is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.session.tls
    }

    /// Whether AUTH succeeded.
    pub fn is_authenticated(&self) -> bool {
        self.session.authenticated
    }

    /// The recipients accepted in the present transaction.
    pub fn recipients(&self) -> usize {
        self.transaction.recipients
    }
}

impl Connection {
    pub(super) fn command(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        if !self.lines.skip_refused(input) {
            return Ok(Step::WantsInput);
        }
        let is_chunk = input.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"));
        let line = match self.lines.next(input) {
            None => return Ok(Step::WantsInput),
            Some(Ok(line)) => line,
            Some(Err(fault)) => {
                // Behind a BDAT that cannot be read come octets that are no commands.
                let then = if is_chunk { Then::Close } else { Then::GoOn };
                return Ok(self.refuse_then(line_fault(&fault), Fault::Line(fault), then));
            }
        };
        self.must_flush = false;
        let utf8 = match self.phase {
            Phase::Mail | Phase::Rcpt | Phase::Chunks | Phase::Broken => self.transaction.utf8,
            Phase::Start | Phase::Ready | Phase::Refused => self.config.offer.has(Offer::SMTP_UTF8),
        };
        let rules =
            Rules { quirks: self.config.quirks, utf8: if utf8 { Utf8::Accept } else { Utf8::Refuse } };
        let Parsed { command, tolerated, .. } = match Command::parse(&line, &rules) {
            Ok(parsed) => parsed,
            Err(fault) => {
                // Behind BDAT come octets whose number nobody knows now: what follows cannot be read as commands.
                let then = if fault.ends_session() { Then::Close } else { Then::GoOn };
                return Ok(self.refuse_then(fault.reply(), Fault::Syntax(fault), then));
            }
        };
        let verb = command.verb();
        let too_long = line.len().saturating_add(2) > self.config.command_line() && verb != Verb::Auth;
        let chunked = match command {
            Command::Bdat { size, chunk } => Chunked::Yes { size, chunk },
            Command::Burl { chunk, .. } => Chunked::Elsewhere(chunk),
            _ => Chunked::No,
        };
        let refusal = if too_long {
            Some((
                reply(500, (5, 5, 6), "line too long"),
                Fault::Line(mail46_wire::LineError::TooLong { limit: self.config.command_line() }),
            ))
        } else {
            self.check(&command)
        };
        if let Some((reply, fault)) = refusal {
            return match chunked {
                Chunked::No | Chunked::Elsewhere(_) => Ok(self.refuse(reply, fault)),
                Chunked::Yes { size, chunk } => {
                    let refusal = Refusal { reply, fault: Some(fault), chunk };
                    if !self.may_swallow(size) {
                        return Ok(self.refuse_then(refusal.reply, fault, Then::Close));
                    }
                    self.incoming = Incoming::Swallow { left: size, refusal };
                    self.swallow(input)
                }
            };
        }
        if let Command::Mail { params, .. } = &command {
            self.transaction.utf8 = params.smtputf8();
            self.transaction.binary = params.body() == Some(Body::BinaryMime);
        }
        self.pending = Some(Pending::Command(verb, chunked));
        if let Command::Auth { mechanism, initial_response } = &command {
            let initial = initial_response.as_ref().map(InitialResponse::as_bytes);
            return Ok(self.auth(&line, mechanism.as_bytes(), initial));
        }
        Ok(Step::Event(Event::Command { command: command.in_frame(&line), tolerated }))
    }

    pub(super) fn refuse(&mut self, reply: Reply, fault: Fault) -> Step<Event> {
        self.refuse_then(reply, fault, Then::GoOn)
    }

    /// Counts a fault, and ends the session at one too many.
    pub(super) fn refuse_then(&mut self, reply: Reply, fault: Fault, then: Then) -> Step<Event> {
        self.errors = self.errors.saturating_add(1);
        // RFC 2920 s 3.2 (6): never held back for what is not recognized; a refusal in a group waits for the group.
        self.must_flush |= matches!(
            fault,
            Fault::Syntax(_)
                | Fault::Line(_)
                | Fault::NotOffered
                | Fault::AuthCancelled
                | Fault::TooManyErrors
        );
        if self.has_too_many_errors() {
            self.pending = Some(Pending::Refusal { then: Then::Close, replies: 1 });
            return Step::Event(Event::Refused { reply: too_many_errors(), fault: Fault::TooManyErrors });
        }
        self.pending = Some(Pending::Refusal { then, replies: 1 });
        Step::Event(Event::Refused { reply, fault })
    }

    pub(super) fn has_too_many_errors(&self) -> bool {
        self.errors > self.config.limits.errors
    }

    fn auth(&mut self, line: &Bytes, mechanism: &[u8], initial: Option<&[u8]>) -> Step<Event> {
        let initial_response = match initial {
            None => None,
            // RFC 4954 s 4: a lone equals sign is the empty response.
            Some(b"=") => Some(Vec::new().into()),
            Some(text) => match base64::decode(text) {
                Ok(octets) => Some(octets),
                Err(_) => {
                    return self.refuse(reply(501, (5, 5, 2), "cannot decode base64"), Fault::AuthCancelled);
                }
            },
        };
        Step::Event(Event::Auth(AuthRequest { mechanism: line.slice_ref(mechanism), initial_response }))
    }

    fn auth_response(&mut self, input: &mut BytesMut) -> Step<Event> {
        let line = match self.lines.next(input) {
            None => return Step::WantsInput,
            Some(Ok(line)) => line,
            Some(Err(fault)) => {
                self.incoming = Incoming::Command;
                return self.refuse(
                    reply(500, (5, 5, 6), "authentication exchange line is too long or no line"),
                    Fault::Line(fault),
                );
            }
        };
        if &*line == b"*" {
            self.incoming = Incoming::Command;
            return self.refuse(reply(501, (5, 7, 0), "authentication cancelled"), Fault::AuthCancelled);
        }
        match base64::decode(&line) {
            Ok(octets) => {
                self.pending = Some(Pending::AuthResponse);
                Step::Event(Event::AuthResponse(octets))
            }
            Err(_) => {
                self.incoming = Incoming::Command;
                self.refuse(reply(501, (5, 5, 2), "cannot decode base64"), Fault::AuthCancelled)
            }
        }
    }

    fn text(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        loop {
            let Incoming::Text(decoder) = &mut self.incoming else { return Ok(Step::WantsInput) };
            let before = input.len();
            let event = decoder.next(input);
            let refused = decoder.is_refused();
            let taken = len(before).saturating_sub(len(input.len()));
            match event {
                None => {
                    self.swallowed(taken, refused)?;
                    return Ok(Step::WantsInput);
                }
                Some(DotEvent::Data(data)) => {
                    let data = self.take(data);
                    let gone = taken.saturating_sub(len(data.len()));
                    if data.is_empty() {
                        self.swallowed(gone, refused)?;
                    } else {
                        // What came before a fault is handed out first, however the input is cut.
                        self.transaction.swallowed = self.transaction.swallowed.saturating_add(gone);
                        return Ok(Step::Event(Event::Data(data)));
                    }
                }
                Some(DotEvent::End(end)) => {
                    self.swallowed(taken.saturating_sub(len(b".\r\n".len())), refused)?;
                    let fault = self.transaction.fault.or_else(|| end.err().map(DataFault::Dot));
                    return Ok(self.end_of_data(fault));
                }
            }
        }
    }

    /// Octets went by that nobody gets: the search for the true end of a refused message has an end too.
    fn swallowed(&mut self, octets: u64, refused: bool) -> Result<(), Error> {
        let refused = refused || self.transaction.fault.is_some();
        self.transaction.swallowed = self.transaction.swallowed.saturating_add(octets);
        if refused && self.transaction.swallowed > self.config.limits.swallow {
            self.closing = true;
            return Err(Error::Peer(PeerMisbehaved::Endless));
        }
        Ok(())
    }

    /// Counts a part of the message, and cuts it off at the limit.
    fn take(&mut self, mut data: Bytes) -> Bytes {
        if self.transaction.fault.is_some() {
            return Bytes::new();
        }
        let received = self.transaction.received;
        if self.is_too_big(received.saturating_add(len(data.len()))) {
            let limit = self.config.message_size;
            self.transaction.fault = Some(DataFault::TooBig { limit });
            data.truncate(usize::try_from(limit.saturating_sub(received)).unwrap_or(usize::MAX));
        }
        self.transaction.received = received.saturating_add(len(data.len()));
        data
    }

    pub(super) fn end_of_data(&mut self, fault: Option<DataFault>) -> Step<Event> {
        self.incoming = Incoming::Command;
        let replies = match self.config.dialect {
            Dialect::Smtp => 1,
            Dialect::Lmtp => self.transaction.recipients.max(1),
        };
        self.pending = Some(Pending::DataEnd { replies, faulty: fault.is_some() });
        self.must_flush = true;
        let fault = fault.map(|fault| (fault, data_fault(&fault)));
        Step::Event(Event::DataEnd(DataEnd { received: self.transaction.received, replies, fault }))
    }
}

impl mail46_wire::Connection for Connection {
    type Event = Event;
    type Error = Error;

    fn next(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        Self::next(self, input)
    }

    fn output(&mut self) -> &mut BytesMut {
        Self::output(self)
    }

    fn timeout(&self) -> Duration {
        Self::timeout(self)
    }

    fn phase(&self) -> mail46_wire::Phase {
        match self.incoming {
            Incoming::Command | Incoming::AuthResponse => mail46_wire::Phase::Dialogue,
            Incoming::Text(_) | Incoming::Chunk { .. } | Incoming::Swallow { .. } => mail46_wire::Phase::Bulk,
        }
    }
}

pub(super) fn reply(code: u16, (class, subject, detail): (u8, u16, u16), text: &str) -> Reply {
    Reply::new(code, EnhancedCode::new(class, subject, detail), text)
}

pub(super) fn too_many_errors() -> Reply {
    reply(421, (4, 7, 0), "too many errors")
}

pub(super) fn len(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

fn line_fault(fault: &mail46_wire::LineError) -> Reply {
    match fault {
        // RFC 5321 s 4.5.3.1.9.
        mail46_wire::LineError::TooLong { .. } => reply(500, (5, 5, 6), "line too long"),
        _ => reply(500, (5, 5, 2), "bare CR, bare LF or NUL in a command"),
    }
}

pub(super) fn data_fault(fault: &DataFault) -> Reply {
    match fault {
        DataFault::TooBig { .. } => reply(552, (5, 3, 4), "message too big"),
        // RFC 3463 s 3.7: 5.6.0, other or undefined media error.
        DataFault::Dot(fault) => {
            reply(554, (5, 6, 0), &format!("message is not in Internet message format: {fault}"))
        }
    }
}
