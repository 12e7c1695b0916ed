//! The same work by mail46 and by its peers, interleaved in one run: `bench [CHAPTER…]`, all of them without argument.
//!
//! `bench gate` measures what has a target here and exits with 1 if it falls short.
//!
//! `bench once CASE N` runs one case of the commands or replies N times and nothing else, for
//! `valgrind --tool=callgrind`: MAIL by mail46 is `MAIL`, by smtp-proto `smtp-proto:MAIL`, with the line end found
//! first `two:MAIL`.

mod commands;
mod data;
mod gate;
mod harness;
mod imap;
mod imap_commands;
mod pop3;
mod replies;
mod routes;

const CHAPTERS: &[(&str, fn())] = &[
    ("data", data::run),
    ("commands", commands::run),
    ("replies", replies::run),
    ("routes", routes::run),
    ("imap", imap::run),
    ("imap-commands", imap_commands::run),
    ("pop3", pop3::run),
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let [once, case, times] = &asked[..]
        && once == "once"
    {
        let times = times.parse().unwrap_or(1);
        if !commands::once(case, times) && !replies::once(case, times) && !imap::once(case, times) {
            eprintln!("no case {case}");
            std::process::exit(2);
        }
        return;
    }
    if asked == ["gate"] {
        std::process::exit(if routes::gate() { 0 } else { 1 });
    }
    let names: Vec<&str> = CHAPTERS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = asked.iter().find(|asked| !names.contains(&asked.as_str())) {
        eprintln!("no chapter {unknown}; there are: {}", names.join(", "));
        std::process::exit(2);
    }
    for (name, run) in CHAPTERS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            run();
        }
    }
}
