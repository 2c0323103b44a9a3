"""The cases of h2spec's sections `http2` 6 to 8: the frames, errors and messages."""

from .frames import (ACK, CANCEL, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM,
                     FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
                     MAX_FRAME_SIZE, PADDED, PING, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
                     RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, setting)
from .h2spec import block, case, request_row, row, word

# 6: the frames.
row("http2/6.1/1", "a DATA frame on stream 0", "connection", PROTOCOL_ERROR,
    frames=frame(DATA, END_STREAM, 0, b"test"))


@case("http2/6.1/3", "a DATA frame with more padding than payload", "connection", PROTOCOL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.send(frame(DATA, END_STREAM | PADDED, stream, b"\x06test"))


row("http2/6.2/1", "a HEADERS frame without END_HEADERS, then PRIORITY", "connection",
    PROTOCOL_ERROR, frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w))
    + frame(PRIORITY, 0, 1, word(0) + b"\xff"))
row("http2/6.2/3", "a HEADERS frame on stream 0", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(HEADERS, END_HEADERS | END_STREAM, 0, block(w)))
row("http2/6.2/4", "a HEADERS frame with too much padding", "connection", PROTOCOL_ERROR,
    frames=lambda w: (lambda b: frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1,
                                      bytes([len(b) + 1]) + b))(block(w)))
row("http2/6.3/1", "a PRIORITY frame on stream 0", "connection", PROTOCOL_ERROR,
    frames=frame(PRIORITY, 0, 0, word(0) + b"\xff"))
row("http2/6.3/2", "a PRIORITY frame of a wrong size", "stream", FRAME_SIZE_ERROR,
    frames=frame(PRIORITY, 0, 1, word(0)))
row("http2/6.4/1", "a RST_STREAM frame on stream 0", "connection", PROTOCOL_ERROR,
    frames=frame(RST_STREAM, 0, 0, word(CANCEL)))
row("http2/6.4/2", "a RST_STREAM frame on an idle stream", "connection", PROTOCOL_ERROR,
    frames=frame(RST_STREAM, 0, 1, word(CANCEL)))


@case("http2/6.4/3", "a RST_STREAM frame of a wrong size", "connection", FRAME_SIZE_ERROR)
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.send(frame(RST_STREAM, 0, stream, b"\0\0\0"))


row("http2/6.5/1", "a SETTINGS frame with ACK and payload", "connection", FRAME_SIZE_ERROR,
    frames=frame(SETTINGS, ACK, 0, b"\0"))
row("http2/6.5/2", "a SETTINGS frame on a stream", "connection", PROTOCOL_ERROR,
    frames=frame(SETTINGS, 0, 1, bytes(6)))
row("http2/6.5/3", "a SETTINGS frame of a wrong size", "connection", FRAME_SIZE_ERROR,
    frames=frame(SETTINGS, 0, 0, bytes(3)))
row("http2/6.5.2/1", "ENABLE_PUSH of 2", "connection", PROTOCOL_ERROR,
    frames=setting((ENABLE_PUSH, 2)))
row("http2/6.5.2/2", "INITIAL_WINDOW_SIZE beyond 2^31-1", "connection", FLOW_CONTROL_ERROR,
    frames=setting((INITIAL_WINDOW_SIZE, 1 << 31)))
row("http2/6.5.2/3", "MAX_FRAME_SIZE below 16384", "connection", PROTOCOL_ERROR,
    frames=setting((MAX_FRAME_SIZE, 16383)))
row("http2/6.5.2/4", "MAX_FRAME_SIZE beyond 2^24-1", "connection", PROTOCOL_ERROR,
    frames=setting((MAX_FRAME_SIZE, 1 << 24)))
row("http2/6.5.2/5", "an unknown setting", "alive", frames=setting((0xff, 1)))
row("http2/6.5.3/2", "SETTINGS are acknowledged", "acknowledged", frames=setting((3, 100)))
row("http2/6.7/1", "a PING frame is answered", "alive", frames=frame(PING, 0, 0, b"h2spec\0\0"))
row("http2/6.7/2", "a PING frame with ACK is not answered", "alive",
    frames=frame(PING, ACK, 0, b"invalid\0"))
row("http2/6.7/3", "a PING frame on a stream", "connection", PROTOCOL_ERROR,
    frames=frame(PING, 0, 1, bytes(8)))
row("http2/6.7/4", "a PING frame of a wrong size", "connection", FRAME_SIZE_ERROR,
    frames=frame(PING, 0, 0, bytes(6)))
row("http2/6.8/1", "a GOAWAY frame on a stream", "connection", PROTOCOL_ERROR,
    frames=frame(GOAWAY, 0, 1, word(0) + word(0)))
row("http2/6.9/2", "a WINDOW_UPDATE of 0 for the connection", "connection", PROTOCOL_ERROR,
    frames=frame(WINDOW_UPDATE, 0, 0, word(0)))


@case("http2/6.9/3", "a WINDOW_UPDATE of 0 for a stream", "stream", PROTOCOL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.send(frame(WINDOW_UPDATE, 0, stream, word(0)))
    return stream


row("http2/6.9/4", "a WINDOW_UPDATE of a wrong size", "connection", FRAME_SIZE_ERROR,
    frames=frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"))


@case("http2/6.9.1/2", "a window of the connection beyond 2^31-1", "connection",
      FLOW_CONTROL_ERROR)
def _(wire):
    wire.send(2 * frame(WINDOW_UPDATE, 0, 0, word(0x7fffffff)))


@case("http2/6.9.1/3", "a window of a stream beyond 2^31-1", "stream", FLOW_CONTROL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.send(2 * frame(WINDOW_UPDATE, 0, stream, word(0x7fffffff)))
    return stream


row("http2/6.9.2/3", "INITIAL_WINDOW_SIZE beyond the largest", "connection", FLOW_CONTROL_ERROR,
    frames=setting((INITIAL_WINDOW_SIZE, 1 << 31)))
row("http2/6.10/1", "several CONTINUATION frames", "served",
    frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w))
    + frame(CONTINUATION, 0, 1, b"") + frame(CONTINUATION, END_HEADERS, 1, b""))
row("http2/6.10/2", "CONTINUATION, then another frame", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w)) + frame(DATA, END_STREAM, 1, b"test"))
row("http2/6.10/3", "a CONTINUATION frame on stream 0", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w))
    + frame(CONTINUATION, END_HEADERS, 0, b""))
row("http2/6.10/4", "CONTINUATION behind END_HEADERS", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(HEADERS, END_HEADERS | END_STREAM, 1, block(w))
    + frame(CONTINUATION, END_HEADERS, 1, block(w)))
row("http2/6.10/5", "CONTINUATION, END_HEADERS, CONTINUATION", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(HEADERS, END_STREAM, 1, block(w))
    + frame(CONTINUATION, END_HEADERS, 1, b"") + frame(CONTINUATION, END_HEADERS, 1, block(w)))


@case("http2/6.10/6", "CONTINUATION behind DATA", "connection", PROTOCOL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.data(stream, b"test")
    wire.send(frame(CONTINUATION, END_HEADERS, stream, block(wire)))


row("http2/7/1", "a GOAWAY frame with an unknown code", "closes",
    frames=frame(GOAWAY, 0, 0, word(0) + word(0xff)))


@case("http2/7/2", "a RST_STREAM frame with an unknown code", "alive")
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.send(frame(RST_STREAM, 0, stream, word(0xff)))


# 8: messages.
@case("http2/8.1/1", "a second HEADERS frame without END_STREAM", "stream", PROTOCOL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.request([("x-test", "ok")], end=False, stream=stream)
    return stream


def with_fields(number, sentence, *extra, **given):
    request_row(number, sentence, "stream", PROTOCOL_ERROR,
                fields=lambda w: w.fields(*extra, **given))


with_fields("http2/8.1.2/1", "a field name with upper case", ("X-TEST", "ok"))
with_fields("http2/8.1.2.1/1", "an unknown pseudo-field", (":test", "ok"))
with_fields("http2/8.1.2.1/2", "a response's pseudo-field", (":status", "200"))


@case("http2/8.1.2.1/3", "a pseudo-field in trailers", "stream", PROTOCOL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(method="POST"), end=False)
    wire.trailers(stream, (":method", "200"))
    return stream


request_row("http2/8.1.2.1/4", "a pseudo-field behind a field", "stream", PROTOCOL_ERROR,
            fields=lambda w: [("x-test", "ok")] + w.fields())
with_fields("http2/8.1.2.2/1", "a connection-specific field", ("connection", "keep-alive"))
with_fields("http2/8.1.2.2/2", "TE with more than trailers", ("te", "trailers, deflate"))
with_fields("http2/8.1.2.3/1", "an empty :path", path="")
with_fields("http2/8.1.2.3/2", "no :method", method=None)
with_fields("http2/8.1.2.3/3", "no :scheme", scheme=None)
with_fields("http2/8.1.2.3/4", "no :path", path=None)
with_fields("http2/8.1.2.3/5", "two :method", (":method", "GET"))
with_fields("http2/8.1.2.3/6", "two :scheme", (":scheme", "http"))
with_fields("http2/8.1.2.3/7", "two :path", (":path", "/"))
request_row("http2/8.1.2.6/1", "a content-length that one DATA frame has not", "stream",
            PROTOCOL_ERROR, fields=lambda w: w.fields(("content-length", "1"), method="POST"),
            end=False, body=b"test")


@case("http2/8.1.2.6/2", "a content-length that several DATA frames have not", "stream",
      PROTOCOL_ERROR)
def _(wire):
    stream = wire.request(wire.fields(("content-length", "1"), method="POST"), end=False)
    wire.data(stream, b"te")
    wire.data(stream, b"st", end=True)
    return stream


row("http2/8.2/1", "a PUSH_PROMISE frame", "connection", PROTOCOL_ERROR,
    frames=lambda w: frame(PUSH_PROMISE, END_HEADERS, 1, word(2) + block(w)))
