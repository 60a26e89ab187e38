//! The units for systemd: what they name is there, and systemd understands them where it is installed.

use std::path::PathBuf;
use std::process::Command;

fn unit(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/systemd")).join(name)
}

/// The values of a setting, in a section.
fn values(name: &str, section: &str, setting: &str) -> Vec<String> {
    let text = std::fs::read_to_string(unit(name)).unwrap();
    let mut inside = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix('['), line.split_once('=')) {
            (Some(rest), _) => rest.trim_end_matches(']').clone_into(&mut inside),
            (None, Some((name, value))) if inside == section && name == setting => found.push(value.to_owned()),
            (None, Some(_)) => {}
            (None, None) => panic!("{name}: {line}"),
        }
    }
    found
}

#[test]
fn the_units_fit_the_program() {
    let service = |setting: &str| values("relay.service", "Service", setting);
    assert_eq!(service("ExecStart"), ["/usr/bin/relay serve"]);
    assert_eq!(service("Type"), ["notify"]);
    assert_eq!(service("ExecReload"), ["/bin/kill -USR2 $MAINPID"]);
    assert_eq!(service("Restart"), ["always"]);
    assert_eq!(values("relay.service", "Unit", "Requires"), ["relay.socket"]);
    assert_eq!(values("relay.socket", "Socket", "ListenStream"), ["8080"]);
    // what the service may write to is where it writes
    assert_eq!(
        (service("StateDirectory"), service("Environment")),
        (vec!["relay".to_owned()], vec!["DATA_DIR=/var/lib/relay".to_owned()])
    );
}

#[test]
fn systemd_understands_them() {
    let mut command = Command::new("systemd-analyze");
    let Ok(output) = command.arg("verify").args([unit("relay.service"), unit("relay.socket")]).output() else {
        println!("NOT TRIED: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // the program is not installed where a package puts it
    let complaints: Vec<_> =
        said.lines().filter(|line| line.contains("relay.") && !line.contains("is not executable")).collect();
    assert_eq!(complaints, Vec::<&str>::new());
}
