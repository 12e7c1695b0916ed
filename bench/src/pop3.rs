//! POP3: the server's message text beside memcpy; and client sessions on loopback, one server for all of them, that has its
//! answers ready: mail46's `net::Client`, async-pop 1.1.3, rust-pop3-client 0.3.0 (with that feature). The peers' parsers are
//! not to be had without their clients.

use std::{
    hint::black_box,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use mail46_pop3::{
    Reply, ScanListing, UidListing,
    client::{self, InClear},
    net::{Client, Tls},
    server,
};
#[cfg(feature = "rust-pop3-client")]
use rust_pop3_client::{Pop3Connection, Pop3ConnectionFactory};

use crate::harness::{Case, Unit, table, time};

const READ: usize = 64 * 1024;
const BODY: usize = 1 << 20;
const ENTRIES: usize = 10_000;

pub fn run() {
    lines();
    for (name, line) in [
        ("stored with CRLF", "A line of prose as mail has them, some seventy octets long.\r\n"),
        ("stored with LF", "A line of prose as mail has them, some seventy octets long.\n"),
    ] {
        text(name, &line.repeat(BODY / line.len()).into_bytes());
    }
    clients();
}

/// Replies and listings from their octets.
fn lines() {
    let cases = vec![
        Case::new("+OK 120 octets", || times(|| Reply::parse(black_box(b"+OK 120 octets")).is_some())),
        Case::new("-ERR [IN-USE] Do you have …", || {
            times(|| {
                Reply::parse(black_box(b"-ERR [IN-USE] Do you have another session?"))
                    .is_some_and(|reply| reply.code().is_some())
            })
        }),
        Case::new("a scan listing", || times(|| ScanListing::parse(black_box(b"1234 5678901")).is_some())),
        Case::new("a unique-id listing", || {
            times(|| UidListing::parse(black_box(b"1234 1700000000.M1234P56.mail.example.org")).is_some())
        }),
    ];
    table("pop3: a line from its octets", Unit::Items(10_000), 201, cases);
}

fn times(work: impl Fn() -> bool) -> Duration {
    time(|| (0..10_000).for_each(|_| assert!(work())))
}

/// A message by the server's machine, from what is read of a file to what is written to the socket.
fn text(name: &str, text: &[u8]) {
    let cases = vec![
        Case::new("memcpy", || {
            let mut out = vec![1; 2 * READ];
            time(|| {
                for piece in text.chunks(READ) {
                    out.clear();
                    out.extend_from_slice(black_box(piece));
                    black_box(&out);
                }
            })
        }),
        Case::new("mail46 server, data", || {
            let mut server = retrieving();
            time(|| {
                for piece in text.chunks(READ) {
                    server.data(black_box(piece)).unwrap();
                    black_box(server.output()).clear();
                }
                server.finish_data().unwrap();
            })
        }),
    ];
    table(&format!("pop3: RETR, {name}"), Unit::Octets(text.len()), 201, cases);
}

fn retrieving() -> server::Connection {
    let mut config = server::Config::new("ready");
    config.in_clear = InClear::Taken;
    let mut server = server::Connection::new(Arc::new(config));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("USER a\r\nPASS b\r\nRETR 1\r\n");
    let _ = server.next(&mut input).unwrap();
    server.open(vec![server::Message { octets: 1, unique_id: "a".parse().unwrap() }], "in").unwrap();
    let _ = server.next(&mut input).unwrap();
    server.accept_message("follows").unwrap();
    // Its pages are there already.
    let _ = server.data(&[b'x'; 2 * READ]).unwrap();
    server.output().clear();
    server
}

fn clients() {
    let line = "A line of prose as mail has them, some seventy octets long.\r\n";
    let message = line.repeat(BODY / line.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = serve(format!("+OK\r\n{message}.\r\n"));
    for (title, work, unit, rounds) in [
        ("log-in, STAT, QUIT", Work::Stat, Unit::Items(1), 101),
        ("the same with UIDL of 10,000 messages, for each", Work::Uidl, Unit::Items(ENTRIES), 21),
        ("the same with RETR of 1 MiB", Work::Retr, Unit::Octets(message.len()), 11),
    ] {
        let cases = vec![
            Case::new("async-pop 1.1.3", || time(|| runtime.block_on(async_pop(address, work)))),
            #[cfg(feature = "rust-pop3-client")]
            Case::new("rust-pop3-client 0.3.0", || time(|| rust_pop3_client(address, work))),
            Case::new("mail46", || time(|| runtime.block_on(mail46(address, work, message.len())))),
        ];
        table(&format!("pop3: client, {title}"), unit, rounds, cases);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Stat,
    Uidl,
    Retr,
}

async fn mail46(address: SocketAddr, work: Work, octets: usize) {
    let mut config = client::Config::default();
    config.passwords = InClear::Taken;
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let mut client = Client::open(socket, config, Tls::None).await.unwrap();
    client.log_in("mrose", &"tanstaaf".into()).await.unwrap();
    assert_eq!(client.stat().await.unwrap().messages, 2);
    match work {
        Work::Stat => {}
        Work::Uidl => assert_eq!(client.unique_ids().await.unwrap().len(), ENTRIES),
        Work::Retr => {
            let mut message = client.retrieve(mail46_pop3::MessageNumber::FIRST).await.unwrap();
            let mut text = Vec::new();
            while let Some(part) = message.next().await.unwrap() {
                text.extend_from_slice(&part);
            }
            assert_eq!(text.len(), octets);
        }
    }
    client.quit().await.unwrap();
}

async fn async_pop(address: SocketAddr, work: Work) {
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let mut client = async_pop::new(socket).await.unwrap();
    client.login("mrose", "tanstaaf").await.unwrap();
    client.stat().await.unwrap();
    match work {
        Work::Stat => {}
        Work::Uidl => {
            let async_pop::response::uidl::UidlResponse::Multiple(all) = client.uidl(None).await.unwrap()
            else {
                panic!()
            };
            assert_eq!(all.items().len(), ENTRIES);
        }
        Work::Retr => assert!(client.retr(1).await.unwrap().len() >= BODY - 100),
    }
    client.quit().await.unwrap();
}

#[cfg(feature = "rust-pop3-client")]
fn rust_pop3_client(address: SocketAddr, work: Work) {
    let mut client = Pop3ConnectionFactory::without_tls(&address.ip().to_string(), address.port()).unwrap();
    client.login("mrose", "tanstaaf").unwrap();
    assert_eq!(client.stat().unwrap().message_count, 2);
    match work {
        Work::Stat => {}
        Work::Uidl => assert_eq!(client.list_unique_ids().unwrap().len(), ENTRIES),
        Work::Retr => {
            let mut text = Vec::new();
            client.retrieve(1, &mut text).unwrap();
            assert!(text.len() >= BODY - BODY / 50);
        }
    }
}

/// A server that has its answers ready, a thread a connection.
fn serve(message: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let entries: String =
        (1..=ENTRIES).map(|n| format!("{n} 1700000000.M{n}P56.mail.example.org\r\n")).collect();
    let answers = Arc::new([
        ("CAPA", "+OK\r\nTOP\r\nUIDL\r\nUSER\r\nRESP-CODES\r\nPIPELINING\r\n.\r\n".to_owned()),
        ("STAT", "+OK 2 320\r\n".to_owned()),
        ("UIDL", format!("+OK\r\n{entries}.\r\n")),
        ("RETR", message),
    ]);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || session(&socket.unwrap(), &answers[..]));
        }
    });
    address
}

fn session(socket: &TcpStream, answers: &[(&str, String)]) {
    socket.set_nodelay(true).unwrap();
    let mut out = socket;
    let mut say = |text: &str| out.write_all(text.as_bytes()).is_ok();
    if !say("+OK ready\r\n") {
        return;
    }
    for line in BufReader::new(socket).lines() {
        let Ok(line) = line else { return };
        let answer =
            answers.iter().find(|(verb, _)| line.starts_with(verb)).map_or("+OK\r\n", |(_, text)| text);
        if !say(answer) || line == "QUIT" {
            return;
        }
    }
}
