"""No connection keeps its worker from all others, whatever comes over it."""

import statistics
import threading
import time

import pytest

pytestmark = pytest.mark.alone

SECONDS = 2
MEDIAN_MAX = 0.15  # of others' requests; without fairness it is close to a second


class Flood:
    """Connections that send `block` as fast as it is taken and read what comes, for a while."""

    def __init__(self, lab, count: int, block: bytes):
        self.ends = time.monotonic() + SECONDS
        self.wires = [lab.connect(port=81) for _ in range(count)]
        self.threads = [threading.Thread(target=work, args=(wire,), daemon=True)
                        for wire in self.wires
                        for work in (lambda wire: self.send(wire, block), self.read)]
        for thread in self.threads:
            thread.start()

    def send(self, wire, block):
        try:
            while time.monotonic() < self.ends:
                wire.send(block)
        except OSError:
            pass

    def read(self, wire):
        try:
            while time.monotonic() < self.ends and wire.sock.recv(1 << 20):
                pass
        except OSError:
            pass

    def end(self):
        for wire in self.wires:
            wire.reset()
        for thread in self.threads:
            thread.join(5)


def median_of_others(lab) -> float:
    times = []
    end = time.monotonic() + SECONDS - 0.3
    while time.monotonic() < end:
        began = time.monotonic()
        assert lab.ask("/name").status == 200
        times.append(time.monotonic() - began)
    return statistics.median(times)


def serve_beside(lab, role: str):
    """`web` on port 80 and, on the same worker, `other` on port 81."""
    other = lab.service(role, health={"check": "none"}) | {"listen": ":81"}
    lab.serve({"services": {"web": lab.service("s1"), "other": other}},
              node={"workers": 1})
    assert lab.ask("/name").status == 200


def test_pipelined_requests_that_need_no_server(lab):
    lab.origin("s1")
    serve_beside(lab, "s2")  # where nobody listens
    flood = Flood(lab, 10, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)

    median = median_of_others(lab)

    flood.end()
    assert median < MEDIAN_MAX


def test_a_server_that_floods_interim_responses(lab):
    def storm(wire):
        wire.next_request()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            wire.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2000)
    lab.origin("s1")
    lab.scripted(storm, "s2")
    serve_beside(lab, "s2")
    flood = Flood(lab, 4, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    median = median_of_others(lab)

    flood.end()
    assert median < MEDIAN_MAX
