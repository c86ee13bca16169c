"""Parquet: slices, whole reads, columns, filters, resampling, as-of joins; ours and the peers'.

The same synthetic minute bars of ten years (three in the quick form) in six files: without a codec,
snappy, zstd, each written by millibar and by pyarrow, so that nobody reads only its own writing.
Beside them the trades that the as-of join looks up, one every five minutes. Every contender is a
process of its own (sides/data.py) that may use as many threads as the group says, so that its CPU
time is that of all its threads; they take turns. Each answers in its own table: pyarrow and DuckDB
an Arrow one, pandas a DataFrame.

Before any time is taken the values of all results are compared, the sums and means of the filter up
to the order in which doubles are added. Peak memory is that of one more process that does the job
once, beyond what it had when its library was imported; pages of mapped files count.

Cold: before each round the kernel is told to forget the file (posix_fadvise DONTNEED), and
Row.facts says how much of it was still in memory then. A disk that caches by itself keeps its part.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import contender
from bench.measure import Group, Options, Row, Samples, show

WHOLE_YEARS, QUICK_YEARS, LAST_YEAR = 10, 3, 2024
PEERS = ("polars", "pyarrow", "duckdb", "pandas")
OURS = "millibar"
TOUCHED = "millibar, every page looked at"
TITLES = {
    "slice": "3 days of {years} years, 6 columns",
    "read": "All of {years} years, 6 columns",
    "columns": "2 of 6 columns, {years} years",
    "filter": "Rising bars over 100 traded: count, sum, mean of the close",
    "resample": "To bars of 15 minutes",
    "asof": "The last trade beside every bar",
}
CODECS = {
    "none": "no codec",
    "snappy": "snappy",
    "zstd": "zstd",
    "memory": "in memory already",
}


@dataclass(frozen=True)
class Case:
    """A group: what is done, to which file, on how many threads."""

    job: str
    codec: str
    writer: str = OURS
    threads: int = 1
    cold: bool = False

    @property
    def name(self) -> str:
        parts = [self.job, self.codec]
        parts += ["pyarrow"] if self.writer != OURS else []
        parts += ["cold"] if self.cold else []
        return "-".join(parts + [f"{self.threads}t"] * (self.threads > 1))

    def title(self, years: int) -> str:
        words = [TITLES[self.job].format(years=years), CODECS[self.codec]]
        words += [f"written by {self.writer}"] if self.codec != "memory" else []
        words += [f"{self.threads} thread" + "s" * (self.threads > 1)]
        return ", ".join(words + ["cold page cache"] * self.cold)

    @property
    def asked(self) -> str:
        return f"{self.job}-memory" if self.codec == "memory" else self.job


QUICK = (
    Case("slice", "none"),
    Case("slice", "zstd"),
    Case("read", "none"),
    Case("read", "zstd"),
    Case("columns", "zstd"),
    Case("filter", "none"),
    Case("resample", "memory"),
    Case("asof", "memory"),
)
ARROW = "pyarrow"
WHOLE = (
    # Before any contender keeps a file mapped: such pages the kernel does not forget.
    *(Case("slice", codec, cold=True) for codec in ("none", "zstd")),
    *(Case("read", codec, cold=True) for codec in ("none", "zstd")),
    *(Case("slice", codec, writer) for codec in list(CODECS)[:3] for writer in (OURS, ARROW)),
    *(Case("read", codec, writer) for codec in list(CODECS)[:3] for writer in (OURS, ARROW)),
    *(Case("columns", codec) for codec in list(CODECS)[:3]),
    Case("columns", "zstd", ARROW),
    *(Case("filter", codec) for codec in list(CODECS)[:3]),
    Case("filter", "zstd", ARROW),
    *(Case("resample", codec) for codec in CODECS),
    *(Case("asof", codec) for codec in CODECS),
    *(Case("read", codec, threads=2) for codec in list(CODECS)[:3]),
    Case("read", "zstd", ARROW, threads=2),
    *(Case(job, "zstd", threads=2) for job in ("slice", "columns", "filter", "resample", "asof")),
    Case("filter", "none", threads=2),
)


# ---- The files ---------------------------------------------------------------------------------


def make_files(folder: Path, years: int) -> dict[tuple[str, str], Path]:
    """The bars by codec and writer, and the trades as ("trades", ""); kept between runs."""
    import pyarrow.parquet as pq

    mbar = shutil.which(os.environ.get("MBAR", "mbar")) or "mbar"
    files = {
        (codec, writer): folder / f"minutes-{years}y-{codec}-{writer}.parquet"
        for codec in ("none", "snappy", "zstd")
        for writer in (OURS, ARROW)
    }
    files["trades", ""] = folder / f"trades-{years}y.parquet"
    plain = files["none", OURS]
    if not plain.exists():
        span = ["--from", f"{LAST_YEAR - years}-01-01", "--to", f"{LAST_YEAR}-01-01"]
        command = [mbar, "synth", "--seed", "1", "--codec", "none", *span, "--out", str(plain)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for (codec, writer), path in files.items():
        if path.exists():
            continue
        if writer == OURS:
            command = [mbar, "convert", str(plain), "--codec", codec, "--out", str(path)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        elif writer == ARROW:
            pq.write_table(pq.read_table(plain), path, compression=codec, write_page_index=True)
        else:
            pq.write_table(_trades(plain), path)
    return files


def _trades(bars: Path) -> Any:
    """A trade 20 seconds after every fifth bar opens, at its close."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(bars)
    fifth = table.take(pa.array(range(0, len(table), 5)))
    stamps = fifth["timestamp"].cast(pa.int64()).to_numpy() + 20_000_000_000
    return pa.table(
        {
            "timestamp": pa.array(stamps).cast(pa.timestamp("ns", "UTC")),
            "price": fifth["close"],
            "size": fifth["volume"],
        }
    )


def forget(path: Path) -> float:
    """Asks the kernel to drop the file from its page cache; the share that stayed."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return _resident(file.fileno(), path.stat().st_size)


def _resident(descriptor: int, n_bytes: int) -> float:
    """The share of a file's pages that are in memory."""
    import ctypes

    pages = -(-n_bytes // mmap.PAGESIZE)
    seen = (ctypes.c_ubyte * pages)()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    at = libc.mmap(None, n_bytes, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if at == ctypes.c_void_p(-1).value:
        return math.nan
    failed = libc.mincore(ctypes.c_void_p(at), ctypes.c_size_t(n_bytes), seen)
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(n_bytes))
    return math.nan if failed else sum(page & 1 for page in seen) / pages


# ---- The contenders ----------------------------------------------------------------------------


class Side(contender.Contender):
    """A process of sides/data.py: a contender on so many threads."""

    def __init__(self, who: str, threads: int) -> None:
        super().__init__(contender.side("data", who, threads), {"OMP_NUM_THREADS": str(threads)})

    def ask(self, **words: Any) -> dict[str, Any]:
        return self.round(json.dumps(words))


class Sides:
    """The processes of all contenders, started when first wanted."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], Side] = {}
        self._absent: dict[tuple[str, int], str] = {}

    def of(self, who: str, threads: int) -> Side:
        key = (who, threads)
        if key in self._absent:
            raise RuntimeError(self._absent[key])
        if key not in self._running:
            try:
                self._running[key] = Side(who, threads)
            except RuntimeError as error:
                self._absent[key] = str(error)
                raise
        return self._running[key]

    def close(self) -> None:
        for side in self._running.values():
            side.close()


# ---- A group -----------------------------------------------------------------------------------


def differs(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """The first thing in which two digests differ, "" if in none."""
    for key in sorted({*a, *b}):
        x, y = a.get(key), b.get(key)
        if isinstance(x, float) and isinstance(y, float) and math.isclose(x, y, rel_tol=1e-12):
            continue
        if x != y:
            return key
    return ""


class Measured:
    """One case: who takes part, what they found, and their samples."""

    def __init__(self, case: Case, files: Mapping[tuple[str, str], Path], years: int) -> None:
        self.case = case
        self.path = files["none" if case.codec == "memory" else case.codec, case.writer]
        self.other = files["trades", ""]
        self.group = Group(case.name, case.title(years), "read", OURS)
        if case.job in ("filter", "resample", "asof"):
            self.group.unit = "run"
        self.sides: dict[str, tuple[Side, str]] = {}

    def words(self, job: str) -> dict[str, str]:
        return {"job": job, "path": str(self.path), "other": str(self.other)}

    def check(self, sides: Sides) -> None:
        """Starts the contenders and compares what they find with what we find."""
        case = self.case
        reference: dict[str, Any] = {}
        for who in (OURS, *PEERS):
            try:
                side = sides.of(who, case.threads)
                if case.codec == "memory":
                    side.ask(load=True, **self.words(case.asked))
                found = side.ask(check=True, **self.words(case.asked))["digest"]
            except RuntimeError as error:
                if who == OURS:
                    raise
                self.group.skipped[who] = str(error)
                continue
            reference = reference or found
            where = differs(reference, found)
            if where:
                raise SystemExit(
                    f"{case.name}: {who} and millibar differ in {where}: "
                    f"{found.get(where)} and {reference.get(where)}"
                )
            self.sides[who] = (side, case.asked)
        if case.job == "read" and case.codec == "none" and case.writer == OURS:
            self.sides[TOUCHED] = (self.sides[OURS][0], "read-touched")
        values = "count, sum and mean" if case.job == "filter" else "every value"
        self.group.verified = f"{reference['rows']:,} rows, {values} equal"

    def time(self, *, budget_s: float, least: int, most: int) -> None:
        """Rounds of all in turn: at least and at most so many, in between by the clock."""
        samples = {who: Samples() for who in self.sides}
        stayed: list[float] = []
        began = time.perf_counter()
        for number in range(-1, most):
            if number >= least and time.perf_counter() - began > budget_s:
                break
            for who, (side, job) in self.sides.items():
                if sum(samples[who].wall_s) > budget_s:
                    continue  # one far slower than the rest has had its share
                if self.case.cold:
                    stayed.append(forget(self.path))
                took = side.ask(**self.words(job))
                if number >= 0:
                    samples[who].add(took["cpu_s"], took["wall_s"])
        for who, (side, _) in self.sides.items():
            row = Row(who, samples[who], ours=who in (OURS, TOUCHED), start_s=side.start_s)
            row.facts["threads"] = self.case.threads
            if stayed:
                row.facts["still_cached"] = round(max(stayed), 4)
            self.group.rows.append(row)

    def remember(self) -> None:
        """Peak memory of every contender, each in a process that does nothing else."""

        def peak(row: Row) -> float:
            side = Side(OURS if row.who == TOUCHED else row.who, self.case.threads)
            try:
                answer: float = side.ask(**self.words(self.sides[row.who][1]))["peak_mib"]
                return answer
            finally:
                side.close()

        with ThreadPoolExecutor(2) as pool:
            for row, mib in zip(self.group.rows, pool.map(peak, self.group.rows), strict=True):
                row.peak_mib = round(mib, 1)


def wants_memory(case: Case, *, quick: bool) -> bool:
    """Memory is told where threads and page cache do not blur it."""
    plain = case.threads == 1 and not case.cold and case.codec != "memory" and case.writer == OURS
    return plain and (not quick or case.name == "read-zstd")


def run(options: Options) -> list[Group]:
    years = QUICK_YEARS if options.quick else WHOLE_YEARS
    files = make_files(options.folder, years)
    cases: Sequence[Case] = QUICK if options.quick else WHOLE
    budget_s, least, most = (1.0, 3, 7) if options.quick else (4.0, 5, 15)
    groups = []
    sides = Sides()
    try:
        for case in cases:
            measured = Measured(case, files, years)
            measured.check(sides)
            measured.time(budget_s=budget_s, least=least, most=most)
            if wants_memory(case, quick=options.quick):
                measured.remember()
            show(measured.group)
            sys.stdout.flush()
            groups.append(measured.group)
    finally:
        sides.close()
    return groups
