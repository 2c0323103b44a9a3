#!/usr/bin/env python3
"""What does a second worker cost? CPU a request of Poise with one worker and with two, at the same
rate, and with one worker at half of it: the load that each of the two has."""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib.load import run_open_loop  # noqa: E402
from bench.lib.measure import ERRORS, WARM_UP_SECONDS  # noqa: E402
from bench.lib.process import Child, raise_file_limit  # noqa: E402
from bench.lib.products import (LOAD_CORE, PROXY_CORE, free_ports,  # noqa: E402
                                wait_until_answers)
from bench.lib.results import write_figures  # noqa: E402

BUILD = ROOT / "build/release"
EXAMPLES = """examples:
  bench/scaling.py                              about a minute
  bench/scaling.py --rate 4000 --rounds 9
"""


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
    parser.add_argument("--poise", default=str(BUILD / "poise"), help="the binary")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="for the JSON")
    arguments = parser.parse_args()
    if not 2 <= arguments.rate <= 200_000 or not 2 <= arguments.connections <= 10_000 \
            or not 1 <= arguments.rounds <= 100 or not 1 <= arguments.seconds <= 60:
        parser.error("--rate takes 2 to 200000, --connections 2 to 10000, --rounds 1 to 100, "
                     "--seconds 1 to 60")
    return arguments


def worker_seconds(pid: int) -> list[float]:
    """CPU time of each worker, by the scheduler's clock."""
    return [int((task / "schedstat").read_text().split()[0]) / 1e9
            for task in sorted(Path(f"/proc/{pid}/task").iterdir())
            if (task / "comm").read_text().startswith("poise-w")]


def measure(case: Case, arguments, origin: str, folder: Path) -> dict:
    (port,) = free_ports(1)
    command = [arguments.poise, "proxy", "--workers", str(case.workers), "--listen",
               f"127.0.0.1:{port}", "--to", origin]
    with Child(command, PROXY_CORE, folder / "poise.log") as poise:
        wait_until_answers(poise, port)
        # Each of two workers has a core of its own; the load is on the second one in all cases.
        for task in Path(f"/proc/{poise.process.pid}/task").iterdir():
            name = (task / "comm").read_text().strip()
            os.sched_setaffinity(int(task.name),
                                 {LOAD_CORE if name == "poise-w1" else PROXY_CORE})

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


def main() -> int:
    arguments = parse_arguments()
    for program in ("taskset", arguments.poise, BUILD / "bench/origin", BUILD / "bench/open_loop"):
        if shutil.which(program) is None:
            print(f"scaling.py: '{program}' is missing (./dev build release)", file=sys.stderr)
            return 1
    raise_file_limit()
    found: dict[str, list[dict]] = {case.name: [] for case in CASES}
    with tempfile.TemporaryDirectory(prefix="poise-scaling-") as name:
        folder, (port,) = Path(name), free_ports(1)
        with Child([str(BUILD / "bench/origin"), "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   folder / "origin.log") as origin:
            wait_until_answers(origin, port)
            for turn in range(arguments.rounds):
                for case in CASES[turn % 3:] + CASES[:turn % 3]:
                    found[case.name].append(
                        measure(case, arguments, f"127.0.0.1:{port}", folder))
    ratios = told(found)
    write_figures(arguments.out, "scaling",
                  {"rate": arguments.rate, "ratios": ratios, "cells": found})
    return 1 if any(cell["errors"] for cells in found.values() for cell in cells) else 0


if __name__ == "__main__":
    sys.exit(main())
