"""What the Python tests share: where real data is, and bars to test with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

import millibar as mb

sys.path.insert(0, str(Path(__file__).parent))
from bars_support import make_columns

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that need it are skipped where there is none."""
    path = Path(os.environ.get("MILLIBAR_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip(f"no market data at {path}: set MILLIBAR_SHARED")
    return path


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    return make_columns(1000)


@pytest.fixture
def bars(columns: dict[str, np.ndarray]) -> mb.Bars:
    return mb.Bars(columns, tz="UTC")
