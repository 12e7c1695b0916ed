/// Which grammar holds: what was enabled on this connection, and which strayings are let pass.
///
/// The machine owns it and changes it where the RFCs say so; parsers and writers are handed a reference.
///
/// ```
/// use mail46_imap_core::{Mode, Profile, Quirk, Quirks};
///
/// assert!(!Mode::new(Profile::Strict).tolerates(Quirk::EightBit));
/// let proton = Mode { quirks: Quirks::NONE.with(Quirk::EightBit), ..Mode::new(Profile::Strict) };
/// assert!(proton.tolerates(Quirk::EightBit));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// What is let pass although the grammar forbids it.
    pub quirks: Quirks,
    /// ENABLE IMAP4rev2 has completed (RFC 9051 s 6.3.1).
    pub rev2: bool,
    /// ENABLE UTF8=ACCEPT has completed (RFC 6855 s 3).
    pub utf8: bool,
    /// CONDSTORE is in use (RFC 7162 s 3.1).
    pub condstore: bool,
    /// ENABLE QRESYNC has completed (RFC 7162 s 3.2.3).
    pub qresync: bool,
    /// ENABLE UIDONLY has completed (RFC 9586 s 3).
    pub uidonly: bool,
    /// Which literals a client may send without waiting.
    pub literals: Literals,
}

/// Which literals a client may send without waiting for the server's word (RFC 7888).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Literals {
    /// None.
    #[default]
    Synchronizing,
    /// LITERAL-: those of at most 4,096 octets (RFC 7888 s 5).
    Minus,
    /// LITERAL+: all (RFC 7888 s 4).
    Plus,
}

/// Octets of a non-synchronizing literal under LITERAL- at most (RFC 7888 s 5).
pub(crate) const LITERAL_MINUS_MAX: u64 = 4096;

/// How much straying is let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// None: the RFCs' grammar and nothing else. For servers, and for tests of servers.
    Strict,
    /// All that is named in [`Quirk`]. For clients of servers as they are.
    Liberal,
}

macro_rules! quirks {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A way in which real peers stray from the grammar, let pass where the [`Mode`] says so. Each has a test with a
        /// peer's own line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Quirk {
            $($(#[$doc])* $name,)*
        }

        impl Quirk {
            /// Each of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

quirks! {
    /// A space before the end of the line (Exchange after STATUS; Courier, Zimbra after CAPABILITY and SEARCH).
    TrailingSpace,
    /// More than one space where one belongs (DavMail).
    DoubleSpace,
    /// A space behind `(` or before `)` (QQ in FETCH, Surgemail in lists).
    SpaceInParentheses,
    /// No space where one belongs, between two things that cannot be taken for one (Gmail's `)(`, old Cyrus).
    MissingSpace,
    /// A status response without text, or a response code without the space behind it (`* OK [HIGHESTMODSEQ 1]`, Gmail).
    MissingText,
    /// A continuation request `+` without its space.
    BareContinuation,
    /// Octets over 127 where only ASCII may stand, or that are no UTF-8 (Proton Bridge, in quoted strings).
    EightBit,
    /// A backslash in a quoted string before anything but `"` and `\`.
    StrayBackslash,
    /// Control characters, CR and LF among them inside quotes, where text belongs.
    ControlCharacter,
    /// `]` or `\*` or other specials in a flag (Gmail, Zoho, GreenMail).
    FlagSpecials,
    /// NIL where a string belongs (Mail.ru's `("boundary" NIL)`).
    NilString,
    /// An atom where a string belongs.
    UnquotedString,
    /// A negative number where an unsigned one belongs (Exchange's `-1` lines, Zoho's MODSEQ).
    NegativeNumber,
    /// Zero where a number over zero belongs (UIDVALIDITY 0, MODSEQ 0).
    Zero,
    /// A number that does not fit, taken for the greatest that does.
    HugeNumber,
    /// A status code with no `* OK` before it (old Exchange's `[COPYUID …]`).
    MissingStatus,
    /// An empty list where at least one thing belongs.
    EmptyList,
    /// A field of a body or an envelope that is left out, or a body that is `()` (Gmail, Yandex, Domino).
    MissingField,
    /// A FETCH item in parentheses of its own (Domino).
    ExtraParentheses,
    /// A non-synchronizing literal from a server (RFC 9051 s 4.3 forbids it).
    ServerLiteralPlus,
    /// A date in another form than the grammar's (one digit for a day, no zone).
    DateForm,
    /// A FETCH item, a response code or a piece of a list that cannot be read: it alone is kept raw.
    BrokenItem,
    /// A CAPABILITY list that does not name IMAP4rev1 or IMAP4rev2.
    NoRevision,
}

/// A set of [`Quirk`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u64);

impl Quirks {
    /// None: [`Profile::Strict`].
    pub const NONE: Self = Self(0);
    /// All: [`Profile::Liberal`].
    pub const ALL: Self = Self(u64::MAX);

    /// Whether it is one of them.
    #[inline]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u32) != 0
    }

    /// These and that one.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | 1 << quirk as u32)
    }

    /// These without that one.
    #[must_use]
    pub const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !(1 << quirk as u32))
    }
}

impl std::fmt::Debug for Quirks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(Quirk::ALL.iter().filter(|quirk| self.has(**quirk))).finish()
    }
}

/// For text that was checked when it was read: anything goes.
pub(crate) static CHECKED: Mode = Mode { utf8: true, ..Mode::new(Profile::Liberal) };

impl Mode {
    /// A new connection, nothing enabled.
    pub const fn new(profile: Profile) -> Self {
        let quirks = match profile {
            Profile::Strict => Quirks::NONE,
            Profile::Liberal => Quirks::ALL,
        };
        Self {
            quirks,
            rev2: false,
            utf8: false,
            condstore: false,
            qresync: false,
            uidonly: false,
            literals: Literals::Synchronizing,
        }
    }

    /// Whether that is let pass.
    #[inline]
    pub const fn tolerates(&self, quirk: Quirk) -> bool {
        self.quirks.has(quirk)
    }

    /// Whether quoted strings and text may hold UTF-8 (RFC 9051 s 9, RFC 6855 s 3).
    #[inline]
    pub const fn takes_utf8(&self) -> bool {
        self.rev2 || self.utf8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_what_it_holds() {
        assert!(Quirk::ALL.len() < 64, "a bit each");
        for quirk in Quirk::ALL {
            assert!(Mode::new(Profile::Liberal).tolerates(*quirk));
            assert!(!Mode::new(Profile::Strict).tolerates(*quirk));
            let one = Quirks::NONE.with(*quirk);
            assert!(Quirk::ALL.iter().all(|other| one.has(*other) == (other == quirk)));
            assert_eq!(one.without(*quirk), Quirks::NONE);
            assert_eq!(format!("{one:?}"), format!("{{{quirk:?}}}"));
        }
    }
}
