//! What forms and addresses of pages say, field by field.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use relay_domain::Timestamp;
use url::form_urlencoded;

/// The fields of a form or of a query. An empty field counts as none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`, which cannot be malformed.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        // PostgreSQL has no NUL in texts
        let fields = form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), value.replace('\0', "")));
        Self(fields.collect())
    }

    /// Reads the query of an address.
    pub(crate) fn of_query(query: Option<String>) -> Self {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    /// A field without blanks around it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// A field as it came.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A moment: as a browser's field has it, in our zone, or in RFC 3339. `Err` when it is neither.
    pub(crate) fn moment(&self, name: &str, zone: &TimeZone) -> Result<Option<Timestamp>, ()> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
            let local: DateTime = text.parse().ok()?;
            Some(local.to_zoned(zone.clone()).ok()?.timestamp())
        });
        at.map(|at| Some(Timestamp::from_millis(at.as_millisecond()))).ok_or(())
    }

    /// Some of the fields as a query.
    pub(crate) fn query(&self, names: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in names {
            if let Some(value) = self.get(name) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_written() {
        let fields = Fields::parse(b"a=+1%2B2+&b=&c=x%00y&a=9");
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c")), (Some("1+2"), None, Some("xy")));
        assert_eq!(fields.query(&["c", "b", "a"]), "c=xy&a=1%2B2");
    }

    #[test]
    fn moments_are_local_unless_they_say_otherwise() {
        let zone = TimeZone::fixed(jiff::tz::offset(-3));
        let fields = Fields::parse(b"a=2026-11-22T10:00&b=2026-11-22T13:00:00Z&c=tomorrow");
        let ten = fields.moment("a", &zone).unwrap().unwrap();
        assert_eq!(fields.moment("b", &zone), Ok(Some(ten)));
        assert_eq!((fields.moment("c", &zone), fields.moment("d", &zone)), (Err(()), Ok(None)));
    }
}
