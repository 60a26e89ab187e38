//! The socket the relay answers on, and how it outlives the program.
//!
//! It is taken over when somebody hands one in (systemd's socket activation, `LISTEN_FDS`), else bound. A new version takes it over
//! from the old one in the same process: the old finishes what it has in hand, closes the store and executes the program anew with
//! the socket still open. Whoever calls meanwhile waits in the socket's queue; nobody is refused.

use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use command_fds::{CommandFdExt as _, FdMapping};
use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::setting::command::BROKEN;

/// The first descriptor of sockets handed in.
const FIRST: i32 = 3;
/// Variables that tell of such sockets: true for one program only.
const HANDED_IN: [&str; 3] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];
/// How long the new program may take to say its version.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How this process was started.
#[derive(Debug)]
pub(crate) struct Start {
    program: OsString,
    arguments: Vec<OsString>,
    /// Without what `.env` adds, which may be another one next time.
    environment: Vec<(OsString, OsString)>,
    handed_in: Option<StdListener>,
    /// Keeps the place of the first descriptor. A thread that still ends while the next program begins would otherwise close what
    /// is handed over, because a file of its own had that number.
    _seat: OwnedFd,
}

impl Start {
    /// Notes it. To be called before anything changes the environment, and before there is a second thread.
    pub(crate) fn note() -> anyhow::Result<Self> {
        let mut words = std::env::args_os();
        let program = words.next().context("the program does not know its own name")?;
        let is_lasting = |name: &OsString| !HANDED_IN.iter().any(|variable| name == variable);
        let environment = std::env::vars_os().filter(|(name, _)| is_lasting(name)).collect();
        let handed_in = ListenFd::from_env()
            .take_tcp_listener(0)
            .context("the socket that was handed in is no TCP socket\n  hint: check ListenStream= of relay.socket")?;
        let (seat, handed_in) = match handed_in {
            Some(listener) => {
                let copy = listener.try_clone().context("the socket that was handed in cannot be used")?;
                (OwnedFd::from(listener), Some(copy))
            }
            // the lowest free number: nothing else is open yet
            None => (OwnedFd::from(File::open("/dev/null").context("/dev/null cannot be opened")?), None),
        };
        Ok(Self { program, arguments: words.collect(), environment, handed_in, _seat: seat })
    }

    /// The socket: the one handed in, or a new one. A second handle keeps it open for the next program.
    pub(crate) async fn listen(&mut self, address: SocketAddr) -> anyhow::Result<(TcpListener, StdListener)> {
        let listener = match self.handed_in.take() {
            Some(listener) => listener,
            None => TcpListener::bind(address).await.and_then(TcpListener::into_std).with_context(|| {
                format!(
                    "cannot listen on {address}\n  hint: stop the program that does, or choose another port with PORT"
                )
            })?,
        };
        let unusable = "the socket cannot be used";
        listener.set_nonblocking(true).context(unusable)?;
        let kept = listener.try_clone().context(unusable)?;
        Ok((TcpListener::from_std(listener).context(unusable)?, kept))
    }

    /// What goes on in this one's place is `relay serve`, whatever this one was asked to do.
    pub(crate) fn into_serve(mut self) -> Self {
        self.arguments = vec![OsString::from("serve")];
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Whether the program on disk starts at all, and with the settings that are there now; asked before the one that runs gives up
    /// its place.
    pub(crate) async fn check_program(&self) -> anyhow::Result<()> {
        let name = self.program.display();
        let status = self.ended_with(&["--version".into()]).await?;
        if !status.success() {
            bail!("{name} --version ended with {status}");
        }
        let is_flag = |word: &&OsString| *word != "serve" && *word != "up";
        let flags = self.arguments.iter().filter(is_flag).cloned();
        let words: Vec<_> = flags.chain(["config".into(), "check".into()]).collect();
        if self.ended_with(&words).await?.code() == Some(i32::from(BROKEN)) {
            bail!("its settings cannot be used; relay config check tells all that is wrong");
        }
        Ok(())
    }

    /// How the program on disk ends when it is asked something quick.
    async fn ended_with(&self, words: &[OsString]) -> anyhow::Result<ExitStatus> {
        let mut command = self.command();
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let name = self.program.display();
        let ran = tokio::process::Command::from(command).kill_on_drop(true).status();
        tokio::time::timeout(ANSWERS_WITHIN, ran)
            .await
            .with_context(|| format!("{name} does not answer"))?
            .with_context(|| format!("{name} cannot be started"))
    }
}

/// The program that goes on in this one's place.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) start: Start,
    pub(crate) listener: StdListener,
}

impl Next {
    /// Becomes the program on disk, with the same process id and the same socket, which takes the seat that was kept for it.
    /// Returns only when that fails.
    pub(crate) fn begin(self) -> anyhow::Error {
        let Self { start, listener } = self;
        let mut command = start.command();
        command.args(&start.arguments).env("LISTEN_FDS", "1").env("LISTEN_PID", std::process::id().to_string());
        let socket = FdMapping { parent_fd: OwnedFd::from(listener), child_fd: FIRST };
        if let Err(error) = command.fd_mappings(vec![socket]) {
            return anyhow::Error::new(error).context("the socket could not be passed on");
        }
        let error = command.exec();
        anyhow::Error::new(error).context(format!("{} could not be started anew", start.program.display()))
    }
}
