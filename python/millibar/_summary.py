"""The six figures that a lumibot backtest returns, by lumibot's own arithmetic.

They are of rows, not of days, and are not those of `Stats`: volatility is the rows' deviation times
the square root of rows a year, a year is whole days over 365.25, Sharpe has the compounded return
above the line. Strategy files print them, so they are the same to the bit (pandas' sums included).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from millibar._arrays import to_numpy
from millibar._flows import grown, row_returns
from millibar._stats import moment
from millibar._times import zone

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from millibar.result import Result

__all__ = ["lumibot_summary"]

_DAY_NS = 86_400_000_000_000


def _deviation(values: npt.NDArray[np.float64]) -> float:
    """Standard deviation with n - 1, NaN left out, summed as pandas does."""
    import numpy as np

    missing = np.isnan(values)
    n = len(values) - int(missing.sum())
    if n < 2:
        return math.nan
    filled = np.where(missing, 0.0, values)
    squares = (filled.sum() / n - filled) ** 2
    squares[missing] = 0.0
    return float(np.sqrt(squares.sum() / (n - 1)))


def _growth(returns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Running product of 1 + return; NaN where that is, which the product passes over."""
    import numpy as np

    return np.where(np.isnan(returns), math.nan, grown(returns))


def _drawdown(growth: npt.NDArray[np.float64]) -> tuple[float, int | None]:
    """The deepest fall below the highest so far, and its row; none where nothing is known."""
    import numpy as np

    if len(growth) == 1:
        return 0.0, 0
    top = np.fmax.accumulate(growth)
    depth = (top - growth) / top
    if np.isnan(depth).all():
        return 0.0, None
    depth = np.where(np.isnan(depth), -math.inf, depth)
    return float(depth.max()), int(depth.argmax())


def lumibot_summary(result: Result) -> dict[str, Any]:
    """cagr, volatility, sharpe, max_drawdown (drawdown and its date), romad and total_return, each
    a fraction; empty for a run without rows. Of several rows at one time the first counts. The
    date is None where lumibot's is NaT: no return is known."""
    import numpy as np

    times = result.times_ns
    if not len(times):
        return {}
    table = result.equity.table
    flows = "cash_adjustments_net_total"
    flow = to_numpy(table.column(flows)) if flows in table.names else np.zeros(len(times))
    first = np.flatnonzero(np.diff(times, prepend=times[0] - 1))
    with np.errstate(all="ignore"):
        returns = row_returns(to_numpy(table.column("portfolio_value")), flow)[first]
        growth = _growth(returns)
        years = int(times[-1] - times[0]) // _DAY_NS / 365.25
        n_returns = int((~np.isnan(returns)).sum())
        cagr = float(growth[-1] ** (1 / years) - 1) if years else 0.0
        volatility = _deviation(returns) * math.sqrt(n_returns / years) if years else 0.0
        depth, row = _drawdown(growth)
    risk_free = float(result.settings.get("risk_free_rate") or 0.0)
    return {
        "cagr": cagr,
        "volatility": volatility,
        "sharpe": (cagr - risk_free) / volatility if volatility else 0.0,
        "max_drawdown": {
            "drawdown": depth,
            "date": None if row is None else moment(int(times[first[row]]), zone(result.zone)),
        },
        "romad": cagr / depth if depth else 0.0,
        "total_return": float(growth[-1] - 1),
    }
