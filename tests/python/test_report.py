"""The files of a run: their cells as pandas writes them, whole or not there, and the manifest."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import millibar as mb
from millibar import _core, report
from millibar._cells import (
    ABSENT,
    cells,
    csv_texts,
    json_plain,
    merge,
    time_cells,
    typed_column,
)
from millibar._event_sheets import events_sheet, trades_sheet
from millibar._sheets import indicators_sheet, stats_sheet
from millibar._speed import Speed
from millibar.report import data_entry, file_sha256, manifest, write_files
from millibar.result import Result

MINUTE = 60 * 10**9
START = 1_704_292_200 * 10**9  # 2024-01-03 09:30 New York
FILES = {
    "stats": "stats.csv",
    "trade_events": "trade_events.csv",
    "trades": "trades.csv",
    "indicators": "indicators.csv",
    "settings": "settings.json",
    "tearsheet": "tearsheet.csv",
    "tearsheet_html": "tearsheet.html",
    "tearsheet_metrics": "tearsheet_metrics.json",
    "manifest": "manifest.json",
}


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def csv_text(name: str, values: Sequence[Any]) -> str:
    """A column of our cells as the files have it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    # A second column: a lone empty cell would be quoted.
    writer.writerow((name, "n"))
    writer.writerows(zip(values, range(len(values)), strict=True))
    return out.getvalue()


def pandas_text(frame: Any) -> str:
    return str(frame.assign(n=range(len(frame))).to_csv(index=False))


# ---- Cells -------------------------------------------------------------------------------------

COLUMNS: dict[str, list[Any]] = {
    "int": [1, 2, 3],
    "int with a hole": [1, None, 3],
    "int and NaN": [1, float("nan"), 3],
    "numpy int": [np.int32(1), np.int64(-2)],
    "huge int": [2**62, 1],
    "float": [0.1, 1e300, -0.0, 123456789.125, 1e-7, 5.0],
    "int and float": [1, 2.5],
    "infinite": [float("inf"), float("-inf"), 1.0],
    "bool": [True, False],
    "bool with a hole": [True, None],
    "bool and int": [True, 2],
    "text": ["a", 'say "b"', "c,d", "two\nlines", ""],
    "text with a hole": ["a", None],
    "text and numbers": ["a", 1, 1.5, None],
    "lists": [[1, "x"], [], None],
    "dicts": [{"a": {"b": None}}, {}],
    "decimals": [Decimal("1.10"), Decimal("2")],
    "decimal and float": [Decimal("1.10"), 2.5, None],
    "dates": [date(2024, 1, 3), None],
    "nothing": [None, None],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_cells_are_those_of_pandas(name: str) -> None:
    values = COLUMNS[name]
    expected = pandas_text(pd.DataFrame([{"x": value} for value in values]))
    assert csv_text("x", cells(values)) == expected


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in ("huge int",)])
def test_rows_without_the_column(name: str) -> None:
    rows = [{"x": value} for value in COLUMNS[name]]
    rows.insert(1, {})
    expected = pandas_text(pd.DataFrame(rows, columns=["x"]))
    assert csv_text("x", cells(merge(rows)["x"])) == expected


def test_merge_keeps_the_order_of_first_sight() -> None:
    assert merge([None, {"b": 1}, {"a": 2, "b": None}, {}]) == {
        "b": [ABSENT, 1, None, ABSENT],
        "a": [ABSENT, ABSENT, 2, ABSENT],
    }
    assert merge([]) == {}


@pytest.mark.parametrize(
    ("values", "type_", "back"),
    [
        ([1, 2], "int64", [1, 2]),
        ([1, None], "float64", [1.0, None]),
        ([True, None], "bool", [True, None]),
        (["a", None], "utf8", ["a", None]),
        ([1, "a"], "utf8", ["1", "a"]),
        ([{"b": 1, "a": [None]}], "utf8", ['{"a":[null],"b":1}']),
        ([2**64, 1], "utf8", [str(2**64), "1"]),
        ([None], "utf8", [None]),
        ([], "utf8", []),
    ],
)
def test_typed_columns(values: Any, type_: str, back: Any) -> None:
    column = typed_column("x", values)
    assert (column.type, column.to_list()) == (type_, back)


TIMES = {
    "minutes": ["2024-01-03 09:30", "2024-01-03 09:31"],
    "midnights": ["2024-01-03", "2024-01-04"],
    "milliseconds": ["2024-01-03 09:30:00.250", "2024-01-03"],
    "microseconds": ["2024-01-03 09:30:00.000001", "2024-01-03"],
    "nanoseconds": ["2024-01-03 09:30:00.000000001", "2024-01-03 09:30:00.5"],
    "over the changes of clocks": ["2024-03-10 01:59", "2024-03-10 03:00", "2024-11-03 12:00"],
    "long ago": ["1890-01-01 12:00", "1970-01-01"],
}


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("name", TIMES)
def test_times_are_those_of_pandas(name: str, zone: str | None) -> None:
    if name == "long ago" and zone not in (None, "UTC"):
        pytest.skip("pandas rounds local mean time to the minute")
    index = pd.DatetimeIndex(TIMES[name]).as_unit("ns").tz_localize(zone)
    expected = pandas_text(pd.DataFrame({"t": index}))
    assert csv_text("t", time_cells(index.asi8, zone)) == expected
    assert time_cells(np.zeros(0, np.int64), zone) == []


def test_what_json_can_hold() -> None:
    class Asset:
        def to_minimal_dict(self) -> dict[str, str]:
            return {"symbol": "SPY"}

    values = {
        "asset": Asset(),
        "when": datetime(2024, 1, 3, tzinfo=timezone.utc),
        "day": date(2024, 1, 3),
        "long": timedelta(minutes=1.5),
        "nan": float("nan"),
        "numpy": [np.int64(1), np.float32(0.5), np.bool_(True)],
        "set": {"b", "a"},
        3: Decimal("1.5"),
        "odd": object,
        "thing": Asset.to_minimal_dict,
    }
    assert json.loads(json.dumps(json_plain(values), allow_nan=False)) == {
        "asset": {"symbol": "SPY"},
        "when": "2024-01-03T00:00:00+00:00",
        "day": "2024-01-03",
        "long": 90.0,
        "nan": None,
        "numpy": [1, 0.5, True],
        "set": ["a", "b"],
        "3": "1.5",
        "odd": "<class 'object'>",
        "thing": "<function test_what_json_can_hold.<locals>.Asset.to_minimal_dict>",
    }


# ---- Sheets ------------------------------------------------------------------------------------


def run(n_rows: int = 6, **more: Any) -> Result:
    times = START + MINUTE * np.arange(n_rows)
    value = 1000.0 + np.arange(n_rows)
    equity = {"timestamp": times, "cash": value, "portfolio_value": value}
    return Result(**{"equity": equity, "zone": "America/New_York", "name": "Run", **more})


def cell_value(text: str) -> Any:
    """What a cell says: a number, a text, nothing."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text or None


def column(sheet: Any, name: str) -> list[Any]:
    (part,) = [part for part in sheet.parts if part.name == name]
    n_rows = len(part.column)

    def texts(first: int, last: int) -> list[str]:
        cells = part.cells(first, last)
        return [cells] * (last - first) if isinstance(cells, str) else list(cells)

    found = [cell_value(text) for (text,) in csv.reader(text or '""' for text in texts(0, n_rows))]
    assert len(found) == n_rows
    # Written in blocks, it is the same.
    middle = n_rows // 2
    assert [*texts(0, middle), *texts(middle, n_rows)] == texts(0, n_rows)
    return found


def two_fills(at: Sequence[int]) -> dict[str, Any]:
    return {
        "timestamp": START + MINUTE * np.array(at),
        "order": np.array([1, 2]),
        "symbol": ["MES", "MES"],
        "side": ["buy", "sell"],
        "quantity": np.array([2.0, 2.0]),
        "price": np.array([10.0, 11.0]),
    }


MES = {"MES": {"asset_type": "cont_future", "multiplier": 5}}
HELD = "[{'asset': {'symbol': 'MES', 'type': 'cont_future', 'mult': 5}, 'quantity': 2.0}]"


def test_positions_follow_from_the_fills() -> None:
    sheet = stats_sheet(run(fills=two_fills([1, 3]), assets=MES))
    assert column(sheet, "positions") == ["[]", "[]", HELD, HELD, "[]", "[]"]
    assert sheet.table.column("positions").to_list()[2] == (
        '[{"asset":{"mult":5,"symbol":"MES","type":"cont_future"},"quantity":2.0}]'
    )


def test_rows_at_one_time_have_the_fills_once_cash_has() -> None:
    times = START + MINUTE * np.array([0, 1, 1, 1, 2])
    cash = np.array([9.0, 9, 9, 8, 8])
    equity = {"timestamp": times, "cash": cash, "portfolio_value": cash}
    sheet = stats_sheet(run(equity=equity, fills=two_fills([1, 9]), assets=MES))
    assert column(sheet, "positions") == ["[]", "[]", "[]", HELD, HELD]


def test_positions_given_stand() -> None:
    given = [[], [("MES", 2)], [("MES", 2), ("SPY", 0.5)], [], [], []]
    texts = column(stats_sheet(run(positions=given, assets=MES)), "positions")
    assert texts[1] == HELD and texts[3] == "[]"
    assert texts[2].endswith("{'asset': {'symbol': 'SPY', 'type': 'stock'}, 'quantity': 0.5}]")


def test_options_and_futures_in_short() -> None:
    assets = {
        "O": {
            "asset_type": "option",
            "multiplier": 100,
            "strike": 150,
            "expiration": date(2024, 12, 20),
            "right": "CALL",
        },
        "F": {"asset_type": "future", "multiplier": 1, "expiration": date(2024, 3, 15)},
    }
    texts = column(
        stats_sheet(run(1, positions=[[("O", 1), ("F", 1)]], assets=assets)), "positions"
    )
    assert texts == [
        "[{'asset': {'symbol': 'O', 'type': 'option', 'strike': 150.0, 'exp': '2024-12-20',"
        " 'right': 'CALL', 'mult': 100}, 'quantity': 1.0},"
        " {'asset': {'symbol': 'F', 'type': 'future', 'exp': '2024-03-15'}, 'quantity': 1.0}]"
    ]


def test_money_put_in_is_no_return() -> None:
    total = np.array([100.0, 100, 600, 600, 550, 550])
    value = np.array([1100.0, 1111, 1611, 1611, 1561, 1600])
    equity = {
        "timestamp": START + MINUTE * np.arange(6),
        "portfolio_value": value,
        "cash_adjustments_net_total": total,
    }
    sheet = stats_sheet(run(equity=equity))
    flow = [100.0, 0.0, 500.0, 0.0, -50.0, 0.0]
    assert column(sheet, "cash_adjustments_net_period") == flow
    returns = [(b - a - f) / a for a, b, f in zip(value, value[1:], flow[1:], strict=False)]
    assert column(sheet, "return") == [None, *returns]
    adjusted = column(sheet, "cash_adjusted_portfolio_value")
    assert adjusted[0] == 1000.0 and adjusted[-1] == 1000 * np.cumprod(1 + np.array(returns))[-1]
    assert column(sheet, "cash") == [None] * 6


def test_unknown_values_leave_empty_cells() -> None:
    nan = float("nan")
    value = np.array([nan, 1000.0, nan, 1010.0])
    equity = {"timestamp": START + MINUTE * np.arange(4), "portfolio_value": value}
    sheet = stats_sheet(run(equity=equity))
    assert column(sheet, "return") == [None] * 4
    assert column(sheet, "cash_adjusted_portfolio_value") == [1000.0] * 4
    none = {"timestamp": START + MINUTE * np.arange(2), "portfolio_value": np.array([nan, nan])}
    assert column(stats_sheet(run(equity=none)), "cash_adjusted_portfolio_value") == [None, None]


def test_own_columns_stand_where_they_came_up() -> None:
    rows: list[Any] = [{"early": 1}, {"early": 2, "late": "x", "cash": -1}, None, {}, None, None]
    names = stats_sheet(run(trace=rows)).header
    assert names[:3] == ["datetime", "early", "portfolio_value"]
    assert names[names.index("positions") + 1] == "late"
    assert names.count("cash") == 1
    by_column = {"early": [1, 2, 3, 4, 5, 6], "late": [ABSENT, *"abcde"]}
    again = stats_sheet(run(trace=by_column)).header
    assert again == names


def test_events_say_what_orders_are() -> None:
    orders = {
        "id": np.array([1, 2, 3]),
        "symbol": ["MES", "MES", "SPY"],
        "side": ["buy", "sell_to_close", "buy"],
        "type": ["market", "trail", "limit"],
        "tif": ["gtc", "day", "gtc"],
    }
    events = {
        "timestamp": START + MINUTE * np.arange(6),
        "kind": ["new", "filled", "modified", "canceled", "partial", "new"],
        "order": np.array([1, 1, 2, 1, 2, 3]),
        "price": np.array([np.nan, 10, 9.5, np.nan, 11, np.nan]),
        "quantity": np.array([0.0, 2, 0, 0, 1, 0]),
        "fee": np.array([0.0, 0.5, 0, 0, 0.25, 0]),
    }
    sheet = events_sheet(run(orders=orders, events=events, assets=MES))
    assert column(sheet, "status") == ["new", "fill", "new", "canceled", "partial_fill", "new"]
    assert column(sheet, "identifier") == ["bt_1", "bt_1", "bt_2", "bt_1", "bt_2", "bt_3"]
    assert column(sheet, "price") == [None, 10.0, 9.5, None, 11.0, None]
    assert column(sheet, "filled_quantity") == [None, 2.0, None, None, 1.0, None]
    # An order keeps the cost of its last fill.
    assert column(sheet, "trade_cost") == [None, 0.5, None, 0.5, 0.25, None]
    assert column(sheet, "multiplier") == [1, 5, 1, 1, 5, 1]
    assert column(sheet, "asset.multiplier") == [5, 5, 5, 5, 5, 1]
    assert column(sheet, "type")[2] == "trailing_stop"
    assert column(sheet, "time_in_force")[2:4] == ["day", "gtc"]
    assert column(sheet, "asset.asset_type")[-1] == "stock"
    trades = trades_sheet(sheet)
    assert len(trades.header) == 27 and len(sheet.header) == 33
    assert set(trades.header) < set(sheet.header)


def test_children_have_names_below_their_parents() -> None:
    orders = {
        "id": np.array([1, 2, 3, 4, 5]),
        "parent": np.array([0, 1, 1, 0, 3]),
        "symbol": ["A"] * 5,
        "side": ["buy"] * 5,
    }
    made = {"timestamp": START + np.arange(5), "kind": ["new"] * 5, "order": orders["id"]}
    names = column(events_sheet(run(orders=orders, events=made)), "identifier")
    assert names == ["bt_1", "bt_1_1", "bt_1_2", "bt_2", "bt_1_2_1"]
    given = {**orders, "identifier": list("vwxyz")}
    assert column(events_sheet(run(orders=given, events=made)), "identifier") == list("vwxyz")


@pytest.mark.parametrize(("ours", "lumibots"), [("filled", "fill"), ("partial", "partial_fill")])
def test_fills_go_by_either_name(ours: str, lumibots: str) -> None:
    orders = {"id": np.array([1]), "symbol": ["MES"], "side": ["buy"]}
    one = {"timestamp": np.array([START]), "order": np.array([1]), "fee": np.array([0.5])}
    one["quantity"] = np.array([2.0])
    sheets = [
        events_sheet(run(orders=orders, events={**one, "kind": [kind]}, assets=MES))
        for kind in (ours, lumibots)
    ]
    for name in ("status", "filled_quantity", "trade_cost", "multiplier"):
        assert column(sheets[0], name) == column(sheets[1], name) != [None]
    assert column(sheets[0], "status") == [lumibots]


def test_events_of_orders_that_are_not_there() -> None:
    events = {"timestamp": np.array([START]), "kind": ["new"], "order": np.array([7])}
    sheet = events_sheet(run(events=events))
    assert column(sheet, "symbol") == [None] and column(sheet, "status") == ["new"]


def test_drawings_by_time() -> None:
    at = [datetime(2024, 1, 3, 10, 30 + i, tzinfo=timezone.utc) for i in range(3)]
    charts = {
        "lines": [{"datetime": at[1], "name": "l", "value": 1.0, "width": None}],
        "markers": [
            {"datetime": at[2], "name": "m", "size": 8},
            {"datetime": at[0], "name": "m", "size": 9},
            {"datetime": at[1], "name": "n", "size": None},
        ],
    }
    sheet = indicators_sheet(run(charts=charts))
    assert sheet.header == ["datetime", "name", "size", "type", "value", "width"]
    assert column(sheet, "type") == ["marker", "marker", "line", "marker"]
    assert column(sheet, "size") == [9.0, None, None, 8.0]
    assert column(sheet, "datetime")[0] == "2024-01-03 10:30:00"
    wall = {"ohlc": [{"datetime": datetime(2024, 1, 3, 9, 30), "open": 1.0}]}
    assert column(indicators_sheet(run(charts=wall)), "datetime") == ["2024-01-03 14:30:00"]


# ---- The files ---------------------------------------------------------------------------------


def strict(path: Path) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.mark.parametrize("n_rows", [0, 1, 6])
def test_every_file_is_there(n_rows: int, tmp_path: Path) -> None:
    paths = write_files(run(n_rows), tmp_path / "deep" / "logs", "S_1")
    assert {kind: path.name for kind, path in paths.items()} == {
        kind: f"S_1_{suffix}" for kind, suffix in FILES.items()
    }
    twins = {path.with_suffix(".parquet") for kind, path in paths.items() if kind in SHEETS}
    assert set((tmp_path / "deep" / "logs").iterdir()) == {*paths.values(), *twins}
    for kind in ("settings", "tearsheet_metrics", "manifest"):
        strict(paths[kind])
    for kind in SHEETS:
        header, *rows = paths[kind].read_text(encoding="utf-8").splitlines()
        table = _core.Scan().add_path(str(paths[kind].with_suffix(".parquet"))).collect()
        assert list(table.names) == header.split(",")
        assert len(table) == len(rows) == (n_rows if kind == "stats" else 0)
    assert paths["tearsheet"].read_text().startswith("Metric,Strategy\nStart,")
    page = paths["tearsheet_html"].read_text().removeprefix("<!doctype html>")
    body = ElementTree.fromstring(page.replace("<br>", "<br/>")).find("body")
    assert body is not None and "trades: 0 rows" in "".join(body.itertext())


SHEETS = ("stats", "trade_events", "trades", "indicators")


def test_the_same_run_gives_the_same_files(tmp_path: Path) -> None:
    one, two = (write_files(run(trace=[{"a": 1}] * 6), tmp_path / str(i)) for i in range(2))
    for kind in FILES:
        assert one[kind].read_bytes() == two[kind].read_bytes(), kind


def test_files_may_be_read_by_whom_the_mask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = write_files(run(), tmp_path)["stats"]
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: Any) -> None:
    paths = write_files(run(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_files(run(5), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert paths["manifest"].exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a\0b"])
def test_names_that_are_none_of_files(name: str, tmp_path: Path) -> None:
    with pytest.raises(mb.InvalidError, match="names of files"):
        write_files(run(), tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_settings_are_lumibots_and_ours(tmp_path: Path) -> None:
    settings = {
        "backtesting_start": datetime(2024, 1, 3, tzinfo=timezone.utc),
        "budget": 1000,
        "parameters": {"n": 3},
        "policy": "lumibot",
        "name": "ignored",
    }
    speed = Speed(6, 6, {"data": 0.5}, 1)
    found = strict(write_files(run(settings=settings, speed=speed), tmp_path)["settings"])
    assert list(found)[:4] == ["name", "backtesting_start", "backtesting_end", "budget"]
    assert found["backtesting_start"] == "2024-01-03 00:00:00+00:00"
    assert found["name"] == "Run" and found["backtest_time_seconds"] == 0.5
    assert found["policy"] == "lumibot" and found["millibar_version"] == mb.__version__


def test_the_metrics_are_the_statistics(tmp_path: Path) -> None:
    result = run()
    found = strict(write_files(result, tmp_path)["tearsheet_metrics"])
    assert found["metadata"]["start_date"] == "2024-01-03"
    assert found["scalar_metrics"]["Return [%]"] == {"Strategy": result.stats.return_pct}
    assert found["scalar_metrics"]["Beta"] == {"Strategy": None}


def test_nothing_but_numpy_is_needed(tmp_path: Path) -> None:
    code = f"""
import sys
import millibar.result, millibar.report
assert "numpy" not in sys.modules
import numpy as np
times, value = {START} + np.arange(9) * {MINUTE}, 1e3 + np.arange(9.0)
result = millibar.result.Result(equity={{"timestamp": times, "portfolio_value": value}})
millibar.report.write_files(result, {str(tmp_path)!r})
result.save({str(tmp_path)!r}), result.to_json(), result._repr_html_(), repr(result.trades)
heavy = ("pandas", "pyarrow", "polars", "lumibot", "matplotlib", "plotly")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# ---- The manifest ------------------------------------------------------------------------------


def bars() -> mb.Bars:
    times = (START + MINUTE * np.arange(3)).view("datetime64[ns]")
    return mb.Bars({"timestamp": times, "close": [1.0, 2.0, 3.0]}, tz="UTC")


def test_the_manifest_says_what_the_run_was(tmp_path: Path) -> None:
    strategy, data = tmp_path / "strategy.py", tmp_path / "MES.parquet"
    strategy.write_bytes(b"class S: pass\n")
    some = bars()
    some.write_parquet(data)
    result = run(
        strategy_file=strategy,
        data=[data_entry("MES", some, data), data_entry("SPY", some), {"path": "gone.csv"}],
        settings={"policy": "strict", "fee": 0.5, "nested": {"a": float("inf")}},
        speed=Speed(3, 6, {"data": 1.0}, 10),
    )
    found = strict(write_files(result, tmp_path / "logs")["manifest"])
    assert found["policy"] == "strict"
    assert found["settings"] == {"policy": "strict", "fee": 0.5, "nested": {"a": None}}
    assert found["versions"]["millibar"] == mb.__version__
    assert found["versions"]["numpy"] == np.__version__
    assert found["strategy"] == {
        "file": "strategy.py",
        "sha256": hashlib.sha256(b"class S: pass\n").hexdigest(),
    }
    one, two, three = found["data"]
    assert one["sha256"] == hashlib.sha256(data.read_bytes()).hexdigest() == file_sha256(data)
    assert (one["rows"], one["start"], one["end"], one["period_ns"]) == (
        3, "2024-01-03T14:30:00Z", "2024-01-03T14:32:00Z", MINUTE,
    )  # fmt: skip
    assert len(two["columns_sha256"]) == 64 and "sha256" not in two
    assert three == {"path": "gone.csv", "sha256": None}
    assert found["hashes"] == result.hashes
    assert found["timings"]["bars"] == 3


def test_only_timings_differ_between_two_runs() -> None:
    one, two = (manifest(run(speed=Speed(3, 6, {"data": t}, 10))) for t in (1.0, 2.0))
    assert one["timings"] != two["timings"]
    assert {**one, "timings": None} == {**two, "timings": None}


def test_data_in_memory_is_told_apart() -> None:
    some = bars()
    same = data_entry("MES", mb.Bars(some.to_arrow()))
    assert same == data_entry("MES", some)
    other = mb.Bars({"timestamp": some.times, "close": [1.0, 2.0, 3.5]}, tz="UTC")
    assert data_entry("MES", other)["columns_sha256"] != same["columns_sha256"]
    empty = mb.Bars({"timestamp": np.zeros(0, "M8[ns]"), "close": np.zeros(0)}, tz="UTC")
    entry = data_entry("MES", empty)
    assert (entry["rows"], entry["start"], entry["end"]) == (0, None, None)


# ---- The CSV itself ----------------------------------------------------------------------------

AWKWARD = ["plain", "a,b", 'say "so"', "two\nlines", "back\rhome", "", " ", "é", "'", None, 1, -0.0]


@pytest.mark.parametrize(
    "values",
    [
        AWKWARD,
        [text for text in AWKWARD if isinstance(text, str)],
        ["a", "b"],
        ["a,b", "a,b"],
        [0.1 + 0.2, 1e22, 1e-7, -0.0, float("inf"), 5e-324, 100000.0],
        [1, -(2**70), 0],
        [None, None],
        [],
    ],
)
def test_cells_are_quoted_as_the_csv_module_does(values: list[Any]) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([("x", value, "y") for value in values])
    lines = "".join(f"x,{text},y\n" for text in csv_texts(values))
    assert lines == file.getvalue()


def test_numbers_that_stay_are_written_in_every_row() -> None:
    """Also across blocks, and 0.0 apart from -0.0, which equals it."""
    rows = 65_536 + 3
    value = np.full(rows, 100.5)
    value[10:20] = -0.0
    value[15] = 0.0
    value[65_535:] = [7.0, 7.0, math.nan, 1 / 3]
    times = np.arange(rows) * 60_000_000_000
    result = mb.Result(equity={"timestamp": times.astype("M8[ns]"), "portfolio_value": value})
    lines = "".join(stats_sheet(result).lines).splitlines()
    column = stats_sheet(result).header.index("portfolio_value")
    expected = ["" if math.isnan(number) else repr(number) for number in value.tolist()]
    assert [line.split(",")[column] for line in lines] == expected
