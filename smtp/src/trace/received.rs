use std::{fmt, net::IpAddr};

use super::{
    DateTime, Endpoint, Hop, Protocol,
    lex::{Lexer, Token},
};

/// Clauses of a field that are looked at; real ones have six.
const CLAUSES_MAX: usize = 32;

/// A `Received` field, as whoever wrote it did.
///
/// Any octets are one: a clause that is not found is `None`, and [`raw`](Self::raw) is what was parsed. Clauses come
/// in any order; of a repeated one the first counts, the others are in [`clauses`](Self::clauses). Nothing in it is
/// proven: what stands below the field that one's own server wrote may be invented.
///
/// ```
/// use mail46_smtp::trace::{Family, Protocol, Received};
/// let received = Received::parse(
///     b"Received: from client.example (unknown [IPv6:2001:db8::25])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 \
///       (256/256 bits))\r\n\tby mx.example (Postfix) with ESMTPS id 4ABC\r\n\tfor <bob@example>; Thu, 5 Nov 2009 12:00:03 +0800 (PHT)",
/// );
/// assert_eq!(received.from_ip(), Some("2001:db8::25".parse().unwrap()));
/// assert_eq!(received.family(), Some(Family::Ipv6));
/// assert_eq!(received.protocol(), Some(Protocol::Esmtps));
/// assert_eq!(received.tls().unwrap().version, Some(&b"TLSv1.3"[..]));
/// assert_eq!(received.recipient(), Some(&b"bob@example"[..]));
/// ```
#[derive(Clone)]
pub struct Received<'a> {
    raw: &'a [u8],
    /// The part before the `;` of the date.
    stamp: &'a [u8],
    /// The part behind it.
    date: Option<&'a [u8]>,
    clauses: Vec<Clause<'a>>,
}

/// A clause: keyword, its value, and all up to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Clause<'a> {
    /// Which one.
    pub keyword: Keyword,
    /// The word behind the keyword, empty if there is none. Of a `with` clause all words up to a comment.
    pub value: &'a [u8],
    /// The value and all that follows it: comments, further words.
    pub text: &'a [u8],
}

/// The words that begin a clause, in any case (RFC 5321 s 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Keyword {
    /// Where it came from.
    From,
    /// Who took it.
    By,
    /// Over what link.
    Via,
    /// By what protocol.
    With,
    /// Under what name.
    Id,
    /// For whom.
    For,
    /// With what cipher suite (RFC 8314 s 4.3).
    Tls,
}

/// What a field tells of TLS on its hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TlsInfo<'a> {
    /// `TLSv1.3`, `TLS1_2`, … as the writer spells it.
    pub version: Option<&'a [u8]>,
    /// The cipher suite, as the writer spells it.
    pub cipher: Option<&'a [u8]>,
}

/// The IP family that a hop went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_enums)] // the Internet has two
pub enum Family {
    /// IPv4, also when an IPv6 socket saw it as `::ffff:192.0.2.1`.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of an address; an IPv4-mapped one is IPv4.
    pub fn of(ip: IpAddr) -> Self {
        if ip.to_canonical().is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

impl<'a> Received<'a> {
    /// Parses a field, folded or not, with or without its name, with or without the last CRLF.
    pub fn parse(raw: &'a [u8]) -> Self {
        let body = without_name(raw, b"Received");
        let mut clauses = Clauses { body, found: Vec::new(), open: None };
        let mut semicolon = None;
        let mut tokens = Lexer::new(body).peekable();
        while let Some((range, token)) = tokens.next() {
            match token {
                Token::Word(word) => clauses.word(word, range, tokens.peek().map(|(_, next)| next)),
                Token::Comment(_) => clauses.comment(),
                // The date is behind the last one: none of what came before it can be dropped by a later date.
                Token::Semicolon => {
                    clauses.end(range.start);
                    semicolon = Some((range.start, clauses.found.len()));
                }
            }
        }
        clauses.end(body.len());
        let mut found = clauses.found;
        let (stamp, date) = match semicolon {
            Some((at, count)) => {
                found.truncate(count);
                (body.get(..at).unwrap_or(body), body.get(at.saturating_add(1)..))
            }
            None => (body, None),
        };
        Self { raw, stamp, date, clauses: found }
    }

    /// What was parsed.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The clauses in the order they stand in, 32 at most.
    pub fn clauses(&self) -> &[Clause<'a>] {
        &self.clauses
    }

    fn clause(&self, keyword: Keyword) -> Option<&Clause<'a>> {
        self.clauses.iter().find(|clause| clause.keyword == keyword)
    }

    fn value(&self, keyword: Keyword) -> Option<&'a [u8]> {
        self.clause(keyword).map(|clause| clause.value).filter(|value| !value.is_empty())
    }

    /// The `from` clause: the peer.
    pub fn from(&self) -> Option<Endpoint<'a>> {
        self.clause(Keyword::From).map(Endpoint::of)
    }

    /// The `by` clause: the server that wrote the field.
    pub fn by(&self) -> Option<Endpoint<'a>> {
        self.clause(Keyword::By).map(Endpoint::of)
    }

    /// The address of the peer, as far as the field tells it: see [`Endpoint::ip`].
    pub fn from_ip(&self) -> Option<IpAddr> {
        self.from()?.ip()
    }

    /// The address of the server.
    pub fn by_ip(&self) -> Option<IpAddr> {
        self.by()?.ip()
    }

    /// The family that the mail came over: that of the peer's address, or else that of the server's.
    ///
    /// A server's address tells it only where there is a `from` clause: `by 10.0.0.1 with HTTP` is no mail
    /// connection. And Gmail's `by 2002:a05:…` tells nothing at all. It looks like 6to4 (RFC 3056) but would be that
    /// of `10.5.0.0/16`, which no one can route: it is Gmail's own name for a machine, and nothing went over it. So an
    /// address of 6to4 around a private IPv4 address has no family here, though [`from_ip`](Self::from_ip) and
    /// [`by_ip`](Self::by_ip) give it as it stands.
    pub fn family(&self) -> Option<Family> {
        let from = self.from()?;
        let told = |ip: &IpAddr| !is_private_6to4(*ip);
        from.ip().filter(told).or_else(|| self.by_ip().filter(told)).map(Family::of)
    }

    /// The `via` clause.
    pub fn via(&self) -> Option<&'a [u8]> {
        self.value(Keyword::Via)
    }

    /// The `with` clause.
    pub fn protocol(&self) -> Option<Protocol<&'a [u8]>> {
        self.value(Keyword::With).map(Protocol::parse)
    }

    /// The `id` clause.
    pub fn id(&self) -> Option<&'a [u8]> {
        self.value(Keyword::Id)
    }

    /// The mailbox of the `for` clause, without its angle brackets.
    pub fn recipient(&self) -> Option<&'a [u8]> {
        let path = self.value(Keyword::For)?;
        Some(path.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(path))
    }

    /// The date, if it can be read.
    pub fn date(&self) -> Option<DateTime> {
        self.date.and_then(DateTime::parse)
    }

    /// What stands behind the last `;`, comments and all.
    pub fn date_text(&self) -> Option<&'a [u8]> {
        self.date.map(<[u8]>::trim_ascii)
    }

    /// The comments at the top level, without their parentheses.
    pub fn comments(&self) -> impl Iterator<Item = &'a [u8]> {
        Lexer::new(self.stamp).filter_map(|(_, token)| match token {
            Token::Comment(text) => Some(text),
            Token::Word(_) | Token::Semicolon => None,
        })
    }

    /// What the field tells of TLS; `None` if it tells nothing of it, which proves nothing.
    ///
    /// Told by the keyword of the protocol, the `tls` clause, or a comment in the form of Postfix, Sendmail, Gmail,
    /// Exchange, Exim, OpenSMTPD, Courier or qmail's TLS patches.
    pub fn tls(&self) -> Option<TlsInfo<'a>> {
        let mut told = None;
        let mut add = |info: TlsInfo<'a>| {
            let known = told.get_or_insert_with(TlsInfo::default);
            known.version = known.version.or(info.version);
            known.cipher = known.cipher.or(info.cipher);
        };
        if let Some(cipher) = self.value(Keyword::Tls) {
            add(TlsInfo { version: None, cipher: Some(cipher) });
        }
        for clause in self.clauses.iter().filter(|clause| clause.keyword == Keyword::With) {
            if let Some(info) = tls_of_with(clause.value) {
                add(info);
            }
        }
        for info in self.comments().filter_map(tls_of_comment) {
            add(info);
        }
        told
    }

    /// What of the field a program asks for, owned.
    pub fn hop(&self) -> Hop {
        Hop::of(self)
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received(b\"{}\")", self.raw.escape_ascii())
    }
}

/// The body of a field that may begin with its name: `name *WSP ":"`, the space being obsolete (RFC 5322 s 4.5.7).
pub(super) fn without_name<'a>(raw: &'a [u8], name: &[u8]) -> &'a [u8] {
    raw.split_at_checked(name.len())
        .filter(|(head, _)| head.eq_ignore_ascii_case(name))
        .and_then(|(_, rest)| rest.trim_ascii_start().strip_prefix(b":"))
        .unwrap_or(raw)
}

/// `2002::/16` around an IPv4 address of a private network.
fn is_private_6to4(ip: IpAddr) -> bool {
    let IpAddr::V6(ip) = ip else { return false };
    let [0x20, 0x02, a, b, c, d, ..] = ip.octets() else { return false };
    std::net::Ipv4Addr::new(a, b, c, d).is_private()
}

/// The clauses found so far, and the one whose end is not.
struct Clauses<'a> {
    body: &'a [u8],
    found: Vec<Clause<'a>>,
    open: Option<Open>,
}

struct Open {
    keyword: Keyword,
    /// Behind the keyword.
    start: usize,
    value: Option<std::ops::Range<usize>>,
    /// No word can belong to the value any more.
    value_ended: bool,
}

impl<'a> Clauses<'a> {
    fn word(&mut self, word: &[u8], range: std::ops::Range<usize>, next: Option<&Token<'_>>) {
        let keyword = keyword_of(word);
        if let Some(open) = &mut self.open {
            let fresh = open.value.is_none() && !open.value_ended;
            // A host may be called "by": the word behind a keyword is its value, unless a value follows that one.
            let is_value = match (keyword, next) {
                (None, _) => true,
                (Some(_), Some(Token::Comment(_))) => fresh,
                (Some(_), Some(Token::Word(next))) => fresh && keyword_of(next).is_some(),
                (Some(_), _) => fresh,
            };
            if is_value {
                match &mut open.value {
                    None => open.value = Some(range),
                    Some(value) if open.keyword == Keyword::With && !open.value_ended => {
                        value.end = range.end
                    }
                    Some(_) => open.value_ended = true,
                }
                return;
            }
        }
        if let Some(keyword) = keyword {
            self.end(range.start);
            self.open = Some(Open { keyword, start: range.end, value: None, value_ended: false });
        }
    }

    fn comment(&mut self) {
        if let Some(open) = &mut self.open {
            open.value_ended = true;
        }
    }

    fn end(&mut self, at: usize) {
        let Some(open) = self.open.take() else { return };
        if self.found.len() < CLAUSES_MAX {
            let text = self.body.get(open.start..at).unwrap_or_default();
            let value = open.value.and_then(|range| self.body.get(range)).unwrap_or_default();
            self.found.push(Clause { keyword: open.keyword, value, text: text.trim_ascii() });
        }
    }
}

fn keyword_of(word: &[u8]) -> Option<Keyword> {
    let rows = [
        ("from", Keyword::From),
        ("by", Keyword::By),
        ("via", Keyword::Via),
        ("with", Keyword::With),
        ("id", Keyword::Id),
        ("for", Keyword::For),
        ("tls", Keyword::Tls),
    ];
    rows.into_iter().find(|row| row.0.as_bytes().eq_ignore_ascii_case(word)).map(|row| row.1)
}

fn tls_of_with(value: &[u8]) -> Option<TlsInfo<'_>> {
    if Protocol::parse(value).is_tls() || value.eq_ignore_ascii_case(b"STARTTLS") {
        return Some(TlsInfo::default());
    }
    // IronPort: ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384
    let mut parts = value.split(|octet| *octet == b'/');
    if parts.nth(1).is_some_and(|part| part.eq_ignore_ascii_case(b"TLS")) {
        return Some(TlsInfo { version: None, cipher: parts.next().filter(|part| !part.is_empty()) });
    }
    encrypted(value)
}

/// qmail's TLS patches: `AES256-SHA encrypted SMTP`, in the clause or in a comment.
fn encrypted(text: &[u8]) -> Option<TlsInfo<'_>> {
    let mut words = words_of(text);
    let cipher = words.next();
    words
        .next()
        .filter(|word| word.eq_ignore_ascii_case(b"encrypted"))
        .map(|_| TlsInfo { version: None, cipher })
}

/// By a first word that no host is called, so that no name in a comment can pass for it.
fn tls_of_comment(text: &[u8]) -> Option<TlsInfo<'_>> {
    let mut words = words_of(text);
    let first = words.next()?;
    // Postfix, Haraka: using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
    if first.eq_ignore_ascii_case(b"using") {
        let version = words.next().filter(|word| is_version(word))?;
        let cipher =
            words.nth(1).filter(|word| word.eq_ignore_ascii_case(b"cipher")).and_then(|_| words.next());
        return Some(TlsInfo { version: Some(version), cipher });
    }
    // Sendmail, Gmail, Exchange: version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    if let Some(version) = after(first, b"version=") {
        let cipher = words_of(text).find_map(|word| after(word, b"cipher="));
        return is_version(version).then_some(TlsInfo { version: Some(version), cipher });
    }
    if first.eq_ignore_ascii_case(b"TLS") || first.eq_ignore_ascii_case(b"SSL") {
        // Exchange 2007: (TLS)
        return words.next().is_none().then_some(TlsInfo::default());
    }
    // Courier: TLS: TLSv1.2,256bits,AES256-SHA
    if let Some(rest) = after(first, b"TLS:") {
        let mut parts = words_of(text).skip(usize::from(rest.is_empty()));
        let version = if rest.is_empty() { parts.next() } else { Some(rest) };
        let version = version.map(|word| word.split(|octet| *octet == b'/').next().unwrap_or(word));
        let cipher = words_of(text).last().filter(|word| word.contains(&b'-') || word.contains(&b'_'));
        return Some(TlsInfo { version: version.filter(|word| is_version(word)), cipher });
    }
    // Exim, OpenSMTPD: TLS1.3:TLS_AES_256_GCM_SHA384:256, and Exim 4.94 with the version alone
    let mut parts = first.split(|octet| *octet == b':');
    match parts.next().filter(|word| is_version(word) && words.next().is_none()) {
        Some(version) => Some(TlsInfo { version: Some(version), cipher: parts.next() }),
        None => encrypted(text),
    }
}

/// The words of a comment, at white space, commas and inner parentheses.
pub(super) fn words_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'(' | b')' | b';'))
        .filter(|word| !word.is_empty())
}

fn after<'a>(word: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    word.split_at_checked(prefix.len())
        .filter(|(head, _)| head.eq_ignore_ascii_case(prefix))
        .map(|(_, rest)| rest)
}

/// `TLSv1.3`, `TLS1_2`, `TLS1.3`, `TLSv1`, `SSLv3`, and OpenSMTPD's `TLSv1/SSLv3`; no host name (`tls1.example`).
fn is_version(word: &[u8]) -> bool {
    let word = word.split(|octet| *octet == b'/').next().unwrap_or(word);
    let Some(rest) = after(word, b"TLS").or_else(|| after(word, b"SSL")) else { return false };
    let rest = rest.strip_prefix(b"v").or_else(|| rest.strip_prefix(b"V")).unwrap_or(rest);
    matches!(rest, [b'1'..=b'9']) || matches!(rest, [b'1'..=b'9', b'.' | b'_', b'0'..=b'9'])
}
