use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use mail46_wire::{DotDecoder, DotEvent, LineReader, Step, base64};

use super::event::{Chunked, Pending, Then};
use super::order::{Group, Order, order};
use super::{
    AuthRequest, Config, DataEnd, DataFault, Dialect, Error, Event, Fault, InClear, MailFrom, Misuse, Offer,
    PeerMisbehaved, Phase,
};
use crate::{
    Body, Chunk, Command, EnhancedCode, ForwardPath, InitialResponse, Param, Params, Parsed, Reply,
    ReversePath, Rules, Utf8, Verb,
};

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
    config: Arc<Config>,
    lines: LineReader,
    output: BytesMut,
    phase: Phase,
    pending: Option<Pending>,
    incoming: Incoming,
    session: Session,
    transaction: Transaction,
    errors: u32,
    closing: bool,
    must_flush: bool,
}

/// What outlives a transaction.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    tls: bool,
    authenticated: bool,
    /// Greeted by HELO: no extension is in force.
    plain: bool,
}

/// What MAIL begins and RSET, EHLO or the end of the data clears.
#[derive(Debug, Default)]
struct Transaction {
    recipients: usize,
    utf8: bool,
    binary: bool,
    received: u64,
    /// Octets of it that nobody got.
    swallowed: u64,
    fault: Option<DataFault>,
}

/// What the next octets of the input are.
#[derive(Debug)]
enum Incoming {
    Command,
    AuthResponse,
    Text(DotDecoder),
    Chunk {
        left: u64,
        chunk: Chunk,
    },
    /// The octets of a refused chunk, and what is said behind them; nothing at all is said in one case of LMTP.
    Swallow {
        left: u64,
        refusal: Option<Refusal>,
    },
}

#[derive(Debug)]
struct Refusal {
    reply: Reply,
    fault: Option<Fault>,
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
            Incoming::Chunk { .. } => Ok(self.chunk(input)),
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

/// The application's verbs.
impl Connection {
    /// Answers the connection itself: `220 mx.example ESMTP`.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but at the start.
    pub fn greet(&mut self) -> Result<(), Error> {
        let protocol = match self.config.dialect {
            Dialect::Smtp => "ESMTP",
            Dialect::Lmtp => "LMTP",
        };
        if !matches!(self.pending, Some(Pending::Greeting)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        let text = format!("{} {protocol}", self.config.host);
        self.reply(&Reply::new(220, None, &text))
    }

    /// Tells the machine that TLS is on from the first octet on (RFC 8314 s 3). Call it before the greeting.
    pub fn set_implicit_tls(&mut self) {
        self.session.tls = true;
    }

    /// Tells the machine that the client is already known, from its address or certificate for example, as AUTH would.
    pub fn set_authenticated(&mut self) {
        self.session.authenticated = true;
    }

    /// Answers the present event.
    ///
    /// # Errors
    /// [`Misuse`], if nothing is to be answered, if success needs a verb of its own (`accept_…`, `challenge`), or if only a
    /// refusal is possible.
    pub fn reply(&mut self, reply: &Reply) -> Result<(), Error> {
        let pending = self.pending.take().ok_or(Error::Misuse(Misuse::WrongVerb))?;
        let positive = reply.code().is_completion();
        match pending {
            Pending::Greeting => self.phase = if positive { Phase::Start } else { Phase::Refused },
            Pending::Command(verb, chunked) => return self.reply_to(verb, chunked, reply),
            Pending::AuthResponse => {
                self.incoming = Incoming::Command;
                self.session.authenticated |= positive;
            }
            Pending::Refusal(_) if positive => return self.misuse(pending, Misuse::SuccessAfterFault),
            Pending::Refusal(Then::GoOn) => {}
            Pending::Refusal(Then::Close) => self.closing = true,
            Pending::ChunkEnd => self.phase = if positive { Phase::Chunks } else { Phase::Broken },
            Pending::DataEnd { faulty: true, .. } if positive => {
                return self.misuse(pending, Misuse::SuccessAfterFault);
            }
            Pending::DataEnd { replies, faulty } => {
                let left = replies.saturating_sub(1);
                if left > 0 {
                    self.pending = Some(Pending::DataEnd { replies: left, faulty });
                } else {
                    self.reset();
                }
            }
            Pending::Handshake => return self.misuse(pending, Misuse::WrongVerb),
        }
        self.write(reply);
        Ok(())
    }

    /// Answers EHLO or LHLO with our name and the extensions that are offered now, HELO with our name.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_ehlo(&mut self) -> Result<(), Error> {
        let Some(Pending::Command(verb @ (Verb::Ehlo | Verb::Helo | Verb::Lhlo), _)) = self.pending else {
            return Err(Error::Misuse(Misuse::WrongVerb));
        };
        let mut text = self.config.host.to_string();
        if verb != Verb::Helo {
            self.keywords(&mut text);
        }
        self.reply(&Reply::new(250, None, &text))
    }

    /// Answers DATA with 354; the message follows.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_data(&mut self) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Command(Verb::Data, _))) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        let decoder = DotDecoder::new(self.config.bare_newline).with_line_limit(self.config.limits.text_line);
        self.incoming = Incoming::Text(decoder);
        self.write(&Reply::new(354, None, "end with <CRLF>.<CRLF>"));
        Ok(())
    }

    /// Takes a chunk of BDAT; its octets follow, and its reply is owed at its end (RFC 3030 s 2).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_chunk(&mut self) -> Result<(), Error> {
        let Some(Pending::Command(_, Chunked::Yes { size, chunk })) = self.pending else {
            return Err(Error::Misuse(Misuse::WrongVerb));
        };
        self.pending = None;
        self.incoming = Incoming::Chunk { left: size, chunk };
        Ok(())
    }

    /// Answers STARTTLS with 220. The driver then writes the output, does the handshake, and says
    /// [`tls_established`](Self::tls_established).
    ///
    /// # Errors
    /// [`PeerMisbehaved::PlaintextAfterStartTls`] if any octet already follows the command: somebody on the way may have
    /// put it there to be obeyed inside TLS (RFC 3207 s 6). [`Misuse::WrongVerb`] after anything else.
    pub fn accept_tls(&mut self, input: &BytesMut) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Command(Verb::StartTls, _))) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        if !input.is_empty() {
            self.closing = true;
            return Err(Error::Peer(PeerMisbehaved::PlaintextAfterStartTls));
        }
        self.pending = Some(Pending::Handshake);
        self.write(&Reply::new(220, EnhancedCode::new(2, 0, 0), "go ahead"));
        Ok(())
    }

    /// TLS is on. Forgets all that the client said before (RFC 3207 s 4.2).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but behind [`accept_tls`](Self::accept_tls).
    pub fn tls_established(&mut self) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Handshake)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        self.reset();
        self.phase = Phase::Start;
        self.session = Session { tls: true, ..Session::default() };
        Ok(())
    }

    /// Goes on with an AUTH exchange: 334 with these octets in base64, which may be none.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] outside an exchange.
    pub fn challenge(&mut self, octets: &[u8]) -> Result<(), Error> {
        match self.pending {
            Some(Pending::Command(Verb::Auth, _) | Pending::AuthResponse) => {}
            _ => return Err(Error::Misuse(Misuse::WrongVerb)),
        }
        self.pending = None;
        self.incoming = Incoming::AuthResponse;
        // RFC 4954 s 4: the space stays where there is no text.
        self.output.extend_from_slice(b"334 ");
        base64::encode(octets, &mut self.output);
        self.output.extend_from_slice(b"\r\n");
        self.must_flush = true;
        Ok(())
    }

    /// Ends the session from our side, at any time between two events: writes this 421 (RFC 5321 s 3.8).
    pub fn shut_down(&mut self, reply: &Reply) {
        self.write(reply);
        self.closing = true;
    }
}

impl Connection {
    fn misuse(&mut self, pending: Pending, misuse: Misuse) -> Result<(), Error> {
        self.pending = Some(pending);
        Err(Error::Misuse(misuse))
    }

    fn reply_to(&mut self, verb: Verb, chunked: Chunked, reply: &Reply) -> Result<(), Error> {
        let positive = reply.code().is_completion();
        if reply.code().is_intermediate()
            || positive && matches!(verb, Verb::Data | Verb::Bdat | Verb::StartTls)
        {
            return self.misuse(Pending::Command(verb, chunked), Misuse::WrongVerb);
        }
        if let Chunked::Yes { size, .. } = chunked {
            self.phase = Phase::Broken;
            let reply = reply.clone();
            self.incoming = Incoming::Swallow { left: size, refusal: Some(Refusal { reply, fault: None }) };
            return Ok(());
        }
        if positive {
            match verb {
                Verb::Ehlo | Verb::Helo | Verb::Lhlo => {
                    self.reset();
                    self.phase = Phase::Ready;
                    self.session.plain = verb == Verb::Helo;
                }
                Verb::Mail => self.phase = Phase::Mail,
                Verb::Rcpt => {
                    self.phase = Phase::Rcpt;
                    self.transaction.recipients = self.transaction.recipients.saturating_add(1);
                }
                Verb::Rset => self.reset(),
                Verb::Quit => self.closing = true,
                Verb::Auth => self.session.authenticated = true,
                // The proxied client starts anew.
                Verb::XClient => {
                    self.reset();
                    self.phase = Phase::Start;
                }
                Verb::Burl => self.phase = Phase::Chunks, // BURL LAST: see `command`
                _ => {}
            }
        } else if verb == Verb::Mail {
            self.transaction = Transaction::default();
        }
        self.write(reply);
        Ok(())
    }

    /// RSET, and what is like it: the transaction goes, what EHLO and AUTH told stays (RFC 5321 s 4.1.1.5).
    fn reset(&mut self) {
        self.transaction = Transaction::default();
        if !matches!(self.phase, Phase::Start | Phase::Refused) {
            self.phase = Phase::Ready;
        }
    }

    fn write(&mut self, reply: &Reply) {
        reply.write(&mut self.output);
        if reply.code() == 421 {
            self.closing = true;
        }
    }

    /// The lines of the EHLO reply behind our name.
    fn keywords(&self, text: &mut String) {
        use std::fmt::Write;
        let config = &*self.config;
        // RFC 1870 s 4: 0 says that there is no fixed limit.
        let _ = write!(text, "\nSIZE {}", config.message_size);
        for (offer, keyword) in Offer::KEYWORDS {
            if !self.offers(*offer) {
                continue;
            }
            let _ = write!(text, "\n{keyword}");
            match *offer {
                // RFC 4865 s 4: seconds, and a date-time. The date is the driver's matter: HOLDFOR bounds both.
                Offer::FUTURE_RELEASE => {
                    let _ = write!(text, " {} 9999-12-31T23:59:59Z", config.future_release);
                }
                Offer::LIMITS => {
                    let _ = write!(text, " RCPTMAX={}", config.limits.recipients);
                }
                Offer::XCLIENT => text.push_str(" NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"),
                Offer::XFORWARD => text.push_str(" NAME ADDR PORT PROTO HELO IDENT SOURCE"),
                _ => {}
            }
        }
        if self.offers_auth() {
            let _ = write!(text, "\nAUTH {}", config.mechanisms.join(" "));
        }
    }

    /// Whether an extension is in force now.
    fn offers(&self, offer: Offer) -> bool {
        self.config.offer.has(offer)
            && match offer {
                Offer::STARTTLS => !self.session.tls,   // RFC 3207 s 4.2
                Offer::REQUIRE_TLS => self.session.tls, // RFC 8689 s 2
                Offer::BINARY_MIME => self.config.offer.has(Offer::CHUNKING), // RFC 3030 s 3 (3)
                _ => true,
            }
    }

    fn offers_auth(&self) -> bool {
        !self.config.mechanisms.is_empty() && (self.session.tls || self.config.auth == InClear::Taken)
    }

    // --- What comes in ---------------------------------------------------------------------------------------------

    fn command(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        let line = match self.lines.next(input) {
            None => return Ok(Step::WantsInput),
            Some(Ok(line)) => line,
            Some(Err(fault)) => return Ok(self.refuse(line_fault(&fault), Fault::Line(fault))),
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
                Chunked::No => Ok(self.refuse(reply, fault)),
                Chunked::Yes { size, chunk } => {
                    // RFC 2033 s 4.3: without a recipient BDAT LAST returns no reply at all in LMTP.
                    let silent = self.config.dialect == Dialect::Lmtp
                        && chunk == Chunk::Last
                        && self.phase == Phase::Mail;
                    let refusal = (!silent).then_some(Refusal { reply, fault: Some(fault) });
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

    /// What the protocol says to a command before the application is asked.
    fn check(&mut self, command: &Command<&[u8]>) -> Option<(Reply, Fault)> {
        let verb = command.verb();
        let not_offered = |text| Some((reply(502, (5, 5, 1), text), Fault::NotOffered));
        let out_of_sequence = |text| Some((reply(503, (5, 5, 1), text), Fault::OutOfSequence));
        match order(verb, self.phase, self.config.dialect) {
            Order::Unknown => {
                return Some((reply(500, (5, 5, 1), "command unrecognized"), Fault::NotOffered));
            }
            Order::OutOfSequence
                if verb == Verb::Data
                    && self.phase == Phase::Mail
                    && self.config.dialect == Dialect::Smtp =>
            {
                return Some((reply(554, (5, 5, 1), "no valid recipients"), Fault::OutOfSequence));
            }
            Order::OutOfSequence => return out_of_sequence("bad sequence of commands"),
            Order::Allowed(group) => self.must_flush |= group == Group::Last,
        }
        // RFC 3207 s 4: everything but NOOP, EHLO, STARTTLS and QUIT.
        let open = matches!(
            verb,
            Verb::Noop | Verb::Ehlo | Verb::Helo | Verb::Lhlo | Verb::StartTls | Verb::Quit | Verb::Rset
        );
        if self.config.clear_text == InClear::Refused && !self.session.tls && !open {
            return Some((reply(530, (5, 7, 0), "must issue a STARTTLS command first"), Fault::NeedsTls));
        }
        match command {
            Command::StartTls if self.session.tls => out_of_sequence("TLS is already on"),
            Command::StartTls if !self.offers(Offer::STARTTLS) => not_offered("STARTTLS is not offered"),
            Command::Bdat { .. } if !self.offers(Offer::CHUNKING) => not_offered("CHUNKING is not offered"),
            Command::Burl { .. } if !self.offers(Offer::BURL) => not_offered("BURL is not offered"),
            Command::Etrn(_) if !self.offers(Offer::ETRN) => not_offered("ETRN is not offered"),
            Command::Atrn(_) if !self.offers(Offer::ATRN) => not_offered("ATRN is not offered"),
            Command::XClient(_) if !self.offers(Offer::XCLIENT) => not_offered("XCLIENT is not offered"),
            Command::XForward(_) if !self.offers(Offer::XFORWARD) => not_offered("XFORWARD is not offered"),
            Command::Auth { mechanism, .. } => self.check_auth(mechanism.as_bytes()),
            // RFC 3030 s 3: BINARYMIME cannot be used with DATA.
            Command::Data if self.transaction.binary => out_of_sequence("BODY=BINARYMIME needs BDAT"),
            Command::Bdat { size, .. } => self.check_chunk(*size),
            Command::Mail { from, params } => self.check_mail(from, params),
            Command::Rcpt { to, params } => self.check_rcpt(to, params),
            _ => None,
        }
    }

    fn check_auth(&self, mechanism: &[u8]) -> Option<(Reply, Fault)> {
        if self.config.mechanisms.is_empty() {
            return Some((reply(502, (5, 5, 1), "AUTH is not offered"), Fault::NotOffered));
        }
        // RFC 4954 s 4: once only, and not where a password could be read on the way.
        if self.session.authenticated {
            return Some((reply(503, (5, 5, 1), "already authenticated"), Fault::OutOfSequence));
        }
        if !self.offers_auth() {
            return Some((reply(538, (5, 7, 11), "encryption required"), Fault::NeedsTls));
        }
        let known = self.config.mechanisms.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(mechanism));
        (!known).then(|| (reply(504, (5, 5, 4), "mechanism not offered"), Fault::NotOffered))
    }

    fn check_chunk(&self, size: u64) -> Option<(Reply, Fault)> {
        let sum = self.transaction.received.saturating_add(size);
        self.is_too_big(sum).then(|| (reply(552, (5, 3, 4), "message too big"), Fault::TooBig))
    }

    fn check_mail(&self, _from: &ReversePath<&[u8]>, params: &Params<&[u8]>) -> Option<(Reply, Fault)> {
        if self.config.mail == MailFrom::Authenticated && !self.session.authenticated {
            return Some((reply(530, (5, 7, 0), "authentication required"), Fault::NeedsAuth));
        }
        for param in params.iter() {
            let offered = match param {
                Param::Size(size) if self.is_too_big(size) => {
                    return Some((reply(552, (5, 3, 4), "message too big"), Fault::TooBig));
                }
                Param::Size(_) => true,
                Param::Body(Body::SevenBit | Body::EightBitMime) => self.offers(Offer::EIGHT_BIT_MIME),
                Param::Body(Body::BinaryMime) => self.offers(Offer::BINARY_MIME),
                Param::SmtpUtf8 => self.offers(Offer::SMTP_UTF8),
                Param::Ret(_) | Param::EnvId(_) => self.offers(Offer::DSN),
                // RFC 4954 s 5: taken even from who is not authenticated.
                Param::Auth(_) => !self.config.mechanisms.is_empty(),
                Param::By(_) => self.offers(Offer::DELIVER_BY),
                Param::MtPriority(_) => self.offers(Offer::MT_PRIORITY),
                Param::HoldFor(_) | Param::HoldUntil(_) => self.offers(Offer::FUTURE_RELEASE),
                Param::RequireTls => self.offers(Offer::REQUIRE_TLS),
                _ => false,
            };
            if !offered {
                return Some(unknown_parameter());
            }
        }
        None
    }

    fn check_rcpt(&self, _to: &ForwardPath<&[u8]>, params: &Params<&[u8]>) -> Option<(Reply, Fault)> {
        if self.transaction.recipients >= self.config.limits.recipients {
            // RFC 5321 s 4.5.3.1.10: 452, so that the client sends the rest in another transaction.
            return Some((reply(452, (4, 5, 3), "too many recipients"), Fault::TooManyRecipients));
        }
        let offered = params.iter().all(|param| match param {
            Param::Notify(_) | Param::Orcpt(_) => self.offers(Offer::DSN),
            Param::Rrvs(_) => self.offers(Offer::RRVS),
            _ => false,
        });
        (!offered).then(unknown_parameter)
    }

    fn is_too_big(&self, size: u64) -> bool {
        self.config.message_size != 0 && size > self.config.message_size
    }

    fn refuse(&mut self, reply: Reply, fault: Fault) -> Step<Event> {
        self.refuse_then(reply, fault, Then::GoOn)
    }

    /// Counts a fault, and ends the session at one too many.
    fn refuse_then(&mut self, reply: Reply, fault: Fault, then: Then) -> Step<Event> {
        self.errors = self.errors.saturating_add(1);
        self.must_flush = true; // RFC 2920 s 3.2 (6)
        if self.errors > self.config.limits.errors {
            self.pending = Some(Pending::Refusal(Then::Close));
            let reply = self::reply(421, (4, 7, 0), "too many errors");
            return Step::Event(Event::Refused { reply, fault: Fault::TooManyErrors });
        }
        self.pending = Some(Pending::Refusal(then));
        Step::Event(Event::Refused { reply, fault })
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
            let taken = before.saturating_sub(input.len());
            match event {
                None => {
                    self.swallowed(taken)?;
                    return Ok(Step::WantsInput);
                }
                Some(DotEvent::Data(data)) => match self.take(data) {
                    Some(data) => return Ok(Step::Event(Event::Data(data))),
                    None => self.swallowed(taken)?,
                },
                Some(DotEvent::End(end)) => {
                    let fault = self.transaction.fault.or_else(|| end.err().map(DataFault::Dot));
                    return Ok(self.end_of_data(fault));
                }
            }
        }
    }

    /// Octets went by that nobody gets: the search for the true end of a refused message has an end too.
    fn swallowed(&mut self, octets: usize) -> Result<(), Error> {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        self.transaction.swallowed = self.transaction.swallowed.saturating_add(octets);
        if self.transaction.swallowed > self.config.limits.swallow {
            self.closing = true;
            return Err(Error::Peer(PeerMisbehaved::Endless));
        }
        Ok(())
    }

    /// Counts a part of the message; `None` once it is over the limit.
    fn take(&mut self, data: Bytes) -> Option<Bytes> {
        if self.transaction.fault.is_some() {
            return None;
        }
        let size = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let sum = self.transaction.received.saturating_add(size);
        if self.is_too_big(sum) {
            self.transaction.fault = Some(DataFault::TooBig { limit: self.config.message_size });
            return None;
        }
        self.transaction.received = sum;
        Some(data)
    }

    fn chunk(&mut self, input: &mut BytesMut) -> Step<Event> {
        let Incoming::Chunk { left, chunk } = self.incoming else { return Step::WantsInput };
        if left > 0 {
            if input.is_empty() {
                return Step::WantsInput;
            }
            let (data, left) = split(input, left);
            self.incoming = Incoming::Chunk { left, chunk };
            self.transaction.received = self.transaction.received.saturating_add(len(&data));
            return Step::Event(Event::Data(data));
        }
        match chunk {
            Chunk::Last => self.end_of_data(None),
            Chunk::More => {
                self.incoming = Incoming::Command;
                self.pending = Some(Pending::ChunkEnd);
                Step::Event(Event::ChunkEnd { received: self.transaction.received })
            }
        }
    }

    fn swallow(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        let Incoming::Swallow { left, refusal } = &mut self.incoming else { return Ok(Step::WantsInput) };
        let (gone, rest) = split(input, *left);
        *left = rest;
        if rest > 0 {
            self.swallowed(gone.len())?;
            return Ok(Step::WantsInput);
        }
        let refusal = refusal.take();
        self.incoming = Incoming::Command;
        if self.phase.is_in_transaction() {
            self.phase = Phase::Broken;
        }
        match refusal {
            // LMTP's unanswered BDAT LAST: with it the transaction is over.
            None => {
                self.reset();
                self.command(input)
            }
            Some(Refusal { reply, fault: Some(fault) }) => Ok(self.refuse(reply, fault)),
            // The application's own refusal of the chunk: it has had its say.
            Some(Refusal { reply, fault: None }) => {
                self.write(&reply);
                if self.closing { Ok(Step::Event(Event::Closed)) } else { self.command(input) }
            }
        }
    }

    fn end_of_data(&mut self, fault: Option<DataFault>) -> Step<Event> {
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

fn reply(code: u16, (class, subject, detail): (u8, u16, u16), text: &str) -> Reply {
    Reply::new(code, EnhancedCode::new(class, subject, detail), text)
}

fn unknown_parameter() -> (Reply, Fault) {
    // RFC 5321 s 4.1.1.11.
    (
        reply(555, (5, 5, 4), "MAIL FROM/RCPT TO parameters not recognized or not implemented"),
        Fault::Parameter,
    )
}

fn line_fault(fault: &mail46_wire::LineError) -> Reply {
    match fault {
        // RFC 5321 s 4.5.3.1.9.
        mail46_wire::LineError::TooLong { .. } => reply(500, (5, 5, 6), "line too long"),
        _ => reply(500, (5, 5, 2), "bare CR, bare LF or NUL in a command"),
    }
}

fn data_fault(fault: &DataFault) -> Reply {
    match fault {
        DataFault::TooBig { .. } => reply(552, (5, 3, 4), "message too big"),
        // RFC 3463 s 3.7: 5.6.0, other or undefined media error.
        DataFault::Dot(fault) => {
            reply(554, (5, 6, 0), &format!("message is not in Internet message format: {fault}"))
        }
    }
}

fn len(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

/// At most `left` octets off the input, and how many are left.
fn split(input: &mut BytesMut, left: u64) -> (Bytes, u64) {
    let n = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    let data = input.split_to(n).freeze();
    let rest = left.saturating_sub(len(&data));
    (data, rest)
}
