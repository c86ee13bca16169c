"""lumibot's constants."""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

# The release whose names and behaviour these are.
LUMIBOT_VERSION = "4.6.30"
LUMIBOT_SOURCE_PATH = str(Path(__file__).parent)
LUMIBOT_DEFAULT_TIMEZONE = "America/New_York"
LUMIBOT_DEFAULT_QUOTE_ASSET_SYMBOL = "USD"
LUMIBOT_DEFAULT_QUOTE_ASSET_TYPE = "forex"
LUMIBOT_CACHE_FOLDER = os.environ.get("LUMIBOT_CACHE_FOLDER") or str(
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lumibot" / "1.0"
)


class _Localizing(ZoneInfo):
    """A zone with pytz's two methods, where pytz is not installed."""

    def localize(self, dt: datetime, is_dst: bool = False) -> datetime:
        """The naive time, in this zone."""
        if dt.tzinfo is not None:
            raise ValueError("Not naive datetime (tzinfo is already set)")
        return dt.replace(tzinfo=self, fold=0 if is_dst else 1)

    def normalize(self, dt: datetime) -> datetime:
        """The same instant, in this zone."""
        return dt.astimezone(self)


def _default_zone() -> Any:
    try:
        import pytz
    except ImportError:
        return _Localizing(LUMIBOT_DEFAULT_TIMEZONE)
    zone: tzinfo = pytz.timezone(LUMIBOT_DEFAULT_TIMEZONE)
    return zone


LUMIBOT_DEFAULT_PYTZ = _default_zone()
