use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use mail46_wire::{Host, scan::line_feed};

use crate::{
    datetime::DateTime,
    reply::{Reply, ReplyCode, put_line},
    text::printable,
    value::number,
};

/// What a server offers, told by its reply to EHLO or LHLO (RFC 5321 s 4.1.1.1): that reply, with nothing dropped.
///
/// ```
/// use mail46_smtp::{ExtensionKind, Extensions, Reply};
///
/// let reply = Reply::parse(b"250-mx.example.org at your service\r\n250-SIZE 35882577\r\n250-auth PLAIN X-FOO\r\n250 NEW 1\r\n")?;
/// let offered = Extensions::from_reply(reply).expect("a 250");
/// assert_eq!(offered.domain(), b"mx.example.org");
/// assert_eq!(offered.size(), Some(35_882_577));
/// assert!(offered.has(ExtensionKind::Auth) && offered.has_mechanism("plain"));
/// assert_eq!(offered.iter().count(), 3); // NEW is there as well
/// # Ok::<(), mail46_smtp::ReplyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions<B: AsRef<[u8]> = Bytes> {
    reply: Reply<B>,
    kinds: u32,
    /// Of the first SIZE line that says a number.
    size: Option<u64>,
}

/// One line of an EHLO reply (RFC 5321 s 4.1.1.1, `ehlo-line`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension<'a> {
    /// `SIZE 35882577`; without a value, or 0: no fixed limit (RFC 1870 s 4).
    Size(Option<u64>),
    /// `PIPELINING` (RFC 2920).
    Pipelining,
    /// `CHUNKING` (RFC 3030).
    Chunking,
    /// `BINARYMIME` (RFC 3030).
    BinaryMime,
    /// `8BITMIME` (RFC 6152).
    EightBitMime,
    /// `SMTPUTF8` (RFC 6531).
    SmtpUtf8,
    /// `DSN` (RFC 3461).
    Dsn,
    /// `ENHANCEDSTATUSCODES` (RFC 2034).
    EnhancedStatusCodes,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH PLAIN LOGIN` (RFC 4954).
    Auth(Words<'a>),
    /// `AUTH=PLAIN LOGIN`, for clients older than RFC 2554.
    LegacyAuth(Words<'a>),
    /// `ETRN` (RFC 1985).
    Etrn,
    /// `VRFY`.
    Vrfy,
    /// `EXPN`.
    Expn,
    /// `HELP`.
    Help,
    /// `DELIVERBY 240`: the least by-time, in seconds (RFC 2852 s 4).
    DeliverBy(Option<u32>),
    /// `MT-PRIORITY MIXER`: the priority profile (RFC 6710 s 2).
    MtPriority(Option<&'a [u8]>),
    /// `FUTURERELEASE 3600 2026-12-24T18:00:00Z` (RFC 4865 s 3).
    FutureRelease {
        /// The longest HOLDFOR, in seconds.
        interval: u32,
        /// The latest HOLDUNTIL.
        until: DateTime<'a>,
    },
    /// `REQUIRETLS` (RFC 8689).
    RequireTls,
    /// `RRVS` (RFC 7293).
    Rrvs,
    /// `LIMITS RCPTMAX=100` (RFC 9422).
    Limits(LimitsParam<'a>),
    /// `NO-SOLICITING net.example:ADV` (RFC 3865).
    NoSoliciting(Words<'a>),
    /// `CONPERM` (RFC 4141).
    ConPerm,
    /// `MTRK` (RFC 3885).
    Mtrk,
    /// `ATRN` (RFC 2645).
    Atrn,
    /// `BURL imap imap://imap.example.com` (RFC 4468).
    Burl(Words<'a>),
    /// `XCLIENT NAME ADDR` of Postfix.
    XClient(Words<'a>),
    /// `XFORWARD NAME ADDR` of Postfix.
    XForward(Words<'a>),
    /// `XVERP` of Postfix.
    XVerp,
    /// One that is not known here, or whose parameters are not of its form.
    Unknown {
        /// Its first word.
        keyword: &'a [u8],
        /// The rest of the line.
        params: &'a [u8],
    },
}

/// Which extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs)] // each is the variant of `Extension` of that name
pub enum ExtensionKind {
    Size,
    Pipelining,
    Chunking,
    BinaryMime,
    EightBitMime,
    SmtpUtf8,
    Dsn,
    EnhancedStatusCodes,
    StartTls,
    Auth,
    LegacyAuth,
    Etrn,
    Vrfy,
    Expn,
    Help,
    DeliverBy,
    MtPriority,
    FutureRelease,
    RequireTls,
    Rrvs,
    Limits,
    NoSoliciting,
    ConPerm,
    Mtrk,
    Atrn,
    Burl,
    XClient,
    XForward,
    XVerp,
    Unknown,
}

/// The parameters of an extension: words with spaces between them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Words<'a>(&'a [u8]);

/// The limits of RFC 9422: `RCPTMAX=100 MAILMAX=10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LimitsParam<'a>(Words<'a>);

impl<'a> Words<'a> {
    /// From a text.
    pub fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The words one by one.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split(|octet| *octet == b' ').filter(|word| !word.is_empty())
    }

    /// Whether that word is among them, in any case.
    pub fn contains(&self, wanted: &str) -> bool {
        self.iter().any(|word| word.eq_ignore_ascii_case(wanted.as_bytes()))
    }
}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({:?})", printable(self.0))
    }
}

impl<'a> LimitsParam<'a> {
    /// From a text.
    pub fn new(text: &'a [u8]) -> Self {
        Self(Words(text))
    }

    /// Names and values, those that are not known here as well.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        self.0.iter().map(|word| match memchr::memchr(b'=', word).and_then(|at| word.split_at_checked(at)) {
            Some((name, value)) => (name, value.get(1..)),
            None => (word, None),
        })
    }

    /// MAILMAX: messages in a session (RFC 9422 s 4.1).
    pub fn mail_max(&self) -> Option<u64> {
        self.number(b"MAILMAX")
    }

    /// RCPTMAX: recipients of a message (RFC 9422 s 4.2).
    pub fn rcpt_max(&self) -> Option<u64> {
        self.number(b"RCPTMAX")
    }

    /// RCPTDOMAINMAX: domains among the recipients of a message (RFC 9422 s 4.3).
    pub fn rcpt_domain_max(&self) -> Option<u64> {
        self.number(b"RCPTDOMAINMAX")
    }

    fn number(&self, name: &[u8]) -> Option<u64> {
        let (_, value) = self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        // "%x31-39 0*5DIGIT ; 0 not allowed, six-digit maximum" (RFC 9422 s 4.1)
        number(value?).filter(|number| (1..=999_999).contains(number))
    }
}

impl<B: AsRef<[u8]>> Extensions<B> {
    /// From a 2yz reply to EHLO or LHLO.
    pub fn from_reply(reply: Reply<B>) -> Option<Self> {
        if !reply.code().is_completion() {
            return None;
        }
        Some(Self::read(reply))
    }

    /// Line by line; the end of a line is searched for only where something stands behind its keyword.
    fn read(reply: Reply<B>) -> Self {
        let (mut kinds, mut size) = (0, None);
        let frame = reply.as_bytes();
        let mut lf = line_feed(frame, 0);
        while let Some(end) = lf {
            // Behind the LF four octets of code, then the keyword.
            let at = end.wrapping_add(5);
            let Some(rest) = frame.get(at..) else { break };
            let (kind, length) = ExtensionKind::prefix(rest);
            kinds |= kind.bit();
            if rest.get(length) == Some(&b'\r') {
                lf = Some(at.wrapping_add(length).wrapping_add(1));
                continue;
            }
            lf = line_feed(frame, at.wrapping_add(length));
            if kind == ExtensionKind::Size && size.is_none() {
                size = lf.and_then(|lf| number(frame.get(at.wrapping_add(5)..lf)?.trim_ascii()));
            }
        }
        Self { reply, kinds, size }
    }

    /// The name by which the server calls itself, as it was sent.
    pub fn domain(&self) -> &[u8] {
        split(self.first_line()).0
    }

    /// What it says behind its name.
    pub fn greeting(&self) -> &[u8] {
        split(self.first_line()).1
    }

    /// What it offers, in its order.
    pub fn iter(&self) -> impl Iterator<Item = Extension<'_>> {
        self.reply.raw_lines().skip(1).map(Extension::parse)
    }

    /// Whether it is offered. A line whose parameters cannot be read counts.
    pub fn has(&self, kind: ExtensionKind) -> bool {
        self.kinds & kind.bit() != 0
    }

    /// The first of that kind.
    pub fn get(&self, kind: ExtensionKind) -> Option<Extension<'_>> {
        if !self.has(kind) {
            return None;
        }
        self.reply
            .raw_lines()
            .skip(1)
            .filter(|line| ExtensionKind::of(line) == kind)
            .map(Extension::parse)
            .find(|extension| extension.kind() == kind)
    }

    /// The limit of SIZE in octets, if there is one: neither absent nor 0 (RFC 1870 s 4).
    pub fn size(&self) -> Option<u64> {
        self.size.filter(|size| *size > 0)
    }

    /// The SASL mechanisms of all AUTH and `AUTH=` lines, each once, as they were written.
    pub fn mechanisms(&self) -> impl Iterator<Item = &[u8]> {
        self.all_mechanisms().enumerate().filter_map(|(nth, name)| {
            let before = self.all_mechanisms().take(nth).any(|other| other.eq_ignore_ascii_case(name));
            (!before).then_some(name)
        })
    }

    /// Whether that mechanism is offered, in any case.
    pub fn has_mechanism(&self, name: &str) -> bool {
        self.all_mechanisms().any(|known| known.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// LIMITS (RFC 9422).
    pub fn limits(&self) -> Option<LimitsParam<'_>> {
        match self.get(ExtensionKind::Limits)? {
            Extension::Limits(limits) => Some(limits),
            _ => None,
        }
    }

    /// The reply itself.
    pub fn reply(&self) -> &Reply<B> {
        &self.reply
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Extensions {
        Extensions { reply: self.reply.to_owned(), kinds: self.kinds, size: self.size }
    }

    fn all_mechanisms(&self) -> impl Iterator<Item = &[u8]> {
        self.iter()
            .filter_map(|extension| match extension {
                Extension::Auth(words) | Extension::LegacyAuth(words) => Some(words.iter()),
                _ => None,
            })
            .flatten()
    }

    fn first_line(&self) -> &[u8] {
        self.reply.raw_lines().next().unwrap_or_default()
    }
}

impl Extensions {
    /// Begins the reply of a server that calls itself `domain`.
    pub fn builder(domain: &Host) -> ExtensionsBuilder {
        // RFC 6531 s 3.7.1: LDH labels or A-labels
        let name = match domain {
            Host::Domain(domain) => domain.to_ascii().to_string(),
            Host::Literal(literal) => literal.to_string(),
        };
        ExtensionsBuilder { lines: vec![name.into_bytes()] }
    }
}

/// Builds the reply to EHLO or LHLO.
///
/// ```
/// use mail46_smtp::{Extension, Extensions};
///
/// let offered = Extensions::builder(&"mx.example.org".parse().unwrap())
///     .greeting("at your service")
///     .offer(&Extension::Size(Some(1000)))
///     .offer(&Extension::Pipelining)
///     .build();
/// assert_eq!(
///     offered.reply().as_bytes(),
///     b"250-mx.example.org at your service\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct ExtensionsBuilder {
    lines: Vec<Vec<u8>>,
}

impl ExtensionsBuilder {
    /// What is said behind the name.
    #[must_use]
    pub fn greeting(mut self, text: &str) -> Self {
        if let Some(first) = self.lines.first_mut() {
            first.push(b' ');
            first.extend_from_slice(text.as_bytes());
        }
        self
    }

    /// Adds a line.
    #[must_use]
    pub fn offer(mut self, extension: &Extension<'_>) -> Self {
        let mut line = BytesMut::new();
        extension.write(&mut line);
        self.lines.push(line.to_vec());
        self
    }

    /// The reply.
    pub fn build(self) -> Extensions {
        let mut frame = BytesMut::new();
        let last = self.lines.len().saturating_sub(1);
        for (nth, line) in self.lines.iter().enumerate() {
            put_line(&mut frame, ReplyCode::from(250), None, nth == last, line);
        }
        let reply = Reply::from_lines(frame.freeze(), ReplyCode::from(250));
        Extensions::read(reply)
    }
}

impl<'a> Extension<'a> {
    /// Reads a line of an EHLO reply, its code taken off. Never fails: what is not known is kept as it is.
    pub fn parse(line: &'a [u8]) -> Self {
        let word = keyword(line);
        let kind = ExtensionKind::of(line);
        let behind = word.len().saturating_add(if kind == ExtensionKind::LegacyAuth { 0 } else { 1 });
        let params = line.get(behind..).unwrap_or_default();
        Self::typed(kind, params).unwrap_or(Self::Unknown { keyword: word, params })
    }

    fn typed(kind: ExtensionKind, params: &'a [u8]) -> Option<Self> {
        use ExtensionKind as Kind;
        let trimmed = params.trim_ascii();
        let words = Words(params);
        let bare = |extension| trimmed.is_empty().then_some(extension);
        match kind {
            Kind::Size if trimmed.is_empty() => Some(Self::Size(None)),
            Kind::Size => number(trimmed).map(|size| Self::Size(Some(size))),
            Kind::Pipelining => bare(Self::Pipelining),
            Kind::Chunking => bare(Self::Chunking),
            Kind::BinaryMime => bare(Self::BinaryMime),
            Kind::EightBitMime => bare(Self::EightBitMime),
            Kind::SmtpUtf8 => bare(Self::SmtpUtf8),
            Kind::Dsn => bare(Self::Dsn),
            Kind::EnhancedStatusCodes => bare(Self::EnhancedStatusCodes),
            Kind::StartTls => bare(Self::StartTls),
            Kind::Auth => Some(Self::Auth(words)),
            Kind::LegacyAuth => Some(Self::LegacyAuth(words)),
            Kind::Etrn => bare(Self::Etrn),
            Kind::Vrfy => bare(Self::Vrfy),
            Kind::Expn => bare(Self::Expn),
            Kind::Help => bare(Self::Help),
            Kind::DeliverBy if trimmed.is_empty() => Some(Self::DeliverBy(None)),
            Kind::DeliverBy => number(trimmed)
                .and_then(|time| u32::try_from(time).ok())
                .map(|time| Self::DeliverBy(Some(time))),
            Kind::MtPriority if trimmed.is_empty() => Some(Self::MtPriority(None)),
            Kind::MtPriority => Some(Self::MtPriority(Some(trimmed))),
            Kind::FutureRelease => {
                let mut words = words.iter();
                let interval = number(words.next()?).and_then(|seconds| u32::try_from(seconds).ok())?;
                let until = DateTime::parse(words.next()?)?;
                words.next().is_none().then_some(Self::FutureRelease { interval, until })
            }
            Kind::RequireTls => bare(Self::RequireTls),
            Kind::Rrvs => bare(Self::Rrvs),
            Kind::Limits => Some(Self::Limits(LimitsParam(words))),
            Kind::NoSoliciting => Some(Self::NoSoliciting(words)),
            Kind::ConPerm => bare(Self::ConPerm),
            Kind::Mtrk => bare(Self::Mtrk),
            Kind::Atrn => bare(Self::Atrn),
            Kind::Burl => Some(Self::Burl(words)),
            Kind::XClient => Some(Self::XClient(words)),
            Kind::XForward => Some(Self::XForward(words)),
            Kind::XVerp => bare(Self::XVerp),
            Kind::Unknown => None,
        }
    }

    /// Which one it is.
    pub fn kind(&self) -> ExtensionKind {
        use ExtensionKind as Kind;
        match self {
            Self::Size(_) => Kind::Size,
            Self::Pipelining => Kind::Pipelining,
            Self::Chunking => Kind::Chunking,
            Self::BinaryMime => Kind::BinaryMime,
            Self::EightBitMime => Kind::EightBitMime,
            Self::SmtpUtf8 => Kind::SmtpUtf8,
            Self::Dsn => Kind::Dsn,
            Self::EnhancedStatusCodes => Kind::EnhancedStatusCodes,
            Self::StartTls => Kind::StartTls,
            Self::Auth(_) => Kind::Auth,
            Self::LegacyAuth(_) => Kind::LegacyAuth,
            Self::Etrn => Kind::Etrn,
            Self::Vrfy => Kind::Vrfy,
            Self::Expn => Kind::Expn,
            Self::Help => Kind::Help,
            Self::DeliverBy(_) => Kind::DeliverBy,
            Self::MtPriority(_) => Kind::MtPriority,
            Self::FutureRelease { .. } => Kind::FutureRelease,
            Self::RequireTls => Kind::RequireTls,
            Self::Rrvs => Kind::Rrvs,
            Self::Limits(_) => Kind::Limits,
            Self::NoSoliciting(_) => Kind::NoSoliciting,
            Self::ConPerm => Kind::ConPerm,
            Self::Mtrk => Kind::Mtrk,
            Self::Atrn => Kind::Atrn,
            Self::Burl(_) => Kind::Burl,
            Self::XClient(_) => Kind::XClient,
            Self::XForward(_) => Kind::XForward,
            Self::XVerp => Kind::XVerp,
            Self::Unknown { .. } => Kind::Unknown,
        }
    }

    /// The line, without code and line end.
    fn write(&self, out: &mut BytesMut) {
        let mut put = |text: &[u8]| out.put_slice(text);
        match self {
            Self::Unknown { keyword, .. } => put(keyword),
            _ => put(self.kind().as_str().as_bytes()),
        }
        let mut param = |text: &[u8]| {
            if !text.is_empty() {
                out.put_u8(b' ');
                out.put_slice(text);
            }
        };
        match self {
            Self::Size(Some(size)) => param(size.to_string().as_bytes()),
            Self::DeliverBy(Some(time)) => param(time.to_string().as_bytes()),
            Self::FutureRelease { interval, until } => {
                param(interval.to_string().as_bytes());
                param(until.as_bytes());
            }
            Self::MtPriority(Some(profile)) => param(profile),
            Self::LegacyAuth(words) => out.put_slice(words.0),
            Self::Auth(words)
            | Self::NoSoliciting(words)
            | Self::Burl(words)
            | Self::XClient(words)
            | Self::XForward(words)
            | Self::Limits(LimitsParam(words)) => param(words.0),
            Self::Unknown { params, .. } => param(params),
            _ => {}
        }
    }
}

impl ExtensionKind {
    /// The keyword; nothing for [`ExtensionKind::Unknown`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "SIZE",
            Self::Pipelining => "PIPELINING",
            Self::Chunking => "CHUNKING",
            Self::BinaryMime => "BINARYMIME",
            Self::EightBitMime => "8BITMIME",
            Self::SmtpUtf8 => "SMTPUTF8",
            Self::Dsn => "DSN",
            Self::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::LegacyAuth => "AUTH=",
            Self::Etrn => "ETRN",
            Self::Vrfy => "VRFY",
            Self::Expn => "EXPN",
            Self::Help => "HELP",
            Self::DeliverBy => "DELIVERBY",
            Self::MtPriority => "MT-PRIORITY",
            Self::FutureRelease => "FUTURERELEASE",
            Self::RequireTls => "REQUIRETLS",
            Self::Rrvs => "RRVS",
            Self::Limits => "LIMITS",
            Self::NoSoliciting => "NO-SOLICITING",
            Self::ConPerm => "CONPERM",
            Self::Mtrk => "MTRK",
            Self::Atrn => "ATRN",
            Self::Burl => "BURL",
            Self::XClient => "XCLIENT",
            Self::XForward => "XFORWARD",
            Self::XVerp => "XVERP",
            Self::Unknown => "",
        }
    }

    fn bit(self) -> u32 {
        1_u32.wrapping_shl(self as u32)
    }

    /// By the keyword that a line begins with.
    fn of(line: &[u8]) -> Self {
        Self::prefix(line).0
    }

    /// The keyword that a line begins with, and its length: eight octets at a time as a number.
    /// What follows the line may stand behind it.
    #[inline]
    fn prefix(line: &[u8]) -> (Self, usize) {
        const UNKNOWN: (ExtensionKind, usize) = (ExtensionKind::Unknown, 0);
        /// Of eight octets the first three, letters in upper case: enough to tell the keywords apart.
        const fn three(eight: u64) -> u64 {
            eight.wrapping_shr(40) & 0xdfdfdf
        }
        macro_rules! differs {
            ($eight:expr, $keyword:literal, $from:literal) => {
                $eight & const { Head::of($keyword, $from).mask } != const { Head::of($keyword, $from).value }
            };
        }
        macro_rules! keywords {
            ($first:ident: $($name:ident $keyword:literal => $kind:ident,)*) => {{
                $(const $name: u64 = three(Head::of($keyword, 0).value);)*
                match three($first) {
                    $($name => {
                        if differs!($first, $keyword, 0)
                            || $keyword.len() > 8 && differs!(eight(line, 8), $keyword, 8)
                            || $keyword.len() > 16 && differs!(eight(line, 16), $keyword, 16)
                        {
                            return UNKNOWN;
                        }
                        (Self::$kind, $keyword.len())
                    })*
                    _ => return UNKNOWN,
                }
            }};
        }
        let first = eight(line, 0);
        let (kind, length) = keywords! { first:
            SIZE b"SIZE" => Size,
            PIPELINING b"PIPELINING" => Pipelining,
            CHUNKING b"CHUNKING" => Chunking,
            BINARYMIME b"BINARYMIME" => BinaryMime,
            EIGHTBITMIME b"8BITMIME" => EightBitMime,
            SMTPUTF8 b"SMTPUTF8" => SmtpUtf8,
            DSN b"DSN" => Dsn,
            ENHANCEDSTATUSCODES b"ENHANCEDSTATUSCODES" => EnhancedStatusCodes,
            STARTTLS b"STARTTLS" => StartTls,
            AUTH b"AUTH" => Auth,
            ETRN b"ETRN" => Etrn,
            VRFY b"VRFY" => Vrfy,
            EXPN b"EXPN" => Expn,
            HELP b"HELP" => Help,
            DELIVERBY b"DELIVERBY" => DeliverBy,
            MT_PRIORITY b"MT-PRIORITY" => MtPriority,
            FUTURERELEASE b"FUTURERELEASE" => FutureRelease,
            REQUIRETLS b"REQUIRETLS" => RequireTls,
            RRVS b"RRVS" => Rrvs,
            LIMITS b"LIMITS" => Limits,
            NO_SOLICITING b"NO-SOLICITING" => NoSoliciting,
            CONPERM b"CONPERM" => ConPerm,
            MTRK b"MTRK" => Mtrk,
            ATRN b"ATRN" => Atrn,
            BURL b"BURL" => Burl,
            XCLIENT b"XCLIENT" => XClient,
            XFORWARD b"XFORWARD" => XForward,
            XVERP b"XVERP" => XVerp,
        };
        match line.get(length) {
            None | Some(b' ' | b'\r') => (kind, length),
            Some(b'=') if kind == Self::Auth => (Self::LegacyAuth, length),
            Some(_) => UNKNOWN,
        }
    }
}

/// Eight octets as a number, with zeros for those behind the end.
#[inline]
fn eight(octets: &[u8], from: usize) -> u64 {
    #[cold]
    fn padded(octets: &[u8], from: usize) -> u64 {
        let octets = octets.iter().skip(from).chain(&[0; 8]).take(8);
        octets.fold(0, |word, octet| word.wrapping_shl(8) | u64::from(*octet))
    }
    match octets.get(from..).and_then(<[u8]>::first_chunk) {
        Some(eight) => u64::from_be_bytes(*eight),
        None => padded(octets, from),
    }
}

/// Eight octets of a keyword from one on as a number, and which bits of a line's eight are to be the same: all of
/// what the keyword has, but not the case of a letter.
struct Head {
    mask: u64,
    value: u64,
}

impl Head {
    const fn of(keyword: &[u8], from: usize) -> Self {
        let mut head = Self { mask: 0, value: 0 };
        let mut at = from;
        while at < from.wrapping_add(8) {
            let (mask, value) = match keyword.split_at_checked(at) {
                Some((_, [octet, ..])) if octet.is_ascii_uppercase() => (0xdf, *octet),
                Some((_, [octet, ..])) => (0xff, *octet),
                _ => (0, 0),
            };
            head.mask = head.mask.wrapping_shl(8) | mask;
            head.value = head.value.wrapping_shl(8) | value as u64;
            at = at.wrapping_add(1);
        }
        head
    }
}

/// The first word of a line; of the legacy AUTH line it ends behind the `=`.
fn keyword(line: &[u8]) -> &[u8] {
    if line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH=")) {
        return line.get(..5).unwrap_or_default();
    }
    split(line).0
}

/// The first word and the rest.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', line).and_then(|space| line.split_at_checked(space)) {
        Some((word, rest)) => (word, rest.get(1..).unwrap_or_default()),
        None => (line, b""),
    }
}
