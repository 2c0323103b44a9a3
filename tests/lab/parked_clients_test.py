"""Clients that say nothing for a while are parked: nobody may see a difference."""

import signal
import time

import pytest

PAUSE = 0.5  # more than enough to be parked


def connected(lab, count):
    wires = [lab.connect() for _ in range(count)]
    for wire in wires:
        assert wire.ask("GET", "/name").status == 200
    return wires


def test_a_client_is_served_after_every_pause(lab):
    lab.origin("s1")
    lab.balance("s1")
    silent_at_first = lab.connect()
    talker = lab.connect()

    for _ in range(3):
        assert talker.ask("GET", "/name").status == 200
        time.sleep(PAUSE)

    talker.send("GET /name HT")  # a head in two parts, with a pause between
    time.sleep(PAUSE)
    talker.send("TP/1.1\r\nHost: lab\r\n\r\n")
    assert talker.response().status == 200
    assert silent_at_first.ask("GET", "/name").status == 200


def test_the_limits_of_a_silent_client_hold(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"keep_alive": "1s", "header": "2s"})
    fresh = lab.connect()
    used = connected(lab, 1)[0]

    start = time.monotonic()
    assert used.ends_within(2)
    assert time.monotonic() - start > 0.7
    assert fresh.ends_within(2)
    assert time.monotonic() - start > 1.7


def test_a_parked_client_gets_the_new_configuration(lab):
    lab.origin("s1")
    lab.origin("s2")
    poise = lab.balance("s1")
    wires = connected(lab, 20)
    time.sleep(PAUSE)

    poise.write({"services": {"web": lab.service("s2")}})
    assert poise.run("reload").returncode == 0

    assert {wire.ask("GET", "/name").body for wire in wires} == {b"s2\n"}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_parked_clients_go_when_poise_drains_or_stops(lab, sign):
    lab.origin("s1")
    poise = lab.balance("s1")
    wires = connected(lab, 50)
    time.sleep(PAUSE)

    poise.signal(sign)

    assert poise.process.wait(3) == 0
    assert all(wire.ends_within(1) for wire in wires)
