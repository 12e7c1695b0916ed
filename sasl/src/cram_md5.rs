//! CRAM-MD5 (RFC 2195).

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use subtle::ConstantTimeEq;

use crate::{
    Error, Misuse, Peer, Secret, client,
    server::{self, Answer, Failure, Question, Turn},
};

pub(crate) struct CramClient {
    user: String,
    password: Option<Secret>,
}

impl CramClient {
    pub(crate) fn new(user: &str, password: &Secret) -> Result<Self, Misuse> {
        if user.is_empty() || password.is_empty() {
            return Err(Misuse::Empty);
        }
        Ok(Self { user: user.to_owned(), password: Some(password.duplicate()) })
    }
}

impl client::Machine for CramClient {
    fn initial(&self) -> Option<Secret> {
        None
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        let password = self.password.take().ok_or(Error::Peer(Peer::UnexpectedChallenge))?;
        if challenge.is_empty() {
            return Err(Error::Peer(Peer::Malformed)); // the digest would be the same each time
        }
        // "a string consisting of the user name, a space, and a 'digest'"
        Ok(Secret::concat(&[self.user.as_bytes(), b" ", &digest(password.expose(), challenge)]))
    }

    fn succeed(&mut self) -> Result<(), Error> {
        if self.password.is_none() { Ok(()) } else { Err(Error::Peer(Peer::EarlySuccess)) }
    }
}

pub(crate) struct CramServer {
    challenge: Bytes,
    user: String,
    digest: Vec<u8>,
}

impl CramServer {
    pub(crate) fn new(challenge: &str) -> Result<Self, Misuse> {
        // "The syntax of the unencoded form must correspond to that of an RFC 822 'msg-id'."
        let inner = challenge.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        let (unique, host) = inner.and_then(|inner| inner.split_once('@')).ok_or(Misuse::Challenge)?;
        let atoms = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic());
        if !atoms(unique) || !atoms(host) || challenge.len() > 256 {
            return Err(Misuse::Challenge);
        }
        let challenge = Bytes::copy_from_slice(challenge.as_bytes());
        Ok(Self { challenge, user: String::new(), digest: Vec::new() })
    }
}

impl server::Machine for CramServer {
    fn prompt(&mut self) -> Bytes {
        self.challenge.clone()
    }

    fn respond(&mut self, response: &[u8]) -> Turn {
        // A user name may have spaces, the digest has none: 16 octets in lower-case hexadecimal.
        let space = response.iter().rposition(|octet| *octet == b' ');
        let Some((user, [_, digest @ ..])) = space.and_then(|space| response.split_at_checked(space)) else {
            return Turn::Failed(Failure::Malformed);
        };
        if digest.len() != 32 || !digest.iter().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f')) {
            return Turn::Failed(Failure::Malformed);
        }
        match server::prepared_octets(user) {
            Ok(user) => {
                self.user = user;
                self.digest = digest.to_vec();
                Turn::Question(Question::SharedSecret { user: self.user.clone() })
            }
            Err(failure) => Turn::Failed(failure),
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse> {
        let (secret, known) = match answer {
            Answer::Password(secret) => (secret, true),
            // The same work for a user that does not exist.
            Answer::Reject => (Secret::default(), false),
            _ => return Err(Misuse::Answer),
        };
        let fits: bool = digest(secret.expose(), &self.challenge).ct_eq(self.digest.as_slice()).into();
        Ok(if fits && known && !secret.is_empty() {
            Turn::authenticated(std::mem::take(&mut self.user), None)
        } else {
            Turn::Failed(Failure::Credentials)
        })
    }
}

/// Keyed MD5 in lower-case hexadecimal.
fn digest(secret: &[u8], challenge: &[u8]) -> Vec<u8> {
    // An HMAC key of any length will do (RFC 2104 s 2), so that the error does not happen.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(secret) else { return Vec::new() };
    mac.update(challenge);
    let mac = mac.finalize().into_bytes();
    mac.iter().flat_map(|octet| format!("{octet:02x}").into_bytes()).collect()
}
