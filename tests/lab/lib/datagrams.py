"""Datagrams by hand: servers that answer in threads, and clients."""

import socket
import struct
import threading


class UdpServer:
    """Answers each datagram with `answers(data)`: a list of datagrams; default: its name and it."""

    def __init__(self, node, port: int = 53, answers=None):
        self.node, self.port = node, port
        self.answers = answers or (lambda data: [node.role.encode() + b":" + data])
        self.heard: list[tuple[bytes, tuple]] = []  # what came, and from which address and port
        self.sock = None
        self.over = False
        self.start()

    def start(self) -> None:
        with self.node.inside():
            self.sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.sock.settimeout(0.1)  # it looks whether to end: a filter may keep all datagrams out
        self.sock.bind(("::", self.port))
        self.over = False
        self.thread = threading.Thread(target=self._run, args=(self.sock,), daemon=True)
        self.thread.start()

    def _run(self, sock) -> None:
        while not self.over:
            try:
                data, sender = sock.recvfrom(70_000)
            except TimeoutError:
                continue
            self.heard.append((data, sender[:2]))
            for answer in self.answers(data):
                sock.sendto(answer, sender)

    def stop(self) -> None:
        """From now on nothing listens there: ICMP tells so."""
        if self.sock is None:
            return
        self.over = True
        self.thread.join(5)
        self.sock.close()
        self.sock = None

    def sources(self) -> set:
        """The addresses and ports that it was asked from: one for each session."""
        return {sender for _, sender in self.heard}


class UdpClient:
    """A socket of its own in a node. Not connected: it sees who answers."""

    def __init__(self, node, to: str, port: int = 53, timeout: float = 2.0):
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with node.inside():
            self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.settimeout(timeout)
        self.to = (to, port)
        self.answered_by: tuple | None = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendto(data, self.to)

    def receive(self, timeout: float | None = None) -> bytes | None:
        """The next datagram; None when none comes in time."""
        if timeout is not None:
            self.sock.settimeout(timeout)
        try:
            data, sender = self.sock.recvfrom(70_000)
        except TimeoutError:
            return None
        self.answered_by = sender[:2]
        return data

    def ask(self, data: bytes = b"?", timeout: float | None = None) -> bytes | None:
        self.send(data)
        return self.receive(timeout)

    def server(self) -> str | None:
        """The role of the server that answers."""
        answer = self.ask()
        return answer.split(b":")[0].decode() if answer is not None else None


class Spoofer:
    """Sends datagrams in the name of others."""

    def __init__(self, node, to: str, port: int = 53):
        with node.inside():
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.to, self.port = to, port

    def send(self, source: str, source_port: int, data: bytes = b"flood") -> None:
        length = 20 + 8 + len(data)
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, socket.IPPROTO_UDP, 0,
                           socket.inet_aton(source), socket.inet_aton(self.to))
        udp = struct.pack("!HHHH", source_port, self.port, 8 + len(data), 0)  # no checksum
        self.sock.sendto(head + udp + data, (self.to, 0))

    def stop(self) -> None:
        self.sock.close()
