"""What is read, what is fetched: our DataBento classes over caches that hold part of a request.

The truth is what lumibot's class gives when it fetches everything from the same vendor; however
the cache came to be, the bars must be those, and only what no cached file covers may be fetched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lumibot", reason="parity with lumibot needs lumibot")
pytest.importorskip("databento", reason="lumibot's DataBento classes need the databento package")

import offline
from bits import difference
from databento_support import SyntheticDataBento, helpers, use_cache
from offline import new_york
from test_databento_requests import END, ROLL, ROLL_END, START, VARIANTS, make_source, mes

LENGTH = 200


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[SyntheticDataBento]:
    offline.quiet()
    with SyntheticDataBento().installed(tmp_path / "cache") as synthetic:
        yield synthetic


def _class(variant: str) -> type:
    import millibar.integrations.lumibot as ours

    return getattr(ours, VARIANTS[variant])


def _helper(variant: str) -> Any:
    return helpers()[0 if variant == "pandas" else 1]


def _folder(variant: str) -> Path:
    return Path(_helper(variant).LUMIBOT_DATABENTO_CACHE_FOLDER)


def _truth(
    variant: str, tmp_path: Path, step: str = "minute", start: datetime = START, end: datetime = END
) -> pd.DataFrame:
    """All bars of the request as lumibot fetches them, in a cache of its own."""
    from lumibot import backtesting

    before = _folder(variant).parent
    use_cache(tmp_path / "truth")
    source = make_source(getattr(backtesting, VARIANTS[variant]), start, end)
    frame = _all_bars(source, step)
    use_cache(before)
    return frame


def _all_bars(source: Any, step: str = "minute") -> pd.DataFrame:
    """What the source has after one request: its whole range, without the row numbers."""
    source._datetime = source.datetime_end + timedelta(days=2)
    source._update_pandas_data(mes(), None, LENGTH, step)
    source._filtered_bars_cache.clear()
    data = next(iter(source.pandas_data.values()))
    return data.df.drop(columns="index", errors="ignore")


def _request(source: Any, step: str = "minute") -> tuple[datetime, datetime]:
    start, _ = source.get_start_datetime_and_ts_unit(LENGTH, step, start_buffer=timedelta(days=5))
    return start, source.datetime_end + timedelta(days=1)


def _cache(
    variant: str, vendor: SyntheticDataBento, symbol: str, start: Any, end: Any, step: str
) -> Path:
    """A file as lumibot's helper leaves it after fetching [start, end) of a contract."""
    helper = _helper(variant)
    schema = helper._determine_databento_schema(step)
    bars = vendor.bars(symbol, schema)
    first, last = (pd.Timestamp(t).tz_localize(None).tz_localize("UTC") for t in (start, end))
    frame = helper._normalize_databento_dataframe(bars[(bars.index >= first) & (bars.index < last)])
    frame["symbol"] = symbol
    path = helper._build_cache_filename(mes(), start, end, step, symbol_override=symbol)
    helper._save_cache(frame, path)
    return Path(path)


def _check(
    vendor: SyntheticDataBento, source: Any, truth: pd.DataFrame, fetched: int, step: str = "minute"
) -> None:
    """The bars are the truth, and exactly so many rows were fetched for them."""
    before = vendor.rows_given()
    assert not difference(truth, _all_bars(source, step))
    assert vendor.rows_given() - before == fetched


def _time(frame: pd.DataFrame) -> str:
    return "ts_event" if "ts_event" in frame.columns else "datetime"


def _rows(vendor: SyntheticDataBento, start: Any, end: Any, symbol: str = "MESH4") -> int:
    bars = vendor.bars(symbol).index
    first, last = (pd.Timestamp(t).tz_localize(None).tz_localize("UTC") for t in (start, end))
    return int(((bars >= first) & (bars < last)).sum())


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_cached(vendor: SyntheticDataBento, variant: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    _check(vendor, source, truth, _rows(vendor, start, end))
    names = [path.name for path in _folder(variant).iterdir()]
    assert names == ["MESH4_minute_202312290610_202401061559.parquet"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_very_file(vendor: SyntheticDataBento, variant: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    _cache(variant, vendor, "MESH4", *_request(source), "minute")
    _check(vendor, source, truth, 0)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("step", ["minute", "hour", "day"])
def test_a_wider_file(vendor: SyntheticDataBento, variant: str, step: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path, step)
    source = make_source(_class(variant))
    start, end = _request(source, step)
    for symbol in ("MESM3", "MESU3", "MESZ3", "MESH4"):
        if symbol in vendor.contracts:
            wide = start - timedelta(days=3), end + timedelta(days=2)
            _cache(variant, vendor, symbol, *wide, step)
    _check(vendor, source, truth, 0, step)


@pytest.mark.parametrize("variant", VARIANTS)
def test_start_missing(vendor: SyntheticDataBento, variant: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    known = start + timedelta(days=4, hours=3)
    _cache(variant, vendor, "MESH4", known, end, "minute")
    _check(vendor, source, truth, _rows(vendor, start, known))


@pytest.mark.parametrize("variant", VARIANTS)
def test_end_missing(vendor: SyntheticDataBento, variant: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    known = end - timedelta(days=2)
    _cache(variant, vendor, "MESH4", start, known, "minute")
    _check(vendor, source, truth, _rows(vendor, known, end))
    # What was fetched is cached: another run fetches nothing.
    _check(vendor, make_source(_class(variant)), truth, 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_middle_missing(vendor: SyntheticDataBento, variant: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    left, right = start + timedelta(days=5), end - timedelta(days=1)
    _cache(variant, vendor, "MESH4", start, left, "minute")
    _cache(variant, vendor, "MESH4", right, end, "minute")
    _check(vendor, source, truth, _rows(vendor, left, right))


@pytest.mark.parametrize("variant", VARIANTS)
def test_overlapping_files(vendor: SyntheticDataBento, variant: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    for a, b in ((0, 5), (2, 6), (4, 9), (3, 4)):
        _cache(
            variant, vendor, "MESH4", start + timedelta(days=a), start + timedelta(days=b), "minute"
        )
    assert start + timedelta(days=9) > end
    _check(vendor, source, truth, 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_file_cut_short_when_written(
    vendor: SyntheticDataBento, variant: str, tmp_path: Path
) -> None:
    """Written before the end it states: what comes after its last row is fetched."""
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    cut = end - timedelta(days=2, hours=1)
    short = _cache(variant, vendor, "MESH4", start, cut, "minute")
    last = pd.read_parquet(short)
    stamp = last[_time(last)].iloc[-1]
    stated = _helper(variant)._build_cache_filename(
        mes(), start, end + timedelta(days=1), "minute", symbol_override="MESH4"
    )
    shutil.move(short, stated)
    written = (cut - timedelta(hours=1)).timestamp()
    os.utime(stated, (written, written))
    _check(vendor, source, truth, _rows(vendor, stamp + timedelta(minutes=1), end))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_a_damaged_file(
    vendor: SyntheticDataBento,
    variant: str,
    damage: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file of the request itself: said, removed and fetched again, as lumibot does."""
    from millibar.integrations.lumibot import _databento_cache

    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    path = _cache(variant, vendor, "MESH4", start, end, "minute")
    whole = path.read_bytes()
    damaged = {"truncated": whole[: len(whole) // 2], "garbage": b"PAR1" * 99, "empty": b""}
    path.write_bytes(damaged[damage])
    said: list[str] = []
    monkeypatch.setattr(
        _databento_cache.logger, "warning", lambda text, *args: said.append(text % args)
    )
    _check(vendor, source, truth, _rows(vendor, start, end))
    assert any(
        "Cannot read the cached DataBento file" in text and path.name in text for text in said
    )
    _check(vendor, make_source(_class(variant)), truth, 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_damaged_file_that_is_not_the_requests(
    vendor: SyntheticDataBento, variant: str, tmp_path: Path
) -> None:
    """It is left alone and left out."""
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    path = _cache(variant, vendor, "MESH4", start - timedelta(days=1), end, "minute")
    path.write_bytes(b"not a Parquet file")
    _check(vendor, source, truth, _rows(vendor, start, end))
    assert path.read_bytes() == b"not a Parquet file"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_file_only_pandas_can_read(
    vendor: SyntheticDataBento, variant: str, tmp_path: Path
) -> None:
    """A codec that the C reader does not have: lumibot's reader is asked."""
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    path = _cache(variant, vendor, "MESH4", *_request(source), "minute")
    pd.read_parquet(path).to_parquet(path, compression="brotli")
    _check(vendor, source, truth, 0)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("present", ["MESH4", "MESM4", "both", "none"])
def test_a_roll(vendor: SyntheticDataBento, variant: str, present: str, tmp_path: Path) -> None:
    truth = _truth(variant, tmp_path, start=ROLL, end=ROLL_END)
    source = make_source(_class(variant), ROLL, ROLL_END)
    start, end = _request(source)
    fetched = 0
    for symbol in ("MESH4", "MESM4"):
        if present in (symbol, "both"):
            _cache(variant, vendor, symbol, start, end, "minute")
        else:
            fetched += _rows(vendor, start, end, symbol)
    _check(vendor, source, truth, fetched)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_roll_out_of_files_of_both_kinds(
    vendor: SyntheticDataBento, variant: str, tmp_path: Path
) -> None:
    """One contract under the request's own name, the other within a wider file and a gap."""
    truth = _truth(variant, tmp_path, start=ROLL, end=ROLL_END)
    source = make_source(_class(variant), ROLL, ROLL_END)
    start, end = _request(source)
    known = end - timedelta(days=1)
    _cache(variant, vendor, "MESH4", start, end, "minute")
    _cache(variant, vendor, "MESM4", start - timedelta(days=2), known, "minute")
    _check(vendor, source, truth, _rows(vendor, known, end, "MESM4"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_another_contracts_file_is_no_use(
    vendor: SyntheticDataBento, variant: str, tmp_path: Path
) -> None:
    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    _cache(variant, vendor, "MESM4", start, end, "minute")
    _cache(variant, vendor, "MESH4", start, end, "hour")
    _check(vendor, source, truth, _rows(vendor, start, end))


@pytest.mark.parametrize("variant", VARIANTS)
def test_vendor_fails(vendor: SyntheticDataBento, variant: str) -> None:
    """A failing vendor gives no bars, and is asked three times in all, not at every bar."""
    source = make_source(_class(variant))
    vendor.failure = ConnectionError("no route to host")
    calls = 0
    original = vendor.get_historical_data

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return original(*args, **kwargs)

    vendor.get_historical_data = counting  # type: ignore[method-assign]
    for minute in range(8):
        source._datetime = START + timedelta(minutes=minute)
        assert source.get_historical_prices(mes(), LENGTH, timestep="minute") is None
    assert calls == 3


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cached", [False, True], ids=["nothing cached", "part cached"])
def test_key_refused(vendor: SyntheticDataBento, variant: str, cached: bool) -> None:
    source = make_source(_class(variant))
    if cached:
        start, end = _request(source)
        _cache(variant, vendor, "MESH4", start + timedelta(days=3), end, "minute")
    error = _helper(variant).DataBentoAuthenticationError
    vendor.failure = error("401")
    source._datetime = START
    with pytest.raises(error):
        source.get_historical_prices(mes(), LENGTH, timestep="minute")


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_range_is_read_once(
    vendor: SyntheticDataBento, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from millibar.integrations.lumibot import _databento_cache

    opened: list[str] = []
    read = _databento_cache.read_file

    def counting(path: Path) -> Any:
        opened.append(path.name)
        return read(path)

    source = make_source(_class(variant))
    start, end = _request(source)
    _cache(variant, vendor, "MESH4", start, end, "minute")
    monkeypatch.setattr(_databento_cache, "read_file", counting)
    monkeypatch.setattr(pd, "read_parquet", lambda *a, **k: pytest.fail("read through pandas"))
    rng = np.random.default_rng(0)
    asset = mes()
    for minute in range(60):
        source._datetime = START + timedelta(minutes=minute)
        for length in rng.permutation([1, 2, 50, 200]):
            bars = source.get_historical_prices(asset, int(length), timestep="minute")
            assert len(bars) == length
        assert source.get_last_price(asset) > 0
    assert opened == ["MESH4_minute_202312290610_202401061559.parquet"]
    assert vendor.rows_given() == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_the_files_wanted_are_opened(
    vendor: SyntheticDataBento, variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from millibar.integrations.lumibot import _databento_cache

    truth = _truth(variant, tmp_path)
    source = make_source(_class(variant))
    start, end = _request(source)
    for hours in range(1, 9):
        _cache(variant, vendor, "MESH4", start + timedelta(hours=hours), end, "minute")
    _cache(variant, vendor, "MESH4", start, end + timedelta(days=1), "minute")
    opened: list[str] = []
    read = _databento_cache.read_file
    monkeypatch.setattr(
        _databento_cache, "read_file", lambda path: (opened.append(path.name), read(path))[1]
    )
    _check(vendor, source, truth, 0)
    assert len(opened) == 1


def test_another_length_at_every_bar_keeps_few_ranges(vendor: SyntheticDataBento) -> None:
    from millibar.integrations.lumibot import _databento_cache

    source, asset = make_source(_class("pandas")), mes()
    start, end = _request(source)
    wide = start - timedelta(days=2), end + timedelta(days=1)
    _cache("pandas", vendor, "MESH4", *wide, "minute")
    for length in range(1, 2 * _databento_cache.MOST_KEPT):
        source._datetime = START + timedelta(minutes=length)
        bars = source.get_historical_prices(asset, length, timestep="minute")
        assert len(bars) == length
    assert len(source._loaded) == _databento_cache.MOST_KEPT
    assert vendor.rows_given() == 0


def test_frames_of_other_kinds_go_to_lumibot(vendor: SyntheticDataBento, tmp_path: Path) -> None:
    """Prices that are missing are lumibot's to treat: the same frames, through its own code."""
    from lumibot import backtesting

    for variant, name in VARIANTS.items():
        frame = vendor.bars("MESH4").copy()
        holes = frame.index[(frame.index > pd.Timestamp("2024-01-03", tz="UTC"))][::7]
        frame.loc[holes, "close"] = np.nan
        vendor._bars["MESH4", "ohlcv-1m"] = frame
        answers = []
        for cls in (getattr(backtesting, name), _class(variant)):
            use_cache(tmp_path / cls.__module__)
            source = make_source(cls)
            given = []
            for minute in range(12):
                source._datetime = new_york("2024-01-03 09:30") + timedelta(minutes=minute)
                bars = source.get_historical_prices(mes(), 20, timestep="minute")
                given.append(bars.df.drop(columns="index", errors="ignore"))
                given.append(source.get_last_price(mes()))
            answers.append(given)
        assert not difference(*answers)


@pytest.mark.parametrize("variant", VARIANTS)
def test_repeated_times_go_to_lumibot(
    vendor: SyntheticDataBento, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with a bar twice: lumibot's answers, and its file is read twice, not at every bar."""
    from lumibot import backtesting

    start, end = _request(make_source(_class(variant)))
    path = _cache(variant, vendor, "MESH4", start, end, "minute")
    frame = pd.read_parquet(path)
    pd.concat([frame, frame.iloc[5000:5003]]).sort_values(_time(frame)).to_parquet(path)
    answers = []
    reads = 0
    for cls in (getattr(backtesting, VARIANTS[variant]), _class(variant)):
        load, reads = _helper(variant)._load_cache, 0

        def counting(file: Path, load: Any = load) -> Any:
            nonlocal reads
            reads += 1
            return load(file)

        monkeypatch.setattr(_helper(variant), "_load_cache", counting)
        source = make_source(cls)
        given = []
        for minute in range(8):
            source._datetime = START + timedelta(minutes=minute)
            given.append(source.get_historical_prices(mes(), LENGTH, timestep="minute"))
            given.append(source.get_last_price(mes()))
        answers.append(given)
        monkeypatch.setattr(_helper(variant), "_load_cache", load)
    assert not difference(*answers)
    assert reads <= 4
