use std::{
    fmt,
    future::Future,
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Instant,
};

use mail46_wire::Domain;

use super::Table;
use crate::{Answer, Dns, Mx, Srv, Target, Tlsa};

/// A [`Dns`] that keeps answers for as long as their TTL says, those of "no such name" and "no data" too (RFC 2308 s 5).
///
/// Failures are not kept. What is not asked for goes first when it is full.
///
/// hickory has such a cache of its own, but keeps no negative answers when it validates.
pub struct Cached<D> {
    dns: D,
    mx: Table<Domain, Mx>,
    a: Table<Domain, Ipv4Addr>,
    aaaa: Table<Domain, Ipv6Addr>,
    srv: Table<Domain, Srv>,
    tlsa: Table<Domain, Tlsa>,
    txt: Table<Domain, Vec<u8>>,
    ptr: Table<IpAddr, Target>,
}

impl<D> Cached<D> {
    /// Keeps up to `answers` of each type.
    pub fn new(dns: D, answers: usize) -> Self {
        Self {
            dns,
            mx: Table::new(answers),
            a: Table::new(answers),
            aaaa: Table::new(answers),
            srv: Table::new(answers),
            tlsa: Table::new(answers),
            txt: Table::new(answers),
            ptr: Table::new(answers),
        }
    }
}

impl<D: Dns> Dns for Cached<D> {
    async fn mx(&self, name: &Domain) -> Answer<Mx> {
        self.mx.through(name, self.dns.mx(name)).await
    }

    async fn a(&self, name: &Domain) -> Answer<Ipv4Addr> {
        self.a.through(name, self.dns.a(name)).await
    }

    async fn aaaa(&self, name: &Domain) -> Answer<Ipv6Addr> {
        self.aaaa.through(name, self.dns.aaaa(name)).await
    }

    async fn srv(&self, name: &Domain) -> Answer<Srv> {
        self.srv.through(name, self.dns.srv(name)).await
    }

    async fn tlsa(&self, name: &Domain) -> Answer<Tlsa> {
        self.tlsa.through(name, self.dns.tlsa(name)).await
    }

    async fn txt(&self, name: &Domain) -> Answer<Vec<u8>> {
        self.txt.through(name, self.dns.txt(name)).await
    }

    async fn ptr(&self, address: IpAddr) -> Answer<Target> {
        let address = address.to_canonical();
        self.ptr.through(&address, self.dns.ptr(address)).await
    }
}

impl<D: fmt::Debug> fmt::Debug for Cached<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("dns", &self.dns).finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Clone, T: Clone> Table<K, T> {
    async fn through(&self, key: &K, ask: impl Future<Output = Answer<T>>) -> Answer<T> {
        if let Some(answer) = self.get(key, Instant::now()) {
            return answer;
        }
        let answer = ask.await;
        self.put(key, &answer, Instant::now());
        answer
    }
}
