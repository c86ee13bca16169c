"""bench/report.py: figures in documents come from the stored results and from nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import page, report, stored


def row(who: str, *cpu_s: float, **more: Any) -> dict[str, Any]:
    return {"who": who, "samples": {"cpu_s": list(cpu_s), "wall_s": list(cpu_s)}, **more}


def result(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    group = {"name": "read", "title": "whole read", "unit": "read", "base": "peer", "rows": rows}
    return {
        "benchmark": "data",
        "what": "reads",
        "quick": False,
        "date": "2024-01-02",
        "commit": "abc",
        "machine": {
            "cpu": "CPU",
            "cores": 2,
            "memory_gib": 24.0,
            "system": "Linux 6",
            "python": "3.11.2",
        },
        "load": [0, 0, 0],
        "versions": {"millibar": "0.1"},
        "took_s": 1.0,
        "groups": [{**group, **more}],
    }


OURS = row("ours", 1.0, 2.0, 3.0, ours=True, peak_mib=12.0, facts={"fills": 1195})
PEER = row("peer", 9.0, 8.0, 7.0, version="3.1")


def results(folder: Path, *rows: dict[str, Any], **more: Any) -> dict[str, stored.Benchmark]:
    (folder / "data.json").write_text(json.dumps(result(*rows, **more)))
    return stored.load_all(folder)


def ask(words: str, found: dict[str, stored.Benchmark]) -> str:
    return report.fill(f"is <!-- bench: {words} -->old<!-- /bench -->.", found)


def test_figures_replace_what_stood_there(tmp_path: Path) -> None:
    found = results(tmp_path, OURS, PEER)
    mark = "is <!-- bench: times data/read peer ours -->"
    assert ask("times data/read peer ours", found) == mark + "4.0<!-- /bench -->."
    assert report.fill(ask("cpu data/read ours", found), found).count("2 s<!--") == 1
    assert "1,195" in ask("fact data/read ours fills", found)
    assert "2 cores of CPU, 24 GiB" in ask("machine data", found)


def test_table_has_chosen_rows_and_columns(tmp_path: Path) -> None:
    said = ask("table data/read cpu times memory peer=a_peer ours", results(tmp_path, OURS, PEER))
    assert "| whole read | CPU | times as fast | memory |" in said
    assert "| a peer | 8 s | 1.00 |  |\n| ours | 2 s | 4.0 | 12 MiB |" in said


def test_grid_tells_times_of_ours(tmp_path: Path) -> None:
    said = ask("grid data ours=ours read", results(tmp_path, OURS, PEER))
    assert "| whole read | 2 s | 4.0 |" in said


def test_values_are_of_all_groups(tmp_path: Path) -> None:
    said = ask("values data", results(tmp_path, OURS, PEER))
    assert "| CPU | peer | ours |" in said and "| whole read | 8 s | 2 s |" in said


def test_growth_tells_the_ends(tmp_path: Path) -> None:
    sizes = [row("ours", 1e-6 * n, size=n, ours=True, peak_mib=n / 100) for n in (3000, 100, 1000)]
    said = ask("growth data/read", results(tmp_path, *sizes, base="ours", axis="bars"))
    assert "| ours | 100 to 3,000 | 1 us | 1 us | 30 MiB |" in said


def test_layers_stand_side_by_side(tmp_path: Path) -> None:
    ours = row("ours", 1.0, facts={"layers_us": {"data": 2.5, "strategy": 10.0}})
    peer = row("a peer", 1.0, facts={"layers_us": {"evidence": 1700.4, "data": 0.25}})
    said = ask("layers data/read a_peer=theirs ours", results(tmp_path, ours, peer))
    assert "| us an iteration | theirs | ours |" in said
    assert "| evidence | 1,700 |  |\n| data | 0.2 | 2.5 |\n| strategy |  | 10 |" in said
    assert "| together | 1,701 | 12 |" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("times data/write peer ours", "no group 'write'; it has read"),
        ("cpu data/read nobody", "no row 'nobody'"),
        ("cpu nothing/read ours", "no result of the benchmark 'nothing'"),
        ("price data/read", "no such figure"),
        ("cpu data/read", "missing 1 required"),
    ],
)
def test_a_figure_that_is_not_there_is_told(words: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        ask(words, results(tmp_path, OURS, PEER))


def test_a_peer_that_wins_needs_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = results(tmp_path, OURS, row("peer", 0.5))
    monkeypatch.setattr(report, "reasons", list)
    with pytest.raises(ValueError, match=r"peer is 4\.0 times as fast as ours at data/read"):
        report.explained(found)
    reason = {"where": "data/*", "peer": "pe*", "why": "it is", "change": "work"}
    monkeypatch.setattr(report, "reasons", lambda: [reason])
    assert "| `data/read` | peer | 4.0 | it is | work |" in ask("losses", found)


@pytest.mark.parametrize(
    "peer",
    [
        row("peer", 0.5, facts={"job": "floor"}),
        row("peer", 0.5, facts={"same_trades": False}),
        row("peer", 0.5, facts={"job": "another"}),
        row("peer", 0.5, size=3),
    ],
)
def test_only_like_is_compared_with_like(peer: dict[str, Any], tmp_path: Path) -> None:
    assert stored.losses(results(tmp_path, OURS, peer)["data"]) == []


def test_the_page_draws_bars_and_growth(tmp_path: Path) -> None:
    drawn = page.draw(results(tmp_path, OURS, row("<peer>", 8.0), base="ours"))
    assert drawn.count("<rect") == 2
    assert "&lt;peer&gt;" in drawn and "<peer>" not in drawn
    sizes = [row("ours", 1e-3 * size, size=size, ours=True) for size in (1000, 3000)]
    grown = page.draw(results(tmp_path, *sizes, base="ours", axis="bars"))
    assert grown.count("<polyline") == 1


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("{}")
    with pytest.raises(ValueError, match=r"data\.json is no result of bench/run\.py"):
        stored.load_all(tmp_path)


def test_documents_say_what_the_results_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--check"]) == 0, capsys.readouterr()
