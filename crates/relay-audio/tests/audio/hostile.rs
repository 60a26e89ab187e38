//! Files that are cut, damaged or not audio at all.

use proptest::prelude::*;
use relay_audio::{AudioError, Kind, probe};

use crate::support::{SECONDS, encode, mono_wav, native, noise, voice, wav};

fn opus(seconds: f64) -> Vec<u8> {
    encode(&wav(48_000, 1, &voice(48_000, seconds)), "a.ogg", "-c:a libopus -b:a 32k -page_duration 200000")
}

#[tokio::test]
async fn a_cut_file_gives_what_it_holds() {
    let source = wav(48_000, 1, &voice(48_000, 4.0));
    for (name, arguments) in [
        ("a.ogg", "-c:a libopus -b:a 32k -page_duration 200000"),
        ("a.mp3", "-b:a 64k"),
        ("live.webm", "-c:a libopus -b:a 32k -f webm -live 1"),
        ("a.aac", "-c:a aac"),
        ("a.wav", "-c:a pcm_s16le"),
    ] {
        let whole = encode(&source, name, arguments);
        let half = whole[..whole.len() / 2].to_vec();
        let mp3 = native().to_mp3(half).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((1_400..2_400).contains(&mp3.duration_ms), "{name}: {} ms", mp3.duration_ms);
    }
}

#[tokio::test]
async fn a_page_with_a_wrong_checksum_is_an_error() {
    let whole = opus(SECONDS);
    for place in [whole.len() / 3, whole.len() / 2, whole.len() - 20] {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x55;
        for result in
            [native().to_mp3(flipped.clone()).await.map(|_| ()), native().to_voice_note(flipped).await.map(|_| ())]
        {
            assert!(matches!(result, Err(AudioError::Corrupt(_))), "{place}: {result:?}");
        }
    }
}

/// Keeps the frame headers of an ADTS file and fills every frame but the first few with noise.
fn hollow(mut file: Vec<u8>) -> Vec<u8> {
    let (mut place, mut frame) = (0, 0);
    while let Some(&[high, middle, low]) = file.get(place + 3..place + 6).and_then(<[u8]>::first_chunk) {
        let length = usize::from(high & 3) << 11 | usize::from(middle) << 3 | usize::from(low >> 5);
        if frame >= 5 {
            file[place + 7..place + length].copy_from_slice(&noise(length - 7, place as u64));
        }
        place += length;
        frame += 1;
    }
    file
}

#[tokio::test]
async fn a_file_of_which_little_decodes_is_an_error() {
    let whole = encode(&mono_wav(), "a.aac", "-c:a aac");
    let result = native().to_mp3(hollow(whole)).await;
    assert!(matches!(result, Err(AudioError::Corrupt(_))), "{result:?}");
}

#[tokio::test]
async fn what_is_not_audio_is_refused() {
    let html = b"<!doctype html><html><head><title>404</title></head><body>not found</body></html>".repeat(50);
    let header_only = opus(SECONDS)[..47].to_vec();
    for (name, input) in [
        ("empty", Vec::new()),
        ("one byte", vec![0]),
        ("html", html),
        ("header only", header_only),
        ("zeros", vec![0; 50_000]),
        ("noise 1", noise(50_000, 1)),
        ("noise 2", noise(50_000, 99)),
        ("noise 3", noise(200_000, 12_345)),
        ("png", [b"\x89PNG\r\n\x1a\n".to_vec(), noise(5_000, 4)].concat()),
        ("ogg without content", b"OggS".to_vec()),
    ] {
        for result in
            [native().to_mp3(input.clone()).await.map(|_| ()), native().to_voice_note(input.clone()).await.map(|_| ())]
        {
            assert!(matches!(result, Err(AudioError::Unsupported(_) | AudioError::Corrupt(_))), "{name}: {result:?}");
        }
    }
}

#[test]
fn the_content_tells_the_kind() {
    assert_eq!(probe(&opus(0.2)), Some(Kind::OggOpus));
    assert_eq!(probe(&mono_wav()), Some(Kind::Wav));
    assert_eq!(probe(b""), None);
    assert_eq!(probe(b"<html></html>"), None);
    let silent_video = encode(&mono_wav(), "a.gif", "-f lavfi -i testsrc=d=0.2:s=16x16:r=5 -map 1:v");
    assert_eq!(probe(&silent_video), None);
}

fn convert_both(bytes: &[u8]) -> [Option<AudioError>; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        [native().to_mp3(bytes.to_vec()).await.err(), native().to_voice_note(bytes.to_vec()).await.err()]
    })
}

fn none_panicked(errors: &[Option<AudioError>]) -> bool {
    !errors.iter().any(|error| matches!(error, Some(AudioError::Panicked)))
}

/// The starts of real files, so that the demuxers get far.
fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    SEEDS.get_or_init(|| {
        let source = wav(16_000, 1, &voice(16_000, 0.2));
        let formats = [
            ("a.ogg", "-c:a libopus"),
            ("v.ogg", "-c:a libvorbis"),
            ("a.webm", "-c:a libopus"),
            ("a.m4a", "-c:a aac"),
            ("a.mp3", ""),
            ("a.aac", "-c:a aac"),
            ("a.wav", ""),
        ];
        formats.iter().map(|(name, arguments)| encode(&source, name, arguments)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4_096)) {
        probe(&bytes);
        prop_assert!(none_panicked(&convert_both(&bytes)));
    }

    #[test]
    fn damaged_files_do_not_panic(
        seed in 0..7_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = seeds()[seed].clone();
        for (place, value) in changes {
            *place.get_mut(&mut bytes) = value;
        }
        bytes.truncate(cut.index(bytes.len()).max(bytes.len() / 2));
        probe(&bytes);
        prop_assert!(none_panicked(&convert_both(&bytes)));
    }
}
