//! `pop3d` and `fetch-pop3` against each other over both families, and a client that breaks off.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    if !program.exists() {
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--example", name]).status().unwrap();
        assert!(built.success());
    }
    program
}

struct Server(Child, Vec<String>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A server on both families, and where it listens.
fn start(maildir: &Path) -> Server {
    let mut child = command_of_server(maildir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = || lines.next().unwrap().unwrap().strip_prefix("listening ").unwrap().to_owned();
    let addresses = vec![address(), address()];
    Server(child, addresses)
}

fn command_of_server(maildir: &Path) -> Command {
    let mut command = Command::new(program("pop3d"));
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "[::1]:0",
            "--user",
            "mrose:tanstaaf",
            "--auth-without-tls",
            "--maildir",
        ])
        .arg(maildir);
    command
}

fn fetch(address: &str, into: &Path, flags: &[&str]) -> Output {
    command_of_fetch(address, into).args(flags).output().unwrap()
}

fn command_of_fetch(address: &str, into: &Path) -> Command {
    let mut command = Command::new(program("fetch-pop3"));
    command
        .arg(format!("pop3://mrose@{address}"))
        .args(["--without-tls", "--maildir"])
        .arg(into)
        .env("POP3_PASSWORD", "tanstaaf");
    command
}

fn said(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(all).unwrap();
    text.split_once(": ").map_or_else(|| text.clone(), |(_, rest)| rest.trim().to_owned())
}

fn maildir(dir: &Path, messages: &[&str]) {
    for folder in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    for (index, text) in messages.iter().enumerate() {
        std::fs::write(dir.join(format!("new/{index}.x")), text).unwrap();
    }
}

fn texts(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir.join("new")).unwrap();
    let mut texts: Vec<_> =
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    texts.sort();
    texts
}

#[test]
fn mail_is_fetched_once_and_deleted_when_it_may_be() {
    for family in 0..2 {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        maildir(from.path(), &["A: 1\n\n.\n..\nx\n", "B: 2\r\n\r\ny", "C: 3\r\n\r\n"]);
        let server = start(from.path());
        let address = &server.1[family];
        assert_eq!(said(&fetch(address, into.path(), &[])), "3 fetched, 0 deleted, 3 left");
        let want = ["A: 1\r\n\r\n.\r\n..\r\nx\r\n", "B: 2\r\n\r\ny\r\n", "C: 3\r\n\r\n"];
        assert_eq!(texts(into.path()), want);
        assert_eq!(said(&fetch(address, into.path(), &["--keep-days", "1"])), "0 fetched, 0 deleted, 3 left");
        assert_eq!(texts(from.path()).len(), 3);
        std::fs::write(from.path().join("new/4.x"), "D: 4\n\n").unwrap();
        assert_eq!(said(&fetch(address, into.path(), &["--delete"])), "1 fetched, 4 deleted, 0 left");
        assert_eq!((texts(from.path()).len(), texts(into.path()).len()), (0, 4));
        let wrong = fetch(address, into.path(), &["--password-file", "/dev/null"]);
        assert!(!wrong.status.success());
    }
}

/// RFC 6856 s 2.1: outside UTF-8 mode such mail "MUST NOT be sent to the client as is"; fetch-pop3 asks for the mode.
#[test]
fn a_header_in_utf8_needs_the_mode_for_it() {
    let from = tempfile::tempdir().unwrap();
    maildir(from.path(), &["Subject: bücher\r\n\r\nx\r\n", "A: 2\r\n\r\nü\r\n"]);
    let server = start(from.path());
    for address in &server.1 {
        let mut socket = logged_in(address);
        socket.write_all(b"RETR 1\r\nTOP 1 0\r\nRETR 2\r\nQUIT\r\n").unwrap();
        let answers: Vec<String> = BufReader::new(socket).lines().map(Result::unwrap).collect();
        let marks = answers.iter().filter(|line| line.starts_with(['+', '-']));
        let marks: Vec<&str> = marks.map(|line| line.get(..11).unwrap_or(line)).collect();
        assert!(
            matches!(marks[..], ["-ERR [UTF8]", "-ERR [UTF8]", ok, _] if ok.starts_with("+OK")),
            "{answers:?}"
        );
        let into = tempfile::tempdir().unwrap();
        assert_eq!(said(&fetch(address, into.path(), &[])), "2 fetched, 0 deleted, 2 left");
        assert_eq!(texts(into.path()), texts(from.path()));
    }
}

#[test]
fn who_breaks_off_deletes_nothing() {
    let from = tempfile::tempdir().unwrap();
    maildir(from.path(), &["A: 1\n\n"]);
    let server = start(from.path());
    for address in &server.1 {
        let mut socket = TcpStream::connect(address.as_str()).unwrap();
        socket.write_all(b"USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\n").unwrap();
        let mut answers = BufReader::new(&socket).lines();
        let last = answers.nth(3).unwrap().unwrap();
        assert_eq!(last, "+OK message 1 deleted");
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = String::new();
        socket.read_to_string(&mut rest).ok();
        drop(socket);
        assert_eq!(texts(from.path()).len(), 1);
    }
}

/// RFC 1939 s 4: "an exclusive-access lock", and not among the sessions of one process alone.
#[test]
fn two_servers_on_one_maildir() {
    let from = tempfile::tempdir().unwrap();
    maildir(from.path(), &["A: 1\n\n"]);
    let (one, other) = (start(from.path()), start(from.path()));
    for (first, second) in [(&one.1[0], &other.1[1]), (&other.1[1], &one.1[0])] {
        let held = logged_in(first);
        let mut refused = TcpStream::connect(second.as_str()).unwrap();
        refused.write_all(b"USER mrose\r\nPASS tanstaaf\r\n").unwrap();
        let last = BufReader::new(&refused).lines().nth(2).unwrap().unwrap();
        assert!(last.starts_with("-ERR [IN-USE] "), "{last}");
        drop(held);
        // The other server sees the connection's end in its own time.
        let again = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            let mut socket = TcpStream::connect(second.as_str()).unwrap();
            socket.write_all(b"USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n").unwrap();
            BufReader::new(&socket).lines().nth(2).unwrap().unwrap().starts_with("+OK")
        });
        assert!(again, "the lock was not given back");
    }
}

/// The server is killed at some moment of QUIT's removal: all is there or nothing is, for who logs in next.
#[test]
fn killed_while_it_removes() {
    const MESSAGES: usize = 400;
    let mut ends = [0, 0];
    for round in 0..12 {
        let from = tempfile::tempdir().unwrap();
        maildir(from.path(), &["A: 1\n\nx\n"; MESSAGES]);
        let server = start(from.path());
        let mut socket = logged_in(&server.1[round % 2]);
        let all: String = (1..=MESSAGES).map(|number| format!("DELE {number}\r\n")).collect();
        socket.write_all(all.as_bytes()).unwrap();
        let mut answers = BufReader::new(socket.try_clone().unwrap()).lines();
        assert!(answers.nth(MESSAGES - 1).unwrap().unwrap().starts_with("+OK"));
        socket.write_all(b"QUIT\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(3 * round as u64));
        drop(server);
        let server = start(from.path());
        let mut socket = logged_in(&server.1[0]);
        socket.write_all(b"STAT\r\n").unwrap();
        let stat = BufReader::new(&socket).lines().next().unwrap().unwrap();
        match stat.split(' ').nth(1).unwrap().parse() {
            Ok(0) => ends[0] += 1,
            Ok(MESSAGES) => ends[1] += 1,
            _ => panic!("{stat}"),
        }
    }
    println!("{} times all removed, {} times none", ends[0], ends[1]);
}

/// A session behind its log-in, with the answers read.
fn logged_in(address: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(b"USER mrose\r\nPASS tanstaaf\r\n").unwrap();
    let mut answers = BufReader::new(socket.try_clone().unwrap()).lines();
    let last = answers.nth(2).unwrap().unwrap();
    assert!(last.starts_with("+OK"), "{last}");
    socket
}

/// Whoever stops reading what a program prints does not stop it.
#[test]
fn closed_pipes() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    maildir(from.path(), &["A: 1\n\n"]);
    // The server printed one of its two lines when the pipe was closed, or both.
    let mut server =
        command_of_server(from.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap().strip_prefix("listening ").unwrap().to_owned();
    drop((lines, server.stderr.take()));
    let server = Server(server, vec![address]);
    for _ in 0..2 {
        let mut child = command_of_fetch(&server.1[0], into.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_eq!(texts(into.path()).len(), 1);
    let mut child = command_of_fetch("[::1]:1", into.path()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(69), "nobody is there, and nobody hears of it");
}

/// RFC 1939 s 7: copies may share a unique-id, and broken servers give the same one to different messages. Nothing is lost, and each
/// run brings one.
#[test]
fn one_unique_id_for_two() {
    let from = tempfile::tempdir().unwrap();
    let into = tempfile::tempdir().unwrap();
    maildir(from.path(), &["A: 1\n\n", "B: 2\n\n"]);
    std::fs::rename(from.path().join("new/0.x"), from.path().join("cur/same:2,S")).unwrap();
    std::fs::rename(from.path().join("new/1.x"), from.path().join("new/same")).unwrap();
    let server = start(from.path());
    let address = &server.1[1];
    assert_eq!(said(&fetch(address, into.path(), &["--delete"])), "1 fetched, 1 deleted, 1 left");
    assert_eq!(said(&fetch(address, into.path(), &["--delete"])), "1 fetched, 1 deleted, 0 left");
    assert_eq!(texts(into.path()), ["A: 1\r\n\r\n", "B: 2\r\n\r\n"]);
}
