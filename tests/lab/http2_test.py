"""HTTP/2 in front of HTTP/1 servers: the same answers, refusals and reports."""

import subprocess
import time

import pytest

from lib.frames import DATA, END_STREAM, HEADERS, PREFACE, WINDOW_UPDATE, frame


@pytest.fixture
def web(lab):
    lab.origin("s1")
    lab.balance("s1", health={"check": "none"})
    return lab


def run(lab, *command: str) -> str:
    with lab.client.inside():
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_and_nghttp_and_h2load_are_served(web):
    url = f"http://{web.lb.ip}"
    assert run(web, "curl", "-s", "--http2-prior-knowledge", "-w", "%{http_version} %{http_code}",
               f"{url}/name") == "s1\n2 200"
    assert len(run(web, "curl", "-s", "--http2-prior-knowledge", f"{url}/1m")) == 1 << 20
    assert "s1" in run(web, "nghttp", f"{url}/name")
    assert "2000 succeeded" in run(web, "h2load", "-n2000", "-c4", "-m32", f"{url}/1k")


def test_the_same_port_speaks_both_versions(web):
    assert web.ask("/name").body == b"s1\n"
    with web.http2() as wire:
        assert wire.ask().body == b"s1\n"


def test_the_preface_may_come_byte_by_byte(web):
    with web.http2(hello=False) as wire:
        for n in range(len(PREFACE)):
            wire.send(PREFACE[n:n + 1])
            time.sleep(0.002)
        wire.send(frame(4))
        assert wire.ask().status == 200


def test_alpn_without_h2_refuses_the_preface(lab):
    lab.origin("s1")
    lab.balance("s1", listen={"address": ":80", "alpn": ["http/1.1"]}, health={"check": "none"})
    with lab.connect() as wire:
        wire.send(PREFACE)
        assert wire.response().status == 505


def test_the_server_sees_what_http1_would_show_it(web):
    with web.http2() as wire:
        fields = wire.fields(("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"),
                             ("x-test", "1"), path="/headers?x=1")
        answer = wire.ask(fields)
    seen = answer.body.decode()
    assert '"a=1; b=2"' in seen
    assert "/headers?x=1" in seen
    for name in ("X-Forwarded-For", "X-Request-Id", "x-test", "Host"):
        assert name in seen, seen


def test_interim_answers_and_trailers_pass(web):
    with web.http2() as wire:
        hints = wire.ask(wire.fields(path="/early-hints"))
        assert [head.get(":status") for head in hints.heads] == ["103", "200"]
        assert wire.ask(wire.fields(("te", "trailers"), path="/trailers")).trailers


def test_a_head_request_has_no_body(web):
    with web.http2() as wire:
        answer = wire.ask(wire.fields(method="HEAD", path="/1k"))
        assert (answer.status, answer.body) == (200, b"")
        assert answer.fields["content-length"] == "1024"


def test_100_continue_passes_end_to_end(lab):
    def handler(wire):
        assert wire.head().get("Expect") == "100-continue"
        wire.send("HTTP/1.1 100 Continue\r\n\r\n")
        assert wire.take(4) == b"body"
        wire.respond(200, b"done")
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"})
    with lab.http2() as wire:
        stream = wire.request(wire.fields(("expect", "100-continue"), ("content-length", "4"),
                                          method="POST"), end=False)
        wire.until(lambda: stream in wire.streams and wire.streams[stream].heads)
        assert wire.streams[stream].heads[0][":status"] == "100"
        wire.data(stream, b"body", end=True)
        assert wire.answer(stream).body == b"done"


@pytest.mark.parametrize("fields, status", [
    ((("x-fill", "y" * 70_000),), 431),
    (tuple((f"x-{n}", "1") for n in range(120)), 431),
    ((("host", "other"),), 400),
    ((("expect", "nothing"),), 417),
])
def test_refusals_are_answers(web, fields, status):
    with web.http2() as wire:
        stream = wire.new_stream()
        block = wire.encoder.encode(wire.fields(*fields))
        pieces = [block[n:n + 16_000] for n in range(0, len(block), 16_000)]
        for n, piece in enumerate(pieces):
            last = 0x4 if n == len(pieces) - 1 else 0
            wire.send(frame(HEADERS if n == 0 else 9, (END_STREAM if n == 0 else 0) | last, stream,
                            piece))
        answer = wire.answer(stream)
        assert answer.status == status
        assert "connection" not in answer.fields
        assert wire.ask().status == 200  # the connection goes on


def test_a_malformed_request_is_explained(web):
    with web.http2() as wire:
        assert wire.reset_of(wire.request(wire.fields(("Upper", "1")))) == 1
    why = web.poise.run("why").stdout
    assert "uppercase_field_name" in why


def test_streams_wait_for_nobody(web):
    """A slow answer holds up no quick one, and a stream that is not read holds up no other."""
    with web.http2() as wire:
        wire.open_windows(0, 10_000_000)
        slow = wire.request(wire.fields(path="/delay/700"))
        big = wire.request(wire.fields(path="/1m"))  # stops at its window
        assert wire.ask().status == 200
        assert not (slow in wire.streams and wire.streams[slow].ended)
        assert not wire.streams[big].ended
        assert wire.answer(slow).status == 200


def test_an_upload_is_streamed_and_its_window_opens(web):
    with web.http2() as wire:
        stream = wire.request(wire.fields(method="POST", path="/echo"), end=False)
        sent, window = 0, 65_535
        while sent < 600_000:
            wire.until(lambda: wire.settings)
            granted = sum(int.from_bytes(one.payload, "big") for one in wire.frames
                          if one.type == WINDOW_UPDATE and one.stream == stream)
            if sent + 16_000 <= wire.settings[4] + granted:
                wire.send(frame(DATA, 0, stream, bytes(16_000)))
                sent += 16_000
            else:
                assert wire.take() is not None
        assert window < sent
        wire.data(stream, b"", end=True)
        assert str(sent) in wire.answer(stream).body.decode()


def test_idle_connections_end_by_their_limits(lab):
    lab.origin("s1")
    lab.balance("s1", health={"check": "none"}, timeouts={"keep_alive": "500ms", "header": "300ms"})
    with lab.http2() as never, lab.http2() as idle, lab.http2() as half:
        assert idle.ask().status == 200
        half.send(frame(HEADERS, END_STREAM, 1, half.encoder.encode(half.fields())))
        for wire in (never, idle, half):
            assert wire.end_code(2) in (0, -1)


def test_a_stop_lets_streams_end(lab):
    lab.origin("s1")
    poise = lab.balance("s1", health={"check": "none"})
    with lab.http2() as wire:
        assert wire.ask().status == 200
        slow = wire.request(wire.fields(path="/delay/1500"))
        time.sleep(0.2)
        poise.signal(15)
        wire.until(lambda: wire.goaway)
        assert wire.goaway.error == 0
        assert wire.answer(slow, 5).status == 200
        wire.until(lambda: wire.closed, 5)
        last = [one for one in wire.frames if one.type == 7][-1]
        assert int.from_bytes(last.payload[:4], "big") == slow


def test_a_reload_moves_kept_connections_and_ends_those_of_lost_listeners(lab):
    lab.origin("s1")
    lab.origin("s2")
    web = lab.service("s1", health={"check": "none"})
    other = lab.service("s1", health={"check": "none"}, listen=":81")
    poise = lab.serve({"services": {"web": web, "other": other}})
    with lab.http2() as wire, lab.http2(port=81) as lost:
        assert wire.ask().body == b"s1\n"
        slow = lost.request(lost.fields(path="/delay/1500"))
        assert lost.serves()
        poise.write({"services": {"web": lab.service("s2", health={"check": "none"})}})
        assert poise.run("reload").returncode == 0
        lost.until(lambda: lost.goaway)
        assert lost.answer(slow, 5).status == 200
        lost.until(lambda: lost.closed, 5)
        assert wire.ask().body == b"s2\n"
        assert wire.goaway is None


def test_ntlm_has_a_connection_of_its_own_and_requests_in_turn(lab):
    from ntlm_test import NtlmServer
    server = NtlmServer()
    lab.scripted(server)
    lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})
    wires = [lab.http2() for _ in range(8)]
    for n, wire in enumerate(wires):
        me = ("x-me", f"user{n}")
        assert wire.ask(wire.fields(me, path="/")).status == 401
        assert wire.ask(wire.fields(me, ("authorization", "NTLM one"), path="/")).status == 401
        answer = wire.ask(wire.fields(me, ("authorization", f"NTLM three:user{n}"), path="/"))
        assert answer.status == 200
    asked = [[wire.request(wire.fields(("x-me", f"user{n}"), path="/")) for _ in range(10)]
             for n, wire in enumerate(wires)]
    for n, wire in enumerate(wires):
        for stream in asked[n]:
            assert wire.answer(stream, 5).body == f"user{n}".encode()
        wire.close()
    assert server.mixed == []
