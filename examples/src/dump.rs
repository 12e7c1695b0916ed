//! Messages written to a folder, safely.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{fs, io::AsyncWriteExt};

/// A file that appears under its name only when it is whole, and safe on the disk.
#[derive(Debug)]
pub struct Dumped {
    file: fs::File,
    partial: PathBuf,
    kept: PathBuf,
}

impl Dumped {
    /// Begins the file of message `number`.
    pub async fn create(dir: &Path, number: u64) -> std::io::Result<Self> {
        // As Maildir names are made: a process number comes again, above all in containers, and nothing may be overwritten.
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{}.{:06}.{}-{number}", time.as_secs(), time.subsec_micros(), std::process::id());
        let (partial, kept) = (dir.join(format!(".{name}.partial")), dir.join(format!("{name}.eml")));
        Ok(Self { file: fs::File::create_new(&partial).await?, partial, kept })
    }

    /// Adds a part.
    pub async fn write(&mut self, part: &[u8]) -> std::io::Result<()> {
        self.file.write_all(part).await
    }

    /// The message is whole: gives it its name, and returns when file and folder are on the disk.
    pub async fn keep(mut self) -> std::io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        fs::rename(&self.partial, &self.kept).await?;
        let dir = self.kept.parent().unwrap_or_else(|| Path::new("."));
        fs::File::open(dir).await?.sync_all().await
    }
}

impl Drop for Dumped {
    fn drop(&mut self) {
        // Nothing is there any more after `keep`.
        let _ = std::fs::remove_file(&self.partial);
    }
}
