//! The server machine without sockets: each dialogue whole, octet by octet, and cut anywhere.

use std::sync::Arc;

use bytes::BytesMut;
use mail46_imap_core::server::{
    Config, Connection, Error, Event, InClear, Offer, Reply, Selection, State, Verb,
};
use mail46_imap_core::{Extension, NumberSet};
use mail46_wire::Step;

/// What the application saw and said.
#[derive(Debug, Default, PartialEq)]
struct Told {
    output: String,
    /// Messages that were taken whole.
    messages: Vec<Vec<u8>>,
    appended: usize,
    closed: bool,
}

fn config() -> Config {
    let mut config = Config::new("ready");
    config.in_clear = InClear::Taken;
    config.mechanisms = vec!["PLAIN".into()];
    config.starttls = Offer::Yes;
    config.compress = Offer::Yes;
    config.append_limit = 100;
    config.extensions = vec![
        Extension::Imap4Rev1,
        Extension::Imap4Rev2,
        Extension::LiteralPlus,
        Extension::Enable,
        Extension::Idle,
        Extension::Id,
        Extension::CondStore,
        Extension::Qresync,
        Extension::UidOnly,
        Extension::Utf8Accept,
        Extension::Binary,
        Extension::MultiAppend,
        Extension::Catenate,
        Extension::Replace,
    ];
    config
}

/// An application that lets `u` in with `p`, has a mailbox for all but `no`, and says OK to what it is asked.
fn run(config: &Config, pieces: &[&[u8]]) -> Result<Told, Error> {
    let mut server = Connection::new(Arc::new(config.clone()));
    server.greet()?;
    let greeting = server.output().len();
    let mut told = Told::default();
    let mut input = BytesMut::new();
    let mut message = Vec::new();
    let mut output = BytesMut::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            output.extend_from_slice(&server.output().split());
            match server.next(&mut input)? {
                Step::WantsInput if server.output().is_empty() => break,
                Step::WantsInput => {}
                Step::Paused => panic!("an event was not answered"),
                Step::Event(Event::LogIn(log_in)) => {
                    if log_in.user == b"u" && log_in.password.expose() == b"p" {
                        server.log_in("welcome")?;
                    } else {
                        server.complete(Reply::no("no").with_code("AUTHENTICATIONFAILED"))?;
                    }
                }
                Step::Event(Event::Authenticate(request)) => match request.initial_response {
                    Some(response) if &response[..] == b"\0u\0p" => server.log_in("welcome")?,
                    Some(_) => server.complete(Reply::no("no"))?,
                    None => server.challenge(b"")?,
                },
                Step::Event(Event::AuthResponse(response)) => match &response[..] {
                    b"\0u\0p" => server.log_in("welcome")?,
                    _ => server.complete(Reply::no("no"))?,
                },
                Step::Event(Event::StartTls) => {
                    server.accept_tls(&input)?;
                    server.tls_established()?;
                }
                Step::Event(Event::Compress) => server.complete(Reply::no("not now"))?,
                Step::Event(Event::Command(request)) => {
                    match request.verb {
                        Verb::Select => server.select(Selection::Mailbox)?,
                        Verb::Close => server.select(Selection::None)?,
                        _ => {}
                    }
                    server.complete(Reply::ok(request.verb.name()))?;
                }
                Step::Event(Event::Append(request)) => {
                    if &*request.mailbox.octets() == b"no" {
                        server.complete(Reply::no("no such mailbox").with_code("TRYCREATE"))?;
                    } else {
                        server.accept_message()?;
                    }
                }
                Step::Event(Event::NextMessage(_) | Event::CatenateText(_)) => server.accept_message()?,
                Step::Event(Event::CatenateUrl(url)) => {
                    if &url[..] == b"bad" {
                        server.complete(Reply::no("no such thing").with_code("BADURL bad"))?;
                    } else {
                        message.extend_from_slice(&url);
                        server.accept_message()?;
                    }
                }
                Step::Event(Event::Data(octets)) => {
                    message.extend_from_slice(&octets);
                    if message.ends_with(b"!") {
                        server.complete(Reply::no("over quota").with_code("OVERQUOTA"))?;
                        message.clear();
                    }
                }
                Step::Event(Event::MessageEnd) => told.messages.push(std::mem::take(&mut message)),
                Step::Event(Event::AppendEnd) => {
                    told.appended = told.messages.len();
                    server.complete(Reply::ok("appended"))?;
                }
                Step::Event(Event::Idle) => {
                    server.accept_idle()?;
                    if server.state() == State::Selected {
                        server.exists(7)?;
                    }
                }
                Step::Event(Event::IdleDone) => server.complete(Reply::ok("idled"))?,
                Step::Event(Event::AuthCancelled) => {}
                Step::Event(Event::Closed) => {
                    told.closed = true;
                    output.extend_from_slice(&server.output().split());
                    break;
                }
                Step::Event(other) => panic!("{other:?}"),
            }
        }
    }
    told.output = String::from_utf8_lossy(&output[greeting..]).into_owned();
    Ok(told)
}

/// The answers, each cut before its capability list, or where it says which octet is wrong.
fn lines(output: &str) -> Vec<String> {
    let cut = |line: &str| {
        let line = line.split_once(" [CAPABILITY").map_or(line, |cut| cut.0);
        line.split_once("BAD octet").map_or_else(|| line.to_owned(), |cut| format!("{}BAD octet", cut.0))
    };
    output.lines().map(cut).collect()
}

#[test]
fn dialogues() {
    const IN: &str = "1 LOGIN u p\r\n";
    // (what comes behind a log-in, answers, messages, what it shows)
    type Row<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a str);
    let rows: &[Row<'_>] = &[
        ("a NOOP\r\nb NOOP\r\n", &["a OK NOOP", "b OK NOOP"], &[], "two commands in one read"),
        ("a select x\r\nb fetch 1 flags\r\n", &["a OK SELECT", "b OK FETCH"], &[], "whatever the case"),
        ("a FETCH 1 FLAGS\r\n", &["a BAD not in this state"], &[], "RFC 9051 s 3"),
        ("a LOGIN u p\r\n", &["a BAD not in this state"], &[], "RFC 9051 s 6.2.3"),
        ("a STARTTLS\r\n", &["a BAD not in this state"], &[], "RFC 9051 s 6.2.1: before log-in"),
        ("NOOP\r\n", &["* BAD a command is a tag, a space and a name"], &[], "no tag"),
        ("+ NOOP\r\n", &["* BAD a command is a tag, a space and a name"], &[], "RFC 9051 s 9: no + in a tag"),
        ("a FOO\r\nb NOOP\r\n", &["a BAD unknown command", "b OK NOOP"], &[], "unknown"),
        ("a UID NOOP\r\n", &["a BAD unknown command"], &[], "no such UID command"),
        ("a SORT (DATE) UTF-8 ALL\r\n", &["a BAD unknown command"], &[], "not offered"),
        (
            "\r\na NOOP\r\n",
            &["* BAD a command is a tag, a space and a name", "a OK NOOP"],
            &[],
            "an empty line",
        ),
        ("a IDLE\r\nDONE\r\nb NOOP\r\n", &["+ idling", "a OK idled", "b OK NOOP"], &[], "RFC 2177"),
        ("a IDLE\r\ndone\r\n", &["+ idling", "a OK idled"], &[], "DONE whatever its case"),
        (
            "a IDLE\r\nb NOOP\r\nc NOOP\r\n",
            &["+ idling", "a BAD DONE was expected", "c OK NOOP"],
            &[],
            "no DONE",
        ),
        (
            "a IDLE\r\nDONE {5}\r\nc NOOP\r\n",
            &["+ idling", "a BAD DONE was expected", "c OK NOOP"],
            &[],
            "no literal there",
        ),
        (
            "s SELECT x\r\na IDLE\r\nDONE\r\n",
            &["s OK SELECT", "+ idling", "* 7 EXISTS", "a OK idled"],
            &[],
            "told while idling",
        ),
        ("a ENABLE CONDSTORE X\r\n", &["* ENABLED CONDSTORE", "a OK enabled"], &[], "RFC 5161 s 3.1"),
        ("a ENABLE X\r\n", &["* ENABLED", "a OK enabled"], &[], "nothing that is known"),
        ("a ENABLE\r\n", &["a BAD ENABLE takes capabilities"], &[], "nothing at all"),
        (
            "a ENABLE UIDONLY\r\ns SELECT x\r\nb FETCH 1 FLAGS\r\n",
            &[
                "* ENABLED UIDONLY",
                "a OK enabled",
                "s OK SELECT",
                "b BAD [UIDREQUIRED] message numbers are not to be used",
            ],
            &[],
            "RFC 9586 s 3",
        ),
        (
            "a APPEND x {3}\r\nabc\r\nb NOOP\r\n",
            &["+ go on", "a OK appended", "b OK NOOP"],
            &["abc"],
            "RFC 9051 s 6.3.12",
        ),
        ("a APPEND x {3+}\r\nabc\r\n", &["a OK appended"], &["abc"], "RFC 7888: no +"),
        ("a APPEND x {0}\r\n\r\n", &["+ go on", "a OK appended"], &[""], "RFC 9051 s 4.3: {0} waits too"),
        (
            "a APPEND x (\\Seen) \" 1-Jan-2020 00:00:00 +0000\" {3}\r\nabc\r\n",
            &["+ go on", "a OK appended"],
            &["abc"],
            "flags and a date",
        ),
        (
            "a APPEND {1}\r\nx {3}\r\nabc\r\n",
            &["+ go on", "+ go on", "a OK appended"],
            &["abc"],
            "a literal for a name",
        ),
        (
            "a APPEND no {3}\r\nb NOOP\r\n",
            &["a NO [TRYCREATE] no such mailbox", "b OK NOOP"],
            &[],
            "no + before NO",
        ),
        (
            "a APPEND no {3+}\r\nabc\r\nb NOOP\r\n",
            &["a NO [TRYCREATE] no such mailbox", "b OK NOOP"],
            &[],
            "swallowed",
        ),
        (
            "a APPEND no {8+}\r\nb NOOP\r\n\r\nc NOOP\r\n",
            &["a NO [TRYCREATE] no such mailbox", "c OK NOOP"],
            &[],
            "RFC 7888 s 4: octets of a refused literal are no command",
        ),
        (
            "a APPEND x {101}\r\nb NOOP\r\n",
            &["a NO [TOOBIG] a message that is too big", "b OK NOOP"],
            &[],
            "RFC 7889",
        ),
        (
            "a APPEND x {3}\r\nab!\r\nb NOOP\r\n",
            &["+ go on", "a NO [OVERQUOTA] over quota", "b OK NOOP"],
            &[],
            "in the middle",
        ),
        ("a APPEND x {2}\r\nab {2+}\r\ncd\r\n", &["+ go on", "a OK appended"], &["ab", "cd"], "RFC 3502"),
        (
            "a APPEND x {2}\r\nx! (\\Seen) {2}\r\nb NOOP\r\n",
            &["+ go on", "a NO [OVERQUOTA] over quota", "b OK NOOP"],
            &[],
            "RFC 3502: the second is not asked for",
        ),
        ("a APPEND x ~{2}\r\n\0\n\r\n", &["+ go on", "a OK appended"], &["\0\n"], "RFC 3516: literal8"),
        ("a APPEND x {2}\r\nabc\r\nb NOOP\r\n", &["+ go on", "a BAD octet", "b OK NOOP"], &["ab"], "more"),
        ("a APPEND x\r\n", &["a BAD octet"], &[], "no literal"),
        (
            "a APPEND x CATENATE (URL p TEXT {2}\r\nab URL q)\r\n",
            &["+ go on", "a OK appended"],
            &["pabq"],
            "RFC 4469",
        ),
        ("a APPEND x CATENATE (URL p)\r\n", &["a OK appended"], &["p"], "RFC 4469: URLs alone"),
        (
            "a APPEND x CATENATE (URL bad TEXT {2}\r\nb NOOP\r\n",
            &["a NO [BADURL bad] no such thing", "b OK NOOP"],
            &[],
            "RFC 4469 s 4.1",
        ),
        (
            "a APPEND x CATENATE (TEXT {2+}\r\nab TEXT {1}\r\nc)\r\n",
            &["+ go on", "a OK appended"],
            &["abc"],
            "texts",
        ),
        (
            "a ENABLE UTF8=ACCEPT\r\nb APPEND x UTF8 (~{2}\r\nab)\r\n",
            &["* ENABLED UTF8=ACCEPT", "a OK enabled", "+ go on", "b OK appended"],
            &["ab"],
            "RFC 6855 s 4",
        ),
        (
            "s SELECT x\r\na REPLACE 1 x {2}\r\nab\r\n",
            &["s OK SELECT", "+ go on", "a OK appended"],
            &["ab"],
            "RFC 8508",
        ),
        (
            "s SELECT x\r\na REPLACE 1 x {2}\r\nab {2}\r\nb NOOP\r\n",
            &["s OK SELECT", "+ go on", "a BAD octet", "b OK NOOP"],
            &["ab"],
            "RFC 8508 s 4: one message",
        ),
        ("a COMPRESS DEFLATE\r\n", &["a NO not now"], &[], "RFC 4978"),
        ("a COMPRESS X\r\n", &["a BAD DEFLATE is all there is"], &[], "RFC 4978"),
        (
            "a SELECT {1}\r\nx\r\n",
            &["+ go on", "a OK SELECT"],
            &[],
            "a literal that is a part of its command",
        ),
        (
            "a SELECT {70000}\r\nb NOOP\r\n",
            &["a BAD [TOOBIG] literal of 70000 octets, which are more than 65536", "b OK NOOP"],
            &[],
            "one that is too long",
        ),
        ("a LOGOUT\r\nb NOOP\r\n", &["* BYE bye", "a OK bye"], &[], "RFC 9051 s 6.1.3"),
        ("a LOGOUT now\r\n", &["a BAD this command takes no arguments"], &[], "arguments"),
    ];
    let config = config();
    for (script, want, messages, shows) in rows {
        let script = format!("{IN}{script}");
        let octets = script.as_bytes();
        let whole = run(&config, &[octets]).unwrap();
        let said = lines(&whole.output);
        assert_eq!(said[0], "1 OK", "{shows}");
        assert_eq!(said[1..], **want, "{shows}");
        let taken: Vec<_> = whole.messages.iter().map(|message| String::from_utf8_lossy(message)).collect();
        assert_eq!(taken, *messages, "{shows}");
        let single: Vec<&[u8]> = octets.chunks(1).collect();
        assert_eq!(run(&config, &single).unwrap(), whole, "{shows}: octet by octet");
        for cut in 0..octets.len() {
            let (one, other) = octets.split_at(cut);
            assert_eq!(run(&config, &[one, other]).unwrap(), whole, "{shows}: cut at {cut}");
        }
    }
}

#[test]
fn before_log_in() {
    let rows: &[(&str, &[&str], &str)] = &[
        ("a LOGIN u x\r\nb LOGIN u p\r\n", &["a NO [AUTHENTICATIONFAILED] no", "b OK"], "another try"),
        ("a LOGIN {1}\r\nu {1+}\r\np\r\n", &["+ go on", "a OK"], "literals"),
        ("a LOGIN u \"p\"\r\n", &["a OK"], "a quoted string"),
        ("a AUTHENTICATE PLAIN AHUAcA==\r\n", &["a OK"], "RFC 4959"),
        ("a AUTHENTICATE plain\r\nAHUAcA==\r\n", &["+ ", "a OK"], "without an initial response"),
        (
            "a AUTHENTICATE PLAIN\r\n*\r\nb LOGIN u p\r\n",
            &["+ ", "a BAD authentication cancelled", "b OK"],
            "RFC 9051 s 6.2.2",
        ),
        ("a AUTHENTICATE PLAIN =\r\n", &["a NO no"], "RFC 4959: an empty one"),
        ("a AUTHENTICATE FOO\r\n", &["a NO [CANNOT] unknown mechanism"], "not offered"),
        ("a SELECT x\r\n", &["a BAD not in this state"], "RFC 9051 s 3.1"),
        ("a NOOP\r\n", &["a OK nothing done"], "in any state"),
        (
            "a LOGIN u {1025}\r\nb NOOP\r\n",
            &["a BAD [TOOBIG] literal of 1025 octets, which are more than 1024", "b OK nothing done"],
            "small literals only",
        ),
        (
            "a SELECT {5}\r\nb NOOP\r\n",
            &["a BAD not in this state", "b OK nothing done"],
            "no + for what is refused anyway",
        ),
        (
            "a APPEND x {5+}\r\nabcde\r\nb NOOP\r\n",
            &["a BAD not in this state", "b OK nothing done"],
            "swallowed",
        ),
        (
            "a LOGIN {400000000+}\r\n",
            &["a BAD [TOOBIG] literal of 400000000 octets, which are more than 1024"],
            "a bomb",
        ),
        (
            "a X\r\nb X\r\nc X\r\nd NOOP\r\n",
            &[
                "a BAD unknown command",
                "b BAD unknown command",
                "c BAD unknown command",
                "* BYE too many errors",
            ],
            "too many errors",
        ),
        (
            "a LOGIN u x\r\nb LOGIN u x\r\nc LOGIN u x\r\nd NOOP\r\n",
            &[
                "a NO [AUTHENTICATIONFAILED] no",
                "b NO [AUTHENTICATIONFAILED] no",
                "c NO [AUTHENTICATIONFAILED] no",
                "* BYE too many failed log-ins",
            ],
            "too many log-ins",
        ),
    ];
    let config = config();
    for (script, want, shows) in rows {
        let octets = script.as_bytes();
        let whole = run(&config, &[octets]).unwrap();
        assert_eq!(lines(&whole.output), *want, "{shows}");
        for cut in 0..octets.len() {
            let (one, other) = octets.split_at(cut);
            assert_eq!(run(&config, &[one, other]).unwrap(), whole, "{shows}: cut at {cut}");
        }
    }
}

#[test]
fn passwords_in_clear() {
    let mut config = config();
    config.in_clear = InClear::Refused;
    let said =
        run(&config, &[b"a CAPABILITY\r\nb LOGIN u p\r\nc AUTHENTICATE PLAIN AHUAcA==\r\n"]).unwrap().output;
    assert!(
        said.starts_with("* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE STARTTLS LOGINDISABLED\r\n"),
        "{said}"
    );
    assert!(said.contains("b NO [PRIVACYREQUIRED]") && said.contains("c NO [PRIVACYREQUIRED]"), "{said}");
    // STARTTLS: what is announced changes, and it is not to be had twice.
    let pieces: &[&[u8]] = &[b"a STARTTLS\r\n", b"b CAPABILITY\r\nc STARTTLS\r\nd LOGIN u p\r\n"];
    let said = run(&config, pieces).unwrap().output;
    assert!(
        said.contains("* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE AUTH=PLAIN SASL-IR\r\n"),
        "{said}"
    );
    assert!(said.contains("c BAD TLS is on") && said.contains("d OK"), "{said}");
}

#[test]
fn octets_behind_starttls_end_the_session() {
    for behind in ["b", "b LOGIN u p\r\n", "b LOGIN {4+}\r\n", "\r\n"] {
        let script = format!("a STARTTLS\r\n{behind}");
        assert!(matches!(run(&config(), &[script.as_bytes()]), Err(Error::Peer(_))), "{behind:?}");
    }
}

#[test]
fn endless_lines_hold_nothing() {
    let mut server = Connection::new(Arc::new(config()));
    server.greet().unwrap();
    let mut input = BytesMut::new();
    let mut most = 0;
    for _ in 0..1_000 {
        input.extend_from_slice(&[b'a'; 16 * 1024]);
        while let Step::Event(_) = server.next(&mut input).unwrap() {}
        most = most.max(input.len());
    }
    assert!(most <= 32 * 1024, "{most}");
}

#[test]
fn who_never_reads_is_not_listened_to() {
    let mut server = Connection::new(Arc::new(config()));
    server.greet().unwrap();
    let mut input = BytesMut::from("1 LOGIN u p\r\n");
    for _ in 0..100_000 {
        input.extend_from_slice(b"a CAPABILITY\r\n");
    }
    loop {
        match server.next(&mut input).unwrap() {
            Step::Event(Event::LogIn(_)) => server.log_in("in").unwrap(),
            Step::Event(other) => panic!("{other:?}"),
            _ => break,
        }
    }
    assert!(server.output().len() < 70_000, "{}", server.output().len());
    assert!(input.len() > 1_000_000, "the rest waits");
}

#[test]
fn what_may_be_told_when() {
    let mut server = Connection::new(Arc::new(config()));
    server.greet().unwrap();
    assert!(server.exists(1).is_err(), "no command");
    let mut input =
        BytesMut::from("1 LOGIN u p\r\n2 SELECT x\r\n3 FETCH 1 FLAGS\r\n4 UID FETCH 1 FLAGS\r\n5 IDLE\r\n");
    let mut steps = 0;
    let one = std::num::NonZeroU32::MIN;
    while let Step::Event(event) = server.next(&mut input).unwrap() {
        steps += 1;
        match event {
            Event::LogIn(_) => server.log_in("in").unwrap(),
            Event::Command(request) if request.verb == Verb::Select => {
                server.select(Selection::Mailbox).unwrap();
                server.exists(3).unwrap();
                server.complete(Reply::ok("")).unwrap();
                assert!(server.exists(3).is_err(), "it is over");
                assert!(server.complete(Reply::ok("")).is_err(), "twice");
            }
            Event::Command(request) => {
                let may = request.verb == Verb::UidFetch;
                assert_eq!(server.may_expunge(), may);
                assert_eq!(server.expunge(one).is_ok(), may, "RFC 9051 s 7.5.1");
                assert!(server.vanished(&NumberSet::new()).is_err(), "RFC 7162 s 3.2.10: not enabled");
                server.begin_fetch(one).unwrap();
                assert!(server.exists(1).is_err(), "in the middle of FETCH");
                assert!(server.complete(Reply::ok("")).is_err(), "in the middle of FETCH");
                server.end_fetch().unwrap();
                assert!(server.fetch_data(b"x").is_err(), "no literal");
                server.complete(Reply::ok("")).unwrap();
            }
            Event::Idle => {
                assert!(server.expunge(one).is_err(), "before the +");
                server.accept_idle().unwrap();
                server.expunge(one).unwrap();
                server.exists(2).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(steps, 5);
    let said = String::from_utf8_lossy(server.output()).into_owned();
    assert!(said.ends_with("+ idling\r\n* 1 EXPUNGE\r\n* 2 EXISTS\r\n"), "{said}");
}
