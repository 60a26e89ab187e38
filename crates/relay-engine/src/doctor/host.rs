//! The machine, the settings, and the relay itself.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use relay_audio::FfmpegMode;

use super::words::host as words;
use super::words::skipped::Skipped;
use super::{CALL_WITHIN, Check, Visit};
use crate::disk::Room;

/// Open files that the relay needs: 768 connections, the database, files on their way.
const FILES: u64 = 1024;
/// How often something is kept, to see how long that takes.
const SYNCS: usize = 5;
/// How long that may take before it is felt.
const QUICK: Duration = Duration::from_millis(100);

impl Visit<'_> {
    pub(super) async fn host(&self) {
        let config = &self.engine.config;
        let running =
            if config.for_now { words::Running::ForNow } else { words::Running::Yes(env!("CARGO_PKG_VERSION")) };
        self.note(Check::Running, None, running.say(self.locale));
        self.note(Check::Settings, None, words::Settings(&config.unknown_settings).say(self.locale));
        self.skip(&[Check::Release], None, Skipped::NeverAsks);
        self.note(Check::Limits, None, self.limits().say(self.locale));
        tokio::join!(self.disk(), self.ffmpeg());
    }

    async fn disk(&self) {
        self.engine.look_at_disk();
        let free_mb = u64::try_from(self.engine.metrics.disk_free.get()).unwrap_or(0) / 1_000_000;
        let folder = self.engine.config.data_dir.clone();
        let sync = tokio::task::spawn_blocking(move || sync_time(&folder)).await;
        let found = match (self.engine.room(), sync) {
            (Room::Gone, _) => words::Disk::Full { free_mb },
            (Room::Enough | Room::Tight, Ok(Err(_)) | Err(_)) => words::Disk::ReadOnly,
            (Room::Tight, Ok(Ok(_))) => words::Disk::Tight { free_mb },
            (Room::Enough, Ok(Ok(sync))) if sync > QUICK => words::Disk::Slow { sync },
            (Room::Enough, Ok(Ok(sync))) => words::Disk::Fine { free_mb, sync },
        };
        self.note(Check::Disk, None, found.say(self.locale));
    }

    fn limits(&self) -> words::Limits {
        let zone = self.engine.config.zone.iana_name().unwrap_or("UTC").to_owned();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
        match files.and_then(|files| files.parse::<u64>().ok()) {
            Some(files) if files < FILES => words::Limits::FewFiles(files),
            _ => words::Limits::Fine { files: files.unwrap_or("?").to_owned(), zone },
        }
    }

    async fn ffmpeg(&self) {
        let is_needed = match self.engine.config.ffmpeg {
            FfmpegMode::Off => {
                self.skip(&[Check::Ffmpeg], None, Skipped::FfmpegOff);
                return;
            }
            FfmpegMode::Fallback => false,
            FfmpegMode::Only => true,
        };
        let found = ffmpeg_version().await.map_or(words::Ffmpeg::Missing { is_needed }, words::Ffmpeg::There);
        self.note(Check::Ffmpeg, None, found.say(self.locale));
    }
}

/// What ffmpeg says of itself: `ffmpeg 7.1.1`.
async fn ffmpeg_version() -> Option<String> {
    let mut command = tokio::process::Command::new("ffmpeg");
    command.arg("-version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(CALL_WITHIN, command.output()).await.ok()?.ok()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let version = told.lines().next()?.strip_prefix("ffmpeg version ")?.split([' ', '-']).next()?;
    output.status.success().then(|| format!("ffmpeg {version}"))
}

/// How long it usually takes until something is on the disk for good.
fn sync_time(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join(format!(".doctor-{}", uuid::Uuid::now_v7()));
    let measured = || -> std::io::Result<Vec<Duration>> {
        let mut file = std::fs::File::create(&path)?;
        (0..SYNCS)
            .map(|_| {
                let started = Instant::now();
                file.write_all(&[0; 4096])?;
                file.sync_all()?;
                Ok(started.elapsed())
            })
            .collect()
    };
    let times = measured();
    // nothing depends on it; a folder that cannot be written to has no such file
    drop(std::fs::remove_file(&path));
    let mut times = times?;
    times.sort_unstable();
    Ok(times.get(SYNCS / 2).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_to_is_noticed_and_nothing_stays_behind() {
        let folder = std::env::temp_dir().join(format!("relay-doctor-{}", uuid::Uuid::now_v7()));
        assert!(sync_time(&folder).is_err());
        std::fs::create_dir(&folder).unwrap();
        sync_time(&folder).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
    }
}
