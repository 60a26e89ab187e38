//! The failure matrix: every row of `docs/delivery.md`, by name.

mod clock;
mod database;
mod kills;
mod load;
mod power;
mod processes;
mod replicas;
mod soak;

use crate::row::Row;

/// All rows, in the order of the matrix.
pub(crate) const ALL: &[&Row] = &[
    &kills::F01,
    &kills::F02,
    &power::F03,
    &database::F04,
    &database::F05,
    &power::F06,
    &database::F07,
    &load::F26,
    &clock::F29,
    &processes::F37,
    &processes::F38,
];

/// The row of this name; the long run and the figures of several processes are rows too, though no tier has them.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    ALL.iter().chain(&[&soak::SOAK, &replicas::REPLICAS]).copied().find(|row| row.id.eq_ignore_ascii_case(name))
}
