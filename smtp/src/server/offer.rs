use std::ops::BitOr;

/// Which service extensions a server offers: a set of EHLO keywords.
///
/// What needs a value (the size limit, the AUTH mechanisms) stands in [`Config`](super::Config).
///
/// ```
/// use mail46_smtp::server::Offer;
/// let offer = Offer::PIPELINING | Offer::STARTTLS;
/// assert!(offer.has(Offer::STARTTLS) && !offer.has(Offer::CHUNKING));
/// assert!(!offer.without(Offer::STARTTLS).has(Offer::STARTTLS));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offer(u32);

macro_rules! offers {
    ($($(#[$doc:meta])* $name:ident = $bit:expr, $keyword:expr;)*) => {
        impl Offer {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*

            /// The keywords of those extensions that EHLO announces by a bare keyword, in the order they are announced.
            pub(super) const KEYWORDS: &[(Self, &str)] = &[$((Self::$name, $keyword)),*];
        }
    };
}

offers! {
    /// RFC 2920.
    PIPELINING = 0, "PIPELINING";
    /// RFC 6152.
    EIGHT_BIT_MIME = 1, "8BITMIME";
    /// RFC 3030: BDAT.
    CHUNKING = 2, "CHUNKING";
    /// RFC 3030: BODY=BINARYMIME; only with CHUNKING.
    BINARY_MIME = 3, "BINARYMIME";
    /// RFC 6531.
    SMTP_UTF8 = 4, "SMTPUTF8";
    /// RFC 2034. The replies that the machine suggests always carry the codes.
    ENHANCED_STATUS_CODES = 5, "ENHANCEDSTATUSCODES";
    /// RFC 3461.
    DSN = 6, "DSN";
    /// RFC 3207. Announced and taken only outside TLS.
    STARTTLS = 7, "STARTTLS";
    /// RFC 1985.
    ETRN = 8, "ETRN";
    /// RFC 2852. Announced without a minimum.
    DELIVER_BY = 9, "DELIVERBY";
    /// RFC 6710.
    MT_PRIORITY = 10, "MT-PRIORITY";
    /// RFC 4865. Announced with the limits of [`Config::future_release`](super::Config::future_release).
    FUTURE_RELEASE = 11, "FUTURERELEASE";
    /// RFC 8689. Announced and taken only inside TLS (s 2).
    REQUIRE_TLS = 12, "REQUIRETLS";
    /// RFC 7293.
    RRVS = 13, "RRVS";
    /// RFC 9422. Announced with RCPTMAX from [`Limits::recipients`](super::Limits::recipients).
    LIMITS = 14, "LIMITS";
    /// RFC 4468.
    BURL = 15, "BURL";
    /// RFC 2645.
    ATRN = 16, "ATRN";
    /// Postfix's XCLIENT; only for peers that are trusted.
    XCLIENT = 17, "XCLIENT";
    /// Postfix's XFORWARD; only for peers that are trusted.
    XFORWARD = 18, "XFORWARD";
    /// RFC 5321 s 3.5.
    VRFY = 19, "VRFY";
    /// RFC 5321 s 3.5.
    EXPN = 20, "EXPN";
    /// RFC 5321 s 4.1.1.8.
    HELP = 21, "HELP";
}

impl Offer {
    /// No extension at all.
    pub const NONE: Self = Self(0);

    /// What every server should offer and the machine does alone: PIPELINING, 8BITMIME, CHUNKING, SMTPUTF8,
    /// ENHANCEDSTATUSCODES, HELP.
    pub const USUAL: Self = Self(
        Self::PIPELINING.0
            | Self::EIGHT_BIT_MIME.0
            | Self::CHUNKING.0
            | Self::SMTP_UTF8.0
            | Self::ENHANCED_STATUS_CODES.0
            | Self::HELP.0,
    );

    /// Whether all of `other` is in the set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Offer {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How much longer a command line may be for each extension offered.
const INCREMENTS: &[(Offer, usize)] = &[
    (Offer::EIGHT_BIT_MIME, 17), // " BODY=8BITMIME" and RFC 1652 s 2 (7)
    (Offer::BINARY_MIME, 16),    // RFC 3030 s 3 (8)
    (Offer::SMTP_UTF8, 10),      // RFC 6531 s 3.1 (5)
    (Offer::DELIVER_BY, 17),     // RFC 2852 s 3 (5)
    (Offer::MT_PRIORITY, 15),    // RFC 6710 s 3 (6)
    (Offer::FUTURE_RELEASE, 34), // RFC 4865 s 3 (5)
    (Offer::REQUIRE_TLS, 11),    // RFC 8689 s 2 (5)
    (Offer::RRVS, 33),           // RFC 7293 s 3.1: the parameter and its longest date-time
    // RFC 3461 s 4 names no figure: ENVID is up to 100 characters (s 4.4), ORCPT up to 500 (s 4.2), with their keywords.
    (Offer::DSN, 500 + 7 + 100 + 8 + 9 + 30),
];

/// RFC 5321 s 4.5.3.1.4: 512 octets with CRLF, and what each extension adds.
pub(super) fn command_line(offer: Offer, mechanisms: usize) -> usize {
    let base = 512usize;
    // RFC 1870 s 3 (5): SIZE is always announced. RFC 4954 s 3 (5): AUTH= adds 500.
    let auth = if mechanisms > 0 { 500 } else { 0 };
    INCREMENTS
        .iter()
        .filter(|(extension, _)| offer.has(*extension))
        .fold(base.saturating_add(26).saturating_add(auth), |sum, (_, octets)| sum.saturating_add(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_grows_with_the_offer() {
        assert_eq!(command_line(Offer::NONE, 0), 538);
        assert_eq!(command_line(Offer::EIGHT_BIT_MIME | Offer::SMTP_UTF8, 1), 538 + 500 + 17 + 10);
    }
}
