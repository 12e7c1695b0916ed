//! SMTP, submission and LMTP.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod address;
mod argument;
pub mod client;
mod command;
mod datetime;
mod extension;
mod hot;
#[cfg(feature = "net")]
pub mod net;
mod param;
mod quirks;
mod reply;
pub mod server;
mod syntax;
mod text;
pub mod trace;
mod xtext;

pub use address::{AddressError, ForwardPath, LocalPart, Mailbox, ReversePath};
pub use argument::{Attributes, Domains, Node, Query};
pub use command::{Chunk, Command, Parsed, Verb};
pub use datetime::DateTime;
pub use extension::{Extension, ExtensionKind, Extensions, ExtensionsBuilder, LimitsParam, Words};
pub use mail46_wire::{AddressLiteral, Domain, Host};
pub use param::{
    Body, By, ByMode, ByTrace, Notify, Param, ParamError, ParamKind, Params, Ret, Rrvs, RrvsAction, Submitter,
};
pub use quirks::{Quirks, Rules, Utf8};
pub use reply::{EnhancedCode, Reply, ReplyCode, ReplyError, ReplyReader, Severity};
pub use syntax::{Fault, SyntaxError};
pub use text::{InitialResponse, Keyword, Mechanism, Text, TextError};
pub use xtext::{Orcpt, XText};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
