use std::fmt;

/// What is accepted beyond the grammar, each by its name.
///
/// A set of flags: combine with [`with`](Self::with), ask with [`contains`](Self::contains). None of them touches a
/// line end, the end of data or STARTTLS: those are never tolerated in another form.
///
/// ```
/// use mail46_smtp::{Command, Quirks, Rules};
///
/// let line = b"MAIL FROM: <alice@example.com>";
/// assert!(Command::parse(line, &Rules::default()).is_err());
/// let parsed = Command::parse(line, &Rules::new(Quirks::mx()))?;
/// assert_eq!(parsed.tolerated, Quirks::SPACE_AFTER_COLON);
/// assert_eq!(parsed.tolerated.to_string(), "space-after-colon");
/// # Ok::<(), mail46_smtp::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Quirks(u16);

impl Quirks {
    /// Spaces between `FROM:` or `TO:` and the path: `MAIL FROM: <a@example.com>`.
    pub const SPACE_AFTER_COLON: Self = Self(1);
    /// A path without its angle brackets: `MAIL FROM:a@example.com`.
    pub const MISSING_ANGLE_BRACKETS: Self = Self(1 << 1);
    /// An IPv6 literal without its tag: `EHLO [2001:db8::1]`.
    pub const UNTAGGED_IPV6_LITERAL: Self = Self(1 << 2);
    /// Underscores in the name behind EHLO, HELO and LHLO: `EHLO my_host`.
    pub const UNDERSCORE_HOST: Self = Self(1 << 3);
    /// White space before the line end (RFC 5321 s 4.1.1 says SHOULD tolerate).
    pub const TRAILING_SPACE: Self = Self(1 << 4);
    /// Two spaces or more where the grammar has one: `MAIL  FROM:<a@example.com>  SIZE=1`.
    pub const DOUBLED_SPACE: Self = Self(1 << 5);
    /// Any text behind NOOP, HELP, VRFY and EXPN, where the grammar has one word: `NOOP hello world`.
    pub const FREE_TEXT: Self = Self(1 << 6);
    /// Text behind the host of EHLO, HELO and LHLO (RFC 5321 s 4.1.1.1: "prepared for this string to occur").
    pub const TEXT_AFTER_HOST: Self = Self(1 << 7);

    const NAMES: [(Self, &str); 8] = [
        (Self::SPACE_AFTER_COLON, "space-after-colon"),
        (Self::MISSING_ANGLE_BRACKETS, "missing-angle-brackets"),
        (Self::UNTAGGED_IPV6_LITERAL, "untagged-ipv6-literal"),
        (Self::UNDERSCORE_HOST, "underscore-host"),
        (Self::TRAILING_SPACE, "trailing-space"),
        (Self::DOUBLED_SPACE, "doubled-space"),
        (Self::FREE_TEXT, "free-text"),
        (Self::TEXT_AFTER_HOST, "text-after-host"),
    ];

    /// The grammar and nothing else.
    pub const fn none() -> Self {
        Self(0)
    }

    /// What a mail exchanger meets from hosts that deliver: everything but
    /// [`MISSING_ANGLE_BRACKETS`](Self::MISSING_ANGLE_BRACKETS) and
    /// [`UNTAGGED_IPV6_LITERAL`](Self::UNTAGGED_IPV6_LITERAL).
    pub const fn mx() -> Self {
        Self::SPACE_AFTER_COLON
            .with(Self::UNDERSCORE_HOST)
            .with(Self::TRAILING_SPACE)
            .with(Self::DOUBLED_SPACE)
            .with(Self::FREE_TEXT)
            .with(Self::TEXT_AFTER_HOST)
    }

    /// What a submission server meets from mail programs and devices: everything.
    pub const fn submission() -> Self {
        Self::mx().with(Self::MISSING_ANGLE_BRACKETS).with(Self::UNTAGGED_IPV6_LITERAL)
    }

    /// Both together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This without the other.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The quirks one by one.
    pub fn iter(self) -> impl Iterator<Item = Self> {
        Self::NAMES.into_iter().map(|(quirk, _)| quirk).filter(move |quirk| self.contains(*quirk))
    }

    /// Their names, for a log or a configuration file.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(quirk, _)| self.contains(*quirk)).map(|(_, name)| name)
    }

    /// The quirk of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(quirk, _)| quirk)
    }
}

impl fmt::Display for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, name) in self.names().enumerate() {
            if nth > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quirks({self})")
    }
}

/// How a command line is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What is accepted beyond the grammar.
    pub quirks: Quirks,
    /// Whether addresses may be in UTF-8.
    pub utf8: Utf8,
}

/// Whether a path, ORCPT, VRFY or EXPN may hold octets above 127 (RFC 6531).
///
/// MAIL must say SMTPUTF8 for that even where it is accepted (RFC 6531 s 3.4). RCPT has no such word: a server
/// accepts UTF-8 there if the transaction's MAIL said it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // two-way choice
pub enum Utf8 {
    /// SMTPUTF8 was not offered, or not asked for in this transaction.
    #[default]
    Refuse,
    /// SMTPUTF8 was offered.
    Accept,
}

impl Rules {
    /// With these quirks and without UTF-8.
    pub const fn new(quirks: Quirks) -> Self {
        Self { quirks, utf8: Utf8::Refuse }
    }

    /// The same with UTF-8 as said.
    pub const fn utf8(self, utf8: Utf8) -> Self {
        Self { utf8, ..self }
    }
}
