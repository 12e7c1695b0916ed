//! What the header of a message says, read by the server.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::string::{NString, pass_nstring};
use crate::mode::{CHECKED, Quirk};
use crate::writer::{Side, Writer};

/// ```text
/// envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
///            env-in-reply-to SP env-message-id ")"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "ten fields, by position")]
pub struct Envelope<B: AsRef<[u8]> = Bytes> {
    /// The Date field, as it is there.
    pub date: NString<B>,
    /// The Subject, encoded words and all.
    pub subject: NString<B>,
    /// From.
    pub from: Addresses<B>,
    /// Sender; From where there is none.
    pub sender: Addresses<B>,
    /// Reply-To; From where there is none.
    pub reply_to: Addresses<B>,
    /// To.
    pub to: Addresses<B>,
    /// Cc.
    pub cc: Addresses<B>,
    /// Bcc.
    pub bcc: Addresses<B>,
    /// In-Reply-To.
    pub in_reply_to: NString<B>,
    /// Message-ID.
    pub message_id: NString<B>,
}

/// `"(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`
///
/// A group begins with an address without a host, whose mailbox is the group's name, and ends with one without either (RFC
/// 9051 s 7.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "four fields, by position")]
pub struct Address<B: AsRef<[u8]> = Bytes> {
    /// The display name, encoded words and all.
    pub name: NString<B>,
    /// A source route, of old.
    pub adl: NString<B>,
    /// The local part, or the name of a group.
    pub mailbox: NString<B>,
    /// The domain.
    pub host: NString<B>,
}

/// `"(" 1*address ")" / nil`: the text of the addresses, read when it is asked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses<B = Bytes>(B);

impl Envelope {
    /// With nothing in it, to be filled in.
    pub fn new() -> Self {
        let none = || Addresses(Bytes::new());
        Self {
            date: NString::Nil,
            subject: NString::Nil,
            from: none(),
            sender: none(),
            reply_to: none(),
            to: none(),
            cc: none(),
            bcc: none(),
            in_reply_to: NString::Nil,
            message_id: NString::Nil,
        }
    }
}

impl Default for Envelope {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, B: Keep<'a>> Envelope<B> {
    /// With its parentheses.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("an envelope")?;
        let date = nstring(c)?;
        c.sp()?;
        let subject = nstring(c)?;
        c.sp()?;
        let from = Addresses::read(c)?;
        c.sp()?;
        let sender = Addresses::read(c)?;
        c.sp()?;
        let reply_to = Addresses::read(c)?;
        c.sp()?;
        let to = Addresses::read(c)?;
        c.sp()?;
        let cc = Addresses::read(c)?;
        c.sp()?;
        let bcc = Addresses::read(c)?;
        c.sp()?;
        let in_reply_to = nstring(c)?;
        let message_id = if c.peek() == Some(b')') {
            c.deviation(Quirk::MissingField, "SP and the message ID")?;
            NString::Nil
        } else {
            c.sp()?;
            nstring(c)?
        };
        if !c.close()? {
            return Err(c.fault("')'"));
        }
        Ok(Self { date, subject, from, sender, reply_to, to, cc, bcc, in_reply_to, message_id })
    }
}

/// Reads an envelope and keeps nothing of it.
pub(crate) fn pass_envelope<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    Envelope::read(c).map(drop)
}

impl Envelope<&[u8]> {
    pub(crate) const fn nothing() -> Self {
        const NONE: Addresses<&[u8]> = Addresses(b"");
        Self {
            date: NString::Nil,
            subject: NString::Nil,
            from: NONE,
            sender: NONE,
            reply_to: NONE,
            to: NONE,
            cc: NONE,
            bcc: NONE,
            in_reply_to: NString::Nil,
            message_id: NString::Nil,
        }
    }
}

/// One whose octets are in the frame.
#[inline]
fn nstring<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<NString<B>> {
    match NString::parse(c)? {
        NString::String(crate::IString::Streamed(..)) => Err(c.fault("a shorter literal")),
        string => Ok(string),
    }
}

impl<B: AsRef<[u8]>> Envelope<B> {
    /// With its parentheses.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.octet(b'(');
        self.date.write(out);
        out.sp();
        self.subject.write(out);
        for addresses in [&self.from, &self.sender, &self.reply_to, &self.to, &self.cc, &self.bcc] {
            out.sp();
            addresses.write(out);
        }
        out.sp();
        self.in_reply_to.write(out);
        out.sp();
        self.message_id.write(out);
        out.octet(b')');
    }
}

impl<'a, B: Keep<'a>> Address<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("an address")?;
        let name = NString::parse(c)?;
        c.sp()?;
        let adl = NString::parse(c)?;
        c.sp()?;
        let mailbox = NString::parse(c)?;
        c.sp()?;
        let host = NString::parse(c)?;
        if c.close()? { Ok(Self { name, adl, mailbox, host }) } else { Err(c.fault("')'")) }
    }
}

impl<B: AsRef<[u8]>> Address<B> {
    fn write(&self, out: &mut Writer<'_>) {
        out.octet(b'(');
        self.name.write(out);
        out.sp();
        self.adl.write(out);
        out.sp();
        self.mailbox.write(out);
        out.sp();
        self.host.write(out);
        out.octet(b')');
    }
}

impl Addresses {
    /// Of addresses.
    pub fn of<B: AsRef<[u8]>>(addresses: impl IntoIterator<Item = Address<B>>) -> Self {
        let mut text = BytesMut::new();
        let mut out = Writer::new(&mut text, Side::Server, &CHECKED);
        for address in addresses {
            address.write(&mut out);
        }
        Self(text.freeze())
    }
}

impl<'a, B: Keep<'a>> Addresses<B> {
    #[inline]
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.eat_nil() {
            return Ok(Self(c.keep(b"")));
        }
        if let [b'"', b'"', ..] = c.rest() {
            c.deviation(Quirk::MissingField, "addresses or NIL")?;
            c.take(2);
            return Ok(Self(c.keep(b"")));
        }
        c.open("addresses")?;
        let from = c.at();
        if c.peek() == Some(b')') {
            c.deviation(Quirk::EmptyList, "an address")?;
            c.eat(b')');
            return Ok(Self(c.keep(b"")));
        }
        loop {
            pass_address(c)?;
            let text = c.since(from);
            if c.eat(b')') {
                return Ok(Self(c.keep(text)));
            }
            if c.peek() != Some(b'(') && c.close()? {
                return Ok(Self(c.keep(text)));
            }
            if c.peek() == Some(b' ') {
                c.deviation(Quirk::SpaceInParentheses, "no space between addresses")?;
                while c.eat(b' ') {}
            }
        }
    }
}

#[inline]
fn pass_address<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    c.open("an address")?;
    pass_nstring(c)?;
    c.sp()?;
    pass_nstring(c)?;
    c.sp()?;
    pass_nstring(c)?;
    c.sp()?;
    pass_nstring(c)?;
    if c.eat(b')') || c.close()? { Ok(()) } else { Err(c.fault("')'")) }
}

impl<B: AsRef<[u8]>> Addresses<B> {
    /// Each, in its order; the marks of groups are among them.
    pub fn iter(&self) -> impl Iterator<Item = Address<&[u8]>> {
        let mut c = Cursor::checked(self.0.as_ref());
        std::iter::from_fn(move || {
            while c.eat(b' ') {}
            Address::read(&mut c).ok()
        })
    }

    /// Whether there is none: `NIL`.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_empty()
    }

    fn write(&self, out: &mut Writer<'_>) {
        let text = self.0.as_ref();
        if text.is_empty() {
            return out.put(b"NIL");
        }
        out.octet(b'(');
        if is_plain(text) {
            out.put(text);
        } else {
            self.iter().for_each(|address| address.write(out));
        }
        out.octet(b')');
    }
}

/// Whether text that was let pass is as the strict grammar has it.
fn is_plain(text: &[u8]) -> bool {
    let all = Cursor::whole(text, |c| {
        while !c.rest().is_empty() {
            pass_address(c)?;
        }
        Ok(())
    });
    memchr::memchr(b'{', text).is_none() && all.is_ok()
}

impl<B: AsRef<[u8]>> fmt::Debug for Addresses<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};

    fn read(text: &str, profile: Profile) -> Result<String> {
        let mode = Mode::new(profile);
        let mut c = Cursor::borrowed(text.as_bytes(), &mode);
        let envelope = Envelope::read(&mut c)?;
        c.end()?;
        Ok(written(|out| envelope.write(out)))
    }

    /// RFC 9051 s 7.5.2's own.
    const EXAMPLE: &str = r#"("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")"#;

    #[test]
    fn the_example_both_ways() {
        assert_eq!(read(EXAMPLE, Profile::Strict).unwrap(), EXAMPLE);
        let mode = Mode::new(Profile::Strict);
        let envelope = Envelope::read(&mut Cursor::borrowed(EXAMPLE.as_bytes(), &mode)).unwrap();
        let cc: Vec<_> = envelope.cc.iter().collect();
        assert_eq!(cc[1].name.octets().as_deref(), Some(&b"John Klensin"[..]));
        assert_eq!((cc.len(), cc[0].host.octets().as_deref()), (2, Some(&b"CNRI.Reston.VA.US"[..])));
        assert!(envelope.bcc.is_empty());
        let again = Addresses::of(envelope.cc.iter());
        assert_eq!(written(|out| again.write(out)), written(|out| envelope.cc.write(out)));
    }

    #[test]
    fn envelopes_strict_and_liberal() {
        let nils = "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL";
        // (from field on, what liberal writes, what it shows)
        let rows: &[(&str, &str, &str)] = &[
            (
                "((NIL NIL \"a\" \"b\") (NIL NIL \"c\" \"d\"))",
                "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))",
                "a space between",
            ),
            ("()", "NIL", "no address"),
            ("\"\"", "NIL", "a string for addresses"),
            ("((NIL NIL \"a\" \"b\" ))", "((NIL NIL \"a\" \"b\"))", "a space before )"),
            ("((NIL NIL a \"b\"))", "((NIL NIL \"a\" \"b\"))", "an atom"),
            ("((NIL NIL \"a\"\"b\"))", "((NIL NIL \"a\" \"b\"))", "no space"),
        ];
        for (from, want, shows) in rows {
            let text = format!("(NIL NIL {from} {})", &nils[12..]);
            let want = format!("(NIL NIL {want} {})", &nils[12..]);
            assert!(read(&text, Profile::Strict).is_err(), "{shows}");
            assert_eq!(read(&text, Profile::Liberal).as_deref(), Ok(&want[..]), "{shows}");
        }
        for broken in [
            "(NIL)",
            &format!("({nils} NIL)"),
            &format!("({}", nils),
            "NIL",
            "",
            "(NIL NIL ((NIL NIL NIL)) NIL)",
        ] {
            assert!(read(broken, Profile::Liberal).is_err(), "{broken}");
        }
        assert_eq!(read(&format!("({nils})"), Profile::Strict).unwrap(), format!("({nils})"));
        let literal = format!("({{3}}\r\na\r\n {}", &nils[4..]) + ")";
        assert_eq!(read(&literal, Profile::Strict).unwrap(), literal);
    }
}
