//! Mail in memory: a [`store`](crate::store) for tests of programs that speak IMAP, and for examples.
//!
//! It keeps what the protocol promises (UIDs that only grow, modification sequences, what has vanished, several sessions on one
//! mailbox that see each other's changes), and nothing beyond the end of the process.

mod append;
mod mailbox;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use bytes::Bytes;

pub use append::MemoryAppend;
pub use mailbox::MemoryMailbox;
use mailbox::Shared;

use crate::store::{
    Access, Account, Answer, Entry, Flags, Incoming, Presence, Quota, Reason, Refusal, SpecialUse, Status,
    Subscription,
};

/// All users' mail.
///
/// ```
/// use mail46_imap_core::{memory::Memory, store::Flags};
/// let memory = Memory::new(|| 1_700_000_000);
/// let user = memory.user("fred");
/// user.deliver("INBOX", &b"Subject: hello\r\n\r\nworld\r\n"[..], Flags::default(), None)?;
/// # Ok::<(), mail46_imap_core::store::Refusal>(())
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    users: Arc<Mutex<HashMap<String, MemoryAccount>>>,
    clock: Clock,
}

/// Seconds since 1970: the store knows no time of its own.
type Clock = fn() -> i64;

/// One user's mail in memory; clones are the same.
#[derive(Clone)]
pub struct MemoryAccount(Arc<User>);

struct User {
    names: Mutex<Names>,
    /// Of messages, of mailboxes and of threads.
    next_id: AtomicU64,
    next_validity: AtomicU32,
    limits: Limits,
    clock: Clock,
}

/// How much a user may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of all mail. Default: 256 MiB.
    pub octets: u64,
    /// Mailboxes. Default: 1,000.
    pub mailboxes: usize,
    /// Octets of one metadata value. Default: 4,096.
    pub metadata_value: usize,
    /// Metadata entries of a mailbox or of the server. Default: 100.
    pub metadata_entries: usize,
    /// Names that are subscribed to. Default: 10,000.
    pub subscriptions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            octets: 256 * 1024 * 1024,
            mailboxes: 1_000,
            metadata_value: 4_096,
            metadata_entries: 100,
            subscriptions: 10_000,
        }
    }
}

#[derive(Default)]
struct Names {
    mailboxes: BTreeMap<Arc<str>, Place>,
    subscribed: BTreeSet<Arc<str>>,
    metadata: BTreeMap<String, Bytes>,
    /// Which thread a Message-ID belongs to.
    threads: HashMap<Vec<u8>, Arc<str>>,
    octets: u64,
}

struct Place {
    shared: Arc<Shared>,
    uses: Vec<SpecialUse>,
    metadata: BTreeMap<String, Bytes>,
    presence: Presence,
}

impl Memory {
    /// Nobody's mail yet. `clock` gives the seconds since 1970, by which mail is dated and mailboxes get their UIDVALIDITY:
    /// `net::now`, or a time of a test's own.
    pub fn new(clock: fn() -> i64) -> Self {
        Self { users: Arc::default(), clock }
    }

    /// A user's mail; a new user has an empty INBOX.
    pub fn user(&self, name: &str) -> MemoryAccount {
        self.user_with(name, Limits::default())
    }

    /// The same; the limits are those of a new user.
    pub fn user_with(&self, name: &str, limits: Limits) -> MemoryAccount {
        let mut users = lock(&self.users);
        users.entry(name.to_owned()).or_insert_with(|| MemoryAccount::new(limits, self.clock)).clone()
    }
}

impl fmt::Debug for MemoryAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAccount").finish_non_exhaustive()
    }
}

impl MemoryAccount {
    fn new(limits: Limits, clock: Clock) -> Self {
        let user = User {
            names: Mutex::default(),
            next_id: AtomicU64::new(1),
            // RFC 9051 s 2.3.1.1: of a mailbox made anew, greater than before: it counts from the time.
            next_validity: AtomicU32::new(u32::try_from(clock()).unwrap_or(u32::MAX).max(1)),
            limits,
            clock,
        };
        let this = Self(Arc::new(user));
        let place = this.place();
        lock(&this.0.names).mailboxes.insert("INBOX".into(), place);
        this
    }

    fn now(&self) -> i64 {
        (self.0.clock)()
    }

    /// Puts a message into a mailbox that is there.
    ///
    /// # Errors
    /// If there is no such mailbox.
    pub fn deliver(
        &self,
        mailbox: &str,
        message: impl Into<Bytes>,
        flags: Flags,
        internal_date: Option<crate::DateTime>,
    ) -> Answer<()> {
        let mut append = MemoryAppend::new(self.clone(), self.find(mailbox)?);
        append.start(Incoming { flags, internal_date, size: None });
        append.add(&message.into())?;
        append.finish().map(drop)
    }

    fn place(&self) -> Place {
        let validity = self.0.next_validity.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Shared::new(validity, self.id('F')));
        Place { shared, uses: Vec::new(), metadata: BTreeMap::new(), presence: Presence::Mailbox }
    }

    /// An identifier (RFC 8474 s 5): a letter and a number that is no other's.
    fn id(&self, kind: char) -> Arc<str> {
        format!("{kind}{}", self.0.next_id.fetch_add(1, Ordering::Relaxed)).into()
    }

    fn find(&self, name: &str) -> Answer<Arc<Shared>> {
        let names = lock(&self.0.names);
        let place = names.mailboxes.get(name).filter(|place| place.presence == Presence::Mailbox);
        place.map(|place| Arc::clone(&place.shared)).ok_or_else(no_such_mailbox)
    }

    /// Where messages may be put: what is missing can be made.
    fn find_target(&self, name: &str) -> Answer<Arc<Shared>> {
        self.find(name).map_err(|_| Refusal::new(Reason::TryCreate, "no such mailbox"))
    }

    /// Counts octets that come, if there is room for them.
    fn take_room(&self, octets: u64) -> Answer<()> {
        let mut names = lock(&self.0.names);
        let used = names.octets.saturating_add(octets);
        if used > self.0.limits.octets {
            return Err(Refusal::new(Reason::OverQuota, "over quota"));
        }
        names.octets = used;
        Ok(())
    }

    fn give_room(&self, octets: u64) {
        let mut names = lock(&self.0.names);
        names.octets = names.octets.saturating_sub(octets);
    }

    /// The thread of a message by whom it answers: that of the first Message-ID that is known, or a new one.
    fn thread(&self, ids: &[Vec<u8>]) -> Arc<str> {
        let mut names = lock(&self.0.names);
        let known = ids.iter().find_map(|id| names.threads.get(id).map(Arc::clone));
        let thread = known.unwrap_or_else(|| self.id('T'));
        for id in ids {
            names.threads.entry(id.clone()).or_insert_with(|| Arc::clone(&thread));
        }
        thread
    }
}

impl Names {
    fn is_below(name: &str, above: &str) -> bool {
        name.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
    }

    fn has_children(&self, name: &str) -> bool {
        self.mailboxes.keys().any(|each| Self::is_below(each, name))
    }
}

impl Account for MemoryAccount {
    type Mailbox = MemoryMailbox;
    type Append = MemoryAppend;

    async fn mailboxes(&self) -> Answer<Vec<Entry>> {
        let names = lock(&self.0.names);
        let there = names.mailboxes.iter().map(|(name, place)| Entry {
            name: Arc::clone(name),
            presence: place.presence,
            subscribed: names.subscribed.contains(name),
            uses: place.uses.clone(),
        });
        let only_subscribed = names.subscribed.iter().filter(|name| !names.mailboxes.contains_key(*name));
        let only_subscribed = only_subscribed.map(|name| Entry {
            name: Arc::clone(name),
            presence: Presence::None,
            subscribed: true,
            uses: Vec::new(),
        });
        Ok(there.chain(only_subscribed).collect())
    }

    async fn create(&self, name: &str, uses: &[SpecialUse]) -> Answer<Arc<str>> {
        let name = name.strip_suffix('/').unwrap_or(name);
        is_good_name(name)?;
        let mut names = lock(&self.0.names);
        if names.mailboxes.get(name).is_some_and(|place| place.presence == Presence::Mailbox) {
            return Err(Refusal::new(Reason::AlreadyExists, "there is such a mailbox"));
        }
        // RFC 6154 s 3: what another mailbox is for, this one cannot be.
        let taken = |used: &SpecialUse| names.mailboxes.values().any(|place| place.uses.contains(used));
        if uses.iter().any(taken) {
            return Err(Refusal::new(Reason::UseAttr, "another mailbox has this special use"));
        }
        let levels = name.match_indices('/').filter_map(|(at, _)| name.get(..at)).chain([name]);
        for level in levels {
            if names.mailboxes.len() >= self.0.limits.mailboxes {
                return Err(Refusal::new(Reason::Limit, "too many mailboxes"));
            }
            match names.mailboxes.get_mut(level) {
                Some(place) if level == name => *place = self.place(),
                Some(_) => {}
                None => {
                    let place = self.place();
                    names.mailboxes.insert(level.into(), place);
                }
            }
        }
        let Some(place) = names.mailboxes.get_mut(name) else { return Err(no_such_mailbox()) };
        place.uses = uses.to_vec();
        Ok(place.shared.id())
    }

    async fn delete(&self, name: &str) -> Answer<()> {
        if name == "INBOX" {
            return Err(Refusal::new(Reason::Cannot, "INBOX cannot be deleted"));
        }
        let mut names = lock(&self.0.names);
        let has_children = names.has_children(name);
        let Some(place) = names.mailboxes.get_mut(name) else { return Err(no_such_mailbox()) };
        if has_children {
            if place.presence == Presence::Level {
                return Err(Refusal::new(Reason::HasChildren, "there are mailboxes below it"));
            }
            // RFC 9051 s 6.3.5: the messages go, the name stays for what is below it.
            let octets = place.shared.octets();
            *place = Place { presence: Presence::Level, ..self.place() };
            names.octets = names.octets.saturating_sub(octets);
            return Ok(());
        }
        let octets = names.mailboxes.remove(name).map_or(0, |place| place.shared.octets());
        names.octets = names.octets.saturating_sub(octets);
        Ok(())
    }

    async fn rename(&self, from: &str, to: &str) -> Answer<()> {
        let to = to.strip_suffix('/').unwrap_or(to);
        is_good_name(to)?;
        if from == "INBOX" {
            // RFC 9051 s 6.3.6: "its messages are moved to a new mailbox", INBOX stays, and what is below it too.
            self.create(to, &[]).await?;
            let (source, target) = (self.find(from)?, self.find(to)?);
            return mailbox::move_all(&source, &target, self.now());
        }
        let mut names = lock(&self.0.names);
        if !names.mailboxes.contains_key(from) {
            return Err(no_such_mailbox());
        }
        if names.mailboxes.contains_key(to) {
            return Err(Refusal::new(Reason::AlreadyExists, "there is such a mailbox"));
        }
        if Names::is_below(to, from) || to == from {
            return Err(Refusal::new(Reason::Cannot, "a mailbox cannot go below itself"));
        }
        let above = to.match_indices('/').filter_map(|(at, _)| to.get(..at));
        for level in above {
            if !names.mailboxes.contains_key(level) {
                let place = self.place();
                names.mailboxes.insert(level.into(), place);
            }
        }
        let moved: Vec<Arc<str>> = names
            .mailboxes
            .keys()
            .filter(|name| &***name == from || Names::is_below(name, from))
            .cloned()
            .collect();
        for old in moved {
            let Some(place) = names.mailboxes.remove(&old) else { continue };
            let rest = old.strip_prefix(from).unwrap_or_default();
            names.mailboxes.insert(format!("{to}{rest}").into(), place);
        }
        Ok(())
    }

    async fn subscribe(&self, name: &str, subscription: Subscription) -> Answer<()> {
        let mut names = lock(&self.0.names);
        match subscription {
            Subscription::On if !names.mailboxes.contains_key(name) => return Err(no_such_mailbox()),
            Subscription::On if names.subscribed.len() >= self.0.limits.subscriptions => {
                return Err(Refusal::new(Reason::Limit, "too many subscriptions"));
            }
            Subscription::On => drop(names.subscribed.insert(name.into())),
            Subscription::Off => drop(names.subscribed.remove(name)),
        }
        Ok(())
    }

    async fn status(&self, name: &str) -> Answer<Status> {
        self.find(name).map(|shared| shared.status())
    }

    async fn open(&self, name: &str, access: Access) -> Answer<MemoryMailbox> {
        Ok(MemoryMailbox::new(self.clone(), self.find(name)?, access))
    }

    async fn append(&self, name: &str) -> Answer<MemoryAppend> {
        Ok(MemoryAppend::new(self.clone(), self.find_target(name)?))
    }

    async fn quota_roots(&self, mailbox: &str) -> Answer<Vec<Quota>> {
        self.find(mailbox)?;
        Ok(vec![self.quota("").await?])
    }

    async fn quota(&self, root: &str) -> Answer<Quota> {
        if !root.is_empty() {
            return Err(Refusal::new(Reason::NonExistent, "no such quota root"));
        }
        let names = lock(&self.0.names);
        let limits = self.0.limits;
        let mailboxes = names.mailboxes.len() as u64;
        let resources = vec![
            ("STORAGE", names.octets.div_ceil(1024), limits.octets / 1024),
            ("MAILBOX", mailboxes, limits.mailboxes as u64),
        ];
        Ok(Quota { root: String::new(), resources })
    }

    async fn metadata(&self, mailbox: Option<&str>) -> Answer<Vec<(String, Bytes)>> {
        let names = lock(&self.0.names);
        let entries = match mailbox {
            None => &names.metadata,
            Some(name) => &names.mailboxes.get(name).ok_or_else(no_such_mailbox)?.metadata,
        };
        Ok(entries.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    async fn set_metadata(&self, mailbox: Option<&str>, new: Vec<(String, Option<Bytes>)>) -> Answer<()> {
        let limits = self.0.limits;
        if new
            .iter()
            .any(|(_, value)| value.as_ref().is_some_and(|value| value.len() > limits.metadata_value))
        {
            return Err(Refusal::new(Reason::TooBig, "a value is too long"));
        }
        let mut names = lock(&self.0.names);
        let entries = match mailbox {
            None => &mut names.metadata,
            Some(name) => &mut names.mailboxes.get_mut(name).ok_or_else(no_such_mailbox)?.metadata,
        };
        let mut changed = entries.clone();
        for (name, value) in new {
            match value {
                // RFC 5464 s 4: names are compared whatever the case.
                Some(value) => drop(changed.insert(name.to_ascii_lowercase(), value)),
                None => drop(changed.remove(&name.to_ascii_lowercase())),
            }
        }
        if changed.len() > limits.metadata_entries {
            return Err(Refusal::new(Reason::Limit, "too many entries"));
        }
        *entries = changed;
        Ok(())
    }
}

/// Octets of a name and of its levels, at most.
const NAME: usize = 1_000;
const LEVELS: usize = 32;

fn is_good_name(name: &str) -> Answer<()> {
    let bad_level = |level: &str| level.is_empty() || level.chars().any(char::is_control);
    if name.len() > NAME || name.split('/').count() > LEVELS || name.split('/').any(bad_level) {
        return Err(Refusal::new(Reason::Cannot, "no name for a mailbox"));
    }
    // RFC 9051 s 5.1: INBOX whatever its case; a level above others cannot be another INBOX.
    if name.eq_ignore_ascii_case("INBOX") && name != "INBOX" {
        return Err(Refusal::new(Reason::Cannot, "no name for a mailbox"));
    }
    Ok(())
}

fn no_such_mailbox() -> Refusal {
    Refusal::new(Reason::NonExistent, "no such mailbox")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
