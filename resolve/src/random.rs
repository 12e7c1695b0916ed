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
