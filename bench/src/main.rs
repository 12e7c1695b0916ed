//! The same work by mail46 and by its peers, interleaved in one run: `bench [CHAPTER…]`, all of them without argument.

mod commands;
mod data;
mod harness;
mod replies;
mod routes;

const CHAPTERS: &[(&str, fn())] =
    &[("data", data::run), ("commands", commands::run), ("replies", replies::run), ("routes", routes::run)];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
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
