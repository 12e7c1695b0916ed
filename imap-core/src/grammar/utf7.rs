//! Modified UTF-7 (RFC 3501 s 5.1.3; RFC 9051 appendix A.1), both ways.

use std::borrow::Cow;

/// Why octets are no modified UTF-7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Utf7Fault {
    /// A control character, or an octet that is not ASCII.
    #[error("an octet that must be encoded")]
    Octet,
    /// `&` and base64, and no `-` behind them. "There is no implicit shift from BASE64 to US-ASCII".
    #[error("a shift to base64 that does not end")]
    Unterminated,
    /// An octet between `&` and `-` that is no modified base64.
    #[error("an octet that is not modified base64")]
    Base64,
    /// Base64 that does not end with a whole UTF-16 code unit, or whose last bits are not 0.
    #[error("base64 of a part of a character")]
    Partial,
    /// Half of a surrogate pair.
    #[error("half of a surrogate pair")]
    Surrogate,
    /// "Modified BASE64 MUST NOT be used to represent any printing US-ASCII character which can represent itself", and
    /// `&` is `&-`.
    #[error("a printable character in base64")]
    Printable,
    /// `-&` between two shifts: "null shifts … are not permitted".
    #[error("a superfluous shift")]
    NullShift,
}

/// What is wrong with a name, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{fault} at octet {at}")]
#[allow(clippy::exhaustive_structs)] // a place and a reason
pub struct Utf7Error {
    /// Offset of the octet, or of the shift that it is part of.
    pub at: usize,
    /// Why.
    pub fault: Utf7Fault,
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
/// The six bits of an octet; 0xff for what is not of the alphabet.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
static BITS: [u8; 256] = {
    let mut bits = [0xff; 256];
    let mut value = 0;
    while value < 64 {
        bits[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    bits
};

/// A name as modified UTF-7; borrowed if it is that already.
///
/// ```
/// use mail46_imap_core::utf7;
///
/// assert_eq!(utf7::encode("~peter/mail/台北/日本語"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
/// assert_eq!(utf7::encode("Tom & Jerry"), "Tom &- Jerry");
/// assert_eq!(utf7::decode(b"&Jjo-!").unwrap(), "☺!");
/// ```
pub fn encode(name: &str) -> Cow<'_, str> {
    // RFC 3501 s 5.1.3: "octet values 0x20-0x25 and 0x27-0x7e" represent themselves.
    let Some(first) = name.bytes().position(|octet| !is_direct(octet)) else { return Cow::Borrowed(name) };
    let (plain, rest) = name.split_at_checked(first).unwrap_or((name, ""));
    let mut out = String::with_capacity(name.len().saturating_mul(2));
    out.push_str(plain);
    let mut shift: Option<Shift> = None;
    for character in rest.chars() {
        match u8::try_from(character) {
            Ok(octet @ b' '..=b'~') => {
                if let Some(open) = shift.take() {
                    open.close(&mut out);
                }
                out.push(character);
                if octet == b'&' {
                    out.push('-');
                }
            }
            _ => {
                let open = shift.get_or_insert_with(|| {
                    out.push('&');
                    Shift { bits: 0, count: 0 }
                });
                for unit in character.encode_utf16(&mut [0; 2]) {
                    open.push(*unit, &mut out);
                }
            }
        }
    }
    if let Some(open) = shift {
        open.close(&mut out);
    }
    Cow::Owned(out)
}

fn is_direct(octet: u8) -> bool {
    matches!(octet, b' '..=b'~') && octet != b'&'
}

/// Bits that do not fill a base64 octet yet.
struct Shift {
    bits: u32,
    count: u32,
}

impl Shift {
    fn push(&mut self, unit: u16, out: &mut String) {
        self.bits = self.bits << 16 | u32::from(unit);
        self.count = self.count.saturating_add(16);
        while let Some(left) = self.count.checked_sub(6) {
            out.push(sextet(self.bits >> left));
            self.count = left;
        }
        self.bits &= 0x3f;
    }

    fn close(self, out: &mut String) {
        if self.count > 0 {
            out.push(sextet(self.bits << 6_u32.saturating_sub(self.count)));
        }
        out.push('-');
    }
}

fn sextet(bits: u32) -> char {
    char::from(ALPHABET.get((bits & 0x3f) as usize).copied().unwrap_or(b'A'))
}

/// What modified UTF-7 says; borrowed if nothing of it is encoded.
///
/// Only the one right form of each name is taken: what comes out of here goes back to the same octets by [`encode`].
///
/// # Errors
/// [`Utf7Error`]
pub fn decode(name: &[u8]) -> Result<Cow<'_, str>, Utf7Error> {
    match read(name, Reading::Exact)? {
        Some(text) => Ok(Cow::Owned(text)),
        None => plain(name),
    }
}

/// What a server means by octets that ought to be modified UTF-7, and what was wrong with them, if something was.
///
/// Read besides the right form: printable characters in base64, among them Yandex's `&BBAEMQQyACYEMwQ0BDU-` for
/// `Абв&где`, and superfluous shifts. What cannot be read so stands for itself: UTF-8 as UTF-8 (Proton Mail Bridge
/// and others send it without being asked to), any other octet as U+FFFD. A name for showing, then: to speak of the
/// mailbox, use the octets that the server sent.
pub fn decode_liberal(name: &[u8]) -> (Cow<'_, str>, Option<Utf7Error>) {
    let fault = match decode(name) {
        Ok(text) => return (text, None),
        Err(fault) => fault,
    };
    let text = match read(name, Reading::Liberal) {
        Ok(Some(text)) => Cow::Owned(text),
        _ => String::from_utf8_lossy(name),
    };
    (text, Some(fault))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Exact,
    Liberal,
}

fn plain(name: &[u8]) -> Result<Cow<'_, str>, Utf7Error> {
    // Every octet is printable ASCII: `read` has seen to it.
    std::str::from_utf8(name)
        .map(Cow::Borrowed)
        .map_err(|fault| Utf7Error { at: fault.valid_up_to(), fault: Utf7Fault::Octet })
}

/// The text, or `None` if it is the octets as they are.
fn read(name: &[u8], reading: Reading) -> Result<Option<String>, Utf7Error> {
    let exact = reading == Reading::Exact;
    let mut out: Option<String> = None;
    let mut rest = name;
    let mut after_shift = false;
    loop {
        let at = name.len().saturating_sub(rest.len());
        let Some(length) = rest.iter().position(|octet| !is_direct(*octet)) else {
            if let Some(out) = &mut out {
                out.push_str(&plain(rest)?);
            }
            return Ok(out);
        };
        let (direct, behind) = rest.split_at_checked(length).unwrap_or((rest, b""));
        let at = at.saturating_add(length);
        let Some((b'&', shifted)) = behind.split_first() else {
            return Err(Utf7Error { at, fault: Utf7Fault::Octet });
        };
        let text = out.get_or_insert_default();
        text.push_str(&plain(direct)?);
        let Some(end) = shifted.iter().position(|octet| BITS.get(usize::from(*octet)) == Some(&0xff)) else {
            return Err(Utf7Error { at, fault: Utf7Fault::Unterminated });
        };
        let (encoded, behind) = shifted.split_at_checked(end).unwrap_or((shifted, b""));
        let Some((b'-', behind)) = behind.split_first() else {
            return Err(Utf7Error { at: at.saturating_add(end).saturating_add(1), fault: Utf7Fault::Base64 });
        };
        rest = behind;
        if encoded.is_empty() {
            text.push('&');
            after_shift = false;
            continue;
        }
        if exact && after_shift && direct.is_empty() {
            return Err(Utf7Error { at, fault: Utf7Fault::NullShift });
        }
        units(encoded, exact, text).map_err(|fault| Utf7Error { at, fault })?;
        after_shift = true;
    }
}

/// The characters of modified base64.
fn units(encoded: &[u8], exact: bool, out: &mut String) -> Result<(), Utf7Fault> {
    let mut bits = 0_u32;
    let mut count = 0_u32;
    let mut high: Option<u16> = None;
    for octet in encoded {
        let value = BITS.get(usize::from(*octet)).copied().unwrap_or(0);
        bits = bits << 6 | u32::from(value);
        count = count.saturating_add(6);
        let Some(left) = count.checked_sub(16) else { continue };
        let unit = (bits >> left & 0xffff) as u16;
        count = left;
        bits &= !(u32::MAX << left);
        let character = match (high.take(), unit) {
            (None, 0xd800..=0xdbff) => {
                high = Some(unit);
                continue;
            }
            (None, _) => char::from_u32(u32::from(unit)).ok_or(Utf7Fault::Surrogate)?,
            (Some(high), _) => match char::decode_utf16([high, unit]).next() {
                Some(Ok(character)) => character,
                _ => return Err(Utf7Fault::Surrogate),
            },
        };
        if exact && matches!(character, ' '..='~') {
            return Err(Utf7Fault::Printable);
        }
        out.push(character);
    }
    if high.is_some() {
        return Err(Utf7Fault::Surrogate);
    }
    // The shortest form: less than one base64 octet is left, and its bits are 0.
    if count >= 6 || bits != 0 {
        return Err(Utf7Fault::Partial);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers_both_ways() {
        for (text, encoded, shows) in [
            ("", "", "nothing"),
            ("INBOX", "INBOX", "ASCII is itself"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "the example of RFC 3501 s 5.1.3"),
            ("台北日本語", "&U,BTF2XlZyyKng-", "one shift, not two"),
            ("☺!", "&Jjo-!", "the shift ends before a printable character"),
            ("&", "&-", "the ampersand"),
            ("&&", "&-&-", "two"),
            ("Tom & Jerry", "Tom &- Jerry", "between words"),
            ("Абв&где", "&BBAEMQQy-&-&BDMENAQ1-", "between two shifts: what Yandex ought to send"),
            ("é", "&AOk-", "one unit: 16 bits in 3 octets"),
            ("éé", "&AOkA6Q-", "two units: 32 bits in 6 octets"),
            ("ééé", "&AOkA6QDp-", "three units: 48 bits, none left over"),
            ("😀", "&2D3eAA-", "a surrogate pair"),
            ("a\tb", "a&AAk-b", "a control character"),
            ("\u{7f}", "&AH8-", "DEL"),
            ("\u{10ffff}", "&2,,f,w-", "the last of them all"),
            ("-é-", "-&AOk--", "hyphens are themselves"),
            ("é&", "&AOk-&-", "a shift, then an ampersand"),
        ] {
            assert_eq!(encode(text), encoded, "{shows}");
            assert_eq!(decode(encoded.as_bytes()).as_deref(), Ok(text), "{shows}");
            assert_eq!(decode_liberal(encoded.as_bytes()), (Cow::Borrowed(text), None), "{shows}");
        }
    }

    #[test]
    fn what_needs_no_change_is_borrowed() {
        assert!(matches!(encode("Sent Items"), Cow::Borrowed(_)));
        assert!(matches!(decode(b"Sent Items"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn wrong_forms_are_refused_with_their_place() {
        use Utf7Fault::*;
        // (octets, at, fault, what a liberal reader makes of it)
        for (octets, at, fault, liberal) in [
            (&b"&Jjo!"[..], 4, Base64, "&Jjo!"), // RFC 3501 s 5.1.3: "not a valid mailbox name"
            (b"&U,BTFw-&ZeVnLIqe-", 8, NullShift, "台北日本語"), // RFC 3501 s 5.1.3: "not permitted"
            (b"&BBAEMQQyACYEMwQ0BDU-", 0, Printable, "Абв&где"), // Yandex
            (b"&ACY-", 0, Printable, "&"),
            (b"&AGE-", 0, Printable, "a"),
            (b"x&AOk", 1, Unterminated, "x&AOk"),
            (b"&", 0, Unterminated, "&"),
            (b"A & B", 3, Base64, "A & B"), // a client that forgot to encode
            (b"&AO-", 0, Partial, "&AO-"),
            (b"&A-", 0, Partial, "&A-"),
            (b"&AOl-", 0, Partial, "&AOl-"),   // the last bits are not 0
            (b"&AOkA-", 0, Partial, "&AOkA-"), // an octet too many
            (b"&AOk=-", 4, Base64, "&AOk=-"),
            (b"&AO/-", 3, Base64, "&AO/-"),
            (b"&2D0-", 0, Surrogate, "&2D0-"),
            (b"&3gA-", 0, Surrogate, "&3gA-"),
            (b"&3gDYPQ-", 0, Surrogate, "&3gDYPQ-"),
            (b"&2D0A6Q-", 0, Surrogate, "&2D0A6Q-"),
            ("é".as_bytes(), 0, Octet, "é"), // Proton Mail Bridge
            (b"caf\xe9", 3, Octet, "caf\u{fffd}"),
            (b"a\tb", 1, Octet, "a\tb"),
            (b"&AOk-\x7f", 5, Octet, "&AOk-\x7f"),
        ] {
            let want = Utf7Error { at, fault };
            assert_eq!(decode(octets), Err(want), "{}", octets.escape_ascii());
            assert_eq!(decode_liberal(octets), (liberal.into(), Some(want)), "{}", octets.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn encoded_is_printable_and_decodes_to_the_same(text in "\\PC{0,20}|[&é\u{10348}a-]{0,12}|.{0,8}") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|octet| matches!(octet, b' '..=b'~')));
            prop_assert_eq!(decode(encoded.as_bytes()).unwrap(), &*text);
        }

        #[test]
        fn whatever_is_taken_encodes_to_the_same(octets in "[&,+A-Ca-c0-1 -]{0,14}") {
            if let Ok(text) = decode(octets.as_bytes()) {
                prop_assert_eq!(&encode(&text), &octets);
            }
        }

        #[test]
        fn any_octets_can_be_shown(octets in proptest::collection::vec(any::<u8>(), 0..24)) {
            let (_, fault) = decode_liberal(&octets);
            if let Some(fault) = fault {
                prop_assert!(fault.at <= octets.len());
            }
        }
    }
}
