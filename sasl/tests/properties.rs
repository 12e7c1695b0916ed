//! Whatever comes, nothing panics and nobody gets in; whatever name and password there is arrives.

mod common;

use common::{application, decoy, nonce, run};
use mail46_sasl::{
    Binding, ChannelBinding, Mechanism, ScramHash, ScramKeys, Secret, Strings,
    client::{self, LoginStart},
    saslprep,
    server::{self, Answer, Question, Step},
};
use proptest::prelude::*;

fn servers() -> Vec<server::Exchange> {
    use server::Exchange;
    let bound = [ChannelBinding::tls_exporter(&[9; 32])];
    vec![
        Exchange::plain(),
        Exchange::login(),
        Exchange::cram_md5("<1@example.org>").unwrap(),
        Exchange::scram(Mechanism::ScramSha1, &[], &nonce(2), decoy()).unwrap(),
        Exchange::scram(Mechanism::ScramSha256Plus, &bound, &nonce(2), decoy()).unwrap(),
        Exchange::oauthbearer(),
        Exchange::xoauth2(),
    ]
}

fn clients() -> Vec<client::Exchange> {
    use client::Exchange;
    let password = Secret::from("pencil");
    let token = Secret::from("token");
    vec![
        Exchange::scram_sha1("", "user", &password, Binding::Unsupported, &nonce(1)).unwrap(),
        Exchange::scram_sha256("", "user", &password, Binding::NotOffered, &nonce(1)).unwrap(),
        Exchange::plain("", "user", &password).unwrap(),
        Exchange::login("user", &password, LoginStart::UserName).unwrap(),
        Exchange::cram_md5("user", &password).unwrap(),
        Exchange::oauthbearer("user", &token, None).unwrap(),
        Exchange::xoauth2("user", &token).unwrap(),
        Exchange::external("user").unwrap(),
    ]
}

/// Octets, and texts that come near the grammars.
fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        "([nyp]|p=tls-exporter),(a=[a-z=,]{0,4})?,(m=x,)?n=(user|[a-z=2CD3,]{0,6}),r=[!-~]{0,20}(,[a-z]=[ -~]{0,4})?"
            .prop_map(String::into_bytes),
        "[cvrem]=[A-Za-z0-9+/]{0,8}={0,2},r=[!-~]{0,40},[psi]=[A-Za-z0-9+/=]{0,44}".prop_map(String::into_bytes),
        "(n,(a=user)?,|user=[a-z]{0,4})\x01(host=[a-z.]{0,8}\x01)?auth=(Bearer )?[a-z=]{0,6}\x01{0,2}"
            .prop_map(String::into_bytes),
        "[a-z]{0,4}\0user\0[a-z]{0,6}".prop_map(String::into_bytes),
        "user [0-9a-f]{30,34}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_server_lets_nobody_in(messages in prop::collection::vec(message(), 1..4), initial: bool) {
        for mut server in servers() {
            let mut messages = messages.iter();
            let first = if initial { messages.next() } else { None };
            let mut step = server.start(first.map(Vec::as_slice)).unwrap();
            loop {
                step = match step {
                    Step::Challenge(challenge) => {
                        prop_assert!(challenge.len() < 4096);
                        let Some(message) = messages.next() else { break };
                        server.step(message).unwrap()
                    }
                    Step::Question(question) => server.answer(application(question)).unwrap(),
                    Step::Done(identity) => panic!("{:?} let in {identity:?}", server.mechanism()),
                    Step::Failed(_) => break,
                };
            }
        }
    }

    #[test]
    fn a_client_believes_nobody(messages in prop::collection::vec(message(), 0..4)) {
        for mut client in clients() {
            let mut answered = Ok(());
            for message in &messages {
                answered = client.step(message).map(drop);
                if answered.is_err() {
                    prop_assert!(client.step(b"").is_err(), "it is over");
                    break;
                }
            }
            if client.mechanism().scram_hash().is_some() || answered.is_err() {
                prop_assert!(client.succeed().is_err());
            }
        }
    }

    #[test]
    fn names_and_passwords_arrive(authzid in "\\PC{0,6}", user in "\\PC{1,8}", password in "\\PC{1,8}") {
        let secret = Secret::from(password.as_str());
        let scram = client::Exchange::scram_sha1(&authzid, &user, &secret, Binding::Unsupported, &nonce(1));
        let prepared = |text: &str| saslprep(text, Strings::Query).map(|text| text.to_string());
        let Ok(mut scram) = scram else {
            prop_assert!(prepared(&user).is_err()
                || saslprep(&password, Strings::Stored).is_err()
                || prepared(&authzid).is_err());
            return Ok(());
        };
        let keys = || ScramKeys::derive(ScramHash::Sha1, &secret, b"salt", 4096).unwrap();
        let answer = |question: Question| match question {
            Question::Password(_) => Answer::Password(secret.duplicate()),
            Question::ScramKeys { .. } => Answer::ScramKeys(keys()),
            _ => Answer::Accept,
        };
        let want_user = prepared(&user).unwrap();
        let want = if authzid.is_empty() { want_user.clone() } else { prepared(&authzid).unwrap() };
        let mut server = server::Exchange::scram(Mechanism::ScramSha1, &[], &nonce(2), decoy()).unwrap();
        let mut plain = client::Exchange::plain(&authzid, &user, &secret).unwrap();
        for (client, server) in [(&mut scram, &mut server), (&mut plain, &mut server::Exchange::plain())] {
            let initial = client.initial().unwrap();
            let mut step = server.start(Some(initial.expose())).unwrap();
            let identity = loop {
                step = match step {
                    Step::Challenge(challenge) => server.step(client.step(&challenge).unwrap().expose()).unwrap(),
                    Step::Question(question) => server.answer(answer(question)).unwrap(),
                    Step::Done(identity) => break identity,
                    Step::Failed(failure) => panic!("{failure}"),
                };
            };
            prop_assert_eq!(&identity.authcid, &want_user);
            prop_assert_eq!(identity.acts_as(), &want);
            prop_assert_eq!(client.succeed(), Ok(()));
        }
    }

    #[test]
    fn saslprep_is_stable(text in "\\PC{0,12}") {
        if let Ok(once) = saslprep(&text, Strings::Query) {
            prop_assert_eq!(saslprep(&once, Strings::Query), Ok(once));
        }
    }

    #[test]
    fn an_edited_exchange_fails(which in 0usize..4, at in 0usize..200, put in prop::collection::vec(any::<u8>(), 0..3)) {
        let mut client = client::Exchange::scram_sha1(
            "", common::USER, &Secret::from(common::PASSWORD), Binding::Unsupported, &nonce(1)).unwrap();
        let mut server = server::Exchange::scram(Mechanism::ScramSha1, &[], &nonce(2), decoy()).unwrap();
        let mut changed = false;
        let outcome = run(&mut client, &mut server, |from, message| {
            let (common::From::Client(count) | common::From::Server(count)) = from;
            if count == which {
                let before = message.clone();
                let at = at.min(message.len());
                let end = (at + put.len()).min(message.len());
                message.splice(at..end, put.iter().copied());
                changed = before != *message;
            }
        });
        prop_assert_eq!(outcome.client.is_ok() && outcome.server.is_ok(), !changed);
    }
}
