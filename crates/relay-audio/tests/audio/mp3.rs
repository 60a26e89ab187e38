//! Voice notes to MP3.

use relay_audio::{Kind, probe};

use crate::support::{
    Folder, SECONDS, assert_near, decibels, decode, dual_mono_wav, encode, mono_wav, native, seconds, tool, voice, wav,
};

const RATE: u32 = 24_000;

async fn check(name: &str, input: Vec<u8>) {
    let mp3 = native().to_mp3(input).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    #[expect(clippy::cast_precision_loss, reason = "a short clip")]
    let told = mp3.duration_ms as f64 / 1000.0;
    let pcm = decode(&mp3.bytes, RATE);
    assert_near(&format!("{name} told length"), told, SECONDS, 0.060);
    assert_near(&format!("{name} decoded length"), seconds(&pcm, RATE), told, 0.001);
    assert_near(&format!("{name} level"), decibels(&pcm), decibels(&voice(RATE, SECONDS)), 1.0);
}

#[tokio::test]
async fn notes_of_every_shape_keep_length_and_level() {
    let source = mono_wav();
    let ours = native().to_voice_note(source.clone()).await.unwrap().ogg.to_vec();
    check("our own note", ours).await;
    for (name, arguments) in [
        ("one 60 ms frame per packet", "-c:a libopus -ar 16000 -b:a 16k -application voip -frame_duration 60"),
        ("full band", "-c:a libopus -b:a 32k -frame_duration 20"),
        ("short frames", "-c:a libopus -b:a 64k -application lowdelay -frame_duration 2.5"),
    ] {
        check(name, encode(&source, "note.ogg", arguments)).await;
    }
    check("stereo", encode(&dual_mono_wav(), "note.ogg", "-c:a libopus -b:a 64k")).await;
}

#[tokio::test]
async fn other_formats_become_mp3_too() {
    check("m4a", encode(&mono_wav(), "a.m4a", "-c:a aac")).await;
    check("mp3", encode(&mono_wav(), "a.mp3", "-b:a 96k")).await;
    check("wav", mono_wav()).await;
}

#[tokio::test]
async fn the_level_and_the_length_of_a_wav_are_exact() {
    let mp3 = native().to_mp3(wav(RATE, 1, &voice(RATE, SECONDS))).await.unwrap();
    let pcm = decode(&mp3.bytes, RATE);
    assert_eq!(mp3.duration_ms, 1_700);
    assert_eq!(pcm.len(), voice(RATE, SECONDS).len());
    assert_near("level", decibels(&pcm), decibels(&voice(RATE, SECONDS)), 0.15);
}

#[tokio::test]
async fn pre_skip_and_padding_are_cut_so_that_nothing_moves() {
    let mut click = vec![0.0; 48_000];
    for (index, sample) in click[24_000..24_480].iter_mut().enumerate() {
        *sample = if index % 48 < 24 { 0.5 } else { -0.5 };
    }
    let note = encode(&wav(48_000, 1, &click), "click.ogg", "-c:a libopus -b:a 64k");
    let mp3 = native().to_mp3(note).await.unwrap();
    assert_eq!(mp3.duration_ms, 1_000);
    let pcm = decode(&mp3.bytes, RATE);
    let start = pcm.iter().position(|sample| sample.abs() > 0.2).unwrap();
    assert!(start.abs_diff(12_000) < 48, "the click starts at sample {start}");
}

#[tokio::test]
async fn the_file_is_mono_24_khz_64_kbps_with_an_info_tag() {
    let mp3 = native().to_mp3(mono_wav()).await.unwrap();
    assert_eq!(probe(&mp3.bytes), Some(Kind::Mp3));
    let first_frame = &mp3.bytes[..192];
    assert!(first_frame.windows(4).any(|window| window == b"Info"));
    assert!(first_frame.windows(4).any(|window| window == b"LAME"));
    let folder = Folder::new();
    let file = folder.file("a.mp3", &mp3.bytes);
    let told = tool("ffprobe", |command| {
        command.args(["-v", "error", "-of", "default=nw=1", "-show_entries"]);
        command.arg("stream=codec_name,sample_rate,channels,bit_rate").arg(file);
    });
    assert_eq!(String::from_utf8(told).unwrap(), "codec_name=mp3\nsample_rate=24000\nchannels=1\nbit_rate=64000\n");
}

#[tokio::test]
async fn a_path_works_like_bytes() {
    let folder = Folder::new();
    let path = folder.file("note.txt", &mono_wav());
    let by_path = native().to_mp3(path).await.unwrap();
    assert_eq!(by_path.bytes, native().to_mp3(mono_wav()).await.unwrap().bytes);
}

#[tokio::test]
async fn the_shortest_clips_work() {
    for samples in [1, 100, 1_000] {
        let clip = &voice(RATE, SECONDS)[..samples];
        let mp3 = native().to_mp3(wav(RATE, 1, clip)).await.unwrap();
        assert_near("length", seconds(&decode(&mp3.bytes, RATE), RATE), seconds(clip, RATE), 0.030);
    }
}
