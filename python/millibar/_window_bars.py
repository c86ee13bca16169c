"""Bars whose rows stay in C until a frame is asked for: what both doors' Bars have in common.

The class beside this one in the bases knows how to be Bars of a frame (lumibot's own, or ours).
Here are the ways not to make that frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from millibar.feed import Resampled, Window

if TYPE_CHECKING:
    from typing_extensions import Self

# The attributes of lumibot's Bars that hold the frame; absent until one of them is read.
_FRAME_ATTRIBUTES = frozenset({"_df", "_raw"})


class WindowBars:
    """A mixin before a class of Bars over `_df`, a pandas or Polars frame.

    `len()`, `empty`, `column(name)` and `times` never make a frame; `df`, `pandas_df`, `polars_df`
    and every method of the other base do.
    """

    source: Any
    asset: Any
    symbol: Any
    quote: Any
    # Values that the constructor sets on each object and that are the same for all over a window.
    _return_polars: bool = False
    _polars_cache: Any = None
    _pandas_cache: Any = None
    _window: Window | Resampled | None = None

    @classmethod
    def over(
        cls,
        window: Window | Resampled,
        source: str,
        asset: Any,
        quote: Any = None,
        symbol: str | None = None,
        return_polars: bool = False,
    ) -> Self:
        """Bars over a window. source: as `bars.source` reads, upper case. symbol: known already.

        The window must have rows: lumibot warns of empty bars in its constructor.
        """
        bars = cls.__new__(cls)
        bars._window = window
        bars.source = source
        bars.asset = asset
        bars.symbol = symbol_of(asset) if symbol is None else symbol
        bars.quote = quote
        if return_polars:
            # Converted now, as lumibot does: later writes to the shared frame must not show.
            other: Any = bars
            other._return_polars = True
            other._pandas_cache = other._raw = window.frame()
            other._df = other._convert_pandas_to_polars(other._pandas_cache)
        return bars

    def __getattr__(self, name: str) -> Any:
        """The frame, on first use; only attributes that do not exist yet come here."""
        window = self._window
        if name not in _FRAME_ATTRIBUTES or window is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        frame = window.frame()
        self.__dict__.setdefault("_raw", frame)
        self.__dict__.setdefault("_df", frame)
        return self.__dict__[name]

    def __getstate__(self) -> dict[str, Any]:
        """The state of Bars over a frame: a copy or a pickle carries it, not the C columns."""
        if self._window is not None:
            _ = self._df
        return {name: value for name, value in self.__dict__.items() if name != "_window"}

    def _shown(self) -> Any:
        bars: Any = self
        return bars.polars_df if self._return_polars else bars.pandas_df

    @property
    def df(self) -> Any:
        """The rows as a pandas DataFrame (a Polars one after return_polars=True)."""
        return self._shown()

    @df.setter
    def df(self, value: Any) -> None:
        self.__dict__.setdefault("_raw", None if self._window is None else self._raw)
        self._window = None
        super(WindowBars, type(self)).df.fset(self, value)  # type: ignore[misc]

    def __len__(self) -> int:
        """Number of rows; makes no frame."""
        if "_df" in self.__dict__ or self._window is None:
            return len(self._df)
        return len(self._window)

    @property
    def empty(self) -> bool:
        """Whether there are no rows; makes no frame."""
        return len(self) == 0

    def column(self, name: str) -> np.ndarray:
        """One column ("close", "volume", "return" ...) as a read-only numpy array of len(self).

        No frame is made and nothing is copied. The values are the source's own, whatever was
        written into a frame since. KeyError when there is no such column.
        """
        if self._window is not None:
            return self._window.column(name)
        bars: Any = self
        values = np.array(bars.pandas_df[name])
        values.flags.writeable = False
        return values

    @property
    def times(self) -> np.ndarray:
        """The bars' stamps: int64 nanoseconds UTC, read-only, len(self) of them."""
        if self._window is not None:
            return self._window.times
        bars: Any = self
        times: np.ndarray = bars.pandas_df.index.as_unit("ns").asi8.copy()
        times.flags.writeable = False
        return times


def symbol_of(asset: Any) -> str:
    """The symbol of an asset, or "BASE/QUOTE" of a pair, in capitals."""
    if isinstance(asset, tuple):
        return f"{asset[0].symbol}/{asset[1].symbol}".upper()
    return str(asset.symbol).upper()
