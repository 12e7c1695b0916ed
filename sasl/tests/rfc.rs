//! The example exchanges of the RFCs, octet for octet, both sides.

use base64::{Engine, engine::general_purpose::STANDARD};
use mail46_sasl::{
    Binding, Decoy, Error, Mechanism, Nonce, OAuthError, Peer, ScramHash, ScramKeys, Secret, client,
    client::LoginStart,
    server::{self, Answer, Failure, Identity, Question, Step},
};

fn unbase64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn challenge(step: Step) -> String {
    let Step::Challenge(challenge) = step else { panic!("{step:?}") };
    String::from_utf8(challenge.to_vec()).unwrap()
}

fn question(step: Step) -> Question {
    let Step::Question(question) = step else { panic!("{step:?}") };
    question
}

fn done(step: Step) -> Identity {
    let Step::Done(identity) = step else { panic!("{step:?}") };
    identity
}

fn failed(step: Step) -> Failure {
    let Step::Failed(failure) = step else { panic!("{step:?}") };
    failure
}

fn text(secret: &Secret) -> &str {
    std::str::from_utf8(secret.expose()).unwrap()
}

/// RFC 5802 s 5 and RFC 7677 s 3: user `user`, password `pencil`.
#[test]
fn scram() {
    struct Row {
        mechanism: Mechanism,
        client_nonce: &'static str,
        server_nonce: &'static str,
        salt: &'static str,
        server_first: &'static str,
        client_final: &'static str,
        server_final: &'static str,
    }
    let rows = [
        Row {
            mechanism: Mechanism::ScramSha1,
            client_nonce: "fyko+d2lbbFgONRv9qkxdawL",
            server_nonce: "3rfcNHYJY1ZVvWVs7j",
            salt: "QSXCR+Q6sek8bf92",
            server_first: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            client_final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            server_final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        },
        Row {
            mechanism: Mechanism::ScramSha256,
            client_nonce: "rOprNGfwEbeRWgbNEkqO",
            server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
            server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            client_final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                           p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            server_final: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        },
    ];
    for row in rows {
        let hash = row.mechanism.scram_hash().unwrap();
        let password = Secret::from("pencil");
        let nonce = Nonce::new(row.client_nonce).unwrap();
        let make = if hash == ScramHash::Sha1 {
            client::Exchange::scram_sha1
        } else {
            client::Exchange::scram_sha256
        };
        let mut client = make("", "user", &password, Binding::Unsupported, &nonce).unwrap();
        assert_eq!(client.mechanism(), row.mechanism);
        let decoy = Decoy::new(Secret::from([1; 16].as_slice()), 16, 4096).unwrap();
        let nonce = Nonce::new(row.server_nonce).unwrap();
        let mut server = server::Exchange::scram(row.mechanism, &[], &nonce, decoy).unwrap();

        let first = client.initial().unwrap();
        assert_eq!(text(&first), format!("n,,n=user,r={}", row.client_nonce));
        let asked = question(server.start(Some(first.expose())).unwrap());
        assert!(
            matches!(asked, Question::ScramKeys { user, hash: wanted } if user == "user" && wanted == hash)
        );
        let keys = ScramKeys::derive(hash, &password, &unbase64(row.salt), 4096).unwrap();
        let server_first = challenge(server.answer(Answer::ScramKeys(keys)).unwrap());
        assert_eq!(server_first, row.server_first);
        let client_final = client.step(server_first.as_bytes()).unwrap();
        assert_eq!(text(&client_final), row.client_final);
        let server_final = challenge(server.step(client_final.expose()).unwrap());
        assert_eq!(server_final, row.server_final);
        assert!(client.step(server_final.as_bytes()).unwrap().is_empty());
        assert_eq!(done(server.step(b"").unwrap()).acts_as(), "user");
        client.succeed().unwrap();
    }
}

/// RFC 2195 s 2.
#[test]
fn cram_md5() {
    let mut client = client::Exchange::cram_md5("tim", &Secret::from("tanstaaftanstaaf")).unwrap();
    let mut server = server::Exchange::cram_md5("<1896.697170952@postoffice.reston.mci.net>").unwrap();
    let sent = challenge(server.start(None).unwrap());
    assert_eq!(sent.as_bytes(), unbase64("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"));
    let response = client.step(sent.as_bytes()).unwrap();
    assert_eq!(response.expose(), unbase64("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"));
    assert!(matches!(
        question(server.step(response.expose()).unwrap()),
        Question::SharedSecret { user } if user == "tim"
    ));
    let answer = Answer::Password(Secret::from("tanstaaftanstaaf"));
    assert_eq!(done(server.answer(answer).unwrap()).acts_as(), "tim");
    client.succeed().unwrap();
}

/// RFC 4616 s 4: the first example succeeds, in the second `Kurt` may not act as `Ursel`.
#[test]
fn plain() {
    let mut client = client::Exchange::plain("", "tim", &Secret::from("tanstaaftanstaaf")).unwrap();
    let mut server = server::Exchange::plain();
    assert_eq!(challenge(server.start(None).unwrap()), "");
    let response = client.step(b"").unwrap();
    assert_eq!(text(&response), "\0tim\0tanstaaftanstaaf");
    question(server.step(response.expose()).unwrap());
    let answer = Answer::Password(Secret::from("tanstaaftanstaaf"));
    let identity = done(server.answer(answer).unwrap());
    assert_eq!(identity, Identity { authcid: "tim".into(), authzid: None });

    let client = client::Exchange::plain("Ursel", "Kurt", &Secret::from("xipj3plmq")).unwrap();
    let initial = client.initial().unwrap();
    assert_eq!(text(&initial), "Ursel\0Kurt\0xipj3plmq");
    let mut server = server::Exchange::plain();
    question(server.start(Some(initial.expose())).unwrap());
    let asked = question(server.answer(Answer::Password(Secret::from("xipj3plmq"))).unwrap());
    let Question::Authorize(identity) = asked else { panic!("{asked:?}") };
    assert_eq!((identity.authcid.as_str(), identity.acts_as()), ("Kurt", "Ursel"));
    assert_eq!(failed(server.answer(Answer::Reject).unwrap()), Failure::Unauthorized);
}

/// draft-murchison-sasl-login-00 s 2.3: its prompts (with a NUL), and its answers.
#[test]
fn login() {
    let mut client =
        client::Exchange::login("tim", &Secret::from("tanstaaftanstaaf"), LoginStart::ServerFirst).unwrap();
    assert!(client.initial().is_none());
    assert_eq!(client.step(&unbase64("VXNlciBOYW1lAA==")).unwrap().expose(), unbase64("dGlt"));
    let response = client.step(&unbase64("UGFzc3dvcmQA")).unwrap();
    assert_eq!(response.expose(), unbase64("dGFuc3RhYWZ0YW5zdGFhZg=="));
    client.succeed().unwrap();
}

/// RFC 7628 s 4.1: over IMAP and over SMTP; s 4.3: a failure.
#[test]
fn oauthbearer() {
    let token = Secret::from("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
    for (port, sent) in [
        (
            143,
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI\
             HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
        ),
        (
            587,
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyI\
             HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
        ),
    ] {
        let server_name = Some(("server.example.com", port));
        let mut client = client::Exchange::oauthbearer("user@example.com", &token, server_name).unwrap();
        let initial = client.initial().unwrap();
        assert_eq!(STANDARD.encode(initial.expose()), sent);
        let mut server = server::Exchange::oauthbearer();
        let asked = question(server.start(Some(initial.expose())).unwrap());
        let Question::Token(presented) = asked else { panic!("{asked:?}") };
        assert_eq!(presented.user.as_deref(), Some("user@example.com"));
        assert_eq!(presented.token.as_ref(), Some(&token));
        assert_eq!((presented.host.as_deref(), presented.port), (Some("server.example.com"), Some(port)));
        assert_eq!(done(server.answer(Answer::Accept).unwrap()).acts_as(), "user@example.com");
        client.succeed().unwrap();
    }

    let mut server = server::Exchange::oauthbearer();
    let sent = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE=";
    let asked = question(server.start(Some(&unbase64(sent))).unwrap());
    assert!(matches!(asked, Question::Token(presented) if presented.token.is_none()));
    server.answer(Answer::Accept).unwrap_err(); // no token, no user
    server.answer(Answer::Owner("user@example.com".into())).unwrap_err();
    let error = OAuthError::new("invalid_token")
        .with_scope("example_scope")
        .with_openid_configuration("https://example.com/.well-known/openid-configuration");
    let json = challenge(server.answer(Answer::TokenError(error)).unwrap());
    assert_eq!(
        STANDARD.encode(&json),
        "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24i\
         OiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
    );
    let mut client = client::Exchange::oauthbearer("user@example.com", &token, None).unwrap();
    assert_eq!(STANDARD.encode(client.step(json.as_bytes()).unwrap().expose()), "AQ==");
    assert_eq!(client.server_error(), Some(json.as_bytes()));
    assert_eq!(failed(server.step(b"\x01").unwrap()), Failure::Credentials);
    assert_eq!(client.succeed(), Err(Error::Peer(Peer::SuccessAfterError)));
}

/// Google's documented form of XOAUTH2, and its error path.
#[test]
fn xoauth2() {
    let token = Secret::from("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
    let mut client = client::Exchange::xoauth2("someuser@example.com", &token).unwrap();
    let initial = client.initial().unwrap();
    assert_eq!(
        text(&initial),
        "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
    );
    let mut server = server::Exchange::xoauth2();
    question(server.start(Some(initial.expose())).unwrap());
    let json = challenge(server.answer(Answer::Reject).unwrap());
    assert_eq!(json, r#"{"status":"401"}"#);
    let response = client.step(json.as_bytes()).unwrap();
    assert!(response.is_empty()); // an empty line, and the failure follows
    assert_eq!(failed(server.step(response.expose()).unwrap()), Failure::Credentials);
}

/// RFC 4505 s 4 and RFC 4422 appendix A.2.
#[test]
fn anonymous_and_external() {
    let mut client = client::Exchange::anonymous("sirhc").unwrap();
    let mut server = server::Exchange::anonymous();
    assert_eq!(challenge(server.start(None).unwrap()), "");
    let response = client.step(b"").unwrap();
    assert_eq!(response.expose(), unbase64("c2lyaGM="));
    let asked = question(server.step(response.expose()).unwrap());
    assert!(matches!(asked, Question::Anonymous { trace } if trace == "sirhc"));
    assert_eq!(done(server.answer(Answer::Owner("guest".into())).unwrap()).acts_as(), "guest");

    let client = client::Exchange::external("").unwrap();
    assert!(client.initial().unwrap().is_empty()); // empty is not none
    let mut server = server::Exchange::external();
    let asked = question(server.start(Some(b"")).unwrap());
    assert!(matches!(asked, Question::Certificate { authzid: None }));
    assert_eq!(done(server.answer(Answer::Owner("fred".into())).unwrap()).acts_as(), "fred");

    let client = client::Exchange::external("fred@example.com").unwrap();
    let mut server = server::Exchange::external();
    question(server.start(Some(client.initial().unwrap().expose())).unwrap());
    question(server.answer(Answer::Owner("joe@example.com".into())).unwrap());
    assert_eq!(failed(server.answer(Answer::Reject).unwrap()), Failure::Unauthorized);
}
