//! The failure matrix: every row of `docs/delivery.md`, by name.

mod kills;
mod power;

use crate::row::Row;

/// All rows, in the order of the matrix.
pub(crate) const ALL: &[&Row] = &[&kills::F01, &kills::F02, &power::F03, &power::F06];

/// The row of this name.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    ALL.iter().copied().find(|row| row.id.eq_ignore_ascii_case(name))
}
