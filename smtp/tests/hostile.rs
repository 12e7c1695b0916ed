//! The client against servers that lie, over both families: it fails, soon, with bounded input, and no credential leaves in the clear.
//! `examples/tests/hostile.rs` runs the same table against the program `send`.
#![cfg(feature = "tls")]

#[path = "hostile/cases.rs"]
mod cases;
#[path = "hostile/server.rs"]
mod server;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cases::{Case, Login, Outcome, Security};
use mail46_sasl::client::{Exchange, LoginStart};
use mail46_sasl::{Binding, Nonce, Secret};
use mail46_smtp::client::{Config, Envelope};
use mail46_smtp::net::{Client, Tls, TlsSettings};
use mail46_smtp::{Mailbox, ReversePath};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use server::{Authority, FLOOD, Seen, Server};
use tokio::net::TcpStream;

const USER: &str = "alice";
const PASSWORD: &str = "drink-me-4711";
const MESSAGE: &[u8] = b"Subject: hostile\r\n\r\nover both families\r\n";
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
        // What to do without TLS is decided by the application, in the other rows.
        for case in cases::cases().iter().filter(|case| case.security == Security::Required) {
            let server = Server::start(
                address,
                authority.config(case.certificate),
                &case.ehlo,
                &case.in_tls,
                &case.plan,
            );
            let began = Instant::now();
            let ended = runtime.block_on(session(case, server.address, &authority));
            let took = began.elapsed();
            // What the client wrote last is still on its way to the server's record.
            std::thread::sleep(Duration::from_millis(20));
            let found = judge(case, &ended, &server.seen(), took);
            faults.extend(
                found.into_iter().map(|fault| format!("{} over {address}: {fault} ({ended:?})", case.name)),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

async fn session(case: &Case, address: std::net::SocketAddr, authority: &Authority) -> Result<(), String> {
    let socket = TcpStream::connect(address).await.map_err(text)?;
    let mut config = Config::new("[192.0.2.1]".parse().map_err(text)?);
    let patience = if case.timed { TIMEOUT } else { ROW };
    config.timeouts.set_all(patience);
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
    let offered = client.extensions().is_some_and(|offer| {
        offer.mechanisms().any(|name| name.eq_ignore_ascii_case(case.mechanism.as_bytes()))
    });
    if !offered {
        return Err("not offered".into());
    }
    let (password, nonce) = (Secret::from(PASSWORD), Nonce::from_random(&[7; 18]));
    let exchange = match case.mechanism {
        "PLAIN" => Exchange::plain("", USER, &password),
        "LOGIN" => Exchange::login(USER, &password, LoginStart::ServerFirst),
        _ => Exchange::scram_sha256("", USER, &password, Binding::Unsupported, &nonce),
    };
    client.authenticate(exchange.map_err(text)?).await.map_err(text)?;
    let mailbox = |text: &str| text.parse::<Mailbox>().unwrap();
    let envelope = Envelope::new(ReversePath::from(mailbox("a@example.org")), [mailbox("b@example.net")])
        .with_size(MESSAGE.len() as u64);
    let outcomes = client.send(&envelope, &mut &MESSAGE[..]).await.map_err(text)?;
    match outcomes.iter().all(|outcome| outcome.is_accepted()) {
        true => Ok(()),
        false => Err(format!("{outcomes:?}")),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn judge(case: &Case, ended: &Result<(), String>, seen: &Seen, took: Duration) -> Vec<String> {
    let mut faults = server::leaks(seen, USER, PASSWORD, case.login == Login::Never);
    if ended.is_ok() != (case.outcome == Outcome::Delivered) {
        faults.push("wrong outcome".to_owned());
    }
    if took > ROW {
        faults.push(format!("took {took:?}"));
    }
    if seen.flooded >= FLOOD {
        faults.push("took a reply without end".to_owned());
    }
    if seen.clear.windows(5).any(|window| window == b"MAIL ") {
        faults.push("the envelope went out in the clear".to_owned());
    }
    if seen.connections != 1 {
        faults.push(format!("{} connections", seen.connections));
    }
    faults
}
