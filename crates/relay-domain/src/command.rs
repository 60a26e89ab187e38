//! What agents ask the relay for, in a word, in the conversation of the *Relay* contact.

/// A wish that an agent may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// How things are.
    Status,
    /// To connect the phone.
    Pair,
    /// To stop for a while, perhaps for a reason.
    Pause(Option<String>),
    /// To go on.
    Resume,
    /// To look for what is wrong.
    Doctor,
    /// To be told what can be asked for.
    Help,
}

/// The words of each wish, in all languages, without accents.
const STATUS: &[&str] = &["status", "estado", "situacao", "situacion"];
const PAIR: &[&str] = &["qr", "qrcode", "pair", "connect", "conectar", "parear", "emparejar", "vincular"];
const PAUSE: &[&str] = &["pause", "pausar", "pausa"];
const RESUME: &[&str] = &["resume", "retomar", "reanudar", "continuar"];
const DOCTOR: &[&str] = &["doctor", "doutor", "diagnostico", "diagnosticar", "diagnosis"];
const HELP: &[&str] = &["help", "ajuda", "ayuda", "menu", "?"];

/// Longest reason of a pause that is kept, in characters.
const LONGEST_REASON: usize = 150;

impl Command {
    /// Reads what an agent wrote: the first word counts, whatever its case, its accents and a slash in front. `None` for a word that
    /// is none of them.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(|sign: char| sign.is_whitespace() || "/*_`".contains(sign));
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let word = folded(first);
        let is_one_of = |words: &[&str]| words.contains(&word.as_str());
        Some(match () {
            () if is_one_of(STATUS) => Self::Status,
            () if is_one_of(PAIR) => Self::Pair,
            () if is_one_of(PAUSE) => Self::Pause(reason(rest)),
            () if is_one_of(RESUME) => Self::Resume,
            () if is_one_of(DOCTOR) => Self::Doctor,
            () if is_one_of(HELP) => Self::Help,
            () => return None,
        })
    }

    /// Whether it changes something, or shows what is only for those who run the installation.
    pub const fn needs_administrator(&self) -> bool {
        match self {
            Self::Pair | Self::Pause(_) | Self::Resume | Self::Doctor => true,
            Self::Status | Self::Help => false,
        }
    }

    /// Whether it means the moment in which it was written, and nothing later.
    pub const fn is_for_now(&self) -> bool {
        match self {
            Self::Pair | Self::Pause(_) | Self::Resume => true,
            Self::Status | Self::Doctor | Self::Help => false,
        }
    }
}

/// A word in small letters, without accents and without what stands at its end.
fn folded(word: &str) -> String {
    let is_mark = |sign: char| sign.is_ascii_punctuation() && sign != '?';
    let word = if word == "?" { word } else { word.trim_end_matches(|sign| is_mark(sign) || sign == '?') };
    word.to_lowercase().chars().filter_map(without_accent).collect()
}

fn without_accent(letter: char) -> Option<char> {
    Some(match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        // accents that are signs of their own, as some keyboards send them
        '\u{300}'..='\u{36f}' => return None,
        letter => letter,
    })
}

fn reason(text: &str) -> Option<String> {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|sign| !sign.is_control()).take(LONGEST_REASON).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_slashes_and_languages_make_no_difference() {
        let table = [
            ("status", Command::Status),
            ("  /Estado ", Command::Status),
            ("SITUAÇÃO?", Command::Status),
            ("situac\u{327}a\u{303}o", Command::Status),
            ("qr", Command::Pair),
            ("**QR** please", Command::Pair),
            ("conectar.", Command::Pair),
            ("/pause", Command::Pause(None)),
            ("pausar  férias\nde julho ", Command::Pause(Some("férias de julho".to_owned()))),
            ("Retomar", Command::Resume),
            ("reanudar", Command::Resume),
            ("diagnóstico", Command::Doctor),
            ("ayuda!", Command::Help),
            ("?", Command::Help),
        ];
        for (text, wanted) in table {
            assert_eq!(Command::parse(text), Some(wanted), "{text}");
        }
        for text in ["", "  ", "/", "bom dia", "statuses", "não conectar", "🙂"] {
            assert_eq!(Command::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_reason_is_one_line_and_not_endless() {
        let Some(Command::Pause(Some(reason))) = Command::parse(&format!("pause {}\u{7}", "x".repeat(1000))) else {
            panic!("no pause");
        };
        assert_eq!(reason, "x".repeat(LONGEST_REASON));
    }

    #[test]
    fn what_changes_something_takes_an_administrator() {
        let table =
            [("status", false), ("help", false), ("qr", true), ("pause", true), ("resume", true), ("doctor", true)];
        for (text, needs) in table {
            assert_eq!(Command::parse(text).unwrap().needs_administrator(), needs, "{text}");
        }
    }
}
