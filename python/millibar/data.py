"""Data and Bars of the strategy API: what a backtest is given, and what a strategy is shown.

`Data` is one asset's bars as a program hands them over, with lumibot's checks; `Bars` is what
`get_historical_prices` returns; `Bar` is one row of it. Bars over the engine's rows make no pandas
frame until one is asked for, and have millibar's indicators as methods: `bars.sma(20)`.
"""

from __future__ import annotations

from typing import Any

from millibar import _core
from millibar._bar import Bar
from millibar._data import Data
from millibar._frame_bars import FrameBars, compounded
from millibar._window_bars import WindowBars
from millibar.indicators import IndicatorMethods

__all__ = ["Bar", "Bars", "Data"]


class Bars(WindowBars, FrameBars, IndicatorMethods):
    """The bars of an asset: `df`, `column("close")`, `sma(20)`, `get_momentum(5)`.

    The constructor takes a frame, as lumibot's; a strategy gets Bars over rows in C, of which
    `len()`, `empty`, `column(name)`, `times` and the indicators make no frame.
    """

    @property
    def _unwritten(self) -> bool:
        """Whether nobody can have written into these rows: no frame of them has been made."""
        window: Any = self._window
        return window is not None and window._frame is None and window.feed._frame is None

    @property
    def pandas_df(self) -> Any:
        """The rows as a pandas DataFrame: the same object every time."""
        window = self._window
        if window is None or self._return_polars:
            return super().pandas_df
        return window.frame()

    def get_last_price(self) -> Any:
        """Close of the last bar; makes no frame where there is none."""
        return self.column("close")[-1] if self._unwritten else super().get_last_price()

    def get_momentum(self, num_periods: int = 1) -> float:
        """Return over the last num_periods bars, dividends included where there are any; makes no
        frame where there is none."""
        if self._unwritten:
            return compounded(self.column("return"), num_periods)
        return super().get_momentum(num_periods)

    @property
    def table(self) -> _core.Table:
        """The bars' columns in C: the source's own values, whatever was written into a frame."""
        window: Any = self._window
        if window is None or window.feed.detached:
            from millibar._pandas import from_frame

            return from_frame(self.pandas_df)
        table: _core.Table = window.table
        return table
