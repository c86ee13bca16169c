"""Dividends, splits and cash flows as rows of lumibot's log of trade events."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from millibar.result import Result

_BROKER = "backtesting"


def corporate_rows(result: Result) -> list[tuple[int, int, dict[str, Any]]]:
    """(events before it, time, fields) of each row of `corporate`, in the order they happened.

    Fields are named as the columns of `*_trade_events.csv`; those that a row has not are left out.
    """
    from millibar._schema import times_ns

    table = result.corporate.table
    times = times_ns(table.column("timestamp")).tolist()
    names = ("events", "kind", "symbol", "per_unit", "quantity", "amount")
    columns = [table.column(name).to_list() for name in names]
    has_reasons = "reason" in table.names
    reasons = table.column("reason").to_list() if has_reasons else [None] * len(times)
    rows = []
    for ns, events, kind, symbol, per_unit, quantity, amount, reason in zip(
        times, *columns, reasons, strict=True
    ):
        if kind == "split":
            fields = _split(result, ns, symbol, per_unit, quantity)
        elif kind == "dividend":
            text = f"{symbol} dividend {per_unit:.6f} x {quantity:.6f}"
            fields = _cash_event(ns, kind, amount, "dividend", text, kind, symbol)
        else:
            fields = _cash_event(ns, kind, amount, reason, reason, f"backtest_{kind}", None)
            fields["is_external_cash_flow"] = True
        rows.append((events, ns, {"strategy": result.name, "event_id": None, **fields}))
    return rows


def _cash_event(
    ns: int,
    kind: str,
    amount: float,
    reason: str | None,
    text: str | None,
    raw_type: str,
    raw_subtype: str | None,
) -> dict[str, Any]:
    at = datetime.fromtimestamp(ns // 1_000_000_000, timezone.utc)
    parts = (_BROKER, raw_type, raw_subtype or "", at.isoformat(), f"{amount:.12f}", text or "")
    name = hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]
    identifier = f"{_BROKER}:synthetic:{name}"
    direction = "in" if amount > 0 else "out"
    return {
        "identifier": identifier,
        "side": direction,
        "type": "cash_event",
        "status": kind,
        "event_kind": "cash_event",
        "event_id": identifier,
        "cash_event_type": kind,
        "cash_event_amount": amount,
        "cash_event_currency": "USD",
        "cash_event_description": text,
        "cash_event_direction": direction,
        "cash_event_reason": reason,
        "is_external_cash_flow": False,
        "cash_event_raw_type": raw_type,
        "cash_event_raw_subtype": raw_subtype,
        "cash_event_broker_name": _BROKER,
    }


def _split(result: Result, ns: int, symbol: str, ratio: float, before: float) -> dict[str, Any]:
    after = before * ratio
    day = datetime.fromtimestamp(ns // 1_000_000_000, ZoneInfo(result.zone)).date()
    identifier = f"corporate_action:stock_split:{result.name}:{symbol}:{day}:{ratio:.12g}"
    sizes = f"quantity_before={before:.12g};quantity_after={after:.12g}"
    asset: Mapping[str, Any] = result.assets.get(symbol, {})
    return {
        "identifier": identifier,
        "symbol": symbol,
        "side": "neutral",
        "type": "corporate_action",
        "status": "stock_split",
        "price": ratio,
        "filled_quantity": after,
        **{f"asset.{name}": asset.get(name) for name in _ASSET},
        "event_kind": "corporate_action",
        "event_id": identifier,
        "cash_event_description": (
            f"{symbol} stock split ratio {ratio:.12g}: quantity {before:.12g} -> {after:.12g}"
        ),
        "cash_event_direction": "neutral",
        "cash_event_reason": "stock_split",
        "is_external_cash_flow": False,
        "cash_event_raw_type": "stock_split",
        "cash_event_raw_subtype": f"ratio={ratio:.12g};{sizes}",
        "cash_event_broker_name": _BROKER,
        "cash_event_broker_event_id": identifier,
    }


_ASSET = ("right", "strike", "multiplier", "expiration", "asset_type")
