"""lumibot's Bars over a window in C: the DataFrame is made when somebody asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from lumibot.constants import LUMIBOT_DEFAULT_PYTZ
from lumibot.entities import Bars as LumibotBars

from millibar.feed import Resampled, Window

# The attributes of lumibot's Bars that hold the frame; absent until one of them is read.
_FRAME_ATTRIBUTES = frozenset({"_df", "_raw"})


class Bars(LumibotBars):  # type: ignore[misc]
    """lumibot's Bars, with everything it offers, whose rows stay in C until a frame is asked for.

    `len()`, `empty`, `column(name)` and `times` never make a frame; `df`, `pandas_df`, `polars_df`
    and every inherited method do, and give exactly what lumibot's Bars would have held.

    The constructor is lumibot's; the data sources use `over`.
    """

    # Values that lumibot's constructor sets on each object and that are the same for all of ours.
    _return_polars = False
    _polars_cache: Any = None
    _pandas_cache: Any = None
    _tzinfo: Any = LUMIBOT_DEFAULT_PYTZ
    _window: Window | Resampled | None = None

    @classmethod
    def over(
        cls,
        window: Window | Resampled,
        source: str,
        asset: Any,
        quote: Any = None,
        *,
        symbol: str | None = None,
        return_polars: bool = False,
    ) -> Bars:
        """Bars over a window. source: as `bars.source` reads, upper case. symbol: known already.

        The window must have rows: lumibot warns of empty bars in its constructor.
        """
        bars: Bars = cls.__new__(cls)
        bars._window = window
        bars.source = source
        bars.asset = asset
        bars.symbol = _symbol(asset) if symbol is None else symbol
        bars.quote = quote
        if return_polars:
            # Converted now, as lumibot does: later writes to the shared frame must not show.
            bars._return_polars = True
            bars._pandas_cache = window.frame()
            bars._raw = bars._pandas_cache
            bars._df = bars._convert_pandas_to_polars(bars._pandas_cache)
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
        """The state of a plain Bars: a copy or a pickle carries the frame, not the C columns."""
        if self._window is not None:
            _ = self._df
        return {name: value for name, value in self.__dict__.items() if name != "_window"}

    def _shown(self) -> Any:
        return self.polars_df if self._return_polars else self.pandas_df

    @property
    def df(self) -> Any:
        """The rows as a pandas DataFrame (a Polars one after return_polars=True)."""
        return self._shown()

    @df.setter
    def df(self, value: Any) -> None:
        self.__dict__.setdefault("_raw", None if self._window is None else self._raw)
        self._window = None
        LumibotBars.df.fset(self, value)

    def __len__(self) -> int:
        """Number of rows; makes no frame."""
        if "_df" in self.__dict__ or self._window is None:
            rows: int = super().__len__()
            return rows
        return len(self._window)

    @property
    def empty(self) -> bool:
        """Whether there are no rows; makes no frame."""
        if "_df" in self.__dict__ or self._window is None:
            df = self._df
            return bool(df.empty if isinstance(df, pd.DataFrame) else df.is_empty())
        return len(self._window) == 0

    def column(self, name: str) -> np.ndarray:
        """One column ("close", "volume", "return" ...) as a read-only numpy array of len(self).

        No frame is made and nothing is copied. The values are the source's own, whatever was
        written into a frame since. KeyError when there is no such column.
        """
        if self._window is not None:
            return self._window.column(name)
        values = np.array(self.pandas_df[name])
        values.flags.writeable = False
        return values

    @property
    def times(self) -> np.ndarray:
        """The bars' stamps: int64 nanoseconds UTC, read-only, len(self) of them."""
        if self._window is not None:
            return self._window.times
        times: np.ndarray = self.pandas_df.index.as_unit("ns").asi8.copy()
        times.flags.writeable = False
        return times


def _symbol(asset: Any) -> str:
    if isinstance(asset, tuple):
        return f"{asset[0].symbol}/{asset[1].symbol}".upper()
    return str(asset.symbol).upper()
