//! In which order SORT answers (RFC 5256, RFC 5957, RFC 6203).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::keyword::{self, keywords};
use crate::grammar::string::Atom;
use crate::writer::Writer;

/// `sort-criterion = ["REVERSE" SP] sort-key`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 5256 s 5")]
pub struct SortCriterion<B = Bytes> {
    /// Which way.
    pub order: SortOrder,
    /// By what.
    pub key: SortKey<B>,
}

/// Which way a criterion sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5256 s 5")]
pub enum SortOrder {
    /// From the least.
    Ascending,
    /// `REVERSE`
    Reverse,
}

/// `sort-key`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SortKey<B = Bytes> {
    /// `ARRIVAL`: the internal date.
    Arrival,
    /// `CC`: the mailbox of the first address.
    Cc,
    /// `DATE`: the sent date.
    Date,
    /// `FROM`
    From,
    /// `SIZE`
    Size,
    /// `SUBJECT`: the base subject.
    Subject,
    /// `TO`
    To,
    /// `DISPLAYFROM` (RFC 5957).
    DisplayFrom,
    /// `DISPLAYTO` (RFC 5957).
    DisplayTo,
    /// `RELEVANCY` (RFC 6203).
    Relevancy,
    /// Another.
    Other(Atom<B>),
}

keywords! { ARRIVAL, CC, DATE, FROM, SIZE, SUBJECT, TO, DISPLAYFROM, DISPLAYTO, RELEVANCY }

impl<'a, B: Keep<'a>> SortCriterion<B> {
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mut word = c.word(class::ATOM, "a sort key")?;
        let mut order = SortOrder::Ascending;
        if word.eq_ignore_ascii_case(b"REVERSE") {
            c.sp()?;
            order = SortOrder::Reverse;
            word = c.word(class::ATOM, "a sort key")?;
        }
        let key = match keyword::of(word) {
            ARRIVAL => SortKey::Arrival,
            CC => SortKey::Cc,
            DATE => SortKey::Date,
            FROM => SortKey::From,
            SIZE => SortKey::Size,
            SUBJECT => SortKey::Subject,
            TO => SortKey::To,
            DISPLAYFROM => SortKey::DisplayFrom,
            DISPLAYTO => SortKey::DisplayTo,
            RELEVANCY => SortKey::Relevancy,
            _ => SortKey::Other(Atom::of_checked(c.keep(word))),
        };
        Ok(Self { order, key })
    }
}

impl<B: AsRef<[u8]>> SortCriterion<B> {
    fn write(&self, out: &mut Writer<'_>) {
        if self.order == SortOrder::Reverse {
            out.put(b"REVERSE ");
        }
        out.put(match &self.key {
            SortKey::Arrival => b"ARRIVAL",
            SortKey::Cc => b"CC",
            SortKey::Date => b"DATE",
            SortKey::From => b"FROM",
            SortKey::Size => b"SIZE",
            SortKey::Subject => b"SUBJECT",
            SortKey::To => b"TO",
            SortKey::DisplayFrom => b"DISPLAYFROM",
            SortKey::DisplayTo => b"DISPLAYTO",
            SortKey::Relevancy => b"RELEVANCY",
            SortKey::Other(name) => name.as_bytes(),
        });
    }
}

/// `sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"`
pub(crate) fn parse_criteria<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<SortCriterion<B>>> {
    let mut criteria = Vec::new();
    c.open("sort criteria")?;
    loop {
        criteria.push(SortCriterion::parse(c)?);
        if c.close()? {
            return Ok(criteria);
        }
        c.sp()?;
    }
}

pub(crate) fn write_criteria<B: AsRef<[u8]>>(criteria: &[SortCriterion<B>], out: &mut Writer<'_>) {
    out.list(criteria, SortCriterion::write);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};

    #[test]
    fn criteria_come_back_or_are_refused() {
        let mode = Mode::new(Profile::Strict);
        for text in [
            "(SUBJECT)",
            "(SUBJECT REVERSE DATE)",
            "(ARRIVAL CC DATE FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO RELEVANCY)",
            "(REVERSE XYZZY)",
        ] {
            let read = parse_criteria(&mut Cursor::borrowed(text.as_bytes(), &mode)).unwrap();
            assert_eq!(written(|out| write_criteria(&read, out)), text);
        }
        for (text, at) in [("", 0), ("()", 1), ("(REVERSE)", 8), ("(DATE", 5), ("(DATE )", 5), ("DATE", 0)] {
            let error = parse_criteria(&mut Cursor::borrowed(text.as_bytes(), &mode)).unwrap_err();
            assert_eq!(error.at(), at, "{text:?}");
        }
    }
}
