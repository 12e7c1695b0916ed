//! Both sides against each other: what must work, what must not, and whoever sits between.

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{From, PASSWORD, TOKEN, USER, application, decoy, nonce, run, scram_server};
use hmac::{Hmac, KeyInit, Mac};
use mail46_sasl::{
    Binding, ChannelBinding, Error, Limit, Mechanism, Misuse, Peer, ScramHash, ScramKeys, Secret,
    ServerError,
    client::{self, LoginStart},
    server::{self, Answer, Failure, Question, Step},
};
use sha2::{Digest, Sha256};

fn exporter(octet: u8) -> ChannelBinding {
    ChannelBinding::tls_exporter(&[octet; 32])
}

fn scram(user: &str, password: &str, binding: Binding) -> client::Exchange {
    client::Exchange::scram_sha256("", user, &Secret::from(password), binding, &nonce(1)).unwrap()
}

/// Makes both sides of a mechanism, the client with this authorization identity, user and secret.
fn both(
    mechanism: Mechanism,
    authzid: &str,
    user: &str,
    secret: &str,
) -> (client::Exchange, server::Exchange) {
    use client::Exchange as Client;
    use server::Exchange as Server;
    let password = Secret::from(secret);
    let bound = || Binding::Bound(exporter(9));
    let bindings = if mechanism.binds_channel() { vec![exporter(9)] } else { Vec::new() };
    let binding = if mechanism.binds_channel() { bound() } else { Binding::Unsupported };
    match mechanism {
        Mechanism::Plain => (Client::plain(authzid, user, &password).unwrap(), Server::plain()),
        Mechanism::Login => {
            (Client::login(user, &password, LoginStart::ServerFirst).unwrap(), Server::login())
        }
        Mechanism::CramMd5 => {
            (Client::cram_md5(user, &password).unwrap(), Server::cram_md5("<1.2@example.org>").unwrap())
        }
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => (
            Client::scram_sha1(authzid, user, &password, binding, &nonce(1)).unwrap(),
            scram_server(mechanism, &bindings),
        ),
        Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => (
            Client::scram_sha256(authzid, user, &password, binding, &nonce(1)).unwrap(),
            scram_server(mechanism, &bindings),
        ),
        Mechanism::OAuthBearer => {
            (Client::oauthbearer(authzid, &password, Some(("::1", 993))).unwrap(), Server::oauthbearer())
        }
        Mechanism::XOAuth2 => (Client::xoauth2(user, &password).unwrap(), Server::xoauth2()),
        Mechanism::External => (Client::external(authzid).unwrap(), Server::external()),
        Mechanism::Anonymous => (Client::anonymous("trace").unwrap(), Server::anonymous()),
        other => panic!("no row for {other}"),
    }
}

fn secret_of(mechanism: Mechanism) -> &'static str {
    if matches!(mechanism, Mechanism::OAuthBearer | Mechanism::XOAuth2) { TOKEN } else { PASSWORD }
}

#[test]
fn each_mechanism_succeeds() {
    for mechanism in Mechanism::ALL {
        let (mut client, mut server) = both(mechanism, "", USER, secret_of(mechanism));
        assert_eq!((client.name(), client.mechanism()), (mechanism.name(), server.mechanism()));
        let outcome = run(&mut client, &mut server, |_, _| {});
        assert_eq!(outcome.client, Ok(()), "{mechanism}");
        assert_eq!(outcome.server.unwrap().acts_as(), USER, "{mechanism}");
        // It is over, on both sides.
        assert_eq!(client.step(b"").unwrap_err(), Error::Misuse(Misuse::Turn));
        assert_eq!(client.succeed(), Err(Error::Misuse(Misuse::Turn)));
        assert_eq!(server.step(b"").unwrap_err(), Misuse::Turn);
        assert_eq!(server.start(None).unwrap_err(), Misuse::Turn);
        assert_eq!(server.answer(Answer::Accept).unwrap_err(), Misuse::Turn);
    }
}

#[test]
fn acting_as_another_is_asked_for() {
    use Mechanism::*;
    for mechanism in [Plain, ScramSha1, ScramSha256Plus, OAuthBearer, External] {
        for (authzid, want) in [("boss", Ok("boss")), ("king", Err(Failure::Unauthorized)), (USER, Ok(USER))]
        {
            let (mut client, mut server) = both(mechanism, authzid, USER, secret_of(mechanism));
            let outcome = run(&mut client, &mut server, |_, _| {});
            let got = outcome.server.as_ref().map(|identity| identity.acts_as()).map_err(|failure| *failure);
            assert_eq!(got, want, "{mechanism} {authzid}");
            assert_eq!(outcome.client.is_ok(), want.is_ok());
        }
    }
}

#[test]
fn wrong_secrets_and_users_fail_alike() {
    use Mechanism::*;
    for mechanism in [Plain, Login, CramMd5, ScramSha1, ScramSha256, ScramSha1Plus, ScramSha256Plus, XOAuth2]
    {
        for (user, secret) in [(USER, "wrong"), ("nobody", secret_of(mechanism)), ("USER", "pencil")] {
            let (mut client, mut server) = both(mechanism, "", user, secret);
            let outcome = run(&mut client, &mut server, |_, _| {});
            // XOAUTH2: the token is `user`'s, and it may not act as the user named.
            let want = if mechanism == XOAuth2 && secret == TOKEN {
                Failure::Unauthorized
            } else {
                Failure::Credentials
            };
            assert_eq!(outcome.server, Err(want), "{mechanism} {user} {secret}");
            assert!(outcome.client.is_err());
        }
    }
}

#[test]
fn an_unknown_user_looks_like_a_known_one() {
    let first = |user: &str, seed: u8| {
        let nonce = nonce(seed);
        let mut server = server::Exchange::scram(Mechanism::ScramSha256, &[], &nonce, decoy()).unwrap();
        let message = format!("n,,n={user},r=abcdefgh");
        let Step::Question(question) = server.start(Some(message.as_bytes())).unwrap() else { panic!() };
        let Step::Challenge(challenge) = server.answer(application(question)).unwrap() else { panic!() };
        String::from_utf8(challenge.to_vec()).unwrap().split_once(",s=").unwrap().1.to_owned()
    };
    assert_eq!(first("nobody", 1), first("nobody", 2)); // the same salt each time
    assert_ne!(first("nobody", 1), first("somebody", 1));
    assert_eq!(first("nobody", 1).len(), first(USER, 1).len());
    let keys = decoy();
    assert_ne!(keys.keys(ScramHash::Sha1, "x").salt(), keys.keys(ScramHash::Sha256, "x").salt());
}

#[test]
fn channel_bindings() {
    use Binding::*;
    use Mechanism::{ScramSha256 as Bare, ScramSha256Plus as Plus};
    let certificate = || {
        let der: &[u8] = &[0x30, 0x0e, 0x30, 0x00, 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        ChannelBinding::tls_server_end_point(der).unwrap()
    };
    let (good, other) = (exporter(9), exporter(8));
    let rows: Vec<(Mechanism, Vec<ChannelBinding>, Binding, Result<(), Failure>)> = vec![
        (Bare, vec![], Unsupported, Ok(())),
        (Bare, vec![], NotOffered, Ok(())), // the client could, the server cannot
        (Bare, vec![good.clone()], Unsupported, Ok(())),
        (Bare, vec![good.clone()], NotOffered, Err(Failure::Downgrade)), // someone took -PLUS off the list
        (Plus, vec![good.clone()], Bound(good.clone()), Ok(())),
        (Plus, vec![good.clone(), certificate()], Bound(certificate()), Ok(())),
        (Plus, vec![good.clone()], Bound(other), Err(Failure::BindingMismatch)), // someone between two TLS
        (Plus, vec![good.clone()], Bound(certificate()), Err(Failure::BindingUnsupported)),
        (Plus, vec![good.clone()], Unsupported, Err(Failure::BindingUnsupported)),
        (Plus, vec![good.clone()], NotOffered, Err(Failure::Downgrade)),
        (Bare, vec![good.clone()], Bound(good.clone()), Err(Failure::BindingUnsupported)),
        (Bare, vec![], Bound(good.clone()), Err(Failure::BindingUnsupported)),
    ];
    for (mechanism, bindings, binding, want) in rows {
        let mut client = scram(USER, PASSWORD, binding.clone());
        let outcome = run(&mut client, &mut scram_server(mechanism, &bindings), |_, _| {});
        assert_eq!(outcome.server.map(drop), want, "{mechanism} {bindings:?} {binding:?}");
    }
    let plus = server::Exchange::scram(Plus, &[], &nonce(2), decoy());
    assert_eq!(plus.unwrap_err(), Misuse::Binding);
    let plain = server::Exchange::scram(Mechanism::Plain, &[], &nonce(2), decoy());
    assert_eq!(plain.unwrap_err(), Misuse::Mechanism);
}

/// Each message of these cut at each index, and with each octet changed: never does the server let someone in, and
/// never does the client believe the server.
#[test]
fn a_changed_message_never_succeeds() {
    use Mechanism::*;
    let mut runs = 0;
    for mechanism in [ScramSha256Plus, ScramSha1, CramMd5, Plain] {
        let mut lengths = Vec::new();
        let (mut client, mut server) = both(mechanism, "", USER, PASSWORD);
        let whole = run(&mut client, &mut server, |from, message| lengths.push((from, message.len())));
        assert!(whole.client.is_ok() && whole.server.is_ok());
        for (which, length) in lengths {
            for at in 0..length {
                // Three bits, other ones at each octet, and last the cut.
                for bit in [at % 8, (at + 3) % 8, (at + 5) % 8, 8] {
                    let (mut client, mut server) = both(mechanism, "", USER, PASSWORD);
                    let outcome = run(&mut client, &mut server, |from, message| {
                        if from == which && bit == 8 {
                            message.truncate(at);
                        } else if from == which {
                            message[at] ^= 1 << bit;
                        }
                    });
                    let success = outcome.client.is_ok() && outcome.server.is_ok();
                    assert!(!success, "{mechanism} {which:?} at {at}, bit {bit}");
                    // The last word is the server's signature: by then the server knows the client, not the reverse.
                    if which != From::Server(3) {
                        assert!(outcome.server.is_err(), "{mechanism} {which:?} at {at}, bit {bit}");
                    }
                    runs += 1;
                }
            }
        }
    }
    assert!(runs > 2000);
}

/// A client that knows the password and signs another nonce than the server's: RFC 5802 s 5.1 wants it compared, since
/// the proof alone would fit.
#[test]
fn a_proof_over_another_nonce_fails() {
    let hmac = |key: &[u8], text: &[u8]| {
        Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes()
    };
    let bare = "n=user,r=abcdefgh";
    for (ours, want) in [(true, Ok(())), (false, Err(Failure::Malformed))] {
        let mut server = scram_server(Mechanism::ScramSha256, &[]);
        let Step::Question(question) = server.start(Some(format!("n,,{bare}").as_bytes())).unwrap() else {
            panic!()
        };
        let Step::Challenge(first) = server.answer(application(question)).unwrap() else { panic!() };
        let first = std::str::from_utf8(&first).unwrap().to_owned();
        let nonce = first.strip_prefix("r=").unwrap().split(',').next().unwrap();
        let without_proof =
            if ours { format!("c=biws,r={nonce}") } else { "c=biws,r=abcdefgh-other".to_owned() };
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(PASSWORD.as_bytes(), b"salt and pepper!", 4096, &mut salted);
        let client_key = hmac(&salted, b"Client Key");
        let stored_key = Sha256::digest(client_key);
        let signature = hmac(&stored_key, format!("{bare},{first},{without_proof}").as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, mask)| key ^ mask).collect();
        let step = server.step(format!("{without_proof},p={}", STANDARD.encode(proof)).as_bytes()).unwrap();
        let got = match step {
            Step::Challenge(_) => Ok(()),
            Step::Failed(failure) => Err(failure),
            other => panic!("{other:?}"),
        };
        assert_eq!(got, want);
    }
}

#[test]
fn a_hostile_server_fails_fast() {
    let nonce = nonce(1);
    let ours = nonce.as_str();
    let first = |rest: &str| format!("r={ours}x,s=QSXCR+Q6sek8bf92,{rest}");
    let rows: Vec<(String, Error)> = vec![
        (first("i=1"), Limit::FewIterations.into()),
        (first("i=4095"), Limit::FewIterations.into()),
        (first("i=10000000"), Limit::ManyIterations.into()),
        (first("i=2147483647"), Limit::ManyIterations.into()),
        (first("i=18446744073709551617"), Limit::ManyIterations.into()), // 2^64 + 1
        (first("i=4096,m=x"), Peer::MandatoryExtension.into()),
        (format!("m=x,r={ours}x,s=QQ==,i=4096"), Peer::MandatoryExtension.into()),
        (format!("r={ours},s=QQ==,i=4096"), Peer::Nonce.into()), // nothing added
        ("r=another,s=QQ==,i=4096".into(), Peer::Nonce.into()),
        (format!("r=x{ours},s=QQ==,i=4096"), Peer::Nonce.into()),
        (format!("r={ours}x,s=,i=4096"), Peer::Malformed.into()),
        (format!("r={ours}{},s=QQ==,i=4096", "x".repeat(2000)), Limit::Attribute(1024).into()),
        (format!("r={ours}{},s=QQ==,i=4096", "x".repeat(20_000)), Limit::Message(12_288).into()),
        ("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=".into(), Peer::Malformed.into()), // the proof before the question
    ];
    let begin = std::time::Instant::now();
    for (challenge, want) in rows {
        let mut client = scram(USER, PASSWORD, Binding::Unsupported);
        assert_eq!(client.step(challenge.as_bytes()).unwrap_err(), want, "{challenge:.80}");
        assert!(client.initial().is_none());
        assert_eq!(client.succeed(), Err(Error::Misuse(Misuse::Turn))); // it is over
    }
    // A single one with ten million iterations would take seconds.
    assert!(begin.elapsed() < std::time::Duration::from_secs(1));

    // A server that does not know the keys, and one that skips the proof.
    for (last, want) in [
        (Some("v=AAAA"), Error::Peer(Peer::Signature)),
        (Some("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), Error::Peer(Peer::Signature)),
        (Some("v="), Error::Peer(Peer::Malformed)),
        (Some(""), Error::Peer(Peer::Malformed)),
        (Some("e=invalid-proof"), Error::Refused(ServerError::InvalidProof)),
        (None, Error::Peer(Peer::EarlySuccess)),
    ] {
        let mut client = scram(USER, PASSWORD, Binding::Unsupported);
        client.step(b"").unwrap();
        client.step(first("i=4096").as_bytes()).unwrap();
        let got = match last {
            Some(last) => client.step(last.as_bytes()).unwrap_err(),
            None => client.succeed().unwrap_err(),
        };
        assert_eq!(got, want);
    }
}

#[test]
fn success_must_not_come_early() {
    let password = Secret::from(PASSWORD);
    let mut login = client::Exchange::login(USER, &password, LoginStart::ServerFirst).unwrap();
    login.step(b"Username:").unwrap();
    assert_eq!(login.succeed(), Err(Error::Peer(Peer::EarlySuccess)));
    let mut cram = client::Exchange::cram_md5(USER, &password).unwrap();
    assert_eq!(cram.succeed(), Err(Error::Peer(Peer::EarlySuccess)));
    let mut scram = scram(USER, PASSWORD, Binding::Unsupported);
    assert_eq!(scram.succeed(), Err(Error::Peer(Peer::EarlySuccess)));
}

/// A server that overlooks the initial response and asks gets it again, once.
#[test]
fn an_overlooked_initial_response() {
    for mechanism in Mechanism::ALL {
        let (mut client, _) = both(mechanism, "", USER, secret_of(mechanism));
        let Some(initial) = client.initial() else { continue };
        assert_eq!(client.step(b"").unwrap(), initial, "{mechanism}");
        let again = client.step(b"");
        // For the token mechanisms a second challenge is the server's error, whatever it holds.
        if matches!(mechanism, Mechanism::OAuthBearer | Mechanism::XOAuth2) {
            again.unwrap();
            assert_eq!(client.succeed(), Err(Error::Peer(Peer::SuccessAfterError)));
        } else {
            again.unwrap_err();
        }
    }
}

#[test]
fn login_prompts() {
    let password = Secret::from(PASSWORD);
    use LoginStart::*;
    let rows: &[(LoginStart, &[&str], &[&str])] = &[
        (ServerFirst, &["Username:", "Password:"], &[USER, PASSWORD]),
        (ServerFirst, &["User Name\0", "Password\0"], &[USER, PASSWORD]), // the draft's own
        (ServerFirst, &["", ""], &[USER, PASSWORD]),
        (ServerFirst, &["login", "secret"], &[USER, PASSWORD]),
        (UserName, &["Password:"], &[PASSWORD]),
        (UserName, &["anything"], &[PASSWORD]),
        (UserName, &["username:", "Password:"], &[USER, PASSWORD]), // overlooked
        (UserName, &["", "Password:"], &[USER, PASSWORD]),
    ];
    for (start, prompts, want) in rows {
        let mut client = client::Exchange::login(USER, &password, *start).unwrap();
        assert_eq!(client.initial().is_some(), *start == UserName);
        let got: Vec<Secret> = prompts.iter().map(|prompt| client.step(prompt.as_bytes()).unwrap()).collect();
        let got: Vec<&[u8]> = got.iter().map(Secret::expose).collect();
        assert_eq!(got, want.iter().map(|text| text.as_bytes()).collect::<Vec<_>>(), "{prompts:?}");
        client.succeed().unwrap();
    }
    // The server takes the user name with the command.
    let mut server = server::Exchange::login();
    let Step::Challenge(prompt) = server.start(Some(USER.as_bytes())).unwrap() else { panic!() };
    assert_eq!(&prompt[..], b"Password:");
    let Step::Question(Question::Password(presented)) = server.step(PASSWORD.as_bytes()).unwrap() else {
        panic!()
    };
    assert_eq!((presented.user.as_str(), presented.password), (USER, password));
}

#[test]
fn responses_that_a_server_refuses() {
    use Failure::*;
    use server::Exchange as Server;
    type Make = fn() -> Server;
    let long = vec![b'x'; 12_289];
    let scram: Make = || scram_server(Mechanism::ScramSha256, &[]);
    let cram: Make = || Server::cram_md5("<1@a>").unwrap();
    let rows: Vec<(Make, &[u8], Failure)> = vec![
        (Server::plain, b"", Malformed),
        (Server::plain, b"user\0pencil", Malformed),
        (Server::plain, b"\0user\0pencil\0", Malformed), // exactly two NULs
        (Server::plain, b"\0\0pencil", Malformed),
        (Server::plain, b"\0user\0", Malformed),
        (Server::plain, b"\0user\0pen\xffcil", Malformed),
        (Server::plain, b"\0us\xffer\0pencil", Malformed),
        (Server::plain, b"\0us\x07er\0pencil", Preparation),
        (Server::plain, b"\x07\0user\0pencil", Preparation),
        (Server::plain, b"\0\xc2\xad\0pencil", Preparation), // nothing is left of the name
        (Server::plain, &long, TooLong),
        (Server::login, b"", Malformed),
        (Server::login, b"us\0er", Malformed),
        (Server::login, b"us\r\ner", Malformed),
        (cram, b"user b913a602c7eda7a495b4e6e7334d3890", InitialResponse),
        (scram, b"", Malformed),
        (scram, b"n,,n=user,r=abc,m=x", MandatoryExtension),
        (scram, b"n,,n=us\x07er,r=abc", Preparation),
        (Server::oauthbearer, b"", Malformed),
        (Server::oauthbearer, b"\x01", Malformed),
        (Server::oauthbearer, b"n,,\x01\x01\x01", Malformed),
        (Server::oauthbearer, b"n,,\x01auth=Bearer x\x01", Malformed),
        (Server::oauthbearer, b"n,,\x01auth=Basic x\x01\x01", Malformed),
        (Server::oauthbearer, b"n,,\x01auth=Bearer x y\x01\x01", Malformed),
        (Server::oauthbearer, b"n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01", Malformed), // which?
        (Server::oauthbearer, b"n,,\x01port=0143\x01auth=Bearer x\x01\x01", Malformed),
        (Server::oauthbearer, b"n,,\x01port=65536\x01auth=Bearer x\x01\x01", Malformed),
        (Server::oauthbearer, b"n,,\x01host=a\x00b\x01auth=Bearer x\x01\x01", Malformed),
        (Server::oauthbearer, b"p=tls-exporter,,\x01auth=Bearer x\x01\x01", BindingUnsupported),
        (Server::xoauth2, b"auth=Bearer x\x01\x01", Malformed),
        (Server::xoauth2, b"user=\x01auth=Bearer x\x01\x01", Malformed),
        (Server::xoauth2, b"user=a\x01user=b\x01auth=Bearer x\x01\x01", Malformed),
        (Server::external, b"a\0b", Malformed),
        (Server::external, b"\xff", Malformed),
        (Server::anonymous, b"a\nb", Malformed),
        (Server::anonymous, &long[..256], Malformed), // 255 characters
    ];
    for (make, response, want) in rows {
        let mut server = make();
        let step = server.start(Some(response)).unwrap();
        assert!(
            matches!(step, Step::Failed(failure) if failure == want),
            "{:?} {}: {step:?}, not {want:?}",
            server.mechanism(),
            response.escape_ascii()
        );
    }
    for response in
        ["user", "user ", "user b913a602c7eda7a495b4e6e7334d389", "user B913A602C7EDA7A495B4E6E7334D3890"]
    {
        let mut server = cram();
        let Step::Challenge(_) = server.start(None).unwrap() else { panic!() };
        assert!(matches!(server.step(response.as_bytes()).unwrap(), Step::Failed(Malformed)), "{response}");
    }
}

#[test]
fn oauth_keys_that_nobody_knows_are_passed_over() {
    let mut server = server::Exchange::oauthbearer();
    let message = b"y,a=us=2Cer,\x01qs=a=b\x01auth=bEaReR x\x01news=\x01\x01";
    let Step::Question(Question::Token(token)) = server.start(Some(message)).unwrap() else { panic!() };
    assert_eq!(token.user.as_deref(), Some("us,er"));
    assert_eq!(token.token, Some(Secret::from("x")));
}

#[test]
fn the_success_data_wants_an_empty_answer() {
    let (mut client, mut server) = both(Mechanism::ScramSha256, "", USER, PASSWORD);
    let outcome = run(&mut client, &mut server, |from, message| {
        if from == From::Client(4) {
            message.push(b'x');
        }
    });
    assert_eq!(outcome.server, Err(Failure::Malformed));
}

#[test]
fn cancelling_ends_it() {
    let mut server = server::Exchange::plain();
    let Step::Challenge(_) = server.start(None).unwrap() else { panic!() };
    assert!(matches!(server.cancel(), Step::Failed(Failure::Cancelled)));
    assert_eq!(server.step(b"\0user\0pencil").unwrap_err(), Misuse::Turn);

    // Between question and answer, and before the last word.
    let (client, mut server) = both(Mechanism::ScramSha256, "", USER, PASSWORD);
    let Step::Question(question) = server.start(Some(client.initial().unwrap().expose())).unwrap() else {
        panic!()
    };
    assert!(matches!(server.cancel(), Step::Failed(Failure::Cancelled)));
    assert_eq!(server.answer(application(question)).unwrap_err(), Misuse::Turn);
}

#[test]
fn an_answer_must_fit_and_may_be_mended() {
    let mut server = server::Exchange::plain();
    let Step::Question(_) = server.start(Some(b"boss\0user\0pencil")).unwrap() else { panic!() };
    assert_eq!(server.answer(Answer::Owner("user".into())).unwrap_err(), Misuse::Answer);
    assert_eq!(server.step(b"").unwrap_err(), Misuse::Turn); // the question stands
    let Step::Question(Question::Authorize(identity)) =
        server.answer(Answer::ScramKeys(common::keys(ScramHash::Sha256))).unwrap()
    else {
        panic!()
    };
    assert_eq!(identity.authcid, USER);
    assert_eq!(server.answer(Answer::Password(Secret::from(PASSWORD))).unwrap_err(), Misuse::Answer);
    let Step::Done(identity) = server.answer(Answer::Accept).unwrap() else { panic!() };
    assert_eq!(identity.acts_as(), "boss");

    let mut server = scram_server(Mechanism::ScramSha256, &[]);
    let Step::Question(_) = server.start(Some(b"n,,n=user,r=abc")).unwrap() else { panic!() };
    let other_hash = Answer::ScramKeys(common::keys(ScramHash::Sha1));
    assert_eq!(server.answer(other_hash).unwrap_err(), Misuse::Answer);
    assert_eq!(server.answer(Answer::Accept).unwrap_err(), Misuse::Answer); // nobody is accepted unproved
    assert!(matches!(server.answer(Answer::Reject).unwrap(), Step::Challenge(_)));
}

#[test]
fn names_and_passwords_are_prepared() {
    // RFC 4013 s 3: the soft hyphen goes, the Roman nine becomes IX; both sides get there.
    let keys =
        |password: &str| ScramKeys::derive(ScramHash::Sha1, &Secret::from(password), b"s", 4096).unwrap();
    assert_eq!(keys("I\u{AD}X").stored_key(), keys("\u{2168}").stored_key());
    assert!(keys("IX").verify_password(&Secret::from("\u{2168}")));
    let client = scram("I\u{AD}X", "x", Binding::Unsupported);
    assert!(client.initial().unwrap().expose().starts_with(b"n,,n=IX,r="));
    let mut server = server::Exchange::plain();
    let Step::Question(Question::Password(presented)) =
        server.start(Some("\0\u{2168}\0\u{AA}".as_bytes())).unwrap()
    else {
        panic!()
    };
    assert_eq!(presented.user, "IX");
    let Step::Done(_) = server.answer(Answer::Password(Secret::from("a"))).unwrap() else { panic!() };
    // Names with the two octets that SCRAM writes otherwise.
    let client =
        client::Exchange::scram_sha1("a=b", "c,d", &Secret::from("x"), Binding::Unsupported, &nonce(1));
    assert!(client.unwrap().initial().unwrap().expose().starts_with(b"n,a=a=3Db,n=c=2Cd,r="));
}

#[test]
fn what_a_client_cannot_send() {
    use client::Exchange as Client;
    let secret = |text: &str| Secret::from(text);
    let scram = |user: &str, password: Secret| {
        Client::scram_sha1("", user, &password, Binding::Unsupported, &nonce(1)).unwrap_err()
    };
    assert_eq!(Client::plain("", "", &secret("x")).unwrap_err(), Misuse::Empty);
    assert_eq!(Client::plain("", "x", &secret("")).unwrap_err(), Misuse::Empty);
    assert_eq!(Client::plain("a\0", "x", &secret("x")).unwrap_err(), Misuse::Octet);
    assert_eq!(Client::plain("", "x", &secret("x\0y")).unwrap_err(), Misuse::Octet);
    assert_eq!(Client::plain("", "x", &Secret::from(b"\xff")).unwrap_err(), Misuse::Preparation);
    assert_eq!(Client::login("x\r\n", &secret("x"), LoginStart::ServerFirst).unwrap_err(), Misuse::Octet);
    assert_eq!(scram("", secret("x")), Misuse::Empty);
    assert_eq!(scram("x", secret("\u{AD}")), Misuse::Empty);
    assert_eq!(scram("x\u{7}", secret("x")), Misuse::Preparation);
    assert_eq!(scram("x", secret("\u{221}")), Misuse::Preparation); // unassigned, and stored
    assert_eq!(Client::xoauth2("x", &secret("to ken")).unwrap_err(), Misuse::Octet);
    assert_eq!(Client::xoauth2("x\x01y", &secret("token")).unwrap_err(), Misuse::Octet);
    assert_eq!(Client::oauthbearer("", &secret("=="), None).unwrap_err(), Misuse::Empty);
    assert_eq!(Client::oauthbearer("", &secret("x"), Some(("a\x01b", 1))).unwrap_err(), Misuse::Octet);
    assert_eq!(Client::external("a\0b").unwrap_err(), Misuse::Octet);
    assert_eq!(Client::anonymous(&"x".repeat(256)).unwrap_err(), Misuse::Length);
    assert_eq!(server::Exchange::cram_md5("challenge").unwrap_err(), Misuse::Challenge);
    assert_eq!(server::Exchange::cram_md5("<a b@c>").unwrap_err(), Misuse::Challenge);
}

#[test]
fn keys_within_bounds() {
    let derive = |salt: &[u8], iterations| {
        ScramKeys::derive(ScramHash::Sha256, &Secret::from("x"), salt, iterations).map(drop)
    };
    assert_eq!(derive(b"salt", 4095), Err(Misuse::Iterations));
    assert_eq!(derive(b"salt", 1_000_001), Err(Misuse::Iterations));
    assert_eq!(derive(b"", 4096), Err(Misuse::Length));
    let short = ScramKeys::from_parts(ScramHash::Sha1, b"s", 4096, vec![0; 20].into(), vec![0; 32].into());
    assert_eq!(short.unwrap_err(), Misuse::Length);
    assert_eq!(mail46_sasl::Nonce::new("short").unwrap_err(), Misuse::Nonce);
    assert_eq!(mail46_sasl::Nonce::new(&"x".repeat(257)).unwrap_err(), Misuse::Nonce);
    assert_eq!(mail46_sasl::Nonce::new("not printable: \u{e9}..").unwrap_err(), Misuse::Nonce);
}

#[test]
fn nothing_secret_is_shown() {
    let (client, mut server) = both(Mechanism::Plain, "", USER, PASSWORD);
    let step = server.start(Some(client.initial().unwrap().expose())).unwrap();
    let keys = common::keys(ScramHash::Sha256);
    let shown = format!("{client:?} {server:?} {step:?} {keys:?} {:?} {:?}", decoy(), client.initial());
    assert!(shown.contains("Secret(..)"));
    for secret in [PASSWORD, "112, 101, 110", "the server's own"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_server_begins_what_it_has_offered() {
    for mechanism in [
        "PLAIN",
        "LOGIN",
        "CRAM-MD5",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256-PLUS",
        "OAUTHBEARER",
        "XOAUTH2",
        "EXTERNAL",
    ] {
        let mechanism: Mechanism = mechanism.parse().unwrap();
        let bindings = ChannelBinding::of(mechanism.binds_channel().then_some([9; 32]), None);
        let begun = server::Exchange::begin(mechanism, &nonce(2), "mx.example", &bindings, decoy());
        assert_eq!(begun.unwrap().mechanism(), mechanism);
    }
    let refused =
        |mechanism, host| server::Exchange::begin(mechanism, &nonce(2), host, &[], decoy()).is_err();
    assert!(refused(Mechanism::CramMd5, "no host"));
    assert!(refused("SCRAM-SHA-256-PLUS".parse().unwrap(), "mx.example"), "nothing to bind to");
    assert_eq!(ChannelBinding::of(Some([9; 32]), Some(b"no certificate")), [exporter(9)]);
}
