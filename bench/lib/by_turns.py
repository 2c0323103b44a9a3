"""What a request costs products that are all up at once and loaded by turns, each for a fifth of a
second: on a machine that others use as well, only what was measured in the same seconds compares.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .certificates import make_certificates
from .load import Run
from .measure import ERRORS, Programs, run_load
from .process import Child
from .products import Place, Product, free_ports, wait_until_answers
from .rows import Row
from .slices import Slices

SETTLE_SECONDS = 1.5  # after which what the end of a load leaves to do is done
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
    load: Callable[[float, Run], dict]
    idle: float = 0.0  # CPU seconds a second without load: checks, and what watches over it


def rounds_by_turns(row: Row, products: list[Product], settings: Settings,
                    progress=lambda turn: None) -> list[dict[str, dict]]:
    """The figures of each product, by its name, for each round. Raises ProductFailed."""
    slices = Slices(settings.slice_seconds)
    with ExitStack() as stack:
        runners = [_started(product, row, settings, stack) for product in products]
        slices.drive([runner.load for runner in runners], settings.seconds)  # to warm up
        _note_idle(runners)
        rounds = []
        for turn in range(settings.rounds):
            progress(turn)
            shift = turn % len(runners)
            rounds.append(_round(runners[shift:] + runners[:shift], slices, settings.seconds))
        return rounds


def _started(product: Product, row: Row, settings: Settings, stack: ExitStack) -> Runner:
    with _failures_of(product):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poise-turns-")))
        place = Place(*free_ports(6), settings.origin, folder,
                      key_kind=row.key_kind if row.tls else "")
        if row.tls:
            make_certificates(folder)
        proxy = stack.enter_context(product.start(place))
        wait_until_answers(proxy, place.http_port)

    def load(seconds: float, run: Run) -> dict:
        with _failures_of(product):
            result = run_load(row, place, settings.programs, seconds, run=run)
            if not proxy.alive():
                raise RuntimeError(f"has ended: {proxy.tail()}")
            return result

    return Runner(product.name, proxy, load)


@contextmanager
def _failures_of(product: Product):
    try:
        yield
    except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
        raise ProductFailed(product.name, str(error)) from error


def _note_idle(runners: list[Runner]) -> None:
    time.sleep(SETTLE_SECONDS)
    before = [runner.proxy.cpu_seconds() for runner in runners]
    time.sleep(IDLE_SECONDS)
    for runner, since in zip(runners, before):
        runner.idle = (runner.proxy.cpu_seconds() - since) / IDLE_SECONDS


def _round(runners: list[Runner], slices: Slices, seconds: int) -> dict[str, dict]:
    before = [runner.proxy.cpu_seconds() for runner in runners]
    results = slices.drive([runner.load for runner in runners], seconds)
    whole = sum(ran for _, ran in results)
    return {runner.name: _figures(runner, runner.proxy.cpu_seconds() - since, result, ran,
                                  whole - ran)
            for runner, since, (result, ran) in zip(runners, before, results)}


# The time of others' turns is not what a request costs. No latencies: the load was stopped then.
def _figures(runner: Runner, cpu: float, result: dict, ran: float, of_others: float) -> dict:
    requests = result["requests"]
    errors = sum(result.get(kind, 0) for kind in ERRORS)
    return {"cpu_us": (cpu - runner.idle * of_others) * 1e6 / max(1, requests),
            "rps": requests / ran, "rss_mb": runner.proxy.rss_bytes() / 1e6,
            "errors": errors if requests else errors + 1}
