#!/usr/bin/env python3
"""Counts what a request costs in user space: instructions of a worker, by callgrind. Unlike times,
the figure does not depend on the hour or on who else uses the machine."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib import callgrind, instruction_bounds  # noqa: E402
from bench.lib.process import Child  # noqa: E402
from bench.lib.products import (LOAD_CORE, Poise, Product, find_products,  # noqa: E402
                                free_ports, wait_until_answers)
from bench.lib.results import machine_facts  # noqa: E402

TOOLS = {"valgrind": "valgrind", "h2load": "nghttp2-client", "strip": "binutils",
         "openssl": "openssl"}
EXAMPLES = """examples:
  bench/instructions.py                               Poise, HAProxy and nginx: two minutes
  bench/instructions.py --products poise --against OLD/poise    what a change costs
  bench/instructions.py --products poise --rows h2 --keep /tmp  then callgrind_annotate FILE
  bench/instructions.py --check                       Poise against bench/instructions.json (CI)
  bench/instructions.py --rows h2 --update            write that file anew
rows: """ + ", ".join(f"{row.name} ({row.title})" for row in callgrind.ROWS)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="comma-separated; default all")
    parser.add_argument("--products", default="", help="default poise,haproxy,nginx")
    parser.add_argument("--poise", default=str(ROOT / "build/release/poise"), help="the binary")
    parser.add_argument("--against", default="", help="another binary of Poise, shown as \"old\"")
    parser.add_argument("--origin", default=str(ROOT / "build/release/bench/origin"),
                        help="the origin's binary")
    parser.add_argument("--keep", type=Path, help="folder for the profiles")
    parser.add_argument("--check", action="store_true",
                        help="Poise alone; fails when a row grew by more than a quarter")
    parser.add_argument("--update", action="store_true", help="Poise alone; writes what it counts")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results",
                        help="folder for the JSON")
    parser.add_argument("--name", default="", help="name of the JSON; default the time")
    arguments = parser.parse_args()
    alone = arguments.check or arguments.update
    if alone and (arguments.products not in ("", "poise") or arguments.against):
        parser.error("--check and --update are about Poise alone")
    arguments.products = arguments.products or ("poise" if alone else "poise,haproxy,nginx")
    return arguments


def chosen_products(arguments: argparse.Namespace) -> list[Product]:
    products = find_products(arguments.products, arguments.poise)
    if arguments.against:
        old = Poise(arguments.against)
        old.name = "old"
        products.append(old)
    return products


def count_all(arguments, rows, products, origin: str) -> dict[str, dict[str, int]]:
    """Instructions by row and product; what failed is told, and is missing."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        print(f"{row.title}", flush=True)
        for product in products:
            if not product.can(row.mode):
                print(f"  {product.name:9} not built with this mode")
                continue
            try:
                found = callgrind.instructions_per_request(product, row, origin, arguments.keep)
            except (RuntimeError, OSError) as error:
                print(f"! {product.name:9} {error}")
                continue
            counts.setdefault(row.name, {})[product.name] = found
            print(f"  {product.name:9}{found:>9} instructions a request", flush=True)
        print_ratio(counts.get(row.name, {}))
    return counts


def print_ratio(found: dict[str, int]) -> None:
    if "poise" not in found:
        return
    rivals = [found[name] for name in ("haproxy", "nginx") if name in found]
    if rivals:
        print(f"  poise / better rival: {found['poise'] / min(rivals):.2f}")
    if "old" in found:
        print(f"  poise / old: {found['poise'] / found['old']:.3f}")


def write_json(arguments, counts: dict, products: list[Product]) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    stem = arguments.name or time.strftime("instructions-%Y%m%d-%H%M%S")
    data = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine_facts(),
            "versions": {product.name: product.version() for product in products},
            "instructions": counts}
    (arguments.out / f"{stem}.json").write_text(json.dumps(data, indent=1) + "\n")
    print(f"written: {arguments.out / stem}.json")


def check(rows, counts: dict) -> bool:
    """Prints a line "holds" or "broken" for each row, which ./dev counts."""
    expected = instruction_bounds.load()
    good = True
    for row in rows:
        counted = counts.get(row.name, {}).get("poise")
        if counted is None:
            holds, said = False, f"{row.name}: could not be counted"
        else:
            holds, said = instruction_bounds.judge(row.name, expected.get(row.name), counted)
        print(f"{'holds' if holds else 'broken'} instructions of {row.name}")
        if said:
            print(said)
        good = good and holds
    return good


def main() -> int:
    arguments = parse_arguments()
    try:
        rows = callgrind.choose(arguments.rows)
        products = chosen_products(arguments)
    except ValueError as error:
        print(f"instructions.py: {error}", file=sys.stderr)
        return 2
    for tool, package in TOOLS.items() | {(arguments.origin, "./dev build release origin")}:
        if shutil.which(tool) is None:
            print(f"instructions.py: '{tool}' is missing ({package})", file=sys.stderr)
            return 1
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="poise-bench-") as name:
        (port,) = free_ports(1)
        with Child([arguments.origin, "--listen", f"127.0.0.1:{port}"], LOAD_CORE,
                   Path(name) / "origin.log") as origin:
            wait_until_answers(origin, port)
            counts = count_all(arguments, rows, products, f"127.0.0.1:{port}")
    complete = all(product.name in counts.get(row.name, {}) for row in rows for product in products
                   if product.can(row.mode))
    if arguments.check:
        return 0 if check(rows, counts) else 1
    if arguments.update:
        instruction_bounds.save({row: found["poise"] for row, found in counts.items()})
        print(f"written: {instruction_bounds.FILE}")
    else:
        write_json(arguments, counts, products)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
