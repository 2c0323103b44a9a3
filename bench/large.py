#!/usr/bin/env python3
"""What does a large configuration cost? Time to the first answer, resident memory and CPU a request
with one service of ten servers, with a thousand of them, and with ten thousand servers of one."""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib.load import run_wrk  # noqa: E402
from bench.lib.measure import ERRORS, WARM_UP_SECONDS  # noqa: E402
from bench.lib.process import Child, raise_file_limit  # noqa: E402
from bench.lib.products import (LOAD_CORE, PROXY_CORE, free_ports,  # noqa: E402
                                wait_until_answers)
from bench.lib.results import write_figures  # noqa: E402
from bench.scaling import worker_seconds  # noqa: E402

BUILD = ROOT / "build/release"
CONNECTIONS = 32
EXAMPLES = """examples:
  bench/large.py                  about two minutes
  bench/large.py --rounds 9
"""


@dataclass(frozen=True)
class Case:
    name: str
    services: int
    servers: int  # of each
    checked: bool = False  # as by default, every server by a TCP connection


SMALL = Case("1 service, 10 servers", 1, 10)
MANY = Case("1000 services, 10 servers each", 1000, 10)
CHECKED = Case("the same with health checks", 1000, 10, True)
WIDE = Case("1 service, 10000 servers", 1, 10_000)
CASES = [SMALL, MANY, CHECKED, WIDE]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--seconds", type=int, default=2, help="of each load; default 2")
    parser.add_argument("--poise", default=str(BUILD / "poise"), help="the binary")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="for the JSON")
    arguments = parser.parse_args()
    if not 1 <= arguments.rounds <= 100 or not 1 <= arguments.seconds <= 60:
        parser.error("--rounds takes 1 to 100, --seconds 1 to 60")
    return arguments


def config(case: Case, port: int, origin: int) -> str:
    """Every server is the one origin, by an address of its own."""
    lines = [] if case.checked else ["defaults: {health: none}"]
    lines.append("services:")
    for service in range(case.services):
        first = service * case.servers
        servers = ", ".join(f'"127.1.{one // 250}.{one % 250 + 1}:{origin}"'
                            for one in range(first, first + case.servers))
        lines.append(f'  s{service}: {{listen: "127.2.{service // 250}.{service % 250 + 1}:{port}",'
                     f' servers: [{servers}]}}')
    # The load comes to the last one.
    last = f"127.2.{(case.services - 1) // 250}.{(case.services - 1) % 250 + 1}:{port}"
    text = "\n".join(lines) + "\n"
    return text.replace(f'listen: "{last}"', f'listen: "127.0.0.1:{port}"')


def measure(case: Case, arguments, origin: int, folder: Path) -> dict:
    (port,) = free_ports(1)
    (folder / "poise.yaml").write_text(config(case, port, origin))
    (folder / "node.yaml").write_text('node: {workers: 1, control: "control.sock"}\n'
                                      'admin: {http: "off", https: "off"}\n')
    command = [arguments.poise, "serve", "--config", "poise.yaml", "--node", "node.yaml"]
    with Child(command, PROXY_CORE, folder / "poise.log", folder) as poise:
        first = wait_until_answers(poise, port)
        time.sleep(1)
        status = Path(f"/proc/{poise.process.pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) * 1024

        def run(seconds: float) -> dict:
            return run_wrk(port, "/1k", CONNECTIONS, seconds, False, folder, False)

        run(WARM_UP_SECONDS)
        before = sum(worker_seconds(poise.process.pid))
        result = run(arguments.seconds)
        taken = sum(worker_seconds(poise.process.pid)) - before
    return {"start_ms": first * 1e3, "resident": resident,
            "cpu_us": taken * 1e6 / max(1, result["requests"]),
            "errors": sum(result.get(kind, 0) for kind in ERRORS)}


def told(found: dict[str, list[dict]]) -> dict[str, float]:
    """Prints a line a case, and what follows from them; returns the latter."""
    def median(case: Case, key: str) -> float:
        return statistics.median(cell[key] for cell in found[case.name])

    print(f"{'':32}{'first answer ms':>16}{'RSS MB':>9}{'CPU us/req':>12}"
          f"{'/ small (min - max)':>22}")
    for case in CASES:
        ratios = sorted(cell["cpu_us"] / small["cpu_us"]
                        for cell, small in zip(found[case.name], found[SMALL.name]))
        print(f"{case.name:32}{median(case, 'start_ms'):>16.0f}"
              f"{median(case, 'resident') / 1e6:>9.1f}{median(case, 'cpu_us'):>12.1f}"
              f"{statistics.median(ratios):>8.2f} ({ratios[0]:.2f} - {ratios[-1]:.2f})")
    a_server = (median(WIDE, "resident") - median(SMALL, "resident")) / (WIDE.servers - 10)
    a_service = (median(MANY, "resident") - median(WIDE, "resident")) / (MANY.services - 1)
    print(f"bytes of RSS a server: {a_server:.0f}; a service beside its servers: {a_service:.0f}")
    return {"server_bytes": a_server, "service_bytes": a_service}


def main() -> int:
    arguments = parse_arguments()
    for program in ("wrk", arguments.poise, BUILD / "bench/origin"):
        if shutil.which(program) is None:
            print(f"large.py: '{program}' is missing (./dev build release)", file=sys.stderr)
            return 1
    raise_file_limit()
    found: dict[str, list[dict]] = {case.name: [] for case in CASES}
    with tempfile.TemporaryDirectory(prefix="poise-large-") as name:
        folder, (port,) = Path(name), free_ports(1)
        with Child([str(BUILD / "bench/origin"), "--listen", f":{port}"], LOAD_CORE,
                   folder / "origin.log") as origin:
            wait_until_answers(origin, port)
            for turn in range(arguments.rounds):
                print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)
                for case in CASES[turn % 4:] + CASES[:turn % 4]:
                    found[case.name].append(measure(case, arguments, port, folder))
    figures = told(found)
    write_figures(arguments.out, "large", {"figures": figures, "cells": found})
    return 1 if any(cell["errors"] for cells in found.values() for cell in cells) else 0


if __name__ == "__main__":
    sys.exit(main())
