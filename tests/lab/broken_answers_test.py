"""An answer that breaks off reaches the client as broken: never a made-up end."""

import time

import pytest

from lib.wire import Cut


def broken_body(lab, target: str) -> bytes:
    """What came of the body before the cut; fails when the answer looks whole."""
    with lab.connect() as wire:
        wire.request("GET", target)
        answer = wire.head()
        assert answer.status == 200
        with pytest.raises((Cut, ConnectionError)):
            wire.body_of(answer)
            pytest.fail(f"{target}: {len(answer.body)} bytes with an end that nobody sent")
        return answer.body + wire.ahead


@pytest.mark.parametrize("way", ["reset-midway", "cut-midway", "reset-midway-chunked",
                                 "cut-midway-chunked"])
def test_a_cut_answer_is_cut_for_the_client(lab, way):
    lab.origin("s1")
    lab.balance("s1")

    body = broken_body(lab, f"/{way}/64k")

    assert set(body) <= set(b"abcdefghijklmnopqrstuvwxyz0123456789\r\n")
    assert lab.ask().status == 200, "others go on"


def test_an_answer_cut_in_its_head_is_502(lab):
    def handler(wire):
        if wire.next_request():
            wire.send("HTTP/1.1 200 OK\r\nContent-Le")
    lab.scripted(handler)
    lab.balance("s1", retries=0)

    answer = lab.ask(Accept="application/json")

    assert answer.status == 502
    assert answer.get("X-Origin") is None


@pytest.mark.parametrize("bytes_sent", [
    b"NONSENSE\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
])
def test_a_nonsense_answer_is_502(lab, bytes_sent):
    lab.scripted(lambda wire: wire.next_request() and wire.send(bytes_sent))
    lab.balance("s1", retries=0)

    assert lab.ask().status == 502


def test_a_bad_chunk_in_an_answer_cuts_it(lab):
    def handler(wire):
        if wire.next_request():
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            time.sleep(0.2)  # what came with the head may be refused as a whole
            wire.send("zz\r\n")
    lab.scripted(handler)
    lab.balance("s1")

    assert b"hello" in broken_body(lab, "/")


def test_an_old_client_sees_a_reset_instead_of_an_end(lab):
    """HTTP/1.0 has no chunks: only a reset tells a cut body from a whole one."""
    lab.origin("s1")
    lab.balance("s1")
    with lab.connect() as wire:
        wire.send("GET /cut-midway-chunked/64k HTTP/1.0\r\nHost: lab\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while True:
                try:
                    wire.more()
                except Cut:
                    pytest.fail("a quiet end of a body that is not whole")


def test_extra_bytes_after_an_answer_reach_nobody(lab):
    """A server that sends more than it announced must not poison the next client's answer."""
    def handler(wire):
        while wire.next_request():
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    lab.scripted(handler)
    lab.balance("s1", settings={"node": {"workers": 1}})

    for _ in range(5):
        assert lab.ask().body == b"ok"
    with lab.connect() as wire:
        for _ in range(5):
            assert wire.ask("GET", "/").body == b"ok"
