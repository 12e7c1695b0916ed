//! `Mailbox`: what is read prints so that it reads the same, the canonical local part can be quoted again and is then
//! equal, and no printed address can end its path or begin another line.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail46_smtp::{Command, ForwardPath, LocalPart, Mailbox, Rules, Utf8};

fuzz_target!(|data: &[u8]| {
    let Ok(mailbox) = Mailbox::parse(data) else { return };
    let text = mailbox.to_string();
    assert!(!text.chars().any(char::is_control));
    let again: Mailbox = text.parse().expect("reads again");
    assert_eq!(again, mailbox.to_owned());
    let least = LocalPart::from_content(&mailbox.local_part.canonical()).expect("can be quoted");
    assert_eq!(least, mailbox.local_part);
    assert!(least.as_bytes().len() <= mailbox.local_part.as_bytes().len());
    let line = [b"RCPT TO:<", data, b">"].concat();
    let parsed = Command::parse(&line, &Rules::default().utf8(Utf8::Accept)).expect("a path of it");
    assert_eq!(
        parsed.command,
        Command::Rcpt { to: ForwardPath::Mailbox(mailbox), params: Default::default() }
    );
});
