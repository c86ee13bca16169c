"""nautilus_trader fills a market order at what the market is when it arrives.

With bars alone that is the close it was decided at. So that it is the next open, each bar is told
as a trade at its open, and as a bar at its close that moves no market; an order is a nanosecond on
its way and meets the trade.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd

from bench.peers.job import CASH, FAST, SLOW
from bench.serve import Side

RULE = "market order, at the trade tick of the next bar's open; bars themselves fill nothing"
TIMED = "two events a bar, and both averages; not its analysis of the run"

PRECISION = 9
MINUTE_NS = 60_000_000_000
MICROSECOND_NS = 1_000


def side(frame: pd.DataFrame) -> Side:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.backtest.models import LatencyModel
    from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
    from nautilus_trader.indicators import SimpleMovingAverage
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.data import Bar, BarType, TradeTick
    from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
    from nautilus_trader.model.instruments import Equity
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.strategy import Strategy

    venue = Venue("SIM")
    asset = InstrumentId(Symbol("X"), venue)
    instrument = Equity(
        instrument_id=asset,
        raw_symbol=Symbol("X"),
        currency=USD,
        price_precision=PRECISION,
        price_increment=Price(10**-PRECISION, PRECISION),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )
    minutes = BarType.from_str("X.SIM-1-MINUTE-LAST-EXTERNAL")
    plenty, trade = Quantity.from_int(1_000_000), TradeId("0")
    data: list[Any] = []
    stamps = frame["timestamp"].astype("int64").tolist()
    for opened, *row in zip(
        stamps, *(frame[name].tolist() for name in ("open", "high", "low", "close")), strict=True
    ):
        prices = [Price(value, PRECISION) for value in row]
        nobody = AggressorSide.NO_AGGRESSOR
        data.append(TradeTick(asset, prices[0], plenty, nobody, trade, opened, opened))
        closed = opened + MINUTE_NS - MICROSECOND_NS
        data.append(Bar(minutes, *prices, plenty, closed, closed))
    last_close = float(frame["close"].iloc[-1])

    class Cross(Strategy):
        def on_start(self) -> None:
            self.fast, self.slow = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW)
            for average in (self.fast, self.slow):
                self.register_indicator_for_bars(minutes, average)
            self.subscribe_bars(minutes)
            self.gap = float("nan")
            self.held, self.cash, self.n_fills = 0, 0.0, 0

        def on_bar(self, bar: Any) -> None:
            if not self.indicators_initialized():
                return
            before, self.gap = self.gap, self.fast.value - self.slow.value
            if self.gap > 0 >= before:
                self.turn(1)
            elif self.gap < 0 <= before:
                self.turn(-1)

        def turn(self, wanted: int) -> None:
            change = wanted - int(self.portfolio.net_position(asset))
            if change != 0:
                way = OrderSide.BUY if change > 0 else OrderSide.SELL
                order = self.order_factory.market(asset, way, Quantity.from_int(abs(change)))
                self.submit_order(order)

        def on_order_filled(self, event: Any) -> None:
            change = int(event.last_qty) * (1 if event.order_side == OrderSide.BUY else -1)
            self.held += change
            self.cash -= change * float(event.last_px)
            self.n_fills += 1

    def prepare() -> tuple[Any, Any]:
        config = BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True), run_analysis=False
        )
        engine = BacktestEngine(config)
        engine.add_venue(
            venue,
            OmsType.NETTING,
            AccountType.MARGIN,
            [Money(CASH, USD)],
            base_currency=USD,
            default_leverage=Decimal(1),
            latency_model=LatencyModel(base_latency_nanos=1),
            bar_execution=False,
        )
        engine.add_instrument(instrument)
        engine.add_data(data)
        strategy = Cross()
        engine.add_strategy(strategy)
        return engine, strategy

    def run(ready: tuple[Any, Any]) -> tuple[int, float]:
        engine, strategy = ready
        engine.run()
        return strategy.n_fills, strategy.cash + strategy.held * last_close

    return Side(prepare, run)
