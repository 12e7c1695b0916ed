//! What SEARCH, SORT and THREAD look for.

use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::date::Date;
use crate::grammar::flag::{Flag, FlagWord};
use crate::grammar::keyword::{self, keywords};
use crate::grammar::sequence::SequenceSet;
use crate::grammar::string::{AString, Atom, Quoted};
use crate::grammar::value::{DEPTH_MAX, Value};
use crate::writer::Writer;

/// `NOT`, `OR` and `FUZZY` in front of one key at most.
const OPERATORS_MAX: u32 = 1000;

/// `search-key`, or the beginning of one.
///
/// Keys stand in a flat list in the order in which they are written; [`Not`](Self::Not), [`Or`](Self::Or),
/// [`Fuzzy`](Self::Fuzzy) and [`List`](Self::List) stand before what they are about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchKey<B = Bytes> {
    /// `NOT`: the next key does not match.
    Not,
    /// `OR`: one of the next two matches, or both.
    Or,
    /// `FUZZY` (RFC 6203): the next key, tolerantly.
    Fuzzy,
    /// `(`: all of the next so many match.
    List(u32),

    /// A sequence set.
    Sequence(SequenceSet<B>),
    /// `UID`
    Uid(SequenceSet<B>),
    /// `ALL`
    All,
    /// `ANSWERED`
    Answered,
    /// `BCC`
    Bcc(AString<B>),
    /// `BEFORE`: by the internal date.
    Before(Date),
    /// `BODY`
    Body(AString<B>),
    /// `CC`
    Cc(AString<B>),
    /// `DELETED`
    Deleted,
    /// `DRAFT`
    Draft,
    /// `FLAGGED`
    Flagged,
    /// `FROM`
    From(AString<B>),
    /// `HEADER`: a field's name and what it contains.
    Header(AString<B>, AString<B>),
    /// `KEYWORD`
    Keyword(FlagWord<B>),
    /// `LARGER`
    Larger(u64),
    /// `NEW` (RFC 3501).
    New,
    /// `OLD` (RFC 3501).
    Old,
    /// `ON`: by the internal date.
    On(Date),
    /// `RECENT` (RFC 3501).
    Recent,
    /// `SEEN`
    Seen,
    /// `SENTBEFORE`: by the field Date.
    SentBefore(Date),
    /// `SENTON`
    SentOn(Date),
    /// `SENTSINCE`
    SentSince(Date),
    /// `SINCE`: by the internal date.
    Since(Date),
    /// `SMALLER`
    Smaller(u64),
    /// `SUBJECT`
    Subject(AString<B>),
    /// `TEXT`
    Text(AString<B>),
    /// `TO`
    To(AString<B>),
    /// `UNANSWERED`
    Unanswered,
    /// `UNDELETED`
    Undeleted,
    /// `UNDRAFT`
    Undraft,
    /// `UNFLAGGED`
    Unflagged,
    /// `UNKEYWORD`
    Unkeyword(FlagWord<B>),
    /// `UNSEEN`
    Unseen,

    /// `OLDER` (RFC 5032): seconds.
    Older(NonZeroU32),
    /// `YOUNGER` (RFC 5032): seconds.
    Younger(NonZeroU32),
    /// `MODSEQ` (RFC 7162): at least so much, of one entry or of all.
    ModSeq(Option<ModSeqEntry<B>>, u64),
    /// `EMAILID` (RFC 8474).
    EmailId(Atom<B>),
    /// `THREADID` (RFC 8474).
    ThreadId(Atom<B>),
    /// `SAVEDBEFORE` (RFC 8514).
    SavedBefore(Date),
    /// `SAVEDON`
    SavedOn(Date),
    /// `SAVEDSINCE`
    SavedSince(Date),
    /// `SAVEDATESUPPORTED`
    SaveDateSupported,
    /// `FILTER` (RFC 5466): by the name of a search kept on the server.
    Filter(Atom<B>),
    /// `UIDAFTER` (RFC 9738).
    UidAfter(NonZeroU32),
    /// `UIDBEFORE` (RFC 9738).
    UidBefore(NonZeroU32),
    /// `X-GM-RAW`: Gmail's own language.
    GmailRaw(AString<B>),
    /// `X-GM-MSGID`
    GmailMessageId(u64),
    /// `X-GM-THRID`
    GmailThreadId(u64),
    /// `X-GM-LABELS`
    GmailLabels(Value<B>),
}

/// `search-modseq-ext = SP entry-name SP entry-type-req` (RFC 7162 s 3.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 7162 s 7")]
pub struct ModSeqEntry<B = Bytes> {
    /// `"/flags/…"`
    pub name: Quoted<B>,
    /// Whose.
    pub kind: EntryType,
}

/// `entry-type-req` (RFC 7162 s 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 7162 s 7")]
pub enum EntryType {
    /// `priv`
    Private,
    /// `shared`
    Shared,
    /// `all`: both.
    All,
}

keywords! {
    NOT, OR, FUZZY, UID, ALL, ANSWERED, BCC, BEFORE, BODY, CC, DELETED, DRAFT, FLAGGED, FROM, HEADER, KEYWORD, LARGER,
    NEW, OLD, ON, RECENT, SEEN, SENTBEFORE, SENTON, SENTSINCE, SINCE, SMALLER, SUBJECT, TEXT, TO, UNANSWERED,
    UNDELETED, UNDRAFT, UNFLAGGED, UNKEYWORD, UNSEEN, OLDER, YOUNGER, MODSEQ, EMAILID, THREADID, SAVEDBEFORE, SAVEDON,
    SAVEDSINCE, FILTER, UIDAFTER, UIDBEFORE, X_GM_RAW = "X-GM-RAW", X_GM_MSGID = "X-GM-MSGID",
    X_GM_THRID = "X-GM-THRID", X_GM_LABELS = "X-GM-LABELS", PRIV, SHARED,
}

impl<'a, B: Keep<'a>> SearchKey<B> {
    /// One key that is no `(`, or an operator.
    #[inline]
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        if matches!(c.peek(), Some(b'0'..=b'9' | b'*' | b'$')) {
            return SequenceSet::read(c).map(Self::Sequence);
        }
        let start = c.at();
        let word = c.word(class::ATOM, "a search key")?;
        let string = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| AString::parse(c));
        let date = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| Date::read(c));
        let word_of = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| Flag::read_keyword(c));
        let size = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| c.number64());
        let nonzero = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| c.nz_number());
        let atom = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| Atom::parse(c));
        Ok(match keyword::of(word) {
            NOT => Self::Not,
            OR => Self::Or,
            FUZZY => Self::Fuzzy,
            UID => Self::Uid(c.sp().and_then(|()| SequenceSet::read(c))?),
            ALL => Self::All,
            ANSWERED => Self::Answered,
            BCC => Self::Bcc(string(c)?),
            BEFORE => Self::Before(date(c)?),
            BODY => Self::Body(string(c)?),
            CC => Self::Cc(string(c)?),
            DELETED => Self::Deleted,
            DRAFT => Self::Draft,
            FLAGGED => Self::Flagged,
            FROM => Self::From(string(c)?),
            HEADER => Self::Header(string(c)?, string(c)?),
            KEYWORD => Self::Keyword(word_of(c)?),
            LARGER => Self::Larger(size(c)?),
            NEW => Self::New,
            OLD => Self::Old,
            ON => Self::On(date(c)?),
            RECENT => Self::Recent,
            SEEN => Self::Seen,
            SENTBEFORE => Self::SentBefore(date(c)?),
            SENTON => Self::SentOn(date(c)?),
            SENTSINCE => Self::SentSince(date(c)?),
            SINCE => Self::Since(date(c)?),
            SMALLER => Self::Smaller(size(c)?),
            SUBJECT => Self::Subject(string(c)?),
            TEXT => Self::Text(string(c)?),
            TO => Self::To(string(c)?),
            UNANSWERED => Self::Unanswered,
            UNDELETED => Self::Undeleted,
            UNDRAFT => Self::Undraft,
            UNFLAGGED => Self::Unflagged,
            UNKEYWORD => Self::Unkeyword(word_of(c)?),
            UNSEEN => Self::Unseen,
            OLDER => Self::Older(nonzero(c)?),
            YOUNGER => Self::Younger(nonzero(c)?),
            MODSEQ => mod_seq(c)?,
            EMAILID => Self::EmailId(atom(c)?),
            THREADID => Self::ThreadId(atom(c)?),
            SAVEDBEFORE => Self::SavedBefore(date(c)?),
            SAVEDON => Self::SavedOn(date(c)?),
            SAVEDSINCE => Self::SavedSince(date(c)?),
            FILTER => Self::Filter(atom(c)?),
            UIDAFTER => Self::UidAfter(nonzero(c)?),
            UIDBEFORE => Self::UidBefore(nonzero(c)?),
            X_GM_RAW => Self::GmailRaw(string(c)?),
            X_GM_MSGID => Self::GmailMessageId(size(c)?),
            X_GM_THRID => Self::GmailThreadId(size(c)?),
            X_GM_LABELS => Self::GmailLabels(c.sp().and_then(|()| Value::read(c))?),
            _ if word.eq_ignore_ascii_case(b"SAVEDATESUPPORTED") => Self::SaveDateSupported,
            _ => {
                c.back_to(start);
                return Err(c.fault("a search key"));
            }
        })
    }
}

fn mod_seq<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<SearchKey<B>> {
    c.sp()?;
    if c.peek() != Some(b'"') {
        return c.number64().map(|number| SearchKey::ModSeq(None, number));
    }
    let name = Quoted::parse(c)?;
    c.sp()?;
    let start = c.at();
    let kind = match keyword::of(c.span(class::ATOM)) {
        PRIV => EntryType::Private,
        SHARED => EntryType::Shared,
        ALL => EntryType::All,
        _ => {
            c.back_to(start);
            return Err(c.fault("priv, shared or all"));
        }
    };
    c.sp()?;
    c.number64().map(|number| SearchKey::ModSeq(Some(ModSeqEntry { name, kind }), number))
}

impl<B: AsRef<[u8]>> SearchKey<B> {
    /// How many keys it stands in front of; 0 for one that stands for itself.
    fn operands(&self) -> u32 {
        match self {
            Self::Not | Self::Fuzzy => 1,
            Self::Or => 2,
            Self::List(count) => *count,
            _ => 0,
        }
    }

    fn write(&self, out: &mut Writer<'_>) {
        let name: &[u8] = match self {
            Self::Not => b"NOT",
            Self::Or => b"OR",
            Self::Fuzzy => b"FUZZY",
            Self::List(_) => return out.octet(b'('),
            Self::Sequence(set) => return set.write(out),
            Self::Uid(set) => {
                out.put(b"UID ");
                return set.write(out);
            }
            Self::All => b"ALL",
            Self::Answered => b"ANSWERED",
            Self::Bcc(text) => return with_string(out, b"BCC ", text),
            Self::Before(date) => return with_date(out, b"BEFORE ", *date),
            Self::Body(text) => return with_string(out, b"BODY ", text),
            Self::Cc(text) => return with_string(out, b"CC ", text),
            Self::Deleted => b"DELETED",
            Self::Draft => b"DRAFT",
            Self::Flagged => b"FLAGGED",
            Self::From(text) => return with_string(out, b"FROM ", text),
            Self::Header(name, text) => {
                with_string(out, b"HEADER ", name);
                return with_string(out, b" ", text);
            }
            Self::Keyword(word) => {
                out.put(b"KEYWORD ");
                return word.write(out);
            }
            Self::Larger(size) => return with_number(out, b"LARGER ", *size),
            Self::New => b"NEW",
            Self::Old => b"OLD",
            Self::On(date) => return with_date(out, b"ON ", *date),
            Self::Recent => b"RECENT",
            Self::Seen => b"SEEN",
            Self::SentBefore(date) => return with_date(out, b"SENTBEFORE ", *date),
            Self::SentOn(date) => return with_date(out, b"SENTON ", *date),
            Self::SentSince(date) => return with_date(out, b"SENTSINCE ", *date),
            Self::Since(date) => return with_date(out, b"SINCE ", *date),
            Self::Smaller(size) => return with_number(out, b"SMALLER ", *size),
            Self::Subject(text) => return with_string(out, b"SUBJECT ", text),
            Self::Text(text) => return with_string(out, b"TEXT ", text),
            Self::To(text) => return with_string(out, b"TO ", text),
            Self::Unanswered => b"UNANSWERED",
            Self::Undeleted => b"UNDELETED",
            Self::Undraft => b"UNDRAFT",
            Self::Unflagged => b"UNFLAGGED",
            Self::Unkeyword(word) => {
                out.put(b"UNKEYWORD ");
                return word.write(out);
            }
            Self::Unseen => b"UNSEEN",
            Self::Older(seconds) => return with_number(out, b"OLDER ", seconds.get().into()),
            Self::Younger(seconds) => return with_number(out, b"YOUNGER ", seconds.get().into()),
            Self::ModSeq(entry, number) => {
                out.put(b"MODSEQ ");
                if let Some(ModSeqEntry { name, kind }) = entry {
                    name.write(out);
                    out.put(match kind {
                        EntryType::Private => b" priv ",
                        EntryType::Shared => b" shared ",
                        EntryType::All => b" all ",
                    });
                }
                return out.number(*number);
            }
            Self::EmailId(id) => return with_atom(out, b"EMAILID ", id),
            Self::ThreadId(id) => return with_atom(out, b"THREADID ", id),
            Self::SavedBefore(date) => return with_date(out, b"SAVEDBEFORE ", *date),
            Self::SavedOn(date) => return with_date(out, b"SAVEDON ", *date),
            Self::SavedSince(date) => return with_date(out, b"SAVEDSINCE ", *date),
            Self::SaveDateSupported => b"SAVEDATESUPPORTED",
            Self::Filter(name) => return with_atom(out, b"FILTER ", name),
            Self::UidAfter(uid) => return with_number(out, b"UIDAFTER ", uid.get().into()),
            Self::UidBefore(uid) => return with_number(out, b"UIDBEFORE ", uid.get().into()),
            Self::GmailRaw(text) => return with_string(out, b"X-GM-RAW ", text),
            Self::GmailMessageId(id) => return with_number(out, b"X-GM-MSGID ", *id),
            Self::GmailThreadId(id) => return with_number(out, b"X-GM-THRID ", *id),
            Self::GmailLabels(labels) => {
                out.put(b"X-GM-LABELS ");
                return labels.write(out);
            }
        };
        out.put(name);
    }
}

fn with_string<B: AsRef<[u8]>>(out: &mut Writer<'_>, name: &[u8], text: &AString<B>) {
    out.put(name);
    text.write(out);
}

fn with_atom<B: AsRef<[u8]>>(out: &mut Writer<'_>, name: &[u8], atom: &Atom<B>) {
    out.put(name);
    atom.write(out);
}

fn with_date(out: &mut Writer<'_>, name: &[u8], date: Date) {
    out.put(name);
    date.write(out);
}

fn with_number(out: &mut Writer<'_>, name: &[u8], number: u64) {
    out.put(name);
    out.number(number);
}

/// `search-key *(SP search-key)`: all of them must match.
///
/// A flat list: nothing here recurses. Parentheses are at most 100 deep, and 1,000 operators may stand in front of a key.
///
/// ```
/// use mail46_imap_core::{SearchKey, SearchKeys};
///
/// let keys = SearchKeys::parse(b"UNSEEN OR DRAFT (NOT FLAGGED LARGER 9)")?;
/// assert_eq!(keys.as_slice().len(), 7);
/// let seen = |size| keys.matches(|key| match key {
///     SearchKey::Larger(than) => size > *than,
///     SearchKey::Unseen => true,
///     _ => false, // neither draft nor flagged
/// });
/// assert!(seen(10) && !seen(9));
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchKeys<B = Bytes>(Vec<SearchKey<B>>);

impl<'a> SearchKeys<&'a [u8]> {
    /// Checks and borrows.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        Cursor::whole(octets, Self::read)
    }
}

/// A list that is not at its end: where it stands, its keys so far, and what the present key lacks.
#[derive(Clone, Copy, Default)]
struct Open {
    at: usize,
    count: u32,
    lacks: u32,
}

impl<'a, B: Keep<'a>> SearchKeys<B> {
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mut keys = Vec::with_capacity(8);
        // The lists around the present one.
        let mut outer: Vec<Open> = Vec::new();
        let mut list = Open { at: 0, count: 0, lacks: 1 };
        let mut operators = 0_u32;
        loop {
            if c.peek() == Some(b'(') {
                if outer.len() >= DEPTH_MAX {
                    return Err(c.fault("a search key less deep"));
                }
                c.open("a search key")?;
                outer.push(list);
                list = Open { at: keys.len(), count: 0, lacks: 1 };
                keys.push(SearchKey::List(0));
                operators = 0;
                continue;
            }
            let key = SearchKey::parse(c)?;
            let operands = key.operands();
            keys.push(key);
            list.lacks = list.lacks.saturating_sub(1).saturating_add(operands);
            if operands > 0 {
                operators = operators.saturating_add(1);
                if operators > OPERATORS_MAX {
                    return Err(c.fault("fewer operators in front of a key"));
                }
                c.sp()?;
                continue;
            }
            operators = 0;
            // A key is whole: so may be the list that it ends, and the key that the list is a part of.
            while list.lacks == 0 {
                list.count = list.count.saturating_add(1);
                if outer.is_empty() || !c.close()? {
                    break;
                }
                if let Some(SearchKey::List(count)) = keys.get_mut(list.at) {
                    *count = list.count;
                }
                if let Some(around) = outer.pop() {
                    list = around;
                    list.lacks = list.lacks.saturating_sub(1);
                }
            }
            if list.lacks > 0 {
                c.sp()?;
                continue;
            }
            // The end of the line is for the caller to judge.
            if outer.is_empty() && (c.peek() != Some(b' ') || matches!(c.rest(), [b' '] | [b' ', b'\r', ..]))
            {
                return Ok(Self(keys));
            }
            c.sp()?;
            list.lacks = 1;
        }
    }
}

impl<B: AsRef<[u8]>> SearchKeys<B> {
    /// One key that stands for itself. `None` for an operator or a list: see [`negated`](Self::negated) and its like.
    pub fn of(key: SearchKey<B>) -> Option<Self> {
        let is_whole = !matches!(key, SearchKey::Not | SearchKey::Or | SearchKey::Fuzzy | SearchKey::List(_));
        is_whole.then(|| Self(vec![key]))
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Not all of these. `None` if that is too deep to be asked.
    pub fn negated(self) -> Option<Self> {
        self.operator(SearchKey::Not)
    }

    /// All of these, tolerantly (RFC 6203). `None` if that is too deep to be asked.
    pub fn fuzzy(self) -> Option<Self> {
        self.operator(SearchKey::Fuzzy)
    }

    /// All of these, or all of those. `None` if that is too deep to be asked.
    pub fn or(self, other: Self) -> Option<Self> {
        let mut keys = self.grouped();
        keys.insert(0, SearchKey::Or);
        keys.extend(other.grouped());
        Self(keys).checked()
    }

    fn operator(self, operator: SearchKey<B>) -> Option<Self> {
        let mut keys = self.grouped();
        keys.insert(0, operator);
        Self(keys).checked()
    }

    /// As one key.
    fn grouped(mut self) -> Vec<SearchKey<B>> {
        let mut walk = Walk::default();
        for key in &self.0 {
            walk.step(key);
        }
        if walk.count() > 1 {
            self.0.insert(0, SearchKey::List(walk.count()));
        }
        self.0
    }

    fn checked(self) -> Option<Self> {
        let mut walk = Walk::default();
        let mut operators = 0_u32;
        for key in &self.0 {
            let is_operator = matches!(key, SearchKey::Not | SearchKey::Or | SearchKey::Fuzzy);
            operators = if is_operator { operators.saturating_add(1) } else { 0 };
            walk.step(key);
            if walk.is_too_deep || operators > OPERATORS_MAX {
                return None;
            }
        }
        Some(self)
    }

    /// The keys, operators before their operands.
    pub fn as_slice(&self) -> &[SearchKey<B>] {
        &self.0
    }

    /// Whether a message matches, of which `key` tells whether it matches a key that stands for itself. Keys on which
    /// nothing depends any more are not asked about.
    pub fn matches(&self, mut key: impl FnMut(&SearchKey<B>) -> bool) -> bool {
        let mut open = vec![Frame { kind: Kind::All, left: u32::MAX, value: true }];
        // The frame whose value is settled: the keys inside it are passed over.
        let mut settled = usize::MAX;
        for one in &self.0 {
            let kind = match one {
                SearchKey::Not => Kind::None,
                SearchKey::Or => Kind::Any,
                SearchKey::Fuzzy | SearchKey::List(_) => Kind::All,
                _ => {
                    let mut value = settled == usize::MAX && key(one);
                    while let Some(frame) = open.last_mut() {
                        frame.take(value);
                        if frame.left > 0 {
                            if settled == usize::MAX && frame.is_settled() {
                                settled = open.len();
                            }
                            break;
                        }
                        value = frame.value();
                        if settled == open.len() {
                            settled = usize::MAX;
                        }
                        open.pop();
                    }
                    continue;
                }
            };
            open.push(Frame { kind, left: one.operands(), value: kind == Kind::All });
        }
        open.first().is_some_and(|frame| frame.value)
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let mut walk = Walk::default();
        let mut is_first = true;
        for key in &self.0 {
            if !is_first {
                out.sp();
            }
            key.write(out);
            is_first = matches!(key, SearchKey::List(_));
            for _ in 0..walk.step(key) {
                out.octet(b')');
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Any,
    None,
}

struct Frame {
    kind: Kind,
    left: u32,
    /// Of [`Kind::All`] whether all matched so far, else whether any did.
    value: bool,
}

impl Frame {
    fn take(&mut self, value: bool) {
        self.left = self.left.saturating_sub(1);
        self.value = if self.kind == Kind::All { self.value && value } else { self.value || value };
    }

    fn is_settled(&self) -> bool {
        self.value != (self.kind == Kind::All)
    }

    fn value(&self) -> bool {
        if self.kind == Kind::None { !self.value } else { self.value }
    }
}

/// Follows the lists through a flat list of keys: of each that is open, the keys left and what the present one lacks.
struct Walk {
    open: [(u32, u32); DEPTH_MAX + 1],
    depth: usize,
    is_too_deep: bool,
}

impl Default for Walk {
    fn default() -> Self {
        // The outermost never ends.
        Self { open: [(u32::MAX, 1); DEPTH_MAX + 1], depth: 0, is_too_deep: false }
    }
}

impl Walk {
    /// Keys in the outermost list so far.
    fn count(&self) -> u32 {
        self.open.first().map_or(0, |outermost| u32::MAX.saturating_sub(outermost.0))
    }

    /// How many lists end behind this key.
    fn step<B: AsRef<[u8]>>(&mut self, key: &SearchKey<B>) -> usize {
        if let SearchKey::List(count) = key {
            match self.open.get_mut(self.depth.saturating_add(1)) {
                Some(list) => {
                    *list = (*count, 1);
                    self.depth = self.depth.saturating_add(1);
                }
                None => self.is_too_deep = true,
            }
            return 0;
        }
        if let Some(list) = self.open.get_mut(self.depth) {
            list.1 = list.1.saturating_sub(1).saturating_add(key.operands());
        }
        let mut ended = 0_usize;
        while let Some((left, lacks)) = self.open.get_mut(self.depth).filter(|list| list.1 == 0) {
            *left = left.saturating_sub(1);
            *lacks = 1;
            if *left > 0 || self.depth == 0 {
                break;
            }
            self.depth = self.depth.saturating_sub(1);
            ended = ended.saturating_add(1);
            if let Some(around) = self.open.get_mut(self.depth) {
                around.1 = around.1.saturating_sub(1);
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests;
