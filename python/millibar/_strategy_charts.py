"""Markers, lines and bars that a strategy draws: kept as rows, for the files of the run."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from millibar._log import logger_of
from millibar._strategy_clock import ClockMethods
from millibar.assets import Asset

logger = logger_of(__name__)


def _checked(method: str, **given: tuple[Any, type | tuple[type, ...], str]) -> None:
    for name, (value, kinds, words) in given.items():
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            raise ValueError(
                f"Invalid {name} parameter in {method}() method. {name.capitalize()} must be "
                f"{words} but instead got {value}, which is a type {type(value)}."
            )


def _checked_asset(method: str, asset: Any) -> None:
    if asset is not None and not isinstance(asset, Asset):
        raise TypeError(
            f"Invalid asset parameter in {method}() method. Asset must be an Asset object, not "
            f"{type(asset)}: {asset!r}."
        )


def _asset_fields(asset: Asset | None) -> dict[str, Any]:
    if asset is None:
        names = ("symbol", "type", "expiration", "strike", "right", "multiplier")
        fields: dict[str, Any] = {f"asset_{name}": None for name in names}
        return fields | {"quote_symbol": None, "asset_display_name": None}
    return {
        "asset_symbol": asset.symbol,
        "asset_type": asset.asset_type,
        "asset_expiration": str(asset.expiration) if asset.expiration else None,
        "asset_strike": asset.strike,
        "asset_right": asset.right,
        "asset_multiplier": asset.multiplier,
        "quote_symbol": None,
        "asset_display_name": str(asset),
    }


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _size(value: Any, what: str) -> Any:
    if value is not None and value <= 0:
        logger.warning("%s must be positive; ignoring %r.", what, value)
        return None
    return value


def _frame(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows)


class ChartMethods(ClockMethods):
    """add_marker, add_line, add_ohlc and what was added by them."""

    _chart_markers_list: list[dict[str, Any]]
    _chart_lines_list: list[dict[str, Any]]
    _chart_ohlc_list: list[dict[str, Any]]
    _marked: set[tuple[Any, ...]]

    def _start_charts(self) -> None:
        self._chart_markers_list = []
        self._chart_lines_list = []
        self._chart_ohlc_list = []
        self._marked = set()

    def add_marker(
        self,
        name: str,
        value: float | None = None,
        color: str = "blue",
        symbol: str = "circle",
        size: int | None = None,
        detail_text: str | None = None,
        dt: Any = None,
        plot_name: str = "default_plot",
        asset: Asset | None = None,
    ) -> dict[str, Any] | None:
        """Notes a marker; its row, or None where it is there already or its value is no number.

        value: the portfolio's unless given. dt: now unless given.

        Raises:
            ValueError, TypeError: an argument of the wrong kind.
        """
        _checked(
            "add_marker",
            name=(name, str, "a string"),
            symbol=(symbol, str, "a string"),
            color=(color, str, "a string"),
            size=(size, int, "an integer"),
            detail_text=(detail_text, str, "a string"),
            dt=(dt, datetime, "a datetime.datetime"),
        )
        _checked_asset("add_marker", asset)
        at = self.get_datetime() if dt is None else dt
        number = _finite(getattr(self, "portfolio_value", None) if value is None else value)
        if number is None:
            logger.warning("Skipping %s marker: value %r is not a finite number.", name, value)
            return None
        key = (at.timestamp(), name, symbol, plot_name)
        if key in self._marked:
            return None
        self._marked.add(key)
        row = {
            "datetime": at,
            "timestamp": at.timestamp(),
            "name": name,
            "symbol": symbol,
            "color": color,
            "size": _size(size, "Marker size"),
            "value": number,
            "detail_text": detail_text,
            "plot_name": plot_name,
            **_asset_fields(asset),
        }
        self._chart_markers_list.append(row)
        return row

    def add_line(
        self,
        name: str,
        value: float,
        color: str | None = None,
        style: str = "solid",
        width: int | None = None,
        detail_text: str | None = None,
        dt: Any = None,
        plot_name: str = "default_plot",
        asset: Asset | None = None,
    ) -> dict[str, Any] | None:
        """Notes a point of a line; its row, or None where the value is not finite.

        Raises:
            ValueError, TypeError: an argument of the wrong kind.
        """
        _checked(
            "add_line",
            name=(name, str, "a string"),
            color=(color, str, "a string"),
            style=(style, str, "a string"),
            width=(width, int, "an integer"),
            detail_text=(detail_text, str, "a string"),
            dt=(dt, datetime, "a datetime.datetime"),
        )
        _checked_asset("add_line", asset)
        if style not in ("solid", "dotted", "dashed"):
            logger.warning("Unsupported line style %r, defaulting to solid.", style)
            style = "solid"
        number = float(value)
        if not math.isfinite(number):
            logger.warning("Skipping line because value is not finite.")
            return None
        row = {
            "datetime": self.get_datetime() if dt is None else dt,
            "name": name,
            "value": number,
            "color": color,
            "style": style,
            "width": _size(width, "Line width"),
            "detail_text": detail_text,
            "plot_name": plot_name,
            **_asset_fields(asset),
        }
        self._chart_lines_list.append(row)
        return row

    def add_ohlc(
        self,
        name: str,
        open: float,
        high: float,
        low: float,
        close: float,
        color: str | None = None,
        detail_text: str | None = None,
        dt: Any = None,
        plot_name: str = "default_plot",
        asset: Asset | None = None,
    ) -> dict[str, Any] | None:
        """Notes a bar; its row, or None where its prices are not finite or no bar's."""
        _checked_asset("add_ohlc", asset)
        prices = [float(price) for price in (open, high, low, close)]
        sound = all(map(math.isfinite, prices))
        if not sound or high < low or high < max(open, close) or low > min(open, close):
            logger.error("Skipping OHLC bar because its prices are invalid: %s.", prices)
            return None
        default_color = "green" if prices[3] >= prices[0] else "red"
        row = {
            "datetime": self.get_datetime() if dt is None else dt,
            "name": name,
            **dict(zip(("open", "high", "low", "close"), prices, strict=True)),
            "color": default_color if color is None else color,
            "detail_text": detail_text,
            "plot_name": plot_name,
            **_asset_fields(asset),
        }
        self._chart_ohlc_list.append(row)
        return row

    def get_markers_df(self) -> Any:
        """The markers as a pandas DataFrame."""
        return _frame(self._chart_markers_list)

    def get_lines_df(self) -> Any:
        """The lines' points as a pandas DataFrame."""
        return _frame(self._chart_lines_list)

    def get_ohlc_df(self) -> Any:
        """The bars as a pandas DataFrame."""
        return _frame(self._chart_ohlc_list)
