//! A stub that takes the AD bit of a validating resolver for what it says (RFC 4035 s 3.2.3 and 4.9.3).
//!
//! Here are the messages; the sockets are in `net.rs`.

mod net;

use std::time::Duration;

use hickory_resolver::proto::{
    op::{DnsResponse, Edns, Message, Query, ResponseCode},
    rr::{DNSClass, Name, RecordType},
};

pub use self::net::TrustedAd;
use crate::{
    Alias, Answer, Security, Trouble,
    dns::take::{self, Chain, Taken, domain, negative, seconds},
};

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

fn read<T: Taken>(reply: &DnsResponse, name: &Name) -> Read<T> {
    if !matches!(reply.response_code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Read::Answer(Answer::failed(take::rcode(reply.response_code)));
    }
    let security = if reply.authentic_data { Security::Secure } else { Security::Insecure };
    let Some(Chain { last, mut ttl, .. }) = take::chain(&reply.answers, name) else {
        return Read::Answer(Answer::failed(Trouble::AliasLoop));
    };
    let mut records = Vec::new();
    for record in &reply.answers {
        if record.record_type() == T::KIND && record.dns_class == DNSClass::IN && record.name == last {
            ttl = ttl.min(record.ttl);
            records.extend(T::take(&record.data));
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
