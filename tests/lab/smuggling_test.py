"""Ambiguous bytes are refused at the door: the server sees nothing of them."""

import pytest

GOOD = b"GET /after HTTP/1.1\r\nHost: lab\r\n\r\n"
H = b"Host: lab\r\n"
POST = b"POST / HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

ROWS = {
    "length and chunked":
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length":
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two equal lengths": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "length list": POST + b"Content-Length: 1, 1\r\n\r\na",
    "length +": POST + b"Content-Length: +1\r\n\r\na",
    "length -": POST + b"Content-Length: -1\r\n\r\na",
    "length hex": POST + b"Content-Length: 0x1\r\n\r\na",
    "length overflow": POST + b"Content-Length: 18446744073709551617\r\n\r\na",
    "length empty": POST + b"Content-Length: \r\n\r\n",
    "te identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "te gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "te chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "te xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "te quoted": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "te vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "te two fields": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "te in 1.0": b"POST / HTTP/1.0\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before colon": POST + b"Content-Length : 1\r\n\r\na",
    "tab before colon": POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "fold": b"GET / HTTP/1.1\r\n" + H + b"X: a\r\n b\r\n\r\n",
    "fold first": b"GET / HTTP/1.1\r\n Host: lab\r\n\r\n",
    "bare lf": b"GET / HTTP/1.1\nHost: lab\n\n",
    "bare lf in fields": b"GET / HTTP/1.1\r\n" + H + b"X: a\nY: b\r\n\r\n",
    "bare cr": b"GET / HTTP/1.1\r\n" + H + b"X: a\rY: b\r\n\r\n",
    "nul": b"GET / HTTP/1.1\r\n" + H + b"X: a\0b\r\n\r\n",
    "nul in name": b"GET / HTTP/1.1\r\n" + H + b"X\0: a\r\n\r\n",
    "empty name": b"GET / HTTP/1.1\r\n" + H + b": a\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\n" + H + b"Novalue\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "bad host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host with at": b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
    "absolute disagrees": b"GET http://other/ HTTP/1.1\r\n" + H + b"\r\n",
    "fragment": b"GET /#x HTTP/1.1\r\n" + H + b"\r\n",
    "space in target": b"GET /a b HTTP/1.1\r\n" + H + b"\r\n",
    "control in target": b"GET /a\x01 HTTP/1.1\r\n" + H + b"\r\n",
    "no version": b"GET /\r\n" + H + b"\r\n",
    "http/1.2.3": b"GET / HTTP/1.2.3\r\n" + H + b"\r\n",
    "http/2.0": b"GET / HTTP/2.0\r\n" + H + b"\r\n",
    "lower http": b"GET / http/1.1\r\n" + H + b"\r\n",
    "bad method": b"G(T / HTTP/1.1\r\n" + H + b"\r\n",
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 64 + b"\r\n\r\n",
    "chunk 0x": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "chunk +": CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    "chunk -": CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
    "chunk _": CHUNKED + b"1_0\r\na\r\n0\r\n\r\n",
    "chunk space": CHUNKED + b" 1\r\na\r\n0\r\n\r\n",
    "chunk space after": CHUNKED + b"1 \r\na\r\n0\r\n\r\n",
    "chunk empty": CHUNKED + b"\r\na\r\n0\r\n\r\n",
    "chunk overflow": CHUNKED + b"10000000000000001\r\na\r\n0\r\n\r\n",
    "chunk bare lf": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "chunk lf in extension": CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n",
    "chunk long extension": CHUNKED + b"1;" + b"a" * 70_000 + b"\r\na\r\n0\r\n\r\n",
    "chunk data too long": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "trailer framing": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    "trailer te": CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """One balancer for all rows: a refusal must leave it as it was."""
    import conftest
    from lib.lab import Lab
    if reason := conftest.why_not():
        pytest.skip(reason)
    world = Lab(tmp_path_factory.mktemp("door"))
    try:
        world.whole = []

        def handler(wire):
            while request := wire.next_request():
                world.whole.append(request)
                wire.respond(200, b"ok")
        world.scripted(handler)
        world.balance("s1", health={"check": "none"}, retries=0)
        yield world
    finally:
        world.end()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_ambiguous_bytes_are_refused_and_reach_no_server(door, row):
    door.whole.clear()
    with door.connect(timeout=4) as wire:
        wire.send(row + GOOD)
        answer = wire.response()
        assert answer.status in (400, 413, 431, 501, 505), answer.first
        assert wire.ends_within(3), "the connection is closed after a framing doubt"
        assert wire.ahead == b"", "one refusal, no second answer"
    # A body's fault shows after its head went on; then the server must not see a whole request.
    assert door.whole == [], [request.first for request in door.whole]
    assert door.ask("/fine").status == 200


LIMITS = {
    "long head": (b"GET / HTTP/1.1\r\n" + H + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "many fields": (b"GET / HTTP/1.1\r\n" + H + b"X: a\r\n" * 120 + b"\r\n", 431),
    "long target": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + H + b"\r\n", 414),
    "endless line": (b"G" * 80_000, 431),
}


@pytest.mark.parametrize("row", LIMITS.values(), ids=LIMITS.keys())
def test_what_is_too_large_is_refused_with_its_own_status(door, row):
    door.whole.clear()
    head, status = row
    with door.connect(timeout=4) as wire:
        wire.send(head)
        assert wire.response().status in (status, 400 if status == 414 else status)
    assert door.whole == []


ACCEPTED = {
    "old": b"GET /old HTTP/1.0\r\n\r\n",
    "absolute": b"GET http://lab/abs HTTP/1.1\r\nHost: lab\r\n\r\n",
    "options star": b"OPTIONS * HTTP/1.1\r\nHost: lab\r\n\r\n",
    "unknown method": b"PROPFIND / HTTP/1.1\r\nHost: lab\r\n\r\n",
    "empty value": b"GET / HTTP/1.1\r\nHost: lab\r\nX:\r\n\r\n",
    "high bytes": b"GET / HTTP/1.1\r\nHost: lab\r\nX: \xe4\xf6\r\n\r\n",
    "crlf before": b"\r\nGET / HTTP/1.1\r\nHost: lab\r\n\r\n",
    "chunked": CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    "upper te": POST + b"Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    "kerberos": b"GET / HTTP/1.1\r\nHost: lab\r\nAuthorization: x " + b"A" * 48_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("row", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_is_legal_passes(door, row):
    door.whole.clear()
    with door.connect(timeout=4) as wire:
        wire.send(row)
        assert wire.response().status == 200
    assert len(door.whole) == 1
