//! Addresses through `MAIL FROM:<…>`: what is accepted, what is refused, by which section and why.

use bytes::BytesMut;
use mail46_smtp::{Command, Fault, LocalPart, Mailbox, ReversePath, Rules, Utf8};

const OK: Option<Fault> = None;

const fn no(fault: Fault) -> Option<Fault> {
    Some(fault)
}

type Row = (&'static str, Option<Fault>, &'static str, &'static str);

/// (between the angle brackets, verdict, section, reason)
#[rustfmt::skip]
const ADDRESSES: &[Row] = &[
    // -- dot-strings
    ("a@example.com", OK, "5321 s 4.1.2", "one letter is an atom"),
    ("alice@example.com", OK, "5321 s 4.1.2", "an atom"),
    ("ALICE@EXAMPLE.COM", OK, "5321 s 2.4", "any case"),
    ("alice.b.c@example.com", OK, "5321 s 4.1.2", "atoms with dots between"),
    ("1@example.com", OK, "5322 s 3.2.3", "a digit is atext"),
    ("0123456789@example.com", OK, "5322 s 3.2.3", "all digits"),
    ("alice+tag@example.com", OK, "5322 s 3.2.3", "+ is atext: subaddresses"),
    ("alice-tag@example.com", OK, "5322 s 3.2.3", "- is atext"),
    ("-alice-@example.com", OK, "5322 s 3.2.3", "- at the ends as well: this is no domain"),
    ("alice_b@example.com", OK, "5322 s 3.2.3", "_ is atext"),
    ("a=b@example.com", OK, "5322 s 3.2.3", "= is atext: VERP, SRS"),
    ("SRS0=x=y=example.net=bob@example.com", OK, "5322 s 3.2.3", "an SRS address"),
    ("prvs=0123456789=alice@example.com", OK, "5322 s 3.2.3", "a BATV address"),
    ("bounces+alice=example.net@example.com", OK, "5322 s 3.2.3", "a VERP address"),
    ("user%host@example.com", OK, "5322 s 3.2.3", "the percent hack is an atom like any other"),
    ("host!user@example.com", OK, "5322 s 3.2.3", "a bang path is one as well"),
    ("!@example.com", OK, "5322 s 3.2.3", "! alone"),
    ("#@example.com", OK, "5322 s 3.2.3", "# alone"),
    ("$@example.com", OK, "5322 s 3.2.3", "$ alone"),
    ("%@example.com", OK, "5322 s 3.2.3", "% alone"),
    ("&@example.com", OK, "5322 s 3.2.3", "& alone"),
    ("'@example.com", OK, "5322 s 3.2.3", "' alone"),
    ("o'brien@example.com", OK, "5322 s 3.2.3", "' in a name"),
    ("*@example.com", OK, "5322 s 3.2.3", "* alone"),
    ("+@example.com", OK, "5322 s 3.2.3", "+ alone"),
    ("-@example.com", OK, "5322 s 3.2.3", "- alone"),
    ("/@example.com", OK, "5322 s 3.2.3", "/ alone"),
    ("/S=A/G=B/@example.com", OK, "5322 s 3.2.3", "an X.400 gateway"),
    ("=@example.com", OK, "5322 s 3.2.3", "= alone"),
    ("?@example.com", OK, "5322 s 3.2.3", "? alone"),
    ("^@example.com", OK, "5322 s 3.2.3", "^ alone"),
    ("_@example.com", OK, "5322 s 3.2.3", "_ alone"),
    ("`@example.com", OK, "5322 s 3.2.3", "` alone"),
    ("{@example.com", OK, "5322 s 3.2.3", "{ alone"),
    ("|@example.com", OK, "5322 s 3.2.3", "| alone"),
    ("}@example.com", OK, "5322 s 3.2.3", "} alone"),
    ("~@example.com", OK, "5322 s 3.2.3", "~ alone"),
    ("postmaster@example.com", OK, "5321 s 4.5.1", "postmaster of a domain"),
    ("Postmaster@[192.0.2.1]", OK, "5321 s 4.5.1", "postmaster of an address"),
    (".alice@example.com", no(Fault::LocalPartDot), "5321 s 4.1.2", "a dot first"),
    ("alice.@example.com", no(Fault::LocalPartDot), "5321 s 4.1.2", "a dot last"),
    ("alice..b@example.com", no(Fault::LocalPartDot), "5321 s 4.1.2", "two dots"),
    (".@example.com", no(Fault::LocalPartDot), "5321 s 4.1.2", "a dot alone"),
    ("..@example.com", no(Fault::LocalPartDot), "5321 s 4.1.2", "two dots alone"),
    ("a b@example.com", no(Fault::NoAtSign), "5321 s 4.1.2", "a space is no atext"),
    (" a@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a space first"),
    ("a @example.com", no(Fault::NoAtSign), "5321 s 4.1.2", "a space last"),
    ("a\t@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a tab"),
    ("a,b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a comma"),
    ("a;b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a semicolon"),
    ("a:b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a colon without a route"),
    ("a(b)@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a comment of RFC 5322"),
    ("(b)a@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a comment first"),
    ("a[b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a bracket"),
    ("a]b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a bracket"),
    ("a<b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "an angle bracket"),
    ("<a@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "two angle brackets"),
    ("a\\b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a backslash outside quotes"),
    ("a\\@b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "RFC 821's quoting is gone"),
    ("a\0b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "NUL"),
    ("a\rb@example.com", no(Fault::LocalPartCharacter), "5321 s 2.3.8", "a bare CR"),
    ("a\nb@example.com", no(Fault::LocalPartCharacter), "5321 s 2.3.8", "a bare LF"),
    ("a\x07b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "BEL"),
    ("a\x7fb@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "DEL"),
    ("a\"b@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a quote within an atom"),
    ("@example.com", no(Fault::SourceRoute), "5321 s 4.1.2", "no local part: an @ first begins a route"),
    // -- the @
    ("alice", no(Fault::NoAtSign), "5321 s 4.1.2", "a mailbox has a domain"),
    ("example.com", no(Fault::NoAtSign), "5321 s 4.1.2", "a domain is none"),
    ("Postmaster", no(Fault::NoAtSign), "5321 s 4.1.1.3", "without a domain for RCPT alone"),
    ("@", no(Fault::SourceRoute), "5321 s 4.1.2", "the @ alone"),
    ("a@b@example.com", no(Fault::Host), "5321 s 4.1.2", "two @"),
    ("a@@example.com", no(Fault::Host), "5321 s 4.1.2", "two @ in a row"),
    ("a@b@c@example.com", no(Fault::Host), "5321 s 4.1.2", "three @"),
    // -- quoted strings
    (r#""alice"@example.com"#, OK, "5321 s 4.1.2", "quoted without need"),
    (r#""a b"@example.com"#, OK, "5321 s 4.1.2", "a space"),
    (r#""a@b"@example.com"#, OK, "5321 s 4.1.2", "an @"),
    (r#""a>b"@example.com"#, OK, "5321 s 4.1.2", "a > does not end the path"),
    (r#""a<b"@example.com"#, OK, "5321 s 4.1.2", "a <"),
    (r#""a,b:c;d"@example.com"#, OK, "5321 s 4.1.2", "specials"),
    (r#""a..b"@example.com"#, OK, "5321 s 4.1.2", "dots as they like"),
    (r#"".a."@example.com"#, OK, "5321 s 4.1.2", "dots at the ends"),
    (r#""(a)"@example.com"#, OK, "5321 s 4.1.2", "no comment here"),
    (r#""[1]"@example.com"#, OK, "5321 s 4.1.2", "brackets"),
    (r#"""@example.com"#, OK, "5321 s 4.1.2", "*QcontentSMTP may be none"),
    (r#"" "@example.com"#, OK, "5321 s 4.1.2", "a space alone"),
    (r#""a\"b"@example.com"#, OK, "5321 s 4.1.2", "a quoted quote"),
    (r#""a\\b"@example.com"#, OK, "5321 s 4.1.2", "a quoted backslash"),
    (r#""\a\b"@example.com"#, OK, "5321 s 4.1.2", "quoted without need"),
    (r#""\ "@example.com"#, OK, "5321 s 4.1.2", "a quoted space: %d32-126"),
    (r#""\~"@example.com"#, OK, "5321 s 4.1.2", "the last of %d32-126"),
    (r#""a b c d"@[192.0.2.1]"#, OK, "5321 s 4.1.2", "with a literal"),
    (r#""foo@psres.net> ORCPT=x"@test.com"#, OK, "5321 s 4.1.2", "parameters in quotes are none"),
    (r#""a@example.com"#, no(Fault::LocalPartQuote), "5321 s 4.1.2", "no closing quote"),
    (r#"""#, no(Fault::LocalPartQuote), "5321 s 4.1.2", "a quote alone"),
    (r#""a\"@example.com"#, no(Fault::LocalPartQuote), "5321 s 4.1.2", "the closing quote is quoted"),
    (r#""a"b@example.com"#, no(Fault::LocalPartCharacter), "5321 s 4.1.2", "an atom behind a quoted string"),
    (r#""a""b"@example.com"#, no(Fault::LocalPartCharacter), "5321 s 4.1.2", "two quoted strings"),
    (r#""a"."b"@example.com"#, no(Fault::LocalPartCharacter), "5322 s 4.4", "obs-local-part is no SMTP"),
    (r#"a."b"@example.com"#, no(Fault::LocalPartDot), "5322 s 4.4", "obs-local-part is no SMTP"),
    (r#""a" @example.com"#, no(Fault::NoAtSign), "5321 s 4.1.2", "a space behind the quotes"),
    (r#""""@example.com"#, no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a quote in quotes, not quoted"),
    ("\"a\tb\"@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a tab is no qtextSMTP"),
    ("\"a\\\tb\"@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "nor may it be quoted"),
    ("\"a\0b\"@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "NUL"),
    ("\"a\\\0b\"@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "a quoted NUL"),
    ("\"a\rb\"@example.com", no(Fault::LocalPartCharacter), "5321 s 2.3.8", "a bare CR"),
    ("\"a\nb\"@example.com", no(Fault::LocalPartCharacter), "5321 s 2.3.8", "a bare LF"),
    ("\"a\\\r\"@example.com", no(Fault::LocalPartCharacter), "5321 s 2.3.8", "a quoted CR"),
    ("\"\x7f\"@example.com", no(Fault::LocalPartCharacter), "5321 s 4.1.2", "DEL"),
    (r#""a"@"#, no(Fault::Host), "5321 s 4.1.2", "no domain"),
    (r#""a""#, no(Fault::NoAtSign), "5321 s 4.1.2", "no @"),
    // -- domains
    ("a@b", OK, "5321 s 4.1.2", "one label: *(\".\" sub-domain) may be none"),
    ("a@localhost", OK, "5321 s 4.1.2", "one label"),
    ("a@3com.com", OK, "1123 s 2.1", "a digit first"),
    ("a@1.2", OK, "5321 s 4.1.2", "digits alone: Let-dig"),
    ("a@192.0.2.1", OK, "5321 s 4.1.2", "by the grammar a name"),
    ("a@mail-1.example.com", OK, "5321 s 4.1.2", "a hyphen within"),
    ("a@a--b.example", OK, "5321 s 4.1.2", "two hyphens within"),
    ("a@xn--bcher-kva.example", OK, "5890 s 2.3.2.1", "an A-label"),
    ("a@XN--BCHER-KVA.example", OK, "5890 s 2.3.2.1", "an A-label in capitals"),
    ("a@a.b.c.d.e.f.g.h.i.j.k", OK, "5321 s 4.1.2", "many labels"),
    ("a@", no(Fault::Host), "5321 s 4.1.2", "no domain"),
    ("a@.", no(Fault::Host), "5321 s 4.1.2", "a dot alone"),
    ("a@.example.com", no(Fault::Host), "5321 s 4.1.2", "a dot first"),
    ("a@example.com.", no(Fault::Host), "5321 s 2.3.5", "a dot last is for DNS, not for mail"),
    ("a@example..com", no(Fault::Host), "5321 s 4.1.2", "two dots"),
    ("a@-example.com", no(Fault::Host), "5321 s 4.1.2", "a hyphen first"),
    ("a@example-.com", no(Fault::Host), "5321 s 4.1.2", "a hyphen last"),
    ("a@example.com-", no(Fault::Host), "5321 s 4.1.2", "a hyphen last of all"),
    ("a@-", no(Fault::Host), "5321 s 4.1.2", "a hyphen alone"),
    ("a@my_host.example", no(Fault::Host), "5321 s 4.1.2", "\"the underscore character is not permitted\""),
    ("a@exam ple.com", no(Fault::Host), "5321 s 4.1.2", "a space"),
    ("a@ example.com", no(Fault::Host), "5321 s 4.1.2", "a space first"),
    ("a@example.com ", no(Fault::Host), "5321 s 4.1.2", "a space last"),
    ("a@example.com\r", no(Fault::Host), "5321 s 2.3.8", "a bare CR"),
    ("a@example.com\n", no(Fault::Host), "5321 s 2.3.8", "a bare LF"),
    ("a@exam\0ple.com", no(Fault::Host), "5321 s 4.1.2", "NUL"),
    ("a@example,com", no(Fault::Host), "5321 s 4.1.2", "a comma"),
    ("a@example.com:25", no(Fault::Host), "5321 s 4.1.2", "a port"),
    ("a@example/com", no(Fault::Host), "5321 s 4.1.2", "a slash"),
    ("a@(x)example.com", no(Fault::Host), "5321 s 4.1.2", "a comment"),
    ("a@example.com(x)", no(Fault::Host), "5321 s 4.1.2", "a comment last"),
    ("a@\"example.com\"", no(Fault::Host), "5321 s 4.1.2", "quotes"),
    ("a@*.example.com", no(Fault::Host), "5321 s 4.1.2", "a wildcard is no name of a host"),
    ("a@example.com%eth0", no(Fault::Host), "5321 s 4.1.2", "a percent sign"),
    ("a@2001:db8::1", no(Fault::Host), "5321 s 4.1.3", "an address without brackets"),
    // -- literals of IPv4
    ("a@[192.0.2.1]", OK, "5321 s 4.1.3", "an IPv4 address"),
    ("a@[0.0.0.0]", OK, "5321 s 4.1.3", "the least"),
    ("a@[255.255.255.255]", OK, "5321 s 4.1.3", "the greatest"),
    ("a@[192.000.002.001]", OK, "5321 s 4.1.3", "Snum = 1*3DIGIT, decimal"),
    ("a@[256.0.2.1]", no(Fault::Literal), "5321 s 4.1.3", "over 255"),
    ("a@[192.0.2]", no(Fault::Literal), "5321 s 4.1.3", "three numbers"),
    ("a@[192.0.2.1.5]", no(Fault::Literal), "5321 s 4.1.3", "five numbers"),
    ("a@[192.0.2.0001]", no(Fault::Literal), "5321 s 4.1.3", "four digits"),
    ("a@[192.0.2.]", no(Fault::Literal), "5321 s 4.1.3", "a number missing"),
    ("a@[192.0.2.-1]", no(Fault::Literal), "5321 s 4.1.3", "a sign"),
    ("a@[0xc0.0.2.1]", no(Fault::Literal), "5321 s 4.1.3", "hexadecimal"),
    ("a@[3221225985]", no(Fault::Literal), "5321 s 4.1.3", "as one number"),
    ("a@[ 192.0.2.1]", no(Fault::Literal), "5321 s 4.1.3", "a space: RFC 5322 has it, SMTP has not"),
    ("a@[192.0.2.1 ]", no(Fault::Literal), "5321 s 4.1.3", "a space"),
    ("a@[192.0.2.1", no(Fault::Literal), "5321 s 4.1.3", "no bracket behind"),
    ("a@192.0.2.1]", no(Fault::Host), "5321 s 4.1.3", "no bracket before"),
    ("a@[192.0.2.1]x", no(Fault::Literal), "5321 s 4.1.3", "something behind the bracket"),
    ("a@x[192.0.2.1]", no(Fault::Host), "5321 s 4.1.3", "something before it"),
    ("a@[[192.0.2.1]]", no(Fault::Literal), "5321 s 4.1.3", "two brackets"),
    ("a@[]", no(Fault::Literal), "5321 s 4.1.3", "nothing within"),
    ("a@[example.com]", no(Fault::Literal), "5321 s 4.1.3", "a name within"),
    ("a@[192.0.2.1/24]", no(Fault::Literal), "5321 s 4.1.3", "a network"),
    // -- literals of IPv6
    ("a@[IPv6:2001:db8::1]", OK, "5321 s 4.1.3", "an IPv6 address"),
    ("a@[ipv6:2001:DB8::1]", OK, "5234 s 2.3", "the tag in any case, as all of ABNF"),
    ("a@[IPV6:2001:db8::1]", OK, "5234 s 2.3", "the tag in any case"),
    ("a@[IPv6:::]", OK, "5321 s 4.1.3", "the unspecified address"),
    ("a@[IPv6:::1]", OK, "5321 s 4.1.3", "loopback"),
    ("a@[IPv6:1::]", OK, "5321 s 4.1.3", ":: last"),
    ("a@[IPv6:1:2:3:4:5:6:7:8]", OK, "5321 s 4.1.3", "IPv6-full"),
    ("a@[IPv6:2001:0db8:0000:0000:0000:0000:0000:0001]", OK, "5321 s 4.1.3", "all digits"),
    ("a@[IPv6:1:2:3:4:5:6::]", OK, "5321 s 4.1.3", "six groups and ::"),
    ("a@[IPv6:::3:4:5:6:7:8]", OK, "5321 s 4.1.3", ":: and six groups"),
    ("a@[IPv6:1:2:3:4:5:6:7::]", OK, "4291 s 2.2", ":: for one group: \"one or more groups\""),
    ("a@[IPv6:::ffff:192.0.2.1]", OK, "5321 s 4.1.3", "IPv6v4-comp"),
    ("a@[IPv6:1:2:3:4:5:6:192.0.2.1]", OK, "5321 s 4.1.3", "IPv6v4-full"),
    ("a@[IPv6:64:ff9b::192.0.2.33]", OK, "6052 s 2.1", "the NAT64 prefix"),
    ("a@[IPv6:fe80::1]", OK, "5321 s 4.1.3", "link-local is syntax like any other"),
    ("a@[IPv6:fe80::1%eth0]", no(Fault::Literal), "5321 s 4.1.3", "a zone means nothing to another host"),
    ("a@[IPv6:1:2:3:4:5:6:7]", no(Fault::Literal), "5321 s 4.1.3", "seven groups"),
    ("a@[IPv6:1:2:3:4:5:6:7:8:9]", no(Fault::Literal), "5321 s 4.1.3", "nine groups"),
    ("a@[IPv6:1::2::3]", no(Fault::Literal), "5321 s 4.1.3", ":: twice"),
    ("a@[IPv6:1:::2]", no(Fault::Literal), "5321 s 4.1.3", "three colons"),
    ("a@[IPv6::1]", no(Fault::Literal), "5321 s 4.1.3", "one colon first"),
    ("a@[IPv6:1:2:3:4:5:6:7:]", no(Fault::Literal), "5321 s 4.1.3", "one colon last"),
    ("a@[IPv6:12345::]", no(Fault::Literal), "5321 s 4.1.3", "five digits"),
    ("a@[IPv6:g::1]", no(Fault::Literal), "5321 s 4.1.3", "no hexadecimal digit"),
    ("a@[IPv6:::192.0.2.256]", no(Fault::Literal), "5321 s 4.1.3", "a bad IPv4 part"),
    ("a@[IPv6:192.0.2.1]", no(Fault::Literal), "5321 s 4.1.3", "an IPv4 address by the wrong tag"),
    ("a@[IPv6:]", no(Fault::Literal), "5321 s 4.1.3", "nothing behind the tag"),
    ("a@[IPv6: ::1]", no(Fault::Literal), "5321 s 4.1.3", "a space behind the tag"),
    ("a@[IPv6:::1]]", no(Fault::Literal), "5321 s 4.1.3", "two brackets"),
    ("a@[IPv6:::1", no(Fault::Literal), "5321 s 4.1.3", "no bracket behind"),
    ("a@[IPv4:192.0.2.1]", no(Fault::UnregisteredTag), "5321 s 4.1.3", "IPv4 has no tag"),
    ("a@[2001:db8::1]", no(Fault::UntaggedLiteral), "5321 s 4.1.3", "no tag: a quirk of submission"),
    ("a@[::1]", no(Fault::UntaggedLiteral), "5321 s 4.1.3", "no tag"),
    ("a@[x-tag:hello]", no(Fault::UnregisteredTag), "5321 s 4.1.3", "a tag MUST be registered"),
    ("a@[1111:2222:3333:4444:5555:6666:7777:8888]", no(Fault::UntaggedLiteral), "5321 s 4.1.3", "no tag"),
    ("a@[tag:]", no(Fault::Literal), "5321 s 4.1.3", "1*dcontent"),
    ("a@[tag:a\\b]", no(Fault::Literal), "5321 s 4.1.3", "a backslash is no dcontent"),
    ("a@[-:a]", no(Fault::Literal), "5321 s 4.1.3", "no Ldh-str"),
    // -- source routes: accepted and dropped
    ("@relay.example:a@example.com", OK, "5321 App. C", "one hop"),
    ("@r1.example,@r2.example:a@example.com", OK, "5321 s 4.1.1.3", "two hops"),
    ("@r1,@r2,@r3:\"a:b\"@[192.0.2.1]", OK, "5321 App. C", "a colon in quotes behind the route"),
    ("@relay.example:a", no(Fault::NoAtSign), "5321 s 4.1.2", "no mailbox behind it"),
    ("@relay.example:", no(Fault::LocalPartEmpty), "5321 s 4.1.2", "nothing behind it"),
    ("@relay.example", no(Fault::SourceRoute), "5321 s 4.1.2", "no colon"),
    ("@relay.example,:a@example.com", no(Fault::SourceRoute), "5321 s 4.1.2", "a comma too many"),
    ("@relay.example,r2:a@example.com", no(Fault::SourceRoute), "5321 s 4.1.2", "a hop without its @"),
    ("@r1@r2:a@example.com", no(Fault::SourceRoute), "5321 s 4.1.2", "no comma"),
    ("@[192.0.2.1]:a@example.com", no(Fault::SourceRoute), "5321 s 4.1.2", "At-domain = \"@\" Domain"),
    ("@:a@example.com", no(Fault::SourceRoute), "5321 s 4.1.2", "an empty hop"),
    ("@-r:a@example.com", no(Fault::SourceRoute), "5321 s 4.1.2", "a hop that is no domain"),
    // -- UTF-8 where SMTPUTF8 was not asked for
    ("\u{fc}ber@example.com", no(Fault::NonAscii), "6531 s 3.5", "a local part above ASCII"),
    ("a@b\u{fc}cher.example", no(Fault::NonAscii), "6531 s 3.5", "a domain above ASCII"),
    ("\"\u{fc} b\"@example.com", no(Fault::NonAscii), "6531 s 3.5", "in quotes as well"),
];

fn mail_from(address: &[u8], rules: &Rules) -> Result<Vec<u8>, Fault> {
    let line = [b"MAIL FROM:<", address, b">"].concat();
    mail(&line, rules)
}

fn mail(line: &[u8], rules: &Rules) -> Result<Vec<u8>, Fault> {
    let parsed = Command::parse(line, rules).map_err(|error| {
        // Whatever is refused can be answered and printed.
        assert!(error.at <= line.len() && error.reply().is_permanent());
        assert!(error.to_string().contains(error.rfc()));
        error.fault
    })?;
    let mut output = BytesMut::new();
    parsed.command.write(&mut output);
    Ok(output.to_vec())
}

#[test]
fn addresses_and_their_verdicts() {
    assert!(ADDRESSES.len() >= 160, "{}", ADDRESSES.len());
    let mut seen = std::collections::HashSet::new();
    for (address, want, section, reason) in ADDRESSES {
        assert!(seen.insert(address), "twice: {address}");
        let got = mail_from(address.as_bytes(), &Rules::default());
        assert_eq!(got.as_ref().err(), want.as_ref(), "<{address}> RFC {section}: {reason}");
        if let Ok(written) = got {
            // What was accepted is written so that it is accepted again, and is the same.
            let again = mail(&written[..written.len() - 2], &Rules::default());
            assert_eq!(again, Ok(written), "<{address}> written");
        }
    }
}

#[test]
fn lengths_at_their_limits() {
    let local64 = "l".repeat(64);
    let quoted64 = format!("\"{}\"", "q".repeat(62));
    let pairs64 = format!("\"{}\"", r"\q".repeat(31));
    let label63 = "d".repeat(63);
    let domain = |length: usize| {
        let mut name = [label63.as_str(); 4].join(".");
        name.truncate(length);
        name
    };
    // (address, verdict, reason); the path is the address and two brackets
    let rows = [
        (format!("{local64}@example.com"), OK, "64 octets of local part (s 4.5.3.1.1)"),
        (format!("{local64}l@example.com"), no(Fault::LocalPartTooLong), "65"),
        (format!("{quoted64}@example.com"), OK, "64 with the quotes"),
        (format!("q{quoted64}@example.com"), no(Fault::LocalPartCharacter), "an atom before quotes"),
        (format!("{pairs64}@example.com"), OK, "64 with quotes and backslashes"),
        (format!("\"{}\"@example.com", "q".repeat(63)), no(Fault::LocalPartTooLong), "65 with the quotes"),
        (format!("a@{label63}.example"), OK, "a label of 63 (RFC 1035 s 2.3.4)"),
        (format!("a@{label63}d.example"), no(Fault::HostTooLong), "a label of 64"),
        (format!("a@{}", domain(252)), OK, "a path of 256 (s 4.5.3.1.3)"),
        (format!("a@{}", domain(253)), no(Fault::PathTooLong), "a path of 257"),
        (format!("a@{}.e", domain(255)), no(Fault::HostTooLong), "a domain of 257 (s 4.5.3.1.2)"),
        (format!("{local64}@{}", domain(189)), OK, "both parts, 256 together"),
        (format!("{local64}@{}", domain(190)), no(Fault::PathTooLong), "both parts, 257 together"),
        (format!("@{}:a@example.com", domain(239)), OK, "a route counts too: 256"),
        (format!("@{}:a@example.com", domain(240)), no(Fault::PathTooLong), "257"),
    ];
    for (address, want, reason) in rows {
        let got = mail_from(address.as_bytes(), &Rules::default()).err();
        assert_eq!(got, want, "{address}: {reason}");
    }
}

#[test]
fn utf8_only_where_smtputf8_was_said() {
    use Fault::{Host, LocalPartCharacter, NonAscii};
    let accept = Rules::default().utf8(Utf8::Accept);
    let rows: &[(&[u8], Option<Fault>, &str)] = &[
        ("MAIL FROM:<\u{fc}ber@example.com> SMTPUTF8".as_bytes(), None, "6531 s 3.3: a local part"),
        ("MAIL FROM:<a@b\u{fc}cher.example> SMTPUTF8".as_bytes(), None, "6531 s 3.3: a U-label"),
        ("MAIL FROM:<\"\u{fc} b\"@example.com> SMTPUTF8".as_bytes(), None, "6531 s 3.3: qtextSMTP"),
        (
            "MAIL FROM:<a\u{9b}2J@example.com> SMTPUTF8".as_bytes(),
            Some(Fault::Utf8),
            "6531 s 3.3: no control characters",
        ),
        ("MAIL FROM:<\u{7528}\u{6237}@\u{4f8b}\u{5b50}.example> SMTPUTF8".as_bytes(), None, "both parts"),
        ("MAIL FROM:<\u{fc}ber@example.com>".as_bytes(), Some(NonAscii), "6531 s 3.4: SMTPUTF8 is missing"),
        (
            "MAIL FROM:<a@b\u{fc}cher.example>".as_bytes(),
            Some(NonAscii),
            "6531 s 3.4: the same for the domain",
        ),
        (b"MAIL FROM:<\xfcber@example.com> SMTPUTF8", Some(Fault::Utf8), "Latin-1"),
        (b"MAIL FROM:<a@b\xfccher.example> SMTPUTF8", Some(Host), "Latin-1 in the domain"),
        (b"MAIL FROM:<\xc0\xaf@example.com> SMTPUTF8", Some(Fault::Utf8), "an overlong form"),
        (b"MAIL FROM:<\xed\xa0\x80@example.com> SMTPUTF8", Some(Fault::Utf8), "a surrogate"),
        (
            "MAIL FROM:<\"\\\u{fc}\"@example.com> SMTPUTF8".as_bytes(),
            Some(LocalPartCharacter),
            "a quoted-pair is ASCII",
        ),
        (b"MAIL FROM:<a@example.com> SMTPUTF8", None, "said without need"),
    ];
    for (line, want, reason) in rows {
        assert_eq!(mail(line, &accept).err(), *want, "{}: {reason}", line.escape_ascii());
    }
    // RFC 6531 s 3.5: 550 for MAIL, 553 for RCPT, X.6.7 with both.
    for (line, reply) in
        [("MAIL FROM:<\u{fc}@example.com>", "550 5.6.7 "), ("RCPT TO:<\u{fc}@example.com>", "553 5.6.7 ")]
    {
        let error = Command::parse(line.as_bytes(), &Rules::default()).unwrap_err();
        assert!(error.reply().as_bytes().starts_with(reply.as_bytes()), "{error}");
    }
}

#[test]
fn quoted_forms_are_kept_and_equal() {
    // (as sent, canonical)
    let rows: &[(&str, &str)] = &[
        ("joe", "joe"),
        (r#""joe""#, "joe"),
        (r#""j\oe""#, "joe"),
        (r#""\j\o\e""#, "joe"),
        (r#""a b""#, "a b"),
        (r#""a\ b""#, "a b"),
        (r#""a\"b""#, r#"a"b"#),
        (r#""a\\b""#, r"a\b"),
        (r#""""#, ""),
    ];
    for (sent, canonical) in rows {
        let local = LocalPart::parse(sent.as_bytes()).unwrap();
        assert_eq!((local.as_bytes(), &*local.canonical()), (sent.as_bytes(), canonical.as_bytes()));
        let least = LocalPart::from_content(canonical.as_bytes()).unwrap();
        assert_eq!(least, local, "{sent}");
        assert!(least.as_bytes().len() <= sent.len(), "minimum quoting of {sent}");
        let hash = |local: &dyn Fn(&mut std::hash::DefaultHasher)| {
            let mut hasher = std::hash::DefaultHasher::new();
            local(&mut hasher);
            std::hash::Hasher::finish(&hasher)
        };
        use std::hash::Hash;
        assert_eq!(hash(&|hasher| local.hash(hasher)), hash(&|hasher| least.hash(hasher)), "{sent}");
    }
    let one: Mailbox = r#""joe"@EXAMPLE.com"#.parse().unwrap();
    let other: Mailbox = "joe@example.COM".parse().unwrap();
    assert_eq!(one, other);
    assert_eq!(one.to_string(), r#""joe"@EXAMPLE.com"#);
    assert_ne!(one, "Joe@example.com".parse().unwrap());
    for fault in ["a\nb", "a\0b", "a\x7fb"] {
        assert!(LocalPart::from_content(fault.as_bytes()).is_err(), "{fault:?} cannot be quoted");
    }
}

#[test]
fn a_source_route_is_dropped() {
    let line = b"MAIL FROM:<@hosta.int,@jkl.org:userc@d.bar.org>";
    let parsed = Command::parse(line, &Rules::default()).unwrap();
    let Command::Mail { from: ReversePath::Mailbox(mailbox), .. } = parsed.command else { panic!() };
    assert_eq!(mailbox.to_string(), "userc@d.bar.org");
}

/// The suite of 162 addresses beside the project: every verdict must be ours.
#[test]
fn isemail() {
    let folder = std::env::var("MAIL46_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").to_owned());
    let Ok(table) = std::fs::read_to_string(format!("{folder}/isemail.tsv")) else {
        println!("skipped: no data");
        return;
    };
    let mut agreed = 0;
    for row in table.lines() {
        let columns: Vec<&str> = row.split('\t').collect();
        let [number, verdict, category, hex] = columns[..] else { panic!("{row}") };
        let digits: Vec<u8> = hex.bytes().collect();
        let address: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let got = mail_from(&address, &Rules::default());
        assert_eq!(got.is_ok(), verdict == "A", "{number} {category} <{}>: {got:?}", address.escape_ascii());
        agreed += 1;
    }
    println!("isemail: {agreed} of {agreed} agree");
    assert_eq!(agreed, 162);
}
