//! A request and its answer for each operation. They are data, in `examples.json`; a test sends every request to a running relay.

use serde_json::{Map, Value};

use super::common::operations;

/// By operation: `path`, `query`, `header` and `body` of a request, the `status` and the `answer` it gets.
fn examples() -> Map<String, Value> {
    serde_json::from_str(include_str!("examples.json")).expect("the examples are JSON")
}

/// Puts every example where the document has a place for it.
pub(super) fn apply(document: &mut Value) {
    let examples = examples();
    for (_, _, operation) in operations(document) {
        let example = operation["operationId"].as_str().and_then(|name| examples.get(name));
        if let Some(example) = example {
            show(operation, example);
        }
    }
}

fn show(operation: &mut Map<String, Value>, example: &Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let (place, name) =
            (parameter["in"].as_str().unwrap_or_default(), parameter["name"].as_str().unwrap_or_default());
        let value = example.get(place).and_then(|values| values.get(name)).cloned();
        if let Some(value) = value {
            parameter["example"] = value;
        }
    }
    if let Some(body) = example.get("body") {
        put(operation.get_mut("requestBody"), body);
    }
    if let Some(answer) = example.get("answer") {
        let status = example["status"].to_string();
        put(operation.get_mut("responses").and_then(|responses| responses.get_mut(status)), answer);
    }
}

/// Shows an example in whatever form a body may have.
fn put(body: Option<&mut Value>, example: &Value) {
    let contents = body.and_then(|body| body.get_mut("content")).and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(Map::values_mut) {
        content["example"] = example.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_belong_to_operations() {
        let mut document: Value = serde_json::from_str(super::super::document()).unwrap();
        let names: Vec<_> =
            operations(&mut document).map(|(_, _, operation)| operation["operationId"].clone()).collect();
        for (name, example) in examples() {
            assert!(names.contains(&Value::from(name.as_str())), "{name}");
            assert!(example["status"].is_u64(), "{name}");
        }
    }
}
