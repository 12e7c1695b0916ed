//! What a client wants to be told of (RFC 5465), and which mailboxes that or a search is about (RFC 7377).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::fetch::FetchAttributes;
use crate::grammar::mailbox::Mailbox;
use crate::grammar::parameter::{OneOrMore, list, list_follows, to_end};
use crate::grammar::string::Atom;
use crate::writer::Writer;

/// `filter-mailboxes`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxFilter<B = Bytes> {
    /// `selected`
    Selected,
    /// `selected-delayed`: without EXPUNGE where sequence numbers matter.
    SelectedDelayed,
    /// `inboxes`: where new mail may come.
    Inboxes,
    /// `personal`
    Personal,
    /// `subscribed`
    Subscribed,
    /// `subtree`: these and all below them.
    Subtree(OneOrMore<Mailbox<B>>),
    /// `subtree-one` (RFC 7377): these and those one level below them.
    SubtreeOne(OneOrMore<Mailbox<B>>),
    /// `mailboxes`: these.
    Mailboxes(OneOrMore<Mailbox<B>>),
}

impl<'a, B: Keep<'a>> MailboxFilter<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let start = c.at();
        let word = c.word(class::ATOM, "which mailboxes")?;
        let mailboxes = |c: &mut Cursor<'a, B>| c.sp().and_then(|()| OneOrMore::parse(c, Mailbox::parse));
        Ok(match word {
            _ if word.eq_ignore_ascii_case(b"selected") => Self::Selected,
            _ if word.eq_ignore_ascii_case(b"selected-delayed") => Self::SelectedDelayed,
            _ if word.eq_ignore_ascii_case(b"inboxes") => Self::Inboxes,
            _ if word.eq_ignore_ascii_case(b"personal") => Self::Personal,
            _ if word.eq_ignore_ascii_case(b"subscribed") => Self::Subscribed,
            _ if word.eq_ignore_ascii_case(b"subtree") => Self::Subtree(mailboxes(c)?),
            _ if word.eq_ignore_ascii_case(b"subtree-one") => Self::SubtreeOne(mailboxes(c)?),
            _ if word.eq_ignore_ascii_case(b"mailboxes") => Self::Mailboxes(mailboxes(c)?),
            _ => {
                c.back_to(start);
                return Err(c.fault("which mailboxes"));
            }
        })
    }
}

impl<B: AsRef<[u8]>> MailboxFilter<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let (name, mailboxes): (&[u8], _) = match self {
            Self::Selected => (b"selected", None),
            Self::SelectedDelayed => (b"selected-delayed", None),
            Self::Inboxes => (b"inboxes", None),
            Self::Personal => (b"personal", None),
            Self::Subscribed => (b"subscribed", None),
            Self::Subtree(mailboxes) => (b"subtree ", Some(mailboxes)),
            Self::SubtreeOne(mailboxes) => (b"subtree-one ", Some(mailboxes)),
            Self::Mailboxes(mailboxes) => (b"mailboxes ", Some(mailboxes)),
        };
        out.put(name);
        if let Some(mailboxes) = mailboxes {
            mailboxes.write(out, Mailbox::write);
        }
    }
}

/// `event`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotifyEvent<B: AsRef<[u8]> = Bytes> {
    /// `MessageNew`, and what to fetch of it.
    MessageNew(Option<FetchAttributes<B>>),
    /// `MessageExpunge`
    MessageExpunge,
    /// `FlagChange`
    FlagChange,
    /// `AnnotationChange`
    AnnotationChange,
    /// `MailboxName`: created, deleted or renamed.
    MailboxName,
    /// `SubscriptionChange`
    SubscriptionChange,
    /// `MailboxMetadataChange`
    MailboxMetadataChange,
    /// `ServerMetadataChange`
    ServerMetadataChange,
    /// Another.
    Other(Atom<B>),
}

/// `notify = "NOTIFY" SP (notify-set / notify-none)`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5465 s 8")]
pub enum Notify<B: AsRef<[u8]> = Bytes> {
    /// `NONE`
    None,
    /// `SET`
    Set {
        /// `STATUS`: a STATUS response for each mailbox first.
        status: bool,
        /// `event-group = "(" filter-mailboxes SP events ")"`; without events it says `NONE`.
        groups: Vec<(MailboxFilter<B>, Vec<NotifyEvent<B>>)>,
    },
}

impl<'a, B: Keep<'a>> Notify<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.eat_keyword(b"NONE") {
            return Ok(Self::None);
        }
        if !c.eat_keyword(b"SET") {
            return Err(c.fault("SET or NONE"));
        }
        let status = c.eat_keyword(b" STATUS");
        let groups = to_end(c, |c| {
            c.open("an event group")?;
            let filter = MailboxFilter::parse(c)?;
            c.sp()?;
            let events = if c.peek() == Some(b'(') {
                list(c, event)?
            } else if c.eat_keyword(b"NONE") {
                Vec::new()
            } else {
                return Err(c.fault("events or NONE"));
            };
            if c.close()? { Ok((filter, events)) } else { Err(c.fault("')'")) }
        })?;
        if groups.is_empty() {
            return Err(c.fault("an event group"));
        }
        Ok(Self::Set { status, groups })
    }
}

fn event<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, name: &'a [u8]) -> Result<NotifyEvent<B>> {
    Ok(match name {
        _ if name.eq_ignore_ascii_case(b"MessageNew") => {
            let items = if list_follows(c)? { Some(FetchAttributes::read(c)?) } else { None };
            NotifyEvent::MessageNew(items)
        }
        _ if name.eq_ignore_ascii_case(b"MessageExpunge") => NotifyEvent::MessageExpunge,
        _ if name.eq_ignore_ascii_case(b"FlagChange") => NotifyEvent::FlagChange,
        _ if name.eq_ignore_ascii_case(b"AnnotationChange") => NotifyEvent::AnnotationChange,
        _ if name.eq_ignore_ascii_case(b"MailboxName") => NotifyEvent::MailboxName,
        _ if name.eq_ignore_ascii_case(b"SubscriptionChange") => NotifyEvent::SubscriptionChange,
        _ if name.eq_ignore_ascii_case(b"MailboxMetadataChange") => NotifyEvent::MailboxMetadataChange,
        _ if name.eq_ignore_ascii_case(b"ServerMetadataChange") => NotifyEvent::ServerMetadataChange,
        _ => NotifyEvent::Other(Atom::of_checked(c.keep(name))),
    })
}

impl<B: AsRef<[u8]>> NotifyEvent<B> {
    fn write(&self, out: &mut Writer<'_>) {
        out.put(match self {
            Self::MessageNew(items) => {
                out.put(b"MessageNew");
                if let Some(items) = items {
                    out.sp();
                    items.write(out);
                }
                return;
            }
            Self::MessageExpunge => b"MessageExpunge",
            Self::FlagChange => b"FlagChange",
            Self::AnnotationChange => b"AnnotationChange",
            Self::MailboxName => b"MailboxName",
            Self::SubscriptionChange => b"SubscriptionChange",
            Self::MailboxMetadataChange => b"MailboxMetadataChange",
            Self::ServerMetadataChange => b"ServerMetadataChange",
            Self::Other(name) => name.as_bytes(),
        });
    }
}

impl<B: AsRef<[u8]>> Notify<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let Self::Set { status, groups } = self else { return out.put(b"NONE") };
        out.put(if *status { b"SET STATUS" } else { b"SET" });
        for (filter, events) in groups {
            out.put(b" (");
            filter.write(out);
            out.sp();
            if events.is_empty() {
                out.put(b"NONE");
            } else {
                out.list(events, NotifyEvent::write);
            }
            out.octet(b')');
        }
    }
}
