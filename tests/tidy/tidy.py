#!/usr/bin/env python3
"""Checks every source of the tree against the rules of the house; exit code 1 when one is broken.

usage: tests/tidy/tidy.py [FILE...]      all files of the tree unless some are named
"""

import sys
from pathlib import Path

import rules
from source import Source

TOP = Path(__file__).resolve().parents[2]
NOT_OURS = {"build", ".git", ".cache", "node_modules", "__pycache__"}


def files_of_tree() -> list[str]:
    found = [path.relative_to(TOP) for suffix in ("cpp", "hpp", "py")
             for path in TOP.rglob(f"*.{suffix}")]
    return sorted(str(path) for path in found if not NOT_OURS & set(path.parts))


def check(source: Source) -> dict[str, list[str]]:
    """The messages of each rule that `source` breaks."""
    broken = {}
    for rule in rules.rules_for(source):
        messages = [f"{source.path}:{found.line}: {found.what}\n    cure: {found.cure}"
                    for found in rule(source)]
        if messages:
            broken[rule.__name__] = messages
    return broken


def main(paths: list[str]) -> int:
    broken: dict[str, list[str]] = {}
    checked = paths or files_of_tree()
    for path in checked:
        text = (TOP / path).read_text(encoding="utf-8")
        for rule, messages in check(Source(path, text)).items():
            broken.setdefault(rule, []).extend(messages)
    for messages in broken.values():
        print("\n".join(messages))
    if "arrows" in broken:
        print(rules.arrow_table())
    for rule in rules.RULES:
        name = rule.__name__
        print(f"broken {name}: {len(broken[name])} times" if name in broken else f"holds {name}")
    print(f"tidy: {len(checked)} files looked at")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
