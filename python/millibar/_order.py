"""Order: what a strategy asks for, and what became of it.

An Order is plain Python until it is submitted: attributes, checks, children. Submitting attaches it
to the engine that runs the backtest (`_attach`), and from then on what the engine knows better is
read from there at each look: status, fills, fees, the trailing stop. Nothing is copied back, so
nothing can be out of date; setting limit_price, stop_price or quantity of an attached order asks
the engine to change it.

Making an order costs little because nearly all of its attributes are class attributes until they
are set; the identifier and the lists are made when first looked at. Nothing that every order goes
through looks at its `__dict__`: until somebody does, an object has none, and the collector one
object less to look at. Identifiers count up from one
in each process, so that two runs of one program name their orders alike.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

from millibar import _order_forms as forms
from millibar import _order_names as names
from millibar import _order_prices as prices
from millibar._live import LiveOrder, Transaction
from millibar._log import logger_of
from millibar._order_children import make_children
from millibar._order_names import (
    ACKNOWLEDGED,
    BUY,
    CANCELED,
    CLASSES,
    FILLED,
    SELL,
    STATUS_ALIAS_MAP,
    member,
    pair_symbol,
)
from millibar.assets import Asset
from millibar.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

    from millibar._position import Position
    from millibar.smart_limit import SmartLimitConfig

__all__ = ["Order"]

logger = logger_of(__name__)

_SIDES = {str(member): member for member in names.OrderSide}
_BUYING = frozenset(side for side in names.OrderSide if side.startswith("buy"))
_SELLING = frozenset(side for side in names.OrderSide if side.startswith("sell"))
_STOPS = frozenset({names.OrderType.STOP, names.OrderType.STOP_LIMIT, names.OrderType.TRAIL})
_SIMPLE = names.OrderClass.SIMPLE
_ADVANCED = frozenset({names.OrderClass.OCO, names.OrderClass.OTO, names.OrderClass.BRACKET})
_MARKET, _SMART_LIMIT = names.OrderType.MARKET, names.OrderType.SMART_LIMIT

_identifiers = count(1)


def _log_own_quote(asset: Any, quote: Any) -> None:
    logger.error(
        "When creating an Order, asset and quote must be different. Got asset = %s and quote = %s",
        asset,
        quote,
    )


def _parts_of(asset: Any, quote: Any) -> tuple[Any, Any]:
    """Asset and quote of what is not plainly an Asset: a symbol is a stock, of cryptos a pair is
    both."""
    if isinstance(asset, str):
        return Asset(symbol=asset), quote
    if asset.__class__ is tuple and asset[0].asset_type == "crypto":
        asset, quote = asset
    return asset, quote


def _positive(quantity: Any) -> Any:
    logger.warning("Quantity of order is negative (%s): taken as positive.", quantity)
    return abs(quantity)


class Order(LiveOrder):
    """An order, and what became of it.

    Args:
        strategy: name of the strategy it belongs to.
        asset: what is traded; a symbol is a stock; a pair (base, quote) of a crypto is both.
        quantity: units, positive; a negative one is taken as positive, with a warning.
        side: an `Order.OrderSide` or its text.
        limit_price, stop_price, stop_limit_price, trail_price, trail_percent: at most one of the
            last three. With none of them the order is a market order; the type follows from them
            unless order_type is given.
        secondary_*: prices of the children of a bracket or one-triggers-other order.
        time_in_force: "day", "gtc", "gtd" (with good_till_date), "ioc" or "fok".
        order_class: an `Order.OrderClass` or its text. A BRACKET gets children at
            secondary_limit_price and secondary_stop_price, an OTO one of them, an OCO at
            limit_price and stop_price, unless child_orders are given.
        take_profit_price, stop_loss_price, stop_loss_limit_price, type: old names of
            secondary_limit_price, secondary_stop_price, secondary_stop_limit_price, order_type.

    Any other attribute may be set on an order; it stays there.

    Raises:
        ValueError: an unknown side, type or class, prices that contradict each other, an advanced
            class without what its children need.
    """

    Transaction = Transaction
    OrderClass = names.OrderClass
    OrderType = names.OrderType
    OrderSide = names.OrderSide
    OrderStatus = names.OrderStatus
    ACTIVE_STATUSES = (
        names.OrderStatus.UNPROCESSED,
        names.OrderStatus.SUBMITTED,
        names.OrderStatus.OPEN,
        names.OrderStatus.NEW,
        names.OrderStatus.CANCELLING,
        names.OrderStatus.PARTIALLY_FILLED,
    )

    strategy: Any = None
    asset: Any = None
    quote: Any = None
    symbol: Any = None
    side: Any = None
    time_in_force: str = "day"
    good_till_date: datetime | None = None
    position_filled: bool = False
    secondary_limit_price: Any = None
    secondary_stop_price: Any = None
    secondary_stop_limit_price: Any = None
    secondary_trail_price: Any = None
    secondary_trail_percent: Any = None
    take_profit_price: Any = None
    stop_loss_price: Any = None
    stop_loss_limit_price: Any = None
    order_type: Any = None
    dependent_order_filled: bool = False
    smart_limit: SmartLimitConfig | None = None
    trade_slippage: Any = 0.0
    custom_params: dict[str, Any] | None = None
    position_side: str | None = None
    position_id: Any = None
    tag: str = ""
    broker_create_date: Any = None
    broker_update_date: Any = None
    exchange: str | None = None
    error_message: str | None = None

    _n_renamed: ClassVar[int] = 0  # how many submitted orders were given another identifier
    _date_created: Any = None
    _pair: str | None = None
    _raw: Any = None
    _transmitted: bool = False
    _error: Any = None
    _events: dict[str, Event] | None = None

    def __init__(
        self,
        strategy: Any,
        asset: Any = None,
        quantity: Any = None,
        side: Any = None,
        limit_price: Any = None,
        stop_price: Any = None,
        stop_limit_price: Any = None,
        trail_price: Any = None,
        trail_percent: Any = None,
        secondary_limit_price: Any = None,
        secondary_stop_price: Any = None,
        secondary_stop_limit_price: Any = None,
        secondary_trail_price: Any = None,
        secondary_trail_percent: Any = None,
        take_profit_price: Any = None,
        stop_loss_price: Any = None,
        stop_loss_limit_price: Any = None,
        time_in_force: str = "day",
        good_till_date: datetime | None = None,
        exchange: str | None = None,
        position_filled: bool = False,
        quote: Asset | None = None,
        pair: str | None = None,
        date_created: datetime | None = None,
        type: Any = None,
        order_type: Any = None,
        order_class: Any = _SIMPLE,
        trade_cost: float | None = None,
        trade_slippage: float | None = None,
        custom_params: dict[str, Any] | None = None,
        identifier: Any = None,
        avg_fill_price: float | None = None,
        error_message: str | None = None,
        child_orders: list[Order] | None = None,
        tag: str = "",
        status: str = "unprocessed",
        smart_limit: SmartLimitConfig | None = None,
        position_side: str | None = None,
        position_id: Any = None,
    ) -> None:
        if asset is not None:
            if asset is quote or (quote is not None and asset == quote):
                _log_own_quote(asset, quote)
                return
            if asset.__class__ is not Asset:
                asset, quote = _parts_of(asset, quote)
            self.asset = asset
            self.symbol = asset.symbol
        if quantity is not None and quantity < 0:
            quantity = _positive(quantity)
        self.strategy = strategy
        self.quote = quote
        self._quantity = quantity
        if side is not None:
            self.side = _SIDES.get(side) or member(_SIDES, "side", side)
        if order_class is not _SIMPLE:
            self.order_class = (
                None if order_class is None else member(CLASSES, "order_class", order_class)
            )
        if time_in_force != "day":
            self.time_in_force = time_in_force
        if date_created is not None:
            self._date_created = date_created
        if position_filled is not False:
            self.position_filled = position_filled
        if status != "unprocessed":
            self.status = status
        if identifier or child_orders or smart_limit is not None:
            self._set_relations(identifier, child_orders, smart_limit)
        # What is seldom given, set only where it is: the class has the rest.
        if (
            tag
            or good_till_date is not None
            or exchange is not None
            or pair is not None
            or trade_cost is not None
            or trade_slippage is not None
            or custom_params is not None
            or avg_fill_price is not None
            or error_message is not None
            or position_side is not None
            or position_id is not None
        ):
            self._set_given(
                tag=tag,
                good_till_date=good_till_date,
                exchange=exchange,
                _pair=pair,
                _trade_cost=trade_cost,
                trade_slippage=trade_slippage,
                custom_params=custom_params,
                _own_fill_price=avg_fill_price,
                error_message=error_message,
                position_side=None if position_side is None else str(position_side).lower(),
                position_id=position_id,
            )
        if not (take_profit_price is stop_loss_price is stop_loss_limit_price is type is None):
            secondary_limit_price = prices.of_old_name(
                secondary_limit_price,
                "take_profit_price",
                take_profit_price,
                limit_price=limit_price,
            )
            secondary_stop_price = prices.of_old_name(
                secondary_stop_price, "stop_loss_price", stop_loss_price, stop_price=stop_price
            )
            secondary_stop_limit_price = prices.of_old_name(
                secondary_stop_limit_price,
                "stop_loss_limit_price",
                stop_loss_limit_price,
                stop_limit_price=stop_limit_price,
            )
            order_type = prices.of_old_name(order_type, "type", type, order_type=order_type)
        if order_type is not None:
            order_type = prices.checked_type(self, order_type)
        if limit_price is stop_price is stop_limit_price is trail_price is trail_percent is None:
            if order_type is None:
                order_type = _MARKET if self.smart_limit is None else _SMART_LIMIT
        else:
            own = (limit_price, stop_price, stop_limit_price, trail_price, trail_percent)
            prices.set_prices(self, *own)
            order_type = order_type or prices.type_of(self, *own)
        if not (
            secondary_limit_price
            is secondary_stop_price
            is secondary_stop_limit_price
            is secondary_trail_price
            is secondary_trail_percent
            is None
        ):
            prices.set_secondary_prices(
                self,
                secondary_limit_price,
                secondary_stop_price,
                secondary_stop_limit_price,
                secondary_trail_price,
                secondary_trail_percent,
            )
        self.order_type = order_type
        if self.order_class is not _SIMPLE:
            make_children(self)

    # ---- Construction --------------------------------------------------------------------------

    def _set_relations(self, identifier: Any, child_orders: Any, smart_limit: Any) -> None:
        """The name an order is given, its children, and how a smart limit moves.

        Raises:
            ValueError: a child that is no order.
        """
        if isinstance(child_orders, list):
            if not all(isinstance(child, Order) for child in child_orders):
                raise ValueError("Child orders must be of type Order")
            self.child_orders = child_orders
        self.smart_limit = smart_limit
        self.identifier = identifier or next_identifier()

    def _set_given(self, **given: Any) -> None:
        """Sets those attributes that are not None."""
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)

    # ---- Identity ------------------------------------------------------------------------------

    @property
    def identifier(self) -> Any:
        """What names the order; made when first asked for."""
        if self._identifier is None:
            self._identifier = made = next_identifier()
            for child in self._children or ():
                if child._parent is self and child._parent_identifier is None:
                    child._parent_identifier = made
        return self._identifier

    @identifier.setter
    def identifier(self, value: Any) -> None:
        if self._engine is not None:
            Order._n_renamed += 1
        self._identifier = value
        for child in self._children or ():
            child.parent_identifier = value

    @property
    def parent_identifier(self) -> Any:
        """The parent's identifier; None where there is none."""
        if self._parent_identifier is None and self._parent_ref is not None:
            parent = self._parent
            self._parent_identifier = next_identifier() if parent is None else parent.identifier
        return self._parent_identifier

    @parent_identifier.setter
    def parent_identifier(self, value: Any) -> None:
        self._parent_identifier = value

    def set_identifier(self, identifier: Any) -> None:
        """Names the order, and tells its children."""
        self.identifier = identifier

    @property
    def pair(self) -> str | None:
        """ "BTC/USD" of a crypto, else what was given."""
        if self.asset is not None and self.asset.asset_type == "crypto":
            return pair_symbol(self.asset.symbol, None if self.quote is None else self.quote.symbol)
        return self._pair

    @pair.setter
    def pair(self, value: str | None) -> None:
        self._pair = value

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Order) and self.identifier == other.identifier

    def __hash__(self) -> int:
        return hash(self.identifier)

    def __getstate__(self) -> dict[str, Any]:
        """Copies are the same order, but no longer the engine's."""
        state = self.__dict__ | {"_identifier": self.identifier}
        if self._engine is not None:
            for name in ("status", "avg_fill_price", "transactions", "trade_cost"):
                state[_KEPT[name]] = getattr(self, name)
            state["_price_triggered"] = self.price_triggered
            state["_own_trail_stop"] = self._trail_stop_price
            state["_quantity"] = self.quantity
        for name in ("_engine", "_id", "_status_at", "_events", "_is_over", "_pair_id"):
            state.pop(name, None)
        if state.pop("_parent_ref", None) is not None:
            state["_parent_identifier"] = self.parent_identifier
            state["_parent"] = self._parent
        if isinstance(self._dependent, ref):
            state["_sibling"] = self.dependent_order
            del state["_dependent"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, weak in (("_parent", "_parent_ref"), ("_sibling", "_dependent")):
            held = state.pop(name, None)
            if held is not None:
                state[weak] = ref(held)
        self.__dict__.update(state)

    def __repr__(self) -> str:
        price = next(
            (
                p
                for p in (self.limit_price, self.stop_price, self.take_profit_price)
                if p is not None
            ),
            None,
        )
        if self.is_filled():
            price = self.get_fill_price()
        if self.child_orders:
            text = f"{self.order_class or self.order_type} {self.quantity} order |"
            for child in self.child_orders:
                text = f"{text} child {str(child).replace('|', '')} |"
        else:
            text = f"{self.order_type} order of | {self.quantity} {self._shown()} {self.side} |"
        if price:
            text = f"{text} @ ${price}"
        return f"{text} {self.status}"

    def _shown(self) -> Any:
        """The asset as the text of an order names it."""
        asset = self.asset
        if asset is None:
            return self.symbol
        if asset.asset_type == "crypto":
            return self.pair
        if asset.asset_type == "future":
            return f"{self.symbol} {asset.expiration}"
        if asset.asset_type == "option":
            return f"{self.symbol} {asset.expiration} {asset.right} {asset.strike}"
        return self.symbol

    # ---- Questions -----------------------------------------------------------------------------

    def is_buy_order(self) -> bool:
        """Whether it buys, whatever kind of buying it is."""
        return self.side in _BUYING

    def is_sell_order(self) -> bool:
        """Whether it sells, whatever kind of selling it is."""
        return self.side in _SELLING

    def is_stop_order(self) -> bool:
        """Whether it is a stop, stop-limit or trailing order."""
        return self.order_type in _STOPS

    def is_advanced_order(self) -> bool:
        """Whether it is a bracket, one-cancels-other or one-triggers-other order."""
        return self.order_class in _ADVANCED

    def is_parent(self) -> bool:
        """Whether it has children."""
        return bool(self.child_orders)

    def is_option(self) -> bool:
        """Whether it trades an option."""
        return bool(self.asset.asset_type == "option")

    def is_filled(self) -> bool:
        """Whether all of it is filled."""
        return self.position_filled or self.status in FILLED

    def is_canceled(self) -> bool:
        """Whether it was canceled, has expired or was refused."""
        return self.status in CANCELED

    def is_active(self) -> bool:
        """Whether it, or one of its children, may still fill."""
        if self._is_over:
            return False
        status = self.status
        if status == "unknown":
            return False
        if not self.position_filled and status not in FILLED and status not in CANCELED:
            return True
        if any(child.is_active() for child in self._children or ()):
            return True
        # What the engine has closed stays closed: strategies ask this of every order of the past.
        self._is_over = self._engine is not None
        return False

    def equivalent_status(self, status: Any) -> bool:
        """Whether the status, or that of another order, means what this order's means."""
        if isinstance(status, Order):
            status = status.status
        if not status:
            return False
        mine, other = self.status.lower(), status.lower()
        same = mine in (other, STATUS_ALIAS_MAP.get(other, ""))
        return same or {mine, other} <= ACKNOWLEDGED

    @classmethod
    def is_equivalent_status(cls, status1: Any, status2: Any) -> bool:
        """Whether two statuses mean the same."""
        if not status1 or not status2:
            return False
        one, two = status1.lower(), status2.lower()
        # lumibot looks for one name inside the other's.
        return bool(
            one == two
            or (two in STATUS_ALIAS_MAP and one in STATUS_ALIAS_MAP[two])
            or (one in STATUS_ALIAS_MAP and two in STATUS_ALIAS_MAP[one])
            or {one, two} <= ACKNOWLEDGED
        )

    def get_fill_price(self) -> float | None:
        """Average price of the fills; None before the first."""
        if self.avg_fill_price is not None:
            return self.avg_fill_price
        transactions = self.transactions
        if not transactions or not self.quantity or any(t.price is None for t in transactions):
            return None
        total = sum(float(t.price) * float(t.quantity) for t in transactions)
        return round(total / float(self.quantity), 2)

    def get_current_trail_stop_price(self) -> float | None:
        """Where a trailing stop stands; None until the first bar has set it."""
        return self._trail_stop_price

    def get_increment(self) -> float:
        """What a fill adds to the position: signed units, of options the other way round."""
        increment = self.quantity
        if (self.side == SELL and not self.is_option()) or (self.side == BUY and self.is_option()):
            increment = -increment
        return float(increment)

    def cash_pending(self, strategy: Any) -> Any:
        """What filling the rest of it would do to cash."""
        transactions = self.transactions
        unfilled = self.quantity - sum(t.quantity for t in transactions)
        if unfilled == 0:
            return 0
        if transactions:
            value = unfilled * transactions[-1].price
        else:
            value = self.quantity * strategy.get_last_price(self.asset)
        return value if self.side == SELL else -value

    def was_transmitted(self) -> bool:
        """Whether it has been submitted."""
        return self._transmitted or self._engine is not None

    # ---- Changes -------------------------------------------------------------------------------

    def add_child_order(self, o: Order) -> None:
        """Appends a child."""
        self.child_orders.append(o)

    def add_transaction(self, price: Any, quantity: Any) -> None:
        """Notes a fill of an order that no engine knows."""
        self.transactions.append(Transaction(price=price, quantity=quantity))

    def update_raw(self, raw: Any) -> None:
        """Notes what a broker answered."""
        if raw is not None:
            self._transmitted = True
            self._raw = raw

    def update_trail_stop_price(self, price: float) -> None:
        """Moves the stop of a trailing order that no engine knows, as lumibot does.

        By price it only ever comes nearer; by percent a sell's stop follows both ways and a buy's
        never moves.
        """
        if self.order_type is not names.OrderType.TRAIL:
            return
        buys = self.is_buy_order()
        if self.trail_percent is not None:
            percent = _float_if_decimal(self.trail_percent)
            stop = price * (1 + percent if buys else 1 - percent)
            if self._trail_stop_price is None:
                self._trail_stop_price = stop
                return
            if self.is_sell_order():
                self._trail_stop_price = stop
        if self.trail_price is not None:
            if not buys and not self.is_sell_order():
                raise ValueError(f"side must be either 'buy' or 'sell'. Got {self.side} instead.")
            distance = _float_if_decimal(self.trail_price)
            stop = price + distance if buys else price - distance
            now = self._trail_stop_price
            if now is None or (stop < now if buys else stop > now):
                self._trail_stop_price = stop

    def to_position(self, quantity: Any) -> Position | None:
        """A position of that many units, short for a sell."""
        from millibar._position import Position

        if self.asset is None:
            logger.error("Cannot create position from order %s - asset is None", self.identifier)
            return None
        units = Decimal(quantity)
        return Position(
            self.strategy,
            self.asset,
            -units if self.is_sell_order() else units,
            orders=[self],
            avg_fill_price=self.avg_fill_price,
            position_side=self.position_side,
            position_id=self.position_id,
        )

    def set_error(self, error: Any) -> None:
        """Marks it refused."""
        self.status = "error"
        self._error = error
        self.error_message = str(error)
        self._event("closed").set()

    # ---- Waiting -------------------------------------------------------------------------------

    def _event(self, name: str) -> Event:
        from threading import Event

        if self._events is None:
            self._events = {}
        return self._events.setdefault(name, Event())

    def set_new(self) -> None:
        """Tells those who wait that it is in the book."""
        self._event("new").set()

    def set_canceled(self) -> None:
        """Tells those who wait that it was canceled."""
        self._event("canceled").set()
        self._event("closed").set()

    def set_partially_filled(self) -> None:
        """Tells those who wait that some of it is filled."""
        self._event("partially_filled").set()

    def set_filled(self) -> None:
        """Tells those who wait that it is filled."""
        self._event("filled").set()
        self._event("closed").set()

    def wait_to_be_registered(self) -> None:
        """Returns once the order is in the book, which a submitted one is at once."""
        if self._engine is None:
            self._event("new").wait()

    def wait_to_be_closed(self) -> None:
        """Returns once the order is filled, canceled or refused.

        Raises:
            InvalidError: a submitted order that is still open: in a backtest time stands still
                while this waits, so it would wait for ever.
        """
        if self._engine is None:
            self._event("closed").wait()
        elif self.is_active():
            raise InvalidError(
                f"order {self.identifier} is still {self.status}: time stands still while a "
                "backtest waits; let it move with self.sleep(), or look again at the next iteration"
            )

    # ---- From and to other forms ---------------------------------------------------------------

    def to_minimal_dict(self) -> dict[str, Any]:
        """What a line of a log shows of it."""
        return forms.to_minimal_dict(self)

    def to_dict(self) -> dict[str, Any]:
        """All public attributes, a user's own included, in forms that JSON knows where they have
        one; of the order that depends on this one, its identifier."""
        return forms.to_dict(self)

    @classmethod
    def from_dict(cls, order_dict: Mapping[str, Any]) -> Order:
        """The order of a `to_dict()`."""
        return forms.from_dict(cls, order_dict)


# Where a copy of an attached order keeps what the engine said of it.
_KEPT = {
    "status": "_status",
    "avg_fill_price": "_own_fill_price",
    "transactions": "_transactions",
    "trade_cost": "_trade_cost",
}


def next_identifier() -> str:
    """Thirty-two hexadecimal digits that count up."""
    return f"{next(_identifiers):032x}"


def _float_if_decimal(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
