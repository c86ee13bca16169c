"""The speed line: one form for every run, whoever measured it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

Layer = Literal["data", "strategy", "broker", "reporting"]
"""Where a run spends its time: market data, the user's own code, orders and ledger, files."""

LAYERS: tuple[Layer, ...] = get_args(Layer)


def peak_memory_bytes() -> int:
    """The most memory this process has held, as the system counts it."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(frozen=True)
class Speed:
    """What a run took.

    Attributes:
        n_bars: rows of market data the run went over.
        n_iterations: calls of the strategy.
        seconds: wall seconds by layer; a layer that was not measured is absent.
        memory_bytes: most memory the process held.
    """

    n_bars: int
    n_iterations: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    memory_bytes: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", MappingProxyType(dict(self.seconds)))

    @property
    def wall_seconds(self) -> float:
        """All layers together."""
        return sum(self.seconds.values())

    @property
    def bars_per_second(self) -> float:
        """0 where no time was measured."""
        wall = self.wall_seconds
        return self.n_bars / wall if wall > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "bars": self.n_bars,
            "iterations": self.n_iterations,
            "wall_seconds": self.wall_seconds,
            "bars_per_second": self.bars_per_second,
            "seconds": dict(self.seconds),
            "memory_bytes": self.memory_bytes,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Speed:
        """The inverse of `to_dict`."""
        return cls(
            n_bars=values["bars"],
            n_iterations=values["iterations"],
            seconds=values["seconds"],
            memory_bytes=values["memory_bytes"],
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Speed.from_dict, (self.to_dict(),)

    def __str__(self) -> str:
        """
        >>> spent = {"data": 0.25, "strategy": 1.0, "broker": 0.5, "reporting": 0.25}
        >>> print(Speed(4000, 3268, spent, 150 * 2**20))
        speed: 4,000 bars, 3,268 iterations in 2.00 s wall = 2,000 bars/s; data 12%, strategy 50%, \
broker 25%, reporting 12%; peak memory 150 MiB
        """
        wall = self.wall_seconds
        shares = ", ".join(
            f"{name} {spent / wall if wall > 0 else 0.0:.0%}"
            for name, spent in self.seconds.items()
        )
        return (
            f"speed: {self.n_bars:,} bars, {self.n_iterations:,} iterations in {wall:.2f} s wall"
            f" = {self.bars_per_second:,.0f} bars/s; {shares}"
            f"; peak memory {self.memory_bytes / 2**20:,.0f} MiB"
        )
