//! The failure matrix: every row of `docs/delivery.md`, by name.

mod chatwoot;
mod clock;
mod codechat;
mod database;
mod echoes;
mod files;
mod gaps;
mod hostile;
mod identity;
mod kills;
mod load;
mod outages;
mod parts;
mod places;
mod power;
mod processes;
mod replicas;
mod sessions;
mod soak;
mod walls;
mod webhooks;

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
    &chatwoot::F08,
    &chatwoot::F09,
    &chatwoot::F10,
    &chatwoot::F11,
    &walls::F12,
    &walls::F13,
    &walls::F14,
    &walls::F15,
    &places::F16,
    &places::F17,
    &outages::F18,
    &sessions::F19,
    &codechat::F20,
    &codechat::F21,
    &webhooks::F22,
    &webhooks::F23,
    &webhooks::F24,
    &webhooks::F25,
    &load::F26,
    &outages::F27,
    &outages::F28,
    &clock::F29,
    &hostile::F30,
    &files::F31,
    &files::F32,
    &files::F33,
    &hostile::F34,
    &hostile::F35,
    &echoes::F36,
    &processes::F37,
    &processes::F38,
    &identity::F39,
    &sessions::F41,
    &identity::F42,
    &parts::F43,
    &gaps::F44,
    &gaps::F45,
];

/// The row of this name; the long run and the figures of several processes are rows too, though no tier has them.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    ALL.iter().chain(&[&soak::SOAK, &replicas::REPLICAS]).copied().find(|row| row.id.eq_ignore_ascii_case(name))
}
