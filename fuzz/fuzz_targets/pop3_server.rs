//! The POP3 server: however the input is cut the output is the same; nothing is removed without QUIT; output has a bound.
#![no_main]
use std::sync::Arc;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_pop3::{
    Reply,
    server::{Config, Connection, Event, InClear, LogIn, Message, Offer},
};
use mail46_wire::Step;

const MAIL: [&[u8]; 3] = [b"A: 1\r\n\r\n.x\r\ny\r\n", b"B: 2\n\n..\n\r\r\n.", b""];

fn run(pieces: &[&[u8]]) -> (Vec<u8>, Option<usize>) {
    let mut config = Config::new("ready");
    config.in_clear = InClear::Taken;
    config.stls = Offer::Yes;
    config.lang = Offer::Yes;
    config.mechanisms = vec!["PLAIN".into()];
    let mut server = Connection::new(Arc::new(config));
    server.greet(None).expect("at the start");
    let (mut input, mut output, mut removed) = (BytesMut::new(), Vec::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let step = server.next(&mut input).expect("the server answers all");
            assert!(server.output().len() < 200_000);
            let event = match step {
                Step::Event(event) => event,
                Step::Paused => unreachable!("all was answered"),
                Step::WantsInput if server.output().is_empty() => break,
                Step::WantsInput => {
                    output.extend_from_slice(&server.output().split());
                    continue;
                }
            };
            let open = |server: &mut Connection| {
                let message =
                    |n: usize| Message { octets: 1, unique_id: format!("id{n}").parse().expect("an id") };
                server.open((0..3).map(message).collect(), "in")
            };
            match event {
                Event::LogIn(LogIn::Password { password, .. }) if password.expose() == b"x" => {
                    server.reply(&Reply::err(None, "no"))
                }
                Event::LogIn(_) | Event::AuthResponse(_) => open(&mut server),
                Event::Auth(request) if request.initial_response.is_some() => open(&mut server),
                Event::Auth(_) => server.challenge(b"c"),
                // What is behind it depends on the cut, as it must: so it is refused here.
                Event::Stls => server.reply(&Reply::err(None, "no")),
                Event::Retrieve(retrieve) => {
                    server.accept_message("").expect("asked for");
                    for part in MAIL[retrieve.message.index()].chunks(3) {
                        if !server.data(part).expect("asked for") {
                            break;
                        }
                    }
                    server.finish_data()
                }
                Event::Lang(None) => server.list_languages(&[("en", "English")]),
                Event::Lang(Some(_)) | Event::Command(_) => server.reply(&Reply::err(None, "no")),
                Event::Update(numbers) => {
                    assert!(removed.replace(numbers.len()).is_none());
                    server.reply(&Reply::ok("bye"))
                }
                Event::AuthCancelled => Ok(()),
                Event::Closed => {
                    output.extend_from_slice(&server.output().split());
                    return (output, removed);
                }
                other => unreachable!("{other:?}"),
            }
            .expect("the verb fits");
        }
    }
    (output, removed)
}

fuzz_target!(|data: &[u8]| {
    let [cut, rest @ ..] = data else { return };
    if rest.is_empty() {
        return;
    }
    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    let whole = run(&[rest]);
    assert_eq!(whole, run(&[first, second]));
    assert_eq!(whole, run(&rest.chunks(1).collect::<Vec<_>>()));
    let text = rest.to_ascii_uppercase();
    assert!(whole.1.is_none() || text.windows(6).any(|line| line == b"QUIT\r\n"));
    // Each line ends in CRLF and nothing else does.
    for (at, octet) in whole.0.iter().enumerate() {
        assert!(*octet != b'\n' || whole.0[at - 1] == b'\r');
        assert!(*octet != b'\r' || whole.0.get(at + 1) == Some(&b'\n'));
    }
});
