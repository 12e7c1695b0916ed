use std::net::IpAddr;

use super::{
    lex::{Lexer, Token},
    received::Clause,
};

/// Addresses of a clause that are looked at; real ones have two.
const ADDRESSES_MAX: usize = 16;

/// The `from` or the `by` clause: a name, and the addresses that the writer put beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    name: &'a [u8],
    text: &'a [u8],
}

/// An address in a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FoundAddress {
    /// The address; an IPv4-mapped one as IPv4, without a zone.
    pub ip: IpAddr,
    /// Where it stands.
    pub place: Place,
    /// How it is written.
    pub form: Form,
}

/// Where an address stands in its clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // there is nowhere else
pub enum Place {
    /// In place of the name: what the client said in EHLO, or what the writer saw of it (Exim, CommuniGate).
    Name,
    /// Behind the name, without parentheses (fetchmail).
    Beside,
    /// In a comment, where `TCP-info` has its place (RFC 5321 s 4.4).
    Comment,
}

/// How an address is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // brackets and tag, brackets, neither
pub enum Form {
    /// `[192.0.2.1]`, `[IPv6:2001:db8::1]`: as RFC 5321 s 4.1.3 has it.
    Literal,
    /// `[2001:db8::1]`: in brackets, without the tag.
    Untagged,
    /// `2001:db8::1`, `192.0.2.1`: without brackets.
    Bare,
}

impl<'a> Endpoint<'a> {
    pub(super) fn of(clause: &Clause<'a>) -> Self {
        Self { name: clause.value, text: clause.text }
    }

    /// The word behind the keyword, as it was written: mostly what the client said in EHLO (Postfix, Sendmail,
    /// Exchange, Gmail), its name in the DNS with Exim and qmail. Empty if there is none.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The clause as it was written, without its keyword.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The address of this end, by the place where each writer puts what it saw of the TCP connection.
    ///
    /// First what is in brackets in a comment or beside the name (Postfix, Sendmail, Gmail, fetchmail); then what
    /// stands alone in a comment (Exchange, qmail); then the name itself (Exim, CommuniGate, Gmail's `by`). What the
    /// client merely said in EHLO counts last: an address in place of the name never goes before one in a comment,
    /// and what stands behind `helo=`, `HELO`, `EHLO` or `LHLO` never counts.
    pub fn ip(&self) -> Option<IpAddr> {
        let (found, unknown) = self.scan();
        let best = found.into_iter().min_by_key(rank)?;
        // `(unknown [unknown])`, `([unix socket])`: the writer knew no address, and the name is only what it was told.
        Some(best.ip).filter(|_| best.place != Place::Name || unknown == TcpInfo::Absent)
    }

    /// All addresses, in the order they stand in, 16 at most; without those behind `helo=` and the like.
    pub fn addresses(&self) -> Vec<FoundAddress> {
        self.scan().0
    }

    fn scan(&self) -> (Vec<FoundAddress>, TcpInfo) {
        let mut found = Vec::new();
        let mut unknown = TcpInfo::Absent;
        let mut place = Place::Name;
        for (_, token) in Lexer::new(self.text) {
            match token {
                Token::Word(word) => {
                    // An address behind a comment is beside the name, even if there is no name.
                    let here = if word == self.name { place } else { Place::Beside };
                    found.extend(address(word).map(|(ip, form)| FoundAddress { ip, place: here, form }));
                }
                Token::Comment(text) => in_comment(text, &mut found, &mut unknown),
                Token::Semicolon => {}
            }
            place = Place::Beside;
            if found.len() >= ADDRESSES_MAX {
                found.truncate(ADDRESSES_MAX);
                break;
            }
        }
        (found, unknown)
    }
}

/// Whether a comment holds something in brackets that is no address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TcpInfo {
    Absent,
    Unknown,
}

fn rank(found: &FoundAddress) -> u8 {
    match (found.place, found.form) {
        (Place::Comment | Place::Beside, Form::Literal | Form::Untagged) => 0,
        (Place::Comment | Place::Beside, Form::Bare) => 1,
        (Place::Name, _) => 2,
    }
}

/// Addresses in brackets anywhere in a comment; bare ones only where they are all that it says, or all but an inner
/// comment, so that no version number passes for one.
fn in_comment(text: &[u8], found: &mut Vec<FoundAddress>, unknown: &mut TcpInfo) {
    let mut is_claim = false; // the word before was HELO
    let mut words = super::received::words_of(text).peekable();
    let alone = {
        let outer = text.split(|octet| *octet == b'(').next().unwrap_or(text);
        super::received::words_of(outer).count() == 1
    };
    let mut is_first = true;
    while let Some(word) = words.next() {
        if found.len() >= ADDRESSES_MAX {
            return;
        }
        let claimed = std::mem::replace(&mut is_claim, false);
        let greeting = [&b"HELO"[..], b"EHLO", b"LHLO"].iter().any(|verb| verb.eq_ignore_ascii_case(word));
        if greeting && words.peek().is_some() && !claimed {
            is_claim = true;
        } else if !claimed {
            let bare_ok = alone && is_first;
            // qmail: (user@192.0.2.1), where the user is what the client's ident server said.
            let host =
                if bare_ok { word.rsplit(|octet| *octet == b'@').next().unwrap_or(word) } else { word };
            let address = address(host).filter(|(_, form)| bare_ok || *form != Form::Bare);
            if address.is_none() && host.starts_with(b"[") {
                *unknown = TcpInfo::Unknown;
            }
            found.extend(address.map(|(ip, form)| FoundAddress { ip, place: Place::Comment, form }));
        }
        is_first = false;
    }
}

/// `[192.0.2.1]`, `[IPv6:…]`, `[…]:port`, or an address without brackets.
fn address(word: &[u8]) -> Option<(IpAddr, Form)> {
    let Some(inner) = word.strip_prefix(b"[") else {
        let text = word.strip_suffix(b",").unwrap_or(word);
        return ip(text).or_else(|| ip(untagged(text)?)).map(|ip| (ip, Form::Bare));
    };
    let close = inner.iter().position(|octet| *octet == b']')?;
    let (inner, rest) = inner.split_at_checked(close)?;
    let behind = rest.strip_prefix(b"]")?;
    let port = behind.strip_prefix(b":").unwrap_or(behind);
    if !port.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if let Some(tagged) = untagged(inner) {
        return ip(tagged).filter(|_| tagged.contains(&b':')).map(|ip| (ip.to_canonical(), Form::Literal));
    }
    // An IPv4 literal has no tag; `::ffff:192.0.2.1` lacks one.
    ip(inner).map(|ip| (ip, if inner.contains(&b':') { Form::Untagged } else { Form::Literal }))
}

/// What is behind `IPv6:`.
fn untagged(text: &[u8]) -> Option<&[u8]> {
    text.split_at_checked(5).filter(|(tag, _)| tag.eq_ignore_ascii_case(b"IPv6:")).map(|(_, rest)| rest)
}

/// An address of either family; `fe80::1%eth0` without its zone, which means something on one machine only.
fn ip(text: &[u8]) -> Option<IpAddr> {
    let text = text.split(|octet| *octet == b'%').next().unwrap_or(text);
    // The longest is ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= 45)?;
    text.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}
