"""lumibot's names without lumibot. Each case runs in a process of its own: other tests import
lumibot itself, beside which the map refuses to stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from millibar.compat.lumibot._map import MODULES

ROOT = Path(__file__).resolve().parents[2]
ADVICE = "millibar run --engine lumibot FILE"
SETUP = """
import sys
from millibar.compat import lumibot as names
names.install()
"""


def run(code: str, *, setup: str = SETUP, **environment: str) -> str:
    """What the code prints; an exception of its is a failure here."""
    done = subprocess.run(
        [sys.executable, "-c", setup + code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_name_of_the_map_leads_somewhere() -> None:
    run(
        """
from importlib import import_module
from millibar.compat.lumibot import _finder
from millibar.compat.lumibot._map import MODULES
_finder.borrowed = lambda path: None
for path, targets in MODULES.items():
    module = import_module(path)
    assert module.__name__ == path and sys.modules[path] is module
    for name, target in targets.items():
        value = getattr(module, name)
        assert value is getattr(module, name), (path, name)
        assert (type(value).__name__ == "Absent") == (target == "absent"), (path, name)
    assert set(dir(module)) >= set(targets)
"""
    )


def test_the_same_class_by_every_path_and_none_of_lumibot() -> None:
    run(
        """
import lumibot
from lumibot.entities import *
from lumibot.entities.order import Order as ByModule
from lumibot.strategies.strategy import Strategy
import lumibot.strategies
import millibar.orders, millibar.strategy
assert Order is ByModule is millibar.orders.Order is lumibot.entities.order.Order
assert Strategy is lumibot.strategies.Strategy is millibar.strategy.Strategy
assert "Chains" not in globals() and "TradingFee" in globals()
assert lumibot.__version__ == "4.6.30"
assert not any("site-packages/lumibot" in str(getattr(m, "__file__", "")) for m in
               list(sys.modules.values()))
assert "pandas" not in sys.modules
"""
    )


@pytest.mark.parametrize(
    ("code", "error", "name"),
    [
        ("import lumibot.nonsense", "ImportError", "lumibot.nonsense"),
        ("from lumibot import nonsense", "ImportError", "lumibot.nonsense"),
        ("from lumibot.entities import Nonsense", "ImportError", "lumibot.entities.Nonsense"),
        ("from lumibot.entities.asset import X", "ImportError", "lumibot.entities.asset.X"),
        ("import lumibot; lumibot.entities.X", "AttributeError", "lumibot.entities.X"),
        ("from lumibot.brokers import Alpaca; Alpaca({}).x()", "UnsupportedError", "alpaca.Alpaca"),
        ("from lumibot.brokers import Ccxt; Ccxt.x", "AttributeError", "Ccxt"),
        (
            "from lumibot.data_sources import PolarsData\nclass Mine(PolarsData): pass",
            "UnsupportedError",
            "PolarsData",
        ),
        ("from lumibot.tools import sharpe; sharpe(1, 2)", "UnsupportedError", "sharpe"),
        (
            "from lumibot.components.options_helper import OptionsHelper as O; O(1)",
            "UnsupportedError",
            "OptionsHelper",
        ),
    ],
)
def test_what_is_not_there_says_so_and_what_to_do(code: str, error: str, name: str) -> None:
    body = "\n".join(f"    {line}" for line in code.splitlines())
    printed = run(
        f"try:\n{body}\nexcept Exception as e:\n"
        "    print([c.__name__ for c in type(e).__mro__], str(e))\nelse:\n    print('nothing')\n"
    )
    assert repr(error) in printed
    assert name.rpartition(".")[2] in printed and ADVICE in printed


def test_names_that_are_only_imported_do_no_harm() -> None:
    run(
        """
from lumibot.backtesting import YahooDataBacktesting, PandasDataBacktesting
from lumibot.brokers import Alpaca
from lumibot.credentials import ALPACA_CONFIG, IS_BACKTESTING, broker
assert IS_BACKTESTING is True and broker is None
assert not isinstance(3, Alpaca) and ALPACA_CONFIG["API_KEY"] == "k"
assert YahooDataBacktesting.__name__ == "YahooDataBacktesting"
""",
        ALPACA_API_KEY="k",
        IS_BACKTESTING="false",
    )


def test_what_needs_public_classes_alone_is_borrowed_from_an_installed_lumibot(
    tmp_path: Path,
) -> None:
    """Its file runs over our classes; nothing else of lumibot's is imported."""
    package = tmp_path / "lumibot"
    for folder in (package, package / "components", package / "example_strategies"):
        folder.mkdir()
        (folder / "__init__.py").write_text("raise RuntimeError('lumibot itself')\n")
    (package / "example_strategies" / "__init__.py").write_text("")
    (package / "components" / "drift_rebalancer_logic.py").write_text(
        "from lumibot.entities import Asset\nclass DriftRebalancerLogic:\n    asset = Asset('A')\n"
    )
    (package / "example_strategies" / "one.py").write_text(
        "from lumibot.components.drift_rebalancer_logic import DriftRebalancerLogic\n"
        "from lumibot.strategies import Strategy\nclass One(Strategy): pass\n"
    )
    run(
        f"""
sys.path.insert(0, {str(tmp_path)!r})
from lumibot.example_strategies.one import DriftRebalancerLogic, One
import millibar
assert type(DriftRebalancerLogic.asset) is millibar.Asset and millibar.Strategy in One.__mro__
names.uninstall()
assert not [name for name in sys.modules if name.startswith("lumibot")]
"""
    )


def test_what_would_be_borrowed_says_so_where_lumibot_is_not_installed() -> None:
    printed = run(
        """
from millibar.compat.lumibot import _finder
_finder.borrowed = lambda path: None
from lumibot.components.drift_rebalancer_logic import DriftRebalancerLogic, DriftType
for what in ("DriftRebalancerLogic()", "__import__('lumibot.example_strategies.first_backtest')"):
    try:
        eval(what)
    except Exception as error:
        print(type(error).__name__, error)
"""
    )
    assert printed.count("where lumibot is installed") == 2
    assert printed.startswith("UnsupportedError") and "\nNotInMillibar" in printed


def test_uninstalling_leaves_nothing_behind() -> None:
    run(
        """
import lumibot.entities
names.install()
assert names.installed()
names.uninstall()
names.uninstall()
assert not names.installed()
assert not [name for name in sys.modules if name.split(".")[0] == "lumibot"]
names.install()
from lumibot.entities import Asset
assert Asset("SPY")
"""
    )


def test_it_refuses_beside_lumibot_itself(tmp_path: Path) -> None:
    (tmp_path / "lumibot").mkdir()
    (tmp_path / "lumibot" / "__init__.py").write_text("real = True\n")
    printed = run(
        f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import lumibot
from millibar.compat import lumibot as names
try:
    names.install()
except ImportError as error:
    print(error)
assert lumibot.real and not names.installed()
del sys.modules["lumibot"]
names.install()
import lumibot
assert not hasattr(lumibot, "real")
""",
        setup="",
    )
    assert "already imported" in printed and ADVICE in printed and str(tmp_path) in printed


def test_settings_come_from_the_environment() -> None:
    run(
        """
from lumibot import credentials
from datetime import datetime
assert credentials.BACKTESTING_START == datetime(2024, 1, 3) and credentials.BACKTESTING_END is None
assert credentials.STRATEGY_PARAMETERS == {"n": 3} == credentials.BACKTESTING_PARAMETERS
assert credentials.SHOW_PLOT is False and credentials.HIDE_TRADES is True
from lumibot import LUMIBOT_CACHE_FOLDER, LUMIBOT_DEFAULT_PYTZ
assert LUMIBOT_CACHE_FOLDER == "/nowhere"
summer = LUMIBOT_DEFAULT_PYTZ.localize(datetime(2024, 7, 1))
assert summer.utcoffset().total_seconds() == -4 * 3600
""",
        BACKTESTING_START="2024-01-03",
        LUMIBOT_STRATEGY_PARAMETERS='{"n": 3}',
        SHOW_PLOT="False",
        HIDE_TRADES="true",
        LUMIBOT_CACHE_FOLDER="/nowhere",
    )


def test_small_tools() -> None:
    run(
        """
import logging
from datetime import datetime
from decimal import Decimal
import pandas as pd
from lumibot.tools import *
from lumibot.tools.helpers import create_options_symbol, get_chunks, to_datetime_aware
assert create_options_symbol("AAPL", "2024-01-19", "Call", 150.5) == "AAPL240119C00150500"
assert get_chunks([1, 2, 3], 2) == [[1, 2], [3]]
items = [3, 1, 3, 2, 1]
assert deduplicate_sequence(items) is items == [3, 1, 2]
assert to_datetime_aware(datetime(2024, 1, 3)).utcoffset().total_seconds() == -5 * 3600
assert quantize_to_num_decimals(0.125, 2) == 0.12 and get_decimals(1.25) == 2
assert has_more_than_n_decimal_places(1.25, 1) and not has_more_than_n_decimal_places(1.0, 1)
assert check_price("1.5") == 1.5 and check_quantity("2") == Decimal(2)
assert parse_timestep_qty_and_unit("15Min") == (15, "minute")
for wrong in ((check_price, ("x",)), (check_numeric, (-1, float, "no", True, True, False, False,
              False)), (quantize_to_num_decimals, (1, 2)), (set_log_level, ("LOUD",))):
    try:
        wrong[0](*wrong[1])
    except ValueError:
        continue
    raise AssertionError(wrong)
log = get_logger("mine")
assert log.name == "lumibot.mine" and get_logger("lumibot.x").name == "lumibot.x"
assert get_strategy_logger("a", "S").process("hi", {})[0] == "[S] hi"
days = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-05"])
frame = pd.DataFrame({"a": [1, 2, 3]}, index=days)
filled = fill_void(frame, pd.Timedelta("1D"), pd.Timestamp("2024-01-07"))
assert filled["a"].tolist() == [1, 2, 2, 2, 3, 3, 3] and is_daily_data(filled)
assert filled.index.equals(pd.date_range("2024-01-01", "2024-01-07"))
assert day_deduplicate(pd.concat([frame, frame])).equals(frame)
assert "1.00" in prettify_dataframe_with_decimals(frame, 2)
"""
    )


def test_the_page_names_all_that_is_there() -> None:
    page = (ROOT / "docs" / "compat.md").read_text(encoding="utf-8")
    vendors = ("lumibot.credentials", "lumibot.data_sources")
    for path, targets in MODULES.items():
        assert (
            path in page or f"`.{path.rpartition('.')[2]}`" in page or "absent" in targets.values()
        )
        for name in targets:
            if not path.startswith(vendors):
                assert f"`{name}`" in page, (path, name)
