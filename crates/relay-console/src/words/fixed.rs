//! Sentences that hold neither numbers nor names.

use relay_domain::note::Locale;

/// One row for each sentence: its name, then Portuguese, English, Spanish. A missing language does not compile.
macro_rules! sentences {
    ($($name:ident: $pt:literal, $en:literal, $es:literal;)*) => {
        /// A sentence of the console.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum T {
            $($name,)*
        }

        impl T {
            /// The sentence in a language.
            pub(crate) const fn in_language(self, locale: Locale) -> &'static str {
                match (self, locale) {
                    $(
                        (Self::$name, Locale::PtBr) => $pt,
                        (Self::$name, Locale::En) => $en,
                        (Self::$name, Locale::Es) => $es,
                    )*
                }
            }
        }
    };
}

sentences! {
    Overview: "Visão geral", "Overview", "Resumen";
    Messages: "Mensagens", "Messages", "Mensajes";
    DeadLetters: "Não entregues", "Dead letters", "No entregados";
    LiveTail: "Ao vivo", "Live tail", "En vivo";
    Settings: "Configuração", "Settings", "Configuración";
    SkipToContent: "Ir para o conteúdo", "Skip to content", "Ir al contenido";
    MainNavigation: "Navegação principal", "Main navigation", "Navegación principal";
    Language: "Idioma", "Language", "Idioma";
    SignIn: "Entrar", "Sign in", "Entrar";
    SignOut: "Sair", "Sign out", "Salir";
    SignInTitle: "Entrar no console do relay", "Sign in to the relay console", "Entrar en la consola del relay";
    SignInHint:
        "No servidor, execute este comando e abra o link que ele mostra:",
        "On the server, run this command and open the link that it prints:",
        "En el servidor, ejecuta este comando y abre el enlace que muestra:";
    OrByKey:
        "Ou entre com a chave da API (API_KEY, ou o arquivo api.key em DATA_DIR).",
        "Or sign in with the API key (API_KEY, or the file api.key in DATA_DIR).",
        "O entra con la clave de la API (API_KEY, o el archivo api.key en DATA_DIR).";
    ApiKey: "Chave da API", "API key", "Clave de la API";
    WrongKey:
        "Esta não é a chave da API deste relay.",
        "This is not the API key of this relay.",
        "Esta no es la clave de la API de este relay.";
    TooManyWrongKeys:
        "Muitas chaves erradas. Espere um minuto, ou use um link de relay console.",
        "Too many wrong keys. Wait a minute, or use a link from relay console.",
        "Demasiadas claves incorrectas. Espera un minuto, o usa un enlace de relay console.";
    LinkUsed:
        "Este link já foi usado ou venceu. Execute relay console para ter outro.",
        "This link was used already, or is too old. Run relay console for another one.",
        "Este enlace ya se usó o caducó. Ejecuta relay console para tener otro.";
    EnterTitle: "Abrir o console", "Open the console", "Abrir la consola";
    EnterHint:
        "O link funciona uma única vez e entra neste navegador.",
        "The link works once and signs this browser in.",
        "El enlace funciona una sola vez e inicia sesión en este navegador.";
    SignedOut: "Você não está mais conectado.", "You are not signed in any more.", "Ya no tienes la sesión iniciada.";
    SignedOutHint:
        "Entre de novo e repita o que fez.",
        "Sign in again and repeat what you did.",
        "Entra de nuevo y repite lo que hiciste.";
    Foreign:
        "Este formulário não veio desta página.",
        "This form did not come from this page.",
        "Este formulario no vino de esta página.";
    ForeignHint:
        "Volte, recarregue a página e tente de novo.",
        "Go back, reload the page and try again.",
        "Vuelve, recarga la página e inténtalo de nuevo.";
    Unreadable: "O formulário não pôde ser lido.", "The form cannot be read.", "El formulario no se pudo leer.";
    UnreadableHint:
        "Ele pode ser grande demais. Volte e envie menos.",
        "It may be too large. Go back and send less.",
        "Puede ser demasiado grande. Vuelve y envía menos.";
    NotFound: "Não há nada neste endereço.", "There is nothing at this address.", "No hay nada en esta dirección.";
    NotFoundHint:
        "A mensagem ou a sessão pode ter sido removida.",
        "The message or session may have been removed.",
        "El mensaje o la sesión puede haberse eliminado.";
    NotUnderstood: "Isto não foi entendido.", "This was not understood.", "Esto no se entendió.";
    GoBack: "Volte e corrija.", "Go back and correct it.", "Vuelve y corrígelo.";
    FilterHint:
        "Escolha a sessão, o sentido e o estado nas listas.",
        "Choose session, way and state from the lists.",
        "Elige la sesión, el sentido y el estado en las listas.";
    MomentHint:
        "Escreva uma data e hora, como 2026-11-22T10:00.",
        "Write a date and time, such as 2026-11-22T10:00.",
        "Escribe una fecha y hora, como 2026-11-22T10:00.";
    ReasonHint:
        "Escreva o motivo em uma linha de até 200 caracteres.",
        "Give the reason in one line of at most 200 characters.",
        "Escribe el motivo en una línea de hasta 200 caracteres.";
    NumberHint:
        "A equipe é um número, ou nada.",
        "The team is a number, or nothing.",
        "El equipo es un número, o nada.";
    Crowded:
        "Há páginas ao vivo demais abertas.",
        "Too many live pages are open.",
        "Hay demasiadas páginas en vivo abiertas.";
    CrowdedHint:
        "Feche algumas; as outras funcionam sem isso.",
        "Close some; the others work without it.",
        "Cierra algunas; las demás funcionan sin eso.";
    CodeChatFailed: "O CodeChat não fez a sua parte.", "CodeChat did not do its part.", "CodeChat no hizo su parte.";
    CodeChatFailedHint:
        "Verifique se o CodeChat está no ar e tente de novo.",
        "Check that CodeChat is up, and try again.",
        "Comprueba que CodeChat está activo e inténtalo de nuevo.";
    StoreFailed:
        "O banco de dados não responde agora.",
        "The database does not answer now.",
        "La base de datos no responde ahora.";
    StoreFailedHint:
        "Tente de novo; o log do relay diz por quê.",
        "Try again; the log of the relay says why.",
        "Inténtalo de nuevo; el registro del relay dice por qué.";
    BackToOverview: "Voltar à visão geral", "Back to the overview", "Volver al resumen";
    JustNow: "agora", "just now", "ahora";
    NextThing: "O que fazer agora", "What to do next", "Qué hacer ahora";
    Sessions: "Sessões", "Sessions", "Sesiones";
    Session: "Sessão", "Session", "Sesión";
    LastMessage: "Última mensagem", "Last message", "Último mensaje";
    OldestPending: "Espera mais longa", "Oldest waiting", "Espera más larga";
    Waiting: "Esperando", "Waiting", "En espera";
    TodayIn: "Hoje, do WhatsApp", "Today from WhatsApp", "Hoy, de WhatsApp";
    TodayOut: "Hoje, para o WhatsApp", "Today to WhatsApp", "Hoy, a WhatsApp";
    CountsAreCut:
        "Muito movimento: os números de hoje são no mínimo estes.",
        "Much traffic: today's counts are at least these.",
        "Mucho movimiento: los números de hoy son como mínimo estos.";
    None: "nenhuma", "none", "ninguno";
    Connected: "Conectada", "Connected", "Conectada";
    Connecting: "Conectando", "Connecting", "Conectando";
    Disconnected: "Desconectada", "Disconnected", "Desconectada";
    NotHeardOf: "Sem notícia ainda", "Not heard of yet", "Sin noticia aún";
    Paused: "Pausada", "Paused", "En pausa";
    Answers: "responde", "answers", "responde";
    Silent: "não responde", "does not answer", "no responde";
    DiskFull:
        "O disco está cheio: webhooks são recusados",
        "The disk is full: webhooks are refused",
        "El disco está lleno: se rechazan los webhooks";
    DiskFullHint:
        "Libere espaço no servidor. O relay continua sozinho.",
        "Free some space on the server. The relay goes on by itself.",
        "Libera espacio en el servidor. El relay sigue por sí solo.";
    DiskTight:
        "O disco está enchendo: mensagens com arquivos esperam",
        "The disk is filling up: messages with files wait",
        "El disco se está llenando: los mensajes con archivos esperan";
    DiskTightHint:
        "Libere espaço no servidor antes que os webhooks sejam recusados.",
        "Free some space on the server before webhooks are refused.",
        "Libera espacio en el servidor antes de que se rechacen los webhooks.";
    NoSessions: "Ainda não há sessões", "There are no sessions yet", "Todavía no hay sesiones";
    NoSessionsHint:
        "Ligue um número a uma caixa de entrada: relay session add --account 1 --inbox 1",
        "Join a number to an inbox: relay session add --account 1 --inbox 1",
        "Une un número a una bandeja de entrada: relay session add --account 1 --inbox 1";
    PausedHint:
        "Verifique o token nesse lado. A sessão volta sozinha quando ele funcionar; até lá tudo fica guardado.",
        "Check the token on that side. The session resumes by itself once it works; until then everything is kept.",
        "Revisa el token en ese lado. La sesión se reanuda sola cuando funcione; hasta entonces todo se guarda.";
    PausedByHandHint:
        "Uma pessoa a pausou. O que chega fica guardado até que ela seja retomada.",
        "A person paused it. What comes is kept until it is resumed.",
        "Una persona la puso en pausa. Lo que llega se guarda hasta que se reanude.";
    OpenSession: "Abrir a sessão", "Open the session", "Abrir la sesión";
    PhoneOffHint:
        "Leia o código QR com WhatsApp > Aparelhos conectados. O que os agentes escrevem espera.",
        "Scan the QR code with WhatsApp > Linked devices. What agents write waits.",
        "Escanea el código QR con WhatsApp > Dispositivos vinculados. Lo que escriben los agentes espera.";
    ConnectPhone: "Conectar o telefone", "Connect the phone", "Conectar el teléfono";
    DeadHint:
        "Veja por quê, depois tente de novo ou descarte.",
        "See why, then try them again or drop them.",
        "Mira por qué, luego inténtalos de nuevo o descártalos.";
    OpenDeadLetters: "Abrir as não entregues", "Open the dead letters", "Abrir los no entregados";
    ChatwootSilent: "O Chatwoot não responde", "Chatwoot does not answer", "Chatwoot no responde";
    CodeChatSilent: "O CodeChat não responde", "CodeChat does not answer", "CodeChat no responde";
    SilentHint:
        "Nada se perde: as mensagens esperam e vão quando ele voltar. Verifique se está no ar.",
        "Nothing is lost: messages wait and go once it is back. Check that it is up.",
        "Nada se pierde: los mensajes esperan y salen cuando vuelva. Comprueba que está activo.";
    WaitsLongHint:
        "Abra uma delas: cada tentativa diz o que houve.",
        "Open one of them: each attempt says what happened.",
        "Abre uno de ellos: cada intento dice qué pasó.";
    OpenMessages: "Abrir as mensagens", "Open the messages", "Abrir los mensajes";
    AllWell: "Tudo em ordem", "All is well", "Todo en orden";
    AllWellHint: "Nada precisa de você agora.", "Nothing needs you now.", "Nada te necesita ahora.";
    Pending: "esperando", "pending", "en espera";
    Delivered: "entregue", "delivered", "entregado";
    Ignored: "ignorada", "ignored", "ignorado";
    Dead: "não entregue", "dead", "no entregado";
    Expired: "vencida", "expired", "vencido";
    WayIn: "do WhatsApp", "from WhatsApp", "de WhatsApp";
    WayOut: "para o WhatsApp", "to WhatsApp", "a WhatsApp";
    WayReceipt: "aviso", "notice", "aviso";
    WayDesk: "contato Relay", "Relay contact", "contacto Relay";
    Chat: "Conversa", "Chat", "Chat";
    ChatHint: "número ou endereço do WhatsApp", "number or WhatsApp address", "número o dirección de WhatsApp";
    Direction: "Sentido", "Way", "Sentido";
    State: "Estado", "State", "Estado";
    Since: "Desde", "Since", "Desde";
    Until: "Até", "Until", "Hasta";
    Any: "qualquer", "any", "cualquiera";
    Filter: "Filtrar", "Filter", "Filtrar";
    Filters: "Filtros", "Filters", "Filtros";
    ClearFilters: "Limpar", "Clear", "Limpiar";
    Time: "Hora", "Time", "Hora";
    ChatAndText: "Conversa e texto", "Chat and text", "Chat y texto";
    Attempts: "Tentativas", "Attempts", "Intentos";
    Attempt: "Tentativa", "Attempt", "Intento";
    Older: "Mais antigas", "Older", "Más antiguos";
    Newest: "Mais recentes", "Newest", "Más recientes";
    LookFurther: "Procurar mais para trás", "Look further back", "Buscar más atrás";
    NothingHere: "Nada encontrado neste trecho.", "Nothing found in this stretch.", "Nada encontrado en este tramo.";
    NoMessages:
        "Nenhuma mensagem ainda. Envie uma para o número conectado, ou escreva em uma conversa no Chatwoot.",
        "No messages yet. Send one to the connected number, or write in a conversation in Chatwoot.",
        "Todavía no hay mensajes. Envía uno al número conectado, o escribe en una conversación en Chatwoot.";
    NoMatch:
        "Nenhuma mensagem corresponde aos filtros.",
        "No message matches the filters.",
        "Ningún mensaje corresponde a los filtros.";
    MessagesCaption:
        "Mensagens, das mais novas às mais antigas",
        "Messages, newest first",
        "Mensajes, del más nuevo al más antiguo";
    TailHint:
        "As 50 mais recentes. A página se atualiza sozinha.",
        "The newest 50. The page keeps itself up to date.",
        "Los 50 más recientes. La página se actualiza sola.";
    PauseTail: "Parar a atualização", "Hold still", "Detener";
    ResumeTail: "Continuar", "Go on", "Continuar";
    Message: "Mensagem", "Message", "Mensaje";
    Event: "Evento", "Event", "Evento";
    Received: "Recebida", "Received", "Recibido";
    Ended: "Terminou", "Ended", "Terminó";
    Reason: "Motivo", "Reason", "Motivo";
    ByWebhook: "por webhook", "by webhook", "por webhook";
    BySweep: "achada pela recuperação de lacunas", "found by gap recovery", "hallado por la recuperación de huecos";
    ByImport: "importada", "imported", "importado";
    ByNotice: "aviso do próprio relay", "a notice of the relay itself", "aviso del propio relay";
    ByPerson: "a pedido de uma pessoa", "at a person's request", "a petición de una persona";
    ShownThere: "O que se vê do outro lado", "What the other side shows", "Lo que se ve del otro lado";
    NothingShown:
        "Nada cruza, ou o conteúdo já foi esvaziado.",
        "Nothing crosses, or the content was emptied already.",
        "Nada cruza, o el contenido ya se vació.";
    PrivateNote: "nota privada", "private note", "nota privada";
    Placeholder: "substituta", "placeholder", "sustituto";
    History: "O que aconteceu", "What happened", "Qué pasó";
    Request: "Pedido a", "Request to", "Petición a";
    Milliseconds: "ms", "ms", "ms";
    HttpStatus: "HTTP", "HTTP", "HTTP";
    WaitsForOthers:
        "Espera pelas que vêm antes dela na conversa",
        "Waits for those in front of it in the chat",
        "Espera a los que van antes en el chat";
    WaitsForJoin:
        "Espera que duas conversas da mesma pessoa sejam unidas",
        "Waits for two chats of one person to be joined",
        "Espera a que se unan dos chats de la misma persona";
    TriedNow: "Está na vez agora", "Its turn is now", "Es su turno ahora";
    BothSides: "Nos dois lados", "On both sides", "En ambos lados";
    Part: "Parte", "Part", "Parte";
    WhatsAppId: "Id no WhatsApp", "WhatsApp id", "Id en WhatsApp";
    Conversation: "Conversa no Chatwoot", "Chatwoot conversation", "Conversación en Chatwoot";
    CwMessage: "Mensagem no Chatwoot", "Chatwoot message", "Mensaje en Chatwoot";
    DeletedMark: "apagada", "deleted", "eliminado";
    Resend: "Reenviar", "Resend", "Reenviar";
    ResendHint:
        "Volta à fila no seu lugar; partes já enviadas não vão de novo.",
        "It queues again at its old place; parts that were sent are not sent again.",
        "Vuelve a la cola en su lugar; las partes ya enviadas no van de nuevo.";
    Drop: "Descartar", "Drop", "Descartar";
    DropReason: "Motivo para descartar", "Reason for dropping", "Motivo para descartar";
    Decide: "Decidir", "Decide", "Decidir";
    DecidedBefore:
        "Já foi decidido antes; nada mudou.",
        "That was decided before; nothing changed.",
        "Ya se decidió antes; nada cambió.";
    BodyGone:
        "Não pode ser tentada de novo: o conteúdo é esvaziado 90 dias depois. Descarte-a.",
        "It cannot be tried again: its content is emptied after 90 days. Drop it instead.",
        "No se puede intentar de nuevo: el contenido se vacía después de 90 días. Descártalo.";
    SomeBodiesGone:
        "Algumas não podem mais ser tentadas: o conteúdo foi esvaziado.",
        "Some cannot be tried again: their content was emptied.",
        "Algunos ya no se pueden intentar: el contenido se vació.";
    MoreRemain: "Há mais: repita para continuar.", "There are more: repeat to go on.", "Hay más: repite para seguir.";
    DonePaused:
        "A sessão está pausada; o que chega fica guardado.",
        "The session is paused; what comes is kept.",
        "La sesión está en pausa; lo que llega se guarda.";
    DoneResumed: "A sessão foi retomada.", "The session was resumed.", "La sesión se reanudó.";
    DoneSaved:
        "As escolhas foram salvas e valem a partir da próxima mensagem.",
        "The settings were saved and hold from the next message on.",
        "Los ajustes se guardaron y valen desde el próximo mensaje.";
    Groups: "Por motivo", "By reason", "Por motivo";
    Count: "Quantas", "Count", "Cuántos";
    First: "Primeira", "First", "Primero";
    Last: "Última", "Last", "Último";
    NoDead:
        "Nenhuma mensagem ficou sem entrega.",
        "No message is left undelivered.",
        "Ningún mensaje quedó sin entregar.";
    NoDeadHint:
        "Aqui aparece o que não pôde ser entregue ou esperou demais.",
        "What could not be delivered, or waited too long, appears here.",
        "Aquí aparece lo que no se pudo entregar o esperó demasiado.";
    BulkTitle: "Decidir sobre muitas", "Decide about many", "Decidir sobre muchos";
    BulkHint:
        "Vale para todas que correspondem aos campos, não só para as desta página.",
        "This is about all that match the fields, not only those on this page.",
        "Vale para todos los que corresponden a los campos, no solo los de esta página.";
    ResendAll: "Reenviar todas", "Resend all of them", "Reenviar todos";
    DropAll: "Descartar todas", "Drop all of them", "Descartar todos";
    Each: "Uma a uma", "One by one", "Uno por uno";
    Phone: "Telefone", "Phone", "Teléfono";
    ConnectHint:
        "O CodeChat leva uns três segundos para dar um código. Ele dá acesso à conta: mostre-o a mais ninguém.",
        "CodeChat takes about three seconds to give a code. It gives access to the account: show it to nobody else.",
        "CodeChat tarda unos tres segundos en dar un código. Da acceso a la cuenta: no se lo muestres a nadie más.";
    ShowQr: "Mostrar código QR", "Show QR code", "Mostrar código QR";
    NewQr: "Novo código", "New code", "Nuevo código";
    QrAlt: "Código QR para ler com o WhatsApp", "QR code to scan with WhatsApp", "Código QR para escanear con WhatsApp";
    ScanHint:
        "No telefone: WhatsApp > Aparelhos conectados > Conectar um aparelho.",
        "On the phone: WhatsApp > Linked devices > Link a device.",
        "En el teléfono: WhatsApp > Dispositivos vinculados > Vincular un dispositivo.";
    PairingCode:
        "Ou digite este código no telefone:",
        "Or type this code on the phone:",
        "O escribe este código en el teléfono:";
    CodeLives:
        "Segundos que restam a este código",
        "Seconds left for this code",
        "Segundos que le quedan a este código";
    CodeOver:
        "O código venceu; peça um novo.",
        "The code is over; ask for a new one.",
        "El código caducó; pide uno nuevo.";
    AlreadyConnected:
        "O telefone já está conectado.",
        "The phone is connected already.",
        "El teléfono ya está conectado.";
    CodesRanOut:
        "Passaram códigos demais sem leitura. Peça um novo.",
        "Too many codes went by unread. Ask for a new one.",
        "Pasaron demasiados códigos sin leer. Pide uno nuevo.";
    WhatsAppUnreachable:
        "O CodeChat não alcançou o WhatsApp. Tente de novo em um minuto.",
        "CodeChat could not reach WhatsApp. Try again in a minute.",
        "CodeChat no alcanzó WhatsApp. Inténtalo de nuevo en un minuto.";
    StateHistory: "Conexão ao longo do tempo", "Connection over time", "Conexión a lo largo del tiempo";
    NoHistory:
        "Nenhuma mudança nos últimos 7 dias.",
        "No change within the last 7 days.",
        "Ningún cambio en los últimos 7 días.";
    Pause: "Pausar", "Pause", "Pausar";
    PauseHint:
        "Para de entregar, nos dois sentidos. O que chega fica guardado.",
        "Stops delivering, both ways. What comes is kept.",
        "Deja de entregar, en ambos sentidos. Lo que llega se guarda.";
    PauseReason: "Motivo (opcional)", "Reason (optional)", "Motivo (opcional)";
    Resume: "Retomar", "Resume", "Reanudar";
    Control: "Pausar e retomar", "Pause and resume", "Pausar y reanudar";
    Created: "Criada", "Created", "Creada";
    Account: "Conta", "Account", "Cuenta";
    Inbox: "Caixa de entrada", "Inbox", "Bandeja de entrada";
    Signed: "Assinatura dos webhooks", "Webhook signature", "Firma de los webhooks";
    SignedYes: "verificada", "checked", "verificada";
    SignedNo: "não verificada", "not checked", "no verificada";
    Details: "Dados", "Details", "Datos";
    SessionSettings: "Escolhas da sessão", "Session settings", "Ajustes de la sesión";
    Save: "Salvar", "Save", "Guardar";
    Default: "padrão", "default", "predeterminado";
    OnlyThese: "Só estes, um por linha", "Only these, one per line", "Solo estos, uno por línea";
    SetLocale:
        "Idioma do que o relay escreve",
        "Language of what the relay writes",
        "Idioma de lo que escribe el relay";
    SetVoice: "Áudios do WhatsApp no Chatwoot", "WhatsApp voice notes in Chatwoot", "Audios de WhatsApp en Chatwoot";
    SetViewOnce:
        "Mensagens de visualização única",
        "Messages that can be seen once",
        "Mensajes de una sola visualización";
    SetDeletions:
        "Apagada para todos no WhatsApp",
        "Deleted for everyone on WhatsApp",
        "Eliminado para todos en WhatsApp";
    SetGroups: "Grupos", "Groups", "Grupos";
    SetStatusUpdates: "Trazer status (stories)", "Bring status updates (stories)", "Traer estados (stories)";
    SetNewsletters: "Trazer canais", "Bring channel posts", "Traer canales";
    SetBroadcastLists: "Trazer listas de transmissão", "Bring broadcast lists", "Traer listas de difusión";
    SetIgnore:
        "Conversas deixadas em paz, uma por linha; * vale por quaisquer dígitos",
        "Chats left alone, one per line; * stands for any digits",
        "Chats que se dejan en paz, uno por línea; * vale por cualquier dígito";
    SetCallsReject: "Rejeitar chamadas", "Reject calls", "Rechazar llamadas";
    SetCallsReply: "O que se diz a quem liga", "What the caller is told", "Qué se dice a quien llama";
    SetSignaturePosition:
        "Nome do agente junto ao texto",
        "The agent's name beside the text",
        "Nombre del agente junto al texto";
    SetSignatureFormat:
        "Forma do nome; {name} vale pelo nome",
        "Form of the name; {name} stands for it",
        "Forma del nombre; {name} vale por el nombre";
    SetEmojiReplies:
        "Resposta de um só emoji vira reação",
        "A reply of one emoji becomes a reaction",
        "La respuesta de un solo emoji se vuelve reacción";
    SetStickers:
        "Imagem WebP pequena vira figurinha",
        "A small WebP picture becomes a sticker",
        "Una imagen WebP pequeña se vuelve sticker";
    SetTyping:
        "Mostrar quem digita (o número aparece on-line)",
        "Show who is typing (the number appears online)",
        "Mostrar quién escribe (el número aparece en línea)";
    SetReadReceipts:
        "Ler de um lado marca como lida do outro",
        "Reading on one side marks it read on the other",
        "Leer de un lado lo marca como leído del otro";
    SetPolicy:
        "Conversa para a mensagem do cliente",
        "Conversation for a customer's message",
        "Conversación para el mensaje del cliente";
    SetStartPending:
        "Conversa nova começa pendente",
        "A new conversation begins as pending",
        "La conversación nueva empieza pendiente";
    SetTeam:
        "Equipe de uma conversa nova (número)",
        "Team of a new conversation (number)",
        "Equipo de una conversación nueva (número)";
    SetLabels:
        "Etiquetas de uma conversa nova, uma por linha",
        "Labels of a new conversation, one per line",
        "Etiquetas de una conversación nueva, una por línea";
    SetStrict:
        "Buscar cada mensagem na origem em vez de confiar no webhook",
        "Fetch each message from its source instead of trusting the webhook",
        "Buscar cada mensaje en su origen en vez de confiar en el webhook";
    InsideTitle: "Entregas desta conversa", "Deliveries of this conversation", "Entregas de esta conversación";
    InsideWaits:
        "Esperando o Chatwoot dizer qual conversa está aberta…",
        "Waiting for Chatwoot to tell which conversation is open…",
        "Esperando que Chatwoot diga qué conversación está abierta…";
    InsideOutside:
        "Esta página é para dentro do Chatwoot: veja docs/inside-chatwoot.md.",
        "This page is for inside Chatwoot: see docs/inside-chatwoot.md.",
        "Esta página es para dentro de Chatwoot: vea docs/inside-chatwoot.md.";
    InsideLost:
        "O relay não responde. Esta página tenta de novo sozinha.",
        "The relay does not answer. This page tries again by itself.",
        "El relay no responde. Esta página vuelve a intentar sola.";
    InsideEmpty:
        "Nada desta conversa passou pelo relay ainda.",
        "Nothing of this conversation has gone through the relay yet.",
        "Nada de esta conversación ha pasado aún por el relay.";
    InsideDelivers: "Entregando", "Delivering", "Entregando";
    InsideResent: "A mensagem será entregue de novo.", "The message gets another turn.", "El mensaje tiene otra oportunidad.";
    InsideNotResent:
        "Esta mensagem não pode ser reenviada, ou já foi.",
        "This message cannot be resent, or was already.",
        "Este mensaje no puede reenviarse, o ya fue reenviado.";
    InsideExpired: "Pedindo a conversa de novo…", "Asking for the conversation again…", "Pidiendo la conversación de nuevo…";
    InsideWrongToken:
        "O endereço deste aplicativo está incompleto ou é antigo. Um administrador copia o atual: docs/inside-chatwoot.md.",
        "The address of this app is incomplete or old. An administrator copies the present one: docs/inside-chatwoot.md.",
        "La dirección de esta aplicación está incompleta o es antigua. Un administrador copia la actual: docs/inside-chatwoot.md.";
    InsideNotOurs:
        "Esta conversa não é de um número do WhatsApp deste relay.",
        "This conversation is not of a WhatsApp number of this relay.",
        "Esta conversación no es de un número de WhatsApp de este relay.";
    InsideNoAccount:
        "Este relay não tem números nesta conta do Chatwoot.",
        "This relay has no numbers in this Chatwoot account.",
        "Este relay no tiene números en esta cuenta de Chatwoot.";
    InsideChatwootFailed:
        "O Chatwoot não respondeu sobre esta conversa. Esta página tenta de novo sozinha.",
        "Chatwoot did not answer about this conversation. This page tries again by itself.",
        "Chatwoot no respondió sobre esta conversación. Esta página vuelve a intentar sola.";
    SetRelayContact:
        "Contato Relay na caixa de entrada: responde a comandos e avisa do celular",
        "Relay contact in the inbox: answers commands and tells of the phone",
        "Contacto Relay en la bandeja: responde a comandos y avisa del teléfono";
    SetShowsQr:
        "Mostrar ali o QR code quando o número for desconectado",
        "Show the QR code there when the number is logged out",
        "Mostrar allí el código QR cuando el número se desconecte";
    FromWhatsApp: "Cliente, pelo WhatsApp", "Customer, from WhatsApp", "Cliente, por WhatsApp";
    FromChatwoot: "Agente, pelo Chatwoot", "Agent, from Chatwoot", "Agente, por Chatwoot";
    Late: "chegou tarde", "came late", "llegó tarde";
    Recovered: "recuperada: nenhum webhook veio", "recovered: no webhook came", "recuperado: no llegó ningún webhook";
    NotCrossed: "Não chegou ao outro lado", "Did not reach the other side", "No llegó al otro lado";
    ShowIgnored: "Mostrar também o que foi ignorado", "Show what was ignored as well", "Mostrar también lo ignorado";
    HideIgnored: "Esconder o que foi ignorado", "Hide what was ignored", "Ocultar lo ignorado";
    EmptyChat:
        "Nada nesta conversa, neste trecho.",
        "Nothing in this chat, in this stretch.",
        "Nada en este chat, en este tramo.";
    Installation: "Instalação", "Installation", "Instalación";
    InstallationHint:
        "O que vale agora. Mude no ambiente, em .env ou na linha de comando, e reinicie o relay.",
        "What holds now. Change it in the environment, in .env or on the command line, and restart the relay.",
        "Lo que vale ahora. Cámbialo en el entorno, en .env o en la línea de comandos, y reinicia el relay.";
    Name: "Nome", "Name", "Nombre";
    ValueWord: "Valor", "Value", "Valor";
    OriginWord: "Origem", "Origin", "Origen";
    NotSet: "não definida", "not set", "no definida";
    OriginDefault: "padrão", "default", "predeterminado";
    OriginFlag: "linha de comando", "command line", "línea de comandos";
    OriginEnvironment: "ambiente", "environment", "entorno";
    OriginEnvFile: ".env", ".env", ".env";
    OriginFile: "arquivo próprio", "file of its own", "archivo propio";
    OriginMade:
        "feita pelo relay no primeiro início",
        "made by the relay on its first start",
        "hecha por el relay en su primer inicio";
    PerSession:
        "Cada sessão tem as suas escolhas:",
        "Each session has settings of its own:",
        "Cada sesión tiene sus ajustes:";
    Version: "Versão", "Version", "Versión";
    Doctor: "Diagnóstico", "Doctor", "Diagnóstico";
    DoctorHint:
        "Verifica tudo o que pode estar errado entre o WhatsApp e o Chatwoot e diz o que fazer. Leva até 20 segundos.",
        "Looks for everything that can be wrong between WhatsApp and Chatwoot, and says what to do. It takes up to 20 seconds.",
        "Revisa todo lo que puede estar mal entre WhatsApp y Chatwoot y dice qué hacer. Tarda hasta 20 segundos.";
    Examine: "Verificar", "Examine", "Revisar";
    ExamineDeeply:
        "Testar também com uma mensagem que só os agentes veem (até 45 segundos)",
        "Test with a message that only agents see as well (up to 45 seconds)",
        "Probar también con un mensaje que solo ven los agentes (hasta 45 segundos)";
    LevelOk: "em ordem", "ok", "en orden";
    LevelWarn: "aviso", "warning", "aviso";
    LevelFail: "falha", "failure", "fallo";
    LevelSkip: "não verificado", "not looked at", "no revisado";
    Finding: "O que se viu", "What was found", "Qué se vio";
    Fix: "O que fazer:", "What to do:", "Qué hacer:";
    ReportTitle: "Relatório para copiar", "Report to copy", "Informe para copiar";
    ReportHint:
        "Sem segredos e sem nada de clientes",
        "Without secrets, and without anything of customers",
        "Sin secretos y sin nada de clientes";
    Copy: "Copiar", "Copy", "Copiar";
    Copied: "Copiado", "Copied", "Copiado";
}
