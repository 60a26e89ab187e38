//! The list of chats that are left alone: JIDs, and phone numbers in which `*` stands for any digits.

use crate::jid::Jid;

/// Whether one of a chat's names is on the list. A number matches in each of its spellings; what is written around the digits,
/// such as `+` or spaces, does not count.
pub fn is_ignored<'a>(list: &[String], names: impl IntoIterator<Item = &'a str>) -> bool {
    let names: Vec<Jid> = names.into_iter().filter_map(|name| Jid::parse(name).ok()).collect();
    list.iter().any(|entry| names.iter().any(|name| is_meant(entry.trim(), name)))
}

fn is_meant(entry: &str, name: &Jid) -> bool {
    if entry.contains('@') {
        return Jid::parse(entry).is_ok_and(|jid| jid.without_device() == name.without_device());
    }
    let pattern: Vec<u8> = entry.bytes().filter(|byte| byte.is_ascii_digit() || *byte == b'*').collect();
    let spellings = name.phone().map(|phone| phone.candidates()).unwrap_or_default();
    !pattern.is_empty() && spellings.iter().any(|phone| matches(&pattern, phone.digits().as_bytes()))
}

/// Matches in time proportional to the product of both lengths, whatever the pattern: on a mismatch only the last star gives way.
fn matches(pattern: &[u8], digits: &[u8]) -> bool {
    let (mut at, mut digit, mut star) = (0, 0, None);
    while digit < digits.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, digit));
            at += 1;
        } else if pattern.get(at) == Some(&digits[digit]) {
            at += 1;
            digit += 1;
        } else if let Some((back, from)) = star {
            at = back + 1;
            digit = from + 1;
            star = Some((back, from + 1));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(entry: &str, names: &[&str]) -> bool {
        is_ignored(&[entry.to_owned()], names.iter().copied())
    }

    #[test]
    fn numbers_match_by_pattern_and_in_each_spelling() {
        let ana = ["5511987654321@s.whatsapp.net", "212345678901234@lid", "chatwoot:uuid-1"];
        for entry in ["5511987654321", "+55 11 98765-4321", "5511*", "*4321", "55*98*21", "*", "551187654321", "5511**"]
        {
            assert!(ignored(entry, &ana), "{entry}");
        }
        for entry in ["5511", "5512*", "*4322", "", "+", "2123*", "55119876543210", "*1*2*3*9"] {
            assert!(!ignored(entry, &ana), "{entry}");
        }
    }

    #[test]
    fn addresses_match_as_they_are() {
        let ana = ["5511987654321@s.whatsapp.net", "212345678901234@lid"];
        assert!(ignored("212345678901234@lid", &ana));
        assert!(ignored(" 5511987654321@c.us ", &ana));
        assert!(ignored("120363000000000001@g.us", &["120363000000000001@g.us"]));
        assert!(!ignored("120363000000000001@g.us", &ana));
        assert!(!ignored("*@g.us", &["120363000000000001@g.us"]));
        assert!(!is_ignored(&[], ana));
    }
}
