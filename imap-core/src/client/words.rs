//! What a person says, made into what a command takes.

use std::str::FromStr;

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::mode::{Mode, Profile};
use crate::{FetchAttributes, SearchKeys, SequenceSet, SyntaxError};

macro_rules! words {
    ($($name:ident,)*) => {
        $(impl FromStr for $name {
            type Err = SyntaxError;

            /// As it is written in the protocol.
            fn from_str(text: &str) -> Result<Self, SyntaxError> {
                let octets = Bytes::copy_from_slice(text.as_bytes());
                let mode = Mode { utf8: true, ..Mode::new(Profile::Strict) };
                let mut c = Cursor::shared(&octets, &mode);
                let said = Self::read(&mut c)?;
                if c.rest().is_empty() { Ok(said) } else { Err(c.fault("the end")) }
            }
        })*
    };
}

words! { FetchAttributes, SearchKeys, SequenceSet, }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_the_protocol_has() {
        assert_eq!("1:*,7".parse::<SequenceSet>().unwrap().to_string(), "1:*,7");
        assert_eq!("OR SEEN (FROM \"é\" NOT DELETED)".parse::<SearchKeys>().unwrap().as_slice().len(), 6);
        assert!("(UID BODY.PEEK[HEADER.FIELDS (From)])".parse::<FetchAttributes>().is_ok());
        assert!("ALL\r\nA2 LOGOUT".parse::<FetchAttributes>().is_err());
        assert!("ALL\r\nA2 LOGOUT".parse::<SearchKeys>().is_err());
        assert!("1 FLAGS".parse::<SequenceSet>().is_err() && "".parse::<SequenceSet>().is_err());
    }
}
