use std::{borrow::Cow, fmt, hash, str::FromStr};

use bytes::Bytes;
use mail46_wire::{AddressLiteral, Domain, Host, LiteralError, NameError};

use crate::{
    command::Verb,
    quirks::{Quirks, Rules, Utf8},
    syntax::{Fault, SyntaxError},
    text::{printable, slice_of},
};

/// Octets of a local part at most (RFC 5321 s 4.5.3.1.1).
pub(crate) const LOCAL_PART_MAX: usize = 64;
/// Octets of a path at most, with its angle brackets (RFC 5321 s 4.5.3.1.3).
pub(crate) const PATH_MAX: usize = 256;

/// The part before the `@`: `Dot-string / Quoted-string`, kept as it was sent, quotes and all (RFC 5321 s 4.1.2).
///
/// All quoted forms of the same content are equal, and equal to the bare form; case counts.
///
/// ```
/// use mail46_smtp::LocalPart;
///
/// let quoted = LocalPart::parse(br#""j\oe""#)?;
/// assert_eq!(quoted.as_bytes(), br#""j\oe""#);
/// assert_eq!(&*quoted.canonical(), b"joe");
/// assert_eq!(quoted, LocalPart::parse(b"joe")?);
/// assert_ne!(quoted, LocalPart::parse(b"Joe")?);
/// # Ok::<(), mail46_smtp::AddressError>(())
/// ```
#[derive(Clone, Copy)]
pub struct LocalPart<B = Bytes>(B);

/// `Local-part "@" ( Domain / address-literal )` (RFC 5321 s 4.1.2, extended by RFC 6531 s 3.3).
///
/// ```
/// use mail46_smtp::Mailbox;
///
/// let mailbox: Mailbox = r#""a b"@[IPv6:2001:DB8::1]"#.parse()?;
/// assert_eq!(&*mailbox.local_part.canonical(), b"a b");
/// assert_eq!(mailbox.to_string(), r#""a b"@[IPv6:2001:db8::1]"#);
/// # Ok::<(), mail46_smtp::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // the grammar has two parts
pub struct Mailbox<B: AsRef<[u8]> = Bytes> {
    /// Before the `@`.
    pub local_part: LocalPart<B>,
    /// Behind it.
    pub host: Host<B>,
}

/// Where a message comes from, and where reports about it go: `Path / "<>"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has two
pub enum ReversePath<B: AsRef<[u8]> = Bytes> {
    /// `<>`: nobody is to be told (RFC 5321 s 4.5.5).
    Null,
    /// `<alice@example.com>`.
    Mailbox(Mailbox<B>),
}

/// Where a message goes: `"<Postmaster>" / Forward-path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has two
pub enum ForwardPath<B: AsRef<[u8]> = Bytes> {
    /// `<Postmaster>` without a domain, in any case (RFC 5321 s 4.1.1.3).
    Postmaster,
    /// `<bob@example.org>`.
    Mailbox(Mailbox<B>),
}

/// Why a text is no mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", SyntaxError { fault: *fault, at: *at, verb: Verb::Rcpt })]
pub struct AddressError {
    /// What is wrong.
    pub fault: Fault,
    /// The offset of the octet that showed it.
    pub at: usize,
}

impl<'a> LocalPart<&'a [u8]> {
    /// Parses a whole local part; UTF-8 is accepted (RFC 6531 s 3.3).
    ///
    /// # Errors
    /// [`AddressError`] with the place of the first fault.
    pub fn parse(octets: &'a [u8]) -> Result<Self, AddressError> {
        let (local_part, end) = local_part(octets, 0)?;
        if end == octets.len() { Ok(local_part) } else { Err(Fault::LocalPartCharacter.at(end)) }
    }

    /// Of octets that were checked already.
    #[inline]
    pub(crate) const fn from_checked(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> LocalPart {
        LocalPart(slice_of(frame, self.0))
    }
}

impl LocalPart {
    /// The form with the least quoting for a content: bare where the content is a dot-string, else quoted.
    ///
    /// # Errors
    /// [`AddressError`] for control octets, for what is not UTF-8, and over 64 octets.
    pub fn from_content(content: &[u8]) -> Result<Self, AddressError> {
        if let Ok(bare) = LocalPart::parse(content)
            && !bare.is_quoted()
        {
            return Ok(bare.to_owned());
        }
        let mut quoted = Vec::with_capacity(content.len().saturating_add(2));
        quoted.push(b'"');
        for octet in content {
            if matches!(octet, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(*octet);
        }
        quoted.push(b'"');
        LocalPart::parse(&quoted).map(|quoted| quoted.to_owned())
    }
}

impl<B: AsRef<[u8]>> LocalPart<B> {
    /// The octets as they were sent.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Whether it was sent in quotes.
    pub fn is_quoted(&self) -> bool {
        self.as_bytes().first() == Some(&b'"')
    }

    /// What it says, without quotes and backslashes: the form to compare and to look up
    /// (RFC 5321 s 4.1.2: "all quoted forms MUST be treated as equivalent").
    pub fn canonical(&self) -> Cow<'_, [u8]> {
        if !self.is_quoted() {
            return Cow::Borrowed(self.as_bytes());
        }
        let inner = self.as_bytes().get(1..self.as_bytes().len().saturating_sub(1)).unwrap_or_default();
        if memchr::memchr(b'\\', inner).is_none() {
            return Cow::Borrowed(inner);
        }
        Cow::Owned(self.content().collect())
    }

    /// Whether it can go on a wire without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.as_bytes().is_ascii()
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> LocalPart {
        LocalPart(Bytes::copy_from_slice(self.as_bytes()))
    }

    /// The octets of the canonical form, one by one.
    fn content(&self) -> impl Iterator<Item = u8> {
        let quoted = self.is_quoted();
        let octets = self.as_bytes();
        let inner =
            if quoted { octets.get(1..octets.len().saturating_sub(1)).unwrap_or_default() } else { octets };
        let mut octets = inner.iter().copied();
        std::iter::from_fn(move || match octets.next() {
            Some(b'\\') if quoted => octets.next(),
            octet => octet,
        })
    }
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<LocalPart<C>> for LocalPart<B> {
    fn eq(&self, other: &LocalPart<C>) -> bool {
        self.content().eq(other.content())
    }
}

impl<B: AsRef<[u8]>> Eq for LocalPart<B> {}

impl<B: AsRef<[u8]>> hash::Hash for LocalPart<B> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        for octet in self.content() {
            state.write_u8(octet);
        }
        state.write_u8(0xff);
    }
}

impl<B: AsRef<[u8]>> fmt::Display for LocalPart<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.as_bytes()))
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for LocalPart<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalPart({:?})", printable(self.as_bytes()))
    }
}

impl<'a> Mailbox<&'a [u8]> {
    /// Parses a whole mailbox by the grammar and nothing else; UTF-8 is accepted (RFC 6531 s 3.3).
    ///
    /// # Errors
    /// [`AddressError`] with the place of the first fault.
    pub fn parse(octets: &'a [u8]) -> Result<Self, AddressError> {
        let (local_part, at) = local_part_and_at(octets, 0)?;
        let host = host(octets.get(at..).unwrap_or_default(), Utf8::Accept, at)?;
        // The two angle brackets of its path count too.
        if octets.len().saturating_add(2) > PATH_MAX {
            return Err(Fault::PathTooLong.at(octets.len()));
        }
        Ok(Self { local_part, host })
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Mailbox {
        Mailbox { local_part: self.local_part.in_frame(frame), host: self.host.in_frame(frame) }
    }
}

impl<B: AsRef<[u8]>> Mailbox<B> {
    /// From its parts.
    pub fn new(local_part: LocalPart<B>, host: Host<B>) -> Self {
        Self { local_part, host }
    }

    /// Whether it can go on a wire without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.local_part.is_ascii()
            && match &self.host {
                Host::Domain(domain) => domain.is_ascii(),
                Host::Literal(_) => true,
            }
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Mailbox {
        Mailbox { local_part: self.local_part.to_owned(), host: self.host.to_owned() }
    }
}

impl FromStr for Mailbox {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Mailbox::parse(text.as_bytes()).map(|mailbox| mailbox.to_owned())
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Mailbox<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.host)
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Mailbox<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({self})")
    }
}

macro_rules! path_impls {
    ($path:ident, $other:ident, $text:literal) => {
        impl $path<&[u8]> {
            /// The same with its text kept in `frame`, of which it must be a part, without a copy.
            pub fn in_frame(&self, frame: &Bytes) -> $path {
                match self {
                    Self::$other => $path::$other,
                    Self::Mailbox(mailbox) => $path::Mailbox(mailbox.in_frame(frame)),
                }
            }
        }

        impl<B: AsRef<[u8]>> $path<B> {
            /// The mailbox, if it is one.
            pub fn mailbox(&self) -> Option<&Mailbox<B>> {
                match self {
                    Self::$other => None,
                    Self::Mailbox(mailbox) => Some(mailbox),
                }
            }

            /// Whether it can go on a wire without SMTPUTF8.
            pub fn is_ascii(&self) -> bool {
                self.mailbox().is_none_or(Mailbox::is_ascii)
            }

            /// A copy that borrows nothing.
            pub fn to_owned(&self) -> $path {
                match self {
                    Self::$other => $path::$other,
                    Self::Mailbox(mailbox) => $path::Mailbox(mailbox.to_owned()),
                }
            }
        }

        impl<B: AsRef<[u8]>> From<Mailbox<B>> for $path<B> {
            fn from(mailbox: Mailbox<B>) -> Self {
                Self::Mailbox(mailbox)
            }
        }

        impl<B: AsRef<[u8]>> fmt::Display for $path<B> {
            /// As on the wire, angle brackets included.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::$other => f.write_str($text),
                    Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
                }
            }
        }
    };
}

path_impls!(ReversePath, Null, "<>");
path_impls!(ForwardPath, Postmaster, "<Postmaster>");

impl Fault {
    pub(crate) const fn at(self, at: usize) -> AddressError {
        AddressError { fault: self, at }
    }
}

/// What stood between the colon and the parameters.
pub(crate) enum Path<'a> {
    Null,
    Postmaster,
    Mailbox(Mailbox<&'a [u8]>),
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`, `<>`, `<Postmaster>`: the path that begins at `at`, where it ends, and what
/// was tolerated.
pub(crate) fn path<'a>(
    line: &'a [u8],
    at: usize,
    rules: &Rules,
    tolerated: &mut Quirks,
) -> Result<(Path<'a>, usize), AddressError> {
    let rest = line.get(at..).unwrap_or_default();
    let (inner, open) = match rest.split_first() {
        Some((b'<', inner)) => (inner, at.saturating_add(1)),
        Some(_) if rules.quirks.contains(Quirks::MISSING_ANGLE_BRACKETS) => {
            return path_without_brackets(line, at, rules, tolerated);
        }
        _ => return Err(Fault::AngleBracket.at(at)),
    };
    match inner.first() {
        Some(b'>') => return Ok((Path::Null, open.saturating_add(1))),
        Some(b'P' | b'p')
            if inner.get(..11).is_some_and(|name| name.eq_ignore_ascii_case(b"Postmaster>")) =>
        {
            return Ok((Path::Postmaster, open.saturating_add(11)));
        }
        _ => {}
    }
    let start = if inner.first() == Some(&b'@') { source_route(line, open)? } else { open };
    let (local_part, host_at) = local_part_and_at(line, start)?;
    let rest = line.get(host_at..).unwrap_or_default();
    let length = memchr::memchr(b'>', rest).ok_or_else(|| Fault::AngleBracket.at(line.len()))?;
    let host = host_with(rest.get(..length).unwrap_or_default(), rules, host_at, tolerated)?;
    let end = host_at.saturating_add(length).saturating_add(1);
    // RFC 5321 s 4.5.3.1.3: punctuation included
    if end.saturating_sub(at) > PATH_MAX {
        return Err(Fault::PathTooLong.at(at.saturating_add(PATH_MAX)));
    }
    refuse_non_ascii(&local_part, &host, rules, start)?;
    Ok((Path::Mailbox(Mailbox { local_part, host }), end))
}

/// The same without its brackets: it ends at a space or with the line.
fn path_without_brackets<'a>(
    line: &'a [u8],
    at: usize,
    rules: &Rules,
    tolerated: &mut Quirks,
) -> Result<(Path<'a>, usize), AddressError> {
    let rest = line.get(at..).unwrap_or_default();
    *tolerated = tolerated.with(Quirks::MISSING_ANGLE_BRACKETS);
    let word = rest.split(|octet| *octet == b' ').next().unwrap_or_default();
    if word.eq_ignore_ascii_case(b"Postmaster") {
        return Ok((Path::Postmaster, at.saturating_add(word.len())));
    }
    let (local_part, host_at) = local_part_and_at(line, at)?;
    let rest = line.get(host_at..).unwrap_or_default();
    let length = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let host = host_with(rest.get(..length).unwrap_or_default(), rules, host_at, tolerated)?;
    let end = host_at.saturating_add(length);
    if end.saturating_sub(at).saturating_add(2) > PATH_MAX {
        return Err(Fault::PathTooLong.at(at.saturating_add(PATH_MAX)));
    }
    refuse_non_ascii(&local_part, &host, rules, at)?;
    Ok((Path::Mailbox(Mailbox { local_part, host }), end))
}

fn refuse_non_ascii(
    local_part: &LocalPart<&[u8]>,
    host: &Host<&[u8]>,
    rules: &Rules,
    at: usize,
) -> Result<(), AddressError> {
    // `host_with` has refused a domain that is not ASCII.
    let _ = host;
    if rules.utf8 == Utf8::Accept || local_part.is_ascii() {
        return Ok(());
    }
    let first = local_part.as_bytes().iter().position(|octet| !octet.is_ascii()).unwrap_or_default();
    Err(Fault::NonAscii.at(at.saturating_add(first)))
}

/// `A-d-l = At-domain *( "," At-domain )` and its colon, dropped: where the mailbox begins.
fn source_route(line: &[u8], at: usize) -> Result<usize, AddressError> {
    let rest = line.get(at..).unwrap_or_default();
    let colon = memchr::memchr(b':', rest).ok_or_else(|| Fault::SourceRoute.at(at))?;
    let route = rest.get(..colon).unwrap_or_default();
    for hop in route.split(|octet| *octet == b',') {
        let domain = hop.strip_prefix(b"@").ok_or_else(|| Fault::SourceRoute.at(at))?;
        Domain::parse(domain).map_err(|_| Fault::SourceRoute.at(at))?;
    }
    Ok(at.saturating_add(colon).saturating_add(1))
}

/// The local part that begins at `at`, and the offset behind its `@`.
fn local_part_and_at(line: &[u8], at: usize) -> Result<(LocalPart<&[u8]>, usize), AddressError> {
    let (local_part, end) = local_part(line, at)?;
    match line.get(end) {
        Some(b'@') => Ok((local_part, end.saturating_add(1))),
        None | Some(b'>' | b' ') => Err(Fault::NoAtSign.at(end)),
        Some(_) => Err(Fault::LocalPartCharacter.at(end)),
    }
}

pub(crate) const ATEXT: u8 = 1;
pub(crate) const DOT: u8 = 2;
const HIGH: u8 = 3;

/// What each octet is in a dot-string; 0 ends it.
pub(crate) static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet: u8 = 0;
    loop {
        #[allow(clippy::indexing_slicing)] // a u8 into 256, at compile time
        {
            table[octet as usize] = match octet {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => ATEXT,
                // RFC 5322 s 3.2.3
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'
                | b'_' | b'`' | b'{' | b'|' | b'}' | b'~' => ATEXT,
                b'.' => DOT,
                0x80.. => HIGH,
                _ => 0,
            };
        }
        if octet == 255 {
            break;
        }
        octet = octet.wrapping_add(1);
    }
    table
};

/// `Local-part = Dot-string / Quoted-string`: the one that begins at `at`, and where it ends.
fn local_part(line: &[u8], at: usize) -> Result<(LocalPart<&[u8]>, usize), AddressError> {
    let rest = line.get(at..).unwrap_or_default();
    let (length, high) = match rest.first() {
        Some(b'"') => quoted_string(rest, at)?,
        _ => dot_string(rest, at)?,
    };
    if length > LOCAL_PART_MAX {
        return Err(Fault::LocalPartTooLong.at(at.saturating_add(LOCAL_PART_MAX)));
    }
    let octets = rest.get(..length).unwrap_or_default();
    // RFC 6531 s 3.3 has no control characters; those of C1 (U+0080 to U+009F) move a terminal as those of ASCII do.
    let is_text = |text: &str| !text.chars().any(char::is_control);
    if high && !std::str::from_utf8(octets).is_ok_and(is_text) {
        return Err(Fault::Utf8.at(at));
    }
    Ok((LocalPart(octets), at.saturating_add(length)))
}

/// `Dot-string = Atom *("." Atom)`: its length, and whether it has octets above 127.
fn dot_string(rest: &[u8], at: usize) -> Result<(usize, bool), AddressError> {
    let mut last = DOT;
    let mut high = false;
    let mut length: usize = 0;
    for octet in rest {
        let class = CLASS.get(usize::from(*octet)).copied().unwrap_or(0);
        match class {
            ATEXT => {}
            DOT if last == DOT => return Err(Fault::LocalPartDot.at(at.saturating_add(length))),
            DOT => {}
            HIGH => high = true,
            _ => break,
        }
        last = class;
        length = length.saturating_add(1);
    }
    if length == 0 {
        return Err(match rest.first() {
            Some(b'@' | b'>') | None => Fault::LocalPartEmpty.at(at),
            Some(_) => Fault::LocalPartCharacter.at(at),
        });
    }
    if last == DOT {
        return Err(Fault::LocalPartDot.at(at.saturating_add(length).saturating_sub(1)));
    }
    Ok((length, high))
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`: the same.
fn quoted_string(rest: &[u8], at: usize) -> Result<(usize, bool), AddressError> {
    let mut high = false;
    let mut octets = rest.iter().enumerate().skip(1);
    while let Some((offset, octet)) = octets.next() {
        match octet {
            b'"' => return Ok((offset.saturating_add(1), high)),
            // quoted-pairSMTP = %d92 %d32-126
            b'\\' => match octets.next() {
                Some((_, 32..=126)) => {}
                Some((offset, _)) => return Err(Fault::LocalPartCharacter.at(at.saturating_add(offset))),
                None => break,
            },
            // qtextSMTP = %d32-33 / %d35-91 / %d93-126
            32..=126 => {}
            0x80.. => high = true,
            _ => return Err(Fault::LocalPartCharacter.at(at.saturating_add(offset))),
        }
    }
    Err(Fault::LocalPartQuote.at(at))
}

/// A host by the grammar; general literals are refused, for no tag but `IPv6` is registered.
fn host(octets: &[u8], utf8: Utf8, at: usize) -> Result<Host<&[u8]>, AddressError> {
    if octets.first() == Some(&b'[') {
        return match AddressLiteral::parse(octets) {
            // RFC 5321 s 4.1.3: the tag MUST be registered
            Ok(AddressLiteral::General { .. }) => Err(Fault::UnregisteredTag.at(at)),
            Ok(literal) => Ok(Host::Literal(literal)),
            Err(NameError::Literal(LiteralError::Untagged)) => Err(Fault::UntaggedLiteral.at(at)),
            Err(_) => Err(Fault::Literal.at(at)),
        };
    }
    match Domain::parse(octets) {
        Ok(domain) => Ok(Host::Domain(domain)),
        Err(NameError::Character { at: offset })
            if octets.get(offset).is_some_and(|octet| !octet.is_ascii()) =>
        {
            if utf8 == Utf8::Refuse {
                return Err(Fault::NonAscii.at(at.saturating_add(offset)));
            }
            Domain::parse_utf8(octets).map(Host::Domain).map_err(|error| name_fault(error, at))
        }
        Err(error) => Err(name_fault(error, at)),
    }
}

/// The same with what the rules tolerate in a path.
fn host_with<'a>(
    octets: &'a [u8],
    rules: &Rules,
    at: usize,
    tolerated: &mut Quirks,
) -> Result<Host<&'a [u8]>, AddressError> {
    match host(octets, rules.utf8, at) {
        Err(AddressError { fault: Fault::UntaggedLiteral, .. })
            if rules.quirks.contains(Quirks::UNTAGGED_IPV6_LITERAL) =>
        {
            *tolerated = tolerated.with(Quirks::UNTAGGED_IPV6_LITERAL);
            untagged(octets).ok_or_else(|| Fault::Literal.at(at))
        }
        answer => answer,
    }
}

/// The host of EHLO, HELO and LHLO: ASCII even under SMTPUTF8 (RFC 6531 s 3.7.1).
pub(crate) fn greeting_host<'a>(
    octets: &'a [u8],
    rules: &Rules,
    at: usize,
    tolerated: &mut Quirks,
) -> Result<Host<&'a [u8]>, AddressError> {
    match host_with(octets, &rules.utf8(Utf8::Refuse), at, tolerated) {
        Err(AddressError { fault: Fault::Host, at: offset })
            if rules.quirks.contains(Quirks::UNDERSCORE_HOST) =>
        {
            *tolerated = tolerated.with(Quirks::UNDERSCORE_HOST);
            Domain::parse_with_underscores(octets).map(Host::Domain).map_err(|_| Fault::Host.at(offset))
        }
        answer => answer,
    }
}

fn untagged(octets: &[u8]) -> Option<Host<&[u8]>> {
    let inner = octets.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let ip = std::str::from_utf8(inner).ok()?.parse().ok()?;
    Some(Host::Literal(AddressLiteral::V6(ip)))
}

fn name_fault(error: NameError, at: usize) -> AddressError {
    match error {
        NameError::TooLong => Fault::HostTooLong.at(at),
        NameError::LabelTooLong { at: offset } => Fault::HostTooLong.at(at.saturating_add(offset)),
        NameError::EmptyLabel { at: offset }
        | NameError::Hyphen { at: offset }
        | NameError::Character { at: offset } => Fault::Host.at(at.saturating_add(offset)),
        _ => Fault::Host.at(at),
    }
}
