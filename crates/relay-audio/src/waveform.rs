//! The 64 bars that WhatsApp draws for a voice note.
//!
//! Invariant: the loudest bar of an audible recording is 100 and silence stays flat.

/// The number of bars.
pub(crate) const BARS: usize = 64;
/// Recordings quieter than this are drawn as quiet instead of being stretched to full height.
const FLOOR: f32 = 0.01;

/// Collects one peak per 10 ms.
pub(crate) struct Meter {
    window: usize,
    seen: usize,
    peak: f32,
    peaks: Vec<f32>,
}

impl Meter {
    pub(crate) fn new(rate: u32) -> Self {
        Self { window: (rate / 100).max(1) as usize, seen: 0, peak: 0.0, peaks: Vec::new() }
    }

    pub(crate) fn push(&mut self, pcm: &[f32]) {
        for sample in pcm {
            self.peak = self.peak.max(sample.abs());
            self.seen += 1;
            if self.seen == self.window {
                self.close();
            }
        }
    }

    /// The mean of the peaks that fall in each bar, scaled to 0–100.
    pub(crate) fn finish(mut self) -> [u8; BARS] {
        if self.seen > 0 {
            self.close();
        }
        let mut bars = [0.0_f32; BARS];
        for (index, bar) in bars.iter_mut().enumerate() {
            let start = index * self.peaks.len() / BARS;
            let end = ((index + 1) * self.peaks.len() / BARS).max(start + 1).min(self.peaks.len());
            *bar = mean(self.peaks.get(start..end).unwrap_or_default());
        }
        let top = bars.iter().copied().fold(FLOOR, f32::max);
        bars.map(|bar| to_percent(bar / top))
    }

    fn close(&mut self) {
        self.peaks.push(self.peak);
        self.peak = 0.0;
        self.seen = 0;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bar covers far fewer than 2^23 peaks")]
fn mean(peaks: &[f32]) -> f32 {
    if peaks.is_empty() { 0.0 } else { peaks.iter().sum::<f32>() / peaks.len() as f32 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–100 just before")]
fn to_percent(share: f32) -> u8 {
    (share * 100.0).round().clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(pcm: &[f32]) -> [u8; BARS] {
        let mut meter = Meter::new(16_000);
        for part in pcm.chunks(77) {
            meter.push(part);
        }
        meter.finish()
    }

    #[test]
    fn silence_is_flat_and_nothing_is_flat() {
        assert_eq!(draw(&[]), [0; BARS]);
        assert_eq!(draw(&vec![0.0; 16_000]), [0; BARS]);
        assert_eq!(draw(&vec![0.001; 16_000]), [10; BARS]);
    }

    #[test]
    fn a_loud_second_half_is_drawn_on_the_right() {
        let mut pcm = vec![0.1; 32_000];
        pcm.resize(64_000, 0.5);
        let bars = draw(&pcm);
        assert_eq!(bars[..32], [20; 32]);
        assert_eq!(bars[32..], [100; 32]);
    }

    #[test]
    fn a_clip_shorter_than_64_peaks_fills_every_bar() {
        assert_eq!(draw(&[0.3; 170]), [100; BARS]);
    }
}
