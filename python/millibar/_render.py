"""A run as a page: its statistics, its equity as a drawing, nothing but HTML and SVG.

The drawing has as many points as it has pixels across: of the rows that fall into one pixel, those
where the curve is lowest and highest, so that no drawdown is lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from millibar._cells import json_text
from millibar._stats import LABELS, Stats

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from millibar.result import Result

__all__ = ["equity_svg", "page_html", "result_html", "stats_html"]

_WIDTH, _HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 8, 10, 22
_STYLE = (
    "<style>.mbar-run{font:13px/1.4 system-ui,sans-serif}"
    ".mbar-run table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".mbar-run td{padding:1px 14px 1px 0;text-align:left}"
    ".mbar-run td.value{text-align:right}"
    ".mbar-run .columns{display:flex;flex-wrap:wrap;gap:0 28px}</style>"
)


def _rows_html(stats: Stats, keys: list[str]) -> str:
    texts = [(escape(LABELS[key][0]), escape(stats.text(key))) for key in keys]
    rows = "".join(f'<tr><td>{name}</td><td class="value">{text}</td></tr>' for name, text in texts)
    return f"<table><tbody>{rows}</tbody></table>"


def stats_html(stats: Stats) -> str:
    """The statistics as a table of two columns."""
    return _rows_html(stats, list(LABELS))


def _outline(
    times: npt.NDArray[Any], values: npt.NDArray[np.float64], n_columns: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """At most a few points for each of n_columns equal spans of time."""
    import numpy as np

    known = np.isfinite(values)
    times, values = times[known], values[known]
    if len(values) <= 2 * n_columns:
        return times, values
    span = max(int(times[-1] - times[0]), 1)
    column = (times - times[0]).astype(np.float64) * (n_columns / span)
    starts = np.flatnonzero(np.diff(column.astype(np.int64), prepend=-1))
    keep = {0, len(values) - 1}
    for first, last in zip(starts, [*starts[1:], len(values)], strict=True):
        part = values[first:last]
        keep.update((int(first + part.argmin()), int(first + part.argmax())))
    rows = np.array(sorted(keep))
    return times[rows], values[rows]


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers between."""
    size = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(size)) if size > 0 else 1.0
    step = next((unit * k for k in (1, 2, 5, 10) if unit * k >= size), unit)
    first = math.ceil(low / step)
    return [k * step for k in range(first, math.floor(high / step) + 1)]


def equity_svg(times: npt.NDArray[Any], values: npt.NDArray[np.float64]) -> str:
    """The equity curve as an inline SVG; empty text where there are no two known values.

    Args:
        times: ns UTC, rising, shape (rows,).
        values: equity, shape (rows,).
    """
    import numpy as np

    times, values = _outline(times, values, _WIDTH)
    if len(values) < 2 or times[-1] == times[0]:
        return ""
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * 0.04 or max(abs(high) * 0.01, 1.0)
    low, high = low - margin, high + margin
    if not math.isfinite(high - low):
        return ""
    across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    span = float(times[-1] - times[0])
    x = _LEFT + (times - times[0]).astype(np.float64) / span * across
    y = _TOP + (high - values) / (high - low) * down
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" role="img" font-size="11" fill="currentColor">'
        "<title>Equity</title>"
    ]
    for tick in _ticks(low, high):
        at = _TOP + (high - tick) / (high - low) * down
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" '
            f'stroke="currentColor" stroke-opacity="0.15"/>'
            f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:,.10g}</text>'
        )
    for at, anchor, ns in ((_LEFT, "start", times[0]), (_WIDTH - _RIGHT, "end", times[-1])):
        day = str(np.datetime64(int(ns), "ns"))[:10]
        parts.append(f'<text x="{at}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{day}</text>')
    parts.append(
        f'<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="1.3" '
        'stroke-linejoin="round"/></svg>'
    )
    return "".join(parts)


def result_html(result: Result) -> str:
    """Statistics in three columns under the equity curve, for a notebook."""
    keys = list(LABELS)
    third = -(-len(keys) // 3)
    tables = "".join(
        _rows_html(result.stats, keys[first : first + third])
        for first in range(0, len(keys), third)
    )
    speed = "" if result.speed is None else f"<p><small>{escape(str(result.speed))}</small></p>"
    return (
        f'<div class="mbar-run">{_STYLE}<h3>{escape(result.name)}</h3>'
        f"{equity_svg(result.times_ns, result.equity['portfolio_value'])}"
        f'<div class="columns">{tables}</div>{speed}</div>'
    )


def _settings_html(settings: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(key))}</td><td>{escape(json_text(value))}</td></tr>"
        for key, value in settings.items()
    )
    return f"<table><caption>settings</caption><tbody>{rows}</tbody></table>" if rows else ""


def page_html(result: Result) -> str:
    """`result_html` as a file of its own, with the first and last trades and the settings."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f"<title>{escape(result.name)}</title></head><body>{result_html(result)}"
        f'<div class="mbar-run">{result.trades._repr_html_()}'
        f"{_settings_html(result.settings)}</div></body></html>\n"
    )
