//! Telling one emoji from anything else, by the rules of Unicode's emoji sequences (UTS #51).

/// Whether a text is one emoji and nothing else, white space around it aside.
pub fn is_one(text: &str) -> bool {
    let signs: Vec<char> = text.trim().chars().collect();
    after_emoji(&signs).is_some_and(<[char]>::is_empty)
}

/// What follows the emoji at the beginning.
fn after_emoji(signs: &[char]) -> Option<&[char]> {
    after_flag(signs).or_else(|| after_keycap(signs)).or_else(|| after_joined(signs))
}

/// Two letters of a country.
fn after_flag(signs: &[char]) -> Option<&[char]> {
    let is_letter = |sign: &char| ('\u{1f1e6}'..='\u{1f1ff}').contains(sign);
    signs.split_at_checked(2).filter(|(pair, _)| pair.iter().all(is_letter)).map(|(_, rest)| rest)
}

/// A digit on a key.
fn after_keycap(signs: &[char]) -> Option<&[char]> {
    match signs {
        ['0'..='9' | '#' | '*', '\u{fe0f}', '\u{20e3}', rest @ ..] | ['0'..='9' | '#' | '*', '\u{20e3}', rest @ ..] => {
            Some(rest)
        }
        _ => None,
    }
}

/// Pictures joined to one, as families are.
fn after_joined(signs: &[char]) -> Option<&[char]> {
    let mut rest = after_picture(signs)?;
    while let ['\u{200d}', more @ ..] = rest {
        rest = after_picture(more)?;
    }
    Some(rest)
}

/// One picture with its variant, skin tone or, for flags of regions, tags.
fn after_picture(signs: &[char]) -> Option<&[char]> {
    let [picture, rest @ ..] = signs else { return None };
    if !is_picture(*picture) {
        return None;
    }
    let is_changed = matches!(rest.first(), Some('\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'));
    // signs that are text by nature need the variant that makes them pictures
    if !is_changed && is_text_by_nature(*picture) {
        return None;
    }
    let rest = rest.get(usize::from(is_changed)..)?;
    let tags = rest.iter().take_while(|sign| ('\u{e0020}'..='\u{e007f}').contains(*sign)).count();
    rest.get(tags..)
}

fn is_picture(sign: char) -> bool {
    is_text_by_nature(sign) || is_emoji_by_nature(sign)
}

/// Signs such as ❤ and ☎, which are emoji only when a variant selector says so.
fn is_text_by_nature(sign: char) -> bool {
    let is_symbol = matches!(sign, '\u{2600}'..='\u{27bf}') && !is_emoji_by_nature(sign);
    is_symbol
        || matches!(sign, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{2199}'
            | '\u{21a9}'..='\u{21aa}' | '\u{2328}' | '\u{23cf}' | '\u{23ed}'..='\u{23ef}' | '\u{23f1}'..='\u{23f2}'
            | '\u{23f8}'..='\u{23fa}' | '\u{24c2}' | '\u{25aa}'..='\u{25ab}' | '\u{25b6}' | '\u{25c0}'
            | '\u{25fb}'..='\u{25fc}' | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b07}' | '\u{3030}' | '\u{303d}'
            | '\u{3297}' | '\u{3299}' | '\u{1f170}'..='\u{1f171}' | '\u{1f17e}'..='\u{1f17f}' | '\u{1f202}' | '\u{1f237}')
}

/// Signs that are emoji by themselves.
fn is_emoji_by_nature(sign: char) -> bool {
    matches!(sign, '\u{231a}'..='\u{231b}' | '\u{23e9}'..='\u{23ec}' | '\u{23f0}' | '\u{23f3}' | '\u{25fd}'..='\u{25fe}'
        | '\u{2614}'..='\u{2615}' | '\u{2648}'..='\u{2653}' | '\u{267f}' | '\u{2693}' | '\u{26a1}' | '\u{26aa}'..='\u{26ab}'
        | '\u{26bd}'..='\u{26be}' | '\u{26c4}'..='\u{26c5}' | '\u{26ce}' | '\u{26d4}' | '\u{26ea}' | '\u{26f2}'..='\u{26f3}'
        | '\u{26f5}' | '\u{26fa}' | '\u{26fd}' | '\u{2705}' | '\u{270a}'..='\u{270b}' | '\u{2728}' | '\u{274c}' | '\u{274e}'
        | '\u{2753}'..='\u{2755}' | '\u{2757}' | '\u{2795}'..='\u{2797}' | '\u{27b0}' | '\u{27bf}' | '\u{2b1b}'..='\u{2b1c}'
        | '\u{2b50}' | '\u{2b55}' | '\u{1f004}' | '\u{1f0cf}' | '\u{1f18e}' | '\u{1f191}'..='\u{1f19a}' | '\u{1f201}'
        | '\u{1f21a}' | '\u{1f22f}' | '\u{1f232}'..='\u{1f236}' | '\u{1f238}'..='\u{1f23a}' | '\u{1f250}'..='\u{1f251}'
        | '\u{1f300}'..='\u{1f5ff}' | '\u{1f600}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6ff}' | '\u{1f7e0}'..='\u{1f7eb}'
        | '\u{1f7f0}' | '\u{1f900}'..='\u{1f9ff}' | '\u{1fa70}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_one_emoji() {
        for emoji in ["👍", "👍🏽", "❤️", "😂", "🙏", "🇧🇷", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "☎️", " 🎉 ", "✅", "⭐", "✌🏾", "❤️‍🔥"]
        {
            assert!(is_one(emoji), "{emoji}");
        }
        for other in ["", " ", "👍👍", "ok", "👍 ok", "1", "#", "®", "🇧", ":)", "a️", "👍\u{200d}", "🇧🇷🇵🇹", "\u{200d}"]
        {
            assert!(!is_one(other), "{other}");
        }
    }
}
