//! The Debian package, built with a program that is there anyway, and the files of systemd in it.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use relay_testing::TempFolder;

use crate::program::{file, read};

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// What a program printed, once it ended well.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[expect(clippy::print_stderr, reason = "what is not tried is said out loud")]
fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("NOT TRIED: {program} is not installed");
    }
    found
}

#[test]
fn the_package_holds_what_the_service_needs() {
    if !is_installed("dpkg-deb") {
        return;
    }
    let folder = TempFolder::new();
    let out = folder.path().to_str().unwrap();
    let package = said(file("scripts/deb").to_str().unwrap(), &["--binary", "/bin/true", "--out", out]);
    let package = package.trim();

    let list = said("dpkg-deb", &["-c", package]);
    let modes: BTreeMap<&str, &str> = list
        .lines()
        .map(|line| (line.rsplit_once(" .").unwrap().1, line))
        .map(|(path, line)| (path, line.split(' ').next().unwrap()))
        .collect();
    for (path, mode) in [
        ("/usr/bin/relay", "-rwxr-xr-x"),
        ("/usr/sbin/relayctl", "-rwxr-xr-x"),
        ("/usr/lib/systemd/system/relay.service", "-rw-r--r--"),
        ("/usr/lib/systemd/system/relay.socket", "-rw-r--r--"),
        ("/usr/lib/sysusers.d/relay.conf", "-rw-r--r--"),
        ("/usr/lib/tmpfiles.d/relay.conf", "-rw-r--r--"),
        ("/usr/share/man/man8/relayctl.8.gz", "-rw-r--r--"),
        ("/usr/share/doc/relay/copyright", "-rw-r--r--"),
        ("/usr/share/doc/relay/changelog.gz", "-rw-r--r--"),
        ("/usr/share/doc/relay/NOTICE", "-rw-r--r--"),
    ] {
        assert_eq!(modes.get(path), Some(&mode), "{path} in:\n{list}");
    }
    assert!(list.lines().all(|line| line.contains(" root/root ")), "{list}");

    let field = |name: &str| said("dpkg-deb", &["-f", package, name]).trim().to_owned();
    assert_eq!(field("Package"), "relay");
    assert_eq!(field("Version"), env!("CARGO_PKG_VERSION"));
    assert!(field("Depends").contains("libc6") && field("Depends").ends_with(", systemd"), "{}", field("Depends"));
    assert!(field("Maintainer").contains('@'));
    for script in ["postinst", "prerm", "postrm"] {
        let text = said("dpkg-deb", &["-I", package, script]);
        assert!(text.starts_with("#!/bin/sh\nset -e\n"), "{script}");
        said("sh", &["-n", file(&format!("packaging/deb/{script}")).to_str().unwrap()]);
    }
    if is_installed("lintian") {
        let complaints = run("lintian", &["--fail-on", "error", package]);
        assert!(complaints.status.success(), "{}", String::from_utf8_lossy(&complaints.stdout));
    }
}

/// The value of a setting in a unit, where it is once.
fn unit_value(unit: &str, name: &str) -> String {
    let text = read(&format!("packaging/systemd/{unit}"));
    let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect();
    assert_eq!(lines.len(), 1, "{name} in {unit}");
    lines[0].to_owned()
}

/// The words of the only line that counts of each kind.
fn lines_of(name: &str) -> Vec<Vec<String>> {
    let text = read(&format!("packaging/systemd/{name}"));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn user_and_folders_are_the_same_everywhere() {
    let user = unit_value("relay.service", "User");
    let users = lines_of("relay.sysusers");
    assert_eq!(users.len(), 1);
    assert_eq!((users[0][0].as_str(), &users[0][1]), ("u", &user));
    let state = format!("/var/lib/{}", unit_value("relay.service", "StateDirectory"));
    assert_eq!(users[0].last(), Some(&state));
    let folders: Vec<_> = lines_of("relay.tmpfiles").into_iter().map(|line| line[..5].join(" ")).collect();
    let settings = unit_value("relay.service", "WorkingDirectory");
    assert_eq!(folders, [format!("d {settings} 0700 {user} {user}"), format!("d {state} 0700 {user} {user}")]);
    let control = read("packaging/deb/relayctl");
    for line in [format!("cd {settings}"), format!("runuser -u {user} --"), format!("DATA_DIR:-{state}")] {
        assert!(control.contains(&line), "{line}");
    }
    said("sh", &["-n", file("packaging/deb/relayctl").to_str().unwrap()]);
}
