"""Fills into round trips: first in, first out, asset by asset.

A fill first closes what is open on the other side, oldest lot first, and opens a lot with what is
left of it; so a reversal is a trade and a new lot, and a lot closed in two parts is two trades. A
fill's fee is shared among its parts by quantity.

The pairing itself works on plain floats, one pass over the fills; prices, profit and times are then
taken column by column. Remainders of decimal quantities (0.3 - 0.1 - 0.2) are not lots: what is
left of a fill or a lot counts as nothing below 1e-12 of its size.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from millibar import _core
from millibar._arrays import to_numpy
from millibar._schema import FILLS, column_of, conform, is_buy, rows_at, time_column, times_ns
from millibar.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Pairs", "closed_trades", "pair", "trades_of"]

_DUST = 1e-12


class Pairs(NamedTuple):
    """Round trips as row numbers of the fills, in the order of their exits, then open lots."""

    entry: list[int]
    exit: list[int]
    quantity: list[float]
    open_entry: list[int]
    open_quantity: list[float]


class _Lot:
    __slots__ = ("fill", "left", "size")

    def __init__(self, fill: int, size: float) -> None:
        self.fill = fill
        self.size = size
        self.left = size


def pair(symbols: list[Any], signed: list[float]) -> Pairs:
    """Which fills close which; quantities are signed by side, a trade's by its entry."""
    books: dict[Any, deque[_Lot]] = {}
    entries: list[int] = []
    exits: list[int] = []
    quantities: list[float] = []
    for row, quantity in enumerate(signed):
        lots = books.get(symbols[row])
        if lots is None:
            lots = books[symbols[row]] = deque()
        left = quantity
        while lots and lots[0].left * left < 0.0:
            lot = lots[0]
            # Nearer zero of the two, in the lot's sign.
            taken = lot.left if abs(lot.left) <= abs(left) else -left
            entries.append(lot.fill)
            exits.append(row)
            quantities.append(taken)
            lot.left -= taken
            left += taken
            if abs(lot.left) <= _DUST * abs(lot.size):
                lots.popleft()
            if abs(left) <= _DUST * abs(quantity):
                left = 0.0
        if left != 0.0:
            lots.append(_Lot(row, left))
    rest = sorted((lot.fill, lot.left) for lots in books.values() for lot in lots)
    return Pairs(entries, exits, quantities, [fill for fill, _ in rest], [q for _, q in rest])


def _signed(fills: _core.Table) -> npt.NDArray[np.float64]:
    import numpy as np

    quantity = to_numpy(fills.column("quantity"))
    if len(quantity) and not (np.isfinite(quantity).all() and (quantity >= 0).all()):
        row = int(np.flatnonzero(~(np.isfinite(quantity) & (quantity >= 0)))[0])
        raise InvalidError(
            f"fill {row} has quantity {quantity[row]}: a fill's quantity is a positive number, its "
            "direction is its side"
        )
    signs = np.array([1.0 if is_buy(side) else -1.0 for side in fills.column("side").to_list()])
    signed: npt.NDArray[np.float64] = quantity * signs
    return signed


def trades_of(fills: Any, times: Any = None) -> _core.Table:
    """Round trips of fills in the order they happened, first in, first out by symbol.

    Args:
        fills: columns timestamp, symbol, side, quantity, price and, if there are any, fee and
            multiplier: a table, anything that speaks Arrow, or a mapping of arrays.
        times: the run's iterations, ns UTC, rising; from these come `bars_held`, the rows between
            the last one at or before the entry and that of the exit. Without them it is null.

    Returns:
        symbol, quantity (of the entry: negative is short), entry_time, exit_time, entry_price,
        exit_price, pnl (after fees, in currency), pnl_pct (of the entry's value), fees,
        multiplier, bars_held; a row a trade, by exit.

    Raises:
        InvalidError: a quantity that is not a positive number, a side that neither buys nor sells.

        >>> import numpy as np
        >>> table = trades_of({
        ...     "timestamp": np.array(["2024-01-03", "2024-01-04", "2024-01-05"], "M8[ns]"),
        ...     "symbol": ["MES"] * 3, "side": ["buy", "sell", "buy"],
        ...     "quantity": [2.0, 3.0, 1.0], "price": [100.0, 110.0, 105.0]})
        >>> table.column("quantity").to_list(), table.column("pnl").to_list()
        ([2.0, -1.0], [20.0, 5.0])
    """
    return closed_trades(conform(fills, FILLS, "fills"), times)[0]


def closed_trades(
    fills: _core.Table, times: Any = None
) -> tuple[_core.Table, npt.NDArray[np.int64]]:
    """`trades_of` of conformed fills, and the fills that opened what is open still."""
    import numpy as np

    pairs = pair(fills.column("symbol").to_list(), _signed(fills).tolist())
    entry, exit_ = np.array(pairs.entry, np.int64), np.array(pairs.exit, np.int64)
    size = np.array(pairs.quantity, np.float64)
    price, fee = to_numpy(fills.column("price")), to_numpy(fills.column("fee"))
    multiplier = to_numpy(fills.column("multiplier"))
    stamps, filled = times_ns(fills.column("timestamp")), to_numpy(fills.column("quantity"))
    part = np.abs(size)
    with np.errstate(all="ignore"):
        fees = fee[entry] * (part / filled[entry]) + fee[exit_] * (part / filled[exit_])
        first, last, scale = price[entry], price[exit_], multiplier[entry]
        pnl = size * (last - first) * scale - fees
        worth = np.where(first == 0, np.nan, np.abs(first))
        move = np.where(first > 0, last / worth - 1, (last - first) / worth)
        pnl_pct = 100 * (np.copysign(1.0, size) * move - fees / (part * worth * scale))
    held = None
    if times is not None:
        held = rows_at(times, stamps[exit_]) - rows_at(times, stamps[entry])
    columns = [
        fills.select(["symbol"]).take(pairs.entry).column("symbol"),
        column_of("quantity", size),
        time_column("entry_time", stamps[entry]),
        time_column("exit_time", stamps[exit_]),
        column_of("entry_price", first),
        column_of("exit_price", last),
        column_of("pnl", pnl),
        column_of("pnl_pct", pnl_pct),
        column_of("fees", fees),
        column_of("multiplier", scale),
        column_of("bars_held", held, n_rows=len(entry)),
    ]
    return _core.Table(columns), np.array(pairs.open_entry, np.int64)
