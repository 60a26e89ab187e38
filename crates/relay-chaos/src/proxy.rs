//! A TCP proxy that breaks what passes through it: between the relay and a server, or between a stand-in and the relay's doors.
//!
//! Every request that passes draws anew whether it is troubled, so that one trouble in ten hits a request in ten although the
//! connections are kept. What is called an answer is what the server says between two requests: enough for HTTP/1 without
//! pipelining, which is all that passes here.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to a request, or to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// It goes on only after so long.
    Delay(Duration),
    /// So many bytes of the request reach the server, then both sides are reset.
    CutRequest(usize),
    /// So many bytes of the answer come back, then both sides are reset.
    CutAnswer(usize),
    /// Both sides are reset before anything reaches the server.
    Reset,
    /// It is swallowed, and nobody ever answers.
    BlackHole,
    /// The answer comes with so many bytes a second.
    Throttle(usize),
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    trouble: Trouble,
    percent: u8,
    /// How many requests may still be hit.
    left: u64,
}

#[derive(Debug)]
struct Shared {
    target: watch::Sender<Option<SocketAddr>>,
    plan: Mutex<Plan>,
    hits: Mutex<u64>,
}

/// A proxy on an address of its own. Dropping it closes the address.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Listens. Who connects waits until it is known where to.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let plan = Plan { trouble: Trouble::None, percent: 100, left: u64::MAX };
        let shared =
            Arc::new(Shared { target: watch::Sender::new(None), plan: Mutex::new(plan), hits: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Leads to this server from now on, such as `http://127.0.0.1:8080`.
    pub(crate) fn lead_to(&self, base_url: &str) -> Result<()> {
        let target = base_url.trim_start_matches("http://").trim_end_matches('/').parse()?;
        self.shared.target.send_replace(Some(target));
        Ok(())
    }

    /// Where it listens.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Troubles so many of a hundred requests from now on, `times` at most.
    pub(crate) fn trouble(&self, trouble: Trouble, percent: u8, times: u64) {
        *lock(&self.shared.plan) = Plan { trouble, percent, left: times };
    }

    /// Lets everything pass.
    pub(crate) fn heal(&self) {
        self.trouble(Trouble::None, 100, u64::MAX);
    }

    /// How many requests were troubled so far.
    pub(crate) fn hits(&self) -> u64 {
        *lock(&self.shared.hits)
    }
}

impl Shared {
    fn draw(&self) -> Trouble {
        let mut plan = lock(&self.plan);
        if plan.trouble == Trouble::None || plan.left == 0 || fastrand::u8(..100) >= plan.percent {
            return Trouble::None;
        }
        plan.left -= 1;
        *lock(&self.hits) += 1;
        plan.trouble
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(connect(client, Arc::clone(&shared)));
    }
}

async fn connect(client: TcpStream, shared: Arc<Shared>) {
    let mut known = shared.target.subscribe();
    let Ok(Some(target)) = known.wait_for(Option::is_some).await.map(|target| *target) else { return };
    // a server that is not there refuses; so does the proxy, a moment later
    let Ok(server) = TcpStream::connect(target).await else { return reset(&client) };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let mut passage = Passage { client, server, shared, trouble: Trouble::None, is_asking: false, passed: 0 };
    if passage.run().await.is_err() {
        reset(&passage.client);
        reset(&passage.server);
    }
}

/// Closes with a reset instead of a farewell.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().ok();
}

/// The passage is over, by its end or on purpose.
struct Broken;

impl From<std::io::Error> for Broken {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// One connection through the proxy.
struct Passage {
    client: TcpStream,
    server: TcpStream,
    shared: Arc<Shared>,
    /// What was drawn for the request that passes.
    trouble: Trouble,
    /// Whether the client spoke last.
    is_asking: bool,
    /// Bytes of this request, or of this answer, so far.
    passed: usize,
}

impl Passage {
    async fn run(&mut self) -> Result<(), Broken> {
        let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        loop {
            tokio::select! {
                read = self.client.read(&mut asked) => match read? {
                    0 => return Ok(()),
                    length => self.ask(&asked[..length]).await?,
                },
                read = self.server.read(&mut answered) => match read? {
                    0 => return Ok(()),
                    length => self.answer(&answered[..length]).await?,
                },
            }
        }
    }

    async fn ask(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if !self.is_asking {
            (self.is_asking, self.passed, self.trouble) = (true, 0, self.shared.draw());
            match self.trouble {
                Trouble::Delay(by) => tokio::time::sleep(by).await,
                Trouble::Reset => return Err(Broken),
                Trouble::BlackHole => return self.swallow().await,
                Trouble::None | Trouble::CutRequest(_) | Trouble::CutAnswer(_) | Trouble::Throttle(_) => {}
            }
        }
        let Trouble::CutRequest(most) = self.trouble else {
            return Ok(self.server.write_all(bytes).await?);
        };
        let left = most.saturating_sub(self.passed);
        self.passed += bytes.len();
        self.server.write_all(&bytes[..left.min(bytes.len())]).await?;
        if bytes.len() >= left { Err(Broken) } else { Ok(()) }
    }

    async fn answer(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.is_asking {
            (self.is_asking, self.passed) = (false, 0);
        }
        match self.trouble {
            Trouble::CutAnswer(most) => {
                let left = most.saturating_sub(self.passed);
                self.passed += bytes.len();
                self.client.write_all(&bytes[..left.min(bytes.len())]).await?;
                if bytes.len() >= left { Err(Broken) } else { Ok(()) }
            }
            Trouble::Throttle(bytes_per_second) => self.trickle(bytes, bytes_per_second).await,
            Trouble::None | Trouble::Delay(_) | Trouble::CutRequest(_) | Trouble::Reset | Trouble::BlackHole => {
                Ok(self.client.write_all(bytes).await?)
            }
        }
    }

    /// Tenths of a second at a time.
    async fn trickle(&mut self, bytes: &[u8], bytes_per_second: usize) -> Result<(), Broken> {
        for piece in bytes.chunks((bytes_per_second / 10).max(1)) {
            self.client.write_all(piece).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Takes what the client says until it goes away.
    async fn swallow(&mut self) -> Result<(), Broken> {
        let mut buffer = vec![0; 16 * 1024];
        while self.client.read(&mut buffer).await? > 0 {}
        Err(Broken)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Answers every line with the same line, in capitals.
    async fn shouter() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1024];
                    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                        stream.write_all(&buffer[..length].to_ascii_uppercase()).await.unwrap();
                    }
                });
            }
        });
        format!("http://{address}")
    }

    async fn through(trouble: Trouble, times: u64) -> (Proxy, TcpStream) {
        let proxy = Proxy::start().await.unwrap();
        proxy.lead_to(&shouter().await).unwrap();
        proxy.trouble(trouble, 100, times);
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        (proxy, stream)
    }

    /// Says something; what comes back before the end, and whether the end was a reset.
    async fn say(stream: &mut TcpStream, wanted: usize) -> (String, bool) {
        let mut heard = Vec::new();
        let mut buffer = [0; 64];
        if stream.write_all(b"hello proxy").await.is_err() {
            return (String::new(), true);
        }
        while heard.len() < wanted {
            match stream.read(&mut buffer).await {
                Ok(0) => return (String::from_utf8(heard).unwrap(), false),
                Ok(length) => heard.extend_from_slice(&buffer[..length]),
                Err(_) => return (String::from_utf8(heard).unwrap(), true),
            }
        }
        (String::from_utf8(heard).unwrap(), false)
    }

    #[tokio::test]
    async fn what_is_not_troubled_passes() {
        let (proxy, mut stream) = through(Trouble::None, 1).await;
        assert_eq!(say(&mut stream, 11).await, ("HELLO PROXY".to_owned(), false));
        assert_eq!(proxy.hits(), 0);
    }

    #[tokio::test]
    async fn an_answer_is_cut_after_so_many_bytes() {
        let (proxy, mut stream) = through(Trouble::CutAnswer(5), 1).await;
        let (heard, was_reset) = say(&mut stream, 11).await;
        // a reset may overtake what was written before it
        assert!("HELLO".starts_with(&heard), "{heard}");
        assert!(was_reset);
        assert_eq!(proxy.hits(), 1);
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(say(&mut stream, 11).await, ("HELLO PROXY".to_owned(), false), "once was enough");
    }

    #[tokio::test]
    async fn a_request_is_cut_or_never_arrives() {
        for trouble in [Trouble::CutRequest(3), Trouble::CutRequest(0), Trouble::Reset] {
            let (_proxy, mut stream) = through(trouble, 1).await;
            let (heard, _) = say(&mut stream, 11).await;
            assert!("HEL".starts_with(&heard), "{trouble:?}: {heard}");
        }
    }

    #[tokio::test]
    async fn a_black_hole_answers_nothing_and_stays() {
        let (_proxy, mut stream) = through(Trouble::BlackHole, 1).await;
        let silence = tokio::time::timeout(Duration::from_millis(100), say(&mut stream, 1)).await;
        assert!(silence.is_err());
    }

    #[tokio::test]
    async fn what_is_slow_is_slow() {
        for (trouble, least) in [(Trouble::Delay(Duration::from_millis(80)), 80), (Trouble::Throttle(50), 200)] {
            let (_proxy, mut stream) = through(trouble, 1).await;
            let started = Instant::now();
            assert_eq!(say(&mut stream, 11).await.0, "HELLO PROXY");
            assert!(started.elapsed() >= Duration::from_millis(least), "{trouble:?}");
        }
    }

    #[tokio::test]
    async fn healed_it_lets_everything_pass() {
        let (proxy, mut stream) = through(Trouble::Reset, u64::MAX).await;
        proxy.heal();
        assert_eq!(say(&mut stream, 11).await.0, "HELLO PROXY");
    }

    #[tokio::test]
    async fn who_comes_early_waits_for_the_way() {
        let proxy = Proxy::start().await.unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        let early = tokio::spawn(async move { say(&mut stream, 11).await.0 });
        proxy.lead_to(&shouter().await).unwrap();
        assert_eq!(early.await.unwrap(), "HELLO PROXY");
    }
}
