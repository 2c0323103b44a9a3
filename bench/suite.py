#!/usr/bin/env python3
"""Runs Poise, HAProxy and nginx in turn against the same origin and compares what they cost."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import chart, table  # noqa: E402
from lib.measure import Programs, measure  # noqa: E402
from lib.process import Child, raise_file_limit  # noqa: E402
from lib.products import LOAD_CORE, find_products, free_port, wait_until_answers  # noqa: E402
from lib.rates import saturation  # noqa: E402
from lib.results import Results  # noqa: E402
from lib.rows import ROWS, choose  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = """examples:
  bench/suite.py                                    everything: 5 rounds, about 15 minutes
  bench/suite.py --quick                            1 short round: does it work at all?
  bench/suite.py --rows c32,c256,1m --rounds 3      some rows
  bench/suite.py --products haproxy,nginx           the rivals alone
rows: """ + ", ".join(row.name for row in ROWS)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="comma-separated; default all")
    parser.add_argument("--rounds", type=int, default=5, help="default 5; medians are over rounds")
    parser.add_argument("--seconds", type=int, default=4, help="of each run; default 4")
    parser.add_argument("--products", default="poise,haproxy,nginx", help="comma-separated")
    parser.add_argument("--quick", action="store_true", help="one round of one-second runs")
    parser.add_argument("--poise", default=str(ROOT / "build/release/poise"), help="the binary")
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
    if not 1 <= arguments.rounds <= 100 or not 1 <= arguments.seconds <= 600:
        parser.error("--rounds takes 1 to 100, --seconds 1 to 600")
    return arguments


def run_rounds(arguments, rows, products, origin: str, folder: Path) -> Results:
    """Interleaves the products, and changes their order each round, so that drift hits all."""
    programs = Programs(arguments.datagrams, arguments.open_loop)
    rates = [row for row in rows if row.kind == "rate"]
    results = Results(rows, [product.name for product in products])
    total = arguments.rounds * len(rows) * len(products)
    count = 0
    for turn in range(arguments.rounds):
        best = saturation(products, rates[0].connections, origin, arguments.seconds, folder,
                          programs.open_loop) if rates else 0
        for row in rows:
            shift = turn % len(products)
            for product in products[shift:] + products[:shift]:
                count += 1
                print(f"[{count}/{total}] round {turn + 1}: {row.name:8} {product.name:8}",
                      end="\r", file=sys.stderr, flush=True)
                if row.mode not in product.modes:
                    continue
                if not product.can(row.mode):
                    results.fail(row.name, product.name, "not built with this mode")
                    continue
                try:
                    results.add(row.name, product.name,
                                measure(product, row, origin, arguments.seconds, folder,
                                        programs, max(1, round(best * row.share))))
                except (RuntimeError, OSError) as error:
                    results.fail(row.name, product.name, str(error).splitlines()[0])
                    print(f"\n{row.name} {product.name}: {error}", file=sys.stderr)
    print(" " * 60, end="\r", file=sys.stderr)
    return results


def write_files(arguments, results: Results, versions: dict) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    stem = arguments.name or time.strftime("%Y%m%d-%H%M%S")
    settings = {"rounds": arguments.rounds, "seconds": arguments.seconds, "proxy_core": 0,
                "load_core": LOAD_CORE, "workers": 1, "real_time": arguments.real_time}
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
    except ValueError as error:
        print(f"suite.py: {error}", file=sys.stderr)
        return 2
    for tool in ("wrk", "taskset", arguments.origin, arguments.datagrams, arguments.open_loop):
        if shutil.which(tool) is None:
            print(f"suite.py: '{tool}' is missing (./dev deps, ./dev build)", file=sys.stderr)
            return 1
    raise_file_limit()
    if arguments.real_time:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # children inherit it
    versions = {product.name: product.version() for product in products}
    with tempfile.TemporaryDirectory(prefix="poise-bench-") as name:
        folder = Path(name)
        port = free_port()
        with Child([arguments.origin, "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   folder / "origin.log") as origin, \
             Child([arguments.datagrams, "echo", "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   folder / "echo.log"):
            wait_until_answers(origin, port)
            results = run_rounds(arguments, rows, products, f"127.0.0.1:{port}", folder)
    print(table.render(results))
    write_files(arguments, results, versions)
    broken = results.failures or any(results.errors(row.name, product.name) for row in rows
                                     for product in products)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
