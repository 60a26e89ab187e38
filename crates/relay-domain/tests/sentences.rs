//! Every sentence that the relay writes itself exists in Portuguese, English and Spanish: read from the source of `note`, so
//! that a new sentence is covered without a line here.

use std::path::Path;

/// Words that are the same in two languages and rightly so.
const ALIKE: [&str; 5] = ["Audio", "Quiz", "Total", "Video", "stickers"];

/// A sentence in the three languages, with where it stands.
struct Sentence {
    place: String,
    texts: [String; 3],
}

/// The sources of `note`, without their tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = vec![root.join("note.rs")];
    let modules = std::fs::read_dir(root.join("note")).expect("note has modules");
    paths.extend(modules.map(|entry| entry.expect("it can be read").path()));
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a source can be read");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), code)
    };
    paths.iter().map(read).collect()
}

/// The string literals of a piece of code, in order.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut signs = code.chars();
    while let Some(sign) = signs.next() {
        if sign != '"' {
            continue;
        }
        let mut text = String::new();
        while let Some(sign) = signs.next() {
            match sign {
                '"' => break,
                '\\' => text.extend(['\\'].into_iter().chain(signs.next())),
                sign => text.push(sign),
            }
        }
        found.push(text);
    }
    found
}

/// What stands up to the bracket that closes the one that is open.
fn within_brackets(code: &str) -> &str {
    let mut depth = 1;
    for (at, sign) in code.char_indices() {
        match sign {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return code.get(..at).unwrap_or_default();
        }
    }
    code
}

/// Sentences given to `pick`, or kept as three for it.
fn picked(file: &str, code: &str) -> Vec<Sentence> {
    let calls = [".pick(", "=> ("].into_iter().flat_map(|head| code.split(head).skip(1)).map(within_brackets);
    let sentences = calls.filter_map(|call| <[String; 3]>::try_from(literals(call)).ok());
    sentences.map(|texts| Sentence { place: format!("{file}: {}", texts[1]), texts }).collect()
}

/// Sentences chosen by `match locale`, which names every language once.
fn matched(file: &str, code: &str) -> Vec<Sentence> {
    let arms = |language: &str| -> Vec<String> {
        let is_arm = |rest: &&str| ["=>", "|", ","].iter().any(|sign| rest.trim_start().starts_with(sign));
        let arms = code.split(language).skip(1).filter(is_arm);
        arms.map(|arm| {
            literals(arm.split("Locale::").next().unwrap_or_default()).into_iter().next().unwrap_or_default()
        })
        .collect()
    };
    let (en, pt, es) = (arms("Locale::En"), arms("Locale::PtBr"), arms("Locale::Es"));
    assert_eq!((pt.len(), es.len()), (en.len(), en.len()), "{file}: a language is missing somewhere");
    let shared = |text: &str, next: &str| if text.is_empty() { next.to_owned() } else { text.to_owned() };
    let together = pt.iter().zip(&en).zip(&es).map(|((pt, en), es)| [shared(pt, es), en.clone(), es.clone()]);
    let together = together.filter(|texts| texts.iter().any(|text| !text.is_empty()));
    together.map(|texts| Sentence { place: format!("{file}: {}", texts[1]), texts }).collect()
}

fn sentences() -> Vec<Sentence> {
    let found = sources().into_iter().flat_map(|(file, code)| {
        let code = code.split("impl Locale").map(str::to_owned).collect::<Vec<_>>();
        let rest =
            code.get(1).and_then(|rest| rest.split_once("\n}\n")).map_or(code[0].clone(), |(_, rest)| rest.to_owned());
        picked(&file, &rest).into_iter().chain(matched(&file, &rest)).collect::<Vec<_>>()
    });
    found.collect()
}

/// The names in braces, sorted.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<_> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_sentence_is_found() {
    assert!(sentences().len() > 40, "only {} sentences were found", sentences().len());
}

#[test]
fn no_language_lacks_a_word_or_a_value() {
    for Sentence { place, texts } in sentences() {
        for text in &texts {
            assert!(!text.trim().is_empty(), "{place}");
            assert_eq!(placeholders(text), placeholders(&texts[1]), "{place}");
        }
    }
}

#[test]
fn english_is_nobody_elses_language() {
    for Sentence { place, texts: [pt, en, es] } in sentences() {
        let says_something = en.chars().filter(|sign| sign.is_alphabetic()).count() > 3;
        let is_alike = says_something && (pt == en || es == en);
        assert!(!is_alike || ALIKE.contains(&en.as_str()), "{place}");
    }
}
