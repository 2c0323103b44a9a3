"""Retries help where that is safe, and never repeat what a server may have done."""

import time

import pytest


class Dying:
    """Answers `good` requests on a connection, then reads one more and ends without a word."""

    def __init__(self, good: int):
        self.good, self.dropped = good, []

    def __call__(self, wire):
        for _ in range(self.good):
            if not wire.next_request():
                return
            wire.respond(200, b"ok")
        if request := wire.next_request():
            self.dropped.append(request.method)


def test_a_refused_connect_is_tried_elsewhere_even_for_post(lab):
    server = lab.scripted(role="s2")
    lab.balance("s1", "s2", health={"check": "none"})

    for number in range(10):
        answer = lab.ask("/", "POST", b"order %d" % number)
        assert answer.status == 200

    assert [request.body for request in server.requests] == [b"order %d" % n for n in range(10)]


def test_half_of_many_servers_dead_costs_one_request_at_most(lab):
    """No check and no passive observation notices. Three of the four dead ones fail a request,
    once: then only one is left that nobody knows of."""
    ports = range(8001, 8009)
    for port in ports[::2]:
        lab.scripted(port=port)
    poise = lab.balance(*({"role": "s1", "name": f"s{port}", "port": port} for port in ports),
                        health={"check": "none", "passive": False}, retries=2)
    answers = [lab.ask("/").status for _ in range(100)]

    assert answers.count(200) >= 99
    retried = poise.status()["services"][0]["retries"]
    assert retried <= 30, "a dead server is met once a second at most"


@pytest.mark.parametrize("method", ["POST", "PATCH", "BREW"])
def test_a_request_that_may_have_been_processed_is_never_repeated(lab, method):
    dying = [Dying(0), Dying(0)]
    lab.scripted(dying[0], "s1")
    lab.scripted(dying[1], "s2")
    lab.balance("s1", "s2", health={"check": "none"})

    assert lab.ask("/", method, b"pay 5").status == 502

    assert len(dying[0].dropped + dying[1].dropped) == 1


def test_a_post_on_a_reused_connection_is_never_repeated(lab):
    dying = Dying(1)
    lab.scripted(dying)
    lab.balance("s1", health={"check": "none"}, settings={"node": {"workers": 1}})
    with lab.connect() as wire:
        assert wire.ask("GET", "/").status == 200
        assert wire.ask("POST", "/", b"pay 5").status == 502

    assert dying.dropped == ["POST"]


def test_a_get_on_a_reused_connection_that_died_is_repeated(lab):
    dying = Dying(1)
    lab.scripted(dying)
    lab.balance("s1", health={"check": "none"}, settings={"node": {"workers": 1}})
    with lab.connect() as wire:
        for _ in range(10):
            assert wire.ask("GET", "/").status == 200

    assert len(dying.dropped) >= 9, "each time the pooled connection died and another was made"


def test_retries_are_bounded(lab):
    counted = {"s1": Dying(0), "s2": Dying(0), "s3": Dying(0)}
    for role, handler in counted.items():
        lab.scripted(handler, role)
    lab.balance("s1", "s2", "s3", health={"check": "none"}, retries=2)

    assert lab.ask("/").status == 502

    assert sum(len(one.dropped) for one in counted.values()) <= 3


def test_retries_are_counted(lab):
    lab.scripted(role="s2")
    poise = lab.balance("s1", "s2", health={"check": "none", "passive": False})
    for _ in range(6):
        assert lab.ask("/").status == 200

    assert poise.status()["services"][0]["retries"] >= 1


def test_a_body_that_comes_late_after_a_retry_has_its_own_time(lab):
    """The deadline of the second connect must not be the body's."""
    def handler(wire):
        assert wire.next_request()
        wire.respond(200, b"ok")
        if server.connections == 1:
            wire.head()  # the second request's, whose body has not come: die
        elif wire.next_request():
            wire.respond(200, b"late")
    server = lab.scripted(handler)
    lab.balance("s1", health={"check": "none"}, settings={"node": {"workers": 1}},
                timeouts={"connect": "500ms", "idle": "10s"})
    assert lab.ask("/").status == 200  # its connection is kept, and dies with the next request
    wire = lab.connect()
    wire.send("PUT / HTTP/1.1\r\nHost: lab\r\nContent-Length: 4\r\n\r\n")
    time.sleep(1.5)
    wire.send("late")

    assert wire.response("PUT").status == 200
