//! What is made from the command line's one description: shell completions, man pages, and the pages of `docs/` that list commands and
//! settings (`scripts/generate` writes them).

use std::path::Path;

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;
use relay_domain::note::Locale;

use crate::cli::{self, Reference};
use crate::printer::Printer;
use crate::setting;

/// `relay completions`.
pub(crate) fn completions(shell: Shell, printer: &Printer) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "relay", &mut script);
    printer.verbatim(&script)
}

/// `relay man`: the main page, or all of them into a folder.
pub(crate) fn man(folder: Option<&Path>, printer: &Printer) -> anyhow::Result<()> {
    let command = cli::command();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return printer.verbatim(&page);
    };
    let cannot = || format!("{} cannot be written", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    for (path, command) in commands(&command) {
        let name = path.join("-");
        let page = command.name(name.clone()).disable_help_subcommand(true);
        let mut file = Vec::new();
        clap_mangen::Man::new(page).render(&mut file)?;
        std::fs::write(folder.join(format!("{name}.1")), file).with_context(cannot)?;
    }
    printer.done(folder.display().to_string());
    Ok(())
}

/// `relay reference`.
pub(crate) fn print(what: Reference, printer: &Printer) -> anyhow::Result<()> {
    let text = match what {
        Reference::Cli => cli_page(),
        Reference::Settings => setting::table(),
        Reference::Env => setting::example(Locale::En),
        Reference::Commands => {
            let words = |path: &[String]| path.iter().skip(1).cloned().collect::<Vec<_>>().join(" ");
            commands(&cli::command()).iter().map(|(path, _)| words(path) + "\n").collect()
        }
    };
    printer.verbatim(text.as_bytes())
}

/// Every command that people see, with its words, beginning with `relay` itself.
fn commands(command: &Command) -> Vec<(Vec<String>, Command)> {
    let mut found = vec![(vec![command.get_name().to_owned()], command.clone())];
    let seen = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for subcommand in command.get_subcommands().filter(seen) {
        let below = commands(subcommand).into_iter().map(|(path, below)| {
            let path = std::iter::once(command.get_name().to_owned()).chain(path).collect();
            (path, below)
        });
        found.extend(below);
    }
    found
}

/// `docs/cli.md`.
fn cli_page() -> String {
    let head = "# Commands\n\n\
        Made by `scripts/generate` from what `relay --help` says. Exit codes: 0 for done, 1 for failed, 2 for something typed or configured\n\
        wrongly, 3 when the doctor found a failure, 4 when it found a warning and was asked to be strict, 130 when interrupted.\n\
        Settings are flags of every command, and listed here once, under `relay` and in [configuration](configuration.md).\n";
    let section = |(path, mut command): (Vec<String>, Command)| {
        let help = command.render_long_help().to_string();
        let lines: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
        format!("\n## {}\n\n```text\n{}\n```\n", path.join(" "), lines.join("\n"))
    };
    head.to_owned() + &commands(&cli::command()).into_iter().map(section).collect::<String>()
}
