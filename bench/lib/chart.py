"""A bar chart as SVG, readable on a light and on a dark page."""

from html import escape

from .results import OLD, OURS, Results
from .table import UNITS

WIDTH, LABEL, BAR, GAP = 860, 290, 16, 14
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .dim { fill: #59636e; font-size: 12px }
  .title { font-size: 16px; font-weight: 600 }
  .line { stroke: #8c959f; stroke-dasharray: 3 3 }
  .poise { fill: #0969da } .haproxy { fill: #8c959f } .nginx { fill: #c4a35a }
  .old { fill: #8250df }
  .bad { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .dim { fill: #9198a1 } .line { stroke: #656c76 }
    .poise { fill: #58a6ff } .haproxy { fill: #6e7681 } .nginx { fill: #a98c46 }
    .old { fill: #a371f7 }
    .bad { fill: #f85149 }
  }"""


def render(results: Results, subtitle: str) -> str:
    """Each row's main figure, as a share of the better rival's; the dashed line is that rival."""
    shown = [row for row in results.rows if _reference(results, row)]
    scale = (WIDTH - LABEL - 130) / max([1.2] + [_largest(results, row) for row in shown])
    parts, y = [], 68
    top = y - 6
    for row in shown:
        parts.append(f'<text x="{LABEL - 12}" y="{y + 13}" text-anchor="end">'
                     f'{escape(row.title)}</text>')
        for product in results.products:
            spread = results.spread(row.name, product, row.primary)
            if spread is None:
                continue
            parts += _bar(results, row, product, spread["median"], scale, y)
            y += BAR + 3
        y += GAP
    x = LABEL + scale
    parts.append(f'<line class="line" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{y - GAP}"/>')
    return _page(parts, subtitle, results.products, y + 8)


def _reference(results: Results, row) -> float:
    rivals = [spread["median"] for product in results.products if product not in (OURS, OLD)
              if not results.errors(row.name, product)
              if (spread := results.spread(row.name, product, row.primary))]
    rivals = rivals or [spread["median"] for product in results.products
                        if (spread := results.spread(row.name, product, row.primary))]
    return max(0.001, min(rivals)) if rivals else 0.0


def _largest(results: Results, row) -> float:
    reference = _reference(results, row)
    values = [spread["median"] / reference for product in results.products
              if (spread := results.spread(row.name, product, row.primary))]
    return min(4.0, max(values))  # a bar beyond this is cut: its figure stands beside it


def _bar(results: Results, row, product: str, value: float, scale: float, y: int) -> list[str]:
    width = max(1.0, min(4.0, value / _reference(results, row)) * scale)
    kind = escape(product)
    errors = results.errors(row.name, product)
    note = f"{product} {value:,.1f} {UNITS[row.primary]}" + (f", {errors} errors" if errors else "")
    mark = " bad" if errors else ""
    return [f'<rect class="{kind}{mark}" x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" '
            f'rx="2"><title>{escape(note)}</title></rect>',
            f'<text class="dim" x="{LABEL + width + 6:.1f}" y="{y + 13}">{value:,.1f}'
            f'{" !" if errors else ""}</text>']


def _page(parts: list[str], subtitle: str, products: list[str], height: int) -> str:
    legend, x = [], WIDTH - 300
    for product in products:
        legend.append(f'<rect class="{escape(product)}" x="{x}" y="38" width="12" height="12"/>'
                      f'<text class="dim" x="{x + 17}" y="47">{escape(product)}</text>')
        x += 90
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Benchmark figures, less is better">',
        f"<style>{STYLE}\n</style>",
        '<text class="title" x="12" y="24">Less is better: CPU, memory and start, against the '
        'better rival (dashed)</text>',
        f'<text class="dim" x="12" y="47">{escape(subtitle)}</text>', *legend, *parts,
        "</svg>", ""])
