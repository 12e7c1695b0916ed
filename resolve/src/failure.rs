use std::fmt;

use crate::{Dropped, Reach, Trouble};

/// Why a domain has no route: the class, its severity, a code and words for a bounce.
///
/// ```
/// use mail46_resolve::{Class, Destination, Failure};
/// let failure = Destination::parse("[192.0.2.300]").unwrap_err();
/// assert_eq!(failure.class, Class::BadLiteral);
/// assert!(failure.is_permanent());
/// assert_eq!(failure.enhanced_code(), "5.1.3");
/// assert_eq!(failure.to_string(), "[192.0.2.300] is not an address literal that mail can be sent to");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{}", Words(self))]
pub struct Failure {
    /// What kind.
    pub class: Class,
    /// The domain as it was asked for.
    pub domain: Box<str>,
    /// Over which families the domain could be reached by somebody else.
    pub reach: Reach,
    /// Whether DNSSEC vouches for the MX records.
    pub mx_secure: bool,
    /// The exchangers, and why each is of no use.
    pub dropped: Vec<Dropped>,
}

/// The classes of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// No such domain.
    NxDomain,
    /// No MX records, and no address for an implicit one.
    NoAddress,
    /// MX records, none of them usable.
    NoUsableMx,
    /// The domain says that it takes no mail (RFC 7505).
    NullMx,
    /// We are the best exchanger ourselves.
    Loop,
    /// In brackets, but no address that mail can go to.
    BadLiteral,
    /// Not a domain name.
    InvalidName,
    /// Only the other address family leads there.
    Family,
    /// DNS gave no answer for now.
    TempDns(Trouble),
    /// TLSA records could not be had for now (RFC 7672 s 2.1.2).
    TempDane,
}

impl Failure {
    pub(crate) fn new(class: Class, domain: impl fmt::Display, reach: Reach) -> Self {
        Self { class, domain: domain.to_string().into(), reach, mx_secure: false, dropped: Vec::new() }
    }

    /// Whether mail is returned (true) or kept and tried again.
    pub fn is_permanent(&self) -> bool {
        match self.class {
            Class::NxDomain
            | Class::NoAddress
            | Class::NoUsableMx
            | Class::NullMx
            | Class::Loop
            | Class::BadLiteral
            | Class::InvalidName => true,
            // Another host of ours, or this one tomorrow, may have the family: Postfix and Exim defer as well.
            Class::Family | Class::TempDns(_) | Class::TempDane => false,
        }
    }

    /// The enhanced status code (RFC 3463 s 3, RFC 7505 s 6).
    pub fn enhanced_code(&self) -> &'static str {
        match self.class {
            Class::NxDomain => "5.1.2",
            Class::NoAddress | Class::NoUsableMx => "5.4.4",
            Class::NullMx => "5.1.10",
            Class::Loop => "5.4.6",
            Class::BadLiteral | Class::InvalidName => "5.1.3",
            Class::Family => "4.4.4",
            Class::TempDns(_) => "4.4.3",
            Class::TempDane => "4.7.5",
        }
    }

    /// The reply code for a server that says so at RCPT.
    pub fn reply_code(&self) -> u16 {
        match self.class {
            Class::NullMx => 556, // RFC 7504 s 3, RFC 7505 s 4.1
            Class::BadLiteral | Class::InvalidName => 553,
            _ if self.is_permanent() => 550,
            _ => 451,
        }
    }

    /// A short word for logs and JSON.
    pub fn class_name(&self) -> &'static str {
        match self.class {
            Class::NxDomain => "nxdomain",
            Class::NoAddress => "no-address",
            Class::NoUsableMx => "no-usable-mx",
            Class::NullMx => "null-mx",
            Class::Loop => "loop",
            Class::BadLiteral => "bad-literal",
            Class::InvalidName => "invalid-name",
            Class::Family => "family",
            Class::TempDns(_) => "temp-dns",
            Class::TempDane => "temp-dane",
        }
    }
}

struct Words<'a>(&'a Failure);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = &self.0.domain;
        match self.0.class {
            Class::NxDomain => write!(f, "there is no domain {domain}"),
            Class::NoAddress => write!(f, "{domain} has no mail exchanger and no usable address"),
            Class::NoUsableMx => write!(f, "none of the mail exchangers of {domain} can be used"),
            Class::NullMx => write!(f, "{domain} accepts no mail"),
            Class::Loop => write!(f, "mail for {domain} loops back to this host"),
            Class::BadLiteral => write!(f, "{domain} is not an address literal that mail can be sent to"),
            Class::InvalidName => write!(f, "{domain} is not a domain name"),
            Class::Family => match self.0.reach {
                Reach::V6Only => {
                    write!(f, "{domain} is reached over IPv6 only, and this host sends over IPv4 only")
                }
                Reach::V4Only => {
                    write!(f, "{domain} is reached over IPv4 only, and this host sends over IPv6 only")
                }
                _ => {
                    write!(f, "{domain} is reached over the address family only that this host does not use")
                }
            },
            Class::TempDns(trouble) => write!(f, "DNS has no answer for {domain} at present ({trouble})"),
            Class::TempDane => {
                write!(f, "the TLSA records of the hosts of {domain} cannot be had at present")
            }
        }
    }
}
