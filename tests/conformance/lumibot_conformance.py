"""A pytest plugin for lumibot's own tests: our classes in place of lumibot's, and no network.

Loaded with `-p lumibot_conformance` by run.py, in the process that runs lumibot's tests. Before any
test module is imported it replaces, in every module of lumibot that binds them by name, the classes
listed in SUBSTITUTES; a test that says `from lumibot.backtesting import PandasDataBacktesting` then
gets ours. CONFORMANCE_SIDE says which run this is: "lumibot" replaces nothing (the reference),
"millibar" replaces. CONFORMANCE_RESULTS names the JSON file the outcomes are written to.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

# The name in lumibot, the module that defines it there, and the name of ours. A replaced base class
# leaves lumibot's other subclasses of it as they are.
SUBSTITUTES = (
    ("PandasData", "lumibot.data_sources.pandas_data", "PandasDataBacktesting"),
    ("PandasDataBacktesting", "lumibot.backtesting.pandas_backtesting", "PandasDataBacktesting"),
    ("Bars", "lumibot.entities.bars", "Bars"),
)
# PolarsData is not among them: lumibot's holds frames and fills nothing, ours trades; what lumibot
# tests of it is how it evicts its own caches.
_BACKTESTING = "lumibot.backtesting.databento_backtesting"
DATABENTO_SUBSTITUTES = (
    ("DataBentoDataBacktestingPandas", f"{_BACKTESTING}_pandas", "DataBentoDataBacktestingPandas"),
    ("DataBentoDataBacktestingPolars", f"{_BACKTESTING}_polars", "DataBentoDataBacktestingPolars"),
)
PACKAGES = ("lumibot.data_sources", "lumibot.backtesting", "lumibot.entities", "lumibot.strategies")

_outcomes: dict[str, str] = {}


def pytest_configure(config: Any) -> None:
    stub_yahoo()
    find_data_beside(config.rootpath)
    if os.environ["CONFORMANCE_SIDE"] == "millibar":
        substitute(SUBSTITUTES)
        if os.environ.get("CONFORMANCE_DATABENTO"):
            substitute(DATABENTO_SUBSTITUTES)


def substitute(names: tuple[tuple[str, str, str], ...]) -> None:
    """Put our classes where lumibot's are bound, in every module that has been imported."""
    import millibar.integrations.lumibot as ours

    import_all(PACKAGES)
    for name, module_name, our_name in names:
        original = getattr(importlib.import_module(module_name), name)
        replacement = getattr(ours, our_name)
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").startswith("lumibot."):
                for bound, value in list(vars(module).items()):
                    if value is original:
                        setattr(module, bound, replacement)
        # Packages that import lazily bind nothing until asked.
        package = importlib.import_module(module_name.rpartition(".")[0])
        setattr(package, name, replacement)


def import_all(packages: tuple[str, ...]) -> None:
    """Import what can be: a module whose own dependency is missing binds nothing anyway."""
    for package_name in packages:
        package = importlib.import_module(package_name)
        for found in pkgutil.iter_modules(package.__path__, package_name + "."):
            try:
                importlib.import_module(found.name)
            except Exception:
                continue


def stub_yahoo() -> None:
    """The benchmark and the risk-free rate of a run's end, without a minute of DNS retries."""
    import numpy as np
    import pandas as pd
    from lumibot.tools.yahoo_helper import YahooHelper

    def local(symbol: str, *_: Any, **__: Any) -> pd.DataFrame:
        days = pd.date_range("2000-01-03", "2027-12-31", freq="B", tz="America/New_York")
        level = 4.0 if symbol == "^IRX" else 400.0
        values = level * (1 + 0.01 * np.sin(np.arange(len(days)) / 9.0))
        frame = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), values), days)
        return frame.assign(Volume=1_000, Dividends=0.0, **{"Stock Splits": 0.0})

    YahooHelper.get_symbol_data = staticmethod(local)


def find_data_beside(root: Path) -> None:
    """lumibot's fixtures look for `data` beside the package: make it beside the tests."""
    import lumibot

    lumibot.LUMIBOT_SOURCE_PATH = str(root / "lumibot")


def pytest_runtest_logreport(report: Any) -> None:
    """The worst outcome of a test's three phases is its outcome."""
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        _outcomes[f"{report.nodeid}::(collection)"] = "failed"


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    Path(os.environ["CONFORMANCE_RESULTS"]).write_text(json.dumps(_outcomes), encoding="utf-8")
