"""The MES momentum workload, 3 trading days of minutes: lumibot's data sources and ours inside it.

Each run is a process of its own (inside_side.py), the sides in turn, CPU seconds of the run alone.
Fills and cash of the two sides of a kind are checked equal before any time is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from measure import Samples, table

SIDE = Path(__file__).resolve().parent / "inside_side.py"
KINDS = ("pandas", "databento-polars", "databento-pandas")


def make_bars(folder: Path) -> Path:
    """The week around the window and the one before it, from `mbar synth`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mes-3-days.parquet"
    if not path.exists():
        command = [os.environ.get("MBAR", "mbar"), "synth", "--symbol", "MES", "--seed", "7"]
        command += ["--from", "2024-01-01", "--to", "2024-01-06", "--out", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def one_run(who: str, kind: str, bars: Path, cache: Path) -> dict[str, Any]:
    command = [sys.executable, str(SIDE), who, kind, "--bars", str(bars), "--folder", str(cache)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"mes: {who} {kind} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def compare(kind: str, rounds: int, bars: Path, cache: Path) -> dict[str, Samples]:
    samples = {"lumibot": Samples(), "millibar": Samples()}
    peaks = dict.fromkeys(samples, 0.0)
    last: dict[str, dict[str, Any]] = {}
    if kind != "pandas":
        # lumibot writes its cache; neither side is timed while it does.
        one_run("lumibot", kind, bars, cache)
    for _ in range(rounds):
        for who, sample in samples.items():
            answer = last[who] = one_run(who, kind, bars, cache)
            sample.cpu_s.append(answer["cpu_s"])
            sample.wall_s.append(answer["wall_s"])
            peaks[who] = max(peaks[who], answer["peak_mib"])
    theirs, ours = last["lumibot"], last["millibar"]
    if theirs["hash"] != ours["hash"]:
        raise SystemExit(f"mes {kind}: the trades differ: {theirs} against {ours}")
    print(table(f"MES momentum, 3 days, {kind}", samples, "lumibot"))
    print(
        f"  same trades: {ours['fills']} fills, {ours['iterations']} iterations, {ours['hash']}; "
        f"peak memory {peaks['millibar']:.0f} MiB against {peaks['lumibot']:.0f} MiB"
    )
    return samples


def run(folder: Path, *, quick: bool) -> dict[str, dict[str, Samples]]:
    """databento-pandas takes minutes a run: one round of it, and none with --quick."""
    bars = make_bars(folder)
    cache = (folder / "databento").resolve()
    cache.mkdir(parents=True, exist_ok=True)
    rounds = {"pandas": 3, "databento-polars": 3, "databento-pandas": 1}
    if quick:
        rounds = {"pandas": 1, "databento-polars": 1}
    return {kind: compare(kind, rounds[kind], bars, cache) for kind in KINDS if kind in rounds}
