//! Who answers the connector's questions: the system, hickory, or whom the caller brings.

use std::{future::Future, net::IpAddr, pin::Pin};

use crate::{Family, LookupError};

#[cfg(feature = "hickory")]
mod hickory;
mod system;

#[cfg(feature = "hickory")]
pub use hickory::HickoryResolver;
pub use system::SystemResolver;
pub(crate) use system::with_zone;

/// The answer of a [`Resolver`], to come. Dropping it gives up the question.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, LookupError>> + Send + 'a>>;

/// Someone who knows the addresses of names: A and AAAA apart, so that neither waits for the other.
///
/// ```
/// use mail46_connect::{Answer, Family, LookupError, Resolver};
///
/// struct Hosts;
/// impl Resolver for Hosts {
///     fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a> {
///         Box::pin(async move {
///             match (name, family) {
///                 ("mail.example", Family::V6) => Ok(vec!["2001:db8::25".parse().unwrap()]),
///                 ("mail.example", Family::V4) => Err(LookupError::NoData),
///                 _ => Err(LookupError::NxDomain),
///             }
///         })
///     }
/// }
/// ```
pub trait Resolver: Send + Sync {
    /// Asks for the A (IPv4) or AAAA (IPv6) records of a name: a host name in A-labels.
    fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a>;
}
