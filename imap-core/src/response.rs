//! What a server says, both ways.

use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Deviation, Keep, Result};
use crate::frame::Frame;
use crate::grammar::capability::CapabilityList;
use crate::grammar::class;
use crate::grammar::code::Code;
use crate::grammar::esearch::{Esearch, SearchData};
use crate::grammar::fetch::Fetch;
use crate::grammar::flag::{FlagList, Place};
use crate::grammar::keyword::{self, keywords};
use crate::grammar::list::MailboxList;
use crate::grammar::sequence::SequenceSet;
use crate::grammar::status::MailboxStatus;
use crate::grammar::string::{AString, NString, Tag, Text};
use crate::grammar::thread::Thread;
use crate::mode::{Mode, Quirk};
use crate::writer::Writer;

mod extension;
mod write;

pub use extension::{
    Acl, Comparator, IdParameters, ListRights, Metadata, MetadataEntries, MyRights, NamespaceDescription,
    Namespaces, Quota, QuotaResource, QuotaRoots,
};

/// A response: one frame from a server.
///
/// ```
/// use mail46_imap_core::{Mode, Profile, Response, Untagged};
///
/// let mode = Mode::new(Profile::Liberal);
/// let Response::Untagged(Untagged::Fetch(fetch)) = Response::parse(b"* 12 FETCH (FLAGS (\\Seen) UID 7)\r\n", &mode)? else {
///     unreachable!()
/// };
/// assert_eq!((fetch.number.get(), fetch.uid().unwrap().get()), (12, 7));
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9051 s 7 has three")]
pub enum Response<B: AsRef<[u8]> = Bytes> {
    /// `*`: data, or a status of the connection. The greeting is one too.
    Untagged(Untagged<B>),
    /// The end of a command.
    Tagged(Tag<B>, StatusResponse<B>),
    /// `+`: go on.
    Continuation(Continuation<B>),
}

/// `("OK" / "NO" / "BAD" / "PREAUTH" / "BYE") SP resp-text`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusResponse<B: AsRef<[u8]> = Bytes> {
    /// Which.
    pub status: Status,
    /// For programs.
    pub code: Option<Code<B>>,
    /// For people.
    pub text: Text<B>,
}

/// What a status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9051 s 7.1 has five")]
pub enum Status {
    /// It is done; untagged, a note.
    Ok,
    /// It failed; untagged, a warning.
    No,
    /// It was no command.
    Bad,
    /// The greeting of a connection that is authenticated already.
    PreAuth,
    /// The server closes the connection.
    Bye,
}

/// `"+" SP (resp-text / base64)`: which of the two, the command says that it goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Continuation<B: AsRef<[u8]> = Bytes> {
    /// For programs.
    pub code: Option<Code<B>>,
    /// For people; or a challenge in base64.
    pub text: Text<B>,
}

/// What is said with `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untagged<B: AsRef<[u8]> = Bytes> {
    /// OK, NO, BAD, PREAUTH, BYE.
    Status(StatusResponse<B>),
    /// `CAPABILITY` (RFC 9051 s 7.2.2)
    Capability(CapabilityList<B>),
    /// `ENABLED` (RFC 9051 s 7.2.1)
    Enabled(CapabilityList<B>),
    /// `FLAGS` (RFC 9051 s 7.3.5)
    Flags(FlagList<B>),
    /// `LIST` (RFC 9051 s 7.3.1)
    List(MailboxList<B>),
    /// `LSUB` (RFC 3501 s 7.2.3)
    Lsub(MailboxList<B>),
    /// `XLIST`, of Gmail before SPECIAL-USE
    Xlist(MailboxList<B>),
    /// `STATUS` (RFC 9051 s 7.3.2)
    MailboxStatus(MailboxStatus<B>),
    /// `SEARCH` (RFC 3501 s 7.2.5)
    Search(SearchData<B>),
    /// `SORT` (RFC 5256 s 4)
    Sort(SearchData<B>),
    /// `ESEARCH` (RFC 9051 s 7.3.4)
    Esearch(Esearch<B>),
    /// `THREAD` (RFC 5256 s 4)
    Thread(Thread<B>),
    /// `EXISTS`: so many messages there are (RFC 9051 s 7.4.1)
    Exists(u32),
    /// `RECENT`: so many are new (RFC 3501 s 7.3.2)
    Recent(u32),
    /// `EXPUNGE`: this message is gone (RFC 9051 s 7.5.1)
    Expunge(NonZeroU32),
    /// `VANISHED`: these UIDs are gone (RFC 7162 s 3.2.10)
    Vanished {
        /// `(EARLIER)`: not now, and no number moves.
        earlier: bool,
        /// Which.
        uids: SequenceSet<B>,
    },
    /// `FETCH` (RFC 9051 s 7.5.2)
    Fetch(Fetch<B>),
    /// `UIDFETCH` (RFC 9586 s 3.3)
    UidFetch(Fetch<B>),
    /// `ID` (RFC 2971); none for `NIL`
    Id(Option<IdParameters<B>>),
    /// `NAMESPACE` (RFC 9051 s 7.3.3)
    Namespace(Namespaces<B>),
    /// `QUOTA` (RFC 9208 s 4.2.1)
    Quota(Quota<B>),
    /// `QUOTAROOT` (RFC 9208 s 4.2.2)
    QuotaRoot(QuotaRoots<B>),
    /// `ACL` (RFC 4314 s 3.6)
    Acl(Acl<B>),
    /// `LISTRIGHTS` (RFC 4314 s 3.7)
    ListRights(ListRights<B>),
    /// `MYRIGHTS` (RFC 4314 s 3.8)
    MyRights(MyRights<B>),
    /// `METADATA` (RFC 5464 s 4.4)
    Metadata(Metadata<B>),
    /// `LANGUAGE` (RFC 5255 s 3.3)
    Language(Vec<AString<B>>),
    /// `COMPARATOR` (RFC 5255 s 4.8)
    Comparator(Comparator<B>),
    /// `GENURLAUTH` (RFC 4467 s 8)
    GenUrlAuth(Vec<AString<B>>),
    /// `URLFETCH` (RFC 4467 s 8)
    UrlFetch(Vec<(AString<B>, NString<B>)>),
    /// What is not known: all that stands behind `* `, without its CRLF
    Other(B),
}

impl<'a> Response<&'a [u8]> {
    /// Reads one frame, its CRLF included or not, and borrows from it.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8], mode: &'a Mode) -> Result<Self> {
        Self::read(&mut Cursor::borrowed(octets, mode))
    }

    /// The same, and what was let pass.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse_noting(octets: &'a [u8], mode: &'a Mode) -> Result<(Self, Vec<Deviation>)> {
        let mut c = Cursor::borrowed(octets, mode);
        let response = Self::read(&mut c)?;
        Ok((response, c.into_deviations()))
    }

    /// Reads the part of a response before the octets of a [streamed](crate::Cut::Begin) literal, which is the value of the
    /// last item, and borrows from it.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse_head(head: &'a [u8], streamed: &'a [usize], mode: &'a Mode) -> Result<Self> {
        Self::read(&mut Cursor::borrowed(head, mode).with_streamed(streamed))
    }
}

impl Response {
    /// Reads one frame, and shares its octets.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse_frame(frame: &Frame, mode: &Mode) -> Result<(Self, Vec<Deviation>)> {
        let mut c = Cursor::shared(frame.octets(), mode).with_streamed(frame.streamed());
        let response = Self::read(&mut c)?;
        Ok((response, c.into_deviations()))
    }

    /// Reads one frame, its CRLF included or not, and shares its octets.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse_shared(octets: &Bytes, mode: &Mode) -> Result<Self> {
        Self::read(&mut Cursor::shared(octets, mode))
    }
}

impl<B: AsRef<[u8]>> StatusResponse<B> {
    /// With what it says.
    pub fn new(status: Status, code: Option<Code<B>>, text: Text<B>) -> Self {
        Self { status, code, text }
    }
}

impl<B: AsRef<[u8]>> Continuation<B> {
    /// With what it says.
    pub fn new(text: Text<B>) -> Self {
        Self { code: None, text }
    }
}

impl<'a, B: Keep<'a>> Response<B> {
    /// `response = *(continue-req / response-data) response-done`: one of those.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.of_server();
        match c.peek() {
            Some(b'*') => {
                c.take(1);
                c.sp()?;
                let untagged = Untagged::read(c)?;
                if !c.is_cut() {
                    c.end()?;
                }
                Ok(Self::Untagged(untagged))
            }
            Some(b'+') => {
                c.take(1);
                let (code, text) = if c.eat(b' ') {
                    read_text(c)?
                } else {
                    // "+" alone, or with text at once.
                    c.deviation(Quirk::BareContinuation, "SP")?;
                    read_text(c)?
                };
                c.end()?;
                Ok(Self::Continuation(Continuation { code, text }))
            }
            Some(b'[') => {
                c.deviation(Quirk::MissingStatus, "'*', '+' or a tag")?;
                let (code, text) = read_text(c)?;
                c.end()?;
                let status = Status::Ok;
                Ok(Self::Untagged(Untagged::Status(StatusResponse { status, code, text })))
            }
            _ => {
                let tag = Tag::parse(c)?;
                c.sp()?;
                let at = c.at();
                let word = c.span(class::ATOM);
                let Some(status @ (Status::Ok | Status::No | Status::Bad)) = Status::of(word) else {
                    c.back_to(at);
                    return Err(c.fault("OK, NO or BAD"));
                };
                let status = StatusResponse::read(status, c)?;
                c.end()?;
                Ok(Self::Tagged(tag, status))
            }
        }
    }
}

impl Status {
    fn of(word: &[u8]) -> Option<Self> {
        Some(match word.len() {
            2 if word.eq_ignore_ascii_case(b"OK") => Self::Ok,
            2 if word.eq_ignore_ascii_case(b"NO") => Self::No,
            3 if word.eq_ignore_ascii_case(b"BAD") => Self::Bad,
            3 if word.eq_ignore_ascii_case(b"BYE") => Self::Bye,
            7 if word.eq_ignore_ascii_case(b"PREAUTH") => Self::PreAuth,
            _ => return None,
        })
    }
}

impl<'a, B: Keep<'a>> StatusResponse<B> {
    /// Behind the word.
    fn read(status: Status, c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.at_end() {
            c.deviation(Quirk::MissingText, "SP")?;
            return Ok(Self { status, code: None, text: Text::of_checked(c.keep(b"")) });
        }
        if !c.eat(b' ') {
            return Err(c.fault("SP"));
        }
        let (code, text) = read_text(c)?;
        Ok(Self { status, code, text })
    }
}

/// `resp-text = ["[" resp-text-code "]" SP] [text]`
fn read_text<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<(Option<Code<B>>, Text<B>)> {
    let mut code = None;
    if c.peek() == Some(b'[') {
        let at = c.at();
        match Code::read(c) {
            Ok(read) => {
                code = Some(read);
                // RFC 9051 s 9: text may be missing, the space not.
                if !c.eat(b' ') {
                    c.deviation(Quirk::MissingText, "SP")?;
                }
            }
            // No code: text that begins with a bracket.
            Err(why) => c.back_to_noting(Quirk::BrokenItem, at, why.expected())?,
        }
    }
    Ok((code, Text::parse(c)?))
}

keywords! {
    CAPABILITY, ENABLED, FLAGS, LIST, LSUB, XLIST, STATUS, SEARCH, SORT, ESEARCH, THREAD, EXISTS, RECENT, EXPUNGE, VANISHED, FETCH,
    UIDFETCH, ID, NAMESPACE, QUOTA, QUOTAROOT, ACL, LISTRIGHTS, MYRIGHTS, METADATA, LANGUAGE, COMPARATOR, GENURLAUTH, URLFETCH,
    OK, NO, BAD, BYE, PREAUTH,
}

impl<'a, B: Keep<'a>> Untagged<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        if c.peek().is_some_and(|octet| octet.is_ascii_digit()) {
            return match Self::read_numbered(c)? {
                Some(untagged) => Ok(untagged),
                None => Self::read_other(from, c),
            };
        }
        if c.peek() == Some(b'[') {
            c.deviation(Quirk::MissingStatus, "OK")?;
            let (code, text) = read_text(c)?;
            return Ok(Self::Status(StatusResponse { status: Status::Ok, code, text }));
        }
        let word = c.span(class::ATOM);
        Ok(match keyword::of(word) {
            OK => Self::Status(StatusResponse::read(Status::Ok, c)?),
            NO => Self::Status(StatusResponse::read(Status::No, c)?),
            BAD => Self::Status(StatusResponse::read(Status::Bad, c)?),
            BYE => Self::Status(StatusResponse::read(Status::Bye, c)?),
            PREAUTH => Self::Status(StatusResponse::read(Status::PreAuth, c)?),
            CAPABILITY => {
                c.sp()?;
                let list = CapabilityList::read(c)?;
                if !list
                    .words()
                    .any(|word| word.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"IMAP4")))
                {
                    c.deviation(Quirk::NoRevision, "IMAP4rev1 or IMAP4rev2")?;
                }
                Self::Capability(list)
            }
            ENABLED => Self::Enabled(match c.peek() {
                Some(b' ') if !matches!(c.rest(), [b' '] | [b' ', b'\r', ..]) => {
                    c.sp()?;
                    CapabilityList::read(c)?
                }
                _ => CapabilityList::empty(c),
            }),
            FLAGS => {
                c.sp()?;
                Self::Flags(FlagList::read(c, Place::Plain)?)
            }
            LIST => {
                c.sp()?;
                Self::List(MailboxList::read(c)?)
            }
            LSUB => {
                c.sp()?;
                Self::Lsub(MailboxList::read(c)?)
            }
            XLIST => {
                c.sp()?;
                Self::Xlist(MailboxList::read(c)?)
            }
            STATUS => {
                c.sp()?;
                Self::MailboxStatus(MailboxStatus::read(c)?)
            }
            SEARCH => Self::Search(SearchData::parse(c)?),
            SORT => Self::Sort(SearchData::parse(c)?),
            ESEARCH => Self::Esearch(Esearch::parse(c)?),
            THREAD => {
                // "THREAD" [SP 1*thread-list]
                if c.peek() == Some(b' ') && matches!(c.peek_at(1), Some(b'(')) {
                    c.sp()?;
                }
                Self::Thread(Thread::read(c)?)
            }
            VANISHED => {
                c.sp()?;
                let earlier = c.eat_keyword(b"(EARLIER)");
                if earlier {
                    c.sp()?;
                }
                Self::Vanished { earlier, uids: SequenceSet::read(c)? }
            }
            ID => {
                c.sp()?;
                Self::Id(IdParameters::read(c)?)
            }
            NAMESPACE => {
                c.sp()?;
                Self::Namespace(Namespaces::read(c)?)
            }
            QUOTA => {
                c.sp()?;
                Self::Quota(Quota::read(c)?)
            }
            QUOTAROOT => {
                c.sp()?;
                Self::QuotaRoot(QuotaRoots::read(c)?)
            }
            ACL => {
                c.sp()?;
                Self::Acl(Acl::read(c)?)
            }
            LISTRIGHTS => {
                c.sp()?;
                Self::ListRights(ListRights::read(c)?)
            }
            MYRIGHTS => {
                c.sp()?;
                Self::MyRights(MyRights::read(c)?)
            }
            METADATA => {
                c.sp()?;
                Self::Metadata(Metadata::read(c)?)
            }
            LANGUAGE => {
                c.sp()?;
                Self::Language(extension::read_list(c, AString::parse)?)
            }
            COMPARATOR => {
                c.sp()?;
                Self::Comparator(Comparator::read(c)?)
            }
            GENURLAUTH => Self::GenUrlAuth(extension::read_words(c)?),
            URLFETCH => Self::UrlFetch(extension::read_urlfetch(c)?),
            _ => return Self::read_other(from, c),
        })
    }

    /// `number SP ("EXISTS" / "RECENT")`, `nz-number SP ("EXPUNGE" / "FETCH" SP msg-att / "UIDFETCH" SP msg-att)`
    #[inline]
    fn read_numbered(c: &mut Cursor<'a, B>) -> Result<Option<Self>> {
        let at = c.at();
        let number = c.number()?;
        c.sp()?;
        let word = c.span(class::ATOM);
        let nz = |c: &mut Cursor<'a, B>| {
            NonZeroU32::new(number).ok_or_else(|| {
                c.back_to(at);
                c.fault("a number over 0")
            })
        };
        Ok(Some(match keyword::of(word) {
            FETCH => {
                let number = nz(c)?;
                c.sp()?;
                Self::Fetch(Fetch::read(number, c)?)
            }
            UIDFETCH => {
                let number = nz(c)?;
                c.sp()?;
                Self::UidFetch(Fetch::read(number, c)?)
            }
            EXISTS => Self::Exists(number),
            RECENT => Self::Recent(number),
            EXPUNGE => Self::Expunge(nz(c)?),
            _ => return Ok(None),
        }))
    }

    #[cold]
    fn read_other(from: usize, c: &mut Cursor<'a, B>) -> Result<Self> {
        c.back_to(from);
        if !c.peek().is_some_and(|octet| class::is(octet, class::ATOM)) {
            return Err(c.fault("a response"));
        }
        c.pass_line()?;
        Ok(Self::Other(c.keep(c.since(from))))
    }
}

#[cfg(test)]
mod tests;
