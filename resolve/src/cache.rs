//! Answers kept for as long as their TTL says. The time is an argument here; the clock is in `net.rs`.

mod net;

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

pub use self::net::Cached;
use crate::{Answer, Outcome};

/// Answers are kept for a day at most, whatever their TTL.
const POSITIVE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// RFC 2308 s 5: "Values of one to three hours have been found to work well".
const NEGATIVE_MAX: Duration = Duration::from_secs(3 * 60 * 60);

/// The answers of one type.
struct Table<K, T> {
    generations: Mutex<Generations<K, T>>,
    /// Of one generation.
    capacity: usize,
}

/// When the young are as many as may be, they become the old, and the old are gone. Who is asked for stays young.
struct Generations<K, T> {
    young: HashMap<K, Kept<T>>,
    old: HashMap<K, Kept<T>>,
}

#[derive(Clone)]
struct Kept<T> {
    answer: Answer<T>,
    until: Instant,
}

impl<K: Eq + Hash + Clone, T: Clone> Table<K, T> {
    fn new(answers: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new() };
        Self { generations: Mutex::new(generations), capacity: answers.div_ceil(2).max(1) }
    }

    /// With what is left of its TTL.
    fn get(&self, key: &K, now: Instant) -> Option<Answer<T>> {
        let mut generations = self.lock();
        if let Some(kept) = generations.young.get(key) {
            return kept.at(now);
        }
        let kept = generations.old.remove(key)?;
        let answer = kept.at(now)?;
        generations.add(key.clone(), kept, self.capacity);
        Some(answer)
    }

    fn put(&self, key: &K, answer: &Answer<T>, now: Instant) {
        let max = match answer.outcome {
            Outcome::Records(_) => POSITIVE_MAX,
            Outcome::NoData | Outcome::NxDomain => NEGATIVE_MAX,
            Outcome::Failed(_) => return,
        };
        let Some(until) = now.checked_add(answer.ttl.min(max)).filter(|until| *until > now) else { return };
        self.lock().add(key.clone(), Kept { answer: answer.clone(), until }, self.capacity);
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, T>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, T> Generations<K, T> {
    fn add(&mut self, key: K, kept: Kept<T>, capacity: usize) {
        if self.young.len() >= capacity && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, kept);
    }
}

impl<T: Clone> Kept<T> {
    fn at(&self, now: Instant) -> Option<Answer<T>> {
        let ttl = self.until.checked_duration_since(now).filter(|ttl| !ttl.is_zero())?;
        Some(Answer { ttl, ..self.answer.clone() })
    }
}

#[cfg(test)]
mod tests {
    use mail46_wire::Domain;

    use super::*;
    use crate::Trouble;

    fn name(name: &str) -> Domain {
        name.parse().unwrap()
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn as_long_as_the_ttl_says_and_no_longer() {
        let table = Table::new(10);
        let now = Instant::now();
        table.put(&name("a"), &Answer::records([1], MINUTE), now);
        table.put(&name("b"), &Answer::no_data(MINUTE), now);
        table.put(&name("c"), &Answer::nx_domain(MINUTE), now);
        table.put(&name("d"), &Answer::failed(Trouble::ServFail), now);
        table.put(&name("e"), &Answer::records([1], Duration::ZERO), now);
        table.put(&name("f"), &Answer::records([1], Duration::MAX), now);
        table.put(&name("g"), &Answer::no_data(Duration::MAX), now);
        let later = now + MINUTE * 2 / 3;
        assert_eq!(table.get(&name("A"), later), Some(Answer::records([1], MINUTE / 3)));
        assert_eq!(table.get(&name("b"), later), Some(Answer::no_data(MINUTE / 3)));
        assert_eq!(table.get(&name("c"), later), Some(Answer::nx_domain(MINUTE / 3)));
        assert_eq!(table.get(&name("d"), now), None, "failures are not kept");
        assert_eq!(table.get(&name("e"), now), None, "a TTL of zero is for one answer");
        for key in ["a", "b", "c"] {
            assert_eq!(table.get(&name(key), now + MINUTE), None, "{key}");
        }
        assert!(table.get(&name("f"), now + POSITIVE_MAX).is_none());
        assert!(table.get(&name("g"), now + NEGATIVE_MAX).is_none());
        assert!(table.get(&name("f"), now + NEGATIVE_MAX).is_some());
    }

    #[test]
    fn bounded_and_who_is_asked_for_stays() {
        let table = Table::new(100);
        let now = Instant::now();
        table.put(&name("often.example"), &Answer::records([0], MINUTE), now);
        for i in 0..10_000 {
            table.put(&name(&format!("n{i}.example")), &Answer::records([i], MINUTE), now);
            assert!(table.get(&name("often.example"), now).is_some(), "{i}");
            let generations = table.lock();
            assert!(generations.young.len() <= 50 && generations.old.len() <= 50);
        }
        assert!(table.get(&name("n9999.example"), now).is_some());
        assert!(table.get(&name("n0.example"), now).is_none());
    }
}
