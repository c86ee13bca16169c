"""Instants and time zones from what users write.

An instant may be a datetime, a date, a pandas Timestamp, a numpy datetime64, ISO 8601 text or an
int (nanoseconds since 1970 UTC). One that carries a zone means exactly itself. One without (a naive
datetime, a date, a datetime64, text without an offset) is a wall clock in the zone `tz` of the
call, which is UTC unless given; a wall clock that happens twice is the earlier one, one that never
happens is the end of the jump.
"""

from __future__ import annotations

import os
import re
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from millibar import _core
from millibar.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np

Instant: TypeAlias = Union[datetime, date, str, int, "np.datetime64"]
"""What every argument that is a time accepts; a pandas Timestamp is a datetime."""

ZoneLike: TypeAlias = str | tzinfo
"""An IANA name, "+05:30", or a tzinfo that knows its name (zoneinfo, pytz, datetime.timezone)."""

_EPOCH = datetime(1970, 1, 1)
_NS_PER_DAY = 86_400_000_000_000
_INT64 = range(-(2**63), 2**63)
UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def zone_name(tz: ZoneLike) -> str:
    """The name libmillibar knows a zone by.

    >>> from datetime import timezone
    >>> zone_name("America/New_York"), zone_name(timezone.utc)
    ('America/New_York', 'UTC')
    >>> zone_name(timezone(timedelta(hours=5, minutes=30)))
    '+05:30'
    """
    if isinstance(tz, str):
        return tz
    for attribute in ("key", "zone"):
        name = getattr(tz, attribute, None)
        if isinstance(name, str):
            return name
    offset = tz.utcoffset(None)
    if offset is None:
        raise InvalidError(f"{tz!r} has no name: pass the IANA name as text")
    if not offset:
        return "UTC"
    minutes, rest = divmod(offset, timedelta(minutes=1))
    if rest:
        raise InvalidError(f"{tz!r} is not a whole number of minutes from UTC")
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@lru_cache(maxsize=64)
def zone(name: str) -> _core.Zone:
    """The rules of a zone, kept for the next call."""
    return _core.Zone(name)


def _placed(wall_ns: int, tz: ZoneLike | None) -> int:
    if wall_ns not in _INT64:
        raise InvalidError("the time is outside the years 1678 to 2262 that nanoseconds reach")
    return wall_ns if tz is None else zone(zone_name(tz)).from_local(wall_ns)


def _from_datetime(value: datetime, tz: ZoneLike | None) -> int:
    if value != value:
        raise InvalidError("NaT is not a time")
    naive = value.replace(tzinfo=None)
    offset = value.utcoffset()
    delta = naive - _EPOCH
    # Through integers: a float of seconds would lose the last digits.
    ns = delta.days * _NS_PER_DAY + delta.seconds * 1_000_000_000 + delta.microseconds * 1_000
    ns += int(getattr(value, "nanosecond", 0))  # a pandas Timestamp's
    if offset is None:
        return _placed(ns, tz)
    return _placed(ns - offset // timedelta(microseconds=1) * 1_000, None)


def _from_numpy(value: Any, tz: ZoneLike | None) -> int:
    import numpy as np

    if np.isnat(value):
        raise InvalidError("NaT is not a time")
    # In Python's integers: numpy wraps or raises, by its version, where int64 ends.
    unit, count = np.datetime_data(value.dtype)
    if unit in UNIT_NS:
        return _placed(int(value.astype(np.int64)) * count * UNIT_NS[unit], tz)
    return _placed(int(value.astype("datetime64[s]").astype(np.int64)) * UNIT_NS["s"], tz)


def to_ns(value: Instant, tz: ZoneLike | None = None) -> int:
    """Nanoseconds since 1970 UTC of an instant; the module says what without a zone means.

    Raises:
        InvalidError: NaT, text that is not a time, a time beyond int64 nanoseconds.
        TypeError: anything that is not a time.

    >>> to_ns("2024-01-03T14:30:00Z")
    1704292200000000000
    >>> to_ns("2024-01-03 09:30", tz="America/New_York")
    1704292200000000000
    >>> to_ns(datetime(2024, 1, 3, 14, 30))
    1704292200000000000
    """
    if type(value) is int and value in _INT64:
        return value
    if isinstance(value, str):
        ns, has_offset = _core.time_parse(value)
        return ns if has_offset else _placed(ns, tz)
    if isinstance(value, datetime):
        return _from_datetime(value, tz)
    if isinstance(value, date):
        return _placed((value - _EPOCH.date()).days * _NS_PER_DAY, tz)
    if type(value).__name__ == "datetime64":
        return _from_numpy(value, tz)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"expected a time, not {type(value).__name__}: {value!r}")
    ns = int(value)
    if ns not in _INT64:
        raise InvalidError(f"{ns} does not fit int64 nanoseconds")
    return ns


def is_time(value: object) -> bool:
    """Whether a value is a time that needs no context: not text, not an int."""
    return isinstance(value, date) or type(value).__name__ == "datetime64"


def first_wall(rules: _core.Zone, ns: int) -> int:
    """The earliest wall clock, in nanoseconds as if UTC, that `from_local` places at ns or later:
    where a range of instants begins among stamps without a zone."""
    low = max(rules.to_local(ns) - _NS_PER_DAY, _INT64[0])
    high = min(rules.to_local(ns) + _NS_PER_DAY, _INT64[-1])
    while low < high:
        middle = (low + high) // 2
        if rules.from_local(middle) < ns:
            low = middle + 1
        else:
            high = middle
    return low


# ---- Steps -------------------------------------------------------------------------------------

_STEPS: dict[str, _core.Step] = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "second"),
    **dict.fromkeys(("m", "min", "minute", "minutes", "t"), "minute"),
    **dict.fromkeys(("h", "hour", "hours"), "hour"),
    **dict.fromkeys(("d", "day", "days"), "day"),
}
_STEP_NS: dict[_core.Step, int] = {
    "second": 1_000_000_000,
    "minute": 60_000_000_000,
    "hour": 3_600_000_000_000,
    "day": _NS_PER_DAY,
}
_EVERY = re.compile(r"\s*(\d*)\s*([A-Za-z]+)\s*")


def parse_step(text: str) -> tuple[int, _core.Step]:
    """A bar length as (count, step).

    >>> parse_step("5m"), parse_step("15min"), parse_step("1 hour"), parse_step("day")
    ((5, 'minute'), (15, 'minute'), (1, 'hour'), (1, 'day'))
    """
    match = _EVERY.fullmatch(text)
    # "M" is a month to pandas and a minute to lumibot: say which is meant.
    word = match[2] if match else ""
    step = None if word == "M" else _STEPS.get(word.lower())
    count = int(match[1] or 1) if match else 0
    if step is None or count == 0:
        raise InvalidError(
            f"{text!r} is not a bar length: write 30s, 5min, 1h or 1d"
            + ("; M is ambiguous, write min" if word == "M" else "")
        )
    return count, step


def step_ns(step: _core.Step) -> int:
    """Nanoseconds of one step; a day is 24 hours."""
    return _STEP_NS[step]


def to_period_ns(period: str | timedelta | int) -> int:
    """Nanoseconds of a bar length: text as for `parse_step`, a timedelta, or nanoseconds."""
    if isinstance(period, str):
        count, step = parse_step(period)
        return count * step_ns(step)
    if isinstance(period, timedelta):
        ns = period // timedelta(microseconds=1) * 1_000
        return ns + int(getattr(period, "nanoseconds", 0))  # a pandas Timedelta's
    return int(period)


# ---- Zone data ---------------------------------------------------------------------------------

_SYSTEM_DIRECTORIES = (
    "/usr/share/zoneinfo",
    "/usr/lib/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/etc/zoneinfo",
)


def use_packaged_zones() -> None:
    """Point the library at the tzdata package's files where the system has none of its own."""
    if any(os.path.isdir(directory) for directory in _SYSTEM_DIRECTORIES):
        return
    from importlib.util import find_spec

    spec = find_spec("tzdata")
    if spec is not None and spec.origin is not None:
        _core.set_zone_directory(os.path.join(os.path.dirname(spec.origin), "zoneinfo"))
