//! Where the next octet is that needs a careful look. In safe Rust that the compiler turns into vector code.

/// Tested at once: long enough that what is done once a block does not count.
const BLOCK: usize = 512;
/// Tested first behind a hit, and within a block that has one: hits in a row then cost little.
const PART: usize = 32;

/// The first index from `from` on that is a hit, or the length. The octet before `from` is looked at, too.
///
/// A hit is an LF without its CR, what is not an LF behind a CR, a dot behind an LF, and a NUL. So whatever is
/// passed over is text, and its CRs and LFs are CRLFs (a CR at the very end is yet to be judged).
pub(super) fn first_hit(text: &[u8], from: usize) -> usize {
    let (Some(mut before), Some(mut rest)) =
        (from.checked_sub(1).and_then(|start| text.get(start..)), text.get(from..))
    else {
        return from;
    };
    if let (Some(part), Some(part_before)) = (rest.first_chunk::<PART>(), before.first_chunk::<PART>()) {
        if hits(part, part_before) {
            return from.saturating_add(first_of(part, part_before));
        }
        rest = rest.get(PART..).unwrap_or_default();
        before = before.get(PART..).unwrap_or_default();
    }
    pass_over::<BLOCK>(&mut rest, &mut before);
    pass_over::<PART>(&mut rest, &mut before);
    text.len().saturating_sub(rest.len()).saturating_add(first_of(rest, before))
}

/// Takes whole blocks without a hit off the front.
#[inline(always)]
fn pass_over<const N: usize>(text: &mut &[u8], before: &mut &[u8]) {
    let blocks = text.as_chunks::<N>().0.iter().zip(before.as_chunks::<N>().0);
    let quiet = blocks.take_while(|(block, before)| !hits(block, before)).count().saturating_mul(N);
    *text = text.get(quiet..).unwrap_or_default();
    *before = before.get(quiet..).unwrap_or_default();
}

/// Whether there is a hit in a block, of which `before` is the same moved on by one octet.
#[inline(always)]
fn hits<const N: usize>(block: &[u8; N], before: &[u8; N]) -> bool {
    let (mut hit, mut lowest) = (false, u8::MAX);
    for (octet, before) in block.iter().zip(before) {
        let bare = (*octet == b'\n') ^ (*before == b'\r');
        let dot = (*octet == b'.') & (*before == b'\n');
        hit |= bare | dot;
        lowest = lowest.min(*octet);
    }
    hit | (lowest == 0)
}

fn first_of(text: &[u8], before: &[u8]) -> usize {
    text.iter().zip(before).take_while(|(octet, before)| !hits(&[**octet], &[**before])).count()
}
