//! Servers that waste time, break off, or lie: the client's driver over sockets of both families.
#![cfg(feature = "net")]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};

use mail46_pop3::{
    MessageNumber,
    client::{Config, InClear},
    net::{Client, ClientError, Tls},
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
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
                Does::Repeat(text) => while socket.write_all(text.as_bytes()).await.is_ok() {},
                Does::Nothing => std::future::pending().await,
            }
        }
    });
    port
}

/// Logs in, lists, fetches the first message and says QUIT.
async fn session(ip: IpAddr, port: u16) -> Result<usize, ClientError> {
    let mut config = Config::default();
    config.passwords = InClear::Taken;
    config.timeouts.reply = Duration::from_millis(600);
    config.timeouts.message_block = Duration::from_millis(600);
    config.limits.message = 4_000_000;
    config.limits.entries = 1_000;
    let socket = TcpStream::connect((ip, port)).await.unwrap();
    let mut client = Client::open(socket, config, Tls::None).await?;
    client.log_in("u", &"p".into()).await?;
    client.list().await?;
    client.unique_ids().await?;
    let mut message = client.retrieve(MessageNumber::FIRST).await?;
    let mut octets = 0;
    while let Some(part) = message.next().await? {
        octets += part.len();
    }
    client.quit().await?;
    Ok(octets)
}

#[tokio::test]
async fn hostile_servers() {
    use Does::*;
    const GREETED: Does = Say("+OK ready\r\n");
    const NO_CAPA: Does = Say("-ERR what?\r\n");
    const OK: Does = Say("+OK\r\n");
    const LISTED: Does = Say("+OK\r\n1 5\r\n.\r\n");
    const IDS: Does = Say("+OK\r\n1 a\r\n.\r\n");
    let rows: &[(&'static [Does], Option<usize>, &str)] = &[
        (
            &[GREETED, NO_CAPA, OK, OK, LISTED, IDS, Say("+OK\r\nabc\r\n.\r\n"), OK],
            Some(5),
            "none is hostile",
        ),
        (&[Nothing], None, "silent from the start"),
        (&[GREETED, Nothing], None, "silent at CAPA"),
        (
            &[Drip("+OK a greeting that takes much longer than it may take, octet by octet\r\n")],
            None,
            "dripping",
        ),
        (&[Repeat("+OK ")], None, "a greeting without end"),
        (&[Repeat("x")], None, "a banner without end"),
        (&[GREETED, Say("+OK\r\n"), Repeat("X\r\n")], None, "capabilities without end"),
        (&[GREETED, NO_CAPA, OK, OK, Repeat("+OK\r\n")], None, "replies without end"),
        (&[GREETED, NO_CAPA, OK, OK, Say("+OK\r\n1 1\r\n1 1\r\n.\r\n")], None, "a number twice in LIST"),
        (
            &[GREETED, NO_CAPA, OK, OK, LISTED, Say("+OK\r\n1 a\r\n1 b\r\n.\r\n")],
            None,
            "a number twice in UIDL",
        ),
        (&[GREETED, NO_CAPA, OK, OK, LISTED, IDS, Repeat("+OK\r\n")], None, "a message without end"),
        (
            &[
                GREETED,
                NO_CAPA,
                OK,
                OK,
                LISTED,
                IDS,
                Drip("+OK\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\n.\r\n"),
            ],
            None,
            "a dripping one",
        ),
        (&[GREETED, NO_CAPA, OK, OK, LISTED, IDS, Drip("+OK\r\nabc\r\n")], None, "closed inside RETR"),
        (&[GREETED, NO_CAPA, OK, OK, LISTED, IDS, Drip("+OK\r\nabc\r\n.")], None, "closed at its dot"),
        (
            &[GREETED, NO_CAPA, OK, OK, LISTED, IDS, Say("+OK\r\nabc\r\n.\r\n+OK\r\n")],
            None,
            "more than was asked for",
        ),
        (
            &[GREETED, NO_CAPA, OK, OK, LISTED, IDS, Say("+OK\r\nabc\r\n.\r\n"), Say("-ERR no\r\n")],
            None,
            "QUIT refused",
        ),
        (&[GREETED, NO_CAPA, OK, OK, LISTED, IDS, Say("+OK\r\nabc\r\n.\r\n")], None, "QUIT not answered"),
        (&[GREETED, NO_CAPA, OK, Say("-ERR [AUTH] no\r\n")], None, "the log-in refused"),
        (&[Say("-ERR [SYS/TEMP] busy\r\n")], None, "unwelcome"),
    ];
    for ip in LOOPBACKS {
        for (turns, want, shows) in rows {
            let started = Instant::now();
            let port = serve(ip, turns).await;
            let got = tokio::time::timeout(Duration::from_secs(20), session(ip, port)).await;
            let got = got.unwrap_or_else(|_| panic!("{ip}: {shows}: no end"));
            assert_eq!(got.as_ref().ok(), want.as_ref(), "{ip}: {shows}: {got:?}");
            assert!(started.elapsed() < Duration::from_secs(15), "{ip}: {shows}: {:?}", started.elapsed());
        }
    }
}
