//! Connecting to a named server over either family.

use std::net::SocketAddr;

use clap::ValueEnum;
use mail46_wire::{AddressLiteral, Host};
use tokio::net::{TcpStream, lookup_host};

use crate::{Exit, Stop};

/// Which families are used, and which first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Family {
    /// Both, IPv6 first.
    Dual6,
    /// Both, IPv4 first.
    Dual4,
    /// IPv6 alone.
    V6,
    /// IPv4 alone.
    V4,
}

/// `HOST:PORT`, with an IPv6 address in brackets.
pub fn host_port(text: &str) -> Result<(String, u16), Stop> {
    let form =
        || Stop::new(Exit::Usage, format!("{text}: give HOST:PORT, as mx.example:25 or [2001:db8::25]:25"));
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    let port = port.parse().map_err(|_| form())?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains(':') || host.is_empty() {
        return Err(form());
    }
    Ok((bare.unwrap_or(host).to_owned(), port))
}

/// Connects to the first address that answers, in the order of the policy.
pub async fn connect(host: &str, port: u16, family: Family, verbose: bool) -> Result<TcpStream, Stop> {
    let found: Vec<SocketAddr> =
        lookup_host((host, port)).await.map_err(Stop::because(Exit::NoHost, host))?.collect();
    let of = |v6: bool| found.iter().copied().filter(move |address| address.is_ipv6() == v6);
    let order: Vec<SocketAddr> = match family {
        Family::Dual6 => of(true).chain(of(false)).collect(),
        Family::Dual4 => of(false).chain(of(true)).collect(),
        Family::V6 => of(true).collect(),
        Family::V4 => of(false).collect(),
    };
    let mut last = Stop::new(Exit::NoHost, format!("{host} has no address of this family"));
    for address in order {
        match TcpStream::connect(address).await {
            Ok(socket) => {
                if verbose {
                    eprintln!("-- connected to {address}");
                }
                socket.set_nodelay(true).map_err(Stop::because(Exit::OsError, address))?;
                return Ok(socket);
            }
            Err(error) => {
                if verbose {
                    eprintln!("-- {address}: {error}");
                }
                last = Stop::new(Exit::Unavailable, format!("{address}: {error}"));
            }
        }
    }
    Err(last)
}

/// Our address on this connection, as EHLO wants it from who has no name (RFC 5321 s 4.1.4).
pub fn own_host(socket: &TcpStream) -> Result<Host, Stop> {
    let local = socket.local_addr().map_err(Stop::because(Exit::OsError, "our address"))?;
    Ok(Host::Literal(AddressLiteral::from(local.ip())))
}
