"""The files of a run: those lumibot writes, under its names and in its form, and a manifest.

    from millibar.report import write_files

    files = write_files(result, "logs", "MesMomentum_2026-11-24_14-49")
    files["manifest"]          # logs/MesMomentum_2026-11-24_14-49_manifest.json

Every file is whole or not there: it is written beside its place and renamed. What goes into each is
in docs/results.md; the tables themselves are made by `_sheets` and `_event_sheets`.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from millibar import _core
from millibar._cells import json_plain
from millibar._event_sheets import events_sheet, trades_sheet
from millibar._hashes import columns_hash
from millibar._render import page_html
from millibar._sheet_parts import Sheet
from millibar._sheets import indicators_sheet, stats_sheet
from millibar._stats import LABELS
from millibar.errors import InvalidError

if TYPE_CHECKING:
    from millibar.bars import Bars
    from millibar.result import Result

__all__ = ["data_entry", "file_sha256", "manifest", "write_files"]

_CHUNK_BYTES = 1 << 20


# ---- Writing -----------------------------------------------------------------------------------


def _write(path: Path, put: Callable[[TextIO], None]) -> None:
    """The whole file under its name, or nothing: written beside it, then renamed."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            put(file)
        # mkstemp makes the file for its owner alone; a new file is as the user's mask has it.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_text(path: Path, text: str) -> None:
    """Writes a text file: the whole of it, or nothing."""

    def put(file: TextIO) -> None:
        file.write(text)

    _write(path, put)


def write_json(path: Path, values: Any, *, indent: int | None = 2) -> None:
    """Writes a JSON file: the whole of it, or nothing. NaN is refused."""
    write_text(path, json.dumps(values, indent=indent, allow_nan=False) + "\n")


def _write_sheet(path: Path, sheet: Sheet) -> None:
    def put(file: TextIO) -> None:
        csv.writer(file, lineterminator="\n").writerow(sheet.header)
        file.writelines(sheet.lines)

    _write(path, put)
    _core.parquet_write(sheet.table, str(path.with_suffix(".parquet")), codec="zstd")


# ---- What is known of the inputs ---------------------------------------------------------------


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def data_entry(
    symbol: str, bars: Bars, path: str | os.PathLike[str] | None = None
) -> dict[str, Any]:
    """What a manifest says of market data: rows, span and, where they are no file, their hash.

    Args:
        symbol: whose bars they are.
        bars: the bars as the run has them.
        path: the file they came from; its own hash is taken when the manifest is written.
    """
    times = bars.times.view("int64").tolist()
    entry: dict[str, Any] = {
        "symbol": symbol,
        "rows": len(bars),
        "start": _core.time_format(times[0]) if times else None,
        "end": _core.time_format(times[-1]) if times else None,
        "period_ns": bars.period_ns,
    }
    if path is None:
        entry["columns_sha256"] = columns_hash(bars.table)
    else:
        entry["path"] = os.fspath(path)
    return entry


def _hashed(entry: Mapping[str, Any]) -> dict[str, Any]:
    path = entry.get("path")
    found = dict(json_plain(entry))
    if path is not None and "sha256" not in found:
        found["sha256"] = file_sha256(path) if os.path.isfile(path) else None
    return found


def manifest(result: Result) -> dict[str, Any]:
    """What is needed to say what a run was, and to run it again: versions, policy, every setting,
    the strategy's and the data's hashes and those of the results. "timings" alone differs between
    two runs of the same thing."""
    import numpy as np

    strategy = result.strategy_file
    known = strategy is not None and os.path.isfile(strategy)
    return {
        "format": 1,
        "name": result.name,
        "policy": json_plain(result.settings.get("policy")),
        "versions": {
            "millibar": _core.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "platform": {
            "system": platform.system(),
            "machine": platform.machine(),
            "implementation": sys.implementation.name,
        },
        "settings": json_plain(result.settings),
        "strategy": {
            "file": None if strategy is None else os.path.basename(strategy),
            "sha256": file_sha256(strategy) if strategy is not None and known else None,
        },
        "data": [_hashed(entry) for entry in result.data],
        "counts": result.to_dict()["counts"],
        "hashes": result.hashes,
        "timings": None if result.speed is None else result.speed.to_dict(),
    }


# ---- The files ---------------------------------------------------------------------------------

# lumibot's keys, in its order.
_SETTINGS = (
    "backtesting_start",
    "backtesting_end",
    "budget",
    "risk_free_rate",
    "minutes_before_closing",
    "minutes_before_opening",
    "sleeptime",
    "auto_adjust",
    "quote_asset",
    "benchmark_asset",
    "starting_positions",
    "parameters",
)


def _lumibot_settings(result: Result) -> dict[str, Any]:
    settings = result.settings
    first = {key: json_plain(settings.get(key)) for key in _SETTINGS}
    for key in ("backtesting_start", "backtesting_end"):
        if settings.get(key) is not None:
            first[key] = str(settings[key])
    rest = {
        key: json_plain(value)
        for key, value in settings.items()
        if key not in (*_SETTINGS, "name", "lumibot_version")
    }
    wall = None if result.speed is None else result.speed.wall_seconds
    return {
        "name": result.name,
        **first,
        "lumibot_version": None,
        "backtesting_data_sources": settings.get("backtesting_data_sources"),
        "backtest_time_seconds": wall,
        "millibar_version": _core.__version__,
        **rest,
    }


def _tearsheet_rows(result: Result) -> list[tuple[str, str]]:
    return [(label, result.stats.text(key)) for key, (label, _) in LABELS.items()]


def _tearsheet_metrics(result: Result) -> dict[str, Any]:
    stats = result.stats
    values = stats.to_dict()
    return {
        "metadata": {
            "start_date": None if stats.start is None else stats.start.date().isoformat(),
            "end_date": None if stats.end is None else stats.end.date().isoformat(),
            "total_days": 0 if stats.duration is None else stats.duration.days + 1,
            "risk_free_rate": float(result.settings.get("risk_free_rate") or 0.0),
            "millibar_version": _core.__version__,
        },
        "scalar_metrics": {label: {"Strategy": values[key]} for key, (label, _) in LABELS.items()},
    }


def _file_name(name: str) -> str:
    if not name or name in (".", "..") or any(sign in name for sign in "/\\\0"):
        raise InvalidError(f"{name!r} cannot begin the names of files: it may hold no / and no \\")
    return name


def write_files(
    result: Result, folder: str | os.PathLike[str], name: str | None = None
) -> dict[str, Path]:
    """Writes the files of a run into a folder, made if need be.

    Args:
        result: the run.
        folder: where to.
        name: what the names of the files begin with, by default the result's name.

    Returns:
        Path of each: "stats", "trade_events", "trades" and "indicators" (CSV, each with a Parquet
        twin beside it), "settings", "tearsheet" (CSV), "tearsheet_html", "tearsheet_metrics" and
        "manifest", which is written last.

    Raises:
        StorageError, OSError: the folder cannot be written to.
        InvalidError: a name that is not one of files.
    """
    base = _file_name(result.name if name is None else name)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = {
        kind: target / f"{base}_{suffix}"
        for kind, suffix in (
            ("stats", "stats.csv"),
            ("trade_events", "trade_events.csv"),
            ("trades", "trades.csv"),
            ("indicators", "indicators.csv"),
            ("settings", "settings.json"),
            ("tearsheet", "tearsheet.csv"),
            ("tearsheet_html", "tearsheet.html"),
            ("tearsheet_metrics", "tearsheet_metrics.json"),
            ("manifest", "manifest.json"),
        )
    }
    events = events_sheet(result)
    _write_sheet(paths["stats"], stats_sheet(result))
    _write_sheet(paths["trade_events"], events)
    _write_sheet(paths["trades"], trades_sheet(events))
    _write_sheet(paths["indicators"], indicators_sheet(result))
    write_json(paths["settings"], _lumibot_settings(result), indent=None)

    def put(file: TextIO) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("Metric", "Strategy"))
        writer.writerows(_tearsheet_rows(result))

    _write(paths["tearsheet"], put)
    write_text(paths["tearsheet_html"], page_html(result))
    write_json(paths["tearsheet_metrics"], _tearsheet_metrics(result))
    write_json(paths["manifest"], manifest(result))
    return paths
