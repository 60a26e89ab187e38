//! What would be made, what was made, and how it proves to work.

use relay_engine::setup::HookState;

use super::{Say, Three, three};

/// A line of the plan, or of what became of it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Name, number of members.
    InboxToMake(String, usize),
    /// Id, name, number of members, where its events go until now.
    InboxToUse(i64, String, usize, Option<String>),
    InboxInPlace(i64, String),
    InstanceToMake(String),
    /// Name, whether a phone is connected, where its webhooks go until now.
    InstanceToUse(String, bool, Option<String>),
    InstanceInPlace(String),
    HooksToSet,
    /// Side, state.
    Hook(&'static str, HookState),
    EnvToWrite(String),
    EnvToChange(String),
    EnvInPlace,
    EnvWritten,
    /// Id, name, whether it was made just now.
    InboxDone(i64, String, bool),
    /// Name, whether webhooks are checked by signature.
    SessionDone(String, bool),
    SidesMended,
    Knocking,
    /// Side, milliseconds.
    Reached(&'static str, u128),
    ReachedWithNextCode,
    ReachedWithMessage,
    SendYourself,
    /// Seconds, with one digit.
    FirstMessage(String),
    SavingFound,
    AlreadyRuns,
    Serving(String),
    NextTime,
}

#[expect(clippy::too_many_lines, reason = "one arm for each sentence")]
impl Say for Step {
    fn in_three(&self) -> Three {
        match self {
            Self::InboxToMake(name, members) => [
                format!(
                    "a caixa de entrada \"{name}\" será criada, para {members} {}",
                    count(*members, "pessoa", "pessoas")
                ),
                format!("inbox \"{name}\" will be created, for {members} {}", count(*members, "person", "people")),
                format!("se creará la bandeja \"{name}\", para {members} {}", count(*members, "persona", "personas")),
            ],
            Self::InboxToUse(id, name, members, replaces) => inbox_to_use(*id, name, *members, replaces.as_deref()),
            Self::InboxInPlace(id, name) => [
                format!("caixa de entrada \"{name}\" (#{id})"),
                format!("inbox \"{name}\" (#{id})"),
                format!("bandeja \"{name}\" (#{id})"),
            ],
            Self::InstanceToMake(name) => [
                format!("a instância \"{name}\" será criada no CodeChat"),
                format!("instance \"{name}\" will be created in CodeChat"),
                format!("se creará la instancia \"{name}\" en CodeChat"),
            ],
            Self::InstanceToUse(name, is_connected, replaces) => {
                instance_to_use(name, *is_connected, replaces.as_deref())
            }
            Self::InstanceInPlace(name) => [
                format!("instância \"{name}\" no CodeChat"),
                format!("instance \"{name}\" in CodeChat"),
                format!("instancia \"{name}\" en CodeChat"),
            ],
            Self::HooksToSet => three(
                "os webhooks dos dois lados serão apontados para o relay",
                "the webhooks of both sides will lead to the relay",
                "los webhooks de ambos lados apuntarán al relay",
            ),
            Self::Hook(side, state) => hook(side, state),
            Self::EnvToWrite(names) => [
                format!(".env será escrito: {names}"),
                format!(".env will be written: {names}"),
                format!("se escribirá .env: {names}"),
            ],
            Self::EnvToChange(names) => [
                format!(".env existe; estas linhas mudam, as outras ficam: {names}"),
                format!(".env is there; these lines change, the others stay: {names}"),
                format!(".env existe; estas líneas cambian, las demás quedan: {names}"),
            ],
            Self::EnvInPlace => three(".env", ".env", ".env"),
            Self::EnvWritten => three(
                ".env escrito, só você pode lê-lo",
                ".env written, only you can read it",
                ".env escrito, solo tú puedes leerlo",
            ),
            Self::InboxDone(id, name, is_new) => {
                if *is_new {
                    [
                        format!("caixa de entrada \"{name}\" criada (#{id}, API)"),
                        format!("inbox \"{name}\" created (#{id}, API)"),
                        format!("bandeja \"{name}\" creada (#{id}, API)"),
                    ]
                } else {
                    [
                        format!("caixa de entrada \"{name}\" em uso (#{id}, API)"),
                        format!("inbox \"{name}\" in use (#{id}, API)"),
                        format!("bandeja \"{name}\" en uso (#{id}, API)"),
                    ]
                }
            }
            Self::SessionDone(name, is_signed) => {
                if *is_signed {
                    [
                        format!("instância \"{name}\" pronta, webhooks ligados e assinados"),
                        format!("instance \"{name}\" ready, webhooks set and signed"),
                        format!("instancia \"{name}\" lista, webhooks puestos y firmados"),
                    ]
                } else {
                    [
                        format!("instância \"{name}\" pronta, webhooks ligados"),
                        format!("instance \"{name}\" ready, webhooks set"),
                        format!("instancia \"{name}\" lista, webhooks puestos"),
                    ]
                }
            }
            Self::SidesMended => three("webhooks acertados", "webhooks put right", "webhooks corregidos"),
            Self::Knocking => three(
                "conferindo se os dois lados alcançam o relay…",
                "seeing whether both sides reach the relay…",
                "viendo si ambos lados alcanzan el relay…",
            ),
            Self::Reached(side, ms) => [
                format!("{side} nos alcançou em {ms} ms"),
                format!("{side} reached us in {ms} ms"),
                format!("{side} nos alcanzó en {ms} ms"),
            ],
            Self::ReachedWithNextCode => three(
                "o CodeChat já mostra um código e avisa com o próximo",
                "CodeChat shows a code already, and reports with the next one",
                "CodeChat ya muestra un código, y avisa con el siguiente",
            ),
            Self::ReachedWithMessage => three(
                "o telefone já está conectado: a próxima mensagem mostra se o CodeChat alcança o relay",
                "the phone is connected already: the next message shows whether CodeChat reaches the relay",
                "el teléfono ya está conectado: el próximo mensaje muestra si CodeChat alcanza el relay",
            ),
            Self::SendYourself => three(
                "Mande uma mensagem para esse número (ou para você mesmo) para testar…",
                "Send that number (or yourself) a message to test…",
                "Envía un mensaje a ese número (o a ti mismo) para probar…",
            ),
            Self::FirstMessage(seconds) => [
                format!("primeira mensagem no Chatwoot, em {seconds} s"),
                format!("first message in Chatwoot, in {seconds} s"),
                format!("primer mensaje en Chatwoot, en {seconds} s"),
            ],
            Self::SavingFound => {
                three("o CodeChat guarda mensagens", "CodeChat saves messages", "CodeChat guarda mensajes")
            }
            Self::AlreadyRuns => three(
                "o relay já está rodando e continua",
                "the relay runs already and goes on",
                "el relay ya está en marcha y sigue",
            ),
            Self::Serving(address) => [
                format!("o relay está rodando em {address}; Ctrl-C o encerra"),
                format!("the relay is running on {address}; Ctrl-C ends it"),
                format!("el relay está en marcha en {address}; Ctrl-C lo termina"),
            ],
            Self::NextTime => three(
                "da próxima vez, nesta pasta: relay serve",
                "next time, in this folder: relay serve",
                "la próxima vez, en esta carpeta: relay serve",
            ),
        }
    }
}

fn count(number: usize, one: &'static str, many: &'static str) -> &'static str {
    if number == 1 { one } else { many }
}

fn inbox_to_use(id: i64, name: &str, members: usize, replaces: Option<&str>) -> Three {
    let mut said = [
        format!("a caixa de entrada \"{name}\" (#{id}) será usada"),
        format!("inbox \"{name}\" (#{id}) will be used"),
        format!("se usará la bandeja \"{name}\" (#{id})"),
    ];
    if members > 0 {
        let more = [
            format!(", para {members} {}", count(members, "pessoa", "pessoas")),
            format!(", for {members} {}", count(members, "person", "people")),
            format!(", para {members} {}", count(members, "persona", "personas")),
        ];
        append(&mut said, &more);
    }
    if let Some(url) = replaces {
        let more = [
            format!("; hoje os eventos dela vão para {url}, que deixa de recebê-los"),
            format!("; its events go to {url} today, which will get no more"),
            format!("; hoy sus eventos van a {url}, que dejará de recibirlos"),
        ];
        append(&mut said, &more);
    }
    said
}

fn instance_to_use(name: &str, is_connected: bool, replaces: Option<&str>) -> Three {
    let mut said = [
        format!("a instância \"{name}\" do CodeChat será usada"),
        format!("instance \"{name}\" of CodeChat will be used"),
        format!("se usará la instancia \"{name}\" de CodeChat"),
    ];
    if is_connected {
        append(&mut said, &three(" (telefone conectado)", " (phone connected)", " (teléfono conectado)"));
    }
    if let Some(url) = replaces {
        let more = [
            format!("; hoje ela avisa {url}, que deixa de ser avisado"),
            format!("; it reports to {url} today, which will hear no more"),
            format!("; hoy avisa a {url}, que dejará de recibir avisos"),
        ];
        append(&mut said, &more);
    }
    said
}

fn append(said: &mut Three, more: &Three) {
    for (said, more) in said.iter_mut().zip(more) {
        said.push_str(more);
    }
}

fn hook(side: &str, state: &HookState) -> Three {
    match state {
        HookState::Right => [format!("webhook do {side}"), format!("webhook of {side}"), format!("webhook de {side}")],
        HookState::Missing => [
            format!("o webhook do {side} falta e será ligado"),
            format!("the webhook of {side} is missing and will be set"),
            format!("el webhook de {side} falta y se pondrá"),
        ],
        HookState::Stale => [
            format!("o webhook do {side} traz um segredo antigo e será trocado"),
            format!("the webhook of {side} has a secret of the past and will be replaced"),
            format!("el webhook de {side} lleva un secreto antiguo y se cambiará"),
        ],
        HookState::Elsewhere(url) => [
            format!("o webhook do {side} vai para {url} e será trazido para cá"),
            format!("the webhook of {side} leads to {url} and will lead here"),
            format!("el webhook de {side} va a {url} y se traerá aquí"),
        ],
        HookState::NoInstance => [
            "a instância sumiu do CodeChat e será criada de novo".to_owned(),
            "the instance is gone from CodeChat and will be created again".to_owned(),
            "la instancia ya no está en CodeChat y se creará de nuevo".to_owned(),
        ],
        HookState::Unknown(why) => [
            format!("o {side} não mostra seu webhook ({why}); ele será ligado"),
            format!("{side} does not show its webhook ({why}); it will be set"),
            format!("{side} no muestra su webhook ({why}); se pondrá"),
        ],
    }
}
