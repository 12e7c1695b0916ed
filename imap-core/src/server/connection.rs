use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use mail46_sasl::Secret;
use mail46_wire::{Step, base64};

use super::append::{AppendReader, Found};
use super::fetch::Telling;
use super::{AuthRequest, Config, Error, Event, InClear, LogIn, Offer, Reply, Request, State, Verb};
use crate::cursor::Cursor;
use crate::grammar::class;
use crate::{
    AString, Announcement, Command, Cut, Extension, Frame, FrameFault, FrameLimits, Framer, Mode, Profile,
    Refused,
};

/// Output that may wait while commands are answered; the peer must take it first.
const OUTPUT: usize = 64 * 1024;

/// One IMAP session, seen from the server: octets in, events out, octets out.
///
/// One command at a time: the machine pauses until the application has answered it, and what the client pipelined behind it
/// waits in the input (RFC 9051 s 5.5). It keeps the states of s 3, what was enabled, what may be told when, and the limits; it
/// knows nothing of mailboxes.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_imap_core::server::{Config, Connection, Event, InClear, Reply};
/// use mail46_wire::Step;
///
/// let mut config = Config::new("ready");
/// config.in_clear = InClear::Taken;
/// let mut server = Connection::new(config.into());
/// server.greet()?;
/// let mut input = BytesMut::from("a1 LOGIN mrose tanstaaf\r\na2 FETCH 1 FLAGS\r\na3 NOOP\r\na4 LOGOUT\r\n");
/// loop {
///     match server.next(&mut input)? {
///         Step::Event(Event::LogIn(_)) => server.log_in("welcome")?,
///         Step::Event(Event::Command(request)) => server.complete(Reply::ok(format!("{:?} done", request.verb)))?,
///         Step::Event(Event::Closed) => break,
///         _ => unreachable!("not in this dialogue"),
///     }
/// }
/// let said = String::from_utf8_lossy(server.output()).into_owned();
/// assert!(said.ends_with("a2 BAD not in this state\r\na3 OK Noop done\r\n* BYE bye\r\na4 OK bye\r\n"), "{said}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(super) config: Arc<Config>,
    pub(super) framer: Framer,
    pub(super) output: BytesMut,
    pub(super) mode: Mode,
    pub(super) state: State,
    pub(super) pending: Option<Pending>,
    pub(super) exchange: Exchange,
    /// The present command's, or the last one's.
    pub(super) tag: Bytes,
    pub(super) verb: Option<Verb>,
    pub(super) append: Option<Box<Appending>>,
    pub(super) telling: Telling,
    pub(super) tls: bool,
    pub(super) compressed: bool,
    pub(super) closing: bool,
    errors: u32,
    failed_log_ins: u32,
}

/// What the application owes an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    Greeting,
    LogIn,
    Auth,
    StartTls,
    Handshake,
    Compress,
    Command,
    /// A message or a part that comes as a literal.
    Literal(Announcement),
    /// A part that is somewhere else.
    Url,
    AppendEnd,
    Idle,
    IdleDone,
}

/// What the next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    Command,
    Authentication,
    Idle,
}

/// An APPEND on its way.
#[derive(Debug)]
pub(super) struct Appending {
    pub(super) reader: AppendReader,
    /// What the command will be answered, come what may.
    pub(super) failed: Option<Reply>,
    /// The announced literal, while it is looked for what it is.
    pub(super) announced: Option<Announcement>,
    /// The whole command, when it has come.
    pub(super) frame: Option<Bytes>,
    /// The literal that the application takes.
    pub(super) accepted: Option<Announcement>,
    pub(super) messages: usize,
    /// Octets of the present message's parts.
    pub(super) parts: u64,
}

impl Appending {
    fn new(verb: Verb, at: usize) -> Self {
        Self {
            reader: AppendReader::new(verb, at),
            failed: None,
            announced: None,
            frame: None,
            accepted: None,
            messages: 0,
            parts: 0,
        }
    }
}

impl Connection {
    /// A session before its greeting, which the application owes: [`greet`](Self::greet) or [`reject`](Self::reject).
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            framer: Framer::commands(before_log_in(&config)),
            config,
            output: BytesMut::new(),
            mode: Mode::new(Profile::Strict),
            state: State::NotAuthenticated,
            pending: Some(Pending::Greeting),
            exchange: Exchange::Command,
            tag: Bytes::new(),
            verb: None,
            append: None,
            telling: Telling::Nothing,
            tls: false,
            compressed: false,
            closing: false,
            errors: 0,
            failed_log_ins: 0,
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
            // An idle session holds no buffer.
            if self.output.is_empty() && self.output.capacity() > 0 {
                self.output = BytesMut::new();
            }
            if let Some(event) = self.append_on(input) {
                return Ok(Step::Event(event));
            }
            if self.pending.is_some() || self.closing {
                continue;
            }
            let event = match self.framer.next(input) {
                None => return Ok(Step::WantsInput),
                Some(Err(refused)) => self.refused(&refused),
                Some(Ok(Cut::Announced(announcement))) => self.announced(announcement, input),
                Some(Ok(Cut::Data(octets))) => {
                    let wanted = self.append.as_ref().is_some_and(|append| append.failed.is_none());
                    wanted.then_some(Event::Data(octets))
                }
                Some(Ok(Cut::DataEnd)) => self.literal_is_whole(),
                Some(Ok(Cut::Frame(frame))) => self.frame(&frame),
                Some(Ok(_)) => None,
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

    /// How long to wait for the next event at most. When it is over, [`expire`](Self::expire) says why the session ends.
    pub fn timeout(&self) -> Duration {
        let timeouts = &self.config.timeouts;
        match (self.state, self.is_bulk()) {
            (_, true) => timeouts.message_block,
            (State::NotAuthenticated, false) => timeouts.log_in,
            _ => timeouts.autologout,
        }
    }

    /// Where the session is.
    pub fn state(&self) -> State {
        self.state
    }

    /// Which grammar holds.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether the client idles: untagged responses may be sent at any time.
    pub fn is_idling(&self) -> bool {
        self.exchange == Exchange::Idle && self.pending.is_none()
    }

    pub(super) fn is_bulk(&self) -> bool {
        self.append.is_some() || self.telling != Telling::Nothing
    }

    /// What may be announced now, `IMAP4rev1` first.
    pub fn capabilities(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        let config = &self.config;
        let mut add = |word: &str| {
            if !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
                words.push(word.to_owned());
            }
        };
        let is_in = self.state != State::NotAuthenticated;
        let always = [
            Extension::Imap4Rev1,
            Extension::Imap4Rev2,
            Extension::LiteralMinus,
            Extension::LiteralPlus,
            Extension::Id,
            Extension::Enable,
        ];
        always
            .iter()
            .filter(|extension| config.offers(**extension))
            .for_each(|extension| add(extension.name()));
        if !is_in {
            // RFC 9051 s 6.2.1: STARTTLS and LOGINDISABLED as they are now.
            if self.takes_tls() {
                add("STARTTLS");
            }
            if self.takes_passwords() {
                config.mechanisms.iter().for_each(|mechanism| add(&format!("AUTH={mechanism}")));
                if !config.mechanisms.is_empty() {
                    add("SASL-IR");
                }
            }
            if config.login == Offer::No || !self.takes_passwords() {
                add("LOGINDISABLED");
            }
            return words.join(" ");
        }
        config.extensions.iter().for_each(|extension| add(extension.name()));
        config.other_capabilities.iter().for_each(|word| add(word));
        add(&format!("APPENDLIMIT={}", config.append_limit));
        if self.takes_compress() {
            add("COMPRESS=DEFLATE");
        }
        words.join(" ")
    }

    pub(super) fn takes_passwords(&self) -> bool {
        self.tls || self.config.in_clear == InClear::Taken
    }

    fn takes_tls(&self) -> bool {
        self.config.starttls == Offer::Yes && !self.tls && self.state == State::NotAuthenticated
    }

    fn takes_compress(&self) -> bool {
        self.config.compress == Offer::Yes && !self.compressed
    }

    pub(super) fn limits_of_state(&self) -> FrameLimits {
        if self.state == State::NotAuthenticated {
            return before_log_in(&self.config);
        }
        let limits = &self.config.limits;
        FrameLimits {
            line: limits.line,
            literal: limits.literal,
            frame: limits.command,
            streamed: self.config.append_limit.into(),
        }
    }
}

fn before_log_in(config: &Config) -> FrameLimits {
    let limits = &config.limits;
    FrameLimits {
        line: limits.line_before_log_in,
        literal: limits.literal_before_log_in,
        frame: limits.line_before_log_in.saturating_add(limits.literal_before_log_in),
        streamed: 0,
    }
}

impl Connection {
    pub(super) fn say(&mut self, line: &[&[u8]]) {
        line.iter().for_each(|piece| self.output.extend_from_slice(piece));
        self.output.extend_from_slice(b"\r\n");
    }

    /// A tagged response to the present command; untagged where it has no tag (RFC 9051 s 7.1.3).
    pub(super) fn tagged(&mut self, reply: &Reply) {
        let tag = if self.tag.is_empty() { Bytes::from_static(b"*") } else { self.tag.clone() };
        let text: String =
            reply.text.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).collect();
        // RFC 9051 s 9: text is at least one character, where there is a space.
        let text = if text.is_empty() { "done".to_owned() } else { text };
        let status = reply.status.as_bytes();
        match &reply.code {
            Some(code) => self.say(&[&tag, b" ", status, b" [", code.as_bytes(), b"] ", text.as_bytes()]),
            None => self.say(&[&tag, b" ", status, b" ", text.as_bytes()]),
        }
        self.verb = None;
    }

    /// Refuses what is no command here; too many of these end the session.
    pub(super) fn bad(&mut self, reply: &Reply) {
        self.tagged(reply);
        self.errors = self.errors.saturating_add(1);
        let limits = &self.config.limits;
        let most =
            if self.state == State::NotAuthenticated { limits.errors_before_log_in } else { limits.errors };
        if self.errors >= most {
            self.bye("too many errors");
        }
    }

    pub(super) fn bye(&mut self, why: &str) {
        self.say(&[b"* BYE ", why.as_bytes()]);
        self.close();
    }

    pub(super) fn close(&mut self) {
        self.closing = true;
        self.state = State::Logout;
        self.append = None;
    }

    pub(super) fn failed_log_in(&mut self) {
        self.failed_log_ins = self.failed_log_ins.saturating_add(1);
        if self.failed_log_ins >= self.config.limits.log_ins {
            self.bye("too many failed log-ins");
        }
    }

    pub(super) fn end_exchange(&mut self) {
        self.exchange = Exchange::Command;
        self.framer.set_limits(self.limits_of_state());
    }

    fn await_answer(&mut self, pending: Pending, event: Event) -> Option<Event> {
        self.pending = Some(pending);
        Some(event)
    }

    /// Finds a command's tag and name; `None` if it was refused for want of one.
    fn begin(&mut self, text: &[u8]) -> Option<(Verb, usize)> {
        let end = text.iter().position(|octet| !class::is(*octet, class::TAG)).unwrap_or(text.len());
        let (tag, rest) = text.split_at_checked(end).unwrap_or((text, b""));
        // RFC 9051 s 7.1.3: "an untagged BAD response indicates a protocol-level error for which the associated command
        // cannot be determined".
        let named = rest.strip_prefix(b" ").filter(|_| (1..=TAG).contains(&tag.len()));
        self.tag = if named.is_some() { Bytes::copy_from_slice(tag) } else { Bytes::new() };
        let Some(rest) = named else {
            self.bad(&Reply::bad("a command is a tag, a space and a name"));
            return None;
        };
        let Some((verb, length)) = Verb::of(rest).filter(|(verb, _)| self.is_offered(*verb)) else {
            self.bad(&Reply::bad("unknown command"));
            return None;
        };
        if !verb.is_allowed(self.state) {
            self.bad(&Reply::bad("not in this state"));
            return None;
        }
        // RFC 9586 s 3: sequence numbers are BAD, with this code.
        if self.mode.uidonly && verb.is_by_sequence() {
            self.bad(&Reply::bad("message numbers are not to be used").with_code("UIDREQUIRED"));
            return None;
        }
        self.verb = Some(verb);
        Some((verb, end.saturating_add(1).saturating_add(length)))
    }

    fn is_offered(&self, verb: Verb) -> bool {
        let revisions = [Extension::Imap4Rev1, Extension::Imap4Rev2];
        let offers = |extension| {
            // RFC 9051 appendix E: what IMAP4rev2 has of its own.
            let in_rev2 = !matches!(
                extension,
                Extension::Id
                    | Extension::Imap4Rev1
                    | Extension::Metadata
                    | Extension::Quota
                    | Extension::Replace
                    | Extension::Sort
            );
            self.config.offers(extension) || in_rev2 && self.config.offers(Extension::Imap4Rev2)
        };
        match verb {
            Verb::Compress => self.config.compress == Offer::Yes,
            Verb::Thread | Verb::UidThread => {
                self.config.other_capabilities.iter().any(|word| word.starts_with("THREAD="))
            }
            verb => match verb.needs() {
                Some(extension) => offers(extension),
                None => revisions.into_iter().any(|revision| self.config.offers(revision)),
            },
        }
    }

    /// A line or literal over the limits.
    fn refused(&mut self, refused: &Refused) -> Option<Event> {
        match self.exchange {
            Exchange::Authentication => {
                self.end_exchange();
                self.bad(&Reply::bad(refused.to_string()));
                return Some(Event::AuthCancelled);
            }
            Exchange::Idle => {
                self.end_exchange();
                return self.await_answer(Pending::IdleDone, Event::IdleDone);
            }
            Exchange::Command => {}
        }
        if let Some(append) = self.append.take() {
            let reply = append.failed.unwrap_or_else(|| Reply::bad(refused.to_string()));
            self.bad(&reply);
            return None;
        }
        let start = &refused.start;
        let end = start.iter().position(|octet| !class::is(*octet, class::TAG)).unwrap_or(0);
        self.tag = if (1..=TAG).contains(&end) && start.get(end) == Some(&b' ') {
            start.slice(..end)
        } else {
            Bytes::new()
        };
        let reply = Reply::bad(refused.to_string());
        // RFC 9051 s 7.1: TOOBIG is for literals (RFC 4469 s 4.2).
        let is_literal = matches!(refused.fault, FrameFault::LiteralTooLong { .. });
        self.bad(&if is_literal { reply.with_code("TOOBIG") } else { reply });
        None
    }

    /// A literal follows: the command is looked at before its octets are asked for.
    fn announced(&mut self, announcement: Announcement, input: &mut BytesMut) -> Option<Event> {
        if let Some(append) = &mut self.append {
            append.announced = Some(announcement);
            return None; // `append_on` finds out what it is
        }
        let head = Bytes::copy_from_slice(self.framer.head(input));
        let Some((verb, arguments)) = self.begin(&head) else {
            self.framer.refuse(input);
            return None;
        };
        if matches!(verb, Verb::Append | Verb::Replace | Verb::UidReplace) {
            let append = Appending { announced: Some(announcement), ..Appending::new(verb, arguments) };
            self.append = Some(Box::new(append));
            return None;
        }
        self.gather(announcement, input);
        None
    }

    /// A literal that is a part of its command.
    pub(super) fn gather(&mut self, announcement: Announcement, input: &mut BytesMut) {
        // RFC 7888 s 5: with LITERAL- no more than 4,096 octets may run ahead.
        let plus = self.config.offers(Extension::LiteralPlus);
        let is_late = !announcement.form.is_synchronizing() && !plus && announcement.size > 4096;
        if is_late || announcement.form.is_binary() && !self.config.offers(Extension::Binary) {
            self.framer.refuse(input);
            self.append = None;
            return self.bad(&Reply::bad("a literal that must not be sent").with_code("TOOBIG"));
        }
        match self.framer.gather(input) {
            Ok(()) => self.say_go_on(announcement),
            Err(fault) => {
                self.append = None;
                self.bad(&Reply::bad(fault.to_string()).with_code("TOOBIG"));
            }
        }
    }

    pub(super) fn say_go_on(&mut self, announcement: Announcement) {
        if announcement.form.is_synchronizing() {
            self.say(&[b"+ go on"]);
        }
    }

    fn frame(&mut self, frame: &Frame) -> Option<Event> {
        match self.exchange {
            Exchange::Authentication => return Some(self.auth_response(frame.octets())),
            Exchange::Idle => {
                self.end_exchange();
                // RFC 2177 s 4: idle = "IDLE" CRLF "DONE", whatever its case (RFC 9051 s 9).
                if frame.octets().eq_ignore_ascii_case(b"DONE\r\n") {
                    return self.await_answer(Pending::IdleDone, Event::IdleDone);
                }
                self.bad(&Reply::bad("DONE was expected"));
                return None;
            }
            Exchange::Command => {}
        }
        if let Some(append) = &mut self.append {
            append.frame = Some(frame.octets().clone());
            append.announced = None;
            return None;
        }
        let (verb, at) = self.begin(frame.octets())?;
        self.command(verb, at, frame)
    }

    fn command(&mut self, verb: Verb, at: usize, frame: &Frame) -> Option<Event> {
        let octets = frame.octets();
        let arguments = octets.get(at..).and_then(|rest| rest.strip_suffix(b"\r\n")).unwrap_or_default();
        match verb {
            Verb::Capability if arguments.is_empty() => {
                let words = self.capabilities();
                self.say(&[b"* CAPABILITY ", words.as_bytes()]);
                self.tagged(&Reply::ok("that is all"));
            }
            Verb::Logout if arguments.is_empty() => {
                // RFC 9051 s 6.1.3: BYE before the tagged OK.
                self.say(&[b"* BYE bye"]);
                self.tagged(&Reply::ok("bye"));
                self.close();
            }
            Verb::Noop if arguments.is_empty() && self.state == State::NotAuthenticated => {
                self.tagged(&Reply::ok("nothing done"));
            }
            Verb::StartTls if arguments.is_empty() => {
                if self.takes_tls() {
                    return self.await_answer(Pending::StartTls, Event::StartTls);
                }
                self.bad(&Reply::bad(if self.tls { "TLS is on" } else { "TLS is not to be had" }));
            }
            Verb::Idle if arguments.is_empty() => return self.await_answer(Pending::Idle, Event::Idle),
            Verb::Compress => {
                if self.compressed {
                    // RFC 4978 s 3
                    self.tagged(&Reply::no("compression is on").with_code("COMPRESSIONACTIVE"));
                } else if arguments.eq_ignore_ascii_case(b" DEFLATE") {
                    return self.await_answer(Pending::Compress, Event::Compress);
                } else {
                    self.bad(&Reply::bad("DEFLATE is all there is"));
                }
            }
            Verb::Login => return self.login(octets, at),
            Verb::Authenticate => return self.authenticate(octets, arguments),
            Verb::Enable => self.enable(arguments),
            Verb::Append | Verb::Replace | Verb::UidReplace => {
                // No literal that runs ahead or waits: only CATENATE with nothing but URLs can be whole.
                let append = Appending { frame: Some(octets.clone()), ..Appending::new(verb, at) };
                self.append = Some(Box::new(append));
            }
            Verb::Capability | Verb::Logout | Verb::StartTls | Verb::Idle => {
                self.bad(&Reply::bad("this command takes no arguments"));
            }
            verb => match Command::parse_shared(octets, frame.streamed(), &self.mode) {
                Ok(command) => {
                    let request = Request { verb, command };
                    return self.await_answer(Pending::Command, Event::Command(Box::new(request)));
                }
                Err(fault) => self.bad(&Reply::bad(fault.to_string())),
            },
        }
        None
    }

    fn login(&mut self, octets: &Bytes, at: usize) -> Option<Event> {
        if self.config.login == Offer::No || !self.takes_passwords() {
            // RFC 9051 s 6.2.3 LOGINDISABLED; s 7.1 PRIVACYREQUIRED.
            let reply = Reply::no("LOGIN is not to be had without TLS").with_code("PRIVACYREQUIRED");
            self.tagged(&reply);
            self.failed_log_in();
            return None;
        }
        let arguments = octets.slice(at..);
        let mut c = Cursor::shared(&arguments, &self.mode);
        c.secret();
        let parsed = (|| {
            c.sp()?;
            let user: AString = AString::parse(&mut c)?;
            c.sp()?;
            let password: AString = AString::parse(&mut c)?;
            c.end()?;
            Ok::<_, crate::SyntaxError>((user, password))
        })();
        match parsed {
            Ok((user, password)) => {
                let password = Secret::from(&*password.octets());
                let event = Event::LogIn(LogIn { user: user.octets().into_owned(), password });
                self.await_answer(Pending::LogIn, event)
            }
            Err(fault) => {
                self.bad(&Reply::bad(fault.to_string()));
                None
            }
        }
    }

    fn authenticate(&mut self, octets: &Bytes, arguments: &[u8]) -> Option<Event> {
        let mut words = arguments.strip_prefix(b" ").unwrap_or_default().split(|octet| *octet == b' ');
        let mechanism = words.next().unwrap_or_default();
        let initial = words.next();
        if mechanism.is_empty() || words.next().is_some() {
            self.bad(&Reply::bad("AUTHENTICATE takes a mechanism, and may take an initial response"));
            return None;
        }
        if !self.takes_passwords() {
            self.tagged(&Reply::no("not without TLS").with_code("PRIVACYREQUIRED"));
            self.failed_log_in();
            return None;
        }
        if !self.config.mechanisms.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(mechanism)) {
            self.tagged(&Reply::no("unknown mechanism").with_code("CANNOT"));
            self.failed_log_in();
            return None;
        }
        let initial_response = match initial {
            None => None,
            // RFC 4959 s 3: "=" is an empty one.
            Some(b"=") => Some(Vec::new().into()),
            Some(text) => match base64::decode(text) {
                Ok(decoded) => Some(decoded),
                Err(fault) => {
                    self.bad(&Reply::bad(fault.to_string()));
                    return None;
                }
            },
        };
        let mechanism = octets.slice_ref(mechanism);
        let event = Event::Authenticate(AuthRequest { mechanism, initial_response });
        self.await_answer(Pending::Auth, event)
    }

    fn auth_response(&mut self, line: &Bytes) -> Event {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        // RFC 9051 s 6.2.2: "*" cancels, and "the server MUST reject the AUTHENTICATE command by sending a tagged BAD".
        if line == b"*" {
            self.end_exchange();
            self.tagged(&Reply::bad("authentication cancelled"));
            self.failed_log_in();
            return Event::AuthCancelled;
        }
        match base64::decode(line) {
            Ok(octets) => {
                self.pending = Some(Pending::Auth);
                Event::AuthResponse(octets)
            }
            Err(fault) => {
                self.end_exchange();
                self.bad(&Reply::bad(fault.to_string()));
                Event::AuthCancelled
            }
        }
    }

    /// RFC 9051 s 6.3.1: what is known and not yet on is turned on and told; the rest is passed over.
    fn enable(&mut self, arguments: &[u8]) {
        let words = arguments.strip_prefix(b" ").unwrap_or_default();
        let is_word =
            |word: &[u8]| !word.is_empty() && word.iter().all(|octet| class::is(*octet, class::ATOM));
        if !words.split(|octet| *octet == b' ').all(is_word) {
            return self.bad(&Reply::bad("ENABLE takes capabilities"));
        }
        let mut enabled: Vec<&str> = Vec::new();
        for word in words.split(|octet| *octet == b' ') {
            let can = [
                Extension::CondStore,
                Extension::Qresync,
                Extension::Utf8Accept,
                Extension::Imap4Rev2,
                Extension::UidOnly,
            ];
            let known =
                can.into_iter().find(|extension| extension.name().as_bytes().eq_ignore_ascii_case(word));
            let Some(extension) = known.filter(|extension| self.config.offers(*extension)) else { continue };
            let mode = &mut self.mode;
            let flag = match extension {
                Extension::CondStore => &mut mode.condstore,
                Extension::Qresync => {
                    // RFC 7162 s 3.2.3: QRESYNC is CONDSTORE too.
                    mode.condstore = true;
                    &mut mode.qresync
                }
                Extension::Utf8Accept => &mut mode.utf8,
                Extension::Imap4Rev2 => &mut mode.rev2,
                _ => &mut mode.uidonly,
            };
            if !std::mem::replace(flag, true) {
                enabled.push(extension.name());
            }
        }
        let words = enabled.join(" ");
        let space: &[u8] = if words.is_empty() { b"" } else { b" " };
        self.say(&[b"* ENABLED", space, words.as_bytes()]);
        self.tagged(&Reply::ok("enabled"));
    }

    fn literal_is_whole(&mut self) -> Option<Event> {
        let append = self.append.as_mut()?;
        append.reader.literal_is_whole();
        let is_message = !append.reader.is_catenating();
        (is_message && append.failed.is_none()).then_some(Event::MessageEnd)
    }

    /// Goes on with an APPEND, as far as its text has come.
    fn append_on(&mut self, input: &mut BytesMut) -> Option<Event> {
        loop {
            let append = self.append.as_mut()?;
            if let Some(announcement) = append.accepted.take() {
                match self.framer.stream(input) {
                    Ok(()) => self.say_go_on(announcement),
                    Err(fault) => {
                        self.append = None;
                        self.tagged(&Reply::no(fault.to_string()).with_code("TOOBIG"));
                    }
                }
                return None;
            }
            let announced = append.announced;
            if announced.is_none() && append.frame.is_none() {
                return None;
            }
            if let Some(reply) = append.failed.clone() {
                // Nothing more of it is wanted; if a literal waits for us, it never comes.
                if announced.is_some() {
                    self.framer.refuse(input);
                }
                self.append = None;
                self.tagged(&reply);
                return None;
            }
            let text =
                append.frame.clone().unwrap_or_else(|| Bytes::copy_from_slice(self.framer.head(input)));
            let found = append.reader.next(&text, announced, &self.mode);
            match found {
                Ok(Found::Request(mut request)) => {
                    // Told with its first message.
                    append.messages = append.messages.saturating_add(1);
                    if append.messages > self.config.limits.appended {
                        append.failed =
                            Some(Reply::no("too many messages in one command").with_code("LIMIT"));
                        continue;
                    }
                    if let Some(size) = request.message.size
                        && size > u64::from(self.config.append_limit)
                    {
                        // RFC 7889 s 4: before the octets come.
                        append.failed = Some(Reply::no("a message that is too big").with_code("TOOBIG"));
                        continue;
                    }
                    let pending = match announced.filter(|_| request.message.size.is_some()) {
                        Some(announcement) => Pending::Literal(announcement),
                        None => Pending::Url,
                    };
                    self.pending = Some(pending);
                    let is_first = append.messages == 1;
                    return Some(if is_first {
                        Event::Append(request)
                    } else {
                        let empty =
                            super::IncomingMessage { flags: crate::FlagList::EMPTY, date: None, size: None };
                        Event::NextMessage(Box::new(std::mem::replace(&mut request.message, empty)))
                    });
                }
                Ok(Found::Gather) => {
                    let announcement = announced?;
                    append.announced = None;
                    self.gather(announcement, input);
                    return None;
                }
                Ok(Found::Text(size)) => {
                    let announcement = announced?;
                    append.parts = append.parts.saturating_add(size);
                    if append.parts > u64::from(self.config.append_limit) {
                        // RFC 4469 s 4.2
                        append.failed = Some(Reply::no("a message that is too big").with_code("TOOBIG"));
                        continue;
                    }
                    self.pending = Some(Pending::Literal(announcement));
                    return Some(Event::CatenateText(size));
                }
                Ok(Found::Url(url)) => {
                    self.pending = Some(Pending::Url);
                    return Some(Event::CatenateUrl(url));
                }
                Ok(Found::MessageEnd) => {
                    append.parts = 0;
                    return Some(Event::MessageEnd);
                }
                Ok(Found::End) => {
                    self.append = None;
                    self.pending = Some(Pending::AppendEnd);
                    return Some(Event::AppendEnd);
                }
                Err(fault) => {
                    let reply = Reply::bad(fault.to_string());
                    if announced.is_some() {
                        self.framer.refuse(input);
                    }
                    self.append = None;
                    self.bad(&reply);
                    return None;
                }
            }
        }
    }
}

/// Octets of a tag at most (Dovecot: 126).
const TAG: usize = 126;

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
        if self.is_bulk() { mail46_wire::Phase::Bulk } else { mail46_wire::Phase::Dialogue }
    }
}
