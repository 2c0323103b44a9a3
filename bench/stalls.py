#!/usr/bin/env python3
"""How long do clients wait when a thousand servers are reloaded, or half of them die at once?
Requests come at a rate through all of it; told is the longest latency after each event, beside
windows of the same length in which nothing happened."""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.lib.process import Child, raise_file_limit  # noqa: E402
from bench.lib.products import (LOAD_CORE, PROXY_CORE, free_ports,  # noqa: E402
                                wait_until_answers)
from bench.lib.results import write_figures  # noqa: E402

BUILD = ROOT / "build/release"
SLICE_MS = 10
WARM_UP_SECONDS = 6  # the servers' first checks, and connections to them
PATIENCE_SECONDS = 30  # for what an event must do
LIMIT_MS = 5
LATE_MS_MAX = 1  # of the load; what it saw when it was later than that is not used
EXAMPLES = """examples:
  bench/stalls.py                              three minutes
  bench/stalls.py --servers 10000 --rounds 3
  bench/stalls.py --real-time                  on a machine that others use as well
  bench/stalls.py --cores 0,1                  more room: the control thread has a core of its own
"""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=1000, help="in the file; default 1000")
    parser.add_argument("--rate", type=int, default=2000, help="requests a second; default 2000")
    parser.add_argument("--connections", type=int, default=64, help="of clients; default 64")
    parser.add_argument("--rounds", type=int, default=5,
                        help="each has a quiet window, a reload, a loss and a return; default 5")
    parser.add_argument("--window", type=int, default=7,
                        help="seconds of each; default 7, for a loss takes six to be seen")
    parser.add_argument("--real-time", action="store_true",
                        help="Poise's worker, the load and the servers at real-time priority "
                        "(root): what the worker does, without what the scheduler does")
    parser.add_argument("--cores", default=str(PROXY_CORE), help="of Poise; default 0")
    parser.add_argument("--poise", default=str(BUILD / "poise"), help="the binary")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="for the JSON")
    arguments = parser.parse_args()
    if not 2 <= arguments.servers <= 60000 or not 1 <= arguments.rounds <= 100 \
            or not 1 <= arguments.window <= 60:
        parser.error("--servers takes 2 to 60000, --rounds 1 to 100, --window 1 to 60")
    return arguments


def make_real_time(thread: int) -> None:
    os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(1))


class Bed:
    """Poise with its file, and two origins that are half of the servers each: every address of
    127.0.0.0/8 is one of this machine."""

    def __init__(self, arguments: argparse.Namespace, folder: Path):
        self.arguments, self.folder = arguments, folder
        self.port, self.admin, *self.origin_ports = free_ports(4)
        self.half = arguments.servers // 2
        self.origins: list[Child | None] = [None, None]
        self.version = 0
        self.write_file()
        (folder / "node.yaml").write_text(
            f'admin: {{http: "127.0.0.1:{self.admin}", https: "off", state_dir: state}}\n'
            "node: {workers: 1}\n")

    def write_file(self) -> None:
        """A file that differs from the one before in ten weights and one server."""
        self.version += 1
        lines = ["services:", "  web:", f'    listen: "127.0.0.1:{self.port}"', "    servers:"]
        for n in range(2 * self.half + self.version % 2):
            address = f"127.1.{n // 250}.{n % 250 + 1}:{self.origin_ports[n % 2]}"
            weight = 100 + self.version % 2 if n < 10 else 100
            lines.append(f'      - {{address: "{address}", weight: {weight}}}')
        (self.folder / "poise.yaml").write_text("\n".join(lines) + "\n")

    def start_origin(self, half: int) -> None:
        self.origins[half] = Child([str(BUILD / "bench/origin"), "--listen",
                                    f":{self.origin_ports[half]}"], LOAD_CORE,
                                   self.folder / "origin.log")
        wait_until_answers(self.origins[half], self.origin_ports[half])
        if self.arguments.real_time:
            make_real_time(self.origins[half].process.pid)

    def start_poise(self) -> Child:
        poise = Child([self.arguments.poise, "serve", "--config", "poise.yaml", "--node",
                       "node.yaml", "--control", str(self.folder / "control.sock")], PROXY_CORE,
                      self.folder / "poise.log", cwd=self.folder)
        cores = {int(core) for core in self.arguments.cores.split(",")}
        wait_until_answers(poise, self.port)
        for task in Path(f"/proc/{poise.process.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), cores)
            if self.arguments.real_time and (task / "comm").read_text().startswith("poise-w"):
                make_real_time(int(task.name))
        return poise

    def stop_origins(self) -> None:
        for origin in self.origins:
            if origin:
                origin.stop()

    def wait_for_log(self, word: str, since: int, count: int = 1) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.log_from(since).count(word) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"not told within {PATIENCE_SECONDS} s: {count} of \"{word}\"\n"
                                   + self.log_from(since)[-600:])
            time.sleep(0.1)

    def log_from(self, since: int) -> str:
        return (self.folder / "poise.log").read_text(errors="replace")[since:]

    def log_size(self) -> int:
        return len((self.folder / "poise.log").read_text(errors="replace"))

    # ---- the events; each returns what must be told in the log, and how often -----------------

    def nothing(self, _poise: Child) -> tuple[str, int]:
        return "", 0

    def reload(self, poise: Child) -> tuple[str, int]:
        self.write_file()
        poise.process.send_signal(signal.SIGHUP)
        return "reloaded: generation", 1

    def lose_half(self, _poise: Child) -> tuple[str, int]:
        self.origins[1].process.kill()
        return ": down:", self.half

    def return_half(self, _poise: Child) -> tuple[str, int]:
        self.start_origin(1)
        return ": up (", self.half


EVENTS = {"quiet": Bed.nothing, "reload": Bed.reload, "half of the servers dies": Bed.lose_half,
          "they come back": Bed.return_half}


def run_events(bed: Bed, poise: Child, arguments) -> list[tuple[str, int]]:
    """The events in turn; returns their names and moments, in nanoseconds of the load's clock."""
    moments = []
    for turn in range(arguments.rounds):
        for name, act in EVENTS.items():
            print(f"round {turn + 1} of {arguments.rounds}: {name:30}", end="\r", file=sys.stderr)
            seen = bed.log_size()
            moments.append((name, time.monotonic_ns()))
            word, count = act(bed, poise)
            time.sleep(arguments.window)
            if word:
                bed.wait_for_log(word, seen, count)
            time.sleep(1)
    print(" " * 60, end="\r", file=sys.stderr)
    return moments


def start_load(bed: Bed, arguments) -> subprocess.Popen:
    seconds = WARM_UP_SECONDS + arguments.rounds * len(EVENTS) * (
        arguments.window + PATIENCE_SECONDS)
    load = subprocess.Popen(
        ["taskset", "-c", str(LOAD_CORE), str(BUILD / "bench/open_loop"), "--to",
         f"127.0.0.1:{bed.port}", "--rate", str(arguments.rate), "--connections",
         str(arguments.connections), "--seconds", str(seconds), "--slice-ms", str(SLICE_MS)],
        stdout=subprocess.PIPE, text=True)
    if arguments.real_time:
        make_real_time(load.pid)
    return load


def end_load(load: subprocess.Popen) -> dict:
    load.send_signal(signal.SIGINT)
    said, _ = load.communicate(timeout=30)
    return json.loads(said.removeprefix("RESULT "))


def windows(result: dict, moments: list[tuple[str, int]], seconds: int) -> dict[str, list[dict]]:
    """By event, for each of its windows: the longest latency, and how many slices had one above
    the limit. A request that was due just before an event may have met it. Slices in which the
    load itself was late say nothing of Poise, and are left out."""
    found: dict[str, list[dict]] = {}
    for name, moment in moments:
        first = (moment - result["began_ns"]) // (SLICE_MS * 1_000_000) - 1
        span = slice(first, first + seconds * 1000 // SLICE_MS)
        slices = [us for us, late in zip(result["slices"][span], result["late_slices"][span])
                  if late <= LATE_MS_MAX * 1000]
        found.setdefault(name, []).append(
            {"longest_ms": max(slices, default=0) / 1000,
             "slices": len(slices),
             "slices_above": sum(us > LIMIT_MS * 1000 for us in slices)})
    return found


def render(found: dict[str, list[dict]]) -> str:
    lines = [f"{'longest latency, ms':30}{'median':>8}{'(min - max)':>18}"
             f"{f'slices above {LIMIT_MS} ms':>22}"]
    for name, all_of in found.items():
        longest = sorted(one["longest_ms"] for one in all_of)
        above = statistics.median(one["slices_above"] for one in all_of)
        span = f"({longest[0]:.1f} - {longest[-1]:.1f})"
        lines.append(f"{name:30}{statistics.median(longest):>8.1f}{span:>18}{above:>22.0f}")
    return "\n".join(lines)


def measure(arguments) -> dict:
    with tempfile.TemporaryDirectory(prefix="poise-stalls-") as name:
        bed = Bed(arguments, Path(name))
        try:
            for half in (0, 1):
                bed.start_origin(half)
            with bed.start_poise() as poise:
                load = start_load(bed, arguments)
                try:
                    time.sleep(WARM_UP_SECONDS)
                    moments = run_events(bed, poise, arguments)
                    result = end_load(load)
                finally:
                    load.kill()
        finally:
            bed.stop_origins()
    errors = {kind: result[kind] for kind in ("status", "read", "connect", "timeout", "dropped")}
    return {"windows": windows(result, moments, arguments.window), "errors": errors,
            "load": {key: result[key] for key in
                     ("requests", "p50", "p99", "p999", "max", "late_p99", "late_max")}}


def main() -> int:
    arguments = parse_arguments()
    for program in ("taskset", arguments.poise, BUILD / "bench/origin", BUILD / "bench/open_loop"):
        if shutil.which(program) is None:
            print(f"stalls.py: '{program}' is missing (./dev build release poise origin open_loop)",
                  file=sys.stderr)
            return 1
    raise_file_limit()
    try:
        found = measure(arguments)
    except RuntimeError as error:
        print(f"stalls.py: {error}", file=sys.stderr)
        return 1
    print(render(found["windows"]))
    load = found["load"]
    print(f"{load['requests']} requests at {arguments.rate}/s, {arguments.servers} servers, "
          f"windows of {arguments.window} s; p50 {load['p50']} us, p99 {load['p99']} us; the load "
          f"itself was late by {load['late_p99']} us (p99), {load['late_max']} us at most")
    print("errors: " + ", ".join(f"{kind} {count}" for kind, count in found["errors"].items()))
    settings = {key: value for key, value in vars(arguments).items() if key != "out"}
    write_figures(arguments.out, "stalls", {"settings": settings} | found)
    return 1 if any(found["errors"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
