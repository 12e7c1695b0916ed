//! SMTP, submission and LMTP.

use bytes::BytesMut;
use mail46_examples::dialogue::{Fault, Line, raw_line};
use mail46_smtp::{Chunk, Command, Quirks, ReplyReader, Rules, Utf8, Verb};
use mail46_wire::{BareNewline, DotDecoder, DotEvent, LineReader, base64};

/// The commands of a client, and the messages between them.
pub(crate) fn commands(octets: &[u8]) -> Vec<Line> {
    Client::new(octets).read()
}

struct Client<'a> {
    octets: &'a [u8],
    input: BytesMut,
    lines: LineReader,
    utf8: bool,
    /// AUTH is going on: what is no command may be a response.
    auth: bool,
    out: Vec<Line>,
}

impl<'a> Client<'a> {
    fn new(octets: &'a [u8]) -> Self {
        let (input, lines) = (BytesMut::from(octets), LineReader::new(12_288));
        Self { octets, input, lines, utf8: true, auth: false, out: Vec::new() }
    }

    fn read(mut self) -> Vec<Line> {
        let mut offset = 0;
        while let Some(line) = self.lines.next(&mut self.input) {
            let mut told = Line { offset, ..Line::default() };
            match line {
                Ok(line) => self.command(&line, &mut told),
                Err(fault) => {
                    told.message = raw_line(self.octets, offset);
                    let reply = "500 5.5.2 line refused";
                    told.fault = Fault::new(fault, reply, "RFC 5321 s 2.3.8, 4.5.3.1.4");
                    offset += told.message.len();
                    self.out.push(told);
                    continue;
                }
            }
            self.out.push(told);
            offset = self.octets.len() - self.input.len();
        }
        if !self.input.is_empty() {
            let fault = Fault::new("no CRLF at the end", "", "RFC 5321 s 2.3.8");
            self.out.push(Line { offset, message: self.input.to_vec(), fault, ..Line::default() });
        }
        self.out
    }

    fn command(&mut self, line: &[u8], told: &mut Line) {
        let rules = Rules {
            quirks: Quirks::mx().with(Quirks::submission()),
            utf8: if self.utf8 { Utf8::Accept } else { Utf8::Refuse },
        };
        let parsed = match Command::parse(line, &rules) {
            Ok(parsed) if !(self.auth && parsed.command.verb() == Verb::Unknown) => parsed,
            _ if self.auth && (line == b"*" || base64::decode(line).is_ok()) => {
                told.message = [line, b"\r\n"].concat();
                return;
            }
            Ok(parsed) => parsed,
            Err(error) => {
                told.message = [line, b"\r\n"].concat();
                told.fault = Fault::syntax(&error);
                return;
            }
        };
        let mut written = BytesMut::new();
        parsed.command.write(&mut written);
        told.message = written.to_vec();
        told.quirks = parsed.tolerated.names().map(str::to_owned).collect();
        self.auth = parsed.command.verb() == Verb::Auth;
        match &parsed.command {
            // RFC 6531 s 3.4: what RCPT may hold was said by MAIL.
            Command::Mail { params, .. } => self.utf8 = params.smtputf8(),
            Command::Data => {
                self.text(told);
                self.utf8 = true;
            }
            Command::Bdat { size, chunk } => {
                self.chunk(*size, told);
                self.utf8 |= *chunk == Chunk::Last;
            }
            Command::Rset | Command::Ehlo(_) | Command::Helo(_) | Command::Lhlo(_) => self.utf8 = true,
            Command::Unknown { .. } => {
                told.fault =
                    Fault::new("unknown command", "500 5.5.1 command unrecognized", "RFC 5321 s 4.2.4");
            }
            _ => {}
        }
    }

    fn text(&mut self, told: &mut Line) {
        let mut decoder = DotDecoder::new(BareNewline::Reject);
        loop {
            match decoder.next(&mut self.input) {
                Some(DotEvent::Data(_)) => {}
                Some(DotEvent::End(end)) => {
                    told.fault = end
                        .err()
                        .and_then(|fault| Fault::new(fault, "554 5.6.0 message refused", "RFC 5321 s 2.3.8"));
                    break;
                }
                None => {
                    self.input.clear();
                    told.fault = Fault::new("message without end", "", "RFC 5321 s 4.1.1.4");
                    break;
                }
            }
        }
        told.size = Some(decoder.octets());
    }

    fn chunk(&mut self, size: u64, told: &mut Line) {
        let here = usize::try_from(size).unwrap_or(usize::MAX).min(self.input.len());
        let _ = self.input.split_to(here);
        told.size = Some(here as u64);
        if here as u64 != size {
            told.fault = Fault::new(format!("chunk of {here} octets instead of {size}"), "", "RFC 3030 s 2");
        }
    }
}

/// The replies of a server.
pub(crate) fn replies(octets: &[u8]) -> Vec<Line> {
    let (mut input, mut reader, mut out) = (BytesMut::from(octets), ReplyReader::new(), Vec::new());
    loop {
        let offset = octets.len() - input.len();
        let mut line = Line { offset, ..Line::default() };
        match reader.next(&mut input) {
            Some(Ok(reply)) => line.message = reply.as_bytes().to_vec(),
            Some(Err(fault)) => {
                // A client would close; here the next line may be looked at all the same.
                line.message = raw_line(octets, offset);
                line.fault = Fault::new(fault, "", "RFC 5321 s 4.2");
                (input, reader) =
                    (BytesMut::from(&octets[offset + line.message.len()..]), ReplyReader::new());
            }
            None if input.is_empty() => return out,
            None => {
                line.message = input.to_vec();
                line.fault = Fault::new("reply without end", "", "RFC 5321 s 4.2.1");
                out.push(line);
                return out;
            }
        }
        out.push(line);
    }
}
