"""Servers are found down and up, and the status says why and since when."""

import time
from datetime import datetime

import pytest

from lib.programs import wait_for

HTTP = {"check": "http", "path": "/healthz", "interval": "150ms", "timeout": "300ms", "fall": 2,
        "rise": 2}


class Switch:
    """A server with a health page that can be turned."""

    def __init__(self, role: str):
        self.role, self.status, self.delay = role, 200, 0.0

    def __call__(self, wire):
        while request := wire.next_request():
            if request.target == "/healthz":
                time.sleep(self.delay)
                wire.respond(self.status, b"fine" if self.status == 200 else b"bad")
            else:
                wire.respond(200, self.role.encode())


@pytest.fixture
def pair(lab):
    switch = Switch("s1")
    lab.scripted(switch, "s1")
    lab.scripted(Switch("s2"), "s2")
    return switch


def test_an_http_check_takes_a_server_out_and_back_with_the_reason(lab, pair):
    poise = lab.balance("s1", "s2", health=HTTP)
    wait_for("both up", lambda: poise.server("web", "s1")["state"] == "up")
    assert {lab.ask("/").body for _ in range(10)} == {b"s1", b"s2"}

    pair.status = 500
    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down", 3)
    server = poise.server("web", "s1")
    assert "500" in server["reason"]
    assert abs(datetime.fromisoformat(server["since"]).timestamp() - time.time()) < 5
    assert "500" in poise.run("status").stdout
    assert {lab.ask("/").body for _ in range(10)} == {b"s2"}

    pair.status = 200
    wait_for("s1 to be up", lambda: poise.server("web", "s1")["state"] == "up", 3)
    assert {lab.ask("/").body for _ in range(10)} == {b"s1", b"s2"}
    log = poise.output()
    assert log.count("500") == 1, "a line when the state changes, not for each probe"


def test_a_slow_health_page_is_down_with_a_time_out(lab, pair):
    poise = lab.balance("s1", "s2", health=HTTP)
    pair.delay = 1.0

    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down", 4)

    reason = poise.server("web", "s1")["reason"]
    assert "time" in reason or "300" in reason, reason


def test_a_refused_connect_is_down_with_that_reason(lab):
    lab.origin("s2")
    poise = lab.balance("s1", "s2")

    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down", 3)

    assert "refused" in poise.server("web", "s1")["reason"].lower()


def test_real_traffic_finds_a_failed_server_without_a_check(lab):
    """The probe looks elsewhere and is content; the traffic is not."""
    lab.origin("s1", port=81)
    lab.origin("s2", port=80)
    lab.origin("s2", port=81)
    poise = lab.balance("s1", "s2", health={"check": "tcp", "port": 81, "interval": "10s",
                                            "passive": True, "passive_fall": 3})
    for _ in range(20):
        assert lab.ask().body == b"s2\n", "a refused connect is tried elsewhere"

    assert poise.server("web", "s1")["state"] == "down"


def test_a_broken_page_takes_no_server_down(lab):
    """It took all of them down at once, and everybody got 503 until the checks had passed."""
    def handler(wire):
        while request := wire.next_request():
            if request.target == "/broken":
                return wire.send("NONSENSE\r\n\r\n")
            wire.respond(200, b"fine")
        return None
    lab.scripted(handler, "s1")
    lab.scripted(handler, "s2")
    poise = lab.balance("s1", "s2", retries=0,
                        health={"check": "tcp", "interval": "10s", "passive_fall": 3})

    for _ in range(5):
        for _ in range(12):
            assert lab.ask("/broken").status == 502
        assert lab.ask().status == 200
        time.sleep(0.1)

    assert "down" not in poise.output()
    assert {poise.server("web", name)["state"] for name in ("s1", "s2")} == {"up"}


def test_a_body_that_lacks_the_text_is_down(lab, pair):
    poise = lab.balance("s1", "s2", health=HTTP | {"body": "very fine"})

    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down", 3)


def test_a_script_decides(lab):
    lab.origin("s1")
    lab.origin("s2")
    script = lab.folder / "check.sh"
    script.write_text(f'#!/bin/sh\necho "$@" >> seen\n[ "$3" != {lab.node("s1").ip} ]\n')
    script.chmod(0o755)
    poise = lab.balance("s1", "s2", health={"check": "script", "script": "check.sh",
                                            "interval": "200ms", "timeout": "1s", "fall": 1,
                                            "rise": 1})

    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down", 4)
    assert poise.server("web", "s2")["state"] == "up"


def test_a_name_that_does_not_resolve_starts_anyway_and_says_so(lab):
    lab.origin("s2")
    config = {"services": {"web": lab.service("s2")}}
    config["services"]["web"]["servers"].append({"name": "gone", "address": "no.such.invalid:80"})
    poise = lab.serve(config)

    assert {lab.ask().body for _ in range(6)} == {b"s2\n"}
    wait_for("a reason", lambda: poise.server("web", "gone")["reason"], 6)
    assert poise.server("web", "gone")["state"] in ("down", "unresolved")
