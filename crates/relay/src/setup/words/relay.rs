//! What the relay's own API refused, by the code of its answer.

use super::{Say as _, Three, Trouble, three};

/// A refusal; codes that a setup does not meet keep the API's English reason.
pub(super) fn refused(code: &str, detail: &str) -> Three {
    let by_side = |side| Trouble::Failed { side, why: detail.to_owned() }.in_three();
    match code {
        "chatwoot_failed" => by_side("Chatwoot"),
        "codechat_failed" => by_side("CodeChat"),
        "chatwoot_token_refused" => three(
            "o Chatwoot recusa esse token para essa caixa de entrada\n  hint: use o token de um administrador da conta",
            "Chatwoot refuses this token for this inbox\n  hint: use the token of an administrator of the account",
            "Chatwoot rechaza este token para esta bandeja\n  hint: usa el token de un administrador de la cuenta",
        ),
        "no_such_inbox" | "not_an_api_inbox" => three(
            "essa caixa de entrada sumiu ou não é do tipo API\n  hint: rode relay setup de novo para escolher outra",
            "this inbox is gone, or not of type API\n  hint: run relay setup again to choose another",
            "esta bandeja ya no existe o no es de tipo API\n  hint: ejecuta relay setup de nuevo para elegir otra",
        ),
        "taken" => three(
            "essa caixa de entrada ou esse nome já pertence a outra sessão\n  hint: relay session ls mostra qual; escolha com --inbox ou --name",
            "this inbox or this name belongs to another session already\n  hint: relay session ls shows which; choose with --inbox or --name",
            "esta bandeja o este nombre ya pertenece a otra sesión\n  hint: relay session ls muestra cuál; elige con --inbox o --name",
        ),
        "bad_session_id" => three(
            "esse nome não serve para uma sessão\n  hint: use letras, dígitos, - e _ com --name",
            "this name does not do for a session\n  hint: use letters, digits, - and _ with --name",
            "este nombre no sirve para una sesión\n  hint: usa letras, dígitos, - y _ con --name",
        ),
        "disk_full" | "store_unavailable" => three(
            "o relay não consegue gravar agora\n  hint: confira o espaço em disco e o banco de dados, e rode relay setup de novo",
            "the relay cannot write now\n  hint: check the disk's room and the database, and run relay setup again",
            "el relay no puede escribir ahora\n  hint: revisa el espacio en disco y la base de datos, y ejecuta relay setup de nuevo",
        ),
        _ => [
            format!("o relay recusou: {detail}"),
            format!("the relay refused: {detail}"),
            format!("el relay rechazó: {detail}"),
        ],
    }
}
