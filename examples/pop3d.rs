//! A POP3 server over a Maildir, or over mail that is made up, on any number of addresses of both families.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use mail46_examples::{
    Exit, Stop,
    auth::{MECHANISMS, OneUser},
    exit, listen,
    maildir::{Locks, Mail, Store},
    tls,
};
use mail46_pop3::{
    Reply,
    net::{Peer, Server, Service, Shutdown, serve},
    server::{Config, InClear, Offer},
};
use mail46_sasl::server::{Answer, Identity, Question};

/// Serves mail by POP3.
#[derive(Parser)]
struct Flags {
    /// Where to listen, as 127.0.0.1:1110, [::1]:1110, or localhost:0 for both families and a free port; repeatable.
    #[arg(long, num_args = 1.., value_name = "ADDR", required_unless_present = "tls_port")]
    listen: Vec<String>,
    /// Who may log in; repeatable.
    #[arg(long, required = true, num_args = 1.., value_name = "NAME:PASS")]
    user: Vec<String>,
    /// A Maildir, or a folder with one for each user. Without it some mail is made up.
    #[arg(long, value_name = "DIR")]
    maildir: Option<PathBuf>,
    /// Certificate chain in PEM; STLS is offered.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Where to listen for TLS from the first octet on; repeatable.
    #[arg(long, num_args = 1.., value_name = "ADDR", requires = "tls_cert")]
    tls_port: Vec<String>,
    /// Takes passwords in the clear too.
    #[arg(long)]
    auth_without_tls: bool,
}

fn main() -> ExitCode {
    let flags: Flags = match exit::flags() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("pop3d", runtime.and_then(|runtime| runtime.block_on(run(flags))))
}

async fn run(flags: Flags) -> Result<Exit, Stop> {
    let mut config = Config::new("pop3d ready");
    config.stls = Offer::Yes;
    config.mechanisms = MECHANISMS.map(str::to_owned).to_vec();
    config.in_clear = if flags.auth_without_tls { InClear::Taken } else { InClear::Refused };
    config.implementation = Some("mail46-pop3d".to_owned());
    let mut server = Server::new(config).map_err(Stop::because(Exit::OsError, "randomness"))?;
    server.apop = Some("pop3d.localhost".to_owned());
    if let (Some(cert), Some(key)) = (&flags.tls_cert, &flags.tls_key) {
        server.tls = Some(tls::server(cert, key)?);
    } else if !flags.auth_without_tls {
        return Err(Stop::new(
            Exit::Usage,
            "nobody could log in: give --tls-cert and --tls-key, or --auth-without-tls",
        ));
    }
    let store = match flags.maildir {
        Some(dir) if !dir.is_dir() => {
            return Err(Stop::new(Exit::NoInput, format!("{} is no folder", dir.display())));
        }
        Some(dir) => Store::Files(dir),
        None => Store::made_up(),
    };
    let users = flags.user.iter().map(|flag| user(flag)).collect::<Result<_, _>>()?;
    let service = Arc::new(Mails { users, store: Arc::new(store), locks: Locks::default() });
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

fn user(flag: &str) -> Result<OneUser, Stop> {
    // The name is a folder's, too.
    match flag.split_once(':') {
        Some((name, password))
            if !name.is_empty() && !name.starts_with('.') && !name.contains('/') && !password.is_empty() =>
        {
            OneUser::parse(flag)
        }
        _ => Err(Stop::new(Exit::Usage, "--user NAME:PASS, where the name may be a folder's")),
    }
}

struct Mails {
    users: Vec<OneUser>,
    store: Arc<Store>,
    locks: Locks,
}

impl Service for Mails {
    type Maildrop = Mail;

    async fn question(&self, _: &Peer, question: &Question) -> Answer {
        let answers = self.users.iter().map(|user| user.answer(question));
        answers.into_iter().find(|answer| !matches!(answer, Answer::Reject)).unwrap_or(Answer::Reject)
    }

    async fn open(&self, _: &Peer, identity: &Identity) -> Result<Mail, Reply> {
        Mail::open(&self.store, &self.locks, identity.acts_as())
    }
}
