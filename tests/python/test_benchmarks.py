"""The benchmarks' frame: every one of run.py's table is there, and processes answer rounds."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest

import millibar as mb
from bench import contender, run
from bench.peers.__main__ import PEERS

BENCH = Path(run.__file__).parent


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    """A saw of closes, whose averages cross."""
    close = [100.0 + abs(i % 200 - 100) for i in range(1000)]
    columns = dict.fromkeys(("open", "high", "low", "close"), close)
    stamps = (60 * 10**9 * np.arange(1000)).view("datetime64[ns]")
    path = tmp_path / "bars.parquet"
    mb.Bars({"timestamp": stamps, **columns, "volume": [1] * 1000}, tz="UTC").write_parquet(path)
    return path


@pytest.mark.parametrize("name", run.BENCHMARKS)
def test_every_benchmark_offers_run(name: str) -> None:
    pytest.importorskip("pandas")
    module = importlib.import_module(f"bench.benchmarks.{name}")
    assert list(inspect.signature(module.run).parameters) == ["options"]


@pytest.mark.parametrize("who", PEERS)
def test_every_peer_has_its_file_and_says_what_it_times(who: str) -> None:
    """Without its package: a peer's module imports that in its side alone."""
    pytest.importorskip("pandas")
    module = importlib.import_module(f"bench.peers.{PEERS[who].file}_side")
    assert module.RULE and module.TIMED
    assert callable(module.side if PEERS[who].which is None else module.make(PEERS[who].which))


def test_peers_import_nothing_that_their_environments_lack() -> None:
    for path in (BENCH / "serve.py", *(BENCH / "peers").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                plain = top in sys.stdlib_module_names or top in ("numpy", "pandas")
                assert plain or name == "bench.serve" or name.startswith("bench.peers"), path


def test_a_side_answers_every_line_with_one_round(bars: Path) -> None:
    asked = contender.Contender(contender.side("cross", "strategy", bars, 500))
    try:
        first, second = asked.round(), asked.round()
        assert asked.hello["version"] == mb.__version__
    finally:
        asked.close()
    assert first["fills"] > 0 and first["cpu_s"] > 0 and first["peak_mib"] > 0
    assert (first["fills"], first["profit"]) == (second["fills"], second["profit"])


def test_sides_that_do_one_job_make_the_same_trades(bars: Path) -> None:
    found = {}
    for who in ("strategy", "signals", "loop"):
        asked = contender.Contender(contender.side("cross", who, bars))
        found[who] = asked.round()
        asked.close()
    assert len({(round_["fills"], round_["profit"]) for round_ in found.values()}) == 1


def test_a_process_that_ends_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"absent\.parquet"):
        contender.Contender(contender.side("cross", "strategy", tmp_path / "absent.parquet"))


def test_a_failed_round_is_told(bars: Path) -> None:
    asked = contender.Contender(contender.side("data", "millibar", 1))
    with pytest.raises(RuntimeError, match=r"absent\.parquet"):
        asked.round('{"job": "read", "path": "absent.parquet", "other": ""}')
    asked.close()


def test_peers_find_this_package_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    root = str(BENCH.parent)
    theirs = contender.environment(contender.peer(Path("python"), "bt", "bars"))
    assert theirs["PYTHONPATH"] == root
    ours = contender.environment(contender.side("cross", "loop", "bars"))
    assert ours["PYTHONPATH"].split(":")[:2] == [root, "/elsewhere"]
