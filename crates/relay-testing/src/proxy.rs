//! A proxy that somebody set up in a hurry, in front of a relay.

use std::net::TcpListener as StdListener;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// It takes bodies of up to 1 MB, as nginx does unless told otherwise.
    SmallBodies,
    /// It passes on only headers that it knows.
    DropsHeaders,
    /// It answers everything by itself.
    AnswersItself,
}

const MOST: usize = 1024 * 1024;
const TOO_LARGE: &str = "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const WELCOME: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nWelcome";

/// Puts a proxy in front of an address; returns its own. It lives as long as the runtime.
pub fn in_front_of(target: &Url, mischief: Mischief) -> Url {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let own = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let target = format!("{}:{}", target.host_str().unwrap(), target.port().unwrap());
    tokio::spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let target = target.clone();
            // a caller that hangs up is none of our business
            tokio::spawn(async move { drop(pass(stream, &target, mischief).await) });
        }
    });
    own
}

/// One request and its answer.
async fn pass(mut caller: TcpStream, target: &str, mischief: Mischief) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if caller.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let body = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.unwrap_or(0);
    match mischief {
        Mischief::AnswersItself => return answer(caller, WELCOME, length - body.len()).await,
        Mischief::SmallBodies if length > MOST => return answer(caller, TOO_LARGE, length - body.len()).await,
        Mischief::SmallBodies | Mischief::DropsHeaders => {}
    }
    let is_dropped = |line: &&str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("connection:") || (mischief == Mischief::DropsHeaders && line.starts_with("x-"))
    };
    let kept: Vec<_> = head.trim_end().lines().filter(|line| !is_dropped(line)).collect();
    let mut relay = TcpStream::connect(target).await?;
    relay.write_all(format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).as_bytes()).await?;
    relay.write_all(&body).await?;
    let rest = u64::try_from(length - body.len()).unwrap();
    let (mut from_caller, mut to_caller) = caller.split();
    copy(&mut (&mut from_caller).take(rest), &mut relay).await?;
    copy(&mut relay, &mut to_caller).await?;
    to_caller.shutdown().await
}

/// Answers, and reads away what the caller still sends, so that it gets to see the answer.
async fn answer(mut caller: TcpStream, answer: &str, rest: usize) -> std::io::Result<()> {
    caller.write_all(answer.as_bytes()).await?;
    let (mut from_caller, _) = caller.split();
    copy(&mut (&mut from_caller).take(u64::try_from(rest).unwrap()), &mut tokio::io::sink()).await?;
    caller.shutdown().await
}
