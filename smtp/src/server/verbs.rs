//! What the application says to a session.

use bytes::BytesMut;
use mail46_wire::{DotDecoder, base64};

use super::connection::{Incoming, Refusal, Session, Transaction, too_many_errors};
use super::event::{Chunked, Pending, Then};
use super::{Connection, Dialect, Error, Misuse, Offer, PeerMisbehaved, Phase};
use crate::{Chunk, EnhancedCode, Reply, Verb};

/// The application's verbs.
impl Connection {
    /// Answers the connection itself: `220 mx.example ESMTP`.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but at the start.
    pub fn greet(&mut self) -> Result<(), Error> {
        let protocol = match self.config.dialect {
            Dialect::Smtp => "ESMTP",
            Dialect::Lmtp => "LMTP",
        };
        if !matches!(self.pending, Some(Pending::Greeting)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        let text = format!("{} {protocol}", self.config.host);
        self.reply(&Reply::new(220, None, &text))
    }

    /// Tells the machine that TLS is on from the first octet on (RFC 8314 s 3). Call it before the greeting.
    pub fn set_implicit_tls(&mut self) {
        self.session.tls = true;
    }

    /// Tells the machine that the client is already known, from its address or certificate for example, as AUTH would.
    pub fn set_authenticated(&mut self) {
        self.session.authenticated = true;
    }

    /// Answers the present event.
    ///
    /// # Errors
    /// [`Misuse`], if nothing is to be answered, if success needs a verb of its own (`accept_…`, `challenge`), or if only a
    /// refusal is possible.
    pub fn reply(&mut self, reply: &Reply) -> Result<(), Error> {
        let pending = self.pending.take().ok_or(Error::Misuse(Misuse::WrongVerb))?;
        if reply.code().is_intermediate() {
            return self.misuse(pending, Misuse::WrongVerb);
        }
        let positive = reply.code().is_completion();
        match pending {
            Pending::Greeting => self.phase = if positive { Phase::Start } else { Phase::Refused },
            Pending::Command(verb, chunked) => return self.reply_to(verb, chunked, reply),
            Pending::AuthResponse => {
                self.incoming = Incoming::Command;
                self.end_auth(reply);
                return Ok(());
            }
            Pending::Refusal { .. } if positive => return self.misuse(pending, Misuse::SuccessAfterFault),
            Pending::Refusal { then, replies } => {
                for _ in 1..replies {
                    self.write(reply);
                }
                self.closing |= then == Then::Close;
            }
            Pending::ChunkEnd => self.phase = if positive { Phase::Chunks } else { Phase::Broken },
            Pending::DataEnd { faulty: true, .. } if positive => {
                return self.misuse(pending, Misuse::SuccessAfterFault);
            }
            Pending::DataEnd { replies, faulty } => {
                let left = replies.saturating_sub(1);
                if left > 0 {
                    self.pending = Some(Pending::DataEnd { replies: left, faulty });
                } else {
                    self.reset();
                }
            }
            Pending::Handshake => return self.misuse(pending, Misuse::WrongVerb),
        }
        self.write(reply);
        Ok(())
    }

    /// Answers EHLO or LHLO with our name and the extensions that are offered now, HELO with our name.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_ehlo(&mut self) -> Result<(), Error> {
        let Some(Pending::Command(verb @ (Verb::Ehlo | Verb::Helo | Verb::Lhlo), _)) = self.pending else {
            return Err(Error::Misuse(Misuse::WrongVerb));
        };
        let mut text = self.config.host.to_string();
        if verb != Verb::Helo {
            self.keywords(&mut text);
        }
        self.reply(&Reply::new(250, None, &text))
    }

    /// Answers DATA with 354; the message follows.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_data(&mut self) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Command(Verb::Data, _))) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        let decoder = DotDecoder::new(self.config.bare_newline).with_line_limit(self.config.limits.text_line);
        self.incoming = Incoming::Text(decoder);
        self.write(&Reply::new(354, None, "end with <CRLF>.<CRLF>"));
        Ok(())
    }

    /// Takes a chunk of BDAT; its octets follow, and its reply is owed at its end (RFC 3030 s 2).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] after anything else.
    pub fn accept_chunk(&mut self) -> Result<(), Error> {
        let Some(Pending::Command(_, Chunked::Yes { size, chunk })) = self.pending else {
            return Err(Error::Misuse(Misuse::WrongVerb));
        };
        self.pending = None;
        self.incoming = Incoming::Chunk { left: size, chunk };
        Ok(())
    }

    /// Answers STARTTLS with 220. The driver then writes the output, does the handshake, and says
    /// [`tls_established`](Self::tls_established).
    ///
    /// # Errors
    /// [`PeerMisbehaved::PlaintextAfterStartTls`] if any octet already follows the command: somebody on the way may have
    /// put it there to be obeyed inside TLS (RFC 3207 s 6). [`Misuse::WrongVerb`] after anything else.
    pub fn accept_tls(&mut self, input: &BytesMut) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Command(Verb::StartTls, _))) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        if !input.is_empty() {
            self.closing = true;
            return Err(Error::Peer(PeerMisbehaved::PlaintextAfterStartTls));
        }
        self.pending = Some(Pending::Handshake);
        self.write(&Reply::new(220, EnhancedCode::new(2, 0, 0), "go ahead"));
        Ok(())
    }

    /// TLS is on. Forgets all that the client said before (RFC 3207 s 4.2).
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] but behind [`accept_tls`](Self::accept_tls).
    pub fn tls_established(&mut self) -> Result<(), Error> {
        if !matches!(self.pending, Some(Pending::Handshake)) {
            return Err(Error::Misuse(Misuse::WrongVerb));
        }
        self.pending = None;
        self.reset();
        self.phase = Phase::Start;
        self.session = Session { tls: true, ..Session::default() };
        Ok(())
    }

    /// Goes on with an AUTH exchange: 334 with these octets in base64, which may be none.
    ///
    /// # Errors
    /// [`Misuse::WrongVerb`] outside an exchange.
    pub fn challenge(&mut self, octets: &[u8]) -> Result<(), Error> {
        match self.pending {
            Some(Pending::Command(Verb::Auth, _) | Pending::AuthResponse) => {}
            _ => return Err(Error::Misuse(Misuse::WrongVerb)),
        }
        self.pending = None;
        self.incoming = Incoming::AuthResponse;
        // RFC 4954 s 4: the space stays where there is no text.
        self.output.extend_from_slice(b"334 ");
        base64::encode(octets, &mut self.output);
        self.output.extend_from_slice(b"\r\n");
        self.must_flush = true;
        Ok(())
    }

    /// Ends the session from our side, at any time: writes this 421 (RFC 5321 s 3.8) in the place of what was owed. Inside a
    /// message the client reads it as the reply to the message: it was not taken.
    pub fn shut_down(&mut self, reply: &Reply) {
        if !self.closing {
            self.write(reply);
        }
        self.pending = None;
        self.closing = true;
    }
}

impl Connection {
    pub(super) fn misuse(&mut self, pending: Pending, misuse: Misuse) -> Result<(), Error> {
        self.pending = Some(pending);
        Err(Error::Misuse(misuse))
    }

    pub(super) fn reply_to(&mut self, verb: Verb, chunked: Chunked, reply: &Reply) -> Result<(), Error> {
        let positive = reply.code().is_completion();
        if positive && matches!(verb, Verb::Data | Verb::Bdat | Verb::StartTls) {
            return self.misuse(Pending::Command(verb, chunked), Misuse::WrongVerb);
        }
        match (verb, chunked) {
            (Verb::Auth, _) => {
                self.end_auth(reply);
                return Ok(());
            }
            (_, Chunked::Yes { size, chunk }) => {
                self.refuse_at_once(size, chunk, reply);
                return Ok(());
            }
            (_, Chunked::Elsewhere(Chunk::More)) if positive => self.phase = Phase::Chunks,
            (_, Chunked::Elsewhere(Chunk::Last)) => self.reset(),
            (_, Chunked::Elsewhere(Chunk::More)) => self.phase = Phase::Broken,
            _ => {}
        }
        self.closing |= verb == Verb::Quit;
        if positive {
            match verb {
                Verb::Ehlo | Verb::Helo | Verb::Lhlo => {
                    self.reset();
                    self.phase = Phase::Ready;
                    self.session.plain = verb == Verb::Helo;
                }
                Verb::Mail => self.phase = Phase::Mail,
                Verb::Rcpt => {
                    self.phase = Phase::Rcpt;
                    self.transaction.recipients = self.transaction.recipients.saturating_add(1);
                }
                Verb::Rset => self.reset(),
                // The proxied client starts anew; what the proxy was trusted with is not the client's.
                Verb::XClient => {
                    self.reset();
                    self.phase = Phase::Start;
                    self.session = Session { tls: self.session.tls, ..Session::default() };
                }
                _ => {}
            }
        } else if verb == Verb::Mail {
            self.transaction = Transaction::default();
        }
        self.write(reply);
        Ok(())
    }

    /// The application refuses a chunk before its octets have come.
    fn refuse_at_once(&mut self, size: u64, chunk: Chunk, reply: &Reply) {
        if reply.code() == 421 || !self.may_swallow(size) {
            self.write(reply);
            self.closing = true;
            return;
        }
        let refusal = Refusal { reply: reply.clone(), fault: None, chunk };
        self.incoming = Incoming::Swallow { left: size, refusal };
    }

    /// The last word on AUTH. Who tries passwords is a fault like others.
    fn end_auth(&mut self, reply: &Reply) {
        if reply.code().is_completion() {
            self.session.authenticated = true;
            return self.write(reply);
        }
        self.errors = self.errors.saturating_add(1);
        if self.has_too_many_errors() { self.write(&too_many_errors()) } else { self.write(reply) }
    }

    /// RSET, and what is like it: the transaction goes, what EHLO and AUTH told stays (RFC 5321 s 4.1.1.5).
    pub(super) fn reset(&mut self) {
        self.transaction = Transaction::default();
        if !matches!(self.phase, Phase::Start | Phase::Refused) {
            self.phase = Phase::Ready;
        }
    }

    pub(super) fn write(&mut self, reply: &Reply) {
        reply.write(&mut self.output);
        if reply.code() == 421 {
            self.closing = true;
        }
    }

    /// The lines of the EHLO reply behind our name.
    pub(super) fn keywords(&self, text: &mut String) {
        use std::fmt::Write;
        let config = &*self.config;
        // RFC 1870 s 4: 0 says that there is no fixed limit.
        let _ = write!(text, "\nSIZE {}", config.message_size);
        for (offer, keyword) in Offer::KEYWORDS {
            if !self.offers(*offer) {
                continue;
            }
            let _ = write!(text, "\n{keyword}");
            match *offer {
                // RFC 4865 s 4: seconds, and a date-time. The date is the driver's matter: HOLDFOR bounds both.
                Offer::FUTURE_RELEASE => {
                    let _ = write!(text, " {} 9999-12-31T23:59:59Z", config.future_release);
                }
                Offer::LIMITS => {
                    let _ = write!(text, " RCPTMAX={}", config.limits.recipients);
                }
                Offer::XCLIENT => text.push_str(" NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"),
                Offer::XFORWARD => text.push_str(" NAME ADDR PORT PROTO HELO IDENT SOURCE"),
                _ => {}
            }
        }
        if self.offers_auth() {
            let _ = write!(text, "\nAUTH {}", config.mechanisms.join(" "));
        }
    }
}
