"""What was held at each of lumibot's statistics rows, by lumibot's arithmetic.

The engine says of each row how many events had been logged before it; the fills among those are
booked as lumibot books them: in Decimals of 28 digits, positions in the order in which they were
opened, a position that is flat forgotten, the currency of a crypto's cash leg kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from millibar._schema import is_buy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from millibar.result import Result

_FILLS = frozenset(("filled", "partial", "fill", "partial_fill"))
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
        if kind in _FILLS
    ]


def _splits(result: Result) -> list[tuple[int, int, str, float]]:
    """(events before it, time, symbol, ratio) of each."""
    from millibar._schema import times_ns

    table = result.corporate.table
    times = times_ns(table.column("timestamp")).tolist()
    names = ("events", "kind", "symbol", "per_unit")
    rows = zip(times, *(table.column(name).to_list() for name in names), strict=True)
    return [
        (events, ns, symbol, per_unit)
        for ns, events, kind, symbol, per_unit in rows
        if kind == "split"
    ]
