"""The MES momentum workload: 3 trading days of minutes, the same strategy everywhere.

What `inside.py` and `engine.py` tell of comes from one set of runs: all sides in turn, each run a
process of its own (sides/momentum.py; `mbar run` for C), so that none is run twice for two tables.
Every process is told when it was started, so that start-up, imports included, is apart from work.
Trades are checked equal before anything is returned: those of lumibot's pandas source by all sides
but DataBento's, whose bars are others and whose two sides are checked against each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import contender
from bench.contender import ROOT, environment
from bench.measure import Options, Row, Samples

IN_EXAMPLES = ROOT / "examples" / "mes_momentum.c"
# Inside lumibot: whose data source, of which kind, and the strategy.
INSIDE = {
    "lumibot": ("lumibot", "pandas", "MESMomentum"),
    "inside": ("millibar", "pandas", "MESMomentum"),
    "lumibot-databento-polars": ("lumibot", "databento-polars", "MESMomentum"),
    "inside-databento-polars": ("millibar", "databento-polars", "MESMomentum"),
    "lumibot-databento-pandas": ("lumibot", "databento-pandas", "MESMomentum"),
    "inside-databento-pandas": ("millibar", "databento-pandas", "MESMomentum"),
    "lumibot-numpy": ("lumibot", "pandas", "NumpyMomentum"),
}
# On our own engine, in Python.
ENGINE = {"unchanged": "MESMomentum", "numpy": "NumpyMomentum", "native": "NativeMomentum"}
IN_C = "C"
SIDES = (*INSIDE, *ENGINE, IN_C)
# A run of lumibot's takes minutes: one round of it and of what is held against it, and layers and
# calls of the short span.
SLOW = ("lumibot-databento-pandas", "inside-databento-pandas")
ONE_ROUND = (*SLOW, "lumibot-numpy")
NOT_QUICK = (*ONE_ROUND, "lumibot-databento-polars", "inside-databento-polars")
SPAN, QUICK_SPAN = (
    ("2024-01-03 09:30", "2024-01-05 16:00"),
    ("2024-01-03 09:30", "2024-01-04 01:30"),
)
FUTURE = ["--asset", "MES:future:margin=1300,tick=0.25", "--fee", "0.5"]
LUMIBOT_RULE = "market orders at the open of the next minute, brackets within its range"
DATABENTO_RULE = "lumibot's for DataBento: market orders at the close of the minute before"


def mbar() -> str:
    return os.environ.get("MBAR", "mbar")


@dataclass
class Runs:
    """All answers of all sides, in the order they came."""

    options: Options
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    counted: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    caches: set[Path] = field(default_factory=set)

    @property
    def span(self) -> tuple[str, str]:
        return QUICK_SPAN if self.options.quick else SPAN

    @property
    def days(self) -> str:
        return "16 hours" if self.options.quick else "3 trading days"

    @property
    def iterations(self) -> int:
        return int(self.answers["unchanged"][0]["iterations"])

    def take(self) -> None:
        """All rounds, and one run of each side for layers and counts."""
        rounds = 1 if self.options.quick else 3
        sides = [side for side in SIDES if not (self.options.quick and side in NOT_QUICK)]
        bars = make_bars(self.options.folder)
        for side in sides:
            if side.startswith("lumibot-databento"):
                self._python(side, bars, "--fill-cache")
        plugin = compile_plugin(self.options.folder)
        if plugin is None:
            sides.remove(IN_C)
            self.skipped[IN_C] = "no C compiler (CC or cc) for examples/mes_momentum.c"
        for number in range(rounds):
            for side in sides:
                if number and side in ONE_ROUND:
                    continue
                print(f"  round {number + 1} of {rounds}: {side}", file=sys.stderr, flush=True)
                if side == IN_C:
                    assert plugin is not None
                    answer = self._in_c(plugin, bars, keep=number == 0)
                else:
                    answer = self._python(side, bars)
                    # What is still fetched then is nothing beside a run of minutes.
                    if answer.get("fetched") and side not in SLOW:
                        answer = self._python(side, bars)
                self.answers.setdefault(side, []).append(answer)
        self._check()
        if not self.options.quick:
            self._count([side for side in (*INSIDE, *ENGINE) if side != "lumibot-numpy"], bars)

    def _count(self, sides: Sequence[str], bars: Path) -> None:
        """One run of each side for layers and calls, with the trades of all the others."""
        slow: set[str] = set()
        for side in sides:
            print(f"  layers and calls: {side}", file=sys.stderr, flush=True)
            span = QUICK_SPAN if side in SLOW else self.span
            if side.startswith("lumibot-databento"):
                self._python(side, bars, "--fill-cache", span=span)
            answer = self.counted[side] = self._python(side, bars, "--count", span=span)
            wanted = slow if side in SLOW else {self.answers[side][0]["hash"]}
            wanted.add(answer["hash"])
            if len(wanted) > 1:
                raise SystemExit(f"momentum: {side} has other trades when it is counted: {wanted}")

    def _cache(self, span: tuple[str, str]) -> Path:
        """DataBento's files of one span, made anew by these runs: lumibot reads all that are there,
        those of other spans too."""
        name = "-".join(("databento", *span)).replace(" ", "T").replace(":", "")
        folder = (self.options.folder / name).resolve()
        if folder not in self.caches:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.caches.add(folder)
        return folder

    def _python(
        self, side: str, bars: Path, *words: str, span: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        span = span or self.span
        start, end = span
        command = contender.side("momentum", side, "--bars", bars)
        command += ["--folder", str(self._cache(span)), *words]
        command += ["--start", start, "--end", end, "--began", str(time.monotonic())]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=environment(command)
        )
        if done.returncode != 0:
            raise SystemExit(f"momentum: {side} failed:\n{done.stderr[-2000:]}")
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer

    def _in_c(self, plugin: Path, bars: Path, *, keep: bool) -> dict[str, Any]:
        """What `mbar run --json` tells, under the names of the other sides. keep: and the hash that
        they take, of the fills it writes."""
        out = self.options.folder / "c"
        words = ["--start", self.span[0], "--end", self.span[1], "--policy", "lumibot"]
        began = time.perf_counter()
        told = run_c(plugin, bars, *words, *(["--out", str(out)] if keep else []))
        took, speed = time.perf_counter() - began, told["speed"]
        answer = {
            "cpu_s": speed["run_cpu_s"] + speed["data_s"],
            "wall_s": speed["run_s"] + speed["data_s"],
            "start_s": took - speed["wall_s"],
            "peak_mib": speed["peak_memory_bytes"] / 2**20,
            "iterations": told["iterations"],
            "fills": told["fills"],
            # Reporting is left out: only one round writes files.
            "layers_s": {"data": speed["data_s"], "strategy and broker": speed["run_s"]},
        }
        answer["hash"] = (
            hash_of_fills(out / "fills.parquet", told["cash"])
            if keep
            else self.answers[IN_C][0]["hash"]
        )
        return answer

    def _check(self) -> None:
        """Every side of a kind has the same fills and cash in every round."""
        for kind in ("pandas", "databento-polars", "databento-pandas"):
            hashes = {
                side: {answer["hash"] for answer in answers}
                for side, answers in self.answers.items()
                if (INSIDE[side][1] if side in INSIDE else "pandas") == kind
            }
            if len(set().union(*hashes.values())) > 1:
                raise SystemExit(f"momentum: the trades of {kind} differ: {hashes}")

    # ---- What is made of them ------------------------------------------------------------------

    def row(self, side: str) -> Row:
        """A side's samples, and all that is known of it."""
        answers = self.answers[side]
        samples = Samples()
        for answer in answers:
            samples.add(answer["cpu_s"], answer["wall_s"])
        kind = INSIDE[side][1] if side in INSIDE else "pandas"
        facts: dict[str, Any] = {
            "iterations": self.iterations,
            "fills": answers[0]["fills"],
            "hash": answers[0]["hash"],
            "us_per_iteration": 1e6 * samples.cpu / self.iterations,
            "same_trades": kind == "pandas",
        }
        if "loaded_mib" in answers[0]:
            facts["work_mib"] = max(answer["peak_mib"] - answer["loaded_mib"] for answer in answers)
        counted = self.counted.get(side, {})
        if "counts" in counted:
            facts["counts"] = counted["counts"]
            facts["counts_iterations"] = counted["iterations"]
        facts.update(self._layers(side))
        return Row(
            side,
            samples,
            ours=not side.startswith("lumibot"),
            rule=LUMIBOT_RULE if kind == "pandas" else DATABENTO_RULE,
            start_s=min(answer["start_s"] for answer in answers),
            first_s=answers[0]["wall_s"],
            peak_mib=max(answer["peak_mib"] for answer in answers),
            facts=facts,
        )

    def _layers(self, side: str) -> dict[str, Any]:
        """Shares of the wall seconds by layer, and what all but the user's code takes an iteration.

        Our engine tells them of every run, and the quickest counts; inside lumibot they are those
        of the run apart.
        """
        answers = [answer for answer in self.answers[side] if "layers_s" in answer]
        if not answers and side in self.counted:
            answers = [self.counted[side]]
        if not answers:
            return {}
        quickest = min(answers, key=lambda answer: sum(answer["layers_s"].values()))
        best, n = quickest["layers_s"], quickest["iterations"]
        whole = sum(best.values())
        facts: dict[str, Any] = {
            "layers": {layer: spent / whole for layer, spent in best.items()},
            "layers_us": {layer: 1e6 * spent / n for layer, spent in best.items()},
        }
        if "strategy" in best:
            facts["rest_us"] = 1e6 * (whole - best["strategy"]) / n
        return facts


_TAKEN: dict[Options, Runs] = {}


def runs(options: Options) -> Runs:
    """The runs of all sides; taken once, however many benchmarks ask."""
    if options not in _TAKEN:
        taken = Runs(options)
        taken.take()
        _TAKEN[options] = taken
    return _TAKEN[options]


def make_bars(folder: Path) -> Path:
    """The week around the window and the one before it, from `mbar synth`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mes-3-days.parquet"
    if not path.exists():
        command = [mbar(), "synth", "--symbol", "MES", "--seed", "7"]
        command += ["--from", "2024-01-01", "--to", "2024-01-06", "--out", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


# ---- C -----------------------------------------------------------------------------------------


def compile_plugin(folder: Path, source: Path = IN_EXAMPLES) -> Path | None:
    """A strategy in C, built as its own file says; None without a compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    plugin, include = folder / f"{source.stem}.so", ROOT / "include"
    build = [compiler, "-O2", "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(plugin)]
    subprocess.run(build, check=True)
    return plugin


def run_c(plugin: Path, bars: Path, *words: str, asset: Sequence[str] = FUTURE) -> dict[str, Any]:
    """What `mbar run --json` tells."""
    command = [mbar(), "run", str(plugin), "--data", f"MES={bars}", *asset, *words, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"momentum: {' '.join(command)} failed:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def hash_of_fills(path: Path, cash: float) -> str:
    """The hash that sides/momentum.py takes, of a file of fills."""
    import millibar as mb

    found = mb.read_parquet(path)
    stamps = found["timestamp"].astype("int64") / 1e9
    columns = [stamps, found["side"], found["quantity"], found["price"]]
    fills = [
        (float(stamp), str(side), float(quantity), float(price))
        for stamp, side, quantity, price in zip(*columns, strict=True)
    ]
    return hashlib.sha256(repr((fills, cash)).encode()).hexdigest()[:16]
