//! hickory's types of a DNS message, as ours.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use hickory_resolver::proto::{
    ProtoError,
    op::ResponseCode,
    rr::{Name, RData},
};
use mail46_wire::Domain;

use crate::{Answer, Mx, Srv, Target, Tlsa, Trouble};

pub(crate) fn mx(rdata: &RData) -> Option<Mx> {
    match rdata {
        RData::MX(mx) => Some(Mx { preference: mx.preference, exchange: target(&mx.exchange) }),
        _ => None,
    }
}

pub(crate) fn a(rdata: &RData) -> Option<Ipv4Addr> {
    match rdata {
        RData::A(a) => Some(a.0),
        _ => None,
    }
}

pub(crate) fn aaaa(rdata: &RData) -> Option<Ipv6Addr> {
    match rdata {
        RData::AAAA(aaaa) => Some(aaaa.0),
        _ => None,
    }
}

pub(crate) fn srv(rdata: &RData) -> Option<Srv> {
    match rdata {
        RData::SRV(srv) => Some(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: target(&srv.target),
        }),
        _ => None,
    }
}

pub(crate) fn tlsa(rdata: &RData) -> Option<Tlsa> {
    match rdata {
        RData::TLSA(tlsa) => Some(Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.clone(),
        }),
        _ => None,
    }
}

pub(crate) fn txt(rdata: &RData) -> Option<Vec<u8>> {
    match rdata {
        RData::TXT(txt) => Some(txt.txt_data.concat()),
        _ => None,
    }
}

pub(crate) fn ptr(rdata: &RData) -> Option<Target> {
    match rdata {
        RData::PTR(ptr) => Some(target(&ptr.0)),
        _ => None,
    }
}

pub(crate) fn cname(rdata: &RData) -> Option<Name> {
    match rdata {
        RData::CNAME(target) => Some(target.0.clone()),
        _ => None,
    }
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
