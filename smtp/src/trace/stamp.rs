use std::{borrow::Cow, net::IpAddr};

use bytes::{BufMut, Bytes};
use mail46_wire::{AddressLiteral, Domain, Host};

use super::{DateTime, Protocol};
use crate::Mailbox;

/// Columns of a line: RFC 5322 s 2.1.1 wants no more than 78, CRLF not counted.
const COLUMNS: usize = 78;
/// What a tab takes when a line is looked at.
const TAB: usize = 8;
/// Octets of a name that is no domain, of an id, of a comment.
const TEXT_MAX: usize = 255;

/// Builds a `Received` field: the `Stamp` of RFC 5321 s 4.4.
///
/// Nothing that a peer says gets out of its place: what it greeted with is a domain or a literal, or goes into a
/// comment with its parentheses and backslashes quoted and all controls replaced. No line is longer than 78 columns
/// but for a name that is.
///
/// ```
/// use mail46_smtp::trace::{DateTime, Protocol, Stamp, Zone};
/// let date = DateTime::from_unix(1_257_393_668, Zone::Offset { minutes: 480 }).unwrap();
/// let field = Stamp::new("mx.example".parse().unwrap(), date)
///     .from_peer(b"client.example", "2001:db8::25".parse().unwrap())
///     .with(Protocol::Esmtps)
///     .id("4ABC")
///     .unwrap()
///     .to_bytes();
/// assert_eq!(
///     field,
///     "Received: from client.example ([IPv6:2001:db8::25]) by mx.example with ESMTPS\r\n\
///      \tid 4ABC; Thu, 5 Nov 2009 12:01:08 +0800\r\n"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Stamp {
    from: Option<From>,
    by: Host,
    software: Option<String>,
    via: Option<String>,
    with: Option<Protocol>,
    id: Option<String>,
    recipient: Option<Mailbox>,
    tls: Option<(String, String)>,
    date: DateTime,
}

#[derive(Clone, Debug)]
struct From {
    greeting: Bytes,
    name: Option<Domain>,
    ip: IpAddr,
}

/// Why something has no place in a `Received` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// Neither an `Atom` nor a `msg-id`.
    #[error("not an atom and not a message id")]
    Id,
    /// Not an `Atom`.
    #[error("not an atom")]
    Link,
}

impl Stamp {
    /// A stamp with the clauses that each one has: `by` whom and when.
    ///
    /// The date should be local time with its offset (RFC 5321 s 4.4).
    pub fn new(by: Host, date: DateTime) -> Self {
        Self {
            from: None,
            by,
            software: None,
            via: None,
            with: None,
            id: None,
            recipient: None,
            tls: None,
            date,
        }
    }

    /// The `from` clause, which a field must have in SMTP: what the client said in HELO, EHLO or LHLO, any octets,
    /// and the address of the TCP connection.
    ///
    /// An IPv4-mapped peer is the IPv4 peer. A greeting that is neither domain nor literal goes into a comment, and
    /// the peer's literal in its place.
    #[must_use]
    pub fn from_peer(mut self, greeting: &[u8], ip: IpAddr) -> Self {
        self.from =
            Some(From { greeting: Bytes::copy_from_slice(greeting), name: None, ip: ip.to_canonical() });
        self
    }

    /// The peer's name in the DNS, looked up from its address and back (RFC 5321 s 4.4: `TCP-info`).
    #[must_use]
    pub fn peer_name(mut self, name: Domain) -> Self {
        if let Some(from) = &mut self.from {
            from.name = Some(name);
        }
        self
    }

    /// A comment behind the `by` clause: the software, if anyone shall know.
    #[must_use]
    pub fn software(mut self, name: &str) -> Self {
        self.software = Some(name.to_owned());
        self
    }

    /// The `via` clause, as `TCP`. "Primarily of value with non-Internet transports" (RFC 5321 s 4.4).
    ///
    /// # Errors
    /// [`StampError::Link`] if it is no `Atom`.
    pub fn via(mut self, link: &str) -> Result<Self, StampError> {
        if !is_atom(link.as_bytes()) || link.len() > TEXT_MAX {
            return Err(StampError::Link);
        }
        self.via = Some(link.to_owned());
        Ok(self)
    }

    /// The `with` clause; of a [`Protocol::Other`] only an `Atom` is written.
    ///
    /// One of the SMTPUTF8 protocols lets U-labels and UTF-8 local parts stand in the field, and domains are written
    /// with U-labels; else there are only A-labels, and a recipient that needs SMTPUTF8 is left out (RFC 6531 s 3.7.3).
    #[must_use]
    pub fn with(mut self, protocol: Protocol) -> Self {
        self.with = Some(protocol)
            .filter(|with| is_atom(with.as_str().as_bytes()) && with.as_str().len() <= TEXT_MAX);
        self
    }

    /// The `id` clause.
    ///
    /// # Errors
    /// [`StampError::Id`] if it is neither `Atom` nor `msg-id` (`<left@right>`).
    pub fn id(mut self, id: &str) -> Result<Self, StampError> {
        if !(is_atom(id.as_bytes()) || is_msg_id(id.as_bytes())) || id.len() > TEXT_MAX {
            return Err(StampError::Id);
        }
        self.id = Some(id.to_owned());
        Ok(self)
    }

    /// The `for` clause, if there is exactly one recipient: with more, one would learn of the others
    /// (RFC 5321 s 7.2).
    #[must_use]
    pub fn recipients<'r>(mut self, recipients: impl IntoIterator<Item = &'r Mailbox>) -> Self {
        let mut recipients = recipients.into_iter();
        self.recipient = recipients.next().filter(|_| recipients.next().is_none()).cloned();
        self
    }

    /// TLS: version (`TLSv1.3`) and cipher suite, by its registered name (`TLS_AES_256_GCM_SHA384`), in the `tls`
    /// clause of RFC 8314 s 4.3; in a comment if it is a name of another kind, as OpenSSL has them.
    ///
    /// rustls' `TLS13_AES_256_GCM_SHA384` is written as the registry has it.
    #[must_use]
    pub fn tls(mut self, version: &str, cipher: &str) -> Self {
        let cipher = match cipher.strip_prefix("TLS13_") {
            Some(rest) => format!("TLS_{rest}"),
            None => cipher.to_owned(),
        };
        self.tls = Some((version.to_owned(), cipher));
        self
    }

    /// The field with its name, folded, and with its last CRLF.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(256);
        self.write(&mut out);
        out.into()
    }

    /// Appends the field to `out`.
    pub fn write(&self, out: &mut impl BufMut) {
        let form = if self.with.as_ref().is_some_and(Protocol::is_utf8) { Form::Utf8 } else { Form::Ascii };
        let mut line = Folder { out, column: 0, form };
        line.put(b"Received:");
        if let Some(from) = &self.from {
            line.clause(&from.units(form));
        }
        line.clause(&self.by_units(form));
        if let Some(link) = &self.via {
            line.clause(&[b"via"[..].into(), link.as_bytes().into()]);
        }
        if let Some(protocol) = &self.with {
            line.clause(&[b"with"[..].into(), protocol.as_str().as_bytes().into()]);
        }
        if let Some(id) = &self.id {
            line.clause(&[b"id"[..].into(), id.as_bytes().into()]);
        }
        if let Some(path) = self.recipient.as_ref().and_then(|mailbox| path(mailbox, form)) {
            line.clause(&[b"for"[..].into(), path.into()]);
        }
        // Additional-Registered-Clauses come last.
        if let Some((version, cipher)) = &self.tls {
            line.clause(&tls_units(version, cipher));
        }
        line.put(b";");
        line.clause(&[self.date.to_string().into_bytes().into()]);
        line.out.put_slice(b"\r\n");
    }

    fn by_units(&self, form: Form) -> Vec<Unit<'_>> {
        let mut units = vec![b"by"[..].into(), host(&self.by, form).into()];
        if let Some(software) = &self.software {
            comment(software.as_bytes(), &mut units);
        }
        units
    }
}

impl From {
    /// `"FROM" FWS Extended-Domain`.
    fn units(&self, form: Form) -> Vec<Unit<'_>> {
        let literal = AddressLiteral::from(self.ip).to_string().into_bytes();
        let greeting = greeting(&self.greeting, form);
        let mut units = vec![b"from"[..].into(), greeting.clone().unwrap_or_else(|| literal.clone()).into()];
        // TCP-info = address-literal / ( Domain FWS address-literal )
        match &self.name {
            None => units.push([&b"("[..], &literal, b")"].concat().into()),
            Some(name) => {
                units.push([&b"("[..], &domain(name, form)].concat().into());
                units.push([&literal[..], b")"].concat().into());
            }
        }
        if greeting.is_none() {
            comment(&[b"greeted as ", &self.greeting[..]].concat(), &mut units);
        }
        units
    }
}

/// Whether what is beyond ASCII may be written (RFC 6531 s 3.7.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Ascii,
    Utf8,
}

/// What is not folded within.
type Unit<'a> = Cow<'a, [u8]>;

/// The greeting, if it is a name or a literal; underscores are no fault of a peer's here.
fn greeting(octets: &[u8], form: Form) -> Option<Vec<u8>> {
    // No tag but IPv6 is registered, and what a general literal holds may look like the end of the clause.
    let parsed = Host::parse(octets)
        .ok()
        .filter(|host| !matches!(host, Host::Literal(AddressLiteral::General { .. })));
    if let Some(parsed) = parsed {
        return Some(host(&parsed, form));
    }
    Domain::parse_with_underscores(octets)
        .or_else(|_| Domain::parse_utf8(octets))
        .ok()
        .map(|name| domain(&name, form))
}

fn host<B: AsRef<[u8]>>(host: &Host<B>, form: Form) -> Vec<u8> {
    match host {
        Host::Domain(name) => domain(name, form),
        Host::Literal(literal) => literal.to_string().into_bytes(),
    }
}

fn domain<B: AsRef<[u8]>>(name: &Domain<B>, form: Form) -> Vec<u8> {
    let unicode = match form {
        // RFC 6531 s 3.7.3: the U-label form SHOULD be used.
        Form::Utf8 => name.to_unicode(),
        Form::Ascii => return name.to_ascii().as_bytes().to_vec(),
    };
    match Domain::parse_utf8(unicode.as_bytes()) {
        Ok(name) => name.as_bytes().to_vec(),
        Err(_) => name.to_ascii().as_bytes().to_vec(),
    }
}

pub(super) fn path(mailbox: &Mailbox, form: Form) -> Option<Vec<u8>> {
    if form == Form::Ascii && !mailbox.local_part.is_ascii() {
        return None;
    }
    Some([b"<", mailbox.local_part.as_bytes(), b"@", &host(&mailbox.host, form), b">"].concat())
}

fn tls_units<'a>(version: &'a str, cipher: &'a str) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    if is_cipher_name(cipher.as_bytes()) {
        units.extend([b"tls"[..].into(), cipher.as_bytes().into()]);
        comment(version.as_bytes(), &mut units);
    } else {
        comment(format!("using {version} with cipher {cipher}").as_bytes(), &mut units);
    }
    units
}

/// `tls-cipher-name = ALPHA *(ALPHA / DIGIT / "_")` (RFC 8314 s 4.3).
fn is_cipher_name(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.len() <= TEXT_MAX
        && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'_')
}

/// `1*atext` (RFC 5322 s 3.2.3).
fn is_atom(text: &[u8]) -> bool {
    let is_atext = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(octet);
    !text.is_empty() && text.iter().all(is_atext)
}

/// `"<" dot-atom-text "@" dot-atom-text ">"`: RFC 5322 s 3.6.4 without its literal, which nobody needs here.
fn is_msg_id(text: &[u8]) -> bool {
    let inner = text.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or_default();
    let mut sides = inner.split(|octet| *octet == b'@');
    let is_dot_atom =
        |side: Option<&[u8]>| side.is_some_and(|side| side.split(|octet| *octet == b'.').all(is_atom));
    is_dot_atom(sides.next()) && is_dot_atom(sides.next()) && sides.next().is_none()
}

/// A comment of the text, folded at its spaces (RFC 5322 s 3.2.2).
fn comment(text: &[u8], units: &mut Vec<Unit<'_>>) {
    let text = String::from_utf8_lossy(text.get(..TEXT_MAX).unwrap_or(text));
    let mut words: Vec<Vec<u8>> = Vec::new();
    for word in text.split_ascii_whitespace() {
        let mut quoted = Vec::with_capacity(word.len());
        for octet in word.bytes() {
            if matches!(octet, b'(' | b')' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(octet);
        }
        words.push(quoted);
    }
    if let Some(first) = words.first_mut() {
        first.insert(0, b'(');
    }
    if let Some(last) = words.last_mut() {
        last.push(b')');
    }
    units.extend(words.into_iter().map(Cow::Owned));
}

/// Puts units on lines.
pub(super) struct Folder<'o, O> {
    pub(super) out: &'o mut O,
    pub(super) column: usize,
    pub(super) form: Form,
}

impl<O: BufMut> Folder<'_, O> {
    /// A clause is kept on one line if it fits on one.
    pub(super) fn clause(&mut self, units: &[Unit<'_>]) {
        let width =
            units.iter().fold(0usize, |width, unit| width.saturating_add(unit.len()).saturating_add(1));
        // One column is for the `;` that may follow.
        let fits = self.column.saturating_add(width) < COLUMNS;
        for (index, unit) in units.iter().enumerate() {
            let room = self.column.saturating_add(unit.len()).saturating_add(1) < COLUMNS;
            let fold = if index == 0 { !fits && self.column > b"Received:".len() || !room } else { !room };
            if fold {
                self.out.put_slice(b"\r\n\t");
                self.column = TAB;
            } else {
                self.put(b" ");
            }
            self.put(unit);
        }
    }

    /// The last gate: no control leaves here, whatever went wrong above, and nothing beyond ASCII where it may not.
    pub(super) fn put(&mut self, unit: &[u8]) {
        self.column = self.column.saturating_add(unit.len());
        for octet in unit {
            let clean = match octet {
                0..=31 | 127 => b'?',
                128.. if self.form == Form::Ascii => b'?',
                octet => *octet,
            };
            self.out.put_u8(clean);
        }
    }
}
