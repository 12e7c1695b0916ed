//! What the machine has to know of each command.

use super::flight::{Kind, Traits};
use crate::command::{CommandBody, FetchModifier};
use crate::{Numbering, SearchKey, SearchKeys};

/// What RFC 9051 s 5.5 asks of a command; `None` for those with a verb of their own, which change more than a mailbox.
pub(super) fn traits(body: &CommandBody) -> Option<Traits> {
    use CommandBody as C;
    let numbered = |kind, numbering| Traits {
        kind,
        numbering: Some(numbering),
        has_sequence_numbers: numbering == Numbering::Sequence,
    };
    // What it looks for may name messages by number, though it answers UIDs.
    let looking = |kind, numbering, keys: &SearchKeys| Traits {
        kind,
        numbering: Some(numbering),
        has_sequence_numbers: keys.as_slice().iter().any(|key| matches!(key, SearchKey::Sequence(_))),
    };
    Some(match body {
        C::Authenticate(_)
        | C::Compress(_)
        | C::Enable(_)
        | C::Idle
        | C::Login(_)
        | C::Logout
        | C::StartTls => return None,
        C::Append(_) => Traits::of(Kind::Append),
        C::Capability => Traits::of(Kind::Capability),
        C::Id(_) => Traits::of(Kind::Id),
        C::List(_) | C::Lsub(..) | C::Rlist(..) | C::Rlsub(..) | C::Xlist(..) => Traits::of(Kind::List),
        C::Namespace => Traits::of(Kind::Namespace),
        C::Select(_) | C::Examine(_) => Traits::of(Kind::Select),
        C::Status(..) => Traits::of(Kind::Status),
        C::GetAcl(_) | C::ListRights(..) | C::MyRights(_) => Traits::of(Kind::Acl),
        C::GetMetadata(_) => Traits::of(Kind::Metadata),
        C::GetQuota(_) | C::GetQuotaRoot(_) | C::SetQuota(_) => Traits::of(Kind::Quota),
        C::Close | C::Unselect => Traits::of(Kind::Unselect),
        C::Unauthenticate => Traits::of(Kind::Unauthenticate),
        C::Expunge(_) => Traits::of(Kind::Expunge),
        C::Copy { numbering, .. } => numbered(Kind::Copy, *numbering),
        C::Move { numbering, .. } => numbered(Kind::Move, *numbering),
        C::Fetch(fetch) => {
            let mut traits = numbered(Kind::Fetch, fetch.numbering);
            // RFC 9394 s 3.2: places in the mailbox are message numbers too.
            traits.has_sequence_numbers |=
                fetch.modifiers.iter().any(|it| matches!(it, FetchModifier::Partial(_)));
            traits
        }
        C::Store(store) => numbered(Kind::Store, store.numbering),
        C::Search(search) => looking(Kind::Search, search.numbering, &search.keys),
        C::Sort(sort) => looking(Kind::Sort, sort.numbering, &sort.keys),
        C::Thread(thread) => looking(Kind::Thread, thread.numbering, &thread.keys),
        C::Replace(replace) => numbered(Kind::Append, replace.numbering),
        _ => Traits::of(Kind::Other),
    })
}
