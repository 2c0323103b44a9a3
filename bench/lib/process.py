"""Processes: started on a chosen core, measured through /proc, ended by their own id."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path


def raise_file_limit() -> int:
    """Raises the soft limit on open files to the hard one; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Child:
    """A program pinned to one core. Ends with the `with` block, whatever happens."""

    def __init__(self, command: list[str], core: int, log: Path, cwd: Path | None = None):
        self.command = command
        self.log = log
        everywhere = os.sched_getaffinity(0)
        # The child inherits the parent's cores: cheaper than a `taskset` in between, which would
        # count as time to start.
        os.sched_setaffinity(0, {core} & everywhere or everywhere)
        try:
            with log.open("ab") as out:
                self.started = time.perf_counter()
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                                stderr=out, cwd=cwd)
        finally:
            os.sched_setaffinity(0, everywhere)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, patience: float = 3) -> None:
        """Asks it to end, and ends it when it has not after so many seconds."""
        for sign in (signal.SIGINT, signal.SIGKILL):
            if not self.alive():
                return
            self.process.send_signal(sign)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue

    def tail(self) -> str:
        """The end of what the program wrote, for an error message."""
        text = self.log.read_text(errors="replace").strip()
        return text[-600:]

    def pids(self) -> list[int]:
        """The process and all its descendants."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    todo += [int(word) for word in task.read_text().split()]
                except OSError:
                    continue
        return found

    def cpu_seconds(self) -> float:
        """User and system time of all threads of all its processes, by the scheduler's clock."""
        total = 0
        for pid in self.pids():
            for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    total += int(stat.read_text().split()[0])
                except OSError:
                    continue
        return total / 1e9

    def rss_bytes(self) -> int:
        """Resident memory of all its processes."""
        total = 0
        for pid in self.pids():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total
