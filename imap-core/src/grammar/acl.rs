//! Access control lists (RFC 4314).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::mailbox::Mailbox;
use crate::grammar::parameter::to_end;
use crate::grammar::string::AString;
use crate::writer::Writer;

/// `rights = astring`: a letter or digit each (RFC 4314 s 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights<B = Bytes>(AString<B>);

impl Rights {
    /// `None` if they are not lower case letters and digits.
    pub fn of(rights: &str) -> Option<Self> {
        let is_right = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
        rights.bytes().all(is_right).then(|| Self(AString::of(rights.as_bytes())))
    }
}

impl<'a, B: Keep<'a>> Rights<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let start = c.at();
        let rights = Self(AString::parse(c)?);
        // "only lowercase ASCII letters and digits are allowed"
        if rights.0.octets().iter().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit()) {
            return Ok(rights);
        }
        c.back_to(start);
        Err(c.fault("rights"))
    }
}

impl<B: AsRef<[u8]>> Rights<B> {
    /// Whether it is one of them.
    pub fn has(&self, right: char) -> bool {
        u8::try_from(right).is_ok_and(|right| self.0.octets().contains(&right))
    }

    /// As it was said.
    pub fn as_astring(&self) -> &AString<B> {
        &self.0
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.0.write(out);
    }
}

/// `acl-data = "ACL" SP mailbox *(SP identifier SP rights)`, behind `ACL` and its space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4314 s 7")]
pub struct Acl<B = Bytes> {
    /// The mailbox.
    pub mailbox: Mailbox<B>,
    /// Who has which rights. An identifier that begins with `-` has them not.
    pub entries: Vec<(AString<B>, Rights<B>)>,
}

impl<'a, B: Keep<'a>> Acl<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        let entries = to_end(c, |c| {
            let identifier = AString::parse(c)?;
            c.sp()?;
            Ok((identifier, Rights::parse(c)?))
        })?;
        Ok(Self { mailbox, entries })
    }
}

impl<B: AsRef<[u8]>> Acl<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        for (identifier, rights) in &self.entries {
            out.sp();
            identifier.write(out);
            out.sp();
            rights.write(out);
        }
    }
}

/// `listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)`, behind `LISTRIGHTS` and its space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4314 s 7")]
pub struct ListRights<B = Bytes> {
    /// The mailbox.
    pub mailbox: Mailbox<B>,
    /// Whose rights.
    pub identifier: AString<B>,
    /// Those that the identifier has always.
    pub required: Rights<B>,
    /// Those that it may be given, tied together.
    pub optional: Vec<Rights<B>>,
}

impl<'a, B: Keep<'a>> ListRights<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        let identifier = AString::parse(c)?;
        c.sp()?;
        Ok(Self { mailbox, identifier, required: Rights::parse(c)?, optional: to_end(c, Rights::parse)? })
    }
}

impl<B: AsRef<[u8]>> ListRights<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        out.sp();
        self.identifier.write(out);
        out.sp();
        self.required.write(out);
        for rights in &self.optional {
            out.sp();
            rights.write(out);
        }
    }
}

/// `myrights-data = "MYRIGHTS" SP mailbox SP rights`, behind `MYRIGHTS` and its space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4314 s 7")]
pub struct MyRights<B = Bytes> {
    /// The mailbox.
    pub mailbox: Mailbox<B>,
    /// The rights of the one who is logged in.
    pub rights: Rights<B>,
}

impl<'a, B: Keep<'a>> MyRights<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        Ok(Self { mailbox, rights: Rights::parse(c)? })
    }
}

impl<B: AsRef<[u8]>> MyRights<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        out.sp();
        self.rights.write(out);
    }
}

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
