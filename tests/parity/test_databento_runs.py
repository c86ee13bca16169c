"""Whole backtests: lumibot's DataBento classes and ours, over the same cache.

Orders, fills, cash, positions, the rows of every iteration, lumibot's market-input files and, where
the strategy watches, every frame it was given. lumibot's pandas class reads Parquet at every call,
so its windows are short.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lumibot", reason="parity with lumibot needs lumibot")
pytest.importorskip("databento", reason="lumibot's DataBento classes need the databento package")

import offline
from databento_support import SyntheticDataBento, momentum_strategy, real_mes
from offline import new_york
from test_databento_requests import VARIANTS, make_source, mes, source_classes


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[SyntheticDataBento]:
    with SyntheticDataBento().installed(tmp_path) as synthetic:
        yield synthetic


def _compare(
    vendor: SyntheticDataBento,
    variant: str,
    strategy: type,
    start: datetime,
    end: datetime,
    *,
    ranges: tuple[tuple[int, str], ...] = ((1, "minute"), (2, "minute"), (200, "minute")),
    **parameters: Any,
) -> offline.Run:
    """Run both over one cache, which lumibot fills beforehand, and return the reference."""
    from lumibot.entities import TradingFee

    theirs, ours = source_classes(variant)
    for length, step in ranges:
        make_source(theirs, start, end)._update_pandas_data(mes(), None, length, step)
    runs, given = [], []
    for cls in (theirs, ours):
        runs.append(
            offline.run(
                strategy,
                cls,
                lambda: None,
                start,
                end,
                budget=50_000,
                source_options={"api_key": "k"},
                buy_trading_fees=[TradingFee(flat_fee=0.50)],
                sell_trading_fees=[TradingFee(flat_fee=0.50)],
                parameters=parameters,
            )
        )
        given.append(vendor.rows_given())
    assert not offline.runs_differ(*runs)
    assert given[0] == given[1]
    return runs[0]


@pytest.mark.parametrize(
    ("variant", "end"), [("polars", "2024-01-03 16:00"), ("pandas", "2024-01-03 11:00")]
)
def test_momentum(vendor: SyntheticDataBento, variant: str, end: str) -> None:
    run = _compare(
        vendor, variant, momentum_strategy(), new_york("2024-01-03 09:30"), new_york(end)
    )
    assert run.fills > 10


@pytest.mark.parametrize(
    ("variant", "end"), [("polars", "2024-01-08 08:00"), ("pandas", "2024-01-08 06:45")]
)
def test_momentum_watched(vendor: SyntheticDataBento, variant: str, end: str) -> None:
    """Every frame the strategy sees; the five days of lead begin in a weekend."""
    start = new_york("2024-01-08 06:00")
    run = _compare(vendor, variant, momentum_strategy(), start, new_york(end), watch=True)
    assert len(run.seen) > 40
    assert run.fills > 5


@pytest.mark.parametrize(
    ("variant", "end"), [("polars", "2024-03-05 02:00"), ("pandas", "2024-03-05 00:20")]
)
def test_momentum_across_a_roll(vendor: SyntheticDataBento, variant: str, end: str) -> None:
    """The front contract changes at 00:05; prices jump by hundreds of points."""
    start = new_york("2024-03-04 23:30")
    run = _compare(vendor, variant, momentum_strategy(), start, new_york(end))
    assert run.fills > 5


@pytest.mark.parametrize("variant", VARIANTS)
def test_resting_orders(vendor: SyntheticDataBento, variant: str) -> None:
    """Limit, stop and trailing orders, quotes, and daily bars between the minutes."""
    run = _compare(
        vendor,
        variant,
        resting_strategy(),
        new_york("2024-01-04 15:30"),
        new_york("2024-01-04 16:30"),
        ranges=((1, "minute"), (2, "minute"), (10, "minute"), (30, "minute"), (3, "day")),
    )
    assert run.fills > 5
    types = {event["type"] for event in run.events if event["status"] == "fill"}
    assert len(types) > 1


@pytest.mark.parametrize(
    ("variant", "end"), [("polars", "2026-02-03 12:30"), ("pandas", "2026-02-03 10:15")]
)
def test_momentum_on_real_bars(vendor: SyntheticDataBento, variant: str, end: str) -> None:
    vendor.contracts["MESH6"] = 0.0
    vendor.preset("MESH6", real_mes())
    run = _compare(
        vendor, variant, momentum_strategy(), new_york("2026-02-03 09:30"), new_york(end)
    )
    assert run.fills > 5


def test_through_lumibots_own_run_backtest(
    vendor: SyntheticDataBento, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lumibot makes the source itself, with keywords of its own, and writes its files."""
    from lumibot import backtesting

    from millibar.integrations.lumibot import DataBentoDataBacktesting

    cash = []
    for cls in (backtesting.DataBentoDataBacktesting, DataBentoDataBacktesting):
        monkeypatch.chdir(tmp_path)
        with offline.no_yahoo():
            _, strategy = momentum_strategy().run_backtest(
                cls,
                new_york("2024-01-03 09:30"),
                new_york("2024-01-03 10:15"),
                api_key="k",
                analyze_backtest=False,
                benchmark_asset=None,
                risk_free_rate=0.0,
                show_plot=False,
                show_tearsheet=False,
                show_indicators=False,
                save_tearsheet=False,
                show_progress_bar=False,
                quiet_logs=True,
            )
        cash.append((strategy.cash, len(strategy.stats)))
        assert (tmp_path / "logs" / "market_inputs.csv").stat().st_size > 1000
    assert cash[0] == cash[1]
    assert cash[0][0] != 100_000


def resting_strategy() -> type:
    """Keeps a limit, a stop and a trailing order in the book; looks at quotes and days."""
    from lumibot.entities import Asset, Order
    from lumibot.strategies import Strategy

    class Resting(Strategy):
        def initialize(self) -> None:
            self.set_market("us_futures")
            self.sleeptime = "1M"
            self.contract = Asset("MES", asset_type=Asset.AssetType.CONT_FUTURE)
            self.seen: list[tuple[Any, ...]] = []
            self.turn = 0

        def on_trading_iteration(self) -> None:
            bars = self.get_historical_prices(self.contract, 30, "minute")
            price = self.get_last_price(self.contract)
            if bars is None or price is None:
                return
            self.seen.append((self.get_datetime(), bars, price))
            if self.turn % 15 == 7:
                self.seen.append((self.get_historical_prices(self.contract, 3, "day"),))
            if self.turn % 5 == 0:
                self.cancel_open_orders()
                self.submit_order(self._next(price))
            self.turn += 1

        def _next(self, price: float) -> Any:
            side = Order.OrderSide.BUY if (self.turn // 5) % 2 == 0 else Order.OrderSide.SELL
            away = 1.0 if side == Order.OrderSide.BUY else -1.0
            kind = (self.turn // 5) % 3
            if kind == 0:
                extra = {"limit_price": price - away, "order_type": Order.OrderType.LIMIT}
            elif kind == 1:
                extra = {"stop_price": price + away, "order_type": Order.OrderType.STOP}
            else:
                extra = {"trail_price": 1.5, "order_type": Order.OrderType.TRAIL}
            return self.create_order(self.contract, 1, side, **extra)

    return Resting
