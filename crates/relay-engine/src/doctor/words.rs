//! What the doctor says, in every language: one enum for what each check can find, and what is said of it.

pub(super) mod chatwoot;
pub(super) mod codechat;
pub(super) mod host;
pub(super) mod inbox;
pub(super) mod public;
pub(super) mod reach;
pub(super) mod session;
pub(super) mod skipped;
pub(super) mod store;
pub(super) mod way;

use std::time::Duration;

use relay_domain::note::Locale;

use super::finding::Said;
use super::line::Broken;

/// Why a server does not answer, and what to do; `server` is its name, `setting` where its address is set.
fn broken(l: Locale, broken: Broken, server: &str, setting: &str) -> (String, String) {
    match broken {
        Broken::Name => (
            l.pick("o nome do servidor não leva a lugar nenhum", "the server's name leads nowhere", "el nombre del servidor no lleva a ninguna parte"),
            l.pick(
                &format!("confira o endereço em {setting} e o DNS desta máquina (em um contêiner, o DNS dele)"),
                &format!("check the address in {setting} and the DNS of this machine (in a container, the container's)"),
                &format!("revise la dirección en {setting} y el DNS de esta máquina (en un contenedor, el suyo)"),
            ),
        ),
        Broken::Refused => (
            l.pick("a conexão é recusada: ninguém escuta nesse endereço e porta", "the connection is refused: nothing listens at that address and port", "la conexión es rechazada: nadie escucha en esa dirección y puerto"),
            l.pick(
                &format!("veja se {server} está no ar e se a porta em {setting} está certa; em contêineres, localhost é o próprio contêiner"),
                &format!("see whether {server} is up and the port in {setting} is right; in containers, localhost is the container itself"),
                &format!("vea si {server} está en marcha y si el puerto en {setting} es correcto; en contenedores, localhost es el propio contenedor"),
            ),
        ),
        Broken::Certificate => (
            l.pick("o certificado TLS não é confiável: vencido, de outro nome ou assinado por si mesmo", "the TLS certificate is not one to trust: expired, for another name, or self-signed", "el certificado TLS no es confiable: vencido, de otro nombre o autofirmado"),
            l.pick(
                "use um certificado público (Let's Encrypt), ou o endereço http:// interno quando estiver na mesma rede",
                "use a public certificate (Let's Encrypt), or the internal http:// address when it is on the same network",
                "use un certificado público (Let's Encrypt), o la dirección http:// interna si está en la misma red",
            ),
        ),
        Broken::Silent => (
            l.pick("não responde a tempo: um firewall descarta a conexão, ou o servidor está sobrecarregado", "no answer in time: a firewall drops the connection, or the server is overloaded", "no responde a tiempo: un firewall descarta la conexión, o el servidor está sobrecargado"),
            l.pick(
                &format!("teste com curl a partir desta máquina; abra o firewall, ou veja a carga de {server}"),
                &format!("try with curl from this machine; open the firewall, or look at the load of {server}"),
                &format!("pruebe con curl desde esta máquina; abra el firewall, o vea la carga de {server}"),
            ),
        ),
        Broken::Failing => (
            l.pick("responde com um erro do servidor, ou do proxy na frente dele", "it answers with an error of the server, or of the proxy in front of it", "responde con un error del servidor, o del proxy delante de él"),
            l.pick(
                &format!("veja o log de {server} e do proxy dele"),
                &format!("look at the log of {server} and of its proxy"),
                &format!("vea el log de {server} y de su proxy"),
            ),
        ),
        Broken::Strange => (
            l.pick(
                &format!("outra coisa responde nesse endereço, não {server}"),
                &format!("something else answers at that address, not {server}"),
                &format!("otra cosa responde en esa dirección, no {server}"),
            ),
            l.pick(
                &format!("confira o endereço e a porta em {setting}"),
                &format!("check the address and the port in {setting}"),
                &format!("revise la dirección y el puerto en {setting}"),
            ),
        ),
    }
}

/// A side reached the relay, so long after it was asked to.
fn came(server: &str, after: Duration, l: Locale) -> Said {
    let millis = after.as_millis();
    Said::ok(l.pick(
        &format!("o {server} nos chamou em {millis} ms"),
        &format!("{server} called us within {millis} ms"),
        &format!("{server} nos llamó en {millis} ms"),
    ))
}

/// A side was last heard of so long ago.
fn heard(ago: Duration, l: Locale) -> Said {
    let ago = span(ago);
    Said::ok(l.pick(
        &format!("último webhook há {ago}"),
        &format!("last webhook {ago} ago"),
        &format!("último webhook hace {ago}"),
    ))
}

/// A length of time, short: `40 s`, `12 min`, `5 h`, `3 d`.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
