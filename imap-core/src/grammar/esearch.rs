//! What a search is to return, and what it returned: RETURN, ESEARCH, SEARCH and SORT.

use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::fetch::FetchAttributes;
use crate::grammar::keyword::{self, keywords};
use crate::grammar::numbers::NumberSet;
use crate::grammar::parameter::{Parameter, list_follows};
use crate::grammar::sequence::{Numbering, SequenceSet, nz_number};
use crate::grammar::string::{AString, Atom};
use crate::grammar::value::Value;
use crate::mode::Quirk;
use crate::writer::Writer;

keywords! {
    MIN, MAX, ALL, COUNT, SAVE, CONTEXT, UPDATE, PARTIAL, RELEVANCY, MODSEQ, ADDTO, REMOVEFROM, TAG, MAILBOX, UIDVALIDITY,
}

/// ```text
/// partial-range       = partial-range-first / partial-range-last
/// partial-range-first = nz-number ":" nz-number
/// partial-range-last  = MINUS nz-number ":" MINUS nz-number
/// ```
///
/// A page of results (RFC 9394 s 4; RFC 5267 s 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9394 s 4")]
pub enum PartialRange {
    /// Counted from the oldest, in either order.
    First(NonZeroU32, NonZeroU32),
    /// Counted from the newest.
    Last(NonZeroU32, NonZeroU32),
}

impl PartialRange {
    pub(crate) fn parse<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Self> {
        let is_last = c.eat(b'-');
        let one = c.nz_number()?;
        c.expect(b':', "':'")?;
        if is_last {
            c.expect(b'-', "'-'")?;
        }
        let other = c.nz_number()?;
        Ok(if is_last { Self::Last(one, other) } else { Self::First(one, other) })
    }

    pub(crate) fn write(self, out: &mut Writer<'_>) {
        let (minus, one, other): (&[u8], _, _) = match self {
            Self::First(one, other) => (b"", one, other),
            Self::Last(one, other) => (b"-", one, other),
        };
        out.put(minus);
        out.number(one.get().into());
        out.octet(b':');
        out.put(minus);
        out.number(other.get().into());
    }
}

/// `search-return-opt`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReturnOption<B: AsRef<[u8]> = Bytes> {
    /// `MIN`
    Min,
    /// `MAX`
    Max,
    /// `ALL`
    All,
    /// `COUNT`
    Count,
    /// `SAVE`: for `$` (RFC 5182).
    Save,
    /// `CONTEXT`: the same search will be asked again (RFC 5267).
    Context,
    /// `UPDATE`: tell what changes (RFC 5267), with items to fetch of what is new (RFC 5465).
    Update(Option<FetchAttributes<B>>),
    /// `PARTIAL` (RFC 9394).
    Partial(PartialRange),
    /// `RELEVANCY` (RFC 6203).
    Relevancy,
    /// Another.
    Other(Parameter<B>),
}

impl<'a, B: Keep<'a>> ReturnOption<B> {
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let word = c.word(class::ATOM, "a return option")?;
        Ok(match keyword::of(word) {
            MIN => Self::Min,
            MAX => Self::Max,
            ALL => Self::All,
            COUNT => Self::Count,
            SAVE => Self::Save,
            CONTEXT => Self::Context,
            RELEVANCY => Self::Relevancy,
            UPDATE => Self::Update(if list_follows(c)? { Some(FetchAttributes::read(c)?) } else { None }),
            PARTIAL => {
                c.sp()?;
                Self::Partial(PartialRange::parse(c)?)
            }
            _ => Self::Other(Parameter::read(c, word)?),
        })
    }
}

impl<B: AsRef<[u8]>> ReturnOption<B> {
    fn write(&self, out: &mut Writer<'_>) {
        let name: &[u8] = match self {
            Self::Min => b"MIN",
            Self::Max => b"MAX",
            Self::All => b"ALL",
            Self::Count => b"COUNT",
            Self::Save => b"SAVE",
            Self::Context => b"CONTEXT",
            Self::Relevancy => b"RELEVANCY",
            Self::Update(None) => b"UPDATE",
            Self::Update(Some(items)) => {
                out.put(b"UPDATE ");
                return items.write(out);
            }
            Self::Partial(range) => {
                out.put(b"PARTIAL ");
                return range.write(out);
            }
            Self::Other(parameter) => return parameter.write(out),
        };
        out.put(name);
    }
}

/// `"RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"`, behind RETURN and its space.
pub(crate) fn parse_return<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<ReturnOption<B>>> {
    let mut options = Vec::new();
    c.open("return options")?;
    if c.close()? {
        return Ok(options);
    }
    loop {
        options.push(ReturnOption::parse(c)?);
        if c.close()? {
            return Ok(options);
        }
        c.sp()?;
    }
}

pub(crate) fn write_return<B: AsRef<[u8]>>(options: &[ReturnOption<B>], out: &mut Writer<'_>) {
    out.put(b"RETURN ");
    out.list(options, ReturnOption::write);
}

/// `nz-number *(SP nz-number)`, or none: the text of the numbers that SEARCH or SORT found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NumberList<B = Bytes>(B);

impl NumberList {
    /// Of numbers, in their order.
    pub fn of(numbers: impl IntoIterator<Item = NonZeroU32>) -> Self {
        let mut text = String::new();
        for number in numbers {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&number.to_string());
        }
        Self(Bytes::from(text))
    }
}

impl<B: AsRef<[u8]>> NumberList<B> {
    /// Each, in its order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let words = self.0.as_ref().split(|octet| *octet == b' ');
        words.filter_map(|word| nz_number(word).map(|(number, _)| number))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_empty()
    }
}

/// What stands behind `SEARCH` or `SORT` in a response: `[1*(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 7162 s 7")]
pub struct SearchData<B = Bytes> {
    /// What was found; of SORT, in that order.
    pub numbers: NumberList<B>,
    /// The highest mod-sequence of them (RFC 7162 s 3.1.5).
    pub mod_seq: Option<u64>,
}

impl<'a, B: Keep<'a>> SearchData<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mut mod_seq = None;
        let mut from = None;
        let mut to = c.at();
        while !c.at_end() && !matches!(c.rest(), [b' '] | [b' ', b'\r', ..]) {
            c.sp()?;
            if c.peek() == Some(b'(') {
                mod_seq = Some(search_mod_seq(c)?);
                break;
            }
            let at = c.at();
            from.get_or_insert(at);
            if c.nz_number().is_err() {
                // "* SEARCH 0" of some old servers.
                c.deviation(Quirk::Zero, "a number over 0")?;
                c.number()?;
            }
            to = c.at();
        }
        let length = to.saturating_sub(from.unwrap_or(to));
        let text = c.since(from.unwrap_or(to)).get(..length).unwrap_or_default();
        Ok(Self { numbers: NumberList(c.keep(text)), mod_seq })
    }
}

/// `"(" "MODSEQ" SP mod-sequence-value ")"`
fn search_mod_seq<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<u64> {
    c.open("MODSEQ")?;
    if !c.eat_keyword(b"MODSEQ") {
        return Err(c.fault("MODSEQ"));
    }
    c.sp()?;
    let number = c.number64()?;
    if c.close()? { Ok(number) } else { Err(c.fault("')'")) }
}

impl<B: AsRef<[u8]>> SearchData<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        for number in self.numbers.iter() {
            out.sp();
            out.number(number.into());
        }
        if let Some(number) = self.mod_seq {
            out.put(b" (MODSEQ ");
            out.number(number);
            out.octet(b')');
        }
    }
}

/// ```text
/// esearch-response  = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
/// search-correlator = SP "(" one-correlator *(SP one-correlator) ")"
/// one-correlator    = ("TAG" SP tag-string) / ("MAILBOX" SP astring) / ("UIDVALIDITY" SP nz-number)
/// ```
///
/// What stands behind ESEARCH (RFC 9051 s 7.3.4, RFC 7377 s 4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 7377 s 4")]
pub struct Esearch<B = Bytes> {
    /// Which command this answers.
    pub tag: Option<AString<B>>,
    /// Of which mailbox this is (RFC 7377).
    pub mailbox: Option<AString<B>>,
    /// Its UIDVALIDITY (RFC 7377).
    pub uid_validity: Option<NonZeroU32>,
    /// What the numbers are.
    pub numbering: Numbering,
    /// The results.
    pub data: Vec<ReturnData<B>>,
}

/// `search-return-data`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReturnData<B = Bytes> {
    /// `MIN`
    Min(NonZeroU32),
    /// `MAX`
    Max(NonZeroU32),
    /// `ALL`; there is none if nothing was found. Of SORT, in that order.
    All(SequenceSet<B>),
    /// `COUNT`
    Count(u32),
    /// `MODSEQ` (RFC 7162).
    ModSeq(u64),
    /// `PARTIAL` (RFC 9394): the page and what is on it.
    Partial(PartialRange, Option<SequenceSet<B>>),
    /// `ADDTO` (RFC 5267): where, and what is new there.
    AddTo(Vec<(u32, SequenceSet<B>)>),
    /// `REMOVEFROM` (RFC 5267).
    RemoveFrom(Vec<(u32, SequenceSet<B>)>),
    /// `RELEVANCY` (RFC 6203): a score from 1 to 100 for each found.
    Relevancy(NumberList<B>),
    /// Another.
    Other(Atom<B>, Value<B>),
}

impl<'a, B: Keep<'a>> Esearch<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mut esearch = Self {
            tag: None,
            mailbox: None,
            uid_validity: None,
            numbering: Numbering::Sequence,
            data: Vec::new(),
        };
        let mut is_first = true;
        while !c.at_end() && !matches!(c.rest(), [b' '] | [b' ', b'\r', ..]) {
            c.sp()?;
            if c.peek() == Some(b'(') && is_first {
                esearch.correlator(c)?;
                continue;
            }
            let start = c.at();
            let word = c.word(class::ATOM, "search results")?;
            if is_first && word.eq_ignore_ascii_case(b"UID") {
                esearch.numbering = Numbering::Uid;
                is_first = false;
                continue;
            }
            is_first = false;
            let Some(data) = ReturnData::parse(c, word)? else {
                c.back_to(start);
                return Err(c.fault("search results"));
            };
            esearch.data.push(data);
        }
        Ok(esearch)
    }

    fn correlator(&mut self, c: &mut Cursor<'a, B>) -> Result<()> {
        c.open("a correlator")?;
        loop {
            let start = c.at();
            let word = c.word(class::ATOM, "a correlator")?;
            match keyword::of(word) {
                TAG => {
                    c.sp()?;
                    self.tag = Some(AString::parse(c)?);
                }
                MAILBOX => {
                    c.sp()?;
                    self.mailbox = Some(AString::parse(c)?);
                }
                UIDVALIDITY => {
                    c.sp()?;
                    self.uid_validity = Some(c.nz_number()?);
                }
                _ => {
                    c.back_to(start);
                    return Err(c.fault("TAG, MAILBOX or UIDVALIDITY"));
                }
            }
            if c.close()? {
                return Ok(());
            }
            c.sp()?;
        }
    }
}

impl<'a, B: Keep<'a>> ReturnData<B> {
    /// Behind its name.
    fn parse(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<Option<Self>> {
        c.sp()?;
        Ok(Some(match keyword::of(name) {
            MIN => Self::Min(c.nz_number()?),
            MAX => Self::Max(c.nz_number()?),
            ALL => Self::All(result_set(c)?),
            COUNT => Self::Count(c.number()?),
            MODSEQ => Self::ModSeq(c.number64()?),
            PARTIAL => {
                c.open("a page")?;
                let range = PartialRange::parse(c)?;
                c.sp()?;
                let set = if c.eat_nil() { None } else { Some(result_set(c)?) };
                if !c.close()? {
                    return Err(c.fault("')'"));
                }
                Self::Partial(range, set)
            }
            ADDTO => Self::AddTo(positions(c)?),
            REMOVEFROM => Self::RemoveFrom(positions(c)?),
            RELEVANCY => {
                c.open("scores")?;
                let from = c.at();
                while !c.close()? {
                    if c.at() > from {
                        c.sp()?;
                    }
                    c.nz_number()?;
                }
                let text = c.since(from);
                Self::Relevancy(NumberList(c.keep(text.strip_suffix(b")").unwrap_or(text))))
            }
            _ => Self::Other(Atom::of_checked(c.keep(name)), Value::read(c)?),
        }))
    }
}

/// RFC 9051 s 9: "Note that "$" marker is not allowed after the ALL return data item".
fn result_set<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<SequenceSet<B>> {
    let start = c.at();
    let set = SequenceSet::read(c)?;
    if set.has_saved() || set.has_largest() {
        c.back_to(start);
        return Err(c.fault("a set of numbers"));
    }
    Ok(set)
}

/// `"(" context-position SP sequence-set *(SP context-position SP sequence-set) ")"`
fn positions<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<(u32, SequenceSet<B>)>> {
    let mut positions = Vec::new();
    c.open("positions")?;
    loop {
        let position = c.number()?;
        c.sp()?;
        positions.push((position, result_set(c)?));
        if c.close()? {
            return Ok(positions);
        }
        c.sp()?;
    }
}

impl<B: AsRef<[u8]>> Esearch<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let has_correlator = self.tag.is_some() || self.mailbox.is_some() || self.uid_validity.is_some();
        if has_correlator {
            out.put(b" (");
            let mut between: &[u8] = b"";
            // A tag is a string here (RFC 4466 s 3), an astring in RFC 9051 s 9: as it came.
            for (name, text) in [(&b"TAG "[..], &self.tag), (b"MAILBOX ", &self.mailbox)] {
                if let Some(text) = text {
                    out.put(between);
                    out.put(name);
                    text.write(out);
                    between = b" ";
                }
            }
            if let Some(uid_validity) = self.uid_validity {
                out.put(between);
                out.put(b"UIDVALIDITY ");
                out.number(uid_validity.get().into());
            }
            out.octet(b')');
        }
        if self.numbering == Numbering::Uid {
            out.put(b" UID");
        }
        for data in &self.data {
            out.sp();
            data.write(out);
        }
    }

    /// What was found, where ALL says it.
    pub fn all(&self) -> Option<NumberSet> {
        self.data.iter().find_map(|data| match data {
            ReturnData::All(set) => set.resolve(0),
            _ => None,
        })
    }
}

impl<B: AsRef<[u8]>> ReturnData<B> {
    fn write(&self, out: &mut Writer<'_>) {
        let number = |out: &mut Writer<'_>, name: &[u8], number: u64| {
            out.put(name);
            out.number(number);
        };
        let positions = |out: &mut Writer<'_>, name: &[u8], positions: &[(u32, SequenceSet<B>)]| {
            out.put(name);
            out.list(positions, |(position, set), out| {
                out.number((*position).into());
                out.sp();
                set.write(out);
            });
        };
        match self {
            Self::Min(min) => number(out, b"MIN ", min.get().into()),
            Self::Max(max) => number(out, b"MAX ", max.get().into()),
            Self::All(set) => {
                out.put(b"ALL ");
                set.write(out);
            }
            Self::Count(count) => number(out, b"COUNT ", (*count).into()),
            Self::ModSeq(mod_seq) => number(out, b"MODSEQ ", *mod_seq),
            Self::Partial(range, set) => {
                out.put(b"PARTIAL (");
                range.write(out);
                out.sp();
                match set {
                    Some(set) => set.write(out),
                    None => out.put(b"NIL"),
                }
                out.octet(b')');
            }
            Self::AddTo(list) => positions(out, b"ADDTO ", list),
            Self::RemoveFrom(list) => positions(out, b"REMOVEFROM ", list),
            Self::Relevancy(scores) => {
                out.put(b"RELEVANCY ");
                out.list(scores.iter(), |score, out| out.number(score.into()));
            }
            Self::Other(name, value) => {
                name.write(out);
                out.sp();
                value.write(out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};

    #[test]
    fn esearch_responses_come_back() {
        for text in [
            "",
            " (TAG \"A285\") UID MIN 7 MAX 3800",
            " (TAG A286) COUNT 23 ALL 2,10:11",
            " (TAG \"a\") ALL 4,5,7 MODSEQ 12345",
            " (TAG \"A01\" MAILBOX \"folder1\" UIDVALIDITY 1) UID ALL 4001,4003",
            " (TAG \"A01\") UID PARTIAL (1:500 23500:24000)",
            " (TAG \"A01\") UID PARTIAL (-1:-100 NIL)",
            " (TAG \"B01\") UID ADDTO (0 2731:2735)",
            " (TAG \"B01\") UID ADDTO (1 2733 1 2732 1 2731)",
            " (TAG \"B01\") UID REMOVEFROM (0 32768)",
            " (TAG \"B01\") RELEVANCY (4 99 100) ALL 1,5,10",
            " (TAG \"B01\") RELEVANCY ()",
            " XYZZY (a (b)) COUNT 0",
        ] {
            let mode = Mode::new(Profile::Strict);
            let mut c = Cursor::borrowed(text.as_bytes(), &mode);
            let read = Esearch::parse(&mut c).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(c.rest().is_empty(), "{text}");
            assert_eq!(written(|out| read.write(out)), text);
        }
    }

    #[test]
    fn what_is_no_esearch_and_where() {
        for (text, at, shows) in [
            (" ALL $", 5, "no saved result"),
            (" ALL 1:*", 5, "no *"),
            (" ALL", 4, "no set"),
            (" MIN 0", 5, "nz-number"),
            (" (FOO \"x\") ALL 1", 2, "an unknown correlator"),
            (" (TAG \"x\"", 9, "no end"),
            (" PARTIAL (1:-5 1)", 12, "one of each"),
            (" ADDTO ()", 8, "nothing"),
        ] {
            let mode = Mode::new(Profile::Strict);
            let error = Esearch::parse(&mut Cursor::borrowed(text.as_bytes(), &mode)).unwrap_err();
            assert_eq!(error.at(), at, "{text:?}: {shows}: {error}");
        }
    }

    #[test]
    fn search_responses_come_back() {
        let (strict, liberal) = (Mode::new(Profile::Strict), Mode::new(Profile::Liberal));
        for (text, numbers, mod_seq) in [
            ("", &[][..], None),
            (" 2 3 6", &[2, 3, 6][..], None),
            (
                " 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)",
                &[2, 5, 6, 7, 11, 12, 18, 19, 20, 23],
                Some(917_162_500),
            ),
        ] {
            let read = SearchData::parse(&mut Cursor::borrowed(text.as_bytes(), &strict)).unwrap();
            assert_eq!(read.numbers.iter().collect::<Vec<_>>(), numbers);
            assert_eq!(read.mod_seq, mod_seq);
            assert_eq!(written(|out| read.write(out)), text);
        }
        let mut c = Cursor::borrowed(b" 2  3 \r\n", &liberal);
        let read = SearchData::parse(&mut c).unwrap();
        assert_eq!(written(|out| read.write(out)), " 2 3");
        c.end().unwrap();
        assert!(SearchData::parse(&mut Cursor::borrowed(b" x", &strict)).is_err());
    }

    #[test]
    fn return_options_come_back() {
        let mode = Mode::new(Profile::Strict);
        for text in [
            "()",
            "(MIN MAX ALL COUNT SAVE)",
            "(CONTEXT UPDATE PARTIAL 1:500)",
            "(PARTIAL -1:-100 RELEVANCY)",
            "(UPDATE (UID FLAGS))",
            "(XYZZY FOO (a b) BAR 1:3 MIN)",
        ] {
            let mut c = Cursor::borrowed(text.as_bytes(), &mode);
            let read = parse_return(&mut c).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(written(|out| write_return(&read, out)), format!("RETURN {text}"));
        }
        for text in ["", "(", "(MIN", "(MIN  MAX)", "(PARTIAL)", "(PARTIAL 1:0)", "(PARTIAL 1:-3)"] {
            assert!(parse_return(&mut Cursor::borrowed(text.as_bytes(), &mode)).is_err(), "{text:?}");
        }
    }
}
