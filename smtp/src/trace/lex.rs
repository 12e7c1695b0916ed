//! Words and comments of a trace field (RFC 5322 s 3.2), in one pass, without recursion and whatever is in it.

use std::ops::Range;

/// A piece of a field; the text is what was written, folds, quotes and escapes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An atom, a quoted string, a domain, a literal, a path: up to white space, a comment or a `;`.
    Word(&'a [u8]),
    /// A comment without its outer parentheses.
    Comment(&'a [u8]),
    /// A `;` between words.
    Semicolon,
}

/// Cuts a field into [`Token`]s.
///
/// What is never closed is no bracket: an unmatched `(`, `"` or `<` (a client may say `EHLO (`) hides nothing of what
/// follows it. Each octet is looked at a constant number of times.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the `(` are that nothing closes, the last one first.
    unmatched: Vec<usize>,
    /// From here on a `"` may begin a quoted string.
    quotes_from: usize,
    /// From here on a `<` may begin a path.
    paths_from: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let mut unmatched = unmatched_parentheses(text);
        unmatched.reverse();
        Self { text, at: 0, unmatched, quotes_from: 0, paths_from: 0 }
    }

    /// The words alone.
    pub(super) fn words(self) -> impl Iterator<Item = &'a [u8]> {
        self.filter_map(|(_, token)| match token {
            Token::Word(word) => Some(word),
            Token::Comment(_) | Token::Semicolon => None,
        })
    }

    fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// Whether the `(` at `at` opens a comment.
    fn is_comment(&mut self, at: usize) -> bool {
        while self.unmatched.last().is_some_and(|open| *open < at) {
            self.unmatched.pop();
        }
        self.unmatched.last() != Some(&at)
    }

    /// The end of a word that begins here.
    fn word_end(&mut self) -> usize {
        let mut at = self.at;
        while let Some(octet) = self.text.get(at) {
            at = match octet {
                b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b';' | 0 => break,
                b'"' if at >= self.quotes_from => match quoted_end(self.text, at) {
                    Some(end) => end,
                    None => {
                        self.quotes_from = usize::MAX;
                        at.saturating_add(1)
                    }
                },
                b'<' if at >= self.paths_from => self.path_end(at),
                _ => at.saturating_add(1),
            };
        }
        at
    }

    /// Behind the `>` of the path that begins at `start`; behind its `<` if there is none before the next comment,
    /// semicolon or line.
    fn path_end(&mut self, start: usize) -> usize {
        let mut at = start.saturating_add(1);
        while let Some(octet) = self.text.get(at) {
            at = match octet {
                b'>' => return at.saturating_add(1),
                b'(' | b')' | b';' | b'\r' | b'\n' => break,
                b'"' if at >= self.quotes_from => match quoted_end(self.text, at) {
                    Some(end) => end,
                    None => {
                        self.quotes_from = usize::MAX;
                        at.saturating_add(1)
                    }
                },
                _ => at.saturating_add(1),
            };
        }
        self.paths_from = at;
        start.saturating_add(1)
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = (Range<usize>, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.at;
            match self.text.get(start)? {
                b' ' | b'\t' | b'\r' | b'\n' | b')' | 0 => self.at = start.saturating_add(1),
                b'(' if !self.is_comment(start) => self.at = start.saturating_add(1),
                b'(' => {
                    let (end, inside) = comment_end(self.text, start);
                    self.at = end;
                    return Some((start..end, Token::Comment(self.slice(start.saturating_add(1)..inside))));
                }
                b';' => {
                    self.at = start.saturating_add(1);
                    return Some((start..self.at, Token::Semicolon));
                }
                _ => {
                    self.at = self.word_end();
                    return Some((start..self.at, Token::Word(self.slice(start..self.at))));
                }
            }
        }
    }
}

/// Behind the closing `"` of the quoted string at `start`.
fn quoted_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start.saturating_add(1);
    loop {
        match text.get(at)? {
            b'"' => return Some(at.saturating_add(1)),
            b'\\' => at = at.saturating_add(2),
            _ => at = at.saturating_add(1),
        }
    }
}

/// Behind the closing `)` of the comment at `start`, and where that is; both the end of the text if there is none.
fn comment_end(text: &[u8], start: usize) -> (usize, usize) {
    let mut depth = 0usize;
    let mut at = start;
    while let Some(octet) = text.get(at) {
        match octet {
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            b'\\' => at = at.saturating_add(1),
            _ => {}
        }
        if depth == 0 {
            return (at.saturating_add(1), at);
        }
        at = at.saturating_add(1);
    }
    (text.len(), text.len())
}

/// Where the `(` are that nothing closes, in order.
fn unmatched_parentheses(text: &[u8]) -> Vec<usize> {
    let mut open = Vec::new();
    let mut quotes_from = 0;
    let mut at = 0usize;
    while let Some(octet) = text.get(at) {
        match octet {
            b'(' => open.push(at),
            b')' => drop(open.pop()),
            b'\\' if !open.is_empty() => at = at.saturating_add(1),
            b'"' if open.is_empty() && at >= quotes_from => match quoted_end(text, at) {
                Some(end) => at = end.saturating_sub(1),
                None => quotes_from = usize::MAX,
            },
            _ => {}
        }
        at = at.saturating_add(1);
    }
    open
}
