use std::net::IpAddr;

use bytes::Bytes;

use super::{DateTime, Family, Protocol, Received};

/// `Received` fields from which on a message is taken to go in a circle (RFC 5321 s 6.3: at least 100).
pub const LOOP_THRESHOLD: usize = 100;

/// Octets of a trace field that [`TraceReader`] keeps; real ones have a few hundred, and a line at most 998.
const FIELD_MAX: usize = 16 * 1024;
/// Hops that [`TraceReader`] keeps; beyond that they are counted only.
const HOPS_MAX: usize = 256;
/// Octets of a name, an id or a recipient that a [`Hop`] keeps.
const TEXT_MAX: usize = 320;

/// One hop of a message: what a program asks a `Received` field for, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// The name behind `from`, as it was written.
    pub from: Option<Bytes>,
    /// The peer's address.
    pub from_ip: Option<IpAddr>,
    /// The name behind `by`, as it was written.
    pub by: Option<Bytes>,
    /// The server's address.
    pub by_ip: Option<IpAddr>,
    /// The `with` clause.
    pub protocol: Option<Protocol>,
    /// Whether the field tells of TLS.
    pub tls: bool,
    /// The `id` clause.
    pub id: Option<Bytes>,
    /// The date.
    pub date: Option<DateTime>,
    family: Option<Family>,
}

impl Hop {
    pub(super) fn of(received: &Received<'_>) -> Self {
        // Unfolded: RFC 5322 s 2.2.3 takes the line end away and leaves the space behind it.
        let text = |text: &[u8]| {
            let unfolded = text.iter().filter(|octet| !matches!(octet, b'\r' | b'\n')).take(TEXT_MAX);
            unfolded.copied().collect::<Bytes>()
        };
        let name = |name: &[u8]| Some(text(name)).filter(|name| !name.is_empty());
        Self {
            from: received.from().and_then(|end| name(end.name())),
            from_ip: received.from_ip(),
            by: received.by().and_then(|end| name(end.name())),
            by_ip: received.by_ip(),
            protocol: received.protocol().map(|protocol| match protocol {
                Protocol::Other(other) => Protocol::Other(text(other)),
                known => known.to_owned(),
            }),
            tls: received.tls().is_some(),
            id: received.id().map(text),
            date: received.date(),
            family: received.family(),
        }
    }

    /// The family that the mail came over: see [`Received::family`].
    pub fn family(&self) -> Option<Family> {
        self.family
    }

    /// Whether it stayed on one machine, as on the way to a content filter and back.
    pub fn is_loopback(&self) -> bool {
        self.from_ip.is_some_and(|ip| ip.is_loopback())
    }
}

/// The trace of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// The hops in the order of travel, the first one first; of more than 256 the newest.
    pub hops: Vec<Hop>,
    /// `Received` fields, those beyond the 256 included.
    pub received: usize,
    /// The body of the first `Return-Path` field, as it was written: for [`ReturnPath::parse`](super::ReturnPath::parse).
    pub return_path: Option<Bytes>,
}

impl Trace {
    /// Whether there are as many `Received` fields as a message has that goes in a circle (RFC 5321 s 6.3).
    pub fn is_loop(&self) -> bool {
        self.received >= LOOP_THRESHOLD
    }
}

/// Reads the trace fields out of a message as it comes, up to the empty line.
///
/// However the message is cut, the trace is the same. Of what is no trace field nothing is kept. A line may end in
/// LF alone, as it does in files: nothing is decided here but where a field ends.
///
/// ```
/// use mail46_smtp::trace::{Family, TraceReader};
/// let mut reader = TraceReader::new();
/// reader.push(b"Received: from b.example ([IPv6:2001:db8::b]) by c.example;\r\n Thu, 5 Nov 2009 12:01:08 +0800\r\n");
/// reader.push(b"Received: from a.example ([192.0.2.10]) by b.example; Thu, 5 Nov 2009 12:00:03 +0800\r\n\r\nHello");
/// assert!(reader.is_done());
/// let trace = reader.finish();
/// let families: Vec<_> = trace.hops.iter().filter_map(|hop| hop.family()).collect();
/// assert_eq!(families, [Family::Ipv4, Family::Ipv6]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TraceReader {
    lines: Fields,
    field: Vec<u8>,
    /// Newest first, as they stand.
    hops: Vec<Hop>,
    received: usize,
    return_path: Option<Bytes>,
}

impl TraceReader {
    /// A reader at the start of a message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the message; what is behind the header is not looked at.
    pub fn push(&mut self, octets: &[u8]) {
        let Self { lines, field, hops, received, return_path } = self;
        lines.push(octets, |piece| match piece {
            Piece::Text(name, text) if name != Name::Other => {
                let room = FIELD_MAX.saturating_sub(field.len());
                field.extend_from_slice(text.get(..room).unwrap_or(text));
            }
            Piece::Text(..) => {}
            Piece::End(name) => {
                take(name, field, hops, received, return_path);
                field.clear();
            }
        });
    }

    /// Whether the end of the header has been seen.
    pub fn is_done(&self) -> bool {
        self.lines.state == State::Done
    }

    /// The trace, of as much of the header as there was.
    pub fn finish(mut self) -> Trace {
        if let Some(name) = self.lines.unfinished() {
            take(name, &self.field, &mut self.hops, &mut self.received, &mut self.return_path);
        }
        self.hops.reverse();
        Trace { hops: self.hops, received: self.received, return_path: self.return_path }
    }
}

fn take(
    name: Name,
    field: &[u8],
    hops: &mut Vec<Hop>,
    received: &mut usize,
    return_path: &mut Option<Bytes>,
) {
    match name {
        Name::Received => {
            *received = received.saturating_add(1);
            if hops.len() < HOPS_MAX {
                hops.push(Received::parse(field).hop());
            }
        }
        Name::ReturnPath => {
            return_path.get_or_insert_with(|| Bytes::copy_from_slice(field.trim_ascii()));
        }
        Name::Other => {}
    }
}

/// Counts the `Received` fields of a message as it comes, up to the empty line, and keeps nothing of it.
///
/// ```
/// use mail46_smtp::trace::ReceivedCounter;
/// let mut counter = ReceivedCounter::new();
/// counter.push(b"Received: from a by b\r\nRECEIVED : from c by a\r\nSubject: Received:\r\n Received: x\r\n\r\nReceived: body\r\n");
/// assert_eq!(counter.count(), 2);
/// assert!(!counter.is_loop());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReceivedCounter {
    lines: Fields,
    count: usize,
}

impl ReceivedCounter {
    /// A counter at the start of a message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the message; what is behind the header is not looked at.
    pub fn push(&mut self, octets: &[u8]) {
        let count = &mut self.count;
        self.lines.push(octets, |piece| {
            if piece == Piece::End(Name::Received) {
                *count = count.saturating_add(1);
            }
        });
    }

    /// The fields so far.
    pub fn count(&self) -> usize {
        self.count.saturating_add(usize::from(self.lines.unfinished() == Some(Name::Received)))
    }

    /// Whether there are [`LOOP_THRESHOLD`] of them (RFC 5321 s 6.3).
    pub fn is_loop(&self) -> bool {
        self.count() >= LOOP_THRESHOLD
    }
}

/// The fields that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Received,
    ReturnPath,
    Other,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// A part of a field's body, its folds included.
    Text(Name, &'a [u8]),
    /// The field is over.
    End(Name),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At the start of a line.
    #[default]
    Line,
    /// Behind a CR at the start of a line.
    Cr,
    /// In a field's name.
    Name,
    /// In white space behind it (RFC 5322 s 4.5.7).
    Colon,
    Body,
    /// Behind the header.
    Done,
}

/// Finds the fields of a header.
#[derive(Clone, Debug, Default)]
struct Fields {
    state: State,
    /// The name so far, as far as it can matter.
    name: [u8; 12],
    len: usize,
    /// The field that the present line may go on.
    field: Option<Name>,
}

impl Fields {
    fn push(&mut self, octets: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        let mut rest = octets;
        while let Some((octet, tail)) = rest.split_first() {
            if self.state == State::Done {
                return;
            }
            if self.state == State::Body {
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at.saturating_add(1));
                let (text, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                if text.ends_with(b"\n") {
                    self.state = State::Line;
                }
                sink(Piece::Text(self.field.unwrap_or(Name::Other), text));
                rest = tail;
                continue;
            }
            rest = tail;
            self.octet(*octet, &mut sink);
        }
    }

    fn octet(&mut self, octet: u8, sink: &mut impl FnMut(Piece<'_>)) {
        match (self.state, octet) {
            (State::Line, b' ' | b'\t') if self.field.is_some() => {
                self.state = State::Body;
                sink(Piece::Text(self.field.unwrap_or(Name::Other), &[octet]));
            }
            (State::Line, _) => {
                if let Some(name) = self.field.take() {
                    sink(Piece::End(name));
                }
                self.len = 0;
                match octet {
                    b'\r' => self.state = State::Cr,
                    b'\n' => self.state = State::Done,
                    _ => self.name(octet),
                }
            }
            (State::Cr, b'\n') => self.state = State::Done,
            (State::Cr, _) => self.body(Name::Other),
            (State::Name | State::Colon, b':') => self.body(self.known()),
            (State::Name | State::Colon, b' ' | b'\t') => self.state = State::Colon,
            (State::Name | State::Colon, b'\n') => {
                self.field = Some(Name::Other);
                self.state = State::Line;
            }
            (State::Name, _) => self.name(octet),
            (State::Colon, _) => self.body(Name::Other),
            (State::Body | State::Done, _) => {}
        }
    }

    fn name(&mut self, octet: u8) {
        self.state = State::Name;
        match self.name.get_mut(self.len) {
            Some(place) => {
                *place = octet;
                self.len = self.len.saturating_add(1);
            }
            None => self.body(Name::Other),
        }
    }

    fn body(&mut self, name: Name) {
        self.field = Some(name);
        self.state = State::Body;
    }

    fn known(&self) -> Name {
        let name = self.name.get(..self.len).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"Received") {
            Name::Received
        } else if name.eq_ignore_ascii_case(b"Return-Path") {
            Name::ReturnPath
        } else {
            Name::Other
        }
    }

    /// The trace field whose end is not known yet.
    fn unfinished(&self) -> Option<Name> {
        self.field
    }
}
