"""HTTP/1.1 by hand: raw bytes out, exact framing in. A message that ends early raises Cut."""

import socket
import time
from dataclasses import dataclass, field


class Cut(Exception):
    """The other side ended the connection before its message was whole."""


@dataclass
class Message:
    first: str  # request line or status line
    fields: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    interim: list["Message"] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.first.split()[1])

    @property
    def method(self) -> str:
        return self.first.split()[0]

    @property
    def target(self) -> str:
        return self.first.split()[1]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None


class Wire:
    """One connection and what was read ahead on it."""

    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.ahead = b""
        self.ended_by = ""  # "end" or "reset", once ends_within() has seen it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Ends the connection by an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data: bytes | str) -> None:
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, method: str, target: str, body: bytes = b"", host: str = "lab",
                **fields: str) -> None:
        """Sends a whole request; an underscore in a field's name stands for a hyphen."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if body or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def ask(self, method: str, target: str, body: bytes = b"", **fields: str) -> Message:
        self.request(method, target, body, **fields)
        return self.response(method)

    def upgrade(self, target: str = "/ws") -> Message:
        """Asks for a WebSocket; the answer to expect is 101."""
        return self.ask("GET", target, Connection="Upgrade", Upgrade="websocket",
                        Sec_WebSocket_Version="13", Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")

    def respond(self, status: int, body: bytes = b"", **fields: str) -> None:
        """Sends a whole response with Content-Length."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def more(self) -> None:
        piece = self.sock.recv(256 * 1024)
        if not piece:
            raise Cut("end of stream")
        self.ahead += piece

    def line(self) -> bytes:
        while b"\r\n" not in self.ahead:
            self.more()
        line, self.ahead = self.ahead.split(b"\r\n", 1)
        return line

    def take(self, size: int) -> bytes:
        while len(self.ahead) < size:
            self.more()
        data, self.ahead = self.ahead[:size], self.ahead[size:]
        return data

    def fields(self) -> list[tuple[str, str]]:
        found = []
        while line := self.line():
            name, value = line.decode("latin-1").split(":", 1)
            found.append((name, value.strip()))
        return found

    def head(self) -> Message:
        return Message(self.line().decode("latin-1"), self.fields())

    def chunk(self) -> bytes:
        """The next chunk; empty at the last one."""
        size = int(self.line().split(b";")[0], 16)
        data = self.take(size)
        if size:
            assert self.line() == b"", "a chunk is followed by CRLF"
        return data

    def body_of(self, message: Message) -> None:
        """Reads the body that `message` announces."""
        if (message.get("Transfer-Encoding") or "").lower() == "chunked":
            while data := self.chunk():
                message.body += data
            message.trailers = self.fields()
        elif (length := message.get("Content-Length")) is not None:
            message.body = self.take(int(length))
        elif message.first.startswith("HTTP/"):
            try:
                while True:
                    self.more()
            except Cut:
                message.body, self.ahead = self.ahead, b""

    def response(self, method: str = "GET") -> Message:
        """The final response, interim ones inside it."""
        interim = []
        while (message := self.head()).status < 200 and message.status != 101:
            interim.append(message)
        message.interim = interim
        if method != "HEAD" and message.status not in (101, 204, 304):
            self.body_of(message)
        return message

    def next_request(self, continue_first: bool = True) -> Message | None:
        """A server's side: the next request, or None when the client is done."""
        try:
            while not self.ahead:
                self.more()
        except (Cut, OSError):
            return None
        message = self.head()
        if continue_first and (message.get("Expect") or "").lower() == "100-continue":
            self.send("HTTP/1.1 100 Continue\r\n\r\n")
        self.body_of(message)
        return message

    def ends_within(self, seconds: float) -> bool:
        """Whether the other side ends the connection in time; what it sends before is kept."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                self.more()
            except TimeoutError:
                return False
            except Cut:
                self.ended_by = "end"
                return True
            except OSError:
                self.ended_by = "reset"
                return True
        return False
