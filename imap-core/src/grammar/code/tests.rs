use super::*;
use crate::grammar::check::written;
use crate::mode::{Mode, Profile};

fn rewritten(text: &str, profile: Profile) -> Result<(String, bool)> {
    let mode = Mode::new(profile);
    let mut c = Cursor::borrowed(text.as_bytes(), &mode);
    let code = Code::read(&mut c)?;
    assert_eq!(c.rest(), b"", "{text}");
    Ok((written(|out| code.write(out)), matches!(code, Code::Other(_))))
}

#[test]
fn codes_both_ways() {
    for code in PLAIN {
        let text = format!("[{code}]");
        assert_eq!(rewritten(&text, Profile::Strict), Ok((text.clone(), false)));
        assert_eq!(rewritten(&text.to_lowercase(), Profile::Strict), Ok((text, false)), "in any case");
    }
    for code in [
        "BADCHARSET",
        "BADCHARSET (US-ASCII \"utf-8\")",
        "CAPABILITY IMAP4rev2 AUTH=PLAIN",
        r"PERMANENTFLAGS (\Deleted \*)",
        "PERMANENTFLAGS ()",
        "UIDNEXT 4392",
        "UIDVALIDITY 3857529045",
        "UNSEEN 12",
        "APPENDUID 38505 3955",
        "APPENDUID 38505 3955:3957,4000",
        "COPYUID 38505 304,319:320 3956:3958",
        "HIGHESTMODSEQ 715194045007",
        "MODIFIED 7,9",
        "MAILBOXID (F2212ea87-6097-4256-9d51-71338625)",
        "METADATA LONGENTRIES 2199",
        "METADATA MAXSIZE 1024",
        "BADURL \"/INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9\"",
        "REFERRAL IMAP://user;AUTH=*@SERVER2/",
        "URLMECH INTERNAL XSAMPLE=P34OKhO7VEkCbsiYY8rGEg==",
        "NOUPDATE \"B02\"",
        "UNDEFINED-FILTER on-the-road",
        "BADEVENT (MessageNew MessageExpunge)",
        "INPROGRESS",
        "INPROGRESS (\"A001\" 454 1000)",
        "INPROGRESS (NIL 454 NIL)",
        "INPROGRESS (NIL NIL NIL)",
        "MESSAGELIMIT 1000 23221",
        "MESSAGELIMIT 1000",
        "MAXCONVERTMESSAGES 3",
        "MAXCONVERTPARTS 3",
        "ANNOTATIONS 20480 NOPRIVATE",
        "DOWNGRADED 70,105,108,109",
    ] {
        let text = format!("[{code}]");
        assert_eq!(rewritten(&text, Profile::Strict), Ok((text, false)));
    }
}

#[test]
fn what_is_not_known_is_kept() {
    for code in
        ["XYZZY", "X-FOO bar (a b)", "XYZZY foo \"]\" bar", "ALERT now", "METADATA XYZZY 1", "XYZZY \"a"]
    {
        let text = format!("[{code}]");
        let got = rewritten(&text, Profile::Liberal);
        assert_eq!(got, Ok((text, true)));
    }
}

#[test]
fn what_real_servers_send() {
    // (sent, written, whether it is raw, what it shows)
    for (sent, want, raw, shows) in [
        ("[UIDVALIDITY 0]", "[UIDVALIDITY 0]", false, "163.com"),
        ("[UNSEEN 0]", "[UNSEEN 0]", false, "no unseen message"),
        ("[UIDNEXT 0]", "[UIDNEXT 0]", true, "a number that is none"),
        ("[HIGHESTMODSEQ -1]", "[HIGHESTMODSEQ 0]", false, "Zoho"),
        (
            "[PERMANENTFLAGS (\\Seen [Gmail]/x)]",
            "[PERMANENTFLAGS (\\Seen [Gmail]/x)]",
            false,
            "Gmail: ] in a flag",
        ),
        ("[Error=\"x]y\" AuthResult=1]", "[Error=\"x]y\" AuthResult=1]", true, "Office 365"),
        ("[CAPABILITY IMAP4rev1 ]", "[CAPABILITY IMAP4rev1]", false, "a space before ]"),
        ("[COPYUID 1 1:2]", "[COPYUID 1 1:2]", true, "a set is missing"),
        ("[]", "[]", true, "nothing"),
    ] {
        assert_eq!(rewritten(sent, Profile::Liberal), Ok((want.into(), raw)), "{shows}");
        if shows != "Office 365" {
            assert!(rewritten(sent, Profile::Strict).is_err(), "{shows}");
        }
    }
    for broken in ["", "[", "[ALERT", "[UIDNEXT 1"] {
        assert!(rewritten(broken, Profile::Liberal).is_err(), "{broken}");
    }
}
