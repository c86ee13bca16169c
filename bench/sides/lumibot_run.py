"""A run of a strategy written to lumibot's names: inside lumibot, or on our engine without it."""

from __future__ import annotations

import atexit
import contextlib
import os
from typing import Any


def choose(*, ours: bool) -> None:
    """Decides whose classes lumibot's names are in this process; call it before they are imported.

    Inside lumibot, what a run's end would look up in the network is answered here.
    """
    os.environ["IS_BACKTESTING"] = "true"
    if ours:
        from millibar.compat import lumibot

        lumibot.install()
        return
    import offline  # sets the environment that lumibot reads

    stack = contextlib.ExitStack()
    stack.enter_context(offline.no_yahoo())
    atexit.register(stack.close)


def made(strategy_class: Any, source: Any, budget: float, **options: Any) -> tuple[Any, Any]:
    """A strategy and the trader that `play` runs; nothing of it has run yet."""
    from lumibot.backtesting import BacktestingBroker
    from lumibot.traders import Trader

    strategy = strategy_class(
        broker=BacktestingBroker(source),
        budget=budget,
        analyze_backtest=False,
        benchmark_asset=None,
        risk_free_rate=0.0,
        **options,
    )
    trader = Trader(backtest=True, quiet_logs=True)
    trader.add_strategy(strategy)
    return strategy, trader


def play(trader: Any) -> None:
    trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)


def n_fills(strategy: Any) -> int:
    """Of its event log, once its run is over."""
    log = strategy.broker._trade_event_log_df
    return int((log["status"] == "fill").sum()) if len(log) else 0


class OneUnit:
    """Of a strategy of one asset, in lumibot's names: one unit, long or short."""

    asset: Any

    def turn(self: Any, wanted: int) -> None:
        position = self.get_position(self.asset)
        change = wanted - (0 if position is None else int(position.quantity))
        if change != 0:
            side = "buy" if change > 0 else "sell"
            self.submit_order(self.create_order(self.asset, abs(change), side))
