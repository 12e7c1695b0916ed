//! Keywords as numbers, so that a `match` tells them apart.

/// A word of up to 16 octets in upper case as a number; 0 for a longer one.
#[inline(always)]
pub(crate) fn of(word: &[u8]) -> u128 {
    let mut octets = [0; 16];
    match octets.get_mut(..word.len()) {
        Some(place) => place.copy_from_slice(word),
        None => return 0,
    }
    octets.make_ascii_uppercase();
    u128::from_le_bytes(octets)
}

/// The number of a word that is in upper case.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
pub(crate) const fn number(word: &str) -> u128 {
    let word = word.as_bytes();
    let mut octets = [0; 16];
    let mut at = 0;
    while at < word.len() {
        octets[at] = word[at];
        at += 1;
    }
    u128::from_le_bytes(octets)
}

/// Constants of words: `keywords! { BCC, UID_AFTER = "UIDAFTER" }`.
macro_rules! keywords {
    ($($name:ident $(= $text:literal)?),* $(,)?) => {
        $(const $name: u128 = $crate::grammar::keyword::number(keywords!(@ $name $($text)?));)*
    };
    (@ $name:ident) => { stringify!($name) };
    (@ $name:ident $text:literal) => { $text };
}
pub(crate) use keywords;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_its_number_in_any_case() {
        keywords! { BCC, LONG = "UNAUTHENTICATE", DOT = "RFC822.SIZE" }
        assert_eq!([of(b"bCc"), of(b"UnAuthenticate"), of(b"rfc822.size")], [BCC, LONG, DOT]);
        assert_ne!(of(b"BCC\x20"), BCC);
        assert_ne!(of(b"BC"), BCC);
        assert_eq!(of(b"SAVEDATESUPPORTED"), 0, "17 octets");
        assert_eq!(of(b""), 0);
    }
}
