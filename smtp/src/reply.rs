use std::{borrow::Cow, fmt};

use bytes::{BufMut, Bytes, BytesMut};
use mail46_wire::scan::{control, line_feed};

use crate::text::printable;

/// A whole reply, of one line or many, kept octet by octet as it was sent.
///
/// ```
/// use mail46_smtp::{EnhancedCode, Reply};
///
/// let reply = Reply::parse(b"550-5.7.509 Access denied,\r\n550 5.7.509 see the policy\r\n")?;
/// assert_eq!(reply.code().value(), 550);
/// assert_eq!(reply.enhanced(), Some(EnhancedCode::new(5, 7, 509)));
/// let lines: Vec<&[u8]> = reply.lines().collect();
/// assert_eq!(lines, [&b"Access denied,"[..], b"see the policy"]);
///
/// let reply = Reply::new(250, EnhancedCode::new(2, 1, 0), "Ok");
/// assert_eq!(reply.as_bytes(), b"250 2.1.0 Ok\r\n");
/// # Ok::<(), mail46_smtp::ReplyError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Reply<B = Bytes> {
    /// Every line, CRLFs included.
    frame: B,
    code: ReplyCode,
    enhanced: Option<EnhancedCode>,
}

/// The three digits of a reply (RFC 5321 s 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyCode(u16);

/// What the first digit of a reply says (RFC 5321 s 4.2.1): all that a client may decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the RFC has four
pub enum Severity {
    /// 2yz: done.
    PositiveCompletion,
    /// 3yz: go on.
    PositiveIntermediate,
    /// 4yz: not now.
    TransientNegative,
    /// 5yz: no.
    PermanentNegative,
}

/// An enhanced status code (RFC 3463): `5.7.509`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

/// Why octets are no reply. `at` is an offset in the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A line that does not begin with a code from 200 to 599.
    #[error("no reply code at octet {at}")]
    Code {
        /// Where.
        at: usize,
    },
    /// Neither a space, a hyphen nor the line end behind the code.
    #[error("neither space nor hyphen behind the reply code at octet {at}")]
    Separator {
        /// Where.
        at: usize,
    },
    /// Lines of one reply with different codes (RFC 5321 s 4.2.1: "the reply code on each of the lines MUST be the
    /// same").
    #[error("another code in the same reply at octet {at}")]
    MixedCodes {
        /// Where.
        at: usize,
    },
    /// A CR without its LF, an LF without its CR, or a NUL.
    #[error("bare CR, bare LF or NUL at octet {at}")]
    LineEnd {
        /// Where.
        at: usize,
    },
    /// A line over the limit.
    #[error("reply line of more than {limit} octets")]
    LineTooLong {
        /// The limit, CRLF included.
        limit: usize,
    },
    /// A reply over the limit.
    #[error("reply of more than {limit} octets")]
    TooLong {
        /// The limit, all lines together.
        limit: usize,
    },
    /// The octets end within the reply, or do not end with it.
    #[error("not exactly one reply")]
    NotOne,
}

impl ReplyCode {
    /// A code from 200 to 599.
    ///
    /// RFC 5321 s 4.2 has `%x30-35` for the second digit, but a client decides by the first (s 4.2.1), and servers do
    /// send 571: so any second digit is read.
    pub const fn from_value(value: u16) -> Option<Self> {
        if matches!(value, 200..=599) { Some(Self(value)) } else { None }
    }

    /// As a number.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// What the first digit says.
    pub const fn severity(self) -> Severity {
        match self.0 {
            ..=299 => Severity::PositiveCompletion,
            300..=399 => Severity::PositiveIntermediate,
            400..=499 => Severity::TransientNegative,
            _ => Severity::PermanentNegative,
        }
    }

    /// 2yz or 3yz.
    pub const fn is_positive(self) -> bool {
        self.0 < 400
    }

    /// 2yz.
    pub const fn is_completion(self) -> bool {
        self.0 < 300
    }

    /// 3yz.
    pub const fn is_intermediate(self) -> bool {
        matches!(self.severity(), Severity::PositiveIntermediate)
    }

    /// 4yz.
    pub const fn is_transient(self) -> bool {
        matches!(self.severity(), Severity::TransientNegative)
    }

    /// 5yz.
    pub const fn is_permanent(self) -> bool {
        self.0 >= 500
    }

    fn digits(self) -> [u8; 3] {
        let digit = |value: u16| u8::try_from(value % 10).unwrap_or_default() | b'0';
        [digit(self.0 / 100), digit(self.0 / 10), digit(self.0)]
    }

    fn parse(digits: [u8; 3]) -> Option<Self> {
        let [hundreds @ b'2'..=b'5', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = digits else {
            return None;
        };
        let [hundreds, tens, ones] = [hundreds, tens, ones].map(|digit| u16::from(digit & 15));
        Some(Self(hundreds.wrapping_mul(100).wrapping_add(tens.wrapping_mul(10)).wrapping_add(ones)))
    }
}

impl From<u16> for ReplyCode {
    /// A number that is no reply code is taken for 554: a mistake never says yes.
    fn from(value: u16) -> Self {
        Self::from_value(value).unwrap_or(Self(554))
    }
}

impl PartialEq<u16> for ReplyCode {
    fn eq(&self, other: &u16) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl EnhancedCode {
    /// `class.subject.detail`: the class is 2, 4 or 5 (anything else is taken for 5), the others have three digits at
    /// most (RFC 3463 s 2).
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        const fn three_digits(number: u16) -> u16 {
            if number > 999 { 999 } else { number }
        }
        let class = if matches!(class, 2 | 4) { class } else { 5 };
        Self { class, subject: three_digits(subject), detail: three_digits(detail) }
    }

    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// 1 address, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 security or policy.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// What exactly.
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// Parses a code that is all of `octets`.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let (code, length) = Self::prefix(octets)?;
        (length == octets.len()).then_some(code)
    }

    /// The code that `octets` begin with, and its length; a space or the end stands behind it.
    /// `status-code ::= class "." subject "." detail`, `subject ::= 1*3digit`, `detail ::= 1*3digit` (RFC 2034 s 4)
    fn prefix(octets: &[u8]) -> Option<(Self, usize)> {
        let [class @ (b'2' | b'4' | b'5'), b'.', rest @ ..] = octets else {
            return None;
        };
        let (subject, rest) = three_digits(rest)?;
        let (detail, rest) = three_digits(rest.strip_prefix(b".")?)?;
        if !matches!(rest.first(), None | Some(b' ')) {
            return None;
        }
        let length = octets.len().saturating_sub(rest.len());
        Some((Self { class: class & 15, subject, detail }, length))
    }
}

/// One to three digits, and what stands behind them.
fn three_digits(octets: &[u8]) -> Option<(u16, &[u8])> {
    let mut rest = octets;
    let mut number: u16 = 0;
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        if octets.len().saturating_sub(rest.len()) == 3 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(u16::from(digit & 15));
        rest = behind;
    }
    (rest.len() < octets.len()).then_some((number, rest))
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl fmt::Debug for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnhancedCode({self})")
    }
}

impl Reply {
    /// A reply with that code on each line of `text` (lines are what `\n` divides).
    ///
    /// The class of the enhanced code is made that of the code, as RFC 2034 s 4 wants it, and a 3yz has none. Control
    /// octets in the text become spaces, and a line that would be over 512 octets is cut (RFC 5321 s 4.5.3.1.5): no
    /// text can break the reply.
    pub fn new(code: impl Into<ReplyCode>, enhanced: impl Into<Option<EnhancedCode>>, text: &str) -> Self {
        let code = code.into();
        let class = match code.severity() {
            Severity::PositiveCompletion => Some(2),
            Severity::PositiveIntermediate => None,
            Severity::TransientNegative => Some(4),
            Severity::PermanentNegative => Some(5),
        };
        let enhanced = enhanced.into().zip(class).map(|(enhanced, class)| EnhancedCode { class, ..enhanced });
        let mut frame = BytesMut::with_capacity(text.len().saturating_add(20));
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let last = lines.peek().is_none();
            put_line(&mut frame, code, enhanced, last, line.as_bytes());
        }
        // What a text without an enhanced code begins with may read as one.
        let enhanced = enhanced.or_else(|| first_enhanced(&frame, code));
        Self { frame: frame.freeze(), code, enhanced }
    }
}

impl<B: AsRef<[u8]>> Reply<B> {
    /// Of lines that `put_line` wrote.
    pub(crate) fn from_lines(frame: B, code: ReplyCode) -> Self {
        let enhanced = first_enhanced(frame.as_ref(), code);
        Self { frame, code, enhanced }
    }
}

/// One line of a reply.
pub(crate) fn put_line(
    frame: &mut BytesMut,
    code: ReplyCode,
    enhanced: Option<EnhancedCode>,
    last: bool,
    text: &[u8],
) {
    /// RFC 5321 s 4.5.3.1.5, less the CRLF
    const LINE_MAX: usize = 510;
    let start = frame.len();
    frame.put_slice(&code.digits());
    frame.put_u8(if last { b' ' } else { b'-' });
    if let Some(enhanced) = enhanced {
        let _ = fmt::Write::write_fmt(frame, format_args!("{enhanced} "));
    }
    let text = text.trim_ascii_end();
    if text.is_empty() {
        // Reply-code [ SP textstring ]: no space without a text.
        let kept = frame.len().saturating_sub(if enhanced.is_some() || last { 1 } else { 0 });
        frame.truncate(kept);
    }
    let room = LINE_MAX.saturating_sub(frame.len().saturating_sub(start));
    // Not within a character.
    let length = match std::str::from_utf8(text) {
        Ok(text) => {
            (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
        }
        Err(_) => room.min(text.len()),
    };
    let clean = text.iter().take(length).map(|octet| if octet.is_ascii_control() { b' ' } else { *octet });
    frame.extend(clean);
    frame.put_slice(b"\r\n");
}

impl<'a> Reply<&'a [u8]> {
    /// Parses exactly one reply, CRLFs included.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn parse(frame: &'a [u8]) -> Result<Self, ReplyError> {
        let mut scan = Scan::default();
        match scan.run(frame, usize::MAX, usize::MAX)? {
            Some((code, end)) if end == frame.len() => {
                Ok(Self { frame, code, enhanced: first_enhanced(frame, code) })
            }
            _ => Err(ReplyError::NotOne),
        }
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Reply {
        Reply { frame: crate::text::slice_of(frame, self.frame), code: self.code, enhanced: self.enhanced }
    }
}

impl<B: AsRef<[u8]>> Reply<B> {
    /// The three digits.
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// The enhanced code of the first line, if its class is that of the code (RFC 2034 s 4).
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// What stands on each line behind the code and the enhanced code: octets, for replies may be in UTF-8
    /// (RFC 6531 s 3.7.4) and some are in nothing at all.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.raw_lines().map(|line| {
            let Some(enhanced) = self.enhanced else {
                return line;
            };
            match EnhancedCode::prefix(line) {
                Some((code, length)) if code == enhanced => {
                    line.get(length.saturating_add(1)..).unwrap_or_default()
                }
                _ => line,
            }
        })
    }

    /// What stands on each line behind the code and its separator.
    pub fn raw_lines(&self) -> impl Iterator<Item = &[u8]> {
        let frame = self.as_bytes();
        let mut start: usize = 0;
        std::iter::from_fn(move || {
            let lf = line_feed(frame, start)?;
            let line = frame.get(start.wrapping_add(4)..lf.wrapping_sub(1)).unwrap_or_default();
            start = lf.wrapping_add(1);
            Some(line)
        })
    }

    /// The lines for a person: joined by `\n`, what is not UTF-8 escaped.
    pub fn text(&self) -> Cow<'_, str> {
        let mut lines = self.lines();
        let first = printable(lines.next().unwrap_or_default());
        let mut text = None;
        for line in lines {
            let text = text.get_or_insert_with(|| first.clone().into_owned());
            text.push('\n');
            text.push_str(&printable(line));
        }
        text.map_or(first, Cow::Owned)
    }

    /// Every octet, CRLFs included.
    pub fn as_bytes(&self) -> &[u8] {
        self.frame.as_ref()
    }

    /// 2yz or 3yz.
    pub fn is_positive(&self) -> bool {
        self.code.is_positive()
    }

    /// 4yz.
    pub fn is_transient(&self) -> bool {
        self.code.is_transient()
    }

    /// 5yz.
    pub fn is_permanent(&self) -> bool {
        self.code.is_permanent()
    }

    /// Appends it.
    pub fn write(&self, out: &mut BytesMut) {
        out.put_slice(self.as_bytes());
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Reply {
        Reply { frame: Bytes::copy_from_slice(self.as_bytes()), code: self.code, enhanced: self.enhanced }
    }
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<Reply<C>> for Reply<B> {
    fn eq(&self, other: &Reply<C>) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<B: AsRef<[u8]>> Eq for Reply<B> {}

impl<B: AsRef<[u8]>> fmt::Display for Reply<B> {
    /// Code, enhanced code and text, for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in self.lines() {
            write!(f, " {}", printable(line))?;
        }
        Ok(())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Reply<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", self.as_bytes().escape_ascii().to_string())
    }
}

/// The enhanced code of the first line.
fn first_enhanced(frame: &[u8], code: ReplyCode) -> Option<EnhancedCode> {
    let class = match code.severity() {
        Severity::PositiveIntermediate => return None,
        Severity::PositiveCompletion => b'2',
        Severity::TransientNegative => b'4',
        Severity::PermanentNegative => b'5',
    };
    let rest = frame.get(4..).filter(|rest| rest.first() == Some(&class))?;
    let end = memchr::memchr2(b' ', b'\r', rest)?;
    EnhancedCode::parse(rest.get(..end)?)
}

/// Cuts whole replies off the input, without a copy and in linear time however it is cut.
///
/// After an error the stream cannot be trusted: the same error is told again and again.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_smtp::ReplyReader;
///
/// let mut replies = ReplyReader::new();
/// let mut input = BytesMut::from(&b"250-mx.example.org\r\n250 SIZE\r\n354 Go"[..]);
/// let reply = replies.next(&mut input).expect("a whole one")?;
/// assert_eq!(reply.lines().count(), 2);
/// assert_eq!(replies.next(&mut input), None); // "354 Go" waits for its CRLF
/// # Ok::<(), mail46_smtp::ReplyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReplyReader {
    line_limit: usize,
    limit: usize,
    scan: Scan,
    failed: Option<ReplyError>,
}

impl ReplyReader {
    /// Octets of a line that are read: RFC 5321 s 4.5.3.1.5 has 512, but servers quote long diagnostics.
    pub const LINE_LIMIT: usize = 4096;
    /// Octets of a reply that are read, all its lines together.
    pub const LIMIT: usize = 64 * 1024;

    /// With the limits above.
    pub fn new() -> Self {
        Self::with_limits(Self::LINE_LIMIT, Self::LIMIT)
    }

    /// With limits for a line and for a whole reply, in octets with CRLF. The shortest reply has five: a limit under
    /// that is taken as 5.
    pub fn with_limits(line_limit: usize, limit: usize) -> Self {
        let (line_limit, limit) = (line_limit.max(5), limit.max(5));
        Self { line_limit, limit, scan: Scan::default(), failed: None }
    }

    /// The next whole reply, or `None` until it is there.
    ///
    /// # Errors
    /// [`ReplyError`], as soon as an octet shows it.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Result<Reply, ReplyError>> {
        if let Some(error) = self.failed {
            return Some(Err(error));
        }
        match self.scan.run(input, self.line_limit, self.limit) {
            Ok(None) => None,
            Ok(Some((code, end))) => {
                self.scan = Scan::default();
                let frame = input.split_to(end.min(input.len())).freeze();
                let enhanced = first_enhanced(&frame, code);
                Some(Ok(Reply { frame, code, enhanced }))
            }
            Err(error) => {
                self.failed = Some(error);
                Some(Err(error))
            }
        }
    }

    /// Whether a part of a reply has come.
    pub fn is_inside_reply(&self, input: &BytesMut) -> bool {
        !input.is_empty()
    }
}

impl Default for ReplyReader {
    fn default() -> Self {
        Self::new()
    }
}

/// The code and the end of the reply that the octets begin with, if it is all there and beyond doubt: what has a
/// fault or a limit in it is for [`Scan`] to judge.
fn whole(octets: &[u8], line_limit: usize, limit: usize) -> Option<(ReplyCode, usize)> {
    const HYPHEN: u32 = 0x2d;
    const SPACE: u32 = 0x20;
    let [a, b, c, ..] = *octets.first_chunk::<4>()?;
    let code = ReplyCode::parse([a, b, c])?;
    let first = u32::from_be_bytes([a, b, c, 0]);
    let mut start: usize = 0;
    loop {
        // The digits and the separator at once.
        let word = u32::from_be_bytes(*octets.get(start..)?.first_chunk()?);
        if word & 0xffff_ff00 != first {
            return None;
        }
        let cr = control(octets, start.wrapping_add(3))?;
        let end = cr.wrapping_add(2);
        if octets.get(cr..end)? != b"\r\n" || end.wrapping_sub(start) > line_limit {
            return None;
        }
        match word & 0xff {
            HYPHEN => start = end,
            SPACE => return (end <= limit).then_some((code, end)),
            _ => return None,
        }
    }
}

/// How far the lines of a reply have been read.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    /// Where the present line begins.
    line: usize,
    /// Up to where it holds no line end.
    scanned: usize,
    /// The digits of the first line.
    code: Option<[u8; 3]>,
}

impl Scan {
    /// The code of a whole reply and its end.
    fn run(
        &mut self,
        octets: &[u8],
        line_limit: usize,
        limit: usize,
    ) -> Result<Option<(ReplyCode, usize)>, ReplyError> {
        if self.scanned == 0
            && octets.ends_with(b"\r\n")
            && let Some((code, end)) = whole(octets, line_limit, limit)
        {
            return Ok(Some((code, end)));
        }
        loop {
            // Octets past a limit are never looked at: however the input is cut, the answer is the same.
            let line_end = self.line.saturating_add(line_limit);
            let seen = octets.get(..octets.len().min(line_end).min(limit)).unwrap_or_default();
            let from = self.scanned.max(self.line);
            let rest = seen.get(from..).unwrap_or_default();
            let Some(found) = memchr::memchr3(b'\r', b'\n', 0, rest) else {
                self.scanned = seen.len();
                self.begins_well(seen)?;
                return self.more(octets, line_limit, limit);
            };
            let at = from.saturating_add(found);
            self.scanned = at;
            self.begins_well(seen.get(..at).unwrap_or_default())?;
            match (rest.get(found), seen.get(at.saturating_add(1))) {
                (Some(b'\r'), Some(b'\n')) => {}
                (Some(b'\r'), None) => return self.more(octets, line_limit, limit),
                _ => return Err(ReplyError::LineEnd { at }),
            }
            let line = seen.get(self.line..at).unwrap_or_default();
            let code = line.first_chunk().copied().ok_or(ReplyError::Code { at: self.line })?;
            self.code = Some(code);
            let end = at.saturating_add(2);
            match line.get(3) {
                Some(b'-') => {
                    self.line = end;
                    self.scanned = end;
                }
                _ => {
                    let code = ReplyCode::parse(code).ok_or(ReplyError::Code { at: self.line })?;
                    return Ok(Some((code, end)));
                }
            }
        }
    }

    /// Looks at the first four octets of the present line, as many as there are.
    fn begins_well(&self, octets: &[u8]) -> Result<(), ReplyError> {
        let line = octets.get(self.line..).unwrap_or_default();
        let digits = line.get(..line.len().min(3)).unwrap_or_default();
        for (nth, digit) in digits.iter().enumerate() {
            let at = self.line.saturating_add(nth);
            match (nth, digit) {
                (0, b'2'..=b'5') | (1 | 2, b'0'..=b'9') => {}
                _ => return Err(ReplyError::Code { at: self.line }),
            }
            if self.code.is_some_and(|code| code.get(nth) != Some(digit)) {
                return Err(ReplyError::MixedCodes { at });
            }
        }
        match line.get(3) {
            None | Some(b' ' | b'-') => Ok(()),
            Some(_) => Err(ReplyError::Separator { at: self.line.saturating_add(3) }),
        }
    }

    /// Not yet, unless a limit says never.
    fn more(
        &self,
        octets: &[u8],
        line_limit: usize,
        limit: usize,
    ) -> Result<Option<(ReplyCode, usize)>, ReplyError> {
        let line_end = self.line.saturating_add(line_limit);
        if octets.len() < line_end.min(limit) {
            return Ok(None);
        }
        Err(if line_end <= limit {
            ReplyError::LineTooLong { limit: line_limit }
        } else {
            ReplyError::TooLong { limit }
        })
    }
}
