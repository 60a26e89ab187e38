//! Time that passes only while nobody speaks: for rows that compare when calls came with when they were allowed to come.
//!
//! A jump between a question and its answer would be read by both sides as minutes of silence.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::traffic::Traffic;
use crate::verdict::{Drained, Verdicts};
use crate::world::World;

/// Nobody has called anybody for so long: a lull. The relay looks for due work twice a second.
const LULL: Duration = Duration::from_millis(120);
/// How far the time moves in a lull.
pub(crate) const STEP: Duration = Duration::from_secs(1);

impl World {
    /// Waits until neither stand-in was called, nor a webhook answered, for a moment.
    pub(crate) async fn lull(&self) {
        let spoken = || {
            let calls: u64 = self.chatwoot.calls().values().chain(self.codechat.calls().values()).sum();
            (calls, self.chatwoot.ack_count(), self.codechat.ack_count())
        };
        let mut last = (Instant::now(), spoken());
        while last.0.elapsed() < LULL {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = spoken();
            if now != last.1 {
                last = (Instant::now(), now);
            }
        }
    }

    /// Lets so much time pass, in lulls.
    pub(crate) async fn pass_in_lulls(&mut self, by: Duration) -> Result<()> {
        self.pass_in_steps(by, STEP).await
    }

    /// The same with larger steps, for times in which little happens.
    pub(crate) async fn pass_in_steps(&mut self, by: Duration, step: Duration) -> Result<()> {
        let until = relay_sim::clock::now_ms() + millis(by);
        while relay_sim::clock::now_ms() < until {
            self.lull().await;
            self.jump(step)?;
        }
        Ok(())
    }

    /// As [`World::drain`], with time that passes in lulls; what it returns in `took` is that time.
    pub(crate) async fn drain_calmly(&mut self, traffic: &Traffic, longest: Duration) -> Result<Drained> {
        let started = relay_sim::clock::now_ms();
        let mut last = Duration::ZERO;
        loop {
            self.lull().await;
            let events = self.events().await?;
            let verdicts = Verdicts::of(self, traffic);
            let is_done = events.pending == 0 && verdicts.is_complete(events);
            let took = Duration::from_millis(u64::try_from(relay_sim::clock::now_ms() - started).unwrap_or(0));
            if !is_done {
                last = took;
            }
            // a while longer, for what comes late
            if took > longest || (is_done && took > last + STEP * 5) {
                return Ok(Drained { verdicts, events, took: last });
            }
            self.jump(STEP)?;
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
