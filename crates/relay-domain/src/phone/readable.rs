//! Numbers as people write them.

use super::{CallingCode, Phone};

impl Phone {
    /// The number in groups of digits, for reading: `+55 11 90000-0001`, `+1 555 010-0199`, `+44 7700900123`.
    pub fn to_readable(&self) -> String {
        let Some((code, rest)) = CallingCode::split(&self.digits) else {
            return self.to_e164();
        };
        let (area, tail) = match (code, rest.len()) {
            (CallingCode::BRAZIL, 10 | 11) => (2, 4),
            (CallingCode::NORTH_AMERICA, 10) => (3, 4),
            _ => return format!("+{} {rest}", code.number()),
        };
        let (area, local) = rest.split_at(area);
        let (head, tail) = local.split_at(local.len() - tail);
        format!("+{} {area} {head}-{tail}", code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        let table = [
            ("5511900000001", "+55 11 90000-0001"),
            ("551133334444", "+55 11 3333-4444"),
            ("15550100199", "+1 555 010-0199"),
            ("447700900123", "+44 7700900123"),
            ("5511", "5511"),
        ];
        for (digits, readable) in table {
            let phone = Phone::from_jid_user(digits);
            assert_eq!(phone.map_or_else(|| digits.to_owned(), |phone| phone.to_readable()), readable);
        }
    }
}
