"""PandasDataBacktesting over C: what a lumibot user may do with it beyond asking for bars.

The answers themselves are compared in tests/parity; here are the ways in (`data=`), what becomes of
lumibot's Data objects, and what happens when somebody reaches into the source during a run.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import pytz
from lumibot_support import (
    END,
    MES,
    NEW_YORK,
    SPY,
    START,
    USD,
    Ours,
    Theirs,
    assert_alike,
    assert_same,
    at,
    both,
    clocks,
    days,
    logged,
    minutes,
    source,
)

pytest.importorskip("lumibot", reason="lumibot is not installed")

import offline
from lumibot.entities import Asset, Data, DataPolars
from lumibot.strategies import Strategy

import millibar as mb
from millibar.history import QUOTE_FIELDS
from millibar.integrations.lumibot import Bars, _data, _pandas

UTC = timezone.utc
NOON = at("2024-01-04 12:00")


def history(asset: Any = MES, length: int = 30, step: str = "minute", **more: Any) -> Any:
    return lambda each: each.get_historical_prices(asset, length, step, quote=USD, **more)


def price(asset: Any = MES) -> Any:
    return lambda each: each.get_last_price(asset, quote=USD)


def quote(asset: Any = MES) -> Any:
    """The quote's fields; one without data carries the wall clock."""

    def ask(each: Any) -> Any:
        found = vars(each.get_quote(asset, USD, None))
        return found if found["raw_data"] is not None else {**found, "timestamp": None}

    return ask


def everything(asset: Any = MES, step: str = "minute") -> list[Any]:
    steps = [step, "day"] if step != "minute" else ["minute", "5 minutes", "hour", "day"]
    return [price(asset), quote(asset), *(history(asset, 9, each) for each in steps)]


# ---- The class -------------------------------------------------------------------------------


def test_it_is_lumibots_class_by_name_and_by_kind() -> None:
    assert Ours.__name__ == "PandasDataBacktesting" and issubclass(Ours, Theirs)
    assert Ours.__module__.startswith("millibar.")
    made = source(Ours, minutes())
    assert isinstance(made, Theirs) and made.SOURCE == "PANDAS" and made.IS_BACKTESTING_DATA_SOURCE
    assert made.datetime_end == at(END)  # inclusive for this class name alone


@pytest.mark.parametrize("frame", [minutes(), minutes(share=1.0)], ids=["holes", "whole"])
def test_loading_gives_lumibots_calendar_and_index(frame: Any) -> None:
    theirs, ours = both(frame, load=False)
    assert_same(theirs.load_data(), ours.load_data())
    assert_same(theirs._date_index, ours._date_index)
    assert ours._timestep == "minute"


@pytest.mark.parametrize("form", ["list", "dict", "pair", "none"])
def test_pandas_data_in_all_its_forms(form: str) -> None:
    found = []
    for kind in (Theirs, Ours):
        data = Data(MES, minutes(), timestep="minute", quote=USD)
        given: Any = {"list": [data], "dict": {MES: data}, "pair": {(MES, USD): data}, "none": None}
        made = kind(at(START), at(END), pandas_data=given[form], show_progress_bar=False)
        assert made._data_store is made.pandas_data and isinstance(made._data_store, OrderedDict)
        made.load_data()
        found.append((list(made._data_store), made._date_index, made.get_assets()))
    assert_same(*found)


def test_polars_data_is_kept_and_served_by_lumibot() -> None:
    frame = minutes()
    sides = []
    for kind in (Theirs, Ours):
        bars = pl.from_pandas(frame.rename_axis("datetime").reset_index())
        data = DataPolars(MES, bars, timestep="minute", quote=USD)
        made = kind(at(START), at(END), pandas_data=[data], show_progress_bar=False)
        made.load_data()
        sides.append(made)
    assert type(next(iter(sides[1]._data_store.values()))) is DataPolars
    for clock in clocks(10):
        assert_alike(*sides, clock, price())
        assert_alike(*sides, clock, history())


# ---- data= -----------------------------------------------------------------------------------


def sources_of(frame: Any, tmp_path: Path) -> dict[str, Any]:
    """The same bars in every form that data= takes."""
    path = tmp_path / "bars.parquet"
    columns = frame.rename_axis("timestamp").reset_index()
    columns["timestamp"] = columns["timestamp"].dt.tz_convert("UTC")
    columns["symbol"] = "MES"  # a column no backtest uses
    table = pa.Table.from_pandas(columns, preserve_index=False)
    bars = mb.from_arrow(table.drop_columns(["symbol"]))
    bars.write_parquet(path)
    return {
        "path": path,
        "text": str(path),
        "Bars": bars,
        "LazyBars": mb.scan_parquet(path),
        "DataFrame": frame.copy(),
        "pyarrow": table,
        "polars": pl.from_arrow(table),
        "lazy polars": pl.from_arrow(table).lazy(),
        "record batch": table.combine_chunks().to_batches()[0],
    }


FORMS = (
    "path", "text", "Bars", "LazyBars", "DataFrame", "pyarrow", "polars", "lazy polars",
    "record batch",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_source_is_answered_as_lumibots_data_of_it(form: str, tmp_path: Path) -> None:
    frame = minutes()
    theirs = source(Theirs, frame)
    given = sources_of(frame, tmp_path)[form]
    ours = Ours(at(START), at(END), data={(MES, USD): given}, show_progress_bar=False)
    ours.load_data()
    for clock in clocks(25):
        for ask in everything():
            assert_alike(theirs, ours, clock, ask)


def test_a_given_dataframe_is_left_as_it_was() -> None:
    frame = minutes().rename(columns=str.capitalize)
    frame.index.name = "when"
    before = frame.copy()
    Ours(at(START), at(END), data={MES: frame}, show_progress_bar=False).load_data()
    assert_same(before, frame)
    assert frame.index.name == "when"


def test_no_dataframe_is_made_of_a_file_until_one_is_asked_for(tmp_path: Path) -> None:
    path = sources_of(minutes(), tmp_path)["path"]
    made = Ours(at(START), at(END), data={MES: path}, show_progress_bar=False)
    made.load_data()
    made._update_datetime(NOON)
    bars = made.get_historical_prices(MES, 200, "minute", quote=USD)
    assert len(bars) == 200 and made.get_last_price(MES) > 0
    data = next(iter(made._data_store.values()))
    assert isinstance(data, Data) and data.asset is MES and "df" not in data.__dict__
    assert data._feed._frame is None
    assert len(bars.df) == 200 and data._feed._frame is not None and "df" not in data.__dict__


def test_keys_steps_zones_and_labels() -> None:
    frame = minutes()
    naive = frame.tz_localize(None)
    daily = days()
    closes = frame.set_axis(frame.index + pd.Timedelta("1min"))
    given = {
        "SPY": pa.Table.from_pandas(naive.rename_axis("time").reset_index(), preserve_index=False),
        (MES, USD): frame,
        Asset("AAPL"): daily,
    }
    made = Ours(at(START), at(END), data=given, show_progress_bar=False)
    assert [(key[0].symbol, key[1].symbol) for key in made._data_store] == [
        ("SPY", "USD"), ("MES", "USD"), ("AAPL", "USD"),
    ]  # fmt: skip
    assert [data.timestep for data in made._data_store.values()] == ["minute", "minute", "day"]
    made.load_data()
    theirs = source(Theirs, frame, SPY)
    labelled = Ours(at(START), at(END), data={MES: closes}, label="close", show_progress_bar=False)
    labelled.load_data()
    utc = pa.Table.from_pandas(
        frame.tz_convert("UTC").tz_localize(None).rename_axis("time").reset_index(),
        preserve_index=False,
    )
    zoned = Ours(at(START), at(END), data={"SPY": utc}, timezone="UTC", show_progress_bar=False)
    zoned.load_data()
    for clock in clocks(8)[1:-2]:
        assert_alike(theirs, zoned, clock, history(SPY))
        for each in (made, labelled, zoned):
            each._update_datetime(clock)
        assert made.get_last_price(SPY, quote=USD) == made.get_last_price(MES, quote=USD)
        assert labelled.get_last_price(MES) == made.get_last_price(MES)


def test_both_kinds_of_data_together() -> None:
    data = Data(MES, minutes(), timestep="minute", quote=USD)
    for given in ([data], {MES: data}):
        made = Ours(
            at(START), at(END), pandas_data=given, data={"SPY": minutes(3)}, show_progress_bar=False
        )
        assert [key[0].symbol for key in made._data_store] == ["MES", "SPY"]


def test_an_hour_and_a_day_are_told_by_the_spacing() -> None:
    hours = minutes().resample("1h").first().dropna()
    made = Ours(at(START), at(END), data={"A": hours}, show_progress_bar=False)
    assert next(iter(made._data_store.values())).timestep == "hour"
    forced = Ours(at(START), at(END), data={"A": hours}, timestep="minute", show_progress_bar=False)
    assert next(iter(forced._data_store.values())).timestep == "minute"


def test_bad_sources_are_refused_with_the_asset_and_the_reason(tmp_path: Path) -> None:
    frame = minutes().rename_axis("time").reset_index()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    twice = pa.concat_tables([table, table.slice(5, 1)])

    def refused(source: Any, match: str, kind: type = ValueError, key: Any = "SPY") -> None:
        with pytest.raises(kind, match=match):
            Ours(at(START), at(END), data={key: source}, show_progress_bar=False)

    refused(table.drop_columns(["close"]), "data of SPY has no column 'close'")
    refused(twice, "data of SPY: ")
    refused(table.drop_columns(["time"]), "data of SPY: ")
    refused(table.append_column("Close", table["close"]), "data of SPY names a column twice")
    refused(tmp_path / "none.parquet", "none.parquet", FileNotFoundError)
    refused(42, "not int", TypeError)
    refused(table, "a key of data= must be", TypeError, key=7)
    refused(table, "a key of data= must be", TypeError, key=(SPY, "USD"))


def test_nulls_become_nan() -> None:
    frame = minutes().astype({"volume": float})
    frame.iloc[10:14, 4] = np.nan
    frame.iloc[20, 3] = np.nan
    theirs = source(Theirs, frame)
    table = pa.Table.from_pandas(frame.rename_axis("time").reset_index(), preserve_index=False)
    assert table["close"].null_count == 1
    ours = Ours(at(START), at(END), data={MES: table}, show_progress_bar=False)
    ours.load_data()
    for clock in clocks(12):
        for ask in everything():
            assert_alike(theirs, ours, clock, ask)


def test_stamps_lumibot_cuts_off_are_cut_off() -> None:
    """Minute data end at 23:59:00 (lumibot's default trading hours): 23:59:30 goes."""
    frame = minutes()
    late = frame.set_axis(frame.index + pd.Timedelta("30s"))
    theirs = source(Theirs, late)
    table = pa.Table.from_pandas(late.rename_axis("time").reset_index(), preserve_index=False)
    ours = Ours(at(START), at(END), data={MES: table}, show_progress_bar=False)
    ours.load_data()
    for clock in clocks(12):
        assert_alike(theirs, ours, clock, history())


# ---- Preparation -----------------------------------------------------------------------------


def prepared(frame: Any, in_c: bool, monkeypatch: Any, asset: Any, step: str) -> Any:
    with monkeypatch.context() as patch:
        if not in_c:
            patch.setattr(_data, "rows_of_frame", lambda frame, step: None)
        span = {} if step == "minute" else {"start": "2023-06-01", "end": "2024-01-31 16:00"}
        return source(Ours, frame, asset, step, **span)


def with_quotes(frame: Any) -> Any:
    rng = np.random.default_rng(8)
    for name in ("bid", "ask", "bid_size", "ask_size"):
        frame[name] = np.where(rng.random(len(frame)) < 0.3, np.nan, frame["close"])
    frame.drop(frame.index[400:700], inplace=True)
    return frame


def with_nan(frame: Any) -> Any:
    rng = np.random.default_rng(9)
    frame = frame.astype(float)
    for name in frame.columns:
        frame.loc[rng.random(len(frame)) < 0.05, name] = np.nan
    return frame


FRAMES = {
    "plain": (minutes(), MES, "minute"),
    "nan": (with_nan(minutes()), MES, "minute"),
    "quotes": (with_quotes(minutes()), MES, "minute"),
    "daily": (days(), SPY, "day"),
    "daily nan": (with_nan(days()), SPY, "day"),
    "extra": (minutes().assign(vwap=1.5, trades=3), MES, "minute"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_c_prepares_to_the_bit_what_lumibot_prepares(name: str, monkeypatch: Any) -> None:
    """The same feed either way, the same Data as lumibot's, and the same of a second loading."""
    frame, asset, step = FRAMES[name]
    span = {} if step == "minute" else {"start": "2023-06-01", "end": "2024-01-31 16:00"}
    theirs = source(Theirs, frame, asset, step, **span)
    a = prepared(frame, True, monkeypatch, asset, step)
    b = prepared(frame, False, monkeypatch, asset, step)
    for turn in range(2):
        expected, in_c, by_lumibot = (next(iter(x._data_store.values())) for x in (theirs, a, b))
        assert turn or ("df" not in in_c.__dict__ and "df" in by_lumibot.__dict__)
        for feed in (in_c._feed, by_lumibot._feed):
            assert feed.order == tuple(expected._bars_df.columns)
            for column in feed.order:
                assert_same(expected._bars_df[column].to_numpy(), feed.column(column).copy())
        for found in (in_c, by_lumibot):
            assert_same_data(expected, found)
        for each in (theirs, a, b):
            each.load_data()


def assert_same_data(expected: Data, found: Any) -> None:
    assert isinstance(found, Data)
    assert_same(expected.df, found.df)
    assert_same(expected._bars_df, found._bars_df)
    assert expected._bars_cols == found._bars_cols
    assert_same(list(expected.datalines), list(found.datalines))
    for name, line in expected.datalines.items():
        other = found.datalines[name]
        assert (line.name, line.dtype, line.asset) == (other.name, other.dtype, other.asset)
        assert_same(line.dataline, other.dataline)
        assert_same(getattr(expected, "datetime" if name == "datetime" else name),
                    getattr(found, "datetime" if name == "datetime" else name))  # fmt: skip
    assert_same(expected._index_values_ns, found._index_values_ns.copy())
    assert expected.iter_index_dict == found.iter_index_dict
    assert_same(expected.iter_index.index, found.iter_index.index)
    plain = (int, float, str, bool, list, tuple, datetime, type(None))
    for name, value in vars(expected).items():
        if isinstance(value, plain):
            assert_same(value, getattr(found, name))


def test_frames_c_cannot_hold_are_prepared_by_lumibot_and_served_from_c() -> None:
    frame = minutes().assign(note="x", flag=True)
    theirs, ours = both(frame)
    data = next(iter(ours._data_store.values()))
    assert data._feed is not None and "df" in data.__dict__
    for clock in clocks(20):
        for ask in everything():
            assert_alike(theirs, ours, clock, ask)


def test_a_class_of_the_users_own_keeps_its_ways() -> None:
    class Doubled(Data):
        def get_last_price(self, dt: Any, length: int = 1, timeshift: int = 0) -> Any:
            return 2 * super().get_last_price(dt)

    sides = []
    for kind in (Theirs, Ours):
        data = Doubled(MES, minutes(), timestep="minute", quote=USD)
        made = kind(at(START), at(END), pandas_data=[data], show_progress_bar=False)
        made.load_data()
        sides.append(made)
    assert type(next(iter(sides[1]._data_store.values()))) is Doubled
    for clock in clocks(8):
        assert_alike(*sides, clock, price())
        assert_alike(*sides, clock, history())


def test_one_data_object_serves_lumibots_source_after_ours_and_ours_after_lumibots() -> None:
    frame = minutes()
    reference = Data(MES, frame.copy(), timestep="minute", quote=USD)
    shared = Data(MES, frame.copy(), timestep="minute", quote=USD)
    for kind in (Ours, Theirs, Ours, Ours):
        expected = Theirs(at(START), at(END), pandas_data=[reference], show_progress_bar=False)
        found = kind(at(START), at(END), pandas_data=[shared], show_progress_bar=False)
        expected.load_data(), found.load_data()
        for clock in clocks(6):
            for ask in everything():
                assert_alike(expected, found, clock, ask)


def test_a_route_into_data_prepared_again_is_not_followed() -> None:
    theirs, ours = both(minutes())
    assert_alike(theirs, ours, NOON, history())
    assert_alike(theirs, ours, NOON, price())
    for each in (theirs, ours):
        data = next(iter(each._data_store.values()))
        data.repair_times_and_fill(each._date_index[:-100])
    for clock in (NOON, at("2024-01-05 15:00")):
        for ask in everything():
            assert_alike(theirs, ours, clock, ask)


# ---- Writing into lumibot's objects ----------------------------------------------------------


def test_a_write_into_df_reaches_prices_and_quotes_but_no_history() -> None:
    theirs, ours = both(minutes())
    assert_alike(theirs, ours, NOON, price())
    for each in (theirs, ours):
        data = next(iter(each._data_store.values()))
        row = data.df.index.get_loc(pd.Timestamp(NOON))
        data.df.iloc[row - 3 : row + 3, 0:4] = 17.0
    assert assert_alike(theirs, ours, NOON, price()) == 17.0
    assert_alike(theirs, ours, NOON, quote())
    assert_alike(theirs, ours, NOON, history())


def test_a_new_df_of_the_data_changes_what_lumibots_changes() -> None:
    theirs, ours = both(minutes())
    for each in (theirs, ours):
        data = next(iter(each._data_store.values()))
        data.df = data.df.iloc[:100] * 2
    for clock in clocks(10):
        for ask in everything():
            assert_alike(theirs, ours, clock, ask)
        assert_alike(
            theirs, ours, clock,
            lambda each: each._pull_source_symbol_bars_between_dates(
                MES, "minute", USD, start_date=at(START), end_date=NOON
            ),
        )  # fmt: skip


# ---- The store and the clock -----------------------------------------------------------------


def test_the_store_may_change_during_a_run() -> None:
    theirs, ours = both(minutes())
    other = minutes(4)

    def check() -> None:
        for clock in clocks(6):
            for ask in (history(), price(), history(SPY), price(SPY)):
                assert_alike(theirs, ours, clock, ask)

    check()
    for each in (theirs, ours):
        data = Data(MES, other.copy(), timestep="minute", quote=USD)
        data.repair_times_and_fill(data.df.index)
        each._data_store[(MES, USD)] = data
    check()
    for each in (theirs, ours):
        each._data_store[(SPY, USD)] = each._data_store[(MES, USD)]
    check()
    for each in (theirs, ours):
        del each._data_store[(MES, USD)]
    check()
    for each in (theirs, ours):
        each._data_store.pop((SPY, USD))
        each._data_store.update({(MES, USD): data})
    check()
    for each in (theirs, ours):
        each._data_store = dict(each._data_store)
    check()
    for each in (theirs, ours):
        each._data_store.clear()
    check()


@pytest.mark.parametrize("change", ["popitem", "setdefault", "|=", "clear"])
def test_every_change_of_the_store_drops_the_routes(change: str) -> None:
    ours = source(Ours, minutes())
    ours._update_datetime(NOON)
    ours.get_last_price(MES, quote=USD)
    store = ours._data_store
    assert store.routes
    data = next(iter(store.values()))
    {
        "popitem": lambda: store.popitem(),
        "setdefault": lambda: store.setdefault((SPY, USD), data),
        "|=": lambda: store.__ior__({(SPY, USD): data}),
        "clear": store.clear,
    }[change]()
    assert not store.routes


def test_assets_made_anew_at_every_call_are_found_and_do_not_pile_up(monkeypatch: Any) -> None:
    theirs, ours = both(minutes())
    for clock in clocks(10):
        assert_alike(theirs, ours, clock, history(Asset("MES", "cont_future")))
    ours._update_datetime(NOON)
    expected = ours.get_last_price(MES, quote=USD)
    held = [ours.get_last_price(Asset("MES", "cont_future"), quote=USD) for _ in range(9_000)]
    assert set(held) == {expected} and len(ours._data_store.routes) <= 4097


def test_an_asset_changed_in_place_is_lost_as_it_is_in_lumibot() -> None:
    sides = []
    for kind in (Theirs, Ours):
        made = source(kind, minutes())
        made._update_datetime(NOON)
        mine = Asset("MES", "cont_future")
        answers = [made.get_last_price(mine, quote=USD), history(mine)(made)]
        mine.symbol = "ES"
        answers += [made.get_last_price(mine, quote=USD), history(mine)(made)]
        mine.symbol = "MES"
        answers += [made.get_last_price(mine, quote=USD), history(mine)(made)]
        sides.append(answers)
    assert_same(*sides)
    assert sides[1][2] is None and sides[1][4] is not None


def test_a_get_datetime_put_in_the_way_is_asked(monkeypatch: Any) -> None:
    theirs, ours = both(minutes())
    for each in (theirs, ours):
        each._update_datetime(at("2024-01-04 10:00"))
        monkeypatch.setattr(each, "get_datetime", lambda *_: NOON)
    for ask in everything():
        assert_same(ask(theirs), ask(ours))
    assert history()(ours).df.index[-1] == NOON - timedelta(minutes=1)


def test_a_derived_class_that_overrides_a_step_of_lumibots_is_obeyed() -> None:
    def derive(base: type) -> type:
        class Derived(base):  # type: ignore[misc, valid-type]
            def _pull_source_symbol_bars(self, *args: Any, **kwargs: Any) -> Any:
                frame = super()._pull_source_symbol_bars(*args, **kwargs)
                return None if frame is None else frame.assign(mark=1)

        return Derived

    theirs, ours = (source(derive(kind), minutes()) for kind in (Theirs, Ours))
    found = assert_alike(theirs, ours, NOON, history())
    assert "mark" in found.df and isinstance(found, Bars)


def test_a_derived_class_without_such_steps_is_fast() -> None:
    class Derived(Ours):
        pass

    made = source(Derived, minutes())
    made._update_datetime(NOON)
    bars = history()(made)
    assert bars._window is not None and bars._window._frame is None


# ---- What lumibot says -----------------------------------------------------------------------


def test_the_same_messages_are_logged() -> None:
    asks = [*everything(), history(length=5_000, step="day"), history(timeshift=timedelta(hours=1)),
            history(exchange="CME"), history(Asset("NONE")), price(Asset("NONE", "index")),
            history(length=9, step="week")]  # fmt: skip
    heard = []
    for each in both(minutes()):
        with logged(logging.INFO) as lines:
            for clock in clocks(12):
                each._update_datetime(clock)
                for ask in asks:
                    with suppress(Exception):
                        ask(each)
        heard.append(lines)
    for expected, found in zip(*heard, strict=True):
        assert expected == found
    assert any("rows away from the data" in text for _, _, text in heard[1])
    assert any("missing quote columns" in text for _, _, text in heard[1])


def test_several_assets_at_once() -> None:
    data = {MES: minutes(), SPY: minutes(5)}
    sides = []
    for kind in (Theirs, Ours):
        given = [Data(key, frame.copy(), quote=USD) for key, frame in data.items()]
        made = kind(at(START), at(END), pandas_data=given, show_progress_bar=False)
        made.load_data()
        made._update_datetime(NOON)
        sides.append(made)
    for assets in ([MES, SPY], ["SPY"], "SPY", [(MES, USD), SPY, SPY], [MES, Asset("NONE")], []):
        answers = [each.get_bars(assets, 7, "minute", quote=USD) for each in sides]
        assert type(answers[0]) is type(answers[1]) and answers[0].errors == answers[1].errors
        assert set(answers[0]) == set(answers[1])
        for key, bars in answers[0].items():
            assert_same(bars, answers[1][key])
    assert_same(*(each.get_last_prices([MES, SPY]) for each in sides))


def test_a_failing_asset_is_reported_in_lumibots_words() -> None:
    for each in both(minutes()):
        each._update_datetime(NOON)
        found = each.get_bars([MES], "many", "5 minutes", quote=USD)
        assert found[MES] is None and found.errors[MES]["category"] == "unavailable"


def test_two_threads_asking_at_once_get_their_own_windows() -> None:
    from concurrent.futures import ThreadPoolExecutor

    ours = source(Ours, minutes())
    ours._update_datetime(NOON)

    def look(length: int) -> bool:
        bars = [history(length=length)(ours) for _ in range(200)]
        return all(len(each.df) == length == len(each) for each in bars)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(look, [3, 5, 8, 13]))


def test_the_clock_in_nanoseconds() -> None:
    assert _data.clock_ns(at("2024-01-04 12:00")) == 1704387600 * 10**9
    assert _data.clock_ns(pd.Timestamp(NOON)) == 1704387600 * 10**9
    for odd in (
        datetime(2024, 1, 4),
        NOON.replace(microsecond=1),
        pd.Timestamp(NOON) + pd.Timedelta(1, "ns"),
        NEW_YORK.localize(datetime(1960, 1, 4)),
        "2024-01-04",
        None,
    ):
        assert _data.clock_ns(odd) < 0


def test_the_clock_is_read_alike_whatever_zone_came_before() -> None:
    rng = np.random.default_rng(12)
    zones = [NEW_YORK, pytz.UTC, pytz.timezone("Etc/GMT+5"), ZoneInfo("America/New_York"), UTC]
    zones.append(timezone(timedelta(hours=-5)))
    ours = source(Ours, minutes())
    for _ in range(2_000):
        moment = datetime.fromtimestamp(int(rng.integers(-(10**6), 1_710_900_000)), UTC)
        moment = moment.astimezone(zones[rng.integers(len(zones))])
        if rng.random() < 0.1:
            moment = moment.replace(microsecond=1)
        if rng.random() < 0.1:
            moment = pd.Timestamp(moment)
        expected = _data.clock_ns(moment)
        found = ours._read_clock(moment)
        assert found == expected or (found < 0 and expected < 0), moment
        assert ours._clock is moment and ours._now_ns == found


def test_no_private_name_of_lumibot_has_gone() -> None:
    """What the door reads of lumibot beyond its public names; a failure names what moved."""
    assert set(_pandas._STEPS) <= set(dir(Theirs))
    from lumibot.entities.data import _DATA_QUOTE_FIELDS

    assert list(QUOTE_FIELDS.items()) == [
        (name, digits) for name, (column, digits) in _DATA_QUOTE_FIELDS.items() if column == name
    ]


# ---- A whole backtest ------------------------------------------------------------------------


class Turns(Strategy):
    """Looks at twenty bars every minute and turns its position over every five."""

    def initialize(self) -> None:
        self.set_market("24/7")
        self.sleeptime = "1M"

    def on_trading_iteration(self) -> None:
        bars = self.get_historical_prices(MES, 20, "minute")
        if bars is None:
            return
        bars.df["mean"] = bars.df["close"].rolling(5).mean()
        if self.get_datetime().minute % 5 == 0:
            side = "sell" if self.get_position(MES) else "buy"
            self.submit_order(self.create_order(MES, 1, side))


@pytest.mark.filterwarnings("ignore")
def test_a_backtest_from_a_file_leaves_what_lumibots_leaves(
    tmp_path: Path, monkeypatch: Any
) -> None:
    frame = minutes()
    path = sources_of(frame, tmp_path)["path"]
    given = {
        Theirs: {"pandas_data": {MES: Data(MES, frame.copy(), timestep="minute", quote=USD)}},
        Ours: {"data": {MES: path}},
    }
    left = []
    for kind, how in given.items():
        folder = tmp_path / kind.__module__
        folder.mkdir()
        monkeypatch.chdir(folder)
        with offline.no_yahoo():
            _, strategy = Turns.run_backtest(
                kind,
                datetime(2024, 1, 4, 9, 30),
                datetime(2024, 1, 4, 10, 30),
                show_plot=False,
                show_tearsheet=False,
                save_tearsheet=False,
                show_indicators=False,
                show_progress_bar=False,
                benchmark_asset=None,
                risk_free_rate=0.0,
                **how,
            )
        names = ("market_inputs.csv", "market_input_observations.csv", "market_input_manifest.json")
        files = [(folder / "logs" / name).read_bytes() for name in names]
        left.append((files, strategy.cash, strategy.portfolio_value, strategy.stats))
    assert_same(*left)
    assert left[0][0][0].count(b"\n") > 60
