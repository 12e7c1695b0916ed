//! Servers that waste time, break off, or lie: the client's driver over sockets of both families.
#![cfg(feature = "net")]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};

use mail46_imap_core::{
    FrameLimits, Numbering,
    client::{Config, InClear},
    net::{Client, ClientError, Fetched, Select, Tls},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// What a server does at each turn.
#[derive(Clone, Copy)]
enum Does {
    /// Says this, and waits for a line.
    Say(&'static str),
    /// Says this an octet at a time, slowly.
    Drip(&'static str),
    /// Says this again and again.
    Repeat(&'static str),
    /// Says this and so many opening parentheses.
    Deep(&'static str, usize),
    /// Says nothing more and does not close.
    Nothing,
}

async fn serve(ip: IpAddr, turns: &'static [Does]) -> u16 {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut line = [0; 512];
        for turn in turns {
            match turn {
                Does::Say(text) => {
                    socket.write_all(text.as_bytes()).await.ok();
                    if socket.read(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                Does::Drip(text) => {
                    for octet in text.as_bytes() {
                        if socket.write_all(&[*octet]).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
                Does::Repeat(text) => while socket.write_all(text.repeat(100).as_bytes()).await.is_ok() {},
                Does::Deep(text, depth) => {
                    let text = format!("{text}{}", "(".repeat(*depth));
                    socket.write_all(text.as_bytes()).await.ok();
                }
                Does::Nothing => std::future::pending().await,
            }
        }
    });
    port
}

/// Logs in, selects, searches, fetches all and says LOGOUT: octets fetched, and how many messages were found.
async fn session(ip: IpAddr, port: u16) -> Result<(usize, u64), ClientError> {
    let mut config = Config::default();
    config.passwords = InClear::Taken;
    config.timeouts.response = Duration::from_secs(3);
    config.timeouts.literal = Duration::from_secs(3);
    config.limits.literal = 4_000_000;
    config.limits.literals = 8_000_000;
    config.limits.responses = 4_000_000;
    config.limits.frame = FrameLimits { line: 1_000_000, literal: 16, ..FrameLimits::client() };
    let socket = TcpStream::connect((ip, port)).await.unwrap();
    let mut client = Client::open(socket, config, Tls::None).await?;
    client.login("u", &"p".into()).await?;
    client.select("INBOX", &Select::read_only()).await?;
    let found = client.search(Numbering::Uid, &"ALL".parse().unwrap()).await?.len();
    let what = "(UID BODY.PEEK[])".parse().unwrap();
    let mut messages = client.fetch(Numbering::Uid, &"1:*".parse().unwrap(), &what).await?;
    let mut octets = 0;
    while let Some(fetched) = messages.next().await? {
        if let Fetched::Data(data) = fetched {
            octets += data.len();
        }
    }
    client.logout().await?;
    Ok((octets, found))
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_servers() {
    use Does::*;
    const GREETED: Does = Say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    const IN: Does = Say("A1 OK [CAPABILITY IMAP4rev1] in\r\n");
    const SELECTED: Does = Say("* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\nA2 OK selected\r\n");
    const FOUND: Does = Say("* SEARCH 1\r\nA3 OK\r\n");
    const BYE: Does = Say("* BYE\r\nA5 OK\r\n");
    const BODY: Does = Say("* 1 FETCH (UID 1 BODY[] {20}\r\n12345678901234567890)\r\nA4 OK\r\n");
    let rows: &[(&'static [Does], Option<(usize, u64)>, &str)] = &[
        (&[GREETED, IN, SELECTED, FOUND, BODY, BYE], Some((20, 1)), "none is hostile"),
        (&[Nothing], None, "silent from the start"),
        (&[GREETED, Nothing], None, "silent at the log-in"),
        (
            &[Drip("* OK a greeting that takes much longer than it may take, octet by octet\r\n")],
            None,
            "dripping",
        ),
        (&[Repeat("* OK ")], None, "a greeting without end"),
        (&[Repeat("x")], None, "a banner without end"),
        (&[Say("* OK hi\r\n"), Repeat("* CAPABILITY X\r\n")], None, "capabilities without end"),
        (&[GREETED, Repeat("+ go\r\n")], None, "continuations without end"),
        (&[GREETED, Say("* BYE no\r\n")], None, "BYE at the log-in"),
        (&[GREETED, Say("A1 NO [AUTHENTICATIONFAILED] no\r\n")], None, "the log-in refused"),
        (&[GREETED, Say("A2 OK in\r\n")], None, "the log-in under another tag"),
        (&[GREETED, IN, Repeat("* OK hi\r\n")], None, "untagged responses without end"),
        (&[GREETED, IN, SELECTED, Repeat("* SEARCH 1 2 3\r\n")], None, "SEARCH without end"),
        (
            &[GREETED, IN, SELECTED, Say("* SEARCH 4294967296 0 -1\r\nA3 OK\r\n"), BODY, BYE],
            Some((20, 0)),
            "numbers",
        ),
        (&[GREETED, IN, SELECTED, FOUND, Repeat("* 1 FETCH (UID 1)\r\n")], None, "FETCH without end"),
        (
            &[
                GREETED,
                IN,
                SELECTED,
                FOUND,
                Deep("* 1 FETCH (BODYSTRUCTURE ", 100_000),
                Say("\r\nA4 OK\r\n"),
                BYE,
            ],
            Some((0, 1)),
            "BODYSTRUCTURE of 100,000 parentheses",
        ),
        (
            &[GREETED, IN, SELECTED, FOUND, Deep("* THREAD ", 100_000), Say("\r\nA4 OK\r\n"), BYE],
            Some((0, 1)),
            "THREAD of 100,000 parentheses",
        ),
        (
            &[GREETED, IN, SELECTED, FOUND, Say("* VANISHED 1:4294967295\r\nA4 OK\r\n"), BYE],
            Some((0, 1)),
            "all vanish",
        ),
        (
            &[GREETED, IN, SELECTED, FOUND, Say("* 4294967295 EXISTS\r\nA4 OK\r\n"), BYE],
            Some((0, 1)),
            "many messages",
        ),
        (
            &[GREETED, IN, SELECTED, FOUND, Say("* 1 FETCH (BODY[] {4000001}\r\n"), Repeat("x")],
            None,
            "a literal over",
        ),
        (&[GREETED, IN, SELECTED, FOUND, Say("* 1 FETCH (BODY[] {9223372036854775807}\r\n")], None, "2^63"),
        (&[GREETED, IN, SELECTED, FOUND, Say("* 1 FETCH (BODY[] {18446744073709551616}\r\n")], None, "2^64"),
        (
            &[GREETED, IN, SELECTED, FOUND, Say("* 1 FETCH (BODY[] {-1}\r\nA4 OK\r\n"), BYE],
            Some((0, 1)),
            "-1",
        ),
        (
            &[GREETED, IN, SELECTED, FOUND, Repeat("* 1 FETCH (BODY[] {3000000}\r\n")],
            None,
            "literals without end",
        ),
        (
            &[GREETED, IN, SELECTED, FOUND, Drip("* 1 FETCH (UID 1 BODY[] {20}\r\n123")],
            None,
            "closed inside a literal",
        ),
        (
            &[
                GREETED,
                IN,
                SELECTED,
                FOUND,
                Drip("* 1 FETCH (UID 1 BODY[] {60}\r\n123456789012345678901234567890123"),
            ],
            None,
            "a dripping literal",
        ),
        (&[GREETED, IN, SELECTED, FOUND, Say("* BYE sorry\r\n")], None, "BYE in the middle"),
        (&[GREETED, IN, SELECTED, FOUND, BODY, Say("* BYE\r\n")], None, "LOGOUT not answered"),
    ];
    for ip in LOOPBACKS {
        let mut sessions = tokio::task::JoinSet::new();
        for (turns, want, shows) in rows {
            let (turns, want, shows) = (*turns, *want, shows.to_string());
            sessions.spawn(async move {
                let started = Instant::now();
                let port = serve(ip, turns).await;
                let got = tokio::time::timeout(Duration::from_secs(60), session(ip, port)).await;
                let got = got.unwrap_or_else(|_| panic!("{ip}: {shows}: no end"));
                assert_eq!(got.as_ref().ok(), want.as_ref(), "{ip}: {shows}: {got:?}");
                assert!(
                    started.elapsed() < Duration::from_secs(50),
                    "{ip}: {shows}: {:?}",
                    started.elapsed()
                );
            });
        }
        while let Some(session) = sessions.join_next().await {
            session.unwrap();
        }
    }
}
