//! A browser's manners without a browser: cookies, forms and where they come from.

use relay_sim::AgentMessage;
use relay_testing::{Database, TestApp};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// The key of every [`TestApp`].
pub(crate) const KEY: &str = "test-api-key";

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Page {
    async fn of(answer: Response) -> Self {
        let headers = answer.headers().clone();
        let location = headers.get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
        Self { status: answer.status(), location, headers, body: answer.text().await.unwrap() }
    }

    /// The cookies that are set, each as it is sent back.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        lines.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
    }
}

/// A browser that is signed in.
pub(crate) struct Browser<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) cookie: String,
    form_token: String,
}

impl<'a> Browser<'a> {
    /// Signs in with the key.
    pub(crate) async fn inside(app: &'a TestApp) -> Self {
        let page = send_form(app, "/console/sign-in", None, &[("key", KEY)]).await;
        assert_eq!((page.status, page.location.as_deref()), (StatusCode::SEE_OTHER, Some("/console")), "{}", page.body);
        let cookie = page.cookies().remove(0);
        let mut browser = Self { app, cookie, form_token: String::new() };
        let page = browser.get("/console").await;
        let marked = page.body.split_once("name=\"form_token\" value=\"").expect("a page has a form").1;
        marked.split('"').next().unwrap().clone_into(&mut browser.form_token);
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        get(self.app, path, Some(&self.cookie)).await
    }

    /// Reads a page that there is.
    pub(crate) async fn read(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        page.body
    }

    /// Sends a form of a page.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut all = vec![("form_token", self.form_token.as_str())];
        all.extend_from_slice(fields);
        send_form(self.app, path, Some(&self.cookie), &all).await
    }

    /// Sends a form and returns the page that it leads to.
    pub(crate) async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let page = self.post(path, fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}: {}", page.body);
        self.read(&page.location.unwrap()).await
    }
}

pub(crate) async fn get(app: &TestApp, path: &str, cookie: Option<&str>) -> Page {
    let mut request = app.http().get(app.base.join(path).unwrap()).header("accept-language", "en");
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    Page::of(request.send().await.unwrap()).await
}

/// Sends a form as a page of ours would.
pub(crate) async fn send_form(app: &TestApp, path: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> Page {
    let origin = app.base.origin().ascii_serialization();
    send_from(app, path, cookie, fields, &[(ORIGIN.as_str(), &origin)]).await
}

/// Sends a form with headers that say where it comes from.
pub(crate) async fn send_from(
    app: &TestApp,
    path: &str,
    cookie: Option<&str>,
    fields: &[(&str, &str)],
    from: &[(&str, &str)],
) -> Page {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = app.http().post(app.base.join(path).unwrap()).body(body).header("accept-language", "en");
    request = request.header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in from {
        request = request.header(*name, *value);
    }
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    Page::of(request.send().await.unwrap()).await
}

/// An agent's messages to contacts without a number, which die at once; returns their ids, newest first.
pub(crate) async fn die(app: &TestApp, texts: &[&str]) -> Vec<String> {
    for (number, text) in texts.iter().enumerate() {
        let contact = app.chatwoot.add_contact(app.account, &format!("Sem número {number}"), None, None).unwrap();
        let url = format!("{}/api/v1/accounts/{}/conversations", app.chatwoot.base_url(), app.account);
        let new = json!({ "inbox_id": app.inbox, "contact_id": contact });
        let made = app.http().post(url).header("api_access_token", &app.token).json(&new).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        app.chatwoot.agent_sends(made["id"].as_u64().unwrap(), AgentMessage::text(*text)).unwrap();
    }
    app.until("all to be dead", async || dead(app).await.len() >= texts.len()).await;
    dead(app).await
}

/// Ids of all dead letters, newest first.
pub(crate) async fn dead(app: &TestApp) -> Vec<String> {
    let letters = app.engine.store.dead(&relay_store::DeadFilter::default(), None, 1000).await.unwrap();
    letters.into_iter().map(|letter| letter.id.to_string()).collect()
}

/// A relay with nothing on its way.
pub(crate) async fn app_on(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    app.until("the phone's events", async || app.engine.store.tally().await.unwrap().received >= 3).await;
    app.settle().await;
    app
}
