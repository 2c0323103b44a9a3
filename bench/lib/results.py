"""Figures of many rounds: medians, spread, and ratios against the better rival."""

import json
import os
import platform
import statistics
import time
from pathlib import Path

from .rows import ABSOLUTE_LIMITS, RATIO_LIMITS, Row

OURS = "poise"
OLD = "old"  # another binary of ours, for what a change costs


def write_figures(folder: Path, kind: str, figures: dict) -> None:
    """Into a file of the kind and the time, with the machine's facts; says where."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / time.strftime(f"{kind}-%Y%m%d-%H%M%S.json")
    file.write_text(json.dumps({"machine": machine_facts()} | figures, indent=1) + "\n")
    print(f"written: {file}")


class Results:
    """Collects the cells of all rounds."""

    def __init__(self, rows: list[Row], products: list[str]):
        self.rows = rows
        self.products = products
        self.cells: dict[tuple[str, str], list[dict]] = {}
        self.failures: dict[tuple[str, str], str] = {}

    def add(self, row: str, product: str, figures: dict) -> None:
        self.cells.setdefault((row, product), []).append(figures)

    def fail(self, row: str, product: str, reason: str) -> None:
        self.failures[(row, product)] = reason

    def spread(self, row: str, product: str, figure: str) -> dict | None:
        """Median, smallest and largest of a figure; None when nothing was measured."""
        values = [cell[figure] for cell in self.cells.get((row, product), []) if figure in cell]
        if not values:
            return None
        return {"median": statistics.median(values), "min": min(values), "max": max(values),
                "values": values}

    def errors(self, row: str, product: str) -> int:
        return sum(cell["errors"] for cell in self.cells.get((row, product), []))

    def ratios(self, row: Row) -> dict[str, dict]:
        """Of ours to each other product (less is better): median, smallest and largest. What was
        measured by turns compares round by round, else only the medians do; rounds with errors
        count nowhere."""
        found = {}
        for product in self.products:
            if product == OURS:
                continue
            pairs = self._pairs(row, product)
            values = [our / their for our, their in pairs if their > 0]
            if values:
                found[product] = {"median": statistics.median(values), "min": min(values),
                                  "max": max(values), "values": values}
        return found

    def _pairs(self, row: Row, product: str) -> list[tuple[float, float]]:
        cells = [self.cells.get((row.name, name), []) for name in (OURS, product)]
        if row.by_turns:
            return [(our[row.primary], their[row.primary]) for our, their in zip(*cells)
                    if our["errors"] + their["errors"] == 0]
        good = [[cell[row.primary] for cell in of_one if cell["errors"] == 0] for of_one in cells]
        return [tuple(statistics.median(values) for values in good)] if all(good) else []

    def ratio(self, row: Row) -> float | None:
        """To the better rival, which is the one that makes it larger; None without both."""
        return max((ratio["median"] for product, ratio in self.ratios(row).items()
                    if product != OLD), default=None)

    def verdict(self, row: Row) -> str:
        """Whether the row reaches what it must: "reached", "missed" or empty (no limit is set, or
        a rival is missing)."""
        ours = self.spread(row.name, OURS, row.primary)
        if ours is None:
            return ""
        if row.name in ABSOLUTE_LIMITS:
            good = ours["median"] <= ABSOLUTE_LIMITS[row.name]
        elif row.name in RATIO_LIMITS and (ratio := self.ratio(row)) is not None:
            if any((row.name, product) in self.failures for product in self.products):
                return ""
            good = ratio <= RATIO_LIMITS[row.name]
        else:
            return ""
        return "reached" if good and not self.errors(row.name, OURS) else "missed"

    def as_json(self, settings: dict, versions: dict) -> dict:
        rows = []
        for row in self.rows:
            for product in self.products:
                cells = self.cells.get((row.name, product), [])
                figures = sorted({name for cell in cells for name in cell} - {"errors"})
                rows.append({
                    "row": row.name, "title": row.title, "product": product,
                    "errors": self.errors(row.name, product),
                    "failure": self.failures.get((row.name, product)),
                    "figures": {name: self.spread(row.name, product, name) for name in figures}})
        ratios = [{"row": row.name, "figure": row.primary, "ratio": self.ratio(row),
                   "to": self.ratios(row),
                   "limit": RATIO_LIMITS.get(row.name) or ABSOLUTE_LIMITS.get(row.name),
                   "verdict": self.verdict(row)} for row in self.rows]
        return {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "machine": machine_facts(), "versions": versions, "settings": settings,
                "rows": rows, "ratios": ratios}


def machine_facts() -> dict:
    """What a reader needs to compare two runs."""
    info = Path("/proc/cpuinfo").read_text()
    model = [line.split(":", 1)[1].strip() for line in info.splitlines()
             if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().split()[1]
    return {"cpu": model[0] if model else "unknown", "cores": os.cpu_count(),
            "memory_mb": int(memory) // 1024, "kernel": platform.release(),
            "load_before": os.getloadavg()[0]}
