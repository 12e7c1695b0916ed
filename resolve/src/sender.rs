//! Whether the domain of a sender can be answered to: the check that a server makes at MAIL FROM.

use std::fmt;

use crate::{Class, Failure, Route};

/// What a server does about the domain of a reverse-path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a reply is 2yz, 4yz or 5yz
pub enum SenderCheck {
    /// Mail can be returned there, over whichever family.
    Accept,
    /// Not for now: 451.
    Defer(Refusal),
    /// Never: 550.
    Reject(Refusal),
}

/// A reply that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The reply code.
    pub code: u16,
    /// The enhanced status code.
    pub enhanced: &'static str,
    /// Words for people.
    pub text: String,
}

impl SenderCheck {
    /// The verdict that follows from the route to a sender's domain. The route is to be one of the
    /// [default policy](crate::Policy), of a sender who has both families: that we ourselves could not answer to a domain
    /// with IPv6 alone is no fault of the domain's.
    pub fn new(route: &Result<Route, Failure>) -> Self {
        let Err(failure) = route else { return Self::Accept };
        let refusal = |code, enhanced| Refusal { code, enhanced, text: failure.to_string() };
        match failure.class {
            // RFC 7505 s 4.1: "SHOULD use a 550 reply code … and a 5.7.27 enhanced status code".
            Class::NullMx => Self::Reject(refusal(550, "5.7.27")),
            // RFC 3463 s 3.2: X.1.8, the sender's system "does not exist or is incapable of accepting return mail".
            Class::NxDomain | Class::NoAddress | Class::NoUsableMx => Self::Reject(refusal(550, "5.1.8")),
            // X.1.7: bad sender's mailbox address syntax.
            Class::BadLiteral | Class::InvalidName => Self::Reject(refusal(550, "5.1.7")),
            Class::TempDns(_) => Self::Defer(refusal(451, "4.4.3")),
            Class::TempDane => Self::Defer(refusal(451, "4.7.5")),
            // We are its exchanger, or it has another family.
            Class::Loop | Class::Family => Self::Accept,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code, self.enhanced, self.text)
    }
}
