"""Timesteps as strategies write them: "minute", "5 minutes", "5min", "1H", "day"."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_NAMES = {
    "second": "s sec secs second seconds",
    "minute": "t m min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "d day days",
    "week": "w wk wks week weeks",
    "month": "mo mos month months",
}
UNITS = {name: unit for unit, names in _NAMES.items() for name in names.split()}
# Names that stand for one of the unit without a number.
_ALONE = frozenset(
    {
        *("second", "seconds", "minute", "minutes", "min", "m", "t", "hour", "hours", "h", "hr"),
        *("day", "days", "d", "week", "weeks", "w", "month", "months", "mo"),
    }
)


def _unit(name: str) -> str | None:
    return UNITS.get(name) or (UNITS.get(name[:-1]) if name.endswith("s") else None)


@lru_cache(maxsize=512)
def parse_canonical_timestep(timestep: Any) -> tuple[int, str] | None:
    """(quantity, unit) of a timestep; None for what is none.

    The unit is "second", "minute", "hour", "day", "week" or "month"; a bare "m" is minutes. Objects
    with an amount and a unit.value, as brokers' libraries have, are read as well.

        >>> parse_canonical_timestep("15 min"), parse_canonical_timestep("1D")
        ((15, 'minute'), (1, 'day'))
    """
    if timestep is None:
        return None
    amount = getattr(timestep, "amount", None)
    unit_text = getattr(getattr(timestep, "unit", None), "value", None)
    if amount is not None and unit_text is not None:
        unit = _unit(str(unit_text).strip().lower())
        return (int(amount), unit) if unit is not None and int(amount) > 0 else None
    text = re.sub(r"\s+", " ", str(timestep).strip().lower())
    if text in _ALONE:
        return 1, UNITS[text]
    found = re.fullmatch(r"(\d+)\s*([a-z]+)", text)
    if found is None or int(found[1]) == 0:
        return None
    unit = _unit(found[2])
    return None if unit is None else (int(found[1]), unit)


def canonicalize_timestep(timestep: Any) -> str | None:
    """A timestep in one form: "minute", "5 minutes"; None for what is none."""
    parsed = parse_canonical_timestep(timestep)
    if parsed is None:
        return None
    quantity, unit = parsed
    return unit if quantity == 1 else f"{quantity} {unit}s"


@lru_cache(maxsize=256)
def parse_timestep(timestep: str) -> tuple[int, str]:
    """(quantity, unit) of a timestep; a unit that is not known is its own text in small letters."""
    parsed = parse_canonical_timestep(timestep)
    if parsed is not None:
        return parsed
    found = re.search(r"(\d+)\s*(\w+)", timestep)
    quantity, name = (int(found[1]), found[2].rstrip("s")) if found else (1, timestep)
    name = name.strip().lower()
    return quantity, _unit(name) or name
