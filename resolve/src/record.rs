//! The form that the TXT records of MTA-STS and TLSRPT share: a version, then fields with semicolons between them.

/// The one record that begins with `version`; the others are discarded, and two are none (RFC 8461 s 3.1, RFC 8460 s 3).
pub(crate) fn only<'a>(records: &'a [Vec<u8>], version: &[u8]) -> Option<&'a str> {
    let mut of_version = records.iter().filter(|record| record.starts_with(version));
    let record = of_version.next()?;
    if of_version.next().is_some() || !record.is_ascii() {
        return None;
    }
    std::str::from_utf8(record).ok()
}

/// `version 1*(*WSP ";" *WSP field) [*WSP ";" *WSP]`: the fields behind the version as name and value; `None` if one is none.
pub(crate) fn fields(text: &str) -> Option<Vec<(&str, &str)>> {
    let (_, rest) = text.split_once(';')?;
    let rest = rest.trim_matches(WSP);
    let rest = rest.strip_suffix(';').unwrap_or(rest);
    rest.split(';').map(|field| field.trim_matches(WSP).split_once('=')).collect()
}

const WSP: [char; 2] = [' ', '\t'];

/// `ext-name "=" ext-value`.
pub(crate) fn is_extension(name: &str, value: &str) -> bool {
    // ext-value = 1*(%x21-3A / %x3C / %x3E-7E)
    let fits = |c: u8| c.is_ascii_graphic() && c != b';' && c != b'=';
    is_name(name) && !value.is_empty() && value.bytes().all(fits)
}

/// `(ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")`.
pub(crate) fn is_name(name: &str) -> bool {
    let mut octets = name.bytes();
    name.len() <= 32
        && octets.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && octets.all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.'))
}
