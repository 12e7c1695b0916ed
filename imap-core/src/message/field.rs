//! Header fields (RFC 5322 s 2.2), found without judging what they say.

use std::borrow::Cow;

/// One field of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// What stands before the colon, without white space behind it; all of the line if there is none.
    pub(crate) name: &'a [u8],
    /// What stands behind it, folded as it is, without the last line end.
    pub(crate) value: &'a [u8],
    /// All of it, with its line ends.
    pub(crate) raw: &'a [u8],
}

/// The fields of a header, up to its empty line.
pub(crate) fn fields(header: &[u8]) -> Fields<'_> {
    Fields(header)
}

/// See [`fields`].
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if matches!(self.0, [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
            return None;
        }
        let mut end = 0usize;
        loop {
            let rest = self.0.get(end..).unwrap_or_default();
            end =
                end.saturating_add(memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at.saturating_add(1)));
            // RFC 5322 s 2.2.3: a line that begins with white space goes on with the field.
            if !matches!(self.0.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let (raw, rest) = self.0.split_at_checked(end).unwrap_or((self.0, b""));
        self.0 = rest;
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let colon = memchr::memchr(b':', text).unwrap_or(text.len());
        let (name, value) = text.split_at_checked(colon).unwrap_or((text, b""));
        Some(Field { name: name.trim_ascii_end(), value: value.get(1..).unwrap_or_default(), raw })
    }
}

/// The first field of this name.
pub(crate) fn first<'a>(header: &'a [u8], name: &str) -> Option<Field<'a>> {
    fields(header).find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
}

/// A value without its folds, and without white space around it.
pub(crate) fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr::memchr3(b'\r', b'\n', 0, value).is_none() {
        return Cow::Borrowed(value);
    }
    // RFC 5322 s 2.2.3: only the line ends go; a NUL cannot be said in a string.
    Cow::Owned(value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_stands_there() {
        let header = b"Subject: a\r\n b\r\nX : 1\nnonsense\r\nTo:\r\n\r\nBody: no\r\n";
        let found: Vec<_> =
            fields(header).map(|field| (field.name, &*unfolded(field.value)).1.to_vec()).collect();
        assert_eq!(found, [&b"a b"[..], b"1", b"", b""]);
        assert_eq!(
            fields(header).map(|field| field.name).collect::<Vec<_>>(),
            [&b"Subject"[..], b"X", b"nonsense", b"To"]
        );
        assert_eq!(first(header, "subject").map(|field| field.raw), Some(&b"Subject: a\r\n b\r\n"[..]));
        assert_eq!(fields(b"\r\nx: y").next(), None);
    }
}
