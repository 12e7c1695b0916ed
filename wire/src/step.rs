/// What a connection answers when it is asked to go on: h11's three answers.
///
/// A driver that gets [`Step::WantsInput`] writes what is in the connection's output, reads, and asks again. One
/// that gets [`Step::Paused`] owes the connection a verb (a reply, a decision, a finished TLS handshake): no octet
/// of the input is looked at until then. That one word is back-pressure, pipelining and STARTTLS at once.
#[must_use = "an event that is dropped is a command that nobody answers"]
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a fourth answer would break each driver, and should
pub enum Step<E> {
    /// Something happened.
    Event(E),
    /// Nothing more can be told from the octets at hand.
    WantsInput,
    /// The application owes the connection an answer first.
    Paused,
}

impl<E> Step<E> {
    /// The event, if it is one.
    pub fn event(self) -> Option<E> {
        match self {
            Self::Event(event) => Some(event),
            Self::WantsInput | Self::Paused => None,
        }
    }

    /// The same answer with its event put through `f`.
    pub fn map<F>(self, f: impl FnOnce(E) -> F) -> Step<F> {
        match self {
            Self::Event(event) => Step::Event(f(event)),
            Self::WantsInput => Step::WantsInput,
            Self::Paused => Step::Paused,
        }
    }
}
