//! The seam behind which the codec libraries sit.
//!
//! Cast: [`Codec`] makes an [`Encoder`] for either output and an [`OpusDecoder`] for Opus packets;
//! [`NativeCodec`] does it with libopus and LAME. Invariant: all samples that cross this seam are mono, finite and
//! within ±1.

use std::fmt;

use opus::Channels;

use crate::error::AudioError;
use crate::mp3::LameEncoder;
use crate::voice::VoiceEncoder;

/// The sample rate of the MP3 files that are made.
pub(crate) const MP3_RATE: u32 = 24_000;
/// The sample rate of the voice notes that are made.
pub(crate) const VOICE_RATE: u32 = 16_000;
/// The longest Opus packet: 120 ms at 48 kHz.
const LONGEST_PACKET: usize = 5_760;

/// Makes encoders and decoders; one conversion uses each at most once.
pub trait Codec: fmt::Debug + Send + Sync + 'static {
    /// An encoder from 24 kHz samples to an MP3 file.
    fn mp3(&self) -> Result<Box<dyn Encoder>, AudioError>;

    /// An encoder from 16 kHz samples to an Ogg file that WhatsApp plays as a voice note.
    fn voice(&self) -> Result<Box<dyn Encoder>, AudioError>;

    /// A decoder of Opus packets, of one or two channels, to `rate`, with `gain` in 1/256 dB.
    fn opus(&self, rate: u32, gain: i16) -> Result<Box<dyn OpusDecoder>, AudioError>;
}

/// Turns samples into a file.
pub trait Encoder: Send {
    /// Encodes more samples.
    fn push(&mut self, pcm: &[f32]) -> Result<(), AudioError>;

    /// The size of the file so far in bytes.
    fn size(&self) -> usize;

    /// Ends the file and gives it.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, AudioError>;
}

/// Turns Opus packets into samples.
pub trait OpusDecoder: Send {
    /// Decodes one packet and appends its samples.
    fn decode(&mut self, packet: &[u8], pcm: &mut Vec<f32>) -> Result<(), AudioError>;
}

/// libopus and LAME.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeCodec;

impl Codec for NativeCodec {
    fn mp3(&self) -> Result<Box<dyn Encoder>, AudioError> {
        Ok(Box::new(LameEncoder::new()?))
    }

    fn voice(&self) -> Result<Box<dyn Encoder>, AudioError> {
        Ok(Box::new(VoiceEncoder::new()?))
    }

    fn opus(&self, rate: u32, gain: i16) -> Result<Box<dyn OpusDecoder>, AudioError> {
        let mut decoder = opus::Decoder::new(rate, Channels::Mono).map_err(decode_error)?;
        decoder.set_gain(i32::from(gain)).map_err(decode_error)?;
        Ok(Box::new(LibopusDecoder { decoder, block: vec![0.0; LONGEST_PACKET] }))
    }
}

struct LibopusDecoder {
    decoder: opus::Decoder,
    block: Vec<f32>,
}

impl OpusDecoder for LibopusDecoder {
    fn decode(&mut self, packet: &[u8], pcm: &mut Vec<f32>) -> Result<(), AudioError> {
        let count = self.decoder.decode_float(packet, &mut self.block, false).map_err(decode_error)?;
        pcm.extend(self.block.iter().take(count).map(|sample| sample.clamp(-1.0, 1.0)));
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function for map_err")]
fn decode_error(error: opus::Error) -> AudioError {
    AudioError::corrupt(format!("opus: {}", error.description()))
}
