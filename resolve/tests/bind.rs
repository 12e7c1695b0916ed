//! Against a real BIND, over UDP and TCP, on 127.0.0.1 and [::1].

#![cfg(feature = "hickory")]

mod support;

use std::{fs, time::Duration};

use mail46_resolve::{
    Answer, Class, Dane, Destination, Dns, Hickory, Outcome, Policy, Resolver, Security, Trouble, TrustedAd,
    Validation,
};
use mail46_wire::Domain;
use support::{Named, folder, is_installed, sign, zone};

fn name(name: &str) -> Domain {
    Domain::parse_with_underscores(name.as_bytes()).unwrap().to_owned()
}

fn to(domain: &str) -> Destination {
    Destination::parse(domain).unwrap()
}

/// One server for all the ways in which an answer can come.
fn plain() -> Option<Named> {
    if !is_installed("named") {
        return None;
    }
    let dir = folder("plain");
    let many: String = (0..80).map(|i| format!("many MX {i} a-rather-long-name-{i}.lab.\n")).collect();
    let text = format!(
        "ns A 127.0.0.1
         @ MX 10 mx1\n@ MX 20 mx2
         mx1 A 192.0.2.1\nmx1 AAAA 2001:db8::1\nmx2 A 192.0.2.2
         v6 AAAA 2001:db8::6
         null MX 0 .
         alias CNAME @
         toalias MX 10 mxalias\nmxalias CNAME mx1
         loopa CNAME loopb\nloopb CNAME loopa
         dangling CNAME gone
         empty.non-terminal A 192.0.2.3
         xn--bcher-kva MX 10 mx.xn--bcher-kva\nmx.xn--bcher-kva AAAA 2001:db8::7
         under_score MX 10 m_x\nm_x A 192.0.2.8
         half MX 10 mx.broken.lab.\nhalf MX 20 mx1
         lost MX 10 mx.broken.lab.
         _imaps._tcp SRV 0 1 993 imap.lab.
         _mta-sts TXT \"v=STSv1; \" \"id=1;\"
         short 7 A 192.0.2.9
         {many}"
    );
    zone(&dir, "lab.zone", &text);
    let reverse = "1.2.0 PTR mx1.lab.\n";
    zone(&dir, "reverse.zone", reverse);
    let reverse6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mx1.lab.\n";
    zone(&dir, "reverse6.zone", reverse6);
    fs::write(dir.join("broken.zone"), "not a zone\n").unwrap();
    zone(&dir, "closed.zone", "@ A 192.0.2.1\n");
    let zones = "
        zone \"lab\" { type primary; file \"lab.zone\"; };
        zone \"192.in-addr.arpa\" { type primary; file \"reverse.zone\"; };
        zone \"8.b.d.0.1.0.0.2.ip6.arpa\" { type primary; file \"reverse6.zone\"; };
        zone \"broken.lab\" { type primary; file \"broken.zone\"; };
        zone \"closed.lab\" { type primary; file \"closed.zone\"; allow-query { none; }; };";
    Some(Named::start(&dir, "recursion no; dnssec-validation no; check-names primary ignore;", zones))
}

#[tokio::test]
async fn outcomes_are_told_apart() {
    let Some(named) = plain() else { return };
    for server in named.addresses() {
        let dns = Hickory::with_servers([server], Validation::Off).unwrap();
        let mx = dns.mx(&name("lab")).await;
        assert_eq!(mx.as_records().len(), 2);
        assert_eq!(mx.security, Security::Unchecked);
        assert!(mx.ttl > Duration::from_secs(3590) && mx.ttl <= Duration::from_secs(3600), "{:?}", mx.ttl);

        // RFC 2308 s 5: the negative TTL is the SOA's MINIMUM.
        let mx: Answer<_> = dns.mx(&name("mx1.lab")).await;
        assert_eq!((mx.outcome, mx.ttl), (Outcome::NoData, Duration::from_secs(300)));
        assert_eq!(dns.mx(&name("gone.lab")).await.outcome, Outcome::NxDomain);
        assert_eq!(dns.mx(&name("non-terminal.lab")).await.outcome, Outcome::NoData);
        assert_eq!(dns.mx(&name("broken.lab")).await.trouble(), Some(Trouble::ServFail));
        assert_eq!(dns.mx(&name("closed.lab")).await.trouble(), Some(Trouble::Refused));
        assert_eq!(dns.mx(&name("dangling.lab")).await.outcome, Outcome::NxDomain);
        // An alias loop is never "no MX".
        assert!(dns.mx(&name("loopa.lab")).await.trouble().is_some());

        // RFC 1035 s 4.2.1: cut short over UDP, whole over TCP.
        assert_eq!(dns.mx(&name("many.lab")).await.as_records().len(), 80);

        let a = dns.a(&name("mxalias.lab")).await;
        assert_eq!(a.as_records(), ["192.0.2.1".parse::<std::net::Ipv4Addr>().unwrap()]);
        assert_eq!(a.alias.unwrap().canonical, name("mx1.lab"));
        assert_eq!(dns.mx(&name("alias.lab")).await.alias.unwrap().canonical, name("lab"));

        // By A-labels.
        let mx = dns.mx(&name("xn--bcher-kva.lab")).await;
        assert_eq!(mx.as_records()[0].exchange.to_string(), "mx.xn--bcher-kva.lab");

        // RFC 8461 s 3.1: strings are joined without blanks.
        assert_eq!(dns.txt(&name("_mta-sts.lab")).await.as_records(), [b"v=STSv1; id=1;".to_vec()]);
        let srv = dns.srv(&name("_imaps._tcp.lab")).await;
        assert_eq!(
            (srv.as_records()[0].port, srv.as_records()[0].target.to_string().as_str()),
            (993, "imap.lab")
        );
    }
}

#[tokio::test]
async fn the_ttl_runs_down() {
    let Some(named) = plain() else { return };
    let dns = Hickory::with_servers(named.addresses(), Validation::Off).unwrap();
    let first = dns.a(&name("short.lab")).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let second = dns.a(&name("short.lab")).await;
    assert!(first.ttl <= Duration::from_secs(7) && second.ttl <= Duration::from_secs(5), "{:?}", second.ttl);
    // And it is the one from before: the server is gone.
    drop(named);
    assert_eq!(dns.a(&name("short.lab")).await.as_records().len(), 1);
}

#[tokio::test]
async fn routes() {
    let Some(named) = plain() else { return };
    for server in named.addresses() {
        let resolver = Resolver::new(Hickory::with_servers([server], Validation::Off).unwrap());
        let route = async |domain: &str| match resolver.route(&to(domain), &Policy::default(), || 0).await {
            Ok(route) => {
                let attempts: Vec<String> = route.attempts().map(|(_, ip)| ip.to_string()).collect();
                format!("{}{}", attempts.join(" "), if route.incomplete { " incomplete" } else { "" })
            }
            Err(failure) => failure.class_name().to_owned(),
        };
        for (domain, want) in [
            ("lab", "2001:db8::1 192.0.2.1 192.0.2.2"),
            ("alias.lab", "2001:db8::1 192.0.2.1 192.0.2.2"),
            ("v6.lab", "2001:db8::6"),
            ("null.lab", "null-mx"),
            ("toalias.lab", "2001:db8::1 192.0.2.1"),
            ("gone.lab", "nxdomain"),
            ("ns.lab", "127.0.0.1 is dropped"),
            ("broken.lab", "temp-dns"),
            ("half.lab", "2001:db8::1 192.0.2.1 incomplete"),
            ("lost.lab", "temp-dns"),
            ("bücher.lab", "2001:db8::7"),
            ("many.lab", "no-usable-mx"),
            ("loopa.lab", "temp-dns"),
            ("localhost", "no-address"),
            ("x.invalid", "nxdomain"),
        ] {
            let want = if domain == "ns.lab" { "no-address" } else { want };
            assert_eq!(route(domain).await, want, "{domain} at {server}");
        }
        let reverse = resolver.reverse("::ffff:192.0.2.1".parse().unwrap()).await;
        assert_eq!(reverse.name().unwrap().as_str(), "mx1.lab");
        let reverse = resolver.reverse("2001:db8::1".parse().unwrap()).await;
        assert_eq!(reverse.name().unwrap().as_str(), "mx1.lab");
    }
}

/// A root of our own, a signed zone, a signed one with a broken signature, an unsigned one.
fn signed() -> Option<(Named, String)> {
    if !is_installed("named") || !is_installed("dnssec-signzone") {
        return None;
    }
    let dir = folder("signed");
    let digest = "01".repeat(32);
    let text = format!(
        "@ MX 10 mx\n@ MX 20 mxalias\n@ MX 30 mx.plain.
         mx A 192.0.2.1\nmx AAAA 2001:db8::1
         _25._tcp.mx TLSA 3 1 1 {digest}
         mxalias CNAME mx2\nmx2 A 192.0.2.2
         out CNAME mx.plain.
         nomx A 192.0.2.3
         badrecord A 192.0.2.4
         tlsabad MX 10 mx3\nmx3 A 192.0.2.5\n_25._tcp.mx3 TLSA 3 1 1 {digest}
         bad MX 10 mx"
    );
    zone(&dir, "good.zone", &text);
    let (ds, _) = sign(&dir, "good", "good.zone");
    // Break what is signed: another address, another preference, another record.
    let signed = fs::read_to_string(dir.join("good.zone.signed")).unwrap();
    let mut broken = String::new();
    let mut owner = String::new();
    for line in signed.lines() {
        if !line.starts_with([' ', '\t', ';']) {
            owner = line.split_whitespace().next().unwrap_or_default().to_owned();
        }
        let line = match owner.as_str() {
            "badrecord.good." => line.replace("192.0.2.4", "192.0.2.44"),
            "bad.good." => line.replace("MX\t10 mx.good.", "MX\t11 mx.good."),
            "_25._tcp.mx3.good." => line.replace("3 1 1", "3 1 2"),
            _ => line.to_owned(),
        };
        broken += &line;
        broken.push('\n');
    }
    assert_ne!(broken.trim(), signed.trim());
    fs::write(dir.join("good.zone.signed"), broken).unwrap();
    let plain = format!(
        "@ MX 10 mx\nmx A 192.0.2.9\n_25._tcp.mx TLSA 3 1 1 {digest}\n@ MX 20 mx.good.\nalias CNAME mx.good.\n"
    );
    zone(&dir, "plain.zone", &plain);
    let root = format!(
        "good. NS ns.lab.\nplain. NS ns.lab.\nns.lab. A 127.0.0.1\n{}\n",
        ds.lines().collect::<Vec<_>>().join("\n")
    );
    zone(&dir, "root.zone", &root);
    let (_, anchor) = sign(&dir, ".", "root.zone");
    let zones = "
        zone \".\" { type primary; file \"root.zone.signed\"; };
        zone \"good\" { type primary; file \"good.zone.signed\"; };
        zone \"plain\" { type primary; file \"plain.zone\"; };";
    Some((Named::start(&dir, "recursion no; dnssec-validation no;", zones), anchor))
}

/// RFC 4035 s 4.3 and RFC 7672: validated in process.
#[tokio::test]
async fn dnssec_in_process() {
    let Some((named, anchor)) = signed() else { return };
    let file = named.dir.join("anchor");
    fs::write(&file, anchor).unwrap();
    for server in named.addresses() {
        let dns = Hickory::with_servers([server], Validation::from_file(&file).unwrap()).unwrap();
        assert_eq!(dns.mx(&name("good")).await.security, Security::Secure);
        assert_eq!(dns.a(&name("mx.good")).await.security, Security::Secure);
        let alias = dns.a(&name("mxalias.good")).await;
        assert_eq!((alias.security, alias.alias.unwrap().initial), (Security::Secure, Security::Secure));
        assert_eq!(dns.mx(&name("plain")).await.security, Security::Insecure);
        // A secure link to an insecure zone: insecure in all, secure at first.
        let out = dns.a(&name("out.good")).await;
        assert_eq!(out.security, Security::Insecure, "{out:?}");
        assert_eq!(out.alias.unwrap().initial, Security::Secure);
        // An insecure link to a secure name that is in the cache already.
        assert_eq!(dns.a(&name("alias.plain")).await.security, Security::Insecure);
        let none = dns.mx(&name("nomx.good")).await;
        assert_eq!((none.outcome.clone(), none.security), (Outcome::NoData, Security::Secure), "{none:?}");
        let gone = dns.mx(&name("gone.good")).await;
        assert_eq!((gone.outcome.clone(), gone.security), (Outcome::NxDomain, Security::Secure), "{gone:?}");
        assert_eq!(dns.mx(&name("bad.good")).await.trouble(), Some(Trouble::Bogus));
        assert_eq!(dns.a(&name("badrecord.good")).await.trouble(), Some(Trouble::Bogus));

        let resolver = Resolver::new(dns);
        let mut route = resolver.route(&to("good"), &Policy::default(), || 0).await.unwrap();
        resolver.dane(&mut route, 25).await.unwrap();
        let dane: Vec<&str> = route.hosts().map(|host| host.dane.as_ref().unwrap().as_str()).collect();
        assert_eq!((route.mx_secure, dane), (true, vec!["required", "none", "none"]));
        let Some(Dane::Required(pins)) = &route.tiers[0].hosts[0].dane else { panic!() };
        assert_eq!(pins.references, [name("mx.good"), name("good")]);

        let mut route = resolver.route(&to("tlsabad.good"), &Policy::default(), || 0).await.unwrap();
        assert_eq!(resolver.dane(&mut route, 25).await.unwrap_err().class, Class::TempDane);
        let failure = resolver.route(&to("bad.good"), &Policy::default(), || 0).await.unwrap_err();
        assert_eq!(failure.class, Class::TempDns(Trouble::Bogus));
    }
    // From other anchors all is bogus, and all of it temporary.
    let (_, other) = sign(&named.dir, "other", {
        zone(&named.dir, "other.zone", "");
        "other.zone"
    });
    fs::write(&file, other.replace("other.", ".")).unwrap();
    let dns = Hickory::with_servers(named.addresses(), Validation::from_file(&file).unwrap()).unwrap();
    assert_eq!(dns.mx(&name("good")).await.trouble(), Some(Trouble::Bogus));
    fs::write(&file, "; nothing\n").unwrap();
    assert!(Validation::from_file(&file).is_err());
}

/// RFC 4035 s 4.9.3: the AD bit of a validating resolver, here BIND with our root.
#[tokio::test]
async fn dnssec_by_a_trusted_resolver() {
    let Some((upstream, anchor)) = signed() else { return };
    let dir = folder("validating");
    let key: Vec<&str> = anchor.split_whitespace().skip_while(|word| *word != "DNSKEY").skip(1).collect();
    let [flags, protocol, algorithm, key @ ..] = key.as_slice() else { panic!("{anchor}") };
    let options = format!(
        "recursion yes; dnssec-validation yes; forward only; forwarders {{ 127.0.0.1 port {}; }};",
        upstream.port
    );
    let zones =
        format!("trust-anchors {{ . static-key {flags} {protocol} {algorithm} \"{}\"; }};", key.join(""));
    let named = Named::start(&dir, &options, &zones);
    for server in named.addresses() {
        let dns = TrustedAd::new([server]);
        assert_eq!(dns.mx(&name("good")).await.security, Security::Secure);
        assert_eq!(dns.mx(&name("plain")).await.security, Security::Insecure);
        let alias = dns.a(&name("mxalias.good")).await;
        assert_eq!((alias.security, alias.alias.unwrap().canonical), (Security::Secure, name("mx2.good")));
        let out = dns.a(&name("out.good")).await;
        assert_eq!((out.security, out.alias.unwrap().initial), (Security::Insecure, Security::Secure));
        assert_eq!(dns.a(&name("alias.plain")).await.alias.unwrap().initial, Security::Insecure);
        let none = dns.mx(&name("nomx.good")).await;
        assert_eq!((none.outcome, none.security), (Outcome::NoData, Security::Secure));
        let gone = dns.mx(&name("gone.good")).await;
        assert_eq!((gone.outcome, gone.security), (Outcome::NxDomain, Security::Secure));
        // Bogus is SERVFAIL here.
        assert_eq!(dns.mx(&name("bad.good")).await.trouble(), Some(Trouble::ServFail));

        let resolver = Resolver::new(dns);
        let mut route = resolver.route(&to("good"), &Policy::default(), || 0).await.unwrap();
        resolver.dane(&mut route, 25).await.unwrap();
        let dane: Vec<&str> = route.hosts().map(|host| host.dane.as_ref().unwrap().as_str()).collect();
        assert_eq!((route.mx_secure, dane), (true, vec!["required", "none", "none"]));
    }
}
