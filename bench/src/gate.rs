//! What must hold: `bench gate` exits with 1 if something does not.

use std::{fmt, time::Duration};

/// A neighbour on the machine makes things slower only: what falls short is measured again a while later, when he may
/// have gone, and of each case the best of all its rounds counts.
const TRIES: usize = 12;
const PAUSE: Duration = Duration::from_secs(2);

/// A figure and its target.
pub enum Figure {
    /// So many a second, and as many at least.
    Rate(&'static str, f64, f64),
    /// So many times the time of something else, and no more than that.
    Cost(&'static str, f64, f64),
}

/// Whether all figures of the best times come up to their targets; prints a line `ok …` or `FAIL …` for each.
pub fn hold(measure: impl Fn() -> Vec<Duration>, figures: impl Fn(&[Duration]) -> Vec<Figure>) -> bool {
    let mut best = measure();
    for _ in 1..TRIES {
        if figures(&best).iter().all(Figure::holds) {
            break;
        }
        std::thread::sleep(PAUSE);
        for (best, again) in best.iter_mut().zip(measure()) {
            *best = again.min(*best);
        }
    }
    let figures = figures(&best);
    for figure in &figures {
        println!("{} {figure}", if figure.holds() { "ok" } else { "FAIL" });
    }
    figures.iter().all(Figure::holds)
}

impl Figure {
    fn holds(&self) -> bool {
        match self {
            Self::Rate(_, is, least) => is >= least,
            Self::Cost(_, is, most) => is <= most,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(title, is, least) => write!(f, "{title}: {is:.0}/s (at least {least})"),
            Self::Cost(title, is, most) => write!(f, "{title}: {is:.3} times (at most {most})"),
        }
    }
}
