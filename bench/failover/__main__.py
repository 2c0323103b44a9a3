"""Prints what each failure costs, for each product: python3 -m bench.failover --help"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from .keepalived import Keepalived
from .pair import ROOT, Figures, Pair, missing_tools, wait
from .poise import PoisePair
from .scenarios import SCENARIOS

PRODUCTS = {"keepalived-1s": lambda: Keepalived(1.0), "keepalived-100ms": lambda: Keepalived(0.1),
            "keepalived-10ms": lambda: Keepalived(0.01), "poise": PoisePair}
COLUMNS = ("answered", "blackout", "stall", "lost", "failed", "zero", "two", "changes")
HEADS = ("no ARP", "no echo", "stall", "lost", "failed", "zero s", "two s", "changes")


def run_once(product, scenario: str, loss_seconds: int) -> Figures:
    _, act, seconds = SCENARIOS[scenario]
    if scenario.startswith("loss"):
        seconds = loss_seconds
    pair = Pair(Path(tempfile.mkdtemp(prefix="failover-")))
    try:
        product.start(pair)
        active = wait("one node is active", pair.owner, 15)
        pair.watch_now()
        time.sleep(product.settle)
        since = act(product, pair, active)
        time.sleep(max(seconds, 5 * product.settle if scenario in ("kill", "killall") else 0))
        return pair.figures(since)
    finally:
        pair.end()
        shutil.rmtree(pair.folder, ignore_errors=True)


def shown(figures: list[Figures], column: str) -> str:
    values = [getattr(one, column) for one in figures]
    median = statistics.median(values)
    if column in ("lost", "failed", "changes"):
        return f"{median:g}"
    if column in ("zero", "two"):
        return f"{median:.2f}"
    return f"{median * 1000:.0f}" if len(values) == 1 else \
        f"{median * 1000:.0f} ({max(values) * 1000:.0f})"


def print_row(scenario: str, name: str, figures: list[Figures]) -> None:
    cells = [shown(figures, column) for column in COLUMNS]
    print(f"{SCENARIOS[scenario][0]:32}{name:20}" + "".join(f"{cell:>14}" for cell in cells),
          flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", default=",".join(PRODUCTS), help=", ".join(PRODUCTS))
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help=", ".join(SCENARIOS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--loss-seconds", type=int, default=15,
                        help="how long a lossy line is watched: 600 for ten minutes")
    parser.add_argument("--name", default="failover", help="of the file in bench/results")
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    if missing := missing_tools("keepalived"):
        print(f"missing: {', '.join(missing)} (./dev deps)", file=sys.stderr)
        return 1
    print("milliseconds: median (largest); the longest time without an ARP answer, without an echo,"
          "\nand of one TCP connection without progress; datagrams lost; connects failed; "
          "seconds with no\nand with two owners\n")
    print(f"{'':52}" + "".join(f"{head:>14}" for head in HEADS))
    results = {}
    for scenario in chosen.scenarios.split(","):
        for name in chosen.products.split(","):
            product = PRODUCTS[name]()
            figures = [run_once(product, scenario, chosen.loss_seconds)
                       for _ in range(chosen.rounds)]
            results[f"{scenario}/{name}"] = [asdict(one) for one in figures]
            print_row(scenario, product.name, figures)
    output = ROOT / "bench" / "results" / f"{chosen.name}.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
