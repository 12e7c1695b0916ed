use std::fmt;

use crate::{Mailbox, datetime::DateTime, xtext::XText};

/// What a message's body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Body {
    /// `7BIT`: lines of ASCII.
    SevenBit,
    /// `8BITMIME`: lines of any octets (RFC 6152).
    EightBitMime,
    /// `BINARYMIME`: any octets, and only by BDAT (RFC 3030 s 3).
    BinaryMime,
}

/// How much of the message a report about its failure brings back (RFC 3461 s 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has two
pub enum Ret {
    /// All of it.
    Full,
    /// Its header section.
    Hdrs,
}

/// When reports are wanted (RFC 3461 s 4.1): `NEVER`, or any of the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Notify(u8);

/// Who submitted a message, told by a trusted relay (RFC 4954 s 5): the text of AUTH=.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Submitter<'a>(XText<&'a [u8]>);

/// By when a message is to be delivered, and what if it is not (RFC 2852 s 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // the grammar has three parts
pub struct By {
    /// Seconds from now, of at most nine digits; below zero if the time has passed on the way.
    pub seconds: i32,
    /// What is to be done then.
    pub mode: ByMode,
    /// Whether each relay is to be reported.
    pub trace: ByTrace,
}

/// What is to be done with a message that is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has two
pub enum ByMode {
    /// `N`: say so, and go on trying.
    Notify,
    /// `R`: return it.
    Return,
}

/// Whether a relay is reported (`T`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has two
pub enum ByTrace {
    /// No report.
    Off,
    /// A "relayed" report from each relay.
    On,
}

/// Since when the recipient must have had the mailbox (RFC 7293 s 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // the grammar has two parts
pub struct Rrvs<'a> {
    /// The time.
    pub since: DateTime<'a>,
    /// What a relay does whose next hop does not know RRVS.
    pub action: Option<RrvsAction>,
}

/// `;C` or `;R` behind an RRVS time (RFC 7293 s 5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has two
pub enum RrvsAction {
    /// `C`: go on without.
    Continue,
    /// `R`: refuse the message.
    Reject,
}

impl Body {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        }
    }

    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        [Self::EightBitMime, Self::SevenBit, Self::BinaryMime]
            .into_iter()
            .find(|body| value.eq_ignore_ascii_case(body.as_str().as_bytes()))
    }
}

impl Notify {
    /// No report at all, not of a failure either.
    pub const NEVER: Self = Self(0);
    /// When it was delivered.
    pub const SUCCESS: Self = Self(1);
    /// When it cannot be delivered.
    pub const FAILURE: Self = Self(2);
    /// When it is late.
    pub const DELAY: Self = Self(4);

    const WORDS: [(Self, &str); 3] =
        [(Self::SUCCESS, "SUCCESS"), (Self::FAILURE, "FAILURE"), (Self::DELAY, "DELAY")];

    /// Both together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no report is wanted.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// Whether any of `other` is wanted.
    pub const fn wants(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// `"NEVER" / 1#notify-list-element`: NEVER stands alone (RFC 3461 s 4.1).
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        if value.eq_ignore_ascii_case(b"NEVER") {
            return Some(Self::NEVER);
        }
        let mut wanted = Self::NEVER;
        for word in value.split(|octet| *octet == b',') {
            let (known, _) =
                Self::WORDS.iter().find(|(_, known)| word.eq_ignore_ascii_case(known.as_bytes()))?;
            wanted = wanted.with(*known);
        }
        Some(wanted)
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_never() {
            return f.write_str("NEVER");
        }
        let wanted = Self::WORDS.iter().filter(|(word, _)| self.wants(*word));
        for (nth, (_, word)) in wanted.enumerate() {
            if nth > 0 {
                f.write_str(",")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notify({self})")
    }
}

impl<'a> Submitter<'a> {
    /// `<>`: not known, or not to be told.
    pub const UNKNOWN: Submitter<'static> = Submitter(XText::from_checked(b"<>"));

    /// As it was sent.
    pub fn as_xtext(&self) -> XText<&'a [u8]> {
        self.0
    }

    /// Who; `None` for `<>`.
    pub fn mailbox(&self) -> Option<Mailbox> {
        Mailbox::parse(&self.0.decode()).ok().map(|mailbox| mailbox.to_owned())
    }

    /// RFC 4954 s 8: "The decoded form of the xtext MUST be either a Mailbox or the two characters "<>"".
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let text = XText::parse(value).ok()?;
        if memchr::memchr(b'+', value).is_none() {
            return (value == b"<>" || Mailbox::parse(value).is_ok()).then_some(Self(text));
        }
        // On the stack: an accepted command allocates nothing.
        let mut decoded = [0; 256];
        let mut length: usize = 0;
        for octet in text.octets() {
            *decoded.get_mut(length)? = octet;
            length = length.saturating_add(1);
        }
        let decoded = decoded.get(..length)?;
        (decoded == b"<>" || Mailbox::parse(decoded).is_ok()).then_some(Self(text))
    }
}

impl By {
    /// `by-value = by-time ";" by-mode [by-trace]`, `by-time = ["-" / "+"]1*9digit`
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let semicolon = memchr::memchr(b';', value)?;
        let (time, rest) = value.split_at_checked(semicolon)?;
        let (sign, digits) = match time.split_first()? {
            (b'-', digits) => (-1_i32, digits),
            (b'+', digits) => (1, digits),
            _ => (1, time),
        };
        if digits.len() > 9 {
            return None;
        }
        let seconds = i32::try_from(number(digits)?).ok()?.wrapping_mul(sign);
        let (mode, trace) = match rest.get(1..)? {
            [mode] => (mode, ByTrace::Off),
            [mode, b'T' | b't'] => (mode, ByTrace::On),
            _ => return None,
        };
        let mode = match mode {
            b'N' | b'n' => ByMode::Notify,
            // "a negative or zero value is not allowed with a by-mode of "R""
            b'R' | b'r' if seconds > 0 => ByMode::Return,
            _ => return None,
        };
        Some(Self { seconds, mode, trace })
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            ByMode::Notify => "N",
            ByMode::Return => "R",
        };
        let trace = match self.trace {
            ByTrace::Off => "",
            ByTrace::On => "T",
        };
        write!(f, "{};{mode}{trace}", self.seconds)
    }
}

impl<'a> Rrvs<'a> {
    /// `date-time [ ";" ( "C" / "R" ) ]`
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let (time, action) = match value {
            [time @ .., b';', b'C' | b'c'] => (time, Some(RrvsAction::Continue)),
            [time @ .., b';', b'R' | b'r'] => (time, Some(RrvsAction::Reject)),
            _ => (value, None),
        };
        Some(Self { since: DateTime::parse(time)?, action })
    }
}

/// `size-value ::= 1*20DIGIT`
pub(crate) fn size(digits: &[u8]) -> Option<u64> {
    if digits.len() > 20 {
        return None;
    }
    number(digits)
}

/// Decimal digits; a number that does not fit is the greatest that does.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut number: u64 = 0;
    // Nineteen always fit.
    let (fitting, rest) = digits.split_at_checked(19).unwrap_or((digits, b""));
    for digit in fitting {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')));
    }
    for digit in rest {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')));
    }
    Some(number)
}

/// `future-release-integer = %x31-39 *8DIGIT`
pub(crate) fn hold_for(digits: &[u8]) -> Option<u32> {
    if digits.len() > 9 || digits.first() == Some(&b'0') {
        return None;
    }
    u32::try_from(number(digits)?).ok()
}

/// `priority-value = (["-"] NZDIGIT) / "0"`
pub(crate) fn priority(text: &[u8]) -> Option<i8> {
    match text {
        b"0" => Some(0),
        [digit @ b'1'..=b'9'] => i8::try_from(digit.wrapping_sub(b'0')).ok(),
        [b'-', digit @ b'1'..=b'9'] => i8::try_from(digit.wrapping_sub(b'0')).ok().map(i8::wrapping_neg),
        _ => None,
    }
}
