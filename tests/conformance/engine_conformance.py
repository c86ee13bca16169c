"""A pytest plugin for lumibot's own tests: lumibot's names, millibar's engine, no lumibot at all.

Loaded with `-p engine_conformance` by `run.py --engine millibar`, in a process that never imports
lumibot: `millibar.compat.lumibot.install()` answers every `import lumibot...` of the tests. Some
things stand in for what the tests take for granted: Yahoo's data source is ours over a local frame
of daily bars, lumibot's example strategies are read from the checkout's files, the data folder is
where lumibot's fixtures look for it, and the broker can be stepped (stepping.py).
CONFORMANCE_RESULTS names the JSON file of the outcomes, each with the reason where a test did not
pass.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import stepping

from millibar.compat import lumibot
from millibar.compat.lumibot import _map, constants
from millibar.source import PandasDataBacktesting

_EXAMPLES = "lumibot.example_strategies"
_outcomes: dict[str, tuple[str, str]] = {}


class YahooDataBacktesting(PandasDataBacktesting):
    """Daily bars of whatever is asked for, from nowhere: what lumibot's tests need of Yahoo."""

    SYMBOLS = ("SPY", "TQQQ", "AAPL", "QQQ")

    def __init__(
        self, datetime_start: Any = None, datetime_end: Any = None, **options: Any
    ) -> None:
        options["data"] = options.get("data") or {symbol: daily_bars() for symbol in self.SYMBOLS}
        super().__init__(datetime_start=datetime_start, datetime_end=datetime_end, **options)


def daily_bars() -> Any:
    """Twenty-eight years of business days around 400."""
    import numpy as np
    import pandas as pd

    days = pd.date_range("2000-01-03", "2027-12-31", freq="B", tz="America/New_York")
    values = 400.0 * (1 + 0.01 * np.sin(np.arange(len(days)) / 9.0))
    names = ("open", "high", "low", "close")
    return pd.DataFrame(dict.fromkeys(names, values), days).assign(volume=1_000.0)


class ExampleFinder:
    """Finds lumibot's example strategies among the files of the checkout."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of an example's file, or of the package they are in."""
        if fullname == _EXAMPLES:
            return ModuleSpec(fullname, None, is_package=True)
        file = self._folder / f"{fullname.removeprefix(_EXAMPLES + '.')}.py"
        if not fullname.startswith(_EXAMPLES + ".") or not file.exists():
            return None
        return importlib.util.spec_from_file_location(fullname, file)


def pytest_configure(config: Any) -> None:
    constants.LUMIBOT_SOURCE_PATH = str(config.rootpath / "lumibot")
    for path in ("lumibot.backtesting", "lumibot.backtesting.yahoo_backtesting"):
        _map.MODULES[path]["YahooDataBacktesting"] = f"{__name__}:YahooDataBacktesting"
    lumibot.install()
    stepping.install()
    sys.meta_path.insert(0, ExampleFinder(Path(os.environ["CONFORMANCE_EXAMPLES"])))


def _reason(report: Any) -> str:
    """The last line of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    lines = [line.removeprefix("E").strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "NotInMillibar" in line]
    return (errors or lines or [""])[-1 if crash is None else 0]


def pytest_runtest_logreport(report: Any) -> None:
    """The worst outcome of a test's three phases is its outcome."""
    if report.when == "call" or report.outcome != "passed":
        passed = report.outcome == "passed"
        if not passed or report.nodeid not in _outcomes:
            _outcomes[report.nodeid] = report.outcome, "" if passed else _reason(report)


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        _outcomes[f"{report.nodeid}::(collection)"] = "failed", _reason(report)


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    if not lumibot._finder.is_ours(sys.modules.get("lumibot")):
        raise AssertionError("lumibot itself was imported: nothing here was tested")
    Path(os.environ["CONFORMANCE_RESULTS"]).write_text(json.dumps(_outcomes), encoding="utf-8")
