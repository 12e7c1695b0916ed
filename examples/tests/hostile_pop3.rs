//! The program `fetch-pop3` against servers that lie, over both families: its exit status says so, soon, in little memory, and no credential
//! leaves in the clear. The table is that of the library's own test.

#[path = "../../pop3/tests/hostile/cases.rs"]
mod cases;
#[path = "../../pop3/tests/hostile/server.rs"]
mod server;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cases::{Case, Login, Outcome};
use server::{Authority, FLOOD, MESSAGE, Server};

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
                        found.into_iter().map(|fault| {
                            format!("{} ({}) over {address}: {fault}", case.name, case.mechanism)
                        }),
                    );
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn row(case: &Case, address: IpAddr, authority: &Authority, program: &Path, trust: &Path) -> Vec<String> {
    let config = authority.config(case.certificate);
    let server = Server::start(address, config, &case.capa, &case.in_tls, &case.plan);
    let maildir = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut child = Command::new(program)
        .arg(format!("pop3://{USER}@{}", server.address))
        .args(["--delete", "--timeout", if case.timed { "1" } else { "20" }, "--ca"])
        .arg(trust)
        .arg("--maildir")
        .arg(maildir.path())
        .env("POP3_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
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
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let seen = server.seen();
    faults.extend(server::leaks(&seen, USER, PASSWORD, case.login == Login::Never));
    match (case.outcome, ended.status.code()) {
        (Outcome::Done, Some(0)) => {}
        (Outcome::Fails([]), Some(code)) if (64..=78).contains(&code) => {}
        (Outcome::Fails(codes), Some(code)) if codes.contains(&code) => {}
        (outcome, code) => {
            faults.push(format!("exit {code:?} for {outcome:?}: {}", said.lines().last().unwrap_or_default()))
        }
    }
    if said.contains(PASSWORD) || said.contains(&server::base64(PASSWORD.as_bytes())) {
        faults.push("it prints the password".to_owned());
    }
    if complaint.lines().count() != usize::from(case.outcome != Outcome::Done)
        || complaint.trim_end().chars().any(char::is_control)
    {
        faults.push(format!("not one line: {complaint:?}"));
    }
    faults.extend(kept(&maildir.path().join("new"), case.kept));
    if std::fs::read_dir(maildir.path().join("tmp")).unwrap().count() != 0 {
        faults.push("half a message is left".to_owned());
    }
    if memory > MEMORY {
        faults.push(format!("{memory} KB of memory"));
    }
    if seen.flooded >= FLOOD {
        faults.push("took a reply without end".to_owned());
    }
    faults
}

/// A message that was whole is kept, and nothing else.
fn kept(new: &Path, kept: bool) -> Option<String> {
    let texts: Vec<_> = std::fs::read_dir(new)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default())
        .collect();
    let wanted: &[&str] = if kept { &[MESSAGE] } else { &[] };
    (texts != wanted).then(|| format!("there are {} messages: {:.60?}", texts.len(), texts.first()))
}

/// The most memory that the process had so far, in KB; 0 where the system does not tell.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// `fetch-pop3` as cargo built it beside this test; if this test alone was asked for, it is built now.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/fetch-pop3");
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", "fetch-pop3"])
            .status()
            .unwrap();
        assert!(built.success());
    }
    program
}
