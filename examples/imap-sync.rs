//! Keeps a Maildir and an IMAP mailbox the same.

use std::{collections::BTreeMap, num::NonZeroU32, path::PathBuf, process::ExitCode};

use clap::Parser;
use mail46_examples::{
    Exit, Stop, exit,
    imap::{Where, failed},
    mirror::{self, Letters, Mirror, Pair, Plan},
    say,
};
use mail46_imap_core::{
    Extension, Fetch, Flag, FlagList, Item, NString, NumberSet, Numbering, SequenceSet,
    command::StoreAction,
    net::{Append, Client, Fetched, Select},
};

/// Brings each change of a mailbox to a Maildir, and each change of the Maildir to the mailbox. What it knows stands beside the
/// messages; a run that is interrupted loses and doubles nothing.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    place: Where,
    /// The Maildir.
    maildir: PathBuf,
}

fn main() -> ExitCode {
    let flags = match exit::flags::<Flags>() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("imap-sync", runtime.and_then(|runtime| runtime.block_on(run(flags))))
}

async fn run(flags: Flags) -> Result<Exit, Stop> {
    let url = &flags.place.url;
    // Not by host and port: the same mailbox is reached by many ways, and one that moved is known by its mail.
    let mirror = Mirror::open(&flags.maildir, &format!("{}/{}", url.user, url.mailbox)).map_err(local)?;
    let mut sync = Sync { mirror, client: flags.place.open().await? };
    let there = sync.look(&url.mailbox).await?;
    let modseq = sync.client.view().and_then(|view| view.highest_modseq());
    sync.adopt(&there).await?;
    let here = sync.mirror.scan().map_err(local)?;
    let plan = mirror::plan(&sync.mirror.known, &here, &there);
    let Plan { fetch, send, remove_here, remove_there, forget, flags: relabel } = &plan;
    let gone = remove_here.len() + remove_there.len();
    for uid in forget.iter().chain(remove_here) {
        if let Some((path, _)) = sync.mirror.known.pairs.get(uid).and_then(|pair| here.get(&pair.name)) {
            std::fs::remove_file(path).map_err(local)?;
        }
        sync.mirror.unpair(*uid).map_err(local)?;
    }
    sync.remove(remove_there).await?;
    for (uid, letters) in relabel {
        let Some(pair) = sync.mirror.known.pairs.get(uid).cloned() else { continue };
        sync.relabel(*uid, there.get(uid).copied().unwrap_or_default(), *letters).await?;
        if let Some((path, own)) = here.get(&pair.name).filter(|(_, own)| own != letters) {
            let _ = own;
            sync.mirror.relabel(path, &pair.name, *letters).map_err(local)?;
        }
        sync.mirror.pair(*uid, Pair { letters: *letters, ..pair }).map_err(local)?;
    }
    sync.fetch(fetch).await?;
    for name in send {
        let Some((path, letters)) = here.get(name) else { continue };
        sync.send(&url.mailbox, name, &mirror::text(path).map_err(local)?, *letters).await?;
    }
    if let Some(modseq) = modseq {
        sync.mirror.set_modseq(modseq).map_err(local)?;
    }
    sync.mirror.compact().map_err(local)?;
    sync.client.logout().await.map_err(failed)?;
    let (fetched, sent, labels) = (fetch.len(), send.len(), relabel.len());
    say::out(format_args!("{url}: {fetched} fetched, {sent} sent, {gone} removed, {labels} flags changed"));
    Ok(Exit::Ok)
}

struct Sync {
    mirror: Mirror,
    client: Client,
}

impl Sync {
    /// Selects the mailbox, and looks which messages it has with which flags: only what has changed is asked for, if the server
    /// can tell (RFC 7162).
    async fn look(&mut self, mailbox: &str) -> Result<BTreeMap<u32, Letters>, Stop> {
        let known = &self.mirror.known;
        let uids: NumberSet = known.pairs.keys().copied().collect();
        let can = |extension| self.client.offers(extension);
        let (qresync, condstore) = (can(Extension::Qresync), can(Extension::CondStore));
        let mut select = if condstore { Select::read_write().with_condstore() } else { Select::read_write() };
        let mut since = known.modseq.filter(|_| condstore);
        if qresync {
            self.client.enable(&[Extension::Qresync]).await.map_err(failed)?;
            if let (Some(validity), Some(modseq)) = (known.uid_validity.and_then(NonZeroU32::new), since) {
                select = select.resuming(validity, modseq, &uids);
            }
        }
        self.client.select(mailbox, &select).await.map_err(failed)?;
        let view = self.client.view();
        let validity = view.and_then(|view| view.uid_validity()).map_or(0, u32::from);
        if known.uid_validity.is_some_and(|known| known != validity) {
            // All UIDs are void: each message is looked for again.
            for (uid, pair) in known.pairs.clone() {
                self.mirror.unpair(uid).map_err(local)?;
                self.mirror.sending(&pair.name, 1).map_err(local)?;
            }
            since = None;
        }
        self.mirror.set_uid_validity(validity).map_err(local)?;
        if self.client.view().is_some_and(|view| view.is_empty()) {
            return Ok(BTreeMap::new());
        }
        if since.is_none() || !qresync {
            self.flags("1:*", since).await?;
        }
        if self.client.view().is_some_and(|view| !view.unknown().is_empty()) {
            self.client.search(Numbering::Uid, &said("ALL")?).await.map_err(failed)?;
        }
        let Some(view) = self.client.view() else { return Ok(BTreeMap::new()) };
        let letters = |uid: u32| match view.sequence(uid).and_then(|sequence| view.flags(sequence)) {
            Some(flags) => mirror::letters(flags),
            // Not told, and so not changed.
            None => self.mirror.known.pairs.get(&uid).map(|pair| pair.letters).unwrap_or_default(),
        };
        Ok(view.uids().iter().map(|uid| (uid, letters(uid))).collect())
    }

    async fn flags(&mut self, set: &str, since: Option<u64>) -> Result<(), Stop> {
        let set = said(set)?;
        let mut told = self.client.fetch_since(&set, &said("(UID FLAGS)")?, since).await.map_err(failed)?;
        while told.next().await.map_err(failed)?.is_some() {}
        Ok(())
    }

    /// Finds the messages that an interrupted run has sent perhaps.
    async fn adopt(&mut self, there: &BTreeMap<u32, Letters>) -> Result<(), Stop> {
        let here = self.mirror.scan().map_err(local)?;
        for (name, least) in self.mirror.known.pending.clone() {
            let Some((path, _)) = here.get(&name) else { continue };
            let text = mirror::text(path).map_err(local)?;
            let new: Vec<u32> = there.keys().copied().filter(|uid| *uid >= least).collect();
            if let Some(uid) = self.same(&new, &text).await? {
                let letters = there.get(&uid).copied().unwrap_or_default();
                self.mirror.pair(uid, Pair { name, letters }).map_err(local)?;
            }
        }
        Ok(())
    }

    /// The first of these messages that has this text and is not known.
    async fn same(&mut self, uids: &[u32], text: &[u8]) -> Result<Option<u32>, Stop> {
        let new = uids.iter().filter(|uid| !self.mirror.known.pairs.contains_key(uid)).copied();
        let Some(set) = SequenceSet::of(&new.collect()) else { return Ok(None) };
        let sizes = self.messages(&set, "(UID RFC822.SIZE)").await?;
        let size = text.len() as u64;
        for (uid, message, _) in sizes {
            if message.items.iter().any(|item| matches!(item, Item::Size(it) if *it == size)) {
                let whole = self.messages(&said(&uid.to_string())?, "(UID BODY.PEEK[])").await?;
                if whole.iter().any(|(_, _, octets)| octets == text) {
                    return Ok(Some(uid));
                }
            }
        }
        Ok(None)
    }
}

#[path = "imap-sync/transfer.rs"]
mod transfer;

/// What a command takes, as it is written in the protocol.
fn said<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Stop> {
    text.parse().map_err(Stop::because(Exit::Usage, text))
}

fn local(error: std::io::Error) -> Stop {
    Stop::new(Exit::CantCreate, error)
}
