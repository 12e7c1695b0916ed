//! The table of hostile servers: each row is one lie, and says what the client owes its user in spite of it.

use super::server::{Act, Certificate, MESSAGE, Stage};

/// What the client may send of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// It may log in, inside TLS only.
    InsideTls,
    /// It may not even try.
    Never,
}

/// What becomes of a session that logs in, lists, fetches the message, deletes it and says QUIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The control: all is well.
    Done,
    /// An error, with one of these exit statuses for the program (sysexits.h; empty: any but 0).
    Fails(&'static [i32]),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) mechanism: &'static str,
    pub(crate) certificate: Certificate,
    pub(crate) capa: String,
    pub(crate) in_tls: String,
    pub(crate) plan: Vec<(Stage, Act)>,
    pub(crate) login: Login,
    pub(crate) outcome: Outcome,
    /// The message was whole, so that it is kept whatever came behind it.
    pub(crate) kept: bool,
    /// The row ends by the client's clock alone.
    pub(crate) timed: bool,
}

impl Case {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            mechanism: "PLAIN",
            certificate: Certificate::Good,
            capa: "+OK\r\nTOP\r\nUIDL\r\nSTLS\r\n.\r\n".into(),
            in_tls: "+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nSASL PLAIN\r\n.\r\n".into(),
            plan: Vec::new(),
            login: Login::InsideTls,
            outcome: Outcome::Fails(&[]),
            kept: false,
            timed: false,
        }
    }

    fn at(mut self, stage: Stage, act: Act) -> Self {
        self.plan.push((stage, act));
        self
    }

    fn mechanism(self, name: &'static str) -> Self {
        let capabilities = format!("+OK\r\nUIDL\r\nSASL {name}\r\n.\r\n");
        Self { mechanism: name, ..self }.in_tls(&capabilities)
    }

    /// By USER and PASS.
    fn user(self) -> Self {
        Self { mechanism: "USER", ..self }.in_tls("+OK\r\nUIDL\r\nUSER\r\n.\r\n")
    }

    fn certificate(self, certificate: Certificate) -> Self {
        Self { certificate, ..self }
    }

    fn capa(self, text: &str) -> Self {
        Self { capa: text.into(), ..self }
    }

    fn in_tls(self, text: &str) -> Self {
        Self { in_tls: text.into(), ..self }
    }

    fn never_logs_in(self) -> Self {
        Self { login: Login::Never, ..self }
    }

    fn exits(self, codes: &'static [i32]) -> Self {
        Self { outcome: Outcome::Fails(codes), ..self }
    }

    fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    fn done(self) -> Self {
        Self { outcome: Outcome::Done, ..self }.kept()
    }

    fn timed(self) -> Self {
        Self { timed: true, ..self }
    }
}

fn say(text: &str) -> Act {
    Act::Say(text.into())
}

fn wait(text: &str) -> Act {
    Act::SayAndWait(text.into())
}

fn hang_up(text: &str) -> Act {
    Act::SayAndClose(text.into())
}

fn endless(first: &str, again: &str) -> Act {
    Act::Endless(first.into(), again.into())
}

/// All rows, the controls first: without them a client that fails always would pass.
pub(crate) fn cases() -> Vec<Case> {
    [
        controls(),
        stripping(),
        injection(),
        certificates(),
        endless_replies(),
        numbers(),
        lies(),
        refusals(),
        sasl(),
        time(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn controls() -> Vec<Case> {
    vec![
        Case::new("control-plain").done(),
        Case::new("control-login").mechanism("LOGIN").done(),
        Case::new("control-user").user().done(),
        Case::new("control-pipelining").in_tls("+OK\r\nPIPELINING\r\nUIDL\r\nSASL PLAIN\r\n.\r\n").done(),
        // RFC 2595 s 4: STLS is not offered inside TLS; the client must not obey twice.
        Case::new("control-stls-again").in_tls("+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n").done(),
        // RFC 2449 s 5: what a server can do may change with TLS: here CAPA itself is gone.
        Case::new("control-no-capa-in-tls").user().at(Stage::CapaInTls, say("-ERR what?\r\n")).done(),
        Case::new("control-bare-replies")
            .at(Stage::Greeting, say("+OK\r\n"))
            .at(Stage::Quit, say("+OK\r\n"))
            .done(),
    ]
}

/// RFC 2595 s 4: STLS that is not offered, or refused, is no reason to go on without.
fn stripping() -> Vec<Case> {
    let open = "+OK\r\nSTLS\r\nUSER\r\nSASL PLAIN LOGIN SCRAM-SHA-256\r\n.\r\n";
    let refuses = |name, text| Case::new(name).capa(open).at(Stage::Stls, say(text)).never_logs_in();
    vec![
        Case::new("strip")
            .capa("+OK\r\nUSER\r\nSASL PLAIN LOGIN SCRAM-SHA-256\r\n.\r\n")
            .never_logs_in()
            .exits(&[69]),
        // The keyword as a part of another is not the keyword.
        Case::new("strip-lookalike")
            .capa("+OK\r\nXSTLS\r\nSTLSX\r\nUSER\r\n.\r\n")
            .never_logs_in()
            .exits(&[69]),
        // A greeting that offers APOP is no way round TLS.
        Case::new("strip-apop")
            .at(Stage::Capa, say("-ERR no CAPA here, use APOP\r\n"))
            .never_logs_in()
            .exits(&[69]),
        refuses("stls-err", "-ERR TLS not available\r\n").exits(&[69]),
        refuses("stls-err-temporary", "-ERR [SYS/TEMP] TLS not available\r\n").exits(&[75]),
        refuses("stls-challenge", "+ \r\n"),
        refuses("stls-status-of-imap", "* OK begin TLS\r\n").exits(&[76]),
        Case::new("stls-closes").at(Stage::Stls, Act::Close).never_logs_in(),
        Case::new("capa-closes").at(Stage::Capa, Act::Close).never_logs_in(),
        Case::new("capa-half").at(Stage::Capa, hang_up("+OK\r\nUSER\r\nST")).never_logs_in(),
    ]
}

/// Replies that came before TLS, and must count for nothing inside it.
fn injection() -> Vec<Case> {
    vec![
        Case::new("inject").at(Stage::Stls, wait("+OK\r\n+OK\r\nSASL PLAIN\r\n.\r\n")).never_logs_in(),
        Case::new("inject-one-octet").at(Stage::Stls, wait("+OK begin TLS\r\n+")).never_logs_in(),
        Case::new("inject-crlf").at(Stage::Stls, wait("+OK begin TLS\r\n\r\n")).never_logs_in(),
        Case::new("inject-whole-session")
            .at(Stage::Stls, wait("+OK\r\n+OK\r\nUSER\r\n.\r\n+OK\r\n+OK\r\n+OK\r\n1 1\r\n.\r\n"))
            .never_logs_in(),
        // The reply is there before it was asked for.
        Case::new("early-stls")
            .at(Stage::Capa, say("+OK\r\nSTLS\r\n.\r\n+OK begin TLS\r\n"))
            .at(Stage::Stls, wait("+OK\r\nSASL PLAIN\r\n.\r\n"))
            .never_logs_in(),
        Case::new("early-capa")
            .at(Stage::Greeting, say("+OK hostile.example\r\n+OK\r\nUSER\r\n.\r\n"))
            .at(Stage::Capa, wait(""))
            .never_logs_in(),
        Case::new("plain-behind-ok")
            .at(Stage::Handshake, say("+OK\r\nUSER\r\nSASL PLAIN LOGIN\r\n.\r\n"))
            .never_logs_in(),
        Case::new("tls-refused-plain").at(Stage::Handshake, say("-ERR changed my mind\r\n")).never_logs_in(),
        Case::new("list-extra").at(Stage::List, wait("+OK\r\n1 44\r\n.\r\n+OK\r\n")).exits(&[76]),
        Case::new("retr-extra")
            .at(Stage::Retr, wait(&format!("+OK\r\n{MESSAGE}.\r\n+OK and more\r\n")))
            .exits(&[76]),
        // A bare newline ends nothing: what stands behind it belongs to the message, whose end does not come.
        Case::new("retr-bare-newlines").at(Stage::Retr, wait(&format!("+OK\r\n{MESSAGE}\n.\n+OK\n"))).timed(),
    ]
}

fn certificates() -> Vec<Case> {
    let shows = |name, certificate| Case::new(name).certificate(certificate).never_logs_in().exits(&[69, 76]);
    vec![
        shows("certificate-wrong-name", Certificate::WrongName),
        shows("certificate-expired", Certificate::Expired),
        shows("certificate-self-signed", Certificate::SelfSigned),
        shows("certificate-untrusted-authority", Certificate::Stranger),
    ]
}

/// RFC 2449 s 4: a reply line has 512 octets. The number of lines is ours to bound.
fn endless_replies() -> Vec<Case> {
    let text = "line of text\r\n".repeat(100);
    vec![
        Case::new("endless-banner").at(Stage::Greeting, endless("+OK ", "hostile ")).never_logs_in(),
        Case::new("endless-no-status").at(Stage::Greeting, endless("", "a\r\n")).never_logs_in(),
        Case::new("endless-empty-lines").at(Stage::Greeting, endless("", "\r\n")).never_logs_in(),
        Case::new("endless-zero-octets").at(Stage::Greeting, endless("", "\0")).never_logs_in(),
        Case::new("endless-greetings").at(Stage::Greeting, endless("", "+OK\r\n")).never_logs_in(),
        Case::new("endless-capa").at(Stage::Capa, endless("+OK\r\n", "X-ONE-MORE\r\n")).never_logs_in(),
        Case::new("endless-capa-line").at(Stage::Capa, endless("+OK\r\nX", "x")).never_logs_in(),
        Case::new("endless-capa-in-tls").at(Stage::CapaInTls, endless("+OK\r\n", "X\r\n")).never_logs_in(),
        Case::new("endless-mechanisms")
            .at(Stage::CapaInTls, endless("+OK\r\nSASL ", "PLAIN "))
            .never_logs_in(),
        Case::new("endless-challenge").at(Stage::Auth, endless("+ ", "QUFB")),
        Case::new("endless-welcome").at(Stage::Auth, endless("", "+OK\r\n")),
        Case::new("endless-list").at(Stage::List, Act::Counting("{number} 1\r\n")),
        Case::new("endless-list-twice").at(Stage::List, endless("+OK\r\n", "1 1\r\n")),
        Case::new("endless-list-line").at(Stage::List, endless("+OK\r\n1 ", "1")),
        Case::new("endless-uidl").at(
            Stage::Uidl,
            Act::Counting("{number} long-as-a-unique-id-may-be-so-that-it-takes-all-it-can-{number}\r\n"),
        ),
        Case::new("endless-uidl-line").at(Stage::Uidl, endless("+OK\r\n1 ", "x")),
        Case::new("endless-retr").at(Stage::Retr, endless("+OK\r\n", &text)),
        Case::new("endless-retr-line").at(Stage::Retr, endless("+OK\r\n", "x")),
        Case::new("endless-retr-status").at(Stage::Retr, endless("+OK ", "x")),
        Case::new("endless-retr-dots").at(Stage::Retr, endless("+OK\r\n", "..\r\n")),
        Case::new("endless-dele").at(Stage::Dele, endless("+OK ", "x")).kept(),
        Case::new("endless-quit").at(Stage::Quit, endless("+OK ", "x")).kept(),
        Case::new("long-line")
            .at(Stage::Capa, say(&format!("+OK\r\nX {}\r\nSTLS\r\n.\r\n", "x".repeat(1 << 20))))
            .never_logs_in(),
    ]
}

/// Numbers that do not fit, and listings that cannot be.
fn numbers() -> Vec<Case> {
    let list = |name, line: &str| {
        Case::new(name).at(Stage::List, say(&format!("+OK\r\n{line}\r\n.\r\n"))).exits(&[76])
    };
    let uidl = |name, line: &str| {
        Case::new(name).at(Stage::Uidl, say(&format!("+OK\r\n{line}\r\n.\r\n"))).exits(&[76])
    };
    vec![
        list("list-zero", "0 44"),
        list("list-negative", "-1 44"),
        list("list-2-to-32", "4294967297 44"),
        list("list-size-2-to-64", "1 18446744073709551616"),
        list("list-size-negative", "1 -44"),
        list("list-twice", "1 44\r\n1 44"),
        list("list-garbage", "one message"),
        list("list-empty-line", ""),
        // The message is then longer than it may be, by far.
        list("list-size-lie", "1 1")
            .at(Stage::Retr, say(&format!("+OK\r\n{}.\r\n", "a line\r\n".repeat(40_000)))),
        uidl("uidl-zero", "0 one"),
        uidl("uidl-2-to-32", "4294967297 one"),
        uidl("uidl-twice", "1 one\r\n1 two"),
        uidl("uidl-nothing", "1"),
        uidl("uidl-71-octets", &format!("1 {}", "x".repeat(71))),
        uidl("uidl-control", "1 \x1b[2J"),
        uidl("uidl-8-bit", "1 \u{fc}"),
    ]
}

/// "Never complete without the final reply."
fn lies() -> Vec<Case> {
    let retr = |name, text: &str| Case::new(name).at(Stage::Retr, hang_up(text)).exits(&[75, 76]);
    vec![
        retr("retr-closes", ""),
        retr("retr-closes-in-status", "+OK 44 oct"),
        retr("retr-closes-behind-status", "+OK\r\n"),
        retr("retr-closes-in-text", "+OK\r\nSubject: host"),
        retr("retr-closes-at-line-end", &format!("+OK\r\n{MESSAGE}")),
        retr("retr-closes-at-dot", &format!("+OK\r\n{MESSAGE}.")),
        retr("retr-closes-in-crlf", &format!("+OK\r\n{MESSAGE}.\r")),
        // The end of another line than CRLF's is none.
        retr("retr-closes-behind-lf-dot-lf", &format!("+OK\r\n{MESSAGE}\n.\n")),
        retr("retr-closes-behind-dot-lf", &format!("+OK\r\n{MESSAGE}.\n")),
        Case::new("retr-challenge").at(Stage::Retr, say("+ \r\n")).exits(&[76]),
        Case::new("list-closes").at(Stage::List, hang_up("+OK\r\n1 44\r\n")).exits(&[75, 76]),
        Case::new("uidl-closes").at(Stage::Uidl, hang_up("+OK\r\n1 one\r\n")).exits(&[75, 76]),
        Case::new("dele-closes").at(Stage::Dele, Act::Close).kept().exits(&[75, 76]),
        Case::new("quit-closes").at(Stage::Quit, Act::Close).kept().exits(&[75, 76]),
        Case::new("quit-closes-in-reply").at(Stage::Quit, hang_up("+OK b")).kept().exits(&[75, 76]),
        Case::new("quit-closes-in-crlf").at(Stage::Quit, hang_up("+OK bye\r")).kept().exits(&[75, 76]),
        Case::new("close-at-once").at(Stage::Greeting, Act::Close).never_logs_in().exits(&[69, 75, 76]),
        Case::new("not-pop3")
            .at(Stage::Greeting, say("SSH-2.0-OpenSSH_9.2p1\r\n"))
            .never_logs_in()
            .exits(&[76]),
        Case::new("smtp")
            .at(Stage::Greeting, say("220 hostile.example ESMTP\r\n"))
            .never_logs_in()
            .exits(&[76]),
        Case::new("imap").at(Stage::Greeting, say("* OK IMAP4rev1\r\n")).never_logs_in().exits(&[76]),
        Case::new("lf-greeting").at(Stage::Greeting, wait("+OK hostile.example\n")).never_logs_in().timed(),
    ]
}

/// What a server may refuse, and what the exit status makes of it.
fn refusals() -> Vec<Case> {
    let auth = |name, text| Case::new(name).at(Stage::Auth, say(text));
    vec![
        Case::new("unwelcome").at(Stage::Greeting, say("-ERR no mail here\r\n")).never_logs_in().exits(&[69]),
        Case::new("unwelcome-now")
            .at(Stage::Greeting, say("-ERR [SYS/TEMP] busy\r\n"))
            .never_logs_in()
            .exits(&[75]),
        auth("auth-denied", "-ERR [AUTH] no\r\n").exits(&[77]),
        auth("auth-in-use", "-ERR [IN-USE] somebody has it\r\n").exits(&[75]),
        auth("auth-login-delay", "-ERR [LOGIN-DELAY] wait\r\n").exits(&[75]),
        auth("auth-temporary", "-ERR [SYS/TEMP/DB] later\r\n").exits(&[75]),
        auth("auth-control-octets", "-ERR \x1b[2Jno\r\n").exits(&[76, 77]),
        Case::new("user-refused").user().at(Stage::User, say("-ERR nobody\r\n")).exits(&[77]),
        Case::new("pass-refused").user().at(Stage::Pass, say("-ERR [AUTH] no\r\n")).exits(&[77]),
        Case::new("list-refused").at(Stage::List, say("-ERR no\r\n")).exits(&[69]),
        Case::new("uidl-refused").at(Stage::Uidl, say("-ERR what?\r\n")).exits(&[69]),
        Case::new("retr-refused").at(Stage::Retr, say("-ERR no such message\r\n")).exits(&[69, 75]),
        Case::new("dele-refused").at(Stage::Dele, say("-ERR no\r\n")).kept().exits(&[69, 75]),
        // RFC 1939 s 6: "some deleted messages not removed".
        Case::new("quit-refused")
            .at(Stage::Quit, say("-ERR some deleted messages not removed\r\n"))
            .kept()
            .exits(&[75]),
    ]
}

/// RFC 5802 s 5 and 9, RFC 7677 s 4: the client is as much to be convinced as the server.
fn sasl() -> Vec<Case> {
    let scram = |name, first| {
        Case::new(name).mechanism("SCRAM-SHA-256").at(Stage::Auth, Act::Scram(first)).exits(&[76])
    };
    let good = "r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let forged = format!("+ {}\r\n", super::server::base64(format!("v={}=", "A".repeat(43)).as_bytes()));
    let error = format!("+ {}\r\n", super::server::base64(b"e=other-error"));
    let again = "+ UGFzc3dvcmQ6\r\n";
    vec![
        Case::new("auth-close").at(Stage::Auth, Act::Close),
        Case::new("auth-bad-base64").mechanism("LOGIN").at(Stage::Auth, say("+ !!!\r\n")),
        Case::new("auth-bad-padding").mechanism("LOGIN").at(Stage::AuthAnswer, say("+ =AAA\r\n")),
        Case::new("auth-minus").mechanism("LOGIN").at(Stage::Auth, say("- VXNlcm5hbWU6\r\n")).exits(&[76]),
        Case::new("plain-challenge")
            .at(Stage::Auth, say("+ \r\n"))
            .at(Stage::AuthAnswer, say("+ \r\n"))
            .at(Stage::AuthAnswerAgain, say("+ \r\n")),
        Case::new("login-loop")
            .mechanism("LOGIN")
            .at(Stage::AuthAnswer, say(again))
            .at(Stage::AuthAnswerAgain, say(again)),
        scram("scram-forged-signature", good).at(Stage::AuthAnswer, say(&forged)),
        scram("scram-no-signature", good).at(Stage::AuthAnswer, say("+OK welcome\r\n")),
        scram("scram-error", good).at(Stage::AuthAnswer, say(&error)),
        Case::new("scram-early-success")
            .mechanism("SCRAM-SHA-256")
            .at(Stage::Auth, say("+OK welcome\r\n"))
            .exits(&[76]),
        scram("scram-foreign-nonce", "r=abcdefghijklmnop,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        scram("scram-nonce-not-extended", "r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        scram("scram-iteration-bomb", "r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000000000"),
        scram("scram-iteration-overflow", "r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=18446744073709551617"),
        scram("scram-iteration-one", "r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1"),
        scram("scram-iteration-zero", "r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0"),
        scram("scram-extension", "m=must,r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        scram("scram-empty-salt", "r={nonce}Zk9,s=,i=4096"),
        scram("scram-garbage", "\u{fffd}{nonce}"),
    ]
}

/// The clock is the client's: a reply has a deadline, however busy the server looks.
fn time() -> Vec<Case> {
    vec![
        Case::new("silent-greeting").at(Stage::Greeting, wait("")).never_logs_in().timed(),
        Case::new("silent-capa").at(Stage::Capa, wait("")).never_logs_in().timed(),
        Case::new("silent-stls").at(Stage::Stls, say("")).never_logs_in().timed(),
        Case::new("silent-handshake").at(Stage::Handshake, wait("")).never_logs_in().timed(),
        Case::new("silent-auth").at(Stage::Auth, wait("")).timed(),
        Case::new("silent-list").at(Stage::List, wait("")).timed(),
        Case::new("silent-retr").at(Stage::Retr, wait("+OK\r\nSubject: ")).timed(),
        Case::new("silent-quit").at(Stage::Quit, wait("")).kept().exits(&[75, 76]).timed(),
        Case::new("drip-greeting").at(Stage::Greeting, Act::Drip(b'+')).never_logs_in().timed(),
        Case::new("drip-capa").at(Stage::Capa, Act::Drip(b'+')).never_logs_in().timed(),
        Case::new("drip-uidl").at(Stage::Uidl, Act::Drip(b'+')).timed(),
        Case::new("drip-retr").at(Stage::Retr, Act::Drip(b'+')).timed(),
        Case::new("drip-quit").at(Stage::Quit, Act::Drip(b'+')).kept().exits(&[75, 76]).timed(),
    ]
}
