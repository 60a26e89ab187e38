//! Polls in words.

use jiff::tz::TimeZone;

use super::Locale;
use super::lines::{Lines, moment};
use crate::event::{Poll, Question};
use crate::text::literal;

/// A question with its options, or its results.
pub fn poll(locale: Locale, zone: &TimeZone, poll: &Poll) -> String {
    match poll {
        Poll::Asked(question) => asked(locale, zone, question),
        Poll::Results { question, votes } => {
            let title = locale.pick("Resultado da enquete", "Poll results", "Resultado de la encuesta");
            let mut lines = Lines::titled("📊", &title);
            lines.text(question.as_deref());
            lines.items(locale, votes.iter().map(|(option, votes)| format!("{}: {votes}", literal(option))));
            lines.finish()
        }
    }
}

fn asked(locale: Locale, zone: &TimeZone, question: &Question) -> String {
    let title = match question.right_answer {
        Some(_) => locale.pick("Quiz", "Quiz", "Quiz"),
        None => locale.pick("Enquete", "Poll", "Encuesta"),
    };
    let mut lines = Lines::titled("📊", &title);
    lines.text(Some(&question.text));
    lines.items(locale, question.options.iter().map(|option| literal(option)));
    let rule = match (question.most_choices, locale) {
        (None, _) => locale.pick("várias respostas possíveis", "any number of answers", "varias respuestas posibles"),
        (Some(1), _) => locale.pick("uma resposta", "one answer", "una respuesta"),
        (Some(most), Locale::PtBr) => format!("até {most} respostas"),
        (Some(most), Locale::En) => format!("up to {most} answers"),
        (Some(most), Locale::Es) => format!("hasta {most} respuestas"),
    };
    lines.line(String::new()).line(format!("_{rule}_"));
    lines.field(&locale.pick("Resposta certa", "Right answer", "Respuesta correcta"), question.right_answer.as_deref());
    let until = question.ends_at.and_then(|at| moment(locale, zone, at));
    lines.field(&locale.pick("Até", "Until", "Hasta"), until.as_deref());
    lines.finish()
}
