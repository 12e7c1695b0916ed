//! A Maildir that messages are put into.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{fs, io::AsyncWriteExt};

use crate::{Exit, Stop, mirror::Letters};

/// A Maildir.
#[derive(Debug)]
pub struct Letterbox {
    dir: PathBuf,
    count: u64,
}

/// A message that is being written.
#[derive(Debug)]
pub struct Unfinished {
    file: fs::File,
    path: PathBuf,
    name: String,
}

impl Letterbox {
    /// Opens the Maildir, and makes it if there is none.
    pub fn open(dir: &Path) -> Result<Self, Stop> {
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(dir.join(folder)).map_err(unwritable(dir))?;
        }
        Ok(Self { dir: dir.to_owned(), count: 0 })
    }

    /// Begins a message. One that is never kept is left in `tmp`, where no reader looks.
    pub async fn begin(&mut self) -> Result<Unfinished, Stop> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.count += 1;
        let (seconds, micros, pid) = (time.as_secs(), time.subsec_micros(), std::process::id());
        let name = format!("{seconds}.M{micros}P{pid}Q{}.fetch-imap", self.count);
        let path = self.dir.join("tmp").join(&name);
        let file = fs::File::create_new(&path).await.map_err(unwritable(&path))?;
        Ok(Unfinished { file, path, name })
    }

    /// The message is whole: to `new` as it is, or to `cur` if it has flags.
    pub async fn keep(&self, mut message: Unfinished, flags: &[String]) -> Result<(), Stop> {
        let letters = Letters::of(flags.iter().map(String::as_str));
        let to = if letters.is_empty() {
            self.dir.join("new").join(&message.name)
        } else {
            self.dir.join("cur").join(format!("{}:2,{}", message.name, letters.text()))
        };
        message.file.flush().await.map_err(unwritable(&message.path))?;
        message.file.sync_all().await.map_err(unwritable(&message.path))?;
        fs::rename(&message.path, &to).await.map_err(unwritable(&to))
    }
}

impl Unfinished {
    /// More of it.
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), Stop> {
        self.file.write_all(octets).await.map_err(unwritable(&self.path))
    }
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> Stop {
    Stop::because(Exit::CantCreate, path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let mut letterbox = Letterbox::open(dir.path()).unwrap();
        let count = |folder: &str| std::fs::read_dir(dir.path().join(folder)).unwrap().count();
        let mut message = letterbox.begin().await.unwrap();
        message.write(b"Subject: x\r\n").await.unwrap();
        assert_eq!((count("tmp"), count("new"), count("cur")), (1, 0, 0));
        letterbox.keep(message, &[]).await.unwrap();
        let seen = letterbox.begin().await.unwrap();
        letterbox.keep(seen, &["\\SEEN".to_owned(), "$Junk".to_owned()]).await.unwrap();
        drop(letterbox.begin().await.unwrap());
        assert_eq!((count("tmp"), count("new"), count("cur")), (1, 1, 1));
        let name = std::fs::read_dir(dir.path().join("cur")).unwrap().next().unwrap().unwrap().file_name();
        assert!(name.to_string_lossy().ends_with(":2,S"));
    }
}
