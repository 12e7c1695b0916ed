//! The client machine, against servers that keep to the protocol and servers that do not.

use bytes::{Bytes, BytesMut};
use mail46_imap_core::client::{
    CommandId, Config, Connection, Error, Event, InClear, InitialResponse, Misuse, Peer, State,
};
use mail46_imap_core::command::{Append, AppendData, AppendMessage};
use mail46_imap_core::{
    Command, CommandBody, Extension, FrameLimits, IString, LiteralForm, Mailbox, Mode, Profile,
};
use mail46_sasl::{Binding, Nonce, Secret, client::Exchange};
use mail46_wire::Step;
use proptest::prelude::*;

const CAN: &str = "IMAP4rev1 SASL-IR IDLE ENABLE CONDSTORE QRESYNC UIDPLUS AUTH=PLAIN";

/// A client outside TLS that sends passwords all the same, and hands over literals of more than 16 octets.
fn config() -> Config {
    let mut config = Config::default();
    config.passwords = InClear::Taken;
    config.limits.frame = FrameLimits { literal: 16, ..FrameLimits::client() };
    config
}

/// What a server says, put into a client; and what the client tells, in words.
fn hear(client: &mut Connection, said: &str) -> Result<Vec<String>, Error> {
    tell(client, &[said.as_bytes()])
}

fn tell(client: &mut Connection, pieces: &[&[u8]]) -> Result<Vec<String>, Error> {
    let (mut input, mut told) = (BytesMut::new(), Vec::<String>::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Step::Event(event) = client.next(&mut input)? {
            match (event, told.last_mut()) {
                // Pieces of a literal are one, however they came.
                (Event::Data(data), Some(last)) if last.starts_with("data ") => {
                    *last += &data.escape_ascii().to_string();
                }
                (event, _) => told.push(words(&event)),
            }
        }
    }
    Ok(told)
}

fn words(event: &Event) -> String {
    match event {
        Event::Ready => "ready".to_owned(),
        Event::Unwelcome(_) => "unwelcome".to_owned(),
        Event::TlsReady => "TLS ready".to_owned(),
        Event::TlsRefused(_) => "TLS refused".to_owned(),
        Event::CompressionReady => "compression ready".to_owned(),
        Event::Authenticated(_) => "authenticated".to_owned(),
        Event::AuthRefused { fault, .. } => format!("log-in refused {fault:?}"),
        Event::Idling(_) => "idling".to_owned(),
        Event::Proceed { octets, .. } => format!("wants {octets}"),
        Event::Untagged { to, response } => {
            let text = format!("{response:?}");
            let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            format!("{} {name}", if to.is_some() { "answer" } else { "news" })
        }
        Event::DataBegin(begin) => format!("begin {} {}", begin.size, begin.so_far.is_some()),
        Event::Data(data) => format!("data {}", data.escape_ascii()),
        Event::DataEnd => "end".to_owned(),
        Event::Completed(completed) => {
            format!("{:?} {:?} {:?}", completed.id, completed.status.status, completed.sent)
        }
        Event::Unintelligible(what) => format!("unintelligible {}", what.octets.escape_ascii()),
        Event::StrayContinuation(plus) => format!("stray + {}", plus.text.as_bytes().escape_ascii()),
        other => format!("{other:?}"),
    }
}

fn said(client: &mut Connection) -> String {
    String::from_utf8_lossy(&client.output().split()).into_owned()
}

/// A client that has been greeted so.
fn greeted(config: Config, capabilities: &str) -> Connection {
    let mut client = Connection::new(config);
    assert_eq!(hear(&mut client, &format!("* OK [CAPABILITY {capabilities}] hello\r\n")).unwrap(), ["ready"]);
    client
}

/// And is logged in.
fn logged_in(config: Config, capabilities: &str) -> Connection {
    let mut client = greeted(config, capabilities);
    client.login("u", &"p".into()).unwrap();
    assert_eq!(said(&mut client), "A1 LOGIN u p\r\n");
    let ok = format!("A1 OK [CAPABILITY {capabilities}] welcome\r\n");
    assert_eq!(hear(&mut client, &ok).unwrap(), ["authenticated"]);
    client
}

fn command(text: &str) -> CommandBody {
    let line = Bytes::from(format!("X {text}\r\n"));
    Command::parse_shared(&line, &[], &Mode::new(Profile::Liberal)).unwrap().body
}

fn send(client: &mut Connection, text: &str) -> CommandId {
    client.send(command(text)).unwrap()
}

#[test]
fn a_session_whole_by_octet_and_cut_at_each_index() {
    let begin = || {
        let mut client = logged_in(config(), CAN);
        for text in ["SELECT INBOX", "UID FETCH 1:* (FLAGS BODY[])", "UID SEARCH UNSEEN"] {
            send(&mut client, text);
        }
        client.logout().unwrap();
        assert_eq!(
            said(&mut client),
            "A2 SELECT INBOX\r\nA3 UID FETCH 1:* (FLAGS BODY[])\r\nA4 UID SEARCH UNSEEN\r\n",
            "one flight, and LOGOUT behind it"
        );
        client
    };
    let text = "* 2 EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 7] x\r\nA2 OK [READ-WRITE] selected\r\n\
        * 1 FETCH (UID 5 FLAGS (\\Seen) BODY[] {20}\r\nA4 OK no such thing.)\r\n\
        * 2 FETCH (UID 6 BODY[] {3}\r\na\r\n FLAGS ())\r\n* 3 EXISTS\r\nA3 OK fetched {5}\r\n\
        * SEARCH 6\r\n* 7 FETCH (\r\nA4 OK done\r\n* BYE\r\nA5 OK bye\r\n";
    let whole = tell(&mut begin(), &[text.as_bytes()]).unwrap();
    let want = [
        "answer Exists",
        "answer Flags",
        "answer Status",
        "CommandId(2) Ok Whole",
        "begin 20 true",
        "data A4 OK no such thing.",
        "end",
        "answer Fetch",
        "answer Fetch",
        "news Exists",
        "CommandId(3) Ok Whole",
        "answer Search",
        "unintelligible * 7 FETCH (\\r\\n",
        "CommandId(4) Ok Whole",
        "news Status",
        "CommandId(5) Ok Whole",
    ];
    assert_eq!(whole, want);
    let octets: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(tell(&mut begin(), &octets).unwrap(), want, "octet by octet");
    for cut in 0..text.len() {
        let (one, two) = text.as_bytes().split_at(cut);
        let mut client = begin();
        assert_eq!(tell(&mut client, &[one, two]).unwrap(), want, "cut at {cut}");
        assert_eq!(client.state(), State::Logout);
        assert_eq!(client.closed(&BytesMut::new()), Ok(()));
    }
}

#[test]
fn a_literal_waits_and_its_refusal_ends_it() {
    // What the server says instead of "+", and what is told; then the next command must be sent.
    let rows: &[(&str, &[&str], &str)] = &[
        ("A2 NO [TRYCREATE] no\r\n", &["CommandId(2) No Partly"], "D2: as Dovecot has it"),
        ("A2 BAD no\r\n", &["CommandId(2) Bad Partly"], "as the RFC has it"),
        ("A2 OK what?\r\n", &["CommandId(2) Ok Partly"], "as nobody should"),
        (
            "* 5 EXISTS\r\nA2 NO no\r\n",
            &["news Exists", "CommandId(2) No Partly"],
            "D9: and other things first",
        ),
    ];
    for (text, want, shows) in rows {
        let mut client = logged_in(config(), CAN);
        send(&mut client, "APPEND gone {12}\r\nhello world!");
        send(&mut client, "NOOP");
        assert_eq!(said(&mut client), "A2 APPEND gone {12}\r\n", "nothing else is begun: {shows}");
        assert_eq!(hear(&mut client, text).unwrap(), *want, "{shows}");
        assert_eq!(said(&mut client), "A3 NOOP\r\n", "{shows}");
    }
    // D9: what is said before "+".
    let mut client = logged_in(config(), CAN);
    send(&mut client, "APPEND box {12}\r\nhello world!");
    said(&mut client);
    assert_eq!(hear(&mut client, "* 5 EXISTS\r\n+ go on\r\n").unwrap(), ["news Exists"]);
    assert_eq!(said(&mut client), "hello world!\r\n");
    assert_eq!(hear(&mut client, "A2 OK appended\r\n").unwrap(), ["CommandId(2) Ok Whole"]);
}

#[test]
fn literals_run_ahead_where_they_may() {
    let long = "x".repeat(4097);
    let rows = [
        ("IMAP4rev1", 3, false, "no word of it"),
        ("IMAP4rev1 LITERAL-", 3, true, "RFC 7888 s 5"),
        ("IMAP4rev1 LITERAL-", 4097, false, "RFC 7888 s 5: 4096 octets"),
        ("IMAP4rev1 LITERAL+", 4097, true, "RFC 7888 s 4"),
        ("IMAP4rev2", 3, true, "RFC 9051 appendix E: it has LITERAL-"),
    ];
    for (capabilities, size, ahead, shows) in rows {
        let mut client = logged_in(config(), capabilities);
        let literal = &long[..size];
        send(&mut client, &format!("APPEND box {{{size}+}}\r\n{literal}"));
        let want = if ahead {
            format!("A2 APPEND box {{{size}+}}\r\n{literal}\r\n")
        } else {
            format!("A2 APPEND box {{{size}}}\r\n")
        };
        assert_eq!(said(&mut client), want, "{shows}");
    }
}

#[test]
fn commands_go_together_as_they_may() {
    let mut client = logged_in(config(), CAN);
    for text in
        ["FETCH 1 FLAGS", "STORE 1 FLAGS ()", "SEARCH ALL", "NOOP", "FETCH 2 FLAGS", "UID FETCH 2 FLAGS"]
    {
        send(&mut client, text);
    }
    let first = "A2 FETCH 1 FLAGS\r\nA3 STORE 1 FLAGS ()\r\nA4 SEARCH ALL\r\nA5 NOOP\r\n";
    assert_eq!(said(&mut client), first, "RFC 9051 s 5.5: FETCH + NOOP + FETCH is invalid");
    assert_eq!(hear(&mut client, "A3 OK\r\nA2 OK\r\nA4 OK\r\n").unwrap().len(), 3, "in any order");
    assert_eq!(said(&mut client), "");
    hear(&mut client, "A5 OK\r\n").unwrap();
    assert_eq!(said(&mut client), "A6 FETCH 2 FLAGS\r\nA7 UID FETCH 2 FLAGS\r\n");
}

#[test]
fn idle_begins_ends_and_is_renewed() {
    let mut client = logged_in(config(), CAN);
    client.idle().unwrap();
    assert_eq!(said(&mut client), "A2 IDLE\r\n");
    assert_eq!(
        hear(&mut client, "* 1 EXISTS\r\n+ idling\r\n* 2 EXISTS\r\n").unwrap(),
        ["news Exists", "idling", "news Exists"]
    );
    assert_eq!(client.timeout().as_secs(), 29 * 60, "RFC 9051 s 6.3.13");
    client.renew_idle().unwrap();
    assert_eq!(said(&mut client), "DONE\r\n", "and nothing before the server has ended it");
    hear(&mut client, "A2 OK done\r\n").unwrap();
    assert_eq!(said(&mut client), "A3 IDLE\r\n");
    hear(&mut client, "+\r\n").unwrap();
    send(&mut client, "NOOP");
    assert_eq!(said(&mut client), "DONE\r\n", "another command ends it");
    hear(&mut client, "A3 OK done\r\n").unwrap();
    assert_eq!(said(&mut client), "A4 NOOP\r\n");
    hear(&mut client, "A4 OK\r\n").unwrap();
    // DONE before "+" waits for it; and is not said at all if the server does not idle.
    client.idle().unwrap();
    client.done().unwrap();
    assert_eq!(said(&mut client), "A5 IDLE\r\n");
    hear(&mut client, "+ late\r\n").unwrap();
    assert_eq!(said(&mut client), "DONE\r\n");
    hear(&mut client, "A5 OK\r\n").unwrap();
    client.idle().unwrap();
    client.done().unwrap();
    said(&mut client);
    assert_eq!(hear(&mut client, "A6 NO not now\r\n").unwrap(), ["CommandId(6) No Whole"]);
    assert_eq!(said(&mut client), "");
    assert_eq!(client.done(), Err(Error::Misuse(Misuse::WrongVerb)));
}

#[test]
fn sasl_with_and_without_an_initial_response() {
    let plain = || Exchange::plain("", "u", &"p".into()).unwrap();
    // (capabilities, configuration, what is said, what is said to "+")
    for (capabilities, first, then) in [
        ("IMAP4rev1 SASL-IR AUTH=PLAIN", "A1 AUTHENTICATE PLAIN AHUAcA==\r\n", None),
        ("IMAP4rev1 AUTH=PLAIN", "A1 AUTHENTICATE PLAIN\r\n", Some("AHUAcA==\r\n")),
    ] {
        for challenge in ["+ \r\n", "+\r\n"] {
            let mut client = greeted(config(), capabilities);
            client.authenticate(plain()).unwrap();
            assert_eq!(said(&mut client), first);
            if let Some(then) = then {
                hear(&mut client, challenge).unwrap();
                assert_eq!(said(&mut client), then);
            }
            assert!(client.is_authenticating());
            assert!(hear(&mut client, "A1 OK in\r\n").unwrap().is_empty(), "the capabilities are asked for");
            assert_eq!(said(&mut client), "A2 CAPABILITY\r\n");
            let told = hear(&mut client, "* CAPABILITY IMAP4rev1 MOVE\r\nA2 OK\r\n").unwrap();
            assert_eq!(told.last().unwrap(), "authenticated");
            assert!(client.offers(Extension::Move) && client.state() == State::Authenticated);
        }
    }
    let mut never = config();
    never.initial_response = InitialResponse::Never;
    let mut client = greeted(never, "IMAP4rev1 SASL-IR AUTH=PLAIN");
    client.authenticate(plain()).unwrap();
    assert_eq!(said(&mut client), "A1 AUTHENTICATE PLAIN\r\n", "163.com offers it and answers BAD");
    // RFC 9051 s 6.2.2: an empty one is "=".
    let mut client = greeted(config(), "IMAP4rev1 SASL-IR AUTH=EXTERNAL");
    client.authenticate(Exchange::external("").unwrap()).unwrap();
    assert_eq!(said(&mut client), "A1 AUTHENTICATE EXTERNAL =\r\n");
}

#[test]
fn a_server_that_does_not_prove_itself() {
    let scram = || {
        let nonce = Nonce::from_random(&[7; 18]);
        Exchange::scram_sha256("", "user", &Secret::from("pencil"), Binding::Unsupported, &nonce).unwrap()
    };
    // What it says to the client's first message.
    let rows: &[(&str, Result<&[&str], bool>, &str)] = &[
        ("A1 OK in\r\n", Err(true), "success without a proof"),
        ("+ bm9uc2Vuc2U=\r\nA1 OK in\r\n", Err(true), "a challenge that is none, then success"),
        ("+ !!!\r\nA1 OK in\r\n", Err(false), "no base64, then success"),
        ("+ !!!\r\n+ \r\n", Err(false), "a challenge behind *"),
        ("A1 NO no\r\n", Ok(&["log-in refused None"]), "a refusal"),
    ];
    for (text, want, shows) in rows {
        let mut client = greeted(config(), "IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256");
        client.authenticate(scram()).unwrap();
        let told = hear(&mut client, text);
        match want {
            Ok(want) => assert_eq!(told.unwrap(), *want, "{shows}"),
            Err(true) => assert!(matches!(told, Err(Error::Sasl(_))), "{shows}: {told:?}"),
            Err(false) => assert!(matches!(told, Err(Error::Peer(_))), "{shows}: {told:?}"),
        }
        assert_eq!(client.state(), State::NotAuthenticated, "{shows}");
    }
    let mut client = greeted(config(), "IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256");
    client.authenticate(scram()).unwrap();
    said(&mut client);
    hear(&mut client, "+ cj14LHM9eCxpPTE=\r\n").unwrap();
    assert_eq!(said(&mut client), "*\r\n", "a nonce that is not ours, one iteration");
    assert!(hear(&mut client, "A1 BAD cancelled\r\n").unwrap()[0].starts_with("log-in refused Some"));
}

#[test]
fn hostile_servers() {
    use Peer::*;
    // What a server says from the start, as a whole; the error, or the last thing told. The client says STARTTLS when it may.
    let rows: &[(&str, Result<&str, Peer>, &str)] = &[
        ("HTTP/1.1 400 Bad Request\r\n", Err(NotImap), "not IMAP"),
        ("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n", Err(PreauthInTheClear), "PREAUTH in the clear"),
        ("* BYE go away\r\n", Ok("unwelcome"), "a greeting of BYE"),
        (
            "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 OK go\r\nA2 OK hi\r\n",
            Err(PlaintextAfterStartTls),
            "inject",
        ),
        (
            "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 OK go\r\n*",
            Err(PlaintextAfterStartTls),
            "half a line",
        ),
        (
            "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 OK go\r\n* 1 FETCH (BODY[] {9}\r\n",
            Err(PlaintextAfterStartTls),
            "an open literal",
        ),
        ("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA2 OK hi\r\nA1 OK\r\n", Err(UnknownTag), "an early tag"),
        ("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nB1 OK hi\r\n", Err(UnknownTag), "a wrong tag"),
        ("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 NO no\r\n", Ok("TLS refused"), "starttls-no"),
        ("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 BAD no\r\n", Ok("TLS refused"), "starttls-bad"),
        ("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n* OK go\r\n", Ok("news Status"), "starttls-untagged"),
        ("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 OK go\r\n", Ok("TLS ready"), "no hostility"),
        ("* OK [CAPABILITY IMAP4rev1] hi {5}\r\n", Ok("ready"), "D1: text is no literal"),
        ("A1 OK go\r\n", Err(NotImap), "an answer in the greeting's place"),
        (
            "* OK hi\r\n* CAPABILITY IMAP4rev1\r\n* 1 FETCH (BODY[] {99999}\r\n",
            Err(LiteralTooBig(99999)),
            "1g",
        ),
        (
            "* OK hi\r\n* 1 FETCH (BODY[] {18446744073709551616}\r\n",
            Err(LiteralTooBig(u64::MAX)),
            "a literal of 2^64 octets",
        ),
        ("* OK hi\r\nA1 WHAT\r\n", Err(Unreadable), "the end of a command that nobody can read"),
        ("* OK hi\r\n* 1 FETCH (BODY[] {-1}\r\n", Ok("unintelligible * 1 FETCH (BODY[] {-1}\\r\\n"), "-1"),
    ];
    for (text, want, shows) in rows {
        let run = |pieces: &[&[u8]]| {
            let mut client = Connection::new(config());
            let (mut input, mut last) = (BytesMut::new(), String::new());
            for piece in pieces {
                input.extend_from_slice(piece);
                loop {
                    match client.next(&mut input) {
                        Err(Error::Peer(fault)) => return Err(fault),
                        Err(error) => panic!("{shows}: {error}"),
                        Ok(Step::Event(event)) => {
                            last = words(&event);
                            if last == "ready" && client.offers(Extension::StartTls) {
                                client.starttls().unwrap();
                            }
                        }
                        Ok(_) => break,
                    }
                }
            }
            // TLS may only begin with nothing left in the clear.
            if last == "TLS ready" && !input.is_empty() {
                return Err(PlaintextAfterStartTls);
            }
            Ok(last)
        };
        let want = want.map(str::to_owned);
        assert_eq!(run(&[text.as_bytes()]), want, "{shows}");
        for cut in 1..text.len() {
            let (one, two) = text.as_bytes().split_at(cut);
            assert_eq!(run(&[one, two]), want, "{shows}, cut at {cut}");
        }
    }
}

#[test]
fn nothing_goes_on_without_end() {
    // Before the log-in little is enough.
    for text in
        ["* OK x\r\n", "* CAPABILITY A\r\n", "+ x\r\n", "x", "* 1 FETCH (", "* LIST () NIL {4}\r\nabcd\r\n"]
    {
        let mut client = Connection::new(config());
        let mut said = 0_usize;
        let error = loop {
            said += text.len();
            match hear(&mut client, text) {
                Ok(_) => assert!(said < 3 << 20, "{text:?}"),
                Err(Error::Peer(fault)) => break fault,
                Err(error) => panic!("{error}"),
            }
            if text == "x" || text == "* 1 FETCH (" {
                // Without a line end all of it stays in the input.
                let mut input = BytesMut::from(text.repeat(200_000).as_bytes());
                break match client.next(&mut input) {
                    Err(Error::Peer(fault)) => fault,
                    other => panic!("{text:?}: {other:?}"),
                };
            }
        };
        assert!(matches!(error, Peer::TooMuch(_) | Peer::Unreadable | Peer::NotImap), "{text:?}: {error}");
    }
    let mut config = config();
    config.limits.responses = 100_000;
    let mut client = logged_in(config, CAN);
    send(&mut client, "UID FETCH 1:* FLAGS");
    let error = loop {
        if let Err(error) = hear(&mut client, "* 1 FETCH (FLAGS ())\r\n") {
            break error;
        }
    };
    assert_eq!(error, Error::Peer(Peer::TooMuch(100_000)));
}

#[test]
fn passwords_stay_where_they_are() {
    let mut client = greeted(Config::default(), CAN);
    assert_eq!(client.login("u", &"p".into()), Err(Error::Misuse(Misuse::NeedsTls)));
    let plain = Exchange::plain("", "u", &"p".into()).unwrap();
    assert_eq!(client.authenticate(plain), Err(Error::Misuse(Misuse::NeedsTls)));
    client = greeted(config(), "IMAP4rev1 LOGINDISABLED");
    assert_eq!(client.login("u", &"p".into()), Err(Error::Misuse(Misuse::LoginDisabled)), "RFC 9051 s 6.2.3");
    client = Connection::new(config());
    assert_eq!(client.login("u", &"p".into()), Err(Error::Misuse(Misuse::WrongVerb)), "before the greeting");
    assert_eq!(said(&mut client), "");
    let mut client = greeted(config(), CAN);
    client.login("u", &"s3cret\"".into()).unwrap();
    assert_eq!(said(&mut client), "A1 LOGIN u \"s3cret\\\"\"\r\n");
    assert!(!format!("{client:?}").contains("s3cret"));
    assert!(client.is_authenticating());
}

#[test]
fn tls_forgets_what_was_said_before() {
    let mut client = greeted(config(), "IMAP4rev1 STARTTLS AUTH=PLAIN LITERAL+ MOVE");
    client.starttls().unwrap();
    assert_eq!(said(&mut client), "A1 STARTTLS\r\n");
    assert_eq!(client.tls_established(), Err(Error::Misuse(Misuse::WrongVerb)), "not yet");
    let told = hear(&mut client, "* CAPABILITY IMAP4rev1 UIDPLUS\r\nA1 OK go\r\n").unwrap();
    assert_eq!(told.last().unwrap(), "TLS ready");
    client.tls_established().unwrap();
    assert!(client.capabilities().is_none() && client.is_tls());
    assert_eq!(said(&mut client), "A2 CAPABILITY\r\n");
    let told = hear(&mut client, "* CAPABILITY IMAP4rev1 IDLE\r\nA2 OK\r\n").unwrap();
    assert_eq!(told.last().unwrap(), "ready");
    assert!(client.offers(Extension::Idle) && !client.offers(Extension::Move));
    assert_eq!(client.starttls(), Err(Error::Misuse(Misuse::WrongVerb)), "once is enough");
}

#[test]
fn enable_changes_the_grammar_and_only_as_asked() {
    let mut client = logged_in(config(), CAN);
    hear(&mut client, "* ENABLED UTF8=ACCEPT IMAP4rev2\r\n").unwrap();
    assert!(!client.mode().utf8 && !client.mode().rev2, "nobody asked");
    client.enable(&[Extension::Qresync]).unwrap();
    send(&mut client, "NOOP");
    assert_eq!(said(&mut client), "A2 ENABLE QRESYNC\r\n", "what we write depends on it");
    hear(&mut client, "* ENABLED QRESYNC UTF8=ACCEPT\r\n").unwrap();
    assert!(client.mode().qresync && client.mode().condstore && !client.mode().utf8);
    hear(&mut client, "A2 OK\r\n").unwrap();
    assert_eq!(said(&mut client), "A3 NOOP\r\n");
    // A big provider's rev2 is broken.
    let mut client = logged_in(config(), "IMAP4rev1 IMAP4rev2");
    assert!(client.offers(Extension::Move), "rev2 implies it");
    client.distrust(Extension::Imap4Rev2);
    assert!(!client.offers(Extension::Move) && client.offers(Extension::Imap4Rev1));
}

#[test]
fn a_streamed_append() {
    let mut client = logged_in(config(), CAN);
    let begin = |client: &mut Connection| {
        let data = AppendData::Message(IString::Streamed(LiteralForm::NonSynchronizing, 10));
        let message = AppendMessage { flags: None, date: None, extensions: Vec::new(), data };
        let append = Append { mailbox: Mailbox::of(b"box"), message, more: Vec::new() };
        client.send(CommandBody::Append(append)).unwrap();
        assert_eq!(client.data(b"x"), Err(Error::Misuse(Misuse::NoLiteral)));
    };
    begin(&mut client);
    send(&mut client, "NOOP");
    assert_eq!(said(&mut client), "A2 APPEND box {10}\r\n");
    assert_eq!(hear(&mut client, "+ go\r\n").unwrap(), ["wants 10"]);
    client.data(b"hello").unwrap();
    assert_eq!(client.data(b"and more"), Err(Error::Misuse(Misuse::TooMuchData)));
    assert_eq!((said(&mut client).as_str(), client.data_wanted()), ("hello", 5));
    client.data(b"world").unwrap();
    assert_eq!(said(&mut client), "world\r\nA3 NOOP\r\n");
    hear(&mut client, "A2 OK\r\nA3 OK\r\n").unwrap();
    // Refused before "+", and in its middle, where the rest is owed all the same.
    begin(&mut client);
    said(&mut client);
    assert_eq!(hear(&mut client, "A4 NO [TRYCREATE] no\r\n").unwrap(), ["CommandId(4) No Partly"]);
    assert_eq!(client.data(b"hello"), Err(Error::Misuse(Misuse::NoLiteral)));
    begin(&mut client);
    hear(&mut client, "+ go\r\n").unwrap();
    client.data(b"hello").unwrap();
    said(&mut client);
    assert_eq!(hear(&mut client, "A5 NO [OVERQUOTA] no\r\n").unwrap(), ["CommandId(5) No Partly"]);
    send(&mut client, "NOOP");
    assert_eq!(
        (said(&mut client).as_str(), client.data_wanted()),
        ("", 5),
        "the server still reads a literal"
    );
    client.data(b"world").unwrap();
    assert_eq!(said(&mut client), "world\r\nA6 NOOP\r\n");
}

#[test]
fn the_connection_may_end_where_it_may() {
    let mut client = logged_in(config(), CAN);
    assert_eq!(client.closed(&BytesMut::new()), Err(Error::Peer(Peer::Closed)));
    send(&mut client, "UID FETCH 1 BODY[]");
    let told = hear(&mut client, "* 1 FETCH (UID 1 BODY[] {99}\r\nabc").unwrap();
    assert_eq!(told, ["begin 99 true", "data abc"]);
    assert_eq!(client.closed(&BytesMut::new()), Err(Error::Peer(Peer::Closed)), "in a literal");
    let mut client = logged_in(config(), CAN);
    hear(&mut client, "* BYE\r\n").unwrap();
    assert_eq!(client.closed(&BytesMut::new()), Ok(()));
    assert_eq!(client.closed(&BytesMut::from("A1")), Err(Error::Peer(Peer::Closed)), "in a line");
}

proptest! {
    #[test]
    fn a_cut_changes_nothing(
        words in proptest::collection::vec(prop_oneof![
            Just("* "), Just("A2 OK"), Just("A3 NO"), Just("+ "), Just("\r\n"), Just("{3}\r\n"), Just("{20}\r\n"), Just("(UID 5 "),
            Just("1 FETCH "), Just("BODY[] "), Just(")"), Just("\""), Just("x"), Just("3 EXISTS"), Just("FLAGS ()"), Just("BYE"),
        ], 0..40),
        cuts in proptest::collection::vec(0usize..300, 0..6),
    ) {
        let text = words.concat();
        let begin = || {
            let mut client = logged_in(config(), CAN);
            send(&mut client, "UID FETCH 1:* BODY[]");
            send(&mut client, "APPEND box {3}\r\nabc");
            client
        };
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= text.len()).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
        let (mut one, mut other) = (begin(), begin());
        prop_assert_eq!(tell(&mut one, &[text.as_bytes()]), tell(&mut other, &pieces));
        prop_assert_eq!(one.output().split(), other.output().split());
    }
}
