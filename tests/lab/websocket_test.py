"""Upgraded connections carry bytes both ways, and nothing before the 101."""

import time

import pytest


def test_a_websocket_echoes_both_ways(lab):
    lab.origin("s1")
    lab.balance("s1")
    with lab.connect() as wire:
        answer = wire.upgrade()
        assert answer.status == 101
        assert answer.get("Upgrade") == "websocket"
        for size in (1, 1000, 1_000_000):
            wire.send(b"x" * size)
            assert wire.take(size) == b"x" * size


def test_nothing_is_tunnelled_before_the_101(lab):
    seen = []

    def handler(wire):
        seen.append(wire.head())
        time.sleep(0.4)  # the client's early bytes are long at the proxy
        seen.append(wire.ahead)
        wire.sock.settimeout(0.2)
        try:
            wire.more()
        except TimeoutError:
            pass
        seen.append(wire.ahead)
        wire.respond(403, b"no")
        wire.next_request()
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"})
    with lab.connect() as wire:
        wire.send("GET /ws HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                  "GET /smuggled HTTP/1.1\r\nHost: lab\r\n\r\n")
        assert wire.response().status == 403

    assert seen[1:3] == [b"", b""]  # what follows may be the other request, by a new connection


def test_an_idle_tunnel_ends_by_its_limit_and_a_busy_one_does_not(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"tunnel": "1s", "idle": "300ms"})
    idle, busy = lab.connect(), lab.connect()
    assert idle.upgrade().status == 101
    assert busy.upgrade().status == 101

    for _ in range(8):
        time.sleep(0.2)
        busy.send(b"x")
        assert busy.take(1) == b"x"

    assert idle.ends_within(0.5)


@pytest.mark.parametrize("who", ["client", "server"])
def test_the_end_of_one_side_ends_the_other(lab, who):
    ends = []

    def handler(wire):
        wire.head()
        wire.send("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        if who == "client":
            ends.append(wire.ends_within(3))
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"})
    wire = lab.connect()
    assert wire.upgrade().status == 101
    if who == "server":
        assert wire.ends_within(3)
        return
    wire.close()
    deadline = time.monotonic() + 4
    while not ends and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ends == [True]
