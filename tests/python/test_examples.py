"""The examples run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bars(shared: Path) -> None:
    out = run(str(EXAMPLES / "bars.py"))
    assert "Bars: 10,080 rows x 6 columns" in out
    assert "200 bars known at 2024-01-04T12:00:00" in out
    assert "New York session of 2024-01-04: 390 bars" in out
    out = run(str(EXAMPLES / "bars.py"), str(shared / "data" / "MES_1m_2026Q1.parquet"))
    assert "Bars: 63,752 rows" in out


def test_arrow_friends() -> None:
    for module in ("pyarrow", "polars", "duckdb", "pandas"):
        pytest.importorskip(module)
    out = run(str(EXAMPLES / "arrow_friends.py"))
    assert "Bars: 7 rows x 2 columns" in out
    assert "Bars: 3 rows x 2 columns" in out
