//! Data of extensions.

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::list::read_delimiter;
use crate::grammar::mailbox::Mailbox;
use crate::grammar::string::{AString, Atom, IString, NString};
use crate::mode::Quirk;
use crate::writer::Writer;

/// `"(" [string SP nstring *(SP string SP nstring)] ")"`: names and values (RFC 2971 s 4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a list")]
pub struct IdParameters<B = Bytes>(pub Vec<(IString<B>, NString<B>)>);

/// `namespace SP namespace SP namespace` (RFC 9051 s 7.3.3)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "three, by position")]
pub struct Namespaces<B = Bytes> {
    /// The user's own.
    pub personal: Vec<NamespaceDescription<B>>,
    /// Of other users.
    pub other: Vec<NamespaceDescription<B>>,
    /// Of all.
    pub shared: Vec<NamespaceDescription<B>>,
}

/// `"(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) [namespace-response-extensions] ")"`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9 has three")]
pub struct NamespaceDescription<B = Bytes> {
    /// How the names in it begin.
    pub prefix: IString<B>,
    /// What separates the levels of its names; none where there are no levels.
    pub delimiter: Option<u8>,
    /// `*(SP string SP "(" string *(SP string) ")")`
    pub extensions: Vec<(IString<B>, Vec<IString<B>>)>,
}

/// `quota-root-name SP quota-list` (RFC 9208 s 5)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two, by position")]
pub struct Quota<B = Bytes> {
    /// Of what.
    pub root: AString<B>,
    /// What is used, and what may be.
    pub resources: Vec<QuotaResource<B>>,
}

/// `resource-name SP resource-usage SP resource-limit`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "three, by position")]
pub struct QuotaResource<B = Bytes> {
    /// `STORAGE` in units of 1,024 octets, `MESSAGE`, `MAILBOX`, `ANNOTATION-STORAGE`, or another.
    pub name: Atom<B>,
    /// What is used.
    pub usage: u64,
    /// What may be.
    pub limit: u64,
}

/// `mailbox *(SP quota-root-name)`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two, by position")]
pub struct QuotaRoots<B = Bytes> {
    /// Of which.
    pub mailbox: Mailbox<B>,
    /// The roots.
    pub roots: Vec<AString<B>>,
}

/// `mailbox *(SP identifier SP rights)` (RFC 4314 s 7)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two, by position")]
pub struct Acl<B = Bytes> {
    /// Of which.
    pub mailbox: Mailbox<B>,
    /// Who, and what they may.
    pub entries: Vec<(AString<B>, AString<B>)>,
}

/// `mailbox SP identifier SP rights *(SP rights)`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "four, by position")]
pub struct ListRights<B = Bytes> {
    /// Of which.
    pub mailbox: Mailbox<B>,
    /// Who.
    pub identifier: AString<B>,
    /// What they always may.
    pub required: AString<B>,
    /// What they can be allowed, in pieces.
    pub optional: Vec<AString<B>>,
}

/// `mailbox SP rights`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two, by position")]
pub struct MyRights<B = Bytes> {
    /// Of which.
    pub mailbox: Mailbox<B>,
    /// What one may.
    pub rights: AString<B>,
}

/// `mailbox SP (entry-values / entry-list)` (RFC 5464 s 5)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two, by position")]
pub struct Metadata<B = Bytes> {
    /// Of which; empty for the server.
    pub mailbox: Mailbox<B>,
    /// What is said.
    pub entries: MetadataEntries<B>,
}

/// What METADATA says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5464 s 5 has two")]
pub enum MetadataEntries<B = Bytes> {
    /// Entries and their values, that were asked for.
    Values(Vec<(AString<B>, NString<B>)>),
    /// Entries that have changed.
    Names(Vec<AString<B>>),
}

/// `comp-sel-quoted [SP "(" comp-id-quoted *(SP comp-id-quoted) ")"]` (RFC 5255 s 4.10)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two, by position")]
pub struct Comparator<B = Bytes> {
    /// The one in use.
    pub active: AString<B>,
    /// All that match what was asked for.
    pub matching: Vec<AString<B>>,
}

/// `"(" thing *(SP thing) ")"`
pub(super) fn read_list<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    mut read: impl FnMut(&mut Cursor<'a, B>) -> Result<T>,
) -> Result<Vec<T>> {
    c.open("'('")?;
    let mut things = Vec::new();
    if c.close()? {
        c.deviation(Quirk::EmptyList, "one at least")?;
        return Ok(things);
    }
    loop {
        things.push(read(c)?);
        if c.close()? {
            return Ok(things);
        }
        c.sp()?;
    }
}

/// `*(SP thing)`, to the end of the line.
fn read_each<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    mut read: impl FnMut(&mut Cursor<'a, B>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut things = Vec::new();
    while !c.at_end() && !matches!(c.rest(), [b' '] | [b' ', b'\r', ..]) {
        c.sp()?;
        things.push(read(c)?);
    }
    Ok(things)
}

/// `1*(SP astring)`
pub(super) fn read_words<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<AString<B>>> {
    let words = read_each(c, AString::parse)?;
    if words.is_empty() { Err(c.fault("SP")) } else { Ok(words) }
}

/// `1*(SP url-full SP nstring)`
pub(super) fn read_urlfetch<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<(AString<B>, NString<B>)>> {
    let urls = read_each(c, |c| pair(c, NString::parse_or_literal8))?;
    if urls.is_empty() { Err(c.fault("SP")) } else { Ok(urls) }
}

fn pair<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    read: impl FnOnce(&mut Cursor<'a, B>) -> Result<T>,
) -> Result<(AString<B>, T)> {
    let name = AString::parse(c)?;
    c.sp()?;
    Ok((name, read(c)?))
}

impl<'a, B: Keep<'a>> IdParameters<B> {
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Option<Self>> {
        if c.eat_nil() {
            return Ok(None);
        }
        c.open("'(' or NIL")?;
        let mut parameters = Vec::new();
        if c.close()? {
            return Ok(Some(Self(parameters)));
        }
        loop {
            let name = IString::parse(c)?;
            c.sp()?;
            parameters.push((name, NString::parse(c)?));
            // RFC 2971 s 3.3: no more than 30.
            if parameters.len() > ID_MAX {
                return Err(c.fault("30 parameters at most"));
            }
            if c.close()? {
                return Ok(Some(Self(parameters)));
            }
            c.sp()?;
        }
    }
}

/// Parameters of ID at most (RFC 2971 s 3.3).
const ID_MAX: usize = 30;

impl<B: AsRef<[u8]>> IdParameters<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.list(&self.0, |(name, value), out| {
            name.write(out);
            out.sp();
            value.write(out);
        });
    }
}

impl<'a, B: Keep<'a>> Namespaces<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let personal = read_namespace(c)?;
        c.sp()?;
        let other = read_namespace(c)?;
        c.sp()?;
        Ok(Self { personal, other, shared: read_namespace(c)? })
    }
}

/// `nil / "(" 1*namespace-descr ")"`
fn read_namespace<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<NamespaceDescription<B>>> {
    if c.eat_nil() {
        return Ok(Vec::new());
    }
    c.open("'(' or NIL")?;
    let mut all = Vec::new();
    loop {
        c.open("a namespace")?;
        let prefix = IString::parse(c)?;
        c.sp()?;
        let delimiter = read_delimiter(c)?;
        let mut extensions = Vec::new();
        while !c.close()? {
            c.sp()?;
            let name = IString::parse(c)?;
            c.sp()?;
            extensions.push((name, read_list(c, IString::parse)?));
        }
        all.push(NamespaceDescription { prefix, delimiter, extensions });
        if c.close()? {
            return Ok(all);
        }
        if c.peek() == Some(b' ') {
            c.deviation(Quirk::SpaceInParentheses, "no space between namespaces")?;
            c.take(1);
        }
    }
}

impl<B: AsRef<[u8]>> Namespaces<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.spaced([&self.personal, &self.other, &self.shared], |namespace, out| {
            if namespace.is_empty() {
                return out.put(b"NIL");
            }
            out.octet(b'(');
            for description in namespace {
                out.octet(b'(');
                description.prefix.write(out);
                out.sp();
                match description.delimiter {
                    Some(delimiter) => out.quote(&[delimiter]),
                    None => out.put(b"NIL"),
                }
                for (name, values) in &description.extensions {
                    out.sp();
                    name.write(out);
                    out.sp();
                    out.list(values, |value, out| value.write(out));
                }
                out.octet(b')');
            }
            out.octet(b')');
        });
    }
}

impl<'a, B: Keep<'a>> Quota<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let root = AString::parse(c)?;
        c.sp()?;
        c.open("'('")?;
        let mut resources = Vec::new();
        // RFC 2087 s 5.1 has lists of nothing.
        if c.close()? {
            return Ok(Self { root, resources });
        }
        loop {
            let name = Atom::parse(c)?;
            c.sp()?;
            let usage = c.number64()?;
            c.sp()?;
            resources.push(QuotaResource { name, usage, limit: c.number64()? });
            if c.close()? {
                return Ok(Self { root, resources });
            }
            c.sp()?;
        }
    }
}

impl<B: AsRef<[u8]>> Quota<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.root.write(out);
        out.sp();
        out.list(&self.resources, |resource, out| {
            resource.name.write(out);
            out.sp();
            out.number(resource.usage);
            out.sp();
            out.number(resource.limit);
        });
    }
}

impl<'a, B: Keep<'a>> QuotaRoots<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        Ok(Self { mailbox: Mailbox::parse(c)?, roots: read_each(c, AString::parse)? })
    }
}

impl<B: AsRef<[u8]>> QuotaRoots<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        for root in &self.roots {
            out.sp();
            root.write(out);
        }
    }
}

impl<'a, B: Keep<'a>> Acl<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        Ok(Self { mailbox: Mailbox::parse(c)?, entries: read_each(c, |c| pair(c, AString::parse))? })
    }
}

impl<B: AsRef<[u8]>> Acl<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        for (identifier, rights) in &self.entries {
            out.sp();
            identifier.write(out);
            out.sp();
            rights.write(out);
        }
    }
}

impl<'a, B: Keep<'a>> ListRights<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        let (identifier, required) = pair(c, AString::parse)?;
        Ok(Self { mailbox, identifier, required, optional: read_each(c, AString::parse)? })
    }
}

impl<B: AsRef<[u8]>> ListRights<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        for word in [&self.identifier, &self.required].into_iter().chain(&self.optional) {
            out.sp();
            word.write(out);
        }
    }
}

impl<'a, B: Keep<'a>> MyRights<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        Ok(Self { mailbox, rights: AString::parse(c)? })
    }
}

impl<B: AsRef<[u8]>> MyRights<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        out.sp();
        self.rights.write(out);
    }
}

impl<'a, B: Keep<'a>> Metadata<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        let entries = if let [b' ', b'(', ..] = c.rest() {
            c.sp()?;
            MetadataEntries::Values(read_list(c, |c| pair(c, NString::parse_or_literal8))?)
        } else {
            MetadataEntries::Names(read_words(c)?)
        };
        Ok(Self { mailbox, entries })
    }
}

impl<B: AsRef<[u8]>> Metadata<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        out.sp();
        match &self.entries {
            MetadataEntries::Values(values) => out.list(values, |(entry, value), out| {
                entry.write(out);
                out.sp();
                value.write(out);
            }),
            MetadataEntries::Names(names) => out.spaced(names, |name, out| name.write(out)),
        }
    }
}

impl<'a, B: Keep<'a>> Comparator<B> {
    pub(super) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let active = AString::parse(c)?;
        let matching = if let [b' ', b'(', ..] = c.rest() {
            c.sp()?;
            read_list(c, AString::parse)?
        } else {
            Vec::new()
        };
        Ok(Self { active, matching })
    }
}

impl<B: AsRef<[u8]>> Comparator<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.active.write(out);
        if !self.matching.is_empty() {
            out.sp();
            out.list(&self.matching, |name, out| name.write(out));
        }
    }
}
