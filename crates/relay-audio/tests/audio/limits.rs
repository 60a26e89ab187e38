//! The bounds on size, length, time and concurrency, and codecs that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use relay_audio::{AudioError, Codec, Encoder, FfmpegMode, Limits, NativeCodec, OpusDecoder, Transcoder};

use crate::support::{Folder, SECONDS, encode, mono_wav, voice, wav};

fn limited(limits: Limits) -> Transcoder {
    Transcoder::new(limits, FfmpegMode::Off)
}

#[tokio::test]
async fn a_recording_that_is_too_long_is_refused() {
    let transcoder = limited(Limits { duration: Duration::from_secs(1), ..Limits::default() });
    for (name, arguments) in [
        ("a.ogg", "-c:a libopus"),
        ("a.wav", ""),
        ("a.m4a", "-c:a aac"),
        ("told-by-no-header.webm", "-c:a libopus -f webm -live 1"),
        ("a.aac", "-c:a aac"),
    ] {
        let input = encode(&mono_wav(), name, arguments);
        let result = transcoder.to_mp3(input).await;
        assert!(matches!(result, Err(AudioError::TooLong { .. })), "{name}: {result:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let transcoder = limited(Limits { input_bytes: 1_000, ..Limits::default() });
    let folder = Folder::new();
    let path = folder.file("a.wav", &mono_wav());
    for result in [transcoder.to_mp3(mono_wav()).await, transcoder.to_mp3(path).await] {
        assert!(matches!(result, Err(AudioError::TooLarge { limit: 1_000 })), "{result:?}");
    }
}

#[tokio::test]
async fn an_output_that_grows_too_large_is_refused() {
    let transcoder = limited(Limits { output_bytes: 2_000, ..Limits::default() });
    let results =
        [transcoder.to_mp3(mono_wav()).await.map(|_| ()), transcoder.to_voice_note(mono_wav()).await.map(|_| ())];
    for result in results {
        assert!(matches!(result, Err(AudioError::OutputTooLarge { limit: 2_000 })), "{result:?}");
    }
}

#[tokio::test]
async fn the_deadline_is_kept() {
    let transcoder = limited(Limits { min_wall: Duration::ZERO, min_speed: u32::MAX, ..Limits::default() });
    let result = transcoder.to_mp3(mono_wav()).await;
    assert!(matches!(result, Err(AudioError::TimedOut)), "{result:?}");
}

#[tokio::test]
async fn a_missing_file_is_an_io_error() {
    let folder = Folder::new();
    let result = limited(Limits::default()).to_mp3(folder.path("none")).await;
    assert!(matches!(result, Err(AudioError::Io(_))), "{result:?}");
}

#[derive(Debug)]
struct Panicking;

impl Codec for Panicking {
    fn mp3(&self) -> Result<Box<dyn Encoder>, AudioError> {
        panic!("a codec went wrong")
    }

    fn voice(&self) -> Result<Box<dyn Encoder>, AudioError> {
        NativeCodec.voice()
    }

    fn opus(&self, _: u32, _: i16) -> Result<Box<dyn OpusDecoder>, AudioError> {
        panic!("a codec went wrong")
    }
}

#[tokio::test]
async fn a_panicking_codec_is_caught_and_gives_its_slot_back() {
    let limits = Limits { concurrency: 1, ..Limits::default() };
    let transcoder = Transcoder::with_codec(limits, FfmpegMode::Off, Arc::new(Panicking));
    let all = async {
        for _ in 0..3 {
            let result = transcoder.to_mp3(mono_wav()).await;
            assert!(matches!(result, Err(AudioError::Panicked)), "{result:?}");
        }
        assert!(transcoder.to_voice_note(mono_wav()).await.is_ok());
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("a slot was not given back");
}

/// Counts how many encoders live, and lets none finish before it is opened.
#[derive(Debug, Default)]
struct Gate {
    alive: AtomicUsize,
    most: AtomicUsize,
    open: Mutex<bool>,
    opened: Condvar,
}

#[derive(Debug)]
struct Gated(Arc<Gate>);

struct GatedEncoder(Arc<Gate>);

impl Codec for Gated {
    fn mp3(&self) -> Result<Box<dyn Encoder>, AudioError> {
        let alive = self.0.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(alive, Ordering::SeqCst);
        Ok(Box::new(GatedEncoder(Arc::clone(&self.0))))
    }

    fn voice(&self) -> Result<Box<dyn Encoder>, AudioError> {
        self.mp3()
    }

    fn opus(&self, rate: u32, gain: i16) -> Result<Box<dyn OpusDecoder>, AudioError> {
        NativeCodec.opus(rate, gain)
    }
}

impl Encoder for GatedEncoder {
    fn push(&mut self, _: &[f32]) -> Result<(), AudioError> {
        let open = self.0.open.lock().unwrap();
        drop(self.0.opened.wait_while(open, |open| !*open).unwrap());
        Ok(())
    }

    fn size(&self) -> usize {
        0
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, AudioError> {
        Ok(Vec::new())
    }
}

impl Drop for GatedEncoder {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    async fn wait_for(&self, alive: usize) {
        let reached = async {
            while self.alive.load(Ordering::SeqCst) < alive {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached).await.expect("the encoders never started");
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

fn gated(concurrency: usize) -> (Arc<Gate>, Transcoder) {
    let gate = Arc::new(Gate::default());
    let limits = Limits { concurrency, min_wall: Duration::from_mins(1), ..Limits::default() };
    let codec = Arc::new(Gated(Arc::clone(&gate)));
    (gate, Transcoder::with_codec(limits, FfmpegMode::Off, codec))
}

#[tokio::test]
async fn only_so_many_conversions_run_at_once() {
    let (gate, transcoder) = gated(2);
    let input = wav(16_000, 1, &voice(16_000, SECONDS));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (transcoder, input) = (transcoder.clone(), input.clone());
            tokio::spawn(async move { transcoder.to_mp3(input).await })
        })
        .collect();
    gate.wait_for(2).await;
    gate.open();
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
    assert_eq!(gate.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_conversion_that_nobody_waits_for_stops_and_keeps_its_slot_until_then() {
    let (gate, transcoder) = gated(1);
    let (left, input) = (transcoder.clone(), mono_wav());
    let task = tokio::spawn(async move { left.to_mp3(input).await });
    gate.wait_for(1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let next = tokio::spawn(async move { transcoder.to_mp3(mono_wav()).await });
    gate.open();
    assert!(next.await.unwrap().is_ok());
    assert_eq!(gate.most.load(Ordering::SeqCst), 1);
}
