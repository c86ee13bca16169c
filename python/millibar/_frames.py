"""A run's tables as the pandas frames that lumibot's broker and strategy have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._arrays import to_numpy
from millibar._event_sheets import events_sheet
from millibar._holdings import positions_by_row
from millibar._sheet_parts import Sheet, asset_fields, in_short
from millibar._sheets import stats_sheet

if TYPE_CHECKING:
    import pandas as pd

    from millibar.result import Result


def _values(column: _core.Column) -> Any:
    """A column for a frame; one without a value is of None, as pandas makes it of dicts."""
    if column.type in ("utf8", "dictionary") or column.null_count == len(column):
        return column.to_list()
    return to_numpy(column)


def _frame(sheet: Sheet, time: str) -> pd.DataFrame:
    import pandas as pd

    from millibar.feed import datetime_index

    parts = {part.name: _values(part.column) for part in sheet.parts if part.name != time}
    frame: pd.DataFrame = pd.DataFrame(parts)
    stamps = next(part.column for part in sheet.parts if part.name == time)
    index = datetime_index(to_numpy(stamps).astype("datetime64[ns]").astype("int64"))
    frame.insert(0, time, index)
    return frame


def events_frame(result: Result, identifier_of: Callable[[int], Any]) -> pd.DataFrame:
    """lumibot's `_trade_event_log_df`: a row an event of an order, or a dividend.

    identifier_of: the identifier of the order of an engine's number.
    """
    frame = _frame(events_sheet(result), "time")
    names = [identifier_of(number) for number in result.events.table.column("order").to_list()]
    frame.loc[frame["event_kind"] == "trade", "identifier"] = names
    return frame


def stats_frame(result: Result) -> pd.DataFrame:
    """lumibot's `strategy.stats`: a row each time it noted one, by time."""
    import pandas as pd

    frame: pd.DataFrame = _frame(stats_sheet(result), "datetime").set_index("datetime")
    shorts: dict[str, Any] = {}
    rows = []
    for held in positions_by_row(result):
        row = []
        for symbol, quantity in held:
            if symbol not in shorts:
                shorts[symbol] = in_short(symbol, asset_fields(result, symbol))
            row.append({"asset": shorts[symbol], "quantity": float(quantity)})
        rows.append(row)
    frame["positions"] = pd.Series(rows, index=frame.index, dtype=object)
    return frame
