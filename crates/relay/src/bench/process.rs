//! The relay under measurement: this very program, started as `relay serve` in a folder of its own, and killed in the end.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// How long a start may take.
const START_WITHIN: Duration = Duration::from_secs(20);
/// One key for all relays, because they may share a database.
const SECRET_KEY: &str = "bench-secret-key";
/// Opens the session API of the relay under measurement.
pub(super) const API_KEY: &str = "bench-api-key";

/// A folder that goes away with its owner.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("relay-bench-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Where the relay finds everything.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) codechat_url: String,
    pub(super) codechat_key: String,
    pub(super) chatwoot_url: String,
    /// `None` is an SQLite file in the folder.
    pub(super) database_url: Option<String>,
}

/// A running relay; dropping it kills it.
#[derive(Debug)]
pub(super) struct Relay {
    child: Child,
    pub(super) address: SocketAddr,
    /// From the start to the first good answer of `/livez`.
    pub(super) started_in: Duration,
}

impl Drop for Relay {
    fn drop(&mut self) {
        // it may have ended by itself
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Relay {
    /// Starts a relay with the default settings and waits until it answers.
    pub(super) async fn start(folder: &Path, around: &Surroundings) -> anyhow::Result<Self> {
        let (folder, around) = (folder.to_owned(), around.clone());
        let (done, result) = tokio::sync::oneshot::channel();
        // waiting for a socket without a timer's granularity needs a thread
        std::thread::spawn(move || drop(done.send(Self::start_now(&folder, &around))));
        result.await.context("the relay was not started")?
    }

    fn start_now(folder: &Path, around: &Surroundings) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = command(folder, around, address)?;
        let started = Instant::now();
        let child = command.spawn().context("this program cannot start itself")?;
        let mut relay = Self { child, address, started_in: Duration::ZERO };
        while !is_alive(address) {
            if let Some(status) = relay.child.try_wait()? {
                bail!("relay serve ended with {status}: {}", last_words(folder));
            }
            if started.elapsed() > START_WITHIN {
                bail!("relay serve did not answer within {} s: {}", START_WITHIN.as_secs(), last_words(folder));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        relay.started_in = started.elapsed();
        Ok(relay)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Memory now.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let path = format!("/proc/{}/status", self.id());
        let status =
            std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read (only Linux has it)"))?;
        let field = |name| megabytes(&status, name).with_context(|| format!("{path} has no {name}"));
        Ok(Memory { resident: field("VmRSS:")?, peak: field("VmHWM:")?, own: field("RssAnon:")? })
    }
}

/// Resident memory in megabytes of a million bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) resident: f64,
    pub(super) peak: f64,
    /// What is not pages of the program file.
    pub(super) own: f64,
}

fn megabytes(status: &str, name: &str) -> Option<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u32 = value.split_whitespace().next()?.parse().ok()?;
    Some(f64::from(kibibytes) * 1024.0 / 1e6)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?.local_addr()?)
}

/// Nothing of the caller's environment or `.env` reaches the relay under measurement.
fn command(folder: &Path, around: &Surroundings, address: SocketAddr) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let log = std::fs::File::options().create(true).append(true).open(log_of(folder))?;
    // one that is found ends the search for others, which goes up to the root
    std::fs::write(folder.join(".env"), "")?;
    let mut command = Command::new(program);
    command
        .arg("serve")
        .current_dir(folder)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(around.database_url.as_ref().map(|url| ("DB_URL", url)))
        .env("HOST", address.ip().to_string())
        .env("PORT", address.port().to_string())
        .env("API_URL", format!("http://{address}"))
        .env("API_KEY", API_KEY)
        .env("SECRET_KEY", SECRET_KEY)
        .env("CHATWOOT_URL", &around.chatwoot_url)
        .env("CODECHAT_URL", &around.codechat_url)
        .env("CODECHAT_KEY", &around.codechat_key)
        .env("DATA_DIR", folder.join("data"))
        // what the program can do is measured, not what is good for a number
        .env("OUTBOUND_PACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Ok(command)
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("relay.log")
}

fn last_words(folder: &Path) -> String {
    let log = std::fs::read_to_string(log_of(folder)).unwrap_or_default();
    log.lines().last().unwrap_or("it said nothing").to_owned()
}

fn is_alive(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(START_WITHIN))?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_megabytes() {
        let status = "VmHWM:\t   31250 kB\nVmRSS:\t 15625 kB\n";
        assert_eq!((megabytes(status, "VmHWM:"), megabytes(status, "VmRSS:")), (Some(32.0), Some(16.0)));
        assert_eq!(megabytes(status, "RssAnon:"), None);
    }

    #[test]
    fn a_folder_goes_away_with_all_that_is_in_it() {
        let folder = Folder::new().unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("file"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
