use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::message::{ClientFinal, ClientFirst, Fault, Flag};
use crate::{
    ChannelBinding, ChannelBindingType, Decoy, Mechanism, Misuse, Nonce, ScramHash, ScramKeys, Secret,
    server::{self, Answer, Failure, Question, Turn},
};

pub(crate) struct ScramServer {
    hash: ScramHash,
    mechanism: Mechanism,
    bindings: Vec<ChannelBinding>,
    nonce: String,
    decoy: Arc<Decoy>,
    state: State,
}

enum State {
    First,
    Keys(Begun),
    Proof(Asked),
    /// With the server's signature.
    Proved(Secret),
    Over,
}

/// What the first message said.
struct Begun {
    user: String,
    authzid: Option<String>,
    channel_binding: Vec<u8>,
    bare: Vec<u8>,
    client_nonce: String,
}

/// The same, and what was answered.
struct Asked {
    begun: Begun,
    keys: ScramKeys,
    nonce: String,
    server_first: Bytes,
}

impl ScramServer {
    pub(crate) fn new(
        mechanism: Mechanism,
        bindings: &[ChannelBinding],
        nonce: &Nonce,
        decoy: Arc<Decoy>,
    ) -> Result<Self, Misuse> {
        let hash = mechanism.scram_hash().ok_or(Misuse::Mechanism)?;
        if mechanism.binds_channel() && bindings.is_empty() {
            return Err(Misuse::Binding);
        }
        let nonce = nonce.as_str().to_owned();
        Ok(Self { hash, mechanism, bindings: bindings.to_vec(), nonce, decoy, state: State::First })
    }

    fn begin(&self, message: &[u8]) -> Result<Begun, Failure> {
        let first = ClientFirst::parse(message)?;
        let mut channel_binding = first.header.octets.to_vec();
        match (first.header.flag, self.mechanism.binds_channel()) {
            (Flag::Bound(name), true) => {
                // RFC 5802 s 6: "does not support the indicated channel binding type, … MUST fail".
                let kind = ChannelBindingType::parse(name);
                let binding = self.bindings.iter().find(|binding| Some(binding.kind()) == kind);
                channel_binding.extend_from_slice(binding.ok_or(Failure::BindingUnsupported)?.data());
            }
            // RFC 5802 s 6: 'If the flag is set to "y" and the server supports channel binding, the server MUST fail'.
            (Flag::NotOffered, _) if !self.bindings.is_empty() => return Err(Failure::Downgrade),
            (Flag::Unsupported | Flag::NotOffered, false) => {}
            (Flag::Bound(_), false) | (Flag::Unsupported | Flag::NotOffered, true) => {
                return Err(Failure::BindingUnsupported);
            }
        }
        Ok(Begun {
            user: server::prepared(&first.user)?,
            authzid: server::prepared_authzid(first.header.authzid.as_deref().unwrap_or_default())?,
            channel_binding,
            bare: first.bare.to_vec(),
            client_nonce: String::from_utf8_lossy(first.nonce).into_owned(), // printable ASCII, as parsed
        })
    }

    fn ask(&self, begun: Begun, keys: ScramKeys) -> Asked {
        let nonce = format!("{}{}", begun.client_nonce, self.nonce);
        let server_first =
            format!("r={nonce},s={},i={}", STANDARD.encode(keys.salt()), keys.iterations()).into();
        Asked { begun, keys, nonce, server_first }
    }

    /// Checks `client-final-message`; gives the server's signature.
    fn verify(&self, asked: &Asked, message: &[u8]) -> Result<Secret, Failure> {
        let last = ClientFinal::parse(message)?;
        // RFC 5802 s 5.1: "The server MUST verify that the nonce sent by the client in the second message is the same".
        if last.nonce != asked.nonce.as_bytes() {
            return Err(Failure::Malformed);
        }
        // RFC 5802 s 6: "The server MUST always validate the client's "c=" field."
        if last.channel_binding != asked.begun.channel_binding {
            return Err(Failure::BindingMismatch);
        }
        let auth_message: [&[u8]; 5] =
            [&asked.begun.bare, b",", &asked.server_first, b",", last.without_proof];
        let signature = self.hash.hmac(asked.keys.stored_key().expose(), &auth_message);
        if last.proof.len() != self.hash.octets() {
            return Err(Failure::Malformed);
        }
        let client_key: Vec<u8> =
            last.proof.iter().zip(signature.expose()).map(|(proof, mask)| proof ^ mask).collect();
        let client_key = Secret::from(client_key);
        let stored = self.hash.hash(client_key.expose());
        if !bool::from(stored.expose().ct_eq(asked.keys.stored_key().expose())) {
            return Err(Failure::Credentials);
        }
        Ok(self.hash.hmac(asked.keys.server_key().expose(), &auth_message))
    }
}

impl server::Machine for ScramServer {
    fn respond(&mut self, response: &[u8]) -> Turn {
        match std::mem::replace(&mut self.state, State::Over) {
            State::First => match self.begin(response) {
                Ok(begun) => {
                    let question = Question::ScramKeys { user: begun.user.clone(), hash: self.hash };
                    self.state = State::Keys(begun);
                    Turn::Question(question)
                }
                Err(failure) => Turn::Failed(failure),
            },
            State::Proof(asked) => match self.verify(&asked, response) {
                Ok(signature) => {
                    self.state = State::Proved(signature);
                    Turn::authenticated(asked.begun.user, asked.begun.authzid)
                }
                Err(failure) => Turn::Failed(failure),
            },
            State::Keys(_) | State::Proved(_) | State::Over => Turn::Failed(Failure::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse> {
        let State::Keys(begun) = &self.state else { return Err(Misuse::Turn) };
        let keys = match answer {
            Answer::ScramKeys(keys) if keys.hash() == self.hash => keys,
            // A user that does not exist looks like one with another password.
            Answer::Reject => self.decoy.keys(self.hash, &begun.user),
            _ => return Err(Misuse::Answer),
        };
        let State::Keys(begun) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(Misuse::Turn);
        };
        let asked = self.ask(begun, keys);
        let challenge = asked.server_first.clone();
        self.state = State::Proof(asked);
        Ok(Turn::Challenge(challenge))
    }

    fn success_data(&mut self) -> Option<Bytes> {
        let State::Proved(signature) = &self.state else { return None };
        Some(format!("v={}", STANDARD.encode(signature.expose())).into())
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed | Fault::Iterations(_) => Self::Malformed,
            Fault::MandatoryExtension => Self::MandatoryExtension,
            Fault::TooLong => Self::TooLong,
        }
    }
}
