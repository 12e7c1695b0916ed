//! ID (RFC 2971): who is speaking.

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::string::{IString, NString};
use crate::writer::Writer;

/// RFC 2971 s 3.3: "Implementations MUST NOT send more than 30 field-value pairs."
const PAIRS_MAX: usize = 30;

/// `id_params_list = "(" #(string SPACE nstring) ")" / nil`: fields and values, or `NIL`.
///
/// More than 30 are refused whoever sends them (RFC 2971 s 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Id<B = Bytes>(Option<Vec<(IString<B>, NString<B>)>>);

impl Id {
    /// `NIL`: nothing is told.
    pub const NIL: Self = Self(None);

    /// Of fields and values; `None` of more than 30.
    pub fn of<'t>(pairs: impl IntoIterator<Item = (&'t str, Option<&'t str>)>) -> Option<Self> {
        let pairs = pairs
            .into_iter()
            .map(|(field, value)| (IString::of(field.as_bytes()), NString::of(value.map(str::as_bytes))));
        let pairs: Vec<_> = pairs.take(PAIRS_MAX.saturating_add(1)).collect();
        (pairs.len() <= PAIRS_MAX).then_some(Self(Some(pairs)))
    }
}

impl<'a, B: Keep<'a>> Id<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.eat_nil() {
            return Ok(Self(None));
        }
        let mut pairs = Vec::new();
        c.open("a list of fields or NIL")?;
        while !c.close()? {
            if pairs.len() >= PAIRS_MAX {
                return Err(c.fault("at most 30 fields"));
            }
            if !pairs.is_empty() {
                c.sp()?;
            }
            let field = IString::parse(c)?;
            c.sp()?;
            pairs.push((field, NString::parse(c)?));
        }
        Ok(Self(Some(pairs)))
    }
}

impl<B: AsRef<[u8]>> Id<B> {
    /// The fields and their values.
    pub fn pairs(&self) -> &[(IString<B>, NString<B>)] {
        self.0.as_deref().unwrap_or_default()
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        match &self.0 {
            None => out.put(b"NIL"),
            Some(pairs) => out.list(pairs, |(field, value), out| {
                field.write(out);
                out.sp();
                value.write(out);
            }),
        }
    }
}
