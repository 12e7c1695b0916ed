//! Where reports about failed TLS go: the TXT record of TLSRPT (RFC 8460 s 3).

use mail46_wire::{Domain, NameError};

use crate::record;

/// The TXT record at `_smtp._tls`.
///
/// ```
/// use mail46_resolve::tlsrpt::{Record, Report};
/// let record = Record::find(&[b"v=TLSRPTv1;rua=mailto:reports@example.com".to_vec()]).unwrap();
/// assert_eq!(record.reports, [Report::Mailto("reports@example.com".into())]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Record {
    /// Where reports go, in the order of the record. Schemes that are not known are left out.
    pub reports: Vec<Report>,
}

/// One place where reports go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// By mail to this address, as the URI has it (percent-encoded).
    Mailto(Box<str>),
    /// By POST to this URI.
    Https(Box<str>),
}

impl Record {
    /// The record among all TXT records at `_smtp._tls`: `None` unless exactly one of them is of this version, and whole.
    pub fn find(records: &[Vec<u8>]) -> Option<Self> {
        let text = record::only(records, b"v=TLSRPTv1;")?;
        let mut reports = None;
        for (name, value) in record::fields(text)? {
            match name {
                "rua" => {
                    let found = uris(value)?;
                    reports = reports.or(Some(found));
                }
                name if record::is_extension(name, value) => {}
                _ => return None,
            }
        }
        reports.map(|reports| Self { reports })
    }

    /// Where the record of a domain is.
    ///
    /// # Errors
    /// [`NameError::TooLong`].
    pub fn name(domain: &Domain) -> Result<Domain, NameError> {
        let name = format!("_smtp._tls.{}", domain.to_ascii());
        Domain::parse_with_underscores(name.as_bytes()).map(|name| name.to_owned())
    }
}

/// As a URI.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mailto(address) => write!(f, "mailto:{address}"),
            Self::Https(uri) => f.write_str(uri),
        }
    }
}

/// `tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)`.
fn uris(value: &str) -> Option<Vec<Report>> {
    let mut reports = Vec::new();
    for uri in value.split(',') {
        let uri = uri.trim_matches([' ', '\t']);
        // "commas, exclamation points, and semicolons MUST be encoded"
        if !uri.bytes().all(|c| c.is_ascii_graphic() && c != b'!') {
            return None;
        }
        let (scheme, rest) = uri.split_once(':')?;
        // RFC 3986 s 3.1: schemes are compared without regard to case.
        if scheme.eq_ignore_ascii_case("mailto") && rest.contains('@') {
            reports.push(Report::Mailto(rest.into()));
        } else if scheme.eq_ignore_ascii_case("https") && rest.starts_with("//") {
            reports.push(Report::Https(uri.into()));
        }
    }
    Some(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailto(address: &str) -> Report {
        Report::Mailto(address.into())
    }

    #[test]
    fn records() {
        let https = || Report::Https("https://reporting.example.com/v1/tlsrpt".into());
        let rows: &[(&[&str], Option<Vec<Report>>, &str)] = &[
            (
                &["v=TLSRPTv1;rua=mailto:reports@example.com"],
                Some(vec![mailto("reports@example.com")]),
                "s 3.1.1",
            ),
            (&["v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"], Some(vec![https()]), "s 3.1.2"),
            (
                &["v=TLSRPTv1; rua=mailto:a@b.example , https://reporting.example.com/v1/tlsrpt ;"],
                Some(vec![mailto("a@b.example"), https()]),
                "two, blanks and a last semicolon",
            ),
            (
                &["v=TLSRPTv1;x=y;rua=MAILTO:a@b.example"],
                Some(vec![mailto("a@b.example")]),
                "an extension, upper case",
            ),
            (
                &["v=TLSRPTv1;rua=ftp://x,mailto:a@b.example"],
                Some(vec![mailto("a@b.example")]),
                "an unknown scheme",
            ),
            (&["v=TLSRPTv1;rua=mailto:a@b;rua=mailto:c@d"], Some(vec![mailto("a@b")]), "twice: the first"),
            (
                &["other", "v=TLSRPTv1;rua=mailto:a@b.example"],
                Some(vec![mailto("a@b.example")]),
                "others are discarded",
            ),
            (&[], None, "no record"),
            (&["v=TLSRPTv1;rua=mailto:a@b", "v=TLSRPTv1;rua=mailto:a@b"], None, "two"),
            (&["v=TLSRPTv2;rua=mailto:a@b"], None, "another version"),
            (&["v=TLSRPTv1;"], None, "nothing behind the version"),
            (&["v=TLSRPTv1;x=y"], None, "rua is required"),
            (&["v=TLSRPTv1;rua=mailto:a!b@c"], None, "an exclamation mark must be encoded"),
            (&["v=TLSRPTv1;rua=reports@example.com"], None, "no URI"),
            (&["v=TLSRPTv1;rua"], None, "no field"),
            (&["v=TLSRPTv1;;rua=mailto:a@b"], None, "an empty field"),
        ];
        for (texts, want, why) in rows {
            let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
            assert_eq!(Record::find(&texts).map(|record| record.reports), *want, "{why}");
        }
    }
}
