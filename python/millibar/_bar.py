"""Bar: one row of bars, as `Bars.split()` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_REQUIRED = ("timestamp", "open", "high", "low", "close", "volume")
_OPTIONAL = ("dividend", "stock_splits")


class Bar:
    """timestamp (seconds since 1970), open, high, low, close, volume, dividend, stock_splits.

    Prices and volume are floats; a dividend or split that is not given is None.

    Raises:
        ValueError: a required field is missing, or one is not a number.
    """

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    dividend: float | None
    stock_splits: float | None

    def __init__(self, raw: dict[str, Any]) -> None:
        self.__dict__["raw"] = raw
        self.update(raw)

    @classmethod
    def get_empty_bar(cls) -> Bar:
        """A bar of zeros."""
        return cls(dict.fromkeys((*_REQUIRED, *_OPTIONAL), 0))

    def update(self, data: Mapping[str, Any]) -> None:
        """Takes all fields from `data`."""
        for name in _REQUIRED:
            if name not in data:
                raise ValueError(f"{name} key is a required field for Bar objects")
            self.__dict__[name] = _number(name, data[name])
        for name in _OPTIONAL:
            value = data.get(name)
            self.__dict__[name] = None if value is None else _number(name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "datetime":
            name, value = "timestamp", value.timestamp()
        if name in _REQUIRED or name in _OPTIONAL:
            value = self.raw[name] = _number(name, value)
        self.__dict__[name] = value

    @property
    def raw(self) -> dict[str, Any]:
        """The dictionary it was made of, kept up to date."""
        raw: dict[str, Any] = self.__dict__["raw"]
        return raw

    @property
    def datetime(self) -> datetime:
        """The timestamp in New York."""
        from millibar.compat.lumibot.constants import LUMIBOT_DEFAULT_PYTZ

        return datetime.fromtimestamp(self.timestamp, LUMIBOT_DEFAULT_PYTZ)

    def __lt__(self, other: Bar) -> bool:
        return self.timestamp < other.timestamp

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={self.__dict__[name]}" for name in (*_REQUIRED, *_OPTIONAL))
        return f"Bar({fields})"


def _number(name: str, value: Any) -> int | float:
    try:
        return int(value) if name == "timestamp" else float(value)
    except (TypeError, ValueError):
        kind = "integer" if name == "timestamp" else "float"
        raise ValueError(f"{name} must be convertible to {kind}, not {value!r}") from None
