"""A load that misses nothing: each client finishes its last request, and a hang is a failure.

(wrk forgets requests that are never answered, so it proves throughput and not promises.)
"""

import threading
import time
from collections import Counter

from .wire import Cut, Wire


class Load:
    """`clients` keep-alive clients that ask for `target` in a loop until `finish()`."""

    def __init__(self, lab, target: str = "/1k", clients: int = 24, patience: float = 6.0,
                 method: str = "GET", body: bytes = b""):
        self.lab, self.target, self.patience = lab, target, patience
        self.method, self.body = method, body
        self.failures: list[str] = []
        self.origins: Counter = Counter()
        self.slowest = 0.0
        self.count = 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self) -> None:
        wire = None
        while not self.over.is_set():
            start = time.monotonic()
            try:
                wire = wire or self.lab.connect(timeout=self.patience)
                answer = wire.ask(self.method, self.target, self.body)
            except (Cut, OSError, ValueError, IndexError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                wire = wire and wire.close()
                time.sleep(0.01)
                continue
            self.slowest = max(self.slowest, time.monotonic() - start)
            self.count += 1
            self.origins[answer.get("X-Origin")] += 1
            if answer.status != 200:
                self.failures.append(f"{answer.first} {answer.body[:120]!r}")
            if (answer.get("Connection") or "").lower() == "close":
                wire = wire.close()
        if wire:
            wire.close()

    def stop(self) -> None:
        """Ends the clients; each finishes the request that it has begun."""
        self.over.set()
        for thread in self.threads:
            thread.join(self.patience + 5)
            assert not thread.is_alive(), "a client of the load did not end"

    def finish(self, least: int = 0) -> "Load":
        """Ends them when they have had so many answers, or after their patience."""
        end = time.monotonic() + self.patience
        while self.count < least and time.monotonic() < end:
            time.sleep(0.02)
        self.stop()
        return self

    def expect_no_failure(self, least: int = 500) -> None:
        assert self.count >= least, f"only {self.count} requests: no load"
        assert not self.failures, f"{len(self.failures)} of {self.count} failed: " \
                                  f"{Counter(self.failures).most_common(3)}"
