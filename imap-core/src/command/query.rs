//! SEARCH, SORT, THREAD and ESEARCH.

use bytes::Bytes;

use super::notify::MailboxFilter;
use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::esearch::{ReturnOption, parse_return, write_return};
use crate::grammar::search::SearchKeys;
use crate::grammar::sequence::Numbering;
use crate::grammar::sort::{SortCriterion, parse_criteria, write_criteria};
use crate::grammar::string::{AString, Atom};
use crate::grammar::value::Value;
use crate::writer::Writer;

/// ```text
/// search         = "SEARCH" [search-return-opts] SP search-program
/// search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9")]
pub struct Search<B: AsRef<[u8]> = Bytes> {
    /// What the numbers in the answer are.
    pub numbering: Numbering,
    /// `RETURN`: what to answer; with it and nothing in it `ALL` is meant.
    pub returns: Option<Vec<ReturnOption<B>>>,
    /// `CHARSET`: of the strings in the keys.
    pub charset: Option<AString<B>>,
    /// What to look for.
    pub keys: SearchKeys<B>,
}

/// `[SP "RETURN" SP "(" … ")"]`
fn returns<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Option<Vec<ReturnOption<B>>>> {
    if c.eat_keyword(b" RETURN ") { parse_return(c).map(Some) } else { Ok(None) }
}

/// `SP ["CHARSET" SP charset SP]`
fn charset<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Option<AString<B>>> {
    c.sp()?;
    if !c.eat_keyword(b"CHARSET ") {
        return Ok(None);
    }
    let charset = AString::parse(c)?;
    c.sp()?;
    Ok(Some(charset))
}

impl<'a, B: Keep<'a>> Search<B> {
    #[inline]
    pub(super) fn parse(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Self> {
        let returns = returns(c)?;
        let charset = charset(c)?;
        Ok(Self { numbering, returns, charset, keys: SearchKeys::read(c)? })
    }
}

impl<B: AsRef<[u8]>> Search<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        if let Some(returns) = &self.returns {
            write_return(returns, out);
            out.sp();
        }
        if let Some(charset) = &self.charset {
            out.put(b"CHARSET ");
            charset.write(out);
            out.sp();
        }
        self.keys.write(out);
    }
}

/// `sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP charset 1*(SP search-key)` (RFC 5256, RFC 5267)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 5267 s 6")]
pub struct Sort<B: AsRef<[u8]> = Bytes> {
    /// What the numbers in the answer are.
    pub numbering: Numbering,
    /// `RETURN`: what to answer.
    pub returns: Option<Vec<ReturnOption<B>>>,
    /// By what to sort; at least one.
    pub criteria: Vec<SortCriterion<B>>,
    /// Of the strings in the keys.
    pub charset: AString<B>,
    /// What to look for.
    pub keys: SearchKeys<B>,
}

impl<'a, B: Keep<'a>> Sort<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Self> {
        let returns = returns(c)?;
        c.sp()?;
        let criteria = parse_criteria(c)?;
        c.sp()?;
        let charset = AString::parse(c)?;
        c.sp()?;
        Ok(Self { numbering, returns, criteria, charset, keys: SearchKeys::read(c)? })
    }
}

impl<B: AsRef<[u8]>> Sort<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        if let Some(returns) = &self.returns {
            write_return(returns, out);
            out.sp();
        }
        write_criteria(&self.criteria, out);
        out.sp();
        self.charset.write(out);
        out.sp();
        self.keys.write(out);
    }
}

/// `thread = ["UID" SP] "THREAD" SP thread-alg SP charset 1*(SP search-key)` (RFC 5256)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 5256 s 5")]
pub struct Thread<B = Bytes> {
    /// What the numbers in the answer are.
    pub numbering: Numbering,
    /// `ORDEREDSUBJECT`, `REFERENCES` or another.
    pub algorithm: Atom<B>,
    /// Of the strings in the keys.
    pub charset: AString<B>,
    /// What to look for.
    pub keys: SearchKeys<B>,
}

impl<'a, B: Keep<'a>> Thread<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Self> {
        c.sp()?;
        let algorithm = Atom::parse(c)?;
        c.sp()?;
        let charset = AString::parse(c)?;
        c.sp()?;
        Ok(Self { numbering, algorithm, charset, keys: SearchKeys::read(c)? })
    }
}

impl<B: AsRef<[u8]>> Thread<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.algorithm.write(out);
        out.sp();
        self.charset.write(out);
        out.sp();
        self.keys.write(out);
    }
}

/// ```text
/// esearch             = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
/// esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
/// source-mbox         = filter-mailboxes *(SP filter-mailboxes)
/// ```
///
/// A search in many mailboxes (RFC 7377).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 7377 s 4")]
pub struct MultiSearch<B: AsRef<[u8]> = Bytes> {
    /// `IN`: where to look; without it in the selected mailbox.
    pub scope: Option<SearchScope<B>>,
    /// `RETURN`: what to answer.
    pub returns: Option<Vec<ReturnOption<B>>>,
    /// `CHARSET`: of the strings in the keys.
    pub charset: Option<AString<B>>,
    /// What to look for.
    pub keys: SearchKeys<B>,
}

/// `source-mbox [SP "(" scope-options ")"]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 7377 s 4")]
pub struct SearchScope<B = Bytes> {
    /// Which mailboxes.
    pub mailboxes: Vec<MailboxFilter<B>>,
    /// Options that nobody has defined yet.
    pub options: Option<Value<B>>,
}

impl<'a, B: Keep<'a>> MultiSearch<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let scope = if c.eat_keyword(b" IN ") { Some(SearchScope::parse(c)?) } else { None };
        let returns = returns(c)?;
        let charset = charset(c)?;
        Ok(Self { scope, returns, charset, keys: SearchKeys::read(c)? })
    }
}

impl<'a, B: Keep<'a>> SearchScope<B> {
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("which mailboxes")?;
        let mut this = Self { mailboxes: vec![MailboxFilter::parse(c)?], options: None };
        while !c.close()? {
            c.sp()?;
            if c.peek() == Some(b'(') {
                this.options = Some(Value::read(c)?);
                return if c.close()? { Ok(this) } else { Err(c.fault("')'")) };
            }
            this.mailboxes.push(MailboxFilter::parse(c)?);
        }
        Ok(this)
    }
}

impl<B: AsRef<[u8]>> MultiSearch<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        if let Some(SearchScope { mailboxes, options }) = &self.scope {
            out.put(b"IN (");
            out.spaced(mailboxes, MailboxFilter::write);
            if let Some(options) = options {
                out.sp();
                options.write(out);
            }
            out.put(b") ");
        }
        if let Some(returns) = &self.returns {
            write_return(returns, out);
            out.sp();
        }
        if let Some(charset) = &self.charset {
            out.put(b"CHARSET ");
            charset.write(out);
            out.sp();
        }
        self.keys.write(out);
    }
}
