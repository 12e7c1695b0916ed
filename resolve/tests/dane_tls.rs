//! TLSA records against certificates, in whole TLS handshakes without sockets.

#![cfg(all(feature = "net", feature = "tls"))]

use std::sync::Arc;

use mail46_resolve::{Answer, Dane, Destination, Policy, Resolver, Security, Tlsa, Zone, dane::DaneVerifier};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData,
    date_time_ymd,
};
use rustls::{
    ClientConfig, ClientConnection, ServerConfig, ServerConnection,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use sha2::{Digest, Sha256, Sha512};

struct Site {
    end: CertificateDer<'static>,
    key: KeyPair,
    ca: CertificateDer<'static>,
    ca_spki: Vec<u8>,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "a mail authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn site(names: &[&str], expired: bool) -> Site {
    let ca = authority();
    let mut params =
        CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    if expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let end: Certificate = params.signed_by(&key, &ca).unwrap();
    Site { end: end.der().clone(), key, ca: ca.der().clone(), ca_spki: ca.key().subject_public_key_info() }
}

/// What `Dane::judge` makes of these records for `mx.site.example`, the host of `site.example`.
async fn dane(records: Vec<Tlsa>, mx_secure: bool) -> Dane {
    let signed = if mx_secure { "SECURE site.example" } else { "" };
    let zone = format!("site.example MX 10 mx.site.example\nmx.site.example A 192.0.2.1\n{signed}");
    let resolver = Resolver::new(zone.parse::<Zone>().unwrap());
    let to = Destination::parse("site.example").unwrap();
    let route = resolver.route(&to, &Policy::default(), || 0).await.unwrap();
    let answer = Answer::records(records, std::time::Duration::from_secs(1)).with_security(Security::Secure);
    Dane::judge(&answer, &"mx.site.example".parse().unwrap(), &route)
}

fn tlsa(usage: u8, selector: u8, matching: u8, of: &[u8]) -> Tlsa {
    let data = match matching {
        0 => of.to_vec(),
        1 => Sha256::digest(of).to_vec(),
        _ => Sha512::digest(of).to_vec(),
    };
    Tlsa { usage, selector, matching, data }
}

/// Whether a client with these records and this server come to terms.
fn handshake(dane: &Dane, site: &Site, with_ca: bool) -> Result<(), rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = DaneVerifier::new(dane, Arc::clone(&provider)).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let mut chain = vec![site.end.clone()];
    if with_ca {
        chain.push(site.ca.clone());
    }
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(site.key.serialize_der()).unwrap())
        .unwrap();
    let name = ServerName::try_from("mx.site.example").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut octets = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut octets).unwrap();
        }
        server.read_tls(&mut octets.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut octets = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut octets).unwrap();
        }
        client.read_tls(&mut octets.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[tokio::test]
async fn records_and_certificates() {
    let good = site(&["mx.site.example"], false);
    let other = site(&["mx.site.example"], false);
    let stranger = site(&["stranger.test"], false);
    let stale = site(&["stranger.test"], true);
    let stale_name = site(&["mx.site.example"], true);
    let domain = site(&["site.example"], false);
    let wild = site(&["*.site.example"], false);
    let spki = |site: &Site| site.key.subject_public_key_info();
    let rows: &[(Tlsa, &Site, bool, bool, &str)] = &[
        (tlsa(3, 1, 1, &spki(&good)), &good, false, true, "3 1 1: the key"),
        (tlsa(3, 1, 2, &spki(&good)), &good, false, true, "3 1 2"),
        (tlsa(3, 1, 0, &spki(&good)), &good, false, true, "3 1 0: the key itself"),
        (tlsa(3, 0, 1, &good.end), &good, false, true, "3 0 1: the certificate"),
        (tlsa(3, 0, 2, &good.end), &good, false, true, "3 0 2"),
        (tlsa(3, 1, 1, &spki(&other)), &good, false, false, "another key"),
        (tlsa(3, 0, 1, &good.ca), &good, true, false, "DANE-EE of an authority"),
        (
            tlsa(3, 1, 1, &spki(&stranger)),
            &stranger,
            false,
            true,
            "7672 s 3.2.1: no name checks with DANE-EE",
        ),
        (
            tlsa(3, 1, 1, &spki(&stale)),
            &stale,
            false,
            true,
            "7672 s 3.1.1: the expiration date MUST be ignored",
        ),
        (tlsa(2, 0, 1, &good.ca), &good, true, true, "2 0 1: the authority"),
        (tlsa(2, 1, 1, &good.ca_spki), &good, true, true, "2 1 1: its key"),
        (tlsa(2, 1, 2, &good.ca_spki), &good, true, true, "2 1 2"),
        (tlsa(2, 0, 0, &good.ca), &good, false, true, "2 0 0: the authority from DNS, not in the chain"),
        (tlsa(2, 0, 1, &good.ca), &good, false, false, "7672 s 3.1.2: the authority MUST be in the chain"),
        (tlsa(2, 0, 1, &other.ca), &good, true, false, "another authority"),
        (tlsa(2, 0, 1, &stranger.ca), &stranger, true, false, "7672 s 3.2.2: name checks with DANE-TA"),
        (tlsa(2, 0, 1, &stale_name.ca), &stale_name, true, false, "and dates"),
        (
            tlsa(2, 0, 1, &domain.ca),
            &domain,
            true,
            true,
            "7672 s 3.2.2: the next-hop domain as a second name",
        ),
        (tlsa(2, 0, 1, &wild.ca), &wild, true, true, "7672 s 3.2.3: a wildcard label"),
        (tlsa(2, 0, 1, &good.end), &good, true, false, "DANE-TA of the server itself"),
    ];
    for (record, site, with_ca, want, why) in rows {
        let dane = dane(vec![record.clone()], true).await;
        assert_eq!(dane.as_str(), "required", "{why}");
        assert_eq!(handshake(&dane, site, *with_ca).is_ok(), *want, "{why}");
    }

    // 7672 s 3.2.2: with an insecure MX set, "the MX hostname is the only reference identifier".
    let insecure = dane(vec![tlsa(2, 0, 1, &domain.ca)], false).await;
    assert!(handshake(&insecure, &domain, true).is_err());
    // One of several is enough (a key that is being replaced), but a weaker digest does not stand in for a stronger one.
    let both = dane(vec![tlsa(3, 1, 1, &spki(&other)), tlsa(3, 1, 1, &spki(&good))], true).await;
    assert!(handshake(&both, &good, false).is_ok() && handshake(&both, &other, false).is_ok());
    let agile = dane(vec![tlsa(3, 1, 1, &spki(&good)), tlsa(3, 1, 2, &spki(&other))], true).await;
    assert!(handshake(&agile, &good, false).is_err() && handshake(&agile, &other, false).is_ok());
    // 7672 s 2.2: TLS, whatever the certificate.
    let unusable = dane(vec![tlsa(1, 1, 1, &spki(&good))], true).await;
    assert_eq!(unusable, Dane::Unusable);
    assert!(handshake(&unusable, &stale, false).is_ok());
    assert!(DaneVerifier::new(&Dane::None, Arc::new(ring::default_provider())).is_none());
}
