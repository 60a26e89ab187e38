//! Ogg/Opus in the shape of WhatsApp's own voice notes.
//!
//! 16 kHz mono SILK wideband; three frames of 20 ms joined into each packet (config 9, code 3); the vendor tag is
//! `WhatsApp`. Phones are reported to refuse notes of one 60 ms frame per packet and notes at 48 kHz, which is what
//! common encoders make (Baileys pull request 2648). Invariant: every packet has that shape, the last included.

use ogg::{PacketWriteEndInfo, PacketWriter};
use opus::{Application, Bandwidth, Bitrate, Channels, Repacketizer, Signal};

use crate::codec::{Encoder, VOICE_RATE};
use crate::error::AudioError;

const BITRATE: i32 = 24_000;
/// 10 gives the same output for more work.
const COMPLEXITY: i32 = 9;
/// 20 ms.
const FRAME: usize = 320;
const FRAMES_PER_PACKET: usize = 3;
const PACKET: usize = FRAME * FRAMES_PER_PACKET;
/// Ogg counts Opus time at 48 kHz.
const GRANULES_PER_SAMPLE: u64 = 3;
/// About one second.
const PACKETS_PER_PAGE: u64 = 17;
/// The largest Opus frame, and room for three of them with their lengths.
const FRAME_ROOM: usize = 1_275;
const PACKET_ROOM: usize = FRAME_ROOM * FRAMES_PER_PACKET + 8;
/// Names the stream inside its file; one file holds one stream.
const SERIAL: u32 = 1;
pub(crate) const VENDOR: &[u8] = b"WhatsApp";

pub(crate) struct VoiceEncoder {
    opus: opus::Encoder,
    repacketizer: Repacketizer,
    ogg: PacketWriter<'static, Vec<u8>>,
    lookahead: usize,
    waiting: Vec<f32>,
    frames: Vec<Vec<u8>>,
    /// The newest packet: it is held back because the last one ends the stream.
    held: Option<Vec<u8>>,
    samples: usize,
    packets: u64,
}

impl VoiceEncoder {
    pub(crate) fn new() -> Result<Self, AudioError> {
        let mut opus = configure().map_err(encode_error)?;
        let lookahead = opus.get_lookahead().map_err(encode_error)?;
        let mut encoder = Self {
            opus,
            repacketizer: Repacketizer::new().map_err(encode_error)?,
            ogg: PacketWriter::new(Vec::new()),
            lookahead: usize::try_from(lookahead).unwrap_or(0),
            waiting: Vec::new(),
            frames: Vec::with_capacity(FRAMES_PER_PACKET),
            held: None,
            samples: 0,
            packets: 0,
        };
        encoder.write(head(encoder.pre_skip()), PacketWriteEndInfo::EndPage, 0)?;
        encoder.write(tags(), PacketWriteEndInfo::EndPage, 0)?;
        Ok(encoder)
    }

    fn pre_skip(&self) -> u64 {
        self.lookahead as u64 * GRANULES_PER_SAMPLE
    }

    fn encode_waiting(&mut self) -> Result<(), AudioError> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut frames = waiting.chunks_exact(FRAME);
        for frame in &mut frames {
            let coded = self.opus.encode_vec_float(frame, FRAME_ROOM).map_err(encode_error)?;
            self.frames.push(coded);
            if self.frames.len() == FRAMES_PER_PACKET {
                self.join()?;
            }
        }
        self.waiting = frames.remainder().to_vec();
        Ok(())
    }

    /// Joins three frames into one packet and lets the packet before it go.
    fn join(&mut self) -> Result<(), AudioError> {
        let mut packet = vec![0; PACKET_ROOM];
        let frames: Vec<&[u8]> = self.frames.iter().map(Vec::as_slice).collect();
        let length = self.repacketizer.combine(&frames, &mut packet).map_err(encode_error)?;
        packet.truncate(length);
        self.frames.clear();
        let Some(before) = self.held.replace(packet) else {
            return Ok(());
        };
        self.packets += 1;
        let end = if self.packets.is_multiple_of(PACKETS_PER_PAGE) {
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        };
        self.write(before, end, self.packets * PACKET as u64 * GRANULES_PER_SAMPLE)
    }

    fn write(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, granule: u64) -> Result<(), AudioError> {
        self.ogg.write_packet(packet, SERIAL, end, granule).map_err(AudioError::Io)
    }
}

fn configure() -> Result<opus::Encoder, opus::Error> {
    let mut opus = opus::Encoder::new(VOICE_RATE, Channels::Mono, Application::Voip)?;
    opus.set_bitrate(Bitrate::Bits(BITRATE))?;
    opus.set_vbr(true)?;
    opus.set_complexity(COMPLEXITY)?;
    opus.set_signal(Signal::Voice)?;
    opus.set_bandwidth(Bandwidth::Wideband)?;
    Ok(opus)
}

/// The identification header: version 1, mono, no gain, one stream (RFC 7845).
fn head(pre_skip: u64) -> Vec<u8> {
    let pre_skip = u16::try_from(pre_skip).expect("the encoder looks ahead a few milliseconds");
    let mut head = b"OpusHead".to_vec();
    head.extend([1, 1]);
    head.extend(pre_skip.to_le_bytes());
    head.extend(VOICE_RATE.to_le_bytes());
    head.extend([0, 0, 0]);
    head
}

/// The comment header: the vendor and no comments.
fn tags() -> Vec<u8> {
    let length = u32::try_from(VENDOR.len()).expect("the vendor's name is short");
    let mut tags = b"OpusTags".to_vec();
    tags.extend(length.to_le_bytes());
    tags.extend(VENDOR);
    tags.extend(0_u32.to_le_bytes());
    tags
}

impl Encoder for VoiceEncoder {
    fn push(&mut self, pcm: &[f32]) -> Result<(), AudioError> {
        self.samples += pcm.len();
        self.waiting.extend_from_slice(pcm);
        self.encode_waiting()
    }

    fn size(&self) -> usize {
        self.ogg.inner().len()
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, AudioError> {
        let needed = (self.samples + self.lookahead).div_ceil(PACKET) * PACKET;
        let padding = needed - self.samples;
        self.waiting.resize(self.waiting.len() + padding, 0.0);
        self.encode_waiting()?;
        let last = self.held.take().expect("the padding makes at least one packet");
        let granule = self.pre_skip() + self.samples as u64 * GRANULES_PER_SAMPLE;
        self.write(last, PacketWriteEndInfo::EndStream, granule)?;
        Ok(self.ogg.into_inner())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function for map_err")]
fn encode_error(error: opus::Error) -> AudioError {
    AudioError::Encode(format!("opus: {}", error.description()).into())
}
