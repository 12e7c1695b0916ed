use std::fmt;
use std::num::NonZeroU32;

use bytes::Bytes;

use crate::grammar::class::{self, Class};
use crate::grammar::string::IString;
use crate::mode::{CHECKED, Mode, Profile, Quirk, Quirks};
use crate::writer::Side;

/// Where parsed octets are kept: borrowed from the frame (`&[u8]`), or shared with it (`Bytes`).
pub trait Keep<'a>: AsRef<[u8]> + Clone + Sized {
    /// What the frame is.
    type Source: ?Sized;
    /// Keeps a piece of it.
    fn keep(source: &'a Self::Source, piece: &'a [u8]) -> Self;
}

impl<'a> Keep<'a> for &'a [u8] {
    type Source = [u8];
    #[inline(always)]
    fn keep(_: &'a [u8], piece: &'a [u8]) -> Self {
        piece
    }
}

impl<'a> Keep<'a> for Bytes {
    type Source = Self;
    #[inline]
    fn keep(source: &'a Self, piece: &'a [u8]) -> Self {
        source.slice_ref(piece)
    }
}

/// Reads a frame from its start to its end, once.
///
/// A parser is `fn parse<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Self>`, and leaves the cursor behind what it read.
pub(crate) struct Cursor<'a, B: Keep<'a>> {
    /// What is not read yet.
    rest: &'a [u8],
    whole: &'a [u8],
    source: &'a B::Source,
    mode: &'a Mode,
    /// Offsets of literals whose octets were streamed and are not in the frame: where they would begin.
    streamed: &'a [usize],
    noted: Quirks,
    deviations: Vec<Deviation>,
    /// From here on an excerpt would show a secret.
    secret: bool,
    side: Side,
}

/// A straying that was let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviation {
    /// Which.
    pub quirk: Quirk,
    /// The offset in the frame, of the first time.
    pub at: usize,
}

/// Where a frame is wrong, what was expected there, and what stands there instead.
///
/// The excerpt is escaped, short, and none where it could show a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SyntaxError(Box<Detail>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    at: usize,
    expected: &'static str,
    found: Option<Box<[u8]>>,
}

/// Octets of an excerpt at most.
const EXCERPT: usize = 24;

pub(crate) type Result<T, E = SyntaxError> = std::result::Result<T, E>;

impl SyntaxError {
    /// The offset in the frame.
    pub fn at(&self) -> usize {
        self.0.at
    }

    /// What the grammar has there.
    pub fn expected(&self) -> &'static str {
        self.0.expected
    }

    /// What stands there, cut short; none in a command that carries a secret.
    pub fn found(&self) -> Option<&[u8]> {
        self.0.found.as_deref()
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: expected {}", self.at(), self.expected())?;
        match self.found() {
            Some([]) => f.write_str(", found the end"),
            Some(found) => write!(f, ", found \"{}\"", found.escape_ascii()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyntaxError({self})")
    }
}

impl std::error::Error for SyntaxError {}

impl<'a> Cursor<'a, &'a [u8]> {
    /// Over borrowed octets.
    pub(crate) fn borrowed(octets: &'a [u8], mode: &'a Mode) -> Self {
        Self::new(octets, octets, mode)
    }

    /// One thing that all of `octets` must be, by the strict grammar.
    pub(crate) fn whole<T>(octets: &'a [u8], parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        static STRICT: Mode = Mode::new(Profile::Strict);
        let mut c = Self::borrowed(octets, &STRICT);
        let thing = parse(&mut c)?;
        if c.rest.is_empty() { Ok(thing) } else { Err(c.fault("the end")) }
    }
}

impl<'a> Cursor<'a, &'a [u8]> {
    /// Over text that was checked when it was read.
    pub(crate) fn checked(octets: &'a [u8]) -> Self {
        Self::borrowed(octets, &CHECKED)
    }
}

impl<'a> Cursor<'a, Bytes> {
    /// Over octets to share.
    pub(crate) fn shared(octets: &'a Bytes, mode: &'a Mode) -> Self {
        Self::new(octets, octets, mode)
    }
}

impl<'a, B: Keep<'a>> Cursor<'a, B> {
    /// `octets` must be what `source` holds.
    pub(crate) fn new(octets: &'a [u8], source: &'a B::Source, mode: &'a Mode) -> Self {
        Self {
            rest: octets,
            whole: octets,
            source,
            mode,
            streamed: &[],
            noted: Quirks::NONE,
            deviations: Vec::new(),
            secret: false,
            side: Side::Client,
        }
    }

    /// With literals whose octets are not in the frame, by the offset at which they would begin, ascending.
    pub(crate) fn with_streamed(mut self, streamed: &'a [usize]) -> Self {
        self.streamed = streamed;
        self
    }

    /// What comes is said by a server.
    pub(crate) fn of_server(&mut self) {
        self.side = Side::Server;
    }

    /// RFC 7888 s 8: a server sends no literal of the non-synchronizing form.
    #[cold]
    pub(crate) fn literal_plus(&mut self) -> Result<()> {
        match self.side {
            Side::Client => Ok(()),
            Side::Server => self.deviation(Quirk::ServerLiteralPlus, "'}'"),
        }
    }

    #[inline(always)]
    pub(crate) fn mode(&self) -> &'a Mode {
        self.mode
    }

    /// The offset of the next octet.
    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.whole.len().saturating_sub(self.rest.len())
    }

    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline(always)]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The octet `ahead` of the next.
    #[inline(always)]
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.rest.get(ahead).copied()
    }

    /// Moves on by `count` octets, or to the end; what was passed.
    #[inline(always)]
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                taken
            }
            None => std::mem::take(&mut self.rest),
        }
    }

    /// Goes back to a place where [`at`](Self::at) was.
    pub(crate) fn back_to(&mut self, at: usize) {
        self.rest = self.whole.get(at..).unwrap_or_default();
    }

    /// What was read since [`at`](Self::at) was `from`.
    #[inline]
    pub(crate) fn since(&self, from: usize) -> &'a [u8] {
        self.whole.get(from..self.at()).unwrap_or_default()
    }

    /// Keeps a piece of the frame.
    #[inline(always)]
    pub(crate) fn keep(&self, piece: &'a [u8]) -> B {
        B::keep(self.source, piece)
    }

    /// Moves on by `count` octets and keeps them.
    #[inline(always)]
    pub(crate) fn take_kept(&mut self, count: usize) -> B {
        let taken = self.take(count);
        self.keep(taken)
    }

    /// Whether the next octet is that one; it is passed then.
    #[inline(always)]
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == octet => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    pub(crate) fn expect(&mut self, octet: u8, what: &'static str) -> Result<()> {
        if self.eat(octet) { Ok(()) } else { Err(self.fault(what)) }
    }

    /// `SP`: exactly one (RFC 9051 s 9, note 2).
    #[inline(always)]
    pub(crate) fn sp(&mut self) -> Result<()> {
        if !self.eat(b' ') {
            return self.no_sp();
        }
        if self.peek() == Some(b' ') { self.more_spaces() } else { Ok(()) }
    }

    #[cold]
    fn no_sp(&mut self) -> Result<()> {
        match (self.rest, self.since(self.at().saturating_sub(1))) {
            // The line ends, and what should follow does not.
            _ if self.at_end() => Err(self.fault("SP")),
            // Nothing that could be taken for one thing with what went before.
            ([b'(' | b')', ..], _) | (_, [b'(' | b')' | b'"']) if self.whole.len() > self.rest.len() => {
                self.deviation(Quirk::MissingSpace, "SP")
            }
            _ => Err(self.fault("SP")),
        }
    }

    #[cold]
    fn more_spaces(&mut self) -> Result<()> {
        self.deviation(Quirk::DoubleSpace, "one SP")?;
        while self.eat(b' ') {}
        Ok(())
    }

    /// `(`, and what stands behind it in vain.
    #[inline(always)]
    pub(crate) fn open(&mut self, what: &'static str) -> Result<()> {
        self.expect(b'(', what)?;
        if self.peek() == Some(b' ') { self.spaces_in_parentheses() } else { Ok(()) }
    }

    /// Whether a list ends here: `)`, which is passed, and a space before it in vain.
    #[inline(always)]
    pub(crate) fn close(&mut self) -> Result<bool> {
        if self.peek() == Some(b' ') && self.rest.iter().find(|octet| **octet != b' ') == Some(&b')') {
            self.spaces_in_parentheses()?;
        }
        Ok(self.eat(b')'))
    }

    #[cold]
    fn spaces_in_parentheses(&mut self) -> Result<()> {
        self.deviation(Quirk::SpaceInParentheses, "no space inside the parentheses")?;
        while self.eat(b' ') {}
        Ok(())
    }

    /// The next octets of a class; maybe none.
    #[inline(always)]
    pub(crate) fn span(&mut self, class: Class) -> &'a [u8] {
        let end = self.rest.iter().position(|octet| !class::is(*octet, class));
        self.take(end.unwrap_or(self.rest.len()))
    }

    /// `1*class`.
    #[inline(always)]
    pub(crate) fn word(&mut self, class: Class, what: &'static str) -> Result<&'a [u8]> {
        match self.span(class) {
            [] => Err(self.fault(what)),
            word => Ok(word),
        }
    }

    /// Whether these octets come next, in any case; they are passed then. What follows them is the caller's to check.
    #[inline(always)]
    pub(crate) fn eat_keyword(&mut self, keyword: &'static [u8]) -> bool {
        match self.rest.split_at_checked(keyword.len()) {
            Some((head, rest)) if head.eq_ignore_ascii_case(keyword) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// `NIL`, and no atom that begins so.
    #[inline(always)]
    pub(crate) fn eat_nil(&mut self) -> bool {
        matches!(self.peek(), Some(b'N' | b'n'))
            && !self.peek_at(3).is_some_and(|octet| class::is(octet, class::ASTRING))
            && self.eat_keyword(b"NIL")
    }

    /// `number`: 32 bits.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<u32> {
        let number = self.number64()?;
        match u32::try_from(number) {
            Ok(number) => Ok(number),
            Err(_) => self.deviation(Quirk::HugeNumber, "a number of 32 bits").map(|()| u32::MAX),
        }
    }

    /// `nz-number`.
    #[inline]
    pub(crate) fn nz_number(&mut self) -> Result<NonZeroU32> {
        let before = self.rest;
        // nz-number = digit-nz *DIGIT
        let number = if self.peek() == Some(b'0') { None } else { self.number_alone()? };
        match number.and_then(|number| u32::try_from(number).ok()).and_then(NonZeroU32::new) {
            Some(number) => Ok(number),
            None => {
                self.rest = before;
                Err(self.fault("a number from 1 to 4294967295"))
            }
        }
    }

    /// `number64`: 63 bits (RFC 9051 s 9). A negative one is taken for 0 where that is let pass.
    #[inline]
    pub(crate) fn number64(&mut self) -> Result<u64> {
        match self.number_alone()? {
            Some(number) => Ok(number),
            None => self.odd_number(),
        }
    }

    /// Digits, if there are any: at most 63 bits.
    #[inline(always)]
    pub(crate) fn number_alone(&mut self) -> Result<Option<u64>> {
        let mut number: u64 = 0;
        let mut digits = self.rest;
        while let Some((octet @ b'0'..=b'9', rest)) = digits.split_first() {
            let digit = u64::from(octet.wrapping_sub(b'0'));
            // Less than 2^63 times 10 may overflow, what was less than 2^59 not.
            number = match number {
                0..0x0800_0000_0000_0000 => number.wrapping_mul(10).wrapping_add(digit),
                _ => number.saturating_mul(10).saturating_add(digit),
            };
            digits = rest;
        }
        if digits.len() == self.rest.len() {
            return Ok(None);
        }
        if number > MAX_63 {
            self.deviation(Quirk::HugeNumber, "a number of 63 bits")?;
            number = MAX_63;
        }
        self.rest = digits;
        Ok(Some(number))
    }

    #[cold]
    fn odd_number(&mut self) -> Result<u64> {
        if let [b'-', b'0'..=b'9', ..] = self.rest {
            self.deviation(Quirk::NegativeNumber, "a number")?;
            self.eat(b'-');
            self.span(class::DIGIT);
            return Ok(0);
        }
        Err(self.fault("a number"))
    }

    /// Whether the octets of a literal that would begin here were streamed.
    #[inline]
    pub(crate) fn is_streamed(&self) -> bool {
        !self.streamed.is_empty() && self.streamed.binary_search(&self.at()).is_ok()
    }

    /// CRLF and nothing behind it; or the end, for a frame whose CRLF was taken off.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.peek() == Some(b' ') {
            self.deviation(Quirk::TrailingSpace, "CRLF")?;
            while self.eat(b' ') {}
        }
        match self.rest {
            [] | [b'\r', b'\n'] => {
                self.rest = &[];
                Ok(())
            }
            _ => Err(self.fault("CRLF")),
        }
    }

    /// Whether nothing but the line's end is left.
    #[inline]
    pub(crate) fn at_end(&self) -> bool {
        matches!(self.rest, [] | [b'\r', b'\n'])
    }

    /// The error for what stands here.
    #[cold]
    #[inline(never)]
    pub(crate) fn fault(&self, expected: &'static str) -> SyntaxError {
        let found = (!self.secret).then(|| self.rest.get(..EXCERPT).unwrap_or(self.rest).into());
        SyntaxError(Box::new(Detail { at: self.at(), expected, found }))
    }

    /// From here on errors show no octets: credentials follow, or may.
    pub(crate) fn secret(&mut self) {
        self.secret = true;
    }

    /// Lets a straying pass and notes it, if the mode does; else the error for what stands here.
    #[cold]
    #[inline(never)]
    pub(crate) fn deviation(&mut self, quirk: Quirk, expected: &'static str) -> Result<()> {
        if !self.mode.tolerates(quirk) {
            return Err(self.fault(expected));
        }
        if !self.noted.has(quirk) {
            self.noted = self.noted.with(quirk);
            self.deviations.push(Deviation { quirk, at: self.at() });
        }
        Ok(())
    }

    /// Passes a value of no known grammar: up to a space, a `)` or the line's end that is outside of its parentheses, quotes and
    /// literals.
    pub(crate) fn pass_value(&mut self) -> Result<()> {
        let mut depth: u32 = 0;
        loop {
            match self.peek() {
                Some(b'(') => {
                    self.take(1);
                    depth = depth.saturating_add(1);
                }
                Some(b')') if depth > 0 => {
                    self.take(1);
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(());
                    }
                }
                Some(b'"') => {
                    self.take(1);
                    self.pass_quoted()?;
                }
                Some(b'{' | b'~') => {
                    let at = self.at();
                    if IString::parse_literal(self).is_err() {
                        self.back_to(at);
                        self.take(1);
                    }
                }
                Some(b' ' | b')') if depth == 0 => return Ok(()),
                // What is kept raw may be written again: no line may end in it but where a literal begins.
                Some(b'\r' | b'\n' | 0) if !self.at_end() => return Err(self.fault("a value on one line")),
                Some(_) if !self.at_end() => drop(self.take(1)),
                _ if depth == 0 => return Ok(()),
                _ => return Err(self.fault("')'")),
            }
        }
    }

    /// Passes all up to the end of the line, in which no other line ends but where a literal begins.
    pub(crate) fn pass_line(&mut self) -> Result<()> {
        while !self.at_end() {
            match self.peek() {
                Some(b'"') => {
                    self.take(1);
                    let at = self.at();
                    if self.pass_quoted().is_err() {
                        self.back_to(at);
                        self.span(class::TEXT | class::EIGHT_BIT);
                    }
                }
                Some(b'{' | b'~') => {
                    let at = self.at();
                    if IString::parse_literal(self).is_err() {
                        self.back_to(at);
                        self.take(1);
                    }
                }
                Some(b'\r' | b'\n' | 0) => return Err(self.fault("one line")),
                _ => drop(self.take(1)),
            }
        }
        Ok(())
    }

    /// Passes what is left of a quoted string, whatever it holds.
    fn pass_quoted(&mut self) -> Result<()> {
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(());
                }
                [b'\r' | b'\n' | 0, ..] | [b'\\', b'\r' | b'\n' | 0, ..] => {
                    return Err(self.fault("a closing quote"));
                }
                [b'\\', _, rest @ ..] | [_, rest @ ..] => self.rest = rest,
                _ => return Err(self.fault("a closing quote")),
            }
        }
    }

    /// The same, of what stands at `at`, where the cursor goes back to.
    #[cold]
    pub(crate) fn back_to_noting(&mut self, quirk: Quirk, at: usize, expected: &'static str) -> Result<()> {
        self.back_to(at);
        self.deviation(quirk, expected)
    }

    /// Whether the frame ends here, behind a streamed literal: it is the part of a response before its octets.
    pub(crate) fn is_cut(&self) -> bool {
        self.rest.is_empty() && self.streamed.last() == Some(&self.whole.len())
    }

    /// What was let pass, the first of each kind.
    pub(crate) fn into_deviations(self) -> Vec<Deviation> {
        self.deviations
    }
}

/// The greatest `number64` (RFC 9051 s 9).
const MAX_63: u64 = 0x7fff_ffff_ffff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_bounds() {
        let (strict, liberal) = (Mode::new(Profile::Strict), Mode::new(Profile::Liberal));
        // (octets, number64 strict, number64 liberal, nz-number, what it shows)
        let rows: &[(&str, Option<u64>, Option<u64>, Option<u32>, &str)] = &[
            ("0", Some(0), Some(0), None, "zero"),
            ("1 ", Some(1), Some(1), Some(1), "one"),
            (
                "4294967295",
                Some(4_294_967_295),
                Some(4_294_967_295),
                Some(u32::MAX),
                "the greatest of 32 bits",
            ),
            ("4294967296", Some(4_294_967_296), Some(4_294_967_296), None, "one over; it is not 0"),
            ("9223372036854775807", Some(MAX_63), Some(MAX_63), None, "the greatest of 63 bits"),
            ("9223372036854775808", None, Some(MAX_63), None, "one over"),
            ("18446744073709551617", None, Some(MAX_63), None, "over 64 bits; it is not 1"),
            ("99999999999999999999999999", None, Some(MAX_63), None, "far over"),
            ("-1", None, Some(0), None, "negative"),
            ("", None, None, None, "nothing"),
            ("x", None, None, None, "a letter"),
        ];
        for (text, want_strict, want_liberal, want_nz, shows) in rows {
            let octets = text.as_bytes();
            assert_eq!(Cursor::borrowed(octets, &strict).number64().ok(), *want_strict, "{shows}");
            assert_eq!(Cursor::borrowed(octets, &liberal).number64().ok(), *want_liberal, "{shows}");
            let nz = Cursor::borrowed(octets, &strict).nz_number().ok().map(NonZeroU32::get);
            assert_eq!(nz, *want_nz, "{shows}");
        }
    }

    #[test]
    fn an_error_says_where_and_what_and_no_secret() {
        let mode = Mode::new(Profile::Strict);
        let mut c = Cursor::borrowed(b"a\x01\xff and then much more than fits", &mode);
        c.eat(b'a');
        let error = c.fault("SP");
        assert_eq!(error.to_string(), "octet 1: expected SP, found \"\\x01\\xff and then much more th\"");
        c.secret();
        assert_eq!(c.fault("SP").to_string(), "octet 1: expected SP");
        assert!(size_of::<Result<()>>() <= 8);
    }

    #[test]
    fn deviations_are_noted_once_each() {
        let mode = Mode::new(Profile::Liberal);
        let mut c = Cursor::borrowed(b"  x  y", &mode);
        assert!(c.sp().is_ok() && c.eat(b'x') && c.sp().is_ok() && c.eat(b'y'));
        assert_eq!(c.into_deviations(), [Deviation { quirk: Quirk::DoubleSpace, at: 1 }]);
    }
}
