//! Where `fetch-pop3` puts mail: each message appears in the Maildir once, whatever interrupts it.
//!
//! A message is written to `tmp` under a name made of its unique-id and brought to the disk; then the state says that it is
//! fetched; then it goes to `new`. Who is interrupted before the second step fetches it again, after it only moves it.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use mail46_pop3::{UniqueId, client::Seen};
use tokio::{fs, io::AsyncWriteExt};

use crate::lock::FileLock;

/// A Maildir, and what of an account is fetched already.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    state: PathBuf,
    /// How this account's unfinished messages are called.
    prefix: String,
    /// What was fetched.
    pub seen: Seen,
    count: u64,
    _lock: FileLock,
}

impl Spool {
    /// Opens the Maildir, and makes it if there is none; finishes what an interrupted run began. Without `state` the account's
    /// state is a file in the Maildir. `None`: another process has it.
    pub async fn open(dir: &Path, state: Option<&Path>, account: &str) -> io::Result<Option<Self>> {
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir_all(dir.join(folder)).await?;
        }
        let account = hex(account.as_bytes());
        let state = state.map_or_else(|| dir.join(format!(".fetch-pop3.{account}")), Path::to_owned);
        let mut lock = state.clone().into_os_string();
        lock.push(".lock");
        let Some(lock) = FileLock::take(Path::new(&lock))? else { return Ok(None) };
        let seen = match fs::read_to_string(&state).await {
            Ok(text) => Seen::parse(&text)
                .map_err(|error| io::Error::other(format!("{}: {error}", state.display())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::default(),
            Err(error) => return Err(error),
        };
        let mut spool = Self {
            dir: dir.to_owned(),
            state,
            prefix: format!("fetch.{account}."),
            seen,
            count: 0,
            _lock: lock,
        };
        spool.finish_interrupted().await?;
        Ok(Some(spool))
    }

    async fn finish_interrupted(&mut self) -> io::Result<()> {
        let mut entries = fs::read_dir(self.dir.join("tmp")).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_prefix(&self.prefix) else { continue };
            if unhex(id).and_then(|id| UniqueId::parse(&id).ok().map(|id| self.seen.contains(&id)))
                == Some(true)
            {
                self.deliver(&entry.path()).await?;
            } else {
                fs::remove_file(entry.path()).await?;
            }
        }
        Ok(())
    }

    /// Begins a message.
    pub async fn begin(&self, id: &UniqueId) -> io::Result<(fs::File, PathBuf)> {
        let path = self.dir.join("tmp").join(format!("{}{}", self.prefix, hex(id.as_bytes())));
        Ok((fs::File::create(&path).await?, path))
    }

    /// The message will not be whole: forgets it. On a full disk it is in the way of others.
    pub async fn give_up(&self, (file, path): (fs::File, PathBuf)) {
        drop(file);
        fs::remove_file(path).await.ok();
    }

    /// The message is whole: keeps it.
    pub async fn keep(&mut self, id: &UniqueId, (mut file, path): (fs::File, PathBuf)) -> io::Result<()> {
        file.flush().await?;
        file.sync_all().await?;
        sync(&self.dir.join("tmp")).await?;
        self.seen.mark(id, now());
        self.save().await?;
        self.deliver(&path).await
    }

    /// Writes the state, whole or not at all.
    pub async fn save(&self) -> io::Result<()> {
        let mut partial = self.state.clone().into_os_string();
        partial.push(".partial");
        let mut file = fs::File::create(&partial).await?;
        file.write_all(self.seen.to_text().as_bytes()).await?;
        file.sync_all().await?;
        fs::rename(&partial, &self.state).await?;
        sync(self.state.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")))
            .await
    }

    async fn deliver(&mut self, path: &Path) -> io::Result<()> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.count += 1;
        let (seconds, micros, pid) = (time.as_secs(), time.subsec_micros(), std::process::id());
        let name = format!("{seconds}.M{micros}P{pid}Q{}.fetch-pop3", self.count);
        fs::rename(path, self.dir.join("new").join(name)).await?;
        sync(&self.dir.join("new")).await
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

async fn sync(dir: &Path) -> io::Result<()> {
    fs::File::open(dir).await?.sync_all().await
}

/// A server's words are no file names.
fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(octet).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(dir: &Path) -> usize {
        std::fs::read_dir(dir).unwrap().count()
    }

    #[tokio::test]
    async fn an_interrupted_run_loses_and_doubles_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let id: UniqueId = "../../x".parse().unwrap();
        let open = async || Spool::open(dir.path(), None, "u@h").await.unwrap().unwrap();
        // Interrupted inside the message: it is fetched again.
        let spool = open().await;
        let (mut file, _) = spool.begin(&id).await.unwrap();
        file.write_all(b"half").await.unwrap();
        file.flush().await.unwrap();
        assert!(Spool::open(dir.path(), None, "u@h").await.unwrap().is_none(), "one at a time");
        drop((spool, file));
        let spool = open().await;
        assert!(!spool.seen.contains(&id) && count(&dir.path().join("tmp")) == 0);
        // Interrupted behind the state: it is moved, and not fetched again.
        drop(spool);
        let mut spool = open().await;
        let (mut file, path) = spool.begin(&id).await.unwrap();
        file.write_all(b"whole").await.unwrap();
        file.sync_all().await.unwrap();
        spool.seen.mark(&id, 1);
        spool.save().await.unwrap();
        assert!(path.exists());
        drop((spool, file));
        let mut spool = open().await;
        assert!(spool.seen.contains(&id) && count(&dir.path().join("new")) == 1);
        // Not interrupted.
        let second: UniqueId = "b".parse().unwrap();
        let begun = spool.begin(&second).await.unwrap();
        spool.keep(&second, begun).await.unwrap();
        assert_eq!((count(&dir.path().join("new")), count(&dir.path().join("tmp"))), (2, 0));
        drop(spool);
        assert!(open().await.seen.contains(&second));
    }
}
