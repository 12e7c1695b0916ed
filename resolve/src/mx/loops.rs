use crate::{Own, facts::Exchanger};

/// The best preference at which we are an exchanger ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut(Option<u16>);

impl Cut {
    /// Whether an exchanger of this preference is better than ourselves.
    pub(super) fn is_better(self, preference: u16) -> bool {
        self.0.is_none_or(|own| preference < own)
    }

    pub(super) fn is_at(self, preference: u16) -> bool {
        self.0 == Some(preference)
    }
}

/// RFC 5321 s 5.1: "inspect the list for any of the names or addresses by which it might be known in mail transactions.
/// If a matching record is found, all records at that preference level and higher-numbered ones MUST be discarded".
pub(super) fn cut(exchangers: &[Exchanger], own: &Own) -> Cut {
    if own.names.is_empty() && own.addresses.is_empty() {
        return Cut(None);
    }
    Cut(exchangers
        .iter()
        .find(|exchanger| is_ourselves(exchanger, own))
        .map(|exchanger| exchanger.preference))
}

/// By name, by the name behind an alias, or by any address of either family, whether we would use it or not.
pub(super) fn is_ourselves(exchanger: &Exchanger, own: &Own) -> bool {
    if exchanger.target.name().is_some_and(|name| own.has_name(name)) {
        return true;
    }
    let Some(host) = &exchanger.host else { return false };
    host.alias().is_some_and(|alias| own.has_name(&alias.canonical))
        || !own.addresses.is_empty() && host.all().any(|ip| own.has_address(ip))
}
