//! Fetches what is new from POP3 servers over both families.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use mail46_connect::{Failure, Options, connect};
use mail46_examples::{
    Exit, Stop,
    account::Account,
    exit, listen,
    mailbox::{failed, log_in},
    progress::Progress,
    say, spool,
    spool::Spool,
    tls,
};
use mail46_pop3::{
    MessageNumber, UniqueId, Verb,
    client::{Config, InClear, Keep},
    net::{Client, ClientError, Tls, TlsSettings},
};
use mail46_sasl::Secret;
use tokio::io::AsyncWriteExt;

/// Fetches new mail into a Maildir. Exit codes are those of sysexits(3): 0 all is fetched, 66 a file cannot be read, 68 no such host,
/// 69 refused or unavailable, 73 the Maildir cannot be written, 75 try again later, 76 protocol broken, 77 denied.
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
    /// Messages that a maildrop may have at most; a list of them is held in memory.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    most: usize,
    /// Seconds to wait for each reply at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

fn main() -> ExitCode {
    let flags: Flags = match exit::flags() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let end = runtime.map_err(Stop::because(Exit::OsError, "starting")).and_then(|runtime| {
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = listen::asked_to_stop() => {
                    Err(Stop::new(Exit::Temporary, "interrupted: what was fetched is safe; run it again for the rest"))
                }
                end = run(&flags) => end,
            }
        })
    });
    exit::finish("fetch-pop3", end)
}

async fn run(flags: &Flags) -> Result<Exit, Stop> {
    if flags.state.is_some() && flags.urls.len() > 1 {
        return Err(Stop::new(Exit::Usage, "--state is for one URL: unique-ids are each server's own"));
    }
    let accounts = flags.urls.iter().map(|url| Account::parse(url)).collect::<Result<Vec<_>, _>>()?;
    let password = password(flags)?;
    let mut end = Exit::Ok;
    for account in &accounts {
        match fetch(flags, account, &password).await {
            Ok(exit) => end = end.max(exit),
            // The other servers' mail is fetched all the same.
            Err(Stop(exit, text)) if accounts.len() > 1 => {
                exit::complain("fetch-pop3", &text);
                end = end.max(exit);
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(end)
}

fn password(flags: &Flags) -> Result<Secret, Stop> {
    let text = match &flags.password_file {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            text.map_err(Stop::because(Exit::NoInput, format!("--password-file {}", file.display())))?
        }
        None => std::env::var("POP3_PASSWORD").unwrap_or_default(),
    };
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::from(line)),
        _ => Err(Stop::new(
            Exit::Usage,
            "no password: give --password-file FILE, or the variable POP3_PASSWORD",
        )),
    }
}

async fn fetch(flags: &Flags, account: &Account, password: &Secret) -> Result<Exit, Stop> {
    let bracketed =
        if account.host.contains(':') { format!("[{}]", account.host) } else { account.host.clone() };
    let name = format!("{}@{bracketed}:{}", account.user, account.port);
    let because = |what| Stop::because(Exit::CantCreate, format!("{what} {}", flags.maildir.display()));
    // First of all: who cannot keep mail need not ask for it.
    let spool = Spool::open(&flags.maildir, flags.state.as_deref(), &name).await;
    let spool = spool.map_err(because("opening the Maildir"))?;
    let Some(mut spool) = spool else {
        return Err(Stop::new(Exit::Temporary, format!("{name}: another fetch-pop3 is at it")));
    };
    let named = |Stop(exit, text)| Stop::new(exit, format!("{name}: {text}"));
    let of_server = |error| named(failed(error));
    let mut client = open(flags, account, &name).await?;
    log_in(&mut client, account, password, flags.without_tls).await.map_err(named)?;
    let keep = match flags.keep_days {
        Some(days) => Keep::Seconds(days.saturating_mul(86_400)),
        None if flags.delete => Keep::Seconds(0),
        None => Keep::Forever,
    };
    let sizes: HashMap<MessageNumber, u64> =
        client.list().await.map_err(of_server)?.iter().map(|scan| (scan.message, scan.octets)).collect();
    let ids = match client.unique_ids().await {
        Err(ClientError::Refused { to: Verb::Uidl, reply }) => {
            let text = format!("{name}: the server cannot tell what is new: UIDL: {reply}");
            return Err(Stop::new(Exit::Unavailable, text));
        }
        ids => ids.map_err(of_server)?,
    };
    let new: Vec<(MessageNumber, UniqueId)> = {
        let numbers: HashSet<_> = spool.seen.plan(&ids, keep, spool::now()).fetch.into_iter().collect();
        ids.iter().filter(|(number, _)| numbers.contains(number)).cloned().collect()
    };
    let octets = new.iter().filter_map(|(number, _)| sizes.get(number)).sum();
    let mut progress = Progress::new(&name, new.len(), octets);
    client.request(&new.iter().map(|(number, _)| *number).collect::<Vec<_>>()).map_err(of_server)?;
    let (mut fetched, mut refused) = (0, 0);
    for (number, id) in &new {
        let mut message = match client.message().await {
            // Others may come all the same.
            Err(error @ ClientError::Refused { .. }) => {
                exit::complain("fetch-pop3", &format!("{name}: message {number} is left: {error}"));
                refused += 1;
                continue;
            }
            message => message.map_err(of_server)?,
        };
        let mut begun = spool.begin(id).await.map_err(because("writing to"))?;
        let most = sizes.get(number).map_or(0, |octets| at_most(*octets));
        let mut octets = 0;
        let end = loop {
            match message.next().await {
                Ok(None) => break Ok(()),
                Ok(Some(part)) => {
                    octets += part.len() as u64;
                    if octets > most {
                        let text = format!("{name}: message {number} is longer than the server says");
                        break Err(Stop::new(Exit::Protocol, text));
                    }
                    if let Err(error) = begun.0.write_all(&part).await {
                        break Err(because("writing to")(error));
                    }
                    progress.octets(part.len());
                }
                Err(error) => break Err(of_server(error)),
            }
        };
        if let Err(stop) = end {
            spool.give_up(begun).await;
            return Err(stop);
        }
        spool.keep(id, begun).await.map_err(because("writing to"))?;
        fetched += 1;
        progress.message();
    }
    drop(progress);
    let old = spool.seen.plan(&ids, keep, spool::now()).delete;
    client.delete_all(&old).await.map_err(of_server)?;
    client.quit().await.map_err(of_server)?;
    // Only now they are gone, and what is gone need not be remembered.
    let gone: HashSet<&[u8]> =
        ids.iter().filter(|(number, _)| old.contains(number)).map(|(_, id)| id.as_bytes()).collect();
    let left: Vec<_> = ids.iter().filter(|(_, id)| !gone.contains(id.as_bytes())).cloned().collect();
    spool.seen.retain(&left);
    spool.save().await.map_err(because("writing to"))?;
    say::out(format_args!(
        "{name}: {fetched} fetched, {} deleted, {} left",
        old.len(),
        ids.len() - old.len()
    ));
    Ok(if refused == 0 { Exit::Ok } else { Exit::Temporary })
}

/// Octets of a message that the server says has so many. Some count a bare newline as one octet and send two; more than that is a
/// message without end.
fn at_most(octets: u64) -> u64 {
    octets.saturating_mul(2).saturating_add(64 << 10)
}

async fn open(flags: &Flags, account: &Account, name: &str) -> Result<Client, Stop> {
    let options = Options::new();
    let connected = connect(&account.host, account.port, &options).await.map_err(|error| {
        let exit = match error.failure {
            Failure::NoAddress | Failure::NoUsableAddress => Exit::NoHost,
            _ => Exit::Unavailable,
        };
        Stop::new(exit, format!("{name}: {error}"))
    })?;
    let settings =
        TlsSettings { config: tls::client(flags.ca.as_deref())?, name: tls::server_name(&account.host)? };
    let policy = match (account.implicit, flags.without_tls) {
        (true, _) => Tls::Implicit(settings),
        (false, false) => Tls::Required(settings),
        (false, true) => Tls::Opportunistic(settings),
    };
    let mut config = Config::default();
    config.passwords = if flags.without_tls { InClear::Taken } else { InClear::Refused };
    config.limits.entries = flags.most;
    config.timeouts.reply = Duration::from_secs(flags.timeout);
    config.timeouts.message_block = Duration::from_secs(flags.timeout);
    Client::open(connected.stream, config, policy).await.map_err(|error| {
        let hint = match &error {
            ClientError::NoTls => "; --without-tls goes on without",
            ClientError::Tls(_) if flags.ca.is_none() => "; --ca FILE trusts another authority",
            _ => "",
        };
        let Stop(exit, text) = failed(error);
        Stop::new(exit, format!("{name}: {text}{hint}"))
    })
}
