//! The questions that mail asks of DNS, and hickory-resolver to ask them with.

use std::{future::Future, net::IpAddr};

use mail46_wire::Domain;

use crate::{Answer, Mx, Srv, Target, Tlsa};

#[cfg(feature = "hickory")]
mod hickory;
#[cfg(feature = "hickory")]
mod stub;
#[cfg(feature = "hickory")]
mod take;

#[cfg(feature = "hickory")]
pub use self::{
    hickory::{Hickory, HickoryError, Validation},
    stub::TrustedAd,
};

/// A resolver: one method a record type, A and AAAA apart, each answer with its validation status and outcome.
///
/// Names are absolute: no search list. Aliases are followed. A method never fails in another way than by
/// [`Outcome::Failed`](crate::Outcome::Failed).
pub trait Dns: Send + Sync {
    /// MX (RFC 1035 s 3.3.9).
    fn mx(&self, name: &Domain) -> impl Future<Output = Answer<Mx>> + Send;
    /// A (RFC 1035 s 3.4.1).
    fn a(&self, name: &Domain) -> impl Future<Output = Answer<std::net::Ipv4Addr>> + Send;
    /// AAAA (RFC 3596 s 2.1).
    fn aaaa(&self, name: &Domain) -> impl Future<Output = Answer<std::net::Ipv6Addr>> + Send;
    /// SRV (RFC 2782).
    fn srv(&self, name: &Domain) -> impl Future<Output = Answer<Srv>> + Send;
    /// TLSA (RFC 6698 s 2).
    fn tlsa(&self, name: &Domain) -> impl Future<Output = Answer<Tlsa>> + Send;
    /// TXT (RFC 1035 s 3.3.14): the strings of a record joined without anything between them (RFC 8461 s 3.1).
    fn txt(&self, name: &Domain) -> impl Future<Output = Answer<Vec<u8>>> + Send;
    /// PTR at the reverse name of the address (RFC 1035 s 3.5, RFC 3596 s 2.5). An IPv4-mapped address is the IPv4 one.
    fn ptr(&self, address: IpAddr) -> impl Future<Output = Answer<Target>> + Send;
}

impl<D: Dns> Dns for std::sync::Arc<D> {
    fn mx(&self, name: &Domain) -> impl Future<Output = Answer<Mx>> + Send {
        (**self).mx(name)
    }

    fn a(&self, name: &Domain) -> impl Future<Output = Answer<std::net::Ipv4Addr>> + Send {
        (**self).a(name)
    }

    fn aaaa(&self, name: &Domain) -> impl Future<Output = Answer<std::net::Ipv6Addr>> + Send {
        (**self).aaaa(name)
    }

    fn srv(&self, name: &Domain) -> impl Future<Output = Answer<Srv>> + Send {
        (**self).srv(name)
    }

    fn tlsa(&self, name: &Domain) -> impl Future<Output = Answer<Tlsa>> + Send {
        (**self).tlsa(name)
    }

    fn txt(&self, name: &Domain) -> impl Future<Output = Answer<Vec<u8>>> + Send {
        (**self).txt(name)
    }

    fn ptr(&self, address: IpAddr) -> impl Future<Output = Answer<Target>> + Send {
        (**self).ptr(address)
    }
}
