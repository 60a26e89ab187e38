//! Agents' recordings to voice notes.

use ogg::{PacketWriteEndInfo, PacketWriter};
use relay_audio::{Kind, VoiceNote, probe};

use crate::support::{
    Folder, SECONDS, assert_near, decibels, decode, dual_mono_wav, encode, mono_wav, native, opusinfo, packets,
    seconds, voice, wav,
};

const RATE: u32 = 16_000;

/// Every packet is SILK wideband, 20 ms, mono, code 3 with three frames.
#[track_caller]
pub(crate) fn assert_shape(name: &str, note: &VoiceNote) {
    let packets = packets(&note.ogg);
    assert_eq!(&packets[0][..12], b"OpusHead\x01\x01\x38\x01", "{name}: mono, pre-skip 312");
    assert_eq!(packets[0][12..], [0x80, 0x3e, 0, 0, 0, 0, 0], "{name}: 16 kHz, no gain");
    assert_eq!(packets[1], b"OpusTags\x08\0\0\0WhatsApp\0\0\0\0");
    for packet in &packets[2..] {
        assert_eq!(packet[0], 9 << 3 | 3, "{name}");
        assert_eq!(packet[1] & 0b11_1111, 3, "{name}");
    }
    let folder = Folder::new();
    let report = opusinfo(&folder.file("note.ogg", &note.ogg));
    assert!(!report.to_lowercase().contains("warning"), "{name}: {report}");
}

#[track_caller]
pub(crate) fn assert_sound(name: &str, note: &VoiceNote) {
    #[expect(clippy::cast_precision_loss, reason = "a short clip")]
    let told = note.duration_ms as f64 / 1000.0;
    let pcm = decode(&note.ogg, RATE);
    assert_near(&format!("{name} told length"), told, SECONDS, 0.060);
    assert_near(&format!("{name} decoded length"), seconds(&pcm, RATE), told, 0.002);
    assert_near(&format!("{name} level"), decibels(&pcm), decibels(&voice(RATE, SECONDS)), 1.0);
}

#[tokio::test]
async fn every_format_becomes_a_note_as_whatsapp_makes_it() {
    let (one, two) = (mono_wav(), dual_mono_wav());
    for (file, arguments, kind) in [
        ("a.mp3", "-b:a 96k", Kind::Mp3),
        ("index-at-the-end.m4a", "-c:a aac -b:a 96k", Kind::Mp4),
        ("fragmented.mp4", "-c:a aac -movflags frag_keyframe+empty_moov", Kind::Mp4),
        ("opus.mp4", "-c:a libopus -b:a 32k", Kind::Mp4),
        ("a.webm", "-c:a libopus -b:a 32k", Kind::Matroska),
        ("live.webm", "-c:a libopus -b:a 32k -f webm -live 1", Kind::Matroska),
        ("vorbis.ogg", "-c:a libvorbis", Kind::Ogg),
        ("stereo.ogg", "-c:a libopus -b:a 64k", Kind::OggOpus),
        ("a.aac", "-c:a aac -f adts", Kind::Aac),
        ("a.wav", "-c:a pcm_f32le -ar 48000", Kind::Wav),
        ("low.wav", "-c:a pcm_s16le -ar 11025", Kind::Wav),
    ] {
        let source = if file == "stereo.ogg" { &two } else { &one };
        let input = encode(source, file, arguments);
        assert_eq!(probe(&input), Some(kind), "{file}");
        let note = native().to_voice_note(input).await.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_shape(file, &note);
        assert_sound(file, &note);
    }
}

#[tokio::test]
async fn a_video_gives_its_sound() {
    let folder = Folder::new();
    let source = folder.file("a.wav", &mono_wav());
    let target = folder.path("a.mp4");
    crate::support::tool("ffmpeg", |command| {
        command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=1.7:s=64x64:r=10", "-i"]);
        command.arg(source).args(["-c:v", "mpeg4", "-c:a", "aac"]).arg(&target);
    });
    let note = native().to_voice_note(target).await.unwrap();
    assert_shape("video", &note);
    assert_sound("video", &note);
}

#[tokio::test]
async fn the_length_of_a_wav_is_exact_and_any_length_ends_well() {
    for samples in [1, 319, 856, 857, 960, 16_000, 16_321] {
        let note = native().to_voice_note(wav(RATE, 1, &voice(RATE, SECONDS)[..samples])).await.unwrap();
        assert_shape("cut wav", &note);
        assert_eq!(decode(&note.ogg, 48_000).len(), samples * 3);
    }
}

#[tokio::test]
async fn the_same_voice_on_both_sides_is_not_louder() {
    let one = native().to_voice_note(mono_wav()).await.unwrap();
    let two = native().to_voice_note(dual_mono_wav()).await.unwrap();
    assert_near("level", decibels(&decode(&two.ogg, RATE)), decibels(&decode(&one.ogg, RATE)), 0.1);
    let opus = encode(&dual_mono_wav(), "a.ogg", "-c:a libopus -b:a 96k");
    let three = native().to_voice_note(opus).await.unwrap();
    assert_near("level", decibels(&decode(&three.ogg, RATE)), decibels(&decode(&one.ogg, RATE)), 0.5);
}

#[tokio::test]
async fn a_finished_note_passes_through_untouched() {
    let first = native().to_voice_note(mono_wav()).await.unwrap();
    let second = native().to_voice_note(first.ogg.clone()).await.unwrap();
    assert_eq!(first.ogg, second.ogg);
    assert_eq!(second.duration_ms, 1_700);
    for (drawn, measured) in first.waveform.iter().zip(second.waveform) {
        assert!(drawn.abs_diff(measured) <= 15, "{:?} and {:?}", first.waveform, second.waveform);
    }
}

#[tokio::test]
async fn a_wideband_file_in_the_refused_framing_is_made_anew_unless_it_is_whatsapps_own() {
    let arguments = "-c:a libopus -ar 16000 -b:a 16k -application voip -frame_duration 60";
    let single = encode(&mono_wav(), "a.ogg", arguments);
    assert_eq!(packets(&single)[2][0], 11 << 3);
    let made_anew = native().to_voice_note(single.clone()).await.unwrap();
    assert_shape("60 ms frames", &made_anew);
    let own = with_vendor(&single, b"WhatsApp");
    assert_eq!(native().to_voice_note(own.clone()).await.unwrap().ogg, own);
}

fn with_vendor(file: &[u8], vendor: &[u8]) -> Vec<u8> {
    let mut reader = ogg::PacketReader::new(std::io::Cursor::new(file));
    let mut writer = PacketWriter::new(Vec::new());
    let mut index = 0;
    while let Some(packet) = reader.read_packet().unwrap() {
        let end = match (packet.last_in_stream(), packet.last_in_page()) {
            (true, _) => PacketWriteEndInfo::EndStream,
            (false, true) => PacketWriteEndInfo::EndPage,
            (false, false) => PacketWriteEndInfo::NormalPacket,
        };
        let granule = packet.absgp_page();
        let length = u32::try_from(vendor.len()).unwrap().to_le_bytes();
        let tags = [b"OpusTags", &length[..], vendor, &[0; 4]].concat();
        let data = if index == 1 { tags } else { packet.data };
        writer.write_packet(data, 7, end, granule).unwrap();
        index += 1;
    }
    writer.into_inner()
}

#[tokio::test]
async fn a_cut_note_is_not_passed_through() {
    let whole = native().to_voice_note(wav(RATE, 1, &voice(RATE, 4.0))).await.unwrap();
    let cut = whole.ogg.slice(..whole.ogg.len() - 50);
    let note = native().to_voice_note(cut.clone()).await.unwrap();
    assert_ne!(note.ogg, cut);
    assert_shape("cut note", &note);
    assert!((3_000..4_000).contains(&note.duration_ms), "{}", note.duration_ms);
}

#[tokio::test]
async fn the_waveform_follows_the_voice() {
    let mut quiet_then_loud = voice(RATE, 4.0);
    for sample in &mut quiet_then_loud[..32_000] {
        *sample *= 0.1;
    }
    let note = native().to_voice_note(wav(RATE, 1, &quiet_then_loud)).await.unwrap();
    assert_eq!(note.waveform.iter().max(), Some(&100));
    assert!(note.waveform[..31].iter().all(|bar| *bar <= 12), "{:?}", note.waveform);
    assert!(note.waveform[33..].iter().all(|bar| *bar >= 20), "{:?}", note.waveform);
}

#[tokio::test]
async fn silence_is_a_note_too() {
    let note = native().to_voice_note(wav(RATE, 1, &[0.0; 4_000])).await.unwrap();
    assert_shape("silence", &note);
    assert_eq!((note.duration_ms, note.waveform), (250, [0; 64]));
}

#[tokio::test]
async fn noise_and_music_keep_the_shape() {
    let hiss: Vec<f32> = crate::support::noise(24_000, 7).iter().map(|byte| f32::from(*byte) / 256.0 - 0.5).collect();
    let note = native().to_voice_note(wav(RATE, 1, &hiss)).await.unwrap();
    assert_shape("noise", &note);
}
