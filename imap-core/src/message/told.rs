//! ENVELOPE, BODY and BODYSTRUCTURE of a message (RFC 9051 s 7.5.2).

use bytes::Bytes;

use super::address::{Address, addresses};
use super::media::Parameterized;
use super::structure::{Kind, Part, Structure};
use crate::grammar::body::{
    BodyExtension, BodyFields, BodyStructure, Disposition, EnvelopeText, Languages, Parameters,
};
use crate::grammar::envelope::{self, Addresses, Envelope};
use crate::{IString, NString};

/// Of a message by its header.
pub(crate) fn envelope(part: &Part) -> Envelope {
    let list = |name: &str| part.field(name).map(|value| addresses(&value)).filter(|found| !found.is_empty());
    let from = list("From").unwrap_or_default();
    let to = |found: Option<Vec<Address>>| {
        Addresses::of(found.unwrap_or_default().into_iter().map(|address| envelope::Address::<Bytes> {
            name: NString::of(address.name.as_deref()),
            adl: NString::of(address.adl.as_deref()),
            mailbox: NString::of(address.mailbox.as_deref()),
            host: NString::of(address.host.as_deref()),
        }))
    };
    // RFC 9051 s 7.5.2: "If the Sender or Reply-To header fields are absent […] the server sets the corresponding member
    // of the envelope to be the same value as the from member".
    let or_from = |found: Option<Vec<Address>>| found.or_else(|| Some(from.clone()));
    let text = |name: &str| NString::of(part.field(name).as_deref());
    Envelope {
        date: text("Date"),
        subject: text("Subject"),
        sender: to(or_from(list("Sender"))),
        reply_to: to(or_from(list("Reply-To"))),
        to: to(list("To")),
        cc: to(list("Cc")),
        bcc: to(list("Bcc")),
        in_reply_to: text("In-Reply-To"),
        message_id: text("Message-ID"),
        from: to(Some(from.clone())),
    }
}

/// Of a whole message. Built from its last part to its first: nothing recurses.
pub(crate) fn body_structure(structure: &Structure) -> Option<BodyStructure> {
    // What is inside the part that is looked at, by depth; the first is the last one built.
    let mut built: Vec<(u16, BodyStructure)> = Vec::new();
    for (index, part) in structure.parts().iter().enumerate().rev() {
        let inside = |built: &Vec<(u16, BodyStructure)>| {
            built.iter().rev().take_while(|(depth, _)| *depth == part.depth().saturating_add(1)).count()
        };
        let at = built.len().saturating_sub(inside(&built));
        let mut children: Vec<BodyStructure> = built.drain(at..).map(|(_, body)| body).collect();
        children.reverse();
        let inner = structure.parts().get(index.saturating_add(1));
        let body = one(part, inner, children)?;
        built.push((part.depth(), body));
    }
    built.pop().map(|(_, body)| body)
}

/// `inner` is the next part: of a message its root.
fn one(part: &Part, inner: Option<&Part>, children: Vec<BodyStructure>) -> Option<BodyStructure> {
    let media = part.media();
    let string = |octets: &[u8]| IString::of(octets);
    let parameters = Parameters::of(pairs(&media.parameters));
    let disposition = part.field("Content-Disposition").map(|value| Parameterized::parse(&value));
    let disposition = match disposition {
        Some(field) if !field.value.is_empty() => {
            Disposition::Is(string(&field.value), Parameters::of(pairs(&field.parameters)))
        }
        _ => Disposition::Nil,
    };
    let languages = part.field("Content-Language").unwrap_or_default();
    let languages =
        languages.split(|octet| *octet == b',').map(<[u8]>::trim_ascii).filter(|tag| !tag.is_empty());
    let is_multipart = part.kind() == Kind::Multipart;
    let md5 = if is_multipart { NString::Nil } else { NString::of(part.field("Content-MD5").as_deref()) };
    let extension = BodyExtension::Some {
        md5,
        parameters: if is_multipart { parameters.clone() } else { Parameters::default() },
        disposition: Some(disposition),
        languages: Some(Languages::of(languages)),
        location: Some(NString::of(part.field("Content-Location").as_deref())),
        rest: Bytes::new(),
    };
    if is_multipart {
        return BodyStructure::multipart(children, string(&media.subtype), extension);
    }
    let encoding = part.encoding();
    let fields = BodyFields {
        parameters,
        id: NString::of(part.field("Content-ID").as_deref()),
        description: NString::of(part.field("Content-Description").as_deref()),
        // RFC 2045 s 6.1: 7BIT where nothing is said.
        encoding: string(if encoding.is_empty() { b"7BIT" } else { &encoding }),
        octets: part.body().end.saturating_sub(part.body().start),
    };
    let (kind, subtype) = (string(&media.kind), string(&media.subtype));
    if part.kind() == Kind::Message {
        let envelope = EnvelopeText::of(&envelope(inner?));
        let body = children.into_iter().next()?;
        return Some(BodyStructure::message(
            (kind, subtype),
            fields,
            envelope,
            body,
            part.lines(),
            extension,
        ));
    }
    // RFC 9051 s 9: media-basic is not message/rfc822: one that cannot be looked into is told as octets.
    let is_message = media.is("message", "rfc822") || media.is("message", "global");
    let (kind, subtype) =
        if is_message { (string(b"application"), string(b"octet-stream")) } else { (kind, subtype) };
    let lines = media.is("text", "*").then(|| part.lines());
    Some(BodyStructure::single(kind, subtype, fields, lines, extension))
}

fn pairs(parameters: &[(Vec<u8>, Vec<u8>)]) -> impl Iterator<Item = (&[u8], &[u8])> {
    parameters.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
}
