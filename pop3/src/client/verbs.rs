//! What the application says to a session.

#[cfg(doc)]
use super::Event;
use bytes::{Bytes, BytesMut};
use mail46_sasl::{Secret, Strings, saslprep};
use mail46_wire::base64;
use zeroize::Zeroizing;

use super::connection::COMMAND_LINE;
use super::connection::{Awaited, Inside, State, line, misuse};
use super::{Connection, Error, InClear, Misuse};
use crate::{Command, Digest, LanguageRange, Mechanism, MessageNumber, Name, Password, Verb};

/// The application's verbs.
impl Connection {
    /// Tells the machine that TLS is on from the first octet on (RFC 8314 s 3). Call it before the greeting is read.
    pub fn set_implicit_tls(&mut self) {
        self.tls = true;
    }

    /// Asks for TLS. Whether the server offers it is for [`offers`](Self::offers) to say.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if TLS is on, something is awaited, or somebody is logged in.
    pub fn stls(&mut self) -> Result<(), Error> {
        // RFC 6856 s 2.1: "Clients MUST NOT issue the "STLS" command after issuing UTF8".
        if self.tls || self.authenticated || self.utf8 || !self.is_idle() {
            return misuse(Misuse::WrongVerb);
        }
        self.say(&Command::<Bytes>::Stls, Awaited::Single(Verb::Stls))
    }

    /// TLS is on. Forgets all that the server said before, and asks anew (RFC 2595 s 4).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::TlsReady`].
    pub fn tls_established(&mut self) -> Result<(), Error> {
        if self.state != State::Handshake {
            return misuse(Misuse::WrongVerb);
        }
        self.tls = true;
        self.timestamp = None;
        self.ask_capabilities()
    }

    /// Logs in by USER and PASS.
    ///
    /// # Errors
    /// [`Misuse`]: outside TLS unless the configuration allows it; a name or password that no line can carry.
    pub fn log_in(&mut self, user: &str, password: &Secret) -> Result<(), Error> {
        self.may_log_in()?;
        if !self.tls && self.config.passwords == InClear::Refused {
            return misuse(Misuse::NeedsTls);
        }
        let (Ok(name), Ok(password)) = (Name::parse(user.as_bytes()), Password::parse(password.expose()))
        else {
            return misuse(Misuse::Unwritable);
        };
        self.may_name(&[name.as_bytes(), password.as_bytes()])?;
        let (user, pass) = (line(&Command::User(name))?, line(&Command::Pass(password))?);
        self.user_refused = false;
        self.enqueue(user, Awaited::Single(Verb::User));
        self.enqueue(pass, Awaited::Single(Verb::Pass));
        Ok(())
    }

    /// Logs in by APOP. It hides the password, badly: MD5 can be guessed at, and nothing protects the mail.
    ///
    /// # Errors
    /// [`Misuse::NoTimestamp`] if the greeting had none that is a msg-id; [`Misuse::Unwritable`].
    pub fn apop(&mut self, user: &str, secret: &Secret) -> Result<(), Error> {
        self.may_log_in()?;
        let Some(timestamp) = &self.timestamp else { return misuse(Misuse::NoTimestamp) };
        self.may_name(&[user.as_bytes(), secret.expose()])?;
        // RFC 6856 s 2.2: both through SASLprep, the name as a query string and the password as a stored one.
        let secret = std::str::from_utf8(secret.expose()).ok();
        let secret = secret.and_then(|secret| saslprep(secret, Strings::Stored).ok());
        let (Ok(user), Some(secret)) = (saslprep(user, Strings::Query), secret) else {
            return misuse(Misuse::Unwritable);
        };
        let digest = Digest::new(timestamp, secret.as_bytes());
        let Ok(name) = Name::parse(user.as_bytes()) else { return misuse(Misuse::Unwritable) };
        self.say(&Command::Apop { name, digest }, Awaited::Single(Verb::Apop))
    }

    /// Begins AUTH. An initial response that would make the line too long is held back for the first challenge (RFC 5034 s 4).
    ///
    /// # Errors
    /// [`Misuse`]: as [`log_in`](Self::log_in) for mechanisms that show a password or a token.
    pub fn auth(&mut self, mechanism: &str, initial_response: Option<&[u8]>) -> Result<(), Error> {
        self.may_log_in()?;
        let Ok(name) = Mechanism::parse(mechanism.as_bytes()) else { return misuse(Misuse::Unwritable) };
        let reveals = mechanism.parse().is_ok_and(mail46_sasl::Mechanism::reveals_secret);
        if reveals && !self.tls && self.config.passwords == InClear::Refused {
            return misuse(Misuse::NeedsTls);
        }
        self.challenges = 0;
        self.held_response = None;
        let mut line = Zeroizing::new([b"AUTH ", name.as_bytes()].concat());
        if let Some(octets) = initial_response {
            let length =
                octets.len().div_ceil(3).saturating_mul(4).saturating_add(line.len()).saturating_add(3);
            if length > COMMAND_LINE {
                self.held_response = Some(octets.to_vec().into());
            } else if octets.is_empty() {
                line.extend_from_slice(b" =");
            } else {
                let mut text = BytesMut::new();
                base64::encode(octets, &mut text);
                line.push(b' ');
                line.extend_from_slice(&text);
            }
        }
        line.extend_from_slice(b"\r\n");
        self.lines.set_limit(self.config.limits.challenge.max(self.config.limits.line));
        self.enqueue(line, Awaited::Single(Verb::Auth));
        Ok(())
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::Challenge`].
    pub fn respond(&mut self, octets: &[u8]) -> Result<(), Error> {
        if self.state != State::Challenged {
            return misuse(Misuse::WrongVerb);
        }
        self.state = State::Ready;
        base64::encode(octets, &mut self.output);
        self.output.extend_from_slice(b"\r\n");
        self.awaited.push_back(Awaited::Single(Verb::Auth));
        Ok(())
    }

    /// Gives the AUTH exchange up with `*` (RFC 5034 s 4). The server's refusal follows as [`Event::AuthRefused`].
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::Challenge`].
    pub fn cancel_auth(&mut self) -> Result<(), Error> {
        if self.state != State::Challenged {
            return misuse(Misuse::WrongVerb);
        }
        self.give_up_auth();
        Ok(())
    }

    /// Sends a command that is not a log-in, STLS or QUIT. May run ahead of replies.
    ///
    /// # Errors
    /// [`Misuse::OwnVerb`] for the others; [`Misuse::WrongVerb`] while a log-in or TLS is on its way.
    pub fn send<B: AsRef<[u8]>>(&mut self, command: &Command<B>) -> Result<(), Error> {
        let verb = command.verb();
        let awaited = match command {
            Command::User(_)
            | Command::Pass(_)
            | Command::Apop { .. }
            | Command::Auth { .. }
            | Command::Stls
            | Command::Quit => return misuse(Misuse::OwnVerb),
            Command::List(None) | Command::Uidl(None) | Command::Capa | Command::Lang(None) => {
                Awaited::Listing(verb)
            }
            Command::List(Some(message)) | Command::Uidl(Some(message)) => Awaited::Line(verb, *message),
            Command::Retr(_) | Command::Top { .. } => Awaited::Message(verb),
            _ => Awaited::Single(verb),
        };
        if self.state != State::Ready || self.is_authenticating() || self.ends_with(&[Verb::Stls, Verb::Quit])
        {
            return misuse(Misuse::WrongVerb);
        }
        self.say(command, awaited)?;
        self.utf8 |= verb == Verb::Utf8;
        Ok(())
    }

    /// Asks for a message, which comes as [`Event::MessageBegin`], [`Event::Data`] and [`Event::MessageEnd`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn retr(&mut self, message: MessageNumber) -> Result<(), Error> {
        self.send(&Command::<Bytes>::Retr(message))
    }

    /// Chooses a language for the server's texts (RFC 6856 s 3).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn lang(&mut self, range: LanguageRange) -> Result<(), Error> {
        self.send(&Command::Lang(Some(range)))
    }

    /// Ends the session; what is marked is removed by the server. [`Event::Closed`] follows.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] while a log-in or TLS is on its way.
    pub fn quit(&mut self) -> Result<(), Error> {
        if !matches!(self.state, State::Ready | State::Unwelcome) || self.ends_with(&[Verb::Stls, Verb::Quit])
        {
            return misuse(Misuse::WrongVerb);
        }
        self.say(&Command::<Bytes>::Quit, Awaited::Single(Verb::Quit))
    }

    /// How many answers are awaited.
    pub fn outstanding(&self) -> usize {
        let inside = usize::from(!matches!(self.inside, Inside::Replies));
        self.awaited.len().saturating_add(self.queue.len()).saturating_add(inside)
    }
}
