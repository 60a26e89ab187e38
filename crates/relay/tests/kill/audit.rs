//! `kill -9` leaves the page cache alone, so surviving it proves nothing about a power cut. This audit does: between reading
//! each webhook and answering it, a flush to disk began and ended.

use std::collections::HashMap;
use std::path::Path;

use relay_sim::CustomerMessage;
use relay_testing::{Database, TempFolder, eventually};

use crate::process::{Relay, SESSION};

/// Acknowledgements audited.
const ACKS: usize = 1000;
/// Webhooks under way at the same time.
const WAVE: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledgement_follows_a_flush() {
    let folder = TempFolder::new();
    let trace = folder.path().join("trace");
    let tracer = "strace -D -f -ttt -s 40 -e trace=read,recvfrom,fdatasync,fsync,write,sendto,writev -o";
    let wrapper = tracer.split(' ').map(ToOwned::to_owned).chain([trace.display().to_string()]).collect();
    let mut relay = Relay::start(Database::Sqlite, wrapper).await;
    // on a machine so slow that the relay answers 503, more are sent
    for wave in 1..=3 * ACKS / WAVE {
        for number in 0..WAVE {
            let message = CustomerMessage::text(format!("55119{number:08}"), "audit");
            relay.codechat.customer_sends(SESSION, &message).unwrap();
        }
        eventually("answers", async || relay.codechat.ack_count() >= wave * WAVE).await;
        if relay.codechat.ack_log().iter().filter(|ack| ack.outcome.is_accepted()).count() >= ACKS {
            break;
        }
    }
    relay.kill();
    // the tracer notes the end of the process last
    let is_whole = || String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).contains("+++ killed by SIGKILL +++");
    eventually("the whole trace", async || is_whole()).await;
    let audit = Audit::read(&trace);
    println!("{} acknowledgements, {} without a flush", audit.acks, audit.violations.len());
    assert!(audit.acks >= ACKS, "only {} acknowledgements were traced", audit.acks);
    assert_eq!(audit.violations, Vec::<String>::new());
}

#[derive(Default)]
struct Audit {
    acks: usize,
    violations: Vec<String>,
}

/// Numbers of trace lines, in order: a call that another thread interrupted begins and ends on different lines.
#[derive(Default)]
struct Reader {
    /// Where the last request on a connection was read.
    requests: HashMap<String, usize>,
    /// Where each flush in progress began, by thread.
    flushing: HashMap<String, usize>,
    /// Beginnings of flushes that have ended well.
    last_flush_began: Option<usize>,
    /// What a thread is reading or writing, while it is interrupted.
    interrupted: HashMap<String, String>,
}

impl Audit {
    fn read(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&text);
        let mut audit = Self::default();
        let mut reader = Reader::default();
        for (number, line) in text.lines().enumerate() {
            // the thread is padded to five places
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Some((_time, call)) = rest.trim_start().split_once(' ') else { continue };
            reader.line(number, thread, call, &mut audit);
        }
        audit
    }
}

impl Reader {
    fn line(&mut self, number: usize, thread: &str, call: &str, audit: &mut Audit) {
        if let Some(beginning) = call.strip_suffix("<unfinished ...>") {
            self.begin(number, thread, beginning, audit);
            self.interrupted.insert(thread.to_owned(), beginning.to_owned());
        } else if call.starts_with("<...") {
            let begun = self.interrupted.remove(thread).unwrap_or_default();
            // what was read shows only once the call ends
            let rest = call.split_once("resumed>").map_or("", |(_, rest)| rest);
            self.end(number, thread, &format!("{begun}{rest}"));
        } else {
            self.begin(number, thread, call, audit);
            self.end(number, thread, call);
        }
    }

    /// A write counts from its beginning, a flush too: whatever it flushes was written before.
    fn begin(&mut self, number: usize, thread: &str, call: &str, audit: &mut Audit) {
        if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            self.flushing.insert(thread.to_owned(), number);
        }
        let is_write = ["write(", "sendto(", "writev("].iter().any(|name| call.starts_with(name));
        if is_write && call.contains("HTTP/1.1 200") {
            let Some(request) = self.requests.remove(&descriptor(call)) else {
                return;
            };
            audit.acks += 1;
            if self.last_flush_began.is_none_or(|began| began < request) {
                audit.violations.push(format!("line {number}: {call}"));
            }
        }
    }

    fn end(&mut self, number: usize, thread: &str, call: &str) {
        if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            let began = self.flushing.remove(thread).unwrap_or(number);
            if call.trim_end().ends_with("= 0") {
                self.last_flush_began = self.last_flush_began.max(Some(began));
            }
        }
        let is_read = ["read(", "recvfrom("].iter().any(|name| call.starts_with(name));
        if is_read && call.contains("POST /codechat/webhook") {
            self.requests.insert(descriptor(call), number);
        }
    }
}

fn descriptor(call: &str) -> String {
    let inside = call.split_once('(').map_or("", |(_, inside)| inside);
    inside.chars().take_while(char::is_ascii_digit).collect()
}
