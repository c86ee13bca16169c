"""The files of a run's events, as lumibot 4.6.30 writes them: `*_trade_events.csv`, `*_trades.csv`.

What lumibot leaves empty in such a run (option and cash-event columns) is there and empty here.
docs/results.md says what the files are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._corporate import corporate_rows
from millibar._schema import FILL_KINDS, times_ns
from millibar._sheet_parts import Sheet, asset_fields, constant_part, part_of, time_part

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from millibar.result import Result

__all__ = ["events_sheet", "trades_sheet"]

_STATUSES = {"filled": "fill", "partial": "partial_fill", "modified": "new"}
_TYPES = {"trail": "trailing_stop"}
_CASH_EVENT = (
    "event_id",
    "cash_event_type",
    "cash_event_amount",
    "cash_event_currency",
    "cash_event_description",
    "cash_event_direction",
    "cash_event_reason",
    "is_external_cash_flow",
    "cash_event_raw_type",
    "cash_event_raw_subtype",
    "cash_event_broker_name",
    "cash_event_broker_event_id",
)
_TRADES_ORDER = (
    "time",
    "side",
    "status",
    "filled_quantity",
    "symbol",
    "asset.asset_type",
    "asset.right",
    "asset.strike",
    "asset.expiration",
    "price",
    "type",
    "asset.multiplier",
    "trade_cost",
    "trade_slippage",
    "event_kind",
    *_CASH_EVENT,
)


def _order_column(orders: _core.Table, name: str) -> list[Any]:
    if name not in orders.names:
        return [None] * len(orders)
    return orders.column(name).to_list()


def _identifiers(orders: _core.Table) -> list[str]:
    """Names of orders: their own column "identifier", or as lumibot numbers them: orders that the
    strategy made from 1, their children by a name of their own (there, a random one)."""
    if "identifier" in orders.names:
        return [str(name) for name in orders.column("identifier").to_list()]
    names: dict[Any, str] = {}
    roots, children = 0, dict[Any, int]()
    ids, parents = (orders.column(name).to_list() for name in ("id", "parent"))
    for order, parent in zip(ids, parents, strict=True):
        if isinstance(order, str):
            names[order] = order
        elif parent in names:
            children[parent] = children.get(parent, 0) + 1
            names[order] = f"{names[parent]}_{children[parent]}"
        else:
            roots += 1
            names[order] = f"bt_{roots}"
    return list(names.values())


def _costs(
    orders: Sequence[Any], kinds: Sequence[str], fees: Sequence[Any], bound: Mapping[Any, Any]
) -> list[float | None]:
    """The cost an order has at each event: none before its first fill, then its last fill's.

    bound: for a child of a one-cancels-other order its parent, whose cost is 0 once it fills.
    """
    cost: dict[Any, float | None] = {}
    costs = []
    for order, kind, fee in zip(orders, kinds, fees, strict=True):
        if kind in FILL_KINDS:
            cost[order] = fee
            if order in bound:
                cost[bound[order]] = 0.0
        costs.append(cost.get(order))
    return costs


def _bound(orders: _core.Table) -> dict[Any, Any]:
    """The children of one-cancels-other orders, and their parents."""
    ids = orders.column("id").to_list()
    classes = dict(zip(ids, _order_column(orders, "class"), strict=True))
    above = zip(ids, _order_column(orders, "parent"), strict=True)
    return {order: parent for order, parent in above if classes.get(parent) == "oco"}


def _event_columns(result: Result) -> tuple[npt.NDArray[np.int64], dict[str, list[Any]]]:
    """Times of the events, and every other column of `*_trade_events.csv`."""
    events, orders = result.events.table, result.orders.table
    ids = events.column("order").to_list()
    place = {order: row for row, order in enumerate(orders.column("id").to_list())}
    rows = [place.get(order) for order in ids]
    kinds = events.column("kind").to_list()
    filled = [kind in FILL_KINDS for kind in kinds]
    quantities = events.column("quantity").to_list()
    nothing = [None] * len(ids)

    def of_order(values: Sequence[Any]) -> list[Any]:
        return [None if row is None else values[row] for row in rows]

    symbols = of_order(orders.column("symbol").to_list())
    assets = {symbol: asset_fields(result, symbol) for symbol in set(symbols)}

    def of_asset(name: str) -> list[Any]:
        return [assets[symbol][name] for symbol in symbols]

    types = of_order(orders.column("type").to_list())
    return times_ns(events.column("timestamp")), {
        "strategy": [result.name] * len(ids),
        "exchange": nothing,
        "identifier": of_order(_identifiers(orders)),
        "symbol": symbols,
        "side": of_order(orders.column("side").to_list()),
        "type": [_TYPES.get(type_, type_) for type_ in types],
        "status": _event_statuses(kinds, rows, orders),
        "price": events.column("price").to_list(),
        "filled_quantity": [
            quantity if fill else None for quantity, fill in zip(quantities, filled, strict=True)
        ],
        "multiplier": [
            multiplier if fill else 1
            for multiplier, fill in zip(of_asset("multiplier"), filled, strict=True)
        ],
        "trade_cost": _costs(ids, kinds, events.column("fee").to_list(), _bound(orders)),
        "trade_slippage": [0.0] * len(ids),
        "time_in_force": of_order(orders.column("tif").to_list()),
        "asset.right": of_asset("right"),
        "asset.strike": of_asset("strike"),
        "asset.multiplier": of_asset("multiplier"),
        "asset.expiration": of_asset("expiration"),
        "asset.asset_type": of_asset("asset_type"),
        "price_source": [
            "quote" if fill and order in result.quoted else None
            for order, fill in zip(ids, filled, strict=True)
        ],
        "event_kind": ["trade"] * len(ids),
    }


def _event_statuses(
    kinds: Sequence[str], rows: Sequence[int | None], orders: _core.Table
) -> list[str]:
    """An order's status at each event: a closed one stays so, whatever is asked of it later, and
    what waits for its parent is "unprocessed" until it is sent or closed. Only the parent of
    one-cancels-other, submitted once more, is new again."""
    classes = _order_column(orders, "class")
    place = {order: row for row, order in enumerate(orders.column("id").to_list())}
    above = [place.get(parent) for parent in _order_column(orders, "parent")]
    waits = [row is not None and classes[row] in ("bracket", "oto") for row in above]
    last: dict[int | None, str] = {row: "unprocessed" for row, wait in enumerate(waits) if wait}
    statuses = []
    for kind, row in zip(kinds, rows, strict=True):
        status = _STATUSES.get(kind, kind)
        if status == "new" and (row is None or classes[row] != "oco"):
            status = last.get(row, "new")
        last[row] = status
        statuses.append(status)
    return statuses


def events_sheet(result: Result) -> Sheet:
    """`*_trade_events.csv`: a row an event of an order, a dividend or a split."""
    times, columns = _event_columns(result)
    more = corporate_rows(result)
    if more:
        times, columns = _with_corporate(times, columns, more)
    parts = [part_of(name, values) for name, values in columns.items()]
    empty = [constant_part(name, None, len(times)) for name in _CASH_EVENT if name not in columns]
    return Sheet([time_part("time", times, result.zone), *parts, *empty])


def _with_corporate(
    times: npt.NDArray[np.int64],
    columns: dict[str, list[Any]],
    more: list[tuple[int, int, dict[str, Any]]],
) -> tuple[npt.NDArray[np.int64], dict[str, list[Any]]]:
    """The events, with dividends and splits where they happened among them."""
    import numpy as np

    places = [events for events, _, _ in more]
    names = [*columns, *_CASH_EVENT]
    merged = {}
    for name in names:
        rows = list(columns.get(name) or [None] * len(times))
        for shift, (place, _, fields) in enumerate(more):
            rows.insert(place + shift, fields.get(name))
        merged[name] = rows
    return np.insert(times, places, [ns for _, ns, _ in more]), merged


def trades_sheet(events: Sheet) -> Sheet:
    """`*_trades.csv`: the same rows, fewer columns in another order."""
    by_name = {part.name: part for part in events.parts}
    return Sheet([by_name[name] for name in _TRADES_ORDER])
