//! The dialogues of the RFCs, as they are printed, with both machines in each part.

use std::sync::Arc;

use bytes::BytesMut;
use mail46_pop3::client::{self, Event as Seen};
use mail46_pop3::server::{self, Event, InClear, LogIn, Message, Offer};
use mail46_pop3::{Command, Digest, Reply, ResponseCode, Timestamp};
use mail46_wire::Step;

const FILES: [(&str, &str); 6] = [
    ("rfc1939-s10", include_str!("transcripts/rfc1939-s10.txt")),
    ("rfc1939-s5-7", include_str!("transcripts/rfc1939-s5-7.txt")),
    ("rfc2449-s5", include_str!("transcripts/rfc2449-s5.txt")),
    ("rfc2595-s4", include_str!("transcripts/rfc2595-s4.txt")),
    ("rfc5034-s6", include_str!("transcripts/rfc5034-s6.txt")),
    ("rfc6856-s3", include_str!("transcripts/rfc6856-s3.txt")),
];
const LANGUAGES: [(&str, &str); 6] = [
    ("en", "English"),
    ("en-boont", "English Boontling dialect"),
    ("de", "Deutsch"),
    ("it", "Italiano"),
    ("es", "Espanol"),
    ("sv", "Svenska"),
];

/// What is said, in turns: the client's line (none before the greeting) and the server's lines to it.
fn turns(text: &str) -> Vec<(Option<String>, String)> {
    let mut turns: Vec<(Option<String>, String)> = vec![(None, String::new())];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix("C: "), line.strip_prefix("S: ")) {
            (Some(said), _) => turns.push((Some(said.to_owned()), String::new())),
            (_, Some(answer)) => turns.last_mut().unwrap().1 += &format!("{answer}\r\n"),
            _ => panic!("{line}"),
        }
    }
    turns
}

/// The messages of rfc1939-s10.txt.
fn mail() -> [Vec<u8>; 2] {
    let bodies = turns(FILES[0].1)
        .into_iter()
        .filter(|(said, _)| said.as_deref().unwrap_or_default().starts_with("RETR"));
    let text = |(_, answer): (Option<String>, String)| {
        let body = answer.split_once("\r\n").unwrap().1.strip_suffix(".\r\n").unwrap().to_owned();
        body.split_inclusive("\r\n")
            .map(|line| line.strip_prefix('.').unwrap_or(line))
            .collect::<String>()
            .into_bytes()
    };
    bodies.map(text).collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn the_server_answers_as_the_rfc_does() {
    for (file, text) in FILES {
        let mut config = server::Config::new("POP3 server ready");
        config.in_clear = InClear::Taken;
        config.mechanisms = vec!["PLAIN".into()];
        config.stls = Offer::Yes;
        config.lang = Offer::Yes;
        let mut server = server::Connection::new(Arc::new(config));
        let timestamp = Timestamp::parse(b"<1896.697170952@dbc.mtview.ca.us>").unwrap().to_owned();
        server.greet((file == "rfc1939-s10").then_some(&timestamp)).unwrap();
        let mut input = BytesMut::new();
        for (said, want) in turns(text) {
            if let Some(said) = &said {
                input.extend_from_slice(format!("{said}\r\n").as_bytes());
                serve(&mut server, &mut input, &timestamp);
            }
            let output = String::from_utf8(server.output().split().to_vec()).unwrap();
            let said = said.unwrap_or_default();
            // The words are ours; the indicator, and what a client reads, are the RFC's.
            let same = if said.starts_with("STAT") || said == "LIST 2" || said == "UIDL 2" || want == "+ \r\n"
            {
                output == want
            } else if ["LIST", "UIDL", "RETR 1", "RETR 2", "TOP 1 0", "LANG"].contains(&said.as_str()) {
                output.split_once("\r\n").unwrap().1 == want.split_once("\r\n").unwrap().1
            } else {
                output.split([' ', '\r']).next() == want.split([' ', '\r']).next()
            };
            assert!(same, "{file}: C: {said}\nwant {want}\ngot {output}");
        }
    }
}

fn serve(server: &mut server::Connection, input: &mut BytesMut, timestamp: &Timestamp) {
    let refused = Reply::err(Some(ResponseCode::Auth), "no");
    loop {
        let Step::Event(event) = server.next(input).unwrap() else { return };
        let fits = match event {
            Event::LogIn(LogIn::Password { password, .. }) => password.expose() != b"wrong",
            Event::LogIn(LogIn::Apop { digest, .. }) => digest == Digest::new(timestamp, b"tanstaaf"),
            Event::Auth(request) if request.initial_response.is_none() => {
                server.challenge(b"").unwrap();
                continue;
            }
            Event::Auth(request) => &request.initial_response.unwrap()[..] == b"test\0test\0test",
            Event::AuthResponse(response) => &response[..] == b"test\0test\0test",
            Event::Stls => {
                server.accept_tls(input).unwrap();
                server.tls_established().unwrap();
                return;
            }
            Event::Retrieve(retrieve) => {
                server.accept_message("follows").unwrap();
                server.data(&mail()[retrieve.message.index()]).unwrap();
                server.finish_data().unwrap();
                continue;
            }
            Event::Lang(None) => {
                server.list_languages(&LANGUAGES).unwrap();
                continue;
            }
            Event::Lang(Some(range)) => {
                let known = range.as_bytes() == b"*"
                    || LANGUAGES.iter().any(|(tag, _)| tag.as_bytes() == range.as_bytes());
                server.reply(&if known { Reply::ok("es") } else { Reply::err(None, "no") }).unwrap();
                continue;
            }
            Event::Update(_) => {
                server.reply(&Reply::ok("")).unwrap();
                continue;
            }
            Event::Closed => return,
            other => panic!("{other:?}"),
        };
        if fits {
            let ids = ["whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"];
            let message = |(text, id): (&Vec<u8>, &str)| Message {
                octets: text.len() as u64,
                unique_id: id.parse().unwrap(),
            };
            server.open(mail().iter().zip(ids).map(message).collect(), "ready").unwrap();
        } else {
            server.reply(&refused).unwrap();
        }
    }
}

#[test]
fn the_client_says_what_the_rfc_says() {
    for (file, text) in FILES {
        for octet_by_octet in [false, true] {
            play(file, text, octet_by_octet);
        }
    }
}

fn play(file: &str, text: &str, octet_by_octet: bool) {
    let mut config = client::Config::default();
    config.passwords = InClear::Taken;
    let mut client = client::Connection::new(config);
    let (mut input, mut told) = (BytesMut::new(), Vec::new());
    let turns = turns(text);
    let mut user = String::new();
    for (index, (said, answer)) in turns.iter().enumerate() {
        if let Some(said) = said {
            say(&mut client, said, &mut user);
            let output = String::from_utf8(client.output().split().to_vec()).unwrap();
            if !said.starts_with("USER") {
                assert_eq!(output.trim_end_matches("\r\n"), said, "{file}");
            } else {
                // PASS is said with USER; it leaves behind the server's +OK.
                user = said.clone();
            }
            if said.starts_with("USER") {
                continue;
            }
        }
        let mut answers = Vec::new();
        if said.as_deref().is_some_and(|said| said.starts_with("PASS")) {
            answers.push(turns[index - 1].1.clone());
        }
        answers.push(answer.clone());
        for (part, answer) in answers.iter().enumerate() {
            if part == 1 {
                // With PIPELINING it has gone before.
                let output = client.output().split();
                assert!(output.is_empty() || output == format!("{}\r\n", said.as_deref().unwrap()));
            }
            let octets = answer.as_bytes();
            for piece in octets.chunks(if octet_by_octet { 1 } else { octets.len() }) {
                input.extend_from_slice(piece);
                while let Step::Event(event) = client.next(&mut input).unwrap() {
                    if matches!(event, Seen::TlsReady) {
                        client.tls_established().unwrap();
                        break;
                    }
                    let closed = matches!(event, Seen::Closed(_));
                    told.push(event);
                    if closed {
                        break;
                    }
                }
            }
        }
        // Where the RFC's client does not ask for capabilities, ours does, and is told that there are none.
        let next = turns.get(index + 1).and_then(|(said, _)| said.as_deref());
        if client.output().as_ref() == b"CAPA\r\n" && next != Some("CAPA") {
            client.output().clear();
            input.extend_from_slice(b"-ERR unknown command\r\n");
            if let Step::Event(event) = client.next(&mut input).unwrap() {
                told.push(event);
            }
        }
    }
    assert!(matches!(told.last(), Some(Seen::Closed(_))), "{file}: {told:?}");
    let text: Vec<u8> = told
        .iter()
        .filter_map(|event| if let Seen::Data(data) = event { Some(&data[..]) } else { None })
        .flatten()
        .copied()
        .collect();
    match file {
        "rfc1939-s10" => {
            assert_eq!(text, mail().concat());
            let ends = told.iter().filter_map(|event| {
                if let Seen::MessageEnd { octets } = event { Some(*octets) } else { None }
            });
            assert_eq!(ends.collect::<Vec<_>>(), [120, 200]);
        }
        "rfc2449-s5" => assert!(told.iter().any(
            |event| matches!(event, Seen::AuthRefused(reply) if reply.code() == Some(ResponseCode::Auth))
        )),
        "rfc6856-s3" => assert_eq!(told.iter().filter(|event| matches!(event, Seen::Line(_))).count(), 6),
        _ => {}
    }
}

fn say(client: &mut client::Connection, said: &str, user: &mut String) {
    match Command::parse(said.as_bytes()) {
        // It is said already.
        Ok(Command::Capa) => {}
        Ok(Command::User(_)) => {}
        Ok(Command::Pass(password)) => {
            let name = user.strip_prefix("USER ").unwrap();
            client.log_in(name, &password.as_bytes().into()).unwrap();
            assert!(client.output().split().starts_with(format!("{user}\r\n").as_bytes()));
            // The second line waits for the answer to the first.
            client.output().extend_from_slice(said.as_bytes());
        }
        Ok(Command::Apop { name, .. }) => client.apop(&name.to_string(), &"tanstaaf".into()).unwrap(),
        Ok(Command::Auth { initial_response: None, .. }) => client.auth("PLAIN", None).unwrap(),
        Ok(Command::Auth { .. }) => client.auth("PLAIN", Some(b"test\0test\0test")).unwrap(),
        Ok(Command::Stls) => client.stls().unwrap(),
        Ok(Command::Quit) => client.quit().unwrap(),
        Ok(Command::Other { .. }) => client.respond(b"test\0test\0test").unwrap(),
        Ok(command) => client.send(&command).unwrap(),
        Err(error) => panic!("{said}: {error}"),
    }
}
