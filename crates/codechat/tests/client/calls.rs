//! The calls about instances, webhooks, numbers and stored messages, against recordings of a real server.

use crate::support::{KEY, Server, TOKEN, response};
use codechat::{Auth, ConnectionStatus, ErrorKind, Event, FindMessages, HookEvent, Presence, Release, State, Status};
use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;

#[tokio::test]
async fn an_instance_is_created_with_the_global_key() {
    let server = Server::start().await;
    server.answers_recorded("instance_create__ok");
    let created = server.global_client().create_instance("loja01", Some("Loja")).await.unwrap();
    assert!(created.token.expose_secret().starts_with("eyJ"));
    let asked = server.only();
    assert_eq!(asked.line(), "POST /instance/create");
    assert_eq!(asked.json(), json!({ "instanceName": "loja01", "description": "Loja" }));
    assert_eq!((asked.header("apikey"), asked.header("authorization")), (Some(KEY), None));
}

#[tokio::test]
async fn a_name_that_is_taken_or_empty_is_not_created() {
    let server = Server::start().await;
    server.answers_recorded("instance_create__duplicate_loaded");
    let taken = server.global_client().create_instance("loja01", None).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::AlreadyExists);
    let empty = server.global_client().create_instance("", None).await.unwrap_err();
    assert_eq!(empty.kind, ErrorKind::Rejected);
    assert_eq!(server.only().json(), json!({ "instanceName": "loja01" }));
}

#[tokio::test]
async fn a_token_fetches_its_instance() {
    let server = Server::start().await;
    server.answers_recorded("instance_fetchInstance__connected");
    let instance = server.client().fetch_instance("loja01").await.unwrap();
    assert_eq!(instance.name, "loja01");
    assert_eq!(instance.connection_status, Some(ConnectionStatus::Online));
    assert_eq!(instance.owner_jid.as_deref(), Some("5511988887777@s.whatsapp.net"));
    assert_eq!(instance.state, Some(State::Open));
    assert!(instance.profile_pic_url.is_some() && instance.token.is_some());
    assert!(!format!("{instance:?}").contains("5511988887777"));
    let asked = server.only();
    assert_eq!(asked.line(), "GET /instance/fetchInstance/loja01");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!((asked.header("apikey"), asked.header("authorization")), (None, Some(bearer.as_str())));
}

#[tokio::test]
async fn the_global_key_finds_an_instance_by_its_exact_name() {
    let server = Server::start().await;
    server.answers_recorded("instance_fetchInstances__all").answers_recorded("instance_fetchInstances__all");
    let client = server.global_client();
    assert_eq!(client.fetch_instance("loja02").await.unwrap().name, "loja02");
    assert_eq!(client.fetch_instance("loja").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_server_shows_its_instances_and_its_release() {
    let server = Server::start().await;
    server.answers_recorded("instance_fetchInstances__all");
    let with_webhook = json!([{ "name": "loja03", "Auth": { "token": "t0ken" }, "Webhook": {
        "id": 1, "url": "http://relay.example/hook?token=s3cret", "enabled": true, "events": { "messagesUpsert": true } } }]);
    server.answers(response(200, &[("x-request-id", "7")], with_webhook.to_string()));
    let client = server.global_client();
    let older = client.server().await.unwrap();
    assert_eq!(older.release, Release::Older);
    assert!(older.instances.iter().any(|instance| instance.name == "loja02"));
    let newer = client.server().await.unwrap();
    assert_eq!(newer.release, Release::Since137);
    let hook = newer.instances[0].webhook.as_ref().unwrap();
    assert_eq!((hook.enabled, hook.events.as_deref()), (true, Some(&[HookEvent::MessagesUpsert][..])));
    let shown = format!("{newer:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
}

#[tokio::test]
async fn the_state_of_a_connection_is_told() {
    let server = Server::start().await;
    let table = [
        ("instance_connectionState__connected", State::Open, 200),
        ("instance_connectionState__waiting_qr", State::Connecting, 200),
        ("instance_connectionState__never_connected", State::Close, 400),
        ("instance_connectionState__after_qr_limit", State::Refused, 428),
    ];
    for (name, state, reason) in table {
        server.answers_recorded(name);
        let told = server.client().connection_state("loja01").await.unwrap();
        assert_eq!((told.state, told.status_reason), (state, Some(reason)), "{name}");
    }
}

#[tokio::test]
async fn connecting_understands_every_answer() {
    let server = Server::start().await;
    let table = [
        ("instance_connect__qr", State::Connecting, 1, true),
        ("instance_connect__while_connecting", State::Connecting, 1, true),
        ("instance_connect__no_whatsapp_network", State::Close, 0, false),
        ("instance_connect__after_qr_limit", State::Refused, 0, false),
        ("instance_connect__after_qr_limit_second_call", State::Connecting, 3, true),
        ("instance_connect__already_connected", State::Open, 0, false),
    ];
    for (name, state, count, has_code) in table {
        server.answers_recorded(name);
        let qr = server.client().connect("loja01").await.unwrap();
        assert_eq!((&qr.state, qr.count, qr.has_code()), (&state, count, has_code), "{name}");
        assert_eq!((qr.code.is_some(), qr.base64.is_some()), (has_code, has_code), "{name}");
    }
    server.answers_recorded("instance_connect__unknown");
    assert_eq!(server.client().connect("x").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn instances_are_logged_out_and_deleted() {
    for (force, line) in [(true, "DELETE /instance/delete/a%2Fb?force=true"), (false, "DELETE /instance/delete/a%2Fb")]
    {
        let server = Server::start().await;
        server.answers_recorded("instance_delete__force");
        server.client().delete_instance("a/b", force).await.unwrap();
        assert_eq!(server.only().line(), line);
    }
    let server = Server::start().await;
    server.answers_recorded("instance_logout__connected");
    server.client().logout("loja01").await.unwrap();
    assert_eq!(server.only().line(), "DELETE /instance/logout/loja01");
}

#[tokio::test]
async fn a_webhook_names_every_event() {
    let server = Server::start().await;
    server.answers_recorded("webhook_set__loaded_with_some_events");
    let url = Url::parse("http://relay.example/codechat/webhook/ses_1?token=s3cret").unwrap();
    let wanted = [HookEvent::MessagesUpsert, HookEvent::StatusInstance];
    let hook = server.client().set_webhook("loja01", &url, &wanted).await.unwrap();
    let on =
        [HookEvent::MessagesUpsert, HookEvent::MessagesUpdate, HookEvent::SendMessage, HookEvent::ConnectionUpdate];
    assert_eq!(hook.events.as_deref(), Some(&on[..]));
    assert!(!format!("{hook:?}").contains("receiver.example"));

    let asked = server.only();
    assert_eq!(asked.line(), "PUT /webhook/set/loja01");
    let body = asked.json();
    assert_eq!((body["url"].as_str(), &body["enabled"]), (Some(url.as_str()), &json!(true)));
    let events = body["events"].as_object().unwrap();
    assert_eq!(events.len(), 22);
    let chosen: Vec<_> = events.iter().filter(|(_, on)| **on == json!(true)).map(|(key, _)| key.as_str()).collect();
    assert_eq!(chosen, ["messagesUpsert", "statusInstance"]);
    assert!(events.values().all(serde_json::Value::is_boolean));
}

#[tokio::test]
async fn an_address_that_the_server_would_cut_is_refused() {
    let server = Server::start().await;
    let url = Url::parse(&format!("http://relay.example/{}", "x".repeat(500))).unwrap();
    let error = server.client().set_webhook("loja01", &url, &[]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert!(!server.was_asked());
}

#[tokio::test]
async fn a_webhook_is_found_or_not() {
    let server = Server::start().await;
    server.answers_recorded("webhook_find__set").answers_recorded("webhook_find__none");
    let hook = server.client().find_webhook("loja01").await.unwrap().unwrap();
    assert_eq!((hook.url.as_str(), hook.enabled, hook.events), ("http://receiver.example:8086/wh/loja01", true, None));
    assert_eq!(server.client().find_webhook("loja01").await.unwrap(), None);
}

#[tokio::test]
async fn numbers_are_checked() {
    let server = Server::start().await;
    assert!(server.client().whatsapp_numbers::<&str>("loja01", &[]).await.unwrap().is_empty());
    server.answers_recorded("chat_whatsappNumbers__mixed");
    let checks = server.client().whatsapp_numbers("loja01", &["5511900000001", "200000000000001@lid"]).await.unwrap();
    assert_eq!(checks.len(), 9);
    assert_eq!((checks[1].exists, checks[1].jid.as_deref()), (false, Some("5511900009999")));
    assert_eq!((checks[2].exists, checks[2].jid.as_deref()), (true, Some("553187654321@s.whatsapp.net")));
    assert_eq!(
        (checks[4].exists, &checks[4].jid, checks[4].lid.as_deref()),
        (true, &None, Some("200000000000001@lid"))
    );
    assert_eq!((checks[6].name.as_deref(), &checks[6].lid), (Some("Grupo Teste"), &None));
    let asked = server.only();
    assert_eq!(asked.line(), "POST /chat/whatsappNumbers/loja01");
    assert_eq!(asked.json(), json!({ "numbers": ["5511900000001", "200000000000001@lid"] }));
}

#[tokio::test]
async fn a_picture_is_there_or_not() {
    let server = Server::start().await;
    server.answers_recorded("chat_fetchProfilePictureUrl__post");
    server.answers_recorded("chat_fetchProfilePictureUrl__none");
    let jid = "5511900000001@s.whatsapp.net";
    let url = server.client().profile_picture_url("loja01", jid).await.unwrap().unwrap();
    assert_eq!(url.host_str(), Some("pps.whatsapp.net"));
    assert_eq!(server.client().profile_picture_url("loja01", jid).await.unwrap(), None);
}

#[tokio::test]
async fn stored_messages_are_found() {
    let server = Server::start().await;
    server.answers_recorded("chat_findMessages__by_messageStatus");
    let find = FindMessages {
        key_id: Some("01M81BCWRKWJV6JVH8D0N07XHB".to_owned()),
        remote_jid: Some("5511900000001@s.whatsapp.net".to_owned()),
        from_me: Some(true),
        page: 2,
        page_size: 5,
    };
    let page = server.client().find_messages("loja01", &find).await.unwrap();
    assert_eq!((page.total, page.pages, page.current_page, page.unreadable), (1, 1, 1, 0));
    let record = &page.records[0];
    assert_eq!(record.message.key_id, "01M81BCWRKWJV6JVH8D0N07XHB");
    assert_eq!((record.message.row_id, record.message.timestamp), (Some(115), Some(1_795_341_841)));
    assert_eq!(record.message.content, json!({ "text": "para receber acks" }));
    assert_eq!(record.updates.iter().filter_map(|update| update.status).max(), Some(Status::Played));
    assert_eq!(record.updates[1].date_time.as_deref(), Some("2026-11-22T10:04:02.852Z"));

    let asked = server.only();
    assert_eq!(asked.line(), "POST /chat/findMessages/loja01");
    let filter = json!({
        "keyId": "01M81BCWRKWJV6JVH8D0N07XHB", "keyRemoteJid": "5511900000001@s.whatsapp.net", "keyFromMe": true,
    });
    assert_eq!(asked.json(), json!({ "where": filter, "page": 2, "offset": 5 }));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_hide_the_others() {
    let server = Server::start().await;
    let rows = json!([{ "keyId": null }, { "keyId": "a", "messageType": "conversation", "content": "oi" }]);
    let page = json!({ "messages": { "total": 2, "pages": 1, "currentPage": 1, "records": rows } });
    server.answers_json(200, &page);
    let page = server.client().find_messages("loja01", &FindMessages::default()).await.unwrap();
    assert_eq!((page.records.len(), page.unreadable), (1, 1));
    assert_eq!(server.only().json(), json!({ "where": {}, "page": 1, "offset": 50 }));
}

#[tokio::test]
async fn every_recorded_page_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/codechat/rest");
    let server = Server::start().await;
    let mut pages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".json").unwrap();
        if !name.starts_with("chat_findMessages__") || crate::support::rest(name)["response"]["status"] != 200 {
            continue;
        }
        server.answers_recorded(name);
        let page = server.client().find_messages("loja01", &FindMessages::default()).await.unwrap();
        assert_eq!(page.unreadable, 0, "{name}");
        pages += 1;
    }
    assert!(pages > 8, "{pages}");
}

#[tokio::test]
async fn messages_are_marked_as_read_by_both_fields() {
    let server = Server::start().await;
    server.answers_recorded("chat_readMessages__ids_and_messageId");
    server.client().mark_read("loja01", &[238, 239]).await.unwrap();
    let asked = server.only();
    assert_eq!(asked.line(), "PATCH /chat/readMessages/loja01");
    assert_eq!(asked.json(), json!({ "ids": [238, 239], "messageId": [238, 239] }));
    server.answers_recorded("chat_readMessages__messageId_only");
    let refused = server.client().mark_read("loja01", &[238]).await.unwrap_err();
    assert_eq!((refused.is_certain(), refused.kind), (true, ErrorKind::Rejected));
}

#[tokio::test]
async fn nothing_is_asked_to_mark_nothing() {
    let server = Server::start().await;
    server.client().mark_read("loja01", &[]).await.unwrap();
    server.client().mark_read_by_key::<&str>("loja01", "200000000000001@lid", &[]).await.unwrap();
    assert!(!server.was_asked());
}

#[tokio::test]
async fn messages_without_a_number_are_marked_as_read_by_key() {
    let server = Server::start().await;
    server.answers_recorded("chat_markMessageAsRead__lid");
    let ids = ["3A00000000000MEDIAIMG"];
    server.client().mark_read_by_key("loja01", "200000000000001@lid", &ids).await.unwrap();
    let number = server.client().mark_read_by_key("loja01", "5511900000001@s.whatsapp.net", &ids).await.unwrap_err();
    assert_eq!(number.kind, ErrorKind::Rejected, "the server would do nothing and say success");
    let asked = server.only();
    assert_eq!(asked.line(), "PUT /chat/markMessageAsRead/loja01");
    let key = json!({ "id": "3A00000000000MEDIAIMG", "fromMe": false, "remoteJid": "200000000000001@lid" });
    assert_eq!(asked.json(), json!({ "readMessages": [key] }));
}

#[tokio::test]
async fn presence_is_shown_where_it_can_be() {
    let server = Server::start().await;
    server.answers_recorded("chat_updatePresence__composing");
    let number = "5511900000001@s.whatsapp.net";
    server.client().update_presence("loja01", number, Presence::Composing).await.unwrap();
    let asked = server.only();
    assert_eq!(asked.line(), "PATCH /chat/updatePresence/loja01");
    assert_eq!(asked.json(), json!({ "number": number, "presence": "composing" }));
    server.answers_recorded("chat_updatePresence__lid").answers_recorded("chat_updatePresence__not_on_whatsapp");
    let lid = server.client().update_presence("loja01", "200000000000001@lid", Presence::Paused).await.unwrap_err();
    assert_eq!(lid.kind, ErrorKind::ServerError);
    let unknown = server.client().update_presence("loja01", number, Presence::Paused).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NotOnWhatsApp);
}

#[tokio::test]
async fn a_message_is_deleted_by_its_row() {
    let server = Server::start().await;
    server.answers_recorded("chat_deleteMessageForEveryone__query_everyOne_true");
    server.client().delete_for_everyone("loja01", 253).await.unwrap();
    let line = server.only().line();
    assert_eq!(line, "DELETE /chat/deleteMessageForEveryone/loja01?id=253&everyOne=true");
}

#[tokio::test]
async fn a_key_is_probed_without_listing_tokens() {
    let server = Server::start().await;
    server.answers_recorded("instance_fetchInstances__unknown");
    server.global_client().probe().await.unwrap();
    assert_eq!(server.only().line(), "GET /instance/fetchInstances?instanceName=no-instance-has-this-name");
    server.answers_recorded("instance_create__wrong_apikey").answers_recorded("http_404__unknown_path");
    assert_eq!(server.global_client().probe().await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(server.global_client().probe().await.unwrap_err().kind, ErrorKind::NotFound);
    server.answers(response(200, &[], "<html>hello</html>"));
    assert_eq!(server.global_client().probe().await.unwrap_err().kind, ErrorKind::Unexpected);
}

#[tokio::test]
async fn a_token_is_probed_with_its_own_instance() {
    let server = Server::start().await;
    server.answers_recorded("instance_connectionState__never_connected");
    server.client().probe().await.unwrap();
    assert_eq!(server.only().line(), "GET /instance/connectionState/loja01");
    let opaque = crate::support::client(server.client().base().clone(), Auth::Instance("opaque".into()));
    assert_eq!(opaque.probe().await.unwrap_err().kind, ErrorKind::Unauthorized);
}

#[test]
fn switches_let_their_events_through() {
    assert_eq!(HookEvent::MessagesUpdate.event(), Event::MessagesUpdate);
}

#[tokio::test]
async fn a_call_is_rejected_by_id_and_caller() {
    let server = Server::start().await;
    server.answers_recorded("chat_rejectCall");
    server.client().reject_call("loja01", "FAKECALLID0001", "200000000000001@lid").await.unwrap();
    let asked = server.only();
    assert_eq!(asked.line(), "POST /chat/rejectCall/loja01");
    assert_eq!(asked.json(), json!({ "callId": "FAKECALLID0001", "callFrom": "200000000000001@lid" }));
    server.answers_recorded("chat_whatsappNumbers__no_auth");
    let refused = server.client().reject_call("loja01", "FAKECALLID0001", "200000000000001@lid").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_group_tells_what_it_is_like() {
    let server = Server::start().await;
    server.answers_recorded("group_findGroupInfos");
    let group = server.client().group_info("loja01", "120363000000000001@g.us").await.unwrap();
    assert_eq!((group.id.as_str(), group.subject.as_deref()), ("120363000000000001@g.us", Some("Grupo Teste")));
    assert_eq!((group.description.as_deref(), group.announce), (Some("Descrição"), Some(false)));
    let members = group.members.unwrap();
    assert_eq!(members.len(), 3);
    assert_eq!(members[1].addresses, ["5511900000001@s.whatsapp.net", "200000000000001@lid"]);
    let line = server.only().line();
    assert_eq!(line, "GET /group/findGroupInfos/loja01?groupJid=120363000000000001%40g.us");
}

#[tokio::test]
async fn an_unknown_group_is_an_error() {
    let server = Server::start().await;
    server.answers_recorded("group_findGroupInfos__unknown").answers_recorded("group_findGroupInfos__missing");
    for _ in 0..2 {
        let error = server.client().group_info("loja01", "120363000000000404@g.us").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Rejected);
        assert!(!error.detail.contains("120363000000000404"), "{}", error.detail);
    }
}
