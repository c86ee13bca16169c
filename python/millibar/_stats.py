"""The statistics of a run, from its equity, its trades and the market's closes.

The definitions are those of backtesting.py 0.6.6, so that figures can be compared; docs/results.md
gives each formula and the few places where this differs on purpose. What cannot be said is NaN (a
number) or None (a time or a duration): never a warning, never an infinity from a zero below the
line.

Everything here is one pass or a few over numpy arrays; the days are found one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from millibar import _core
from millibar._arrays import to_numpy
from millibar._flows import grown, row_returns
from millibar._schema import rows_at, times_ns
from millibar._times import zone as zone_rules
from millibar.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Ints: TypeAlias = npt.NDArray[np.int64]

__all__ = ["LABELS", "Stats", "compute"]

_DAY_NS = 86_400_000_000_000
_YEAR_DAYS = 365.25
_NAN = math.nan

Unit = Literal["time", "duration", "percent", "money", "ratio", "count"]

# Key: (label as backtesting.py prints it, unit). The order is that of the printed table.
LABELS: dict[str, tuple[str, Unit]] = {
    "start": ("Start", "time"),
    "end": ("End", "time"),
    "duration": ("Duration", "duration"),
    "exposure_pct": ("Exposure Time [%]", "percent"),
    "equity_final": ("Equity Final [$]", "money"),
    "equity_peak": ("Equity Peak [$]", "money"),
    "commissions": ("Commissions [$]", "money"),
    "return_pct": ("Return [%]", "percent"),
    "buy_hold_return_pct": ("Buy & Hold Return [%]", "percent"),
    "annual_return_pct": ("Return (Ann.) [%]", "percent"),
    "volatility_pct": ("Volatility (Ann.) [%]", "percent"),
    "cagr_pct": ("CAGR [%]", "percent"),
    "sharpe": ("Sharpe Ratio", "ratio"),
    "sortino": ("Sortino Ratio", "ratio"),
    "calmar": ("Calmar Ratio", "ratio"),
    "alpha_pct": ("Alpha [%]", "percent"),
    "beta": ("Beta", "ratio"),
    "max_drawdown_pct": ("Max. Drawdown [%]", "percent"),
    "avg_drawdown_pct": ("Avg. Drawdown [%]", "percent"),
    "max_drawdown_duration": ("Max. Drawdown Duration", "duration"),
    "avg_drawdown_duration": ("Avg. Drawdown Duration", "duration"),
    "n_trades": ("# Trades", "count"),
    "win_rate_pct": ("Win Rate [%]", "percent"),
    "best_trade_pct": ("Best Trade [%]", "percent"),
    "worst_trade_pct": ("Worst Trade [%]", "percent"),
    "avg_trade_pct": ("Avg. Trade [%]", "percent"),
    "max_trade_duration": ("Max. Trade Duration", "duration"),
    "avg_trade_duration": ("Avg. Trade Duration", "duration"),
    "profit_factor": ("Profit Factor", "ratio"),
    "expectancy_pct": ("Expectancy [%]", "percent"),
    "sqn": ("SQN", "ratio"),
    "kelly": ("Kelly Criterion", "ratio"),
}
_KEYS = {label: key for key, (label, _) in LABELS.items()}


class Stats(Mapping[str, Any]):
    """What a run came to: an immutable mapping whose keys are attributes as well.

    Keys are those of the table that `print` shows, in words without signs: `stats.sharpe`,
    `stats["sharpe"]` and, as backtesting.py has it, `stats["Sharpe Ratio"]`. Names that end in
    `_pct` are per cent, times are aware datetimes of the run's zone, durations timedeltas.
    """

    __slots__ = ("_values",)

    _values: dict[str, Any]

    def __init__(self, values: Mapping[str, Any]) -> None:
        missing = LABELS.keys() ^ values.keys()
        if missing:
            raise InvalidError(f"statistics without, or beyond the known ones: {sorted(missing)}")
        object.__setattr__(self, "_values", {key: values[key] for key in LABELS})

    def __getitem__(self, key: str) -> Any:
        return self._values[_KEYS.get(key, key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._values:
            return self._values[name]
        raise AttributeError(f"no statistic {name!r}", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"statistics do not change: {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"statistics do not change: {name!r} cannot be deleted")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __reduce__(self) -> tuple[Any, ...]:
        return Stats, (self._values,)

    def text(self, key: str) -> str:
        """One value as the table prints it; "--" where there is none."""
        return value_text(self._values[key], LABELS[key][1])

    def to_dict(self) -> dict[str, Any]:
        """For JSON: times as ISO 8601 text, durations in seconds, None for what there is not."""
        return {key: _plain(value) for key, value in self._values.items()}

    def __repr__(self) -> str:
        names = [label for label, _ in LABELS.values()]
        texts = [self.text(key) for key in LABELS]
        left, right = max(map(len, names)), max(map(len, texts))
        return "\n".join(
            f"{name:<{left}}  {text:>{right}}" for name, text in zip(names, texts, strict=True)
        )

    def _repr_html_(self) -> str:
        from millibar._render import stats_html

        return stats_html(self)


def value_text(value: Any, unit: Unit) -> str:
    """A statistic in a person's words."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "--"
    if unit == "time":
        return str(value).removesuffix("+00:00")
    if unit == "duration":
        return str(value)
    if unit == "count":
        return f"{value:,}"
    if unit == "money":
        return f"{value:,.2f}"
    return f"{value:,.5g}" if abs(value) < 1 else f"{value:,.4f}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# ---- Time --------------------------------------------------------------------------------------


def moment(ns: int, rules: _core.Zone) -> datetime:
    """An instant as an aware datetime, to the microsecond, by the zone's offset then."""
    offset = rules.offset_s(ns)
    tz = timezone.utc if offset == 0 else timezone(timedelta(seconds=offset))
    return datetime(1970, 1, 1, tzinfo=timezone.utc).astimezone(tz) + timedelta(
        microseconds=ns // 1000
    )


def _delta(ns: int) -> timedelta:
    return timedelta(microseconds=ns // 1000)


_RESOLUTIONS_NS = (_DAY_NS, 3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000, 1_000)


def period_ns(times: Ints) -> int:
    """The usual spacing of rows: the median of the last 99 steps; 0 below two rows."""
    import numpy as np

    steps = np.diff(times[-100:])
    return int(np.median(steps)) if len(steps) else 0


def _resolution_ns(period: int) -> int:
    """The largest unit that the period is a whole number of."""
    return next((unit for unit in _RESOLUTIONS_NS if period and period % unit == 0), 1)


def _rounded(ns: int, resolution: int) -> timedelta:
    """Up to the data's own resolution: a position held for part of a day is held for a day."""
    return _delta(-(-ns // resolution) * resolution)


class _Days(NamedTuple):
    """Local days that have rows: their numbers since 1970 and the row after their last."""

    numbers: Ints
    ends: Ints


def _days(times: Ints, rules: _core.Zone) -> _Days:
    import numpy as np

    numbers, ends = [], []
    row, n_rows = 0, len(times)
    while row < n_rows:
        ns = int(times[row])
        numbers.append(rules.to_local(ns) // _DAY_NS)
        row = max(row + 1, int(np.searchsorted(times, rules.next_day(ns), "left")))
        ends.append(row)
    return _Days(np.array(numbers, np.int64), np.array(ends, np.int64))


class Calendar(NamedTuple):
    """How returns are grouped: (the last row of each group, how many groups make a year)."""

    ends: Ints
    per_year: float


def calendar(times: Ints, rules: _core.Zone, per_year: float | None) -> Calendar:
    """Days, or the weeks, months or years that the rows themselves are.

    Markets that trade at weekends have 365 days a year, others 252. Rows on the weekend of a market
    that does not trade then (futures and currencies open on Sunday evening) belong to the Monday.
    """
    import numpy as np

    numbers, ends = _days(times, rules)
    if not len(numbers):
        return Calendar(ends - 1, _NAN)
    weekday = (numbers + 3) % 7
    n_rows = np.diff(ends, prepend=0)
    has_weekends = float(n_rows[weekday >= 5].sum()) / len(times) > 2 / 7 * 0.6
    step_days = period_ns(times) // _DAY_NS
    groups = numbers
    if step_days == 7:
        groups, year = (numbers + 3) // 7, 52.0
    elif step_days in (31, 365):
        days = numbers.astype("datetime64[D]")
        groups = days.astype(f"datetime64[{'M' if step_days == 31 else 'Y'}]").astype(np.int64)
        year = 12.0 if step_days == 31 else 1.0
    elif has_weekends:
        year = 365.0
    else:
        groups, year = numbers + np.where(weekday >= 5, 7 - weekday, 0), 252.0
    last = np.flatnonzero(np.diff(groups, append=groups[-1] + 1))
    return Calendar(ends[last] - 1, year if per_year is None else per_year)


# ---- Equity ------------------------------------------------------------------------------------


def _known(values: Floats, *, back: bool = False) -> Floats:
    """NaN takes the value before it; leading ones stay, or with `back` take the first known."""
    import numpy as np

    missing = np.isnan(values)
    if not missing.any() or missing.all():
        return values
    first = int(missing.argmin()) if back else 0
    rows = np.where(missing, first, np.arange(len(values)))
    return values[np.maximum.accumulate(rows)]


def _geometric_mean(returns: Floats) -> float:
    """The constant return that compounds to the same; NaN of none, and where one loses all: then
    there is nothing left to compound."""
    import numpy as np

    if not len(returns):
        return _NAN
    growth = np.nan_to_num(returns) + 1
    if (growth <= 0).any():
        return _NAN
    return float(np.exp(np.log(growth).sum() / len(growth)) - 1)


def _ratio(above: Any, below: Any) -> float:
    """NaN where there is nothing to divide by."""
    return float(above / below) if below else _NAN


def _annual(values: Floats, cal: Calendar, risk_free: float) -> dict[str, Any]:
    import numpy as np

    ends = values[cal.ends]
    returns = ends[1:] / ends[:-1] - 1
    returns = returns[~np.isnan(returns)]
    mean, n = np.float64(_geometric_mean(returns)), cal.per_year
    annual = (1 + mean) ** n - 1
    variance = returns.var(ddof=1) if len(returns) > 1 else _NAN
    spread = (variance + (1 + mean) ** 2) ** n - (1 + mean) ** (2 * n)
    volatility = np.sqrt(np.maximum(spread, 0.0)) if variance > 0 else variance * 0.0
    losses = np.minimum(returns, 0.0)
    downside = np.sqrt((losses**2).mean()) * np.sqrt(n) if len(losses) else _NAN
    return {
        "annual_return_pct": float(annual * 100),
        "volatility_pct": float(volatility * 100),
        "sharpe": _ratio(annual - risk_free, volatility),
        "sortino": _ratio(annual - risk_free, downside),
    }


class _Drawdowns(NamedTuple):
    depth: float
    peaks: Floats
    durations: Ints


def _drawdowns(times: Ints, values: Floats) -> _Drawdowns:
    """Falls below the highest value so far, as fractions of it; each lasts from the row at that
    value to the row that reaches it again, or the end. None where that value is not above zero."""
    import numpy as np

    top = np.maximum.accumulate(values)
    depth = 1 - values / top
    depth[~(top > 0)] = 0.0
    if not len(depth):
        return _Drawdowns(0.0, depth, times)
    even = np.flatnonzero(depth == 0)
    if not len(even) or even[-1] != len(depth) - 1:
        even = np.append(even, len(depth) - 1)
    falls = np.flatnonzero(np.diff(even) > 1)
    if not len(falls):
        return _Drawdowns(float(depth.max()), depth[:0], times[:0])
    first, last = even[falls], even[falls + 1]
    # The last row counts where the fall ends there without recovery.
    peaks = np.maximum(np.maximum.reduceat(depth, _pairs(first, last))[::2], depth[last])
    return _Drawdowns(float(depth.max()), peaks, times[last] - times[first])


def _pairs(first: Ints, last: Ints) -> Ints:
    import numpy as np

    pairs: Ints = np.column_stack((first, last)).ravel()
    return pairs


def _against_market(
    values: Floats, market: Floats | None, first: int, total: float, risk_free: float
) -> dict[str, float]:
    """Buy and hold, and Jensen's alpha and beta of row returns (logarithms)."""
    import numpy as np

    hold = beta = _NAN
    if market is not None and len(market):
        close = _known(market)
        known = np.flatnonzero(~np.isnan(close))
        if len(known):
            base = close[max(first, int(known[0]))]
            hold = _ratio(close[-1] - base, base) * 100
        if len(values) > 2:
            mine, theirs = np.log(values[1:] / values[:-1]), np.log(close[1:] / close[:-1])
            missing = np.isnan(theirs)
            if missing.any():
                mine, theirs = mine[~missing], theirs[~missing]
            if len(theirs) > 1:
                mine -= mine.mean()
                theirs -= theirs.mean()
                # Not by dot products: their last bits depend on the machine's threads.
                beta = _ratio((mine * theirs).sum(), (theirs * theirs).sum())
    return {
        "buy_hold_return_pct": hold,
        "beta": beta,
        "alpha_pct": total - risk_free * 100 - beta * (hold - risk_free * 100),
    }


def _exposure(
    times: Ints, entries: Ints, exits: Ints, n_positions: npt.NDArray[Any] | None
) -> float:
    """Share of rows at which a position was held: from entry to exit, both included, and those
    that say so themselves."""
    import numpy as np

    if not len(times):
        return _NAN
    steps = np.zeros(len(times) + 1, np.int64)
    np.add.at(steps, rows_at(times, entries), 1)
    np.add.at(steps, rows_at(times, exits) + 1, -1)
    held = np.cumsum(steps[:-1]) > 0
    if n_positions is not None:
        held |= n_positions > 0
    return float(held.mean() * 100)


# ---- Trades ------------------------------------------------------------------------------------


_TRADE_RATIOS = (
    "win_rate_pct",
    "best_trade_pct",
    "worst_trade_pct",
    "avg_trade_pct",
    "profit_factor",
    "expectancy_pct",
    "sqn",
    "kelly",
)


def _of_trades(pnl: Floats, pnl_pct: Floats) -> dict[str, Any]:
    import numpy as np

    n = len(pnl)
    stats: dict[str, Any] = {"n_trades": n, **dict.fromkeys(_TRADE_RATIOS, _NAN)}
    if not n:
        return stats
    wins, losses = pnl[pnl > 0], pnl[pnl < 0]
    rate = len(wins) / n
    stats["win_rate_pct"] = rate * 100
    known = pnl_pct[~np.isnan(pnl_pct)]
    if len(known):
        stats["best_trade_pct"] = float(known.max())
        stats["worst_trade_pct"] = float(known.min())
        stats["avg_trade_pct"] = _geometric_mean(pnl_pct / 100) * 100
        stats["profit_factor"] = _ratio(known[known > 0].sum(), -known[known < 0].sum())
        stats["expectancy_pct"] = float(known.mean())
    if n > 1:
        stats["sqn"] = _ratio(np.sqrt(n) * pnl.mean(), pnl.std(ddof=1))
    if len(wins) and len(losses):
        stats["kelly"] = float(rate - (1 - rate) / (wins.mean() / -losses.mean()))
    return stats


def _lengths(prefix: str, lengths: Ints, resolution: int) -> dict[str, timedelta | None]:
    longest, mean = f"max_{prefix}_duration", f"avg_{prefix}_duration"
    if not len(lengths):
        return {longest: None, mean: None}
    total = sum(lengths.tolist())
    return {
        longest: _rounded(int(lengths.max()), resolution),
        mean: _rounded(total // len(lengths), resolution),
    }


# ---- All of them -------------------------------------------------------------------------------


def _of_equity(values: Floats) -> dict[str, float]:
    if not len(values):
        return {"equity_final": _NAN, "equity_peak": _NAN, "return_pct": _NAN, "growth": _NAN}
    first, final = values[0], values[-1]
    return {
        "equity_final": float(final),
        "equity_peak": float(values.max()),
        "return_pct": float((final - first) / first * 100) if first > 0 else _NAN,
        "growth": float(final / first) if first > 0 and final >= 0 else _NAN,
    }


_HELD = ("equity_final", "equity_peak")


def compute(
    times: Ints,
    values: Floats,
    trades: _core.Table,
    *,
    open_since: Ints | None = None,
    n_positions: npt.NDArray[Any] | None = None,
    flows: Floats | None = None,
    commissions: float = 0.0,
    market: Floats | None = None,
    market_first: int = 0,
    risk_free: float = 0.0,
    zone: str = "UTC",
    days_per_year: float | None = None,
) -> Stats:
    """Statistics of a run.

    Args:
        times: of the equity's rows, ns UTC, never falling, shape (rows,).
        values: equity at those, shape (rows,); NaN: unknown, as before.
        trades: round trips, as `trades_of` gives them.
        open_since: when each position open at the end was entered, ns UTC.
        n_positions: open positions at each row, for exposure.
        flows: money put in less money taken out, from the start to each row, shape (rows,): what it
            adds to the equity is no return.
        commissions: all fees paid.
        market: the close of what was traded at each row, shape (rows,), NaN where unknown.
        market_first: the row buying and holding starts at: the first after warm-up.
        risk_free: yearly rate, a fraction.
        zone: of days.
        days_per_year: days of trading that make a year, instead of the calendar's rule.
    """
    import numpy as np

    rules = zone_rules(zone)
    entries, exits = times_ns(trades.column("entry_time")), times_ns(trades.column("exit_time"))
    with np.errstate(all="ignore"):
        equity = _known(values, back=True)
        stats: dict[str, Any] = _of_equity(equity)
        if flows is not None:
            equity = equity[:1] * grown(row_returns(equity, flows))
            stats.update(_of_equity(equity), **{key: stats[key] for key in _HELD})
        growth = np.float64(stats.pop("growth"))
        span = int(times[-1] - times[0]) if len(times) else 0
        years = span / 1e9 / 86_400 / _YEAR_DAYS
        stats["cagr_pct"] = float((growth ** (1 / years) - 1) * 100) if years else _NAN
        stats.update(_annual(equity, calendar(times, rules, days_per_year), risk_free))
        falls = _drawdowns(times, equity)
        sound = len(equity) > 0 and equity.max() > 0
        # From zero: a depth of none is not a negative one.
        stats["max_drawdown_pct"] = 0.0 - falls.depth * 100 if sound else _NAN
        stats["avg_drawdown_pct"] = -float(falls.peaks.mean()) * 100 if len(falls.peaks) else _NAN
        stats["calmar"] = _ratio(stats["annual_return_pct"] / 100, falls.depth)
        stats.update(_against_market(equity, market, market_first, stats["return_pct"], risk_free))
        stats.update(_of_trades(to_numpy(trades.column("pnl")), to_numpy(trades.column("pnl_pct"))))
        resolution = _resolution_ns(period_ns(times))
        stats.update(_lengths("drawdown", falls.durations, resolution))
        stats.update(_lengths("trade", exits - entries, resolution))
        still = np.zeros(0, np.int64) if open_since is None else open_since
        stats["exposure_pct"] = _exposure(
            times,
            np.concatenate((entries, still)),
            np.concatenate((exits, np.full(len(still), times[-1] if len(times) else 0))),
            n_positions,
        )
    stats["commissions"] = float(commissions)
    stats["start"] = moment(int(times[0]), rules) if len(times) else None
    stats["end"] = moment(int(times[-1]), rules) if len(times) else None
    stats["duration"] = _delta(span) if len(times) else None
    return Stats(stats)
