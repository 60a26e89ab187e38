//! The seam between decoders and the conversion loop.

use crate::error::AudioError;

/// Something that gives mono samples, block by block.
pub(crate) trait Source {
    /// Appends the next block to `pcm` and gives its sample rate; `None` at the end. A block may be empty.
    fn read(&mut self, pcm: &mut Vec<f32>) -> Result<Option<u32>, AudioError>;
}

/// Appends the average of the channels of each frame.
///
/// The average, rather than a louder downmix, because it can never clip and keeps the level of a recording that
/// carries the same voice on both sides. Samples that are not numbers become silence: encoders must not see them.
pub(crate) fn mix_down(interleaved: &[f32], channels: usize, pcm: &mut Vec<f32>) {
    let channels = channels.max(1);
    let share = 1.0 / f32::from(u16::try_from(channels).unwrap_or(u16::MAX));
    pcm.extend(interleaved.chunks_exact(channels).map(|frame| clean(frame.iter().sum::<f32>() * share)));
}

fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_and_odd_samples_cleaned() {
        let mut pcm = Vec::new();
        mix_down(&[0.5, 0.5, 1.0, -1.0, f32::NAN, 0.1, f32::INFINITY, 0.0, 9.0, 9.0], 2, &mut pcm);
        assert_eq!(pcm, [0.5, 0.0, 0.0, 0.0, 1.0]);
    }
}
