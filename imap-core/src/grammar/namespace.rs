//! Namespaces (RFC 2342; RFC 9051 s 7.3.2).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::list::read_delimiter;
use crate::grammar::parameter::many;
use crate::grammar::string::IString;
use crate::mode::Quirk;
use crate::writer::Writer;

/// `namespace-response = "NAMESPACE" SP namespace SP namespace SP namespace`, behind `NAMESPACE` and its space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9")]
pub struct Namespaces<B = Bytes> {
    /// The user's own.
    pub personal: Vec<Namespace<B>>,
    /// Other users'.
    pub others: Vec<Namespace<B>>,
    /// Shared ones.
    pub shared: Vec<Namespace<B>>,
}

/// ```text
/// namespace-descr = "(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) [namespace-response-extensions] ")"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9")]
pub struct Namespace<B = Bytes> {
    /// What its mailboxes' names begin with.
    pub prefix: IString<B>,
    /// The hierarchy delimiter; none in a flat namespace.
    pub delimiter: Option<u8>,
    /// `namespace-response-extension = SP string SP "(" string *(SP string) ")"`
    pub extensions: Vec<(IString<B>, Vec<IString<B>>)>,
}

impl<'a, B: Keep<'a>> Namespaces<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let personal = class_of(c)?;
        c.sp()?;
        let others = class_of(c)?;
        c.sp()?;
        Ok(Self { personal, others, shared: class_of(c)? })
    }
}

/// `namespace = nil / "(" 1*namespace-descr ")"`
fn class_of<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<Namespace<B>>> {
    if c.eat_nil() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    c.open("namespaces or NIL")?;
    loop {
        all.push(Namespace::parse(c)?);
        if c.close()? {
            return Ok(all);
        }
        if c.peek() == Some(b' ') {
            // 1*namespace-descr: none between two.
            c.deviation(Quirk::SpaceInParentheses, "a namespace")?;
            while c.eat(b' ') {}
        }
    }
}

impl<'a, B: Keep<'a>> Namespace<B> {
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("a namespace")?;
        let prefix = IString::parse(c)?;
        c.sp()?;
        let delimiter = read_delimiter(c)?;
        let mut extensions = Vec::new();
        while !c.close()? {
            c.sp()?;
            let name = IString::parse(c)?;
            c.sp()?;
            extensions.push((name, many(c, IString::parse)?));
        }
        Ok(Self { prefix, delimiter, extensions })
    }
}

fn write_delimiter(delimiter: Option<u8>, out: &mut Writer<'_>) {
    match delimiter {
        Some(octet) => out.quote(&[octet]),
        None => out.put(b"NIL"),
    }
}

impl<B: AsRef<[u8]>> Namespaces<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.spaced([&self.personal, &self.others, &self.shared], |class, out| {
            if class.is_empty() {
                return out.put(b"NIL");
            }
            out.octet(b'(');
            for namespace in class {
                namespace.write(out);
            }
            out.octet(b')');
        });
    }
}

impl<B: AsRef<[u8]>> Namespace<B> {
    fn write(&self, out: &mut Writer<'_>) {
        out.octet(b'(');
        self.prefix.write(out);
        out.sp();
        write_delimiter(self.delimiter, out);
        for (name, values) in &self.extensions {
            out.sp();
            name.write(out);
            out.sp();
            out.list(values, IString::write);
        }
        out.octet(b')');
    }
}
