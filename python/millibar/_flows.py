"""Money put into an account and taken out of it while a run is on.

Such money is no gain: lumibot takes it out of its returns, and so do `Result.stats`. What is noted
here becomes rows of the result's table `corporate` and, as running totals, columns of `equity`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from millibar import _core
from millibar._schema import column_of, times_ns

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
