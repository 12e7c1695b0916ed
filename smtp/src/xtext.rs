use std::{borrow::Cow, fmt};

use bytes::Bytes;

use crate::text::{as_is, printable, same, text_traits, text_type};

text_type! {
    /// `xtext = *( xchar / hexchar )` (RFC 3461 s 4): printable ASCII, and `+XX` for what is not.
    ///
    /// Kept as it was sent: a relay must hand on the same octets (RFC 3461 s 5.2.1).
    ///
    /// ```
    /// use mail46_smtp::XText;
    ///
    /// let text = XText::encode(b"a+b=c d");
    /// assert_eq!(text.as_bytes(), b"a+2Bb+3Dc+20d");
    /// assert_eq!(&*text.decode(), b"a+b=c d");
    /// assert!(XText::parse(b"a+2b").is_err()); // hexchar is upper case
    /// ```
    XText, is_xtext, "xtext"
}
text_traits!(XText, same, as_is);

impl XText {
    /// The xtext of any octets.
    pub fn encode(octets: &[u8]) -> Self {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let mut text = Vec::with_capacity(octets.len());
        for octet in octets {
            if matches!(octet, b'!'..=b'~') && !matches!(octet, b'+' | b'=') {
                text.push(*octet);
            } else {
                text.push(b'+');
                text.extend([octet >> 4, octet & 15].iter().filter_map(|half| HEX.get(usize::from(*half))));
            }
        }
        Self(Bytes::from(text))
    }
}

impl XText<&'static [u8]> {
    /// Of a text that is xtext to every reader.
    pub(crate) const fn from_checked(text: &'static [u8]) -> Self {
        Self(text)
    }
}

impl<B: AsRef<[u8]>> XText<B> {
    /// The octets it stands for.
    pub fn decode(&self) -> Cow<'_, [u8]> {
        if memchr::memchr(b'+', self.as_bytes()).is_none() {
            return Cow::Borrowed(self.as_bytes());
        }
        Cow::Owned(decoded(self.as_bytes()).collect())
    }

    /// The same, one by one.
    pub(crate) fn octets(&self) -> impl Iterator<Item = u8> {
        decoded(self.as_bytes())
    }
}

fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut octets = text.iter();
    std::iter::from_fn(move || match octets.next()? {
        b'+' => Some(hex(*octets.next()?)?.wrapping_shl(4) | hex(*octets.next()?)?),
        octet => Some(*octet),
    })
}

/// `hexchar = ASCII "+" immediately followed by two upper case hexadecimal digits`
fn hex(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet.wrapping_sub(b'0')),
        b'A'..=b'F' => Some(octet.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

fn is_xtext(text: &[u8]) -> bool {
    let mut octets = text.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'+' => {
                if octets.next().copied().and_then(hex).is_none()
                    || octets.next().copied().and_then(hex).is_none()
                {
                    return false;
                }
            }
            b'=' => return false,
            b'!'..=b'~' => {}
            _ => return false,
        }
    }
    true
}

/// The original recipient of a message (RFC 3461 s 4.2): `addr-type ";" xtext`, kept as it was sent.
///
/// Tolerated: UTF-8 in the octets of other types' xtext, where RFC 3461 s 4.2 has printable ASCII alone. Postfix writes
/// `rfc822;ji+C5+99+C3+AD@example.com` for what RFC 6533 calls `utf-8`.
///
/// For the type `utf-8` the address is in one of the forms of RFC 6533 s 3: `\x{…}` for what is no printable ASCII,
/// or UTF-8 where SMTPUTF8 is in use.
///
/// ```
/// use mail46_smtp::Orcpt;
///
/// let orcpt = Orcpt::parse(br"utf-8;\x{FC}ber@example.com").expect("RFC 6533 s 3");
/// assert_eq!(orcpt.addr_type(), b"utf-8");
/// assert_eq!(&*orcpt.address(), "über@example.com".as_bytes());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Orcpt<'a> {
    text: &'a [u8],
    semicolon: usize,
}

impl<'a> Orcpt<'a> {
    /// Checks and borrows.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let semicolon = memchr::memchr(b';', text)?;
        let addr_type = text.get(..semicolon)?;
        let encoded = text.get(semicolon.saturating_add(1)..)?;
        // addr-type = atom
        if addr_type.is_empty() || !addr_type.iter().all(|octet| is_atext(*octet)) {
            return None;
        }
        let well = if addr_type.eq_ignore_ascii_case(b"utf-8") {
            is_utf8_address(encoded)
        } else {
            is_xtext(encoded) && is_printable(decoded(encoded))
        };
        well.then_some(Self { text, semicolon })
    }

    /// As it was sent.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// What kind of address: `rfc822`, `utf-8`, `x400`, … in any case.
    pub fn addr_type(&self) -> &'a [u8] {
        self.text.get(..self.semicolon).unwrap_or_default()
    }

    /// The address as it was sent.
    pub fn encoded(&self) -> &'a [u8] {
        self.text.get(self.semicolon.saturating_add(1)..).unwrap_or_default()
    }

    /// The address itself.
    pub fn address(&self) -> Cow<'a, [u8]> {
        let encoded = self.encoded();
        if self.is_utf8() { from_unitext(encoded) } else { from_xtext(encoded) }
    }

    /// Whether the address is of the type `utf-8` (RFC 6533 s 3).
    pub fn is_utf8(&self) -> bool {
        self.addr_type().eq_ignore_ascii_case(b"utf-8")
    }

    /// Whether it can go on a wire without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// The value for an address: `rfc822` in xtext if it is ASCII, else `utf-8` in its 7-bit form
    /// (RFC 6533 s 3, utf-8-addr-xtext), which every server with DSN takes.
    pub fn encode(address: &str) -> String {
        if address.is_ascii() {
            return format!("rfc822;{}", XText::encode(address.as_bytes()));
        }
        let mut text = String::from("utf-8;");
        for character in address.chars() {
            match character {
                '!'..='~' if !matches!(character, '\\' | '+' | '=') => text.push(character),
                _ => text.push_str(&format!("\\x{{{:02X}}}", u32::from(character))),
            }
        }
        text
    }
}

impl fmt::Debug for Orcpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Orcpt({:?})", printable(self.text))
    }
}

fn from_xtext(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'+', text).is_none() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(decoded(text).collect())
    }
}

fn from_unitext(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((octet, behind)) = rest.split_first() {
        if let (b'\\', Some((character, behind))) = (octet, embedded(rest)) {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = behind;
        } else {
            out.push(*octet);
            rest = behind;
        }
    }
    Cow::Owned(out)
}

/// `EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"`, and what stands behind it.
fn embedded(text: &[u8]) -> Option<(char, &[u8])> {
    let rest = text.strip_prefix(b"\\x{")?;
    let end = rest.iter().take(7).position(|octet| *octet == b'}')?;
    let digits = rest.get(..end)?;
    if digits.len() < 2 || (digits.len() > 2 && digits.first() == Some(&b'0')) {
        return None;
    }
    let mut point: u32 = 0;
    for digit in digits {
        point = point.wrapping_shl(4) | u32::from(hex(*digit)?);
    }
    let character = char::from_u32(point)?;
    // HEXPOINT: the controls, SP, DEL, "\", "+", "=" and everything above ASCII; NUL is not in it.
    let allowed = matches!(point, 0x01..=0x20 | 0x2b | 0x3d | 0x5c | 0x7f..);
    allowed.then_some((character, rest.get(end.saturating_add(1)..)?))
}

/// `utf-8-addr-xtext / utf-8-addr-unitext / utf-8-address`: QUCHAR and EmbeddedUnicodeChar, and whatever of the last
/// is not in the others.
fn is_utf8_address(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((octet, behind)) = rest.split_first() {
        rest = match octet {
            b'\\' => match embedded(rest) {
                // Controls cannot be in an address (RFC 3461 s 4.2), and in a report they would break its lines.
                Some((character, behind)) if !character.is_control() => behind,
                _ => return false,
            },
            // RFC 6533 s 3: "SP, '\', '+', and '='" are encoded; esmtp-value could not hold "=" or SP at all.
            b'+' | b'=' => return false,
            b'!'..=b'~' | 0x80.. => behind,
            _ => return false,
        };
    }
    !text.is_empty() && std::str::from_utf8(text).is_ok()
}

/// xtext of printable ASCII (RFC 3461 s 4.2, 4.4: "MUST consist entirely of printable characters").
pub(crate) fn is_printable_xtext(text: &[u8]) -> bool {
    is_xtext(text)
        && (memchr::memchr(b'+', text).is_none() || decoded(text).all(|octet| matches!(octet, 32..=126)))
}

/// UTF-8 without controls, character by character: an accepted command allocates nothing.
fn is_printable(mut address: impl Iterator<Item = u8>) -> bool {
    while let Some(first) = address.next() {
        // Its first octet tells how many follow; std judges the whole.
        let following = match first {
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0.. => 3,
            _ => 0,
        };
        let mut character = [first, 0, 0, 0];
        for octet in character.iter_mut().skip(1).take(following) {
            let Some(next) = address.next() else { return false };
            *octet = next;
        }
        let octets = character.get(..=following).unwrap_or_default();
        if !std::str::from_utf8(octets).is_ok_and(|text| !text.chars().any(char::is_control)) {
            return false;
        }
    }
    true
}

pub(crate) fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}
