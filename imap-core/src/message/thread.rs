//! THREAD (RFC 5256 s 3): who answers whom.
//!
//! Both algorithms take n log n steps, whatever the messages say: links are checked for loops by a union-find, not by walking
//! up; nothing recurses.

use std::collections::HashMap;

use super::subject::BaseSubject;

/// What is compared of a message.
#[derive(Clone, Debug)]
pub(crate) struct Threaded {
    /// What it is called in the answer; ascending by mailbox order.
    pub(crate) number: u32,
    /// Its sent date.
    pub(crate) date: i64,
    pub(crate) subject: BaseSubject,
    pub(crate) message_id: Option<Vec<u8>>,
    /// References, or the first of In-Reply-To.
    pub(crate) references: Vec<Vec<u8>>,
}

/// One line of the answer: a message below the last one of a smaller depth, or `None` for a parent that is not there.
pub(crate) type Line = (u32, Option<u32>);

/// References of one message that are looked at: the last ones.
const REFERENCES: usize = 200;

/// ORDEREDSUBJECT: threads of one base subject each; all are children of the first.
pub(crate) fn ordered_subject(mut messages: Vec<Threaded>) -> Vec<Line> {
    messages.sort_by_cached_key(|message| (key(&message.subject), message.date, message.number));
    let mut threads: Vec<&[Threaded]> =
        messages.chunk_by(|a, b| key(&a.subject) == key(&b.subject)).collect();
    threads.sort_by_key(|thread| thread.first().map(|first| (first.date, first.number)));
    let lines = threads.into_iter().flat_map(|thread| {
        thread.iter().enumerate().map(|(at, message)| (u32::from(at > 0), Some(message.number)))
    });
    lines.collect()
}

/// Subjects are compared whatever the case (RFC 5256 s 2.1, by i;unicode-casemap).
fn key(subject: &BaseSubject) -> String {
    subject.text.to_uppercase()
}

/// REFERENCES.
pub(crate) fn references(messages: &[Threaded]) -> Vec<Line> {
    let mut forest = Forest::default();
    let mut by_id: HashMap<&[u8], usize> = HashMap::new();
    for (at, message) in messages.iter().enumerate() {
        forest.add(Some(at));
        // Of one Message-ID the first message has it.
        if let Some(id) = &message.message_id {
            by_id.entry(id).or_insert(at);
        }
    }
    // Step 1.B before 1.A: a message's own last reference holds against what others say, so that no link is ever broken.
    let last_references = |message: &'_ Threaded| message.references.len().saturating_sub(REFERENCES);
    for message in messages {
        for id in message.references.iter().skip(last_references(message)) {
            by_id.entry(id).or_insert_with(|| forest.add(None));
        }
    }
    let find = |id: &Vec<u8>| by_id.get(id.as_slice()).copied();
    for (at, message) in messages.iter().enumerate() {
        if let Some(parent) = message.references.last().and_then(find) {
            forest.link(parent, at);
        }
    }
    // Step 1.A: each reference is the parent of the next, where nothing is known yet. "If this message has no references, it
    // will now have no parent": other people's References do not give it one.
    for message in messages {
        let known = message.references.iter().skip(last_references(message));
        for (parent, child) in known.clone().zip(known.skip(1)) {
            let (Some(parent), Some(child)) = (find(parent), find(child)) else { continue };
            if forest.message(child).is_none() {
                forest.link(parent, child);
            }
        }
    }
    forest.threads(messages)
}

/// Messages and dummies with their parents.
#[derive(Default)]
struct Forest {
    nodes: Vec<Node>,
}

struct Node {
    /// Which message; `None`: a dummy.
    message: Option<usize>,
    parent: Option<usize>,
    /// Union-find: towards the tree's name.
    set: usize,
    children: Vec<usize>,
}

impl Forest {
    fn add(&mut self, message: Option<usize>) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node { message, parent: None, set: at, children: Vec::new() });
        at
    }

    fn message(&self, at: usize) -> Option<usize> {
        self.nodes.get(at).and_then(|node| node.message)
    }

    fn children(&self, at: usize) -> &[usize] {
        self.nodes.get(at).map_or(&[], |node| &node.children)
    }

    fn take_children(&mut self, at: usize) -> Vec<usize> {
        self.nodes.get_mut(at).map(|node| std::mem::take(&mut node.children)).unwrap_or_default()
    }

    fn set(&mut self, mut at: usize) -> usize {
        while let Some(next) = self.nodes.get(at).map(|node| node.set)
            && next != at
        {
            let after = self.nodes.get(next).map_or(next, |node| node.set);
            if let Some(node) = self.nodes.get_mut(at) {
                node.set = after; // halves the way for the next who asks
            }
            at = after;
        }
        at
    }

    /// Makes a link, if the child has no parent and no loop comes of it. A child without parent is its tree's root: a loop
    /// would come of it exactly if the parent is in the same tree.
    fn link(&mut self, parent: usize, child: usize) {
        let (of_parent, of_child) = (self.set(parent), self.set(child));
        if of_parent == of_child || self.nodes.get(child).is_none_or(|node| node.parent.is_some()) {
            return;
        }
        if let Some(node) = self.nodes.get_mut(of_child) {
            node.set = of_parent;
        }
        if let Some(node) = self.nodes.get_mut(child) {
            node.parent = Some(parent);
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.push(child);
        }
    }

    /// Each node before its children.
    fn preorder(&self, roots: &[usize]) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut open: Vec<usize> = roots.iter().rev().copied().collect();
        while let Some(at) = open.pop() {
            order.push(at);
            open.extend(self.children(at).iter().rev());
        }
        order
    }

    fn threads(mut self, messages: &[Threaded]) -> Vec<Line> {
        // Step 2.
        let nodes = self.nodes.iter().enumerate();
        let mut roots: Vec<usize> =
            nodes.filter(|(_, node)| node.parent.is_none()).map(|(at, _)| at).collect();
        self.prune(&mut roots);
        let mut dates = Dates { messages };
        // Step 4: only what is needed to order the roots; the rest is step 6's.
        for root in &roots {
            if self.message(*root).is_none() {
                let mut children = self.take_children(*root);
                children.sort_by_key(|child| dates.of(&self, *child));
                self.set_children(*root, children);
            }
        }
        roots.sort_by_key(|root| dates.of(&self, *root));
        self.merge_subjects(&mut roots, messages);
        // Step 6: the deepest siblings first.
        for at in self.preorder(&roots).into_iter().rev() {
            let mut children = self.take_children(at);
            children.sort_by_key(|child| dates.of(&self, *child));
            self.set_children(at, children);
        }
        roots.sort_by_key(|root| dates.of(&self, *root));
        let mut lines = Vec::with_capacity(messages.len());
        let mut open: Vec<(u32, usize)> = roots.iter().rev().map(|root| (0, *root)).collect();
        while let Some((depth, at)) = open.pop() {
            let number = self.message(at).and_then(|at| messages.get(at)).map(|message| message.number);
            lines.push((depth, number));
            open.extend(self.children(at).iter().rev().map(|child| (depth.saturating_add(1), *child)));
        }
        lines
    }

    fn set_children(&mut self, at: usize, children: Vec<usize>) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.children = children;
        }
    }

    /// Step 3.
    fn prune(&mut self, roots: &mut Vec<usize>) {
        for at in self.preorder(roots).into_iter().rev() {
            // Children come before their parents here: those of a dummy are real already.
            let mut kept: Vec<usize> = Vec::new();
            for child in self.take_children(at) {
                if self.message(child).is_some() {
                    kept.push(child);
                    continue;
                }
                // The smaller goes into the greater; the order is step 6's.
                let mut promoted = self.take_children(child);
                if promoted.len() > kept.len() {
                    std::mem::swap(&mut promoted, &mut kept);
                }
                kept.append(&mut promoted);
            }
            self.set_children(at, kept);
        }
        *roots = roots
            .iter()
            .filter_map(|root| match (self.message(*root), self.children(*root)) {
                (Some(_), _) => Some(*root),
                (None, []) => None,
                (None, [only]) => Some(*only),
                (None, _) => Some(*root),
            })
            .collect();
    }

    /// Step 5.
    fn merge_subjects(&mut self, roots: &mut Vec<usize>, messages: &[Threaded]) {
        let mut table: HashMap<String, usize> = HashMap::new();
        let subject = |forest: &Self, root: usize| {
            let at = forest.message(root).or_else(|| forest.message(*forest.children(root).first()?))?;
            messages.get(at).map(|message| &message.subject)
        };
        let is_reply = |forest: &Self, root: usize| {
            forest
                .message(root)
                .and_then(|at| messages.get(at))
                .is_some_and(|message| message.subject.is_reply)
        };
        let named: Vec<(usize, Option<String>)> = roots
            .iter()
            .map(|root| (*root, subject(self, *root).filter(|subject| !subject.text.is_empty()).map(key)))
            .collect();
        for (root, subject) in &named {
            let Some(subject) = subject else { continue };
            match table.get_mut(subject) {
                None => drop(table.insert(subject.clone(), *root)),
                Some(held) if self.message(*held).is_some() => {
                    let is_dummy = self.message(*root).is_none();
                    if is_dummy || is_reply(self, *held) && !is_reply(self, *root) {
                        *held = *root;
                    }
                }
                Some(_) => {}
            }
        }
        let mut merged = Vec::with_capacity(named.len());
        // A root that a new dummy takes the place of.
        let mut replaced: HashMap<usize, usize> = HashMap::new();
        for (root, subject) in named {
            let Some(held) = subject.as_ref().and_then(|subject| table.get_mut(subject)) else {
                merged.push(root);
                continue;
            };
            if *held == root {
                merged.push(root);
                continue;
            }
            match (self.message(*held), self.message(root)) {
                (None, None) => {
                    let children = self.take_children(root);
                    self.adopt(*held, children);
                }
                (None, Some(_)) => self.adopt(*held, vec![root]),
                (Some(_), _) if is_reply(self, root) && !is_reply(self, *held) => {
                    self.adopt(*held, vec![root])
                }
                (Some(_), _) => {
                    let dummy = self.add(None);
                    let both = vec![*held, root];
                    self.adopt(dummy, both);
                    replaced.insert(*held, dummy);
                    *held = dummy;
                }
            }
        }
        // The one in the table may have come before or come yet: its place is the dummy's.
        *roots = merged.into_iter().map(|root| replaced.get(&root).copied().unwrap_or(root)).collect();
    }

    fn adopt(&mut self, parent: usize, mut children: Vec<usize>) {
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.append(&mut children);
        }
    }
}

struct Dates<'m> {
    messages: &'m [Threaded],
}

impl Dates<'_> {
    /// Of a message; of a dummy that of its first child (RFC 5256 s 3, steps 4 and 6).
    fn of(&mut self, forest: &Forest, at: usize) -> (i64, u32) {
        let message = forest.message(at).or_else(|| forest.message(*forest.children(at).first()?));
        message.and_then(|at| self.messages.get(at)).map_or((0, 0), |message| (message.date, message.number))
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::base;
    use super::*;

    fn message(number: u32, subject: &str, id: &str, references: &[&str]) -> Threaded {
        Threaded {
            number,
            date: i64::from(number),
            subject: base(subject),
            message_id: Some(id.into()),
            references: references.iter().map(|id| id.as_bytes().to_vec()).collect(),
        }
    }

    /// As in `(1 (2)(3))`, but `()` around each.
    fn shown(lines: &[Line]) -> String {
        let each = lines.iter().map(|(depth, number)| {
            let number = number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            format!("{}{number}", ".".repeat(*depth as usize))
        });
        each.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn references_make_trees() {
        let rows: &[(&[Threaded], &str, &str)] = &[
            (&[message(1, "a", "1", &[]), message(2, "b", "2", &["1"])], "1 .2", "an answer"),
            (
                &[message(1, "a", "1", &["0"]), message(2, "b", "2", &["0"])],
                "- .1 .2",
                "RFC 5256 s 4: ((3)(5))",
            ),
            (&[message(1, "a", "1", &["0"])], "1", "a dummy with one child goes"),
            (&[message(1, "a", "1", &["2"]), message(2, "b", "2", &["1"])], "2 .1", "no loop"),
            (&[message(1, "a", "1", &["1"])], "1", "nobody answers himself"),
            (
                &[message(1, "a", "1", &[]), message(2, "b", "3", &["1", "x", "2"])],
                "1 .2",
                "dummies between go",
            ),
            (
                &[message(1, "s", "1", &[]), message(2, "Re: s", "2", &[])],
                "1 .2",
                "step 5: a reply by its subject",
            ),
            (
                &[message(1, "Re: s", "1", &[]), message(2, "s", "2", &[])],
                "2 .1",
                "step 5: whichever came first",
            ),
            (
                &[message(1, "s", "1", &[]), message(2, "s", "2", &[])],
                "- .1 .2",
                "step 5: neither is a reply",
            ),
            (
                &[message(1, "s", "1", &[]), message(2, "s", "2", &[]), message(3, "s", "3", &[])],
                "- .1 .2 .3",
                "step 5: the dummy is in the table",
            ),
            (
                &[message(1, "a", "1", &["0"]), message(2, "a", "2", &["0"]), message(3, "a", "3", &[])],
                "- .1 .2 .3",
                "step 5: a dummy in the table",
            ),
            (
                &[message(1, "", "1", &[]), message(2, "", "2", &[])],
                "1 2",
                "step 5: empty subjects join nothing",
            ),
            (
                &[message(1, "a", "1", &[]), message(2, "b", "1", &[]), message(3, "c", "3", &["1"])],
                "1 .3 2",
                "one id twice",
            ),
        ];
        for (messages, want, shows) in rows {
            assert_eq!(shown(&references(messages)), *want, "{shows}");
        }
    }

    #[test]
    fn subjects_make_threads() {
        let messages = vec![
            message(1, "b", "1", &[]),
            message(2, "a", "2", &[]),
            message(3, "Re: b", "3", &[]),
            message(4, "B", "4", &[]),
        ];
        assert_eq!(shown(&ordered_subject(messages)), "1 .3 .4 2");
    }

    #[test]
    fn neither_long_chains_nor_wide_ones_are_slow() {
        let count = 100_000u32;
        let id = |number: u32| number.to_string();
        let start = std::time::Instant::now();
        // Each answers the next: the chain grows at its root, where walking up would be quadratic.
        let chain: Vec<_> = (0..count).map(|at| message(at, &id(at), &id(at), &[&id(at + 1)])).collect();
        assert_eq!(references(&chain).len(), count as usize);
        let chain: Vec<_> =
            (0..count).map(|at| message(at, "s", &id(at), &[&id(at.saturating_sub(1))])).collect();
        assert_eq!(references(&chain).last().map(|line| line.0), Some(count - 1));
        // A chain of dummies, each with a child.
        let dummies: Vec<_> = (0..count / 2)
            .map(|at| message(at, &id(at), &format!("m{at}"), &[&id(at), &id(at + 1)]))
            .collect();
        assert_eq!(references(&dummies).len(), count as usize / 2 + 1);
        assert!(start.elapsed().as_secs() < 120, "{:?}", start.elapsed());
    }
}
