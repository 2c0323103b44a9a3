"""Servers that speak HTTP/2: gRPC, trailers, shared connections, and what they refuse."""

import threading
import time

import h2.errors
import pytest

from lib.frames import DATA, frame
from lib.http2_server import GrpcEcho, Handler
from lib.programs import wait_for

HTTP2 = {"role": "s1", "http2": True}


def grpc_fields(wire, path="/echo.Echo/Stream"):
    return wire.fields(("content-type", "application/grpc"), ("te", "trailers"), method="POST",
                       path=path)


def test_grpc_streams_both_ways_with_trailers(lab):
    lab.http2_server(GrpcEcho())
    lab.balance(HTTP2, health={"check": "none"})
    with lab.http2() as wire:
        stream = wire.request(grpc_fields(wire), end=False)
        for n in range(20):
            message = b"\0\0\0\0\5" + f"{n:05}".encode()
            before = len(wire.streams[stream].body) if stream in wire.streams else 0
            wire.data(stream, message)
            wire.until(lambda: stream in wire.streams
                       and len(wire.streams[stream].body) == before + len(message))
        wire.trailers(stream, ("x-sent", "yes"))
        answer = wire.answer(stream)
        assert answer.trailers == {"grpc-status": "0", "x-te": "trailers", "x-came": "yes"}


def test_an_http1_client_gets_body_and_trailers(lab):
    lab.http2_server(GrpcEcho())
    lab.balance(HTTP2, health={"check": "none"})
    with lab.connect() as wire:
        wire.send("POST /x HTTP/1.1\r\nHost: lab\r\nTE: trailers\r\nConnection: TE\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sent: yes\r\n\r\n")
        raw = b""
        while b"0\r\n" not in raw or not raw.endswith(b"\r\n\r\n"):
            raw += wire.sock.recv(65536)
        assert b"hello" in raw
        assert b"x-came: yes" in raw


def test_many_requests_share_a_connection(lab):
    server = lab.http2_server(Handler())
    lab.balance(HTTP2, settings={"node": {"workers": 1}}, health={"check": "none"})
    wires = [lab.http2() for _ in range(8)]
    streams = [[wire.request() for _ in range(10)] for wire in wires]
    for wire, asked in zip(wires, streams):
        for stream in asked:
            assert wire.answer(stream).body == b"ok"
        wire.close()
    assert len(server.peers) == 1


def test_the_server_s_limit_of_streams_is_kept(lab):
    class Slow(Handler):
        def __init__(self):
            self.most = 0

        def on_end(self, call):
            running = sum(1 for one in call.peer.calls.values() if not one.body)
            self.most = max(self.most, running)
            call.body = b"answered"
            call.head(200)
            call.send(b"ok", end=True)
    handler = Slow()
    server = lab.http2_server(handler, settings={3: 4})  # MAX_CONCURRENT_STREAMS
    lab.balance(HTTP2, settings={"node": {"workers": 1}}, health={"check": "none"})
    with lab.http2() as wire:
        assert wire.ask().status == 200  # the server's settings have come
        for stream in [wire.request() for _ in range(60)]:
            assert wire.answer(stream).status == 200
    assert server.errors == []


def test_what_the_server_refuses_is_sent_again(lab):
    """REFUSED_STREAM says that nothing was done: even a POST may be repeated (RFC 9113 8.7)."""
    class Refuses(Handler):
        count = 0

        def on_end(self, call):
            Refuses.count += 1
            if Refuses.count == 2:
                call.peer.h2.reset_stream(call.stream, h2.errors.ErrorCodes.REFUSED_STREAM)
                return
            super().on_end(call)
    lab.http2_server(Refuses())
    lab.balance(HTTP2, settings={"node": {"workers": 1}}, health={"check": "none"})
    with lab.http2() as wire:
        assert wire.ask().status == 200
        assert wire.ask(wire.fields(method="POST")).status == 200
    assert Refuses.count == 3


def test_a_goaway_moves_requests_to_another_connection(lab):
    class Leaves(Handler):
        def on_end(self, call):
            super().on_end(call)
            if len(server.peers) == 1:
                call.peer.leave()
    server = lab.http2_server(Leaves())
    lab.balance(HTTP2, settings={"node": {"workers": 1}}, health={"check": "none"})
    with lab.http2() as wire:
        for _ in range(5):
            assert wire.ask(wire.fields(method="POST")).status == 200
    assert len(server.peers) == 2


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_request_that_may_have_been_done_is_not_repeated(lab, how):
    class Breaks(Handler):
        count = 0

        def on_end(self, call):
            Breaks.count += 1
            if how == "reset":
                call.peer.h2.reset_stream(call.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
            else:
                call.peer.sock.shutdown(2)
    Breaks.count = 0
    lab.http2_server(Breaks())
    lab.balance(HTTP2, health={"check": "none"})
    with lab.http2() as wire:
        assert wire.ask(wire.fields(method="POST")).status == 502
    assert Breaks.count == 1


def test_a_cut_answer_is_seen_as_cut(lab):
    class Cuts(Handler):
        def on_end(self, call):
            call.head(200, ("content-length", "100"))
            call.send(b"half")
            call.peer.h2.reset_stream(call.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
    lab.http2_server(Cuts())
    lab.balance(HTTP2, health={"check": "none"})
    with lab.http2() as wire:
        stream = wire.request()
        assert wire.reset_of(stream) == 2
        assert not wire.streams[stream].ended


def test_an_early_answer_ends_an_upload(lab):
    class Early(Handler):
        def on_head(self, call):
            call.head(413)
            call.send(b"too much", end=True)

        def on_end(self, call):
            """Answered already."""
    lab.http2_server(Early())
    lab.balance(HTTP2, health={"check": "none"})
    with lab.http2() as wire:
        stream = wire.request(wire.fields(method="POST"), end=False)
        wire.send(frame(DATA, 0, stream, bytes(1000)))
        wire.until(lambda: stream in wire.streams and wire.streams[stream].body == b"too much")
        assert wire.streams[stream].status == 413


def test_a_silent_server_times_out_and_the_connection_goes_on(lab):
    class Silent(Handler):
        def on_end(self, call):
            if call.fields[":path"] != "/never":
                super().on_end(call)
    server = lab.http2_server(Silent())
    lab.balance(HTTP2, settings={"node": {"workers": 1}}, health={"check": "none"}, retries=0,
                timeouts={"response": "400ms"})
    with lab.http2() as wire:
        assert wire.ask(wire.fields(path="/never")).status == 504
        assert wire.ask().status == 200
    assert len(server.peers) == 1


def test_an_idle_connection_ends_by_its_limit(lab):
    server = lab.http2_server(Handler())
    lab.balance(HTTP2, health={"check": "none"}, timeouts={"keep_alive": "500ms"})
    with lab.http2() as wire:
        assert wire.ask().status == 200
    peer = server.peers[0]
    wait_for("the connection to the server ends", lambda: peer.sock.fileno() == -1, 5)


def test_a_removed_server_s_connections_end_with_their_requests(lab):
    held = threading.Event()

    class Holds(Handler):
        def on_end(self, call):
            call.head(200)
            call.send(b"first")
            threading.Timer(1.0, lambda: (call.send(b"last", end=True), call.peer.flush(),
                                          held.set())).start()
    server = lab.http2_server(Holds())
    lab.origin("s2")
    poise = lab.balance(HTTP2, settings={"node": {"workers": 1}}, health={"check": "none"})
    with lab.http2() as wire:
        stream = wire.request()
        wire.until(lambda: stream in wire.streams and wire.streams[stream].body == b"first")
        poise.write({"services": {"web": lab.service("s2", health={"check": "none"})}})
        assert poise.run("reload").returncode == 0
        assert wire.answer(stream, 5).body == b"firstlast"
        assert wire.ask().body == b"s2\n"
    time.sleep(0.1)
    wait_for("the connection ends", lambda: server.peers[0].sock.fileno() == -1, 5)


def test_a_big_upload_arrives_whole_over_a_full_connection(lab):
    """The sender's output fills and nghttp2 asks for more between two writes of ours."""
    lab.origin("s1")
    inner = {"listen": ":81", "health": "none",
             "servers": [{"address": f"{lab.lb.ip}:80", "http2": True}]}
    lab.serve({"services": {"web": lab.service("s1"), "up": inner}})
    body = lab.folder / "body"
    body.write_bytes(bytes(range(256)) * 120_000)

    for _ in range(12):
        done = lab.client.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
                               "--data-binary", f"@{body}", f"http://{lab.lb.ip}:81/name"])
        assert done.stdout == "200", done.stderr
