use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use mail46_wire::{AddressLiteral, Host, scan::line_break};

use crate::{
    address::{AddressError, ForwardPath, Mailbox, Path, ReversePath, greeting_host, path},
    argument::{Attributes, Domains, Node, Query},
    hot,
    param::Params,
    quirks::{Quirks, Rules},
    syntax::{Fault, SyntaxError},
    text::{InitialResponse, Keyword, Mechanism, Text},
};

/// A command of SMTP, submission or LMTP.
///
/// [`parse`](Self::parse) borrows from the line and allocates nothing; [`in_frame`](Self::in_frame) makes it an owned
/// value of the same octets without a copy; [`write`](Self::write) writes it by the grammar, whatever quirk it came in
/// by. No value can hold what would break its line.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_smtp::{Command, ReversePath, Rules};
///
/// let parsed = Command::parse(b"mail from:<alice@example.com> size=1000", &Rules::default())?;
/// let Command::Mail { from: ReversePath::Mailbox(sender), params } = &parsed.command else { panic!() };
/// assert_eq!(sender.to_string(), "alice@example.com");
/// assert_eq!(params.size(), Some(1000));
///
/// let mut output = BytesMut::new();
/// parsed.command.write(&mut output);
/// assert_eq!(output, "MAIL FROM:<alice@example.com> size=1000\r\n");
/// # Ok::<(), mail46_smtp::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Command<B: AsRef<[u8]> = Bytes> {
    /// `EHLO mail.example.com` (RFC 5321 s 4.1.1.1).
    Ehlo(Host<B>),
    /// `HELO mail.example.com` (RFC 5321 s 4.1.1.1).
    Helo(Host<B>),
    /// `LHLO mail.example.com` (RFC 2033 s 4.1).
    Lhlo(Host<B>),
    /// `MAIL FROM:<alice@example.com> SIZE=1000` (RFC 5321 s 4.1.1.2).
    Mail {
        /// The sender.
        from: ReversePath<B>,
        /// What the extensions add.
        params: Params<B>,
    },
    /// `RCPT TO:<bob@example.org> NOTIFY=NEVER` (RFC 5321 s 4.1.1.3).
    Rcpt {
        /// The recipient.
        to: ForwardPath<B>,
        /// What the extensions add.
        params: Params<B>,
    },
    /// `DATA` (RFC 5321 s 4.1.1.4).
    Data,
    /// `BDAT 1000 LAST` (RFC 3030 s 2); the chunk follows at once.
    Bdat {
        /// Octets of the chunk.
        size: u64,
        /// Whether more of them come.
        chunk: Chunk,
    },
    /// `BURL imap://… LAST` (RFC 4468 s 3).
    Burl {
        /// Where the data is.
        uri: Text<B>,
        /// Whether more comes.
        chunk: Chunk,
    },
    /// `RSET` (RFC 5321 s 4.1.1.5).
    Rset,
    /// `NOOP` (RFC 5321 s 4.1.1.9); the text is to be ignored.
    Noop(Option<Text<B>>),
    /// `QUIT` (RFC 5321 s 4.1.1.10).
    Quit,
    /// `VRFY alice` (RFC 5321 s 4.1.1.6).
    Vrfy(Query<B>),
    /// `EXPN list` (RFC 5321 s 4.1.1.7).
    Expn(Query<B>),
    /// `HELP MAIL` (RFC 5321 s 4.1.1.8).
    Help(Option<Text<B>>),
    /// `STARTTLS` (RFC 3207 s 4).
    StartTls,
    /// `AUTH PLAIN AGEAYg==` (RFC 4954 s 4).
    Auth {
        /// By which SASL mechanism.
        mechanism: Mechanism<B>,
        /// What the client says first, in base64.
        initial_response: Option<InitialResponse<B>>,
    },
    /// `ETRN @example.com` (RFC 1985 s 5).
    Etrn(Node<B>),
    /// `ATRN example.com,example.org` (RFC 2645 s 5.2.1).
    Atrn(Option<Domains<B>>),
    /// `XCLIENT ADDR=192.0.2.1` of Postfix: whom a proxy speaks for.
    XClient(Attributes<B>),
    /// `XFORWARD NAME=mail.example.com` of Postfix: for the log behind a filter.
    XForward(Attributes<B>),
    /// A verb that is not known here: a server answers 500 (RFC 5321 s 4.2.4).
    Unknown {
        /// Its verb.
        verb: Keyword<B>,
        /// What stands behind the space.
        argument: Option<Text<B>>,
    },
}

/// Whether a chunk is the last of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // two-way choice
pub enum Chunk {
    /// More chunks follow.
    More,
    /// `LAST`: this ends the message.
    Last,
}

/// A command without its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs)] // each is the word that `as_str` gives
pub enum Verb {
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Burl,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Expn,
    Help,
    StartTls,
    Auth,
    Etrn,
    Atrn,
    XClient,
    XForward,
    Unknown,
}

/// A line that is a command, and what it took to read it as one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parsed<'a> {
    /// The command, borrowed from the line.
    pub command: Command<&'a [u8]>,
    /// The quirks that it needed.
    pub tolerated: Quirks,
}

impl<'a> Command<&'a [u8]> {
    /// Reads a line, its CRLF taken off. Whether the command may come now is not asked here.
    ///
    /// # Errors
    /// [`SyntaxError`], which knows what to answer.
    #[inline]
    pub fn parse(line: &'a [u8], rules: &Rules) -> Result<Parsed<'a>, SyntaxError> {
        match hot::parse(line, <[u8]>::is_empty) {
            Some(parsed) => Ok(parsed),
            None => parsed(line, rules),
        }
    }

    /// Reads the line that `octets` begin with, CRLF included, and moves `octets` behind it: what a
    /// [`LineReader`](mail46_wire::LineReader) and [`parse`](Self::parse) do, in one pass where it is a usual line.
    ///
    /// `None`, with `octets` where they were, if there is no CRLF or something else before it that ends no line: a
    /// bare CR or LF, or a NUL. How long a line may be is for the caller to say.
    ///
    /// ```
    /// use mail46_smtp::{Command, Rules};
    ///
    /// let mut octets = &b"RSET\r\nQUIT\r\nNO"[..];
    /// let rules = Rules::default();
    /// assert_eq!(Command::parse_first(&mut octets, &rules).unwrap()?.command, Command::Rset);
    /// assert_eq!(Command::parse_first(&mut octets, &rules).unwrap()?.command, Command::Quit);
    /// assert_eq!(Command::parse_first(&mut octets, &rules), None);
    /// assert_eq!(octets, b"NO");
    /// # Ok::<(), mail46_smtp::SyntaxError>(())
    /// ```
    #[inline]
    pub fn parse_first(octets: &mut &'a [u8], rules: &Rules) -> Option<Result<Parsed<'a>, SyntaxError>> {
        match hot::parse_bare(octets) {
            Some(parsed) => Some(Ok(parsed)),
            None => first(octets, rules),
        }
    }

    /// The same with its texts kept in `frame`, of which the line must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Command {
        match self {
            Self::Ehlo(host) => Command::Ehlo(host.in_frame(frame)),
            Self::Helo(host) => Command::Helo(host.in_frame(frame)),
            Self::Lhlo(host) => Command::Lhlo(host.in_frame(frame)),
            Self::Mail { from, params } => {
                Command::Mail { from: from.in_frame(frame), params: params.in_frame(frame) }
            }
            Self::Rcpt { to, params } => {
                Command::Rcpt { to: to.in_frame(frame), params: params.in_frame(frame) }
            }
            Self::Data => Command::Data,
            Self::Bdat { size, chunk } => Command::Bdat { size: *size, chunk: *chunk },
            Self::Burl { uri, chunk } => Command::Burl { uri: uri.in_frame(frame), chunk: *chunk },
            Self::Rset => Command::Rset,
            Self::Noop(text) => Command::Noop(text.map(|text| text.in_frame(frame))),
            Self::Quit => Command::Quit,
            Self::Vrfy(query) => Command::Vrfy(query.in_frame(frame)),
            Self::Expn(query) => Command::Expn(query.in_frame(frame)),
            Self::Help(text) => Command::Help(text.map(|text| text.in_frame(frame))),
            Self::StartTls => Command::StartTls,
            Self::Auth { mechanism, initial_response } => Command::Auth {
                mechanism: mechanism.in_frame(frame),
                initial_response: initial_response.map(|response| response.in_frame(frame)),
            },
            Self::Etrn(node) => Command::Etrn(node.in_frame(frame)),
            Self::Atrn(domains) => Command::Atrn(domains.map(|domains| domains.in_frame(frame))),
            Self::XClient(attributes) => Command::XClient(attributes.in_frame(frame)),
            Self::XForward(attributes) => Command::XForward(attributes.in_frame(frame)),
            Self::Unknown { verb, argument } => Command::Unknown {
                verb: verb.in_frame(frame),
                argument: argument.map(|argument| argument.in_frame(frame)),
            },
        }
    }
}

impl<B: AsRef<[u8]>> Command<B> {
    /// The command without its argument.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Ehlo(_) => Verb::Ehlo,
            Self::Helo(_) => Verb::Helo,
            Self::Lhlo(_) => Verb::Lhlo,
            Self::Mail { .. } => Verb::Mail,
            Self::Rcpt { .. } => Verb::Rcpt,
            Self::Data => Verb::Data,
            Self::Bdat { .. } => Verb::Bdat,
            Self::Burl { .. } => Verb::Burl,
            Self::Rset => Verb::Rset,
            Self::Noop(_) => Verb::Noop,
            Self::Quit => Verb::Quit,
            Self::Vrfy(_) => Verb::Vrfy,
            Self::Expn(_) => Verb::Expn,
            Self::Help(_) => Verb::Help,
            Self::StartTls => Verb::StartTls,
            Self::Auth { .. } => Verb::Auth,
            Self::Etrn(_) => Verb::Etrn,
            Self::Atrn(_) => Verb::Atrn,
            Self::XClient(_) => Verb::XClient,
            Self::XForward(_) => Verb::XForward,
            Self::Unknown { .. } => Verb::Unknown,
        }
    }

    /// Appends the command and its CRLF.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Unknown { verb, .. } => out.put_slice(verb.as_bytes()),
            _ => out.put_slice(self.verb().as_str().as_bytes()),
        }
        match self {
            Self::Ehlo(host) | Self::Helo(host) | Self::Lhlo(host) => {
                out.put_u8(b' ');
                // RFC 6531 s 3.7.1: only ASCII
                match host {
                    Host::Domain(domain) if !domain.is_ascii() => out.put_slice(domain.to_ascii().as_bytes()),
                    _ => put_host(host, out),
                }
            }
            Self::Mail { from, params } => {
                out.put_slice(b" FROM:<");
                put_mailbox(from.mailbox(), b"", out);
                out.put_u8(b'>');
                params.write(out);
            }
            Self::Rcpt { to, params } => {
                out.put_slice(b" TO:<");
                put_mailbox(to.mailbox(), b"Postmaster", out);
                out.put_u8(b'>');
                params.write(out);
            }
            Self::Bdat { size, chunk } => {
                let _ = fmt::Write::write_fmt(out, format_args!(" {size}{chunk}"));
            }
            Self::Burl { uri, chunk } => {
                put_argument(Some(uri), out);
                let _ = fmt::Write::write_fmt(out, format_args!("{chunk}"));
            }
            Self::Noop(text) | Self::Help(text) => put_argument(text.as_ref(), out),
            Self::Vrfy(query) | Self::Expn(query) => {
                put_argument(Some(&query.text), out);
                query.params.write(out);
            }
            Self::Auth { mechanism, initial_response } => {
                put_argument(Some(mechanism), out);
                put_argument(initial_response.as_ref(), out);
            }
            Self::Etrn(node) => {
                out.put_u8(b' ');
                node.write(out);
            }
            Self::Atrn(domains) => put_argument(domains.as_ref(), out),
            Self::XClient(attributes) | Self::XForward(attributes) => put_argument(Some(attributes), out),
            Self::Unknown { argument, .. } => put_argument(argument.as_ref(), out),
            Self::Data | Self::Rset | Self::Quit | Self::StartTls => {}
        }
        out.put_slice(b"\r\n");
    }
}

impl Verb {
    /// As it is written; nothing for [`Verb::Unknown`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ehlo => "EHLO",
            Self::Helo => "HELO",
            Self::Lhlo => "LHLO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Bdat => "BDAT",
            Self::Burl => "BURL",
            Self::Rset => "RSET",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
            Self::Vrfy => "VRFY",
            Self::Expn => "EXPN",
            Self::Help => "HELP",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Etrn => "ETRN",
            Self::Atrn => "ATRN",
            Self::XClient => "XCLIENT",
            Self::XForward => "XFORWARD",
            Self::Unknown => "",
        }
    }

    /// Where its syntax is.
    pub(crate) const fn rfc(self) -> &'static str {
        match self {
            Self::Ehlo | Self::Helo => "RFC 5321 s 4.1.1.1",
            Self::Lhlo => "RFC 2033 s 4.1",
            Self::Mail => "RFC 5321 s 4.1.1.2",
            Self::Rcpt => "RFC 5321 s 4.1.1.3",
            Self::Bdat => "RFC 3030 s 2",
            Self::Burl => "RFC 4468 s 3",
            Self::StartTls => "RFC 3207 s 4",
            Self::Auth => "RFC 4954 s 4",
            Self::Etrn => "RFC 1985 s 5",
            Self::Atrn => "RFC 2645 s 5.2.1",
            _ => "RFC 5321 s 4.1.1",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Unknown { "an unknown command" } else { self.as_str() })
    }
}

impl fmt::Display for Chunk {
    /// With the space before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::More => "",
            Self::Last => " LAST",
        })
    }
}

fn put_argument<A: AsRef<[u8]>>(argument: Option<&A>, out: &mut BytesMut) {
    if let Some(argument) = argument {
        out.put_u8(b' ');
        out.put_slice(argument.as_ref());
    }
}

fn put_mailbox<B: AsRef<[u8]>>(mailbox: Option<&Mailbox<B>>, other: &[u8], out: &mut BytesMut) {
    let Some(mailbox) = mailbox else {
        out.put_slice(other);
        return;
    };
    out.put_slice(mailbox.local_part.as_bytes());
    out.put_u8(b'@');
    put_host(&mailbox.host, out);
}

fn put_host<B: AsRef<[u8]>>(host: &Host<B>, out: &mut BytesMut) {
    match host {
        Host::Domain(domain) => out.put_slice(domain.as_bytes()),
        // The one type that anybody can fill: what its grammar does not have stays away from the wire.
        Host::Literal(AddressLiteral::General { tag, content }) => {
            let tag = tag.as_ref().iter().filter(|octet| octet.is_ascii_alphanumeric() || **octet == b'-');
            let content = content.as_ref().iter().filter(|octet| matches!(octet, 33..=90 | 94..=126));
            out.put_u8(b'[');
            out.extend(tag);
            out.put_u8(b':');
            out.extend(content);
            out.put_u8(b']');
        }
        Host::Literal(literal) => {
            let _ = fmt::Write::write_fmt(out, format_args!("{literal}"));
        }
    }
}

/// Four octets as a number, letters in upper case: one comparison instead of four.
const fn word(octets: &[u8; 4]) -> u32 {
    u32::from_be_bytes(*octets) & 0xdfdf_dfdf
}

const EHLO: u32 = word(b"EHLO");
const HELO: u32 = word(b"HELO");
const LHLO: u32 = word(b"LHLO");
const MAIL: u32 = word(b"MAIL");
const RCPT: u32 = word(b"RCPT");
const DATA: u32 = word(b"DATA");
const BDAT: u32 = word(b"BDAT");
const BURL: u32 = word(b"BURL");
const RSET: u32 = word(b"RSET");
const NOOP: u32 = word(b"NOOP");
const QUIT: u32 = word(b"QUIT");
const VRFY: u32 = word(b"VRFY");
const EXPN: u32 = word(b"EXPN");
const HELP: u32 = word(b"HELP");
const AUTH: u32 = word(b"AUTH");
const ETRN: u32 = word(b"ETRN");
const ATRN: u32 = word(b"ATRN");
const STAR: u32 = word(b"STAR");
const XCLI: u32 = word(b"XCLI");
const XFOR: u32 = word(b"XFOR");

/// The verb and its length. Letters differ from their other case in one bit, and no other octet becomes a letter by it.
fn verb(line: &[u8]) -> Option<(Verb, usize)> {
    let first = line.first_chunk::<4>()?;
    let (verb, rest): (Verb, &[u8]) = match word(first) {
        MAIL => (Verb::Mail, b""),
        RCPT => (Verb::Rcpt, b""),
        EHLO => (Verb::Ehlo, b""),
        HELO => (Verb::Helo, b""),
        LHLO => (Verb::Lhlo, b""),
        DATA => (Verb::Data, b""),
        BDAT => (Verb::Bdat, b""),
        BURL => (Verb::Burl, b""),
        RSET => (Verb::Rset, b""),
        NOOP => (Verb::Noop, b""),
        QUIT => (Verb::Quit, b""),
        VRFY => (Verb::Vrfy, b""),
        EXPN => (Verb::Expn, b""),
        HELP => (Verb::Help, b""),
        AUTH => (Verb::Auth, b""),
        ETRN => (Verb::Etrn, b""),
        ATRN => (Verb::Atrn, b""),
        STAR => (Verb::StartTls, b"TTLS"),
        XCLI => (Verb::XClient, b"ENT"),
        XFOR => (Verb::XForward, b"WARD"),
        _ => return None,
    };
    let length = rest.len().saturating_add(4);
    let whole = rest.is_empty() || line.get(4..length).is_some_and(|found| found.eq_ignore_ascii_case(rest));
    // "terminated by <SP> if parameters follow and <CRLF> otherwise" (RFC 5321 s 4.1.1)
    (whole && matches!(line.get(length), None | Some(b' '))).then_some((verb, length))
}

/// Kept out of line: what has no argument needs nothing of it.
#[inline(never)]
fn first<'a>(octets: &mut &'a [u8], rules: &Rules) -> Option<Result<Parsed<'a>, SyntaxError>> {
    let whole = *octets;
    let hot = hot::parse(whole, |behind| match behind.strip_prefix(b"\r\n") {
        Some(behind) => {
            *octets = behind;
            true
        }
        None => false,
    });
    match hot {
        Some(parsed) => Some(Ok(parsed)),
        None => first_by_grammar(octets, rules),
    }
}

#[inline(never)]
fn first_by_grammar<'a>(octets: &mut &'a [u8], rules: &Rules) -> Option<Result<Parsed<'a>, SyntaxError>> {
    let (line, behind) = octets.split_at_checked(line_break(octets, 0)?)?;
    *octets = behind.strip_prefix(b"\r\n")?;
    Some(parsed(line, rules))
}

/// Kept out of line: `hot` has most lines.
#[inline(never)]
pub(crate) fn parsed<'a>(line: &'a [u8], rules: &Rules) -> Result<Parsed<'a>, SyntaxError> {
    let mut tolerated = Quirks::none();
    let command = parse(line, rules, &mut tolerated)?;
    Ok(Parsed { command, tolerated })
}

fn parse<'a>(
    line: &'a [u8],
    rules: &Rules,
    tolerated: &mut Quirks,
) -> Result<Command<&'a [u8]>, SyntaxError> {
    let whole = line;
    let line =
        if rules.quirks.contains(Quirks::TRAILING_SPACE) { without_trailing_space(line) } else { line };
    let trimmed = line.len() < whole.len();
    if trimmed {
        *tolerated = tolerated.with(Quirks::TRAILING_SPACE);
    }
    let Some((verb, length)) = verb(line) else {
        return unknown(line);
    };
    if trimmed && verb == Verb::StartTls {
        // No quirk touches STARTTLS.
        return Err(SyntaxError { fault: Fault::UnexpectedArgument, at: line.len(), verb });
    }
    let mut at = length.saturating_add(1);
    if matches!(line.get(at), Some(b' '))
        && verb != Verb::StartTls
        && rules.quirks.contains(Quirks::DOUBLED_SPACE)
    {
        *tolerated = tolerated.with(Quirks::DOUBLED_SPACE);
        let spaces = line.get(at..).unwrap_or_default().iter().take_while(|octet| **octet == b' ').count();
        at = at.saturating_add(spaces);
    }
    // `None` without the space that begins an argument
    let argument = if line.len() <= length { None } else { Some(line.get(at..).unwrap_or_default()) };
    let argued = Argued { line, verb, at, argument, rules };
    match verb {
        Verb::Mail => argued.mail(tolerated),
        Verb::Rcpt => argued.rcpt(tolerated),
        Verb::Ehlo => argued.host(tolerated).map(Command::Ehlo),
        Verb::Helo => argued.host(tolerated).map(Command::Helo),
        Verb::Lhlo => argued.host(tolerated).map(Command::Lhlo),
        Verb::Data => argued.nothing(Command::Data),
        Verb::Rset => argued.nothing(Command::Rset),
        Verb::Quit => argued.nothing(Command::Quit),
        Verb::StartTls => argued.nothing(Command::StartTls),
        Verb::Bdat => argued.bdat(),
        Verb::Burl => argued.burl(),
        Verb::Noop => argued.free(tolerated).map(Command::Noop),
        Verb::Help => argued.free(tolerated).map(Command::Help),
        Verb::Vrfy => argued.query(tolerated).map(Command::Vrfy),
        Verb::Expn => argued.query(tolerated).map(Command::Expn),
        Verb::Auth => argued.auth(),
        Verb::Etrn => argued.etrn(),
        Verb::Atrn => argued.atrn(),
        Verb::XClient => argued.attributes().map(Command::XClient),
        Verb::XForward => argued.attributes().map(Command::XForward),
        Verb::Unknown => argued.fault(Fault::Verb, 0),
    }
}

/// Spaces and tabs, and never a CR, an LF or a form feed.
fn without_trailing_space(line: &[u8]) -> &[u8] {
    let kept =
        line.iter().rposition(|octet| !matches!(octet, b' ' | b'\t')).map_or(0, |at| at.saturating_add(1));
    line.get(..kept).unwrap_or_default()
}

fn unknown(line: &[u8]) -> Result<Command<&[u8]>, SyntaxError> {
    let refused = SyntaxError { fault: Fault::Verb, at: 0, verb: Verb::Unknown };
    let (verb, argument) = match memchr::memchr(b' ', line).and_then(|space| line.split_at_checked(space)) {
        Some((verb, argument)) => (verb, Some(argument.get(1..).unwrap_or_default())),
        None => (line, None),
    };
    let verb = Keyword::parse(verb).map_err(|_| refused)?;
    let argument = argument.map(Text::parse).transpose().map_err(|_| refused)?;
    Ok(Command::Unknown { verb, argument })
}

/// A command of a known verb, and what stands behind it.
struct Argued<'a, 'r> {
    line: &'a [u8],
    verb: Verb,
    /// Where the argument begins.
    at: usize,
    argument: Option<&'a [u8]>,
    rules: &'r Rules,
}

impl<'a> Argued<'a, '_> {
    fn fault<T>(&self, fault: Fault, at: usize) -> Result<T, SyntaxError> {
        Err(self.error(fault, at))
    }

    fn error(&self, fault: Fault, at: usize) -> SyntaxError {
        SyntaxError { fault, at, verb: self.verb }
    }

    fn address(&self, error: AddressError) -> SyntaxError {
        self.error(error.fault, error.at)
    }

    /// Of the argument as a whole.
    fn bad(&self, fault: Fault) -> SyntaxError {
        self.error(fault, self.at)
    }

    fn required(&self) -> Result<&'a [u8], SyntaxError> {
        match self.argument {
            Some(argument) if !argument.is_empty() => Ok(argument),
            _ => self.fault(Fault::MissingArgument, self.line.len()),
        }
    }

    fn nothing(&self, command: Command<&'a [u8]>) -> Result<Command<&'a [u8]>, SyntaxError> {
        if self.argument.is_some() { self.fault(Fault::UnexpectedArgument, self.at) } else { Ok(command) }
    }

    /// `"MAIL FROM:" Reverse-path [SP Mail-parameters]`
    fn mail(&self, tolerated: &mut Quirks) -> Result<Command<&'a [u8]>, SyntaxError> {
        let (path, params) = self.path_and_params(b"FROM:", tolerated)?;
        let from = match path {
            Path::Null => ReversePath::Null,
            // RFC 5321 s 4.1.1.3 has it for RCPT alone.
            Path::Postmaster => return Err(self.bad(Fault::NoAtSign)),
            Path::Mailbox(mailbox) => ReversePath::Mailbox(mailbox),
        };
        // RFC 6531 s 3.4: SMTPUTF8 announces it
        if self.rules.utf8 == crate::Utf8::Accept && !from.is_ascii() && !params.smtputf8() {
            return Err(self.bad(Fault::NonAscii));
        }
        Ok(Command::Mail { from, params })
    }

    /// `"RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters]`
    fn rcpt(&self, tolerated: &mut Quirks) -> Result<Command<&'a [u8]>, SyntaxError> {
        let (path, params) = self.path_and_params(b"TO:", tolerated)?;
        let to = match path {
            Path::Null => return Err(self.bad(Fault::NullForwardPath)),
            Path::Postmaster => ForwardPath::Postmaster,
            Path::Mailbox(mailbox) => ForwardPath::Mailbox(mailbox),
        };
        Ok(Command::Rcpt { to, params })
    }

    fn path_and_params(
        &self,
        preposition: &[u8],
        tolerated: &mut Quirks,
    ) -> Result<(Path<'a>, Params<&'a [u8]>), SyntaxError> {
        let argument = self.required()?;
        let said = argument.get(..preposition.len()).unwrap_or_default();
        if !said.eq_ignore_ascii_case(preposition) {
            let doubled = argument.first() == Some(&b' ');
            return Err(self.bad(if doubled { Fault::Space } else { Fault::Preposition }));
        }
        let mut at = self.at.saturating_add(preposition.len());
        if self.line.get(at) == Some(&b' ') && self.rules.quirks.contains(Quirks::SPACE_AFTER_COLON) {
            *tolerated = tolerated.with(Quirks::SPACE_AFTER_COLON);
            let rest = self.line.get(at..).unwrap_or_default();
            at = at.saturating_add(rest.iter().take_while(|octet| **octet == b' ').count());
        }
        let (path, end) = path(self.line, at, self.rules, tolerated).map_err(|error| self.address(error))?;
        let text = match self.line.get(end) {
            None => return Ok((path, Params::default())),
            Some(b' ') => self.line.get(end.saturating_add(1)..).unwrap_or_default(),
            Some(_) => return self.fault(Fault::AfterPath, end),
        };
        let start = end.saturating_add(1);
        if text.is_empty() {
            return self.fault(Fault::Space, start);
        }
        let (params, quirks) = Params::parse(text, self.verb, self.rules)
            .map_err(|(fault, at)| self.error(fault, start.saturating_add(at)))?;
        *tolerated = tolerated.with(quirks);
        Ok((path, params))
    }

    /// `SP ( Domain / address-literal )`
    fn host(&self, tolerated: &mut Quirks) -> Result<Host<&'a [u8]>, SyntaxError> {
        let mut argument = self.required()?;
        if self.rules.quirks.contains(Quirks::TEXT_AFTER_HOST)
            && let Some((host, text)) =
                memchr::memchr(b' ', argument).and_then(|space| argument.split_at_checked(space))
            && text.get(1..).is_some_and(|text| Text::parse(text).is_ok())
        {
            *tolerated = tolerated.with(Quirks::TEXT_AFTER_HOST);
            argument = host;
        }
        greeting_host(argument, self.rules, self.at, tolerated).map_err(|error| self.address(error))
    }

    /// `chunk-size [ SP end-marker ]`
    fn bdat(&self) -> Result<Command<&'a [u8]>, SyntaxError> {
        let (digits, chunk) = self.chunk()?;
        // chunk-size ::= 1*DIGIT, and a size that no counter holds leaves no way to find the next command
        let size = (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
            .then(|| std::str::from_utf8(digits).ok()?.parse().ok())
            .flatten()
            .ok_or_else(|| self.bad(Fault::ChunkSize))?;
        Ok(Command::Bdat { size, chunk })
    }

    /// `absolute-URI [SP end-marker]`
    fn burl(&self) -> Result<Command<&'a [u8]>, SyntaxError> {
        let (uri, chunk) = self.chunk()?;
        // absolute-URI = scheme ":" …, ASCII without spaces (RFC 3986 s 4.3)
        let scheme = memchr::memchr(b':', uri).and_then(|colon| uri.get(..colon)).unwrap_or_default();
        let well =
            scheme.first().is_some_and(u8::is_ascii_alphabetic) && uri.iter().all(u8::is_ascii_graphic);
        let uri = Text::parse(uri).ok().filter(|_| well).ok_or_else(|| self.bad(Fault::Argument))?;
        Ok(Command::Burl { uri, chunk })
    }

    fn chunk(&self) -> Result<(&'a [u8], Chunk), SyntaxError> {
        let argument = self.required()?;
        let Some((first, last)) =
            memchr::memchr(b' ', argument).and_then(|space| argument.split_at_checked(space))
        else {
            return Ok((argument, Chunk::More));
        };
        if last.eq_ignore_ascii_case(b" LAST") {
            Ok((first, Chunk::Last))
        } else {
            self.fault(Fault::Argument, self.at.saturating_add(first.len()).saturating_add(1))
        }
    }

    /// `[ SP String ]`, `String = Atom / Quoted-string`; any text by a quirk.
    fn free(&self, tolerated: &mut Quirks) -> Result<Option<Text<&'a [u8]>>, SyntaxError> {
        let Some(argument) = self.argument else {
            return Ok(None);
        };
        let text = Text::parse(argument).map_err(|_| self.bad(Fault::Argument))?;
        self.string(argument, tolerated)?;
        Ok(Some(text))
    }

    /// `String`, and by RFC 5321 s 3.5.1 what names a mailbox.
    fn string(&self, text: &[u8], tolerated: &mut Quirks) -> Result<(), SyntaxError> {
        // An atom or a quoted string is a local part too.
        let well = crate::LocalPart::parse(text).is_ok() || Mailbox::parse(text).is_ok();
        if well && (self.rules.utf8 == crate::Utf8::Accept || text.is_ascii()) {
            return Ok(());
        }
        if !text.is_ascii() && self.rules.utf8 == crate::Utf8::Refuse {
            return Err(self.bad(Fault::NonAscii));
        }
        if std::str::from_utf8(text).is_err() {
            return Err(self.bad(Fault::Utf8));
        }
        if !self.rules.quirks.contains(Quirks::FREE_TEXT) {
            return Err(self.bad(Fault::Argument));
        }
        *tolerated = tolerated.with(Quirks::FREE_TEXT);
        Ok(())
    }

    /// `SP String [ SP "SMTPUTF8" ]` (RFC 6531 s 3.7.4.2)
    fn query(&self, tolerated: &mut Quirks) -> Result<Query<&'a [u8]>, SyntaxError> {
        let argument = self.required()?;
        let split = argument.len().checked_sub(9).and_then(|at| argument.split_at_checked(at));
        let (text, params) = match split {
            Some((text, param)) if param.eq_ignore_ascii_case(b" SMTPUTF8") => {
                let (params, _) = Params::parse(param.get(1..).unwrap_or_default(), self.verb, self.rules)
                    .map_err(|(fault, _)| self.bad(fault))?;
                (text, params)
            }
            _ => (argument, Params::default()),
        };
        self.string(text, tolerated)?;
        let text = Text::parse(text).map_err(|_| self.bad(Fault::Argument))?;
        Ok(Query { text, params })
    }

    /// `"AUTH" SP sasl-mech [SP initial-response]`
    fn auth(&self) -> Result<Command<&'a [u8]>, SyntaxError> {
        let argument = self.required()?;
        let (mechanism, response) =
            match memchr::memchr(b' ', argument).and_then(|space| argument.split_at_checked(space)) {
                Some((mechanism, response)) => (mechanism, response.get(1..)),
                None => (argument, None),
            };
        let mechanism = Mechanism::parse(mechanism).map_err(|_| self.bad(Fault::Mechanism))?;
        let at = self.at.saturating_add(mechanism.as_bytes().len()).saturating_add(1);
        let initial_response = response
            .map(InitialResponse::parse)
            .transpose()
            .map_err(|_| self.error(Fault::InitialResponse, at))?;
        Ok(Command::Auth { mechanism, initial_response })
    }

    fn etrn(&self) -> Result<Command<&'a [u8]>, SyntaxError> {
        Node::parse(self.required()?).map(Command::Etrn).map_err(|_| self.bad(Fault::Argument))
    }

    fn atrn(&self) -> Result<Command<&'a [u8]>, SyntaxError> {
        let domains = self.argument.map(Domains::parse).transpose().map_err(|_| self.bad(Fault::Argument))?;
        Ok(Command::Atrn(domains))
    }

    fn attributes(&self) -> Result<Attributes<&'a [u8]>, SyntaxError> {
        Attributes::parse(self.required()?).map_err(|_| self.bad(Fault::Argument))
    }
}
