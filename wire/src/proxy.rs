use std::{net::SocketAddr, time::Duration};

use bytes::{Buf, BytesMut};
use proxy_header::{Error, ParseConfig, Protocol, ProxyHeader};

use crate::{Connection, Step};

/// Octets of a header at most: version 1 has 107, version 2 what a front end has reason to add.
const HEADER_MAX: usize = 4_096;

/// Reads the PROXY protocol header, version 1 or 2, that a load balancer sends ahead of everything else: who the client
/// really is. A layer of its own, before TLS and before the greeting.
///
/// Only for ports that nobody but the front end can reach: whoever may send the header may claim any address.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_wire::{Connection, Origin, ProxyProtocol, Step};
///
/// let mut input = BytesMut::from("PROXY TCP6 2001:db8::1 2001:db8::25 51234 25\r\nEHLO");
/// let Step::Event(Origin::Proxied { client, .. }) = ProxyProtocol::default().next(&mut input)? else { panic!() };
/// assert_eq!(client, "[2001:db8::1]:51234".parse().unwrap());
/// assert_eq!(input, "EHLO"); // the client's own first octets
/// # Ok::<(), mail46_wire::ProxyError>(())
/// ```
#[derive(Debug, Default)]
pub struct ProxyProtocol {
    output: BytesMut,
}

/// Where a connection comes from, as its front end says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// From this client; addresses that are IPv4-mapped are the IPv4 addresses.
    Proxied {
        /// The client's own end.
        client: SocketAddr,
        /// The end that it connected to.
        server: SocketAddr,
    },
    /// From the front end itself, a health check for example, or from somebody it does not know.
    Local,
}

/// What came is no PROXY header: the connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// Not the grammar of version 1 or 2, or not about a TCP connection.
    #[error("no PROXY protocol header")]
    Malformed,
    /// Longer than any front end's.
    #[error("PROXY protocol header of more than {HEADER_MAX} octets")]
    TooLong,
}

impl Connection for ProxyProtocol {
    type Event = Origin;
    type Error = ProxyError;

    fn next(&mut self, input: &mut BytesMut) -> Result<Step<Origin>, ProxyError> {
        let config = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };
        let (origin, length) = match ProxyHeader::parse(input, config) {
            Ok((header, length)) => match header.proxied_address() {
                None => (Origin::Local, length),
                Some(address) if address.protocol == Protocol::Stream => {
                    let unmap = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
                    let (client, server) = (unmap(address.source), unmap(address.destination));
                    (Origin::Proxied { client, server }, length)
                }
                Some(_) => return Err(ProxyError::Malformed),
            },
            Err(Error::BufferTooShort) if input.len() >= HEADER_MAX => return Err(ProxyError::TooLong),
            Err(Error::BufferTooShort) => return Ok(Step::WantsInput),
            Err(_) => return Err(ProxyError::Malformed),
        };
        input.advance(length);
        Ok(Step::Event(origin))
    }

    fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// The front end sends it at once.
    fn timeout(&self) -> Duration {
        Duration::from_secs(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> Result<(Step<Origin>, Vec<u8>), ProxyError> {
        let mut input = BytesMut::from(octets);
        ProxyProtocol::default().next(&mut input).map(|step| (step, input.to_vec()))
    }

    fn proxied(client: &str, server: &str) -> Step<Origin> {
        let (client, server) = (client.parse().unwrap(), server.parse().unwrap());
        Step::Event(Origin::Proxied { client, server })
    }

    #[test]
    fn both_versions_and_both_families() {
        let v2 = |family: u8, addresses: &[u8]| {
            let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
            [b"\r\n\r\n\0\r\nQUIT\n\x21", &[family][..], &length, addresses].concat()
        };
        let v4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0x30, 0x39, 0, 25];
        let mut v6 = [0; 36];
        v6[..2].copy_from_slice(&[0x20, 0x01]);
        (v6[15], v6[31], v6[34], v6[35]) = (1, 2, 0, 25);
        let rows: [(Vec<u8>, Step<Origin>); 6] = [
            (
                b"PROXY TCP4 192.0.2.1 198.51.100.1 12345 25\r\n".to_vec(),
                proxied("192.0.2.1:12345", "198.51.100.1:25"),
            ),
            (b"PROXY TCP6 2001:db8::1 ::2 1 25\r\n".to_vec(), proxied("[2001:db8::1]:1", "[::2]:25")),
            (
                b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 25\r\n".to_vec(),
                proxied("192.0.2.1:1", "192.0.2.2:25"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), Step::Event(Origin::Local)),
            (v2(0x11, &v4), proxied("192.0.2.1:12345", "198.51.100.1:25")),
            (v2(0x21, &v6), proxied("[2001::1]:0", "[::2]:25")),
        ];
        for (header, want) in rows {
            let whole = [&header[..], b"EHLO x\r\n"].concat();
            assert_eq!(read(&whole), Ok((want, b"EHLO x\r\n".to_vec())), "{}", header.escape_ascii());
            for cut in 0..header.len() {
                let part = &header[..cut];
                assert_eq!(read(part), Ok((Step::WantsInput, part.to_vec())), "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let rows: [&[u8]; 6] = [
            b"EHLO client.example\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 99999 25\r\n",
            b"PROXY TCP4 ::1 ::2 1 25\r\nxxxxx",
            b"PROXY UDP4 192.0.2.1 198.51.100.1 1 25\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0",
            b"\r\nQUIT\r\n xxxxxxxx",
        ];
        for octets in rows {
            assert_eq!(read(octets), Err(ProxyError::Malformed), "{}", octets.escape_ascii());
        }
        assert_eq!(read(&[b"PROXY ".as_slice(), &[b'x'; 200]].concat()), Err(ProxyError::Malformed));
        let endless = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[0; 5_000]].concat();
        assert_eq!(read(&endless), Err(ProxyError::TooLong));
    }
}
