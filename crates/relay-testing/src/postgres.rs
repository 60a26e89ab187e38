//! A PostgreSQL server of the tests' own: made on first use, gone with the process.
//!
//! PostgreSQL refuses to run as root, so there it runs as `nobody`. A shell watches the test process and takes the server down
//! when it ends, however it ends.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use uuid::Uuid;

const NOBODY: u32 = 65_534;

/// A PostgreSQL server that goes with this process.
#[derive(Debug)]
pub struct PostgresServer {
    bin: PathBuf,
    port: u16,
    is_root: bool,
    data: PathBuf,
}

/// Makes an empty database on the server that all tests of this process share, and returns its address.
pub(crate) fn fresh_database() -> String {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(PostgresServer::start).fresh_database()
}

impl PostgresServer {
    /// Starts a server of its own, with nothing in it.
    pub fn start() -> Self {
        let bin = find_binaries();
        let is_root =
            std::fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0).unwrap();
        let folder = std::env::temp_dir().join(format!("relay-postgres-{}", Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        if is_root {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { bin, port, is_root, data: folder.join("data") };
        let data = text(&server.data);
        server.run("initdb", &["-D", data, "-U", "relay", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]);
        server.spawn_watched(&folder);
        server.wait_until_ready();
        server
    }

    /// Makes an empty database and returns its address.
    pub fn fresh_database(&self) -> String {
        let name = format!("relay_{}", Uuid::new_v4().simple());
        self.run("createdb", &["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "relay", &name]);
        format!("postgres://relay@127.0.0.1:{}/{name}", self.port)
    }

    /// Stops the server in the middle of whatever it does, as a crash would; it starts again by itself.
    pub fn crash(&self) {
        let crashed = self.process();
        // `pg_ctl stop -w` would go on waiting if the next server starts between two of its looks
        self.run("pg_ctl", &["stop", "-D", text(&self.data), "-m", "immediate", "-W"]);
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.process() == crashed {
            assert!(Instant::now() < deadline, "PostgreSQL did not stop within 30 s");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process that runs the server, none while it is down.
    fn process(&self) -> Option<String> {
        let lock = std::fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        lock.lines().next().map(str::to_owned)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.stdin(Stdio::null()).env("LC_ALL", "C").current_dir("/");
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The server's files are checked for order, not for surviving a power cut, so its own fsync is off.
    fn spawn_watched(&self, folder: &Path) {
        let script = format!(
            "start() {{ '{postgres}' -D '{data}' -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
             -c fsync=off -c max_connections=200 -c logging_collector=off >>'{folder}/log' 2>&1 & server=$!; }}; start; \
             while [ -d /proc/{parent} ]; do sleep 0.2; kill -0 $server 2>/dev/null || start; done; \
             kill -QUIT $server; wait $server; rm -rf '{folder}'",
            postgres = self.bin.join("postgres").display(),
            data = self.data.display(),
            folder = folder.display(),
            port = self.port,
            parent = std::process::id(),
        );
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if self.is_root {
            shell.uid(NOBODY).gid(NOBODY);
        }
        // the watcher outlives this handle on purpose
        drop(shell.spawn().unwrap());
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let port = self.port.to_string();
        while !self.command("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port]).status().unwrap().success() {
            assert!(Instant::now() < deadline, "PostgreSQL did not start within 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn find_binaries() -> PathBuf {
    let debian =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let found =
        debian.chain(configured).filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file()).max();
    found.expect("PostgreSQL's server is not installed: run scripts/setup --tests")
}
