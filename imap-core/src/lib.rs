//! IMAP over IPv4 and IPv6 alike: RFC 3501 and RFC 9051, and the extensions that servers and clients use.
//!
//! | piece | what it does |
//! |---|---|
//! | [`Framer`] | cuts whole commands and responses off the input, and streams what is long |
//! | [`Response`] | all that a server says, both ways |
//! | [`Mode`], [`Profile`], [`Quirk`] | which grammar holds on this connection, and which strayings are let pass |
//! | [`SyntaxError`] | where a line is wrong, what was expected there, and what stands there instead |
//! | [`Writer`] | writes strictly by the grammar, and marks where a synchronizing literal must wait |
//!
//! # What holds
//!
//! - **Nothing is copied to be looked at**: types say where their octets are kept, a slice of the frame or a share of it.
//! - **Strict out, exact in**: what is written is what the RFC allows; each tolerance of what is read is a named [`Quirk`].
//! - **No recursion**: nesting is data, and bounded.
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

pub mod client;
pub mod command;
#[allow(dead_code, reason = "the grammar that uses all of it is growing")]
mod cursor;
mod frame;
#[allow(dead_code, reason = "the grammar that uses all of it is growing")]
mod grammar;
pub mod memory;
#[allow(dead_code, reason = "the server that uses all of it is growing")]
pub mod message;
mod mode;
#[cfg(feature = "net")]
pub mod net;
mod response;
#[cfg_attr(not(feature = "net"), allow(dead_code, reason = "the driver uses all of it"))]
pub mod server;
#[cfg_attr(not(feature = "net"), allow(dead_code, reason = "the driver uses all of it"))]
pub mod store;
#[allow(dead_code, reason = "the grammar that uses all of it is growing")]
mod writer;

pub use command::{Command, CommandBody};
pub use cursor::{Deviation, Keep, SyntaxError};
pub use frame::{Announcement, Cut, Frame, FrameFault, FrameLimits, Framer, Refused};
pub use grammar::body::{
    Beside, BodyExtension, BodyFields, BodyStructure, Content, Disposition, EnvelopeText, Languages,
    Parameters, Part,
};
pub use grammar::capability::{Capabilities, Capability, CapabilityList, Extension};
pub use grammar::code::{Charsets, Code, Progress};
pub use grammar::date::{Date, DateTime};
pub use grammar::envelope::{Address, Addresses, Envelope};
pub use grammar::esearch::{Esearch, NumberList, PartialRange, ReturnData, ReturnOption, SearchData};
pub use grammar::fetch::{
    Fetch, FetchAttribute, FetchAttributes, FetchMacro, Invalid, Item, Labels, ObjectId, Partial,
};
pub use grammar::flag::{Flag, FlagList, FlagWord};
pub use grammar::list::{ListExtended, ListExtendedItem, MailboxAttribute, MailboxAttributes, MailboxList};
pub use grammar::mailbox::{ListMailbox, Mailbox};
pub use grammar::numbers::NumberSet;
pub use grammar::parameter::{OneOrMore, Parameter};
pub use grammar::search::{EntryType, ModSeqEntry, SearchKey, SearchKeys};
pub use grammar::section::{HeaderList, Section, SectionText};
pub use grammar::sequence::{Numbering, Ranges, SeqNumber, SeqRange, SequenceSet};
pub use grammar::sort::{SortCriterion, SortKey, SortOrder};
pub use grammar::status::{MailboxStatus, StatusAttribute, StatusAttributes, StatusItem};
pub use grammar::string::{AString, Atom, IString, LiteralForm, NString, Quoted, Tag, Text};
pub use grammar::thread::{Thread, ThreadNode};
pub use grammar::utf7;
pub use grammar::value::Value;
pub use mode::{Literals, Mode, Profile, Quirk, Quirks};
pub use response::{
    Acl, Comparator, Continuation, IdParameters, ListRights, Metadata, MetadataEntries, MyRights,
    NamespaceDescription, Namespaces, Quota, QuotaResource, QuotaRoots, Response, Status, StatusResponse,
    Untagged,
};
pub use writer::{Mark, Pause, Side, Writer};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
