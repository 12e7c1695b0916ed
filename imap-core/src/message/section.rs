//! Which octets BODY[…] and BINARY[…] mean (RFC 9051 s 6.4.5).

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::field::fields;
use super::structure::{Kind, Part, Structure};

/// Octets of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// Those at hand.
    Octets(Bytes),
    /// Those of the message from here to there.
    Range(Range<u64>),
}

/// What of a part is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want<'a> {
    /// `[]`, `[1]`
    All,
    Header,
    /// Fields of these names.
    HeaderFields(&'a [Vec<u8>]),
    /// Fields of all others.
    HeaderFieldsNot(&'a [Vec<u8>]),
    Text,
    Mime,
}

impl Piece {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Octets(octets) => octets.len() as u64,
            Self::Range(range) => range.end.saturating_sub(range.start),
        }
    }

    /// `<first.count>`: what of it there is.
    pub(crate) fn partial(&self, first: u64, count: u64) -> Self {
        let first = first.min(self.len());
        let end = first.saturating_add(count).min(self.len());
        match self {
            Self::Octets(octets) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(octets.len());
                Self::Octets(octets.slice(at(first)..at(end)))
            }
            Self::Range(range) => {
                Self::Range(range.start.saturating_add(first)..range.start.saturating_add(end))
            }
        }
    }
}

impl Structure {
    /// The index of a part by its numbers; none is the message.
    pub(crate) fn part(&self, numbers: &[u32]) -> Option<usize> {
        let mut at = 0;
        let mut is_message = true;
        for number in numbers {
            let mut inside = at;
            if !is_message {
                match self.parts.get(at)?.kind {
                    Kind::Multipart => {}
                    Kind::Message => {
                        inside = self.children(at).next()?;
                        is_message = true;
                    }
                    Kind::Leaf => return None,
                }
            }
            at = match self.parts.get(inside)?.kind {
                Kind::Multipart => {
                    self.children(inside).nth(usize::try_from(number.checked_sub(1)?).ok()?)?
                }
                // RFC 9051 s 6.4.5.1: "Every message has at least one part number": what is not multipart is part 1.
                _ if is_message && *number == 1 => inside,
                _ => return None,
            };
            is_message = false;
        }
        Some(at)
    }

    /// The octets of a section; `None` if there is no such part.
    pub(crate) fn section(&self, numbers: &[u32], want: Want<'_>) -> Option<Piece> {
        let index = self.part(numbers)?;
        let part = self.parts.get(index)?;
        if numbers.is_empty() {
            return Some(match want {
                Want::All => Piece::Range(0..self.size),
                want => inside(part, want),
            });
        }
        match want {
            Want::All => Some(Piece::Range(part.body())),
            Want::Mime => Some(Piece::Octets(part.header.clone())),
            // RFC 9051 s 6.4.5.1: these refer to a message/rfc822 part's message.
            want if part.kind == Kind::Message => self
                .children(index)
                .next()
                .and_then(|index| self.parts.get(index))
                .map(|part| inside(part, want)),
            _ => None,
        }
    }
}

/// Of a message whose root this is.
fn inside(root: &Part, want: Want<'_>) -> Piece {
    match want {
        Want::All => Piece::Range(root.header_at..root.body_end),
        Want::Header | Want::Mime => Piece::Octets(root.header.clone()),
        Want::Text => Piece::Range(root.body()),
        Want::HeaderFields(names) => Piece::Octets(filtered(&root.header, |name| is_one_of(names, name))),
        Want::HeaderFieldsNot(names) => Piece::Octets(filtered(&root.header, |name| !is_one_of(names, name))),
    }
}

fn is_one_of(names: &[Vec<u8>], name: &[u8]) -> bool {
    names.iter().any(|each| each.eq_ignore_ascii_case(name))
}

/// RFC 9051 s 6.4.5.1: "the delimiting blank line between the header and the body is always included".
fn filtered(header: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> Bytes {
    let mut out = BytesMut::new();
    for field in fields(header).filter(|field| is_wanted(field.name)) {
        out.extend_from_slice(field.raw);
    }
    if header.ends_with(b"\n") || header.is_empty() || !out.is_empty() {
        out.extend_from_slice(b"\r\n");
    }
    out.freeze()
}
