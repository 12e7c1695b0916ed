//! The client against servers that lie, over both families: it fails, soon, with bounded input, and no credential leaves in the clear.
//! `examples/tests/hostile_pop3.rs` runs the same table against the program `fetch-pop3`.
#![cfg(feature = "tls")]

#[path = "hostile/cases.rs"]
mod cases;
#[path = "hostile/server.rs"]
mod server;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use cases::{Case, Login, Outcome};
use mail46_pop3::{
    client::Config,
    net::{Client, Tls, TlsSettings},
};
use mail46_sasl::{
    Binding, Nonce, Secret,
    client::{Exchange, LoginStart},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use server::{Authority, FLOOD, MESSAGE, Seen, Server};
use tokio::net::TcpStream;

const USER: &str = "alice";
const PASSWORD: &str = "drink-me-4711";
/// For each reply.
const TIMEOUT: Duration = Duration::from_millis(600);
/// A row takes no longer than its replies may, debug build and busy machine included.
const ROW: Duration = Duration::from_secs(20);

#[test]
fn no_lie_is_believed_and_no_secret_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let authority = Authority::new();
    let mut faults = Vec::new();
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        for case in &cases::cases() {
            let config = authority.config(case.certificate);
            let server = Server::start(address, config, &case.capa, &case.in_tls, &case.plan);
            let began = Instant::now();
            let mut whole = false;
            let ended = runtime.block_on(session(case, server.address, &authority, &mut whole));
            let took = began.elapsed();
            // What the client wrote last is still on its way to the server's record.
            std::thread::sleep(Duration::from_millis(20));
            let mut found = judge(case, &ended, &server.seen(), took);
            if whole != case.kept {
                found.push(format!("the message is whole: {whole}"));
            }
            faults.extend(
                found.into_iter().map(|fault| format!("{} over {address}: {fault} ({ended:?})", case.name)),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

async fn session(
    case: &Case,
    address: SocketAddr,
    authority: &Authority,
    whole: &mut bool,
) -> Result<(), String> {
    let socket = TcpStream::connect(address).await.map_err(text)?;
    let mut config = Config::default();
    let patience = if case.timed { TIMEOUT } else { ROW };
    config.timeouts.reply = patience;
    config.timeouts.message_block = patience;
    config.limits.message = 4 << 20;
    config.limits.entries = 100_000;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).map_err(text)?).map_err(text)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(text)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let settings = TlsSettings { config: Arc::new(tls), name: address.ip().into() };
    let mut client = Client::open(socket, config, Tls::Required(settings)).await.map_err(text)?;
    let (password, nonce) = (Secret::from(PASSWORD), Nonce::from_random(&[7; 18]));
    let exchange = match case.mechanism {
        "USER" => None,
        "PLAIN" => Some(Exchange::plain("", USER, &password)),
        "LOGIN" => Some(Exchange::login(USER, &password, LoginStart::ServerFirst)),
        _ => Some(Exchange::scram_sha256("", USER, &password, Binding::Unsupported, &nonce)),
    };
    match exchange {
        Some(exchange) => client.authenticate(exchange.map_err(text)?).await.map_err(text)?,
        None => client.log_in(USER, &password).await.map_err(text)?,
    };
    let listed = client.list().await.map_err(text)?;
    let ids = client.unique_ids().await.map_err(text)?;
    let (Some(first), 1) = (listed.first(), ids.len()) else { return Err("another maildrop".into()) };
    let mut message = client.retrieve(first.message).await.map_err(text)?;
    let mut received = Vec::new();
    while let Some(part) = message.next().await.map_err(text)? {
        received.extend_from_slice(&part);
        // Somebody who was told a size need not take more.
        if received.len() as u64 > first.octets.saturating_add(64 << 10) {
            return Err("longer than listed".into());
        }
    }
    if received != MESSAGE.as_bytes() {
        return Err("another message".into());
    }
    *whole = true;
    client.delete(first.message).await.map_err(text)?;
    client.quit().await.map(drop).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn judge(case: &Case, ended: &Result<(), String>, seen: &Seen, took: Duration) -> Vec<String> {
    let mut faults = server::leaks(seen, USER, PASSWORD, case.login == Login::Never);
    if ended.is_ok() != (case.outcome == Outcome::Done) {
        faults.push("wrong outcome".to_owned());
    }
    if took > ROW {
        faults.push(format!("took {took:?}"));
    }
    if seen.flooded >= FLOOD {
        faults.push("took a reply without end".to_owned());
    }
    if seen.connections != 1 {
        faults.push(format!("{} connections", seen.connections));
    }
    faults
}
