use bytes::Bytes;

use super::field::{first, unfolded};
use super::media::{Parameterized, type_and_subtype};

/// What is kept of a message: its parts in the order of their headers, each with its header's octets and where its body is.
///
/// ```
/// use mail46_imap_core::message::Structure;
/// let message = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--\r\n";
/// let structure = Structure::of(message);
/// assert_eq!(structure.parts().len(), 2);
/// assert_eq!(structure.parts()[1].body(), 52..55);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    pub(super) size: u64,
    pub(super) parts: Vec<Part>,
}

/// One part of a message; the first is the message itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub(super) header: Bytes,
    pub(super) header_at: u64,
    pub(super) body_at: u64,
    pub(super) body_end: u64,
    pub(super) lines: u64,
    pub(super) depth: u16,
    pub(super) kind: Kind,
    /// Decoded already, for what the scanner needs.
    pub(super) media: Media,
}

/// What a part is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Other parts, of the next depth.
    Multipart,
    /// One part of the next depth, which is a message (message/rfc822, message/global).
    Message,
    /// Nothing that is a part.
    Leaf,
}

/// Content-Type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    pub(crate) kind: Vec<u8>,
    pub(crate) subtype: Vec<u8>,
    pub(crate) parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Structure {
    /// The structure of a message at hand; one that comes in pieces goes through a [`Scanner`](super::Scanner).
    pub fn of(message: &[u8]) -> Self {
        let mut scanner = super::Scanner::new();
        scanner.feed(message);
        scanner.finish()
    }

    /// Octets of the message.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The parts; the first is the message itself, each is followed by those inside it.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn root(&self) -> Option<&Part> {
        self.parts.first()
    }

    /// The parts right inside the part at this index.
    pub(crate) fn children(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        let depth = self.parts.get(of).map_or(0, |part| part.depth);
        let inside = self.parts.iter().enumerate().skip(of.saturating_add(1));
        let inside = inside.take_while(move |(_, part)| part.depth > depth);
        inside.filter(move |(_, part)| part.depth == depth.saturating_add(1)).map(|(index, _)| index)
    }
}

impl Part {
    /// The header with the empty line that ends it.
    pub fn header(&self) -> &Bytes {
        &self.header
    }

    /// Where the body is.
    pub fn body(&self) -> std::ops::Range<u64> {
        self.body_at..self.body_end
    }

    /// Line ends in the body.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// How many parts this one is inside of.
    pub fn depth(&self) -> u16 {
        self.depth
    }

    /// What it is made of.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn media(&self) -> &Media {
        &self.media
    }

    /// A field's value without folds, if it is there and not empty.
    pub(crate) fn field(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.header, name)
            .map(|field| unfolded(field.value).into_owned())
            .filter(|value| !value.is_empty())
    }

    /// Content-Transfer-Encoding, as it is written.
    pub(crate) fn encoding(&self) -> Vec<u8> {
        self.field("Content-Transfer-Encoding")
            .map(|value| Parameterized::parse(&value).value)
            .unwrap_or_default()
    }
}

impl Media {
    /// What the header says; `default` where it says nothing or nonsense (RFC 2045 s 5.2).
    pub(super) fn of(header: &[u8], default: (&str, &str)) -> Self {
        let field = first(header, "Content-Type").map(|field| Parameterized::parse(field.value));
        if let Some(field) = field
            && let Some((kind, subtype)) = type_and_subtype(&field.value)
        {
            return Self { kind: kind.to_vec(), subtype: subtype.to_vec(), parameters: field.parameters };
        }
        let charset = (default.0 == "text").then(|| (b"charset".to_vec(), b"us-ascii".to_vec()));
        Self { kind: default.0.into(), subtype: default.1.into(), parameters: charset.into_iter().collect() }
    }

    pub(crate) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
            && (subtype == "*" || self.subtype.eq_ignore_ascii_case(subtype.as_bytes()))
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&[u8]> {
        let found = self.parameters.iter().find(|(each, _)| each.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| value.as_slice())
    }
}
