//! The description of the API: current, complete, and true of a running relay.

use std::collections::BTreeSet;

use relay_sim::AgentMessage;
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::{customer_text, post_json};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
const KEY: &str = "test-api-key";

/// Operations in the order in which their examples make sense.
const IN_ORDER: [&str; 38] = [
    "createSession",
    "connectSession",
    "listSessions",
    "showSession",
    "showSides",
    "mendSides",
    "changeSession",
    "codechatWebhook",
    "chatwootWebhook",
    "listMessages",
    "showMessage",
    "listDead",
    "groupDead",
    "exportDead",
    "showDead",
    "retryDead",
    "retryMessage",
    "retryManyDead",
    "dropDead",
    "dropManyDead",
    "examine",
    "makeConsoleLink",
    "fetchFile",
    "fetchEcho",
    "sendEcho",
    "live",
    "ready",
    "health",
    "healthAlias",
    "metrics",
    "describe",
    "reference",
    "referenceStyle",
    "introduceRelay",
    "showDashboardApp",
    "pauseSession",
    "resumeSession",
    "removeSession",
];

fn document() -> Value {
    serde_json::from_str(relay_http::openapi()).unwrap()
}

struct Operation {
    method: Method,
    path: String,
    said: Value,
}

fn operations() -> Vec<Operation> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().clone();
    let all = paths.into_iter().flat_map(|(path, item)| {
        let item: Map<String, Value> = item.as_object().unwrap().clone();
        item.into_iter().map(move |(method, said)| Operation {
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            said,
        })
    });
    all.collect()
}

fn operation(name: &str) -> Operation {
    operations().into_iter().find(|operation| operation.said["operationId"] == name).unwrap()
}

/// With `UPDATE_OPENAPI=1` it is written anew.
#[test]
fn the_committed_document_is_current() {
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(COMMITTED, relay_http::openapi()).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap();
    assert!(committed == relay_http::openapi(), "docs/openapi.json is old: run this test with UPDATE_OPENAPI=1");
}

/// Routes are written as `.route("/path", get(…).post(…))`, in one file.
#[test]
fn every_route_is_described_and_nothing_else() {
    let source = include_str!("../../../relay-http/src/lib.rs");
    let mut routes = BTreeSet::new();
    for route in source.split(".route(\"").skip(1) {
        let (path, rest) = route.split_once('"').unwrap();
        let handlers = rest.split([';', '\n']).next().unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    assert!(routes.len() >= IN_ORDER.len(), "the routes were not found: {routes:?}");
    let told: BTreeSet<_> = operations().iter().map(|said| format!("{} {}", said.method, said.path)).collect();
    assert_eq!(routes, told);
}

#[test]
fn every_operation_has_an_example() {
    let tried: BTreeSet<_> = IN_ORDER.map(str::to_owned).into();
    let told: BTreeSet<_> =
        operations().iter().map(|said| said.said["operationId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tried, told);
}

/// What examples cannot know: ids and secrets of this relay.
struct Real {
    inbox: u64,
    delivered: String,
    dead: Vec<String>,
}

impl Real {
    fn put_into(&self, app: &TestApp, name: &str, value: &Value) -> String {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match (name, text.as_str()) {
            ("event", _) if self.dead.is_empty() => self.delivered.clone(),
            ("event", _) => self.dead.last().unwrap().clone(),
            ("token", "fJ0wXq…") => token_of(&app.codechat.webhook_url("loja").unwrap()),
            ("token", "mZ4cTr…") => token_of(&app.chatwoot.webhook_url(self.inbox).unwrap()),
            _ => text,
        }
    }
}

fn token_of(url: &str) -> String {
    url.split_once("token=").unwrap().1.to_owned()
}

/// Sends the example of an operation; returns the status that it should have, the one it has, and the answer.
async fn send(app: &TestApp, real: &Real, operation: &Operation) -> (String, StatusCode, Value) {
    let mut path = operation.path.clone();
    let (mut query, mut headers) = (Vec::new(), Vec::new());
    for parameter in operation.said["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
        if example.is_null() {
            assert!(parameter["in"] != "path", "{path} has no example of {name}");
            continue;
        }
        let value = real.put_into(app, name, example);
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &value),
            "query" => query.push((name.to_owned(), value)),
            _ => headers.push((name.to_owned(), value)),
        }
    }
    let mut request = app
        .http()
        .request(operation.method.clone(), app.base.join(&path).unwrap())
        .query(&query)
        .header("api-key", KEY);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut body = operation.said["requestBody"]["content"]["application/json"]["example"].clone();
    if !body.is_null() {
        if body.pointer("/chatwoot/inbox_id").is_some() {
            body["chatwoot"]["inbox_id"] = json!(real.inbox);
            body["chatwoot"]["token"] = json!(app.token);
        }
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    let expected = documented_status(operation);
    (expected, status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The status of the answer that has an example, else the one that is no error.
fn documented_status(operation: &Operation) -> String {
    let responses = operation.said["responses"].as_object().unwrap();
    let has_example = |response: &Value| {
        response["content"].as_object().is_some_and(|kinds| kinds.values().any(|kind| kind.get("example").is_some()))
    };
    let by_example = responses.iter().find(|(_, response)| has_example(response));
    let fine = || responses.iter().find(|(status, _)| status.starts_with('2')).unwrap();
    by_example.unwrap_or_else(fine).0.clone()
}

/// Every field of the answer is described, and every field that always comes has come.
fn check(document: &Value, schema: &Value, answer: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return check(document, &document["components"]["schemas"][name], answer, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| (choice["type"] == "null") == answer.is_null());
        return choice.into_iter().for_each(|choice| check(document, choice, answer, at));
    }
    if let (Some(items), Some(values)) = (schema.get("items"), answer.as_array()) {
        return values.iter().for_each(|value| check(document, items, value, &format!("{at}[]")));
    }
    let Some(fields) = answer.as_object() else { return };
    let mut known = Map::new();
    properties(document, schema, &mut known);
    if known.is_empty() {
        return;
    }
    for (name, value) in fields {
        let schema = known.get(name).unwrap_or_else(|| panic!("{at}.{name} is not described"));
        check(document, schema, value, &format!("{at}.{name}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(fields.contains_key(name.as_str().unwrap()), "{at}.{name} did not come");
    }
}

fn properties(document: &Value, schema: &Value, known: &mut Map<String, Value>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return properties(document, &document["components"]["schemas"][name], known);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        properties(document, part, known);
    }
    known.extend(schema["properties"].as_object().cloned().unwrap_or_default());
}

/// An agent's message to a contact without a number, which dies at once.
async fn die(app: &TestApp, real: &mut Real) {
    let contact = app.chatwoot.add_contact(app.account, "Sem número", None, None).unwrap();
    let url = format!("{}/api/v1/accounts/{}/conversations", app.chatwoot.base_url(), app.account);
    let new = json!({ "inbox_id": real.inbox, "contact_id": contact });
    let made = app.http().post(url).header("api_access_token", &app.token).json(&new).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    app.chatwoot.agent_sends(made["id"].as_u64().unwrap(), AgentMessage::text("oi")).unwrap();
    app.until("it to die", async || dead(app).await.len() > real.dead.len()).await;
    real.dead = dead(app).await;
    real.dead.reverse();
}

async fn dead(app: &TestApp) -> Vec<String> {
    let (_, page) = app.call(Method::GET, "/api/v1/dead", None).await;
    page["data"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_example_gets_the_answer_it_says() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    let mut real = Real { inbox: app.inbox, delivered: String::new(), dead: Vec::new() };
    let document = document();
    for name in IN_ORDER {
        match name {
            "connectSession" => app.codechat.scan_qr("loja", "5511988887777"),
            "listMessages" => {
                app.until("a message", async || !app.relayed().is_empty()).await;
                let webhook = app.codechat.webhook_url("loja").unwrap();
                let mut text = customer_text("3EB0EXAMPLE", "Olá");
                text["instance"]["name"] = json!("loja");
                assert_eq!(post_json(&app, &webhook, text.to_string()).await, StatusCode::OK);
                app.until("both", async || app.relayed().len() == 2).await;
                app.settle().await;
                let (_, page) = app.call(Method::GET, "/api/v1/messages?direction=in", None).await;
                page["data"][0]["id"].as_str().unwrap().clone_into(&mut real.delivered);
            }
            // one that was tried again is dead again in a moment, or not yet
            "listDead" | "retryMessage" | "retryManyDead" | "dropDead" => die(&app, &mut real).await,
            _ => {}
        }
        let operation = operation(name);
        let (expected, status, answer) = send(&app, &real, &operation).await;
        assert_eq!(expected, status.as_u16().to_string(), "{name}: {answer}");
        let contents = operation.said["responses"][&expected]["content"].as_object().cloned().unwrap_or_default();
        for (kind, content) in contents.iter().filter(|(kind, _)| kind.ends_with("json")) {
            assert!(!answer.is_null(), "{name}: {kind}");
            check(&document, &content["schema"], &answer, name);
            if let Some(example) = content.get("example") {
                check(&document, &content["schema"], example, &format!("the example of {name}"));
            }
        }
    }
    app.finish().await;
}

/// Everything that can be wrong before a handler begins, at every address.
#[tokio::test]
async fn every_refusal_is_a_problem() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    let mut tried = 0;
    for operation in operations() {
        let has_path = operation.path.contains('{');
        let somewhere = |word: &str| {
            let parts = operation.path.split('/').map(|part| if part.starts_with('{') { word } else { part });
            app.base.join(&parts.collect::<Vec<_>>().join("/")).unwrap()
        };
        let mut requests = vec![
            (Method::PUT, somewhere("nobody"), Some(KEY), "", StatusCode::METHOD_NOT_ALLOWED),
            (
                Method::GET,
                app.base.join(&format!("{}/there/is/nothing", operation.path)).unwrap(),
                Some(KEY),
                "",
                StatusCode::NOT_FOUND,
            ),
        ];
        if operation.said["security"].is_array() {
            requests.push((operation.method.clone(), somewhere("nobody"), None, "", StatusCode::UNAUTHORIZED));
            requests.push((operation.method.clone(), somewhere("nobody"), Some("wrong"), "", StatusCode::UNAUTHORIZED));
        }
        if has_path {
            requests.push((operation.method.clone(), somewhere("%FF"), Some(KEY), "{}", StatusCode::BAD_REQUEST));
        }
        for (method, url, key, body, expected) in requests {
            let mut request = app.http().request(method.clone(), url.clone()).body(body);
            request = request.header("content-type", "application/json");
            if let Some(key) = key {
                request = request.header("api-key", key);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status();
            // the doors and files have one answer to all strangers
            let is_expected =
                status == expected || (expected == StatusCode::BAD_REQUEST && status == StatusCode::NOT_FOUND);
            assert!(is_expected, "{method} {url}: {status}");
            is_problem(answer, &format!("{method} {url}")).await;
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
    for (method, path) in [
        (Method::DELETE, "/session/loja?force=perhaps"),
        (Method::GET, "/session?limit=many"),
        (Method::GET, "/session?colour=red"),
        (Method::GET, "/api/v1/dead?limit=-1"),
        (Method::GET, "/api/v1/messages?limit=1&limit=2"),
    ] {
        let url = app.base.join(path).unwrap();
        let answer = app.http().request(method, url).header("api-key", KEY).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        is_problem(answer, path).await;
    }
    app.finish().await;
}

async fn is_problem(answer: reqwest::Response, what: &str) {
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{what}");
    if status == 405 {
        assert!(answer.headers().contains_key("allow"), "{what}");
    }
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], json!(status), "{what}: {body}");
    assert!(["code", "title", "detail", "type"].iter().all(|name| body[name].is_string()), "{what}: {body}");
}

#[tokio::test]
async fn the_reference_needs_nothing_from_elsewhere() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    let answer = app.http().get(app.base.join("/reference").unwrap()).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    let page = answer.text().await.unwrap();
    for name in IN_ORDER {
        assert!(page.contains(&format!("<article id=\"{name}\">")), "{name}");
    }
    let tags: Vec<_> = page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap()).collect();
    let lives = |tag: &&&str| tag.starts_with("script") || tag.contains(" style=") || tag.contains(" on");
    assert_eq!(tags.iter().find(lives), None);
    for link in page.split("href=\"").skip(1).map(|link| link.split('"').next().unwrap()) {
        match link.strip_prefix('#') {
            Some(anchor) => assert!(page.contains(&format!("id=\"{anchor}\"")), "{link}"),
            None => assert!(["/reference.css", "/openapi.json"].contains(&link), "{link}"),
        }
    }
    assert!(page.len() < 200_000, "{}", page.len());
    app.finish().await;
}
