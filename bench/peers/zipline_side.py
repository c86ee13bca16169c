"""zipline-reloaded walks every minute of a calendar, so the bars are laid on minutes without a gap.

Its own slippage models fill at the close of the next minute; one that fills at its open is given.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from typing import Any

import pandas as pd

from bench.peers.job import CASH, FAST, SLOW
from bench.serve import Side, arrays

RULE = "market order, on the next bar at its open, by a slippage model of ours"
TIMED = "a history of 60 closes a bar, for both averages, and its daily results"

DAY = 1440


def side(frame: pd.DataFrame) -> Side:
    # What it takes in is kept on disk, for this process alone.
    root = tempfile.mkdtemp(prefix="zipline-")
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    os.environ["ZIPLINE_ROOT"] = root
    warnings.simplefilter("ignore")
    from zipline import run_algorithm
    from zipline.api import order, set_commission, set_slippage, symbol
    from zipline.finance import commission, slippage
    from zipline.utils.calendar_utils import get_calendar

    calendar = get_calendar("24/7")
    start = pd.Timestamp("2024-01-01")
    end = start + pd.Timedelta(days=-(-len(frame) // DAY) - 1)
    ingest(frame, start, end)
    last_close = float(frame["close"].iloc[-1])

    class AtOpen(slippage.SlippageModel):
        def process_order(self, data: Any, order: Any) -> tuple[float, int]:
            return data.current(order.asset, "open"), order.open_amount

    def initialize(context: Any) -> None:
        set_slippage(AtOpen())
        set_commission(commission.NoCommission())
        context.asset = symbol("X")
        context.gap = float("nan")
        context.bars = 0

    def at_bar(context: Any, data: Any) -> None:
        context.bars += 1
        if context.bars < SLOW:
            return
        closes = data.history(context.asset, "close", SLOW, "1m").to_numpy()
        before, context.gap = context.gap, closes[-FAST:].mean() - closes.mean()
        if context.gap > 0 >= before:
            turn(context, 1)
        elif context.gap < 0 <= before:
            turn(context, -1)

    def turn(context: Any, wanted: int) -> None:
        change = wanted - context.portfolio.positions[context.asset].amount
        if change != 0:
            order(context.asset, change)

    def run() -> tuple[int, float]:
        days = run_algorithm(
            start=start,
            end=end,
            initialize=initialize,
            handle_data=at_bar,
            capital_base=CASH,
            data_frequency="minute",
            bundle="x",
            trading_calendar=calendar,
        )
        fills = [fill for day in days["transactions"] for fill in day]
        held = sum(fill["amount"] for fill in fills)
        paid = sum(fill["amount"] * fill["price"] for fill in fills)
        return len(fills), held * last_close - paid

    return arrays(run)


def ingest(frame: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> None:
    """The bars on consecutive minutes of days without an end."""
    from zipline.data import bundles

    bars = frame[["open", "high", "low", "close"]].copy()
    bars["volume"] = 1_000_000
    bars.index = pd.date_range(start, periods=len(bars), freq="min", tz="UTC")
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    days = bars.resample("D").agg(how)
    days.index = pd.DatetimeIndex(days.index).tz_localize(None)
    asset = {
        "symbol": ["X"],
        "asset_name": ["X"],
        "start_date": [start],
        "end_date": [end],
        "first_traded": [start],
        "auto_close_date": [end + pd.Timedelta(days=2)],
        "exchange": ["SIM"],
    }
    exchange = {"exchange": ["SIM"], "canonical_name": ["SIM"], "country_code": ["US"]}

    def bundle(
        environ: Any, assets: Any, minutes: Any, daily: Any, adjustments: Any, *_: Any
    ) -> None:
        assets.write(equities=pd.DataFrame(asset), exchanges=pd.DataFrame(exchange))
        minutes.write([(0, bars)], show_progress=False)
        daily.write([(0, days)], show_progress=False)
        adjustments.write()

    register = bundles.register
    register("x", bundle, "24/7", start_session=start, end_session=end, minutes_per_day=DAY)
    bundles.ingest("x", show_progress=False)
