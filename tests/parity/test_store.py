"""The objects behind the answers: lumibot's Data after loading, asked directly, and used again.

Strategies and lumibot's own option and dividend code reach into the store: `data.df`, its lines,
its own methods. And people run one set of Data through one backtest after another. All of that must
be as it is over lumibot's data source. The last tests give our source bars in the forms lumibot
does not know (a file, millibar's Bars, Arrow) and compare with lumibot over the same rows.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import offline
import pandas as pd
import pytest

pytest.importorskip("lumibot", reason="lumibot, the reference, is not installed")

from bits import difference
from offline import new_york
from parity_data import MES, USD, Scenario, bars, cme, data, scenarios, weekdays
from parity_requests import Request, Verdict, ask, requests_of, source_of

SCENARIOS = {scenario.name: scenario for scenario in scenarios()}
N_DIRECT = 12


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    offline.quiet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def classes() -> tuple[type, type]:
    return offline.reference_class(), offline.subject_class()


# ---- After loading -----------------------------------------------------------------------------


def _loaded(source_class: type, scenario: Scenario) -> tuple[Any, dict[str, Any]]:
    """The source, and all that loading made of it, as far as it is anybody's to read."""
    source = source_class(
        datetime_start=scenario.start,
        datetime_end=scenario.end,
        pandas_data=scenario.make(),
        show_progress_bar=False,
    )
    seen: dict[str, Any] = {
        "calendar": source.load_data(),
        "date index": source._date_index,
        "timestep": source._timestep,
        "keys": list(source._data_store),
        "chains": source.get_chains(next(iter(source._data_store))[0]),
    }
    return source, seen


def _attributes(held: Any, names: list[str]) -> dict[str, Any]:
    """A Data's frame, its lines, and the named attributes."""
    found: dict[str, Any] = {"df": held.df, "iter index": held.iter_index}
    found["lines"] = {name: line.dataline for name, line in held.datalines.items()}
    return found | {name: getattr(held, name) for name in names if name not in ("df", "datalines")}


@pytest.mark.parametrize("name", SCENARIOS)
def test_loading_leaves_what_lumibot_leaves(name: str) -> None:
    (first, expected), (second, found) = (_loaded(one, SCENARIOS[name]) for one in classes())
    text = difference(expected, found)
    assert not text
    for key, held in first._data_store.items():
        names = [name for name in vars(held) if not name.startswith("_")]
        sides = [_attributes(one, names) for one in (held, second._data_store[key])]
        text = difference(*sides, f"{key}")
        assert not text


# ---- Asked directly ----------------------------------------------------------------------------


def _direct_questions(scenario: Scenario) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    rng = np.random.default_rng(scenario.seed + 1)
    span = (scenario.end - scenario.start).total_seconds()
    for _ in range(N_DIRECT):
        seconds = round(rng.random() * span * 1.2 / 60) * 60
        now = offline.NEW_YORK.normalize(scenario.start + dt.timedelta(seconds=seconds))
        length, shift = int(rng.integers(1, 60)), int(rng.integers(-2, 4))
        step = str(rng.choice(scenario.steps))
        asked = f"at {now}, {length} x {step} shifted {shift}"
        yield f"bars {asked}", lambda d, a=(now, length, step, shift): d.get_bars(*a)
        yield f"row {asked}", lambda d, a=now: d.get_iter_count(a)
        yield f"price {asked}", lambda d, a=now: d.get_last_price(a)
        yield f"quote {asked}", lambda d, a=now: d.get_quote(a)
        yield f"snapshot {asked}", lambda d, a=now: d.get_price_snapshot(a)
        yield (
            f"dict {asked}",
            lambda d, a=(now, length, shift): d._get_bars_dict(a[0], length=a[1], timeshift=a[2]),
        )


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "before-load-data"])
def test_a_data_object_asked_directly(name: str) -> None:
    scenario = SCENARIOS[name]
    first, second = (source_of(one, scenario) for one in classes())
    n_asked = 0
    for asked, question in _direct_questions(scenario):
        for key, held in first._data_store.items():
            answers = [_answer(question, one) for one in (held, second._data_store[key])]
            n_asked += 1
            text = difference(*answers, f"{key} {asked}: ")
            assert not text
    assert n_asked >= 6 * N_DIRECT


def _answer(question: Callable[[Any], Any], held: Any) -> Any:
    try:
        return question(held)
    except Exception as error:
        return error


# ---- Used again --------------------------------------------------------------------------------

AGAIN = ("futures-spring-ns-utc", "daily-actions-new-york", "nan-cells", "many-assets")


def _over(source_class: type, scenario: Scenario, given: Any, end: dt.datetime) -> list[Any]:
    """The answers of one more source over Data that may have been through another."""
    source = source_class(
        datetime_start=scenario.start,
        datetime_end=end,
        pandas_data=given,
        show_progress_bar=False,
    )
    source.load_data()
    answers = []
    for request in requests_of(scenario)[:50]:
        source._update_datetime(request.clock)
        answers.append(ask(source, request))
    return answers


@pytest.mark.parametrize("order", ["ours twice", "ours, then lumibot's", "lumibot's, then ours"])
@pytest.mark.parametrize("name", AGAIN)
def test_one_set_of_data_through_two_backtests(name: str, order: str) -> None:
    scenario = SCENARIOS[name]
    theirs, ours = classes()
    sequence = {
        "ours twice": (ours, ours),
        "ours, then lumibot's": (ours, theirs),
        "lumibot's, then ours": (theirs, ours),
    }[order]
    middle = scenario.start + (scenario.end - scenario.start) / 2
    plain, mixed = scenario.make(), scenario.make()
    for subject_class, end in zip(sequence, (middle, scenario.end), strict=True):
        expected = _over(theirs, scenario, plain, end)
        found = _over(subject_class, scenario, mixed, end)
        text = difference(expected, found)
        assert not text


# ---- Forms lumibot does not know ---------------------------------------------------------------

FORMS = ("path", "Bars", "LazyBars", "pandas", "pyarrow", "polars", "pair as key")
FRAMES = {
    "minute": bars(cme("2024-03-07", "2024-03-13"), 95, missing=0.01).tz_convert("UTC"),
    "minute, float volume": bars(cme("2024-10-31", "2024-11-05"), 96, volume="float64"),
    "day": bars(weekdays("2023-09-01", "2024-03-29"), 97, price=150, tick=0.01),
}


def _given(form: str, frame: pd.DataFrame, folder: Path) -> dict[Any, Any]:
    """`data=` holding the frame's bars in this form."""
    import millibar as mb

    if form == "pandas":
        return {MES: frame}
    columns = frame.rename_axis("timestamp").reset_index()
    columns["timestamp"] = columns["timestamp"].dt.tz_convert("UTC")
    path = folder / "bars.parquet"
    columns.to_parquet(path)
    if form == "pyarrow":
        return {MES: __import__("pyarrow").Table.from_pandas(columns)}
    if form == "polars":
        return {MES: __import__("polars").from_pandas(columns)}
    made = {"path": path, "Bars": mb.read_parquet, "LazyBars": mb.scan_parquet}.get(form, str(path))
    key = (MES, USD) if form == "pair as key" else MES
    return {key: made(path) if callable(made) else made}


@pytest.mark.skipif(offline.subject_name() != "millibar", reason="lumibot has no data= argument")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", FRAMES)
def test_bars_in_every_form_answer_alike(kind: str, form: str, tmp_path: Path) -> None:
    frame = FRAMES[kind]
    step = kind.partition(",")[0]
    steps = ("day", "2 days") if step == "day" else ("minute", "5 minutes", "hour", "day")
    start, end = frame.index[len(frame) // 3], frame.index[-1]
    scenario = Scenario(
        f"form {kind}",
        lambda: {MES: data(MES, frame, step)},
        start.tz_convert(offline.NEW_YORK).to_pydatetime(),
        end.tz_convert(offline.NEW_YORK).to_pydatetime(),
        ((MES, None), (MES, USD)),
        steps,
        n_requests=150,
    )
    reference = source_of(offline.reference_class(), scenario)
    subject = offline.subject_class()(
        datetime_start=scenario.start,
        datetime_end=scenario.end,
        data=_given(form, frame, tmp_path),
        show_progress_bar=False,
    )
    subject.load_data()
    verdict = Verdict()
    for request in requests_of(scenario):
        verdict.n_asked += 1
        answers = [_at(source, request) for source in (reference, subject)]
        text = difference(*answers)
        if text:
            verdict.findings.append((request, text))
    assert verdict.n_asked == 150
    assert not verdict.findings, verdict.report()


def _at(source: Any, request: Request) -> Any:
    source._update_datetime(request.clock)
    return ask(source, request)


def test_a_scenario_can_be_made_twice() -> None:
    """What every comparison here rests on: both sides get equal data."""
    for scenario in SCENARIOS.values():
        first, second = (list(_frames(scenario.make())) for _ in range(2))
        assert difference(first, second) is None
    assert new_york("2024-03-10 12:00").utcoffset() == dt.timedelta(hours=-4)


def _frames(made: Any) -> Iterator[pd.DataFrame]:
    for held in made.values() if isinstance(made, dict) else made:
        yield held.df
