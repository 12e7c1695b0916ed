//! One reply to EHLO from its octets to what is offered: mail46, smtp-proto, smtp-codec.

use std::hint::black_box;

use mail46_smtp::{ExtensionKind, Extensions, Reply};

use crate::{
    commands::{RUN, repeat},
    harness::{Case, Unit, table},
};

pub const EHLO: [(&str, &[u8]); 2] = [
    (
        "EHLO, 8 lines",
        b"250-mx.google.com at your service, [2001:db8::1]\r\n250-SIZE 157286400\r\n250-8BITMIME\r\n250-STARTTLS\r\n\
250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n",
    ),
    (
        "EHLO, 10 lines, 5 mechanisms",
        b"250-mail.example.com Hello [2001:db8::1]\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-ETRN\r\n\
250-STARTTLS\r\n250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2\r\n250-ENHANCEDSTATUSCODES\r\n\
250-8BITMIME\r\n250-DSN\r\n250 CHUNKING\r\n",
    ),
];

const SHORT: [(&str, &[u8]); 2] =
    [("250 with enhanced code", b"250 2.1.5 Ok\r\n"), ("354", b"354 End data with <CR><LF>.<CR><LF>\r\n")];

pub fn run() {
    for (name, frame) in EHLO {
        assert!(mail46_ehlo(frame) && smtp_proto_ehlo(frame), "{name}");
        let mut cases = vec![
            Case::new("smtp-proto 0.2.5 EhloResponse", || repeat(|| smtp_proto_ehlo(frame))),
            Case::new("mail46 Extensions", || repeat(|| mail46_ehlo(frame))),
            Case::new("memchr of each LF", || {
                repeat(|| memchr::memchr_iter(b'\n', black_box(frame)).count() > 1)
            }),
        ];
        if smtp_codec_ehlo(frame) {
            cases.push(Case::new("smtp-codec 0.2.0", || repeat(|| smtp_codec_ehlo(frame))));
        }
        table(&format!("replies: {name}"), Unit::Items(RUN), 401, cases);
    }
    for (name, frame) in SHORT {
        assert!(mail46(frame) && smtp_proto(frame), "{name}");
        let cases = vec![
            Case::new("smtp-proto 0.2.5 ResponseReceiver", || repeat(|| smtp_proto(frame))),
            Case::new("mail46 Reply", || repeat(|| mail46(frame))),
        ];
        table(&format!("replies: {name}"), Unit::Items(RUN), 401, cases);
    }
}

pub fn mail46_ehlo(frame: &[u8]) -> bool {
    let Ok(reply) = Reply::parse(black_box(frame)) else { return false };
    let Some(offered) = Extensions::from_reply(reply) else { return false };
    black_box(&offered).has(ExtensionKind::StartTls) && offered.size().is_some()
}

pub fn smtp_proto_ehlo(frame: &[u8]) -> bool {
    let Ok(offered) = smtp_proto::EhloResponse::parse(&mut black_box(frame).iter()) else { return false };
    black_box(&offered).has_capability(smtp_proto::EXT_START_TLS) && offered.size > 0
}

fn smtp_codec_ehlo(frame: &[u8]) -> bool {
    black_box(&smtp_codec::parse::response::ehlo_ok_rsp(black_box(frame))).is_ok()
}

fn mail46(frame: &[u8]) -> bool {
    black_box(&Reply::parse(black_box(frame))).is_ok()
}

fn smtp_proto(frame: &[u8]) -> bool {
    let reply = smtp_proto::response::parser::ResponseReceiver::default().parse(&mut black_box(frame).iter());
    black_box(&reply).is_ok()
}

/// One case `times` times, for an instruction count; whether there is a case of that name.
pub fn once(case: &str, times: usize) -> bool {
    let (name, work): (&str, fn(&[u8]) -> bool) = match case.strip_prefix("smtp-proto:") {
        Some(name) => (name, smtp_proto_ehlo),
        None => (case, mail46_ehlo),
    };
    let Some((_, octets)) = EHLO.iter().find(|(known, _)| *known == name) else { return false };
    (0..times).for_each(|_| assert!(work(octets)));
    true
}
