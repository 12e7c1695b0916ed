//! What the application says to a session.

use std::num::NonZeroU64;

use bytes::{Bytes, BytesMut};
use mail46_sasl::{Secret, client::Exchange};
use mail46_wire::base64;

use super::connection::{Ask, Idle, Stage, State, misuse};
use super::flight::{Flight, Kind, Partial, Progress, Sasl, Traits, Waiting};
use super::{CommandId, Connection, Error, Event, InClear, InitialResponse, Misuse, pipelining};
use crate::command::{Authenticate, Command, CommandBody, DONE, Login, SecretAString, SecretOctets};
use crate::{AString, Atom, Capability, CapabilityList, Extension, Side, Tag, Writer};

/// The application's verbs.
impl Connection {
    /// Tells the machine that TLS is on from the first octet on (RFC 8314 s 3). Call it before the greeting is read.
    pub fn set_implicit_tls(&mut self) {
        self.tls = true;
    }

    /// What the server offers and is known to do badly: it is not believed, and what it alone implies neither.
    pub fn distrust(&mut self, extension: Extension) {
        self.distrusted.push(extension);
        if let Some(capabilities) = self.capabilities.take() {
            self.know(capabilities);
        }
    }

    /// Asks for TLS. Whether the server offers it is for [`offers`](Self::offers) to say.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if TLS is on, something is on its way, or somebody is logged in.
    pub fn starttls(&mut self) -> Result<CommandId, Error> {
        self.may_begin_alone(State::NotAuthenticated)?;
        if self.tls {
            return misuse(Misuse::WrongVerb);
        }
        Ok(self.say(CommandBody::StartTls, Traits::of(Kind::StartTls)))
    }

    /// TLS is on. Forgets all that the server said before, and asks anew (RFC 9051 s 6.2.1).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::TlsReady`].
    pub fn tls_established(&mut self) -> Result<(), Error> {
        if self.stage != Stage::Tls {
            return misuse(Misuse::WrongVerb);
        }
        self.tls = true;
        self.forget_capabilities();
        self.ask(Ask::Ready);
        Ok(())
    }

    /// Logs in by LOGIN: "a last resort" (RFC 9051 s 6.2.3).
    ///
    /// # Errors
    /// [`Misuse`]: outside TLS unless the configuration allows it; [`Misuse::LoginDisabled`].
    pub fn login(&mut self, user: &str, password: &Secret) -> Result<CommandId, Error> {
        self.may_begin_alone(State::NotAuthenticated)?;
        // RFC 9051 s 6.2.3: "A client implementation MUST NOT send a LOGIN command if the LOGINDISABLED capability is advertised".
        if self.offers(Extension::LoginDisabled) {
            return misuse(Misuse::LoginDisabled);
        }
        if !self.tls && self.config.passwords == InClear::Refused {
            return misuse(Misuse::NeedsTls);
        }
        let login =
            Login { user: AString::of(user.as_bytes()), password: SecretAString::of(password.expose()) };
        self.await_capabilities();
        Ok(self.say(CommandBody::Login(login), Traits::of(Kind::Login)))
    }

    /// Logs in by a SASL exchange, which the machine does to its end. An initial response goes with the command if the server
    /// offers SASL-IR and [`Config::initial_response`](super::Config::initial_response) allows it.
    ///
    /// # Errors
    /// [`Misuse`]: outside TLS unless the configuration allows it, for a mechanism that shows a password or a token.
    pub fn authenticate(&mut self, exchange: Exchange) -> Result<CommandId, Error> {
        self.may_begin_alone(State::NotAuthenticated)?;
        if exchange.mechanism().reveals_secret() && !self.tls && self.config.passwords == InClear::Refused {
            return misuse(Misuse::NeedsTls);
        }
        let mut initial = None;
        let allowed = self.config.initial_response == InitialResponse::WhereOffered;
        // RFC 4959 s 3: only where SASL-IR is advertised.
        if allowed
            && self.offers(Extension::SaslIr)
            && let Some(octets) = exchange.initial()
        {
            let mut text = BytesMut::new();
            base64::encode(octets.expose(), &mut text);
            // RFC 9051 s 6.2.2: "To send a zero-length initial response, the client MUST send a single pad character".
            initial =
                SecretOctets::of(if text.is_empty() { Bytes::from_static(b"=") } else { text.freeze() });
        }
        let Some(mechanism) = Atom::new(exchange.name()) else { return misuse(Misuse::WrongVerb) };
        self.sasl = Some(Sasl { exchange, challenges: 0, cancelled: false, fault: None });
        self.await_capabilities();
        let authenticate = CommandBody::Authenticate(Authenticate { mechanism, initial });
        Ok(self.say(authenticate, Traits::of(Kind::Authenticate)))
    }

    /// ENABLE. What the server then says to have enabled, of these, changes the grammar: UTF-8 in strings, and the rest of IMAP4rev2.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] in any state but [`State::Authenticated`] (RFC 9051 s 6.3.1).
    pub fn enable(&mut self, extensions: &[Extension]) -> Result<CommandId, Error> {
        if self.state != State::Authenticated || self.stage != Stage::Ready || extensions.is_empty() {
            return misuse(Misuse::WrongVerb);
        }
        Ok(self.say(
            CommandBody::Enable(CapabilityList::of(extensions.iter().map(|one| one.name()))),
            Traits::of(Kind::Enable),
        ))
    }

    /// COMPRESS DEFLATE (RFC 4978).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if it is on, something is on its way, or nobody is logged in.
    pub fn compress(&mut self) -> Result<CommandId, Error> {
        if self.compressed
            || self.stage != Stage::Ready
            || !self.is_quiet()
            || !matches!(self.state, State::Authenticated | State::Selected)
        {
            return misuse(Misuse::WrongVerb);
        }
        let Some(deflate) = Atom::new("DEFLATE") else { return misuse(Misuse::WrongVerb) };
        Ok(self.say(CommandBody::Compress(deflate), Traits::of(Kind::Compress)))
    }

    /// The layer is in.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::CompressionReady`].
    pub fn compression_established(&mut self) -> Result<(), Error> {
        if self.stage != Stage::Compression {
            return misuse(Misuse::WrongVerb);
        }
        self.stage = Stage::Ready;
        self.compressed = true;
        self.pump();
        Ok(())
    }

    /// IDLE (RFC 2177). It ends by [`done`](Self::done), by [`renew_idle`](Self::renew_idle), or when another command is said.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if nobody is logged in.
    pub fn idle(&mut self) -> Result<CommandId, Error> {
        if self.stage != Stage::Ready || !matches!(self.state, State::Authenticated | State::Selected) {
            return misuse(Misuse::WrongVerb);
        }
        Ok(self.say(CommandBody::Idle, Traits::of(Kind::Idle)))
    }

    /// Ends the IDLE: DONE, as soon as the server has agreed to it. [`Event::Completed`] follows.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if there is none.
    pub fn done(&mut self) -> Result<(), Error> {
        if matches!(self.idle, Idle::Not) {
            return misuse(Misuse::WrongVerb);
        }
        self.end_idle();
        Ok(())
    }

    /// Ends the IDLE and begins another: the [time](Self::timeout) of this one is over. [`Event::Idling`] follows behind
    /// [`Event::Completed`].
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if there is none.
    pub fn renew_idle(&mut self) -> Result<CommandId, Error> {
        self.done()?;
        self.idle()
    }

    /// LOGOUT, behind all that is on its way.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if it was said, or the server has not greeted.
    pub fn logout(&mut self) -> Result<CommandId, Error> {
        let is_said = self.queue.iter().any(|waiting| waiting.traits.kind == Kind::Logout)
            || self.flight.iter().any(|flight| flight.kind == Kind::Logout);
        if is_said || self.state == State::Logout || !matches!(self.stage, Stage::Ready) {
            return misuse(Misuse::WrongVerb);
        }
        Ok(self.say(CommandBody::Logout, Traits::of(Kind::Logout)))
    }

    /// Says any other command. It goes out as soon as RFC 9051 s 5.5 allows.
    ///
    /// # Errors
    /// [`Misuse::OwnVerb`] for a command that has a verb of its own; [`Misuse::WrongVerb`] before [`Event::Ready`].
    pub fn send(&mut self, command: CommandBody) -> Result<CommandId, Error> {
        if !matches!(self.stage, Stage::Ready | Stage::Compression) || self.state == State::Logout {
            return misuse(Misuse::WrongVerb);
        }
        match pipelining::traits(&command) {
            Some(traits) => Ok(self.say(command, traits)),
            None => misuse(Misuse::OwnVerb),
        }
    }

    /// Octets of the literal that [`Event::Proceed`] asked for.
    ///
    /// # Errors
    /// [`Misuse::NoLiteral`] if none is awaited any more; [`Misuse::TooMuchData`].
    pub fn data(&mut self, octets: &[u8]) -> Result<(), Error> {
        let Some(partial) = &mut self.writing else { return misuse(Misuse::NoLiteral) };
        let count = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        match partial.wants() {
            0 if count > 0 => return misuse(Misuse::NoLiteral),
            left if count > left => return misuse(Misuse::TooMuchData),
            _ => {}
        }
        self.output.extend_from_slice(octets);
        partial.handed_over(count);
        if partial.wants() == 0 {
            self.pump();
        }
        Ok(())
    }

    /// Octets of a literal that are still wanted of the application: also of a command that the server has refused already, if it
    /// does not wait for its literals.
    pub fn data_wanted(&self) -> u64 {
        self.writing.as_ref().map_or(0, Partial::wants)
    }
}

impl Connection {
    fn may_begin_alone(&self, state: State) -> Result<(), Error> {
        if self.state != state || self.stage != Stage::Ready || !self.is_quiet() {
            return misuse(Misuse::WrongVerb);
        }
        Ok(())
    }

    pub(super) fn ask_capabilities(&mut self) {
        self.push(CommandBody::Capability, Traits::of(Kind::Capability), true);
    }

    fn say(&mut self, command: CommandBody, traits: Traits) -> CommandId {
        self.push(command, traits, false)
    }

    fn push(&mut self, command: CommandBody, traits: Traits, own: bool) -> CommandId {
        self.tags = self.tags.saturating_add(1);
        let id = CommandId(NonZeroU64::new(self.tags).unwrap_or(NonZeroU64::MIN));
        let waiting = Waiting { id, traits, body: Box::new(command), own };
        if own {
            self.queue.push_front(waiting)
        } else {
            self.queue.push_back(waiting)
        }
        self.pump();
        id
    }

    pub(super) fn end_idle(&mut self) {
        match &mut self.idle {
            Idle::Asked { end } => *end = true,
            Idle::Idling => {
                self.idle = Idle::Ending;
                // RFC 9051 s 6.3.13: no tag.
                self.output.extend_from_slice(DONE);
            }
            Idle::Not | Idle::Ending => {}
        }
    }

    /// Writes what may be written.
    pub(super) fn pump(&mut self) {
        loop {
            if matches!(self.stage, Stage::Tls | Stage::Compression | Stage::Unwelcome) {
                return;
            }
            if let Some(partial) = &mut self.writing {
                let wanted = partial.wants();
                match partial.write(&mut self.output) {
                    Progress::All => self.writing = None,
                    Progress::Waits => return,
                    Progress::Wants(octets) => {
                        if wanted == 0 {
                            let id = partial.id;
                            self.events.push_back(Event::Proceed { id, octets });
                        }
                        return;
                    }
                }
            }
            let Some(next) = self.queue.front() else { return };
            // While the capabilities are asked for, nothing else is said.
            if matches!(self.stage, Stage::Asking(_) | Stage::Greeting) && !next.own {
                return;
            }
            let others = self.flight.iter().map(|flight| flight.traits);
            if self.flight.len() >= self.config.window.max(1) || !next.traits.may_follow(others) {
                return self.end_idle();
            }
            if let Some(next) = self.queue.pop_front() {
                self.begin_command(next);
            }
        }
    }

    fn begin_command(&mut self, waiting: Waiting) {
        // It is one: a letter and digits.
        let Some(tag) = Tag::new(format!("A{}", waiting.id.0)) else { return };
        let mut text = BytesMut::new();
        let mut writer = Writer::new(&mut text, Side::Client, &self.mode);
        let Waiting { id, traits, body, own } = waiting;
        let command = Command { tag, body: *body };
        command.write(&mut writer);
        let marks = writer.finish();
        let Command { tag, body } = command;
        let enables = match &body {
            CommandBody::Enable(list) => list.iter().filter_map(extension).collect(),
            _ => Vec::new(),
        };
        if traits.kind == Kind::Idle {
            self.idle = Idle::Asked { end: false };
        }
        self.flight.push(Flight { id, tag, kind: traits.kind, traits, enables, own });
        self.writing = Some(Partial::new(id, text, marks));
    }
}

fn extension(capability: Capability<'_>) -> Option<Extension> {
    match capability {
        Capability::Extension(extension) => Some(extension),
        _ => None,
    }
}
