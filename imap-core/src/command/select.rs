//! SELECT, EXAMINE and CREATE with their parameters.

use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::flag::{FlagList, Place};
use crate::grammar::mailbox::Mailbox;
use crate::grammar::parameter::{Parameter, list, list_follows};
use crate::grammar::sequence::SequenceSet;
use crate::writer::Writer;

/// `select = "SELECT" SP mailbox [SP "(" select-param *(SP select-param) ")"]`, and EXAMINE.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4466 s 3")]
pub struct Select<B = Bytes> {
    /// Which mailbox.
    pub mailbox: Mailbox<B>,
    /// Its parameters; without any there are no parentheses.
    pub parameters: Vec<SelectParameter<B>>,
}

/// `select-param`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectParameter<B = Bytes> {
    /// `CONDSTORE` (RFC 7162).
    CondStore,
    /// `QRESYNC` (RFC 7162).
    Qresync(Box<Qresync<B>>),
    /// Another.
    Other(Parameter<B>),
}

/// `"QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"` (RFC 7162 s 3.2.5)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 7162 s 7")]
pub struct Qresync<B = Bytes> {
    /// The UIDVALIDITY that the client knows.
    pub uid_validity: NonZeroU32,
    /// The mod-sequence up to which it knows everything.
    pub mod_seq: u64,
    /// The UIDs that it knows; without them all below UIDNEXT.
    pub known_uids: Option<SequenceSet<B>>,
    /// Some sequence numbers and their UIDs.
    pub matched: Option<KnownUids<B>>,
}

/// `seq-match-data = "(" known-sequence-set SP known-uid-set ")"`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 7162 s 7")]
pub struct KnownUids<B = Bytes> {
    /// Sequence numbers, ascending.
    pub sequence: SequenceSet<B>,
    /// As many UIDs, ascending.
    pub uids: SequenceSet<B>,
}

impl<'a, B: Keep<'a>> Select<B> {
    #[inline]
    pub(super) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.sp()?;
        let mailbox = Mailbox::parse(c)?;
        let parameters = if list_follows(c)? { list(c, SelectParameter::parse)? } else { Vec::new() };
        Ok(Self { mailbox, parameters })
    }
}

impl<'a, B: Keep<'a>> SelectParameter<B> {
    fn parse(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<Self> {
        if name.eq_ignore_ascii_case(b"CONDSTORE") {
            return Ok(Self::CondStore);
        }
        if name.eq_ignore_ascii_case(b"QRESYNC") {
            c.sp()?;
            return Ok(Self::Qresync(Box::new(Qresync::parse(c)?)));
        }
        Parameter::read(c, name).map(Self::Other)
    }
}

impl<'a, B: Keep<'a>> Qresync<B> {
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("QRESYNC's parameters")?;
        let uid_validity = c.nz_number()?;
        c.sp()?;
        let start = c.at();
        let mod_seq = c.number64()?;
        if mod_seq == 0 {
            // mod-sequence-value: "Positive unsigned 63-bit integer"
            c.back_to(start);
            return Err(c.fault("a mod-sequence over 0"));
        }
        let mut this = Self { uid_validity, mod_seq, known_uids: None, matched: None };
        if !c.close()? {
            c.sp()?;
            if c.peek() != Some(b'(') {
                this.known_uids = Some(known(c)?);
                if c.close()? {
                    return Ok(this);
                }
                c.sp()?;
            }
            c.open("sequence numbers and UIDs")?;
            let sequence = known(c)?;
            c.sp()?;
            this.matched = Some(KnownUids { sequence, uids: known(c)? });
            if !c.close()? || !c.close()? {
                return Err(c.fault("')'"));
            }
        }
        Ok(this)
    }
}

/// A set in which `*` is not allowed, nor `$`.
fn known<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<SequenceSet<B>> {
    let start = c.at();
    let set = SequenceSet::read(c)?;
    if set.has_largest() || set.has_saved() {
        c.back_to(start);
        return Err(c.fault("a set without *"));
    }
    Ok(set)
}

impl<B: AsRef<[u8]>> Select<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        if self.parameters.is_empty() {
            return;
        }
        out.sp();
        out.list(&self.parameters, |parameter, out| match parameter {
            SelectParameter::CondStore => out.put(b"CONDSTORE"),
            SelectParameter::Qresync(qresync) => qresync.write(out),
            SelectParameter::Other(parameter) => parameter.write(out),
        });
    }
}

impl<B: AsRef<[u8]>> Qresync<B> {
    fn write(&self, out: &mut Writer<'_>) {
        out.put(b"QRESYNC (");
        out.number(self.uid_validity.get().into());
        out.sp();
        out.number(self.mod_seq);
        if let Some(uids) = &self.known_uids {
            out.sp();
            uids.write(out);
        }
        if let Some(known) = &self.matched {
            out.put(b" (");
            known.sequence.write(out);
            out.sp();
            known.uids.write(out);
            out.octet(b')');
        }
        out.octet(b')');
    }
}

/// `create = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4466 s 3")]
pub struct Create<B = Bytes> {
    /// Its name.
    pub mailbox: Mailbox<B>,
    /// Its parameters; without any there are no parentheses.
    pub parameters: Vec<CreateParameter<B>>,
}

/// `create-param`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateParameter<B = Bytes> {
    /// `USE` and special uses (RFC 6154).
    Use(FlagList<B>),
    /// Another.
    Other(Parameter<B>),
}

impl<'a, B: Keep<'a>> Create<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.sp()?;
        let mailbox = Mailbox::parse(c)?;
        let parameters = if list_follows(c)? {
            list(c, |c, name| {
                if name.eq_ignore_ascii_case(b"USE") {
                    c.sp()?;
                    return FlagList::read(c, Place::Plain).map(CreateParameter::Use);
                }
                Parameter::read(c, name).map(CreateParameter::Other)
            })?
        } else {
            Vec::new()
        };
        Ok(Self { mailbox, parameters })
    }
}

impl<B: AsRef<[u8]>> Create<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        if self.parameters.is_empty() {
            return;
        }
        out.sp();
        out.list(&self.parameters, |parameter, out| match parameter {
            CreateParameter::Use(uses) => {
                out.put(b"USE ");
                uses.write(out);
            }
            CreateParameter::Other(parameter) => parameter.write(out),
        });
    }
}
