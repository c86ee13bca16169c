"""The words of orders: classes, types, sides, statuses, and what brokers call the same things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millibar.assets import StrEnum

if TYPE_CHECKING:
    from collections.abc import Mapping

SELL = "sell"
BUY = "buy"


class OrderClass(StrEnum):
    """`Order.OrderClass`."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    MULTILEG = "multileg"


class OrderType(StrEnum):
    """`Order.OrderType`."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAIL = "trailing_stop"
    SMART_LIMIT = "smart_limit"
    UNKNOWN = "unknown"


class OrderSide(StrEnum):
    """`Order.OrderSide`."""

    BUY = "buy"
    SELL = "sell"
    BUY_TO_COVER = "buy_to_cover"
    SELL_SHORT = "sell_short"
    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"
    UNKNOWN = "unknown"


class OrderStatus(StrEnum):
    """`Order.OrderStatus`."""

    UNPROCESSED = "unprocessed"
    SUBMITTED = "submitted"
    OPEN = "open"
    NEW = "new"
    CANCELLING = "cancelling"
    CANCELED = "canceled"
    FILLED = "fill"
    PARTIALLY_FILLED = "partial_fill"
    CASH_SETTLED = "cash_settled"
    ASSIGNED = "assigned"
    EXERCISED = "exercised"
    ERROR = "error"
    REJECTED = "error"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


VALID_STATUS = [
    *("unprocessed", "new", "open", "submitted", "fill", "partial_fill", "cancelling", "canceled"),
    *("error", "cash_settled", "assigned", "assignment", "exercise", "exercised", "expired"),
    "unknown",
]
# What brokers call the same things.
STATUS_ALIAS_MAP = {
    alias: status
    for status, aliases in {
        "canceled": "cancelled cancel apicancelled done_for_day replaced stopped suspended"
        " pending_cancel pending_replace",
        "cancelling": "pendingcancel",
        "fill": "filled",
        "partial_fill": "partially_filled",
        "open": "pending pending_review accepted calculated accepted_for_bidding held",
        "new": "presubmitted pendingsubmit apipending pending_new",
        "submitted": "submit",
        "error": "inactive rejected",
        "cash_settled": "cash",
        "expired": "expired",
        "assigned": "assignment",
        "exercised": "exercise",
    }.items()
    for alias in aliases.split()
}
ACKNOWLEDGED = frozenset({"open", "new", "submitted"})
CANCELED = frozenset({"cancelled", "canceled", "cancel", "error", "expired"})
FILLED = frozenset(
    {"filled", "fill", "cash_settled", "assigned", "assignment", "exercise", "exercised"}
)
CLASSES = {str(member): member for member in OrderClass}
TYPES = {str(member): member for member in OrderType}


def member(members: Mapping[str, Any], name: str, value: Any) -> Any:
    """The member that a word names.

    Raises:
        ValueError: no such word. name: what it is the word of.
    """
    found = members.get(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"Order: invalid {name} {value!r}. Must be one of: {', '.join(members)}")
    return found


class PositionSide(StrEnum):
    """`Position.PositionSide`."""

    LONG = "LONG"
    SHORT = "SHORT"


_QUOTE_SUFFIXES = ("USDT", "USDC", "BUSD", "USD", "EUR", "GBP", "BTC", "ETH", "DAI")


def pair_symbol(base: str, quote: str | None) -> str:
    """ "BASE/QUOTE" of a crypto whose symbol is a base, or a pair already (BTC-USD, BTCUSD)."""
    if "/" in base and ":" in base:
        return base
    parts = [part for part in base.replace(":", "/").replace("-", "/").split("/") if part]
    if len(parts) > 1:
        return f"{parts[0]}/{parts[1]}"
    for suffix in _QUOTE_SUFFIXES:
        if base.endswith(suffix) and base != suffix:
            return f"{base[: -len(suffix)]}/{suffix}"
    return f"{base}/{quote}" if quote else base
