//! `getaddrinfo` on threads of our own, as it cannot be interrupted.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddrV6},
    panic,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use super::{Answer, Resolver};
use crate::{Family, LookupError};

/// The system's resolver: `getaddrinfo`, once for each family, so that an AAAA question without an answer holds
/// nobody up. It knows what the system knows: `/etc/hosts`, `nsswitch.conf`, mDNS, the name service of a VPN.
///
/// `getaddrinfo` cannot be interrupted. It runs in threads of its own, 64 at most in a process; no task of tokio and no
/// thread of its blocking pool is ever used, so that nothing of a dropped question is left in the runtime, and its end
/// waits for none. A question that is dropped before its turn is never asked; one that is being asked keeps its thread
/// until the system's own timeout (`resolv.conf`: some seconds), and then the thread ends, as each does that has nothing
/// more to ask. Who wants no such thread takes `HickoryResolver` (feature `hickory`), which asks DNS itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a> {
        THREADS.look_up(name, family)
    }
}

static THREADS: Threads = Threads::new(64, getaddrinfo);

/// Threads that come with the questions and go with them.
struct Threads {
    state: Mutex<State>,
    most: usize,
    ask: fn(&str, Family) -> Result<Vec<IpAddr>, LookupError>,
}

struct State {
    running: usize,
    waiting: VecDeque<Question>,
    /// When so many wait, those that were given up are thrown away.
    sweep_at: usize,
}

struct Question {
    name: String,
    family: Family,
    answer: oneshot::Sender<Result<Vec<IpAddr>, LookupError>>,
}

const SWEEP_AT: usize = 64;

impl Threads {
    const fn new(most: usize, ask: fn(&str, Family) -> Result<Vec<IpAddr>, LookupError>) -> Self {
        let state = State { running: 0, waiting: VecDeque::new(), sweep_at: SWEEP_AT };
        Self { state: Mutex::new(state), most, ask }
    }

    fn look_up(&'static self, name: &str, family: Family) -> Answer<'static> {
        let (answer, answered) = oneshot::channel();
        let asked = self.put(Question { name: name.to_owned(), family, answer });
        Box::pin(async move {
            asked.map_err(|error| LookupError::Temporary(error.to_string()))?;
            answered.await.unwrap_or_else(|_| Err(LookupError::Temporary("no answer".into())))
        })
    }

    fn put(&'static self, question: Question) -> io::Result<()> {
        let mut state = self.lock();
        if state.waiting.len() >= state.sweep_at {
            state.waiting.retain(|question| !question.answer.is_closed());
            state.sweep_at = state.waiting.len().saturating_mul(2).max(SWEEP_AT);
        }
        state.waiting.push_back(question);
        if state.running < self.most {
            let spawned = thread::Builder::new().name("mail46-lookup".into()).spawn(|| self.work());
            match spawned {
                Ok(_) => state.running = state.running.saturating_add(1),
                // The threads there are will come to it.
                Err(_) if state.running > 0 => {}
                Err(error) => {
                    state.waiting.pop_back();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// What a thread does: question after question, until there is none.
    fn work(&self) {
        while let Some(question) = self.next() {
            if !question.answer.is_closed() {
                // Should it ever panic, the thread lives on, and the question fails.
                let answer = panic::catch_unwind(|| (self.ask)(&question.name, question.family));
                let answer = answer.unwrap_or_else(|_| Err(LookupError::Temporary("no answer".into())));
                // Nobody waits any more: that is the end of it.
                let _gone = question.answer.send(answer);
            }
        }
    }

    fn next(&self) -> Option<Question> {
        let mut state = self.lock();
        let question = state.waiting.pop_front();
        if question.is_none() {
            state.running = state.running.saturating_sub(1);
        }
        question
    }

    /// Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn getaddrinfo(name: &str, family: Family) -> Result<Vec<IpAddr>, LookupError> {
    use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};
    let address = match family {
        Family::V4 => AddrFamily::Inet,
        Family::V6 => AddrFamily::Inet6,
    };
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: address.into(),
        ..AddrInfoHints::default()
    };
    let answers =
        dns_lookup::getaddrinfo(Some(name), None, Some(hints)).map_err(|error| match error.kind() {
            LookupErrorKind::NoName => LookupError::NxDomain,
            LookupErrorKind::NoData | LookupErrorKind::Family => LookupError::NoData,
            _ => LookupError::Temporary(io::Error::from(error).to_string()),
        })?;
    Ok(answers.flatten().map(|answer| answer.sockaddr.ip()).collect())
}

/// A link-local address with its zone, `fe80::1%eth0`; no name is looked up for it.
pub(crate) fn with_zone(text: &str) -> Option<SocketAddrV6> {
    const AI_NUMERICHOST: i32 = 4; // RFC 3493 s 6.1; the same number on Linux, BSD, macOS and Windows
    let (address, _) = text.split_once('%')?;
    let address: std::net::Ipv6Addr = address.parse().ok()?;
    let hints = dns_lookup::AddrInfoHints { flags: AI_NUMERICHOST, ..Default::default() };
    let answers = dns_lookup::getaddrinfo(Some(text), None, Some(hints)).ok()?;
    answers.flatten().find_map(|answer| match answer.sockaddr {
        std::net::SocketAddr::V6(v6) if *v6.ip() == address => Some(v6),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Condvar,
            atomic::{AtomicUsize, Ordering},
        },
        time::{Duration, Instant},
    };

    use super::*;

    /// A system that answers when the test lets it.
    static OPEN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static SLOW: Threads = Threads::new(2, |_, _| {
        ASKED.fetch_add(1, Ordering::SeqCst);
        let held = OPEN.1.wait_while(OPEN.0.lock().unwrap(), |open| !*open).unwrap();
        drop(held);
        Ok(vec!["192.0.2.1".parse().unwrap()])
    });

    fn until(what: &str, is: impl Fn() -> bool) {
        let began = Instant::now();
        while !is() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_dropped_question_leaves_nothing_in_the_runtime_and_its_thread_ends() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let dropped = [Family::V6, Family::V4].map(|family| SLOW.look_up("slow.test", family));
            for answer in dropped {
                assert!(tokio::time::timeout(Duration::from_millis(20), answer).await.is_err());
            }
            assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
        });
        until("both are asked", || ASKED.load(Ordering::SeqCst) == 2);
        // The end of the runtime waits for its blocking pool, and for no thread of ours.
        let began = Instant::now();
        drop(runtime);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

        // Both threads are taken: what is given up now is never asked, and does not pile up.
        for _ in 0..10_000 {
            drop(SLOW.look_up("later.test", Family::V6));
        }
        assert_eq!(SLOW.lock().running, 2, "no more threads than may be");
        assert!(SLOW.lock().waiting.len() <= SWEEP_AT, "{}", SLOW.lock().waiting.len());
        let kept = SLOW.look_up("kept.test", Family::V4);
        *OPEN.0.lock().unwrap() = true;
        OPEN.1.notify_all();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(kept), Ok(vec!["192.0.2.1".parse().unwrap()]));
        until("the threads end", || SLOW.lock().running == 0);
        assert_eq!(ASKED.load(Ordering::SeqCst), 3, "those that were given up were not asked");
    }

    static BROKEN: Threads = Threads::new(1, |_, _| panic!("on purpose"));

    #[test]
    fn a_panic_is_a_failure_and_costs_no_thread() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..3 {
            let answer = runtime.block_on(BROKEN.look_up("any.test", Family::V6));
            assert!(matches!(answer, Err(LookupError::Temporary(_))), "{answer:?}");
        }
        until("the thread ends", || BROKEN.lock().running == 0);
    }

    #[test]
    fn what_is_no_name_is_no_panic() {
        for name in ["", "a\0b", ".", "a..b", &"x".repeat(300)] {
            assert!(getaddrinfo(name, Family::V4).is_err(), "{name:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_zone_is_looked_up_and_no_name() {
        assert_eq!(with_zone("fe80::1%lo").map(|address| *address.ip()), Some("fe80::1".parse().unwrap()));
        for text in ["fe80::1%no-such-device", "fe80::1", "localhost%lo", "fe80::1%"] {
            assert_eq!(with_zone(text), None, "{text}");
        }
    }
}
