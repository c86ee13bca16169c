"""A three-day slice out of ten years of minute bars, warm cache: ours, Polars, pyarrow, DuckDB.

Two files of the same synthetic bars, one in millibar's zero-copy layout and one with zstd, and the
zstd one written again by pyarrow, so that nobody reads only its own writing. Every reader returns
the same six columns in memory; the results are checked equal before any time is printed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from measure import Samples, interleave, table

COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]
START = datetime(2022, 6, 7, tzinfo=timezone.utc)
END = datetime(2022, 6, 10, tzinfo=timezone.utc)
LAST_YEAR = 2024


def make_files(folder: Path, years: int = 10) -> dict[str, Path]:
    """Writes the three files into folder, unless they are there."""
    import pyarrow.parquet as pq

    mbar = os.environ.get("MBAR", "mbar")
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / f"minutes-{years}y-plain.parquet"
    zstd = folder / f"minutes-{years}y-zstd.parquet"
    arrow = folder / f"minutes-{years}y-zstd-pyarrow.parquet"
    if not plain.exists():
        span = ["--from", f"{LAST_YEAR - years}-01-01", "--to", f"{LAST_YEAR}-01-01"]
        command = [mbar, "synth", "--seed", "1", "--codec", "none", *span, "--out", str(plain)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    if not zstd.exists():
        subprocess.run(
            [mbar, "convert", str(plain), "--layout", "zstd", "--out", str(zstd)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    if not arrow.exists():
        pq.write_table(pq.read_table(plain), arrow, compression="zstd", write_page_index=True)
    return {"zero-copy layout": plain, "zstd": zstd, "zstd by pyarrow": arrow}


def readers(path: Path) -> dict[str, Callable[[], Any]]:
    """One call each: open the file, return the slice in the reader's own table."""
    import duckdb
    import polars as pl
    import pyarrow.parquet as pq

    import millibar as mb

    name = str(path)
    connection = duckdb.connect()
    query = (
        f"SELECT {', '.join(COLUMNS)} FROM read_parquet('{name}') "
        f"WHERE timestamp >= CAST('{START.isoformat()}' AS TIMESTAMPTZ_NS) "
        f"AND timestamp < CAST('{END.isoformat()}' AS TIMESTAMPTZ_NS)"
    )
    time_filter = [("timestamp", ">=", START), ("timestamp", "<", END)]

    def polars_slice() -> Any:
        column = pl.col("timestamp")
        lazy = pl.scan_parquet(name).filter((column >= START) & (column < END))
        return lazy.select(COLUMNS).collect()

    return {
        "millibar": lambda: mb.scan_parquet(name).between(START, END).select(COLUMNS).collect(),
        "polars": polars_slice,
        "pyarrow": lambda: pq.read_table(name, columns=COLUMNS, filters=time_filter),
        "duckdb": lambda: connection.sql(query).to_arrow_table(),
    }


def closes(result: Any) -> np.ndarray:
    """The close column of any reader's result."""
    if hasattr(result, "column") and hasattr(result, "num_rows"):
        return np.asarray(result.column("close"))
    return np.asarray(result["close"])


def check_equal(calls: dict[str, Callable[[], Any]]) -> int:
    answers = {name: closes(call()) for name, call in calls.items()}
    reference = answers["millibar"]
    for name, answer in answers.items():
        if not np.array_equal(answer.view(np.int64), reference.view(np.int64)):
            raise SystemExit(f"slices: {name} returned other closes than millibar")
    return len(reference)


def run(folder: Path, *, quick: bool) -> dict[str, dict[str, Samples]]:
    results = {}
    for title, path in make_files(folder, years=3 if quick else 10).items():
        calls = readers(path)
        rows = check_equal(calls)
        samples = interleave(calls, rounds=5 if quick else 21, warmup=2)
        results[title] = samples
        print(table(f"3-day slice ({rows} rows), {title}", samples, "millibar"))
    return results
