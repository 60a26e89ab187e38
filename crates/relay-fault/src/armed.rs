//! What the points and the sabotage do in a build for the failure rig.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Point, Sabotage};

/// How long a request takes to be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(4);
/// How often the clock's file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

struct Death {
    point: Point,
    /// Passings that are survived.
    left: AtomicU64,
}

fn death() -> Option<&'static Death> {
    static DEATH: OnceLock<Option<Death>> = OnceLock::new();
    let read = || {
        let wish = std::env::var("RELAY_DIE_AT").ok()?;
        let (point, passing) = wish.split_once(':').unwrap_or((&wish, "1"));
        let point = Point::parse(point).unwrap_or_else(|| panic!("RELAY_DIE_AT names no point: {point}"));
        let passing: u64 = passing.parse().expect("RELAY_DIE_AT ends with a number");
        Some(Death { point, left: AtomicU64::new(passing) })
    };
    DEATH.get_or_init(read).as_ref()
}

pub(crate) fn reach(point: Point) {
    let Some(death) = death().filter(|death| death.point == point) else { return };
    if death.left.fetch_sub(1, Ordering::SeqCst) != 1 {
        return;
    }
    match point {
        Point::AfterAck | Point::AfterSendBeforeResponse | Point::DuringMigration => {
            std::thread::spawn(|| {
                std::thread::sleep(ON_ITS_WAY);
                std::process::abort();
            });
        }
        Point::AfterRead
        | Point::BeforeCommit
        | Point::AfterCommitBeforeAck
        | Point::BeforeSend
        | Point::AfterResponseBeforeRecord
        | Point::AfterRecordBeforeStatus
        | Point::DuringPurge => std::process::abort(),
    }
}

pub(crate) fn taste(body: &[u8]) {
    let poison = crate::POISON.as_bytes();
    assert!(!body.windows(poison.len()).any(|part| part == poison), "the message is poison");
}

pub(crate) fn is_sabotaged(sabotage: Sabotage) -> bool {
    static BROKEN: OnceLock<Option<Sabotage>> = OnceLock::new();
    let read = || {
        let name = std::env::var("RELAY_SABOTAGE").ok()?;
        Some(Sabotage::parse(&name).unwrap_or_else(|| panic!("RELAY_SABOTAGE names nothing: {name}")))
    };
    *BROKEN.get_or_init(read) == Some(sabotage)
}

pub(crate) fn follow_clock(advance: impl Fn(u64) + Send + 'static) {
    let Ok(path) = std::env::var("RELAY_CLOCK_FILE") else { return };
    let mut known = 0;
    let mut follow = move || {
        let ahead = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(known);
        if ahead > known {
            advance(ahead - known);
            known = ahead;
        }
    };
    // a process that starts late begins at the time of the others
    follow();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LOOK_EVERY);
            follow();
        }
    });
}
