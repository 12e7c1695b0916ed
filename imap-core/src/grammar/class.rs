//! What an octet may be, in one table.

/// A set of classes, a bit each.
pub(crate) type Class = u8;

/// `ATOM-CHAR`.
pub(crate) const ATOM: Class = 1;
/// `ASTRING-CHAR`: `ATOM-CHAR / "]"`.
pub(crate) const ASTRING: Class = 2;
/// What a tag is made of: `ASTRING-CHAR` except `+`.
pub(crate) const TAG: Class = 4;
/// `list-char`: `ATOM-CHAR / "%" / "*" / "]"`.
pub(crate) const LIST: Class = 8;
/// What stands for itself in a quoted string: `TEXT-CHAR` except `"` and `\`.
pub(crate) const QUOTED: Class = 16;
/// `TEXT-CHAR`: ASCII except NUL, CR and LF.
pub(crate) const TEXT: Class = 32;
/// `DIGIT`.
pub(crate) const DIGIT: Class = 64;
/// Over 127.
pub(crate) const EIGHT_BIT: Class = 128;

#[inline(always)]
pub(crate) const fn is(octet: u8, class: Class) -> bool {
    of(octet) & class != 0
}

#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "a table of 256 by an octet")]
pub(crate) const fn of(octet: u8) -> Class {
    CLASSES[octet as usize]
}

/// How many octets at the start are plain in a quoted string: [`QUOTED`], but no control characters; eight at a time.
#[inline(always)]
pub(crate) fn plain_prefix(octets: &[u8]) -> usize {
    let (eights, rest) = octets.as_chunks::<8>();
    let mut length: usize = 0;
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        // The highest bit of an octet that is 0 is set, and that of no octet below the first such.
        let zero = |word: u64| word.wrapping_sub(of_each(1)) & !word;
        let below = word.wrapping_sub(of_each(0x20)) & !word;
        let odd = zero(word ^ of_each(b'"')) | zero(word ^ of_each(b'\\')) | below | word;
        let odd = odd & of_each(0x80);
        if odd != 0 {
            return length.wrapping_add(usize::try_from(odd.trailing_zeros() / 8).unwrap_or(0));
        }
        length = length.wrapping_add(8);
    }
    let plain = |octet: &u8| is(*octet, QUOTED) && *octet >= b' ';
    length.wrapping_add(rest.iter().position(|octet| !plain(octet)).unwrap_or(rest.len()))
}

const fn of_each(octet: u8) -> u64 {
    u64::from_ne_bytes([octet; 8])
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
static CLASSES: [Class; 256] = {
    let mut classes = [0; 256];
    let mut at = 0;
    while at < 256 {
        let octet = at as u8;
        classes[at] = match octet {
            0x80.. => EIGHT_BIT,
            0 | b'\r' | b'\n' => 0,
            b'"' | b'\\' => TEXT,
            // CTL: QUOTED-CHAR has them, ATOM-CHAR not.
            1..=0x1f | 0x7f | b' ' | b'(' | b')' | b'{' => TEXT | QUOTED,
            b'%' | b'*' => TEXT | QUOTED | LIST,
            b']' => TEXT | QUOTED | LIST | ASTRING | TAG,
            b'+' => TEXT | QUOTED | LIST | ASTRING | ATOM,
            b'0'..=b'9' => TEXT | QUOTED | LIST | ASTRING | TAG | ATOM | DIGIT,
            _ => TEXT | QUOTED | LIST | ASTRING | TAG | ATOM,
        };
        at += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_the_abnf_s() {
        for octet in 0..=255_u8 {
            let atom_special = br#"(){ %*"\]"#.contains(&octet) || octet < 32 || octet == 127;
            assert_eq!(is(octet, ATOM), octet < 128 && !atom_special, "{octet}");
            assert_eq!(is(octet, ASTRING), is(octet, ATOM) || octet == b']', "{octet}");
            assert_eq!(is(octet, TAG), is(octet, ASTRING) && octet != b'+', "{octet}");
            assert_eq!(is(octet, LIST), is(octet, ASTRING) || b"%*".contains(&octet), "{octet}");
            assert_eq!(is(octet, TEXT), (1..128).contains(&octet) && !b"\r\n".contains(&octet), "{octet}");
            assert_eq!(is(octet, QUOTED), is(octet, TEXT) && !br#""\"#.contains(&octet), "{octet}");
            assert_eq!(is(octet, DIGIT), octet.is_ascii_digit(), "{octet}");
            assert_eq!(is(octet, EIGHT_BIT), octet > 127, "{octet}");
        }
    }

    #[test]
    fn eight_at_a_time_is_as_one_by_one() {
        for at in 0..20 {
            for octet in 0..=255_u8 {
                let mut octets = *b"a quoted string, plain";
                octets[at] = octet;
                for end in 0..octets.len() {
                    let octets = &octets[..end];
                    let want = octets.iter().position(|octet| !is(*octet, QUOTED) || *octet < b' ');
                    assert_eq!(plain_prefix(octets), want.unwrap_or(end), "{}", octets.escape_ascii());
                }
            }
        }
    }
}
