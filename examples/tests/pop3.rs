//! `pop3d` and `fetch-pop3` against each other over both families, and a client that breaks off.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
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
    let mut child = Command::new(program("pop3d"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "[::1]:0",
            "--user",
            "mrose:tanstaaf",
            "--auth-without-tls",
            "--maildir",
        ])
        .arg(maildir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = || lines.next().unwrap().unwrap().strip_prefix("listening ").unwrap().to_owned();
    let addresses = vec![address(), address()];
    Server(child, addresses)
}

fn fetch(address: &str, into: &Path, flags: &[&str]) -> Output {
    Command::new(program("fetch-pop3"))
        .arg(format!("pop3://mrose@{address}"))
        .args(["--without-tls", "--maildir"])
        .arg(into)
        .args(flags)
        .env("POP3_PASSWORD", "tanstaaf")
        .output()
        .unwrap()
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
