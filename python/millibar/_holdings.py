"""What was held at each of lumibot's statistics rows, by lumibot's arithmetic.

The engine says of each row how many events had been logged before it; the fills among those are
booked as lumibot books them: in Decimals of 28 digits, positions in the order in which they were
opened, a position that is flat forgotten, the currency of a crypto's cash leg kept. Where a result
was made without those counts, its fills are booked by their times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from millibar._arrays import null_mask, to_numpy
from millibar._schema import FILL_KINDS, is_buy, times_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from millibar.result import Result

_EXACT = ("crypto", "crypto_future")


class Holdings:
    """Positions as fills and splits make them.

    assets: for each symbol its fields, "asset_type" and, where a crypto's cash leg is a position,
    "quote" among them.
    """

    def __init__(self, assets: Mapping[str, Mapping[str, Any]]) -> None:
        self._assets = assets
        self._units: dict[str, Decimal] = {}

    def _field(self, symbol: str, name: str) -> Any:
        return self._assets.get(symbol, {}).get(name)

    def fill(self, symbol: str, side: str, quantity: float, price: float) -> None:
        """Books a fill."""
        self._pay(symbol, side, quantity, price)
        delta = Decimal(quantity) if is_buy(side) else -Decimal(quantity)
        held = self._units.get(symbol)
        # lumibot rounds what is held before it adds a fill to it.
        units = delta if held is None else +held + delta
        if self._is_flat(symbol, units):
            self._units.pop(symbol, None)
        else:
            self._units[symbol] = units

    def _pay(self, symbol: str, side: str, quantity: float, price: float) -> None:
        """The cash leg in a crypto; lumibot lets a plain "buy" alone pay."""
        quote = self._field(symbol, "quote")
        if quote is None:
            return
        amount = Decimal(quantity) * Decimal(price)
        if side == "buy":
            amount = -amount
        held = self._units.get(quote)
        self._units[quote] = amount if held is None else held + amount

    def _is_flat(self, symbol: str, units: Decimal) -> bool:
        """A millionth of a unit is nothing, but for crypto."""
        size = abs(float(units))
        exact = self._field(symbol, "asset_type") in _EXACT
        return size == 0.0 if exact else size < 0.000001

    def split(self, symbol: str, ratio: float) -> None:
        """Books a split."""
        if symbol in self._units:
            self._units[symbol] *= Decimal(str(ratio))

    def snapshot(self) -> list[tuple[str, float]]:
        """(symbol, units), the oldest position first."""
        return [(symbol, self._seen(symbol)) for symbol in self._units]

    def _seen(self, symbol: str) -> float:
        units = self._units[symbol]
        return 0.0 if self._is_flat(symbol, units) else float(units)


def holdings_at_rows(result: Result) -> Iterable[Sequence[tuple[str, float]]]:
    """What is held at each row of a result whose equity has the column "events"."""
    held = Holdings(result.assets)
    fills, splits = _fills(result), _splits(result)
    counts = result.equity.table.column("events").to_list()
    snapshot: list[tuple[str, float]] = []
    next_fill = next_split = 0
    for ns, count in zip(result.times_ns.tolist(), counts, strict=True):
        moved = False
        while True:
            fill = fills[next_fill] if next_fill < len(fills) else None
            split = splits[next_split] if next_split < len(splits) else None
            if split is not None and (fill is None or split[0] <= fill[0]):
                if split[0] > count or split[1] > ns:
                    break
                held.split(*split[2:])
                next_split += 1
            elif fill is not None and fill[0] < count:
                held.fill(*fill[1:])
                next_fill += 1
            else:
                break
            moved = True
        if moved:
            snapshot = held.snapshot()
        yield snapshot


def _fills(result: Result) -> list[tuple[int, str, str, float, float]]:
    """(number of the event, symbol, side, quantity, price) of each."""
    events, orders = result.events.table, result.orders.table
    ids = orders.column("id").to_list()
    symbols, sides = (orders.column(name).to_list() for name in ("symbol", "side"))
    of_order = {
        order: (symbol, side) for order, symbol, side in zip(ids, symbols, sides, strict=True)
    }
    names = ("kind", "order", "quantity", "price")
    rows = zip(*(events.column(name).to_list() for name in names), strict=True)
    return [
        (number, *of_order[order], quantity, price)
        for number, (kind, order, quantity, price) in enumerate(rows)
        if kind in FILL_KINDS
    ]


def _splits(result: Result) -> list[tuple[int, int, str, float]]:
    """(events before it, time, symbol, ratio) of each."""
    table = result.corporate.table
    times = times_ns(table.column("timestamp")).tolist()
    names = ("events", "kind", "symbol", "per_unit")
    rows = zip(times, *(table.column(name).to_list() for name in names), strict=True)
    return [
        (events, ns, symbol, per_unit)
        for ns, events, kind, symbol, per_unit in rows
        if kind == "split"
    ]


# ---- Positions ---------------------------------------------------------------------------------


def positions_by_row(result: Result) -> Iterable[Sequence[tuple[str, float]]]:
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
