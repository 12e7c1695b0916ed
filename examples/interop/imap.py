"""What the chapter into_imapd needs: imap.py HOST PORT clear|starttls|tls CA USER PASSWORD WHAT…

  all            walks through imaplib's commands
  fill N         INBOX has N mails and nothing else
  uids           prints the UIDs in INBOX
  same DIR       the Maildir's files are INBOX's mails, octet for octet
  found PATH     in the Maildir or mbox is each of INBOX's mails: its Message-ID, and the lines of its body
  remove TEXT    removes what has this subject
  maildir DIR N  makes a Maildir of N mails
  change DIR     marks a mail of the Maildir as seen, and removes another
  alike A B N    both Maildirs have the same N mails with the same flags
  delete NAME    removes a mailbox
"""
import imaplib, mailbox, os, ssl, sys

host, port, how, ca, user, password, what, *rest = sys.argv[1:]
BODIES = [b"body {5}\r\n", b"* 1 EXISTS\r\na1 OK done\r\n", b"", b"line that ends in {10}\r\n", b"gr\xc3\xbcn\r\n", b".\r\n..\r\n)\r\n"]


def mail(number):
    head = b"From: a@interop.test\r\nTo: alice@interop.test\r\nSubject: mail %d {3}\r\n" % number
    head += b"Message-ID: <%d@interop.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n" % number
    return head + b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + BODIES[number % len(BODIES)]


def connect():
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    if how == "tls":
        client = imaplib.IMAP4_SSL(host, int(port), ssl_context=context, timeout=20)
    else:
        client = imaplib.IMAP4(host, int(port), timeout=20)
        if how == "starttls":
            client.starttls(context)
    client.login(user, password)
    return client


def done(answer, *wanted):
    status, data = answer
    assert status == "OK", answer
    for text in wanted:
        assert any(text in (part if isinstance(part, bytes) else b"".join(part)) for part in data if part), (text, data)
    return data


def there(client):
    """UID and octets of each mail in INBOX."""
    done(client.select("INBOX"))
    uids = done(client.uid("SEARCH", "ALL"))[0].split()
    return {int(uid): done(client.uid("FETCH", uid, "(BODY.PEEK[])"))[0][1] for uid in uids}


def everything():
    client = connect()
    done(client.select())
    assert "IMAP4REV1" in client.capabilities
    done(client.noop()), done(client.check()), done(client.create("a/b")), done(client.rename("a/b", "a/c"))
    done(client.list(), b"a/c"), done(client.subscribe("a/c")), done(client.lsub(), b"a/c")
    for number in range(3):
        done(client.append("a/c", "(\\Seen)" if number else "", None, mail(number)), b"APPENDUID")
    done(client.status("a/c", "(MESSAGES UNSEEN UIDNEXT)"), b"MESSAGES 3", b"UNSEEN 1", b"UIDNEXT 4")
    assert done(client.select("a/c")) == [b"3"]
    assert done(client.search(None, "UNSEEN")) == [b"1"]
    assert done(client.fetch("2", "(BODY.PEEK[])"))[0][1] == mail(1)
    assert done(client.partial("1", "BODY.PEEK[]", "0", "5") if False else client.fetch("1", "(BODY.PEEK[]<0.5>)"))[0][1] == b"From:"
    done(client.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"), b"ENVELOPE")
    assert done(client.sort("(REVERSE SUBJECT)", "UTF-8", "ALL")) == [b"3 2 1"]
    assert done(client.thread("REFERENCES", "UTF-8", "ALL")) == [b"(1)(2)(3)"]
    done(client.copy("1:2", "INBOX"), b"COPYUID")
    done(client.store("1", "+FLAGS", "(\\Deleted)"), b"\\Deleted")
    assert done(client.expunge()) == [b"1"]
    done(client.getquotaroot("a/c")), done(client.namespace())
    done(client.enable("CONDSTORE"))if client.state == "AUTH" else None
    done(client.close()), done(client.unsubscribe("a/c")), done(client.delete("a/c"))
    try:
        client.append("nowhere", "", None, mail(1))
    except client.error:
        pass
    assert client.select("nowhere")[0] == "NO"
    assert client.logout()[0] == "BYE"


def fill(count):
    client = connect()
    done(client.select("INBOX"))
    done(client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")), done(client.expunge())
    for number in range(count):
        done(client.append("INBOX", "", None, mail(number)))
    assert len(there(client)) == count


def files(path):
    for folder in ("new", "cur"):
        for name in os.listdir(os.path.join(path, folder)):
            yield open(os.path.join(path, folder, name), "rb").read()


def messages(path):
    box = mailbox.Maildir(path, create=False) if os.path.isdir(path) else mailbox.mbox(path)
    return [(text["Message-ID"], text.get_payload(decode=True)) for text in box]


def found(path):
    got = dict(messages(path))
    for octets in there(connect()).values():
        head, _, body = octets.partition(b"\r\n\r\n")
        name = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"Message-ID")).decode()
        assert name in got, (name, sorted(got))
        wanted, have = body.replace(b"\r\n", b"\n").strip(), got[name].replace(b"\r\n", b"\n").replace(b"\n>From ", b"\nFrom ").strip()
        assert wanted == have, (name, wanted, have)


def kept(path):
    """Of each mail its body and flags."""
    box = mailbox.Maildir(path, create=False)
    return sorted((text["Message-ID"], text.get_payload(decode=True), "".join(sorted(set(text.get_flags()) - set("T")))) for text in box)


if what == "all":
    everything()
elif what == "fill":
    fill(int(rest[0]))
elif what == "uids":
    print(*there(connect()))
elif what == "same":
    assert sorted(files(rest[0])) == sorted(there(connect()).values())
elif what == "found":
    found(rest[0])
elif what == "remove":
    client = connect()
    done(client.select("INBOX"))
    for number in done(client.search(None, "SUBJECT", '"%s"' % rest[0]))[0].split():
        done(client.store(number, "+FLAGS", "(\\Deleted)"))
    done(client.expunge())
elif what == "maildir":
    box = mailbox.Maildir(rest[0], create=True)
    for number in range(int(rest[1])):
        box.add(mail(number).replace(b"\r\n", b"\n"))
elif what == "change":
    box = mailbox.Maildir(rest[0], create=False)
    names = {text["Message-ID"]: name for name, text in box.iteritems()}
    seen = box[names["<1@interop.test>"]]
    seen.set_subdir("cur"), seen.add_flag("S")
    box[names["<1@interop.test>"]] = seen
    gone = box[names["<2@interop.test>"]]
    gone.set_subdir("cur"), gone.add_flag("T")
    box[names["<2@interop.test>"]] = gone
elif what == "alike":
    one, two, count = kept(rest[0]), kept(rest[1]), int(rest[2])
    assert len(one) == len(two) == count, (len(one), len(two), count)
    assert one == two, [pair for pair in zip(one, two) if pair[0] != pair[1]][:2]
elif what == "delete":
    done(connect().delete(rest[0]))
