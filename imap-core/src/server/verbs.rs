//! What the application answers.

use bytes::{Bytes, BytesMut};
use mail46_wire::base64;
use std::time::Duration;

use super::connection::{Exchange, Pending};
use super::{Connection, Error, Misuse, PeerMisbehaved, Reply, State};
use crate::Mode;

impl Connection {
    fn answers(&mut self, pending: Pending) -> Result<(), Error> {
        if self.pending != Some(pending) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        Ok(())
    }

    /// Answers the connection itself: `* OK` with the capabilities.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but at the start.
    pub fn greet(&mut self) -> Result<(), Error> {
        self.answers(Pending::Greeting)?;
        let (words, greeting) = (self.capabilities(), self.config.greeting.clone());
        self.say(&[b"* OK [CAPABILITY ", words.as_bytes(), b"] ", greeting.as_bytes()]);
        Ok(())
    }

    /// The same, for a client that is known already (RFC 9051 s 7.1.4).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but at the start.
    pub fn greet_preauth(&mut self) -> Result<(), Error> {
        self.answers(Pending::Greeting)?;
        self.state = State::Authenticated;
        self.framer.set_limits(self.limits_of_state());
        let (words, greeting) = (self.capabilities(), self.config.greeting.clone());
        self.say(&[b"* PREAUTH [CAPABILITY ", words.as_bytes(), b"] ", greeting.as_bytes()]);
        Ok(())
    }

    /// `* BYE`: at the start, or because the server ends. What is in the middle of being told is not told to its end.
    pub fn reject(&mut self, why: &str) {
        let why: String = why.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).collect();
        // In the middle of a literal nothing can be said.
        if self.telling == super::fetch::Telling::Nothing {
            self.bye(if why.is_empty() { "bye" } else { &why });
        }
        self.pending = None;
        self.close();
    }

    /// The time is over (RFC 9051 s 5.4).
    pub fn expire(&mut self) {
        self.reject("autologout: idle for too long");
    }

    /// TLS is on from the first octet on (RFC 8314 s 3). Call it before the greeting.
    pub fn set_implicit_tls(&mut self) {
        self.tls = true;
    }

    /// Lets the client in: OK with the capabilities that hold from here on.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after a log-in.
    pub fn log_in(&mut self, text: &'static str) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::LogIn | Pending::Auth)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        self.state = State::Authenticated;
        self.end_exchange();
        // RFC 9051 s 6.2.2: the capabilities in the code save the client a command.
        let words = self.capabilities();
        self.tagged(&Reply::ok(text).with_code(format!("CAPABILITY {words}")));
        Ok(())
    }

    /// Goes on with an AUTHENTICATE exchange: `+ ` with these octets in base64, which may be none.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] outside an exchange.
    pub fn challenge(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.answers(Pending::Auth)?;
        self.exchange = Exchange::Authentication;
        let mut limits = self.limits_of_state();
        limits.line = self.config.limits.auth_line;
        self.framer.set_limits(limits);
        self.framer.expect_line();
        // RFC 9051 s 7.6: "+" SP, even with nothing behind it.
        self.output.extend_from_slice(b"+ ");
        base64::encode(octets, &mut self.output);
        self.output.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Answers STARTTLS with OK. The driver then writes the output, does the handshake, and says
    /// [`tls_established`](Self::tls_established).
    ///
    /// # Errors
    /// [`PeerMisbehaved::PlaintextAfterStartTls`] if any octet already follows the command: somebody on the way may have put it
    /// there to be obeyed inside TLS (RFC 9051 s 6.2.1, 11.1).
    pub fn accept_tls(&mut self, input: &BytesMut) -> Result<(), Error> {
        self.answers(Pending::StartTls)?;
        if !input.is_empty() {
            self.close();
            return Err(Error::Peer(PeerMisbehaved::PlaintextAfterStartTls));
        }
        self.pending = Some(Pending::Handshake);
        self.tagged(&Reply::ok("begin TLS negotiation"));
        Ok(())
    }

    /// TLS is on: all that was said before is forgotten (RFC 9051 s 6.2.1).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but behind [`accept_tls`](Self::accept_tls).
    pub fn tls_established(&mut self) -> Result<(), Error> {
        self.answers(Pending::Handshake)?;
        self.tls = true;
        self.tag = Bytes::new();
        Ok(())
    }

    /// Answers COMPRESS with OK. The driver compresses from the next octet on, in both directions (RFC 4978 s 3).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_compress(&mut self) -> Result<(), Error> {
        self.answers(Pending::Compress)?;
        self.compressed = true;
        self.tagged(&Reply::ok("compression begins"));
        Ok(())
    }

    /// Takes a message of an APPEND, or a part of one: its octets follow as [`Event::Data`](super::Event::Data), where there is a
    /// literal.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_message(&mut self) -> Result<(), Error> {
        match self.pending {
            Some(Pending::Url) => self.pending = None,
            Some(Pending::Literal(_)) => {
                self.pending = None;
                if let Some(append) = &mut self.append {
                    append.accepted = append.announced.take();
                }
            }
            _ => return Err(Error::Misuse(Misuse::WrongVerb)),
        }
        Ok(())
    }

    /// Begins to idle: `+`, and from here on untagged responses may come at any time.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_idle(&mut self) -> Result<(), Error> {
        self.answers(Pending::Idle)?;
        self.say(&[b"+ idling"]);
        self.exchange = Exchange::Idle;
        self.framer.expect_line();
        Ok(())
    }

    /// The tagged response that ends the present command, or its refusal.
    ///
    /// # Errors
    /// [`Misuse`], if nothing is to be answered, or if success has a verb of its own.
    pub fn complete(&mut self, reply: Reply) -> Result<(), Error> {
        if self.telling != super::fetch::Telling::Nothing {
            return Err(Error::Misuse(Misuse::NotNow));
        }
        let Some(pending) = self.pending.take() else {
            // In the middle of a message: the rest of it is still to come, and is not looked at.
            return match &mut self.append {
                Some(append) if !reply.is_ok() => {
                    append.failed.get_or_insert(reply);
                    Ok(())
                }
                _ => Err(Error::Misuse(Misuse::WrongVerb)),
            };
        };
        let has_own_verb = match pending {
            Pending::LogIn | Pending::Auth | Pending::StartTls | Pending::Compress | Pending::Idle => {
                reply.is_ok()
            }
            Pending::Literal(_) | Pending::Url => reply.is_ok(),
            Pending::Greeting | Pending::Handshake => true,
            Pending::Command | Pending::AppendEnd | Pending::IdleDone => false,
        };
        if has_own_verb {
            self.pending = Some(pending);
            return Err(Error::Misuse(Misuse::OwnVerb));
        }
        match pending {
            Pending::Literal(_) | Pending::Url => {
                if let Some(append) = &mut self.append {
                    append.failed = Some(reply);
                }
            }
            Pending::LogIn | Pending::Auth => {
                self.end_exchange();
                self.tagged(&reply);
                self.failed_log_in();
            }
            _ if reply.status == "BAD" => self.bad(&reply),
            _ => self.tagged(&reply),
        }
        Ok(())
    }

    /// A mailbox is selected from here on, or none any more (RFC 9051 s 3).
    ///
    /// # Errors
    /// [`Misuse::NotNow`] before log-in.
    pub fn select(&mut self, selection: Selection) -> Result<(), Error> {
        match self.state {
            State::Authenticated | State::Selected => {
                self.state = match selection {
                    Selection::Mailbox => State::Selected,
                    Selection::None => State::Authenticated,
                };
                Ok(())
            }
            _ => Err(Error::Misuse(Misuse::NotNow)),
        }
    }

    /// Changes which grammar holds, where a command other than ENABLE does: CONDSTORE (RFC 7162 s 3.1).
    pub fn enable_condstore(&mut self) {
        self.mode.condstore = true;
    }

    /// How long a client that is slow may take; see [`timeout`](Self::timeout).
    pub fn message_timeout(&self) -> Duration {
        self.config.timeouts.message_block
    }

    pub(crate) fn mode_and_output(&mut self) -> (&Mode, &mut BytesMut) {
        (&self.mode, &mut self.output)
    }
}

/// Whether a mailbox is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum Selection {
    /// One is.
    Mailbox,
    /// None is.
    None,
}
