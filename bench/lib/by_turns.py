"""What a request costs products that are all up at once and loaded by turns, each for a fifth of a
second: on a machine that others use as well, only what was measured in the same seconds compares.
"""

import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .certificates import make_certificates
from .measure import ERRORS, Programs, load_of
from .process import Child
from .products import Place, Product, free_ports, wait_until_answers
from .rows import Row
from .slices import Slices

IDLE_SECONDS = 3


@dataclass(frozen=True)
class Settings:
    """How the rounds of a row are run."""

    rounds: int
    seconds: int  # of load, for a product in a round
    slice_seconds: float
    programs: Programs
    origin: str


class ProductFailed(RuntimeError):
    """One that did not start, or whose load could not be run. `product` is its name."""

    def __init__(self, product: str, reason: str):
        super().__init__(reason)
        self.product = product


@dataclass
class Runner:
    """A product that is up, and its load."""

    name: str
    proxy: Child
    load: object
    idle: float = 0.0  # CPU seconds a second without load: checks, and what watches over it


def rounds_by_turns(row: Row, products: list[Product], settings: Settings,
                    progress=lambda turn: None) -> list[dict[str, dict]]:
    """The figures of each product, by its name, for each round. Raises ProductFailed."""
    slices = Slices(settings.slice_seconds)
    with ExitStack() as stack:
        runners = [_started(product, row, settings, slices, stack) for product in products]
        slices.drive([runner.load for runner in runners], settings.seconds)  # to warm up
        _note_idle(runners)
        rounds = []
        for turn in range(settings.rounds):
            progress(turn)
            shift = turn % len(runners)
            rounds.append(_round(runners[shift:] + runners[:shift], slices, settings.seconds))
        return rounds


def _started(product: Product, row: Row, settings: Settings, slices: Slices,
             stack: ExitStack) -> Runner:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poise-turns-")))
    place = Place(*free_ports(6), settings.origin, folder,
                  key_kind=row.key_kind if row.tls else "")
    if row.tls:
        make_certificates(folder)
    proxy = stack.enter_context(product.start(place))
    try:
        wait_until_answers(proxy, place.http_port)
    except RuntimeError as error:
        raise ProductFailed(product.name, str(error)) from error
    load = load_of(row, place, settings.programs, run=slices.run)

    def named_load(seconds: float) -> dict:
        try:
            return load(seconds)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            raise ProductFailed(product.name, str(error)) from error

    return Runner(product.name, proxy, named_load)


def _note_idle(runners: list[Runner]) -> None:
    before = [runner.proxy.cpu_seconds() for runner in runners]
    time.sleep(IDLE_SECONDS)
    for runner, since in zip(runners, before):
        runner.idle = (runner.proxy.cpu_seconds() - since) / IDLE_SECONDS


def _round(runners: list[Runner], slices: Slices, seconds: int) -> dict[str, dict]:
    before = [runner.proxy.cpu_seconds() for runner in runners]
    results = slices.drive([runner.load for runner in runners], seconds)
    return {runner.name: _figures(runner, since, result, seconds, len(runners))
            for runner, since, result in zip(runners, before, results)}


# The time without load is not what a request costs. No latencies: the load was stopped meanwhile.
def _figures(runner: Runner, cpu_before: float, result: dict, seconds: int, runners: int) -> dict:
    of_others = runner.idle * seconds * (runners - 1)
    cpu = runner.proxy.cpu_seconds() - cpu_before - of_others
    errors = sum(result.get(kind, 0) for kind in ERRORS)
    if not runner.proxy.alive() or result["requests"] == 0:
        errors += 1
    return {"cpu_us": cpu * 1e6 / max(1, result["requests"]), "rps": result["requests"] / seconds,
            "rss_mb": runner.proxy.rss_bytes() / 1e6, "errors": errors}
