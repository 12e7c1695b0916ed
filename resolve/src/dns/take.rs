//! hickory's types of a DNS message, as ours.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use hickory_resolver::proto::{
    ProtoError,
    dnssec::Proof,
    op::ResponseCode,
    rr::{Name, RData, Record, RecordType},
};
use mail46_wire::Domain;

use crate::{Answer, Mx, Srv, Target, Tlsa, Trouble};

/// A type of record: its number, and what is ours of hickory's.
pub(crate) trait Taken: Sized {
    const KIND: RecordType;

    fn take(data: &RData) -> Option<Self>;
}

macro_rules! taken {
    ($($ours:ty: $kind:ident($data:ident) => $made:expr;)*) => {$(
        impl Taken for $ours {
            const KIND: RecordType = RecordType::$kind;

            fn take(data: &RData) -> Option<Self> {
                if let RData::$kind($data) = data { Some($made) } else { None }
            }
        }
    )*};
}

taken! {
    Mx: MX(mx) => Mx { preference: mx.preference, exchange: target(&mx.exchange) };
    Ipv4Addr: A(a) => a.0;
    Ipv6Addr: AAAA(aaaa) => aaaa.0;
    Srv: SRV(srv) =>
        Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: target(&srv.target) };
    Tlsa: TLSA(tlsa) => Tlsa {
        usage: tlsa.cert_usage.into(),
        selector: tlsa.selector.into(),
        matching: tlsa.matching.into(),
        data: tlsa.cert_data.clone(),
    };
    Vec<u8>: TXT(txt) => txt.txt_data.concat();
    Target: PTR(ptr) => target(&ptr.0);
    Name: CNAME(cname) => cname.0.clone();
}

/// Links of an alias chain that are followed.
pub(crate) const ALIASES_MAX: usize = 16;

/// Where the aliases among the records of one answer lead.
pub(crate) struct Chain {
    pub(crate) last: Name,
    /// The lowest of the links.
    pub(crate) ttl: u32,
    /// Of the first link; `None` without a link.
    pub(crate) initial: Option<Proof>,
}

/// Follows the aliases among the records of one answer; `None` for a circle, or what is as long as one.
pub(crate) fn chain(answers: &[Record], name: &Name) -> Option<Chain> {
    let mut chain = Chain { last: name.clone(), ttl: u32::MAX, initial: None };
    for _ in 0..ALIASES_MAX {
        let link = answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == chain.last => Some((target.0.clone(), record)),
            _ => None,
        });
        let Some((next, link)) = link else { return Some(chain) };
        chain =
            Chain { last: next, ttl: chain.ttl.min(link.ttl), initial: chain.initial.or(Some(link.proof)) };
    }
    None
}

/// With its final dot, so that no search list is ever used.
pub(crate) fn absolute(name: &str) -> Result<Name, ProtoError> {
    let mut name = Name::from_ascii(name)?;
    name.set_fqdn(true);
    Ok(name)
}

/// By A-labels: hickory's `Display` has U-labels.
pub(crate) fn target(name: &Name) -> Target {
    Target::from_text(&name.to_ascii())
}

pub(crate) fn domain(name: &Name) -> Option<Domain> {
    target(name).name().cloned()
}

pub(crate) fn negative<T>(code: ResponseCode, ttl: Duration) -> Answer<T> {
    match code {
        ResponseCode::NXDomain => Answer::nx_domain(ttl),
        ResponseCode::NoError => Answer::no_data(ttl),
        code => Answer::failed(rcode(code)),
    }
}

pub(crate) fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

pub(crate) fn rcode(code: ResponseCode) -> Trouble {
    match code {
        ResponseCode::ServFail => Trouble::ServFail,
        ResponseCode::Refused => Trouble::Refused,
        ResponseCode::NotImp => Trouble::NotImp,
        ResponseCode::FormErr => Trouble::FormErr,
        code => Trouble::Rcode(code.into()),
    }
}
