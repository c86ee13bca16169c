"""Indicators: pandas' bits over every shape of rows, what they read, what they refuse."""

from __future__ import annotations

import ast
import inspect
import itertools
import math
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from indicator_support import SHAPES, by_pandas, first_difference, make_rows

import millibar as mb
from millibar import indicators

GRID: dict[str, list[Any]] = {
    "period": [1, 2, 3, 14, 50, 1000],
    "min_periods": [0, 1, 3],
    "ddof": [0, 1, 3],
    "adjust": [False, True],
    "width": [2.0, 0.3],
    "ma": ["sma", "wilder"],
    "fast": [1, 12, 5],
    "slow": [26, 3],
    "signal": [1, 9],
    "smooth": [1, 3],
}


def settings(name: str) -> list[dict[str, Any]]:
    """Every combination of the grid that the indicator takes."""
    known = [param.name for param in indicators.spec(name).params]
    every = [
        dict(zip(known, values, strict=True))
        for values in itertools.product(*(GRID[param] for param in known))
    ]
    return (
        [each for each in every if name == "ema" or each.get("min_periods", 0) <= each["period"]]
        if "period" in known
        else every
    )


def defaults(name: str) -> dict[str, Any]:
    """Parameters to do with: the default, or 20 where there is none."""
    params = indicators.spec(name).params
    return {param.name: 20 if param.default is None else param.default for param in params}


def as_tuple(result: Any) -> tuple[np.ndarray, ...]:
    return result if isinstance(result, tuple) else (result,)


def check(name: str, rows: dict[str, np.ndarray], params: dict[str, Any], result: Any) -> None:
    """The result is, to the bit, what pandas makes of the formula."""
    wanted = by_pandas(name, rows, params)
    assert len(as_tuple(result)) == len(wanted)
    for (output, expected), got in zip(wanted.items(), as_tuple(result), strict=True):
        row = first_difference(expected, got)
        if row is not None:
            pytest.fail(f"{name}{params}.{output}[{row}]: {got[row]!r}, not {expected[row]!r}")


# ---- pandas' bits ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", indicators.names())
def test_bits_of_pandas(name: str, shape: str) -> None:
    rows = make_rows(shape, 160)
    bars = mb.Bars(rows)
    for params in settings(name):
        check(name, rows, params, bars.indicator(name, **params))


@pytest.mark.parametrize("name", indicators.names())
def test_bits_over_many_rows(name: str) -> None:
    for shape, seed in (("ticks", 2), ("scales", 3), ("gaps", 4)):
        rows = make_rows(shape, 20_000, seed)
        check(name, rows, defaults(name), mb.Bars(rows).indicator(name, **defaults(name)))


@pytest.mark.parametrize("name", indicators.names())
def test_bits_on_market_data(name: str, shared: Path) -> None:
    bars = mb.read_parquet(shared / "data" / "MES_1m_2026Q1.parquet").head(20_000)
    rows = {column: bars[column] for column in ("high", "low", "close", "volume")}
    assert len(bars) == 20_000
    check(name, rows, defaults(name), bars.indicator(name, **defaults(name)))


def test_what_differs_is_seen() -> None:
    values = np.array([1.0, np.nan, 0.0])
    assert first_difference(values, values.copy()) is None
    assert first_difference(values, np.array([1.0, -np.nan, 0.0])) is None
    assert first_difference(values, np.array([1.0, np.nan, -0.0])) == 2
    assert first_difference(values, np.array([1.0, 1.0, 0.0])) == 1
    assert first_difference(values, np.array([np.nextafter(1, 2), np.nan, 0.0])) == 0


# ---- Rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", indicators.names())
def test_no_row_knows_the_next(name: str) -> None:
    rows = make_rows("ticks", 120)
    whole = as_tuple(mb.Bars(rows).indicator(name, **defaults(name)))
    for n in (0, 1, 2, 19, 20, 21, 60, 119):
        poisoned = {column: values.astype(np.float64) for column, values in rows.items()}
        for values in poisoned.values():
            values[n:] = 1e300
        cut = {column: values[:n] for column, values in rows.items()}
        for other in (poisoned, cut):
            parts = as_tuple(mb.Bars(other).indicator(name, **defaults(name)))
            for part, full in zip(parts, whole, strict=True):
                assert first_difference(part[:n].copy(), full[:n].copy()) is None


def test_a_window_is_its_own_series() -> None:
    rows = make_rows("walk", 500)
    bars = mb.Bars(rows)
    window = bars[200:400]
    cut = {column: values[200:400] for column, values in rows.items()}
    for name in indicators.names():
        check(name, cut, defaults(name), window.indicator(name, **defaults(name)))
    # Why the two are two calls: a running sum remembers where it began.
    assert first_difference(window.sma(20)[19:], bars.sma(20)[219:400]) is not None
    np.testing.assert_allclose(window.sma(20)[19:], bars.sma(20)[219:400], rtol=1e-12)


def test_results_are_columns(bars: mb.Bars) -> None:
    for name in indicators.names():
        what = indicators.spec(name)
        result = bars.indicator(name, **defaults(name))
        assert isinstance(result, np.ndarray) == (len(what.outputs) == 1)
        for array in as_tuple(result):
            assert array.dtype == np.float64
            assert array.shape == (len(bars),)
            assert not array.flags.writeable
        if isinstance(result, tuple):
            assert type(result)._fields == what.outputs  # type: ignore[attr-defined]
            assert type(result) is type(getattr(bars, name)())
        for empty in as_tuple(bars[:0].indicator(name, **defaults(name))):
            assert empty.shape == (0,)


def test_methods_are_the_indicators() -> None:
    rows = make_rows("missing")
    bars = mb.Bars(rows)
    for name in indicators.names():
        method = getattr(bars, name)
        signature = inspect.signature(method)
        what = indicators.spec(name)
        assert [each for each in signature.parameters if each != "column"] == [
            param.name for param in what.params
        ]
        for param in what.params:
            given = signature.parameters[param.name].default
            assert given == (inspect.Parameter.empty if param.default is None else param.default)
        params = settings(name)[-1]
        check(name, rows, params, method(**params))
        check(name, rows, defaults(name), method(**defaults(name)))
        if "column" in signature.parameters:
            check(name, rows | {"close": rows["low"]}, params, method(**params, column="low"))


def test_atr_as_strategies_write_it() -> None:
    rows = make_rows("ticks", 200)
    frame = pd.DataFrame(rows)
    previous = frame["close"].shift(1)
    ranges = [
        frame["high"] - frame["low"],
        (frame["high"] - previous).abs(),
        (frame["low"] - previous).abs(),
    ]
    expected = pd.concat(ranges, axis=1).max(axis=1).rolling(14).mean().to_numpy()
    assert first_difference(expected, mb.Bars(rows).atr(14)) is None


def test_threads_agree() -> None:
    bars = mb.Bars(make_rows("ticks", 50_000))
    expected = bars.stoch()
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: bars.stoch(), range(8)):
            assert first_difference(expected.k, result.k) is None
            assert first_difference(expected.d, result.d) is None


# ---- Columns -----------------------------------------------------------------------------------


def test_numbers_of_every_type() -> None:
    whole = np.array([1, 2, 2**53 + 1, -4, 5])
    as_doubles = whole.astype(np.float64)
    for dtype in (np.int64, np.float64):
        got = mb.Bars({"close": whole.astype(dtype)}).sma(2)
        assert first_difference(got, indicators.compute("sma", as_doubles, period=2)) is None
    for dtype in (np.int32, np.uint8, np.uint64, np.float32):
        small = np.array([1, 2, 7, 4, 5], dtype)
        got = indicators.compute("sma", small, period=2)
        assert got.tolist()[1:] == [1.5, 4.5, 5.5, 4.5]


def test_nulls_are_missing() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"close": pa.array([1, 2, None, 4, 6]), "price": [1.0, 2.0, None, 4.0, 6.0]})
    bars = mb.from_arrow(table)
    expected = np.array([np.nan, 1.5, np.nan, np.nan, 5.0])
    assert first_difference(bars.sma(2), expected) is None
    assert first_difference(bars.sma(2, column="price"), expected) is None
    assert bars[3:].sma(1).tolist() == [4.0, 6.0]


def test_columns_by_name() -> None:
    rows = make_rows("ticks", 50)
    shouted = mb.Bars({column.upper(): values for column, values in rows.items()})
    assert first_difference(shouted.atr(), mb.Bars(rows).atr()) is None
    bars = mb.Bars(rows | {"mid": rows["low"]})
    low = pd.Series(rows["low"]).rolling(5).mean().to_numpy()
    assert first_difference(low, bars.indicator("sma", 5, column="mid")) is None
    assert first_difference(low, bars.indicator("sma", 5, columns=("mid",))) is None
    same = bars.indicator("donchian", 5, columns=("low", None))
    assert first_difference(same.upper, bars.max(5, column="low")) is None
    assert first_difference(same.lower, bars.min(5, column="low")) is None


# ---- Arrays ------------------------------------------------------------------------------------


def test_compute_takes_what_is_an_array() -> None:
    values = make_rows("walk", 50)["close"]
    expected = pd.Series(values).rolling(7).mean().to_numpy()
    doubled = np.repeat(values, 2)
    for given in (values, values.tolist(), pd.Series(values), doubled[::2], doubled[-1::-2][::-1]):
        assert first_difference(expected, indicators.compute("sma", given, period=7)) is None
    assert indicators.compute("sma", [], period=7).shape == (0,)
    assert indicators.compute("macd", values).signal.shape == (50,)


def test_crossings() -> None:
    rows = make_rows("missing", 300)
    fast, slow = pd.Series(rows["close"]), pd.Series(rows["close"]).rolling(9, 1).mean()
    above = (fast > slow) & (fast.shift() <= slow.shift())
    below = (fast < slow) & (fast.shift() >= slow.shift())
    got = indicators.cross_above(fast, slow)
    assert got.dtype == np.bool_
    assert not got.flags.writeable
    assert got.tolist() == above.tolist()
    assert indicators.cross_below(fast, slow).tolist() == below.tolist()
    assert above.any() and below.any()
    assert indicators.cross_above([1, 3, 2], [2, 2, 2]).tolist() == [False, True, False]
    assert indicators.cross_below(2, [1, 3, 3]).tolist() == [False, True, False]
    assert indicators.cross_above([], []).tolist() == []
    with pytest.raises(ValueError, match="broadcast"):
        indicators.cross_above([1, 2], [1, 2, 3])


# ---- What is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "message"),
    [
        (0, "sma: period 0 is not in 1 to 2147483647"),
        (-1, "sma: period -1 is not in"),
        (2**31, "sma: period 2147483648 is not in"),
        (10**400, "sma: period inf is not in"),
        (math.nan, "sma: period nan is not in"),
        (2.5, r"sma: period 2\.5 is not a whole number"),
        ("20", "sma: period is a number, not '20'"),
    ],
)
def test_bad_periods(bars: mb.Bars, period: Any, message: str) -> None:
    with pytest.raises(mb.InvalidError, match=message):
        bars.sma(period)


def test_bad_parameters(bars: mb.Bars) -> None:
    with pytest.raises(mb.InvalidError, match="min_periods 9 is more than the 5 rows"):
        bars.sma(5, min_periods=9)
    with pytest.raises(mb.InvalidError, match="ma 'ema' is not one of sma, wilder"):
        bars.atr(14, "ema")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ma is one of its words, not int"):
        bars.atr(14, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="sma: period is a number, not list"):
        bars.sma([3])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="sma needs period: it has no default"):
        bars.indicator("sma")
    with pytest.raises(TypeError, match="sma has no parameter 'length': it takes period, min_pe"):
        bars.indicator("sma", length=3)
    with pytest.raises(TypeError, match="obv has no parameter 'period': it takes none"):
        bars.indicator("obv", period=3)
    with pytest.raises(TypeError, match="sma got period twice"):
        bars.indicator("sma", 3, period=3)
    with pytest.raises(TypeError, match="sma takes 2 parameters at most, not 3"):
        bars.indicator("sma", 3, 1, 1)


def test_bad_columns(bars: mb.Bars) -> None:
    with pytest.raises(mb.ColumnNotFoundError, match="sma needs column 'nope'; there are timest"):
        bars.sma(3, column="nope")
    with pytest.raises(mb.InvalidError, match="column 'timestamp' is timestamp"):
        bars.sma(3, column="timestamp")
    with pytest.raises(mb.InvalidError, match="column 'odd' is bool"):
        bars.sma(3, column="odd")
    with pytest.raises(TypeError, match="atr reads 3 columns, not 1"):
        bars.indicator("atr", column="close")
    with pytest.raises(TypeError, match="not both"):
        bars.indicator("sma", 3, column="close", columns=("close",))


def test_unknown_names(bars: mb.Bars) -> None:
    with pytest.raises(mb.InvalidError, match="no indicator 'smaa': did you mean 'sma'"):
        bars.indicator("smaa", 3)
    with pytest.raises(mb.InvalidError, match="no indicator 'alligator'; there are adx, atr"):
        indicators.spec("alligator")
    with pytest.raises(TypeError, match="str"):
        indicators.spec(3)


def test_bad_arrays() -> None:
    with pytest.raises(TypeError, match=r"atr reads 3 arrays \(high, low, close\), not 1"):
        indicators.compute("atr", [1.0])
    with pytest.raises(mb.InvalidError, match="rows"):
        indicators.compute("atr", [1.0], [1.0, 2.0], [1.0])
    with pytest.raises(mb.InvalidError, match="2 dimensions"):
        indicators.compute("sma", [[1.0], [2.0]], period=1)
    with pytest.raises(mb.InvalidError, match="numbers"):
        indicators.compute("sma", ["a"], period=1)


def test_memory_limit() -> None:
    bars = mb.Bars({"close": np.arange(100_000.0)})
    mb.set_memory_limit(mb.memory_live_bytes() + 1000)
    try:
        with pytest.raises(mb.OutOfMemoryError):
            bars.sma(20)
    finally:
        mb.set_memory_limit(0)
    assert bars.sma(2)[1] == 0.5


# ---- What the manual says ----------------------------------------------------------------------


def values(code: str) -> set[str]:
    """What each statement of some code computes, as a tree: however it is laid out and named."""
    body = ast.parse(code).body
    return {ast.dump(one.value) for one in body if isinstance(one, (ast.Assign, ast.Expr))}


def test_the_manual_has_every_formula() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "indicators.md").read_text(encoding="utf-8")
    shown = set().union(*map(values, re.findall(r"```python\n(.*?)```", manual, re.DOTALL)))
    for name in indicators.names():
        what = indicators.spec(name)
        row = f"| `{name}` | {', '.join(what.inputs)} | "
        assert row in manual
        cells = manual.split(row)[1].split("\n")[0].split(" | ")
        params = [
            param.name
            if param.default is None
            else f'{param.name}="{param.default}"'
            if param.choices
            else f"{param.name}={param.default:g}"
            for param in what.params
        ]
        assert cells[0] == (", ".join(params) or "-")
        assert cells[1] == ", ".join(what.outputs)
        assert values(what.formula) <= shown, name


@pytest.mark.parametrize("name", indicators.names())
def test_the_warm_up_is_as_the_manual_says(name: str) -> None:
    period = 7
    firsts = {"ema": 0, "macd": 0, "obv": 0, "true_range": 0}
    firsts |= {"momentum": period, "roc": period, "rsi": period}
    expected = {output: firsts.get(name, period - 1) for output in indicators.spec(name).outputs}
    if name == "adx":
        expected["adx"] = 2 * period - 2
    if name == "stoch":
        expected = {"k": period + 3 - 2, "d": period + 3 - 2 + 3 - 1}
    params = {} if name in ("obv", "true_range", "macd") else {"period": period}
    result = mb.Bars(make_rows("walk", 60)).indicator(name, **params)
    for output, array in zip(expected, as_tuple(result), strict=True):
        assert np.isfinite(array).tolist() == [row >= expected[output] for row in range(60)], output
