//! Sets of numbers for applications: sequence numbers or UIDs, sorted and joined.

use std::fmt;

/// Message numbers or UIDs as sorted ranges that do not touch; it costs what its ranges cost.
///
/// ```
/// use mail46_imap_core::{NumberSet, SequenceSet};
///
/// let asked = SequenceSet::parse(b"2,4:7,9,12:*")?.resolve(15).unwrap();
/// let gone: NumberSet = [5, 13].into_iter().collect();
/// assert_eq!(asked.difference(&gone).to_string(), "2,4,6:7,9,12,14:15");
/// assert_eq!(asked.len(), 10);
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct NumberSet(Vec<(u32, u32)>);

impl NumberSet {
    /// No number.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there is no number in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(first, last)| u64::from(last.saturating_sub(*first)).saturating_add(1)).sum()
    }

    /// The least.
    pub fn first(&self) -> Option<u32> {
        self.0.first().map(|range| range.0)
    }

    /// The greatest.
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|range| range.1)
    }

    /// Whether `number` is in it, by binary search.
    pub fn contains(&self, number: u32) -> bool {
        let at = self.0.partition_point(|range| range.1 < number);
        self.0.get(at).is_some_and(|range| range.0 <= number)
    }

    /// The ranges, first and last of each, ascending.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = (u32, u32)> + ExactSizeIterator + '_ {
        self.0.iter().copied()
    }

    /// Each number, ascending: as many as [`NumberSet::len`] says.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Adds one. Cheap at the end; elsewhere what stands behind it moves.
    pub fn insert(&mut self, number: u32) {
        self.insert_range(number, number);
    }

    /// Adds a range, in whichever order its ends are.
    pub fn insert_range(&mut self, one: u32, other: u32) {
        let (mut first, mut last) = (one.min(other), one.max(other));
        // All that overlap or touch it.
        let from = self.0.partition_point(|range| range.1.saturating_add(1) < first);
        let to = self.0.partition_point(|range| range.0 <= last.saturating_add(1));
        if let Some(range) = self.0.get(from).filter(|_| from < to) {
            first = first.min(range.0);
        }
        if let Some(range) = to.checked_sub(1).filter(|at| *at >= from).and_then(|at| self.0.get(at)) {
            last = last.max(range.1);
        }
        self.0.splice(from..to.max(from), [(first, last)]);
    }

    /// Takes one out; whether it was there.
    pub fn remove(&mut self, number: u32) -> bool {
        let at = self.0.partition_point(|range| range.1 < number);
        let Some(range) = self.0.get_mut(at).filter(|range| range.0 <= number) else { return false };
        let (first, last) = *range;
        match (first == number, last == number) {
            (true, true) => {
                self.0.remove(at);
            }
            (true, false) => range.0 = number.saturating_add(1),
            (false, true) => range.1 = number.saturating_sub(1),
            (false, false) => {
                range.1 = number.saturating_sub(1);
                self.0.insert(at.saturating_add(1), (number.saturating_add(1), last));
            }
        }
        true
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut ranges = Vec::with_capacity(self.0.len().saturating_add(other.0.len()));
        ranges.extend_from_slice(&self.0);
        ranges.extend_from_slice(&other.0);
        Self::from_unsorted(ranges)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                out.push((first, last));
            }
            if a.1 < b.1 {
                left.next();
            } else {
                right.next();
            }
        }
        Self(out)
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let mut holes = other.0.iter().copied().peekable();
        'ranges: for (first, last) in self.0.iter().copied() {
            let mut from = first;
            while holes.next_if(|hole| hole.1 < from).is_some() {}
            while let Some(hole) = holes.peek().copied().filter(|hole| hole.0 <= last) {
                if hole.0 > from {
                    out.push((from, hole.0.saturating_sub(1)));
                }
                if hole.1 >= last {
                    continue 'ranges;
                }
                from = hole.1.saturating_add(1);
                holes.next();
            }
            out.push((from, last));
        }
        Self(out)
    }

    fn from_unsorted(mut ranges: Vec<(u32, u32)>) -> Self {
        if !ranges.is_sorted() {
            ranges.sort_unstable();
        }
        ranges.dedup_by(|next, range| {
            let joins = next.0 <= range.1.saturating_add(1);
            if joins {
                range.1 = range.1.max(next.1);
            }
            joins
        });
        Self(ranges)
    }
}

impl FromIterator<u32> for NumberSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        numbers.into_iter().map(|number| (number, number)).collect()
    }
}

impl FromIterator<(u32, u32)> for NumberSet {
    /// Of ranges, in whichever order, overlapping or not.
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> Self {
        let mut out: Vec<(u32, u32)> = Vec::new();
        for (one, other) in ranges {
            let (first, last) = (one.min(other), one.max(other));
            match out.last_mut() {
                // Ascending numbers, one by one, are a single range.
                Some(range) if range.0 <= first && first <= range.1.saturating_add(1) => {
                    range.1 = range.1.max(last)
                }
                _ => out.push((first, last)),
            }
        }
        Self::from_unsorted(out)
    }
}

impl Extend<u32> for NumberSet {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, numbers: I) {
        for number in numbers {
            self.insert(number);
        }
    }
}

impl fmt::Display for NumberSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}:{last}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for NumberSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumberSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(ranges: &[(u32, u32)]) -> NumberSet {
        ranges.iter().copied().collect()
    }

    #[test]
    fn ranges_are_sorted_and_joined() {
        for (ranges, want, shows) in [
            (&[][..], "", "none"),
            (&[(1, 3), (4, 6)], "1:6", "they touch"),
            (&[(1, 3), (5, 6)], "1:3,5:6", "they do not"),
            (&[(5, 6), (1, 3)], "1:3,5:6", "sorted"),
            (&[(9, 1), (2, 3)], "1:9", "a descending range, one inside another"),
            (&[(1, u32::MAX), (7, 7)], "1:4294967295", "all of them cost one range"),
            (&[(u32::MAX, u32::MAX), (1, 1)], "1,4294967295", "the last number touches nothing"),
        ] {
            assert_eq!(set(ranges).to_string(), want, "{shows}");
        }
        assert_eq!(set(&[(1, u32::MAX)]).len(), 4_294_967_295);
        assert_eq!(set(&[(0, u32::MAX)]).difference(&set(&[(0, u32::MAX)])), NumberSet::new());
    }

    fn small() -> impl Strategy<Value = (Vec<(u32, u32)>, BTreeSet<u32>)> {
        proptest::collection::vec((0u32..40, 0u32..40), 0..8).prop_map(|ranges| {
            let all = ranges.iter().flat_map(|(a, b)| *a.min(b)..=*a.max(b)).collect();
            (ranges, all)
        })
    }

    proptest! {
        #[test]
        fn it_is_the_set_that_btreeset_makes((a, sa) in small(), (b, sb) in small(), number in 0u32..40) {
            let (x, y) = (set(&a), set(&b));
            let all = |set: &NumberSet| {
                assert!(set.ranges().zip(set.ranges().skip(1)).all(|(one, next)| one.1 + 1 < next.0), "{set}");
                set.iter().collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(&all(&x), &sa);
            prop_assert_eq!(x.len(), sa.len() as u64);
            prop_assert_eq!(all(&x.union(&y)), &sa | &sb);
            prop_assert_eq!(all(&x.intersection(&y)), &sa & &sb);
            prop_assert_eq!(all(&x.difference(&y)), &sa - &sb);
            prop_assert_eq!(x.contains(number), sa.contains(&number));
            let (mut one, mut other) = (x, sa);
            prop_assert_eq!(one.remove(number), other.remove(&number));
            prop_assert_eq!(&all(&one), &other);
            for (from, to) in b {
                one.insert_range(from, to);
                other.extend(from.min(to)..=from.max(to));
                prop_assert_eq!(&all(&one), &other);
            }
        }
    }
}
