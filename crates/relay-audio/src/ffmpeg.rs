//! The ffmpeg process, for formats that the codecs in this process do not read.
//!
//! It only decodes: raw samples come back and our own encoders make the file, so that both ways give the same shape.
//! Invariant: the input is always a file with a path, because a piped MP4 whose index is at the end gives success
//! and no audio; the process ends when its future is dropped.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::hash::BuildHasher;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::error::{AudioError, FfmpegError};
use crate::source::Source;

const BLOCK: usize = 32 << 10;
/// Blocks that may wait for the encoder before ffmpeg has to wait.
const BLOCKS_AHEAD: usize = 4;
const STDERR_KEPT: u64 = 2 << 10;

/// The ffmpeg on `PATH`, looked for once.
pub(crate) fn find() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| find_in(&std::env::var_os("PATH")?)).as_deref()
}

fn find_in(path: &OsString) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join("ffmpeg")).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A running ffmpeg that decodes one file to mono samples.
pub(crate) struct Decoding {
    child: Child,
    stdout: ChildStdout,
    stderr: ChildStderr,
    blocks: mpsc::Sender<Bytes>,
    input: PathBuf,
}

impl Decoding {
    /// Starts ffmpeg on a file; at most `longest` of it is decoded.
    pub(crate) fn start(
        program: &Path,
        input: &Path,
        rate: u32,
        longest: Duration,
    ) -> Result<(Self, PcmSource), AudioError> {
        let mut child = command(program, input, rate, longest).spawn().map_err(failed)?;
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        let (blocks, receiver) = mpsc::channel(BLOCKS_AHEAD);
        let decoding = Self { child, stdout, stderr, blocks, input: input.to_owned() };
        Ok((decoding, PcmSource { blocks: receiver, rate, odd: None }))
    }

    /// Feeds the source until ffmpeg ends, and tells whether it ended well.
    pub(crate) async fn run(mut self) -> Result<(), AudioError> {
        let pump = pump(self.stdout, self.blocks);
        let complaint = read_some(&mut self.stderr);
        let (pumped, complaint, status) = tokio::join!(pump, complaint, self.child.wait());
        let status = status.map_err(failed)?;
        if status.success() {
            return pumped.map_err(failed);
        }
        Err(exit_error(status, &complaint, &self.input))
    }
}

fn command(program: &Path, input: &Path, rate: u32, longest: Duration) -> Command {
    let mut source = OsString::from("file:");
    source.push(input);
    let mut command = Command::new(program);
    command
        .args(["-nostdin", "-hide_banner", "-v", "error", "-xerror", "-threads", "1"])
        .args(["-protocol_whitelist", "file,pipe", "-t", &longest.as_secs_f64().to_string(), "-i"])
        .arg(source)
        // The bound makes the downmix an average in every sample format; in some, two equal sides would get louder.
        .args(["-map", "0:a:0", "-af", &format!("aresample={rate}:ochl=mono:rematrix_maxval=1")])
        .args(["-f", "s16le", "-c:a", "pcm_s16le", "-threads", "1", "pipe:1"])
        .env_clear()
        .envs(["PATH", "LD_LIBRARY_PATH"].iter().filter_map(|key| Some((key, std::env::var_os(key)?))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Moves the samples on; an encoder that has stopped taking them makes ffmpeg stop too.
async fn pump(mut stdout: ChildStdout, blocks: mpsc::Sender<Bytes>) -> std::io::Result<()> {
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        if (&mut stdout).take(BLOCK as u64).read_to_end(&mut block).await? == 0 {
            return Ok(());
        }
        if blocks.send(block.into()).await.is_err() {
            return Ok(());
        }
    }
}

/// Keeps the beginning and reads the rest away, so that the process is not held up.
async fn read_some(stderr: &mut (impl AsyncRead + Unpin)) -> String {
    let mut kept = Vec::new();
    let begin = (&mut *stderr).take(STDERR_KEPT).read_to_end(&mut kept).await;
    if begin.is_ok() {
        // What it says beyond that, or that it stops saying it, changes nothing.
        drop(tokio::io::copy(stderr, &mut tokio::io::sink()).await);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn exit_error(status: ExitStatus, complaint: &str, input: &Path) -> AudioError {
    let stderr = complaint.replace(&*input.to_string_lossy(), "input").trim().replace('\n', "; ");
    AudioError::Ffmpeg(FfmpegError::Exit { code: status.code(), stderr })
}

fn failed(error: std::io::Error) -> AudioError {
    AudioError::Ffmpeg(FfmpegError::Run(error))
}

/// The samples that ffmpeg writes.
pub(crate) struct PcmSource {
    blocks: mpsc::Receiver<Bytes>,
    rate: u32,
    odd: Option<u8>,
}

impl Source for PcmSource {
    fn read(&mut self, pcm: &mut Vec<f32>) -> Result<Option<u32>, AudioError> {
        let Some(block) = self.blocks.blocking_recv() else {
            return Ok(None);
        };
        let mut bytes = self.odd.take().into_iter().chain(block);
        while let Some(low) = bytes.next() {
            match bytes.next() {
                Some(high) => pcm.push(f32::from(i16::from_le_bytes([low, high])) / 32_768.0),
                None => self.odd = Some(low),
            }
        }
        Ok(Some(self.rate))
    }
}

/// A private temporary file that goes away with its owner.
#[derive(Debug)]
pub(crate) struct TempFile(PathBuf);

impl TempFile {
    /// Writes the file. Blocks on disk.
    pub(crate) fn write(bytes: &[u8]) -> Result<Self, AudioError> {
        let path = std::env::temp_dir().join(format!("relay-audio-{}", unused_number()));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(AudioError::Io)?;
        let kept = Self(path);
        file.write_all(bytes).map_err(AudioError::Io)?;
        Ok(kept)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// Unpredictable, and different in every process and call: processes may share the folder and their process id.
fn unused_number() -> u64 {
    RandomState::new().hash_one(Instant::now())
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, "temporary audio file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_is_looked_for_on_the_given_path_only() {
        assert_eq!(find_in(&"/nonexistent".into()), None);
        assert!(find_in(&std::env::var_os("PATH").unwrap()).is_some(), "ffmpeg is needed to test");
    }

    #[test]
    fn a_temporary_file_is_private_and_goes_away() {
        let file = TempFile::write(b"x").unwrap();
        let path = file.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn samples_survive_odd_block_borders() {
        let (sender, blocks) = mpsc::channel(2);
        sender.blocking_send(Bytes::from_static(&[0, 0x40, 0])).unwrap();
        sender.blocking_send(Bytes::from_static(&[0xc0])).unwrap();
        drop(sender);
        let mut source = PcmSource { blocks, rate: 16_000, odd: None };
        let mut pcm = Vec::new();
        while source.read(&mut pcm).unwrap().is_some() {}
        assert_eq!(pcm, [0.5, -0.5]);
    }
}
