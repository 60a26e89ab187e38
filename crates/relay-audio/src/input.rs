//! Where the recording comes from: bytes in memory or a file on disk.
//!
//! Invariant: no more than the input limit is ever read into memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::error::AudioError;

/// A recording to convert.
#[derive(Debug, Clone)]
pub enum Input {
    /// The whole file in memory.
    Bytes(Bytes),
    /// A regular file on disk, which is only read.
    Path(PathBuf),
}

impl Input {
    /// Gives the whole file, refusing one larger than `limit`. Blocks on disk.
    pub(crate) fn load(&self, limit: u64) -> Result<Bytes, AudioError> {
        let bytes = match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Path(path) => Bytes::from(read_up_to(path, limit)?),
        };
        if bytes.len() as u64 > limit {
            return Err(AudioError::TooLarge { limit });
        }
        Ok(bytes)
    }
}

/// Reads at most one byte more than `limit`, so that the caller can see that there was more.
fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, AudioError> {
    let metadata = std::fs::metadata(path).map_err(AudioError::Io)?;
    if !metadata.is_file() {
        return Err(AudioError::Io(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    if metadata.len() > limit {
        return Err(AudioError::TooLarge { limit });
    }
    let file = File::open(path).map_err(AudioError::Io)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(AudioError::Io)?;
    Ok(bytes)
}

impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Input {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}
