//! LIST with its options, and what STATUS asks.

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::keyword::{self, keywords};
use crate::grammar::mailbox::{ListMailbox, Mailbox};
use crate::grammar::parameter::{OneOrMore, Parameter};
use crate::grammar::status::StatusAttributes;
use crate::grammar::string::AString;
use crate::writer::Writer;

/// ```text
/// list             = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
/// list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"
/// mbox-or-pat      = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")"
/// list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9")]
pub struct List<B: AsRef<[u8]> = Bytes> {
    /// Which mailboxes.
    pub select: Option<Vec<ListSelect<B>>>,
    /// What the patterns count from.
    pub reference: Mailbox<B>,
    /// What their names are like.
    pub patterns: OneOrMore<ListMailbox<B>>,
    /// What to tell of them.
    pub returns: Option<Vec<ListReturn<B>>>,
}

/// `list-select-opt`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListSelect<B = Bytes> {
    /// `SUBSCRIBED`
    Subscribed,
    /// `REMOTE`
    Remote,
    /// `RECURSIVEMATCH`: those too that have such below them. Never alone or with REMOTE alone.
    RecursiveMatch,
    /// `SPECIAL-USE` (RFC 6154).
    SpecialUse,
    /// Another.
    Other(Parameter<B>),
}

/// `return-option`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListReturn<B: AsRef<[u8]> = Bytes> {
    /// `SUBSCRIBED`
    Subscribed,
    /// `CHILDREN`
    Children,
    /// `STATUS` (RFC 5819).
    Status(StatusAttributes<B>),
    /// `MYRIGHTS` (RFC 8440).
    MyRights,
    /// `METADATA` and entries (RFC 9590).
    Metadata(Vec<AString<B>>),
    /// `SPECIAL-USE` (RFC 6154).
    SpecialUse,
    /// Another.
    Other(Parameter<B>),
}

keywords! {
    SUBSCRIBED, REMOTE, RECURSIVEMATCH, SPECIAL_USE = "SPECIAL-USE", CHILDREN, STATUS, MYRIGHTS, METADATA,
}

/// `"(" [thing *(SP thing)] ")"`
fn options<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    thing: impl Fn(&mut Cursor<'a, B>, &'a [u8]) -> Result<T>,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    c.open("options")?;
    while !c.close()? {
        if !all.is_empty() {
            c.sp()?;
        }
        let name = c.word(class::ATOM, "an option")?;
        all.push(thing(c, name)?);
    }
    Ok(all)
}

impl<'a, B: Keep<'a>> List<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.sp()?;
        let select = if c.peek() == Some(b'(') { Some(select_options(c)?) } else { None };
        let reference = Mailbox::parse(c)?;
        c.sp()?;
        let patterns = OneOrMore::parse(c, ListMailbox::parse)?;
        let returns = if c.eat_keyword(b" RETURN ") { Some(options(c, ListReturn::parse)?) } else { None };
        Ok(Self { select, reference, patterns, returns })
    }
}

/// With the space behind them.
fn select_options<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<ListSelect<B>>> {
    let start = c.at();
    let all = options(c, |c, name| {
        Ok(match keyword::of(name) {
            SUBSCRIBED => ListSelect::Subscribed,
            REMOTE => ListSelect::Remote,
            RECURSIVEMATCH => ListSelect::RecursiveMatch,
            SPECIAL_USE => ListSelect::SpecialUse,
            _ => ListSelect::Other(Parameter::read(c, name)?),
        })
    })?;
    // RFC 9051 s 6.3.9.1: RECURSIVEMATCH "cannot be used alone or […] with REMOTE".
    let has_base = all
        .iter()
        .any(|one| matches!(one, ListSelect::Subscribed | ListSelect::SpecialUse | ListSelect::Other(_)));
    if !has_base && all.iter().any(|one| matches!(one, ListSelect::RecursiveMatch)) {
        c.back_to(start);
        return Err(c.fault("an option that RECURSIVEMATCH is about"));
    }
    c.sp()?;
    Ok(all)
}

impl<'a, B: Keep<'a>> ListReturn<B> {
    fn parse(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<Self> {
        Ok(match keyword::of(name) {
            SUBSCRIBED => Self::Subscribed,
            CHILDREN => Self::Children,
            STATUS => {
                c.sp()?;
                Self::Status(StatusAttributes::read(c)?)
            }
            MYRIGHTS => Self::MyRights,
            METADATA => {
                c.sp()?;
                Self::Metadata(super::metadata::entries(c)?)
            }
            SPECIAL_USE => Self::SpecialUse,
            _ => Self::Other(Parameter::read(c, name)?),
        })
    }
}

impl<B: AsRef<[u8]>> List<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        if let Some(select) = &self.select {
            out.list(select, |option, out| match option {
                ListSelect::Subscribed => out.put(b"SUBSCRIBED"),
                ListSelect::Remote => out.put(b"REMOTE"),
                ListSelect::RecursiveMatch => out.put(b"RECURSIVEMATCH"),
                ListSelect::SpecialUse => out.put(b"SPECIAL-USE"),
                ListSelect::Other(parameter) => parameter.write(out),
            });
            out.sp();
        }
        self.reference.write(out);
        out.sp();
        self.patterns.write(out, ListMailbox::write);
        if let Some(returns) = &self.returns {
            out.put(b" RETURN ");
            out.list(returns, |option, out| match option {
                ListReturn::Subscribed => out.put(b"SUBSCRIBED"),
                ListReturn::Children => out.put(b"CHILDREN"),
                ListReturn::Status(attributes) => {
                    out.put(b"STATUS ");
                    attributes.write(out);
                }
                ListReturn::MyRights => out.put(b"MYRIGHTS"),
                ListReturn::Metadata(entries) => {
                    out.put(b"METADATA ");
                    out.list(entries, AString::write);
                }
                ListReturn::SpecialUse => out.put(b"SPECIAL-USE"),
                ListReturn::Other(parameter) => parameter.write(out),
            });
        }
    }
}
