//! Styles, script and icon, in the program itself. Their addresses change with their content, so browsers may keep them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

const STYLE: &[u8] = include_bytes!("../assets/console.css");
const SCRIPT: &[u8] = include_bytes!("../assets/console.js");
const INSIDE: &[u8] = include_bytes!("../assets/inside.js");
const ICON: &[u8] = include_bytes!("../assets/icon.svg");

/// What the present content is told by.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let hash =
            Sha256::new().chain_update(STYLE).chain_update(SCRIPT).chain_update(INSIDE).chain_update(ICON).finalize();
        BASE64_URL_SAFE_NO_PAD.encode(&hash[..6])
    });
    &VERSION
}

pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    let (kind, bytes) = match file.as_str() {
        "console.css" => ("text/css; charset=utf-8", STYLE),
        "console.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "inside.js" => ("text/javascript; charset=utf-8", INSIDE),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let keep = "public, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)], bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_together_is_small() {
        let templates: u64 = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(templates + (STYLE.len() + SCRIPT.len() + INSIDE.len() + ICON.len()) as u64 <= 200_000);
    }
}
