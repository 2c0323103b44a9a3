"""The table of what each failure of a pair cost, printed when all scenarios are over."""

import json

from .programs import IO, ROOT

KEY = "pair"
COLUMNS = {"no ARP ms": "answered", "no ND ms": "answered6", "no echo ms": "blackout",
           "stall ms": "stall", "lost": "lost", "failed": "failed", "zero s": "zero",
           "two s": "two", "changes": "changes"}


def cell(head: str, value: float) -> str:
    if head.endswith(" ms"):
        return f"{value * 1000:.0f}"
    return f"{value:.2f}" if head.endswith(" s") else f"{value:g}"


def show(reporter) -> None:
    """Prints the rows, and writes them to bench/results/pair-lab-IO.json."""
    rows = [(report.nodeid.split("::")[-1].removeprefix("test_"), value)
            for report in (*reporter.stats.get("passed", ()), *reporter.stats.get("failed", ()))
            for key, value in getattr(report, "user_properties", ()) if key == KEY]
    if not rows:
        return
    reporter.section("what clients of the pair noticed")
    reporter.write_line("longest time without an answer or progress; datagrams lost; "
                        "connects failed; seconds with no owner and with two")
    reporter.write_line(f"{'':64}" + "".join(f"{head:>11}" for head in COLUMNS))
    for name, row in rows:
        reporter.write_line(f"{name.replace('_', ' ')[:63]:64}" + "".join(
            f"{cell(head, row[column]):>11}" for head, column in COLUMNS.items()))
    output = ROOT / "bench" / "results" / f"pair-lab-{IO}.json"
    output.write_text(json.dumps(dict(rows), indent=1) + "\n")
