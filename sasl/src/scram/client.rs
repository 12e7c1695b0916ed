use std::mem;

use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use super::{
    keys::{PasswordKeys, normalize},
    message::{ATTRIBUTE_LIMIT, Bound, Fault, ServerFinal, ServerFirst, write_saslname},
};
use crate::{Binding, Error, Limit, Misuse, Nonce, Peer, ScramHash, Secret, Strings, client, saslprep};

pub(crate) struct ScramClient {
    hash: ScramHash,
    password: Secret,
    nonce: String,
    /// `cbind-input = gs2-header [ cbind-data ]`
    channel_binding: Vec<u8>,
    header: String,
    /// `client-first-message-bare`
    first_bare: String,
    state: State,
}

enum State {
    /// The first message may have gone with the command, or may be asked for.
    First,
    /// It has been asked for.
    FirstSent,
    Final {
        server_signature: Secret,
    },
    Verified,
    Broken,
}

impl ScramClient {
    pub(crate) fn new(
        hash: ScramHash,
        authzid: &str,
        user: &str,
        password: &Secret,
        binding: &Binding,
        nonce: &Nonce,
    ) -> Result<Self, Misuse> {
        // RFC 5802 s 5.1: "Before sending the username … prepare … treating it as a query string"; a NUL is forbidden
        // by that, too.
        let user = saslprep(user, Strings::Query)?;
        let password = Secret::from(normalize(password)?.as_bytes());
        let authzid = match authzid {
            "" => String::new(),
            _ => format!("a={}", write_saslname(&saslprep(authzid, Strings::Query)?)),
        };
        let flag = match binding {
            Binding::Unsupported => "n".to_owned(),
            Binding::NotOffered => "y".to_owned(),
            Binding::Bound(bound) => format!("p={}", bound.kind().name()),
        };
        let header = format!("{flag},{authzid},");
        let mut channel_binding = header.clone().into_bytes();
        if let Binding::Bound(bound) = binding {
            channel_binding.extend_from_slice(bound.data());
        }
        let first_bare = format!("n={},r={}", write_saslname(&user), nonce.as_str());
        let nonce = nonce.as_str().to_owned();
        Ok(Self { hash, password, nonce, channel_binding, header, first_bare, state: State::First })
    }

    /// Answers `server-first-message`.
    fn proof(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        // Nothing is hashed before all of this is checked: a count out of bounds costs nothing.
        let first = ServerFirst::parse(challenge)?;
        // RFC 5802 s 5.1: "The client MUST verify that the initial part of the nonce … is the same".
        let extended = first.nonce.strip_prefix(self.nonce.as_bytes()).is_some_and(|rest| !rest.is_empty());
        if !extended {
            return Err(Error::Peer(Peer::Nonce));
        }
        let salted = self.hash.salted_password(self.password.expose(), &first.salt, first.iterations);
        self.password = Secret::default();
        let keys = PasswordKeys::of(self.hash, &salted);

        let channel_binding = STANDARD.encode(&self.channel_binding);
        let without_proof = [b"c=", channel_binding.as_bytes(), b",r=", first.nonce].concat();
        let message = [self.first_bare.as_bytes(), b",", challenge, b",", &without_proof];
        let signature = self.hash.hmac(keys.stored.expose(), &message);
        self.state = State::Final { server_signature: self.hash.hmac(keys.server.expose(), &message) };

        let proof: Vec<u8> =
            keys.client.expose().iter().zip(signature.expose()).map(|(key, mask)| key ^ mask).collect();
        Ok(Secret::concat(&[&without_proof, b",p=", STANDARD.encode(proof).as_bytes()]))
    }
}

impl client::Machine for ScramClient {
    fn initial(&self) -> Option<Secret> {
        Some(Secret::concat(&[self.header.as_bytes(), self.first_bare.as_bytes()]))
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        match mem::replace(&mut self.state, State::Broken) {
            State::First if challenge.is_empty() => {
                self.state = State::FirstSent;
                Ok(Secret::concat(&[self.header.as_bytes(), self.first_bare.as_bytes()]))
            }
            State::First | State::FirstSent => self.proof(challenge),
            State::Final { server_signature } => match ServerFinal::parse(challenge)? {
                ServerFinal::Error(error) => Err(Error::Refused(error)),
                ServerFinal::Signature(signature) if server_signature.expose().ct_eq(&signature).into() => {
                    self.state = State::Verified;
                    // RFC 4422 s 5, item 2b: the response to the success data is empty.
                    Ok(Secret::default())
                }
                ServerFinal::Signature(_) => Err(Error::Peer(Peer::Signature)),
            },
            State::Verified | State::Broken => Err(Error::Peer(Peer::UnexpectedChallenge)),
        }
    }

    fn succeed(&mut self) -> Result<(), Error> {
        // RFC 5802 s 5: the client authenticates the server by its signature; without it there is no success.
        match self.state {
            State::Verified => Ok(()),
            _ => Err(Error::Peer(Peer::EarlySuccess)),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Peer(Peer::Malformed),
            Fault::MandatoryExtension => Self::Peer(Peer::MandatoryExtension),
            Fault::TooLong => Self::Limit(Limit::Attribute(ATTRIBUTE_LIMIT)),
            Fault::Iterations(Bound::Few) => Self::Limit(Limit::FewIterations),
            Fault::Iterations(Bound::Many) => Self::Limit(Limit::ManyIterations),
        }
    }
}
