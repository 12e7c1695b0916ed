//! A domain name in the middle of a line, sixteen octets at a time.

use wide::{CmpLt, i8x16};

use super::LABEL_MAX;

/// As many octets as every processor of 64 bits has in a vector.
const PIECE: usize = 16;

/// Behind the domain that begins at `at`, if it is beyond doubt that it is one: not for names that are longer than a label
/// may be, or have `--` as A-labels do, or stand in a line that is shorter than a piece.
#[inline(always)]
pub(super) fn end(line: &[u8], at: usize) -> Option<usize> {
    let last = line.len().checked_sub(PIECE)?;
    let mut marks = Marks { letters: 0, separators: 0 };
    let mut length: usize = 0;
    let end = loop {
        let start = at.wrapping_add(length);
        if start < last && length <= LABEL_MAX {
            marks = marks.with(Marks::of(line.get(start..)?.first_chunk()?), length)?;
            length = length.wrapping_add(PIECE);
            let end = marks.first_stop();
            if end < length {
                break end;
            }
        } else {
            // The end of the line; what of it is looked at again says the same again.
            let piece = Marks::of(line.last_chunk()?);
            marks = match last.checked_sub(at) {
                Some(before) => marks.with(piece, before)?,
                None => piece.without(at.wrapping_sub(last))?,
            };
            break marks.first_stop();
        }
    };
    // No label is longer than the name.
    let last_is_letter = marks.letters.checked_shr(u32::try_from(end.checked_sub(1)?).ok()?)? & 1 == 1;
    (last_is_letter && end <= LABEL_MAX).then_some(at.wrapping_add(end))
}

/// What the octets of a name are, from the lowest bit up.
#[derive(Clone, Copy)]
struct Marks {
    /// Letters and digits.
    letters: u64,
    /// Hyphens and dots.
    separators: u64,
}

impl Marks {
    #[inline(always)]
    fn of(piece: &[u8; PIECE]) -> Self {
        let mut octets = [0; PIECE];
        for (signed, octet) in octets.iter_mut().zip(piece) {
            *signed = octet.cast_signed();
        }
        let octets = i8x16::new(octets);
        let letters = between(octets | i8x16::splat(0x20), b'a', b'z') | between(octets, b'0', b'9');
        let separators = between(octets, b'-', b'.');
        let bits = |marks: i8x16| u64::from(marks.move_mask().cast_unsigned());
        Self { letters: bits(letters), separators: bits(separators) }
    }

    /// And those of a piece that begins at `start`.
    #[inline(always)]
    fn with(self, piece: Self, start: usize) -> Option<Self> {
        let start = u32::try_from(start).ok()?;
        Some(Self {
            letters: self.letters | piece.letters.checked_shl(start)?,
            separators: self.separators | piece.separators.checked_shl(start)?,
        })
    }

    #[inline(always)]
    fn without(self, octets: usize) -> Option<Self> {
        let octets = u32::try_from(octets).ok()?;
        Some(Self {
            letters: self.letters.checked_shr(octets)?,
            separators: self.separators.checked_shr(octets)?,
        })
    }

    /// What is neither a letter or digit, nor a hyphen or dot behind one.
    #[inline(always)]
    fn first_stop(self) -> usize {
        (self.letters | self.separators & self.letters << 1).trailing_ones() as usize
    }
}

/// By a comparison with signs: vectors have no other.
#[inline(always)]
#[allow(clippy::arithmetic_side_effects)] // lanes wrap
fn between(octets: i8x16, first: u8, last: u8) -> i8x16 {
    let moved = octets + i8x16::splat(0x80_u8.wrapping_sub(first).cast_signed());
    let behind = last.wrapping_sub(first).wrapping_add(0x81);
    moved.cmp_lt(i8x16::splat(behind.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::super::{Beside, DOT, HYPHEN, LETTER, check, class};
    use super::*;

    /// What `end` takes is what `check` takes, up to the first octet that no name holds, whatever is before it; and it
    /// takes what is not in doubt.
    fn agrees(octets: &[u8]) {
        let length = octets.iter().position(|octet| !matches!(class(*octet), LETTER | HYPHEN | DOT));
        let name = &octets[..length.unwrap_or(octets.len())];
        let is_plain = check(name, Beside::Nothing).is_ok();
        let in_doubt = name.len() > LABEL_MAX || name.windows(2).any(|pair| pair == b"--");
        for before in [0, 1, 5, 14, 15, 16, 17, 40] {
            for other in [b'-', b'a', b'<'] {
                let line = [&vec![other; before], octets].concat();
                let short = line.len() < PIECE;
                match end(&line, before) {
                    Some(end) => assert!(is_plain && end == before + name.len(), "{}", line.escape_ascii()),
                    None => assert!(!is_plain || in_doubt || short, "{}", line.escape_ascii()),
                }
            }
        }
    }

    #[test]
    fn a_prefix_is_what_the_whole_would_be() {
        // Every octet at every place of a name.
        for at in 0..36 {
            for octet in 0..=255 {
                let mut name = *b"mail-1.a--b.example>bc.d-e.longer.f\r\n";
                name[at] = octet;
                agrees(&name[..20]);
                agrees(&name[..19]);
                if at >= 21 {
                    agrees(&name[21..]);
                    agrees(&name[21..35]);
                }
                let mut name = *b"mail-ed1-x52f.google.com.a.b.example\r\n";
                name[at] = octet;
                agrees(&name);
            }
        }
        for length in 1..70 {
            for dot in 0..=length {
                let mut name = vec![b'a'; length];
                name.insert(dot, b'.');
                agrees(&name);
                agrees(&[&name[..], b".b"].concat());
                agrees(&[&name[..], b">-.x more of it"].concat());
                name[dot] = b'-';
                agrees(&name);
            }
        }
        let long = ["a".repeat(63).as_str(); 4].join(".");
        for text in [long.clone(), format!("{long}a"), format!("{long}>"), format!("{long}a>")] {
            agrees(text.as_bytes());
        }
        assert_eq!((end(b"a", 1), end(b"a", 2), end(b"", 0)), (None, None, None));
    }
}
