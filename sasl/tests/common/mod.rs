//! A client and a server in one thread, with someone between them.
#![allow(dead_code)] // each test file uses its part

use mail46_sasl::{
    ChannelBinding, Decoy, Error, Mechanism, Nonce, ScramHash, ScramKeys, Secret, client,
    server::{self, Answer, Failure, Identity, Question, Step},
};

pub(crate) const USER: &str = "user";
pub(crate) const PASSWORD: &str = "pencil";
pub(crate) const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

/// What both sides made of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) client: Result<(), Error>,
    pub(crate) server: Result<Identity, Failure>,
}

/// Whose message, and the how-manieth of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Client(usize),
    Server(usize),
}

/// Runs both; `between` sees and may change each message. The initial response goes with the command.
pub(crate) fn run(
    client: &mut client::Exchange,
    server: &mut server::Exchange,
    mut between: impl FnMut(From, &mut Vec<u8>),
) -> Outcome {
    let mut count = 0;
    let mut pass = |from: fn(usize) -> From, message: &[u8]| {
        let mut message = message.to_vec();
        between(from(count), &mut message);
        count += 1;
        message
    };
    let initial = client.initial().map(|initial| pass(From::Client, initial.expose()));
    let mut step = server.start(initial.as_deref()).unwrap();
    loop {
        step = match step {
            Step::Challenge(challenge) => match client.step(&pass(From::Server, &challenge)) {
                Ok(response) => server.step(&pass(From::Client, response.expose())).unwrap(),
                Err(error) => {
                    let Step::Failed(failure) = server.cancel() else { panic!() };
                    return Outcome { client: Err(error), server: Err(failure) };
                }
            },
            Step::Question(question) => server.answer(application(question)).unwrap(),
            Step::Done(identity) => return Outcome { client: client.succeed(), server: Ok(identity) },
            // The protocol's failure reply: the client drops the exchange.
            Step::Failed(failure) => {
                return Outcome { client: Err(mail46_sasl::Misuse::Turn.into()), server: Err(failure) };
            }
        };
    }
}

/// One user, who may act as `boss`.
pub(crate) fn application(question: Question) -> Answer {
    match question {
        Question::Password(presented) if presented.user == USER => Answer::Password(Secret::from(PASSWORD)),
        Question::SharedSecret { user } if user == USER => Answer::Password(Secret::from(PASSWORD)),
        Question::ScramKeys { user, hash } if user == USER => Answer::ScramKeys(keys(hash)),
        Question::Token(presented) if presented.token == Some(Secret::from(TOKEN)) => {
            Answer::Owner(USER.into())
        }
        Question::Certificate { .. } | Question::Anonymous { .. } => Answer::Owner(USER.into()),
        Question::Authorize(identity) if identity.acts_as() == "boss" => Answer::Accept,
        _ => Answer::Reject,
    }
}

pub(crate) fn keys(hash: ScramHash) -> ScramKeys {
    // Derived once: PBKDF2 costs most of a test.
    static KEYS: [std::sync::OnceLock<(Vec<u8>, Vec<u8>)>; 2] = [const { std::sync::OnceLock::new() }; 2];
    let (stored, server) = KEYS[usize::from(hash == ScramHash::Sha1)].get_or_init(|| {
        let keys = ScramKeys::derive(hash, &Secret::from(PASSWORD), b"salt and pepper!", 4096).unwrap();
        (keys.stored_key().expose().to_vec(), keys.server_key().expose().to_vec())
    });
    ScramKeys::from_parts(hash, b"salt and pepper!", 4096, stored.clone().into(), server.clone().into())
        .unwrap()
}

pub(crate) fn nonce(seed: u8) -> Nonce {
    Nonce::from_random(&[seed; 18])
}

pub(crate) fn decoy() -> Decoy {
    Decoy::new(Secret::from(b"the server's own"), 16, 4096).unwrap()
}

pub(crate) fn scram_server(mechanism: Mechanism, bindings: &[ChannelBinding]) -> server::Exchange {
    server::Exchange::scram(mechanism, bindings, &nonce(2), decoy()).unwrap()
}
