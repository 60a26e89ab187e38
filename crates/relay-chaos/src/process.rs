//! The relay as a process: started, stopped, killed, frozen, measured.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How a process is started, again and again.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program and what comes before it, such as a tracer.
    pub(crate) words: Vec<String>,
    /// Its environment.
    pub(crate) env: Vec<(String, String)>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// Where it listens.
    pub(crate) port: u16,
    /// Where what it says is kept.
    pub(crate) log: PathBuf,
}

/// A relay that can be killed and started again.
#[derive(Debug)]
pub(crate) struct RelayProcess {
    pub(crate) launch: Launch,
    child: Option<Child>,
    /// A listening socket that every life inherits.
    socket: Option<OwnedFd>,
    /// Largest resident memory of any of its lives, in bytes.
    peak: u64,
}

impl RelayProcess {
    pub(crate) fn new(launch: Launch) -> Self {
        Self { launch, child: None, socket: None, peak: 0 }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.launch.port)
    }

    /// Lets every life from now on inherit a listening socket, as systemd hands it over.
    pub(crate) fn inherit(&mut self, socket: OwnedFd) {
        // the shell has the socket as its input and passes it on as file 3, under its own process number
        let script = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"";
        let shell = ["sh", "-c", script, "sh"].map(ToOwned::to_owned);
        self.launch.words = shell.into_iter().chain(std::mem::take(&mut self.launch.words)).collect();
        self.socket = Some(socket);
    }

    /// Starts it; it may take a moment to listen.
    pub(crate) fn spawn(&mut self) -> Result<()> {
        self.spawn_with(&[])
    }

    /// Starts it with more in its environment, this once.
    pub(crate) fn spawn_with(&mut self, env: &[(&str, &str)]) -> Result<()> {
        let launch = &self.launch;
        let log = File::options().create(true).append(true).open(&launch.log)?;
        let (program, arguments) = launch.words.split_first().context("there is a program")?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&launch.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .envs(env.iter().copied())
            .stdin(match &self.socket {
                Some(socket) => Stdio::from(socket.try_clone()?),
                None => Stdio::null(),
            })
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{program} could not be started"))?;
        self.child = Some(child);
        Ok(())
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// SIGKILL: no word of warning, no last write.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.note_memory();
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Sends a signal by name, such as `TERM` or `STOP`.
    pub(crate) fn signal(&mut self, name: &str) -> Result<()> {
        self.note_memory();
        let pid = self.pid().context("the relay runs")?;
        let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status()?;
        if !status.success() {
            bail!("signal {name} could not be sent");
        }
        Ok(())
    }

    /// Waits for its end; returns how it ended and how long that took.
    pub(crate) async fn wait(&mut self, longest: Duration) -> Result<(ExitStatus, Duration)> {
        let started = Instant::now();
        let child = self.child.as_mut().context("the relay runs")?;
        loop {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                return Ok((status, started.elapsed()));
            }
            if started.elapsed() > longest {
                bail!("the relay did not end within {longest:?}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    /// Largest resident memory so far, in bytes.
    pub(crate) fn peak_memory(&mut self) -> u64 {
        self.note_memory();
        self.peak
    }

    /// Resident memory at this moment, in bytes.
    pub(crate) fn memory_now(&self) -> u64 {
        self.memory("VmRSS:")
    }

    fn note_memory(&mut self) {
        self.peak = self.peak.max(self.memory("VmHWM:"));
    }

    fn memory(&self, name: &str) -> u64 {
        let Some(pid) = self.pid() else { return 0 };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }

    /// The last lines of what it said.
    pub(crate) fn last_words(&self) -> String {
        tail(&self.launch.log, 30)
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // the row is over; what its relay does no longer matters
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A port that no outgoing connection is given, so that it is still free after a restart.
pub(crate) fn free_port() -> Result<u16> {
    // not by the row's seed: rows side by side would look for the same ones
    let mut rng = fastrand::Rng::with_seed(u64::from(std::process::id()) ^ fastrand::u64(..));
    for _ in 0..200 {
        let port = rng.u16(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port was found")
}
