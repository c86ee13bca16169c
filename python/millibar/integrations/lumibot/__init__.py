"""lumibot's data sources and Bars with the bars held in C: change the import, keep the program.

    from millibar.integrations.lumibot import PandasDataBacktesting

gives the class of that name, inside lumibot itself, with the same trades to the bit. This is the
only part of millibar that imports lumibot.

The DataBento classes and PolarsData are loaded when they are first asked for: they import more of
lumibot than a program on pandas data needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._bars import Bars
from ._pandas import PandasDataBacktesting
from ._speed import SpeedMeter

if TYPE_CHECKING:
    from ._databento import (
        DataBentoDataBacktesting,
        DataBentoDataBacktestingPandas,
        DataBentoDataBacktestingPolars,
    )
    from ._polars import PolarsData

__all__ = [
    "Bars",
    "DataBentoDataBacktesting",
    "DataBentoDataBacktestingPandas",
    "DataBentoDataBacktestingPolars",
    "PandasDataBacktesting",
    "PolarsData",
    "SpeedMeter",
]

_LAZY = {
    "DataBentoDataBacktesting": "._databento",
    "DataBentoDataBacktestingPandas": "._databento",
    "DataBentoDataBacktestingPolars": "._databento",
    "PolarsData": "._polars",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
