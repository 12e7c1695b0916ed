use std::num::NonZeroU32;

use mail46_wire::net::DriveError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::{Client, ClientError, ended, refused};
use crate::client::{Event, MailboxView, Sent};
use crate::command::{self, AppendData, AppendMessage, CommandBody, FetchModifier, SelectParameter, Silence};
use crate::command::{StoreAction, StoreAttribute};
use crate::grammar::list::MailboxList;
use crate::{
    AString, Code, DateTime, Extension, FetchAttributes, FlagList, IString, ListMailbox, LiteralForm,
    Mailbox, NumberSet, Numbering, OneOrMore, ReturnOption, SearchKeys, SequenceSet, StatusResponse,
    Untagged,
};

use super::fetch::Fetches;

/// Octets of a message that wait to be written at most.
const AHEAD: usize = 64 * 1024;

/// How a mailbox is selected.
#[derive(Clone, Debug)]
pub struct Select {
    access: Access,
    condstore: bool,
    remembered: Option<(MailboxView, u64)>,
}

#[derive(Clone, Copy, Debug)]
enum Access {
    ReadOnly,
    ReadWrite,
}

impl Select {
    /// EXAMINE: nothing changes there.
    pub const fn read_only() -> Self {
        Self { access: Access::ReadOnly, condstore: false, remembered: None }
    }

    /// SELECT.
    pub const fn read_write() -> Self {
        Self { access: Access::ReadWrite, condstore: false, remembered: None }
    }

    /// With mod-sequences (RFC 7162 s 3.1.8).
    #[must_use]
    pub fn with_condstore(mut self) -> Self {
        self.condstore = true;
        self
    }

    /// Taking up what is remembered of it: these messages, up to that mod-sequence (RFC 7162 s 3.2.5). QRESYNC must be enabled.
    #[must_use]
    pub fn resuming(mut self, uid_validity: NonZeroU32, modseq: u64, uids: &NumberSet) -> Self {
        self.remembered = Some((MailboxView::remembered(uid_validity, uids), modseq));
        self
    }
}

/// A message to be appended.
#[derive(Clone, Debug)]
pub struct Append {
    mailbox: String,
    octets: u64,
    flags: Option<FlagList>,
    date: Option<DateTime>,
}

impl Append {
    /// To this mailbox, of so many octets.
    pub fn new(mailbox: &str, octets: u64) -> Self {
        Self { mailbox: mailbox.to_owned(), octets, flags: None, date: None }
    }

    /// With these flags.
    #[must_use]
    pub fn with_flags(mut self, flags: FlagList) -> Self {
        self.flags = Some(flags);
        self
    }

    /// With this internal date.
    #[must_use]
    pub fn with_date(mut self, date: DateTime) -> Self {
        self.date = Some(date);
        self
    }
}

/// Where a message was put (RFC 4315 s 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendId {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: u32,
    /// Its UID there.
    pub uid: u32,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    /// ENABLE: what of it the server has enabled.
    ///
    /// # Errors
    /// [`ClientError`]; a misuse where a mailbox is selected.
    pub async fn enable(&mut self, extensions: &[Extension]) -> Result<Vec<Extension>, ClientError> {
        let id = self.machine.machine_mut().enable(extensions).map_err(DriveError::Protocol)?;
        let mut enabled = Vec::new();
        self.complete(id, |answer| {
            if let Untagged::Enabled(list) = answer {
                let told = crate::Capabilities::from(&list);
                enabled.extend(extensions.iter().copied().filter(|extension| told.lists(*extension)));
            }
        })
        .await?;
        Ok(enabled)
    }

    /// SELECT or EXAMINE. What is in it is then in [`view`](Self::view).
    ///
    /// # Errors
    /// [`ClientError::Refused`]: then no mailbox is selected.
    pub async fn select(&mut self, mailbox: &str, how: &Select) -> Result<StatusResponse, ClientError> {
        let mut parameters = Vec::new();
        let mut view = MailboxView::new();
        if let Some((remembered, modseq)) = &how.remembered
            && let Some(uid_validity) = remembered.uid_validity()
        {
            let known_uids = SequenceSet::of(&remembered.uids());
            let qresync = command::Qresync { uid_validity, mod_seq: *modseq, known_uids, matched: None };
            parameters.push(SelectParameter::Qresync(Box::new(qresync)));
            view = remembered.clone().resumed();
        } else if how.condstore {
            parameters.push(SelectParameter::CondStore);
        }
        let mailbox = Mailbox::new(mailbox, self.machine().mode());
        let select = command::Select { mailbox, parameters };
        let id = self.send(match how.access {
            Access::ReadOnly => CommandBody::Examine(select),
            Access::ReadWrite => CommandBody::Select(select),
        })?;
        self.view = Some(view);
        match self.complete(id, drop).await {
            Ok(end) => {
                // What SELECT itself has told is no news, and what was before is of another mailbox.
                self.notices.retain(|notice| !matches!(notice, super::Notice::Changed(_)));
                let change = self.view.as_mut().map(MailboxView::selected);
                if let Some(change @ crate::client::Change::OutOfStep(_)) = change {
                    self.notice(super::Notice::Changed(change));
                }
                Ok(end)
            }
            Err(error) => {
                self.view = None;
                Err(error)
            }
        }
    }

    /// UNSELECT, or CLOSE, which removes what is marked as deleted (RFC 9051 s 6.4.1, 6.4.2).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn close(&mut self, how: Close) -> Result<(), ClientError> {
        let id = self.send(match how {
            Close::Expunge => CommandBody::Close,
            Close::Keep => CommandBody::Unselect,
        })?;
        self.complete(id, drop).await?;
        self.view = None;
        Ok(())
    }

    /// LIST.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&mut self, reference: &str, pattern: &str) -> Result<Vec<MailboxList>, ClientError> {
        let mode = self.machine().mode();
        let list = command::List {
            select: None,
            reference: Mailbox::new(reference, mode),
            patterns: OneOrMore::One(ListMailbox::of(Mailbox::new(pattern, mode).octets().as_ref())),
            returns: None,
        };
        let id = self.send(CommandBody::List(list))?;
        let mut found = Vec::new();
        self.complete(id, |answer| {
            if let Untagged::List(list) = answer {
                found.push(list);
            }
        })
        .await?;
        Ok(found)
    }

    /// SEARCH or UID SEARCH: what was found. The server is asked to say it as ranges if it can (RFC 4731).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn search(
        &mut self,
        numbering: Numbering,
        keys: &SearchKeys,
    ) -> Result<NumberSet, ClientError> {
        let returns = self.offers(Extension::Esearch).then(|| vec![ReturnOption::All]);
        // RFC 9051 s 6.4.4: UTF-8 is the default there, and RFC 6855 s 3 forbids CHARSET.
        let ascii = keys.as_slice().iter().all(|key| format!("{key:?}").is_ascii());
        let charset = (!ascii && !self.machine().mode().takes_utf8()).then(|| AString::of(b"UTF-8"));
        let search = command::Search { numbering, returns, charset, keys: keys.clone() };
        let id = self.send(CommandBody::Search(search))?;
        let mut found = NumberSet::new();
        self.complete(id, |answer| match answer {
            Untagged::Search(data) => {
                found = found.union(&data.numbers.iter().filter(|number| *number > 0).collect())
            }
            Untagged::Esearch(data) if data.numbering == numbering => found = data.all().unwrap_or_default(),
            _ => {}
        })
        .await?;
        if numbering == Numbering::Uid
            && matches!(keys.as_slice(), [crate::SearchKey::All])
            && let Some(view) = &mut self.view
        {
            view.found_all(&found);
        }
        Ok(found)
    }

    /// FETCH or UID FETCH.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn fetch(
        &mut self,
        numbering: Numbering,
        set: &SequenceSet,
        attributes: &FetchAttributes,
    ) -> Result<Fetches<'_, T>, ClientError> {
        self.fetch_with(numbering, set, attributes, Vec::new())
    }

    /// UID FETCH of what has changed since then (RFC 7162 s 3.1.4.1), or of all; with QRESYNC also [what is
    /// gone](super::Fetched::Vanished).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn fetch_since(
        &mut self,
        set: &SequenceSet,
        attributes: &FetchAttributes,
        modseq: Option<u64>,
    ) -> Result<Fetches<'_, T>, ClientError> {
        let mut modifiers: Vec<FetchModifier> = modseq.map(FetchModifier::ChangedSince).into_iter().collect();
        if modseq.is_some() && self.machine().mode().qresync {
            modifiers.push(FetchModifier::Vanished);
        }
        self.fetch_with(Numbering::Uid, set, attributes, modifiers)
    }

    fn fetch_with(
        &mut self,
        numbering: Numbering,
        set: &SequenceSet,
        attributes: &FetchAttributes,
        modifiers: Vec<FetchModifier>,
    ) -> Result<Fetches<'_, T>, ClientError> {
        let (set, attributes) = (set.clone(), attributes.clone());
        let id = self.send(CommandBody::Fetch(command::Fetch { numbering, set, attributes, modifiers }))?;
        Ok(Fetches { client: self, id, end: None })
    }

    /// STORE or UID STORE. What the flags are then is in [`view`](Self::view).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn store(
        &mut self,
        numbering: Numbering,
        set: &SequenceSet,
        action: StoreAction,
        flags: &FlagList,
    ) -> Result<StatusResponse, ClientError> {
        let store = command::Store {
            numbering,
            set: set.clone(),
            modifiers: Vec::new(),
            action,
            silence: Silence::Answer,
            attribute: StoreAttribute::Flags(flags.clone()),
        };
        let id = self.send(CommandBody::Store(store))?;
        self.complete(id, drop).await
    }

    /// COPY or UID COPY; the end of it may say COPYUID.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn copy(
        &mut self,
        numbering: Numbering,
        set: &SequenceSet,
        mailbox: &str,
    ) -> Result<StatusResponse, ClientError> {
        let mailbox = Mailbox::new(mailbox, self.machine().mode());
        let id = self.send(CommandBody::Copy { numbering, set: set.clone(), mailbox })?;
        self.complete(id, drop).await
    }

    /// MOVE or UID MOVE (RFC 6851).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn move_to(
        &mut self,
        numbering: Numbering,
        set: &SequenceSet,
        mailbox: &str,
    ) -> Result<StatusResponse, ClientError> {
        let mailbox = Mailbox::new(mailbox, self.machine().mode());
        let id = self.send(CommandBody::Move { numbering, set: set.clone(), mailbox })?;
        self.complete(id, drop).await
    }

    /// EXPUNGE; with UIDs UID EXPUNGE, which removes none but those (RFC 4315 s 2.1).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn expunge(&mut self, uids: Option<&SequenceSet>) -> Result<(), ClientError> {
        let id = self.send(CommandBody::Expunge(uids.cloned()))?;
        self.complete(id, drop).await.map(drop)
    }

    /// APPEND: the octets are read as they are sent. Where it is then, if the server says it.
    ///
    /// # Errors
    /// [`ClientError::Refused`], before the octets if the server looks first. [`ClientError::Source`] if there are not as many
    /// octets as was said: then the connection is of no more use.
    pub async fn append(
        &mut self,
        append: &Append,
        mut octets: impl AsyncRead + Unpin,
    ) -> Result<Option<AppendId>, ClientError> {
        let mode = self.machine().mode();
        // RFC 6855 s 4: a message with UTF-8 in its header, where UTF-8 was enabled.
        let data = if mode.utf8 {
            AppendData::Utf8(IString::Streamed(LiteralForm::Literal8NonSynchronizing, append.octets))
        } else {
            AppendData::Message(IString::Streamed(LiteralForm::NonSynchronizing, append.octets))
        };
        let message =
            AppendMessage { flags: append.flags.clone(), date: append.date, extensions: Vec::new(), data };
        let mailbox = Mailbox::new(&append.mailbox, mode);
        let id = self.send(CommandBody::Append(command::Append { mailbox, message, more: Vec::new() }))?;
        let mut ended_with = None;
        loop {
            match self.event().await? {
                Event::Proceed { id: asking, .. } if asking == id => break,
                Event::Completed(completed) if completed.id == id => {
                    ended_with = Some(completed);
                    break;
                }
                other => self.aside(other),
            }
        }
        let mut block = vec![0; AHEAD];
        while self.machine().data_wanted() > 0 {
            let wanted = usize::try_from(self.machine().data_wanted()).unwrap_or(AHEAD).min(AHEAD);
            let room = block.get_mut(..wanted).unwrap_or_default();
            let read = octets.read(room).await.map_err(ClientError::Source)?;
            if read == 0 {
                return Err(ClientError::Source(std::io::ErrorKind::UnexpectedEof.into()));
            }
            let part = room.get(..read).unwrap_or_default();
            self.machine.machine_mut().data(part).map_err(DriveError::Protocol)?;
            // A refusal in the middle of the literal: the rest of it is owed all the same.
            while let Some(event) = self.stream.flush_above(&mut self.machine, AHEAD).await? {
                match event {
                    Event::Completed(completed) if completed.id == id => ended_with = Some(completed),
                    other => self.aside(other),
                }
            }
        }
        let end = match ended_with {
            Some(completed) if completed.sent == Sent::Partly => return Err(refused(completed)),
            Some(completed) => ended(completed)?,
            None => self.complete(id, drop).await?,
        };
        Ok(match end.code {
            Some(Code::AppendUid { uid_validity, uids }) => {
                let uid = uids.resolve(0).and_then(|uids| uids.first());
                uid.map(|uid| AppendId { uid_validity, uid })
            }
            _ => None,
        })
    }

    /// NOOP: the server says what has changed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn noop(&mut self) -> Result<(), ClientError> {
        let id = self.send(CommandBody::Noop)?;
        self.complete(id, drop).await.map(drop)
    }
}

/// What becomes of messages that are marked as deleted when a mailbox is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 9051 has these two
pub enum Close {
    /// CLOSE: they are removed.
    Expunge,
    /// UNSELECT: they stay.
    Keep,
}
