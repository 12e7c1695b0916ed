//! SASL (RFC 4422) for mail: exchanges of both sides as pure machines, octets in and octets out.
//!
//! ```text
//!                 client::Exchange                                     server::Exchange
//!   command  ◄── name(), initial() ─────────── [response] ──────────► start(Some | None) ──┐
//!                                                                          ▲               ▼
//!   response ◄── step(challenge) ◄──────────── challenge ◄───────── Step::Challenge   Step::Question ──► application
//!                      │                                                   ▲               │
//!                      └────────────────────── response ────────────► step(response)   answer(…) ◄──────── looks up
//!                                                                                          │
//!   session  ◄── succeed() ◄────────────────── success ◄──────────── Step::Done(Identity) ◄┤
//!                                              failure ◄──────────── Step::Failed ◄────────┘
//! ```
//!
//! No protocol, no base64 of a protocol's, no socket, clock or randomness: nonces come from the caller. A look-up is
//! a question that the application answers when it knows, not a callback. What the application needs not care for:
//!
//! - A client's exchange is not through before the server has proved to know the password's keys, where the
//!   mechanism has such a proof: [`client::Exchange::succeed`] is an error then, whatever the server says.
//! - A refused token is answered as OAUTHBEARER and XOAUTH2 want it, so that neither side waits for the other.
//! - Iteration counts outside [`ITERATIONS`] are refused before anything is hashed; each message has a limit.
//! - A user that does not exist gets a SCRAM challenge from the [`Decoy`], and fails like a wrong password.
//! - To act as another is a question of its own ([`server::Question::Authorize`]), asked before success is told.
//! - Whatever holds a password zeroizes it and does not show it ([`Secret`]); comparisons take constant time.
//!
//! A client logs in by SCRAM, bound to its TLS connection if the server can:
//!
//! ```
//! use mail46_sasl::{ChannelBinding, Credential, Layer, Nonce, Secret, Selector};
//! use mail46_sasl::client::{Credentials, Exchange};
//!
//! let binding = ChannelBinding::tls_exporter(&[0; 32]); // what TLS exports for ChannelBinding::EXPORTER_LABEL
//! let selector = Selector::new(Layer::Tls, &[Credential::Password]).with_channel_bindings(&[binding]);
//! let choice = selector.select("PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS".split(' '))?;
//!
//! let nonce = Nonce::from_random(&[7; 18]); // 18 octets of the operating system's
//! let password = Secret::from("pencil");
//! let credentials = Credentials { authzid: "", user: "user", secret: &password, server: None };
//! let mut exchange = Exchange::begin(choice, &credentials, &nonce)?;
//! assert_eq!(exchange.name(), "SCRAM-SHA-256-PLUS");
//! assert!(exchange.initial().unwrap().expose().starts_with(b"p=tls-exporter,,n=user,r="));
//! // A server, or someone between, that says "success" without the proof:
//! assert!(exchange.succeed().is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | mechanism | client | server | text |
//! |---|---|---|---|
//! | SCRAM-SHA-256, SCRAM-SHA-1, each with -PLUS | yes | yes | RFC 5802, 7677; `tls-exporter` RFC 9266, `tls-server-end-point` RFC 5929 |
//! | OAUTHBEARER, XOAUTH2 | yes | yes | RFC 7628; Google's documentation |
//! | EXTERNAL | yes | yes | RFC 4422 appendix A |
//! | CRAM-MD5 | yes | yes | RFC 2195 |
//! | PLAIN, LOGIN | yes | yes | RFC 4616; draft-murchison-sasl-login |
//! | ANONYMOUS | yes | yes | RFC 4505 |
//!
//! Names and passwords are prepared by SASLprep ([`saslprep`], RFC 4013). There are no security layers (no mechanism
//! here has one) and no features.
//!
//! Tolerances, each with a test: a server that overlooks an initial response and sends an empty challenge gets it
//! again, once; LOGIN's prompts may say anything; a LOGIN server takes the user name as initial response.
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

mod anonymous;
mod binding;
pub mod client;
mod cram_md5;
mod error;
mod external;
mod login;
mod mechanism;
mod oauth;
mod plain;
mod prep;
mod scram;
mod secret;
mod select;
pub mod server;

pub use binding::{Binding, CertificateError, ChannelBinding, ChannelBindingType};
pub use error::{Error, Limit, Misuse, Peer, ServerError};
pub use mechanism::{FirstSpeaker, Mechanism, UnknownMechanism};
pub use oauth::OAuthError;
pub use prep::{Strings, Unprepared, saslprep};
pub use scram::{Decoy, ITERATIONS, Nonce, ScramHash, ScramKeys};
pub use secret::Secret;
pub use select::{Choice, ClearText, Credential, Layer, Selector, Unselectable};

/// Octets of a message, base64 undone, that either side takes unless told otherwise.
///
/// RFC 4954 s 4: "12288 octets is considered to be a sufficient line length limit", and a line of that length holds
/// less than this.
pub const MESSAGE_LIMIT: usize = 12_288;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
