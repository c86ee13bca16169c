"""The same memory under millibar, pyarrow, Polars, DuckDB and pandas.

pip install pyarrow polars duckdb pandas
python examples/arrow_friends.py
"""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl

import millibar as mb


def main() -> None:
    minutes = np.arange("2024-01-03T14:30", "2024-01-03T21:00", dtype="datetime64[m]")
    close = 4800 + np.cumsum(np.random.default_rng(1).integers(-4, 5, len(minutes))) / 4
    bars = mb.Bars({"timestamp": minutes, "close": close}, tz="UTC")

    # Out: anything that reads Arrow reads Bars.
    hourly = duckdb.sql(
        "select time_bucket(interval 1 hour, timestamp) as hour, max(close) as high "
        "from bars group by hour order by hour"
    )
    print(hourly)
    print(pl.DataFrame(bars).select(pl.col("close").mean()))
    print(bars.to_arrow().schema, "\n")

    # In: anything that speaks Arrow, or a pandas frame.
    print(mb.from_arrow(hourly), "\n")
    frame = bars.to_pandas(tz="America/New_York")
    print(mb.from_pandas(frame.tail(3)))


if __name__ == "__main__":
    main()
