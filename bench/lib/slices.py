"""Loads that are all up at once, of which one runs at a time: each for a slice, by turns."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

PATIENCE_SECONDS = 30  # beyond the time that a load was given


class Slices:
    """A machine that others use as well changes its speed within a second. Loads that take turns of
    a fraction of that meet the same speeds, so that the ratio of what they cost is worth something.
    """

    def __init__(self, slice_seconds: float):
        self._slice = slice_seconds
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen] = []
        self._ended = False

    def run(self, command: list[str], seconds: float) -> str:
        """As run_command, for loads of drive(): runs when it is its turn."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True)
        process.send_signal(signal.SIGSTOP)
        with self._lock:
            self._processes.append(process)
            if self._ended:  # while this one was started
                process.kill()
        try:
            return process.communicate(timeout=seconds + PATIENCE_SECONDS)[0]
        finally:
            process.kill()

    def drive(self, loads: list[Callable[[float], dict]], seconds: float) -> list[dict]:
        """Gives each of `loads`, which run one command by run(), so many seconds in slices. Raises
        what the first of them does that fails, and ends the others then."""
        self._processes.clear()
        self._ended = False
        with ThreadPoolExecutor(len(loads)) as threads:
            results = [threads.submit(load, seconds * len(loads)) for load in loads]
            try:
                while not all(result.done() for result in results):
                    if any(result.done() and result.exception() for result in results):
                        break
                    with self._lock:
                        processes = list(self._processes)
                    if len(processes) == len(loads):
                        self._give_turns(processes)
                    time.sleep(0.001)
            finally:
                with self._lock:
                    self._ended = True
                    for process in self._processes:
                        process.kill()
            failed = [result for result in results if result.done() and result.exception()]
            return [result.result() for result in failed or results]

    def _give_turns(self, processes: list[subprocess.Popen]) -> None:
        for process in processes:
            process.send_signal(signal.SIGCONT)  # not sent to one that has ended
            try:
                process.wait(self._slice)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGSTOP)
