"""How a contender of its own process is measured: one round for each line it is sent.

A side prints one line of JSON when it is ready, and then, for every line on its standard input, the
line of one round: fills, profit in points, CPU and wall seconds of the run alone, and the most
memory the process has had since it was ready. So a driver can take its sides in turn, round by
round, however they are written; `bench/c/cross.c` speaks the same lines. Of the standard library
alone: the peers' environment has nothing else of ours.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Side(NamedTuple):
    """A contender: what a round needs made before it, untimed, and the round."""

    prepare: Callable[[], Any]
    run: Callable[[Any], tuple[int, float]]


def arrays(run: Callable[[], tuple[int, float]]) -> Side:
    """A contender that needs nothing made before a round."""
    return Side(lambda: None, lambda _: run())


def memory_mib(name: str) -> float:
    """VmRSS, what is resident now, or VmHWM, the most that was. getrusage counts what the process
    was before exec too."""
    with open("/proc/self/status", encoding="ascii") as file:
        words = next(line for line in file if line.startswith(name + ":")).split()
    return int(words[1]) / 1024


def forget_peak() -> None:
    """From here on VmHWM tells of what comes."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def serve(version: str, side: Side, **told: str) -> None:
    """Rounds until standard input ends; what is told of the side goes with its first line."""
    out = sys.stdout
    sys.stdout = sys.stderr
    forget_peak()
    hello = {"version": version, "loaded_mib": memory_mib("VmRSS"), **told}
    print(json.dumps(hello), file=out, flush=True)
    for _ in sys.stdin:
        ready = side.prepare()
        cpu, wall = time.process_time(), time.perf_counter()
        fills, profit = side.run(ready)
        round_ = {
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
            "fills": fills,
            "profit": profit,
            "peak_mib": memory_mib("VmHWM"),
        }
        del ready
        print(json.dumps(round_), file=out, flush=True)
