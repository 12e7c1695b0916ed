//! SETACL (RFC 4314).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::mailbox::Mailbox;
use crate::grammar::string::AString;
use crate::writer::Writer;

/// `mod-rights = astring`: rights to give, or with `+` to add, or with `-` to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 4314 s 3.1")]
pub enum RightsChange {
    /// These and no others.
    Replace,
    /// `+`
    Add,
    /// `-`
    Remove,
}

/// `setacl = "SETACL" SP mailbox SP identifier SP mod-rights`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4314 s 7")]
pub struct SetAcl<B = Bytes> {
    /// The mailbox.
    pub mailbox: Mailbox<B>,
    /// Whose rights.
    pub identifier: AString<B>,
    /// `mod-rights`, as it was said: see [`change`](Self::change).
    pub mod_rights: AString<B>,
}

impl<'a, B: Keep<'a>> SetAcl<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        let identifier = AString::parse(c)?;
        c.sp()?;
        Ok(Self { mailbox, identifier, mod_rights: AString::parse(c)? })
    }
}

impl<B: AsRef<[u8]>> SetAcl<B> {
    /// What to do with which rights.
    pub fn change(&self) -> (RightsChange, Vec<u8>) {
        let octets = self.mod_rights.octets();
        match octets.split_first() {
            Some((b'+', rights)) => (RightsChange::Add, rights.to_vec()),
            Some((b'-', rights)) => (RightsChange::Remove, rights.to_vec()),
            _ => (RightsChange::Replace, octets.into_owned()),
        }
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        out.sp();
        self.identifier.write(out);
        out.sp();
        self.mod_rights.write(out);
    }
}
