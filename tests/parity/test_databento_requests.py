"""Request by request: lumibot's DataBento classes and ours, by bits.

Both sources get the same clock and the same calls in the same order, since lumibot's answer to one
call depends on those before it: which range of bars is loaded, and what this instant was already
asked. Each sequence is first made on a source that is thrown away, so that lumibot has cached all
it wants; the comparison then shares that cache, and nothing may be fetched during it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lumibot", reason="parity with lumibot needs lumibot")
pytest.importorskip("databento", reason="lumibot's DataBento classes need the databento package")

import offline
from bits import difference
from databento_support import SyntheticDataBento, use_cache
from offline import NEW_YORK, new_york

START = new_york("2024-01-03 09:30")
END = new_york("2024-01-05 16:00")
# A start whose five days of lead begin in the exchange's weekend: lumibot's coverage check fails.
MONDAY = new_york("2024-01-08 06:00")
MONDAY_END = new_york("2024-01-08 12:00")
# The front contract changes on 2024-03-05 at 00:05 New York.
ROLL = new_york("2024-03-04 12:00")
ROLL_END = new_york("2024-03-06 12:00")

VARIANTS = {"pandas": "DataBentoDataBacktestingPandas", "polars": "DataBentoDataBacktesting"}
LENGTHS = (1, 1, 2, 2, 3, 14, 14, 50, 50, 200, 200, 201, 1000, 5000)
SHIFTS: tuple[Any, ...] = (
    None, 0, -1, -2, 1, 5, 90, timedelta(minutes=-2), timedelta(minutes=-1), timedelta(minutes=3),
    timedelta(seconds=30), timedelta(hours=2), timedelta(days=1),
)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A request: when, which method, with what."""

    now: datetime
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.name}{self.args} {self.kwargs} at {self.now}"

    def ask(self, source: Any) -> Any:
        """The answer, with the conversions of a Bars, or the exception's type and text."""
        source._datetime = self.now
        try:
            answer = getattr(source, self.name)(*self.args, **self.kwargs)
        except Exception as error:
            return type(error), str(error)
        if self.name == "get_quote" and answer.timestamp != self.now:
            answer.timestamp = None  # lumibot's Polars class leaves it to be the time of day
        if self.name != "get_historical_prices" or answer is None:
            return answer
        # The conversion to Polars is slow to compare, so it is made for one length in six.
        return answer, answer.pandas_df, answer.polars_df if self.args[1] == 14 else None


def source_classes(variant: str) -> tuple[type, type]:
    """lumibot's class and the one under test, which is lumibot's too where the judge is judged."""
    from lumibot import backtesting

    theirs = getattr(backtesting, VARIANTS[variant])
    if offline.subject_name() == "lumibot":
        return theirs, theirs
    import millibar.integrations.lumibot as ours

    return theirs, getattr(ours, VARIANTS[variant])


def make_source(cls: type, start: datetime = START, end: datetime = END, **options: Any) -> Any:
    return cls(
        datetime_start=start, datetime_end=end, api_key="k", show_progress_bar=False, **options
    )


def mes() -> Any:
    from lumibot.entities import Asset

    return Asset("MES", asset_type=Asset.AssetType.CONT_FUTURE)


def _clocks(rng: np.random.Generator, start: datetime, end: datetime, n: int) -> list[datetime]:
    """Instants of the run, most of them used several times, some off the minute or outside."""
    minutes = int((end - start).total_seconds()) // 60
    clocks: list[datetime] = []
    while len(clocks) < n:
        now = start + timedelta(minutes=int(rng.integers(0, minutes)))
        kind = rng.random()
        if kind < 0.06:
            now += timedelta(seconds=int(rng.integers(1, 60)))
        elif kind < 0.10:
            now = start - timedelta(minutes=int(rng.integers(0, 9000)))
        elif kind < 0.14:
            now = end + timedelta(minutes=int(rng.integers(0, 3000)))
        clocks += [NEW_YORK.normalize(now)] * int(rng.integers(1, 4))
    return clocks[:n]


def _call(
    rng: np.random.Generator, now: datetime, assets: list[Any], steps: tuple[str, ...]
) -> Call:
    asset = assets[int(rng.integers(len(assets)))]
    kind = rng.random()
    if kind < 0.25:
        return Call(now, "get_last_price", (asset,), {})
    if kind < 0.32:
        return Call(now, "get_quote", (asset,), {})
    shift = SHIFTS[int(rng.integers(len(SHIFTS)))] if rng.random() < 0.5 else None
    keywords: dict[str, Any] = {"timestep": steps[int(rng.integers(len(steps)))]}
    keywords["timeshift"] = shift
    if rng.random() < 0.1:
        keywords["return_polars"] = True
    return Call(now, "get_historical_prices", (asset, int(rng.choice(LENGTHS))), keywords)


def _prime(cls: type, calls: list[Call], start: datetime, end: datetime) -> None:
    """Let lumibot fetch and cache every range that the calls can make it want."""
    wanted = {(id(a), 10, "minute"): (a, 10, "minute") for call in calls for a in call.args[:1]}
    for call in calls:
        if call.name == "get_historical_prices":
            asset, length = call.args
            step = call.kwargs["timestep"]
            wanted[id(asset), length, step] = (asset, length, step)
        wanted[id(call.args[0]), 1, "minute"] = (call.args[0], 1, "minute")
    for asset, length, step in wanted.values():
        make_source(cls, start, end)._update_pandas_data(asset, None, length, step)


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[SyntheticDataBento]:
    offline.quiet()
    with SyntheticDataBento().installed(tmp_path / "shared") as synthetic:
        yield synthetic


def _compare(
    vendor: SyntheticDataBento,
    variant: str,
    *,
    seed: int,
    n: int,
    steps: tuple[str, ...] = ("minute",),
    assets: list[Any] | None = None,
    start: datetime = START,
    end: datetime = END,
) -> None:
    rng = np.random.default_rng(seed)
    chosen = assets or [mes()]
    calls = [_call(rng, now, chosen, steps) for now in _clocks(rng, start, end, n)]
    theirs, ours = source_classes(variant)
    _prime(theirs, calls, start, end)
    fetched = vendor.rows_given()
    assert fetched
    sources = make_source(theirs, start, end), make_source(ours, start, end)
    answered = 0
    for i, call in enumerate(calls):
        reference, subject = (call.ask(source) for source in sources)
        found = difference(reference, subject)
        assert not found, f"request {i}: {call}: {found}"
        answered += reference is not None
    assert answered > n // 2
    assert vendor.rows_given() == fetched


@pytest.mark.parametrize(("variant", "n"), [("polars", 1500), ("pandas", 150)])
def test_minutes(vendor: SyntheticDataBento, variant: str, n: int) -> None:
    _compare(vendor, variant, seed=1, n=n)


@pytest.mark.parametrize(("variant", "n"), [("polars", 250), ("pandas", 80)])
def test_timesteps_replace_each_other(vendor: SyntheticDataBento, variant: str, n: int) -> None:
    """lumibot keeps one dataset an asset: a daily request drops the minutes, and so on."""
    steps = ("minute", "hour", "day", "5 minutes", "15minute")
    _compare(vendor, variant, seed=2, n=n, steps=steps)


@pytest.mark.parametrize("variant", VARIANTS)
def test_start_in_a_weekend(vendor: SyntheticDataBento, variant: str) -> None:
    """The bars then begin after the start lumibot asks for, so it loads them at every call."""
    _compare(vendor, variant, seed=3, n=80, steps=("minute", "day"), start=MONDAY, end=MONDAY_END)


@pytest.mark.parametrize("variant", VARIANTS)
def test_roll(vendor: SyntheticDataBento, variant: str) -> None:
    _compare(vendor, variant, seed=4, n=60, start=ROLL, end=ROLL_END)
    assert {"MESH4", "MESM4"} <= {request.symbol for request in vendor.requests}


@pytest.mark.parametrize("variant", VARIANTS)
def test_several_assets(vendor: SyntheticDataBento, variant: str) -> None:
    from lumibot.entities import Asset

    vendor.contracts["MESH24"] = 4765.0
    assets = [
        mes(),
        mes(),
        Asset("ES", asset_type=Asset.AssetType.CONT_FUTURE),
        Asset("MES", asset_type=Asset.AssetType.FUTURE, expiration=date(2024, 3, 15)),
    ]
    _compare(vendor, variant, seed=5, n=80, assets=assets)


@pytest.mark.parametrize("variant", VARIANTS)
def test_long_history_covers_short(vendor: SyntheticDataBento, variant: str) -> None:
    """After a request of ten thousand minutes lumibot's pandas class keeps that range, and shows
    the return of the whole series once a quote has been asked for."""
    theirs, ours = source_classes(variant)
    asset = mes()
    make_source(theirs)._update_pandas_data(asset, None, 10_000, "minute")
    sources = make_source(theirs), make_source(ours)
    steps: list[Any] = [
        ("get_historical_prices", (asset, length), {"timestep": "minute"}) for length in (10_000, 5)
    ]
    steps.append(("get_quote", (asset,), {}))
    for minute in range(3):
        for name, args, kwargs in (*steps, *steps[1:]):
            call = Call(START + timedelta(minutes=minute), name, args, kwargs)
            reference, subject = (call.ask(source) for source in sources)
            found = difference(reference, subject)
            assert not found, f"{call}: {found}"


@pytest.mark.parametrize("variant", VARIANTS)
def test_frames_of_one_instant(vendor: SyntheticDataBento, variant: str) -> None:
    """A column a strategy adds is seen by the same request at the same instant, or is not."""
    seen = []
    for cls in source_classes(variant):
        source = make_source(cls)
        source._datetime = START
        asset = mes()
        first = source.get_historical_prices(asset, 20, timestep="minute").df
        first["mine"] = 1.0
        again = source.get_historical_prices(asset, 20, timestep="minute").df
        other = source.get_historical_prices(asset, 21, timestep="minute").df
        source._datetime = START + timedelta(minutes=1)
        later = source.get_historical_prices(asset, 20, timestep="minute").df
        seen.append(["mine" in frame.columns for frame in (again, other, later)])
        other.loc[:, "close"] = 0.0
        assert (source.get_historical_prices(asset, 21, timestep="minute").df["close"] > 0).all()
    assert seen[0] == seen[1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_asset_the_vendor_does_not_have(vendor: SyntheticDataBento, variant: str) -> None:
    from lumibot.entities import Asset

    nothing = Asset("NQ", asset_type=Asset.AssetType.CONT_FUTURE)
    answers = []
    for cls in source_classes(variant):
        source = make_source(cls)
        calls = [
            Call(START + timedelta(minutes=i), "get_historical_prices", (nothing, 20), {})
            for i in range(6)
        ]
        before = len(vendor.requests)
        answers.append([call.ask(source) for call in calls])
        asked = len(vendor.requests) - before
    assert answers[0] == answers[1] == [None] * 6
    if offline.subject_name() == "millibar":
        assert asked == 3


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_asset_object_gets_its_multiplier(vendor: SyntheticDataBento, variant: str) -> None:
    seen = []
    for cls in source_classes(variant):
        source = make_source(cls)
        source._datetime = START
        assets = [mes() for _ in range(4)]
        source.get_last_price(assets[0])
        for asset in assets[1:]:
            source.get_historical_prices(asset, 20, timestep="minute")
        source.get_last_price(assets[3])
        seen.append([asset.multiplier for asset in assets])
    assert seen[0] == seen[1]
    assert 5 in seen[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_fresh_caches(vendor: SyntheticDataBento, variant: str, tmp_path: Path) -> None:
    """Each class with an empty cache of its own: the same bars, and we fetch less.

    lumibot's Polars class shows the row numbers of a file, as a column "index", when it reads its
    cache, and not when it has just fetched; that column is left out here.
    """
    rng = np.random.default_rng(6)
    calls = [_call(rng, now, [mes()], ("minute",)) for now in _clocks(rng, START, END, 60)]
    answers, fetched = [], []
    for side, cls in zip(("theirs", "ours"), source_classes(variant), strict=True):
        use_cache(tmp_path / side)
        source = make_source(cls)
        before = vendor.rows_given()
        answers.append([_without_index(call.ask(source)) for call in calls])
        fetched.append(vendor.rows_given() - before)
    for call, reference, subject in zip(calls, *answers, strict=True):
        found = difference(reference, subject)
        assert not found, f"{call}: {found}"
    assert fetched[1] <= fetched[0]


def _without_index(answer: Any) -> Any:
    if not isinstance(answer, tuple) or len(answer) != 3:
        return answer
    bars, pandas_frame, polars_frame = answer
    pandas_frame = pandas_frame.drop(columns="index", errors="ignore")
    if polars_frame is not None:
        polars_frame = polars_frame.drop("index", strict=False)
    return bars.symbol, len(bars), pandas_frame, polars_frame


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_steps_of_a_request(vendor: SyntheticDataBento, variant: str) -> None:
    """lumibot's inner steps, which programs reach for: the frame it pulls, the Bars of it."""
    theirs, ours = source_classes(variant)
    _prime(
        theirs,
        [Call(START, "get_historical_prices", (mes(), 20), {"timestep": "minute"})],
        START,
        END,
    )
    answers = []
    for cls in (theirs, ours):
        source, asset = make_source(cls), mes()
        source._datetime = START
        pulled = source._pull_source_symbol_bars(asset, 20, timestep="minute")
        several = source.get_bars([asset], 5, timestep="minute")
        bars = source._parse_source_symbol_bars(pulled, asset, quote=None)
        answers.append([pulled, bars, dict(several), source._get_bars_dict([asset], 7, "minute")])
    assert not difference(*answers)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_derived_class_with_a_step_of_its_own(vendor: SyntheticDataBento, variant: str) -> None:
    answers = []
    for cls in source_classes(variant):

        class Halved(cls):  # type: ignore[misc, valid-type]
            def _pull_source_symbol_bars(
                self, asset: Any, length: int, *args: Any, **kw: Any
            ) -> Any:
                return super()._pull_source_symbol_bars(asset, length // 2, *args, **kw)

        source = make_source(Halved)
        source._datetime = START
        bars = source.get_historical_prices(mes(), 20, timestep="minute")
        answers.append(_without_index((bars, bars.df, None)))
        assert len(bars) == 10
    assert not difference(*answers)
