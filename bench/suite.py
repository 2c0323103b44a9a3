#!/usr/bin/env python3
"""Compares what a request costs Poise, HAProxy and nginx. All are up at once, before the same
origin, and loaded by turns, each for a fifth of a second: on a machine whose speed changes, only
what was measured in the same seconds compares. Latencies at a rate, memory and the start are
measured of one product after the other, which is alone then."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib import chart, table  # noqa: E402
from bench.lib.by_turns import ProductFailed, Settings, rounds_by_turns  # noqa: E402
from bench.lib.measure import Programs, measure  # noqa: E402
from bench.lib.process import Child, raise_file_limit  # noqa: E402
from bench.lib.products import (LOAD_CORE, find_products, free_ports,  # noqa: E402
                                wait_until_answers)
from bench.lib.rates import saturation  # noqa: E402
from bench.lib.results import OLD, Results  # noqa: E402
from bench.lib.rows import ROWS, choose  # noqa: E402

EXAMPLES = """examples:
  bench/suite.py                                         everything: 5 rounds, about 25 minutes
  bench/suite.py --quick                                 1 short round: does it work at all?
  bench/suite.py --rows c32,c256,1m --rounds 9           some rows
  bench/suite.py --rows c1000 --slice-ms 50              bursts: a request or two of each client
  bench/suite.py --products poise --against OLD/poise    what a change costs
rows: """ + ", ".join(row.name for row in ROWS)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="comma-separated; default all")
    parser.add_argument("--rounds", type=int, default=5, help="default 5; medians are over rounds")
    parser.add_argument("--seconds", type=int, default=2,
                        help="of load for a product in a round; default 2")
    parser.add_argument("--slice-ms", type=int, default=200, help="of a turn; default 200")
    parser.add_argument("--products", default="poise,haproxy,nginx", help="comma-separated")
    parser.add_argument("--quick", action="store_true", help="one round of one-second runs")
    parser.add_argument("--poise", default=str(ROOT / "build/release/poise"), help="the binary")
    parser.add_argument("--against", help="another binary of Poise, shown as \"old\"")
    parser.add_argument("--origin", default=str(ROOT / "build/release/bench/origin"),
                        help="the origin's binary")
    parser.add_argument("--datagrams", default=str(ROOT / "build/release/bench/datagrams"),
                        help="the binary of the datagram load and echo")
    parser.add_argument("--open-loop", default=str(ROOT / "build/release/bench/open_loop"),
                        help="the binary of the load at a rate")
    parser.add_argument("--real-time", action="store_true",
                        help="all at real-time priority (root): for latencies on a shared machine")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results",
                        help="folder for the JSON and the chart")
    parser.add_argument("--name", default="", help="name of the result files; default the time")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 1
    if not 1 <= arguments.rounds <= 100 or not 1 <= arguments.seconds <= 60:
        parser.error("--rounds takes 1 to 100, --seconds 1 to 60")
    if not 10 <= arguments.slice_ms <= 1000:
        parser.error("--slice-ms takes 10 to 1000")
    return arguments


def say_progress(text: str) -> None:
    """In place of the last one, on a terminal only."""
    if sys.stderr.isatty():
        print(f"{text:60}", end="\r", file=sys.stderr, flush=True)


def note_failure(results: Results, row, product: str, error: Exception) -> None:
    results.fail(row.name, product, str(error).strip().partition("\n")[0])
    print(f"{row.name} {product}: {error}", file=sys.stderr)


def run_by_turns(results: Results, row, products, settings: Settings, where: str) -> None:
    """Begins anew when a product fails, the second time without it."""
    left, failed = list(products), set()
    while left:
        try:
            rounds = rounds_by_turns(
                row, left, settings,
                lambda turn: say_progress(f"{where}: round {turn + 1} of {settings.rounds}"))
        except ProductFailed as error:
            if error.product in failed:
                note_failure(results, row, error.product, error)
                left = [product for product in left if product.name != error.product]
            failed.add(error.product)
            continue
        for figures in rounds:
            for name, cell in figures.items():
                results.add(row.name, name, cell)
        return


def run_alone(results: Results, row, products, settings: Settings, folder: Path,
              where: str) -> None:
    """One after the other, in another order each round, so that drift hits all."""
    rate = 0
    for turn in range(settings.rounds):
        say_progress(f"{where}: round {turn + 1} of {settings.rounds}")
        shift = turn % len(products)
        for product in products[shift:] + products[:shift]:
            try:
                if row.kind == "rate" and product is products[shift]:
                    best = saturation(products, row.connections, settings.origin,
                                      settings.seconds, folder, settings.programs.open_loop)
                    rate = max(1, round(best * row.share))
                results.add(row.name, product.name,
                            measure(product, row, settings.origin, settings.seconds, folder,
                                    settings.programs, rate))
            except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                note_failure(results, row, product.name, error)


def run_rows(arguments, rows, products, origin: str, folder: Path) -> Results:
    """Shows each row when it is done."""
    settings = Settings(arguments.rounds, arguments.seconds, arguments.slice_ms / 1000,
                        Programs(arguments.datagrams, arguments.open_loop), origin)
    results = Results(rows, [product.name for product in products])
    for number, row in enumerate(rows, 1):
        where = f"[{number}/{len(rows)}] {row.name}"
        able = []
        for product in products:
            if row.mode in product.modes and product.can(row.mode):
                able.append(product)
            elif row.mode in product.modes:
                results.fail(row.name, product.name, "not built with this mode")
        if row.by_turns:
            run_by_turns(results, row, able, settings, where)
        else:
            run_alone(results, row, able, settings, folder, where)
        say_progress("")
        print(table.render_row(results, row), flush=True)
    return results


def write_files(arguments, results: Results, versions: dict) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    stem = arguments.name or time.strftime("%Y%m%d-%H%M%S")
    settings = {"rounds": arguments.rounds, "seconds": arguments.seconds, "proxy_core": 0,
                "load_core": LOAD_CORE, "workers": 1, "real_time": arguments.real_time,
                "slice_ms": arguments.slice_ms}
    data = results.as_json(settings, versions)
    facts = data["machine"]
    print(f"{facts['cpu']}, {facts['cores']} cores, kernel {facts['kernel']}; "
          f"{arguments.rounds} rounds of {arguments.seconds} s; medians")
    for name, version in versions.items():
        print(f"  {name}: {version}")
    subtitle = (f"CPU us per request unless said; kernel {facts['kernel']}, "
                f"{arguments.rounds} x {arguments.seconds} s")
    (arguments.out / f"{stem}.json").write_text(json.dumps(data, indent=1) + "\n")
    (arguments.out / f"{stem}.svg").write_text(chart.render(results, subtitle))
    print(f"written: {arguments.out / stem}.json and .svg")


def main() -> int:
    arguments = parse_arguments()
    try:
        rows = choose(arguments.rows)
        products = find_products(arguments.products, arguments.poise)
        if arguments.against:
            (old,) = find_products("poise", arguments.against)
            old.name = OLD
            products.append(old)
    except ValueError as error:
        print(f"suite.py: {error}", file=sys.stderr)
        return 2
    for tool in ("wrk", "h2load", "openssl", "taskset", arguments.origin, arguments.datagrams,
                 arguments.open_loop):
        if shutil.which(tool) is None:
            print(f"suite.py: '{tool}' is missing (./dev deps, ./dev build)", file=sys.stderr)
            return 1
    raise_file_limit()
    if arguments.real_time:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # children inherit it
    versions = {product.name: product.version() for product in products}
    with tempfile.TemporaryDirectory(prefix="poise-bench-") as name:
        folder = Path(name)
        (port,) = free_ports(1)
        with Child([arguments.origin, "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   folder / "origin.log") as origin, \
             Child([arguments.datagrams, "echo", "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   folder / "echo.log"):
            wait_until_answers(origin, port)
            results = run_rows(arguments, rows, products, f"127.0.0.1:{port}", folder)
    write_files(arguments, results, versions)
    broken = results.failures or any(results.errors(row.name, product.name) for row in rows
                                     for product in products)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
