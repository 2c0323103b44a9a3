"""Loads that are all up at once, of which one runs at a time: each for a slice, by turns."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .load import Run

PATIENCE_SECONDS = 30  # beyond the time that a load was given


class Slices:
    """A machine that others use as well changes its speed within a second. Loads that take turns of
    a fraction of that meet the same speeds, so that the ratio of what they cost is worth something.
    """

    def __init__(self, slice_seconds: float):
        self._slice = slice_seconds
        self._lock = threading.Lock()
        self._processes: dict[int, subprocess.Popen] = {}  # by the load's number
        self._ended = False

    def drive(self, loads: list[Callable[[float, Run], dict]],
              seconds: float) -> list[tuple[dict, float]]:
        """Gives each of `loads`, which run one command by what they are given, so many seconds in
        slices, the first the first slice. Returns what each did and in how many seconds it ran.
        Raises what the first of them does that fails, and ends the others then."""
        self._processes.clear()
        self._ended = False
        ran = [0.0] * len(loads)
        with ThreadPoolExecutor(len(loads)) as threads:
            results = [threads.submit(load, seconds * len(loads), self._run_of(number))
                       for number, load in enumerate(loads)]
            try:
                while not all(result.done() for result in results):
                    # Before others are ended: they fail by that.
                    for result in results:
                        if result.done() and result.exception():
                            raise result.exception()
                    with self._lock:
                        processes = dict(self._processes)
                    if len(processes) == len(loads):
                        self._give_turns(processes, ran)
                    time.sleep(0.001)
            finally:
                with self._lock:
                    self._ended = True
                    for process in self._processes.values():
                        process.kill()
            return [(result.result(), seconds) for result, seconds in zip(results, ran)]

    def _run_of(self, number: int) -> Run:
        """As run_command, for one of the loads: the command runs when it is its turn."""
        def run(command: list[str], seconds: float) -> str:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       text=True)
            process.send_signal(signal.SIGSTOP)
            with self._lock:
                self._processes[number] = process
                if self._ended:  # while this one was started
                    process.kill()
            try:
                return process.communicate(timeout=seconds + PATIENCE_SECONDS)[0]
            finally:
                process.kill()
        return run

    def _give_turns(self, processes: dict[int, subprocess.Popen], ran: list[float]) -> None:
        for number, process in sorted(processes.items()):
            if process.poll() is not None:
                continue
            began = time.perf_counter()
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(self._slice)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGSTOP)
            ran[number] += time.perf_counter() - began
