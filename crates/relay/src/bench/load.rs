//! The load generator: requests at times fixed in advance, or as fast as answers come.
//!
//! It runs on a thread of its own, so that the stand-ins, which work on the other threads of this process, do not delay the
//! reading of answers. It allocates nothing per request and understands as little HTTP as possible, because it shares the
//! processor with what it measures.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;

use super::answer;
use super::histogram::Times;
use super::message::{CHATS, Door, Popularity};

/// An answer that takes longer counts as none.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections that share the work of an open loop; one is free unless answers take longer than a fifth of a second.
const OPEN_CONNECTIONS: usize = 256;

/// Requests at a fixed pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) per_second: u32,
    pub(super) duration: Duration,
}

/// When a closed loop ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    Elapsed(Duration),
    Sent(u64),
}

/// What became of the requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// From when a request was due to its answer, of those answered 200.
    pub(super) times: Times,
    /// From when a request was due to its writing.
    pub(super) lateness: Times,
    pub(super) accepted: u64,
    /// Other answers by status; 0 stands for a connection that broke or stayed silent.
    pub(super) refused: BTreeMap<u16, u64>,
    pub(super) elapsed: Duration,
}

impl Tally {
    pub(super) fn accepted_per_second(&self) -> f64 {
        f64::from(u32::try_from(self.accepted).unwrap_or(u32::MAX)) / self.elapsed.as_secs_f64()
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Answers other than 200 by status, when there were any.
    pub(super) fn refusals(&self) -> Option<String> {
        let name = |status: u16| if status == 0 { "none".to_owned() } else { status.to_string() };
        let counts: Vec<_> =
            self.refused.iter().map(|(status, count)| format!("{count} × {}", name(*status))).collect();
        (!counts.is_empty()).then(|| counts.join(", "))
    }

    fn append(&mut self, other: Self) {
        self.times.append(other.times);
        self.lateness.append(other.lateness);
        self.accepted += other.accepted;
        for (status, count) in other.refused {
            *self.refused.entry(status).or_default() += count;
        }
    }
}

/// Posts at a fixed pace to chats of different popularity. A late answer does not hold up the requests after it.
pub(super) async fn open_loop(door: &Door, serials: &Arc<AtomicU64>, pace: Pace) -> anyhow::Result<Tally> {
    let (door, serials) = (door.clone(), serials.clone());
    on_own_thread(move || async move {
        let (due, jobs) = mpsc::unbounded_channel();
        let jobs = Rc::new(Mutex::new(jobs));
        let popularity = Rc::new(Popularity::zipf());
        let workers = workers(OPEN_CONNECTIONS, &door, |mut connection| {
            let (jobs, serials, popularity) = (jobs.clone(), serials.clone(), popularity.clone());
            async move {
                loop {
                    // whoever is free takes the next one
                    let next = jobs.lock().await.recv().await;
                    let Some(due) = next else { return connection.tally };
                    let serial = serials.fetch_add(1, Ordering::Relaxed);
                    connection.post(serial, popularity.chat_of(serial), due).await;
                }
            }
        });
        let workers = workers.await?;
        let started = Instant::now();
        // a sleeping thread wakes within some 50 µs, a timer of the runtime within a millisecond
        std::thread::spawn(move || keep_pace(pace, started, &due));
        gather(workers, started).await
    })
    .await
}

fn keep_pace(pace: Pace, started: Instant, due: &mpsc::UnboundedSender<Instant>) {
    let total = u64::from(pace.per_second) * pace.duration.as_secs();
    for number in 0..total {
        let at = started + Duration::from_micros(number * 1_000_000 / u64::from(pace.per_second));
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        if due.send(at).is_err() {
            return;
        }
    }
}

/// Posts to all chats in turn, each connection as fast as it is answered.
pub(super) async fn closed_loop(
    door: &Door,
    serials: &Arc<AtomicU64>,
    connections: usize,
    until: Until,
) -> anyhow::Result<Tally> {
    let (door, serials) = (door.clone(), serials.clone());
    on_own_thread(move || async move {
        let first = serials.load(Ordering::Relaxed);
        let workers = workers(connections, &door, |mut connection| {
            let serials = serials.clone();
            async move {
                let started = Instant::now();
                loop {
                    let serial = serials.fetch_add(1, Ordering::Relaxed);
                    let is_over = match until {
                        Until::Elapsed(duration) => started.elapsed() >= duration,
                        Until::Sent(count) => serial - first >= count,
                    };
                    if is_over {
                        return connection.tally;
                    }
                    let chat = usize::try_from(serial).unwrap_or(0) % CHATS;
                    connection.post(serial, chat, Instant::now()).await;
                }
            }
        });
        let workers = workers.await?;
        gather(workers, Instant::now()).await
    })
    .await
}

/// Opens the connections first and then starts the workers.
async fn workers<F: Future<Output = Tally> + 'static>(
    count: usize,
    door: &Door,
    work: impl Fn(Connection) -> F,
) -> anyhow::Result<JoinSet<Tally>> {
    let door = Rc::new(door.clone());
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(door.clone()).await.context("the relay does not take connections")?);
    }
    let mut workers = JoinSet::new();
    for connection in connections {
        workers.spawn_local(work(connection));
    }
    Ok(workers)
}

async fn gather(mut workers: JoinSet<Tally>, started: Instant) -> anyhow::Result<Tally> {
    let mut all = Tally::default();
    while let Some(tally) = workers.join_next().await {
        all.append(tally.context("the load generator panicked")?);
    }
    all.elapsed = started.elapsed();
    Ok(all)
}

async fn on_own_thread<F: Future<Output = anyhow::Result<Tally>>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || {
        let tally = tokio::task::LocalSet::new().block_on(&runtime, work());
        // nobody waits any more when the benchmark was interrupted
        drop(done.send(tally));
    });
    result.await.context("the load generator ended early")?
}

/// One keep-alive connection and what it went through.
struct Connection {
    door: Rc<Door>,
    stream: Option<TcpStream>,
    request: Vec<u8>,
    answer: Vec<u8>,
    tally: Tally,
}

impl Connection {
    async fn open(door: Rc<Door>) -> std::io::Result<Self> {
        let stream = connect(&door).await?;
        Ok(Self { door, stream: Some(stream), request: Vec::new(), answer: Vec::new(), tally: Tally::default() })
    }

    async fn post(&mut self, serial: u64, chat: usize, due: Instant) {
        self.door.write(serial, chat, &mut self.request);
        self.tally.lateness.record(due.elapsed());
        match tokio::time::timeout(PATIENCE, self.exchange()).await {
            Ok(Ok(200)) => {
                self.tally.times.record(due.elapsed());
                self.tally.accepted += 1;
            }
            Ok(Ok(status)) => *self.tally.refused.entry(status).or_default() += 1,
            Ok(Err(_)) | Err(_) => {
                self.stream = None;
                *self.tally.refused.entry(0).or_default() += 1;
            }
        }
    }

    async fn exchange(&mut self) -> std::io::Result<u16> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(connect(&self.door).await?),
        };
        stream.write_all(&self.request).await?;
        self.answer.clear();
        loop {
            if stream.read_buf(&mut self.answer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            match answer::parse(&self.answer).map_err(std::io::Error::other)? {
                Some(answer) if answer.length == self.answer.len() => return Ok(answer.status),
                Some(_) => return Err(std::io::Error::other("more than one answer")),
                None => {}
            }
        }
    }
}

async fn connect(door: &Door) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(door.address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
