//! `Framer`: however the input is cut the answers are the same; what comes out is in the input, in its order, under the limits;
//! what is refused is not gathered.
#![no_main]
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_imap_core::{Cut, FrameLimits, Framer};

const LIMITS: FrameLimits = FrameLimits { line: 60, literal: 16, frame: 100, streamed: 1 << 20 };

#[derive(Clone, Copy)]
enum Decision {
    Gather,
    Stream,
    Refuse,
}

fn cuts(mut framer: Framer, decision: Decision, pieces: &[&[u8]]) -> Vec<String> {
    let (mut input, mut out, mut data) = (BytesMut::new(), Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(cut) = framer.next(&mut input) {
            out.push(match cut {
                Ok(Cut::Frame(frame)) => {
                    assert!(frame.octets().ends_with(b"\r\n"));
                    assert!(frame.octets().len() <= LIMITS.frame + LIMITS.line);
                    assert!(frame.streamed().is_sorted());
                    format!("frame {} {:?}", frame.octets().escape_ascii(), frame.streamed())
                }
                Ok(Cut::Announced(announcement)) => {
                    assert!(framer.head(&input).ends_with(b"}\r\n"));
                    let fault = match decision {
                        Decision::Gather => framer.gather(&mut input),
                        Decision::Stream => framer.stream(&mut input),
                        Decision::Refuse => {
                            framer.refuse(&mut input);
                            Ok(())
                        }
                    };
                    format!("announced {announcement:?} {fault:?}")
                }
                Ok(Cut::Begin(announcement)) => {
                    format!("begin {announcement:?} {}", framer.head(&input).escape_ascii())
                }
                Ok(Cut::Data(piece)) => {
                    assert!(!piece.is_empty());
                    data.extend_from_slice(&piece);
                    continue;
                }
                Ok(Cut::DataEnd) => format!("data {}", std::mem::take(&mut data).escape_ascii()),
                Ok(_) => unreachable!("no other cut"),
                Err(refused) => format!("refused {refused} {}", refused.start.escape_ascii()),
            });
        }
        assert!(input.len() <= LIMITS.frame + LIMITS.line, "{}", input.len());
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let [how, cut, rest @ ..] = data else { return };
    let new = if how & 1 == 0 { Framer::commands } else { Framer::responses };
    let decision = [Decision::Gather, Decision::Stream, Decision::Refuse][usize::from(how >> 1) % 3];
    let whole = cuts(new(LIMITS), decision, &[rest]);
    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    assert_eq!(whole, cuts(new(LIMITS), decision, &[first, second]));
    let octets: Vec<&[u8]> = rest.chunks(1).collect();
    assert_eq!(whole, cuts(new(LIMITS), decision, &octets));
});
