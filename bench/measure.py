"""How every benchmark here measures, and the form in which all of them tell what they found.

Machines are shared and drift, so the contenders run in turn (A B C A B C ...) within one process
or one driver, and what is quoted is the ratio of medians. A benchmark module has
`run(options) -> list[Group]`; run.py writes the groups of each to one JSON file, with the machine,
the versions and every sample, and report.py makes every table, plot and quoted figure from those
files alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """What a benchmark is told: where its data may be kept, and whether to be short."""

    folder: Path
    quick: bool = False


@dataclass
class Samples:
    """CPU and wall seconds of one contender, one entry a round."""

    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)

    def add(self, cpu_s: float, wall_s: float) -> None:
        self.cpu_s.append(cpu_s)
        self.wall_s.append(wall_s)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpu_s)

    @property
    def wall(self) -> float:
        return statistics.median(self.wall_s)

    @property
    def spread(self) -> float:
        """(max - min) / median of the CPU seconds."""
        return (max(self.cpu_s) - min(self.cpu_s)) / self.cpu if self.cpu else 0.0


@dataclass
class Row:
    """One contender of a group, or one size of it in a group of growth.

    Attributes:
        who: its name, unique in the group (with `size`, in a group of growth).
        samples: seconds per `unit` of the group.
        ours: whether it is millibar.
        version: of the contender, "" where the file's versions say it.
        rule: when and at what price it fills an order, "" where that is no question.
        start_s: wall seconds until it could begin, imports included.
        first_s: wall seconds of the first round, compilation included.
        peak_mib: memory that the work took, in MiB.
        size: what grows, in a group of growth.
        facts: everything else that is known of it: fills, rows, layers. Two have a meaning to
            report.py: rows of different "job" are not compared, and those of the job "floor" (a
            bare loop) or with "same_trades" false with none.
    """

    who: str
    samples: Samples = field(default_factory=Samples)
    ours: bool = False
    version: str = ""
    rule: str = ""
    start_s: float | None = None
    first_s: float | None = None
    peak_mib: float | None = None
    size: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Group:
    """Contenders that do one job.

    Attributes:
        name: short and unique in the benchmark, of letters, digits and "-"; does not change.
        title: what the job is, for a heading.
        unit: what the seconds are for: "run", "call", "bar", "read".
        base: the row that ratios are told against.
        rows: the contenders.
        verified: what was found equal before any time was taken.
        skipped: who is absent, and why.
        axis: what grows ("bars", "symbols"), "" where nothing does.
    """

    name: str
    title: str
    unit: str
    base: str
    rows: list[Row] = field(default_factory=list)
    verified: str = ""
    skipped: dict[str, str] = field(default_factory=dict)
    axis: str = ""

    def row(self, who: str, size: int | None = None) -> Row:
        for row in self.rows:
            if row.who == who and row.size == size:
                return row
        raise KeyError(f"{self.name} has no row {who!r}" + (f" of {size}" if size else ""))


def interleave(
    contenders: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    calls: int = 1,
    warmup: int = 1,
) -> dict[str, Samples]:
    """Seconds per call of each contender: `rounds` rounds of `calls` calls, in turn."""
    samples = {name: Samples() for name in contenders}
    for number in range(-warmup, rounds):
        for name, call in contenders.items():
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(calls):
                call()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number >= 0:
                samples[name].add(cpu / calls, wall / calls)
    return samples


def rows_of(samples: Mapping[str, Samples], ours: Sequence[str] = ("millibar",)) -> list[Row]:
    """A row for each of the samples."""
    return [Row(who, found, ours=who in ours) for who, found in samples.items()]


def version(package: str) -> str:
    """Of an installed package, or "absent"; millibar's is that of what is imported."""
    if package == "millibar":
        import millibar

        return millibar.__version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def seconds(value: float) -> str:
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
        if value * factor >= 1.0 or unit == "ns":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError("unreachable")


def times(value: float) -> str:
    """A ratio to two digits: 0.41, 6.2, 430, 11,000."""
    if value >= 100:
        digits = len(str(int(value))) - 2
        return f"{round(value, -digits):,.0f}"
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def show(group: Group) -> None:
    """Prints the group as a table: medians, spread, and both as a share of the base's."""
    print(f"{group.title}, per {group.unit}" + (f"; {group.verified}" if group.verified else ""))
    print(
        f"  {'':40}{'CPU':>10}{'wall':>10}{'spread':>8}{'CPU ratio':>11}{'wall ratio':>12}", end=""
    )
    print(f"{'memory':>12}" if any(row.peak_mib is not None for row in group.rows) else "")
    for row in group.rows:
        base = group.row(group.base, row.size).samples
        name = row.who if row.size is None else f"{row.who}, {row.size:,} {group.axis}"
        line = f"  {name:40}{seconds(row.samples.cpu):>10}{seconds(row.samples.wall):>10}"
        line += f"{row.samples.spread:>8.0%}"
        line += f"{row.samples.cpu / base.cpu if base.cpu else float('nan'):>11.3f}"
        line += f"{row.samples.wall / base.wall:>12.3f}"
        print(line + ("" if row.peak_mib is None else f"{row.peak_mib:>8.0f} MiB"))
    for who, why in group.skipped.items():
        print(f"  {who}: skipped: {why}")
