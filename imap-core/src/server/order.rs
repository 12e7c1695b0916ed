//! What is allowed when: the states of RFC 9051 s 3 and of each extension, as one table.

use crate::Extension;

/// Where a session is (RFC 9051 s 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 9051 s 3
pub enum State {
    /// Nobody has logged in (s 3.1).
    NotAuthenticated,
    /// Somebody has, and no mailbox is selected (s 3.2).
    Authenticated,
    /// A mailbox is (s 3.3).
    Selected,
    /// It is over (s 3.4).
    Logout,
}

const ANY: u8 = NOT | BOTH;
const NOT: u8 = 1;
const AUTH: u8 = 2;
const SELECTED: u8 = 4;
const BOTH: u8 = AUTH | SELECTED;

macro_rules! verbs {
    ($($name:ident = $text:literal, $states:expr, $rfc:literal;)*) => {
        /// The commands that a server may offer, by their names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Verb {
            $(#[doc = concat!("`", $text, "` (", $rfc, ")")] $name,)*
        }

        impl Verb {
            /// Each of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it is written.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            const fn states(self) -> u8 {
                match self { $(Self::$name => $states,)* }
            }
        }
    };
}

verbs! {
    Capability = "CAPABILITY", ANY, "RFC 9051 s 6.1.1";
    Noop = "NOOP", ANY, "RFC 9051 s 6.1.2";
    Logout = "LOGOUT", ANY, "RFC 9051 s 6.1.3";
    Id = "ID", ANY, "RFC 2971 s 3.1";
    StartTls = "STARTTLS", NOT, "RFC 9051 s 6.2.1";
    Authenticate = "AUTHENTICATE", NOT, "RFC 9051 s 6.2.2";
    Login = "LOGIN", NOT, "RFC 9051 s 6.2.3";
    Compress = "COMPRESS", BOTH, "RFC 4978 s 3";
    Enable = "ENABLE", AUTH, "RFC 9051 s 6.3.1";
    Select = "SELECT", BOTH, "RFC 9051 s 6.3.2";
    Examine = "EXAMINE", BOTH, "RFC 9051 s 6.3.3";
    Create = "CREATE", BOTH, "RFC 9051 s 6.3.4";
    Delete = "DELETE", BOTH, "RFC 9051 s 6.3.5";
    Rename = "RENAME", BOTH, "RFC 9051 s 6.3.6";
    Subscribe = "SUBSCRIBE", BOTH, "RFC 9051 s 6.3.7";
    Unsubscribe = "UNSUBSCRIBE", BOTH, "RFC 9051 s 6.3.8";
    List = "LIST", BOTH, "RFC 9051 s 6.3.9";
    Lsub = "LSUB", BOTH, "RFC 3501 s 6.3.9";
    Namespace = "NAMESPACE", BOTH, "RFC 9051 s 6.3.10";
    Status = "STATUS", BOTH, "RFC 9051 s 6.3.11";
    Append = "APPEND", BOTH, "RFC 9051 s 6.3.12";
    Idle = "IDLE", BOTH, "RFC 9051 s 6.3.13";
    GetQuota = "GETQUOTA", BOTH, "RFC 9208 s 4.1.1";
    GetQuotaRoot = "GETQUOTAROOT", BOTH, "RFC 9208 s 4.1.2";
    GetMetadata = "GETMETADATA", BOTH, "RFC 5464 s 4.2";
    SetMetadata = "SETMETADATA", BOTH, "RFC 5464 s 4.3";
    Check = "CHECK", SELECTED, "RFC 3501 s 6.4.1";
    Close = "CLOSE", SELECTED, "RFC 9051 s 6.4.1";
    Unselect = "UNSELECT", SELECTED, "RFC 9051 s 6.4.2";
    Expunge = "EXPUNGE", SELECTED, "RFC 9051 s 6.4.3";
    Search = "SEARCH", SELECTED, "RFC 9051 s 6.4.4";
    Sort = "SORT", SELECTED, "RFC 5256 s 3";
    Thread = "THREAD", SELECTED, "RFC 5256 s 3";
    Fetch = "FETCH", SELECTED, "RFC 9051 s 6.4.5";
    Store = "STORE", SELECTED, "RFC 9051 s 6.4.6";
    Copy = "COPY", SELECTED, "RFC 9051 s 6.4.7";
    Move = "MOVE", SELECTED, "RFC 9051 s 6.4.8";
    Replace = "REPLACE", SELECTED, "RFC 8508 s 3";
    UidExpunge = "UID EXPUNGE", SELECTED, "RFC 9051 s 6.4.9";
    UidSearch = "UID SEARCH", SELECTED, "RFC 9051 s 6.4.9";
    UidSort = "UID SORT", SELECTED, "RFC 5256 s 3";
    UidThread = "UID THREAD", SELECTED, "RFC 5256 s 3";
    UidFetch = "UID FETCH", SELECTED, "RFC 9051 s 6.4.9";
    UidStore = "UID STORE", SELECTED, "RFC 9051 s 6.4.9";
    UidCopy = "UID COPY", SELECTED, "RFC 9051 s 6.4.9";
    UidMove = "UID MOVE", SELECTED, "RFC 9051 s 6.4.9";
    UidReplace = "UID REPLACE", SELECTED, "RFC 8508 s 3.5";
}

impl Verb {
    /// Whether a command may come in this state.
    pub fn is_allowed(self, state: State) -> bool {
        let bit = match state {
            State::NotAuthenticated => NOT,
            State::Authenticated => AUTH,
            State::Selected => SELECTED,
            State::Logout => 0,
        };
        self.states() & bit != 0
    }

    /// Of a command's line behind its tag and space, and how many octets its name has.
    pub(super) fn of(text: &[u8]) -> Option<(Self, usize)> {
        let end = text.iter().position(|octet| !octet.is_ascii_alphanumeric()).unwrap_or(text.len());
        let mut name = text.get(..end)?;
        if name.eq_ignore_ascii_case(b"UID") {
            let behind = text.get(end..)?.strip_prefix(b" ")?;
            let word = behind.iter().position(|octet| !octet.is_ascii_alphanumeric()).unwrap_or(behind.len());
            name = text.get(..end.saturating_add(1).saturating_add(word))?;
        }
        let verb = Self::ALL.iter().find(|verb| verb.name().as_bytes().eq_ignore_ascii_case(name))?;
        Some((*verb, name.len()))
    }

    /// What a server must offer for the command to be one; `None` for those of both revisions.
    pub(super) fn needs(self) -> Option<Extension> {
        Some(match self {
            Self::Id => Extension::Id,
            Self::Enable => Extension::Enable,
            Self::Namespace => Extension::Namespace,
            Self::Idle => Extension::Idle,
            Self::GetQuota | Self::GetQuotaRoot => Extension::Quota,
            Self::GetMetadata | Self::SetMetadata => Extension::Metadata,
            Self::Lsub | Self::Check => Extension::Imap4Rev1,
            Self::Unselect => Extension::Unselect,
            Self::UidExpunge => Extension::UidPlus,
            Self::Sort | Self::UidSort => Extension::Sort,
            Self::Move | Self::UidMove => Extension::Move,
            Self::Replace | Self::UidReplace => Extension::Replace,
            _ => return None,
        })
    }

    /// Whether messages may be told as gone while this command runs. RFC 9051 s 7.5.1: "An EXPUNGE response MUST NOT be sent
    /// when no command is in progress, nor while responding to a FETCH, STORE, or SEARCH command"; RFC 5256 s 3 for SORT
    /// and THREAD; RFC 7162 s 3.2.10.1: the same holds for VANISHED. A command by UID may.
    pub fn lets_expunge(self) -> bool {
        !matches!(self, Self::Fetch | Self::Store | Self::Search | Self::Sort | Self::Thread)
    }

    /// Whether it names messages by sequence numbers, which UIDONLY forbids (RFC 9586 s 3).
    pub(super) fn is_by_sequence(self) -> bool {
        matches!(
            self,
            Self::Fetch
                | Self::Store
                | Self::Search
                | Self::Sort
                | Self::Thread
                | Self::Copy
                | Self::Move
                | Self::Replace
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_state_table() {
        // (command, not authenticated, authenticated, selected)
        let rows = [
            ("CAPABILITY", true, true, true),
            ("NOOP", true, true, true),
            ("LOGOUT", true, true, true),
            ("ID", true, true, true),
            ("STARTTLS", true, false, false),
            ("AUTHENTICATE", true, false, false),
            ("LOGIN", true, false, false),
            ("ENABLE", false, true, false),
            ("SELECT", false, true, true),
            ("APPEND", false, true, true),
            ("IDLE", false, true, true),
            ("COMPRESS", false, true, true),
            ("CLOSE", false, false, true),
            ("UNSELECT", false, false, true),
            ("FETCH", false, false, true),
            ("uid fetch", false, false, true),
            ("Uid Expunge", false, false, true),
        ];
        for (text, not, authenticated, selected) in rows {
            let (verb, length) = Verb::of(text.as_bytes()).unwrap();
            assert_eq!(length, text.len());
            assert_eq!(verb.is_allowed(State::NotAuthenticated), not, "{text}");
            assert_eq!(verb.is_allowed(State::Authenticated), authenticated, "{text}");
            assert_eq!(verb.is_allowed(State::Selected), selected, "{text}");
            assert!(!verb.is_allowed(State::Logout), "{text}");
        }
        for verb in Verb::ALL {
            assert_eq!(Verb::of(verb.name().as_bytes()).map(|found| found.0), Some(*verb));
        }
        assert_eq!(Verb::of(b"FETCHX 1"), None);
        assert_eq!(Verb::of(b"UID"), None);
        assert_eq!(Verb::of(b"UID LOGIN"), None);
        assert!(!Verb::Fetch.lets_expunge() && Verb::UidFetch.lets_expunge() && Verb::Idle.lets_expunge());
    }
}
