"""The terminal's table."""

from .results import OURS, Results
from .rows import Row

COLUMNS = [("rps", "req/s", "{:.0f}"), ("p50_ms", "p50 ms", "{:.2f}"),
           ("p99_ms", "p99 ms", "{:.2f}"), ("p999_ms", "p99.9 ms", "{:.2f}"),
           ("rss_mb", "RSS MB", "{:.1f}")]
UNITS = {"cpu_us": "CPU us/req", "idle_bytes": "bytes/conn", "start_ms": "ms to byte",
         "rss_mb": "RSS MB", "p99_ms": "p99 ms", "rest_us": "CPU us/s"}


def render_row(results: Results, row: Row) -> str:
    """A row as text, with an empty line behind it; a run with errors is marked with '!'."""
    lines = [row.title]
    columns = [column for column in COLUMNS if column[0] != row.primary and any(
        results.spread(row.name, product, column[0]) for product in results.products)]
    lines.append(f"  {'':9}{UNITS[row.primary]:>12} {'(min - max)':>19}" +
                 "".join(f"{title:>10}" for _, title, _ in columns) + f"{'errors':>8}")
    for product in results.products:
        lines.append(_product_line(results, row, product, columns))
    verdict = results.verdict(row)
    if ratios := results.ratios(row):
        told = "; ".join(_ratio(product, ratio) for product, ratio in ratios.items())
        lines.append(f"  {OURS} / {told}" + (f"   {verdict}" if verdict else ""))
    elif verdict:
        lines.append(f"  {OURS}: {verdict}")
    return "\n".join(lines + [""])


def _ratio(product: str, ratio: dict) -> str:
    span = f" ({ratio['min']:.2f} - {ratio['max']:.2f})" if len(ratio["values"]) > 1 else ""
    return f"{product}: {ratio['median']:.2f}{span}"


def _product_line(results: Results, row: Row, product: str, columns: list) -> str:
    failure = results.failures.get((row.name, product))
    main = results.spread(row.name, product, row.primary)
    if main is None:
        return f"  {product:9}  {failure or 'not measured'}"
    errors = results.errors(row.name, product)
    span = f"({main['min']:.1f} - {main['max']:.1f})"
    line = f"{'!' if errors or failure else ' '} {product:9}{main['median']:>12.1f} {span:>19}"
    for figure, _, form in columns:
        spread = results.spread(row.name, product, figure)
        line += f"{form.format(spread['median']):>10}" if spread else f"{'':>10}"
    line += f"{errors:>8}"
    return line + (f"  {failure}" if failure else "")
