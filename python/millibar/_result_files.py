"""A result in a folder: a Parquet file a table, and result.json for all that is not one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from millibar import _core
from millibar._arrays import to_numpy
from millibar._cells import ABSENT, json_plain, typed_column
from millibar._schema import column_of
from millibar._speed import Speed
from millibar.errors import FileMissingError, FormatError
from millibar.lazy import read_parquet
from millibar.report import write_json
from millibar.result import Result

__all__ = ["load", "save"]

_FORMAT = 1
_TABLES = ("equity", "fills", "orders", "events", "corporate", "trades")


def save(result: Result, folder: Path) -> None:
    """See `Result.save`."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {name: getattr(result, name).table for name in _TABLES}
    rows = _row_table(result)
    if rows is not None:
        tables["rows"] = rows
    for name, table in tables.items():
        _core.parquet_write(table, str(folder / f"{name}.parquet"), codec="zstd")
    meta = {
        "format": _FORMAT,
        "name": result.name,
        "zone": result.zone,
        "days_per_year": result._days_per_year,
        "market_first": result._market_first,
        "tables": sorted(tables),
        "late_trace": [key for key, values in result.trace.items() if values[:1] == [ABSENT]],
        "positions": result.positions,
        "assets": result.assets,
        "charts": result.charts,
        "quoted": sorted(result.quoted),
        "settings": result.settings,
        "data": result.data,
        "strategy_file": result.strategy_file,
        "speed": None if result.speed is None else result.speed.to_dict(),
        "hashes": result.hashes,
        "stats": result.stats.to_dict(),
    }
    write_json(folder / "result.json", json_plain(meta))


def _row_table(result: Result) -> _core.Table | None:
    """What there is a value of for each iteration beside the equity: trace and market."""
    columns = [typed_column(f"trace.{key}", values) for key, values in result.trace.items()]
    if result._market is not None:
        columns.append(column_of("market", result._market))
    return _core.Table(columns) if columns else None


def _read_meta(folder: Path) -> dict[str, Any]:
    path = folder / "result.json"
    if not path.exists():
        raise FileMissingError(f"{path}: no such file; a run is loaded from the folder it is in")
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        if meta["format"] != _FORMAT:
            raise FormatError(f"{path}: format {meta['format']}, and {_FORMAT} is what is read")
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path}: not the result.json of a run ({error})") from error
    return dict(meta)


def load(folder: Path) -> Result:
    """See `Result.load`."""
    meta = _read_meta(folder)
    tables = {name: read_parquet(str(folder / f"{name}.parquet")).table for name in meta["tables"]}
    rows = tables.pop("rows", None)
    trace, market = _row_values(rows, meta["late_trace"])
    speed: Mapping[str, Any] | None = meta["speed"]
    result = Result(
        **tables,
        positions=meta["positions"],
        assets=meta["assets"],
        market=market,
        market_first=meta["market_first"],
        trace=trace,
        charts=meta["charts"],
        settings=meta["settings"],
        data=meta["data"],
        strategy_file=meta["strategy_file"],
        speed=None if speed is None else Speed.from_dict(speed),
        name=meta["name"],
        zone=meta["zone"],
        days_per_year=meta["days_per_year"],
        quoted=meta.get("quoted", ()),
    )
    if result.hashes != meta["hashes"]:
        raise FormatError(f"{folder}: the tables are not those that result.json was written with")
    return result


def _row_values(table: _core.Table | None, late: list[str]) -> tuple[dict[str, list[Any]], Any]:
    trace: dict[str, list[Any]] = {}
    market = None
    for name in () if table is None else table.names:
        assert table is not None
        column = table.column(name)
        if name == "market":
            market = to_numpy(column)
            continue
        key = name.removeprefix("trace.")
        values = column.to_list()
        # Before a column's first row nothing was said; None is what it may say later.
        for row, value in enumerate(values if key in late else ()):
            if value is not None:
                break
            values[row] = ABSENT
        trace[key] = values
    return trace, market
