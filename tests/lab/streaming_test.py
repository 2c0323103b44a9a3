"""Bodies stream both ways, piece by piece, in constant memory."""

import os
import queue
import threading
import time

import pytest

GIB = float(os.environ.get("POISE_LAB_STREAM_GIB", "2"))  # 10 for the full promise
GROWTH_MB = 24  # what the balancer may grow by, whatever the size of a body


class Memory:
    """Watches a program's resident memory until stopped."""

    def __init__(self, program):
        self.program, self.before, self.largest = program, program.rss_mb(), 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.over.wait(0.05):
            self.largest = max(self.largest, self.program.rss_mb())

    def growth(self) -> float:
        self.over.set()
        self.thread.join(5)
        return self.largest - self.before


@pytest.mark.parametrize("kind", ["bytes", "chunked"])
def test_a_huge_download_streams_in_constant_memory(lab, kind):
    lab.origin("s1")
    poise = lab.balance("s1")
    size = int(GIB * 1024 * 1024) // (1 if kind == "bytes" else 4)
    memory = Memory(poise)

    done = lab.client.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                           f"http://{lab.lb.ip}/{kind}/{size}k"], timeout=60 + 60 * GIB)

    assert done.stdout == str(size * 1024), done.stderr
    assert memory.growth() < GROWTH_MB


def test_a_huge_upload_streams_in_constant_memory(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    megabytes = int(GIB * 256)
    memory = Memory(poise)

    done = lab.client.run(["sh", "-c", f"head -c {megabytes}M /dev/zero | curl -sS -T - "
                           f"http://{lab.lb.ip}/echo"], timeout=60 + 60 * GIB)

    assert f'"length":{megabytes << 20},' in done.stdout, done.stderr
    assert memory.growth() < GROWTH_MB


def test_each_chunk_of_an_answer_arrives_before_the_next_is_sent(lab):
    go = queue.Queue()

    def handler(wire):
        if not wire.next_request():
            return
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while word := go.get(timeout=10):
            wire.send(f"{len(word):x}\r\n{word}\r\n")
        wire.send("0\r\n\r\n")
    lab.scripted(handler)
    lab.balance("s1")
    with lab.connect(timeout=3) as wire:
        wire.request("GET", "/")
        assert wire.head().status == 200, "the head comes before any byte of the body"
        for word in ("a", "PENDING", "x" * 5000):
            go.put(word)
            got = b""
            while len(got) < len(word):
                got += wire.chunk()
            assert got == word.encode()
        go.put("")
        assert wire.chunk() == b""


@pytest.mark.parametrize("chunked", [True, False])
def test_each_piece_of_an_upload_arrives_before_the_next_is_sent(lab, chunked):
    seen = queue.Queue()

    def handler(wire):
        if wire.head():
            for _ in range(3):
                seen.put((wire.chunk() if chunked else wire.take(4)))
            wire.respond(200, b"early")
    lab.scripted(handler)
    lab.balance("s1")
    with lab.connect() as wire:
        framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 12"
        wire.send(f"POST /rpc HTTP/1.1\r\nHost: lab\r\n{framing}\r\n\r\n")
        for word in (b"aaaa", b"bbbb", b"cccc"):
            wire.send(b"4\r\n" + word + b"\r\n" if chunked else word)
            assert seen.get(timeout=3) == word
        if chunked:
            wire.send("0\r\n\r\n")
        assert wire.response().body == b"early"


def test_a_reader_that_stops_stops_the_server(lab):
    sent = [0]

    def handler(wire):
        if wire.next_request():
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                wire.send(b"x" * 65536)
                sent[0] += 65536
    lab.scripted(handler)
    lab.balance("s1")
    with lab.connect() as wire:
        wire.request("GET", "/")
        wire.head()
        before = -1
        while sent[0] != before:  # until nothing moves any more
            before = sent[0]
            time.sleep(0.5)
        assert 0 < sent[0] < 40_000_000, "kernel buffers and ours, not the whole body"
