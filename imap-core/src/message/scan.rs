use bytes::{Bytes, BytesMut};

use super::structure::{Kind, Media, Part, Structure};

/// Parts in each other that are told apart; what is deeper is a leaf.
const DEPTH: usize = 100;
/// Parts of a message that are told apart; what comes behind belongs to the last.
const PARTS: usize = 10_000;
/// Octets of all headers that are kept; fields behind that are not seen, their octets are where they are all the same.
const HEADERS: usize = 4 * 1024 * 1024;
/// Octets of a line that can matter: a boundary has 70 at most (RFC 2046 s 5.1.1), real ones have more.
const LINE: usize = 1024;

/// Finds a message's parts while it streams by. Each octet is looked at once; what is held are headers.
///
/// A line ends at LF, with or without CR: what came so is stored so, and must be told of so.
#[derive(Debug)]
pub struct Scanner {
    parts: Vec<Part>,
    /// Open parts, outermost first.
    open: Vec<Open>,
    /// Octets seen, up to the present line.
    at: u64,
    /// Line ends seen.
    lines: u64,
    /// The present line, as far as it has come and as far as it matters.
    line: BytesMut,
    /// Octets of the present line.
    line_octets: u64,
    header: BytesMut,
    in_header: bool,
    headers_kept: usize,
    /// The line end before the present line, which belongs to a boundary if one follows.
    end_before: u64,
}

#[derive(Debug)]
struct Open {
    part: usize,
    /// `--boundary` of a multipart.
    delimiter: Option<Vec<u8>>,
    /// A multipart's end was seen: what follows up to an outer boundary is no part.
    closed: bool,
    lines_at: u64,
    digest: bool,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// Before the first octet.
    pub fn new() -> Self {
        let mut this = Self {
            parts: Vec::new(),
            open: Vec::new(),
            at: 0,
            lines: 0,
            line: BytesMut::new(),
            line_octets: 0,
            header: BytesMut::new(),
            in_header: false,
            headers_kept: 0,
            end_before: 0,
        };
        this.begin_part();
        this
    }

    /// The next octets.
    pub fn feed(&mut self, mut octets: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', octets) {
            let (line, rest) = octets.split_at_checked(end.saturating_add(1)).unwrap_or((octets, b""));
            octets = rest;
            if self.line_octets == 0 {
                self.whole_line(line, line.len() as u64);
            } else {
                self.hold(line);
                let held = std::mem::take(&mut self.line);
                let octets = std::mem::take(&mut self.line_octets);
                self.whole_line(&held, octets);
            }
        }
        self.hold(octets);
    }

    /// The message is over.
    pub fn finish(mut self) -> Structure {
        if self.line_octets > 0 {
            let held = std::mem::take(&mut self.line);
            let octets = std::mem::take(&mut self.line_octets);
            self.end_of_line_octets(&held, octets);
        }
        if self.in_header {
            self.header_is_whole();
        }
        self.close_to(0, self.at);
        // RFC 9051 s 9: body-type-mpart has at least one part.
        let mut index = 0;
        while let Some(part) = self.parts.get(index) {
            let (depth, at) = (part.depth, part.body_end);
            let next = self.parts.get(index.saturating_add(1)).map_or(0, |part| part.depth);
            if part.kind == Kind::Multipart && next <= depth {
                let media = Media::of(b"", ("text", "plain"));
                let empty = Part {
                    header: Bytes::new(),
                    header_at: at,
                    body_at: at,
                    body_end: at,
                    lines: 0,
                    depth: depth.saturating_add(1),
                    kind: Kind::Leaf,
                    media,
                };
                self.parts.insert(index.saturating_add(1), empty);
            }
            index = index.saturating_add(1);
        }
        Structure { size: self.at, parts: self.parts }
    }

    fn hold(&mut self, octets: &[u8]) {
        let most = if self.in_header { HEADERS.saturating_sub(self.headers_kept) } else { LINE };
        let room = most.saturating_sub(self.line.len()).min(octets.len());
        self.line.extend_from_slice(octets.get(..room).unwrap_or_default());
        self.line_octets = self.line_octets.saturating_add(octets.len() as u64);
    }

    /// A line with its end; `octets` is its true length.
    fn whole_line(&mut self, line: &[u8], octets: u64) {
        self.lines = self.lines.saturating_add(1);
        self.end_of_line_octets(line, octets);
    }

    fn end_of_line_octets(&mut self, line: &[u8], octets: u64) {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let end = (line.len().saturating_sub(text.len())) as u64;
        let line_at = self.at;
        let behind = self.at.saturating_add(octets);
        match self.boundary(text) {
            Some((level, last)) => {
                if self.in_header {
                    self.header_is_whole();
                }
                // RFC 2046 s 5.1.1: the line end before a boundary belongs to it.
                let body_end = line_at.saturating_sub(self.end_before);
                self.close_to(level.saturating_add(1), body_end);
                self.at = behind;
                if let Some(open) = self.open.get_mut(level) {
                    open.closed = last;
                }
                if !last {
                    self.begin_part();
                }
            }
            None => {
                self.at = behind;
                if self.in_header {
                    let room = HEADERS.saturating_sub(self.headers_kept).min(line.len());
                    self.headers_kept = self.headers_kept.saturating_add(room);
                    self.header.extend_from_slice(line.get(..room).unwrap_or_default());
                    if text.is_empty() && octets == end {
                        self.header_is_whole();
                    }
                }
            }
        }
        self.end_before = end;
    }

    /// Which multipart's boundary this is, the innermost first, and whether it is the last one of it.
    fn boundary(&self, text: &[u8]) -> Option<(usize, bool)> {
        if !text.starts_with(b"--") {
            return None;
        }
        self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let behind = text.strip_prefix(open.delimiter.as_deref()?)?;
            let (behind, last) = match behind.strip_prefix(b"--") {
                Some(behind) => (behind, true),
                None => (behind, false),
            };
            // RFC 2046 s 5.1.1: transport padding, and nothing else. A part behind the end is none.
            (behind.iter().all(|octet| matches!(octet, b' ' | b'\t')) && (!open.closed || last))
                .then_some((level, last))
        })
    }

    fn begin_part(&mut self) {
        if self.parts.len() >= PARTS {
            return;
        }
        let part = self.parts.len();
        let media = Media { kind: Vec::new(), subtype: Vec::new(), parameters: Vec::new() };
        self.parts.push(Part {
            header: Bytes::new(),
            header_at: self.at,
            body_at: self.at,
            body_end: self.at,
            lines: 0,
            depth: u16::try_from(self.open.len()).unwrap_or(u16::MAX),
            kind: Kind::Leaf,
            media,
        });
        self.open.push(Open { part, delimiter: None, closed: false, lines_at: 0, digest: false });
        self.header = BytesMut::new();
        self.in_header = true;
    }

    fn header_is_whole(&mut self) {
        self.in_header = false;
        let header = std::mem::take(&mut self.header).freeze();
        let levels = self.open.len();
        // RFC 2046 s 5.1.5: in a digest, parts are messages unless they say otherwise.
        let digest =
            levels.checked_sub(2).and_then(|level| self.open.get(level)).is_some_and(|open| open.digest);
        let default = if digest { ("message", "rfc822") } else { ("text", "plain") };
        let Some(open) = self.open.last_mut() else { return };
        let Some(part) = self.parts.get_mut(open.part) else { return };
        part.media = Media::of(&header, default);
        part.header = header;
        part.body_at = self.at;
        open.lines_at = self.lines;
        if levels >= DEPTH {
            return;
        }
        let media = &part.media;
        if media.is("multipart", "*") {
            match media.parameter("boundary").filter(|boundary| !boundary.is_empty()) {
                Some(boundary) => {
                    part.kind = Kind::Multipart;
                    open.digest = media.is("multipart", "digest");
                    open.delimiter = Some([b"--", boundary.trim_ascii_end()].concat());
                }
                // RFC 9051 s 7.5.2 has no multipart without parts.
                None => part.media = Media::of(b"", ("text", "plain")),
            }
        } else if (media.is("message", "rfc822") || media.is("message", "global"))
            && is_plain(&part.encoding())
        {
            part.kind = Kind::Message;
            self.begin_part();
        }
    }

    /// Closes the open parts from this level on.
    fn close_to(&mut self, level: usize, end: u64) {
        let lines = self.lines;
        for open in self.open.drain(level.min(self.open.len())..).rev() {
            let Some(part) = self.parts.get_mut(open.part) else { continue };
            part.body_end = end.max(part.body_at);
            part.lines = lines.saturating_sub(open.lines_at);
            // The boundary's line, and the line end before it, are not the body's.
            if level > 0 {
                let behind = if part.body_at > end { 1 } else { 2 };
                part.lines = part.lines.saturating_sub(behind);
            }
            if part.media.kind.is_empty() {
                part.media = Media::of(&part.header, ("text", "plain"));
            }
        }
    }
}

/// RFC 2046 s 5.2.1: a message is not encoded; one that is, is no part that can be looked into.
fn is_plain(encoding: &[u8]) -> bool {
    super::decode::Encoding::named(encoding) == super::decode::Encoding::Identity
}
