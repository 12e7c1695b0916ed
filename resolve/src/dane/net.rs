//! DANE for rustls: the certificate of a server against the TLSA records of its host.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime},
};
use sha2::{Digest, Sha256, Sha512};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{DANE_EE, DANE_TA, Dane, Pins};
use crate::Tlsa;

/// Authenticates a server by its TLSA records (RFC 7672 s 3), for `ClientConfig::dangerous()`.
///
/// DANE-EE: the certificate or its key is one of them; names and dates do not matter (s 3.1.1, 3.2.1). DANE-TA: a
/// certificate in the chain is one of them, all down from it is valid, and the server has one of the reference
/// identifiers as a DNS-ID (s 3.1.2, 3.2.2). A common name is never looked at, a wildcard only as the first label.
///
/// The name for SNI is [`Pins::base`]; that it is asked to check is not used.
#[derive(Debug)]
pub struct DaneVerifier {
    /// `None`: encryption is all that is asked for.
    pins: Option<Pins>,
    provider: Arc<CryptoProvider>,
}

/// No TLSA record fits the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no TLSA record fits the certificate of the server")]
#[non_exhaustive]
pub struct DaneMismatch;

impl DaneVerifier {
    /// For a host with [`Dane::Required`], and for one with [`Dane::Unusable`], of which TLS is asked with any certificate
    /// (RFC 7672 s 2.2). `None` for the others.
    pub fn new(dane: &Dane, provider: Arc<CryptoProvider>) -> Option<Self> {
        let pins = match dane {
            Dane::Required(pins) => Some(Pins::clone(pins)),
            Dane::Unusable => None,
            Dane::None | Dane::TempFail(_) => return None,
        };
        Some(Self { pins, provider })
    }

    fn fits(
        &self,
        pins: &Pins,
        end: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> bool {
        pins.records.iter().any(|record| match record.usage {
            DANE_EE => is_of(record, end),
            DANE_TA => {
                self.anchors(record, chain).any(|anchor| self.is_below(&anchor, pins, end, chain, now))
            }
            _ => false,
        })
    }

    /// The trust anchors that a record stands for: a certificate in the chain, or the one that it holds itself.
    fn anchors<'a>(
        &self,
        record: &'a Tlsa,
        chain: &'a [CertificateDer<'_>],
    ) -> impl Iterator<Item = TrustAnchor<'static>> {
        let itself = (record.selector == 0 && record.matching == 0)
            .then(|| CertificateDer::from_slice(&record.data))
            .into_iter();
        let in_chain = chain
            .iter()
            .filter(|certificate| is_of(record, certificate))
            .map(|certificate| CertificateDer::from_slice(certificate));
        itself
            .chain(in_chain)
            .filter_map(|certificate| Some(anchor_from_trusted_cert(&certificate).ok()?.to_owned()))
    }

    fn is_below(
        &self,
        anchor: &TrustAnchor<'static>,
        pins: &Pins,
        end: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> bool {
        let Ok(end) = EndEntityCert::try_from(end) else { return false };
        let algorithms = self.provider.signature_verification_algorithms.all;
        let anchors = std::slice::from_ref(anchor);
        let valid = end
            .verify_for_usage(algorithms, anchors, chain, now, KeyUsage::server_auth(), None, None)
            .is_ok();
        valid
            && pins.references.iter().any(|name| {
                ServerName::try_from(name.as_str())
                    .is_ok_and(|name| end.verify_is_valid_for_subject_name(&name).is_ok())
            })
    }
}

/// RFC 6698 s 2.1.2 to 2.1.4: what the selector takes of a certificate, in the form of the matching type, is the data.
fn is_of(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let selected = match record.selector {
        0 => certificate.to_vec(),
        1 => match EndEntityCert::try_from(certificate) {
            Ok(certificate) => certificate.subject_public_key_info().to_vec(),
            Err(_) => return false,
        },
        _ => return false,
    };
    match record.matching {
        0 => record.data == selected,
        1 => *record.data == *Sha256::digest(&selected),
        2 => *record.data == *Sha512::digest(&selected),
        _ => false,
    }
}

impl ServerCertVerifier for DaneVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.pins {
            Some(pins) if !self.fits(pins, end_entity, intermediates, now) => {
                Err(CertificateError::Other(OtherError(Arc::new(DaneMismatch))).into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
