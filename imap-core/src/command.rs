//! Commands, both directions: what a client says.

mod acl;
mod append;
mod id;
mod list;
mod login;
mod message;
mod metadata;
mod notify;
mod query;
mod quota;
mod select;
#[cfg(test)]
mod tests;

pub use acl::{RightsChange, SetAcl};
pub use append::{Append, AppendData, AppendMessage, CatenatePart, Replace};
pub use id::Id;
pub use list::{List, ListReturn, ListSelect};
pub use login::{Authenticate, Login, SecretAString, SecretOctets};
pub use message::{Fetch, FetchModifier, Silence, Store, StoreAction, StoreAttribute, StoreModifier};
pub use metadata::{GetMetadata, MetadataDepth, MetadataOption, OptionsPlace, SetMetadata};
pub use notify::{MailboxFilter, Notify, NotifyEvent};
pub use query::{MultiSearch, Search, SearchScope, Sort, Thread};
pub use quota::SetQuota;
pub use select::{Create, CreateParameter, KnownUids, Qresync, Select, SelectParameter};

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::capability::CapabilityList;
use crate::grammar::class;
use crate::grammar::keyword::{self, keywords};
use crate::grammar::mailbox::{ListMailbox, Mailbox};
use crate::grammar::parameter::to_end;
use crate::grammar::sequence::{Numbering, SequenceSet};
use crate::grammar::status::StatusAttributes;
use crate::grammar::string::{AString, Atom, Quoted, Tag};
use crate::grammar::value::Value;
use crate::mode::Mode;
use crate::writer::Writer;

/// `command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF`
///
/// ```
/// use bytes::BytesMut;
/// use mail46_imap_core::{Command, CommandBody, Mode, Profile, Side, Writer};
///
/// let mode = Mode::new(Profile::Strict);
/// let command = Command::parse(b"A3 copy 2:4 \"Sent Items\"\r\n", &mode)?;
/// assert_eq!(command.tag.as_bytes(), b"A3");
/// let CommandBody::Copy { set, mailbox, .. } = &command.body else { panic!() };
/// assert_eq!((set.to_string().as_str(), &*mailbox.octets()), ("2:4", &b"Sent Items"[..]));
///
/// let mut out = BytesMut::new();
/// command.write(&mut Writer::new(&mut out, Side::Client, &mode));
/// assert_eq!(out, "A3 COPY 2:4 \"Sent Items\"\r\n");
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9")]
pub struct Command<B: AsRef<[u8]> = Bytes> {
    /// What the answer is to be called.
    pub tag: Tag<B>,
    /// What is asked.
    pub body: CommandBody<B>,
}

/// What a command asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandBody<B: AsRef<[u8]> = Bytes> {
    /// `CAPABILITY`
    Capability,
    /// `NOOP`
    Noop,
    /// `LOGOUT`
    Logout,
    /// `ID` (RFC 2971).
    Id(Id<B>),
    /// `LANGUAGE` and ranges, if any (RFC 5255).
    Language(Vec<AString<B>>),

    /// `STARTTLS`
    StartTls,
    /// `AUTHENTICATE`
    Authenticate(Authenticate<B>),
    /// `LOGIN`
    Login(Login<B>),

    /// `APPEND`
    Append(Append<B>),
    /// `CREATE`
    Create(Create<B>),
    /// `DELETE`
    Delete(Mailbox<B>),
    /// `ENABLE`
    Enable(CapabilityList<B>),
    /// `EXAMINE`
    Examine(Select<B>),
    /// `IDLE`; [`DONE`] ends it.
    Idle,
    /// `LIST`
    List(List<B>),
    /// `LSUB` (RFC 3501).
    Lsub(Mailbox<B>, ListMailbox<B>),
    /// `NAMESPACE`
    Namespace,
    /// `RENAME`, and parameters that nobody has defined yet (RFC 4466 s 2.3).
    Rename(Mailbox<B>, Mailbox<B>, Option<Value<B>>),
    /// `SELECT`
    Select(Select<B>),
    /// `STATUS`
    Status(Mailbox<B>, StatusAttributes<B>),
    /// `SUBSCRIBE`
    Subscribe(Mailbox<B>),
    /// `UNSUBSCRIBE`
    Unsubscribe(Mailbox<B>),
    /// `COMPRESS` (RFC 4978).
    Compress(Atom<B>),
    /// `COMPARATOR` and an order, if any (RFC 5255).
    Comparator(Vec<AString<B>>),
    /// `DELETEACL` (RFC 4314).
    DeleteAcl(Mailbox<B>, AString<B>),
    /// `GETACL` (RFC 4314).
    GetAcl(Mailbox<B>),
    /// `LISTRIGHTS` (RFC 4314).
    ListRights(Mailbox<B>, AString<B>),
    /// `MYRIGHTS` (RFC 4314).
    MyRights(Mailbox<B>),
    /// `SETACL` (RFC 4314).
    SetAcl(Box<SetAcl<B>>),
    /// `GETMETADATA` (RFC 5464).
    GetMetadata(Box<GetMetadata<B>>),
    /// `SETMETADATA` (RFC 5464).
    SetMetadata(SetMetadata<B>),
    /// `GETQUOTA` (RFC 9208).
    GetQuota(AString<B>),
    /// `GETQUOTAROOT` (RFC 9208).
    GetQuotaRoot(Mailbox<B>),
    /// `SETQUOTA` (RFC 9208).
    SetQuota(SetQuota<B>),
    /// `GENURLAUTH` (RFC 4467): URLs and a mechanism for each.
    GenUrlAuth(Vec<(AString<B>, Atom<B>)>),
    /// `RESETKEY` (RFC 4467): of one mailbox and by some mechanisms, or all.
    ResetKey(Option<(Mailbox<B>, Vec<Atom<B>>)>),
    /// `URLFETCH` (RFC 4467).
    UrlFetch(Vec<AString<B>>),
    /// `NOTIFY` (RFC 5465).
    Notify(Notify<B>),
    /// `RLIST` (RFC 2193).
    Rlist(Mailbox<B>, ListMailbox<B>),
    /// `RLSUB` (RFC 2193).
    Rlsub(Mailbox<B>, ListMailbox<B>),
    /// `XLIST`: Gmail's, before RFC 6154.
    Xlist(Mailbox<B>, ListMailbox<B>),
    /// `UNAUTHENTICATE` (RFC 8437).
    Unauthenticate,
    /// `ESEARCH` (RFC 7377).
    Esearch(Box<MultiSearch<B>>),

    /// `CHECK` (RFC 3501).
    Check,
    /// `CLOSE`
    Close,
    /// `UNSELECT`
    Unselect,
    /// `EXPUNGE`; with a set it is `UID EXPUNGE`.
    Expunge(Option<SequenceSet<B>>),
    /// `COPY`, `UID COPY`
    Copy {
        /// What the numbers are.
        numbering: Numbering,
        /// Which messages.
        set: SequenceSet<B>,
        /// Where to.
        mailbox: Mailbox<B>,
    },
    /// `MOVE`, `UID MOVE`
    Move {
        /// What the numbers are.
        numbering: Numbering,
        /// Which messages.
        set: SequenceSet<B>,
        /// Where to.
        mailbox: Mailbox<B>,
    },
    /// `FETCH`, `UID FETCH`
    Fetch(Fetch<B>),
    /// `STORE`, `UID STORE`
    Store(Store<B>),
    /// `SEARCH`, `UID SEARCH`
    Search(Search<B>),
    /// `SORT`, `UID SORT`
    Sort(Box<Sort<B>>),
    /// `THREAD`, `UID THREAD`
    Thread(Box<Thread<B>>),
    /// `REPLACE`, `UID REPLACE` (RFC 8508).
    Replace(Box<Replace<B>>),
    /// `CANCELUPDATE` and tags (RFC 5267).
    CancelUpdate(Vec<Quoted<B>>),

    /// Another, and all that stands behind its name and a space.
    Other(Atom<B>, Option<Value<B>>),
}

/// What ends IDLE (RFC 9051 s 6.3.13).
pub const DONE: &[u8] = b"DONE\r\n";

/// Whether a line, without its CRLF, is `DONE`, in any case.
pub fn is_done(line: &[u8]) -> bool {
    line.eq_ignore_ascii_case(b"DONE")
}

keywords! {
    CAPABILITY, NOOP, LOGOUT, ID, LANGUAGE, STARTTLS, AUTHENTICATE, LOGIN, APPEND, CREATE, DELETE, ENABLE, EXAMINE, IDLE,
    LIST, LSUB, NAMESPACE, RENAME, SELECT, STATUS, SUBSCRIBE, UNSUBSCRIBE, COMPRESS, COMPARATOR, DELETEACL, GETACL,
    LISTRIGHTS, MYRIGHTS, SETACL, GETMETADATA, SETMETADATA, GETQUOTA, GETQUOTAROOT, SETQUOTA, GENURLAUTH, RESETKEY,
    URLFETCH, NOTIFY, RLIST, RLSUB, XLIST, UNAUTHENTICATE, ESEARCH, CHECK, CLOSE, UNSELECT, EXPUNGE, COPY, MOVE, FETCH,
    STORE, SEARCH, SORT, THREAD, REPLACE, CANCELUPDATE, UID,
}

impl<'a> Command<&'a [u8]> {
    /// Reads a whole command and borrows from it. Its CRLF may have been taken off.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError); [`Command::tag_of`] may still tell to what to answer BAD.
    #[inline]
    pub fn parse(octets: &'a [u8], mode: &'a Mode) -> Result<Self> {
        let mut c = Cursor::borrowed(octets, mode);
        let command = Self::read(&mut c)?;
        c.end()?;
        Ok(command)
    }

    /// Reads an APPEND or REPLACE up to a literal that is announced at the end of `head` and has not come: the last
    /// literal of the command that it gives is [`Streamed`](crate::IString::Streamed). `streamed` are the offsets of
    /// others before it whose octets are not in `head`.
    ///
    /// A server looks at the mailbox, the flags and the size then, and says `+` or NO. `None` for any other command.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse_head(head: &'a [u8], streamed: &[usize], mode: &'a Mode) -> Result<Option<Command>> {
        let mut streamed = streamed.to_vec();
        streamed.push(head.len());
        let shared = Bytes::copy_from_slice(head);
        let mut c = Cursor::shared(&shared, mode).with_streamed(&streamed);
        let tag = Tag::parse(&mut c)?;
        c.sp()?;
        let word = c.word(class::ATOM, "a command")?;
        let body = match keyword::of(word) {
            APPEND => CommandBody::append(&mut c)?,
            REPLACE => CommandBody::replace(&mut c, Numbering::Sequence)?,
            UID if c.eat_keyword(b" REPLACE") => CommandBody::replace(&mut c, Numbering::Uid)?,
            _ => return Ok(None),
        };
        if c.rest().is_empty() { Ok(Some(Command { tag, body })) } else { Err(c.fault("a literal")) }
    }

    /// The tag of what may be no command at all.
    pub fn tag_of(octets: &'a [u8]) -> Option<Tag<&'a [u8]>> {
        let length = octets.iter().position(|octet| !class::is(*octet, class::TAG))?;
        (length > 0 && octets.get(length) == Some(&b' '))
            .then(|| Tag::of_checked(octets.get(..length).unwrap_or_default()))
    }
}

impl Command {
    /// Reads a whole command and shares its octets. `streamed` are the offsets at which literals would begin that were
    /// handed over in pieces.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse_shared(octets: &Bytes, streamed: &[usize], mode: &Mode) -> Result<Self> {
        let mut c = Cursor::shared(octets, mode).with_streamed(streamed);
        let command = Self::read(&mut c)?;
        c.end()?;
        Ok(command)
    }
}

impl<'a, B: Keep<'a>> Command<B> {
    #[inline]
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let tag = Tag::parse(c)?;
        c.sp()?;
        Ok(Self { tag, body: CommandBody::parse(c)? })
    }
}

impl<B: AsRef<[u8]>> Command<B> {
    /// With its CRLF.
    pub fn write(&self, out: &mut Writer<'_>) {
        self.tag.write(out);
        out.sp();
        self.body.write(out);
        out.crlf();
    }
}

impl<'a, B: Keep<'a>> CommandBody<B> {
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let start = c.at();
        let word = c.word(class::ATOM, "a command")?;
        let mailbox = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| Mailbox::parse(c));
        let string = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| AString::parse(c));
        let pattern = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| ListMailbox::parse(c));
        Ok(match keyword::of(word) {
            CAPABILITY => Self::Capability,
            NOOP => Self::Noop,
            LOGOUT => Self::Logout,
            ID => Self::Id(c.sp().and_then(|()| Id::parse(c))?),
            LANGUAGE => Self::Language(to_end(c, AString::parse)?),
            STARTTLS => Self::StartTls,
            AUTHENTICATE => Self::Authenticate(Authenticate::parse(c)?),
            LOGIN => Self::Login(Login::parse(c)?),
            APPEND => Self::append(c)?,
            CREATE => Self::Create(Create::parse(c)?),
            DELETE => Self::Delete(mailbox(c)?),
            ENABLE => Self::Enable(c.sp().and_then(|()| CapabilityList::read(c))?),
            EXAMINE => Self::Examine(Select::parse(c)?),
            IDLE => Self::Idle,
            LIST => Self::List(List::parse(c)?),
            LSUB => Self::Lsub(mailbox(c)?, pattern(c)?),
            NAMESPACE => Self::Namespace,
            RENAME => {
                let (from, to) = (mailbox(c)?, mailbox(c)?);
                let parameters =
                    if crate::grammar::parameter::list_follows(c)? { Some(Value::read(c)?) } else { None };
                Self::Rename(from, to, parameters)
            }
            SELECT => Self::Select(Select::parse(c)?),
            STATUS => {
                let of = mailbox(c)?;
                c.sp()?;
                Self::Status(of, StatusAttributes::read(c)?)
            }
            SUBSCRIBE => Self::Subscribe(mailbox(c)?),
            UNSUBSCRIBE => Self::Unsubscribe(mailbox(c)?),
            COMPRESS => Self::Compress(c.sp().and_then(|()| Atom::parse(c))?),
            COMPARATOR => Self::Comparator(to_end(c, AString::parse)?),
            DELETEACL => Self::DeleteAcl(mailbox(c)?, string(c)?),
            GETACL => Self::GetAcl(mailbox(c)?),
            LISTRIGHTS => Self::ListRights(mailbox(c)?, string(c)?),
            MYRIGHTS => Self::MyRights(mailbox(c)?),
            SETACL => Self::SetAcl(Box::new(c.sp().and_then(|()| SetAcl::parse(c))?)),
            GETMETADATA => Self::GetMetadata(Box::new(c.sp().and_then(|()| GetMetadata::parse(c))?)),
            SETMETADATA => Self::SetMetadata(c.sp().and_then(|()| SetMetadata::parse(c))?),
            GETQUOTA => Self::GetQuota(string(c)?),
            GETQUOTAROOT => Self::GetQuotaRoot(mailbox(c)?),
            SETQUOTA => Self::SetQuota(c.sp().and_then(|()| SetQuota::parse(c))?),
            GENURLAUTH => Self::GenUrlAuth(at_least_one(c, |c| {
                let url = AString::parse(c)?;
                c.sp()?;
                Ok((url, Atom::parse(c)?))
            })?),
            RESETKEY if c.at_end() => Self::ResetKey(None),
            RESETKEY => Self::ResetKey(Some((mailbox(c)?, to_end(c, Atom::parse)?))),
            URLFETCH => Self::UrlFetch(at_least_one(c, AString::parse)?),
            NOTIFY => Self::Notify(c.sp().and_then(|()| Notify::parse(c))?),
            RLIST => Self::Rlist(mailbox(c)?, pattern(c)?),
            RLSUB => Self::Rlsub(mailbox(c)?, pattern(c)?),
            XLIST => Self::Xlist(mailbox(c)?, pattern(c)?),
            UNAUTHENTICATE => Self::Unauthenticate,
            ESEARCH => Self::Esearch(Box::new(MultiSearch::parse(c)?)),
            CHECK => Self::Check,
            CLOSE => Self::Close,
            UNSELECT => Self::Unselect,
            EXPUNGE => Self::Expunge(None),
            CANCELUPDATE => Self::CancelUpdate(at_least_one(c, Quoted::parse)?),
            UID => {
                let before = c.at();
                if c.eat(b' ')
                    && let Some(body) = Self::numbered(c, Numbering::Uid)?
                {
                    return Ok(body);
                }
                c.back_to(before);
                Self::other(c, word)?
            }
            _ => {
                c.back_to(start);
                if let Some(body) = Self::numbered(c, Numbering::Sequence)? {
                    return Ok(body);
                }
                c.back_to(start);
                c.take(word.len());
                Self::other(c, word)?
            }
        })
    }

    /// Those that take sequence numbers or, behind `UID`, UIDs.
    #[inline]
    fn numbered(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Option<Self>> {
        let word = c.span(class::ATOM);
        Ok(Some(match keyword::of(word) {
            FETCH => Self::Fetch(Fetch::parse(c, numbering)?),
            STORE => Self::Store(Store::parse(c, numbering)?),
            SEARCH => Self::Search(Search::parse(c, numbering)?),
            COPY | MOVE => {
                let is_move = keyword::of(word) == MOVE;
                c.sp()?;
                let set = SequenceSet::read(c)?;
                c.sp()?;
                let mailbox = Mailbox::parse(c)?;
                if is_move {
                    Self::Move { numbering, set, mailbox }
                } else {
                    Self::Copy { numbering, set, mailbox }
                }
            }
            SORT => Self::Sort(Box::new(Sort::parse(c, numbering)?)),
            THREAD => Self::Thread(Box::new(Thread::parse(c, numbering)?)),
            REPLACE => Self::replace(c, numbering)?,
            EXPUNGE if numbering == Numbering::Uid => {
                c.sp()?;
                Self::Expunge(Some(SequenceSet::read(c)?))
            }
            _ => return Ok(None),
        }))
    }

    fn append(c: &mut Cursor<'a, B>) -> Result<Self> {
        Append::parse(c).map(Self::Append)
    }

    fn replace(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Self> {
        Ok(Self::Replace(Box::new(Replace::parse(c, numbering)?)))
    }

    fn other(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<Self> {
        let name = Atom::of_checked(c.keep(name));
        if c.peek() != Some(b' ') {
            return Ok(Self::Other(name, None));
        }
        c.sp()?;
        Ok(Self::Other(name, Some(Value::read_all(c)?)))
    }
}

/// `1*(SP thing)`
fn at_least_one<'a, B: Keep<'a>, T>(
    c: &mut Cursor<'a, B>,
    mut thing: impl FnMut(&mut Cursor<'a, B>) -> Result<T>,
) -> Result<Vec<T>> {
    c.sp()?;
    let first = thing(c)?;
    let mut all = to_end(c, thing)?;
    all.insert(0, first);
    Ok(all)
}

impl<B: AsRef<[u8]>> CommandBody<B> {
    /// Its name, `UID` and a space in front where it is about UIDs.
    pub fn name(&self) -> &[u8] {
        let by = |numbering: &Numbering, sequence: &'static [u8], uid: &'static [u8]| match numbering {
            Numbering::Sequence => sequence,
            Numbering::Uid => uid,
        };
        match self {
            Self::Capability => b"CAPABILITY",
            Self::Noop => b"NOOP",
            Self::Logout => b"LOGOUT",
            Self::Id(_) => b"ID",
            Self::Language(_) => b"LANGUAGE",
            Self::StartTls => b"STARTTLS",
            Self::Authenticate(_) => b"AUTHENTICATE",
            Self::Login(_) => b"LOGIN",
            Self::Append(_) => b"APPEND",
            Self::Create(_) => b"CREATE",
            Self::Delete(_) => b"DELETE",
            Self::Enable(_) => b"ENABLE",
            Self::Examine(_) => b"EXAMINE",
            Self::Idle => b"IDLE",
            Self::List(_) => b"LIST",
            Self::Lsub(..) => b"LSUB",
            Self::Namespace => b"NAMESPACE",
            Self::Rename(..) => b"RENAME",
            Self::Select(_) => b"SELECT",
            Self::Status(..) => b"STATUS",
            Self::Subscribe(_) => b"SUBSCRIBE",
            Self::Unsubscribe(_) => b"UNSUBSCRIBE",
            Self::Compress(_) => b"COMPRESS",
            Self::Comparator(_) => b"COMPARATOR",
            Self::DeleteAcl(..) => b"DELETEACL",
            Self::GetAcl(_) => b"GETACL",
            Self::ListRights(..) => b"LISTRIGHTS",
            Self::MyRights(_) => b"MYRIGHTS",
            Self::SetAcl(_) => b"SETACL",
            Self::GetMetadata(_) => b"GETMETADATA",
            Self::SetMetadata(_) => b"SETMETADATA",
            Self::GetQuota(_) => b"GETQUOTA",
            Self::GetQuotaRoot(_) => b"GETQUOTAROOT",
            Self::SetQuota(_) => b"SETQUOTA",
            Self::GenUrlAuth(_) => b"GENURLAUTH",
            Self::ResetKey(_) => b"RESETKEY",
            Self::UrlFetch(_) => b"URLFETCH",
            Self::Notify(_) => b"NOTIFY",
            Self::Rlist(..) => b"RLIST",
            Self::Rlsub(..) => b"RLSUB",
            Self::Xlist(..) => b"XLIST",
            Self::Unauthenticate => b"UNAUTHENTICATE",
            Self::Esearch(_) => b"ESEARCH",
            Self::Check => b"CHECK",
            Self::Close => b"CLOSE",
            Self::Unselect => b"UNSELECT",
            Self::Expunge(None) => b"EXPUNGE",
            Self::Expunge(Some(_)) => b"UID EXPUNGE",
            Self::Copy { numbering, .. } => by(numbering, b"COPY", b"UID COPY"),
            Self::Move { numbering, .. } => by(numbering, b"MOVE", b"UID MOVE"),
            Self::Fetch(fetch) => by(&fetch.numbering, b"FETCH", b"UID FETCH"),
            Self::Store(store) => by(&store.numbering, b"STORE", b"UID STORE"),
            Self::Search(search) => by(&search.numbering, b"SEARCH", b"UID SEARCH"),
            Self::Sort(sort) => by(&sort.numbering, b"SORT", b"UID SORT"),
            Self::Thread(thread) => by(&thread.numbering, b"THREAD", b"UID THREAD"),
            Self::Replace(replace) => by(&replace.numbering, b"REPLACE", b"UID REPLACE"),
            Self::CancelUpdate(_) => b"CANCELUPDATE",
            Self::Other(name, _) => name.as_bytes(),
        }
    }

    /// Without tag and CRLF.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(self.name());
        match self {
            Self::Capability
            | Self::Noop
            | Self::Logout
            | Self::StartTls
            | Self::Idle
            | Self::Namespace
            | Self::Unauthenticate
            | Self::Check
            | Self::Close
            | Self::Unselect
            | Self::Expunge(None)
            | Self::ResetKey(None)
            | Self::Other(_, None) => return,
            Self::Language(all) | Self::Comparator(all) if all.is_empty() => return,
            _ => out.sp(),
        }
        match self {
            Self::Id(id) => id.write(out),
            Self::Language(all) | Self::Comparator(all) | Self::UrlFetch(all) => {
                out.spaced(all, AString::write)
            }
            Self::Authenticate(authenticate) => authenticate.write(out),
            Self::Login(login) => login.write(out),
            Self::Append(append) => append.write(out),
            Self::Create(create) => create.write(out),
            Self::Delete(mailbox)
            | Self::Subscribe(mailbox)
            | Self::Unsubscribe(mailbox)
            | Self::GetAcl(mailbox)
            | Self::MyRights(mailbox)
            | Self::GetQuotaRoot(mailbox) => mailbox.write(out),
            Self::Enable(capabilities) => capabilities.write(out),
            Self::Examine(select) | Self::Select(select) => select.write(out),
            Self::List(list) => list.write(out),
            Self::Lsub(reference, pattern)
            | Self::Rlist(reference, pattern)
            | Self::Rlsub(reference, pattern)
            | Self::Xlist(reference, pattern) => {
                reference.write(out);
                out.sp();
                pattern.write(out);
            }
            Self::Rename(from, to, parameters) => {
                from.write(out);
                out.sp();
                to.write(out);
                if let Some(parameters) = parameters {
                    out.sp();
                    parameters.write(out);
                }
            }
            Self::Status(mailbox, attributes) => {
                mailbox.write(out);
                out.sp();
                attributes.write(out);
            }
            Self::Compress(algorithm) => algorithm.write(out),
            Self::DeleteAcl(mailbox, identifier) | Self::ListRights(mailbox, identifier) => {
                mailbox.write(out);
                out.sp();
                identifier.write(out);
            }
            Self::SetAcl(set) => set.write(out),
            Self::GetMetadata(get) => get.write(out),
            Self::SetMetadata(set) => set.write(out),
            Self::GetQuota(root) => root.write(out),
            Self::SetQuota(set) => set.write(out),
            Self::GenUrlAuth(urls) => out.spaced(urls, |(url, mechanism), out| {
                url.write(out);
                out.sp();
                mechanism.write(out);
            }),
            Self::ResetKey(Some((mailbox, mechanisms))) => {
                mailbox.write(out);
                for mechanism in mechanisms {
                    out.sp();
                    mechanism.write(out);
                }
            }
            Self::Notify(notify) => notify.write(out),
            Self::Esearch(search) => search.write(out),
            Self::Expunge(Some(set)) => set.write(out),
            Self::Copy { set, mailbox, .. } | Self::Move { set, mailbox, .. } => {
                set.write(out);
                out.sp();
                mailbox.write(out);
            }
            Self::Fetch(fetch) => fetch.write(out),
            Self::Store(store) => store.write(out),
            Self::Search(search) => search.write(out),
            Self::Sort(sort) => sort.write(out),
            Self::Thread(thread) => thread.write(out),
            Self::Replace(replace) => replace.write(out),
            Self::CancelUpdate(tags) => out.spaced(tags, Quoted::write),
            Self::Other(_, Some(arguments)) => arguments.write(out),
            // Written above: they have no arguments.
            _ => {}
        }
    }
}
