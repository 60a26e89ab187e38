//! Time that passes at a chosen speed, and how long a recovery takes in it.

use std::time::{Duration, Instant};

use anyhow::Result;
use relay_sim::clock;

use crate::traffic::Traffic;
use crate::verdict::{Drained, Verdicts};
use crate::world::World;

/// How often the clock is moved while time passes.
const TICK: Duration = Duration::from_millis(50);
/// How often a recovery is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// While nothing has moved for this long, time is not worth waiting for.
const IDLE: Duration = Duration::from_millis(700);
/// How far it moves then.
const LEAP: Duration = Duration::from_secs(10);
/// Nothing more is to be expected when nothing has been delivered for so long: more than an hour of the time that leaps.
const STANDSTILL: Duration = Duration::from_mins(1);

/// What a recovery came to.
pub(crate) struct Recovered {
    pub(crate) drained: Drained,
    /// How long it took in the time of the stand-ins, up to the last delivery.
    pub(crate) took: Duration,
}

/// Something that changes with every call and every delivery.
type Motion = (usize, usize, i64, u64);

impl World {
    /// Lets time pass, so many times as fast as it does.
    pub(crate) async fn pass(&mut self, span: Duration, speed: u32) -> Result<()> {
        let mut left = span;
        while left > Duration::ZERO {
            let real = TICK.min(left / speed);
            let moved = (real * speed).clamp(Duration::from_millis(1), left);
            left -= moved;
            tokio::time::sleep(real).await;
            self.jump(moved.saturating_sub(real))?;
        }
        Ok(())
    }

    /// Waits until nothing is pending any more, for rows in which something is meant to be missing; time passes quickly.
    pub(crate) async fn settle(&mut self, traffic: &Traffic, longest: Duration) -> Result<Drained> {
        let (started, mut quiet) = (Instant::now(), 0);
        loop {
            let events = self.events().await?;
            quiet = if events.pending == 0 { quiet + 1 } else { 0 };
            // copies and what gap recovery finds may be under way
            if quiet >= 10 || started.elapsed() > longest {
                return Ok(Drained { verdicts: Verdicts::of(self, traffic), events, took: started.elapsed() });
            }
            self.jump(Duration::from_secs(15))?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until everything written is accounted for. Time passes as it does while somebody is at work, for the work is what is
    /// measured, and leaps while everybody waits. Gives up after `longest` of real time; what is missing then is in the verdict.
    pub(crate) async fn recover(&mut self, traffic: &Traffic, longest: Duration) -> Result<Recovered> {
        let (started, began) = (Instant::now(), clock::now_ms());
        let (mut moved, mut delivered, mut last) = (Instant::now(), Instant::now(), began);
        let mut motion = self.motion(0);
        loop {
            let events = self.events().await?;
            let now = self.motion(events.pending);
            if (now.0, now.1, now.2) != (motion.0, motion.1, motion.2) {
                (delivered, last) = (Instant::now(), clock::now_ms());
            }
            if now != motion {
                (moved, motion) = (Instant::now(), now);
            }
            let is_over = started.elapsed() > longest || delivered.elapsed() > STANDSTILL;
            let is_idle = moved.elapsed() > IDLE;
            // the books are long: they are compared only when they may agree
            if is_over || (is_idle && events.pending == 0) {
                let verdicts = Verdicts::of(self, traffic);
                if is_over || verdicts.is_complete(events) {
                    let took = Duration::from_millis(u64::try_from(last - began).unwrap_or(0));
                    return Ok(Recovered { drained: Drained { verdicts, events, took: started.elapsed() }, took });
                }
            }
            if is_idle {
                self.jump(LEAP)?;
                moved = Instant::now();
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn motion(&self, pending: i64) -> Motion {
        let calls: u64 = self.codechat.calls().values().chain(self.chatwoot.calls().values()).sum();
        (self.chatwoot.message_count(), self.codechat.submission_count(), pending, calls)
    }
}

/// What all but 5 % stay below; nothing when there is nothing.
pub(crate) fn p95(mut delays: Vec<Duration>) -> Duration {
    delays.sort();
    let place = (delays.len() * 95).div_ceil(100);
    place.checked_sub(1).map_or(Duration::ZERO, |index| delays[index])
}
