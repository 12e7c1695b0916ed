use std::{io, mem, sync::Arc};

use rustls::{
    ClientConfig, CommonState, ProtocolVersion, ServerConfig,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::{Io, Stream, clock};

/// Why there is no TLS. The stream is of no use any more, except after [`PlaintextAfterStartTls`](Self::PlaintextAfterStartTls)
/// and [`AlreadyTls`](Self::AlreadyTls), and there is nothing to be said on it in clear text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Octets came before the handshake that were not protected and would be taken for such as were
    /// (RFC 3207 s 4.2, 6). Somebody may have put them there: the connection is to be closed.
    #[error("octets in clear text behind STARTTLS")]
    PlaintextAfterStartTls,
    /// TLS is on.
    #[error("TLS is on already")]
    AlreadyTls,
    /// An alert, a certificate that does not hold, or the socket.
    #[error("TLS handshake failed: {0}")]
    Handshake(#[from] io::Error),
    /// Not done within [`Pace::handshake`](super::Pace::handshake).
    #[error("TLS handshake not done in time")]
    Timeout,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// Server: takes the peer's handshake. Before the greeting, this is implicit TLS (RFC 8314 s 3).
    ///
    /// All output must have been [`flush`](Self::flush)ed. Dropping the call breaks the stream.
    ///
    /// # Errors
    /// [`TlsError`].
    pub async fn accept_tls(&mut self, config: Arc<ServerConfig>) -> Result<(), TlsError> {
        let exports = config.require_ems;
        let io = self.take_plain()?;
        let deadline = clock::after(Instant::now(), self.pace.handshake);
        let tls = timeout_at(deadline, TlsAcceptor::from(config).accept(io)).await;
        self.established(TlsStream::Server(tls.map_err(|_| TlsError::Timeout)??), exports)
    }

    /// Client: makes the handshake with `name`, which the certificate must bear: a DNS name, or an address of either
    /// family. Before the greeting, this is implicit TLS (RFC 8314 s 3).
    ///
    /// # Errors
    /// [`TlsError`].
    pub async fn connect_tls(
        &mut self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<(), TlsError> {
        let exports = config.require_ems;
        let io = self.take_plain()?;
        let deadline = clock::after(Instant::now(), self.pace.handshake);
        let tls = timeout_at(deadline, TlsConnector::from(config).connect(name, io)).await;
        self.established(TlsStream::Client(tls.map_err(|_| TlsError::Timeout)??), exports)
    }

    /// Whether TLS is on.
    pub fn is_tls(&self) -> bool {
        self.tls().is_some()
    }

    /// The peer's certificate chain, its own first; empty without TLS or if it showed none.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        self.tls().and_then(CommonState::peer_certificates).unwrap_or_default()
    }

    /// The name that the client asked for (SNI); `None` at the client's side.
    pub fn tls_server_name(&self) -> Option<&str> {
        match &self.io {
            Io::Tls(tls) => match tls.as_ref() {
                TlsStream::Server(tls) => tls.get_ref().1.server_name(),
                TlsStream::Client(_) => None,
            },
            _ => None,
        }
    }

    /// `TLSv1.3` or `TLSv1.2`.
    pub fn tls_version(&self) -> Option<&'static str> {
        match self.tls()?.protocol_version()? {
            ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            _ => None,
        }
    }

    /// The cipher suite by its name in the IANA registry, as a trace header has it (RFC 8314 s 4.3).
    pub fn tls_cipher(&self) -> Option<String> {
        let suite = self.tls()?.negotiated_cipher_suite()?.suite();
        // rustls calls the suites of TLS 1.3 `TLS13_…`, the registry `TLS_…`.
        suite.as_str().map(|name| name.replacen("TLS13_", "TLS_", 1))
    }

    /// Version and cipher, as a trace header has them.
    pub fn tls_description(&self) -> Option<String> {
        Some(format!("{} {}", self.tls_version()?, self.tls_cipher()?))
    }

    /// The channel binding `tls-exporter` (RFC 9266 s 2): the same on both sides of one connection, and nowhere else.
    ///
    /// With TLS 1.2 only if the configuration has `require_ems`: without the extended master secret it is not
    /// unique, and rustls does not tell.
    pub fn tls_exporter(&self) -> Option<[u8; 32]> {
        let Io::Tls(tls) = &self.io else { return None };
        if self.tls_version() != Some("TLSv1.3") && !self.exports {
            return None;
        }
        // RFC 9266 s 2: this label, a context of no octets (RFC 5705 tells it from none at all), 32 octets.
        let (room, label, context) = ([0; 32], b"EXPORTER-Channel-Binding", Some(&b""[..]));
        match tls.as_ref() {
            TlsStream::Client(tls) => tls.get_ref().1.export_keying_material(room, label, context).ok(),
            TlsStream::Server(tls) => tls.get_ref().1.export_keying_material(room, label, context).ok(),
        }
    }

    /// Client: the server's certificate, of which RFC 5929 s 4.1 makes the channel binding `tls-server-end-point`, by
    /// the hash that its signature algorithm names. A server knows its own.
    pub fn tls_server_end_point(&self) -> Option<&CertificateDer<'static>> {
        match &self.io {
            Io::Tls(tls) if matches!(tls.as_ref(), TlsStream::Client(_)) => self.peer_certificates().first(),
            _ => None,
        }
    }

    fn tls(&self) -> Option<&CommonState> {
        match &self.io {
            Io::Tls(tls) => Some(tls.get_ref().1),
            _ => None,
        }
    }

    /// Leaves a broken stream: it stays one if the handshake fails or its future is dropped.
    fn take_plain(&mut self) -> Result<T, TlsError> {
        if !matches!(self.io, Io::Plain(_)) {
            return Err(if self.is_tls() { TlsError::AlreadyTls } else { super::broken().into() });
        }
        // RFC 3207 s 4.2: nothing obtained before the handshake may be used behind it. Half a line, too.
        if !self.input.is_empty() {
            return Err(TlsError::PlaintextAfterStartTls);
        }
        match mem::replace(&mut self.io, Io::Broken) {
            Io::Plain(io) => Ok(io),
            Io::Tls(_) | Io::Broken => Err(super::broken().into()),
        }
    }

    fn established(&mut self, tls: TlsStream<T>, exports: bool) -> Result<(), TlsError> {
        self.io = Io::Tls(Box::new(tls));
        self.exports = exports;
        self.unflushed = true;
        Ok(())
    }
}
