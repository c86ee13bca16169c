#!/usr/bin/env python3
"""Runs the benchmarks: `python bench/run.py [NAME ...] [--quick] [--json FILE]`.

Names: calls, slices, mes, engine, cross.

With no names, all of them. Figures are CPU and wall medians of interleaved rounds; quote ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import calls
import cross
import engine
import mes
import slices
from measure import versions

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ("calls", "slices", "mes", "engine", "cross")
PEERS = ("millibar", "lumibot", "pandas", "numpy", "polars", "pyarrow", "duckdb")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller data")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "bench", help="for data")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}"
        )
    names = options.names or list(BENCHMARKS)

    found: dict[str, Any] = {}
    print(f"{os.cpu_count()} processors, {platform.machine()}; {versions(*PEERS)}")
    if "calls" in names:
        found["calls"] = calls.run(quick=options.quick)
    if "slices" in names:
        found["slices"] = slices.run(options.folder, quick=options.quick)
    if "mes" in names:
        found["mes"] = mes.run(options.folder, quick=options.quick)
    if "engine" in names:
        found["engine"] = engine.run(options.folder, quick=options.quick)
    if "cross" in names:
        found["cross"] = cross.run(options.folder, quick=options.quick)
    if options.json:
        samples = {
            name: {
                title: {who: asdict(s) for who, s in group.items()}
                for title, group in groups.items()
            }
            for name, groups in found.items()
        }
        report = {"versions": versions(*PEERS), "processors": os.cpu_count(), "samples": samples}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
