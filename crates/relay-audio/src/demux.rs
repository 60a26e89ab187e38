//! Reads the formats that agents record in, through symphonia; Opus packets go to our own decoder.
//!
//! Invariant: a file is read to its end or refused. Single packets that do not decode are left out, but a file of
//! which many do not decode is damaged.

use std::io::Cursor;

use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use crate::codec::{Codec, OpusDecoder};
use crate::error::AudioError;
use crate::limits::Budget;
use crate::opus_packet::OpusHead;
use crate::source::{Source, mix_down};

/// Tags and cover pictures are of no use here.
const METADATA_LIMIT: Limit = Limit::Maximum(64 << 10);
/// This many packets may fail to decode, and one more in each `GOOD_PER_BAD`.
const BAD_PACKETS: u64 = 3;
const GOOD_PER_BAD: u64 = 10;
/// Packets of other tracks passed over before the budget is asked again.
const PACKETS_PER_READ: usize = 64;
const OPUS_RATE: u64 = 48_000;

/// Finds the container's reader by content.
pub(crate) fn open_format(input: &[u8]) -> Result<Box<dyn FormatReader + '_>, AudioError> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(input)), MediaSourceStreamOptions::default());
    let metadata = MetadataOptions::default().limit_tag_bytes(METADATA_LIMIT).limit_visual_bytes(METADATA_LIMIT);
    symphonia::default::get_probe().probe(&Hint::new(), stream, FormatOptions::default(), metadata).map_err(|error| {
        match error {
            Error::Unsupported(what) => AudioError::unsupported(what),
            Error::IoError(_) => AudioError::unsupported("not a known audio file"),
            other => AudioError::corrupt(other.to_string()),
        }
    })
}

/// The samples of the default audio track.
pub(crate) struct DemuxSource<'a> {
    format: Box<dyn FormatReader + 'a>,
    track: u32,
    decoder: Decoder,
    good: u64,
    bad: u64,
}

enum Decoder {
    Symphonia { decoder: Box<dyn AudioDecoder>, interleaved: Vec<f32> },
    Opus { decoder: Box<dyn OpusDecoder>, rate: u32, skip: usize, block: Vec<f32> },
}

impl<'a> DemuxSource<'a> {
    /// Opens the file; Opus tracks are decoded straight to `rate`, others at their own.
    pub(crate) fn open(input: &'a [u8], rate: u32, codec: &dyn Codec, budget: &Budget) -> Result<Self, AudioError> {
        let format = open_format(input)?;
        let track = format.default_track(TrackType::Audio).ok_or_else(|| AudioError::unsupported("no audio track"))?;
        claim_header(track, format.as_ref(), budget)?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .ok_or_else(|| AudioError::unsupported("no audio track"))?;
        let decoder = Decoder::open(parameters, rate, codec)?;
        let track = track.id;
        Ok(Self { format, track, decoder, good: 0, bad: 0 })
    }

    /// The next packet of the track; `None` at the end, also when the file was cut.
    fn next(&mut self) -> Result<Next, AudioError> {
        for _ in 0..PACKETS_PER_READ {
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => {
                    return Ok(Next::Packet(packet));
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(Error::IoError(_)) => return Ok(Next::End),
                Err(Error::ResetRequired) => {
                    return Err(AudioError::unsupported("the format changes midway"));
                }
                Err(Error::Unsupported(what)) => return Err(AudioError::unsupported(what)),
                Err(error) => return Err(AudioError::corrupt(error.to_string())),
            }
        }
        Ok(Next::Foreign)
    }

    fn end(&self) -> Result<Option<u32>, AudioError> {
        if self.good == 0 { Err(AudioError::corrupt("no packet decodes")) } else { Ok(None) }
    }
}

enum Next {
    Packet(Packet),
    /// Only packets of other tracks for a while.
    Foreign,
    End,
}

/// Refuses a recording that is too long by its own account, before decoding any of it.
fn claim_header(track: &Track, format: &dyn FormatReader, budget: &Budget) -> Result<(), AudioError> {
    let of_track = track.time_base.zip(track.duration);
    let of_file = format.media_info().time_base.zip(format.media_info().duration);
    let Some((base, duration)) = of_track.or(of_file) else {
        return Ok(());
    };
    let length_ms = base.calc_duration_saturating(duration).as_millis();
    budget.claim(u64::try_from(length_ms).unwrap_or(0), 1_000)
}

impl Decoder {
    fn open(parameters: &AudioCodecParameters, rate: u32, codec: &dyn Codec) -> Result<Self, AudioError> {
        if parameters.codec == CODEC_ID_OPUS {
            return Self::open_opus(parameters, rate, codec);
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| AudioError::unsupported(error.to_string()))?;
        Ok(Self::Symphonia { decoder, interleaved: Vec::new() })
    }

    fn open_opus(parameters: &AudioCodecParameters, rate: u32, codec: &dyn Codec) -> Result<Self, AudioError> {
        let head = parameters.extra_data.as_deref().and_then(OpusHead::parse);
        let head = head.unwrap_or(OpusHead { channels: 1, pre_skip: 0, gain: 0 });
        if !head.is_plain() {
            return Err(AudioError::unsupported("opus with more than two channels"));
        }
        let skip = u64::from(head.pre_skip) * u64::from(rate) / OPUS_RATE;
        let decoder = codec.opus(rate, head.gain)?;
        Ok(Self::Opus { decoder, rate, skip: usize::try_from(skip).unwrap_or(0), block: Vec::new() })
    }

    /// Decodes one packet; `None` when it is damaged.
    fn decode(&mut self, packet: &Packet, pcm: &mut Vec<f32>) -> Result<Option<u32>, AudioError> {
        match self {
            Self::Symphonia { decoder, interleaved } => match decoder.decode(packet) {
                Ok(buffer) => {
                    let (rate, channels) = (buffer.spec().rate(), buffer.num_planes());
                    buffer.copy_to_vec_interleaved(interleaved);
                    mix_down(interleaved, channels, pcm);
                    Ok(Some(rate))
                }
                Err(Error::DecodeError(_) | Error::IoError(_)) => Ok(None),
                Err(Error::Unsupported(what)) => Err(AudioError::unsupported(what)),
                Err(error) => Err(AudioError::corrupt(error.to_string())),
            },
            Self::Opus { decoder, rate, skip, block } => {
                block.clear();
                if decoder.decode(&packet.data, block).is_err() {
                    return Ok(None);
                }
                let skipped = (*skip).min(block.len());
                *skip -= skipped;
                pcm.extend_from_slice(&block[skipped..]);
                Ok(Some(*rate))
            }
        }
    }

    /// A rate to report for a block without samples.
    fn rate(&self) -> u32 {
        match self {
            Self::Symphonia { decoder, .. } => decoder.codec_params().sample_rate.unwrap_or(0),
            Self::Opus { rate, .. } => *rate,
        }
    }
}

impl Source for DemuxSource<'_> {
    fn read(&mut self, pcm: &mut Vec<f32>) -> Result<Option<u32>, AudioError> {
        let packet = match self.next()? {
            Next::Packet(packet) => packet,
            Next::Foreign => return Ok(Some(self.decoder.rate())),
            Next::End => return self.end(),
        };
        let decoded = match self.decoder.decode(&packet, pcm) {
            // Once packets have decoded, one that asks for more than the decoder has is damaged.
            Err(AudioError::Unsupported(_)) if self.good > 0 => None,
            result => result?,
        };
        if let Some(rate) = decoded {
            self.good += 1;
            return Ok(Some(rate));
        }
        self.bad += 1;
        if self.bad > BAD_PACKETS + self.good / GOOD_PER_BAD {
            return Err(AudioError::corrupt("too many packets do not decode"));
        }
        Ok(Some(self.decoder.rate()))
    }
}
