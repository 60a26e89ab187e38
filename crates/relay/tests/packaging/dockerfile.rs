//! The Dockerfile, read as `scripts/dockerfile-check` reads it, which also carries it out.

use std::process::Command;

use crate::program::{file, is_setting, read};

/// Instructions with their arguments, one for each stage a list.
fn stages() -> Vec<Vec<(String, String)>> {
    let text = read("packaging/Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut stages: Vec<Vec<(String, String)>> = Vec::new();
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        if word == "FROM" {
            stages.push(Vec::new());
        }
        stages.last_mut().expect("it begins with FROM").push((word.to_owned(), rest.trim().to_owned()));
    }
    stages
}

fn value<'a>(stage: &'a [(String, String)], name: &str) -> Option<&'a str> {
    stage.iter().rev().find(|(word, _)| word == name).map(|(_, rest)| rest.as_str())
}

#[test]
fn what_starts_is_the_program_alone_and_not_as_root() {
    let stages = stages();
    let slim = stages.last().unwrap();
    assert_eq!(value(slim, "FROM"), Some("scratch"), "nothing but what is copied");
    let with_ffmpeg = stages.iter().find(|stage| value(stage, "FROM").unwrap().ends_with(" AS ffmpeg")).unwrap();
    for stage in [slim, with_ffmpeg] {
        assert_eq!(value(stage, "USER"), Some("65532:65532"), "a number, which Kubernetes can tell from root");
        assert_eq!(value(stage, "ENTRYPOINT"), Some(r#"["/usr/bin/relay"]"#));
        assert_eq!(value(stage, "CMD"), Some(r#"["serve"]"#));
        assert_eq!((value(stage, "WORKDIR"), value(stage, "VOLUME")), (Some("/data"), Some("/data")));
        assert!(value(stage, "HEALTHCHECK").unwrap().ends_with(r#"CMD ["/usr/bin/relay", "health"]"#));
        assert!(value(stage, "LABEL").unwrap().contains("org.opencontainers.image.licenses"));
        for (_, setting) in stage.iter().filter(|(word, _)| word == "ENV") {
            let name = setting.split('=').next().unwrap();
            assert!(is_setting(name), "{name}");
        }
        let owned = stage
            .iter()
            .any(|(word, rest)| word == "COPY" && rest.contains("--chown=65532:65532") && rest.ends_with("/data"));
        assert!(owned, "a new volume takes owner and mode from here");
    }
}

#[test]
fn what_is_copied_is_there() {
    let stages = stages();
    let copies = stages.iter().flatten().filter(|(word, rest)| word == "COPY" && !rest.contains("--from="));
    let mut count = 0;
    for (_, rest) in copies {
        let mut paths: Vec<_> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        paths.pop();
        for path in paths {
            count += 1;
            assert!(file(path).exists(), "{path}");
        }
    }
    assert!(count > 2);
    let ignored = read(".dockerignore");
    for name in [".git", "target", "**/.env"] {
        assert!(ignored.lines().any(|line| line == name), "{name} must never be in an image");
    }
}

#[test]
fn the_script_that_carries_it_out_knows_every_instruction() {
    let script = read("scripts/dockerfile-check");
    for (word, _) in stages().into_iter().flatten() {
        let known = script
            .lines()
            .map(str::trim)
            .filter_map(|line| line.split_once(')'))
            .any(|(words, _)| words.split(" | ").any(|each| each == word));
        assert!(known, "{word}");
    }
    let output = Command::new("bash").arg("-n").arg(file("scripts/dockerfile-check")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
