"""The millibar command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import millibar as mb
from millibar.cli import main


@pytest.fixture
def file(tmp_path: Path) -> Path:
    stamps = np.datetime64("2024-01-03T14:30", "s") + np.arange(1000) * np.timedelta64(60, "s")
    bars = mb.Bars(
        {"timestamp": stamps, "close": np.arange(1000) / 4, "volume": np.arange(1000) % 7}, tz="UTC"
    )
    path = tmp_path / "bars.parquet"
    bars.write_parquet(path, codec="zstd")
    return path


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"millibar {mb.__version__}\n"


def test_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "millibar", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"millibar {mb.__version__}"


def test_info(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(file)]) == 0
    out = capsys.readouterr().out
    assert "1,000 rows, 1 row groups" in out
    assert "zstd" in out
    assert "timestamp  timestamp[s, UTC]" in out
    assert main(["info", str(file), "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["rows"] == 1000
    assert [column["name"] for column in info["columns"]] == ["timestamp", "close", "volume"]


def test_explain(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["explain", str(file), "--from", "2024-01-03 10:00", "--to", "2024-01-03 11:00",
                 "--tz", "America/New_York", "--filter", "volume > 2 and not close < 10",
                 "--columns", "timestamp,close"]  # fmt: skip
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "(volume > 2)" in out
    wanted = mb.read_parquet(file, start="2024-01-03 15:00", end="2024-01-03 16:00")
    n = len(wanted.filter(mb.col("volume") > 2, mb.col("close") >= 10))
    assert f"result: {n} rows, 2 columns" in out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["info", "/no/such.parquet"], "/no/such.parquet: "),
        (["explain", "FILE", "--filter", "nope > 1"], "nope"),
        (["explain", "FILE", "--filter", "1 +"], "not an expression"),
        (["explain", "FILE", "--from", "yesterday"], "yesterday"),
        (["explain", "FILE", "--columns", "a,b"], '"a"'),
    ],
)
def test_failures_are_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], what: str
) -> None:
    assert main([str(file) if word == "FILE" else word for word in arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"millibar {arguments[0]}: ")
    assert captured.err.count("\n") == 1
    assert what in captured.err


def test_a_reader_that_leaves_is_no_failure(file: Path) -> None:
    command = f"'{sys.executable}' -m millibar info '{file}' --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["info"], ["info", "a", "--what"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: millibar" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["info", "explain"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"example: millibar {command} " in capsys.readouterr().out.replace("\n", " ")
