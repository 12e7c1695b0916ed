//! `mx` and `eyeballs` as built programs: MTA-STS policies from servers of either family, good and bad, and readers that stop
//! reading.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use mail46_examples::dns;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    if !program.exists() {
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--example", name]).status().unwrap();
        assert!(built.success());
    }
    program
}

const POLICY: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.good.test\r\nmx: *.backup.test\r\nmax_age: 604800\r\n";

/// What a policy host answers, by the first label of the domain; `None` is silence.
fn answer(case: &str) -> Option<String> {
    let plain = |status: &str, header: &str, body: &str| {
        let length = body.len();
        Some(format!("HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\n\r\n{body}"))
    };
    let text = "Content-Type: text/plain; charset=utf-8\r\n";
    match case {
        "good" | "wrong" => plain("200 OK", text, POLICY),
        // Without a length: the end of the connection is the end of the body.
        "unsized" => Some(format!("HTTP/1.1 200 OK\r\n{text}\r\n{POLICY}")),
        "moved" => plain(
            "302 Found",
            &format!("{text}Location: https://mta-sts.good.test/.well-known/mta-sts.txt\r\n"),
            POLICY,
        ),
        "missing" => plain("404 Not Found", text, POLICY),
        "html" => plain("200 OK", "Content-Type: text/html\r\n", POLICY),
        "empty" => plain("200 OK", text, ""),
        "large" => plain("200 OK", text, &format!("{POLICY}x: {}\r\n", "x".repeat(64 * 1024))),
        "endless" => Some(format!("HTTP/1.1 200 OK\r\n{text}\r\n{}", "x: y\r\n".repeat(200_000))),
        "garbage" => Some("220 mail.test ESMTP\r\n".into()),
        _ => None,
    }
}

/// A table of cases: the outcome, and words of the error.
const CASES: &[(&str, &str, &str)] = &[
    ("good", "found", ""),
    ("unsized", "found", ""),
    ("moved", "no-policy", "HTTP status 302"),
    ("missing", "no-policy", "HTTP status 404"),
    ("html", "no-policy", "text/html"),
    ("empty", "no-policy", "no field"),
    ("large", "no-policy", "length limit exceeded"),
    ("endless", "no-policy", "length limit exceeded"),
    ("garbage", "no-policy", "policy not fetched"),
    ("wrong", "no-policy", "certificate"),
    ("silent", "no-policy", "timed out"),
];

/// An HTTPS server on one port of both families, with a certificate for all but `wrong`.
async fn policy_hosts(authority: &Issuer<'_, KeyPair>) -> u16 {
    let names = CASES.iter().filter(|(case, ..)| *case != "wrong");
    let names: Vec<String> =
        names.flat_map(|(case, ..)| [4, 6].map(|family| format!("mta-sts.{case}{family}.test"))).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listeners, port) = loop {
        let v6 = TcpListener::bind("[::1]:0").await.unwrap();
        let port = v6.local_addr().unwrap().port();
        if let Ok(v4) = TcpListener::bind(("127.0.0.1", port)).await {
            break ([v6, v4], port);
        }
    };
    for listener in listeners {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        request.push(stream.read_u8().await.ok()?);
                    }
                    let request = String::from_utf8(request).unwrap().to_ascii_lowercase();
                    assert!(request.starts_with("get /.well-known/mta-sts.txt http/1.1\r\n"), "{request}");
                    let host = request.split("\r\nhost: mta-sts.").nth(1).unwrap().split('.').next().unwrap();
                    match answer(host.trim_end_matches(['4', '6'])) {
                        Some(text) => stream.write_all(text.as_bytes()).await.ok()?,
                        None => tokio::time::sleep(Duration::from_secs(60)).await,
                    }
                    stream.shutdown().await.ok()
                });
            }
        });
    }
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_from_servers_of_either_family() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), params.self_signed(&key).unwrap().pem()).unwrap();
    let port = policy_hosts(&Issuer::new(params, key)).await;

    let mut zone = "@ 60 IN SOA ns it 1 3600 600 86400 60\n_mta-sts.two 60 IN TXT \"v=STSv1; id=a\"\n\
                    _mta-sts.two 60 IN TXT \"v=STSv1; id=b\"\n_mta-sts.unreachable 60 IN TXT \"v=STSv1; id=u\"\n"
        .to_owned();
    for (case, ..) in CASES {
        zone += &format!(
            "_mta-sts.{case}4 60 IN TXT \"v=STSv1; id=20261124\"\nmta-sts.{case}4 60 IN A 127.0.0.1\n"
        );
        zone +=
            &format!("_mta-sts.{case}6 60 IN TXT \"v=STSv1; id=20261124\"\nmta-sts.{case}6 60 IN AAAA ::1\n");
    }
    let server = dns::start_with(&[("test.", &zone)]).await.unwrap();
    let (resolver, port) = (server.address.to_string(), port.to_string());
    let ask = |domain: String, timeout: &str, ca: Option<&Path>| {
        let mut command = Command::new(program("mx"));
        command.args(["--json", "--resolver", &resolver, "--https-port", &port, "--timeout", timeout]);
        if let Some(ca) = ca {
            command.arg("--ca").arg(ca);
        }
        command.args(["sts", &domain]);
        tokio::task::spawn_blocking(move || {
            let output: Output = command.output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let json: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{errors}"));
            (json, output.status.code())
        })
    };
    for (case, outcome, error) in CASES {
        for family in [4, 6] {
            let timeout = if *case == "silent" { "2" } else { "30" };
            let began = Instant::now();
            let (json, status) = ask(format!("{case}{family}.test"), timeout, Some(ca.path())).await.unwrap();
            assert_eq!(json["outcome"], *outcome, "{case}{family}: {json}");
            assert_eq!(json["record"]["id"], "20261124");
            if *outcome == "found" {
                assert_eq!(status, Some(0));
                assert_eq!(
                    json["policy"],
                    serde_json::json!({ "mode": "enforce", "max_age": 604_800, "mx": ["mail.good.test", "*.backup.test"] })
                );
            } else {
                assert_eq!(status, Some(75));
                assert!(json["error"].as_str().unwrap().contains(error), "{case}{family}: {json}");
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{case}{family}: {:?}", began.elapsed());
        }
    }
    // Nobody vouches for the authority; two records; none; a policy host that does not exist.
    let (json, status) = ask("good6.test".into(), "30", None).await.unwrap();
    assert!(status == Some(75) && json["error"].as_str().unwrap().contains("certificate"), "{json}");
    for domain in ["two.test", "none.test"] {
        let (json, status) = ask(domain.into(), "30", Some(ca.path())).await.unwrap();
        assert!(status == Some(68) && json["outcome"] == "none", "{json}");
    }
    let (json, status) = ask("unreachable.test".into(), "30", Some(ca.path())).await.unwrap();
    assert!(status == Some(75) && json["error"].as_str().unwrap().contains("no address"), "{json}");
}

/// `mx … | head -1`, and nobody at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_is_no_reason_to_panic() {
    let server = dns::start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (resolver, port) = (server.address.to_string(), listener.local_addr().unwrap().port().to_string());
    let rows: &[(&str, &[&str], i32)] = &[
        ("mx", &["--resolver", &resolver, "v6home.test", "nomail.test", "relayed.test"], 68),
        ("mx", &["--json", "--resolver", &resolver, "v6home.test", "relayed.test"], 0),
        ("mx", &["--resolver", &resolver, "ptr", "192.0.2.13"], 0),
        ("mx", &["--help"], 0),
        ("eyeballs", &["--addresses", "127.0.0.1", "mail.test", &port], 0),
        ("eyeballs", &["--json", "--addresses", "127.0.0.1", "mail.test", &port], 0),
        ("eyeballs", &["--addresses", "127.0.0.1", "mail.test", "1"], 75),
        ("eyeballs", &["--help"], 0),
    ];
    for (name, words, want) in rows {
        let mut command = Command::new(program(name));
        command.args(*words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            drop(child.stdout.take());
            child.wait_with_output().unwrap()
        });
        let output = output.await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{name} {words:?}: {said}");
        assert_eq!(output.status.code(), Some(*want), "{name} {words:?}: {said}");
        // And with nobody to read its errors either.
        let mut command = Command::new(program(name));
        command.args(*words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let status = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            drop((child.stdout.take(), child.stderr.take()));
            child.wait().unwrap()
        });
        assert_eq!(status.await.unwrap().code(), Some(*want), "{name} {words:?} without readers");
    }
}
