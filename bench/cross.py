"""SMA-cross of 20 and 60 closes, filled at the next open: ours in Python, as signals, in C; peers.

One unit, long after a cross upwards and short after one downwards, over the minutes of MES and of
BTC (synthetic ones where the real are not there). Every contender is a process of its own that runs
a round when asked (serve.py), so the rounds are interleaved; bars and signals are there before a
round begins, start-up is told apart, and a first round is left out. Fills and profit are checked
equal before any time is printed; raptorbt, which trades one side only, is compared with our run of
that side.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Samples, seconds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SHARED = Path(os.environ.get("MILLIBAR_SHARED", ROOT.parent / "shared"))
MBAR = Path(shutil.which(os.environ.get("MBAR", "mbar")) or "mbar")

# What an independent loop and all the engines found: fills, and profit in points.
KNOWN = {
    "MES_1m_2026Q1": (1195, -141.00),
    "BTCUSD_1m_bitfinex_2018_2019": (21231, 12027.54),
}
CENT = 0.005
LONG_ONLY = {"signals-long", "raptorbt-long"}
OURS_PYTHON = ("strategy", "backtest", "engine", "signals", "signals-long")
OURS_C = "engine in C"
FLOORS = {"loop in C": "the loop alone, averages given", "loop": "the same in Python"}
PEERS = ("back-trader-cpp", "vectorbt", "vectorbt-rust", "raptorbt-long")
# (ours, peers) that do the same kind of job.
DUELS = (
    (("strategy", "backtest", "engine"), ("back-trader-cpp",)),
    (("signals",), ("vectorbt", "vectorbt-rust")),
    (("signals-long",), ("raptorbt-long",)),
)
GROWTH_ROWS = (63_752, 127_504, 258_306, 516_613, 1_033_226)
GROWING = ("strategy", "backtest", "engine", "signals", OURS_C)


class Contender:
    """A process that runs rounds when asked.

    Raises:
        RuntimeError: it ended before its line, saying why.
    """

    def __init__(self, command: Iterable[Any]) -> None:
        environment = os.environ.copy()
        if "peers.py" in " ".join(map(str, command)):
            environment.pop("PYTHONPATH", None)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        try:
            self.hello = self._line()
        except RuntimeError:
            self.close()
            raise
        self.start_s = time.perf_counter() - began

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            told = self._errors.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(told[-1] if told else "it ended without a word")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def round(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._line()

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()
        self._errors.close()


# ---- Where things are --------------------------------------------------------------------------


def find_data(folder: Path, *, quick: bool) -> list[tuple[str, Path]]:
    """The sets of bars, real where they are there."""
    found = []
    for name in list(KNOWN)[: 1 if quick else None]:
        path = SHARED / "data" / f"{name}.parquet"
        if not path.exists():
            path = synthetic(folder, name)
            name = f"synthetic bars instead of {name}"
        found.append((name, path))
    return found


def synthetic(folder: Path, name: str) -> Path:
    """About as many bars from `mbar synth`, trading for 23 hours a day."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"cross-{name}.parquet"
    if not path.exists():
        end = "2024-03-10" if name.startswith("MES") else "2026-12-20"
        command = [str(MBAR), "synth", "--symbol", "MES", "--seed", "7"]
        command += ["--from", "2024-01-01", "--to", end, "--out", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def peers_python(*, quick: bool) -> Path | None:
    """The interpreter of the peers' environment, made once: MILLIBAR_PEERS, or .cache/peers."""
    if "MILLIBAR_PEERS" in os.environ:
        return Path(os.environ["MILLIBAR_PEERS"]) / "bin" / "python"
    folder = ROOT / ".cache" / "peers"
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    wanted = (HERE / "peers.txt").read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    if quick:
        print("cross: the peers are not installed; a run without --quick installs them: skipped")
        return None
    print(f"cross: installing the peers into {folder.relative_to(ROOT)}")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "-r", str(HERE / "peers.txt")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            told = (done.stderr or done.stdout).strip().splitlines()
            print(f"cross: the peers cannot be installed: {told[-1] if told else ''}: skipped")
            return None
    stamp.write_text(wanted, encoding="utf-8")
    return python


def commands(path: Path, peers: Path | None, rows: int | None = None) -> dict[str, list[Any]]:
    """How each contender is started."""
    more = [path] if rows is None else [path, rows]
    in_c = MBAR.parent / "bench_cross"
    found: dict[str, list[Any]] = {}
    for name in (*OURS_PYTHON, "loop"):
        found[name] = [sys.executable, HERE / "cross_side.py", name, *more]
    if in_c.exists():
        found[OURS_C] = [in_c, "engine", *more]
        found["loop in C"] = [in_c, "loop", *more]
    else:
        print("cross: no bench_cross beside mbar (cmake -DMILLIBAR_BENCH=ON): C skipped")
    if peers is not None:
        for name in PEERS:
            found[name] = [peers, HERE / "peers.py", name, *more]
    return found


# ---- One set of bars ---------------------------------------------------------------------------


@dataclass
class Line:
    """What is known of one contender."""

    version: str
    start_s: float
    first_s: float
    fills: int
    profit: float
    run_mib: float
    samples: Samples


def measure(started: Mapping[str, list[Any]], rounds: int) -> dict[str, Line]:
    """Rounds in turn; a contender that fails is skipped with a line saying so."""
    alive: dict[str, Contender] = {}
    lines: dict[str, Line] = {}
    for name, command in started.items():
        try:
            contender = Contender(command)
            first = contender.round()
        except (RuntimeError, OSError) as error:
            if name not in PEERS:
                raise SystemExit(f"cross: {name} failed: {error}") from None
            print(f"cross: {name} does not run here: {error}: skipped")
            continue
        alive[name] = contender
        lines[name] = Line(
            str(contender.hello["version"]),
            contender.start_s,
            first["wall_s"],
            first["fills"],
            first["profit"],
            0.0,
            Samples(),
        )
    for _ in range(rounds):
        for name, contender in alive.items():
            round_, line = contender.round(), lines[name]
            line.samples.cpu_s.append(round_["cpu_s"])
            line.samples.wall_s.append(round_["wall_s"])
            line.run_mib = round_["peak_mib"] - contender.hello["loaded_mib"]
            if (round_["fills"], round_["profit"]) != (line.fills, line.profit):
                raise SystemExit(f"cross: {name} has other trades in another round")
    for contender in alive.values():
        contender.close()
    return lines


def check(name: str, lines: Mapping[str, Line]) -> None:
    """All contenders of a kind have the same fills and profit, and the known ones."""
    for long_only in (False, True):
        group = {who: line for who, line in lines.items() if (who in LONG_ONLY) == long_only}
        reference = group["signals-long" if long_only else "signals"]
        wanted = (reference.fills, reference.profit)
        if not long_only and name in KNOWN:
            wanted = KNOWN[name]
        for who, line in group.items():
            if line.fills != wanted[0] or abs(line.profit - wanted[1]) >= CENT:
                raise SystemExit(
                    f"cross: {who} has {line.fills} fills and {line.profit:+.4f} points on {name}, "
                    f"not {wanted[0]} and {wanted[1]:+.4f}: no times are shown"
                )
        kind = "long only" if long_only else "long and short"
        print(f"  {kind}: {wanted[0]:,} fills, {wanted[1]:+,.2f} points, all of {len(group)} agree")


def show(n_rows: int, lines: Mapping[str, Line]) -> None:
    print(
        f"  {'':18}{'version':>9}{'start':>9}{'first':>9}{'CPU':>10}{'wall':>10}{'spread':>8}"
        f"{'M bars/s':>10}{'memory':>10}"
    )
    for who, line in sorted(lines.items(), key=lambda item: item[1].samples.cpu):
        print(
            f"  {who:18}{line.version:>9}{seconds(line.start_s):>9}{seconds(line.first_s):>9}"
            f"{seconds(line.samples.cpu):>10}{seconds(line.samples.wall):>10}"
            f"{line.samples.spread:>8.0%}{n_rows / line.samples.cpu / 1e6:>10.2f}"
            f"{line.run_mib:>6.0f} MiB"
        )
    for ours, peers in DUELS:
        for who in ours:
            for peer in peers:
                if peer in lines:
                    ratio = lines[peer].samples.cpu / lines[who].samples.cpu
                    wall = lines[peer].samples.wall / lines[who].samples.wall
                    print(f"  {who} is {ratio:.2f} times as fast as {peer} ({wall:.2f} by wall)")
    for floor, what in FLOORS.items():
        if floor in lines:
            print(f"  {floor}: {what}")


def compare(
    name: str, path: Path, peers: Path | None, *, rounds: int
) -> tuple[str, dict[str, Samples]]:
    n_rows = count_rows(path)
    print(f"SMA-cross 20/60, {name}, {n_rows:,} bars, {rounds} rounds in turn")
    lines = measure(commands(path, peers), rounds)
    check(name, lines)
    show(n_rows, lines)
    return f"{name}, {n_rows} bars", {who: line.samples for who, line in lines.items()}


def count_rows(path: Path) -> int:
    from millibar import _core

    rows: int = _core.parquet_info(str(path))["rows"]
    return rows


# ---- Growth ------------------------------------------------------------------------------------


def grow(name: str, path: Path, *, rounds: int) -> dict[str, dict[str, Samples]]:
    """Time and memory of ours a bar, over ever more of the same bars."""
    available = count_rows(path)
    sizes = [rows for rows in GROWTH_ROWS if rows <= available] or [available]
    print(f"growth, {name}: CPU a bar and memory of the run a bar, orders included")
    print(f"  {'bars':>10}{'fills':>9}" + "".join(f"{who:>22}" for who in GROWING))
    found: dict[str, dict[str, Samples]] = {}
    for rows in sizes:
        started = commands(path, None, rows)
        lines = measure({who: started[who] for who in GROWING if who in started}, rounds)
        cells = [f"{rows:>10,}{lines['signals'].fills:>9,}"]
        for who in GROWING:
            if who in lines:
                each = lines[who].samples.cpu / rows
                bytes_ = lines[who].run_mib * 1024 * 1024 / rows
                cells.append(f"{seconds(each):>12}{bytes_:>8.0f} B")
        print("  " + "".join(cells))
        found[f"growth, {rows} bars"] = {who: line.samples for who, line in lines.items()}
    return found


def run(folder: Path, *, quick: bool) -> dict[str, dict[str, Samples]]:
    sets = find_data(folder, quick=quick)
    peers = peers_python(quick=quick)
    found = {}
    for name, path in sets:
        title, samples = compare(name, path, peers, rounds=3 if quick else 7)
        found[title] = samples
    if not quick:
        found.update(grow(*sets[-1], rounds=3))
    return found
