//! The demo's second half: what was delivered is read back by POP3, over both families.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use mail46_pop3::{
    Command, Reply,
    client::Config,
    net::{Client, ClientError, Peer, Server, Service, Shutdown, Tls, TlsSettings, serve},
    server::{self, Offer},
};
use mail46_sasl::server::{Answer, Identity, Question};
use mail46_wire::base64;
use rustls::{ClientConfig, ServerConfig};
use tokio::net::TcpStream;

use crate::{
    Exit, Stop,
    auth::{Credentials, MECHANISMS, OneUser},
    listen,
    maildir::{Locks, Mail, Store},
    tls,
};

/// One session in which all messages were fetched.
#[derive(Debug)]
pub struct Row {
    /// IPv6 or IPv4.
    pub family: &'static str,
    /// How TLS began, and the mechanism.
    pub way: String,
    /// How many messages.
    pub messages: usize,
    /// Their octets.
    pub octets: usize,
    /// From the connection to the answer to QUIT.
    pub time: Duration,
}

/// Serves these messages over both families and fetches them, by STLS and by TLS from the first octet on. An error if one of them
/// is not octet for octet the same.
pub async fn read_back(
    mail: &[Vec<u8>],
    user: &str,
    (server_tls, client_tls): (Arc<ServerConfig>, Arc<ClientConfig>),
) -> Result<Vec<Row>, Stop> {
    let mut config = server::Config::new("demo ready");
    config.stls = Offer::Yes;
    config.mechanisms = MECHANISMS.map(str::to_owned).to_vec();
    let mut plain = Server::new(config).map_err(Stop::because(Exit::OsError, "randomness"))?;
    plain.tls = Some(server_tls);
    let mut implicit = plain.clone();
    implicit.implicit_tls = true;
    let shelved =
        |(index, text): (usize, &Vec<u8>)| Some((format!("demo-{index}").parse().ok()?, shelve(text)));
    let store = Store::Memory(Mutex::new(mail.iter().enumerate().filter_map(shelved).collect()));
    let shelf =
        Arc::new(Shelf { user: OneUser::parse(user)?, store: Arc::new(store), locks: Locks::default() });

    let shutdown = Shutdown::new();
    let mut rows = Vec::new();
    for address in ["[::1]:0", "127.0.0.1:0"] {
        for (server, way) in [(&plain, "STLS"), (&implicit, "pop3s")] {
            let sockets = listen::bind(address).await?;
            let socket = sockets.first().map(tokio::net::TcpListener::local_addr);
            let Some(Ok(local)) = socket else { return Err(Stop::new(Exit::OsError, address)) };
            let shutdown = &shutdown;
            let settings = TlsSettings {
                config: Arc::clone(&client_tls),
                name: tls::server_name(&local.ip().to_string())?,
            };
            let policy = if server.implicit_tls { Tls::Implicit(settings) } else { Tls::Required(settings) };
            let served = serve(sockets, server, Arc::clone(&shelf), shutdown);
            let fetch = fetch(local, policy, user, way, mail);
            // The server goes when the client has what it came for.
            let row = tokio::select! {
                row = fetch => row?,
                ended = served => {
                    ended.map_err(Stop::because(Exit::OsError, "serving"))?;
                    return Err(Stop::new(Exit::OsError, "the POP3 server ended"));
                }
            };
            println!("   {} messages read back over {}: {}", row.messages, row.family, row.way);
            rows.push(row);
        }
    }
    Ok(rows)
}

async fn fetch(
    address: std::net::SocketAddr,
    policy: Tls,
    user: &str,
    way: &str,
    mail: &[Vec<u8>],
) -> Result<Row, Stop> {
    let start = Instant::now();
    let failed = |error: ClientError| Stop::new(Exit::Unavailable, format!("POP3 at {address}: {error}"));
    let differs = |what: String| Stop::new(Exit::Protocol, format!("POP3 at {address}: {what}"));
    let socket = TcpStream::connect(address).await.map_err(Stop::because(Exit::Unavailable, address))?;
    let mut client = Client::open(socket, Config::default(), policy).await.map_err(failed)?;
    // One of the messages has a header in UTF-8 (RFC 6856 s 2.1).
    client.command(&Command::Utf8).await.map_err(failed)?;
    let names: Vec<&str> = client.capabilities().iter().flat_map(|all| all.mechanisms()).collect();
    let exchange =
        Credentials::parse(user)?.exchange_of(&names, client.is_tls(), &client.channel_bindings(), false)?;
    let way = format!("{way} {}", exchange.name());
    client.authenticate(exchange).await.map_err(failed)?;
    let listing = client.list().await.map_err(failed)?;
    if listing.len() != mail.len() {
        return Err(differs(format!("{} messages of {}", listing.len(), mail.len())));
    }
    let numbers: Vec<_> = listing.iter().map(|scan| scan.message).collect();
    client.request(&numbers).map_err(failed)?;
    let mut octets = 0;
    for (scan, sent) in listing.iter().zip(mail) {
        let mut message = client.message().await.map_err(failed)?;
        let mut text = Vec::new();
        while let Some(part) = message.next().await.map_err(failed)? {
            text.extend_from_slice(&part);
        }
        if text.len() as u64 != scan.octets || unshelve(&text).as_deref() != Some(sent.as_slice()) {
            return Err(differs(format!("message {} is not what was sent", scan.message)));
        }
        octets += text.len();
    }
    client.quit().await.map_err(failed)?;
    let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
    Ok(Row { family, way, messages: mail.len(), octets, time: start.elapsed() })
}

const BINARY: &str = "Content-Transfer-Encoding: binary\r\n\r\n";
const BASE64: &str = "Content-Transfer-Encoding: base64\r\n\r\n";

/// RFC 6856 s 2.1: binary is "still not permitted" in POP3, whose messages are lines: its body becomes base64 (RFC 3030 s 3).
fn shelve(text: &[u8]) -> Bytes {
    let Some(at) = memchr::memmem::find(text, BINARY.as_bytes()) else { return Bytes::copy_from_slice(text) };
    let mut shelved = BytesMut::from(&text[..at]);
    shelved.extend_from_slice(BASE64.as_bytes());
    for line in text[at + BINARY.len()..].chunks(57) {
        base64::encode(line, &mut shelved);
        shelved.extend_from_slice(b"\r\n");
    }
    shelved.freeze()
}

/// And back.
fn unshelve(text: &[u8]) -> Option<Vec<u8>> {
    let Some(at) = memchr::memmem::find(text, BASE64.as_bytes()) else { return Some(text.to_vec()) };
    let mut sent = text[..at].to_vec();
    sent.extend_from_slice(BINARY.as_bytes());
    for line in text[at + BASE64.len()..].split_inclusive(|octet| *octet == b'\n') {
        sent.extend_from_slice(&base64::decode(line.strip_suffix(b"\r\n")?).ok()?);
    }
    Some(sent)
}

struct Shelf {
    user: OneUser,
    store: Arc<Store>,
    locks: Locks,
}

impl Service for Shelf {
    type Maildrop = Mail;

    async fn question(&self, _: &Peer, question: &Question) -> Answer {
        self.user.answer(question)
    }

    async fn open(&self, _: &Peer, identity: &Identity) -> Result<Mail, Reply> {
        Mail::open(&self.store, &self.locks, identity.acts_as())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_binary_comes_back_so() {
        let binary = [BINARY.as_bytes(), &(0..=255).cycle().take(1_000).collect::<Vec<u8>>()].concat();
        for (text, changed) in [(b"A: b\r\n\r\n.\r\n".to_vec(), false), (binary, true)] {
            let shelved = shelve(&text);
            assert_eq!(shelved != text, changed);
            assert!(
                !changed || shelved.is_ascii() && shelved.split(|c| *c == b'\n').all(|line| line.len() < 78)
            );
            assert_eq!(unshelve(&shelved), Some(text));
        }
    }
}
