//! The IMAP server: however the input is cut the output is the same; what is held and what is said have bounds.
#![no_main]
use std::sync::Arc;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_imap_core::{
    Extension,
    server::{Config, Connection, Event, InClear, Offer, Reply, Selection, Verb},
};
use mail46_wire::Step;

fn config() -> Config {
    let mut config = Config::new("ready");
    config.in_clear = InClear::Taken;
    config.starttls = Offer::Yes;
    config.mechanisms = vec!["PLAIN".into()];
    config.append_limit = 100;
    config.limits.literal = 50;
    config.limits.line = 500;
    config.extensions = Extension::ALL.to_vec();
    config
}

fn run(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut server = Connection::new(Arc::new(config()));
    server.greet().expect("at the start");
    let (mut input, mut output, mut message, mut messages) =
        (BytesMut::new(), Vec::new(), Vec::new(), Vec::new());
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
            match event {
                Event::LogIn(log_in) if log_in.password.expose() == b"x" => server.complete(Reply::no("no")),
                Event::LogIn(_) | Event::AuthResponse(_) => server.log_in("in"),
                Event::Authenticate(request) if request.initial_response.is_some() => server.log_in("in"),
                Event::Authenticate(_) => server.challenge(b"c"),
                // What is behind it depends on the cut, as it must: so it is refused here.
                Event::StartTls | Event::Compress => server.complete(Reply::no("no")),
                Event::Command(request) => {
                    match request.verb {
                        Verb::Select => server.select(Selection::Mailbox).expect("logged in"),
                        Verb::Close => server.select(Selection::None).expect("logged in"),
                        _ => {}
                    }
                    server.complete(Reply::ok(request.verb.name()))
                }
                Event::Append(request) if request.mailbox.octets().starts_with(b"n") => {
                    server.complete(Reply::no("no"))
                }
                Event::Append(_) | Event::NextMessage(_) | Event::CatenateText(_) => server.accept_message(),
                Event::CatenateUrl(url) if url.starts_with(b"n") => server.complete(Reply::no("no")),
                Event::CatenateUrl(_) => server.accept_message(),
                Event::Data(octets) => {
                    message.extend_from_slice(&octets);
                    assert!(message.len() <= 10_000_000);
                    Ok(())
                }
                Event::MessageEnd => {
                    messages.push(std::mem::take(&mut message));
                    Ok(())
                }
                Event::AppendEnd => server.complete(Reply::ok("appended")),
                Event::Idle => server.accept_idle(),
                Event::IdleDone => server.complete(Reply::ok("idled")),
                Event::AuthCancelled => Ok(()),
                Event::Closed => {
                    output.extend_from_slice(&server.output().split());
                    return (output, messages);
                }
                other => unreachable!("{other:?}"),
            }
            .expect("the verb fits");
        }
        // A part of a line, or of a literal that is gathered: nothing else is held.
        assert!(input.len() < 10_000);
    }
    (output, messages)
}

fuzz_target!(|data: &[u8]| {
    let [cut, rest @ ..] = data else { return };
    if rest.is_empty() {
        return;
    }
    // Behind a log-in there is more to find.
    let text = if cut % 2 == 0 { [b"1 LOGIN u p\r\n2 SELECT x\r\n", rest].concat() } else { rest.to_vec() };
    let whole = run(&[&text]);
    let (first, second) = text.split_at(usize::from(*cut).min(text.len()));
    assert_eq!(whole, run(&[first, second]));
    assert_eq!(whole, run(&text.chunks(1).collect::<Vec<_>>()));
    assert!(whole.0.len() <= 10_000 + text.len() * 200);
});
