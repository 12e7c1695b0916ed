//! What a client asks of TLS.

/// What TLS is for: a policy that no server can talk down.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums)] // a driver that overlooks a policy must not build
pub enum Tls {
    /// Never.
    None,
    /// STARTTLS (POP3: STLS) if the server offers it and takes it (RFC 7435). A handshake that fails ends the connection: trying again in
    /// the clear, on a new one, is the caller's decision.
    #[cfg(feature = "tls")]
    Opportunistic(TlsSettings),
    /// STARTTLS, or an error before anything is said that matters.
    #[cfg(feature = "tls")]
    Required(TlsSettings),
    /// From the first octet on (RFC 8314 s 3).
    #[cfg(feature = "tls")]
    Implicit(TlsSettings),
}

/// How TLS is done.
#[cfg(feature = "tls")]
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // two things are needed and nothing else
pub struct TlsSettings {
    /// Trust, versions, client certificate.
    pub config: std::sync::Arc<rustls::ClientConfig>,
    /// Whom the certificate must name: what was configured, not what DNS made of it.
    pub name: rustls::pki_types::ServerName<'static>,
}
