//! The one question over HTTPS that mail has: the MTA-STS policy of a domain (RFC 8461 s 3.3), by Happy Eyeballs.

use std::{io, path::Path, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, Response, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use mail46_connect::{Config, Dial, Options, connect_with};
use mail46_resolve::sts::{self, POLICY_MAX};
use mail46_wire::Domain;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};

use crate::{Stop, tls};

/// RFC 8461 s 3.3: "a suggested timeout is one minute".
const PATIENCE: Duration = Duration::from_secs(60);

/// An HTTPS client that gets policies: the certificate is checked for the host, no redirect is followed, nothing is cached,
/// and a minute and 64 KiB are all that a server gets.
pub struct Https {
    options: Options,
    tls: TlsConnector,
    /// 443, but in a laboratory.
    pub port: u16,
    /// For all of it together.
    pub patience: Duration,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Https").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Https {
    /// With the resolver and the policy of these options; trusts the certificates in `ca`, or those of the system.
    pub fn new(options: Options, ca: Option<&Path>) -> Result<Self, Stop> {
        let options = options.config(Config::new().deadline(Some(PATIENCE)));
        Ok(Self { options, tls: TlsConnector::from(tls::client(ca)?), port: 443, patience: PATIENCE })
    }

    async fn ask(&self, host: &str) -> io::Result<sts::Response> {
        let stream = self.connect(host).await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let request = Request::get("/.well-known/mta-sts.txt")
            .header(header::HOST, host)
            .header(header::USER_AGENT, "mail46")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(io::Error::other)?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(io::Error::other)?;
            read(response).await
        };
        // Its end is told by the answer; what is left of it goes with this function.
        let connection = async {
            let _ended = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = connection => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// An attempt wins when its certificate is the host's.
    async fn connect(&self, host: &str) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let attempt = |dial: Dial| {
            let (tls, name) = (self.tls.clone(), name.clone());
            async move {
                let stream = dial.tcp().await?;
                tls.connect(name, stream).await
            }
        };
        Ok(connect_with(host, self.port, &self.options, attempt).await?.stream)
    }
}

impl sts::Fetch for Https {
    type Error = io::Error;

    async fn get(&self, host: &Domain) -> io::Result<sts::Response> {
        timeout(self.patience, self.ask(host.as_str()))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

async fn read(response: Response<Incoming>) -> io::Result<sts::Response> {
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    // What is no policy is not read: RFC 8461 s 3.3, "only valid if the HTTP response code is 200".
    let body = if status == 200 {
        let body = Limited::new(response.into_body(), POLICY_MAX).collect().await;
        body.map_err(io::Error::other)?.to_bytes().to_vec()
    } else {
        Vec::new()
    };
    Ok(sts::Response { status, content_type, body })
}
