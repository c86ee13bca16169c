"""`millibar bench`."""

from __future__ import annotations

import json

import pytest

from millibar import bench
from millibar.cli import main
from millibar.errors import Error
from millibar.signals import from_signals


def test_it_tells_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--bars", "2000"]) == 0
    text = capsys.readouterr().out
    assert "2,000 bars; signals and strategy made the same" in text
    assert text.count(" ms ") == 2 * 6
    assert main(["bench", "--bars", "2000", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bars"] == 2000
    assert told["fills"] == bench.check(bench.made_bars(2000)) > 10
    assert all(task["seconds"] > 0 for task in told["tasks"].values())
    for task in told["tasks"].values():
        assert task["bars_per_second"] == 2000 / task["seconds"]
        assert task["best_seconds"] <= task["seconds"]


@pytest.mark.parametrize(("seconds", "busy"), [([1.0, 1.0, 1.2], False), ([1.0, 2.0, 2.0], True)])
def test_a_busy_machine_is_told(seconds: list[float], busy: bool) -> None:
    told = {"millibar": "1", "python": "3", "numpy": "2", "machine": "m", "bars": 1000, "fills": 1}
    tasks = {"sma(20)": bench.task(seconds, 123_456)}
    text = bench.as_text({**told, "tasks": tasks, "peak_memory_bytes": 2**20})
    assert ("busy" in text) == busy
    assert ("123,000" if not busy else "61,700") in text


def test_the_bars_are_the_same_everywhere() -> None:
    bars = bench.made_bars(1000)
    assert bars["close"].tolist() == bench.made_bars(1000)["close"].tolist()
    assert (bars["high"] >= bars["open"]).all() and (bars["low"] <= bars["close"]).all()
    assert bars["close"].tolist() != bench.made_bars(1000, seed=2)["close"].tolist()


def test_nothing_is_timed_where_the_two_forms_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "run_signals", lambda bars: from_signals(bars))
    with pytest.raises(Error, match="differ in timestamp"):
        bench.check(bench.made_bars(1000))


def test_too_few_bars(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--bars", "10"]) == 1
    assert capsys.readouterr().err == "millibar bench: --bars 10: give at least 1000\n"
