//! `Command`: what is read is written so that it reads the same, no output holds CR, LF or NUL within its line, what a
//! frame keeps is what was borrowed, a refusal can always be answered, and a line read in one pass is the line cut and read.
#![no_main]
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use mail46_smtp::{Command, Quirks, Rules, Utf8};
use mail46_wire::LineReader;

fn written<B: AsRef<[u8]>>(command: &Command<B>) -> BytesMut {
    let mut output = BytesMut::new();
    command.write(&mut output);
    output
}

/// `parse_first` says what the line reader and then `parse` say, and leaves the same octets.
fn in_one_pass(line: &[u8], rules: &Rules) {
    let buffer = [line, b"\r\nQUIT\r\n"].concat();
    let (mut first, mut input) = (&buffer[..], BytesMut::from(&buffer[..]));
    let cut = LineReader::new(1 << 20).next(&mut input).expect("a line, or what is wrong with it");
    match (Command::parse_first(&mut first, rules), cut) {
        (Some(parsed), Ok(line)) => {
            assert_eq!(parsed, Command::parse(&line, rules));
            assert_eq!(first, &input[..]);
        }
        (None, Err(_)) => assert_eq!(first, &buffer[..]),
        (parsed, cut) => panic!("{parsed:?} and {cut:?}"),
    }
}

fuzz_target!(|data: &[u8]| {
    let [flags, line @ ..] = data else { return };
    let quirks = if flags & 1 == 0 { Quirks::none() } else { Quirks::submission() };
    let utf8 = if flags & 2 == 0 { Utf8::Refuse } else { Utf8::Accept };
    in_one_pass(line, &Rules::new(quirks).utf8(utf8));
    let parsed = match Command::parse(line, &Rules::new(quirks).utf8(utf8)) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.at <= line.len() && error.reply().is_permanent());
            return;
        }
    };
    assert!(quirks.contains(parsed.tolerated));
    let output = written(&parsed.command);
    let body = output.strip_suffix(b"\r\n").expect("a line end");
    assert!(!body.iter().any(|octet| b"\r\n\0".contains(octet)));
    // What the grammar cannot say otherwise stays a quirk: free text, and a host with underscores.
    let lenient = Quirks::FREE_TEXT.with(Quirks::UNDERSCORE_HOST);
    let again = Command::parse(body, &Rules::new(lenient).utf8(utf8)).expect("reads again");
    assert_eq!(again.command, parsed.command);
    let frame = Bytes::copy_from_slice(line);
    let borrowed = Command::parse(&frame, &Rules::new(quirks).utf8(utf8)).expect("the same octets");
    assert_eq!(written(&borrowed.command.in_frame(&frame)), output);
});
