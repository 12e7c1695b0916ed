//! APPEND and REPLACE: messages as they come, into the store.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::refused;
use super::mailboxes::name_of;
use super::{Result, Service, Session};
use crate::grammar::section::{Section, SectionText};
use crate::message::Piece;
use crate::message::section::Want as Part;
use crate::server::{AppendRequest, Event, IncomingMessage, Reply};
use crate::store::{
    Access, Account, Action, Append as _, Change, Flags, Incoming, Mailbox as _, Reason, Refusal, Want,
};
use crate::{Flag, Mailbox, Mode, NumberSet};

fn incoming(message: &IncomingMessage) -> Incoming {
    Incoming {
        flags: message.flags.iter().collect::<Flags>(),
        internal_date: message.date,
        size: message.size,
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    pub(super) async fn append(&mut self, request: AppendRequest) -> Result<()> {
        let Some(name) = self.name(&request.mailbox) else {
            return self.reply(Reply::no("no name for a mailbox").with_code("CANNOT"));
        };
        let replaced = match &request.replaces {
            None => None,
            Some(replaced) => match self.replaced(replaced) {
                Ok(uid) => Some(uid),
                Err(reply) => return self.reply(reply),
            },
        };
        let Some(account) = &self.account else { return Ok(()) };
        let mut append = match account.append(&name).await {
            Ok(append) => append,
            Err(refusal) => return self.reply(refused(&refusal)),
        };
        if let Err(refusal) = append.begin(incoming(&request.message)).await {
            return self.reply(refused(&refusal));
        }
        self.says().accept_message()?;
        loop {
            // What was refused is swallowed and answered by the machine.
            let refusal = match self.stream.drive(&mut self.machine).await? {
                Event::Data(octets) => append.write(octets).await.err(),
                Event::MessageEnd => None,
                Event::NextMessage(message) => match append.begin(incoming(&message)).await {
                    Ok(()) => {
                        self.says().accept_message()?;
                        None
                    }
                    Err(refusal) => Some(refusal),
                },
                Event::CatenateText(_) => {
                    self.says().accept_message()?;
                    None
                }
                Event::CatenateUrl(url) => match self.catenate(&url, &mut append).await {
                    Ok(()) => {
                        self.says().accept_message()?;
                        None
                    }
                    Err(refusal) if refusal.reason == Reason::Other => {
                        // RFC 4469 s 4.1; a URL that cannot stand in a code is not repeated.
                        let is_plain = url.iter().all(|octet| octet.is_ascii_graphic() && *octet != b']');
                        let url = String::from_utf8_lossy(&url).into_owned();
                        let reply = Reply::no("no such part");
                        return self.reply(if is_plain {
                            reply.with_code(format!("BADURL {url}"))
                        } else {
                            reply
                        });
                    }
                    Err(refusal) => Some(refusal),
                },
                Event::AppendEnd => break,
                // Refused by the machine, or the session is over: what was gathered is dropped, and the event is another's.
                other => return Box::pin(self.take(other)).await.map(drop),
            };
            if let Some(refusal) = refusal {
                return self.reply(refused(&refusal));
            }
        }
        let appended = match append.commit().await {
            Ok(appended) => appended,
            Err(refusal) => return self.finish(refused(&refusal)).await,
        };
        let code = format!("APPENDUID {} {}", appended.uid_validity, appended.uids);
        let Some(uid) = replaced else { return self.finish(Reply::ok("appended").with_code(code)).await };
        // RFC 8508 s 3.1: APPENDUID in an untagged OK, then what went.
        self.says().tell(|out| out.put(format!("OK [{code}] replacement is there").as_bytes()))?;
        let old: NumberSet = [uid].into_iter().collect();
        if let Some(selected) = &self.selected {
            let flags: Flags = [Flag::<Bytes>::Deleted].into_iter().collect();
            let change = Change { action: Action::Add, flags, unchanged_since: None };
            drop(selected.mailbox.store(&old, &change).await);
            drop(selected.mailbox.expunge(Some(&old)).await);
        }
        self.finish(Reply::ok("replaced")).await
    }

    /// The message that REPLACE names: one that is there (RFC 8508 s 3.1).
    fn replaced(&self, replaced: &crate::server::Replaced) -> std::result::Result<u32, Reply> {
        let Some(selected) = &self.selected else { return Err(Reply::bad("no mailbox")) };
        if selected.access == Access::ReadOnly {
            return Err(Reply::no("the mailbox is open for reading").with_code("READ-ONLY"));
        }
        let uids = selected.resolve(&replaced.message, replaced.numbering)?;
        match (uids.first(), uids.len()) {
            (Some(uid), 1) => Ok(uid),
            _ => Err(Reply::no("no such message")),
        }
    }

    /// A part that is in a mailbox already (RFC 4469 s 3), by a URL relative to the account (RFC 5092 s 7).
    async fn catenate(
        &mut self,
        url: &[u8],
        append: &mut <S::Account as Account>::Append,
    ) -> std::result::Result<(), Refusal> {
        let bad = || Refusal::new(Reason::Other, "no such part");
        let mode = self.says().mode().clone();
        let part = UrlPart::parse(url, &mode).ok_or_else(bad)?;
        let account = self.account.as_ref().ok_or_else(bad)?;
        let mailbox = account.open(&part.mailbox, Access::ReadOnly).await.map_err(|_| bad())?;
        let info = mailbox.info().await?;
        if part.uid_validity.is_some_and(|validity| validity != info.uid_validity) {
            return Err(bad());
        }
        let message = mailbox.fetch(&[part.uid], Want::Structure).await?.pop().ok_or_else(bad)?;
        let structure = message.structure.ok_or_else(bad)?;
        let section = Section::parse(&part.section).map_err(|_| bad())?;
        let numbers: Vec<u32> = section.part().map(std::num::NonZeroU32::get).collect();
        let want = match section.text() {
            SectionText::Whole => Part::All,
            SectionText::Header => Part::Header,
            SectionText::Text => Part::Text,
            SectionText::Mime => Part::Mime,
            _ => return Err(bad()),
        };
        match structure.section(&numbers, want).ok_or_else(bad)? {
            Piece::Octets(octets) => append.write(octets).await,
            Piece::Range(range) => {
                let mut at = range.start;
                while at < range.end {
                    let octets = mailbox.read(part.uid, at).await?;
                    let left = usize::try_from(range.end.saturating_sub(at)).unwrap_or(usize::MAX);
                    let octets = octets.slice(..left.min(octets.len()));
                    if octets.is_empty() {
                        return Err(bad());
                    }
                    at = at.saturating_add(octets.len() as u64);
                    append.write(octets).await?;
                }
                Ok(())
            }
        }
    }
}

/// `/mailbox[;UIDVALIDITY=n]/;UID=n[/;SECTION=…]` (RFC 5092 s 11)
#[derive(Debug, PartialEq, Eq)]
struct UrlPart {
    mailbox: String,
    uid_validity: Option<u32>,
    uid: u32,
    section: Vec<u8>,
}

impl UrlPart {
    fn parse(url: &[u8], mode: &Mode) -> Option<Self> {
        let text = std::str::from_utf8(url).ok()?.strip_prefix('/')?;
        let (mailbox, rest) = text.split_once("/;")?;
        let (mailbox, uid_validity) = match mailbox.split_once(';') {
            Some((mailbox, validity)) => (mailbox, Some(value(validity, "UIDVALIDITY")?.parse().ok()?)),
            None => (mailbox, None),
        };
        let (uid, section) = match rest.split_once("/;") {
            Some((uid, section)) => (uid, unescaped(value(section, "SECTION")?)?),
            None => (rest, Vec::new()),
        };
        // RFC 5092 s 6.1: names are UTF-8, escaped.
        let name = String::from_utf8(unescaped(mailbox)?).ok()?;
        let mailbox = name_of(&Mailbox::new(&name, mode), mode)?;
        Some(Self { mailbox, uid_validity, uid: value(uid, "UID")?.parse().ok()?, section })
    }
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = text.split_once('=')?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let digit = |octet: Option<u8>| char::from(octet?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        octets.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    #[test]
    fn urls_of_parts() {
        let mode = Mode::new(Profile::Strict);
        let rows = [
            (
                "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
                Some(("Drafts", Some(385_759_045), 20, "HEADER")),
                "RFC 4469 s 5",
            ),
            ("/inbox/;UID=1", Some(("INBOX", None, 1, "")), "a whole message"),
            ("/a%2Fb%C3%A9/;UID=1/;SECTION=1.2", Some(("a/bé", None, 1, "1.2")), "escaped"),
            ("imap://host/INBOX/;UID=1", None, "another server's"),
            ("/INBOX", None, "a mailbox"),
            ("/INBOX/;UID=x", None, "no UID"),
            ("/a%2/;UID=1", None, "half an escape"),
        ];
        for (url, want, shows) in rows {
            let part = UrlPart::parse(url.as_bytes(), &mode);
            let got = part.as_ref().map(|part| {
                (
                    part.mailbox.as_str(),
                    part.uid_validity,
                    part.uid,
                    std::str::from_utf8(&part.section).unwrap(),
                )
            });
            assert_eq!(got, want, "{shows}");
        }
    }
}
