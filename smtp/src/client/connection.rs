use std::{collections::VecDeque, time::Duration};

use bytes::{Buf, BytesMut};
use mail46_wire::{DotEncoder, Phase, base64};
use zeroize::Zeroizing;

use super::envelope::Transfer;
use super::transaction::{Content, Step, Transaction};
use super::{Config, Error, Event, Outcome, PeerMisbehaved, Stage};
use crate::server::Dialect;
use crate::{Chunk, Command, ExtensionKind, Extensions, Reply, ReplyReader, Verb};

/// One SMTP or LMTP session, seen from the client: octets in, events out, octets out.
///
/// It greets by itself: on the server's 220 it says EHLO (LHLO), and HELO where EHLO is not known. With PIPELINING a
/// whole envelope goes in one flight, and with CHUNKING a message that is not too long goes in the same one. A reply
/// that nothing asked for ends the session.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_smtp::client::{Config, Connection, Envelope, Event};
/// use mail46_wire::Step;
///
/// let mut client = Connection::new(Config::new("client.example".parse()?));
/// let mut input = BytesMut::from("220 mx.example ESMTP\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::WantsInput));
/// assert_eq!(client.output().split(), "EHLO client.example\r\n");
///
/// input.extend_from_slice(b"250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
/// assert!(matches!(client.next(&mut input)?, Step::Event(Event::Ready)));
///
/// let from: mail46_smtp::Mailbox = "a@example.org".parse()?;
/// client.mail(&Envelope::new(from, ["b@example.net".parse()?]).with_size(4))?;
/// assert!(matches!(client.next(&mut input)?, Step::Event(Event::SendData)));
/// client.data(b"hi\r\n")?;
/// client.finish_data()?;
/// // One flight, one round trip:
/// let flight = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nBDAT 4 LAST\r\nhi\r\n";
/// assert_eq!(client.output().split(), flight);
///
/// input.extend_from_slice(b"250 ok\r\n250 ok\r\n250 2.0.0 queued\r\n");
/// let Step::Event(Event::Done(outcomes)) = client.next(&mut input)? else { panic!() };
/// assert!(outcomes[0].is_accepted());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(super) config: Config,
    pub(super) replies: ReplyReader,
    pub(super) output: BytesMut,
    /// What replies are owed to us, in order (RFC 2920 s 3.1).
    pub(super) awaited: VecDeque<Awaited>,
    pub(super) state: State,
    pub(super) extensions: Option<Extensions>,
    pub(super) tls: bool,
    pub(super) authenticated: bool,
    pub(super) transaction: Option<Transaction>,
    pub(super) encoder: DotEncoder,
    /// An initial response that did not fit the AUTH line.
    pub(super) held_response: Option<Zeroizing<Vec<u8>>>,
    pub(super) challenges: u32,
    /// `*` was said, and its refusal is awaited.
    pub(super) gave_up: bool,
    /// The last transaction failed in a way that only RSET clears.
    pub(super) needs_reset: bool,
    pub(super) sent: u64,
    /// The 421, or the reply to QUIT.
    pub(super) farewell: Option<Reply>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Quit,
    Other(Verb),
    Envelope(Step),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Before the extensions are known.
    Opening,
    Ready,
    /// 220 to STARTTLS came; the handshake is the driver's.
    Handshake,
    /// A challenge is to be answered.
    Challenged,
    /// The server does not want us.
    Unwelcome,
    Closed,
}

impl Connection {
    /// A session that awaits the server's greeting.
    pub fn new(config: Config) -> Self {
        Self {
            encoder: DotEncoder::new(config.bare_newline),
            config,
            replies: ReplyReader::default(),
            output: BytesMut::new(),
            awaited: VecDeque::from([Awaited::Greeting]),
            state: State::Opening,
            extensions: None,
            tls: false,
            authenticated: false,
            transaction: None,
            held_response: None,
            challenges: 0,
            gave_up: false,
            needs_reset: false,
            sent: 0,
            farewell: None,
        }
    }

    /// The next thing that `input` tells. Takes off it what was understood.
    ///
    /// # Errors
    /// [`Error::Peer`] when the server broke the protocol: close, and ask [`connection_lost`](Self::connection_lost)
    /// what became of the recipients.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<mail46_wire::Step<Event>, Error> {
        use mail46_wire::Step;
        loop {
            if let Some(event) = self.spontaneous() {
                return Ok(Step::Event(event));
            }
            if self.awaited.is_empty() && input.is_empty() || self.state == State::Handshake {
                return Ok(Step::Paused);
            }
            let reply = match self.replies.next(input) {
                None if self.awaited.is_empty() => return Ok(Step::Paused),
                None => return Ok(Step::WantsInput),
                Some(Err(fault)) => return Err(Error::Peer(PeerMisbehaved::BadReply(fault))),
                Some(Ok(reply)) => reply,
            };
            // RFC 5321 s 3.8: 421 may come at any time, asked for or not.
            if reply.code() == 421 {
                return Ok(Step::Event(self.shut_down(reply)));
            }
            let Some(awaited) = self.awaited.pop_front().or_else(|| self.cut_off(&reply)) else {
                return Err(Error::Peer(PeerMisbehaved::UnsolicitedReply));
            };
            // Nothing more is owed to us, and yet something more is there: put there by somebody, or out of step. What
            // may still be right is a 421 on its way.
            if self.awaited.is_empty() && !input.is_empty() && !may_be_421(input) {
                let injected = awaited == Awaited::StartTls && reply.code().is_completion();
                return Err(Error::Peer(if injected {
                    PeerMisbehaved::PlaintextAfterStartTls
                } else {
                    PeerMisbehaved::UnsolicitedReply
                }));
            }
            if let Some(event) = self.answer(awaited, reply, input)? {
                return Ok(Step::Event(event));
            }
        }
    }

    /// What is to be written. The driver takes off what it wrote.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// How long to wait for the next event at most (RFC 5321 s 4.5.3.2).
    pub fn timeout(&self) -> Duration {
        let timeouts = &self.config.timeouts;
        if self.is_sending() {
            return timeouts.data_block;
        }
        match self.awaited.front() {
            Some(Awaited::Greeting) => timeouts.greeting,
            Some(Awaited::Envelope(Step::Mail)) => timeouts.mail,
            Some(Awaited::Envelope(Step::Rcpt(_))) => timeouts.rcpt,
            Some(Awaited::Envelope(Step::Data)) => timeouts.data_initiation,
            Some(Awaited::Envelope(Step::Chunk)) => timeouts.data_block,
            Some(Awaited::Envelope(Step::Message(_))) => timeouts.data_termination,
            _ => timeouts.other,
        }
    }

    /// What the server offers, as its last EHLO reply said; `None` before it and after HELO.
    pub fn extensions(&self) -> Option<&Extensions> {
        self.extensions.as_ref()
    }

    /// Whether the server offers this.
    pub fn offers(&self, extension: ExtensionKind) -> bool {
        self.extensions.as_ref().is_some_and(|extensions| extensions.has(extension))
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether AUTH succeeded.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether what is said now may hold a secret.
    pub fn is_authenticating(&self) -> bool {
        self.state == State::Challenged || self.awaited.contains(&Awaited::Auth)
    }

    /// The connection broke: what became of each recipient of the present transaction, if there is one.
    pub fn connection_lost(&mut self) -> Option<Vec<Outcome>> {
        self.state = State::Closed;
        self.awaited.clear();
        let mut transaction = self.transaction.take()?;
        // The end of the message is on its way once the driver has taken all of the output.
        let whole = transaction.content == Content::Over && self.output.is_empty();
        transaction.lose(whole);
        // What is not answered yet went in the same flight.
        Some(transaction.into_outcomes(if whole { &Outcome::Ambiguous } else { &Outcome::Lost }))
    }
}

impl Connection {
    fn is_sending(&self) -> bool {
        let wanted = |transaction: &Transaction| matches!(transaction.content, Content::Wanted { .. });
        self.transaction.as_ref().is_some_and(wanted)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Ready && self.transaction.is_none() && self.awaited.is_empty()
    }

    pub(super) fn write(&mut self, command: &Command, awaited: Awaited) {
        command.write(&mut self.output);
        self.awaited.push_back(awaited);
    }

    pub(super) fn say_ehlo(&mut self) {
        self.state = State::Opening;
        self.extensions = None;
        self.authenticated = false;
        self.needs_reset = false;
        let host = self.config.host.clone();
        match self.config.dialect {
            Dialect::Smtp => self.write(&Command::Ehlo(host), Awaited::Ehlo),
            Dialect::Lmtp => self.write(&Command::Lhlo(host), Awaited::Ehlo),
        }
    }

    /// Sends what may be sent of the envelope: all of it with PIPELINING (RFC 2920 s 3.1), else a line at a time.
    pub(super) fn pump(&mut self) {
        let pipelining = self.offers(ExtensionKind::Pipelining);
        let Some(transaction) = &mut self.transaction else { return };
        while pipelining || self.awaited.is_empty() {
            // RFC 2920 s 3.1: one DATA too many costs a lone dot; without pipelining it need not be sent at all.
            let Some((line, step)) = transaction.next_line() else { return };
            self.output.extend_from_slice(&line);
            match (step, transaction.transfer, self.config.dialect) {
                // RFC 2033 s 4.3: a reply for each recipient that was accepted.
                (Step::Message(_), Transfer::Chunks, Dialect::Lmtp) => {
                    let each = transaction.accepted().map(|index| Step::Message(Some(index)));
                    self.awaited.extend(each.map(Awaited::Envelope));
                }
                _ => self.awaited.push_back(Awaited::Envelope(step)),
            }
            if let (Step::Message(_), Transfer::Chunk { size, .. }) = (step, transaction.transfer) {
                transaction.content = Content::Wanted { left: Some(size), begun: false };
            }
        }
    }

    /// What is to be told without any octet from the server.
    fn spontaneous(&mut self) -> Option<Event> {
        let Some(transaction) = &mut self.transaction else {
            if self.state == State::Closed {
                return self.farewell.clone().map(Event::Closed);
            }
            return None;
        };
        if let Content::Wanted { left, begun: false } = transaction.content {
            transaction.content = Content::Wanted { left, begun: true };
            return Some(Event::SendData);
        }
        let over = self.awaited.is_empty() && transaction.is_sent();
        match transaction.content {
            Content::NotYet
                if over && transaction.transfer != Transfer::Data && transaction.has_accepted() =>
            {
                // The envelope is answered, and the chunk was not in its flight.
                let left = match transaction.transfer {
                    Transfer::Chunk { size, .. } => Some(size),
                    Transfer::Data | Transfer::Chunks => None,
                };
                if let Some(size) = left {
                    Command::<bytes::Bytes>::Bdat { size, chunk: Chunk::Last }.write(&mut self.output);
                }
                transaction.content = Content::Wanted { left, begun: true };
                Some(Event::SendData)
            }
            Content::NotYet | Content::Over | Content::Cut if over => Some(self.done()),
            _ => None,
        }
    }

    fn done(&mut self) -> Event {
        let Some(transaction) = self.transaction.take() else { return Event::Done(Vec::new()) };
        let outcomes = transaction.into_outcomes(&Outcome::Lost);
        // An open transaction without a message, or a failed chunk (RFC 3030 s 2), is cleared before the next MAIL.
        self.needs_reset = !outcomes.iter().any(Outcome::is_accepted);
        Event::Done(outcomes)
    }

    fn shut_down(&mut self, reply: Reply) -> Event {
        self.state = State::Closed;
        let at = match self.awaited.front() {
            Some(Awaited::Envelope(Step::Rset | Step::Mail)) => Stage::Mail,
            _ => Stage::Rcpt,
        };
        self.awaited.clear();
        self.farewell = Some(reply.clone());
        let Some(mut transaction) = self.transaction.take() else { return Event::Closed(reply) };
        // The 421 is the server's word on the message, whatever was sent of it: not delivered.
        if transaction.content == Content::NotYet {
            transaction.refuse_data(&reply);
        } else {
            transaction.answer_message(None, &reply);
        }
        Event::Done(transaction.into_outcomes(&Outcome::Refused { at, reply }))
    }

    /// A refusal that comes while the message is being sent, before its reply is awaited.
    fn cut_off(&self, reply: &Reply) -> Option<Awaited> {
        let refusal = !reply.code().is_completion() && !reply.code().is_intermediate();
        (refusal && self.is_sending()).then_some(Awaited::Envelope(Step::Message(None)))
    }

    /// Takes one reply in.
    fn answer(
        &mut self,
        awaited: Awaited,
        reply: Reply,
        input: &mut BytesMut,
    ) -> Result<Option<Event>, Error> {
        let code = reply.code();
        let verb = verb_of(awaited, self.config.dialect);
        // 3xx answers nothing but DATA and AUTH.
        if code.is_intermediate() && !matches!(awaited, Awaited::Envelope(Step::Data) | Awaited::Auth) {
            return Err(wrong(verb, &reply));
        }
        match awaited {
            Awaited::Greeting if code.is_completion() => self.say_ehlo(),
            Awaited::Greeting => return Ok(Some(self.unwelcome(reply))),
            Awaited::Ehlo if code.is_completion() => {
                self.extensions = Extensions::from_reply(reply);
                self.state = State::Ready;
                return Ok(Some(Event::Ready));
            }
            // RFC 5321 s 3.2: a server without EHLO says 500 or 502; LMTP has nothing to fall back to.
            Awaited::Ehlo if code.is_permanent() && self.config.dialect == Dialect::Smtp => {
                let host = self.config.host.clone();
                self.write(&Command::Helo(host), Awaited::Helo);
            }
            Awaited::Helo if code.is_completion() => {
                self.state = State::Ready;
                return Ok(Some(Event::Ready));
            }
            Awaited::Ehlo | Awaited::Helo => return Ok(Some(self.unwelcome(reply))),
            // RFC 3207 s 4: 220 is "ready to start TLS"; another yes is to something else.
            Awaited::StartTls if code.is_completion() => {
                if code.value() != 220 {
                    return Err(wrong(Verb::StartTls, &reply));
                }
                if !input.is_empty() {
                    return Err(Error::Peer(PeerMisbehaved::PlaintextAfterStartTls));
                }
                self.state = State::Handshake;
                return Ok(Some(Event::TlsReady));
            }
            Awaited::StartTls => return Ok(Some(Event::TlsRefused(reply))),
            Awaited::Auth => return self.answer_auth(reply),
            Awaited::Quit => {
                self.state = State::Closed;
                self.farewell = Some(reply.clone());
                return Ok(Some(Event::Closed(reply)));
            }
            Awaited::Other(to) => {
                if to == Verb::XClient && code.is_completion() {
                    self.say_ehlo(); // the proxied session starts anew
                }
                return Ok(Some(Event::Reply { to, reply }));
            }
            Awaited::Envelope(step) => self.answer_envelope(step, reply)?,
        }
        Ok(None)
    }

    fn unwelcome(&mut self, reply: Reply) -> Event {
        self.state = State::Unwelcome;
        Event::Unwelcome(reply)
    }

    fn answer_auth(&mut self, reply: Reply) -> Result<Option<Event>, Error> {
        let refusal = !reply.code().is_completion() && !reply.code().is_intermediate();
        // RFC 4954 s 4: "*" is answered with 501. A server that goes on would go on for ever.
        if std::mem::take(&mut self.gave_up) && !refusal {
            return Err(wrong(Verb::Auth, &reply));
        }
        if reply.code().is_completion() {
            self.authenticated = true;
            self.held_response = None;
            return Ok(Some(Event::Authenticated(reply)));
        }
        if !reply.code().is_intermediate() {
            self.held_response = None;
            return Ok(Some(Event::AuthRefused(reply)));
        }
        self.challenges = self.challenges.saturating_add(1);
        let text = reply.raw_lines().next().unwrap_or_default();
        let challenge = base64::decode(text);
        self.state = State::Challenged;
        match challenge {
            // RFC 4954 s 4: what is no base64 must be answered with "*".
            Err(_) => self.give_up_auth(),
            Ok(_) if self.challenges > self.config.challenges => self.give_up_auth(),
            Ok(challenge) => match self.held_response.take() {
                Some(response) if challenge.is_empty() => self.respond(&response)?,
                Some(_) => self.give_up_auth(),
                None => return Ok(Some(Event::Challenge(challenge))),
            },
        }
        Ok(None)
    }

    pub(super) fn give_up_auth(&mut self) {
        self.state = State::Ready;
        self.held_response = None;
        self.gave_up = true;
        self.output.extend_from_slice(b"*\r\n");
        self.awaited.push_back(Awaited::Auth);
    }

    fn answer_envelope(&mut self, step: Step, reply: Reply) -> Result<(), Error> {
        let Some(transaction) = &mut self.transaction else { return Ok(()) };
        let code = reply.code();
        match step {
            Step::Rset => {}
            Step::Mail if code.is_completion() => {}
            Step::Mail => transaction.refuse_mail(reply),
            Step::Rcpt(index) => {
                transaction.answer_rcpt(index, reply);
                // Without PIPELINING nothing has been sent in vain yet: leave DATA out if nobody is left.
                if self.awaited.is_empty() && transaction.is_before_data() && !transaction.has_accepted() {
                    transaction.abandon();
                }
            }
            Step::Data if code.is_intermediate() && transaction.has_accepted() => {
                transaction.content = Content::Wanted { left: None, begun: false };
            }
            // RFC 2033 s 4.2: it must not, for no reply would ever follow the dot.
            Step::Data if code.is_intermediate() && self.config.dialect == Dialect::Lmtp => {
                return Err(wrong(Verb::Data, &reply));
            }
            Step::Data if code.is_intermediate() => {
                // RFC 2920 s 3.1: the server takes a message for nobody. A single dot, and no message.
                transaction.content = Content::Over;
                self.output.extend_from_slice(b".\r\n");
                self.awaited.push_back(Awaited::Envelope(Step::Message(None)));
            }
            Step::Data if code.is_completion() => return Err(wrong(Verb::Data, &reply)),
            Step::Data => {
                transaction.refuse_data(&reply);
                transaction.content = Content::Over;
            }
            Step::Chunk if code.is_completion() => {}
            // RFC 3030 s 2: no more segments; the transaction has failed.
            Step::Chunk => {
                transaction.answer_message(None, &reply);
                transaction.abandon();
                transaction.content = Content::Cut;
            }
            // RFC 5321 s 4.1.1.4: the reply is to the end of the message, which has not left us yet.
            Step::Message(_)
                if code.is_completion()
                    && (transaction.content != Content::Over || !self.output.is_empty()) =>
            {
                return Err(Error::Peer(PeerMisbehaved::EarlyReply));
            }
            Step::Message(index) => {
                let early = !matches!(transaction.content, Content::Over | Content::Cut);
                transaction.answer_message(index, &reply);
                if early {
                    // Refused in the middle: what is left of the message cannot be told from commands any more.
                    transaction.content = Content::Over;
                    self.farewell = Some(reply);
                    self.state = State::Closed;
                }
            }
        }
        self.pump();
        Ok(())
    }
}

fn wrong(to: Verb, reply: &Reply) -> Error {
    Error::Peer(PeerMisbehaved::WrongReply { to, code: reply.code().value() })
}

fn verb_of(awaited: Awaited, dialect: Dialect) -> Verb {
    match awaited {
        Awaited::Greeting | Awaited::Ehlo if dialect == Dialect::Lmtp => Verb::Lhlo,
        Awaited::Greeting | Awaited::Ehlo => Verb::Ehlo,
        Awaited::Helo => Verb::Helo,
        Awaited::StartTls => Verb::StartTls,
        Awaited::Auth => Verb::Auth,
        Awaited::Quit => Verb::Quit,
        Awaited::Other(verb) => verb,
        Awaited::Envelope(Step::Rset) => Verb::Rset,
        Awaited::Envelope(Step::Mail) => Verb::Mail,
        Awaited::Envelope(Step::Rcpt(_)) => Verb::Rcpt,
        Awaited::Envelope(Step::Data | Step::Message(_)) => Verb::Data,
        Awaited::Envelope(Step::Chunk) => Verb::Bdat,
    }
}

/// Whether what has come can be, or become, a 421.
fn may_be_421(input: &BytesMut) -> bool {
    let n = input.len().min(3);
    input.chunk().get(..n) == b"421".get(..n)
}

impl mail46_wire::Connection for Connection {
    type Event = Event;
    type Error = Error;

    fn next(&mut self, input: &mut BytesMut) -> Result<mail46_wire::Step<Event>, Error> {
        Self::next(self, input)
    }

    fn output(&mut self) -> &mut BytesMut {
        Self::output(self)
    }

    fn timeout(&self) -> Duration {
        Self::timeout(self)
    }

    /// Never: a client that would not read replies while it sends could wait for ever for a server that would not read
    /// while it replies.
    fn output_limit(&self) -> usize {
        usize::MAX
    }

    fn phase(&self) -> Phase {
        if self.is_sending() { Phase::Bulk } else { Phase::Dialogue }
    }
}
