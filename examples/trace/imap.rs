//! IMAP4rev1 and IMAP4rev2.

use bytes::BytesMut;
use mail46_examples::dialogue::{Fault, Line};
use mail46_imap_core::{
    Command, CommandBody, Cut, Deviation, Extension, FrameLimits, Framer, Mode, Profile, Response, Side,
    SyntaxError, Untagged, Writer, command::is_done,
};
use mail46_wire::base64;

/// All is gathered: it is here already.
const LIMITS: FrameLimits = FrameLimits { line: 1 << 30, literal: 1 << 30, frame: 1 << 30, streamed: 0 };

/// The responses of a server.
pub(crate) fn responses(octets: &[u8], profile: Profile) -> Vec<Line> {
    let mut mode = Mode::new(profile);
    frames(octets, Framer::responses(LIMITS), |frame, told| {
        match Response::parse_noting(frame, &mode.clone()) {
            Ok((response, noted)) => {
                told.message = written(Side::Server, &mode, |out| response.write(out));
                told.quirks = names(&noted);
                // The grammar is another from here on.
                if let Response::Untagged(Untagged::Enabled(list)) = &response {
                    let enabled = mail46_imap_core::Capabilities::from(list);
                    mode.rev2 |= enabled.lists(Extension::Imap4Rev2);
                    mode.utf8 |= enabled.lists(Extension::Utf8Accept);
                }
            }
            Err(error) => {
                told.fault = syntax(&error, "passed over; the session goes on".to_owned(), "RFC 9051 s 9")
            }
        }
    })
}

/// What a client is doing.
#[derive(Clone, Copy, PartialEq)]
enum Doing {
    Commands,
    /// What is no command may be a response.
    Authenticate,
    Idle,
}

/// The commands of a client.
pub(crate) fn commands(octets: &[u8], profile: Profile) -> Vec<Line> {
    let mode = Mode { literals: mail46_imap_core::Literals::Plus, utf8: true, ..Mode::new(profile) };
    let mut doing = Doing::Commands;
    frames(octets, Framer::commands(LIMITS), |frame, told| {
        let line = frame.strip_suffix(b"\r\n").unwrap_or(frame);
        let is_answer = match doing {
            Doing::Authenticate => line == b"*" || base64::decode(line).is_ok(),
            Doing::Idle => is_done(line),
            Doing::Commands => false,
        };
        if is_answer {
            if doing == Doing::Idle || line == b"*" {
                doing = Doing::Commands;
            }
            told.message = frame.to_vec();
            return;
        }
        match Command::parse(frame, &mode) {
            Ok(command) => {
                doing = match &command.body {
                    CommandBody::Authenticate(_) => Doing::Authenticate,
                    CommandBody::Idle => Doing::Idle,
                    _ => Doing::Commands,
                };
                told.message = written(Side::Client, &mode, |out| command.write(out));
                if let CommandBody::Other(..) = &command.body {
                    let reply = format!("{} BAD unknown command", tag(frame));
                    told.fault = Fault::new("unknown command", &reply, "RFC 9051 s 6");
                }
            }
            Err(error) => {
                let reply = format!("{} BAD {error}", tag(frame));
                told.fault = syntax(&error, reply, "RFC 9051 s 9");
            }
        }
    })
}

fn tag(frame: &[u8]) -> String {
    Command::tag_of(frame).map_or_else(|| "*".to_owned(), |tag| tag.as_bytes().escape_ascii().to_string())
}

fn frames(octets: &[u8], mut framer: Framer, mut read: impl FnMut(&[u8], &mut Line)) -> Vec<Line> {
    let (mut input, mut out, mut offset) = (BytesMut::from(octets), Vec::new(), 0);
    loop {
        let mut told = Line { offset, ..Line::default() };
        match framer.next(&mut input) {
            None if input.is_empty() => return out,
            None => {
                let fault = Fault::new("no end", "", "RFC 9051 s 2.2");
                out.push(Line { message: input.to_vec(), fault, ..told });
                return out;
            }
            Some(Ok(Cut::Frame(frame))) => {
                told.message = frame.octets().to_vec();
                read(frame.octets(), &mut told);
                offset = octets.len() - input.len();
            }
            Some(Ok(Cut::Announced(announcement))) => {
                // It is here, whether the client waited for "+" or not.
                if framer.gather(&mut input).is_ok() {
                    continue;
                }
                let reply = "* BAD [TOOBIG] too long";
                told.fault = Fault::new(format!("literal of {}", announcement.size), reply, "RFC 9051 s 4.3");
            }
            Some(Ok(_)) => continue,
            Some(Err(refused)) => {
                told.message = refused.start.to_vec();
                told.fault = Fault::new(refused.fault, "", "RFC 9051 s 4.3");
            }
        }
        out.push(told);
    }
}

fn written(side: Side, mode: &Mode, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, side, mode);
    write(&mut writer);
    writer.finish();
    out.to_vec()
}

fn names(deviations: &[Deviation]) -> Vec<String> {
    let mut names: Vec<String> =
        deviations.iter().map(|deviation| format!("{:?}", deviation.quirk)).collect();
    names.dedup();
    names
}

fn syntax(error: &SyntaxError, reply: String, rfc: &'static str) -> Option<Fault> {
    Fault::new(error, &reply, rfc)
}
