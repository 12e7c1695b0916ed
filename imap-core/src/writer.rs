use bytes::{BufMut, BytesMut};

use crate::grammar::class::{self, Class};
use crate::grammar::string::LiteralForm;
use crate::mode::{LITERAL_MINUS_MAX, Literals, Mode};

/// Writes by the grammar into a buffer of the caller's, and marks where the octets cannot leave at once.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_imap_core::{AString, Literals, Mark, Mode, Pause, Profile, Side, Writer};
///
/// let (mut out, mode) = (BytesMut::new(), Mode::new(Profile::Strict));
/// let mut writer = Writer::new(&mut out, Side::Client, &mode);
/// AString::of(b"two\r\nlines").write(&mut writer);
/// assert_eq!(writer.finish(), [Mark { at: 6, pause: Pause::Wait }]);
/// assert_eq!(&out[..], b"{10}\r\ntwo\r\nlines");
/// ```
#[derive(Debug)]
pub struct Writer<'o> {
    out: &'o mut BytesMut,
    mode: &'o Mode,
    side: Side,
    marks: Vec<Mark>,
}

/// Who writes: only a client waits before a literal, and only a client may say that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Side {
    /// Commands.
    Client,
    /// Responses.
    Server,
}

/// A place in the output at which what follows cannot leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "where, and why: there is no more")]
pub struct Mark {
    /// The offset in the output buffer.
    pub at: usize,
    /// Why.
    pub pause: Pause,
}

/// Why output stops at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pause {
    /// For the server's `+`: a synchronizing literal begins here (RFC 9051 s 4.3).
    Wait,
    /// For so many octets that are not in the buffer: a literal that is handed over in pieces.
    Streamed(u64),
}

impl<'o> Writer<'o> {
    /// Appends to `out`. Offsets of marks count from its start.
    pub fn new(out: &'o mut BytesMut, side: Side, mode: &'o Mode) -> Self {
        Self { out, mode, side, marks: Vec::new() }
    }

    /// Where the output has to stop on its way, in order.
    pub fn finish(self) -> Vec<Mark> {
        self.marks
    }

    #[inline(always)]
    pub(crate) fn put(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }

    #[inline(always)]
    pub(crate) fn octet(&mut self, octet: u8) {
        self.out.put_u8(octet);
    }

    #[inline(always)]
    pub(crate) fn sp(&mut self) {
        self.octet(b' ');
    }

    #[inline(always)]
    pub(crate) fn crlf(&mut self) {
        self.put(b"\r\n");
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add(u8::try_from(number % 10).unwrap_or(0));
            number /= 10;
            start = start.saturating_sub(1);
            if number == 0 {
                break;
            }
        }
        self.put(digits.get(start..).unwrap_or_default());
    }

    /// Things with a space between each two.
    pub(crate) fn spaced<T>(
        &mut self,
        things: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut Self),
    ) {
        for (nth, thing) in things.into_iter().enumerate() {
            if nth > 0 {
                self.sp();
            }
            write(thing, self);
        }
    }

    /// The same in parentheses.
    pub(crate) fn list<T>(&mut self, things: impl IntoIterator<Item = T>, write: impl FnMut(T, &mut Self)) {
        self.octet(b'(');
        self.spaced(things, write);
        self.octet(b')');
    }

    /// `string`: quoted if it can be, else a literal.
    pub(crate) fn string(&mut self, octets: &[u8]) {
        if octets.len() <= QUOTED_MAX && self.is_quotable(octets) {
            self.quote(octets);
        } else {
            self.literal(LiteralForm::NonSynchronizing, octets);
        }
    }

    /// `astring`: an atom if it can be and is not `NIL`, else a string.
    pub(crate) fn astring(&mut self, octets: &[u8]) {
        // RFC 9051 s 4.5: NIL as an atom is for nstrings; a mailbox of that name is better quoted.
        if is_each(octets, class::ASTRING) && !octets.is_empty() && !octets.eq_ignore_ascii_case(b"NIL") {
            self.put(octets);
        } else {
            self.string(octets);
        }
    }

    /// `quoted`, of octets that [may be](Self::is_quotable).
    pub(crate) fn quote(&mut self, octets: &[u8]) {
        self.octet(b'"');
        let mut rest = octets;
        while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, b""));
            let Some((special, behind)) = special.split_first() else { break };
            self.put(plain);
            self.put(&[b'\\', *special]);
            rest = behind;
        }
        self.put(rest);
        self.octet(b'"');
    }

    /// Whether a quoted string can say these octets.
    pub(crate) fn is_quotable(&self, octets: &[u8]) -> bool {
        is_each(octets, class::TEXT)
            || self.mode.takes_utf8()
                && is_each(octets, class::TEXT | class::EIGHT_BIT)
                && std::str::from_utf8(octets).is_ok()
    }

    /// `literal`, octets included. A form that the mode does not allow is made one that it does.
    pub(crate) fn literal(&mut self, form: LiteralForm, octets: &[u8]) {
        self.announce(form, u64::try_from(octets.len()).unwrap_or(u64::MAX));
        self.put(octets);
    }

    /// `literal` whose octets are handed over in pieces.
    pub(crate) fn streamed(&mut self, form: LiteralForm, size: u64) {
        self.announce(form, size);
        self.mark(Pause::Streamed(size));
    }

    fn announce(&mut self, form: LiteralForm, size: u64) {
        if form.is_binary() {
            self.octet(b'~');
        }
        self.octet(b'{');
        self.number(size);
        match self.side {
            Side::Server => self.put(b"}\r\n"), // RFC 9051 s 4.3: never non-synchronizing
            Side::Client if !form.is_synchronizing() && self.may_run_ahead(size) => self.put(b"+}\r\n"),
            Side::Client => {
                self.put(b"}\r\n");
                self.mark(Pause::Wait);
            }
        }
    }

    fn may_run_ahead(&self, size: u64) -> bool {
        match self.mode.literals {
            Literals::Synchronizing => false,
            Literals::Minus => size <= LITERAL_MINUS_MAX,
            Literals::Plus => true,
        }
    }

    fn mark(&mut self, pause: Pause) {
        self.marks.push(Mark { at: self.out.len(), pause });
    }

    /// What was kept raw, in which lines end only behind the announcements of literals: those take the form that a server's have.
    pub(crate) fn raw(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some(at) = memchr::memmem::find(rest, b"}\r\n") {
            let (line, behind) = rest.split_at_checked(at).unwrap_or((rest, b""));
            let bare = line.strip_suffix(b"+").unwrap_or(line);
            let digits = bare.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
            let digits = bare.get(bare.len().saturating_sub(digits)..).unwrap_or_default();
            let size = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok());
            self.put(if self.side == Side::Server { bare } else { line });
            // The announcement's end and the literal.
            let literal = size.unwrap_or(0).saturating_add(3).min(behind.len());
            let (literal, behind) = behind.split_at_checked(literal).unwrap_or((behind, b""));
            self.put(literal);
            rest = behind;
        }
        self.put(rest);
    }

    /// `text`: what text cannot hold becomes `?`.
    pub(crate) fn text(&mut self, octets: &[u8]) {
        if is_each(octets, class::TEXT) {
            return self.put(octets);
        }
        for chunk in octets.utf8_chunks() {
            for char in chunk.valid().chars() {
                let mut utf8 = [0; 4];
                match u8::try_from(char) {
                    Ok(octet) if class::is(octet, class::TEXT) => self.octet(octet),
                    _ if !char.is_ascii() && self.mode.takes_utf8() => {
                        self.put(char.encode_utf8(&mut utf8).as_bytes())
                    }
                    _ => self.octet(b'?'),
                }
            }
            if !chunk.invalid().is_empty() {
                self.octet(b'?');
            }
        }
    }
}

/// Octets that are written quoted at most: a quoted string must fit in the peer's line.
const QUOTED_MAX: usize = 1024;

#[inline]
pub(crate) fn is_each(octets: &[u8], class: Class) -> bool {
    octets.iter().all(|octet| class::is(*octet, class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Profile;

    fn written(side: Side, mode: &Mode, write: impl FnOnce(&mut Writer<'_>)) -> (String, Vec<Mark>) {
        let mut out = BytesMut::new();
        let mut writer = Writer::new(&mut out, side, mode);
        write(&mut writer);
        let marks = writer.finish();
        (out.escape_ascii().to_string(), marks)
    }

    #[test]
    fn literals_wait_where_they_must() {
        use LiteralForm::*;
        let of = |literals| Mode { literals, ..Mode::new(Profile::Strict) };
        let wait = |at| vec![Mark { at, pause: Pause::Wait }];
        let (none, minus, plus) = (of(Literals::Synchronizing), of(Literals::Minus), of(Literals::Plus));
        // (side, mode, form, size, announcement, marks, what it shows)
        let rows: &[(Side, &Mode, LiteralForm, usize, &str, Vec<Mark>, &str)] = &[
            (Side::Client, &none, NonSynchronizing, 1, r"{1}\r\n", wait(5), "no LITERAL+"),
            (Side::Client, &minus, NonSynchronizing, 4096, r"{4096+}\r\n", vec![], "RFC 7888 s 5"),
            (Side::Client, &minus, NonSynchronizing, 4097, r"{4097}\r\n", wait(8), "RFC 7888 s 5"),
            (Side::Client, &plus, NonSynchronizing, 4097, r"{4097+}\r\n", vec![], "RFC 7888 s 4"),
            (Side::Client, &plus, Synchronizing, 1, r"{1}\r\n", wait(5), "as asked for"),
            (Side::Client, &plus, Literal8NonSynchronizing, 1, r"~{1+}\r\n", vec![], "literal8"),
            (Side::Client, &none, Synchronizing, 0, r"{0}\r\n", wait(5), "RFC 9051 s 4.3: an empty one too"),
            (Side::Server, &plus, NonSynchronizing, 1, r"{1}\r\n", vec![], "RFC 9051 s 4.3: a server never"),
            (Side::Server, &none, Literal8, 1, r"~{1}\r\n", vec![], "literal8"),
        ];
        for (side, mode, form, size, announcement, marks, shows) in rows {
            let octets = vec![b'x'; *size];
            let got = written(*side, mode, |writer| writer.literal(*form, &octets));
            assert_eq!(got, (announcement.to_string() + &"x".repeat(*size), marks.clone()), "{shows}");
        }
    }

    #[test]
    fn strings_take_the_form_that_holds_them() {
        let mode = Mode::new(Profile::Strict);
        let utf8 = Mode { utf8: true, ..mode.clone() };
        let rows: &[(&Mode, &[u8], &str, &str, &str)] = &[
            (&mode, b"abc", "abc", r#"\"abc\""#, "an atom"),
            (&mode, b"a]c", "a]c", r#"\"a]c\""#, "an astring may hold ]"),
            (&mode, b"", r#"\"\""#, r#"\"\""#, "nothing"),
            (&mode, b"nil", r#"\"nil\""#, r#"\"nil\""#, "a mailbox called nil"),
            (&mode, b"a \"b\" \\c", r#"\"a \\\"b\\\" \\\\c\""#, r#"\"a \\\"b\\\" \\\\c\""#, "specials"),
            (&mode, b"a\nb", r"{3}\r\na\nb", r"{3}\r\na\nb", "a line end"),
            (&mode, b"\xc3\xa9", r"{2}\r\n\xc3\xa9", r"{2}\r\n\xc3\xa9", "no UTF-8 yet"),
            (&utf8, b"\xc3\xa9", r#"\"\xc3\xa9\""#, r#"\"\xc3\xa9\""#, "UTF-8"),
            (&utf8, b"\xe9", r"{1}\r\n\xe9", r"{1}\r\n\xe9", "no UTF-8"),
        ];
        for (mode, octets, astring, string, shows) in rows {
            assert_eq!(written(Side::Server, mode, |writer| writer.astring(octets)).0, *astring, "{shows}");
            assert_eq!(written(Side::Server, mode, |writer| writer.string(octets)).0, *string, "{shows}");
        }
    }

    #[test]
    fn text_holds_no_line_end() {
        let mode = Mode::new(Profile::Strict);
        let utf8 = Mode { rev2: true, ..mode.clone() };
        assert_eq!(written(Side::Server, &mode, |writer| writer.text(b"a\r\n\0\xc3\xa9\xff")).0, "a?????");
        assert_eq!(written(Side::Server, &utf8, |writer| writer.text(b"a\n\xc3\xa9\xff")).0, r"a?\xc3\xa9?");
    }

    #[test]
    fn numbers() {
        let mode = Mode::new(Profile::Strict);
        for number in [0, 1, 9, 10, 99, 100, 4_294_967_296, u64::MAX] {
            assert_eq!(written(Side::Server, &mode, |writer| writer.number(number)).0, number.to_string());
        }
    }
}
