//! The selected mailbox as its client knows it, and what changes in it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::refused;
use super::{Result, Service, Session};
use crate::server::{Reply, Selection};
use crate::store::search::{Context, by_sequence, by_uid};
use crate::store::{Access, Account, Answer, Mailbox, Message, Want};
use crate::{Flag, FlagList, NumberSet, Numbering, SequenceSet};

/// A mailbox as a client was told of it.
pub(super) struct Selected<M> {
    pub(super) mailbox: M,
    /// UIDs in the order of the sequence numbers that the client knows.
    pub(super) uids: Arc<[u32]>,
    /// Up to where the client knows what happened.
    pub(super) modseq: u64,
    pub(super) recent: NumberSet,
    /// `$`
    pub(super) saved: NumberSet,
    pub(super) access: Access,
    keywords: Vec<Arc<str>>,
    /// Messages have gone of which nothing could be told yet.
    is_behind: bool,
    /// What this session knows already of messages that it changed: their modification sequence.
    pub(super) known: HashMap<u32, u64>,
}

impl<M: Mailbox> Selected<M> {
    async fn open(mailbox: M) -> Answer<Self> {
        let info = mailbox.info().await?;
        let view = mailbox.view().await?;
        let mut recent = NumberSet::new();
        if let Some(last) = view.recent.end.checked_sub(1).filter(|last| *last >= view.recent.start) {
            recent.insert_range(view.recent.start, last);
        }
        Ok(Self {
            mailbox,
            uids: view.uids,
            modseq: view.modseq,
            recent,
            saved: NumberSet::new(),
            access: info.access,
            keywords: info.keywords,
            is_behind: false,
            known: HashMap::new(),
        })
    }

    /// The sequence number of a message.
    pub(super) fn number(&self, uid: u32) -> Option<NonZeroU32> {
        let at = self.uids.binary_search(&uid).ok()?;
        NonZeroU32::new(u32::try_from(at).ok()?.saturating_add(1))
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn context(&self, now: i64) -> Context<'_> {
        Context { uids: &self.uids, saved: &self.saved, recent: &self.recent, now }
    }

    /// UIDs of the messages that a set names and that the client knows; BAD for a number that is none.
    pub(super) fn resolve(
        &self,
        set: &SequenceSet,
        numbering: Numbering,
    ) -> std::result::Result<NumberSet, Reply> {
        let context = self.context(0);
        match numbering {
            Numbering::Sequence => {
                // RFC 9051 s 9, seq-number: BAD. Of an empty mailbox `1:*` is nothing: real clients ask for it.
                if set.is_beyond(self.count()) && !(self.uids.is_empty() && set.has_largest()) {
                    return Err(Reply::bad("no message has this number"));
                }
                Ok(by_sequence(set, &context))
            }
            Numbering::Uid => {
                let named = by_uid(set, &context);
                let there = |(first, last): (u32, u32)| {
                    let from = self.uids.partition_point(|uid| *uid < first);
                    let to = self.uids.partition_point(|uid| *uid <= last);
                    self.uids.get(from..to).unwrap_or_default().iter().copied()
                };
                Ok(named.ranges().flat_map(there).collect())
            }
        }
    }

    fn recents(&self) -> u32 {
        let there = self.uids.iter().filter(|uid| self.recent.contains(**uid)).count();
        u32::try_from(there).unwrap_or(u32::MAX)
    }

    /// FLAGS of a message, with `\Recent` where it belongs.
    pub(super) fn flags(&self, message: &Message, rev2: bool) -> FlagList {
        let recent = (!rev2 && self.recent.contains(message.uid)).then_some(Flag::Recent);
        FlagList::of(message.flags.iter().chain(recent))
    }

    fn flags_in_use(&self) -> FlagList {
        let system = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];
        FlagList::of(
            system.into_iter().chain(self.keywords.iter().filter_map(|keyword| Flag::keyword(keyword))),
        )
    }
}

/// What SELECT says besides the name.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) condstore: bool,
    pub(super) qresync: Option<Resync>,
}

/// `QRESYNC (uidvalidity modseq [known-uids [seq-match-data]])` (RFC 7162 s 3.2.5).
#[derive(Debug)]
pub(super) struct Resync {
    pub(super) uid_validity: u32,
    pub(super) modseq: u64,
    pub(super) known: Option<NumberSet>,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    pub(super) async fn select(&mut self, name: &str, access: Access, asked: Asked) -> Result<()> {
        // RFC 9051 s 6.3.2: the present mailbox is deselected, whatever comes of it; s 7.1 CLOSED tells where it ends.
        let was_selected = self.selected.take().is_some();
        self.says().select(Selection::None)?;
        if asked.qresync.is_some() && !self.says().mode().qresync {
            // RFC 7162 s 3.2.5
            return self.reply(Reply::bad("QRESYNC is not enabled"));
        }
        if asked.condstore || asked.qresync.is_some() {
            self.says().enable_condstore();
        }
        let mode = self.says().mode();
        let tells_closed = was_selected && (mode.qresync || mode.rev2);
        let Some(account) = &self.account else { return self.reply(Reply::bad("not now")) };
        let opened = match account.open(name, access).await {
            Ok(mailbox) => match mailbox.info().await {
                Ok(info) => Selected::open(mailbox).await.map(|selected| (selected, info)),
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        if tells_closed {
            self.says().tell(|out| out.put(b"OK [CLOSED] the mailbox before is closed"))?;
        }
        let (selected, info) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.reply(refused(&refusal)),
        };
        let view = match selected.mailbox.view().await {
            Ok(view) => view,
            Err(refusal) => return self.reply(refused(&refusal)),
        };
        let rev2 = self.says().mode().rev2;
        let (flags, count, recents) = (selected.flags_in_use(), selected.count(), selected.recents());
        let says = self.says();
        says.tell(|out| {
            out.put(b"FLAGS ");
            flags.write(out);
        })?;
        says.exists(count)?;
        says.recent(recents)?;
        let permanent = match selected.access {
            Access::ReadWrite => {
                let text = flags.to_string();
                format!("{text} \\*")
            }
            Access::ReadOnly => String::new(),
        };
        says.tell(|out| out.put(format!("OK [PERMANENTFLAGS ({permanent})] flags that stay").as_bytes()))?;
        if !rev2 {
            // RFC 3501 s 7.1: UNSEEN is the first unseen message's number.
            if let Some(first) = first_unseen(&selected).await {
                says.tell(|out| out.put(format!("OK [UNSEEN {first}] first unseen").as_bytes()))?;
            }
        }
        let validity = info.uid_validity;
        says.tell(|out| out.put(format!("OK [UIDVALIDITY {validity}] UIDs are valid").as_bytes()))?;
        says.tell(|out| out.put(format!("OK [UIDNEXT {}] predicted next UID", view.uid_next).as_bytes()))?;
        says.tell(|out| {
            out.put(format!("OK [HIGHESTMODSEQ {}] highest", selected.modseq.max(1)).as_bytes())
        })?;
        if let Some(id) = &info.mailbox_id {
            says.tell(|out| out.put(format!("OK [MAILBOXID ({id})] the mailbox").as_bytes()))?;
        }
        if rev2 {
            // RFC 9051 s 6.3.2: "The server MUST return a LIST response with the mailbox name".
            let mode = says.mode().clone();
            let mailbox = crate::Mailbox::new(name, &mode);
            says.tell(|out| {
                out.put(b"LIST () \"/\" ");
                mailbox.write(out);
            })?;
        }
        let access = selected.access;
        self.selected = Some(Box::new(selected));
        self.says().select(Selection::Mailbox)?;
        if let Some(resync) = asked.qresync
            && resync.uid_validity == validity
        {
            self.resynchronize(&resync).await?;
        }
        let code = if access == Access::ReadWrite { "READ-WRITE" } else { "READ-ONLY" };
        self.reply(Reply::ok("selected").with_code(code))
    }

    /// RFC 7162 s 3.2.5.1: what went, then what changed.
    async fn resynchronize(&mut self, resync: &Resync) -> Result<()> {
        let Some(selected) = &self.selected else { return Ok(()) };
        let vanished = selected.mailbox.vanished_since(resync.modseq).await.unwrap_or_default();
        let changed = selected.mailbox.changed_since(resync.modseq).await.unwrap_or_default();
        let of_known = |uids: NumberSet| match &resync.known {
            Some(known) => uids.intersection(known),
            None => uids,
        };
        let (vanished, changed) = (of_known(vanished), of_known(changed));
        self.says().vanished_earlier(&vanished)?;
        self.tell_flags(&changed, true).await
    }

    /// FETCH responses with the flags of these, and what else the mode asks for.
    pub(super) async fn tell_flags(&mut self, uids: &NumberSet, with_uid: bool) -> Result<()> {
        let uids: Vec<u32> = uids.iter().collect();
        for chunk in uids.chunks(256) {
            let Some(selected) = &self.selected else { return Ok(()) };
            // What cannot be read now can be told at another time.
            let Ok(messages) = selected.mailbox.fetch(chunk, Want::Marks).await else { return Ok(()) };
            for message in messages {
                self.tell_message_flags(&message, with_uid)?;
            }
            self.relieve().await?;
        }
        Ok(())
    }

    fn tell_message_flags(&mut self, message: &Message, with_uid: bool) -> Result<()> {
        let mode = self.machine.machine().mode().clone();
        let Some(selected) = &mut self.selected else { return Ok(()) };
        let Some(number) = selected.number(message.uid) else { return Ok(()) };
        selected.known.insert(message.uid, message.modseq);
        let flags = selected.flags(message, mode.rev2);
        let number = if mode.uidonly { NonZeroU32::new(message.uid).unwrap_or(number) } else { number };
        let says = self.machine.machine_mut();
        says.begin_fetch(number)?;
        // RFC 7162 s 3.2.4: with QRESYNC, UID is in all of them.
        if with_uid || mode.qresync || mode.uidonly {
            says.item(|out| {
                out.put(b"UID ");
                out.number(message.uid.into());
            })?;
        }
        says.item(|out| {
            out.put(b"FLAGS ");
            flags.write(out);
        })?;
        if mode.condstore {
            says.item(|out| {
                out.put(b"MODSEQ (");
                out.number(message.modseq);
                out.octet(b')');
            })?;
        }
        Ok(says.end_fetch()?)
    }

    /// What happened in the selected mailbox, as far as it may be told now (RFC 9051 s 5.2, 7.5.1).
    pub(super) async fn tell_changes(&mut self) -> Result<()> {
        let Some(selected) = &self.selected else { return Ok(()) };
        let Ok(view) = selected.mailbox.view().await else {
            // Who idles is told when something happens: without a mailbox that is never.
            if self.says().is_idling() {
                self.says().reject("the mailbox is not to be had any more");
            }
            return Ok(());
        };
        if view.modseq == selected.modseq && !selected.is_behind {
            return Ok(());
        }
        let changed = selected.mailbox.changed_since(selected.modseq).await.unwrap_or_default();
        let may_expunge = self.says().may_expunge();
        let (mode, told_recents) =
            (self.says().mode().clone(), self.selected.as_ref().map(|selected| selected.recents()));
        let Some(selected) = &mut self.selected else { return Ok(()) };
        if let Some(last) = view.recent.end.checked_sub(1).filter(|last| *last >= view.recent.start) {
            selected.recent.insert_range(view.recent.start, last);
        }
        let gone: Vec<(usize, u32)> = {
            let old = selected.uids.iter().enumerate();
            old.filter(|(_, uid)| view.uids.binary_search(uid).is_err()).map(|(at, uid)| (at, *uid)).collect()
        };
        let last_known = selected.uids.last().copied().unwrap_or(0);
        let first_new = view.uids.partition_point(|uid| *uid <= last_known);
        let new = view.uids.get(first_new..).unwrap_or_default();
        let has_new = !new.is_empty();
        let old: NumberSet = selected.uids.iter().copied().collect();
        selected.is_behind = !gone.is_empty() && !may_expunge;
        selected.uids = if selected.is_behind {
            selected.uids.iter().chain(new).copied().collect()
        } else {
            Arc::clone(&view.uids)
        };
        selected.modseq = view.modseq;
        let keywords = selected.mailbox.info().await.map(|info| info.keywords).unwrap_or_default();
        let new_keywords = keywords.len() > selected.keywords.len();
        if new_keywords {
            selected.keywords = keywords;
        }
        let (flags, count, recents) = (selected.flags_in_use(), selected.count(), selected.recents());
        let says = self.machine.machine_mut();
        if may_expunge && !gone.is_empty() {
            // RFC 5182 s 2.1: what went is in `$` no more.
            let set: NumberSet = gone.iter().map(|(_, uid)| *uid).collect();
            if mode.qresync || mode.uidonly {
                says.vanished(&set)?;
            } else {
                // From the last to the first, so that no number changes another.
                for (at, _) in gone.iter().rev() {
                    if let Some(number) =
                        u32::try_from(*at).ok().and_then(|at| NonZeroU32::new(at.saturating_add(1)))
                    {
                        says.expunge(number)?;
                    }
                }
            }
            if let Some(selected) = &mut self.selected {
                selected.saved = selected.saved.difference(&set);
                selected.recent = selected.recent.difference(&set);
            }
        }
        let says = self.machine.machine_mut();
        if has_new {
            says.exists(count)?;
        }
        if has_new || told_recents != Some(recents) && !gone.is_empty() {
            says.recent(recents)?;
        }
        if new_keywords {
            says.tell(|out| {
                out.put(b"FLAGS ");
                flags.write(out);
            })?;
            says.tell(|out| {
                out.put(format!("OK [PERMANENTFLAGS ({flags} \\*)] flags that stay").as_bytes())
            })?;
        }
        // Of what is new the client asks itself.
        let changed = changed.intersection(&old);
        let uids: Vec<u32> = changed.iter().collect();
        for chunk in uids.chunks(256) {
            let Some(selected) = &self.selected else { break };
            let Ok(messages) = selected.mailbox.fetch(chunk, Want::Marks).await else { break };
            for message in messages {
                let known = self.selected.as_ref().and_then(|selected| selected.known.get(&message.uid));
                if known != Some(&message.modseq) {
                    self.tell_message_flags(&message, false)?;
                }
            }
            self.relieve().await?;
        }
        if let Some(selected) = &mut self.selected {
            selected.known = HashMap::new();
        }
        Ok(())
    }

    /// Ends a command: what happened meanwhile, then its reply.
    pub(super) async fn finish(&mut self, reply: Reply) -> Result<()> {
        self.tell_changes().await?;
        self.reply(reply)
    }
}

async fn first_unseen<M: Mailbox>(selected: &Selected<M>) -> Option<usize> {
    for (at, chunk) in selected.uids.chunks(256).enumerate() {
        let messages = selected.mailbox.fetch(chunk, Want::Marks).await.ok()?;
        let unseen = messages.iter().find(|message| !message.flags.contains(&Flag::<&[u8]>::Seen));
        if let Some(message) = unseen {
            let within = chunk.iter().position(|uid| *uid == message.uid)?;
            return Some(at.saturating_mul(256).saturating_add(within).saturating_add(1));
        }
    }
    None
}
