//! `.env` as it is read: names and values with their lines, and the lines that cannot be read.
//!
//! Invariant: a value here is the value that `dotenvy` puts into the environment; only where it stands is added.

use std::cell::Cell;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;

/// The file's name, in the working folder.
pub(crate) const ENV_FILE: &str = ".env";

/// What the file says.
#[derive(Default)]
pub(crate) struct EnvLines {
    /// Name, value, and line (from 1), in order.
    pub(crate) set: Vec<(String, String, usize)>,
    /// Lines that cannot be read.
    pub(crate) malformed: Vec<usize>,
    /// Why the file cannot be read, when it is there.
    pub(crate) unreadable: Option<ErrorKind>,
}

impl EnvLines {
    /// Reads the file; one that is not there says nothing.
    pub(crate) fn read(path: &Path) -> Self {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::of(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::default(),
            Err(error) => Self { unreadable: Some(error.kind()), ..Self::default() },
        }
    }

    /// Reads the file's text.
    pub(crate) fn of(text: &str) -> Self {
        let passed = Rc::new(Cell::new(0));
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let says_something = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let telling: Vec<usize> =
            text.lines().zip(1..).filter(|(line, _)| says_something(line)).map(|(_, number)| number).collect();
        let mut found = Self::default();
        let mut read_to = 0;
        for pair in dotenvy::from_read_iter(LineByLine { rest: text.as_bytes(), passed: passed.clone() }) {
            // a value may take several lines: it stands where it begins
            let begin = telling.iter().copied().find(|line| *line > read_to).unwrap_or(passed.get());
            read_to = passed.get();
            match pair {
                Ok((name, value)) => found.set.push((name, value, begin)),
                Err(dotenvy::Error::LineParse(..)) => found.malformed.push(begin),
                Err(_) => {
                    found.unreadable = Some(ErrorKind::InvalidData);
                    break;
                }
            }
        }
        found
    }

    /// The value of a name, with its line. Of several the first counts.
    pub(crate) fn value(&self, name: &str) -> Option<(&str, usize)> {
        self.set.iter().find(|(found, ..)| found == name).map(|(_, value, line)| (value.as_str(), *line))
    }
}

/// Hands a text out line by line and counts, so that whoever reads it can tell where it stands.
struct LineByLine<'a> {
    rest: &'a [u8],
    passed: Rc<Cell<usize>>,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |place| place + 1);
        let (line, rest) = self.rest.split_at(end.min(buffer.len()));
        let Some(target) = buffer.get_mut(..line.len()) else { return Ok(0) };
        target.copy_from_slice(line);
        if end == line.len() && !line.is_empty() {
            self.passed.set(self.passed.get() + 1);
        }
        self.rest = rest;
        Ok(line.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_knows_its_number() {
        let text = "\u{feff}# head\n\nexport A=1\nB='two\nlines' # and a word\n  C=\"x y\"\nno setting\nD=two words\nE=\"a\\nb\"";
        let lines = EnvLines::of(text);
        let set: Vec<_> = lines.set.iter().map(|(name, value, line)| (name.as_str(), value.as_str(), *line)).collect();
        assert_eq!(set, [("A", "1", 3), ("B", "two\nlines", 4), ("C", "x y", 6), ("E", "a\nb", 9)]);
        assert_eq!(lines.malformed, [7, 8]);
    }

    #[test]
    fn an_open_quote_is_told_where_it_begins() {
        let lines = EnvLines::of("A=1\nB=\"open\nC=3\nD=4\n");
        assert_eq!((lines.set.len(), lines.malformed.as_slice()), (1, [2].as_slice()));
    }

    #[test]
    fn long_lines_are_lines() {
        let long = "x".repeat(20_000);
        let lines = EnvLines::of(&format!("A={long}\nB=2\n"));
        assert_eq!(lines.value("B"), Some(("2", 2)));
        assert_eq!(lines.value("A").map(|(value, line)| (value.len(), line)), Some((20_000, 1)));
    }
}
