//! Where code stands: between backticks, one or two on a line, three or more also over lines.
//!
//! Invariant: what is found here is written so that Markdown takes exactly the same for code.

use std::ops::Range;

use crate::text::work;

/// Code over several lines.
#[derive(Debug)]
pub(super) struct Block {
    /// With its fences.
    pub(super) outer: Range<usize>,
    /// Without them.
    pub(super) inner: Range<usize>,
}

/// The code between triple backticks that spans lines; what stays within a line is no block.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let fences: Vec<_> = runs(text).into_iter().filter(|run| run.len() >= 3).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let (Some(open), Some(close)) = (fences.get(at), fences.get(at + 1)) {
        let inner = open.end..close.start;
        let code = text.get(inner.clone()).unwrap_or_default();
        let is_code = !code.trim().is_empty();
        if is_code && code.contains('\n') {
            found.push(Block { outer: open.start..close.end, inner });
        }
        at += if is_code { 2 } else { 1 };
    }
    found
}

/// The code within a line, with its backticks.
pub(super) fn spans(line: &str) -> Vec<Range<usize>> {
    let runs = runs(line);
    let partners = partners(&runs);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = runs.get(at) {
        let close = partners.get(at).copied().flatten().and_then(|partner| Some((partner, runs.get(partner)?)));
        let close =
            close.filter(|(_, close)| line.get(open.end..close.start).is_some_and(|code| !code.trim().is_empty()));
        match close {
            Some((partner, close)) => {
                found.push(open.start..close.end);
                at = partner + 1;
            }
            None => at += 1,
        }
    }
    found
}

/// Writes code with as many backticks as typed, or more where it holds so many itself.
pub(super) fn push_span(out: &mut String, typed: &str) {
    let code = typed.trim_matches('`');
    let left = typed.len() - typed.trim_start_matches('`').len();
    let right = typed.len() - typed.trim_end_matches('`').len();
    let inside = runs(code);
    let is_free = left == right && inside.iter().all(|run| run.len() != left);
    if is_free {
        out.push_str(typed);
        return;
    }
    let longest = inside.iter().map(Range::len).max().unwrap_or(0);
    let ticks = "`".repeat(longest.max(left).max(right) + 1);
    for piece in [ticks.as_str(), code, ticks.as_str()] {
        out.push_str(piece);
    }
}

/// Every run of backticks.
fn runs(text: &str) -> Vec<Range<usize>> {
    work::count(text.len());
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match found.last_mut().filter(|run| run.end == at) {
            Some(run) => run.end = at + 1,
            None => found.push(at..at + 1),
        }
    }
    found
}

/// For each run the next one that can end the code it begins: one, two, or three and more.
fn partners(runs: &[Range<usize>]) -> Vec<Option<usize>> {
    work::count(runs.len());
    let mut next = [None; 3];
    let mut partners = vec![None; runs.len()];
    for (at, run) in runs.iter().enumerate().rev() {
        let class = run.len().min(3) - 1;
        if let (Some(partner), Some(next)) = (partners.get_mut(at), next.get_mut(class)) {
            *partner = next.replace(at);
        }
    }
    partners
}
