"""Two runs of the lab beside each other: most scenarios share the machine, some have it alone."""

import contextlib
import fcntl

from .programs import ROOT

FOLDER = ROOT / "build"


@contextlib.contextmanager
def _locked(name: str, how: int):
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / f"lab-{name}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, how)  # until it is closed, also by our end
        yield


@contextlib.contextmanager
def place(alone: bool):
    """Room for one scenario, when there is. Who waits for the other run's scenario to end does it
    at the gate, so that its next one does not slip in before."""
    with contextlib.ExitStack() as taken:
        with _locked("gate", fcntl.LOCK_EX):
            taken.enter_context(_locked("room", fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        yield
