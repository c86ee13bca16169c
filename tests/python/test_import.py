"""Importing millibar is cheap and drags nothing in."""

from __future__ import annotations

import subprocess
import sys

import pytest

import millibar as mb

HEAVY = ("numpy", "pandas", "pyarrow", "polars", "duckdb", "lumibot", "tqdm", "argparse")


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_heavy() -> None:
    code = f"import millibar, sys; print([m for m in {HEAVY} if m in sys.modules])"
    assert run(code).strip() == "[]"


def test_columns_and_windows_load_numpy_alone() -> None:
    code = f"""
import millibar as mb, sys
import numpy as np
stamps = np.arange("2024-01-03", "2024-01-04", dtype="datetime64[m]")
bars = mb.Bars({{"timestamp": stamps, "close": np.ones(len(stamps))}}, tz="UTC")
bars.window("2024-01-03 12:00", 5)["close"], bars.resample("1h"), repr(bars)
bars.lazy().filter(mb.col("close") > 0).collect()
print([m for m in {HEAVY} if m != "numpy" and m in sys.modules])
"""
    assert run(code).strip() == "[]"


def test_public_names() -> None:
    assert all(hasattr(mb, name) for name in mb.__all__)
    assert mb.__version__ == mb._core.__version__


def test_import_in_a_subinterpreter() -> None:
    """Each interpreter has its own types and error classes."""
    code = """
import millibar as mb
try:
    import _interpreters as sub
except ImportError:
    try:
        import _xxsubinterpreters as sub
    except ImportError:
        print("none"); raise SystemExit
inner = sub.create()
program = '''
import millibar as mb
zone = mb._core.Zone("America/New_York")
assert zone.offset_s(0) == -5 * 3600
column = mb._core.column_from_buffer("x", bytes(80), "int64")
array = column.__arrow_c_array__()
del column, array
try:
    mb._core.Zone("No/Where")
except mb.ZoneNotFoundError:
    pass
'''
error = sub.run_string(inner, program)
assert error is None, error
sub.destroy(inner)
try:
    mb._core.Zone("No/Where")
except mb.ZoneNotFoundError:
    print("ok")
"""
    out = run(code).strip()
    if out == "none":
        pytest.skip("this Python has no subinterpreters")
    assert out == "ok"


def test_zone_data_comes_from_the_package_where_the_system_has_none() -> None:
    pytest.importorskip("tzdata")
    code = """
import os
real = os.path.isdir
os.path.isdir = lambda path: "zoneinfo" not in str(path) and real(path)
from millibar import _core
told = []
import millibar._times as times
times._core = type("Core", (), {"set_zone_directory": staticmethod(told.append)})
times.use_packaged_zones()
print(told[0].replace(os.sep, "/").endswith("tzdata/zoneinfo"))
"""
    assert run(code).strip() == "True"
