//! Times of many requests, and what is worth saying about them.

use std::time::Duration;

/// Times in microseconds, in no order.
#[derive(Clone, Debug, Default)]
pub(super) struct Times(Vec<u32>);

/// What is said about many times, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) count: usize,
    pub(super) p50: u32,
    pub(super) p99: u32,
    pub(super) max: u32,
}

impl Times {
    pub(super) fn record(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(super) fn summary(mut self) -> Summary {
        self.0.sort_unstable();
        Summary {
            count: self.0.len(),
            p50: percentile(&self.0, 50),
            p99: percentile(&self.0, 99),
            max: self.0.last().copied().unwrap_or(0),
        }
    }
}

/// The smallest of the sorted values that `percent` percent of them do not exceed.
fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// The middle one, in milliseconds.
pub(super) fn median_ms(mut times: Vec<Duration>) -> Option<f64> {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).map(|time| time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Summary {
        let mut times = Times::default();
        values.into_iter().for_each(|value| times.record(Duration::from_micros(value)));
        times.summary()
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        assert_eq!(of((1..=1000).rev()), Summary { count: 1000, p50: 500, p99: 990, max: 1000 });
        assert_eq!(of([7]), Summary { count: 1, p50: 7, p99: 7, max: 7 });
        assert_eq!(of([1, 9]), Summary { count: 2, p50: 1, p99: 9, max: 9 });
        assert_eq!(of([]), Summary::default());
    }

    #[test]
    fn one_slow_request_in_a_hundred_is_the_maximum_and_not_the_99th_percentile() {
        let summary = of(std::iter::repeat_n(100, 99).chain([50_000]));
        assert_eq!((summary.p99, summary.max), (100, 50_000));
    }

    #[test]
    fn appended_times_count_as_recorded_and_hours_do_not_wrap() {
        let (mut all, mut more) = (Times::default(), Times::default());
        all.record(Duration::from_micros(5));
        more.record(Duration::from_hours(2));
        all.append(more);
        assert_eq!(all.summary(), Summary { count: 2, p50: 5, p99: u32::MAX, max: u32::MAX });
    }

    #[test]
    fn the_median_of_an_even_number_is_the_lower_of_the_middle_two() {
        let times = [4, 1, 3, 2].map(Duration::from_millis).to_vec();
        assert_eq!(median_ms(times), Some(2.0));
        assert_eq!(median_ms(Vec::new()), None);
    }
}
