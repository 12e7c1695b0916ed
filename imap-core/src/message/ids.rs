//! Message-IDs in Message-ID, In-Reply-To and References (RFC 5322 s 3.6.4), as threads compare them.

/// Each `<left@right>` of a field's value, without its brackets; a quoted left side without its quotes (RFC 5256 s 2.2).
pub(crate) fn message_ids(value: &[u8]) -> Vec<Vec<u8>> {
    let mut ids = Vec::new();
    let mut rest = value;
    while let Some(open) = memchr::memchr(b'<', rest) {
        let inside = rest.get(open.saturating_add(1)..).unwrap_or_default();
        let Some(close) = memchr::memchr2(b'>', b'<', inside) else { break };
        let (id, behind) = inside.split_at_checked(close).unwrap_or((inside, b""));
        rest = behind;
        if behind.first() == Some(&b'>') && memchr::memchr(b'@', id).is_some() {
            let plain = id
                .iter()
                .copied()
                .filter(|octet| !octet.is_ascii_whitespace() && !matches!(octet, b'"' | b'\\'));
            ids.push(plain.collect());
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found() {
        let rows: &[(&str, &[&str], &str)] = &[
            ("<a@b>", &["a@b"], "one"),
            ("<a@b> (comment)\r\n\t<c@d>junk<e@f>", &["a@b", "c@d", "e@f"], "many"),
            (
                "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>",
                &["01KF8JCEOCBS0045PS@xxx.yyy.com"],
                "RFC 5256 s 2.2: quotes",
            ),
            ("<no at> <<x@y>", &["x@y"], "what is none"),
            ("<a@b", &[], "not closed"),
        ];
        for (value, want, shows) in rows {
            let found: Vec<_> =
                message_ids(value.as_bytes()).into_iter().map(|id| String::from_utf8(id).unwrap()).collect();
            assert_eq!(found, *want, "{shows}");
        }
    }
}
