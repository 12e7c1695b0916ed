//! LIST and LSUB: which names match, and what is said of them (RFC 9051 s 6.3.9, RFC 3501 s 6.3.9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::refused;
use super::{Result, Service, Session};
use crate::command::{List, ListReturn, ListSelect};
use crate::server::Reply;
use crate::store::{Account, Entry, Presence};
use crate::{ListMailbox, Mailbox, Mode};

/// What LIST asks besides the patterns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Options {
    subscribed: bool,
    recursive: bool,
    special_use: bool,
    tells_subscribed: bool,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: Arc<str>,
    attributes: Vec<&'static str>,
    /// CHILDINFO: something below it is subscribed.
    child_info: bool,
    is_mailbox: bool,
}

/// Names that match, with what is to be said of each, in order.
fn lines(entries: &[Entry], patterns: &[ListMailbox], mode: &Mode, options: Options) -> Vec<Line> {
    let there: BTreeSet<&str> =
        entries.iter().filter(|entry| entry.presence != Presence::None).map(|entry| &*entry.name).collect();
    let has_children = |name: &str| {
        let below = format!("{name}/");
        there.range(below.as_str()..).next().is_some_and(|next| next.starts_with(&below))
    };
    let subscribed: BTreeSet<&str> =
        entries.iter().filter(|entry| entry.subscribed).map(|entry| &*entry.name).collect();
    let has_subscribed = |name: &str| {
        let below = format!("{name}/");
        subscribed.range(below.as_str()..).next().is_some_and(|next| next.starts_with(&below))
    };
    let matches = |name: &str| {
        let octets = Mailbox::new(name, mode).octets().into_owned();
        patterns.iter().any(|pattern| pattern.matches(&octets, Some(b'/')))
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        if !matches(&entry.name) {
            continue;
        }
        // RFC 5258 s 3.5: its children meet the criterion, though it may not itself.
        let child_info = options.recursive && options.subscribed && has_subscribed(&entry.name);
        let meets = (!options.subscribed || entry.subscribed)
            && (!options.special_use || !entry.uses.is_empty())
            && (options.subscribed || entry.presence != Presence::None);
        if !(meets || child_info && entry.presence != Presence::None) {
            continue;
        }
        let mut attributes = Vec::new();
        match entry.presence {
            Presence::Mailbox => {}
            Presence::Level => attributes.push("\\Noselect"),
            Presence::None => attributes.push("\\NonExistent"),
        }
        if entry.subscribed && (options.subscribed || options.tells_subscribed) {
            attributes.push("\\Subscribed");
        }
        attributes.push(if has_children(&entry.name) { "\\HasChildren" } else { "\\HasNoChildren" });
        attributes.extend(entry.uses.iter().map(|each| each.attribute()));
        let is_mailbox = entry.presence == Presence::Mailbox;
        found.insert(
            Arc::clone(&entry.name),
            Line { name: Arc::clone(&entry.name), attributes, child_info, is_mailbox },
        );
    }
    found.into_values().collect()
}

/// LSUB: subscribed names; and with `%` those above them (RFC 3501 s 6.3.9).
fn subscribed(entries: &[Entry], pattern: &ListMailbox, mode: &Mode) -> Vec<Line> {
    let matches = |name: &str| {
        let octets = Mailbox::new(name, mode).octets().into_owned();
        pattern.matches(&octets, Some(b'/'))
    };
    let mut found: BTreeMap<Arc<str>, Line> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.subscribed) {
        if matches(&entry.name) {
            let attributes =
                if entry.presence == Presence::Mailbox { Vec::new() } else { vec!["\\Noselect"] };
            let name = Arc::clone(&entry.name);
            let line = Line { name: Arc::clone(&name), attributes, child_info: false, is_mailbox: true };
            found.insert(name, line);
            continue;
        }
        for (at, _) in entry.name.match_indices('/') {
            let Some(above) = entry.name.get(..at).filter(|above| matches(above)) else { continue };
            let name: Arc<str> = above.into();
            found.entry(Arc::clone(&name)).or_insert_with(|| Line {
                name,
                attributes: vec!["\\Noselect"],
                child_info: false,
                is_mailbox: false,
            });
        }
    }
    found.into_values().collect()
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    pub(super) async fn list(&mut self, list: List) -> Result<()> {
        let mut options = Options::default();
        for select in list.select.iter().flatten() {
            match select {
                ListSelect::Subscribed => options.subscribed = true,
                ListSelect::Remote => {} // there are none (RFC 5258 s 3.1)
                ListSelect::RecursiveMatch => options.recursive = true,
                ListSelect::SpecialUse => options.special_use = true,
                _ => return self.reply(Reply::bad("a selection option that is not known here")),
            }
        }
        let mut status = None;
        for option in list.returns.iter().flatten() {
            match option {
                ListReturn::Subscribed => options.tells_subscribed = true,
                ListReturn::Children | ListReturn::SpecialUse => {} // told always
                ListReturn::Status(attributes) => {
                    status = Some(attributes.iter().map(|each| each.as_bytes().to_vec()).collect::<Vec<_>>());
                }
                _ => return self.reply(Reply::bad("a return option that is not known here")),
            }
        }
        let reference = list.reference.octets().into_owned();
        let patterns = list.patterns.as_slice();
        if list.select.is_none() && matches!(patterns, [pattern] if pattern.octets().is_empty()) {
            // RFC 9051 s 6.3.9: the delimiter, and the root of the reference.
            self.says().tell(|out| out.put(b"LIST (\\Noselect) \"/\" \"\""))?;
            return self.finish(Reply::ok("listed")).await;
        }
        let patterns: Vec<ListMailbox> = patterns
            .iter()
            .map(|pattern| ListMailbox::of(&[&reference[..], &pattern.octets()].concat()))
            .collect();
        let Some(entries) = self.entries().await? else { return Ok(()) };
        let mode = self.says().mode().clone();
        for line in lines(&entries, &patterns, &mode, options) {
            self.tell_line("LIST", &line, &mode)?;
            if let (Some(attributes), true) = (&status, line.is_mailbox) {
                // RFC 5819 s 2: a STATUS that cannot be told is left out.
                let Some(account) = &self.account else { break };
                if let Ok(told) = account.status(&line.name).await {
                    self.tell_status(&line.name, attributes, &told)?;
                }
            }
            self.relieve().await?;
        }
        self.finish(Reply::ok("listed")).await
    }

    pub(super) async fn lsub(&mut self, reference: &Mailbox, pattern: &ListMailbox) -> Result<()> {
        let pattern = ListMailbox::of(&[&*reference.octets(), &pattern.octets()].concat());
        let Some(entries) = self.entries().await? else { return Ok(()) };
        let mode = self.says().mode().clone();
        for line in subscribed(&entries, &pattern, &mode) {
            self.tell_line("LSUB", &line, &mode)?;
            self.relieve().await?;
        }
        self.finish(Reply::ok("listed")).await
    }

    async fn entries(&mut self) -> Result<Option<Vec<Entry>>> {
        let Some(account) = &self.account else { return Ok(None) };
        match account.mailboxes().await {
            Ok(entries) => Ok(Some(entries)),
            Err(refusal) => self.reply(refused(&refusal)).map(|()| None),
        }
    }

    fn tell_line(&mut self, word: &str, line: &Line, mode: &Mode) -> Result<()> {
        let mailbox = Mailbox::new(&line.name, mode);
        Ok(self.says().tell(|out| {
            out.put(word.as_bytes());
            out.put(b" (");
            out.put(line.attributes.join(" ").as_bytes());
            out.put(b") \"/\" ");
            mailbox.write(out);
            if line.child_info {
                out.put(b" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
            }
        })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use crate::store::SpecialUse;

    fn shown(lines: &[Line]) -> Vec<String> {
        let child_info = |line: &Line| if line.child_info { " +" } else { "" };
        lines
            .iter()
            .map(|line| format!("{} {}{}", line.name, line.attributes.join(" "), child_info(line)))
            .collect()
    }

    /// RFC 5258 s 5, example 1 to 8.
    fn fruit() -> Vec<Entry> {
        let entry = |name: &str, presence, subscribed| Entry {
            name: name.into(),
            presence,
            subscribed,
            uses: Vec::new(),
        };
        vec![
            entry("INBOX", Presence::Mailbox, true),
            entry("Fruit", Presence::Mailbox, true),
            entry("Fruit/Apple", Presence::Mailbox, false),
            entry("Fruit/Banana", Presence::Mailbox, true),
            entry("Fruit/Peach", Presence::None, true),
            entry("Tofu", Presence::Mailbox, false),
            entry("Vegetable", Presence::Mailbox, true),
            entry("Vegetable/Broccoli", Presence::Mailbox, true),
            entry("Vegetable/Corn", Presence::Mailbox, false),
            Entry {
                name: "Sent".into(),
                presence: Presence::Mailbox,
                subscribed: false,
                uses: vec![SpecialUse::Sent],
            },
        ]
    }

    #[test]
    fn names_that_match() {
        let (mode, entries) = (Mode::new(Profile::Strict), fruit());
        let pattern = |text: &str| [ListMailbox::of(text.as_bytes())];
        let all = shown(&lines(&entries, &pattern("*"), &mode, Options::default()));
        assert_eq!(all.len(), 9, "RFC 5258 s 5, example 1: without Fruit/Peach, which is not there");
        assert!(
            all.contains(&"Fruit \\HasChildren".to_owned())
                && all.contains(&"Sent \\HasNoChildren \\Sent".to_owned())
        );
        let options = Options { subscribed: true, ..Options::default() };
        assert_eq!(
            shown(&lines(&entries, &pattern("*"), &mode, options)),
            [
                "Fruit \\Subscribed \\HasChildren",
                "Fruit/Banana \\Subscribed \\HasNoChildren",
                "Fruit/Peach \\NonExistent \\Subscribed \\HasNoChildren",
                "INBOX \\Subscribed \\HasNoChildren",
                "Vegetable \\Subscribed \\HasChildren",
                "Vegetable/Broccoli \\Subscribed \\HasNoChildren",
            ],
            "RFC 5258 s 5, example 2"
        );
        let options = Options { subscribed: true, recursive: true, ..Options::default() };
        let entries: Vec<Entry> = fruit()
            .into_iter()
            .map(|entry| Entry { subscribed: entry.subscribed && &*entry.name != "Fruit", ..entry })
            .collect();
        assert_eq!(
            shown(&lines(&entries, &pattern("%"), &mode, options)),
            [
                "Fruit \\HasChildren +",
                "INBOX \\Subscribed \\HasNoChildren",
                "Vegetable \\Subscribed \\HasChildren +"
            ],
            "RFC 5258 s 5, example 7"
        );
        let options = Options { special_use: true, ..Options::default() };
        assert_eq!(
            shown(&lines(&entries, &pattern("*"), &mode, options)),
            ["Sent \\HasNoChildren \\Sent"],
            "RFC 6154 s 5.2"
        );
        assert_eq!(
            shown(&subscribed(&entries, &ListMailbox::of(b"%"), &mode)),
            ["Fruit \\Noselect", "INBOX ", "Vegetable "],
            "RFC 3501 s 6.3.9: the name above a subscribed one"
        );
    }
}
