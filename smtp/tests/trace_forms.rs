//! `Received` fields as real servers write them, with names and addresses of the documentation ranges.

use mail46_smtp::trace::Received;

/// Everything that is asked of a field, in one line.
fn told(line: &str) -> String {
    let received = Received::parse(line.as_bytes());
    assert_eq!(received.raw(), line.as_bytes());
    let text = |text: Option<&[u8]>| {
        text.map_or_else(|| "-".into(), |text| String::from_utf8_lossy(text).into_owned())
    };
    let show = |what: Option<String>| what.unwrap_or_else(|| "-".into());
    let tls = received
        .tls()
        .map_or_else(|| "-".into(), |tls| format!("{}/{}", text(tls.version), text(tls.cipher)));
    [
        text(received.from().map(|from| from.name())),
        show(received.from_ip().map(|ip| ip.to_string())),
        text(received.by().map(|by| by.name())),
        show(received.by_ip().map(|ip| ip.to_string())),
        show(received.family().map(|family| family.to_string())),
        show(received.hop().protocol.map(|protocol| protocol.to_string())),
        tls,
        text(received.id()),
        text(received.recipient()),
        show(received.date().map(|date| date.to_string())),
    ]
    .join(" | ")
}

/// What it shows, the field, and what it tells:
/// `from | its address | by | its address | family | protocol | TLS version/cipher | id | for | date`.
const ROWS: &[(&str, &str, &str)] = &[
    // Postfix
    (
        "Postfix, IPv6, TLS, folded",
        "Received: from out.example (mail.example [IPv6:2001:db8:1::25])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n\t(No client certificate requested)\r\n\tby mx.example (Postfix) with ESMTPS id 4XyZ1c2fQkz9rxN\r\n\tfor <bob@example.org>; Tue, 24 Nov 2026 06:30:01 +0000 (UTC)\r\n",
        "out.example | 2001:db8:1::25 | mx.example | - | IPv6 | ESMTPS | TLSv1.3/TLS_AES_256_GCM_SHA384 | 4XyZ1c2fQkz9rxN | bob@example.org | Tue, 24 Nov 2026 06:30:01 +0000",
    ),
    (
        "Postfix, IPv4, no name in the DNS, no TLS",
        "from host (unknown [192.0.2.7]) by mx.example (Postfix) with SMTP id 0A1B2C3D4E for <bob@example.org>; Mon,  2 Mar 2026 23:59:60 -0500 (EST)",
        "host | 192.0.2.7 | mx.example | - | IPv4 | SMTP | - | 0A1B2C3D4E | bob@example.org | Mon, 2 Mar 2026 23:59:60 -0500",
    ),
    (
        "Postfix, submission by an address literal: what TCP says goes before what the client says",
        "from [10.0.0.5] (dsl.example [IPv6:2001:db8::77]) (Authenticated sender: alice@[192.0.2.99]) by mail.example (Postfix) with ESMTPSA id 9F; Thu, 1 Jan 2026 00:00:00 +0100 (CET)",
        "[10.0.0.5] | 2001:db8::77 | mail.example | - | IPv6 | ESMTPSA | -/- | 9F | - | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "Postfix, SMTPUTF8",
        "from a.example (a.example [192.0.2.8]) by mx.example (Postfix) with UTF8SMTPS id 77 for <b\u{fc}b@example.org>; Thu, 1 Jan 2026 00:00:00 +0100",
        "a.example | 192.0.2.8 | mx.example | - | IPv4 | UTF8SMTPS | -/- | 77 | b\u{fc}b@example.org | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "Postfix pickup: no from",
        "by mail.example (Postfix, from userid 1000) id 1A2B3C; Thu, 1 Jan 2026 00:00:00 +0100 (CET)",
        "- | - | mail.example | - | - | - | - | 1A2B3C | - | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "Postfix with a client that nobody knows: the greeting is no address",
        "from [192.0.2.50] (unknown [unknown]) by mx.example (Postfix) with ESMTP id 3C; Thu, 1 Jan 2026 00:00:00 +0000",
        "[192.0.2.50] | - | mx.example | - | - | ESMTP | - | 3C | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "amavis behind Postfix",
        "from mx.example ([127.0.0.1]) by localhost (mx.example [127.0.0.1]) (amavisd-new, port 10024) with ESMTP id abcDEF_12-x for <bob@example.org>; Thu, 1 Jan 2026 00:00:00 +0000 (UTC)",
        "mx.example | 127.0.0.1 | localhost | 127.0.0.1 | IPv4 | ESMTP | - | abcDEF_12-x | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    // Sendmail
    (
        "Sendmail, IPv6 with its tag",
        "from vm.example (vm.example [IPv6:2001:db8:d:0:2cc:9eff:fe24:7e1a]) by mx.example (8.14.5/8.14.5) with ESMTP id q928FUab012345 for <bob@example.org>; Tue, 2 Oct 2012 10:15:30 +0200 (CEST)",
        "vm.example | 2001:db8:d:0:2cc:9eff:fe24:7e1a | mx.example | - | IPv6 | ESMTP | - | q928FUab012345 | bob@example.org | Tue, 2 Oct 2012 10:15:30 +0200",
    ),
    (
        "Sendmail, forged name, TLS",
        "from x.example (y.example [192.0.2.9] (may be forged)) (authenticated bits=0) by mx.example (8.17.1/8.17.1) with ESMTPSA id 1 (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO); Thu, 1 Jan 2026 00:00:00 GMT",
        "x.example | 192.0.2.9 | mx.example | - | IPv4 | ESMTPSA | TLSv1.3/TLS_AES_256_GCM_SHA384 | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Sendmail, ident in front of the name",
        "from a.example (IDENT:root@a.example [192.0.2.9]) by b.example (8.9.3/8.9.3) with SMTP id AAA01234; Fri, 3 Dec 99 10:00:00 EST",
        "a.example | 192.0.2.9 | b.example | - | IPv4 | SMTP | - | AAA01234 | - | Fri, 3 Dec 1999 10:00:00 -0500",
    ),
    (
        "Sendmail, local submission",
        "(from alice@localhost) by mail.example (8.15.2/8.15.2/Submit) id x1; Thu, 1 Jan 2026 00:00:00 +0000",
        "- | - | mail.example | - | - | - | - | x1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    // Exim
    (
        "Exim, IPv6 without a tag, greeting apart",
        "from [2001:db8::e1] (helo=client.example) by mx.example with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.96) (envelope-from <alice@example.com>) id 1pXyZa-0001Ab-2C for bob@example.org; Thu, 01 Jan 2026 00:00:00 +0000",
        "[2001:db8::e1] | 2001:db8::e1 | mx.example | - | IPv6 | ESMTPS | TLS1.3/TLS_AES_256_GCM_SHA384 | 1pXyZa-0001Ab-2C | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Exim, name from the DNS, greeting is another address",
        "from rdns.example ([192.0.2.10] helo=[10.1.1.1]) by mx.example with esmtpsa (TLSv1:AES256-SHA:256) (Exim 4.72) (envelope-from <a@example.com>) id 1Nabcd-0000xx-AB; Thu, 01 Jan 2026 00:00:00 +0000",
        "rdns.example | 192.0.2.10 | mx.example | - | IPv4 | ESMTPSA | TLSv1/AES256-SHA | 1Nabcd-0000xx-AB | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Exim with ports, IPv4",
        "from rdns.example ([192.0.2.1]:1234 helo=client) by mx.example with esmtp (Exim 4.94.2) id 1; Thu, 01 Jan 2026 00:00:00 +0000",
        "rdns.example | 192.0.2.1 | mx.example | - | IPv4 | ESMTP | - | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Exim with ports, IPv6, no name",
        "from [2001:db8::2]:40000 (helo=[10.0.0.2]) by mx.example with esmtp (Exim 4.94.2) id 1; Thu, 01 Jan 2026 00:00:00 +0000",
        "[2001:db8::2]:40000 | 2001:db8::2 | mx.example | - | IPv6 | ESMTP | - | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Exim, port in the comment",
        "from [192.0.2.3] (port=4711 helo=[192.168.178.20]) by mx.example with utf8esmtpsa (TLS1.2) tls TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (Exim 4.96) id 1; Thu, 01 Jan 2026 00:00:00 +0000",
        "[192.0.2.3] | 192.0.2.3 | mx.example | - | IPv4 | UTF8SMTPSA | TLS1.2/TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Exim, local",
        "from alice by mail.example with local (Exim 4.96) (envelope-from <alice@mail.example>) id 1; Thu, 01 Jan 2026 00:00:00 +0000",
        "alice | - | mail.example | - | - | local | - | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    // Gmail
    (
        "Gmail, internal: 2002:a05:… is a name of its own",
        "by 2002:a05:6a10:8284:b0:1f:abcd:ef01 with SMTP id x4csp123456pxx; Thu, 1 Jan 2026 00:00:00 -0800 (PST)",
        "- | - | 2002:a05:6a10:8284:b0:1f:abcd:ef01 | 2002:a05:6a10:8284:b0:1f:abcd:ef01 | - | SMTP | - | x4csp123456pxx | - | Thu, 1 Jan 2026 00:00:00 -0800",
    ),
    (
        "Gmail, at its border, IPv6",
        "from mail.example (mail.example. [2001:db8::53])\r\n        by mx.google.example with ESMTPS id a1b2c3-20020a05600c4f4900si1234567wmq.1.2026.01.01.00.00.00\r\n        for <bob@example.org>\r\n        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n        Thu, 01 Jan 2026 00:00:00 -0800 (PST)",
        "mail.example | 2001:db8::53 | mx.google.example | - | IPv6 | ESMTPS | TLS1_3/TLS_AES_256_GCM_SHA384 | a1b2c3-20020a05600c4f4900si1234567wmq.1.2026.01.01.00.00.00 | bob@example.org | Thu, 1 Jan 2026 00:00:00 -0800",
    ),
    (
        "Gmail, submission",
        "from [192.168.1.2] (dsl.example. [192.0.2.20]) by smtp.google.example with ESMTPSA id q1sm1.2 for <bob@example.org> (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256 bits=128/128); Thu, 01 Jan 2026 00:00:00 -0800 (PST)",
        "[192.168.1.2] | 192.0.2.20 | smtp.google.example | - | IPv4 | ESMTPSA | TLS1_3/TLS_AES_128_GCM_SHA256 | q1sm1.2 | bob@example.org | Thu, 1 Jan 2026 00:00:00 -0800",
    ),
    (
        "Gmail's API",
        "from 123456789 named unknown by gmailapi.google.example with HTTPREST; Thu, 1 Jan 2026 00:00:00 -0800",
        "123456789 | - | gmailapi.google.example | - | - | HTTPREST | - | - | - | Thu, 1 Jan 2026 00:00:00 -0800",
    ),
    // Exchange and Office 365
    (
        "Exchange 2007, IPv6 in parentheses",
        "from us1.example (2001:db8:5403:3000::d) by ws1.example (2001:db8:5403:3000::b) with Microsoft SMTP Server (TLS) id 8.1.393.1; Thu, 5 Nov 2009 12:01:08 +0800",
        "us1.example | 2001:db8:5403:3000::d | ws1.example | 2001:db8:5403:3000::b | IPv6 | Microsoft SMTP Server | -/- | 8.1.393.1 | - | Thu, 5 Nov 2009 12:01:08 +0800",
    ),
    (
        "Exchange, IPv4",
        "from EX1.corp.example (192.0.2.30) by EX2.corp.example (192.0.2.31) with Microsoft SMTP Server id 14.3.123.3; Thu, 1 Jan 2026 00:00:00 +0100",
        "EX1.corp.example | 192.0.2.30 | EX2.corp.example | 192.0.2.31 | IPv4 | Microsoft SMTP Server | - | 14.3.123.3 | - | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "Office 365, inside",
        "from AM0P1.prod.outlook.example (2001:db8:208:ab::12)\r\n by AM0P2.prod.outlook.example (2001:db8:20b:1::5) with Microsoft SMTP Server\r\n (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\r\n 15.20.5944.6; Thu, 1 Jan 2026 00:00:00 +0000",
        "AM0P1.prod.outlook.example | 2001:db8:208:ab::12 | AM0P2.prod.outlook.example | 2001:db8:20b:1::5 | IPv6 | Microsoft SMTP Server | TLS1_2/TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 | 15.20.5944.6 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Office 365, frontend",
        "from mail.example (192.0.2.32) by DB5.mail.protection.outlook.example (192.0.2.33) with Microsoft SMTP Server (version=TLS1_2, cipher=TLS_AES_256_GCM_SHA384) id 15.20.1.2 via Frontend Transport; Thu, 1 Jan 2026 00:00:00 +0000",
        "mail.example | 192.0.2.32 | DB5.mail.protection.outlook.example | 192.0.2.33 | IPv4 | Microsoft SMTP Server | TLS1_2/TLS_AES_256_GCM_SHA384 | 15.20.1.2 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Office 365, store driver",
        "from AM0P1.outlook.example ([2001:db8::abcd:1]) by AM0P1.outlook.example ([2001:db8::abcd:1%4]) with mapi id 15.20.5944.006; Thu, 1 Jan 2026 00:00:00 +0000",
        "AM0P1.outlook.example | 2001:db8::abcd:1 | AM0P1.outlook.example | 2001:db8::abcd:1 | IPv6 | mapi | - | 15.20.5944.006 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "IIS",
        "from pc ([192.0.2.34]) by mail.example with Microsoft SMTPSVC(6.0.3790.4675); Thu, 1 Jan 2026 00:00:00 +0000",
        "pc | 192.0.2.34 | mail.example | - | IPv4 | Microsoft SMTPSVC | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "link-local inside Exchange: the zone means nothing elsewhere",
        "from EX1 (fe80::1234:5678%11) by EX2 ([fe80::1%eth0]) with mapi; Thu, 1 Jan 2026 00:00:00 +0000",
        "EX1 | fe80::1234:5678 | EX2 | fe80::1 | IPv6 | mapi | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    // qmail
    (
        "qmail, IPv4",
        "from unknown (HELO client.example) (192.0.2.40) by 0 with SMTP; 5 Nov 2009 04:01:08 -0000",
        "unknown | 192.0.2.40 | 0 | - | IPv4 | SMTP | - | - | - | Thu, 5 Nov 2009 04:01:08 -0000",
    ),
    (
        "qmail, the greeting is an address, ident knows the user",
        "from unknown (HELO [10.0.0.9]) (alice@192.0.2.41) by mx.example with ESMTPA; 5 Nov 2009 04:01:08 -0000",
        "unknown | 192.0.2.41 | mx.example | - | IPv4 | ESMTPA | - | - | - | Thu, 5 Nov 2009 04:01:08 -0000",
    ),
    (
        "qmail with TLS and IPv6 patches",
        "from out.example (HELO out.example) (2001:db8::42) by mx.example with (AES256-GCM-SHA384 encrypted) ESMTPS; 5 Nov 2009 04:01:08 -0000",
        "out.example | 2001:db8::42 | mx.example | - | IPv6 | ESMTPS | -/AES256-GCM-SHA384 | - | - | Thu, 5 Nov 2009 04:01:08 -0000",
    ),
    (
        "qmail, cipher before the protocol",
        "from a.example (192.0.2.43) by mx.example with AES256-SHA encrypted SMTP; 5 Nov 2009 04:01:08 -0000",
        "a.example | 192.0.2.43 | mx.example | - | IPv4 | SMTP | -/AES256-SHA | - | - | Thu, 5 Nov 2009 04:01:08 -0000",
    ),
    (
        "qmail, no clause at all",
        "(qmail 12345 invoked by uid 89); 5 Nov 2009 04:01:08 -0000",
        "- | - | - | - | - | - | - | - | - | Thu, 5 Nov 2009 04:01:08 -0000",
    ),
    // OpenSMTPD, Haraka, Courier, Dovecot, Cyrus, chasquid, Stalwart
    (
        "OpenSMTPD",
        "from client.example (client.example [IPv6:2001:db8::50])\r\n\tby mx.example (OpenSMTPD) with ESMTPS id 0123abcd (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)\r\n\tfor <bob@example.org>;\r\n\tThu, 1 Jan 2026 00:00:00 +0000 (UTC)",
        "client.example | 2001:db8::50 | mx.example | - | IPv6 | ESMTPS | TLSv1.3/TLS_AES_256_GCM_SHA384 | 0123abcd | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "OpenSMTPD, before the tag, no name",
        "from client.example (<unknown> [2001:db8::51]) by mx.example (OpenSMTPD) with ESMTP id 99; Thu, 1 Jan 2026 00:00:00 +0000 (UTC)",
        "client.example | 2001:db8::51 | mx.example | - | IPv6 | ESMTP | - | 99 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Haraka",
        "from helo.example (rdns.example [192.0.2.52])\r\n\tby mx.example (Haraka/2.8.28) with ESMTPS id 0F6A.1 envelope-from <a@example.com>\r\n\t(version=TLSv1/SSLv3 cipher=ECDHE-RSA-AES256-GCM-SHA384 verify=NO);\r\n\tThu, 01 Jan 2026 00:00:00 +0000",
        "helo.example | 192.0.2.52 | mx.example | - | IPv4 | ESMTPS | TLSv1/SSLv3/ECDHE-RSA-AES256-GCM-SHA384 | 0F6A.1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Courier: an IPv6 socket saw an IPv4 peer",
        "from a.example (b.example [::ffff:192.0.2.53])\r\n  (TLS: TLSv1.2,256bits,ECDHE-RSA-AES256-GCM-SHA384)\r\n  by mx.example with ESMTPS; Thu, 01 Jan 2026 00:00:00 +0000\r\n  id 00000000000201F4.0000000065923B80.00001234",
        "a.example | 192.0.2.53 | mx.example | - | IPv4 | ESMTPS | TLSv1.2/ECDHE-RSA-AES256-GCM-SHA384 | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Dovecot's LMTP, over IPv6",
        "from mx.example ([IPv6:2001:db8::54])\r\n\tby store.example with LMTP\r\n\tid yNxhBw3kXGVuAQAA\r\n\t(envelope-from <alice@example.com>)\r\n\tfor <bob@example.org>; Thu, 01 Jan 2026 00:00:00 +0000",
        "mx.example | 2001:db8::54 | store.example | - | IPv6 | LMTP | - | yNxhBw3kXGVuAQAA | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Cyrus over a Unix socket",
        "from mail.example ([unix socket])\r\n\t by store.example (Cyrus 3.6.1) with LMTPA;\r\n\t Thu, 01 Jan 2026 00:00:00 +0000",
        "mail.example | - | store.example | - | - | LMTPA | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "UTF8 LMTP with everything",
        "from mail.example ([IPv6:2001:db8::55]) by store.example with UTF8LMTPSA id 5; Thu, 01 Jan 2026 00:00:00 +0000",
        "mail.example | 2001:db8::55 | store.example | - | IPv6 | UTF8LMTPSA | -/- | 5 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Stalwart: no tag, more in the comment",
        "from out.example (out.example [2001:db8::56] (AS64496 Example, XX))\r\n\t(using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384)\r\n\tby mx.example (Stalwart SMTP) with ESMTPS id 30A1;\r\n\tThu, 1 Jan 2026 00:00:00 +0000",
        "out.example | 2001:db8::56 | mx.example | - | IPv6 | ESMTPS | TLSv1.3/TLS13_AES_256_GCM_SHA384 | 30A1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    // James, CommuniGate, Domino, MDaemon, Zimbra, IronPort, Mimecast, PMDF, fetchmail, getmail, webmail
    (
        "James",
        "from 192.0.2.60 (EHLO client.example) ([192.0.2.61])\r\n          by james.example (JAMES SMTP Server ) with ESMTPSA ID 1234567\r\n          for <bob@example.org>;\r\n          Thu, 01 Jan 2026 00:00:00 +0000 (UTC)",
        "192.0.2.60 | 192.0.2.61 | james.example | - | IPv4 | ESMTPSA | -/- | 1234567 | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "CommuniGate Pro",
        "from [2001:db8::62] (account alice@example.com HELO [192.168.0.3])\r\n  by mail.example (CommuniGate Pro SMTP 6.2.5)\r\n  with ESMTPSA id 12345678 for bob@example.org; Thu, 01 Jan 2026 00:00:00 +0300",
        "[2001:db8::62] | 2001:db8::62 | mail.example | - | IPv6 | ESMTPSA | -/- | 12345678 | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0300",
    ),
    (
        "Domino",
        "from mail.example ([192.0.2.63]) by notes.example (Lotus Domino Release 8.5.3FP6) with ESMTP id 2026010100000012-345 ; Thu, 1 Jan 2026 00:00:00 +0100",
        "mail.example | 192.0.2.63 | notes.example | - | IPv4 | ESMTP | - | 2026010100000012-345 | - | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "Zimbra's store",
        "from mbox.example (LHLO mbox.example) (192.0.2.64) by mbox.example with LMTP; Thu, 1 Jan 2026 00:00:00 +0000 (UTC)",
        "mbox.example | 192.0.2.64 | mbox.example | - | IPv4 | LMTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "IronPort",
        "from out.example ([2001:db8::65])\r\n  by esa.example with ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384; 01 Jan 2026 00:00:00 +0000",
        "out.example | 2001:db8::65 | esa.example | - | IPv6 | ESMTP | -/ECDHE-RSA-AES256-GCM-SHA384 | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "Mimecast: with, twice",
        "from out.example (out.example [192.0.2.66]) by relay.mimecast.example with ESMTP with STARTTLS (version=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384) id us-mta-1-abcDEF-1; Thu, 01 Jan 2026 00:00:00 -0500",
        "out.example | 192.0.2.66 | relay.mimecast.example | - | IPv4 | ESMTP | TLSv1.3/TLS_AES_256_GCM_SHA384 | us-mta-1-abcDEF-1 | - | Thu, 1 Jan 2026 00:00:00 -0500",
    ),
    (
        "PMDF, iCloud: an id with an @, an ORCPT",
        "from out.example ([192.0.2.67]) by ms.example (Oracle Communications Messaging Server 8.1) with ESMTPS id <0ABC00123DEF@ms.example> for bob@example.org (ORCPT bob@example.org); Thu, 01 Jan 2026 00:00:00 +0000 (GMT)",
        "out.example | 192.0.2.67 | ms.example | - | IPv4 | ESMTPS | -/- | <0ABC00123DEF@ms.example> | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "fetchmail: the address beside the name",
        "from pop.example [192.0.2.68] by localhost with POP3 (fetchmail-6.3.26) for <alice@localhost> (single-drop); Thu, 01 Jan 2026 00:00:00 +0100 (CET)",
        "pop.example | 192.0.2.68 | localhost | - | IPv4 | POP3 | - | - | alice@localhost | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "fetchmail with IPv6",
        "from pop.example [2001:db8::69] by localhost with IMAP (fetchmail-6.4.1) for <alice@localhost> (single-drop); Thu, 01 Jan 2026 00:00:00 +0100 (CET)",
        "pop.example | 2001:db8::69 | localhost | - | IPv6 | IMAP | - | - | alice@localhost | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "webmail",
        "from 192.0.2.70 (SquirrelMail authenticated user alice) by webmail.example with HTTP; Thu, 1 Jan 2026 00:00:00 +0100 (CET)",
        "192.0.2.70 | 192.0.2.70 | webmail.example | - | IPv4 | HTTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "an HTTP API: by an address, no hop of mail",
        "by 192.0.2.71 with HTTP; Thu, 1 Jan 2026 00:00:00 +0000",
        "- | - | 192.0.2.71 | 192.0.2.71 | - | HTTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "GMX",
        "from [192.168.0.10] ([192.0.2.72]) by mail.gmx.example (mrgmx005 [192.0.2.73]) with ESMTPSA (Nemesis) id 1M1abc-1; Thu, 01 Jan 2026 00:00:00 +0100",
        "[192.168.0.10] | 192.0.2.72 | mail.gmx.example | 192.0.2.73 | IPv4 | ESMTPSA | -/- | 1M1abc-1 | - | Thu, 1 Jan 2026 00:00:00 +0100",
    ),
    (
        "Yahoo",
        "from [192.0.2.74] by n1.bullet.yahoo.example with NNFMP; 01 Jan 2026 00:00:00 -0000",
        "[192.0.2.74] | 192.0.2.74 | n1.bullet.yahoo.example | - | IPv4 | NNFMP | - | - | - | Thu, 1 Jan 2026 00:00:00 -0000",
    ),
    (
        "Amazon SES",
        "from a8-1.smtp-out.example (a8-1.smtp-out.example [192.0.2.75])\r\n by inbound-smtp.example with SMTP id abc123\r\n for bob@example.org;\r\n Thu, 01 Jan 2026 00:00:00 +0000 (UTC)",
        "a8-1.smtp-out.example | 192.0.2.75 | inbound-smtp.example | - | IPv4 | SMTP | - | abc123 | bob@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    // Whatever else comes
    (
        "by a host called with, from a host called by",
        "from by (by.example [192.0.2.80]) by with with ESMTP id id for for@example.org; Thu, 1 Jan 2026 00:00:00 +0000",
        "by | 192.0.2.80 | with | - | IPv4 | ESMTP | - | id | for@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "no name behind from",
        "from (unknown [192.0.2.81]) by mx.example; Thu, 1 Jan 2026 00:00:00 +0000",
        " | 192.0.2.81 | mx.example | - | IPv4 | - | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "nothing behind from",
        "from by mx.example with SMTP; Thu, 1 Jan 2026 00:00:00 +0000",
        " | - | mx.example | - | - | SMTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "clauses in another order, in capitals, no date",
        "FOR <bob@example.org> ID 1 WITH esmtp BY mx.example FROM a.example ([IPV6:2001:DB8::82])",
        "a.example | 2001:db8::82 | mx.example | - | IPv6 | ESMTP | - | 1 | bob@example.org | -",
    ),
    (
        "a greeting that is a parenthesis hides nothing",
        "from ( (a.example [192.0.2.83]) by mx.example with ESMTP id 1; Thu, 1 Jan 2026 00:00:00 +0000",
        " | 192.0.2.83 | mx.example | - | IPv4 | ESMTP | - | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "a greeting that is a quote hides nothing",
        "from \" (a.example [192.0.2.84]) by mx.example with ESMTP id 1; Thu, 1 Jan 2026 00:00:00 +0000",
        "\" | 192.0.2.84 | mx.example | - | IPv4 | ESMTP | - | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "a quoted local part with all that could end a clause",
        "from a.example ([192.0.2.85]) by mx.example for <\"a ;) by x\\\" (\"@example.org>; Thu, 1 Jan 2026 00:00:00 +0000",
        "a.example | 192.0.2.85 | mx.example | - | IPv4 | - | - | - | \"a ;) by x\\\" (\"@example.org | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "comments in comments, escapes in comments",
        "from a.example (one (two \\) (three)) [192.0.2.86]) by mx.example (a;b) with (c) ESMTP; Thu, 1 (first) Jan 2026 00:00:00 +0000 (\\))",
        "a.example | 192.0.2.86 | mx.example | - | IPv4 | ESMTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "a host name in a comment is no TLS",
        "from tls1.example (tlsv1.example [192.0.2.87]) by mx.example (TLS frontend) with ESMTP; Thu, 1 Jan 2026 00:00:00 +0000",
        "tls1.example | 192.0.2.87 | mx.example | - | IPv4 | ESMTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "a version number is no address",
        "from a.example (b.example [2001:db8::88]) by mx.example (IceWarp 12.0.1.2) with ESMTP; Thu, 1 Jan 2026 00:00:00 +0000",
        "a.example | 2001:db8::88 | mx.example | - | IPv6 | ESMTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "6to4 of a private network is no hop: Gmail's name for a machine, in a from clause too",
        "from a.example ([2002:a05:6a10::1]) by 2002:a05:6a11::2 with SMTP id 1; Thu, 1 Jan 2026 00:00:00 +0000",
        "a.example | 2002:a05:6a10::1 | 2002:a05:6a11::2 | 2002:a05:6a11::2 | - | SMTP | - | 1 | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "real 6to4 is IPv6",
        "from a.example ([IPv6:2002:c000:201::1]) by mx.example with ESMTP; Thu, 1 Jan 2026 00:00:00 +0000",
        "a.example | 2002:c000:201::1 | mx.example | - | IPv6 | ESMTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
    (
        "only the server's address is told",
        "from a.example by mx.example (2001:db8::89) with ESMTP; Thu, 1 Jan 2026 00:00:00 +0000",
        "a.example | - | mx.example | 2001:db8::89 | IPv6 | ESMTP | - | - | - | Thu, 1 Jan 2026 00:00:00 +0000",
    ),
];

#[test]
fn what_real_fields_tell() {
    assert!(ROWS.len() >= 40);
    let wrong: Vec<_> = ROWS.iter().filter(|(_, line, want)| told(line) != *want).collect();
    for (shows, line, want) in &wrong {
        println!("{shows}\n  want {want}\n  told {}", told(line));
    }
    assert!(wrong.is_empty());
}

/// A fold, a name before the body and a line end are nothing to the meaning.
#[test]
fn folded_and_unfolded_tell_the_same() {
    for (shows, line, _) in ROWS {
        let body = line.strip_prefix("Received: ").unwrap_or(line).trim_end();
        let want = told(body);
        assert_eq!(told(&format!("Received: {body}\r\n")), want, "{shows}: with its name");
        assert_eq!(told(&format!("RECEIVED \t:\r\n\t{body}\n")), want, "{shows}: obsolete space, LF");
        let unfolded = body.replace("\r\n", "");
        assert_eq!(told(&unfolded), want, "{shows}: unfolded");
        // Folding at each space that is not in a quoted string.
        if !body.contains('"') {
            let folded = told(&unfolded.replace(' ', "\r\n "));
            assert_eq!(
                folded.split_whitespace().collect::<String>(),
                want.split_whitespace().collect::<String>(),
                "{shows}"
            );
        }
    }
}

/// The two fields of the report "Deploying Dual Stack E-mail".
#[test]
fn the_fields_of_the_report() {
    let data = std::env::var_os("MAIL46_DATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        std::path::PathBuf::from,
    );
    let report = data.join("../reports/deploying-dual-stack-email.txt");
    let Ok(text) = std::fs::read_to_string(report) else {
        println!("skipped: no data");
        return;
    };
    let fields: Vec<&str> = text.lines().filter(|line| line.starts_with("Received: ")).collect();
    let hops: Vec<_> = fields.iter().map(|line| Received::parse(line.as_bytes()).hop()).collect();
    let families: Vec<String> = hops.iter().map(|hop| hop.family().unwrap().to_string()).collect();
    assert_eq!(families, ["IPv6", "IPv6"]);
    assert_eq!(hops[0].from_ip, Some("2001:418:5403:3000::d".parse().unwrap()));
    assert_eq!(hops[0].by_ip, Some("2001:418:5403:3000::b".parse().unwrap()));
    assert_eq!(hops[1].from_ip, Some("2001:418:5403:2410:e409:f84d:c2d4:d91b".parse().unwrap()));
    assert_eq!(hops[1].protocol.as_ref().unwrap().as_str(), "ESMTPSA");
    assert!(hops.iter().all(|hop| hop.tls));
    assert_eq!(hops[1].date.unwrap().to_string(), "Thu, 5 Nov 2009 12:00:03 +0800");
}
