use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hickory_resolver::proto::{
    op::{DnsResponse, Message, ResponseCode},
    rr::{Name, RecordType},
};
use mail46_wire::Domain;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{Read, matching, query, read};
use crate::{
    Answer, Dns, Mx, Security, Srv, Target, Tlsa, Trouble,
    dns::take::{self, ALIASES_MAX, Taken, absolute},
};

/// A stub without validation of its own: an answer is secure when a resolver that the caller trusts has set the AD bit.
///
/// RFC 4035 s 4.9.3 lets a stub rely on that only with a "trusted security-aware recursive name server via a secure
/// channel": a validating resolver on this machine, for one. It keeps no answers: that resolver does.
///
/// A question goes to each server in turn, from a socket and with an id of its own, over UDP, and over TCP when the reply
/// is cut short. Replies with another id or question are passed over. A server that does not know EDNS is asked without.
#[derive(Clone, Debug)]
pub struct TrustedAd {
    servers: Vec<SocketAddr>,
    /// For one try at one server. Default: 2 seconds.
    pub timeout: Duration,
    /// Rounds over all servers. Default: 3.
    pub attempts: u32,
    ids: Arc<(RandomState, AtomicU64)>,
}

impl TrustedAd {
    /// These servers, each of which the caller trusts, and the way to it.
    pub fn new(servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            servers: servers.into_iter().collect(),
            timeout: Duration::from_secs(2),
            attempts: 3,
            ids: Arc::default(),
        }
    }

    async fn ask<T: Taken>(&self, name: &Domain) -> Answer<T> {
        let Ok(name) = absolute(name.as_str()) else { return Answer::failed(Trouble::Network) };
        self.follow(name).await
    }

    async fn follow<T: Taken>(&self, name: Name) -> Answer<T> {
        let (mut at, mut secure) = (name.clone(), true);
        for _ in 0..ALIASES_MAX {
            let reply = match self.exchange(&at, T::KIND).await {
                Ok(reply) => reply,
                Err(trouble) => return Answer::failed(trouble),
            };
            let mut answer = match read(&reply, &at) {
                Read::Answer(answer) => answer,
                Read::Follow(next) => {
                    secure &= reply.authentic_data;
                    at = next;
                    continue;
                }
            };
            if !secure {
                answer.security = Security::Insecure;
            }
            if answer.alias.is_none() && at != name {
                answer.alias =
                    take::domain(&at).map(|canonical| crate::Alias { canonical, initial: answer.security });
            }
            // RFC 7672 s 2.1.3: whether the first link of an insecure chain is secure takes a question of its own.
            if let (Some(alias), Security::Insecure) = (&mut answer.alias, answer.security)
                && let Ok(first) = self.exchange(&name, RecordType::CNAME).await
                && first.authentic_data
            {
                alias.initial = Security::Secure;
            }
            return answer;
        }
        Answer::failed(Trouble::AliasLoop)
    }

    /// One question to the servers in turn, until one of them says something of use.
    async fn exchange(&self, name: &Name, kind: RecordType) -> Result<DnsResponse, Trouble> {
        let mut trouble = Trouble::Network;
        for _ in 0..self.attempts {
            for server in &self.servers {
                match self.try_one(*server, name, kind).await {
                    Ok(reply)
                        if matches!(reply.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
                    {
                        return Ok(reply);
                    }
                    Ok(reply) => trouble = take::rcode(reply.response_code),
                    Err(error) => trouble = error,
                }
            }
            // Who answers, answers the same again.
            if trouble != Trouble::Timeout {
                break;
            }
        }
        Err(trouble)
    }

    async fn try_one(
        &self,
        server: SocketAddr,
        name: &Name,
        kind: RecordType,
    ) -> Result<DnsResponse, Trouble> {
        let reply = self.once(server, &query(self.id(), name, kind, true)).await?;
        // RFC 6891 s 7: a server that does not know EDNS says FORMERR.
        if reply.response_code == ResponseCode::FormErr {
            return self.once(server, &query(self.id(), name, kind, false)).await;
        }
        Ok(reply)
    }

    async fn once(&self, server: SocketAddr, query: &Message) -> Result<DnsResponse, Trouble> {
        let octets = query.to_vec().map_err(|_| Trouble::Network)?;
        let reply = timeout(self.timeout, over_udp(server, &octets, query)).await;
        let reply = reply.map_err(|_| Trouble::Timeout)?.ok_or(Trouble::Network)?;
        if !reply.truncation {
            return Ok(reply);
        }
        let reply = timeout(self.timeout, over_tcp(server, &octets, query)).await;
        reply.map_err(|_| Trouble::Truncated)?.ok_or(Trouble::Truncated)
    }

    /// Not to be guessed by who sees none of them: keyed with what the system gives, and never the same input twice.
    fn id(&self) -> u16 {
        let (keys, count) = &*self.ids;
        let [low, high, ..] = keys.hash_one(count.fetch_add(1, Ordering::Relaxed)).to_le_bytes();
        u16::from_le_bytes([low, high])
    }
}

async fn over_udp(server: SocketAddr, octets: &[u8], query: &Message) -> Option<DnsResponse> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    // Connected: the kernel lets nobody else's datagrams in.
    socket.connect(server).await.ok()?;
    socket.send(octets).await.ok()?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await.ok()?;
        if let Some(reply) = buffer.get(..length).and_then(|octets| matching(octets, query)) {
            return Some(reply);
        }
    }
}

/// RFC 1035 s 4.2.2: two octets of length in front.
async fn over_tcp(server: SocketAddr, octets: &[u8], query: &Message) -> Option<DnsResponse> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let mut framed = u16::try_from(octets.len()).ok()?.to_be_bytes().to_vec();
    framed.extend_from_slice(octets);
    stream.write_all(&framed).await.ok()?;
    loop {
        let length = stream.read_u16().await.ok()?;
        let mut buffer = vec![0; length.into()];
        stream.read_exact(&mut buffer).await.ok()?;
        if let Some(reply) = matching(&buffer, query) {
            return Some(reply);
        }
    }
}

impl Dns for TrustedAd {
    async fn mx(&self, name: &Domain) -> Answer<Mx> {
        self.ask(name).await
    }

    async fn a(&self, name: &Domain) -> Answer<Ipv4Addr> {
        self.ask(name).await
    }

    async fn aaaa(&self, name: &Domain) -> Answer<Ipv6Addr> {
        self.ask(name).await
    }

    async fn srv(&self, name: &Domain) -> Answer<Srv> {
        self.ask(name).await
    }

    async fn tlsa(&self, name: &Domain) -> Answer<Tlsa> {
        self.ask(name).await
    }

    async fn txt(&self, name: &Domain) -> Answer<Vec<u8>> {
        self.ask(name).await
    }

    async fn ptr(&self, address: IpAddr) -> Answer<Target> {
        self.follow(Name::from(address.to_canonical())).await
    }
}
