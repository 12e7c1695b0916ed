//! Accepts mail on any number of addresses of both families: to look at, to test with, or to load.

use std::{
    io::Write,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use mail46_examples::{
    Exit, Stop,
    auth::{self, OneUser},
    dump::Dumped,
    exit, listen, say, tls,
};
use mail46_sasl::server::{Answer, Question};
use mail46_smtp::{
    EnhancedCode, ForwardPath, Params, Reply, ReversePath,
    net::{Delivery, Message, Peer, Server, Session, Shutdown, serve},
    server::{Config, Dialect, InClear, Offer},
};

/// Accepts mail for anybody and prints a line for each message.
#[derive(Parser)]
struct Flags {
    /// Where to listen, as 127.0.0.1:2525, [::1]:2525, or localhost:0 for both families and a free port; repeatable.
    #[arg(long, required = true, num_args = 1.., value_name = "ADDR")]
    listen: Vec<String>,
    /// Where to listen for TLS from the first octet on (needs --tls-cert); repeatable.
    #[arg(long, num_args = 1.., value_name = "ADDR", requires = "tls_cert")]
    tls_listen: Vec<String>,
    /// Certificate chain in PEM; STARTTLS is offered.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Writes each message to a file of its own here, safely, before it is accepted.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// Speaks LMTP: one reply for each recipient.
    #[arg(long)]
    lmtp: bool,
    /// Octets of a message at most; 0: no limit.
    #[arg(long, value_name = "OCTETS", default_value_t = 52_428_800)]
    max_size: u64,
    /// Offers AUTH, inside TLS only, to this user.
    #[arg(long, value_name = "USER:PASSWORD")]
    auth: Option<String>,
    /// Offers AUTH in the clear too.
    #[arg(long)]
    auth_without_tls: bool,
    /// Threads that serve; default: one for each two processors, so that whoever sends has the others.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Prints no line for a message.
    #[arg(long)]
    quiet: bool,
}

/// What connections have to end in when the program is to stop.
const GRACE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let flags: Flags = match exit::flags() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let runtime = listen::runtime(flags.threads).map_err(Stop::because(Exit::OsError, "starting"));
    exit::finish("sink", runtime.and_then(|runtime| runtime.block_on(run(flags))))
}

async fn run(flags: Flags) -> Result<Exit, Stop> {
    let host = "sink.localhost".parse().map_err(Stop::because(Exit::OsError, "host name"))?;
    let mut config = Config::new(host);
    config.offer = Offer::USUAL | Offer::BINARY_MIME | Offer::DSN | Offer::VRFY | Offer::STARTTLS;
    config.dialect = if flags.lmtp { Dialect::Lmtp } else { Dialect::Smtp };
    config.message_size = flags.max_size;
    config.auth = if flags.auth_without_tls { InClear::Taken } else { InClear::Refused };
    let user = flags.auth.as_deref().map(OneUser::parse).transpose()?;
    if user.is_some() {
        config.mechanisms = auth::MECHANISMS.map(str::to_owned).to_vec();
    }
    if let Some(dir) = &flags.dump {
        std::fs::create_dir_all(dir)
            .map_err(Stop::because(Exit::CantCreate, format!("--dump {}", dir.display())))?;
    }
    let mut server = Server::new(config).map_err(Stop::because(Exit::OsError, "randomness"))?;
    server.connections = 10_000;
    if let (Some(cert), Some(key)) = (&flags.tls_cert, &flags.tls_key) {
        server.tls = Some(tls::server(cert, key)?);
    }
    let sink = Arc::new(Sink { dump: flags.dump, quiet: flags.quiet, user, count: AtomicU64::new(0) });
    let service = Arc::new(move |peer: &Peer| Conversation::new(&sink, peer));
    let plain = listen::bind_all(&flags.listen).await?;
    let implicit = listen::bind_all(&flags.tls_listen).await?;
    std::io::stdout().flush().map_err(Stop::because(Exit::OsError, "stdout"))?;
    let shutdown = Shutdown::new();
    let mut over_tls = server.clone();
    over_tls.implicit_tls = true;
    let served = async {
        tokio::try_join!(
            serve(plain, &server, Arc::clone(&service), &shutdown),
            serve(implicit, &over_tls, service, &shutdown),
        )
    };
    tokio::select! {
        served = served => {
            served.map_err(Stop::because(Exit::OsError, "serving"))?;
        }
        // Messages that are on their way are taken; a client that says nothing more cannot hold us up. Its message has
        // not been accepted, so that it will come again.
        () = async {
            listen::asked_to_stop().await;
            shutdown.begin();
            tokio::time::sleep(GRACE).await;
        } => {}
    }
    Ok(Exit::Ok)
}

struct Sink {
    dump: Option<PathBuf>,
    quiet: bool,
    user: Option<OneUser>,
    count: AtomicU64,
}

/// One session.
struct Conversation {
    sink: Arc<Sink>,
    peer: std::net::SocketAddr,
    tls: bool,
    from: ReversePath,
    recipients: usize,
}

impl Conversation {
    fn new(sink: &Arc<Sink>, peer: &Peer) -> Self {
        Self { sink: Arc::clone(sink), peer: peer.remote, tls: false, from: ReversePath::Null, recipients: 0 }
    }
}

impl Session for Conversation {
    async fn tls(&mut self, _: &str) {
        self.tls = true;
    }

    async fn question(&mut self, question: &Question) -> Answer {
        self.sink.user.as_ref().map_or(Answer::Reject, |user| user.answer(question))
    }

    async fn mail(&mut self, from: ReversePath, _: Params) -> Result<Reply, Reply> {
        (self.from, self.recipients) = (from, 0);
        Ok(Reply::new(250, EnhancedCode::new(2, 1, 0), "ok"))
    }

    async fn rcpt(&mut self, _: ForwardPath, _: Params) -> Result<Reply, Reply> {
        self.recipients += 1;
        Ok(Reply::new(250, EnhancedCode::new(2, 1, 5), "ok"))
    }

    async fn data(&mut self, message: &mut Message<'_>) -> Result<Delivery, Reply> {
        let number = self.sink.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut size = 0usize;
        let mut file = match &self.sink.dump {
            Some(dir) => Some(Dumped::create(dir, number).await.map_err(no_room)?),
            None => None,
        };
        while let Some(part) = message.next().await? {
            size += part.len();
            if let Some(file) = &mut file {
                file.write(&part).await.map_err(no_room)?;
            }
        }
        if let Some(file) = file {
            file.keep().await.map_err(no_room)?;
        }
        if !self.sink.quiet {
            let tls = if self.tls { " tls" } else { "" };
            say::out(format_args!(
                "message {number} client={} from={} recipients={} octets={size}{tls}",
                self.peer, self.from, self.recipients
            ));
        }
        Ok(Reply::new(250, EnhancedCode::new(2, 0, 0), &format!("message {number} taken")).into())
    }
}

/// RFC 5321 s 4.2.3: 452, insufficient system storage. The client keeps the message and tries again.
fn no_room(error: std::io::Error) -> Reply {
    say::err(format_args!("sink: --dump: {error}"));
    Reply::new(452, EnhancedCode::new(4, 3, 1), "insufficient system storage")
}
