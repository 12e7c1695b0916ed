//! IMAP over IPv4 and IPv6 alike: RFC 3501 and RFC 9051, and the extensions that servers and clients use.
//!
//! ```text
//!    net::Client ─► client::Connection ─► Command ── Framer ──► Command ─► server::Connection ─► net::serve, store::Account
//!     a stream          a machine        Response ◄── Framer ── Response         a machine         yours, or memory::Memory
//!                           └► client::MailboxView
//! ```
//!
//! | piece | what it does |
//! |---|---|
//! | [`Framer`] | cuts whole commands and responses off the input, and streams what is long |
//! | [`Command`], [`Response`] | all that a client and a server say, both ways |
//! | [`Mode`], [`Profile`], [`Quirk`] | which grammar holds on this connection, and which strayings are let pass |
//! | [`SyntaxError`], [`Deviation`] | where a line is wrong, what was expected there, and what stands there instead; what was let pass |
//! | [`Writer`] | writes strictly by the grammar, and marks where a synchronizing literal must wait |
//! | [`client::Connection`], [`client::MailboxView`] | one session as a machine; what the server has told of the mailbox |
//! | [`server::Connection`] | the other side of a session: states, what may be told when, limits |
//! | [`store`], [`memory`], [`message`] | what a server asks of a mail store; one in memory; what a message is made of |
//! | `net::Client`, `net::serve` | drivers for tokio, with TLS by policy and COMPRESS |
//!
//! # What holds
//!
//! - **Nothing is copied to be looked at**: types say where their octets are kept, a slice of the frame or a share of it.
//! - **Strict out, exact in**: what is written is what the RFC allows; each tolerance of what is read is a named [`Quirk`].
//!   What the grammar has no word for is left out or said in the nearest form it has; the type says which.
//! - **Loss is local**: an item, a code, a response that is not known or cannot be read is kept raw, and the rest is read.
//! - **A message is streamed**, both ways, and is whole only when its end was seen.
//! - **No recursion**: nesting is data, and bounded. **Whatever a peer can make grow has a limit.**
//! - **Nothing in the clear survives STARTTLS**, and no password goes outside TLS unless the configuration says so.
//!
//! # The contract of a machine
//!
//! A machine has no socket and no clock. `next(&mut input)` takes off the input what it understands and tells what happened;
//! `output()` is what is to be written, which the driver takes off; `timeout()` says how long to wait at most; every verb
//! (`login`, `send`, `complete`, …) says something and is an error where it may not be said. An error of `next` ends the session.
//! The two of them without a socket between:
//!
//! ```
//! use bytes::BytesMut;
//! use mail46_imap_core::client::{self, Event, MailboxView};
//! use mail46_imap_core::server::{self, Event as Asked, Reply, Selection, Verb};
//! use mail46_imap_core::{Command, Mode, Profile};
//! use mail46_wire::Step;
//!
//! // Passwords are taken outside TLS, as TLS is not part of this.
//! let (mut config, mut serving) = (client::Config::default(), server::Config::new("ready"));
//! (config.passwords, serving.in_clear) = (client::InClear::Taken, server::InClear::Taken);
//! let (mut client, mut server) = (client::Connection::new(config), server::Connection::new(serving.into()));
//! let (mut heard, mut asked, mut mailbox) = (BytesMut::new(), BytesMut::new(), MailboxView::new());
//! server.greet()?;
//! 'session: loop {
//!     heard.unsplit(server.output().split()); // two drivers would write and read here
//!     while let Step::Event(event) = client.next(&mut heard)? {
//!         match event {
//!             Event::Ready => drop(client.login("fred", &"tanstaaf".into())?),
//!             Event::Authenticated(_) => {
//!                 let select = Command::parse_shared(&"x SELECT INBOX\r\n".into(), &[], &Mode::new(Profile::Strict))?;
//!                 client.send(select.body)?;
//!             }
//!             Event::Untagged { response, .. } => drop(mailbox.update(&response)),
//!             Event::Completed(selected) if mailbox.len() > 0 && selected.is_ok() => drop(client.logout()?),
//!             _ => {}
//!         }
//!     }
//!     asked.unsplit(client.output().split());
//!     while let Step::Event(event) = server.next(&mut asked)? {
//!         match event {
//!             Asked::LogIn(log_in) if log_in.user == b"fred" => server.log_in("welcome")?,
//!             Asked::Command(request) if request.verb == Verb::Select => {
//!                 server.select(Selection::Mailbox)?;
//!                 server.exists(2)?;
//!                 server.complete(Reply::ok("selected").with_code("READ-WRITE"))?;
//!             }
//!             Asked::Closed => break 'session,
//!             _ => server.complete(Reply::no("not here"))?,
//!         }
//!     }
//! }
//! assert_eq!(mailbox.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Texts
//!
//! Read and written both ways, by [`Command`], [`Response`] and the types in them:
//!
//! | RFC | by the capability | what of it |
//! |---|---|---|
//! | 3501, 9051 | `IMAP4rev1`, `IMAP4rev2` | all |
//! | 2177 | `IDLE` | all |
//! | 2193, 2221 | `MAILBOX-REFERRALS`, `LOGIN-REFERRALS` | RLIST, RLSUB; the code REFERRAL |
//! | 2342 | `NAMESPACE` | all |
//! | 2971 | `ID` | all |
//! | 3348, 5258, 5819, 6154, 8440, 9590 | `CHILDREN`, `LIST-EXTENDED`, `LIST-STATUS`, `SPECIAL-USE`, `CREATE-SPECIAL-USE`, `LIST-MYRIGHTS`, `LIST-METADATA` | LIST with selection and return options, its attributes and extended data |
//! | 3502, 4469, 7889 | `MULTIAPPEND`, `CATENATE`, `APPENDLIMIT` | several messages in an APPEND, messages made of parts, how much is taken |
//! | 3516 | `BINARY` | literal8; FETCH BINARY and BINARY.SIZE |
//! | 3691, 4315, 6851, 8508 | `UNSELECT`, `UIDPLUS`, `MOVE`, `REPLACE` | all |
//! | 4314 | `ACL`, `RIGHTS=` | all |
//! | 4467, 5524 | `URLAUTH`, `URLAUTH=BINARY` | the commands and responses; URLs are text |
//! | 4731, 5032, 5182, 6203, 7377, 9394 | `ESEARCH`, `WITHIN`, `SEARCHRES`, `SEARCH=FUZZY`, `MULTISEARCH`, `PARTIAL` | SEARCH and what it returns |
//! | 4959, 5161, 8437 | `SASL-IR`, `ENABLE`, `UNAUTHENTICATE` | all |
//! | 4978 | `COMPRESS=DEFLATE` | the command; the layer in `net` |
//! | 5255 | `LANGUAGE`, `I18NLEVEL=` | the commands and responses; texts are the application's |
//! | 5256, 5957, 5267 | `SORT`, `THREAD=`, `SORT=DISPLAY`, `ESORT`, `CONTEXT=` | SORT and THREAD |
//! | 5257, 5259, 5466 | `ANNOTATE-EXPERIMENT-1`, `CONVERT`, `FILTERS` | their response codes; FILTER in SEARCH |
//! | 5464 | `METADATA`, `METADATA-SERVER` | all |
//! | 5465 | `NOTIFY` | all |
//! | 5530 | none | the response codes |
//! | 6855 | `UTF8=ACCEPT`, `UTF8=ONLY` | all |
//! | 7162 | `CONDSTORE`, `QRESYNC` | all |
//! | 7888 | `LITERAL+`, `LITERAL-` | all |
//! | 8438, 8474, 8514, 8970 | `STATUS=SIZE`, `OBJECTID`, `SAVEDATE`, `PREVIEW` | all |
//! | 9208 | `QUOTA`, `QUOTASET`, `QUOTA=RES-` | all |
//! | 9585, 9586, 9738 | `INPROGRESS`, `UIDONLY`, `MESSAGELIMIT=` | UIDFETCH; the response codes |
//! | none | `X-GM-EXT-1`, `XLIST` | Gmail's FETCH items and SEARCH key |
//!
//! # Quirks
//!
//! [`Profile::Liberal`] has all, [`Profile::Strict`] none; [`Mode::quirks`] is any set. What was let pass is told
//! as a [`Deviation`], and is written as the grammar has it. The tests have a line of each.
//!
//! | [`Quirk`] | read | written |
//! |---|---|---|
//! | `TrailingSpace` | `* SEARCH 1 2 ` | `* SEARCH 1 2` |
//! | `DoubleSpace` | `* LIST  () "/" a` | one space |
//! | `SpaceInParentheses` | `* NAMESPACE (("" "/") ("a" "/")) …` | no space |
//! | `MissingSpace` | `* LIST ()"/" a` | the space |
//! | `MissingText` | `* OK [HIGHESTMODSEQ 1]` | the space that belongs behind it |
//! | `BareContinuation` | `+` | `+ ` |
//! | `EightBit` | `"caf\xe9"` | a literal; in text `?` |
//! | `StrayBackslash` | `"a\b"` | `"a\\b"` |
//! | `ControlCharacter` | CR, LF or NUL in quotes or text | a literal; in text `?` |
//! | `FlagSpecials` | `* FLAGS (\Seen \*)` | as it came |
//! | `NilString` | `("charset" NIL)` | `("charset" "")` |
//! | `UnquotedString` | `PREVIEW abc` | `PREVIEW "abc"` |
//! | `NegativeNumber` | `-1` lines | `0` |
//! | `Zero` | `[UIDVALIDITY 0]` | nothing: the code is left out; `MODSEQ (0)` as `(1)`, the least there is |
//! | `HugeNumber` | `* 4294967296 EXISTS` | the greatest that fits |
//! | `MissingStatus` | `[COPYUID 55 31 6] moved` | `* OK [COPYUID 55 31 6] moved` |
//! | `EmptyList` | `("text" "plain" () …` | `NIL` where the grammar has it |
//! | `MissingField` | an envelope of nine fields, a body that is `()` | `NIL`, or a string that says nothing |
//! | `ExtraParentheses` | `(UID 7 (ENVELOPE (…)))` | `(UID 7 ENVELOPE (…))` |
//! | `ServerLiteralPlus` | `{3+}` from a server | `{3}` |
//! | `DateForm` | `"1-Jan-2024 …"` | `" 1-Jan-2024 …"` |
//! | `BrokenItem` | an ENVELOPE of no grammar | as it came, as [`Item::Invalid`] |
//! | `NoRevision` | `* CAPABILITY STARTTLS` | as it came |
//!
//! # Features
//!
//! `net`: the tokio drivers. `tls`: TLS in them by rustls; the application brings the configuration, and with it the crypto
//! provider. Both are default; without them this crate knows no socket and no clock.
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
mod cursor;
mod frame;
mod grammar;
pub mod memory;
#[cfg_attr(not(feature = "net"), allow(dead_code, reason = "the driver of the server answers from it"))]
pub mod message;
mod mode;
#[cfg(feature = "net")]
pub mod net;
mod response;
#[cfg_attr(not(feature = "net"), allow(dead_code, reason = "the driver uses all of it"))]
pub mod server;
#[cfg_attr(not(feature = "net"), allow(dead_code, reason = "the driver uses all of it"))]
pub mod store;
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
