"""The children of advanced orders: what a bracket, OCO or OTO order is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millibar import _order_names as names
from millibar._live import tie

if TYPE_CHECKING:
    from millibar._order import Order


def make_children(order: Order) -> None:
    """Gives an advanced order its children, unless it was given some; checks what it was given.

    Raises:
        ValueError: the prices that the children need are missing or too many, or what was given as
            a child is none.
    """
    order_class = order.order_class
    if order_class is names.OrderClass.OCO:
        _make_oco(order)
    elif order_class is names.OrderClass.BRACKET:
        _make_bracket(order)
    elif order_class is names.OrderClass.OTO:
        _make_oto(order)


def _child(order: Order, side: Any, order_type: names.OrderType) -> Order:
    """A child of this order's asset and quantity; its prices need no checking."""
    child = order.__class__.__new__(order.__class__)
    child.asset = order.asset
    child.symbol = order.symbol
    child.strategy = order.strategy
    child.quote = order.quote
    child._quantity = order._quantity
    child.side = side
    child.order_type = order_type
    return child


def _limit_child(order: Order, side: Any, limit_price: Any) -> Order:
    child = _child(order, side, names.OrderType.LIMIT)
    child._limit_price = limit_price
    return child


def _stop_child(
    order: Order,
    side: Any,
    stop_price: Any,
    limit_price: Any,
    trail_price: Any,
    trail_percent: Any,
) -> Order:
    if trail_price is not None or trail_percent is not None:
        order_type = names.OrderType.TRAIL
    else:
        order_type = names.OrderType.STOP_LIMIT if limit_price else names.OrderType.STOP
    child = _child(order, side, order_type)
    child._stop_price = stop_price
    child._stop_limit_price = limit_price
    child._trail_price = trail_price
    child._trail_percent = trail_percent
    return child


def _secondary_stop_child(order: Order, side: Any) -> Order:
    return _stop_child(
        order,
        side,
        order.secondary_stop_price,
        order.secondary_stop_limit_price,
        order.secondary_trail_price,
        order.secondary_trail_percent,
    )


def _closing_side(order: Order) -> names.OrderSide:
    sides = names.OrderSide
    return sides.SELL_TO_CLOSE if order.is_buy_order() else sides.BUY_TO_CLOSE


def _make_oco(order: Order) -> None:
    children = order.child_orders
    if not children and order._stop_price is not None and order._limit_price is not None:
        stop = _stop_child(
            order,
            order.side,
            order._stop_price,
            order.stop_limit_price,
            order.trail_price,
            order.trail_percent,
        )
        limit = _limit_child(order, order.side, order._limit_price)
        tie(limit, stop)
        order.child_orders = [limit, stop]
    elif len(children) != 2:
        raise ValueError(
            "Order class is OCO but child orders are not set and no limit/stop prices have "
            "been provided."
        )


def _make_bracket(order: Order) -> None:
    children = order.child_orders
    if not children:
        side = _closing_side(order)
        if order.secondary_limit_price is not None:
            children.append(_limit_child(order, side, order.secondary_limit_price))
        if order.secondary_stop_price is not None:
            children.append(_secondary_stop_child(order, side))
    if not children:
        raise ValueError(
            "Order class is BRACKET but no child orders or secondary limit/stop prices have "
            "been provided."
        )
    if len(children) > 1:
        tie(children[0], children[1])


def _make_oto(order: Order) -> None:
    children = order.child_orders
    if children:
        if len(children) != 1:
            raise ValueError("Order class is OTO: it takes exactly one child order.")
        return
    limit, stop = order.secondary_limit_price, order.secondary_stop_price
    if (limit is None) == (stop is None):
        raise ValueError(
            "Order class is OTO: give exactly one of a child order, secondary_limit_price and "
            "secondary_stop_price."
        )
    side = _closing_side(order)
    children.append(
        _limit_child(order, side, limit) if stop is None else _secondary_stop_child(order, side)
    )
