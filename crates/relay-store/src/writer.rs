//! The group-commit writer: whatever waits is written in one durable transaction, and every caller is answered after its
//! commit.
//!
//! Received events and all other writes take turns. There is no timer: an idle store commits a lone write at once, a busy one shares each fsync among all that queued up
//! during the previous one. When a batch fails, its members are tried one by one, so one bad write fails alone.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::db::{Db, Tx};
use crate::error::{Result, StoreError};
use crate::ingest::{self, Arrival};
use crate::lane;

/// Writes that may wait before callers are told to come back later.
const QUEUE: usize = 8192;
/// Writes that share one transaction at most.
const BATCH: usize = 256;
/// Writes other than arrivals that share one transaction at most: each takes several statements, and arrivals wait meanwhile.
const JOBS: usize = 12;

/// One write: a verb, applied in somebody's transaction. Applied again when a shared transaction failed.
pub(crate) trait Verb: Send + Sync + 'static {
    /// What became of it.
    type Out: Send + 'static;

    /// The lane whose row it locks.
    fn lane(&self) -> Option<String> {
        None
    }

    /// Runs its statements.
    fn apply(&self, tx: &mut Tx) -> impl Future<Output = Result<Self::Out>> + Send;
}

type Step<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

trait Job: Send {
    fn lane(&self) -> Option<String>;
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Step<'a>;
    fn settle(self: Box<Self>, committed: Result<()>);
}

struct Waiting<V: Verb> {
    verb: V,
    out: Option<V::Out>,
    reply: oneshot::Sender<Result<V::Out>>,
}

impl<V: Verb> Job for Waiting<V> {
    fn lane(&self) -> Option<String> {
        self.verb.lane()
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Step<'a> {
        Box::pin(async {
            self.out = Some(self.verb.apply(tx).await?);
            Ok(())
        })
    }

    fn settle(self: Box<Self>, committed: Result<()>) {
        let Self { out, reply, .. } = *self;
        // the caller may have stopped waiting; the write stands all the same
        drop(reply.send(committed.and_then(|()| out.ok_or(StoreError::Closed))));
    }
}

enum Write {
    Arrival(Box<Arrival>),
    Other(Box<dyn Job>),
}

/// The handle through which everything is written.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Write>,
    /// Told after every commit that brought new events.
    pub(crate) arrived: Arc<Notify>,
}

impl Writer {
    pub(crate) fn start(db: Db, shard: i64) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let arrived = Arc::new(Notify::new());
        let task = Loop { db, shard, waiting, arrived: arrived.clone() };
        (Self { queue, arrived }, tokio::spawn(task.run()))
    }

    /// Writes one verb and waits for its commit.
    pub(crate) async fn write<V: Verb>(&self, verb: V) -> Result<V::Out> {
        let (reply, answer) = oneshot::channel();
        let job = Write::Other(Box::new(Waiting { verb, out: None, reply }));
        self.queue.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Queues an arrival without waiting for room: a full queue is the caller's to report.
    pub(crate) fn arrive(&self, arrival: Arrival) -> Result<()> {
        self.queue.try_send(Write::Arrival(Box::new(arrival))).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })
    }
}

struct Loop {
    db: Db,
    shard: i64,
    waiting: mpsc::Receiver<Write>,
    arrived: Arc<Notify>,
}

impl Loop {
    /// Arrivals and other writes take turns: whoever waits for an acknowledgement waits for no more than one short
    /// transaction of deliveries beside its own.
    async fn run(mut self) {
        let (mut arrivals, mut jobs) = (Vec::new(), VecDeque::new());
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if arrivals.is_empty() && jobs.is_empty() && self.waiting.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            while batch.len() < BATCH
                && let Ok(write) = self.waiting.try_recv()
            {
                batch.push(write);
            }
            for write in batch.drain(..) {
                match write {
                    Write::Arrival(arrival) => arrivals.push(*arrival),
                    Write::Other(job) => jobs.push_back(job),
                }
            }
            self.commit_arrivals(std::mem::take(&mut arrivals)).await;
            self.commit_jobs(jobs.drain(..jobs.len().min(JOBS)).collect()).await;
        }
    }

    async fn commit_arrivals(&self, mut arrivals: Vec<Arrival>) {
        if arrivals.is_empty() {
            return;
        }
        if let Err(error) = self.together(&mut arrivals, &mut []).await {
            self.one_by_one(&mut arrivals, Vec::new(), &error).await;
        }
        if arrivals.iter().any(Arrival::is_new) {
            self.arrived.notify_one();
        }
        arrivals.into_iter().for_each(Arrival::settle);
    }

    async fn commit_jobs(&self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        match self.together(&mut [], &mut jobs).await {
            Ok(()) => jobs.into_iter().for_each(|job| job.settle(Ok(()))),
            Err(error) => self.one_by_one(&mut [], jobs, &error).await,
        }
    }

    async fn together(&self, arrivals: &mut [Arrival], jobs: &mut [Box<dyn Job>]) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let written = Self::apply(self.shard, &mut tx, arrivals, jobs).await;
        match written {
            Ok(()) => tx.commit().await,
            Err(error) => {
                tx.rollback().await?;
                Err(error)
            }
        }
    }

    async fn apply(shard: i64, tx: &mut Tx, arrivals: &mut [Arrival], jobs: &mut [Box<dyn Job>]) -> Result<()> {
        let lanes = arrivals.iter().map(Arrival::lane).chain(jobs.iter().filter_map(|job| job.lane()));
        lane::lock(tx, lanes.collect()).await?;
        let counts = if arrivals.is_empty() { BTreeMap::new() } else { ingest::insert(tx, arrivals).await? };
        for job in jobs {
            job.run(tx).await?;
        }
        // rows that all processes write come last, so that they are held the shortest
        ingest::count(tx, counts, shard).await
    }

    async fn one_by_one(&self, arrivals: &mut [Arrival], jobs: Vec<Box<dyn Job>>, cause: &StoreError) {
        if arrivals.len() + jobs.len() > 1 {
            tracing::warn!(error = %chain(cause), writes = arrivals.len() + jobs.len(), "a shared commit failed, trying each write alone");
        }
        // while the database cannot be reached, waiting for it once more per write would keep their callers for minutes
        let mut outage = None;
        for arrival in arrivals {
            if let Err(error) = self.alone(&mut outage, std::slice::from_mut(arrival), &mut []).await {
                arrival.fail(error);
            }
        }
        for mut job in jobs {
            let written = self.alone(&mut outage, &mut [], std::slice::from_mut(&mut job)).await;
            job.settle(written);
        }
    }

    async fn alone(
        &self,
        outage: &mut Option<StoreError>,
        arrivals: &mut [Arrival],
        jobs: &mut [Box<dyn Job>],
    ) -> Result<()> {
        if let Some(error) = outage {
            return Err(error.clone());
        }
        let written = self.together(arrivals, jobs).await;
        *outage = written.as_ref().err().filter(|error| error.is_outage()).cloned();
        written
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
