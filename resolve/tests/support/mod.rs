//! A real BIND on a free port, for tests. They print `skipped: …` where it is not installed.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test takes what it needs

use std::{
    fs,
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

pub struct Named {
    child: Child,
    pub dir: PathBuf,
    pub port: u16,
}

/// A folder of its own under the system's one for temporary files.
pub fn folder(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("mail46-resolve-{}-{name}-{number}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir
}

pub fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: no {program}");
    }
    found
}

impl Named {
    /// `options` and `zones` in BIND's own words; the zone files are in `dir` already.
    pub fn start(dir: &Path, options: &str, zones: &str) -> Self {
        let port = free_port();
        let conf = format!(
            "options {{ directory \"{0}\"; pid-file \"named.pid\"; session-keyfile \"session.key\";
               managed-keys-directory \"{0}\"; listen-on port {port} {{ 127.0.0.1; }};
               listen-on-v6 port {port} {{ ::1; }}; minimal-responses yes; {options} }};
             controls {{ }};
             {zones}",
            dir.display()
        );
        fs::write(dir.join("named.conf"), conf).unwrap();
        let log = fs::File::create(dir.join("named.log")).unwrap();
        let child = Command::new("named")
            .args(["-g", "-n", "1", "-c"])
            .arg(dir.join("named.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let named = Self { child, dir: dir.to_owned(), port };
        named.wait();
        named
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let log = fs::read_to_string(self.dir.join("named.log")).unwrap_or_default();
            if log.lines().any(|line| line.ends_with(" running")) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("named does not run: {}", fs::read_to_string(self.dir.join("named.log")).unwrap_or_default());
    }

    /// Over both families.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [
            SocketAddr::from(([127, 0, 0, 1], self.port)),
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, self.port)),
        ]
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Free for UDP and TCP on both loopback addresses.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        if TcpListener::bind(("::1", port)).is_ok()
            && UdpSocket::bind(("127.0.0.1", port)).is_ok()
            && UdpSocket::bind(("::1", port)).is_ok()
        {
            return port;
        }
    }
}

/// Writes a zone file; a blank in front of a line is taken off, since it would mean the owner of the line before.
pub fn zone(dir: &Path, file: &str, text: &str) {
    let text: String =
        format!("{HEAD}{text}").lines().map(|line| format!("{}\n", line.trim_start())).collect();
    fs::write(dir.join(file), text).unwrap();
}

/// The head of a zone file: `SOA` and `NS`.
pub const HEAD: &str = "$TTL 3600\n@ SOA ns.lab. host.lab. 1 3600 600 86400 300\n@ NS ns.lab.\n";

/// Signs `file` for `zone` in `dir`; gives the DS records and the DNSKEY of the key that signs the keys.
pub fn sign(dir: &Path, zone: &str, file: &str) -> (String, String) {
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let key = run("dnssec-keygen", &["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone]);
    run("dnssec-keygen", &["-q", "-a", "ECDSAP256SHA256", zone]);
    run("dnssec-signzone", &["-q", "-S", "-o", zone, "-f", &format!("{file}.signed"), file]);
    let ds = run("dnssec-dsfromkey", &["-2", &key]);
    let dnskey = fs::read_to_string(dir.join(format!("{key}.key"))).unwrap();
    let dnskey = dnskey.lines().find(|line| !line.starts_with(';')).unwrap();
    (ds, format!("{dnskey}\n"))
}
