use std::{borrow::Cow, fmt};

use bytes::{BufMut, Bytes};

use super::{
    lex::{Lexer, Token},
    received::without_name,
    stamp::{Folder, Form, path},
};
use crate::{Mailbox, ReversePath};

/// A `Return-Path` field: where reports about the message go, put on top at final delivery (RFC 5321 s 4.4).
///
/// ```
/// use mail46_smtp::{ReversePath, trace::ReturnPath};
/// let field = ReturnPath::new(ReversePath::Mailbox("alice@example.com".parse()?));
/// assert_eq!(field.to_bytes().unwrap(), "Return-Path: <alice@example.com>\r\n");
///
/// let read = ReturnPath::parse(b"Return-Path: (none)\r\n <>\r\n").unwrap();
/// assert_eq!(read.path(), &ReversePath::Null);
/// # Ok::<(), mail46_smtp::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReturnPath<B: AsRef<[u8]> = Bytes> {
    path: ReversePath<B>,
}

impl ReturnPath {
    /// The field for the reverse-path of the MAIL command.
    pub fn new(path: ReversePath) -> Self {
        Self { path }
    }

    /// `"Return-Path:" FWS Reverse-path <CRLF>`, U-labels as A-labels; `None` if the local part needs SMTPUTF8.
    ///
    /// For a message that came without SMTPUTF8 (RFC 6531 s 3.7.3).
    pub fn to_bytes(&self) -> Option<Bytes> {
        self.write(Form::Ascii)
    }

    /// The same for a message that came with SMTPUTF8: domains with U-labels, local parts in UTF-8.
    pub fn to_bytes_utf8(&self) -> Bytes {
        self.write(Form::Utf8).unwrap_or_default()
    }

    fn write(&self, form: Form) -> Option<Bytes> {
        let path = match &self.path {
            ReversePath::Null => b"<>".to_vec(),
            ReversePath::Mailbox(mailbox) => path(mailbox, form)?,
        };
        let mut out = Vec::with_capacity(path.len().saturating_add(18));
        let mut line = Folder { out: &mut out, column: 0, form };
        line.put(b"Return-Path:");
        line.clause(&[Cow::Owned(path)]);
        out.put_slice(b"\r\n");
        Some(out.into())
    }
}

impl<'a> ReturnPath<&'a [u8]> {
    /// Parses the field, with or without its name: comments and folds anywhere around the path, source routes
    /// dropped (RFC 5321 s 4.1.1.2), and the path without its angle brackets, as some old programs wrote it.
    ///
    /// `None` for what holds no reverse-path, such as `<MAILER-DAEMON>`.
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let body = without_name(raw, b"Return-Path");
        let mut words = Lexer::new(body).filter(|(_, token)| !matches!(token, Token::Comment(_)));
        let (Some((_, Token::Word(word))), None) = (words.next(), words.next()) else { return None };
        let inner =
            word.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(word).trim_ascii();
        if inner.is_empty() {
            return Some(Self { path: ReversePath::Null });
        }
        let mailbox = if inner.starts_with(b"@") { behind_route(inner)? } else { inner };
        Some(Self { path: ReversePath::Mailbox(Mailbox::parse(mailbox).ok()?) })
    }
}

impl<B: AsRef<[u8]>> ReturnPath<B> {
    /// The reverse-path.
    pub fn path(&self) -> &ReversePath<B> {
        &self.path
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> ReturnPath {
        ReturnPath { path: self.path.to_owned() }
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for ReturnPath<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnPath({})", self.path)
    }
}

/// What follows `A-d-l ":"`; no domain of a route has a colon in it.
fn behind_route(path: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', path)?;
    path.get(colon.checked_add(1)?..)
}
