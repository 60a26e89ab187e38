//! Names, texts and errors that strangers wrote, in every page that shows them.

use relay_sim::{CustomerMessage, Fault, FaultAction, route};
use relay_store::{LaneKind, Wanted};
use relay_testing::{Database, TestApp};
use serde_json::json;

use crate::support::{Browser, app_on};

/// What has broken out of pages elsewhere. Each holds a mark that nothing but itself brings into a page.
pub(crate) const CORPUS: [&str; 24] = [
    "<script>alert('xss')</script>",
    "\"><script src=//xss.example></script>",
    "'><img src=x onerror=alert('xss')>",
    "<svg onload=alert('xss')>",
    "<svg><script>alert('xss')</script></svg>",
    "<iframe srcdoc='<script>xss</script>'></iframe>",
    "<a href=\"javascript:alert('xss')\">xss</a>",
    "\" autofocus onfocus=\"alert('xss')",
    "' onmouseover='xss' x='",
    "</title><script>xss</script>",
    "</textarea><img src=x onerror=xss>",
    "</p></main><style>body{background:url(//xss.example)}</style>",
    "<meta http-equiv=refresh content='0;url=//xss.example'>",
    "<base href=//xss.example>",
    "<form action=//xss.example><button>xss</button></form>",
    "<object data=//xss.example></object><embed src=//xss.example>",
    "<link rel=stylesheet href=//xss.example>",
    "<math><mtext></mtext><mglyph><svg><mtext><style><img src=x onerror=xss>",
    "<img src=`x` onerror=xss>",
    "<<script>xss//<</script>",
    "&lt;script&gt;xss&lt;/script&gt;<b>xss</b>",
    "{{ frame.form_token }}<i>xss</i>",
    "<ScRiPt\n>xss</sCrIpT\t>",
    "<template><s xss></template>\u{2028}<u xss>",
];

/// Everything of the corpus as a name, a text, and an answer of Chatwoot that is refused.
pub(crate) async fn planted(app: &TestApp) {
    for (number, evil) in CORPUS.iter().enumerate() {
        let phone = format!("55119000{number:05}");
        let mut message = CustomerMessage::text(&phone, *evil);
        message.push_name = Some((*evil).to_owned());
        app.codechat.customer_sends("loja01", &message);
    }
    app.chatwoot_has(CORPUS.len()).await;
    app.settle().await;
}

/// Whether something of the corpus is in a page as it was written.
fn raw(page: &str) -> Option<&'static str> {
    CORPUS.into_iter().find(|evil| page.contains(evil))
}

#[tokio::test]
async fn what_strangers_wrote_stays_text() {
    let app = app_on(Database::Sqlite).await;
    planted(&app).await;
    let browser = Browser::inside(&app).await;
    let log = browser.read("/console/log").await;
    assert!(log.contains("alert(&#39;xss&#39;)"), "the corpus is not in the log: {log}");
    let mut paths: Vec<_> = ["/console", "/console/log", "/console/tail", "/console/dead"].map(str::to_owned).into();
    for message in log.split("href=\"/console/message/").skip(1) {
        paths.push(format!("/console/message/{}", message.split('"').next().unwrap()));
    }
    for number in 0..CORPUS.len() {
        paths.push(format!("/console/session/loja01/chat?key=55119000{number:05}%40s.whatsapp.net"));
    }
    assert!(paths.len() >= 2 * CORPUS.len());
    for path in paths {
        let page = browser.read(&path).await;
        assert_eq!(raw(&page), None, "{path}");
        assert_eq!(page.matches("<script").count(), 1, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_typed_into_filters_and_said_by_servers_stays_text() {
    let app = app_on(Database::Sqlite).await;
    let browser = Browser::inside(&app).await;
    for evil in CORPUS {
        let typed: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        for path in [
            format!("/console/log?chat={typed}&session={typed}&since={typed}"),
            format!("/console/log?state={typed}"),
            format!("/console/dead?reason={typed}"),
            format!("/console?done={typed}&count={typed}"),
            format!("/console/sign-in?next={typed}"),
            format!("/console/enter?token={typed}"),
            format!("/console/session/{typed}"),
        ] {
            assert_eq!(raw(&browser.get(&path).await.body), None, "{path}");
        }
    }
    let body = Some(json!({ "error": CORPUS[3] }));
    let refusal = FaultAction::Status { status: 500, body, retry_after: None, commit: false };
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, refusal).times(1));
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.settle().await;
    let newest = app.engine.store.messages(&Wanted { kind: Some(LaneKind::In), limit: 1, ..Wanted::default() }).await;
    let id = newest.unwrap().remove(0).id;
    let page = browser.read(&format!("/console/message/{id}")).await;
    assert!(page.contains("HTTP 500") && page.contains("alert(&#39;xss&#39;)"), "{page}");
    assert_eq!(raw(&page), None);
    app.finish().await;
}
