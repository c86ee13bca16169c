"""One peer of the SMA-cross benchmark, in an environment of the peers' own; rounds when asked.

`python -m bench.peers PEER BARS.parquet [ROWS]` speaks the lines of serve.py. What is timed is the
engine's run alone: the bars are in the peer's own form before a round, and so are the signals where
the peer takes arrays of them. The job is that of job.py, each peer's side in a file of its
own, with what its time includes besides.
"""

from __future__ import annotations

import importlib
import platform
import sys
from importlib import metadata
from typing import NamedTuple

import pandas as pd

from bench.serve import serve


class Peer(NamedTuple):
    """Its package, its NAME_side.py, and which of the file's sides it is where it has several."""

    package: str
    file: str
    which: str | None = None


PEERS = {
    "back-trader-cpp": Peer("back-trader-cpp", "backtrader", "back_trader"),
    "backtesting.py": Peer("backtesting", "backtesting"),
    "backtrader": Peer("backtrader", "backtrader", "backtrader"),
    "bt": Peer("bt", "bt"),
    "ml4t-backtest": Peer("ml4t-backtest", "ml4t"),
    "nautilus_trader": Peer("nautilus_trader", "nautilus"),
    "PyBroker": Peer("lib-pybroker", "pybroker"),
    "raptorbt-long": Peer("raptorbt", "raptorbt"),
    "vectorbt": Peer("vectorbt", "vectorbt", "numba"),
    "vectorbt-rust": Peer("vectorbt", "vectorbt", "rust"),
    "zipline-reloaded": Peer("zipline-reloaded", "zipline"),
}


def main() -> int:
    peer = PEERS[sys.argv[1]]
    frame = pd.read_parquet(sys.argv[2])
    if len(sys.argv) > 3:
        frame = frame.head(int(sys.argv[3]))
    file = importlib.import_module(f"bench.peers.{peer.file}_side")
    side = file.side(frame) if peer.which is None else file.make(peer.which)(frame)
    serve(
        metadata.version(peer.package),
        side,
        rule=file.RULE,
        timed=file.TIMED,
        python=platform.python_version(),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
