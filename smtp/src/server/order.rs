//! What is allowed when: the state of RFC 5321 s 4.1.4 and of each extension, as one table.

use super::Dialect;
use crate::Verb;

/// Where a session is (RFC 5321 s 3.1 to 3.3, 4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// No EHLO, HELO or LHLO was accepted yet, or not since TLS or XCLIENT.
    Start,
    /// Between transactions.
    Ready,
    /// MAIL was accepted, no recipient was.
    Mail,
    /// At least one recipient was accepted.
    Rcpt,
    /// At least one chunk was accepted, but not the last (RFC 3030 s 2).
    Chunks,
    /// A chunk was refused: nothing but RSET leads on (RFC 3030 s 2).
    Broken,
    /// The greeting was a refusal: nothing but QUIT is of use (RFC 5321 s 3.1).
    Refused,
}

const START: u8 = 1;
const READY: u8 = 2;
const MAIL: u8 = 4;
const RCPT: u8 = 8;
const CHUNKS: u8 = 16;
const BROKEN: u8 = 32;
/// Any phase but the refused session.
const ANY: u8 = START | READY | MAIL | RCPT | CHUNKS | BROKEN;
const TRANSACTION: u8 = MAIL | RCPT | CHUNKS | BROKEN;
const REFUSED: u8 = 64;

impl Phase {
    const fn bit(self) -> u8 {
        match self {
            Self::Start => START,
            Self::Ready => READY,
            Self::Mail => MAIL,
            Self::Rcpt => RCPT,
            Self::Chunks => CHUNKS,
            Self::Broken => BROKEN,
            Self::Refused => REFUSED,
        }
    }

    /// Whether MAIL was accepted and the transaction is not over.
    pub const fn is_in_transaction(self) -> bool {
        self.bit() & TRANSACTION != 0
    }
}

/// Whether a command may be followed by others in the same flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Anywhere in a pipelined group.
    Within,
    /// RFC 2920 s 3.1: only as the last of a group, so that its reply must not wait (s 3.2 (5)).
    Last,
}

/// One row: the command, the phases it is allowed in, its place in a group.
type Row = (Verb, u8, Group);

/// RFC 5321 s 4.1.4; RFC 2920 s 3.1; RFC 3030 s 2; RFC 3207 s 4; RFC 4954 s 4; RFC 1985 s 5.
static TABLE: &[Row] = &[
    (Verb::Mail, READY, Group::Within),
    // RFC 3030 s 2: chunks come after all recipients.
    (Verb::Rcpt, MAIL | RCPT, Group::Within),
    (Verb::Data, RCPT, Group::Last),
    (Verb::Bdat, RCPT | CHUNKS, Group::Within),
    (Verb::Burl, RCPT | CHUNKS, Group::Within),
    (Verb::Rset, ANY, Group::Within),
    (Verb::Ehlo, ANY, Group::Last),
    (Verb::Helo, ANY, Group::Last),
    (Verb::Lhlo, ANY, Group::Last),
    (Verb::Quit, ANY | REFUSED, Group::Last),
    (Verb::Noop, ANY, Group::Last),
    (Verb::Vrfy, ANY, Group::Last),
    (Verb::Expn, ANY, Group::Last),
    (Verb::Help, ANY, Group::Last),
    (Verb::StartTls, START | READY, Group::Last),
    (Verb::Auth, READY, Group::Last),
    (Verb::Etrn, READY, Group::Last),
    (Verb::Atrn, READY, Group::Last),
    (Verb::XClient, START | READY, Group::Last),
    (Verb::XForward, READY, Group::Within),
];

/// What the table says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Allowed(Group),
    /// 503: the command is known, but not now.
    OutOfSequence,
    /// 500: no such command in this dialect.
    Unknown,
}

/// Looks a command up.
pub(super) fn order(verb: Verb, phase: Phase, dialect: Dialect) -> Order {
    // RFC 2033 s 4.1: LHLO instead of HELO and EHLO, which LMTP does not have.
    let foreign = match dialect {
        Dialect::Smtp => verb == Verb::Lhlo,
        Dialect::Lmtp => matches!(verb, Verb::Ehlo | Verb::Helo),
    };
    match TABLE.iter().find(|(row, ..)| *row == verb) {
        Some(_) if foreign => Order::Unknown,
        Some((_, phases, group)) if phases & phase.bit() != 0 => Order::Allowed(*group),
        Some(_) => Order::OutOfSequence,
        None => Order::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_rfc_5321_s_4_1_4() {
        use Order::*;
        let rows = [
            (Verb::Mail, Phase::Start, OutOfSequence, "EHLO must come first"),
            (Verb::Mail, Phase::Mail, OutOfSequence, "a second MAIL"),
            (Verb::Rcpt, Phase::Ready, OutOfSequence, "RCPT without MAIL"),
            (Verb::Rcpt, Phase::Chunks, OutOfSequence, "RCPT after BDAT"),
            (Verb::Data, Phase::Mail, OutOfSequence, "no recipient"),
            (Verb::Data, Phase::Chunks, OutOfSequence, "RFC 3030 s 2: DATA after BDAT"),
            (Verb::Bdat, Phase::Chunks, Allowed(Group::Within), "the next chunk"),
            (Verb::Bdat, Phase::Broken, OutOfSequence, "RFC 3030 s 2: only RSET leads on"),
            (Verb::Rset, Phase::Broken, Allowed(Group::Within), "and does"),
            (Verb::Vrfy, Phase::Start, Allowed(Group::Last), "SHOULD work without EHLO"),
            (Verb::StartTls, Phase::Mail, OutOfSequence, "not inside a transaction"),
            (Verb::Auth, Phase::Rcpt, OutOfSequence, "RFC 4954 s 4: not during a transaction"),
            (Verb::Auth, Phase::Start, OutOfSequence, "not before EHLO"),
            (Verb::Quit, Phase::Refused, Allowed(Group::Last), "RFC 5321 s 3.1"),
            (Verb::Noop, Phase::Refused, OutOfSequence, "RFC 5321 s 3.1: 503"),
            (Verb::Lhlo, Phase::Start, Unknown, "no LHLO in SMTP"),
        ];
        for (verb, phase, want, shows) in rows {
            assert_eq!(order(verb, phase, Dialect::Smtp), want, "{shows}");
        }
        assert_eq!(order(Verb::Ehlo, Phase::Start, Dialect::Lmtp), Unknown, "RFC 2033 s 4.1");
        assert_eq!(order(Verb::Lhlo, Phase::Start, Dialect::Lmtp), Allowed(Group::Last));
    }
}
