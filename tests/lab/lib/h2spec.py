"""The cases of h2spec's sections `generic` and `http2` up to 5, by its numbers: what is sent, and
how the server must take it. `served`: the request is answered; `stream`: that stream is reset;
`connection`: GOAWAY with one of the codes, or the connection is closed."""

import struct
from dataclasses import dataclass, field
from typing import Callable

from .frames import (CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM,
                     FRAME_SIZE_ERROR, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITY,
                     PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED,
                     WINDOW_UPDATE, WITH_PRIORITY, Http2Wire, frame, setting)

CASES: list["Case"] = []


@dataclass
class Case:
    number: str
    sentence: str
    send: Callable[[Http2Wire], int | None]
    outcome: str
    codes: tuple[int, ...] = ()
    hello: bool = True
    settings: tuple = field(default_factory=tuple)


def case(number: str, sentence: str, outcome: str, *codes: int, hello: bool = True, settings=()):
    def keep(send):
        CASES.append(Case(number, sentence, send, outcome, codes, hello, settings))
        return send
    return keep


def row(number: str, sentence: str, outcome: str, *codes: int, frames) -> None:
    """A case that is nothing but bytes, given or made from the wire."""
    def send(wire):
        wire.send(frames(wire) if callable(frames) else frames)
        return 1
    CASES.append(Case(number, sentence, send, outcome, codes))


def request_row(number: str, sentence: str, outcome: str, *codes: int, fields, end=True,
                body=None) -> None:
    """A request with the given fields."""
    def send(wire):
        stream = wire.request(fields(wire), end=end)
        if body is not None:
            wire.data(stream, body, end=True)
        return stream
    CASES.append(Case(number, sentence, send, outcome, codes))


def block(wire, *extra, **given) -> bytes:
    return wire.encoder.encode(wire.fields(*extra, **given))


def word(value: int) -> bytes:
    return struct.pack("!I", value)


# generic: what every server must do.
@case("generic/1/1", "a client preface", "settings", hello=False)
def _(wire):
    wire.send(PREFACE + setting())


row("generic/2/1", "a PRIORITY frame on an idle stream", "alive",
    frames=frame(PRIORITY, 0, 1, word(0) + b"\x10"))


@case("generic/2/2", "a WINDOW_UPDATE on a half-closed (remote) stream", "served")
def _(wire):
    stream = wire.request()
    wire.send(frame(WINDOW_UPDATE, 0, stream, word(1)))
    return stream


@case("generic/2/3", "a PRIORITY frame on a half-closed (remote) stream", "served")
def _(wire):
    stream = wire.request()
    wire.send(frame(PRIORITY, 0, stream, word(0) + b"\x10"))
    return stream


@case("generic/2/4", "a RST_STREAM on a half-closed (remote) stream", "alive")
def _(wire):
    wire.send(frame(RST_STREAM, 0, wire.request(), word(CANCEL)))


@case("generic/2/5", "a PRIORITY frame on a closed stream", "alive")
def _(wire):
    wire.answer(stream := wire.request())
    wire.send(frame(PRIORITY, 0, stream, word(0) + b"\x10"))


@case("generic/3.1/1", "one DATA frame", "served")
def _(wire):
    wire.data(stream := wire.request(wire.fields(method="POST"), end=False), b"x", end=True)
    return stream


@case("generic/3.1/2", "several DATA frames", "served")
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.data(stream, b"x")
    wire.data(stream, b"y", end=True)
    return stream


@case("generic/3.1/3", "a DATA frame with padding", "served")
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.send(frame(DATA, END_STREAM | PADDED, stream, b"\x04test" + bytes(4)))
    return stream


row("generic/3.2/1", "a HEADERS frame", "served",
    frames=lambda w: frame(HEADERS, END_HEADERS | END_STREAM, 1, block(w)))
row("generic/3.2/2", "a HEADERS frame with padding", "served",
    frames=lambda w: frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1,
                           b"\x04" + block(w) + bytes(4)))
row("generic/3.2/3", "a HEADERS frame with priority", "served",
    frames=lambda w: frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1,
                           word(0) + b"\x10" + block(w)))
for number, weight, parent in (("1", 1, 0), ("2", 256, 0), ("3", 16, 3), ("4", 16, 0x80000000)):
    row(f"generic/3.3/{number}", f"a PRIORITY frame, weight {weight}, parent {parent:#x}", "alive",
        frames=frame(PRIORITY, 0, 1, word(parent) + bytes([weight - 1])))
row("generic/3.5/1", "a SETTINGS frame", "acknowledged", frames=setting())
row("generic/3.7/1", "a PING frame", "alive", frames=frame(PING, 0, 0, bytes(8)))
row("generic/3.8/1", "a GOAWAY frame", "closes", frames=frame(GOAWAY, 0, 0, word(0) + word(0)))
row("generic/3.9/1", "a WINDOW_UPDATE of the connection", "alive",
    frames=frame(WINDOW_UPDATE, 0, 0, word(1)))


@case("generic/3.10/1", "a CONTINUATION frame", "served")
def _(wire):
    whole = block(wire)
    wire.send(frame(HEADERS, END_STREAM, 1, whole[:3])
              + frame(CONTINUATION, END_HEADERS, 1, whole[3:]))
    return 1


@case("generic/3.10/2", "several CONTINUATION frames", "served")
def _(wire):
    whole = block(wire)
    wire.send(frame(HEADERS, END_STREAM, 1, whole[:3]) + frame(CONTINUATION, 0, 1, whole[3:5])
              + frame(CONTINUATION, END_HEADERS, 1, whole[5:]))
    return 1


for number, method in (("1", "GET"), ("2", "HEAD"), ("3", "POST")):
    request_row(f"generic/4/{number}", f"a {method} request", "served",
                fields=lambda w, m=method: w.fields(method=m))


@case("generic/4/4", "a POST request with trailers", "served")
def _(wire):
    stream = wire.request(wire.fields(("trailer", "x-test"), method="POST"), end=False)
    wire.data(stream, b"test")
    wire.trailers(stream, ("x-test", "ok"))
    return stream


# 3.5 and 4: the connection's start and the frames' form.
@case("http2/3.5/2", "an invalid preface", "connection", PROTOCOL_ERROR, hello=False)
def _(wire):
    wire.send(b"INVALID CONNECTION PREFACE\r\n\r\n")


row("http2/4.1/1", "a frame of unknown type", "alive", frames=frame(0x16, 0, 0, bytes(8)))
row("http2/4.1/2", "a frame with undefined flags", "alive", frames=frame(PING, 0x16, 0, bytes(8)))
row("http2/4.1/3", "a frame with the reserved bit", "alive",
    frames=frame(PING, 0, 0x80000000, bytes(8)))


@case("http2/4.2/1", "a DATA frame of the largest size", "served")
def _(wire):
    wire.data(stream := wire.request(wire.fields(method="POST"), end=False), bytes(16384), True)
    return stream


@case("http2/4.2/2", "a DATA frame beyond the largest size", "stream", FRAME_SIZE_ERROR)
def _(wire):
    wire.data(stream := wire.request(wire.fields(method="POST"), end=False), bytes(16385), True)
    return stream


row("http2/4.2/3", "a HEADERS frame beyond the largest size", "connection", FRAME_SIZE_ERROR,
    frames=frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes(16385)))
row("http2/4.3/1", "an invalid header block fragment", "connection", COMPRESSION_ERROR,
    frames=frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
row("http2/4.3/2", "a PRIORITY frame within a header block", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w))
    + frame(PRIORITY, 0, 1, word(0) + b"\x10") + frame(CONTINUATION, END_HEADERS, 1))
row("http2/4.3/3", "a HEADERS frame to another stream within a header block", "connection",
    PROTOCOL_ERROR, frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w))
    + frame(HEADERS, END_HEADERS | END_STREAM, 3, block(w)))

# 5: streams.
row("http2/5.1/1", "idle: a DATA frame", "connection", PROTOCOL_ERROR,
    frames=frame(DATA, END_STREAM, 1, b"test"))
row("http2/5.1/2", "idle: a RST_STREAM frame", "connection", PROTOCOL_ERROR,
    frames=frame(RST_STREAM, 0, 1, word(CANCEL)))
row("http2/5.1/3", "idle: a WINDOW_UPDATE frame", "connection", PROTOCOL_ERROR,
    frames=frame(WINDOW_UPDATE, 0, 1, word(100)))
row("http2/5.1/4", "idle: a CONTINUATION frame", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(CONTINUATION, END_HEADERS, 1, block(w)))


@case("http2/5.1/5", "half closed (remote): a DATA frame", "stream", STREAM_CLOSED)
def _(wire):
    wire.data(stream := wire.request(wire.fields(path="/delay/1000")), b"test", True)
    return stream


@case("http2/5.1/6", "half closed (remote): a HEADERS frame", "stream", STREAM_CLOSED)
def _(wire):
    stream = wire.request(wire.fields(path="/delay/1000"))
    return wire.request(stream=stream)


@case("http2/5.1/7", "half closed (remote): a CONTINUATION frame", "stream", STREAM_CLOSED,
      PROTOCOL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(path="/delay/1000"))
    wire.send(frame(CONTINUATION, END_HEADERS, stream, block(wire)))
    return stream


def closed_by_reset(wire) -> int:
    stream = wire.request(wire.fields(path="/delay/1000"), end=False)
    wire.send(frame(RST_STREAM, 0, stream, word(CANCEL)))
    return stream


@case("http2/5.1/8", "closed by RST_STREAM: a DATA frame", "stream", STREAM_CLOSED)
def _(wire):
    wire.data(stream := closed_by_reset(wire), b"test", True)
    return stream


@case("http2/5.1/9", "closed by RST_STREAM: a HEADERS frame", "stream", STREAM_CLOSED)
def _(wire):
    return wire.request(stream=closed_by_reset(wire))


@case("http2/5.1/10", "closed by RST_STREAM: a CONTINUATION frame", "stream", STREAM_CLOSED,
      PROTOCOL_ERROR)
def _(wire):
    wire.send(frame(CONTINUATION, END_HEADERS, stream := closed_by_reset(wire), block(wire)))
    return stream


@case("http2/5.1/11", "closed: a DATA frame", "connection", STREAM_CLOSED)
def _(wire):
    wire.answer(stream := wire.request())
    wire.data(stream, b"test", True)


@case("http2/5.1/12", "closed: a HEADERS frame", "connection", STREAM_CLOSED)
def _(wire):
    wire.answer(stream := wire.request())
    wire.request(stream=stream)


@case("http2/5.1/13", "closed: a CONTINUATION frame", "connection", STREAM_CLOSED, PROTOCOL_ERROR)
def _(wire):
    wire.answer(stream := wire.request())
    wire.send(frame(CONTINUATION, END_HEADERS, stream, block(wire)))


@case("http2/5.1.1/1", "an even stream number", "connection", PROTOCOL_ERROR)
def _(wire):
    wire.request(stream=2)


@case("http2/5.1.1/2", "a stream number below the last one", "connection", PROTOCOL_ERROR)
def _(wire):
    wire.answer(wire.request(stream=5))
    wire.request(stream=3)


@case("http2/5.1.2/1", "more streams than may be at once", "stream", PROTOCOL_ERROR,
      REFUSED_STREAM)
def _(wire):
    wire.until(lambda: wire.settings)
    for _ in range(wire.settings[3]):
        wire.request(wire.fields(method="POST"), end=False)
    return wire.request(wire.fields(method="POST"), end=False)


row("http2/5.3.1/1", "a HEADERS frame that depends on itself", "stream", PROTOCOL_ERROR,
    frames=lambda w: frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1,
                           word(1) + b"\xff" + block(w)))
row("http2/5.3.1/2", "a PRIORITY frame that depends on itself", "stream", PROTOCOL_ERROR,
    frames=frame(PRIORITY, 0, 1, word(1) + b"\xff"))
row("http2/5.4.1/1", "an invalid PING frame ends the connection", "connection", FRAME_SIZE_ERROR,
    frames=frame(PING, 0, 0, bytes(6)))
row("http2/5.5/1", "an unknown extension frame", "alive", frames=frame(0x16, 0, 0, bytes(8)))
row("http2/5.5/2", "an unknown extension frame within a header block", "connection",
    PROTOCOL_ERROR, frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w))
    + frame(0x16, 0, 0, bytes(8)))
