//! Changes the sample rate of a mono stream with a Kaiser-windowed polyphase filter.
//!
//! Invariant: the output lasts as long as the input, to one sample, and is not shifted in time.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions stay far below 2^52 and filter taps are meant to be f32"
)]

use std::f64::consts::PI;

/// Zero crossings of the filter on each side; with `BETA` it stops 80 dB at the Nyquist frequency.
const ZERO_CROSSINGS: f64 = 32.0;
const BETA: f64 = 8.0;
/// The middle of the filter's slope, as a share of the lower Nyquist frequency.
const CUTOFF: f64 = 0.92;
/// Odd ratios share the nearest of this many phases instead of having a huge table.
const MAX_PHASES: u64 = 512;

/// A streaming resampler from one rate to another.
pub(crate) struct Resampler {
    up: u64,
    down: u64,
    phases: u64,
    half: usize,
    taps: Vec<f32>,
    /// Input samples still needed; the first has the index `first`, counted with `half` zeros before the stream.
    window: Vec<f32>,
    first: u64,
    consumed: u64,
    produced: u64,
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let common = gcd(from, to).max(1);
        let (up, down) = (u64::from(to / common), u64::from(from / common));
        let phases = up.clamp(1, MAX_PHASES);
        let narrowing = (f64::from(to) / f64::from(from.max(1))).min(1.0);
        let half = (ZERO_CROSSINGS / narrowing).ceil() as usize;
        let taps = if up == down { Vec::new() } else { filter(phases, half, narrowing) };
        let window = vec![0.0; half];
        Self { up, down, phases, half, taps, window, first: 0, consumed: 0, produced: 0 }
    }

    /// Takes more input and appends what output can already be made.
    pub(crate) fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        if self.up == self.down {
            output.extend_from_slice(input);
            return;
        }
        self.consumed += input.len() as u64;
        self.window.extend_from_slice(input);
        self.produce(u64::MAX, output);
        self.forget();
    }

    /// Appends the rest, as if silence followed.
    pub(crate) fn finish(&mut self, output: &mut Vec<f32>) {
        if self.up == self.down {
            return;
        }
        let total = (self.consumed * self.up).div_ceil(self.down);
        self.window.resize(self.window.len() + self.half + 1, 0.0);
        self.produce(total, output);
    }

    fn produce(&mut self, total: u64, output: &mut Vec<f32>) {
        let span = 2 * self.half;
        while self.produced < total {
            let position = self.produced * self.down;
            // The stream's sample k has the window index k + half - first; the filter starts half - 1 before it.
            let start = (position / self.up + 1 - self.first) as usize;
            let Some(samples) = self.window.get(start..start + span) else {
                return;
            };
            let phase = ((position % self.up) * self.phases / self.up) as usize;
            let taps = &self.taps[phase * span..(phase + 1) * span];
            output.push(samples.iter().zip(taps).map(|(sample, tap)| sample * tap).sum());
            self.produced += 1;
        }
    }

    fn forget(&mut self) {
        let next = self.produced * self.down / self.up + 1;
        let unneeded = ((next - self.first) as usize).min(self.window.len());
        self.window.drain(..unneeded);
        self.first += unneeded as u64;
    }
}

/// The taps of every phase, each summing to one so that the level is kept.
fn filter(phases: u64, half: usize, narrowing: f64) -> Vec<f32> {
    let mut taps = Vec::with_capacity(phases as usize * half * 2);
    for phase in 0..phases {
        let offset = phase as f64 / phases as f64;
        let row: Vec<f64> = (0..2 * half)
            .map(|tap| {
                let distance = tap as f64 - (half as f64 - 1.0) - offset;
                sinc(distance * narrowing * CUTOFF) * kaiser(distance / half as f64)
            })
            .collect();
        let sum: f64 = row.iter().sum();
        taps.extend(row.iter().map(|tap| (tap / sum) as f32));
    }
    taps
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { bessel(BETA * (1.0 - x * x).sqrt()) / bessel(BETA) }
}

/// The modified Bessel function of the first kind and order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-12 {
        term *= (x / (2.0 * k)) * (x / (2.0 * k));
        sum += term;
        k += 1.0;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let count = (f64::from(rate) * seconds) as usize;
        (0..count).map(|i| (0.5 * (2.0 * PI * hz * i as f64 / f64::from(rate)).sin()) as f32).collect()
    }

    fn run(from: u32, to: u32, input: &[f32], block: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to);
        let mut output = Vec::new();
        for part in input.chunks(block) {
            resampler.push(part, &mut output);
        }
        resampler.finish(&mut output);
        output
    }

    fn rms(pcm: &[f32]) -> f64 {
        (pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_keeps_its_shape_place_and_length() {
        for (from, to) in [(44_100, 16_000), (48_000, 24_000), (8_000, 16_000), (22_050, 24_000), (11_025, 16_000)] {
            let output = run(from, to, &sine(440.0, from, 0.25), 317);
            let wanted = sine(440.0, to, 0.25);
            assert!(output.len().abs_diff(wanted.len()) <= 1, "{from} to {to}: {}", output.len());
            let inner = 400..wanted.len() - 400;
            for i in inner {
                assert!((output[i] - wanted[i]).abs() < 0.001, "{from} to {to} at {i}");
            }
        }
    }

    #[test]
    fn a_ratio_without_common_factor_stays_close() {
        let output = run(44_101, 16_000, &sine(440.0, 44_101, 0.2), 1000);
        let wanted = sine(440.0, 16_000, 0.2);
        for i in 400..wanted.len() - 400 {
            assert!((output[i] - wanted[i]).abs() < 0.005, "at {i}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_removed() {
        let output = run(48_000, 16_000, &sine(9_000.0, 48_000, 0.25), 960);
        assert!(rms(&output[200..output.len() - 200]) < 0.0005);
    }

    #[test]
    fn blocks_do_not_change_the_output() {
        let input = sine(1_000.0, 44_100, 0.1);
        assert_eq!(run(44_100, 16_000, &input, 1), run(44_100, 16_000, &input, 100_000));
    }

    #[test]
    fn tiny_inputs_and_equal_rates_work() {
        assert_eq!(run(48_000, 16_000, &[], 1).len(), 0);
        assert_eq!(run(48_000, 16_000, &[0.5], 1).len(), 1);
        assert_eq!(run(16_000, 16_000, &[0.1, 0.2], 1), [0.1, 0.2]);
    }
}
