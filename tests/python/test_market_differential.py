"""The market module against its references: pandas' resample, zoneinfo, lumibot's store.

Random but seeded cases through the extension; values are compared by bits. pandas 2.3.3 and lumibot
4.6.30 are the versions whose behaviour is the reference.
"""

from __future__ import annotations

import datetime as dt
import os
import zoneinfo
from typing import Any

import numpy as np
import pytest

from millibar import _core

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

NEW_YORK = "America/New_York"
CODES = {"second": "s", "minute": "min", "hour": "h", "day": "D"}
AGGREGATES = {
    "open": "first",
    "high": "max",
    "low": "min",
    "close": "last",
    "volume": "sum",
    "dividend": "sum",
    "stock_splits": "max",
}


class Cases:
    """A seeded maker of bars."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def choose(self, items: list[Any]) -> Any:
        return items[int(self.random.integers(len(items)))]

    def column(self, n: int, dtype: str, missing: float) -> np.ndarray:
        if dtype in ("i8", "i4", "u8"):
            return self.random.integers(0, 2**31 - 1, n).astype(dtype)
        values = self.random.random(n) * 10.0 ** self.random.integers(-8, 12, n)
        values *= self.random.choice([1, -1], n)
        if self.choose([0, 0, 0, 1]):
            values[self.random.random(n) < 0.1] = self.choose([np.inf, -np.inf, 0.0, -0.0])
        values[self.random.random(n) < missing] = np.nan
        return values.astype(dtype)

    def index(self, n: int, zone: str, starts: list[str], bases: list[int]) -> Any:
        steps = self.random.choice(self.choose([[1], [1] * 20 + [2, 3, 60, 700]]), size=n)
        steps = steps * self.choose(bases)
        first = pd.Timestamp(self.choose(starts), tz="UTC").value // 10**9
        first += int(self.random.integers(0, 86400))
        seconds = first + np.concatenate([[0], np.cumsum(steps)[:-1]])
        stamps = pd.DatetimeIndex(seconds * 10**9, tz="UTC", name="timestamp")
        return stamps.as_unit(self.choose(["s", "ms", "us", "ns"])).tz_convert(zone)


def series_of(frame: Any, step: Any, zone: str) -> _core.Series:
    table = pa.Table.from_pandas(frame.reset_index(), preserve_index=False)
    core = _core.table_from_arrow(table)
    return _core.Series(core, time=frame.index.name, step=step, zone=zone)


def frame_of(series: _core.Series, index: str) -> Any:
    return pa.table(series.table).to_pandas().set_index(index)


def assert_same(got: Any, wanted: Any, context: object) -> None:
    assert list(got.columns) == list(wanted.columns), context
    assert np.array_equal(got.index.as_unit("ns").asi8, wanted.index.as_unit("ns").asi8), context
    for name in wanted.columns:
        a, b = got[name], wanted[name]
        if a.dtype.kind == "M":
            values = [column.dt.as_unit("ns").array.asi8 for column in (a, b)]
            assert np.array_equal(*values), (context, name)
        else:
            assert a.dtype == b.dtype, (context, name)
            assert a.to_numpy().tobytes() == b.to_numpy().tobytes(), (context, name)


# Nights of both changes of clock; Sao Paulo's, Beirut's and Havana's come at midnight.
ZONES = [NEW_YORK, NEW_YORK, "America/Sao_Paulo", "Asia/Beirut", "America/Havana", "UTC"]
NIGHTS = ["2024-03-09", "2024-11-02", "2018-11-03", "2018-02-17", "2024-03-30", "2024-10-26"]


@pytest.mark.parametrize("seed", range(4))
def test_resample_has_pandas_bits(seed: int) -> None:
    cases = Cases(seed)
    n_checked = 0
    for case in range(60):
        zone = cases.choose(ZONES)
        n = int(cases.random.integers(1, 300))
        index = cases.index(n, zone, NIGHTS, [1, 60, 60, 60, 300, 3600])
        dtype = cases.choose(["f8", "f8", "f4", "i8", "i4", "u8"])
        missing = cases.choose([0, 0, 0.1, 0.5])
        columns = {name: cases.column(n, dtype, missing) for name in list(AGGREGATES)[:4]}
        columns["volume"] = cases.column(n, cases.choose(["f8", "i8", "i4"]), missing)
        for name in ("dividend", "stock_splits"):
            if cases.choose([0, 1]):
                columns[name] = cases.column(n, "f8", missing)
        frame = pd.DataFrame(columns, index=index)
        series = series_of(frame, "minute", zone)
        for _ in range(3):
            step = cases.choose(["minute", "hour", "day"])
            every = cases.choose([1, 2, 3, 5, 7, 30, 90])
            first = int(cases.random.integers(0, n))
            rows = frame.iloc[first : first + int(cases.random.integers(1, n + 1))]
            how = {name: AGGREGATES[name] for name in AGGREGATES if name in columns}
            try:
                wanted = rows.resample(f"{every}{CODES[step]}").agg(how).dropna()
            except Exception as error:  # pandas cannot start on a midnight there twice, or not
                assert type(error).__name__ in ("AmbiguousTimeError", "NonExistentTimeError")
                continue
            got = series.resample(every, step, first=first, n_rows=len(rows))
            assert_same(frame_of(got, "timestamp"), wanted, (seed, case, zone, every, step))
            n_checked += 1
    assert n_checked > 120


@pytest.mark.parametrize("name", ["America/New_York", "America/St_Johns", "Pacific/Apia"])
def test_zone_agrees_with_zoneinfo(name: str) -> None:
    try:
        reference = zoneinfo.ZoneInfo(name)
        zone = _core.Zone(name)
    except (zoneinfo.ZoneInfoNotFoundError, LookupError, OSError):
        pytest.skip(f"no time zone data for {name}")
    epoch = dt.datetime(1970, 1, 1)
    random = np.random.default_rng(7)
    for second in random.integers(-2_000_000_000, 2_500_000_000, 3000).tolist():
        at = dt.datetime.fromtimestamp(second, dt.timezone.utc)
        offset = at.astimezone(reference).utcoffset()
        assert offset is not None
        assert zone.offset_s(second * 10**9) == offset.total_seconds(), second
        local = epoch + dt.timedelta(seconds=second)
        for fold, rule in ((0, "earlier"), (1, "later")):
            placed = local.replace(tzinfo=reference, fold=fold).astimezone(dt.timezone.utc)
            if placed.astimezone(reference).replace(tzinfo=None) == local:  # not in a gap
                got = zone.from_local(second * 10**9, rule)  # type: ignore[arg-type]
                assert got == round(placed.timestamp()) * 10**9, (second, fold)


def lumibot_entities() -> Any:
    os.environ.setdefault("IS_BACKTESTING", "true")
    os.environ.setdefault("LUMIBOT_DISABLE_DOTENV", "1")
    return pytest.importorskip("lumibot.entities")


def bars_for_lumibot(cases: Cases, step: str, n: int) -> Any:
    base = {"minute": [60, 60, 300], "hour": [3600], "day": [86400]}[step]
    index = cases.index(n, NEW_YORK, NIGHTS, base)
    if step == "day":
        index = index.normalize().unique()
        n = len(index)
    missing = cases.choose([0, 0.1, 0.5])
    names = ["open", "high", "low", "close", "bid", "ask", "dividend"]
    columns = {name: cases.column(n, "f8", missing) for name in names}
    columns["volume"] = cases.column(n, cases.choose(["f8", "i8"]), missing)
    columns["bid_size"] = cases.column(n, cases.choose(["f8", "i8"]), missing)
    columns["last_bid_time"] = index.where(cases.random.random(n) >= missing)
    return pd.DataFrame(columns, index=index)


def check_windows(cases: Cases, data: Any, series: _core.Series) -> None:
    states = {None: _core.BAR_NONE, "forming": _core.BAR_FORMING, "closed": _core.BAR_CLOSED}
    for _ in range(30):
        offset = cases.choose([0, 0, 30, 60, -60, 3600, 5 * 86400])
        at = cases.choose(list(data.df.index)) + pd.Timedelta(offset, "s")
        length = cases.choose([0, 1, 2, 50, 5000, -3])
        shift = cases.choose([0, 0, 1, 7, -1, -2, -60])
        now = at.to_pydatetime()
        first, end, _ = data._get_bars_row_bounds(now, length=length, timeshift=shift)
        now_ns = at.as_unit("ns").value
        assert series.window(_core.LUMIBOT, now_ns, length, shift) == (first, end - first)
        row = data.get_iter_count(now)
        assert series.state(now_ns) == (row, states[data._intraday_state_at(row, now)])


@pytest.mark.parametrize("seed", range(3))
def test_fill_and_windows_are_lumibots(seed: int) -> None:
    entities = lumibot_entities()
    sources = pytest.importorskip("lumibot.data_sources")
    cases = Cases(100 + seed)
    for case in range(8):
        step = cases.choose(["minute", "minute", "hour", "day"])
        frames = [bars_for_lumibot(cases, step, 60) for _ in range(cases.choose([1, 2]))]
        datas = [
            entities.Data(entities.Asset(f"X{i}"), frame.copy(), timestep=step)
            for i, frame in enumerate(frames)
        ]
        serieses = [series_of(data.df, step, NEW_YORK) for data in datas]
        names = [list(data.df.columns) for data in datas]
        first = min(data.df.index[0] for data in datas)
        last = max(data.df.index[-1] for data in datas)
        end = last - pd.Timedelta(cases.choose([0, 90]), "s")
        source = sources.PandasData(
            datetime_start=first.to_pydatetime(),
            datetime_end=max(end, first + pd.Timedelta("1h")).to_pydatetime(),
            pandas_data=datas,
        )
        source.load_data()
        end_ns = pd.Timestamp(source.datetime_end).as_unit("ns").value
        grid = _core.grid(serieses, step, NEW_YORK, end_ns)
        assert np.array_equal(np.asarray(grid), source._date_index.as_unit("ns").asi8)
        for data, series, columns in zip(datas, serieses, names, strict=True):
            filled = series.fill(grid)
            got = frame_of(filled, "datetime")
            assert_same(got[columns], data.df[columns], (seed, case, step))
            if len(data.df):
                check_windows(cases, data, filled)
