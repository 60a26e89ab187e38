//! Why a server did not answer, told from what the transport said.

/// What is wrong with the way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Its name leads nowhere.
    Name,
    /// Nothing listens there.
    Refused,
    /// Its certificate is not one to trust.
    Certificate,
    /// No answer in time.
    Silent,
    /// It, or a proxy in front of it, answers that it failed.
    Failing,
    /// It answers, and not as it should: something else is there.
    Strange,
}

impl Broken {
    /// By the words of the transport.
    pub(super) fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["dns error", "lookup address", "name or service not known", "no such host"]) {
            Self::Name
        } else if says(&["certificate", "tls", "unknownissuer", "handshake"]) {
            Self::Certificate
        } else if says(&["timed out", "deadline", "did not answer"]) {
            Self::Silent
        } else {
            Self::Refused
        }
    }

    /// By how a call to Chatwoot failed; `None` when Chatwoot answered.
    pub(super) fn of_chatwoot(error: &chatwoot::Error) -> Option<Self> {
        match &error.kind {
            chatwoot::ErrorKind::Unreachable => Some(Self::of(&error.detail)),
            chatwoot::ErrorKind::TimedOut => Some(Self::Silent),
            chatwoot::ErrorKind::ServerError => Some(Self::Failing),
            chatwoot::ErrorKind::Unexpected | chatwoot::ErrorKind::NotFound => Some(Self::Strange),
            chatwoot::ErrorKind::Unauthorized
            | chatwoot::ErrorKind::RateLimited { .. }
            | chatwoot::ErrorKind::Taken { .. }
            | chatwoot::ErrorKind::TooLarge
            | chatwoot::ErrorKind::Invalid => None,
        }
    }

    /// By how a call to CodeChat failed; `None` when CodeChat answered.
    pub(super) fn of_codechat(error: &codechat::Error) -> Option<Self> {
        match &error.kind {
            codechat::ErrorKind::Unreachable => Some(Self::of(&error.detail)),
            codechat::ErrorKind::TimedOut => Some(Self::Silent),
            codechat::ErrorKind::ServerError => Some(Self::Failing),
            codechat::ErrorKind::Unexpected | codechat::ErrorKind::NotFound => Some(Self::Strange),
            codechat::ErrorKind::Unauthorized
            | codechat::ErrorKind::RateLimited { .. }
            | codechat::ErrorKind::NotOnWhatsApp
            | codechat::ErrorKind::NotConnected
            | codechat::ErrorKind::NothingSent
            | codechat::ErrorKind::MediaUnavailable
            | codechat::ErrorKind::AlreadyExists
            | codechat::ErrorKind::Rejected
            | codechat::ErrorKind::TooLarge => None,
        }
    }

    /// By how a plain request failed.
    pub(super) fn of_request(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Silent;
        }
        let mut text = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = cause {
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self::of(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_transport_tell_why() {
        let table = [
            (
                "error sending request: client error (Connect): dns error: failed to lookup address information",
                Broken::Name,
            ),
            ("client error (Connect): tcp connect error: Connection refused (os error 111)", Broken::Refused),
            ("client error (Connect): invalid peer certificate: UnknownIssuer", Broken::Certificate),
            ("operation timed out", Broken::Silent),
        ];
        for (text, expected) in table {
            assert_eq!(Broken::of(text), expected, "{text}");
        }
    }
}
