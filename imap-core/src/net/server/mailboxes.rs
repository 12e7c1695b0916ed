//! Commands about mailboxes, the account and the server.

use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::refused;
use super::{Result, Service, Session};
use crate::command::{Create, CreateParameter, GetMetadata, MetadataDepth, MetadataOption, SetMetadata};

use crate::server::Reply;
use crate::store::{Account, Answer, Quota, SpecialUse, Status, Subscription};
use crate::{Flag, Mailbox, Mode};

/// The name of a mailbox for the store; `None` for what is no name.
pub(super) fn name_of(mailbox: &Mailbox, mode: &Mode) -> Option<String> {
    if mailbox.is_inbox() {
        return Some("INBOX".to_owned());
    }
    mailbox.name(mode).ok().map(std::borrow::Cow::into_owned)
}

fn no_name() -> Reply {
    Reply::no("no name for a mailbox").with_code("CANNOT")
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    pub(super) fn name(&self, mailbox: &Mailbox) -> Option<String> {
        name_of(mailbox, self.machine.machine().mode())
    }

    async fn done<R>(&mut self, answer: Answer<R>, text: &'static str) -> Result<()> {
        match answer {
            Ok(_) => self.finish(Reply::ok(text)).await,
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    pub(super) async fn create(&mut self, create: Create) -> Result<()> {
        let Some(name) = self.name(&create.mailbox) else { return self.reply(no_name()) };
        let mut uses = Vec::new();
        for parameter in &create.parameters {
            let CreateParameter::Use(flags) = parameter else {
                return self.reply(Reply::bad("a parameter that is not known here"));
            };
            for flag in flags.iter() {
                // `\Flagged` is a flag's name too.
                let word = match flag {
                    Flag::Extension(word) => format!("\\{}", String::from_utf8_lossy(word.as_bytes())),
                    other => other.to_string(),
                };
                match SpecialUse::named(word.as_bytes()) {
                    Some(special) => uses.push(special),
                    None => {
                        return self.reply(Reply::no("a special use that is not known").with_code("USEATTR"));
                    }
                }
            }
        }
        let Some(account) = &self.account else { return Ok(()) };
        match account.create(&name, &uses).await {
            // RFC 8474 s 4.1
            Ok(id) => self.finish(Reply::ok("created").with_code(format!("MAILBOXID ({id})"))).await,
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    pub(super) async fn delete(&mut self, mailbox: &Mailbox) -> Result<()> {
        let Some(name) = self.name(mailbox) else { return self.reply(no_name()) };
        let Some(account) = &self.account else { return Ok(()) };
        let answer = account.delete(&name).await;
        self.done(answer, "deleted").await
    }

    pub(super) async fn rename(&mut self, from: &Mailbox, to: &Mailbox) -> Result<()> {
        let (Some(from), Some(to)) = (self.name(from), self.name(to)) else { return self.reply(no_name()) };
        let Some(account) = &self.account else { return Ok(()) };
        let answer = account.rename(&from, &to).await;
        self.done(answer, "renamed").await
    }

    pub(super) async fn subscribe(&mut self, mailbox: &Mailbox, subscription: Subscription) -> Result<()> {
        let Some(name) = self.name(mailbox) else { return self.reply(no_name()) };
        let Some(account) = &self.account else { return Ok(()) };
        let answer = account.subscribe(&name, subscription).await;
        self.done(answer, "done").await
    }

    pub(super) async fn status(&mut self, mailbox: &Mailbox, attributes: &[Vec<u8>]) -> Result<()> {
        let Some(name) = self.name(mailbox) else { return self.reply(no_name()) };
        if attributes.iter().any(|word| status_value(word, &Status::default(), 0).is_none()) {
            return self.reply(Reply::bad("an item that is not known here"));
        }
        // RFC 7162 s 3.1: asking for HIGHESTMODSEQ enables CONDSTORE.
        if attributes.iter().any(|word| word.eq_ignore_ascii_case(b"HIGHESTMODSEQ")) {
            self.says().enable_condstore();
        }
        let Some(account) = &self.account else { return Ok(()) };
        match account.status(&name).await {
            Ok(status) => {
                self.tell_status(&name, attributes, &status)?;
                self.finish(Reply::ok("told")).await
            }
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    pub(super) fn tell_status(&mut self, name: &str, attributes: &[Vec<u8>], status: &Status) -> Result<()> {
        let mailbox = Mailbox::new(name, self.machine.machine().mode());
        let limit = self.server.config.append_limit;
        Ok(self.says().tell(|out| {
            out.put(b"STATUS ");
            mailbox.write(out);
            out.put(b" (");
            let mut first = true;
            for word in attributes {
                let Some(value) = status_value(word, status, limit) else { continue };
                if !std::mem::take(&mut first) {
                    out.sp();
                }
                out.put(&word.to_ascii_uppercase());
                out.sp();
                out.put(value.as_bytes());
            }
            out.octet(b')');
        })?)
    }

    pub(super) async fn id(&mut self) -> Result<()> {
        let pairs = self.service.id();
        self.says().tell(|out| {
            out.put(b"ID ");
            if pairs.is_empty() {
                return out.put(b"NIL");
            }
            out.list(pairs.iter(), |(field, value), out| {
                out.string(field.as_bytes());
                out.sp();
                out.string(value.as_bytes());
            });
        })?;
        self.finish(Reply::ok("pleased to meet you")).await
    }

    pub(super) async fn namespace(&mut self) -> Result<()> {
        self.says().tell(|out| out.put(b"NAMESPACE ((\"\" \"/\")) NIL NIL"))?;
        self.finish(Reply::ok("told")).await
    }

    pub(super) async fn quota(&mut self, root: &[u8]) -> Result<()> {
        let root = String::from_utf8_lossy(root).into_owned();
        let Some(account) = &self.account else { return Ok(()) };
        match account.quota(&root).await {
            Ok(quota) => {
                self.tell_quota(&quota)?;
                self.finish(Reply::ok("told")).await
            }
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    pub(super) async fn quota_root(&mut self, mailbox: &Mailbox) -> Result<()> {
        let Some(name) = self.name(mailbox) else { return self.reply(no_name()) };
        let Some(account) = &self.account else { return Ok(()) };
        match account.quota_roots(&name).await {
            Ok(quotas) => {
                self.says().tell(|out| {
                    out.put(b"QUOTAROOT ");
                    mailbox.write(out);
                    for quota in &quotas {
                        out.sp();
                        out.astring(quota.root.as_bytes());
                    }
                })?;
                for quota in &quotas {
                    self.tell_quota(quota)?;
                }
                self.finish(Reply::ok("told")).await
            }
            Err(refusal) => self.finish(refused(&refusal)).await,
        }
    }

    fn tell_quota(&mut self, quota: &Quota) -> Result<()> {
        Ok(self.says().tell(|out| {
            out.put(b"QUOTA ");
            out.astring(quota.root.as_bytes());
            out.put(b" ");
            out.list(&quota.resources, |(name, usage, limit), out| {
                out.put(name.as_bytes());
                out.sp();
                out.number(*usage);
                out.sp();
                out.number(*limit);
            });
        })?)
    }

    pub(super) async fn get_metadata(&mut self, get: GetMetadata) -> Result<()> {
        let place = if get.mailbox.octets().is_empty() { None } else { self.name(&get.mailbox) };
        let (mut depth, mut most) = (MetadataDepth::Zero, u32::MAX);
        for option in &get.options {
            match option {
                MetadataOption::MaxSize(size) => most = *size,
                MetadataOption::Depth(of) => depth = *of,
                MetadataOption::Other(_) => {
                    return self.reply(Reply::bad("an option that is not known here"));
                }
            }
        }
        let Some(account) = &self.account else { return Ok(()) };
        let entries = match account.metadata(place.as_deref()).await {
            Ok(entries) => entries,
            Err(refusal) => return self.finish(refused(&refusal)).await,
        };
        let asked: Vec<String> = get
            .entries
            .as_slice()
            .iter()
            .map(|entry| String::from_utf8_lossy(&entry.octets()).to_ascii_lowercase())
            .collect();
        let is_asked = |name: &str| {
            asked.iter().any(|asked| match name.strip_prefix(asked.as_str()) {
                Some("") => true,
                Some(below) if below.starts_with('/') => match depth {
                    MetadataDepth::Zero => false,
                    MetadataDepth::One => !below.trim_start_matches('/').contains('/'),
                    MetadataDepth::Infinity => true,
                },
                _ => false,
            })
        };
        let mut longest = 0;
        let mut told = Vec::new();
        for (name, value) in entries.into_iter().filter(|(name, _)| is_asked(name)) {
            if value.len() > usize::try_from(most).unwrap_or(usize::MAX) {
                longest = longest.max(value.len());
            } else {
                told.push((name, value));
            }
        }
        if !told.is_empty() {
            self.says().tell(|out| {
                out.put(b"METADATA ");
                get.mailbox.write(out);
                out.sp();
                out.list(&told, |(name, value), out| {
                    out.astring(name.as_bytes());
                    out.sp();
                    out.string(value);
                });
            })?;
        }
        let reply = Reply::ok("told");
        // RFC 5464 s 4.2.1
        self.finish(if longest > 0 {
            reply.with_code(format!("METADATA LONGENTRIES {longest}"))
        } else {
            reply
        })
        .await
    }

    pub(super) async fn set_metadata(&mut self, set: SetMetadata) -> Result<()> {
        let place = if set.mailbox.octets().is_empty() { None } else { self.name(&set.mailbox) };
        let mut values = Vec::new();
        for (name, value) in &set.values {
            let name = String::from_utf8_lossy(&name.octets()).into_owned();
            let folded = name.to_ascii_lowercase();
            // RFC 5464 s 4: names begin so, have no empty level, and are ASCII without controls.
            let is_good = (folded.starts_with("/private/") || folded.starts_with("/shared/"))
                && !folded.contains("//")
                && !folded.ends_with('/')
                && folded.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
            if !is_good {
                return self.reply(Reply::bad("no name for an entry"));
            }
            values.push((name, value.octets().map(|octets| bytes::Bytes::copy_from_slice(&octets))));
        }
        let Some(account) = &self.account else { return Ok(()) };
        match account.set_metadata(place.as_deref(), values).await {
            Ok(()) => self.finish(Reply::ok("set")).await,
            Err(refusal) => {
                // RFC 5464 s 4.3
                let reply = match refusal.reason {
                    crate::store::Reason::TooBig => {
                        Reply::no("a value is too long").with_code("METADATA MAXSIZE 4096")
                    }
                    crate::store::Reason::Limit => {
                        Reply::no("too many entries").with_code("METADATA TOOMANY")
                    }
                    _ => refused(&refusal),
                };
                self.finish(reply).await
            }
        }
    }
}

/// A STATUS item's value; `None` for one that is not known.
fn status_value(word: &[u8], status: &Status, limit: u32) -> Option<String> {
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    Some(match () {
        () if is("MESSAGES") => status.messages.to_string(),
        () if is("UIDNEXT") => status.uid_next.to_string(),
        () if is("UIDVALIDITY") => status.uid_validity.to_string(),
        () if is("UNSEEN") => status.unseen.to_string(),
        () if is("DELETED") => status.deleted.to_string(),
        () if is("RECENT") => status.recent.to_string(),
        () if is("SIZE") => status.size.to_string(),
        () if is("HIGHESTMODSEQ") => status.highest_modseq.to_string(),
        () if is("MAILBOXID") => format!("({})", status.mailbox_id.as_deref().unwrap_or("0")),
        () if is("APPENDLIMIT") => limit.to_string(),
        () => return None,
    })
}
