"""A server whose every byte the scenario decides."""

import contextlib
import threading

from .network import Node
from .wire import Cut, Message, Wire


class ScriptedServer:
    """Accepts on `port` of `node` and runs `handler(wire)` for each connection in a thread.

    What the handler reads by `wire.next_request()` is its own business; `requests` holds what the
    default handler saw. An exception other than the end of a connection fails the test.
    """

    def __init__(self, node: Node, port: int, handler=None):
        self.requests: list[Message] = []
        self.connections = 0
        self.errors: list[BaseException] = []
        self.handler = handler or self.answer_all
        self.wires: list[Wire] = []
        self.listener = node.listen(port)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def answer_all(self, wire: Wire) -> None:
        while request := wire.next_request():
            self.requests.append(request)
            wire.respond(200, b"ok", X_Origin="scripted")

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(30)  # nothing in the lab waits for ever
            self.connections += 1
            wire = Wire(sock)
            self.wires.append(wire)
            threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: Wire) -> None:
        try:
            self.handler(wire)
        except (Cut, OSError):
            pass
        except Exception as error:  # shown by stop(): a thread's error must not be lost
            self.errors.append(error)
        finally:
            with contextlib.suppress(OSError):
                wire.close()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(2)
        self.listener.close()
        for wire in self.wires:
            with contextlib.suppress(OSError):
                wire.sock.shutdown(2)
        assert not self.errors, self.errors
