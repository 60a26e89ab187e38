//! The place of an event in its lane: a number, smaller goes first.
//!
//! Towards Chatwoot it is WhatsApp's second and CodeChat's row within it; towards WhatsApp Chatwoot's message id.

use crate::clock::Timestamp;

/// Row ids are 32-bit serials, so time and row fit one number: seconds first, row second.
pub const ROW_BITS: u32 = 31;

/// The place of a WhatsApp message: when it was written, to the second, and its row at CodeChat.
pub fn place_of_message(written_at: Timestamp, row: Option<i64>) -> i64 {
    start_of_second(written_at) | row.unwrap_or(0).clamp(0, (1 << ROW_BITS) - 1)
}

/// The first place of a second. Whatever goes ahead of that second's messages lies below it.
pub fn start_of_second(at: Timestamp) -> i64 {
    at.as_secs().clamp(0, (1 << (62 - ROW_BITS)) - 1) << ROW_BITS
}

/// The second of a place.
pub fn second_of(place: i64) -> Timestamp {
    Timestamp::from_secs(place >> ROW_BITS)
}

/// Whether something that belongs behind it was delivered already: it is marked late.
pub fn is_late(place: i64, done_to: i64) -> bool {
    place < done_to
}

/// How far a lane has come once an event has ended. Copies of our own sends carry CodeChat's clock, which says nothing of the
/// customer's messages: only what was delivered counts.
pub fn done_to(before: i64, place: i64, is_delivered: bool) -> i64 {
    if is_delivered { before.max(place) } else { before }
}

/// How many of the waiting events, in their order, have their turn: each that is due, and whatever belongs in front of it. What
/// could still overtake those within the reorder window has had the time to arrive.
///
/// When the one that is known to be due lies further back than was read, the first belongs before it.
pub fn turns(run_at: impl DoubleEndedIterator<Item = Timestamp> + ExactSizeIterator, now: Timestamp) -> usize {
    let mut run_at = run_at;
    run_at.rposition(|at| at <= now).unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_go_before_rows() {
        let at = Timestamp::from_secs;
        assert!(place_of_message(at(100), Some(9)) < place_of_message(at(101), Some(1)));
        assert!(place_of_message(at(100), Some(1)) < place_of_message(at(100), Some(2)));
        assert!(place_of_message(at(100), None) >= start_of_second(at(100)));
        assert!(place_of_message(at(100), Some(i64::MAX)) < start_of_second(at(101)));
        assert_eq!(second_of(place_of_message(at(100), Some(7))), at(100));
    }

    #[test]
    fn late_is_what_comes_after_its_followers() {
        let done = done_to(0, 5, true);
        assert!(is_late(4, done));
        assert!(!is_late(5, done));
        assert_eq!(done_to(5, 9, false), 5, "what was not delivered overtook nothing");
    }

    #[test]
    fn what_belongs_in_front_goes_with_what_is_due() {
        let at = |seconds: &[i64]| seconds.iter().map(|s| Timestamp::from_secs(*s)).collect::<Vec<_>>();
        let turns = |seconds: &[i64]| turns(at(seconds).into_iter(), Timestamp::from_secs(10));
        assert_eq!(turns(&[11, 9, 12]), 2);
        assert_eq!(turns(&[9, 10, 10]), 3);
        assert_eq!(turns(&[11, 12]), 1);
    }
}
