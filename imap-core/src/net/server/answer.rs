//! Refusals of a store as replies.

use crate::server::Reply;
use crate::store::Refusal;

/// NO, with the code of its reason.
pub(super) fn refused(refusal: &Refusal) -> Reply {
    let reply = Reply::no(refusal.text.clone());
    match refusal.reason.code() {
        Some(code) => reply.with_code(code),
        None => reply,
    }
}
