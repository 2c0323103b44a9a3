#!/usr/bin/env python3
"""Does Poise grow? Mixed load for as long as wanted, in turns: HTTP/1.1, new connections, TLS,
handshakes, HTTP/2, large bodies, datagrams, clients that stay, that break off, that are refused,
and a reload at the end of each. Resident memory is sampled there; told is its growth after the
warm-up."""

import argparse
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib.certificates import make_certificates  # noqa: E402
from bench.lib.handshakes import run_handshakes  # noqa: E402
from bench.lib.idle import IdleClients  # noqa: E402
from bench.lib.load import run_datagrams, run_h2load, run_wrk  # noqa: E402
from bench.lib.measure import ERRORS  # noqa: E402
from bench.lib.process import Child, raise_file_limit  # noqa: E402
from bench.lib.products import (LOAD_CORE, PROXY_CORE, free_ports,  # noqa: E402
                                wait_until_answers)
from bench.lib.results import write_figures  # noqa: E402
from bench.lib.rows import Row  # noqa: E402

BUILD = ROOT / "build/release"
EXAMPLES = """examples:
  bench/memory.py                   an hour
  bench/memory.py --minutes 5       does it work, and is there a gross leak?
"""
CONFIG = """certificates:
  - {{cert: ec.crt, key: ec.key}}
services:
  web:
    listen: ["127.0.0.1:{http}", {{address: "127.0.0.1:{tls}", tls: true}}]
    servers: [{{address: "127.0.0.1:{origin}", weight: {weight}}}]
  plain: {{protocol: tcp, listen: "127.0.0.1:{tcp}", servers: ["127.0.0.1:{origin}"]}}
  datagrams: {{protocol: udp, listen: "127.0.0.1:{udp}", servers: ["127.0.0.1:{origin}"]}}
"""
NODE = """admin: {{http: "127.0.0.1:{admin}", https: "off", state_dir: state}}
node: {{workers: 1}}
"""
BROKEN_OFF = [b"", b"GET /1", b"GET /1m HTTP/1.1\r\nHost: bench\r\n\r\n",
              b"POST /echo HTTP/1.1\r\nHost: bench\r\nContent-Length: 100000\r\n\r\nhalf"]
REFUSED = b"GET /1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
AT_RESET = struct.pack("ii", 1, 0)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="default 60")
    parser.add_argument("--warm-up", type=float, default=0.2,
                        help="part of the time whose samples do not count; default 0.2")
    parser.add_argument("--seconds", type=int, default=2, help="of each kind of load; default 2")
    parser.add_argument("--poise", default=str(BUILD / "poise"), help="the binary")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="for the JSON")
    arguments = parser.parse_args()
    if not 0 < arguments.minutes <= 24 * 60 or not 0 <= arguments.warm_up < 0.9 \
            or not 1 <= arguments.seconds <= 60:
        parser.error("--minutes takes up to 1440, --warm-up 0 to 0.9, --seconds 1 to 60")
    return arguments


class Bed:
    """Poise, its file, and the ports of both."""

    def __init__(self, folder: Path, poise: str, origin: int):
        self.folder = folder
        self.ports = dict(zip(("http", "tls", "tcp", "udp", "admin"), free_ports(5)),
                          origin=origin)
        self.weight = 100
        make_certificates(folder)
        (folder / "node.yaml").write_text(NODE.format(**self.ports))
        self.write_file()
        self.poise = Child([poise, "serve", "--config", "poise.yaml", "--node", "node.yaml",
                            "--control", str(folder / "control.sock")], PROXY_CORE,
                           folder / "poise.log", cwd=folder)

    def write_file(self) -> None:
        self.weight = 300 - self.weight  # 200, 100, 200, ...
        (self.folder / "poise.yaml").write_text(CONFIG.format(weight=self.weight, **self.ports))

    def reload(self) -> None:
        self.write_file()
        self.poise.process.send_signal(signal.SIGHUP)

    def break_off(self) -> None:
        """Clients that go away at every stage, half of them by a reset."""
        for turn in range(200):
            with socket.create_connection(("127.0.0.1", self.ports["http"]), timeout=5) as client:
                client.sendall(BROKEN_OFF[turn % len(BROKEN_OFF)])
                if turn % 8 < 4:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_RESET)

    def be_refused(self) -> None:
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", self.ports["http"]), timeout=5) as client:
                client.sendall(REFUSED)
                if not client.recv(4096).startswith(b"HTTP/1.1 400"):
                    raise RuntimeError("a request with two Host fields was not refused")

    def stay(self) -> None:
        for port, tls in ((self.ports["http"], False), (self.ports["tls"], True)):
            with IdleClients(port, 500, tls) as clients:
                if clients.errors:
                    raise RuntimeError(f"{clients.errors} clients could not stay")


def turn(bed: Bed, seconds: int) -> tuple[int, int]:
    """All kinds of load once. Returns how many requests were answered, and how many failed."""
    port, folder, datagram = bed.ports, bed.folder, Row("udp", "", connections=64)
    results = [
        run_wrk(port["http"], "/1k", 64, seconds, False, folder),
        run_wrk(port["http"], "/chunked/20k", 256, seconds, False, folder),
        run_wrk(port["http"], "/1k", 32, seconds, True, folder),
        run_wrk(port["tls"], "/1k", 64, seconds, False, folder, tls=True),
        run_wrk(port["tls"], "/1k", 32, seconds, True, folder, tls=True),
        run_handshakes(port["tls"], True, seconds),
        run_h2load(port["http"], "/1k", 4, 32, seconds),
        run_h2load(port["tls"], "/64k", 4, 32, seconds, tls=True),
        run_wrk(port["http"], "/1m", 16, seconds, False, folder),
        run_wrk(port["tls"], "/1m", 16, seconds, False, folder, tls=True),
        run_wrk(port["tcp"], "/64k", 32, seconds, False, folder),
        run_datagrams(str(BUILD / "bench/datagrams"), port["udp"], datagram, seconds)]
    bed.break_off()
    bed.be_refused()
    bed.stay()
    bed.reload()
    time.sleep(2)  # what ends with the old generation has ended
    return (sum(result["requests"] for result in results),
            sum(result.get(kind, 0) for result in results for kind in ERRORS))


def sample_all(bed: Bed, arguments) -> list[dict]:
    began = time.monotonic()
    samples: list[dict] = []
    while (passed := time.monotonic() - began) < arguments.minutes * 60 or len(samples) < 3:
        requests, failed = turn(bed, arguments.seconds)
        if not bed.poise.alive():
            raise RuntimeError("Poise has ended:\n" + bed.poise.tail())
        samples.append({"seconds": round(time.monotonic() - began, 1), "requests": requests,
                        "failed": failed, "rss_kb": bed.poise.rss_bytes() // 1024})
        print(f"{passed / 60:6.1f} min: {samples[-1]['rss_kb'] / 1024:7.2f} MiB after "
              f"{sum(one['requests'] for one in samples):>10} requests"
              + (f"; {failed} failed" if failed else ""), flush=True)
    return samples


def growth(samples: list[dict], warm_up: float) -> dict:
    """Of the samples after the warm-up: the line through all of them, and the medians of their
    first and last thirds."""
    counted = [one for one in samples if one["seconds"] >= warm_up * samples[-1]["seconds"]]
    seconds, rss = [one["seconds"] for one in counted], [one["rss_kb"] for one in counted]
    third = max(1, len(rss) // 3)
    slope = statistics.linear_regression(seconds, rss).slope if len(rss) > 1 else 0
    requests = sum(one["requests"] for one in counted)
    grown = statistics.median(rss[-third:]) - statistics.median(rss[:third])
    return {"samples": len(rss), "requests": requests, "kb_per_hour": round(slope * 3600, 1),
            "first_third_kb": statistics.median(rss[:third]),
            "last_third_kb": statistics.median(rss[-third:]), "grown_kb": grown,
            "smallest_kb": min(rss), "largest_kb": max(rss)}


def main() -> int:
    arguments = parse_arguments()
    tools = ("wrk", "h2load", "openssl", "taskset", arguments.poise, str(BUILD / "bench/origin"),
             str(BUILD / "bench/datagrams"))
    for tool in tools:
        if shutil.which(tool) is None:
            print(f"memory.py: '{tool}' is missing (./dev deps, ./dev build)", file=sys.stderr)
            return 1
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="poise-memory-") as name:
        folder, (port,) = Path(name), free_ports(1)
        with Child([str(BUILD / "bench/origin"), "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   folder / "origin.log"), \
             Child([str(BUILD / "bench/datagrams"), "echo", "--listen", f"127.0.0.1:{port}"],
                   LOAD_CORE, folder / "echo.log"):
            bed = Bed(folder, arguments.poise, port)
            with bed.poise:
                wait_until_answers(bed.poise, bed.ports["http"])
                try:
                    samples = sample_all(bed, arguments)
                except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                    print(f"memory.py: {error}", file=sys.stderr)
                    return 1
    found = growth(samples, arguments.warm_up)
    print(f"after the warm-up, {found['samples']} turns and {found['requests']} requests: "
          f"{found['first_third_kb'] / 1024:.2f} MiB in the first third, "
          f"{found['last_third_kb'] / 1024:.2f} in the last: {found['grown_kb']:+.0f} KiB; "
          f"line through all: {found['kb_per_hour']:+.0f} KiB an hour")
    write_figures(arguments.out, "memory", {"growth": found, "samples": samples})
    return 0


if __name__ == "__main__":
    sys.exit(main())
