"""Backtests from end to end: sources, Trader, run_backtest, Backtest, policies, results."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sharing_support import assert_nothing_is_left

import millibar as mb
from millibar import (
    Asset,
    Backtest,
    BacktestingBroker,
    Data,
    PandasDataBacktesting,
    Strategy,
    Trader,
    TradingFee,
)
from millibar._summary import lumibot_summary
from millibar.errors import InvalidError, UnsupportedError
from millibar.report import data_entry, manifest, write_files

MINUTE = 60_000_000_000
START = 1_704_292_200_000_000_000  # 2024-01-03 09:30 New York
SPY, QQQ = Asset("SPY"), Asset("QQQ")
NINE_THIRTY, TEN = datetime(2024, 1, 3, 9, 30), datetime(2024, 1, 3, 10, 0)


def minutes(n: int = 60, first: int = 0, seed: int = 1) -> mb.Bars:
    close = 100 + np.round(np.cumsum(np.random.default_rng(seed).normal(size=n)) * 4) / 4
    stamps = (START + (first + np.arange(n)) * MINUTE).view("datetime64[ns]")
    columns = {"timestamp": stamps, "open": close, "high": close + 0.5, "low": close - 0.5}
    return mb.Bars(columns | {"close": close, "volume": np.full(n, 7.0)}, tz="UTC")


def frame(n: int = 60) -> pd.DataFrame:
    table = minutes(n).to_pandas()
    table.index = pd.DatetimeIndex(table.index).tz_convert("America/New_York")
    return table


class Crossing(Strategy):
    """Buys above its average and sells below: a trade or two an hour."""

    parameters: ClassVar[Any] = {"length": 5}

    def on_trading_iteration(self) -> None:
        bars = self.get_historical_prices(SPY, self.parameters["length"])
        price = self.get_last_price(SPY)
        if bars is None or price is None:
            return
        held = self.get_position(SPY)
        if price > bars.column("close").mean() and held is None:
            self.submit_order(self.create_order(SPY, 1, "buy"))
        elif price < bars.column("close").mean() and held is not None:
            self.close_position(SPY)


def hashes(data: Any, policy: str = "lumibot", **options: Any) -> dict[str, str]:
    backtest = Backtest(Crossing, data, policy=policy, start=NINE_THIRTY, end=TEN, **options)
    result = backtest.run()
    assert len(result.fills) > 3
    return result.hashes


# ---- Sources -----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["lumibot", "strict"])
def test_every_kind_of_source_gives_the_same_run(tmp_path: Path, policy: str) -> None:
    bars = minutes()
    bars.write_parquet(tmp_path / "spy.parquet")
    want = hashes({SPY: bars}, policy)
    sources: list[Any] = [
        {"SPY": tmp_path / "spy.parquet"},
        {"spy": str(tmp_path / "spy.parquet")},
        {SPY: frame()},
        {(SPY, Asset("USD", "forex")): bars.table},
        {SPY: Data(SPY, frame(), timestep="minute")},
        {SPY: mb.scan_parquet(str(tmp_path / "spy.parquet"))},
    ]
    for data in sources:
        assert hashes(data, policy) == want


def test_labels_of_closes_are_shifted() -> None:
    late = frame()
    late.index = late.index + pd.Timedelta("1min")
    assert hashes({SPY: late}, label="close") == hashes({SPY: frame()})


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        ({3: minutes(3)}, TypeError, "key of data="),
        ({SPY: 3}, TypeError, "source of data="),
        ({SPY: "nowhere.parquet"}, FileNotFoundError, "nowhere"),
        ({SPY: minutes(3).select("timestamp", "close")}, ValueError, "no column 'open'"),
        ({Asset("BTC", "crypto"): minutes(3)}, None, ""),
    ],
)
def test_sources_that_cannot_be(data: Any, error: Any, match: str) -> None:
    if error is None:
        Backtest(Crossing, data).run()
        return
    with pytest.raises(error, match=match):
        Backtest(Crossing, data)


def test_data_outside_of_the_backtest() -> None:
    for policy in ("lumibot", "strict"):
        with pytest.raises(InvalidError, match="no data after the backtest start date"):
            Backtest(Crossing, {SPY: minutes()}, policy=policy, start=datetime(2025, 1, 1)).run()
        with pytest.raises(InvalidError, match="no data before the backtest end date"):
            Backtest(
                Crossing,
                {SPY: minutes()},
                policy=policy,
                start=datetime(2020, 1, 1),
                end=datetime(2021, 1, 1),
            ).run()
    with pytest.raises(InvalidError, match="no data to tell"):
        Backtest(Crossing, {})
    with pytest.raises(InvalidError, match="at least one asset"):
        Backtest(Crossing, {}, start=NINE_THIRTY, end=TEN).run()


@pytest.mark.parametrize("policy", ["lumibot", "strict"])
def test_two_assets_without_a_common_minute(policy: str) -> None:
    seen: list[Any] = []

    class Both(Strategy):
        def on_trading_iteration(self) -> None:
            seen.append((self.get_last_price(SPY), self.get_last_price(QQQ)))

    Backtest(Both, {SPY: minutes(20), QQQ: minutes(20, first=30)}, policy=policy).run()
    assert any(spy is not None and qqq is None for spy, qqq in seen)
    assert all(spy is not None for spy, qqq in seen if qqq is not None)


@pytest.mark.parametrize("policy", ["lumibot", "strict"])
def test_one_bar(policy: str) -> None:
    result = Backtest(Crossing, {SPY: minutes(1)}, policy=policy).run()
    assert len(result.fills) == 0


def test_strict_runs_to_the_close_of_the_last_bar() -> None:
    seen: list[datetime] = []
    Backtest(lambda self: seen.append(self.get_datetime()), {SPY: minutes(5)}).run()
    assert [f"{moment:%H:%M}" for moment in seen] == [f"09:3{i}" for i in range(1, 6)]


def test_days_and_hours() -> None:
    days = pd.date_range("2024-01-02", periods=30, freq="B", tz="America/New_York")
    close = 100 + np.arange(30.0)
    table = pd.DataFrame(
        {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1.0},
        index=days,
    )
    seen: list[Any] = []

    def look(self: Strategy) -> None:
        seen.append((self.get_datetime().date(), self.get_last_price(SPY)))

    def initialize(self: Strategy) -> None:
        self.sleeptime = "1D"

    Backtest(
        {"initialize": initialize, "on_trading_iteration": look},
        {SPY: table},
        policy="lumibot",
        start=datetime(2024, 1, 2),
        end=datetime(2024, 1, 20),
    ).run()
    assert seen[0] == (datetime(2024, 1, 3).date(), 101.0)  # the first bar is skipped
    assert [price for _, price in seen] == [101.0 + i for i in range(len(seen))]


# ---- lumibot's way to run ----------------------------------------------------------------------


def test_trader_and_broker() -> None:
    source = PandasDataBacktesting(
        datetime_start=NINE_THIRTY,
        datetime_end=TEN,
        pandas_data={SPY: Data(SPY, frame(), timestep="minute")},
        show_progress_bar=False,
    )
    strategy = Crossing(
        broker=BacktestingBroker(source),
        budget=5_000,
        buy_trading_fees=[TradingFee(flat_fee=0.5)],
        parameters={"length": 4},
        analyze_backtest=False,
    )
    trader = Trader(backtest=True)
    trader.add_strategy(strategy)
    results = trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)
    assert strategy.analysis == results["Crossing"] == lumibot_summary(strategy.result)
    assert set(strategy.analysis) >= {"cagr", "sharpe", "max_drawdown", "total_return"}
    (entry,) = manifest(strategy.result)["data"]
    assert entry == data_entry("SPY", mb.Bars.from_series(source.instruments[0].feed.series))
    assert entry["rows"] == len(source.instruments[0].feed) and len(entry["columns_sha256"]) == 64
    assert pickle.loads(pickle.dumps(strategy.result.data)) == [entry]
    assert strategy.broker.get_tracked_orders() == strategy.get_orders()
    assert strategy.initial_budget == 5_000
    assert strategy.result.settings["policy"] == "lumibot"
    assert strategy.result.settings["parameters"] == {"length": 4}


def test_run_backtest_and_backtest() -> None:
    data = [Data(SPY, frame(), timestep="minute")]
    options: Any = {"pandas_data": data, "budget": 9_000, "analyze_backtest": False}
    results, strategy = Crossing.run_backtest(
        PandasDataBacktesting, NINE_THIRTY, TEN, show_progress_bar=False, **options
    )
    assert isinstance(strategy, Crossing)
    assert strategy.backtesting_end.hour == 10
    assert type(strategy._trader) is Trader and strategy._trader._strategies == [strategy]
    data = [Data(SPY, frame(), timestep="minute")]
    again = Crossing.backtest(
        PandasDataBacktesting,
        NINE_THIRTY,
        TEN,
        pandas_data=data,
        budget=9_000,
        show_plot=False,
        show_tearsheet=False,
        save_tearsheet=False,
        show_progress_bar=False,
        analyze_backtest=False,
    )
    assert again["total_return"] == pytest.approx(results["total_return"], nan_ok=True)


def test_the_environment_goes_over_what_a_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKTESTING_START", "2024-01-03T09:40:00")
    monkeypatch.setenv("BACKTESTING_END", "2024-01-03T09:50:00")
    monkeypatch.setenv("BACKTESTING_BUDGET", "$12k")
    seen: list[Any] = []

    class Looks(Strategy):
        def on_trading_iteration(self) -> None:
            seen.append((f"{self.get_datetime():%H:%M}", self.cash))

    Looks.backtest(
        PandasDataBacktesting,
        NINE_THIRTY,
        TEN,
        pandas_data=[Data(SPY, frame(), timestep="minute")],
        analyze_backtest=False,
        show_progress_bar=False,
    )
    assert seen[0] == ("09:40", 12_000.0)
    assert seen[-1][0] <= "09:50"


def test_what_cannot_be_run() -> None:
    class YahooDataBacktesting:
        pass

    for source in (YahooDataBacktesting, {"STOCK": YahooDataBacktesting}):
        with pytest.raises(UnsupportedError, match="--engine lumibot FILE"):
            Crossing.backtest(source, NINE_THIRTY, TEN)
    with pytest.raises(ValueError, match="must be before"):
        Crossing.backtest(PandasDataBacktesting, TEN, NINE_THIRTY)
    with pytest.raises(ValueError, match="must be a datetime"):
        Crossing.backtest(PandasDataBacktesting, "yesterday", TEN)
    with pytest.raises(ValueError, match="No broker is set"):
        Crossing()
    with pytest.raises(RuntimeError, match="No strategies to run"):
        Trader(backtest=True).run_all()
    trader = Trader()
    trader.add_strategy(Backtest(Crossing, {SPY: minutes(3)}).strategy)
    with pytest.raises(RuntimeError, match="mix backtesting and live"):
        trader.run_all()
    trader = Trader(
        backtest=True, strategies=[Backtest(Crossing, {SPY: minutes(3)}).strategy for _ in "ab"]
    )
    with pytest.raises(RuntimeError, match="one at a time"):
        trader.run_all()


# ---- Backtest ----------------------------------------------------------------------------------


def test_functions_for_a_strategy() -> None:
    seen: list[str] = []
    result = Backtest(
        {
            "initialize": lambda self: seen.append("initialize"),
            "on_strategy_end": lambda self: seen.append("end"),
        },
        {SPY: minutes(5)},
    ).run()
    assert seen == ["initialize", "end"]
    assert len(result.equity) == 5
    for wrong in (3, int, {"on_iteration": print}, {"initialize": 3}):
        with pytest.raises(TypeError):
            Backtest(wrong, {SPY: minutes(5)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"policy": "loose"}, "policy"),
        ({"policy": "lumibot", "clock": "bars"}, "clock"),
        ({"clock": "sun"}, "clock"),
        ({"slippage_ticks": -1.0}, "slippage"),
        ({"volume_share": 2.0}, "share"),
        ({"budget": float("nan")}, "budget"),
    ],
)
def test_terms_that_cannot_be(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidError, match=match):
        Backtest(Crossing, {SPY: minutes(5)}, **options).run()


def test_a_backtest_runs_once() -> None:
    backtest = Backtest(Crossing, {SPY: minutes(5)})
    backtest.run()
    with pytest.raises(InvalidError, match="runs once"):
        backtest.run()


def test_frictions_cost() -> None:
    def total(**options: Any) -> float:
        result = Backtest(Crossing, {SPY: minutes()}, **options).run()
        return float(result.equity["portfolio_value"][-1])

    free = total()
    assert total(slippage_percent=0.001) < free
    assert total(fees=[TradingFee(flat_fee=1)]) < free
    assert (
        total(fees=1) == total(fees=TradingFee(flat_fee=1)) == total(fees=[TradingFee(flat_fee=1)])
    )
    assert total(sell_fees=1.0) == total(fees=1, buy_fees=0)


def test_a_result_says_what_it_was_made_with() -> None:
    result = Backtest(Crossing, {SPY: minutes()}, fees=[TradingFee(percent_fee=0.001)]).run()
    settings = result.settings
    assert (settings["policy"], settings["clock"]) == ("strict", "bars")
    assert settings["buy_trading_fees"] == [(0.0, 0.001, 0.0, True, True)]
    assert result.assets["SPY"]["asset_type"] == "stock"
    assert result.data[0]["symbol"] == "SPY"
    assert result.speed is not None
    assert result.speed.n_bars == 60
    assert set(result.speed.seconds) == {"data", "strategy", "broker", "reporting"}
    part = Backtest(Crossing, {SPY: minutes(90)}, start=NINE_THIRTY, end=TEN).run()
    assert part.speed is not None
    assert part.speed.n_bars == 31  # those whose stamps lie in the run
    assert result.events["kind"].tolist()[:2] == ["new", "filled"]
    assert str(result).startswith("Crossing: ")


@pytest.mark.parametrize("policy", ["lumibot", "strict"])
def test_the_same_run_has_the_same_hashes(policy: str) -> None:
    want = hashes({SPY: minutes()}, policy)
    assert hashes({SPY: minutes()}, policy) == want
    assert hashes({SPY: minutes(seed=2)}, policy) != want


def hashes_of_all_kinds() -> list[str]:
    """Of the strategy under both policies and of arrays of signals."""
    found = [hashes({SPY: minutes()}, policy)["all"] for policy in ("lumibot", "strict")]
    bars = minutes(500)
    above = bars["close"] > bars.ema(9)
    fees = TradingFee(percent_fee=0.0013)
    signals = Backtest.from_signals(bars, above, short_entries=~above, share=0.7, fees=fees)
    assert len(signals.fills) > 3
    return [*found, signals.hashes["all"]]


CODE = """
import sys
sys.path.insert(0, {tests!r})
from test_backtest import *
print(*hashes_of_all_kinds())
"""


def test_runs_do_not_depend_on_the_machine() -> None:
    want = hashes_of_all_kinds()
    elsewhere = {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(tests=str(Path(__file__).parent))],
        env=os.environ | elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == want


def test_threads_run_each_their_own() -> None:
    want = hashes({SPY: minutes()}, "strict")
    got: list[Any] = []

    def work() -> None:
        got.append(hashes({SPY: minutes()}, "strict"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [want] * 4


def test_stop_from_another_thread() -> None:
    trader = Trader(backtest=True)

    class Waits(Strategy):
        def on_trading_iteration(self) -> None:
            if self.first_iteration:
                thread = threading.Thread(target=trader.stop_all)
                thread.start()
                thread.join()

    source = PandasDataBacktesting(NINE_THIRTY, TEN, data={SPY: minutes()})
    strategy = Waits(BacktestingBroker(source), analyze_backtest=False)
    trader.add_strategy(strategy)
    trader.run_all()
    assert strategy.broker.engine is not None
    assert strategy.broker.engine.iterations == 1


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, millibar as mb; print([m for m in ('pandas', 'pyarrow', 'lumibot', 'numpy') "
        "if m in sys.modules]); mb.Strategy; mb.Backtest; print([m for m in ('pandas', 'pyarrow', "
        "'lumibot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_runs_leave_nothing_behind() -> None:
    assert_nothing_is_left(lambda: Backtest(Crossing, {SPY: minutes()}, policy="lumibot").run(), 10)


# ---- The end, and the length, of a run -----------------------------------------------------------


@pytest.mark.parametrize("end", [None, datetime(2024, 1, 3, 9, 59)])
def test_the_clock_of_bars_shows_the_last_bar_where_no_end_is_named(end: datetime | None) -> None:
    """It closes a minute after its open, which an end there is before."""
    bars = minutes(30)
    seen: list[tuple[datetime, Any]] = []

    def trade(strategy: Strategy) -> None:
        window = strategy.get_historical_prices(SPY, 1)
        seen.append((strategy.get_datetime(), None if window is None else window.column("close")))

    Backtest(trade, {SPY: bars}, end=end).run()
    closes = bars["close"].tolist()
    shown = len(closes) if end is None else len(closes) - 1
    assert len(seen) == shown
    assert seen[-1][0].timestamp() * 10**9 == START + shown * MINUTE
    assert [column.tolist() for _, column in seen] == [[close] for close in closes[:shown]]


def lines_run(n_bars: int, policy: str) -> int:
    """Lines of the package that a strategy runs which has ever more orders behind it."""

    class Busy(Strategy):
        def on_trading_iteration(self) -> None:
            price = self.get_last_price(SPY)
            if price is None:
                return
            self.cancel_open_orders()
            held = self.get_position(SPY)
            self.submit_order(self.create_order(SPY, 1, "buy" if held is None else "sell"))
            self.submit_order(self.create_order(SPY, 1, "buy", limit_price=price / 2))

    count = 0
    folder = str(Path(mb.__file__).parent)

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(folder):
            return None
        count += event == "line"
        return trace

    backtest = Backtest(Busy, {SPY: minutes(n_bars)}, policy=policy)
    former = sys.gettrace()
    sys.settrace(trace)
    try:
        result = backtest.run()
    finally:
        sys.settrace(former)
    assert len(result.orders) > n_bars
    return count


@pytest.mark.parametrize("policy", ["strict", "lumibot"])
def test_orders_behind_a_run_do_not_slow_it(policy: str) -> None:
    """Twice the bars, twice the lines; a search among all orders would be four times as many."""
    short, long = lines_run(150, policy), lines_run(300, policy)
    assert 1.7 < long / short < 2.2


def test_the_trade_log_says_which_orders_a_quote_filled(tmp_path: Path) -> None:
    """By the bid or ask where the data have them, else by the bar."""
    table = frame(20)
    plain = Data(QQQ, table.copy(), timestep="minute")
    table["bid"], table["ask"] = table["open"] - 1.0, table["open"] + 1.0
    quotes = Data(SPY, table, timestep="minute")

    def iterate(self: Any) -> None:
        for asset in (SPY, QQQ) if self.first_iteration else ():
            self.submit_order(self.create_order(asset, 1, "buy"))
            self.submit_order(self.create_order(asset, 1, "buy", limit_price=500.0))

    backtest = Backtest(
        iterate, {SPY: quotes, QQQ: plain}, policy="lumibot", start=NINE_THIRTY, end=TEN
    )
    result = backtest.run()
    quoted = ids_of(result)[:2]
    assert len(result.fills) == 4 and result.quoted == frozenset(quoted)
    log: Any = backtest.broker._trade_event_log_df
    sources = log.loc[log["status"] == "fill", "price_source"].tolist()
    assert sources == ["quote", "quote", None, None]
    assert log.loc[log["status"] == "new", "price_source"].isna().all()
    result.save(tmp_path / "run")
    for other in (mb.Result.load(tmp_path / "run"), pickle.loads(pickle.dumps(result))):
        assert other.quoted == result.quoted
    written = write_files(result, tmp_path, "run")
    trades = pd.read_csv(written["trade_events"])
    assert trades.loc[trades["status"] == "fill", "price_source"].tolist()[:2] == ["quote"] * 2
    assert trades["price_source"].notna().sum() == 2


def ids_of(result: Any) -> list[int]:
    ids: list[int] = result.orders.table.column("id").to_list()
    return ids
