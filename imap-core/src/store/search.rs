//! SEARCH over any store: by what it tells of messages, and by their text only where nothing else decides.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

use super::{Answer, Mailbox, Message, Reason, Refusal, Want};
use crate::message::decode::{self, Encoding};
use crate::message::{Kind, Part, Structure, date, field};
use crate::{AString, Date, Flag, NumberSet, SearchKey, SearchKeys, SequenceSet};

/// What sequence sets mean, and what belongs to the session.
pub(crate) struct Context<'c> {
    /// UIDs of the messages, in the order of their sequence numbers.
    pub(crate) uids: &'c [u32],
    /// `$`
    pub(crate) saved: &'c NumberSet,
    /// UIDs that are `\Recent`.
    pub(crate) recent: &'c NumberSet,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// Keys made ready for many messages.
pub(crate) struct Search<'c> {
    keys: &'c SearchKeys,
    /// What each key needs beside itself.
    ready: Vec<Ready>,
    context: Context<'c>,
    want: Want,
}

enum Ready {
    Nothing,
    Uids(NumberSet),
    /// In lower case.
    Needle(String),
    Field(String, String),
}

/// Messages that are looked at in one go.
const CHUNK: usize = 256;
/// Octets of a part's text that are looked at; more of them are no text that anybody reads.
const TEXT: u64 = 16 * 1024 * 1024;

impl<'c> Search<'c> {
    /// `charset` is that of strings; none is UTF-8, of which ASCII is a part.
    pub(crate) fn new(keys: &'c SearchKeys, charset: Option<&[u8]>, context: Context<'c>) -> Answer<Self> {
        if let Some(name) = charset {
            encoding_rs::Encoding::for_label(name)
                .ok_or_else(|| Refusal::new(Reason::Other, "unknown charset"))?;
        }
        let text =
            |string: &AString| decode::charset(charset.unwrap_or(b"utf-8"), &string.octets()).to_lowercase();
        let mut want = Want::Marks;
        let mut ready = Vec::with_capacity(keys.as_slice().len());
        for key in keys.as_slice() {
            ready.push(match key {
                SearchKey::Sequence(set) => Ready::Uids(by_sequence(set, &context)),
                SearchKey::Uid(set) => Ready::Uids(by_uid(set, &context)),
                SearchKey::Bcc(string) => Ready::Field("Bcc".into(), text(string)),
                SearchKey::Cc(string) => Ready::Field("Cc".into(), text(string)),
                SearchKey::From(string) => Ready::Field("From".into(), text(string)),
                SearchKey::To(string) => Ready::Field("To".into(), text(string)),
                SearchKey::Subject(string) => Ready::Field("Subject".into(), text(string)),
                SearchKey::Header(name, string) => {
                    Ready::Field(String::from_utf8_lossy(&name.octets()).into_owned(), text(string))
                }
                SearchKey::Body(string) | SearchKey::Text(string) => Ready::Needle(text(string)),
                SearchKey::Filter(_)
                | SearchKey::GmailRaw(_)
                | SearchKey::GmailMessageId(_)
                | SearchKey::GmailThreadId(_)
                | SearchKey::GmailLabels(_) => {
                    return Err(Refusal::new(Reason::Cannot, "a key that is not known here"));
                }
                _ => Ready::Nothing,
            });
            let needs_structure = matches!(ready.last(), Some(Ready::Field(..) | Ready::Needle(_)))
                || matches!(key, SearchKey::SentBefore(_) | SearchKey::SentOn(_) | SearchKey::SentSince(_));
            if needs_structure {
                want = Want::Structure;
            }
        }
        Ok(Self { keys, ready, context, want })
    }

    /// What matches, ascending by UID, with what is known of each; `want` more than the keys need.
    pub(crate) async fn run<M: Mailbox>(&self, mailbox: &M, want: Want) -> Answer<Vec<Message>> {
        let want = if self.want == Want::Structure { self.want } else { want };
        let mut found = Vec::new();
        for uids in self.context.uids.chunks(CHUNK) {
            for message in mailbox.fetch(uids, want).await? {
                let mut text_decides = false;
                let mut is_found = self.keys.matches(|key| match key {
                    SearchKey::Body(_) | SearchKey::Text(_) => {
                        text_decides = true;
                        false
                    }
                    key => self.is_match(key, &message),
                });
                if text_decides {
                    let text = Text::read(mailbox, &message).await?;
                    is_found = self.keys.matches(|key| match (key, self.ready(key)) {
                        (SearchKey::Body(_), Some(Ready::Needle(needle))) => {
                            text.body.contains(needle.as_str())
                        }
                        (SearchKey::Text(_), Some(Ready::Needle(needle))) => {
                            text.header.contains(needle.as_str()) || text.body.contains(needle.as_str())
                        }
                        (key, _) => self.is_match(key, &message),
                    });
                }
                if is_found {
                    found.push(message);
                }
            }
        }
        Ok(found)
    }

    /// Keys stand in one slice: how far from its start this one is tells which it is.
    fn ready(&self, key: &SearchKey) -> Option<&Ready> {
        let first = std::ptr::from_ref(self.keys.as_slice().first()?).addr();
        let at = std::ptr::from_ref(key).addr().checked_sub(first)?;
        self.ready.get(at.checked_div(size_of::<SearchKey>())?)
    }

    fn is_match(&self, key: &SearchKey, message: &Message) -> bool {
        let has = |flag: &Flag<Bytes>| message.flags.contains(flag);
        let recent = || self.context.recent.contains(message.uid);
        let day = |date: crate::DateTime| date.date().days_since_epoch();
        let received = || day(message.internal_date);
        let saved = || message.save_date.map(day);
        let sent = || sent_day(message);
        let than = |date: &Date| date.days_since_epoch();
        let age = || self.context.now.saturating_sub(message.internal_date.to_unix());
        match key {
            SearchKey::Sequence(_) | SearchKey::Uid(_) => {
                matches!(self.ready(key), Some(Ready::Uids(uids)) if uids.contains(message.uid))
            }
            SearchKey::All => true,
            SearchKey::Answered => has(&Flag::Answered),
            SearchKey::Deleted => has(&Flag::Deleted),
            SearchKey::Draft => has(&Flag::Draft),
            SearchKey::Flagged => has(&Flag::Flagged),
            SearchKey::Seen => has(&Flag::Seen),
            SearchKey::Unanswered => !has(&Flag::Answered),
            SearchKey::Undeleted => !has(&Flag::Deleted),
            SearchKey::Undraft => !has(&Flag::Draft),
            SearchKey::Unflagged => !has(&Flag::Flagged),
            SearchKey::Unseen => !has(&Flag::Seen),
            SearchKey::Keyword(word) => has(&Flag::Keyword(word.clone())),
            SearchKey::Unkeyword(word) => !has(&Flag::Keyword(word.clone())),
            SearchKey::New => recent() && !has(&Flag::Seen),
            SearchKey::Old => !recent(),
            SearchKey::Recent => recent(),
            SearchKey::Larger(size) => message.size > *size,
            SearchKey::Smaller(size) => message.size < *size,
            SearchKey::Before(date) => received() < than(date),
            SearchKey::On(date) => received() == than(date),
            SearchKey::Since(date) => received() >= than(date),
            SearchKey::SavedBefore(date) => saved().is_some_and(|day| day < than(date)),
            SearchKey::SavedOn(date) => saved().is_some_and(|day| day == than(date)),
            SearchKey::SavedSince(date) => saved().is_some_and(|day| day >= than(date)),
            SearchKey::SaveDateSupported => message.save_date.is_some(),
            SearchKey::SentBefore(date) => sent().is_some_and(|day| day < than(date)),
            SearchKey::SentOn(date) => sent().is_some_and(|day| day == than(date)),
            SearchKey::SentSince(date) => sent().is_some_and(|day| day >= than(date)),
            SearchKey::Older(seconds) => age() >= i64::from(seconds.get()),
            SearchKey::Younger(seconds) => age() <= i64::from(seconds.get()),
            SearchKey::ModSeq(_, least) => message.modseq >= *least,
            SearchKey::EmailId(id) => message.email_id.as_deref().map(str::as_bytes) == Some(id.as_bytes()),
            SearchKey::ThreadId(id) => message.thread_id.as_deref().map(str::as_bytes) == Some(id.as_bytes()),
            SearchKey::UidAfter(uid) => message.uid > uid.get(),
            SearchKey::UidBefore(uid) => message.uid < uid.get(),
            key => match (self.ready(key), message.structure.as_deref().and_then(Structure::root)) {
                (Some(Ready::Field(name, needle)), Some(root)) => {
                    let mut named = field::fields(root.header())
                        .filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
                    named.any(|field| decode::words(field.value).to_lowercase().contains(needle.as_str()))
                }
                _ => false,
            },
        }
    }
}

/// The day that the field Date names (RFC 9051 s 6.4.4).
fn sent_day(message: &Message) -> Option<i64> {
    let root = message.structure.as_deref()?.root()?;
    let sent = date::parse(field::first(root.header(), "Date")?.value)?;
    Some(sent.day.days_since_epoch())
}

/// UIDs of messages by their sequence numbers.
pub(crate) fn by_sequence(set: &SequenceSet, context: &Context<'_>) -> NumberSet {
    let count = u32::try_from(context.uids.len()).unwrap_or(u32::MAX);
    let numbers = set.resolve_with(count, &NumberSet::new());
    let mut uids = NumberSet::new();
    for (first, last) in numbers.ranges() {
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX).min(context.uids.len());
        let range = index(first.saturating_sub(1))..index(last);
        context.uids.get(range).unwrap_or_default().iter().for_each(|uid| uids.insert(*uid));
    }
    if set.has_saved() { uids.union(context.saved) } else { uids }
}

/// UIDs as they are named; those that are not there may be among them.
pub(crate) fn by_uid(set: &SequenceSet, context: &Context<'_>) -> NumberSet {
    // RFC 9051 s 9: `*` is the UID of the last message; of an empty mailbox there is none.
    set.resolve_with(context.uids.last().copied().unwrap_or(0), context.saved)
}

/// What is read of a message, in lower case.
struct Text {
    header: String,
    body: String,
}

impl Text {
    async fn read<M: Mailbox>(mailbox: &M, message: &Message) -> Answer<Self> {
        let mut text = Self { header: String::new(), body: String::new() };
        let Some(structure) = &message.structure else { return Ok(text) };
        for (index, part) in structure.parts().iter().enumerate() {
            if index == 0 || is_inner_message(structure, index) {
                let into = if index == 0 { &mut text.header } else { &mut text.body };
                for field in field::fields(part.header()) {
                    into.push_str(&String::from_utf8_lossy(field.name));
                    into.push_str(": ");
                    into.push_str(&decode::words(field.value).to_lowercase());
                    into.push('\n');
                }
            }
            if part.kind() == Kind::Leaf && part.media().is("text", "*") {
                text.body.push_str(&leaf_text(mailbox, message.uid, part, TEXT).await?.to_lowercase());
                text.body.push('\n');
            }
        }
        Ok(text)
    }
}

fn is_inner_message(structure: &Structure, index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|before| structure.parts().get(before));
    before.is_some_and(|part| part.kind() == Kind::Message)
}

/// A part's text, without its encodings; of so many octets at most.
pub(crate) async fn leaf_text<M: Mailbox>(mailbox: &M, uid: u32, part: &Part, most: u64) -> Answer<String> {
    let body = part.body();
    let end = body.end.min(body.start.saturating_add(most));
    let octets = read_range(mailbox, uid, body.start..end).await?;
    let octets = Encoding::named(&part.encoding()).decode(&octets).map(Cow::into_owned).unwrap_or_default();
    Ok(decode::charset(part.media().parameter("charset").unwrap_or(b"utf-8"), &octets).into_owned())
}

/// Octets of a message.
pub(crate) async fn read_range<M: Mailbox>(
    mailbox: &M,
    uid: u32,
    range: std::ops::Range<u64>,
) -> Answer<BytesMut> {
    let mut octets = BytesMut::new();
    let mut at = range.start;
    while at < range.end {
        let piece = mailbox.read(uid, at).await?;
        if piece.is_empty() {
            break;
        }
        let left = usize::try_from(range.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let piece = piece.get(..left).unwrap_or(&piece);
        octets.extend_from_slice(piece);
        at = at.saturating_add(piece.len() as u64);
    }
    Ok(octets)
}
