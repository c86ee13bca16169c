"""MES momentum on one-minute bars: a lumibot strategy, and the one line that changes.

    python examples/mes_momentum.py                       synthetic bars, made by `mbar synth`
    python examples/mes_momentum.py --data MES.parquet    your own: timestamp, open ... volume
    python examples/mes_momentum.py --backend lumibot     the same run on lumibot's own data source
    millibar run examples/mes_momentum.py                 on millibar's own engine, without lumibot
    millibar run examples/mes_momentum.py --data MES=MES.parquet --fee 0.5

The strategy buys a bracket when the price stands above its nine-bar average and leaves when it no
longer does; contracts are sized so that one average true range costs one percent of the account.
Both backends make the same trades, to the bit; the last line says how long each took, and where.
Nothing is fetched: the run needs no network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

os.environ.setdefault("IS_BACKTESTING", "true")
os.environ.setdefault("LUMIBOT_DISABLE_DOTENV", "1")

import pandas as pd
from lumibot.backtesting import BacktestingBroker
from lumibot.entities import Asset, Data, Order, TradingFee
from lumibot.strategies import Strategy
from lumibot.traders import Trader

from millibar.integrations.lumibot import SpeedMeter

USD = Asset("USD", Asset.AssetType.FOREX)
NEW_YORK = "America/New_York"


class MESMomentum(Strategy):
    """Long when the price is above its short average, out when it is not."""

    parameters: ClassVar = {
        "bars": 200,
        "sma": 9,
        "atr": 14,
        "risk": 0.01,
        "point_value": 5,
        "most": 5,
    }

    def initialize(self):
        self.set_market("us_futures")
        self.sleeptime = "1M"
        self.asset = Asset("MES", Asset.AssetType.CONT_FUTURE)

    def on_trading_iteration(self):
        bars = self.get_historical_prices(self.asset, self.parameters["bars"], "minute")
        price = self.get_last_price(self.asset)
        if bars is None or price is None or len(bars) <= self.parameters["atr"]:
            return
        average = self.moving_average(bars.pandas_df, price)
        atr = self.average_true_range(bars.pandas_df)
        position = self.get_position(self.asset)
        if position is not None and position.quantity > 0:
            if price <= average:
                self.leave()
        elif price > average and not self.open_orders():
            self.enter(price, atr)

    def moving_average(self, df, price):
        """Mean of the latest closes with the live price as its newest member."""
        closes = df["close"].tail(self.parameters["sma"] - 1)
        return (closes.sum() + price) / self.parameters["sma"]

    def average_true_range(self, df):
        """Rolling mean of the true range, at the last bar."""
        previous = df["close"].shift(1)
        ranges = [
            df["high"] - df["low"],
            (df["high"] - previous).abs(),
            (df["low"] - previous).abs(),
        ]
        true_range = pd.concat(ranges, axis=1).max(axis=1)
        return true_range.rolling(self.parameters["atr"]).mean().iloc[-1]

    def open_orders(self):
        return [order for order in self.get_orders() if order.is_active()]

    def enter(self, price, atr):
        if not atr > 0:
            return
        risk = self.portfolio_value * self.parameters["risk"]
        wanted = int(risk // (atr * self.parameters["point_value"]))
        order = self.create_order(
            self.asset,
            max(1, min(wanted, self.parameters["most"])),
            Order.OrderSide.BUY,
            order_class=Order.OrderClass.BRACKET,
            secondary_stop_price=float(price - atr),
            secondary_limit_price=float(price + 3 * atr),
        )
        self.submit_order(order)

    def leave(self):
        self.cancel_open_orders()
        order = self.close_position(self.asset)
        if order is not None:
            self.submit_order(order)


def data_source(backend: str) -> type:
    """The class to backtest with. This is the line that changes in a program of your own."""
    if backend == "lumibot":
        from lumibot.backtesting import PandasDataBacktesting
    else:
        from millibar.integrations.lumibot import PandasDataBacktesting
    return PandasDataBacktesting


def read_bars(path: Path) -> pd.DataFrame:
    """A Parquet file of bars as lumibot wants it: indexed by time, in New York."""
    bars = pd.read_parquet(path, columns=["timestamp", "open", "high", "low", "close", "volume"])
    return bars.set_index(pd.DatetimeIndex(bars.pop("timestamp")).tz_convert(NEW_YORK))


def backtest(source_class: type, bars: pd.DataFrame, start: datetime, end: datetime) -> Strategy:
    """Run the strategy once and return it, with its broker, statistics and speed."""
    asset = Asset("MES", Asset.AssetType.CONT_FUTURE)
    fee = TradingFee(flat_fee=0.5)
    with SpeedMeter(MESMomentum, source_class, n_bars=len(bars)) as speed:
        with speed.layer("data"):
            source = source_class(
                datetime_start=start,
                datetime_end=end,
                pandas_data={asset: Data(asset, bars, timestep="minute", quote=USD)},
                show_progress_bar=False,
            )
        strategy = MESMomentum(
            broker=BacktestingBroker(source),
            budget=100_000,
            benchmark_asset=None,
            risk_free_rate=0.0,
            analyze_backtest=False,
            buy_trading_fees=[fee],
            sell_trading_fees=[fee],
        )
        trader = Trader(backtest=True, quiet_logs=True)
        trader.add_strategy(strategy)
        trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)
    strategy.speed = speed
    return strategy


def report(strategy: Strategy) -> None:
    """What the account came to, and the speed line."""
    events = strategy.broker._trade_event_log_df
    fills = int((events["status"] == "fill").sum()) if len(events) else 0
    print(f"{fills} fills, cash {strategy.cash:,.2f}, portfolio {strategy.portfolio_value:,.2f}")
    print(strategy.speed)


# ---- The command -------------------------------------------------------------------------------


def synthetic_bars(folder: Path) -> Path:
    """Four days of MES-like minutes from `mbar synth`."""
    command = os.environ.get("MBAR") or shutil.which("mbar")
    if command is None or not Path(command).exists():
        sys.exit(
            "mes_momentum: no --data given, and the command `mbar`, which makes synthetic bars, is "
            "neither on the PATH nor named by MBAR. Install millibar or give a Parquet file."
        )
    path = folder / "MES.parquet"
    span = ["--from", "2024-01-02", "--to", "2024-01-06"]
    made = [command, "synth", "--symbol", "MES", "--seed", "7", *span, "--out", str(path)]
    subprocess.run(made, check=True)
    return path


def default_span(bars: pd.DataFrame) -> tuple[datetime, datetime]:
    """From the first 09:30 a day or more after the first bar to 16:00 of the last day, New York."""
    opening, closing = pd.Timedelta(hours=9, minutes=30), pd.Timedelta(hours=16)
    first, last = bars.index[0], bars.index[-1]
    start = (first + pd.Timedelta(days=1) - opening).ceil("D") + opening
    end = min(last.normalize() + closing, last)
    if start >= end:
        start = first
    return start.to_pydatetime(), end.to_pydatetime()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Backtest MES momentum on one-minute bars.")
    parser.add_argument("--data", type=Path, help="Parquet bars (default: made by `mbar synth`)")
    parser.add_argument("--backend", choices=["millibar", "lumibot"], default="millibar")
    parser.add_argument("--start", type=pd.Timestamp, help="New York time, e.g. 2024-01-03T09:30")
    parser.add_argument("--end", type=pd.Timestamp, help="New York time; the last bar that counts")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        bars = read_bars(arguments.data or synthetic_bars(Path(folder)))
    start, end = default_span(bars)
    if arguments.start is not None:
        start = arguments.start.tz_localize(NEW_YORK).to_pydatetime()
    if arguments.end is not None:
        end = arguments.end.tz_localize(NEW_YORK).to_pydatetime()
    print(f"{arguments.backend}: MES momentum, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}")
    # Only what the window needs: its days, and four before it for the first look back.
    bars = bars[(bars.index >= start - timedelta(days=4)) & (bars.index <= end)]
    report(backtest(data_source(arguments.backend), bars, start, end))


if __name__ == "__main__":
    main()
