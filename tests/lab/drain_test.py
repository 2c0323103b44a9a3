"""Maintenance: a server leaves and comes back without a client noticing."""

import time

from lib.programs import wait_for


def test_drain_moves_the_load_and_fails_nothing(lab):
    for role in ("s1", "s2"):
        lab.origin(role)
    poise = lab.balance("s1", "s2")
    slow = [lab.connect() for _ in range(4)]  # two of them are s1's by least connections
    for wire in slow:
        wire.request("GET", "/slow/40/1/50")
        time.sleep(0.05)
    load = lab.load()
    time.sleep(0.5)

    assert poise.run("drain", "web/s1").returncode == 0
    wait_for("s1 to be drained", lambda: poise.server("web", "s1")["state"] == "drain")

    def moved() -> bool:
        load.origins.clear()
        time.sleep(0.5)
        return set(load.origins) == {"s2"}
    wait_for("the load to move", moved)

    answers = [wire.response() for wire in slow]
    assert {answer.get("X-Origin") for answer in answers} == {"s1", "s2"}
    assert all(len(answer.body) == 40 for answer in answers)
    wait_for("s1's connections to fall", lambda: poise.server("web", "s1")["connections"] == 0)
    load.finish(least=500).expect_no_failure()


def test_online_brings_a_drained_server_back(lab):
    for role in ("s1", "s2"):
        lab.origin(role)
    poise = lab.balance("s1", "s2")

    assert poise.run("drain", "web/s1").returncode == 0
    assert {lab.ask().body for _ in range(10)} == {b"s2\n"}
    assert poise.run("online", "web/s1").returncode == 0
    assert {lab.ask().body for _ in range(10)} == {b"s1\n", b"s2\n"}


def test_halt_stops_at_once_and_weight_moves_the_share(lab):
    for role in ("s1", "s2"):
        lab.origin(role)
    poise = lab.balance("s1", "s2", scheduler="wrr")
    wire = lab.connect()
    wire.request("GET", "/slow/400/1/50")
    first = wire.head().get("X-Origin")

    assert poise.run("halt", f"web/{first}").returncode == 0
    assert wire.ends_within(2), "halt ends what runs"
    assert first.encode() not in {lab.ask().body for _ in range(10)}
    poise.run("online", f"web/{first}")

    assert poise.run("weight", "web/s1", "25").returncode == 0
    seen = [lab.ask().body for _ in range(50)]
    assert 5 <= seen.count(b"s1\n") <= 15, "one in five by weight"


def test_a_drained_pool_answers_503(lab):
    lab.origin("s1")
    poise = lab.balance("s1")

    poise.run("drain", "web/s1")

    assert lab.ask().status == 503
