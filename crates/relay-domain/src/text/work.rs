//! Counts the steps of the conversions, so that a test can see that their number grows with the text and no faster.
//!
//! Outside tests it counts nothing and costs nothing.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Adds as many steps as signs are looked at or moved.
#[cfg(test)]
pub(super) fn count(steps: usize) {
    STEPS.with(|counted| counted.set(counted.get() + steps));
}

/// Adds nothing.
#[cfg(not(test))]
pub(super) const fn count(_steps: usize) {}

/// The steps that a piece of work takes.
#[cfg(test)]
pub(super) fn steps_of(work: impl FnOnce()) -> usize {
    let before = STEPS.with(Cell::get);
    work();
    STEPS.with(Cell::get) - before
}
