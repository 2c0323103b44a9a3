"""A server that answers before it has read the request: its answer arrives whole."""

import pytest

from lib.programs import wait_for


def answer_early(close_header: bool):
    def handler(wire):
        wire.head()  # and not a byte of the body
        extra = {"Connection": "close"} if close_header else {}
        wire.respond(413, b"too much", **extra)
    return handler


@pytest.mark.parametrize("close_header", [True, False])
def test_an_early_answer_of_a_server_that_closes_arrives_and_ends_gently(lab, close_header):
    lab.scripted(answer_early(close_header))
    poise = lab.balance("s1", health={"check": "none"}, timeouts={"idle": "30s"})
    wire = lab.connect()
    wire.send("POST /up HTTP/1.1\r\nHost: lab\r\nContent-Length: 1000000\r\n\r\nabc")

    answer = wire.response("POST")

    assert (answer.status, answer.body) == (413, b"too much")
    if close_header:
        assert answer.get("Connection") == "close"
    assert wire.ends_within(5), "nobody reads the rest: it is not waited for"
    assert wire.ended_by == "end", "a whole answer is no cut"
    wire.close()
    wait_for("the session's end", lambda: poise.status()["services"][0]["sessions"] == 0)


def test_an_upload_goes_on_when_the_server_answers_early_and_reads_on(lab):
    """RPC over HTTP does so: the response starts while the request's bytes still trickle in."""
    taken = []

    def handler(wire):
        wire.head()
        wire.respond(200, b"early")
        taken.append(wire.take(300_000))
        assert wire.next_request()
        wire.respond(200, b"second")
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"}, settings={"node": {"workers": 1}})
    wire = lab.connect()
    wire.send("POST /up HTTP/1.1\r\nHost: lab\r\nContent-Length: 300000\r\n\r\n")

    assert wire.response("POST").body == b"early"
    for _ in range(3):
        wire.send(b"x" * 100_000)

    assert wire.ask("GET", "/").body == b"second"
    assert taken == [b"x" * 300_000]
