//! The messages of a mailbox in the order of their sequence numbers; neighbours that are alike are one run.

use crate::NumberSet;

/// Runs of a chunk at most: what an insertion may have to move.
const CHUNK: usize = 512;

/// What is known of one message. Zero is "unknown" in each field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct One {
    pub(super) uid: u32,
    pub(super) flags: u32,
    pub(super) modseq: u64,
}

/// `count` messages with UIDs from `one.uid` on, or with unknown ones, and all else the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) count: u32,
    pub(super) one: One,
}

impl Run {
    fn nth(&self, offset: u32) -> One {
        let uid = if self.one.uid == 0 { 0 } else { self.one.uid.saturating_add(offset) };
        One { uid, ..self.one }
    }

    fn part(&self, offset: u32, count: u32) -> Self {
        Self { count, one: self.nth(offset) }
    }

    /// The last UID; 0 if unknown.
    fn last_uid(&self) -> u32 {
        self.nth(self.count.saturating_sub(1)).uid
    }

    /// Takes `next` into itself if it may.
    fn absorb(&mut self, next: &Self) -> bool {
        let goes_on = self.count.checked_add(next.count).is_some() && self.nth(self.count) == next.one;
        if goes_on {
            self.count = self.count.saturating_add(next.count);
        }
        goes_on
    }
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    runs: Vec<Run>,
    count: u32,
    /// The greatest UID known in it, 0 if none is.
    last_uid: u32,
}

impl Chunk {
    fn of(runs: Vec<Run>) -> Self {
        let mut chunk = Self { runs, ..Self::default() };
        chunk.recount();
        chunk
    }

    fn recount(&mut self) {
        self.count = self.runs.iter().fold(0, |sum, run| sum.saturating_add(run.count));
        self.last_uid = self.runs.iter().rev().map(Run::last_uid).find(|uid| *uid > 0).unwrap_or(0);
    }

    /// Whether its last message has a known UID: none behind `last_uid` is in it.
    fn ends_known(&self) -> bool {
        self.runs.last().is_some_and(|run| run.one.uid > 0)
    }
}

/// Where a message is.
#[derive(Clone, Copy)]
struct Place {
    chunk: usize,
    run: usize,
    /// In the run.
    offset: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    chunks: Vec<Chunk>,
    count: u32,
    /// A chunk and how many messages are before it: FETCH responses come in order.
    near: (usize, u32),
}

impl Runs {
    pub(super) fn len(&self) -> u32 {
        self.count
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.chunks.iter().flat_map(|chunk| &chunk.runs)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Run> {
        self.chunks.iter_mut().flat_map(|chunk| &mut chunk.runs)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Appends, as far as sequence numbers reach.
    pub(super) fn push(&mut self, run: Run) {
        let run = Run { count: run.count.min(u32::MAX.saturating_sub(self.count)), ..run };
        if run.count == 0 {
            return;
        }
        self.count = self.count.saturating_add(run.count);
        match self.chunks.last_mut() {
            Some(chunk) if chunk.runs.len() < CHUNK => {
                if !chunk.runs.last_mut().is_some_and(|last| last.absorb(&run)) {
                    chunk.runs.push(run);
                }
                chunk.count = chunk.count.saturating_add(run.count);
                chunk.last_uid = chunk.last_uid.max(run.last_uid());
            }
            _ => self.chunks.push(Chunk::of(vec![run])),
        }
    }

    /// The message of this sequence number, from 1 on.
    pub(super) fn get(&self, sequence: u32) -> Option<One> {
        let (place, _) = self.place(sequence)?;
        Some(self.chunks.get(place.chunk)?.runs.get(place.run)?.nth(place.offset))
    }

    /// Puts `one` in the place of that message; what was there.
    pub(super) fn replace(&mut self, sequence: u32, one: One) -> Option<One> {
        let (place, near) = self.place(sequence)?;
        self.near = near;
        let chunk = self.chunks.get_mut(place.chunk)?;
        let run = *chunk.runs.get(place.run)?;
        let before = run.nth(place.offset);
        if before != one {
            let behind = place.offset.saturating_add(1);
            let parts = [
                run.part(0, place.offset),
                Run { count: 1, one },
                run.part(behind, run.count.saturating_sub(behind)),
            ];
            splice(chunk, place.run, &parts);
            self.settle(place.chunk);
        }
        Some(before)
    }

    /// Takes the message of this sequence number out; those behind it get numbers one less.
    pub(super) fn remove(&mut self, sequence: u32) -> Option<One> {
        let (place, near) = self.place(sequence)?;
        self.near = near;
        let chunk = self.chunks.get_mut(place.chunk)?;
        let run = *chunk.runs.get(place.run)?;
        let behind = place.offset.saturating_add(1);
        let parts = [run.part(0, place.offset), run.part(behind, run.count.saturating_sub(behind))];
        splice(chunk, place.run, &parts);
        self.count = self.count.saturating_sub(1);
        self.settle(place.chunk);
        Some(run.nth(place.offset))
    }

    /// The sequence number of a UID, if it is known.
    pub(super) fn find(&self, uid: u32) -> Option<u32> {
        let mut before = 0_u32;
        for chunk in &self.chunks {
            if chunk.last_uid >= uid {
                for run in &chunk.runs {
                    if run.one.uid > 0 && run.one.uid <= uid && uid <= run.last_uid() {
                        return Some(
                            before.saturating_add(uid.saturating_sub(run.one.uid)).saturating_add(1),
                        );
                    }
                    before = before.saturating_add(run.count);
                }
                return None;
            }
            before = before.saturating_add(chunk.count);
        }
        None
    }

    /// Where UIDs alone count (RFC 9586): makes a message whose UID is unknown be this one. Its sequence number, which is as good
    /// as another; `None` if all are known.
    pub(super) fn identify(&mut self, uid: u32) -> Option<u32> {
        let mut sequence = 0_u32;
        // The first that is unknown: in the gap that `uid` belongs in, and before that gap.
        let (mut in_gap, mut before) = (None, None);
        // The message behind which `uid` belongs.
        let mut at = 0_u32;
        for run in self.iter() {
            match run.one.uid {
                0 => in_gap = in_gap.or_else(|| Some(sequence.saturating_add(1))),
                known if known < uid => {
                    let passed = in_gap.take();
                    before = before.or(passed);
                    at = sequence.saturating_add(run.count);
                }
                _ => break,
            }
            sequence = sequence.saturating_add(run.count);
        }
        let one = One { uid, ..One::default() };
        if let Some(place) = in_gap {
            self.replace(place, one)?;
            return Some(place);
        }
        let unknown = before.or_else(|| self.first_unknown())?;
        self.remove(unknown)?;
        let at = if unknown <= at { at } else { at.saturating_add(1) };
        self.insert(at, one);
        Some(at)
    }

    fn first_unknown(&self) -> Option<u32> {
        let mut sequence = 1_u32;
        for run in self.iter() {
            if run.one.uid == 0 {
                return Some(sequence);
            }
            sequence = sequence.saturating_add(run.count);
        }
        None
    }

    /// Makes `one` the message of this sequence number; that one and those behind it get numbers one more.
    fn insert(&mut self, sequence: u32, one: One) {
        let single = Run { count: 1, one };
        let Some((place, _)) = self.place(sequence) else { return self.push(single) };
        let Some(chunk) = self.chunks.get_mut(place.chunk) else { return };
        let Some(run) = chunk.runs.get(place.run).copied() else { return };
        let rest = run.count.saturating_sub(place.offset);
        splice(chunk, place.run, &[run.part(0, place.offset), single, run.part(place.offset, rest)]);
        self.count = self.count.saturating_add(1);
        self.settle(place.chunk);
        self.near = (0, 0);
    }

    /// Takes the messages of these UIDs out: each of them is one (RFC 7162 s 3.2.10.2), also those whose UIDs are not known yet,
    /// as far as they fit in the gaps. How many it were.
    pub(super) fn remove_uids(&mut self, uids: &NumberSet) -> u32 {
        let (Some(first), Some(last)) = (uids.first(), uids.last()) else { return 0 };
        let mut removal =
            Removal { ranges: uids.ranges().collect(), next: 0, before: 0, gap: None, removed: 0 };
        let mut index = 0;
        while let Some(chunk) = self.chunks.get(index) {
            if removal.before >= last {
                break;
            }
            if chunk.ends_known() && chunk.last_uid < first {
                removal.before = chunk.last_uid;
                removal.gap = None;
                index = index.saturating_add(1);
                continue;
            }
            let behind = self.uid_behind(index);
            let Some(chunk) = self.chunks.get_mut(index) else { break };
            let runs = std::mem::take(&mut chunk.runs);
            for (nth, run) in runs.iter().enumerate() {
                let following = runs.get(nth..).unwrap_or_default();
                removal.run(run, following, behind, &mut chunk.runs);
            }
            chunk.recount();
            index = index.saturating_add(1);
        }
        self.chunks.retain(|chunk| chunk.count > 0);
        let chunks = std::mem::take(&mut self.chunks);
        self.chunks = chunks.into_iter().flat_map(halves).collect();
        self.count = self.count.saturating_sub(removal.removed);
        self.near = (0, 0);
        removal.removed
    }

    /// The first UID known behind that chunk.
    fn uid_behind(&self, index: usize) -> u32 {
        let chunks = self.chunks.get(index.saturating_add(1)..).unwrap_or_default();
        let mut uids = chunks.iter().filter(|chunk| chunk.last_uid > 0).flat_map(|chunk| &chunk.runs);
        uids.find(|run| run.one.uid > 0).map_or(u32::MAX, |run| run.one.uid)
    }

    /// Gives all messages these UIDs, in order. Nothing is done if it are not as many.
    pub(super) fn assign(&mut self, uids: &NumberSet) -> bool {
        if uids.len() != u64::from(self.count) {
            return false;
        }
        let mut assigned = Self::default();
        let mut ranges =
            uids.ranges().map(|(first, last)| (first, last.saturating_sub(first).saturating_add(1)));
        let (mut uid, mut left) = ranges.next().unwrap_or((0, 0));
        for run in self.iter() {
            let mut count = run.count;
            while count > 0 {
                if left == 0 {
                    (uid, left) = ranges.next().unwrap_or((0, count));
                }
                let part = count.min(left);
                assigned.push(Run { count: part, one: One { uid, ..run.one } });
                uid = uid.saturating_add(part);
                left = left.saturating_sub(part);
                count = count.saturating_sub(part);
            }
        }
        *self = assigned;
        true
    }

    /// Where a message is, and the chunk with what is before it.
    fn place(&self, sequence: u32) -> Option<(Place, (usize, u32))> {
        let index = sequence.checked_sub(1).filter(|index| *index < self.count)?;
        let (mut at, mut before) = self.near;
        if before > index {
            (at, before) = (0, 0);
        }
        loop {
            let chunk = self.chunks.get(at)?;
            let end = before.saturating_add(chunk.count);
            if index < end {
                let mut offset = index.saturating_sub(before);
                for (run, it) in chunk.runs.iter().enumerate() {
                    if offset < it.count {
                        return Some((Place { chunk: at, run, offset }, (at, before)));
                    }
                    offset = offset.saturating_sub(it.count);
                }
                return None;
            }
            (at, before) = (at.saturating_add(1), end);
        }
    }

    /// After a change of that chunk: none is empty, none too long.
    fn settle(&mut self, index: usize) {
        let Some(chunk) = self.chunks.get_mut(index) else { return };
        chunk.recount();
        if chunk.runs.is_empty() {
            self.chunks.remove(index);
        } else if chunk.runs.len() > CHUNK {
            let whole = std::mem::take(chunk);
            self.chunks.splice(index..=index, halves(whole));
        }
    }
}

/// A chunk that is not too long, or two halves.
fn halves(mut chunk: Chunk) -> impl Iterator<Item = Chunk> {
    let behind = (chunk.runs.len() > CHUNK).then(|| {
        let behind = Chunk::of(chunk.runs.split_off(CHUNK / 2));
        chunk.recount();
        behind
    });
    std::iter::once(chunk).chain(behind)
}

/// Puts what is not empty of `parts` in the place of one run, and joins what may be.
fn splice(chunk: &mut Chunk, at: usize, parts: &[Run]) {
    let parts = parts.iter().copied().filter(|part| part.count > 0);
    let end = at.saturating_add(1);
    let mut window: Vec<Run> = Vec::with_capacity(5);
    let from = at.saturating_sub(1);
    let to = end.saturating_add(1).min(chunk.runs.len());
    let left = chunk.runs.get(from..at).unwrap_or_default().iter().copied();
    let right = chunk.runs.get(end..to).unwrap_or_default().iter().copied();
    for run in left.chain(parts).chain(right) {
        if !window.last_mut().is_some_and(|last| last.absorb(&run)) {
            window.push(run);
        }
    }
    chunk.runs.splice(from..to, window);
}

/// One pass that takes UIDs out.
struct Removal {
    ranges: Vec<(u32, u32)>,
    /// The first of them that can still matter.
    next: usize,
    /// The greatest UID known so far.
    before: u32,
    /// How many of those between `before` and the next known UID are still to be taken out.
    gap: Option<u32>,
    removed: u32,
}

impl Removal {
    /// What is left of `run`, the first of `following`, goes to `out`.
    fn run(&mut self, run: &Run, following: &[Run], behind: u32, out: &mut Vec<Run>) {
        let mut keep = |part: Run| {
            if part.count > 0 && !out.last_mut().is_some_and(|last| last.absorb(&part)) {
                out.push(part);
            }
        };
        if run.one.uid == 0 {
            let gap = match self.gap {
                Some(gap) => gap,
                None => {
                    let known =
                        following.iter().find(|run| run.one.uid > 0).map_or(behind, |run| run.one.uid);
                    self.count(
                        self.before.saturating_add(1),
                        known.saturating_sub(u32::from(known < u32::MAX)),
                    )
                }
            };
            let taken = gap.min(run.count);
            self.gap = Some(gap.saturating_sub(taken));
            self.removed = self.removed.saturating_add(taken);
            return keep(run.part(0, run.count.saturating_sub(taken)));
        }
        let (first, last) = (run.one.uid, run.last_uid());
        (self.gap, self.before) = (None, last);
        let mut offset = 0_u32;
        while let Some((from, to)) = self.ranges.get(self.next).copied() {
            if to >= first {
                if from > last {
                    break;
                }
                let start = from.max(first).saturating_sub(first);
                let end = to.min(last).saturating_sub(first).saturating_add(1);
                keep(run.part(offset, start.saturating_sub(offset)));
                self.removed = self.removed.saturating_add(end.saturating_sub(start));
                offset = end;
                if to > last {
                    break;
                }
            }
            self.next = self.next.saturating_add(1);
        }
        keep(run.part(offset, run.count.saturating_sub(offset)));
    }

    /// How many of the UIDs that go are in this range.
    fn count(&self, first: u32, last: u32) -> u32 {
        let ranges = self.ranges.get(self.next..).unwrap_or_default();
        let inside = ranges.iter().skip_while(|range| range.1 < first).take_while(|range| range.0 <= last);
        inside.fold(0, |sum: u32, (from, to)| {
            let (from, to) = ((*from).max(first), (*to).min(last));
            sum.saturating_add(to.saturating_sub(from).saturating_add(u32::from(from <= to)))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One entry a message, and nothing clever.
    #[derive(Clone, Debug, Default)]
    struct Naive(Vec<One>);

    impl Naive {
        fn remove_uids(&mut self, uids: &NumberSet) -> u32 {
            let before = self.0.len();
            let known: Vec<u32> = self.0.iter().map(|one| one.uid).collect();
            let mut left = Vec::new();
            let mut taken: Vec<u32> = Vec::new();
            for (nth, one) in self.0.iter().enumerate() {
                if one.uid > 0 {
                    if !uids.contains(one.uid) {
                        left.push(*one);
                    }
                    continue;
                }
                let low = known[..nth].iter().rev().find(|uid| **uid > 0).copied().unwrap_or(0);
                let high = known[nth..].iter().find(|uid| **uid > 0).copied().unwrap_or(u32::MAX);
                let candidate = uids
                    .iter()
                    .find(|uid| *uid > low && (*uid < high || high == u32::MAX) && !taken.contains(uid));
                match candidate {
                    Some(uid) => taken.push(uid),
                    None => left.push(*one),
                }
            }
            self.0 = left;
            (before - self.0.len()) as u32
        }
    }

    #[derive(Clone, Debug)]
    enum Act {
        Push(u32),
        Set(u32, u32, u64),
        Uid(u32),
        Remove(u32),
        Vanish(Vec<(u32, u32)>),
        Assign(u32),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (1u32..9).prop_map(Act::Push),
            (1u32..30, 0u32..3, 0u64..3).prop_map(|(at, flags, modseq)| Act::Set(at, flags, modseq)),
            (1u32..30).prop_map(Act::Uid),
            (1u32..30).prop_map(Act::Remove),
            proptest::collection::vec((1u32..200, 0u32..20), 1..4).prop_map(Act::Vanish),
            (1u32..5).prop_map(Act::Assign),
        ]
    }

    fn check(runs: &Runs, naive: &Naive) -> Result<(), TestCaseError> {
        let flat: Vec<One> = runs.iter().flat_map(|run| (0..run.count).map(|at| run.nth(at))).collect();
        prop_assert_eq!(&flat, &naive.0);
        prop_assert_eq!(runs.len() as usize, naive.0.len());
        for (index, one) in naive.0.iter().enumerate() {
            prop_assert_eq!(runs.get(index as u32 + 1), Some(*one));
            if one.uid > 0 {
                prop_assert_eq!(runs.find(one.uid), Some(index as u32 + 1));
            }
        }
        prop_assert_eq!(runs.get(0), None);
        prop_assert_eq!(runs.get(runs.len() + 1), None);
        for chunk in &runs.chunks {
            let again = Chunk::of(chunk.runs.clone());
            prop_assert!(chunk.count == again.count && chunk.last_uid == again.last_uid && chunk.count > 0);
            for pair in chunk.runs.windows(2) {
                let mut first = pair[0];
                prop_assert!(!first.absorb(&pair[1]), "two runs that are one");
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn runs_are_as_good_as_a_list(acts in proptest::collection::vec(act(), 1..40)) {
            let (mut runs, mut naive) = (Runs::default(), Naive::default());
            for act in acts {
                match act {
                    Act::Push(count) => {
                        runs.push(Run { count, one: One::default() });
                        naive.0.extend(std::iter::repeat_n(One::default(), count as usize));
                    }
                    Act::Set(at, flags, modseq) => {
                        let uid = runs.get(at).map_or(0, |one| one.uid);
                        let one = One { uid, flags, modseq };
                        let before = naive.0.get_mut(at as usize - 1).map(|there| std::mem::replace(there, one));
                        prop_assert_eq!(runs.replace(at, one), before);
                    }
                    Act::Uid(at) => {
                        // One that fits between its neighbours.
                        let index = at as usize - 1;
                        let Some(there) = naive.0.get(index).copied() else { continue };
                        let low = naive.0[..index].iter().rev().find(|one| one.uid > 0).map_or(0, |one| one.uid);
                        let unknown = naive.0[..index].iter().rev().take_while(|one| one.uid == 0).count() as u32;
                        let high = naive.0[index..].iter().find(|one| one.uid > 0).map_or(1_000, |one| one.uid);
                        let uid = low + unknown + 1;
                        if there.uid == 0 && uid < high {
                            let one = One { uid, ..there };
                            naive.0[index] = one;
                            runs.replace(at, one);
                        }
                    }
                    Act::Remove(at) => {
                        let index = at as usize - 1;
                        let gone = (index < naive.0.len()).then(|| naive.0.remove(index));
                        prop_assert_eq!(runs.remove(at), gone);
                    }
                    Act::Vanish(ranges) => {
                        let uids: NumberSet = ranges.iter().map(|(first, more)| (*first, first + more)).collect();
                        prop_assert_eq!(runs.remove_uids(&uids), naive.remove_uids(&uids));
                    }
                    Act::Assign(step) => {
                        let uids: NumberSet = (0..runs.len()).map(|at| 1 + at * step).collect();
                        prop_assert!(runs.assign(&uids));
                        for (one, uid) in naive.0.iter_mut().zip(uids.iter()) {
                            one.uid = uid;
                        }
                    }
                }
                check(&runs, &naive)?;
            }
        }
    }

    #[test]
    fn a_million_messages_cost_little() {
        let mut runs = Runs::default();
        runs.push(Run { count: 1_000_000, one: One::default() });
        let uids: NumberSet = [(1, 500_000), (600_001, 1_100_000)].into_iter().collect();
        assert!(runs.assign(&uids));
        assert_eq!(runs.iter().count(), 2);
        for sequence in 1..=1_000_000 {
            let one = runs.get(sequence).unwrap();
            runs.replace(sequence, One { flags: 1, ..one });
        }
        assert_eq!(runs.iter().count(), 2, "all alike again");
        assert_eq!(runs.remove_uids(&[(1, u32::MAX)].into_iter().collect()), 1_000_000);
        assert_eq!(runs.len(), 0);
    }

    #[test]
    fn a_million_different_ones_are_found_fast() {
        let mut runs = Runs::default();
        for uid in 1..=1_000_000_u32 {
            runs.push(Run { count: 1, one: One { uid: uid * 2, flags: uid % 7 + 1, modseq: 0 } });
        }
        let begun = std::time::Instant::now();
        for nth in 0..10_000_u32 {
            let sequence = nth.wrapping_mul(2_654_435_761) % runs.len() + 1;
            let one = runs.get(sequence).unwrap();
            assert_eq!(runs.find(one.uid), Some(sequence));
            runs.replace(sequence, One { flags: 9, ..one });
        }
        for _ in 0..10_000 {
            runs.remove(1).unwrap();
        }
        assert!(begun.elapsed().as_secs() < 100, "{:?}", begun.elapsed());
    }

    #[test]
    fn where_uids_alone_count_the_place_does_not() {
        let mut runs = Runs::default();
        runs.push(Run { count: 5, one: One::default() });
        for uid in [50, 40, 60, 10, 45] {
            let sequence = runs.identify(uid).unwrap();
            assert_eq!(runs.get(sequence).unwrap().uid, uid);
            assert_eq!(runs.len(), 5);
        }
        assert_eq!(runs.identify(70), None, "all five are known");
        assert_eq!(runs.iter().map(|run| run.one.uid).collect::<Vec<_>>(), [10, 40, 45, 50, 60]);
    }
}
