//! One page of a headless Chromium, driven over the `DevTools` protocol: a few calls, and not worth the minutes that compiling a
//! client for all of the protocol takes.
//!
//! Invariant: no page reports a breach of its policy, an uncaught error, or a dialog; that is looked at after every step.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt, StreamExt};
use relay_testing::TempFolder;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(30);
/// Steps of the Tab key within which everything on a page is met.
const STOPS: usize = 150;
/// Where pictures are put.
const PICTURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/console");
/// Collects breaches of the policy from the first byte of a page on.
const WATCH: &str = "window.breaches = []; addEventListener('securitypolicyviolation', \
                     event => breaches.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));";

/// A browser with one page.
pub(crate) struct Chromium {
    process: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The page, as the protocol names it.
    page: String,
    calls: u64,
    loads: usize,
    /// Where expressions are evaluated: in the page, or in a frame of it.
    context: Option<Value>,
    base: Url,
    _folder: TempFolder,
}

impl Chromium {
    pub(crate) async fn start(base: &Url) -> Self {
        let folder = TempFolder::new();
        let process = launch(folder.path());
        let address = address(folder.path()).await;
        let (socket, _) = connect_async(address).await.unwrap();
        let (calls, loads, page) = (0, 0, String::new());
        let base = base.clone();
        let mut browser = Self { process, socket, page, calls, loads, context: None, base, _folder: folder };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach).await;
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.page);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        browser.call("Emulation.setLocaleOverride", json!({ "locale": "en-US" })).await;
        std::fs::create_dir_all(PICTURES).unwrap();
        browser
    }

    pub(crate) async fn close(mut self) {
        self.check().await;
        self.call("Browser.close", json!({})).await;
        self.process.wait().await.unwrap();
    }

    /// Opens a page of the relay and waits until it is there.
    pub(crate) async fn open(&mut self, path: &str) {
        if self.loads > 0 {
            self.check().await;
        }
        self.context = None;
        let loads = self.loads;
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        self.call("Page.navigate", json!({ "url": url })).await;
        while self.loads == loads {
            self.receive().await;
        }
        self.check().await;
    }

    /// The value of an expression, of a promise its result.
    pub(crate) async fn eval(&mut self, expression: &str) -> Value {
        let mut params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        self.place(&mut params);
        let result = self.call("Runtime.evaluate", params).await;
        assert!(result.get("exceptionDetails").is_none(), "{expression:.200}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true, on whatever page is there then.
    pub(crate) async fn until(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut params = json!({ "expression": expression, "returnByValue": true });
            self.place(&mut params);
            // the page may be on its way out
            let result = self.try_call("Runtime.evaluate", params).await;
            if result.is_ok_and(|result| result["result"]["value"] == true) {
                break;
            }
            assert!(Instant::now() < deadline, "waited for {expression} on {}", self.text().await);
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        self.until_complete().await;
        self.check().await;
    }

    /// From here on expressions are evaluated in the page's frame of this address, until another page is opened.
    pub(crate) async fn enter_frame(&mut self, address: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let tree = self.call("Page.getFrameTree", json!({})).await;
            let frames = tree["frameTree"]["childFrames"].as_array().cloned().unwrap_or_default();
            let is_it = |frame: &&Value| frame["frame"]["url"].as_str().is_some_and(|url| url.starts_with(address));
            if let Some(frame) = frames.iter().find(is_it) {
                let world = self.call("Page.createIsolatedWorld", json!({ "frameId": frame["frame"]["id"] })).await;
                self.context = Some(world["executionContextId"].clone());
                return;
            }
            assert!(Instant::now() < deadline, "no frame of {address}: {tree}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    fn place(&self, params: &mut Value) {
        if let Some(context) = &self.context {
            params["contextId"] = context.clone();
        }
    }

    async fn until_complete(&mut self) {
        while self.eval("document.readyState").await != "complete" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn text(&mut self) -> Value {
        self.eval("location.href + ': ' + document.body.innerText").await
    }

    /// Presses a key.
    pub(crate) async fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            other => panic!("the key {other} is not known here"),
        };
        let event =
            |kind: &str| json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        self.call("Input.dispatchKeyEvent", event(down)).await;
        self.call("Input.dispatchKeyEvent", event("keyUp")).await;
    }

    /// Steps on with the Tab key until an element has the focus; where the focus is can be seen at every step.
    pub(crate) async fn tab_to(&mut self, selector: &str) {
        for _ in 0..STOPS {
            self.press("Tab").await;
            let look =
                "(e => e === document.body || getComputedStyle(e).outlineStyle !== 'none')(document.activeElement)";
            assert_eq!(
                self.eval(look).await,
                true,
                "the focus cannot be seen: {}",
                self.eval("document.activeElement.outerHTML").await
            );
            if self.eval(&format!("document.activeElement.matches(`{selector}`)")).await == true {
                return;
            }
        }
        panic!("the Tab key never came to {selector} on {}", self.text().await);
    }

    /// Sets size and colours.
    pub(crate) async fn looks(&mut self, width: u32, height: u32, is_dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let value = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Takes a picture of the whole page.
    pub(crate) async fn picture(&mut self, name: &str) {
        let shot = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let bytes = BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(PICTURES).join(format!("{name}.png")), bytes).unwrap();
    }

    /// No page has reported a breach of its policy.
    async fn check(&mut self) {
        // the world in which a frame is looked at knows nothing of it; what is refused there is in the log
        if self.context.is_some() {
            return;
        }
        let breaches = self.eval("window.breaches").await;
        assert_eq!(breaches, json!([]), "{}", self.text().await);
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.try_call(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn try_call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.calls += 1;
        let id = self.calls;
        let mut call = json!({ "id": id, "method": method, "params": params });
        if !self.page.is_empty() {
            call["sessionId"] = json!(self.page);
        }
        self.socket.send(Message::text(call.to_string())).await.unwrap();
        loop {
            let mut said = self.receive().await;
            if said["id"] == id {
                let error = said["error"].take();
                return if error.is_null() { Ok(said["result"].take()) } else { Err(error) };
            }
        }
    }

    /// The next thing the browser says.
    async fn receive(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let message = next.expect("the browser is silent").expect("the browser is gone").unwrap();
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            match said["method"].as_str() {
                Some("Page.loadEventFired") => self.loads += 1,
                Some("Page.javascriptDialogOpening" | "Runtime.exceptionThrown") => panic!("{said}"),
                Some("Log.entryAdded") => {
                    let entry = &said["params"]["entry"];
                    assert_ne!(entry["source"], "security", "{entry}");
                }
                _ => {}
            }
            return said;
        }
    }
}

fn launch(folder: &Path) -> Child {
    let fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--lang=en-US",
        "--remote-debugging-port=0",
    ];
    Command::new(program())
        .args(fixed)
        .arg(format!("--user-data-dir={}", folder.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|path| path.is_file());
    found.expect("Chromium is not installed: run scripts/setup --tests")
}

/// Where the browser listens; it writes that down once it does.
async fn address(folder: &Path) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(folder.join("DevToolsActivePort")).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n') {
            return format!("ws://127.0.0.1:{port}{}", path.trim());
        }
        assert!(Instant::now() < deadline, "the browser did not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
