"""Writes sim_decimal.txt, sim_match.txt and sim_book.txt: Python's decimals, lumibot's broker.

Run it with the versions whose behaviour is the reference (lumibot 4.6.30):

    python tests/vectors/make_sim.py [--seed N] [--runs N] [--out DIR]

lumibot's own BacktestingBroker, Strategy and StrategyExecutor are driven by seeded random orders,
cancels, changes, bars and quotes; tests/c/test_book.c does the same to the book and the ledger and
compares every number by its bits. Numbers are the 64 bits of a double in hexadecimal, N for None.

sim_decimal.txt, one operation a line:

    OP HOW A B DIGITS RESULT   OP + - * / n (negate A) c (A itself); HOW x Decimal(float), s
                               Decimal(str(float)); DIGITS the exact result; RESULT float of it

sim_match.txt, one order against one bar a line, chosen so that prices are often equal:

    SIDE TYPE TIF TRIGGERED TRAIL LIMIT STOP STOP_LIMIT AMOUNT PERCENT   the order
    OPEN HIGH LOW BID ASK IS_DAY                                         the bar
    PRICE TRIGGERED TRAIL CANCELED                                       what it gives

sim_book.txt, runs of steps; what follows a step is what it must give:

    run CASH                   a new account
    asset KIND SYMBOL MULTIPLIER MARGIN QUOTE_IS_CRYPTO QUOTE
    fee SIDE FLAT PERCENT PER_CONTRACT MAKER TAKER
    submit NOW ID ASSET SIDE TYPE CLASS TIF QUANTITY GOOD_TILL PRICES...
    cancel NOW ID | cancelall NOW | modify NOW ID LIMIT STOP | resubmit NOW ID
    pass NOW SESSION_CLOSED then for each asset: STATE OPEN HIGH LOW BID ASK IS_DAY
    split ASSET FACTOR
    value PRICES...            marks to market
    drain                      delivers all events
    > event KIND ID PRICE QUANTITY FEE       logged by the step, in order
    > told KIND ID CASH                      delivered by a drain, the cash after it
    > order ID STATUS QUANTITY FILL_PRICE FEES TRAIL TRIGGERED LIMIT STOP   changed by it
    > active ID...                           working orders, then placeholders
    > account CASH REVISION, then for each asset: QUANTITY AVERAGE (N N: none)
    > worth VALUE
"""

import argparse
import os
import random
import struct
import types
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

os.environ.update(IS_BACKTESTING="true", LUMIBOT_DISABLE_DOTENV="1", BACKTESTING_QUIET_LOGS="true")

import logging

import lumibot.backtesting.backtesting_broker as broker_module
import pandas as pd
import pytz
from lumibot.backtesting import BacktestingBroker
from lumibot.data_sources import DataSourceBacktesting
from lumibot.entities import Asset, Bars, Order, TradingFee
from lumibot.strategies import Strategy

NEW_YORK = pytz.timezone("America/New_York")
SIDES = [
    "buy",
    "sell",
    "buy_to_open",
    "buy_to_close",
    "buy_to_cover",
    "sell_to_open",
    "sell_to_close",
    "sell_short",
]
TYPES = ["market", "limit", "stop", "stop_limit", "trailing_stop"]
CLASSES = ["simple", "bracket", "oco", "oto"]
TIFS = ["gtc", "day", "gtd", "ioc", "fok"]
STATUSES = ["unprocessed", "new", "partial_fill", "fill", "canceled", "expired", "error"]
BAR, WAIT, NO_BAR, FAR_BAR = range(4)


def bits(value: Any) -> str:
    return "N" if value is None else f"{struct.unpack('>Q', struct.pack('>d', value))[0]:x}"


# ---- Decimals --------------------------------------------------------------


def any_double(rng: random.Random) -> float:
    kind = rng.randrange(10)
    if kind == 0:
        return float(rng.randrange(-1000, 1000))
    if kind == 1:
        return round(rng.uniform(-1e5, 1e5), 2)
    if kind == 2:
        return rng.uniform(-1e4, 1e4)
    if kind == 3:
        value = struct.unpack(">d", rng.getrandbits(64).to_bytes(8, "big"))[0]
        return value if abs(value) < float("inf") else 1.5
    if kind == 4:
        return 2.0 ** rng.randrange(-1074, 1024)
    if kind == 5:
        return round(rng.random(), rng.randrange(1, 17)) * 10.0 ** rng.randrange(-20, 20)
    if kind == 6:
        return struct.unpack(">d", (rng.getrandbits(52) >> rng.randrange(52)).to_bytes(8, "big"))[0]
    if kind == 7:
        return 0.0
    return float(rng.getrandbits(53))


def decimal_line(rng: random.Random) -> str:
    op, how = rng.choice("+-*/nc"), rng.choice("xs")
    a, b = any_double(rng), any_double(rng)
    if op in "+-" and rng.random() < 0.3:
        b = -a if abs(a) > 1e300 else -a * rng.choice([1, 1 + 1e-15, 1.1])
    if op == "/":
        how = "s"
        b = b or 3.0
    convert = (lambda x: Decimal(str(x))) if how == "s" else Decimal
    x, y = convert(a), convert(b)
    result = {
        "+": lambda: x + y,
        "-": lambda: x - y,
        "*": lambda: x * y,
        "/": lambda: x / y,
        "n": lambda: -x,
        "c": lambda: x,
    }[op]()
    sign, digits, exponent = result.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(text)
    if not text:
        sign, text, exponent = 0, "0", 0
    nearest = float(result) if result else 0.0
    return f"{op} {how} {bits(a)} {bits(b)} {'-' * sign}{text}E{exponent} {bits(nearest)}"


# ---- lumibot's broker ------------------------------------------------------


class Source(DataSourceBacktesting):
    """Gives the bar, quote and price it has been told to."""

    SOURCE = "PANDAS"

    def __init__(self, now: datetime):
        super().__init__(now, now + timedelta(days=400))
        self._datetime = now
        self._timestep = "minute"
        self.bars: dict[Asset, tuple] = {}
        self.prices: dict[Asset, float | None] = {}
        self._data_store: dict = {}
        self.splits: dict = {}

    def get_datetime(self, adjust_for_delay: bool = False) -> datetime:
        return self._datetime

    def get_historical_prices(self, asset: Any, length: int, **_: Any) -> Bars | None:
        base = asset[0] if isinstance(asset, tuple) else asset
        state, open_, high, low, _bid, _ask = self.bars[base]
        if state == NO_BAR:
            return None
        is_day = self._timestep == "day"
        offset = {
            BAR: timedelta(0),
            WAIT: timedelta(days=3),
            FAR_BAR: -timedelta(days=10),
        }[state]
        if state == BAR and is_day is False:
            offset = -timedelta(minutes=2)
        index = pd.DatetimeIndex([self._datetime + offset])
        frame = pd.DataFrame(
            {"open": open_, "high": high, "low": low, "close": low, "volume": 1.0}, index=index
        )
        return Bars(frame, self.SOURCE, base)

    def get_quote(self, asset: Any, *_: Any, **__: Any) -> Any:
        base = asset[0] if isinstance(asset, tuple) else asset
        _state, _open, _high, _low, bid, ask = self.bars[base]
        return None if bid is None and ask is None else types.SimpleNamespace(bid=bid, ask=ask)

    def get_last_price(self, asset: Any, *_: Any, **__: Any) -> float | None:
        base = asset[0] if isinstance(asset, tuple) else asset
        return self.prices[base]

    def load_data(self) -> None:
        pass

    def get_chains(self, *_: Any, **__: Any) -> dict:
        return {}

    def get_yesterday_stock_splits(self, assets: list, quote: Any = None) -> dict:
        return self.splits


class Told(Strategy):
    def initialize(self) -> None:
        pass

    def _say(self, kind: str, order: Order) -> None:
        self.told.append((kind, order, self.cash))

    def on_new_order(self, order: Order) -> None:
        self._say("new", order)

    def on_canceled_order(self, order: Order) -> None:
        self._say("canceled", order)

    def on_filled_order(self, position: Any, order: Order, *_: Any) -> None:
        self._say("fill", order)


class Run:
    """One account of lumibot's, and the lines that tell what was done to it."""

    def __init__(self, rng: random.Random, write: Any):
        self.rng, self.write = rng, write
        self.now = NEW_YORK.localize(datetime(2024, 3, 8, 9, 30)) + timedelta(
            minutes=rng.randrange(3000)
        )
        self.source = Source(self.now)
        in_crypto = rng.random() < 0.15
        usd = Asset("USDT", "crypto") if in_crypto else Asset("USD", "forex")
        self.assets = self._assets(in_crypto)
        self.quotes = dict.fromkeys(self.assets, usd)
        if not in_crypto:
            self.quotes[self.assets[3]] = self.assets[4]
        self.source.bars = dict.fromkeys(self.assets, (NO_BAR, None, None, None, None, None))
        self.level = {a: rng.choice([3.0, 100.0, 4500.0]) for a in self.assets}
        self.source.prices = {**{a: self.level[a] for a in self.assets}, usd: 1.0}
        cash = rng.choice([100000.0, 10000.5, 0.0])
        self.broker = BacktestingBroker(self.source)
        self.fees = {side: self._fees() for side in (0, 1)}
        self.strategy = Told(
            broker=self.broker,
            budget=cash,
            quote_asset=usd,
            buy_trading_fees=[TradingFee(*fee) for fee in self.fees[0]],
            sell_trading_fees=[TradingFee(*fee) for fee in self.fees[1]],
        )
        self.strategy.told = []
        self.strategy._first_iteration = self.broker._first_iteration = False
        if self.strategy._executor not in list(self.broker._subscribers):
            self.broker._add_subscriber(self.strategy._executor)
        self.strategy._set_cash_position(cash)
        self.orders: list[Order] = []
        self.numbers: dict[str, int] = {}
        self.seen: dict[int, str] = {}
        self.log: list[tuple] = []
        self._listen()
        self.broker.get_time_to_close = lambda: 0 if self.session_closed else 1000
        self.session_closed = False
        self.revision = self.broker._filled_positions.revision
        self._head(cash, in_crypto)

    def _assets(self, in_crypto: bool) -> list[Asset]:
        if in_crypto:
            return [Asset("BTC", "crypto"), Asset("ETH", "crypto")]
        return [
            Asset("SPY", "stock"),
            Asset("MES", "future", expiration=datetime(2024, 6, 21).date(), multiplier=5),
            Asset("BTC", "crypto"),
            Asset("ETH", "crypto"),
            Asset("USDT", "crypto"),
            Asset("EUR", "forex"),
        ]

    def _fees(self) -> list[tuple]:
        rng = self.rng
        return [
            (
                rng.choice([0.0, 1.25, 0.1]),
                rng.choice([0.0, 0.001, 0.00035]),
                rng.choice([0.0, 0.62, 0.005]),
                rng.random() < 0.7,
                rng.random() < 0.7,
            )
            for _ in range(rng.choice([0, 0, 1, 2]))
        ]

    def _listen(self) -> None:
        original = self.broker._process_trade_event

        def listen(order: Order, kind: str, price: Any = None, filled_quantity: Any = None, **kw):
            original(order, kind, price=price, filled_quantity=filled_quantity, **kw)
            kind = "new" if kind == "placeholder" else kind
            fee = order.trade_cost if kind == "fill" else 0.0
            self.log.append((kind, order, price, filled_quantity or 0.0, fee))

        self.broker._process_trade_event = listen

    def _head(self, cash: float, in_crypto: bool) -> None:
        kinds = {"stock": 0, "future": 1, "crypto": 2, "forex": 3}
        self.write(f"run {bits(cash)}")
        for asset in self.assets:
            margin = 0.0
            if asset.asset_type == "future":
                margin = float(broker_module.get_futures_margin_requirement(asset))
            quote = self.quotes[asset]
            pays_in_crypto = asset.asset_type == "crypto" and quote.asset_type == "crypto"
            named = quote.symbol if pays_in_crypto and not in_crypto else "-"
            self.write(
                f"asset {kinds[asset.asset_type]} {asset.symbol} {bits(float(asset.multiplier))}"
                f" {bits(margin)} {int(pays_in_crypto)} {named}"
            )
        for side in (0, 1):
            for fee in self.fees[side]:
                flat, percent, per_contract, maker, taker = fee
                self.write(
                    f"fee {side} {bits(flat)} {bits(percent)} {bits(per_contract)}"
                    f" {int(maker)} {int(taker)}"
                )

    @property
    def ns(self) -> int:
        return int(pd.Timestamp(self.now).value)

    # ---- What a step must give

    def _number(self, order: Order) -> int:
        return self.numbers[order.identifier]

    def _order_line(self, order: Order) -> str:
        fill = order.avg_fill_price
        return (
            f"{STATUSES.index(order.status)} {bits(float(order.quantity))} {bits(fill)}"
            f" {bits(float(order.trade_cost or 0.0))} {bits(order._trail_stop_price)}"
            f" {int(order.price_triggered)} {bits(order.limit_price)} {bits(order.stop_price)}"
        )

    def check(self) -> None:
        for kind, order, price, quantity, fee in self.log:
            self.write(
                f"> event {kind} {self._number(order)} {bits(price)} {bits(quantity)} {bits(fee)}"
            )
        self.log.clear()
        for kind, order, cash in self.strategy.told:
            self.write(f"> told {kind} {self._number(order)} {bits(cash)}")
        self.strategy.told.clear()
        for order in self.orders:
            line = self._order_line(order)
            number = self._number(order)
            if self.seen.get(number) != line:
                self.seen[number] = line
                self.write(f"> order {number} {line}")
        buckets = (self.broker._new_orders, self.broker._placeholder_orders)
        open_ = [
            str(self._number(o))
            for bucket in buckets
            for o in bucket.get_list()
            if not o.is_filled() and not o.is_canceled()
        ]
        self.write(" ".join(["> active", *open_]))
        parts = [f"> account {bits(float(self.strategy.cash))}"]
        parts.append(str(self.broker._filled_positions.revision - self.revision))
        for asset in self.assets:
            position = self.broker.get_tracked_position(self.strategy.name, asset)
            if position is None:
                parts.append("N N")
            else:
                parts.append(f"{bits(position.quantity)} {bits(position.avg_fill_price)}")
        self.write(" ".join(parts))

    # ---- Steps

    def price(self, asset: Asset, spread: float = 0.02) -> float:
        value = self.level[asset] * (1 + self.rng.uniform(-spread, spread))
        return round(value, self.rng.choice([0, 1, 2, 2, 2, 4])) or 1.0

    def quantity(self, asset: Asset) -> float | int:
        rng = self.rng
        if asset.asset_type in ("crypto", "forex") or rng.random() < 0.1:
            return rng.choice([0.1, 0.25, 1, round(rng.uniform(0.001, 3), 3), rng.random()])
        return rng.choice([1, 1, 2, 3, 10])

    def submit(self) -> None:
        rng = self.rng
        tradable = [a for a in self.assets if a.symbol != "USDT"]
        asset = rng.choice(tradable)
        kwargs: dict[str, Any] = {}
        order_class = rng.choice(["simple", "simple", "simple", "bracket", "oco", "oto"])
        side = rng.choice(["buy", "sell", "buy", "sell", *SIDES])
        self._entry_prices(asset, kwargs)
        if order_class in ("bracket", "oto"):
            self._child_prices(asset, order_class, kwargs)
        if order_class == "oco":
            kwargs = {"limit_price": self.price(asset), "stop_price": self.price(asset)}
            if rng.random() < 0.2:
                kwargs["stop_limit_price"] = self.price(asset)
            elif rng.random() < 0.2:
                kwargs["trail_price"] = self.level[asset] * 0.01
        if order_class != "simple":
            kwargs["order_class"] = order_class
        tif = rng.choice(["gtc", "gtc", "gtc", *TIFS])
        if tif == "gtd":
            kwargs["good_till_date"] = self.now + timedelta(minutes=rng.randrange(1, 600))
        order = self.strategy.create_order(
            asset,
            self.quantity(asset),
            side,
            time_in_force=tif,
            quote=self.quotes[asset],
            **kwargs,
        )
        self._enter(order, tif, kwargs)

    def _entry_prices(self, asset: Asset, kwargs: dict[str, Any]) -> None:
        rng, kind = self.rng, self.rng.choice([*TYPES, "market"])
        if kind == "limit":
            kwargs["limit_price"] = 0.0 if rng.random() < 0.05 else self.price(asset)
        elif kind == "stop":
            kwargs["stop_price"] = self.price(asset)
        elif kind == "stop_limit":
            kwargs["stop_price"] = self.price(asset)
            if rng.random() < 0.3:
                kwargs["stop_limit_price"] = self.price(asset)
            else:
                kwargs["limit_price"] = self.price(asset)
                kwargs["order_type"] = "stop_limit"
        elif kind == "trailing_stop":
            if rng.random() < 0.5:
                kwargs["trail_price"] = round(self.level[asset] * rng.uniform(0.001, 0.02), 2)
            else:
                kwargs["trail_percent"] = rng.choice([0.01, 0.005, 0.02])

    def _child_prices(self, asset: Asset, order_class: str, kwargs: dict[str, Any]) -> None:
        rng, which = self.rng, self.rng.choice(["limit", "stop", "both", "both"])
        if order_class == "oto" and which == "both":
            which = "limit"
        if which in ("limit", "both"):
            kwargs["secondary_limit_price"] = self.price(asset)
        if which in ("stop", "both"):
            kwargs["secondary_stop_price"] = self.price(asset)
            modifier = rng.randrange(6)
            if modifier == 0:
                kwargs["secondary_stop_limit_price"] = self.price(asset)
            elif modifier == 1:
                kwargs["secondary_trail_price"] = round(self.level[asset] * 0.01, 2)
            elif modifier == 2:
                kwargs["secondary_trail_percent"] = 0.01

    def _enter(self, order: Order, tif: str, kwargs: dict[str, Any]) -> None:
        for each in [order, *order.child_orders]:
            self.orders.append(each)
            self.numbers[each.identifier] = len(self.orders)
        names = [
            "limit_price",
            "stop_price",
            "stop_limit_price",
            "trail_price",
            "trail_percent",
            "secondary_limit_price",
            "secondary_stop_price",
            "secondary_stop_limit_price",
            "secondary_trail_price",
            "secondary_trail_percent",
        ]
        good_till = kwargs.get("good_till_date")
        good_till_ns = pd.Timestamp(good_till).value if good_till else 0
        order_class = order.order_class or "simple"
        self.write(
            f"submit {self.ns} {self._number(order)} {self.assets.index(order.asset)}"
            f" {SIDES.index(order.side)} {TYPES.index(order.order_type)}"
            f" {CLASSES.index(order_class)} {TIFS.index(tif)} {bits(float(order.quantity))}"
            f" {good_till_ns} " + " ".join(bits(kwargs.get(name)) for name in names)
        )
        self.strategy.submit_order(order)

    def touch(self) -> None:
        """Cancels, modifies or submits anew an order that is there."""
        rng = self.rng
        if not self.orders:
            return
        known = [o for o in self.orders if self.broker.get_tracked_order(o.identifier)]
        recent = known[-8:]
        what = rng.randrange(8)
        if what == 0:
            self.write(f"cancelall {self.ns}")
            tracked = self.broker.get_tracked_orders(self.strategy.name)
            unique = {o.identifier: o for o in tracked if o.is_active()}
            for order in unique.values():
                self.broker.cancel_order(order)
        elif recent:
            order = rng.choice(recent)
            if what <= 3:
                self.write(f"cancel {self.ns} {self._number(order)}")
                self.strategy.cancel_order(order)
            elif what <= 6:
                limit = self.price(order.asset) if rng.random() < 0.6 else None
                stop = self.price(order.asset) if rng.random() < 0.6 else None
                self.write(f"modify {self.ns} {self._number(order)} {bits(limit)} {bits(stop)}")
                self.strategy.modify_order(order, limit_price=limit, stop_price=stop)
            elif order.is_active():  # one that is done may turn up in two of lumibot's lists
                self.write(f"resubmit {self.ns} {self._number(order)}")
                self.strategy.submit_order(order)
        else:
            return
        self.check()

    def bar(self, asset: Asset) -> tuple:
        rng = self.rng
        self.level[asset] *= 1 + rng.gauss(0, 0.006)
        level = self.level[asset]
        open_ = round(level * (1 + rng.gauss(0, 0.004)), 2)
        high = round(max(open_, level) * (1 + abs(rng.gauss(0, 0.004))), 2)
        low = round(min(open_, level) * (1 - abs(rng.gauss(0, 0.004))), 2)
        if rng.random() < 0.04:
            open_, high, low = rng.choice(
                [
                    (float("nan"), high, low),
                    (open_, float("nan"), low),
                    (0.0, high, low),
                    (open_, high, -1.0),
                ]
            )
        state = rng.choice([BAR] * 12 + [WAIT, NO_BAR, FAR_BAR])
        bid = ask = None
        if rng.random() < 0.15:
            bid = rng.choice([None, 0.0, float("nan"), round(low + 0.01, 2), round(low + 0.01, 2)])
            ask = rng.choice([None, 0.0, float("nan"), round(high, 2), round(high, 2)])
        return state, open_, high, low, bid, ask

    def match(self) -> None:
        rng = self.rng
        self.now = NEW_YORK.normalize(
            self.now + timedelta(minutes=rng.choice([1, 1, 1, 5, 60, 700]))
        )
        self.source._datetime = self.now
        self.source._timestep = "day" if rng.random() < 0.15 else "minute"
        self.session_closed = rng.random() < 0.2
        parts = [f"pass {self.ns} {int(self.session_closed)}"]
        for asset in self.assets:
            bar = self.bar(asset)
            self.source.bars[asset] = bar
            is_day = int(self.source._timestep == "day")
            parts.append(f"{bar[0]} " + " ".join(bits(x) for x in bar[1:]) + f" {is_day}")
        self.write(" ".join(parts))
        self.broker.process_pending_orders(self.strategy)
        self.check()

    def drain(self) -> None:
        self.write("drain")
        self.strategy._executor.process_queue()
        self.check()

    def value(self) -> None:
        prices = []
        for asset in self.assets:
            price = self.level[asset]
            if self.rng.random() < 0.15:
                price = self.rng.choice([None, float("nan"), 0.0, float("inf")])
            self.source.prices[asset] = price
            prices.append(bits(price))
        self.write("value " + " ".join(prices))
        self.strategy._portfolio_value_cache_key = None
        self.write(f"> worth {bits(float(self.strategy._update_portfolio_value()))}")

    def split(self) -> None:
        stock = self.assets[0]
        held = self.broker.get_tracked_position(self.strategy.name, stock)
        active = self.broker.get_active_tracked_orders(self.strategy.name, stock)
        if stock.asset_type != "stock" or held is None or active or not held.quantity:
            return
        factor = self.rng.choice([2.0, 3.0, 0.1, 1.5])
        self.source.splits = {stock: factor}
        self.strategy._stock_splits_applied_tracker = set()
        self.write(f"split 0 {bits(factor)}")
        self.strategy._update_positions_with_splits()
        self.check()

    def play(self, n_steps: int) -> None:
        for _ in range(n_steps):
            for _ in range(self.rng.choice([0, 1, 1, 2])):
                self.submit()
                self.check()
            if self.rng.random() < 0.3:
                self.touch()
            self.match()
            if self.rng.random() < 0.8:
                self.drain()
            if self.rng.random() < 0.5:
                self.value()
            if self.rng.random() < 0.1:
                self.split()


# ---- One order, one bar ----------------------------------------------------


def any_price(rng: random.Random) -> float:
    if rng.random() < 0.06:
        return rng.choice([0.0, -1.0, float("nan"), float("inf"), 0.005])
    return rng.choice([99.0, 99.5, 100.0, 100.25, 100.5, 101.0, rng.uniform(98.5, 101.5)])


class Matcher:
    """lumibot's process_pending_orders on one order."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.run = Run(rng, lambda line: None)
        while self.run.assets[0].symbol != "SPY":
            self.run = Run(rng, lambda line: None)
        self.filled: list[float] = []
        self.run.broker._execute_filled_order = lambda order, price, **_: self.filled.append(price)

    def order(self) -> tuple[Order, str]:
        rng = self.rng
        kind, tif = rng.choice(TYPES), rng.choice(["gtc", "gtc", "ioc", "fok"])
        kwargs: dict[str, Any] = {"order_type": kind}
        if kind in ("limit", "stop_limit") and rng.random() < 0.95:
            kwargs["limit_price"] = any_price(rng)
        if kind in ("stop", "stop_limit"):
            kwargs["stop_price"] = any_price(rng)
        if kind == "stop_limit" and rng.random() < 0.3:
            kwargs["stop_limit_price"] = any_price(rng)
        if kind == "trailing_stop":
            name = rng.choice(["trail_price", "trail_percent"])
            kwargs[name] = rng.choice([0.5, 1.0, 0.0]) * (1 if name == "trail_price" else 0.01)
        asset = self.run.assets[0]
        order = self.run.strategy.create_order(
            asset, 1, rng.choice(SIDES), time_in_force=tif, **kwargs
        )
        if kind == "trailing_stop" and rng.random() < 0.8:
            order._trail_stop_price = any_price(rng)
            if order._trail_stop_price != order._trail_stop_price:
                order._trail_stop_price = None
        order.price_triggered = kind == "stop_limit" and rng.random() < 0.3
        return order, tif

    def line(self) -> str:
        rng, source = self.rng, self.run.source
        order, tif = self.order()
        open_, high, low = (any_price(rng) for _ in range(3))
        if high < low:
            high, low = low, high
        bid = ask = None
        if rng.random() < 0.25:
            bid, ask = any_price(rng), any_price(rng)
            bid, ask = rng.choice([(bid, ask), (bid, ask), (None, ask), (bid, None)])
        source._timestep = "day" if rng.random() < 0.25 else "minute"
        source.bars[order.asset] = (BAR, open_, high, low, bid, ask)
        numbers = [
            order.limit_price,
            order.stop_price,
            order.stop_limit_price,
            order.trail_price,
            order.trail_percent,
        ]
        asked = (
            f"{SIDES.index(order.side)} {TYPES.index(order.order_type)} {TIFS.index(tif)}"
            f" {int(order.price_triggered)} {bits(order._trail_stop_price)} "
            + " ".join(bits(x) for x in [*numbers, open_, high, low, bid, ask])
            + f" {int(source._timestep == 'day')}"
        )
        self.filled.clear()
        broker = self.run.broker
        broker._new_orders.append(order)
        broker.process_pending_orders(self.run.strategy)
        broker._new_orders.remove(order.identifier, key="identifier")
        price = self.filled[0] if self.filled else None
        return (
            f"{asked} {bits(price)} {int(order.price_triggered)} {bits(order._trail_stop_price)}"
            f" {int(order.is_canceled())}"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--decimals", type=int, default=1500)
    parser.add_argument("--matches", type=int, default=1500)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    rng = random.Random(arguments.seed)
    with open(arguments.out / "sim_decimal.txt", "w") as file:
        for _ in range(arguments.decimals):
            file.write(decimal_line(rng) + "\n")
    with open(arguments.out / "sim_match.txt", "w") as file:
        matcher = Matcher(rng)
        for _ in range(arguments.matches):
            file.write(matcher.line() + "\n")
    with open(arguments.out / "sim_book.txt", "w") as file:
        for _ in range(arguments.runs):
            Run(rng, lambda line: file.write(line + "\n")).play(arguments.steps)


if __name__ == "__main__":
    main()
