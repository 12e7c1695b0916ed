//! Drives POP3 servers with the same client, in turn, round after round: one line a server, and its rate to the first one's.
//!
//! ```sh
//! pop3-load retr ROUNDS USER PASS NAME=ADDR NAME=ADDR…           # RETR 1: MB/s from the command to the end of the message
//! pop3-load sessions ROUNDS COUNT CLIENTS PASS NAME=ADDR NAME=ADDR…  # clients u0, u1, …: log-in, STAT, UIDL, RETR 1, QUIT
//! ```

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::{Duration, Instant},
};

struct Session {
    socket: TcpStream,
    block: Vec<u8>,
    from: usize,
    to: usize,
}

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}

impl Session {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut session = Self { socket, block: vec![0; 256 * 1024], from: 0, to: 0 };
        session.line()?;
        Ok(session)
    }

    /// More octets behind those that wait.
    fn fill(&mut self) -> io::Result<()> {
        if self.from > 0 {
            self.block.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        let read = self.socket.read(&mut self.block[self.to..])?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.to += read;
        Ok(())
    }

    /// A line that begins with `+OK`.
    fn line(&mut self) -> io::Result<()> {
        loop {
            let waiting = &self.block[self.from..self.to];
            if let Some(end) = waiting.windows(2).position(|pair| pair == b"\r\n") {
                let line = &waiting[..end];
                if !line.starts_with(b"+OK") {
                    return Err(broken(String::from_utf8_lossy(line)));
                }
                self.from += end + 2;
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// The rest of a multi-line answer; its octets, stuffed dots and the last line counted.
    fn rest(&mut self) -> io::Result<usize> {
        const END: &[u8] = b"\r\n.\r\n";
        // The CRLF of the first line is the first half of the end of an empty answer.
        let (mut octets, mut tail) = (0, b"\0\0\0\r\n".to_vec());
        loop {
            let waiting = &self.block[self.from..self.to];
            octets += waiting.len();
            tail.extend_from_slice(&waiting[waiting.len().saturating_sub(END.len())..]);
            tail.drain(..tail.len() - END.len());
            // Nothing was asked behind it: the end is at the end.
            (self.from, self.to) = (0, 0);
            if tail == END {
                return Ok(octets);
            }
            self.fill()?;
        }
    }

    fn say(&mut self, command: &str) -> io::Result<()> {
        self.socket.write_all(format!("{command}\r\n").as_bytes())?;
        self.line()
    }

    fn log_in(&mut self, user: &str, password: &str) -> io::Result<()> {
        self.say(&format!("USER {user}"))?;
        self.say(&format!("PASS {password}"))
    }
}

/// Octets a second.
fn retr(address: SocketAddr, user: &str, password: &str) -> io::Result<f64> {
    let mut session = Session::open(address)?;
    session.log_in(user, password)?;
    let mut best: f64 = 0.0;
    for _ in 0..3 {
        let start = Instant::now();
        session.say("RETR 1")?;
        let octets = session.rest()?;
        best = best.max(octets as f64 / start.elapsed().as_secs_f64());
    }
    session.say("QUIT")?;
    Ok(best)
}

fn session(address: SocketAddr, user: &str, password: &str) -> io::Result<()> {
    let mut session = Session::open(address)?;
    session.log_in(user, password)?;
    session.say("STAT")?;
    session.say("UIDL")?;
    session.rest()?;
    session.say("RETR 1")?;
    session.rest()?;
    session.say("QUIT")?;
    // The next one of this user comes when this one's lock is gone: the server closes behind it.
    match session.socket.read(&mut session.block)? {
        0 => Ok(()),
        _ => Err(broken("something behind QUIT")),
    }
}

/// Sessions a second.
fn sessions(address: SocketAddr, count: usize, clients: usize, password: &str) -> io::Result<f64> {
    let start = Instant::now();
    std::thread::scope(|scope| {
        let client = |index: usize| {
            move || {
                let user = format!("u{index}");
                (0..count / clients).try_for_each(|_| session(address, &user, password))
            }
        };
        let all: Vec<_> = (0..clients).map(|index| scope.spawn(client(index))).collect();
        all.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err(broken("a client panicked"))))
    })?;
    Ok((count / clients * clients) as f64 / start.elapsed().as_secs_f64())
}

fn run(args: &[String]) -> io::Result<()> {
    let usage = || {
        broken("pop3-load retr ROUNDS USER PASS NAME=ADDR… | sessions ROUNDS COUNT CLIENTS PASS NAME=ADDR…")
    };
    let number = |text: &String| text.parse::<usize>().map_err(|_| usage());
    let (rounds, servers, measure): (_, _, Box<dyn Fn(SocketAddr) -> io::Result<f64>>) = match args {
        [mode, rounds, user, password, servers @ ..] if mode == "retr" => (
            number(rounds)?,
            servers,
            Box::new(move |address| retr(address, user, password).map(|rate| rate / 1e6)),
        ),
        [mode, rounds, count, clients, password, servers @ ..] if mode == "sessions" => {
            let (count, clients) = (number(count)?, number(clients)?);
            (number(rounds)?, servers, Box::new(move |address| sessions(address, count, clients, password)))
        }
        _ => return Err(usage()),
    };
    let named = |server: &String| {
        let (name, address) = server.split_once('=')?;
        Some((name.to_owned(), address.parse().ok()?))
    };
    let servers: Vec<(String, SocketAddr)> =
        servers.iter().map(named).collect::<Option<_>>().ok_or_else(usage)?;
    let mut rates = vec![Vec::new(); servers.len()];
    // One round more, that is not counted.
    for round in 0..=rounds {
        for ((name, address), rates) in servers.iter().zip(&mut rates) {
            let rate = measure(*address).map_err(|error| broken(format!("{name}: {error}")))?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    for ((name, _), all) in servers.iter().zip(&rates) {
        let ratios = all.iter().zip(&rates[0]).map(|(one, first)| one / first).collect();
        println!("{name} {:.1} {:.2}", median(all.clone()), median(ratios));
    }
    Ok(())
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pop3-load: {error}");
            ExitCode::FAILURE
        }
    }
}
