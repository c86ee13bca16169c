"""Orders and positions as a strategy asks for them: create, submit, cancel, close, look up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from millibar._log import logger_of
from millibar._strategy_data import DataMethods
from millibar.assets import Asset
from millibar.errors import InvalidError
from millibar.orders import Order

if TYPE_CHECKING:
    from millibar.orders import Position

logger = logger_of(__name__)


def statuses_of(statuses: Any) -> frozenset[Any] | None:
    """A status or several, each an Order.OrderStatus, as a set; None stays None.

    Raises:
        TypeError: anything but members of Order.OrderStatus.
    """
    if statuses is None:
        return None
    if isinstance(statuses, Order.OrderStatus):
        return frozenset({statuses})
    wanted = () if isinstance(statuses, str) else tuple(statuses)
    if isinstance(statuses, str) or not all(isinstance(s, Order.OrderStatus) for s in wanted):
        raise TypeError("statuses must be an Order.OrderStatus, or several, not raw strings")
    return frozenset(wanted)


class OrderMethods(DataMethods):
    """What a strategy does with orders and positions."""

    include_cash_positions: bool

    # ---- Making orders -------------------------------------------------------------------------

    def create_order(
        self,
        asset: Any,
        quantity: Any,
        side: str,
        limit_price: float | None = None,
        stop_price: float | None = None,
        stop_limit_price: float | None = None,
        trail_price: float | None = None,
        trail_percent: float | None = None,
        secondary_limit_price: float | None = None,
        secondary_stop_price: float | None = None,
        secondary_stop_limit_price: float | None = None,
        secondary_trail_price: float | None = None,
        secondary_trail_percent: float | None = None,
        time_in_force: str = "gtc",
        good_till_date: Any = None,
        take_profit_price: float | None = None,
        stop_loss_price: float | None = None,
        stop_loss_limit_price: float | None = None,
        position_filled: Any = None,
        exchange: str | None = None,
        quote: Asset | None = None,
        pair: str | None = None,
        order_type: Any = None,
        order_class: Any = None,
        type: Any = None,
        smart_limit: Any = None,
        custom_params: dict[str, Any] | None = None,
        position_side: str | None = None,
        position_id: str | None = None,
    ) -> Order:
        """An order of this strategy, not yet submitted; see `Order` for what its prices mean.

        Raises:
            ValueError: a side, type or class there is not, prices that contradict each other.
        """
        # By place: thirty names would be put into a dictionary and taken out of it again, which
        # takes longer than the rest.
        return Order(
            self._name,
            asset if asset.__class__ is Asset else self._asset(asset),
            quantity,
            side,
            limit_price,
            stop_price,
            stop_limit_price,
            trail_price,
            trail_percent,
            secondary_limit_price,
            secondary_stop_price,
            secondary_stop_limit_price,
            secondary_trail_price,
            secondary_trail_percent,
            take_profit_price,
            stop_loss_price,
            stop_loss_limit_price,
            time_in_force,
            good_till_date,
            exchange,
            position_filled,
            self._quote_asset if quote is None else quote,
            pair,
            self.get_datetime(),
            type,
            order_type,
            order_class,
            None,  # trade_cost
            None,  # trade_slippage
            custom_params,
            None,  # identifier
            None,  # avg_fill_price
            None,  # error_message
            None,  # child_orders
            "",  # tag
            "unprocessed",
            smart_limit,
            position_side,
            position_id,
        )

    def submit_order(self, order: Any, **kwargs: Any) -> Any:
        """Enters an order, or each of a list; the order or orders.

        None, or a quantity of None or 0, is refused with a message to the log, as in lumibot.

        Raises:
            InvalidError: a quantity or price that is no number to trade at, an asset without
                bars; nothing is entered.
            UnsupportedError: a smart limit, an option, legs.
        """
        if not isinstance(order, (list, tuple)):
            return self.broker.submit_order(order) if _sound(order) else None
        if any(each is None for each in order):
            raise ValueError("Cannot submit a null order")
        if not all(_sound(each) for each in order):
            return None
        return self.broker.submit_orders(list(order), **kwargs)

    def submit_orders(self, orders: Any, **kwargs: Any) -> Any:
        """As `submit_order`."""
        return self.submit_order(orders, **kwargs)

    # ---- Changing them -------------------------------------------------------------------------

    def cancel_order(self, order: Order, *, reason: Any = None, evidence: Any = None) -> None:
        """Cancels an order, and its children with it."""
        self.broker.cancel_order(order)

    def cancel_orders(
        self, orders: Iterable[Order], *, reason: Any = None, evidence: Any = None
    ) -> list[Any] | None:
        """Cancels each."""
        if not orders:
            return []
        self.broker.cancel_orders(orders)
        return None

    def cancel_open_orders(
        self, orders: Iterable[Order] | None = None, *, reason: Any = None, evidence: Any = None
    ) -> list[Any] | None:
        """Cancels the strategy's active orders, or those of the list that are active."""
        return self.broker.cancel_open_orders(self._name, orders)

    def modify_order(
        self,
        order: Order,
        limit_price: float | None = None,
        stop_price: float | None = None,
        *,
        reason: Any = None,
        evidence: Any = None,
    ) -> None:
        """Gives an active order another limit or stop price; does nothing to a closed one."""
        if order.is_active():
            self.broker.modify_order(order, limit_price=limit_price, stop_price=stop_price)

    # ---- Closing positions ---------------------------------------------------------------------

    def get_selling_order(self, position: Position) -> Order | None:
        """An order that sells a position's units; None for cash."""
        if position.asset == self._quote_asset:
            return None
        return self.create_order(position.asset, position.quantity, "sell", quote=self._quote_asset)

    def close_position(
        self, asset: Any, fraction: float = 1.0, position_side: Any = None, position_id: Any = None
    ) -> Order | None:
        """Submits a market order against a position, or a part of it; that order, or None where
        there is none.

        Raises:
            ValueError: a fraction that is not above 0 and at most 1.
        """
        position = self.get_position(asset)
        target = self._asset(asset) if position is None else position.asset
        return self.broker.close_position(self._name, target, fraction)

    def close_positions(self, assets: Iterable[Any]) -> list[Order | None]:
        """As `close_position`, for each."""
        return [self.close_position(asset) for asset in assets]

    def sell_all(self, cancel_open_orders: bool = True, is_multileg: bool = False) -> None:
        """Cancels what is open, unless told otherwise, and closes every position."""
        self.broker.sell_all(
            self._name, cancel_open_orders=cancel_open_orders, is_multileg=is_multileg
        )

    # ---- Looking up ----------------------------------------------------------------------------

    def get_position(
        self,
        asset: Any,
        broker_refresh: bool = True,
        broker_refresh_ttl_seconds: float = 0.0,
        position_side: Any = None,
        position_id: Any = None,
    ) -> Position | None:
        """What is held of an asset; None when nothing is.

        A continuous future finds the position in one of its contracts, too.
        """
        if not isinstance(asset, (Asset, str)):
            logger.error(
                "Asset in get_position() must be an Asset object or a string. You entered %r.",
                asset,
            )
            return None
        return self.broker.find_position(self._asset(asset))

    def get_positions(
        self,
        include_cash_positions: bool = False,
        broker_refresh: bool = True,
        broker_refresh_ttl_seconds: float = 0.0,
    ) -> list[Position]:
        """What is held, the oldest first; cash among it only if asked for."""
        held = self.broker.get_tracked_positions(self._name)
        if include_cash_positions or self.include_cash_positions:
            return held
        return [position for position in held if position.asset != self._quote_asset]

    @property
    def positions(self) -> list[Position]:
        """As `get_positions()`."""
        return self.get_positions()

    def get_order(
        self,
        identifier: Any,
        broker_refresh: bool = True,
        broker_refresh_ttl_seconds: float = 0.0,
    ) -> Order | None:
        """The submitted order of that identifier."""
        return self.broker.get_tracked_order(identifier)

    def get_orders(
        self,
        identifiers: Iterable[Any] | None = None,
        statuses: Any = None,
        broker_refresh: bool = True,
        broker_refresh_ttl_seconds: float = 0.0,
    ) -> list[Order]:
        """Every order so far: new ones first, then filled, canceled, and the parents of
        one-cancels-other orders.

        Args:
            identifiers: keep those.
            statuses: keep those of an Order.OrderStatus, or of several
                (`Order.ACTIVE_STATUSES`).
        """
        wanted = statuses_of(statuses)
        orders = self.broker.get_tracked_orders(self._name)
        if identifiers:
            named = {str(identifier) for identifier in identifiers}
            orders = [order for order in orders if str(order.identifier) in named]
        if wanted is not None:
            orders = [order for order in orders if order.status in wanted]
        return orders

    def get_tracked_order(self, identifier: Any) -> Order | None:
        """As `get_order`."""
        return self.get_order(identifier)

    def get_tracked_orders(self) -> list[Order]:
        """As `get_orders()`."""
        return self.get_orders()

    def get_tracked_positions(self) -> list[Position]:
        """As `get_positions()`."""
        return self.get_positions()

    def get_tracked_position(self, asset: Any) -> Position | None:
        """As `get_position`."""
        return self.get_position(asset)

    def get_tracked_assets(self) -> list[Asset]:
        """The assets of all positions and orders, each once."""
        return self.broker.get_tracked_assets(self._name)

    def get_asset_potential_total(self, asset: Any) -> Any:
        """The units that would be held of an asset if all its active orders were filled."""
        return self.broker.get_asset_potential_total(self._name, self._asset(asset))


def _sound(order: Any) -> bool:
    """Whether lumibot would hand an order on; if not, the log says why."""
    if order.__class__ is not Order and not isinstance(order, Order):
        logger.error("Order must be an Order object. You entered %r.", order)
        return False
    quantity = order.quantity
    if quantity is None or quantity == 0:
        logger.error("Order quantity cannot be %s. Please provide a valid quantity.", quantity)
        return False
    return True


Prices = tuple[Any, Any, Any, Any, Any]
NO_CHILDREN: Prices = (None, None, None, None, None)


def child_prices(order: Order) -> Prices:
    """The children of an order as the engine takes them: the price of the limit, then stop price,
    stop limit, trail and trail in per cent of the stop. There is one of each at most, of the
    parent's quantity.

    Raises:
        InvalidError: children that the engine cannot make.
    """
    children = order.child_orders
    kinds = [("limit" if child.order_type == "limit" else "stop") for child in children]
    if len(children) > 2 or len(set(kinds)) != len(kinds):
        raise InvalidError(
            f"children of a {order.order_class} order are one limit and one stop order at most, "
            f"not {', '.join(str(child.order_type) for child in children)}"
        )
    limit, stop = NO_CHILDREN[:1], NO_CHILDREN[1:]
    quantity = order.quantity
    for kind, child in zip(kinds, children, strict=True):
        if child.quantity != quantity:
            raise InvalidError(
                f"a child of {child.quantity} units under an order of {quantity}: children "
                "trade the parent's quantity"
            )
        if kind == "limit":
            limit = (child.limit_price,)
        else:
            stop = (
                child.stop_price,
                child.stop_limit_price,
                child.trail_price,
                child.trail_percent,
            )
    if kinds == ["stop", "limit"]:
        children.reverse()  # the engine's order: the limit first
    return (*limit, *stop)
