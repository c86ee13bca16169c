"""What a command wants of the runs of a file that it executes: to be told of each, and a policy.

A file's own code makes its brokers and starts its runs; `millibar run FILE` stands outside and
watches:

    with watched(policy="strict") as runs:
        runpy.run_path(file, run_name="__main__")
    runs.results
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from millibar.result import Result

__all__ = ["Runs", "default_policy", "note", "watched"]


class Runs:
    """Results in the order in which the runs ended, and the policy of those that name none."""

    def __init__(self, policy: str | None) -> None:
        self.policy = policy
        self.results: list[Result] = []


_watching: ContextVar[Runs | None] = ContextVar("millibar_runs", default=None)


@contextmanager
def watched(policy: str | None = None) -> Iterator[Runs]:
    """Runs that end inside the block are noted."""
    runs = Runs(policy)
    token = _watching.set(runs)
    try:
        yield runs
    finally:
        _watching.reset(token)


def note(result: Result) -> None:
    """Tells of a run that has ended, whole or not; does nothing where nobody watches."""
    runs = _watching.get()
    if runs is not None:
        runs.results.append(result)


def default_policy() -> str:
    """The policy of a run that names none: that of whoever watches, else the environment's
    MILLIBAR_POLICY, else lumibot's."""
    runs = _watching.get()
    if runs is not None and runs.policy is not None:
        return runs.policy
    return os.environ.get("MILLIBAR_POLICY") or "lumibot"
