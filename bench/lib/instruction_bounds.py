"""What Poise may cost: the expected instructions a request, and what is said when they differ."""

import json
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "instructions.json"
MORE, LESS = 1.25, 0.75  # of what is expected; compilers and libraries alone move less than that


def load(file: Path = FILE) -> dict[str, int]:
    return json.loads(file.read_text())


def save(counts: dict[str, int], file: Path = FILE) -> None:
    """Rows that were not counted stay as they are."""
    kept = load(file) if file.exists() else {}
    file.write_text(json.dumps(kept | counts, indent=1) + "\n")


def judge(row: str, expected: int | None, counted: int) -> tuple[bool, str]:
    """Whether the row holds, and what the developer should do; empty when nothing."""
    update = f"./dev instructions --rows {row} --update"
    if expected is None:
        return False, f"{row}: bench/instructions.json has no such row: {update}"
    share = counted / expected
    if share > MORE:
        return False, (
            f"{row}: {counted} instructions a request, {share:.2f} of the expected {expected}.\n"
            "  Where they are: bench/instructions.py --rows "
            f"{row} --products poise --keep /tmp, then callgrind_annotate.\n"
            f"  If the growth is meant, say why in the commit and write it down: {update}")
    if share < LESS:
        return True, (
            f"{row}: {counted} instructions a request, only {share:.2f} of the expected "
            f"{expected}. Write it down, so that this is not lost again: {update}")
    return True, ""
