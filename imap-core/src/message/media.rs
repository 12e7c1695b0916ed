//! Content-Type and the other fields that are a word with parameters (RFC 2045 s 5.1, RFC 2183 s 2).

/// A value and its parameters: `text/plain; charset=utf-8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameterized {
    /// What stands before the first `;`.
    pub(crate) value: Vec<u8>,
    /// Name and value of each parameter, in order; quotes are gone.
    pub(crate) parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Parameters of one field that are looked at, at most.
const PARAMETERS: usize = 64;

impl Parameterized {
    /// Parses what can be; a parameter that is none is left out.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut c = Scan { rest: text };
        let mut value = Vec::new();
        loop {
            c.skip_blank();
            match c.rest.first() {
                None | Some(b';') => break,
                _ => match c.word(b";") {
                    Some(word) => value.extend(word),
                    None => c.bump(),
                },
            }
        }
        let mut parameters = Vec::new();
        while c.eat(b';') && parameters.len() < PARAMETERS {
            c.skip_blank();
            let name = c.word(b"=;").unwrap_or_default();
            c.skip_blank();
            if c.eat(b'=') {
                c.skip_blank();
                // An unquoted value may hold what only quotes allow (real mail): up to the next `;`.
                let value = c.word(b";").unwrap_or_default();
                if !name.is_empty() {
                    parameters.push((name, value));
                }
            }
            while !matches!(c.rest.first(), None | Some(b';')) {
                c.bump();
            }
        }
        Self { value, parameters }
    }
}

/// Type and subtype, if the value is of that form.
pub(crate) fn type_and_subtype(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = memchr::memchr(b'/', value)?;
    let (kind, subtype) = value.split_at_checked(slash)?;
    let subtype = subtype.get(1..)?;
    let is_token = |word: &[u8]| !word.is_empty() && word.iter().all(|octet| octet.is_ascii_graphic());
    (is_token(kind) && is_token(subtype)).then_some((kind, subtype))
}

/// A field's octets, with comments and folds passed over.
struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn bump(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn eat(&mut self, octet: u8) -> bool {
        let is = self.rest.first() == Some(&octet);
        if is {
            self.bump();
        }
        is
    }

    /// White space and comments (RFC 5322 s 3.2.2), which nest: counted, no recursion.
    fn skip_blank(&mut self) {
        let mut depth = 0usize;
        while let Some(octet) = self.rest.first() {
            match octet {
                b'(' => depth = depth.saturating_add(1),
                b')' if depth > 0 => depth = depth.saturating_sub(1),
                b'\\' if depth > 0 => self.bump(),
                octet if depth > 0 || octet.is_ascii_whitespace() => {}
                _ => break,
            }
            self.bump();
        }
    }

    /// A quoted string, or what comes before white space, a comment and `ends`.
    fn word(&mut self, ends: &[u8]) -> Option<Vec<u8>> {
        let mut word = Vec::new();
        if self.eat(b'"') {
            while let Some(octet) = self.rest.first().copied() {
                self.bump();
                match octet {
                    b'"' => break,
                    b'\r' | b'\n' | 0 => {}
                    b'\\' => {
                        word.extend(self.rest.first().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0)));
                        self.bump();
                    }
                    octet => word.push(octet),
                }
            }
            return Some(word);
        }
        while let Some(octet) = self.rest.first().copied() {
            if octet.is_ascii_whitespace() || octet == b'(' || ends.contains(&octet) {
                break;
            }
            if octet != 0 {
                word.push(octet);
            }
            self.bump();
        }
        (!word.is_empty()).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_parameters() {
        type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
        let rows: &[Row<'_>] = &[
            ("text/plain", "text/plain", &[], "no parameter"),
            (
                "text / plain ; charset = us-ascii (comment)",
                "text/plain",
                &[("charset", "us-ascii")],
                "RFC 2045 s 5.1",
            ),
            (
                "multipart/mixed; boundary=\"a b\\\"c\"",
                "multipart/mixed",
                &[("boundary", "a b\"c")],
                "quoted",
            ),
            ("a/b; x=1;; y=2; z", "a/b", &[("x", "1"), ("y", "2")], "empty ones and those without a value"),
            ("a/b; name=one=two", "a/b", &[("name", "one=two")], "= in a value"),
            ("a/b;\r\n\tx=\"1\r\n 2\"", "a/b", &[("x", "1 2")], "folds"),
            ("(c (d) e) a/b", "a/b", &[], "nested comments"),
            ("a/b; x=\"never closed", "a/b", &[("x", "never closed")], "no closing quote"),
            ("", "", &[], "nothing"),
        ];
        for (text, value, parameters, shows) in rows {
            let parsed = Parameterized::parse(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&parsed.value), *value, "{shows}");
            let found: Vec<_> = parsed
                .parameters
                .iter()
                .map(|(name, value)| (String::from_utf8_lossy(name), String::from_utf8_lossy(value)))
                .collect();
            assert!(
                found.iter().map(|(a, b)| (&**a, &**b)).eq(parameters.iter().copied()),
                "{shows}: {found:?}"
            );
        }
        assert_eq!(type_and_subtype(b"text/plain"), Some((&b"text"[..], &b"plain"[..])));
        assert_eq!(type_and_subtype(b"text"), None);
    }
}
