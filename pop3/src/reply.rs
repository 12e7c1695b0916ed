use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::text::{number, printable, slice_of, word};
use crate::{MessageNumber, Text, UniqueId};

/// Octets of a reply's first line, CRLF included (RFC 2449 s 4).
pub(crate) const REPLY_LINE: usize = 512;

/// `+OK` or `-ERR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 1939 s 3: "There are currently two status indicators"
pub enum Status {
    /// `+OK`.
    Ok,
    /// `-ERR`.
    Err,
}

/// The first line of a reply (RFC 1939 s 3, RFC 2449 s 3), kept as it came.
///
/// ```
/// use mail46_pop3::{Reply, ResponseCode, Status};
/// let reply = Reply::parse(b"-ERR [SYS/TEMP/disk] later").expect("a reply");
/// assert_eq!((reply.status(), reply.code()), (Status::Err, Some(ResponseCode::SysTemp)));
/// assert_eq!(reply.text(), b"later");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reply<B = Bytes> {
    status: Status,
    /// What follows the status indicator, its space included.
    rest: B,
}

/// What a line says in brackets (RFC 2449 s 8, RFC 3206, RFC 6856 s 5). Levels behind the known ones are ignored, as RFC 2449
/// s 8 wants; [`Reply::code_text`] has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseCode<'a> {
    /// `IN-USE`: the maildrop is locked.
    InUse,
    /// `LOGIN-DELAY`: too soon after the last log-in.
    LoginDelay,
    /// `SYS/TEMP`: a system error that may pass.
    SysTemp,
    /// `SYS/PERM`: a system error that will not.
    SysPerm,
    /// `SYS` with another second level, or none.
    Sys,
    /// `AUTH`: the credentials.
    Auth,
    /// `UTF8`: the message needs UTF-8 mode.
    Utf8,
    /// Another one.
    Other(&'a [u8]),
}

impl ResponseCode<'_> {
    /// As it is written between the brackets.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::InUse => b"IN-USE",
            Self::LoginDelay => b"LOGIN-DELAY",
            Self::SysTemp => b"SYS/TEMP",
            Self::SysPerm => b"SYS/PERM",
            Self::Sys => b"SYS",
            Self::Auth => b"AUTH",
            Self::Utf8 => b"UTF8",
            Self::Other(text) => text,
        }
    }
}

impl<'a> Reply<&'a [u8]> {
    /// `status [SP text]`. RFC 1939 s 3: servers "MUST send the +OK and -ERR in upper case".
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (status, rest) = match (line.strip_prefix(b"+OK"), line.strip_prefix(b"-ERR")) {
            (Some(rest), _) => (Status::Ok, rest),
            (_, Some(rest)) => (Status::Err, rest),
            _ => return None,
        };
        let line = !rest.iter().any(|octet| b"\r\n\0".contains(octet));
        (line && (rest.is_empty() || rest.starts_with(b" "))).then_some(Self { status, rest })
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Reply {
        Reply { status: self.status, rest: slice_of(frame, self.rest) }
    }
}

impl Reply {
    /// A reply in our own words: what cannot stand on a line becomes a space, what is over RFC 2449 s 4's 512 octets is cut off.
    pub fn new(status: Status, code: Option<ResponseCode<'_>>, text: &str) -> Self {
        let mut rest = Vec::with_capacity(text.len().saturating_add(16));
        if let Some(code) = code {
            rest.extend_from_slice(b" [");
            // RFC 2449 s 3: resp-level is printable without `]`.
            rest.extend(code.as_bytes().iter().filter(|c| c.is_ascii_graphic() && **c != b']'));
            rest.push(b']');
        }
        if !text.is_empty() {
            // RFC 2449 s 3: what begins with "[" is a response code, and this has none.
            rest.extend_from_slice(if code.is_none() && text.starts_with('[') { b"  " } else { b" " });
            rest.extend(text.bytes().map(|octet| if octet < b' ' || octet == 0x7f { b' ' } else { octet }));
        }
        let room = REPLY_LINE.saturating_sub("-ERR\r\n".len());
        let mut end = rest.len().min(room);
        while end < rest.len() && rest.get(end).is_some_and(|octet| octet & 0xc0 == 0x80) {
            end = end.saturating_sub(1);
        }
        rest.truncate(end);
        Self { status, rest: rest.into() }
    }

    /// `+OK text`.
    pub fn ok(text: &str) -> Self {
        Self::new(Status::Ok, None, text)
    }

    /// `-ERR text`, with a response code if there is one.
    pub fn err(code: Option<ResponseCode<'_>>, text: &str) -> Self {
        Self::new(Status::Err, code, text)
    }
}

impl<B: AsRef<[u8]>> Reply<B> {
    /// Yes or no.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether it is `+OK`.
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// Everything behind the status indicator and its space.
    pub fn line(&self) -> &[u8] {
        let rest = self.rest.as_ref();
        rest.strip_prefix(b" ").unwrap_or(rest)
    }

    /// What stands in brackets at the start.
    pub fn code_text(&self) -> Option<&[u8]> {
        let inner = self.line().strip_prefix(b"[")?;
        let code = inner.get(..memchr::memchr(b']', inner)?)?;
        let levels = |level: &[u8]| !level.is_empty() && level.iter().all(|c| matches!(c, 0x21..=0x7f));
        code.split(|c| *c == b'/').all(levels).then_some(code)
    }

    /// The response code. RFC 3206 s 4: "Case is not significant at any level".
    pub fn code(&self) -> Option<ResponseCode<'_>> {
        let text = self.code_text()?;
        let mut levels = text.split(|c| *c == b'/');
        let is =
            |level: Option<&[u8]>, name: &[u8]| level.is_some_and(|level| level.eq_ignore_ascii_case(name));
        let first = levels.next();
        Some(if is(first, b"IN-USE") {
            ResponseCode::InUse
        } else if is(first, b"LOGIN-DELAY") {
            ResponseCode::LoginDelay
        } else if is(first, b"AUTH") {
            ResponseCode::Auth
        } else if is(first, b"UTF8") {
            ResponseCode::Utf8
        } else if is(first, b"SYS") {
            let second = levels.next();
            if is(second, b"TEMP") {
                ResponseCode::SysTemp
            } else if is(second, b"PERM") {
                ResponseCode::SysPerm
            } else {
                ResponseCode::Sys
            }
        } else {
            ResponseCode::Other(text)
        })
    }

    /// The text for people: without a response code.
    pub fn text(&self) -> &[u8] {
        let line = self.line();
        match self.code_text() {
            Some(code) => {
                let text = line.get(code.len().saturating_add(2)..).unwrap_or_default();
                text.strip_prefix(b" ").unwrap_or(text)
            }
            None => line,
        }
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Reply {
        Reply { status: self.status, rest: Bytes::copy_from_slice(self.rest.as_ref()) }
    }

    /// Writes it with its CRLF.
    pub fn write(&self, output: &mut BytesMut) {
        output.put_slice(match self.status {
            Status::Ok => b"+OK",
            Status::Err => b"-ERR",
        });
        output.put_slice(self.rest.as_ref());
        output.put_slice(b"\r\n");
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Reply<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_ok() { "+OK" } else { "-ERR" })?;
        f.write_str(&printable(self.rest.as_ref()))
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Reply<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", self.to_string())
    }
}

/// A drop listing: what STAT says behind `+OK ` (RFC 1939 s 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // RFC 1939 s 5
pub struct DropListing {
    /// Messages that are not marked as deleted.
    pub messages: u32,
    /// Their octets together.
    pub octets: u64,
}

impl DropListing {
    /// `nn SP mm`, and behind another space whatever a server adds.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (messages, rest) = word(text);
        let (octets, _) = word(rest?);
        Some(Self { messages: u32::try_from(number(messages)?).ok()?, octets: number(octets)? })
    }
}

impl fmt::Display for DropListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.messages, self.octets)
    }
}

/// A scan listing: a line of LIST, or what `LIST msg` says behind `+OK ` (RFC 1939 s 5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // RFC 1939 s 5
pub struct ScanListing<B: AsRef<[u8]> = Bytes> {
    /// Which message.
    pub message: MessageNumber,
    /// Its octets, CRLFs counted and stuffed dots not (RFC 1939 s 11).
    pub octets: u64,
    /// What a server adds behind another space, against the advice of RFC 1939 s 5.
    pub extra: Option<Text<B>>,
}

impl<'a> ScanListing<&'a [u8]> {
    /// `msg SP octets [SP extra]`.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (message, rest) = word(line);
        let (octets, extra) = word(rest?);
        Some(Self {
            message: MessageNumber::parse(message).ok()?,
            octets: number(octets)?,
            extra: extra.map(Text::parse).transpose().ok()?,
        })
    }

    /// The same with its text kept in `frame`.
    pub fn in_frame(&self, frame: &Bytes) -> ScanListing {
        let extra = self.extra.as_ref().map(|extra| extra.in_frame(frame));
        ScanListing { message: self.message, octets: self.octets, extra }
    }
}

impl<B: AsRef<[u8]>> ScanListing<B> {
    /// Writes it with its CRLF.
    pub fn write(&self, output: &mut BytesMut) {
        output.put_slice(format!("{} {}", self.message, self.octets).as_bytes());
        if let Some(extra) = &self.extra {
            output.put_u8(b' ');
            output.put_slice(extra.as_bytes());
        }
        output.put_slice(b"\r\n");
    }
}

/// A unique-id listing: a line of UIDL, or what `UIDL msg` says behind `+OK ` (RFC 1939 s 7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // RFC 1939 s 7
pub struct UidListing<B: AsRef<[u8]> = Bytes> {
    /// Which message.
    pub message: MessageNumber,
    /// What it is called in all sessions.
    pub unique_id: UniqueId<B>,
}

impl<'a> UidListing<&'a [u8]> {
    /// `msg SP unique-id`: "No information follows the unique-id" (RFC 1939 s 7).
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (message, rest) = word(line);
        let unique_id = UniqueId::parse(rest?).ok()?;
        Some(Self { message: MessageNumber::parse(message).ok()?, unique_id })
    }

    /// The same with its text kept in `frame`.
    pub fn in_frame(&self, frame: &Bytes) -> UidListing {
        UidListing { message: self.message, unique_id: self.unique_id.in_frame(frame) }
    }
}

impl<B: AsRef<[u8]>> UidListing<B> {
    /// Writes it with its CRLF.
    pub fn write(&self, output: &mut BytesMut) {
        output.put_slice(self.message.to_string().as_bytes());
        output.put_u8(b' ');
        output.put_slice(self.unique_id.as_bytes());
        output.put_slice(b"\r\n");
    }
}
