//! The door: bounds how many conversions run, catches what they throw, and chooses the engine.
//!
//! Invariant: at most `Limits::concurrency` conversions run at once, also when their callers have gone away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::codec::{Codec, NativeCodec};
use crate::convert::{Converted, Target, convert, encode};
use crate::error::{AudioError, FfmpegError};
use crate::ffmpeg::{self, Decoding, TempFile};
use crate::input::Input;
use crate::limits::{Budget, Limits};
use crate::waveform::BARS;

/// A conversion looks at its deadline itself; a codec that hangs is given up this much later.
const GRACE: Duration = Duration::from_secs(5);

/// When the ffmpeg process is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FfmpegMode {
    /// Never.
    Off,
    /// For recordings that the codecs in this process do not convert, when ffmpeg is on `PATH`.
    #[default]
    Fallback,
    /// For every recording.
    Only,
}

/// A recording as an MP3 file: 24 kHz, mono, 64 kbps.
#[derive(Debug, Clone)]
pub struct Mp3 {
    /// The file.
    pub bytes: Bytes,
    /// Its exact length.
    pub duration_ms: u64,
}

/// A recording as WhatsApp makes voice notes.
#[derive(Debug, Clone)]
pub struct VoiceNote {
    /// The file; the very bytes of the input when that was a voice note already.
    pub ogg: Bytes,
    /// Its exact length.
    pub duration_ms: u64,
    /// The bars that WhatsApp draws, 0–100 each.
    pub waveform: [u8; BARS],
}

/// Converts recordings; clones share the bound on how many run at once.
#[derive(Debug, Clone)]
pub struct Transcoder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    ffmpeg: FfmpegMode,
    codec: Arc<dyn Codec>,
    slots: Arc<Semaphore>,
}

impl Transcoder {
    /// A transcoder on libopus and LAME.
    pub fn new(limits: Limits, ffmpeg: FfmpegMode) -> Self {
        Self::with_codec(limits, ffmpeg, Arc::new(NativeCodec))
    }

    /// A transcoder on other codecs.
    pub fn with_codec(limits: Limits, ffmpeg: FfmpegMode, codec: Arc<dyn Codec>) -> Self {
        let slots = Arc::new(Semaphore::new(limits.concurrency.max(1)));
        Self { shared: Arc::new(Shared { limits, ffmpeg, codec, slots }) }
    }

    /// Converts a recording to MP3.
    pub async fn to_mp3(&self, input: impl Into<Input>) -> Result<Mp3, AudioError> {
        let done = self.run(input.into(), Target::Mp3).await?;
        Ok(Mp3 { bytes: done.bytes, duration_ms: done.duration_ms })
    }

    /// Converts a recording to a voice note.
    pub async fn to_voice_note(&self, input: impl Into<Input>) -> Result<VoiceNote, AudioError> {
        let done = self.run(input.into(), Target::Voice).await?;
        Ok(VoiceNote { ogg: done.bytes, duration_ms: done.duration_ms, waveform: done.waveform })
    }

    async fn run(&self, input: Input, target: Target) -> Result<Converted, AudioError> {
        let slot = Arc::clone(&self.shared.slots).acquire_owned().await.expect("the semaphore is never closed");
        let slot = Arc::new(slot);
        let shared = &self.shared;
        match shared.ffmpeg {
            FfmpegMode::Off => shared.in_process(slot, input, target).await,
            FfmpegMode::Only => shared.by_ffmpeg(slot, input, target).await,
            FfmpegMode::Fallback => {
                let error = match shared.in_process(Arc::clone(&slot), input.clone(), target).await {
                    Err(error) if error.is_codec_trouble() && ffmpeg::find().is_some() => error,
                    result => return result,
                };
                tracing::debug!(%error, "audio is tried with ffmpeg");
                shared.by_ffmpeg(slot, input, target).await
            }
        }
    }
}

/// The right to run one conversion; the last holder gives it back.
type Slot = Arc<OwnedSemaphorePermit>;

impl Shared {
    async fn in_process(&self, slot: Slot, input: Input, target: Target) -> Result<Converted, AudioError> {
        let codec = Arc::clone(&self.codec);
        self.guarded(slot, move |budget| {
            let bytes = input.load(budget.limits().input_bytes)?;
            convert(&bytes, target, &*codec, budget)
        })
        .await
    }

    async fn by_ffmpeg(&self, slot: Slot, input: Input, target: Target) -> Result<Converted, AudioError> {
        let program = ffmpeg::find().ok_or(AudioError::Ffmpeg(FfmpegError::NotFound))?;
        let file = self.guarded(Arc::clone(&slot), move |budget| as_file(&input, budget)).await?;
        // One second more than allowed, so that a recording that is too long shows.
        let longest = self.limits.duration + Duration::from_secs(1);
        let (decoding, mut source) = Decoding::start(program, file.path(), target.rate(), longest)?;
        let codec = Arc::clone(&self.codec);
        let encoding = self.guarded(slot, move |budget| encode(&mut source, target, &*codec, budget));
        let (decoded, encoded) = tokio::join!(self.in_time(decoding.run()), encoding);
        match (decoded, encoded) {
            // Encoding stops first when a limit is passed; otherwise what ffmpeg says comes first.
            (_, Err(error)) if !error.is_codec_trouble() => Err(error),
            (Err(error), _) | (Ok(()), Err(error)) => Err(error),
            (Ok(()), Ok(converted)) => Ok(converted),
        }
    }

    /// Runs work on a blocking thread with a budget of its own. The slot stays taken until the work has ended.
    async fn guarded<T: Send + 'static>(
        &self,
        slot: Slot,
        work: impl FnOnce(&Budget) -> Result<T, AudioError> + Send + 'static,
    ) -> Result<T, AudioError> {
        let cancel = CancelOnDrop(Arc::default());
        let (limits, flag) = (self.limits.clone(), Arc::clone(&cancel.0));
        let task = spawn_blocking(move || {
            let budget = Budget::start(limits, flag);
            let result = catch_unwind(AssertUnwindSafe(|| work(&budget)));
            drop(slot);
            result.unwrap_or(Err(AudioError::Panicked))
        });
        self.in_time(async { task.await.unwrap_or(Err(AudioError::Cancelled)) }).await
    }

    /// The last line against work that does not look at its deadline.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, AudioError>>) -> Result<T, AudioError> {
        let longest = self.limits.wall(self.limits.duration) + GRACE;
        tokio::time::timeout(longest, work).await.unwrap_or(Err(AudioError::TimedOut))
    }
}

/// Tells the work to stop when the caller no longer waits for it.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A path that ffmpeg can open: the caller's own file, or a temporary one.
enum InputFile {
    Own(PathBuf),
    Temp(TempFile),
}

impl InputFile {
    fn path(&self) -> &std::path::Path {
        match self {
            Self::Own(path) => path,
            Self::Temp(file) => file.path(),
        }
    }
}

fn as_file(input: &Input, budget: &Budget) -> Result<InputFile, AudioError> {
    let bytes = input.load(budget.limits().input_bytes)?;
    if bytes.is_empty() {
        return Err(AudioError::corrupt("empty file"));
    }
    match input {
        Input::Bytes(_) => Ok(InputFile::Temp(TempFile::write(&bytes)?)),
        Input::Path(path) => Ok(InputFile::Own(path.clone())),
    }
}
