//! The files for proxies: each is given to its program, and a relay behind it works as it does without.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use relay_testing::{TempFolder, eventually};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::program::{file, read};

const KEY: &str = "key-of-this-test";

/// A program of Debian's: on PATH, where root finds it, or unpacked by the set-up.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let unpacked = ["target/tools/usr/sbin", "target/tools/usr/bin"].map(file);
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).chain(unpacked);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not there: run scripts/setup --tests"))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A relay on a port of its own.
async fn relay(folder: &Path, http: &Client) -> (Running, u16) {
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command.arg("serve").current_dir(folder).env_clear();
    command.env("HOST", "127.0.0.1").env("PORT", port.to_string()).env("API_KEY", KEY);
    let running = Running::start(&mut command);
    answers(http, port, "/readyz").await;
    (running, port)
}

async fn answers(http: &Client, port: u16, path: &str) {
    let url = format!("http://127.0.0.1:{port}{path}");
    eventually(path, async || http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success())).await;
}

/// nginx around a site's file, with everything it writes in a folder.
fn nginx(site: &str, folder: &Path) -> Command {
    let at = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = kinds.map(|kind| format!("{kind}_temp_path {at}/{kind};")).join(" ");
    let whole = format!(
        "daemon off; pid {at}/pid; error_log {at}/error.log; events {{}} http {{ {temporary} include {at}/site.conf; }}"
    );
    let site = site
        .replace("/etc/letsencrypt/live/relay.example.com", &at.to_string())
        .replace("/var/log/nginx", &at.to_string());
    std::fs::write(folder.join("site.conf"), site).unwrap();
    std::fs::write(folder.join("nginx.conf"), whole).unwrap();
    let mut command = Command::new(program("nginx"));
    command.arg("-e").arg(folder.join("error.log")).arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    command
}

fn caddy(config: &str, folder: &Path, verb: &str) -> Command {
    std::fs::write(folder.join("Caddyfile"), config).unwrap();
    let mut command = Command::new(program("caddy"));
    command.arg(verb).arg("--config").arg(folder.join("Caddyfile")).args(["--adapter", "caddyfile"]);
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What the relay needs of whatever stands in front of it, asked at the proxy's own port.
async fn passes_what_it_must(http: &Client, port: u16) {
    let base = format!("http://127.0.0.1:{port}");
    answers(http, port, "/livez?token=hunter22").await;
    for path in ["/metrics", "/healthz", "/health"] {
        let answer = http.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    // just below what the relay takes, and over what nginx takes by itself
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(1_900_000));
    let long = http.post(format!("{base}/session?token=hunter22")).header("Api-Key", KEY).body(long);
    let (status, code) = problem(long.header("content-type", "application/json")).await;
    assert!(matches!(status, 400 | 422), "{status} {code}");

    let form = http.post(format!("{base}/console/sign-in")).header("origin", &base);
    let form = form.header("content-type", "application/x-www-form-urlencoded").body(format!("key={KEY}"));
    let inside = form.send().await.unwrap();
    assert_eq!(inside.status(), StatusCode::SEE_OTHER, "the console refuses a form: the proxy hides its address");
    let cookie = inside.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut live = http.get(format!("{base}/console/live")).header("cookie", cookie).send().await.unwrap();
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    let first = live.chunk().await.unwrap().expect("the first word comes at once");
    assert!(String::from_utf8_lossy(&first).contains("changed"), "{first:?}");
}

/// Status and code of a refusal, which has to come from the relay itself.
async fn problem(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let problem: Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}, and not from the relay: {text}"));
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn nginx_stands_in_front() {
    let folder = TempFolder::new();
    let site = read("packaging/proxy/nginx.conf");
    let mut certificate = Command::new("openssl");
    certificate.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]);
    certificate.args(["-subj", "/CN=relay.example.com", "-keyout", "privkey.pem", "-out", "fullchain.pem"]);
    succeeds(certificate.current_dir(folder.path()));
    succeeds(nginx(&site, folder.path()).arg("-t"));

    let http = relay_engine::http::client().unwrap();
    let (_relay, behind) = relay(folder.path(), &http).await;
    let front = free_port();
    // without https, which this client would not believe
    let plain: String = site
        .lines()
        .filter(|line| !line.contains("ssl_certificate") && !line.contains("listen [::]"))
        .collect::<Vec<_>>()
        .join("\n");
    let plain = plain
        .replace("listen 80;", &format!("listen 127.0.0.1:{};", free_port()))
        .replace("listen 443 ssl http2;", &format!("listen 127.0.0.1:{front};"))
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{behind}"));
    let _nginx = Running::start(&mut nginx(&plain, folder.path()));
    passes_what_it_must(&http, front).await;
    let log = std::fs::read_to_string(folder.path().join("relay.log")).unwrap();
    assert!(log.contains("\"POST /session\" 4"), "{log}");
    assert!(!log.contains("hunter22"), "a webhook's secret is in the log: {log}");
}

#[tokio::test]
async fn caddy_stands_in_front() {
    let folder = TempFolder::new();
    let config = read("packaging/proxy/Caddyfile");
    succeeds(&mut caddy(&config, folder.path(), "validate"));

    let http = relay_engine::http::client().unwrap();
    let (_relay, behind) = relay(folder.path(), &http).await;
    let front = free_port();
    let plain = config
        .replace("relay.example.com {", &format!("{{\n\tadmin off\n}}\n\nhttp://127.0.0.1:{front} {{"))
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{behind}"));
    let _caddy = Running::start(&mut caddy(&plain, folder.path(), "run"));
    passes_what_it_must(&http, front).await;
}

/// Traefik is in no Debian; what can be wrong without it is looked at.
#[test]
fn traefik_leads_to_what_is_there() {
    let text = read("packaging/proxy/traefik.yml");
    let file: Value = serde_norway::from_str(&text).unwrap();
    let (router, services) = (&file["http"]["routers"]["relay"], &file["http"]["services"]);
    let rule = router["rule"].as_str().unwrap();
    assert_eq!(rule.matches('(').count(), rule.matches(')').count());
    assert_eq!(rule.matches('`').count() % 2, 0);
    for path in ["/metrics", "/healthz", "/health"] {
        assert!(rule.contains(&format!("!Path(`{path}`)")), "{path}");
    }
    let balancer = &services[router["service"].as_str().unwrap()]["loadBalancer"];
    assert_eq!(balancer["servers"][0]["url"], "http://127.0.0.1:8080");
    assert_eq!(
        (&balancer["passHostHeader"], &balancer["healthCheck"]["path"]),
        (&Value::Bool(true), &Value::from("/readyz"))
    );
    assert!(file["http"].get("middlewares").is_none(), "buffering would hold live pages back");
}
