//! SASLprep (RFC 4013) and the "trace" profile of ANONYMOUS (RFC 4505 s 3), on the tables of RFC 3454.

use stringprep::tables;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// How unassigned code points are taken (RFC 3454 s 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 3454 s 7 has two
pub enum Strings {
    /// What is kept in a database or put through a hash: unassigned code points are forbidden.
    Stored,
    /// What someone presents to be looked up: they are let through.
    Query,
}

/// Text that a profile of stringprep forbids, or of which it leaves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unprepared {
    /// A control character, a private or unassigned code point and the like.
    #[error("a character that the profile forbids")]
    Prohibited,
    /// Text of both directions (RFC 3454 s 6).
    #[error("bidirectional text that the profile forbids")]
    Bidirectional,
    /// Nothing is left: such a name or password never verifies (RFC 4616 s 2).
    #[error("empty when prepared")]
    Empty,
}

/// Prepares a user name or a password by SASLprep.
///
/// ```
/// use mail46_sasl::{Strings, saslprep};
/// assert_eq!(*saslprep("I\u{AD}X", Strings::Stored)?, "IX"); // RFC 4013 s 3
/// assert_eq!(*saslprep("\u{2168}", Strings::Stored)?, "IX");
/// # Ok::<(), mail46_sasl::Unprepared>(())
/// ```
///
/// # Errors
/// [`Unprepared`], also when nothing is left.
pub fn saslprep(text: &str, strings: Strings) -> Result<Zeroizing<String>, Unprepared> {
    // RFC 4013 s 2.1: a space is a space, and some characters are nothing; s 2.2: then NFKC.
    let mapped = || {
        text.chars()
            .map(|c| if tables::non_ascii_space_character(c) { ' ' } else { c })
            .filter(|c| !tables::commonly_mapped_to_nothing(*c))
            .nfkc()
    };
    let mut prepared = Zeroizing::new(String::with_capacity(mapped().map(char::len_utf8).sum()));
    prepared.extend(mapped());
    if prepared.is_empty() {
        return Err(Unprepared::Empty);
    }
    // RFC 4013 s 2.3, and s 2.5 for the unassigned.
    let prohibited = |c: char| {
        tables::non_ascii_space_character(c)
            || prohibited_in_both(c)
            || tables::inappropriate_for_canonical_representation(c)
            || (strings == Strings::Stored && tables::unassigned_code_point(c))
    };
    if prepared.chars().any(prohibited) {
        return Err(Unprepared::Prohibited);
    }
    bidirectional(&prepared)?;
    Ok(prepared)
}

/// Checks trace information of ANONYMOUS: the profile maps and normalizes nothing, it only forbids.
pub(crate) fn trace(text: &str) -> Result<(), Unprepared> {
    if text.chars().any(prohibited_in_both) {
        return Err(Unprepared::Prohibited);
    }
    bidirectional(text)
}

/// C.2.1, C.2.2, C.3, C.4, C.5, C.6, C.8 and C.9: forbidden by both profiles.
fn prohibited_in_both(c: char) -> bool {
    tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::surrogate_code(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
}

/// RFC 3454 s 6: a RandALCat character wants no LCat beside it, and one of its kind first and last.
fn bidirectional(text: &str) -> Result<(), Unprepared> {
    if !text.chars().any(tables::bidi_r_or_al) {
        return Ok(());
    }
    let ends =
        [text.chars().next(), text.chars().next_back()].into_iter().flatten().all(tables::bidi_r_or_al);
    if ends && !text.chars().any(tables::bidi_l) { Ok(()) } else { Err(Unprepared::Bidirectional) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Strings::*;

    #[test]
    fn saslprep_of_rfc_4013() {
        let rows: &[(&str, Strings, Result<&str, Unprepared>)] = &[
            ("I\u{AD}X", Stored, Ok("IX")), // the seven of RFC 4013 s 3
            ("user", Stored, Ok("user")),
            ("USER", Stored, Ok("USER")),
            ("\u{AA}", Stored, Ok("a")),
            ("\u{2168}", Stored, Ok("IX")),
            ("\u{7}", Stored, Err(Unprepared::Prohibited)),
            ("\u{627}\u{31}", Stored, Err(Unprepared::Bidirectional)),
            ("\u{BD}", Stored, Ok("1\u{2044}2")), // the two of RFC 5802 s 2.2
            ("\u{B4}", Stored, Ok(" \u{301}")),
            ("a\u{A0}b", Stored, Ok("a b")),   // a space is a space
            ("\u{221}", Query, Ok("\u{221}")), // unassigned in Unicode 3.2
            ("\u{221}", Stored, Err(Unprepared::Prohibited)),
            ("\u{627}\u{628}", Stored, Ok("\u{627}\u{628}")),
            ("\u{627}a\u{628}", Stored, Err(Unprepared::Bidirectional)),
            ("\u{E000}", Query, Err(Unprepared::Prohibited)),
            ("", Query, Err(Unprepared::Empty)),
            ("\u{AD}", Query, Err(Unprepared::Empty)),
        ];
        for (text, strings, want) in rows {
            let got = saslprep(text, *strings);
            assert_eq!(
                got.as_ref().map(|text| text.as_str()),
                want.as_ref().copied(),
                "{text:?} {strings:?}"
            );
        }
    }

    #[test]
    fn trace_maps_nothing() {
        for (text, want) in [
            ("sirhc", Ok(())),
            ("I\u{AD}X", Ok(())),
            ("a\u{A0}b", Ok(())),
            ("\n", Err(Unprepared::Prohibited)),
            ("\u{627}\u{31}", Err(Unprepared::Bidirectional)),
        ] {
            assert_eq!(trace(text), want, "{text:?}");
        }
    }
}
