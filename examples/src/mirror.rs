//! What `imap-sync` knows of a Maildir and of the mailbox it is a mirror of, and what is to be done on either side.
//!
//! Everything that was brought from one side to the other stands in a journal beside the messages, a line each, and a line is on
//! the disk before the next step that could not be taken twice. So an interrupted run loses and doubles nothing:
//!
//! - A message from the server is written to `tmp` under a name made of its UID; then the journal names it; then it goes to `cur`.
//! - A message for the server is first named in the journal, with the UID that it will have at least; a run that finds it there
//!   looks for it on the server before it is sent again.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    path::{Path, PathBuf},
};

use mail46_imap_core::FlagList;

/// Flags as the letters of a Maildir: a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Letters(u8);

/// Each letter, and the flag it stands for.
pub const LETTERS: [(char, &str); 6] = [
    ('D', "\\Draft"),
    ('F', "\\Flagged"),
    ('P', "$Forwarded"),
    ('R', "\\Answered"),
    ('S', "\\Seen"),
    ('T', "\\Deleted"),
];

impl Letters {
    /// Those of a text; others are nothing to us.
    pub fn parse(text: &str) -> Self {
        Self::those(|letter, _| text.contains(letter))
    }

    /// Those of a message's flags.
    pub fn of<'a>(flags: impl Iterator<Item = &'a str> + Clone) -> Self {
        Self::those(|_, name| flags.clone().any(|flag| flag.eq_ignore_ascii_case(name)))
    }

    fn those(has: impl Fn(char, &str) -> bool) -> Self {
        let bits = LETTERS.iter().enumerate().filter(|(_, (letter, name))| has(*letter, name));
        Self(bits.fold(0, |bits, (at, _)| bits | 1 << at))
    }

    /// The letters, in the order that a Maildir has them.
    pub fn text(self) -> String {
        LETTERS
            .iter()
            .enumerate()
            .filter(|(at, _)| self.0 & 1 << at != 0)
            .map(|(_, (letter, _))| letter)
            .collect()
    }

    /// The flags.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        LETTERS.iter().enumerate().filter(move |(at, _)| self.0 & 1 << at != 0).map(|(_, (_, name))| *name)
    }

    /// Those that it has and `other` has not.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What either side has changed since `base`.
    #[must_use]
    pub fn merged(base: Self, here: Self, there: Self) -> Self {
        Self(base.0 ^ ((base.0 ^ here.0) | (base.0 ^ there.0)))
    }
}

/// A message on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its file's name, without folder and flags.
    pub name: String,
    /// Its flags when they were last the same.
    pub letters: Letters,
}

/// The letters of a message's flags.
pub fn letters<B: AsRef<[u8]>>(flags: &FlagList<B>) -> Letters {
    let names: Vec<String> = flags.iter().map(|flag| flag.to_string()).collect();
    Letters::of(names.iter().map(String::as_str))
}

/// The text of a message as IMAP has it: each line ends in CRLF.
pub fn text(path: &Path) -> io::Result<Vec<u8>> {
    let stored = std::fs::read(path)?;
    let mut text = Vec::with_capacity(stored.len());
    for octet in stored {
        if octet == b'\n' && text.last() != Some(&b'\r') {
            text.push(b'\r');
        }
        text.push(octet);
    }
    Ok(text)
}

/// What the journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Of the mailbox's UIDs.
    pub uid_validity: Option<u32>,
    /// All changes up to this one are here.
    pub modseq: Option<u64>,
    /// The messages on both sides.
    pub pairs: BTreeMap<u32, Pair>,
    /// Messages that were perhaps sent, and the least UID each can have.
    pub pending: HashMap<String, u32>,
}

impl Known {
    fn line(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "v" => self.uid_validity = Some(rest.parse().ok()?),
            "m" => self.modseq = Some(rest.parse().ok()?),
            "+" => {
                let (uid, rest) = rest.split_once(' ')?;
                let (letters, name) = rest.split_once(' ')?;
                self.pending.remove(name);
                let pair = Pair { name: name.to_owned(), letters: Letters::parse(letters) };
                self.pairs.insert(uid.parse().ok()?, pair);
            }
            "-" => {
                self.pairs.remove(&rest.parse().ok()?);
            }
            "?" => {
                let (uid, name) = rest.split_once(' ')?;
                self.pending.insert(name.to_owned(), uid.parse().ok()?);
            }
            _ => return None,
        }
        Some(())
    }
}

/// The journal, and the Maildir around it.
#[derive(Debug)]
pub struct Mirror {
    dir: PathBuf,
    path: PathBuf,
    file: std::fs::File,
    /// What it says.
    pub known: Known,
    /// How the names of messages from this server end.
    suffix: String,
}

const FIRST: &str = "mail46 imap-sync 1";

impl Mirror {
    /// Opens the Maildir, and makes it if there is none; finishes what an interrupted run began.
    pub fn open(dir: &Path, account: &str) -> io::Result<Self> {
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(dir.join(folder))?;
        }
        // A server's words are no file names.
        let hash = account.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3)
        });
        let path = dir.join(format!(".imap-sync.{hash:016x}"));
        let mut known = Known::default();
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                // The last line may be cut off: what it was to say has not happened.
                let whole = text.rfind('\n').map_or("", |end| &text[..end]);
                let mut lines = whole.lines();
                if !text.is_empty() && lines.next() != Some(FIRST) {
                    return Err(io::Error::other(format!("{} is no journal of imap-sync", path.display())));
                }
                for (number, line) in lines.enumerate() {
                    let bad = || io::Error::other(format!("{}: line {}", path.display(), number + 2));
                    known.line(line).ok_or_else(bad)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let file = std::fs::File::options().create(true).append(true).open(&path)?;
        let mut mirror =
            Self { dir: dir.to_owned(), path, file, known, suffix: format!(".{hash:016x}.imap-sync") };
        mirror.compact()?;
        mirror.finish_interrupted()?;
        Ok(mirror)
    }

    /// The name of a message of the server's.
    pub fn name(&self, uid: u32) -> String {
        format!("{}.{uid}{}", self.known.uid_validity.unwrap_or(0), self.suffix)
    }

    fn finish_interrupted(&mut self) -> io::Result<()> {
        for entry in std::fs::read_dir(self.dir.join("tmp"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.ends_with(&self.suffix) {
                continue;
            }
            match self.known.pairs.values().find(|pair| pair.name == name).cloned() {
                Some(pair) => self.deliver(&pair)?,
                None => std::fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    /// Where a message from the server is written.
    pub fn begin(&self, uid: u32) -> io::Result<std::fs::File> {
        std::fs::File::create(self.dir.join("tmp").join(self.name(uid)))
    }

    /// It is whole.
    pub fn keep(&mut self, uid: u32, letters: Letters, file: &std::fs::File) -> io::Result<()> {
        file.sync_all()?;
        sync(&self.dir.join("tmp"))?;
        let pair = Pair { name: self.name(uid), letters };
        self.pair(uid, pair.clone())?;
        self.deliver(&pair)
    }

    fn deliver(&self, pair: &Pair) -> io::Result<()> {
        let to = self.dir.join("cur").join(format!("{}:2,{}", pair.name, pair.letters.text()));
        std::fs::rename(self.dir.join("tmp").join(&pair.name), to)?;
        sync(&self.dir.join("cur"))
    }

    /// A message is on both sides, with these flags.
    pub fn pair(&mut self, uid: u32, pair: Pair) -> io::Result<()> {
        // Never empty: a word between two spaces.
        self.say(&format!("+ {uid} ={} {}", pair.letters.text(), pair.name))
    }

    /// A message is on neither side any more.
    pub fn unpair(&mut self, uid: u32) -> io::Result<()> {
        self.say(&format!("- {uid}"))
    }

    /// A message is about to be sent; its UID will be this one or greater.
    pub fn sending(&mut self, name: &str, uid_next: u32) -> io::Result<()> {
        self.say(&format!("? {uid_next} {name}"))
    }

    /// The mailbox's UIDVALIDITY.
    pub fn set_uid_validity(&mut self, uid_validity: u32) -> io::Result<()> {
        self.say(&format!("v {uid_validity}"))
    }

    /// All changes up to this one are here.
    pub fn set_modseq(&mut self, modseq: u64) -> io::Result<()> {
        self.say(&format!("m {modseq}"))
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.known.line(line).ok_or_else(|| io::Error::other(format!("a name with a line end: {line:?}")))?;
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.file.sync_data()
    }

    /// Writes the journal anew, whole or not at all.
    pub fn compact(&mut self) -> io::Result<()> {
        let mut text = format!("{FIRST}\n");
        let known = &self.known;
        text.extend(known.uid_validity.map(|number| format!("v {number}\n")));
        text.extend(known.modseq.map(|number| format!("m {number}\n")));
        for (uid, pair) in &known.pairs {
            text += &format!("+ {uid} ={} {}\n", pair.letters.text(), pair.name);
        }
        for (name, uid) in &known.pending {
            text += &format!("? {uid} {name}\n");
        }
        let partial = self.path.with_extension("partial");
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&partial, &self.path)?;
        self.file = std::fs::File::options().append(true).open(&self.path)?;
        sync(&self.dir)
    }

    /// The messages in the Maildir: name without flags, and where it is with which flags.
    pub fn scan(&self) -> io::Result<BTreeMap<String, (PathBuf, Letters)>> {
        let mut found = BTreeMap::new();
        for folder in ["cur", "new"] {
            for entry in std::fs::read_dir(self.dir.join(folder))? {
                let entry = entry?;
                let Ok(file) = entry.file_name().into_string() else { continue };
                if file.starts_with('.') || !entry.file_type()?.is_file() {
                    continue;
                }
                let (name, letters) = file.split_once(":2,").unwrap_or((&file, ""));
                found.insert(name.to_owned(), (entry.path(), Letters::parse(letters)));
            }
        }
        Ok(found)
    }

    /// Gives a message in the Maildir these flags.
    pub fn relabel(&self, path: &Path, name: &str, letters: Letters) -> io::Result<()> {
        std::fs::rename(path, self.dir.join("cur").join(format!("{name}:2,{}", letters.text())))
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Messages to fetch.
    pub fetch: Vec<u32>,
    /// Messages to send, by name.
    pub send: Vec<String>,
    /// Messages that are gone on the server: to be removed here.
    pub remove_here: Vec<u32>,
    /// Messages that are gone here: to be removed on the server.
    pub remove_there: Vec<u32>,
    /// Messages that are gone on both sides.
    pub forget: Vec<u32>,
    /// Messages whose flags have changed: UID and what they are to be.
    pub flags: Vec<(u32, Letters)>,
}

/// What makes both sides the same: `here` by name, `there` by UID. What changed on one side is brought to the other; who is
/// removed on one is removed on the other.
pub fn plan(
    known: &Known,
    here: &BTreeMap<String, (PathBuf, Letters)>,
    there: &BTreeMap<u32, Letters>,
) -> Plan {
    let mut plan = Plan::default();
    for (uid, pair) in &known.pairs {
        match (here.get(&pair.name), there.get(uid)) {
            (None, None) => plan.forget.push(*uid),
            (Some(_), None) => plan.remove_here.push(*uid),
            (None, Some(_)) => plan.remove_there.push(*uid),
            (Some((_, here)), Some(there)) => {
                let merged = Letters::merged(pair.letters, *here, *there);
                if merged != pair.letters || merged != *here || merged != *there {
                    plan.flags.push((*uid, merged));
                }
            }
        }
    }
    plan.fetch = there.keys().filter(|uid| !known.pairs.contains_key(uid)).copied().collect();
    let names: std::collections::HashSet<&str> =
        known.pairs.values().map(|pair| pair.name.as_str()).collect();
    plan.send = here.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Letters {
        Letters::parse(text)
    }

    #[test]
    fn letters_are_flags() {
        assert_eq!(Letters::of(["\\seen", "$Junk", "\\Draft"].into_iter()).text(), "DS");
        assert_eq!(letters("SF").names().collect::<Vec<_>>(), ["\\Flagged", "\\Seen"]);
        for (base, here, there, want) in [
            ("", "S", "", "S"),
            ("", "", "S", "S"),
            ("S", "", "S", ""),
            ("S", "SF", "", "F"),
            ("S", "", "", ""),
            ("", "S", "S", "S"),
        ] {
            assert_eq!(Letters::merged(letters(base), letters(here), letters(there)), letters(want));
        }
    }

    #[test]
    fn both_sides_become_the_same() {
        let mut known = Known::default();
        for (uid, letters) in [(1, "S"), (2, ""), (3, ""), (4, ""), (5, "S")] {
            known.line(&format!("+ {uid} ={letters} n{uid}")).unwrap();
        }
        let file = |text: &str| (PathBuf::new(), letters(text));
        let here = [("n1", "S"), ("n2", "F"), ("n3", ""), ("n5", "S"), ("mine", "S")];
        let here = here.map(|(name, text)| (name.to_owned(), file(text))).into();
        let there =
            [(1, "S"), (2, "S"), (4, ""), (5, ""), (9, "")].map(|(uid, text)| (uid, letters(text))).into();
        assert_eq!(
            plan(&known, &here, &there),
            Plan {
                fetch: vec![9],
                send: vec!["mine".to_owned()],
                remove_here: vec![3],
                remove_there: vec![4],
                forget: vec![],
                flags: vec![(2, letters("FS")), (5, letters(""))],
            }
        );
    }

    #[test]
    fn an_interrupted_run_loses_and_doubles_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Mirror::open(dir.path(), "u@h/INBOX").unwrap();
        let mut mirror = open();
        mirror.set_uid_validity(7).unwrap();
        // Interrupted inside the message: it is fetched again.
        mirror.begin(1).unwrap().write_all(b"half").unwrap();
        assert!(open().known.pairs.is_empty());
        assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
        // Interrupted behind the journal: it is moved, and not fetched again.
        let mut mirror = open();
        let file = mirror.begin(1).unwrap();
        let pair = Pair { name: mirror.name(1), letters: letters("S") };
        mirror.pair(1, pair.clone()).unwrap();
        drop(file);
        let mirror = open();
        assert_eq!(mirror.known.pairs.get(&1), Some(&pair));
        assert_eq!(mirror.scan().unwrap().get(&pair.name).unwrap().1, letters("S"));
        // Interrupted inside a line of the journal: it was not said.
        let mut mirror = open();
        mirror.sending("mine", 12).unwrap();
        mirror.file.write_all(b"+ 12 = mi").unwrap();
        let mut mirror = open();
        assert_eq!(mirror.known.pending.get("mine"), Some(&12));
        mirror.pair(12, Pair { name: "mine".to_owned(), letters: letters("") }).unwrap();
        mirror.unpair(1).unwrap();
        mirror.set_modseq(99).unwrap();
        let again = open().known;
        assert_eq!((again.modseq, again.pairs.len(), again.pending.len()), (Some(99), 1, 0));
        // Another account in the same Maildir.
        assert!(Mirror::open(dir.path(), "u@other/INBOX").unwrap().known.pairs.is_empty());
    }
}
