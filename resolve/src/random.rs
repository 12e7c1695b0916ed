use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// 64 random bits a call, the same ones for the same seed (SplitMix64): for tests and for a plan to be seen again.
pub fn seeded(mut seed: u64) -> impl FnMut() -> u64 + Clone + Send {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = seed;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

/// The same from a seed that the system gives: to spread load, not to keep a secret.
pub fn unseeded() -> impl FnMut() -> u64 + Clone + Send {
    seeded(RandomState::new().build_hasher().finish())
}

/// A number below `bound`, each equally often (but for one part in 2^32) when `random` gives 64 random bits a call.
pub(crate) fn below(bound: usize, random: &mut impl FnMut() -> u64) -> usize {
    let wide = u128::from(random()).wrapping_mul(bound as u128);
    usize::try_from(wide >> 64).unwrap_or(0)
}

/// Every order equally often (Fisher and Yates).
pub(crate) fn shuffle<T>(items: &mut [T], random: &mut impl FnMut() -> u64) {
    for end in (1..items.len()).rev() {
        items.swap(end, below(end.saturating_add(1), random));
    }
}

/// Every order of equals equally often; the items are sorted by `key`.
pub(crate) fn shuffle_ties<T, K: PartialEq>(
    items: &mut [T],
    key: impl Fn(&T) -> K,
    mut random: impl FnMut() -> u64,
) {
    for tie in items.chunk_by_mut(|one, other| key(one) == key(other)) {
        shuffle(tie, &mut random);
    }
}
