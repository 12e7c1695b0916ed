//! SEARCH, SORT and THREAD, and how they are answered.

use std::num::NonZeroU32;

use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::refused;
use super::{Result, Service, Session};
use crate::command::{Search, Sort, Thread as ThreadCommand};
use crate::grammar::esearch::{PartialRange, ReturnOption};
use crate::message::thread;
use crate::server::Reply;
use crate::store::{Message, Reason, Want, order, search};
use crate::{NumberSet, Numbering, SearchKey, SearchKeys, Tag, Thread, ThreadNode};

/// What a search is to answer.
#[derive(Clone, Copy, Debug, Default)]
struct Returns {
    min: bool,
    max: bool,
    all: bool,
    count: bool,
    save: bool,
    partial: Option<PartialRange>,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    pub(super) async fn search(&mut self, tag: &Tag, asked: Search) -> Result<()> {
        let mode = self.says().mode().clone();
        if mode.utf8 && asked.charset.is_some() {
            // RFC 6855 s 3
            return self.reply(Reply::bad("no CHARSET behind ENABLE UTF8=ACCEPT"));
        }
        let returns = match asked.returns.as_deref().map(returns) {
            None => None,
            Some(Some(returns)) => Some(returns),
            Some(None) => return self.reply(Reply::bad("a return option that is not known here")),
        };
        let has_modseq = asked.keys.as_slice().iter().any(|key| matches!(key, SearchKey::ModSeq(..)));
        if has_modseq {
            // RFC 7162 s 3.1.5: it enables CONDSTORE.
            self.says().enable_condstore();
        }
        let charset = asked.charset.as_ref().map(|charset| charset.octets().into_owned());
        let found = match self.find(&asked.keys, charset.as_deref(), Want::Marks).await {
            Ok(found) => found,
            Err(reply) => {
                if returns.is_some_and(|returns| returns.save)
                    && let Some(selected) = &mut self.selected
                {
                    // RFC 5182 s 2.1: "the search result variable is set to the empty sequence".
                    selected.saved = NumberSet::new();
                }
                return self.finish(reply).await;
            }
        };
        let numbers = self.numbers(&found, asked.numbering);
        let uids: NumberSet = found.iter().map(|message| message.uid).collect();
        let highest = |of: &mut dyn Iterator<Item = &Message>| of.map(|message| message.modseq).max();
        let returns = match returns {
            Some(returns) => returns,
            // RFC 9051 s 6.4.4: in IMAP4rev2 it is ESEARCH whatever was asked.
            None if mode.rev2 => Returns { all: true, ..Returns::default() },
            None => {
                let modseq = has_modseq.then(|| highest(&mut found.iter())).flatten();
                self.says().tell(|out| {
                    out.put(b"SEARCH");
                    for number in &numbers {
                        out.sp();
                        out.number((*number).into());
                    }
                    if let Some(modseq) = modseq {
                        out.put(b" (MODSEQ ");
                        out.number(modseq);
                        out.octet(b')');
                    }
                })?;
                return self.finish(Reply::ok("searched")).await;
            }
        };
        if returns.save
            && let Some(selected) = &mut self.selected
        {
            // RFC 5182 s 2.4: with MIN or MAX alone, only those.
            let only = (returns.min || returns.max) && !returns.all && !returns.count;
            selected.saved = if only {
                let ends = [uids.first().filter(|_| returns.min), uids.last().filter(|_| returns.max)];
                ends.into_iter().flatten().collect()
            } else {
                uids.clone()
            };
        }
        let Returns { min, max, all, count, partial, .. } = returns;
        if !(min || max || all || count || partial.is_some()) {
            // RFC 5182 s 2.1: SAVE alone has no answer.
            return self.finish(Reply::ok("searched and saved")).await;
        }
        let modseq = has_modseq.then(|| {
            // RFC 7162 s 3.1.10: of those that are told.
            if (min || max) && !all && !count && partial.is_none() {
                let ends = [found.first().filter(|_| min), found.last().filter(|_| max)];
                highest(&mut ends.into_iter().flatten())
            } else {
                highest(&mut found.iter())
            }
        });
        let set: NumberSet = numbers.iter().copied().collect();
        self.says().tell(|out| {
            out.put(b"ESEARCH (TAG ");
            out.quote(tag.as_bytes());
            out.octet(b')');
            if asked.numbering == Numbering::Uid {
                out.put(b" UID");
            }
            let mut number = |name: &str, number: Option<u32>| {
                if let Some(number) = number {
                    out.put(format!(" {name} {number}").as_bytes());
                }
            };
            number("MIN", set.first().filter(|_| min));
            number("MAX", set.last().filter(|_| max));
            number("COUNT", count.then(|| u32::try_from(set.len()).unwrap_or(u32::MAX)));
            if all && !set.is_empty() {
                out.put(format!(" ALL {set}").as_bytes());
            }
            if let Some(range) = partial {
                let page = page(&set, range);
                out.put(b" PARTIAL (");
                range.write(out);
                let text = if page.is_empty() { " NIL)".to_owned() } else { format!(" {page})") };
                out.put(text.as_bytes());
            }
            if let Some(Some(modseq)) = modseq {
                out.put(format!(" MODSEQ {modseq}").as_bytes());
            }
        })?;
        self.finish(Reply::ok("searched")).await
    }

    pub(super) async fn sort(&mut self, asked: Sort) -> Result<()> {
        if asked.returns.is_some() {
            return self.reply(Reply::bad("SORT without RETURN is all there is here"));
        }
        let charset = asked.charset.octets().into_owned();
        let found = match self.find(&asked.keys, Some(&charset), Want::Structure).await {
            Ok(found) => found,
            Err(reply) => return self.finish(reply).await,
        };
        let Some(sorted) = order::sorted(found, &asked.criteria) else {
            return self.reply(Reply::bad("a criterion that is not known here"));
        };
        let numbers = self.numbers(&sorted, asked.numbering);
        let has_modseq = asked.keys.as_slice().iter().any(|key| matches!(key, SearchKey::ModSeq(..)));
        let modseq = sorted.iter().map(|message| message.modseq).max().filter(|_| has_modseq);
        self.says().tell(|out| {
            out.put(b"SORT");
            for number in numbers {
                out.sp();
                out.number(number.into());
            }
            if let Some(modseq) = modseq {
                out.put(format!(" (MODSEQ {modseq})").as_bytes());
            }
        })?;
        self.finish(Reply::ok("sorted")).await
    }

    pub(super) async fn thread(&mut self, asked: ThreadCommand) -> Result<()> {
        let is = |name: &str| asked.algorithm.as_bytes().eq_ignore_ascii_case(name.as_bytes());
        if !is("ORDEREDSUBJECT") && !is("REFERENCES") {
            return self.reply(Reply::bad("an algorithm that is not known here"));
        }
        let charset = asked.charset.octets().into_owned();
        let found = match self.find(&asked.keys, Some(&charset), Want::Structure).await {
            Ok(found) => found,
            Err(reply) => return self.finish(reply).await,
        };
        let numbers = self.numbers(&found, asked.numbering);
        let threaded: Vec<thread::Threaded> =
            found.iter().zip(numbers).map(|(message, number)| order::threaded(message, number)).collect();
        let lines =
            if is("REFERENCES") { thread::references(&threaded) } else { thread::ordered_subject(threaded) };
        let nodes = lines
            .into_iter()
            .map(|(depth, number)| ThreadNode { depth, number: number.and_then(NonZeroU32::new) });
        let Some(threads) = Thread::of(nodes) else {
            return self.finish(Reply::no("threads that are too deep to be told").with_code("LIMIT")).await;
        };
        self.says().tell(|out| {
            out.put(b"THREAD");
            if threads.nodes().next().is_some() {
                out.sp();
                threads.write(out);
            }
        })?;
        self.finish(Reply::ok("threaded")).await
    }

    /// What matches and the client knows of, ascending.
    async fn find(
        &mut self,
        keys: &SearchKeys,
        charset: Option<&[u8]>,
        want: Want,
    ) -> std::result::Result<Vec<Message>, Reply> {
        let Some(selected) = &self.selected else { return Err(Reply::bad("no mailbox")) };
        // RFC 9051 s 9, seq-number, as for FETCH.
        for key in keys.as_slice() {
            if let SearchKey::Sequence(set) = key
                && !set.has_saved()
                && set.is_beyond(selected.count())
                && !selected.uids.is_empty()
            {
                return Err(Reply::bad("no message has this number"));
            }
        }
        let context = selected.context(crate::net::now());
        let search = match search::Search::new(keys, charset, context) {
            Ok(search) => search,
            Err(refusal) if refusal.reason == Reason::Other => {
                // RFC 9051 s 7.1
                return Err(Reply::no("unknown charset").with_code("BADCHARSET (UTF-8 US-ASCII ISO-8859-1)"));
            }
            Err(refusal) => return Err(refused(&refusal)),
        };
        search.run(&selected.mailbox, want).await.map_err(|refusal| refused(&refusal))
    }

    fn numbers(&self, messages: &[Message], numbering: Numbering) -> Vec<u32> {
        match (numbering, &self.selected) {
            (Numbering::Sequence, Some(selected)) => messages
                .iter()
                .filter_map(|message| selected.number(message.uid))
                .map(NonZeroU32::get)
                .collect(),
            _ => messages.iter().map(|message| message.uid).collect(),
        }
    }
}

fn returns(options: &[ReturnOption]) -> Option<Returns> {
    let mut returns = Returns::default();
    for option in options {
        match option {
            ReturnOption::Min => returns.min = true,
            ReturnOption::Max => returns.max = true,
            ReturnOption::All => returns.all = true,
            ReturnOption::Count => returns.count = true,
            ReturnOption::Save => returns.save = true,
            ReturnOption::Partial(range) if returns.partial.is_none() => returns.partial = Some(*range),
            _ => return None,
        }
    }
    // RFC 9394 s 3.1: not both.
    if returns.all && returns.partial.is_some() {
        return None;
    }
    // RFC 9051 s 6.4.4: RETURN () is RETURN (ALL).
    if options.is_empty() {
        returns.all = true;
    }
    Some(returns)
}

/// A page of what is found, by position (RFC 9394 s 3.1).
pub(super) fn page(set: &NumberSet, range: PartialRange) -> NumberSet {
    let (one, other, is_last) = match range {
        PartialRange::First(one, other) => (one, other, false),
        PartialRange::Last(one, other) => (one, other, true),
    };
    let (first, last) = (one.min(other).get(), one.max(other).get());
    let skip = usize::try_from(first).unwrap_or(usize::MAX).saturating_sub(1);
    let take = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX).saturating_add(1);
    if is_last {
        set.iter().rev().skip(skip).take(take).collect()
    } else {
        set.iter().skip(skip).take(take).collect()
    }
}
