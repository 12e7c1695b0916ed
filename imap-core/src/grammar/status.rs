//! What STATUS asks for, and what it answers.

use std::fmt;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::fetch::ObjectId;
use crate::grammar::mailbox::Mailbox;
use crate::grammar::string::Atom;
use crate::grammar::value::Value;
use crate::mode::Quirk;
use crate::writer::Writer;

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// `status-att` (RFC 9051 s 9, and the extensions)
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum StatusAttribute<B = Bytes> {
            $($(#[$doc])* $name,)*
            /// What is not known.
            Other(Atom<B>),
        }

        impl<B: AsRef<[u8]>> StatusAttribute<B> {
            fn known(word: &[u8]) -> Option<Self> {
                $(if word.eq_ignore_ascii_case($word.as_bytes()) {
                    return Some(Self::$name);
                })*
                None
            }

            /// Its word.
            pub fn as_bytes(&self) -> &[u8] {
                match self {
                    $(Self::$name => $word.as_bytes(),)*
                    Self::Other(word) => word.as_bytes(),
                }
            }
        }
    };
}

attributes! {
    /// How many messages there are.
    Messages = "MESSAGES",
    /// How many are new (RFC 3501).
    Recent = "RECENT",
    /// The next UID.
    UidNext = "UIDNEXT",
    /// The UIDs' validity.
    UidValidity = "UIDVALIDITY",
    /// How many are not seen.
    Unseen = "UNSEEN",
    /// How many are marked as deleted (RFC 9051, RFC 9208).
    Deleted = "DELETED",
    /// How much those take, in units of 1,024 octets (RFC 9208 s 4.1.4).
    DeletedStorage = "DELETED-STORAGE",
    /// How much all take, in octets (RFC 9051, RFC 8438).
    Size = "SIZE",
    /// The highest mod-sequence (RFC 7162).
    HighestModSeq = "HIGHESTMODSEQ",
    /// The mailbox's ID (RFC 8474).
    MailboxId = "MAILBOXID",
    /// The largest message that APPEND takes (RFC 7889).
    AppendLimit = "APPENDLIMIT",
}

/// `"(" status-att *(SP status-att) ")"`: the text, read when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusAttributes<B = Bytes>(B);

/// `"STATUS" SP mailbox SP "(" [status-att-list] ")"`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxStatus<B: AsRef<[u8]> = Bytes> {
    /// Of which.
    pub mailbox: Mailbox<B>,
    /// What is said, in its order.
    pub items: Vec<StatusItem<B>>,
}

/// `status-att-val`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusItem<B: AsRef<[u8]> = Bytes> {
    /// All that is a number; nothing else is said of what it is. `NIL` for no [limit](StatusAttribute::AppendLimit).
    Number(StatusAttribute<B>, Option<u64>),
    /// `MAILBOXID`
    MailboxId(ObjectId<B>),
    /// What is not known and no number.
    Other(Atom<B>, Value<B>),
}

impl StatusAttributes {
    /// Of attributes. `None` if there is none.
    pub fn of<B: AsRef<[u8]>>(attributes: impl IntoIterator<Item = StatusAttribute<B>>) -> Option<Self> {
        let mut text = Vec::new();
        for attribute in attributes {
            if !text.is_empty() {
                text.push(b' ');
            }
            text.extend_from_slice(attribute.as_bytes());
        }
        (!text.is_empty()).then(|| Self(text.into()))
    }
}

impl<'a, B: Keep<'a>> StatusAttributes<B> {
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("'('")?;
        let from = c.at();
        loop {
            c.word(class::ATOM, "an attribute")?;
            let text = c.since(from);
            if c.close()? {
                return Ok(Self(c.keep(text)));
            }
            c.sp()?;
        }
    }
}

impl<B: AsRef<[u8]>> StatusAttributes<B> {
    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = StatusAttribute<&[u8]>> {
        let words = self.0.as_ref().split(|octet| *octet == b' ').filter(|word| !word.is_empty());
        words.map(|word| {
            StatusAttribute::known(word).unwrap_or_else(|| StatusAttribute::Other(Atom::of_checked(word)))
        })
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.list(self.iter(), |attribute, out| out.put(attribute.as_bytes()));
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for StatusAttributes<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.0.as_ref().escape_ascii())
    }
}

impl<B: AsRef<[u8]>> MailboxStatus<B> {
    /// Of items.
    pub fn new(mailbox: Mailbox<B>, items: Vec<StatusItem<B>>) -> Self {
        Self { mailbox, items }
    }

    /// The number that is said of an attribute.
    pub fn number(&self, attribute: StatusAttribute<&[u8]>) -> Option<u64> {
        self.items.iter().find_map(|item| match item {
            StatusItem::Number(its, number) if its.as_bytes().eq_ignore_ascii_case(attribute.as_bytes()) => {
                *number
            }
            _ => None,
        })
    }

    /// Behind the word.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        out.sp();
        out.list(self.items.iter().filter(|item| item.is_sayable()), |item, out| match item {
            StatusItem::Number(attribute, number) => {
                out.put(attribute.as_bytes());
                out.sp();
                match number {
                    Some(number) => out.number(*number),
                    None => out.put(b"NIL"),
                }
            }
            StatusItem::MailboxId(id) => {
                out.put(b"MAILBOXID ");
                id.write(out);
            }
            StatusItem::Other(name, value) => {
                name.write(out);
                out.sp();
                value.write(out);
            }
        });
    }
}

impl<'a, B: Keep<'a>> MailboxStatus<B> {
    /// Behind the word.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        c.open("'('")?;
        let mut items = Vec::new();
        if c.close()? {
            return Ok(Self { mailbox, items });
        }
        loop {
            items.push(StatusItem::read(c)?);
            if c.close()? {
                return Ok(Self { mailbox, items });
            }
            c.sp()?;
        }
    }
}

impl<B: AsRef<[u8]>> StatusItem<B> {
    /// RFC 9051 s 9: `"UIDNEXT" SP nz-number / "UIDVALIDITY" SP nz-number`. A 0 that was let pass is left out.
    fn is_sayable(&self) -> bool {
        !matches!(self, Self::Number(StatusAttribute::UidNext | StatusAttribute::UidValidity, Some(0)))
    }
}

impl<'a, B: Keep<'a>> StatusItem<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let word = c.word(class::ATOM, "an attribute")?;
        c.sp()?;
        Ok(match StatusAttribute::known(word) {
            Some(StatusAttribute::MailboxId) => Self::MailboxId(ObjectId::read_in_parentheses(c)?),
            // RFC 7889 s 3.3: NIL for a mailbox without a limit.
            Some(attribute @ StatusAttribute::AppendLimit) if c.eat_nil() => Self::Number(attribute, None),
            Some(attribute @ (StatusAttribute::UidNext | StatusAttribute::UidValidity)) => {
                let at = c.at();
                let number = c.number()?;
                if number == 0 {
                    let behind = c.at();
                    c.back_to_noting(Quirk::Zero, at, "a number over 0")?;
                    c.back_to(behind);
                }
                Self::Number(attribute, Some(number.into()))
            }
            Some(attribute) => Self::Number(attribute, Some(c.number64()?)),
            None => {
                let name = Atom::of_checked(c.keep(word));
                let at = c.at();
                match c.number_alone()? {
                    Some(number) if matches!(c.peek(), Some(b' ' | b')')) => {
                        Self::Number(StatusAttribute::Other(name), Some(number))
                    }
                    _ => {
                        c.back_to(at);
                        Self::Other(name, Value::read(c)?)
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};

    fn rewritten(text: &str, profile: Profile) -> Result<String> {
        let mode = Mode::new(profile);
        let mut c = Cursor::borrowed(text.as_bytes(), &mode);
        let status = MailboxStatus::read(&mut c)?;
        c.end()?;
        Ok(written(|out| status.write(out)))
    }

    #[test]
    fn statuses_both_ways() {
        for text in [
            "blurdybloop (MESSAGES 231 UIDNEXT 44292)",
            "\"a b\" (RECENT 0 UNSEEN 1 DELETED 2 DELETED-STORAGE 3 SIZE 9223372036854775807)",
            "INBOX (HIGHESTMODSEQ 0 MAILBOXID (F2212ea87-6097) APPENDLIMIT 257890)",
            "INBOX (APPENDLIMIT NIL)",
            "INBOX ()", // 163.com sends it, RFC 9051 s 9 allows it
            "INBOX (XYZZY 7 X-FOO (a \"b\") UIDVALIDITY 1)",
            "{3}\r\na\r\n (UIDNEXT 1)",
        ] {
            assert_eq!(rewritten(text, Profile::Strict).as_deref(), Ok(text));
        }
        // (sent, written, what it shows)
        for (sent, want, shows) in [
            ("INBOX (MESSAGES 1) ", "INBOX (MESSAGES 1)", "Exchange: a space behind"),
            ("INBOX (UIDVALIDITY 0)", "INBOX ()", "163.com"),
            ("INBOX  (MESSAGES 1 )", "INBOX (MESSAGES 1)", "spaces"),
        ] {
            assert_eq!(rewritten(sent, Profile::Liberal).as_deref(), Ok(want), "{shows}");
            assert!(rewritten(sent, Profile::Strict).is_err(), "{shows}");
        }
        for broken in [
            "INBOX",
            "INBOX (MESSAGES)",
            "INBOX (MESSAGES x)",
            "INBOX (MAILBOXID x)",
            "INBOX (UIDNEXT NIL)",
            "(A 1)",
        ] {
            assert!(rewritten(broken, Profile::Liberal).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_number_is_found_by_its_attribute() {
        let mode = Mode::new(Profile::Strict);
        let mut c = Cursor::borrowed(b"INBOX (messages 231 UIDNEXT 44292)", &mode);
        let status = MailboxStatus::read(&mut c).unwrap();
        assert_eq!(status.number(StatusAttribute::Messages), Some(231));
        assert_eq!(status.number(StatusAttribute::Size), None);
        let mut c = Cursor::borrowed(b"(MESSAGES XYZZY)", &mode);
        let asked = StatusAttributes::read(&mut c).unwrap();
        assert_eq!(asked.iter().next(), Some(StatusAttribute::Messages));
        assert_eq!(written(|out| asked.write(out)), "(MESSAGES XYZZY)");
    }
}
