//! A mail account as a URL (RFC 2384).

use crate::{Exit, Stop};

/// Who, at which server, and how.
#[derive(Debug)]
pub struct Account {
    /// The user.
    pub user: String,
    /// A name, or an address of either family without brackets.
    pub host: String,
    /// The port: 995, 110 or what is given.
    pub port: u16,
    /// TLS from the first octet on.
    pub implicit: bool,
}

impl Account {
    /// `pop3s://USER@HOST[:PORT]` or `pop3://USER@HOST[:PORT]`.
    pub fn parse(url: &str) -> Result<Self, Stop> {
        let form = || {
            Stop::new(Exit::Usage, format!("{url}: give pop3s://USER@HOST[:PORT] or pop3://USER@HOST[:PORT]"))
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
        let implicit = match scheme {
            "pop3s" => true,
            "pop3" => false,
            _ => return Err(form()),
        };
        let (user, place) = rest.trim_end_matches('/').rsplit_once('@').ok_or_else(form)?;
        let bracket = place.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match place[bracket..].rfind(':') {
            Some(colon) => {
                (&place[..bracket + colon], place[bracket + colon + 1..].parse().map_err(|_| form())?)
            }
            None => (place, if implicit { 995 } else { 110 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if user.is_empty() || host.is_empty() {
            return Err(form());
        }
        Ok(Self { user: user.to_owned(), host: host.to_owned(), port, implicit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let rows = [
            ("pop3s://u@pop.example", Some(("u", "pop.example", 995, true))),
            ("pop3://u@pop.example/", Some(("u", "pop.example", 110, false))),
            ("pop3://u@d.example@[2001:db8::1]:1110", Some(("u@d.example", "2001:db8::1", 1110, false))),
            ("pop3s://u@[::1]", Some(("u", "::1", 995, true))),
            ("pop3s://u@127.0.0.1:1", Some(("u", "127.0.0.1", 1, true))),
            ("imap://u@h", None),
            ("pop3://h", None),
            ("pop3://@h", None),
            ("pop3://u@", None),
            ("pop3://u@h:65536", None),
        ];
        for (url, want) in rows {
            let account = Account::parse(url).ok();
            let got = account.as_ref().map(|a| (a.user.as_str(), a.host.as_str(), a.port, a.implicit));
            assert_eq!(got, want, "{url}");
        }
    }
}
