//! Sets of flags, each kept once: most messages have one of a few.

use std::collections::HashMap;

use crate::FlagList;

#[derive(Clone, Debug, Default)]
pub(super) struct FlagSets {
    /// The set of number `n` is at `n - 1`; 0 is "not known".
    sets: Vec<FlagList>,
    numbers: HashMap<Box<[u8]>, u32>,
}

impl FlagSets {
    /// The number of a set: the same for the same flags in any order and case.
    pub(super) fn number<B: AsRef<[u8]>>(&mut self, flags: &FlagList<B>) -> u32 {
        let mut words: Vec<Vec<u8>> = flags.iter().map(|flag| flag.to_string().into_bytes()).collect();
        words.iter_mut().for_each(|word| word.make_ascii_lowercase());
        words.sort_unstable();
        words.dedup();
        let key = words.join(&b' ').into_boxed_slice();
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        // A copy: a share would hold the frame that the flags came in.
        self.sets.push(FlagList::of(flags.iter()));
        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.numbers.insert(key, number);
        number
    }

    pub(super) fn get(&self, number: u32) -> Option<&FlagList> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.sets.get(index)
    }

    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }

    /// Only those in use, as `used` tells by their numbers, under new numbers from 1 on in that order.
    pub(super) fn keep(&self, used: &[u32]) -> Self {
        let mut kept = Self::default();
        for number in used {
            kept.number(self.get(*number).unwrap_or(&FlagList::EMPTY));
        }
        kept
    }
}

/// These flags and not those.
pub(super) fn without(flags: &FlagList, others: &FlagList) -> FlagList {
    FlagList::of(flags.iter().filter(|flag| !others.has(flag)))
}
