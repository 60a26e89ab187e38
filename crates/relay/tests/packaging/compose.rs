//! The compose files: whole, safe, with settings that the program knows, and with the traps of both sides avoided.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use relay_testing::TempFolder;
use serde_json::Value;

use crate::program::{is_setting, read};

const FILES: [&str; 2] = ["packaging/compose/relay.yml", "packaging/compose/full.yml"];

/// A compose file with its merge keys resolved.
fn parsed(name: &str) -> Value {
    let merged = |text: &str| {
        let mut file: serde_norway::Value = serde_norway::from_str(text)?;
        file.apply_merge().map(|()| file)
    };
    let file = merged(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::to_value(file).unwrap()
}

fn services(file: &Value) -> impl Iterator<Item = (&String, &Value)> {
    file["services"].as_object().expect("services").iter()
}

/// The keys of a map, or the words of a list.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map.keys().cloned().collect(),
        Value::Array(list) => list.iter().map(|word| word.as_str().unwrap().to_owned()).collect(),
        Value::Null => Vec::new(),
        other => panic!("neither map nor list: {other}"),
    }
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().map(|list| list.iter().map(|word| word.as_str().unwrap()).collect()).unwrap_or_default()
}

/// The environment of a service: text alone, so that nothing is read as a number or as true.
fn environment(service: &Value) -> BTreeMap<&str, &str> {
    let map = service["environment"].as_object().expect("the environment is a map");
    assert!(map.values().all(Value::is_string), "{map:?}");
    map.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
}

/// Names in `${…}`.
fn variables(text: &str) -> BTreeSet<String> {
    let end = |sign: char| !(sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_');
    text.split("${").skip(1).map(|rest| rest.split(end).next().unwrap().to_owned()).collect()
}

/// A value as compose fills it in: a default where there is one, else a word.
fn filled(value: &str) -> String {
    let mut pieces = value.split("${");
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (inside, rest) = piece.split_once('}').unwrap();
        text.push_str(inside.split_once(":-").map_or("0123456789abcdef0123456789abcdef", |(_, usual)| usual));
        text.push_str(rest);
    }
    text
}

#[test]
fn everything_that_is_named_is_there() {
    for name in FILES {
        let file = parsed(name);
        let networks = names(&file["networks"]);
        let volumes = names(&file["volumes"]);
        let mut mounted = BTreeSet::new();
        for (service, told) in services(&file) {
            for network in names(&told["networks"]) {
                assert!(networks.contains(&network), "{name}: {service} in {network}");
            }
            for mount in words(&told["volumes"]) {
                let volume = mount.split(':').next().unwrap();
                assert!(volumes.iter().any(|each| each == volume), "{name}: {service} mounts {volume}");
                mounted.insert(volume.to_owned());
            }
            for (needed, how) in told["depends_on"].as_object().into_iter().flatten() {
                let needed_service = &file["services"][needed];
                assert!(needed_service.is_object(), "{name}: {service} needs {needed}");
                match how["condition"].as_str().unwrap() {
                    "service_healthy" => assert!(needed_service["healthcheck"].is_object(), "{name}: {needed}"),
                    "service_completed_successfully" => assert_eq!(needed_service["restart"], "no", "{name}: {needed}"),
                    other => panic!("{name}: {service} waits until {needed} is {other}"),
                }
            }
        }
        assert_eq!(mounted, volumes.into_iter().collect(), "{name}: volumes that nobody mounts");
    }
}

#[test]
fn what_runs_is_watched_kept_running_and_confined() {
    for name in FILES {
        let file = parsed(name);
        for (service, told) in services(&file) {
            let context = format!("{name}: {service}");
            assert!(words(&told["security_opt"]).contains(&"no-new-privileges:true"), "{context}");
            let image = told["image"].as_str().expect(&context);
            assert!(
                told["build"].is_object() || image.contains(':') && !image.ends_with(":latest"),
                "{context}: {image}"
            );
            if told["restart"] != "no" {
                assert_eq!(told["restart"], "unless-stopped", "{context}");
                let test = words(&told["healthcheck"]["test"]);
                assert!(matches!(test[0], "CMD" | "CMD-SHELL") && test.len() > 1, "{context}: {test:?}");
            }
            for port in words(&told["ports"]) {
                assert!(port.starts_with("127.0.0.1:"), "{context} is open to everybody: {port}");
            }
        }
        let relay = &file["services"]["relay"];
        assert_eq!(relay["read_only"], true, "{name}");
        assert_eq!(words(&relay["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(words(&relay["tmpfs"]), ["/tmp"], "{name}");
        assert!(words(&relay["volumes"]).iter().any(|mount| mount.ends_with(":/data")), "{name}");
        assert_eq!(words(&relay["healthcheck"]["test"]), ["CMD", "/usr/bin/relay", "health"], "{name}");
        assert_eq!(relay["build"]["dockerfile"], "packaging/Dockerfile", "{name}");
    }
}

/// The program is started with what the file gives it: names and values are both right, or it would refuse to look.
#[test]
fn the_relays_settings_are_the_programs() {
    for name in FILES {
        let file = parsed(name);
        let given = environment(&file["services"]["relay"]);
        for setting in given.keys() {
            assert!(is_setting(setting), "{name}: the relay knows no {setting}");
        }
        let folder = TempFolder::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
        command.args(["--port", "1", "health"]).current_dir(folder.path()).env_clear();
        let output = command.envs(given.iter().map(|(name, value)| (name, filled(value)))).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains("no relay answers"), "{name}: {said}");
    }
}

#[test]
fn the_example_names_every_variable_and_no_other() {
    let example = read("packaging/compose/full.env.example");
    let lines = example.lines().map(|line| line.strip_prefix("#").unwrap_or(line));
    let told = lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name.to_owned());
    assert_eq!(told.collect::<BTreeSet<_>>(), variables(&read("packaging/compose/full.yml")));
    assert!(variables(&read("packaging/compose/relay.yml")).is_empty(), "it needs no file of variables");
}

#[test]
fn the_traps_of_chatwoot_are_avoided() {
    let file = parsed("packaging/compose/full.yml");
    let services = &file["services"];
    let (rails, sidekiq) = (&services["rails"], &services["sidekiq"]);
    assert_eq!(environment(rails), environment(sidekiq), "what one knows the other has to know");
    let told = environment(rails);
    assert_eq!((told["SAFE_FETCH_ALLOW_PRIVATE_NETWORK"], told["FORCE_SSL"]), ("true", "false"));
    assert_eq!(rails["volumes"], sidekiq["volumes"]);
    assert!(services["chatwoot-postgres"]["image"].as_str().unwrap().starts_with("pgvector/"));
    let version = rails["image"].as_str().unwrap().split_once(":v").unwrap().1;
    let version: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    assert!(version >= vec![4, 14, 2], "{version:?}");
    let relay = environment(&services["relay"]);
    assert_eq!(relay["CHATWOOT_URL"], "http://rails:3000");
    assert!(words(&rails["command"]).contains(&"3000"));
}

#[test]
fn the_traps_of_codechat_are_avoided() {
    let file = parsed("packaging/compose/full.yml");
    let services = &file["services"];
    let codechat = &services["codechat"];
    let told = environment(codechat);
    for (name, value) in [
        ("DATABASE_SAVE_DATA_NEW_MESSAGE", "true"),
        ("DATABASE_SAVE_MESSAGE_UPDATE", "true"),
        ("AUTHENTICATION_JWT_EXPIRES_IN", "0"),
        ("INSTANCE_EXPIRATION_TIME", "false"),
        ("WEBHOOK_GLOBAL_ENABLED", "false"),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert!(codechat.get("ports").is_none(), "several of its routes ask for no key");
    let around: BTreeSet<_> = names(&codechat["networks"]).into_iter().collect();
    for (service, of_it) in self::services(&file) {
        let shares = names(&of_it["networks"]).iter().any(|network| around.contains(network));
        let may = ["relay", "codechat", "codechat-postgres"].contains(&service.as_str());
        assert_eq!(shares, may, "{service}");
    }
    let relay = environment(&services["relay"]);
    assert_eq!(relay["CODECHAT_URL"], format!("http://codechat:{}", told["SERVER_PORT"]));
    assert_eq!(relay["CODECHAT_KEY"], told["AUTHENTICATION_GLOBAL_AUTH_TOKEN"]);
    for (address, network) in [("CODECHAT_CALLBACK_URL", "codechat"), ("API_URL", "chatwoot")] {
        let url = url::Url::parse(&filled(relay[address])).unwrap();
        let host = url.host_str().unwrap();
        assert!(host.contains('.') && !host.contains('_'), "CodeChat fetches nothing from {host}");
        assert!(words(&services["relay"]["networks"][network]["aliases"]).contains(&host), "{host} in {network}");
        assert_eq!(url.port(), Some(8080));
    }
}
