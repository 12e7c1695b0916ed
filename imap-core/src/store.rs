//! What a server keeps mail in, in the protocol's words.
//!
//! A store speaks of messages by UID and of what happened by modification sequence (RFC 7162); sequence numbers, which of the
//! untagged responses may be sent when, and how all of it is written, are the server's affair. It need not hold a message in
//! memory: it takes one in pieces, keeps its [`Structure`], and gives octets back from any offset.
//!
//! All futures are `Send`. [`memory`](crate::memory) is a store; a database with an object store is another.

mod flags;
pub(crate) mod order;
pub(crate) mod search;

use std::{borrow::Cow, future::Future, io, ops::Range, sync::Arc};

use bytes::Bytes;

pub use flags::Flags;

use crate::message::Structure;
use crate::{DateTime, NumberSet};

/// Why a store does not do what it is asked: text for people, and the response code that goes with it (RFC 5530, 9051 s 7.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
#[allow(clippy::exhaustive_structs)] // both are needed and nothing else
pub struct Refusal {
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people.
    pub text: Cow<'static, str>,
}

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// For no reason that has a code.
    Other,
    /// `[ALREADYEXISTS]`
    AlreadyExists,
    /// `[CANNOT]`: never.
    Cannot,
    /// `[CONTACTADMIN]`
    ContactAdmin,
    /// `[HASCHILDREN]`
    HasChildren,
    /// `[INUSE]`
    InUse,
    /// `[LIMIT]`
    Limit,
    /// `[NONEXISTENT]`
    NonExistent,
    /// `[NOPERM]`
    NoPerm,
    /// `[OVERQUOTA]`
    OverQuota,
    /// `[SERVERBUG]`
    ServerBug,
    /// `[TOOBIG]`
    TooBig,
    /// `[TRYCREATE]`
    TryCreate,
    /// `[UNAVAILABLE]`
    Unavailable,
    /// `[USEATTR]` (RFC 6154 s 3)
    UseAttr,
}

impl Refusal {
    /// For that reason.
    pub fn new(reason: Reason, text: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, text: text.into() }
    }
}

impl Reason {
    /// The response code, if there is one.
    pub fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Other => return None,
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::Cannot => "CANNOT",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::HasChildren => "HASCHILDREN",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPerm => "NOPERM",
            Self::OverQuota => "OVERQUOTA",
            Self::ServerBug => "SERVERBUG",
            Self::TooBig => "TOOBIG",
            Self::TryCreate => "TRYCREATE",
            Self::Unavailable => "UNAVAILABLE",
            Self::UseAttr => "USEATTR",
        })
    }
}

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        Self::new(Reason::Unavailable, "the store does not answer")
    }
}

/// What a store answers.
pub type Answer<T> = Result<T, Refusal>;

/// One user's mail.
///
/// Names are UTF-8 with `/` between their levels; `INBOX` is written so, whatever the client wrote.
pub trait Account: Send + Sync {
    /// A mailbox that a session has selected.
    type Mailbox: Mailbox;
    /// Messages on their way in.
    type Append: Append;

    /// All mailboxes and all names that are subscribed to, in any order. Patterns, options and children are the server's affair.
    fn mailboxes(&self) -> impl Future<Output = Answer<Vec<Entry>>> + Send;

    /// CREATE, with what is above it if need be (RFC 9051 s 6.3.4).
    fn create(&self, name: &str, uses: &[SpecialUse]) -> impl Future<Output = Answer<Arc<str>>> + Send;

    /// DELETE.
    fn delete(&self, name: &str) -> impl Future<Output = Answer<()>> + Send;

    /// RENAME with what is below it; of INBOX, a move of its messages (RFC 9051 s 6.3.6).
    fn rename(&self, from: &str, to: &str) -> impl Future<Output = Answer<()>> + Send;

    /// SUBSCRIBE and UNSUBSCRIBE.
    fn subscribe(&self, name: &str, subscription: Subscription) -> impl Future<Output = Answer<()>> + Send;

    /// STATUS.
    fn status(&self, name: &str) -> impl Future<Output = Answer<Status>> + Send;

    /// SELECT and EXAMINE.
    fn open(&self, name: &str, access: Access) -> impl Future<Output = Answer<Self::Mailbox>> + Send;

    /// APPEND: the mailbox is asked for before the octets come.
    fn append(&self, name: &str) -> impl Future<Output = Answer<Self::Append>> + Send;

    /// The quota roots of a mailbox (RFC 9208). Default: none.
    fn quota_roots(&self, mailbox: &str) -> impl Future<Output = Answer<Vec<Quota>>> + Send {
        let _ = mailbox;
        async { Ok(Vec::new()) }
    }

    /// One quota root.
    fn quota(&self, root: &str) -> impl Future<Output = Answer<Quota>> + Send {
        let _ = root;
        async { Err(Refusal::new(Reason::NonExistent, "no such quota root")) }
    }

    /// All entries of a mailbox, or of the server (RFC 5464), with their values.
    fn metadata(&self, mailbox: Option<&str>) -> impl Future<Output = Answer<Vec<(String, Bytes)>>> + Send {
        let _ = mailbox;
        async { Ok(Vec::new()) }
    }

    /// SETMETADATA: a value that is `None` removes its entry. All or none.
    fn set_metadata(
        &self,
        mailbox: Option<&str>,
        entries: Vec<(String, Option<Bytes>)>,
    ) -> impl Future<Output = Answer<()>> + Send {
        let _ = (mailbox, entries);
        async { Err(Refusal::new(Reason::Cannot, "no metadata here")) }
    }
}

/// A mailbox, or a name that is subscribed to, as LIST tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct Entry {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it is there, and can be selected.
    pub presence: Presence,
    /// Whether it is subscribed to.
    pub subscribed: bool,
    /// What it is for.
    pub uses: Vec<SpecialUse>,
}

/// Whether a name is a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// It is one.
    Mailbox,
    /// It has others below it and no messages: `\Noselect`.
    Level,
    /// It is only subscribed to: `\NonExistent`.
    None,
}

/// What a mailbox is for (RFC 6154 s 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SpecialUse {
    /// `\All`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`
    Flagged,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
    /// `\Important` (RFC 8457)
    Important,
}

impl SpecialUse {
    /// Each of them.
    pub const EACH: &[Self] = &[
        Self::All,
        Self::Archive,
        Self::Drafts,
        Self::Flagged,
        Self::Junk,
        Self::Sent,
        Self::Trash,
        Self::Important,
    ];

    /// As it is written.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
            Self::Important => "\\Important",
        }
    }

    /// By how it is written, with its backslash.
    pub fn named(attribute: &[u8]) -> Option<Self> {
        Self::EACH.iter().copied().find(|each| each.attribute().as_bytes().eq_ignore_ascii_case(attribute))
    }
}

/// Whether a name is to be shown by LSUB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum Subscription {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// How a mailbox is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // SELECT, and EXAMINE
pub enum Access {
    /// SELECT.
    ReadWrite,
    /// EXAMINE.
    ReadOnly,
}

/// What STATUS tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them, with `..Status::default()`
pub struct Status {
    /// MESSAGES.
    pub messages: u32,
    /// UIDNEXT.
    pub uid_next: u32,
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// UNSEEN: how many have no `\Seen`.
    pub unseen: u32,
    /// DELETED: how many have `\Deleted`.
    pub deleted: u32,
    /// RECENT (RFC 3501).
    pub recent: u32,
    /// SIZE: of all messages (RFC 8438).
    pub size: u64,
    /// HIGHESTMODSEQ (RFC 7162).
    pub highest_modseq: u64,
    /// MAILBOXID (RFC 8474).
    pub mailbox_id: Option<Arc<str>>,
}

/// What there is in a mailbox at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct View {
    /// UIDs of all messages, ascending: shared by all sessions that see the same.
    pub uids: Arc<[u32]>,
    /// HIGHESTMODSEQ; it grows with whatever happens, a removal too.
    pub modseq: u64,
    /// UIDNEXT.
    pub uid_next: u32,
    /// UIDs that became `\Recent` in this session with this view (RFC 3501 s 2.3.2).
    pub recent: Range<u32>,
}

/// What SELECT tells of a mailbox, besides its view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct Info {
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// FLAGS: the keywords in use.
    pub keywords: Vec<Arc<str>>,
    /// MAILBOXID (RFC 8474).
    pub mailbox_id: Option<Arc<str>>,
    /// How it is open: less than was asked for, maybe.
    pub access: Access,
}

/// A selected mailbox. Dropping it gives it back.
pub trait Mailbox: Send + Sync {
    /// What SELECT tells.
    fn info(&self) -> impl Future<Output = Answer<Info>> + Send;

    /// What there is now.
    fn view(&self) -> impl Future<Output = Answer<View>> + Send;

    /// UIDs of messages that came or changed after this modification sequence.
    fn changed_since(&self, modseq: u64) -> impl Future<Output = Answer<NumberSet>> + Send;

    /// UIDs of messages that went after this modification sequence; more of them if it is not known any more
    /// (RFC 7162 s 3.2.5.2), but none that is there.
    fn vanished_since(&self, modseq: u64) -> impl Future<Output = Answer<NumberSet>> + Send;

    /// Waits until something happened after this modification sequence. May be dropped and called again.
    fn changed(&self, modseq: u64) -> impl Future<Output = ()> + Send;

    /// What is known of these messages, in this order, without those that have gone.
    fn fetch(&self, uids: &[u32], want: Want) -> impl Future<Output = Answer<Vec<Message>>> + Send;

    /// Octets of a message from this offset on: as many as are at hand, none at its end or if it has gone.
    fn read(&self, uid: u32, from: u64) -> impl Future<Output = io::Result<Bytes>> + Send;

    /// STORE: each message is changed at once or not at all, in one step with its new modification sequence.
    fn store(&self, uids: &NumberSet, change: &Change) -> impl Future<Output = Answer<Stored>> + Send;

    /// EXPUNGE of what has `\Deleted`, of these or of all; which went.
    fn expunge(&self, among: Option<&NumberSet>) -> impl Future<Output = Answer<NumberSet>> + Send;

    /// COPY: all or none (RFC 9051 s 6.4.7).
    fn copy(&self, uids: &NumberSet, to: &str) -> impl Future<Output = Answer<Copied>> + Send;

    /// MOVE (RFC 6851): as a copy and a removal in one step.
    fn move_to(&self, uids: &NumberSet, to: &str) -> impl Future<Output = Answer<Copied>> + Send;
}

/// Which costly things of a message are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// Flags, dates, sizes.
    Marks,
    /// Those and the structure.
    Structure,
}

/// What is known of a message without its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct Message {
    /// UID.
    pub uid: u32,
    /// FLAGS, without `\Recent`.
    pub flags: Flags,
    /// MODSEQ.
    pub modseq: u64,
    /// INTERNALDATE.
    pub internal_date: DateTime,
    /// SAVEDATE (RFC 8514).
    pub save_date: Option<DateTime>,
    /// RFC822.SIZE.
    pub size: u64,
    /// EMAILID (RFC 8474).
    pub email_id: Option<Arc<str>>,
    /// THREADID (RFC 8474).
    pub thread_id: Option<Arc<str>>,
    /// Its parts, where [`Want::Structure`] asks for them.
    pub structure: Option<Arc<Structure>>,
}

/// What STORE is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // the server makes them
pub struct Change {
    /// How.
    pub action: Action,
    /// With these.
    pub flags: Flags,
    /// Only messages that have not changed after this (RFC 7162 s 3.1.3).
    pub unchanged_since: Option<u64>,
}

/// How STORE changes flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 9051 s 6.4.6
pub enum Action {
    /// FLAGS
    Replace,
    /// +FLAGS
    Add,
    /// -FLAGS
    Remove,
}

/// What STORE did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct Stored {
    /// Left alone, for they had changed: MODIFIED.
    pub modified: NumberSet,
    /// Those that are not there any more.
    pub gone: NumberSet,
}

/// Where messages were copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct Copied {
    /// The other mailbox's UIDVALIDITY.
    pub uid_validity: u32,
    /// Each copied message's UID, and that of its copy, in the order of both (RFC 4315 s 3).
    pub pairs: Vec<(u32, u32)>,
}

/// Messages on their way into a mailbox; dropped before [`commit`](Self::commit), none of them was ever there.
pub trait Append: Send {
    /// A message begins: what the client says of it, and its octets if it is known how many.
    fn begin(&mut self, message: Incoming) -> impl Future<Output = Answer<()>> + Send;

    /// Octets of it.
    fn write(&mut self, octets: Bytes) -> impl Future<Output = Answer<()>> + Send;

    /// All messages are whole: all of them are in the mailbox at once, or none (RFC 3502 s 6.3.11).
    fn commit(self) -> impl Future<Output = Answer<Appended>> + Send;
}

/// What is said of a message before its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // the server makes them
pub struct Incoming {
    /// Its flags.
    pub flags: Flags,
    /// Its INTERNALDATE, if not now.
    pub internal_date: Option<DateTime>,
    /// Octets, if one literal brings them all.
    pub size: Option<u64>,
}

/// Where messages are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct Appended {
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// The new UIDs, ascending in the messages' order.
    pub uids: NumberSet,
}

/// A quota root and its resources (RFC 9208 s 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // stores make them
pub struct Quota {
    /// Its name.
    pub root: String,
    /// STORAGE in units of 1,024 octets, MESSAGE, MAILBOX: usage and limit.
    pub resources: Vec<(&'static str, u64, u64)>,
}
