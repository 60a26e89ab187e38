//! Voice notes to MP3 (24 kHz, mono, 64 kbit/s): in this process, and by an `ffmpeg` process for each note.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use relay_audio::{FfmpegMode, Limits, Transcoder};
use tokio::process::Command;

use super::Plan;
use super::process::Folder;
use super::report::{Figure, Part, Target, number};

const AT_ONCE: usize = 2;
const RATE: u32 = 16_000;
/// Length of a note in seconds, and how many times faster than ffmpeg we want to be.
const NOTES: [(u32, f64); 2] = [(3, 10.0), (15, 3.0)];

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Part> {
    let duration = Duration::from_secs(if plan.is_quick { 2 } else { 5 });
    let transcoder = Transcoder::new(Limits { concurrency: AT_ONCE, ..Limits::default() }, FfmpegMode::Off);
    let folder = Folder::new()?;
    let has_ffmpeg = Command::new("ffmpeg")
        .arg("-version")
        .stdout(Stdio::null())
        .status()
        .await
        .is_ok_and(|status| status.success());
    let mut figures = Vec::new();
    for (seconds, target) in NOTES {
        let note = transcoder.to_voice_note(wav(&voice(seconds))).await?.ogg;
        let file = folder.path().join(format!("{seconds}.ogg"));
        tokio::fs::write(&file, &note).await?;
        let ours = rate(duration, async || Ok(transcoder.to_mp3(note.clone()).await?.bytes.len())).await?;
        let theirs = if has_ffmpeg { Some(rate(duration, async || by_ffmpeg(&file).await).await?) } else { None };
        figures.extend(compare(seconds, target, ours, theirs));
    }
    let title = format!("Voice notes to MP3, {AT_ONCE} at a time, for {} s each", duration.as_secs());
    Ok(Part { name: "voice", title, figures, notes: vec![version(has_ffmpeg).await] })
}

fn compare(seconds: u32, target: f64, ours: f64, theirs: Option<f64>) -> Vec<Figure> {
    let key = |name: &str| format!("{seconds}s_{name}");
    let label = |what: &str| format!("{seconds} s: {what}");
    let unit = "notes/s";
    let compared = |name: &str, what: &str, unit, value: Option<f64>| match value {
        Some(value) => Figure::new(key(name), label(what), unit, value),
        None => Figure::missing(key(name), label(what), unit, "ffmpeg is not installed"),
    };
    let by_process = compared("ffmpeg_per_s", "an ffmpeg process each", unit, theirs);
    let ratio = compared("ratio", "in process against ffmpeg", "times", theirs.map(|theirs| ours / theirs));
    vec![
        Figure::new(key("native_per_s"), label("in process"), unit, ours),
        by_process,
        ratio.should_be(Target::AtLeast(target)),
    ]
}

/// Conversions a second, by as many workers as may run at once.
async fn rate(duration: Duration, convert: impl AsyncFn() -> anyhow::Result<usize>) -> anyhow::Result<f64> {
    let started = Instant::now();
    let worker = async || -> anyhow::Result<usize> {
        let mut done = 0;
        while started.elapsed() < duration {
            ensure!(convert().await? > 0, "a conversion gave nothing");
            done += 1;
        }
        Ok(done)
    };
    let (one, other) = tokio::try_join!(worker(), worker())?;
    Ok(number(one + other) / started.elapsed().as_secs_f64())
}

async fn by_ffmpeg(file: &Path) -> anyhow::Result<usize> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "error", "-i"]).arg(file);
    command.args(["-ac", "1", "-ar", "24000", "-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3", "pipe:1"]);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.context("ffmpeg did not run")?;
    ensure!(output.status.success(), "ffmpeg failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout.len())
}

async fn version(has_ffmpeg: bool) -> String {
    if !has_ffmpeg {
        return "ffmpeg is not installed, so there is nothing to compare with".to_owned();
    }
    let output = Command::new("ffmpeg").arg("-version").output().await.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or("ffmpeg of an unknown version").to_owned()
}

/// A tone that rises and falls as sentences do, in syllables, under some noise.
#[expect(clippy::cast_possible_truncation, reason = "samples stay within half of the range")]
fn voice(seconds: u32) -> Vec<i16> {
    let mut noise = 0x2545_F491_u32;
    let mut phase = 0.0_f64;
    let samples = (0..seconds * RATE).map(|index| {
        let time = f64::from(index) / f64::from(RATE);
        let sweep = 150.0 + 1_400.0 * (0.5 - 0.5 * (std::f64::consts::TAU * time / 1.5).cos());
        phase += std::f64::consts::TAU * sweep / f64::from(RATE);
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let hiss = f64::from(noise) / f64::from(u32::MAX) - 0.5;
        let syllable = (std::f64::consts::TAU * 2.0 * time).sin().abs();
        let sound = syllable * (0.30 * phase.sin() + 0.12 * (2.0 * phase).sin()) + 0.05 * hiss;
        (sound * 32_767.0) as i16
    });
    samples.collect()
}

/// A mono WAVE file of 16 bits.
fn wav(samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let length = u32::try_from(data.len()).expect("a few seconds");
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_synthesised_note_is_one_that_can_be_converted() {
        let transcoder = Transcoder::new(Limits::default(), FfmpegMode::Off);
        let note = transcoder.to_voice_note(wav(&voice(3))).await.unwrap();
        assert_eq!(note.duration_ms, 3_000);
        let mp3 = transcoder.to_mp3(note.ogg).await.unwrap();
        assert_eq!(mp3.duration_ms, 3_000);
    }
}
