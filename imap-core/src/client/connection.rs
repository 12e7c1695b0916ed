use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};
use mail46_wire::{Phase, Step, base64};

use super::flight::{Flight, Kind, Partial, Sasl, Waiting};
use super::{Completed, Config, Error, Event, InClear, Misuse, Peer, Sent, Unintelligible, Why};
use crate::{Announcement, Capabilities, Cut, Extension, Frame, FrameFault, Framer, Mode, Refused};
use crate::{Code, Continuation, Response, Status, StatusResponse, Tag, Untagged};

/// One IMAP session, seen from the client: octets in, events out, octets out.
///
/// Any number of commands may be said at a time; they go out as RFC 9051 s 5.5 allows, one that has to wait for the server's word
/// in its middle alone. The machine asks for the capabilities by itself where the server does not tell them: behind the greeting,
/// behind TLS and behind the log-in.
#[derive(Debug)]
pub struct Connection {
    pub(super) config: Config,
    framer: Framer,
    pub(super) mode: Mode,
    pub(super) output: BytesMut,
    /// What is to be told before anything is read.
    pub(super) events: VecDeque<Event>,
    /// Commands that are not begun.
    pub(super) queue: VecDeque<Waiting>,
    /// The one that is begun and not written to its end.
    pub(super) writing: Option<Partial>,
    /// Those that are begun and not completed.
    pub(super) flight: Vec<Flight>,
    pub(super) tags: u64,
    pub(super) state: State,
    pub(super) stage: Stage,
    pub(super) tls: bool,
    pub(super) compressed: bool,
    pub(super) capabilities: Option<Capabilities>,
    /// The capabilities were told since they were forgotten last.
    fresh: bool,
    /// What the application wants not to be believed of what the server offers.
    pub(super) distrusted: Vec<Extension>,
    pub(super) sasl: Option<Sasl>,
    pub(super) idle: Idle,
    /// A literal is being handed over, of which so many octets are left.
    streaming: Option<u64>,
    /// Octets since a command was completed last, without those of streamed literals; and those.
    octets: u64,
    streamed: u64,
}

/// What the server lets us do (RFC 9051 s 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 9051 s 3 has these four
pub enum State {
    /// Nobody is logged in.
    NotAuthenticated,
    /// Somebody is.
    Authenticated,
    /// And a mailbox is selected.
    Selected,
    /// It is over.
    Logout,
}

/// What the session is about at the moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    /// The greeting has not come.
    Greeting,
    /// The capabilities are asked for, and then this is told.
    Asking(Box<Ask>),
    Ready,
    /// The application does the handshake.
    Tls,
    /// The application puts the compression in.
    Compression,
    Unwelcome,
}

/// What is told when the capabilities are known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ask {
    Ready,
    Authenticated(Completed),
}

/// IDLE (RFC 2177).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idle {
    Not,
    /// The server has not said `+`; and it is to be ended when it does.
    Asked {
        end: bool,
    },
    Idling,
    /// DONE is said.
    Ending,
}

impl Connection {
    /// A session that awaits the server's greeting.
    pub fn new(config: Config) -> Self {
        Self {
            framer: Framer::responses(config.limits.frame_before_login),
            mode: Mode::new(config.profile),
            config,
            output: BytesMut::new(),
            events: VecDeque::new(),
            queue: VecDeque::new(),
            writing: None,
            flight: Vec::new(),
            tags: 0,
            state: State::NotAuthenticated,
            stage: Stage::Greeting,
            tls: false,
            compressed: false,
            capabilities: None,
            fresh: false,
            distrusted: Vec::new(),
            sasl: None,
            idle: Idle::Not,
            streaming: None,
            octets: 0,
            streamed: 0,
        }
    }

    /// The next thing that `input` tells. Takes off it what was understood.
    ///
    /// # Errors
    /// [`Error::Peer`] when the server did what no session survives, [`Error::Sasl`] when it did not prove itself: close.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Step::Event(event));
            }
            if matches!(self.stage, Stage::Tls | Stage::Compression | Stage::Unwelcome) {
                return Ok(Step::Paused);
            }
            let before = input.len();
            let cut = self.framer.next(input);
            if self.streaming.is_none() {
                self.account(before.saturating_sub(input.len()))?;
            }
            match cut {
                None => return Ok(Step::WantsInput),
                Some(Ok(Cut::Frame(frame))) => self.frame(&frame, input)?,
                Some(Ok(Cut::Begin(announcement))) => self.begin(announcement, input)?,
                Some(Ok(Cut::Data(data))) => return Ok(Step::Event(Event::Data(data))),
                Some(Ok(Cut::DataEnd)) => {
                    self.streaming = None;
                    return Ok(Step::Event(Event::DataEnd));
                }
                // Only commands announce.
                Some(Ok(Cut::Announced(_))) => self.framer.refuse(input),
                Some(Err(refused)) => self.refused(refused)?,
            }
        }
    }

    /// What is to be written. The driver takes off what it wrote.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// How long to wait for the next event at most; while idling, how long the whole IDLE may last before it is
    /// [renewed](Self::renew_idle).
    pub fn timeout(&self) -> Duration {
        match (self.streaming, self.idle) {
            (Some(_), _) => self.config.timeouts.literal,
            (None, Idle::Idling) => self.config.timeouts.idle,
            _ => self.config.timeouts.response,
        }
    }

    /// What the server said last that it can do, without what is [distrusted](Self::distrust); `None` before it said anything.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Whether the server says that it can do this, or something that implies it.
    pub fn offers(&self, extension: Extension) -> bool {
        self.capabilities.as_ref().is_some_and(|capabilities| capabilities.has(extension))
    }

    /// What was enabled, and which grammar holds.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// In which state the session is.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether an IDLE is going on that the server has agreed to.
    pub fn is_idling(&self) -> bool {
        self.idle == Idle::Idling
    }

    /// Whether no command is on its way or waits.
    pub fn is_quiet(&self) -> bool {
        self.flight.is_empty() && self.queue.is_empty() && self.writing.is_none()
    }

    /// Whether what is said now may hold a secret.
    pub fn is_authenticating(&self) -> bool {
        self.sasl.is_some() || self.flight.iter().any(|flight| flight.kind == Kind::Login)
    }

    /// The peer has closed the connection: whether it may.
    ///
    /// # Errors
    /// [`Peer::Closed`] unless LOGOUT was answered, or BYE said and nothing is cut off in its middle.
    pub fn closed(&self, input: &BytesMut) -> Result<(), Error> {
        if self.state == State::Logout && !self.framer.is_inside_frame(input) {
            Ok(())
        } else {
            Err(peer(Peer::Closed))
        }
    }

    fn account(&mut self, octets: usize) -> Result<(), Error> {
        self.octets = self.octets.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        let limit = match self.state {
            State::NotAuthenticated => self.config.limits.before_login,
            _ => self.config.limits.responses,
        };
        if self.octets > limit { Err(peer(Peer::TooMuch(limit))) } else { Ok(()) }
    }

    /// A literal is handed over.
    fn begin(&mut self, announcement: Announcement, input: &BytesMut) -> Result<(), Error> {
        if announcement.size > self.config.limits.literal {
            return Err(peer(Peer::LiteralTooBig(announcement.size)));
        }
        self.streamed = self.streamed.saturating_add(announcement.size);
        if self.streamed > self.config.limits.literals {
            return Err(peer(Peer::TooMuch(self.config.limits.literals)));
        }
        self.streaming = Some(announcement.size);
        let head = self.framer.head(input);
        self.events.push_back(Event::DataBegin(super::DataBegin::of(head, announcement.size, &self.mode)));
        Ok(())
    }

    /// Something that is too long was not gathered.
    fn refused(&mut self, refused: Refused) -> Result<(), Error> {
        if let FrameFault::LiteralTooLong { size, .. } = refused.fault {
            return Err(peer(Peer::LiteralTooBig(size)));
        }
        // What ends a command must be understood, or it never ends.
        if self.stage == Stage::Greeting || !refused.start.starts_with(b"* ") {
            return Err(peer(Peer::Unreadable));
        }
        let why = Why::Frame(refused.fault);
        self.events.push_back(Event::Unintelligible(Unintelligible { octets: refused.start, why }));
        Ok(())
    }

    fn frame(&mut self, frame: &Frame, input: &BytesMut) -> Result<(), Error> {
        if self.stage == Stage::Greeting {
            return self.greeting(frame.octets());
        }
        match Response::parse_frame(frame, &self.mode) {
            Ok((Response::Untagged(untagged), _)) => {
                self.untagged(untagged);
                Ok(())
            }
            Ok((Response::Tagged(tag, status), _)) => self.tagged(&tag, status, input),
            Ok((Response::Continuation(continuation), _)) => self.continuation(continuation),
            Err(why) => {
                // A tagged line that nobody understands would leave its command without an end.
                let tag = frame.octets().split(|octet| *octet == b' ').next().unwrap_or_default();
                if tag == b"+" || self.flight.iter().any(|flight| flight.tag() == tag) {
                    return Err(peer(Peer::Unreadable));
                }
                let octets = frame.octets().clone();
                let why = Why::Syntax(why);
                self.events.push_back(Event::Unintelligible(Unintelligible { octets, why }));
                Ok(())
            }
        }
    }

    fn greeting(&mut self, line: &Bytes) -> Result<(), Error> {
        let Ok(Response::Untagged(Untagged::Status(greeting))) = Response::parse_shared(line, &self.mode)
        else {
            return Err(peer(Peer::NotImap));
        };
        match greeting.status {
            Status::Ok => {}
            Status::Bye => {
                self.stage = Stage::Unwelcome;
                self.events.push_back(Event::Unwelcome(greeting));
                return Ok(());
            }
            // RFC 9051 s 11.3: TLS cannot be had any more.
            Status::PreAuth if !self.tls && self.config.preauth == InClear::Refused => {
                return Err(peer(Peer::PreauthInTheClear));
            }
            Status::PreAuth => self.enter(State::Authenticated),
            Status::No | Status::Bad => return Err(peer(Peer::NotImap)),
        }
        self.fresh = false;
        self.code(greeting.code.as_ref());
        self.ask(Ask::Ready);
        Ok(())
    }

    /// Asks for the capabilities if they were not told.
    pub(super) fn ask(&mut self, then: Ask) {
        if self.fresh {
            self.stage = Stage::Ready;
            self.events.push_back(match then {
                Ask::Ready => Event::Ready,
                Ask::Authenticated(completed) => Event::Authenticated(completed),
            });
            return self.pump();
        }
        self.stage = Stage::Asking(Box::new(then));
        self.ask_capabilities();
    }

    /// Forgets what the server said that it can do.
    pub(super) fn forget_capabilities(&mut self) {
        self.fresh = false;
        self.capabilities = None;
        self.mode.literals = crate::Literals::Synchronizing;
    }

    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        let limits = &self.config.limits;
        let before = state == State::NotAuthenticated;
        self.framer.set_limits(if before { limits.frame_before_login } else { limits.frame });
    }

    pub(super) fn know(&mut self, capabilities: Capabilities) {
        let capabilities = self
            .distrusted
            .iter()
            .fold(capabilities, |capabilities, extension| capabilities.without(*extension));
        self.mode.literals = capabilities.literals();
        self.capabilities = Some(capabilities);
        self.fresh = true;
    }

    /// What a response code changes.
    fn code(&mut self, code: Option<&Code>) {
        if let Some(Code::Capability(list)) = code {
            self.know(Capabilities::from(list));
        }
    }

    fn untagged(&mut self, untagged: Untagged) {
        match &untagged {
            Untagged::Capability(list) => self.know(Capabilities::from(list)),
            Untagged::Enabled(list) => self.enabled(&Capabilities::from(list)),
            Untagged::Status(status) => {
                self.code(status.code.as_ref());
                if status.status == Status::Bye {
                    self.state = State::Logout;
                }
            }
            _ => {}
        }
        let to = self.flight.iter().find(|flight| flight.awaits(&untagged)).map(|flight| flight.id);
        self.events.push_back(Event::Untagged { to, response: Box::new(untagged) });
    }

    /// The grammar changes, as far as it was asked for: a server that enables anything else is not believed.
    fn enabled(&mut self, told: &Capabilities) {
        let asked = |extension| {
            told.lists(extension) && self.flight.iter().any(|flight| flight.enables.contains(&extension))
        };
        let (rev2, utf8) = (asked(Extension::Imap4Rev2), asked(Extension::Utf8Accept));
        let (condstore, qresync) = (asked(Extension::CondStore), asked(Extension::Qresync));
        let uidonly = asked(Extension::UidOnly);
        self.mode.rev2 |= rev2;
        self.mode.utf8 |= utf8;
        // RFC 7162 s 3.2.3: QRESYNC brings CONDSTORE with it.
        self.mode.condstore |= condstore || qresync;
        self.mode.qresync |= qresync;
        self.mode.uidonly |= uidonly;
    }

    fn continuation(&mut self, continuation: Continuation) -> Result<(), Error> {
        if let Some(partial) = &mut self.writing
            && partial.waits()
        {
            partial.go_on();
            self.pump();
        } else if self.sasl.is_some() {
            // A code is no base64.
            let text = continuation.code.is_none().then(|| continuation.text.as_bytes());
            return self.challenge(text);
        } else if let Idle::Asked { end } = self.idle {
            self.idle = Idle::Idling;
            if end {
                self.end_idle();
            } else if let Some(idle) = self.flight.iter().find(|flight| flight.kind == Kind::Idle) {
                self.events.push_back(Event::Idling(idle.id));
            }
        } else {
            self.events.push_back(Event::StrayContinuation(continuation));
        }
        Ok(())
    }

    fn challenge(&mut self, text: Option<&[u8]>) -> Result<(), Error> {
        let Some(sasl) = &mut self.sasl else { return Ok(()) };
        if sasl.cancelled {
            return Err(peer(Peer::TooManyChallenges));
        }
        sasl.challenges = sasl.challenges.saturating_add(1);
        if sasl.challenges > self.config.challenges {
            return Err(peer(Peer::TooManyChallenges));
        }
        // RFC 9051 s 6.2.2: base64, and what is none cancels the exchange.
        let challenge = text.and_then(|text| base64::decode(text).ok());
        let answer = challenge.map(|challenge| sasl.exchange.step(&challenge));
        match answer {
            Some(Ok(response)) => {
                base64::encode(response.expose(), &mut self.output);
                self.output.extend_from_slice(b"\r\n");
            }
            Some(Err(error)) => {
                sasl.fault = Some(error);
                sasl.cancelled = true;
                self.output.extend_from_slice(b"*\r\n");
            }
            None => {
                sasl.cancelled = true;
                self.output.extend_from_slice(b"*\r\n");
            }
        }
        Ok(())
    }

    fn tagged(&mut self, tag: &Tag, status: StatusResponse, input: &BytesMut) -> Result<(), Error> {
        let place = self.flight.iter().position(|flight| flight.tag() == tag.as_bytes());
        // Answered before it is asked: put there by somebody, or out of step.
        let Some(place) = place else { return Err(peer(Peer::UnknownTag)) };
        let flight = self.flight.remove(place);
        (self.octets, self.streamed) = (0, 0);
        let sent = match &mut self.writing {
            Some(partial) if partial.id == flight.id => {
                // RFC 9051 s 4.3: who waits for "+" is told no, and the literal is not sent. Octets that do not wait go on.
                if !partial.is_owed() {
                    self.writing = None;
                } else {
                    partial.forsake();
                }
                Sent::Partly
            }
            _ => Sent::Whole,
        };
        self.code(status.code.as_ref());
        let is_ok = status.status == Status::Ok;
        let completed = Completed { id: flight.id, status, sent };
        // What is said to half a command is no success.
        let is_done = is_ok && sent == Sent::Whole;
        match flight.kind {
            Kind::Capability if matches!(self.stage, Stage::Asking(_)) && flight.own => {
                if let Stage::Asking(then) = std::mem::replace(&mut self.stage, Stage::Ready) {
                    // A server that does not say is a server that can do nothing.
                    if !self.fresh {
                        self.know(Capabilities::default());
                    }
                    self.ask(*then);
                }
                return Ok(());
            }
            Kind::StartTls if is_ok => {
                // RFC 9051 s 6.2.1: the handshake begins behind the CRLF. What stands there in the clear was put there.
                if !input.is_empty() {
                    return Err(peer(Peer::PlaintextAfterStartTls));
                }
                self.stage = Stage::Tls;
                self.events.push_back(Event::TlsReady);
                return Ok(());
            }
            Kind::StartTls => {
                self.events.push_back(Event::TlsRefused(completed));
                self.pump();
                return Ok(());
            }
            Kind::Compress if is_ok => {
                self.stage = Stage::Compression;
                self.events.push_back(Event::CompressionReady);
                return Ok(());
            }
            Kind::Login | Kind::Authenticate => {
                let sasl = self.sasl.take();
                if is_ok && !is_done {
                    return Err(peer(Peer::EarlySuccess));
                }
                if let Some(mut sasl) = sasl {
                    if let Some(fault) = sasl.fault {
                        self.events.push_back(Event::AuthRefused { completed, fault: Some(fault) });
                        return if is_ok {
                            Err(Error::Sasl(fault))
                        } else {
                            self.pump();
                            Ok(())
                        };
                    }
                    if is_ok {
                        if sasl.cancelled {
                            return Err(peer(Peer::EarlySuccess));
                        }
                        sasl.exchange.succeed().map_err(Error::Sasl)?;
                    }
                }
                if !is_ok {
                    self.events.push_back(Event::AuthRefused { completed, fault: None });
                    self.pump();
                    return Ok(());
                }
                self.enter(State::Authenticated);
                // RFC 9051 s 6.2.2: they may be others now.
                self.ask(Ask::Authenticated(completed));
                return Ok(());
            }
            Kind::Select => {
                // RFC 9051 s 6.3.2: a SELECT that fails leaves none selected.
                self.enter(if is_done { State::Selected } else { State::Authenticated });
            }
            Kind::Unselect if is_done => self.enter(State::Authenticated),
            Kind::Unauthenticate if is_done => {
                self.mode = Mode::new(self.config.profile);
                self.forget_capabilities();
                self.enter(State::NotAuthenticated);
            }
            Kind::Idle => self.idle = Idle::Not,
            Kind::Logout if is_done => self.state = State::Logout,
            _ => {}
        }
        self.events.push_back(Event::Completed(completed));
        self.pump();
        Ok(())
    }

    /// What the log-in forgets: only what is told while it goes on is believed behind it.
    pub(super) fn await_capabilities(&mut self) {
        self.fresh = false;
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

    fn output_limit(&self) -> usize {
        usize::MAX
    }

    fn phase(&self) -> Phase {
        if self.streaming.is_some() { Phase::Bulk } else { Phase::Dialogue }
    }
}

pub(super) fn peer(fault: Peer) -> Error {
    Error::Peer(fault)
}

pub(super) fn misuse<T>(misuse: Misuse) -> Result<T, Error> {
    Err(Error::Misuse(misuse))
}
