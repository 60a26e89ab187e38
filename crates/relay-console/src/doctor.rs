//! The doctor's report: what is wrong, why, and what to do; as a page, and as text to be handed on.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use relay_engine::doctor::{Ask, Finding, Level, NotExamined, Report};

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::log::{Choice, session_choices};
use crate::view::Mark;
use crate::visitor::{Posted, Visitor};
use crate::words::T;

#[derive(Template)]
#[template(path = "doctor.html")]
struct DoctorPage {
    frame: Frame,
    sessions: Vec<Choice>,
    is_deep: bool,
    report: Option<Shown>,
}

struct Shown {
    counts: Vec<(Mark, usize)>,
    rows: Vec<Row>,
    text: String,
    milliseconds: u128,
}

struct Row {
    name: &'static str,
    session: Option<String>,
    level: Mark,
    seen: String,
    why: Option<String>,
    fix: Option<String>,
}

pub(crate) async fn page(State(console): State<Console>, visitor: Visitor) -> Html<String> {
    let frame = Frame::of(&console, visitor, Some(Section::Doctor));
    let sessions = session_choices(&console, None);
    render(&DoctorPage { frame, sessions, is_deep: false, report: None })
}

/// Looks at everything. That makes calls to both sides, so it takes a form.
pub(crate) async fn examine(State(console): State<Console>, posted: Posted) -> Result<Html<String>, Failure> {
    let Posted { visitor, fields } = posted;
    let mut frame = Frame::of(&console, visitor, Some(Section::Doctor));
    Section::Doctor.path().clone_into(&mut frame.path);
    let (session, deep) = (fields.get("session").map(str::to_owned), fields.get("deep").is_some());
    let sessions = session_choices(&console, session.as_deref());
    let ask = Ask { session, deep, locale: Some(frame.locale) };
    let report = console.engine.examine(ask).await.map_err(|error| match error {
        NotExamined::UnknownSession => Failure::Wrong(T::FilterHint),
        NotExamined::Store(error) => Failure::from(error),
    })?;
    let report = Some(shown(&report, &frame));
    Ok(render(&DoctorPage { frame, sessions, is_deep: deep, report }))
}

/// What needs a person first.
const ORDER: [Level; 4] = [Level::Fail, Level::Warn, Level::Skip, Level::Ok];

fn shown(report: &Report, frame: &Frame) -> Shown {
    let of_level = |level: Level| report.findings.iter().filter(move |finding| finding.level == level);
    let findings: Vec<_> = ORDER.into_iter().flat_map(of_level).collect();
    Shown {
        counts: ORDER.into_iter().map(|level| (mark(level, frame), report.count(level))).collect(),
        text: findings.iter().map(|finding| line(finding)).collect::<Vec<_>>().join("\n"),
        rows: findings.into_iter().map(|finding| row(finding, frame)).collect(),
        milliseconds: report.took.as_millis(),
    }
}

fn mark(level: Level, frame: &Frame) -> Mark {
    let (class, shape, word) = match level {
        Level::Ok => ("well", "✓", T::LevelOk),
        Level::Warn => ("waits", "▲", T::LevelWarn),
        Level::Fail => ("bad", "✕", T::LevelFail),
        Level::Skip => ("quiet", "–", T::LevelSkip),
    };
    Mark::new(class, shape, word, frame)
}

fn row(finding: &Finding, frame: &Frame) -> Row {
    Row {
        name: finding.check.name(),
        session: finding.session.clone(),
        level: mark(finding.level, frame),
        seen: finding.seen.clone(),
        why: finding.why.clone(),
        fix: finding.fix.clone(),
    }
}

/// A finding as text, in the manner of `relay doctor`.
fn line(finding: &Finding) -> String {
    let session = finding.session.as_ref().map(|session| format!(" [{session}]")).unwrap_or_default();
    let first = format!("{:<5} {}{session}: {}", finding.level.as_str(), finding.check.name(), finding.seen);
    let advice = [("why", &finding.why), ("fix", &finding.fix)];
    let said = advice.into_iter().filter_map(|(word, said)| Some(format!("      {word}  {}", said.as_ref()?)));
    std::iter::once(first).chain(said).collect::<Vec<_>>().join("\n")
}
