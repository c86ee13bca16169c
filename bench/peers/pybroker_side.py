"""PyBroker: prices are chosen a signal, equity leaves out what a short has not realized yet."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.peers.job import CASH, FAST, SLOW
from bench.serve import Side

RULE = "on the next bar (buy_delay, sell_delay of 1) at its open (PriceType.OPEN)"
TIMED = "both averages as arrays (pandas), and its metrics, which cannot be left out"


def side(frame: pd.DataFrame) -> Side:
    import pybroker

    pybroker.disable_logging()
    pybroker.disable_progress_bar()
    bars = frame.rename(columns={"timestamp": "date"})
    bars["date"] = bars["date"].dt.tz_localize(None)
    bars["symbol"] = "X"

    def average(period: int) -> Any:
        def of(data: Any) -> Any:
            return pd.Series(data.close).rolling(period).mean().to_numpy()

        return pybroker.indicator(f"sma{period}", of)

    indicators = [average(FAST), average(SLOW)]

    def at_bar(context: Any) -> None:
        fast, slow = context.indicator(f"sma{FAST}"), context.indicator(f"sma{SLOW}")
        if len(fast) < 2:
            return
        before, gap = fast[-2] - slow[-2], fast[-1] - slow[-1]
        if gap > 0 >= before:
            turn(context, 1)
        elif gap < 0 <= before:
            turn(context, -1)

    def turn(context: Any, wanted: int) -> None:
        long, short = context.long_pos(), context.short_pos()
        held = int(long.shares) if long else -int(short.shares) if short else 0
        if wanted > held:
            context.buy_shares = wanted - held
            context.buy_fill_price = pybroker.PriceType.OPEN
        elif wanted < held:
            context.sell_shares = held - wanted
            context.sell_fill_price = pybroker.PriceType.OPEN

    config = pybroker.StrategyConfig(
        initial_cash=CASH, round_fill_price=False, round_test_result=False
    )

    def prepare() -> Any:
        dates = bars["date"]
        strategy = pybroker.Strategy(bars, dates.iloc[0], dates.iloc[-1], config)
        strategy.add_execution(at_bar, "X", indicators=indicators)
        return strategy

    def run(strategy: Any) -> tuple[int, float]:
        result = strategy.backtest()
        return len(result.orders), float(result.portfolio["market_value"].iloc[-1]) - CASH

    return Side(prepare, run)
