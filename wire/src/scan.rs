//! Line ends in short lines, eight octets at a time: a search that is called once a line has no time to get going.

/// The first octet under 14 at or behind `from`: CR, LF and NUL are among them, and in a line of text hardly others.
#[inline]
pub fn control(octets: &[u8], from: usize) -> Option<usize> {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const FOURTEEN: u64 = u64::from_ne_bytes([14; 8]);
    let (eights, rest) = octets.get(from..)?.as_chunks::<8>();
    let mut at = from;
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        // The lowest octet that is marked is under 14; those above it may only be hit by its borrow.
        let under = word.wrapping_sub(FOURTEEN) & !word & HIGH;
        if under != 0 {
            return Some(at.wrapping_add(usize::try_from(under.trailing_zeros() / 8).ok()?));
        }
        at = at.wrapping_add(8);
    }
    rest.iter().position(|octet| *octet < 14).map(|offset| at.wrapping_add(offset))
}

/// The first LF at or behind `from`.
#[inline]
pub fn line_feed(octets: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let at = control(octets, from)?;
        if octets.get(at) == Some(&b'\n') {
            return Some(at);
        }
        from = at.wrapping_add(1);
    }
}

/// The first CR, LF or NUL at or behind `from`.
#[inline]
pub fn line_break(octets: &[u8], from: usize) -> Option<usize> {
    /// Behind so many octets a search that looks at 32 at once has got going.
    const NEAR: usize = 32;
    let behind = from.saturating_add(NEAR);
    let near = octets.get(..behind).unwrap_or(octets);
    let mut next = from;
    while let Some(at) = control(near, next) {
        if let Some(b'\r' | b'\n' | 0) = near.get(at) {
            return Some(at);
        }
        next = at.wrapping_add(1);
    }
    let found = memchr::memchr3(b'\r', b'\n', 0, octets.get(behind..)?)?;
    Some(behind.wrapping_add(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_at_every_place() {
        for octet in 0..=255 {
            for at in 0..20 {
                for from in 0..=at {
                    for other in [b'a', 14, 0x7f, 0x80, 0xff] {
                        let mut octets = [other; 20];
                        octets[at] = octet;
                        assert_eq!(
                            control(&octets, from),
                            (octet < 14).then_some(at),
                            "{octet} {at} {from} {other}"
                        );
                        assert_eq!(line_feed(&octets, from), (octet == b'\n').then_some(at));
                        assert_eq!(control(&octets, at + 1), None);
                    }
                }
            }
        }
        let text = b"a\t\r\nb";
        assert_eq!((line_break(text, 0), line_break(text, 3), line_break(text, 4)), (Some(2), Some(3), None));
        assert_eq!((line_feed(text, 0), line_feed(text, 4), control(text, 9)), (Some(3), None, None));
    }

    #[test]
    fn line_breaks_near_and_far() {
        for at in 0..200 {
            for from in [0, 1, 7, 60, 64, 130] {
                for octet in 0..=255 {
                    let mut octets = [b'\t'; 200];
                    octets[at] = octet;
                    let want = (b"\r\n\0".contains(&octet) && from <= at).then_some(at);
                    assert_eq!(line_break(&octets, from), want, "{octet} {at} {from}");
                }
            }
        }
        assert_eq!((line_break(b"", 0), line_break(b"a", 9)), (None, None));
    }
}
