use std::num::NonZeroU32;

use crate::{Code, Fetch, FlagList, Item, NumberSet, Untagged};

mod flags;
mod runs;

use flags::{FlagSets, without};
use runs::{One, Run, Runs};

/// Sets of flags that are kept although no message has them, before it is looked which are in use.
const IDLE_SETS: usize = 64;

/// The selected mailbox, as far as the server has told: which messages there are, by sequence number and UID, their flags and
/// mod-sequences.
///
/// Every response of a server that could change something is told to it, and it says what has changed. What is alike costs
/// once: a mailbox of a million messages that nobody asked for is one run of 24 octets.
///
/// ```
/// use mail46_imap_core::client::{Change, MailboxView};
/// use mail46_imap_core::{Flag, FlagList};
///
/// let mut mailbox = MailboxView::new();
/// assert_eq!(mailbox.exists(3), Change::Arrived { before: 0, exists: 3 });
/// let seen = FlagList::of([Flag::<&[u8]>::Seen]);
/// mailbox.fetched(2, Some(505), Some(&seen), None);
/// assert_eq!(mailbox.uid(2), Some(505));
/// let Change::Expunged { sequence: 1, uid: None } = mailbox.expunged(1) else { panic!() };
/// assert_eq!(mailbox.sequence(505), Some(1)); // numbers move down
/// assert_eq!(mailbox.len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct MailboxView {
    runs: Runs,
    flags: FlagSets,
    /// As many sets there may be before it is looked which are in use.
    most_sets: usize,
    /// The messages that were known before this session, until the mailbox is selected: what EXISTS says of it.
    resuming: Option<u32>,
    uid_validity: Option<NonZeroU32>,
    uid_next: Option<NonZeroU32>,
    highest_modseq: Option<u64>,
}

/// What a response has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Nothing that was not known.
    Nothing,
    /// There are more messages; those behind `before` are new.
    Arrived {
        /// How many there were.
        before: u32,
        /// How many there are.
        exists: u32,
    },
    /// A message is gone; the sequence numbers behind it are one less (RFC 9051 s 7.5.1).
    Expunged {
        /// Which it was.
        sequence: u32,
        /// Its UID, if it was known.
        uid: Option<u32>,
    },
    /// Messages are gone (RFC 7162 s 3.2.10.2).
    Vanished {
        /// Which.
        uids: NumberSet,
        /// How many of them this view had.
        count: u32,
    },
    /// Messages were gone already when the mailbox was selected, or asked for (RFC 7162 s 3.2.10.1): for what was remembered.
    VanishedEarlier {
        /// Which may be; most of them may never have been.
        uids: NumberSet,
        /// How many of them this view had.
        count: u32,
    },
    /// Something is known of a message that was not, or has changed.
    Message {
        /// Which.
        sequence: u32,
        /// Its UID, if it is known.
        uid: Option<u32>,
        /// Its flags now, and before, if they were not the same.
        flags: Option<FlagChange>,
    },
    /// UIDVALIDITY is another: all that was remembered under the old one is void (RFC 9051 s 2.3.1.1).
    UidValidity {
        /// What it was.
        before: NonZeroU32,
        /// What it is.
        now: NonZeroU32,
    },
    /// UIDNEXT.
    UidNext(NonZeroU32),
    /// HIGHESTMODSEQ.
    HighestModSeq(u64),
    /// What the server said cannot be of this mailbox: ask anew.
    OutOfStep(OutOfStep),
}

/// The flags of a message, when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlagChange {
    /// All it had, if they were known.
    pub before: Option<FlagList>,
    /// All it has.
    pub after: FlagList,
}

impl FlagChange {
    /// The flags that it has now and had not; all of them, if they were not known.
    pub fn added(&self) -> FlagList {
        without(&self.after, self.before.as_ref().unwrap_or(&FlagList::EMPTY))
    }

    /// The flags that it had and has no more.
    pub fn removed(&self) -> FlagList {
        without(self.before.as_ref().unwrap_or(&FlagList::EMPTY), &self.after)
    }
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutOfStep {
    /// EXISTS below the number of messages: "only the EXPUNGE response can do this" (RFC 9051 s 5.2).
    #[error("EXISTS says {exists}, fewer than the {before} there were")]
    FewerExist {
        /// How many there were.
        before: u32,
        /// How many it says.
        exists: u32,
    },
    /// A sequence number that no message has.
    #[error("no message has the number {0}")]
    NoSuchMessage(u32),
    /// A UID that does not fit between its neighbours', or that was another.
    #[error("message {sequence} cannot have the UID {uid}")]
    Uid {
        /// The message.
        sequence: u32,
        /// What it says.
        uid: u32,
    },
    /// A UID of which all are known to be others.
    #[error("no message has the UID {0}")]
    NoSuchUid(u32),
    /// More was remembered than there is.
    #[error("{remembered} messages were remembered and there are {exists}")]
    Remembered {
        /// How many are left of it.
        remembered: u32,
        /// What EXISTS says.
        exists: u32,
    },
}

impl MailboxView {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is remembered of a mailbox that was seen before: the messages it had.
    pub fn remembered(uid_validity: NonZeroU32, uids: &NumberSet) -> Self {
        let mut view = Self { uid_validity: Some(uid_validity), ..Self::default() };
        for (first, last) in uids.ranges() {
            let count = last.saturating_sub(first).saturating_add(1);
            view.runs.push(Run { count, one: One { uid: first, ..One::default() } });
        }
        view
    }

    /// What was known when the mailbox was last seen, for a SELECT with QRESYNC (RFC 7162 s 3.2.5): what this SELECT tells goes
    /// by UID, up to [`selected`](Self::selected).
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.resuming = Some(0);
        self
    }

    /// How many messages there are.
    pub fn len(&self) -> u32 {
        self.resuming.unwrap_or_else(|| self.runs.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The UID of a message, if it is known.
    pub fn uid(&self, sequence: u32) -> Option<u32> {
        self.runs.get(sequence).map(|one| one.uid).filter(|uid| *uid > 0)
    }

    /// The sequence number of a message, if its UID is known.
    pub fn sequence(&self, uid: u32) -> Option<u32> {
        self.runs.find(uid)
    }

    /// The flags of a message, if they are known.
    pub fn flags(&self, sequence: u32) -> Option<&FlagList> {
        self.flags.get(self.runs.get(sequence)?.flags)
    }

    /// The mod-sequence of a message, if it is known.
    pub fn modseq(&self, sequence: u32) -> Option<u64> {
        self.runs.get(sequence).map(|one| one.modseq).filter(|modseq| *modseq > 0)
    }

    /// All UIDs that are known.
    pub fn uids(&self) -> NumberSet {
        let known = self.runs.iter().filter(|run| run.one.uid > 0);
        known.map(|run| (run.one.uid, run.one.uid.saturating_add(run.count.saturating_sub(1)))).collect()
    }

    /// The sequence numbers of the messages whose UIDs are not known.
    pub fn unknown(&self) -> NumberSet {
        let mut before = 0_u32;
        let mut unknown = NumberSet::new();
        for run in self.runs.iter() {
            let end = before.saturating_add(run.count);
            if run.one.uid == 0 {
                unknown.insert_range(before.saturating_add(1), end);
            }
            before = end;
        }
        unknown
    }

    /// UIDVALIDITY.
    pub fn uid_validity(&self) -> Option<NonZeroU32> {
        self.uid_validity
    }

    /// UIDNEXT, as it was told.
    pub fn uid_next(&self) -> Option<NonZeroU32> {
        self.uid_next
    }

    /// HIGHESTMODSEQ, as it was told.
    pub fn highest_modseq(&self) -> Option<u64> {
        self.highest_modseq
    }

    /// Octets that the view takes, as the mailbox is.
    pub fn footprint(&self) -> usize {
        let runs = self.runs.iter().count().saturating_mul(size_of::<Run>());
        runs.saturating_add(self.flags.len().saturating_mul(size_of::<FlagList>()))
    }
}

/// What the server told.
impl MailboxView {
    /// Any response: what it changes, or `None` if it is not about the messages of a mailbox.
    pub fn update(&mut self, response: &Untagged) -> Option<Change> {
        Some(match response {
            Untagged::Exists(exists) => self.exists(*exists),
            Untagged::Expunge(sequence) => self.expunged(sequence.get()),
            Untagged::Fetch(fetch) => {
                self.fetched(fetch.number.get(), fetch.uid().map(u32::from), fetch.flags(), modseq(fetch))
            }
            Untagged::UidFetch(fetch) => self.uid_fetched(fetch.number.get(), fetch.flags(), modseq(fetch)),
            Untagged::Vanished { earlier, uids } => {
                // A set of UIDs that are gone has no "*".
                let uids = uids.resolve(0)?;
                if *earlier { self.vanished_earlier(uids) } else { self.vanished(uids) }
            }
            Untagged::Status(status) => self.update_by_code(status.code.as_ref()?)?,
            _ => return None,
        })
    }

    /// A response code, of an untagged response or at the end of a command.
    pub fn update_by_code(&mut self, code: &Code) -> Option<Change> {
        Some(match code {
            Code::UidValidity(number) => self.uid_validity_is(NonZeroU32::new(*number)?),
            Code::UidNext(uid) => self.uid_next_is(*uid),
            Code::HighestModSeq(modseq) => self.highest_modseq_is(Some(*modseq)),
            Code::NoModSeq => self.highest_modseq_is(None),
            _ => return None,
        })
    }

    /// EXISTS.
    pub fn exists(&mut self, exists: u32) -> Change {
        if let Some(told) = &mut self.resuming {
            *told = exists;
            return Change::Nothing;
        }
        let before = self.runs.len();
        if exists < before {
            self.forget(exists);
            return Change::OutOfStep(OutOfStep::FewerExist { before, exists });
        }
        if exists == before {
            return Change::Nothing;
        }
        self.runs.push(Run { count: exists.saturating_sub(before), one: One::default() });
        Change::Arrived { before, exists }
    }

    /// EXPUNGE.
    pub fn expunged(&mut self, sequence: u32) -> Change {
        match self.runs.remove(sequence) {
            Some(one) => Change::Expunged { sequence, uid: (one.uid > 0).then_some(one.uid) },
            None => Change::OutOfStep(OutOfStep::NoSuchMessage(sequence)),
        }
    }

    /// VANISHED without EARLIER: each UID is a message less.
    pub fn vanished(&mut self, uids: NumberSet) -> Change {
        let count = self.runs.remove_uids(&uids);
        if let Some(exists) = &mut self.resuming {
            *exists = exists.saturating_sub(count);
        }
        Change::Vanished { uids, count }
    }

    /// VANISHED (EARLIER): no sequence number changes (RFC 7162 s 3.2.10.1), but what was remembered of them is void.
    pub fn vanished_earlier(&mut self, uids: NumberSet) -> Change {
        let count = if self.resuming.is_some() { self.runs.remove_uids(&uids) } else { 0 };
        Change::VanishedEarlier { uids, count }
    }

    /// FETCH, in a response that names a sequence number.
    pub fn fetched<B: AsRef<[u8]>>(
        &mut self,
        sequence: u32,
        uid: Option<u32>,
        flags: Option<&FlagList<B>>,
        modseq: Option<u64>,
    ) -> Change {
        if self.resuming.is_some() {
            // RFC 7162 s 3.2.5.1: the FETCH responses of a SELECT with QRESYNC have the UID; the numbers are known at its end.
            return uid.map_or(Change::Nothing, |uid| self.recalled(uid, flags, modseq));
        }
        let Some(before) = self.runs.get(sequence) else {
            return Change::OutOfStep(OutOfStep::NoSuchMessage(sequence));
        };
        if let Some(uid) = uid.filter(|uid| *uid != before.uid) {
            let low = sequence.checked_sub(1).and_then(|left| self.runs.get(left)).map_or(0, |one| one.uid);
            let high =
                sequence.checked_add(1).and_then(|right| self.runs.get(right)).map_or(0, |one| one.uid);
            if before.uid > 0 || uid == 0 || uid <= low || (high > 0 && uid >= high) {
                self.forget(self.runs.len());
                return Change::OutOfStep(OutOfStep::Uid { sequence, uid });
            }
        }
        self.put(sequence, before, uid, flags, modseq)
    }

    /// UIDFETCH (RFC 9586), where sequence numbers mean nothing.
    pub fn uid_fetched<B: AsRef<[u8]>>(
        &mut self,
        uid: u32,
        flags: Option<&FlagList<B>>,
        modseq: Option<u64>,
    ) -> Change {
        if self.resuming.is_some() {
            return self.recalled(uid, flags, modseq);
        }
        let Some(sequence) = self.runs.find(uid).or_else(|| self.runs.identify(uid)) else {
            return Change::OutOfStep(OutOfStep::NoSuchUid(uid));
        };
        let before = self.runs.get(sequence).unwrap_or_default();
        self.put(sequence, before, Some(uid), flags, modseq)
    }

    /// All UIDs there are: what `UID SEARCH ALL` found.
    pub fn found_all(&mut self, uids: &NumberSet) -> Change {
        if self.uids() == *uids && uids.len() == u64::from(self.runs.len()) {
            return Change::Nothing;
        }
        if !self.runs.assign(uids) {
            let (remembered, exists) = (u32::try_from(uids.len()).unwrap_or(u32::MAX), self.runs.len());
            return Change::OutOfStep(OutOfStep::Remembered { remembered, exists });
        }
        Change::Nothing
    }

    /// `OK [UIDVALIDITY n]`. If it is another one than was known, nothing else is known any more.
    pub fn uid_validity_is(&mut self, now: NonZeroU32) -> Change {
        match self.uid_validity.replace(now) {
            Some(before) if before != now => {
                self.runs.clear();
                (self.uid_next, self.highest_modseq) = (None, None);
                if let Some(exists) = self.resuming.take() {
                    self.forget(exists);
                }
                Change::UidValidity { before, now }
            }
            _ => Change::Nothing,
        }
    }

    /// `OK [UIDNEXT n]`.
    pub fn uid_next_is(&mut self, uid: NonZeroU32) -> Change {
        let before = self.uid_next.replace(uid);
        if before == Some(uid) { Change::Nothing } else { Change::UidNext(uid) }
    }

    /// `OK [HIGHESTMODSEQ n]`; `None` for `[NOMODSEQ]`.
    pub fn highest_modseq_is(&mut self, modseq: Option<u64>) -> Change {
        let before = std::mem::replace(&mut self.highest_modseq, modseq);
        match modseq {
            Some(modseq) if before != Some(modseq) => Change::HighestModSeq(modseq),
            _ => Change::Nothing,
        }
    }

    /// The mailbox is selected: the tagged OK has come. What was remembered must have become what there is.
    pub fn selected(&mut self) -> Change {
        let Some(exists) = self.resuming.take() else { return Change::Nothing };
        let remembered = self.runs.len();
        if remembered > exists {
            self.forget(exists);
            return Change::OutOfStep(OutOfStep::Remembered { remembered, exists });
        }
        if remembered == exists {
            return Change::Nothing;
        }
        self.runs.push(Run { count: exists.saturating_sub(remembered), one: One::default() });
        Change::Arrived { before: remembered, exists }
    }

    /// So many messages, and nothing known of them.
    fn forget(&mut self, exists: u32) {
        self.runs.clear();
        self.runs.push(Run { count: exists, one: One::default() });
    }

    /// A FETCH while the sequence numbers are not known: a message that was remembered, or a new one behind all.
    fn recalled<B: AsRef<[u8]>>(
        &mut self,
        uid: u32,
        flags: Option<&FlagList<B>>,
        modseq: Option<u64>,
    ) -> Change {
        let sequence = match self.runs.find(uid) {
            Some(sequence) => sequence,
            None if uid > self.runs.get(self.runs.len()).map_or(0, |last| last.uid) => {
                self.runs.push(Run { count: 1, one: One { uid, ..One::default() } });
                self.runs.len()
            }
            None => return Change::OutOfStep(OutOfStep::NoSuchUid(uid)),
        };
        let before = self.runs.get(sequence).unwrap_or_default();
        self.put(sequence, before, Some(uid), flags, modseq)
    }

    fn put<B: AsRef<[u8]>>(
        &mut self,
        sequence: u32,
        before: One,
        uid: Option<u32>,
        flags: Option<&FlagList<B>>,
        modseq: Option<u64>,
    ) -> Change {
        let set = flags.map_or(before.flags, |flags| self.flags.number(flags));
        let one = One { uid: uid.unwrap_or(before.uid), flags: set, modseq: modseq.unwrap_or(before.modseq) };
        self.runs.replace(sequence, one);
        let change = (set != before.flags).then(|| FlagChange {
            before: self.flags.get(before.flags).cloned(),
            after: self.flags.get(set).cloned().unwrap_or_default(),
        });
        self.tidy();
        if one == before {
            return Change::Nothing;
        }
        Change::Message { sequence, uid: (one.uid > 0).then_some(one.uid), flags: change }
    }

    /// Drops sets of flags that no message has, when there may be many of them.
    fn tidy(&mut self) {
        if self.flags.len() <= self.most_sets.max(IDLE_SETS) {
            return;
        }
        let mut used: Vec<u32> = self.runs.iter().map(|run| run.one.flags).filter(|set| *set > 0).collect();
        used.sort_unstable();
        used.dedup();
        self.flags = self.flags.keep(&used);
        for run in self.runs.iter_mut() {
            let place = used.binary_search(&run.one.flags).map_or(0, |at| at.saturating_add(1));
            run.one.flags = u32::try_from(place).unwrap_or(0);
        }
        self.most_sets = used.len().saturating_mul(2);
    }
}

fn modseq(fetch: &Fetch) -> Option<u64> {
    fetch.items.iter().find_map(|item| match item {
        Item::ModSeq(modseq) => Some(*modseq),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
