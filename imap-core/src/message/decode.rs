//! What octets mean: transfer encodings (RFC 2045 s 6), encoded words (RFC 2047), charsets.

use std::borrow::Cow;

/// A Content-Transfer-Encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `7bit`, `8bit`, `binary`: as it is.
    Identity,
    Base64,
    QuotedPrintable,
    /// Something else.
    Unknown,
}

impl Encoding {
    /// By its name; none is `7bit` (RFC 2045 s 6.1).
    pub(crate) fn named(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match () {
            () if name.is_empty() || is("7bit") || is("8bit") || is("binary") => Self::Identity,
            () if is("base64") => Self::Base64,
            () if is("quoted-printable") => Self::QuotedPrintable,
            () => Self::Unknown,
        }
    }

    /// The octets without their encoding; `None` for one that is unknown.
    pub(crate) fn decode(self, octets: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Identity => Some(Cow::Borrowed(octets)),
            Self::Base64 => Some(Cow::Owned(base64(octets))),
            Self::QuotedPrintable => Some(Cow::Owned(quoted_printable(octets, b'='))),
            Self::Unknown => None,
        }
    }
}

/// RFC 2045 s 6.8: what is no base64 is passed over, `=` ends it.
pub(crate) fn base64(octets: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(octets.len());
    let (mut bits, mut held) = (0u32, 0u32);
    for octet in octets {
        let value = match octet {
            b'A'..=b'Z' => octet.wrapping_sub(b'A'),
            b'a'..=b'z' => octet.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => octet.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                // Padding; more may follow where pieces were joined.
                (bits, held) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        held = held.saturating_add(6);
        if held >= 8 {
            held = held.saturating_sub(8);
            decoded.push((bits >> held & 0xff) as u8);
        }
    }
    decoded
}

/// RFC 2045 s 6.7: white space at a line's end goes, what is no escape stays.
pub(crate) fn quoted_printable(octets: &[u8], escape: u8) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let end = line.get(text.len()..).unwrap_or_default();
        let text = if end.is_empty() { text } else { text.trim_ascii_end() };
        let (text, soft) = match text.strip_suffix(&[escape]) {
            Some(text) if !end.is_empty() => (text, true),
            _ => (text, false),
        };
        let mut rest = text;
        while let Some((octet, behind)) = rest.split_first() {
            rest = behind;
            if *octet == escape
                && let [high, low, behind @ ..] = rest
                && let (Some(high), Some(low)) = (hex(*high), hex(*low))
            {
                decoded.push(high << 4 | low);
                rest = behind;
            } else {
                decoded.push(*octet);
            }
        }
        if !soft {
            decoded.extend_from_slice(end);
        }
    }
    decoded
}

fn hex(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Text of this charset as UTF-8; one that is unknown is read as UTF-8.
pub(crate) fn charset<'a>(name: &[u8], octets: &'a [u8]) -> Cow<'a, str> {
    let encoding = encoding_rs::Encoding::for_label(name).unwrap_or(encoding_rs::UTF_8);
    encoding.decode_without_bom_handling(octets).0
}

/// A field's value with its encoded words decoded (RFC 2047 s 6) and its folds gone.
pub(crate) fn words(value: &[u8]) -> String {
    let value = super::field::unfolded(value);
    let mut text = String::with_capacity(value.len());
    let mut rest: &[u8] = &value;
    let mut behind_word = false;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (plain, word) = rest.split_at_checked(at).unwrap_or((rest, b""));
        match encoded_word(word) {
            Some((decoded, behind)) => {
                // RFC 2047 s 6.2: white space between two encoded words is not shown.
                if !behind_word || !plain.iter().all(u8::is_ascii_whitespace) {
                    text.push_str(&String::from_utf8_lossy(plain));
                }
                text.push_str(&decoded);
                rest = behind;
                behind_word = true;
            }
            None => {
                text.push_str(&String::from_utf8_lossy(plain));
                text.push_str("=?");
                rest = word.get(2..).unwrap_or_default();
                behind_word = false;
            }
        }
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

/// `=?charset?encoding?text?=` at the front, and what is behind it.
fn encoded_word(text: &[u8]) -> Option<(String, &[u8])> {
    let inside = text.strip_prefix(b"=?")?;
    let mut parts = inside.splitn(3, |octet| *octet == b'?');
    let (name, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    // RFC 2047 s 2: no longer than 75 octets; real ones are, but not without end.
    let end = memchr::memmem::find(rest.get(..rest.len().min(2048))?, b"?=")?;
    let (encoded, behind) = rest.split_at_checked(end)?;
    // RFC 2231 s 5: a language may stand behind the charset.
    let name = name.split(|octet| *octet == b'*').next()?;
    let octets = match encoding {
        b"B" | b"b" => base64(encoded),
        b"Q" | b"q" => {
            let spaced: Vec<u8> =
                encoded.iter().map(|octet| if *octet == b'_' { b' ' } else { *octet }).collect();
            quoted_printable(&spaced, b'=')
        }
        _ => return None,
    };
    Some((charset(name, &octets).into_owned(), behind.get(2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone() {
        let rows: &[(Encoding, &[u8], &[u8], &str)] = &[
            (Encoding::Base64, b"aGVs\r\nbG8=", b"hello", "line ends"),
            (Encoding::Base64, b"aGk=aGk=", b"hihi", "joined pieces"),
            (Encoding::Base64, b"a!G\x00k=", b"hi", "what is no base64"),
            (Encoding::Base64, b"a", b"", "too little"),
            (Encoding::QuotedPrintable, b"a=3Db =\r\nc \t\r\nd", b"a=b c\r\nd", "RFC 2045 s 6.7"),
            (Encoding::QuotedPrintable, b"=XY=4", b"=XY=4", "no escapes"),
            (Encoding::Identity, b"a=3D", b"a=3D", "as it is"),
        ];
        for (encoding, octets, want, shows) in rows {
            assert_eq!(encoding.decode(octets).as_deref(), Some(*want), "{shows}");
        }
        assert_eq!(Encoding::named(b"x-uuencode").decode(b""), None);
        assert_eq!(Encoding::named(b"BASE64"), Encoding::Base64);
    }

    #[test]
    fn words_are_decoded() {
        let rows = [
            ("plain", "plain", "nothing to do"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab", "RFC 2047 s 8"),
            ("=?ISO-8859-1?Q?a?= b", "a b", "RFC 2047 s 8"),
            ("=?ISO-8859-1?Q?a_b?=", "a b", "RFC 2047 s 8"),
            ("=?iso-8859-1?Q?Andr=E9?=", "André", "Latin 1"),
            ("=?utf-8*en?B?w6k=?=", "é", "RFC 2231 s 5"),
            ("=?utf-8?X?abc?= =? x", "=?utf-8?X?abc?= =? x", "no encoded words"),
            ("a\r\n b", "a b", "a fold"),
        ];
        for (value, want, shows) in rows {
            assert_eq!(words(value.as_bytes()), want, "{shows}");
        }
    }
}
