//! Restarts under traffic: nobody is refused, and nothing that was acknowledged is missing.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use relay_testing::eventually;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::{Home, Server, Sides};

const ROUNDS: usize = 20;

/// Callers that post one webhook after the other, each over a connection of its own.
struct Callers {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<Vec<String>>>,
}

impl Callers {
    fn start(webhook: &str) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let call = |caller: usize| {
            let (stop, acknowledged, url) = (stop.clone(), acknowledged.clone(), url::Url::parse(webhook).unwrap());
            tokio::spawn(async move {
                let mut failures = Vec::new();
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    match post(&url, &format!(r#"{{"event":"made.up","caller":{caller},"number":{number}}}"#)).await {
                        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => {
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(answer) => failures.push(format!("answered {answer:?}")),
                        Err(error) => failures.push(error.to_string()),
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                failures
            })
        };
        let tasks = (0..4).map(call).collect();
        Self { stop, acknowledged, tasks }
    }

    /// Waits for further acknowledgements.
    async fn go_on(&self) {
        let before = self.acknowledged.load(Ordering::Relaxed);
        eventually("webhooks to be acknowledged", async || self.acknowledged.load(Ordering::Relaxed) > before + 8)
            .await;
    }

    /// Stops calling; returns how many webhooks were acknowledged, once no call has failed.
    async fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            assert_eq!(task.await.unwrap(), Vec::<String>::new());
        }
        self.acknowledged.load(Ordering::Relaxed)
    }
}

async fn post(url: &url::Url, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await?;
    let request = format!(
        "POST {}?{} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        url.path(),
        url.query().unwrap(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn with_a_session(home: &Home, sides: &Sides) -> String {
    let words =
        ["session", "add", "--name", "loja01", "--account", "1", "--inbox", &sides.inbox, "--token", "sim-admin-token"];
    home.run(&words).await.succeeded();
    sides.codechat.webhook_url("loja01").unwrap()
}

/// How many events the relay has.
async fn received(home: &Home) -> u64 {
    let http = relay_engine::http::client().unwrap();
    let health: Value = http.get(home.url("/healthz")).send().await.unwrap().json().await.unwrap();
    health["events"]["received"].as_u64().unwrap()
}

fn starts(server: &Server) -> usize {
    server.out().lines().filter(|line| line.starts_with("relay ") && line.contains(" on ")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_hands_over_to_the_next_without_refusing_anybody() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let mut server = home.serve(&["serve"]).await;
    let webhook = with_a_session(&home, &sides).await;
    let before = received(&home).await;
    let callers = Callers::start(&webhook);
    for round in 1..=ROUNDS {
        callers.go_on().await;
        // the place that the socket takes belongs to nothing that a late thread could close
        let seat = std::fs::read_link(format!("/proc/{}/fd/3", server.id())).unwrap();
        let seat = seat.to_string_lossy().into_owned();
        assert!(if round == 1 { seat == "/dev/null" } else { seat.starts_with("socket:") }, "{round}: {seat}");
        server.signal("USR2");
        eventually("the next program", async || {
            assert!(server.has_ended().is_none(), "it ended: {}", server.err());
            starts(&server) == round + 1
        })
        .await;
    }
    callers.go_on().await;
    let acknowledged = callers.finish().await;
    assert_eq!(received(&home).await - before, acknowledged);
    assert!(!server.err().contains("ERROR"), "{}", server.err());
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_somebody_holds_outlives_the_relay() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides).holding_the_socket();
    let mut server = home.serve(&["serve"]).await;
    let webhook = with_a_session(&home, &sides).await;
    let before = received(&home).await;
    let callers = Callers::start(&webhook);
    for _ in 0..ROUNDS {
        callers.go_on().await;
        assert!(server.stop().await.success());
        server = home.serve(&["serve"]).await;
    }
    callers.go_on().await;
    let acknowledged = callers.finish().await;
    assert_eq!(received(&home).await - before, acknowledged);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_program_that_does_not_start_is_not_handed_over_to() {
    let home = Home::new();
    let program = home.path("relay");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_relay"), &program).unwrap();
    let home = home.by(&[&program.display().to_string()]);
    let mut server = home.serve(&["serve"]).await;
    std::fs::remove_file(&program).unwrap();
    home.write("relay", "#!/bin/sh\nexit 3\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    server.signal("USR2");
    eventually("the reason", async || server.err().contains("the program on disk does not start")).await;
    assert!(server.err().contains("exit status: 3"), "{}", server.err());
    assert!(server.has_ended().is_none());
    let http = relay_engine::http::client().unwrap();
    assert!(http.get(home.url("/readyz")).send().await.unwrap().status().is_success());
    assert!(server.stop().await.success());
}

/// `.env` is read anew by the program that goes on: one that is broken by then would end the relay instead of renewing it.
#[tokio::test]
async fn broken_settings_are_not_handed_over_to() {
    let home = Home::new();
    let mut server = home.serve(&["serve"]).await;
    home.write(".env", "LOG_FORMAT=xml\n");
    server.signal("USR2");
    eventually("the reason", async || server.err().contains("its settings cannot be used")).await;
    assert!(server.has_ended().is_none());
    assert!(server.stop().await.success());
}

/// A file that may not grow stands for a disk that fails: the database's writes end in an error that is not "full".
#[tokio::test]
async fn a_failing_disk_ends_the_relay_and_loses_nothing() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let limited = "trap '' XFSZ; ulimit -f 3000; exec \"$0\" \"$@\"";
    let home = home.by(&["sh", "-c", limited, env!("CARGO_BIN_EXE_relay")]);
    let mut server = home.serve(&["serve"]).await;
    let webhook = with_a_session(&home, &sides).await;
    let before = received(&home).await;
    let url = url::Url::parse(&webhook).unwrap();
    let mut acknowledged = 0;
    for number in 0..200 {
        let body = format!(r#"{{"event":"made.up","number":{number},"filler":"{}"}}"#, "x".repeat(100_000));
        match post(&url, &body).await {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => acknowledged += 1,
            Ok(answer) => assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}"),
            Err(_) => break,
        }
    }
    eventually("the end", async || server.has_ended().is_some()).await;
    assert_eq!(server.has_ended().unwrap().code(), Some(1), "{}", server.err());
    assert!(server.err().contains("the disk failed under the database"), "{}", server.err());
    let home = home.by(&[env!("CARGO_BIN_EXE_relay")]);
    let server = home.serve(&["serve"]).await;
    let stored = received(&home).await - before;
    assert!(acknowledged > 0 && stored >= acknowledged, "{acknowledged} acknowledged, {stored} stored");
    assert!(server.stop().await.success());
}
