//! LOGIN (draft-murchison-sasl-login-00): two prompts, two answers.

use bytes::Bytes;

use crate::{
    Error, Misuse, Peer, Secret,
    client::{self, LoginStart},
    plain::PlainServer,
    server::{self, Answer, Failure, Turn},
};

pub(crate) struct LoginClient {
    user: Secret,
    password: Option<Secret>,
    next: Next,
    start: LoginStart,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    UserName,
    /// The user name went, or may have gone, with the command.
    AfterInitial,
    Password,
    Outcome,
}

impl LoginClient {
    pub(crate) fn new(user: &str, password: &Secret, start: LoginStart) -> Result<Self, Misuse> {
        if user.is_empty() || password.is_empty() {
            return Err(Misuse::Empty);
        }
        // s 2: "arbitrary binary data excluding NUL, CR and LF".
        let forbidden = |octet: &u8| matches!(octet, 0 | b'\r' | b'\n');
        if user.as_bytes().iter().chain(password.expose()).any(forbidden) {
            return Err(Misuse::Octet);
        }
        let next = match start {
            LoginStart::ServerFirst => Next::UserName,
            LoginStart::UserName => Next::AfterInitial,
        };
        Ok(Self { user: Secret::from(user), password: Some(password.duplicate()), next, start })
    }
}

impl client::Machine for LoginClient {
    fn initial(&self) -> Option<Secret> {
        (self.start == LoginStart::UserName).then(|| self.user.duplicate())
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        match self.next {
            // s 2.1: "The contents of both challenges SHOULD be ignored."
            Next::UserName => {
                self.next = Next::Password;
                Ok(self.user.duplicate())
            }
            // The one place where the prompt matters: a server that did not get the name, or overlooked it, asks.
            Next::AfterInitial if is_user_prompt(challenge) => {
                self.next = Next::Password;
                Ok(self.user.duplicate())
            }
            Next::AfterInitial | Next::Password => {
                self.next = Next::Outcome;
                self.password.take().ok_or(Error::Peer(Peer::UnexpectedChallenge))
            }
            Next::Outcome => Err(Error::Peer(Peer::UnexpectedChallenge)),
        }
    }

    fn succeed(&mut self) -> Result<(), Error> {
        if self.next == Next::Outcome { Ok(()) } else { Err(Error::Peer(Peer::EarlySuccess)) }
    }
}

/// `Username:` of nearly all servers, `User Name` of the draft, or no prompt at all.
fn is_user_prompt(challenge: &[u8]) -> bool {
    challenge.is_empty() || challenge.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"user"))
}

#[derive(Default)]
pub(crate) struct LoginServer {
    user: Option<Vec<u8>>,
    verifier: PlainServer,
}

// s 2.2: "there is at least one widely deployed client which requires" these strings, and they may be sent.
const USER_PROMPT: Bytes = Bytes::from_static(b"Username:");
const PASSWORD_PROMPT: Bytes = Bytes::from_static(b"Password:");

impl server::Machine for LoginServer {
    fn prompt(&mut self) -> Bytes {
        USER_PROMPT
    }

    /// Tolerance: clients that send the user name with the command.
    fn initial(&mut self, response: &[u8]) -> Turn {
        self.respond(response)
    }

    fn respond(&mut self, response: &[u8]) -> Turn {
        // s 2: no NUL, CR or LF in either.
        if response.is_empty() || response.iter().any(|octet| matches!(octet, 0 | b'\r' | b'\n')) {
            return Turn::Failed(Failure::Malformed);
        }
        match self.user.take() {
            None => {
                self.user = Some(response.to_vec());
                Turn::Challenge(PASSWORD_PROMPT)
            }
            Some(user) => self.verifier.present(&user, Secret::from(response)),
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse> {
        self.verifier.answer(answer)
    }
}
