//! The ffmpeg process as engine and as fallback.

use relay_audio::{AudioError, FfmpegError, FfmpegMode, Limits, Transcoder};
use std::time::Duration;

use crate::support::{Folder, assert_near, decibels, decode, dual_mono_wav, encode, mono_wav, native, noise, voice};
use crate::voice::{assert_shape, assert_sound};

fn with(mode: FfmpegMode) -> Transcoder {
    Transcoder::new(Limits::default(), mode)
}

#[tokio::test]
async fn ffmpeg_gives_the_same_shape() {
    let only = with(FfmpegMode::Only);
    for (name, arguments) in [("a.m4a", "-c:a aac"), ("a.mp3", ""), ("a.ogg", "-c:a libopus")] {
        let input = encode(&mono_wav(), name, arguments);
        let note = only.to_voice_note(input.clone()).await.unwrap();
        assert_shape(name, &note);
        assert_sound(name, &note);
        let mp3 = only.to_mp3(input).await.unwrap();
        assert_near(name, decibels(&decode(&mp3.bytes, 24_000)), decibels(&voice(24_000, 1.7)), 1.0);
    }
}

#[tokio::test]
async fn ffmpeg_does_not_make_stereo_louder() {
    let only = with(FfmpegMode::Only);
    let float = encode(&dual_mono_wav(), "a.wav", "-c:a pcm_f32le");
    let note = only.to_voice_note(float).await.unwrap();
    let alone = native().to_voice_note(mono_wav()).await.unwrap();
    assert_near("level", decibels(&decode(&note.ogg, 16_000)), decibels(&decode(&alone.ogg, 16_000)), 0.3);
}

#[tokio::test]
async fn a_format_that_only_ffmpeg_reads_falls_back_to_it() {
    let flac = encode(&mono_wav(), "a.flac", "");
    let ac3 = encode(&mono_wav(), "a.ac3", "");
    for (name, input) in [("flac", flac), ("ac3", ac3)] {
        let refused = with(FfmpegMode::Off).to_voice_note(input.clone()).await;
        assert!(matches!(refused, Err(AudioError::Unsupported(_) | AudioError::Corrupt(_))), "{name}: {refused:?}");
        let note = with(FfmpegMode::Fallback).to_voice_note(input).await.unwrap();
        assert_shape(name, &note);
        assert_sound(name, &note);
    }
}

/// The container tells a size, and the reader in this process holds it to that.
#[tokio::test]
async fn a_cut_webm_falls_back_to_ffmpeg() {
    let whole = encode(&mono_wav(), "a.webm", "-c:a libopus -b:a 32k");
    let half = whole[..whole.len() / 2].to_vec();
    assert!(with(FfmpegMode::Off).to_mp3(half.clone()).await.is_err());
    let mp3 = with(FfmpegMode::Fallback).to_mp3(half).await.unwrap();
    assert!((500..1_200).contains(&mp3.duration_ms), "{} ms", mp3.duration_ms);
}

#[tokio::test]
async fn a_cut_mp4_is_an_error_either_way() {
    let whole = encode(&mono_wav(), "a.m4a", "-c:a aac -movflags faststart");
    let half = whole[..whole.len() / 2].to_vec();
    let result = with(FfmpegMode::Off).to_mp3(half.clone()).await;
    assert!(matches!(result, Err(AudioError::Corrupt(_))), "{result:?}");
    let result = with(FfmpegMode::Fallback).to_mp3(half).await;
    assert!(matches!(result, Err(AudioError::Ffmpeg(_))), "{result:?}");
}

#[tokio::test]
async fn what_ffmpeg_refuses_is_an_error_without_the_path() {
    let folder = Folder::new();
    let path = folder.file("secret-name", &noise(4_000, 5));
    for result in [with(FfmpegMode::Only).to_mp3(path.clone()).await, with(FfmpegMode::Fallback).to_mp3(path).await] {
        let Err(AudioError::Ffmpeg(FfmpegError::Exit { code, stderr })) = result else { panic!("{result:?}") };
        assert!(code.is_some_and(|code| code != 0));
        assert!(!stderr.is_empty() && !stderr.contains("secret-name"), "{stderr}");
    }
    let empty = with(FfmpegMode::Only).to_mp3(Vec::new()).await;
    assert!(matches!(empty, Err(AudioError::Corrupt(_))), "{empty:?}");
}

#[tokio::test]
async fn limits_hold_for_ffmpeg_too() {
    let limits = Limits { duration: Duration::from_millis(500), ..Limits::default() };
    let result = Transcoder::new(limits, FfmpegMode::Only).to_mp3(mono_wav()).await;
    assert!(matches!(result, Err(AudioError::TooLong { .. })), "{result:?}");
    let limits = Limits { input_bytes: 10, ..Limits::default() };
    let result = Transcoder::new(limits, FfmpegMode::Only).to_mp3(mono_wav()).await;
    assert!(matches!(result, Err(AudioError::TooLarge { .. })), "{result:?}");
}
