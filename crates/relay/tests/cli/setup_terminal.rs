//! `relay setup` on a terminal: what is secret is not echoed, the code is drawn with its countdown, Ctrl-C leaves a usable terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use relay_sim::FakeChatwoot;
use relay_testing::eventually;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::process::Child;

use crate::setup::bare_sides;
use crate::support::Home;

/// A terminal with a program on it.
struct Terminal {
    child: Child,
    keyboard: File,
    line: OwnedFd,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn with(home: &Home, words: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let line = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let end = || line.try_clone().unwrap();
        let child = home.command(words).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, seen) = (File::from(master.try_clone().unwrap()), screen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                seen.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self { child, keyboard: File::from(master), line: OwnedFd::from(line), screen }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    async fn until_it_shows(&self, text: &str) {
        eventually(text, async || self.seen().contains(text)).await;
    }

    async fn answers(&mut self, question: &str, answer: &str) {
        self.until_it_shows(question).await;
        // the question is there before the terminal stops echoing
        if question.ends_with("token ›") || question.ends_with("key ›") {
            eventually("no echo", async || !self.echoes()).await;
        }
        writeln!(self.keyboard, "{answer}").unwrap();
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.line).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }
}

#[tokio::test]
async fn secrets_are_not_echoed_and_the_code_counts_down() {
    let sides = bare_sides().await;
    let home = Home::new();
    let mut terminal = Terminal::with(&home, &["setup", "--lang", "en", "--exit"]);
    let (chatwoot, codechat) = (sides.chatwoot.base_url(), sides.codechat.base_url());
    terminal.answers("Chatwoot URL ›", &chatwoot).await;
    terminal.answers("Access token ›", FakeChatwoot::ADMIN_TOKEN).await;
    terminal.answers("CodeChat URL ›", &codechat).await;
    terminal.answers("Global key ›", sides.codechat.api_key()).await;
    terminal.answers("Public URL for webhooks", "").await;
    terminal.answers("Do this? [Y/n] ›", "").await;
    terminal.until_it_shows("█").await;
    terminal.until_it_shows("(new code in ").await;
    // drawn again in the same place
    terminal.until_it_shows("\u{1b}[2A").await;
    let seen = terminal.seen();
    assert!(seen.contains(&chatwoot), "{seen}");
    assert!(!seen.contains(FakeChatwoot::ADMIN_TOKEN) && !seen.contains(sides.codechat.api_key()), "{seen}");
    sides.codechat.scan_qr("acme-inc", "5511988887777");
    terminal.until_it_shows("connected as +55 11 9****-7777").await;
    terminal.until_it_shows("Send that number").await;
    terminal.interrupt();
    assert_eq!(terminal.child.wait().await.unwrap().code(), Some(130));
    terminal.until_it_shows("run relay setup again to go on").await;
}

#[tokio::test]
async fn an_interrupted_secret_leaves_a_terminal_that_echoes() {
    let sides = bare_sides().await;
    let home = Home::new();
    let mut terminal = Terminal::with(&home, &["setup", "--lang", "en"]);
    terminal.answers("Chatwoot URL ›", &sides.chatwoot.base_url()).await;
    terminal.until_it_shows("Access token ›").await;
    eventually("no echo", async || !terminal.echoes()).await;
    terminal.interrupt();
    assert_eq!(terminal.child.wait().await.unwrap().code(), Some(130));
    assert!(terminal.echoes());
    assert!(!home.path("data").exists() && !home.path(".env").exists(), "nothing was made");
}
