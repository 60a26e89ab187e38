//! What is the same for every route: the key, parameters in the path, and the form of errors.

use serde_json::{Map, Value, json};

/// Name of the header with the key, and of the scheme.
const KEY: &str = "Api-Key";
/// Where the key is asked for.
const GUARDED: [&str; 2] = ["/session", "/api/v1/"];

/// Parameters in paths, and what they are.
const IN_PATH: [(&str, &str); 4] = [
    ("session", "name of the session"),
    ("event", "id of the message"),
    ("token", "secret of the file"),
    ("word", "a word that the doctor waits for"),
];

/// Says it of every operation of a document.
pub(super) fn apply(document: &mut Value) {
    document["components"]["securitySchemes"][KEY] =
        json!({ "type": "apiKey", "in": "header", "name": KEY, "description": "the relay's `API_KEY`" });
    for (path, _, operation) in operations(document) {
        name_path_parameters(&path, operation);
        if GUARDED.iter().any(|prefix| path.starts_with(prefix)) {
            guard(operation);
        }
        shape_problems(operation);
    }
}

/// Every operation, with its address and method.
pub(super) fn operations(document: &mut Value) -> impl Iterator<Item = (String, String, &mut Map<String, Value>)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object_mut().into_iter().flatten();
        methods.filter_map(|(method, operation)| Some((path.clone(), method.clone(), operation.as_object_mut()?)))
    })
}

fn name_path_parameters(path: &str, operation: &mut Map<String, Value>) {
    for (name, what) in IN_PATH.into_iter().filter(|(name, _)| path.contains(&format!("{{{name}}}"))) {
        let parameter = json!({ "name": name, "in": "path", "required": true, "description": what, "schema": { "type": "string" } });
        parameters(operation).insert(0, parameter);
    }
}

fn parameters(operation: &mut Map<String, Value>) -> &mut Vec<Value> {
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    parameters.as_array_mut().expect("parameters are a list")
}

/// The key is asked for.
fn guard(operation: &mut Map<String, Value>) {
    operation.insert("security".to_owned(), json!([{ KEY: [] }]));
    add(operation, "401", "`wrong_api_key`");
    add(operation, "503", "`store_unavailable`");
}

/// Adds an answer, or another reason for one.
fn add(operation: &mut Map<String, Value>, status: &str, what: &str) {
    let description = match operation["responses"][status]["description"].as_str() {
        Some(known) => format!("{known}; {what}"),
        None => what.to_owned(),
    };
    operation["responses"][status]["description"] = json!(description);
}

/// Every error is a problem.
fn shape_problems(operation: &mut Map<String, Value>) {
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if status.starts_with(['4', '5']) {
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            response["content"] = json!({ "application/problem+json": { "schema": schema } });
        }
    }
}
