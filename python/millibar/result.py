"""Result: what a run left behind, and what it came to.

    result.stats                    # what it came to: print it, or stats.sharpe
    result.trades.to_pandas()       # round trips, first in, first out
    result.equity["portfolio_value"]
    result.save("runs/today"); Result.load("runs/today")

A result is made of plain tables, from whatever ran: the engine, a C strategy, arrays of signals. It
holds no data of the market and nothing of the strategy but what that gave it to hold. Statistics,
trades and hashes are worked out when first asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._arrays import raw_values, to_numpy
from millibar._cells import json_plain, merge, typed_column
from millibar._hashes import result_hashes
from millibar._schema import (
    CORPORATE,
    EQUITY,
    EVENTS,
    FILLS,
    ORDERS,
    TRADES,
    column_of,
    conform,
    time_column,
    times_ns,
)
from millibar._speed import Speed
from millibar._stats import Stats, compute
from millibar._trades import closed_trades, trades_of
from millibar.errors import InvalidError
from millibar.frame import Frame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Result", "Stats", "trades_of"]


class Result:
    """What a run left behind.

    Tables are columnar: anything with `__arrow_c_stream__` (an engine's own tables), or a mapping
    of names to arrays. Times are timestamps, or int64 nanoseconds UTC. Columns may be left out
    where the list below says so, and further ones are kept.

    Args:
        equity: a row an iteration: timestamp, cash (may be left out), portfolio_value, n_positions
            (may be left out). Times never fall. Columns named as lumibot's statistics rows have
            them (cash_deposits_total, ...) go into that file.
        fills: timestamp, order, symbol, side, quantity, price, fee, multiplier; order, fee (0) and
            multiplier (1) may be left out. In the order they happened.
        orders: id, symbol, side, and what else the engine knows (parent, type, class, tif, status,
            prices, created, placed, closed), in the order they were made. Or a function that gives
            them, called when they are first asked for.
        events: timestamp, kind ("new", "filled", "partial", "canceled", "modified", "error"),
            order, price, quantity, fee. Without it the events are those that orders and fills tell.
        corporate: dividends and splits: timestamp, kind ("dividend", "split"), symbol, per_unit
            (cash, or the ratio), quantity (units before), amount (cash), events (how many came
            before). And money put in or taken out: kind "deposit", "withdrawal" or "adjustment",
            symbol of the currency, per_unit 1, quantity and amount what it was, reason.
        trades: round trips, instead of those that the fills make.
        positions: for each row of equity the (symbol, quantity) held; without it they follow from
            the fills.
        assets: for each symbol what lumibot calls the asset's fields: asset_type, multiplier,
            expiration, strike, right.
        market: the close of what was traded at each row of equity, for buy and hold, alpha and
            beta; shape (rows,), NaN where unknown.
        market_first: the row that buying and holding starts at.
        trace: what the strategy's `trace_stats` returned: a mapping, or None, for each row; or a
            mapping of names to lists of one value a row.
        charts: rows of `add_marker`, `add_line` and `add_ohlc` under "markers", "lines", "ohlc".
        settings: every setting of the run, its policy among them; `risk_free_rate` is a fraction.
        data: for each file or table of market data what is known of it: symbol, path, rows, start,
            end.
        strategy_file: the file the strategy stands in.
        speed: what the run took.
        name: of the strategy.
        zone: of days and of what is printed.
        quoted: ids of the orders that a quote filled and not a bar.
        days_per_year: see `Stats`; by default 365 or 252, by whether there are weekends.

    Raises:
        InvalidError: times that fall, columns of a wrong type, lengths that differ.
        ColumnNotFoundError: a column that must be there is not.
    """

    __slots__ = (
        "__weakref__",
        "_charts",
        "_corporate",
        "_days_per_year",
        "_equity",
        "_events",
        "_fills",
        "_hashes",
        "_market",
        "_market_first",
        "_open",
        "_orders",
        "_stats",
        "_trades",
        "assets",
        "data",
        "name",
        "positions",
        "quoted",
        "settings",
        "speed",
        "strategy_file",
        "trace",
        "zone",
    )

    assets: Mapping[str, Mapping[str, Any]]
    data: Sequence[Mapping[str, Any]]
    name: str
    positions: Sequence[Sequence[tuple[str, float]]] | None
    quoted: frozenset[int]
    settings: Mapping[str, Any]
    speed: Speed | None
    strategy_file: str | None
    trace: Mapping[str, Sequence[Any]]
    zone: str

    def __init__(
        self,
        *,
        equity: Any,
        fills: Any = None,
        orders: Any = None,
        events: Any = None,
        corporate: Any = None,
        trades: Any = None,
        positions: Sequence[Sequence[tuple[str, float]]] | None = None,
        assets: Mapping[str, Mapping[str, Any]] | None = None,
        market: npt.NDArray[np.float64] | None = None,
        market_first: int = 0,
        trace: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any] | None] | None = None,
        charts: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        settings: Mapping[str, Any] | None = None,
        data: Sequence[Mapping[str, Any]] = (),
        strategy_file: str | os.PathLike[str] | None = None,
        speed: Speed | None = None,
        name: str = "run",
        zone: str = "UTC",
        days_per_year: float | None = None,
        quoted: Iterable[int] = (),
    ) -> None:
        self._equity = conform(equity, EQUITY, "equity")
        self._fills = conform(fills, FILLS, "fills")
        self._orders = orders if callable(orders) else conform(orders, ORDERS, "orders")
        self._events = None if events is None else conform(events, EVENTS, "events")
        self._corporate = conform(corporate, CORPORATE, "corporate")
        self._trades = None if trades is None else conform(trades, TRADES, "trades")
        self._open: npt.NDArray[np.int64] | None = None
        self._market = None if market is None else _floats(market)
        self._market_first = market_first
        self._charts = {key: list(rows) for key, rows in (charts or {}).items()}
        self._days_per_year = days_per_year
        self._stats: Stats | None = None
        self._hashes: dict[str, str] | None = None
        self.assets = dict(assets or {})
        self.data = list(data)
        self.name = name
        self.positions = positions
        self.quoted = frozenset(quoted)
        self.settings = dict(settings or {})
        self.speed = speed
        self.strategy_file = None if strategy_file is None else os.fspath(strategy_file)
        self.trace = _trace_columns(trace)
        self.zone = zone
        self._check()

    def _check(self) -> None:

        n_rows = len(self._equity)
        times = self.times_ns
        falls = times[1:] < times[:-1]
        if falls.any():
            raise InvalidError(
                f"equity's time falls after row {int(falls.argmax())}: rows come in the order they "
                "were"
            )
        lengths = {"market": self._market, "positions": self.positions}
        lengths.update({f"trace {key!r}": values for key, values in self.trace.items()})
        for what, values in lengths.items():
            if values is not None and len(values) != n_rows:
                raise InvalidError(
                    f"{what} has {len(values)} rows and equity {n_rows}: one for each is needed"
                )
        if self._market is not None and n_rows and not 0 <= self._market_first < n_rows:
            raise InvalidError(f"market_first is {self._market_first}, of {n_rows} rows")

    def _listed(self) -> _core.Table:
        """The orders, made now where they were not yet."""
        if not isinstance(self._orders, _core.Table):
            self._orders = conform(self._orders(), ORDERS, "orders")
        return self._orders

    # ---- Tables --------------------------------------------------------------------------------

    @property
    def times_ns(self) -> npt.NDArray[np.int64]:
        """Times of the equity's rows, ns UTC, shape (rows,)."""
        return times_ns(self._equity.column("timestamp"))

    @property
    def equity(self) -> Frame:
        """A row an iteration: timestamp, cash, portfolio_value, n_positions."""
        return Frame(self._equity, title="equity", time="timestamp")

    @property
    def fills(self) -> Frame:
        """A row a fill: timestamp, order, symbol, side, quantity, price, fee, multiplier."""
        return Frame(self._fills, title="fills", time="timestamp")

    @property
    def orders(self) -> Frame:
        """A row an order, children included."""
        return Frame(self._listed(), title="orders")

    @property
    def events(self) -> Frame:
        """A row each time an order became new, filled, canceled...; in the order it happened."""
        if self._events is None:
            self._events = conform(_events_of(self._listed(), self._fills), EVENTS, "events")
        return Frame(self._events, title="events", time="timestamp")

    @property
    def corporate(self) -> Frame:
        """A row each time a dividend was paid or a position split; in the order it happened."""
        return Frame(self._corporate, title="corporate", time="timestamp")

    @property
    def trades(self) -> Frame:
        """A row a round trip, first in, first out: see `trades_of`."""
        return Frame(self._closed(), title="trades")

    @property
    def charts(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What the strategy drew: "markers", "lines" and "ohlc"."""
        return self._charts

    def _closed(self) -> _core.Table:
        if self._trades is None:
            self._trades, self._open = closed_trades(self._fills, self.times_ns)
        return self._trades

    # ---- What it came to -----------------------------------------------------------------------

    def _flows(self) -> npt.NDArray[np.float64] | None:
        """Money put in less money taken out, up to each row; None where none was."""
        name = "cash_adjustments_net_total"
        return to_numpy(self._equity.column(name)) if name in self._equity.names else None

    @property
    def stats(self) -> Stats:
        """The statistics of the run; docs/results.md gives each formula."""
        if self._stats is None:
            trades = self._closed()
            if self._open is None:
                self._open = closed_trades(self._fills)[1]
            positions = self._equity.column("n_positions")
            self._stats = compute(
                self.times_ns,
                to_numpy(self._equity.column("portfolio_value")),
                trades,
                open_since=times_ns(self._fills.column("timestamp"))[self._open],
                n_positions=None if positions.null_count else raw_values(positions),
                flows=self._flows(),
                commissions=float(to_numpy(self._fills.column("fee")).sum()),
                market=self._market,
                market_first=self._market_first,
                risk_free=float(self.settings.get("risk_free_rate") or 0.0),
                zone=self.zone,
                days_per_year=self._days_per_year,
            )
        return self._stats

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of "equity", "fills", "orders", "trades" and of "all", as hexadecimal text.

        Equal for two runs exactly if they did the same to the bit, whatever they called their
        orders and wherever they ran.
        """
        if self._hashes is None:
            self._hashes = result_hashes(self._equity, self._fills, self._listed(), self._closed())
        return dict(self._hashes)

    def to_dict(self, *, tables: bool = False) -> dict[str, Any]:
        """The run for JSON; with tables, each as a dict of columns too."""
        values: dict[str, Any] = {
            "name": self.name,
            "stats": self.stats.to_dict(),
            "counts": {
                "iterations": self._n_iterations(),
                "orders": len(self._listed()),
                "fills": len(self._fills),
                "trades": len(self._closed()),
            },
            "hashes": self.hashes,
            "settings": json_plain(self.settings),
            "speed": None if self.speed is None else self.speed.to_dict(),
        }
        if tables:
            frames = (self.equity, self.orders, self.fills, self.trades)
            for key, frame in zip(("equity", "orders", "fills", "trades"), frames, strict=True):
                table = frame.table
                values[key] = {name: _json_column(table.column(name)) for name in table.names}
        return values

    def to_json(self, path: str | os.PathLike[str] | None = None, *, tables: bool = False) -> str:
        """`to_dict` as JSON text, written to a file as well where one is named."""
        from millibar.report import write_text

        text = json.dumps(self.to_dict(tables=tables), indent=2, allow_nan=False)
        if path is not None:
            write_text(Path(path), text + "\n")
        return text

    def _arguments(self) -> dict[str, Any]:
        """What makes this result again."""
        return {
            "equity": self.equity,
            "fills": self.fills,
            "orders": self.orders,
            "events": None if self._events is None else self.events,
            "corporate": self.corporate,
            "trades": None if self._trades is None else self.trades,
            "positions": self.positions,
            "assets": self.assets,
            "market": self._market,
            "market_first": self._market_first,
            "trace": self.trace,
            "charts": self._charts,
            "settings": self.settings,
            "data": self.data,
            "strategy_file": self.strategy_file,
            "speed": self.speed,
            "name": self.name,
            "zone": self.zone,
            "days_per_year": self._days_per_year,
            "quoted": self.quoted,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._arguments(),)

    def _n_iterations(self) -> int:
        """Calls of the strategy; rows of equity where the run has not told."""
        return len(self._equity) if self.speed is None else self.speed.n_iterations

    def __repr__(self) -> str:
        stats = self.stats
        lines = [
            f"{self.name}: {stats.text('start')} to {stats.text('end')}, "
            f"{self._n_iterations():,} iterations"
        ]
        if len(self._equity):
            first = to_numpy(self._equity.column("portfolio_value"))[0]
            lines.append(
                f"  equity  {first:,.2f} -> {stats.text('equity_final')}"
                f" ({_percent(stats.return_pct)}), max drawdown"
                f" {_percent(stats.max_drawdown_pct)}, Sharpe {stats.text('sharpe')}"
            )
        win = f" ({_percent(stats.win_rate_pct, '.1f')} won)" if stats.n_trades else ""
        lines.append(
            f"  trades  {stats.n_trades:,}{win}, {len(self._fills):,} fills,"
            f" fees {stats.text('commissions')}"
        )
        if self.speed is not None:
            lines.append(f"  {self.speed}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from millibar._render import result_html

        return result_html(self)

    # ---- On disk -------------------------------------------------------------------------------

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the run into a folder, made if need be: a Parquet file a table and result.json,
        which is written last. `report.write_files` writes what lumibot would."""
        from millibar._result_files import save

        save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Result:
        """The inverse of `save`: same tables, same hashes.

        Raises:
            FileMissingError: no result.json there.
            FormatError: a result.json that is not one.
        """
        from millibar._result_files import load

        return load(Path(folder))


def _make(arguments: dict[str, Any]) -> Result:
    return Result(**arguments)


def _floats(values: Any) -> npt.NDArray[np.float64]:
    import numpy as np

    return np.asarray(values, np.float64)


def _trace_columns(trace: Any) -> dict[str, list[Any]]:
    if trace is None:
        return {}
    if isinstance(trace, Mapping):
        return {str(key): list(values) for key, values in trace.items()}
    return merge(trace)


def _json_column(column: _core.Column) -> list[Any]:
    if column.type == "timestamp":
        return [None if ns is None else _core.time_format(int(ns)) for ns in column.to_list()]
    values: list[Any] = json_plain(column.to_list())
    return values


def _percent(value: float, form: str = "+.2f") -> str:
    return "--" if value != value else f"{value:{form}} %"


def _events_of(orders: _core.Table, fills: _core.Table) -> _core.Table:
    """What orders and fills tell of what happened: each made, filled, canceled."""
    ids = orders.column("id").to_list()
    statuses = orders.column("status").to_list()
    made = [
        placed if placed is not None else created
        for placed, created in zip(
            orders.column("placed").to_list(), orders.column("created").to_list(), strict=True
        )
    ]
    rows: list[tuple[Any, ...]] = [
        (at, 0, "new", order, None, None, None)
        for at, order in zip(made, ids, strict=True)
        if at is not None
    ]
    rows += [
        (at, 1, "filled", order, price, quantity, fee)
        for at, order, price, quantity, fee in zip(
            *(
                fills.column(name).to_list()
                for name in ("timestamp", "order", "price", "quantity", "fee")
            ),
            strict=True,
        )
    ]
    rows += [
        (at, 2, status, order, None, None, None)
        for at, status, order in zip(orders.column("closed").to_list(), statuses, ids, strict=True)
        if at is not None and status in ("canceled", "expired", "error")
    ]
    rows.sort(key=lambda row: (row[0], row[1]))
    return _events_table(rows)


def _events_table(rows: list[tuple[Any, ...]]) -> _core.Table:
    import numpy as np

    def column(place: int) -> list[Any]:
        return [row[place] for row in rows]

    return _core.Table(
        [
            time_column("timestamp", np.array(column(0), np.int64)),
            _core.column_from_text("kind", column(2)),
            typed_column("order", column(3)),
            *(
                column_of(name, np.array(column(place), np.float64))
                for place, name in ((4, "price"), (5, "quantity"), (6, "fee"))
            ),
        ]
    )
