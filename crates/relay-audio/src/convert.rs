//! The conversion loop: a source, a resampler, an encoder, and a budget that watches all of them.
//!
//! Invariant: this module never waits and never spawns; it runs on whatever thread it is called, and stops with an
//! error soon after its budget is spent.

use bytes::Bytes;

use crate::codec::{Codec, Encoder, MP3_RATE, VOICE_RATE};
use crate::demux::DemuxSource;
use crate::error::AudioError;
use crate::kind::is_ogg_opus;
use crate::limits::{Budget, millis};
use crate::ogg_opus::{OggOpusSource, survey};
use crate::resample::Resampler;
use crate::source::Source;
use crate::waveform::{BARS, Meter};

/// Rates outside of these are not recordings of voices but damage.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// What a recording is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Mp3,
    Voice,
}

impl Target {
    pub(crate) fn rate(self) -> u32 {
        match self {
            Self::Mp3 => MP3_RATE,
            Self::Voice => VOICE_RATE,
        }
    }

    fn encoder(self, codec: &dyn Codec) -> Result<Box<dyn Encoder>, AudioError> {
        match self {
            Self::Mp3 => codec.mp3(),
            Self::Voice => codec.voice(),
        }
    }
}

/// A finished conversion.
#[derive(Debug)]
pub(crate) struct Converted {
    pub(crate) bytes: Bytes,
    pub(crate) duration_ms: u64,
    pub(crate) waveform: [u8; BARS],
}

/// Converts a whole file with the codecs in this process.
pub(crate) fn convert(
    input: &Bytes,
    target: Target,
    codec: &dyn Codec,
    budget: &Budget,
) -> Result<Converted, AudioError> {
    budget.check()?;
    if input.is_empty() {
        return Err(AudioError::corrupt("empty file"));
    }
    if !is_ogg_opus(input) {
        let mut source = DemuxSource::open(input, target.rate(), codec, budget)?;
        return encode(&mut source, target, codec, budget);
    }
    let survey = survey(input, budget)?;
    budget.claim(survey.samples, 48_000)?;
    let mut source = OggOpusSource::open(input, &survey, target.rate(), codec)?;
    if target == Target::Voice && survey.is_voice_note {
        return measure(input, &mut source, budget);
    }
    encode(&mut source, target, codec, budget)
}

/// Encodes everything that the source gives.
pub(crate) fn encode(
    source: &mut dyn Source,
    target: Target,
    codec: &dyn Codec,
    budget: &Budget,
) -> Result<Converted, AudioError> {
    let mut encoder = target.encoder(codec)?;
    let (duration_ms, waveform) = drain(source, target.rate(), budget, &mut |pcm| {
        encoder.push(pcm)?;
        budget.check_output(encoder.size())
    })?;
    let bytes = encoder.finish()?;
    budget.check_output(bytes.len())?;
    Ok(Converted { bytes: bytes.into(), duration_ms, waveform })
}

/// Leaves a finished voice note as it is; it is decoded for its length and waveform, and to know that it decodes.
fn measure(input: &Bytes, source: &mut dyn Source, budget: &Budget) -> Result<Converted, AudioError> {
    budget.check_output(input.len())?;
    let (duration_ms, waveform) = drain(source, VOICE_RATE, budget, &mut |_| Ok(()))?;
    Ok(Converted { bytes: input.clone(), duration_ms, waveform })
}

/// Hands all samples, at `rate`, to `take`; gives the length and the waveform.
fn drain(
    source: &mut dyn Source,
    rate: u32,
    budget: &Budget,
    take: &mut dyn FnMut(&[f32]) -> Result<(), AudioError>,
) -> Result<(u64, [u8; BARS]), AudioError> {
    let mut meter = Meter::new(rate);
    let mut resampler: Option<(u32, Resampler)> = None;
    let mut samples = 0_u64;
    let (mut block, mut pcm) = (Vec::new(), Vec::new());
    loop {
        budget.check()?;
        block.clear();
        pcm.clear();
        let found = source.read(&mut block)?;
        match (found, &mut resampler) {
            (Some(_), _) if block.is_empty() => continue,
            (Some(from), Some((known, resampler))) if from == *known => {
                resampler.push(&block, &mut pcm);
            }
            (Some(_), Some(_)) => {
                return Err(AudioError::unsupported("the sample rate changes midway"));
            }
            (Some(from), none) => none.insert((from, resampler_from(from, rate)?)).1.push(&block, &mut pcm),
            (None, Some((_, resampler))) => resampler.finish(&mut pcm),
            (None, None) => return Err(AudioError::corrupt("no audio")),
        }
        samples += pcm.len() as u64;
        budget.claim(samples, rate)?;
        meter.push(&pcm);
        take(&pcm)?;
        if found.is_none() {
            return Ok((millis(samples, rate), meter.finish()));
        }
    }
}

fn resampler_from(from: u32, to: u32) -> Result<Resampler, AudioError> {
    if !RATES.contains(&from) {
        return Err(AudioError::unsupported("sample rate out of range"));
    }
    Ok(Resampler::new(from, to))
}
