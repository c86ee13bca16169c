"""Seeded requests, put to two data sources at the same simulated time, and judged.

A `Request` is data: what is asked, and the clock at which it is asked. `requests_of(scenario)`
draws a fixed number of them: two thirds on a clock that only moves forward, as a backtest's does,
the rest jumping about, some before the first bar and some up to a week after the last. Every
answer is compared with `bits.difference`; an exception counts as an answer, its class being what is
compared. So is which of the last three windows, if any, an answer's DataFrame is identical with,
as one object: lumibot hands out its latest window again while it does not move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytz
from bits import difference
from offline import NEW_YORK
from parity_data import Scenario

SHIFTS = (
    None, None, None, None, None, 0, 0, 1, 2, 5, 37, -1, -1, -2, -10, 100_000, -100_000,
    timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=90), timedelta(hours=2),
    timedelta(days=1), timedelta(days=-1), timedelta(seconds=-90),
)  # fmt: skip
ODD_LENGTHS = (0, -3, 2.0, 2.7, np.int64(5), True)
KINDS = ("history", "between", "last", "quote", "lasts", "actions", "bars", "methods")
WEIGHTS = (0.56, 0.10, 0.13, 0.11, 0.02, 0.02, 0.02, 0.04)


@dataclass(frozen=True)
class Request:
    """One question at one simulated time."""

    kind: str
    clock: datetime
    asset: Any
    quote: Any
    arguments: dict[str, Any] = field(default_factory=dict)
    again: bool = False

    def __str__(self) -> str:
        asked = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        again = ", asked twice" if self.again else ""
        return f"{self.kind} of {self.asset!r}/{self.quote!r} at {self.clock} ({asked}){again}"


# ---- Drawing -----------------------------------------------------------------------------------


def requests_of(scenario: Scenario) -> list[Request]:
    """The scenario's requests, the same on every call."""
    rng = np.random.default_rng(scenario.seed)
    n_forward = scenario.n_requests * 2 // 3
    clocks = _forward_clock(scenario, rng, n_forward)
    clocks += [_any_clock(scenario, rng) for _ in range(scenario.n_requests - n_forward)]
    return [_draw(scenario, clock, rng) for clock in clocks]


def _forward_clock(scenario: Scenario, rng: np.random.Generator, n: int) -> list[datetime]:
    """About n/2 instants in order; several requests share one, as they do in an iteration."""
    span = (scenario.end - scenario.start).total_seconds()
    offsets = np.sort(rng.random(max(n // 2, 1)) * span)
    picks = np.sort(rng.integers(0, len(offsets), n))
    instants = [_instant(scenario.start, offsets[i], rng) for i in range(len(offsets))]
    instants.sort()
    return [instants[i] for i in picks]


def _any_clock(scenario: Scenario, rng: np.random.Generator) -> datetime:
    span = (scenario.end - scenario.start).total_seconds()
    where = rng.random()
    if where < 0.12:
        offset = -rng.random() * 6 * 86400
    elif where < 0.24:
        offset = span + rng.random() * 2.9 * 86400
    elif where < 0.30:
        offset = span + (3 + rng.random() * 4) * 86400
    else:
        offset = rng.random() * span
    return _instant(scenario.start, offset, rng)


def _instant(start: datetime, offset_s: float, rng: np.random.Generator) -> datetime:
    """Mostly on a minute; sometimes seconds or microseconds past one; sometimes a Timestamp."""
    how = rng.random()
    step = 60 if how < 0.8 else 1 if how < 0.9 else 1e-6
    moment = start.astimezone(pytz.UTC) + timedelta(seconds=round(offset_s / step) * step)
    if step == 60:
        moment = moment.replace(second=0, microsecond=0)
    local = NEW_YORK.normalize(moment.astimezone(NEW_YORK))
    kind = rng.random()
    if kind < 0.08:
        return pd.Timestamp(local)
    return moment if kind < 0.10 else local


def _draw(scenario: Scenario, clock: datetime, rng: np.random.Generator) -> Request:
    kind = str(rng.choice(KINDS, p=WEIGHTS))
    asset, quote = scenario.assets[int(rng.integers(len(scenario.assets)))]
    again = kind == "history" and bool(rng.random() < 0.15)
    asset, quote = _way_of_naming(asset, quote, kind, rng)
    return Request(kind, clock, asset, quote, _arguments(scenario, kind, clock, rng), again)


def _way_of_naming(asset: Any, quote: Any, kind: str, rng: np.random.Generator) -> tuple[Any, Any]:
    """An asset with its quote beside it, or in one tuple with it, or a stock by its symbol."""
    how = rng.random()
    if how < 0.1 and quote is not None and kind in ("history", "last", "quote"):
        return (asset, quote), None
    if how > 0.97 and kind == "history" and asset.asset_type == "stock":
        return asset.symbol, quote
    return asset, quote


def _length(scenario: Scenario, rng: np.random.Generator) -> Any:
    if rng.random() < 0.02:
        return ODD_LENGTHS[int(rng.integers(len(ODD_LENGTHS)))]
    return int(np.exp(rng.random() * np.log(scenario.longest)))


def _arguments(
    scenario: Scenario, kind: str, clock: datetime, rng: np.random.Generator
) -> dict[str, Any]:
    step = str(rng.choice(scenario.steps, p=_step_weights(scenario.steps)))
    if kind in ("history", "methods"):
        length = _length(scenario, rng)
        if "day" in step.lower() or step == "1D":
            length = min(length, 30) if not scenario.name.startswith("daily") else length
        drawn = {"length": length, "timestep": step}
        if rng.random() < 0.6:
            drawn["timeshift"] = SHIFTS[int(rng.integers(len(SHIFTS)))]
        if rng.random() < 0.03:
            drawn["timestep"] = (None, "", "week", "3 fortnights")[int(rng.integers(4))]
        if rng.random() < 0.02:
            drawn["exchange"] = "CME"
        if rng.random() < 0.02:
            drawn["include_after_hours"] = False
        if rng.random() < 0.02:
            drawn["return_polars"] = True
        return drawn
    if kind == "between":
        first = clock - timedelta(minutes=int(np.exp(rng.random() * 9)))
        last = clock + timedelta(minutes=int(rng.integers(-60, 3000)))
        return {"timestep": step, "start_date": first, "end_date": last}
    if kind == "bars":
        return {"length": int(rng.integers(1, 40)), "timestep": step}
    return {}


def _step_weights(steps: tuple[str, ...]) -> np.ndarray:
    """The first step, lumibot's default, is half of all."""
    weights = np.full(len(steps), 0.5 / max(len(steps) - 1, 1))
    weights[0] = 1.0 - weights[1:].sum()
    return weights


# ---- Asking ------------------------------------------------------------------------------------


def ask(source: Any, request: Request) -> Any:
    """The source's answer, which may be the exception it raised."""
    try:
        return ASKERS[request.kind](source, request)
    except Exception as error:
        return error


def _history(source: Any, request: Request) -> Any:
    first = source.get_historical_prices(request.asset, quote=request.quote, **request.arguments)
    if not request.again:
        return first
    second = source.get_historical_prices(request.asset, quote=request.quote, **request.arguments)
    same = first is not None and first.df is second.df
    return {"first": first, "second": second, "same object": same, "same bars": first is second}


def _between(source: Any, request: Request) -> Any:
    return source._pull_source_symbol_bars_between_dates(
        request.asset, quote=request.quote, **request.arguments
    )


def _lasts(source: Any, request: Request) -> Any:
    return dict(source.get_last_prices([request.asset], quote=request.quote))


def _quote(source: Any, request: Request) -> Any:
    """A quote without data is stamped with the wall clock, which is nobody's answer."""
    found = source.get_quote(request.asset, request.quote, None)
    if found.raw_data is None:
        found.timestamp = None
    return found


def _actions(source: Any, request: Request) -> Any:
    asset, quote = request.asset, request.quote
    return {
        "dividends": dict(source.get_yesterday_dividends([asset], quote=quote)),
        "splits": dict(source.get_yesterday_stock_splits([asset], quote=quote)),
        "split": source.get_yesterday_stock_split(asset, quote=quote),
        "applies": source.should_apply_stock_splits_to_positions(asset, quote=quote),
    }


def _bars(source: Any, request: Request) -> Any:
    found = source.get_bars([request.asset], quote=request.quote, **request.arguments)
    return {"bars": dict(found), "errors": found.errors}


METHODS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("momentum", lambda bars: bars.get_momentum(3)),
    ("last price", lambda bars: bars.get_last_price()),
    ("last dividend", lambda bars: bars.get_last_dividend()),
    ("last split", lambda bars: bars.get_last_stock_split()),
    ("volume", lambda bars: bars.get_total_volume()),
    ("polars", lambda bars: bars.polars_df),
    ("aggregate", lambda bars: bars.aggregate_bars("5min").df),
    ("filter", lambda bars: bars.filter(start=bars.df.index[len(bars) // 2].to_pydatetime())),
    ("split", lambda bars: bars.split()),
    ("text", repr),
    ("html", lambda bars: bars._repr_html_()),
)


def _methods(source: Any, request: Request) -> Any:
    """What lumibot's Bars can do with a short window, method by method."""
    bars = source.get_historical_prices(request.asset, quote=request.quote, **request.arguments)
    if bars is None or len(bars) > 400:
        return bars
    found: dict[str, Any] = {}
    for name, method in METHODS:
        try:
            found[name] = method(bars)
        except Exception as error:
            found[name] = error
    return found


ASKERS: dict[str, Callable[[Any, Request], Any]] = {
    "history": _history,
    "between": _between,
    "last": lambda source, r: source.get_last_price(r.asset, quote=r.quote),
    "quote": _quote,
    "lasts": _lasts,
    "actions": _actions,
    "bars": _bars,
    "methods": _methods,
}


# ---- Judging -----------------------------------------------------------------------------------


@dataclass
class Verdict:
    """How many requests were put, what the reference answered, and what differed."""

    n_asked: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    findings: list[tuple[Request, str]] = field(default_factory=list)

    def report(self, most: int = 5) -> str:
        lines = [f"{len(self.findings)} of {self.n_asked} answers differ (reference first):"]
        for request, text in self.findings[:most]:
            lines += [f"- {request}", f"    {text}"]
        return "\n".join(lines)


def source_of(source_class: type, scenario: Scenario) -> Any:
    """The data source of one side, with its own data."""
    source = source_class(
        datetime_start=scenario.start,
        datetime_end=scenario.end,
        pandas_data=scenario.make(),
        show_progress_bar=False,
        **scenario.options,
    )
    if scenario.load:
        source.load_data()
    return source


class Side:
    """One data source, and the windows it gave last."""

    def __init__(self, source_class: type, scenario: Scenario) -> None:
        self.source = source_of(source_class, scenario)
        self.recent: deque[Any] = deque(maxlen=3)

    def answer(self, request: Request) -> tuple[Any, list[bool]]:
        """The answer, and whether it is the same frame as each of those before it."""
        self.source._update_datetime(request.clock)
        found = ask(self.source, request)
        frame = getattr(found, "df", None) if request.kind == "history" else None
        same = [frame is not None and frame is seen for seen in self.recent]
        if frame is not None:
            self.recent.append(frame)
        return found, same


def judge(reference_class: type, subject_class: type, scenario: Scenario) -> Verdict:
    """Put every request of the scenario to both sides."""
    reference, subject = Side(reference_class, scenario), Side(subject_class, scenario)
    verdict = Verdict()
    for request in requests_of(scenario):
        expected, same_expected = reference.answer(request)
        found, same_found = subject.answer(request)
        verdict.n_asked += 1
        label = f"{request.kind}: {_label(expected)}"
        verdict.answers[label] = verdict.answers.get(label, 0) + 1
        text = difference(expected, found) or difference(same_expected, same_found, "same object")
        if text:
            verdict.findings.append((request, text))
    return verdict


def _label(answer: Any) -> str:
    if hasattr(answer, "__len__") and not len(answer):
        return "empty"
    return type(answer).__name__
