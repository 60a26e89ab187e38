//! A folder of its own for each test, in which the real program runs with an environment of its own.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use relay_sim::{ChatwootOptions, CodeChatOptions, FakeChatwoot, FakeCodeChat};
use relay_testing::{TempFolder, eventually};
use tokio::process::{Child, Command};

const PATIENCE: Duration = Duration::from_secs(30);

/// A user's machine: a folder, a port, an environment.
pub(crate) struct Home {
    folder: TempFolder,
    pub(crate) port: u16,
    environment: Vec<(String, String)>,
    /// What is put in front of the relay's own words; the last one is the program.
    program: Vec<String>,
    socket: Option<TcpListener>,
}

/// What a command said before it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = vec![env!("CARGO_BIN_EXE_relay").to_owned()];
        Self { folder: TempFolder::new(), port, environment: Vec::new(), program, socket: None }
    }

    /// Sets a variable for every command from here on.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Runs the relay by another command from here on.
    pub(crate) fn by(mut self, program: &[&str]) -> Self {
        self.program = program.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Holds the port itself, and hands the socket to every relay from here on.
    pub(crate) fn holding_the_socket(mut self) -> Self {
        self.socket = Some(TcpListener::bind(("127.0.0.1", self.port)).unwrap());
        self.with("LISTEN_FDS", "1")
    }

    /// Tells where both sides are.
    pub(crate) fn between(self, sides: &Sides) -> Self {
        let (chatwoot, codechat) = (sides.chatwoot.base_url(), sides.codechat.base_url());
        self.with("CHATWOOT_URL", chatwoot)
            .with("CODECHAT_URL", codechat)
            .with("CODECHAT_KEY", sides.codechat.api_key())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program[0]);
        if let Some(socket) = &self.socket {
            let parent_fd = OwnedFd::from(socket.try_clone().unwrap());
            command.as_std_mut().fd_mappings(vec![FdMapping { parent_fd, child_fd: 3 }]).unwrap();
        }
        command
            .args(&self.program[1..])
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .kill_on_drop(true)
            .stdin(Stdio::null());
        command.env("HOST", "127.0.0.1").env("PORT", self.port.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, words: &[&str]) -> Said {
        let output =
            tokio::time::timeout(PATIENCE, self.command(words).output()).await.expect("the command ends").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Starts a server and waits until it answers.
    pub(crate) async fn serve(&self, words: &[&str]) -> Server {
        let file = |name: &str| File::create(self.path(name)).unwrap();
        let child = self.command(words).stdout(file("out.txt")).stderr(file("err.txt")).spawn().unwrap();
        let mut server = Server { child, out: self.path("out.txt"), err: self.path("err.txt") };
        let http = relay_engine::http::client().unwrap();
        eventually("the relay to answer", async || {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "the relay ended: {}", server.err());
            http.get(self.url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        server
    }
}

impl Said {
    /// Checks that it failed as a person should see it: a reason, no panic, no traces of the inside.
    pub(crate) fn failed_with(&self, reasons: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:?}");
        for reason in reasons {
            assert!(self.err.contains(reason), "{reason:?} is not in: {}", self.err);
        }
        for inside in ["panicked", "RUST_BACKTRACE", "Err(", "Some(", "src/"] {
            assert!(!self.err.contains(inside), "{}", self.err);
        }
        assert!(self.err.starts_with("error: "), "{}", self.err);
    }

    /// Checks that it did not begin, because of how it is configured.
    pub(crate) fn misconfigured(&self, reasons: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert!(self.err.starts_with("error: the configuration cannot be used: "), "{}", self.err);
        for reason in reasons {
            assert!(self.err.contains(reason), "{reason:?} is not in: {}", self.err);
        }
    }

    pub(crate) fn succeeded(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.out
    }
}

/// A relay that runs.
pub(crate) struct Server {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Server {
    pub(crate) fn out(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = std::process::Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it has ended by itself, and how.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the end that a signal asked for. A stop takes five seconds at most, a busy machine longer, and what hangs does so
    /// for minutes.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await.expect("it stops").unwrap()
    }

    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }
}

/// Stand-ins for both sides, with one inbox.
pub(crate) struct Sides {
    pub(crate) codechat: FakeCodeChat,
    pub(crate) chatwoot: FakeChatwoot,
    pub(crate) inbox: String,
}

impl Sides {
    pub(crate) async fn start() -> Self {
        let codechat = FakeCodeChat::start(CodeChatOptions::default()).await.unwrap();
        let chatwoot = FakeChatwoot::start(ChatwootOptions::default()).await.unwrap();
        let inbox = chatwoot.add_inbox(1, "WhatsApp", "").id.to_string();
        Self { codechat, chatwoot, inbox }
    }
}
