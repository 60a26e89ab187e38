//! The documents: every link leads somewhere, to the place in the page that it names, and every page can be found from the index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::program::{file, read};

/// Every page by its path in the repository.
pub(crate) static DOCUMENTS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut names = Vec::new();
    for folder in ["", "docs", "docs/how-to"] {
        for entry in std::fs::read_dir(file(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
                names.push(Path::new(folder).join(name).to_str().unwrap().to_owned());
            }
        }
    }
    assert!(names.len() > 25, "{names:?}");
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
});

pub(crate) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_GFM
}

/// Where the links and pictures of a page lead.
pub(crate) fn links(text: &str) -> Vec<String> {
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    };
    Parser::new_ext(text, options()).filter_map(target).collect()
}

/// The names under which headings can be reached, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap());
                let repeated = (1..).map(|count| format!("{name}-{count}"));
                let free = std::iter::once(name.clone()).chain(repeated).find(|name| !anchors.contains(name));
                anchors.insert(free.unwrap());
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = |sign: char| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(|sign| kept(*sign)).map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

/// A path with its steps back taken; `None` when it leaves the repository.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for step in path.components() {
        match step {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => plain.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

fn is_elsewhere(link: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

/// Why a link of a page leads nowhere.
fn fault(page: &str, link: &str) -> Option<String> {
    let (path, place) = link.split_once('#').map_or((link, None), |(path, place)| (path, Some(place)));
    let target = if path.is_empty() { Path::new(page).to_owned() } else { Path::new(page).parent()?.join(path) };
    let Some(target) = plain(&target) else { return Some("leaves the repository".to_owned()) };
    if !file(target.to_str()?).exists() {
        return Some(format!("there is no {}", target.display()));
    }
    let place = place?;
    let Some(text) = DOCUMENTS.get(target.to_str()?) else { return Some("a place in what is no page".to_owned()) };
    let there = anchors(text);
    (!there.contains(place)).then(|| format!("no heading makes #{place}"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    let mut faults = Vec::new();
    for (page, text) in DOCUMENTS.iter() {
        for link in links(text).into_iter().filter(|link| !is_elsewhere(link)) {
            count += 1;
            faults.extend(fault(page, &link).map(|fault| format!("{page}: {link}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 200, "only {count} links were found");
}

#[test]
fn a_link_that_leads_nowhere_is_noticed() {
    for (link, expected) in [
        ("nowhere.md", "there is no docs/nowhere.md"),
        ("delivery.md#nowhere", "no heading makes #nowhere"),
        ("../../elsewhere.md", "leaves the repository"),
        ("#nowhere", "no heading makes #nowhere"),
        ("../Cargo.toml#place", "a place in what is no page"),
    ] {
        assert_eq!(fault("docs/README.md", link).as_deref(), Some(expected), "{link}");
    }
    assert_eq!(fault("docs/README.md", "../README.md#set-it-up"), None);
    let names = "# A `b.c` (d)\n\n# A b.c d\n\n# Ação, já\n";
    assert_eq!(anchors(names).into_iter().collect::<Vec<_>>(), ["a-bc-d", "a-bc-d-1", "ação-já"]);
}

#[test]
fn every_page_is_in_the_index() {
    let index = &DOCUMENTS["docs/README.md"];
    let listed: BTreeSet<_> =
        links(index).into_iter().filter_map(|link| plain(&Path::new("docs").join(link))).collect();
    let pages = DOCUMENTS.keys().filter(|page| page.starts_with("docs/") && *page != "docs/README.md");
    let missing: Vec<_> = pages.filter(|page| !listed.contains(Path::new(page.as_str()))).collect();
    assert!(missing.is_empty(), "docs/README.md does not lead to {missing:?}");
}
