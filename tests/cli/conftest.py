"""Finds the command and makes the files its tests read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("MILLIBAR_SHARED", ROOT.parent / "shared"))


def find_mbar() -> Path | None:
    """$MBAR, else the newest build in build*/, else PATH."""
    if os.environ.get("MBAR"):
        return Path(os.environ["MBAR"]).resolve()
    built = [path for path in ROOT.glob("build*/**/mbar") if path.is_file()]
    if built:
        return max(built, key=lambda path: path.stat().st_mtime)
    installed = shutil.which("mbar")
    return Path(installed) if installed else None


@pytest.fixture(scope="session")
def mbar() -> Path:
    path = find_mbar()
    if path is None or not path.is_file():
        pytest.fail(f"mbar is not built ({path}): run make build, or name it in $MBAR")
    return path


@pytest.fixture(scope="session")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pyarrow", reason="the command's fixtures are written with pyarrow")
    from .fixtures import write_all

    folder = tmp_path_factory.mktemp("fixtures")
    write_all(folder)
    return folder


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run(mbar: Path) -> Run:
    """Runs mbar with arguments; `code` is the exit code it must have."""

    def call(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(mbar), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    return call


@pytest.fixture(scope="session")
def run_json(run: Run) -> Callable[..., list[dict]]:
    """The same with --json; gives the objects, one a line."""

    def call(*arguments: object, code: int = 0) -> list[dict]:
        return [
            json.loads(line) for line in run(*arguments, "--json", code=code).stdout.splitlines()
        ]

    return call


@pytest.fixture(scope="session")
def data() -> Path:
    folder = SHARED / "data"
    if not (folder / "MANIFEST.md").is_file():
        pytest.skip(f"no market data at {folder}: set MILLIBAR_SHARED")
    return folder


@pytest.fixture(scope="session")
def run_files(mbar: Path) -> Callable[[str], tuple[list[Path], subprocess.CompletedProcess[str]]]:
    """Runs a verb over every Parquet file of the corpora in one process."""
    files = sorted((SHARED / "corpora").rglob("*.parquet"))
    if not files:
        pytest.skip(f"no corpora at {SHARED}: set MILLIBAR_SHARED")

    def call(verb: str) -> tuple[list[Path], subprocess.CompletedProcess[str]]:
        return files, subprocess.run(
            [str(mbar), verb, "--json", "--memory-limit", "1G", *map(str, files)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def mes(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight sessions of synthetic bars."""
    path = tmp_path_factory.mktemp("synth") / "MES.parquet"
    run("synth", "--seed", 7, "--from", "2024-01-02", "--to", "2024-01-12", "--out", path)
    return path
