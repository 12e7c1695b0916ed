//! Where the next octet is that needs a careful look. In safe Rust that the compiler turns into vector code, and with few
//! branches that depend on the text: one that is guessed wrong costs as much as a hundred octets.

use bytes::BytesMut;
use multiversion::multiversion;

/// Octets tested at once: long enough that what is done once a block does not count.
pub(super) const BLOCK: usize = 128;
/// The same where hits are seldom.
const LONG_BLOCK: usize = 512;
/// As many octets as a vector has, or two.
const LANES: usize = 32;
/// Less is looked at octet by octet.
const FEW: usize = 16;

/// What becomes of a dot behind a CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dot {
    Doubled,
    /// If the octet behind it is plain; a dot that may be the end's is left to the caller.
    Removed,
}

/// The first index from `from` on that is a hit, or the length. The octet before `from` is looked at, too.
///
/// A hit is an LF without its CR, what is not an LF behind a CR, a dot behind an LF, and a NUL. So whatever is
/// passed over is text, and its CRs and LFs are CRLFs (a CR at the very end is yet to be judged).
#[multiversion(targets("x86_64+avx2+bmi1+lzcnt"))]
pub(super) fn first_hit(text: &[u8], from: usize) -> usize {
    hit(text, behind_quiet::<LONG_BLOCK>(text, from))
}

/// The same, and what is passed over is copied to `output`; a dot behind a CRLF is no hit if it can be dealt with at once.
#[multiversion(targets("x86_64+avx2+bmi1+lzcnt"))]
pub(super) fn copy_to_hit(text: &[u8], from: usize, dots: Dot, output: &mut BytesMut) -> usize {
    copy(text, from, dots, output)
}

#[inline(always)]
fn copy(text: &[u8], from: usize, dots: Dot, output: &mut BytesMut) -> usize {
    let mut at = from;
    loop {
        let hit = hit(text, at);
        output.extend_from_slice(text.get(at..hit).unwrap_or_default());
        let before = hit.checked_sub(1).and_then(|before| text.get(before));
        at = match (before, text.get(hit), text.get(hit.saturating_add(1)), dots) {
            // The octet before `from` is the caller's: an LF there may be a bare one.
            _ if hit <= from => return hit,
            (Some(b'\n'), Some(b'.'), _, Dot::Doubled) => {
                output.extend_from_slice(b"..");
                hit.saturating_add(1)
            }
            (Some(b'\n'), Some(b'.'), Some(octet), Dot::Removed) if !matches!(octet, b'\r' | b'\n' | 0) => {
                output.extend_from_slice(&[*octet]);
                hit.saturating_add(2)
            }
            _ => return hit,
        };
    }
}

#[inline(always)]
fn hit(text: &[u8], from: usize) -> usize {
    let length = text.len().saturating_sub(from);
    if length < FEW {
        let before = text.get(from.saturating_sub(1)..).unwrap_or_default();
        return from.saturating_add(one_by_one(text.get(from..).unwrap_or_default(), before));
    }
    let at = behind_quiet::<BLOCK>(text, from);
    if let Some((block, before)) = pair(text, at) {
        return at.saturating_add(first(block, before));
    }
    // What is less than a block is the end of one, whose start has no hit if it is behind `from`.
    let last = text.len().saturating_sub(BLOCK);
    if let Some((block, before)) = pair(text, last)
        && last >= from
    {
        return last.saturating_add(first(block, before));
    }
    let first = first(&padded(text, from), &padded(text, from.saturating_sub(1)));
    from.saturating_add(first.min(length))
}

/// Behind the blocks from `from` on that have no hit.
#[inline(always)]
fn behind_quiet<const N: usize>(text: &[u8], from: usize) -> usize {
    let before = from.checked_sub(1).and_then(|start| text.get(start..)).unwrap_or_default();
    let blocks =
        text.get(from..).unwrap_or_default().as_chunks::<N>().0.iter().zip(before.as_chunks::<N>().0);
    let quiet = blocks.take_while(|(block, before)| !has_hit(block, before)).count();
    from.saturating_add(quiet.saturating_mul(N))
}

/// The block at `at`, and the same moved on by one octet.
#[inline(always)]
fn pair(text: &[u8], at: usize) -> Option<(&[u8; BLOCK], &[u8; BLOCK])> {
    Some((text.get(at..)?.first_chunk()?, text.get(at.checked_sub(1)?..)?.first_chunk()?))
}

/// The octets from `at` on, and spaces behind them.
#[inline(always)]
fn padded(text: &[u8], at: usize) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.get(..BLOCK).unwrap_or(rest);
    if let Some(start) = block.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    block
}

/// Whether there is a hit in a block, of which `before` is the same moved on by one octet.
#[inline(always)]
fn has_hit<const N: usize>(block: &[u8; N], before: &[u8; N]) -> bool {
    let (mut hit, mut lowest) = (false, u8::MAX);
    for (octet, before) in block.iter().zip(before) {
        hit |= is_hit(*octet, *before);
        lowest = lowest.min(*octet);
    }
    hit | (lowest == 0)
}

/// All but NUL.
#[inline(always)]
fn is_hit(octet: u8, before: u8) -> bool {
    (octet == b'\n') ^ (before == b'\r') | (octet == b'.') & (before == b'\n')
}

/// Where in `block` the first hit is, or its length.
#[inline(always)]
fn first(block: &[u8; BLOCK], before: &[u8; BLOCK]) -> usize {
    const VECTORS: u32 = (BLOCK / LANES) as u32;
    // In lane n the highest of VECTORS bits is for octet n, the next for octet LANES + n, and so on.
    let (mut lanes, mut lowest) = ([0_u8; LANES], [u8::MAX; LANES]);
    for (octets, befores) in block.as_chunks::<LANES>().0.iter().zip(before.as_chunks::<LANES>().0) {
        for (((octet, before), lane), lowest) in octets.iter().zip(befores).zip(&mut lanes).zip(&mut lowest) {
            *lane = (*lane << 1) | u8::from(is_hit(*octet, *before));
            *lowest = (*lowest).min(*octet);
        }
    }
    if lowest.iter().fold(u8::MAX, |lowest, octet| lowest.min(*octet)) == 0 {
        return one_by_one(block, before);
    }
    let mut eights = [0; LANES / 8];
    for (eight, lanes) in eights.iter_mut().zip(lanes.as_chunks::<8>().0) {
        *eight = u64::from_le_bytes(*lanes);
    }
    let any = eights.iter().fold(0, |any, eight| any | eight);
    let any = any | any >> 32;
    let any = any | any >> 16;
    let Some(bit) = ((any | any >> 8) & 0xff).checked_ilog2() else {
        return BLOCK;
    };
    let mut lane: u32 = 0;
    for eight in eights.iter().rev() {
        let marks = eight.wrapping_shr(bit) & const { u64::from_le_bytes([1; 8]) };
        lane = if marks == 0 { lane.wrapping_add(8) } else { marks.trailing_zeros() / 8 };
    }
    let vector = const { VECTORS - 1 }.wrapping_sub(bit);
    vector.wrapping_mul(const { LANES as u32 }).wrapping_add(lane) as usize
}

#[inline(never)]
fn one_by_one(block: &[u8], before: &[u8]) -> usize {
    let pairs = block.iter().zip(before);
    pairs.take_while(|(octet, before)| **octet != 0 && !is_hit(**octet, **before)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oracle(text: &[u8], from: usize) -> usize {
        let is_hit = |at: usize| {
            let pair = (text[at - 1], text[at]);
            pair.1 == 0 || (pair.0 == b'\r') != (pair.1 == b'\n') || pair == (b'\n', b'.')
        };
        (from..text.len()).find(|at| is_hit(*at)).unwrap_or(text.len())
    }

    /// As this processor runs it, and as every other does.
    fn agree(text: &[u8], from: usize) {
        let want = oracle(text, from);
        assert_eq!(first_hit(text, from), want, "{from} {}", text.escape_ascii());
        assert_eq!(hit(text, behind_quiet::<LONG_BLOCK>(text, from)), want);
        for dots in [Dot::Doubled, Dot::Removed] {
            let (mut output, mut plain) = (BytesMut::new(), BytesMut::new());
            let hit = copy_to_hit(text, from, dots, &mut output);
            assert_eq!((copy(text, from, dots, &mut plain), &plain), (hit, &output));
            assert!(hit >= want);
            if hit == want {
                assert_eq!(output, text[from..hit]);
            }
        }
    }

    #[test]
    fn each_hit_at_each_place_of_texts_of_each_length() {
        for length in (2..20).chain([40, 127, 128, 129, 130, 200, 256, 257, 258, 513, 514, 700]) {
            let text: Vec<u8> = b"a\x80\xff \t~".iter().copied().cycle().take(length).collect();
            agree(&text, 1);
            for at in 1..length - 1 {
                for hit in [&b"\r\n"[..], b"\r", b"\n", b"\0", b"\n.", b"."] {
                    if length > 20 && at % 5 != 0 && at + 5 < length {
                        continue;
                    }
                    let mut text = text.clone();
                    text[at..at + hit.len()].copy_from_slice(hit);
                    for from in [1, 2, at, at + 1] {
                        agree(&text, from);
                    }
                    // Another one behind it changes nothing.
                    text[length - 1] = 0;
                    agree(&text, 1);
                }
            }
        }
    }

    #[test]
    fn dots_are_dealt_with_on_the_way() {
        let line = "x".repeat(300);
        let text = format!("{line}\r\n.a\r\n..\r\n.\u{e9}{line}\r\n.{line}\r\n.\r\n");
        let removed = format!("{line}\r\na\r\n.\r\n\u{e9}{line}\r\n{line}\r\n");
        let doubled = format!("{line}\r\n..a\r\n...\r\n..\u{e9}{line}\r\n..{line}\r\n..\r\n");
        let mut output = BytesMut::new();
        assert_eq!(copy_to_hit(text.as_bytes(), 1, Dot::Removed, &mut output), text.len() - 3);
        assert_eq!(output, removed[1..]);
        output.clear();
        assert_eq!(copy_to_hit(text.as_bytes(), 1, Dot::Doubled, &mut output), text.len());
        assert_eq!(output, doubled[1..]);
        // The caller's LF may be bare.
        output.clear();
        assert_eq!(copy_to_hit(b"\n.a", 1, Dot::Removed, &mut output), 1);
        assert_eq!(copy_to_hit(b"\n.a", 1, Dot::Doubled, &mut output), 1);
    }
}
