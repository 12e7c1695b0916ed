//! What mail asks of DNS beside MX: reverse names, senders, services, DANE, over a zone of answers.

#![cfg(feature = "net")]

use mail46_resolve::{
    Class, Dane, Destination, Policy, Resolver, SenderCheck, Zone,
    iprev::Iprev,
    srv::{Discovery, Protocol},
    sts, tlsrpt,
};

const ZONE: &str = "
v6home.org                MX    1 us1.v6home.org
us1.v6home.org            AAAA  2001:418:5403:3000::d
us1.v6home.org            A     122.52.125.245
d.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.3.0.4.5.8.1.4.0.1.0.0.2.ip6.arpa PTR mailroute.v6home.org
d.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.3.0.4.5.8.1.4.0.1.0.0.2.ip6.arpa PTR us1.v6home.org
mailroute.v6home.org      A     204.2.248.50
245.125.52.122.in-addr.arpa PTR us1.v6home.org
1.2.0.192.in-addr.arpa    PTR   other.example
other.example             A     192.0.2.2
3.2.0.192.in-addr.arpa    PTR   lost.example
4.2.0.192.in-addr.arpa    PTR   !SERVFAIL
5.2.0.192.in-addr.arpa    PTR   slow.example
slow.example              A     !TIMEOUT
nebezi.cz                 AAAA  2a01:430:d:0:2cc:9eff:fe24:7e1a
null.example              MX    0 .
trouble.example           MX    !SERVFAIL
bare.example              TXT   nothing
badmx.example             MX    10 gone.example
_imaps._tcp.v6home.org    SRV   0 1 993 us1.v6home.org
_imap._tcp.v6home.org     SRV   0 0 0 .
_pop3._tcp.v6home.org     SRV   0 0 0 .
_mta-sts.v6home.org       TXT   v=STSv1; id=20091116;
_smtp._tls.v6home.org     TXT   v=TLSRPTv1; rua=mailto:tls@v6home.org

SECURE secure.example
SECURE provider.example
secure.example            MX    10 mx.secure.example
secure.example            MX    20 cname.secure.example
secure.example            MX    30 out.secure.example
secure.example            MX    40 plain.secure.example
mx.secure.example         A     192.0.2.10
_25._tcp.mx.secure.example TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000001
_25._tcp.mx.secure.example TLSA 3 1 2 00000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000000000001
_25._tcp.mx.secure.example TLSA 1 1 1 0000000000000000000000000000000000000000000000000000000000000002
cname.secure.example      CNAME mx2.provider.example
mx2.provider.example      A     192.0.2.20
_25._tcp.cname.secure.example TLSA 2 0 1 0000000000000000000000000000000000000000000000000000000000000003
out.secure.example        CNAME mx.insecure.example
mx.insecure.example       A     192.0.2.30
_25._tcp.out.secure.example TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000004
_25._tcp.mx.insecure.example TLSA !SERVFAIL
plain.secure.example      A     192.0.2.40
hosted.example            MX    10 mx.secure.example
hosted.example            MX    20 odd.secure.example
odd.secure.example        A     192.0.2.50
_25._tcp.odd.secure.example TLSA 0 1 1 0000000000000000000000000000000000000000000000000000000000000005
_25._tcp.odd.secure.example TLSA 3 1 1 00
fails.secure.example      MX    10 tf.secure.example
tf.secure.example         A     192.0.2.60
_25._tcp.tf.secure.example TLSA !BOGUS
half.secure.example       MX    10 tf.secure.example
half.secure.example       MX    20 mx.secure.example
lone.secure.example       A     192.0.2.70
_25._tcp.lone.secure.example TLSA 2 0 1 0000000000000000000000000000000000000000000000000000000000000006
unsigned.example          MX    10 mx.insecure.example
alias.example             CNAME secure.example
alias.secure.example      CNAME secure.example
";

fn resolver() -> Resolver<Zone> {
    Resolver::new(ZONE.parse().unwrap())
}

/// RFC 8601 s 3 and 2.7.3, both families.
#[tokio::test]
async fn reverse_names() {
    let rows = [
        ("2001:418:5403:3000::d", Iprev::Pass, Some("us1.v6home.org"), "one of two names has it"),
        ("122.52.125.245", Iprev::Pass, Some("us1.v6home.org"), "IPv4"),
        ("::ffff:122.52.125.245", Iprev::Pass, Some("us1.v6home.org"), "a mapped peer asks in-addr.arpa"),
        ("192.0.2.1", Iprev::Fail, None, "the name has another address"),
        ("192.0.2.2", Iprev::PermError, None, "no PTR"),
        ("192.0.2.3", Iprev::Fail, None, "the name does not exist"),
        ("192.0.2.4", Iprev::TempError, None, "PTR not answered"),
        ("192.0.2.5", Iprev::TempError, None, "the name not answered"),
        ("2001:db8::1", Iprev::PermError, None, "no PTR in ip6.arpa"),
    ];
    for (address, result, name, why) in rows {
        let reverse = resolver().reverse(address.parse().unwrap()).await;
        assert_eq!(reverse.result, result, "{why}");
        assert_eq!(reverse.name().map(ToString::to_string).as_deref(), name, "{why}");
        assert!(!reverse.address.to_string().contains("ffff"), "{why}");
    }
}

/// The check of a sender's domain.
#[tokio::test]
async fn senders() {
    let rows = [
        ("v6home.org", None, "both families"),
        ("nebezi.cz", None, "IPv6 alone passes (report 2: \"Sender's best MX has no IP\")"),
        ("[192.0.2.1]", None, "a literal"),
        ("null.example", Some("550 5.7.27"), "RFC 7505 s 4.1"),
        ("gone.example", Some("550 5.1.8"), "no such domain"),
        ("bare.example", Some("550 5.1.8"), "nothing to answer to"),
        ("badmx.example", Some("550 5.1.8"), "nobody to answer to"),
        ("trouble.example", Some("451 4.4.3"), "DNS trouble"),
    ];
    for (domain, want, why) in rows {
        let from = Destination::parse(domain).unwrap();
        let got = match resolver().check_sender(&from, || 0).await {
            SenderCheck::Accept => None,
            SenderCheck::Defer(refusal) | SenderCheck::Reject(refusal) => Some(refusal.to_string()),
        };
        assert_eq!(got.as_deref().map(|text| text[..text.len().min(10)].trim_end()), want, "{why}");
    }
}

#[tokio::test]
async fn services_and_records() {
    let resolver = resolver();
    let domain = "v6home.org".parse().unwrap();
    let imap = resolver.discover(&domain, Protocol::Imap, || 0).await.unwrap();
    let Discovery::Offered(endpoints) = imap else { panic!("{imap:?}") };
    assert_eq!((endpoints.len(), endpoints[0].host.as_str(), endpoints[0].port), (1, "us1.v6home.org", 993));
    assert_eq!(resolver.discover(&domain, Protocol::Pop3, || 0).await, Ok(Discovery::NotOffered));
    assert_eq!(resolver.discover(&domain, Protocol::Submission, || 0).await, Ok(Discovery::Unknown));
    let sts = resolver.sts_record(&domain).await.unwrap();
    assert_eq!(&*sts::Record::find(sts.as_records()).unwrap().id, "20091116");
    let tlsrpt = resolver.tlsrpt_record(&domain).await.unwrap();
    assert_eq!(
        tlsrpt::Record::find(tlsrpt.as_records()).unwrap().reports,
        [tlsrpt::Report::Mailto("tls@v6home.org".into())]
    );
}

async fn dane(domain: &str) -> (Vec<String>, bool) {
    let resolver = resolver();
    let to = Destination::parse(domain).unwrap();
    let mut route = resolver.route(&to, &Policy::default(), || 0).await.unwrap();
    resolver.dane(&mut route, 25).await.unwrap();
    let hosts = route.hosts().map(|host| match host.dane.as_ref().unwrap() {
        Dane::Required(pins) => {
            let references: Vec<_> = pins.references.iter().map(ToString::to_string).collect();
            let records: Vec<_> =
                pins.records.iter().map(|r| format!("{}{}{}", r.usage, r.selector, r.matching)).collect();
            format!("{} required {} for {}", host.name, records.join("+"), references.join(" "))
        }
        other => format!("{} {}", host.name, other.as_str()),
    });
    (hosts.collect(), route.mx_secure)
}

/// RFC 7672 s 2.2.2, 2.2.3 and 3.2.2.
#[tokio::test]
async fn which_records_speak_for_a_host() {
    let (hosts, secure) = dane("secure.example").await;
    assert!(secure);
    assert_eq!(
        hosts,
        [
            // RFC 7671 s 9: SHA-512 beats SHA-256; RFC 7672 s 3.1.3: PKIX-EE is unusable.
            "mx.secure.example required 312 for mx.secure.example secure.example",
            // A secure alias: the expanded name has none, so the unexpanded one is the base.
            "cname.secure.example required 201 for cname.secure.example secure.example",
            // An alias out of the signed zones: the first link is secure, so its own name is tried, the other never asked.
            "out.secure.example required 311 for out.secure.example secure.example",
            "plain.secure.example none",
        ]
    );

    // The MX set is insecure: the host name is the only reference identifier. And records that nobody can use.
    let (hosts, secure) = dane("hosted.example").await;
    assert!(!secure);
    assert_eq!(
        hosts,
        ["mx.secure.example required 312 for mx.secure.example", "odd.secure.example unusable"]
    );

    // No MX records: the domain itself.
    assert_eq!(
        dane("lone.secure.example").await.0,
        ["lone.secure.example required 201 for lone.secure.example"]
    );
    // Insecure addresses: not even asked for (s 2.2.2), or the SERVFAIL there would show.
    assert_eq!(dane("unsigned.example").await.0, ["mx.insecure.example none"]);
    // A secure alias of the domain: its canonical name is the third reference identifier.
    let want = "mx.secure.example required 312 for mx.secure.example alias.secure.example secure.example";
    assert_eq!(dane("alias.secure.example").await.0[0], want);
    let want = "mx.secure.example required 312 for mx.secure.example";
    assert_eq!(dane("alias.example").await, (dane("alias.example").await.0, false));
    assert_eq!(dane("alias.example").await.0[0], want);
    // "When the original next-hop destination is an address literal …, DANE TLS does not apply."
    assert_eq!(dane("[192.0.2.10]").await.0, ["[192.0.2.10] none"]);
}

/// RFC 7672 s 2.1.2: a host whose TLSA look-up fails is unreachable.
#[tokio::test]
async fn trouble_with_tlsa() {
    let resolver = resolver();
    let to = Destination::parse("half.secure.example").unwrap();
    let mut route = resolver.route(&to, &Policy::default(), || 0).await.unwrap();
    resolver.dane(&mut route, 25).await.unwrap();
    assert_eq!(route.hosts().count(), 2);
    let attempts: Vec<String> = route.attempts().map(|(_, ip)| ip.to_string()).collect();
    assert_eq!(attempts, ["192.0.2.10"]);

    let to = Destination::parse("fails.secure.example").unwrap();
    let mut route = resolver.route(&to, &Policy::default(), || 0).await.unwrap();
    let failure = resolver.dane(&mut route, 25).await.unwrap_err();
    assert_eq!(failure.class, Class::TempDane);
    assert_eq!((failure.is_permanent(), failure.enhanced_code()), (false, "4.7.5"));
    // Another port has other records.
    assert!(resolver.dane(&mut route, 587).await.is_ok());
}
