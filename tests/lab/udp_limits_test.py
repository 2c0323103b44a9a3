"""UDP under attack: a flood of senders that do not exist must not stop those that do."""

import random
import threading
import time

from lib.datagrams import Spoofer
from lib.programs import wait_for


class Flood:
    """Datagrams from ever new addresses, until stopped."""

    def __init__(self, lab, pause: float = 0.0):
        self.spoofer = Spoofer(lab.node("other"), lab.lb.ip)
        # Answers to them are sent, and wait for neighbours that never speak.
        lab.lb.run(["ip", "route", "replace", "10.77.128.0/17", "dev", "eth0"])
        self.pause, self.sent, self.over = pause, 0, threading.Event()
        self.random = random.Random(7)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        lab.keep(self)

    def _run(self) -> None:
        while not self.over.is_set():
            for _ in range(20):
                host = f"10.77.{self.random.randrange(128, 255)}.{self.random.randrange(1, 255)}"
                self.spoofer.send(host, self.random.randrange(1024, 65_535))
                self.sent += 1
            time.sleep(self.pause)

    def stop(self) -> None:
        self.over.set()
        self.thread.join(5)
        self.spoofer.stop()


def test_a_flood_of_spoofed_senders_does_not_stop_established_clients(lab):
    lab.udp_server()
    poise = lab.balance_udp("s1", limits={"udp_sessions": 300})
    clients = [lab.udp_client(timeout=2) for _ in range(10)]
    assert all(client.server() == "s1" for client in clients)

    flood = Flood(lab, pause=0.002)
    lost, ends = 0, time.monotonic() + 4
    asked = 0
    while time.monotonic() < ends:
        for client in clients:
            asked += 1
            lost += client.server() != "s1"
    status = poise.service("web")
    flood.stop()

    assert flood.sent > 3_000 and asked > 300
    assert lost == 0
    assert status["failures"]["udp_sessions_full"] > 1_000
    assert 290 < status["sessions"] <= 302  # one more for each worker at most


def test_a_table_that_was_filled_by_a_flood_takes_new_clients_soon(lab):
    lab.udp_server()
    poise = lab.balance_udp("s1", limits={"udp_sessions": 100})
    old = lab.udp_client()
    assert old.server() == "s1"
    flood = Flood(lab)
    wait_for("it is full", lambda: poise.service("web")["failures"].get("udp_sessions_full"), 5)
    flood.stop()
    with lab.udp_client(timeout=0.2) as fresh:
        assert fresh.server() is None
        start = time.monotonic()
        wait_for("there is room", lambda: fresh.server() == "s1", 10)
        assert time.monotonic() - start < 8  # far below the idle time of a minute
    assert old.server() == "s1"
    told = [line.split() for line in poise.run("why").stdout.splitlines()]
    request = next(words[1] for words in told if "udp_sessions_full" in words)
    assert "limits.udp_sessions" in poise.run("why", request).stdout


def test_a_flood_leaves_descriptors_for_connections(lab):
    lab.udp_server()
    lab.origin("s1")
    poise = lab.serve({"services": {"datagrams": lab.udp_service("s1"),
                                    "web": lab.service("s1")}},
                      node={"workers": 1, "max_connections": 200})
    flood = Flood(lab)
    wait_for("it is at its limit",
             lambda: poise.service("datagrams")["failures"].get("too_many_connections"), 5)
    wires = [lab.connect() for _ in range(60)]
    assert all(wire.ask("GET", "/name").status == 200 for wire in wires)
    flood.stop()
    assert poise.service("datagrams")["sessions"] <= 200


def test_a_server_that_cannot_be_reached_holds_up_nobody(lab):
    lab.udp_server("s1")
    lab.node("s2").link(up=False)
    lab.balance_udp("s1", "s2", settings={"node": {"workers": 1}})
    clients = [lab.udp_client(timeout=1) for _ in range(20)]
    good = 0
    start = time.monotonic()
    for client in clients:
        client.send(b"x")
    for client in clients:
        good += client.receive(0.3) is not None
    assert good == 10
    assert time.monotonic() - start < 5
