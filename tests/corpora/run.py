"""Reads every Parquet file of the corpora, one process each, and judges the outcome.

    run.py READ_PARQUET [--shared DIR] [--report FILE] [--unmapped]

READ_PARQUET is the program built from read_parquet.c. DIR (default: the
environment's MILLIBAR_SHARED, else ../shared beside the checkout) holds
corpora/oracle-parquet.csv with what pyarrow, DuckDB and Polars made of each
file. A file passes when it gives the rows the oracle says or a clear error,
within 10 seconds and 1 GiB; a signal, a hang, a leak or other rows fail.
Exit code 1 when any file fails, 77 when the corpora are absent.
"""

from __future__ import annotations

import argparse
import collections
import csv
import os
import resource
import subprocess
import sys
from pathlib import Path

SECONDS = 10
LIMIT_BYTES = 1 << 30
READERS = ("pyarrow", "duckdb", "polars")


def oracle_rows(entry: dict[str, str]) -> set[int]:
    """Row counts of the readers that took the file."""
    return {int(entry[k].split()[1]) for k in READERS if entry[k].startswith("OK")}


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(program: str, path: Path, *options: str) -> tuple[str, list[str]]:
    """("ok" | "error" | "bug", the program's fields or what happened)."""
    sanitized = "MILLIBAR_CORPUS_NO_LIMIT" in os.environ
    try:
        done = subprocess.run(
            [program, str(path), *options],
            capture_output=True,
            timeout=SECONDS * (5 if sanitized else 1),
            preexec_fn=None if sanitized else limit_memory,
        )
    except subprocess.TimeoutExpired:
        return "bug", [f"no end after {SECONDS} s"]
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        detail = done.stderr.decode("utf-8", "replace")[-2000:]
        return "bug", [f"exit code {done.returncode}: {text.strip()} {detail.strip()}"]
    fields = text.rstrip("\n").split("\t")
    if int(fields[4]) > LIMIT_BYTES >> 20:
        return "bug", [f"{fields[4]} MiB at the peak"]
    return ("ok" if fields[0] == "ok" else "error"), fields


def judge(entry: dict[str, str], kind: str, fields: list[str]) -> str:
    """A word for the outcome; those that begin with "FAIL" fail the run."""
    expected = oracle_rows(entry)
    if kind == "bug":
        return "FAIL " + fields[0]
    if kind == "error":
        if len(expected) == 0:
            return "refused, as all three did"
        everyone = all(entry[k].startswith("OK") for k in READERS)
        return "refused, all three read it" if everyone else "refused, some read it"
    if not expected:
        return "read, all three refused it"
    # A reader that took the file and saw other rows than another is no oracle alone.
    if int(fields[1]) not in expected:
        return f"FAIL {fields[1]} rows, not {sorted(expected)}"
    return "read in part" if int(fields[3]) > 0 else "read"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--shared", default=os.environ.get("MILLIBAR_SHARED"))
    parser.add_argument("--report")
    parser.add_argument("--unmapped", action="store_true")
    arguments = parser.parse_args()
    default = Path(__file__).resolve().parents[3] / "shared"
    corpora = Path(arguments.shared or default) / "corpora"
    oracle = corpora / "oracle-parquet.csv"
    if not oracle.exists():
        print(f"skipped: {oracle} is not there (set MILLIBAR_SHARED)")
        return 77
    options = ["unmapped"] if arguments.unmapped else []
    outcomes: collections.Counter[str] = collections.Counter()
    report = []
    with oracle.open(newline="", encoding="utf-8") as lines:
        for entry in csv.DictReader(lines):
            kind, fields = read(arguments.program, corpora / entry["file"], *options)
            outcome = judge(entry, kind, fields)
            word = "FAIL" if outcome.startswith("FAIL") else outcome
            outcomes[word] += 1
            report.append([entry["file"], outcome, *fields, *(entry[k][:60] for k in READERS)])
            if word == "FAIL":
                print(f"{entry['file']}: {outcome}")
    for word, count in outcomes.most_common():
        print(f"{count:5d}  {word}")
    if arguments.report:
        with open(arguments.report, "w", newline="", encoding="utf-8") as out:
            csv.writer(out, delimiter="\t").writerows(report)
    return 1 if outcomes["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
