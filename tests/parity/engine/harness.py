"""Runs scenarios on an engine in workers of its own, and keeps lumibot's answers.

A worker that dies or stands still costs its present scenario only: that is recorded as unusable,
and a new worker takes up the rest. lumibot's answers may be kept in a folder, under a name made
from the sources that decide them, and are then worked out once while an engine is being written.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
Key = int | str
Records = dict[Key, dict[str, Any]]
# What decides lumibot's answers; each file's text goes into the name they are kept under.
SOURCES = (
    HERE / "worker.py",
    HERE / "record.py",
    HERE / "scenario.py",
    HERE / "named.py",
    HERE / "examples.py",
    HERE / "strategies" / "random_trader.py",
    HERE.parent / "parity_data.py",
)
PATIENCE_S = 120.0
# Scenarios to a process: what it did is kept when it ends.
BLOCK = 100


def answers(engine: str, keys: list[Key], jobs: int = 2, cache: Path | None = None) -> Records:
    """The record of each scenario; numbers are seeds, texts name runs of named and examples."""
    folder = cache / _fingerprint() if cache is not None and engine == "lumibot" else None
    found = _kept(folder, keys)
    missing = [key for key in keys if key not in found]
    shares = [missing[i::jobs] for i in range(jobs)]
    threads = [
        threading.Thread(target=_share, args=(engine, share, found, folder))
        for share in shares
        if share
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {key: found[key] for key in keys}


def _fingerprint() -> str:
    total = hashlib.sha1()
    for path in SOURCES:
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def _kept(folder: Path | None, keys: list[Key]) -> Records:
    if folder is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    paths = {key: folder / f"{key}.json" for key in keys}
    return {k: json.loads(p.read_text()) for k, p in paths.items() if p.exists()}


def _share(engine: str, keys: list[Key], found: Records, folder: Path | None) -> None:
    """Works through keys, in as many workers as it takes."""
    for first in range(0, len(keys), BLOCK):
        _block(engine, keys[first : first + BLOCK], found, folder)


def _block(engine: str, left: list[Key], found: Records, folder: Path | None) -> None:
    """Until nothing is left; what ends a worker twice is given up."""
    suspect: Key | None = None
    while left:
        with tempfile.TemporaryDirectory(prefix="millibar-engine-") as place:
            reason = _worker(engine, left, Path(place))
            lines = (Path(place) / "out").read_text().splitlines()
        for record in map(json.loads, filter(_whole, lines)):
            key = record["seed"]
            left.remove(key)
            found[key] = record
            if folder is not None and "unusable" not in record:
                _keep(folder / f"{key}.json", record)
        if left and suspect == left[0]:
            found[left[0]] = {"seed": left[0], "unusable": reason or "left out", "cpu_s": 0.0}
            left.pop(0)
        suspect = left[0] if left else None


def _keep(path: Path, record: dict[str, Any]) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(record, separators=(",", ":")))
    draft.replace(path)


def _whole(line: str) -> bool:
    return line.endswith("}")


def _worker(engine: str, keys: list[Key], place: Path) -> str | None:
    """One process over keys; None, or why it ended before the last of them."""
    command = [sys.executable, str(HERE / "worker.py"), "--engine", engine]
    seeds = ",".join(str(key) for key in keys if isinstance(key, int))
    runs = ",".join(key for key in keys if isinstance(key, str))
    command += ["--seeds", seeds, "--runs", runs, "--out", str(place / "out")]
    (place / "out").touch()
    with open(place / "log", "wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=place, env=os.environ | {"MILLIBAR_LOG": "error"}
        )
        moved, size = time.monotonic(), -1
        while process.poll() is None:
            time.sleep(0.05)
            now = (place / "out").stat().st_size
            if now != size:
                moved, size = time.monotonic(), now
            elif time.monotonic() - moved > PATIENCE_S:
                process.kill()
                process.wait()
                return f"stood still for {PATIENCE_S:.0f} s"
    if process.returncode == 0:
        return None
    tail = (place / "log").read_text(errors="replace").strip().splitlines()[-1:]
    return f"worker ended with {process.returncode}: {' '.join(tail)[:300]}"
