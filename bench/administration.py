#!/usr/bin/python3
"""What does being watched cost? CPU of the workers a request, and requests a second, with many
event streams and a scrape each second, against the same without them. With --against, what does a
change of the binary cost?

    bench/administration.py                       # needs build/release and wrk
    bench/administration.py --against OLD/poise   # two binaries in turn, nobody watching
"""

import argparse
import contextlib
import http.client
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib.load import run_wrk  # noqa: E402
from bench.lib.process import Child  # noqa: E402
from bench.lib.products import free_ports  # noqa: E402

BUILD = ROOT / "build/release"
CONFIG = """services:
  web: {{listen: "127.0.0.1:{web}", health: none, servers: ["127.0.0.1:{origin}"]}}
"""
NODE = """admin: {{http: "127.0.0.1:{admin}", https: "off", state_dir: state}}
node: {{workers: 1}}
"""


def wait_for(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


class Watchers:
    """`count` readers of the event stream, and a scrape of /metrics each second."""

    def __init__(self, port: int, token: str, count: int):
        self.port, self.token = port, token
        self.events = self.scrapes = 0
        self.over = threading.Event()
        self.sockets = []
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), 5)
            one.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}"
                        "\r\n\r\n".encode())
            self.sockets.append(one)
        self.threads = [threading.Thread(target=run) for run in (self.read, self.scrape)]
        for thread in self.threads:
            thread.start()

    def read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one in self.sockets:
                selector.register(one, selectors.EVENT_READ)
            while not self.over.is_set():
                for key, _ in selector.select(0.2):
                    self.events += key.fileobj.recv(1 << 20).count(b"event: status")

    def scrape(self) -> None:
        while not self.over.wait(1):
            asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            asked.request("GET", "/metrics", headers={"Authorization": f"Bearer {self.token}"})
            answer = asked.getresponse()
            self.scrapes += answer.status == 200 and b"poise_up 1" in answer.read()
            asked.close()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()
        for one in self.sockets:
            one.close()


def cpu_of(pid: int, prefix: str) -> float:
    """Seconds of the threads whose names begin so, by the scheduler's clock."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().startswith(prefix):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def measure(binary: Path, origin: int, folder: Path, seconds: float, streams: int) -> dict:
    """One round with a Poise of its own."""
    web, admin = free_ports(2)
    (folder / "poise.yaml").write_text(CONFIG.format(web=web, origin=origin))
    (folder / "node.yaml").write_text(NODE.format(admin=admin))
    token = subprocess.run([binary, "user", "token", "bench", "--node", "node.yaml"], cwd=folder,
                           capture_output=True, text=True, check=True).stdout.strip() \
        if streams else ""
    command = [str(binary), "serve", "--config", "poise.yaml", "--node", "node.yaml",
               "--control", str(folder / "control.sock")]
    with Child(command, 0, folder / "poise.log", cwd=folder) as poise:
        wait_for(web)
        wait_for(admin)
        watchers = Watchers(admin, token, streams) if streams else None
        try:
            run_wrk(web, "/1k", 32, 1, False, folder)
            pid = poise.process.pid
            before = cpu_of(pid, "poise-w"), cpu_of(pid, "poise-admin")
            result = run_wrk(web, "/1k", 32, seconds, False, folder)
            workers, admin_cpu = (cpu_of(pid, name) - earlier for name, earlier
                                  in zip(("poise-w", "poise-admin"), before))
        finally:
            if watchers:
                watchers.stop()
        if result["status"] or result["timeout"] or result["read"]:
            raise RuntimeError(f"requests failed: {result}")
        if watchers and (watchers.events < streams * seconds / 2 or watchers.scrapes < seconds / 2):
            raise RuntimeError(f"watched too little: {watchers.events} events, "
                               f"{watchers.scrapes} scrapes")
    os.unlink(folder / "users.yaml") if streams else None
    return {"us": workers * 1e6 / result["requests"], "admin": admin_cpu / seconds,
            "rps": result["requests"] * 1e6 / result["micros"]}


def told(name: str, rounds: list[dict]) -> None:
    for key, unit, scale in (("us", "us of the workers a request", 1),
                             ("admin", "% of a core for the administration", 100),
                             ("rps", "requests a second", 1)):
        values = sorted(one[key] * scale for one in rounds)
        print(f"{name:10} {statistics.median(values):10.2f} {unit} "
              f"[{values[0]:.2f} to {values[-1]:.2f}]")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--poise", type=Path, default=BUILD / "poise")
    options.add_argument("--against", type=Path, help="another binary, in turn with the first")
    options.add_argument("--streams", type=int, default=50)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    names = ("old", "new") if given.against else ("alone", "watched")
    rounds: dict[str, list] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (port,) = free_ports(1)
        with Child([str(BUILD / "bench/origin"), "--listen", f"127.0.0.1:{port}"], 1,
                   folder / "origin.log"):
            wait_for(port)
            for _ in range(given.rounds):
                for name in names:
                    binary = given.against if name == "old" else given.poise
                    streams = given.streams if name == "watched" else 0
                    rounds[name].append(measure(binary, port, folder, given.seconds, streams))
    for name in names:
        told(name, rounds[name])
    for key in ("us", "rps"):
        first, second = (statistics.median(one[key] for one in rounds[name]) for name in names)
        print(f"{names[1]} / {names[0]}, {key}: {second / first:.3f}")


if __name__ == "__main__":
    main()
