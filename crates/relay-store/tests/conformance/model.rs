//! The store against a simple model of it: whatever is done in whatever order, both tell the same.

use std::collections::{BTreeMap, HashSet};
use std::ops::Deref;

use proptest::prelude::*;
use relay_domain::id::EventId;
use relay_store::{End, Finish, Ingested, Lease, NewEvent, Recorded};
use relay_testing::Database;

use crate::rig::{Rig, at, event, finish, lane, postpone};

const LANES: [&str; 3] = ["a", "b", "c"];
/// How many events the store reads ahead of a lane.
const READ_AHEAD: usize = 8;

#[derive(Clone, Debug)]
enum Step {
    Ingest { lane: usize, key: u8, order_key: i64, hold: i64 },
    Claim,
    Finish { lane: usize, release: bool },
    Postpone { lane: usize, pause: i64 },
    Release { lane: usize },
    Wait { ticks: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ingest = (0..LANES.len(), 0..60u8, 0..6i64, 0..4i64);
    let step = prop_oneof![
        6 => ingest.prop_map(|(lane, key, order_key, hold)| Step::Ingest { lane, key, order_key, hold }),
        4 => Just(Step::Claim),
        6 => (0..LANES.len(), any::<bool>()).prop_map(|(lane, release)| Step::Finish { lane, release }),
        2 => (0..LANES.len(), 0..5i64).prop_map(|(lane, pause)| Step::Postpone { lane, pause }),
        2 => (0..LANES.len()).prop_map(|lane| Step::Release { lane }),
        3 => (1..3i64).prop_map(|ticks| Step::Wait { ticks }),
    ];
    prop::collection::vec(step, 1..120)
}

/// An event that waits: order key, arrival, number, and when it may run.
type Waiting = (i64, i64, u32, i64);

#[derive(Default)]
struct LaneModel {
    pending: Vec<Waiting>,
    next_at: Option<i64>,
    is_backing_off: bool,
    done_to: i64,
    lease: Option<Lease>,
}

impl LaneModel {
    fn arrive(&mut self, waiting: Waiting) {
        self.pending.push(waiting);
        self.pending.sort_unstable();
        self.next_at = match self.next_at {
            Some(next_at) if self.is_backing_off || next_at <= waiting.3 => Some(next_at),
            _ => Some(waiting.3),
        };
    }

    fn due(&self, now: i64) -> Vec<u32> {
        let is_due = |waiting: &Waiting| waiting.3 <= now;
        let Some(last_due) = self.pending.iter().rposition(is_due) else { return Vec::new() };
        let read = &self.pending[..self.pending.len().min(READ_AHEAD)];
        // with all of them before one that is due further back, the first goes at least
        let last = read.iter().rposition(is_due).unwrap_or(0).min(last_due);
        read[..=last].iter().map(|waiting| waiting.2).collect()
    }

    /// Behind those that are waiting by now.
    fn release(&mut self, now: i64) {
        self.lease = None;
        self.is_backing_off = false;
        self.next_at = self.pending.iter().map(|waiting| waiting.3.max(now)).min();
    }
}

struct Model {
    rig: Rig,
    lanes: BTreeMap<usize, LaneModel>,
    known: HashSet<u8>,
    arrivals: u32,
    delivered: i64,
    now: i64,
}

impl Model {
    async fn new() -> Self {
        let lanes = (0..LANES.len()).map(|index| (index, LaneModel::default())).collect();
        let rig = Rig::on(Database::Sqlite).await;
        Self { rig, lanes, known: HashSet::new(), arrivals: 0, delivered: 0, now: 0 }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Ingest { lane, key, order_key, hold } => self.ingest(lane, key, order_key, hold).await,
            Step::Claim => self.claim().await,
            Step::Finish { lane, release } => self.finish(lane, release).await,
            Step::Postpone { lane, pause } => self.postpone(lane, pause).await,
            Step::Release { lane } => self.release(lane).await,
            Step::Wait { ticks } => self.now += ticks,
        }
        self.compare().await;
    }

    async fn ingest(&mut self, index: usize, key: u8, order_key: i64, hold: i64) {
        self.arrivals += 1;
        let new = NewEvent {
            id: EventId::new(format!("{:06}", self.arrivals)),
            order_key,
            received_at: at(self.now),
            run_at: at(self.now + hold),
            ..event(&lane(LANES[index]), &key.to_string())
        };
        let outcome = self.rig.store.ingest(new).await.unwrap();
        if !self.known.insert(key) {
            assert_eq!(outcome, Ingested::Duplicate);
            return;
        }
        assert_eq!(outcome, Ingested::Stored);
        self.lanes.get_mut(&index).unwrap().arrive((order_key, self.now, self.arrivals, self.now + hold));
    }

    async fn claim(&mut self) {
        let leases = self.rig.store.claim(at(self.now), 10, Vec::new()).await.unwrap();
        let mut leases: BTreeMap<_, _> = leases.into_iter().map(|lease| (lease.lane.chat.to_string(), lease)).collect();
        for (index, lane) in &mut self.lanes {
            let lease = leases.remove(LANES[*index]);
            let is_free = lane.lease.is_none() && lane.next_at.is_some_and(|next_at| next_at <= self.now);
            assert_eq!(lease.is_some(), is_free, "lane {}", LANES[*index]);
            if let Some(lease) = lease {
                assert_eq!(lease.done_to, lane.done_to);
                lane.lease = Some(lease);
                lane.is_backing_off = false;
            }
        }
        assert!(leases.is_empty(), "{leases:?}");
    }

    async fn finish(&mut self, index: usize, release: bool) {
        let lane = self.lanes.get_mut(&index).unwrap();
        let Some(lease) = lane.lease.clone() else { return };
        let due = self.rig.due(&lease, at(self.now)).await;
        let Some(first) = due.first() else { return };
        let end = Finish { release, now: at(self.now), ..finish(&self.rig.store, &lease, first, End::Delivered) };
        assert_eq!(self.rig.store.finish(end).await.unwrap(), Recorded::Yes);
        let ended = lane.pending.remove(0);
        lane.done_to = lane.done_to.max(ended.0);
        self.delivered += 1;
        if release {
            lane.release(self.now);
        }
    }

    async fn postpone(&mut self, index: usize, pause: i64) {
        let lane = self.lanes.get_mut(&index).unwrap();
        let Some(lease) = lane.lease.clone() else { return };
        let due = self.rig.due(&lease, at(self.now)).await;
        let Some(first) = due.first() else { return };
        let wait = postpone(&self.rig.store, &lease, first, at(self.now), at(self.now + pause));
        assert_eq!(self.rig.store.postpone(wait).await.unwrap(), Recorded::Yes);
        lane.lease = None;
        lane.is_backing_off = true;
        lane.next_at = Some(self.now + pause);
    }

    async fn release(&mut self, index: usize) {
        let lane = self.lanes.get_mut(&index).unwrap();
        let Some(lease) = lane.lease.clone() else { return };
        assert_eq!(self.rig.store.deref().release(lease, at(self.now)).await.unwrap(), Recorded::Yes);
        lane.release(self.now);
    }

    async fn compare(&self) {
        let free = self.lanes.values().filter(|lane| lane.lease.is_none());
        let next = free.filter_map(|lane| lane.next_at).min();
        assert_eq!(self.rig.store.next_due().await.unwrap(), next.map(at));
        for (index, model) in &self.lanes {
            let due = self.rig.store.due_events(&lane(LANES[*index]), at(self.now)).await.unwrap().events;
            let due: Vec<u32> = due.iter().map(|event| event.id.as_str().parse().unwrap()).collect();
            assert_eq!(due, model.due(self.now), "lane {}", LANES[*index]);
        }
        let tally = self.rig.store.tally().await.unwrap();
        let pending = self.lanes.values().map(|lane| lane.pending.len()).sum::<usize>();
        assert_eq!(tally.pending, i64::try_from(pending).unwrap());
        assert_eq!((tally.delivered, tally.conservation_error()), (self.delivered, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_its_model_does(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new().await;
            for step in steps {
                model.take(step).await;
            }
            model.rig.store.close().await.unwrap();
        });
    }
}
