//! Quotas (RFC 9208, RFC 2087).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::mailbox::Mailbox;
use crate::grammar::parameter::{list, to_end};
use crate::grammar::string::{AString, Atom};
use crate::mode::Quirk;
use crate::writer::Writer;

/// `resource-name`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaResource<B = Bytes> {
    /// `STORAGE`: units of 1,024 octets.
    Storage,
    /// `MESSAGE`: messages.
    Message,
    /// `MAILBOX`: mailboxes.
    Mailbox,
    /// `ANNOTATION-STORAGE`: units of 1,024 octets of annotations.
    AnnotationStorage,
    /// Another.
    Other(Atom<B>),
}

impl<'a, B: Keep<'a>> QuotaResource<B> {
    fn of(c: &Cursor<'a, B>, name: &'a [u8]) -> Self {
        match name {
            _ if name.eq_ignore_ascii_case(b"STORAGE") => Self::Storage,
            _ if name.eq_ignore_ascii_case(b"MESSAGE") => Self::Message,
            _ if name.eq_ignore_ascii_case(b"MAILBOX") => Self::Mailbox,
            _ if name.eq_ignore_ascii_case(b"ANNOTATION-STORAGE") => Self::AnnotationStorage,
            _ => Self::Other(Atom::of_checked(c.keep(name))),
        }
    }
}

impl<B: AsRef<[u8]>> QuotaResource<B> {
    fn write(&self, out: &mut Writer<'_>) {
        out.put(match self {
            Self::Storage => b"STORAGE",
            Self::Message => b"MESSAGE",
            Self::Mailbox => b"MAILBOX",
            Self::AnnotationStorage => b"ANNOTATION-STORAGE",
            Self::Other(name) => name.as_bytes(),
        });
    }
}

/// `quota-response = "QUOTA" SP quota-root-name SP quota-list`, behind `QUOTA` and its space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9208 s 7")]
pub struct Quota<B = Bytes> {
    /// The quota root.
    pub root: AString<B>,
    /// Of each resource its name, how much is used and how much may be.
    pub resources: Vec<(QuotaResource<B>, u64, u64)>,
}

impl<'a, B: Keep<'a>> Quota<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let root = AString::parse(c)?;
        c.sp()?;
        // RFC 2087 s 5.1 has examples without resources; RFC 9208 s 7 at least one.
        if c.rest().starts_with(b"()") {
            c.deviation(Quirk::EmptyList, "a resource")?;
            c.take(2);
            return Ok(Self { root, resources: Vec::new() });
        }
        let resources = list(c, |c, name| {
            let resource = QuotaResource::of(c, name);
            c.sp()?;
            let usage = c.number64()?;
            c.sp()?;
            Ok((resource, usage, c.number64()?))
        })?;
        Ok(Self { root, resources })
    }
}

impl<B: AsRef<[u8]>> Quota<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.root.write(out);
        out.sp();
        out.list(&self.resources, |(resource, usage, limit), out| {
            resource.write(out);
            out.sp();
            out.number(*usage);
            out.sp();
            out.number(*limit);
        });
    }
}

/// `quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)`, behind `QUOTAROOT` and its space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9208 s 7")]
pub struct QuotaRoot<B = Bytes> {
    /// The mailbox.
    pub mailbox: Mailbox<B>,
    /// Its quota roots.
    pub roots: Vec<AString<B>>,
}

impl<'a, B: Keep<'a>> QuotaRoot<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        Ok(Self { mailbox: Mailbox::parse(c)?, roots: to_end(c, AString::parse)? })
    }
}

impl<B: AsRef<[u8]>> QuotaRoot<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        for root in &self.roots {
            out.sp();
            root.write(out);
        }
    }
}

/// `setquota = "SETQUOTA" SP quota-root-name SP "(" [setquota-resource *(SP setquota-resource)] ")"`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9208 s 7")]
pub struct SetQuota<B = Bytes> {
    /// The quota root.
    pub root: AString<B>,
    /// How much there may be of each; none is without a limit that is not named.
    pub limits: Vec<(QuotaResource<B>, u64)>,
}

impl<'a, B: Keep<'a>> SetQuota<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let root = AString::parse(c)?;
        c.sp()?;
        let mut limits = Vec::new();
        c.open("resources")?;
        while !c.close()? {
            if !limits.is_empty() {
                c.sp()?;
            }
            let name = c.word(class::ATOM, "a resource")?;
            let resource = QuotaResource::of(c, name);
            c.sp()?;
            limits.push((resource, c.number64()?));
        }
        Ok(Self { root, limits })
    }
}

impl<B: AsRef<[u8]>> SetQuota<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.root.write(out);
        out.sp();
        out.list(&self.limits, |(resource, limit), out| {
            resource.write(out);
            out.sp();
            out.number(*limit);
        });
    }
}
