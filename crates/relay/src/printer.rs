//! The only place that writes to the terminal.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is where printing happens")]
#![expect(clippy::unused_self, reason = "who may print is who was handed the printer")]

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use fast_qr::ECL;
use fast_qr::qr::QRBuilder;

/// A colour of the terminal, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Grey = 90,
}

/// Writes for people, or for programs.
#[derive(Debug)]
pub(crate) struct Printer {
    is_colourful: bool,
}

impl Printer {
    pub(crate) fn new() -> Self {
        let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { is_colourful: wants_colour && std::io::stdout().is_terminal() }
    }

    /// One line.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        println!("{}", text.as_ref());
        // a demo piped into a pager should be seen as it goes
        drop(std::io::stdout().flush());
    }

    /// A line that went well.
    pub(crate) fn done(&self, text: impl AsRef<str>) {
        let mark = if self.is_colourful { "\u{1b}[32m✓\u{1b}[0m" } else { "✓" };
        self.line(format!("  {mark} {}", tame(text.as_ref())));
    }

    /// A line about something that is not well, and goes on all the same.
    pub(crate) fn warning(&self, text: impl AsRef<str>) {
        let mark = if self.is_colourful { "\u{1b}[33m!\u{1b}[0m" } else { "!" };
        self.wrapped(mark, text.as_ref());
    }

    /// A line about something that went wrong, and can be mended.
    pub(crate) fn trouble(&self, text: impl AsRef<str>) {
        let mark = if self.is_colourful { "\u{1b}[31m✗\u{1b}[0m" } else { "✗" };
        self.wrapped(mark, text.as_ref());
    }

    /// Several lines below one mark, with what came from elsewhere made harmless.
    fn wrapped(&self, mark: &str, text: &str) {
        for (number, line) in text.lines().enumerate() {
            let mark = if number == 0 { mark } else { " " };
            self.line(format!("  {mark} {}", tame(line.trim_start())));
        }
    }

    /// A question; the answer follows on the same line.
    pub(crate) fn question(&self, text: &str) {
        print!("  {} ", tame(text));
        drop(std::io::stdout().flush());
    }

    /// Takes back the last lines of a terminal, to write others in their place.
    pub(crate) fn take_back(&self, lines: usize) {
        print!("\u{1b}[{lines}A\u{1b}[J");
        drop(std::io::stdout().flush());
    }

    /// What this program is.
    pub(crate) fn version(&self, as_json: bool) {
        let version = env!("CARGO_PKG_VERSION");
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        if as_json {
            self.json(&serde_json::json!({ "name": "relay", "version": version, "os": os, "arch": arch }));
        } else {
            self.line(format!("relay {version} ({os} {arch})"));
        }
    }

    /// Text of our own, as it is. Nobody may be reading any more.
    pub(crate) fn verbatim(&self, text: &[u8]) -> anyhow::Result<()> {
        match std::io::stdout().write_all(text).and_then(|()| std::io::stdout().flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// Pretty JSON, in which every control character is escaped, also those that JSON would allow.
    pub(crate) fn json(&self, value: &serde_json::Value) {
        let lines: Vec<_> = format!("{value:#}").lines().map(escaped).collect();
        self.line(lines.join("\n"));
    }

    /// JSON as it came, on one line, in which every control character is escaped.
    pub(crate) fn json_line(&self, line: &str) {
        self.line(escaped(line));
    }

    /// How far a long command has come; not part of what it prints.
    pub(crate) fn progress(&self, text: impl AsRef<str>) {
        eprintln!("  {}", tame(text.as_ref()));
    }

    /// Text from elsewhere, line by line, each indented.
    pub(crate) fn quoted(&self, text: &str) {
        for line in text.lines() {
            self.line(format!("  {}", tame(line)).trim_end());
        }
    }

    /// A word in a colour, where there are colours.
    pub(crate) fn coloured(&self, word: &str, colour: Colour) -> String {
        if self.is_colourful { format!("\u{1b}[{}m{word}\u{1b}[0m", colour as u8) } else { word.to_owned() }
    }

    /// Columns of the terminal; 80 where there is none.
    pub(crate) fn width(&self) -> usize {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
        size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns >= 40).unwrap_or(80)
    }

    /// Cells of one line, where the lines that follow are not known yet.
    pub(crate) fn tamed(&self, cells: &[String]) -> String {
        cells.iter().map(|cell| tame(cell)).collect::<Vec<_>>().join("  ")
    }

    /// Columns, aligned.
    pub(crate) fn table(&self, rows: &[Vec<String>]) {
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(|cell| tame(cell)).collect()).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            self.line(line.trim_end());
        }
    }

    /// Text behind a head, in lines that fit the terminal, all beginning at the same column.
    pub(crate) fn paragraph(&self, head: &str, indent: usize, text: &str) {
        let room = self.width().saturating_sub(indent).max(20);
        for (index, line) in lines(&tame(text), room).iter().enumerate() {
            let before = if index == 0 { head.to_owned() } else { " ".repeat(indent) };
            self.line(format!("{before}{line}"));
        }
    }

    /// A QR code of half blocks; returns how many lines it took. Of all codes it is the smallest, so that it fits a terminal of 80
    /// columns: what is on a screen needs no correction of scratches.
    pub(crate) fn qr(&self, text: &str) -> anyhow::Result<usize> {
        let code = QRBuilder::new(text).ecl(ECL::L).build();
        let code = code.map_err(|error| anyhow::anyhow!("the QR code cannot be drawn: {error}"))?.to_str();
        for line in code.lines() {
            // white on black whatever the terminal's colours are: a code with its colours exchanged is not read by every phone
            let line = if self.is_colourful { format!("\u{1b}[97;40m{line}\u{1b}[0m") } else { line.to_owned() };
            self.line(line);
        }
        Ok(code.lines().count())
    }

    /// An error with its causes and hints; the process ends with it.
    pub(crate) fn failure(&self, error: &anyhow::Error) -> ExitCode {
        let mark = if self.is_colourful { "\u{1b}[31merror\u{1b}[0m" } else { "error" };
        // hints stand on lines of their own
        let lines: Vec<_> = error.to_string().lines().map(tame).collect();
        eprintln!("{mark}: {}", lines.join("\n"));
        for cause in error.chain().skip(1) {
            eprintln!("  caused by: {}", tame(&cause.to_string()));
        }
        ExitCode::FAILURE
    }
}

/// A line of JSON in which every control character is escaped: they stand within strings only.
fn escaped(line: &str) -> String {
    let escape = |sign: char| if is_obeyed(sign) { format!("\\u{:04x}", u32::from(sign)) } else { sign.to_string() };
    line.chars().map(escape).collect()
}

/// Text from elsewhere, made harmless for a terminal: control characters are shown instead of obeyed.
pub(crate) fn tame(text: &str) -> String {
    text.chars().flat_map(|c| if is_obeyed(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// Whether a terminal would do something instead of showing a sign: control characters, and marks that turn the direction of
/// writing.
fn is_obeyed(sign: char) -> bool {
    sign.is_control() || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Breaks a text between words; a word longer than a line stays whole, so that it can be copied.
fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line from the start");
        let is_full = !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room;
        if is_full {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_words_stay_whole() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("ação é já", 6), ["ação é", "já"]);
        assert_eq!(
            lines("a SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true b", 10),
            ["a", "SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true", "b"]
        );
        assert_eq!(lines("", 10), [""]);
    }
}
