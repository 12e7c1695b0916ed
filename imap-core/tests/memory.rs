//! Dialogues with a server over mail in memory, as scripts: `C:` is sent, `S:` is what must come, `…` in it is anything.
//! Each runs with what the client says at once, and octet by octet.
#![cfg(feature = "net")]

use std::{path::Path, sync::Arc};

use mail46_imap_core::{
    DateTime, Flag,
    memory::{Limits, Memory, MemoryAccount},
    net::{Peer, Server, Service, Shutdown, serve_connection},
    server::{Config, InClear, Offer},
    store::{Flags, Refusal},
};
use mail46_sasl::server::{Answer, Identity, Question};
use mail46_wire::net::Stream;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

struct Mails(Memory);

impl Service for Mails {
    type Account = MemoryAccount;

    async fn question(&self, _: &Peer, question: &Question) -> Answer {
        match question {
            Question::Password(presented) if presented.user == "u" => Answer::Password("p".into()),
            _ => Answer::Reject,
        }
    }

    async fn open(&self, _: &Peer, identity: &Identity) -> Result<MemoryAccount, Refusal> {
        Ok(self.0.user(identity.acts_as()))
    }

    fn id(&self) -> Vec<(&str, &str)> {
        vec![("name", "test")]
    }
}

/// RFC 3501 s 7.4.2, a message of parts, and a reply to the first.
fn mail() -> Memory {
    let memory = Memory::new(mail46_imap_core::net::now);
    let user = memory.user_with("u", Limits::default());
    let date = |text: &str| DateTime::parse(text.as_bytes()).ok();
    let one = "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n\
        Subject: IMAP4rev1 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n\
        Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\nMessage-Id: <B27397-0100000@cac.washington.edu>\r\n\
        MIME-Version: 1.0\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\nminutes\r\n{5}\r\n* 1 EXISTS\r\n";
    let two = "From: a@b.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Thu, 18 Jul 1996 00:00:00 +0000\r\n\
        Message-ID: <two@b.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
        --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n\
        --x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: c@d.example\r\n\r\ninner text\r\n--x--\r\n";
    let three = "From: c@d.example\r\nSubject: Re: IMAP4rev1 WG mtg summary and minutes\r\n\
        In-Reply-To: <B27397-0100000@cac.washington.edu>\r\nMessage-ID: <three@d.example>\r\n\
        Date: Fri, 19 Jul 1996 00:00:00 +0000\r\n\r\nthanks\r\n";
    let seen: Flags = [Flag::<&[u8]>::Seen].into_iter().collect();
    user.deliver("INBOX", one.as_bytes(), seen, date("\"17-Jul-1996 02:44:25 -0700\"")).unwrap();
    user.deliver("INBOX", two.as_bytes(), Flags::default(), date("\"18-Jul-1996 00:00:00 +0000\"")).unwrap();
    user.deliver("INBOX", three.as_bytes(), Flags::default(), date("\"19-Jul-1996 00:00:00 +0000\""))
        .unwrap();
    memory
}

fn server() -> Server {
    let mut config = Config::new("ready");
    config.in_clear = InClear::Taken;
    config.mechanisms = vec!["PLAIN".into()];
    config.compress = Offer::Yes;
    config.offer_all_of_memory();
    Server::new(config).unwrap()
}

/// A session with that mail, over a pipe that holds so many octets.
fn connect(memory: &Memory, pipe: usize) -> BufReader<DuplexStream> {
    let (near, far) = tokio::io::duplex(pipe);
    let service = Mails(memory.clone());
    tokio::spawn(async move {
        let address = "127.0.0.1:1".parse().unwrap();
        let (server, shutdown) = (Arc::new(server()), Shutdown::new());
        let peer = Peer::new(address, address);
        let _ = serve_connection(Stream::new(far), peer, &service, &server, &shutdown).await;
    });
    BufReader::new(near)
}

fn matches(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(piece) = last.replace(piece) {
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

async fn line(stream: &mut BufReader<DuplexStream>) -> String {
    let mut octets = Vec::new();
    let read = stream.read_until(b'\n', &mut octets);
    tokio::time::timeout(std::time::Duration::from_secs(10), read).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&octets).trim_end_matches(['\r', '\n']).to_owned()
}

async fn run(name: &str, script: &str, piece: usize) {
    let mut stream = connect(&mail(), 256);
    let mut log = String::new();
    for (at, row) in script.lines().enumerate() {
        let place = format!("{name}:{} (pieces of {piece})", at + 1);
        if let Some(text) = row.strip_prefix("C: ").or_else(|| row.strip_prefix("C:")) {
            let text = format!("{text}\r\n");
            log.push_str(&text);
            for octets in text.as_bytes().chunks(piece) {
                stream.get_mut().write_all(octets).await.unwrap();
            }
        } else if let Some(want) = row.strip_prefix("S: ").or_else(|| row.strip_prefix("S:")) {
            let got = line(&mut stream).await;
            assert!(matches(want, &got), "{place}\nwant {want}\n got {got}\n\n{log}");
            log.push_str(&got);
            log.push('\n');
        } else {
            assert!(row.is_empty() || row.starts_with('#'), "{place}: {row}");
        }
    }
    stream.get_mut().write_all(b"end LOGOUT\r\n").await.unwrap();
    assert_eq!(line(&mut stream).await, "* BYE bye", "{name}: something is left\n{log}");
    assert_eq!(line(&mut stream).await, "end OK bye", "{name}");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty(), "{name}");
}

#[tokio::test]
async fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server_scripts");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (name, script) = (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            std::fs::read_to_string(&path).unwrap(),
        );
        for piece in [usize::MAX, 1] {
            run(&name, &script, piece).await;
        }
        count += 1;
    }
    assert!(count >= 6, "{count}");
}
