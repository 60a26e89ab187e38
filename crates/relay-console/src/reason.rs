//! The reason that a person gives.

use crate::failure::Failure;
use crate::form::Fields;
use crate::words::T;

/// Longest reason, in characters.
const LONGEST: usize = 200;

/// What stands in the field `why`: one line that both databases, a log and a terminal can show.
pub(crate) fn reason(fields: &Fields) -> Result<Option<String>, Failure> {
    let Some(why) = fields.get("why") else { return Ok(None) };
    let is_fine = why.chars().count() <= LONGEST && !why.chars().any(char::is_control);
    if is_fine { Ok(Some(why.to_owned())) } else { Err(Failure::Wrong(T::ReasonHint)) }
}
