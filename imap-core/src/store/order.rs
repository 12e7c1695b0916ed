//! SORT and THREAD over any store (RFC 5256, RFC 5957): what is compared of each message.

use super::Message;
use crate::message::address::{Address, addresses};
use crate::message::ids::message_ids;
use crate::message::thread::Threaded;
use crate::message::{Structure, date, decode, field, subject};
use crate::{SortCriterion, SortKey, SortOrder};

fn header(message: &Message) -> &[u8] {
    message.structure.as_deref().and_then(Structure::root).map_or(&[], |root| root.header())
}

/// RFC 5256 s 2.2: the field Date, else the internal date.
fn sent(message: &Message) -> i64 {
    let field = field::first(header(message), "Date").and_then(|field| date::parse(field.value));
    field.map_or_else(|| message.internal_date.to_unix(), |sent| sent.seconds)
}

fn base_subject(message: &Message) -> subject::BaseSubject {
    let text = field::first(header(message), "Subject").map(|field| decode::words(field.value));
    subject::base(&text.unwrap_or_default())
}

/// RFC 5256 s 3: the mailbox of the first address; RFC 5957 s 3: what is shown of it.
fn first_address(message: &Message, name: &str, shown: bool) -> String {
    let Some(field) = field::first(header(message), name) else { return String::new() };
    let found = addresses(&field::unfolded(field.value));
    let Some(Address { name, mailbox, host, .. }) = found.first() else { return String::new() };
    let text = |octets: &Option<Vec<u8>>| octets.as_deref().map(decode::words).unwrap_or_default();
    if !shown {
        return text(mailbox).to_uppercase();
    }
    let shown = text(name);
    if !shown.is_empty() {
        return shown.to_uppercase();
    }
    match host.as_deref() {
        Some([_, ..]) => format!("{}@{}", text(mailbox), text(host)).to_uppercase(),
        _ => text(mailbox).to_uppercase(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
}

/// In the order of the criteria; of equals, in that of the mailbox. `None` for a criterion that is not known.
pub(crate) fn sorted(messages: Vec<Message>, criteria: &[SortCriterion]) -> Option<Vec<Message>> {
    let key = |message: &Message, key: &SortKey| {
        Some(match key {
            SortKey::Arrival => Key::Number(message.internal_date.to_unix()),
            SortKey::Date => Key::Number(sent(message)),
            SortKey::Size => Key::Number(i64::try_from(message.size).unwrap_or(i64::MAX)),
            SortKey::Subject => Key::Text(base_subject(message).text.to_uppercase()),
            SortKey::Cc => Key::Text(first_address(message, "Cc", false)),
            SortKey::From => Key::Text(first_address(message, "From", false)),
            SortKey::To => Key::Text(first_address(message, "To", false)),
            SortKey::DisplayFrom => Key::Text(first_address(message, "From", true)),
            SortKey::DisplayTo => Key::Text(first_address(message, "To", true)),
            _ => return None,
        })
    };
    let mut keyed = Vec::with_capacity(messages.len());
    for message in messages {
        let keys: Option<Vec<Key>> = criteria.iter().map(|criterion| key(&message, &criterion.key)).collect();
        keyed.push((keys?, message));
    }
    // A stable sort: equals stay as they are.
    keyed.sort_by(|(a, _), (b, _)| {
        let each = a.iter().zip(b).zip(criteria).map(|((a, b), criterion)| match criterion.order {
            SortOrder::Ascending => a.cmp(b),
            SortOrder::Reverse => b.cmp(a),
        });
        each.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    Some(keyed.into_iter().map(|(_, message)| message).collect())
}

/// What THREAD compares; `number` is what it is called in the answer.
pub(crate) fn threaded(message: &Message, number: u32) -> Threaded {
    let header = header(message);
    let ids = |name: &str| {
        let field = field::first(header, name);
        field.map(|field| message_ids(&field::unfolded(field.value))).unwrap_or_default()
    };
    let mut references = ids("References");
    if references.is_empty() {
        // RFC 5256 s 3, step 1: "the first (if any) valid Message ID in the In-Reply-To header line".
        references = ids("In-Reply-To").into_iter().take(1).collect();
    }
    Threaded {
        number,
        date: sent(message),
        subject: base_subject(message),
        message_id: ids("Message-ID").into_iter().next(),
        references,
    }
}
