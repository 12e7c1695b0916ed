//! The client machine: what it writes, what it tells, and what it makes of servers that do wrong.
//!
//! A row is a script of steps: what the server says, what the client does, and what must have come out. The server's octets
//! are handed over whole, octet by octet, and cut at each index of a step, with one outcome.

mod script;

use mail46_smtp::client::{Connection, Envelope, Unable};
use script::*;

#[test]
fn transactions() {
    check(&[
        (
            smtp,
            &[
                HI,
                EHLO,
                FULL,
                C(sized),
                W(
                    "MAIL FROM:<a@b.example> SIZE=4\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\nBDAT 4 LAST\r\nhi\r\n",
                ),
                S("250 ok\r\n250 ok\r\n550 no\r\n250 queued\r\n"),
            ],
            "ready send done +,Rcpt550",
            "PIPELINING and CHUNKING: one flight (RFC 2920 s 3.1, RFC 3030 s 4.2)",
        ),
        (
            |config| config.blind_chunk = 3,
            &[
                HI,
                EHLO,
                FULL,
                C(sized),
                W("MAIL FROM:<a@b.example> SIZE=4\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\n"),
                S("250 ok\r\n250 ok\r\n550 no\r\n"),
                W("BDAT 4 LAST\r\nhi\r\n"),
                S("250 queued\r\n"),
            ],
            "ready send done +,Rcpt550",
            "a message that is too long to be sent in vain",
        ),
        (
            |config| config.blind_chunk = 0,
            &[HI, EHLO, FULL, C(sized), Flush, S("250 ok\r\n550 no\r\n551 no\r\n"), W("")],
            "ready done Rcpt550,Rcpt551",
            "and is not, then",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                W("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\nDATA\r\n"),
                S("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
                W("hi\r\n.\r\n"),
                S("250 queued\r\n"),
                C(|machine| machine.quit().unwrap()),
                W("QUIT\r\n"),
                S("221 bye\r\n"),
            ],
            "ready send done +,+ closed 221",
            "DATA",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                BARE,
                C(two),
                W("MAIL FROM:<a@b.example>\r\n"),
                S("250 ok\r\n"),
                W("RCPT TO:<c@d.example>\r\n"),
                S("251 will forward\r\n"),
                W("RCPT TO:<e@f.example>\r\n"),
                S("452 later\r\n"),
                W("DATA\r\n"),
                S("354\r\n"),
                W("hi\r\n.\r\n"),
                S("554 no\r\n"),
            ],
            "ready send done Message554,Rcpt452",
            "without PIPELINING a line at a time",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                BARE,
                C(two),
                Flush,
                S("250 ok\r\n"),
                Flush,
                S("550 no\r\n"),
                Flush,
                S("550 no\r\n"),
                W(""),
            ],
            "ready done Rcpt550,Rcpt550",
            "without PIPELINING no DATA for nobody",
        ),
        (
            smtp,
            &[HI, EHLO, BARE, C(two), Flush, S("450 no\r\n"), W("")],
            "ready done Mail450,Mail450",
            "without PIPELINING nothing behind a refused MAIL",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 a\r\n550 b\r\n354 go\r\n"),
                W(".\r\n"),
                S("554 none\r\n"),
            ],
            "ready done Rcpt550,Rcpt550",
            "RFC 2920 s 3.1, 4: 354 for nobody, a lone dot",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 a\r\n550 b\r\n354 go\r\n"),
                W(".\r\n"),
                S("250 ok\r\n"),
            ],
            "ready done Rcpt550,Rcpt550",
            "and whatever it says to that, nobody was accepted",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("550 no\r\n250 ok\r\n503 b\r\n354 go\r\n"),
                W(".\r\n"),
                S("250 ok\r\n"),
            ],
            "ready done Mail550,Mail550",
            "MAIL refused, and a server that goes on all the same",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("250 ok\r\n250 ok\r\n550 b\r\n451 later\r\n"), W("")],
            "ready done Data451,Rcpt550",
            "DATA refused",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n250 ok\r\n550 b\r\n451 later\r\n"),
                C(one),
                W("RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
            ],
            "ready done Data451,Rcpt550",
            "what was left is cleared before the next",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                FULL,
                C(sized),
                Flush,
                S("250 ok\r\n250 ok\r\n250 ok\r\n552 too big\r\n"),
                C(one),
                W("RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
                S("250\r\n250\r\n250\r\n354\r\n"),
                W("hi\r\n.\r\n"),
                S("250 ok\r\n"),
                C(one),
                W("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
            ],
            "ready send done Message552,Message552 send done +",
            "RFC 3030 s 2: RSET behind a failed chunk; none behind a success",
        ),
        (
            lmtp,
            &[
                HI,
                W("LHLO client.example\r\n"),
                FULL,
                C(sized),
                W("MAIL FROM:<a@b.example> SIZE=4\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\n"),
                S("250 ok\r\n250 ok\r\n250 ok\r\n"),
                W("BDAT 4 LAST\r\nhi\r\n"),
                S("250 ok\r\n452 full\r\n"),
            ],
            "ready send done +,Message452",
            "RFC 2033 s 4.3: a reply for each",
        ),
        (
            lmtp,
            &[
                HI,
                Flush,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"),
                W("hi\r\n.\r\n"),
                S("250 ok\r\n"),
            ],
            "ready send done Rcpt550,+",
            "RFC 2033 s 4.2: and none for the refused",
        ),
        (
            lmtp,
            &[HI, Flush, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n550 ok\r\n503 no\r\n")],
            "ready done Rcpt550,Rcpt550",
            "RFC 2033 s 4.2: 503",
        ),
        (
            lmtp,
            &[HI, Flush, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n550 ok\r\n354 go\r\n")],
            "ready error: a 354 reply to Data",
            "RFC 2033 s 4.2: it must not, for no reply would ever follow the dot",
        ),
    ]);
}

#[test]
fn openings() {
    check(&[
        (
            smtp,
            &[S("554 no\r\n"), C(|machine| machine.quit().unwrap()), W("QUIT\r\n"), S("221 bye\r\n")],
            "unwelcome 554 closed 221",
            "RFC 5321 s 3.1",
        ),
        (smtp, &[S("421 busy\r\n")], "closed 421", "busy"),
        (
            smtp,
            &[HI, EHLO, S("502 what\r\n"), W("HELO client.example\r\n"), BARE],
            "ready",
            "RFC 5321 s 3.2: HELO",
        ),
        (smtp, &[HI, EHLO, S("502 what\r\n"), Flush, S("550 go away\r\n")], "unwelcome 550", "neither"),
        (smtp, &[HI, EHLO, S("450 later\r\n")], "unwelcome 450", "a 4yz is no lack of EHLO"),
        (
            lmtp,
            &[HI, W("LHLO client.example\r\n"), S("500 what\r\n"), W("")],
            "unwelcome 500",
            "LMTP has nothing to fall back to",
        ),
        (smtp, &[S("220-mx.example\r\n220-  \r\n220 ready\r\n"), EHLO], "", "a greeting of many lines"),
        (smtp, &[S("354 what\r\n")], "error: a 354 reply to Ehlo", "no greeting"),
        (smtp, &[S("SSH-2.0-OpenSSH\r\n")], "error: bad reply: no reply code at octet 0", "another protocol"),
        (
            smtp,
            &[S("220-mx.example\r\n250 ok\r\n")],
            "error: bad reply: another code in the same reply at octet 17",
            "RFC 5321 s 4.2.1: mixed codes",
        ),
    ]);
}

#[test]
fn tls() {
    fn start(machine: &mut Connection) {
        machine.start_tls().unwrap();
    }
    const OFFER: Do = S("250-mx.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n");
    const START: Do = W("STARTTLS\r\n");
    check(&[
        (
            smtp,
            &[HI, EHLO, OFFER, C(start), START, S("220 go\r\n"), EHLO, PIPE],
            "ready handshake ready",
            "EHLO anew (RFC 3207 s 4.2)",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(start),
                START,
                S("454 no\r\n"),
                W(""),
                C(one),
                W("MAIL FROM:<a@b.example>\r\n"),
            ],
            "ready no tls 454",
            "refused; the caller goes on or not",
        ),
        (smtp, &[HI, EHLO, OFFER, C(start), START, S("502 no\r\n")], "ready no tls 502", "in other words"),
    ]);
    for behind in ["250 injected\r\n", "2", "\r", "421 bye\r\n", "\u{16}"] {
        let mut talk = Talk::new(config());
        talk.hear(b"220 mx\r\n");
        talk.hear(b"250-mx\r\n250 STARTTLS\r\n");
        talk.machine.start_tls().unwrap();
        talk.hear(format!("220 go\r\n{behind}").as_bytes());
        let want = "ready error: octets in the clear behind the reply to STARTTLS";
        assert_eq!(talk.log.trim(), want, "RFC 3207 s 6: {behind:?}");
    }
    // What was said in the clear is forgotten.
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n");
    talk.machine.start_tls().unwrap();
    talk.hear(b"220 go\r\n");
    assert!(talk.machine.extensions().is_none() && talk.machine.is_tls());
    assert!(
        matches!(talk.machine.mail(&to(&["c@d.example"])), Err(Unable::NotReady)),
        "before EHLO is answered"
    );
    talk.hear(b"250-mx\r\n250 STARTTLS\r\n");
    assert!(talk.machine.start_tls().is_err(), "once");
    let utf8 = Envelope::new(mailbox("ä@b.example"), [mailbox("c@d.example")]);
    assert!(matches!(talk.machine.mail(&utf8), Err(Unable::SmtpUtf8)));
}

#[test]
fn auth() {
    const OFFER: Do = S("250-mx.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n");
    fn plain(machine: &mut Connection) {
        machine.auth("PLAIN", Some(b"\0u\0p")).unwrap();
    }
    fn login(machine: &mut Connection) {
        machine.auth("LOGIN", None).unwrap();
    }
    fn respond(machine: &mut Connection) {
        machine.respond(b"u").unwrap();
    }
    check(&[
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(plain),
                W("AUTH PLAIN AHUAcA==\r\n"),
                S("235 ok\r\n"),
                W(""),
                C(one),
                W("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
            ],
            "ready authenticated",
            "no EHLO behind AUTH, and the extensions stay",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(|m| m.auth("EXTERNAL", Some(b"")).unwrap()),
                W("AUTH EXTERNAL =\r\n"),
                S("235 ok\r\n"),
            ],
            "ready authenticated",
            "RFC 4954 s 4: an empty initial response",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(login),
                W("AUTH LOGIN\r\n"),
                S("334 VXNlcm5hbWU6\r\n"),
                C(respond),
                W("dQ==\r\n"),
                S("334 \r\n"),
                C(|m| m.respond(b"").unwrap()),
                W("\r\n"),
                S("535 no\r\n"),
            ],
            "ready challenge <Username:> challenge <> auth refused 535",
            "two challenges; the empty response is an empty line",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(login),
                Flush,
                S("334\r\n"),
                C(|m| m.cancel_auth().unwrap()),
                W("*\r\n"),
                S("501 cancelled\r\n"),
            ],
            "ready challenge <> auth refused 501",
            "given up",
        ),
        (
            smtp,
            &[HI, EHLO, OFFER, C(login), Flush, S("334 not base64!\r\n"), W("*\r\n"), S("501 no\r\n")],
            "ready auth refused 501",
            "RFC 4954 s 4: what is no base64",
        ),
        (
            smtp,
            &[HI, EHLO, OFFER, C(login), Flush, S("334 not base64!\r\n"), W("*\r\n"), S("334 \r\n")],
            "ready error: a 334 reply to Auth",
            "a challenge behind `*` has no end",
        ),
        (
            smtp,
            &[HI, EHLO, OFFER, C(login), Flush, S("334 x=\r\n"), W("*\r\n"), S("235 ok\r\n")],
            "ready error: a 235 reply to Auth",
            "nor is anybody let in who gave up",
        ),
        (
            |config| config.challenges = 2,
            &[
                HI,
                EHLO,
                OFFER,
                C(login),
                Flush,
                S("334 \r\n"),
                C(respond),
                Flush,
                S("334 \r\n"),
                C(respond),
                Flush,
                S("334 \r\n"),
                W("*\r\n"),
                S("500 no\r\n"),
            ],
            "ready challenge <> challenge <> auth refused 500",
            "challenges without end",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(|m| m.auth("PLAIN", Some(&[b'x'; 400])).unwrap()),
                W("AUTH PLAIN\r\n"),
                S("334 \r\n"),
                C(|_| {}),
                Flush,
                S("235 ok\r\n"),
            ],
            "ready authenticated",
            "RFC 4954 s 4: too long for the line, held for the challenge",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(|m| m.auth("PLAIN", Some(&[b'x'; 400])).unwrap()),
                Flush,
                S("334 eA==\r\n"),
                W("*\r\n"),
                S("501 no\r\n"),
            ],
            "ready auth refused 501",
            "a challenge that is not the empty one does not get it",
        ),
        (smtp, &[HI, EHLO, OFFER, C(plain), Flush, S("421 bye\r\n")], "ready closed 421", "421"),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(plain),
                Flush,
                S("535 no\r\n"),
                C(plain),
                W("AUTH PLAIN AHUAcA==\r\n"),
                S("235 ok\r\n"),
            ],
            "ready auth refused 535 authenticated",
            "again",
        ),
    ]);
    let mut machine = Connection::new(config());
    for name in ["", "PL AIN", "PLAIN\r\nQUIT", "A-NAME-OF-MORE-THAN-TWENTY"] {
        assert!(machine.auth(name, None).is_err(), "no mechanism: {name:?}");
    }
}
