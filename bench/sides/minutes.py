"""The bars and instants that the benchmark of calls and its processes share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

LENGTH = 200  # bars of a window
AGAIN = 100  # calls at one instant, where the clock stands


def frame(rows: int) -> pd.DataFrame:
    """Seeded one-minute bars of whole ticks."""
    random = np.random.default_rng(5)
    close = 4750 + np.cumsum(random.integers(-4, 5, rows)) * 0.25
    bars: pd.DataFrame = pd.DataFrame(
        {
            "open": close,
            "high": close + 0.5,
            "low": close - 0.5,
            "close": close + 0.25,
            "volume": random.integers(1, 500, rows),
        },
        index=pd.date_range("2024-01-02 00:00", periods=rows, freq="1min", tz="America/New_York"),
    )
    return bars


def clock_of(bars: pd.DataFrame) -> list[Any]:
    """The instants at which bars are asked for: with as many before as are wanted, and after."""
    first = bars.index[0].to_pydatetime() + timedelta(minutes=2 * LENGTH)
    return [first + timedelta(minutes=i) for i in range(len(bars) - 3 * LENGTH)]
