"""One contender of the data benchmark, a process: `python -m bench.sides.data WHO THREADS`.

It prints a line of JSON when its library is imported and told how many threads it may use, and then
answers every line of JSON: {"job", "path", "other", "check", "load"}. A job gives the contender's
own table; with "check" the answer is a digest of each column's values, so that contenders can be
compared, else the CPU seconds (all threads) and wall seconds that it took. "load" reads the tables
of the jobs in memory, untimed. "peak_mib" is what the process has grown by since it was ready.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeAlias

from bench.serve import forget_peak, memory_mib

Table: TypeAlias = Any
Job: TypeAlias = Callable[[str, str], Table]

START = datetime(2022, 6, 7, tzinfo=timezone.utc)
END = datetime(2022, 6, 10, tzinfo=timezone.utc)
COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]
PRICES = ["open", "high", "low", "close"]


class Side:
    """What a contender does. Every job takes the path of the bars and of the trades."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.bars: Table = None
        self.trades: Table = None

    def load(self, path: str, other: str) -> None:
        self.bars, self.trades = self.read(path, other), self.read(other, other)

    def read(self, path: str, other: str) -> Table: ...

    def slice(self, path: str, other: str) -> Table: ...

    def columns(self, path: str, other: str) -> Table: ...

    def filter(self, path: str, other: str) -> Table:
        """Of the closes of rising bars that traded over 100: how many, sum, mean."""

    def resample(self, path: str, other: str) -> Table:
        return self.resampled(self.read(path, other))

    def asof(self, path: str, other: str) -> Table:
        return self.joined(self.read(path, other), self.read(other, other))

    def resampled(self, bars: Table) -> Table:
        """Bars of 15 minutes."""

    def joined(self, bars: Table, trades: Table) -> Table:
        """The bars, and beside each the last trade at or before its open."""

    def job(self, name: str) -> Job:
        if name == "resample-memory":
            return lambda path, other: self.resampled(self.bars)
        if name == "asof-memory":
            return lambda path, other: self.joined(self.bars, self.trades)
        if name == "read-touched":
            return lambda path, other: touched(self.read(path, other))
        found: Job = getattr(self, name)
        return found


def touched(table: Any) -> Any:
    """The table, after one value of every page of memory has been looked at."""
    for name in COLUMNS:
        table[name][::512].sum() if name != "timestamp" else table[name][::512].max()
    return table


class Millibar(Side):
    def __init__(self, threads: int) -> None:
        import millibar

        super().__init__(threads)
        self.mb = millibar

    def plan(self, path: str) -> Any:
        return self.mb.scan_parquet(path).threads(self.threads)

    def read(self, path: str, other: str) -> Table:
        return self.plan(path).collect()

    def slice(self, path: str, other: str) -> Table:
        return self.plan(path).between(START, END).select(COLUMNS).collect()

    def columns(self, path: str, other: str) -> Table:
        return self.plan(path).select("timestamp", "close").collect()

    def filter(self, path: str, other: str) -> Table:
        col = self.mb.col
        rising = (col("close") > col("open")) & (col("volume") > 100)
        close = col("close")
        plan = self.plan(path).filter(rising)
        found = plan.aggregate(n=self.mb.count(), sum=close.sum(), mean=close.mean())
        return tuple(found.values())

    def resample(self, path: str, other: str) -> Table:
        return self.plan(path).resample("15min").collect()

    def resampled(self, bars: Table) -> Table:
        return bars.resample("15min")

    def joined(self, bars: Table, trades: Table) -> Table:
        return bars.join_asof(trades)


class Polars(Side):
    def __init__(self, threads: int) -> None:
        os.environ["POLARS_MAX_THREADS"] = str(threads)
        import polars

        super().__init__(threads)
        self.pl = polars

    def read(self, path: str, other: str) -> Table:
        return self.pl.read_parquet(path)

    def slice(self, path: str, other: str) -> Table:
        time = self.pl.col("timestamp")
        plan = self.pl.scan_parquet(path).filter((time >= START) & (time < END))
        return plan.select(COLUMNS).collect()

    def columns(self, path: str, other: str) -> Table:
        return self.pl.read_parquet(path, columns=["timestamp", "close"])

    def filter(self, path: str, other: str) -> Table:
        col = self.pl.col
        rising = (col("close") > col("open")) & (col("volume") > 100)
        close = col("close")
        answer = self.pl.scan_parquet(path).filter(rising)
        return answer.select(close.len(), close.sum().alias("s"), close.mean().alias("m")).collect()

    def resample(self, path: str, other: str) -> Table:
        return self._resampled(self.pl.scan_parquet(path)).collect()

    def _resampled(self, bars: Table) -> Table:
        col = self.pl.col
        return bars.group_by_dynamic("timestamp", every="15m").agg(
            col("open").first(),
            col("high").max(),
            col("low").min(),
            col("close").last(),
            col("volume").sum(),
        )

    def resampled(self, bars: Table) -> Table:
        return self._resampled(bars)

    def asof(self, path: str, other: str) -> Table:
        scan = self.pl.scan_parquet
        return scan(path).join_asof(scan(other), on="timestamp").collect()

    def joined(self, bars: Table, trades: Table) -> Table:
        return bars.join_asof(trades, on="timestamp")


class ByPyarrow(Side):
    """Who reads Parquet by pyarrow, into its own table or into another."""

    def __init__(self, threads: int) -> None:
        import pyarrow

        super().__init__(threads)
        pyarrow.set_cpu_count(threads)
        pyarrow.set_io_thread_count(threads)

    def _read(self, path: str, **options: Any) -> Table:
        raise NotImplementedError

    def read(self, path: str, other: str) -> Table:
        return self._read(path)

    def slice(self, path: str, other: str) -> Table:
        span = [("timestamp", ">=", START), ("timestamp", "<", END)]
        return self._read(path, columns=COLUMNS, filters=span)

    def columns(self, path: str, other: str) -> Table:
        return self._read(path, columns=["timestamp", "close"])


class Pyarrow(ByPyarrow):
    def __init__(self, threads: int) -> None:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet

        super().__init__(threads)
        self.pa, self.pc, self.pq = pyarrow, pyarrow.compute, pyarrow.parquet

    def _read(self, path: str, **options: Any) -> Table:
        return self.pq.read_table(path, use_threads=self.threads > 1, **options)

    def filter(self, path: str, other: str) -> Table:
        field = self.pc.field
        rising = (field("close") > field("open")) & (field("volume") > 100)
        close = self._read(path, columns=["close"], filters=rising)["close"]
        return len(close), self.pc.sum(close).as_py(), self.pc.mean(close).as_py()

    def resampled(self, bars: Table) -> Table:
        start = self.pc.floor_temporal(bars["timestamp"], 15, "minute")
        bars = bars.set_column(0, "timestamp", start)
        wanted = zip(COLUMNS[1:], ("first", "max", "min", "last", "sum"), strict=True)
        # "first" and "last" are of rows in order, which threads do not keep.
        groups = bars.group_by("timestamp", use_threads=False)
        return groups.aggregate(list(wanted)).rename_columns(COLUMNS)

    def joined(self, bars: Table, trades: Table) -> Table:
        raise NotImplementedError(
            "its join_asof took 0.6 s for 100,000 rows, 23 s for 1,000,000 when this was written"
        )


class Duckdb(Side):
    def __init__(self, threads: int) -> None:
        import duckdb

        super().__init__(threads)
        self.connection = duckdb.connect(config={"threads": threads})
        self.connection.execute("SET TimeZone = 'UTC'")

    def _table(self, query: str) -> Table:
        return self.connection.sql(query).to_arrow_table()

    def load(self, path: str, other: str) -> None:
        for name, file in (("bars", path), ("trades", other)):
            self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM '{file}'")
        self.bars, self.trades = "bars", "trades"

    def read(self, path: str, other: str) -> Table:
        return self._table(f"FROM '{path}'")

    def slice(self, path: str, other: str) -> Table:
        return self._table(
            f"SELECT {', '.join(COLUMNS)} FROM '{path}' "
            f"WHERE timestamp >= CAST('{START.isoformat()}' AS TIMESTAMPTZ_NS) "
            f"AND timestamp < CAST('{END.isoformat()}' AS TIMESTAMPTZ_NS)"
        )

    def columns(self, path: str, other: str) -> Table:
        return self._table(f"SELECT timestamp, close FROM '{path}'")

    def filter(self, path: str, other: str) -> Table:
        return self._table(
            f"SELECT count(*) AS n, sum(close) AS s, avg(close) AS m FROM '{path}' "
            "WHERE close > open AND volume > 100"
        )

    def resample(self, path: str, other: str) -> Table:
        return self.resampled(f"'{path}'")

    def asof(self, path: str, other: str) -> Table:
        return self.joined(f"'{path}'", f"'{other}'")

    def resampled(self, bars: Table) -> Table:
        return self._table(
            "SELECT time_bucket(INTERVAL '15 minutes', timestamp::TIMESTAMPTZ) AS timestamp, "
            "arg_min(b.open, b.timestamp) AS open, max(high) AS high, min(low) AS low, "
            "arg_max(b.close, b.timestamp) AS close, sum(volume) AS volume "
            f"FROM {bars} b GROUP BY 1 ORDER BY 1"
        )

    def joined(self, bars: Table, trades: Table) -> Table:
        return self._table(
            f"SELECT b.*, t.price, t.size FROM {bars} b "
            f"ASOF LEFT JOIN {trades} t ON b.timestamp >= t.timestamp ORDER BY b.timestamp"
        )


class Pandas(ByPyarrow):
    def __init__(self, threads: int) -> None:
        import pandas

        super().__init__(threads)
        self.pd = pandas

    def _read(self, path: str, **options: Any) -> Table:
        return self.pd.read_parquet(path, use_threads=self.threads > 1, **options)

    def filter(self, path: str, other: str) -> Table:
        bars = self._read(path, columns=["open", "close", "volume"])
        close = bars.loc[(bars["close"] > bars["open"]) & (bars["volume"] > 100), "close"]
        return len(close), float(close.sum()), float(close.mean())

    def resampled(self, bars: Table) -> Table:
        how = dict(zip(COLUMNS[1:], ("first", "max", "min", "last", "sum"), strict=True))
        # Buckets without a row are there, and empty, in pandas alone.
        return bars.resample("15min", on="timestamp").agg(how).dropna().reset_index()

    def joined(self, bars: Table, trades: Table) -> Table:
        return self.pd.merge_asof(bars, trades, on="timestamp")


SIDES: dict[str, type[Side]] = {
    "millibar": Millibar,
    "polars": Polars,
    "pyarrow": Pyarrow,
    "duckdb": Duckdb,
    "pandas": Pandas,
}


# ---- Whether results are the same --------------------------------------------------------------


def unit_ns(arrow_type: str) -> int:
    """Nanoseconds in the unit of "timestamp[us, tz=UTC]"."""
    return {"[s": 10**9, "[m": 10**6, "[u": 10**3, "[n": 1}[arrow_type[len("timestamp") :][:2]]


def column_of(table: Any, name: str) -> Any:
    """A column of any contender's table as doubles or as integers, null as NaN."""
    import numpy as np

    values = table[name]
    if hasattr(values, "combine_chunks"):  # pyarrow's
        if name == "timestamp":
            return values.cast("int64").to_numpy() * unit_ns(str(values.type))
        values = values.to_numpy(zero_copy_only=False)
    elif hasattr(values, "to_numpy"):
        values = values.to_numpy()
    values = np.asarray(values)
    if name == "timestamp":
        if values.dtype == object:
            import pandas as pd

            values = pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None).to_numpy()
        return values.astype("datetime64[ns]").astype(np.int64)
    if name in ("price", "size"):
        return values.astype(np.float64)
    return values.astype(np.int64) if name == "volume" else values.astype(np.float64)


def digest(result: Any) -> dict[str, Any]:
    """What is compared between contenders: rows, and a hash of each column's values."""
    import numpy as np

    if isinstance(result, tuple):
        return dict(zip(("rows", "sum", "mean"), result, strict=True))
    names = list(getattr(result, "column_names", None) or result.columns)
    if len(result) == 1 and len(names) == 3:
        numbers = [float(np.asarray(result[name])[0]) for name in names]
        return dict(zip(("rows", "sum", "mean"), (int(numbers[0]), *numbers[1:]), strict=True))
    found: dict[str, Any] = {"rows": len(result)}
    for name in names:
        values = column_of(result, name)
        # One NaN for all: a null has no bits.
        bits = np.where(values != values, np.nan, values) if values.dtype.kind == "f" else values
        found[name] = hashlib.blake2b(np.ascontiguousarray(bits).tobytes()).hexdigest()[:16]
    return dict(sorted(found.items()))


# ---- The process -------------------------------------------------------------------------------


def main(who: str, threads: int) -> None:
    out = sys.stdout
    sys.stdout = sys.stderr
    side = SIDES[who](threads)
    forget_peak()
    ready_mib = memory_mib("VmRSS")
    print(json.dumps({"ready_mib": ready_mib}), file=out, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        path, other = asked["path"], asked["other"]
        if asked.get("load"):
            side.load(path, other)
            print("{}", file=out, flush=True)
            continue
        job = side.job(asked["job"])
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            result = job(path, other)
        except Exception as error:
            told = {"failed": f"{type(error).__name__}: {str(error)[:200]}"}
            print(json.dumps(told), file=out, flush=True)
            continue
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        answer: dict[str, Any] = {
            "cpu_s": cpu,
            "wall_s": wall,
            "peak_mib": memory_mib("VmHWM") - ready_mib,
        }
        if asked.get("check"):
            answer["digest"] = digest(result)
        del result
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
