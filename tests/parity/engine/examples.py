"""lumibot's own example strategies, from its installed package, over made-up bars.

Each is the class as lumibot ships it. Those left out trade options, ask an AI or a vendor, or need
a broker's credentials before they are a class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from engine.named import Named, fees
from lumibot.entities import Asset
from offline import new_york
from parity_data import BTC, USD, always, bars, cme, data, regular_hours, weekdays

DAYS = ("2023-01-02", "2023-12-29")
PACKAGE = "lumibot.example_strategies"


@dataclass(frozen=True)
class Example:
    """A class of the package, its bars, and when and how it is run."""

    module: str
    name: str
    bars: Callable[[], Any]
    start: str
    end: str
    options: Callable[[], dict[str, Any]] = dict

    def __call__(self) -> Named:
        strategy = getattr(import_module(f"{PACKAGE}.{self.module}"), self.name)
        start, end = new_york(self.start), new_york(self.end)
        return Named(strategy, self.bars(), start, end, self.options())


def days(*symbols: str, price: float = 400, seed: int = 300) -> Callable[[], Any]:
    """Day bars of stocks, each walking on its own."""

    def make() -> Any:
        made = {}
        for place, symbol in enumerate(symbols):
            frame = bars(weekdays(*DAYS), seed + place, price=price, tick=0.25)
            made[Asset(symbol)] = data(Asset(symbol), frame, "day")
        return made

    return make


def minutes_of_stock(symbol: str, price: float) -> Callable[[], Any]:
    def make() -> Any:
        asset = Asset(symbol)
        frame = bars(regular_hours("2023-03-01", "2023-03-11"), 320, price=price, tick=0.01)
        return {asset: data(asset, frame)}

    return make


def bitcoin() -> Any:
    import_module("pandas_ta_classic")  # gives frames the `.ta` that an example uses
    frame = bars(
        always("2024-03-06", "2024-03-09"), 330, price=9990, volume="float64", missing=0.01
    )
    return {(BTC, USD): data(BTC, frame, quote=USD)}


def pounds() -> Any:
    pound = Asset("GBP", Asset.AssetType.FOREX)
    frame = bars(weekdays(*DAYS), 331, price=1.25, tick=0.0001)
    return {(pound, USD): data(pound, frame, "day", quote=USD)}


def future() -> Any:
    asset = Asset("ES", Asset.AssetType.FUTURE, expiration=new_york("2025-03-21").date())
    asset.multiplier = 50
    return {asset: data(asset, bars(cme("2025-03-18", "2025-03-25"), 332, price=5700))}


def sixty_forty() -> dict[str, Any]:
    """lumibot's configuration of its 60/40 portfolio."""
    parameters = import_module(f"{PACKAGE}.classic_60_40_config").parameters
    return {"parameters": parameters, **fees()}


def half_and_half() -> dict[str, Any]:
    parameters = import_module(f"{PACKAGE}.crypto_50_50_config").parameters
    return {"parameters": parameters}


def coins() -> Any:
    made = {}
    for place, (symbol, price) in enumerate({"BTC": 42000.0, "ETH": 2300.0}.items()):
        asset = Asset(symbol, Asset.AssetType.CRYPTO)
        frame = bars(always("2024-01-01", "2024-01-03"), 340 + place, price=price, volume="float64")
        made[asset, USD] = data(asset, frame, quote=USD)
    return made


SPRING = ("2023-03-03", "2023-06-30")
RUNS: dict[str, Callable[[], Named]] = {
    "stock_bracket": Example("stock_bracket", "StockBracket", days("SPY"), *SPRING),
    "stock_oco": Example("stock_oco", "StockOco", days("SPY"), *SPRING),
    "stock_limit_and_trailing_stops": Example(
        "stock_limit_and_trailing_stops", "LimitAndTrailingStop", days("SPY"), *SPRING
    ),
    "stock_limit_and_trailing_stops_minutes": Example(
        "stock_limit_and_trailing_stops",
        "LimitAndTrailingStop",
        minutes_of_stock("SPY", 403),
        "2023-03-02",
        "2023-03-04",
    ),
    "stock_buy_and_hold": Example("stock_buy_and_hold", "BuyAndHold", days("QQQ"), *SPRING, fees),
    "stock_diversified_leverage": Example(
        "stock_diversified_leverage",
        "DiversifiedLeverage",
        days("TQQQ", "UPRO", "UDOW", "TMF", "UGL", "DIG", price=60),
        *SPRING,
        fees,
    ),
    "stock_momentum": Example("stock_momentum", "Momentum", days("SPY", "VEU", "AGG"), *SPRING),
    "lifecycle_logger": Example(
        "lifecycle_logger", "LifecycleLogger", bitcoin, "2024-03-07", "2024-03-07 03:00"
    ),
    "schedule_function": Example(
        "schedule_function", "ScheduledFunctionStrategy", days("SPY"), "2023-03-03", "2023-03-31"
    ),
    "crypto_important_functions": Example(
        "crypto_important_functions",
        "ImportantFunctions",
        bitcoin,
        "2024-03-07",
        "2024-03-07 03:00",
    ),
    "forex_hold_to_expiry": Example(
        "forex_hold_to_expiry", "FuturesHoldToExpiry", pounds, "2023-10-19", "2023-11-24"
    ),
    "futures_hold_to_expiry": Example(
        "futures_hold_to_expiry", "FuturesHoldToExpiry", future, "2025-03-19", "2025-03-24"
    ),
    "classic_60_40": Example(
        "drift_rebalancer", "DriftRebalancer", days("SPY", "TLT", price=300), *SPRING, sixty_forty
    ),
    "crypto_50_50": Example(
        "drift_rebalancer",
        "DriftRebalancer",
        coins,
        "2024-01-02",
        "2024-01-02 12:00",
        half_and_half,
    ),
}
