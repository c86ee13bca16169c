"""The clock of a run as lumibot's datetimes: New York's, by pytz where that is installed.

lumibot's datetimes carry pytz zones, and code written for it calls their `localize`; pandas brings
pytz along, so that code has it. Without pandas the standard library's zone stands in.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from millibar._times import to_ns, zone_name
from millibar._times import zone as rules_of

NEW_YORK = "America/New_York"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_WALL_EPOCH = datetime(1970, 1, 1)


@lru_cache(maxsize=16)
def zone_of(name: str) -> Any:
    """The zone of that name: pytz's, else the standard library's."""
    try:
        import pytz
    except ImportError:
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)
    return pytz.timezone(name)


def localize(zone: tzinfo, wall: datetime) -> datetime:
    """A wall clock of the zone as a datetime with that zone; the later of two, as pytz has it."""
    place = getattr(zone, "localize", None)
    placed: datetime = wall.replace(tzinfo=zone, fold=1) if place is None else place(wall)
    return placed


def aware(value: datetime, zone: tzinfo | None = None) -> datetime:
    """A datetime with a zone as it is; one without is a wall clock, New York's unless told."""
    if value.tzinfo is not None and value.utcoffset() is not None:
        return value
    return localize(zone_of(NEW_YORK) if zone is None else zone, value)


def from_ns(ns: int, zone: tzinfo) -> datetime:
    """An instant on the zone's clock, cut to microseconds."""
    return (_EPOCH + timedelta(microseconds=ns // 1000)).astimezone(zone)


_HOUR_NS = 3_600_000_000_000


class Clock:
    """Instants on one zone's clock, quickly: a run asks thousands of times.

    A clock goes forward in small steps, so the last hour is kept as a datetime, to which the rest
    is added. An hour has one offset where its first and its last nanosecond have the same; in the
    others every instant is looked up. pytz has a zone object for each offset of a zone: an hour's
    datetime has that of its hour, and keeps it under addition.
    """

    __slots__ = ("_hour", "_rules", "_since_ns", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._since_ns = -(2 * _HOUR_NS) - 2**63  # no instant is in that hour
        self._hour = _EPOCH
        self._rules: Any = None
        if hasattr(zone, "localize") and getattr(zone, "zone", None):
            self._rules = rules_of(zone_name(zone))

    def at(self, ns: int) -> datetime:
        """The instant, cut to microseconds; the same as `from_ns`."""
        rest = ns - self._since_ns
        if not 0 <= rest < _HOUR_NS:
            rest = ns % _HOUR_NS
            if not self._enter(ns - rest):
                return from_ns(ns, self._zone)
        return self._hour + timedelta(0, rest // 1_000_000_000, rest % 1_000_000_000 // 1000)

    def _enter(self, since_ns: int) -> bool:
        """Keeps the hour that begins there; False where it cannot be kept."""
        rules = self._rules
        if rules is None or rules.offset_s(since_ns) != rules.offset_s(since_ns + _HOUR_NS - 1):
            return False
        self._since_ns = since_ns
        self._hour = from_ns(since_ns, self._zone)
        return True


def instant_ns(value: Any) -> int:
    """Nanoseconds of a datetime, date or text; without a zone it is New York's wall clock."""
    return to_ns(value, NEW_YORK)
