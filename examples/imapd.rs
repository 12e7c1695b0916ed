//! An IMAP server over mail in memory, on any number of addresses of both families.

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use mail46_examples::{
    Exit, Stop,
    auth::{MECHANISMS, OneUser},
    exit, listen, tls,
};
use mail46_imap_core::{
    memory::{Memory, MemoryAccount},
    net::{Peer, Server, Service, Shutdown, serve},
    server::{Config, InClear, Offer},
    store::{Account, Flags, Refusal, SpecialUse},
};
use mail46_sasl::server::{Answer, Identity, Question};

/// Serves mail by IMAP.
#[derive(Parser)]
struct Flagged {
    /// Where to listen, as 127.0.0.1:1143, [::1]:1143, or localhost:0 for both families and a free port; repeatable.
    #[arg(long, num_args = 1.., value_name = "ADDR", required_unless_present = "tls_port")]
    listen: Vec<String>,
    /// Who may log in; repeatable.
    #[arg(long, required = true, num_args = 1.., value_name = "NAME:PASS")]
    user: Vec<String>,
    /// Messages that each user's INBOX begins with. Default: one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    messages: u32,
    /// Certificate chain in PEM; STARTTLS is offered.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<std::path::PathBuf>,
    /// Its private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<std::path::PathBuf>,
    /// Where to listen for TLS from the first octet on; repeatable.
    #[arg(long, num_args = 1.., value_name = "ADDR", requires = "tls_cert")]
    tls_port: Vec<String>,
    /// Takes passwords in the clear only inside TLS, where there is TLS. Without --tls-cert they are taken anyway.
    #[arg(long)]
    auth_only_in_tls: bool,
    /// Connections at a time.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    connections: usize,
    /// Threads; by default one for each two processors.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let flags = Flagged::parse();
    let runtime = listen::runtime(flags.threads).map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("imapd", runtime.and_then(|runtime| runtime.block_on(run(flags))))
}

async fn run(flags: Flagged) -> Result<Exit, Stop> {
    let mut config = Config::new("imapd ready");
    config.starttls = Offer::Yes;
    config.compress = Offer::Yes;
    config.mechanisms = MECHANISMS.map(str::to_owned).to_vec();
    config.in_clear = if flags.auth_only_in_tls { InClear::Refused } else { InClear::Taken };
    config.offer_all_of_memory();
    let mut server = Server::new(config).map_err(Stop::because(Exit::OsError, "randomness"))?;
    server.connections = flags.connections;
    server.host = "imapd.localhost".to_owned();
    if let (Some(cert), Some(key)) = (&flags.tls_cert, &flags.tls_key) {
        server.tls = Some(tls::server(cert, key)?);
    } else if flags.auth_only_in_tls {
        return Err(Stop::new(Exit::Usage, "nobody could log in: give --tls-cert and --tls-key"));
    }
    let memory = Memory::new(mail46_imap_core::net::now);
    let users: Vec<OneUser> = flags.user.iter().map(|flag| OneUser::parse(flag)).collect::<Result<_, _>>()?;
    for flag in &flags.user {
        let name = flag.split_once(':').map_or(flag.as_str(), |(name, _)| name);
        furnish(&memory.user(name), flags.messages)
            .await
            .map_err(Stop::because(Exit::OsError, "filling a mailbox"))?;
    }
    let service = Arc::new(Mails { users, memory });
    let plain = listen::bind_all(&flags.listen).await?;
    let implicit = listen::bind_all(&flags.tls_port).await?;
    let shutdown = Shutdown::new();
    let mut over_tls = server.clone();
    over_tls.implicit_tls = true;
    let (first, second, ()) = tokio::join!(
        serve(plain, &server, Arc::clone(&service), &shutdown),
        serve(implicit, &over_tls, service, &shutdown),
        async {
            listen::asked_to_stop().await;
            shutdown.begin();
        }
    );
    first.and(second).map_err(Stop::because(Exit::OsError, "serving"))?;
    Ok(Exit::Ok)
}

/// What a user finds.
async fn furnish(user: &MemoryAccount, messages: u32) -> Result<(), Refusal> {
    let places = [
        ("Drafts", SpecialUse::Drafts),
        ("Sent", SpecialUse::Sent),
        ("Trash", SpecialUse::Trash),
        ("Junk", SpecialUse::Junk),
    ];
    for (name, special) in places {
        user.create(name, &[special]).await?;
    }
    for number in 1..=messages {
        let text = format!(
            "From: imapd <imapd@localhost>\r\nTo: you <you@localhost>\r\nSubject: message {number}\r\n\
             Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{number}@imapd.localhost>\r\n\r\nThis is message {number}.\r\n"
        );
        user.deliver("INBOX", text.into_bytes(), Flags::default(), None)?;
    }
    Ok(())
}

struct Mails {
    users: Vec<OneUser>,
    memory: Memory,
}

impl Service for Mails {
    type Account = MemoryAccount;

    async fn question(&self, _: &Peer, question: &Question) -> Answer {
        let answers = self.users.iter().map(|user| user.answer(question));
        answers.into_iter().find(|answer| !matches!(answer, Answer::Reject)).unwrap_or(Answer::Reject)
    }

    async fn open(&self, _: &Peer, identity: &Identity) -> Result<MemoryAccount, Refusal> {
        Ok(self.memory.user(identity.acts_as()))
    }

    fn id(&self) -> Vec<(&str, &str)> {
        vec![("name", "imapd"), ("vendor", "mail46"), ("version", env!("CARGO_PKG_VERSION"))]
    }
}
