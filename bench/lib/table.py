"""The terminal's table."""

from .results import OURS, Results
from .rows import Row

COLUMNS = [("rps", "req/s", "{:.0f}"), ("p50_ms", "p50 ms", "{:.2f}"),
           ("p99_ms", "p99 ms", "{:.2f}"), ("p999_ms", "p99.9 ms", "{:.2f}"),
           ("rss_mb", "RSS MB", "{:.1f}")]
UNITS = {"cpu_us": "CPU us/req", "idle_bytes": "bytes/conn", "start_ms": "ms to byte",
         "rss_mb": "RSS MB", "p99_ms": "p99 ms"}


def render(results: Results) -> str:
    """All rows as text; a run with errors is marked with '!'."""
    lines = []
    for row in results.rows:
        lines += _row_lines(results, row)
    return "\n".join(lines)


def _row_lines(results: Results, row: Row) -> list[str]:
    lines = [row.title]
    head = f"  {'':9}{UNITS[row.primary]:>12} {'(min - max)':>19}"
    if row.kind in ("load", "datagrams", "rate"):
        head += "".join(f"{title:>10}" for _, title, _ in COLUMNS)
    lines.append(head + f"{'errors':>8}")
    for product in results.products:
        lines.append(_product_line(results, row, product))
    ratio = results.ratio(row)
    verdict = results.verdict(row)
    if ratio is not None:
        lines.append(f"  {OURS} / better rival: {ratio:.2f}" + (f" ({verdict})" if verdict else ""))
    elif verdict:
        lines.append(f"  {OURS}: {verdict}")
    return lines + [""]


def _product_line(results: Results, row: Row, product: str) -> str:
    failure = results.failures.get((row.name, product))
    main = results.spread(row.name, product, row.primary)
    if main is None:
        return f"  {product:9}  {failure or 'not measured'}"
    errors = results.errors(row.name, product)
    span = f"({main['min']:.1f} - {main['max']:.1f})"
    line = f"{'!' if errors or failure else ' '} {product:9}{main['median']:>12.1f} {span:>19}"
    if row.kind in ("load", "datagrams", "rate"):
        for figure, _, form in COLUMNS:
            spread = results.spread(row.name, product, figure)
            line += f"{form.format(spread['median']):>10}" if spread else f"{'':>10}"
    line += f"{errors:>8}"
    return line + (f"  {failure}" if failure else "")
