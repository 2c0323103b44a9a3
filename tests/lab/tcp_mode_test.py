"""TCP mode: bytes as they are, half-close included."""

import hashlib
import socket
import threading
import time

import pytest

from lib.programs import wait_for
from lib.wire import Cut

TCP = {"protocol": "tcp", "health": {"check": "none"}}


def read_to_end(wire) -> bytes:
    try:
        while True:
            wire.more()
    except Cut:
        return wire.ahead


def test_a_client_that_is_done_sending_still_gets_its_answer(lab):
    def handler(wire):
        data = read_to_end(wire)
        time.sleep(0.3)
        wire.send(b"got %d" % len(data))
    lab.scripted(handler)
    lab.balance("s1", **TCP)
    with lab.connect() as wire:
        wire.send(b"x" * 100_000)
        wire.sock.shutdown(socket.SHUT_WR)
        assert read_to_end(wire) == b"got 100000"


def test_a_server_that_is_done_sending_still_hears_the_client(lab):
    heard = []

    def handler(wire):
        wire.send(b"hello")
        wire.sock.shutdown(socket.SHUT_WR)
        heard.append(read_to_end(wire))
    lab.scripted(handler)
    lab.balance("s1", **TCP)
    with lab.connect() as wire:
        assert read_to_end(wire) == b"hello"
        time.sleep(0.2)
        wire.send(b"still here")
    deadline = time.monotonic() + 3
    while not heard and time.monotonic() < deadline:
        time.sleep(0.02)
    assert heard == [b"still here"]


def test_bulk_in_both_directions_at_once_is_exact(lab):
    blob = bytes(range(256)) * 4096 * 20  # 20 MiB
    sums = {}

    def pump(name, wire):
        sender = threading.Thread(target=lambda: [wire.send(blob),
                                                  wire.sock.shutdown(socket.SHUT_WR)])
        sender.start()
        sums[name] = hashlib.sha256(read_to_end(wire)).hexdigest()
        sender.join(10)
    lab.scripted(lambda wire: pump("server", wire))
    lab.balance("s1", **TCP)
    with lab.connect(timeout=20) as wire:
        pump("client", wire)
    deadline = time.monotonic() + 5
    while "server" not in sums and time.monotonic() < deadline:
        time.sleep(0.02)
    good = hashlib.sha256(blob).hexdigest()
    assert sums == {"client": good, "server": good}


def test_a_reset_of_the_server_is_no_quiet_end(lab):
    def handler(wire):
        wire.send(b"part")
        time.sleep(0.2)
        wire.reset()
    lab.scripted(handler)
    lab.balance("s1", **TCP)
    with lab.connect() as wire, pytest.raises(ConnectionResetError):
        read_to_end(wire)


def test_an_idle_connection_ends_by_its_limit(lab):
    lab.scripted(lambda wire: wire.ends_within(5))
    lab.balance("s1", timeouts={"idle": "700ms"}, **TCP)
    wire = lab.connect()
    assert not wire.ends_within(0.4)
    assert wire.ends_within(2)


def test_a_server_that_refuses_is_replaced(lab):
    lab.scripted(lambda wire: wire.send(b"s2"), role="s2")
    lab.balance("s1", "s2", **TCP)
    for _ in range(6):
        with lab.connect() as wire:
            assert read_to_end(wire) == b"s2"


def test_servers_that_speak_first_are_heard(lab):
    lab.scripted(lambda wire: [wire.send(b"220 mail\r\n"), wire.ends_within(3)])
    lab.balance("s1", **TCP)
    with lab.connect(timeout=2) as wire:
        assert wire.take(10) == b"220 mail\r\n"


def test_dead_peers_are_found_by_keep_alive(lab):
    """Both sides of a session have the kernel's timer running."""
    lab.scripted(lambda wire: (wire.take(1), wire.more()))
    lab.balance("s1", protocol="tcp")
    with lab.connect() as wire:
        wire.send(b"x")
        shown = wait_for("both connections", lambda: _with_timers(lab))
        assert all("timer:(keepalive," in line for line in shown), shown


def _with_timers(lab):
    done = lab.lb.run(["ss", "-tnoH", "state", "established", "( sport = :80 or dport = :80 )"])
    lines = done.stdout.splitlines()
    return lines if len(lines) == 2 else None
