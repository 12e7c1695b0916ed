//! What extensions yet unknown say: kept as it came, checked to be one thing.

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::string::{IString, quoted_rest};
use crate::mode::{Mode, Profile};
use crate::writer::Writer;

/// Parentheses inside one another at most.
pub(crate) const DEPTH_MAX: usize = 100;

/// ```text
/// tagged-ext-val    = tagged-ext-simple / "(" [tagged-ext-comp] ")"
/// tagged-ext-simple = sequence-set / number / number64
/// tagged-ext-comp   = astring / tagged-ext-comp *(SP tagged-ext-comp) / "(" tagged-ext-comp ")"
/// ```
///
/// Its text: parentheses that match, strings that end, literals with their octets. Or several of those with a space
/// between each two: the arguments of a command that nobody knows.
///
/// ```
/// use mail46_imap_core::Value;
///
/// assert!(Value::parse(b"(a (b \"c)\") {3}\r\n)))").is_err());
/// let value = Value::parse(b"(a (b \"c)\") {3}\r\n))))")?;
/// assert_eq!(value.as_bytes().len(), 21);
/// assert!(Value::parse(b"1:* x\r\nA2 NOOP").is_err());
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value<B = Bytes>(B);

impl<'a> Value<&'a [u8]> {
    /// Checks and borrows.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        Cursor::whole(octets, |c| {
            let from = c.at();
            skip_all(c)?;
            Ok(Self(c.since(from)))
        })
    }

    /// The same, its text kept.
    pub fn to_owned(self) -> Value {
        Value(Bytes::copy_from_slice(self.0))
    }
}

impl<'a, B: Keep<'a>> Value<B> {
    /// One thing.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        skip(c)?;
        Ok(Self(c.keep(c.since(from))))
    }

    /// All things up to the end of the line.
    pub(crate) fn read_all(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        skip_all(c)?;
        Ok(Self(c.keep(c.since(from))))
    }
}

impl<B: AsRef<[u8]>> Value<B> {
    /// As it came.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let mut rest = self.as_bytes();
        let mode = Mode::new(Profile::Strict);
        // A literal is announced as this connection has it.
        while let Some(at) = next_literal(rest) {
            let (plain, literal) = rest.split_at_checked(at).unwrap_or((rest, b""));
            out.put(plain);
            let mut c = Cursor::borrowed(literal, &mode);
            match IString::parse_literal(&mut c) {
                Ok(string) => string.write(out),
                // It was checked: there is a literal.
                Err(_) => return,
            }
            rest = c.rest();
        }
        out.put(rest);
    }
}

/// Where the first literal outside of quotes begins.
fn next_literal(text: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, octet) in text.iter().enumerate() {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'{' if !is_quoted => {
                let before = at.checked_sub(1).and_then(|before| text.get(before));
                return Some(at.saturating_sub(usize::from(before == Some(&b'~'))));
            }
            _ => {}
        }
    }
    None
}

/// Passes one value: a word, a string, or a list.
pub(crate) fn skip<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    let mut depth = 0_usize;
    loop {
        match c.peek() {
            Some(b'(') => {
                if depth >= DEPTH_MAX {
                    return Err(c.fault("parentheses less deep"));
                }
                c.open("a value")?;
                depth = depth.saturating_add(1);
                if c.peek() != Some(b')') {
                    continue;
                }
            }
            Some(b'"') => {
                c.eat(b'"');
                quoted_rest(c)?;
            }
            Some(b'{') => literal(c)?,
            Some(b'~') if c.peek_at(1) == Some(b'{') => literal(c)?,
            // Flags have a backslash in front.
            Some(b'\\') => {
                c.eat(b'\\');
                c.word(class::LIST, "a value")?;
            }
            _ => {
                c.word(class::LIST, "a value")?;
            }
        }
        while depth > 0 && c.close()? {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return Ok(());
        }
        c.sp()?;
    }
}

fn literal<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    match IString::parse_literal(c)? {
        IString::Streamed(..) => Err(c.fault("the octets of a literal")),
        _ => Ok(()),
    }
}

/// Passes values up to the end of the line.
fn skip_all<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    loop {
        skip(c)?;
        if c.peek() != Some(b' ') {
            return Ok(());
        }
        c.sp()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;

    #[test]
    fn values_end_where_they_end() {
        for (text, rest, shows) in [
            ("1:*,$ x", " x", "a set"),
            ("-1:-100)", ")", "RFC 9394: tagged-ext-simple has partial-range-last"),
            ("()", "", "none"),
            ("(a b) c", " c", "a list"),
            ("(a (b (c)) (d)) e", " e", "lists in it"),
            ("\"a)\\\"b\" c", " c", "a string"),
            ("({3}\r\na)b x) c", " c", "a literal"),
            ("(~{2+}\r\n\0) x) c", " c", "a literal8"),
            ("(\\Seen \\*) c", " c", "flags"),
            ("(a{1}\r\n)", "", "a word, then a literal: no"),
        ] {
            let mode = Mode::new(Profile::Strict);
            let mut c = Cursor::borrowed(text.as_bytes(), &mode);
            match Value::read(&mut c) {
                Ok(value) => {
                    assert_eq!(c.rest(), rest.as_bytes(), "{shows}");
                    let plain = text.replace('+', "");
                    assert_eq!(written(|out| value.write(out)) + rest, plain, "{shows}");
                }
                Err(error) => assert_eq!((shows, error.at()), ("a word, then a literal: no", 2)),
            }
        }
    }

    #[test]
    fn what_is_no_value() {
        for text in [
            "",
            " ",
            "(",
            ")",
            "(a",
            "(a))",
            "\"a",
            "{3}\r\nab",
            "(a  b)",
            "a\r\nb",
            "a\nb",
            "é",
            "{9999999999999}\r\n",
        ] {
            assert!(Value::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        let bomb = "(".repeat(100_000);
        assert_eq!(Value::parse(bomb.as_bytes()).unwrap_err().at(), DEPTH_MAX);
        let deep = format!("{}a{}", "(".repeat(DEPTH_MAX), ")".repeat(DEPTH_MAX));
        assert!(Value::parse(deep.as_bytes()).is_ok());
    }
}
