"""How every benchmark here measures: interleaved rounds, CPU and wall seconds, medians.

Machines are shared and drift, so the contenders run in turn (A B C A B C ...) within one process
or one driver, and what is quoted is the ratio of medians.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any


@dataclass
class Samples:
    """CPU and wall seconds of one contender, one entry a round."""

    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)

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
                samples[name].cpu_s.append(cpu / calls)
                samples[name].wall_s.append(wall / calls)
    return samples


def versions(*packages: str) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def seconds(value: float) -> str:
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
        if value * factor >= 1.0 or unit == "ns":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError("unreachable")


def table(title: str, samples: Mapping[str, Samples], base: str) -> str:
    """Rows of name, CPU and wall medians, spread, and CPU and wall as a share of `base`."""
    lines = [
        title,
        f"  {'':34}{'CPU':>10}{'wall':>10}{'spread':>9}{'CPU ratio':>11}{'wall ratio':>12}",
    ]
    reference = samples[base]
    for name, sample in samples.items():
        cpu_ratio = sample.cpu / reference.cpu if reference.cpu else float("nan")
        lines.append(
            f"  {name:34}{seconds(sample.cpu):>10}{seconds(sample.wall):>10}"
            f"{sample.spread:>9.0%}{cpu_ratio:>11.3f}{sample.wall / reference.wall:>12.3f}"
        )
    return "\n".join(lines)


def to_json(samples: Mapping[str, Samples]) -> str:
    return json.dumps({name: asdict(sample) for name, sample in samples.items()})
