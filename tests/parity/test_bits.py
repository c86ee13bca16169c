"""The judge sees the smallest differences: these pairs must be told apart, and no copy may be."""

from __future__ import annotations

import copy
import decimal
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bits import difference

STAMPS = pd.date_range("2024-03-08 09:30", periods=3, freq="1min", tz="America/New_York")
FRAME = pd.DataFrame({"open": [1.0, 2.0, 3.0], "volume": [1, 2, 3]}, STAMPS._with_freq(None))


def _changed(**columns: Any) -> pd.DataFrame:
    return FRAME.assign(**columns)


OTHER_NAN = np.frombuffer(np.uint64(0x7FF8000000000001).tobytes(), dtype="float64")[0]
PAIRS = {
    "sign of zero": (0.0, -0.0),
    "last bit": (1.0, np.nextafter(1.0, 2.0).item()),
    "payload of a NaN": (np.float64("nan"), OTHER_NAN),
    "type of a number": (1.0, np.float64(1.0)),
    "float and int": (1.0, 1),
    "decimal": (decimal.Decimal("1"), decimal.Decimal("1.5")),
    "none": (None, float("nan")),
    "class of an exception": (KeyError("a"), ValueError("a")),
    "timestamp and datetime": (STAMPS[0], STAMPS[0].to_pydatetime()),
    "zone of a moment": (STAMPS[0], STAMPS[0].tz_convert("UTC")),
    "bit of a cell": (FRAME, _changed(open=[1.0, 2.0, np.nextafter(3.0, 4.0)])),
    "dtype of a column": (FRAME, _changed(volume=np.array([1, 2, 3], dtype="int32"))),
    "order of columns": (FRAME, FRAME[["volume", "open"]]),
    "name of a column": (FRAME, FRAME.rename(columns={"open": "Open"})),
    "a row fewer": (FRAME, FRAME.iloc[1:]),
    "unit of the index": (FRAME, FRAME.set_axis(FRAME.index.as_unit("s"))),
    "zone of the index": (FRAME, FRAME.tz_convert("UTC")),
    "class of the zone": (FRAME, FRAME.tz_convert(zoneinfo.ZoneInfo("America/New_York"))),
    "name of the index": (FRAME, FRAME.rename_axis("datetime")),
    "freq of the index": (FRAME, FRAME.set_axis(STAMPS)),
    "stamp of a row": (FRAME, FRAME.set_axis(FRAME.index + pd.Timedelta("1ns"))),
    "key of a mapping": ({"a": 1}, {"b": 1}),
    "value in a mapping": ({"a": [1, (2.0,)]}, {"a": [1, (3.0,)]}),
    "length of a list": ([1], [1, 1]),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_that_differ_are_told_apart(name: str) -> None:
    a, b = PAIRS[name]
    assert difference(a, b)
    assert difference(b, a)


@pytest.mark.parametrize("name", PAIRS)
def test_a_copy_is_equal(name: str) -> None:
    for value in PAIRS[name]:
        assert difference(value, copy.deepcopy(value)) is None


def test_the_first_difference_is_named() -> None:
    other = _changed(open=[1.0, 2.5, 3.5])
    assert difference({"bars": FRAME}, {"bars": other}) == (
        "['bars']['open'][1] of 3, 2 unequal: np.float64(2.0) against np.float64(2.5) "
        "(0x1.0000000000000p+1 against 0x1.4000000000000p+1)"
    )
