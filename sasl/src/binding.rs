//! Channel bindings (RFC 5056, 5929, 9266): what ties an authentication to the TLS connection under it.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// Data that both ends of one TLS connection know and nobody between them can have the same of.
///
/// It is not a secret (RFC 9266 s 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    kind: ChannelBindingType,
    data: Vec<u8>,
}

/// The registered types that this crate knows. `tls-unique` is not one: TLS 1.3 does not have it (RFC 9266 s 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelBindingType {
    /// `tls-exporter` (RFC 9266).
    TlsExporter,
    /// `tls-server-end-point` (RFC 5929 s 4).
    TlsServerEndPoint,
}

/// Why a certificate has no `tls-server-end-point`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not the DER of a certificate.
    #[error("not the DER of an X.509 certificate")]
    Der,
    /// The signature algorithm has no hash function, several, or one that we do not know: RFC 5929 s 4.1 leaves the
    /// binding undefined.
    #[error("a signature algorithm without one known hash function")]
    Algorithm,
}

impl ChannelBindingType {
    /// `cb-name` as registered.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
        }
    }

    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        [Self::TlsExporter, Self::TlsServerEndPoint].into_iter().find(|kind| kind.name().as_bytes() == name)
    }
}

impl ChannelBinding {
    /// The exporter's label (RFC 9266 s 2); the context is empty, the length 32 octets.
    pub const EXPORTER_LABEL: &'static [u8] = b"EXPORTER-Channel-Binding";

    /// All that a connection has to bind to, `tls-exporter` first: what the TLS library exported, and the server's certificate.
    pub fn of(keying_material: Option<[u8; 32]>, certificate: Option<&[u8]>) -> Vec<Self> {
        let exporter = keying_material.map(|material| Self::tls_exporter(&material));
        let end_point = certificate.and_then(|der| Self::tls_server_end_point(der).ok());
        exporter.into_iter().chain(end_point).collect()
    }

    /// `tls-exporter`: what the TLS library's exporter gives for [`Self::EXPORTER_LABEL`] and an empty context.
    ///
    /// Only of TLS 1.3, or of TLS 1.2 with the extended master secret (RFC 9266 s 2), and not for more than one
    /// authentication of a connection (s 4.1).
    pub fn tls_exporter(keying_material: &[u8; 32]) -> Self {
        Self { kind: ChannelBindingType::TlsExporter, data: keying_material.to_vec() }
    }

    /// `tls-server-end-point`: the hash of the server's certificate as it stood in its Certificate message.
    ///
    /// # Errors
    /// [`CertificateError`] when the certificate has none.
    pub fn tls_server_end_point(certificate: &[u8]) -> Result<Self, CertificateError> {
        let data = match signature_hash(certificate)? {
            // RFC 5929 s 4.1: MD5 and SHA-1 become SHA-256.
            SignatureHash::Sha256 => Sha256::digest(certificate).to_vec(),
            SignatureHash::Sha224 => Sha224::digest(certificate).to_vec(),
            SignatureHash::Sha384 => Sha384::digest(certificate).to_vec(),
            SignatureHash::Sha512 => Sha512::digest(certificate).to_vec(),
        };
        Ok(Self { kind: ChannelBindingType::TlsServerEndPoint, data })
    }

    /// Its type.
    pub fn kind(&self) -> ChannelBindingType {
        self.kind
    }

    /// Its octets.
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// What a client does about channel binding: `gs2-cbind-flag` of RFC 5802 s 7.
///
/// [`Selector`](crate::Selector) finds the right one. To choose by hand, remember RFC 5802 s 6: a client that could
/// bind and saw no `-PLUS` name says so (`NotOffered`), so that a server which did offer one finds the man between.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the RFC has three
pub enum Binding {
    /// `n`: the client cannot bind (no TLS, or TLS that gives no data).
    Unsupported,
    /// `y`: the client can, but the server offered no `-PLUS` name.
    NotOffered,
    /// `p`: bound; the mechanism is a `-PLUS`.
    Bound(ChannelBinding),
}

enum SignatureHash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }` (RFC 5280 s 4.1).
fn signature_hash(certificate: &[u8]) -> Result<SignatureHash, CertificateError> {
    let (body, rest) = der(certificate, SEQUENCE)?;
    if !rest.is_empty() {
        return Err(CertificateError::Der);
    }
    let (_, rest) = der(body, SEQUENCE)?;
    let (algorithm, _) = der(rest, SEQUENCE)?;
    let (identifier, parameters) = der(algorithm, OBJECT_IDENTIFIER)?;
    match identifier {
        // 1.2.840.113549.1.1.x: RSA with 4 MD5, 5 SHA-1, 11 SHA-256, 12 SHA-384, 13 SHA-512, 14 SHA-224; 10 is PSS.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last] => match last {
            4 | 5 | 11 => Ok(SignatureHash::Sha256),
            12 => Ok(SignatureHash::Sha384),
            13 => Ok(SignatureHash::Sha512),
            14 => Ok(SignatureHash::Sha224),
            10 => pss_hash(parameters),
            _ => Err(CertificateError::Algorithm),
        },
        // 1.2.840.10045.4.1: ECDSA with SHA-1; 4.3.x: with 1 SHA-224, 2 SHA-256, 3 SHA-384, 4 SHA-512.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => Ok(SignatureHash::Sha256),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last] => match last {
            1 => Ok(SignatureHash::Sha224),
            2 => Ok(SignatureHash::Sha256),
            3 => Ok(SignatureHash::Sha384),
            4 => Ok(SignatureHash::Sha512),
            _ => Err(CertificateError::Algorithm),
        },
        // Ed25519 and Ed448 among them: they name no hash function.
        _ => Err(CertificateError::Algorithm),
    }
}

/// `RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] AlgorithmIdentifier DEFAULT sha1, … }`.
fn pss_hash(parameters: &[u8]) -> Result<SignatureHash, CertificateError> {
    let (fields, _) = der(parameters, SEQUENCE)?;
    if fields.first() != Some(&EXPLICIT_0) {
        return Ok(SignatureHash::Sha256);
    }
    let (explicit, _) = der(fields, EXPLICIT_0)?;
    let (algorithm, _) = der(explicit, SEQUENCE)?;
    match der(algorithm, OBJECT_IDENTIFIER)?.0 {
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Ok(SignatureHash::Sha256), // 1.3.14.3.2.26: SHA-1
        // 2.16.840.1.101.3.4.2.x: 1 SHA-256, 2 SHA-384, 3 SHA-512, 4 SHA-224
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
            1 => Ok(SignatureHash::Sha256),
            2 => Ok(SignatureHash::Sha384),
            3 => Ok(SignatureHash::Sha512),
            4 => Ok(SignatureHash::Sha224),
            _ => Err(CertificateError::Algorithm),
        },
        _ => Err(CertificateError::Algorithm),
    }
}

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const EXPLICIT_0: u8 = 0xa0;

/// One element with this tag: its content, and what follows it.
fn der(octets: &[u8], tag: u8) -> Result<(&[u8], &[u8]), CertificateError> {
    let (first, rest) = octets.split_first().ok_or(CertificateError::Der)?;
    let (length, rest) = rest.split_first().ok_or(CertificateError::Der)?;
    if *first != tag {
        return Err(CertificateError::Der);
    }
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(*length & 0x7f)).ok_or(CertificateError::Der)?;
        if digits.is_empty() || digits.len() > 3 {
            return Err(CertificateError::Der); // indefinite, or over 16 MiB
        }
        (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length).ok_or(CertificateError::Der)
}
