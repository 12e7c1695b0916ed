//! FETCH and STORE.

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::esearch::PartialRange;
use crate::grammar::fetch::FetchAttributes;
use crate::grammar::flag::{FlagList, Place};
use crate::grammar::parameter::{Parameter, list, list_follows};
use crate::grammar::sequence::{Numbering, SequenceSet};
use crate::grammar::value::Value;
use crate::writer::Writer;

/// ```text
/// fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
///         [SP "(" fetch-modifier *(SP fetch-modifier) ")"]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4466 s 3")]
pub struct Fetch<B: AsRef<[u8]> = Bytes> {
    /// What the numbers are.
    pub numbering: Numbering,
    /// Which messages.
    pub set: SequenceSet<B>,
    /// What of them.
    pub attributes: FetchAttributes<B>,
    /// Under which conditions; without any there are no parentheses.
    pub modifiers: Vec<FetchModifier<B>>,
}

/// `fetch-modifier`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchModifier<B = Bytes> {
    /// `CHANGEDSINCE` (RFC 7162).
    ChangedSince(u64),
    /// `VANISHED` (RFC 7162).
    Vanished,
    /// `PARTIAL` (RFC 9394).
    Partial(PartialRange),
    /// Another.
    Other(Parameter<B>),
}

impl<'a, B: Keep<'a>> Fetch<B> {
    #[inline]
    pub(super) fn parse(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Self> {
        c.sp()?;
        let set = SequenceSet::read(c)?;
        c.sp()?;
        let attributes = FetchAttributes::read(c)?;
        let modifiers = if list_follows(c)? { list(c, FetchModifier::parse)? } else { Vec::new() };
        Ok(Self { numbering, set, attributes, modifiers })
    }
}

impl<'a, B: Keep<'a>> FetchModifier<B> {
    fn parse(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<Self> {
        if name.eq_ignore_ascii_case(b"CHANGEDSINCE") {
            c.sp()?;
            return c.number64().map(Self::ChangedSince);
        }
        if name.eq_ignore_ascii_case(b"VANISHED") {
            return Ok(Self::Vanished);
        }
        if name.eq_ignore_ascii_case(b"PARTIAL") {
            c.sp()?;
            return PartialRange::parse(c).map(Self::Partial);
        }
        Parameter::read(c, name).map(Self::Other)
    }
}

impl<B: AsRef<[u8]>> Fetch<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.set.write(out);
        out.sp();
        self.attributes.write(out);
        if self.modifiers.is_empty() {
            return;
        }
        out.sp();
        out.list(&self.modifiers, |modifier, out| match modifier {
            FetchModifier::ChangedSince(number) => {
                out.put(b"CHANGEDSINCE ");
                out.number(*number);
            }
            FetchModifier::Vanished => out.put(b"VANISHED"),
            FetchModifier::Partial(range) => {
                out.put(b"PARTIAL ");
                range.write(out);
            }
            FetchModifier::Other(parameter) => parameter.write(out),
        });
    }
}

/// ```text
/// store           = "STORE" SP sequence-set [SP "(" store-modifier *(SP store-modifier) ")"] SP store-att-flags
/// store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4466 s 3")]
pub struct Store<B = Bytes> {
    /// What the numbers are.
    pub numbering: Numbering,
    /// Which messages.
    pub set: SequenceSet<B>,
    /// Under which conditions; without any there are no parentheses.
    pub modifiers: Vec<StoreModifier<B>>,
    /// What to do with what follows.
    pub action: StoreAction,
    /// Whether the server is to answer with FETCH.
    pub silence: Silence,
    /// What.
    pub attribute: StoreAttribute<B>,
}

/// `store-modifier`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreModifier<B = Bytes> {
    /// `UNCHANGEDSINCE` (RFC 7162).
    UnchangedSince(u64),
    /// Another.
    Other(Parameter<B>),
}

/// What STORE does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9051 s 6.4.6")]
pub enum StoreAction {
    /// `FLAGS`: these and no others.
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// Whether STORE is answered with the new flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9051 s 6.4.6")]
pub enum Silence {
    /// It is.
    Answer,
    /// `.SILENT`
    Silent,
}

/// What STORE changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreAttribute<B = Bytes> {
    /// `FLAGS` and a list.
    Flags(FlagList<B>),
    /// `FLAGS` and flags without parentheses.
    BareFlags(FlagList<B>),
    /// `X-GM-LABELS`: a label or a list of them.
    GmailLabels(Value<B>),
}

impl<'a, B: Keep<'a>> Store<B> {
    #[inline]
    pub(super) fn parse(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Self> {
        c.sp()?;
        let set = SequenceSet::read(c)?;
        let modifiers = if list_follows(c)? { list(c, StoreModifier::parse)? } else { Vec::new() };
        c.sp()?;
        let action = match () {
            () if c.eat(b'+') => StoreAction::Add,
            () if c.eat(b'-') => StoreAction::Remove,
            () => StoreAction::Replace,
        };
        let is_labels = match () {
            () if c.eat_keyword(b"FLAGS") => false,
            () if c.eat_keyword(b"X-GM-LABELS") => true,
            () => return Err(c.fault("FLAGS")),
        };
        let silence = if c.eat_keyword(b".SILENT") { Silence::Silent } else { Silence::Answer };
        c.sp()?;
        let attribute = match c.peek() {
            _ if is_labels => StoreAttribute::GmailLabels(Value::read_all(c)?),
            Some(b'(') => StoreAttribute::Flags(FlagList::read(c, Place::Plain)?),
            _ => StoreAttribute::BareFlags(FlagList::read_bare(c)?),
        };
        Ok(Self { numbering, set, modifiers, action, silence, attribute })
    }
}

impl<'a, B: Keep<'a>> StoreModifier<B> {
    fn parse(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<Self> {
        if name.eq_ignore_ascii_case(b"UNCHANGEDSINCE") {
            c.sp()?;
            return c.number64().map(Self::UnchangedSince);
        }
        Parameter::read(c, name).map(Self::Other)
    }
}

impl<B: AsRef<[u8]>> Store<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.set.write(out);
        out.sp();
        if !self.modifiers.is_empty() {
            out.list(&self.modifiers, |modifier, out| match modifier {
                StoreModifier::UnchangedSince(number) => {
                    out.put(b"UNCHANGEDSINCE ");
                    out.number(*number);
                }
                StoreModifier::Other(parameter) => parameter.write(out),
            });
            out.sp();
        }
        match self.action {
            StoreAction::Replace => {}
            StoreAction::Add => out.octet(b'+'),
            StoreAction::Remove => out.octet(b'-'),
        }
        out.put(match self.attribute {
            StoreAttribute::GmailLabels(_) => b"X-GM-LABELS",
            _ => b"FLAGS",
        });
        if self.silence == Silence::Silent {
            out.put(b".SILENT");
        }
        out.sp();
        match &self.attribute {
            StoreAttribute::Flags(flags) => flags.write(out),
            // Without flags there must be parentheses.
            StoreAttribute::BareFlags(flags) if flags.is_empty() => flags.write(out),
            StoreAttribute::BareFlags(flags) => flags.write_bare(out),
            StoreAttribute::GmailLabels(labels) => labels.write(out),
        }
    }
}
