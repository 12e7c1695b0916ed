//! Watches a mailbox and prints what changes, whatever happens to the way there.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use mail46_examples::{
    Exit, Stop, exit,
    imap::{Where, failed},
    say,
};
use mail46_imap_core::{
    client::{Change, MailboxView},
    net::{Client, Notice, Select},
};
use tokio::{select, signal, time::sleep};

/// Prints what changes in a mailbox as the server tells it (IDLE). When the connection dies it is made anew, over whichever
/// family answers first; what changed meanwhile is told then.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    place: Where,
    /// Ends after so many changes.
    #[arg(long, value_name = "N")]
    changes: Option<u64>,
    /// Ends after so many connections that could not be made, one after the other.
    #[arg(long, value_name = "N", default_value = "10")]
    tries: u32,
}

/// Between two tries: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

fn main() -> ExitCode {
    let flags = match exit::flags::<Flags>() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("idle", runtime.and_then(|runtime| runtime.block_on(run(flags))))
}

async fn run(flags: Flags) -> Result<Exit, Stop> {
    let mut watch = Watch { flags, left: None, known: None };
    watch.left = watch.flags.changes;
    let (mut failures, mut pause) = (0, PAUSES.0);
    loop {
        let error = match watch.watch().await {
            Ok(()) => return Ok(Exit::Ok),
            Err((_, error)) if matches!(error.0, Exit::Usage | Exit::NoInput | Exit::Denied) => {
                return Err(error);
            }
            Err((reached, error)) => {
                if reached {
                    (failures, pause) = (0, PAUSES.0);
                }
                error
            }
        };
        failures += 1;
        if failures > watch.flags.tries {
            return Err(error);
        }
        say::err(format_args!("idle: {error}; again in {} s", pause.as_secs()));
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

struct Watch {
    flags: Flags,
    /// Changes that are still to be told.
    left: Option<u64>,
    /// How many messages there were, and of which UIDVALIDITY.
    known: Option<(u32, Option<u32>)>,
}

impl Watch {
    /// Watches until there is nothing more to be told; or an error, and whether the mailbox was reached.
    async fn watch(&mut self) -> Result<(), (bool, Stop)> {
        let mut client = self.flags.place.open().await.map_err(|error| (false, error))?;
        let ended = self.on(&mut client).await.map_err(|error| (true, error))?;
        if ended {
            client.logout().await.map_err(|error| (true, failed(error)))?;
        }
        Ok(())
    }

    async fn on(&mut self, client: &mut Client) -> Result<bool, Stop> {
        client.select(&self.flags.place.url.mailbox, &Select::read_only()).await.map_err(failed)?;
        let Some(view) = client.view() else { return Ok(true) };
        let (exists, validity) = (view.len(), view.uid_validity().map(u32::from));
        say::out(format_args!("{}: {exists} messages", self.flags.place.url));
        if let Some((before, known)) = self.known
            && (before, known) != (exists, validity)
        {
            say::out(format_args!("while nobody watched: {before} messages became {exists}"));
        }
        self.known = Some((exists, validity));
        let mut idle = client.idle().await.map_err(failed)?;
        while self.left != Some(0) {
            let notice = select! {
                notice = idle.next() => notice.map_err(failed)?,
                _ = signal::ctrl_c() => break,
            };
            let Some(told) = told(&notice, idle.view()) else { continue };
            say::out(told);
            self.known = idle.view().map(|view| (view.len(), view.uid_validity().map(u32::from)));
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        idle.done().await.map_err(failed)?;
        Ok(true)
    }
}

/// A change in words.
fn told(notice: &Notice, view: Option<&MailboxView>) -> Option<String> {
    let named = |uid: &Option<u32>| uid.map_or_else(String::new, |uid| format!(" (UID {uid})"));
    Some(match notice {
        Notice::Changed(Change::Arrived { before, exists }) => {
            format!("{} new: {exists} messages", exists.saturating_sub(*before))
        }
        Notice::Changed(Change::Expunged { sequence, uid }) => {
            let left = view.map_or(0, MailboxView::len);
            format!("message {sequence}{} is gone: {left} messages", named(uid))
        }
        Notice::Changed(Change::Vanished { uids, .. }) => {
            let left = view.map_or(0, MailboxView::len);
            format!("UIDs {uids} are gone: {left} messages")
        }
        Notice::Changed(Change::Message { sequence, uid, flags: Some(flags) }) => {
            format!("message {sequence}{}: flags are now ({})", named(uid), flags.after)
        }
        Notice::Changed(Change::OutOfStep(why)) => format!("out of step: {why}"),
        Notice::Missed(count) => format!("{count} changes were too fast"),
        _ => return None,
    })
}
