use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};
use mail46_wire::{DotDecoder, DotEvent, LineReader, Phase, Step, base64};
use zeroize::Zeroizing;

use super::{Config, Error, Event, Misuse, PeerMisbehaved};
use crate::{
    Capabilities, Capability, CapabilityKind, Command, DropListing, MessageNumber, Reply, ScanListing,
    Timestamp, UidListing, Verb,
};

/// RFC 2449 s 4, CRLF included: RFC 5034 s 4 forbids an initial response that breaks it.
pub(super) const COMMAND_LINE: usize = 255;

/// One POP3 session, seen from the client: octets in, events out, octets out.
///
/// It asks for the capabilities by itself: behind the greeting, behind TLS, and behind the log-in. Verbs may run ahead of the
/// replies; their commands go out at once if the server says PIPELINING, else one after the other. A reply that nothing asked
/// for ends the session.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_pop3::client::{Config, Connection, Event};
/// use mail46_pop3::MessageNumber;
/// use mail46_wire::Step;
///
/// let mut client = Connection::new(Config::default());
/// client.set_implicit_tls();
/// let mut input = BytesMut::from("+OK ready\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::WantsInput));
/// assert_eq!(client.output().split(), "CAPA\r\n");
/// input.extend_from_slice(b"-ERR what?\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::Event(Event::Ready)));
/// client.log_in("mrose", &"tanstaaf".into())?;
/// input.extend_from_slice(b"+OK\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::WantsInput));
/// assert_eq!(client.output().split(), "USER mrose\r\nPASS tanstaaf\r\n");
/// input.extend_from_slice(b"+OK 1 message\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::Event(Event::Authenticated(_))));
/// client.retr(MessageNumber::FIRST)?;
/// input.extend_from_slice(b"+OK\r\n..hidden\r\n.\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::Event(Event::MessageBegin(_))));
/// let Step::Event(Event::Data(text)) = client.next(&mut input)? else { panic!() };
/// assert_eq!(text, ".hidden\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::Event(Event::MessageEnd { octets: 9 })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(super) config: Config,
    pub(super) lines: LineReader,
    pub(super) output: BytesMut,
    /// What replies are owed to us, in order.
    pub(super) awaited: VecDeque<Awaited>,
    /// What is not sent yet.
    pub(super) queue: VecDeque<Queued>,
    pub(super) inside: Inside,
    pub(super) state: State,
    pub(super) capabilities: Option<Capabilities>,
    pub(super) gathered: Capabilities,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) tls: bool,
    /// UTF8 was sent.
    pub(super) utf8: bool,
    pub(super) authenticated: bool,
    /// USER was refused: the reply to PASS, which is on its way, says nothing new.
    pub(super) user_refused: bool,
    /// The success of the log-in, until the capabilities are read again.
    pub(super) welcome: Option<Reply>,
    pub(super) held_response: Option<Zeroizing<Vec<u8>>>,
    pub(super) challenges: u32,
    pub(super) farewell: Option<Reply>,
}

pub(super) struct Queued {
    pub(super) line: Zeroizing<Vec<u8>>,
    pub(super) awaited: Awaited,
}

impl std::fmt::Debug for Queued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.awaited.fmt(f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Greeting,
    Single(Verb),
    Listing(Verb),
    Message(Verb),
    /// The one line of `LIST msg` or `UIDL msg`.
    Line(Verb, MessageNumber),
}

impl Awaited {
    pub(super) fn verb(self) -> Verb {
        match self {
            Self::Greeting => Verb::Other,
            Self::Single(verb) | Self::Listing(verb) | Self::Message(verb) | Self::Line(verb, _) => verb,
        }
    }
}

/// What the next octets belong to.
#[derive(Debug)]
pub(super) enum Inside {
    Replies,
    Listing(Verb, usize),
    Message(DotDecoder),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Opening,
    Ready,
    Handshake,
    Challenged,
    Unwelcome,
    Closed,
}

impl Connection {
    /// A session that awaits the server's greeting.
    pub fn new(config: Config) -> Self {
        Self {
            lines: LineReader::new(config.limits.line),
            config,
            output: BytesMut::new(),
            awaited: VecDeque::from([Awaited::Greeting]),
            queue: VecDeque::new(),
            inside: Inside::Replies,
            state: State::Opening,
            capabilities: None,
            gathered: Capabilities::default(),
            timestamp: None,
            tls: false,
            utf8: false,
            authenticated: false,
            user_refused: false,
            welcome: None,
            held_response: None,
            challenges: 0,
            farewell: None,
        }
    }

    /// The next thing that `input` tells. Takes off it what was understood.
    ///
    /// # Errors
    /// [`Error::Peer`] when the server broke the protocol: close. A message whose [`Event::MessageEnd`] has not come is none.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        loop {
            if let Some(reply) = &self.farewell {
                return Ok(Step::Event(Event::Closed(reply.clone())));
            }
            if self.state == State::Handshake {
                return Ok(Step::Paused);
            }
            if let Inside::Message(decoder) = &mut self.inside {
                let Some(event) = decoder.next(input) else { return Ok(Step::WantsInput) };
                let octets = decoder.octets();
                if octets > self.config.limits.message {
                    return Err(peer(PeerMisbehaved::MessageTooBig(self.config.limits.message)));
                }
                return Ok(Step::Event(match event {
                    DotEvent::Data(data) => Event::Data(data),
                    DotEvent::End(Err(fault)) => return Err(peer(PeerMisbehaved::BadMessage(fault))),
                    DotEvent::End(Ok(())) => {
                        self.inside = Inside::Replies;
                        self.in_step(input, false)?;
                        self.pump();
                        Event::MessageEnd { octets }
                    }
                }));
            }
            if self.awaited.is_empty() && matches!(self.inside, Inside::Replies) {
                // Nothing is owed to us, and yet something is there: put there by somebody, or out of step.
                return if input.is_empty() {
                    Ok(Step::Paused)
                } else {
                    Err(peer(PeerMisbehaved::UnsolicitedReply))
                };
            }
            let line = match self.lines.next(input) {
                None => return Ok(Step::WantsInput),
                Some(line) => line.map_err(|fault| peer(PeerMisbehaved::BadLine(fault)))?,
            };
            let event = match self.inside {
                Inside::Listing(verb, count) => self.listed(verb, count, &line, input)?,
                _ => self.reply(&line, input)?,
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

    /// How long to wait for the next event at most.
    pub fn timeout(&self) -> Duration {
        match self.inside {
            Inside::Message(_) => self.config.timeouts.message_block,
            _ => self.config.timeouts.reply,
        }
    }

    /// What the server said last that it can do; `None` if it does not know CAPA, and is to be tried (RFC 2449 s 5).
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Whether the server says that it can do this.
    pub fn offers(&self, kind: CapabilityKind) -> bool {
        self.capabilities.as_ref().is_some_and(|capabilities| capabilities.has(kind))
    }

    /// The greeting's timestamp, if it has a proper one: APOP may be tried.
    pub fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref()
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether the maildrop is open.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether what is said now may hold a secret.
    pub fn is_authenticating(&self) -> bool {
        let secret = |awaited: &Awaited| matches!(awaited.verb(), Verb::Auth | Verb::Pass | Verb::Apop);
        self.state == State::Challenged || self.awaited.iter().any(secret)
    }
}

impl Connection {
    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Ready && self.outstanding() == 0
    }

    pub(super) fn may_log_in(&self) -> Result<(), Error> {
        if self.authenticated || !self.is_idle() { misuse(Misuse::WrongVerb) } else { Ok(()) }
    }

    pub(super) fn ends_with(&self, verbs: &[Verb]) -> bool {
        let last = self.queue.back().map(|queued| queued.awaited).or_else(|| self.awaited.back().copied());
        last.is_some_and(|last| verbs.contains(&last.verb()))
    }

    /// RFC 6856 s 2.2: only to a server that says `UTF8 USER`.
    pub(super) fn may_name(&self, words: &[&[u8]]) -> Result<(), Error> {
        let takes_utf8 = self.capabilities.as_ref().is_some_and(Capabilities::takes_utf8_users);
        if takes_utf8 || words.iter().all(|word| word.is_ascii()) {
            Ok(())
        } else {
            misuse(Misuse::NeedsUtf8)
        }
    }

    pub(super) fn say<B: AsRef<[u8]>>(
        &mut self,
        command: &Command<B>,
        awaited: Awaited,
    ) -> Result<(), Error> {
        let line = line(command)?;
        self.enqueue(line, awaited);
        Ok(())
    }

    pub(super) fn enqueue(&mut self, line: Zeroizing<Vec<u8>>, awaited: Awaited) {
        self.queue.push_back(Queued { line, awaited });
        self.pump();
    }

    /// Sends what may be sent: without PIPELINING one command at a time.
    pub(super) fn pump(&mut self) {
        let window = if self.offers(CapabilityKind::Pipelining) { self.config.window.max(1) } else { 1 };
        while self.awaited.len().saturating_add(usize::from(!matches!(self.inside, Inside::Replies))) < window
        {
            let Some(queued) = self.queue.pop_front() else { return };
            self.output.extend_from_slice(&queued.line);
            self.awaited.push_back(queued.awaited);
        }
    }

    pub(super) fn ask_capabilities(&mut self) -> Result<(), Error> {
        self.state = State::Opening;
        self.capabilities = None;
        self.say(&Command::<Bytes>::Capa, Awaited::Listing(Verb::Capa))
    }

    /// Behind the last reply that is owed nothing may stand.
    fn in_step(&self, input: &BytesMut, tls: bool) -> Result<(), Error> {
        if self.awaited.is_empty() && !input.is_empty() {
            return Err(peer(if tls {
                PeerMisbehaved::PlaintextAfterStls
            } else {
                PeerMisbehaved::UnsolicitedReply
            }));
        }
        Ok(())
    }

    fn reply(&mut self, line: &Bytes, input: &BytesMut) -> Result<Option<Event>, Error> {
        let Some(awaited) = self.awaited.pop_front() else {
            return Err(peer(PeerMisbehaved::UnsolicitedReply));
        };
        if awaited == Awaited::Single(Verb::Auth) && line.starts_with(b"+") && !line.starts_with(b"+OK") {
            if !input.is_empty() {
                return Err(peer(PeerMisbehaved::UnsolicitedReply));
            }
            return self.challenge(line);
        }
        let reply = Reply::parse(line).ok_or_else(|| peer(PeerMisbehaved::NotAReply))?.in_frame(line);
        let many = reply.is_ok() && matches!(awaited, Awaited::Listing(_) | Awaited::Message(_));
        if !many {
            let tls = awaited == Awaited::Single(Verb::Stls) && reply.is_ok();
            self.in_step(input, tls)?;
        }
        let event = self.answer(awaited, reply)?;
        // Only now: a PASS behind a refused USER is not sent any more.
        self.pump();
        Ok(event)
    }

    fn answer(&mut self, awaited: Awaited, reply: Reply) -> Result<Option<Event>, Error> {
        let verb = awaited.verb();
        Ok(match awaited {
            Awaited::Greeting if reply.is_ok() => {
                self.timestamp = Timestamp::find(reply.line()).map(|timestamp| timestamp.to_owned());
                self.ask_capabilities()?;
                None
            }
            Awaited::Greeting => {
                self.state = State::Unwelcome;
                Some(Event::Unwelcome(reply))
            }
            Awaited::Listing(Verb::Capa) if !reply.is_ok() => {
                self.capabilities = None;
                Some(self.capabilities_known())
            }
            Awaited::Listing(verb) if reply.is_ok() => {
                self.gathered = Capabilities::default();
                self.inside = Inside::Listing(verb, 0);
                None
            }
            Awaited::Message(_) if reply.is_ok() => {
                self.inside = Inside::Message(DotDecoder::new(self.config.bare_newline));
                Some(Event::MessageBegin(reply))
            }
            Awaited::Line(_, asked) if reply.is_ok() => {
                let text = Bytes::copy_from_slice(reply.line());
                let event = self.listing_line(verb, &text)?;
                match &event {
                    Event::Scan(ScanListing { message, .. })
                    | Event::UniqueId(UidListing { message, .. })
                        if *message != asked =>
                    {
                        return Err(peer(PeerMisbehaved::BadListing(verb)));
                    }
                    _ => Some(event),
                }
            }
            Awaited::Single(Verb::Stat) if reply.is_ok() => {
                let stat = DropListing::parse(reply.line());
                Some(Event::Stat(stat.ok_or_else(|| peer(PeerMisbehaved::BadListing(Verb::Stat)))?))
            }
            Awaited::Single(Verb::Stls) if reply.is_ok() => {
                self.state = State::Handshake;
                Some(Event::TlsReady)
            }
            Awaited::Single(Verb::Stls) => Some(Event::TlsRefused(reply)),
            Awaited::Single(Verb::User) if reply.is_ok() => None,
            Awaited::Single(Verb::User) => {
                // PASS is on its way, or is not sent any more.
                let before = self.queue.len();
                self.queue.retain(|queued| queued.awaited != Awaited::Single(Verb::Pass));
                self.user_refused = before == self.queue.len();
                Some(Event::AuthRefused(reply))
            }
            Awaited::Single(Verb::Pass) if self.user_refused => {
                self.user_refused = false;
                // A server that lets somebody in whom it refused is not to be believed.
                if reply.is_ok() {
                    return Err(peer(PeerMisbehaved::UnsolicitedReply));
                }
                None
            }
            Awaited::Single(Verb::Pass | Verb::Apop | Verb::Auth) => {
                self.lines.set_limit(self.config.limits.line);
                self.held_response = None;
                if !reply.is_ok() {
                    return Ok(Some(Event::AuthRefused(reply)));
                }
                self.authenticated = true;
                // A server that did not know CAPA before does not know it now.
                if self.capabilities.is_none() {
                    return Ok(Some(Event::Authenticated(reply)));
                }
                self.welcome = Some(reply);
                self.ask_capabilities()?;
                None
            }
            Awaited::Single(Verb::Quit) => {
                self.state = State::Closed;
                self.farewell = Some(reply);
                None
            }
            _ => Some(Event::Reply { to: verb, reply }),
        })
    }

    /// Ends the opening, or tells of the log-in, or answers a CAPA that was sent by hand.
    fn capabilities_known(&mut self) -> Event {
        let opening = self.state == State::Opening;
        self.state = State::Ready;
        match self.welcome.take() {
            Some(reply) => Event::Authenticated(reply),
            None if opening => Event::Ready,
            None => Event::ListingEnd(Verb::Capa),
        }
    }

    fn challenge(&mut self, line: &[u8]) -> Result<Option<Event>, Error> {
        self.challenges = self.challenges.saturating_add(1);
        if self.challenges > self.config.challenges {
            return Err(peer(PeerMisbehaved::TooManyChallenges));
        }
        // RFC 5034 s 5: "+" SP [base64]. A "+" alone, without the space, is sent by some servers for an empty challenge.
        let text = line.get(1..).unwrap_or_default();
        let decoded = match text {
            [] => Ok(Zeroizing::default()),
            [b' ', text @ ..] => base64::decode(text),
            _ => return Err(peer(PeerMisbehaved::NotAReply)),
        };
        let Ok(octets) = decoded else {
            // RFC 5034 s 4: "it MUST cancel the authentication using the "*" response".
            self.give_up_auth();
            return Ok(None);
        };
        self.state = State::Challenged;
        if let Some(held) = self.held_response.take() {
            if octets.is_empty() {
                self.respond(&held)?;
            } else {
                self.give_up_auth();
            }
            return Ok(None);
        }
        Ok(Some(Event::Challenge(octets)))
    }

    pub(super) fn give_up_auth(&mut self) {
        self.state = State::Ready;
        self.output.extend_from_slice(b"*\r\n");
        self.awaited.push_back(Awaited::Single(Verb::Auth));
    }

    /// One line of a listing.
    fn listed(
        &mut self,
        verb: Verb,
        count: usize,
        line: &Bytes,
        input: &BytesMut,
    ) -> Result<Option<Event>, Error> {
        if line.as_ref() == b"." {
            self.inside = Inside::Replies;
            self.in_step(input, false)?;
            let event = if verb == Verb::Capa {
                self.capabilities = Some(std::mem::take(&mut self.gathered));
                self.capabilities_known()
            } else {
                Event::ListingEnd(verb)
            };
            self.pump();
            return Ok(Some(event));
        }
        // RFC 1939 s 3: "If any line of the multi-line response begins with the termination octet, the line is byte-stuffed".
        let line = if line.starts_with(b".") { line.slice(1..) } else { line.clone() };
        let limit =
            if verb == Verb::Capa { self.config.limits.capabilities } else { self.config.limits.entries };
        if count >= limit {
            return Err(peer(PeerMisbehaved::TooManyLines(limit)));
        }
        self.inside = Inside::Listing(verb, count.saturating_add(1));
        if verb == Verb::Capa {
            // A line that is no capability tells nothing.
            if let Ok(capability) = Capability::parse(&line) {
                self.gathered.push(capability.in_frame(&line));
            }
            return Ok(None);
        }
        self.listing_line(verb, &line).map(Some)
    }

    fn listing_line(&self, verb: Verb, line: &Bytes) -> Result<Event, Error> {
        let event = match verb {
            Verb::List => ScanListing::parse(line).map(|scan| Event::Scan(scan.in_frame(line))),
            Verb::Uidl => UidListing::parse(line).map(|uid| Event::UniqueId(uid.in_frame(line))),
            _ => Some(Event::Line(line.clone())),
        };
        event.ok_or_else(|| peer(PeerMisbehaved::BadListing(verb)))
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
        match self.inside {
            Inside::Message(_) => Phase::Bulk,
            _ => Phase::Dialogue,
        }
    }
}

/// A command as it is sent.
pub(super) fn line<B: AsRef<[u8]>>(command: &Command<B>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut line = BytesMut::new();
    command.write(&mut line);
    let line = Zeroizing::new(Vec::from(line));
    if line.len() > COMMAND_LINE { misuse(Misuse::Unwritable) } else { Ok(line) }
}

fn peer(fault: PeerMisbehaved) -> Error {
    Error::Peer(fault)
}

pub(super) fn misuse<T>(misuse: Misuse) -> Result<T, Error> {
    Err(Error::Misuse(misuse))
}
