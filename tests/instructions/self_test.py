#!/usr/bin/env python3
"""Proves that the bound on instructions can fail, says what to do, and lets small changes pass."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.lib import callgrind, instruction_bounds  # noqa: E402

# expected, counted, whether it holds, a word that must be said (empty: nothing may be said)
ROWS = [
    (1000, 1000, True, ""),
    (1000, 1250, True, ""),
    (1000, 750, True, ""),
    (1000, 1251, False, "If the growth is meant"),
    (1000, 1251, False, "./dev instructions --rows h2 --update"),
    (1000, 5000, False, "5.00 of the expected 1000"),
    (1000, 749, True, "./dev instructions --rows h2 --update"),
    (None, 1000, False, "./dev instructions --rows h2 --update"),
]

# A profile of one thread, as callgrind writes it, shortened.
PROFILE = "version: 1\nthread: {thread}\nevents: Ir\n\nfn=main\n1 5\ntotals: {total}\n"


def judged_wrongly() -> list[str]:
    wrong = []
    for expected, counted, holds, word in ROWS:
        found, said = instruction_bounds.judge("h2", expected, counted)
        if found != holds or word not in said or bool(word) != bool(said):
            wrong.append(f"{expected} expected, {counted} counted: {found}, {said!r}")
    return wrong


def written_wrongly() -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "counts.json"
        instruction_bounds.save({"http": 10, "h2": 20}, file)
        instruction_bounds.save({"h2": 30}, file)
        found = instruction_bounds.load(file)
    return [] if found == {"http": 10, "h2": 30} else [f"after two updates: {found}"]


def read_wrongly() -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, thread, total in (("profile.7-01", 1, 100), ("profile.7-02", 2, 3000),
                                    ("profile.8-02", 2, 5)):
            (folder / file).write_text(PROFILE.format(thread=thread, total=total))
        (folder / "profile.7").write_text("")
        found = callgrind.read_counts(folder)
    return [] if found == {1: 100, 2: 3005} else [f"profiles of three threads: {found}"]


def unguarded_rows() -> list[str]:
    expected = instruction_bounds.load()
    return [f"{row.name} is not in bench/instructions.json" for row in callgrind.ROWS
            if row.name not in expected]


def main() -> int:
    results = {"the bound on instructions": judged_wrongly(),
               "writing expected instructions": written_wrongly(),
               "reading profiles": read_wrongly(),
               "each row has an expected count": unguarded_rows()}
    for name, wrong in results.items():
        print("\n".join([f"{'broken' if wrong else 'holds'} self-test of {name}", *wrong]))
    return 1 if any(results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
