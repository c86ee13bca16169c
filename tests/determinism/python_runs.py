"""Whole runs from Python, for tools/check_builds: what they leave is compared byte for byte.

python_runs.py DATA OUT: DATA is a folder with MES.parquet and MNQ.parquet, OUT gets a folder a run.
The extension is whichever one PYTHONPATH leads to.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import millibar as mb
from millibar import Asset, Backtest, Strategy, TradingFee
from millibar.indicators import cross_above, cross_below
from millibar.report import write_files

MES = Asset("MES", Asset.AssetType.CONT_FUTURE)
MNQ = Asset("MNQ", Asset.AssetType.CONT_FUTURE)
SPAN = {"start": "2024-03-05 09:30", "end": "2024-03-07 16:00"}
FEES = [TradingFee(flat_fee=0.3, percent_fee=0.00013)]


class Averages(Strategy):
    """Long above the mean of numpy's own sums, short below, by its standard deviation."""

    def on_trading_iteration(self) -> None:
        bars = self.get_historical_prices(MES, 40, "minute")
        if bars is None or len(bars) < 40:
            return
        close = bars.column("close")
        score = (close[-1] - close.mean()) / (close.std() + 1e-9)
        held = self.get_position(MES)
        side = "buy" if score > 1 else "sell" if score < -1 else None
        if side is not None and (held is None or (held.quantity > 0) != (side == "buy")):
            quantity = 1 if held is None else 2 * abs(held.quantity)
            self.submit_order(self.create_order(MES, quantity, side))


class Native(Strategy):
    """Crosses of indicators that the engine keeps, with brackets by the average true range."""

    def initialize(self) -> None:
        self.fast = self.indicator("ema", MES, 9)
        self.slow = self.indicator("wma", MES, 30)
        self.range = self.indicator("atr", MES, 14)

    def on_trading_iteration(self) -> None:
        if self.get_position(MES) is not None or self.get_orders():
            return
        price, width = self.get_last_price(MES), self.range.value
        if price is None or not width > 0 or not self.fast.value > self.slow.value:
            return
        self.submit_order(
            self.create_order(
                MES,
                1,
                "buy",
                order_class="bracket",
                secondary_limit_price=price + 2 * width,
                secondary_stop_price=price - 1.5 * width,
            )
        )


class Random(Strategy):
    """Orders of every type, drawn: the draws are numpy's, the same everywhere."""

    def initialize(self) -> None:
        self.draws = np.random.default_rng(5)

    def on_trading_iteration(self) -> None:
        draws = self.draws
        asset = (MES, MNQ)[int(draws.integers(2))]
        chosen, price = int(draws.integers(8)), self.get_last_price(asset)
        near = 1 + float(draws.normal()) / 2000
        side = ("buy", "sell")[int(draws.integers(2))]
        if price is None or chosen > 4:
            return
        prices: dict[str, Any] = [
            {},
            {"limit_price": price * near},
            {"stop_price": price * near},
            {"stop_price": price * near, "stop_limit_price": price * near},
            {"trail_percent": abs(near - 1) + 1e-5},
        ][chosen]
        self.submit_order(self.create_order(asset, 1 + chosen % 3, side, **prices))
        if chosen == 0 and self.get_orders():
            self.cancel_order(self.get_orders()[0])


def signals(bars: mb.Bars) -> mb.Result:
    up = cross_above(bars.sma(20), bars.ema(60))
    down = cross_below(bars.sma(20), bars.ema(60))
    return Backtest.from_signals(
        bars, up, short_entries=down, share=0.9, fees=FEES, slippage_percent=0.0001, asset=MES
    )


def main(data: Path, out: Path) -> None:
    paths = {MES: str(data / "MES.parquet"), MNQ: str(data / "MNQ.parquet")}
    results = {"signals": signals(mb.read_parquet(paths[MES]))}
    for strategy, assets in ((Averages, (MES,)), (Native, (MES,)), (Random, (MES, MNQ))):
        given = {asset: paths[asset] for asset in assets}
        for policy in ("strict", "lumibot"):
            run = Backtest(strategy, given, policy=policy, fees=FEES, **SPAN)
            results[f"{strategy.__name__.lower()}_{policy}"] = run.run()
    for name, result in results.items():
        if len(result.fills) == 0:
            sys.exit(f"{name}: nothing was filled, so that nothing is compared")
        result.speed = None  # how long it took is no result
        place = out / f"python_{name}"
        result.save(place)
        write_files(result, place / "files", name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
