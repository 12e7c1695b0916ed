//! The client machine beside servers that end, break, or do wrong; messages that cannot be sent; verbs that do not fit.

mod script;

use bytes::BytesMut;
use mail46_smtp::client::{Config, Connection, Envelope, Error, Event, Misuse, PeerMisbehaved, Unable};
use mail46_smtp::{Body, Command, Param};
use mail46_wire::{BareNewline, Step};
use script::*;

#[test]
fn the_last_word_of_a_server_at_any_step() {
    check(&[
        (smtp, &[HI, EHLO, S("421 bye\r\n")], "closed 421", "at EHLO"),
        (
            smtp,
            &[HI, EHLO, PIPE, S("421 idle\r\n"), C(|m| assert!(m.quit().is_err()))],
            "ready closed 421",
            "unasked (RFC 5321 s 3.8)",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("421 bye\r\n")],
            "ready done Mail421,Mail421 closed 421",
            "at MAIL",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n421 bye\r\n")],
            "ready done Rcpt550,Rcpt421 closed 421",
            "at RCPT",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n250 ok\r\n421 bye\r\n")],
            "ready done Rcpt550,Data421 closed 421",
            "at DATA",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 no\r\n250 ok\r\n354\r\n"),
                Flush,
                S("421 bye\r\n"),
            ],
            "ready send done Rcpt550,Message421 closed 421",
            "behind the dot",
        ),
        (
            lmtp,
            &[
                HI,
                Flush,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n250 no\r\n250 ok\r\n354\r\n"),
                Flush,
                S("250 ok\r\n421 bye\r\n"),
            ],
            "ready send done +,Message421 closed 421",
            "between two replies of LMTP",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(|m| m.quit().unwrap()), Flush, S("421 bye\r\n")],
            "ready closed 421",
            "at QUIT",
        ),
    ]);
}

#[test]
fn replies_that_nothing_asked_for() {
    const UNASKED: &str = "a reply to no command";
    for (script, shows) in [
        (&[S("220 mx\r\n250-mx\r\n250 PIPELINING\r\n")][..], "EHLO's reply with the greeting"),
        (&[HI, EHLO, S("250 mx\r\n250 ok\r\n")], "one more behind EHLO's"),
        (
            &[HI, EHLO, PIPE, C(one), Flush, S("250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n")],
            "the message's with 354",
        ),
        (&[HI, EHLO, BARE, C(one), Flush, S("250 ok\r\n250 ok\r\n")], "RCPT's with MAIL's, not pipelined"),
    ] {
        let log = run(smtp, script, Cut::Whole);
        assert!(log.ends_with(UNASKED), "{shows}: {log}");
    }
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250 mx\r\n");
    talk.hear(b"250 ok\r\n");
    assert!(talk.log.ends_with(UNASKED), "while nothing is awaited: {}", talk.log);

    // A message is not delivered before it is sent.
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    talk.machine.mail(&to(&["c@d.example"]).with_size(4)).unwrap();
    assert!(matches!(talk.machine.next(&mut talk.input), Ok(Step::Event(Event::SendData))));
    talk.machine.data(b"hi").unwrap();
    talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n250 queued\r\n");
    let error = talk.machine.next(&mut talk.input).unwrap_err();
    assert!(matches!(error, Error::Peer(PeerMisbehaved::EarlyReply)));
    assert_eq!(describe(&talk.machine.connection_lost().unwrap()), "-");
}

#[test]
fn a_refusal_in_the_middle_of_the_message_ends_the_session() {
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250 PIPELINING\r\n");
    talk.machine.mail(&to(&["c@d.example"])).unwrap();
    talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n354 go\r\n");
    assert!(matches!(talk.machine.next(&mut talk.input), Ok(Step::Event(Event::SendData))));
    talk.machine.data(b"half").unwrap();
    talk.hear(b"552 enough\r\n");
    assert_eq!(
        talk.log.trim(),
        "ready done Message552 closed 552",
        "what follows cannot be told from commands"
    );
    assert!(talk.machine.data(b"x").is_err() && talk.machine.mail(&to(&["c@d.example"])).is_err());
}

#[test]
fn what_a_lost_connection_leaves() {
    const OK3: Do = S("250 ok\r\n250 ok\r\n550 no\r\n");
    check(&[
        (smtp, &[HI, EHLO, PIPE, Break], "ready", "no transaction, nothing lost"),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, Break],
            "ready lost -,-",
            "before any reply, and nothing of the message sent",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, Break],
            "ready lost -,Rcpt550",
            "what was refused stays refused",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, S("354\r\n"), Break],
            "ready send lost -,Rcpt550",
            "the dot has not left",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, S("354\r\n"), Flush, Break],
            "ready send lost ?,Rcpt550",
            "RFC 1047: it has",
        ),
        (smtp, &[HI, EHLO, FULL, C(sized), Break], "ready send lost -,-", "one flight, not sent"),
        (
            smtp,
            &[HI, EHLO, FULL, C(sized), Flush, Break],
            "ready send lost ?,?",
            "one flight, sent whole, and not one reply",
        ),
        (
            smtp,
            &[HI, EHLO, FULL, C(sized), Flush, S("250 ok\r\n550 no\r\n"), Break],
            "ready send lost Rcpt550,?",
            "or some",
        ),
        (
            smtp,
            &[HI, EHLO, FULL, C(sized), Flush, S("550 ok\r\n"), Break],
            "ready send lost Mail550,Mail550",
            "or MAIL refused",
        ),
        (
            lmtp,
            &[
                HI,
                Flush,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n250 ok\r\n250 ok\r\n354\r\n"),
                Flush,
                S("452 full\r\n"),
                Break,
            ],
            "ready send lost Message452,?",
            "LMTP, between two replies",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, S("451 no\r\n"), Break],
            "ready done Data451,Rcpt550",
            "over already",
        ),
    ]);
}

/// A server that offers these lines, and is asked for this envelope: an error, or what goes out first.
#[test]
fn what_a_server_cannot_do_is_known_before_mail() {
    fn param(param: Param<'static>) -> impl Fn() -> Envelope {
        move || {
            let mut envelope = to(&["c@d.example"]);
            envelope.params.push(param).unwrap();
            envelope
        }
    }
    let utf8 = || Envelope::new(mailbox("ä@b.example"), [mailbox("c@d.example")]);
    let idn = || to(&["c@bücher.example"]);
    let rows: &[(&str, &dyn Fn() -> Envelope, Result<&str, &str>, &str)] = &[
        (
            "SIZE 10",
            &|| to(&["c@d.example"]).with_size(11),
            Err("the message has 11 octets and the server takes 10"),
            "RFC 1870 s 4",
        ),
        ("SIZE 10", &|| to(&["c@d.example"]).with_size(10), Ok("MAIL FROM:<a@b.example> SIZE=10"), "it fits"),
        (
            "SIZE",
            &|| to(&["c@d.example"]).with_size(11),
            Ok("MAIL FROM:<a@b.example> SIZE=11"),
            "no limit is told",
        ),
        (
            "SIZE 0",
            &|| to(&["c@d.example"]).with_size(11),
            Ok("MAIL FROM:<a@b.example> SIZE=11"),
            "RFC 1870 s 4: 0 is none",
        ),
        ("HELP", &|| to(&["c@d.example"]).with_size(11), Ok("MAIL FROM:<a@b.example>"), "no SIZE at all"),
        (
            "HELP",
            &|| to(&["c@d.example"]).with_body(Body::EightBitMime),
            Err("the message is 8-bit and the server does not offer 8BITMIME"),
            "RFC 6152",
        ),
        (
            "8BITMIME",
            &|| to(&["c@d.example"]).with_body(Body::EightBitMime),
            Ok("MAIL FROM:<a@b.example> BODY=8BITMIME"),
            "",
        ),
        (
            "BINARYMIME",
            &|| to(&["c@d.example"]).with_body(Body::BinaryMime),
            Err("the message is binary and the server does not offer BINARYMIME"),
            "RFC 3030 s 3 (3): only with CHUNKING",
        ),
        (
            "BINARYMIME\r\n250 CHUNKING",
            &|| to(&["c@d.example"]).with_body(Body::BinaryMime),
            Ok("MAIL FROM:<a@b.example> BODY=BINARYMIME"),
            "",
        ),
        (
            "8BITMIME",
            &utf8,
            Err("the message needs SMTPUTF8 and the server does not offer it"),
            "RFC 6531 s 3.1",
        ),
        ("8BITMIME\r\n250 SMTPUTF8", &utf8, Ok("MAIL FROM:<ä@b.example> BODY=8BITMIME SMTPUTF8"), ""),
        ("HELP", &idn, Ok("MAIL FROM:<a@b.example>"), "a domain alone goes as A-labels (RFC 6531 s 3.2)"),
        (
            "LIMITS RCPTMAX=1",
            &|| to(&["c@d.example", "e@d.example"]),
            Err("the server takes 1 recipients a message"),
            "RFC 9422 s 4.2",
        ),
        (
            "LIMITS RCPTDOMAINMAX=1",
            &|| to(&["c@d.example", "e@f.example"]),
            Err("the server takes recipients of 1 domains a message"),
            "s 4.3",
        ),
        (
            "LIMITS RCPTDOMAINMAX=1",
            &|| to(&["c@d.example", "e@D.EXAMPLE"]),
            Ok("MAIL FROM:<a@b.example>"),
            "one domain in two spellings",
        ),
        (
            "LIMITS MAILMAX=0",
            &|| to(&["c@d.example"]),
            Ok("MAIL FROM:<a@b.example>"),
            "RFC 9422 s 3: 0 is no limit value",
        ),
        (
            "HELP",
            &param(Param::RequireTls),
            Err("the message needs REQUIRETLS and the server does not offer it"),
            "RFC 8689 s 4.2.1",
        ),
        (
            "REQUIRETLS",
            &param(Param::RequireTls),
            Err("the message needs REQUIRETLS and the server does not offer it"),
            "and never in the clear, whoever says so there",
        ),
        (
            "HELP",
            &param(Param::HoldFor(10)),
            Err("the message needs FUTURERELEASE and the server does not offer it"),
            "RFC 4865",
        ),
        (
            "HELP",
            &param(Param::Ret(mail46_smtp::Ret::Hdrs)),
            Ok("MAIL FROM:<a@b.example>"),
            "RFC 3461 s 5.2.2: left out",
        ),
        ("DSN", &param(Param::Ret(mail46_smtp::Ret::Hdrs)), Ok("MAIL FROM:<a@b.example> RET=HDRS"), ""),
        ("HELP", &|| to(&[]), Err("no recipients"), ""),
    ];
    for (offer, envelope, want, shows) in rows {
        let mut talk = Talk::new(config());
        talk.hear(b"220 mx\r\n");
        let offer = offer.replace("250 ", "250-");
        let offer = match offer.rsplit_once("250-") {
            Some((before, last)) => format!("{before}250 {last}"),
            None => format!("\0{offer}"),
        };
        let offer = match offer.strip_prefix('\0') {
            Some(one) => format!("250-mx\r\n250 {one}\r\n"),
            None => format!("250-mx\r\n250-{offer}\r\n"),
        };
        talk.hear(offer.as_bytes());
        assert_eq!(talk.log.trim(), "ready", "{offer}");
        talk.machine.output().clear();
        let got = talk.machine.mail(&envelope()).map_err(|unable| unable.to_string());
        match (got, want) {
            (Err(got), Err(want)) => {
                assert_eq!(got, *want, "{shows}");
                assert!(talk.machine.output().is_empty(), "nothing is sent: {shows}");
            }
            (Ok(()), Ok(want)) => {
                let output = talk.machine.output().split();
                let first = output[..].split(|octet| *octet == b'\r').next().unwrap_or_default();
                assert_eq!(first, want.as_bytes(), "{shows}");
            }
            (got, want) => panic!("{shows}: {got:?}, not {want:?}"),
        }
    }
}

#[test]
fn mailmax_counts_messages() {
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250 LIMITS MAILMAX=1\r\n");
    talk.machine.mail(&to(&["c@d.example"])).unwrap();
    talk.hear(b"450 no\r\n");
    let error = talk.machine.mail(&to(&["c@d.example"])).unwrap_err();
    assert!(matches!(error, Unable::TooManyMessages { limit: 1 }), "RFC 9422 s 4.1: {error}");
}

#[test]
fn replies_without_end_are_cut_off() {
    for line in [&b"220-x\r\n"[..], b"220-", b"x"] {
        let mut machine = Connection::new(config());
        let mut input = BytesMut::new();
        let mut heard = 0;
        let error = loop {
            for _ in 0..100 {
                input.extend_from_slice(line);
            }
            heard += 100 * line.len();
            match machine.next(&mut input) {
                Ok(Step::WantsInput) => assert!(heard < 1 << 20, "no end to {line:?}"),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Peer(PeerMisbehaved::BadReply(_))), "{error}");
    }
}

#[test]
fn our_own_message_is_checked() {
    fn sending(config: Config, size: Option<u64>) -> Connection {
        let mut talk = Talk::new(config);
        talk.hear(b"220 mx\r\n");
        talk.hear(b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
        let mut envelope = to(&["c@d.example"]);
        envelope.size = size;
        talk.machine.mail(&envelope).unwrap();
        if size.is_none() {
            talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n354 go\r\n");
        }
        assert!(matches!(talk.machine.next(&mut talk.input), Ok(Step::Event(Event::SendData))));
        talk.machine
    }
    for bad in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"\n"] {
        let mut machine = sending(config(), None);
        assert!(matches!(machine.data(bad), Err(Error::Misuse(Misuse::BareNewline))), "DATA {bad:?}");
        let mut machine = sending(config(), Some(bad.len() as u64));
        assert!(matches!(machine.data(bad), Err(Error::Misuse(Misuse::BareNewline))), "BDAT {bad:?}");
    }
    let mut machine = sending(config(), Some(4));
    assert!(matches!(machine.data(b"hello"), Err(Error::Misuse(Misuse::SizeBroken))), "more than was said");
    machine.data(b"hi").unwrap();
    assert!(matches!(machine.finish_data(), Err(Error::Misuse(Misuse::SizeBroken))), "less");
    let mut machine = sending(config(), Some(3));
    machine.data(b"hi\r").unwrap();
    assert!(matches!(machine.finish_data(), Err(Error::Misuse(Misuse::BareNewline))), "half a line end");
    let mut normal = config();
    normal.bare_newline = BareNewline::Normalize;
    let mut machine = sending(normal, None);
    machine.output().clear();
    machine.data(b".a\nb").unwrap();
    machine.finish_data().unwrap();
    assert_eq!(machine.output().split(), "..a\r\nb\r\n.\r\n");
}

fn binary(offers: &[u8]) -> Talk {
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(offers);
    talk.machine.mail(&to(&["c@d.example"]).with_body(Body::BinaryMime)).unwrap();
    talk.machine.output().clear();
    talk.input.extend_from_slice(b"250 ok\r\n");
    while !matches!(talk.machine.next(&mut talk.input).unwrap(), Step::Event(Event::SendData)) {
        talk.machine.output().clear();
        talk.input.extend_from_slice(b"250 ok\r\n");
    }
    talk
}

#[test]
fn a_message_of_unknown_size_goes_chunk_by_chunk() {
    const ALL: &[u8] = b"250-mx\r\n250-PIPELINING\r\n250-BINARYMIME\r\n250 CHUNKING\r\n";
    let mut talk = binary(ALL);
    talk.machine.data(b"\0\n").unwrap();
    talk.machine.data(b"").unwrap();
    talk.machine.data(b"\r").unwrap();
    talk.machine.finish_data().unwrap();
    assert_eq!(talk.machine.output().split(), "BDAT 2\r\n\0\nBDAT 1\r\n\rBDAT 0 LAST\r\n");
    talk.hear(b"250 ok\r\n250 ok\r\n250 queued\r\n");
    assert_eq!(talk.log.trim(), "ready done +");

    // A chunk is refused while others are on their way, and the application does not know yet.
    let mut talk = binary(ALL);
    talk.machine.data(b"a").unwrap();
    talk.machine.data(b"b").unwrap();
    talk.machine.output().clear();
    talk.hear(b"452 full\r\n");
    talk.machine.data(b"c").unwrap();
    talk.machine.finish_data().unwrap();
    assert!(talk.machine.output().is_empty(), "RFC 3030 s 2: no more segments");
    talk.hear(b"503 no\r\n");
    assert_eq!(talk.log.trim(), "ready done Message452");
    talk.machine.mail(&to(&["c@d.example"])).unwrap();
    assert!(talk.machine.output().starts_with(b"RSET\r\n"));

    // Without PIPELINING each chunk waits for the reply to the one before.
    let mut talk = binary(b"250-mx\r\n250-BINARYMIME\r\n250 CHUNKING\r\n");
    talk.machine.data(b"a").unwrap();
    talk.machine.data(b"b").unwrap();
    talk.machine.finish_data().unwrap();
    assert_eq!(talk.machine.output().split(), "BDAT 1\r\na");
    talk.hear(b"250 ok\r\n");
    assert_eq!(talk.machine.output().split(), "BDAT 1\r\nb");
    talk.hear(b"250 ok\r\n");
    assert_eq!(talk.machine.output().split(), "BDAT 0 LAST\r\n");
    talk.hear(b"250 queued\r\n");
    assert_eq!(talk.log.trim(), "ready done +");
}

#[test]
fn verbs_that_do_not_fit_are_misuse() {
    let mut machine = Connection::new(config());
    assert!(machine.quit().is_err(), "RFC 5321 s 3.1: not before the greeting");
    assert!(machine.send(&Command::Noop(None)).is_err() && machine.auth("PLAIN", None).is_err());
    assert!(machine.start_tls().is_err() && machine.tls_established().is_err());
    assert!(machine.data(b"").is_err() && machine.finish_data().is_err());
    assert!(machine.respond(b"").is_err() && machine.cancel_auth().is_err());
    assert!(machine.output().is_empty());
    check(&[(
        smtp,
        &[
            HI,
            EHLO,
            PIPE,
            C(|m| assert!(m.send(&Command::Quit).is_err() && m.send(&Command::Data).is_err())),
            C(|m| m.send(&Command::Rset).unwrap()),
            C(|m| m.send(&Command::Noop(None)).unwrap()),
            C(|m| assert!(m.send(&Command::Rset).is_err(), "RFC 2920 s 3.1: NOOP ends a group")),
            C(|m| assert!(m.quit().is_err(), "and so for QUIT")),
            W("RSET\r\nNOOP\r\n"),
            S("250 ok\r\n250 ok\r\n"),
            C(|m| m.send(&Command::Help(None)).unwrap()),
            Flush,
            S("214 no\r\n"),
            C(one),
            C(|m| assert!(m.quit().is_err() && m.send(&Command::Rset).is_err() && m.start_tls().is_err())),
        ],
        "ready RSET 250 NOOP 250 HELP 214",
        "in order",
    )]);
}
