//! The messages of one session, with their numbers and marks.

use bytes::{Bytes, BytesMut};

use super::Message;
use crate::{MessageNumber, ScanListing, UidListing, Verb};

/// The messages, with a mark on those that are to be deleted.
#[derive(Debug, Default)]
pub(super) struct Maildrop {
    messages: Vec<(Message, Mark)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Kept,
    Deleted,
}

/// A listing of many lines that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    verb: Verb,
    next: usize,
}

impl Listing {
    /// LIST or UIDL, from the first message on.
    pub(super) fn new(verb: Verb) -> Self {
        Self { verb, next: 0 }
    }
}

impl Maildrop {
    pub(super) fn new(messages: Vec<Message>) -> Self {
        Self { messages: messages.into_iter().map(|message| (message, Mark::Kept)).collect() }
    }

    /// RFC 1939 s 5: "any future reference to the message-number associated with the message in a POP3 command generates an
    /// error".
    pub(super) fn has(&self, number: MessageNumber) -> bool {
        self.kept(number).is_some()
    }

    /// DELE.
    pub(super) fn delete(&mut self, number: MessageNumber) -> Option<()> {
        let (_, mark) = self.messages.get_mut(number.index()).filter(|(_, mark)| *mark == Mark::Kept)?;
        *mark = Mark::Deleted;
        Some(())
    }

    /// RSET.
    pub(super) fn reset(&mut self) {
        self.messages.iter_mut().for_each(|(_, mark)| *mark = Mark::Kept);
    }

    /// What QUIT removes.
    pub(super) fn deleted(&self) -> Vec<MessageNumber> {
        let marked = self.messages.iter().enumerate().filter(|(_, (_, mark))| *mark == Mark::Deleted);
        marked.filter_map(|(index, _)| MessageNumber::from_index(index)).collect()
    }

    /// Number and octets of what is not marked.
    pub(super) fn total(&self) -> (usize, u64) {
        let kept = self.messages.iter().filter(|(_, mark)| *mark == Mark::Kept);
        kept.fold((0, 0), |(messages, octets), (message, _)| {
            (messages.saturating_add(1), octets.saturating_add(message.octets))
        })
    }

    /// The line of LIST or UIDL for a message, unless it is marked.
    pub(super) fn line(&self, verb: Verb, message: MessageNumber, output: &mut BytesMut) -> Option<()> {
        let kept = self.kept(message)?;
        if verb == Verb::Uidl {
            UidListing { message, unique_id: kept.unique_id.clone() }.write(output);
        } else {
            ScanListing::<Bytes> { message, octets: kept.octets, extra: None }.write(output);
        }
        Some(())
    }

    /// Lines of a listing until `most` octets of output wait; what is left of it, if it is not complete.
    pub(super) fn lines(&self, mut listing: Listing, output: &mut BytesMut, most: usize) -> Option<Listing> {
        while output.len() < most {
            if listing.next >= self.messages.len() {
                output.extend_from_slice(b".\r\n");
                return None;
            }
            if let Some(number) = MessageNumber::from_index(listing.next) {
                self.line(listing.verb, number, output);
            }
            listing.next = listing.next.saturating_add(1);
        }
        Some(listing)
    }

    fn kept(&self, number: MessageNumber) -> Option<&Message> {
        let (message, _) = self.messages.get(number.index()).filter(|(_, mark)| *mark == Mark::Kept)?;
        Some(message)
    }
}
