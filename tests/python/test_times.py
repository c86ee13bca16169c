"""Instants, zones and bar lengths from what users write."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

import millibar as mb
from millibar import _core
from millibar._clock import Clock, from_ns
from millibar._times import first_wall, parse_step, to_ns, to_period_ns, zone, zone_name

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
HOUR = 3_600_000_000_000
OPEN = 1_704_292_200_000_000_000  # 2024-01-03 09:30 New York


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-03T14:30:00Z",
        "2024-01-03 09:30:00-05:00",
        "2024-01-03 14:30",
        datetime(2024, 1, 3, 14, 30),
        datetime(2024, 1, 3, 9, 30, tzinfo=NEW_YORK),
        datetime(2024, 1, 3, 15, 30, tzinfo=timezone(timedelta(hours=1))),
        np.datetime64("2024-01-03T14:30"),
        np.datetime64("2024-01-03T14:30:00.000000000"),
        OPEN,
        np.int64(OPEN),
    ],
    ids=repr,
)
def test_instants(value: object) -> None:
    assert to_ns(value) == OPEN  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", ["2024-01-03 09:30", datetime(2024, 1, 3, 9, 30), np.datetime64("2024-01-03T09:30")]
)
def test_wall_clocks_are_placed(value: object) -> None:
    assert to_ns(value, "America/New_York") == OPEN  # type: ignore[arg-type]
    assert to_ns(value, NEW_YORK) == OPEN  # type: ignore[arg-type]


def test_dates_are_midnights() -> None:
    assert to_ns(date(2024, 1, 3)) == to_ns("2024-01-03T00:00:00Z")
    assert to_ns(date(2024, 1, 3), "America/New_York") == to_ns("2024-01-03T05:00:00Z")


def test_pandas_timestamps_keep_their_nanoseconds() -> None:
    pd = pytest.importorskip("pandas")
    stamp = pd.Timestamp("2024-01-03 09:30:00.123456789", tz="America/New_York")
    assert to_ns(stamp) == stamp.value
    assert to_ns(pd.Timestamp("2024-01-03 09:30").as_unit("s"), "America/New_York") == OPEN
    assert to_ns(pd.Timestamp.max) == pd.Timestamp.max.value
    with pytest.raises(mb.InvalidError, match="NaT"):
        to_ns(pd.NaT)
    assert to_period_ns(pd.Timedelta(90, "s")) == 90_000_000_000
    assert to_period_ns(pd.Timedelta(1, "ns")) == 1


def test_before_1970() -> None:
    assert to_ns(datetime(1969, 12, 31, 23, 59, 59, 999999)) == -1000
    assert to_ns("1969-12-31T23:59:59.999999999Z") == -1


@pytest.mark.parametrize(
    "value",
    [np.datetime64("NaT"), "tomorrow", "2024-13-01", datetime(1, 1, 1), "", 2**63,
     np.datetime64("2400-01-01"), datetime(9999, 1, 1, tzinfo=timezone.utc)],
)  # fmt: skip
def test_what_is_no_time(value: object) -> None:
    with pytest.raises(mb.InvalidError):
        to_ns(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 1.5, [], True])
def test_what_is_not_even_a_value(value: object) -> None:
    with pytest.raises(TypeError):
        to_ns(value)  # type: ignore[arg-type]


def test_daylight_saving() -> None:
    # Twice: the earlier one. Never: the end of the jump.
    assert to_ns("2024-11-03 01:30", "America/New_York") == to_ns("2024-11-03T05:30:00Z")
    assert to_ns("2024-03-10 02:30", "America/New_York") == to_ns("2024-03-10T07:00:00Z")
    later = datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=1)
    assert to_ns(later) == to_ns("2024-11-03T06:30:00Z")


@pytest.mark.parametrize("name", ["America/New_York", "Europe/London", "Australia/Lord_Howe"])
def test_first_wall_is_the_first(name: str) -> None:
    """Against trying every half hour of 2024's walls."""
    rules = _core.Zone(name)
    half_hour = 1_800_000_000_000
    start = to_ns("2024-01-01")
    walls = range(start, start + 366 * 86_400_000_000_000, half_hour)
    placed = [rules.from_local(wall) for wall in walls]
    assert placed == sorted(placed)
    for ns in range(start + 86_400_000_000_000, walls[-1] - 86_400_000_000_000, half_hour * 7):
        first = first_wall(rules, ns)
        assert rules.from_local(first) >= ns
        assert rules.from_local(first - 1) < ns


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("30s", (30, "second")), ("5m", (5, "minute")), ("15min", (15, "minute")),
     ("1T", (1, "minute")), ("1h", (1, "hour")), ("4 hours", (4, "hour")), ("1D", (1, "day")),
     ("minute", (1, "minute"))],
)  # fmt: skip
def test_steps(text: str, wanted: tuple[int, str]) -> None:
    assert parse_step(text) == wanted


@pytest.mark.parametrize("text", ["", "5", "0m", "1M", "5 fortnights", "-5m", "1.5h", "m5"])
def test_wrong_steps(text: str) -> None:
    with pytest.raises(mb.InvalidError, match="30s, 5min"):
        parse_step(text)


def test_periods() -> None:
    assert to_period_ns("5min") == to_period_ns(timedelta(minutes=5)) == 300_000_000_000
    assert to_period_ns(7) == 7


def test_zone_names() -> None:
    pytz = pytest.importorskip("pytz")
    assert zone_name(pytz.timezone("America/New_York")) == "America/New_York"
    assert zone_name(NEW_YORK) == "America/New_York"
    assert zone_name(pytz.utc) == zone_name(timezone.utc) == "UTC"
    assert zone_name(timezone(-timedelta(hours=3, minutes=30))) == "-03:30"
    assert zone_name("anything") == "anything"
    with pytest.raises(mb.InvalidError, match="whole number of minutes"):
        zone_name(timezone(timedelta(seconds=90)))


def test_zones_of_the_extension() -> None:
    rules = zone("America/New_York")
    assert rules.name == "America/New_York"
    assert rules.offset_s(OPEN) == -18_000
    assert rules.abbreviation(OPEN) == "EST"
    assert rules.to_local(OPEN) == to_ns("2024-01-03 09:30")
    assert rules.day_start(OPEN) == to_ns("2024-01-03T05:00:00Z")
    assert rules.next_day(OPEN) == to_ns("2024-01-04T05:00:00Z")
    assert rules.from_local(to_ns("2024-11-03 01:30"), "later") == to_ns("2024-11-03T06:30:00Z")
    with pytest.raises(mb.InvalidError):
        rules.from_local(to_ns("2024-11-03 01:30"), "refuse")
    with pytest.raises(mb.InvalidError, match="fold"):
        rules.from_local(0, "whatever")  # type: ignore[arg-type]
    for name in ("", "../etc/passwd", "/etc/passwd"):
        with pytest.raises(mb.InvalidError):
            _core.Zone(name)
    with pytest.raises(mb.ZoneNotFoundError, match="Mars") as caught:
        _core.Zone("Mars/Olympus")
    assert isinstance(caught.value, KeyError)
    assert repr(rules) == "Zone('America/New_York')"


def test_time_text() -> None:
    assert _core.time_format(OPEN) == "2024-01-03T14:30:00Z"
    assert _core.time_parse("2024-01-03T14:30:00Z") == (OPEN, True)
    assert _core.time_parse("2024-01-03 14:30") == (OPEN, False)


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_a_clock_is_as_exact_as_placing_each_instant(name: str) -> None:
    pytz = pytest.importorskip("pytz")
    place, rng = pytz.timezone(name), np.random.default_rng(4)
    clock = Clock(place)
    # pytz knows nothing of the time before 1902.
    changes = [stamp.replace(tzinfo=timezone.utc) for stamp in place._utc_transition_times[2:]]
    near = [int(stamp.timestamp()) * 10**9 for stamp in changes]
    near += rng.integers(-(10**17), 2 * 10**18, 200).tolist()
    for base in near:
        for ns in (base - 1, base, *(base + rng.integers(-2 * HOUR, 2 * HOUR, 8)).tolist()):
            quick, slow = clock.at(ns), from_ns(ns, place)
            assert (quick, quick.tzinfo is slow.tzinfo, quick.fold) == (slow, True, slow.fold), ns
            assert quick.replace(tzinfo=None) == slow.replace(tzinfo=None), ns
