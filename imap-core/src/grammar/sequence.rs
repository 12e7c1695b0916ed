//! Sequence sets: kept as they were written, never expanded.

use std::{fmt, num::NonZeroU32};

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::numbers::NumberSet;
use crate::writer::Writer;

/// Whether a command's numbers are message sequence numbers or, behind `UID`, unique identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 9051 s 2.3.1: there are these two
pub enum Numbering {
    /// RFC 9051 s 2.3.1.2.
    Sequence,
    /// RFC 9051 s 2.3.1.1.
    Uid,
}

/// `seq-number = nz-number / "*"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 9051 s 9
pub enum SeqNumber {
    /// A message sequence number or a UID.
    Number(NonZeroU32),
    /// `*`: the largest number in use.
    Largest,
}

impl SeqNumber {
    /// The number; `*` is `largest`.
    pub fn resolve(self, largest: u32) -> u32 {
        match self {
            Self::Number(number) => number.get(),
            Self::Largest => largest,
        }
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Largest => f.write_str("*"),
        }
    }
}

/// `seq-number / seq-range`, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 9051 s 9
pub enum SeqRange {
    /// One number.
    One(SeqNumber),
    /// `one:other`, whichever is greater.
    Range(SeqNumber, SeqNumber),
}

/// ```text
/// sequence-set     = (seq-number / seq-range) ["," sequence-set]
/// sequence-set     =/ seq-last-command
/// seq-range        = seq-number ":" seq-number
/// seq-number       = nz-number / "*"
/// seq-last-command = "$"
/// ```
///
/// It is its text: it costs what it weighs, however many messages it names.
///
/// ```
/// use mail46_imap_core::SequenceSet;
///
/// let set = SequenceSet::parse(b"*:4,5:7")?;
/// assert_eq!(set.ranges().count(), 2);
/// assert_eq!(set.resolve(10).unwrap().to_string(), "4:10"); // RFC 9051 s 9: "4,5,6,7,8,9,10"
/// assert!(SequenceSet::parse(b"1:4294967295")?.contains(77, 100));
/// assert!(SequenceSet::parse(b"0").is_err());
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SequenceSet<B = Bytes>(B);

impl<'a> SequenceSet<&'a [u8]> {
    /// Checks and borrows.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        Cursor::whole(octets, Self::read)
    }
}

impl<'a, B: Keep<'a>> SequenceSet<B> {
    #[inline]
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        match scan(c.rest()) {
            Ok(length) => Ok(Self(c.take_kept(length))),
            Err(at) => {
                c.take(at);
                Err(c.fault("a sequence set"))
            }
        }
    }
}

impl SequenceSet {
    /// `$`: the result of the last command that said RETURN (SAVE) (RFC 9051 s 6.4.4.1).
    pub const SAVED: Self = Self(Bytes::from_static(b"$"));

    /// Of one number.
    pub fn one(number: NonZeroU32) -> Self {
        Self(Bytes::from(number.to_string()))
    }

    /// Of a set; `None` if it is empty, or has the number 0, which no message has.
    pub fn of(numbers: &NumberSet) -> Option<Self> {
        (numbers.first()? > 0).then(|| Self(Bytes::from(numbers.to_string())))
    }

    /// Of ranges, in their order; `None` if there is none.
    pub fn from_ranges(ranges: impl IntoIterator<Item = SeqRange>) -> Option<Self> {
        let mut text = String::new();
        for range in ranges {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(&match range {
                SeqRange::One(number) => number.to_string(),
                SeqRange::Range(one, other) => format!("{one}:{other}"),
            });
        }
        (!text.is_empty()).then(|| Self(Bytes::from(text)))
    }
}

impl<B: AsRef<[u8]>> SequenceSet<B> {
    /// As it was written.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Whether it is, or ends in, `$`: what it names is known to the server's session alone.
    pub fn has_saved(&self) -> bool {
        self.as_bytes().last() == Some(&b'$')
    }

    /// Whether `*` is in it.
    pub fn has_largest(&self) -> bool {
        memchr::memchr(b'*', self.as_bytes()).is_some()
    }

    /// The ranges as they were written, without `$`.
    pub fn ranges(&self) -> Ranges<'_> {
        Ranges(self.as_bytes())
    }

    /// What it names, sorted and joined, where `*` is `largest`; `None` with `$`.
    ///
    /// RFC 9051 s 9: for sequence numbers `*` is the number of messages; for UIDs that of the last message, or the
    /// mailbox's UIDNEXT if it is empty.
    pub fn resolve(&self, largest: u32) -> Option<NumberSet> {
        (!self.has_saved()).then(|| self.resolve_with(largest, &NumberSet::new()))
    }

    /// The same, where `$` is `saved`.
    pub fn resolve_with(&self, largest: u32, saved: &NumberSet) -> NumberSet {
        let ends = self.ranges().map(|range| match range {
            SeqRange::One(number) => (number.resolve(largest), number.resolve(largest)),
            SeqRange::Range(one, other) => (one.resolve(largest), other.resolve(largest)),
        });
        // `*` of an empty mailbox is no message.
        let ends = ends.filter(|ends| ends.0.max(ends.1) > 0).map(|ends| (ends.0.max(1), ends.1.max(1)));
        let numbers: NumberSet = ends.collect();
        if self.has_saved() { numbers.union(saved) } else { numbers }
    }

    /// Whether `number` is in it, where `*` is `largest`; what `$` names is not looked at.
    pub fn contains(&self, number: u32, largest: u32) -> bool {
        self.ranges().any(|range| match range {
            SeqRange::One(one) => one.resolve(largest) == number,
            SeqRange::Range(one, other) => {
                let (one, other) = (one.resolve(largest), other.resolve(largest));
                (one.min(other)..=one.max(other)).contains(&number)
            }
        })
    }

    /// Whether it names a sequence number that none of `count` messages has: "The server should respond with a
    /// tagged BAD response […]. This includes "*" if the selected mailbox is empty" (RFC 9051 s 9).
    pub fn is_beyond(&self, count: u32) -> bool {
        self.ranges().any(|range| match range {
            SeqRange::One(one) => one.resolve(count) > count || one.resolve(count) == 0,
            SeqRange::Range(one, other) => one.resolve(count).max(other.resolve(count)) > count || count == 0,
        })
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(self.as_bytes());
    }
}

impl<B: AsRef<[u8]>> fmt::Display for SequenceSet<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.as_bytes()).unwrap_or_default())
    }
}

/// The ranges of a [`SequenceSet`].
#[derive(Clone, Debug)]
pub struct Ranges<'a>(&'a [u8]);

impl Iterator for Ranges<'_> {
    type Item = SeqRange;

    fn next(&mut self) -> Option<SeqRange> {
        let (one, rest) = seq_number(self.0)?;
        let (range, rest) = match rest.split_first() {
            Some((b':', rest)) => {
                let (other, rest) = seq_number(rest)?;
                (SeqRange::Range(one, other), rest)
            }
            _ => (SeqRange::One(one), rest),
        };
        self.0 = rest.strip_prefix(b",").unwrap_or_default();
        Some(range)
    }
}

fn seq_number(text: &[u8]) -> Option<(SeqNumber, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"*") {
        return Some((SeqNumber::Largest, rest));
    }
    let (number, length) = nz_number(text)?;
    Some((SeqNumber::Number(NonZeroU32::new(number)?), text.get(length..)?))
}

/// `nz-number` at the front: its value and length.
#[inline]
pub(crate) fn nz_number(text: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0_u64;
    let mut length = 0_usize;
    for octet in text {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        // nz-number = digit-nz *DIGIT: no 0 in front, and at most ten digits.
        if (digit == 0 && length == 0) || length == 10 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        length = length.wrapping_add(1);
    }
    if length == 0 {
        return None;
    }
    Some((u32::try_from(value).ok()?, length))
}

/// How long the sequence set at the front is, or where it goes wrong.
#[inline]
fn scan(text: &[u8]) -> Result<usize, usize> {
    let mut at = 0_usize;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let number = |rest: &[u8], at| match rest.first() {
            Some(b'*') => Ok(1),
            _ => nz_number(rest).map(|(_, length)| length).ok_or(at),
        };
        // By the ABNF, `$` may stand for the rest of the list.
        if rest.first() == Some(&b'$') {
            return Ok(at.saturating_add(1));
        }
        at = at.saturating_add(number(rest, at)?);
        if text.get(at) == Some(&b':') {
            at = at.saturating_add(1);
            at = at.saturating_add(number(text.get(at..).unwrap_or_default(), at)?);
        }
        if text.get(at) != Some(&b',') {
            return Ok(at);
        }
        at = at.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sets_as_they_are_written_and_what_they_name() {
        // (set, largest, what it names, what it shows)
        for (set, largest, want, shows) in [
            ("1", 9, "1", "one"),
            ("*", 9, "9", "the last"),
            ("*", 0, "", "the last of none"),
            ("2:4", 9, "2:4", "a range"),
            ("4:2", 9, "2:4", "RFC 9051 s 9: 2:4 and 4:2 are equivalent"),
            ("3291:*", 7, "7:3291", "RFC 9051 s 9: includes the UID of the last message"),
            ("2,4:7,9,12:*", 15, "2,4:7,9,12:15", "RFC 9051 s 9"),
            ("*:4,5:7", 10, "4:10", "RFC 9051 s 9"),
            ("*:4", 2, "2:4", "the last is less"),
            ("1:*", 0, "1", "1:0, and 0 is no message"),
            ("4294967295,1", 9, "1,4294967295", "the largest there is"),
            ("1:4294967295", 9, "1:4294967295", "all of them"),
            ("5,5,5:5", 9, "5", "again and again"),
        ] {
            let parsed = SequenceSet::parse(set.as_bytes()).unwrap();
            assert_eq!(parsed.to_string(), set, "{shows}");
            assert_eq!(parsed.resolve(largest).unwrap().to_string(), want, "{shows}");
            assert_eq!(SequenceSet::from_ranges(parsed.ranges()).unwrap().to_string(), set, "{shows}");
        }
    }

    #[test]
    fn wrong_sets_and_where() {
        for (set, at, shows) in [
            ("", 0, "empty sets are not"),
            ("0", 0, "nz-number"),
            ("01", 0, "no 0 in front"),
            ("4294967296", 0, "33 bits"),
            ("10000000000", 0, "eleven digits"),
            ("1,", 2, "nothing behind the comma"),
            (",1", 0, "nothing in front of it"),
            ("1:", 2, "half a range"),
            ("1:0", 2, "0 again"),
            (":1", 0, "the other half"),
            ("1::2", 2, "two colons"),
            ("1:$", 2, "$ is no number"),
            ("$,1", 1, "$ is the last"),
            ("1 ,2", 1, "a space"),
            ("-1", 0, "a sign"),
            ("1:2:3", 3, "three ends"),
        ] {
            assert_eq!(SequenceSet::parse(set.as_bytes()).unwrap_err().at(), at, "{set:?}: {shows}");
        }
    }

    #[test]
    fn the_saved_result_is_the_callers() {
        let set = SequenceSet::parse(b"$").unwrap();
        assert!(set.has_saved() && set.resolve(9).is_none() && set.ranges().next().is_none());
        let saved: NumberSet = [2, 3].into_iter().collect();
        assert_eq!(set.resolve_with(9, &saved), saved);
        assert_eq!(SequenceSet::SAVED.as_bytes(), set.as_bytes());
        let mixed = SequenceSet::parse(b"1,$").unwrap();
        assert_eq!(mixed.resolve_with(9, &saved).to_string(), "1:3");
    }

    #[test]
    fn numbers_that_no_message_has() {
        for (set, count, beyond) in [
            ("1:3", 3, false),
            ("4", 3, true),
            ("1:4", 3, true),
            ("*", 3, false),
            ("*", 0, true),
            ("1:*", 0, true),
        ] {
            assert_eq!(
                SequenceSet::parse(set.as_bytes()).unwrap().is_beyond(count),
                beyond,
                "{set} of {count}"
            );
        }
    }

    #[test]
    fn a_million_ranges_cost_what_they_weigh() {
        let text = (0..1_000_000_u32).map(|n| format!("{}", n * 3 + 1)).collect::<Vec<_>>().join(",");
        let set = SequenceSet::parse(text.as_bytes()).unwrap();
        assert_eq!(size_of_val(&set), size_of::<&[u8]>());
        assert_eq!(set.ranges().count(), 1_000_000);
        assert!(set.contains(2_999_998, 1) && !set.contains(2_999_999, 1));
    }

    proptest! {
        #[test]
        fn contains_is_what_resolve_names(set in "[1-9*]{1,2}(:[1-9*]|,[1-9]|,[1-9]:[1-9])*", largest in 0u32..12) {
            if let Ok(set) = SequenceSet::parse(set.as_bytes()) {
                let all = set.resolve(largest).unwrap();
                for number in 1..100 {
                    prop_assert_eq!(set.contains(number, largest), all.contains(number), "{} {}", set, number);
                }
                if let Some(again) = SequenceSet::of(&all) {
                    prop_assert_eq!(SequenceSet::parse(again.as_bytes()).unwrap().resolve(0).unwrap(), all);
                }
            }
        }
    }
}
