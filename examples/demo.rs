//! Sends real mail over IPv6 and IPv4 to servers inside this process, and shows it arriving.

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mail46_examples::{
    Exit, Stop,
    auth::{Credentials, OneUser},
    desk::{Desk, Inbox},
    exit,
    letters::{Letter, letters},
    listen, readback, reports, tls, way,
};
use mail46_smtp::{
    AddressLiteral, Mailbox,
    client::{Config, Envelope},
    net::{Client, Peer, Server, Shutdown, Tls, TlsSettings, serve},
    server,
};
use rustls::ClientConfig;
use tokio::net::TcpStream;

const NAME: &str = "mx.demo.test";
const USER: &str = "alice:correct horse";

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("demo", runtime.and_then(|runtime| runtime.block_on(run())))
}

async fn run() -> Result<Exit, Stop> {
    println!("== Servers, one for each family, with a certificate made for {NAME}, [::1] and 127.0.0.1");
    let (server_tls, client_tls) = tls::made_up(&[NAME, "::1", "127.0.0.1"])?;
    let mut config = server::Config::new(NAME.parse().map_err(Stop::because(Exit::OsError, NAME))?);
    config.offer =
        server::Offer::USUAL | server::Offer::BINARY_MIME | server::Offer::DSN | server::Offer::STARTTLS;
    config.mechanisms = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"].map(str::to_owned).to_vec();
    let mut settings = Server::new(config).map_err(Stop::because(Exit::OsError, "randomness"))?;
    settings.tls = Some(Arc::clone(&server_tls));

    let inbox = Arc::new(Inbox::default());
    let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
    for address in ["[::1]:0", "127.0.0.1:0"] {
        for listener in listen::bind(address).await? {
            let local = listener.local_addr().map_err(Stop::because(Exit::OsError, address))?;
            println!("   listening {local}");
            addresses.push(local);
            listeners.push(listener);
        }
    }
    let shelf = Mutex::default();
    let service = {
        let (inbox, user) = (Arc::clone(&inbox), OneUser::parse(USER)?);
        Arc::new(move |_: &Peer| Desk { inbox: Arc::clone(&inbox), user: user.clone(), to: Vec::new() })
    };
    let shutdown = Shutdown::new();
    let (sent, served) = tokio::join!(
        async {
            let sent = async {
                let rows = deliver_all(&addresses, &client_tls, &inbox, &shelf).await?;
                Ok::<_, Stop>((rows, reports::play(&addresses, &inbox).await?))
            };
            let sent = sent.await;
            shutdown.begin();
            sent
        },
        serve(listeners, &settings, service, &shutdown),
    );
    served.map_err(Stop::because(Exit::OsError, "serving"))?;
    let (rows, by_dns) = sent?;
    let shelf = shelf.into_inner().map_err(Stop::because(Exit::OsError, "the shelf"))?;
    let read = readback::read_back(&shelf, USER, (server_tls, client_tls)).await?;
    println!(
        "\n{:<6} {:<28} {:<34} {:<30} {:>9} {:>8}",
        "family", "to", "TLS", "extensions", "octets", "time"
    );
    for row in &rows {
        let ms = format!("{:.1} ms", row.time.as_secs_f64() * 1000.0);
        println!(
            "{:<6} {:<28} {:<34} {:<30} {:>9} {:>8}",
            row.family, row.to, row.tls, row.extensions, row.octets, ms
        );
    }
    println!("\n{:<6} {:<28} {:>9} {:>9} {:>8}", "family", "read back by POP3", "messages", "octets", "time");
    for row in &read {
        let ms = format!("{:.1} ms", row.time.as_secs_f64() * 1000.0);
        println!("{:<6} {:<28} {:>9} {:>9} {:>8}", row.family, row.way, row.messages, row.octets, ms);
    }
    println!(
        "\n{} messages by address and {by_dns} by DNS, all arrived octet for octet the same; and so they were read back.",
        rows.len()
    );
    Ok(Exit::Ok)
}

/// What has arrived and was found to be what was sent.
type Shelf = Mutex<Vec<Vec<u8>>>;

/// What one message's way was.
struct Row {
    family: &'static str,
    to: String,
    tls: String,
    extensions: &'static str,
    octets: usize,
    time: Duration,
}

async fn deliver_all(
    addresses: &[SocketAddr],
    tls: &Arc<ClientConfig>,
    inbox: &Inbox,
    shelf: &Shelf,
) -> Result<Vec<Row>, Stop> {
    let mut rows = Vec::new();
    for address in addresses {
        let literal = AddressLiteral::from(address.ip()).to_string();
        for host in [NAME.to_owned(), literal] {
            for letter in letters() {
                let row = deliver(*address, &host, &letter, tls, (inbox, shelf)).await?;
                println!(
                    "   {} over {}: arrived at {}, {} octets",
                    letter.what, row.family, row.to, row.octets
                );
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

async fn deliver(
    address: SocketAddr,
    host: &str,
    letter: &Letter,
    tls: &Arc<ClientConfig>,
    (inbox, shelf): (&Inbox, &Shelf),
) -> Result<Row, Stop> {
    let start = Instant::now();
    let to = format!("{}@{host}", letter.local_part);
    let mailbox = |text: &str| text.parse::<Mailbox>().map_err(Stop::because(Exit::Data, text));
    let socket = TcpStream::connect(address).await.map_err(Stop::because(Exit::Unavailable, address))?;
    // By name the certificate must bear the name, by literal the address.
    let name = if host == NAME { NAME.to_owned() } else { address.ip().to_string() };
    let settings = TlsSettings { config: Arc::clone(tls), name: tls::server_name(&name)? };
    let config = Config::new(way::own_host(&socket)?);
    let failed = || Stop::because(Exit::Unavailable, format!("{} to {to}", letter.what));
    let mut client = Client::open(socket, config, Tls::Required(settings)).await.map_err(failed())?;
    let credentials = Credentials::parse(USER)?;
    let exchange =
        credentials.exchange(client.extensions(), client.is_tls(), &client.channel_bindings(), false)?;
    let mechanism = exchange.name();
    client.authenticate(exchange).await.map_err(failed())?;

    let envelope = Envelope::new(mailbox("alice@demo.test")?, [mailbox(&to)?]).with_body(letter.body);
    // With its size known it goes by BDAT in the envelope's own flight, else by DATA.
    let mut envelope = if letter.chunked { envelope.with_size(letter.text.len() as u64) } else { envelope };
    envelope.utf8_header = letter.extensions.contains("SMTPUTF8");
    let sent = client.send(&envelope, &mut &letter.text[..]).await;
    let outcomes = sent.map_err(Stop::because(Exit::Unavailable, format!("{} to {to}", letter.what)))?;
    if !outcomes.iter().all(mail46_smtp::client::Outcome::is_accepted) {
        return Err(Stop::new(Exit::Unavailable, format!("{} to {to}: {outcomes:?}", letter.what)));
    }
    let tls = format!(
        "{} {mechanism}",
        client.tls_description().unwrap_or_default().split(' ').next().unwrap_or_default()
    );
    client.quit().await.map_err(failed())?;
    match inbox.0.lock().ok().and_then(|mut inbox| inbox.pop()) {
        Some((recipients, text)) if recipients == [to.clone()] && text == letter.text => {
            shelf.lock().map_err(Stop::because(Exit::OsError, "the shelf"))?.push(text);
        }
        _ => {
            return Err(Stop::new(
                Exit::Protocol,
                format!("{} to {to} did not arrive as it was sent", letter.what),
            ));
        }
    }
    let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
    Ok(Row {
        family,
        to,
        tls,
        extensions: letter.extensions,
        octets: letter.text.len(),
        time: start.elapsed(),
    })
}
