//! Names with a value or without: what extensions add to commands.

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::string::Atom;
use crate::grammar::value::Value;
use crate::writer::Writer;

/// `tagged-ext-label [SP tagged-ext-val]`: an option that is not known here (RFC 4466 s 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4466 s 3")]
pub struct Parameter<B = Bytes> {
    /// Its name.
    pub name: Atom<B>,
    /// Its value.
    pub value: Option<Value<B>>,
}

impl<'a, B: Keep<'a>> Parameter<B> {
    /// Behind its name.
    pub(crate) fn read(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<Self> {
        // A label begins with a letter, `-`, `_` or `.`; a value of one word with none of them but `-`, and a digit.
        let has_value = c.peek() == Some(b' ')
            && match c.peek_at(1) {
                Some(b'0'..=b'9' | b'(' | b'*' | b'$') => true,
                Some(b'-') => c.peek_at(2).is_some_and(|octet| octet.is_ascii_digit()),
                _ => false,
            };
        let value = if has_value {
            c.sp()?;
            Some(Value::read(c)?)
        } else {
            None
        };
        Ok(Self { name: Atom::of_checked(c.keep(name)), value })
    }
}

impl<B: AsRef<[u8]>> Parameter<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.name.write(out);
        if let Some(value) = &self.value {
            out.sp();
            value.write(out);
        }
    }
}

/// `"(" thing *(SP thing) ")"`, where `thing` is handed the name that it begins with.
pub(crate) fn list<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    mut thing: impl FnMut(&mut Cursor<'a, B>, &'a [u8]) -> Result<T>,
) -> Result<Vec<T>> {
    let mut things = Vec::new();
    c.open("a list")?;
    loop {
        let name = c.word(class::ATOM, "a name")?;
        things.push(thing(c, name)?);
        if c.close()? {
            return Ok(things);
        }
        c.sp()?;
    }
}

/// `"(" thing *(SP thing) ")"`.
pub(crate) fn many<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    mut thing: impl FnMut(&mut Cursor<'a, B>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut things = Vec::new();
    c.open("a list")?;
    loop {
        things.push(thing(c)?);
        if c.close()? {
            return Ok(things);
        }
        c.sp()?;
    }
}

/// `*(SP thing)`, up to the end of the line.
pub(crate) fn to_end<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    mut thing: impl FnMut(&mut Cursor<'a, B>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut things = Vec::new();
    while !c.at_end() && !matches!(c.rest(), [b' '] | [b' ', b'\r', ..]) {
        c.sp()?;
        things.push(thing(c)?);
    }
    Ok(things)
}

/// Whether a space and an opening parenthesis follow; the space is passed then.
pub(crate) fn list_follows<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<bool> {
    if c.rest().starts_with(b" (") { c.sp().map(|()| true) } else { Ok(false) }
}

/// One thing, or several in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the grammar's own")]
pub enum OneOrMore<T> {
    /// One, without parentheses.
    One(T),
    /// In parentheses; at least one.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    /// All of them.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        }
    }

    pub(crate) fn parse<'a, B: Keep<'a>>(
        c: &mut Cursor<'a, B>,
        mut thing: impl FnMut(&mut Cursor<'a, B>) -> Result<T>,
    ) -> Result<Self> {
        if c.peek() == Some(b'(') { many(c, thing).map(Self::More) } else { thing(c).map(Self::One) }
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>, mut write: impl FnMut(&T, &mut Writer<'_>)) {
        match self {
            Self::One(one) => write(one, out),
            Self::More(all) => out.list(all, write),
        }
    }
}
