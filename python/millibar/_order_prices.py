"""The prices of a new order: what is checked of them, and the type of order that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millibar._log import logger_of
from millibar._order_names import CLASSES, TYPES, OrderClass, OrderType, member

if TYPE_CHECKING:
    from millibar._order import Order

logger = logger_of(__name__)


def _number(value: Any, name: str) -> Any:
    """A price as it is; text as the number it says."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a valid price. {name} must be float.") from None


def _check_alone(prefix: str, *modifiers: Any) -> None:
    n_given = sum(modifier is not None for modifier in modifiers)
    if n_given > 1:
        raise ValueError(
            f"Order: you can only specify one of {prefix}stop_limit_price, {prefix}trail_price, "
            f"{prefix}trail_percent. {n_given} were given."
        )


def set_prices(
    order: Order,
    limit_price: Any,
    stop_price: Any,
    stop_limit_price: Any,
    trail_price: Any,
    trail_percent: Any,
) -> None:
    """Gives an order those of its own prices that are not None.

    Raises:
        ValueError: text that is no number, or more than one of the last three.
    """
    if limit_price is not None:
        order._limit_price = _number(limit_price, "limit_price")
    if stop_price is not None:
        order._stop_price = _number(stop_price, "stop_price")
    if stop_limit_price is trail_price is trail_percent is None:
        return
    _check_alone("", stop_limit_price, trail_price, trail_percent)
    order._stop_limit_price = _number(stop_limit_price, "stop_limit_price")
    order._trail_price = _number(trail_price, "trail_price")
    order._trail_percent = _number(trail_percent, "trail_percent")


def set_secondary_prices(
    order: Order,
    limit_price: Any,
    stop_price: Any,
    stop_limit_price: Any,
    trail_price: Any,
    trail_percent: Any,
) -> None:
    """The same of the prices that its children get."""
    order.secondary_limit_price = _number(limit_price, "secondary_limit_price")
    order.secondary_stop_price = _number(stop_price, "secondary_stop_price")
    if stop_limit_price is trail_price is trail_percent is None:
        return
    _check_alone("secondary_", stop_limit_price, trail_price, trail_percent)
    order.secondary_stop_limit_price = _number(stop_limit_price, "secondary_stop_limit_price")
    order.secondary_trail_price = _number(trail_price, "secondary_trail_price")
    order.secondary_trail_percent = _number(trail_percent, "secondary_trail_percent")


def type_of(
    order: Order,
    limit_price: Any,
    stop_price: Any,
    stop_limit_price: Any,
    trail_price: Any,
    trail_percent: Any,
) -> OrderType:
    """The type of order that its prices make.

    Raises:
        ValueError: a limit and a stop that may be those of one order or of two.
    """
    if order.smart_limit is not None:
        return OrderType.SMART_LIMIT
    if trail_price is not None or trail_percent is not None:
        return OrderType.TRAIL
    if limit_price is None:
        if stop_price is None:
            return OrderType.MARKET
        return OrderType.STOP_LIMIT if stop_limit_price else OrderType.STOP
    if stop_price is None or order.order_class is OrderClass.OCO:
        return OrderType.LIMIT
    raise ValueError(
        "Order type could not be determined: limit_price and stop_price together are those of "
        "a stop-limit order (order_type=Order.OrderType.STOP_LIMIT) or of an advanced order: "
        "give order_type or order_class."
    )


def checked_type(order: Order, order_type: Any) -> Any:
    """An order type as an OrderType; None where it names a class, the old way, which the order
    then has.

    Raises:
        ValueError: neither.
    """
    if order_type.__class__ is OrderType:
        found = order_type
    else:
        name = order_type.strip().lower() if isinstance(order_type, str) else None
        as_class = CLASSES.get(name) if name is not None else None
        if as_class is not None:
            logger.warning(
                "Order: passing an order class (%s) as order_type is deprecated: use order_class.",
                as_class,
            )
            order.order_class = as_class
            return None
        found = member(TYPES, "order_type", order_type)
    if found is OrderType.SMART_LIMIT and order.smart_limit is None:
        from millibar.smart_limit import SmartLimitConfig

        order.smart_limit = SmartLimitConfig()
    return found


def of_old_name(kept: Any, old: str, value: Any, **new: Any) -> Any:
    """What was given under the old name of an argument, with a warning, unless `kept` was given
    under the name it has now. new: the argument that may not be given beside it.

    Raises:
        ValueError: it was.
    """
    if value is None:
        return kept
    for name, new_value in new.items():
        logger.warning("Order: '%s' is deprecated. Use '%s' instead.", old, name, stacklevel=3)
        if new_value:
            raise ValueError(f"You cannot set both {old} and {name}.")
    return value if kept is None else kept
