//! Fetches what is new from POP3 servers over both families.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use mail46_connect::{Options, connect};
use mail46_examples::{Exit, Stop, account::Account, exit, progress::Progress, spool, spool::Spool, tls};
use mail46_pop3::{
    CapabilityKind,
    client::{Config, InClear, Keep},
    net::{Client, ClientError, Tls, TlsSettings},
};
use mail46_sasl::{ClearText, Credential, Layer, Nonce, Secret, Selector, client};
use tokio::io::AsyncWriteExt;

/// Fetches new mail into a Maildir.
#[derive(Parser)]
struct Flags {
    /// pop3s://USER@HOST[:PORT] for TLS from the first octet on, pop3://USER@HOST[:PORT] for STLS.
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// A file with the password on its first line; else it is asked from the variable POP3_PASSWORD.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Deletes on the server what is fetched and safe.
    #[arg(long)]
    delete: bool,
    /// Deletes on the server what was fetched so many days ago.
    #[arg(long, value_name = "N", conflicts_with = "delete")]
    keep_days: Option<u64>,
    /// Where it is written down what was fetched; else in the Maildir.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Where the mail goes.
    #[arg(long, value_name = "DIR", default_value = "Maildir")]
    maildir: PathBuf,
    /// Trusts the certificates in this file instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Sends passwords without TLS too, if the server has none.
    #[arg(long)]
    without_tls: bool,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let runtime = tokio::runtime::Runtime::new().map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("fetch-pop3", runtime.and_then(|runtime| runtime.block_on(run(flags))))
}

async fn run(flags: Flags) -> Result<Exit, Stop> {
    if flags.state.is_some() && flags.urls.len() > 1 {
        return Err(Stop::new(Exit::Usage, "--state is for one URL: unique-ids are each server's own"));
    }
    let password = match &flags.password_file {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            text.map_err(Stop::because(Exit::NoInput, format!("--password-file {}", file.display())))?
        }
        None => std::env::var("POP3_PASSWORD").map_err(|_| {
            Stop::new(Exit::Usage, "give --password-file FILE, or the variable POP3_PASSWORD")
        })?,
    };
    let password = Secret::from(password.lines().next().unwrap_or_default());
    for url in &flags.urls {
        let account = Account::parse(url)?;
        fetch(&flags, &account, &password).await?;
    }
    Ok(Exit::Ok)
}

async fn fetch(flags: &Flags, account: &Account, password: &Secret) -> Result<(), Stop> {
    let bracketed =
        if account.host.contains(':') { format!("[{}]", account.host) } else { account.host.clone() };
    let name = format!("{}@{bracketed}:{}", account.user, account.port);
    let mut client = open(flags, account).await?;
    log_in(&mut client, flags, account, password).await?;
    let keep = match flags.keep_days {
        Some(days) => Keep::Seconds(days.saturating_mul(86_400)),
        None if flags.delete => Keep::Seconds(0),
        None => Keep::Forever,
    };
    let because = |what| Stop::because(Exit::CantCreate, format!("{what} {}", flags.maildir.display()));
    let mut spool =
        Spool::open(&flags.maildir, flags.state.as_deref(), &name).await.map_err(because("opening"))?;
    let ids = client.unique_ids().await.map_err(failed)?;
    let new = spool.seen.plan(&ids, keep, spool::now()).fetch;
    let mut progress = Progress::new(&name, new.len());
    client.request(&new).map_err(failed)?;
    for number in &new {
        let Some((_, id)) = ids.iter().find(|(listed, _)| listed == number) else { continue };
        let mut begun = spool.begin(id).await.map_err(because("writing to"))?;
        let mut message = client.message().await.map_err(failed)?;
        while let Some(part) = message.next().await.map_err(failed)? {
            begun.0.write_all(&part).await.map_err(because("writing to"))?;
            progress.octets(part.len());
        }
        spool.keep(id, begun).await.map_err(because("writing to"))?;
        progress.message();
    }
    let old = spool.seen.plan(&ids, keep, spool::now()).delete;
    client.delete_all(&old).await.map_err(failed)?;
    client.quit().await.map_err(failed)?;
    // Only now they are gone, and what is gone need not be remembered.
    let left: Vec<_> = ids.into_iter().filter(|(number, _)| !old.contains(number)).collect();
    spool.seen.retain(&left);
    spool.save().await.map_err(because("writing to"))?;
    progress.end();
    println!("{name}: {} fetched, {} deleted, {} left", new.len(), old.len(), left.len());
    Ok(())
}

async fn open(flags: &Flags, account: &Account) -> Result<Client, Stop> {
    let options = Options::new();
    let connected = connect(&account.host, account.port, &options);
    let connected = connected.await.map_err(Stop::because(Exit::Unavailable, &account.host))?;
    let settings =
        TlsSettings { config: tls::client(flags.ca.as_deref())?, name: tls::server_name(&account.host)? };
    let policy = match (account.implicit, flags.without_tls) {
        (true, _) => Tls::Implicit(settings),
        (false, false) => Tls::Required(settings),
        (false, true) => Tls::Opportunistic(settings),
    };
    let mut config = Config::default();
    config.passwords = if flags.without_tls { InClear::Taken } else { InClear::Refused };
    config.timeouts.reply = Duration::from_secs(60);
    Client::open(connected.stream, config, policy).await.map_err(failed)
}

/// By the best mechanism that the server offers, or by USER and PASS.
async fn log_in(
    client: &mut Client,
    flags: &Flags,
    account: &Account,
    password: &Secret,
) -> Result<(), Stop> {
    let layer = if client.is_tls() { Layer::Tls } else { Layer::Clear };
    let clear = if flags.without_tls { ClearText::PasswordsAllowed } else { ClearText::InsideTlsOnly };
    let selector = Selector::new(layer, &[Credential::Password])
        .with_channel_bindings(&client.channel_bindings())
        .with_clear_text(clear);
    let offered = client.capabilities().filter(|capabilities| capabilities.has(CapabilityKind::Sasl));
    match offered.and_then(|offered| selector.select(offered.mechanisms()).ok()) {
        Some(choice) => {
            let mut random = [0; 18];
            getrandom::fill(&mut random).map_err(Stop::because(Exit::OsError, "randomness"))?;
            let credentials =
                client::Credentials { authzid: "", user: &account.user, secret: password, server: None };
            let exchange = client::Exchange::begin(choice, &credentials, &Nonce::from_random(&random));
            client.authenticate(exchange.map_err(Stop::because(Exit::Usage, "password"))?).await
        }
        None => client.log_in(&account.user, password).await,
    }
    .map(drop)
    .map_err(failed)
}

fn failed(error: ClientError) -> Stop {
    use mail46_pop3::ResponseCode::{InUse, LoginDelay, SysTemp};
    let exit = match &error {
        ClientError::AuthRefused(reply) => match reply.code() {
            Some(InUse | LoginDelay | SysTemp) => Exit::Temporary,
            _ => Exit::Denied,
        },
        ClientError::Drive(_) | ClientError::Sasl(_) => Exit::Protocol,
        _ => Exit::Unavailable,
    };
    Stop::new(exit, error)
}
