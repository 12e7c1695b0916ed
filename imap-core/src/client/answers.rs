//! Whose a response is.

use super::flight::{Flight, Kind};
use crate::Untagged;

/// Whether a response is what this command asked for. What several in flight may have asked for is the first's: servers answer
/// in order where it could be mistaken (RFC 9051 s 5.5).
pub(super) fn is_answer(flight: &Flight, response: &Untagged) -> bool {
    use Kind::*;
    let kind = flight.kind;
    match response {
        Untagged::Capability(_) => kind == Capability,
        Untagged::Enabled(_) => kind == Enable,
        Untagged::List(_) | Untagged::Lsub(_) | Untagged::Xlist(_) => kind == List,
        // RFC 5819 s 2: LIST may return STATUS.
        Untagged::MailboxStatus(_) => matches!(kind, Status | List),
        Untagged::Search(_) => kind == Search,
        Untagged::Sort(_) => kind == Sort,
        Untagged::Thread(_) => kind == Thread,
        // RFC 4466 s 2.6.2: it names the command.
        Untagged::Esearch(esearch) => match &esearch.tag {
            Some(tag) => *tag.octets() == *flight.tag(),
            None => matches!(kind, Search | Sort),
        },
        Untagged::Fetch(_) | Untagged::UidFetch(_) => matches!(kind, Fetch | Store),
        Untagged::Flags(_) => kind == Select,
        Untagged::Exists(_) | Untagged::Recent(_) => kind == Select,
        Untagged::Vanished { earlier: true, .. } => matches!(kind, Fetch | Select),
        Untagged::Vanished { .. } | Untagged::Expunge(_) => kind == Expunge,
        Untagged::Id(_) => kind == Id,
        Untagged::Namespace(_) => kind == Namespace,
        Untagged::Quota(_) | Untagged::QuotaRoot(_) => kind == Quota,
        Untagged::Acl(_) | Untagged::ListRights(_) => kind == Acl,
        // RFC 8440: LIST may return MYRIGHTS.
        Untagged::MyRights(_) => matches!(kind, Acl | List),
        // RFC 9590: and METADATA.
        Untagged::Metadata(_) => matches!(kind, Metadata | List),
        // RFC 9051 s 6.3.2: SELECT is answered by codes of untagged OKs; COPYUID of MOVE comes so too (RFC 6851 s 4.3).
        Untagged::Status(status) => match status.code.as_ref() {
            Some(code) => is_code_of(kind, code),
            None => false,
        },
        _ => kind == Other,
    }
}

fn is_code_of(kind: Kind, code: &crate::Code) -> bool {
    use crate::Code;
    match code {
        Code::UidValidity(_)
        | Code::UidNext(_)
        | Code::HighestModSeq(_)
        | Code::NoModSeq
        | Code::PermanentFlags(_)
        | Code::Unseen(_)
        | Code::MailboxId(_)
        | Code::Closed => kind == Kind::Select,
        Code::CopyUid { .. } => matches!(kind, Kind::Copy | Kind::Move),
        Code::AppendUid { .. } => kind == Kind::Append,
        _ => false,
    }
}
