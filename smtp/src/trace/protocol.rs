use std::fmt;

use bytes::Bytes;

/// What a hop spoke: the `with` clause of a `Received` field, by the registry "WITH protocol types" of RFC 3848 and
/// RFC 6531 s 4.3.
///
/// Taken in any case, written in capitals. `B` is where a name that the registry does not have is kept.
///
/// ```
/// use mail46_smtp::trace::{Greeting, Protocol, Used};
/// let protocol = Protocol::of(Greeting::Ehlo, Used { tls: true, auth: true, ..Used::default() });
/// assert_eq!(protocol.as_str(), "ESMTPSA");
/// assert_eq!(protocol, Protocol::Esmtpsa);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol<B = Bytes> {
    /// `SMTP`: greeted with HELO.
    Smtp,
    /// `ESMTP`: greeted with EHLO.
    Esmtp,
    /// `ESMTPA`: with AUTH.
    Esmtpa,
    /// `ESMTPS`: with TLS.
    Esmtps,
    /// `ESMTPSA`: with TLS and AUTH.
    Esmtpsa,
    /// `LMTP`: greeted with LHLO.
    Lmtp,
    /// `LMTPA`: with AUTH.
    Lmtpa,
    /// `LMTPS`: with TLS.
    Lmtps,
    /// `LMTPSA`: with TLS and AUTH.
    Lmtpsa,
    /// `UTF8SMTP`: ESMTP with SMTPUTF8.
    Utf8Smtp,
    /// `UTF8SMTPA`: and with AUTH.
    Utf8Smtpa,
    /// `UTF8SMTPS`: and with TLS.
    Utf8Smtps,
    /// `UTF8SMTPSA`: and with TLS and AUTH.
    Utf8Smtpsa,
    /// `UTF8LMTP`: LMTP with SMTPUTF8.
    Utf8Lmtp,
    /// `UTF8LMTPA`: and with AUTH.
    Utf8Lmtpa,
    /// `UTF8LMTPS`: and with TLS.
    Utf8Lmtps,
    /// `UTF8LMTPSA`: and with TLS and AUTH.
    Utf8Lmtpsa,
    /// Anything else, as it was written: `HTTP`, `mapi`, `Microsoft SMTP Server`, `local`.
    Other(B),
}

/// How the client greeted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // no fourth greeting
pub enum Greeting {
    /// HELO.
    Helo,
    /// EHLO.
    Ehlo,
    /// LHLO (RFC 2033).
    Lhlo,
}

/// What of the extensions that the `with` clause tells of was in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // a new one needs a new keyword, and each caller to look
pub struct Used {
    /// TLS, from the first octet or by STARTTLS (RFC 8314 s 3.3, RFC 3207).
    pub tls: bool,
    /// AUTH that succeeded (RFC 4954).
    pub auth: bool,
    /// SMTPUTF8 as a parameter of this transaction's MAIL (RFC 6531).
    pub smtputf8: bool,
}

/// The registry both ways.
macro_rules! registry {
    ($($form:ident = $keyword:literal,)*) => {
        impl<B> Protocol<B> {
            /// The registered keyword; `None` for [`Protocol::Other`].
            pub fn keyword(&self) -> Option<&'static str> {
                match self {
                    $(Self::$form => Some($keyword),)*
                    Self::Other(_) => None,
                }
            }

            fn of_keyword(word: &[u8]) -> Option<Self> {
                $(if word.eq_ignore_ascii_case($keyword.as_bytes()) {
                    return Some(Self::$form);
                })*
                None
            }
        }
    };
}

registry! {
    Smtp = "SMTP",
    Esmtp = "ESMTP",
    Esmtpa = "ESMTPA",
    Esmtps = "ESMTPS",
    Esmtpsa = "ESMTPSA",
    Lmtp = "LMTP",
    Lmtpa = "LMTPA",
    Lmtps = "LMTPS",
    Lmtpsa = "LMTPSA",
    Utf8Smtp = "UTF8SMTP",
    Utf8Smtpa = "UTF8SMTPA",
    Utf8Smtps = "UTF8SMTPS",
    Utf8Smtpsa = "UTF8SMTPSA",
    Utf8Lmtp = "UTF8LMTP",
    Utf8Lmtpa = "UTF8LMTPA",
    Utf8Lmtps = "UTF8LMTPS",
    Utf8Lmtpsa = "UTF8LMTPSA",
}

impl<'a> Protocol<&'a [u8]> {
    /// The protocol that a `with` clause names.
    ///
    /// One word is the rule. Of several the last or the first may be the keyword (`AES256-SHA encrypted SMTP`), and
    /// IronPort puts the cipher behind it (`ESMTP/TLS/…`): that is ESMTP, and the `/TLS` is told by
    /// [`Received::tls`](super::Received::tls).
    pub fn parse(text: &'a [u8]) -> Self {
        let first = text.split(u8::is_ascii_whitespace).next().unwrap_or(text);
        let last = text.rsplit(u8::is_ascii_whitespace).next().unwrap_or(text);
        registered(last).or_else(|| registered(first)).unwrap_or(Self::Other(text))
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Protocol {
        let known = self.keyword().and_then(|word| Protocol::of_keyword(word.as_bytes()));
        known.unwrap_or_else(|| Protocol::Other(Bytes::copy_from_slice(self.as_bytes())))
    }

    fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Other(text) => text,
            known => known.keyword().unwrap_or_default().as_bytes(),
        }
    }
}

impl Protocol {
    /// The keyword for a session; RFC 3848 s 1 and RFC 6531 s 4.3.
    ///
    /// A session that was greeted with HELO has no extensions, and no other keyword than `SMTP`.
    pub fn of(greeting: Greeting, used: Used) -> Self {
        let Used { tls, auth, smtputf8 } = used;
        match (greeting, smtputf8, tls, auth) {
            (Greeting::Helo, ..) => Self::Smtp,
            (Greeting::Ehlo, false, false, false) => Self::Esmtp,
            (Greeting::Ehlo, false, false, true) => Self::Esmtpa,
            (Greeting::Ehlo, false, true, false) => Self::Esmtps,
            (Greeting::Ehlo, false, true, true) => Self::Esmtpsa,
            (Greeting::Ehlo, true, false, false) => Self::Utf8Smtp,
            (Greeting::Ehlo, true, false, true) => Self::Utf8Smtpa,
            (Greeting::Ehlo, true, true, false) => Self::Utf8Smtps,
            (Greeting::Ehlo, true, true, true) => Self::Utf8Smtpsa,
            (Greeting::Lhlo, false, false, false) => Self::Lmtp,
            (Greeting::Lhlo, false, false, true) => Self::Lmtpa,
            (Greeting::Lhlo, false, true, false) => Self::Lmtps,
            (Greeting::Lhlo, false, true, true) => Self::Lmtpsa,
            (Greeting::Lhlo, true, false, false) => Self::Utf8Lmtp,
            (Greeting::Lhlo, true, false, true) => Self::Utf8Lmtpa,
            (Greeting::Lhlo, true, true, false) => Self::Utf8Lmtps,
            (Greeting::Lhlo, true, true, true) => Self::Utf8Lmtpsa,
        }
    }
}

impl<B: AsRef<[u8]>> Protocol<B> {
    /// The registered keyword in capitals, or the text as it was written (empty if that is no UTF-8).
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => std::str::from_utf8(text.as_ref()).unwrap_or_default(),
            known => known.keyword().unwrap_or_default(),
        }
    }

    /// Whether the keyword says TLS. Exim's `smtps` and `local-esmtps` and the `HTTPS` of webmail say so too.
    pub fn is_tls(&self) -> bool {
        match self {
            Self::Other(text) => {
                let text = text.as_ref();
                let text = text
                    .split_at_checked(6)
                    .filter(|(head, _)| head.eq_ignore_ascii_case(b"local-"))
                    .map_or(text, |t| t.1);
                [&b"SMTPS"[..], b"SMTPSA", b"ESMTPS", b"ESMTPSA", b"SSMTP", b"HTTPS"]
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(text))
            }
            known => known.keyword().is_some_and(|word| word.ends_with("TPS") || word.ends_with("TPSA")),
        }
    }

    /// Whether the keyword says AUTH.
    pub fn is_authenticated(&self) -> bool {
        self.keyword().is_some_and(|word| word.ends_with('A'))
    }

    /// Whether the keyword says SMTPUTF8.
    pub fn is_utf8(&self) -> bool {
        self.keyword().is_some_and(|word| word.starts_with("UTF8"))
    }

    /// Whether it is LMTP of some kind.
    pub fn is_lmtp(&self) -> bool {
        self.keyword().is_some_and(|word| word.contains("LMTP"))
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Protocol<B> {
    /// As [`as_str`](Self::as_str), with what is not printable ASCII escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => write!(f, "{}", text.as_ref().escape_ascii()),
            known => f.write_str(known.keyword().unwrap_or_default()),
        }
    }
}

/// The keyword in front of a `/`; Exim says `utf8esmtp` for `UTF8SMTP`.
fn registered<B>(word: &[u8]) -> Option<Protocol<B>> {
    let word = word.split(|octet| *octet == b'/').next().unwrap_or(word);
    Protocol::of_keyword(word).or_else(|| {
        let (utf8, rest) = word.split_at_checked(5)?;
        if !utf8.eq_ignore_ascii_case(b"UTF8E") {
            return None;
        }
        // Four keywords at most: "UTF8" and what follows the E.
        let mut spelt = [0; 10];
        let spelt = spelt.get_mut(..rest.len().checked_add(4)?)?;
        let (head, tail) = spelt.split_at_mut_checked(4)?;
        head.copy_from_slice(b"UTF8");
        tail.copy_from_slice(rest);
        Protocol::of_keyword(spelt)
    })
}
