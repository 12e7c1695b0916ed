//! A stub that takes the AD bit of a validating resolver for what it says (RFC 4035 s 3.2.3 and 4.9.3).
//!
//! Here are the messages; the sockets are in `net.rs`.

mod net;

use std::time::Duration;

use hickory_resolver::proto::{
    op::{DnsResponse, Edns, Message, Query, ResponseCode},
    rr::{DNSClass, Name, RData, RecordType},
};

pub use self::net::TrustedAd;
use crate::{
    Alias, Answer, Security, Trouble,
    dns::take::{self, domain, negative, seconds},
};

/// Links of an alias chain that are followed in one answer.
const ALIASES_MAX: usize = 16;

/// What a reply comes to.
enum Read<T> {
    Answer(Answer<T>),
    /// A chain of aliases that ends in this name, about which the reply says nothing.
    Follow(Name),
}

/// RFC 6840 s 5.7: AD in a query asks for AD in the reply; no signatures are wanted.
fn query(id: u16, name: &Name, kind: RecordType, with_edns: bool) -> Message {
    let mut message = Message::query();
    message.metadata.id = id;
    message.metadata.recursion_desired = true;
    message.metadata.authentic_data = true;
    message.add_query(Query::query(name.clone(), kind));
    if with_edns {
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        message.edns = Some(edns);
    }
    message
}

/// Whether these octets answer that query: the id and the question are the same. Anybody can send the rest.
fn matching(octets: &[u8], query: &Message) -> Option<DnsResponse> {
    let reply = DnsResponse::from_buffer(octets.to_vec()).ok()?;
    let same = reply.id == query.id
        && reply.message_type == hickory_resolver::proto::op::MessageType::Response
        && reply.queries == query.queries;
    same.then_some(reply)
}

fn read<T>(
    reply: &DnsResponse,
    name: &Name,
    kind: RecordType,
    take: &impl Fn(&RData) -> Option<T>,
) -> Read<T> {
    if !matches!(reply.response_code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Read::Answer(Answer::failed(take::rcode(reply.response_code)));
    }
    let security = if reply.authentic_data { Security::Secure } else { Security::Insecure };
    let Some((last, mut ttl)) = end_of_aliases(reply, name, kind) else {
        return Read::Answer(Answer::failed(Trouble::AliasLoop));
    };
    let mut records = Vec::new();
    for record in &reply.answers {
        if record.record_type() == kind && record.dns_class == DNSClass::IN && record.name == last {
            ttl = ttl.min(record.ttl);
            records.extend(take(&record.data));
        }
    }
    let mut answer = if records.is_empty() {
        let soa = reply.soa().is_some();
        let referral = reply.authorities.iter().any(|record| record.record_type() == RecordType::NS);
        // RFC 2308 s 2.2: NS records without a SOA are a referral.
        if reply.response_code == ResponseCode::NoError && !soa {
            if last != *name {
                return Read::Follow(last);
            }
            if referral {
                return Read::Answer(Answer::failed(Trouble::Referral));
            }
        }
        negative(reply.response_code, seconds(reply.negative_ttl().unwrap_or(0)))
    } else {
        Answer::records(records, Duration::from_secs(ttl.into()))
    };
    answer.security = security;
    if last != *name {
        answer.alias = domain(&last).map(|canonical| Alias { canonical, initial: security });
    }
    Read::Answer(answer)
}

/// The name that the aliases of a reply lead to, and the lowest TTL on the way; `None` for a circle.
fn end_of_aliases(reply: &DnsResponse, name: &Name, kind: RecordType) -> Option<(Name, u32)> {
    let (mut last, mut ttl) = (name.clone(), u32::MAX);
    if kind == RecordType::CNAME {
        return Some((last, ttl));
    }
    for _ in 0..ALIASES_MAX {
        let link = reply.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == last => Some((target.0.clone(), record.ttl)),
            _ => None,
        });
        match link {
            Some((next, of_link)) => (last, ttl) = (next, ttl.min(of_link)),
            None => return Some((last, ttl)),
        }
    }
    None
}
