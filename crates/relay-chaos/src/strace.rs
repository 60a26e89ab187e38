//! What a process asked of the kernel, as `strace` wrote it down: requests read, answers written, files written and flushed.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

/// One call that matters, in the order in which calls began; flushes and reads count from their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A request was read whole from a connection.
    Request { connection: String, body: Vec<u8> },
    /// An answer 200 is being written to a connection.
    Ack { connection: String },
    /// Bytes are written to a file.
    Write { file: String, offset: usize, bytes: Vec<u8> },
    /// A file is cut.
    Truncate { file: String, length: usize },
    /// A flush of a file began.
    FlushBegan { file: String, thread: String },
    /// It ended; what was written before its beginning is on the disk.
    FlushEnded { file: String, thread: String },
}

/// Whether the tracer is installed. Where it is not, the audits cannot run, and that is said aloud.
pub(crate) fn require() -> Result<()> {
    let found = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    anyhow::ensure!(
        found,
        "strace is not installed, so nothing was audited\n  hint: scripts/setup --tests installs it"
    );
    Ok(())
}

/// Words that put the tracer in front of a program. `longest` is how much of each buffer is kept, in bytes.
pub(crate) fn wrapper(output: &Path, longest: usize) -> Vec<String> {
    let calls = "trace=read,recvfrom,write,sendto,writev,pwrite64,ftruncate,fdatasync,fsync";
    let words = format!("strace -D -f -y -xx -s {longest} -e {calls} -o");
    words.split(' ').map(ToOwned::to_owned).chain([output.display().to_string()]).collect()
}

/// Words that make calls fail or tarry: see `strace -e inject`.
pub(crate) fn injecting(fault: &str) -> Vec<String> {
    let words = format!("strace -D -f -o /dev/null -e trace=fdatasync,fsync -e inject=fdatasync,fsync:{fault}");
    words.split(' ').map(ToOwned::to_owned).collect()
}

/// Reads a trace.
pub(crate) fn read(path: &Path) -> Result<Vec<Step>> {
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    let mut reader = Reader::default();
    for line in text.lines() {
        if let Some((thread, call)) = line.split_once(' ') {
            reader.line(thread, call.trim_start());
        }
    }
    Ok(reader.steps)
}

#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    /// What a thread had asked for when another interrupted it.
    interrupted: HashMap<String, String>,
}

impl Reader {
    fn line(&mut self, thread: &str, call: &str) {
        if let Some(begun) = call.strip_suffix("<unfinished ...>") {
            self.begin(thread, begun);
            self.interrupted.insert(thread.to_owned(), begun.to_owned());
        } else if let Some((_, end)) = call.strip_prefix("<... ").and_then(|rest| rest.split_once("resumed>")) {
            let begun = self.interrupted.remove(thread).unwrap_or_default();
            self.end(thread, &format!("{begun}{end}"));
        } else {
            self.begin(thread, call);
            self.end(thread, call);
        }
    }

    fn begin(&mut self, thread: &str, call: &str) {
        let Some((name, rest)) = call.split_once('(') else { return };
        match name {
            "write" | "sendto" | "writev" if first_bytes(rest).starts_with(b"HTTP/1.1 200") => {
                self.steps.push(Step::Ack { connection: descriptor(rest) });
            }
            "pwrite64" => {
                if let Some(offset) = number_from_end(rest) {
                    self.steps.push(Step::Write { file: file(rest), offset, bytes: first_bytes(rest) });
                }
            }
            "ftruncate" => {
                if let Some(length) = number_from_end(rest) {
                    self.steps.push(Step::Truncate { file: file(rest), length });
                }
            }
            "fdatasync" | "fsync" => {
                self.steps.push(Step::FlushBegan { file: file(rest), thread: thread.to_owned() });
            }
            _ => {}
        }
    }

    fn end(&mut self, thread: &str, call: &str) {
        let Some((name, rest)) = call.split_once('(') else { return };
        match name {
            "read" | "recvfrom" => {
                let bytes = first_bytes(rest);
                if bytes.starts_with(b"POST /c") {
                    self.steps.push(Step::Request { connection: descriptor(rest), body: bytes });
                }
            }
            "fdatasync" | "fsync" if call.trim_end().ends_with("= 0") => {
                self.steps.push(Step::FlushEnded { file: file(rest), thread: thread.to_owned() });
            }
            _ => {}
        }
    }
}

/// The number in front of `<path>`.
fn descriptor(arguments: &str) -> String {
    arguments.chars().take_while(char::is_ascii_digit).collect()
}

/// The file's name without its folder: `<\x2f\x74…>`.
fn file(arguments: &str) -> String {
    let path = arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
    let path = String::from_utf8_lossy(&bytes_of(path)).into_owned();
    path.rsplit('/').next().unwrap_or(&path).to_owned()
}

/// The first buffer: `"\x50\x4f…"`.
fn first_bytes(arguments: &str) -> Vec<u8> {
    bytes_of(arguments.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map_or("", |(inside, _)| inside))
}

fn bytes_of(hex: &str) -> Vec<u8> {
    hex.split("\\x").skip(1).filter_map(|pair| u8::from_str_radix(pair.get(..2)?, 16).ok()).collect()
}

/// The last argument.
fn number_from_end(call: &str) -> Option<usize> {
    let arguments = call.rsplit_once(')').map_or(call, |(arguments, _)| arguments);
    arguments.trim_end().rsplit(", ").next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(lines: &[&str]) -> Vec<Step> {
        let mut reader = Reader::default();
        for line in lines {
            let (thread, call) = line.split_once(' ').unwrap();
            reader.line(thread, call.trim_start());
        }
        reader.steps
    }

    #[test]
    fn whole_and_interrupted_calls_are_read_alike() {
        let found = steps(&[
            r#"7  recvfrom(9<TCP:[1->2]>, "\x50\x4f\x53\x54\x20\x2f\x63", 8192, 0, NULL, NULL) = 7"#,
            r#"8  pwrite64(5<\x2f\x61\x2f\x77>, "\x01\x02", 2, 4096 <unfinished ...>"#,
            r"7  fdatasync(5<\x2f\x61\x2f\x77> <unfinished ...>",
            r"8  <... pwrite64 resumed>) = 2",
            r"7  <... fdatasync resumed>) = 0",
            r"7  ftruncate(5<\x2f\x61\x2f\x77>, 32) = 0",
            r#"7  sendto(9<TCP:[1->2]>, "\x48\x54\x54\x50\x2f\x31\x2e\x31\x20\x32\x30\x30", 12, 0, NULL, 0) = 12"#,
            r"7  fdatasync(5<\x2f\x61\x2f\x77>) = -1 EIO (Input/output error) (INJECTED)",
        ]);
        let wal = || "w".to_owned();
        let thread = || "7".to_owned();
        assert_eq!(
            found,
            [
                Step::Request { connection: "9".to_owned(), body: b"POST /c".to_vec() },
                Step::Write { file: wal(), offset: 4096, bytes: vec![1, 2] },
                Step::FlushBegan { file: wal(), thread: thread() },
                Step::FlushEnded { file: wal(), thread: thread() },
                Step::Truncate { file: wal(), length: 32 },
                Step::Ack { connection: "9".to_owned() },
                Step::FlushBegan { file: wal(), thread: thread() },
            ]
        );
    }
}
