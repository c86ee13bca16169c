"""The job that every peer is given, and what is common to their sides.

Simple averages of 20 and 60 closes; a cross is seen at the close of a bar and filled at the open of
the next, without costs; one unit, long after a cross upwards and short after one downwards. Profit
is in points, what is held at the end at its last close. Each NAME_side.py is the side of one
engine, written as its manual writes strategies, with two texts beside it: RULE, how the engine is
made to fill so, and TIMED, what the time of a round includes besides the walk over the bars.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

FAST, SLOW = 20, 60
CASH = 1e9


def averages(close: Any) -> tuple[Any, Any]:
    series = pd.Series(close)
    return series.rolling(FAST).mean().to_numpy(), series.rolling(SLOW).mean().to_numpy()


def crosses(close: Any) -> tuple[Any, Any]:
    """Where the fast average crosses the slow one upwards, and downwards."""
    fast, slow = averages(close)
    gap = fast - slow
    up, down = np.zeros(len(gap), bool), np.zeros(len(gap), bool)
    up[1:] = (gap[:-1] <= 0) & (gap[1:] > 0)
    down[1:] = (gap[:-1] >= 0) & (gap[1:] < 0)
    return up, down


def indexed(frame: pd.DataFrame) -> pd.DataFrame:
    """Bars by their naive time, as most engines take them."""
    found: pd.DataFrame = frame.set_index("timestamp")
    found = found[["open", "high", "low", "close", "volume"]]
    found.index = pd.DatetimeIndex(found.index).tz_localize(None)
    return found
