//! One command from its octets to its value, CRLF included in the work: mail46 strict, smtp-proto, smtp-codec.

use std::hint::black_box;

use mail46_smtp::{Command, Rules};

use crate::harness::{Case, Unit, table, time};

/// Parses a run, so that the clock is not what is measured.
pub const RUN: usize = 1000;

pub const LINES: [(&str, &[u8]); 6] = [
    ("MAIL", b"MAIL FROM:<alice@example.com>\r\n"),
    ("MAIL + SIZE + BODY", b"MAIL FROM:<alice@example.com> SIZE=123456 BODY=8BITMIME\r\n"),
    ("RCPT", b"RCPT TO:<bob@example.org>\r\n"),
    (
        "RCPT + NOTIFY + ORCPT",
        b"RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@example.org\r\n",
    ),
    ("EHLO", b"EHLO mail-ed1-x52f.google.com\r\n"),
    ("QUIT", b"QUIT\r\n"),
];

pub fn run() {
    for (name, line_octets) in LINES {
        let line = line_octets;
        assert!(mail46(line) && smtp_proto(line), "{name}");
        let mut cases = vec![
            Case::new("smtp-proto 0.2.5", || repeat(|| smtp_proto(line))),
            Case::new("mail46 parse_first", || repeat(|| mail46(line))),
            Case::new("mail46, line end and then parse", || repeat(|| in_two(line))),
            Case::new("mail46, and kept in the frame", || {
                let frame = bytes::Bytes::from_static(line);
                repeat(|| framed(&frame))
            }),
            Case::new("mail46, the line cut already", || {
                let line = self::line(line_octets).unwrap();
                repeat(|| black_box(&Command::parse(black_box(line), &Rules::default())).is_ok())
            }),
            Case::new("the line end, strict", || repeat(|| self::line(black_box(line_octets)).is_some())),
            Case::new("memchr of the LF", || repeat(|| memchr::memchr(b'\n', black_box(line)).is_some())),
        ];
        if smtp_codec(line) {
            cases.push(Case::new("smtp-codec 0.2.0", || repeat(|| smtp_codec(line))));
        }
        table(&format!("commands: {name}"), Unit::Items(RUN), 401, cases);
    }
}

pub fn repeat(mut work: impl FnMut() -> bool) -> std::time::Duration {
    time(|| {
        for _ in 0..RUN {
            black_box(work());
        }
    })
}

/// The line end found and checked, no other CR, LF or NUL, and the command.
pub fn mail46(octets: &[u8]) -> bool {
    black_box(&Command::parse_first(&mut black_box(octets), &Rules::default()))
        .as_ref()
        .is_some_and(Result::is_ok)
}

/// The line end first, as a session does that waits for it, then the command.
fn in_two(octets: &[u8]) -> bool {
    let Some(line) = line(black_box(octets)) else { return false };
    black_box(&Command::parse(line, &Rules::default())).is_ok()
}

fn framed(frame: &bytes::Bytes) -> bool {
    let Some(line) = line(black_box(frame)) else { return false };
    match Command::parse(line, &Rules::default()) {
        Ok(parsed) => {
            black_box(&parsed.command.in_frame(frame));
            true
        }
        Err(_) => false,
    }
}

fn line(octets: &[u8]) -> Option<&[u8]> {
    let at = mail46_wire::scan::line_break(octets, 0)?;
    (octets.get(at..)? == b"\r\n").then(|| &octets[..at])
}

pub fn smtp_proto(octets: &[u8]) -> bool {
    let request = smtp_proto::Request::parse(&mut black_box(octets).iter());
    black_box(&request).is_ok()
}

fn smtp_codec(octets: &[u8]) -> bool {
    black_box(&smtp_codec::parse::command::command(black_box(octets))).is_ok()
}

/// One case `times` times, for an instruction count; whether there is a case of that name.
pub fn once(case: &str, times: usize) -> bool {
    let (name, work): (&str, fn(&[u8]) -> bool) = match case.split_once(':') {
        Some(("smtp-proto", name)) => (name, smtp_proto),
        Some(("two", name)) => (name, in_two),
        _ => (case, mail46),
    };
    let Some((_, octets)) = LINES.iter().find(|(known, _)| *known == name) else { return false };
    (0..times).for_each(|_| assert!(work(octets)));
    true
}
