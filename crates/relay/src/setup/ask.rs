//! Questions: on a terminal, from a pipe, or not at all.
//!
//! Invariant: what is secret is never echoed, and the terminal echoes again however the command ends.

use std::io::IsTerminal as _;

use anyhow::{Context, bail};
use relay_domain::note::Locale;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use super::words::{Say, Word};
use crate::printer::Printer;

/// How often a question is asked before its answer is given up.
pub(crate) const TRIES: usize = 3;

/// Who is asked.
#[derive(Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) printer: &'a Printer,
    pub(crate) locale: Locale,
    /// Nobody is: what is not given is an error.
    is_silent: bool,
    is_terminal: bool,
}

impl<'a> Asker<'a> {
    pub(crate) fn new(printer: &'a Printer, locale: Locale, is_silent: bool) -> Self {
        Self { printer, locale, is_silent, is_terminal: std::io::stdin().is_terminal() }
    }

    /// Whether questions have answers.
    pub(crate) fn may_ask(&self) -> bool {
        !self.is_silent
    }

    pub(crate) fn say(&self, word: &dyn Say) -> String {
        word.say(self.locale)
    }

    pub(crate) fn done(&self, word: &dyn Say) {
        self.printer.done(self.say(word));
    }

    pub(crate) fn warn(&self, word: &dyn Say) {
        self.printer.warning(self.say(word));
    }

    pub(crate) fn trouble(&self, word: &dyn Say) {
        self.printer.trouble(self.say(word));
    }

    pub(crate) fn line(&self, word: &dyn Say) {
        self.printer.line(format!("  {}", self.say(word)));
    }

    /// An error that ends the command.
    pub(crate) fn error(&self, word: &dyn Say) -> anyhow::Error {
        anyhow::anyhow!("{}", self.say(word))
    }

    /// Asks for a line; an empty one stands for `usual`. `flag` is what would have answered.
    pub(crate) async fn ask(&self, word: &dyn Say, usual: Option<&str>, flag: &'static str) -> anyhow::Result<String> {
        if self.is_silent {
            return usual.map(str::to_owned).ok_or_else(|| self.error(&Word::NotGiven { flag }));
        }
        let question = match usual {
            Some(usual) => format!("{} [{usual}] ›", self.say(word)),
            None => format!("{} ›", self.say(word)),
        };
        let answer = self.read(&question, false, flag).await?;
        match usual {
            Some(usual) if answer.is_empty() => Ok(usual.to_owned()),
            _ => Ok(answer),
        }
    }

    /// Asks for a secret, which is not shown.
    pub(crate) async fn ask_secret(&self, word: &dyn Say, flag: &'static str) -> anyhow::Result<SecretString> {
        if self.is_silent {
            return Err(self.error(&Word::NotGiven { flag }));
        }
        let question = format!("{} ›", self.say(word));
        Ok(SecretString::from(self.read(&question, true, flag).await?))
    }

    /// Asks for yes, which Enter is too.
    pub(crate) async fn confirm(&self, word: &dyn Say) -> anyhow::Result<bool> {
        if self.is_silent {
            return Ok(true);
        }
        let answer = self.read(&format!("{} ›", self.say(word)), false, "--yes").await?;
        Ok(matches!(answer.to_lowercase().as_str(), "" | "y" | "yes" | "s" | "sim" | "si" | "sí"))
    }

    async fn read(&self, question: &str, is_secret: bool, flag: &'static str) -> anyhow::Result<String> {
        self.printer.question(question);
        let is_terminal = self.is_terminal;
        let read = tokio::task::spawn_blocking(move || read_line(is_secret && is_terminal)).await;
        let line = read.context("nobody read the answer")?.context("the answer cannot be read")?;
        if !is_terminal || is_secret {
            // no Enter was seen
            self.printer.line("");
        }
        let Some(line) = line else { bail!("{}", self.say(&Word::NotGiven { flag })) };
        Ok(line.trim().to_owned())
    }
}

/// A line; `None` when there are no more.
fn read_line(hidden: bool) -> std::io::Result<Option<String>> {
    let _echo = hidden.then(Hidden::new).transpose()?;
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line)?;
    Ok((read > 0).then_some(line))
}

/// A terminal that does not echo until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        restore(&self.0);
    }
}

/// How the terminal was at the start, for an end that comes in the middle of a secret.
#[derive(Debug)]
pub(crate) struct Terminal(Option<Termios>);

impl Terminal {
    pub(crate) fn note() -> Self {
        Self(tcgetattr(std::io::stdin()).ok())
    }

    pub(crate) fn restore(&self) {
        if let Some(before) = &self.0 {
            restore(before);
        }
    }
}

fn restore(before: &Termios) {
    if let Err(error) = tcsetattr(std::io::stdin(), OptionalActions::Now, before) {
        tracing::debug!(%error, "the terminal cannot be put back");
    }
}
