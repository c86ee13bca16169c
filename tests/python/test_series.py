"""Series, grid and fill of the extension: what the lumibot door stands on."""

from __future__ import annotations

import numpy as np
import pytest

import millibar as mb
from millibar import _core

MINUTE = 60_000_000_000
START = 1_704_292_200_000_000_000  # 2024-01-03 09:30 New York


def series(minutes: list[int], **keywords: object) -> _core.Series:
    stamps = START + np.array(minutes, np.int64) * MINUTE
    n = len(minutes)
    table = _core.Table(
        [
            _core.column_from_buffer("timestamp", stamps, "timestamp", zone="America/New_York"),
            *(
                _core.column_from_buffer(name, np.arange(n) + offset, "float64")
                for name, offset in (("open", 0.0), ("high", 1.0), ("low", -1.0), ("Close", 0.5))
            ),
            _core.column_from_buffer("volume", np.arange(n) + 1, "int64"),
        ]
    )
    return _core.Series(table, **keywords)  # type: ignore[arg-type]


def test_properties() -> None:
    s = series([0, 1, 2, 5])
    assert len(s) == 4
    assert s.period_ns == MINUTE
    assert s.step == "minute"
    assert s.zone == "America/New_York"
    assert s.time_column == 0
    assert s.find("close") == 4
    assert s.find("nope") == -1
    assert s.times.to_list() == [START + i * MINUTE for i in (0, 1, 2, 5)]
    assert s.times.name == "times"
    assert s.table.names[0] == "timestamp"
    assert repr(s) == "<Series: 4 rows, minute>"


def test_searches() -> None:
    s = series([0, 1, 2, 5])
    times = np.asarray(s.times)
    for t in range(START - 2 * MINUTE, START + 8 * MINUTE, MINUTE // 2):
        assert s.lower_bound(t) == np.searchsorted(times, t, "left")
        assert s.upper_bound(t) == np.searchsorted(times, t, "right")
        assert s.asof(t) == np.searchsorted(times, t, "right") - 1
        assert s.between(t, t + 2 * MINUTE) == (
            s.lower_bound(t),
            s.lower_bound(t + 2 * MINUTE) - s.lower_bound(t),
        )
    for extreme in (-(2**63), 2**63 - 1):
        assert s.asof(extreme) in (-1, 3)
        assert s.window(_core.STRICT, extreme, 5)[1] in (0, 4)


def test_policies() -> None:
    s = series(list(range(10)))
    now = START + 5 * MINUTE
    assert s.window(_core.STRICT, now, 3) == (2, 3)
    assert s.window(_core.STRICT, now, 3, 1) == (1, 3)
    assert s.window(_core.LUMIBOT, now, 3) == (2, 3)
    # lumibot: a negative shift reaches past the clock.
    assert s.window(_core.LUMIBOT, now, 3, -1) == (3, 3)
    assert s.window(_core.LUMIBOT, now, 2, -2) == (5, 2)
    assert s.state(now) == (5, _core.BAR_FORMING)
    assert s.state(START + 20 * MINUTE) == (9, _core.BAR_CLOSED)
    assert s.state(START - 1) == (-1, _core.BAR_NONE)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.window(),
        lambda s: s.window(0, 1),
        lambda s: s.window(0, 1, 2, 3, 4),
        lambda s: s.window(0, "now", 1),
        lambda s: s.window(0, 1.5, 1),
        lambda s: s.state(),
        lambda s: s.asof(None),
        lambda s: s.between(1),
    ],
)
def test_wrong_calls(call: object) -> None:
    with pytest.raises(TypeError):
        call(series([0, 1]))  # type: ignore[operator]


def test_more_wrong_calls() -> None:
    s = series([0, 1])
    with pytest.raises(mb.InvalidError, match="neither STRICT nor LUMIBOT"):
        s.window(2, 0, 1)
    with pytest.raises(OverflowError):
        s.asof(2**63)
    with pytest.raises(mb.InvalidError, match="period_ns"):
        series([0, 1], period_ns=-1)
    with pytest.raises(mb.InvalidError, match="'week' is not one of second, minute, hour, day"):
        series([0, 1], step="week")
    with pytest.raises(mb.ZoneNotFoundError):
        series([0, 1], zone="No/Where")
    with pytest.raises(mb.ZoneNotFoundError):
        series([0, 1], assume_zone="No/Where")
    with pytest.raises(mb.InvalidError, match="every"):
        s.resample(0, "minute")
    with pytest.raises(IndexError):
        s.resample(1, "minute", first=1, n_rows=2)
    with pytest.raises(TypeError):
        s.fill(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _core.grid([1], "minute", "UTC")  # type: ignore[list-item]
    with pytest.raises(TypeError):
        _core.Series(1)  # type: ignore[arg-type]


def test_grid_and_fill() -> None:
    s = series([0, 1, 4])
    grid = _core.grid([s], "minute", "America/New_York")
    assert grid.to_list() == [START + i * MINUTE for i in range(5)]
    filled = s.fill(grid)
    assert filled.times.to_list() == grid.to_list()
    assert filled.table.column("volume").to_list() == [1, 2, 2, 2, 3]
    assert filled.table.column("Close").to_list() == [0.5, 1.5, 1.5, 1.5, 2.5]
    cut = _core.grid([s], "minute", "America/New_York", START + 2 * MINUTE)
    assert cut.to_list() == [START, START + MINUTE, START + 2 * MINUTE]
    assert len(s.fill(cut)) == 3


def test_resample_of_a_range() -> None:
    s = series(list(range(20)))
    whole = s.resample(5, "minute")
    assert whole.table.column("volume").to_list() == [15, 40, 65, 90]
    assert whole.period_ns == 5 * MINUTE
    part = s.resample(5, "minute", first=5, n_rows=7)
    assert part.table.column("volume").to_list() == [40, 23]
    assert s.resample(5, "minute", first=5, n_rows=7, drop_partial=True).times.to_list() == [
        START + 5 * MINUTE
    ]
    assert len(s.resample(1, "day", zone="UTC")) == 1
