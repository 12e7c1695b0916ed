use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use mail46_sasl::Secret;
use mail46_wire::{BareNewline, DotEncoder, LineReader, Step, base64};

use super::order::is_allowed;
use super::top::TopLines;
use super::{
    AuthRequest, Config, Error, Event, InClear, LogIn, Message, Misuse, Offer, Part, PeerMisbehaved, Phase,
    Retrieve, Utf8,
};
use crate::{
    Command, InitialResponse, MessageNumber, Name, Reply, ScanListing, Scope, Timestamp, UidListing, Verb,
};

/// Output that may wait while a listing is written or commands are answered; the peer must take it first.
const OUTPUT: usize = 64 * 1024;
/// The least that a command's limit may be (RFC 2449 s 4).
const COMMAND_LINE: usize = 255;

/// One POP3 session, seen from the server: octets in, events out, octets out.
///
/// The maildrop is given to it as a list when it is opened, and with that numbers, marks, STAT, LIST, UIDL, DELE and RSET are its
/// own affair; the application is asked for what only it knows. Nothing is removed but by [`Event::Update`], which only QUIT
/// brings about (RFC 1939 s 6).
///
/// ```
/// use bytes::BytesMut;
/// use mail46_pop3::server::{Config, Connection, Event, InClear, Message};
/// use mail46_pop3::Reply;
/// use mail46_wire::Step;
///
/// let mut config = Config::new("ready");
/// config.in_clear = InClear::Taken;
/// let mut server = Connection::new(config.into());
/// server.greet(None)?;
/// let mut input = BytesMut::from("USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n");
/// loop {
///     match server.next(&mut input)? {
///         Step::Event(Event::LogIn(_)) => server.open(vec![Message { octets: 4, unique_id: "a".parse()? }], "1 message")?,
///         Step::Event(Event::Retrieve(_)) => {
///             server.accept_message("4 octets")?;
///             server.data(b".x\r\n")?;
///             server.finish_data()?;
///         }
///         Step::Event(Event::Update(removed)) => {
///             assert_eq!(removed.len(), 1);
///             server.reply(&Reply::ok("bye"))?;
///         }
///         Step::Event(Event::Closed) => break,
///         _ => unreachable!("not in this dialogue"),
///     }
/// }
/// assert!(server.output().ends_with(b"+OK 4 octets\r\n..x\r\n.\r\n+OK message 1 deleted\r\n+OK bye\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    config: Arc<Config>,
    lines: LineReader,
    output: BytesMut,
    phase: Phase,
    pending: Option<Pending>,
    exchange: Exchange,
    listing: Option<Listing>,
    tls: bool,
    utf8: Utf8,
    /// What USER named, for the PASS that follows at once.
    user: Option<Name>,
    apop: Offer,
    maildrop: Maildrop,
    errors: u32,
    failed_log_ins: u32,
    closing: bool,
}

/// What the application owes an answer to.
#[derive(Debug)]
enum Pending {
    Greeting,
    LogIn,
    Auth,
    Stls,
    Handshake,
    Retrieve(Part),
    /// Between `accept_message` and `finish_data`.
    Message(DotEncoder, Option<TopLines>),
    Lang(Listed),
    Update,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    All,
    One,
}

/// What the next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Command,
    Authentication,
}

/// A listing of many lines that is being written.
#[derive(Clone, Copy, Debug)]
struct Listing {
    verb: Verb,
    next: usize,
}

/// The messages, with a mark on those that are to be deleted.
#[derive(Debug, Default)]
struct Maildrop {
    messages: Vec<(Message, Mark)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Kept,
    Deleted,
}

impl Connection {
    /// A session before its greeting, which the application owes: [`greet`](Self::greet) or [`reply`](Self::reply).
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            lines: LineReader::new(config.limits.command_line.max(COMMAND_LINE)),
            config,
            output: BytesMut::new(),
            phase: Phase::Authorization,
            pending: Some(Pending::Greeting),
            exchange: Exchange::Command,
            listing: None,
            tls: false,
            utf8: Utf8::Off,
            user: None,
            apop: Offer::No,
            maildrop: Maildrop::default(),
            errors: 0,
            failed_log_ins: 0,
            closing: false,
        }
    }

    /// The next thing that `input` tells. Takes off it what was understood. `WantsInput` may also mean that the output must be
    /// taken first, as [`Step`] says a driver does.
    ///
    /// # Errors
    /// None as yet: what comes in can always be answered.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        loop {
            if self.closing {
                input.clear();
                return Ok(Step::Event(Event::Closed));
            }
            if self.pending.is_some() {
                return Ok(Step::Paused);
            }
            // Who sends commands and takes no answers is not listened to.
            if self.output.len() >= OUTPUT {
                return Ok(Step::WantsInput);
            }
            if self.listing.is_some() {
                self.write_listing();
                continue;
            }
            let Some(line) = self.lines.next(input) else { return Ok(Step::WantsInput) };
            let event = match (line, self.exchange) {
                (Ok(line), Exchange::Command) => self.command(&line),
                (Ok(line), Exchange::Authentication) => Some(self.auth_response(&line)),
                (Err(fault), exchange) => {
                    self.refuse(&fault.to_string());
                    (exchange == Exchange::Authentication).then(|| self.end_exchange(Event::AuthCancelled))
                }
            };
            if let Some(event) = event {
                return Ok(Step::Event(event));
            }
        }
    }

    /// What is to be written. The driver takes off what it wrote.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// How long to wait for the next event at most. When it is over the session ends without UPDATE (RFC 1939 s 3).
    pub fn timeout(&self) -> Duration {
        match self.pending {
            Some(Pending::Message(..)) => self.config.timeouts.message_block,
            _ => self.config.timeouts.autologout,
        }
    }

    /// Where the session is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }
}

/// The application's verbs.
impl Connection {
    /// Answers the connection itself: `+OK` and the greeting, and behind it the timestamp that makes APOP possible. It must
    /// be another for each connection (RFC 1939 s 7).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but at the start.
    pub fn greet(&mut self, timestamp: Option<&Timestamp>) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Greeting)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        let mut text = self.config.greeting.clone();
        if let Some(timestamp) = timestamp {
            // RFC 2449 s 3: no other "<" may stand in a greeting.
            text = text.replace(['<', '>'], " ");
            text.push(' ');
            text.push_str(&String::from_utf8_lossy(timestamp.as_bytes()));
            self.apop = Offer::Yes;
        }
        self.pending = None;
        Reply::ok(&text).write(&mut self.output);
        Ok(())
    }

    /// Tells the machine that TLS is on from the first octet on (RFC 8314 s 3). Call it before the greeting.
    pub fn set_implicit_tls(&mut self) {
        self.tls = true;
    }

    /// Answers the present event: a refusal, or a success that needs nothing else. A refused greeting ends the session.
    ///
    /// # Errors
    /// [`Misuse`], if nothing is to be answered, or if success has a verb of its own.
    pub fn reply(&mut self, reply: &Reply) -> Result<(), Error> {
        let Some(pending) = self.pending.take() else { return Err(Error::Misuse(Misuse::WrongVerb)) };
        let own_verb = match pending {
            Pending::LogIn | Pending::Auth | Pending::Stls | Pending::Retrieve(_) => reply.is_ok(),
            Pending::Lang(Listed::All) => reply.is_ok(),
            Pending::Message(..) | Pending::Handshake => true,
            Pending::Greeting | Pending::Lang(Listed::One) | Pending::Update | Pending::Other => false,
        };
        if own_verb {
            self.pending = Some(pending);
            return Err(Error::Misuse(Misuse::OwnVerb));
        }
        reply.write(&mut self.output);
        match pending {
            Pending::Greeting => self.closing = !reply.is_ok(),
            Pending::LogIn | Pending::Auth => {
                // RFC 5034 s 4: "the server MUST behave as if the client had not issued the AUTH command".
                self.end_exchange(());
                self.failed_log_ins = self.failed_log_ins.saturating_add(1);
                self.closing |= self.failed_log_ins >= self.config.limits.log_ins;
            }
            Pending::Update => self.closing = true,
            _ => {}
        }
        Ok(())
    }

    /// Lets the client in: `+OK text`. The messages have their numbers from here to the end of the session, in this order.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after a log-in.
    pub fn open(&mut self, messages: Vec<Message>, text: &str) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::LogIn | Pending::Auth)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        if u32::try_from(messages.len()).is_err() {
            return Err(Error::Misuse(Misuse::TooManyMessages));
        }
        self.pending = None;
        self.end_exchange(());
        self.phase = Phase::Transaction;
        self.maildrop.messages = messages.into_iter().map(|message| (message, Mark::Kept)).collect();
        self.ok(text);
        Ok(())
    }

    /// Goes on with an AUTH exchange: `+ ` with these octets in base64, which may be none.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] outside an exchange.
    pub fn challenge(&mut self, octets: &[u8]) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Auth)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        self.exchange = Exchange::Authentication;
        self.lines.set_limit(self.config.limits.auth_line);
        // RFC 5034 s 4: an empty challenge is "a line with only a '+', followed by a single space".
        self.output.extend_from_slice(b"+ ");
        base64::encode(octets, &mut self.output);
        self.output.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Answers STLS with `+OK`. The driver then writes the output, does the handshake, and says
    /// [`tls_established`](Self::tls_established).
    ///
    /// # Errors
    /// [`PeerMisbehaved::PlaintextAfterStls`] if any octet already follows the command: somebody on the way may have put it
    /// there to be obeyed inside TLS. [`Misuse::WrongVerb`] after anything else.
    pub fn accept_tls(&mut self, input: &BytesMut) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Stls)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        // RFC 2595 s 4: the client "MUST NOT issue further commands until a server response is seen and the TLS negotiation is
        // complete".
        if !input.is_empty() {
            self.closing = true;
            return Err(Error::Peer(PeerMisbehaved::PlaintextAfterStls));
        }
        self.pending = Some(Pending::Handshake);
        self.ok("begin TLS negotiation");
        Ok(())
    }

    /// TLS is on. Forgets all that the client said before.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but behind [`accept_tls`](Self::accept_tls).
    pub fn tls_established(&mut self) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Handshake)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        self.tls = true;
        self.user = None;
        Ok(())
    }

    /// Answers RETR or TOP with `+OK text`; the message follows by [`data`](Self::data) and [`finish_data`](Self::finish_data).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_message(&mut self, text: &str) -> Result<(), Error> {
        let Some(Pending::Retrieve(part)) = self.pending else {
            return Err(Error::Misuse(Misuse::WrongVerb));
        };
        let top = match part {
            Part::All => None,
            Part::Top(lines) => Some(TopLines::new(lines)),
        };
        // A stored bare LF or CR becomes a CRLF: the dots behind it are stuffed by the rule by which the client reads.
        self.pending = Some(Pending::Message(DotEncoder::new(BareNewline::Normalize), top));
        self.ok(text);
        Ok(())
    }

    /// A part of the message, as it is stored. `false`: TOP has all its lines, no more is needed. Write the output before
    /// the next part, or it gathers.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`accept_message`](Self::accept_message).
    pub fn data(&mut self, text: &[u8]) -> Result<bool, Error> {
        let Some(Pending::Message(encoder, top)) = &mut self.pending else {
            return Err(Error::Misuse(Misuse::WrongVerb));
        };
        let taken = top.as_mut().map_or(text.len(), |top| top.take(text));
        encoder
            .encode(text.get(..taken).unwrap_or_default(), &mut self.output)
            .map_err(|_| Error::Misuse(Misuse::WrongVerb))?;
        Ok(taken == text.len() && !top.is_some_and(|top| top.is_complete()))
    }

    /// The message is given whole.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`accept_message`](Self::accept_message).
    pub fn finish_data(&mut self) -> Result<(), Error> {
        let Some(Pending::Message(encoder, _)) = &mut self.pending else {
            return Err(Error::Misuse(Misuse::WrongVerb));
        };
        encoder.finish(&mut self.output).map_err(|_| Error::Misuse(Misuse::WrongVerb))?;
        self.pending = None;
        Ok(())
    }

    /// The message cannot be read to its end: the session ends without the message's end, so that nobody takes it for whole.
    pub fn abort(&mut self) {
        self.closing = true;
    }

    /// Answers LANG without a range: each language's tag, and what it is called in itself.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn list_languages(&mut self, languages: &[(&str, &str)]) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Lang(Listed::All))) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        let mut encoder = DotEncoder::new(BareNewline::Normalize);
        let lines = languages
            .iter()
            .map(|(tag, name)| format!("{tag} {name}").replace(['\r', '\n', '\0'], " ") + "\r\n");
        self.ok("language listing follows");
        for line in lines {
            encoder
                .encode(line.as_bytes(), &mut self.output)
                .map_err(|_| Error::Misuse(Misuse::WrongVerb))?;
        }
        encoder.finish(&mut self.output).map_err(|_| Error::Misuse(Misuse::WrongVerb))
    }

    /// Ends the session from our side, at any time between two events: nothing is removed.
    pub fn shut_down(&mut self, reply: &Reply) {
        reply.write(&mut self.output);
        self.closing = true;
    }
}

impl Connection {
    fn ok(&mut self, text: &str) {
        Reply::ok(text).write(&mut self.output);
    }

    fn err(&mut self, text: &str) {
        Reply::err(None, text).write(&mut self.output);
    }

    /// Refuses what is no command here; too many of these end the session.
    fn refuse(&mut self, text: &str) {
        self.errors = self.errors.saturating_add(1);
        if self.errors >= self.config.limits.errors {
            self.closing = true;
            self.err("too many errors");
        } else {
            self.err(text);
        }
    }

    fn end_exchange<T>(&mut self, then: T) -> T {
        self.exchange = Exchange::Command;
        self.lines.set_limit(self.config.limits.command_line.max(COMMAND_LINE));
        then
    }

    fn await_answer(&mut self, pending: Pending, event: Event) -> Option<Event> {
        self.pending = Some(pending);
        Some(event)
    }

    /// Whether passwords may come now.
    fn takes_passwords(&self) -> bool {
        self.tls || self.config.in_clear == InClear::Taken
    }

    fn takes_stls(&self) -> bool {
        // RFC 6856 s 2.1: no STLS after UTF8.
        self.config.stls == Offer::Yes && !self.tls && self.utf8 == Utf8::Off
    }

    fn command(&mut self, line: &Bytes) -> Option<Event> {
        // RFC 1939 s 7: PASS "can only be given immediately after a successful USER command".
        let user = self.user.take();
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(fault) => {
                self.refuse(&fault.to_string());
                return None;
            }
        };
        let verb = command.verb();
        if !is_allowed(verb, self.phase) {
            self.refuse("command not valid in this state");
            return None;
        }
        match command {
            Command::User(name) => self.user(name),
            Command::Pass(password) => {
                let Some(user) = user else {
                    self.refuse("USER first");
                    return None;
                };
                let password = Secret::from(password.as_bytes());
                return self.await_answer(Pending::LogIn, Event::LogIn(LogIn::Password { user, password }));
            }
            Command::Apop { name, digest } if self.apop == Offer::Yes => {
                let event = Event::LogIn(LogIn::Apop { user: name.to_owned(), digest });
                return self.await_answer(Pending::LogIn, event);
            }
            Command::Auth { mechanism, initial_response } => {
                return self.auth(mechanism.in_frame(line), initial_response);
            }
            Command::Stls if self.takes_stls() => return self.await_answer(Pending::Stls, Event::Stls),
            Command::Stls if self.tls => self.refuse("command not permitted when TLS is active"),
            Command::Utf8 if self.config.utf8 == Offer::Yes => {
                self.utf8 = Utf8::On;
                self.ok("UTF-8 mode");
            }
            Command::Lang(range) if self.config.lang == Offer::Yes => {
                let listed = if range.is_some() { Listed::One } else { Listed::All };
                let range = range.map(|range| range.in_frame(line));
                return self.await_answer(Pending::Lang(listed), Event::Lang(range));
            }
            Command::Capa => self.capabilities(),
            Command::Quit if self.phase == Phase::Transaction => {
                self.phase = Phase::Update;
                return self.await_answer(Pending::Update, Event::Update(self.maildrop.deleted()));
            }
            Command::Quit => {
                self.ok("bye");
                self.closing = true;
            }
            Command::Stat => {
                let (messages, octets) = self.maildrop.total();
                self.ok(&format!("{messages} {octets}"));
            }
            Command::List(None) | Command::Uidl(None) => {
                let (messages, octets) = self.maildrop.total();
                self.ok(&format!("{messages} messages ({octets} octets)"));
                self.listing = Some(Listing { verb, next: 0 });
            }
            Command::List(Some(number)) | Command::Uidl(Some(number)) => {
                let mut text = BytesMut::from(&b"+OK "[..]);
                match self.maildrop.line(verb, number, &mut text) {
                    Some(()) => self.output.extend_from_slice(&text),
                    None => self.no_such_message(),
                }
            }
            Command::Retr(number) => return self.retrieve(number, Part::All),
            Command::Top { message, lines } => return self.retrieve(message, Part::Top(lines)),
            Command::Dele(number) => match self.maildrop.get_mut(number) {
                Some((_, mark)) => {
                    *mark = Mark::Deleted;
                    self.ok(&format!("message {number} deleted"));
                }
                None => self.no_such_message(),
            },
            Command::Noop => self.ok(""),
            Command::Rset => {
                self.maildrop.messages.iter_mut().for_each(|(_, mark)| *mark = Mark::Kept);
                let (messages, octets) = self.maildrop.total();
                self.ok(&format!("maildrop has {messages} messages ({octets} octets)"));
            }
            Command::Other { .. } => {
                // It counts as an error as well: who speaks another protocol is not listened to for long.
                self.errors = self.errors.saturating_add(1);
                if self.errors < self.config.limits.errors {
                    return self.await_answer(Pending::Other, Event::Command(command.in_frame(line)));
                }
                self.errors = self.errors.saturating_sub(1);
                self.refuse("");
            }
            Command::Apop { .. } | Command::Stls | Command::Utf8 | Command::Lang(_) => {
                self.refuse("command not offered")
            }
        }
        None
    }

    fn user(&mut self, name: Name<&[u8]>) {
        if self.config.user == Offer::No {
            self.refuse("command not offered");
        } else if !self.takes_passwords() {
            // RFC 2595 s 2.2: refused before a password is sent.
            self.refuse("command not permitted without TLS");
        } else {
            // The same for every name: nobody learns here who exists.
            self.user = Some(name.to_owned());
            self.ok("send PASS");
        }
    }

    fn auth(
        &mut self,
        mechanism: crate::Mechanism,
        response: Option<InitialResponse<&[u8]>>,
    ) -> Option<Event> {
        let known = self
            .config
            .mechanisms
            .iter()
            .any(|name| name.as_bytes().eq_ignore_ascii_case(mechanism.as_bytes()));
        if !self.takes_passwords() {
            self.refuse("command not permitted without TLS");
            return None;
        }
        if !known {
            self.refuse("unknown mechanism");
            return None;
        }
        let decoded = match response.as_ref().map(InitialResponse::as_bytes) {
            None => None,
            Some(b"=") => Some(Vec::new().into()),
            Some(text) => match base64::decode(text) {
                Ok(octets) => Some(octets),
                Err(fault) => {
                    self.refuse(&fault.to_string());
                    return None;
                }
            },
        };
        self.await_answer(Pending::Auth, Event::Auth(AuthRequest { mechanism, initial_response: decoded }))
    }

    fn auth_response(&mut self, line: &[u8]) -> Event {
        // RFC 5034 s 4: "*" cancels, and what is not base64 is rejected.
        if line == b"*" {
            self.err("authentication cancelled");
            return self.end_exchange(Event::AuthCancelled);
        }
        match base64::decode(line) {
            Ok(octets) => {
                self.pending = Some(Pending::Auth);
                Event::AuthResponse(octets)
            }
            Err(fault) => {
                self.refuse(&fault.to_string());
                self.end_exchange(Event::AuthCancelled)
            }
        }
    }

    fn retrieve(&mut self, message: MessageNumber, part: Part) -> Option<Event> {
        if self.maildrop.get_mut(message).is_none() {
            self.no_such_message();
            return None;
        }
        let event = Event::Retrieve(Retrieve { message, part, utf8: self.utf8 });
        self.await_answer(Pending::Retrieve(part), event)
    }

    fn no_such_message(&mut self) {
        self.err("no such message");
    }

    fn capabilities(&mut self) {
        let config = Arc::clone(&self.config);
        let scope = |scope| if scope == Scope::PerUser { " USER" } else { "" };
        self.ok("capability list follows");
        let mut line = |text: &str| {
            let text = text.replace(['\r', '\n', '\0'], " ");
            self.output.extend_from_slice(text.as_bytes());
            self.output.extend_from_slice(b"\r\n");
        };
        ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"].iter().for_each(|tag| line(tag));
        // RFC 2595 s 4: STLS "is present and permitted in the current state".
        let stls = config.stls == Offer::Yes && !self.tls && self.utf8 == Utf8::Off;
        if stls && self.phase == Phase::Authorization {
            line("STLS");
        }
        if self.tls || config.in_clear == InClear::Taken {
            if config.user == Offer::Yes {
                line("USER");
            }
            if !config.mechanisms.is_empty() {
                line(&format!("SASL {}", config.mechanisms.join(" ")));
            }
        }
        if let Some(delay) = config.login_delay {
            line(&format!("LOGIN-DELAY {}{}", delay.seconds, scope(delay.scope)));
        }
        if let Some(expire) = config.expire {
            let days = expire.days.map_or_else(|| "NEVER".to_owned(), |days| days.to_string());
            line(&format!("EXPIRE {days}{}", scope(expire.scope)));
        }
        if config.utf8 == Offer::Yes {
            line("UTF8 USER");
        }
        if config.lang == Offer::Yes {
            line("LANG");
        }
        if let Some(implementation) = &config.implementation {
            line(&format!("IMPLEMENTATION {implementation}"));
        }
        line(".");
    }

    /// Writes lines of the listing until there is enough output for now.
    fn write_listing(&mut self) {
        let Some(mut listing) = self.listing.take() else { return };
        while self.output.len() < OUTPUT {
            let at = listing.next;
            if at >= self.maildrop.messages.len() {
                self.output.extend_from_slice(b".\r\n");
                return;
            }
            if let Some(number) = MessageNumber::from_index(at) {
                self.maildrop.line(listing.verb, number, &mut self.output);
            }
            listing.next = at.saturating_add(1);
        }
        self.listing = Some(listing);
    }
}

impl Maildrop {
    /// RFC 1939 s 5: "any future reference to the message-number associated with the message in a POP3 command generates an
    /// error".
    fn get_mut(&mut self, number: MessageNumber) -> Option<&mut (Message, Mark)> {
        self.messages.get_mut(number.index()).filter(|(_, mark)| *mark == Mark::Kept)
    }

    /// Number and octets of what is not marked.
    fn total(&self) -> (usize, u64) {
        let kept = self.messages.iter().filter(|(_, mark)| *mark == Mark::Kept);
        kept.fold((0, 0), |(messages, octets), (message, _)| {
            (messages.saturating_add(1), octets.saturating_add(message.octets))
        })
    }

    /// The line of LIST or UIDL for a message, unless it is marked.
    fn line(&self, verb: Verb, message: MessageNumber, output: &mut BytesMut) -> Option<()> {
        let (kept, _) = self.messages.get(message.index()).filter(|(_, mark)| *mark == Mark::Kept)?;
        if verb == Verb::Uidl {
            UidListing { message, unique_id: kept.unique_id.clone() }.write(output);
        } else {
            ScanListing::<Bytes> { message, octets: kept.octets, extra: None }.write(output);
        }
        Some(())
    }

    fn deleted(&self) -> Vec<MessageNumber> {
        let marked = self.messages.iter().enumerate().filter(|(_, (_, mark))| *mark == Mark::Deleted);
        marked.filter_map(|(index, _)| MessageNumber::from_index(index)).collect()
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
        match self.pending {
            Some(Pending::Message(..)) => mail46_wire::Phase::Bulk,
            _ => mail46_wire::Phase::Dialogue,
        }
    }
}
