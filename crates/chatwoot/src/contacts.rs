//! Contacts: finding, creating, changing and merging them.
//!
//! Phone number and identifier are unique within an account, a source id within an inbox. Chatwoot checks the
//! first only in its model and answers a lost race on the others with 500, so creation of one contact must not
//! run twice at a time, and [`ErrorKind::Taken`](crate::ErrorKind::Taken) means: look again.

use bytes::Bytes;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::error::Error;
use crate::upload::{Upload, UploadSource, part};
use crate::wire::{Missing, Read, flag, int, list, list_or_empty, need, object, text, unwrapped};

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Id of the contact.
    pub id: i64,
    /// Name, which may be empty.
    pub name: Option<String>,
    /// Phone number in E.164, with its plus sign.
    pub phone_number: Option<String>,
    /// Free identifier, unique within the account.
    pub identifier: Option<String>,
    /// Whether agents blocked the contact.
    pub blocked: bool,
    /// Address of the picture, when there is one.
    pub thumbnail: Option<String>,
    /// The inboxes the contact is known in, with one source id or several in each.
    pub contact_inboxes: Vec<ContactInbox>,
}

/// What a contact is called in an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactInbox {
    /// Id of the inbox.
    pub inbox_id: i64,
    /// Name of the contact within it, unique within the inbox.
    pub source_id: String,
}

/// An attribute contacts can be found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterAttribute {
    /// The phone number in E.164.
    Phone,
    /// The identifier, compared without regard to case.
    Identifier,
}

/// One value to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Where to look.
    pub attribute: FilterAttribute,
    /// What to look for.
    pub value: String,
}

/// A contact to create. The picture comes later: given on create, Chatwoot may lose it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewContact {
    /// Name to show.
    pub name: String,
    /// Phone number in E.164; left out for a group.
    pub phone_number: Option<String>,
    /// Free identifier.
    pub identifier: Option<String>,
    /// Inbox the contact is created for.
    pub inbox_id: i64,
    /// What the contact is called in that inbox.
    pub source_id: String,
    /// Further attributes.
    pub additional_attributes: Map<String, Value>,
}

/// Attributes to change; those left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactChange {
    /// New name.
    pub name: Option<String>,
    /// New phone number in E.164.
    pub phone_number: Option<String>,
    /// New identifier.
    pub identifier: Option<String>,
    /// Address from which Chatwoot fetches a picture, on its own time.
    pub avatar_url: Option<String>,
}

impl Filter {
    fn condition(&self, is_last: bool) -> Value {
        let key = match self.attribute {
            FilterAttribute::Phone => "phone_number",
            FilterAttribute::Identifier => "identifier",
        };
        let operator = if is_last { Value::Null } else { Value::from("OR") };
        json!({
            "attribute_key": key,
            "filter_operator": "equal_to",
            "values": [self.value],
            "query_operator": operator,
        })
    }
}

impl ContactChange {
    fn body(&self) -> Value {
        let fields = [
            ("name", &self.name),
            ("phone_number", &self.phone_number),
            ("identifier", &self.identifier),
            ("avatar_url", &self.avatar_url),
        ];
        let given = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value.clone()?))));
        Value::Object(given.collect())
    }
}

impl NewContact {
    fn body(&self) -> Value {
        let mut body = json!({
            "name": self.name,
            "inbox_id": self.inbox_id,
            "source_id": self.source_id,
            "additional_attributes": self.additional_attributes,
        });
        if let Some(phone_number) = &self.phone_number {
            body["phone_number"] = Value::from(phone_number.as_str());
        }
        if let Some(identifier) = &self.identifier {
            body["identifier"] = Value::from(identifier.as_str());
        }
        body
    }
}

impl Read for Contact {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            name: text(value, "name"),
            phone_number: text(value, "phone_number"),
            identifier: text(value, "identifier"),
            blocked: flag(value, "blocked").unwrap_or(false),
            thumbnail: text(value, "thumbnail").filter(|url| !url.is_empty()),
            contact_inboxes: list_or_empty(value, "contact_inboxes")?,
        })
    }
}

impl Read for ContactInbox {
    fn read(value: &Value) -> Result<Self, Missing> {
        let inbox_id = object(value, "inbox").and_then(|inbox| int(inbox, "id"));
        Ok(Self { inbox_id: need(inbox_id, "inbox.id")?, source_id: need(text(value, "source_id"), "source_id")? })
    }
}

/// Reads a contact with or without a `payload` around it.
fn wrapped_contact(answer: &Value) -> Result<Contact, Missing> {
    Contact::read(unwrapped(answer, "payload"))
}

impl Client {
    /// Finds the contact called `source_id` in `inbox`. Chatwoot says "nobody" with an empty 404, while a 404
    /// with a text is about the inbox or the account and stays an error.
    pub async fn find_contact_inbox(&self, inbox: i64, source_id: &str) -> Result<Option<Contact>, Error> {
        let call = self.call("find_contact_inbox", Method::POST, &["contact_inboxes", "filter"]);
        let body = json!({ "inbox_id": inbox, "source_id": source_id });
        let answer = call.json(&body).answer().await?;
        if answer.status == reqwest::StatusCode::NOT_FOUND && answer.body.trim_ascii().is_empty() {
            return Ok(None);
        }
        answer.success()?.read(Contact::read).map(Some)
    }

    /// Finds the contacts that match any of `filters`: the first fifteen.
    pub async fn filter_contacts(&self, filters: &[Filter]) -> Result<Vec<Contact>, Error> {
        let Some(last) = filters.len().checked_sub(1) else {
            return Ok(Vec::new());
        };
        let conditions = filters.iter().enumerate();
        let conditions: Vec<Value> = conditions.map(|(position, filter)| filter.condition(position == last)).collect();
        let call = self.call("filter_contacts", Method::POST, &["contacts", "filter"]);
        let body = json!({ "payload": conditions });
        call.json(&body).read(|answer| list(answer, "payload")).await
    }

    /// Deletes a contact with its conversations. Needs an administrator.
    pub async fn delete_contact(&self, id: i64) -> Result<(), Error> {
        self.call("delete_contact", Method::DELETE, &["contacts", &id.to_string()]).success().await?;
        Ok(())
    }

    /// Reads a contact.
    pub async fn contact(&self, id: i64) -> Result<Contact, Error> {
        let call = self.call("contact", Method::GET, &["contacts", &id.to_string()]);
        call.read(wrapped_contact).await
    }

    /// Creates a contact together with its place in an inbox.
    pub async fn create_contact(&self, new: &NewContact) -> Result<Contact, Error> {
        let call = self.call("create_contact", Method::POST, &["contacts"]);
        let call = call.json(&new.body());
        call.read(|answer| {
            let payload = unwrapped(answer, "payload");
            Contact::read(unwrapped(payload, "contact"))
        })
        .await
    }

    /// Makes a contact known in `inbox` as `source_id`. Repeating it changes nothing.
    pub async fn attach_contact_inbox(&self, contact: i64, inbox: i64, source_id: &str) -> Result<ContactInbox, Error> {
        let contact = contact.to_string();
        let path = ["contacts", contact.as_str(), "contact_inboxes"];
        let call = self.call("attach_contact_inbox", Method::POST, &path);
        let body = json!({ "inbox_id": inbox, "source_id": source_id });
        call.json(&body).read(ContactInbox::read).await
    }

    /// Changes some attributes of a contact.
    pub async fn update_contact(&self, id: i64, change: &ContactChange) -> Result<Contact, Error> {
        let call = self.call("update_contact", Method::PATCH, &["contacts", &id.to_string()]);
        call.json(&change.body()).read(wrapped_contact).await
    }

    /// Uploads the picture of a contact: JPEG, PNG, GIF or WebP up to 15 MB.
    pub async fn set_avatar(&self, id: i64, bytes: Bytes, file_name: &str, mime: &str) -> Result<Contact, Error> {
        let (file_name, mime) = (file_name.to_owned(), mime.to_owned());
        let upload = Upload { file_name, mime, source: UploadSource::Bytes(bytes) };
        let form = Form::new().part("avatar", part(&upload).await?);
        let call = self.call("set_avatar", Method::PATCH, &["contacts", &id.to_string()]);
        call.form(form, self.upload_deadline()).read(wrapped_contact).await
    }

    /// Merges `mergee` into `base`: its conversations move and it ceases to exist.
    pub async fn merge(&self, base: i64, mergee: i64) -> Result<Contact, Error> {
        let call = self.call("merge", Method::POST, &["actions", "contact_merge"]);
        let body = json!({ "base_contact_id": base, "mergee_contact_id": mergee });
        call.json(&body).read(wrapped_contact).await
    }
}
