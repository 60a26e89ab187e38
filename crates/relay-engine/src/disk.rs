//! Room on the disk, looked at every two seconds: first files wait, then webhooks are refused, and both go on by themselves.
//!
//! A webhook that is refused is Chatwoot's or CodeChat's to keep, and is read back later. One that is taken and cannot be stored
//! would be lost, so they are refused while there is still room to deliver what was taken.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::Engine;
use crate::deliver::Task;
use crate::trouble::Trouble;

const EVERY: Duration = Duration::from_secs(2);
/// How long a delivery with a file waits before it looks again.
const FILES_WAIT: Duration = Duration::from_secs(10);
/// On small volumes this part of the whole is enough: one fiftieth.
const SHARE: u64 = 50;

/// What a volume holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free for us.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// Asks the system about the volume of a folder.
pub fn space_of(folder: &Path) -> io::Result<Space> {
    let volume = rustix::fs::statvfs(folder)?;
    let bytes = |blocks: u64| blocks.saturating_mul(volume.f_frsize);
    Ok(Space { free: bytes(volume.f_bavail), total: bytes(volume.f_blocks) })
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Room {
    /// For everything.
    Enough,
    /// For messages, not for files.
    Tight,
    /// For finishing what was taken.
    Gone,
}

impl Room {
    /// By what is free, and the two thresholds in bytes, of which a fiftieth of the volume is always enough.
    fn of(space: Space, for_files: u64, for_webhooks: u64) -> Self {
        let share = space.total / SHARE;
        if space.free < for_webhooks.min(share) {
            Self::Gone
        } else if space.free < for_files.min(share) {
            Self::Tight
        } else {
            Self::Enough
        }
    }
}

/// What was last seen.
#[derive(Debug)]
pub(crate) struct Disk {
    room: AtomicU8,
}

impl Default for Disk {
    fn default() -> Self {
        Self { room: AtomicU8::new(Room::Enough as u8) }
    }
}

impl Engine {
    /// How much room the disk has.
    pub fn room(&self) -> Room {
        match self.disk.room.load(Ordering::Relaxed) {
            level if level == Room::Enough as u8 => Room::Enough,
            level if level == Room::Tight as u8 => Room::Tight,
            _ => Room::Gone,
        }
    }

    pub(crate) async fn keep_room(self: Arc<Self>, stop: CancellationToken) {
        loop {
            self.look_at_disk();
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(EVERY) => {}
            }
        }
    }

    /// Looks at every folder that is written to; the fullest volume counts.
    pub(crate) fn look_at_disk(&self) {
        let config = &self.config;
        let folders = std::iter::once(&config.data_dir).chain(&config.database_folder);
        let spaces: Vec<_> = folders.filter_map(|folder| (config.space_of)(folder).ok()).collect();
        let room = |space: &Space| Room::of(*space, config.free_for_files, config.free_for_webhooks);
        let Some(worst) = spaces.iter().map(room).max() else { return };
        if let Some(free) = spaces.iter().map(|space| space.free).min() {
            self.metrics.disk_free.set(i64::try_from(free).unwrap_or(i64::MAX));
        }
        let before = self.room();
        self.disk.room.store(worst as u8, Ordering::Relaxed);
        if before != worst {
            tell(worst);
        }
    }
}

fn tell(room: Room) {
    match room {
        Room::Enough => tracing::info!("the disk has room again"),
        Room::Tight => tracing::warn!("the disk is filling up: messages with files wait; free some space"),
        Room::Gone => tracing::error!("the disk is full: webhooks are refused until there is room; free some space"),
    }
}

impl Task<'_> {
    /// Waits while there is no room for files.
    pub(crate) fn await_room_for_file(&self) -> Result<(), Trouble> {
        match self.engine.room() {
            Room::Enough => Ok(()),
            Room::Tight | Room::Gone => Err(Trouble::Wait(self.engine.clock.now() + FILES_WAIT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn room(free: u64, total: u64) -> Room {
        Room::of(Space { free: free * MB, total: total * MB }, 256 * MB, 64 * MB)
    }

    #[test]
    fn files_wait_first_then_webhooks_are_refused() {
        let large = 100_000;
        assert_eq!(room(256, large), Room::Enough);
        assert_eq!(room(255, large), Room::Tight);
        assert_eq!(room(64, large), Room::Tight);
        assert_eq!(room(63, large), Room::Gone);
    }

    #[test]
    fn a_fiftieth_of_a_small_volume_is_enough() {
        assert_eq!(room(100, 5000), Room::Enough);
        assert_eq!(room(99, 5000), Room::Tight);
        assert_eq!(room(1, 50), Room::Enough);
        assert_eq!(room(0, 50), Room::Gone);
    }

    #[test]
    fn zero_switches_a_threshold_off() {
        let space = Space { free: 0, total: 100_000 * MB };
        assert_eq!(Room::of(space, 0, 0), Room::Enough);
        assert_eq!(Room::of(space, MB, 0), Room::Tight);
    }

    #[test]
    fn the_system_knows_its_volumes() {
        let space = space_of(&std::env::temp_dir()).unwrap();
        assert!(space.total > 0 && space.free <= space.total);
        assert!(space_of(Path::new("/nowhere/at/all")).is_err());
    }
}
