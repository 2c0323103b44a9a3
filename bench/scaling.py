#!/usr/bin/env python3
"""What does a second worker cost, and what does it bring? CPU a request of Poise with one worker
and with two, at the same rate, and with one worker at half of it: the load that each of two has.
And how many full TLS handshakes a second they do with a large RSA key, which costs clients next
to nothing, so that both cores are the workers': beside what the second core brings two processes
that have nothing to do with each other."""

import argparse
import concurrent.futures
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib.certificates import make_certificate  # noqa: E402
from bench.lib.handshakes import run_handshakes  # noqa: E402
from bench.lib.load import run_open_loop  # noqa: E402
from bench.lib.measure import ERRORS, WARM_UP_SECONDS  # noqa: E402
from bench.lib.process import Child, raise_file_limit  # noqa: E402
from bench.lib.products import (LOAD_CORE, PROXY_CORE, free_ports,  # noqa: E402
                                wait_until_accepts, wait_until_answers)
from bench.lib.results import write_figures  # noqa: E402

BUILD = ROOT / "build/release"
EXAMPLES = """examples:
  bench/scaling.py                              about three minutes
  bench/scaling.py --rate 4000 --rounds 9
  bench/scaling.py --key-bits 0                 without handshakes
"""
CLIENTS = 8  # that shake hands one time after another
SIGNING_BITS = 7680  # the largest that `openssl speed` has below 15360


@dataclass(frozen=True)
class Case:
    name: str
    workers: int
    share: float  # of the rate and of the connections


CASES = [Case("1 worker, half the load", 1, 0.5), Case("1 worker, all of it", 1, 1),
         Case("2 workers, all of it", 2, 1)]
HALF, ONE, TWO = (case.name for case in CASES)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=8000, help="requests a second; default 8000")
    parser.add_argument("--connections", type=int, default=256, help="of clients; default 256")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--seconds", type=int, default=3, help="of each run; default 3")
    parser.add_argument("--key-bits", type=int, default=8192,
                        help="of the handshakes' RSA key; default 8192, 0: none are done")
    parser.add_argument("--poise", default=str(BUILD / "poise"), help="the binary")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="for the JSON")
    arguments = parser.parse_args()
    if not 2 <= arguments.rate <= 200_000 or not 2 <= arguments.connections <= 10_000 \
            or not 1 <= arguments.rounds <= 100 or not 1 <= arguments.seconds <= 60:
        parser.error("--rate takes 2 to 200000, --connections 2 to 10000, --rounds 1 to 100, "
                     "--seconds 1 to 60")
    if arguments.key_bits != 0 and not 2048 <= arguments.key_bits <= 16384:
        parser.error("--key-bits takes 2048 to 16384, or 0")
    return arguments


def worker_seconds(pid: int) -> list[float]:
    """CPU time of each worker, by the scheduler's clock."""
    taken = []
    for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
        with contextlib.suppress(OSError):  # some end soon after the start
            if (task / "comm").read_text().startswith("poise-w"):
                taken.append(int((task / "schedstat").read_text().split()[0]) / 1e9)
    return taken


def spread_workers(pid: int, workers: int) -> None:
    """Each of two has a core of its own. Their threads may be about to start only."""
    deadline = time.monotonic() + 10
    while len(worker_seconds(pid)) < workers:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{workers} workers were to start")
        time.sleep(0.01)
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # some end soon after the start
            name = (task / "comm").read_text().strip()
            os.sched_setaffinity(int(task.name), {LOAD_CORE if name == "poise-w1" else PROXY_CORE})


def handshakes_per_second(workers: int, arguments, origin: str, folder: Path) -> float:
    """The clients are on the second core beside one worker, and on both beside two."""
    (port,) = free_ports(1)
    command = [arguments.poise, "proxy", "--workers", str(workers), "--listen",
               f"127.0.0.1:{port}", "--to", origin, "--tls-cert", str(folder / "large.crt"),
               "--tls-key", str(folder / "large.key")]
    with Child(command, PROXY_CORE, folder / "poise.log") as poise:
        wait_until_accepts(poise, port)
        spread_workers(poise.process.pid, workers)
        cores = str(LOAD_CORE) if workers == 1 else f"{PROXY_CORE},{LOAD_CORE}"
        began = time.perf_counter()  # s_time goes on to the end of a second
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            runs = [clients.submit(run_handshakes, port, False, arguments.seconds, cores=cores)
                    for _ in range(CLIENTS)]
            results = [one.result() for one in runs]
        taken = time.perf_counter() - began
    if any(one["status"] for one in results):
        raise RuntimeError("a handshake that should have been full was resumed")
    return sum(one["requests"] for one in results) / taken


def signatures_per_second(processes: int, seconds: int) -> float:
    """What the machine itself has to give: processes that share nothing sign, each on its core."""
    cores = str(PROXY_CORE) if processes == 1 else f"{PROXY_CORE},{LOAD_CORE}"
    done = subprocess.run(["taskset", "-c", cores, "openssl", "speed", "-mr", "-elapsed",
                           "-seconds", str(seconds), "-multi", str(processes),
                           f"rsa{SIGNING_BITS}"],
                          capture_output=True, text=True, timeout=4 * seconds + 30, check=False)
    # Of all processes: signatures a second, then verifications.
    sums = re.search(rf"^\+F2:\d+:{SIGNING_BITS}:([\d.]+):", done.stdout, re.MULTILINE)
    if not sums:
        raise RuntimeError(f"openssl speed failed: {(done.stdout + done.stderr).strip()[-400:]}")
    return float(sums.group(1))


def measure(case: Case, arguments, origin: str, folder: Path) -> dict:
    (port,) = free_ports(1)
    command = [arguments.poise, "proxy", "--workers", str(case.workers), "--listen",
               f"127.0.0.1:{port}", "--to", origin]
    with Child(command, PROXY_CORE, folder / "poise.log") as poise:
        wait_until_answers(poise, port)
        spread_workers(poise.process.pid, case.workers)

        def run(seconds: int) -> dict:
            return run_open_loop(str(BUILD / "bench/open_loop"), port, "/1k",
                                 round(arguments.connections * case.share),
                                 round(arguments.rate * case.share), seconds)

        run(WARM_UP_SECONDS)
        before = worker_seconds(poise.process.pid)
        result = run(arguments.seconds)
        taken = [now - then for now, then in zip(worker_seconds(poise.process.pid), before)]
    return {"cpu_us": sum(taken) * 1e6 / max(1, result["requests"]),
            "busier_share": max(taken) / sum(taken), "p99_ms": result["p99"] / 1000,
            "errors": sum(result.get(kind, 0) for kind in ERRORS)}


def told(found: dict[str, list[dict]]) -> dict[str, float]:
    """Prints a line a case and the two ratios; returns the ratios."""
    medians = {}
    print(f"{'':26}{'CPU us/req':>11}{'(min - max)':>18}{'p99 ms':>9}{'errors':>8}")
    for name, cells in found.items():
        values = sorted(cell["cpu_us"] for cell in cells)
        medians[name] = statistics.median(values)
        p99 = statistics.median(cell["p99_ms"] for cell in cells)
        print(f"{name:26}{medians[name]:>11.1f}{f'({values[0]:.1f} - {values[-1]:.1f})':>18}"
              f"{p99:>9.2f}{sum(cell['errors'] for cell in cells):>8}")
    busier = statistics.median(cell["busier_share"] for cell in found[TWO])
    ratios = {"same_rate": medians[TWO] / medians[ONE],
              "same_load_a_worker": medians[TWO] / medians[HALF]}
    print(f"2 workers / 1, same rate: {ratios['same_rate']:.2f}; same load a worker: "
          f"{ratios['same_load_a_worker']:.2f}; the busier of two had {busier:.0%}")
    return ratios


def told_handshakes(shaken: dict[int, list[float]], signed: dict[int, list[float]],
                    key_bits: int) -> dict[str, float]:
    """Prints a line a number of workers and of processes, and the ratios; returns these."""
    for workers, rates in shaken.items():
        print(f"{workers} worker(s): {statistics.median(rates):.1f} full handshakes a second with "
              f"RSA-{key_bits} ({min(rates):.1f} - {max(rates):.1f})")
    for processes, rates in signed.items():
        print(f"{processes} process(es) of openssl speed: {statistics.median(rates):.1f} "
              f"signatures a second with RSA-{SIGNING_BITS} ({min(rates):.1f} - {max(rates):.1f})")
    grown = [two / one for one, two in zip(shaken[1], shaken[2])]
    machine = [two / one for one, two in zip(signed[1], signed[2])]
    ratios = {"handshakes": statistics.median(grown), "machine": statistics.median(machine)}
    print(f"2 workers / 1: {ratios['handshakes']:.2f} times as many ({min(grown):.2f} - "
          f"{max(grown):.2f}); 2 processes that share nothing / 1: {ratios['machine']:.2f} "
          f"({min(machine):.2f} - {max(machine):.2f})")
    return ratios


def main() -> int:
    arguments = parse_arguments()
    for program in ("taskset", "openssl", arguments.poise, BUILD / "bench/origin",
                    BUILD / "bench/open_loop"):
        if shutil.which(program) is None:
            print(f"scaling.py: '{program}' is missing (./dev build release)", file=sys.stderr)
            return 1
    raise_file_limit()
    found: dict[str, list[dict]] = {case.name: [] for case in CASES}
    shaken: dict[int, list[float]] = {1: [], 2: []}
    signed: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="poise-scaling-") as name:
        folder, (port,) = Path(name), free_ports(1)
        if arguments.key_bits:
            print(f"making an RSA key of {arguments.key_bits} bits", flush=True)
            make_certificate(folder, "large", ["-newkey", f"rsa:{arguments.key_bits}"])
        with Child([str(BUILD / "bench/origin"), "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   folder / "origin.log") as origin:
            wait_until_answers(origin, port)
            for turn in range(arguments.rounds):
                for case in CASES[turn % 3:] + CASES[:turn % 3]:
                    found[case.name].append(
                        measure(case, arguments, f"127.0.0.1:{port}", folder))
                if arguments.key_bits:
                    for number in (1, 2) if turn % 2 else (2, 1):
                        shaken[number].append(handshakes_per_second(
                            number, arguments, f"127.0.0.1:{port}", folder))
                        signed[number].append(signatures_per_second(number, arguments.seconds))
    ratios = told(found)
    if arguments.key_bits:
        ratios |= told_handshakes(shaken, signed, arguments.key_bits)
    write_figures(arguments.out, "scaling",
                  {"rate": arguments.rate, "ratios": ratios, "cells": found, "handshakes": shaken,
                   "signatures": signed})
    return 1 if any(cell["errors"] for cells in found.values() for cell in cells) else 0


if __name__ == "__main__":
    sys.exit(main())
