//! The server machine, line by line.

use std::sync::Arc;

use bytes::BytesMut;
use mail46_pop3::server::{
    Config, Connection, Error, Event, InClear, LogIn, Message, Offer, Part, PeerMisbehaved, Phase, Utf8,
};
use mail46_pop3::{Digest, Expire, LoginDelay, Reply, ResponseCode, Scope, Timestamp};
use mail46_wire::Step;
use proptest::prelude::*;

const MAIL: [&[u8]; 3] = [b"A: 1\r\n\r\n.x\r\ny\r\n", b"B: 2\r\n\r\n..\r\n", b"C: 3\r\n\r\nz"];

fn config() -> Config {
    let mut config = Config::new("ready");
    config.in_clear = InClear::Taken;
    config.mechanisms = vec!["PLAIN".into()];
    config
}

/// Runs a session in which mrose's password is "tanstaaf"; gives the output, and what was removed if QUIT was given.
fn run(config: Config, pieces: &[&[u8]]) -> (String, Option<Vec<u32>>) {
    let mut server = Connection::new(Arc::new(config));
    let timestamp = Timestamp::parse(b"<1896.697170952@dbc.mtview.ca.us>").unwrap().to_owned();
    server.greet(Some(&timestamp)).unwrap();
    let (mut input, mut output, mut removed) = (BytesMut::new(), Vec::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let step = server.next(&mut input).unwrap();
            let event = match step {
                Step::Event(event) => event,
                Step::Paused => panic!("owes an answer"),
                Step::WantsInput if server.output().is_empty() => break,
                Step::WantsInput => {
                    output.extend_from_slice(&server.output().split());
                    continue;
                }
            };
            match event {
                Event::LogIn(LogIn::Password { user, password }) => {
                    log_in(&mut server, user.as_bytes() == b"mrose" && password.expose() == b"tanstaaf");
                }
                Event::LogIn(LogIn::Apop { user, digest }) => {
                    log_in(
                        &mut server,
                        user.as_bytes() == b"mrose" && digest == Digest::new(&timestamp, b"tanstaaf"),
                    );
                }
                Event::Auth(request) => match &request.initial_response {
                    Some(response) => log_in(&mut server, &response[..] == b"\0mrose\0tanstaaf"),
                    None => server.challenge(b"").unwrap(),
                },
                Event::AuthResponse(response) => log_in(&mut server, &response[..] == b"\0mrose\0tanstaaf"),
                Event::Retrieve(retrieve) => {
                    server.accept_message("follows").unwrap();
                    for octet in MAIL[retrieve.message.index()].chunks(1) {
                        if !server.data(octet).unwrap() {
                            break;
                        }
                    }
                    server.finish_data().unwrap();
                }
                Event::Update(numbers) => {
                    removed = Some(numbers.iter().map(|number| number.get()).collect());
                    server.reply(&Reply::ok("bye")).unwrap();
                }
                Event::Command(_) => server.reply(&Reply::err(None, "unknown command")).unwrap(),
                Event::AuthCancelled => {}
                Event::Closed => {
                    output.extend_from_slice(&server.output().split());
                    return (String::from_utf8(output).unwrap(), removed);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    (String::from_utf8(output).unwrap(), removed)
}

fn log_in(server: &mut Connection, fits: bool) {
    if fits {
        let message = |(index, text): (usize, &&[u8])| Message {
            octets: text.len() as u64 + if text.ends_with(b"\r\n") { 0 } else { 2 },
            unique_id: format!("id{index}").parse().unwrap(),
        };
        server.open(MAIL.iter().enumerate().map(message).collect(), "in").unwrap();
    } else {
        server.reply(&Reply::err(Some(ResponseCode::Auth), "no")).unwrap();
    }
}

const IN: &str = "USER mrose\r\nPASS tanstaaf\r\n";
const WELCOME: &str = "+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n";
const WELCOME_IN: &str = "+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n+OK send PASS\r\n+OK in\r\n";

#[test]
fn dialogues_whole_by_octet_and_cut_at_each_index() {
    // (said behind the log-in, answered, what it shows)
    let rows: &[(&str, &str, &str)] = &[
        ("STAT\r\n", "+OK 3 38\r\n", "RFC 1939 s 5"),
        ("LIST\r\n", "+OK 3 messages (38 octets)\r\n1 15\r\n2 12\r\n3 11\r\n.\r\n", "RFC 1939 s 5"),
        ("UIDL\r\n", "+OK 3 messages (38 octets)\r\n1 id0\r\n2 id1\r\n3 id2\r\n.\r\n", "RFC 1939 s 7"),
        ("LIST 2\r\nUIDL 2\r\n", "+OK 2 12\r\n+OK 2 id1\r\n", "one line"),
        ("RETR 1\r\n", "+OK follows\r\nA: 1\r\n\r\n..x\r\ny\r\n.\r\n", "a dot is stuffed"),
        ("RETR 2\r\n", "+OK follows\r\nB: 2\r\n\r\n...\r\n.\r\n", "two dots become three"),
        ("RETR 3\r\n", "+OK follows\r\nC: 3\r\n\r\nz\r\n.\r\n", "a missing last CRLF"),
        ("TOP 1 0\r\n", "+OK follows\r\nA: 1\r\n\r\n.\r\n", "RFC 1939 s 7: header and empty line"),
        ("TOP 1 1\r\n", "+OK follows\r\nA: 1\r\n\r\n..x\r\n.\r\n", "and one line"),
        ("TOP 1 99\r\n", "+OK follows\r\nA: 1\r\n\r\n..x\r\ny\r\n.\r\n", "more than there are"),
        (
            "DELE 2\r\nSTAT\r\nLIST\r\nRETR 2\r\nTOP 2 0\r\nUIDL 2\r\nLIST 2\r\nDELE 2\r\n",
            "+OK message 2 deleted\r\n+OK 2 26\r\n+OK 2 messages (26 octets)\r\n1 15\r\n3 11\r\n.\r\n-ERR no such message\r\n\
             -ERR no such message\r\n-ERR no such message\r\n-ERR no such message\r\n-ERR no such message\r\n",
            "RFC 1939 s 5: gone, and the numbers stay",
        ),
        (
            "DELE 1\r\nRSET\r\nSTAT\r\n",
            "+OK message 1 deleted\r\n+OK maildrop has 3 messages (38 octets)\r\n+OK 3 38\r\n",
            "RFC 1939 s 5: RSET",
        ),
        (
            "DELE 0\r\nDELE 4\r\n",
            "-ERR not a message number\r\n-ERR no such message\r\n",
            "neither is message 1",
        ),
        (
            "DELE 4294967297\r\nRETR 18446744073709551617\r\n",
            "-ERR not a message number\r\n-ERR not a message number\r\n",
            "no wrap",
        ),
        ("NOOP\r\n", "+OK\r\n", "RFC 1939 s 5"),
        ("USER x\r\n", "-ERR command not valid in this state\r\n", "RFC 1939 s 7"),
        (
            "STLS\r\nUTF8\r\n",
            "-ERR command not valid in this state\r\n-ERR command not valid in this state\r\n",
            "RFC 2595 s 4; RFC 6856 s 2",
        ),
        ("ST\rAT\r\nNOOP\r\n", "-ERR bare CR at octet 2\r\n+OK\r\n", "a bare CR is no STAT"),
        ("NOOP\nDELE 1\r\nNOOP\r\n", "-ERR bare LF at octet 4\r\n+OK\r\n", "a bare LF ends nothing"),
        ("NOOP\0\r\n", "-ERR NUL at octet 4\r\n", "NUL"),
        ("GET / HTTP/1.1\r\n", "-ERR unknown command\r\n", "another protocol"),
    ];
    for (said, answered, shows) in rows {
        let (said, want) = ([IN, said].concat(), [WELCOME_IN, answered].concat());
        let octets = said.as_bytes();
        assert_eq!(run(config(), &[octets]), (want.clone(), None), "{shows}");
        let each: Vec<&[u8]> = octets.chunks(1).collect();
        assert_eq!(run(config(), &each).0, want, "{shows}, octet by octet");
        for cut in 0..octets.len() {
            let (one, two) = octets.split_at(cut);
            assert_eq!(run(config(), &[one, two]).0, want, "{shows}, cut at {cut}");
        }
    }
}

#[test]
fn before_the_log_in() {
    let rows: &[(&str, &str, &str)] = &[
        ("STAT\r\n", "-ERR command not valid in this state\r\n", "RFC 1939 s 4"),
        ("DELE 1\r\n", "-ERR command not valid in this state\r\n", "RFC 1939 s 4"),
        ("PASS tanstaaf\r\n", "-ERR USER first\r\n", "RFC 1939 s 7"),
        (
            "USER mrose\r\nUTF8\r\nPASS tanstaaf\r\n",
            "+OK send PASS\r\n+OK UTF-8 mode\r\n-ERR USER first\r\n",
            "immediately after",
        ),
        (
            "USER mrose\r\nPASS x\r\nPASS tanstaaf\r\n",
            "+OK send PASS\r\n-ERR [AUTH] no\r\n-ERR USER first\r\n",
            "the name goes with it",
        ),
        ("USER nobody\r\n", "+OK send PASS\r\n", "the same for every name"),
        ("APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n", "+OK in\r\n", "RFC 1939 s 7"),
        ("APOP mrose c4c9334bac560ecc979e58001b3e22fc\r\n", "-ERR [AUTH] no\r\n", "another digest"),
        ("AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n", "+OK in\r\n", "RFC 5034 s 6"),
        ("AUTH PLAIN\r\nAG1yb3NlAHRhbnN0YWFm\r\n", "+ \r\n+OK in\r\n", "an empty challenge has its space"),
        ("AUTH PLAIN\r\n*\r\nQUIT\r\n", "+ \r\n-ERR authentication cancelled\r\n+OK bye\r\n", "RFC 5034 s 4"),
        ("AUTH PLAIN\r\n=AAA\r\n", "+ \r\n-ERR octet 0 is outside the base64 alphabet\r\n", "RFC 5034 s 4"),
        ("AUTH PLAIN =AAA\r\n", "-ERR not base64\r\n", "RFC 5034 s 4"),
        ("AUTH FOO\r\n", "-ERR unknown mechanism\r\n", "not offered"),
        ("STLS\r\n", "-ERR command not offered\r\n", "not offered"),
        ("LANG\r\n", "-ERR command not offered\r\n", "not offered"),
        ("STLS now\r\n", "-ERR unexpected argument\r\n", "RFC 2595 s 4"),
        ("QUIT\r\nSTAT\r\n", "+OK bye\r\n", "what follows QUIT is nothing to us"),
    ];
    for (said, answered, shows) in rows {
        let want = [WELCOME, answered].concat();
        assert_eq!(run(config(), &[said.as_bytes()]).0, want, "{shows}");
        let each: Vec<&[u8]> = said.as_bytes().chunks(1).collect();
        assert_eq!(run(config(), &each).0, want, "{shows}, octet by octet");
    }
}

#[test]
fn only_quit_removes() {
    let with = |said: &str| run(config(), &[[IN, said].concat().as_bytes()]).1;
    assert_eq!(with("DELE 1\r\nDELE 3\r\nQUIT\r\n"), Some(vec![1, 3]));
    assert_eq!(with("DELE 1\r\nRSET\r\nDELE 2\r\nQUIT\r\n"), Some(vec![2]));
    assert_eq!(with("QUIT\r\n"), Some(vec![]));
    assert_eq!(with("DELE 1\r\nDELE 2\r\n"), None, "the connection is lost: RFC 1939 s 6");
    assert_eq!(with("DELE 1\r\nQUIT now\r\n"), None, "no QUIT");
    assert_eq!(run(config(), &[b"QUIT\r\n"]).1, None, "RFC 1939 s 4: no UPDATE from AUTHORIZATION");
}

#[test]
fn limits() {
    let long = [vec![b'x'; 254], b"\r\nQUIT\r\n".to_vec()].concat();
    assert_eq!(
        run(config(), &[&long]).0,
        [WELCOME, "-ERR line of more than 255 octets\r\n+OK bye\r\n"].concat()
    );
    let just = ["USER ".as_bytes(), &vec![b'x'; 248], b"\r\n"].concat();
    assert_eq!(
        (just.len(), run(config(), &[&just]).0),
        (255, [WELCOME, "+OK send PASS\r\n"].concat()),
        "RFC 2449 s 4"
    );

    let bad = "X\r\n".repeat(50);
    let (output, _) = run(config(), &[bad.as_bytes()]);
    assert_eq!(output.lines().count(), 21, "greeting and 20 answers");
    assert!(output.ends_with("-ERR too many errors\r\n"));

    let guesses = "USER mrose\r\nPASS x\r\n".repeat(9);
    assert_eq!(run(config(), &[guesses.as_bytes()]).0.matches("[AUTH]").count(), 3, "three log-ins");

    // A response may be longer than a command, and what comes after it may not.
    let response = [&b"AUTH PLAIN\r\n"[..], &vec![b'A'; 4000], b"\r\n", &vec![b'x'; 4000], b"\r\n"].concat();
    assert_eq!(
        run(config(), &[&response]).0,
        [WELCOME, "+ \r\n-ERR [AUTH] no\r\n-ERR line of more than 255 octets\r\n"].concat()
    );
}

#[test]
fn who_takes_no_answers_is_not_listened_to() {
    let mut server = Connection::new(Arc::new(config()));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("CAPA\r\n".repeat(100_000).as_bytes());
    let before = input.len();
    assert!(matches!(server.next(&mut input).unwrap(), Step::WantsInput));
    assert!(server.output().len() < 70_000 && before - input.len() < 10_000);
    server.output().clear();
    let left = input.len();
    assert!(matches!(server.next(&mut input).unwrap(), Step::WantsInput));
    assert!(input.len() < left, "and then is again");
}

#[test]
fn a_long_listing_is_written_as_it_is_taken() {
    let mut server = Connection::new(Arc::new(config()));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("USER a\r\nPASS b\r\nUIDL\r\nNOOP\r\n");
    assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::LogIn(_))));
    let message = |n: u32| Message { octets: 1, unique_id: format!("unique-id-number-{n}").parse().unwrap() };
    server.open((0..100_000).map(message).collect(), "in").unwrap();
    let (mut most, mut lines, mut last) = (0, 0, Vec::new());
    while let Step::WantsInput = server.next(&mut input).unwrap() {
        let output = server.output().split();
        if output.is_empty() {
            break;
        }
        most = most.max(output.len());
        lines += output.iter().filter(|octet| **octet == b'\n').count();
        last = output.to_vec();
    }
    assert_eq!(lines, 3 + 1 + 100_000 + 1 + 1, "greeting, USER, PASS, +OK, entries, dot, NOOP");
    assert!(most < 66_000, "{most} octets at once");
    assert!(last.ends_with(b"100000 unique-id-number-99999\r\n.\r\n+OK\r\n"));
}

#[test]
fn a_message_of_any_length_costs_the_same() {
    let mut server = Connection::new(Arc::new(config()));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("USER a\r\nPASS b\r\nRETR 1\r\nQUIT\r\n");
    let _ = server.next(&mut input).unwrap();
    server.open(vec![Message { octets: 1 << 30, unique_id: "a".parse().unwrap() }], "in").unwrap();
    assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::Retrieve(_))));
    server.accept_message("").unwrap();
    let part = b".a line of mail\r\n".repeat(1000);
    let mut most = 0;
    for _ in 0..300 {
        assert!(server.data(&part).unwrap());
        most = most.max(server.output().capacity());
        server.output().clear();
        assert!(matches!(server.next(&mut input).unwrap(), Step::Paused), "QUIT waits");
    }
    assert!(most < 100_000, "{most} octets");
    server.finish_data().unwrap();
    assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::Update(_))));
}

#[test]
fn a_message_that_cannot_be_read_has_no_end() {
    let mut server = Connection::new(Arc::new(config()));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("USER a\r\nPASS b\r\nDELE 2\r\nRETR 1\r\nQUIT\r\n");
    let _ = server.next(&mut input).unwrap();
    log_in(&mut server, true);
    assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::Retrieve(_))));
    server.accept_message("").unwrap();
    server.data(b"half").unwrap();
    server.abort();
    assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::Closed)), "no UPDATE");
    assert!(server.output().ends_with(b"+OK\r\nhalf"));
}

fn stls_config() -> Config {
    let mut config = Config::new("ready");
    config.stls = Offer::Yes;
    config.mechanisms = vec!["PLAIN".into()];
    config
}

#[test]
fn stls_forgets_all_and_refuses_what_follows_it() {
    for behind in ["N", "USER ", "USER mrose\r\n", "\r\n", "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n"] {
        let mut server = Connection::new(Arc::new(stls_config()));
        server.greet(None).unwrap();
        let mut input = BytesMut::from(["STLS\r\n", behind].concat().as_bytes());
        assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::Stls)));
        assert_eq!(
            server.accept_tls(&input),
            Err(Error::Peer(PeerMisbehaved::PlaintextAfterStls)),
            "{behind:?}"
        );
        assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::Closed)));
        assert!(server.output().ends_with(b"ready\r\n"), "no +OK, and nothing behind it is obeyed");
    }
    let mut server = Connection::new(Arc::new(stls_config()));
    server.greet(None).unwrap();
    let mut input = BytesMut::from(
        "CAPA\r\nUSER mrose\r\nAUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\nAPOP a c4c9334bac560ecc979e58001b3e22fb\r\nSTLS\r\n",
    );
    assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::Stls)));
    let output = server.output().split();
    let clear = String::from_utf8(output.to_vec()).unwrap();
    assert!(
        clear.contains("\r\nSTLS\r\n") && !clear.contains("SASL") && !clear.contains("\r\nUSER\r\n"),
        "{clear}"
    );
    assert_eq!(
        clear.matches("-ERR command not permitted without TLS\r\n").count(),
        2,
        "RFC 5034 s 4, RFC 8314 s 4.1"
    );
    server.accept_tls(&input).unwrap();
    assert!(matches!(server.next(&mut input).unwrap(), Step::Paused), "until the handshake is done");
    server.tls_established().unwrap();
    input.extend_from_slice(b"PASS x\r\nSTLS\r\nCAPA\r\n");
    server.output().clear();
    assert!(matches!(server.next(&mut input).unwrap(), Step::WantsInput));
    let output = String::from_utf8(server.output().to_vec()).unwrap();
    assert!(
        output.starts_with("-ERR USER first\r\n-ERR command not permitted when TLS is active\r\n"),
        "{output}"
    );
    assert!(
        output.contains("\r\nSASL PLAIN\r\n") && output.contains("\r\nUSER\r\n") && !output.contains("STLS")
    );
}

#[test]
fn stls_after_utf8_is_refused() {
    let mut server = Connection::new(Arc::new(stls_config()));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("UTF8\r\nSTLS\r\n");
    assert!(matches!(server.next(&mut input).unwrap(), Step::WantsInput), "RFC 6856 s 2.1");
    assert!(server.output().ends_with(b"+OK UTF-8 mode\r\n-ERR command not offered\r\n"));
}

#[test]
fn capabilities_and_modes() {
    let mut all = config();
    all.expire = Some(Expire { days: None, scope: Scope::PerUser });
    all.login_delay = Some(LoginDelay { seconds: 60, scope: Scope::Fixed });
    all.implementation = Some("mail46\r\nX".into());
    all.lang = Offer::Yes;
    let (output, _) = run(all, &[b"CAPA\r\nUTF8\r\n"]);
    let want = "+OK capability list follows\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\nSASL PLAIN\r\n\
                LOGIN-DELAY 60\r\nEXPIRE NEVER USER\r\nUTF8 USER\r\nLANG\r\nIMPLEMENTATION mail46  X\r\n.\r\n+OK UTF-8 mode\r\n";
    assert_eq!(output, [WELCOME, want].concat());

    let mut server = Connection::new(Arc::new(config()));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("UTF8\r\nUSER a\r\nPASS b\r\nTOP 1 5\r\n");
    let _ = server.next(&mut input).unwrap();
    log_in(&mut server, true);
    assert_eq!(server.phase(), Phase::Transaction);
    let Step::Event(Event::Retrieve(retrieve)) = server.next(&mut input).unwrap() else { panic!() };
    assert_eq!((retrieve.utf8, retrieve.part), (Utf8::On, Part::Top(5)));
    server.reply(&Reply::err(Some(ResponseCode::Utf8), "no")).unwrap();
}

proptest! {
    #[test]
    fn however_it_is_cut_the_answers_are_the_same(
        lines in prop::collection::vec(prop::sample::select(vec![
            "STAT\r\n", "LIST\r\n", "DELE 1\r\n", "DELE 2\r\n", "RSET\r\n", "RETR 1\r\n", "TOP 2 1\r\n", "UIDL 3\r\n", "CAPA\r\n",
            "USER mrose\r\n", "PASS tanstaaf\r\n", "AUTH PLAIN\r\n", "*\r\n", "NO\nOP\r\n", "\r\n", "QUIT\r\n", "X Y\r\n",
        ]), 0..12),
        cuts in prop::collection::vec(0usize..200, 0..5),
    ) {
        let said = [IN, &lines.concat()].concat();
        let whole = run(config(), &[said.as_bytes()]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(said.len())).collect();
        cuts.sort_unstable();
        let (mut from, mut pieces) = (0, Vec::new());
        for cut in cuts {
            pieces.push(&said.as_bytes()[from..cut]);
            from = cut;
        }
        pieces.push(&said.as_bytes()[from..]);
        prop_assert_eq!(run(config(), &pieces), whole);
    }
}
