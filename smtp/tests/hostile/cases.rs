//! The table of hostile servers: each row is one lie, and says what the client owes its user in spite of it.

use super::server::{Act, Certificate, Stage};

/// How the client under test is set up; it always has a user and a password, and trusts one authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Clear,
    Opportunistic,
    Required,
}

/// What the client may send of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// It may log in, inside TLS only.
    InsideTls,
    /// It may not even try: no AUTH is seen, neither in the clear nor inside.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The control: all is well and the mail is taken.
    Delivered,
    /// An error, with one of these exit statuses for the program (sysexits.h; empty: any but 0).
    Fails(&'static [i32]),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) security: Security,
    pub(crate) mechanism: &'static str,
    pub(crate) certificate: Certificate,
    pub(crate) ehlo: String,
    pub(crate) in_tls: String,
    pub(crate) plan: Vec<(Stage, Act)>,
    pub(crate) login: Login,
    pub(crate) outcome: Outcome,
    /// The row ends by the client's clock alone.
    pub(crate) timed: bool,
}

impl Case {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            security: Security::Required,
            mechanism: "PLAIN",
            certificate: Certificate::Good,
            ehlo: "250-hostile.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 SIZE 99999999\r\n".into(),
            in_tls: "250-hostile.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n\
                250-AUTH PLAIN LOGIN SCRAM-SHA-256\r\n250 SIZE 99999999\r\n"
                .into(),
            plan: Vec::new(),
            login: Login::InsideTls,
            outcome: Outcome::Fails(&[]),
            timed: false,
        }
    }

    fn at(mut self, stage: Stage, act: Act) -> Self {
        self.plan.push((stage, act));
        self
    }

    fn mechanism(mut self, name: &'static str) -> Self {
        self.mechanism = name;
        self
    }

    fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    fn ehlo(mut self, text: &str) -> Self {
        self.ehlo = text.into();
        self
    }

    fn in_tls(mut self, text: &str) -> Self {
        self.in_tls = text.into();
        self
    }

    fn never_logs_in(mut self) -> Self {
        self.login = Login::Never;
        self
    }

    fn exits(mut self, codes: &'static [i32]) -> Self {
        self.outcome = Outcome::Fails(codes);
        self
    }

    fn delivers(mut self) -> Self {
        self.outcome = Outcome::Delivered;
        self
    }

    fn timed(mut self) -> Self {
        self.timed = true;
        self
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
    [controls(), stripping(), injection(), certificates(), endless_replies(), lies(), sasl(), time()]
        .into_iter()
        .flatten()
        .collect()
}

fn controls() -> Vec<Case> {
    vec![
        Case::new("control-plain").delivers(),
        Case::new("control-login").mechanism("LOGIN").delivers(),
        Case::new("control-opportunistic").security(Security::Opportunistic).delivers(),
        // RFC 3207 s 4.2: a server need not stop offering it; the client must not obey twice.
        Case::new("control-starttls-again")
            .in_tls("250-hostile.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
            .delivers(),
        // A reply without text is a reply.
        Case::new("control-bare-codes")
            .at(Stage::Greeting, say("220\r\n"))
            .at(Stage::Mail, say("250\r\n"))
            .at(Stage::Dot, say("250\r\n"))
            .delivers(),
    ]
}

/// RFC 3207 s 6: "attacker … could delete the STARTTLS keyword from the EHLO response".
fn stripping() -> Vec<Case> {
    let stripped = "250-hostile.example\r\n250 AUTH PLAIN LOGIN SCRAM-SHA-256\r\n";
    let open = "250-hostile.example\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN SCRAM-SHA-256\r\n";
    let refuses = |name, text| Case::new(name).ehlo(open).at(Stage::StartTls, say(text)).never_logs_in();
    vec![
        Case::new("strip").ehlo(stripped).never_logs_in(),
        Case::new("strip-opportunistic").ehlo(stripped).security(Security::Opportunistic).never_logs_in(),
        Case::new("clear-asked").ehlo(stripped).security(Security::Clear).never_logs_in(),
        // The keyword with something behind it, or as a part of another, is not the keyword.
        Case::new("strip-lookalike")
            .ehlo("250-hostile.example\r\n250-XSTARTTLS\r\n250-STARTTLSX\r\n250 AUTH PLAIN\r\n")
            .never_logs_in(),
        refuses("starttls-454", "454 4.7.0 TLS not available\r\n"),
        refuses("starttls-502", "502 5.5.1 what?\r\n"),
        refuses("starttls-250", "250 2.0.0 all is well\r\n"),
        refuses("starttls-530", "530 5.7.0 must issue STARTTLS first\r\n"),
        refuses("starttls-354", "354 go on\r\n"),
        refuses("starttls-mixed", "220-ready\r\n454 or not\r\n"),
        Case::new("no-ehlo").at(Stage::Ehlo, say("502 5.5.1 what?\r\n")).never_logs_in(),
        Case::new("ehlo-closes").at(Stage::Ehlo, Act::Close).never_logs_in(),
        Case::new("no-auth-in-tls").ehlo(open).in_tls("250 hostile.example\r\n").never_logs_in(),
        // The user asked for a mechanism: no other is taken because the server would like it more.
        Case::new("mechanism-stripped")
            .mechanism("SCRAM-SHA-256")
            .in_tls("250-hostile.example\r\n250 AUTH PLAIN LOGIN\r\n")
            .never_logs_in(),
    ]
}

/// Replies that came before TLS, and must count for nothing inside it.
fn injection() -> Vec<Case> {
    let evil = "220 2.0.0 ready\r\n250-evil.example\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n";
    vec![
        Case::new("inject").at(Stage::StartTls, wait(evil)).never_logs_in(),
        Case::new("inject-one-octet").at(Stage::StartTls, wait("220 2.0.0 ready\r\n2")).never_logs_in(),
        Case::new("inject-crlf").at(Stage::StartTls, wait("220 2.0.0 ready\r\n\r\n")).never_logs_in(),
        Case::new("inject-whole-session")
            .at(
                Stage::StartTls,
                wait("220 ok\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 ok\r\n250 taken\r\n"),
            )
            .never_logs_in(),
        // The 220 is there before it was asked for.
        Case::new("early-220")
            .at(Stage::Ehlo, say("250-hostile.example\r\n250 STARTTLS\r\n220 2.0.0 ready\r\n"))
            .at(Stage::StartTls, wait("250-evil.example\r\n250 AUTH PLAIN\r\n"))
            .never_logs_in(),
        Case::new("early-ehlo")
            .at(Stage::Greeting, say("220 hostile.example\r\n250-evil.example\r\n250 AUTH PLAIN\r\n"))
            .at(Stage::Ehlo, wait(""))
            .never_logs_in(),
        Case::new("plain-behind-220")
            .at(Stage::Handshake, say("250-hostile.example\r\n250 AUTH PLAIN LOGIN\r\n"))
            .never_logs_in(),
        Case::new("tls-refused-plain")
            .at(Stage::Handshake, say("454 4.7.0 changed my mind\r\n"))
            .never_logs_in(),
        Case::new("tls-refused-opportunistic")
            .security(Security::Opportunistic)
            .at(Stage::Handshake, say("454 4.7.0 changed my mind\r\n"))
            .never_logs_in(),
    ]
}

fn certificates() -> Vec<Case> {
    let shows = |name, certificate| Case::new(name).certificate(certificate).never_logs_in();
    vec![
        shows("certificate-wrong-name", Certificate::WrongName),
        shows("certificate-expired", Certificate::Expired),
        shows("certificate-self-signed", Certificate::SelfSigned),
        // Opportunistic TLS may go on with any certificate, but not with a password.
        shows("certificate-opportunistic", Certificate::SelfSigned).security(Security::Opportunistic),
    ]
}

/// RFC 5321 s 4.5.3.1.5: a reply line has 512 octets. The number of lines is ours to bound.
fn endless_replies() -> Vec<Case> {
    let line = "250-X-FOLLOWS-ANOTHER some text to fill the line\r\n";
    vec![
        Case::new("endless-greeting")
            .at(Stage::Greeting, endless("", "220-hostile.example\r\n"))
            .never_logs_in(),
        Case::new("endless-banner").at(Stage::Greeting, endless("220 ", "hostile ")).never_logs_in(),
        Case::new("endless-no-code").at(Stage::Greeting, endless("", "a\r\n")).never_logs_in(),
        Case::new("endless-empty-lines").at(Stage::Greeting, endless("", "\r\n")).never_logs_in(),
        Case::new("endless-zero-octets").at(Stage::Greeting, endless("", "\0")).never_logs_in(),
        Case::new("endless-ehlo").at(Stage::Ehlo, endless("250-hostile.example\r\n", line)).never_logs_in(),
        Case::new("endless-ehlo-line").at(Stage::Ehlo, endless("250-", "x")).never_logs_in(),
        Case::new("endless-ehlo-in-tls")
            .at(Stage::EhloInTls, endless("250-hostile.example\r\n", line))
            .never_logs_in(),
        Case::new("endless-auth-keyword")
            .at(Stage::EhloInTls, endless("250-AUTH ", "PLAIN "))
            .never_logs_in(),
        Case::new("endless-rcpt").at(Stage::Rcpt, endless("", "250-ok\r\n")),
        Case::new("endless-dot").at(Stage::Dot, endless("", "250-taken\r\n")),
        Case::new("long-line")
            .at(Stage::Ehlo, say(&format!("250-{}\r\n250 STARTTLS\r\n", "x".repeat(1 << 20))))
            .never_logs_in(),
        Case::new("challenge-bomb").at(Stage::Auth, endless("334 ", "QUFB")),
    ]
}

/// "Never delivered without the final reply."
fn lies() -> Vec<Case> {
    let line = |name, stage, text: &str| Case::new(name).at(stage, say(text));
    vec![
        Case::new("close-after-dot").at(Stage::Dot, Act::Close).exits(&[75, 76]),
        Case::new("close-in-dot-reply").at(Stage::Dot, hang_up("250 2.0.0 tak")).exits(&[75, 76]),
        Case::new("close-in-dot-lines").at(Stage::Dot, hang_up("250-2.0.0 taken\r\n")).exits(&[75, 76]),
        Case::new("dot-421").at(Stage::Dot, hang_up("421 4.3.2 shutting down\r\n")).exits(&[75]),
        Case::new("dot-451").at(Stage::Dot, say("451 4.3.0 later\r\n")).exits(&[75]),
        Case::new("dot-354").at(Stage::Dot, say("354 more\r\n")).exits(&[75, 76]),
        Case::new("dot-mixed").at(Stage::Dot, say("250-taken\r\n550 not\r\n")).exits(&[69, 75, 76]),
        Case::new("mail-421").at(Stage::Mail, hang_up("421 4.3.2 shutting down\r\n")).exits(&[75]),
        Case::new("greeting-421")
            .at(Stage::Greeting, hang_up("421 4.3.2 too busy\r\n"))
            .exits(&[75])
            .never_logs_in(),
        Case::new("greeting-554")
            .at(Stage::Greeting, hang_up("554 5.3.2 no mail here\r\n"))
            .exits(&[69, 76])
            .never_logs_in(),
        line("rcpt-550", Stage::Rcpt, "550 5.1.1 no such user\r\n").exits(&[67]),
        line("rcpt-450", Stage::Rcpt, "450 4.2.1 busy\r\n").exits(&[75]),
        line("data-550", Stage::Data, "550 5.7.1 no\r\n").exits(&[69, 77]),
        line("data-250", Stage::Data, "250 2.0.0 taken already\r\n").exits(&[75, 76]),
        line("dot-550", Stage::Dot, "550 5.7.1 spam\r\n").exits(&[69, 77]),
        line("dot-552", Stage::Dot, "552 5.3.4 too big\r\n").exits(&[69]),
        line("code-999", Stage::Mail, "999 9.9.9 ok\r\n").exits(&[76]),
        line("code-25", Stage::Mail, "25 ok\r\n").exits(&[76]),
        line("code-negative", Stage::Mail, "-250 ok\r\n").exits(&[76]),
        line("code-2500", Stage::Mail, "2500 ok\r\n").exits(&[76]),
        line("not-smtp", Stage::Greeting, "SSH-2.0-OpenSSH_9.2p1\r\n").exits(&[76]).never_logs_in(),
        line("http", Stage::Greeting, "HTTP/1.1 400 Bad Request\r\n\r\n").exits(&[76]).never_logs_in(),
        Case::new("close-at-once").at(Stage::Greeting, Act::Close).exits(&[69, 75, 76]).never_logs_in(),
    ]
}

/// RFC 5802 s 5 and 9, RFC 7677 s 4: the client is as much to be convinced as the server.
fn sasl() -> Vec<Case> {
    let scram = |name, first| Case::new(name).mechanism("SCRAM-SHA-256").at(Stage::Auth, Act::Scram(first));
    let good = "r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let forged = format!("334 {}\r\n", super::server::base64(format!("v={}=", "A".repeat(43)).as_bytes()));
    let error = format!("334 {}\r\n", super::server::base64(b"e=other-error"));
    vec![
        Case::new("auth-535").at(Stage::Auth, say("535 5.7.8 no\r\n")).exits(&[77]),
        Case::new("auth-454").at(Stage::Auth, say("454 4.7.0 later\r\n")).exits(&[75]),
        Case::new("auth-close").at(Stage::Auth, Act::Close),
        Case::new("auth-bad-base64").mechanism("LOGIN").at(Stage::Auth, say("334 !!!\r\n")),
        Case::new("auth-bad-padding").mechanism("LOGIN").at(Stage::AuthAnswer, say("334 =AAA\r\n")),
        Case::new("plain-challenge")
            .at(Stage::Auth, say("334 \r\n"))
            .at(Stage::AuthAnswer, say("334 \r\n"))
            .at(Stage::AuthAnswerAgain, say("334 \r\n")),
        Case::new("login-loop")
            .mechanism("LOGIN")
            .at(Stage::AuthAnswer, say("334 UGFzc3dvcmQ6\r\n"))
            .at(Stage::AuthAnswerAgain, say("334 UGFzc3dvcmQ6\r\n")),
        scram("scram-forged-signature", good).at(Stage::AuthAnswer, say(&forged)),
        scram("scram-forged-signature-in-235", good)
            .at(Stage::AuthAnswer, say(&forged.replace("334", "235"))),
        scram("scram-no-signature", good).at(Stage::AuthAnswer, say("235 2.7.0 welcome\r\n")),
        scram("scram-error", good).at(Stage::AuthAnswer, say(&error)),
        Case::new("scram-early-235").mechanism("SCRAM-SHA-256").at(Stage::Auth, say("235 2.7.0 welcome\r\n")),
        scram("scram-foreign-nonce", "r=abcdefghijklmnop,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        scram("scram-nonce-not-extended", "r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        scram("scram-iteration-bomb", "r={nonce}Zk9,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2147483647"),
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
        Case::new("silent-ehlo").at(Stage::Ehlo, wait("")).never_logs_in().timed(),
        Case::new("silent-starttls").at(Stage::StartTls, say("")).never_logs_in().timed(),
        Case::new("silent-handshake").at(Stage::Handshake, wait("")).never_logs_in().timed(),
        Case::new("silent-auth").at(Stage::Auth, wait("")).timed(),
        Case::new("silent-dot").at(Stage::Dot, wait("")).exits(&[75, 76]).timed(),
        Case::new("drip-greeting").at(Stage::Greeting, Act::Drip(b'2')).never_logs_in().timed(),
        Case::new("drip-ehlo").at(Stage::Ehlo, Act::Drip(b'2')).never_logs_in().timed(),
        Case::new("drip-dot").at(Stage::Dot, Act::Drip(b'2')).exits(&[75, 76]).timed(),
    ]
}
