"""A trader that decides everything by chance, and writes down everything it sees.

Every decision is drawn from one `random.Random(seed)`, in an order that depends on nothing but the
answers of the engine under it: not on identifiers, not on hashes, not on the order in which threads
cancel. Two engines that answer alike are therefore asked alike; the first answer that differs is
the first difference between them.

What is drawn stays near the market: prices lie a few bar ranges from the last one, so that orders
of every type fill at their price, at the open, later, or never.
"""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from lumibot.entities import Asset, Order
from lumibot.strategies import Strategy

BUYS = ("buy", "buy", "buy", "buy_to_open", "buy_to_cover", "buy_to_close")
SELLS = ("sell", "sell", "sell", "sell_to_close", "sell_short", "sell_to_open")


class RandomTrader(Strategy):
    """See the scenario for what its parameters may be."""

    parameters: ClassVar = {
        "seed": 0,
        "market": "24/7",
        "sleep": "1M",
        "pairs": (),  # (asset, quote or None) of what may be traded
        "terms": {},  # symbol: {"range": of a bar, "tick", "sizes"}
        "actions": {},  # name of a method: weight
        "steps": ("minute",),  # of history
        "activity": 0.5,  # actions an iteration, about
        "crowd": 5,  # active orders above which some are canceled rather than more sent
        "forces": ("gtc",),
        "hooks": False,  # orders in lifecycle methods and order callbacks too
        "raises_at": 0,  # iteration in which the strategy fails; 0: none
        "minutes": {},  # attributes such as minutes_before_closing
    }

    def initialize(self) -> None:
        self.set_market(self.parameters["market"])
        self.sleeptime = self.parameters["sleep"]
        for name, value in self.parameters["minutes"].items():
            setattr(self, name, value)
        self.rng = random.Random(self.parameters["seed"])
        self.seen: list[list[Any]] = []
        self.made: dict[str, str] = {}
        self.turn = 0

    # ---- What the engine calls -------------------------------------------------------------

    def on_trading_iteration(self) -> None:
        self.turn += 1
        self.note("iteration", self.turn, self.active())
        if self.turn == self.parameters["raises_at"]:
            raise ArithmeticError("the strategy fails by plan")
        self.look()
        actions = self.parameters["activity"]
        while actions > 0 and self.rng.random() < actions:
            self.act()
            actions -= 1

    def before_market_opens(self) -> None:
        self.note("before_market_opens")
        self.maybe_act(0.3)

    def before_starting_trading(self) -> None:
        self.note("before_starting_trading")
        self.maybe_act(0.3)

    def before_market_closes(self) -> None:
        self.note("before_market_closes")
        self.maybe_act(0.5)

    def after_market_closes(self) -> None:
        self.note("after_market_closes")
        self.maybe_act(0.3)

    def on_strategy_end(self) -> None:
        self.note("on_strategy_end", self.active())

    def on_abrupt_closing(self) -> None:
        self.note("on_abrupt_closing")

    def on_bot_crash(self, error: Exception) -> None:
        self.note("on_bot_crash", type(error).__name__)

    def trace_stats(self, context: Any, snapshot_before: Any) -> dict[str, Any]:
        self.note("trace_stats")
        return {"turn": self.turn}

    def on_new_order(self, order: Order) -> None:
        self.note("on_new_order", self.name_of(order), *self.state(order))

    def on_filled_order(
        self, position: Any, order: Order, price: Any, quantity: Any, multiplier: Any
    ) -> None:
        held = (position.asset.symbol, position.quantity, position.avg_fill_price)
        self.note(
            "on_filled_order",
            self.name_of(order),
            *self.state(order),
            price,
            quantity,
            multiplier,
            held,
        )
        self.maybe_act(0.15)

    def on_partially_filled_order(
        self, position: Any, order: Order, price: Any, quantity: Any, multiplier: Any
    ) -> None:
        self.note("on_partially_filled_order", self.name_of(order), price, quantity, multiplier)

    def on_canceled_order(self, order: Order) -> None:
        """Draws nothing: the order of several cancels is not determined."""
        self.note("on_canceled_order", self.name_of(order), *self.state(order))

    # ---- What it writes down ---------------------------------------------------------------

    def note(self, what: str, *more: Any) -> None:
        """The clock, cash, value and positions as they are now, and whatever else."""
        row = [what, self.get_datetime(), self.cash, self.portfolio_value, self.held()]
        self.seen.append(row + list(more))

    def held(self) -> list[tuple[Any, ...]]:
        return [
            (
                position.asset.symbol,
                position.quantity,
                position.avg_fill_price,
                position.available,
                position.hold,
            )
            for position in self.get_positions()
        ]

    def state(self, order: Order) -> list[Any]:
        return [order.side, order.order_type, order.status, order.quantity, order.get_fill_price()]

    def active(self) -> list[tuple[str, str]]:
        found = [o for o in self.get_orders() if o.is_active()]
        return sorted((self.name_of(order), order.status) for order in found)

    def name_of(self, order: Order) -> str:
        """The order's place among those this strategy has met; a child by its parent's."""
        if order.identifier not in self.made:
            self.name_order(order)
        return self.made[order.identifier]

    def name_order(self, order: Order) -> None:
        known = self.made.get(order.parent_identifier) if order.parent_identifier else None
        roots = sum("." not in name for name in self.made.values())
        name = f"{known}.?" if known else f"#{roots}"
        self.made[order.identifier] = name
        self.name_children(order, name)

    def name_children(self, order: Order, name: str) -> None:
        for i, child in enumerate(order.child_orders or []):
            self.made[child.identifier] = f"{name}.{i}"
            self.name_children(child, f"{name}.{i}")

    def describe(self, made: Any) -> Any:
        """What a call answered: orders by name, the rest as it is."""
        if isinstance(made, (list, tuple)):
            return [self.describe(one) for one in made]
        if not hasattr(made, "child_orders"):
            return made if made is None or isinstance(made, (str, int, float)) else "something"
        terms = (
            "side order_type order_class status quantity limit_price stop_price stop_limit_price "
            "trail_price trail_percent time_in_force good_till_date"
        )
        fields = {name: getattr(made, name) for name in terms.split()}
        fields["symbol"] = made.asset.symbol
        fields["children"] = [self.describe(child) for child in made.child_orders or []]
        return [self.name_of(made), fields]

    # ---- Looking ---------------------------------------------------------------------------

    def look(self) -> None:
        asset, quote = self.rng.choice(self.parameters["pairs"])
        kinds = ("price", "price", "bars", "bars", "quote", "many", "clock", "order")
        kind = self.rng.choice(kinds)
        self.attempt(kind, getattr(self, f"look_{kind}"), asset, quote)

    def look_price(self, asset: Asset, quote: Asset | None) -> Any:
        return self.get_last_price(asset, quote=quote)

    def look_bars(self, asset: Asset, quote: Asset | None) -> Any:
        length = self.rng.choice((1, 2, 5, 14, 30, 60))
        step = self.rng.choice(self.parameters["steps"])
        shift = self.rng.choice(
            (None, None, None, 0, 1, 3, -1, timedelta(minutes=2), timedelta(days=1))
        )
        bars = self.get_historical_prices(asset, length, step, timeshift=shift, quote=quote)
        return [length, step, str(shift), digest(bars)]

    def look_quote(self, asset: Asset, quote: Asset | None) -> Any:
        found = self.get_quote(asset, quote=quote)
        if found is None:
            return None
        return [found.price, found.bid, found.ask, found.mid_price]

    def look_many(self, asset: Asset, quote: Asset | None) -> Any:
        assets = [pair[0] for pair in self.parameters["pairs"]]
        length = self.rng.choice((1, 3, 20))
        step = self.rng.choice(self.parameters["steps"])
        found = self.get_historical_prices_for_assets(assets, length, step)
        prices = self.get_last_prices(assets)
        return [[one.symbol, digest(found.get(one)), prices.get(one)] for one in assets]

    def look_clock(self, asset: Asset, quote: Asset | None) -> Any:
        return [
            self.get_timestamp(),
            self.get_round_minute(),
            self.get_last_minute(),
            self.get_round_day(),
            self.get_last_day(),
        ]

    def look_order(self, asset: Asset, quote: Asset | None) -> Any:
        orders = self.get_orders()
        position = self.get_position(asset)
        held = None if position is None else [position.quantity, position.avg_fill_price]
        held = [held, self.get_cash(), self.get_portfolio_value()]
        if not orders:
            return [held]
        chosen = min(orders, key=lambda order: self.rank(order, self.turn))
        found = self.get_order(chosen.identifier)
        known = len({order.identifier for order in orders})
        listed = [self.name_of(order) for order in orders if not order.is_canceled()]
        return [known, held, self.describe(found), found is chosen, found.is_filled(), listed]

    def rank(self, order: Order, salt: int) -> str:
        """Some order among orders, by their names alone."""
        return hashlib.sha1(f"{salt}/{self.name_of(order)}".encode()).hexdigest()

    # ---- Acting ----------------------------------------------------------------------------

    def maybe_act(self, chance: float) -> None:
        if self.parameters["hooks"] and self.rng.random() < chance:
            self.act()

    def act(self) -> None:
        actions = self.parameters["actions"]
        kind = self.rng.choices(list(actions), list(actions.values()))[0]
        if len(self.active()) > self.parameters["crowd"]:
            kind = self.rng.choice(("cancel_one", "cancel_some", "cancel_some", "cancel_all"))
        asset, quote = self.rng.choice(self.parameters["pairs"])
        self.attempt(kind, getattr(self, kind), asset, quote)

    def attempt(self, kind: str, call: Any, asset: Asset, quote: Asset | None) -> None:
        try:
            answer = call(asset, quote)
        except Exception as error:
            self.note("raised", kind, asset.symbol, type(error).__name__, str(error), self.active())
        else:
            self.note("did", kind, asset.symbol, answer, self.active())

    def price(self, asset: Asset, quote: Asset | None) -> float:
        price = self.get_last_price(asset, quote=quote)
        if price is None:
            raise LookupError("no price")
        return float(price)

    def near(self, asset: Asset, price: float, ranges: float = 1.0) -> float:
        """A price some bar ranges away, mostly on the tick."""
        terms = self.parameters["terms"][asset.symbol]
        moved = price + self.rng.gauss(0.0, ranges) * terms["range"]
        if self.rng.random() < 0.7:
            moved = round(moved / terms["tick"]) * terms["tick"]
        return max(moved, terms["tick"])

    def away(self, asset: Asset, price: float, sign: int) -> float:
        """On one side of the price: above (1) or below (-1)."""
        terms = self.parameters["terms"][asset.symbol]
        distance = abs(self.rng.gauss(0.0, 1.6)) * terms["range"] + terms["tick"]
        return max(round((price + sign * distance) / terms["tick"]) * terms["tick"], terms["tick"])

    def make(self, asset: Asset, quote: Asset | None, **terms: Any) -> Order:
        """An order of a random side, size and time in force."""
        buys = self.rng.random() < 0.55
        side = terms.pop("side", None) or self.rng.choice(BUYS if buys else SELLS)
        size = self.rng.choice(self.parameters["terms"][asset.symbol]["sizes"])
        if isinstance(size, str):
            size = Decimal(size)
        if quote is not None:
            terms["quote"] = quote
        force = self.rng.choice(self.parameters["forces"])
        if force != "default":
            terms["time_in_force"] = force
        if force == "gtd":
            minutes = self.rng.choice((1, 10, 60, 600, 2000))
            terms["good_till_date"] = self.get_datetime() + timedelta(minutes=minutes)
        order = self.create_order(asset, size, side, **terms)
        self.name_of(order)
        return order

    def send(self, order: Order) -> Any:
        return self.describe(self.submit_order(order))

    # Entries and exits, one to a type of order.

    def market(self, asset: Asset, quote: Asset | None) -> Any:
        return self.send(self.make(asset, quote))

    def limit(self, asset: Asset, quote: Asset | None) -> Any:
        price = self.near(asset, self.price(asset, quote))
        return self.send(self.make(asset, quote, limit_price=price))

    def stop(self, asset: Asset, quote: Asset | None) -> Any:
        price = self.near(asset, self.price(asset, quote))
        return self.send(self.make(asset, quote, stop_price=price))

    def stop_limit(self, asset: Asset, quote: Asset | None) -> Any:
        """Each way lumibot takes one."""
        price = self.price(asset, quote)
        stop, limit = self.near(asset, price), self.near(asset, price)
        way = self.rng.randrange(4)
        terms: dict[str, Any] = {"stop_price": stop}
        if way == 0:
            terms |= {"limit_price": limit, "order_type": Order.OrderType.STOP_LIMIT}
        elif way == 1:
            terms |= {"stop_limit_price": limit}
        elif way == 2:
            terms |= {"limit_price": limit, "order_type": "stop_limit"}
        else:
            terms |= {"stop_limit_price": limit, "order_type": Order.OrderType.STOP_LIMIT}
        return self.send(self.make(asset, quote, **terms))

    def trail(self, asset: Asset, quote: Asset | None) -> Any:
        distance = abs(self.near(asset, 0.0, 1.5)) + self.parameters["terms"][asset.symbol]["tick"]
        if self.rng.random() < 0.5:
            return self.send(self.make(asset, quote, trail_price=distance))
        percent = distance / self.price(asset, quote)
        return self.send(self.make(asset, quote, trail_percent=percent))

    def bracket(self, asset: Asset, quote: Asset | None) -> Any:
        price = self.price(asset, quote)
        sign = self.rng.choice((1, -1))
        terms = self.entry(asset, price) | self.children(asset, price, sign)
        missing = self.rng.random()
        if missing < 0.1:
            terms.pop("secondary_limit_price")
        elif missing < 0.2:
            kept = {name for name in terms if not name.startswith("secondary_")}
            terms = {n: terms[n] for n in terms if n in kept or n == "secondary_limit_price"}
        order_class = self.rng.choice((Order.OrderClass.BRACKET, "bracket"))
        side = "buy" if sign > 0 else "sell"
        return self.send(self.make(asset, quote, side=side, order_class=order_class, **terms))

    def entry(self, asset: Asset, price: float) -> dict[str, float]:
        """At the market, mostly; at a limit or a stop."""
        kind = self.rng.random()
        if kind < 0.5:
            return {}
        if kind < 0.8:
            return {"limit_price": self.near(asset, price, 0.6)}
        return {"stop_price": self.near(asset, price, 0.6)}

    def children(self, asset: Asset, price: float, sign: int) -> dict[str, float]:
        terms = {
            "secondary_limit_price": self.away(asset, price, sign),
            "secondary_stop_price": self.away(asset, price, -sign),
        }
        modifier = self.rng.random()
        tick = self.parameters["terms"][asset.symbol]["tick"]
        if modifier < 0.12:
            terms["secondary_stop_limit_price"] = self.away(asset, price, -sign)
        elif modifier < 0.24:
            terms["secondary_trail_price"] = abs(self.near(asset, 0.0)) + tick
        elif modifier < 0.36:
            terms["secondary_trail_percent"] = (abs(self.near(asset, 0.0)) + tick) / price
        return terms

    def oto(self, asset: Asset, quote: Asset | None) -> Any:
        price = self.price(asset, quote)
        sign = self.rng.choice((1, -1))
        terms = self.entry(asset, price)
        both = self.children(asset, price, sign)
        if self.rng.random() < 0.5:
            terms["secondary_limit_price"] = both["secondary_limit_price"]
        else:
            both.pop("secondary_limit_price")
            terms |= both
        side = "buy" if sign > 0 else "sell"
        made = self.make(asset, quote, side=side, order_class=Order.OrderClass.OTO, **terms)
        return self.send(made)

    def oco(self, asset: Asset, quote: Asset | None) -> Any:
        price = self.price(asset, quote)
        position = self.get_position(asset)
        longs = position is None or position.quantity >= 0
        sign = 1 if longs == (self.rng.random() < 0.85) else -1
        terms = {
            "limit_price": self.away(asset, price, sign),
            "stop_price": self.away(asset, price, -sign),
        }
        if self.rng.random() < 0.15:
            terms["trail_price"] = abs(self.near(asset, 0.0)) + 0.01
        side = "sell" if sign > 0 else "buy"
        made = self.make(asset, quote, side=side, order_class=Order.OrderClass.OCO, **terms)
        return self.send(made)

    def several(self, asset: Asset, quote: Asset | None) -> Any:
        """A list of orders in one call."""
        price = self.price(asset, quote)
        orders = [
            self.make(asset, quote),
            self.make(asset, quote, limit_price=self.near(asset, price)),
            self.make(asset, quote, stop_price=self.near(asset, price)),
        ][: self.rng.randrange(1, 4)]
        call = self.rng.choice((self.submit_order, self.submit_orders))
        return self.describe(call(orders))

    def again(self, asset: Asset, quote: Asset | None) -> Any:
        """Submits an order a second time."""
        orders = self.get_orders()
        if not orders:
            return None
        order = min(orders, key=lambda one: self.rank(one, self.turn))
        return self.send(order)

    # What is done to orders and positions.

    def cancel_one(self, asset: Asset, quote: Asset | None) -> Any:
        order = self.any_order()
        return None if order is None else [self.name_of(order), self.cancel_order(order)]

    def any_order(self) -> Any:
        """Mostly one that is active, now and then one that is not."""
        orders = {self.name_of(order): order for order in self.get_orders()}
        active = {name: order for name, order in orders.items() if order.is_active()}
        pool = active if active and self.rng.random() < 0.8 else orders
        pool = [pool[name] for name in sorted(pool)]
        return self.rng.choice(pool) if pool else None

    def cancel_some(self, asset: Asset, quote: Asset | None) -> Any:
        active = sorted((o for o in self.get_orders() if o.is_active()), key=self.name_of)
        some = [order for order in active if self.rng.random() < 0.6]
        return [[self.name_of(order) for order in some], self.cancel_orders(some)]

    def cancel_all(self, asset: Asset, quote: Asset | None) -> Any:
        return self.cancel_open_orders()

    def modify(self, asset: Asset, quote: Asset | None) -> Any:
        order = self.any_order()
        if order is None:
            return None
        price = self.price(order.asset, order.quote)
        names = self.rng.choice((("limit_price",), ("stop_price",), ("limit_price", "stop_price")))
        terms = {name: self.near(order.asset, price) for name in names}
        answer = self.modify_order(order, **terms)
        return [self.name_of(order), order.limit_price, order.stop_price, answer]

    def close(self, asset: Asset, quote: Asset | None) -> Any:
        fraction = self.rng.choice((1.0, 1.0, 0.5))
        terms = {} if fraction == 1.0 else {"fraction": fraction}
        return self.describe(self.close_position(asset, **terms))

    def close_twice(self, asset: Asset, quote: Asset | None) -> Any:
        order = self.close_position(asset)
        return None if order is None else self.send(order)

    def close_many(self, asset: Asset, quote: Asset | None) -> Any:
        return self.describe(self.close_positions([pair[0] for pair in self.parameters["pairs"]]))

    def leave(self, asset: Asset, quote: Asset | None) -> Any:
        """A market order of the position's own size."""
        position = self.get_position(asset)
        if position is None or position.quantity == 0:
            return None
        side = "sell" if position.quantity > 0 else "buy"
        terms = {} if quote is None else {"quote": quote}
        return self.send(self.create_order(asset, abs(position.quantity), side, **terms))

    def selling(self, asset: Asset, quote: Asset | None) -> Any:
        position = self.get_position(asset)
        if position is None:
            return None
        order = self.get_selling_order(position)
        return None if order is None else self.send(order)

    def sell_everything(self, asset: Asset, quote: Asset | None) -> Any:
        if self.rng.random() < 0.5:
            return self.sell_all()
        return self.sell_all(cancel_open_orders=False)

    def rest(self, asset: Asset, quote: Asset | None) -> Any:
        """Lets time pass within the method."""
        self.sleep(self.rng.choice((1, 30, 60)))
        return self.get_datetime()

    def odd(self, asset: Asset, quote: Asset | None) -> Any:
        """Orders that nobody should send; what becomes of them is part of the behaviour."""
        price = self.price(asset, quote)
        terms: dict[str, Any] = {} if quote is None else {"quote": quote}
        size, side, more = self.rng.choice(
            (
                (0, "buy", {}),
                (-2, "sell", {}),
                (1, "hold", {}),
                (1, "buy", {"limit_price": -price}),
                (1, "sell", {"limit_price": 0.0}),
                (1, "buy", {"stop_price": 0.0}),
                (1, "buy", {"limit_price": price, "stop_price": price}),
                (1, "buy", {"order_class": "bracket"}),
                (1, "buy", {"order_class": "oco", "limit_price": price}),
                (1, "sell", {"trail_percent": 2.0}),
                (1, "buy", {"trail_price": 1.0, "trail_percent": 0.01}),
                (1, "buy", {"order_type": "nonsense"}),
                (1, "buy", {"time_in_force": "nonsense"}),
                (1, "buy", {"limit_price": "12"}),
                (1, "sell", {"limit_price": float("nan")}),
            )
        )
        order = self.create_order(asset, size, side, **terms, **more)
        self.name_of(order)
        return self.send(order)


def digest(bars: Any) -> Any:
    """Rows, span and the bits of every column of a window, as one short value.

    Types stand in a text of their own, so that they can be compared apart from the values.
    """
    if bars is None:
        return None
    df = bars.df
    if len(df) == 0:
        return [0]
    total = hashlib.sha1(df.index.as_unit("ns").asi8.tobytes())
    types = [f"types:{df.index.dtype}"]
    for name in df.columns:
        values = df[name].to_numpy()
        types.append(f"{name}:{values.dtype}")
        total.update(name.encode())
        total.update(values.astype("float64").tobytes())
    span = [str(df.index[0]), str(df.index[-1])]
    return [len(df), *span, total.hexdigest()[:16], " ".join(types)]
