//! FETCH: what is known of messages, and their octets as they are read from the store.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::refused;
use super::{Result, ServeError, Service, Session};
use crate::command::{Fetch, FetchModifier};
use crate::grammar::fetch::{FetchAttribute, Item, ObjectId, Partial};
use crate::grammar::section::{Section, SectionText};
use crate::message::decode::Encoding;
use crate::message::section::Want as Part;
use crate::message::{Kind, Piece, Structure, told};
use crate::server::Reply;
use crate::store::search::{leaf_text, read_range};
use crate::store::{Access, Action, Change, Flags, Mailbox, Message, Want};
use crate::{Flag, NString, NumberSet, Numbering};

/// Messages that are asked of the store in one go.
const CHUNK: usize = 64;
/// Characters of a PREVIEW at most (RFC 8970 s 3.1: "MUST NOT exceed 200").
const PREVIEW: usize = 200;
/// Octets of a text that a PREVIEW is made of.
const PREVIEWED: u64 = 16 * 1024;

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    pub(super) async fn fetch(&mut self, fetch: Fetch) -> Result<()> {
        let Some(selected) = &self.selected else { return self.reply(Reply::bad("no mailbox")) };
        let mut uids = match selected.resolve(&fetch.set, fetch.numbering) {
            Ok(uids) => uids,
            Err(reply) => return self.reply(reply),
        };
        let attributes: Vec<FetchAttribute<&[u8]>> = fetch.attributes.iter().collect();
        if attributes.iter().any(is_unknown) {
            return self.reply(Reply::bad("an attribute that is not known here"));
        }
        let mut vanished = false;
        let mut changed_since = None;
        for modifier in &fetch.modifiers {
            match modifier {
                FetchModifier::ChangedSince(modseq) => changed_since = Some(*modseq),
                FetchModifier::Vanished => vanished = true,
                FetchModifier::Partial(range) => uids = super::search::page(&uids, *range),
                _ => return self.reply(Reply::bad("a modifier that is not known here")),
            }
        }
        // RFC 7162 s 3.2.6: VANISHED goes with UID FETCH and CHANGEDSINCE, and QRESYNC.
        let is_uid = fetch.numbering == Numbering::Uid;
        if vanished && (!is_uid || changed_since.is_none() || !self.says().mode().qresync) {
            return self.reply(Reply::bad("VANISHED is for UID FETCH with CHANGEDSINCE, and QRESYNC"));
        }
        // RFC 7162 s 3.1: a command that asks for it enables it.
        if changed_since.is_some() || attributes.iter().any(|each| matches!(each, FetchAttribute::ModSeq)) {
            self.says().enable_condstore();
        }
        if let Some(since) = changed_since {
            let Some(selected) = &self.selected else { return Ok(()) };
            if vanished {
                let gone = selected.mailbox.vanished_since(since).await.unwrap_or_default();
                let context = selected.context(0);
                let gone = gone.intersection(&crate::store::search::by_uid(&fetch.set, &context));
                self.says().vanished_earlier(&gone)?;
            }
            let Some(selected) = &self.selected else { return Ok(()) };
            match selected.mailbox.changed_since(since).await {
                Ok(changed) => uids = uids.intersection(&changed),
                Err(refusal) => return self.reply(refused(&refusal)),
            }
        }
        let told = self.fetch_all(&uids, &attributes, is_uid, changed_since.is_some()).await?;
        match told {
            Ok(count) if count < uids.len() && !is_uid => {
                // RFC 5530 s 3: what the client knows of is gone already.
                self.finish(Reply::no("some of the messages are gone").with_code("EXPUNGEISSUED")).await
            }
            Ok(_) => self.finish(Reply::ok("fetched")).await,
            Err(reply) => self.finish(reply).await,
        }
    }

    /// How many were there; or why the rest could not be told.
    async fn fetch_all(
        &mut self,
        uids: &NumberSet,
        attributes: &[FetchAttribute<&[u8]>],
        is_uid: bool,
        with_modseq: bool,
    ) -> Result<std::result::Result<u64, Reply>> {
        let sets_seen = attributes.iter().any(sets_seen);
        let want = if attributes.iter().any(needs_structure) { Want::Structure } else { Want::Marks };
        let uids: Vec<u32> = uids.iter().collect();
        let mut count = 0u64;
        for chunk in uids.chunks(CHUNK) {
            let seen = if sets_seen { self.set_seen(chunk).await } else { NumberSet::new() };
            let Some(selected) = &self.selected else { return Ok(Ok(count)) };
            let messages = match selected.mailbox.fetch(chunk, want).await {
                Ok(messages) => messages,
                Err(refusal) => return Ok(Err(refused(&refusal))),
            };
            for message in messages {
                count = count.saturating_add(1);
                let with_flags = seen.contains(message.uid);
                if let Err(reply) =
                    self.fetch_one(&message, attributes, is_uid, with_flags, with_modseq).await?
                {
                    return Ok(Err(reply));
                }
                self.relieve().await?;
            }
        }
        Ok(Ok(count))
    }

    /// RFC 9051 s 6.4.5: BODY[…] sets `\Seen` implicitly. Which were not yet.
    async fn set_seen(&mut self, uids: &[u32]) -> NumberSet {
        let Some(selected) = self.selected.as_ref().filter(|selected| selected.access == Access::ReadWrite)
        else {
            return NumberSet::new();
        };
        let messages = selected.mailbox.fetch(uids, Want::Marks).await.unwrap_or_default();
        let unseen = messages.iter().filter(|message| !message.flags.contains(&Flag::<Bytes>::Seen));
        let unseen: NumberSet = unseen.map(|message| message.uid).collect();
        if unseen.is_empty() {
            return unseen;
        }
        let flags: Flags = [Flag::<Bytes>::Seen].into_iter().collect();
        let change = Change { action: Action::Add, flags, unchanged_since: None };
        match selected.mailbox.store(&unseen, &change).await {
            Ok(stored) => unseen.difference(&stored.gone),
            Err(_) => NumberSet::new(), // what may not be changed may be read
        }
    }

    async fn fetch_one(
        &mut self,
        message: &Message,
        attributes: &[FetchAttribute<&[u8]>],
        is_uid: bool,
        with_flags: bool,
        with_modseq: bool,
    ) -> Result<std::result::Result<(), Reply>> {
        let mode = self.machine.machine().mode().clone();
        let (number, flags) = match &self.selected {
            Some(selected) => (selected.number(message.uid), selected.flags(message, mode.rev2)),
            None => return Ok(Ok(())),
        };
        let (Some(number), Some(uid)) = (number, NonZeroU32::new(message.uid)) else { return Ok(Ok(())) };
        // RFC 3516 s 4.3: what cannot be decoded is told by NO, before anything is said of the message.
        if let Some(structure) = &message.structure
            && attributes.iter().any(|attribute| is_undecodable(structure, attribute))
        {
            return Ok(Err(Reply::no("an encoding that is not known").with_code("UNKNOWN-CTE")));
        }
        self.says().begin_fetch(if mode.uidonly { uid } else { number })?;
        // RFC 9051 s 6.4.9: UID is implicit.
        if is_uid && !attributes.iter().any(|each| matches!(each, FetchAttribute::Uid)) {
            self.item(&Item::Uid(uid))?;
        }
        let asks = |want: fn(&FetchAttribute<&[u8]>) -> bool| attributes.iter().any(want);
        if with_flags && !asks(|each| matches!(each, FetchAttribute::Flags)) {
            self.item(&Item::Flags(flags.clone()))?;
        }
        let tells_flags = with_flags || asks(|each| matches!(each, FetchAttribute::Flags));
        if (with_modseq || tells_flags && mode.condstore)
            && !asks(|each| matches!(each, FetchAttribute::ModSeq))
        {
            self.item(&Item::ModSeq(message.modseq))?;
        }
        if let (true, Some(selected)) = (tells_flags, &mut self.selected) {
            selected.known.insert(message.uid, message.modseq);
        }
        let id = |id: &Option<Arc<str>>| id.as_deref().and_then(|id| ObjectId::new(id.as_bytes().to_vec()));
        for attribute in attributes {
            match attribute {
                FetchAttribute::Uid => self.item(&Item::Uid(uid))?,
                FetchAttribute::Flags => self.item(&Item::Flags(flags.clone()))?,
                FetchAttribute::InternalDate => self.item(&Item::InternalDate(message.internal_date))?,
                FetchAttribute::Size => self.item(&Item::Size(message.size))?,
                FetchAttribute::ModSeq => self.item(&Item::ModSeq(message.modseq))?,
                FetchAttribute::SaveDate => self.item(&Item::SaveDate(message.save_date))?,
                FetchAttribute::EmailId => {
                    if let Some(id) = id(&message.email_id) {
                        self.item(&Item::EmailId(id))?;
                    }
                }
                FetchAttribute::ThreadId => self.item(&Item::ThreadId(id(&message.thread_id)))?,
                attribute => {
                    let Some(structure) = message.structure.clone() else { continue };
                    self.fetch_part(message.uid, &structure, attribute).await?;
                }
            }
        }
        self.says().end_fetch()?;
        Ok(Ok(()))
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        Ok(self.says().item(|out| item.write(out))?)
    }

    /// What takes the structure, and maybe the octets.
    async fn fetch_part(
        &mut self,
        uid: u32,
        structure: &Structure,
        attribute: &FetchAttribute<&[u8]>,
    ) -> Result<()> {
        let Some(root) = structure.root() else { return Ok(()) };
        match attribute {
            FetchAttribute::Envelope => self.item(&Item::Envelope(Box::new(told::envelope(root)))),
            FetchAttribute::Body | FetchAttribute::BodyStructure => {
                let Some(body) = told::body_structure(structure) else { return Ok(()) };
                let is_whole = matches!(attribute, FetchAttribute::BodyStructure);
                self.item(&if is_whole {
                    Item::BodyStructure(body)
                } else {
                    Item::Body(body.without_extension())
                })
            }
            FetchAttribute::Section { section, partial, .. } => {
                let piece = piece(structure, section);
                self.octets(uid, piece, *partial, "BODY", Some(section)).await
            }
            FetchAttribute::Rfc822 => {
                self.octets(uid, structure.section(&[], Part::All), None, "RFC822", None).await
            }
            FetchAttribute::Rfc822Header => {
                self.octets(uid, structure.section(&[], Part::Header), None, "RFC822.HEADER", None).await
            }
            FetchAttribute::Rfc822Text => {
                self.octets(uid, structure.section(&[], Part::Text), None, "RFC822.TEXT", None).await
            }
            FetchAttribute::Binary { section, partial, .. } => {
                let decoded = self.decoded(uid, structure, section).await?.map(Piece::Octets);
                self.octets(uid, decoded, *partial, "BINARY", Some(section)).await
            }
            FetchAttribute::BinarySize(section) => {
                let size =
                    self.decoded(uid, structure, section).await?.map_or(0, |octets| octets.len() as u64);
                Ok(self.says().item(|out| {
                    out.put(b"BINARY.SIZE");
                    section.write(out);
                    out.sp();
                    out.number(size);
                })?)
            }
            FetchAttribute::Preview { .. } => {
                let text = self.preview(uid, structure).await;
                self.item(&Item::Preview(NString::of(text.as_deref().map(str::as_bytes))))
            }
            _ => Ok(()),
        }
    }

    /// A literal, or NIL for a part that is not there.
    async fn octets(
        &mut self,
        uid: u32,
        piece: Option<Piece>,
        partial: Option<Partial>,
        name: &str,
        section: Option<&Section<&[u8]>>,
    ) -> Result<()> {
        let origin = partial.map(|partial| partial.offset);
        let named = |out: &mut crate::Writer<'_>| {
            out.put(name.as_bytes());
            if let Some(section) = section {
                section.write(out);
            }
            if let Some(origin) = origin {
                out.octet(b'<');
                out.number(origin);
                out.octet(b'>');
            }
        };
        let Some(piece) = piece else {
            return Ok(self.says().item(|out| {
                named(out);
                out.put(b" NIL");
            })?);
        };
        let piece = match partial {
            Some(partial) => piece.partial(partial.offset, partial.count.get()),
            None => piece,
        };
        // RFC 3516 s 4.2: a literal8, where there may be NULs.
        let is_binary = matches!(&piece, Piece::Octets(octets) if name == "BINARY" && octets.contains(&0));
        self.says().fetch_literal(piece.len(), is_binary, named)?;
        match piece {
            Piece::Octets(octets) => {
                for part in octets.chunks(super::BLOCK) {
                    self.says().fetch_data(part)?;
                    self.relieve().await?;
                }
            }
            Piece::Range(range) => {
                let mut at = range.start;
                while at < range.end {
                    let Some(selected) = &self.selected else { return Ok(()) };
                    let read = match selected.mailbox.read(uid, at).await {
                        Ok(read) if !read.is_empty() => read,
                        // So many octets were announced: nobody must take fewer for all.
                        Ok(_) => return self.broken(std::io::ErrorKind::UnexpectedEof.into()),
                        Err(error) => return self.broken(error),
                    };
                    let left = usize::try_from(range.end.saturating_sub(at)).unwrap_or(usize::MAX);
                    let part = read.get(..left).unwrap_or(&read);
                    at = at.saturating_add(part.len() as u64);
                    self.says().fetch_data(part)?;
                    self.relieve().await?;
                }
            }
        }
        Ok(())
    }

    fn broken(&mut self, error: std::io::Error) -> Result<()> {
        self.says().abort();
        Err(ServeError::Store(error))
    }

    /// A part without its transfer encoding.
    async fn decoded(
        &mut self,
        uid: u32,
        structure: &Structure,
        section: &Section<&[u8]>,
    ) -> Result<Option<Bytes>> {
        let numbers: Vec<u32> = section.part().map(NonZeroU32::get).collect();
        let Some(part) = structure.part(&numbers).and_then(|index| structure.parts().get(index)) else {
            return Ok(None);
        };
        let Some(selected) = &self.selected else { return Ok(None) };
        let range = if numbers.is_empty() { 0..structure.size() } else { part.body() };
        let Ok(octets) = read_range(&selected.mailbox, uid, range).await else { return Ok(None) };
        if numbers.is_empty() {
            return Ok(Some(octets.freeze()));
        }
        let decoded = Encoding::named(&part.encoding()).decode(&octets);
        Ok(decoded.map(|decoded| Bytes::from(decoded.into_owned())))
    }

    /// The beginning of the text, for people (RFC 8970 s 3.1); `None` where there is none.
    async fn preview(&mut self, uid: u32, structure: &Structure) -> Option<String> {
        let selected = self.selected.as_ref()?;
        let mut leaves = structure.parts().iter().filter(|part| part.kind() == Kind::Leaf);
        let part = leaves.find(|part| part.media().is("text", "plain"))?;
        let text = leaf_text(&selected.mailbox, uid, part, PREVIEWED).await.ok()?;
        let mut preview = String::new();
        for word in text.split_whitespace() {
            if !preview.is_empty() {
                preview.push(' ');
            }
            preview.push_str(word);
            if preview.len() > PREVIEW.saturating_mul(4) {
                break;
            }
        }
        Some(preview.chars().filter(|c| !c.is_control()).take(PREVIEW).collect())
    }
}

fn is_unknown(attribute: &FetchAttribute<&[u8]>) -> bool {
    matches!(
        attribute,
        FetchAttribute::GmailMessageId
            | FetchAttribute::GmailThreadId
            | FetchAttribute::GmailLabels
            | FetchAttribute::Other(_)
    )
}

fn sets_seen(attribute: &FetchAttribute<&[u8]>) -> bool {
    matches!(
        attribute,
        FetchAttribute::Section { peek: false, .. }
            | FetchAttribute::Binary { peek: false, .. }
            | FetchAttribute::Rfc822
            | FetchAttribute::Rfc822Text
    )
}

fn needs_structure(attribute: &FetchAttribute<&[u8]>) -> bool {
    !matches!(
        attribute,
        FetchAttribute::Uid
            | FetchAttribute::Flags
            | FetchAttribute::InternalDate
            | FetchAttribute::Size
            | FetchAttribute::ModSeq
            | FetchAttribute::SaveDate
            | FetchAttribute::EmailId
            | FetchAttribute::ThreadId
    )
}

fn is_undecodable(structure: &Structure, attribute: &FetchAttribute<&[u8]>) -> bool {
    let (FetchAttribute::Binary { section, .. } | FetchAttribute::BinarySize(section)) = attribute else {
        return false;
    };
    let numbers: Vec<u32> = section.part().map(NonZeroU32::get).collect();
    let part = structure.part(&numbers).and_then(|index| structure.parts().get(index));
    !numbers.is_empty() && part.is_some_and(|part| Encoding::named(&part.encoding()) == Encoding::Unknown)
}

fn piece(structure: &Structure, section: &Section<&[u8]>) -> Option<Piece> {
    let numbers: Vec<u32> = section.part().map(NonZeroU32::get).collect();
    let names = |list: crate::grammar::section::HeaderList<'_>| {
        list.iter().map(std::borrow::Cow::into_owned).collect::<Vec<_>>()
    };
    match section.text() {
        SectionText::Whole => structure.section(&numbers, Part::All),
        SectionText::Header => structure.section(&numbers, Part::Header),
        SectionText::Text => structure.section(&numbers, Part::Text),
        SectionText::Mime => structure.section(&numbers, Part::Mime),
        SectionText::HeaderFields(list) => structure.section(&numbers, Part::HeaderFields(&names(list))),
        SectionText::HeaderFieldsNot(list) => {
            structure.section(&numbers, Part::HeaderFieldsNot(&names(list)))
        }
    }
}
