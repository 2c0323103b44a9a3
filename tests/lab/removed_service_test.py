"""A service that a reload removes ends by its own limit, and no request of it is lost."""

import contextlib
import signal
import time

import pytest

from lib.wire import Cut


def two_services(lab, **gone):
    lab.origin("s1")
    keep = lab.service("s1")
    removed = lab.service("s1", **gone) | {"listen": ":81"}
    return lab.serve({"services": {"web": keep, "gone": removed}})


def remove(lab, poise):
    poise.write({"services": {"web": lab.service("s1")}})
    assert poise.run("reload").returncode == 0


def test_idle_clients_are_told_at_once_and_running_answers_are_finished(lab):
    poise = two_services(lab)
    idle = [lab.connect(port=81) for _ in range(20)]
    for wire in idle:
        assert wire.ask("GET", "/name").status == 200
    running = lab.connect(port=81)
    running.request("GET", "/delay/1000")
    time.sleep(0.4)  # some are parked by now

    remove(lab, poise)

    assert all(wire.ends_within(1) and wire.ended_by == "end" for wire in idle)
    answer = running.response()
    assert answer.status == 200
    assert answer.get("Connection") == "close"


@pytest.mark.parametrize("protocol", ["http", "tcp"])
def test_what_does_not_end_is_ended_by_the_limit(lab, protocol):
    poise = two_services(lab, protocol=protocol, timeouts={"drain": "1s"})
    wire = lab.connect(port=81)
    wire.request("GET", "/slow/100/1/100")
    wire.head()

    remove(lab, poise)

    start = time.monotonic()
    assert wire.ends_within(4)
    assert 0.5 < time.monotonic() - start < 3
    assert lab.ask("/name").status == 200


def test_a_service_that_comes_back_in_time_goes_on(lab):
    poise = two_services(lab, timeouts={"drain": "1s"})
    wire = lab.connect(port=81)
    wire.request("GET", "/slow/25/1/100")
    wire.head()

    remove(lab, poise)
    poise.write({"services": {"web": lab.service("s1"),
                              "gone": lab.service("s1") | {"listen": ":81"}}})
    assert poise.run("reload").returncode == 0

    assert len(wire.take(25)) == 25


def test_each_service_has_its_own_limit_when_poise_stops(lab):
    lab.origin("s1")
    short = lab.service("s1", timeouts={"drain": "1s"})
    long = lab.service("s1", timeouts={"drain": "20s"}) | {"listen": ":81"}
    poise = lab.serve({"services": {"web": short, "long": long}})
    wires = [lab.connect(), lab.connect(port=81)]
    for wire in wires:
        wire.request("GET", "/slow/30/1/100")
        wire.head()

    poise.signal(signal.SIGTERM)

    assert wires[0].ends_within(2.5)
    assert len(wires[1].take(30)) == 30
    assert poise.process.wait(5) == 0


def test_connections_that_the_kernel_has_taken_in_are_served_before_a_listener_closes(lab):
    lab.origin("s1")
    poise = lab.balance("s1", settings={"node": {"workers": 1}})
    poise.signal(signal.SIGSTOP)
    wires = [lab.connect() for _ in range(300)]
    for wire in wires:
        wire.request("GET", "/name")

    poise.signal(signal.SIGTERM)
    poise.signal(signal.SIGCONT)

    assert [wire.response().status for wire in wires] == [200] * 300
    assert poise.process.wait(5) == 0


@pytest.mark.parametrize("order", [("web", "gone"), ("gone", "web")])
def test_who_waits_to_be_taken_at_the_removal_is_its_own_services_client(lab, order):
    for name in ("s1", "s2"):
        lab.origin(name)
    both = {"web": lab.service("s1"), "gone": lab.service("s2") | {"listen": ":81"}}
    poise = lab.serve({"services": {name: both[name] for name in order}})
    assert lab.connect(port=81).ask("GET", "/name").body == b"s2\n"
    poise.signal(signal.SIGSTOP)
    wires = [lab.connect(port=81) for _ in range(3000)]  # more than one turn of the loop takes
    poise.write({"services": {"web": both["web"]}})
    poise.reload()

    poise.signal(signal.SIGCONT)

    served = 0
    for wire in wires:
        with contextlib.suppress(OSError, Cut):
            assert wire.ask("GET", "/name").body == b"s2\n"
            served += 1
    assert served > 0
    assert lab.ask("/name").body == b"s1\n"
