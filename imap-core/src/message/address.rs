//! Address lists (RFC 5322 s 3.4, 4.4) in the four pieces that an ENVELOPE tells of each (RFC 9051 s 7.5.2).

/// One address, or a mark where a group begins (mailbox without host) or ends (neither).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// The display name, encoded words as they are.
    pub(crate) name: Option<Vec<u8>>,
    /// The source route (obsolete).
    pub(crate) adl: Option<Vec<u8>>,
    /// What stands before `@`, or a group's name.
    pub(crate) mailbox: Option<Vec<u8>>,
    /// What stands behind it.
    pub(crate) host: Option<Vec<u8>>,
}

/// Addresses of one field that are told, at most.
const ADDRESSES: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// An atom, or a quoted string without its quotes.
    Word(Vec<u8>),
    Comment(Vec<u8>),
    Special(u8),
}

/// All that can be told of a field's value.
pub(crate) fn addresses(value: &[u8]) -> Vec<Address> {
    let mut found = Vec::new();
    let mut tokens = Tokens { rest: value };
    let mut pending = Pending::default();
    let mut group = false;
    while found.len() < ADDRESSES {
        match tokens.next() {
            None => break,
            Some(Token::Special(b',')) => found.extend(pending.take()),
            Some(Token::Special(b':')) if !pending.angle && !group => {
                // RFC 9051 s 7.5.2: "a non-NIL mailbox and a NIL host": the group's name.
                let name = join_words(&pending.outside);
                pending = Pending::default();
                found.push(Address { mailbox: Some(name), ..Address::default() });
                group = true;
            }
            Some(Token::Special(b';')) => {
                found.extend(pending.take());
                if group {
                    found.push(Address::default());
                    group = false;
                }
            }
            Some(token) => pending.add(token),
        }
    }
    found.extend(pending.take());
    if group {
        found.push(Address::default());
    }
    found
}

/// What was read since the last comma.
#[derive(Default)]
struct Pending {
    /// Outside `<>`: a display name, or a bare address.
    outside: Vec<Token>,
    inside: Vec<Token>,
    angle: bool,
    has_angle: bool,
    comment: Option<Vec<u8>>,
}

impl Pending {
    fn add(&mut self, token: Token) {
        match token {
            Token::Special(b'<') => (self.angle, self.has_angle) = (true, true),
            Token::Special(b'>') => self.angle = false,
            Token::Comment(text) => self.comment = Some(text),
            token if self.angle => self.inside.push(token),
            token => self.outside.push(token),
        }
    }

    fn take(&mut self) -> Option<Address> {
        let this = std::mem::take(self);
        if !this.has_angle {
            if this.outside.is_empty() {
                return None;
            }
            // RFC 822's `fred@example (Fred)`: the comment is the name.
            let (mailbox, host) = local_and_domain(&this.outside);
            return Some(Address { name: this.comment, adl: None, mailbox: Some(mailbox), host: Some(host) });
        }
        let name = join_words(&this.outside);
        let name = if name.is_empty() { this.comment } else { Some(name) };
        // RFC 5322 s 4.4: <@a,@b:c@d>; the commas ended nothing, for `Tokens` keeps a route together.
        let colon = this.inside.iter().position(|token| *token == Token::Special(b':'));
        let (route, rest) = match colon {
            Some(at) => this.inside.split_at_checked(at).unwrap_or((&[], &this.inside)),
            None => (&[][..], &this.inside[..]),
        };
        let rest = if colon.is_some() { rest.get(1..).unwrap_or_default() } else { rest };
        let adl = (!route.is_empty()).then(|| concatenated(route));
        let (mailbox, host) = local_and_domain(rest);
        Some(Address { name, adl, mailbox: Some(mailbox), host: Some(host) })
    }
}

/// Words and dots before the last `@`, and behind it.
fn local_and_domain(tokens: &[Token]) -> (Vec<u8>, Vec<u8>) {
    match tokens.iter().rposition(|token| *token == Token::Special(b'@')) {
        Some(at) => (
            concatenated(tokens.get(..at).unwrap_or_default()),
            concatenated(tokens.get(at.saturating_add(1)..).unwrap_or_default()),
        ),
        // Not an address. An empty host, so that it is no group's name.
        None => (join_words(tokens), Vec::new()),
    }
}

fn concatenated(tokens: &[Token]) -> Vec<u8> {
    let mut text = Vec::new();
    for token in tokens {
        match token {
            Token::Word(word) => text.extend_from_slice(word),
            Token::Special(octet) => text.push(*octet),
            Token::Comment(_) => {}
        }
    }
    text
}

/// A phrase: its words with a space between, its specials (RFC 5322 s 4.1: a dot) where they stand.
fn join_words(tokens: &[Token]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut last_is_word = false;
    for token in tokens {
        match token {
            Token::Word(word) => {
                if last_is_word {
                    text.push(b' ');
                }
                text.extend_from_slice(word);
                last_is_word = true;
            }
            Token::Special(octet) => {
                text.push(*octet);
                last_is_word = *octet == b'.';
            }
            Token::Comment(_) => {}
        }
    }
    text
}

struct Tokens<'a> {
    rest: &'a [u8],
}

impl Tokens<'_> {
    fn bump(&mut self) -> Option<u8> {
        let (octet, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*octet)
    }

    /// What a quote, a comment or a literal holds, without its backslashes; `close` is passed.
    fn enclosed(&mut self, open: Option<u8>, close: u8) -> Vec<u8> {
        let mut text = Vec::new();
        let mut depth = 0usize;
        while let Some(octet) = self.bump() {
            match octet {
                b'\r' | b'\n' | 0 => continue,
                b'\\' => {
                    text.extend(self.bump().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0)));
                    continue;
                }
                octet if octet == close && depth == 0 => break,
                octet if octet == close => depth = depth.saturating_sub(1),
                octet if Some(octet) == open => depth = depth.saturating_add(1),
                _ => {}
            }
            text.push(octet);
        }
        text
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.rest = self.rest.trim_ascii_start();
        let mut word = Vec::new();
        match self.bump()? {
            b'"' => return Some(Token::Word(self.enclosed(None, b'"'))),
            b'(' => return Some(Token::Comment(self.enclosed(Some(b'('), b')').trim_ascii().to_vec())),
            b'[' => {
                word.push(b'[');
                word.extend(self.enclosed(None, b']'));
                word.push(b']');
                return Some(Token::Word(word));
            }
            special @ (b'<' | b'>' | b'@' | b',' | b';' | b':' | b'.') => {
                return Some(Token::Special(special));
            }
            octet => word.push(octet),
        }
        while let Some(octet) = self.rest.first().copied() {
            if octet.is_ascii_whitespace() || b"\"([<>@,;:.".contains(&octet) {
                break;
            }
            word.push(octet);
            self.bump();
        }
        word.retain(|octet| *octet != 0);
        Some(Token::Word(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str) -> String {
        let piece = |piece: &Option<Vec<u8>>| {
            piece
                .as_ref()
                .map_or_else(|| "NIL".to_owned(), |text| format!("{:?}", String::from_utf8_lossy(text)))
        };
        let each = addresses(value.as_bytes());
        let each = each.iter().map(|address| {
            let Address { name, adl, mailbox, host } = address;
            format!("({} {} {} {})", piece(name), piece(adl), piece(mailbox), piece(host))
        });
        each.collect()
    }

    #[test]
    fn what_an_envelope_tells() {
        let rows = [
            (
                "Terry Gray <gray@cac.washington.edu>",
                r#"("Terry Gray" NIL "gray" "cac.washington.edu")"#,
                "RFC 9051 s 8",
            ),
            ("imap@cac.washington.edu", r#"(NIL NIL "imap" "cac.washington.edu")"#, "RFC 9051 s 8"),
            ("a@b, \"C, D\" <e@f>", r#"(NIL NIL "a" "b")("C, D" NIL "e" "f")"#, "a comma in quotes"),
            ("fred@x (Fred (the) Great)", r#"("Fred (the) Great" NIL "fred" "x")"#, "RFC 822's comment"),
            (
                "G: a@b, c@d;, e@f",
                r#"(NIL NIL "G" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")(NIL NIL NIL NIL)(NIL NIL "e" "f")"#,
                "a group",
            ),
            (
                "undisclosed-recipients:;",
                r#"(NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)"#,
                "an empty group",
            ),
            (
                "J. Random <j.r@[192.0.2.1]>",
                r#"("J. Random" NIL "j.r" "[192.0.2.1]")"#,
                "a dot in a phrase, a literal",
            ),
            ("<@a:b@c>", r#"(NIL "@a" "b" "c")"#, "a source route"),
            (
                "=?utf-8?q?J=C3=BCrgen?= <j@k>",
                r#"("=?utf-8?q?J=C3=BCrgen?=" NIL "j" "k")"#,
                "an encoded word stays",
            ),
            ("\"a b\"@c", r#"(NIL NIL "a b" "c")"#, "a quoted local part"),
            ("nobody", r#"(NIL NIL "nobody" "")"#, "no address: it is no group either"),
            ("<>", r#"(NIL NIL "" "")"#, "nothing in brackets"),
            (" , ,", "", "nothing"),
            ("a@b <c@d", r#"("a@b" NIL "c" "d")"#, "no closing bracket"),
        ];
        for (value, want, shows) in rows {
            assert_eq!(told(value), want, "{shows}");
        }
    }
}
