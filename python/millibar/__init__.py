"""millibar: bars at the speed of memory.

    import millibar as mb

    bars = mb.read_parquet("MES.parquet", start="2026-02-02", end="2026-02-05")
    bars["close"]                                   # numpy, no copy
    bars.window("2026-02-03 14:30", 200)            # the 200 bars closed by then
    bars.resample("15min").to_pandas()

    plan = mb.scan_parquet("data/*.parquet").between("2026-02-01", "2026-03-01")
    plan = plan.filter(mb.col("volume") > 0).select("timestamp", "close")
    bars = plan.collect()
    print(plan.explain())                           # what was read of what is there

Importing this loads neither numpy nor pandas, pyarrow, Polars or lumibot; each is loaded by the
first call that needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from millibar import _core, errors, indicators
from millibar._core import (
    memory_live_bytes,
    memory_peak_bytes,
    set_memory_limit,
)
from millibar._times import use_packaged_zones
from millibar.bars import Bars, concat, from_arrow, from_pandas
from millibar.errors import (
    ColumnNotFoundError,
    Error,
    FileMissingError,
    FormatError,
    InvalidError,
    OutOfMemoryError,
    StorageError,
    UnsupportedError,
    ZoneNotFoundError,
)
from millibar.expr import Aggregate, Expr, col, count, lit, timestamp
from millibar.lazy import LazyBars, read_parquet, scan_parquet

if TYPE_CHECKING:
    from millibar.assets import Asset, Quote, TradingFee, TradingSlippage
    from millibar.backtest import Backtest, BacktestingBroker, PandasDataBacktesting, Trader
    from millibar.data import Data
    from millibar.orders import Order, Position
    from millibar.result import Result
    from millibar.strategy import Strategy

__version__ = _core.__version__

# What a backtest needs and reading a file does not: imported when first asked for.
_LATER = {
    **dict.fromkeys(("Asset", "Quote", "TradingFee", "TradingSlippage"), "assets"),
    **dict.fromkeys(
        ("Backtest", "BacktestingBroker", "PandasDataBacktesting", "Trader"), "backtest"
    ),
    **dict.fromkeys(("Order", "Position"), "orders"),
    "Data": "data",
    "Result": "result",
    "Strategy": "strategy",
}

__all__ = [
    "Aggregate",
    "Asset",
    "Backtest",
    "BacktestingBroker",
    "Bars",
    "ColumnNotFoundError",
    "Data",
    "Error",
    "Expr",
    "FileMissingError",
    "FormatError",
    "InvalidError",
    "LazyBars",
    "Order",
    "OutOfMemoryError",
    "PandasDataBacktesting",
    "Position",
    "Quote",
    "Result",
    "StorageError",
    "Strategy",
    "Trader",
    "TradingFee",
    "TradingSlippage",
    "UnsupportedError",
    "ZoneNotFoundError",
    "__version__",
    "col",
    "concat",
    "count",
    "errors",
    "from_arrow",
    "from_pandas",
    "indicators",
    "lit",
    "memory_live_bytes",
    "memory_peak_bytes",
    "read_parquet",
    "scan_parquet",
    "set_memory_limit",
    "timestamp",
]

use_packaged_zones()


def __getattr__(name: str) -> Any:
    """The names of `_LATER`, on first use."""
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
