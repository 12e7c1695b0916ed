//! Connects to a host as a mail client does, by Happy Eyeballs, and tells what was tried.
//!
//!     cargo run --example eyeballs -- --greeting mail.example 25
//!
//! Exit status by sysexits.h: 0 connected, 64 usage, 68 no address, 75 not now.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use mail46_connect::{
    Config, ConnectError, Connected, Dial, Endpoint, Failure, Family, FamilyPolicy, HickoryResolver, Log,
    Options, connect_any,
};
use mail46_examples::say;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

#[derive(Parser)]
struct Arguments {
    /// Ask this name server; the system's resolver if none
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
    /// Which families, and which first
    #[arg(long, default_value = "dual6")]
    policy: Policy,
    /// An attempt succeeds when TLS is established
    #[arg(long)]
    tls: bool,
    /// An attempt succeeds when the server has greeted (220, * OK, +OK)
    #[arg(long)]
    greeting: bool,
    /// Wait so long for an attempt before the next one starts beside it (100 to 2000)
    #[arg(long, value_name = "MS", default_value_t = 250)]
    attempt_delay: u64,
    /// Give up after so long
    #[arg(long, value_name = "S", default_value_t = 30)]
    deadline: u64,
    /// Try these addresses and look up nothing
    #[arg(long, value_name = "ADDR,…", value_delimiter = ',')]
    addresses: Option<Vec<IpAddr>>,
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    Dual6,
    Dual4,
    V6,
    V4,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let started = Instant::now();
    match run(&arguments).await {
        Ok(connected) => {
            tell_winner(&arguments, &connected, started.elapsed());
            ExitCode::SUCCESS
        }
        Err(Trouble::Race(error)) => {
            tell_failure(&arguments, &error);
            ExitCode::from(match error.failure {
                Failure::NoAddress | Failure::NoUsableAddress => 68,
                _ => 75,
            })
        }
        Err(Trouble::Setup(error)) => {
            say::err(format_args!("eyeballs: {error}"));
            ExitCode::from(78)
        }
    }
}

enum Trouble {
    Race(Box<ConnectError>),
    Setup(io::Error),
}

/// Connects; what comes of it is the greeting, if one was waited for.
async fn run(arguments: &Arguments) -> Result<Connected<String>, Trouble> {
    let policy = match arguments.policy {
        Policy::Dual6 => FamilyPolicy::PreferIpv6,
        Policy::Dual4 => FamilyPolicy::PreferIpv4,
        Policy::V6 => FamilyPolicy::OnlyIpv6,
        Policy::V4 => FamilyPolicy::OnlyIpv4,
    };
    let config = Config::new()
        .policy(policy)
        .attempt_delay(Duration::from_millis(arguments.attempt_delay))
        .deadline(Some(Duration::from_secs(arguments.deadline)));
    let mut options = Options::new().config(config);
    if let Some(server) = arguments.resolver {
        options = options.resolver(Arc::new(HickoryResolver::from_server(server).map_err(Trouble::Setup)?));
    }
    let tls = if arguments.tls { Some(tls(&arguments.host).map_err(Trouble::Setup)?) } else { None };
    let attempt = |dial: Dial| {
        let (tls, greeting) = (tls.clone(), arguments.greeting);
        async move {
            let stream = dial.tcp().await?;
            let Some((connector, name)) = tls else { return speak(stream, greeting).await };
            let stream = connector.connect(name, stream).await?;
            dial.progress();
            speak(stream, greeting).await
        }
    };
    let mut host = Endpoint::new(&arguments.host, arguments.port);
    if let Some(known) = &arguments.addresses {
        host = host.with_addresses(known.clone());
    }
    connect_any(&[host], &options, attempt).await.map_err(|error| Trouble::Race(Box::new(error)))
}

fn tls(host: &str) -> io::Result<(TlsConnector, ServerName<'static>)> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// The first line that the server says, if it is waited for and friendly.
async fn speak(mut stream: impl AsyncRead + Unpin, greeting: bool) -> io::Result<String> {
    let mut line = Vec::new();
    while greeting && !line.ends_with(b"\n") {
        if line.len() == 512 {
            return Err(io::Error::other("a greeting without an end"));
        }
        line.push(stream.read_u8().await?);
    }
    let text = line.trim_ascii_end().escape_ascii().to_string();
    let friendly = [&b"220"[..], b"* OK", b"* PREAUTH", b"+OK"].iter().any(|word| line.starts_with(word));
    if friendly || !greeting { Ok(text) } else { Err(io::Error::other(text)) }
}

fn tell_winner(arguments: &Arguments, connected: &Connected<String>, took: Duration) {
    let (family, millis) = (connected.family(), took.as_secs_f64() * 1e3);
    if arguments.json {
        let mut told = events(&connected.log);
        told["outcome"] = "connected".into();
        told["address"] = connected.address.to_string().into();
        told["family"] = family.to_string().into();
        told["ms"] = millis.into();
        told["greeting"] = Some(&connected.stream).filter(|line| !line.is_empty()).cloned().into();
        say::out(told);
    } else {
        say::out(connected.log.to_string().trim_end());
        say::out(format_args!("{millis:9.1} ms  connected to {} family={family}", connected.address));
        if !connected.stream.is_empty() {
            say::out(format_args!("              {}", connected.stream));
        }
    }
}

fn tell_failure(arguments: &Arguments, error: &ConnectError) {
    if arguments.json {
        let mut told = events(&error.log);
        told["outcome"] = error.failure.to_string().into();
        say::out(told);
    } else {
        say::out(error.log.to_string().trim_end());
        say::err(format_args!("eyeballs: {}: {error}", arguments.host));
    }
}

fn events(log: &Log<io::Error>) -> Value {
    let millis = |at: Instant| at.duration_since(log.started).as_secs_f64() * 1e3;
    let lookups = log.lookups.iter().map(|it| {
        let answer = it.answer.as_ref().map(|answer| answer.as_ref().map_or_else(|e| json!(e.to_string()), |n| json!(n)));
        let record = if it.family == Family::V6 { "AAAA" } else { "A" };
        json!({"record": record, "started": millis(it.started), "ended": it.ended.map(millis), "answer": answer})
    });
    let attempts = log.attempts.iter().map(|it| {
        let (address, outcome) = (it.address.to_string(), it.outcome.to_string());
        json!({"address": address, "started": millis(it.started), "ended": it.ended.map(millis), "outcome": outcome})
    });
    json!({"lookups": lookups.collect::<Vec<_>>(), "attempts": attempts.collect::<Vec<_>>()})
}
