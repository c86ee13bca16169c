"""What a run costs once it is over: statistics, round trips, hashes, page and files.

`python -m bench.after_run [--quick]`. Each is done on a fresh Result, so nothing is remembered.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.measure import Samples, interleave, seconds, version
from millibar.report import write_files
from millibar.result import Result, trades_of

MINUTE = 60 * 10**9
START = 1_514_764_800 * 10**9


def make(n_rows: int, n_fills: int) -> dict[str, Any]:
    """Equity of a row a minute and fills that reverse, spread over it."""
    random = np.random.default_rng(1)
    times = START + MINUTE * np.arange(n_rows)
    market = 100 + np.abs(random.normal(0, 0.05, n_rows).cumsum())
    rows = np.linspace(1, n_rows - 2, n_fills).astype(int)
    return {
        "equity": {
            "timestamp": times,
            "cash": np.full(n_rows, 1e5),
            "portfolio_value": 1e5 + random.normal(0, 5, n_rows).cumsum(),
        },
        "fills": {
            "timestamp": times[rows],
            "order": np.arange(1, n_fills + 1),
            "symbol": ["BTC"] * n_fills,
            "side": ["buy" if i % 2 == 0 else "sell" for i in range(n_fills)],
            "quantity": np.r_[1.0, np.full(n_fills - 1, 2.0)],
            "price": market[rows],
            "fee": np.full(n_fills, 0.5),
        },
        "market": market,
        "zone": "America/New_York",
    }


def run(*, quick: bool = False) -> dict[str, Samples]:
    """CPU and wall seconds of each part."""
    n_rows, n_fills, n_lumibot = (100_000, 2_000, 3_268) if quick else (1_000_000, 21_231, 3_268)
    large, small = make(n_rows, n_fills), make(n_lumibot, 853)
    tables = Result(**large)
    equity, fills, market = tables.equity, tables.fills, large["market"]
    no_trades = {"equity": equity, "market": market, "zone": large["zone"]}
    whole = {**no_trades, "fills": fills}

    def files() -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_files(Result(**small), folder)

    contenders: dict[str, Callable[[], Any]] = {
        f"statistics of {n_rows:,} rows": lambda: Result(**no_trades).stats,
        f"round trips of {n_fills:,} fills": lambda: trades_of(fills),
        "statistics of both": lambda: Result(**whole).stats,
        "hashes of both": lambda: Result(**whole).hashes,
        "page of both": lambda: Result(**whole)._repr_html_(),
        f"all files of {n_lumibot:,} rows, 853 fills": files,
    }
    samples = interleave(contenders, rounds=3 if quick else 7)
    for name, sample in samples.items():
        print(f"  {name:<42} {seconds(sample.cpu):>9} CPU  {seconds(sample.wall):>9} wall")
    return samples


if __name__ == "__main__":
    print(f"millibar {version('millibar')}, numpy {version('numpy')}")
    run(quick="--quick" in sys.argv[1:])
