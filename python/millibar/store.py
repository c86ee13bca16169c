"""From rows as they came to a `Feed` on the common grid, as lumibot's pandas source prepares them.

`Rows` are one asset's bars before preparation: times and typed columns. `grid` is the minutes every
New York date of the data spans, `fill` puts rows on it: a missing minute repeats the row before it,
a volume that is not a number is 0, prices that are not numbers take the close, dividends and splits
are not repeated, quotes only over gaps of two hours or less. All of that happens in C; what C does
not do to the bit as pandas does it, `rows_of_frame` refuses, and pandas must.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from millibar import _core
from millibar._arrays import raw_values
from millibar.feed import DERIVED_COLUMNS, NEW_YORK, PRICE_COLUMNS, Feed, datetime_index

if TYPE_CHECKING:
    import pandas as pd

QUOTE_COLUMNS = ("bid", "ask", "bid_size", "ask_size")
# The numpy types a C column can hold and give back unchanged.
TYPES: dict[str, _core.Type] = {
    "float64": "float64",
    "float32": "float32",
    "int64": "int64",
    "int32": "int32",
    "uint64": "uint64",
}


class Rows:
    """The rows of one asset before preparation: times and typed columns, as lumibot read them."""

    __slots__ = ("columns", "series", "unit")

    def __init__(
        self, times_ns: np.ndarray, columns: Mapping[str, np.ndarray], step: str, unit: str
    ) -> None:
        """times_ns: int64, rising, repeats allowed (the first stays)."""
        self.columns = dict(columns)
        self.unit = unit
        self.series = make_series(times_ns, columns, step)

    @property
    def index(self) -> Any:
        """The rows' index as lumibot's Data has it."""
        return datetime_index(raw_values(self.series.times), self.unit)

    def frame(self) -> pd.DataFrame:
        """The rows as lumibot's Data has them before preparation."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame(dict(self.columns), index=self.index)
        return frame


def make_series(times_ns: np.ndarray, columns: Mapping[str, np.ndarray], step: str) -> _core.Series:
    """A C series of columns that C can hold; of repeated times the first row stays."""
    time = _core.column_from_buffer("datetime", times_ns, "timestamp", unit="ns", zone="UTC")
    rest = [
        _core.column_from_buffer(name, values, TYPES[values.dtype.name])
        for name, values in columns.items()
    ]
    return _core.Series(
        _core.Table([time, *rest]),
        time="datetime",
        step=step,  # type: ignore[arg-type]
        duplicates="first",
        zone=NEW_YORK,
    )


def owned(values: np.ndarray) -> np.ndarray:
    """A contiguous copy that nobody else writes to."""
    return np.array(values, order="C", copy=True)


def rows_of_frame(frame: pd.DataFrame, step: str) -> Rows | None:
    """A frame's rows, copied, when C can prepare them to the bit; None when pandas must.

    The frame is as lumibot's Data holds it: a sorted New York index, prices and volume.
    """
    names = list(frame.columns)
    if len(set(names)) != len(names) or not all(isinstance(name, str) for name in names):
        return None
    if not set(PRICE_COLUMNS).issubset(names) or "volume" not in names:
        return None
    if "datetime" in names or 0 < len(derived_in(names)) < len(_derived_of(names)):
        return None
    if any(dtype.name not in TYPES for dtype in frame.dtypes):
        return None
    columns = {name: owned(frame[name].to_numpy()) for name in names}
    index: Any = frame.index
    times = index.as_unit("ns").asi8
    if not _prepared_alike(columns) or times[0] % 1000 or times[-1] % 1000:
        return None
    return Rows(owned(times), columns, step, index.unit)


def _derived_of(names: Sequence[str]) -> tuple[str, ...]:
    """The derived columns lumibot gives a frame of these columns."""
    return DERIVED_COLUMNS if "dividend" in names else ("return",)


def derived_in(names: Sequence[str]) -> list[str]:
    """Those of them that are there already: lumibot fills these instead of computing any."""
    return [name for name in _derived_of(names) if name in names]


def _prepared_alike(columns: Mapping[str, np.ndarray]) -> bool:
    """Whether filling these columns keeps their types in pandas, as it does in C."""
    close = columns["close"].dtype
    for name, values in columns.items():
        if name in QUOTE_COLUMNS and values.dtype.kind != "f":
            return False
        if name in PRICE_COLUMNS and values.dtype != close and np.isnan(values).any():
            return False
    return True


def has_nan(columns: Mapping[str, np.ndarray]) -> dict[str, bool]:
    """By column: whether a value is not a number."""
    return {name: bool(np.isnan(values).any()) for name, values in columns.items()}


def nan_treatment(missing: Mapping[str, bool]) -> dict[str, Any]:
    """What lumibot does to every frame it hands out, by what it saw before preparation.

    missing: whether "prices" (any of the four), "volume", "dividend", "stock_splits" have NaN.
    """
    filled = ("volume", "dividend", "stock_splits")
    return {
        "nan_filled": [name for name in filled if missing.get(name)],
        "drop_nan": bool(missing.get("prices")),
    }


def minute_grid(series: Sequence[_core.Series], end_ns: int | None) -> _core.Column:
    """The minutes of every New York date from its first bar to its last, up to end_ns inclusive."""
    times = raw_values(_core.grid(series, "minute", NEW_YORK))
    if end_ns is not None:
        times = times[: int(np.searchsorted(times, end_ns, side="right"))]
    return grid_column(np.array(times))


def grid_column(times_ns: np.ndarray) -> _core.Column:
    """Times to fill on: int64 nanoseconds UTC, rising, not written to any more."""
    return _core.column_from_buffer("timestamp", times_ns, "timestamp", zone="UTC")


def fill(
    rows: Rows,
    grid: _core.Column,
    *,
    unit: str,
    index: pd.DatetimeIndex | None = None,
    treatment: Mapping[str, Any],
) -> tuple[Feed, dict[str, np.ndarray]]:
    """The rows on the grid between their first and last: the feed, and all columns by name.

    unit, index: of the feed's frames. treatment: as `nan_treatment` gives it.
    """
    series = rows.series.fill(grid)
    table = series.table
    stored = {name: raw_values(table.column(name)) for name in rows.columns}
    extra = {name: stored[name] for name in derived_in(list(stored))} or None
    return Feed(series, stored, extra=extra, unit=unit, index=index, **treatment), stored
