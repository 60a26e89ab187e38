//! Tells what a file is by its content; its name and declared type are never asked.

use std::panic::catch_unwind;

use symphonia::core::formats::{FormatId, TrackType, well_known};

use crate::demux;
use crate::opus_packet::OpusHead;

/// Containers and raw streams whose audio can be read without ffmpeg, as far as their codec allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Opus in Ogg, as WhatsApp's voice notes are.
    OggOpus,
    /// Anything else in Ogg.
    Ogg,
    /// MPEG audio.
    Mp3,
    /// AAC with ADTS headers.
    Aac,
    /// MP4 and M4A.
    Mp4,
    /// Matroska and `WebM`.
    Matroska,
    /// RIFF WAVE.
    Wav,
}

/// Names the kind of a file that holds audio; `None` for everything else.
pub fn probe(bytes: &[u8]) -> Option<Kind> {
    if is_ogg_opus(bytes) {
        return Some(Kind::OggOpus);
    }
    // A demuxer that panics has not recognised the file.
    catch_unwind(|| {
        let format = demux::open_format(bytes).ok()?;
        format.default_track(TrackType::Audio)?;
        kind_of(format.format_info().format)
    })
    .ok()
    .flatten()
}

/// The first Ogg page starts with an Opus identification header.
pub(crate) fn is_ogg_opus(bytes: &[u8]) -> bool {
    const SEGMENT_COUNT: usize = 26;
    let Some(&segments) = bytes.get(SEGMENT_COUNT) else {
        return false;
    };
    let body = SEGMENT_COUNT + 1 + usize::from(segments);
    bytes.starts_with(b"OggS") && bytes.get(body..).is_some_and(|body| body.starts_with(OpusHead::MAGIC))
}

fn kind_of(format: FormatId) -> Option<Kind> {
    match format {
        well_known::FORMAT_ID_OGG => Some(Kind::Ogg),
        well_known::FORMAT_ID_MP1 | well_known::FORMAT_ID_MP2 | well_known::FORMAT_ID_MP3 => Some(Kind::Mp3),
        well_known::FORMAT_ID_ADTS => Some(Kind::Aac),
        well_known::FORMAT_ID_ISOMP4 => Some(Kind::Mp4),
        well_known::FORMAT_ID_MKV => Some(Kind::Matroska),
        well_known::FORMAT_ID_WAVE => Some(Kind::Wav),
        _ => None,
    }
}
