//! What tests of the grammar share.

use bytes::BytesMut;

use crate::mode::{Mode, Profile};
use crate::writer::{Side, Writer};

/// What a client writes that may not send literals at once.
pub(crate) fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
    let mode = Mode::new(Profile::Strict);
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out, Side::Client, &mode));
    String::from_utf8(out.to_vec()).unwrap()
}
