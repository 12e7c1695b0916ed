//! Base64 as SASL exchanges and MIME words have it: RFC 4648 s 4, strict by s 3.
//!
//! No white space, no line breaks, no octet outside the alphabet (s 3.3), padding where and only where it belongs
//! (s 3.2), trailing bits zero (s 3.5): so each text has one coding, and nothing hides in a second one.
//!
//! What passes may be a password: what is decoded is wiped when dropped, and errors tell no octets.
//!
//! ```
//! use bytes::BytesMut;
//! use mail46_wire::base64;
//!
//! let mut output = BytesMut::new();
//! base64::encode(b"\0alice\0secret", &mut output);
//! assert_eq!(output, "AGFsaWNlAHNlY3JldA==");
//! assert_eq!(&base64::decode(&output)?[..], b"\0alice\0secret");
//! assert!(base64::decode(b"AGFsaWNlAHNlY3JldA=").is_err()); // padding
//! # Ok::<(), base64::Base64Error>(())
//! ```

use ::base64::{DecodeError, DecodeSliceError, Engine, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use zeroize::Zeroizing;

/// Why a text is no base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Base64Error {
    /// An octet outside the alphabet, or an `=` that is not at the end (RFC 4648 s 3.3).
    #[error("octet {at} is outside the base64 alphabet")]
    Character {
        /// Where.
        at: usize,
    },
    /// Not padded to a multiple of four, or a lone last digit (RFC 4648 s 3.2).
    #[error("base64 is cut off or not padded")]
    Padding,
    /// Bits behind the last octet that are not zero (RFC 4648 s 3.5).
    #[error("base64 ends in bits that are not zero")]
    TrailingBits,
}

/// What `text` says; wiped when dropped. The empty text is no octets.
///
/// # Errors
/// [`Base64Error`].
pub fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Base64Error> {
    // At its full size from the start: a buffer that grows leaves copies behind.
    let mut octets = Zeroizing::new(vec![0; ::base64::decoded_len_estimate(text.len())]);
    let length = STANDARD.decode_slice(text, &mut octets).map_err(|error| match error {
        DecodeSliceError::DecodeError(DecodeError::InvalidByte(at, _)) => Base64Error::Character { at },
        DecodeSliceError::DecodeError(DecodeError::InvalidLastSymbol(..)) => Base64Error::TrailingBits,
        DecodeSliceError::DecodeError(DecodeError::InvalidLength(_) | DecodeError::InvalidPadding)
        | DecodeSliceError::OutputSliceTooSmall => Base64Error::Padding,
    })?;
    octets.truncate(length);
    Ok(octets)
}

/// Writes the base64 of `octets`: one text, without a line break.
pub fn encode(octets: &[u8], output: &mut BytesMut) {
    let start = output.len();
    let room = octets.len().div_ceil(3).saturating_mul(4);
    output.resize(start.saturating_add(room), 0);
    let written = output.get_mut(start..).and_then(|room| STANDARD.encode_slice(octets, room).ok());
    output.truncate(start.saturating_add(written.unwrap_or(0)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Base64Error::*, *};

    #[test]
    fn one_coding_for_each_text() {
        // (text, answer, what it shows); the first seven are RFC 4648 s 10
        let rows: &[(&[u8], Result<&[u8], Base64Error>, &str)] = &[
            (b"", Ok(b""), "nothing"),
            (b"Zg==", Ok(b"f"), "two pads"),
            (b"Zm8=", Ok(b"fo"), "one pad"),
            (b"Zm9v", Ok(b"foo"), "no pad"),
            (b"Zm9vYg==", Ok(b"foob"), ""),
            (b"Zm9vYmE=", Ok(b"fooba"), ""),
            (b"Zm9vYmFy", Ok(b"foobar"), ""),
            (b"+/+/", Ok(b"\xfb\xff\xbf"), "the last two of the alphabet"),
            (b"-_-_", Err(Character { at: 0 }), "the URL alphabet is another one"),
            (b"Zg", Err(Padding), "no padding"),
            (b"Zg=", Err(Padding), "half of it"),
            (b"Zg===", Err(Character { at: 2 }), "too much of it"),
            (b"Zm9v====", Err(Character { at: 4 }), "a quantum of it"),
            (b"Zm9vZ", Err(Padding), "a lone digit"),
            (b"=", Err(Character { at: 0 }), "SASL's empty response is for its own crate"),
            (b"=AAA", Err(Character { at: 0 }), "RFC 5034 s 4 names it"),
            (b"AAA=BBB=", Err(Character { at: 3 }), "and this"),
            (b"Zh==", Err(TrailingBits), "four bits not zero"),
            (b"Zm9=", Err(TrailingBits), "two bits not zero"),
            (b"Zm 9v", Err(Character { at: 2 }), "a space"),
            (b"Zm9v\r\n", Err(Character { at: 4 }), "a line end"),
            (b"Zm9v\0", Err(Character { at: 4 }), "NUL"),
            (b"*", Err(Character { at: 0 }), "SASL's cancel"),
        ];
        for (text, want, shows) in rows {
            let got = decode(text);
            assert_eq!(got.as_ref().map(|octets| &octets[..]), want.as_ref().copied(), "{shows}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut output = BytesMut::from("+ ");
            encode(&octets, &mut output);
            prop_assert_eq!(&decode(&output[2..]).unwrap()[..], &octets[..]);
        }

        #[test]
        fn what_is_read_has_no_other_coding(text in "[A-Za-d+/=]{0,12}") {
            if let Ok(octets) = decode(text.as_bytes()) {
                let mut output = BytesMut::new();
                encode(&octets, &mut output);
                prop_assert_eq!(output, text.as_bytes());
            }
        }
    }
}
