//! TLS for the examples: certificates from files, or made up on the spot.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

use mail46_smtp::net::{Tls, TlsSettings};

use crate::{Exit, Stop};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A server's configuration from a certificate chain and a key in PEM.
pub fn server(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Stop> {
    let chain = certificates(cert)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(Stop::because(Exit::NoInput, format!("--tls-key {}", key.display())))?;
    server_config(chain, key)
        .map_err(Stop::because(Exit::Data, format!("certificate {} and its key", cert.display())))
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Stop> {
    let because = || Stop::because(Exit::NoInput, format!("certificates in {}", file.display()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(because())?.collect();
    let chain = chain.map_err(because())?;
    if chain.is_empty() {
        return Err(Stop::new(Exit::Data, format!("{} holds no certificate in PEM", file.display())));
    }
    Ok(chain)
}

/// A client's configuration that trusts the certificates in `ca`, or without it those that the system trusts.
pub fn client(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Stop> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            for certificate in certificates(file)? {
                roots
                    .add(certificate)
                    .map_err(Stop::because(Exit::Data, format!("--ca {}", file.display())))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    trusting(roots)
}

fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, Stop> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(Stop::because(Exit::OsError, "TLS"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A client's configuration that takes any certificate: opportunistic TLS keeps out who only listens (RFC 7435).
pub fn unauthenticated() -> Result<Arc<ClientConfig>, Stop> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(Stop::because(Exit::OsError, "TLS"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider())))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A certificate for these names and addresses, signed by an authority made for it, and who trusts it.
pub fn made_up(names: &[&str]) -> Result<(Arc<ServerConfig>, Arc<ClientConfig>), Stop> {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let because = || Stop::because(Exit::OsError, "making a certificate");
    let mut authority = CertificateParams::new([]).map_err(because())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().map_err(because())?;
    let authority_certificate = authority.self_signed(&authority_key).map_err(because())?;
    let issuer = Issuer::new(authority, authority_key);

    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().map_err(because())?;
    let certificate =
        CertificateParams::new(names).and_then(|params| params.signed_by(&key, &issuer)).map_err(because())?;
    let key =
        PrivateKeyDer::try_from(key.serialize_der()).map_err(Stop::because(Exit::OsError, "making a key"))?;
    let server =
        server_config(vec![certificate.der().clone()], key).map_err(Stop::because(Exit::OsError, "TLS"))?;

    let mut roots = RootCertStore::empty();
    roots.add(authority_certificate.der().clone()).map_err(Stop::because(Exit::OsError, "TLS"))?;
    Ok((server, trusting(roots)?))
}

/// When TLS is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Never.
    None,
    /// If the server offers it, with any certificate.
    Opportunistic,
    /// STARTTLS or nothing, certificate checked.
    Required,
    /// From the first octet on, certificate checked.
    Implicit,
}

impl Mode {
    /// The policy for a server of this name. `checked`: the certificate is checked even where TLS is opportunistic.
    pub fn policy(self, ca: Option<&Path>, host: &str, checked: bool) -> Result<Tls, Stop> {
        let settings = |checked: bool| {
            let config = if checked { client(ca)? } else { unauthenticated()? };
            Ok(TlsSettings { config, name: server_name(host)? })
        };
        Ok(match self {
            Self::None => Tls::None,
            Self::Opportunistic => Tls::Opportunistic(settings(checked)?),
            Self::Required => Tls::Required(settings(true)?),
            Self::Implicit => Tls::Implicit(settings(true)?),
        })
    }
}

/// The name a certificate must bear: a host name, or an address (RFC 9525 s 6.3: then an iPAddress entry).
pub fn server_name(host: &str) -> Result<ServerName<'static>, Stop> {
    let host = host.trim_start_matches('[').trim_start_matches("IPv6:").trim_end_matches(']');
    ServerName::try_from(host.to_owned())
        .map_err(Stop::because(Exit::Usage, format!("{host} is no host name")))
}

/// Takes any certificate, but checks that the server holds its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
