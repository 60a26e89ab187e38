//! Reads Ogg/Opus: first a survey of its packets, then their samples.
//!
//! Invariant: exactly the samples between the pre-skip and the final granule position come out, so that the length
//! is that of the recording. A file that ends too early gives what it holds; a page with a wrong checksum is an error.

use std::io::{Cursor, ErrorKind};

use ogg::{OggReadError, Packet, PacketReader};

use crate::codec::{Codec, OpusDecoder};
use crate::error::AudioError;
use crate::limits::Budget;
use crate::opus_packet::{OpusHead, Toc};
use crate::source::Source;
use crate::voice::VENDOR;

/// Packets between two looks at the budget.
const CHECK_EVERY: u64 = 32;
/// Packets decoded per block.
const BLOCK_PACKETS: usize = 8;
const OPUS_RATE: u32 = 48_000;
const NO_GRANULE: u64 = u64::MAX;

/// What a first look at all packets tells.
#[derive(Debug)]
pub(crate) struct Survey {
    head: OpusHead,
    /// The recording's length at 48 kHz.
    pub(crate) samples: u64,
    /// The stream is whole and already looks like one of WhatsApp's own notes.
    pub(crate) is_voice_note: bool,
}

/// Looks at every packet without decoding any.
pub(crate) fn survey(input: &[u8], budget: &Budget) -> Result<Survey, AudioError> {
    let (mut packets, head) = Packets::open(input)?;
    let tags = packets.next()?.ok_or_else(|| AudioError::corrupt("ogg: no audio after the header"))?;
    let mut tally = Tally::default();
    let mut count = 0_u64;
    while let Some(packet) = packets.next()? {
        tally.add(&packet)?;
        count += 1;
        if count.is_multiple_of(CHECK_EVERY) {
            budget.check()?;
            budget.claim(tally.coded, OPUS_RATE)?;
        }
    }
    let samples = tally.playable(head.pre_skip);
    if samples == 0 {
        return Err(AudioError::corrupt("ogg: no audio"));
    }
    let from_whatsapp = vendor(&tags.data) == Some(VENDOR);
    let is_voice_note = head.channels == 1 && tally.ended && tally.speech && (tally.joined || from_whatsapp);
    Ok(Survey { head, samples, is_voice_note })
}

/// What the packets add up to, at 48 kHz.
struct Tally {
    coded: u64,
    /// Where the first page starts; not zero when a running stream was recorded.
    start: Option<u64>,
    end: u64,
    ended: bool,
    speech: bool,
    joined: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self { coded: 0, start: None, end: 0, ended: false, speech: true, joined: true }
    }
}

impl Tally {
    fn add(&mut self, packet: &Packet) -> Result<(), AudioError> {
        let toc = Toc::parse(&packet.data).ok_or_else(|| AudioError::corrupt("opus: not a packet"))?;
        self.coded += toc.samples();
        self.speech &= toc.is_wideband_speech();
        // The last packet of a note holds what was left.
        self.joined &= toc.is_joined() || packet.last_in_stream();
        self.ended |= packet.last_in_stream();
        let granule = packet.absgp_page();
        if packet.last_in_page() && granule != NO_GRANULE {
            let first_page_start = if self.ended { 0 } else { granule.saturating_sub(self.coded) };
            self.start.get_or_insert(first_page_start);
            self.end = granule;
        }
        Ok(())
    }

    fn playable(&self, pre_skip: u16) -> u64 {
        let told = self.end.saturating_sub(self.start.unwrap_or(0));
        self.coded.min(told).saturating_sub(u64::from(pre_skip))
    }
}

/// The vendor named in the comment header.
fn vendor(tags: &[u8]) -> Option<&[u8]> {
    let (length, rest) = tags.strip_prefix(b"OpusTags")?.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// The samples of an Ogg/Opus file at a rate that libopus gives.
pub(crate) struct OggOpusSource<'a> {
    packets: Packets<'a>,
    decoder: Box<dyn OpusDecoder>,
    rate: u32,
    skip: usize,
    left: u64,
    block: Vec<f32>,
}

impl<'a> OggOpusSource<'a> {
    pub(crate) fn open(input: &'a [u8], survey: &Survey, rate: u32, codec: &dyn Codec) -> Result<Self, AudioError> {
        let (mut packets, head) = Packets::open(input)?;
        packets.next()?;
        let decoder = codec.opus(rate, survey.head.gain)?;
        let per_sample = OPUS_RATE / rate;
        let skip = usize::from(head.pre_skip).div_ceil(per_sample as usize);
        let left = survey.samples.div_ceil(u64::from(per_sample));
        Ok(Self { packets, decoder, rate, skip, left, block: Vec::new() })
    }
}

impl Source for OggOpusSource<'_> {
    fn read(&mut self, pcm: &mut Vec<f32>) -> Result<Option<u32>, AudioError> {
        self.block.clear();
        for _ in 0..BLOCK_PACKETS {
            let Some(packet) = self.packets.next()? else {
                break;
            };
            self.decoder.decode(&packet.data, &mut self.block)?;
        }
        if self.block.is_empty() || self.left == 0 {
            return Ok(None);
        }
        let skipped = self.skip.min(self.block.len());
        self.skip -= skipped;
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
        let taken = (self.block.len() - skipped).min(wanted);
        pcm.extend_from_slice(&self.block[skipped..skipped + taken]);
        self.left -= taken as u64;
        Ok(Some(self.rate))
    }
}

/// The packets of the first Opus stream in the file.
struct Packets<'a> {
    reader: PacketReader<Cursor<&'a [u8]>>,
    serial: u32,
}

impl<'a> Packets<'a> {
    /// Reads up to and including the identification header.
    fn open(input: &'a [u8]) -> Result<(Self, OpusHead), AudioError> {
        let mut packets = Self { reader: PacketReader::new(Cursor::new(input)), serial: 0 };
        let first = packets.read()?.ok_or_else(|| AudioError::corrupt("ogg: empty"))?;
        let head = OpusHead::parse(&first.data).ok_or_else(|| AudioError::unsupported("ogg without opus"))?;
        if !head.is_plain() {
            return Err(AudioError::unsupported("opus with more than two channels"));
        }
        packets.serial = first.stream_serial();
        Ok((packets, head))
    }

    /// The next packet with content of this stream.
    fn next(&mut self) -> Result<Option<Packet>, AudioError> {
        while let Some(packet) = self.read()? {
            if packet.stream_serial() == self.serial && !packet.data.is_empty() {
                return Ok(Some(packet));
            }
            if packet.first_in_stream() && packet.data.starts_with(OpusHead::MAGIC) {
                return Err(AudioError::unsupported("ogg with several opus streams"));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<Packet>, AudioError> {
        match self.reader.read_packet() {
            Ok(packet) => Ok(packet),
            // The file was cut: what came before is good.
            Err(OggReadError::ReadError(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(AudioError::corrupt(format!("ogg: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_is_read_within_bounds() {
        assert_eq!(vendor(b"OpusTags\x08\0\0\0WhatsApp\0\0\0\0"), Some(VENDOR));
        assert_eq!(vendor(b"OpusTags\xff\0\0\0WhatsApp"), None);
        assert_eq!(vendor(b"OpusTags\x08"), None);
        assert_eq!(vendor(b"OpusHead\x08\0\0\0WhatsApp"), None);
    }

    #[test]
    fn the_length_is_what_the_granules_allow() {
        let tally = Tally { coded: 9_600, end: 9_000, ..Tally::default() };
        assert_eq!(tally.playable(312), 8_688);
        let live = Tally { start: Some(96_000), end: 105_600, ..tally };
        assert_eq!(live.playable(312), 9_288);
        let hostile = Tally { start: Some(5), end: 1, ..live };
        assert_eq!(hostile.playable(312), 0);
    }
}
