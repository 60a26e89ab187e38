//! Synthetic recordings, the outside tools, and measures of what comes out.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "short test signals"
)]

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use relay_audio::{FfmpegMode, Limits, Transcoder};

pub(crate) const SECONDS: f64 = 1.7;

pub(crate) fn native() -> Transcoder {
    Transcoder::new(Limits::default(), FfmpegMode::Off)
}

/// Two tones under a slow tremolo, so that time shifts and level changes show.
pub(crate) fn voice(rate: u32, seconds: f64) -> Vec<f32> {
    (0..(f64::from(rate) * seconds) as usize)
        .map(|index| {
            let time = index as f64 / f64::from(rate);
            let tones = (TAU * 300.0 * time).sin() + 0.6 * (TAU * 1_100.0 * time).sin();
            (0.25 * (1.0 + 0.5 * (TAU * 3.0 * time).sin()) * tones) as f32
        })
        .collect()
}

/// A 16-bit WAVE file of interleaved samples.
pub(crate) fn wav(rate: u32, channels: u16, interleaved: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = interleaved.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
    let length = u32::try_from(data.len()).unwrap();
    let frame = channels * 2;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(frame)).to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}

pub(crate) fn mono_wav() -> Vec<u8> {
    wav(44_100, 1, &voice(44_100, SECONDS))
}

/// The same voice on both sides.
pub(crate) fn dual_mono_wav() -> Vec<u8> {
    let both: Vec<f32> = voice(44_100, SECONDS).iter().flat_map(|sample| [*sample, *sample]).collect();
    wav(44_100, 2, &both)
}

/// A folder that goes away with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("relay-audio-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Runs an outside tool to success and gives its standard output.
pub(crate) fn tool(name: &str, configure: impl FnOnce(&mut Command)) -> Vec<u8> {
    let mut command = Command::new(name);
    configure(&mut command);
    let output = command.output().unwrap_or_else(|error| panic!("{name} is needed by this test: {error}"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Has ffmpeg encode `input` to a file with this name.
pub(crate) fn encode(input: &[u8], name: &str, arguments: &str) -> Vec<u8> {
    let folder = Folder::new();
    let source = folder.file("source", input);
    let target = folder.path(name);
    tool("ffmpeg", |command| {
        command.args(["-nostdin", "-v", "error", "-i"]).arg(&source);
        command.args(arguments.split_whitespace()).arg(&target);
    });
    std::fs::read(target).unwrap()
}

/// Has ffmpeg decode to mono samples.
pub(crate) fn decode(file: &[u8], rate: u32) -> Vec<f32> {
    let folder = Folder::new();
    let source = folder.file("source", file);
    let bytes = tool("ffmpeg", |command| {
        command.args(["-nostdin", "-v", "error", "-i"]).arg(&source);
        command.args(["-ar", &rate.to_string(), "-f", "f32le", "-"]);
    });
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

pub(crate) fn seconds(pcm: &[f32], rate: u32) -> f64 {
    pcm.len() as f64 / f64::from(rate)
}

pub(crate) fn decibels(pcm: &[f32]) -> f64 {
    let power = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / pcm.len() as f64;
    10.0 * power.log10()
}

#[track_caller]
pub(crate) fn assert_near(what: &str, found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance, "{what}: found {found}, wanted {wanted} ± {tolerance}");
}

/// The packets of an Ogg file, the two headers first.
pub(crate) fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = ogg::PacketReader::new(std::io::Cursor::new(file));
    std::iter::from_fn(|| reader.read_packet().unwrap()).map(|packet| packet.data).collect()
}

pub(crate) fn opusinfo(file: &Path) -> String {
    String::from_utf8(tool("opusinfo", |command| {
        command.arg(file);
    }))
    .unwrap()
}

/// Pseudo-random bytes, the same every time.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(length)
    .collect()
}
