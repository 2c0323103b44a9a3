"""WebSocket over HTTP/2: extended CONNECT of RFC 8441."""

import base64
import hashlib
import socket

import pytest

from lib.frames import ENABLE_CONNECT_PROTOCOL
from lib.http2_server import Handler


def connect(wire, path="/ws", protocol="websocket", **given) -> int:
    fields = [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"),
              (":path", path), (":authority", "lab"), ("sec-websocket-version", "13")]
    return wire.request(fields, end=False, **given)


def test_extended_connect_becomes_an_upgrade(lab):
    seen = []

    def handler(wire):
        seen.append(head := wire.head())
        key = head.get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        wire.send("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  f"Sec-WebSocket-Accept: {accept}\r\n\r\nhello")
        while data := wire.sock.recv(65536):
            wire.send(data)
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"})
    with lab.http2() as wire:
        wire.until(lambda: wire.settings)
        assert wire.settings[ENABLE_CONNECT_PROTOCOL] == 1
        stream = connect(wire)
        wire.until(lambda: stream in wire.streams and wire.streams[stream].body == b"hello")
        assert wire.streams[stream].status == 200
        assert "sec-websocket-accept" not in wire.streams[stream].fields
        for size in (1, 1_000, 60_000):
            before = len(wire.streams[stream].body)
            for at in range(0, size, 16_000):
                wire.data(stream, b"x" * min(16_000, size - at))
            wire.open_windows(stream, 65_000)
            wire.until(lambda: len(wire.streams[stream].body) == before + size)
        wire.data(stream, b"", end=True)  # the server sees the end, ends, and so do we
        assert wire.answer(stream).ended
    assert (seen[0].method, seen[0].target, seen[0].get("Upgrade")) == ("GET", "/ws", "websocket")


@pytest.mark.parametrize("answer", [
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"])
def test_a_server_that_has_not_understood_gets_no_tunnel(lab, answer):
    def handler(wire):
        wire.head()
        wire.send(answer)
        wire.ends_within(2)
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"}, retries=0)
    with lab.http2() as wire:
        assert wire.answer(connect(wire)).status == 502


def test_other_protocols_and_plain_connect_are_refused(lab):
    lab.origin("s1")
    lab.balance("s1", health={"check": "none"})
    with lab.http2() as wire:
        assert wire.answer(connect(wire, protocol="connect-udp")).status == 501
        stream = wire.request([(":method", "CONNECT"), (":authority", "lab:443")], end=False)
        assert wire.answer(stream).status == 501
        assert wire.ask().status == 200


def test_a_refused_upgrade_is_an_answer(lab):
    lab.scripted(lambda wire: (wire.head(), wire.respond(403, b"no")))
    lab.balance("s1", health={"check": "none"})
    with lab.http2() as wire:
        answer = wire.answer(connect(wire))
        assert (answer.status, answer.body) == (403, b"no")


class EchoTunnel(Handler):
    """Takes an extended CONNECT and sends everything back."""

    def on_head(self, call):
        assert call.fields[":method"] == "CONNECT" and call.fields[":protocol"] == "websocket"
        call.head(200)

    def on_data(self, call, data):
        call.send(data)

    def on_end(self, call):
        call.end()


def test_extended_connect_passes_to_a_server_that_announces_it(lab):
    lab.http2_server(EchoTunnel(), settings={ENABLE_CONNECT_PROTOCOL: 1})
    lab.balance({"role": "s1", "http2": True}, health={"check": "none"})
    with lab.http2() as wire:
        stream = connect(wire)
        wire.data(stream, b"ping")
        wire.until(lambda: stream in wire.streams and wire.streams[stream].body == b"ping")
        wire.data(stream, b"", end=True)
        assert wire.answer(stream).status == 200


def test_a_server_that_does_not_announce_it_is_not_asked(lab):
    lab.http2_server(EchoTunnel())
    lab.balance({"role": "s1", "http2": True}, health={"check": "none"}, retries=0)
    with lab.http2() as wire:
        assert wire.answer(connect(wire)).status == 502
    assert "upgrade_unsupported" in lab.poise.run("why").stdout


ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # for the key that a Wire sends: RFC 6455 section 1.3


class SeenTunnel(EchoTunnel):
    def __init__(self):
        self.seen = {}

    def on_head(self, call):
        self.seen = dict(call.fields)
        super().on_head(call)


def test_an_upgrade_of_http1_becomes_an_extended_connect(lab):
    handler = SeenTunnel()
    lab.http2_server(handler, settings={ENABLE_CONNECT_PROTOCOL: 1})
    lab.balance({"role": "s1", "http2": True}, health={"check": "none"})
    with lab.connect() as wire:
        head = wire.upgrade()
        assert head.status == 101 and head.get("Upgrade") == "websocket"
        assert head.get("Connection") == "Upgrade" and head.get("Sec-WebSocket-Accept") == ACCEPT
        for size in (1, 1_000, 60_000):
            wire.send(b"x" * size)
            assert wire.take(size) == b"x" * size
        wire.sock.shutdown(socket.SHUT_WR)  # the server sees the end, ends, and so do we
        assert wire.sock.recv(100) == b""
    assert handler.seen[":path"] == "/ws"
    assert handler.seen["sec-websocket-version"] == "13"
    assert not {"sec-websocket-key", "upgrade", "connection"} & handler.seen.keys()
    assert lab.poise.service("web")["responses"]["1xx"] == 1


def test_an_upgrade_of_http1_that_the_server_does_not_take(lab):
    lab.http2_server(EchoTunnel())
    lab.balance({"role": "s1", "http2": True}, health={"check": "none"}, retries=0)
    with lab.connect() as wire:
        assert wire.upgrade().status == 502
    assert "upgrade_unsupported" in lab.poise.run("why").stdout


class Refuses(Handler):
    def on_head(self, call):
        call.head(403)
        call.send(b"no", end=True)


def test_an_upgrade_of_http1_that_is_refused(lab):
    lab.http2_server(Refuses(), settings={ENABLE_CONNECT_PROTOCOL: 1})
    lab.balance({"role": "s1", "http2": True}, health={"check": "none"})
    with lab.connect() as wire:
        answer = wire.upgrade()
        assert (answer.status, answer.body) == (403, b"no")
