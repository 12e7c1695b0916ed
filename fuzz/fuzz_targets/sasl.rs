//! `sasl`: arbitrary messages to both sides let nobody in and convince nobody; an exchange with a changed message fails.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail46_sasl::{
    Binding, ChannelBinding, Decoy, Mechanism, Nonce, ScramHash, ScramKeys, Secret,
    client::{Exchange as Client, LoginStart},
    server::{Answer, Exchange as Server, Question, Step},
};

const PASSWORD: &str = "correct horse battery staple";
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";

fn nonce(seed: u8) -> Nonce {
    Nonce::from_random(&[seed; 18])
}

fn binding() -> ChannelBinding {
    ChannelBinding::tls_exporter(&[9; 32])
}

fn server(mechanism: Mechanism) -> Server {
    let decoy = Decoy::new(Secret::from(&[3; 32]), 16, 4096).unwrap();
    let bindings = if mechanism.binds_channel() { vec![binding()] } else { vec![] };
    match mechanism {
        Mechanism::Plain => Server::plain(),
        Mechanism::Login => Server::login(),
        Mechanism::CramMd5 => Server::cram_md5("<1@example.org>").unwrap(),
        Mechanism::OAuthBearer => Server::oauthbearer(),
        Mechanism::XOAuth2 => Server::xoauth2(),
        Mechanism::External => Server::external(),
        Mechanism::Anonymous => Server::anonymous(),
        scram => Server::scram(scram, &bindings, &nonce(2), decoy).unwrap(),
    }
}

fn client(mechanism: Mechanism) -> Client {
    let (password, token) = (Secret::from(PASSWORD), Secret::from(TOKEN));
    let binding = if mechanism.binds_channel() { Binding::Bound(binding()) } else { Binding::Unsupported };
    match mechanism {
        Mechanism::Plain => Client::plain("", "user", &password),
        Mechanism::Login => Client::login("user", &password, LoginStart::ServerFirst),
        Mechanism::CramMd5 => Client::cram_md5("user", &password),
        Mechanism::OAuthBearer => Client::oauthbearer("user", &token, Some(("::1", 993))),
        Mechanism::XOAuth2 => Client::xoauth2("user", &token),
        Mechanism::External => Client::external(""),
        Mechanism::Anonymous => Client::anonymous("trace"),
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => {
            Client::scram_sha1("", "user", &password, binding, &nonce(1))
        }
        _ => Client::scram_sha256("", "user", &password, binding, &nonce(1)),
    }
    .unwrap()
}

fn keys(hash: ScramHash) -> ScramKeys {
    ScramKeys::derive(hash, &Secret::from(PASSWORD), b"salt", 4096).unwrap()
}

/// Nobody is let in by this one unless a secret was shown; what needs none is refused.
fn application(question: Question) -> Answer {
    match question {
        Question::Password(presented) if presented.user == "user" => Answer::Password(Secret::from(PASSWORD)),
        Question::SharedSecret { user } if user == "user" => Answer::Password(Secret::from(PASSWORD)),
        Question::ScramKeys { user, hash } if user == "user" => Answer::ScramKeys(keys(hash)),
        Question::Token(token) if token.token == Some(Secret::from(TOKEN)) => Answer::Owner("user".into()),
        _ => Answer::Reject,
    }
}

fn arbitrary_messages(mechanism: Mechanism, messages: &[&[u8]]) {
    let mut server = server(mechanism);
    let mut left = messages.iter();
    let mut step = server.start(left.next().copied().filter(|first| !first.is_empty())).unwrap();
    loop {
        step = match step {
            Step::Challenge(_) => match left.next() {
                Some(message) => server.step(message).unwrap(),
                None => break,
            },
            Step::Question(question) => server.answer(application(question)).unwrap(),
            Step::Done(_) => {
                let shown = messages.concat();
                let secret = |secret: &str| shown.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(mechanism.reveals_secret() && (secret(PASSWORD) || secret(TOKEN)));
                break;
            }
            Step::Failed(_) => break,
        };
    }
    let mut client = client(mechanism);
    let failed = messages.iter().any(|message| client.step(message).is_err());
    assert!(!failed || client.step(b"").is_err());
    assert!(mechanism.scram_hash().is_none() || client.succeed().is_err());
}

/// A true exchange with one message changed.
fn changed_message(mechanism: Mechanism, which: u8, at: u8, put: &[u8]) {
    let (mut client, mut server) = (client(mechanism), server(mechanism));
    let (mut count, mut changed) = (0, false);
    let mut pass = |message: &[u8]| {
        let mut new = message.to_vec();
        if count == which {
            let at = usize::from(at).min(new.len());
            let end = (at + put.len()).min(new.len());
            new.splice(at..end, put.iter().copied());
            changed = new != message;
        }
        count += 1;
        new
    };
    let initial = client.initial().map(|initial| pass(initial.expose()));
    let mut step = server.start(initial.as_deref()).unwrap();
    let both = loop {
        step = match step {
            Step::Challenge(challenge) => match client.step(&pass(&challenge)) {
                Ok(response) => server.step(&pass(response.expose())).unwrap(),
                Err(_) => break false,
            },
            Step::Question(question) => server.answer(application(question)).unwrap(),
            Step::Done(_) => break client.succeed().is_ok(),
            Step::Failed(_) => break false,
        };
    };
    assert_eq!(both, !changed, "{mechanism}");
}

fuzz_target!(|data: &[u8]| {
    let [kind, mechanism, rest @ ..] = data else { return };
    let mechanism = Mechanism::ALL[usize::from(*mechanism) % Mechanism::ALL.len()];
    if kind % 4 != 0 {
        let messages: Vec<&[u8]> = rest.split(|octet| *octet == b'\n').collect();
        arbitrary_messages(mechanism, &messages);
    } else if let ([which, at, put @ ..], Some(_)) = (rest, mechanism.scram_hash()) {
        changed_message(mechanism, which % 4, *at, put);
    }
});
