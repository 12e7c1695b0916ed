use std::{fmt, hash};

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    command::Verb,
    datetime::DateTime,
    quirks::{Quirks, Rules, Utf8},
    syntax::Fault,
    text::{printable, slice_of},
    value::{Body, By, Notify, Ret, Rrvs, RrvsAction, Submitter, hold_for, priority, size},
    xtext::{Orcpt, XText, is_printable_xtext},
};

/// Unknown parameters of a command at most: each is compared with each for doubles.
const UNKNOWN_MAX: usize = 32;

/// The parameters of MAIL, RCPT, VRFY or EXPN: their text, already checked; ordered, and nothing is lost.
///
/// ```
/// use mail46_smtp::{Body, Param, Params};
///
/// let params = Params::new().with(Param::Size(1000))?.with(Param::Body(Body::EightBitMime))?;
/// assert_eq!(params.as_bytes(), b"SIZE=1000 BODY=8BITMIME");
/// assert_eq!(params.size(), Some(1000));
/// assert!(params.with(Param::Size(1)).is_err()); // no parameter twice
/// # Ok::<(), mail46_smtp::ParamError>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Params<B = Bytes>(B);

/// One ESMTP parameter (RFC 5321 s 4.1.2, `esmtp-param`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Param<'a> {
    /// `SIZE=1000`, octets (RFC 1870 s 5). The grammar has twenty digits: a number that a `u64` cannot hold is
    /// `u64::MAX`, which is over every limit.
    Size(u64),
    /// `BODY=8BITMIME` (RFC 6152 s 2, RFC 3030 s 3).
    Body(Body),
    /// `SMTPUTF8` (RFC 6531 s 3.4).
    SmtpUtf8,
    /// `RET=HDRS` (RFC 3461 s 4.3).
    Ret(Ret),
    /// `ENVID=QQ314159` (RFC 3461 s 4.4).
    EnvId(XText<&'a [u8]>),
    /// `NOTIFY=SUCCESS,DELAY` (RFC 3461 s 4.1).
    Notify(Notify),
    /// `ORCPT=rfc822;bob@example.org` (RFC 3461 s 4.2, RFC 6533 s 3).
    Orcpt(Orcpt<'a>),
    /// `AUTH=alice@example.com` or `AUTH=<>` (RFC 4954 s 5): who submitted it.
    Auth(Submitter<'a>),
    /// `BY=120;R` (RFC 2852 s 4).
    By(By),
    /// `MT-PRIORITY=3`, from -9 to 9 (RFC 6710 s 7).
    MtPriority(i8),
    /// `HOLDFOR=3600`, seconds (RFC 4865 s 4).
    HoldFor(u32),
    /// `HOLDUNTIL=2026-12-24T18:00:00Z` (RFC 4865 s 4).
    HoldUntil(DateTime<'a>),
    /// `REQUIRETLS` (RFC 8689 s 2).
    RequireTls,
    /// `RRVS=2014-04-03T23:01:00Z` (RFC 7293 s 5.1).
    Rrvs(Rrvs<'a>),
    /// One that is not known here.
    Unknown {
        /// `esmtp-keyword`.
        keyword: &'a [u8],
        /// `esmtp-value`.
        value: Option<&'a [u8]>,
    },
}

/// Why a parameter cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// It is there already.
    #[error("parameter given twice")]
    Twice,
    /// It cannot be written so that it reads the same.
    #[error("parameter cannot be written")]
    Value,
    /// HOLDFOR and HOLDUNTIL exclude each other (RFC 4865 s 4).
    #[error("parameters exclude each other")]
    Conflict,
    /// More unknown ones than are ever read.
    #[error("too many parameters")]
    TooMany,
}

/// The parameters that are known, for "twice" and for the command they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ParamKind {
    /// `SIZE`.
    Size,
    /// `BODY`.
    Body,
    /// `SMTPUTF8`.
    SmtpUtf8,
    /// `RET`.
    Ret,
    /// `ENVID`.
    EnvId,
    /// `NOTIFY`.
    Notify,
    /// `ORCPT`.
    Orcpt,
    /// `AUTH`.
    Auth,
    /// `BY`.
    By,
    /// `MT-PRIORITY`.
    MtPriority,
    /// `HOLDFOR`.
    HoldFor,
    /// `HOLDUNTIL`.
    HoldUntil,
    /// `REQUIRETLS`.
    RequireTls,
    /// `RRVS`.
    Rrvs,
    /// One that is not known here.
    Unknown,
}

impl ParamKind {
    /// The EHLO keyword that must have been offered for it: `DSN` for RET, `FUTURERELEASE` for HOLDFOR.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Size => "SIZE",
            Self::Body => "8BITMIME",
            Self::SmtpUtf8 => "SMTPUTF8",
            Self::Ret | Self::EnvId | Self::Notify | Self::Orcpt => "DSN",
            Self::Auth => "AUTH",
            Self::By => "DELIVERBY",
            Self::MtPriority => "MT-PRIORITY",
            Self::HoldFor | Self::HoldUntil => "FUTURERELEASE",
            Self::RequireTls => "REQUIRETLS",
            Self::Rrvs => "RRVS",
            Self::Unknown => "",
        }
    }

    /// Whether it is a parameter of that command.
    pub fn belongs_to(self, verb: Verb) -> bool {
        match self {
            Self::Notify | Self::Orcpt | Self::Rrvs => verb == Verb::Rcpt,
            Self::SmtpUtf8 => matches!(verb, Verb::Mail | Verb::Vrfy | Verb::Expn),
            Self::Unknown => matches!(verb, Verb::Mail | Verb::Rcpt),
            _ => verb == Verb::Mail,
        }
    }

    fn of(keyword: &[u8]) -> Self {
        let (name, kind): (&[u8], Self) = match keyword.len() {
            2 => (b"BY", Self::By),
            3 => (b"RET", Self::Ret),
            4 => match keyword.first() {
                Some(b'S' | b's') => (b"SIZE", Self::Size),
                Some(b'B' | b'b') => (b"BODY", Self::Body),
                Some(b'A' | b'a') => (b"AUTH", Self::Auth),
                _ => (b"RRVS", Self::Rrvs),
            },
            5 => match keyword.first() {
                Some(b'E' | b'e') => (b"ENVID", Self::EnvId),
                _ => (b"ORCPT", Self::Orcpt),
            },
            6 => (b"NOTIFY", Self::Notify),
            7 => (b"HOLDFOR", Self::HoldFor),
            8 => (b"SMTPUTF8", Self::SmtpUtf8),
            9 => (b"HOLDUNTIL", Self::HoldUntil),
            10 => (b"REQUIRETLS", Self::RequireTls),
            11 => (b"MT-PRIORITY", Self::MtPriority),
            _ => return Self::Unknown,
        };
        if keyword.eq_ignore_ascii_case(name) { kind } else { Self::Unknown }
    }

    fn bit(self) -> u16 {
        1_u16.wrapping_shl(self as u32)
    }
}

impl<'a> Param<'a> {
    /// Which one it is.
    pub fn kind(&self) -> ParamKind {
        match self {
            Self::Size(_) => ParamKind::Size,
            Self::Body(_) => ParamKind::Body,
            Self::SmtpUtf8 => ParamKind::SmtpUtf8,
            Self::Ret(_) => ParamKind::Ret,
            Self::EnvId(_) => ParamKind::EnvId,
            Self::Notify(_) => ParamKind::Notify,
            Self::Orcpt(_) => ParamKind::Orcpt,
            Self::Auth(_) => ParamKind::Auth,
            Self::By(_) => ParamKind::By,
            Self::MtPriority(_) => ParamKind::MtPriority,
            Self::HoldFor(_) => ParamKind::HoldFor,
            Self::HoldUntil(_) => ParamKind::HoldUntil,
            Self::RequireTls => ParamKind::RequireTls,
            Self::Rrvs(_) => ParamKind::Rrvs,
            Self::Unknown { .. } => ParamKind::Unknown,
        }
    }

    /// Reads `keyword ["=" value]`, both already of their octets.
    fn read(kind: ParamKind, keyword: &'a [u8], value: Option<&'a [u8]>) -> Result<Self, Fault> {
        let flag = match kind {
            ParamKind::SmtpUtf8 => Some(Self::SmtpUtf8),
            ParamKind::RequireTls => Some(Self::RequireTls),
            ParamKind::Unknown => Some(Self::Unknown { keyword, value }),
            _ => None,
        };
        if let Some(flag) = flag {
            // RFC 6531 s 3.1, RFC 8689 s 2: no value
            return if value.is_none() || kind == ParamKind::Unknown {
                Ok(flag)
            } else {
                Err(Fault::ParameterValue)
            };
        }
        let value = value.ok_or(Fault::ParameterNoValue)?;
        Self::typed(kind, value).ok_or(Fault::ParameterValue)
    }

    fn typed(kind: ParamKind, value: &'a [u8]) -> Option<Self> {
        Some(match kind {
            ParamKind::Size => Self::Size(size(value)?),
            ParamKind::Body => Self::Body(Body::parse(value)?),
            ParamKind::Ret if value.eq_ignore_ascii_case(b"HDRS") => Self::Ret(Ret::Hdrs),
            ParamKind::Ret if value.eq_ignore_ascii_case(b"FULL") => Self::Ret(Ret::Full),
            // RFC 3461 s 4.4: printable when decoded, or a report would carry its line ends
            ParamKind::EnvId if is_printable_xtext(value) => Self::EnvId(XText::parse(value).ok()?),
            ParamKind::Notify => Self::Notify(Notify::parse(value)?),
            ParamKind::Orcpt => Self::Orcpt(Orcpt::parse(value)?),
            ParamKind::Auth => Self::Auth(Submitter::parse(value)?),
            ParamKind::By => Self::By(By::parse(value)?),
            ParamKind::MtPriority => Self::MtPriority(priority(value)?),
            ParamKind::HoldFor => Self::HoldFor(hold_for(value)?),
            // RFC 4865 s 4: normalized to UTC
            ParamKind::HoldUntil => Self::HoldUntil(DateTime::parse(value).filter(DateTime::is_utc)?),
            ParamKind::Rrvs => Self::Rrvs(Rrvs::parse(value)?),
            _ => return None,
        })
    }

    fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Size(octets) => put(out, format_args!("SIZE={octets}")),
            Self::Body(body) => put(out, format_args!("BODY={}", body.as_str())),
            Self::SmtpUtf8 => out.put_slice(b"SMTPUTF8"),
            Self::Ret(Ret::Full) => out.put_slice(b"RET=FULL"),
            Self::Ret(Ret::Hdrs) => out.put_slice(b"RET=HDRS"),
            Self::EnvId(id) => put_both(out, b"ENVID=", id.as_bytes()),
            Self::Notify(notify) => put(out, format_args!("NOTIFY={notify}")),
            Self::Orcpt(orcpt) => put_both(out, b"ORCPT=", orcpt.as_bytes()),
            Self::Auth(submitter) => put_both(out, b"AUTH=", submitter.as_xtext().as_bytes()),
            Self::By(by) => put(out, format_args!("BY={by}")),
            Self::MtPriority(priority) => put(out, format_args!("MT-PRIORITY={priority}")),
            Self::HoldFor(seconds) => put(out, format_args!("HOLDFOR={seconds}")),
            Self::HoldUntil(time) => put_both(out, b"HOLDUNTIL=", time.as_bytes()),
            Self::RequireTls => out.put_slice(b"REQUIRETLS"),
            Self::Rrvs(rrvs) => {
                put_both(out, b"RRVS=", rrvs.since.as_bytes());
                match rrvs.action {
                    Some(RrvsAction::Continue) => out.put_slice(b";C"),
                    Some(RrvsAction::Reject) => out.put_slice(b";R"),
                    None => {}
                }
            }
            Self::Unknown { keyword, value } => {
                out.put_slice(keyword);
                if let Some(value) = value {
                    put_both(out, b"=", value);
                }
            }
        }
    }
}

fn put(out: &mut BytesMut, text: fmt::Arguments<'_>) {
    // Writing to a buffer that grows cannot fail.
    let _ = fmt::Write::write_fmt(out, text);
}

fn put_both(out: &mut BytesMut, one: &[u8], other: &[u8]) {
    out.put_slice(one);
    out.put_slice(other);
}

impl<'a> Params<&'a [u8]> {
    /// Reads the parameters of a command: `esmtp-param *(SP esmtp-param)`, or nothing at all.
    ///
    /// # Errors
    /// [`Fault`] and the offset in `text` of the parameter that has it.
    pub fn parse(text: &'a [u8], verb: Verb, rules: &Rules) -> Result<(Self, Quirks), (Fault, usize)> {
        let mut tolerated = Quirks::none();
        check(text, Some(verb), rules, &mut tolerated)?;
        Ok((Self(text), tolerated))
    }

    /// Of text that was checked already.
    #[inline]
    pub(crate) const fn from_checked(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Params {
        if self.0.is_empty() { Params(Bytes::new()) } else { Params(slice_of(frame, self.0)) }
    }
}

impl Params {
    /// None yet.
    pub const fn new() -> Self {
        Self(Bytes::new())
    }

    /// Adds one at the end.
    ///
    /// # Errors
    /// [`ParamError`], and nothing is added: a parameter that is there already, or one that would not read the same
    /// from a wire.
    pub fn push(&mut self, param: Param<'_>) -> Result<(), ParamError> {
        let mut text = BytesMut::with_capacity(self.0.len().saturating_add(32));
        for param in self.iter_raw() {
            put_word(&mut text, param);
        }
        let mut word = BytesMut::new();
        param.write(&mut word);
        let one = Params(&word[..]);
        if one.iter_raw().next() != Some(&word[..]) || one.iter().next() != Some(param) {
            return Err(ParamError::Value);
        }
        put_word(&mut text, &word);
        let rules = Rules::default().utf8(Utf8::Accept);
        check(&text, None, &rules, &mut Quirks::none()).map_err(|(fault, _)| match fault {
            Fault::ParameterTwice => ParamError::Twice,
            Fault::ParameterConflict => ParamError::Conflict,
            Fault::TooManyParameters => ParamError::TooMany,
            _ => ParamError::Value,
        })?;
        self.0 = text.freeze();
        Ok(())
    }

    /// The same as [`push`](Self::push), for a chain.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn with(mut self, param: Param<'_>) -> Result<Self, ParamError> {
        self.push(param)?;
        Ok(self)
    }
}

fn put_word(text: &mut BytesMut, word: &[u8]) {
    if !text.is_empty() {
        text.put_u8(b' ');
    }
    text.put_slice(word);
}

/// An accessor for each kind.
macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident $kind:ident -> $type:ty;)*) => {
        $($(#[$doc])*
        pub fn $name(&self) -> Option<$type> {
            match self.get(ParamKind::$kind)? {
                Param::$kind(value) => Some(value),
                _ => None,
            }
        })*
    };
}

impl<B: AsRef<[u8]>> Params<B> {
    /// The text as it was sent.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// In the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        self.iter_raw().filter_map(|word| {
            let (keyword, value) = split(word);
            Param::read(ParamKind::of(keyword), keyword, value).ok()
        })
    }

    /// The first of that kind.
    pub fn get(&self, kind: ParamKind) -> Option<Param<'_>> {
        self.iter_raw().find_map(|word| {
            let (keyword, value) = split(word);
            if ParamKind::of(keyword) == kind { Param::read(kind, keyword, value).ok() } else { None }
        })
    }

    /// Whether there is one of that kind.
    pub fn has(&self, kind: ParamKind) -> bool {
        self.iter_raw().any(|word| ParamKind::of(split(word).0) == kind)
    }

    accessors! {
        /// SIZE, in octets; `u64::MAX` for what a `u64` cannot hold.
        size Size -> u64;
        /// BODY.
        body Body -> Body;
        /// RET.
        ret Ret -> Ret;
        /// ENVID.
        envid EnvId -> XText<&[u8]>;
        /// NOTIFY.
        notify Notify -> Notify;
        /// ORCPT.
        orcpt Orcpt -> Orcpt<'_>;
        /// AUTH.
        auth Auth -> Submitter<'_>;
        /// BY.
        by By -> By;
        /// MT-PRIORITY.
        mt_priority MtPriority -> i8;
        /// HOLDFOR, in seconds.
        hold_for HoldFor -> u32;
        /// HOLDUNTIL.
        hold_until HoldUntil -> DateTime<'_>;
        /// RRVS.
        rrvs Rrvs -> Rrvs<'_>;
    }

    /// Whether SMTPUTF8 was said.
    pub fn smtputf8(&self) -> bool {
        self.has(ParamKind::SmtpUtf8)
    }

    /// Whether REQUIRETLS was said.
    pub fn require_tls(&self) -> bool {
        self.has(ParamKind::RequireTls)
    }

    /// Keyword and value of those that are not known here: a server answers 555 (RFC 5321 s 4.1.1.11).
    pub fn unknown(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.iter_raw().map(split).filter(|(keyword, _)| ParamKind::of(keyword) == ParamKind::Unknown)
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Params {
        Params(Bytes::copy_from_slice(self.as_bytes()))
    }

    /// Writes each with a space before it.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        for word in self.iter_raw() {
            put_both(out, b" ", word);
        }
    }

    /// The words between the spaces (of which a quirk lets there be more than one).
    fn iter_raw(&self) -> impl Iterator<Item = &[u8]> {
        self.as_bytes().split(|octet| *octet == b' ').filter(|word| !word.is_empty())
    }
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<Params<C>> for Params<B> {
    fn eq(&self, other: &Params<C>) -> bool {
        self.iter_raw().eq(other.iter_raw())
    }
}

impl<B: AsRef<[u8]>> Eq for Params<B> {}

impl<B: AsRef<[u8]>> hash::Hash for Params<B> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        for word in self.iter_raw() {
            word.hash(state);
        }
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Params<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.as_bytes()))
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Params<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({:?})", printable(self.as_bytes()))
    }
}

fn split(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'=', word).and_then(|at| word.split_at_checked(at)) {
        Some((keyword, value)) => (keyword, value.get(1..)),
        None => (word, None),
    }
}

/// Every word: its octets, its keyword, whether it belongs here, its value, and that no other has its keyword.
fn check(
    text: &[u8],
    verb: Option<Verb>,
    rules: &Rules,
    tolerated: &mut Quirks,
) -> Result<(), (Fault, usize)> {
    if text.is_empty() {
        return Ok(());
    }
    let mut seen: u16 = 0;
    let mut unknown: usize = 0;
    let mut at: usize = 0;
    for word in text.split(|octet| *octet == b' ') {
        let start = at;
        at = at.saturating_add(word.len()).saturating_add(1);
        if word.is_empty() {
            // A space too many, but never at the end: that is TRAILING_SPACE.
            if rules.quirks.contains(Quirks::DOUBLED_SPACE) && at < text.len().saturating_add(1) {
                *tolerated = tolerated.with(Quirks::DOUBLED_SPACE);
                continue;
            }
            return Err((Fault::Space, start));
        }
        let (keyword, value) = split(word);
        if !is_keyword(keyword) {
            return Err((Fault::Parameter, start));
        }
        if let Some(value) = value {
            check_value(value, rules).map_err(|fault| (fault, start))?;
        }
        let kind = ParamKind::of(keyword);
        if verb.is_some_and(|verb| !kind.belongs_to(verb)) {
            return Err((Fault::ParameterElsewhere, start));
        }
        Param::read(kind, keyword, value).map_err(|fault| (fault, start))?;
        if kind == ParamKind::Unknown {
            unknown = unknown.saturating_add(1);
            if unknown > UNKNOWN_MAX {
                return Err((Fault::TooManyParameters, start));
            }
            let before = Params(text.get(..start).unwrap_or_default());
            if before.unknown().any(|(other, _)| other.eq_ignore_ascii_case(keyword)) {
                return Err((Fault::ParameterTwice, start));
            }
            continue;
        }
        // RFC 3461 s 4.5, RFC 1870 s 6, …: each at most once
        if seen & kind.bit() != 0 {
            return Err((Fault::ParameterTwice, start));
        }
        seen |= kind.bit();
        let hold = ParamKind::HoldFor.bit() | ParamKind::HoldUntil.bit();
        if seen & hold == hold {
            return Err((Fault::ParameterConflict, start));
        }
    }
    Ok(())
}

/// `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`
fn is_keyword(keyword: &[u8]) -> bool {
    keyword.first().is_some_and(u8::is_ascii_alphanumeric)
        && keyword.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
}

/// `esmtp-value = 1*(%d33-60 / %d62-126)`, and UTF-8 under SMTPUTF8 (RFC 6531 s 3.3)
fn check_value(value: &[u8], rules: &Rules) -> Result<(), Fault> {
    if value.is_empty() {
        return Err(Fault::Parameter);
    }
    let mut high = false;
    for octet in value {
        match octet {
            b'=' => return Err(Fault::Parameter),
            33..=126 => {}
            0x80.. if rules.utf8 == Utf8::Accept => high = true,
            _ => return Err(Fault::Parameter),
        }
    }
    if high && std::str::from_utf8(value).is_err() { Err(Fault::Utf8) } else { Ok(()) }
}
