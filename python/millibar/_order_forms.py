"""Orders as dictionaries and back: what logs and files keep of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from millibar import _order_names as names
from millibar._live import LiveOrder, tie
from millibar.assets import Asset

if TYPE_CHECKING:
    from millibar._order import Order

# What to_dict() gives, in lumibot's order.
_FIELDS = (
    *("child_orders", "strategy", "asset", "quote", "symbol", "parent_identifier", "side"),
    *("time_in_force", "good_till_date", "position_filled", "limit_price", "stop_price"),
    *("stop_limit_price", "trail_price", "trail_percent", "price_triggered", "take_profit_price"),
    *("stop_loss_price", "stop_loss_limit_price", "order_class", "dependent_order"),
    *("dependent_order_filled", "order_type", "smart_limit", "trade_cost", "trade_slippage"),
    *("custom_params", "position_side", "position_id", "tag", "broker_create_date"),
    *("broker_update_date", "exchange", "pair", "error_message", "secondary_limit_price"),
    *("secondary_stop_price", "secondary_stop_limit_price", "secondary_trail_price"),
    "secondary_trail_percent",
)
_FIELD_SET = frozenset(_FIELDS)


def to_minimal_dict(order: Order) -> dict[str, Any]:
    """What a line of a log shows of it."""
    result: dict[str, Any] = {
        "asset": order.asset.to_minimal_dict() if order.asset else None,
        "side": str(order.side) if order.side else None,
        "qty": float(order.quantity) if order.quantity else 0,
        "type": str(order.order_type) if order.order_type else "market",
        "status": str(order.status) if order.status else "unprocessed",
    }
    for key, value in (
        ("position_side", order.position_side),
        ("position_id", order.position_id),
    ):
        if value is not None:
            result[key] = value
    for key, value in (("limit", order.limit_price), ("stop", order.stop_price)):
        if value is not None:
            result[key] = float(value)
    if order.smart_limit is not None:
        result["smart_limit"] = order.smart_limit.to_dict()
    for key in ("decision_journal", "trade_decision_journal"):
        if isinstance(getattr(order, key, None), dict):
            result[key] = dict(getattr(order, key))
    return result


def to_dict(order: Order) -> dict[str, Any]:
    """All public attributes, a user's own included, in forms that JSON knows where they have
    one; of the order that depends on this one, its identifier."""
    own = (name for name in order.__dict__ if not name.startswith("_") and name not in _FIELD_SET)
    result = {name: _plain(getattr(order, name)) for name in (*_FIELDS, *own)}
    result.pop("transactions", None)
    if order.dependent_order is not None:
        result["dependent_order"] = order.dependent_order.identifier
    result["quantity"] = _plain(order.quantity)
    result["status"] = order.status
    result["identifier"] = order.identifier
    price = order.avg_fill_price
    result["avg_fill_price"] = None if price is None else float(price)
    return result


def from_dict(cls: type[Order], order_dict: Mapping[str, Any]) -> Order:
    """The order of a `to_dict()`; children that depend on each other do so again."""
    given = dict(order_dict)
    asset = given.pop("asset", None)
    order = cls(
        strategy=given.pop("strategy", None),
        asset=Asset.from_dict(asset) if isinstance(asset, dict) and asset else None,
        quantity=given.pop("quantity", None),
        side=given.pop("side", None),
    )
    given.pop("dependent_order", None)
    children = given.get("child_orders") or ()
    for key, value in given.items():
        setattr(order, key, _from_plain(cls, key, value))
    by_identifier = {child.identifier: child for child in order.child_orders}
    for child, plain in zip(order.child_orders, children, strict=True):
        other = by_identifier.get(plain.get("dependent_order"))
        if other is not None:
            tie(child, other)
    return order


def _from_plain(cls: type[Order], key: str, value: Any) -> Any:
    if key == "quote" and isinstance(value, dict):
        return Asset.from_dict(value)
    if key == "smart_limit":
        from millibar.smart_limit import SmartLimitConfig

        return SmartLimitConfig.from_dict(value)
    if key == "child_orders" and isinstance(value, list):
        return [from_dict(cls, item) for item in value]
    if key == "order_type" and value is not None:
        return names.TYPES.get(value, value)
    if key == "order_class" and value is not None:
        return names.CLASSES.get(value, value)
    if isinstance(value, str) and "T" in value:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


def _plain(value: Any) -> Any:
    """A value as to_dict() gives it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [item.to_dict() if hasattr(item, "to_dict") else item for item in value]
    if isinstance(value, LiveOrder):
        return cast(Any, value).identifier
    return value.to_dict() if hasattr(value, "to_dict") else value
