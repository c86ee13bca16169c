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
from millibar._frame_bars import FrameBars
from millibar._window_bars import WindowBars
from millibar.indicators import IndicatorMethods

__all__ = ["Bar", "Bars", "Data"]


class Bars(WindowBars, FrameBars, IndicatorMethods):
    """The bars of an asset: `df`, `column("close")`, `sma(20)`, `get_momentum(5)`.

    The constructor takes a frame, as lumibot's; a strategy gets Bars over rows in C, of which
    `len()`, `empty`, `column(name)`, `times` and the indicators make no frame.
    """

    @property
    def table(self) -> _core.Table:
        """The bars' columns in C: the source's own values, whatever was written into a frame."""
        window: Any = self._window
        if window is None or window.feed.detached:
            from millibar._pandas import from_frame

            return from_frame(self.pandas_df)
        table: _core.Table = window.table
        return table
