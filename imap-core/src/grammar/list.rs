//! What LIST, LSUB and XLIST answer.

use std::fmt;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::mailbox::Mailbox;
use crate::grammar::string::{AString, IString};
use crate::grammar::value::Value;
use crate::mode::Quirk;
use crate::writer::Writer;

/// ```text
/// mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxList<B: AsRef<[u8]> = Bytes> {
    /// What it is.
    pub attributes: MailboxAttributes<B>,
    /// What separates the levels of its name; none where there are no levels.
    pub delimiter: Option<u8>,
    /// Its name.
    pub mailbox: Mailbox<B>,
    /// What extensions say of it.
    pub extended: Option<ListExtended<B>>,
}

/// `mbx-list-flags`: the text, read when it is asked.
#[derive(Clone, Copy, Default)]
pub struct MailboxAttributes<B = Bytes>(B);

/// `mbox-list-extended = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"`: the text, read when it is asked.
#[derive(Clone, Copy)]
pub struct ListExtended<B = Bytes>(B);

/// `mbox-list-extended-item = mbox-list-extended-item-tag SP tagged-ext-val`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListExtendedItem<B: AsRef<[u8]> = Bytes> {
    /// `CHILDINFO`: which selection options its children meet (RFC 9051 s 6.3.9.6).
    ChildInfo(Vec<IString<B>>),
    /// `OLDNAME`: the name that it had (RFC 9051 s 6.3.9.7).
    OldName(Mailbox<B>),
    /// What is not known.
    Other(AString<B>, Value<B>),
}

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What a mailbox is (RFC 9051 s 7.3.1, RFC 6154 s 2, RFC 8457, RFC 5465).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum MailboxAttribute<B = Bytes> {
            $($(#[$doc])* $name,)*
            /// What is not known, with its backslash.
            Other(B),
        }

        impl<B: AsRef<[u8]>> MailboxAttribute<B> {
            /// Its word, with the backslash.
            pub fn as_bytes(&self) -> &[u8] {
                match self {
                    $(Self::$name => concat!("\\", $word).as_bytes(),)*
                    Self::Other(word) => word.as_ref(),
                }
            }
        }

        impl<'a> MailboxAttribute<&'a [u8]> {
            fn of(word: &'a [u8]) -> Self {
                $(if word.eq_ignore_ascii_case(concat!("\\", $word).as_bytes()) {
                    return Self::$name;
                })*
                Self::Other(word)
            }
        }
    };
}

attributes! {
    /// There is no such mailbox; it has children, or is subscribed.
    NonExistent = "NonExistent",
    /// It cannot have children.
    NoInferiors = "Noinferiors",
    /// It cannot be selected.
    NoSelect = "Noselect",
    /// It has children.
    HasChildren = "HasChildren",
    /// It has none.
    HasNoChildren = "HasNoChildren",
    /// It may have new messages.
    Marked = "Marked",
    /// It has none since it was last selected.
    Unmarked = "Unmarked",
    /// It is subscribed.
    Subscribed = "Subscribed",
    /// It is on another server.
    Remote = "Remote",
    /// It has all messages (RFC 6154).
    All = "All",
    /// The archive (RFC 6154).
    Archive = "Archive",
    /// Drafts (RFC 6154).
    Drafts = "Drafts",
    /// All that are flagged (RFC 6154).
    Flagged = "Flagged",
    /// Junk (RFC 6154).
    Junk = "Junk",
    /// What was sent (RFC 6154).
    Sent = "Sent",
    /// What was thrown away (RFC 6154).
    Trash = "Trash",
    /// What is important (RFC 8457).
    Important = "Important",
    /// Its messages may not be seen (RFC 5465).
    NoAccess = "NoAccess",
}

impl MailboxAttributes {
    /// Of attributes; those of the application's own that are not a backslash and an atom are left out.
    pub fn of<B: AsRef<[u8]>>(attributes: impl IntoIterator<Item = MailboxAttribute<B>>) -> Self {
        let mut text = Vec::new();
        for attribute in attributes {
            match attribute.as_bytes() {
                word @ [b'\\', rest @ ..]
                    if !rest.is_empty() && crate::writer::is_each(rest, class::ATOM) =>
                {
                    if !text.is_empty() {
                        text.push(b' ');
                    }
                    text.extend_from_slice(word);
                }
                _ => {}
            }
        }
        Self(text.into())
    }
}

impl<B: AsRef<[u8]>> MailboxAttributes<B> {
    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = MailboxAttribute<&[u8]>> {
        self.words().map(MailboxAttribute::of)
    }

    fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.0.as_ref().split(|octet| *octet == b' ').filter(|word| !word.is_empty())
    }

    /// Whether it is said.
    pub fn has(&self, attribute: MailboxAttribute<&[u8]>) -> bool {
        self.iter().any(|its| its.as_bytes().eq_ignore_ascii_case(attribute.as_bytes()))
    }
}

impl<B: AsRef<[u8]>> PartialEq for MailboxAttributes<B> {
    /// In any case.
    fn eq(&self, other: &Self) -> bool {
        self.words().map(<[u8]>::to_ascii_lowercase).eq(other.words().map(<[u8]>::to_ascii_lowercase))
    }
}

impl<B: AsRef<[u8]>> Eq for MailboxAttributes<B> {}

impl<B: AsRef<[u8]>> PartialEq for ListExtended<B> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<B: AsRef<[u8]>> Eq for ListExtended<B> {}

impl<B: AsRef<[u8]>> fmt::Debug for MailboxAttributes<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.0.as_ref().escape_ascii())
    }
}

impl<'a, B: Keep<'a>> MailboxAttributes<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("attributes")?;
        let from = c.at();
        if c.close()? {
            return Ok(Self(c.keep(b"")));
        }
        loop {
            if !c.eat(b'\\') {
                c.deviation(Quirk::FlagSpecials, "'\\'")?;
            }
            c.word(class::ATOM, "an attribute")?;
            let text = c.since(from);
            if c.close()? {
                return Ok(Self(c.keep(text)));
            }
            c.sp()?;
        }
    }
}

impl<B: AsRef<[u8]>> ListExtended<B> {
    /// Each item.
    pub fn iter(&self) -> impl Iterator<Item = ListExtendedItem<&[u8]>> {
        let mut c = Cursor::checked(self.0.as_ref());
        std::iter::from_fn(move || {
            while c.eat(b' ') {}
            ListExtendedItem::read(&mut c).ok()
        })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.list(self.iter(), |item, out| item.write(out));
    }
}

impl ListExtended {
    /// Of items.
    pub fn of<B: AsRef<[u8]>>(items: impl IntoIterator<Item = ListExtendedItem<B>>) -> Self {
        let mut text = bytes::BytesMut::new();
        let mut out = Writer::new(&mut text, crate::Side::Server, &crate::mode::CHECKED);
        out.spaced(items, |item, out| item.write(out));
        Self(text.freeze())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for ListExtended<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, B: Keep<'a>> ListExtended<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("'('")?;
        let from = c.at();
        if c.close()? {
            return Ok(Self(c.keep(b"")));
        }
        loop {
            ListExtendedItem::read(c)?;
            let text = c.since(from);
            if c.close()? {
                return Ok(Self(c.keep(text)));
            }
            c.sp()?;
        }
    }
}

impl<'a, B: Keep<'a>> ListExtendedItem<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let tag = AString::parse(c)?;
        c.sp()?;
        let name = tag.octets();
        if name.eq_ignore_ascii_case(b"CHILDINFO") {
            c.open("'('")?;
            let mut options = Vec::new();
            loop {
                options.push(IString::parse(c)?);
                if c.close()? {
                    return Ok(Self::ChildInfo(options));
                }
                c.sp()?;
            }
        }
        if name.eq_ignore_ascii_case(b"OLDNAME") {
            c.open("'('")?;
            let mailbox = Mailbox::parse(c)?;
            return if c.close()? { Ok(Self::OldName(mailbox)) } else { Err(c.fault("')'")) };
        }
        drop(name);
        Ok(Self::Other(tag, Value::read(c)?))
    }
}

impl<B: AsRef<[u8]>> ListExtendedItem<B> {
    fn write(&self, out: &mut Writer<'_>) {
        match self {
            // With quotes, as all of the examples have it.
            Self::ChildInfo(options) => {
                out.put(b"\"CHILDINFO\" ");
                out.list(options, |option, out| option.write(out));
            }
            Self::OldName(mailbox) => {
                out.put(b"\"OLDNAME\" (");
                mailbox.write(out);
                out.octet(b')');
            }
            Self::Other(tag, value) => {
                tag.write(out);
                out.sp();
                value.write(out);
            }
        }
    }
}

impl<B: AsRef<[u8]>> MailboxList<B> {
    /// Of a mailbox.
    pub fn new(attributes: MailboxAttributes<B>, delimiter: Option<u8>, mailbox: Mailbox<B>) -> Self {
        Self { attributes, delimiter, mailbox, extended: None }
    }

    /// Behind the word.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.list(self.attributes.words(), |word, out| match word {
            word @ [b'\\', ..] => out.put(word),
            word => {
                out.octet(b'\\');
                out.put(word);
            }
        });
        match self.delimiter {
            Some(delimiter) => {
                out.sp();
                out.quote(&[delimiter]);
                out.sp();
            }
            None => out.put(b" NIL "),
        }
        self.mailbox.write(out);
        if let Some(extended) = &self.extended {
            out.sp();
            extended.write(out);
        }
    }
}

impl<'a, B: Keep<'a>> MailboxList<B> {
    /// Behind the word.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let attributes = MailboxAttributes::read(c)?;
        c.sp()?;
        let delimiter = read_delimiter(c)?;
        c.sp()?;
        let mailbox = Mailbox::parse(c)?;
        let extended = if let [b' ', b'(', ..] = c.rest() {
            c.sp()?;
            Some(ListExtended::read(c)?)
        } else {
            None
        };
        Ok(Self { attributes, delimiter, mailbox, extended })
    }
}

/// `DQUOTE QUOTED-CHAR DQUOTE / nil`
pub(crate) fn read_delimiter<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Option<u8>> {
    if c.eat_nil() {
        return Ok(None);
    }
    let at = c.at();
    let string = IString::<&[u8]>::parse_borrowed(c)?;
    let delimiter = match &*string.octets() {
        [delimiter] if delimiter.is_ascii() => Some(*delimiter),
        [] => None,
        _ => {
            c.back_to(at);
            return Err(c.fault("one character or NIL"));
        }
    };
    if delimiter.is_none() || !matches!(string, IString::Quoted(_)) {
        c.back_to_noting(Quirk::NilString, at, "one character or NIL")?;
        IString::<&[u8]>::parse_borrowed(c)?;
    }
    Ok(delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};

    fn rewritten(text: &str, profile: Profile) -> Result<String> {
        let mode = Mode::new(profile);
        let mut c = Cursor::borrowed(text.as_bytes(), &mode);
        let list = MailboxList::read(&mut c)?;
        c.end()?;
        Ok(written(|out| list.write(out)))
    }

    #[test]
    fn lists_both_ways() {
        for text in [
            r#"(\Noselect) "/" ~/Mail/foo"#,
            r#"() NIL INBOX"#,
            r#"(\Marked \Drafts \XFoo) "\\" "a\\b""#,
            r#"(\NonExistent) "/" "qux2" ("CHILDINFO" ("SUBSCRIBED"))"#,
            r#"() "/" "NewMailbox" ("OLDNAME" ("OldMailbox"))"#,
            r#"() "/" a ()"#,
            r#"() "/" a ("vendor.x-y" (a (b)) XYZZY 1:4)"#,
            r#"(\HasNoChildren) "." [Gmail]/All"#,
        ] {
            assert_eq!(rewritten(text, Profile::Strict).as_deref(), Ok(text));
        }
        assert_eq!(
            rewritten("() \"/\" a (OLDNAME (b))", Profile::Strict).as_deref(),
            Ok("() \"/\" a (\"OLDNAME\" (b))")
        );
        // (sent, written, what it shows)
        for (sent, want, shows) in [
            ("() \"\" INBOX", "() NIL INBOX", "an empty delimiter"),
            ("(\\Marked ) \"/\" INBOX", "(\\Marked) \"/\" INBOX", "Surgemail: a space before )"),
            ("(Marked) \"/\" INBOX", "(\\Marked) \"/\" INBOX", "no backslash"),
            ("() / INBOX", "() \"/\" INBOX", "no quotes"),
            ("() \"/\" INBOX ", "() \"/\" INBOX", "a space behind"),
        ] {
            assert_eq!(rewritten(sent, Profile::Liberal).as_deref(), Ok(want), "{shows}");
            assert!(rewritten(sent, Profile::Strict).is_err(), "{shows}");
        }
        for broken in [
            "",
            "()",
            "() \"/\"",
            "() \"ab\" INBOX",
            "(\"a\") \"/\" INBOX",
            "() \"/\" INBOX (a)",
            "() \"/\" INBOX (OLDNAME ())",
        ] {
            assert!(rewritten(broken, Profile::Liberal).is_err(), "{broken}");
        }
    }

    #[test]
    fn attributes_are_known_in_any_case() {
        let attributes =
            MailboxAttributes::of([MailboxAttribute::Sent, MailboxAttribute::Other(Bytes::from("a b"))]);
        assert!(attributes.has(MailboxAttribute::Sent) && attributes.iter().count() == 1);
        let mode = Mode::new(Profile::Strict);
        let list = MailboxList::read(&mut Cursor::borrowed(br#"(\NOSELECT \AllMail) NIL a"#, &mode)).unwrap();
        assert!(
            list.attributes.has(MailboxAttribute::NoSelect)
                && list.attributes.has(MailboxAttribute::Other(b"\\allmail"))
        );
    }
}
