"""The MES momentum strategy on millibar's own engine against lumibot, and how its cost grows.

First the trades of all sides are checked equal: the strategy as it is inside lumibot, the same file
on our engine, a variant on numpy, one on the engine's indicators, and the plugin in C. Then three
days of minutes are timed, each run in a process of its own, the sides in turn; lumibot's DataBento
class, whose fills differ by design, is timed beside them. Last, rows from 63 thousand to a million:
time and memory should grow with them and no faster.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mes
from measure import Samples, seconds, table

import millibar as mb

HERE = Path(__file__).resolve().parent
SIDE = HERE / "engine_side.py"
PYTHON_SIDES = ("lumibot", "unchanged", "lumibot-numpy", "numpy", "native")
SPAN = ["--start", "2024-01-03 09:30", "--end", "2024-01-05 16:00"]
FUTURE = ["--asset", "MES:future:margin=1300,tick=0.25", "--fee", "0.5"]


# ---- One run -----------------------------------------------------------------------------------


def mbar() -> str:
    return os.environ.get("MBAR", "mbar")


def compile_plugin(folder: Path) -> Path:
    """The C strategy, built as its own file says."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("engine: no C compiler for examples/mes_momentum.c")
    plugin = folder / "mes_momentum.so"
    source, include = HERE.parent / "examples" / "mes_momentum.c", HERE.parent / "include"
    build = [compiler, "-O2", "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(plugin)]
    subprocess.run(build, check=True)
    return plugin


def run_python(side: str, bars: Path) -> dict[str, Any]:
    command = [sys.executable, str(SIDE), side, "--bars", str(bars), *SPAN]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"engine: {side} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def run_c(plugin: Path, bars: Path, *words: str) -> dict[str, Any]:
    """What `mbar run --json` tells, its seconds under the names the other sides use."""
    command = [mbar(), "run", str(plugin), "--data", f"MES={bars}", *FUTURE, *words, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"engine: {' '.join(command)} failed:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    speed = told["speed"]
    told["cpu_s"], told["wall_s"] = speed["run_cpu_s"], speed["run_s"]
    told["peak_mib"] = speed["peak_memory_bytes"] / 2**20
    return told


def hash_of_c(plugin: Path, bars: Path, folder: Path) -> str:
    """The hash that engine_side.py takes, of the C strategy's fills and cash."""
    out = folder / "c"
    told = run_c(plugin, bars, *SPAN, "--policy", "lumibot", "--out", str(out))
    found = mb.read_parquet(out / "fills.parquet")
    stamps = found["timestamp"].astype("int64") / 1e9
    columns = [stamps, found["side"], found["quantity"], found["price"]]
    fills = [
        (float(stamp), str(side), float(quantity), float(price))
        for stamp, side, quantity, price in zip(*columns, strict=True)
    ]
    return hashlib.sha256(repr((fills, told["cash"])).encode()).hexdigest()[:16]


# ---- Three days --------------------------------------------------------------------------------


def three_days(folder: Path, plugin: Path, rounds: int) -> dict[str, Samples]:
    bars = mes.make_bars(folder)
    cache = (folder / "databento").resolve()
    cache.mkdir(parents=True, exist_ok=True)
    samples = {name: Samples() for name in (*PYTHON_SIDES, "C", "lumibot-databento-polars")}
    answers: dict[str, dict[str, Any]] = {}
    mes.one_run("lumibot", "databento-polars", bars, cache)  # writes lumibot's cache
    for number in range(rounds):
        for name, sample in samples.items():
            print(f"  round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            if name == "C":
                answer = run_c(plugin, bars, *SPAN, "--policy", "lumibot")
                answer["hash"] = answers["lumibot"]["hash"]  # checked below, once
            elif name == "lumibot-databento-polars":
                answer = mes.one_run("lumibot", "databento-polars", bars, cache)
            else:
                answer = run_python(name, bars)
            answers[name] = answer
            sample.cpu_s.append(answer["cpu_s"])
            sample.wall_s.append(answer["wall_s"])
    hashes = {name: answers[name]["hash"] for name in PYTHON_SIDES}
    hashes["C"] = hash_of_c(plugin, bars, folder)
    if len(set(hashes.values())) != 1:
        raise SystemExit(f"engine: the trades differ: {hashes}")
    iterations = answers["unchanged"]["iterations"]
    print(table(f"MES momentum, 3 days, {iterations} iterations", samples, "lumibot"))
    print(f"  same trades: {answers['native']['fills']} fills, hash {hashes['C']}")
    print(f"  peak memory: {peaks(answers)}")
    base = samples["lumibot"].cpu
    times = {name: base / sample.cpu for name, sample in samples.items()}
    print("  times lumibot: " + ", ".join(f"{name} {value:.1f}" for name, value in times.items()))
    return samples


def peaks(answers: dict[str, dict[str, Any]]) -> str:
    return ", ".join(f"{name} {answer['peak_mib']:.0f} MiB" for name, answer in answers.items())


# ---- Growth ------------------------------------------------------------------------------------


def long_bars(folder: Path, *, quick: bool) -> Path:
    """Three years of synthetic minutes: a million bars; a quarter of a year with --quick."""
    span = ["--from", "2022-01-03", "--to", "2022-04-01" if quick else "2025-01-01"]
    path = folder / f"mes-{span[3]}.parquet"
    if not path.exists():
        command = [mbar(), "synth", "--seed", "9", *span, "--codec", "none", "--out", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def cut(path: Path, n_rows: int, folder: Path) -> Path:
    part = folder / f"mes-{n_rows}.parquet"
    mb.read_parquet(path).head(n_rows).write_parquet(part)
    return part


def growth(folder: Path, plugin: Path, rounds: int, *, quick: bool) -> dict[str, Samples]:
    whole = long_bars(folder, quick=quick)
    n_all = len(mb.read_parquet(whole))
    sizes = [63_000, 250_000, 1_000_000] if n_all >= 1_000_000 else [n_all // 4, n_all]
    parts = {n: cut(whole, n, folder) for n in sizes}
    samples: dict[str, Samples] = {}
    for policy in ("strict", "lumibot"):
        print(f"MES momentum in C, policy {policy}: rows, orders, CPU, a bar, bars/s, peak")
        for n, path in parts.items():
            name = f"C {policy} {n}"
            sample = samples[name] = Samples()
            told: dict[str, Any] = {}
            for _ in range(rounds):
                told = run_c(plugin, path, "--policy", policy)
                sample.cpu_s.append(told["cpu_s"])
                sample.wall_s.append(told["wall_s"])
            best = min(sample.cpu_s)
            print(
                f"  {n:>9,} {told['orders']:>9,} {seconds(best):>9} {seconds(best / n):>8}"
                f" {n / best / 1e6:>7.2f} M {told['peak_mib']:>6.0f} MiB"
            )
    return samples


def run(folder: Path, *, quick: bool) -> dict[str, dict[str, Samples]]:
    folder.mkdir(parents=True, exist_ok=True)
    plugin = compile_plugin(folder)
    return {
        "three days": three_days(folder, plugin, 1 if quick else 5),
        "growth": growth(folder, plugin, 3 if quick else 9, quick=quick),
    }
