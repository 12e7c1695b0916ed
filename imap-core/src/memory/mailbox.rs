use std::{
    collections::BTreeMap,
    fmt, io,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;

use super::watch::{Changed, Watch};
use super::{MemoryAccount, lock};
use crate::message::Structure;
use crate::store::{
    Access, Answer, Change, Copied, Flags, Info, Mailbox, Message, Reason, Refusal, Status, Stored, View,
    Want,
};
use crate::{DateTime, Flag, NumberSet};

/// Removals that are remembered for QRESYNC; for older ones all that is not there is told as vanished.
const VANISHED: usize = 100_000;
/// Octets given at a time.
const PIECE: usize = 32 * 1024;
/// Keywords of a mailbox at most.
const KEYWORDS: usize = 200;

/// A mailbox, and who has it selected.
pub(super) struct Shared {
    pub(super) watch: Watch,
    uid_validity: u32,
    id: Arc<str>,
    inner: Mutex<Inner>,
}

struct Inner {
    messages: BTreeMap<u32, Kept>,
    uid_next: u32,
    modseq: u64,
    /// What went, and when; ascending.
    vanished: Vec<(u64, u32)>,
    /// Of what went up to this, nothing is known.
    forgotten: u64,
    /// The least UID that is recent to no session yet.
    recent_from: u32,
    uids: Option<Arc<[u32]>>,
    keywords: Vec<Arc<str>>,
}

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) flags: Flags,
    pub(super) modseq: u64,
    pub(super) internal_date: DateTime,
    pub(super) save_date: Option<DateTime>,
    pub(super) email_id: Arc<str>,
    pub(super) thread_id: Arc<str>,
    pub(super) structure: Arc<Structure>,
    pub(super) octets: Bytes,
}

/// A mailbox in memory, selected.
#[derive(Debug)]
pub struct MemoryMailbox {
    account: MemoryAccount,
    shared: Arc<Shared>,
    access: Access,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(uid_validity: u32, id: Arc<str>) -> Self {
        let inner = Inner {
            messages: BTreeMap::new(),
            uid_next: 1,
            modseq: 1,
            vanished: Vec::new(),
            forgotten: 0,
            recent_from: 1,
            uids: None,
            keywords: Vec::new(),
        };
        Self { watch: Watch::default(), uid_validity, id, inner: Mutex::new(inner) }
    }

    pub(super) fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    pub(super) fn uid_validity(&self) -> u32 {
        self.uid_validity
    }

    pub(super) fn modseq(&self) -> u64 {
        lock(&self.inner).modseq
    }

    pub(super) fn octets(&self) -> u64 {
        lock(&self.inner).messages.values().map(|kept| kept.octets.len() as u64).sum()
    }

    pub(super) fn status(&self) -> Status {
        let inner = lock(&self.inner);
        let count = |flag: &Flag, is: bool| {
            inner.messages.values().filter(|kept| kept.flags.contains(flag) == is).count()
        };
        let to_u32 = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Status {
            messages: to_u32(inner.messages.len()),
            uid_next: inner.uid_next,
            uid_validity: self.uid_validity,
            unseen: to_u32(count(&Flag::Seen, false)),
            deleted: to_u32(count(&Flag::Deleted, true)),
            recent: to_u32(inner.messages.range(inner.recent_from..).count()),
            size: inner.messages.values().map(|kept| kept.octets.len() as u64).sum(),
            highest_modseq: inner.modseq,
            mailbox_id: Some(self.id()),
        }
    }

    /// All of them, or none.
    pub(super) fn insert(&self, messages: Vec<Kept>) -> Answer<Vec<u32>> {
        let uids = lock(&self.inner).insert(messages)?;
        self.watch.wake();
        Ok(uids)
    }
}

impl Inner {
    fn insert(&mut self, messages: Vec<Kept>) -> Answer<Vec<u32>> {
        let count = u32::try_from(messages.len()).ok();
        let Some(behind) = count.and_then(|count| self.uid_next.checked_add(count)) else {
            return Err(Refusal::new(Reason::Limit, "no UID is left"));
        };
        for kept in &messages {
            self.learn(&kept.flags)?;
        }
        let uids: Vec<u32> = (self.uid_next..behind).collect();
        self.modseq = self.modseq.saturating_add(1);
        for (uid, kept) in uids.iter().zip(messages) {
            self.messages.insert(*uid, Kept { modseq: self.modseq, ..kept });
        }
        self.uid_next = behind;
        self.uids = None;
        Ok(uids)
    }

    /// Keywords are a mailbox's own, and not without end.
    fn learn(&mut self, flags: &Flags) -> Answer<()> {
        for keyword in flags.keywords() {
            if self.keywords.iter().any(|known| known.eq_ignore_ascii_case(keyword)) {
                continue;
            }
            if self.keywords.len() >= KEYWORDS {
                return Err(Refusal::new(Reason::Limit, "too many keywords"));
            }
            self.keywords.push(Arc::clone(keyword));
        }
        Ok(())
    }

    /// Octets that went with them.
    fn remove(&mut self, uids: &[u32]) -> u64 {
        if uids.is_empty() {
            return 0;
        }
        self.modseq = self.modseq.saturating_add(1);
        let mut octets = 0u64;
        for uid in uids {
            if let Some(kept) = self.messages.remove(uid) {
                octets = octets.saturating_add(kept.octets.len() as u64);
                self.vanished.push((self.modseq, *uid));
            }
        }
        if self.vanished.len() > VANISHED {
            let excess = self.vanished.len().saturating_sub(VANISHED / 2);
            let last = self.vanished.drain(..excess).next_back();
            self.forgotten = last.map_or(self.forgotten, |(modseq, _)| modseq);
        }
        self.uids = None;
        octets
    }

    fn present<'a>(&'a self, uids: &'a NumberSet) -> impl Iterator<Item = (u32, &'a Kept)> + 'a {
        let ranges = uids.ranges().flat_map(|(first, last)| self.messages.range(first..=last));
        ranges.map(|(uid, kept)| (*uid, kept))
    }
}

/// RENAME of INBOX.
pub(super) fn move_all(from: &Arc<Shared>, to: &Arc<Shared>, now: i64) -> Answer<()> {
    let all: NumberSet = {
        let inner = lock(&from.inner);
        inner.messages.keys().copied().collect()
    };
    transfer(from, to, &all, Leave::Nothing, now).map(drop)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    Originals,
    Nothing,
}

/// Copies or moves as one step: both mailboxes are locked, in an order that is the same for all.
fn transfer(
    from: &Arc<Shared>,
    to: &Arc<Shared>,
    uids: &NumberSet,
    leave: Leave,
    now: i64,
) -> Answer<Copied> {
    let pairs = if Arc::ptr_eq(from, to) {
        let mut inner = lock(&from.inner);
        let (sources, copies) = copies(&inner, uids, now);
        let targets = inner.insert(copies)?;
        if leave == Leave::Nothing {
            inner.remove(&sources);
        }
        (sources, targets)
    } else {
        let (mut source, mut target): (MutexGuard<'_, Inner>, MutexGuard<'_, Inner>);
        if Arc::as_ptr(from) < Arc::as_ptr(to) {
            source = lock(&from.inner);
            target = lock(&to.inner);
        } else {
            target = lock(&to.inner);
            source = lock(&from.inner);
        }
        let (sources, copies) = copies(&source, uids, now);
        let targets = if copies.is_empty() { Vec::new() } else { target.insert(copies)? };
        if leave == Leave::Nothing {
            source.remove(&sources);
        }
        (sources, targets)
    };
    to.watch.wake();
    if leave == Leave::Nothing {
        from.watch.wake();
    }
    Ok(Copied { uid_validity: to.uid_validity, pairs: pairs.0.into_iter().zip(pairs.1).collect() })
}

fn copies(inner: &Inner, uids: &NumberSet, now: i64) -> (Vec<u32>, Vec<Kept>) {
    let saved = DateTime::from_unix(now, 0);
    inner.present(uids).map(|(uid, kept)| (uid, Kept { save_date: saved, ..kept.clone() })).unzip()
}

impl MemoryMailbox {
    pub(super) fn new(account: MemoryAccount, shared: Arc<Shared>, access: Access) -> Self {
        Self { account, shared, access }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.shared.inner)
    }

    fn may_write(&self) -> Answer<()> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Refusal::new(Reason::NoPerm, "the mailbox is open for reading")),
        }
    }
}

impl Mailbox for MemoryMailbox {
    async fn info(&self) -> Answer<Info> {
        let inner = self.inner();
        Ok(Info {
            uid_validity: self.shared.uid_validity,
            keywords: inner.keywords.clone(),
            mailbox_id: Some(self.shared.id()),
            access: self.access,
        })
    }

    async fn view(&self) -> Answer<View> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let uids = inner.uids.get_or_insert_with(|| inner.messages.keys().copied().collect());
        let recent: Range<u32> = inner.recent_from..inner.uid_next;
        let view = View { uids: Arc::clone(uids), modseq: inner.modseq, uid_next: inner.uid_next, recent };
        // RFC 3501 s 2.3.2: "If the session is read-write, subsequent sessions will not see \Recent set".
        if self.access == Access::ReadWrite {
            inner.recent_from = inner.uid_next;
        }
        Ok(view)
    }

    async fn changed_since(&self, modseq: u64) -> Answer<NumberSet> {
        let inner = self.inner();
        let changed = inner.messages.iter().filter(|(_, kept)| kept.modseq > modseq);
        Ok(changed.map(|(uid, _)| *uid).collect())
    }

    async fn vanished_since(&self, modseq: u64) -> Answer<NumberSet> {
        let inner = self.inner();
        if modseq < inner.forgotten {
            let mut gone = NumberSet::new();
            if inner.uid_next > 1 {
                gone.insert_range(1, inner.uid_next.saturating_sub(1));
            }
            let there: NumberSet = inner.messages.keys().copied().collect();
            return Ok(gone.difference(&there));
        }
        let from = inner.vanished.partition_point(|(when, _)| *when <= modseq);
        Ok(inner.vanished.get(from..).unwrap_or_default().iter().map(|(_, uid)| *uid).collect())
    }

    async fn changed(&self, modseq: u64) {
        Changed { mailbox: Arc::clone(&self.shared), modseq, id: None }.await;
    }

    async fn fetch(&self, uids: &[u32], want: Want) -> Answer<Vec<Message>> {
        let inner = self.inner();
        let found = uids.iter().filter_map(|uid| Some((*uid, inner.messages.get(uid)?)));
        let told = found.map(|(uid, kept)| Message {
            uid,
            flags: kept.flags.clone(),
            modseq: kept.modseq,
            internal_date: kept.internal_date,
            save_date: kept.save_date,
            size: kept.octets.len() as u64,
            email_id: Some(Arc::clone(&kept.email_id)),
            thread_id: Some(Arc::clone(&kept.thread_id)),
            structure: (want == Want::Structure).then(|| Arc::clone(&kept.structure)),
        });
        Ok(told.collect())
    }

    async fn read(&self, uid: u32, from: u64) -> io::Result<Bytes> {
        let inner = self.inner();
        let Some(kept) = inner.messages.get(&uid) else { return Ok(Bytes::new()) };
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(kept.octets.len());
        let to = from.saturating_add(PIECE).min(kept.octets.len());
        Ok(kept.octets.slice(from..to))
    }

    async fn store(&self, uids: &NumberSet, change: &Change) -> Answer<Stored> {
        self.may_write()?;
        let mut inner = self.inner();
        inner.learn(&change.flags)?;
        let there: Vec<u32> = inner.present(uids).map(|(uid, _)| uid).collect();
        let mut stored =
            Stored { gone: uids.difference(&there.iter().copied().collect()), ..Stored::default() };
        let modseq = inner.modseq.saturating_add(1);
        for uid in there {
            let Some(kept) = inner.messages.get_mut(&uid) else { continue };
            if change.unchanged_since.is_some_and(|since| kept.modseq > since) {
                stored.modified.insert(uid);
                continue;
            }
            let mut flags = kept.flags.clone();
            flags.change(change.action, &change.flags);
            // RFC 7162 s 3.1.3: what is changed to what it was may keep its MODSEQ.
            if flags != kept.flags {
                kept.flags = flags;
                kept.modseq = modseq;
                inner.modseq = modseq;
            }
        }
        drop(inner);
        self.shared.watch.wake();
        Ok(stored)
    }

    async fn expunge(&self, among: Option<&NumberSet>) -> Answer<NumberSet> {
        self.may_write()?;
        let mut inner = self.inner();
        let deleted = inner.messages.iter().filter(|(_, kept)| kept.flags.contains(&Flag::<Bytes>::Deleted));
        let deleted =
            deleted.map(|(uid, _)| *uid).filter(|uid| among.is_none_or(|among| among.contains(*uid)));
        let deleted: Vec<u32> = deleted.collect();
        let octets = inner.remove(&deleted);
        drop(inner);
        self.account.give_room(octets);
        self.shared.watch.wake();
        Ok(deleted.into_iter().collect())
    }

    async fn copy(&self, uids: &NumberSet, to: &str) -> Answer<Copied> {
        let target = self.account.find_target(to)?;
        let octets: u64 = self.inner().present(uids).map(|(_, kept)| kept.octets.len() as u64).sum();
        self.account.take_room(octets)?;
        transfer(&self.shared, &target, uids, Leave::Originals, self.account.now())
            .inspect_err(|_| self.account.give_room(octets))
    }

    async fn move_to(&self, uids: &NumberSet, to: &str) -> Answer<Copied> {
        self.may_write()?;
        let target = self.account.find_target(to)?;
        transfer(&self.shared, &target, uids, Leave::Nothing, self.account.now())
    }
}
