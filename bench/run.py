#!/usr/bin/env python3
"""Runs the benchmarks: `python bench/run.py [NAME ...] [--quick] [--out FOLDER]`.

With no names, all of them, in under 40 minutes on two cores; in under three with --quick. Figures
are CPU and wall medians of interleaved rounds; quote ratios. Every sample goes to FOLDER/NAME.json,
and the plots to FOLDER/index.html. The documents quote the results kept in bench/results: to
replace them, run with --out bench/results and then bench/report.py.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: import as `python -m bench.run` does
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import page
from bench.measure import Group, Options, version
from bench.stored import load_all

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BENCHMARKS = {
    "calls": "the hot calls of a strategy, one at a time",
    "data": "Parquet: slices, whole reads, filters, resampling, as-of joins",
    "inside": "MES momentum inside lumibot, over its data sources and ours",
    "engine": "MES momentum on millibar's engine",
    "cross": "SMA-cross against other backtesters",
    "growth": "time and memory over ever more bars and symbols",
}
PACKAGES = ("millibar", "lumibot", "pandas", "numpy", "polars", "pyarrow", "duckdb")


def machine() -> dict[str, Any]:
    """What the figures depend on and a reader would ask for."""
    model, memory = platform.processor() or platform.machine(), None
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": None if memory is None else round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that is measured, with "+" where files differ from it; "" outside a checkout."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results")
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def write(name: str, groups: Sequence[Group], options: Options, took_s: float, out: Path) -> None:
    """One benchmark's file."""
    report = {
        "benchmark": name,
        "what": BENCHMARKS[name],
        "quick": options.quick,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": commit(),
        "machine": machine(),
        "load": list(os.getloadavg()),
        "versions": {package: version(package) for package in PACKAGES},
        "took_s": round(took_s, 1),
        "groups": [asdict(group) for group in groups],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    names = "\n".join(f"  {name:8} {what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"benchmarks:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller data")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "local", metavar="FOLDER")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "bench", help="for data")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    options = Options(chosen.folder.resolve(), chosen.quick)
    options.folder.mkdir(parents=True, exist_ok=True)
    told = machine()
    print(f"{told['cpu']}, {told['cores']} cores; load {os.getloadavg()[0]:.1f}")
    print("; ".join(f"{package} {version(package)}" for package in PACKAGES))
    began = time.monotonic()
    for name in chosen.names or BENCHMARKS:
        print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
        start = time.monotonic()
        groups = importlib.import_module(f"bench.benchmarks.{name}").run(options)
        took = time.monotonic() - start
        write(name, groups, options, took, chosen.out)
        print(f"-- {name}: {took:.0f} s", flush=True)
    (chosen.out / "index.html").write_text(page.draw(load_all(chosen.out)), encoding="utf-8")
    print(
        f"\n{time.monotonic() - began:.0f} s; every sample is in {chosen.out}, plots in index.html"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
