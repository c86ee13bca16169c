"""What run.py wrote, read again: the one source of every table, plot and quoted figure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import Group, Row, Samples


@dataclass
class Benchmark:
    """One file: a benchmark's groups and what they were measured on."""

    name: str
    what: str
    quick: bool
    date: str
    commit: str
    machine: dict[str, Any]
    versions: dict[str, str]
    took_s: float
    groups: list[Group]

    def group(self, name: str) -> Group:
        for group in self.groups:
            if group.name == name:
                return group
        have = ", ".join(group.name for group in self.groups)
        raise KeyError(f"benchmark {self.name} has no group {name!r}; it has {have}")


def load(path: Path) -> Benchmark:
    """Reads one file of run.py.

    Raises:
        ValueError: it is not one, saying which and how to make it anew.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        groups = [_group(group) for group in told["groups"]]
        return Benchmark(
            name=told["benchmark"],
            what=told["what"],
            quick=told["quick"],
            date=told["date"],
            commit=told["commit"],
            machine=told["machine"],
            versions=told["versions"],
            took_s=told["took_s"],
            groups=groups,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no result of bench/run.py ({error}): run `make bench` again"
        ) from None


def _group(told: dict[str, Any]) -> Group:
    rows = [Row(**{**row, "samples": Samples(**row["samples"])}) for row in told["rows"]]
    return Group(**{**told, "rows": rows})


def load_all(folder: Path) -> dict[str, Benchmark]:
    """Every benchmark of a folder by its name; empty where there is none."""
    found = [load(path) for path in sorted(folder.glob("*.json"))]
    return {benchmark.name: benchmark for benchmark in found}


# ---- What the figures say ------------------------------------------------------------------------


@dataclass(frozen=True)
class Loss:
    """A peer that does a job in less CPU time than ours."""

    benchmark: str
    group: str
    ours: str
    peer: str
    times: float
    size: int | None = None

    @property
    def place(self) -> str:
        return f"{self.benchmark}/{self.group}"


def job(row: Row) -> str:
    """Rows compete with those of the same job; "floor" competes with none."""
    return str(row.facts.get("job", ""))


def comparable(row: Row) -> bool:
    return job(row) != "floor" and bool(row.facts.get("same_trades", True))


def best_of_ours(group: Group, peer: Row) -> Row | None:
    """The one of ours with the least CPU at the peer's job and size; None where there is none."""
    if not comparable(peer):
        return None
    rivals = [
        row
        for row in group.rows
        if row.ours and comparable(row) and job(row) == job(peer) and row.size == peer.size
    ]
    return min(rivals, key=lambda row: row.samples.cpu, default=None)


def losses(benchmark: Benchmark) -> list[Loss]:
    """Where a peer beats the best of ours at the same job and size, by CPU medians."""
    found = []
    for group in benchmark.groups:
        for peer in group.rows:
            best = None if peer.ours else best_of_ours(group, peer)
            if best is not None and peer.samples.cpu < best.samples.cpu:
                times = best.samples.cpu / peer.samples.cpu
                where = (benchmark.name, group.name, best.who, peer.who)
                found.append(Loss(*where, times, peer.size))
    return found
