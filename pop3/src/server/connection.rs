use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use mail46_sasl::Secret;
use mail46_wire::{DotEncoder, LineReader, Step, base64};

use super::maildrop::{Listing, Maildrop};
use super::order::is_allowed;
use super::top::TopLines;
use super::{AuthRequest, Config, Error, Event, InClear, LogIn, Offer, Part, Phase, Retrieve, Utf8};
use crate::{Command, Expire, InitialResponse, LoginDelay, MessageNumber, Name, Reply, Scope};

/// Output that may wait while a listing is written or commands are answered; the peer must take it first.
const OUTPUT: usize = 64 * 1024;
/// The least that a command's limit may be (RFC 2449 s 4).
const COMMAND_LINE: usize = 255;

/// The most that a line of CAPA may be without its CRLF (RFC 2449 s 5).
const CAPABILITY_LINE: usize = 510;

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
    pub(super) config: Arc<Config>,
    pub(super) lines: LineReader,
    pub(super) output: BytesMut,
    pub(super) phase: Phase,
    pub(super) pending: Option<Pending>,
    pub(super) exchange: Exchange,
    listing: Option<Listing>,
    pub(super) tls: bool,
    utf8: Utf8,
    /// What USER named, for the PASS that follows at once.
    pub(super) user: Option<Name>,
    pub(super) apop: Offer,
    pub(super) maildrop: Maildrop,
    errors: u32,
    /// The user's own, after the log-in.
    pub(super) expire: Option<Expire>,
    pub(super) login_delay: Option<LoginDelay>,
    pub(super) failed_log_ins: u32,
    pub(super) closing: bool,
}

/// What the application owes an answer to.
#[derive(Debug)]
pub(super) enum Pending {
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
pub(super) enum Listed {
    All,
    One,
}

/// What the next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    Command,
    Authentication,
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
            expire: None,
            login_delay: None,
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
            if let Some(listing) = self.listing.take() {
                self.listing = self.maildrop.lines(listing, &mut self.output, OUTPUT);
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

impl Connection {
    pub(super) fn ok(&mut self, text: &str) {
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

    pub(super) fn end_exchange<T>(&mut self, then: T) -> T {
        self.exchange = Exchange::Command;
        self.lines.set_limit(self.config.limits.command_line.max(COMMAND_LINE));
        then
    }

    fn await_answer(&mut self, pending: Pending, event: Event) -> Option<Event> {
        self.pending = Some(pending);
        Some(event)
    }

    /// Whether passwords may come now.
    pub(super) fn takes_passwords(&self) -> bool {
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
                self.listing = Some(Listing::new(verb));
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
            Command::Dele(number) => match self.maildrop.delete(number) {
                Some(()) => self.ok(&format!("message {number} deleted")),
                None => self.no_such_message(),
            },
            Command::Noop => self.ok(""),
            Command::Rset => {
                self.maildrop.reset();
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
        if !self.maildrop.has(message) {
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
        // RFC 2449 s 6.5, 6.7: the token USER belongs to the AUTHORIZATION state.
        let open = self.phase == Phase::Transaction;
        let scope = |scope| if scope == Scope::PerUser && !open { " USER" } else { "" };
        self.ok("capability list follows");
        let mut line = |text: &str| {
            let text = text.replace(['\r', '\n', '\0'], " ");
            // RFC 2449 s 5: 512 octets; whole words, or it would say what is not so.
            let end = text.len().min(CAPABILITY_LINE);
            let cut = text.get(..end).is_none() || end < text.len();
            let words = text.as_bytes().get(..end).unwrap_or_default();
            let end = if cut { memchr::memrchr(b' ', words).unwrap_or(end) } else { end };
            self.output.extend_from_slice(text.as_bytes().get(..end).unwrap_or_default());
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
        if let Some(delay) = self.login_delay.or(config.login_delay) {
            line(&format!("LOGIN-DELAY {}{}", delay.seconds, scope(delay.scope)));
        }
        if let Some(expire) = self.expire.or(config.expire) {
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
