//! Sends one message over SMTP or LMTP, and tells what became of each recipient.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use mail46_examples::{Exit, Stop, auth, dial, exit, message, tls};
use mail46_smtp::{
    Mailbox, ReversePath,
    client::{Config, Envelope, Outcome, Stage, Unable},
    net::{Client, ClientError, Direction, Observer, SendError, Tls, TlsSettings},
    server::Dialect,
};

/// Sends a message from a file or stdin. Exit codes are those of sysexits(3): 0 all recipients accepted, 65 bad data,
/// 67 no such user, 68 no such host, 69 refused or unavailable, 75 try again later, 76 protocol broken, 77 denied.
#[derive(Parser)]
struct Flags {
    /// The sender's address; empty for a report.
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// A recipient's address; repeatable.
    #[arg(long, required = true, num_args = 1.., value_name = "ADDRESS")]
    to: Vec<String>,
    /// The server, as mx.example:25 or [2001:db8::25]:25.
    #[arg(long, value_name = "HOST:PORT")]
    via: String,
    /// none; opportunistic: if offered, any certificate; required: STARTTLS, certificate checked; implicit: TLS from the
    /// first octet on, certificate checked.
    #[arg(long, value_enum, default_value_t = TlsMode::Opportunistic)]
    tls: TlsMode,
    /// Certificates to trust, in PEM, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Authenticates; the best mechanism offered unless one is named. Nothing readable is sent outside TLS.
    #[arg(long, value_name = "USER:PASSWORD[:MECHANISM]")]
    auth: Option<String>,
    /// Lets PLAIN and LOGIN show the password outside TLS.
    #[arg(long)]
    auth_without_tls: bool,
    /// Speaks LMTP.
    #[arg(long)]
    lmtp: bool,
    /// Which addresses of the server are tried, and in which order.
    #[arg(long, value_enum, default_value_t = dial::Family::Dual6)]
    family: dial::Family,
    /// Our name in EHLO; default: the address that we connect from.
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
    /// Seconds to wait for each reply at most; default: the minutes that RFC 5321 asks for.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Prints the dialogue on stderr, secrets left out.
    #[arg(short, long)]
    verbose: bool,
    /// The message; default: stdin.
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TlsMode {
    None,
    Opportunistic,
    Required,
    Implicit,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("send", runtime.and_then(|runtime| runtime.block_on(run(&flags))))
}

async fn run(flags: &Flags) -> Result<Exit, Stop> {
    let envelope = envelope(flags)?;
    let prepared = message::prepare(flags.file.as_deref())?;
    let mut envelope = envelope.with_size(prepared.size).with_body(prepared.body);
    envelope.utf8_header = prepared.utf8_header;

    let (host, port) = dial::host_port(&flags.via)?;
    let tls = policy(flags, &host)?;
    let socket = dial::connect(&host, port, flags.family, flags.verbose).await?;
    let helo = match &flags.helo {
        Some(name) => name.parse().map_err(Stop::because(Exit::Usage, format!("--helo {name}")))?,
        None => dial::own_host(&socket)?,
    };
    let mut config = Config::new(helo);
    config.dialect = if flags.lmtp { Dialect::Lmtp } else { Dialect::Smtp };
    if let Some(seconds) = flags.timeout {
        config.timeouts.set_all(std::time::Duration::from_secs(seconds));
    }
    let mut client =
        Client::open_observed(socket, config, tls, flags.verbose.then(observer)).await.map_err(failed)?;
    if let Some(flag) = &flags.auth {
        let credentials = auth::Credentials::parse(flag)?;
        let exchange = credentials.exchange(
            client.extensions(),
            client.is_tls(),
            &client.channel_bindings(),
            flags.auth_without_tls,
        )?;
        client.authenticate(exchange).await.map_err(failed)?;
    }
    let mut file = tokio::fs::File::from_std(prepared.file);
    let outcomes = match client.send(&envelope, &mut file).await {
        Ok(outcomes) => outcomes,
        Err(SendError::Lost { outcomes, cause }) => {
            report(flags, &outcomes);
            let stop = failed(*cause);
            // Whoever does not know whether it was delivered must not say that it was not.
            let ambiguous = outcomes.contains(&Outcome::Ambiguous);
            return Err(if ambiguous { Stop(Exit::Temporary, stop.1) } else { stop });
        }
        Err(SendError::Unable(unable)) => return Err(cannot(&unable)),
        Err(error) => return Err(Stop::new(Exit::Data, error)),
    };
    // The message is accepted or not by now; what becomes of QUIT changes nothing.
    client.quit().await.ok();
    report(flags, &outcomes);
    Ok(outcomes.iter().map(code).max().unwrap_or(Exit::Ok))
}

fn envelope(flags: &Flags) -> Result<Envelope, Stop> {
    let mailbox =
        |text: &String| text.parse::<Mailbox>().map_err(Stop::because(Exit::Data, format!("address {text}")));
    let from = match flags.from.as_str() {
        "" | "<>" => ReversePath::Null,
        _ => mailbox(&flags.from)?.into(),
    };
    let to: Result<Vec<Mailbox>, Stop> = flags.to.iter().map(mailbox).collect();
    Ok(Envelope::new(from, to?))
}

fn policy(flags: &Flags, host: &str) -> Result<Tls, Stop> {
    let checked =
        || Ok(TlsSettings { config: tls::client(flags.ca.as_deref())?, name: tls::server_name(host)? });
    Ok(match flags.tls {
        TlsMode::None => Tls::None,
        TlsMode::Opportunistic if flags.ca.is_some() || flags.auth.is_some() => {
            Tls::Opportunistic(checked()?)
        }
        TlsMode::Opportunistic => {
            Tls::Opportunistic(TlsSettings { config: tls::unauthenticated()?, name: tls::server_name(host)? })
        }
        TlsMode::Required => Tls::Required(checked()?),
        TlsMode::Implicit => Tls::Implicit(checked()?),
    })
}

fn observer() -> Observer {
    Box::new(|direction, text| {
        for line in text.split_inclusive(|octet| *octet == b'\n') {
            let arrow = if direction == Direction::Sent { "C:" } else { "S:" };
            eprintln!("{arrow} {}", line.trim_ascii_end().escape_ascii());
        }
    })
}

fn report(flags: &Flags, outcomes: &[Outcome]) {
    for (to, outcome) in flags.to.iter().zip(outcomes) {
        match outcome {
            Outcome::Accepted(reply) => println!("{to}: accepted: {reply}"),
            Outcome::Refused { at, reply } => println!("{to}: refused at {at:?}: {reply}"),
            Outcome::Ambiguous => {
                println!("{to}: unknown: the connection ended before the last reply; it may be delivered")
            }
            _ => println!("{to}: not delivered: the connection ended"),
        }
    }
}

fn code(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Accepted(_) => Exit::Ok,
        Outcome::Refused { reply, .. } if reply.is_transient() => Exit::Temporary,
        Outcome::Refused { reply, .. } if reply.code() == 530 || reply.code() == 535 => Exit::Denied,
        Outcome::Refused { at: Stage::Rcpt, reply }
            if reply.code() == 550 || reply.code() == 551 || reply.code() == 553 =>
        {
            Exit::NoUser
        }
        Outcome::Refused { .. } => Exit::Unavailable,
        _ => Exit::Temporary,
    }
}

fn cannot(unable: &Unable) -> Stop {
    let exit = match unable {
        Unable::NotReady => Exit::Protocol,
        _ => Exit::Data,
    };
    Stop::new(exit, unable)
}

fn failed(error: ClientError) -> Stop {
    use mail46_wire::net::DriveError;
    let exit = match &error {
        ClientError::AuthRefused(reply) if !reply.is_transient() => Exit::Denied,
        ClientError::AuthRefused(_) => Exit::Temporary,
        ClientError::Unwelcome(reply) | ClientError::Closed(reply) | ClientError::TlsRefused(reply)
            if reply.is_transient() =>
        {
            Exit::Temporary
        }
        ClientError::Drive(DriveError::Protocol(_)) | ClientError::Sasl(_) => Exit::Protocol,
        ClientError::Drive(_) => Exit::Temporary,
        _ => Exit::Unavailable,
    };
    Stop::new(exit, error)
}
