//! Which of many keys were ever received: how gap recovery tells what is missing.

use std::collections::HashSet;

use relay_domain::id::SessionId;
use sqlx::QueryBuilder;

use crate::db::{Db, read};
use crate::error::{Result, StoreError};
use crate::model::Source;

/// Keys looked up with one statement: SQLite takes 32,766 values.
const AT_ONCE: usize = 500;

/// The key of a group's message without its author, which not every copy of the message names: `message|them|<id>|<author>`.
pub(crate) fn stem(dedup_key: &str) -> Option<&str> {
    let (stem, _author) = dedup_key.rsplit_once('|')?;
    (dedup_key.starts_with("message|") && stem.matches('|').count() == 2).then_some(stem)
}

/// Which of these keys were ever received. A key without an author is known by the message of any author.
pub(crate) async fn known_keys(
    db: &Db,
    session: &SessionId,
    source: Source,
    keys: &[String],
) -> Result<HashSet<String>> {
    let mut known = HashSet::new();
    for keys in keys.chunks(AT_ONCE) {
        let rows: Vec<(String,)> = read!(db, |pool| {
            let mut select = QueryBuilder::new("-- known_keys\nSELECT dedup_key FROM event WHERE source = ");
            select.push_bind(source.as_str()).push(" AND session = ").push_bind(session.as_str());
            select.push(" AND dedup_key IN (");
            let mut list = select.separated(", ");
            for key in keys {
                list.push_bind(key.as_str());
            }
            select.push(") UNION SELECT stem FROM event WHERE session = ").push_bind(session.as_str());
            select.push(" AND stem IN (");
            let mut list = select.separated(", ");
            for key in keys {
                list.push_bind(key.as_str());
            }
            select.push(")");
            select.build_query_as().persistent(false).fetch_all(pool).await
        })
        .map_err(StoreError::database("look for many events"))?;
        known.extend(rows.into_iter().map(|(key,)| key));
    }
    Ok(known)
}

/// Whether the last turn of a message waits: its first one has this key.
pub(crate) async fn is_pending(db: &Db, session: &SessionId, source: Source, key: &str) -> Result<bool> {
    let row: Option<(String,)> = read!(db, |pool| {
        sqlx::query_as(
            "-- is_pending\nSELECT id FROM event WHERE session = $1 AND source = $2 AND dedup_key = $3 AND state = 'pending'",
        )
        .bind(session.as_str())
        .bind(source.as_str())
        .bind(key)
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("look whether an event waits"))?;
    Ok(row.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_of_a_message_with_an_author_has_a_stem() {
        assert_eq!(stem("message|them|3A1|5511900000001"), Some("message|them|3A1"));
        for other in
            ["message|them|3A1", "message|9002", "retry|9002|1", "receipt|us|3A1|Read", "unattributed|them|3A1"]
        {
            assert_eq!(stem(other), None, "{other}");
        }
    }
}
