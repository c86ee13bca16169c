"""The command line, end to end: scripts with expected output, in the manner of zstd's cli-tests.

Each `cases/NAME.sh` runs in an empty folder with `mbar` on PATH and the files of fixtures.py in
$FIXTURES; what it prints must equal `NAME.out` (and `NAME.err`, empty where there is none). Byte
counts are replaced by `#`, because they depend on the compressors' versions. To accept a change,
run with MBAR_ACCEPT=1 and read the difference.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CASES = sorted((HERE / "cases").glob("*.sh"))
ACCEPT = os.environ.get("MBAR_ACCEPT") == "1"


def without_chunk_sizes(text: str) -> str:
    """The last column of `mbar info`'s tables."""
    lines, in_table = text.split("\n"), False
    for i, line in enumerate(lines):
        if re.match(r"  column .* bytes$", line):
            in_table = True
        elif not line.startswith("  "):
            in_table = False
        if in_table:
            lines[i] = re.sub(r" +([\d,]+|bytes)$", " #", line)
    return "\n".join(lines)


def normalize(text: str, folders: dict[str, Path]) -> str:
    for name, folder in folders.items():
        text = text.replace(str(folder), name)
    text = re.sub(r"[\d,]+ of [\d,]+ bytes", "# of # bytes", text)
    text = re.sub(r"\b[\d,]+ bytes", "# bytes", text)
    text = re.sub(r"columns [\d,]+, uncompressed [\d,]+", "columns #, uncompressed #", text)
    text = re.sub(r'("(?:[a-z]+_)?bytes(?:_[a-z]+)?"):\d+', r"\1:#", text)
    text = re.sub(r"^(  bytes       ).*", r"\1#", text, flags=re.M)
    text = without_chunk_sizes(text)
    text = re.sub(r" in /[^;]*zoneinfo", " in #", text)
    return re.sub(r"^mbar \d+\.\d+\.\d+", "mbar #", text, flags=re.M)


def compare(path: Path, text: str) -> None:
    if ACCEPT:
        if text or path.suffix == ".out":
            path.write_text(text, encoding="utf-8")
        elif path.exists():
            path.unlink()
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == expected, f"{path.name} differs (MBAR_ACCEPT=1 accepts)"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case: Path, mbar: Path, fixtures: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mbar").symlink_to(mbar)
    work = tmp_path / "work"
    work.mkdir()
    run = subprocess.run(
        ["bash", str(case)],
        cwd=work,
        env={
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "FIXTURES": str(fixtures),
            "LC_ALL": "C",
            "HOME": str(work),
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    folders = {"$FIXTURES": fixtures, "$WORK": work}
    compare(case.with_suffix(".out"), normalize(run.stdout.decode("utf-8"), folders))
    compare(case.with_suffix(".err"), normalize(run.stderr.decode("utf-8"), folders))
    assert run.returncode == 0, "a case script ends with 0; it prints the codes it expects"
