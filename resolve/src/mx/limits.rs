use std::net::IpAddr;

use crate::{Dropped, Limits, Reason, Target, Tier};

/// Cuts hosts and addresses beyond the limits off, worst first, and keeps both families where there are both.
pub(super) fn apply(tiers: &mut Vec<Tier>, limits: Limits, dropped: &mut Vec<Dropped>) -> bool {
    // A limit of none is one of one: mail is not to bounce for it.
    let limits = Limits { hosts: limits.hosts.max(1), addresses: limits.addresses.max(1) };
    let mut limited = false;
    let hosts: usize = tiers.iter().map(|tier| tier.hosts.len()).sum();
    if hosts > limits.hosts {
        limited = true;
        let families = |ips: &[IpAddr]| Families {
            v4: ips.iter().any(IpAddr::is_ipv4),
            v6: ips.iter().any(IpAddr::is_ipv6),
        };
        let all = tiers.iter().flat_map(|tier| &tier.hosts).map(|host| families(&host.addresses));
        let mut ration = Ration::new(limits.hosts, all);
        for tier in tiers.iter_mut() {
            tier.hosts.retain(|host| {
                ration.take(families(&host.addresses)) || {
                    drop(tier.preference, host, dropped);
                    false
                }
            });
        }
    }
    let addresses: usize = tiers.iter().flat_map(|tier| &tier.hosts).map(|host| host.addresses.len()).sum();
    if addresses > limits.addresses {
        limited = true;
        let family = |ip: &IpAddr| Families { v4: ip.is_ipv4(), v6: ip.is_ipv6() };
        let all =
            tiers.iter().flat_map(|tier| &tier.hosts).flat_map(|host| host.addresses.iter().map(family));
        let mut ration = Ration::new(limits.addresses, all);
        for tier in tiers.iter_mut() {
            tier.hosts.retain_mut(|host| {
                host.addresses.retain(|ip| ration.take(family(ip)));
                !host.addresses.is_empty() || {
                    drop(tier.preference, host, dropped);
                    false
                }
            });
        }
    }
    if limited {
        tiers.retain(|tier| !tier.hosts.is_empty());
    }
    limited
}

fn drop(preference: u16, host: &crate::RouteHost, dropped: &mut Vec<Dropped>) {
    let target = Target::from_text(&host.name.to_string());
    dropped.push(Dropped { preference, target, reason: Reason::Limit });
}

/// What one host or address has.
#[derive(Clone, Copy)]
struct Families {
    v4: bool,
    v6: bool,
}

/// So many in all, and of them so many at least for each family.
struct Ration {
    left: usize,
    owed_v4: usize,
    owed_v6: usize,
}

impl Ration {
    fn new(limit: usize, all: impl Iterator<Item = Families>) -> Self {
        let (mut v4, mut v6) = (0_usize, 0_usize);
        for families in all {
            v4 = v4.saturating_add(usize::from(families.v4));
            v6 = v6.saturating_add(usize::from(families.v6));
        }
        // Two of five; one of two.
        let share = match limit {
            0 | 1 => 0,
            2..5 => 1,
            _ => (limit / 5).saturating_mul(2),
        };
        Self { left: limit, owed_v4: v4.min(share), owed_v6: v6.min(share) }
    }

    /// Takes it unless what is left is owed to the other family.
    fn take(&mut self, families: Families) -> bool {
        let owed_v4 = self.owed_v4.saturating_sub(usize::from(families.v4));
        let owed_v6 = self.owed_v6.saturating_sub(usize::from(families.v6));
        let Some(left) = self.left.checked_sub(1) else { return false };
        if left < owed_v4.saturating_add(owed_v6) {
            return false;
        }
        (self.left, self.owed_v4, self.owed_v6) = (left, owed_v4, owed_v6);
        true
    }
}
