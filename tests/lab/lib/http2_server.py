"""A real server that speaks HTTP/2 with prior knowledge, by python3-h2; what it answers is the
scenario's business."""

import contextlib
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from .network import Node


class Call:
    """One request on its stream: what came, and how it is answered."""

    def __init__(self, peer: "Peer", stream: int, fields):
        self.peer, self.stream = peer, stream
        self.fields = dict(fields)
        self.body = b""
        self.trailers: dict[str, str] = {}
        self.ended = False

    def head(self, status: int, *fields: tuple[str, str], end: bool = False) -> None:
        self.peer.h2.send_headers(self.stream, [(":status", str(status)), *fields], end)

    def send(self, data: bytes, end: bool = False) -> None:
        self.peer.h2.send_data(self.stream, data, end)

    def end(self, *trailers: tuple[str, str]) -> None:
        if trailers:
            self.peer.h2.send_headers(self.stream, list(trailers), end_stream=True)
        else:
            self.peer.h2.end_stream(self.stream)


class Handler:
    """Overridden by scenarios. Each is called with the connection's lock held."""

    def on_head(self, call: Call) -> None:
        """The head has come."""

    def on_data(self, call: Call, data: bytes) -> None:
        """A piece of the body has come."""

    def on_end(self, call: Call) -> None:
        """The request is whole."""
        call.head(200, ("content-type", "text/plain"))
        call.send(b"ok", end=True)


class GrpcEcho(Handler):
    """Sends each message back as it comes, and ends with grpc-status in trailers."""

    def on_head(self, call):
        call.head(200, ("content-type", "application/grpc"))

    def on_data(self, call, data):
        call.send(data)

    def on_end(self, call):
        call.end(("grpc-status", "0"), ("x-te", call.fields.get("te", "")),
                 ("x-came", call.trailers.get("x-sent", "")))


class Peer:
    """A connection of the balancer to the server."""

    def __init__(self, sock, handler: Handler, settings: dict):
        self.sock, self.handler = sock, handler
        self.calls: dict[int, Call] = {}
        self.left = False
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8"))
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values=settings)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.sock.sendall(data)

    def leave(self) -> None:
        """GOAWAY: what comes afterwards is not looked at."""
        self.h2.close_connection()
        self.left = True

    def serve(self) -> None:
        while data := self.sock.recv(65536):
            if self.left:
                continue
            for event in self.h2.receive_data(data):
                self.take(event)
            self.flush()

    def take(self, event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            call = self.calls[event.stream_id] = Call(self, event.stream_id, event.headers)
            self.handler.on_head(call)
        elif isinstance(event, h2.events.DataReceived):
            call = self.calls[event.stream_id]
            call.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.handler.on_data(call, event.data)
        elif isinstance(event, h2.events.TrailersReceived):
            self.calls[event.stream_id].trailers = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.calls[event.stream_id].ended = True
            self.handler.on_end(self.calls[event.stream_id])
        elif isinstance(event, h2.events.StreamReset):
            self.calls.pop(event.stream_id, None)


class Http2Server:
    """Accepts on `port` of `node`; each connection in a thread of its own."""

    def __init__(self, node: Node, port: int, handler: Handler, settings: dict | None = None):
        self.handler, self.settings = handler, settings or {}
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self.listener = node.listen(port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(30)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock) -> None:
        try:
            peer = Peer(sock, self.handler, self.settings)
            self.peers.append(peer)
            peer.serve()
        except OSError:
            pass
        except Exception as error:  # shown by stop(): a thread's error must not be lost
            self.errors.append(error)
        finally:
            with contextlib.suppress(OSError):
                sock.close()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(2)
        self.listener.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(2)
        assert not self.errors, self.errors
