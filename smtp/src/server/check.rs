//! What the protocol itself says to a command: the table of [`order`], what is offered, what is too much.

use super::connection::reply;
use super::order::{Group, Order, order};
use super::{Connection, Dialect, Fault, InClear, MailFrom, Offer, Phase};
use crate::{Body, Command, ForwardPath, Param, Params, Reply, ReversePath, Verb};

impl Connection {
    /// What the protocol says to a command before the application is asked.
    pub(super) fn check(&mut self, command: &Command<&[u8]>) -> Option<(Reply, Fault)> {
        let verb = command.verb();
        let not_offered = |text| Some((reply(502, (5, 5, 1), text), Fault::NotOffered));
        let out_of_sequence = |text| Some((reply(503, (5, 5, 1), text), Fault::OutOfSequence));
        match order(verb, self.phase, self.config.dialect) {
            Order::Unknown => {
                return Some((reply(500, (5, 5, 1), "command unrecognized"), Fault::NotOffered));
            }
            Order::OutOfSequence
                if verb == Verb::Data
                    && self.phase == Phase::Mail
                    && self.config.dialect == Dialect::Smtp =>
            {
                return Some((reply(554, (5, 5, 1), "no valid recipients"), Fault::OutOfSequence));
            }
            Order::OutOfSequence => return out_of_sequence("bad sequence of commands"),
            Order::Allowed(group) => self.must_flush |= group == Group::Last,
        }
        // RFC 3207 s 4: everything but NOOP, EHLO, STARTTLS and QUIT.
        let open = matches!(
            verb,
            Verb::Noop | Verb::Ehlo | Verb::Helo | Verb::Lhlo | Verb::StartTls | Verb::Quit | Verb::Rset
        );
        if self.config.clear_text == InClear::Refused && !self.session.tls && !open {
            return Some((reply(530, (5, 7, 0), "must issue a STARTTLS command first"), Fault::NeedsTls));
        }
        match command {
            Command::StartTls if self.session.tls => out_of_sequence("TLS is already on"),
            Command::StartTls if !self.offers(Offer::STARTTLS) => not_offered("STARTTLS is not offered"),
            Command::Bdat { .. } if !self.offers(Offer::CHUNKING) => not_offered("CHUNKING is not offered"),
            Command::Burl { .. } if !self.offers(Offer::BURL) => not_offered("BURL is not offered"),
            Command::Etrn(_) if !self.offers(Offer::ETRN) => not_offered("ETRN is not offered"),
            Command::Atrn(_) if !self.offers(Offer::ATRN) => not_offered("ATRN is not offered"),
            Command::XClient(_) if !self.offers(Offer::XCLIENT) => not_offered("XCLIENT is not offered"),
            Command::XForward(_) if !self.offers(Offer::XFORWARD) => not_offered("XFORWARD is not offered"),
            Command::Auth { mechanism, .. } => self.check_auth(mechanism.as_bytes()),
            // RFC 3030 s 3: BINARYMIME cannot be used with DATA.
            Command::Data if self.transaction.binary => out_of_sequence("BODY=BINARYMIME needs BDAT"),
            Command::Bdat { size, .. } => self.check_chunk(*size),
            Command::Mail { from, params } => self.check_mail(from, params),
            Command::Rcpt { to, params } => self.check_rcpt(to, params),
            _ => None,
        }
    }

    pub(super) fn check_auth(&self, mechanism: &[u8]) -> Option<(Reply, Fault)> {
        if self.config.mechanisms.is_empty() {
            return Some((reply(502, (5, 5, 1), "AUTH is not offered"), Fault::NotOffered));
        }
        // RFC 4954 s 4: once only, and not where a password could be read on the way.
        if self.session.authenticated {
            return Some((reply(503, (5, 5, 1), "already authenticated"), Fault::OutOfSequence));
        }
        if !self.offers_auth() {
            return Some((reply(538, (5, 7, 11), "encryption required"), Fault::NeedsTls));
        }
        let known = self.config.mechanisms.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(mechanism));
        (!known).then(|| (reply(504, (5, 5, 4), "mechanism not offered"), Fault::NotOffered))
    }

    pub(super) fn check_chunk(&self, size: u64) -> Option<(Reply, Fault)> {
        let sum = self.transaction.received.saturating_add(size);
        self.is_too_big(sum).then(|| (reply(552, (5, 3, 4), "message too big"), Fault::TooBig))
    }

    pub(super) fn check_mail(
        &self,
        _from: &ReversePath<&[u8]>,
        params: &Params<&[u8]>,
    ) -> Option<(Reply, Fault)> {
        if self.config.mail == MailFrom::Authenticated && !self.session.authenticated {
            return Some((reply(530, (5, 7, 0), "authentication required"), Fault::NeedsAuth));
        }
        for param in params.iter() {
            let offered = match param {
                Param::Size(size) if self.is_too_big(size) => {
                    return Some((reply(552, (5, 3, 4), "message too big"), Fault::TooBig));
                }
                Param::Size(_) => !self.session.plain,
                // RFC 4865 s 4 (7), (10), (11).
                Param::HoldFor(seconds) if self.is_held_too_long(seconds.into()) => {
                    return Some((reply(501, (5, 5, 4), "HOLDFOR over the limit"), Fault::Parameter));
                }
                Param::Body(Body::SevenBit | Body::EightBitMime) => self.offers(Offer::EIGHT_BIT_MIME),
                Param::Body(Body::BinaryMime) => self.offers(Offer::BINARY_MIME),
                Param::SmtpUtf8 => self.offers(Offer::SMTP_UTF8),
                Param::Ret(_) | Param::EnvId(_) => self.offers(Offer::DSN),
                // RFC 4954 s 5: taken even from who is not authenticated.
                Param::Auth(_) => !self.session.plain && !self.config.mechanisms.is_empty(),
                Param::By(_) => self.offers(Offer::DELIVER_BY),
                Param::MtPriority(_) => self.offers(Offer::MT_PRIORITY),
                Param::HoldFor(_) | Param::HoldUntil(_) => self.offers(Offer::FUTURE_RELEASE),
                Param::RequireTls => self.offers(Offer::REQUIRE_TLS),
                _ => false,
            };
            if !offered {
                return Some(unknown_parameter());
            }
        }
        None
    }

    pub(super) fn check_rcpt(
        &self,
        _to: &ForwardPath<&[u8]>,
        params: &Params<&[u8]>,
    ) -> Option<(Reply, Fault)> {
        if self.transaction.recipients >= self.config.limits.recipients {
            // RFC 5321 s 4.5.3.1.10: 452, so that the client sends the rest in another transaction.
            return Some((reply(452, (4, 5, 3), "too many recipients"), Fault::TooManyRecipients));
        }
        let offered = params.iter().all(|param| match param {
            Param::Notify(_) | Param::Orcpt(_) => self.offers(Offer::DSN),
            Param::Rrvs(_) => self.offers(Offer::RRVS),
            _ => false,
        });
        (!offered).then(unknown_parameter)
    }

    pub(super) fn is_too_big(&self, size: u64) -> bool {
        self.config.message_size != 0 && size > self.config.message_size
    }

    fn is_held_too_long(&self, seconds: u64) -> bool {
        self.offers(Offer::FUTURE_RELEASE) && seconds > self.config.future_release
    }

    /// Whether an extension is in force now. Behind HELO none is (RFC 5321 s 2.2.1) that changes a command; STARTTLS and AUTH
    /// harm nobody there.
    pub(super) fn offers(&self, offer: Offer) -> bool {
        self.config.offer.has(offer)
            && (!self.session.plain || offer == Offer::STARTTLS)
            && match offer {
                Offer::STARTTLS => !self.session.tls,   // RFC 3207 s 4.2
                Offer::REQUIRE_TLS => self.session.tls, // RFC 8689 s 2
                Offer::BINARY_MIME => self.config.offer.has(Offer::CHUNKING), // RFC 3030 s 3 (3)
                _ => true,
            }
    }

    pub(super) fn offers_auth(&self) -> bool {
        !self.config.mechanisms.is_empty() && (self.session.tls || self.config.auth == InClear::Taken)
    }
}

fn unknown_parameter() -> (Reply, Fault) {
    // RFC 5321 s 4.1.1.11.
    (
        reply(555, (5, 5, 4), "MAIL FROM/RCPT TO parameters not recognized or not implemented"),
        Fault::Parameter,
    )
}
