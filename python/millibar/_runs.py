"""What a command wants of the runs of a file that it executes: to be told of each, a policy, and
bars in the place of those that the file asks a vendor for.

A file's own code makes its brokers and starts its runs; `millibar run FILE` stands outside and
watches:

    with watched(policy="strict") as runs:
        runpy.run_path(file, run_name="__main__")
    runs.results
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millibar._speed import Speed
    from millibar.result import Result

__all__ = ["Runs", "SpeedMeter", "default_policy", "given_bars", "note", "watched"]


class Runs:
    """Results in the order in which the runs ended, the policy of those that name none, and the
    bars of those that name a vendor's data source."""

    def __init__(
        self, policy: str | None, bars: Mapping[Any, Any] | None, around: Runs | None
    ) -> None:
        self.policy: str | None = policy
        self.bars: Mapping[Any, Any] | None = bars
        if around is not None:
            self.policy = around.policy if policy is None else policy
            self.bars = around.bars if bars is None else bars
        self.around = around
        self.results: list[Result] = []


_watching: ContextVar[Runs | None] = ContextVar("millibar_runs", default=None)


@contextmanager
def watched(policy: str | None = None, bars: Mapping[Any, Any] | None = None) -> Iterator[Runs]:
    """Runs that end inside the block are noted, by it and by the blocks around it.

    bars: what PandasDataBacktesting takes as `data`.
    """
    runs = Runs(policy, bars, _watching.get())
    token = _watching.set(runs)
    try:
        yield runs
    finally:
        _watching.reset(token)


def note(result: Result) -> None:
    """Tells of a run that has ended, whole or not; does nothing where nobody watches."""
    runs = _watching.get()
    while runs is not None:
        runs.results.append(result)
        runs = runs.around


def default_policy() -> str:
    """The policy of a run that names none: that of whoever watches, else the environment's
    MILLIBAR_POLICY, else lumibot's."""
    runs = _watching.get()
    if runs is not None and runs.policy is not None:
        return runs.policy
    return os.environ.get("MILLIBAR_POLICY") or "lumibot"


def given_bars() -> Mapping[Any, Any] | None:
    """The bars for whatever asks a vendor's data source; None where none were given."""
    runs = _watching.get()
    return None if runs is None else runs.bars


class SpeedMeter:
    """`millibar.integrations.lumibot.SpeedMeter` where a file runs on millibar's own engine, whose
    runs time themselves: what it tells is theirs."""

    def __init__(self, strategy_class: type, source_class: type, n_bars: int) -> None:
        self._n_bars = n_bars
        self._entered = ExitStack()
        self._runs: Runs | None = None

    def __enter__(self) -> SpeedMeter:
        self._runs = self._entered.enter_context(watched())
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()

    def layer(self, name: str) -> AbstractContextManager[Any]:
        """Nothing: the engine tells its layers apart."""
        return nullcontext()

    @property
    def speed(self) -> Speed:
        """Of the runs so far, together."""
        from millibar._speed import Speed, peak_memory_bytes

        speeds = [run.speed for run in self._runs.results if run.speed] if self._runs else []
        seconds: dict[str, float] = {}
        for each in speeds:
            for layer, spent in each.seconds.items():
                seconds[layer] = seconds.get(layer, 0.0) + spent
        n_iterations = sum(each.n_iterations for each in speeds)
        return Speed(self._n_bars, n_iterations, seconds, peak_memory_bytes())

    def __str__(self) -> str:
        return str(self.speed)
