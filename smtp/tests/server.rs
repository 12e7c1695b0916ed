//! The server machine: tables of dialogues. Each is run whole, octet by octet, and cut at each index, with one outcome.

mod talk;

use bytes::BytesMut;
use mail46_smtp::server::{
    Config, Connection, Dialect, Error, Event, InClear, MailFrom, Offer, PeerMisbehaved, Phase,
};
use mail46_smtp::{Command, Reply};
use mail46_wire::{BareNewline, Step};
use talk::{Talk, config, reply, talk};

/// How the server is set up, what the client says (`\u{fffd}` stands for the octet FF), what comes of it, what it shows.
type Row = (fn(&mut Config), &'static str, &'static str, &'static str);

fn mx(_: &mut Config) {}

fn lmtp(config: &mut Config) {
    config.dialect = Dialect::Lmtp;
}

fn all(config: &mut Config) {
    config.offer = config.offer
        | Offer::BINARY_MIME
        | Offer::DSN
        | Offer::FUTURE_RELEASE
        | Offer::REQUIRE_TLS
        | Offer::BURL
        | Offer::XCLIENT
        | Offer::LIMITS;
}

fn auth(config: &mut Config) {
    config.mechanisms = vec!["PLAIN".into(), "X".into()];
    config.auth = InClear::Taken;
}

fn submission(config: &mut Config) {
    auth(config);
    config.mail = MailFrom::Authenticated;
}

fn tiny(config: &mut Config) {
    config.message_size = 20;
    config.limits.recipients = 2;
    config.limits.text_line = 12;
    config.limits.errors = 3;
    config.limits.swallow = 40;
}

fn tiny_lmtp(config: &mut Config) {
    tiny(config);
    lmtp(config);
}

/// EHLO, or a transaction with a recipient, before what the row says.
const HI: &str = "EHLO c.example\r\n";
const TO: &str = "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n";
const LTO: &str =
    "LHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<d@d.example>\r\n";

fn check(rows: &[Row], before: &str, before_log: &str) {
    let mut wrong = String::new();
    for (setup, said, want, shows) in rows {
        let mut config = config();
        setup(&mut config);
        let mut octets = Vec::new();
        for (n, part) in format!("{before}{said}").split('\u{fffd}').enumerate() {
            octets.extend_from_slice(if n > 0 { b"\xff" } else { b"" });
            octets.extend_from_slice(part.as_bytes());
        }
        let want = format!("{before_log} {want}");
        let want = want.trim();
        let whole = talk(&config, &octets, &[]);
        if whole != want {
            wrong += &format!("\n{shows}: {said:.200?}\n  want {want}\n  got  {whole}");
            continue;
        }
        let each: Vec<usize> = (1..octets.len()).collect();
        assert_eq!(talk(&config, &octets, &each), want, "{shows}, octet by octet: {said:?}");
        // Of the very long ones not each cut.
        let step = octets.len() / 1_000 + 1;
        for cut in each.into_iter().step_by(step) {
            assert_eq!(talk(&config, &octets, &[cut]), want, "{shows}, cut at {cut}: {said:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

const OK: &str = "250/2.0.0";

#[test]
fn bad_lines_are_one_fault_each_and_never_two_commands() {
    let long = format!("NOOP {}\r\nNOOP\r\n", "x".repeat(20_000));
    let long: &'static str = long.leak();
    let over: &'static str = format!("NOOP {}\r\nNOOP\r\n", "x".repeat(560)).leak();
    let rows: &[Row] = &[
        (mx, "NO\0OP\r\nNOOP\r\n", "500/5.5.2 250/2.0.0", "NUL in a verb"),
        (mx, "MAIL FROM:<a\0@b.example>\r\n", "500/5.5.2", "NUL in an address"),
        (mx, "NOOP\rMAIL FROM:<>\r\nNOOP\r\n", "500/5.5.2 250/2.0.0", "bare CR separates nothing (s 2.3.8)"),
        (mx, "NOOP\nMAIL FROM:<>\r\nNOOP\r\n", "500/5.5.2 250/2.0.0", "nor does bare LF"),
        (mx, "NOOP\r\r\nNOOP\r\n", "500/5.5.2 250/2.0.0", "CR CR LF"),
        (mx, "\r\n", "500/5.5.2", "the empty line"),
        (mx, " NOOP\r\n", "500/5.5.2", "a space before the verb"),
        (mx, "NO\u{fffd}P\r\n", "500/5.5.2", "8-bit in a verb"),
        (mx, "GET / HTTP/1.1\r\nHost: mx\r\n\r\nNOOP\r\n", "500/5.5.1 500/5.5.2 500/5.5.2 250/2.0.0", "HTTP"),
        (mx, "MAIL FROM:<a\u{fffd}@b.example>\r\n", "501/5.5.2", "8-bit that is no UTF-8"),
        (mx, "MAIL FROM:<ä@b.example>\r\n", "550/5.6.7", "UTF-8 without SMTPUTF8 (RFC 6531 s 3.2)"),
        (
            mx,
            "MAIL FROM:<ä@b.example> SMTPUTF8\r\nRCPT TO:<ö@d.example>\r\n",
            "250/2.0.0 250/2.0.0",
            "and with it",
        ),
        (
            mx,
            "MAIL FROM:<>\r\nRCPT TO:<ö@d.example>\r\n",
            "250/2.0.0 553/5.6.7",
            "a recipient needs the word in MAIL",
        ),
        (mx, "NOOP \u{fffd}\r\n", "501/5.5.2", "8-bit behind NOOP"),
        (mx, "VRFY ä\r\n", "252/2.0.0", "RFC 6531 s 3.7.4.2: SMTPUTF8 is about the reply"),
        (mx, "RSET now\r\n", "501/5.5.4", "an argument that has no place"),
        (mx, "STARTTLS now\r\n", "501/5.5.4", "STARTTLS takes none (RFC 3207 s 4)"),
        (mx, "MAIL\r\n", "501/5.5.4", "no argument where one must be"),
        (mx, over, "500/5.5.6 250/2.0.0", "over 512 and the extensions' increments (s 4.5.3.1.4)"),
        (mx, long, "500/5.5.6 250/2.0.0", "over what is held at all"),
        (mx, "FROB\r\n", "500/5.5.1", "unknown (s 4.2.4)"),
        (mx, "LHLO c.example\r\n", "500/5.5.1", "LHLO is LMTP's"),
        (mx, "MAIL FROM:<> SIZE=1 SIZE=1\r\n", "501/5.5.4", "a parameter twice (s 4.1.1.11)"),
        (mx, "MAIL FROM:<> X-FOO=1\r\n", "555/5.5.4", "unknown parameter (s 4.1.1.11)"),
        (mx, "MAIL FROM:<> RET=HDRS\r\n", "555/5.5.4", "of an extension that is not offered"),
        (all, "MAIL FROM:<> RET=HDRS ENVID=x\r\n", "250/2.0.0", "that is"),
        (all, "MAIL FROM:<> REQUIRETLS\r\n", "555/5.5.4", "RFC 8689 s 2: only inside TLS"),
        (mx, "MAIL FROM:<> BODY=BINARYMIME\r\n", "555/5.5.4", "BINARYMIME is not offered"),
        (all, "MAIL FROM:<> HOLDFOR=604801\r\n", "501/5.5.4", "RFC 4865 s 4 (7, 10, 11): over the limit"),
        (all, "MAIL FROM:<> HOLDFOR=604800\r\n", "250/2.0.0", "at it"),
        (mx, "MAIL FROM:<> AUTH=<>\r\n", "555/5.5.4", "AUTH= without AUTH"),
        (auth, "MAIL FROM:<> AUTH=<>\r\n", "250/2.0.0", "RFC 4954 s 5: also of who is not authenticated"),
    ];
    check(rows, HI, "250");
}

#[test]
fn order() {
    let rows: &[Row] = &[
        (
            mx,
            "MAIL FROM:<>\r\nNOOP\r\nRSET\r\nVRFY x\r\nHELP\r\n",
            "503/5.5.1 250/2.0.0 250/2.0.0 252/2.0.0 250/2.0.0",
            "s 4.1.4: before EHLO",
        ),
        (
            mx,
            "EHLO c.example\r\nRCPT TO:<a@b.example>\r\nDATA\r\nBDAT 3 LAST\r\nab\nNOOP\r\n",
            "250 503/5.5.1 503/5.5.1 503/5.5.1 250/2.0.0",
            "no MAIL; the chunk is not read as commands",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n",
            "250 250/2.0.0 503/5.5.1 250/2.0.0",
            "s 4.1.4: a second MAIL changes nothing",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<>\r\nDATA\r\nRCPT TO:<a@b.example>\r\n",
            "250 250/2.0.0 554/5.5.1 250/2.0.0",
            "s 3.3: no valid recipients",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<no@b.example>\r\nDATA\r\n",
            "250 250/2.0.0 550/5.1.1 554/5.5.1",
            "all refused",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<no@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nMAIL FROM:<>\r\n",
            "250 550/5.1.1 503/5.5.1 503/5.5.1 250/2.0.0",
            "MAIL refused, the rest pipelined",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<>\r\nEHLO d.example\r\nRCPT TO:<a@b.example>\r\nMAIL FROM:<>\r\n",
            "250 250/2.0.0 250 503/5.5.1 250/2.0.0",
            "s 4.1.4: EHLO is like RSET",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<>\r\nEHLO \r\nRCPT TO:<a@b.example>\r\n",
            "250 250/2.0.0 501/5.5.4 250/2.0.0",
            "s 4.1.4: a refused EHLO leaves all as it was",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<>\r\nRSET\r\nRCPT TO:<a@b.example>\r\nRSET\r\nMAIL FROM:<>\r\n",
            "250 250/2.0.0 250/2.0.0 503/5.5.1 250/2.0.0 250/2.0.0",
            "s 4.1.1.5",
        ),
        (
            mx,
            "HELO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n.\r\n",
            "250 250/2.0.0 250/2.0.0 354 <> 250/2.0.0",
            "HELO; the empty message",
        ),
        (
            mx,
            "HELO c.example\r\nMAIL FROM:<> SIZE=1\r\nBDAT 2 LAST\r\n\r\nMAIL FROM:<>\r\n",
            "250 555/5.5.4 503/5.5.1 250/2.0.0",
            "s 2.2.1: no extension behind HELO",
        ),
        (
            mx,
            "EHLO c.example\r\nSTARTTLS\r\nAUTH PLAIN\r\nETRN x.example\r\nBURL imap://x LAST\r\n",
            "250 502/5.5.1 502/5.5.1 502/5.5.1 503/5.5.1",
            "not offered",
        ),
        (mx, "QUIT\r\nNOOP\r\nMAIL", "221/2.0.0 closed", "s 4.1.1.10: what comes behind QUIT"),
        (
            lmtp,
            "EHLO c.example\r\nHELO c.example\r\nLHLO c.example\r\n",
            "500/5.5.1 500/5.5.1 250",
            "RFC 2033 s 4.1",
        ),
        (
            lmtp,
            "LHLO c.example\r\nMAIL FROM:<>\r\nDATA\r\n",
            "250 250/2.0.0 503/5.5.1",
            "RFC 2033 s 4.2: 503",
        ),
        (
            all,
            "EHLO c.example\r\nMAIL FROM:<>\r\nXCLIENT ADDR=192.0.2.1\r\nRSET\r\nXCLIENT ADDR=192.0.2.1\r\nMAIL FROM:<>\r\nEHLO c.example\r\nMAIL FROM:<>\r\n",
            "250 250/2.0.0 503/5.5.1 250/2.0.0 250/2.0.0 503/5.5.1 250 250/2.0.0",
            "XCLIENT begins anew",
        ),
        (
            all,
            "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nBURL imap://x LAST\r\nMAIL FROM:<>\r\n",
            "250 250/2.0.0 250/2.0.0 250/2.0.0 250/2.0.0",
            "RFC 4468 s 3: BURL LAST ends the transaction",
        ),
        (
            all,
            "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nBURL imap://x\r\nMAIL FROM:<>\r\nDATA\r\nBDAT 2 LAST\r\nhi",
            "250 250/2.0.0 250/2.0.0 250/2.0.0 503/5.5.1 503/5.5.1 <hi> 250/2.0.0",
            "and without LAST does not",
        ),
    ];
    check(rows, "", "");
}

#[test]
fn data_ends_at_its_true_end_alone() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("x\r\n.\r\nNOOP\r\n", "<x\\r\\n>", "250/2.0.0", "its own CRLF is the message's"),
        ("..x\r\n...\r\n.\r\nNOOP\r\n", "<.x\\r\\n..\\r\\n>", "250/2.0.0", "dots, the first line's too"),
        ("a\r\n.b\r\n.\r\nNOOP\r\n", "<a\\r\\nb\\r\\n>", "250/2.0.0", "s 4.5.2: a lone stuffed dot goes"),
        ("a\n.\nNOOP\r\n.\r\nNOOP\r\n", "<a>", "554/5.6.0", "LF . LF"),
        ("a\n.\r\nNOOP\r\n.\r\nNOOP\r\n", "<a>", "554/5.6.0", "LF . CRLF"),
        ("a\r\n.\nNOOP\r\n.\r\nNOOP\r\n", "<a\\r\\n>", "554/5.6.0", "CRLF . LF"),
        ("a\r.\rNOOP\r\n.\r\nNOOP\r\n", "<a>", "554/5.6.0", "CR . CR"),
        ("a\r\n.\rNOOP\r\n.\r\nNOOP\r\n", "<a\\r\\n>", "554/5.6.0", "CRLF . CR"),
        ("a\r\n.\r\r\nNOOP\r\n.\r\nNOOP\r\n", "<a\\r\\n>", "554/5.6.0", "CRLF . CRCRLF"),
        ("a\r\r\n.\r\r\nNOOP\r\n.\r\nNOOP\r\n", "<a>", "554/5.6.0", "CRCRLF . CRCRLF"),
        ("a\r\n\0.\r\nNOOP\r\n.\r\nNOOP\r\n", "<a\\r\\n>", "554/5.6.0", "NUL before the dot"),
        ("a\r\n.\0\r\nNOOP\r\n.\r\nNOOP\r\n", "<a\\r\\n>", "554/5.6.0", "NUL behind it"),
    ];
    for (said, message, code, shows) in cases {
        let said: &'static str = format!("DATA\r\n{said}").leak();
        let want: &'static str = format!("354 {message} {code} {OK}").leak();
        check(&[(mx, said, want, shows)], TO, "250 250/2.0.0 250/2.0.0");
    }
    let allow: Row = (
        |config| config.bare_newline = BareNewline::Normalize,
        "DATA\r\na\n.\nNOOP\r\n.\r\nNOOP\r\n",
        "354 <a\\r\\n.\\r\\nNOOP\\r\\n> 250/2.0.0 250/2.0.0",
        "mended, and no end either",
    );
    check(&[allow], TO, "250 250/2.0.0 250/2.0.0");
}

#[test]
fn sizes_and_numbers() {
    let rows: &[Row] = &[
        (
            tiny,
            "EHLO c.example\r\nMAIL FROM:<> SIZE=21\r\nMAIL FROM:<> SIZE=20\r\n",
            "250 552/5.3.4 250/2.0.0",
            "RFC 1870 s 6.1",
        ),
        (
            tiny,
            "EHLO c.example\r\nMAIL FROM:<> SIZE=99999999999999999999\r\n",
            "250 552/5.3.4",
            "20 digits are legal there (s 3)",
        ),
        (
            tiny,
            "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\nhi\r\n.\r\n",
            "250 250/2.0.0 250/2.0.0 250/2.0.0 452/4.5.3 354 <hi\\r\\n> 250/2.0.0",
            "s 4.5.3.1.10",
        ),
        (
            tiny,
            "EHLO c.example\r\nX\r\nX\r\nX\r\nX\r\nNOOP\r\n",
            "250 500/5.5.1 500/5.5.1 500/5.5.1 421/4.7.0 closed",
            "too many errors",
        ),
    ];
    check(rows, "", "");
    let rows: &[Row] = &[
        (
            tiny,
            "DATA\r\n01234567\r\n01234567\r\n.\r\nNOOP\r\n",
            "354 <01234567\\r\\n01234567\\r\\n> 250/2.0.0 250/2.0.0",
            "20 octets",
        ),
        (
            tiny,
            "DATA\r\n01234567\r\n012345678\r\n.\r\nNOOP\r\n",
            "354 <01234567\\r\\n012345678\\r> 552/5.3.4 250/2.0.0",
            "21: read to its end, one reply (RFC 1870 s 6.4)",
        ),
        (
            tiny,
            "DATA\r\n01234567890\r\n.\r\nNOOP\r\n",
            "354 <0123456789> 554/5.6.0 250/2.0.0",
            "a line over the limit",
        ),
        (
            tiny,
            "BDAT 20 LAST\r\n01234567890123456789NOOP\r\n",
            "<01234567890123456789> 250/2.0.0 250/2.0.0",
            "20 octets by BDAT",
        ),
        (
            tiny,
            "BDAT 21 LAST\r\n012345678901234567890NOOP\r\nMAIL FROM:<>\r\n",
            "552/5.3.4 250/2.0.0 250/2.0.0",
            "21: swallowed, one reply, the transaction is over",
        ),
        (
            tiny,
            "BDAT 10\r\n0123456789BDAT 11 LAST\r\n01234567890NOOP\r\n",
            "250/2.0.0 552/5.3.4 250/2.0.0 <0123456789",
            "in the sum",
        ),
        (
            tiny,
            "BDAT 100 LAST\r\nQUIT\r\n",
            "552/5.3.4 closed",
            "more than is ever swallowed: refused and over at once",
        ),
        (mx, "BDAT 18446744073709551615 LAST\r\nQUIT\r\n", "552/5.3.4 closed", "2^64 - 1"),
        (
            mx,
            "BDAT 18446744073709551616 LAST\r\nQUIT\r\n",
            "501/5.5.4 closed",
            "2^64: nobody knows where commands go on",
        ),
        (mx, "BDAT x LAST\r\nQUIT\r\n", "501/5.5.4 closed", "no number"),
        (mx, "BDAT\r\nQUIT\r\n", "501/5.5.4 closed", "none at all"),
        (
            mx,
            "BDAT 4 LAST\nQUIT\r\nQUIT\r\n",
            "500/5.5.2 closed",
            "a bare LF behind BDAT: the chunk is not read as commands",
        ),
        (
            tiny,
            "DATA\r\nx\r\n0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
            "354 error: refused message without end <x\\r\\n0123456789",
            "and what came before the fault was handed out, however it came",
        ),
        (
            tiny,
            "DATA\r\na\nb\r\n0123456789012345678901234567890123456789\r\n.\r\nNOOP\r\n",
            "354 error: refused message without end <a",
            "more than is swallowed",
        ),
    ];
    check(rows, TO, "250 250/2.0.0 250/2.0.0");
}

#[test]
fn chunks() {
    let rows: &[Row] = &[
        (
            mx,
            "BDAT 2\r\nhiBDAT 3\r\n yoBDAT 0 LAST\r\nMAIL FROM:<>\r\n",
            "250/2.0.0 250/2.0.0 <hi yo> 250/2.0.0 250/2.0.0",
            "RFC 3030 s 2",
        ),
        (mx, "BDAT 0 LAST\r\nNOOP\r\n", "<> 250/2.0.0 250/2.0.0", "the empty message"),
        (mx, "BDAT 7 LAST\r\n.\r\n.\r\n.", "<.\\r\\n.\\r\\n.> 250/2.0.0", "no dots are special"),
        (
            mx,
            "BDAT 13\r\nQUIT\r\nQUIT\r\n.BDAT 4\r\nQUITBDAT 4 LAST\r\nQUITMAIL FROM:<>\r\n",
            "452/4.0.0 503/5.5.1 503/5.5.1 250/2.0.0",
            "chunks pipelined behind a refused one are swallowed, each answered, never read as commands",
        ),
        (
            mx,
            "BDAT 13\r\nQUIT\r\nQUIT\r\n.MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\n",
            "452/4.0.0 503/5.5.1 250/2.0.0 250/2.0.0",
            "RSET leads on",
        ),
        (
            mx,
            "BDAT 13 LAST\r\nQUIT\r\nQUIT\r\n.MAIL FROM:<>\r\n",
            "452/4.0.0 250/2.0.0",
            "a refused LAST ends the transaction",
        ),
        (
            mx,
            "BDAT 2\r\nhiDATA\r\nRCPT TO:<x@d.example>\r\nBDAT 0 LAST\r\n",
            "250/2.0.0 503/5.5.1 503/5.5.1 <hi> 250/2.0.0",
            "RFC 3030 s 2: no DATA behind BDAT, no RCPT either",
        ),
        (
            mx,
            "BDAT 2\r\nhiRSET\r\nBDAT 0 LAST\r\n",
            "250/2.0.0 250/2.0.0 503/5.5.1 <hi",
            "RSET drops the chunks",
        ),
        (
            mx,
            "BDAT 2 LAST\r\nhiBDAT 2 LAST\r\nhoNOOP\r\n",
            "<hi> 250/2.0.0 503/5.5.1 250/2.0.0",
            "RFC 3030 s 2: none behind LAST",
        ),
        (
            mx,
            "BDAT 5 LAST\r\na\nb\r\nNOOP\r\n",
            "<a> 554/5.6.0 250/2.0.0",
            "text by BDAT has CRLF line ends (RFC 3030 s 2), or it would be smuggled on",
        ),
        (
            mx,
            "BDAT 2\r\na\rBDAT 2 LAST\r\n\nbNOOP\r\n",
            "250/2.0.0 <a\\r\\nb> 250/2.0.0 250/2.0.0",
            "a CRLF may be cut by a chunk's end",
        ),
        (mx, "BDAT 2 LAST\r\na\rNOOP\r\n", "<a> 554/5.6.0 250/2.0.0", "but not be half"),
    ];
    check(rows, TO, "250 250/2.0.0 250/2.0.0");
    let rows: &[Row] = &[
        (
            all,
            "EHLO c.example\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a@b.example>\r\nDATA\r\nBDAT 4 LAST\r\n\0\n\r\u{fffd}",
            "250 250/2.0.0 250/2.0.0 503/5.5.1 <\\x00\\n\\r\\xff> 250/2.0.0",
            "RFC 3030 s 3: not by DATA; any octet by BDAT",
        ),
        (
            mx,
            "EHLO c.example\r\nMAIL FROM:<>\r\nBDAT 5 LAST\r\nQUIT\rMAIL FROM:<>\r\n",
            "250 250/2.0.0 503/5.5.1 250/2.0.0",
            "no recipient",
        ),
        (
            |c| c.offer = Offer::NONE,
            "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nBDAT 5 LAST\r\nQUIT\rNOOP\r\n",
            "250 250/2.0.0 250/2.0.0 502/5.5.1 250/2.0.0",
            "not offered: swallowed all the same",
        ),
    ];
    check(rows, "", "");
}

#[test]
fn lmtp_replies() {
    let rows: &[Row] = &[
        (
            lmtp,
            "DATA\r\nhi\r\n.\r\nNOOP\r\n",
            "354 <hi\\r\\n> 250/2.0.0 250/2.0.0 250/2.0.0",
            "RFC 2033 s 4.2: one for each recipient",
        ),
        (
            lmtp,
            "RCPT TO:<no@d.example>\r\nBDAT 2 LAST\r\nhiNOOP\r\n",
            "550/5.1.1 <hi> 250/2.0.0 250/2.0.0 250/2.0.0",
            "s 4.3: and for LAST; none for the refused one",
        ),
        (
            lmtp,
            "BDAT 2\r\nhiBDAT 0 LAST\r\nNOOP\r\n",
            "250/2.0.0 <hi> 250/2.0.0 250/2.0.0 250/2.0.0",
            "one for the chunk, two for LAST",
        ),
        (
            tiny_lmtp,
            "DATA\r\n01234567\r\n012345678\r\n.\r\nNOOP\r\n",
            "354 <01234567\\r\\n012345678\\r> 552/5.3.4 552/5.3.4 250/2.0.0",
            "too big, to each",
        ),
        (
            tiny_lmtp,
            "BDAT 21 LAST\r\n012345678901234567890NOOP\r\n",
            "552/5.3.4 552/5.3.4 250/2.0.0",
            "by BDAT LAST, to each",
        ),
        (
            lmtp,
            "BDAT 13 LAST\r\nQUIT\r\nQUIT\r\n.NOOP\r\n",
            "452/4.0.0 452/4.0.0 250/2.0.0",
            "refused by the application, to each",
        ),
        (
            lmtp,
            "BDAT 13\r\nQUIT\r\nQUIT\r\n.BDAT 4 LAST\r\nQUITMAIL FROM:<>\r\n",
            "452/4.0.0 503/5.5.1 503/5.5.1 250/2.0.0",
            "a failed chunk, then LAST: to each",
        ),
    ];
    check(rows, LTO, "250 250/2.0.0 250/2.0.0 250/2.0.0");
    let rows: &[Row] = &[
        (
            lmtp,
            "LHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<no@b.example>\r\nBDAT 4 LAST\r\nQUITMAIL FROM:<>\r\n",
            "250 250/2.0.0 550/5.1.1 250/2.0.0",
            "s 4.3: no recipient, no reply to BDAT LAST",
        ),
        (
            lmtp,
            "LHLO c.example\r\nMAIL FROM:<>\r\nBDAT 4\r\nQUITBDAT 4 LAST\r\nQUITMAIL FROM:<>\r\n",
            "250 250/2.0.0 503/5.5.1 250/2.0.0",
            "the chunk before it has one",
        ),
    ];
    check(rows, "", "");
}

#[test]
fn auth_exchanges() {
    let long: &'static str = format!("AUTH PLAIN\r\n{}\r\nNOOP\r\n", "b2s=".repeat(4_000)).leak();
    let fits: &'static str = format!("AUTH PLAIN {}\r\nNOOP\r\n", "eHh4".repeat(3_000)).leak();
    let rows: &[Row] = &[
        (auth, "AUTH PLAIN b2s=\r\nMAIL FROM:<>\r\n", "235/2.7.0 250/2.0.0", "with an initial response"),
        (auth, "AUTH plain b2s=\r\n", "235/2.7.0", "a mechanism's name in small letters"),
        (auth, "AUTH PLAIN\r\nb2s=\r\nNOOP\r\n", "334 235/2.7.0 250/2.0.0", "without"),
        (auth, "AUTH PLAIN bW9yZQ==\r\nbW9yZQ==\r\nb2s=\r\n", "334 334 235/2.7.0", "three steps"),
        (
            auth,
            "AUTH PLAIN =\r\nNOOP\r\n",
            "535/5.7.8 250/2.0.0",
            "RFC 4954 s 4: `=` is the empty response, not none",
        ),
        (auth, "AUTH PLAIN\r\n\r\nNOOP\r\n", "334 535/5.7.8 250/2.0.0", "an empty response to a challenge"),
        (auth, "AUTH PLAIN\r\n*\r\nNOOP\r\n", "334 501/5.7.0 250/2.0.0", "cancelled"),
        (
            auth,
            "AUTH PLAIN\r\nQUIT\r\nNOOP\r\n",
            "334 535/5.7.8 250/2.0.0",
            "QUIT is base64 here, and no command",
        ),
        (auth, "AUTH PLAIN\r\nMAIL FROM:<>\r\nNOOP\r\n", "334 501/5.5.2 250/2.0.0", "no base64"),
        (
            auth,
            "AUTH PLAIN b2s\r\nAUTH PLAIN =b2s\r\nAUTH PLAIN *\r\n",
            "501/5.5.2 501/5.5.2 501/5.5.2",
            "no base64 at once",
        ),
        (auth, "AUTH PLAIN\r\nb2\0s\r\nNOOP\r\n", "334 500/5.5.6 250/2.0.0", "NUL"),
        (
            auth,
            "AUTH PLAIN\r\nb2s=\nQUIT\r\nNOOP\r\n",
            "334 500/5.5.6 250/2.0.0",
            "a bare LF ends no line here either",
        ),
        (auth, long, "334 500/5.5.6 250/2.0.0", "a line without end (RFC 4954 s 4)"),
        (auth, fits, "535/5.7.8 250/2.0.0", "12,011 octets fit"),
        (auth, "AUTH PLAIN b2s=\r\nAUTH PLAIN b2s=\r\n", "235/2.7.0 503/5.5.1", "RFC 4954 s 4: once"),
        (auth, "AUTH PLAIN bm8=\r\nAUTH PLAIN b2s=\r\n", "535/5.7.8 235/2.7.0", "again after a failure"),
        (
            auth,
            "MAIL FROM:<>\r\nAUTH PLAIN b2s=\r\n",
            "250/2.0.0 503/5.5.1",
            "RFC 4954 s 4: not in a transaction",
        ),
        (auth, "AUTH SCRAM-SHA-256\r\n", "504/5.5.4", "not offered"),
        (
            auth,
            "AUTH PLAIN b2s=\r\nEHLO d.example\r\nAUTH PLAIN b2s=\r\n",
            "235/2.7.0 250 503/5.5.1",
            "EHLO does not forget it",
        ),
        (
            submission,
            "MAIL FROM:<>\r\nAUTH PLAIN b2s=\r\nMAIL FROM:<>\r\n",
            "530/5.7.0 235/2.7.0 250/2.0.0",
            "RFC 6409 s 4.3",
        ),
        (
            |c| c.mechanisms = vec!["PLAIN".into()],
            "AUTH PLAIN b2s=\r\nNOOP\r\n",
            "538/5.7.11 250/2.0.0",
            "not in the clear",
        ),
        (
            |c| c.clear_text = InClear::Refused,
            "MAIL FROM:<>\r\nNOOP\r\nVRFY x\r\nEHLO d.example\r\nQUIT\r\n",
            "530/5.7.0 250/2.0.0 530/5.7.0 250 221/2.0.0 closed",
            "RFC 3207 s 4: all but NOOP, EHLO, STARTTLS, QUIT",
        ),
    ];
    check(rows, HI, "250");
}

fn tls() -> Config {
    let mut config = config();
    auth(&mut config);
    all(&mut config);
    config.offer = config.offer | Offer::STARTTLS;
    config
}

#[test]
fn nothing_in_the_clear_passes_starttls() {
    for behind in ["RSET\r\n", "NO", "\r", "\0", "\u{16}\u{3}\u{1}"] {
        let octets = format!("EHLO c.example\r\nSTARTTLS\r\n{behind}");
        let mut session = Talk::new(tls());
        session.say(octets.as_bytes());
        assert_eq!(session.log(), "250 error: octets in the clear behind STARTTLS", "{behind:?}");
        assert!(!session.machine.is_tls());
        let step = session.machine.next(&mut BytesMut::from("NOOP\r\n")).unwrap();
        assert!(matches!(step, Step::Event(Event::Closed)), "and the session is over");
        assert!(session.machine.output().is_empty(), "no 220, no reply");
    }
}

#[test]
fn tls_forgets_what_was_said_in_the_clear() {
    let mut session = Talk::new(tls());
    session.say(b"EHLO c.example\r\nAUTH PLAIN b2s=\r\n");
    assert!(session.machine.is_authenticated());
    session.say(b"STARTTLS\r\n");
    assert!(session.machine.is_tls() && !session.machine.is_authenticated());
    session.say(b"MAIL FROM:<>\r\n");
    session.say(b"EHLO c.example\r\nSTARTTLS\r\nMAIL FROM:<> REQUIRETLS\r\n");
    let want = "250 235/2.7.0 220/2.0.0 503/5.5.1 250 503/5.5.1 250/2.0.0";
    assert_eq!(session.log(), want, "RFC 3207 s 4.2: EHLO anew, and no second STARTTLS; RFC 8689 s 2");
}

#[test]
fn ehlo_announces_what_holds_now() {
    let ehlo = |tls_is_on: bool| {
        let mut config = tls();
        config.auth = InClear::Refused;
        let mut machine = Connection::new(config.into());
        if tls_is_on {
            machine.set_implicit_tls();
        }
        machine.greet().unwrap();
        machine.output().clear();
        let step = machine.next(&mut BytesMut::from("EHLO c.example\r\n")).unwrap();
        assert!(matches!(step, Step::Event(Event::Command { command: Command::Ehlo(_), .. })));
        machine.accept_ehlo().unwrap();
        String::from_utf8(machine.output().to_vec()).unwrap()
    };
    let (clear, inside) = (ehlo(false), ehlo(true));
    for (word, in_clear, in_tls) in [
        ("250-SIZE 52428800\r\n", true, true),
        ("250-PIPELINING\r\n", true, true),
        ("STARTTLS\r\n", true, false),
        ("REQUIRETLS\r\n", false, true),
        ("AUTH PLAIN X\r\n", false, true),
        ("LIMITS RCPTMAX=1000\r\n", true, true),
        ("FUTURERELEASE 604800 ", true, true),
    ] {
        assert_eq!(
            (clear.contains(word), inside.contains(word)),
            (in_clear, in_tls),
            "{word:?}\n{clear}{inside}"
        );
    }
}

#[test]
fn replies_to_a_group_leave_together_and_others_at_once() {
    // (said, whether the last reply must leave at once, why)
    let rows = [
        ("MAIL FROM:<>\r\n", false, "RFC 2920 s 3.2 (3)"),
        ("MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n", false, ""),
        (
            "MAIL FROM:<>\r\nRCPT TO:<no@b.example>\r\n",
            false,
            "the application's refusal is a reply like others",
        ),
        ("RSET\r\n", false, ""),
        ("NOOP\r\n", true, "RFC 2920 s 3.2 (5)"),
        ("VRFY x\r\n", true, ""),
        ("FROB\r\n", true, "s 3.2 (6)"),
        ("MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n", true, "354 is waited for"),
        ("NOOP\r\nRSET\r\n", false, "flushed already"),
    ];
    for (said, want, shows) in rows {
        let mut machine = Connection::new(config().into());
        machine.greet().unwrap();
        let mut input = BytesMut::from(&format!("EHLO c.example\r\n{said}")[..]);
        while let Step::Event(event) = machine.next(&mut input).unwrap() {
            match event {
                Event::Command { command: Command::Ehlo(_), .. } => machine.accept_ehlo().unwrap(),
                Event::Command { command: Command::Data, .. } => machine.accept_data().unwrap(),
                Event::Command { command: Command::Rcpt { to, .. }, .. }
                    if to.to_string().contains("no@") =>
                {
                    machine.reply(&Reply::new(550, None, "no")).unwrap();
                }
                Event::Command { .. } => machine.reply(&reply(250, "ok")).unwrap(),
                Event::Refused { reply, .. } => machine.reply(&reply).unwrap(),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(machine.must_flush(), want, "{said:?}: {shows}");
        let output = machine.output().split();
        assert!(output.starts_with(b"220 mx.example ESMTP\r\n250-"), "all in one: {output:?}");
        assert!(!machine.must_flush(), "nothing left to flush");
    }
}

#[test]
fn a_shut_down_is_the_last_word() {
    let farewell = Reply::new(421, None, "shutting down");
    let mut session = Talk::new(config());
    session.say(b"EHLO c.example\r\nMAIL FROM:<>\r\n");
    session.machine.shut_down(&farewell);
    session.say(b"RCPT TO:<a@b.example>\r\n");
    assert_eq!(session.log(), "250 250/2.0.0 421 closed");

    let mut machine = Connection::new(config().into());
    machine.greet().unwrap();
    let step = machine.next(&mut BytesMut::from("NOOP\r\nNOOP\r\n")).unwrap();
    assert!(matches!(step, Step::Event(Event::Command { .. })));
    machine.shut_down(&farewell);
    assert!(machine.reply(&reply(250, "ok")).is_err(), "no reply behind the 421");
    assert_eq!(machine.output().split(), "220 mx.example ESMTP\r\n421 shutting down\r\n");
    for _ in 0..2 {
        assert!(matches!(machine.next(&mut BytesMut::new()).unwrap(), Step::Event(Event::Closed)));
    }
}

#[test]
fn a_refused_session_waits_for_quit() {
    let mut machine = Connection::new(config().into());
    machine.reply(&Reply::new(554, None, "no SMTP service here")).unwrap();
    assert_eq!(machine.phase(), Phase::Refused);
    let mut input = BytesMut::from("EHLO c.example\r\nNOOP\r\nQUIT\r\n");
    let mut faults = 0;
    loop {
        match machine.next(&mut input).unwrap() {
            Step::Event(Event::Refused { reply, .. }) => {
                assert_eq!(reply.code(), 503, "RFC 5321 s 3.1");
                machine.reply(&reply).unwrap();
                faults += 1;
            }
            Step::Event(Event::Command { command: Command::Quit, .. }) => {
                machine.reply(&reply(221, "")).unwrap()
            }
            Step::Event(Event::Closed) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(faults, 2);
}

#[test]
fn verbs_that_do_not_fit_are_misuse_and_change_nothing() {
    let mut machine = Connection::new(config().into());
    let ok = reply(250, "ok");
    assert!(machine.reply(&Reply::new(354, None, "")).is_err(), "no greeting is intermediate");
    machine.greet().unwrap();
    assert!(machine.greet().is_err() && machine.reply(&ok).is_err(), "nothing is asked");
    let mut input = BytesMut::from(
        "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nBDAT 2\r\nhiBDAT 0 LAST\r\nQUIT\r\n",
    );
    let mut codes = Vec::new();
    loop {
        let step = machine.next(&mut input).unwrap();
        let before = machine.output().len();
        assert!(machine.tls_established().is_err() && machine.greet().is_err());
        if matches!(step, Step::Event(Event::Closed)) {
            assert!(machine.reply(&ok).is_err());
            break;
        }
        let data = matches!(step, Step::Event(Event::Data(_)));
        if !data {
            assert!(matches!(machine.next(&mut input).unwrap(), Step::Paused), "it waits");
            assert!(machine.reply(&Reply::new(334, None, "")).is_err(), "no 3yz by reply: {step:?}");
            assert!(machine.accept_tls(&input).is_err() && machine.challenge(b"").is_err());
            assert_eq!(machine.output().len(), before, "nothing is written");
        }
        match step {
            Step::Event(Event::Command { command: Command::Ehlo(_), .. }) => machine.accept_ehlo().unwrap(),
            Step::Event(Event::Command { command: Command::Bdat { .. }, .. }) => {
                assert!(machine.reply(&ok).is_err(), "a chunk is accepted by its own verb");
                machine.accept_chunk().unwrap();
            }
            Step::Event(Event::Data(_)) => assert!(machine.reply(&ok).is_err(), "data is not answered"),
            Step::Event(_) => machine.reply(&ok).unwrap(),
            other => panic!("{other:?}"),
        }
        codes.push(machine.output().len());
    }
    assert_eq!(machine.phase(), Phase::Ready);
    assert!(machine.output().ends_with(b"250 2.0.0 ok\r\n"));
}

#[test]
fn a_huge_chunk_costs_no_memory() {
    let mut config = config();
    config.message_size = 0;
    config.limits.swallow = u64::MAX;
    let mut session = Talk::new(config);
    session.say(format!("{HI}BDAT 18446744073709551615\r\n").as_bytes());
    for _ in 0..64 {
        session.say(&[b'x'; 65_536]);
        assert!(session.input.is_empty() && session.machine.output().is_empty());
    }
    assert_eq!(session.log(), "250");
}

#[test]
fn errors_name_whose_fault_it_is() {
    let mut session = Talk::new(tls());
    session.say(b"EHLO c.example\r\n");
    let mut input = BytesMut::from("STARTTLS\r\nX");
    let _ = session.machine.next(&mut input).unwrap();
    let error = session.machine.accept_tls(&input).unwrap_err();
    assert!(matches!(error, Error::Peer(PeerMisbehaved::PlaintextAfterStartTls)));
}
