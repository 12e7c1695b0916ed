use bytes::{Buf, Bytes, BytesMut};

use crate::grammar::string::LiteralForm;
use crate::writer::Side;

/// Cuts whole commands or responses, small literals included, off a buffer without a copy.
///
/// Only CRLF ends a line, and only an announcement at the end of a line, outside of quotes and of text for people, begins a
/// literal (RFC 9051 s 4.3, 7.1): `A1 NO quota exceeded by {100}` is a line. Octets are looked at once (a line that ends in `}`
/// twice), however they come. What is refused is not gathered, and never read as a command.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_imap_core::{Cut, FrameLimits, Framer};
///
/// let mut framer = Framer::responses(FrameLimits::client());
/// let mut input = BytesMut::from("* 1 FETCH (BODY[TEXT] {4}\r\nA1 \n)\r\nA1 OK done {3}\r\n* 2 EX");
/// let mut next = || match framer.next(&mut input) {
///     Some(Ok(Cut::Frame(frame))) => Some(frame.octets().clone()),
///     _ => None,
/// };
/// assert_eq!(next().unwrap(), "* 1 FETCH (BODY[TEXT] {4}\r\nA1 \n)\r\n");
/// assert_eq!(next().unwrap(), "A1 OK done {3}\r\n");
/// assert_eq!(next(), None); // "* 2 EX" waits for its CRLF
/// ```
#[derive(Debug)]
pub struct Framer {
    /// Who wrote what is read.
    by: Side,
    limits: FrameLimits,
    state: State,
    /// Where the line begins in the input: behind the last literal.
    line_start: usize,
    /// Up to where there is no LF in it.
    scanned: usize,
    /// Octets of the frame's lines before this one.
    lines: usize,
    /// The frame before its last streamed literal.
    head: BytesMut,
    /// Where in the head literals were streamed.
    streamed: Vec<usize>,
    /// What the next line is.
    next_line: Context,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Line,
    /// A command's literal, whose fate is not decided yet.
    Announced(Announcement),
    /// A small literal, up to there in the input.
    Gathering {
        end: usize,
    },
    Streaming {
        left: u64,
    },
    /// The rest of what was refused.
    Skipping {
        context: Context,
        quotes: Quotes,
    },
    /// A literal of what was refused.
    Swallowing {
        left: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    /// Literals and quoted strings may be.
    Data,
    /// Up to the end of the line, whatever it is.
    Text,
}

/// How much is gathered of what a peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "configuration, made with `..`")]
pub struct FrameLimits {
    /// Octets of a command's or response's lines at most, line ends included and literals not.
    pub line: usize,
    /// Octets of a literal that is gathered into its frame; what is longer is streamed.
    pub literal: usize,
    /// Octets of a frame at most, lines and gathered literals together.
    pub frame: usize,
    /// Octets of a streamed literal at most.
    pub streamed: u64,
}

impl FrameLimits {
    /// For a server: lines of 8 KiB (RFC 7162 s 4; RFC 2683 s 3.2.1.5 asks for 8,000 octets), literals of 4 KiB (as many as
    /// LITERAL- allows, RFC 7888 s 5), 64 KiB of them together, messages of 64 MiB.
    pub const fn server() -> Self {
        Self { line: 8192, literal: 4096, frame: 65_536, streamed: 67_108_864 }
    }

    /// For a client: lines of 8 MiB (`* SEARCH` with a million UIDs is one line), literals of 64 KiB, 16 MiB of all together,
    /// streamed literals of any size, as they cost no memory.
    pub const fn client() -> Self {
        Self { line: 8_388_608, literal: 65_536, frame: 16_777_216, streamed: i64::MAX as u64 }
    }
}

/// A whole command or response, CRLF included, with its small literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    octets: Bytes,
    streamed: Vec<usize>,
}

impl Frame {
    /// The octets as they came, without those of streamed literals.
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// Where in them literals were streamed: the offsets at which their octets would begin.
    pub fn streamed(&self) -> &[usize] {
        &self.streamed
    }
}

/// What [`Framer::next`] cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// All of a command or response.
    Frame(Frame),
    /// A command's literal follows: it is for the server to [gather](Framer::gather) it, to [stream](Framer::stream) it or to
    /// [refuse](Framer::refuse) it, and to say `+` to a synchronizing one. The frame so far is [`Framer::head`].
    Announced(Announcement),
    /// A response's literal is handed over in pieces. The frame so far is [`Framer::head`].
    Begin(Announcement),
    /// A piece of it.
    Data(Bytes),
    /// There are no more pieces; the rest of the frame follows, or another literal.
    DataEnd,
}

/// `{n}` and what may stand with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announcement {
    /// How it is announced.
    pub form: LiteralForm,
    /// How many octets.
    pub size: u64,
}

/// Something was refused, is not gathered, and is thrown away as it comes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub fault: FrameFault,
    /// How the frame begins, with its tag: 64 octets at most.
    pub start: Bytes,
}

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// Its lines are too long.
    #[error("lines of more than {limit} octets")]
    LineTooLong {
        /// The limit they broke.
        limit: usize,
    },
    /// A literal is too long even to be streamed.
    #[error("literal of {size} octets, which are more than {limit}")]
    LiteralTooLong {
        /// What was announced; the greatest number there is for what does not fit.
        size: u64,
        /// The limit.
        limit: u64,
    },
}

/// Octets of [`Refused::start`] at most.
const START: usize = 64;
/// `~{18446744073709551615+}` and leading zeros: what is longer announces nothing.
const ANNOUNCEMENT_MAX: usize = 64;

impl Framer {
    /// Of commands, for a server.
    pub fn commands(limits: FrameLimits) -> Self {
        Self::new(Side::Client, limits)
    }

    /// Of responses, for a client.
    pub fn responses(limits: FrameLimits) -> Self {
        Self::new(Side::Server, limits)
    }

    fn new(by: Side, limits: FrameLimits) -> Self {
        Self {
            by,
            limits,
            state: State::Line,
            line_start: 0,
            scanned: 0,
            lines: 0,
            head: BytesMut::new(),
            streamed: Vec::new(),
            next_line: Context::Data,
        }
    }

    /// Changes the limits, from the next octet on: a server's are greater behind a login.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    /// The next frame is one line, whatever it ends in: a SASL answer, `DONE`.
    pub fn expect_line(&mut self) {
        self.next_line = Context::Text;
    }

    /// Whether a part of a frame has come, or the rest of a refused one is awaited.
    pub fn is_inside_frame(&self, input: &BytesMut) -> bool {
        !input.is_empty() || !self.head.is_empty() || self.state != State::Line
    }

    /// The next piece; `None` until more has come.
    ///
    /// # Errors
    /// [`Refused`], once for each refused frame.
    #[inline]
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Result<Cut, Refused>> {
        loop {
            let step = match self.state {
                State::Line => self.line(input)?,
                State::Announced(_) => return None, // the server decides first
                State::Gathering { end } => {
                    if input.len() < end {
                        return None;
                    }
                    self.begin_line(end);
                    None
                }
                State::Streaming { left } => self.stream_on(left, input)?,
                State::Skipping { context, quotes } => {
                    self.skip(context, quotes, input)?;
                    None
                }
                State::Swallowing { left } => {
                    let left = left.saturating_sub(pass(left, input));
                    if left > 0 {
                        self.state = State::Swallowing { left };
                        return None;
                    }
                    self.state = State::Skipping { context: Context::Data, quotes: Quotes::default() };
                    None
                }
            };
            if step.is_some() {
                return step;
            }
        }
    }

    /// The frame so far, with the announcement at its end, behind [`Cut::Announced`] and [`Cut::Begin`].
    pub fn head<'h>(&'h self, input: &'h BytesMut) -> &'h [u8] {
        match self.state {
            State::Announced(_) if self.head.is_empty() => input.get(..self.line_start).unwrap_or_default(),
            _ => &self.head,
        }
    }

    /// Whether a literal of that size is small enough to be gathered.
    pub fn may_gather(&self, size: u64) -> bool {
        let room = self.limits.frame.saturating_sub(self.line_start.saturating_add(self.head.len()));
        usize::try_from(size).is_ok_and(|size| size <= self.limits.literal.min(room))
    }

    /// The announced literal becomes a part of its frame; one that is too long for that is refused.
    ///
    /// # Errors
    /// [`FrameFault::LiteralTooLong`].
    pub fn gather(&mut self, input: &mut BytesMut) -> Result<(), FrameFault> {
        let State::Announced(announcement) = self.state else { return Ok(()) };
        if !self.may_gather(announcement.size) {
            self.refuse(input);
            let limit = u64::try_from(self.limits.literal).unwrap_or(u64::MAX);
            return Err(FrameFault::LiteralTooLong { size: announcement.size, limit });
        }
        self.state = State::Gathering { end: self.line_start.saturating_add(size_of(announcement)) };
        Ok(())
    }

    /// The announced literal is handed over in pieces; one that is too long even for that is refused.
    ///
    /// # Errors
    /// [`FrameFault::LiteralTooLong`].
    pub fn stream(&mut self, input: &mut BytesMut) -> Result<(), FrameFault> {
        let State::Announced(announcement) = self.state else { return Ok(()) };
        if announcement.size > self.limits.streamed {
            self.refuse(input);
            return Err(FrameFault::LiteralTooLong { size: announcement.size, limit: self.limits.streamed });
        }
        self.begin_stream(announcement, input);
        Ok(())
    }

    /// The announced literal is not wanted, and with it its command: what is next is a new command, behind the octets of a
    /// literal that did not wait (RFC 7888 s 4).
    pub fn refuse(&mut self, input: &mut BytesMut) {
        let State::Announced(announcement) = self.state else { return };
        input.advance(self.line_start.min(input.len()));
        self.drop_frame();
        // RFC 9051 s 4.3: the client sends the octets of a synchronizing literal only behind a "+".
        if !announcement.form.is_synchronizing() {
            self.state = State::Swallowing { left: announcement.size };
        }
    }

    /// Looks for the end of the line; then the frame is whole, or a literal follows.
    #[inline]
    fn line(&mut self, input: &mut BytesMut) -> Option<Option<Result<Cut, Refused>>> {
        let Some(feed) = memchr::memchr(b'\n', input.get(self.scanned..).unwrap_or_default()) else {
            self.scanned = input.len();
            return self.is_too_long(input.len()).then(|| Some(Err(self.too_long(input))));
        };
        let feed = self.scanned.saturating_add(feed);
        let end = feed.saturating_add(1);
        self.scanned = end;
        if self.exceeds_line(end) {
            return Some(Some(Err(self.too_long(input))));
        }
        let Some([line @ .., b'\r']) = input.get(self.line_start..feed) else {
            return Some(None); // a bare LF ends nothing; the parser will not like it
        };
        if line.last() == Some(&b'}')
            && self.context(input) == Context::Data
            && let Some((at, announcement)) = announcement(line)
            && !Quotes::default().over(line.get(..at).unwrap_or_default()).inside()
        {
            return Some(self.announced(announcement, end, input));
        }
        Some(Some(Ok(Cut::Frame(self.whole(end, input)))))
    }

    #[inline]
    fn whole(&mut self, end: usize, input: &mut BytesMut) -> Frame {
        let tail = input.split_to(end);
        self.line_start = 0;
        self.scanned = 0;
        self.lines = 0;
        self.next_line = Context::Data;
        if self.head.is_empty() {
            return Frame { octets: tail.freeze(), streamed: Vec::new() };
        }
        let mut octets = std::mem::take(&mut self.head);
        octets.extend_from_slice(&tail);
        Frame { octets: octets.freeze(), streamed: std::mem::take(&mut self.streamed) }
    }

    fn announced(
        &mut self,
        announcement: Announcement,
        end: usize,
        input: &mut BytesMut,
    ) -> Option<Result<Cut, Refused>> {
        self.lines = self.lines.saturating_add(end.saturating_sub(self.line_start));
        self.line_start = end;
        self.state = State::Announced(announcement);
        if self.by == Side::Client {
            // Behind a streamed literal the head has begun already: it goes on there.
            if !self.head.is_empty() {
                let piece = input.split_to(end.min(input.len()));
                self.head.extend_from_slice(&piece);
                self.line_start = 0;
            }
            return Some(Ok(Cut::Announced(announcement)));
        }
        if self.may_gather(announcement.size) {
            self.state = State::Gathering { end: end.saturating_add(size_of(announcement)) };
            return None;
        }
        if announcement.size > self.limits.streamed {
            let start = self.start(end, input);
            input.advance(end.min(input.len()));
            self.drop_frame();
            self.state = State::Swallowing { left: announcement.size };
            let fault = FrameFault::LiteralTooLong { size: announcement.size, limit: self.limits.streamed };
            return Some(Err(Refused { fault, start }));
        }
        self.begin_stream(announcement, input);
        Some(Ok(Cut::Begin(announcement)))
    }

    fn begin_stream(&mut self, announcement: Announcement, input: &mut BytesMut) {
        let piece = input.split_to(self.line_start.min(input.len()));
        if self.head.is_empty() {
            self.head = piece;
        } else {
            self.head.extend_from_slice(&piece);
        }
        self.streamed.push(self.head.len());
        self.state = State::Streaming { left: announcement.size };
    }

    fn stream_on(&mut self, left: u64, input: &mut BytesMut) -> Option<Option<Result<Cut, Refused>>> {
        if left == 0 {
            self.begin_line(0);
            return Some(Some(Ok(Cut::DataEnd)));
        }
        if input.is_empty() {
            return None;
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let piece = input.split_to(count).freeze();
        self.state = State::Streaming { left: left.saturating_sub(u64::try_from(count).unwrap_or(left)) };
        Some(Some(Ok(Cut::Data(piece))))
    }

    /// The rest of the frame's line begins there.
    fn begin_line(&mut self, start: usize) {
        self.state = State::Line;
        self.line_start = start;
        self.scanned = start;
    }

    /// Whether text for people stands on the present line, in which `{5}` is no literal.
    fn context(&self, input: &BytesMut) -> Context {
        if self.next_line == Context::Text {
            return Context::Text;
        }
        let first = self.head.is_empty() && self.line_start == 0;
        match self.by {
            Side::Server if first && is_text_response(input) => Context::Text,
            _ => Context::Data,
        }
    }

    fn is_too_long(&self, end: usize) -> bool {
        self.lines.saturating_add(end.saturating_sub(self.line_start)) >= self.limits.line
    }

    fn exceeds_line(&self, end: usize) -> bool {
        self.lines.saturating_add(end.saturating_sub(self.line_start)) > self.limits.line
    }

    #[cold]
    fn too_long(&mut self, input: &mut BytesMut) -> Refused {
        let (context, start) = (self.context(input), self.start(self.limits.line, input));
        input.advance(self.line_start.min(input.len()));
        self.drop_frame();
        self.state = State::Skipping { context, quotes: Quotes::default() };
        Refused { fault: FrameFault::LineTooLong { limit: self.limits.line }, start }
    }

    /// How the frame begins, of which there are at least `there` octets.
    fn start(&self, there: usize, input: &BytesMut) -> Bytes {
        let (start, there) = match self.head.len() {
            0 => (input, there),
            there => (&self.head, there),
        };
        Bytes::copy_from_slice(start.get(..START.min(there)).unwrap_or(start))
    }

    fn drop_frame(&mut self) {
        self.head = BytesMut::new();
        self.streamed = Vec::new();
        self.lines = 0;
        self.next_line = Context::Data;
        self.begin_line(0);
    }

    /// Throws the rest of a refused frame away, as far as it has come, its literals included.
    fn skip(&mut self, context: Context, quotes: Quotes, input: &mut BytesMut) -> Option<()> {
        let mut from = self.scanned;
        let (line, end) = loop {
            let Some(feed) = memchr::memchr(b'\n', input.get(from..).unwrap_or_default()) else {
                // What may be an announcement stays.
                let keep = input.len().min(ANNOUNCEMENT_MAX);
                let gone = input.len().saturating_sub(keep);
                let quotes = quotes.over(input.get(..gone).unwrap_or_default());
                input.advance(gone);
                self.scanned = keep;
                self.state = State::Skipping { context, quotes };
                return None;
            };
            let feed = from.saturating_add(feed);
            from = feed.saturating_add(1);
            if let Some([line @ .., b'\r']) = input.get(..feed) {
                break (line, from);
            }
        };
        let announced = announcement(line).filter(|(at, _)| {
            context == Context::Data && !quotes.over(line.get(..*at).unwrap_or_default()).inside()
        });
        input.advance(end.min(input.len()));
        self.begin_line(0);
        match announced {
            // The command was refused: its client knows, or will, and does not send what it would have to wait for.
            Some((_, announcement)) if self.by == Side::Client && announcement.form.is_synchronizing() => {}
            Some((_, announcement)) => self.state = State::Swallowing { left: announcement.size },
            None => {}
        }
        Some(())
    }
}

fn size_of(announcement: Announcement) -> usize {
    usize::try_from(announcement.size).unwrap_or(usize::MAX)
}

/// Throws octets away, at most `left`; how many.
fn pass(left: u64, input: &mut BytesMut) -> u64 {
    let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    input.advance(count);
    u64::try_from(count).unwrap_or(left)
}

/// Whether a response has text for people behind its first words: a tagged one, `+`, and untagged OK, NO, BAD, BYE and PREAUTH.
fn is_text_response(octets: &[u8]) -> bool {
    let Some(rest) = octets.strip_prefix(b"* ") else { return true };
    let word = rest.split(|octet| !octet.is_ascii_alphabetic()).next().unwrap_or_default();
    [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|status| word.eq_ignore_ascii_case(status))
}

/// `["~"] "{" number64 ["+"] "}"` at the end of a line, and where it begins.
fn announcement(line: &[u8]) -> Option<(usize, Announcement)> {
    let inside = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', inside.get(inside.len().saturating_sub(ANNOUNCEMENT_MAX)..)?)?;
    let open = open.saturating_add(inside.len().saturating_sub(ANNOUNCEMENT_MAX));
    let number = inside.get(open.saturating_add(1)..)?;
    let (digits, runs_ahead) = match number.strip_suffix(b"+") {
        Some(digits) => (digits, true),
        None => (number, false),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // A size that does not fit is greater than any limit.
    let size = digits.iter().fold(0_u64, |size, digit| {
        size.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')))
    });
    let before = open.checked_sub(1).filter(|before| line.get(*before) == Some(&b'~'));
    let form = match (before.is_some(), runs_ahead) {
        (false, false) => LiteralForm::Synchronizing,
        (false, true) => LiteralForm::NonSynchronizing,
        (true, false) => LiteralForm::Literal8,
        (true, true) => LiteralForm::Literal8NonSynchronizing,
    };
    Some((before.unwrap_or(open), Announcement { form, size }))
}

/// Whether the end of what was looked at is inside a quoted string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quotes {
    #[default]
    Outside,
    Inside,
    /// Behind a backslash.
    Escaped,
}

impl Quotes {
    fn inside(self) -> bool {
        self != Self::Outside
    }

    fn over(mut self, octets: &[u8]) -> Self {
        let mut rest = octets;
        if self == Self::Escaped {
            let Some((_, behind)) = rest.split_first() else { return self };
            (self, rest) = (Self::Inside, behind);
        }
        while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
            let (octet, behind) = match rest.get(at..).and_then(<[u8]>::split_first) {
                Some((octet, behind)) => (*octet, behind),
                None => break,
            };
            rest = behind;
            match (self, octet) {
                (Self::Outside, b'"') => self = Self::Inside,
                (Self::Inside, b'"') => self = Self::Outside,
                (Self::Inside, _) => match rest.split_first() {
                    Some((_, behind)) => rest = behind,
                    None => return Self::Escaped,
                },
                _ => {} // a backslash in a flag
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;
