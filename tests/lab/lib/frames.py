"""HTTP/2 by the frame: a client whose every byte the scenario decides."""

import contextlib
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, \
    ENHANCE_YOUR_CALM = range(12)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, \
    MAX_HEADER_LIST_SIZE = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8


class Frame:
    """What came: `type`, `flags`, `stream`, `payload`; `fields` of a whole header block."""

    def __init__(self, kind: int, flags: int, stream: int, payload: bytes):
        self.type, self.flags, self.stream, self.payload = kind, flags, stream, payload
        self.fields: list[tuple[str, str]] = []

    @property
    def error(self) -> int:
        """The code of a RST_STREAM or GOAWAY."""
        return struct.unpack("!I", self.payload[-4:] if self.type == RST_STREAM
                             else self.payload[4:8])[0]

    def __repr__(self):
        return f"<{self.type} flags={self.flags:#x} stream={self.stream} {self.payload[:40]!r}>"


class Response:
    """A stream's answer, as far as it has come."""

    def __init__(self):
        self.heads: list[dict[str, str]] = []
        self.body = b""
        self.ended = False
        self.reset: int | None = None

    @property
    def fields(self) -> dict[str, str]:
        finals = [head for head in self.heads if not head.get(":status", "").startswith("1")]
        return finals[0] if finals else {}

    @property
    def trailers(self) -> dict[str, str]:
        return self.heads[-1] if self.heads and ":status" not in self.heads[-1] else {}

    @property
    def status(self) -> int:
        return int(self.fields.get(":status", 0))


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def setting(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, payload=b"".join(struct.pack("!HI", *pair) for pair in pairs))


class Http2Wire:
    """A connection. Acknowledges SETTINGS and PING by itself unless told not to."""

    def __init__(self, sock, *settings: tuple[int, int], hello: bool = True):
        self.sock = sock
        self.ahead = b""
        self.next_id = 1
        self.quiet = False  # answers nothing by itself
        self.closed = False
        self.goaway: Frame | None = None
        self.settings: dict[int, int] = {}
        self.streams: dict[int, Response] = {}
        self.frames: list[Frame] = []
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.block = b""
        if hello:
            self.send(PREFACE + setting(*settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.close()

    def send(self, data: bytes) -> bool:
        try:
            self.sock.sendall(data)
            return True
        except OSError:
            self.closed = True
            return False

    def fields(self, *extra: tuple[str, str], method="GET", path="/name", authority="lab",
               scheme="http") -> list[tuple[str, str]]:
        pseudo = [(":method", method), (":scheme", scheme), (":path", path),
                  (":authority", authority)]
        return [pair for pair in pseudo if pair[1] is not None] + list(extra)

    def new_stream(self) -> int:
        stream, self.next_id = self.next_id, self.next_id + 2
        return stream

    def request(self, fields=None, end: bool = True, stream: int | None = None) -> int:
        """Sends HEADERS; returns the stream."""
        stream = stream or self.new_stream()
        block = self.encoder.encode(fields if fields is not None else self.fields())
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block))
        return stream

    def data(self, stream: int, payload: bytes, end: bool = False) -> None:
        self.send(frame(DATA, END_STREAM if end else 0, stream, payload))

    def trailers(self, stream: int, *fields: tuple[str, str]) -> None:
        self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream,
                        self.encoder.encode(list(fields))))

    def open_windows(self, stream: int, by: int = 1 << 20) -> None:
        for one in {0, stream}:
            self.send(frame(WINDOW_UPDATE, 0, one, struct.pack("!I", by)))

    def take(self, seconds: float = 3.0) -> Frame | None:
        """The next frame; None when the connection ended or nothing came in time."""
        deadline = time.monotonic() + seconds
        while True:
            if len(self.ahead) >= 9:
                size = int.from_bytes(self.ahead[:3], "big")
                if len(self.ahead) >= 9 + size:
                    kind, flags, stream = struct.unpack("!BBI", self.ahead[3:9])
                    payload, self.ahead = self.ahead[9:9 + size], self.ahead[9 + size:]
                    return self._note(Frame(kind, flags, stream & 0x7fffffff, payload))
            left = deadline - time.monotonic()
            if left <= 0 or self.closed:
                return None
            self.sock.settimeout(left)
            try:
                got = self.sock.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                got = b""
            if not got:
                self.closed = True
            self.ahead += got

    def _note(self, came: Frame) -> Frame:
        self.frames.append(came)
        if came.type == SETTINGS and not came.flags & ACK:
            for at in range(0, len(came.payload), 6):
                key, value = struct.unpack("!HI", came.payload[at:at + 6])
                self.settings[key] = value
            if not self.quiet:
                self.send(frame(SETTINGS, ACK))
        elif came.type == PING and not came.flags & ACK and not self.quiet:
            self.send(frame(PING, ACK, 0, came.payload))
        elif came.type == GOAWAY:
            self.goaway = came
        answer = self.streams.setdefault(came.stream, Response()) if came.stream else None
        if came.type in (HEADERS, CONTINUATION):
            self.block += came.payload
            if came.flags & END_HEADERS:
                came.fields = self.decoder.decode(self.block)
                self.block = b""
                answer.heads.append(dict(came.fields))
        elif came.type == DATA:
            answer.body += came.payload
        elif came.type == RST_STREAM:
            answer.reset = came.error
        if came.type in (HEADERS, DATA) and came.flags & END_STREAM:
            answer.ended = True
        return came

    def until(self, check, seconds: float = 3.0):
        """Takes frames until `check()` holds; returns what it gave, or fails the test."""
        deadline = time.monotonic() + seconds
        while not (result := check()):
            left = deadline - time.monotonic()
            if left <= 0 or (self.take(left) is None and (self.closed or left <= 0)):
                result = check()
                break
        assert result, f"{self.frames[-6:]}, closed: {self.closed}"
        return result

    def answer(self, stream: int, seconds: float = 3.0) -> Response:
        """The whole answer of a stream."""
        self.until(lambda: stream in self.streams and self.streams[stream].ended, seconds)
        return self.streams[stream]

    def ask(self, fields=None, body: bytes | None = None) -> Response:
        stream = self.request(fields, end=body is None)
        if body is not None:
            self.data(stream, body, end=True)
        return self.answer(stream)

    def reset_of(self, stream: int, seconds: float = 3.0) -> int:
        """The code with which the peer resets the stream, or ends the connection."""
        self.until(lambda: self.goaway or self.closed
                   or (stream in self.streams and self.streams[stream].reset is not None), seconds)
        if stream in self.streams and self.streams[stream].reset is not None:
            return self.streams[stream].reset
        return self.goaway.error if self.goaway else -1

    def end_code(self, seconds: float = 3.0) -> int:
        """The code with which the peer ends the connection; -1: closed without a word."""
        self.until(lambda: self.closed, seconds)
        return self.goaway.error if self.goaway else -1

    def serves(self) -> bool:
        """PING is answered, or the peer is gone."""
        self.send(frame(PING, 0, 0, b"poise-ok"))
        self.until(lambda: self.closed or any(
            one.type == PING and one.flags & ACK and one.payload == b"poise-ok"
            for one in self.frames))
        return not self.closed
