//! Sends one message over SMTP or LMTP, and tells what became of each recipient.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use mail46_examples::{
    Exit, Stop, auth, exit, message,
    outcome::{code, failed, observer, report},
    say, tls,
    way::{self, Way},
};
use mail46_resolve::FamilyPolicy;
use mail46_smtp::{
    Mailbox, ReversePath,
    client::{Config, Envelope, Outcome, Unable},
    net::{Client, SendError},
    server::Dialect,
};
use tokio::net::TcpStream;

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
    /// The server, as mx.example:25 or [2001:db8::25]:25; default: the mail exchangers of each recipient's domain.
    #[arg(long, value_name = "HOST:PORT")]
    via: Option<String>,
    /// Whom to ask for the mail exchangers; default: the system's resolver.
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "via")]
    resolver: Option<SocketAddr>,
    /// The port of the mail exchangers.
    #[arg(long, value_name = "PORT", default_value_t = 25, conflicts_with = "via")]
    port: u16,
    /// none; opportunistic: if offered, any certificate; required: STARTTLS, certificate checked; implicit: TLS from the
    /// first octet on, certificate checked.
    #[arg(long, value_enum, default_value_t = tls::Mode::Opportunistic)]
    tls: tls::Mode,
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
    /// Which addresses are tried, and which first: dual6, dual4, v6, v4.
    #[arg(long, value_name = "POLICY", default_value = "dual6")]
    family: FamilyPolicy,
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

fn main() -> ExitCode {
    let mut flags: Flags = match exit::flags() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    flags.find_file();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("send", runtime.and_then(|runtime| runtime.block_on(run(&flags))))
}

impl Flags {
    /// `--to A B FILE`: a flag with many values takes the file too, which is told by being no address.
    fn find_file(&mut self) {
        let last_is_file = self.to.last().is_some_and(|last| last.parse::<Mailbox>().is_err());
        if self.file.is_none() && self.to.len() > 1 && last_is_file {
            self.file = self.to.pop().map(PathBuf::from);
        }
    }
}

async fn run(flags: &Flags) -> Result<Exit, Stop> {
    let mailbox =
        |text: &String| text.parse::<Mailbox>().map_err(Stop::because(Exit::Data, format!("address {text}")));
    let from = match flags.from.as_str() {
        "" | "<>" => ReversePath::Null,
        _ => mailbox(&flags.from)?.into(),
    };
    let to: Vec<Mailbox> = flags.to.iter().map(mailbox).collect::<Result<_, Stop>>()?;
    let mut prepared = message::prepare(flags.file.as_deref())?;
    let ways = match &flags.via {
        Some(server) => vec![Ok(way::via(server, to.len(), flags.family)?)],
        None => way::by_mx(&to, flags.family, flags.resolver, flags.port).await?,
    };
    let mut worst = Exit::Ok;
    for way in ways {
        let sent = match way {
            Ok(way) => {
                deliver(flags, &from, &to, &way, &mut prepared).await.map_err(|stop| (way.recipients, stop))
            }
            Err(failed) => Err(failed),
        };
        worst = worst.max(match sent {
            Ok(exit) => exit,
            Err((recipients, Stop(exit, text))) => {
                let names: Vec<&str> = recipients
                    .iter()
                    .filter_map(|number| flags.to.get(*number))
                    .map(String::as_str)
                    .collect();
                say::err(format_args!("send: {}: {}", names.join(", "), text.escape_debug()));
                exit
            }
        });
    }
    Ok(worst)
}

async fn deliver(
    flags: &Flags,
    from: &ReversePath,
    to: &[Mailbox],
    way: &Way,
    prepared: &mut message::Prepared,
) -> Result<Exit, Stop> {
    let here: Vec<&Mailbox> = way.recipients.iter().filter_map(|number| to.get(*number)).collect();
    let envelope = Envelope::new(from.clone(), here.iter().copied().cloned());
    let mut envelope = envelope.with_size(prepared.size).with_body(prepared.body);
    envelope.utf8_header = prepared.utf8_header;
    let tell = |log: &str| {
        if flags.verbose {
            say::err(log);
        }
    };
    let open = async |socket: TcpStream, name: String| open_one(flags, socket, &name).await;
    let mut client = way.first(open, tell).await?;
    if let Some(flag) = &flags.auth {
        let (server, bindings) = (client.extensions(), client.channel_bindings());
        let exchange = auth::Credentials::parse(flag)?.exchange(
            server,
            client.is_tls(),
            &bindings,
            flags.auth_without_tls,
        )?;
        client.authenticate(exchange).await.map_err(failed)?;
    }
    let mut file = tokio::fs::File::from_std(prepared.rewound()?);
    let outcomes = match client.send(&envelope, &mut file).await {
        Ok(outcomes) => outcomes,
        Err(SendError::Lost { outcomes, cause }) => {
            report(&here, &outcomes);
            let stop = failed(*cause);
            // Whoever does not know whether it was delivered must not say that it was not.
            let ambiguous = outcomes.contains(&Outcome::Ambiguous);
            return Err(if ambiguous { Stop(Exit::Temporary, stop.1) } else { stop });
        }
        Err(SendError::Unable(Unable::NotReady)) => return Err(Stop::new(Exit::Protocol, Unable::NotReady)),
        Err(error) => return Err(Stop::new(Exit::Data, error)),
    };
    // The message is accepted or not by now; what becomes of QUIT changes nothing.
    client.quit().await.ok();
    report(&here, &outcomes);
    Ok(outcomes.iter().map(code).max().unwrap_or(Exit::Ok))
}

async fn open_one(flags: &Flags, socket: TcpStream, name: &str) -> Result<Client, Stop> {
    let checked = flags.ca.is_some() || flags.auth.is_some();
    let tls = flags.tls.policy(flags.ca.as_deref(), name, checked)?;
    let helo = match &flags.helo {
        Some(name) => name.parse().map_err(Stop::because(Exit::Usage, format!("--helo {name}")))?,
        None => way::own_host(&socket)?,
    };
    let mut config = Config::new(helo);
    config.dialect = if flags.lmtp { Dialect::Lmtp } else { Dialect::Smtp };
    if let Some(seconds) = flags.timeout {
        config.timeouts.set_all(std::time::Duration::from_secs(seconds));
    }
    Client::open_observed(socket, config, tls, flags.verbose.then(observer)).await.map_err(failed)
}
