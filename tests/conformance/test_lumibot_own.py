"""lumibot's own tests pass with our classes as they pass on lumibot itself.

They are not ours to ship: MILLIBAR_LUMIBOT_CHECKOUT names a clone of lumibot's repository.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = os.environ.get("MILLIBAR_LUMIBOT_CHECKOUT")


def _runner() -> Any:
    path = Path(__file__).with_name("run.py")
    spec = importlib.util.spec_from_file_location("conformance_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.skipif(
    CHECKOUT is None,
    reason="MILLIBAR_LUMIBOT_CHECKOUT names no clone of github.com/Lumiwealth/lumibot, whose tests"
    " this would run with our classes",
)
def test_lumibots_tests_pass_with_our_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert CHECKOUT is not None
    n_lost = _runner().compare(Path(CHECKOUT))
    table = capsys.readouterr().out
    assert n_lost == 0, table


def test_a_folder_that_is_no_checkout_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["run.py", str(tmp_path)])
    assert _runner().main() == 2
    assert "git clone" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(CHECKOUT is None, reason="MILLIBAR_LUMIBOT_CHECKOUT names no clone of lumibot")
def test_lumibots_tests_pass_on_our_engine(capsys: pytest.CaptureFixture[str]) -> None:
    """Or are listed as not applicable; docs/compat.md has the table that is printed here."""
    pytest.importorskip("greenlet", reason="stepping the engine by hand needs greenlet")
    assert CHECKOUT is not None
    runner = _runner()
    assert runner.engine_tests.check(Path(CHECKOUT)) == 0, capsys.readouterr().out
    table = capsys.readouterr().out.strip()
    assert table in runner.engine_tests.DOC.read_text(encoding="utf-8"), table


def test_outcomes_are_sorted_by_what_they_mean() -> None:
    tests = _runner().engine_tests
    file = "test_pandas_data.py"
    private = "TestPandasData::test_get_last_price_returns_none_for_non_positive_prices"
    outcomes = {
        f"{file}::TestPandasData::test_one": ("passed", ""),
        f"{file}::TestPandasData::test_two[x]": ("failed", "why"),
        f"{file}::{private}": ("failed", "no"),
        f"{file}::TestPandasData::test_get_price_snapshot_returns_metadata": ("passed", ""),
        f"{file}::TestPandasData::test_three": ("skipped", ""),
        "test_order.py::test_other": ("passed", ""),
    }
    result = tests.sort(file, outcomes)
    assert result.passed == ["TestPandasData::test_one"] and result.skipped == 1
    assert result.failed == {"TestPandasData::test_two[x]": "why"}
    assert result.excused == {private: "sets the private _datetime"}
    assert result.stale == ["TestPandasData::test_get_price_snapshot_returns_metadata"]
    assert tests.sort("test_asset.py", outcomes).failed == {"(collection)": "not run"}
