//! SETQUOTA (RFC 9208, RFC 2087).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::string::{AString, Atom};
use crate::writer::Writer;

/// `setquota = "SETQUOTA" SP quota-root-name SP "(" [setquota-resource *(SP setquota-resource)] ")"`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9208 s 7")]
pub struct SetQuota<B = Bytes> {
    /// The quota root.
    pub root: AString<B>,
    /// How much there may be of each resource (`STORAGE`, `MESSAGE`, `MAILBOX`, …); what is not named has no limit.
    pub limits: Vec<(Atom<B>, u64)>,
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
            let resource = Atom::parse(c)?;
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
