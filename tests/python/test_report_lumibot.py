"""The files of a run beside those lumibot writes of the same run, byte for byte.

lumibot runs a strategy and writes its files; what its broker and executor recorded then becomes a
Result, whose files must be the same text. So nothing here depends on our engine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lumibot.backtesting import PandasDataBacktesting
from lumibot.entities import Asset, Data, TradingFee
from lumibot.strategies import Strategy
from lumibot_support import MES, SPY, USD, at, minutes
from offline import no_yahoo, quiet

from millibar.report import write_files
from millibar.result import Result

KINDS = ("stats", "trade_events", "trades", "indicators")
KIND_OF_STATUS = {"fill": "filled", "partial_fill": "partial"}
ACCOUNT = ("portfolio_value", "cash", "positions", "return", "cash_adjusted_portfolio_value")
MES5 = Asset("MES", Asset.AssetType.CONT_FUTURE, multiplier=5)


class Deeds:
    """Orders of many kinds, drawings, and rows of its own; for lumibot's Strategy and for ours."""

    asset: Any = SPY
    market = "24/7"
    trailing = False

    def initialize(self: Any) -> None:
        self.set_market(self.market)
        self.sleeptime = "30M"
        self.count = 0

    def on_trading_iteration(self: Any) -> None:
        asset, step = self.asset, self.count % 7
        self.count += 1
        price = float(self.get_last_price(asset))
        if step == 0:
            self.submit_order(self.create_order(asset, 3, "buy"))
        if step == 2 and self.trailing:
            self.submit_order(self.create_order(asset, 1, "sell", trail_price=2.0))
        if step == 3:
            self.submit_order(self.create_order(asset, 2, "sell", limit_price=price + 1.5))
        if step == 4:
            bracket = {
                "order_class": "bracket",
                "secondary_stop_price": price - 2,
                "secondary_limit_price": price + 3,
            }
            self.submit_order(self.create_order(asset, 1, "buy", **bracket))
        if self.count % 9 == 8:
            self.cancel_open_orders()
        self.draw(price)

    def draw(self: Any, price: float) -> None:
        if self.count % 10 == 3:
            self.add_marker("mark", value=price, color="red", size=8, detail_text='a, "b"')
        elif self.count % 10 == 5:
            self.add_line("line", value=price, width=2)

    def trace_stats(self: Any, context: Any, snapshot_before: Any) -> dict[str, Any]:
        return {
            "count": self.count,
            "price": float(self.get_last_price(self.asset)),
            "word": 'x, "y"' if self.count % 2 else None,
            "flag": self.count % 3 == 0,
            "deep": {"b": [self.count], "a": None},
        }


class Busy(Deeds, Strategy):
    pass


class Mixed(Busy):
    """Types that no Parquet column of lumibot's holds."""

    def trace_stats(self, context: Any, snapshot_before: Any) -> dict[str, Any]:
        return {"mixed": [1, "one", 1.5, None, True][self.count % 5], "whole": self.count}


class Night(Busy):
    """A future, through sessions: rows of a session's opening come before the first iteration."""

    asset = MES5
    market = "us_futures"
    trailing = True


class Idle(Busy):
    def on_trading_iteration(self) -> None:
        pass

    def trace_stats(self, context: Any, snapshot_before: Any) -> dict[str, Any]:
        return {}


@contextmanager
def inside(folder: Path, capture: bool) -> Iterator[None]:
    """lumibot writes into ./logs, and calls trace_stats only where this variable says so."""
    with pytest.MonkeyPatch.context() as patch, no_yahoo():
        patch.chdir(folder)
        patch.setenv("LUMIBOT_DISABLE_UI", "1")
        patch.setenv("BACKTESTING_CAPTURE_LOCALS", str(capture).lower())
        yield


def run(folder: Path, kind: type[Busy], start: str, end: str, *, capture: bool) -> Any:
    """The strategy after its run; its files are in folder/logs."""
    quiet()
    fee = TradingFee(flat_fee=0.5, percent_fee=0.0001)
    data = Data(kind.asset, minutes(7, start=start, end=end), timestep="minute", quote=USD)
    with inside(folder, capture):
        _, strategy = kind.run_backtest(
            PandasDataBacktesting,
            at(start),
            at(end),
            pandas_data={(kind.asset, USD): data},
            buy_trading_fees=[fee],
            sell_trading_fees=[fee],
            budget=100_000,
            name="Busy",
            show_plot=False,
            show_tearsheet=False,
            save_tearsheet=False,
            show_indicators=False,
            show_progress_bar=False,
            quiet_logs=True,
        )
    return strategy


def ns(times: Any) -> np.ndarray:
    index = pd.DatetimeIndex(times).tz_convert("UTC").tz_localize(None)
    return index.to_numpy().astype("datetime64[ns]").astype(np.int64)


def orders_and_events(log: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if log.empty:
        return None, None
    first = log.drop_duplicates("identifier")
    number = {name: i for i, name in enumerate(first["identifier"], 1)}
    orders = {
        "id": np.array(list(number.values())),
        "identifier": list(number),
        "symbol": first["symbol"].tolist(),
        "side": [str(side) for side in first["side"]],
        "type": [str(kind) for kind in first["type"]],
        "tif": first["time_in_force"].tolist(),
    }
    events = {
        "timestamp": ns(log["time"]),
        "kind": [KIND_OF_STATUS.get(str(status), str(status)) for status in log["status"]],
        "order": np.array([number[name] for name in log["identifier"]]),
        "price": log["price"].to_numpy(float),
        "quantity": log["filled_quantity"].to_numpy(float),
        "fee": log["trade_cost"].to_numpy(float),
    }
    return orders, events


def result_of(strategy: Any) -> Result:
    """What lumibot recorded, as a Result."""
    log, stats = strategy.broker._trade_event_log_df, strategy.stats
    orders, events = orders_and_events(log)
    fills = None
    if events is not None:
        filled = (log["status"] == "fill").to_numpy()
        keys = ("timestamp", "order", "price", "quantity", "fee")
        fills = {key: np.asarray(events[key])[filled] for key in keys}
        fills["symbol"] = log["symbol"][filled].tolist()
        fills["side"] = [str(side) for side in log["side"][filled]]
    standard = {key for row in strategy._stats_list for key in row if key.startswith("cash")}
    standard |= {*ACCOUNT, "datetime"}
    rows = [
        {key: value for key, value in row.items() if key not in standard}
        # The row of the strategy's end is appended when the file has been written.
        for row in strategy._stats_list[: len(stats)]
    ]
    asset = strategy.asset
    return Result(
        equity={
            "timestamp": ns(stats.index),
            "cash": stats["cash"].to_numpy(float),
            "portfolio_value": stats["portfolio_value"].to_numpy(float),
        },
        fills=fills,
        orders=orders,
        events=events,
        assets={
            asset.symbol: {"asset_type": asset.asset_type.value, "multiplier": asset.multiplier}
        },
        trace=rows,
        charts={
            "markers": strategy._chart_markers_list,
            "lines": strategy._chart_lines_list,
            "ohlc": strategy._chart_ohlc_list,
        },
        name="Busy",
        zone="America/New_York",
    )


def theirs(folder: Path, kind: str, suffix: str = "csv") -> Path:
    (found,) = (folder / "logs").glob(f"Busy_*_{kind}.{suffix}")
    # "trades" also ends a name of its own; "stats" nothing else.
    return found


CASES = {
    "stock": (Busy, "2024-01-03 09:30", "2024-01-05 16:00", False),
    "future over the change of clocks, own rows": (
        Night,
        "2024-03-08 09:30",
        "2024-03-11 16:00",
        True,
    ),
    "own rows from the first": (Mixed, "2024-01-03 09:30", "2024-01-03 20:00", True),
    "nothing done": (Idle, "2024-01-03 09:30", "2024-01-04 12:00", False),
}


@pytest.fixture(scope="module", params=CASES)
def pair(request: Any, tmp_path_factory: Any) -> tuple[Path, dict[str, Path], Result]:
    kind, start, end, capture = CASES[request.param]
    folder = tmp_path_factory.mktemp("run")
    result = result_of(run(folder, kind, start, end, capture=capture))
    return folder, write_files(result, folder / "ours"), result


def by_time(text: str) -> list[str]:
    """Rows with those of one time sorted: lumibot's own order there is that of an unstable sort."""
    return sorted(text.splitlines())


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_is_lumibots(pair: Any, kind: str) -> None:
    folder, ours, _ = pair
    expected = theirs(folder, kind).read_text(encoding="utf-8")
    found = ours[kind].read_text(encoding="utf-8")
    if kind == "indicators":
        assert by_time(found) == by_time(expected)
        assert found.splitlines()[0] == expected.splitlines()[0]
    else:
        assert found == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_parquet_twin_holds_the_same(pair: Any, kind: str) -> None:
    folder, ours, _ = pair
    if not list((folder / "logs").glob(f"Busy_*_{kind}.parquet")):
        pytest.skip("lumibot could not write this one")
    expected = pq.read_table(theirs(folder, kind, "parquet"))
    found = pq.read_table(ours[kind].with_suffix(".parquet"))
    assert sorted(found.column_names) == sorted(expected.column_names)
    if kind == "indicators":
        keys = [(name, "ascending") for name in ("datetime", "type", "name")]
        expected, found = (
            table.sort_by(keys) if len(table) else table for table in (expected, found)
        )
    for name in expected.column_names:
        assert plain(found[name]) == plain(expected[name]), name


def plain(column: Any) -> list[str]:
    """Values as text; instants in UTC, as our files have them, lumibot's in New York."""
    times = getattr(column.type, "tz", None) is not None
    values = column.cast(pa.timestamp("ns", "UTC")) if times else column
    return [str(value) for value in values.to_pylist()]


def test_there_was_something_to_compare(pair: Any, request: Any) -> None:
    _, _, result = pair
    idle = "nothing done" in request.node.name
    assert (len(result.fills) == 0) == idle
    assert len(result.equity) > 10


def test_the_keys_of_the_settings_are_lumibots(pair: Any) -> None:
    folder, ours, _ = pair
    expected = json.loads(theirs(folder, "settings", "json").read_text(encoding="utf-8"))
    found = json.loads(ours["settings"].read_text(encoding="utf-8"))
    # Of lumibot's data services, which there are none of here.
    services = {
        "datadownloader_base_url",
        "datadownloader_skip_local_start",
        "remote_cache",
        "remote_cache_stats",
        "thetadata_queue_telemetry",
        "data_health",
        "runtime_timings",
    }
    assert [key for key in expected if key not in services] == [
        key for key in found if key in expected
    ]


def test_lumibots_mes_is_a_future() -> None:
    assert MES.asset_type == MES5.asset_type


# ---- The same files from our engine ------------------------------------------------------------


def by_our_engine(kind: type[Busy], start: str, end: str) -> Result:
    """The same deeds on the same bars, on millibar's engine under lumibot's policy."""
    backtest = pytest.importorskip("millibar.backtest")
    from millibar import assets
    from millibar.strategy import Strategy as OurStrategy

    theirs_ = kind.asset
    asset = assets.Asset(
        theirs_.symbol, asset_type=theirs_.asset_type.value, multiplier=theirs_.multiplier
    )
    deeds = {"asset": asset, "market": kind.market, "trailing": kind.trailing}
    strategy = type("Busy", (Deeds, OurStrategy), deeds)
    return backtest.Backtest(
        strategy,
        {asset: minutes(7, start=start, end=end)},
        start=at(start),
        end=at(end),
        budget=100_000,
        fees=[assets.TradingFee(flat_fee=0.5, percent_fee=0.0001)],
        policy="lumibot",
        name="Busy",
    ).run()


def same_names(text: str) -> list[str]:
    """Rows with the names of children, random in lumibot, replaced."""
    return re.sub(r",(bt_\d+_\d+|[0-9a-f]{32}),", ",child,", text).splitlines()


@pytest.mark.parametrize("name", ["stock", "future over the change of clocks, own rows"])
def test_our_engine_leaves_the_same_files(name: str, tmp_path: Path) -> None:
    kind, start, end, _ = CASES[name]
    run(tmp_path, kind, start, end, capture=False)
    ours = write_files(by_our_engine(kind, start, end), tmp_path / "ours")
    for what in KINDS:
        expected = same_names(theirs(tmp_path, what).read_text(encoding="utf-8"))
        found = same_names(ours[what].read_text(encoding="utf-8"))
        if what == "indicators":
            assert sorted(found) == sorted(expected)
        else:
            assert found == expected, what
