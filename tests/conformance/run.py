"""Run lumibot's own tests with our data source and Bars in place of lumibot's.

    python tests/conformance/run.py CHECKOUT            both sides, and a table
    python tests/conformance/run.py CHECKOUT --side lumibot
    python tests/conformance/run.py CHECKOUT --only test_pandas_data
    python tests/conformance/run.py CHECKOUT --engine millibar     no lumibot: our own engine

CHECKOUT is a clone of lumibot's repository (github.com/Lumiwealth/lumibot), of which only `tests`
and `data` are used: they are copied aside, so that the installed lumibot is what they test. The
table gives, for each file, how many tests pass on lumibot itself, how many with our classes, and
the names of those that pass on lumibot alone. Exit 0 when there are none, 1 when there are, 2 when
the checkout is not one.

With `--engine millibar` the tests' `import lumibot` finds millibar's own classes and lumibot is not
imported at all (engine_tests.py); docs/compat.md holds the table, which `--write` brings up to
date.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import engine_tests
from lumibot_files import INI, SOURCE_FILES

HERE = Path(__file__).resolve().parent
PYTHON_PACKAGE = HERE.parents[1] / "python"

DATABENTO_FILES = {
    "test_databento_backtesting.py": 16,
    "test_databento_backtesting_polars.py": 12,
    "test_databento_helper.py": 35,
}


@dataclass
class Outcome:
    """One file on one side: test to outcome."""

    tests: dict[str, str]

    @property
    def passed(self) -> set[str]:
        return {name for name, outcome in self.tests.items() if outcome == "passed"}

    def __str__(self) -> str:
        counts = Counter(self.tests.values())
        others = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()) if what != "passed")
        return f"{counts['passed']}" + (f" ({others})" if others else "")


def prepare(checkout: Path, folder: Path) -> None:
    """lumibot's tests and their data, without lumibot's package beside them."""
    for name in ("tests", "data"):
        if (checkout / name).is_dir():
            shutil.copytree(checkout / name, folder / name)
    (folder / "pytest.ini").write_text(INI, encoding="utf-8")


def run_files(folder: Path, files: list[str], side: str, databento: bool) -> dict[str, Outcome]:
    """Run the files in one process and sort the outcomes by file."""
    results = folder / f"{side}.json"
    results.write_text("{}", encoding="utf-8")
    present = [f"tests/{name}" for name in files if (folder / "tests" / name).exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "lumibot_conformance", *present]
    environment = os.environ | {
        "CONFORMANCE_SIDE": side,
        "CONFORMANCE_RESULTS": str(results),
        "CONFORMANCE_DATABENTO": "1" if databento else "",
        "IS_BACKTESTING": "true",
        "LUMIBOT_DISABLE_DOTENV": "1",
        "LUMIBOT_CACHE_FOLDER": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    }
    log = folder / f"{side}.log"
    with log.open("ab") as sink:
        subprocess.run(command, cwd=folder, env=environment, stdout=sink, stderr=sink, check=False)
    outcomes = json.loads(results.read_text(encoding="utf-8"))
    if not outcomes:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        print(f"nothing ran over {side}:", *tail, sep="\n    ")
    return by_file(outcomes, files)


def by_file(outcomes: dict[str, str], files: list[str]) -> dict[str, Outcome]:
    found = {name: Outcome({}) for name in files}
    for test, outcome in outcomes.items():
        path, _, name = test.partition("::")
        key = path.removeprefix("tests/")
        if key in found:
            found[key].tests[name] = outcome
    return found


def compare(checkout: Path, only: str = "", side: str = "both", databento: bool = True) -> int:
    """Print the table and return how many tests pass on lumibot but not with ours."""
    groups = [(SOURCE_FILES, False)] + ([(DATABENTO_FILES, True)] if databento else [])
    n_lost = 0
    with tempfile.TemporaryDirectory(prefix="lumibot-tests-") as name:
        folder = Path(name)
        prepare(checkout, folder)
        print(f"{'file':55} {'target':>6}  {'lumibot':22} millibar")
        for targets, with_databento in groups:
            chosen = [file for file in targets if only in file]
            if chosen:
                n_lost += compare_group(folder, targets, chosen, side, with_databento)
        for log in sorted(folder.glob("*.log")):
            shutil.copy(log, Path(tempfile.gettempdir()) / f"conformance-{log.name}")
    return n_lost


def compare_group(
    folder: Path, targets: dict[str, int], files: list[str], side: str, databento: bool
) -> int:
    sides = ("lumibot", "millibar") if side == "both" else (side,)
    results = {one: run_files(folder, files, one, databento) for one in sides}
    n_lost = 0
    for file in files:
        texts = [
            str(results[one][file]) if one in results else "-" for one in ("lumibot", "millibar")
        ]
        print(f"{file:55} {targets[file]:>6}  {texts[0]:22} {texts[1]}")
        if side == "both":
            lost = results["lumibot"][file].passed - results["millibar"][file].passed
            n_lost += len(lost)
            for test in sorted(lost):
                print(f"    {results['millibar'][file].tests.get(test, 'not run')}: {test}")
    return n_lost


def main() -> int:
    parser = argparse.ArgumentParser(description="lumibot's own tests, with our classes.")
    parser.add_argument("checkout", type=Path, help="a clone of lumibot's repository")
    parser.add_argument("--side", choices=("both", "lumibot", "millibar"), default="both")
    parser.add_argument("--only", default="", help="files whose path contains this")
    parser.add_argument("--no-databento", action="store_true", help="leave DataBento's files out")
    parser.add_argument("--engine", choices=("lumibot", "millibar"), default="lumibot")
    parser.add_argument("--write", action="store_true", help="put the table into docs/compat.md")
    arguments = parser.parse_args()
    if not (arguments.checkout / "tests" / "test_pandas_data.py").exists():
        print(
            f"run.py: {arguments.checkout} is no checkout of lumibot (tests/test_pandas_data.py is"
            " missing); git clone https://github.com/Lumiwealth/lumibot and give its folder",
            file=sys.stderr,
        )
        return 2
    if arguments.engine == "millibar":
        return engine_tests.check(arguments.checkout, arguments.only, arguments.write)
    lost = compare(arguments.checkout, arguments.only, arguments.side, not arguments.no_databento)
    print(f"{lost} tests pass on lumibot alone")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
