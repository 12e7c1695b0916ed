//! The messages of RFC 5802 s 7.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::ServerError;

/// Octets of one attribute that we take: a name, a nonce or a salt is never near it.
pub(crate) const ATTRIBUTE_LIMIT: usize = 1_024;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Malformed,
    MandatoryExtension,
    TooLong,
    Iterations(Bound),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Few,
    Many,
}

/// `gs2-cbind-flag = ("p=" cb-name) / "n" / "y"`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag<'a> {
    Unsupported,
    NotOffered,
    Bound(&'a [u8]),
}

/// `gs2-header = gs2-cbind-flag "," [ authzid ] ","`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gs2Header<'a> {
    pub(crate) flag: Flag<'a>,
    pub(crate) authzid: Option<Cow<'a, str>>,
    /// The header's own octets: `c=` repeats them.
    pub(crate) octets: &'a [u8],
}

impl<'a> Gs2Header<'a> {
    /// Parses a header off the front; gives what follows too. OAUTHBEARER begins with one as well.
    pub(crate) fn parse(message: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let (flag, rest) = until_comma(message)?;
        let (authzid, rest) = until_comma(rest)?;
        let flag = match flag {
            b"n" => Flag::Unsupported,
            b"y" => Flag::NotOffered,
            _ => {
                Flag::Bound(flag.strip_prefix(b"p=").filter(|name| is_cb_name(name)).ok_or(Fault::Malformed)?)
            }
        };
        let authzid = match authzid {
            b"" => None,
            _ => Some(saslname(authzid.strip_prefix(b"a=").ok_or(Fault::Malformed)?)?),
        };
        let length = message.len().saturating_sub(rest.len());
        let octets = message.get(..length).ok_or(Fault::Malformed)?;
        Ok((Self { flag, authzid, octets }, rest))
    }
}

/// `client-first-message = gs2-header [reserved-mext ","] username "," nonce ["," extensions]`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFirst<'a> {
    pub(crate) header: Gs2Header<'a>,
    /// `client-first-message-bare`, as received: it goes into AuthMessage.
    pub(crate) bare: &'a [u8],
    pub(crate) user: Cow<'a, str>,
    pub(crate) nonce: &'a [u8],
}

impl<'a> ClientFirst<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Fault> {
        check_text(message)?;
        let (header, bare) = Gs2Header::parse(message)?;
        let mut attributes = Attributes::new(bare);
        let user = saslname(attributes.expect(b'n')?)?;
        let nonce = nonce(attributes.expect(b'r')?)?;
        attributes.extensions()?;
        Ok(Self { header, bare, user, nonce })
    }
}

/// `server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerFirst<'a> {
    pub(crate) nonce: &'a [u8],
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Fault> {
        check_text(message)?;
        let mut attributes = Attributes::new(message);
        let nonce = nonce(attributes.expect(b'r')?)?;
        let salt = base64(attributes.expect(b's')?)?;
        let iterations = iteration_count(attributes.expect(b'i')?)?;
        attributes.extensions()?;
        if salt.is_empty() {
            return Err(Fault::Malformed);
        }
        Ok(Self { nonce, salt, iterations })
    }
}

/// `client-final-message = channel-binding "," nonce ["," extensions] "," proof`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFinal<'a> {
    pub(crate) without_proof: &'a [u8],
    /// `cbind-input`, decoded.
    pub(crate) channel_binding: Vec<u8>,
    pub(crate) nonce: &'a [u8],
    pub(crate) proof: Vec<u8>,
}

impl<'a> ClientFinal<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Fault> {
        check_text(message)?;
        let comma = message.iter().rposition(|octet| *octet == b',').ok_or(Fault::Malformed)?;
        let (without_proof, proof) = message.split_at_checked(comma).ok_or(Fault::Malformed)?;
        let mut attributes = Attributes::new(without_proof);
        let channel_binding = base64(attributes.expect(b'c')?)?;
        let nonce = nonce(attributes.expect(b'r')?)?;
        attributes.extensions()?;
        let proof = base64(proof.strip_prefix(b",p=").ok_or(Fault::Malformed)?)?;
        Ok(Self { without_proof, channel_binding, nonce, proof })
    }
}

/// `server-final-message = (server-error / verifier) ["," extensions]`
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ServerFinal {
    Error(ServerError),
    Signature(Vec<u8>),
}

impl ServerFinal {
    pub(crate) fn parse(message: &[u8]) -> Result<Self, Fault> {
        check_text(message)?;
        let mut attributes = Attributes::new(message);
        let parsed = match attributes.next()? {
            Some((b'e', value)) => Self::Error(ServerError::parse(value)),
            Some((b'v', value)) => Self::Signature(base64(value)?),
            Some((b'm', _)) => return Err(Fault::MandatoryExtension),
            _ => return Err(Fault::Malformed),
        };
        attributes.extensions()?;
        Ok(parsed)
    }
}

/// Writes `saslname`: `,` and `=` become `=2C` and `=3D`.
pub(crate) fn write_saslname(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// `printable = %x21-2B / %x2D-7E`
pub(crate) fn is_printable(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|octet| octet.is_ascii_graphic() && *octet != b',')
}

/// `attr-val *("," attr-val)`, taken one by one.
struct Attributes<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    fn new(octets: &'a [u8]) -> Self {
        Self { rest: Some(octets) }
    }

    /// `attr-val = ALPHA "=" value`, and `value = 1*value-char`.
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Fault> {
        let Some(rest) = self.rest else { return Ok(None) };
        let attribute = match until_comma(rest) {
            Ok((attribute, rest)) => {
                self.rest = Some(rest);
                attribute
            }
            Err(_) => {
                self.rest = None;
                rest
            }
        };
        let [name, b'=', value @ ..] = attribute else { return Err(Fault::Malformed) };
        if value.is_empty() || !name.is_ascii_alphabetic() {
            return Err(Fault::Malformed);
        }
        if value.len() > ATTRIBUTE_LIMIT {
            return Err(Fault::TooLong);
        }
        Ok(Some((*name, value)))
    }

    /// The value of the attribute that must come now: "the order of attributes … is fixed" (RFC 5802 s 5.1).
    fn expect(&mut self, wanted: u8) -> Result<&'a [u8], Fault> {
        match self.next()? {
            Some((name, value)) if name == wanted => Ok(value),
            Some((b'm', _)) => Err(Fault::MandatoryExtension),
            _ => Err(Fault::Malformed),
        }
    }

    /// RFC 5802 s 5.1: unknown optional extensions are ignored; they "use as-yet unassigned attribute names".
    fn extensions(&mut self) -> Result<(), Fault> {
        while let Some((name, _)) = self.next()? {
            match name {
                b'm' => return Err(Fault::MandatoryExtension),
                b'a' | b'n' | b'r' | b'c' | b's' | b'i' | b'p' | b'v' | b'e' => return Err(Fault::Malformed),
                _ => {}
            }
        }
        Ok(())
    }
}

fn until_comma(octets: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let mut parts = octets.splitn(2, |octet| *octet == b',');
    match (parts.next(), parts.next()) {
        (Some(before), Some(after)) => Ok((before, after)),
        _ => Err(Fault::Malformed),
    }
}

/// Every message is UTF-8 without NUL (`value-safe-char`).
fn check_text(message: &[u8]) -> Result<(), Fault> {
    let clean = std::str::from_utf8(message).is_ok_and(|text| !text.contains('\0'));
    if clean { Ok(()) } else { Err(Fault::Malformed) }
}

/// `cb-name = 1*(ALPHA / DIGIT / "." / "-")`
fn is_cb_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-'))
}

/// `saslname = 1*(value-safe-char / "=2C" / "=3D")`
fn saslname(octets: &[u8]) -> Result<Cow<'_, str>, Fault> {
    if octets.len() > ATTRIBUTE_LIMIT {
        return Err(Fault::TooLong);
    }
    let text = std::str::from_utf8(octets).map_err(|_| Fault::Malformed)?;
    if text.is_empty() || text.contains('\0') {
        return Err(Fault::Malformed);
    }
    let mut parts = text.split('=');
    let mut name = Cow::Borrowed(parts.next().unwrap_or_default());
    for part in parts {
        let (decoded, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            // RFC 5802 s 5.1: "'=' not followed by either '2C' or '3D', then the server MUST fail".
            _ => return Err(Fault::Malformed),
        };
        let name = name.to_mut();
        name.push(decoded);
        name.push_str(rest);
    }
    Ok(name)
}

fn nonce(value: &[u8]) -> Result<&[u8], Fault> {
    if is_printable(value) { Ok(value) } else { Err(Fault::Malformed) }
}

/// RFC 5802 s 2.1: "the canonical form with no whitespace".
fn base64(value: &[u8]) -> Result<Vec<u8>, Fault> {
    STANDARD.decode(value).map_err(|_| Fault::Malformed)
}

/// `posit-number = %x31-39 *DIGIT`, within [`ITERATIONS`](super::ITERATIONS).
fn iteration_count(value: &[u8]) -> Result<u32, Fault> {
    if !value.iter().all(u8::is_ascii_digit) || value.first().is_none_or(|digit| *digit == b'0') {
        return Err(Fault::Malformed);
    }
    // Digits without end are many, not malformed.
    let count = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX);
    if count < *super::ITERATIONS.start() {
        Err(Fault::Iterations(Bound::Few))
    } else if count > *super::ITERATIONS.end() {
        Err(Fault::Iterations(Bound::Many))
    } else {
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_first_messages() {
        let rows: &[(&str, Result<(&str, Option<&str>), Fault>)] = &[
            ("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", Ok(("user", None))), // RFC 5802 s 5
            ("y,,n=user,r=abc", Ok(("user", None))),
            ("p=tls-exporter,a=adm=2Cin,n=us=3D=2Cer,r=abc", Ok(("us=,er", Some("adm,in")))),
            ("n,,n=us\u{e9}r,r=abc,x=ignored,Y=too", Ok(("us\u{e9}r", None))),
            ("n,,n=user,r=abc,x=with=equals=", Ok(("user", None))), // value-char has "="
            ("n,,m=ext,n=user,r=abc", Err(Fault::MandatoryExtension)),
            ("n,,n=user,r=abc,m=ext", Err(Fault::MandatoryExtension)),
            ("n,,n=user,r=abc,r=def", Err(Fault::Malformed)), // an assigned name is no extension
            ("n,,r=abc,n=user", Err(Fault::Malformed)),       // the order is fixed
            ("n,,n=us=2cer,r=abc", Err(Fault::Malformed)),    // only =2C and =3D
            ("n,,n=us=,r=abc", Err(Fault::Malformed)),
            ("n,,n=,r=abc", Err(Fault::Malformed)),
            ("n,,n=user,r=", Err(Fault::Malformed)),
            ("n,,n=user,r=a b", Err(Fault::Malformed)),
            ("n,,n=user,r=abc,", Err(Fault::Malformed)),
            ("n,,n=user,r=abc,x=", Err(Fault::Malformed)),
            ("n,,n=user,r=abc,1=x", Err(Fault::Malformed)),
            ("n,,n=us\0er,r=abc", Err(Fault::Malformed)),
            ("x,,n=user,r=abc", Err(Fault::Malformed)),
            ("p=,,n=user,r=abc", Err(Fault::Malformed)),
            ("p=a_b,,n=user,r=abc", Err(Fault::Malformed)),
            ("n,user,n=user,r=abc", Err(Fault::Malformed)),
            ("n,a=,n=user,r=abc", Err(Fault::Malformed)),
            ("F,n,,n=user,r=abc", Err(Fault::Malformed)), // SCRAM is "standard"
            ("n,", Err(Fault::Malformed)),
            ("", Err(Fault::Malformed)),
        ];
        for (text, want) in rows {
            let got = ClientFirst::parse(text.as_bytes());
            let got = got.map(|first| (first.user.into_owned(), first.header.authzid.map(Cow::into_owned)));
            let want = want.map(|(user, authzid)| (user.to_owned(), authzid.map(str::to_owned)));
            assert_eq!(got, want, "{text}");
        }
        let long = format!("n,,n={},r=abc", "u".repeat(ATTRIBUTE_LIMIT + 1));
        assert_eq!(ClientFirst::parse(long.as_bytes()), Err(Fault::TooLong));
        assert_eq!(ClientFirst::parse(b"n,,n=\xff,r=abc"), Err(Fault::Malformed));
    }

    #[test]
    fn server_first_messages() {
        let few = Err(Fault::Iterations(Bound::Few));
        let many = Err(Fault::Iterations(Bound::Many));
        let rows: &[(&str, Result<u32, Fault>)] = &[
            ("r=abc,s=QSXCR+Q6sek8bf92,i=4096", Ok(4096)),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=1000000,x=y", Ok(1_000_000)),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=4095", few),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=1", few),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=1000001", many),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=2147483647", many),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=99999999999999999999999", many), // wraps in no integer
            ("r=abc,s=QSXCR+Q6sek8bf92,i=0", Err(Fault::Malformed)),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=04096", Err(Fault::Malformed)),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=-4096", Err(Fault::Malformed)),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=+4096", Err(Fault::Malformed)), // str::parse would take it
            ("r=abc,s=QSXCR+Q6sek8bf92", Err(Fault::Malformed)),
            ("r=abc,i=4096,s=QSXCR+Q6sek8bf92", Err(Fault::Malformed)),
            ("r=abc,s=QSXCR+Q6sek8bf9,i=4096", Err(Fault::Malformed)), // padding missing
            ("r=abc,s=QQ==,i=4096", Ok(4096)),
            ("r=abc,s=QR==,i=4096", Err(Fault::Malformed)), // trailing bits
            ("r=abc,s=QQ==QQ==,i=4096", Err(Fault::Malformed)),
            ("r=abc,s=QS XCR+Q6sek8bf92,i=4096", Err(Fault::Malformed)),
            ("m=x,r=abc,s=QQ==,i=4096", Err(Fault::MandatoryExtension)),
            ("e=other-error", Err(Fault::Malformed)),
        ];
        for (text, want) in rows {
            assert_eq!(ServerFirst::parse(text.as_bytes()).map(|first| first.iterations), *want, "{text}");
        }
    }

    #[test]
    fn final_messages() {
        let rows: &[(&str, Result<&str, Fault>)] = &[
            ("c=biws,r=abc,p=QQ==", Ok("c=biws,r=abc")),
            ("c=biws,r=abc,x=y,p=QQ==", Ok("c=biws,r=abc,x=y")),
            ("c=biws,r=abc,p=QQ==,x=y", Err(Fault::Malformed)), // the proof is last
            ("c=biws,r=abc,m=y,p=QQ==", Err(Fault::MandatoryExtension)),
            ("c=biws,r=abc,p=QQ==,p=QQ==", Err(Fault::Malformed)),
            ("r=abc,c=biws,p=QQ==", Err(Fault::Malformed)),
            ("c=biws,r=abc", Err(Fault::Malformed)),
            ("c=,r=abc,p=QQ==", Err(Fault::Malformed)),
        ];
        for (text, want) in rows {
            let got = ClientFinal::parse(text.as_bytes()).map(|last| last.without_proof);
            assert_eq!(got, want.map(str::as_bytes), "{text}");
        }
        let rows: &[(&str, Result<ServerFinal, Fault>)] = &[
            ("v=QQ==", Ok(ServerFinal::Signature(b"A".to_vec()))),
            ("v=QQ==,x=y", Ok(ServerFinal::Signature(b"A".to_vec()))),
            ("e=unknown-user", Ok(ServerFinal::Error(ServerError::UnknownUser))),
            ("e=news", Ok(ServerFinal::Error(ServerError::OtherError))),
            ("m=x,v=QQ==", Err(Fault::MandatoryExtension)),
            ("v=QQ==,e=unknown-user", Err(Fault::Malformed)),
            ("", Err(Fault::Malformed)),
        ];
        for (text, want) in rows {
            assert_eq!(ServerFinal::parse(text.as_bytes()), *want, "{text}");
        }
    }
}
