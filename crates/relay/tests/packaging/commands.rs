//! What documents say to type, held against the program: commands, their subcommands, and their options.

use std::collections::BTreeSet;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::documents::{DOCUMENTS, options};
use crate::program::COMMANDS;

/// Lines of shell blocks and code in sentences, of one document.
fn typed(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_shell = false;
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => in_shell = &*language == "sh",
            Event::End(TagEnd::CodeBlock) => in_shell = false,
            Event::Text(block) if in_shell => found.extend(block.lines().map(str::to_owned)),
            Event::Code(code) => found.push(code.to_string()),
            _ => {}
        }
    }
    found
}

/// The words after the program's name, where a line calls it: by its own name, as the service's user, in a container, with variables
/// in front.
fn call(line: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = line.split('#').next()?.split_whitespace().collect();
    let is_program = |word: &str| matches!(word, "relay" | "relayctl" | "target/release/relay");
    let begins = |word: &&str| word.contains('=') || matches!(*word, "sudo" | "all");
    let first = words.iter().position(|word| !begins(word))?;
    let compose = matches!(words[first], "docker" | "run" | "exec");
    let place = if compose {
        words.windows(2).position(|pair| pair == ["relay", "relay"] || pair == ["relay", "setup"])?
    } else {
        first
    };
    let place = if compose && words[place + 1] == "relay" { place + 1 } else { place };
    is_program(words[place]).then(|| words[place + 1..].to_vec())
}

#[test]
fn every_command_in_the_documents_is_one() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, text) in DOCUMENTS.iter() {
        for line in typed(text) {
            let Some(words) = call(&line) else { continue };
            let mut command = String::new();
            let mut rest = words.as_slice();
            while let Some(word) =
                rest.first().filter(|word| COMMANDS[&command].below.contains(**word) && **word != "help")
            {
                command = if command.is_empty() { (*word).to_owned() } else { format!("{command} {word}") };
                rest = &rest[1..];
            }
            let described = &COMMANDS[&command];
            let is_word = |word: &str| {
                word.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-') && !word.starts_with('-')
            };
            let unknown = rest.first().filter(|word| !described.below.is_empty() && is_word(word));
            let options = rest.iter().filter(|word| word.starts_with("--") && word.len() > 2);
            let strange = options.filter(|word| {
                let option = word.split('=').next().unwrap().trim_end_matches(['.', ',', '`']);
                !described.help.contains(&format!("{option} ")) && !described.help.contains(&format!("{option}\n"))
            });
            wrong.extend(unknown.into_iter().chain(strange).map(|word| format!("{name}: {word} in: {line}")));
            seen.insert(command);
        }
    }
    assert!(wrong.is_empty(), "the program knows nothing of these:\n{}", wrong.join("\n"));
    for command in ["setup", "serve", "doctor", "dead retry", "session set", "message show", "console"] {
        assert!(seen.contains(command), "{command} is explained nowhere");
    }
}
