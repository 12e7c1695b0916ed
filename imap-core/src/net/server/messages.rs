//! Commands, each to its own; STORE, COPY, MOVE, EXPUNGE.

use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::refused;
use super::select::{Asked, Resync};
use super::{Result, Service, Session};
use crate::command::{
    CommandBody, Select, SelectParameter, Silence, Store, StoreAction, StoreAttribute, StoreModifier,
};
use crate::server::{Reply, Request, Selection};
use crate::store::{Access, Action, Change, Copied, Flags, Mailbox as _, Subscription, Want};
use crate::{Mailbox, NumberSet, Numbering, SequenceSet};

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    pub(super) async fn command(&mut self, request: Request) -> Result<()> {
        let tag = request.command.tag;
        match request.command.body {
            CommandBody::Noop | CommandBody::Check => self.finish(Reply::ok("done")).await,
            CommandBody::Id(_) => self.id().await,
            CommandBody::Namespace => self.namespace().await,
            CommandBody::Select(select) => self.select_command(select, Access::ReadWrite).await,
            CommandBody::Examine(select) => self.select_command(select, Access::ReadOnly).await,
            CommandBody::Create(create) => self.create(create).await,
            CommandBody::Delete(mailbox) => self.delete(&mailbox).await,
            CommandBody::Rename(from, to, None) => self.rename(&from, &to).await,
            CommandBody::Subscribe(mailbox) => self.subscribe(&mailbox, Subscription::On).await,
            CommandBody::Unsubscribe(mailbox) => self.subscribe(&mailbox, Subscription::Off).await,
            CommandBody::List(list) => self.list(list).await,
            CommandBody::Lsub(reference, pattern) => self.lsub(&reference, &pattern).await,
            CommandBody::Status(mailbox, attributes) => {
                let words: Vec<Vec<u8>> = attributes.iter().map(|each| each.as_bytes().to_vec()).collect();
                self.status(&mailbox, &words).await
            }
            CommandBody::GetQuota(root) => self.quota(&root.octets()).await,
            CommandBody::GetQuotaRoot(mailbox) => self.quota_root(&mailbox).await,
            CommandBody::GetMetadata(get) => self.get_metadata(*get).await,
            CommandBody::SetMetadata(set) => self.set_metadata(set).await,
            CommandBody::Close => self.close_mailbox(true).await,
            CommandBody::Unselect => self.close_mailbox(false).await,
            CommandBody::Expunge(set) => self.expunge(set.as_ref()).await,
            CommandBody::Fetch(fetch) => self.fetch(fetch).await,
            CommandBody::Store(store) => self.store(store).await,
            CommandBody::Search(search) => self.search(&tag, search).await,
            CommandBody::Sort(sort) => self.sort(*sort).await,
            CommandBody::Thread(thread) => self.thread(*thread).await,
            CommandBody::Copy { numbering, set, mailbox } => self.copy(numbering, &set, &mailbox).await,
            CommandBody::Move { numbering, set, mailbox } => self.move_to(numbering, &set, &mailbox).await,
            _ => self.reply(Reply::bad("not to be had here")),
        }
    }

    async fn select_command(&mut self, select: Select, access: Access) -> Result<()> {
        let mut asked = Asked::default();
        for parameter in &select.parameters {
            match parameter {
                SelectParameter::CondStore => asked.condstore = true,
                SelectParameter::Qresync(resync) => {
                    asked.qresync = Some(Resync {
                        uid_validity: resync.uid_validity.get(),
                        modseq: resync.mod_seq,
                        known: resync
                            .known_uids
                            .as_ref()
                            .map(|uids| uids.resolve_with(u32::MAX, &NumberSet::new())),
                    });
                }
                _ => return self.reply(Reply::bad("a parameter that is not known here")),
            }
        }
        let Some(name) = self.name(&select.mailbox) else {
            self.selected = None;
            self.says().select(Selection::None)?;
            return self.reply(Reply::no("no such mailbox").with_code("NONEXISTENT"));
        };
        self.select(&name, access, asked).await
    }

    /// CLOSE and UNSELECT: nothing is told of what goes (RFC 9051 s 6.4.1).
    async fn close_mailbox(&mut self, expunges: bool) -> Result<()> {
        let Some(selected) = self.selected.take() else { return self.reply(Reply::bad("no mailbox")) };
        if expunges && selected.access == Access::ReadWrite {
            // What could not go now goes another time.
            drop(selected.mailbox.expunge(None).await);
        }
        let modseq = selected.mailbox.view().await.map(|view| view.modseq).unwrap_or_default();
        drop(selected);
        self.says().select(Selection::None)?;
        let reply = Reply::ok("closed");
        // RFC 7162 s 3.2.9
        let tells = expunges && self.says().mode().qresync;
        self.reply(if tells { reply.with_code(format!("HIGHESTMODSEQ {modseq}")) } else { reply })
    }

    async fn expunge(&mut self, set: Option<&SequenceSet>) -> Result<()> {
        let Some(selected) = &self.selected else { return self.reply(Reply::bad("no mailbox")) };
        let among = match set.map(|set| selected.resolve(set, Numbering::Uid)) {
            Some(Ok(uids)) => Some(uids),
            Some(Err(reply)) => return self.reply(reply),
            None => None,
        };
        match selected.mailbox.expunge(among.as_ref()).await {
            Ok(_) => {
                self.tell_changes().await?;
                let modseq = self.selected.as_ref().map_or(0, |selected| selected.modseq);
                let reply = Reply::ok("expunged");
                // RFC 7162 s 3.2.7
                let tells = self.says().mode().qresync;
                self.reply(if tells { reply.with_code(format!("HIGHESTMODSEQ {modseq}")) } else { reply })
            }
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    async fn store(&mut self, store: Store) -> Result<()> {
        let Some(selected) = &self.selected else { return self.reply(Reply::bad("no mailbox")) };
        let (StoreAttribute::Flags(list) | StoreAttribute::BareFlags(list)) = &store.attribute else {
            return self.reply(Reply::bad("FLAGS is all that can be stored here"));
        };
        let mut unchanged_since = None;
        for modifier in &store.modifiers {
            match modifier {
                StoreModifier::UnchangedSince(modseq) => unchanged_since = Some(*modseq),
                _ => return self.reply(Reply::bad("a modifier that is not known here")),
            }
        }
        let uids = match selected.resolve(&store.set, store.numbering) {
            Ok(uids) => uids,
            Err(reply) => return self.reply(reply),
        };
        let action = match store.action {
            StoreAction::Replace => Action::Replace,
            StoreAction::Add => Action::Add,
            StoreAction::Remove => Action::Remove,
        };
        let change = Change { action, flags: list.iter().collect::<Flags>(), unchanged_since };
        let stored = match selected.mailbox.store(&uids, &change).await {
            Ok(stored) => stored,
            Err(refusal) => return self.finish(refused(&refusal)).await,
        };
        if unchanged_since.is_some() {
            // RFC 7162 s 3.1: it enables CONDSTORE.
            self.says().enable_condstore();
        }
        let done = uids.difference(&stored.modified).difference(&stored.gone);
        let is_uid = store.numbering == Numbering::Uid;
        if store.silence == Silence::Answer {
            self.tell_flags(&done, is_uid).await?;
        } else if self.says().mode().condstore {
            // RFC 7162 s 3.1.3: the new MODSEQ is told even if the flags are not.
            self.tell_modseqs(&done, is_uid).await?;
        } else {
            self.know(&done).await;
        }
        let mut modified = stored.modified.clone();
        if !is_uid && let Some(selected) = &self.selected {
            modified = modified
                .iter()
                .filter_map(|uid| selected.number(uid))
                .map(std::num::NonZeroU32::get)
                .collect();
        }
        let reply = match (modified.is_empty(), stored.gone.is_empty() || is_uid) {
            (false, _) => Reply::ok("some had changed").with_code(format!("MODIFIED {modified}")),
            (true, true) => Reply::ok("stored"),
            (true, false) => Reply::no("some of the messages are gone").with_code("EXPUNGEISSUED"),
        };
        self.finish(reply).await
    }

    /// The client knows what it did to these.
    async fn know(&mut self, uids: &NumberSet) {
        let uids: Vec<u32> = uids.iter().collect();
        let Some(selected) = &mut self.selected else { return };
        for chunk in uids.chunks(256) {
            let messages = selected.mailbox.fetch(chunk, Want::Marks).await.unwrap_or_default();
            selected.known.extend(messages.iter().map(|message| (message.uid, message.modseq)));
        }
    }

    async fn tell_modseqs(&mut self, uids: &NumberSet, is_uid: bool) -> Result<()> {
        self.know(uids).await;
        let mode = self.says().mode().clone();
        for uid in uids.iter() {
            let Some(selected) = &self.selected else { return Ok(()) };
            let (Some(number), Some(modseq)) = (selected.number(uid), selected.known.get(&uid).copied())
            else {
                continue;
            };
            let number = if mode.uidonly { std::num::NonZeroU32::new(uid).unwrap_or(number) } else { number };
            self.says().begin_fetch(number)?;
            if is_uid || mode.qresync || mode.uidonly {
                self.says().item(|out| {
                    out.put(b"UID ");
                    out.number(uid.into());
                })?;
            }
            self.says().item(|out| {
                out.put(b"MODSEQ (");
                out.number(modseq);
                out.octet(b')');
            })?;
            self.says().end_fetch()?;
            self.relieve().await?;
        }
        Ok(())
    }

    async fn copy(&mut self, numbering: Numbering, set: &SequenceSet, to: &Mailbox) -> Result<()> {
        let Some((uids, name)) = self.source_and_target(numbering, set, to)? else { return Ok(()) };
        let Some(selected) = &self.selected else { return Ok(()) };
        match selected.mailbox.copy(&uids, &name).await {
            Ok(copied) => {
                let reply = Reply::ok("copied");
                let code = copy_uid(&copied);
                self.finish(match code {
                    Some(code) => reply.with_code(code),
                    None => reply,
                })
                .await
            }
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    async fn move_to(&mut self, numbering: Numbering, set: &SequenceSet, to: &Mailbox) -> Result<()> {
        let Some((uids, name)) = self.source_and_target(numbering, set, to)? else { return Ok(()) };
        let Some(selected) = &self.selected else { return Ok(()) };
        match selected.mailbox.move_to(&uids, &name).await {
            Ok(copied) => {
                // RFC 6851 s 4.3: COPYUID in an untagged OK, ahead of the EXPUNGEs.
                if let Some(code) = copy_uid(&copied) {
                    self.says().tell(|out| out.put(format!("OK [{code}] moved").as_bytes()))?;
                }
                self.finish(Reply::ok("moved")).await
            }
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    fn source_and_target(
        &mut self,
        numbering: Numbering,
        set: &SequenceSet,
        to: &Mailbox,
    ) -> Result<Option<(NumberSet, String)>> {
        let Some(selected) = &self.selected else {
            return self.reply(Reply::bad("no mailbox")).map(|()| None);
        };
        let uids = match selected.resolve(set, numbering) {
            Ok(uids) => uids,
            Err(reply) => return self.reply(reply).map(|()| None),
        };
        match self.name(to) {
            Some(name) => Ok(Some((uids, name))),
            None => self.reply(Reply::no("no name for a mailbox").with_code("CANNOT")).map(|()| None),
        }
    }
}

/// `COPYUID` (RFC 4315 s 3); none if nothing was copied.
fn copy_uid(copied: &Copied) -> Option<String> {
    if copied.pairs.is_empty() {
        return None;
    }
    let from: NumberSet = copied.pairs.iter().map(|pair| pair.0).collect();
    let to: NumberSet = copied.pairs.iter().map(|pair| pair.1).collect();
    Some(format!("COPYUID {} {from} {to}", copied.uid_validity))
}
