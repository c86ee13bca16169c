"""The tables of lumibot's backtest files, as lumibot 4.6.30 writes them from a run.

A sheet is the columns of one file in lumibot's order: each a name, the cells of the CSV file and
the typed column of its Parquet twin. What lumibot leaves empty in such a run (option and cash-event
columns) is there and empty here. docs/results.md names every column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from millibar import _core
from millibar._arrays import from_numpy, null_mask, to_numpy
from millibar._cells import ABSENT, cells, csv_texts, json_text, merge, time_cells, typed_column
from millibar._corporate import corporate_rows
from millibar._flows import grown, period_flows, row_returns
from millibar._holdings import holdings_at_rows
from millibar._schema import is_buy, null_column, times_ns
from millibar._times import to_ns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from millibar.result import Result

__all__ = [
    "Sheet",
    "events_sheet",
    "indicators_sheet",
    "stats_sheet",
    "trades_sheet",
]


_BLOCK_ROWS = 65_536

Cells = Callable[[int, int], Sequence[str] | str]
"""The cells of the rows from one to before another, as they stand in the file; where all are the
same, that one. Made as they are written, for a run may have a million rows and a cell takes ten
times what its value does."""


class Part(NamedTuple):
    """A column of a sheet."""

    name: str
    cells: Cells
    column: _core.Column


class Sheet(NamedTuple):
    """A file's columns, all of one length."""

    parts: list[Part]

    @property
    def header(self) -> list[str]:
        return [part.name for part in self.parts]

    @property
    def lines(self) -> Iterable[str]:
        """The text of the CSV file, its header aside, some thousand lines at a time."""
        n_rows = len(self.parts[0].column)
        for first in range(0, n_rows, _BLOCK_ROWS):
            last = min(first + _BLOCK_ROWS, n_rows)
            columns = _merged([part.cells(first, last) for part in self.parts], last - first)
            yield "\n".join([*map(",".join, zip(*columns, strict=True)), ""])

    @property
    def table(self) -> _core.Table:
        return _core.Table([part.column for part in self.parts])


def _merged(columns: Iterable[Sequence[str] | str], n_rows: int) -> Iterable[Sequence[str]]:
    """Columns as lists; neighbours that do not change are one."""
    for is_constant, group in groupby(columns, lambda column: isinstance(column, str)):
        if is_constant:
            yield [",".join(map(str, group))] * n_rows
        else:
            yield from group


def _listed(values: Sequence[Any]) -> Cells:
    return lambda first, last: csv_texts(values[first:last])


def _part(name: str, values: Sequence[Any]) -> Part:
    return Part(name, _listed(cells(values)), typed_column(name, values))


def _constant(name: str, value: Any, n_rows: int) -> Part:
    if not n_rows:
        return _part(name, [])
    (cell,), one = csv_texts(cells([value])), typed_column(name, [value])
    if one.type == "utf8":
        column = _core.column_from_text(name, one.to_list() * n_rows)
    else:
        column = _core.Table([one]).take([0] * n_rows).column(0)
    return Part(name, lambda first, last: cell, column)


def _floats(name: str, values: npt.NDArray[np.float64]) -> Part:
    import numpy as np

    missing = np.isnan(values)

    def texts(first: int, last: int) -> list[str] | str:
        # A number stays for many rows where nothing is traded. As bits, for 0.0 and -0.0 are equal.
        block = np.ascontiguousarray(values[first:last])
        changed = np.diff(block.view(np.int64)) != 0
        starts = np.flatnonzero(np.concatenate(([True], changed)))
        each = [
            "" if absent else repr(value)
            for value, absent in zip(
                block[starts].tolist(), missing[first:last][starts].tolist(), strict=True
            )
        ]
        if len(each) == 1:
            return each[0]
        lengths = np.diff(starts, append=len(block))
        repeated: list[str] = np.repeat(np.array(each, object), lengths).tolist()
        return repeated

    return Part(name, texts, from_numpy(name, np.where(missing, 0.0, values), mask=missing))


def _instants(name: str, ns: npt.NDArray[np.int64], zone: str | None) -> Part:
    import numpy as np

    data = np.ascontiguousarray(ns, np.int64)
    column = _core.column_from_buffer(name, data, "timestamp", zone=zone)
    if zone is None:
        # How one is written depends on all.
        return Part(name, _listed(time_cells(ns, zone)), column)
    return Part(name, lambda first, last: time_cells(ns[first:last], zone), column)


# ---- Assets ------------------------------------------------------------------------------------


def _asset(result: Result, symbol: str | None) -> Mapping[str, Any]:
    """The fields of a symbol's asset; a stock where nothing else is said."""
    given = result.assets.get(symbol or "", {})
    return {
        "asset_type": "stock",
        "multiplier": 1,
        "expiration": None,
        "strike": 0.0,
        "right": None,
        **{key: value for key, value in given.items() if value is not None},
    }


_FUTURES = ("future", "cont_future", "crypto_future")


def _in_short(symbol: str, asset: Mapping[str, Any]) -> dict[str, Any]:
    """An asset as a position's row has it."""
    kind = str(asset["asset_type"])
    short: dict[str, Any] = {"symbol": symbol, "type": kind}
    expiration, multiplier = asset["expiration"], asset["multiplier"]
    if kind == "option" and asset["strike"]:
        short["strike"] = float(asset["strike"])
    if kind in ("option", *_FUTURES) and expiration:
        short["exp"] = str(expiration)
    if kind == "option" and asset["right"]:
        short["right"] = str(asset["right"])
    if multiplier and (kind == "option" or (kind in _FUTURES and multiplier != 1)):
        short["mult"] = multiplier
    return short


# ---- Positions ---------------------------------------------------------------------------------


def _positions(result: Result) -> Iterable[Sequence[tuple[str, float]]]:
    """What is held at each row, oldest position first; before it the cash, if the strategy has that
    among its positions."""
    held = _units_held(result)
    if not result.settings.get("include_cash_positions"):
        return held
    symbol = result.settings["quote_asset"]
    cash = result.equity.table.column("cash").to_list()
    return ([(symbol, amount), *units] for amount, units in zip(cash, held, strict=True))


def _units_held(result: Result) -> Iterable[Sequence[tuple[str, float]]]:
    """What is held at each row, oldest position first.

    Fills at a row's own time come after it, as orders are matched when the iteration is over; of
    further rows at that time, the first whose cash is another has them.
    """
    if result.positions is not None:
        yield from result.positions
        return
    if "events" in result.equity.table.names:
        yield from holdings_at_rows(result)
        return
    fills = result.fills.table
    columns = [fills.column(name).to_list() for name in ("symbol", "side", "quantity")]
    booked = zip(_rows_of_fills(result).tolist(), *columns, strict=True)
    held: dict[str, float] = {}
    snapshot: list[tuple[str, float]] = []
    done, n_rows = 0, len(result.times_ns)
    for row, group in groupby(booked, itemgetter(0)):
        yield from repeat(snapshot, row - done)
        done = row
        for _, symbol, side, size in group:
            quantity = held.get(symbol, 0.0) + (size if is_buy(side) else -size)
            if abs(quantity) <= 1e-12 * size:
                held.pop(symbol, None)
            else:
                held[symbol] = quantity
        snapshot = list(held.items())
    yield from repeat(snapshot, n_rows - done)


def _rows_of_fills(result: Result) -> npt.NDArray[np.int64]:
    """The row that first shows each fill, shape (fills,); the number of rows where none does."""
    import numpy as np

    times = result.times_ns
    at = times_ns(result.fills.table.column("timestamp"))
    rows = np.searchsorted(times, at, "right")
    cash = result.equity.table.column("cash")
    values, absent = to_numpy(cash), null_mask(cash)
    settled = (values[1:] != values[:-1]) & ~(absent[1:] & absent[:-1]) & (np.diff(times) == 0)
    places = np.append(np.flatnonzero(settled) + 1, len(times))
    later = places[np.searchsorted(places, np.searchsorted(times, at, "left"))]
    return np.maximum.accumulate(np.minimum(rows, later))


def _positions_part(result: Result) -> Part:
    texts: list[str] = []
    lines: list[str] = []
    assets: dict[str, tuple[str, str]] = {}
    last: Any = None
    text = line = "[]"
    for held in _positions(result):
        if held is not last:
            rows = []
            for symbol, quantity in held:
                if symbol not in assets:
                    short = _in_short(symbol, _asset(result, symbol))
                    assets[symbol] = str(short), json_text(short)
                rows.append((*assets[symbol], repr(float(quantity))))
            text = ", ".join(f"{{'asset': {asset}, 'quantity': {size}}}" for asset, _, size in rows)
            line = ",".join(f'{{"asset":{asset},"quantity":{size}}}' for _, asset, size in rows)
            text, line, last = csv_texts([f"[{text}]"])[0], f"[{line}]", held
        texts.append(text)
        lines.append(line)
    return Part(
        "positions",
        lambda first, last: texts[first:last],
        _core.column_from_text("positions", lines),
    )


# ---- Statistics by row -------------------------------------------------------------------------

# Of lumibot's account of deposits, withdrawals and interest; what a run without them has.
_ACCOUNT: dict[str, Any] = {
    "cash_deposits_total": 0.0,
    "cash_withdrawals_total": 0.0,
    "cash_adjustments_net_total": 0.0,
    "cash_financing_enabled": False,
    "cash_financing_account_mode": "margin",
    "cash_financing_credit_total": 0.0,
    "cash_financing_debit_total": 0.0,
    "cash_financing_net_total": 0.0,
    "cash_financing_days_accrued": 0,
    "cash_financing_events": 0,
    "cash_financing_last_credit_rate_used": None,
    "cash_financing_last_debit_rate_used": None,
}
_BY_PERIOD = (
    "cash_deposits",
    "cash_withdrawals",
    "cash_adjustments_net",
    "cash_financing_credit",
    "cash_financing_debit",
    "cash_financing_net",
)


def _cash_part(cash: _core.Column) -> Part:
    if cash.null_count == len(cash):
        return _constant("cash", None, len(cash))
    return _floats("cash", to_numpy(cash))


def _account_part(result: Result, name: str) -> Part:
    table = result.equity.table
    if name in table.names:
        return _part(name, table.column(name).to_list())
    return _constant(name, _ACCOUNT[name], len(table))


def _return_parts(
    value: npt.NDArray[np.float64], flow_total: npt.NDArray[np.float64]
) -> list[Part]:
    """Row returns, and the equity that they alone would make."""
    import numpy as np

    returns = row_returns(value, flow_total)
    known = np.flatnonzero(~np.isnan(value))
    adjusted = np.full(len(value), np.nan)
    if len(known):
        with np.errstate(all="ignore"):
            adjusted = grown(returns) * (value[known[0]] - np.nan_to_num(flow_total[known[0]]))
    return [_floats("return", returns), _floats("cash_adjusted_portfolio_value", adjusted)]


def stats_sheet(result: Result) -> Sheet:
    """`*_stats.csv`: a row an iteration, with what `trace_stats` returned.

    Columns that the first row has come before the account's, later ones after it.
    """
    import numpy as np

    table = result.equity.table
    trace = {
        key: values
        for key, values in result.trace.items()
        if key not in _ACCOUNT and key not in ("datetime", "portfolio_value", "cash", "positions")
    }
    early = [_part(key, rows) for key, rows in trace.items() if rows[:1] != [ABSENT]]
    late = [_part(key, rows) for key, rows in trace.items() if rows[:1] == [ABSENT]]
    account = {name: _account_part(result, name) for name in _ACCOUNT}
    totals = {
        name: to_numpy(account[f"{name}_total"].column).astype(np.float64) for name in _BY_PERIOD
    }
    value = to_numpy(table.column("portfolio_value"))
    return Sheet(
        [
            _instants("datetime", result.times_ns, result.zone),
            *early,
            _floats("portfolio_value", value),
            _cash_part(table.column("cash")),
            *account.values(),
            _positions_part(result),
            *late,
            *(_floats(f"{name}_period", period_flows(totals[name])) for name in _BY_PERIOD),
            *_return_parts(value, totals["cash_adjustments_net"]),
        ]
    )


# ---- Events ------------------------------------------------------------------------------------

_STATUSES = {"filled": "fill", "partial": "partial_fill", "modified": "new"}
# Ours, and the engine's, which are lumibot's.
_FILLS = frozenset(("filled", "partial", "fill", "partial_fill"))
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
        if kind in _FILLS:
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
    filled = [kind in _FILLS for kind in kinds]
    quantities = events.column("quantity").to_list()
    nothing = [None] * len(ids)

    def of_order(values: Sequence[Any]) -> list[Any]:
        return [None if row is None else values[row] for row in rows]

    symbols = of_order(orders.column("symbol").to_list())
    assets = {symbol: _asset(result, symbol) for symbol in set(symbols)}

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
    parts = [_part(name, values) for name, values in columns.items()]
    empty = [_constant(name, None, len(times)) for name in _CASH_EVENT if name not in columns]
    return Sheet([_instants("time", times, result.zone), *parts, *empty])


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


# ---- Indicators --------------------------------------------------------------------------------

_CHART_HEADER = (
    "datetime",
    "name",
    "plot_name",
    "type",
    "value",
    "symbol",
    "size",
    "color",
    "detail_text",
    "open",
    "high",
    "low",
    "close",
)
_KINDS = (("markers", "marker"), ("lines", "line"), ("ohlc", "ohlc"))


def _chart_rows(result: Result) -> list[dict[str, Any]]:
    """What the strategy drew, by time; at one time markers, lines, bars, each as drawn. A row's
    type stands after its own columns, as a column added to each kind."""
    rows = []
    for kind, word in _KINDS:
        for row in result.charts.get(kind, ()):
            at = to_ns(row["datetime"], result.zone)
            rows.append({**row, "datetime": at, "type": word})
    return rows


def indicators_sheet(result: Result) -> Sheet:
    """`*_indicators.csv`: markers, lines and bars that the strategy drew; times are UTC."""
    import numpy as np

    columns = merge(_chart_rows(result))
    if not columns:
        return Sheet(
            [Part(name, _listed([]), null_column(name, "text", 0)) for name in _CHART_HEADER]
        )
    times = np.array(columns["datetime"], np.int64)
    order = np.argsort(times, kind="stable").tolist()
    return Sheet(
        [
            _instants(name, times[order], None)
            if name == "datetime"
            else _part(name, [values[row] for row in order])
            for name, values in columns.items()
        ]
    )
