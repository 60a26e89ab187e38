//! The log: one line per thing that happened, with ids and without numbers, texts or tokens.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, reload};

use crate::setting::{LogFormat, Settings};

/// Starts logging to standard error. A level may also be a filter such as `info,relay_engine=debug`.
pub(crate) fn start(settings: &Settings) -> anyhow::Result<()> {
    start_at(settings, &settings.log_level).map(drop)
}

/// Starts logging errors alone, for commands that talk with a person; what is returned turns it up to what is configured.
pub(crate) fn start_quiet(settings: &Settings) -> anyhow::Result<impl Fn() + Send + use<>> {
    let wanted = settings.log_level.clone();
    let turn = start_at(settings, "error")?;
    Ok(move || turn(&wanted))
}

/// Changes the level of the log.
type Turn = Box<dyn Fn(&str) + Send>;

/// Starts logging at a level; what is returned changes it.
fn start_at(settings: &Settings, level: &str) -> anyhow::Result<Turn> {
    let filter = |level: &str| {
        EnvFilter::try_new(level)
            .map_err(|error| anyhow::anyhow!("LOG_LEVEL is no level: {error}; use error, warn, info, debug or trace"))
    };
    // what is configured is judged at once, also when it comes into force later
    filter(&settings.log_level)?;
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let is_colourful = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(is_colourful);
    let registry = tracing_subscriber::registry().with(filter);
    match settings.log_format {
        LogFormat::Text => registry.with(lines.with_target(false)).init(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
            registry.with(lines).init();
        }
    }
    Ok(Box::new(move |level| {
        if let Ok(filter) = EnvFilter::try_new(level)
            && let Err(error) = handle.reload(filter)
        {
            tracing::error!(%error, "the level of the log cannot be changed");
        }
    }))
}
