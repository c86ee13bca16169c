"""What ties an order to the engine that runs it.

`Engine` is what orders and positions ask of it; `_core.Engine` answers. `LiveOrder` holds those
attributes of an Order that the engine knows better once the order is submitted: each is the order's
own until then, and a read from the engine afterwards.
"""

from __future__ import annotations

import math
from collections import namedtuple
from decimal import Decimal
from operator import attrgetter
from typing import Any, Protocol, cast
from weakref import ref

from millibar import _order_names as names
from millibar._log import logger_of
from millibar._order_names import STATUS_ALIAS_MAP, VALID_STATUS
from millibar.errors import InvalidError

logger = logger_of(__name__)


def tie(one: LiveOrder, other: LiveOrder) -> None:
    """Makes two children of one order depend on each other."""
    one._dependent, other._dependent = ref(other), ref(one)


Transaction = namedtuple("Transaction", ["quantity", "price"])


class OrderRecord(Protocol):
    """What an engine says of an order: the fields of mbar_order; NaN where there is no price."""

    @property
    def triggered(self) -> bool: ...
    @property
    def trail_stop(self) -> float: ...
    @property
    def filled(self) -> float: ...
    @property
    def fill_price(self) -> float: ...
    @property
    def fees(self) -> float: ...
    @property
    def by_quote(self) -> bool: ...


class PositionRecord(Protocol):
    """What an engine says of a position: the fields of mbar_position."""

    @property
    def quantity(self) -> float: ...
    @property
    def avg_price(self) -> float: ...


class Engine(Protocol):
    """What orders and positions ask of the engine they are attached to (`_core.Engine`)."""

    def order(self, id: int, /) -> OrderRecord:
        """As the order stands now."""
        ...

    def order_status(self, id: int, /) -> str:
        """Its status alone."""
        ...

    def quantity(self, asset: int, /) -> float:
        """Signed units held of an asset."""
        ...

    def position(self, asset: int, /) -> PositionRecord:
        """As the position stands now."""
        ...

    def modify(
        self,
        order: int,
        limit_price: Any = None,
        stop_price: Any = None,
        quantity: Any = None,
    ) -> None:
        """Changes what is not None."""


def _fixed(name: str, doc: str) -> Any:
    """A price that cannot be changed once the order is submitted."""
    held = f"_{name}"

    def set_(order: LiveOrder, value: Any) -> None:
        if order._engine is not None:
            raise InvalidError(
                f"{name} of a submitted order cannot be changed: cancel it and submit another"
            )
        setattr(order, held, value)

    return property(attrgetter(held), set_, doc=doc)


class LiveOrder:
    """The attributes of an order that are read from the engine once it is attached to one."""

    order_class: Any = names.OrderClass.SIMPLE

    _identifier: Any = None
    _engine: Engine | None = None
    _open_type: Any = None  # of the price a bar's open filled it at; None: float
    _pair_id: int = 0  # of the one-cancels-other order whose quantity it shares, while it does
    _id: int = 0
    # A parent holds its children. They refer to it and to each other weakly: what is in a circle
    # stays, and the engine with it, until the collector comes by.
    _parent_ref: ref[Any] | None = None
    _parent_identifier: Any = None
    _dependent: Any = None
    _status: str = "unprocessed"
    _status_at: str | None = None  # the engine's, when _status was set on an attached order
    _is_over: bool = False  # known to be closed for good, its children too
    _quantity: Any = None
    _limit_price: Any = None
    _stop_price: Any = None
    _stop_limit_price: Any = None
    _trail_price: Any = None
    _trail_percent: Any = None
    _children: list[Any] | None = None
    _price_triggered: bool = False
    _own_trail_stop: Any = None
    _own_fill_price: Any = None
    _trade_cost: Any = None
    _transactions: list[Any] | None = None

    stop_limit_price = _fixed("stop_limit_price", "Limit of a stop-limit order.")
    trail_price = _fixed("trail_price", "Distance of a trailing stop, in currency.")
    trail_percent = _fixed("trail_percent", "Distance of a trailing stop; 0.02 is two per cent.")

    def _attach(self, engine: Engine, id: int) -> None:
        """From now on this order is the engine's number `id`, its children the numbers after it."""
        self._engine = engine
        self._id = id
        children = self._children
        if children:
            shares = self.order_class is names.OrderClass.OCO
            for number, child in enumerate(children, id + 1):
                child._parent_ref = ref(self)
                if child._parent_identifier is None:
                    child._parent_identifier = self._identifier
                if shares:
                    child._pair_id = self._pair_id = id
                child._attach(engine, number)

    @property
    def _parent(self) -> Any:
        """The submitted order whose child this is, for as long as somebody holds it."""
        return None if self._parent_ref is None else self._parent_ref()

    @property
    def dependent_order(self) -> Any:
        """The order that a fill of this one cancels. Of the children of one order it is the other
        child, for as long as somebody holds that or their parent."""
        found = self._dependent
        return found() if isinstance(found, ref) else found

    @dependent_order.setter
    def dependent_order(self, value: Any) -> None:
        self._dependent = value

    @property
    def child_orders(self) -> list[Any]:
        """Orders that this one brings into the book, or stands for."""
        children = self._children
        if children is None:
            children = self._children = []
        return children

    @child_orders.setter
    def child_orders(self, value: list[Any]) -> None:
        self._children = value

    def _record(self) -> OrderRecord | None:
        return None if self._engine is None else self._engine.order(self._id)

    def _modify(self, name: str, value: Any) -> None:
        """Hand a new price or quantity on; the engine refuses what it does not take."""
        if self._engine is not None and value is not None:
            self._engine.modify(self._id, **{name: float(value)})

    @property
    def limit_price(self) -> Any:
        """Price of a limit; setting it on a submitted order changes that."""
        return self._limit_price

    @limit_price.setter
    def limit_price(self, value: Any) -> None:
        self._modify("limit_price", value)
        self._limit_price = value

    @property
    def stop_price(self) -> Any:
        """Price that triggers a stop; setting it on a submitted order changes that."""
        return self._stop_price

    @stop_price.setter
    def stop_price(self, value: Any) -> None:
        self._modify("stop_price", value)
        self._stop_price = value

    @property
    def quantity(self) -> Any:
        """Units, as given; a Decimal once it has been set, and of a one-cancels-other order once
        one of its children is filled. Children follow, but for a multileg."""
        if self._pair_id:
            self._settle_quantity()
        return self._quantity

    @quantity.setter
    def quantity(self, value: Any) -> None:
        quantity = Decimal(str(value) if isinstance(value, float) else value)
        self._modify("quantity", quantity)
        self._quantity = quantity
        if self.order_class is not names.OrderClass.MULTILEG:
            for child in self._children or ():
                child.quantity = quantity

    def _settle_quantity(self) -> None:
        """lumibot gives a filled pair its quantity anew (backtesting_broker.py:1136): all of it,
        since a cancel may come after the fill."""
        engine = self._engine
        if engine is None or engine.order_status(self._pair_id) != "fill":
            return
        parent = self if self._id == self._pair_id else self._parent
        for order in (self,) if parent is None else (parent, *parent.child_orders):
            order._quantity = Decimal(str(abs(float(order._quantity))))
            order._pair_id = 0

    @property
    def status(self) -> str:
        """Text of an `Order.OrderStatus`."""
        engine = self._engine
        if engine is None:
            return self._status
        status = engine.order_status(self._id)
        return self._status if status == self._status_at else status

    @status.setter
    def status(self, value: Any) -> None:
        """On a submitted order it holds until the engine has something new to say."""
        if not value or not isinstance(value, str):
            return
        status = value.lower()
        if status not in VALID_STATUS:
            if status not in STATUS_ALIAS_MAP:
                logger.error("Invalid order status: %s", value)
            status = STATUS_ALIAS_MAP.get(status, status)
        self._status = status
        self._is_over = False
        parent = self._parent
        if parent is not None:
            parent._is_over = False
        if self._engine is not None:
            self._status_at = self._engine.order_status(self._id)

    @property
    def avg_fill_price(self) -> float | None:
        """Average price of what was filled; None before."""
        if self._own_fill_price is None:
            record = self._record()
            if record is not None and not math.isnan(record.fill_price):
                return record.fill_price
        return cast("float | None", self._own_fill_price)

    @avg_fill_price.setter
    def avg_fill_price(self, value: Any) -> None:
        self._own_fill_price = None if value is None else float(value)

    # What lumibot's own code calls it.
    _avg_fill_price = avg_fill_price

    @property
    def filled_quantity(self) -> float:
        """Units filled so far."""
        record = self._record()
        if record is not None:
            return record.filled
        return float(sum(transaction.quantity for transaction in self.transactions))

    def _as_given(self, units: float) -> float:
        """Units filled; a quantity that is a float of another class (numpy's) comes back as it is,
        as it does in lumibot."""
        given = self._quantity
        return given if isinstance(given, float) and given == units else units

    @property
    def transactions(self) -> list[Any]:
        """Fills as (quantity, price); those of a submitted order are the engine's, averaged.

        A one-cancels-other parent has none: its children are filled.
        """
        if self._transactions is None:
            record = self._record()
            if record is not None:
                if not record.filled or self.order_class is names.OrderClass.OCO:
                    return []
                price = record.fill_price
                if self._open_type is not None and not record.by_quote:
                    price = self._open_type(price)
                return [Transaction(self._as_given(record.filled), price)]
            self._transactions = []
        return self._transactions

    @transactions.setter
    def transactions(self, value: list[Any]) -> None:
        self._transactions = value

    @property
    def trade_cost(self) -> float | None:
        """Fees of its fills; None before the first."""
        record = self._record()
        if record is not None and record.filled:
            return record.fees
        return cast("float | None", self._trade_cost)

    @trade_cost.setter
    def trade_cost(self, value: Any) -> None:
        self._trade_cost = value

    @property
    def price_triggered(self) -> bool:
        """Of a stop-limit order: whether its stop has been met."""
        record = self._record()
        return self._price_triggered if record is None else record.triggered

    @price_triggered.setter
    def price_triggered(self, value: bool) -> None:
        self._price_triggered = value

    @property
    def _trail_stop_price(self) -> float | None:
        record = self._record()
        if record is None:
            return cast("float | None", self._own_trail_stop)
        return None if math.isnan(record.trail_stop) else record.trail_stop

    @_trail_stop_price.setter
    def _trail_stop_price(self, value: float | None) -> None:
        self._own_trail_stop = value
