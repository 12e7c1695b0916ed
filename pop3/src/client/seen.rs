use std::{collections::BTreeMap, fmt::Write};

use crate::{MessageNumber, UniqueId};

/// Which messages were fetched already, by their unique-ids (RFC 1939 s 7), for who leaves mail on the server.
///
/// It knows no file and no clock: it is read from a text, and asked with the time. A message is [`mark`](Self::mark)ed only when it
/// is safe; what was interrupted is fetched again, and nothing twice.
///
/// ```
/// use mail46_pop3::{MessageNumber, UniqueId};
/// use mail46_pop3::client::{Keep, Seen};
///
/// let mut seen = Seen::parse("old 1000\n")?;
/// let on_server = [(1, "old"), (2, "new")].map(|(number, id)| (MessageNumber::new(number).unwrap(), id.parse().unwrap()));
/// let plan = seen.plan(&on_server, Keep::Seconds(60), 1059);
/// assert_eq!((plan.fetch.len(), plan.delete.len()), (1, 0)); // message 2; "old" may stay a second more
/// let id: UniqueId = "new".parse()?;
/// seen.mark(&id, 1059);
/// assert_eq!(seen.to_text(), "new 1059\nold 1000\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<Vec<u8>, u64>);

/// How long fetched messages stay on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// Until somebody else removes them.
    Forever,
    /// So many seconds from when they were fetched; 0: not at all.
    Seconds(u64),
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// What was never fetched.
    pub fetch: Vec<MessageNumber>,
    /// What was fetched and has stayed long enough.
    pub delete: Vec<MessageNumber>,
}

/// A line that [`Seen`] has not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not a unique-id and a time")]
pub struct StateError {
    /// Which, counted from 1.
    pub line: usize,
}

impl Seen {
    /// From what [`to_text`](Self::to_text) made: a line for each message, its unique-id and the seconds at which it was fetched.
    ///
    /// # Errors
    /// [`StateError`]: to go on as if nothing were known would fetch everything again.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let entry = |(index, line): (usize, &str)| {
            let parsed = line.rsplit_once(' ').and_then(|(id, time)| {
                UniqueId::parse(id.as_bytes()).ok()?;
                Some((id.as_bytes().to_vec(), time.parse().ok()?))
            });
            parsed.ok_or_else(|| StateError { line: index.saturating_add(1) })
        };
        text.lines().enumerate().map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// As text, sorted.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (id, time) in &self.0 {
            let _ = writeln!(text, "{} {time}", String::from_utf8_lossy(id));
        }
        text
    }

    /// Whether it was fetched.
    pub fn contains<B: AsRef<[u8]>>(&self, id: &UniqueId<B>) -> bool {
        self.0.contains_key(id.as_bytes())
    }

    /// It is fetched, and safe.
    pub fn mark<B: AsRef<[u8]>>(&mut self, id: &UniqueId<B>, now: u64) {
        self.0.entry(id.as_bytes().to_vec()).or_insert(now);
    }

    /// What to fetch and what to delete. Messages that bear the same unique-id should be the same (RFC 1939 s 7), but nobody can tell:
    /// of them only the first is fetched or deleted, and the next one is the first in its time, if what was deleted is forgotten
    /// ([`retain`](Self::retain)).
    pub fn plan(&self, on_server: &[(MessageNumber, UniqueId)], keep: Keep, now: u64) -> Plan {
        let mut plan = Plan::default();
        let mut met = std::collections::HashSet::new();
        for (number, id) in on_server.iter().filter(|(_, id)| met.insert(id.as_bytes())) {
            match (self.0.get(id.as_bytes()), keep) {
                (None, _) => plan.fetch.push(*number),
                (Some(since), Keep::Seconds(most)) if now.saturating_sub(*since) >= most => {
                    plan.delete.push(*number)
                }
                _ => {}
            }
        }
        plan
    }

    /// Forgets what is not on the server any more, so that the state does not grow for ever.
    pub fn retain(&mut self, on_server: &[(MessageNumber, UniqueId)]) {
        let there: std::collections::HashSet<&[u8]> = on_server.iter().map(|(_, id)| id.as_bytes()).collect();
        self.0.retain(|id, _| there.contains(id.as_slice()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(ids: &[&str]) -> Vec<(MessageNumber, UniqueId)> {
        let entry =
            |(index, id): (usize, &&str)| (MessageNumber::from_index(index).unwrap(), id.parse().unwrap());
        ids.iter().enumerate().map(entry).collect()
    }

    fn numbers(list: &[MessageNumber]) -> Vec<u32> {
        list.iter().map(|number| number.get()).collect()
    }

    #[test]
    fn rows() {
        // (state, on the server, keep, fetched, deleted, what it shows)
        let rows: &[(&str, &[&str], Keep, &[u32], &[u32], &str)] = &[
            ("", &["a", "b"], Keep::Forever, &[1, 2], &[], "all is new"),
            ("a 10\n", &["a", "b"], Keep::Forever, &[2], &[], "one is new"),
            ("a 10\n", &["a"], Keep::Seconds(90), &[], &[1], "just old enough"),
            ("a 10\n", &["a"], Keep::Seconds(91), &[], &[], "not yet"),
            ("a 10\n", &["a", "b"], Keep::Seconds(0), &[2], &[1], "what was fetched and not removed before"),
            ("", &["a", "a"], Keep::Forever, &[1], &[], "RFC 1939 s 7: copies may share an id"),
            ("a 10\n", &["a", "a"], Keep::Seconds(0), &[], &[1], "and only what was fetched goes"),
            ("a 999\n", &["a"], Keep::Seconds(1), &[], &[], "a clock that went backwards deletes nothing"),
        ];
        for (state, ids, keep, fetch, delete, shows) in rows {
            let plan = Seen::parse(state).unwrap().plan(&listing(ids), *keep, 100);
            assert_eq!(
                (numbers(&plan.fetch), numbers(&plan.delete)),
                (fetch.to_vec(), delete.to_vec()),
                "{shows}"
            );
        }
        assert_eq!(Seen::parse("a 1\nb\n"), Err(StateError { line: 2 }));
        let mut seen = Seen::parse("a 1\nb 2\n").unwrap();
        seen.retain(&listing(&["b", "c"]));
        assert_eq!(seen.to_text(), "b 2\n");
    }
}
