"""Servers that accept and say nothing: a finite answer, and nobody else waits."""

import signal
import time

from lib.programs import wait_for


def test_a_server_that_never_answers_gives_504_in_time(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"response": "1s"})
    load = lab.load(clients=8)
    start = time.monotonic()

    answer = lab.ask("/never", Accept="application/json")

    assert answer.status == 504
    assert b"response_timeout" in answer.body, answer.body
    assert 0.7 < time.monotonic() - start < 2.5
    load.finish(least=200).expect_no_failure(least=200)
    assert load.slowest < 0.8


def test_a_frozen_server_does_not_hold_up_the_other(lab):
    frozen = lab.origin("s1")
    lab.origin("s2")
    poise = lab.balance("s1", "s2", timeouts={"response": "500ms"},
                        health={"check": "http", "path": "/name", "interval": "200ms",
                                "timeout": "200ms", "fall": 2, "rise": 1})
    frozen.signal(signal.SIGSTOP)  # its kernel still accepts
    try:
        wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down")
        for _ in range(20):
            answer = lab.ask()
            assert (answer.status, answer.body) == (200, b"s2\n")
    finally:
        frozen.signal(signal.SIGCONT)
    wait_for("s1 to be up again", lambda: poise.server("web", "s1")["state"] == "up")


def test_half_open_server_connections_are_not_reused(lab):
    lab.origin("s1")
    # Without checks: that the server was away for a moment is not what this is about.
    lab.balance("s1", timeouts={"response": "2s"}, health={"check": "none"})
    with lab.connect() as wire:
        assert wire.ask("GET", "/name").status == 200  # leaves a pooled connection

    # The server forgets all its connections without a packet, as after a power cut.
    server = lab.node("s1")
    server.drop_everything()
    lab.endings[0]()  # the origin ends, nobody hears of it
    server.let_everything()
    lab.origin("s1")

    assert lab.ask().status == 200


def test_clients_that_vanish_are_forgotten(lab):
    lab.origin("s1")
    poise = lab.balance("s1", timeouts={"keep_alive": "1s", "idle": "1s"})
    wires = [lab.connect() for _ in range(50)]
    for wire in wires:
        assert wire.ask("GET", "/name").status == 200
    assert poise.status()["connections"] >= 50

    lab.client.drop_everything()

    wait_for("no session to be left", lambda: poise.status()["connections"] == 0, 6)


def test_a_connect_that_hangs_is_tried_elsewhere(lab):
    lab.origin("s2")
    lab.node("s1").drop_everything()
    lab.balance("s1", "s2", timeouts={"connect": "300ms"}, health={"check": "none"})

    for _ in range(4):
        start = time.monotonic()
        assert lab.ask().body == b"s2\n"
        assert time.monotonic() - start < 2
