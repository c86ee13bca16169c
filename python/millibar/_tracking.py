"""lumibot's buckets: which orders are new, filled, canceled, and what is held, in its order.

The engine numbers orders and keeps a log of what happened to them. A Tracker follows that log when
somebody asks, a step for each event since, so that a run that never asks pays nothing: `orders()`
lists what lumibot's `get_orders()` lists, in the order of its buckets, `positions()` what
`get_positions()` does. Orders and positions themselves are live views of the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from millibar import _clock, _core
from millibar.orders import Order, Position

_FILLS = ("filled", "partial")
_EXACT = ("crypto", "crypto_future")
_NOTHING = Decimal("0.000001")
# How lumibot forgets (brokers/broker.py:101): after every so many events it drops the oldest filled
# and canceled orders from its lists, but keeps the last `least`, and those that are younger than
# `age`, of which again the last `most`. An order without a date of creation ends the dropping.
_FORGETS_EVERY = 100
_DAY_NS = 86_400_000_000_000
_KEEPS_FILLED = (30 * _DAY_NS, 100, 10_000)
_KEEPS_CANCELED = (7 * _DAY_NS, 50, 1000)


class Tracker:
    """The orders and positions of one run.

    engine: the run's. name: the strategy's. assets: the Asset of each of the engine's numbers.
    quotes: the number of what an asset's cash leg is a position in, by the asset's number.
    forgets: whether old orders are forgotten as lumibot forgets them.
    opens: the type of the price of a market order that a bar's open filled, by the asset's number;
    float where there is none. quoted: numbers of assets whose market orders a quote may fill.
    """

    __slots__ = (
        "_asset_of",
        "_assets",
        "_canceled",
        "_engine",
        "_error",
        "_filled",
        "_filled_into",
        "_forgets",
        "_held",
        "_listed",
        "_n_named",
        "_n_renamed",
        "_name",
        "_new",
        "_numbers",
        "_opens",
        "_orders",
        "_partial",
        "_placeholder",
        "_positions",
        "_quoted",
        "_quotes",
        "_seen",
        "_traded",
        "_units",
    )

    def __init__(
        self,
        engine: _core.Engine,
        name: str,
        assets: list[Any],
        quotes: dict[int, int],
        forgets: bool = False,
        opens: Mapping[int, Any] | None = None,
        quoted: Collection[int] = (),
    ) -> None:
        self._forgets = forgets
        self._opens = opens or {}
        self._quoted = quoted
        self._engine = engine
        self._quotes = quotes
        self._name = name
        self._assets = assets
        self._orders: list[Order | None] = [None]
        self._asset_of: list[int] = [-1]
        self._numbers: dict[Any, int] = {}  # by identifier, of those numbered below _n_named
        self._n_named = 1
        self._n_renamed = Order._n_renamed
        self._new: dict[int, Order] = {}
        self._partial: dict[int, Order] = {}
        self._filled: dict[int, Order] = {}
        self._error: list[Order] = []
        self._canceled: list[Order] = []
        self._placeholder: dict[int, Order] = {}
        self._positions: dict[int, Position] = {}
        self._filled_into: dict[int, Position] = {}
        self._units: dict[int, Decimal] = {}
        self._traded: dict[int, Order] = {}
        self._seen = 0
        self._listed: list[Order] | None = None
        self._held: list[Position] | None = None

    # ---- Orders by number ----------------------------------------------------------------------

    def adopt(self, order: Order, number: int, asset: int) -> None:
        """Note a submitted order, and its children, under the engine's numbers; asset: of it."""
        order._attach(self._engine, number)
        if order.order_type == "market" and asset in self._opens:
            order._open_type = self._opens[asset]
        orders, assets = self._orders, self._asset_of
        children = order._children
        if number == len(orders) and not children:
            orders.append(order)
            assets.append(asset)
            return
        children = children or []
        orders.extend([None] * (number + len(children) + 1 - len(orders)))
        orders[number] = order
        assets.extend([asset] * (len(orders) - len(assets)))
        for place, child in enumerate(children, number + 1):
            orders[place] = child

    def order(self, number: int) -> Order | None:
        """The order of that number; None for one that was not submitted through Python."""
        return self._orders[number] if 0 < number < len(self._orders) else None

    def identifier_of(self, number: int) -> Any:
        """The identifier of the order of that number; the number itself for one of no order."""
        order = self.order(number)
        return number if order is None else order.identifier

    def find(self, identifier: Any) -> Order | None:
        """The order of that identifier, or of its text: the oldest where there are several."""
        self._sync()
        if self._n_renamed != Order._n_renamed:
            self._n_renamed = Order._n_renamed
            self._numbers.clear()
            self._n_named = 1
        text = str(identifier)
        known = (_number_of(self._numbers, identifier), self._numbers.get(text))
        numbers = [number for number in known if number is not None]
        if numbers:
            return self._orders[min(numbers)]
        # Names are made when they are looked at: of no more orders than have to be.
        for number in range(self._n_named, len(self._orders)):
            self._n_named = number + 1
            order = self._orders[number]
            if order is not None:
                name = order.identifier
                with suppress(TypeError):  # a name that cannot be hashed is found no more
                    self._numbers.setdefault(name, number)
                if name in (identifier, text):
                    return order
        return None

    # ---- The log -------------------------------------------------------------------------------

    def _sync(self) -> None:
        if self._engine.n_events == self._seen:
            return
        events = self._engine.events(self._seen)
        self._listed = None
        self._follow_splits(events)
        for count, (kind, number, _price, quantity, ns) in enumerate(events, self._seen + 1):
            order = self.order(number)
            if order is not None:
                self._follow(kind, number, order, quantity)
            if self._forgets and count % _FORGETS_EVERY == 0:
                self._forget(ns)
        self._seen += len(events)
        for asset in self._traded:
            self._settle(asset)
        self._traded.clear()

    def _follow(self, kind: str, number: int, order: Order, quantity: float) -> None:
        if kind in _FILLS:
            self._book(order, quantity)
        if kind == "new":
            if order.order_class == "oco" and order.child_orders:
                self._placeholder[number] = order
            elif number not in self._filled:
                self._new[number] = order
        elif kind == "filled":
            self._take(number)
            self._filled[number] = order
            self._wake_children(number, order)
            self._close_parent(order)
        elif kind == "partial":
            self._take(number)
            self._partial[number] = order
        elif kind == "canceled":
            self._take(number)
            self._canceled.append(order)
        elif kind == "error":
            self._take(number)
            self._filled.pop(number, None)
            self._error.append(order)

    def _forget(self, now_ns: int) -> None:
        """Drops what lumibot drops from its lists at the clock now_ns."""
        n_old = _n_old(self._canceled, now_ns, *_KEEPS_CANCELED)
        del self._canceled[:n_old]
        for number in list(self._filled)[: _n_old(self._filled.values(), now_ns, *_KEEPS_FILLED)]:
            del self._filled[number]

    def _take(self, number: int) -> None:
        self._new.pop(number, None)
        self._partial.pop(number, None)

    def _wake_children(self, number: int, order: Order) -> None:
        """A filled parent's children are in the book from now on."""
        if order.order_class in ("bracket", "oto"):
            for place, child in enumerate(order.child_orders, number + 1):
                self._new[place] = child

    def _close_parent(self, order: Order) -> None:
        """A filled child of a one-cancels-other order fills its parent, which stays in place."""
        parent = order._parent
        if parent is not None and parent.order_class == "oco":
            self._filled.setdefault(parent._id, parent)

    def _book(self, order: Order, quantity: float) -> None:
        asset = self._asset_of[order._id]
        self._traded[asset] = order
        quote = self._quotes.get(asset)
        if quote is not None and quote not in self._positions:
            # lumibot opens it before the position traded, and never closes it.
            self._positions[quote] = Position(self._name, order.quote, Decimal(0))
            self._positions[quote]._attach(self._engine, quote)
        # lumibot's arithmetic to the digit: 0.1 and -0.1 do not cancel out, for the sign rounds,
        # and what is held is rounded before a fill is added to it.
        delta = Decimal(quantity)
        if not order.is_buy_order():
            delta = -delta
        position = self._positions.get(asset)
        units = delta if position is None else +self._units[asset] + delta
        is_flat = _is_flat(order.asset, units)
        self._units[asset] = units
        self._held = None
        if position is None:
            position = self._open(asset, order)
            if not is_flat:
                self._positions[asset] = position
        elif self._filled_into.get(order._id) is not position:
            position.orders.append(order)
        self._filled_into[order._id] = position
        if is_flat:
            self._positions.pop(asset, None)
            _let_go(position)

    def _follow_splits(self, events: Iterable[tuple[str, int, float, float, int]]) -> None:
        """What the engine holds, these fills aside, was held before: splits change it."""
        for asset, position in self._positions.items():
            if position.asset.asset_type != "stock":
                continue
            before = Decimal(repr(self._engine.quantity(asset)))
            for kind, number, _price, quantity, _ns in events:
                order = self.order(number) if kind in _FILLS else None
                if order is not None and self._asset_of[number] == asset:
                    delta = Decimal(repr(quantity))
                    before -= delta if order.is_buy_order() else -delta
            if abs(before - self._units[asset]) > _NOTHING:
                self._units[asset] = before

    def _settle(self, asset: int) -> None:
        """What the engine holds of an asset is what is held: splits and remainders are its."""
        held = self._engine.quantity(asset)
        if float(self._units[asset]) != held:
            self._units[asset] = Decimal(held)
        if not held and asset in self._positions:
            _let_go(self._positions.pop(asset))
        elif held and asset not in self._positions:
            self._positions[asset] = self._open(asset, self._traded[asset])

    def _open(self, asset: int, order: Order) -> Position:
        # The order's own Asset: its multiplier may differ from the data's.
        position = Position(self._name, order.asset, Decimal(0), orders=[order])
        position._attach(self._engine, asset)
        return position

    # ---- What there is -------------------------------------------------------------------------

    def hold(self, asset: int, quantity: Any) -> None:
        """Note units that are held from the start."""
        self._units[asset] = Decimal(str(quantity))
        position = Position(self._name, self._assets[asset], Decimal(0))
        position._attach(self._engine, asset)
        self._positions[asset] = position
        self._held = None

    def orders(self) -> list[Order]:
        """Every order so far, in lumibot's order; a list of the caller's own."""
        self._sync()
        listed = self._listed
        if listed is None:
            listed = self._listed = [
                *self._new.values(),
                *self._partial.values(),
                *self._filled.values(),
                *self._error,
                *self._canceled,
                *self._placeholder.values(),
            ]
        return listed.copy()

    def active(self) -> Iterator[Order]:
        """The orders that may still be filled, oldest first; a filled parent is not among them."""
        self._sync()
        yield from self._new.values()
        yield from self._partial.values()

    def all_active(self) -> list[Order]:
        """Those for which `is_active()` holds, in the order of `orders()`."""
        self._sync()
        alive = [*self._new.values(), *self._partial.values()]
        alive += [order for order in self._filled.values() if order._children and order.is_active()]
        alive += [order for order in self._placeholder.values() if order.is_active()]
        return alive

    def positions(self) -> list[Position]:
        """What is held, the oldest first; a list of the caller's own."""
        self._sync()
        held = self._held
        if held is None:
            held = self._held = list(self._positions.values())
        return held.copy()

    def held(self) -> Iterable[Position]:
        """What is held, the oldest first; not to be kept."""
        self._sync()
        return self._positions.values()

    def position(self, asset: int) -> Position | None:
        """What is held of an asset."""
        self._sync()
        return self._positions.get(asset)

    def _is_by_quote(self, number: int) -> bool:
        quoted = self._asset_of[number] in self._quoted
        return quoted and self._engine.order(number).by_quote

    def deliver(self, strategy: Any, executor: Any) -> Callable[..., None]:
        """The engine's `on_order_event` for a strategy that wants to hear of its orders.

        executor: what a filled_order_callback gets as its first argument.
        """

        def on_order_event(
            kind: str,
            number: int,
            price: float,
            quantity: float,
            fee: float,
            multiplier: float,
            message: str,
        ) -> None:
            del fee
            order = self.order(number)
            if order is None:
                return
            if kind == "new":
                strategy.on_new_order(order)
            elif kind == "canceled":
                strategy.on_canceled_order(order)
            elif kind in _FILLS:
                self._sync()
                position = self._filled_into[number]
                if order._open_type is not None and not self._is_by_quote(number):
                    price = order._open_type(price)
                quantity = order._as_given(quantity)
                heard = (
                    strategy.on_filled_order
                    if kind == "filled"
                    else strategy.on_partially_filled_order
                )
                heard(position, order, price, quantity, _whole(multiplier))
                callback = strategy._filled_order_callback
                if kind == "filled" and callback is not None:
                    callback(executor, position, order, price, quantity, _whole(multiplier))
            elif kind == "error":
                order.error_message = message
                strategy.on_error_order(order, message)

        return on_order_event


def _number_of(numbers: Mapping[Any, int], name: Any) -> int | None:
    try:
        return numbers.get(name)
    except TypeError:  # cannot be hashed
        return None


def held_contract(root: Any, positions: list[Position]) -> Position | None:
    """The position in a contract of a continuous future: the one it stands for first."""
    matching = [position for position in positions if _is_contract(position.asset, root)]
    if len(matching) < 2:
        return matching[0] if matching else None
    likely = root.get_potential_futures_contracts()
    rank = {symbol: place for place, symbol in reversed(list(enumerate(likely)))}
    return min(matching, key=lambda position: rank.get(position.asset.symbol, len(rank)))


def _is_contract(asset: Any, root: Any) -> bool:
    """Whether an asset is a future of that root: MESH24 or MES with an expiration, of MES."""
    if asset.asset_type not in ("future", "crypto_future", "cont_future"):
        return False
    if asset.symbol == root.symbol:
        return asset.asset_type == "future" and asset.expiration is not None
    return re.fullmatch(re.escape(root.symbol) + r"[FGHJKMNQUVXZ]\d{1,4}", asset.symbol) is not None


def _n_old(orders: Collection[Order], now_ns: int, age_ns: int, least: int, most: int) -> int:
    """How many of the oldest orders lumibot drops."""
    n_orders = len(orders)
    if n_orders <= least:
        return 0
    n_old = 0
    for order in orders:
        date = order._date_created
        if date is None or _clock.instant_ns(date) >= now_ns - age_ns:
            break
        n_old += 1
    kept = min(max(least, n_orders - n_old), max(least, most))
    return n_orders - kept


def _is_flat(asset: Any, units: Decimal) -> bool:
    """Whether units are none, as a Position sees it: a millionth is nothing, but for crypto."""
    size = abs(float(units))
    return size == 0.0 if asset.asset_type in _EXACT else size < 0.000001


def _let_go(position: Position) -> None:
    """Make a closed position what it is from now on: flat, whatever the engine holds later."""
    for name in ("_engine", "_asset_id"):
        position.__dict__.pop(name, None)
    position.quantity = 0
    position.avg_fill_price = None


def _whole(multiplier: float) -> float | int:
    return int(multiplier) if multiplier.is_integer() else multiplier
