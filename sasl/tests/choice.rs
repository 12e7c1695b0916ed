//! The selection of a mechanism, and `tls-server-end-point`.

use base64::{Engine, engine::general_purpose::STANDARD};
use mail46_sasl::{
    Binding, CertificateError, ChannelBinding, ClearText, Credential, Layer, Mechanism, Nonce, Secret,
    Selector, Unselectable,
    client::{Credentials, Exchange},
};

#[test]
fn the_best_mechanism() {
    use Credential::{Certificate, Password, Token};
    use Layer::*;
    use Mechanism::*;
    const ALL: &str = "ANONYMOUS LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-256-PLUS \
                       XOAUTH2 OAUTHBEARER EXTERNAL DIGEST-MD5 NTLM GSSAPI";
    const BARE: &str = "PLAIN SCRAM-SHA-1 SCRAM-SHA-256";
    let binding = ChannelBinding::tls_exporter(&[1; 32]);
    let bound = || Binding::Bound(binding.clone());
    let (with, without) = (vec![binding.clone()], vec![]);
    let nothing = Err(Unselectable::Nothing);
    let needs_tls = Err(Unselectable::NeedsTls);
    let rows: Vec<(
        Layer,
        &[Credential],
        &Vec<ChannelBinding>,
        &str,
        Result<(Mechanism, Binding), Unselectable>,
    )> = vec![
        (Tls, &[Password], &with, ALL, Ok((ScramSha256Plus, bound()))),
        (Tls, &[Password], &without, ALL, Ok((ScramSha256, Binding::Unsupported))),
        (Tls, &[Password], &with, BARE, Ok((ScramSha256, Binding::NotOffered))), // "y": the server may object
        (Tls, &[Password], &without, BARE, Ok((ScramSha256, Binding::Unsupported))),
        (Clear, &[Password], &with, ALL, Ok((ScramSha256, Binding::Unsupported))), // no TLS, nothing to bind to
        (Tls, &[Password], &with, "SCRAM-SHA-256 SCRAM-SHA-1-PLUS", Ok((ScramSha256, Binding::Unsupported))),
        (Tls, &[Password], &with, "SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN", Ok((ScramSha1Plus, bound()))),
        (Tls, &[Password], &with, "scram-sha-256-plus", Ok((ScramSha256Plus, bound()))),
        (Tls, &[Password], &without, "CRAM-MD5 PLAIN LOGIN", Ok((CramMd5, Binding::Unsupported))),
        (Tls, &[Password], &without, "LOGIN PLAIN", Ok((Plain, Binding::Unsupported))),
        (Tls, &[Password], &without, "LOGIN", Ok((Login, Binding::Unsupported))),
        (Clear, &[Password], &without, "LOGIN PLAIN", needs_tls.clone()),
        (Clear, &[Password], &without, "LOGIN PLAIN CRAM-MD5", Ok((CramMd5, Binding::Unsupported))),
        (Tls, &[Token], &without, ALL, Ok((OAuthBearer, Binding::Unsupported))),
        (Tls, &[Token], &without, "XOAUTH2 PLAIN", Ok((XOAuth2, Binding::Unsupported))),
        (Tls, &[Token, Password], &without, "PLAIN", Ok((Plain, Binding::Unsupported))),
        (Clear, &[Token], &without, ALL, needs_tls.clone()),
        (Tls, &[Certificate, Password], &with, ALL, Ok((External, Binding::Unsupported))),
        (Clear, &[Certificate], &without, ALL, needs_tls.clone()),
        (Tls, &[Credential::Anonymous], &without, ALL, Ok((Anonymous, Binding::Unsupported))),
        (Tls, &[Password], &without, "ANONYMOUS EXTERNAL GSSAPI", nothing.clone()), // never without being asked
        (Tls, &[Password], &without, "SCRAM-SHA-256-PLUS", nothing.clone()),        // nothing to bind with
        (Tls, &[Password], &without, "", nothing.clone()),
        (Tls, &[], &with, ALL, nothing.clone()),
    ];
    for (layer, credentials, bindings, offered, want) in rows {
        let selector = Selector::new(layer, credentials).with_channel_bindings(bindings);
        let got = selector.select(offered.split(' ')).map(|choice| (choice.mechanism, choice.binding));
        assert_eq!(got, want, "{layer:?} {credentials:?} {offered}");
    }
    // Restricted by the caller: a server that binds must not hear "y" then.
    let selector = Selector::new(Tls, &[Password]).with_channel_bindings(&with);
    let choice = selector.clone().only(ScramSha256).select(ALL.split(' ')).unwrap();
    assert_eq!((choice.mechanism, choice.binding), (ScramSha256, Binding::Unsupported));
    assert_eq!(selector.only(Plain).select(["LOGIN"]), Err(Unselectable::Nothing));
    // Passwords in the clear if allowed, tokens never.
    let clear = |credential| Selector::new(Clear, &[credential]).with_clear_text(ClearText::PasswordsAllowed);
    assert_eq!(clear(Password).select(["PLAIN"]).unwrap().mechanism, Plain);
    assert_eq!(clear(Token).select(["OAUTHBEARER", "XOAUTH2"]), Err(Unselectable::NeedsTls));
}

/// What is chosen is what begins.
#[test]
fn a_choice_begins() {
    let all = [Credential::Password, Credential::Token, Credential::Certificate, Credential::Anonymous];
    let binding = ChannelBinding::tls_exporter(&[1; 32]);
    let selector = Selector::new(Layer::Tls, &all).with_channel_bindings(&[binding]);
    let secret = Secret::from("secret");
    let credentials = Credentials { authzid: "boss", user: "user", secret: &secret, server: None };
    for mechanism in Mechanism::ALL {
        let choice = selector.clone().only(mechanism).select(Mechanism::ALL.map(Mechanism::name)).unwrap();
        let exchange = Exchange::begin(choice, &credentials, &Nonce::from_random(&[1; 18])).unwrap();
        assert_eq!(exchange.mechanism(), mechanism);
        // The authorization identity goes wherever the mechanism has room for one.
        let initial = exchange.initial().map(|initial| initial.expose().to_vec()).unwrap_or_default();
        let carries = initial.windows(4).any(|part| part == b"boss");
        let cannot = matches!(mechanism, Mechanism::CramMd5 | Mechanism::Login | Mechanism::Anonymous);
        assert_eq!(carries, !cannot, "{mechanism}");
    }
}

/// RFC 5929 s 4.1, on certificates and hashes made by another program.
#[test]
fn server_end_points() {
    let mut rows = 0;
    for line in include_str!("data/certificates.txt").lines().filter(|line| !line.starts_with('#')) {
        let [name, _, hash, der] = line.split(" | ").collect::<Vec<_>>().try_into().unwrap();
        let der = STANDARD.decode(der).unwrap();
        let binding = ChannelBinding::tls_server_end_point(&der);
        match hash {
            "-" => assert_eq!(binding, Err(CertificateError::Algorithm), "{name}"),
            _ => {
                let data = binding.unwrap().data().to_vec();
                let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
                assert_eq!(hex, hash, "{name}");
            }
        }
        for cut in 0..der.len() {
            assert_eq!(
                ChannelBinding::tls_server_end_point(&der[..cut]),
                Err(CertificateError::Der),
                "{name} {cut}"
            );
        }
        let more = [&der[..], b"\0"].concat();
        assert_eq!(ChannelBinding::tls_server_end_point(&more), Err(CertificateError::Der), "{name}");
        rows += 1;
    }
    assert_eq!(rows, 8);
}
