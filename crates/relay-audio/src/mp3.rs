//! MP3 at 24 kHz mono, 64 kbps constant rate, with the Info tag that makes its length exact.
//!
//! Invariant: every call into LAME is given the room it documents, because LAME takes no room to mean no bound.

use std::num::NonZeroU32;

use mp3lame_encoder::{
    Bitrate, BuildError, Builder, EncodeError, FlushGap, Mode, MonoPcm, Quality, VbrMode, max_required_buffer_size,
};

use crate::codec::{Encoder, MP3_RATE};
use crate::error::AudioError;

/// LAME turns constant-rate input down by this much unless told otherwise; the crate cannot tell it, so the samples
/// are turned up by the same amount, which floating point carries without loss.
const LAME_SCALE: f32 = 0.95;
/// Samples per call, to keep the output buffer's slack small.
const BLOCK: usize = 1152 * 8;
const FLUSH_ROOM: usize = 7200;

pub(crate) struct LameEncoder {
    lame: mp3lame_encoder::Encoder,
    scaled: Vec<f32>,
    file: Vec<u8>,
}

impl LameEncoder {
    pub(crate) fn new() -> Result<Self, AudioError> {
        let builder = Builder::new().ok_or(AudioError::Encode("lame has no memory".into()))?;
        let lame = configure(builder).map_err(|error| AudioError::Encode(format!("lame: {error}").into()))?;
        Ok(Self { lame, scaled: Vec::new(), file: Vec::new() })
    }

    /// Overwrites the empty first frame, which LAME wrote to keep the place, with the Info tag.
    fn write_tag(&mut self) {
        let mut tag = Vec::with_capacity(self.lame.lame_tag_size());
        if self.lame.lame_tag_encode_to_vec(&mut tag).is_none() {
            return;
        }
        if let Some(place) = self.file.get_mut(..tag.len()) {
            place.copy_from_slice(&tag);
        }
    }
}

fn configure(builder: Builder) -> Result<mp3lame_encoder::Encoder, BuildError> {
    builder
        .with_num_channels(1)?
        .with_mode(Mode::Mono)?
        .with_sample_rate(MP3_RATE)?
        .with_output_sample_rate(NonZeroU32::new(MP3_RATE))?
        .with_vbr_mode(VbrMode::Off)?
        .with_brate(Bitrate::Kbps64)?
        .with_quality(Quality::Ok)?
        .with_to_write_vbr_tag(true)?
        .build()
}

impl Encoder for LameEncoder {
    fn push(&mut self, pcm: &[f32]) -> Result<(), AudioError> {
        for block in pcm.chunks(BLOCK) {
            self.scaled.clear();
            self.scaled.extend(block.iter().map(|sample| sample / LAME_SCALE));
            self.file.reserve(max_required_buffer_size(block.len()));
            self.lame.encode_to_vec(MonoPcm(self.scaled.as_slice()), &mut self.file).map_err(encode_error)?;
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.file.len()
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, AudioError> {
        self.file.reserve(FLUSH_ROOM);
        self.lame.flush_to_vec::<FlushGap>(&mut self.file).map_err(encode_error)?;
        self.write_tag();
        Ok(self.file)
    }
}

fn encode_error(error: EncodeError) -> AudioError {
    AudioError::Encode(format!("lame: {error}").into())
}
