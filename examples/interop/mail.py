"""mail.py - makes the test mails, finds them again, and is the Python client of the suite.

    mail.py make FOLDER                          one file for each kind of mail, CRLF line ends
    mail.py arrived FOLDER TOKEN ORIGINAL        one file below FOLDER holds TOKEN and ends with ORIGINAL, octet for octet
    mail.py arrived-lf FOLDER TOKEN ORIGINAL     the same, for a server that stores LF line ends
    mail.py absent FOLDER TOKEN                  no file below FOLDER holds TOKEN
    mail.py stamp ORIGINAL COPY                  a copy with a token of its own; prints the token
    mail.py smtplib HOST PORT CA USER PASS MECHANISM FROM TO FILE
                                                 delivers by smtplib with STARTTLS and that mechanism (none: without)
    mail.py cutter HOST PORT OCTETS              a relay to HOST:PORT on a free port, which it prints; ends the connection after so
                                                 many octets of the client's
    mail.py half HOST PORT PROCESS SIGNAL        sends half a mail, signals the process, and waits for 421 or the end
    mail.py peak KILOBYTES COMMAND…              runs the command; its memory never was more
    mail.py inject HOST PORT FROM TO FILE        delivers as it is, byte for byte, with 8BITMIME and SMTPUTF8 where needed
"""

import os
import pathlib
import resource
import select
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import uuid

HEADER = (
    b"From: =?utf-8?q?Ji=C5=99=C3=AD?= <alice@interop.test>\r\n"
    b"To: bob@interop.test\r\n"
    b"Subject: {kind}\r\n"
    b"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
    b"Message-ID: <{token}@interop.test>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n"
)

BODIES = {
    "small": b"\r\nHello over both families.\r\n",
    "empty-body": b"\r\n",
    # RFC 5321 s 4.5.2: each of these lines begins with a dot that the sender doubles.
    "dots": b"\r\n.\r\n..\r\n...\r\n.x\r\n..x\r\n \r\n.\r\n\r\n.\r\n",
    "blank-lines": b"\r\n\r\n\r\nmiddle\r\n\r\n\r\n\r\n",
    "eight-bit": "\r\nPříliš žluťoučký kůň, 日本語, 🕊\r\n".encode(),
    # RFC 5321 s 4.5.3.1.6: a text line of 1000 octets, CRLF included.
    "long-lines": b"\r\n" + b"\r\n".join([b"x" * 998, b"." * 998, b"y" * 997]) + b"\r\n",
    "white-space": b"\r\n \t\r\ntrailing \t \r\n\ttab\r\n-\r\nFrom someone\r\n>From someone\r\n",
    "large": b"\r\n" + (b"." + b"0123456789abcdef" * 4 + b"\r\n") * (10 * 1024 * 1024 // 67),
}


def make(folder):
    os.makedirs(folder, exist_ok=True)
    for kind, body in BODIES.items():
        header = HEADER.replace(b"{kind}", kind.encode())
        pathlib.Path(folder, kind).write_bytes(header + body)


def stamp(original, copy):
    token = uuid.uuid4().hex
    pathlib.Path(copy).write_bytes(pathlib.Path(original).read_bytes().replace(b"{token}", token.encode(), 1))
    print(token)


def holders(folder, token):
    """The stored files that hold the token in their header: no index of a Maildir, and none that is being written."""
    found = []
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file() and "tmp" not in path.relative_to(folder).parts and not path.name.startswith(("dovecot", ".")):
            try:
                with path.open("rb") as file:
                    if token.encode() in file.read(64 * 1024):
                        found.append(path)
            except FileNotFoundError:
                pass
    return found


def arrived(folder, token, original, convert=lambda octets: octets):
    wanted = convert(pathlib.Path(original).read_bytes())
    deadline, found = time.monotonic() + 10, []
    while not found and time.monotonic() < deadline:
        found = holders(folder, token)
        if not found:
            time.sleep(0.05)
    if len(found) != 1:
        sys.exit(f"{len(found)} mails arrived")
    # A large one may still be on its way into the file of a server that does not rename.
    while time.monotonic() < deadline and len(found[0].read_bytes()) < len(wanted):
        time.sleep(0.05)
    got = found[0].read_bytes()
    if not got.endswith(wanted):
        tail = got[-len(wanted):]
        at = next((at for at, (a, b) in enumerate(zip(tail, wanted)) if a != b), min(len(tail), len(wanted)))
        sys.exit(f"other octets: {len(got)} stored, {len(wanted)} sent, at {at}: {tail[at:at + 20]!r} for {wanted[at:at + 20]!r}")
    # What stands before it are trace fields and nothing else.
    for line in got[: len(got) - len(wanted)].replace(b"\r\n", b"\n").split(b"\n"):
        if line and not line.startswith((b" ", b"\t", b"Received:", b"Return-Path:", b"Delivered-To:", b"X-Original-To:", b"Envelope-to:", b"Delivery-date:", b"From ")):
            sys.exit(f"a line too many: {line!r}")


def absent(folder, token):
    found = holders(folder, token)
    if found:
        sys.exit(f"it arrived: {found[0]}")


def by_smtplib(host, port, ca, user, password, mechanism, sender, recipient, file):
    octets = pathlib.Path(file).read_bytes()
    with smtplib.SMTP(host, int(port), local_hostname="client.interop.test", timeout=20) as client:
        context = ssl.create_default_context(cafile=ca)
        client.starttls(context=context)
        client.ehlo()
        if mechanism != "none":
            if mechanism not in client.esmtp_features.get("auth", "").upper().split():
                sys.exit(f"not offered: {mechanism}")
            client.user, client.password = user, password
            method = getattr(client, "auth_" + mechanism.lower().replace("-", "_"))
            code, text = client.auth(mechanism, method)
            if code != 235:
                sys.exit(f"{code} {text}")
        client.sendmail(sender, [recipient], octets, mail_options=["BODY=8BITMIME"])


def inject(host, port, sender, recipient, file):
    octets = pathlib.Path(file).read_bytes()
    options = ["BODY=8BITMIME"]
    if not (sender + recipient).isascii():
        options.append("SMTPUTF8")
    with smtplib.SMTP(host, int(port), local_hostname="client.interop.test", timeout=30) as client:
        client.ehlo()
        if not (sender + recipient).isascii():
            client.command_encoding = "utf-8"
        client.sendmail(sender, [recipient], octets, mail_options=options)


def cutter(host, port, octets):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            with client, socket.create_connection((host, int(port))) as server:
                left = int(octets)
                while True:
                    ready, _, _ = select.select([client, server], [], [])
                    if server in ready:
                        piece = server.recv(65536)
                        if not piece:
                            break
                        client.sendall(piece)
                    if client in ready:
                        piece = client.recv(min(left, 65536))
                        if not piece:
                            break
                        server.sendall(piece)
                        left -= len(piece)
                        if left == 0:
                            break


def half(host, port, process, name):
    """Its own client: smtplib cannot stop in the middle."""
    with socket.create_connection((host, int(port)), timeout=10) as peer:
        replies = peer.makefile("rb")

        def answer(wanted):
            while True:
                line = replies.readline()
                if line[3:4] != b"-":
                    break
            if not line.startswith(wanted):
                sys.exit(f"{line!r}, not {wanted!r}")

        answer(b"220")
        for command, wanted in (b"EHLO client", b"250"), (b"MAIL FROM:<a@interop.test>", b"250"), (b"RCPT TO:<b@interop.test>", b"250"), (b"DATA", b"354"):
            peer.sendall(command + b"\r\n")
            answer(wanted)
        peer.sendall(b"Subject: half\r\n\r\n" + b"half a mail\r\n" * 200_000)
        time.sleep(0.3)
        os.kill(int(process), getattr(signal, "SIG" + name))
        try:
            line = replies.readline()
        except ConnectionResetError:
            line = b""
        if line and not line.startswith(b"421"):
            sys.exit(f"{line!r}, not 421 or the end")


def peak(limit, *command):
    # A time limit, because a client that hangs must not hang the suite.
    done = subprocess.run(command, timeout=120)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if done.returncode or most > int(limit):
        sys.exit(f"exit {done.returncode}, {most} KB")


def main():
    act, *rest = sys.argv[1:]
    to_lf = lambda octets: octets.replace(b"\r\n", b"\n")
    {
        "make": make,
        "stamp": stamp,
        "arrived": arrived,
        "arrived-lf": lambda *rest: arrived(*rest, to_lf),
        "absent": absent,
        "smtplib": by_smtplib,
        "inject": inject,
        "cutter": cutter,
        "half": half,
        "peak": peak,
    }[act](*rest)


main()
