//! Mail for `pop3d`: a Maildir, or one that is made up in memory.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use mail46_pop3::{MessageNumber, Reply, ResponseCode, UniqueId, net::Maildrop, server::Message};

use crate::{
    lock::FileLock,
    reading::{Reading, octets_on_the_wire},
    removal, say,
};

/// Where the users' mail is.
#[derive(Debug)]
pub enum Store {
    /// A Maildir for each user, in a folder of that name; or the folder itself, if it is a Maildir.
    Files(PathBuf),
    /// The same mail for everybody, and gone with the program.
    Memory(Mutex<Vec<(UniqueId, Bytes)>>),
}

impl Store {
    /// Three messages, one of them with all that dots can do.
    pub fn made_up() -> Self {
        let texts = ["hello\r\n", ".\r\n..\r\n.x\r\nno dot\r\n", "last\r\n"];
        let message = |(index, text): (usize, &&str)| {
            let id = format!("made-up-{index}").parse().ok()?;
            Some((id, Bytes::from(format!("From: a@example.org\r\nSubject: message {index}\r\n\r\n{text}"))))
        };
        Self::Memory(Mutex::new(texts.iter().enumerate().filter_map(message).collect()))
    }
}

/// Who is logged in: one session for each user (RFC 1939 s 4). A Maildir has a lock file besides, for other processes.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    users: Arc<Mutex<HashSet<String>>>,
    sizes: Arc<Sizes>,
}

#[derive(Debug)]
struct Lock {
    locks: Locks,
    user: String,
    file: Option<FileLock>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Ok(mut users) = self.locks.users.lock() {
            users.remove(&self.user);
        }
    }
}

/// One user's mail, as it was at the log-in.
#[derive(Debug)]
pub struct Mail {
    store: Arc<Store>,
    messages: Vec<Stored>,
    user: String,
    /// The message that is being read.
    open: Option<(MessageNumber, Reading)>,
    /// The first part of a message, read before it was asked for.
    begin: Option<(MessageNumber, Bytes)>,
    /// Who commits has it too: a session that is given up while it does keeps others out until it is done.
    lock: Arc<Lock>,
}

#[derive(Debug)]
struct Stored {
    id: UniqueId,
    octets: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Below the Maildir.
    File(PathBuf),
    Memory(Bytes),
}

impl Mail {
    /// Locks a user's mail.
    pub fn open(store: &Arc<Store>, locks: &Locks, user: &str) -> Result<Self, Reply> {
        let in_use = || Reply::err(Some(ResponseCode::InUse), "another session has this maildrop");
        let mut users =
            locks.users.lock().map_err(|_| Reply::err(Some(ResponseCode::SysPerm), "locks are broken"))?;
        if !users.insert(user.to_owned()) {
            return Err(in_use());
        }
        drop(users);
        let mut lock = Lock { locks: locks.clone(), user: user.to_owned(), file: None };
        if let Store::Files(root) = &**store {
            let dir = maildir(root, user);
            let file = FileLock::take(&dir.join("pop3d.lock")).map_err(|error| {
                say::err(format_args!("pop3d: the maildrop {} cannot be locked: {error}", dir.display()));
                Reply::err(Some(ResponseCode::SysPerm), "the maildrop cannot be locked")
            })?;
            lock.file = Some(file.ok_or_else(in_use)?);
        }
        Ok(Self {
            store: Arc::clone(store),
            messages: Vec::new(),
            user: user.to_owned(),
            open: None,
            begin: None,
            lock: Arc::new(lock),
        })
    }

    /// Does this to the Maildir where it does not stand in the way of other sessions. It is done to its end, whatever becomes of
    /// this session.
    async fn change<F, R>(&self, dir: &Path, change: F) -> io::Result<R>
    where
        F: FnOnce(&Path) -> io::Result<R> + Send + 'static,
        R: Send + 'static,
    {
        let (dir, lock) = (dir.to_owned(), Arc::clone(&self.lock));
        let done = tokio::task::spawn_blocking(move || {
            let result = change(&dir);
            drop(lock);
            result
        });
        done.await.map_err(io::Error::other)?
    }
}

/// The user's Maildir.
fn maildir(root: &Path, user: &str) -> PathBuf {
    if root.join("cur").exists() { root.to_owned() } else { root.join(user) }
}

/// What is in the Maildir, and how large, by the names that the files had.
fn scan(dir: &Path, sizes: &Sizes) -> io::Result<Vec<Stored>> {
    let mut all = Vec::new();
    for folder in ["cur", "new"] {
        for entry in fs::read_dir(dir.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && entry.file_type()?.is_file() {
                // `W=` is this very number, written there by who delivered the message.
                let known = name.split([',', ':']).find_map(|field| field.strip_prefix("W=")?.parse().ok());
                let octets = known.map_or_else(|| sizes.of(&entry.path()), Ok)?;
                let place = Place::File(Path::new(folder).join(entry.file_name()));
                all.push((name.clone(), Stored { id: unique_id(&name)?, octets, place }));
            }
        }
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(all.into_iter().map(|(_, stored)| stored).collect())
}

/// Sizes that were counted once, by the file's number, length and time. What a Maildir holds is not written to again.
#[derive(Debug, Default)]
struct Sizes(Mutex<HashMap<(u64, u64, u64, i64, i64), u64>>);

/// How many are remembered at the most.
const SIZES: usize = 1_000_000;

impl Sizes {
    fn of(&self, path: &Path) -> io::Result<u64> {
        let file = fs::metadata(path)?;
        let key = (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec());
        let sizes = || self.0.lock().map_err(|_| io::Error::other("poisoned"));
        if let Some(octets) = sizes()?.get(&key) {
            return Ok(*octets);
        }
        let octets = octets_on_the_wire(fs::File::open(path)?)?;
        let mut sizes = sizes()?;
        if sizes.len() >= SIZES {
            sizes.clear();
        }
        sizes.insert(key, octets);
        Ok(octets)
    }
}

impl Maildrop for Mail {
    async fn list(&mut self) -> io::Result<Vec<Message>> {
        self.messages = match &*self.store {
            Store::Files(root) => {
                let dir = maildir(root, &self.user);
                let sizes = Arc::clone(&self.lock.locks.sizes);
                let found = self.change(&dir, move |dir| {
                    removal::recover(dir)?;
                    scan(dir, &sizes)
                });
                found.await.inspect_err(|error| {
                    say::err(format_args!("pop3d: the maildrop {} cannot be read: {error}", dir.display()));
                })?
            }
            Store::Memory(mail) => {
                let mail = mail.lock().map_err(|_| io::Error::other("poisoned"))?;
                let stored = |(id, text): &(UniqueId, Bytes)| Stored {
                    id: id.clone(),
                    octets: text.len() as u64,
                    place: Place::Memory(text.clone()),
                };
                mail.iter().map(stored).collect()
            }
        };
        let message = |stored: &Stored| Message { octets: stored.octets, unique_id: stored.id.clone() };
        Ok(self.messages.iter().map(message).collect())
    }

    async fn read(&mut self, message: MessageNumber, from: u64) -> io::Result<Bytes> {
        if let Some((number, begin)) = self.begin.take()
            && (number, from) == (message, 0)
        {
            return Ok(begin);
        }
        let stored = self.messages.get(message.index()).ok_or(io::ErrorKind::NotFound)?;
        match (&stored.place, &*self.store) {
            (Place::Memory(text), _) => {
                Ok(text.slice(usize::try_from(from).unwrap_or(usize::MAX).min(text.len())..))
            }
            (Place::File(_), Store::Memory(_)) => Err(io::ErrorKind::NotFound.into()),
            (Place::File(path), Store::Files(root)) => {
                let mut reading = match self.open.take() {
                    Some((number, reading)) if number == message && reading.at() == from => reading,
                    _ => Reading::begin(maildir(root, &self.user).join(path), from),
                };
                let part = reading.next().await?;
                self.open = Some((message, reading));
                Ok(part)
            }
        }
    }

    /// Of a header section that goes on behind the first block (256 KiB) only that block is looked at.
    async fn needs_utf8(&mut self, message: MessageNumber) -> bool {
        // What cannot be read is told by the RETR itself.
        let Ok(begin) = self.read(message, 0).await else { return false };
        let needs = has_utf8_header(&begin);
        self.begin = Some((message, begin));
        needs
    }

    async fn commit(&mut self, deleted: &[MessageNumber]) -> io::Result<()> {
        let gone = deleted.iter().filter_map(|number| self.messages.get(number.index()));
        match &*self.store {
            Store::Files(root) => {
                let file = |stored: &Stored| match &stored.place {
                    Place::File(path) => Some(path.clone()),
                    Place::Memory(_) => None,
                };
                let files: Vec<PathBuf> = gone.filter_map(file).collect();
                self.change(&maildir(root, &self.user), move |dir| removal::remove(dir, &files)).await
            }
            Store::Memory(mail) => {
                let ids: HashSet<&[u8]> = gone.map(|stored| stored.id.as_bytes()).collect();
                let mut mail = mail.lock().map_err(|_| io::Error::other("poisoned"))?;
                mail.retain(|(id, _)| !ids.contains(id.as_bytes()));
                Ok(())
            }
        }
    }
}

/// RFC 6856 s 2.1: outside UTF-8 mode a header with UTF-8 must not be sent as it is. Octets that are no UTF-8 were not meant
/// so, and such mail (8-bit in an old charset) is not held back.
fn has_utf8_header(text: &[u8]) -> bool {
    let end = [&b"\n\r\n"[..], b"\n\n"].iter().filter_map(|end| memchr::memmem::find(text, end)).min();
    let header = &text[..end.unwrap_or(text.len())];
    !header.is_ascii()
        && std::str::from_utf8(header).map_or_else(|fault| fault.error_len().is_none(), |_| true)
}

/// The file's name without its flags; with a hash in the place of its end, if it does not fit (RFC 1939 s 7: 70 octets).
fn unique_id(name: &str) -> io::Result<UniqueId> {
    let base = name.split(':').next().unwrap_or(name);
    let hash = base.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3)
    });
    let short: String = base.chars().filter(char::is_ascii_graphic).take(50).collect();
    base.parse().or_else(|_| format!("{short}-{hash:016x}").parse()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail46_pop3::net::Maildrop;
    use tokio::fs;

    #[test]
    fn which_header_is_utf8() {
        for (text, is) in [
            (&b"Subject: a\r\n\r\nb\xc3\xbc"[..], false), // the body may
            (b"Subject: a\n\nb\xc3\xbc", false),
            (b"Subject: b\xc3\xbc\r\n\r\n", true),
            (b"Subject: b\xc3\xbc", true),
            (b"Subject: b\xc3", true),          // cut in a character
            (b"Subject: b\xfc\r\n\r\n", false), // ISO 8859-1
            (b"", false),
        ] {
            assert_eq!(has_utf8_header(text), is, "{}", text.escape_ascii());
        }
    }

    #[tokio::test]
    async fn a_look_at_the_header_loses_nothing_of_the_message() {
        let dir = tempfile::tempdir().unwrap();
        let mut text = "Subject: bücher\r\n\r\n".as_bytes().to_vec();
        text.extend(std::iter::repeat_n(b"0123456789012345678901234567890123456789\r\n", 20_000).flatten());
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir(dir.path().join(folder)).await.unwrap();
        }
        fs::write(dir.path().join("new/1.a"), &text).await.unwrap();
        let mail = Store::Memory(Mutex::new(vec![("1.a".parse().unwrap(), Bytes::from(text.clone()))]));
        for store in [Store::Files(dir.path().to_owned()), mail] {
            let mut mail = Mail::open(&Arc::new(store), &Locks::default(), "u").unwrap();
            assert_eq!(mail.list().await.unwrap().len(), 1);
            let number = MessageNumber::from_index(0).unwrap();
            for look in [true, false, true] {
                assert!(!look || mail.needs_utf8(number).await);
                let mut got = Vec::new();
                loop {
                    let part = mail.read(number, got.len() as u64).await.unwrap();
                    if part.is_empty() {
                        break;
                    }
                    got.extend_from_slice(&part);
                }
                assert!(got == text);
            }
        }
    }

    #[tokio::test]
    async fn a_maildir_loses_all_or_none() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir(dir.path().join(folder)).await.unwrap();
        }
        for name in ["cur/1.a:2,S", "new/2.b", "new/3.c"] {
            fs::write(dir.path().join(name), "x\n").await.unwrap();
        }
        let store = Arc::new(Store::Files(dir.path().to_owned()));
        let locks = Locks::default();
        let mut mail = Mail::open(&store, &locks, "u").unwrap();
        assert_eq!(Mail::open(&store, &locks, "u").unwrap_err().code(), Some(ResponseCode::InUse));
        let ids: Vec<String> = mail.list().await.unwrap().iter().map(|m| m.unique_id.to_string()).collect();
        assert_eq!(ids, ["1.a", "2.b", "3.c"]);
        fs::remove_file(dir.path().join("new/3.c")).await.unwrap();
        let all: Vec<MessageNumber> = (0..3).filter_map(MessageNumber::from_index).collect();
        assert!(mail.commit(&all).await.is_err(), "somebody else took one");
        assert_eq!(mail.list().await.unwrap().len(), 2, "the others are back");
        mail.commit(&all[..1]).await.unwrap();
        drop(mail);
        let mut mail = Mail::open(&store, &locks, "u").unwrap();
        assert_eq!(mail.list().await.unwrap()[0].unique_id.to_string(), "2.b");
    }
}
