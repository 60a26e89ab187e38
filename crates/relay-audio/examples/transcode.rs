//! Converts one file: `cargo run -p relay-audio --example transcode -- in.ogg out.mp3`.
//!
//! The output's extension chooses the target: `mp3`, or a voice note otherwise.

use std::path::PathBuf;
use std::time::Instant;

use relay_audio::{FfmpegMode, Limits, Transcoder};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the example's purpose is to tell what it did")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: transcode INPUT OUTPUT.mp3|OUTPUT.ogg".into());
    };
    let transcoder = Transcoder::new(Limits::default(), FfmpegMode::Fallback);
    let started = Instant::now();
    let (bytes, duration_ms) = if output.extension().is_some_and(|extension| extension == "mp3") {
        let mp3 = transcoder.to_mp3(input).await?;
        (mp3.bytes, mp3.duration_ms)
    } else {
        let note = transcoder.to_voice_note(input).await?;
        (note.ogg, note.duration_ms)
    };
    let took_ms = started.elapsed().as_millis();
    tokio::fs::write(&output, &bytes).await?;
    println!("{duration_ms} ms of audio, {} bytes, converted in {took_ms} ms", bytes.len());
    Ok(())
}
