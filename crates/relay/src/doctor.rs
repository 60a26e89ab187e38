//! `relay doctor`: what is wrong, why, and what to do, for people at a terminal and for programs.
//!
//! The running relay looks; when none runs, one is started at the configured address for as long as it takes.

use relay_domain::note::Locale;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::api_client::ApiClient;
use crate::cli::{DoctorArgs, Settings};
use crate::printer::{Colour, Printer, tame};

/// Exit code when something fails.
const FAILS: u8 = 3;
/// Exit code when there is a warning, and `--strict`.
const WARNS: u8 = 4;

#[derive(Deserialize)]
struct Report {
    summary: Summary,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Summary {
    ok: usize,
    warn: usize,
    fail: usize,
    skip: usize,
}

#[derive(Deserialize)]
struct Finding {
    name: String,
    level: Level,
    session: Option<String>,
    seen: String,
    why: Option<String>,
    fix: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Fail,
    Skip,
}

impl Level {
    fn mark(self, printer: &Printer) -> String {
        match self {
            Self::Ok => printer.coloured("ok  ", Colour::Green),
            Self::Warn => printer.coloured("warn", Colour::Yellow),
            Self::Fail => printer.coloured("FAIL", Colour::Red),
            Self::Skip => printer.coloured("skip", Colour::Grey),
        }
    }
}

/// Examines; returns the code to end with.
pub(crate) async fn run(settings: &Settings, args: &DoctorArgs, printer: &Printer) -> anyhow::Result<u8> {
    let api = ApiClient::connect_in_place(settings).await?;
    let body = json!({ "session": args.session, "deep": args.deep, "locale": settings.locale });
    let answer = api.call(Method::POST, &["api", "v1", "doctor"], Some(&body)).await?;
    let report = Report::deserialize(&answer)?;
    if args.json {
        printer.json(&answer);
    } else {
        print(&report, settings.locale, printer);
    }
    Ok(match report.summary {
        Summary { fail: 1.., .. } => FAILS,
        Summary { warn: 1.., .. } if args.strict => WARNS,
        Summary { .. } => 0,
    })
}

fn print(report: &Report, locale: Locale, printer: &Printer) {
    let longest = report.findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    for of_session in report.findings.chunk_by(|a, b| a.session == b.session) {
        if let Some(session) = of_session.first().and_then(|finding| finding.session.as_deref()) {
            printer.line(format!("\n{}", tame(session)));
        }
        let is_skip = |finding: &&Finding| matches!(finding.level, Level::Skip);
        for finding in of_session.iter().filter(|finding| !is_skip(finding)) {
            print_finding(finding, longest, locale, printer);
        }
        print_skipped(of_session.iter().filter(is_skip), printer);
    }
    printer.line(format!("\n{}", summary(&report.summary, locale)));
    printer.line(locale.pick(
        "cada nome é uma seção de docs/troubleshooting.md",
        "each name is a section of docs/troubleshooting.md",
        "cada nombre es una sección de docs/troubleshooting.md",
    ));
}

fn print_finding(finding: &Finding, longest: usize, locale: Locale, printer: &Printer) {
    let head = format!(" {}  {:longest$}  ", finding.level.mark(printer), finding.name);
    // of the mark only the word is seen
    printer.paragraph(&head, 1 + 4 + 2 + longest + 2, &finding.seen);
    for (label, text) in [(why(locale), &finding.why), (fix(locale), &finding.fix)] {
        if let Some(text) = text {
            printer.paragraph(&format!("       {label:<7}"), 14, text);
        }
    }
}

/// What was not looked at, by the reason why.
fn print_skipped<'a>(skipped: impl Iterator<Item = &'a Finding>, printer: &Printer) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for finding in skipped {
        match reasons.iter_mut().find(|(reason, _)| *reason == finding.seen) {
            Some((_, names)) => names.push(&finding.name),
            None => reasons.push((&finding.seen, vec![&finding.name])),
        }
    }
    for (reason, names) in reasons {
        let head = format!(" {}  ", Level::Skip.mark(printer));
        printer.paragraph(&head, 7, &format!("{} ({reason})", names.join(", ")));
    }
}

fn why(locale: Locale) -> String {
    locale.pick("causa", "why", "causa")
}

fn fix(locale: Locale) -> String {
    locale.pick("faça", "fix", "haga")
}

fn summary(summary: &Summary, locale: Locale) -> String {
    let Summary { ok, warn, fail, skip } = summary;
    let many = |count: &usize, one: &str, more: &str| format!("{count} {}", if *count == 1 { one } else { more });
    locale.pick(
        &format!(
            "{ok} ok, {}, {}, {}",
            many(warn, "aviso", "avisos"),
            many(fail, "falha", "falhas"),
            many(skip, "não verificado", "não verificados"),
        ),
        &format!(
            "{ok} ok, {}, {}, {skip} skipped",
            many(warn, "warning", "warnings"),
            many(fail, "failure", "failures"),
        ),
        &format!(
            "{ok} ok, {}, {}, {}",
            many(warn, "aviso", "avisos"),
            many(fail, "fallo", "fallos"),
            many(skip, "no verificado", "no verificados"),
        ),
    )
}
