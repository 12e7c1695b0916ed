//! The program `send` against servers that lie, over both families: its exit status says so, soon, in little memory, and no credential
//! leaves in the clear. The table is that of the library's own test.

#[path = "../../smtp/tests/hostile/cases.rs"]
mod cases;
#[path = "../../smtp/tests/hostile/server.rs"]
mod server;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cases::{Case, Login, Outcome, Security};
use server::{Authority, FLOOD, Server};

const USER: &str = "alice";
const PASSWORD: &str = "drink-me-4711";
/// A row takes no longer, debug build and busy machine included.
const ROW: Duration = Duration::from_secs(30);
/// The program has some 10 MB; a server must not make it hold the megabytes that it sends.
const MEMORY: u64 = 64 << 10;

#[test]
fn no_lie_is_believed_and_no_secret_told() {
    let program = program();
    let authority = Authority::new();
    let mut trust = tempfile::NamedTempFile::new().unwrap();
    trust.write_all(authority.pem.as_bytes()).unwrap();
    let table = cases::cases();
    let rows: Vec<(&Case, IpAddr)> = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        .into_iter()
        .flat_map(|address| table.iter().map(move |case| (case, address)))
        .collect();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(&(case, address)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = row(case, address, &authority, &program, trust.path());
                    faults.lock().unwrap().extend(
                        found.into_iter().map(|fault| format!("{} over {address}: {fault}", case.name)),
                    );
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn row(case: &Case, address: IpAddr, authority: &Authority, program: &Path, trust: &Path) -> Vec<String> {
    let server =
        Server::start(address, authority.config(case.certificate), &case.ehlo, &case.in_tls, &case.plan);
    let began = Instant::now();
    let mut child = Command::new(program)
        .args([
            "--from",
            "a@example.org",
            "--to",
            "b@example.net",
            "--via",
            &server.address.to_string(),
            "--ca",
        ])
        .arg(trust)
        .args(["--auth", &format!("{USER}:{PASSWORD}:{}", case.mechanism)])
        .args(["--timeout", if case.timed { "1" } else { "20" }, "-v", "--tls"])
        .arg(match case.security {
            Security::Clear => "none",
            Security::Opportunistic => "opportunistic",
            Security::Required => "required",
        })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The pipe may be closed before the message is read.
    let _unread = child.stdin.take().unwrap().write_all(b"Subject: hostile\n\nover both families\n");
    let mut memory = 0;
    while child.try_wait().unwrap().is_none() && began.elapsed() < ROW {
        memory = memory.max(peak(child.id()));
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut faults = Vec::new();
    if child.try_wait().unwrap().is_none() {
        child.kill().unwrap();
        faults.push(format!("runs longer than {ROW:?}"));
    }
    let ended = child.wait_with_output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let seen = server.seen();
    faults.extend(server::leaks(&seen, USER, PASSWORD, case.login == Login::Never));
    match (case.outcome, ended.status.code()) {
        (Outcome::Delivered, Some(0)) => {}
        (Outcome::Fails([]), Some(code)) if (64..=78).contains(&code) => {}
        (Outcome::Fails(codes), Some(code)) if codes.contains(&code) => {}
        (outcome, code) => {
            faults.push(format!("exit {code:?} for {outcome:?}: {}", said.lines().last().unwrap_or_default()))
        }
    }
    if said.contains(PASSWORD) || said.contains(&server::base64(PASSWORD.as_bytes())) {
        faults.push("it prints the password".to_owned());
    }
    if memory > MEMORY {
        faults.push(format!("{memory} KB of memory"));
    }
    if seen.flooded >= FLOOD {
        faults.push("took a reply without end".to_owned());
    }
    faults
}

/// The most memory that the process had so far, in KB; 0 where the system does not tell.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// `send` as cargo built it beside this test; if this test alone was asked for, it is built now.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/send");
    if !program.exists() {
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "send"]).status().unwrap();
        assert!(built.success());
    }
    program
}
