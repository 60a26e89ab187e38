//! Pictures of every page in light, in dark and on a phone, and what axe says of each.

use relay_testing::TestApp;

use super::chromium::Chromium;
use crate::support::dead;

const AXE: &str = include_str!("../axe/axe.min.js");
/// Runs axe, and tells what is serious.
const RUN: &str = "axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations \
                   .filter(each => ['serious', 'critical'].includes(each.impact)) \
                   .map(each => `${each.id}: ${each.nodes.map(node => node.html + ' ' + node.any.map(any => any.message)).join(' | ')}`))";

/// How a page is looked at.
const WAYS: [(&str, u32, u32, bool); 3] =
    [("light", 1280, 800, false), ("dark", 1280, 800, true), ("phone", 360, 740, false)];

/// Looks at every page that there is.
pub(crate) async fn all_pages(app: &TestApp, browser: &mut Chromium) {
    let id = dead(app).await.remove(0);
    let chat = "5511987654321%40s.whatsapp.net";
    for (name, path) in [
        ("overview", "/console"),
        ("log", "/console/log"),
        ("log-filtered", "/console/log?state=dead&direction=out"),
        ("message", &format!("/console/message/{id}")),
        ("session", "/console/session/loja01"),
        ("chat", &format!("/console/session/loja01/chat?key={chat}&all=1")),
        ("dead", "/console/dead"),
        ("tail", "/console/tail"),
        ("doctor", "/console/doctor"),
        ("settings", "/console/settings"),
        ("not-found", "/console/nowhere"),
    ] {
        looked_at(browser, name, path).await;
    }
}

/// Looks at one page.
pub(crate) async fn looked_at(browser: &mut Chromium, name: &str, path: &str) {
    browser.open(path).await;
    as_it_is(browser, name).await;
}

/// Looks at the page that is open.
pub(crate) async fn as_it_is(browser: &mut Chromium, name: &str) {
    browser.eval(AXE).await;
    for (way, width, height, is_dark) in WAYS {
        browser.looks(width, height, is_dark).await;
        browser.picture(&format!("{name}-{way}")).await;
        let overflow = browser.eval("document.documentElement.scrollWidth - innerWidth").await;
        assert!(overflow.as_i64().unwrap() <= 0, "{name} is {overflow} px too wide at {width}");
        let found = browser.eval(RUN).await;
        assert_eq!(found, serde_json::json!([]), "{name} in {way}");
    }
    let (_, width, height, is_dark) = WAYS[0];
    browser.looks(width, height, is_dark).await;
}
