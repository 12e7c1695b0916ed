//! EXTERNAL (RFC 4422 appendix A).

use crate::{
    Misuse, Secret,
    client::OneMessage,
    server::{self, Answer, Failure, Question, Turn},
};

/// `initial-response = *( UTF8-char-no-nul )`: whom to act as, or nothing.
pub(crate) fn client(authzid: &str) -> Result<OneMessage, Misuse> {
    if authzid.contains('\0') { Err(Misuse::Octet) } else { Ok(OneMessage::new(Secret::from(authzid))) }
}

#[derive(Default)]
pub(crate) struct ExternalServer {
    authzid: Option<String>,
}

impl server::Machine for ExternalServer {
    fn respond(&mut self, response: &[u8]) -> Turn {
        let text = std::str::from_utf8(response).ok().filter(|text| !text.contains('\0'));
        match text.ok_or(Failure::Malformed).and_then(server::prepared_authzid) {
            Ok(authzid) => {
                self.authzid.clone_from(&authzid);
                Turn::Question(Question::Certificate { authzid })
            }
            Err(failure) => Turn::Failed(failure),
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse> {
        match answer {
            Answer::Owner(authcid) if !authcid.is_empty() => {
                Ok(Turn::authenticated(authcid, self.authzid.take()))
            }
            Answer::Reject => Ok(Turn::Failed(Failure::Credentials)),
            _ => Err(Misuse::Answer),
        }
    }
}
