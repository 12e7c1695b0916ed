//! Words that a command or reply carries: validated once, kept where they were read.

pub(crate) use mail46_wire::text::{TextError, as_is, printable, same, slice_of};
pub(crate) use mail46_wire::{secret_traits, text_traits, text_type};

text_type! {
    /// The free argument of a command: no control octets, no space at either end, not empty.
    Text, is_text, "text without control octets"
}
text_traits!(Text, same, as_is);

text_type! {
    /// The verb of a command that is not known here: letters, digits, `-` and `_`. Compared without regard to case.
    Keyword, is_keyword, "a keyword"
}
text_traits!(Keyword, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// The name of a SASL mechanism (RFC 4422 s 3.1). Compared without regard to case.
    Mechanism, is_mechanism, "a mechanism name"
}
text_traits!(Mechanism, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// The initial response of AUTH: base64, or `=` for an empty one (RFC 4954 s 4). It may hold a password, so that
    /// it is never printed.
    InitialResponse, is_initial_response, "base64"
}
secret_traits!(InitialResponse);

fn is_text(octets: &[u8]) -> bool {
    octets.first().is_some_and(|octet| *octet != b' ')
        && octets.last().is_some_and(|octet| *octet != b' ')
        && octets.iter().all(|octet| !octet.is_ascii_control())
}

fn is_keyword(octets: &[u8]) -> bool {
    !octets.is_empty()
        && octets.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

/// `sasl-mech = 1*20mech-char`
fn is_mechanism(octets: &[u8]) -> bool {
    octets.len() <= 20 && is_keyword(octets)
}

/// `initial-response = base64 / "="`, where `base64 = base64-terminal / ( 1*(4base64-char) [base64-terminal] )`
fn is_initial_response(octets: &[u8]) -> bool {
    if octets == b"=" {
        return true;
    }
    let padding = octets.iter().rev().take_while(|octet| **octet == b'=').count();
    let body = octets.get(..octets.len().saturating_sub(padding)).unwrap_or_default();
    !body.is_empty()
        && octets.len().is_multiple_of(4)
        && padding <= 2
        && body.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/'))
}
