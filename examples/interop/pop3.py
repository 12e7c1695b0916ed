"""pop3.py - maildrops that are filled, compared and looked at again, and the Python clients of the POP3 chapters.

    pop3.py make MAILS FOLDER             the originals: a file for each kind in MAILS but the largest, with tokens of their own, named
                                          1, 2, …; the last one has 300 kB
    pop3.py fill FOLDER MAILDIR           the Maildir holds the originals and nothing else, some with LF and some with CRLF line ends
    pop3.py left FOLDER MAILDIR [N…]      the Maildir holds these originals, each once, and nothing else
    pop3.py same FOLDER N FILE            FILE is original N, octet for octet
    pop3.py got FOLDER PLACE as|lf|mbox|mutt [N…]
                                          PLACE (a folder or a Maildir) holds these originals, each once, and nothing else: as they are;
                                          with LF and trace fields before; so with neomutt's fields; or in mbox files, with a Status field
    pop3.py poplib HOST PORT clear|stls|tls|apop CA USER PASS PLACE N…
                                          fetches all into PLACE, deletes these
    pop3.py terminal OUTPUT WAIT COMMAND… runs the command on a terminal of 100 columns; all that it shows goes to OUTPUT; its status
    pop3.py slow HOST PORT OCTETS         a relay to HOST:PORT on a free port, which it prints; so many octets a second from the server
"""

import fcntl
import os
import pathlib
import poplib
import pty
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import termios
import threading
import time
import uuid

KINDS = ["small", "dots", "empty-body", "blank-lines", "eight-bit", "long-lines", "white-space"]
TRACE = (b" ", b"\t", b"Received:", b"Return-Path:", b"Delivered-To:", b"X-Original-To:", b"From ", b">From ")


def make(mails, folder):
    os.makedirs(folder, exist_ok=True)
    for number, kind in enumerate(KINDS + ["small"], 1):
        octets = pathlib.Path(mails, kind).read_bytes().replace(b"{token}", uuid.uuid4().hex.encode(), 1)
        if number > len(KINDS):
            octets += b".line of three hundred kilobytes\r\n" * 9000
        pathlib.Path(folder, str(number)).write_bytes(octets)


def originals(folder):
    return {int(path.name): path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def fill(folder, maildir):
    maildir = pathlib.Path(maildir)
    owner = os.stat(maildir.parent if not maildir.exists() else maildir)
    for name in "new", "cur", "tmp":
        shutil.rmtree(maildir / name, ignore_errors=True)
        (maildir / name).mkdir(parents=True)
    for number, octets in originals(folder).items():
        place = maildir / (f"cur/{number}.{uuid.uuid4().hex}:2,S" if number == 3 else f"new/{number}.{uuid.uuid4().hex}")
        place.write_bytes(octets.replace(b"\r\n", b"\n") if number % 2 else octets)
    for path in [maildir, *maildir.rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid)


def mails_of(place):
    """What a folder, a Maildir or some mbox files hold, but for what a mail reader keeps for itself."""
    paths = [path for path in sorted(pathlib.Path(place).rglob("*")) if path.is_file()]
    return {path: path.read_bytes() for path in paths if "tmp" not in path.relative_to(place).parts and not path.name.startswith((".", "dovecot", "pop3d"))}


def judge(found, wanted):
    """Both are lists: the numbers that were found, and those that were to be."""
    if sorted(found) != sorted(wanted):
        sys.exit(f"there are {sorted(found)}, not {sorted(wanted)}")


def number_of(octets, originals, convert, before):
    for number, original in originals.items():
        original = convert(original)
        if octets.endswith(original):
            lines = octets[: len(octets) - len(original)].replace(b"\r\n", b"\n").split(b"\n")
            extra = [line for line in lines if line and not line.startswith(before)]
            if extra:
                sys.exit(f"a line too many before {number}: {extra[0]!r}")
            return number
    nearest = [number for number, original in originals.items() if re.search(rb"Message-ID: (\S+)", original)[1] in octets]
    sys.exit(f"{nearest} has other octets: …{octets[:60]!r}…{octets[-40:]!r}")


def as_it_is(octets):
    return octets


def with_lf(octets):
    return octets.replace(b"\r\n", b"\n")


def left(folder, maildir, *numbers):
    all_of_them = originals(folder)
    found = [number_of(with_lf(octets), all_of_them, with_lf, ()) for octets in mails_of(maildir).values()]
    judge(found, [int(number) for number in numbers])


def same(folder, number, file):
    got, wanted = pathlib.Path(file).read_bytes(), originals(folder)[int(number)]
    if got != wanted:
        at = next((at for at, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
        sys.exit(f"other octets: {len(got)} for {len(wanted)}, at {at}: {got[at:at + 20]!r} for {wanted[at:at + 20]!r}")


def got(folder, place, how, *numbers):
    all_of_them, texts = originals(folder), list(mails_of(place).values())
    if how == "mbox":
        pieces = re.split(rb"^From \S+ +\w{3} \w{3} [^\n]*\n", b"".join(with_lf(text) for text in texts), flags=re.M)[1:]
        texts = [re.sub(rb"^Status: [^\n]*\n", b"", piece, count=1, flags=re.M) for piece in pieces]
        # The empty line behind each mail is the mbox's own (RFC 4155), but s-nail takes one that is the mail's for it.
        texts = [text if text in map(with_lf, all_of_them.values()) else text[:-1] for text in texts]
    if how == "mutt":
        texts = [re.sub(rb"^(Content-Length|Lines|Status): [^\n]*\n", b"", text, flags=re.M) for text in texts]
    convert = as_it_is if how == "as" else with_lf
    found = [number_of(text, all_of_them, convert, () if how == "as" else TRACE) for text in texts]
    judge(found, [int(number) for number in numbers])


def by_poplib(host, port, how, ca, user, password, place, *numbers):
    poplib._MAXLINE = 4096
    os.makedirs(place, exist_ok=True)
    context = ssl.create_default_context(cafile=ca)
    if how == "tls":
        client = poplib.POP3_SSL(host, int(port), timeout=20, context=context)
    else:
        client = poplib.POP3(host, int(port), timeout=20)
    if how == "stls":
        client.stls(context=context)
    if how == "apop":
        client.apop(user, password)
    else:
        client.user(user)
        client.pass_(password)
    count, octets = client.stat()
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    ids = [line.split()[1] for line in client.uidl()[1]]
    if len(sizes) != count or sum(sizes) != octets or len(set(ids)) != count:
        sys.exit(f"STAT {count} {octets}, LIST {sizes}, UIDL {ids}")
    for number in range(1, count + 1):
        text = b"".join(line + b"\r\n" for line in client.retr(number)[1])
        if len(text) != sizes[number - 1]:
            sys.exit(f"message {number} has {len(text)} octets, LIST says {sizes[number - 1]}")
        pathlib.Path(place, str(number)).write_bytes(text)
        head = b"".join(line + b"\r\n" for line in client.top(number, 1)[1])
        if not text.startswith(head) or head.count(b"\r\n\r\n") == 0:
            sys.exit(f"TOP {number} 1 is not its beginning")
    for number in numbers:
        client.dele(int(number))
    if client.stat()[0] != count - len(numbers):
        sys.exit("STAT counts what is deleted")
    client.quit()


def terminal(output, wait, *command):
    """Nothing is typed: what is to be done stands in the command."""
    process, master = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    deadline = time.monotonic() + float(wait)
    with open(output, "wb") as file:
        while True:
            ready, _, _ = select.select([master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                os.kill(process, 9)
                os.waitpid(process, 0)
                sys.exit(f"runs longer than {wait} s")
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            file.write(piece)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


def slow(host, port, octets):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET

    def relay(client):
        with client, socket.create_connection((host, int(port))) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for source, drain in (client, server), (server, client):
                    if source in ready:
                        piece = source.recv(16384)
                        if not piece:
                            return
                        if source is server:
                            time.sleep(len(piece) / int(octets))
                        drain.sendall(piece)

    with socket.create_server((host, 0), family=family) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True).start()


def main():
    act, *rest = sys.argv[1:]
    {"make": make, "fill": fill, "left": left, "same": same, "got": got, "poplib": by_poplib, "terminal": terminal, "slow": slow}[act](*rest)


main()
