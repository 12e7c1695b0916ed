//! What the application says to a session.

use bytes::BytesMut;
use mail46_wire::{BareNewline, DotEncoder, base64};

use super::connection::{Awaited, State};
use super::envelope::{Envelope, Transfer, Unable};
use super::transaction::{Content, Step, Transaction};
use super::{Connection, Error, Misuse};
use crate::server::Dialect;
use crate::{Chunk, Command, ExtensionKind, Verb};

/// RFC 5321 s 4.5.3.1.4, CRLF included: RFC 4954 s 4 forbids an initial response that breaks it.
const COMMAND_LINE: usize = 512;

/// The application's verbs.
impl Connection {
    /// Tells the machine that TLS is on from the first octet on (RFC 8314 s 3). Call it before the greeting is read.
    pub fn set_implicit_tls(&mut self) {
        self.tls = true;
    }

    /// Begins a transaction: MAIL, RCPT and DATA or BDAT, as far as they can go in one flight.
    ///
    /// # Errors
    /// [`Unable`], before anything is sent.
    pub fn mail(&mut self, envelope: &Envelope) -> Result<(), Unable> {
        if self.state != State::Ready || self.transaction.is_some() || !self.awaited.is_empty() {
            return Err(Unable::NotReady);
        }
        let plan = envelope.plan(self.extensions.as_ref(), &self.config, self.sent, self.tls)?;
        self.sent = self.sent.saturating_add(1);
        self.transaction = Some(Transaction::new(&plan, std::mem::take(&mut self.needs_reset)));
        self.encoder = DotEncoder::new(self.config.bare_newline);
        self.pump();
        Ok(())
    }

    /// A part of the message, after [`Event::SendData`](super::Event::SendData). It is dot-stuffed for DATA and goes as it is by BDAT.
    ///
    /// # Errors
    /// [`Misuse`]: nothing of this part was sent. Behind [`Misuse::BareNewline`] the message cannot be ended well: close the
    /// connection without [`finish_data`](Self::finish_data).
    pub fn data(&mut self, text: &[u8]) -> Result<(), Error> {
        let Some(transaction) = &mut self.transaction else { return Err(Error::Misuse(Misuse::WrongVerb)) };
        let left = match transaction.content {
            Content::Wanted { left, begun: true } => left,
            // The server has refused a chunk, and the application was not told yet: nothing more is sent.
            Content::Cut => return Ok(()),
            _ => return Err(Error::Misuse(Misuse::WrongVerb)),
        };
        match transaction.transfer {
            Transfer::Data => {
                self.encoder
                    .encode(text, &mut self.output)
                    .map_err(|_| Error::Misuse(Misuse::BareNewline))?;
            }
            Transfer::Chunk { .. } | Transfer::Chunks => {
                let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
                let left = match left.map(|left| left.checked_sub(size)) {
                    Some(None) => return Err(Error::Misuse(Misuse::SizeBroken)),
                    Some(left) => left,
                    None => None,
                };
                // BDAT carries any octets, but text among them is lines all the same (RFC 3030 s 2), and the next
                // server may have to send it by DATA.
                if !transaction.binary && self.config.bare_newline == BareNewline::Reject {
                    transaction.check_newlines(text)?;
                }
                if left.is_some() {
                    self.output.extend_from_slice(text);
                } else if !text.is_empty() {
                    let mut chunk = BytesMut::new();
                    Command::<bytes::Bytes>::Bdat { size, chunk: Chunk::More }.write(&mut chunk);
                    chunk.extend_from_slice(text);
                    transaction.add(chunk, Step::Chunk);
                }
                transaction.content = Content::Wanted { left, begun: true };
                self.pump();
            }
        }
        Ok(())
    }

    /// The message is given whole.
    ///
    /// # Errors
    /// [`Misuse::SizeBroken`] if a chunk was promised that is not full: close the connection.
    pub fn finish_data(&mut self) -> Result<(), Error> {
        let Some(transaction) = &mut self.transaction else { return Err(Error::Misuse(Misuse::WrongVerb)) };
        let left = match transaction.content {
            Content::Wanted { left, begun: true } => left,
            Content::Cut => return Ok(()),
            _ => return Err(Error::Misuse(Misuse::WrongVerb)),
        };
        match transaction.transfer {
            Transfer::Data => {
                self.encoder.finish(&mut self.output).map_err(|_| Error::Misuse(Misuse::BareNewline))?;
            }
            Transfer::Chunk { .. } if left != Some(0) => return Err(Error::Misuse(Misuse::SizeBroken)),
            Transfer::Chunk { .. } | Transfer::Chunks if transaction.ends_in_cr() => {
                return Err(Error::Misuse(Misuse::BareNewline));
            }
            Transfer::Chunk { .. } => {}
            Transfer::Chunks => {
                let mut line = BytesMut::new();
                Command::<bytes::Bytes>::Bdat { size: 0, chunk: Chunk::Last }.write(&mut line);
                transaction.add(line, Step::Message(None));
            }
        }
        transaction.content = Content::Over;
        // A blind chunk's reply is already awaited, that of the last of many is when its turn comes.
        if !matches!(transaction.transfer, Transfer::Chunk { blind: true, .. } | Transfer::Chunks) {
            match self.config.dialect {
                Dialect::Smtp => self.awaited.push_back(Awaited::Envelope(Step::Message(None))),
                // RFC 2033 s 4.2, 4.3: a reply for each recipient that was accepted.
                Dialect::Lmtp => {
                    let each =
                        transaction.accepted().map(|index| Awaited::Envelope(Step::Message(Some(index))));
                    self.awaited.extend(each);
                }
            }
        }
        self.pump();
        Ok(())
    }

    /// Asks for TLS.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if TLS is on, something is awaited, or the server does not offer it.
    pub fn start_tls(&mut self) -> Result<(), Error> {
        if self.tls || !self.is_idle() || !self.offers(ExtensionKind::StartTls) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.write(&Command::StartTls, Awaited::StartTls);
        Ok(())
    }

    /// TLS is on. Forgets all that the server said before (RFC 3207 s 4.2) and says EHLO anew.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::TlsReady`](super::Event::TlsReady).
    pub fn tls_established(&mut self) -> Result<(), Error> {
        if self.state != State::Handshake {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.tls = true;
        self.say_ehlo();
        Ok(())
    }

    /// Begins AUTH. An initial response that would make the line too long is held back for the first challenge (RFC 4954 s 4).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] if something is awaited, or somebody is authenticated already.
    pub fn auth(&mut self, mechanism: &str, initial_response: Option<&[u8]>) -> Result<(), Error> {
        let name = mechanism.as_bytes();
        let is_name = !name.is_empty()
            && name.len() <= 20
            && name.iter().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(c));
        if !self.is_idle() || self.authenticated || !is_name {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.challenges = 0;
        self.gave_up = false;
        self.held_response = None;
        self.output.extend_from_slice(b"AUTH ");
        self.output.extend_from_slice(name);
        if let Some(octets) = initial_response {
            let line = "AUTH  \r\n"
                .len()
                .saturating_add(name.len())
                .saturating_add(octets.len().div_ceil(3).saturating_mul(4));
            if line > COMMAND_LINE {
                self.held_response = Some(octets.to_vec().into());
            } else if octets.is_empty() {
                self.output.extend_from_slice(b" =");
            } else {
                self.output.extend_from_slice(b" ");
                base64::encode(octets, &mut self.output);
            }
        }
        self.output.extend_from_slice(b"\r\n");
        self.awaited.push_back(Awaited::Auth);
        Ok(())
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::Challenge`](super::Event::Challenge).
    pub fn respond(&mut self, octets: &[u8]) -> Result<(), Error> {
        if self.state != State::Challenged {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.state = State::Ready;
        base64::encode(octets, &mut self.output);
        self.output.extend_from_slice(b"\r\n");
        self.awaited.push_back(Awaited::Auth);
        Ok(())
    }

    /// Gives the AUTH exchange up with `*` (RFC 4954 s 4). The server's refusal follows as [`Event::AuthRefused`](super::Event::AuthRefused).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but after [`Event::Challenge`](super::Event::Challenge).
    pub fn cancel_auth(&mut self) -> Result<(), Error> {
        if self.state != State::Challenged {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.give_up_auth();
        Ok(())
    }

    /// Sends a command that has no verb of its own: NOOP, RSET, VRFY, EXPN, HELP, ETRN, XCLIENT, XFORWARD, ….
    ///
    /// # Errors
    /// [`Misuse::OwnVerb`] for the others; [`Misuse::WrongVerb`] inside a transaction.
    pub fn send(&mut self, command: &Command) -> Result<(), Error> {
        let verb = command.verb();
        let own = matches!(
            verb,
            Verb::Ehlo
                | Verb::Helo
                | Verb::Lhlo
                | Verb::Mail
                | Verb::Rcpt
                | Verb::Data
                | Verb::Bdat
                | Verb::Burl
                | Verb::StartTls
                | Verb::Auth
                | Verb::Quit
        );
        if own {
            return Err(Error::Misuse(Misuse::OwnVerb));
        }
        if self.state != State::Ready || self.transaction.is_some() || !self.may_follow() {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.write(command, Awaited::Other(verb));
        Ok(())
    }

    /// Ends the session. [`Event::Closed`](super::Event::Closed) follows with the server's reply.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] while a message is on its way.
    pub fn quit(&mut self) -> Result<(), Error> {
        let open = matches!(self.state, State::Ready | State::Unwelcome);
        if self.transaction.is_some() || !open || !self.may_follow() {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.write(&Command::Quit, Awaited::Quit);
        Ok(())
    }

    /// RFC 2920 s 3.1: of the commands that have no verb of their own, only RSET may be followed by others in one flight.
    fn may_follow(&self) -> bool {
        match self.awaited.back() {
            None => true,
            Some(Awaited::Other(Verb::Rset | Verb::XForward)) => self.offers(ExtensionKind::Pipelining),
            Some(_) => false,
        }
    }
}
