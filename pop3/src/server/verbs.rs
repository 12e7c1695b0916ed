//! What the application says to a session.

use bytes::BytesMut;
use mail46_wire::{BareNewline, DotEncoder, base64};

use super::connection::{Exchange, Listed, Pending};
use super::maildrop::Maildrop;
use super::top::TopLines;
use super::{Connection, Error, Message, Misuse, Offer, Part, PeerMisbehaved, Phase};
use crate::{Expire, LoginDelay, Reply, Timestamp};

/// The application's verbs.
impl Connection {
    /// Answers the connection itself: `+OK` and the greeting, and behind it the timestamp that makes APOP possible, if passwords
    /// may come outside TLS or TLS is on. It must be another for each connection (RFC 1939 s 7).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but at the start.
    pub fn greet(&mut self, timestamp: Option<&Timestamp>) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Greeting)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        // RFC 2449 s 3: no other "<" may stand in a greeting.
        let mut text = self.config.greeting.replace(['<', '>'], " ");
        // RFC 2595 s 2.2: where nobody may log in without TLS, APOP is no exception.
        if let Some(timestamp) = timestamp.filter(|_| self.takes_passwords()) {
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
        self.maildrop = Maildrop::new(messages);
        self.ok(text);
        Ok(())
    }

    /// What EXPIRE and LOGIN-DELAY are for this user, after [`open`](Self::open); `None`: as configured.
    pub fn announce(&mut self, expire: Option<Expire>, login_delay: Option<LoginDelay>) {
        self.expire = expire;
        self.login_delay = login_delay;
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
