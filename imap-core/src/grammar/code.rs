//! What a status says to programs: response codes.

use std::fmt;
use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::capability::CapabilityList;
use crate::grammar::class;
use crate::grammar::fetch::ObjectId;
use crate::grammar::flag::{FlagList, Place};
use crate::grammar::sequence::SequenceSet;
use crate::grammar::string::{AString, Atom, Quoted, pass_astring};
use crate::mode::Quirk;
use crate::writer::{Writer, is_each};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// `"[" resp-text-code "]"` (RFC 9051 s 7.1, and the extensions).
        ///
        /// A number that is over 0 by the grammar and was let pass as 0 (`UIDVALIDITY 0`) is read, and never written: its
        /// response is written without the code.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Code<B: AsRef<[u8]> = Bytes> {
            $($(#[$doc])* $name,)*
            /// `BADCHARSET`: the server does not know the charset, and maybe says which it knows (RFC 9051 s 7.1)
            BadCharset(Charsets<B>),
            /// `CAPABILITY` (RFC 9051 s 7.1)
            Capability(CapabilityList<B>),
            /// `PERMANENTFLAGS`: what can be changed for good (RFC 9051 s 7.1)
            PermanentFlags(FlagList<B>),
            /// `UIDNEXT` (RFC 9051 s 7.1)
            UidNext(NonZeroU32),
            /// `UIDVALIDITY`; 0 where that was let pass (RFC 9051 s 7.1)
            UidValidity(u32),
            /// `UNSEEN`: the first unseen message (RFC 3501 s 7.1)
            Unseen(u32),
            /// `APPENDUID` (RFC 4315 s 3); several UIDs of several messages (RFC 3502)
            AppendUid {
                /// Of the mailbox.
                uid_validity: u32,
                /// Of the messages.
                uids: SequenceSet<B>,
            },
            /// `COPYUID` (RFC 4315 s 3)
            CopyUid {
                /// Of the mailbox copied to.
                uid_validity: u32,
                /// Of the messages copied.
                from: SequenceSet<B>,
                /// Of their copies, in the same order.
                to: SequenceSet<B>,
            },
            /// `HIGHESTMODSEQ` (RFC 7162 s 3.1.2.1)
            HighestModSeq(u64),
            /// `MODIFIED`: what was not stored, having changed (RFC 7162 s 3.1.3)
            Modified(SequenceSet<B>),
            /// `MAILBOXID` (RFC 8474 s 4.1)
            MailboxId(ObjectId<B>),
            /// `METADATA LONGENTRIES` (RFC 5464 s 4.2.1)
            MetadataLongEntries(u64),
            /// `METADATA MAXSIZE` (RFC 5464 s 4.3)
            MetadataMaxSize(u64),
            /// `BADURL` (RFC 4469 s 4.1): the URL
            BadUrl(B),
            /// `REFERRAL` (RFC 2221, RFC 2193): the URLs
            Referral(B),
            /// `URLMECH INTERNAL` (RFC 4467 s 8): the mechanisms, as they came
            UrlMech(B),
            /// `NOUPDATE` (RFC 5267 s 4.3.2): the tag
            NoUpdate(Quoted<B>),
            /// `UNDEFINED-FILTER` (RFC 5466 s 3.2): the name
            UndefinedFilter(Atom<B>),
            /// `BADEVENT` (RFC 5465 s 4): the events that the server knows
            BadEvent(Charsets<B>),
            /// `INPROGRESS` (RFC 9585 s 4)
            InProgress(Option<Progress<B>>),
            /// `MESSAGELIMIT` (RFC 9738 s 3)
            MessageLimit {
                /// How many messages a command may be about.
                limit: NonZeroU32,
                /// The lowest UID that was dealt with.
                uid: Option<NonZeroU32>,
            },
            /// `MAXCONVERTMESSAGES` (RFC 5259 s 8)
            MaxConvertMessages(NonZeroU32),
            /// `MAXCONVERTPARTS` (RFC 5259 s 8)
            MaxConvertParts(NonZeroU32),
            /// `ANNOTATIONS` (RFC 5257 s 4.2): the greatest size, or what stands for it
            Annotations(B),
            /// `DOWNGRADED` (RFC 6858 s 3)
            Downgraded(SequenceSet<B>),
            /// What is not known, or cannot be read: all that stands in the brackets
            Other(B),
        }

        impl<B: AsRef<[u8]>> Code<B> {
            /// A code that is a word and nothing else.
            fn plain(word: &[u8]) -> Option<Self> {
                $(if word.eq_ignore_ascii_case($word.as_bytes()) {
                    return Some(Self::$name);
                })*
                None
            }

            fn as_plain(&self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($word),)*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const PLAIN: &[&str] = &[$($word,)*];
    };
}

codes! {
    /// For people to see, at once (RFC 9051 s 7.1)
    Alert = "ALERT",
    /// (RFC 5530 s 3)
    AlreadyExists = "ALREADYEXISTS",
    /// The annotation is too big (RFC 5257 s 4.3)
    AnnotateTooBig = "ANNOTATE TOOBIG",
    /// There are too many annotations (RFC 5257 s 4.3)
    AnnotateTooMany = "ANNOTATE TOOMANY",
    /// (RFC 5530 s 3)
    AuthenticationFailed = "AUTHENTICATIONFAILED",
    /// (RFC 5530 s 3)
    AuthorizationFailed = "AUTHORIZATIONFAILED",
    /// (RFC 5255 s 4.9)
    BadComparator = "BADCOMPARATOR",
    /// (RFC 5530 s 3)
    Cannot = "CANNOT",
    /// (RFC 5530 s 3)
    ClientBug = "CLIENTBUG",
    /// What follows is about another mailbox (RFC 7162 s 3.2.11)
    Closed = "CLOSED",
    /// (RFC 4978 s 3)
    CompressionActive = "COMPRESSIONACTIVE",
    /// (RFC 5530 s 3)
    ContactAdmin = "CONTACTADMIN",
    /// (RFC 5530 s 3)
    Corruption = "CORRUPTION",
    /// (RFC 5530 s 3)
    Expired = "EXPIRED",
    /// (RFC 5530 s 3)
    ExpungeIssued = "EXPUNGEISSUED",
    /// (RFC 9051 s 7.1)
    HasChildren = "HASCHILDREN",
    /// (RFC 5530 s 3)
    InUse = "INUSE",
    /// (RFC 5530 s 3)
    Limit = "LIMIT",
    /// (RFC 5464 s 4.3)
    MetadataNoPrivate = "METADATA NOPRIVATE",
    /// (RFC 5464 s 4.3)
    MetadataTooMany = "METADATA TOOMANY",
    /// The mailbox keeps no mod-sequences (RFC 7162 s 3.1.2.2)
    NoModSeq = "NOMODSEQ",
    /// (RFC 5530 s 3)
    NonExistent = "NONEXISTENT",
    /// (RFC 5530 s 3)
    NoPerm = "NOPERM",
    /// There is no such result to save (RFC 5182 s 2.1)
    NotSaved = "NOTSAVED",
    /// (RFC 5465 s 5.8)
    NotificationOverflow = "NOTIFICATIONOVERFLOW",
    /// (RFC 5530 s 3)
    OverQuota = "OVERQUOTA",
    /// A message has a header that cannot be read (RFC 9051 s 7.1)
    Parse = "PARSE",
    /// (RFC 5530 s 3)
    PrivacyRequired = "PRIVACYREQUIRED",
    /// (RFC 9051 s 7.1)
    ReadOnly = "READ-ONLY",
    /// (RFC 9051 s 7.1)
    ReadWrite = "READ-WRITE",
    /// (RFC 5530 s 3)
    ServerBug = "SERVERBUG",
    /// (RFC 5259 s 8)
    TempFail = "TEMPFAIL",
    /// (RFC 4469 s 4.2)
    TooBig = "TOOBIG",
    /// Once the mailbox is made it may work (RFC 9051 s 7.1)
    TryCreate = "TRYCREATE",
    /// UIDs change with each session (RFC 4315 s 3)
    UidNotSticky = "UIDNOTSTICKY",
    /// Numbers are no longer for messages (RFC 9586 s 3.1)
    UidRequired = "UIDREQUIRED",
    /// (RFC 5530 s 3)
    Unavailable = "UNAVAILABLE",
    /// The transfer encoding is not known (RFC 9051 s 7.1)
    UnknownCte = "UNKNOWN-CTE",
    /// (RFC 6154 s 3)
    UseAttr = "USEATTR",
}

/// How far a command is (RFC 9585 s 4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<B = Bytes> {
    /// Of which command.
    pub tag: Option<Quoted<B>>,
    /// How far it is.
    pub done: Option<u32>,
    /// What there is to do in all.
    pub goal: Option<NonZeroU32>,
}

/// `"(" charset *(SP charset) ")"`, or none; the same with the names of events: the text, read when it is asked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Charsets<B = Bytes>(B);

impl<B: AsRef<[u8]>> Charsets<B> {
    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = AString<&[u8]>> {
        let mut c = Cursor::checked(self.0.as_ref());
        std::iter::from_fn(move || {
            while c.eat(b' ') {}
            AString::parse(&mut c).ok()
        })
    }

    /// `[SP "(" … ")"]`
    fn write(&self, out: &mut Writer<'_>) {
        if !self.0.as_ref().is_empty() {
            out.sp();
            out.list(self.iter(), |name, out| name.write(out));
        }
    }
}

impl Charsets {
    /// Of names: those that are atoms.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let names =
            names.into_iter().filter(|name| !name.is_empty() && is_each(name.as_bytes(), class::ATOM));
        Self(names.collect::<Vec<_>>().join(" ").into())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Charsets<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.0.as_ref().escape_ascii())
    }
}

impl<'a, B: Keep<'a>> Charsets<B> {
    /// `"(" astring *(SP astring) ")"`
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("'('")?;
        let from = c.at();
        loop {
            pass_astring(c)?;
            let text = c.since(from);
            if c.close()? {
                return Ok(Self(c.keep(text)));
            }
            c.sp()?;
        }
    }
}

impl<'a, B: Keep<'a>> Code<B> {
    /// With its brackets.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.expect(b'[', "'['")?;
        let from = c.at();
        let name = c.span_name();
        let known = match Self::read_known(name, c) {
            Ok(Some(code)) if c.eat(b']') => return Ok(code),
            // Yandex and others have a space before the bracket.
            Ok(Some(code)) if matches!(c.rest(), [b' ', b']', ..]) => {
                c.deviation(Quirk::TrailingSpace, "']'")?;
                c.take(2);
                return Ok(code);
            }
            Ok(Some(_)) => Err(c.fault("']'")),
            Ok(None) => Ok(()),
            Err(why) => Err(why),
        };
        if let Err(why) = known {
            if !c.mode().tolerates(Quirk::BrokenItem) {
                return Err(why);
            }
            c.back_to_noting(Quirk::BrokenItem, from, why.expected())?;
        }
        c.back_to(from);
        let rest = c.rest();
        let end = code_end(rest).ok_or_else(|| c.fault("']'"))?;
        let raw = c.take(end);
        if name.is_empty() || !is_each(raw, class::TEXT) {
            c.back_to_noting(Quirk::BrokenItem, from, "a response code")?;
            c.take(end);
        }
        c.eat(b']');
        Ok(Self::Other(c.keep(raw)))
    }

    fn read_known(name: &'a [u8], c: &mut Cursor<'a, B>) -> Result<Option<Self>> {
        if c.peek() == Some(b']')
            && let Some(code) = Self::plain(name)
        {
            return Ok(Some(code));
        }
        let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
        let code = match name.len() {
            10 if is(b"CAPABILITY") => {
                c.sp()?;
                Self::Capability(CapabilityList::read(c)?)
            }
            14 if is(b"PERMANENTFLAGS") => {
                c.sp()?;
                Self::PermanentFlags(FlagList::read(c, Place::Permanent)?)
            }
            7 if is(b"UIDNEXT") => {
                c.sp()?;
                Self::UidNext(c.nz_number()?)
            }
            11 if is(b"UIDVALIDITY") => {
                c.sp()?;
                Self::UidValidity(c.nz_or_zero()?)
            }
            6 if is(b"UNSEEN") => {
                c.sp()?;
                Self::Unseen(c.nz_or_zero()?)
            }
            9 if is(b"APPENDUID") => {
                c.sp()?;
                let uid_validity = c.nz_or_zero()?;
                c.sp()?;
                Self::AppendUid { uid_validity, uids: SequenceSet::read(c)? }
            }
            7 if is(b"COPYUID") => {
                c.sp()?;
                let uid_validity = c.nz_or_zero()?;
                c.sp()?;
                let from = SequenceSet::read(c)?;
                c.sp()?;
                Self::CopyUid { uid_validity, from, to: SequenceSet::read(c)? }
            }
            13 if is(b"HIGHESTMODSEQ") => {
                c.sp()?;
                Self::HighestModSeq(c.mod_sequence()?)
            }
            8 if is(b"MODIFIED") => {
                c.sp()?;
                Self::Modified(SequenceSet::read(c)?)
            }
            9 if is(b"MAILBOXID") => {
                c.sp()?;
                Self::MailboxId(ObjectId::read_in_parentheses(c)?)
            }
            10 if is(b"BADCHARSET") => Self::BadCharset(match c.peek() {
                Some(b' ') => {
                    c.sp()?;
                    Charsets::read(c)?
                }
                _ => Charsets(c.keep(b"")),
            }),
            8 if is(b"METADATA") || is(b"ANNOTATE") => return Self::read_two_words(name, c),
            6 if is(b"BADURL") => {
                c.sp()?;
                Self::BadUrl(read_text(c)?)
            }
            8 if is(b"REFERRAL") => {
                c.sp()?;
                Self::Referral(read_text(c)?)
            }
            7 if is(b"URLMECH") => {
                c.sp()?;
                let mechanisms = read_text(c)?;
                if !mechanisms.as_ref().get(..8).is_some_and(|word| word.eq_ignore_ascii_case(b"INTERNAL")) {
                    return Err(c.fault("INTERNAL"));
                }
                Self::UrlMech(mechanisms)
            }
            8 if is(b"NOUPDATE") => {
                c.sp()?;
                Self::NoUpdate(Quoted::parse(c)?)
            }
            16 if is(b"UNDEFINED-FILTER") => {
                c.sp()?;
                Self::UndefinedFilter(Atom::parse(c)?)
            }
            8 if is(b"BADEVENT") => {
                c.sp()?;
                Self::BadEvent(Charsets::read(c)?)
            }
            10 if is(b"INPROGRESS") => Self::InProgress(Progress::read(c)?),
            12 if is(b"MESSAGELIMIT") => {
                c.sp()?;
                let limit = c.nz_number()?;
                let uid = if c.eat(b' ') { Some(c.nz_number()?) } else { None };
                Self::MessageLimit { limit, uid }
            }
            18 if is(b"MAXCONVERTMESSAGES") => {
                c.sp()?;
                Self::MaxConvertMessages(c.nz_number()?)
            }
            15 if is(b"MAXCONVERTPARTS") => {
                c.sp()?;
                Self::MaxConvertParts(c.nz_number()?)
            }
            11 if is(b"ANNOTATIONS") => {
                c.sp()?;
                Self::Annotations(read_text(c)?)
            }
            10 if is(b"DOWNGRADED") => {
                c.sp()?;
                Self::Downgraded(SequenceSet::read(c)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(code))
    }

    /// `METADATA` and `ANNOTATE`, which have another word behind them.
    fn read_two_words(name: &[u8], c: &mut Cursor<'a, B>) -> Result<Option<Self>> {
        c.sp()?;
        let second = c.word(class::ATOM, "a word")?;
        let is = |first: &[u8], other: &[u8]| {
            name.eq_ignore_ascii_case(first) && second.eq_ignore_ascii_case(other)
        };
        Ok(Some(if is(b"METADATA", b"LONGENTRIES") {
            c.sp()?;
            Self::MetadataLongEntries(c.number64()?)
        } else if is(b"METADATA", b"MAXSIZE") {
            c.sp()?;
            Self::MetadataMaxSize(c.number64()?)
        } else if is(b"METADATA", b"TOOMANY") {
            Self::MetadataTooMany
        } else if is(b"METADATA", b"NOPRIVATE") {
            Self::MetadataNoPrivate
        } else if is(b"ANNOTATE", b"TOOBIG") {
            Self::AnnotateTooBig
        } else if is(b"ANNOTATE", b"TOOMANY") {
            Self::AnnotateTooMany
        } else {
            return Ok(None);
        }))
    }
}

/// `1*<any TEXT-CHAR except "]">`
fn read_text<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<B> {
    let rest = c.rest();
    let end =
        rest.iter().position(|octet| *octet == b']' || !class::is(*octet, class::TEXT)).unwrap_or(rest.len());
    if end == 0 { Err(c.fault("text")) } else { Ok(c.take_kept(end)) }
}

/// Where a code of no known grammar ends: at the first `]` that is not quoted, if there is one (`[XYZZY "]"]`).
fn code_end(rest: &[u8]) -> Option<usize> {
    let line = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
    let line = rest.get(..line)?;
    let (mut quoted, mut at) = (false, 0_usize);
    while let Some(octet) = line.get(at) {
        match octet {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at = at.saturating_add(1),
            b']' if !quoted => return Some(at),
            _ => {}
        }
        at = at.saturating_add(1);
    }
    memchr::memchr(b']', line)
}

impl<'a, B: Keep<'a>> Progress<B> {
    /// `[ SP "(" inprogress-tag SP inprogress-state ")" ]`
    fn read(c: &mut Cursor<'a, B>) -> Result<Option<Self>> {
        if c.peek() != Some(b' ') {
            return Ok(None);
        }
        c.sp()?;
        c.open("'('")?;
        let tag = if c.eat_nil() { None } else { Some(Quoted::parse(c)?) };
        c.sp()?;
        let done = if c.eat_nil() { None } else { Some(c.number()?) };
        c.sp()?;
        let goal = if c.eat_nil() { None } else { Some(c.nz_number()?) };
        if done.is_none() && goal.is_some() {
            return Err(c.fault("NIL: how far is not known"));
        }
        if !c.close()? {
            return Err(c.fault("')'"));
        }
        Ok(Some(Self { tag, done, goal }))
    }
}

impl<B> Progress<B> {
    /// How far, of how much; a goal without an amount done is none.
    pub fn new(tag: Option<Quoted<B>>, done: Option<u32>, goal: Option<NonZeroU32>) -> Self {
        Self { tag, done, goal: goal.filter(|_| done.is_some()) }
    }
}

impl<'a, B: Keep<'a>> Cursor<'a, B> {
    /// The name of a code: an atom, but for what would be its arguments.
    fn span_name(&mut self) -> &'a [u8] {
        self.span(class::ATOM)
    }

    /// `nz-number`, or 0 where that is let pass.
    pub(crate) fn nz_or_zero(&mut self) -> Result<u32> {
        if let [b'0', b']' | b' ' | b')', ..] = self.rest() {
            self.deviation(Quirk::Zero, "a number over 0")?;
            self.take(1);
            return Ok(0);
        }
        self.nz_number().map(NonZeroU32::get)
    }
}

impl<B: AsRef<[u8]>> Code<B> {
    /// The word that it begins with.
    pub fn name(&self) -> String {
        let mode = crate::Mode::new(crate::Profile::Strict);
        let mut out = bytes::BytesMut::new();
        self.write(&mut Writer::new(&mut out, crate::Side::Server, &mode));
        let inside = out.get(1..).unwrap_or_default();
        let end = inside.iter().position(|octet| !class::is(*octet, class::ATOM)).unwrap_or(0);
        String::from_utf8_lossy(inside.get(..end).unwrap_or_default()).into_owned()
    }

    /// Whether the grammar has it: a 0 that was let pass where it has none cannot be said. A response goes without its code then:
    /// "If this is missing, the server does not support unique identifiers" (RFC 3501 s 6.3.1, of UIDVALIDITY), and the others
    /// say as little. Another number in its place would be a lie.
    pub(crate) fn is_sayable(&self) -> bool {
        match self {
            Self::UidValidity(number) | Self::Unseen(number) => *number > 0,
            Self::AppendUid { uid_validity, .. } | Self::CopyUid { uid_validity, .. } => *uid_validity > 0,
            Self::HighestModSeq(modseq) => *modseq > 0,
            _ => true,
        }
    }

    /// With its brackets.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.octet(b'[');
        self.write_inside(out);
        out.octet(b']');
    }

    fn write_inside(&self, out: &mut Writer<'_>) {
        if let Some(word) = self.as_plain() {
            return out.put(word.as_bytes());
        }
        let number = |word: &[u8], number: u64, out: &mut Writer<'_>| {
            out.put(word);
            out.number(number);
        };
        match self {
            Self::BadCharset(charsets) => {
                out.put(b"BADCHARSET");
                charsets.write(out);
            }
            Self::BadEvent(events) => {
                out.put(b"BADEVENT");
                events.write(out);
            }
            Self::Capability(list) => {
                out.put(b"CAPABILITY ");
                list.write(out);
            }
            Self::PermanentFlags(flags) => {
                out.put(b"PERMANENTFLAGS ");
                flags.write(out);
            }
            Self::UidNext(uid) => number(b"UIDNEXT ", uid.get().into(), out),
            Self::UidValidity(validity) => number(b"UIDVALIDITY ", (*validity).into(), out),
            Self::Unseen(first) => number(b"UNSEEN ", (*first).into(), out),
            Self::AppendUid { uid_validity, uids } => {
                number(b"APPENDUID ", (*uid_validity).into(), out);
                out.sp();
                uids.write(out);
            }
            Self::CopyUid { uid_validity, from, to } => {
                number(b"COPYUID ", (*uid_validity).into(), out);
                out.sp();
                from.write(out);
                out.sp();
                to.write(out);
            }
            Self::HighestModSeq(modseq) => number(b"HIGHESTMODSEQ ", *modseq, out),
            Self::Modified(set) => {
                out.put(b"MODIFIED ");
                set.write(out);
            }
            Self::Downgraded(set) => {
                out.put(b"DOWNGRADED ");
                set.write(out);
            }
            Self::MailboxId(id) => {
                out.put(b"MAILBOXID ");
                id.write(out);
            }
            Self::MetadataLongEntries(size) => number(b"METADATA LONGENTRIES ", *size, out),
            Self::MetadataMaxSize(size) => number(b"METADATA MAXSIZE ", *size, out),
            Self::BadUrl(url) => write_text(b"BADURL ", url, out),
            Self::Referral(url) => write_text(b"REFERRAL ", url, out),
            Self::UrlMech(mechanisms) => write_text(b"URLMECH ", mechanisms, out),
            Self::Annotations(size) => write_text(b"ANNOTATIONS ", size, out),
            Self::NoUpdate(tag) => {
                out.put(b"NOUPDATE ");
                tag.write(out);
            }
            Self::UndefinedFilter(name) => {
                out.put(b"UNDEFINED-FILTER ");
                name.write(out);
            }
            Self::InProgress(progress) => {
                out.put(b"INPROGRESS");
                if let Some(progress) = progress {
                    progress.write(out);
                }
            }
            Self::MessageLimit { limit, uid } => {
                number(b"MESSAGELIMIT ", limit.get().into(), out);
                if let Some(uid) = uid {
                    number(b" ", uid.get().into(), out);
                }
            }
            Self::MaxConvertMessages(count) => number(b"MAXCONVERTMESSAGES ", count.get().into(), out),
            Self::MaxConvertParts(count) => number(b"MAXCONVERTPARTS ", count.get().into(), out),
            Self::Other(raw) => out.text(raw.as_ref()),
            _ => {} // words alone, above
        }
    }
}

fn write_text<B: AsRef<[u8]>>(word: &[u8], text: &B, out: &mut Writer<'_>) {
    out.put(word);
    out.text(text.as_ref());
}

impl<B: AsRef<[u8]>> Progress<B> {
    fn write(&self, out: &mut Writer<'_>) {
        out.put(b" (");
        match &self.tag {
            Some(tag) => tag.write(out),
            None => out.put(b"NIL"),
        }
        for number in [self.done, self.goal.map(NonZeroU32::get)] {
            out.sp();
            match number {
                Some(number) => out.number(number.into()),
                None => out.put(b"NIL"),
            }
        }
        out.octet(b')');
    }
}

#[cfg(test)]
mod tests;
