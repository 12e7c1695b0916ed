//! Fetches mail from an IMAP mailbox over whichever family answers.

use std::{path::PathBuf, process::ExitCode};

use bytes::BytesMut;
use clap::Parser;
use mail46_examples::{
    Exit, Stop, exit,
    imap::{Where, failed},
    letterbox::Letterbox,
    say,
};
use mail46_imap_core::{
    Fetch, FetchAttributes, Item, Mode, NString, Numbering, Profile, Response, SearchKeys, SequenceSet, Side,
    Untagged, Writer,
    net::{Client, Fetched, Select},
};

/// Searches a mailbox, and prints what is asked of the messages found, or puts them into a Maildir.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    place: Where,
    /// Which messages, in the words of SEARCH: UNSEEN SINCE 1-Feb-2026 OR FROM alice SUBJECT "46".
    #[arg(long, value_name = "CRITERIA", default_value = "ALL")]
    search: String,
    /// What of them, in the words of FETCH.
    #[arg(long, value_name = "ITEMS", default_value = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")]
    fetch: String,
    /// Puts the messages into this Maildir, instead of printing.
    #[arg(long, value_name = "DIR", conflicts_with = "fetch")]
    maildir: Option<PathBuf>,
}

fn main() -> ExitCode {
    let flags = match exit::flags::<Flags>() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("fetch-imap", runtime.and_then(|runtime| runtime.block_on(run(flags))))
}

async fn run(flags: Flags) -> Result<Exit, Stop> {
    let criteria: SearchKeys = flags.search.parse().map_err(Stop::because(Exit::Usage, "--search"))?;
    let items = if flags.maildir.is_some() { "(UID FLAGS BODY.PEEK[])" } else { &flags.fetch };
    let items: FetchAttributes = items.parse().map_err(Stop::because(Exit::Usage, "--fetch"))?;
    let mut client = flags.place.open().await?;
    client.select(&flags.place.url.mailbox, &Select::read_only()).await.map_err(failed)?;
    let found = client.search(Numbering::Uid, &criteria).await.map_err(failed)?;
    if let Some(set) = SequenceSet::of(&found) {
        match &flags.maildir {
            Some(dir) => keep(&mut client, &set, &items, Letterbox::open(dir)?).await?,
            None => print(&mut client, &set, &items).await?,
        }
    }
    client.logout().await.map_err(failed)?;
    say::err(format_args!("{}: {} messages", flags.place.url, found.len()));
    Ok(Exit::Ok)
}

async fn print(client: &mut Client, set: &SequenceSet, items: &FetchAttributes) -> Result<(), Stop> {
    let mut messages = client.fetch(Numbering::Uid, set, items).await.map_err(failed)?;
    while let Some(fetched) = messages.next().await.map_err(failed)? {
        match fetched {
            Fetched::Begin { so_far, size } => {
                let so_far = so_far.map_or_else(String::new, |so_far| text(&so_far));
                say::out(format_args!("{so_far} and {size} octets:"));
            }
            Fetched::Data(data) => say::octets(&data),
            Fetched::Message(message) => say::out(text(&message)),
            _ => {}
        }
    }
    Ok(())
}

/// As the protocol says it, without a line end.
fn text(message: &Fetch) -> String {
    let (mut out, mode) = (BytesMut::new(), Mode { utf8: true, ..Mode::new(Profile::Strict) });
    Response::Untagged(Untagged::Fetch(message.clone())).write(&mut Writer::new(
        &mut out,
        Side::Server,
        &mode,
    ));
    String::from_utf8_lossy(&out).trim_end().to_owned()
}

async fn keep(
    client: &mut Client,
    set: &SequenceSet,
    items: &FetchAttributes,
    mut letterbox: Letterbox,
) -> Result<(), Stop> {
    let mut messages = client.fetch(Numbering::Uid, set, items).await.map_err(failed)?;
    let mut letter = None;
    while let Some(fetched) = messages.next().await.map_err(failed)? {
        match fetched {
            Fetched::Begin { .. } => letter = Some(letterbox.begin().await?),
            Fetched::Data(data) => {
                if let Some(letter) = &mut letter {
                    letter.write(&data).await?;
                }
            }
            Fetched::Message(message) => {
                let flags: Vec<String> = message
                    .flags()
                    .map_or_else(Vec::new, |flags| flags.iter().map(|flag| flag.to_string()).collect());
                for item in &message.items {
                    let Item::Section { data: NString::String(text), .. } = item else { continue };
                    if letter.is_none() {
                        let mut short = letterbox.begin().await?;
                        short.write(&text.octets()).await?;
                        letter = Some(short);
                    }
                }
                // A message whose text the server did not send is none.
                if let Some(letter) = letter.take() {
                    letterbox.keep(letter, &flags).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
