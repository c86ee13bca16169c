"""Bars from a Parquet file: slices, windows, numpy, longer bars, pandas.

    python examples/bars.py [FILE.parquet]

Without a file it makes one: a week of minutes of a random walk. The file needs columns timestamp,
open, high, low, close and volume, its stamps in order.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import millibar as mb


def random_walk(path: Path, days: int = 7, seed: int = 7) -> None:
    """Writes minute bars of quarter points, stamped by their open, UTC."""
    rng = np.random.default_rng(seed)
    n = days * 1440
    close = 4800 + np.cumsum(rng.integers(-4, 5, n)) / 4
    opens = np.concatenate([[4800.0], close[:-1]])
    bars = mb.Bars(
        {
            "timestamp": np.datetime64("2024-01-01T00:00", "ms") + 60_000 * np.arange(n),
            "open": opens,
            "high": np.maximum(opens, close) + rng.integers(0, 4, n) / 4,
            "low": np.minimum(opens, close) - rng.integers(0, 4, n) / 4,
            "close": close,
            "volume": rng.integers(0, 500, n),
        },
        tz="UTC",
    )
    bars.write_parquet(path, codec="zstd")


def show(path: Path) -> None:
    bars = mb.read_parquet(path)
    print(bars, "\n")

    # A column is a read-only numpy array over the file's decoded memory: nothing is copied.
    close = bars["close"]
    print(f"close: {close.dtype}, mean {close.mean():.2f}\n")

    # What was known at an instant: a bar shows once it has closed.
    middle = bars.times[len(bars) // 2]
    window = bars.window(middle, 200)
    print(f"{len(window)} bars known at {middle}; the last opened at {window.times[-1]}")
    print(f"their average close: {window.close.mean():.4f}\n")

    # Times without a zone are UTC unless tz says otherwise.
    day = str(middle)[:10]
    session = bars.between(f"{day} 09:30", f"{day} 16:00", tz="America/New_York")
    print(f"New York session of {day}: {len(session)} bars\n")

    print(bars.resample("1h").head(3), "\n")

    # Only the rows and columns that the question needs are read.
    plan = mb.scan_parquet(path).between(f"{day} 14:30", f"{day} 21:00")
    plan = plan.filter(mb.col("volume") > 400).select("timestamp", "close", "volume")
    busy = plan.collect()
    print(f"{len(busy)} busy minutes; the plan was:\n{plan.explain()}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    given = parser.parse_args().file
    if given is not None:
        show(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.parquet"
        random_walk(path)
        show(path)


if __name__ == "__main__":
    main()
