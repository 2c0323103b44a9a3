"""Two runs of the lab beside each other: which scenarios bear which company."""

import contextlib
import fcntl

from .programs import ROOT

FOLDER = ROOT / "build"
KINDS = ("common", "quiet")  # each bears others of its kind; the third, "alone", bears nobody


@contextlib.contextmanager
def _locked(name: str, how: int):
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / f"lab-{name}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, how)  # until it is closed, also by our end
        yield


@contextlib.contextmanager
def place(kind: str):
    """Room for one scenario, when there is. Who waits for the other run's scenario to end does it
    at the gate, so that its next one does not slip in before."""
    with contextlib.ExitStack() as taken:
        with _locked("gate", fcntl.LOCK_EX):
            for each in KINDS:
                if each == kind:
                    taken.enter_context(_locked(each, fcntl.LOCK_SH))
                elif kind == "alone":
                    taken.enter_context(_locked(each, fcntl.LOCK_EX))
                else:
                    with _locked(each, fcntl.LOCK_EX):
                        pass  # nobody of that kind is left
        yield
