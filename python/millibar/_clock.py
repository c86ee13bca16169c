"""The clock of a run as lumibot's datetimes: New York's, by pytz where that is installed.

lumibot's datetimes carry pytz zones, and code written for it calls their `localize`; pandas brings
pytz along, so that code has it. Without pandas the standard library's zone stands in.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from millibar._times import to_ns

NEW_YORK = "America/New_York"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


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


def instant_ns(value: Any) -> int:
    """Nanoseconds of a datetime, date or text; without a zone it is New York's wall clock."""
    return to_ns(value, NEW_YORK)
