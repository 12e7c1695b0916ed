//! Fetches what is new from POP3 servers over both families.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use mail46_examples::{
    Exit, Stop,
    account::Account,
    exit, listen,
    mailbox::{Reach, failed},
    progress::Progress,
    say, spool,
    spool::Spool,
};
use mail46_pop3::{MessageNumber, UniqueId, Verb, client::Keep, net::ClientError};
use mail46_sasl::Secret;
use tokio::io::AsyncWriteExt;

/// Fetches new mail into a Maildir. Exit codes are those of sysexits(3): 0 all is fetched, 66 a file cannot be read, 68 no such host,
/// 69 refused or unavailable, 73 the Maildir cannot be written, 75 try again later, 76 protocol broken, 77 denied.
#[derive(Parser)]
struct Flags {
    /// pop3s://USER@HOST[:PORT] for TLS from the first octet on, pop3://USER@HOST[:PORT] for STLS.
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
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
    #[command(flatten)]
    reach: Reach,
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
    let password = flags.reach.password()?;
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
    let mut client = flags.reach.open(account, &name).await?;
    flags.reach.log_in(&mut client, account, password).await.map_err(named)?;
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
