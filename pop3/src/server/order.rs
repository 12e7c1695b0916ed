//! What is allowed when: the states of RFC 1939 s 3 and of each extension, as one table.

use crate::Verb;

/// Where a session is (RFC 1939 s 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Nobody has logged in (s 4).
    Authorization,
    /// The maildrop is open (s 5).
    Transaction,
    /// QUIT was given (s 6).
    Update,
}

const AUTHORIZATION: u8 = 1;
const TRANSACTION: u8 = 2;

/// RFC 1939 s 9; RFC 2449 s 5; RFC 2595 s 4; RFC 5034 s 4; RFC 6856 s 2, 3.1.
static TABLE: &[(Verb, u8)] = &[
    (Verb::User, AUTHORIZATION),
    (Verb::Pass, AUTHORIZATION),
    (Verb::Apop, AUTHORIZATION),
    (Verb::Auth, AUTHORIZATION),
    (Verb::Stls, AUTHORIZATION),
    (Verb::Utf8, AUTHORIZATION),
    (Verb::Capa, AUTHORIZATION | TRANSACTION),
    (Verb::Lang, AUTHORIZATION | TRANSACTION),
    (Verb::Quit, AUTHORIZATION | TRANSACTION),
    (Verb::Other, AUTHORIZATION | TRANSACTION),
    (Verb::Stat, TRANSACTION),
    (Verb::List, TRANSACTION),
    (Verb::Uidl, TRANSACTION),
    (Verb::Retr, TRANSACTION),
    (Verb::Top, TRANSACTION),
    (Verb::Dele, TRANSACTION),
    (Verb::Noop, TRANSACTION),
    (Verb::Rset, TRANSACTION),
];

/// Whether a command may come in this state.
pub(super) fn is_allowed(verb: Verb, phase: Phase) -> bool {
    let bit = match phase {
        Phase::Authorization => AUTHORIZATION,
        Phase::Transaction => TRANSACTION,
        Phase::Update => 0,
    };
    TABLE.iter().any(|(row, phases)| *row == verb && phases & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_state_table() {
        let rows = [
            (Verb::User, true, false, "RFC 1939 s 7"),
            (Verb::Apop, true, false, "RFC 1939 s 7"),
            (Verb::Auth, true, false, "RFC 5034 s 4: only in AUTHORIZATION"),
            (Verb::Stls, true, false, "RFC 2595 s 4: only in AUTHORIZATION"),
            (Verb::Utf8, true, false, "RFC 6856 s 2"),
            (Verb::Lang, true, true, "RFC 6856 s 3.1"),
            (Verb::Capa, true, true, "RFC 2449 s 5"),
            (Verb::Quit, true, true, "RFC 1939 s 4, 6"),
            (Verb::Noop, false, true, "RFC 1939 s 5"),
            (Verb::Stat, false, true, "RFC 1939 s 5"),
            (Verb::Dele, false, true, "RFC 1939 s 5"),
            (Verb::Rset, false, true, "RFC 1939 s 5"),
        ];
        for (verb, authorization, transaction, shows) in rows {
            assert_eq!(is_allowed(verb, Phase::Authorization), authorization, "{verb:?}: {shows}");
            assert_eq!(is_allowed(verb, Phase::Transaction), transaction, "{verb:?}: {shows}");
            assert!(!is_allowed(verb, Phase::Update), "{verb:?} after QUIT");
        }
    }
}
