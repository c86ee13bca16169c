"""Money put into an account and taken out of it while a run is on.

Such money is no gain: lumibot takes it out of its returns, and so do `Result.stats`. What is noted
here becomes rows of the result's table `corporate` and, as running totals, columns of `equity`; the
returns without it are lumibot's to the bit, wherever they are wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from millibar import _core
from millibar._schema import column_of, times_ns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

KINDS = ("deposit", "withdrawal", "adjustment")
TOTALS = ("cash_deposits_total", "cash_withdrawals_total", "cash_adjustments_net_total")


class Flow(NamedTuple):
    """One of them; `rows` and `events` are how many had been noted before it."""

    ns: int
    rows: int
    events: int
    kind: str
    amount: float
    reason: str


class CashFlows:
    """The flows of one run, in the order in which they were."""

    def __init__(self) -> None:
        self._flows: list[Flow] = []
        self._totals: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]

    def note(self, engine: _core.Engine, kind: str, amount: float, reason: str) -> None:
        """Notes one at the engine's clock."""
        deposits, withdrawals, net = self._totals[-1]
        deposits += abs(amount) if kind == "deposit" else 0.0
        withdrawals += abs(amount) if kind == "withdrawal" else 0.0
        self._totals.append((deposits, withdrawals, net + amount))
        place = engine.now_ns, engine.n_rows, engine.n_events
        self._flows.append(Flow(*place, kind, amount, reason))

    def equity(self, rows: _core.Table) -> _core.Table:
        """The rows of a run with their totals as further columns; as they are without flows."""
        import numpy as np

        if not self._flows:
            return rows
        first = np.array([flow.rows for flow in self._flows])
        so_far = np.searchsorted(first, np.arange(len(rows)), "right")
        totals = np.array(self._totals)[so_far]
        more = [column_of(name, totals[:, place]) for place, name in enumerate(TOTALS)]
        return _core.Table([*(rows.column(name) for name in rows.names), *more])

    def corporate(self, table: _core.Table, currency: str) -> _core.Table:
        """Dividends and splits with the flows among them, each where it happened."""
        import numpy as np

        if not self._flows:
            return table
        columns = {name: table.column(name).to_list() for name in table.names}
        columns["timestamp"] = times_ns(table.column("timestamp")).tolist()
        columns["reason"] = [None] * len(table)
        rows: list[dict[str, Any]] = [
            {name: values[row] for name, values in columns.items()} for row in range(len(table))
        ]
        rows += [self._row(flow, currency) for flow in self._flows]
        rows.sort(key=lambda row: (row["events"], row["timestamp"]))
        made = []
        for name in columns:
            values = [row[name] for row in rows]
            is_text = name in ("kind", "symbol", "reason")
            made.append(
                _core.column_from_text(name, values)
                if is_text
                else column_of(name, np.array(values))
            )
        return _core.Table(made)

    @staticmethod
    def _row(flow: Flow, currency: str) -> dict[str, Any]:
        return {
            "timestamp": flow.ns,
            "kind": flow.kind,
            "symbol": currency,
            "per_unit": 1.0,
            "quantity": flow.amount,
            "amount": flow.amount,
            "events": flow.events,
            "reason": flow.reason,
        }


# ---- Returns without them ----------------------------------------------------------------------


def period_flows(total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What each row adds to a running total, NaN adding nothing; the first row is all of it."""
    import numpy as np

    rows = np.where(np.isnan(total), 0, np.arange(len(total)))
    known = np.nan_to_num(total[np.maximum.accumulate(rows)]) if len(total) else total
    return np.diff(known, prepend=0.0)


def row_returns(
    value: npt.NDArray[np.float64], flow_total: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """What each row gained on the one before, money put in or taken out aside; NaN of the first."""
    import numpy as np

    returns = np.full(len(value), np.nan)
    with np.errstate(all="ignore"):
        flow = period_flows(flow_total)
        returns[1:] = (value[1:] - value[:-1] - flow[1:]) / value[:-1]
    return returns


def grown(returns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What one unit has become by each row; a return that is unknown changes nothing."""
    import numpy as np

    with np.errstate(all="ignore"):
        return np.cumprod(1.0 + np.where(np.isnan(returns), 0.0, returns), dtype=np.float64)
