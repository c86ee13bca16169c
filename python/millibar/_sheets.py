"""The files of a run's rows, as lumibot 4.6.30 writes them: `*_stats.csv`, `*_indicators.csv`.

docs/results.md says what the files are; those of events are made by `_event_sheets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._arrays import to_numpy
from millibar._cells import ABSENT, csv_texts, json_text, merge
from millibar._flows import grown, period_flows, row_returns
from millibar._holdings import positions_by_row
from millibar._schema import null_column
from millibar._sheet_parts import (
    Part,
    Sheet,
    asset_fields,
    constant_part,
    float_part,
    in_short,
    listed,
    part_of,
    time_part,
)
from millibar._times import to_ns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from millibar.result import Result

__all__ = ["indicators_sheet", "stats_sheet"]

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
        return constant_part("cash", None, len(cash))
    return float_part("cash", to_numpy(cash))


def _account_part(result: Result, name: str) -> Part:
    table = result.equity.table
    if name in table.names:
        return part_of(name, table.column(name).to_list())
    return constant_part(name, _ACCOUNT[name], len(table))


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
    return [float_part("return", returns), float_part("cash_adjusted_portfolio_value", adjusted)]


def _positions_part(result: Result) -> Part:
    texts: list[str] = []
    lines: list[str] = []
    assets: dict[str, tuple[str, str]] = {}
    last: Any = None
    text = line = "[]"
    for held in positions_by_row(result):
        if held is not last:
            rows = []
            for symbol, quantity in held:
                if symbol not in assets:
                    short = in_short(symbol, asset_fields(result, symbol))
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
    early = [part_of(key, rows) for key, rows in trace.items() if rows[:1] != [ABSENT]]
    late = [part_of(key, rows) for key, rows in trace.items() if rows[:1] == [ABSENT]]
    account = {name: _account_part(result, name) for name in _ACCOUNT}
    totals = {
        name: to_numpy(account[f"{name}_total"].column).astype(np.float64) for name in _BY_PERIOD
    }
    value = to_numpy(table.column("portfolio_value"))
    return Sheet(
        [
            time_part("datetime", result.times_ns, result.zone),
            *early,
            float_part("portfolio_value", value),
            _cash_part(table.column("cash")),
            *account.values(),
            _positions_part(result),
            *late,
            *(float_part(f"{name}_period", period_flows(totals[name])) for name in _BY_PERIOD),
            *_return_parts(value, totals["cash_adjustments_net"]),
        ]
    )


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
            [Part(name, listed([]), null_column(name, "text", 0)) for name in _CHART_HEADER]
        )
    times = np.array(columns["datetime"], np.int64)
    order = np.argsort(times, kind="stable").tolist()
    return Sheet(
        [
            time_part(name, times[order], None)
            if name == "datetime"
            else part_of(name, [values[row] for row in order])
            for name, values in columns.items()
        ]
    )
