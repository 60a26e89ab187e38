//! The group-commit writer: whatever waits is written in one durable transaction, and every caller is answered after its
//! commit.
//!
//! Received events and all other writes take turns. There is no timer: an idle store commits a lone write at once, a busy one
//! shares each fsync among all that queued up during the previous one. When a batch fails, its members are tried one by one, so
//! one bad write fails alone.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use relay_domain::id::WorkerId;
use relay_fault::{Point, reach};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::db::{Db, Tx};
use crate::ending::{self, Ending, Finish};
use crate::error::{Result, StoreError};
use crate::ingest::{self, Arrival};
use crate::lane::{self, Recorded};
use crate::wake;

/// Writes that may wait before callers are told to come back later.
const QUEUE: usize = 8192;
/// Writes that share one transaction at most.
const BATCH: usize = 256;
/// Ends of events that share one transaction at most.
const ENDINGS: usize = 64;
/// Other writes that share it at most: each takes statements of its own, and arrivals wait meanwhile.
const JOBS: usize = 12;

/// One write: a verb, applied in somebody's transaction. Applied again when a shared transaction failed.
pub(crate) trait Verb: Send + Sync + 'static {
    /// What became of it.
    type Out: Send + 'static;

    /// The lane whose row it locks.
    fn lane(&self) -> Option<String> {
        None
    }

    /// Whether it makes events due, so that whoever works on them is to be woken.
    fn brings_events(&self) -> bool {
        false
    }

    /// Runs its statements.
    fn apply(&self, tx: &mut Tx) -> impl Future<Output = Result<Self::Out>> + Send;
}

type Step<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

trait Job: Send {
    fn lane(&self) -> Option<String>;
    fn brings_events(&self) -> bool;
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

    fn brings_events(&self) -> bool {
        self.verb.brings_events()
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
    Ending(Box<Ending>),
    Other(Box<dyn Job>),
}

/// The handle through which everything is written.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Write>,
    /// Told after every commit that brought new events.
    pub(crate) arrived: Arc<Notify>,
    /// Told after every commit.
    pub(crate) written: Arc<Notify>,
    /// Whether the disk failed: nothing is written any more.
    pub(crate) broken: Arc<watch::Sender<bool>>,
}

impl Writer {
    pub(crate) fn start(db: Db, worker: WorkerId) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (arrived, written) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let broken = Arc::new(watch::Sender::new(false));
        let (arrived2, written2, broken2) = (arrived.clone(), written.clone(), broken.clone());
        let task = Loop { db, worker, waiting, arrived: arrived2, written: written2, broken: broken2 };
        (Self { queue, arrived, written, broken }, tokio::spawn(task.run()))
    }

    /// Writes one verb and waits for its commit.
    pub(crate) async fn write<V: Verb>(&self, verb: V) -> Result<V::Out> {
        let (reply, answer) = oneshot::channel();
        let job = Write::Other(Box::new(Waiting { verb, out: None, reply }));
        self.queue.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Ends an event and waits for the commit.
    pub(crate) async fn finish(&self, finish: Finish) -> Result<Recorded> {
        let (ending, answer) = Ending::new(finish);
        self.queue.send(Write::Ending(Box::new(ending))).await.map_err(|_| StoreError::Closed)?;
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
    worker: WorkerId,
    waiting: mpsc::Receiver<Write>,
    arrived: Arc<Notify>,
    written: Arc<Notify>,
    broken: Arc<watch::Sender<bool>>,
}

/// Writes that share one transaction.
#[derive(Default)]
struct Batch {
    arrivals: Vec<Arrival>,
    endings: Vec<Ending>,
    jobs: Vec<Box<dyn Job>>,
}

impl Batch {
    fn len(&self) -> usize {
        self.arrivals.len() + self.endings.len() + self.jobs.len()
    }

    async fn apply(&mut self, worker: &WorkerId, tx: &mut Tx) -> Result<()> {
        let arrivals = self.arrivals.iter().map(Arrival::lane);
        let endings = self.endings.iter().flat_map(Ending::lanes).cloned();
        let jobs = self.jobs.iter().filter_map(|job| job.lane());
        lane::lock(tx, arrivals.chain(endings).chain(jobs).collect()).await?;
        let counts =
            if self.arrivals.is_empty() { BTreeMap::new() } else { ingest::insert(tx, &mut self.arrivals).await? };
        ending::finish(tx, &mut self.endings).await?;
        for job in &mut self.jobs {
            job.run(tx).await?;
        }
        // rows that all processes write come last, so that they are held the shortest
        ingest::count(tx, counts, ingest::shard_of(worker.as_str())).await?;
        if self.brings_events() { wake::tell(tx, worker).await } else { Ok(()) }
    }

    fn brings_events(&self) -> bool {
        self.arrivals.iter().any(Arrival::is_new) || self.jobs.iter().any(|job| job.brings_events())
    }

    /// Each write as a batch of its own.
    fn singles(self) -> impl Iterator<Item = Self> + Send {
        let arrivals = self.arrivals.into_iter().map(|arrival| Self { arrivals: vec![arrival], ..Self::default() });
        let endings = self.endings.into_iter().map(|ending| Self { endings: vec![ending], ..Self::default() });
        let jobs = self.jobs.into_iter().map(|job| Self { jobs: vec![job], ..Self::default() });
        arrivals.chain(endings).chain(jobs)
    }

    /// Answers everybody who waits for one of these writes.
    fn settle(mut self, written: &Result<()>) {
        if let Err(error) = written {
            self.arrivals.iter_mut().for_each(|arrival| arrival.fail(error.clone()));
            self.endings.iter_mut().for_each(|ending| ending.fail(error.clone()));
        }
        self.arrivals.into_iter().for_each(Arrival::settle);
        self.endings.into_iter().for_each(Ending::settle);
        self.jobs.into_iter().for_each(|job| job.settle(written.clone()));
    }
}

impl Loop {
    /// Arrivals and other writes take turns: whoever waits for an acknowledgement waits for no more than one short
    /// transaction of deliveries beside its own.
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let (mut arrivals, mut endings, mut jobs) = (Vec::new(), VecDeque::new(), VecDeque::new());
        loop {
            let has_work = !(arrivals.is_empty() && endings.is_empty() && jobs.is_empty());
            if *self.broken.borrow() || !has_work && self.waiting.recv_many(&mut batch, BATCH).await == 0 {
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
                    Write::Ending(ending) => endings.push_back(*ending),
                    Write::Other(job) => jobs.push_back(job),
                }
            }
            self.commit(Batch { arrivals: std::mem::take(&mut arrivals), ..Batch::default() }).await;
            let endings = endings.drain(..endings.len().min(ENDINGS)).collect();
            let jobs = jobs.drain(..jobs.len().min(JOBS)).collect();
            self.commit(Batch { endings, jobs, ..Batch::default() }).await;
            self.written.notify_one();
        }
    }

    async fn commit(&self, mut batch: Batch) {
        if batch.len() == 0 {
            return;
        }
        match self.write(&mut batch).await {
            Ok(()) => self.settle(batch, &Ok(())),
            Err(error) => self.one_by_one(batch, &error).await,
        }
    }

    async fn write(&self, batch: &mut Batch) -> Result<()> {
        if *self.broken.borrow() {
            return Err(StoreError::Closed);
        }
        let written = self.try_write(batch).await;
        if written.as_ref().is_err_and(StoreError::is_disk_failure) {
            self.broken.send_replace(true);
        }
        written
    }

    async fn try_write(&self, batch: &mut Batch) -> Result<()> {
        let mut tx = self.db.begin().await?;
        match batch.apply(&self.worker, &mut tx).await {
            Ok(()) => {
                if batch.brings_events() {
                    reach(Point::BeforeCommit);
                }
                tx.commit().await
            }
            Err(error) => {
                // what failed is the news; a transaction that is gone already cannot be rolled back
                drop(tx.rollback().await);
                Err(error)
            }
        }
    }

    async fn one_by_one(&self, batch: Batch, cause: &StoreError) {
        if batch.len() > 1 {
            tracing::warn!(error = %chain(cause), writes = batch.len(), "a shared commit failed, trying each write alone");
        }
        // while the database cannot be reached, waiting for it once more per write would keep their callers for minutes
        let mut outage: Option<StoreError> = None;
        for mut single in batch.singles() {
            let written = match &outage {
                Some(error) => Err(error.clone()),
                None => self.write(&mut single).await,
            };
            outage = outage.or_else(|| written.as_ref().err().filter(|error| error.is_outage()).cloned());
            self.settle(single, &written);
        }
    }

    fn settle(&self, batch: Batch, written: &Result<()>) {
        if written.is_ok() && batch.brings_events() {
            reach(Point::AfterCommitBeforeAck);
            self.arrived.notify_one();
        }
        batch.settle(written);
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
