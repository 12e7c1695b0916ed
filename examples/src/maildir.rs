//! Mail for `pop3d`: a Maildir, or one that is made up in memory.

use std::{
    collections::HashSet,
    io::{self, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use mail46_pop3::{MessageNumber, Reply, ResponseCode, UniqueId, net::Maildrop, server::Message};
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncSeekExt},
};

use crate::{lock::FileLock, removal, say};

/// Octets that are read at a time.
const BLOCK: usize = 64 * 1024;

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
pub struct Locks(Arc<Mutex<HashSet<String>>>);

#[derive(Debug)]
struct Lock {
    locks: Locks,
    user: String,
    file: Option<FileLock>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Ok(mut users) = self.locks.0.lock() {
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
    /// The file that is being read, and how far.
    open: Option<(MessageNumber, u64, fs::File)>,
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
            locks.0.lock().map_err(|_| Reply::err(Some(ResponseCode::SysPerm), "locks are broken"))?;
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
            lock: Arc::new(lock),
        })
    }

    /// Does this to the Maildir where it does not stand in the way of other sessions. It is done to its end, whatever becomes of
    /// this session.
    async fn change<F>(&self, dir: &Path, change: F) -> io::Result<()>
    where
        F: FnOnce(&Path) -> io::Result<()> + Send + 'static,
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

async fn scan(dir: &Path) -> io::Result<Vec<Stored>> {
    let mut all = Vec::new();
    for folder in ["cur", "new"] {
        let mut entries = fs::read_dir(dir.join(folder)).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && entry.file_type().await?.is_file() {
                // `W=` is this very number, written there by who delivered the message.
                let known = name.split([',', ':']).find_map(|field| field.strip_prefix("W=")?.parse().ok());
                let octets = match known {
                    Some(octets) => octets,
                    None => octets_on_the_wire(&entry.path()).await?,
                };
                let place = Place::File(Path::new(folder).join(entry.file_name()));
                all.push((name.clone(), Stored { id: unique_id(&name)?, octets, place }));
            }
        }
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(all.into_iter().map(|(_, stored)| stored).collect())
}

impl Maildrop for Mail {
    async fn list(&mut self) -> io::Result<Vec<Message>> {
        self.messages = match &*self.store {
            Store::Files(root) => {
                let dir = maildir(root, &self.user);
                self.change(&dir, removal::recover).await?;
                scan(&dir).await?
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
        let stored = self.messages.get(message.index()).ok_or(io::ErrorKind::NotFound)?;
        match (&stored.place, &*self.store) {
            (Place::Memory(text), _) => {
                Ok(text.slice(usize::try_from(from).unwrap_or(usize::MAX).min(text.len())..))
            }
            (Place::File(_), Store::Memory(_)) => Err(io::ErrorKind::NotFound.into()),
            (Place::File(path), Store::Files(root)) => {
                let mut file = match self.open.take() {
                    Some((number, at, file)) if number == message && at == from => file,
                    _ => {
                        let mut file = fs::File::open(maildir(root, &self.user).join(path)).await?;
                        file.seek(SeekFrom::Start(from)).await?;
                        file
                    }
                };
                let mut part = BytesMut::with_capacity(BLOCK);
                while part.len() < BLOCK && file.read_buf(&mut part).await? > 0 {}
                self.open = Some((message, from.saturating_add(part.len() as u64), file));
                Ok(part.freeze())
            }
        }
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

/// The file's name without its flags; with a hash in the place of its end, if it does not fit (RFC 1939 s 7: 70 octets).
fn unique_id(name: &str) -> io::Result<UniqueId> {
    let base = name.split(':').next().unwrap_or(name);
    let hash = base.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3)
    });
    let short: String = base.chars().filter(char::is_ascii_graphic).take(50).collect();
    base.parse().or_else(|_| format!("{short}-{hash:016x}").parse()).map_err(io::Error::other)
}

/// Octets of the file as RETR sends it: each bare CR or LF becomes two, and the last line has an end (RFC 1939 s 11).
async fn octets_on_the_wire(path: &Path) -> io::Result<u64> {
    let mut file = fs::File::open(path).await?;
    let (mut octets, mut last, mut block) = (0u64, b'\n', vec![0; BLOCK]);
    loop {
        let read = file.read(&mut block).await?;
        if read == 0 {
            break;
        }
        for octet in &block[..read] {
            octets += match (last, octet) {
                (b'\r', b'\n') => 1,
                // The CR before it has become a CRLF, or the LF itself does.
                (b'\r', _) | (_, b'\n') => 2,
                _ => 1,
            };
            last = *octet;
        }
    }
    Ok(octets
        + match last {
            b'\n' => 0,
            b'\r' => 1,
            _ => 2,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail46_wire::{BareNewline, DotEncoder};

    #[tokio::test]
    async fn sizes_are_what_is_sent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("message");
        for text in ["", "a\r\nb\r\n", "a\nb\n", "a", "a\r", "a\rb", "\r\r\n\n", "a\r\n\r", "\n", "\r\r"] {
            fs::write(&path, text).await.unwrap();
            let (mut encoder, mut output) = (DotEncoder::new(BareNewline::Normalize), BytesMut::new());
            encoder.encode(text.as_bytes(), &mut output).unwrap();
            encoder.finish(&mut output).unwrap();
            assert_eq!(octets_on_the_wire(&path).await.unwrap(), output.len() as u64 - 3, "{text:?}");
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
