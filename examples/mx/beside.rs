//! The sub-commands of `mx`.

use mail46_examples::https::Https;
use mail46_resolve::{
    Answer, Destination, Hickory, Resolver, SenderCheck,
    iprev::Iprev,
    srv::Discovery,
    sts::{self, Pattern},
};
use mail46_wire::Domain;
use serde_json::{Value, json};

use crate::{NO_HOST, OK, Result, TEMP_FAIL, Told};

pub(crate) async fn ptr(resolver: &Resolver<Hickory>, address: &str) -> Result<Told> {
    let reverse = resolver.reverse(address.parse()?).await;
    let names = reverse
        .names
        .iter()
        .map(|(name, confirmed)| json!({ "name": name.as_str(), "confirmed": confirmed.to_string() }));
    let json = json!({ "address": reverse.address, "iprev": reverse.result.to_string(),
                       "name": reverse.name().map(Domain::as_str), "names": names.collect::<Vec<_>>() });
    let name = reverse.name().map_or("unknown", Domain::as_str);
    let exit = match reverse.result {
        Iprev::Pass => OK,
        Iprev::TempError => TEMP_FAIL,
        Iprev::Fail | Iprev::PermError => NO_HOST,
    };
    Ok((json, format!("{}: {name} (iprev {})", reverse.address, reverse.result), exit))
}

pub(crate) async fn srv(
    resolver: &Resolver<Hickory>,
    name: &str,
    protocol: &str,
    random: impl FnMut() -> u64,
) -> Result<Told> {
    let found = resolver.discover(&Domain::from_unicode(name)?, protocol.parse()?, random).await?;
    let endpoints = found.endpoints().iter().map(|endpoint| {
        json!({ "host": endpoint.host.as_str(), "port": endpoint.port, "tls": endpoint.tls.to_string(),
                "priority": endpoint.priority, "trust": endpoint.trust.to_string() })
    });
    let json = json!({ "domain": name, "protocol": protocol, "outcome": found.as_str(),
                       "endpoints": endpoints.collect::<Vec<_>>() });
    let mut text = format!("{name} {protocol}: {}", found.as_str());
    for endpoint in found.endpoints() {
        text += &format!("\n  {}:{} ({}, {})", endpoint.host, endpoint.port, endpoint.tls, endpoint.trust);
    }
    let exit = match found {
        Discovery::Offered(_) => OK,
        Discovery::Failed(_) => TEMP_FAIL,
        Discovery::NotOffered | Discovery::Unknown => NO_HOST,
    };
    Ok((json, text, exit))
}

/// The record, and the policy that it announces.
pub(crate) async fn sts(resolver: &Resolver<Hickory>, name: &str, https: &Https) -> Result<Told> {
    let domain = Domain::from_unicode(name)?;
    let answer = resolver.sts_record(&domain).await?;
    let Some(record) = sts::Record::find(answer.as_records()) else {
        return Ok(record_of(name, "MTA-STS", &answer, None));
    };
    let id = &record.id;
    Ok(match sts::fetch(https, &domain).await {
        Ok(policy) => {
            let hosts: Vec<String> = policy.mx.iter().map(pattern).collect();
            let (mode, age) = (policy.mode.as_str(), policy.max_age.as_secs());
            let json = json!({ "domain": name, "outcome": "found", "record": { "id": id },
                               "policy": { "mode": mode, "max_age": age, "mx": hosts } });
            (json, format!("{name} MTA-STS: id {id}, {mode} for {age} s, mx {}", hosts.join(" ")), OK)
        }
        // RFC 8461 s 3.3: delivery goes on as though there were none.
        Err(error) => {
            let json = json!({ "domain": name, "outcome": "no-policy", "record": { "id": id },
                               "error": error.to_string() });
            (json, format!("{name} MTA-STS: id {id}, {error}"), TEMP_FAIL)
        }
    })
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Host(name) => name.to_string(),
        Pattern::Below(name) => format!("*.{name}"),
    }
}

pub(crate) async fn sender(resolver: &Resolver<Hickory>, name: &str, random: impl FnMut() -> u64) -> Told {
    let check = match Destination::parse(name) {
        Ok(from) => resolver.check_sender(&from, random).await,
        Err(failure) => SenderCheck::new(&Err(failure)),
    };
    let (verdict, refusal, exit) = match &check {
        SenderCheck::Accept => ("accept", None, OK),
        SenderCheck::Defer(refusal) => ("defer", Some(refusal), TEMP_FAIL),
        SenderCheck::Reject(refusal) => ("reject", Some(refusal), NO_HOST),
    };
    let json = json!({ "domain": name, "verdict": verdict, "code": refusal.map_or(250, |refusal| refusal.code),
                       "status": refusal.map_or("2.1.0", |refusal| refusal.enhanced) });
    let text =
        refusal.map_or_else(|| format!("{name}: 250 2.1.0 accepted"), |refusal| format!("{name}: {refusal}"));
    (json, text, exit)
}

pub(crate) fn record_of(name: &str, what: &str, answer: &Answer<Vec<u8>>, record: Option<Value>) -> Told {
    let (outcome, exit) = match (&record, answer.trouble()) {
        (Some(_), _) => ("found", OK),
        (None, Some(_)) => ("temp-dns", TEMP_FAIL),
        (None, None) => ("none", NO_HOST),
    };
    let text = record.as_ref().map_or_else(|| outcome.to_owned(), Value::to_string);
    let json = json!({ "domain": name, "outcome": outcome, "record": record });
    (json, format!("{name} {what}: {text}"), exit)
}
