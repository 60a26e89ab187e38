//! Files in transit, on disk, under names of our own making.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// No delivery holds a file for longer than this, but for those that are known to be waited for.
const LEFTOVER_AFTER: Duration = Duration::from_hours(1);

/// A folder for files in transit.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// A file in the spool, deleted when dropped unless it is kept.
#[derive(Debug)]
pub struct Spooled {
    path: PathBuf,
    size: u64,
    is_kept: bool,
}

/// Why a stream could not be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError<E> {
    /// It is larger than allowed.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// How much is allowed.
        limit: u64,
    },
    /// The disk failed.
    #[error("the spool cannot be written")]
    Disk(#[from] std::io::Error),
    /// The source failed.
    #[error(transparent)]
    Source(E),
}

impl Spool {
    /// A spool in `data_dir`; the folder is made when it is missing.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        let folder = data_dir.join("spool");
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Writes a stream to disk, up to `limit` bytes. What was written of a longer one is deleted.
    pub async fn fill<S, E>(&self, mut body: S, limit: u64) -> Result<Spooled, SpoolError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let mut spooled = self.empty();
        let mut file = File::create(&spooled.path).await?;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(SpoolError::Source)?;
            spooled.size += u64::try_from(chunk.len()).expect("a length fits 64 bits");
            if spooled.size > limit {
                return Err(SpoolError::TooLarge { limit });
            }
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok(spooled)
    }

    /// Writes bytes to disk.
    pub async fn store(&self, bytes: &[u8]) -> std::io::Result<Spooled> {
        let mut spooled = self.empty();
        tokio::fs::write(&spooled.path, bytes).await?;
        spooled.size = u64::try_from(bytes.len()).expect("a length fits 64 bits");
        Ok(spooled)
    }

    /// The file of a kept path.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Deletes what `needed` does not name and nobody wrote for an hour: leftovers of a process that was killed, this one's
    /// predecessor or another on the same folder.
    pub fn sweep(&self, needed: &[String]) -> std::io::Result<usize> {
        let mut deleted = 0;
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_needed = entry.file_name().to_str().is_some_and(|name| needed.iter().any(|needed| needed == name));
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if !is_needed && age > LEFTOVER_AFTER {
                std::fs::remove_file(entry.path())?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    fn empty(&self) -> Spooled {
        Spooled { path: self.folder.join(Uuid::now_v7().to_string()), size: 0, is_kept: false }
    }
}

impl Spooled {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its name in the spool.
    pub fn name(&self) -> String {
        self.path.file_name().expect("spooled files have names").to_string_lossy().into_owned()
    }

    /// Leaves it on disk and returns its name in the spool.
    pub fn keep(mut self) -> String {
        self.is_kept = true;
        self.name()
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a spooled file could not be deleted");
        }
    }
}
