"""Who makes a connection work for nothing is sent away, and nobody else feels it."""

import struct
import time

import pytest

from lib.frames import (CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                        HEADERS, INITIAL_WINDOW_SIZE, PING, PRIORITY, RST_STREAM, WINDOW_UPDATE,
                        frame, setting)

FRAMES = 20_000


def word(value: int) -> bytes:
    return struct.pack("!I", value)


def rapid_reset(wire):
    for _ in range(2_000):
        wire.send(frame(RST_STREAM, 0, wire.request(), word(CANCEL)))


def made_you_reset(wire):
    """The server is made to reset: windows beyond the limit (MadeYouReset, CVE-2025-8671)."""
    for _ in range(2_000):
        stream = wire.request(wire.fields(path="/delay/5000"))
        wire.send(2 * frame(WINDOW_UPDATE, 0, stream, word(0x7fffffff)))


def malformed(wire):
    for _ in range(2_000):
        wire.request(wire.fields(("connection", "close")))


def headers_without_end(wire):
    block = wire.encoder.encode(wire.fields())
    wire.send(frame(HEADERS, END_STREAM, 1, block))
    for _ in range(2_000):
        wire.send(frame(CONTINUATION, 0, 1, wire.encoder.encode([("x-fill", "y" * 400)])))


def empty_continuations(wire):
    wire.send(frame(HEADERS, END_STREAM, 1, wire.encoder.encode(wire.fields())))
    for _ in range(100):
        wire.send(frame(CONTINUATION, 0, 1) * 50)


def header_bombs(wire):
    """A field of 4 KiB is kept in the table and named some thousand times in each head."""
    wire.encoder.header_table_size = 4096
    wire.send(frame(HEADERS, END_HEADERS | END_STREAM, wire.new_stream(),
                    wire.encoder.encode(wire.fields(("x-bomb", "y" * 3900)))))
    block = wire.encoder.encode(wire.fields()) + b"\xbe" * 12_000
    for _ in range(200):
        wire.send(frame(HEADERS, END_HEADERS | END_STREAM, wire.new_stream(), block))


def many(payload: bytes):
    def send(wire):
        for _ in range(FRAMES // 500):
            if not wire.send(payload * 500):
                return
    return send


def empty_data(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    many(frame(DATA, 0, stream))(wire)


def tiny_windows(wire):
    """A body that is let through byte by byte."""
    wire.send(setting((INITIAL_WINDOW_SIZE, 0)))
    stream = wire.request(wire.fields(path="/64k"))
    many(frame(WINDOW_UPDATE, 0, stream, word(1)))(wire)


FLOODS = {
    "rapid reset": rapid_reset,
    "MadeYouReset": made_you_reset,
    "malformed requests": malformed,
    "a header block without an end": headers_without_end,
    "empty CONTINUATION frames": empty_continuations,
    "header bombs": header_bombs,
    "SETTINGS": many(setting((INITIAL_WINDOW_SIZE, 65_535))),
    "PING": many(frame(PING, 0, 0, bytes(8))),
    "PRIORITY": many(frame(PRIORITY, 0, 1, word(0) + b"\x10")),
    "unknown frames": many(frame(0x20, 0, 0)),
    "empty DATA frames": empty_data,
    "WINDOW_UPDATE": tiny_windows,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_ended_and_others_are_served(lab, name):
    lab.origin("s1")
    poise = lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})
    assert lab.ask("/1").status == 200
    before = poise.rss_mb()
    with lab.http2() as flooder, lab.http2() as other:
        assert other.ask().status == 200
        FLOODS[name](flooder)
        asked = time.monotonic()
        assert other.ask().status == 200
        waited = time.monotonic() - asked
        code = flooder.end_code(10)

        assert code in (ENHANCE_YOUR_CALM, -1), code  # -1: closed before the word was read
        assert waited < 1.0
        assert poise.rss_mb() - before < 8
        assert other.ask().status == 200
    assert lab.ask("/1").status == 200
    failures = poise.status()["services"][0]["failures"]
    assert failures.get("http2_flood") == 1, failures


def test_a_client_that_does_not_read_holds_little(lab):
    """100 streams of 1 MiB each towards a client that reads none of it."""
    lab.origin("s1")
    poise = lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})
    assert lab.ask("/1m").status == 200
    before = poise.rss_mb()
    with lab.http2((INITIAL_WINDOW_SIZE, 1 << 30)) as wire:
        wire.send(frame(WINDOW_UPDATE, 0, 0, word(1 << 30)))
        for _ in range(100):
            wire.request(wire.fields(path="/1m"))
        time.sleep(1.5)
        assert poise.rss_mb() - before < 20
        assert lab.ask("/1").status == 200
        for stream in range(1, 200, 2):
            assert len(wire.answer(stream, 20).body) == 1 << 20


def test_an_upload_that_the_server_does_not_take_holds_no_more_than_its_window(lab):
    lab.origin("s1")
    poise = lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})
    assert lab.ask("/1").status == 200
    before = poise.rss_mb()
    with lab.http2() as wire:
        for _ in range(64):
            stream = wire.request(wire.fields(method="POST", path="/never"), end=False)
            wire.data(stream, bytes(16_000))
        time.sleep(0.5)
        assert poise.rss_mb() - before < 8
        assert wire.serves()


def test_browsers_may_cancel_all_they_have_asked_for(lab):
    lab.origin("s1")
    lab.balance("s1", health={"check": "none"})
    with lab.http2() as wire:
        for _ in range(2):
            streams = [wire.request(wire.fields(path="/delay/2000")) for _ in range(90)]
            for stream in streams:
                wire.send(frame(RST_STREAM, 0, stream, word(CANCEL)))
            assert wire.ask().status == 200
            time.sleep(1)
        assert wire.goaway is None
