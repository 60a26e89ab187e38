//! People seen among others: what they call themselves, and the number behind a LID.

use std::collections::BTreeMap;

use relay_domain::id::SessionId;
use relay_domain::jid::Jid;
use sqlx::QueryBuilder;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::writer::Verb;

/// People written with one statement.
const AT_ONCE: usize = 200;

/// What is known of somebody by one of their addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// What they call themselves.
    pub name: Option<String>,
    /// Their address by phone number.
    pub phone: Option<Jid>,
}

/// Remembers people; what is not told of them stays as it was.
#[derive(Debug)]
pub struct MeetPeople {
    /// The session.
    pub session: SessionId,
    /// They, by address. In order, so that two processes do not wait for each other crosswise.
    pub people: BTreeMap<Jid, Person>,
}

impl Verb for MeetPeople {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let people: Vec<_> = self.people.iter().collect();
        for people in people.chunks(AT_ONCE) {
            on!(tx, |conn| {
                let mut upsert = QueryBuilder::new("-- meet_people\nINSERT INTO person (session, jid, name, phone) ");
                upsert.push_values(people, |mut row, (jid, person)| {
                    row.push_bind(self.session.as_str())
                        .push_bind(jid.to_string())
                        .push_bind(person.name.clone())
                        .push_bind(person.phone.as_ref().map(ToString::to_string));
                });
                upsert.push(
                    " ON CONFLICT (session, jid) DO UPDATE SET \
                     name = COALESCE(excluded.name, person.name), phone = COALESCE(excluded.phone, person.phone)",
                );
                upsert.build().persistent(false).execute(conn).await.map(drop)
            })
            .map_err(StoreError::database("remember people"))?;
        }
        Ok(())
    }
}

/// What is known of somebody.
pub(crate) async fn get(db: &Db, session: &SessionId, jid: &Jid) -> Result<Option<Person>> {
    let row: Option<(Option<String>, Option<String>)> = read!(db, |pool| {
        sqlx::query_as("-- get_person\nSELECT name, phone FROM person WHERE session = $1 AND jid = $2")
            .bind(session.as_str())
            .bind(jid.to_string())
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("read a person"))?;
    let Some((name, phone)) = row else { return Ok(None) };
    let phone =
        phone.as_deref().map(Jid::parse).transpose().map_err(|error| StoreError::row("person", "phone", error))?;
    Ok(Some(Person { name, phone }))
}
