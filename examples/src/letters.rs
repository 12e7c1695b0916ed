//! Messages of every kind that SMTP knows.

use mail46_smtp::Body;

/// A message and what it takes to carry it.
#[derive(Debug)]
pub struct Letter {
    /// In words.
    pub what: &'static str,
    /// To whom, before the @.
    pub local_part: &'static str,
    /// Its octets.
    pub text: Vec<u8>,
    /// 7-bit, 8-bit or binary.
    pub body: Body,
    /// By BDAT, else by DATA.
    pub chunked: bool,
    /// The service extensions that carry it.
    pub extensions: &'static str,
}

/// One of each kind.
pub fn letters() -> Vec<Letter> {
    let head = |subject: &str| format!("From: alice@demo.test\r\nSubject: {subject}\r\n\r\n");
    let lines = |line: &str, n: usize| line.repeat(n);
    let large = head("large") + &lines("All work and no play makes mail a dull protocol.\r\n", 100_000);
    let letter = |what, local_part, text: String, body, chunked, extensions| Letter {
        what,
        local_part,
        text: text.into_bytes(),
        body,
        chunked,
        extensions,
    };
    // RFC 3030 s 3.
    let binary = head("binary").replace("\r\n\r\n", "\r\nMIME-Version: 1.0\r\n")
        + "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    let mut binary = letter("a binary message", "bob", binary, Body::BinaryMime, true, "CHUNKING BINARYMIME");
    binary.text.extend((0..=255u8).cycle().take(10_000));
    vec![
        letter(
            "a short message",
            "bob",
            head("short") + "hello\r\n",
            Body::SevenBit,
            true,
            "PIPELINING CHUNKING",
        ),
        letter("dots", "bob", head("dots") + ".\r\n..\r\n.x\r\n", Body::SevenBit, false, "PIPELINING"),
        letter("a large message", "bob", large, Body::SevenBit, false, "PIPELINING"),
        letter(
            "an 8-bit message",
            "bob",
            head("8-bit") + "gr\u{fc}n\r\n",
            Body::EightBitMime,
            false,
            "8BITMIME",
        ),
        letter(
            "a UTF-8 address",
            "b\u{f6}b",
            head("gr\u{fc}n") + "gr\u{fc}n\r\n",
            Body::EightBitMime,
            true,
            "SMTPUTF8 8BITMIME CHUNKING",
        ),
        binary,
    ]
}
