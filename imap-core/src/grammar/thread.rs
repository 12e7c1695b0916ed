//! The answer to THREAD (RFC 5256).

use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::sequence::nz_number;
use crate::writer::Writer;

/// Parentheses inside one another at most. A thread is as deep as its branches, and long threads branch often.
const DEPTH_MAX: usize = 1000;

/// ```text
/// thread-data    = "THREAD" [SP 1*thread-list]
/// thread-list    = "(" (thread-members / thread-nested) ")"
/// thread-members = nz-number *(SP nz-number) [SP thread-nested]
/// thread-nested  = 2*thread-list
/// ```
///
/// What stands behind `THREAD` and its space: its text, read as a flat list.
///
/// ```
/// use mail46_imap_core::{Thread, ThreadNode};
///
/// let thread = Thread::parse(b"(2)(3 6 (4 23)(44 7 96))")?;
/// let depths: Vec<_> = thread.nodes().map(|node| (node.number.map_or(0, |n| n.get()), node.depth)).collect();
/// assert_eq!(depths, [(2, 0), (3, 0), (6, 1), (4, 2), (23, 3), (44, 2), (7, 3), (96, 4)]);
/// assert_eq!(Thread::of(thread.nodes()), Some(thread.to_owned()));
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Thread<B = Bytes>(B);

/// A message in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 5256 s 4")]
pub struct ThreadNode {
    /// How many messages it answers, one after the other.
    pub depth: u32,
    /// Its number; `None` for a parent that is missing, of which only the children are there.
    pub number: Option<NonZeroU32>,
}

impl<'a> Thread<&'a [u8]> {
    /// Checks and borrows.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        Cursor::whole(octets, Self::read)
    }

    /// The same, its text kept.
    pub fn to_owned(self) -> Thread {
        Thread(Bytes::copy_from_slice(self.0))
    }
}

impl Thread {
    /// Of nodes, each before those that answer it, each at most one deeper than that before it. `None` if they are not
    /// so, if a missing parent has less than two children, or branches are too deep.
    pub fn of(nodes: impl IntoIterator<Item = ThreadNode>) -> Option<Self> {
        let nodes: Vec<ThreadNode> = nodes.into_iter().collect();
        // How many children each has.
        let mut children = vec![0_u32; nodes.len()];
        let mut path: Vec<usize> = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let depth = usize::try_from(node.depth).ok()?;
            if depth > path.len() {
                return None;
            }
            path.truncate(depth);
            if let Some(parent) = path.last().and_then(|parent| children.get_mut(*parent)) {
                *parent = parent.saturating_add(1);
            }
            path.push(at);
        }
        // Depths at which a parenthesis is open, and whether anything stands in it yet.
        let mut open: Vec<u32> = Vec::new();
        let mut text = String::new();
        let mut siblings: Vec<bool> = Vec::new();
        for (node, count) in nodes.iter().zip(&children) {
            while open.last().is_some_and(|depth| *depth >= node.depth) {
                open.pop();
                text.push(')');
            }
            siblings.truncate(usize::try_from(node.depth).ok()?);
            // A message is in parentheses of its own where its parent has other children.
            let is_own = siblings.last().copied().unwrap_or(true);
            if is_own {
                if text.ends_with(|last: char| last.is_ascii_digit()) {
                    text.push(' ');
                }
                text.push('(');
                open.push(node.depth);
            }
            match node.number {
                Some(number) => {
                    if !is_own {
                        text.push(' ');
                    }
                    text.push_str(&number.to_string());
                }
                None if *count < 2 || !is_own => return None,
                None => {}
            }
            siblings.push(*count > 1);
            if open.len() > DEPTH_MAX {
                return None;
            }
        }
        text.extend(open.iter().map(|_| ')'));
        Some(Self(Bytes::from(text)))
    }
}

impl<'a, B: Keep<'a>> Thread<B> {
    /// `*thread-list`
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            /// Behind `(`.
            Start,
            /// Behind a number.
            Member,
            /// Behind so many lists.
            Nested(u32),
        }
        let from = c.at();
        let mut open: Vec<State> = Vec::new();
        loop {
            match (c.peek(), open.last().copied()) {
                (Some(b'('), None | Some(State::Start | State::Nested(_))) => {
                    if open.len() >= DEPTH_MAX {
                        return Err(c.fault("a thread less deep"));
                    }
                    c.eat(b'(');
                    open.push(State::Start);
                }
                (_, None) => return Ok(Self(c.keep(c.since(from)))),
                (Some(b')'), Some(State::Member | State::Nested(2..))) => {
                    c.eat(b')');
                    open.pop();
                    if let Some(around) = open.last_mut() {
                        *around = match *around {
                            State::Nested(count) => State::Nested(count.saturating_add(1)),
                            _ => State::Nested(1),
                        };
                    }
                }
                (Some(b' '), Some(State::Member)) => {
                    c.sp()?;
                    if c.peek() == Some(b'(') {
                        if let Some(state) = open.last_mut() {
                            *state = State::Nested(0);
                        }
                    } else {
                        c.nz_number()?;
                    }
                }
                (_, Some(State::Start)) => {
                    c.nz_number()?;
                    if let Some(state) = open.last_mut() {
                        *state = State::Member;
                    }
                }
                (_, Some(_)) => return Err(c.fault("a thread")),
            }
        }
    }
}

impl<B: AsRef<[u8]>> Thread<B> {
    /// The messages, each before those that answer it.
    pub fn nodes(&self) -> impl Iterator<Item = ThreadNode> {
        let mut rest = self.0.as_ref();
        // At each open parenthesis the depth of what stands next in it.
        let mut open: Vec<u32> = Vec::new();
        let mut depth = 0_u32;
        std::iter::from_fn(move || {
            loop {
                let (octet, behind) = rest.split_first()?;
                match octet {
                    b'(' => {
                        open.push(depth);
                        rest = behind;
                        // Lists in a list, and no number: they have a parent that is missing.
                        if behind.first() == Some(&b'(') {
                            let node = ThreadNode { depth, number: None };
                            depth = depth.saturating_add(1);
                            return Some(node);
                        }
                    }
                    b')' => {
                        depth = open.pop().unwrap_or(0);
                        rest = behind;
                    }
                    b'1'..=b'9' => {
                        let (number, length) = nz_number(rest)?;
                        rest = rest.get(length..)?;
                        let node = ThreadNode { depth, number: NonZeroU32::new(number) };
                        depth = depth.saturating_add(1);
                        return Some(node);
                    }
                    _ => rest = behind,
                }
            }
        })
    }

    /// Whether there is no thread.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_empty()
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(self.0.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use proptest::prelude::*;

    #[test]
    fn threads_come_back() {
        for text in [
            "",
            "(2)(3 6 (4 23)(44 7 96))",
            "(166)(167)(168)(169)(172)((170)(179))(171)(173)",
            "((3)(5))",
            "(1 2 3 (4)(5 (6)(7)) )",
            "(((1)(2))(3))",
        ] {
            match Thread::parse(text.as_bytes()) {
                Ok(thread) => {
                    assert_eq!(written(|out| thread.write(out)), text);
                    assert_eq!(Thread::of(thread.nodes()), Some(thread.to_owned()), "{text}");
                }
                Err(error) => {
                    assert_eq!((text, error.at()), ("(1 2 3 (4)(5 (6)(7)) )", 20), "a space too many")
                }
            }
        }
    }

    #[test]
    fn what_is_no_thread_and_where() {
        for (text, at, shows) in [
            ("()", 1, "nothing inside"),
            ("(0)", 1, "no number"),
            ("(1", 2, "no end"),
            ("(1))", 3, "an end too many"),
            ("(1 (2))", 6, "one list nested: it would be a member"),
            ("((1))", 4, "again"),
            ("(1(2)(3))", 2, "no space"),
            ("(1 2 )", 5, "a space too many"),
            ("(1) (2)", 3, "a space between"),
            ("1", 0, "no list"),
        ] {
            assert_eq!(Thread::parse(text.as_bytes()).unwrap_err().at(), at, "{text:?}: {shows}");
        }
        assert_eq!(Thread::parse("(".repeat(100_000).as_bytes()).unwrap_err().at(), DEPTH_MAX);
    }

    #[test]
    fn nodes_that_are_no_thread() {
        let node = |depth, number| ThreadNode { depth, number: NonZeroU32::new(number) };
        assert_eq!(Thread::of([node(1, 1)]), None, "deeper than nothing");
        assert_eq!(Thread::of([node(0, 0), node(1, 2)]), None, "a missing parent of one");
        assert_eq!(Thread::of([]), Some(Thread::default()));
        let long = Thread::of((0..100_000).map(|depth| node(depth, depth + 1))).unwrap();
        assert_eq!(
            long.nodes().last(),
            Some(node(99_999, 100_000)),
            "a thread without branches is of any length"
        );
    }

    proptest! {
        #[test]
        fn nodes_come_back(steps in proptest::collection::vec((0u32..4, 1u32..1000), 0..40)) {
            let mut depth = 0;
            let nodes: Vec<ThreadNode> = steps.iter().enumerate().map(|(at, (step, number))| {
                // One deeper, or up by some.
                depth = if at == 0 { 0 } else if *step == 0 { depth + 1 } else { (depth + 1_u32).saturating_sub(*step) };
                ThreadNode { depth, number: NonZeroU32::new(*number) }
            }).collect();
            let thread = Thread::of(nodes.iter().copied()).unwrap();
            prop_assert_eq!(thread.nodes().collect::<Vec<_>>(), nodes);
            let text = written(|out| thread.write(out));
            prop_assert!(Thread::parse(text.as_bytes()).is_ok(), "{}", text);
        }
    }
}
