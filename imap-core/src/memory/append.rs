use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::MemoryAccount;
use super::mailbox::{Kept, Shared};
use crate::message::{Scanner, Structure};
use crate::store::{Answer, Append, Appended, Incoming, Reason, Refusal};
use crate::{DateTime, NumberSet};

/// Messages on their way into a mailbox in memory.
#[derive(Debug)]
pub struct MemoryAppend {
    account: MemoryAccount,
    mailbox: Arc<Shared>,
    /// Whole ones.
    messages: Vec<Kept>,
    present: Option<Present>,
    /// Counted already, and given back if nothing comes of it.
    room: u64,
}

#[derive(Debug)]
struct Present {
    incoming: Incoming,
    octets: BytesMut,
    scanner: Scanner,
}

impl MemoryAppend {
    pub(super) fn new(account: MemoryAccount, mailbox: Arc<Shared>) -> Self {
        Self { account, mailbox, messages: Vec::new(), present: None, room: 0 }
    }

    pub(super) fn start(&mut self, incoming: Incoming) {
        self.end_message();
        self.present = Some(Present { incoming, octets: BytesMut::new(), scanner: Scanner::new() });
    }

    pub(super) fn add(&mut self, octets: &[u8]) -> Answer<()> {
        let Some(present) = &mut self.present else {
            return Err(Refusal::new(Reason::ServerBug, "octets of no message"));
        };
        self.account.take_room(octets.len() as u64)?;
        self.room = self.room.saturating_add(octets.len() as u64);
        present.octets.extend_from_slice(octets);
        present.scanner.feed(octets);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Answer<Appended> {
        self.end_message();
        let messages = std::mem::take(&mut self.messages);
        let uids = self.mailbox.insert(messages)?;
        self.room = 0;
        Ok(Appended {
            uid_validity: self.mailbox.uid_validity(),
            uids: uids.into_iter().collect::<NumberSet>(),
        })
    }

    fn end_message(&mut self) {
        let Some(Present { incoming, octets, scanner }) = self.present.take() else { return };
        let structure = scanner.finish();
        let saved = DateTime::from_unix(self.account.now(), 0);
        let Some(internal_date) = incoming.internal_date.or(saved) else { return };
        self.messages.push(Kept {
            flags: incoming.flags,
            modseq: 0,
            internal_date,
            save_date: saved,
            email_id: self.account.id('M'),
            thread_id: self.account.thread(&message_ids(&structure)),
            structure: Arc::new(structure),
            octets: octets.freeze(),
        });
    }
}

impl Append for MemoryAppend {
    async fn begin(&mut self, message: Incoming) -> Answer<()> {
        self.start(message);
        Ok(())
    }

    async fn write(&mut self, octets: Bytes) -> Answer<()> {
        self.add(&octets)
    }

    async fn commit(self) -> Answer<Appended> {
        self.finish()
    }
}

impl Drop for MemoryAppend {
    fn drop(&mut self) {
        self.account.give_room(self.room);
    }
}

/// Of the message and of those it answers.
fn message_ids(structure: &Structure) -> Vec<Vec<u8>> {
    let Some(root) = structure.root() else { return Vec::new() };
    let mut ids = Vec::new();
    for name in ["Message-ID", "In-Reply-To", "References"] {
        ids.extend(crate::message::ids::message_ids(&root.field(name).unwrap_or_default()));
    }
    ids.truncate(100);
    ids
}
