//! What can go wrong in a conversion, shaped by what the caller can do about it.
//!
//! Invariant: no message carries a file name, a path or anything heard or written in the recording.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

/// Why a recording could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The bytes are not audio that the engine knows.
    #[error("audio format is not supported: {0}")]
    Unsupported(Cow<'static, str>),
    /// The bytes look like a known format but do not decode.
    #[error("audio is damaged: {0}")]
    Corrupt(Cow<'static, str>),
    /// The recording lasts longer than allowed, by its header or by what was decoded.
    #[error("audio is longer than {} s", limit.as_secs())]
    TooLong {
        /// The longest recording that is allowed.
        limit: Duration,
    },
    /// The input file is larger than allowed.
    #[error("audio file is larger than {limit} bytes")]
    TooLarge {
        /// The largest input that is allowed.
        limit: u64,
    },
    /// The converted file would be larger than allowed.
    #[error("converted audio is larger than {limit} bytes")]
    OutputTooLarge {
        /// The largest output that is allowed.
        limit: usize,
    },
    /// The conversion ran out of its wall time.
    #[error("audio conversion took longer than allowed")]
    TimedOut,
    /// The caller went away while the conversion ran, or the runtime is shutting down.
    #[error("audio conversion was cancelled")]
    Cancelled,
    /// A codec panicked; the panic was caught.
    #[error("audio codec panicked")]
    Panicked,
    /// An encoder refused its settings or its input.
    #[error("audio encoder failed: {0}")]
    Encode(Cow<'static, str>),
    /// The ffmpeg process did not do its work.
    #[error("ffmpeg could not convert the audio")]
    Ffmpeg(#[source] FfmpegError),
    /// The input could not be read.
    #[error("audio input could not be read")]
    Io(#[source] io::Error),
}

/// Why the ffmpeg process did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    /// There is no `ffmpeg` on `PATH`.
    #[error("ffmpeg was not found on PATH")]
    NotFound,
    /// The process could not be started, fed or read.
    #[error("ffmpeg could not be run")]
    Run(#[source] io::Error),
    /// The process ended with a failure.
    #[error("ffmpeg exited with code {code:?}: {stderr}")]
    Exit {
        /// The exit code; `None` when a signal ended it.
        code: Option<i32>,
        /// The first part of what it wrote to standard error, with the input's path taken out.
        stderr: String,
    },
}

impl AudioError {
    pub(crate) fn corrupt(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Corrupt(what.into())
    }

    pub(crate) fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported(what.into())
    }

    /// Tells whether another engine may succeed where this one failed.
    pub(crate) fn is_codec_trouble(&self) -> bool {
        match self {
            Self::Unsupported(_) | Self::Corrupt(_) | Self::Panicked | Self::Encode(_) => true,
            Self::TooLong { .. }
            | Self::TooLarge { .. }
            | Self::OutputTooLarge { .. }
            | Self::TimedOut
            | Self::Cancelled
            | Self::Ffmpeg(_)
            | Self::Io(_) => false,
        }
    }
}
