"""Where alerts go: a mail server and a webhook that remember what they were given."""

import base64
import contextlib
import json
import socket
import ssl
import threading

from .network import Node


class Sink:
    """Accepts on `port` of `node`, one thread a connection; the first `refusals` are refused."""

    def __init__(self, node: Node, port: int, refusals: int = 0,
                 context: ssl.SSLContext | None = None):
        self.received: list = []
        self.errors: list[BaseException] = []
        self.refusals, self.context = refusals, context
        self.listener = node.listen(port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(20)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            self.serve(sock)
        except (OSError, EOFError):
            pass
        except Exception as error:  # shown by stop(): a thread's error must not be lost
            self.errors.append(error)
        finally:
            with contextlib.suppress(OSError):
                sock.close()

    def refuses(self) -> bool:
        self.refusals -= 1
        return self.refusals >= 0

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(2)
        self.listener.close()
        assert not self.errors, self.errors


def line_of(file) -> str:
    line = file.readline(2_000)
    if not line:
        raise EOFError
    return line.decode().rstrip("\r\n")


class MailSink(Sink):
    """SMTP (RFC 5321) as far as a client that sends mail needs it. `received` holds a mapping a
    message: from, to, user, password, tls, head, text."""

    def serve(self, sock: socket.socket) -> None:
        file = sock.makefile("rb")
        mail: dict = {"to": [], "tls": False, "user": "", "password": ""}

        def say(text: str) -> None:
            sock.sendall(text.encode() + b"\r\n")

        if self.refuses():
            return say("421 come again later")
        say("220 sink ESMTP")
        while True:
            word, _, rest = line_of(file).partition(" ")
            word = word.upper()
            if word == "EHLO":
                extras = ["STARTTLS"] if self.context and not mail["tls"] else ["AUTH PLAIN"]
                for extra in ["sink", *extras]:
                    say(f"250-{extra}")
                say("250 8BITMIME")
            elif word == "STARTTLS":
                say("220 go on")
                sock = self.context.wrap_socket(sock, server_side=True)
                file = sock.makefile("rb")
                mail["tls"] = True
            elif word == "AUTH":
                given = rest.split()[1:]
                if not given:
                    say("334 ")
                    given = [line_of(file)]
                _, mail["user"], mail["password"] = base64.b64decode(given[0]).decode().split("\0")
                say("235 welcome")
            elif word == "MAIL":
                mail["from"] = rest[rest.find("<") + 1:rest.find(">")]
                say("250 ok")
            elif word == "RCPT":
                mail["to"].append(rest[rest.find("<") + 1:rest.find(">")])
                say("250 ok")
            elif word == "DATA":
                say("354 go on")
                lines = []
                while (line := line_of(file)) != ".":
                    lines.append(line.removeprefix("."))
                head, _, mail["text"] = "\n".join(lines).partition("\n\n")
                mail["head"] = dict(line.split(": ", 1) for line in head.split("\n")
                                    if not line.startswith(" "))
                self.received.append(mail)
                say("250 ok")
            else:
                say("221 bye" if word == "QUIT" else "502 what?")


class HookSink(Sink):
    """HTTP/1.1. `received` holds a mapping a message: path, fields, and what the JSON said."""

    def serve(self, sock: socket.socket) -> None:
        file = sock.makefile("rb")
        while True:
            path = line_of(file).split()[1]
            fields = {}
            while line := line_of(file):
                name, _, value = line.partition(": ")
                fields[name.lower()] = value
            body = file.read(int(fields["content-length"]))
            refused = self.refuses()
            if not refused:
                self.received.append({"path": path, "fields": fields} | json.loads(body))
            status = "503 Busy" if refused else "204 No Content"
            sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
