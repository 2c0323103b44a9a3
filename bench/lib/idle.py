"""Opens many keep-alive connections, sends one request on each, and holds them."""

import socket
import ssl
import time

# They come so many at a time: a burst would measure what clients need in their first moments.
AT_A_TIME = 500
PAUSE_SECONDS = 0.3
REQUEST = b"GET /1 HTTP/1.1\r\nHost: bench\r\n\r\n"


class IdleClients:
    """Holds up to `count` connections; `errors` counts those that could not be opened or asked."""

    def __init__(self, port: int, count: int, tls: bool = False):
        self.errors = 0
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # each run has certificates of its own
        self.sockets: list[socket.socket] = []
        for number in range(1, count + 1):
            client = socket.socket()
            client.settimeout(5)
            try:
                client.connect(("127.0.0.1", port))
                if tls:
                    client = context.wrap_socket(client)
                self.ask(client)
                self.sockets.append(client)
            except OSError:
                self.errors += 1
                client.close()
                if self.errors > 100:
                    break
            if number % AT_A_TIME == 0:
                time.sleep(PAUSE_SECONDS)

    @staticmethod
    def ask(client: socket.socket) -> None:
        client.sendall(REQUEST)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.split(b"\r\n\r\n", 1)[1]:
            piece = client.recv(4096)
            if not piece:
                raise OSError("closed by the proxy")
            answer += piece

    def check_alive(self, step: int = 50) -> None:
        """Asks again on every `step`-th connection: a proxy that dropped some must show."""
        for client in self.sockets[::step]:
            try:
                self.ask(client)
            except OSError:
                self.errors += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.sockets:
            client.close()
