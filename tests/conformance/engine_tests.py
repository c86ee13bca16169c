"""lumibot's own tests on millibar's own engine: what passes, and why the others cannot.

A test is not applicable where it asks for what only lumibot has: a private method it steps its
broker with, a vendor, options, charts. Each such test stands in NOT_APPLICABLE under its file, or
under its own name, with the reason; any other test that fails is a failure, and one listed here
that passes is one too, so that the list stays true.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from lumibot_files import INI, SOURCE_FILES

HERE = Path(__file__).resolve().parent
DOC = HERE.parents[1] / "docs" / "compat.md"
BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"

# Beside the files that reach the data source: values alone.
FILES = {**SOURCE_FILES, "test_order_serialization.py": 3}

_CALENDAR = "private methods of lumibot's broker that move its clock and read its calendar"
_OPTIONS = "options and legs are not simulated"
_PRIVATE_STEPS = "calls the private _parse_timestep"
_PROGRESS = "the progress file of lumibot's DataSourceBacktesting"
_PROCESSING = "backtest/test_backtesting_broker_processing.py"
_CRYPTO = "test_backtesting_crypto_cash_unit.py"

# file, or file::test: why.
NOT_APPLICABLE = {
    "test_indicator_subplots.py": "the HTML of lumibot's charts",
    **{
        f"test_drift_rebalancer.py::{name}": "fails on lumibot too, with the same figures"
        for name in ("test_classic_60_40", "test_classic_60_40_with_fractional")
    },
    "test_split_adjustment.py": "ThetaData's helper",
    "test_data_polars_parity.py": "lumibot's DataPolars",
    "test_portfolio_valuation_fallbacks.py": "private valuation steps of lumibot's Strategy",
    "test_backtesting_broker_time_advance.py": _CALENDAR,
    "backtest/test_polars_lru_eviction.py": "the caches of lumibot's PolarsData",
    "test_backtesting_multileg_unit.py": _OPTIONS,
    "backtest/test_multileg_backtest.py": _OPTIONS,
    f"{_CRYPTO}::test_option_round_trip_applies_multiplier": _OPTIONS,
    f"{_CRYPTO}::test_filled_order_payload_contains_quantity_and_trade_cost": "replaces a private "
    "method of lumibot's executor",
    f"{_PROCESSING}::test_trailing_stop_sell_triggers_after_price_drop": "processes twice at one "
    "time, which the engine never does",
    "backtest/test_tqqq_sanity.py": "trades the first day, which lumibot's own daily loop skips",
    "test_pandas_data.py::test_get_start_datetime_and_ts_unit": "a helper of lumibot's DataSource",
    "test_pandas_data.py::test_get_price_snapshot_returns_metadata": "times of trades and quotes, "
    "which are not kept",
    "test_pandas_data.py::test_get_last_price_returns_none_for_non_positive_prices": "sets the "
    "private _datetime",
    "test_get_historical_prices.py::test_pandas_backtesting_data_source_get_historical_prices_daily"
    "_bars_dividends_and_adj_returns": "sets the private _datetime",
    "test_get_historical_prices.py::test_yahoo_backtesting_data_source_get_historical_prices_daily"
    "_bars_dividends_and_adj_returns": "Yahoo's prices",
    **{
        f"test_get_historical_prices.py::test_parse_timestep_{name}": _PRIVATE_STEPS
        for name in (
            *("standard_formats", "multi_minute_formats", "hour_formats", "case_insensitive"),
            *("day_week_month_formats", "invalid_formats"),
        )
    },
    "test_backtesting_broker.py::test_submit_order_calls_conform_order": "replaces a private "
    "method of lumibot's broker",
    "test_backtesting_broker.py::TestBacktestingBrokerTimeAdvance": _CALENDAR,
    "test_progress_logging.py::TestDataSourceBacktestingProgress": _PROGRESS,
    "test_progress_logging.py::TestUpdateDatetimeWithPositions": _PROGRESS,
    "test_progress_logging.py::TestBackwardCompatibility": _PROGRESS,
    "test_cash.py::test_update_cash_handles_all_order_sides": "calls the private _update_cash",
}


@dataclass
class FileResult:
    """One file's tests."""

    passed: list[str] = field(default_factory=list)
    excused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)
    skipped: int = 0

    @property
    def reasons(self) -> dict[str, int]:
        """Why tests are not applicable, and how many."""
        counts: dict[str, int] = {}
        for reason in self.excused.values():
            counts[reason] = counts.get(reason, 0) + 1
        return counts


def check(checkout: Path, only: str = "", write: bool = False) -> int:
    """Run, print the table, perhaps write it; 1 where a test fails that should not, else 0."""
    outcomes = run(checkout, [name for name in FILES if only in name])
    results = {name: sort(name, outcomes) for name in FILES if only in name}
    print(table(results))
    problems = 0
    for name, result in results.items():
        for test, reason in result.failed.items():
            print(f"FAILED {name}::{test}: {reason}")
        for test in result.stale:
            print(f"PASSES, though listed as not applicable: {name}::{test}")
        problems += len(result.failed) + len(result.stale)
    if write and not only:
        write_table(table(results))
    return 1 if problems else 0


def run(checkout: Path, files: list[str]) -> dict[str, tuple[str, str]]:
    """{file::test: (outcome, reason)} of the files, in one process without lumibot."""
    with tempfile.TemporaryDirectory(prefix="lumibot-tests-") as name:
        folder = Path(name)
        for part in ("tests", "data"):
            shutil.copytree(checkout / part, folder / part)
        (folder / "pytest.ini").write_text(INI, encoding="utf-8")
        present = [f"tests/{file}" for file in files if (folder / "tests" / file).exists()]
        results = folder / "outcomes.json"
        options = ["-q", "-p", "engine_conformance", "--continue-on-collection-errors"]
        environment = os.environ | {
            "CONFORMANCE_RESULTS": str(results),
            "CONFORMANCE_EXAMPLES": str(checkout / "lumibot" / "example_strategies"),
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        }
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *present],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if not results.exists():
            print(*(done.stdout + done.stderr).splitlines()[-20:], sep="\n", file=sys.stderr)
            return {}
        found: dict[str, tuple[str, str]] = json.loads(results.read_text(encoding="utf-8"))
        return {test.removeprefix("tests/"): tuple(found[test]) for test in found}  # type: ignore[misc]


def sort(file: str, outcomes: dict[str, tuple[str, str]]) -> FileResult:
    """The outcomes of one file, by what they mean."""
    result = FileResult()
    if not any(key.partition("::")[0] == file for key in outcomes):
        result.failed["(collection)"] = "not run"
    for key, (outcome, reason) in outcomes.items():
        name, _, test = key.partition("::")
        if name != file:
            continue
        excuse = excuse_of(file, test or "(collection)")
        if outcome == "skipped":
            result.skipped += 1
        elif outcome == "passed":
            (result.passed if excuse is None else result.stale).append(test)
        elif excuse is not None:
            result.excused[test] = excuse
        else:
            result.failed[test or "(collection)"] = reason
    return result


def excuse_of(file: str, test: str) -> str | None:
    """Why a test is not applicable; None where it is."""
    owner, _, full = test.rpartition("::")
    name = full.partition("[")[0]
    for key in (f"{file}::{name}", f"{file}::{owner}", file):
        if key in NOT_APPLICABLE:
            return NOT_APPLICABLE[key]
    return None


def table(results: dict[str, FileResult]) -> str:
    """The table, as Markdown."""
    lines = [
        "| lumibot's test file | on lumibot | pass | not applicable | why not |",
        "|---|---:|---:|---:|---|",
    ]
    n_all = n_passed = n_excused = 0
    for name, result in results.items():
        whole_file = "(collection)" in result.excused or list(result.excused) == [""]
        excused = FILES[name] if whole_file else len(result.excused)
        counts = result.reasons.items()
        why = "; ".join(f"{n} {r}" if len(counts) > 1 else r for r, n in counts)
        lines.append(f"| {name} | {FILES[name]} | {len(result.passed)} | {excused} | {why} |")
        n_all, n_passed = n_all + FILES[name], n_passed + len(result.passed)
        n_excused += excused
    lines.append(f"| all | {n_all} | {n_passed} | {n_excused} | |")
    return "\n".join(lines)


def write_table(text: str) -> None:
    """Put the table between its marks in docs/compat.md."""
    page = DOC.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    DOC.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
