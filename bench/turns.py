#!/usr/bin/env python3
"""Compares what a request costs Poise and others that are all up at once and loaded by turns, each
for a fifth of a second. On a machine whose speed changes only what was measured in the same seconds
compares: so a ratio is made of each round, and the median of those is told."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib.certificates import make_certificates  # noqa: E402
from bench.lib.measure import ERRORS, Programs, load_of  # noqa: E402
from bench.lib.process import Child, raise_file_limit  # noqa: E402
from bench.lib.products import (LOAD_CORE, Place, Poise, find_products, free_ports,  # noqa: E402
                                wait_until_answers)
from bench.lib.rows import ROWS  # noqa: E402
from bench.lib.slices import Slices  # noqa: E402

BUILD = ROOT / "build/release"
KINDS = ("load", "handshakes")
IDLE_SECONDS = 3
EXAMPLES = """examples:
  bench/turns.py                                        six rows, three minutes
  bench/turns.py --rows c32,h2 --rounds 15
  bench/turns.py --rows c1000 --slice-ms 50             bursts: a request or two of each client
  bench/turns.py --products poise --against OLD/poise   what a change costs
"""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="c32,c256,c1000,tls32,tls256,h2",
                        help="comma-separated, of those of suite.py with a cost a request")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--seconds", type=int, default=2,
                        help="of load a product and round, default 2")
    parser.add_argument("--slice-ms", type=int, default=200, help="of a turn, default 200")
    parser.add_argument("--products", default="poise,haproxy,nginx",
                        help="comma-separated; ratios are to the first")
    parser.add_argument("--poise", default=str(BUILD / "poise"), help="the binary")
    parser.add_argument("--against", help="another binary of Poise, shown as \"old\"")
    arguments = parser.parse_args()
    known = {row.name: row for row in ROWS}
    arguments.chosen = [known.get(name.strip()) for name in arguments.rows.split(",")]
    if None in arguments.chosen or any(row.kind not in KINDS for row in arguments.chosen):
        parser.error("--rows takes " + ", ".join(r.name for r in ROWS if r.kind in KINDS))
    if not 1 <= arguments.rounds <= 100:
        parser.error("--rounds takes 1 to 100")
    if not 1 <= arguments.seconds <= 60:
        parser.error("--seconds takes 1 to 60")
    if not 10 <= arguments.slice_ms <= 1000:
        parser.error("--slice-ms takes 10 to 1000")
    return arguments


@dataclass
class Runner:
    """A product that is up, and its load."""

    name: str
    proxy: Child
    load: object
    idle: float = 0.0  # CPU seconds a second without load: checks, and what watches over it


def start(product, row, origin: str, slices: Slices, stack: ExitStack) -> Runner:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poise-turns-")))
    place = Place(*free_ports(6), origin, folder, key_kind=row.key_kind if row.tls else "")
    if row.tls:
        make_certificates(folder)
    proxy = stack.enter_context(product.start(place))
    wait_until_answers(proxy, place.http_port)
    programs = Programs(str(BUILD / "bench/datagrams"), str(BUILD / "bench/open_loop"))
    return Runner(product.name, proxy, load_of(row, place, programs, run=slices.run))


def note_idle(runners: list[Runner]) -> None:
    before = [runner.proxy.cpu_seconds() for runner in runners]
    time.sleep(IDLE_SECONDS)
    for runner, since in zip(runners, before):
        runner.idle = (runner.proxy.cpu_seconds() - since) / IDLE_SECONDS


def round_of(runners: list[Runner], slices: Slices, seconds: int) -> dict[str, float]:
    """CPU us a request of each, of the time in which it was loaded. Raises RuntimeError when
    something failed."""
    before = [runner.proxy.cpu_seconds() for runner in runners]
    results = slices.drive([runner.load for runner in runners], seconds)
    costs = {}
    for runner, since, result in zip(runners, before, results):
        if sum(result.get(kind, 0) for kind in ERRORS) > 0 or result["requests"] == 0:
            raise RuntimeError(f"{runner.name}: {result}")
        of_others = runner.idle * seconds * (len(runners) - 1)
        cost = runner.proxy.cpu_seconds() - since - of_others
        costs[runner.name] = cost * 1e6 / result["requests"]
    return costs


def compare(row, products, arguments: argparse.Namespace, origin: str) -> None:
    """Prints a line a product."""
    slices = Slices(arguments.slice_ms / 1000)
    with ExitStack() as stack:
        runners = [start(product, row, origin, slices, stack) for product in products
                   if row.mode in product.modes and product.can(row.mode)]
        slices.drive([runner.load for runner in runners], arguments.seconds)  # to warm up
        note_idle(runners)
        rounds = []
        for turn in range(arguments.rounds):
            shift = turn % len(runners)
            rounds.append(round_of(runners[shift:] + runners[:shift], slices, arguments.seconds))
    print(row.title)
    own = runners[0].name
    for runner in runners:
        costs = [costs[runner.name] for costs in rounds]
        line = f"  {runner.name:10}{statistics.median(costs):9.1f} us   ({min(costs):.1f} - " \
               f"{max(costs):.1f})"
        if runner is not runners[0]:
            ratios = [costs[own] / costs[runner.name] for costs in rounds]
            line += f"   {own} / {runner.name}: {statistics.median(ratios):.2f} " \
                    f"({min(ratios):.2f} - {max(ratios):.2f})"
        print(line, flush=True)


def main() -> int:
    arguments = parse_arguments()
    raise_file_limit()
    try:
        products = find_products(arguments.products, arguments.poise)
        if arguments.against:
            old = Poise(arguments.against)
            old.name = "old"
            products.append(old)
        with tempfile.TemporaryDirectory(prefix="poise-turns-") as name:
            (port,) = free_ports(1)
            with Child([str(BUILD / "bench/origin"), "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                       Path(name) / "origin.log") as origin:
                wait_until_answers(origin, port)
                for row in arguments.chosen:
                    compare(row, products, arguments, f"127.0.0.1:{port}")
    except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"turns.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
