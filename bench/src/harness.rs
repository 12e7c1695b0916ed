//! Round-robin, so that a busy neighbour disturbs every case alike; the best of the rounds, which he disturbs least.

use std::time::{Duration, Instant};

/// One thing to measure: `run` prepares outside the clock and gives back what it measured, mostly by [`time`].
pub struct Case<'a> {
    pub name: &'a str,
    pub run: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Case<'a> {
    pub fn new(name: &'a str, run: impl FnMut() -> Duration + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// How long `work` took.
pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// What a table counts.
#[derive(Clone, Copy)]
#[allow(dead_code)] // each chapter takes what suits it
pub enum Unit {
    /// So many octets a run: prints GB/s.
    Octets(usize),
    /// So many items a run: prints ns for each.
    Items(usize),
}

/// Runs all cases `rounds` times in turn and prints the best of each, and its speed as a ratio to the first case's.
/// Gives back the best of each.
pub fn table(title: &str, unit: Unit, rounds: usize, mut cases: Vec<Case<'_>>) -> Vec<Duration> {
    let mut best = vec![Duration::MAX; cases.len()];
    for _ in 0..rounds {
        for (case, best) in cases.iter_mut().zip(&mut best) {
            *best = (*best).min((case.run)());
        }
    }
    println!("{title} (best of {rounds})");
    for (case, time) in cases.iter().zip(&best) {
        let ratio = best[0].as_secs_f64() / time.as_secs_f64();
        let absolute = match unit {
            Unit::Octets(octets) => format!("{:8.2} GB/s", octets as f64 / time.as_secs_f64() / 1e9),
            Unit::Items(items) => format!("{:8.1} ns", time.as_secs_f64() * 1e9 / items as f64),
        };
        println!("  {:44} {absolute}  {ratio:6.3}", case.name);
    }
    best
}
